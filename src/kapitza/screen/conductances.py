"""Conductances of chosen pairs of a table of materials."""

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.core.conductance import Drop
from kapitza.core.occupation import Statistics
from kapitza.errors import require
from kapitza.screen.table import MaterialTable
from kapitza.screen.tabulation import PairTables, debye_first, tabulate_pairs

KERNEL_EXTRA, KERNEL_PURPOSE = "screen", "screening pairs of materials"


def compute_pairs(tables: PairTables, first: IntArray, second: IntArray) -> Array:
    """(nT, n) conductances of pairs of tabulated materials, W m⁻² K⁻¹."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    found = np.empty((tables.edges.shape[0], first.size))
    kernels.pair_conductances(first, second, tables, found)
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
