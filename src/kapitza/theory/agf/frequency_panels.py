"""Panels of frequency between the edges of the bands of both leads at one wave vector, with nodes.

Between the edges the transmission is smooth but for resonances; null rules tell where these are not resolved.
"""

from functools import cached_property

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, BoolArray, IndexArray, IntArray
from kapitza.core.quadrature import gauss_legendre_roots, null_rules
from kapitza.core.records import BaseRecord
from kapitza.matter.junction import SQUARE_PICOSECOND
from kapitza.theory.agf.green_functions import LeadContact
from kapitza.theory.agf.k_mesh import EXTREMUM_HALVINGS, trace_extrema
from kapitza.theory.agf.leads import bulk_matrix

_BAND_PHASES = 24  # phases along the normal at which bands are sampled
_FINE_BAND_PHASES = 192  # the same where no extremum is to be missed
_EXACT_HALVINGS = 24  # halvings of the step of the phase, where they are to be exact
_MAX_TRACED_EXTREMA = (
    100  # extrema of the bands at a wave vector that are traced further; more are averaged over anyway
)
_MIN_NODES = 2  # nodes between two edges, and one more for each bin
_UNTRACED_SHARE = 0.5  # of a step of the phase: how far off an extremum may be that is not traced
_TRACED_MARGIN = 2.0  # of the step that is left: the same of one that is traced
_MAX_EDGES_PER_BIN = 3  # band edges resolved in each bin; where there are more, they average out
_EDGE_SEPARATION = 0.005  # of a bin: band edges nearer to each other are taken as one
_THREE_BINS = ((1, -2, 1), (1, 0, -1))  # null rules of three equal bins with a node in each


