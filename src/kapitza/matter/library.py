r"""The library of materials: numbers by name, each with its source.

The data are TOML files beside this module, in the units that their heads state; they are read when a material is first
asked for.  `verified = false` marks a number that was neither read in its source, or in a text that quotes it, nor
compared with a number that was.  Such numbers are left out unless they are asked for, and with them the materials
whose density or sound rests on one.
"""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import as_file, files
from os import PathLike
from types import MappingProxyType
from typing import Any, TypeVar

from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import about
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, Hint, InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.files.materials import TomlTable, material_entries, read_material, read_toml, unit_factors
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.material import Material, MetalProperties, StateRange
from kapitza.matter.material_checks import validate_material

_Record = TypeVar("_Record", Material, MetalProperties, StateRange)
_METAL_NUMBERS = ("conductivity", "coupling", "sommerfeld", "lattice")
# what no entry can do without, by the key of the file, in words
_NEEDS = {
    "density": "density",
    "atoms": "number of atoms",
    "stiffness": "elastic constants",
    "speeds": "speeds of sound",
    "speed": "speed of sound",
}


@frozen(kw_only=True)
class Source(BaseRecord):
    """Where a number is from.

    Attributes
    ----------
    key : by which quantities name it
    authors, title, journal, volume, pages : as printed; empty where there is none
    doi : digital object identifier, without the address; empty where none was seen
    note : what was read, if it was not the source itself

    Examples
    --------
    >>> from kapitza import material
    >>> from kapitza.matter import source
    >>> one = source(material("Si").density.source)
    >>> print(one.authors, one.year)
    G. Simmons, H. Wang 1971
    """

    key: str
    authors: str
    title: str
    journal: str = ""
    volume: str = ""
    pages: str = ""
    year: int = field(default=0, metadata=about("1", "year"))
    doi: str = ""
    note: str = ""

    def __str__(self) -> str:
        where = " ".join(part for part in (self.journal, self.volume) if part)
        where += f", {self.pages}" if self.pages else ""
        year = f" ({self.year})" if self.year else ""
        doi = f", doi:{self.doi}" if self.doi else ""
        return f"{self.authors}, {self.title}" + (f", {where}" if where else "") + year + doi


def material(name: str, *, unverified: bool = False) -> Material:
    """Return what the library knows of a material.

    Parameters
    ----------
    name : name or alias, e.g. "Al2O3" or "sapphire"; upper and lower case may differ where only one material is meant
    unverified : also with the numbers that nobody has verified (`Quantity.verified`), and the materials whose density
        or sound rests on one; no model takes them by itself

    Raises
    ------
    InputError
        for a name that is not in the library, with the nearest ones, and for a material that is left out
    """
    names, wanted = _material_names(), str(name).strip()
    key = names.get(wanted) or names.get(wanted.casefold())
    if key is None:
        raise InputError(f"no material {wanted!r:.60} in the library", hint=_closest_names(wanted, names))
    if unverified:
        return _read_entry(key)
    missing = _unverified_needs(key)
    if missing:
        raise InputError(
            f"{key} is left out of the library: its {' and '.join(missing)} are not verified; give them in a material "
            "file of your own,",
            hint=Hint(python=f"or take kapitza.material({key!r}, unverified=True)"),
        )
    return _verified_record(key)


def materials(*, unverified: bool = False) -> tuple[str, ...]:
    """Return the names of all materials of the library, in alphabetical order.

    Parameters
    ----------
    unverified : also those whose density or sound nobody has verified
    """
    names = sorted(_unread_materials(), key=str.casefold)
    return tuple(one for one in names if unverified or not _unverified_needs(one))


def solid(name: str | Material) -> Solid:
    """Return a solid of the library as an isotropic Debye solid.

    Speeds are those measured on polycrystals, or Hill's mean of the elastic constants: `material(name).speeds` says
    which.

    Parameters
    ----------
    name : name or alias, or a material of a file of your own (`load_materials`)

    Raises
    ------
    InputError
        for a name that is not known, or a liquid
    """
    return _resolve_material(name).solid()


def elastic(name: str | Material, normal: ArrayLike = (0, 0, 1)) -> Elastic:
    """Return a crystal of the library with its elastic constants.

    Parameters
    ----------
    name : name or alias, or a material of a file of your own (`load_materials`)
    normal : (3,) Cartesian direction, in the axes of the crystal, that becomes the interface normal: z is the c axis of
        hexagonal, trigonal and tetragonal crystals, y the b axis of monoclinic ones

    Raises
    ------
    InputError
        for a name that is not known, a liquid, a solid whose elastic constants are not known, and a normal that is no
        direction
    """
    return _resolve_material(name).elastic(normal)


def fluid(name: str | Material) -> Fluid:
    """Return a liquid of the library.

    Parameters
    ----------
    name : name or alias, or a material of a file of your own (`load_materials`)

    Raises
    ------
    InputError
        for a name that is not known, or a solid
    """
    return _resolve_material(name).fluid()


