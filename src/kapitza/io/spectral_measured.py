"""Measurements that hold the transmission of a boundary, from a text table beside the file of its stack.

Sizes: a column with the thickness of each layer that varies, named as the layer, "Si (nm)", and the conductance from
end to end, "conductance (MW/m2K)", or the conductivity of the whole, "conductivity (W/mK)".  Frequencies: "frequency
(MHz)", and the resistance that thermoreflectance reports, "resistance (m2K/GW)" and "imaginary (m2K/GW)".  In both,
"sigma".
"""

from os import PathLike

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError
from kapitza.io.curves import Table, read_table
from kapitza.io.films import FilmFile
from kapitza.measure.spectral_data import SeenResistances, SpectralMeasurement, StackConductances

SIZES = ("conductance", "conductivity")
MOST_DATA = 10_000


def read_spectral(path: str | PathLike[str], held: FilmFile) -> SpectralMeasurement:
    """Read what was measured on stacks like the one of a file, with an unknown boundary.

    Raises
    ------
    DataError
        for columns that are missing, unknown or of another kind, and data that no measurement can have
    InputError
        for a stack without an unknown boundary, with walls or with a period
    """
    if None not in held.crossings:
        raise InputError(f'{held.title}: no boundary is "unknown": nothing is left to find; mark it in the file')
    if held.period is not None or held.left is not None or held.right is not None:
        raise InputError(f"{held.title}: data are those between black walls: leave out the walls and the period")
    table = read_table(path)
    if table.columns[0].value.size > MOST_DATA:
        raise DataError(f"{table.columns[0].value.size} rows, expected at most {MOST_DATA}", file=path)
    try:
        return by_frequency(table, held) if "frequency" in table else by_size(table, held)
    except InputError as err:
        raise DataError(str(err), file=path) from err


def check_columns(table: Table, names: tuple[str, ...]) -> None:
    """Refuse columns that mean nothing."""
    for one in table.columns:
        if one.name not in names:
            raise DataError(f"unknown column {one.name!r}: expected {', '.join(names)}", file=table.path)


def by_size(table: Table, held: FilmFile) -> StackConductances:
    """Conductances of stacks of several thicknesses."""
    layers = tuple(film.name for film in held.films)
    check_columns(table, (*layers, *SIZES, "sigma"))
    kinds = [name for name in SIZES if name in table]
    if len(kinds) != 1:
        said = "both" if kinds else "none"
        raise DataError(f"expected a column conductance or conductivity, got {said} of them", file=table.path)
    value, sigma = table.values(kinds[0], kinds[0]), table.values(kinds[0], "sigma")
    thickness: dict[str, Array] = {name: table.values("length", name) for name in layers if name in table}
    stacks = [
        [evolve(film, thickness=float(thickness.get(film.name, whole(film.thickness, k))[k])) for film in held.films]
        for k in range(value.size)
    ]
    if kinds[0] == "conductivity":
        total = np.array([sum(film.thickness for film in stack) for stack in stacks])
        value, sigma = value / total, sigma / total
    return StackConductances(stacks, held.crossings, value, sigma)


def whole(value: float, last: int) -> Array:
    """The same number for all rows up to one."""
    return np.full(last + 1, value)


def by_frequency(table: Table, held: FilmFile) -> SeenResistances:
    """Resistances of a film on its substrate against the frequency of modulation."""
    check_columns(table, ("frequency", "resistance", "imaginary", "sigma"))
    if len(held.films) != 2:
        raise DataError(f"{held.title} has {len(held.films)} layers, expected a film and a substrate", file=table.path)
    value = table.values("resistance", "resistance") + 1j * table.values("resistance", "imaginary")
    return SeenResistances(
        held.films, table.values("frequency", "frequency"), value, table.values("resistance", "sigma")
    )
