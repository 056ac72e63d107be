"""A table of materials: what a screening knows of each, and where the numbers are from."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    Array,
    IndexArray,
    IntArray,
    about,
    check_record,
    labels,
    name_tuple,
    numbers,
    read_only_mapping,
    real_array,
)
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import material, materials, solid
from kapitza.matter.phonons import has_phonons, phonon_card, phonon_spectrum
from kapitza.units import hbar, k_B

_RANGES: Mapping[str, tuple[float, float, str]] = {
    "density": (20.0, 4e4, "kg/m³"),
    "longitudinal": (50.0, 5e4, "m/s"),
    "transverse": (20.0, 5e4, "m/s"),
    "atoms": (1e26, 5e29, "m⁻³"),
}
_ROOM_TEMPERATURE = 300.0  # K
_LIBRARY_SOURCE = "library of kapitza"
_CELL_NODES = 8  # at which a spectrum is averaged over a cell
_CELL_EXPONENT = 2  # of the edges of cells: soft crystals have enough of them beside stiff ones
CELL_COUNT = 640


def _texts(value: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(one) for one in value)


def _property_columns(value: Mapping[str, ArrayLike]) -> Mapping[str, Any]:
    return read_only_mapping({name: real_array(column) for name, column in value.items()})


def _optional_numbers(value: ArrayLike) -> Array:
    return real_array(np.atleast_1d(np.asarray(value, dtype=float)))


@frozen(eq=False, kw_only=True)
class TabulatedBands(BaseRecord):
    r"""Full bands as they stand in a table: $M/\omega^2$ constant in each cell.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.screen import TabulatedBands
    >>> bands = TabulatedBands(name="one", cells=np.array([0.0, 1e13, 2e13]), reduced_modes=np.array([4e-9, 0.0]))
    >>> print(bands.modes(np.array([5e12, 1.5e13])))  # proportional to ω² in each cell, none above the top
    [1.e+17 0.e+00]
    """

    name: str
    cells: Array = field(metadata=about("rad s^-1", "edges of the cells"))
    reduced_modes: Array = field(metadata=about("m^-2 rad^-2 s^2", "mean of M/omega^2 in each cell"))

    @property
    def edges(self) -> Array:
        """(k,) edges of the cells up to the top of the spectrum, rad s⁻¹."""
        last = int(np.flatnonzero(self.reduced_modes > 0).max(initial=0))
        return self.cells[1 : last + 2]

    def modes(self, omega: Array) -> Array:
        """(nω,) modes of each frequency, m⁻²."""
        place = np.searchsorted(self.cells, omega, side="right") - 1
        inside = (place >= 0) & (place < self.reduced_modes.size)
        return np.where(inside, self.reduced_modes[np.clip(place, 0, self.reduced_modes.size - 1)] * omega**2, 0.0)


@frozen(eq=False, kw_only=True)
class MaterialTable(BaseRecord):
    r"""Materials as isotropic Debye solids, some of them with full bands on a common grid.

    Attributes
    ----------
    names : (n,) of the materials, each once, as in the source
    formulas : (n,) chemical formulas; empty where they are not known
    density, longitudinal, transverse : (n,) NaN where only full bands are known
    properties : further columns (n,) by name, such as "energy_above_hull", in the units of the source; NaN where a
        material has no value
    edges : (m + 1,) of the cells of the grid; empty without full bands
    band_rows : (nb,) materials that have full bands
    reduced_modes, slopes : (nb, m) mean of $M/\omega^2$ in each cell, and its change there
    source : where the numbers are from

    Raises
    ------
    InputError
        for a name that stands twice, numbers that are not finite and positive, speeds against elastic stability, and
        values that only another unit can explain; the message names the material

    Examples
    --------
    >>> from kapitza.screen import library_table
    >>> table = library_table()
    >>> print("Si" in table.names, len(table.names) > 50)
    True True
    """

    names: tuple[str, ...] = field(converter=_texts)
    formulas: tuple[str, ...] = field(converter=_texts)
    density: Array = field(converter=_optional_numbers, metadata=about("kg m^-3", "mass density"))
    longitudinal: Array = field(converter=_optional_numbers, metadata=about("m s^-1", "speed of sound"))
    transverse: Array = field(converter=_optional_numbers, metadata=about("m s^-1", "speed of sound"))
    atoms: Array = field(converter=_optional_numbers, metadata=about("m^-3", "number density"))
    properties: Mapping[str, Any] = field(
        factory=dict, converter=_property_columns, metadata=about("of the source", "further columns")
    )
    edges: Array = field(factory=lambda: np.zeros(0), converter=numbers, metadata=about("rad s^-1", "edges of cells"))
    band_rows: IndexArray = field(
        factory=lambda: np.zeros(0, np.intp), converter=labels, metadata=about("1", "materials with full bands")
    )
    reduced_modes: Array = field(
        factory=lambda: np.zeros((0, 0)),
        converter=real_array,
        metadata=about("m^-2 rad^-2 s^2", "mean of M/omega^2 in each cell"),
    )
    slopes: Array = field(
        factory=lambda: np.zeros((0, 0)),
        converter=real_array,
        metadata=about("m^-2 rad^-2 s^2", "standard deviation of M/omega^2 in each cell by a straight line, signed"),
    )
    source: str = ""

    def __attrs_post_init__(self) -> None:
        count = len(self.names)
        columns = {"formulas": len(self.formulas)} | {name: getattr(self, name).size for name in _RANGES}
        columns |= {name: column.size for name, column in self.properties.items()}
        for name, size in columns.items():
            if size != count:
                raise InputError(f"{name} has {size} values for {count} materials")
        if len(set(self.names)) < count:
            seen: set[str] = set()
            again = next(name for name in self.names if name in seen or seen.add(name))
            raise InputError(f"the material {again!r:.60} stands twice in the table: give each a name of its own")
        self._check_bands()
        bare = np.ones(count, dtype=bool)
        bare[self.band_rows] = False
        for name, (low, high, unit) in _RANGES.items():
            value = getattr(self, name)
            self._refuse(~((value >= low) & (value <= high)) & (bare | ~np.isnan(value)), name, value, low, high, unit)
        ratio = self.longitudinal / self.transverse
        self._refuse(ratio <= np.sqrt(4 / 3), "longitudinal over transverse speed", ratio, 1.1548, np.inf, "")

    def _check_bands(self) -> None:
        wanted = (self.band_rows.size, max(self.edges.size - 1, 0))
        for shape in (self.reduced_modes.shape, self.slopes.shape):
            if shape != wanted and wanted[0]:
                raise InputError(f"full bands have the shape {shape}, wanted {wanted}")
        if self.band_rows.size and not (self.band_rows.min() >= 0 and self.band_rows.max() < len(self.names)):
            raise InputError(f"full bands of material {self.band_rows.max()}, wanted 0 to {len(self.names) - 1}")
        if not (np.isfinite(self.reduced_modes).all() and (self.reduced_modes >= 0).all()):
            raise InputError(f"full bands: expected finite modes of at least 0, lowest {self.reduced_modes.min():g}")

    def _refuse(self, bad: Any, what: str, value: Array, low: float, high: float, unit: str) -> None:
        if bad.any():
            i = int(np.argmax(bad))
            raise InputError(
                f"{self.names[i]}: {what} = {value[i]:g}, expected {low:g} to {high:g} {unit}".rstrip()
                + ": is it in another unit?"
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def debye_temperature(self) -> Array:
        """(n,) from the speeds of sound, K; NaN where only full bands are known."""
        mean = (3 / (self.longitudinal**-3 + 2 * self.transverse**-3)) ** (1 / 3)
        return hbar / k_B * mean * (6 * np.pi**2 * self.atoms) ** (1 / 3)

    def solid(self, row: int) -> Solid:
        """The isotropic Debye solid of one row."""
        columns = (self.density, self.longitudinal, self.transverse, self.atoms)
        return Solid(self.names[row], *(float(column[row]) for column in columns))

    def phonons(self, row: int) -> Phonons:
        """Phonons of one row: full bands where it has them, else the Debye solid."""
        there = np.flatnonzero(self.band_rows == row)
        if not there.size:
            return self.solid(row)
        return TabulatedBands(name=self.names[row], cells=self.edges, reduced_modes=self.reduced_modes[there[0]])

    def select(self, rows: ArrayLike) -> "MaterialTable":
        """The table of some rows: numbers of rows, or (n,) whether each is taken."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        place = np.full(len(self), -1)
        place[chosen] = np.arange(chosen.size)
        kept = place[self.band_rows] >= 0
        columns = {name: getattr(self, name)[chosen] for name in _RANGES}
        return evolve(
            self,
            names=tuple(self.names[i] for i in chosen),
            formulas=tuple(self.formulas[i] for i in chosen),
            properties={name: column[chosen] for name, column in self.properties.items()},
            band_rows=place[self.band_rows[kept]],
            reduced_modes=self.reduced_modes[kept],
            slopes=self.slopes[kept],
            **columns,
        )


