r"""What two laser beams see of a stack: the average of its response over wave vectors.

A pump with 1/e² radii $w_0$ and a probe with $w_1$ (both may be elliptic), $W^2 = w_0^2 + w_1^2$ in each direction,
at $(x_0, y_0)$ from it give, per absorbed power, the temperature that the probe reads

$$H(s) = \int\frac{d^2k}{4\pi^2}\, Z(\mathbf k, s)\, e^{-(k_x^2W_x^2 + k_y^2W_y^2)/8 + i\mathbf k\mathbf x_0} .$$

A pump of even intensity within a radius a, as of a multimode fibre or an imaged aperture, has $2J_1(ka)/ka$ in place of
$e^{-k^2w_0^2/8}$ ("top-hat"); the probe is Gaussian, and alone ends the integral.

Where the stack looks alike in all directions the angle is integrated once for all, for round beams to $J_0(kx_0)$,
exact for radii that differ.  The remaining integral uses $k = k_0 (k_1/k_0)^{x^{0.6}}$ with equidistant x: for periodic
heat in any stack the singularities of Z keep 45° away from the real k axis, so that equal steps of ln k converge
geometrically and at the same rate whatever the layers are; the power thins out the nodes towards small k in step with
what they weigh.  A stack that heat cannot leave gets twice as many, as its small k weigh more.

Heat that changes at the rate s spreads no farther than $1/\kappa$ with $\kappa^2 = |s|\,\min(C/k)$ over the layers:
all poles of Z lie at $|k| \ge \kappa$, so that Z is constant below and $k_0$ may lie a little below κ.

What is the same for stacks that differ in few numbers, as in the derivatives of a fit, is kept: nodes and weights, the
waves of a layer, and what a slab does to them.
"""

from typing import Literal

import numpy as np
from attrs import evolve, field, frozen, validators
from numpy.typing import NDArray

from kapitza.core.arrays import Array, ComplexArray, about, one_of, parameter, quantity
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.setup import Setup
from kapitza.measure.thermoreflectance.substrate import SubstratePhonons, heated_impedance

WAVE_VECTOR_NODES = 48
_NODE_SPACING_EXPONENT = 0.6
_MAX_WAVE_VECTOR = 12.5  # in units of 1/W: the Gaussian is 3e-9 there
_MIN_WAVE_VECTOR = 1e-7  # in units of 1/W: what lies below weighs less than that
_CONSTANT_BELOW = 1e-4  # of the smaller of κ and 1/W: below it lie about 1e-8 of what the probe sees
_HIGHEST_DIFFUSIVITY = 1e-2  # m² s⁻¹, ten times that of diamond at room temperature
_STEP_OF_LEAST = 8.0  # factor between the k₀ that are taken
_LONG_REACH = float(np.log(_MAX_WAVE_VECTOR / _MIN_WAVE_VECTOR))
PumpProfile = Literal["gaussian", "top-hat"]
PUMP_PROFILES: tuple[PumpProfile, ...] = ("gaussian", "top-hat")
_RADIUS, _OFFSET = parameter("m", "1/e^2 radius"), parameter("m", "offset of the probe from the pump")
_ANY_SIGN, _RADIUS_OR_NONE = quantity(low=-np.inf), validators.optional(quantity())

BEAM_PARAMETERS = tuple(
    f"beams.{name}" for name in ("pump_radius", "probe_radius", "pump_radius_y", "probe_radius_y", "offset", "offset_y")
)


