r"""Frequencies at which one wave vector is solved: between the edges of the bands, where the transmission is smooth."""

from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.grid import legendre
from kapitza.matter.junction import PS2
from kapitza.theory.agf.device import Contact
from kapitza.theory.agf.kmesh import HALVINGS, bulk, traced

AROUND = 24  # phases along the normal at which bands are sampled
FINE = 192  # the same where no extremum is to be missed
EXACT = 24  # halvings of the step of the phase, where they are to be exact
TRACED = 100  # extrema of the bands at a wave vector that are traced further; more are averaged over anyway
FEWEST = 2  # nodes between two edges, and one more for each bin
CROWD = 3  # edges of bands for each bin that are told apart; where there are more, they average out
CLOSE = 0.005  # of a bin: band edges nearer to each other are taken as one

Counts = NDArray[np.intp]


@frozen(eq=False)
class Nodes:
    """Frequencies omega (b,) of one wave vector, and the pieces of bins they stand for.

    Attributes
    ----------
    omega : (b,) rad s⁻¹
    node, bin : (m,) node and bin that each piece belongs to
    middle, weight : (m,) middle and width of each piece, rad s⁻¹

    """

    omega: Array
    node: Counts
    bin: Counts
    middle: Array
    weight: Array


def nodes(bands: "Bands", edges: Array, place: float) -> Nodes:
    """Nodes of one wave vector: a few between edges of bands, as dense as the bins; one in each bin where they crowd.

    The transmission is smooth between edges, where it jumps or rises as a root.  The weights of neighbouring nodes are
    intervals side by side, of which each bin gets its part.
    """
    found = bands.edges[(bands.edges > edges[0]) & (bands.edges < edges[-1])]
    place_of = np.arange(len(edges), dtype=float)
    at = np.interp(found, edges, place_of)
    found = found[(np.diff(at, prepend=0) > CLOSE) & (at < place_of[-1] - CLOSE)]
    cuts = np.concatenate([edges[:1], found, edges[-1:]])
    counts = bands.counts((cuts[:-1] + cuts[1:]) / 2)
    changes = np.abs(np.diff(counts, axis=1)).sum(axis=0) > 0
    kept = np.concatenate([[True], changes, [True]])
    if kept.sum() > CROWD * len(edges):
        each = np.arange(len(edges) - 1)
        omega = edges[:-1] + np.diff(edges) * max(place, 1e-3)
        return Nodes(omega, each, each, omega, np.diff(edges))
    cuts, both = cuts[kept], (counts.min(axis=0) > 0)[kept[:-1]]
    size = np.diff(cuts)
    number = np.where(both, FEWEST + np.ceil(np.diff(np.interp(cuts, edges, place_of)) - 1e-9), 1).astype(int)
    rules = [rooted(n) for n in number.tolist()]
    omega = np.concatenate([low + part * rule[0] for low, part, rule in zip(cuts[:-1], size, rules, strict=True)])
    weight = np.concatenate([part * rule[1] for part, rule in zip(size, rules, strict=True)])
    bounds = np.concatenate([edges[:1], edges[0] + np.cumsum(weight)])
    bounds[-1] = edges[-1]
    pieces = np.unique(np.concatenate([bounds, edges]))
    middle = (pieces[:-1] + pieces[1:]) / 2
    node = np.clip(np.searchsorted(bounds, middle) - 1, 0, omega.size - 1)
    column = np.clip(np.searchsorted(edges, middle) - 1, 0, len(edges) - 2)
    return Nodes(omega, node, column, middle, np.diff(pieces))


@lru_cache(maxsize=64)
def rooted(order: int) -> tuple[Array, Array]:
    """Nodes and weights on 0..1 for functions that are smooth but for square roots at either end."""
    node, weight = legendre(order)
    weight = weight * np.sin(np.pi * node)
    return np.sin(np.pi / 2 * node) ** 2, weight / weight.sum()


