r"""Layers between two solids: which third material lowers the resistance, and by how much at best.

Two limits enclose a real layer.  **Ballistic**: phonons keep their frequency from one end to the other,
$1/\Xi = 1/M_A + 1/M_C + 1/M_B$ (`theory.ballistic_layers`), so that at no frequency more heat crosses than without the
layer.  **Thermalised**: phonons come to equilibrium within the layer,

$$R = R_{AC} + R_{CB} - \frac1{G_C} + \frac{t}{\kappa_C},$$

with the emitted resistances of both planes.  The emission of the layer itself, $1/G_C$, stands in both of them; once
less of it is the local drop on the side of the layer, and with $t/\kappa_C$ the gray slab of any thickness
(Majumdar, J. Heat Transfer 115, 7 (1993), doi:10.1115/1.2910673).  A layer helps only as far as it thermalises, which
takes a thickness of about a mean free path; for a thinner one the thermalised resistance is a bound.
"""

from typing import Any

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import (
    Array,
    IndexArray,
    IntArray,
    about,
    check_count,
    integer_array,
    labels,
    one_temperature,
    real_array,
)
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units, thread_executor
from kapitza.screen import tabulation
from kapitza.screen.conductances import KERNEL_EXTRA, KERNEL_PURPOSE, compute_pairs
from kapitza.screen.table import MaterialTable, find_rows
from kapitza.screen.tabulation import PairTables
from kapitza.theory.dmm import ballistic_layers
from kapitza.units import THz

Triples = tuple[IntArray, IntArray, IntArray]  # left, right and layer

MAX_TRIPLE_MATERIALS = 20_000  # which take 20 minutes of a core
_LAYERS_VERSION = "layers-1"  # part of the address of stored results
_UNIT_ROWS = 2048  # materials on each side of a block of pairs
_CONDUCTIVITY_COLUMN = "conductivity"


@frozen(eq=False, kw_only=True)
class InterlayerScreening(BaseRecord):
    r"""Layers between two solids, those that would lower the resistance most first.

    Attributes
    ----------
    names, formulas : of the materials that appear
    left, right, layer : (N,) numbers among the names
    direct : (N,) resistance without the layer, emitted drop
    thermalised : (N,) with the layer, where phonons come to equilibrium in it
    ballistic : (N,) with the layer, where they keep their frequency
    own : (N,) part of the thermalised resistance that is thickness over conductivity; 0 without a thickness
    free_path : (N,) mean free path in the layer, gray, $3\kappa/4G_C$: a layer that is thinner is rather ballistic; NaN
        where the conductivity is not known, and too long where electrons conduct
    gap_low, gap_high : (N,) frequencies between which the layer takes phonons that one side has and the other has not;
        equal where there are none
    thickness : of the layer; 0 where its own resistance is left out
    source : of the numbers of the materials

    Examples
    --------
    >>> from kapitza.screen import interlayers, library_table
    >>> table = library_table()
    >>> few = table.select([table.names.index(name) for name in ("Au", "diamond", "Ni", "Pb")])
    >>> found = interlayers(few, 300.0, ends=("Au", "diamond"), thickness=1e-9, top=3)
    >>> print([found.names[row] for row in found.layer], found.gain.round(1))
    ['Ni', 'Pb'] [3.1 0.2]
    >>> print(found.physics(0))
    bridges the gap between 7.82 and 16.9 THz
    """

    names: tuple[str, ...] = field(converter=tuple)
    formulas: tuple[str, ...] = field(converter=tuple)
    left: IndexArray = field(converter=labels, metadata=about("1", "material on the left"))
    right: IndexArray = field(converter=labels, metadata=about("1", "material on the right"))
    layer: IndexArray = field(converter=labels, metadata=about("1", "material of the layer"))
    direct: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance without the layer"))
    thermalised: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance in equilibrium"))
    ballistic: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "resistance without equilibrium"))
    own: Array = field(converter=real_array, metadata=about("m^2 K W^-1", "thickness over conductivity"))
    free_path: Array = field(converter=real_array, metadata=about("m", "gray mean free path in the layer"))
    gap_low: Array = field(converter=real_array, metadata=about("rad s^-1", "where the gap begins"))
    gap_high: Array = field(converter=real_array, metadata=about("rad s^-1", "where the bridge ends"))
    temperature: float = field(metadata=about("K", "temperature"))
    thickness: float = field(metadata=about("m", "thickness of the layer"))
    triples: int = field(metadata=about("1", "triples that were compared"))
    source: str = ""

    def __len__(self) -> int:
        return self.layer.size

    @property
    def gain(self) -> Array:
        """(N,) resistance without the layer over that with it, in equilibrium; above 1 the layer may help."""
        return self.direct / self.thermalised

    def physics(self, row: int) -> str:
        """What the layer does, in words."""
        if self.gain[row] <= 1:
            return "does not help"
        low, high = self.gap_low[row] / THz, self.gap_high[row] / THz
        if high > low:
            return f"bridges the gap between {low:.3g} and {high:.3g} THz"
        return "steps between the modes of both sides"

    def columns(self, rows: slice = slice(None)) -> dict[str, list[Any]]:
        """The rows, or some of them, as columns by name, in SI."""
        found: dict[str, list[Any]] = {
            side: [self.names[i] for i in getattr(self, side)[rows].tolist()] for side in ("left", "layer", "right")
        }
        numbers = ("direct", "thermalised", "ballistic", "own", "free_path", "gain", "gap_low", "gap_high")
        found |= {name: getattr(self, name)[rows].tolist() for name in numbers}
        return found | {"physics": [self.physics(row) for row in range(len(self))[rows]]}


