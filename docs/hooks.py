"""What the build of the documentation adds: formulas as MathML, the reference, and an index that is searched offline.

The reference has a page for `kapitza` and for each room (`kapitza.md`, `kapitza.eels`, ...) with the public names of
its stub, and a page for every public module, made from its docstrings.

Formulas are turned into MathML when the pages are built, so that a page needs no script, no font and no other host.
"""

import html
import os
import re
from pathlib import Path
from typing import Any

from doors import FLOORS, ROOMS, entries, has_own_example, public_modules, shown_on_pages, summary
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files


def room_page(room: str) -> str:
    """Return the page of a room: its public names, each with its summary, a link to the full entry, and one to the page
    that shows it unless the entry has an example.
    """
    pages, start = shown_on_pages(), Path(page_of(room)).parent
    lines = [f"# {room}", "", summary(room), "", "| name | | example |", "|---|---|---|"]
    for name, module in entries(room):
        if module == room:
            path = page_from(room, f"{room}.{name}")
            lines.append(f"| [`{name}`]({path}) | {summary(f'{room}.{name}')} | |")
            continue
        page = "" if name not in pages or has_own_example(module, name) else os.path.relpath(pages[name], start)
        example = f"[{Path(page).stem}]({page})" if page else ""
        if summary(module, name):
            lines.append(f"| [`{name}`][{module}.{name}] | {summary(module, name)} | {example} |")
        else:
            lines.append(f"| [`{name}`]({page_from(room, module)}) | constant or type alias | {example} |")
    return "\n".join(lines) + "\n"


def page_of(module: str) -> str:
    """Path of the reference page of a module or room."""
    return "reference/" + "/".join(module.split(".")[1:] or ["kapitza"]) + ".md"


def page_from(room: str, module: str) -> str:
    """Path of the reference page of a module, relative to the page of a room."""
    return os.path.relpath(page_of(module), Path(page_of(room)).parent)


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
