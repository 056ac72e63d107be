r"""Materials from TOML files: the one door at which their units become SI.

A file has an optional table `[units]` and one table `[materials.<name>]` for each material; `data/materials` holds the
examples.  Every number is a table with `value` and `source`, and may have `sigma`, `verified` and `note`.
"""

from collections.abc import Iterable, Mapping
from math import isfinite, pi
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from attrs import frozen

from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.core.toml import parse_toml
from kapitza.errors import DataError, InputError
from kapitza.matter.elastic import (
    LATTICE_PARAMETERS,
    REDUNDANT_CONSTANTS,
    VOIGT_ENTRIES,
    cell_volume,
    hill_speeds,
    stiffness_matrix,
)
from kapitza.matter.material import (
    LIQUID_SYMMETRY,
    Material,
    MetalProperties,
    PropertyTable,
    Quantity,
    StateRange,
    composition,
)
from kapitza.units import GPa, angstrom, m_u, nm

_MAX_BYTES = 2**24
_LARGEST_NUMBER = 1e300  # no number of a material is larger
# the first unit of each kind is meant where a file does not say
_UNIT_CHOICES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "density": {"kg/m3": 1.0, "g/cm3": 1e3},
        "length": {"angstrom": angstrom, "nm": nm, "m": 1.0},
        "stiffness": {"GPa": GPa, "Pa": 1.0},
        "speed": {"m/s": 1.0, "km/s": 1e3},
        "conductivity": {"W/mK": 1.0, "W/cmK": 1e2},
        "heat_capacity": {"J/kgK": 1.0, "J/gK": 1e3},
    }
)
_MATERIAL_KEYS = (
    "title", "formula", "aliases", "symmetry", "density", "atoms", "lattice", "cell", "stiffness", "speeds", "speed",
    "debye", "expansion", "conductivity", "conductivity_inplane", "heat_capacity", "electrons", "state", "except",
    "note",
)  # fmt: skip
_PROVENANCE_KEYS = ("source", "sigma", "verified", "note")  # what may stand beside numbers
_CHECK_NAMES = ("stability", "shear", "density", "speeds", "debye")


@frozen
class TomlTable(BaseRecord):
    """A table of a file, with its place for messages."""

    file: Path
    place: str
    table: Mapping[str, Any]

    def fault(self, message: str, key: str = "") -> DataError:
        """Return the error of this place."""
        return DataError(f"{self.place}{'.' + key if key else ''}: {message}", file=self.file)

    def check_keys(self, names: Iterable[str]) -> None:
        """Refuse keys that mean nothing."""
        names = tuple(names)
        strange = [key for key in self.table if key not in names]
        if strange:
            raise self.fault(f"unknown key; known are {', '.join(names)}", strange[0])

    def number(self, key: str, *, low: float = -float("inf")) -> float:
        """Return a finite number above `low`."""
        value = self.table.get(key)
        if not _is_number(value) or value <= low:
            wanted = "a finite number" + (f" above {low:g}" if isfinite(low) else "")
            raise self.fault(f"expected {wanted}, got {value!r:.60}", key)
        return float(value)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.table.get(key, default)
        if not isinstance(value, str):
            raise self.fault(f"expected a text, got {value!r:.60}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where there is none."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(f"expected a list of texts, got {value!r:.60}", key)
        return tuple(value)

    def subtable(self, key: str, *, optional: bool = False) -> "TomlTable":
        """Return a table inside of this one; an empty one where it is missing and may be (`optional`)."""
        value = self.table.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self.fault(f"expected a table such as {{ value = 1.0, source = '...' }}, got {value!r:.60}", key)
        return TomlTable(self.file, f"{self.place}.{key}", value)

    def array(self, key: str) -> list[float]:
        """Return a list of numbers."""
        value = self.table.get(key)
        if not isinstance(value, list) or not all(_is_number(v) for v in value):
            raise self.fault(f"expected a list of finite numbers, got {value!r:.60}", key)
        return [float(v) for v in value]

    def quantity(
        self, key: str, unit: str, factor: float, *, low: float = -float("inf"), sigma: float | None = None
    ) -> Quantity:
        """Return the number at `key` with what the table says about its numbers."""
        verified = self.table.get("verified", True)
        if not isinstance(verified, bool):
            raise self.fault(f"expected true or false, got {verified!r:.60}", "verified")
        value = self.number(key, low=low) * factor
        spread = None if sigma is None else sigma * factor
        return Quantity(value, unit, self.text("source"), spread, verified, self.text("note", ""))


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a file is a finite number; integers beyond all floats are not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < _LARGEST_NUMBER and isfinite(value)


def read_toml(path: str | PathLike[str]) -> TomlTable:
    """Return the content of a TOML file."""
    path = Path(path)
    try:
        return TomlTable(path, "", parse_toml(read_limited(path, _MAX_BYTES), path))
    except DataError:
        raise
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror or err}", file=path) from err


def material_entries(content: TomlTable) -> dict[str, TomlTable]:
    """Return the materials of a file by name, unread."""
    content.check_keys(("units", "materials"))
    inside = TomlTable(content.file, "materials", content.subtable("materials").table)
    return {name: inside.subtable(name) for name in inside.table}


