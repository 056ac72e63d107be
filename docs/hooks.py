"""What the build of the documentation adds: formulas as MathML, and a reference page for every public module.

Formulas are turned into MathML when the pages are built, so that a page needs no script, no font and no other host.
"""

import ast
import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

SOURCE = Path(__file__).resolve().parent.parent / "src"
FLOORS = {
    "core": "Core: the shared quantities",
    "matter": "Matter: what an interface is made of",
    "run": "Run: long work",
    "theory": "Theory: from matter to transmission",
    "measure": "Measure: published values",
    "io": "Input and output",
    "plot": "Figures",
}


def public_modules() -> list[str]:
    """Dotted names of the modules with a public function or class, floor by floor."""
    names = ["kapitza.units", "kapitza.errors"]
    rooms = [path.name for path in sorted((SOURCE / "kapitza").iterdir()) if path.is_dir() and path.name != "cli"]
    for floor in [*FLOORS, *(room for room in rooms if room not in FLOORS)]:
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
    """Path of the reference page of a module."""
    return "reference/" + "/".join(module.split(".")[1:]) + ".md"


def on_config(config: Any) -> Any:
    """Put the reference pages into the navigation, one group a floor."""
    groups: dict[str, list[Any]] = {}
    for module in public_modules():
        parts = module.split(".")[1:]
        title = FLOORS.get(parts[0], parts[0].capitalize()) if len(parts) > 1 else "Units and errors"
        groups.setdefault(title, []).append({".".join(parts): page_of(module)})
    for room in config["nav"]:
        if "Reference" in room:
            room["Reference"] += [{title: pages} for title, pages in groups.items()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Write a reference page for each module."""
    for module in public_modules():
        text = f"# {module.removeprefix('kapitza.')}\n\n::: {module}\n"
        files.append(File.generated(config, page_of(module), content=text))
    return files


def on_page_content(page_html: str, **_: Any) -> str:
    """Replace formulas by MathML."""
    block = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)
    return block.sub(lambda found: mathml(html.unescape(found[2])), page_html)


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