@frozen
class Beams(BaseRecord):
    """A pump and a probe beam: radii of their intensities along x, and along y (None where they are the same).

    Radii are those where the intensity has fallen to 1/e²; with the `pump_profile` "top-hat" the pump has an even
    intensity within `pump_radius` and none beyond.
    """

    pump_radius: float = field(converter=float, validator=quantity(), metadata=_RADIUS)
    probe_radius: float = field(converter=float, validator=quantity(), metadata=_RADIUS)
    pump_radius_y: float | None = field(default=None, kw_only=True, validator=_RADIUS_OR_NONE, metadata=_RADIUS)
    probe_radius_y: float | None = field(default=None, kw_only=True, validator=_RADIUS_OR_NONE, metadata=_RADIUS)
    offset: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_OFFSET)
    offset_y: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_OFFSET)
    pump_profile: PumpProfile = field(default="gaussian", kw_only=True, validator=one_of(*PUMP_PROFILES))

    @property
    def widths(self) -> tuple[float, float]:
        """W along x and y, m."""
        pump_y, probe_y = self.pump_radius_y or self.pump_radius, self.probe_radius_y or self.probe_radius
        return float(np.hypot(self.pump_radius, self.probe_radius)), float(np.hypot(pump_y, probe_y))

    @property
    def gaussian_widths(self) -> tuple[float, float]:
        """W along x and y of the beams that are Gaussian, m: both, or the probe alone."""
        if self.pump_profile == "gaussian":
            return self.widths
        return self.probe_radius, self.probe_radius_y or self.probe_radius

    @property
    def edge_radii(self) -> tuple[float, float]:
        """Radii along x and y of a pump with an edge, m; zero for one without."""
        if self.pump_profile == "gaussian":
            return 0.0, 0.0
        return self.pump_radius, self.pump_radius_y or self.pump_radius

    @property
    def reach(self) -> float:
        """How far from the probe the pump or its edge lies, in units of the W of what is Gaussian."""
        (wx, wy), (edge_x, edge_y) = self.gaussian_widths, self.edge_radii
        return float(np.hypot(self.offset / wx, self.offset_y / wy)) + max(edge_x / wx, edge_y / wy)

    def disc_average(self, kx: Array, ky: Array) -> Array | float:
        """Average of a wave (kx, ky), rad/m, over the disc of a pump with an edge; 1 for one without."""
        edge_x, edge_y = self.edge_radii
        if not edge_x:
            return 1.0
        # scipy.special costs 30 ms to import
        from scipy.special import j1

        z = np.hypot(kx * edge_x, ky * edge_y)
        return 2 * j1(z) / z

    def with_pump_scaled(self, factor: float) -> "Beams":
        """The same beams with a pump of other size."""
        y = self.pump_radius_y
        return evolve(self, pump_radius=self.pump_radius * factor, pump_radius_y=None if y is None else y * factor)


@frozen(eq=False)
class WaveVectorQuadrature(BaseRecord):
    """Wave vectors (nk,), and their weights for each of nb pairs of beams; complex if the nodes cover k and -k.

    Examples
    --------
    >>> from kapitza.examples import aluminium_on_silicon
    >>> from kapitza.thermoreflectance import Beams, Tdtr
    >>> film = aluminium_on_silicon()
    >>> tdtr = Tdtr([1e-9], Beams(10e-6, 10e-6), modulation=1e7, repetition=8e7, delayed="pump")
    >>> print(type(tdtr.quadrature(film)).__name__)
    WaveVectorQuadrature
    """

    kx: Array = field(metadata=about("rad m^-1", "wave vector along x"))
    ky: Array = field(metadata=about("rad m^-1", "wave vector along y"))
    weight: Array | NDArray[np.complex128] = field(metadata=about("m^-2", "(nb, nk) weight"))