def unit_factors(content: TomlTable) -> dict[str, float]:
    """Return what turns the numbers of a file into SI units, by kind."""
    chosen = {kind: next(iter(units.values())) for kind, units in _UNIT_CHOICES.items()}
    units = TomlTable(content.file, "units", content.subtable("units", optional=True).table)
    units.check_keys(_UNIT_CHOICES)
    for kind in units.table:
        unit = units.text(kind)
        if unit not in _UNIT_CHOICES[kind]:
            raise units.fault(f"no unit {unit!r}; known are {', '.join(_UNIT_CHOICES[kind])}", kind)
        chosen[kind] = _UNIT_CHOICES[kind][unit]
    return chosen


def read_material(name: str, part: TomlTable, unit: Mapping[str, float], masses: Mapping[str, float]) -> Material:
    """Return one material of a file: an item of `material_entries`, `unit_factors`, atomic masses by element (u)."""
    part.check_keys(_MATERIAL_KEYS)
    symmetry, known = part.text("symmetry"), (*VOIGT_ENTRIES, LIQUID_SYMMETRY)
    if symmetry not in known:
        raise part.fault(f"no symmetry {symmetry!r}; known are {', '.join(known)}", "symmetry")
    formula = part.text("formula")
    weight, count = _formula_mass(part, formula, masses)
    lattice = _read_constants(part, "lattice", LATTICE_PARAMETERS.get(symmetry, ()), unit["length"], "m")
    cell = part.number("cell", low=0) if "cell" in part.table else None
    density, atoms = _read_densities(part, symmetry, lattice, cell, weight, count, unit["density"])
    redundant = [name for kind, name in REDUNDANT_CONSTANTS.items() if kind == symmetry]
    allowed = (*VOIGT_ENTRIES.get(symmetry, ()), *redundant)
    constants = _read_constants(part, "stiffness", allowed, unit["stiffness"], "Pa")
    longitudinal, transverse, kind = _read_speeds(part, symmetry, constants, density, unit["speed"])
    electrons = part.subtable("electrons", optional=True)
    electrons.check_keys(("conductivity", "lattice", "coupling", "sommerfeld"))
    exemptions = part.subtable("except", optional=True)
    exemptions.check_keys(_CHECK_NAMES)
    return Material(
        name=name,
        title=part.text("title"),
        formula=formula,
        symmetry=symmetry,
        density=density,
        atoms=atoms,
        aliases=part.texts("aliases"),
        lattice=lattice,
        cell=cell,
        constants=constants,
        longitudinal=longitudinal,
        transverse=transverse,
        speeds=kind,
        debye=_read_optional_quantity(part, "debye", "K"),
        expansion=_read_optional_quantity(part, "expansion", "K⁻¹"),
        conductivity_table=_read_property_table(part, "conductivity", name, "W m⁻¹ K⁻¹", unit["conductivity"]),
        inplane_table=_read_property_table(part, "conductivity_inplane", name, "W m⁻¹ K⁻¹", unit["conductivity"]),
        heat_capacity_table=_read_property_table(part, "heat_capacity", name, "J kg⁻¹ K⁻¹", unit["heat_capacity"]),
        metal=MetalProperties(
            conductivity=_read_optional_quantity(electrons, "conductivity", "W m⁻¹ K⁻¹"),
            coupling=_read_optional_quantity(electrons, "coupling", "W m⁻³ K⁻¹"),
            sommerfeld=_read_optional_quantity(electrons, "sommerfeld", "J m⁻³ K⁻²"),
            lattice=_read_optional_quantity(electrons, "lattice", "W m⁻¹ K⁻¹"),
        ),
        state=_read_state(part),
        exemptions={check: exemptions.text(check) for check in exemptions.table},
        note=part.text("note", ""),
    )


def _formula_mass(part: TomlTable, formula: str, masses: Mapping[str, float]) -> tuple[float, float]:
    try:
        counts = composition(formula)
    except InputError as err:
        raise part.fault(str(err), "formula") from err
    unknown = [element for element in counts if element not in masses]
    if unknown:
        raise part.fault(f"no element {unknown[0]!r}", "formula")
    return sum(masses[e] * n for e, n in counts.items()) * m_u, sum(counts.values())


def _read_constants(part: TomlTable, key: str, names: tuple[str, ...], factor: float, unit: str) -> dict[str, Quantity]:
    inside = part.subtable(key, optional=True)
    inside.check_keys((*names, *_PROVENANCE_KEYS))
    sigma = inside.subtable("sigma", optional=True)
    sigma.check_keys(names)
    constants: dict[str, Quantity] = {}
    for name in (n for n in names if n in inside.table):
        spread = sigma.number(name, low=0) if name in sigma.table else None
        own, scale = ("rad", pi / 180) if name == "beta" else (unit, factor)
        low = 0.0 if key == "lattice" else -float("inf")
        constants[name] = inside.quantity(name, own, scale, low=low, sigma=spread)
    return constants


