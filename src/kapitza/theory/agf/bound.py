r"""Vibrations bound to an interface: frequencies at which no crystal has a wave, and the device alone vibrates.

Where both leads have only evanescent waves their self-energies are Hermitian and fall with the energy
$E = \omega^2$, so that the number of negative eigenvalues of $D + \Sigma_L(E) + \Sigma_R(E) - E$ rises by one at each
bound mode, and falls by one where the self-energy of a lead has a pole.  It is counted layer by layer, as the sum over
those of the blocks that elimination leaves (Sylvester's law of inertia), and its steps are found by bisection: no mode
is missed.
"""

from itertools import pairwise

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.modal import SIDES
from kapitza.core.transmission import Side
from kapitza.errors import ConvergenceError
from kapitza.matter.junction import PS2, Blocks, Complex
from kapitza.theory.agf.channels import outgoing
from kapitza.theory.agf.device import Contact, Prepared, contact, joined
from kapitza.theory.agf.leads import Waves, dagger
from kapitza.theory.agf.local_green import lead_blocks, lead_waves
from kapitza.theory.agf.nodes import bands_of

TRIED = 40  # frequencies in a gap at which modes are counted first
APART = 1e-7  # relative: steps of the count that are nearer to each other are taken together
WITHIN = np.array([0.03, 0.5, 0.97])  # places in a gap at which it is checked to be one
HIDDEN = 14  # halvings after which a pole and a mode that nobody told apart are given up
FLAT = 1e-9  # of the energy: a rise of the trace of the self-energies that is put down to rounding
SHARP = 1e-13  # relative width of the interval in which a mode is found at last
MARGIN = 1e-7  # of the frequency: how near to the edge of a band a mode is looked for
TAKES_PART = 1e-5  # of the largest amplitude: waves with less of it are no part of a mode
ATTEMPTS = 4  # at frequencies where a self-energy is infinite
NUDGE = 1e-13  # relative change of such a frequency
SEEN = 1e-9  # amplitude at the end of the device, of a mode of norm 1 there: less is rounding
DOUBLINGS = 60  # of the layers of a lead over which a tail is summed
BELOW, GAP, ABOVE, RESONANCE = range(4)  # kinds of modes of an interface


@frozen(eq=False)
class At:
    """A junction at one wave vector: its leads, its blocks, and both leads with the periods of the junction."""

    k: Array
    sides: tuple[Contact, Contact]
    blocks: Blocks
    leads: tuple[tuple[Complex, Complex], tuple[Complex, Complex]]


@frozen(eq=False)
class Bound:
    """One mode.

    Attributes
    ----------
    omega : rad s⁻¹
    kind : 0 below all bands, 1 in a gap, 2 above all bands, 3 resonance
    weight : (f,) part of its energy on each coordinate of the device
    tails : parts in the left and the right lead
    decay : lengths over which its amplitude falls by e into either lead, m; 0 where it does not reach it, infinite
        where it leaks into it
    width : full width at half maximum, rad s⁻¹; 0 for a bound mode
    """

    omega: float
    kind: int
    weight: Array
    tails: tuple[float, float]
    decay: tuple[float, float]
    width: float = 0.0


def at_wavevector(what: Prepared, k: Array) -> At:
    """Prepare one wave vector (2,)."""
    one = k[None]
    sides = contact(what, one, "left"), contact(what, one, "right")
    left, right = (lead_blocks(what.junction, one, side) for side in SIDES)
    return At(one, sides, what.junction.blocks(one), (left, right))


def gaps(at: At) -> list[tuple[float, float, int]]:
    """Ranges of frequency without a wave in either lead (rad s⁻¹), and the kind of a mode in them."""
    bands = bands_of(at.sides, fine=True)[0]
    cuts = np.unique(np.concatenate([[0.0], bands.edges, [ceiling(at)]]))
    found: list[tuple[float, float, int]] = []
    for low, high in pairwise(cuts.tolist()):
        inner = low + (high - low) * WITHIN
        if high - low < 4 * MARGIN * high or bands.counts(inner).any() or not closed(at, inner):
            continue
        kind = BELOW if high <= bands.edges[0] else ABOVE if low >= bands.edges[-1] else GAP
        found.append((low + MARGIN * high, high * (1 - MARGIN), kind))
    return found


def closed(at: At, omega: Array) -> bool:
    """Whether neither lead has a propagating wave at these frequencies, rad s⁻¹."""
    index = np.zeros(omega.size, dtype=np.intp)
    return not any(lead_waves(side, index, omega).count.any() for side in at.sides)


