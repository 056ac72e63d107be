"""What to cite for a model: references by key, and which of them a theory rests on."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from kapitza.core.arrays import about, find_name
from kapitza.core.records import BaseRecord
from kapitza.theory.models import MODEL_REGISTER


@frozen(kw_only=True)
class Reference(BaseRecord):
    """A published work.

    Attributes
    ----------
    key : of the BibTeX entry
    authors : joined by " and ", as BibTeX wants them
    title, year : as printed
    journal, volume, pages, publisher : as printed, empty where there is none
    doi : digital object identifier, without the address; empty where there is none or where none was confirmed
    kind : of the BibTeX entry
    """

    key: str
    authors: str
    title: str
    year: int = field(metadata=about("1", "year of publication"))
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    kind: str = "article"
    publisher: str = ""

    @property
    def bibtex(self) -> str:
        """The BibTeX entry, for a `.bib` file in UTF-8."""
        fields = {"author": self.authors, "title": f"{{{self.title}}}"}
        fields |= {
            name: str(getattr(self, name)) for name in ("journal", "volume", "pages", "publisher", "year", "doi")
        }
        width = max(len(name) for name, value in fields.items() if value)
        lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])

    @property
    def text(self) -> str:
        """One line for a table."""
        names = self.authors.split(" and ")
        short = names[0].split(",")[0] + (" et al." if len(names) > 1 else "")
        where = " ".join(part for part in (self.journal or self.title, self.volume) if part)
        where += f", {self.pages}" if self.pages else ""
        return f"{short}, {where} ({self.year})"


@frozen
class Citation(BaseRecord):
    """A theory and the keys of what it rests on."""

    name: str
    title: str
    references: tuple[str, ...]


# Families of theories under one short name.
_THEORY_FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "contact": ("pressed-contact", "constriction"),
        "grain": ("grain-boundary", "twist-boundary", "grain-size"),
        "knudsen": ("gas-gap", "phonon-slip"),
        "spin": ("spin-kapitza",),
    }
)


@cache
def references() -> Mapping[str, Reference]:
    """Return all references by key."""
    return MappingProxyType({key: Reference(key=key, **fields) for key, fields in _read_data("references").items()})


@cache
def _citations_by_name() -> Mapping[str, Citation]:
    """Theories by name: the models of two sides, and those that need more, so that they are called from Python only."""
    models = {one.name: Citation(one.name, one.title, one.references) for one in MODEL_REGISTER}
    others = _read_data("citations").items()
    return MappingProxyType(
        models | {name: Citation(name, one["title"], tuple(one["references"])) for name, one in others}
    )


def _read_data(name: str) -> dict[str, Any]:
    return tomllib.loads((files("kapitza.theory") / "data" / f"{name}.toml").read_text(encoding="utf-8"))


def citations() -> tuple[Citation, ...]:
    """Return all theories that `cite` knows."""
    return tuple(_citations_by_name().values())


def cite(name: str) -> tuple[Reference, ...]:
    """Return what to cite for a model or another theory of this package, or for a family of them.

    Families are contact, grain, knudsen and spin.

    Raises
    ------
    InputError
        for an unknown name, with near ones

    Examples
    --------
    >>> from kapitza import cite
    >>> for one in cite("dmm"):
    ...     print(one.authors, one.year, one.doi)
    Swartz, E. T. and Pohl, R. O. 1989 10.1103/RevModPhys.61.605
    Reddy, Pramod and Castelino, Kenneth and Majumdar, Arun 2005 10.1063/1.2133890
    """
    known = _citations_by_name()
    wanted = find_name(name, (*known, *_THEORY_FAMILIES), "theory")
    names = _THEORY_FAMILIES.get(wanted, (wanted,))
    keys = dict.fromkeys(key for one in names for key in known[one].references)
    return tuple(references()[key] for key in keys)
