"""All pairs of a table of materials by the diffuse mismatch model, the best of them kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, check_record, temperatures
from kapitza.core.transmission import DROP_CORRECTION
from kapitza.errors import InputError, require
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units, thread_executor
from kapitza.screen.names import find_rows
from kapitza.screen.result import Ranking, Screening
from kapitza.screen.table import MaterialTable
from kapitza.screen.tabulation import MODE_SCALE, PairTables, landauer_primitive

SCREENING_VERSION = "screen-1"  # part of the address of stored results
KERNEL_EXTRA, KERNEL_PURPOSE = "screen", "screening pairs of materials"
MAX_PAIRS = 2 * 10**10
_MAX_ROWS = 2 * 10**7  # of a result: lists of each material
_UNIT_COST = 3e8  # pairs of Debye solids, a few seconds: what an interrupt loses
_BAND_COST = 10.0  # of a pair with full bands


def screen(
    materials: MaterialTable,
    temperature: ArrayLike,
    *,
    partners: Sequence[str] | None = None,
    ranking: Ranking | None = None,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Screening:
    r"""Compare all pairs of materials by the diffuse mismatch model, and keep the best.

    A material with full bands in the table is taken with them, all others as Debye solids.  Two Debye solids are
    integrated exactly; full bands are constant in $M/\omega^2$ within each cell of their grid.

    Parameters
    ----------
    materials : the table
    temperature : (nT,) K; each has a list of its own
    partners : names or formulas of the table: only pairs with one of these are compared
    ranking : how many are kept, and in which order; 100 of the highest conductance by the emitted drop if None
    store, executor, progress : as in `run_units`; a number of workers means threads

    Returns
    -------
    Screening; memory is that of the table and of the lists, whatever the number of pairs

    Raises
    ------
    InputError
        for fewer than two materials, a partner that is not in the table, more than 2·10¹⁰ pairs, and temperatures not
        above 0 K
    MissingEngine
        without numba

    References
    ----------
    E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), doi:10.1103/RevModPhys.61.605
    """
    check_record(materials, MaterialTable, "kapitza.screen.library_table(), or kapitza.io.read_materials(path)")
    kelvin, wanted = temperatures(temperature), ranking or Ranking()
    rows = None if partners is None else find_rows(materials, partners)
    order = debye_first(materials)
    if rows is not None:
        rows = np.argsort(order)[rows]
    count = pair_count(materials, rows, each=wanted.each)
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    tables = tabulate_pairs(materials.select(order), kelvin, wanted)
    keep = min(wanted.top + (0 if wanted.each or rows is None else rows.size), count)
    units = _pair_units(tables, len(materials), rows, wanted, min(keep, len(materials) - 1) if wanted.each else keep)
    with thread_executor(executor) as workers:
        results = run_units(
            search_pairs, units, version=SCREENING_VERSION, store=store, executor=workers, progress=progress
        )
    best = _lists_of_each(results, units, order) if wanted.each else _list_of_all(results, wanted.top, order)
    return _make_screening(materials, kelvin, wanted, best, count)


def pair_count(materials: MaterialTable, rows: IntArray | None, *, each: bool = False) -> int:
    """Number of different pairs; an InputError where there is none, or too many."""
    total = len(materials)
    if total < 2:
        raise InputError(f"a screening compares at least two materials, the table has {total}")
    count = total * (total - 1) // 2 if rows is None else rows.size * total - rows.size * (rows.size + 1) // 2
    if count > MAX_PAIRS:
        raise InputError(
            f"{total} materials are {count:.3g} pairs, at most {MAX_PAIRS:.0e} are compared: choose materials with a "
            "filter, or partners"
        )
    lists = 0 if not each else total if rows is None else rows.size
    if lists * min(total - 1, 100) > _MAX_ROWS:
        raise InputError(f"{lists} lists of their own are more than a result holds: choose materials with a filter")
    return count


def debye_first(materials: MaterialTable) -> IntArray:
    """(n,) materials in the order of the kernels: Debye solids, then full bands."""
    bands = materials.band_rows.astype(np.int64)
    return np.concatenate([np.setdiff1d(np.arange(len(materials)), bands), bands])


def tabulate_pairs(materials: MaterialTable, temperature: Array, ranking: Ranking) -> PairTables:
    """Primitives of a table in which Debye solids stand first, then those with full bands."""
    solids = len(materials) - materials.band_rows.size
    longitudinal, transverse = materials.longitudinal[:solids], materials.transverse[:solids]
    wave = (6 * np.pi**2 * materials.atoms[:solids]) ** (1 / 3)
    between = 1 / (4 * np.pi * longitudinal**2)
    below = between + 1 / (2 * np.pi * transverse**2)
    low = landauer_primitive(transverse * wave, temperature, ranking.statistics)
    high = landauer_primitive(longitudinal * wave, temperature, ranking.statistics)
    edges = landauer_primitive(materials.edges, temperature, ranking.statistics)
    last = max(materials.edges.size - 2, 0)
    cells = [_cell_of(materials.edges, speed * wave, last) for speed in (transverse, longitudinal)]
    modes = materials.reduced_modes
    share = DROP_CORRECTION[ranking.drop]
    leads = np.zeros((0, 0))
    if share:
        sides = [below * low + between * (high - low)]
        sides += [np.diff(edges) @ modes.T] if modes.size else []
        leads = share / np.concatenate(sides, axis=1)
    return PairTables(
        below=1 / below, between=1 / between, transverse=low, longitudinal=high, leads=leads,
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


def _pair_units(tables: PairTables, total: int, rows: IntArray | None, ranking: Ranking, keep: int) -> list[UnitInputs]:
    """Units of work, each some rows of pairs: what they are does not depend on who does them."""
    chosen = np.arange(total if ranking.each else total - 1) if rows is None else rows
    all_partners = ranking.each or rows is not None
    earliest = np.zeros(chosen.size, np.int64) if all_partners else chosen + 1
    solids = tables.below.size
    band_partners = np.where(chosen < solids, total - np.maximum(earliest, solids), total - earliest)
    cost = (total - earliest) + (_BAND_COST - 1) * band_partners
    bounds = np.searchsorted(np.cumsum(cost), np.arange(0, cost.sum(), _UNIT_COST))
    bounds = np.unique(np.append(bounds, chosen.size))
    fixed = tables.arrays() | {"sign": 1.0 if ranking.order == "high" else -1.0, "keep": keep, "each": ranking.each}
    pieces = zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    return [{**fixed, "rows": chosen[a:b], "earliest": earliest[a:b]} for a, b in pieces]


def search_pairs(unit: UnitInputs) -> UnitResult:
    """Best pairs of one unit of work: scores, and both materials."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    inputs: Any = unit
    tables = kernels.KernelTables(*(inputs[name] for name in kernels.KernelTables._fields))
    shape = (tables.edges.shape[0], int(inputs["keep"]))
    shape = (inputs["rows"].size, *shape) if inputs["each"] else shape
    best = kernels.BestPairs(np.full(shape, -np.inf), np.full(shape, -1, np.int64), np.full(shape, -1, np.int64))
    if inputs["each"]:
        kernels.best_of_each_row(inputs["rows"], tables, inputs["sign"], best)
    else:
        none = np.zeros((shape[0], 0), np.int64)
        kernels.best_of_rows(inputs["rows"], inputs["earliest"], tables, inputs["sign"], best, none)
    return {"score": best.score, "first": best.first, "second": best.second}


