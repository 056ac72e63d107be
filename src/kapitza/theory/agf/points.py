"""Transmission at many wave vectors and frequencies: the units that long work is cut into."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.modal import SIDES
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import PS2, Blocks, Junction, Lead, Slab
from kapitza.run.store import Arrays, Inputs
from kapitza.theory.agf.device import Contact, Prepared, contact, crossed, prepared, waves_of
from kapitza.theory.agf.kmesh import top
from kapitza.theory.agf.leads import Flags
from kapitza.theory.agf.nodes import bands_of, nodes, window

VERSION = "agf 5"  # of the kernels: part of the address of every stored result
CHUNK = 1 << 18  # numbers of one array of matrices
SECONDS = 0.5  # that a unit should take, roughly
EXCESS = 1e-6  # modes: transmission out of bounds that is put down to rounding
NUDGE = 1e-9  # relative change of a frequency at which rounding is larger
ATTEMPTS = 4  # at such frequencies

Counts = NDArray[np.intp]


@frozen(eq=False)
class Sums:
    """Transmission, open channels of the left and of the right, at b points or in the bins of each wave vector."""

    total: Array
    left: Array
    right: Array


def at_frequencies(unit: Inputs) -> Arrays:
    """Kernel: transmission and open channels of both sides at given frequencies.

    Parameters
    ----------
    unit : junction (as from `junction_arrays`), k (nk, 2) and omega (nω,), rad s⁻¹

    Returns
    -------
    total, left, right (nk, nω)
    """
    what = prepared(junction_of(unit["junction"]))
    k, omega = np.asarray(unit["k"]), np.asarray(unit["omega"])
    index = np.repeat(np.arange(len(k)), omega.size)
    found = transmissions(what, k, index, np.tile(omega, len(k)))
    shape = (len(k), omega.size)
    return {name: getattr(found, name).reshape(shape) for name in ("total", "left", "right")}


def in_bins(unit: Inputs) -> Arrays:
    """Kernel: integrals over bins of frequency within a window.

    Parameters
    ----------
    unit : junction (as from `junction_arrays`), k (nk, 2), edges (n + 1,) of the bins, rad s⁻¹, ramps (2,) of the
        `window`, and place (nk,), 0..1, of the samples in bins where bands begin and end too often to be told apart

    Returns
    -------
    total, left, right, first (the total times omega) and weight (the integrals of 1) (nk, n), in rad s⁻¹; points, the
    number solved
    """
    what = prepared(junction_of(unit["junction"]))
    k, edges, place, ramps = (np.asarray(unit[name]) for name in ("k", "edges", "place", "ramps"))
    sides = contact(what, k, "left"), contact(what, k, "right")
    at = [nodes(band, edges, part) for band, part in zip(bands_of(sides), place, strict=True)]
    index = np.repeat(np.arange(len(k)), [len(one.omega) for one in at])
    omega = np.concatenate([one.omega for one in at])
    found = transmissions(what, k, index, omega, sides)
    shape = (len(k), len(edges) - 1)
    sums = {name: np.zeros(shape) for name in ("total", "left", "right", "first", "weight")}
    start = 0
    for i, one in enumerate(at):
        part = slice(start, start + one.omega.size)
        inside = window(one.omega, ramps)
        for name in ("total", "left", "right"):
            row = one.weight * (getattr(found, name)[part] * inside)[one.node]
            sums[name][i] = np.bincount(one.bin, row, minlength=shape[1])
            if name == "total":
                sums["first"][i] = np.bincount(one.bin, row * one.middle, minlength=shape[1])
        # a node may stand for many bins where nothing passes: its own window would not be theirs
        sums["weight"][i] = np.bincount(one.bin, one.weight * window(one.middle, ramps), minlength=shape[1])
        start += one.omega.size
    return {**sums, "points": np.array([omega.size])}


def transmissions(
    what: Prepared, k: Array, index: Counts, omega: Array, sides: tuple[Contact, Contact] | None = None
) -> Sums:
    """Transmission and open channels of both sides at b points of wave vector k[index] and frequency omega, rad s⁻¹.

    Raises
    ------
    ConvergenceError
        where the result is out of bounds, again and again
    """
    sides = sides or (contact(what, k, "left"), contact(what, k, "right"))
    blocks = what.junction.blocks(k)
    tops = [top(what.junction.lead(name), at.k.reshape(-1, 2)) for name, at in zip(SIDES, sides, strict=True)]
    below = [omega**2 * PS2 <= high.reshape(len(k), -1).max(axis=1)[index] for high in tops]
    found = Sums(np.zeros(omega.size), np.zeros(omega.size), np.zeros(omega.size))
    for side, counts in enumerate((found.left, found.right)):
        alone = below[side] & ~below[1 - side]
        counts[alone] = only_counts(sides[side], index[alone], omega[alone])
    both = np.flatnonzero(below[0] & below[1])
    for some in pieces(both, max(slab.onsite.shape[-1] for slab in what.junction.device)):
        found.total[some], found.left[some], found.right[some] = crossing(sides, blocks, k, index[some], omega[some])
    return found


def crossing(
    sides: tuple[Contact, Contact], blocks: Blocks, k: Array, index: Counts, omega: Array
) -> tuple[Array, Counts, Counts]:
    """Transmission and open channels where both leads may have some; out of bounds at a nearby frequency again."""
    at = omega
    for attempt in range(1, ATTEMPTS):
        found, left, right, wrong = tried(sides, blocks, index, at)
        if not wrong.any():
            return np.clip(found, 0, np.minimum(left, right)), left, right
        at = np.where(wrong, at * (1 + attempt * NUDGE), at)
    found, left, right, wrong = tried(sides, blocks, index, at)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ConvergenceError(
            f"transmission {found[i]:.6g} of {left[i]} and {right[i]} modes at k = {k[index[i]].tolist()} and "
            f"ω = {at[i]:.8g} rad/s: rounding dominates here",
            found,
        )
    return np.clip(found, 0, np.minimum(left, right)), left, right


def tried(
    sides: tuple[Contact, Contact], blocks: Blocks, index: Counts, omega: Array
) -> tuple[Array, Counts, Counts, Flags]:
    """Transmission, open channels of both sides, and where the former is out of bounds."""
    found, left, right = crossed(sides, blocks, index, omega)
    return found, left, right, ~((found >= -EXCESS) & (found <= np.minimum(left, right) + EXCESS))


def only_counts(at: Contact, index: Counts, omega: Array) -> Array:
    """(b,) open channels of a lead, where the other one has none."""
    found = np.zeros(len(index))
    for some in pieces(np.arange(len(index)), at.layers.onsite.shape[-1] * at.copies):
        found[some] = waves_of(at, index[some], omega[some]).count.reshape(-1, at.copies).sum(axis=1)
    return found


def pieces(points: Counts, size: int) -> list[Counts]:
    """Points in portions whose matrices stay small."""
    step = max(1, CHUNK // size**2)
    return [points[start : start + step] for start in range(0, len(points), step)]


def seconds(what: Prepared) -> float:
    """Rough time of one point, of both leads and the device; it only decides how work is cut, not the results."""
    total = 0.0
    for side in SIDES:
        rank, copies = what.fold(side).rank, len(what.junction.tiles(side))
        total += copies * 2e-7 * (2 * rank) ** 2.2
    return total + sum(5e-6 + 1e-9 * slab.onsite.shape[-1] ** 3 for slab in what.junction.device)


def junction_arrays(junction: Junction) -> dict[str, object]:
    """What matters of a junction as plain arrays, for another process and for the address of a result."""
    leads = [
        [lead.periods, lead.step, lead.masses, lead.shifts, lead.onsite, lead.hop]
        for lead in (junction.left, junction.right)
    ]
    device = [[slab.masses, slab.shifts, slab.onsite, slab.hop] for slab in junction.device]
    return {"periods": junction.periods, "leads": leads, "device": device}


def junction_of(plain: Any) -> Junction:
    """Make a junction of its arrays again."""
    left, right = (Lead(name, *lead) for name, lead in zip(SIDES, plain["leads"], strict=True))
    return Junction("", plain["periods"], left, right, tuple(Slab(*slab) for slab in plain["device"]))
