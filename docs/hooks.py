"""What the build of the documentation adds: formulas as MathML, the reference, and an index that is searched offline.

The reference has a page for `kapitza` and for each room (`kapitza.md`, `kapitza.eels`, ...) with the public names of
its stub, and a page for every public module, made from its docstrings.

Formulas are turned into MathML when the pages are built, so that a page needs no script, no font and no other host.
"""

import ast
import html
import re
from pathlib import Path
from typing import Any

from doors import ROOMS, SOURCE, public_names, summary
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

FLOORS = {
    "core": "Modules of core",
    "matter": "Modules of matter",
    "run": "Modules of run",
    "theory": "Modules of theory",
    "simulate": "Modules of md and boltzmann",
    "device": "Modules of device",
    "applications": "Modules of applications",
    "measure": "Modules of measure, thermoreflectance and eels",
    "screen": "Modules of screen",
    "routes": "Modules of routes",
    "io": "Modules of io",
    "plot": "Modules of plot",
    "web": "Modules of web",
}


def room_page(room: str) -> str:
    """Markdown of the page of a room: its public names, each with its summary and a link to the full entry."""
    names = public_names(room)
    lines = [f"# {room}", "", summary(room), "", "| name | |", "|---|---|"]
    for name, module in names:
        if module == "kapitza":
            path = Path(page_of(f"kapitza.{name}")).relative_to("reference")
            lines.append(f"| [`{name}`]({path}) | {summary(f'kapitza.{name}')} |")
        elif summary(module, name):
            lines.append(f"| [`{name}`][{module}.{name}] | {summary(module, name)} |")
        else:
            path = Path(page_of(module)).relative_to("reference")
            lines.append(f"| [`{name}`]({path}) | type alias |")
    return "\n".join(lines) + "\n"


def public_modules() -> list[str]:
    """Dotted names of the modules with a public function or class, floor by floor."""
    names = ["kapitza.units", "kapitza.errors"]
    for floor in FLOORS:
        paths = sorted((SOURCE / "kapitza" / floor).rglob("*.py"))
        chosen = [path for path in paths if not path.name.startswith("_") and has_public_names(path)]
        names += [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in chosen]
    return names


def has_public_names(path: Path) -> bool:
    """Whether a module defines a public function or class."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in tree.body)


def page_of(module: str) -> str:
    """Path of the reference page of a module or room."""
    return "reference/" + "/".join(module.split(".")[1:] or ["kapitza"]) + ".md"


def on_config(config: Any) -> Any:
    """Put the reference pages into the navigation: the rooms, then the modules, one group a floor."""
    groups: dict[str, list[Any]] = {"Public names": [{room: page_of(room)} for room in ROOMS]}
    for module in public_modules():
        parts = module.split(".")[1:]
        title = FLOORS.get(parts[0], parts[0].capitalize()) if len(parts) > 1 else "Units and errors"
        groups.setdefault(title, []).append({".".join(parts): page_of(module)})
    for part in config["nav"]:
        if "Reference" in part:
            part["Reference"] += [{title: pages} for title, pages in groups.items()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Write a reference page for each room and each module."""
    for room in ROOMS:
        files.append(File.generated(config, page_of(room), content=room_page(room)))
    for module in public_modules():
        text = f"# {module.removeprefix('kapitza.')}\n\n::: {module}\n"
        files.append(File.generated(config, page_of(module), content=text))
    return files


def on_page_content(page_html: str, **_: Any) -> str:
    """Replace formulas by MathML, and let wide tables scroll."""
    block = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)
    shown = block.sub(lambda found: mathml(html.unescape(found[2])), page_html)
    return re.sub(r"<table>.*?</table>", r'<div class="scroll">\g<0></div>', shown, flags=re.DOTALL)


def on_post_build(config: Any) -> None:
    """Make the index of the search a script, which a page may load from a folder, where it may not read a file."""
    index = Path(config["site_dir"]) / "search" / "search_index.json"
    text = index.read_text(encoding="utf-8").replace("\\u00b6", "").replace("¶", "")  # the permalinks
    index.with_suffix(".js").write_text(f"window.searchIndex = {text};\n", encoding="utf-8")
    index.unlink()


def mathml(formula: str) -> str:
    r"""One formula, given as \(...\) or \[...\], as MathML."""
    text = formula.strip()
    display = "block" if text.startswith(r"\[") else "inline"
    text = re.sub(r"^\\[\[(]|\\[\])]$", "", text).strip()
    made = convert(text, display=display)
    unknown = re.search(r"<mi>(\\[a-zA-Z]+)</mi>", made)
    if unknown:
        raise ValueError(f"unknown command {unknown[1]} in the formula {text!r}")
    return made