def material_table(sides: Sequence[str | Phonons], *, source: str = "") -> MaterialTable:
    """Make a table of materials of the library, solids, and anything with phonons.

    Parameters
    ----------
    sides : names of the library, taken as Debye solids; `Solid` records; other phonons, such as `Bands`, an `Elastic`
        crystal or `phonon_spectrum(name)`, whose spectra are averaged over the cells of a common grid
    source : of the numbers

    Raises
    ------
    InputError
        for a name that is not known, a liquid, and what has no phonons
    """
    found = [solid(side) if isinstance(side, str) else side for side in sides]
    for one in found:
        check_record(one, (Solid, Phonons), python="names of the library, solids or full bands")
    rows = [i for i, one in enumerate(found) if not isinstance(one, Solid)]
    edges = cell_edges([float(found[i].edges[-1]) for i in rows]) if rows else np.zeros(0)
    speeds = np.array([one.speeds[:2] if isinstance(one, Solid) else (np.nan, np.nan) for one in found])
    names = [one.name for one in found]
    spectra = np.array([average_reduced_modes(found[i], edges) for i in rows])
    spectra = spectra.reshape(len(rows), 2, max(edges.size - 1, 0))
    formulas = [""] * len(names)
    ends, conductivities = np.full((2, len(names)), np.nan)
    for i, name in enumerate(names):
        with suppress(InputError):
            known = material(name)
            formulas[i] = known.formula
            ends[i] = known.state.high.value if known.state.high is not None else np.nan
            conductivities[i] = known.conductivity(_ROOM_TEMPERATURE)[0]
    return MaterialTable(
        names=names,
        formulas=formulas,
        edges=edges,
        band_rows=rows,
        reduced_modes=spectra[:, 0],
        slopes=spectra[:, 1],
        properties={"solid_to": ends, "conductivity": conductivities},  # K and W m⁻¹ K⁻¹ at 300 K
        source=source or _LIBRARY_SOURCE,
        longitudinal=speeds[:, 0],
        transverse=speeds[:, 1],
        density=[float(getattr(one, "density", np.nan)) for one in found],
        atoms=[float(getattr(one, "atoms", np.nan)) for one in found],
    )