@frozen(eq=False)
class Bands:
    """Bands of both leads at one wave vector.

    Attributes
    ----------
    edges : (m,) increasing frequencies at which a band has a minimum or a maximum along the normal, rad s⁻¹
    low, high : for either lead, the ends of each band on each step of the phase, rad s⁻¹
    """

    edges: Array
    low: tuple[Array, Array]
    high: tuple[Array, Array]

    def counts(self, omega: Array) -> Counts:
        """(2, nω) twice the number of waves of either lead in one direction."""
        return np.stack(
            [
                np.searchsorted(low, omega) - np.searchsorted(high, omega)
                for low, high in zip(self.low, self.high, strict=True)
            ]
        )


def bands_of(sides: tuple[Contact, Contact], *, fine: bool = False) -> list[Bands]:
    """Bands of both leads at each wave vector of the junction.

    Between the phases at which they are sampled, bands that cross or nearly do may hide an extremum from another or
    have a sharp one.  Integrals do not mind; `fine` is for those that look for gaps.
    """
    left, right = (extrema(side, FINE, EXACT) if fine else extrema(side) for side in sides)
    return [
        Bands(np.sort(np.concatenate([a[0], b[0]])), (a[1], b[1]), (a[2], b[2]))
        for a, b in zip(left, right, strict=True)
    ]


def extrema(side: Contact, around: int = AROUND, halvings: int = HALVINGS) -> list[tuple[Array, Array, Array]]:
    """Minima and maxima of the bands of a lead along the normal at each wave vector, and what lies between, rad s⁻¹.

    Bands of real matrices are even in the phase: half of them is enough, and the extrema at its ends need no search.
    """
    count = len(side.k)
    onsite, hop = side.layers.onsite, side.layers.hop
    samples, real = around, side.layers.real
    if real is not None:
        onsite, hop, samples = real.onsite + 0j, real.a @ real.b.swapaxes(1, 2) + 0j, around // 2 + 1
    phase = np.exp(2j * np.pi * np.arange(samples) / around)
    value = np.stack([np.linalg.eigvalsh(bulk(onsite, hop, factor)) for factor in phase])
    value = np.concatenate([value, value[around - samples : 0 : -1]])
    rise = np.sign(value - np.roll(value, 1, axis=0))
    ahead = np.roll(rise, -1, axis=0)
    kind = np.where(rise * ahead <= 0, np.sign(rise - ahead), 0)  # 1 at maxima, -1 at minima, 0 elsewhere
    turns = kind != 0
    if turns.sum() <= TRACED * count:
        inner = 0 if real is None else 1
        at, row, band = np.nonzero(turns[inner : samples - inner])
        at += inner
        angle = 2 * np.pi * at / around
        found = traced(onsite[row], hop[row], band, angle, kind[at, row, band], 2 * np.pi / around, halvings=halvings)
        value[at, row, band] = found
        if real is not None:
            value[-at, row, band] = found
    split = (around, count, -1)
    omega = np.sqrt(np.maximum(value, 0) / PS2).reshape(split).swapaxes(0, 1)  # wave vector, phase, band
    turns, ahead = turns.reshape(split).swapaxes(0, 1), np.roll(omega, -1, axis=1)
    low, high = np.minimum(omega, ahead), np.maximum(omega, ahead)
    return [(omega[i][turns[i]], np.sort(low[i], axis=None), np.sort(high[i], axis=None)) for i in range(count)]


def window(omega: Array, ramps: Array) -> Array:
    r"""Smooth weight of a range of frequencies, so that sums over wave vectors converge fast although it is cut out.

    It rises from 0 to 1 between ramps[0] and twice that, and falls back between ramps[1] and twice that; the windows
    of neighbouring ranges add to 1.  0 for no rise, infinity for no fall.
    """
    low, high = ramps
    rising = np.ones(omega.size) if low == 0 else step(omega / low - 1)
    return rising - (step(omega / high - 1) if np.isfinite(high) else 0.0)


def step(x: Array) -> Array:
    """0 below 0, 1 above 1, with three continuous derivatives."""
    x = np.clip(x, 0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