@frozen(eq=False)
class FrequencyPanels(BaseRecord):
    """Panels of frequency of one wave vector, and the bins that their integrals are shared out to."""

    edges: Array  # (n + 1,) of the bins, rad s⁻¹
    cuts: Array  # (p + 1,) ends of the panels, rad s⁻¹
    number: IntArray  # (p,) nodes on each
    place: float | None = None  # 0..1, of the one node in each bin, where band edges are too many to be resolved

    @cached_property
    def omega(self) -> Array:
        """(b,) nodes, rad s⁻¹."""
        size, number = np.diff(self.cuts), self.number
        if self.place is not None:
            return self.cuts[:-1] + size * self.place
        node = np.concatenate([gauss_legendre_roots(n)[0] for n in number.tolist()])
        return np.repeat(self.cuts[:-1], number) + np.repeat(size, number) * node

    @cached_property
    def weight(self) -> Array:
        """(b,) weights of the nodes, rad s⁻¹."""
        part = np.concatenate([gauss_legendre_roots(n)[1] for n in self.number.tolist()])
        return np.repeat(np.diff(self.cuts), self.number) * part

    def errors(self, value: Array) -> Array:
        """(p,) errors of the integrals of values (b,) at the nodes over the panels.

        They are the null rule of the highest degree, times its ratio to the next one where that is less than one: null
        rules of a smooth function fall with their degree, as the error of the rule does, those of one that the nodes do
        not resolve do not.  With one node in a bin, three bins are one panel, whose error is that of its first bin.
        """
        size, number = np.diff(self.cuts), self.number
        if self.place is None:
            null = np.repeat(size, number) * np.concatenate([null_rules(n) for n in number.tolist()], axis=1)
            high, low = np.abs(np.add.reduceat(null * value, np.cumsum(number) - number, axis=1))
        else:
            triples = (size * value)[: size.size // 3 * 3].reshape(-1, 3)
            high, low = np.zeros((2, size.size))
            for found, rule in zip((high, low), _THREE_BINS, strict=True):
                found[: 3 * len(triples) : 3] = np.abs(triples @ rule) * np.sqrt(3 / np.dot(rule, rule))
        return high * np.divide(high, low, out=np.ones_like(high), where=low > high)

    def find_unresolved(self, value: Array, share: float) -> BoolArray:
        """(p,) panels whose error is more than a share of the integral over all; none with single nodes in bins."""
        return (self.errors(value) > share * (self.weight @ value)) & (self.place is None)

    def nodes_of(self, panels: BoolArray) -> BoolArray:
        """(b,) whether each node lies on one of some panels (p,)."""
        return np.repeat(panels, self.number)

    def split(self, panels: BoolArray) -> "tuple[FrequencyPanels, BoolArray]":
        """The same with some panels (p,) halved, and (b,) which nodes are new."""
        middle = (self.cuts[:-1] + self.cuts[1:])[panels] / 2
        cuts, number = np.sort(np.append(self.cuts, middle)), np.repeat(self.number, 1 + panels)
        fresh = np.repeat(np.repeat(panels, 1 + panels), number)
        return FrequencyPanels(self.edges, cuts, number, self.place), fresh

    def panel_bins(self) -> IndexArray:
        """(p,) bin in which the middle of each panel lies."""
        middle = (self.cuts[:-1] + self.cuts[1:]) / 2
        return np.clip(np.searchsorted(self.edges, middle) - 1, 0, len(self.edges) - 2)

    def pieces(self) -> tuple[IndexArray, IndexArray, Array, Array]:
        """Node, bin, middle and width (m,) of each piece of a bin that a node stands for, rad s⁻¹."""
        bounds = np.append(self.cuts[:1], self.cuts[0] + np.cumsum(self.weight))
        bounds[-1] = self.cuts[-1]
        cuts = np.unique(np.concatenate([bounds, self.edges]))
        middle = (cuts[:-1] + cuts[1:]) / 2
        node = np.clip(np.searchsorted(bounds, middle) - 1, 0, len(bounds) - 2)
        column = np.clip(np.searchsorted(self.edges, middle) - 1, 0, len(self.edges) - 2)
        return node, column, middle, np.diff(cuts)


def frequency_panels(bands: "LeadBands", edges: Array, place: float) -> FrequencyPanels:
    """Panels of one wave vector, a few nodes between edges of bands, as dense as bins; one a bin where they crowd."""
    found = bands.edges[(bands.edges > edges[0]) & (bands.edges < edges[-1])]
    place_of = np.arange(len(edges), dtype=float)
    at = np.interp(found, edges, place_of)
    found = found[(np.diff(at, prepend=0) > _EDGE_SEPARATION) & (at < place_of[-1] - _EDGE_SEPARATION)]
    cuts = np.concatenate([edges[:1], found, edges[-1:]])
    counts = bands.counts((cuts[:-1] + cuts[1:]) / 2)
    changes = np.abs(np.diff(counts, axis=1)).sum(axis=0) > 0  # where no channel opens or closes T is smooth
    kept = np.concatenate([[True], changes, [True]])
    if kept.sum() > _MAX_EDGES_PER_BIN * len(edges):  # errors average out over the wave vectors
        return FrequencyPanels(edges, edges, np.ones(len(edges) - 1, dtype=int), max(place, 1e-3))
    cuts, both = cuts[kept], (counts.min(axis=0) > 0)[kept[:-1]]  # without a wave in one lead nothing crosses
    number = np.where(both, _MIN_NODES + np.ceil(np.diff(np.interp(cuts, edges, place_of)) - 1e-9), 1).astype(int)
    return FrequencyPanels(edges, cuts, number)


@frozen(eq=False)
class LeadBands(BaseRecord):
    """Bands of both leads at one wave vector."""

    edges: Array  # (m,) increasing frequencies at which a band has a minimum or a maximum along the normal, rad s⁻¹
    # low, high: for either lead, the ends of each band on each step of the phase, rad s⁻¹
    low: tuple[Array, Array]
    high: tuple[Array, Array]
    # the same with what bands may do between the phases beyond these ends, where they cross
    lowest: tuple[Array, Array]
    highest: tuple[Array, Array]

    def counts(self, omega: Array) -> IndexArray:
        """(2, nω) twice the number of waves of either lead in one direction."""
        return _count_between(self.low, self.high, omega)

    def certain(self, omega: Array) -> BoolArray:
        """(nω,) whether no band that is only seen at some phases may add to these numbers or take off them."""
        return (self.counts(omega) == _count_between(self.lowest, self.highest, omega)).all(axis=0)


def _count_between(low: tuple[Array, Array], high: tuple[Array, Array], omega: Array) -> IndexArray:
    """(2, nω) intervals of either lead, given by their sorted ends, that hold each frequency."""
    return np.stack([np.searchsorted(a, omega) - np.searchsorted(b, omega) for a, b in zip(low, high, strict=True)])


def lead_bands(
    sides: tuple[LeadContact, LeadContact], *, window: tuple[float, float] = (0.0, np.inf), fine: bool = False
) -> list[LeadBands]:
    """Bands of both leads at each wave vector of the junction, exact within a `window` of frequencies, rad s⁻¹; `fine`
    where gaps are sought.
    """
    phases, halvings = (_FINE_BAND_PHASES, _EXACT_HALVINGS) if fine else (_BAND_PHASES, EXTREMUM_HALVINGS)
    left, right = (_band_extrema(side, phases, halvings, window) for side in sides)
    return [
        LeadBands(np.sort(np.concatenate([a[0], b[0]])), *zip(a[1:], b[1:], strict=True))
        for a, b in zip(left, right, strict=True)
    ]


def _band_extrema(
    side: LeadContact, around: int, halvings: int, window: tuple[float, float]
) -> list[tuple[Array, ...]]:
    """Extrema of the bands of a lead along the normal at each wave vector, and the sorted ends of the bands between the
    phases, as they are seen and with what they may reach beyond, rad s⁻¹.
    """
    count = len(side.k)
    onsite, hop = side.layers.onsite, side.layers.hop
    samples, real = around, side.layers.real
    if real is not None:
        onsite, hop, samples = real.onsite + 0j, real.a @ real.b.swapaxes(1, 2) + 0j, around // 2 + 1
    phase = np.exp(2j * np.pi * np.arange(samples) / around)
    value = np.stack([np.linalg.eigvalsh(bulk_matrix(onsite, hop, factor)) for factor in phase])
    value = np.concatenate([value, value[around - samples : 0 : -1]])  # real blocks: bands are even in the phase
    rise = np.sign(value - np.roll(value, 1, axis=0))
    ahead = np.roll(rise, -1, axis=0)
    kind = np.where(rise * ahead <= 0, np.sign(rise - ahead), 0)  # 1 at maxima, -1 at minima, 0 elsewhere
    turns = kind != 0
    nearby = 2 * np.abs(value - np.roll(value, 1, axis=0)).max(axis=0)  # further than an extremum lies off its sample
    low, high = np.square(window) * SQUARE_PICOSECOND
    traced = turns & (value > low - nearby) & (value < high + nearby)
    missed = turns & ~traced
    if turns.sum() > _MAX_TRACED_EXTREMA * count:
        missed = turns
    else:
        inner = 0 if real is None else 1  # even bands have extrema at 0 and π, which need no tracing
        at, row, band = np.nonzero(traced[inner : samples - inner])
        at += inner
        angle = 2 * np.pi * at / around
        found = trace_extrema(
            onsite[row], hop[row], band, angle, kind[at, row, band], 2 * np.pi / around, halvings=halvings
        )
        value[at, row, band] = found
        if real is not None:
            value[-at, row, band] = found
    split = (around, count, -1)
    omega = np.sqrt(np.maximum(value, 0) / SQUARE_PICOSECOND).reshape(split).swapaxes(0, 1)  # wave vector, phase, band
    turns, missed = (one.reshape(split).swapaxes(0, 1) for one in (turns, missed))
    ahead = np.roll(omega, -1, axis=1)
    low, high = np.minimum(omega, ahead), np.maximum(omega, ahead)
    # where bands cross, a traced extremum is off by the slope times the step of the phase that is left
    step = high - low
    steepest = np.maximum(step, np.maximum(np.roll(step, 1, axis=1), np.roll(step, -1, axis=1)))
    left = np.where(missed, _UNTRACED_SHARE, _TRACED_MARGIN * 0.5**halvings)
    beyond = steepest * np.maximum(turns * left, np.roll(turns * left, -1, axis=1))
    ends = [np.sort(end.reshape(count, -1), axis=1) for end in (low, high, low - beyond, high + beyond)]
    return [(omega[i][turns[i]], *(end[i] for end in ends)) for i in range(count)]