def library_table(*, bands: bool = False) -> MaterialTable:
    """All solids of the library whose speeds of sound are known; `bands`: with full bands where there are some."""
    names = filter(is_debye_solid, materials())
    return material_table([phonon_spectrum(name) if bands and has_usable_phonons(name) else name for name in names])


def is_debye_solid(name: str) -> bool:
    """Whether a name is that of a solid of the library whose speeds of sound are known."""
    try:
        known = material(name)
    except InputError:
        return False
    return known.symmetry != "liquid" and known.longitudinal is not None and known.transverse is not None


def has_usable_phonons(name: str) -> bool:
    """Whether the full bands of a material are in the package, and stable."""
    return has_phonons(name) and phonon_card(name).usable


def cell_edges(tops: Sequence[float], count: int = CELL_COUNT) -> Array:
    """(count + 1,) edges of the cells of a common grid up to the highest of the tops, rad s⁻¹."""
    return max(tops) * np.linspace(0.0, 1.0, count + 1) ** _CELL_EXPONENT


def average_reduced_modes(phonons: Phonons, edges: Array) -> tuple[Array, Array]:
    r"""Mean of $M(\omega)/\omega^2$ in each cell, and its standard deviation by a straight line, (m,) m⁻² rad⁻² s².

    Both are weighted with ω²; the second has the sign of the slope.
    """
    omega, weight = (one.reshape(-1, _CELL_NODES) for one in panel_quadrature(edges, _CELL_NODES))
    reduced = phonons.modes(omega.ravel()).reshape(omega.shape) / omega**2
    share = weight * omega**2
    share = share / share.sum(axis=1, keepdims=True)
    mean = (reduced * share).sum(axis=1)
    away = omega - (omega * share).sum(axis=1, keepdims=True)
    slope = (reduced * share * away).sum(axis=1) / np.sqrt((share * away**2).sum(axis=1))
    return mean, slope


