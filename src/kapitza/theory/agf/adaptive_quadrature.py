r"""The spectrum of a junction in overlapping ranges of frequency, each with its own box of wave vectors.

Below the first range, which holds all but the long waves, each range is an octave further down.  Waves shrink towards Γ
in proportion, and so do the boxes: low temperatures cost no more than high ones.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.matter.junction import Junction
from kapitza.theory.agf.green_functions import PreparedJunction
from kapitza.theory.agf.k_mesh import disperses, mesh_size, top_frequency, wavevector_box, wavevector_mesh
from kapitza.theory.agf.transmission import UnitRunner, point_seconds, smooth_window, transmission_in_bins
from kapitza.units import hbar, k_B

REFINEMENT_LEVELS = (  # wave vectors along a side, bins in an octave; twice as many two levels on
    (4, 3), (6, 4), (8, 6), (12, 8), (16, 10), (24, 14), (32, 20), (48, 28), (64, 40), (96, 56), (128, 80),
)  # fmt: skip
ALIASING_RATIO = 2**-1.5  # of Fourier coefficients at a distance to those at half of it
_FIRST_RANGE_OCTAVES = 4  # octaves from the top that the first range holds, fewer where all of it is frozen out
_MAX_OCTAVES = 9  # below the top: 1/500 of it
_FROZEN_RATIO = 12  # ħω/kT above which a mode is frozen out
_BINS_PER_KT = 0.25  # bins for each kT, over those for each octave
_LOWEST_RATIO = 0.3  # ħω/kT at which the ranges may end
_LIGHT_NODE_WEIGHT = 0.25  # of the weight of a node nearby: nodes that are merged with it
_NODE_NEIGHBOURS = 2  # nodes on either side that are nearby
_PANEL_ERROR_SHARE = 0.1  # of what a wave vector carries, over the bins of an octave: error at which panels are halved
_DIFFERENCE_STEPS = 3  # second differences taken one of the other, to tell what varies from point to point
_PLASTIC_SEQUENCE = np.array([0.7548776662466927, 0.5698402909980532])  # steps of the evenest sequence along two axes


@frozen(eq=False)
class FrequencyRange(BaseRecord):
    """Frequencies of one window, and the box around Γ of its wave vectors."""

    ramps: Array  # (2,) as in `smooth_window`, rad s⁻¹
    edges: Array  # (2,) of its support, rad s⁻¹
    box: Array  # (2,) half sides, fractions
    thermal: float  # kT/ħ at the lowest temperature that matters, rad s⁻¹

    def debye(self, temperature: Array) -> Array:
        """(nT,) what the range carries where the transmission is that of long waves, to a factor common to all."""
        omega = np.linspace(self.edges[0], self.edges[1], 400)[1:]
        long = np.square(omega) * smooth_window(omega, self.ramps)
        return mode_heat_capacity(omega, temperature) @ long * (omega[1] - omega[0])

    def bins(self, number: int) -> Array:
        """Edges of the bins: `number` equal ones in each octave, more where kT is less than the octave."""
        low, high = self.edges
        doublings = round(float(np.log2(high / low))) if low > 0 else 1
        above = high * 0.5 ** np.arange(1, doublings) if not np.isfinite(self.ramps[1]) else self.ramps[1:]
        cuts = np.sort(np.array([low, high, *above]))
        edges = [cuts[:1]]
        for start, stop in pairwise(cuts):
            cold = (stop - start) / self.thermal * number if start < _FROZEN_RATIO * self.thermal else 0
            edges.append(np.linspace(start, stop, max(number, int(np.ceil(_BINS_PER_KT * cold))) + 1)[1:])
        return np.concatenate(edges)


@frozen(eq=False, kw_only=True)
class RangeSpectrum(BaseRecord):
    """Spectrum of one range: nodes omega (n,), weights of the integral, and sums over wave vectors per area."""

    omega: Array
    weight: Array
    total: Array
    left: Array
    right: Array
    points: int
    each: Array  # (nk, n) total of each wave vector
    orbit: IntArray  # (n, m) number of the wave vector that stands for each point of the mesh
    variance: Array  # (n,) of the integrals of the total over bins, by the nodes of each wave vector

    def conductance(self, temperature: Array) -> Array:
        """(nT,) emitted conductance that it carries, W m⁻² K⁻¹."""
        return mode_heat_capacity(self.omega, temperature) @ (self.total * self.weight) / (2 * np.pi)

    def spread(self, temperature: Array) -> Array:
        r"""(nT,) points of the mesh that the conductance comes from, $(\sum_k g_k)^2/\sum_k g_k^2$; 0 where it is 0."""
        carried = self._mesh_values(temperature)
        squares = np.square(carried).sum(axis=(1, 2))
        return np.square(carried.sum(axis=(1, 2))) / np.where(squares > 0, squares, np.inf)

    def sampling_error(self, temperature: Array) -> Array:
        """(nT,) error of the conductance by wave vectors and frequencies, from one level of refinement alone."""
        return np.hypot(self.mesh_error(temperature), self.frequency_error(temperature))

    def mesh_error(self, temperature: Array) -> Array:
        r"""(nT,) error of the conductance by the mesh of wave vectors.

        A sum over a mesh is off by the Fourier coefficients at all multiples of its size (Poisson), twice as far as the
        shortest waves that the mesh resolves.  Those are what differences of sixth order leave, scaled so that
        independent terms keep their variance; points that are not equal by symmetry count as independent.  Coefficients
        of a function that jumps along lines, as at the edges of bands, fall with the power 3/2 of their distance.

        T. Gasser, L. Sroka and C. Jennen-Steinmetz, Biometrika 73, 625 (1986), doi:10.1093/biomet/73.3.625
        """
        carried = self._mesh_values(temperature)
        rows, columns = (1 - np.cos(2 * np.pi * np.arange(n) / n) for n in self.orbit.shape)
        passed = np.square(rows[:, None] + columns) ** _DIFFERENCE_STEPS
        if not passed.any():  # a single point
            return np.zeros(temperature.size)
        power = np.square(np.abs(np.fft.fft2(carried) / self.orbit.size))
        variance = (power * (passed / passed.mean())).sum(axis=(1, 2)) / len(self.each)
        mean = carried.mean(axis=(1, 2))
        return self.conductance(temperature) * np.sqrt(variance) / np.where(mean > 0, mean, np.inf) * ALIASING_RATIO

    def frequency_error(self, temperature: Array) -> Array:
        """(nT,) standard error of the conductance by the nodes in frequency, independent between wave vectors."""
        return np.sqrt(np.square(mode_heat_capacity(self.omega, temperature)) @ self.variance) / (2 * np.pi)

    def _mesh_values(self, temperature: Array) -> Array:
        """(nT, n, m) what each point of the mesh adds, to a common factor."""
        return (mode_heat_capacity(self.omega, temperature) @ self.each.T)[:, self.orbit]


@frozen(eq=False)
class RangeSampler(BaseRecord):
    """Spectrum of a range at a level of refinement."""

    prepared: PreparedJunction
    symmetry: IntArray
    size: tuple[int, int] | None
    run: UnitRunner

    def __call__(self, part: FrequencyRange, level: int) -> RangeSpectrum:
        """Sum over wave vectors."""
        side, number = REFINEMENT_LEVELS[level]
        size = self.size or mesh_size(self.prepared.junction, side, part.box)
        points = wavevector_mesh(size, part.box, self.symmetry)
        # samples of crowded bins differ between wave vectors and levels, so that their errors average out
        place = np.modf(_PLASTIC_SEQUENCE[0] * (1 + level) + points.place @ _PLASTIC_SEQUENCE)[0]
        bins = part.bins(number)
        seconds = 2 * len(bins) * point_seconds(self.prepared)
        common = {"edges": bins, "ramps": part.ramps, "share": _PANEL_ERROR_SHARE / number}
        found = self.run(transmission_in_bins, self.prepared, {"k": points.k, "place": place}, common, seconds)
        count = int(found.pop("points").sum())
        each = found["total"]
        variance = np.square(points.weight / self.prepared.junction.area) @ found.pop("variance")
        share = {name: points.weight @ value for name, value in found.items()}
        weight = share["weight"] / points.weight.sum()  # of the window alone: total times weight is what a bin carries
        area = np.where(weight > 0, weight * self.prepared.junction.area, np.inf)
        omega = np.divide(share["first"], share["total"], out=(bins[:-1] + bins[1:]) / 2, where=share["total"] > 0)
        sums = {name: share[name] / area for name in ("total", "left", "right")}
        return RangeSpectrum(
            omega=omega, weight=weight, points=count, each=each, orbit=points.orbit, variance=variance, **sums
        )


def merge_spectra(bands: Sequence[RangeSpectrum], junction: Junction) -> Transmission:
    """All ranges as one spectrum; nodes that fall on each other become one, light ones join the nearest other."""
    omega, weight, total, left, right = (
        np.concatenate([getattr(band, name) for band in bands])
        for name in ("omega", "weight", "total", "left", "right")
    )
    order = np.argsort(omega, kind="stable")
    order = order[weight[order] > 0]
    omega, weight = omega[order], weight[order]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(weight, _NODE_NEIGHBOURS), 2 * _NODE_NEIGHBOURS + 1).max(
        axis=1
    )
    kept = omega[weight >= _LIGHT_NODE_WEIGHT * around]
    node = np.cumsum(np.diff(kept, prepend=-1.0) > 1e-9 * kept) - 1
    node = node[np.searchsorted((kept[:-1] + kept[1:]) / 2, omega)]
    joint = np.bincount(node, weight)
    means = [np.bincount(node, weight * part[order]) / joint for part in (total, left, right)]
    carried = weight * total[order]
    crossing = np.bincount(node, carried)  # a node lies at the centroid of what crosses: the first moment is kept
    middle = np.bincount(node, weight * omega) / joint
    middle = np.divide(np.bincount(node, carried * omega), crossing, out=middle, where=crossing > 0)
    return Transmission(middle, *means, weight=joint, method=f"AGF {junction.name}")


def spectrum_tops(junction: Junction) -> tuple[float, float]:
    """Highest frequencies of the left and the right crystal, rad s⁻¹."""
    k = np.indices((8, 8)).reshape(2, -1).T / 8
    return top_frequency(junction.left, k), top_frequency(junction.right, k)


def frequency_ranges(
    junction: Junction, coldest: float, hottest: float, *, full_zone: bool = False
) -> list[FrequencyRange]:
    """Ranges of frequency from the top down, for temperatures (K); `full_zone` for no smaller boxes."""
    highest = max(spectrum_tops(junction)) * 1.02
    count = max(_MAX_OCTAVES, int(np.ceil(np.log2(highest * hbar / (_LOWEST_RATIO * k_B * coldest)))))
    frozen_out = int(np.log2(max(1.0, highest * hbar / (_FROZEN_RATIO * k_B * hottest))))  # octaves
    first = frozen_out if 2 <= frozen_out < _FIRST_RANGE_OCTAVES else _FIRST_RANGE_OCTAVES
    ramps = [np.inf, *(highest * 0.5 ** np.arange(first, count)), 0.0]
    box = np.full(2, 0.5)
    made: list[FrequencyRange] = []
    for high, low in pairwise(ramps):
        upper = min(2 * high, highest)  # at twice the ramp the window has fallen to zero
        if upper < highest and not full_zone and disperses(junction).any():
            box = wavevector_box(junction, upper, box)  # within that of the octave above
        made.append(FrequencyRange(np.array([low, high]), np.array([low, upper]), box, k_B * coldest / hbar))
    return made
