"""All pairs of a table of materials by the diffuse mismatch model, the best of them kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IntArray, check_record, temperatures
from kapitza.errors import InputError, require
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units, thread_executor
from kapitza.screen import tabulation
from kapitza.screen.conductances import KERNEL_EXTRA, KERNEL_PURPOSE, compute_pairs
from kapitza.screen.ranks import ModelError, bin_logarithms, calibrated_errors, catalogue_error, rank_probabilities
from kapitza.screen.result import Ranking, Screening
from kapitza.screen.table import MaterialTable, find_rows
from kapitza.screen.tabulation import PairTables

SCREENING_VERSION = "screen-3"  # part of the address of stored results
MAX_PAIRS = 2 * 10**10
_MAX_ROWS = 2 * 10**7  # of a result: lists of each material
_UNIT_COST = 3e8  # pairs of Debye solids, a few seconds: what an interrupt loses
_LOWEST_CONDUCTANCE = 1e-12  # W m⁻² K⁻¹: stands for 0 in a logarithm
_BAND_COST = 10.0  # of a pair with full bands
_UNIT_LISTS = 1024  # lists of their own in a unit, which bounds the memory beside the result
_LIST_NAMES = ("score", "first", "second")


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
    check_record(materials, MaterialTable, python="kapitza.screen.library_table(), or kapitza.io.read_materials(path)")
    kelvin, wanted = temperatures(temperature), ranking or Ranking()
    rows = None if partners is None else find_rows(materials, partners)
    order = tabulation.debye_first(materials)
    if rows is not None:
        rows = np.argsort(order)[rows]
    count = pair_count(materials, rows, each=wanted.each)
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    tables = tabulation.tabulate_pairs(
        materials.select(order), kelvin, wanted.drop, wanted.statistics, wanted.precision
    )
    keep = min(wanted.top + (0 if wanted.each or rows is None else rows.size), count)
    units = _pair_units(tables, len(materials), rows, wanted, min(keep, len(materials) - 1) if wanted.each else keep)
    with thread_executor(executor) as workers:
        results = run_units(
            search_pairs, units, version=SCREENING_VERSION, store=store, executor=workers, progress=progress
        )
    counts = None if wanted.each else _count_once(results, tables, rows)
    best = _lists_of_each(results, units, order) if wanted.each else _list_of_all(results, wanted.top, order)
    return _make_screening(materials, kelvin, wanted, best, count, counts)


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


def _pair_units(tables: PairTables, total: int, rows: IntArray | None, ranking: Ranking, keep: int) -> list[UnitInputs]:
    """Units of work, each some rows of pairs: what they are does not depend on who does them."""
    chosen = np.arange(total if ranking.each else total - 1) if rows is None else rows
    all_partners = ranking.each or rows is not None
    earliest = np.zeros(chosen.size, np.int64) if all_partners else chosen + 1
    solids = tables.below.size
    band_partners = np.where(chosen < solids, total - np.maximum(earliest, solids), total - earliest)
    cost = (total - earliest) + (_BAND_COST - 1) * band_partners
    bounds = np.searchsorted(np.cumsum(cost), np.arange(0, cost.sum(), _UNIT_COST))
    lists = np.arange(0, chosen.size if ranking.each else 0, _UNIT_LISTS)
    bounds = np.unique(np.concatenate([bounds, lists, [chosen.size]]))
    fixed = tables._asdict() | {"sign": 1.0 if ranking.order == "high" else -1.0, "keep": keep, "each": ranking.each}
    pieces = zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    return [{**fixed, "rows": chosen[a:b], "earliest": earliest[a:b]} for a, b in pieces]


def search_pairs(unit: UnitInputs) -> UnitResult:
    """Best pairs of one unit of work: scores, and both materials."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    inputs: Any = unit
    tables = PairTables(*(inputs[name] for name in PairTables._fields))
    shape = (tables.edges.shape[0], int(inputs["keep"]))
    shape = (inputs["rows"].size, *shape) if inputs["each"] else shape
    best = kernels.BestPairs(np.full(shape, -np.inf), np.full(shape, -1, np.int32), np.full(shape, -1, np.int32))
    result = {"score": best.score, "first": best.first, "second": best.second}
    if inputs["each"]:
        kernels.best_of_each_row(inputs["rows"], tables, inputs["sign"], best)
    else:
        result["counts"] = np.zeros((shape[0], kernels.BIN_COUNT), np.int64)
        kernels.best_of_rows(inputs["rows"], inputs["earliest"], tables, inputs["sign"], best, result["counts"])
    return result


def _count_once(results: Sequence[UnitResult], tables: PairTables, rows: IntArray | None) -> IntArray:
    """(nT, bins) number of pairs by their conductance, each pair once: partners met themselves and one another too."""
    counts = np.sum([_plain(one["counts"]) for one in results], axis=0)
    if rows is not None:
        first, second = (rows[place] for place in np.tril_indices(rows.size))
        kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
        surplus = np.zeros_like(counts)
        kernels.count_conductances(compute_pairs(tables, first, second), surplus)
        counts = np.maximum(counts - surplus, 0)
    return counts


def _plain(array: Any) -> Any:
    """An array of a unit, whose type the store does not know."""
    return np.asarray(array)