def source(key: str) -> Source:
    """Return where the numbers with this source are from.

    Raises
    ------
    InputError
        for a key that is not known
    """
    table = _sources()
    if key not in table:
        close = get_close_matches(key, table, n=3, cutoff=0.4)
        raise InputError(f"no source {key!r:.60}" + (f"; did you mean {' or '.join(close)}?" if close else ""))
    return Source(key=key, **table[key])


def sources() -> tuple[str, ...]:
    """Return the keys of all sources of the library."""
    return tuple(_sources())


def atomic_masses() -> dict[str, float]:
    """Standard atomic weights, u: T. Prohaska et al., Pure Appl. Chem. 94, 573 (2022), doi:10.1515/pac-2019-0603."""
    return dict(_read_data("atomic_masses.toml")["masses"])


def load_materials(path: str | PathLike[str], *, check: bool = True) -> dict[str, Material]:
    """Read materials from a TOML file of your own, laid out as those of the library.

    Parameters
    ----------
    path : the file
    check : refuse materials that fail a check of `validate` without giving a reason under `except`

    Returns
    -------
    materials by name, for `solid`, `elastic` and `fluid`

    Raises
    ------
    DataError
        with file and key: not TOML, a key that is not known, a number that is missing or not finite, a check that fails
    """
    content = read_toml(path)
    unit, masses = unit_factors(content), atomic_masses()
    found = {name: read_material(name, part, unit, masses) for name, part in material_entries(content).items()}
    if check:
        for one in found.values():
            for fault in validate_material(one, masses):
                if not fault.exemption:
                    remedy = f"say why it is right under [materials.{one.name}.except] {fault.check} = '...'"
                    raise DataError(f"{fault.message}: correct it, or {remedy}", file=content.file)
    return found


def _resolve_material(name: str | Material) -> Material:
    return name if isinstance(name, Material) else material(name)


@cache
def _read_entry(key: str) -> Material:
    part, unit = _unread_materials()[key]
    return read_material(key, part, unit, atomic_masses())


@cache
def _unverified_needs(key: str) -> tuple[str, ...]:
    """What of an entry no calculation can do without, and nobody has verified, in words."""
    table = _unread_materials()[key][0].table
    tables = ((word, table.get(name)) for name, word in _NEEDS.items())
    return tuple(word for word, one in tables if isinstance(one, Mapping) and one.get("verified") is False)


@cache
def _verified_record(key: str) -> Material:
    one = _read_entry(key)
    own = ("debye", "expansion", "conductivity_table", "inplane_table", "heat_capacity_table")
    state, metal = _drop_unverified(one.state, ("low", "high")), _drop_unverified(one.metal, _METAL_NUMBERS)
    return _drop_unverified(evolve(one, state=state, metal=metal), own)


def _drop_unverified(record: _Record, names: Sequence[str]) -> _Record:
    """Return a record with None for those of its numbers and tables that nobody has verified."""
    numbers: dict[str, Any] = {name: getattr(record, name) for name in names}
    missing = [name for name, number in numbers.items() if number is not None and not number.verified]
    return evolve(record, **dict.fromkeys(missing))


@cache
def _unread_materials() -> Mapping[str, tuple[TomlTable, Mapping[str, float]]]:
    entries: dict[str, tuple[TomlTable, Mapping[str, float]]] = {}
    with as_file(files("kapitza.matter") / "data" / "materials") as folder:
        for path in sorted(folder.glob("*.toml")):
            content = read_toml(path)
            unit = unit_factors(content)
            entries |= {name: (part, unit) for name, part in material_entries(content).items()}
    return MappingProxyType(entries)


@cache
def _material_names() -> Mapping[str, str]:
    """What a material may be called; spellings without case only where they mean one material."""
    exact = {alias: name for name, (part, _) in _unread_materials().items() for alias in part.texts("aliases")}
    exact |= {name: name for name in _unread_materials()}
    folded: dict[str, set[str]] = {}
    for alias, name in exact.items():
        folded.setdefault(alias.casefold(), set()).add(name)
    single = {alias: next(iter(found)) for alias, found in folded.items() if len(found) == 1}
    return MappingProxyType(single | exact)


def _closest_names(name: str, names: Mapping[str, str]) -> Hint:
    folded = {alias.casefold(): alias for alias in names}
    same = [key for key, (part, _) in _unread_materials().items() if part.text("formula").casefold() == name.casefold()]
    close = [names[folded[one]] for one in get_close_matches(name.casefold(), folded, n=6, cutoff=0.66)]
    targets = list(dict.fromkeys(same or close))[:3]
    if not targets:
        return Hint(python="`materials()` lists all names", command="`kapitza materials` lists all names")
    question = f"did you mean {' or '.join(targets)}?"
    return Hint(python=question, command=question)


@cache
def _sources() -> Mapping[str, Mapping[str, Any]]:
    return MappingProxyType(_read_data("sources.toml"))


def _read_data(name: str) -> dict[str, Any]:
    return tomllib.loads((files("kapitza.matter") / "data" / name).read_text(encoding="utf-8"))