@frozen(eq=False)
class BeamResponse(BaseRecord):
    """Responses of stacks as beams see them, at Laplace variables s (ns,), s⁻¹."""

    s: ComplexArray
    beams: tuple[Beams, ...]
    setup: Setup
    nodes: int = WAVE_VECTOR_NODES
    substrate: SubstratePhonons | None = None  # of the last layer; s is then that of periodic heat
    _points: dict[tuple[bool, float], tuple[WaveVectorQuadrature, SpectralPoints]] = field(
        init=False, repr=False, factory=dict
    )

    def quadrature(self, stack: Stack) -> tuple[WaveVectorQuadrature, SpectralPoints]:
        """Wave vectors and weights, and all points where the response is needed; the last ones again if they fit."""
        slowest = float(np.abs(self.s).min())
        key = None
        if all(layer.axisymmetric for layer in stack.layers):
            width = max(max(pair.widths) for pair in self.beams)
            key = heat_leaves(stack, self.setup), _least_wave_vector(stack, slowest, width)
            if key in self._points:
                return self._points[key]
        found = wave_vector_quadrature(stack, self.beams, self.setup, slowest=slowest, nodes=self.nodes)
        points = found, SpectralPoints(self.s[:, None], found.kx, found.ky)
        if key is not None:
            self._points[key] = points
        return points

    def of(self, stack: Stack) -> ComplexArray:
        """(ns, nb) response as each pair of beams sees it, K W⁻¹."""
        average, at = self.quadrature(stack)
        return heated_impedance(stack, at, self.setup, self.substrate) @ average.weight.T

    def one_each(self, stack: Stack) -> ComplexArray:
        """(ns,) response, each s with its own pair of beams, K W⁻¹."""
        average, at = self.quadrature(stack)
        return np.sum(heated_impedance(stack, at, self.setup, self.substrate) * average.weight, axis=1)


def heat_leaves(stack: Stack, setup: Setup) -> bool:
    """Whether heat can leave a stack."""
    return setup.back == "isothermal" or any(np.isinf(layer.thickness) for layer in stack.layers)


def wave_vector_quadrature(
    stack: Stack, beams: tuple[Beams, ...], setup: Setup, *, slowest: float = 0.0, nodes: int = WAVE_VECTOR_NODES
) -> WaveVectorQuadrature:
    """Nodes and weights for beams on a stack, the same nodes for all nb pairs of beams.

    More than `nodes` |k| are taken for beams far apart, for a pump with an edge and a stack that heat cannot leave,
    whose small k weigh more; fewer where `slowest`, the least |s| (s⁻¹), keeps the heat near the beams.
    """
    widths, narrow = (np.array([getattr(pair, name) for pair in beams]) for name in ("widths", "gaussian_widths"))
    leaves = heat_leaves(stack, setup)
    count = int(np.ceil(nodes * (1 + max(pair.reach for pair in beams)) * (1 if leaves else 2)))
    lowest = _least_wave_vector(stack, slowest, float(widths.max())) if leaves else _MIN_WAVE_VECTOR / 10
    if lowest > _MIN_WAVE_VECTOR:  # as many in each octave near 1/W, where they matter
        count = int(np.ceil(count * np.log(_MAX_WAVE_VECTOR / lowest) / _LONG_REACH))
    if all(layer.axisymmetric for layer in stack.layers):
        k, step = _wave_vector_magnitudes(count, lowest / widths.max(), _MAX_WAVE_VECTOR / narrow.min())
        weight = np.array([_directional_average(k, pair) for pair in beams]) * (k * step)
        return WaveVectorQuadrature(k, np.zeros(1), weight)
    return _elliptical_quadrature(stack, beams, count, lowest, both_ways=setup.thermometer is not None)


def _least_wave_vector(stack: Stack, slowest: float, width: float) -> float:
    """Wave vector in units of 1/W below which nothing changes for heat that changes at least so fast, s⁻¹.

    In steps, and of the experiment alone for all but the fastest conductors: nodes that moved with the layers would
    show in derivatives by their numbers.
    """
    for layer in stack.layers:
        along = max(layer.conductivity, layer.in_plane or 0.0, layer.in_plane_y or 0.0)
        if layer.oblique:
            along = float(np.trace(layer.tensor))  # at least its largest eigenvalue
        if along > _HIGHEST_DIFFUSIVITY * (layer.heat_capacity or 0.0) or layer.coupling is not None:
            return _MIN_WAVE_VECTOR
    spread = float(np.sqrt(slowest / _HIGHEST_DIFFUSIVITY)) * width
    steps = np.floor(min(0.0, float(np.log(spread) / np.log(_STEP_OF_LEAST)))) if spread > 0 else -np.inf
    return max(_MIN_WAVE_VECTOR, _CONSTANT_BELOW * _STEP_OF_LEAST**steps)