def ceiling(at: At) -> float:
    """Bound of all frequencies of the junction, rad s⁻¹."""
    onsite = [one[0] for one in at.blocks.onsite]
    hop = [at.leads[0][1][0], *(one[0] for one in at.blocks.hop), at.leads[1][1][0]]
    size = [float(np.linalg.norm(one, 2)) for one in hop]
    rows = [float(np.linalg.norm(one, 2)) + size[i] + size[i + 1] for i, one in enumerate(onsite)]
    for (here, there), reach in zip(at.leads, (size[0], size[-1]), strict=True):
        rows.append(float(np.linalg.norm(here[0], 2)) + 2 * max(reach, float(np.linalg.norm(there[0], 2))))
    return float(np.sqrt(max(rows) / PS2) * 1.001)


def selves(at: At, omega: Array) -> tuple[tuple[Complex, Complex], tuple[Waves, Waves]]:
    """(b, F, F) self-energies of both leads in a gap, Hermitian, and the waves of the leads; not exactly at a pole."""
    for attempt in range(ATTEMPTS):
        try:
            return selves_at(at, omega * (1 + attempt * NUDGE))
        except np.linalg.LinAlgError:
            continue
    raise ConvergenceError(
        f"a lead has a pole at each of {ATTEMPTS} frequencies near {omega[0]:.8g} rad/s: take another wave vector"
    )


def selves_at(at: At, omega: Array) -> tuple[tuple[Complex, Complex], tuple[Waves, Waves]]:
    """The same, wherever it is."""
    index = np.zeros(omega.size, dtype=np.intp)
    waves = lead_waves(at.sides[0], index, omega), lead_waves(at.sides[1], index, omega)
    found: list[Complex] = []
    for i, (side, wave) in enumerate(zip(at.sides, waves, strict=True)):
        port = side.port[index]
        sigma = port @ joined(wave.left if i == 0 else wave.right, side.copies) @ dagger(port)
        found.append((sigma + dagger(sigma)) / 2)
    return (found[0], found[1]), waves


def below(at: At, omega: Array) -> Array:
    """(2, b) number of negative eigenvalues of the device with its leads, and trace of the self-energies."""
    (left, right), _ = selves(at, omega)
    energy = omega**2 * PS2
    count = np.zeros(omega.size, dtype=np.intp)
    before: Complex = left
    last = len(at.blocks.onsite) - 1
    for i, onsite in enumerate(at.blocks.onsite):
        here = onsite - energy[:, None, None] * np.eye(onsite.shape[-1]) + before
        if i == last:
            here = here + right
        count += (np.linalg.eigvalsh(here) < 0).sum(axis=1)
        if i < last:
            hop = at.blocks.hop[i]
            before = -dagger(hop) @ np.linalg.solve(here, np.broadcast_to(hop, (omega.size, *hop.shape[1:])))
            before = (before + dagger(before)) / 2
    trace = np.trace(left, axis1=1, axis2=2).real + np.trace(right, axis1=1, axis2=2).real
    return np.stack([count.astype(float), trace])


def bound_frequencies(at: At, low: float, high: float) -> list[tuple[float, int]]:
    """Frequencies of the bound modes in a gap and how many there are at each, rad s⁻¹."""
    angle = np.pi * (np.arange(TRIED) + 0.5) / TRIED
    grid = np.concatenate([[low], (low + high) / 2 - (high - low) / 2 * np.cos(angle), [high]])
    start, stop, step = steps(at, grid, below(at, grid), APART / 10)
    found: list[tuple[float, int]] = []
    cuts = np.flatnonzero(start[1:] - stop[:-1] > APART * high) + 1
    for group in np.split(np.arange(start.size), cuts) if start.size else []:
        # next to a pole of a self-energy rounding makes steps up and down, which cancel
        number = int(step[group].sum())
        if number > 0:
            ends = np.array([start[group[0]], stop[group[-1]]])
            if group.size == 1:
                sharp = steps(at, ends, below(at, ends), SHARP)
                ends = np.array([sharp[0].min(initial=ends[1]), sharp[1].max(initial=ends[0])])
            found.append((float(ends.mean()), number))
    return found


def steps(at: At, grid: Array, ends: Array, tolerance: float) -> tuple[Array, Array, Array]:
    """Narrow intervals in which the count of modes changes, in increasing order, and the changes.

    Parameters
    ----------
    grid : (n,) frequencies, rad s⁻¹
    ends : (2, n) count and trace of the self-energies, as from `below`
    tolerance : relative width of the intervals
    """
    start, stop = grid[:-1], grid[1:]
    left, right = ends[:, :-1], ends[:, 1:]
    level = 0
    while True:
        # a step up is a mode, one down a pole; where the trace rises a pole may hide a mode
        rise = right[1] - left[1]
        kept = (right[0] != left[0]) | ((rise > FLAT * stop**2 * PS2) & (level < HIDDEN))
        level += 1
        start, stop, left, right = start[kept], stop[kept], left[:, kept], right[:, kept]
        wide = stop - start > tolerance * stop
        if not wide.any():
            break
        middle = (start[wide] + stop[wide]) / 2
        new = below(at, middle)
        first, last = start.copy(), stop.copy()
        last[wide] = middle
        start, stop = np.concatenate([first, middle]), np.concatenate([last, stop[wide]])
        inner = right.copy()
        inner[:, wide] = new
        left, right = np.concatenate([left, new], axis=1), np.concatenate([inner, right[:, wide]], axis=1)
    changed = right[0] != left[0]
    order = np.flatnonzero(changed)[np.argsort(start[changed])]
    return start[order], stop[order], (right[0] - left[0])[order]


