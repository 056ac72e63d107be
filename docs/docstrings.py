"""Docstrings of the house as Markdown: underlined sections become headings, their entries a list.

Entries read `name : (n,) what it is, unit`; what stands after the colon is prose, not a type.
"""

import re
from importlib import import_module
from typing import Any

from griffe import Class, Extension, Function, Object, Parameter, ParameterKind, Parameters

SECTION = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^(?P<names>[\w*]+(?:, [\w*]+)*) : ?(?P<text>.*)$")


def markdown(text: str) -> str:
    """A docstring with its sections as Markdown."""
    pieces = SECTION.split(text)
    found = [pieces[0].rstrip()]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        lines = body.strip("\n").splitlines()
        shown = {"References": references, "Examples": session}.get(title, listed)
        found.append(f"**{title}**\n\n" + shown(lines))
    return "\n\n".join(found)


def listed(lines: list[str]) -> str:
    """Entries with what is indented below them as a list, other lines as they are."""
    found: list[str] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        entry = ENTRY.match(line)
        if entry:
            names = ", ".join(f"`{name}`" for name in entry["names"].split(", "))
            found.append(f"- {names}: {entry['text']}")
        elif line.startswith(" "):
            found.append("    " + line.strip())
        elif after.startswith(" "):
            found.append(f"- `{line}`:")
        else:
            found.append(line)
    return "\n".join(found)


def session(lines: list[str]) -> str:
    """Lines of an interactive session as a block."""
    return "\n".join(["```pycon", *lines, "```"])


def references(lines: list[str]) -> str:
    """A list; a line goes on with the one before as long as that has not come to its identifier."""
    found: list[str] = []
    for line in lines:
        goes_on = line and not re.search(r"(doi:|arXiv:|ISBN)", found[-1]) if found else False
        if goes_on or line.startswith(" "):
            found[-1] += " " + line.strip()
        elif line:
            found.append(f"- {line}")
    return "\n".join(found)


def numbers_of(record: Object) -> str:
    """The numbers of a record that carry their unit and meaning themselves, as a list in Markdown."""
    if not is_record(record):
        return ""
    fields = getattr(getattr(import_module(record.module.path), record.name), "__attrs_attrs__", ())
    own = [one for one in fields if not one.inherited]
    known = [(one.name, one.metadata) for one in own if {"unit", "meaning"} <= set(one.metadata)]
    units = {name: f" ({about['unit']})" if about["unit"] else "" for name, about in known}
    found = [f"- `{name}`{units[name]}: {about['meaning']}" for name, about in known]
    return "\n\n**Units and meanings**\n\n" + "\n".join(found) if found else ""


def is_record(one: Object) -> bool:
    """Whether this is the class of a frozen record."""
    return isinstance(one, Class) and any("frozen" in str(decorator.value) for decorator in one.decorators)


def link_dois(text: str) -> str:
    """DOIs as links."""
    return re.sub(r"\bdoi:(10\.\d{4,9}/[^\s,;]*[^\s,;.:)])", r"[doi:\1](https://doi.org/\1)", text)


class HouseStyle(Extension):
    """Rewrites every docstring, and gives records the signature that attrs writes for them."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = link_dois(markdown(obj.docstring.value)) + numbers_of(obj)

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Add the `__init__` of a frozen record."""
        if not is_record(cls) or "__init__" in cls.members:
            return
        parameters = [Parameter("self", kind=ParameterKind.positional_or_keyword)]
        for name, member in cls.members.items():
            if member.is_attribute and member.annotation is not None and "property" not in member.labels:
                parameters.append(field_parameter(name, member))
        parameters.sort(key=lambda p: p.kind is ParameterKind.keyword_only)
        cls.set_member("__init__", Function("__init__", parameters=Parameters(*parameters), parent=cls))


def field_parameter(name: str, member: Any) -> Parameter:
    """The parameter of one field."""
    value = None if member.value is None else str(member.value)
    kind, default = ParameterKind.positional_or_keyword, value
    if value is not None and value.startswith("field("):
        if "kw_only=True" in value.replace(" ", ""):
            kind = ParameterKind.keyword_only
        found = re.search(r"\bdefault\s*=\s*([^,)]+(?:\(\))?)", value)
        default = found[1] if found else None
    return Parameter(name, annotation=member.annotation, kind=kind, default=default)