class PairLists(NamedTuple):
    """Lists of pairs, (nT, lists, k) each: scores, both materials, and the material of each list or -1."""

    score: Array
    first: NDArray[np.int32]
    second: NDArray[np.int32]
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
    score, first, second = (np.array(part)[:, None] for part in zip(*parts, strict=True))
    return PairLists(score, first.astype(np.int32), second.astype(np.int32), np.array([-1]))


def _lists_of_each(results: list[UnitResult], units: Sequence[UnitInputs], order: IntArray) -> PairLists:
    """A list for each row of each unit; results are taken off, since both together may be large."""
    rows = np.concatenate([_plain(unit["rows"]) for unit in units])
    _, times, top = _plain(results[0]["score"]).shape
    score = np.empty((times, rows.size, top))
    first, second = (np.empty(score.shape, np.int32) for _ in range(2))
    stop = rows.size
    while results:
        one = results.pop()
        parts = [_plain(one[name]).swapaxes(0, 1) for name in _LIST_NAMES]
        start = stop - parts[0].shape[1]
        place = np.lexsort((parts[2], -parts[0]), axis=-1)
        score[:, start:stop], low, high = (np.take_along_axis(part, place, axis=-1) for part in parts)
        first[:, start:stop], second[:, start:stop] = order[low], order[high]
        stop = start
    return PairLists(score, first, second, order[rows])


def _make_screening(
    materials: MaterialTable, temperature: Array, ranking: Ranking, best: PairLists, count: int, counts: IntArray | None
) -> Screening:
    times, lists, top = best.score.shape
    there = np.zeros(len(materials), bool)
    there[best.first.ravel()] = there[best.second.ravel()] = True
    used = np.flatnonzero(there)  # rows of the table that appear; their numbers in the result, -1 of -1
    number = np.append(np.cumsum(there, dtype=np.int32) - 1, np.int32(-1))
    sign = 1 if ranking.order == "high" else -1
    value = np.multiply(best.score, sign, out=best.score)
    expected, spread, error = _expectations(materials, temperature, ranking, best, value)
    probability = np.full(value.shape, np.nan)
    if counts is not None:
        for t, kelvin in enumerate(temperature.tolist()):
            others = _others(counts[t], value[t, 0], catalogue_error(kelvin, ranking.drop, ranking.statistics))
            probability[t, 0] = rank_probabilities(
                np.log(np.maximum(expected[t, 0], _LOWEST_CONDUCTANCE)), spread[t, 0], others, ranking.best, sign=sign
            )
    rows: dict[str, NDArray[Any]] = {
        "temperature": np.repeat(temperature, lists * top),
        "rank": np.tile(np.arange(1, top + 1, dtype=np.int32), lists * times),
        "left": number[best.first],
        "right": number[best.second],
        "owner": np.tile(np.repeat(number[best.owner], top), times),
        "conductance": value,
        "expected": expected,
        "spread": spread,
        "probability": probability,
    }
    for column in rows.values():
        column.flags.writeable = False
    return Screening(
        names=[materials.names[i] for i in used],
        formulas=[materials.formulas[i] for i in used],
        full_bands=np.isin(used, materials.band_rows),
        error=error,
        ranking=ranking,
        pairs=count,
        materials=len(materials),
        source=materials.source,
        **{name: column.reshape(-1) for name, column in rows.items()},
    )


def _expectations(
    materials: MaterialTable, temperature: Array, ranking: Ranking, best: PairLists, value: Array
) -> tuple[Array, Array, str]:
    """What measurements would find for each pair of the lists, the spread of its logarithm, and why, in words."""
    expected, spread = np.zeros_like(value), np.zeros_like(value)
    has_bands = np.zeros(len(materials), bool)
    has_bands[materials.band_rows] = True
    both = has_bands[best.first] & has_bands[best.second]
    texts = dict[str, None]()
    for kind, chosen in ((False, ~both), (True, both)):
        for t, kelvin in enumerate(temperature.tolist()):
            if not chosen[t].any():
                continue
            error = catalogue_error(kelvin, ranking.drop, ranking.statistics, bands=kind)
            texts[("full bands: " if kind else "Debye solids: ") + error.text] = None
            expected[t][chosen[t]] = error.ratio * value[t][chosen[t]]
            spread[t][chosen[t]] = error.spread
    if ranking.calibrated:
        pairs = sorted({(int(i), int(j)) for i, j in zip(best.first.ravel(), best.second.ravel(), strict=True)})
        known = calibrated_errors(materials, pairs, temperature)
        for place in np.ndindex(value.shape):
            if (found := known.get((int(best.first[place]), int(best.second[place])))) is not None:
                expected[place], spread[place] = found[0][place[0]], found[1][place[0]]
        texts[f"calibrated: {len(known)} pairs of the library"] = None
    return expected, spread, "; ".join(texts)


def _others(counts: IntArray, listed: Array, error: ModelError) -> tuple[Array, Array, float]:
    """What stands against a list: ln G that a measurement would find, number of pairs, and the error of each."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    own = np.zeros((1, counts.size), np.int64)
    kernels.count_conductances(np.ascontiguousarray(listed)[None], own)
    place = bin_logarithms(kernels.LOWEST_OCTAVE, kernels.BINS_PER_OCTAVE, counts.size)
    return place + np.log(error.ratio), np.maximum(counts - own[0], 0).astype(float), error.spread