def bound_modes(what: Prepared, k: Array) -> list[Bound]:
    """All modes bound to the interface at one wave vector (2,)."""
    at = at_wavevector(what, k)
    return [
        mode
        for low, high, kind in gaps(at)
        for omega, number in bound_frequencies(at, low, high)
        for mode in described(what, at, omega, number, kind)
    ]


def described(what: Prepared, at: At, omega: float, number: int, kind: int) -> list[Bound]:
    """Shapes of `number` modes at one frequency."""
    sigma, waves = selves(at, np.array([omega]))
    matrix = whole(at, sigma)
    value, vector = np.linalg.eigh(matrix)
    near = np.argsort(np.abs(value - omega**2 * PS2))[:number]
    sizes = [one.shape[-1] for one in at.blocks.onsite]
    made: list[Bound] = []
    for i in near:
        ends = vector[: sizes[0], i], vector[-sizes[-1] :, i]
        tails = [tail(at, sigma[j][0], ends[j], omega, side) for j, side in enumerate(SIDES)]
        decay = [length(what, at, waves[j], ends[j], side) for j, side in enumerate(SIDES)]
        norm = 1 + sum(tails)
        weight = np.square(np.abs(vector[:, i])) / norm
        made.append(Bound(omega, kind, weight, (tails[0] / norm, tails[1] / norm), (decay[0], decay[1])))
    return made


def whole(at: At, sigma: tuple[Complex, Complex]) -> Complex:
    """(f, f) effective dynamical matrix of the device, (rad/ps)²."""
    sizes = [one.shape[-1] for one in at.blocks.onsite]
    start = np.concatenate([[0], np.cumsum(sizes)])
    matrix = np.zeros((start[-1], start[-1]), dtype=np.complex128)
    for i, onsite in enumerate(at.blocks.onsite):
        here = slice(start[i], start[i + 1])
        matrix[here, here] = onsite[0]
        if i + 1 < len(sizes):
            there = slice(start[i + 1], start[i + 2])
            matrix[here, there] = at.blocks.hop[i][0]
            matrix[there, here] = at.blocks.hop[i][0].conj().T
    matrix[: sizes[0], : sizes[0]] += sigma[0][0]
    matrix[-sizes[-1] :, -sizes[-1] :] += sigma[1][0]
    return matrix


def tail(at: At, sigma: Complex, end: Complex, omega: float, side: Side) -> float:
    r"""Weight of a mode in a lead, from its outermost layer of the device: $\sum_{m\ge1}|F^mu|^2$."""
    onsite, hop = (one[0] for one in at.leads[SIDES.index(side)])
    out = hop if side == "left" else hop.conj().T
    step = np.linalg.solve(omega**2 * PS2 * np.eye(len(onsite)) - onsite - sigma, out)
    total = step.conj().T @ step
    for _ in range(DOUBLINGS):
        more = step.conj().T @ total @ step
        total = total + more
        step = step @ step
        if np.abs(more).max() <= 1e-15 * np.abs(total).max():
            break
    return float((end.conj() @ total @ end).real)


def decay_rates(waves: Waves) -> Array:
    """(b, 2r) by which factor, as a logarithm, each wave changes from layer to layer; infinite within a single one."""
    size = np.abs(waves.factor)
    known = np.isfinite(size) & (size > 0)
    return np.abs(np.log(size, out=np.full(size.shape, np.inf), where=known))


def length(what: Prepared, at: At, waves: Waves, end: Complex, side: Side) -> float:
    """Length over which the amplitude of a mode falls by e in a lead: that of the slowest wave in it, m; 0 for none."""
    near = outgoing(waves, side)
    seen = at.sides[SIDES.index(side)].port[0].conj().T @ end
    share = np.abs(np.linalg.solve(near, seen)) * np.linalg.norm(near, axis=0)
    half = slice(waves.rank, None) if side == "left" else slice(None, waves.rank)
    rate = decay_rates(waves)[:, half].ravel()
    inside = share > max(TAKES_PART * share.max(), SEEN)
    return float(what.junction.lead(side).thickness / rate[inside].min()) if inside.any() else 0.0