def interlayers(
    materials: MaterialTable,
    temperature: float,
    *,
    ends: tuple[str, str] | None = None,
    thickness: float | None = None,
    top: int = 20,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> InterlayerScreening:
    """Find layers that would lower the resistance between two solids, or between any two of a table.

    Parameters
    ----------
    materials : the table
    temperature : K
    ends : names or formulas of both solids; None for all pairs, each with its best layer
    thickness : of the layer, m; then only materials with a column "conductivity" (W m⁻¹ K⁻¹) are layers.  None leaves
        the resistance of the layer itself out
    top : number of rows
    store, executor, progress : as in `run_units`, without ends; a number of workers means threads, 160 MB each for 10⁴
        materials

    Returns
    -------
    InterlayerScreening, the largest gain first

    Raises
    ------
    InputError
        for fewer than three materials, more than 20,000 without ends, ends that are not in the table or are one, a
        thickness that is not above zero, and where no layer has a conductivity
    MissingEngine
        without numba
    """
    kelvin = one_temperature(temperature)
    check_count("top", top)
    if len(materials) < 3:
        raise InputError(f"an interlayer needs at least three materials, the table has {len(materials)}")
    rows = None if ends is None else find_rows(materials, ends)
    if rows is None and len(materials) > MAX_TRIPLE_MATERIALS:
        raise InputError(
            f"{len(materials)} materials are too many for all triples, at most {MAX_TRIPLE_MATERIALS}: choose some "
            "with a filter, or give both ends"
        )
    own = _own_resistance(materials, thickness)
    order = tabulation.debye_first(materials)
    sorted_table, own = materials.select(order), own[order]
    # inverse of what each material emits into one half space: the local drop leaves out half of it
    leads = tabulation.tabulate_pairs(sorted_table, np.array([kelvin]), "local").leads
    emission = 2 * np.asarray(leads, dtype=float)[0]
    tables = tabulation.tabulate_pairs(sorted_table, np.array([kelvin]))
    if rows is None:
        left, right, layer = _best_triples(tables, own - emission, top, store, executor, progress)
    else:
        left, right, layer = _best_between(tables, own - emission, np.argsort(order).astype(np.int64)[rows], top)
    return _describe_layers(sorted_table, (left, right, layer), emission, own, tables, kelvin, thickness or 0.0)


def _own_resistance(materials: MaterialTable, thickness: float | None) -> Array:
    if thickness is None:
        return np.zeros(len(materials))
    if not (np.isfinite(thickness) and thickness > 0):
        raise InputError(f"thickness = {thickness:g} m, expected a finite number above 0")
    known = materials.properties.get(_CONDUCTIVITY_COLUMN, np.full(len(materials), np.nan))
    found = np.where(known > 0, thickness / known, np.inf)
    if not np.isfinite(found).any():
        raise InputError(
            f"no material of {len(materials)} has a {_CONDUCTIVITY_COLUMN}: a layer of {thickness:g} m needs one; "
            "leave the thickness out, or give the table this column (W/mK)"
        )
    return found


def _best_between(tables: PairTables, extra: Array, ends: IntArray, top: int) -> Triples:
    """Left, right and layer of the best layers between two ends."""
    left, right = int(ends[0]), int(ends[1])
    others = np.setdiff1d(np.arange(extra.size), [left, right])
    others = others[np.isfinite(extra[others])]
    if not others.size:
        raise InputError(f"no material of {extra.size} between the ends has a {_CONDUCTIVITY_COLUMN}")
    total = sum(_resistances(tables, np.full(others.size, end), others) for end in (left, right)) + extra[others]
    chosen = others[np.argsort(total, kind="stable")[:top]]
    return np.full(chosen.size, left), np.full(chosen.size, right), chosen


def _resistances(tables: PairTables, first: IntArray, second: IntArray) -> Array:
    """(n,) emitted resistance of pairs, m² K W⁻¹."""
    with np.errstate(divide="ignore"):
        return 1 / compute_pairs(tables, first, second)[0]


def _best_triples(
    tables: PairTables,
    extra: Array,
    top: int,
    store: StoreLike | None,
    executor: ExecutorLike | None,
    progress: Progress | None,
) -> Triples:
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    fixed = tables._asdict() | {"extra": extra.astype(np.float32), "keep": top}
    starts = range(0, extra.size, _UNIT_ROWS)
    units: list[UnitInputs] = [
        {**fixed, "first": i, "low": j, "size": _UNIT_ROWS} for i in starts for j in starts if j >= i
    ]
    with thread_executor(executor) as workers:
        results = run_units(
            search_block, units, version=_LAYERS_VERSION, store=store, executor=workers, progress=progress
        )
    score = np.concatenate([np.asarray(one["score"], dtype=float) for one in results])
    left, right = (integer_array(np.concatenate([one[name] for one in results])) for name in ("first", "second"))
    place = np.lexsort((right, left, -score))
    place = place[left[place] >= 0][:top]
    left, right = left[place], right[place]
    every = np.arange(extra.size)
    layer: list[int] = []
    for pair in zip(left.tolist(), right.tolist(), strict=True):
        total = sum(_resistances(tables, np.full(extra.size, end), every) for end in pair) + extra
        total[list(pair)] = np.inf  # an end is no layer
        layer.append(int(np.argmin(total)))
    return left, right, np.array(layer, dtype=np.int64)


def search_block(unit: UnitInputs) -> UnitResult:
    """Kernel: best triples of one block of pairs: ratios of resistances, left and right."""
    kernels = require("kapitza.screen.kernels", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    inputs: Any = unit
    tables = PairTables(*(inputs[name] for name in PairTables._fields))
    total, first, low, size = inputs["extra"].size, inputs["first"], inputs["low"], inputs["size"]
    rows = np.empty((min(size, total - first), total), np.float32)
    columns = np.empty((total, min(size, total - low)), np.float32)
    kernels.fill_resistances(tables, first, 0, rows)
    kernels.fill_resistances(tables, 0, low, columns)
    best = kernels.BestPairs(*(np.full((1, inputs["keep"]), start) for start in (-np.inf, -1, -1)))
    kernels.search_triples(rows, columns, first, low, inputs["extra"], best)
    return {"score": best.score[0], "first": best.first[0], "second": best.second[0]}


def _describe_layers(
    materials: MaterialTable,
    triples: Triples,
    emission: Array,
    own: Array,
    tables: PairTables,
    temperature: float,
    thickness: float,
) -> InterlayerScreening:
    left, right, layer = triples
    used, place = np.unique(np.concatenate(triples), return_inverse=True)
    sides = {int(i): materials.phonons(int(i)) for i in used}
    ballistic = [
        1 / float(ballistic_layers([sides[i], sides[c], sides[j]]).conductance(temperature).value[0])
        for i, c, j in zip(left.tolist(), layer.tolist(), right.tolist(), strict=True)
    ]
    tops = {i: float(side.edges[-1]) for i, side in sides.items()}
    ends = np.array([[tops[i], tops[j], tops[c]] for i, j, c in zip(*(one.tolist() for one in triples), strict=True)])
    low = ends[:, :2].min(axis=1)
    parts = place.reshape(3, -1)
    count = len(materials)
    unknown = np.full(count, np.nan)
    between = np.unique(left).size == np.unique(right).size == 1
    return InterlayerScreening(
        names=[materials.names[i] for i in used],
        formulas=[materials.formulas[i] for i in used],
        left=parts[0],
        right=parts[1],
        layer=parts[2],
        direct=_resistances(tables, left, right),
        thermalised=_resistances(tables, left, layer) + _resistances(tables, right, layer) + (own - emission)[layer],
        ballistic=ballistic,
        own=own[layer],
        free_path=0.75 * materials.properties.get(_CONDUCTIVITY_COLUMN, unknown)[layer] * emission[layer],
        gap_low=low,
        gap_high=np.maximum(low, np.minimum(ends[:, 2], ends[:, :2].max(axis=1))),
        temperature=temperature,
        thickness=thickness,
        triples=count - 2 if between and count > 3 else count * (count - 1) * (count - 2) // 2,
        source=materials.source,
    )