def _read_densities(
    part: TomlTable,
    symmetry: str,
    lattice: Mapping[str, Quantity],
    cell: float | None,
    weight: float,
    count: float,
    factor: float,
) -> tuple[Quantity, Quantity]:
    """Density, kg m⁻³, and number density, m⁻³: from the cell where there is one, else from the density."""
    units: float | None = None  # formula units per volume
    if lattice and cell is not None:
        try:
            units = cell / cell_volume(symmetry, {name: one.value for name, one in lattice.items()})
        except InputError as err:
            raise part.fault(str(err), "lattice") from err
    first = next(iter(lattice.values()), None)
    if part.table.get("density") == "cell":
        if units is None:
            raise part.fault("'cell' needs lattice and cell (formula units in the conventional cell)", "density")
        density = _derived_quantity(weight * units, "kg m⁻³", first, "from the cell and the atomic masses")
    else:
        density = _read_quantity(part.subtable("density"), "kg m⁻³", factor)
    if "atoms" in part.table:
        return density, _read_quantity(part.subtable("atoms"), "m⁻³")
    per_unit = 1.0 if symmetry == LIQUID_SYMMETRY else count
    if units is None:
        return density, _derived_quantity(density.value / weight * per_unit, "m⁻³", density, "from the density")
    return density, _derived_quantity(units * per_unit, "m⁻³", first, "from the cell")


def _derived_quantity(value: float, unit: str, origin: Quantity | None, note: str) -> Quantity:
    """Return a number that follows from another one, and is as sure as that."""
    source, verified = ("", False) if origin is None else (origin.source, origin.verified)
    return Quantity(value, unit, source, verified=verified, note=note)


def _read_speeds(
    part: TomlTable, symmetry: str, constants: Mapping[str, Quantity], density: Quantity, factor: float
) -> tuple[Quantity | None, Quantity | None, str]:
    """Longitudinal and transverse speed, m s⁻¹, and whether they were measured."""
    unit = "m s⁻¹"
    if symmetry == LIQUID_SYMMETRY:
        return _read_quantity(part.subtable("speed"), unit, factor), None, "measured"
    if part.table.get("speeds", "hill") != "hill":
        inside = part.subtable("speeds")
        inside.check_keys(("longitudinal", "transverse", *_PROVENANCE_KEYS))
        pair = [inside.quantity(key, unit, factor, low=0) for key in ("longitudinal", "transverse")]
        return pair[0], pair[1], "measured"
    if not constants:
        raise part.fault("a solid needs stiffness, or speeds = { longitudinal = ..., transverse = ... }", "speeds")
    try:
        matrix = stiffness_matrix(symmetry, {name: one.value for name, one in constants.items()})
        mean = hill_speeds(matrix, density.value)
    except (InputError, ArithmeticError, ValueError) as err:
        raise part.fault(str(err), "stiffness") from err
    first = next(iter(constants.values()))
    one, two = (_derived_quantity(speed, unit, first, "Hill's mean of the elastic constants") for speed in mean)
    return one, two, "hill"


def _read_quantity(inside: TomlTable, unit: str, factor: float = 1.0) -> Quantity:
    inside.check_keys(("value", *_PROVENANCE_KEYS))
    sigma = inside.number("sigma", low=0) if "sigma" in inside.table else None
    return inside.quantity("value", unit, factor, low=0, sigma=sigma)


def _read_optional_quantity(part: TomlTable, key: str, unit: str) -> Quantity | None:
    return _read_quantity(part.subtable(key), unit) if key in part.table else None


def _read_property_table(part: TomlTable, key: str, name: str, unit: str, factor: float) -> PropertyTable | None:
    if key not in part.table:
        return None
    inside = part.subtable(key)
    inside.check_keys(("temperature", "value", *_PROVENANCE_KEYS))
    what = f"{name}: {key.replace('_', ' ')}"
    values, temperature = [factor * v for v in inside.array("value")], inside.array("temperature")
    about: dict[str, Any] = {"source": inside.text("source"), "note": inside.text("note", "")}
    verified = inside.table.get("verified", True) is True
    try:
        return PropertyTable(name=what, temperature=temperature, value=values, unit=unit, verified=verified, **about)
    except InputError as err:
        raise inside.fault(str(err)) from err


def _read_state(part: TomlTable) -> StateRange:
    if "state" not in part.table:
        return StateRange()
    inside = part.subtable("state")
    inside.check_keys(("low", "below", "high", "above", *_PROVENANCE_KEYS))
    ends = [inside.quantity(key, "K", 1.0, low=0) if key in inside.table else None for key in ("low", "high")]
    low, high = ends
    if low is None and high is None:
        raise inside.fault("expected low or high, or both, in K")
    if low is not None and high is not None and not low.value < high.value:
        raise inside.fault(f"low = {low.value:g} K is not below high = {high.value:g} K")
    words = [inside.text(key) if end is not None else "" for key, end in zip(("below", "above"), ends, strict=True)]
    return StateRange(low=low, high=high, below=words[0], above=words[1])
