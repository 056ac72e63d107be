"""Primitives of a table of materials, and conductances of chosen pairs of it."""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.conductance import Drop
from kapitza.core.occupation import Statistics
from kapitza.core.transmission import DROP_CORRECTION
from kapitza.errors import require
from kapitza.screen.result import Precision
from kapitza.screen.table import MaterialTable
from kapitza.screen.tabulation import MODE_SCALE, PairTables, landauer_primitive

KERNEL_EXTRA, KERNEL_PURPOSE = "screen", "screening pairs of materials"


def debye_first(materials: MaterialTable) -> IntArray:
    """(n,) materials in the order of the kernels: Debye solids, then full bands."""
    bands = materials.band_rows.astype(np.int64)
    return np.concatenate([np.setdiff1d(np.arange(len(materials)), bands), bands])


def tabulate_pairs(
    materials: MaterialTable,
    temperature: Array,
    drop: Drop = "emitted",
    statistics: Statistics = "quantum",
    precision: Precision = "double",
) -> PairTables:
    """Primitives of a table in which Debye solids stand first, then those with full bands.

    `precision` is that of the tables and sums of Debye solids; the cells of full bands are always single.
    """
    solids = len(materials) - materials.band_rows.size
    longitudinal, transverse = materials.longitudinal[:solids], materials.transverse[:solids]
    wave = (6 * np.pi**2 * materials.atoms[:solids]) ** (1 / 3)
    between = 1 / (4 * np.pi * longitudinal**2)
    below = between + 1 / (2 * np.pi * transverse**2)
    low = landauer_primitive(transverse * wave, temperature, statistics)
    high = landauer_primitive(longitudinal * wave, temperature, statistics)
    edges = landauer_primitive(materials.edges, temperature, statistics)
    last = max(materials.edges.size - 2, 0)
    cells = [_cell_of(materials.edges, speed * wave, last) for speed in (transverse, longitudinal)]
    modes = materials.reduced_modes
    share = DROP_CORRECTION[drop]
    leads = np.zeros((0, 0))
    if share:
        sides = [below * low + between * (high - low)]
        sides += [np.diff(edges) @ modes.T] if modes.size else []
        leads = share / np.concatenate(sides, axis=1)
    kind = np.float32 if precision == "single" else np.float64
    solid_columns = {
        "below": 1 / below,
        "between": 1 / between,
        "transverse": low,
        "longitudinal": high,
        "leads": leads,
    }
    return PairTables(
        **{name: np.asarray(column, dtype=kind) for name, column in solid_columns.items()},
        transverse_cell=cells[0], longitudinal_cell=cells[1],
        cells=(modes * MODE_SCALE).astype(np.float32), slopes=(materials.slopes * MODE_SCALE).astype(np.float32),
        cell_count=_open_cells(modes), edges=edges / MODE_SCALE, steps=(np.diff(edges) / MODE_SCALE).astype(np.float32),
    )  # fmt: skip


def _open_cells(modes: Array) -> IntArray:
    """(nb,) number of cells up to the last in which each spectrum has modes."""
    if not modes.size:
        return np.zeros(modes.shape[0], np.int64)
    opened = modes > 0
    return np.where(opened.any(axis=1), modes.shape[1] - np.argmax(opened[:, ::-1], axis=1), 0).astype(np.int64)


def _cell_of(edges: Array, omega: Array, last: int) -> IntArray:
    """(n,) cell of each frequency; one past the last for those above all."""
    if not edges.size:
        return np.zeros(omega.size, np.int64)
    return np.minimum(np.searchsorted(edges, omega, side="right") - 1, last + 1).astype(np.int64)


def compute_pairs(tables: PairTables, first: IntArray, second: IntArray) -> Array:
    """(nT, n) conductances of pairs of tabulated materials, W m⁻² K⁻¹."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    found = np.empty((tables.edges.shape[0], first.size))
    kernels.pair_conductances(first, second, kernels.KernelTables(**tables.arrays()), found)
    return found


def table_conductances(
    materials: MaterialTable,
    temperature: Array,
    pairs: tuple[IntArray, IntArray],
    drop: Drop = "emitted",
    statistics: Statistics = "quantum",
) -> Array:
    """(nT, n) conductances of pairs of rows of a table, (n,) and (n,), W m⁻² K⁻¹."""
    order = debye_first(materials)
    place = np.argsort(order)
    tables = tabulate_pairs(materials.select(order), temperature, drop, statistics)
    return compute_pairs(tables, place[pairs[0]], place[pairs[1]])
