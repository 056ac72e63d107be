"""What to cite for a model: references by key, and which of them a theory rests on."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from attrs import frozen

from kapitza.core.arrays import find_name
from kapitza.theory.models import MODEL_REGISTER


@frozen(kw_only=True)
class Reference:
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
    year: int
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    kind: str = "article"
    publisher: str = ""

    @property
    def bibtex(self) -> str:
        """The BibTeX entry, for a `.bib` file in UTF-8."""
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages,
            "publisher": self.publisher,
            "year": str(self.year),
            "doi": self.doi,
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
class Citation:
    """A theory and the keys of what it rests on."""

    name: str
    title: str
    references: tuple[str, ...]


# Theories that need more than two sides, so that they are called from Python only.
_PYTHON_ONLY_CITATIONS = (
    Citation("amm-bond", "AMM across a bond of finite stiffness", ("prasher2009", "swartz1989")),
    Citation("capped", "capped inelastic channel", ("stoner1993",)),
    Citation("chain", "two chains of masses and springs", ("born1912",)),
    Citation("constriction", "constriction of a small contact", ("nikolic1999", "prasher2005")),
    Citation("dispersion", "isotropic dispersions", ("born1912", "reddy2005", "pop2004")),
    Citation("electron-phonon", "electrons of a metal in series", ("majumdar2004", "li2014", "lombard2015", "lin2008")),
    Citation("gas-gap", "temperature jump of a gas at a wall", ("smoluchowski1898", "sharipov2011")),
    Citation("grain-boundary", "diffuse and specular grain boundary", ("wang2011", "hua2014")),
    Citation("grain-size", "conductivity of a polycrystal", ("nan1998",)),
    Citation("layers", "coherent stack of layers", ("redheffer1962", "stroh1962")),
    Citation("local-drop", "temperature drop at the plane", ("simons1974",)),
    Citation("phonon-slip", "slip of phonons at a black wall", ("heaslet1965",)),
    Citation("polycrystal", "mean speeds and stability of a crystal", ("hill1952", "mouhat2014")),
    Citation("pressed-contact", "contact of rough surfaces under pressure", ("cooper1969", "yovanovich2005")),
    Citation("rough", "partly specular, partly diffuse interface", ("ziman1960", "maznev2015", "ong2021")),
    Citation("sheet-on-solid", "sheet held by springs", ("persson2011", "ong2016")),
    Citation("sheets", "DMM with a sheet", ("duda2009", "swartz1989", "jiang2013")),
    Citation("solid", "Debye solid", ("debye1912",)),
    Citation(
        "spin-kapitza", "spin-dependent Kapitza resistance", ("dejene2013", "heikkila2010", "valet1993", "vanson1987")
    ),
    Citation("twist-boundary", "twist boundary with misfit dislocations", ("hanus2018", "gurunathan2021")),
)

# Families of theories under one short name.
_THEORY_FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "contact": ("pressed-contact", "constriction"),
        "grain": ("grain-boundary", "twist-boundary", "grain-size"),
        "knudsen": ("gas-gap", "phonon-slip"),
        "spin": ("spin-kapitza",),
    }
)

_CITATIONS_BY_NAME: Mapping[str, Citation] = MappingProxyType(
    {one.name: Citation(one.name, one.title, one.references) for one in MODEL_REGISTER}
    | {one.name: one for one in _PYTHON_ONLY_CITATIONS}
)


@cache
def references() -> Mapping[str, Reference]:
    """Return all references by key."""
    text = (files("kapitza.theory") / "data" / "references.toml").read_text(encoding="utf-8")
    return MappingProxyType({key: Reference(key=key, **fields) for key, fields in tomllib.loads(text).items()})


def citations() -> tuple[Citation, ...]:
    """Return all theories that `cite` knows."""
    return tuple(_CITATIONS_BY_NAME.values())


def cite(name: str) -> tuple[Reference, ...]:
    """Return what to cite for a model or another theory of this package, or for a family of them.

    Families are contact, grain, knudsen and spin.

    Raises
    ------
    InputError
        for an unknown name, with near ones
    """
    wanted = find_name(name, (*_CITATIONS_BY_NAME, *_THEORY_FAMILIES), "theory")
    names = _THEORY_FAMILIES.get(wanted, (wanted,))
    keys = dict.fromkeys(key for one in names for key in _CITATIONS_BY_NAME[one].references)
    return tuple(references()[key] for key in keys)