def _wave_vector_magnitudes(count: int, low: float, high: float) -> tuple[Array, Array]:
    """Nodes k = low (high/low)^(x^0.6) in the middle of equal steps of x, and the steps dk, (count,) each."""
    x = (np.arange(count) + 0.5) / count  # midpoints: the integrand vanishes at both ends
    reach = np.log(high / low)
    k = low * np.exp(reach * x**_NODE_SPACING_EXPONENT)
    return k, k * reach * _NODE_SPACING_EXPONENT * x ** (_NODE_SPACING_EXPONENT - 1) / count


def _directional_average(k: Array, beams: Beams) -> Array:
    """(nk,) average of the beams over the directions of k, divided by 2π."""
    (wx, wy), (edge_x, edge_y) = beams.gaussian_widths, beams.edge_radii
    apart = np.hypot(beams.offset, beams.offset_y)
    if wx == wy and edge_x == edge_y:
        from scipy.special import j0

        bessel = j0(k * apart) if apart else 1.0
        return np.exp(-((k * wx) ** 2) / 8) * bessel * beams.disc_average(k, np.zeros(1)) / (2 * np.pi)
    count = int(32 + 4 * k[-1] * max(abs(wx - wy), abs(edge_x - edge_y), apart))
    phi = np.pi * (np.arange(count) + 0.5) / count  # k and -k weigh alike: half of the circle
    around = _beam_weights(k[:, None] * np.cos(phi), k[:, None] * np.sin(phi), beams, both_ways=False)
    return 2 * np.pi * around.mean(axis=1).real


def _elliptical_quadrature(
    stack: Stack, beams: tuple[Beams, ...], count: int, lowest: float, *, both_ways: bool
) -> WaveVectorQuadrature:
    """Nodes over all directions of k, on ellipses of the shape of the beams."""
    widths, narrow = (np.array([getattr(pair, name) for pair in beams]) for name in ("widths", "gaussian_widths"))
    wx, wy = narrow.min(axis=0)
    reach = widths.max(axis=0) / narrow.min(axis=0)
    q, step = _wave_vector_magnitudes(count, lowest / reach.max(), _MAX_WAVE_VECTOR)
    squeeze = np.diag([1 / wx, 1 / wy])  # here beams are round: the anisotropy that is left sets the angles
    spread = 1.0
    for layer in stack.layers:
        low, high = np.linalg.eigvalsh(squeeze @ layer.tensor[:2, :2] @ squeeze)
        spread = max(spread, high / low)
    apart = max(pair.reach * max(w[0] / wx, w[1] / wy) for pair, w in zip(beams, narrow, strict=True))
    angles = int(np.ceil(16 + 10 * np.sqrt(spread) + 8 * apart)) * (2 if both_ways else 1)
    phi = (2 if both_ways else 1) * np.pi * (np.arange(angles) + 0.5) / angles
    kx, ky = (q[:, None] * np.cos(phi) / wx).ravel(), (q[:, None] * np.sin(phi) / wy).ravel()
    area = np.repeat(q * step, angles) * 2 * np.pi / angles / (wx * wy)
    weight = np.array([_beam_weights(kx, ky, pair, both_ways=both_ways) for pair in beams])
    return WaveVectorQuadrature(kx, ky, weight * area)


def _beam_weights(kx: Array, ky: Array, beams: Beams, *, both_ways: bool) -> Array | NDArray[np.complex128]:
    """(nk,) weight of wave vectors for a pair of beams; its even part unless `both_ways`."""
    wx, wy = beams.gaussian_widths
    weight = np.exp(-((kx * wx) ** 2 + (ky * wy) ** 2) / 8) * beams.disc_average(kx, ky) / (4 * np.pi**2)
    phase = kx * beams.offset + ky * beams.offset_y
    return weight * (np.exp(1j * phase) if both_ways else np.cos(phase))