def combine_tables(*tables: MaterialTable) -> MaterialTable:
    """Put tables one behind the other; a name of an earlier table goes before the same name of a later one.

    Raises
    ------
    InputError
        for none, or several with full bands on other grids
    """
    if not tables:
        raise InputError(f"expected tables of materials, got {len(tables)}")
    seen: set[str] = set()
    parts: list[MaterialTable] = []
    for table in tables:
        parts.append(table.select([i for i, name in enumerate(table.names) if name not in seen]))
        seen.update(table.names)
    with_bands = [part for part in parts if part.band_rows.size]
    if any(not np.array_equal(part.edges, with_bands[0].edges) for part in with_bands):
        raise InputError(f"{len(with_bands)} tables have full bands on other grids: make one table of all of them")
    starts = np.cumsum([0, *(len(part) for part in parts)])
    keys = dict.fromkeys(key for part in parts for key in part.properties)
    return MaterialTable(
        names=[name for part in parts for name in part.names],
        formulas=[formula for part in parts for formula in part.formulas],
        properties={
            key: np.concatenate([part.properties.get(key, np.full(len(part), np.nan)) for part in parts])
            for key in keys
        },
        edges=with_bands[0].edges if with_bands else np.zeros(0),
        band_rows=np.concatenate([part.band_rows + start for part, start in zip(parts, starts, strict=False)]),
        reduced_modes=np.concatenate([part.reduced_modes for part in with_bands or parts[:1]]),
        slopes=np.concatenate([part.slopes for part in with_bands or parts[:1]]),
        source="; ".join(dict.fromkeys(part.source for part in parts if part.source)),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _RANGES},
    )


def find_rows(materials: MaterialTable, names: Sequence[str]) -> IntArray:
    """(k,) rows of materials, each by its name or by a formula that stands once in the table.

    Raises
    ------
    InputError
        for what is not there, with the nearest ones, and for a formula of several materials, with their names
    """
    rows = {name: i for i, name in enumerate(materials.names)}
    chosen: list[int] = []
    for name in name_tuple(names):
        if name in rows:
            chosen.append(rows[name])
            continue
        same = [i for i, formula in enumerate(materials.formulas) if formula == name]
        if len(same) > 1:
            listed = ", ".join(materials.names[i] for i in same[:5]) + ", ..." * (len(same) > 5)
            raise InputError(f"{len(same)} materials have the formula {name!r:.40}: choose one by its name: {listed}")
        if not same:
            close = get_close_matches(name, [*materials.names, *dict.fromkeys(materials.formulas)], n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has {len(materials)} materials"
            raise InputError(f"no material {name!r:.60} in the table; {hint}")
        chosen.append(same[0])
    if len(set(chosen)) < len(chosen):
        raise InputError(f"a partner stands twice in {', '.join(names)!r:.80}")
    return np.array(chosen, dtype=np.int64)