def compute_pairs(tables: PairTables, first: IntArray, second: IntArray) -> Array:
    """(nT, n) conductances of pairs of tabulated materials, W m⁻² K⁻¹."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    found = np.empty((tables.edges.shape[0], first.size))
    kernels.pair_conductances(first, second, kernels.KernelTables(**tables.arrays()), found)
    return found


_LIST_NAMES = ("score", "first", "second")


def _plain(array: Any) -> Any:
    """An array of a unit, whose type the store does not know."""
    return np.asarray(array)


class PairLists(NamedTuple):
    """Lists of pairs, (lists, nT, k) each: scores, both materials, and the material of each list or -1."""

    score: Array
    first: IntArray
    second: IntArray
    owner: IntArray


def _list_of_all(results: Sequence[UnitResult], top: int, order: IntArray) -> PairLists:
    """One list of the best of all units, each pair once."""
    score, first, second = (np.concatenate([_plain(one[name]) for one in results], axis=1) for name in _LIST_NAMES)
    parts: list[tuple[Array, IntArray, IntArray]] = []
    for t in range(score.shape[0]):
        there = first[t] >= 0
        low, high = np.minimum(first[t], second[t])[there], np.maximum(first[t], second[t])[there]
        place = np.lexsort((high, low, -score[t][there]))
        pairs = low[place] * (order.size + 1) + high[place]
        place = place[np.sort(np.unique(pairs, return_index=True)[1])][:top]
        parts.append((score[t][there][place], order[first[t][there][place]], order[second[t][there][place]]))
    columns = [np.array(part)[None] for part in zip(*parts, strict=True)]
    return PairLists(columns[0], columns[1], columns[2], np.array([-1]))


def _lists_of_each(results: Sequence[UnitResult], units: Sequence[UnitInputs], order: IntArray) -> PairLists:
    """A list for each row of each unit."""
    score, first, second = (np.concatenate([_plain(one[name]) for one in results]) for name in _LIST_NAMES)
    rows = np.concatenate([_plain(unit["rows"]) for unit in units])
    place = np.lexsort((second, -score), axis=-1)
    score, first, second = (np.take_along_axis(one, place, axis=-1) for one in (score, first, second))
    return PairLists(score, order[first], order[second], order[rows])


def _make_screening(
    materials: MaterialTable, temperature: Array, ranking: Ranking, best: PairLists, count: int
) -> Screening:
    """The rows of the lists, temperature by temperature."""
    lists, _, top = best.score.shape
    used, place = np.unique(np.concatenate([best.first.ravel(), best.second.ravel()]), return_inverse=True)
    left, right = place.reshape(2, *best.first.shape).swapaxes(1, 2)
    owner = np.where(best.owner < 0, -1, np.searchsorted(used, best.owner))
    bands = np.isin(used, materials.band_rows)
    sign = 1 if ranking.order == "high" else -1
    return Screening(
        names=[materials.names[i] for i in used],
        formulas=[materials.formulas[i] for i in used],
        full_bands=bands,
        temperature=np.repeat(temperature, lists * top),
        rank=np.tile(np.arange(1, top + 1), lists * temperature.size),
        left=left.ravel(),
        right=right.ravel(),
        owner=np.tile(np.repeat(owner, top), temperature.size),
        conductance=sign * best.score.swapaxes(0, 1).ravel(),
        ranking=ranking,
        pairs=count,
        materials=len(materials),
        source=materials.source,
    )
