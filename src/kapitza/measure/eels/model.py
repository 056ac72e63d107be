"""Model of an electron energy-loss spectrum: zero-loss peak, gain and loss lines, and derivatives."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite, increasing, one_of, quantity, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.units import k_B, meV

ZeroLossShape = Literal["pseudo-voigt", "split", "pearson", "tail", "reference"]
ShapeAndDerivatives = tuple[NDArray[Any], NDArray[Any], list[NDArray[Any]]]

ZERO_LOSS_SHAPES: tuple[ZeroLossShape, ...] = get_args(ZeroLossShape)

SHAPE_PARAMETERS: dict[str, tuple[str, ...]] = {
    "pseudo-voigt": ("fwhm", "lorentzian"),
    "split": ("fwhm_gain", "fwhm_loss", "lorentzian_gain", "lorentzian_loss"),
    "pearson": ("fwhm", "exponent"),
    "tail": ("fwhm", "lorentzian", "tail", "decay"),
    "reference": ("fwhm",),
}

_LN_TWO = float(np.log(2))
_PEAK_GAUSS = 2 * np.sqrt(_LN_TWO / np.pi)  # height of a normal distribution times its full width at half maximum
_PEAK_LORENTZ = 2 / np.pi
TO_SIGMA = 1 / np.sqrt(8 * _LN_TWO)  # standard deviation of a normal distribution of full width 1


@frozen(eq=False)
class ZeroLossPeak(BaseRecord):
    r"""Measured shape of the zero-loss peak: a cubic spline through the logarithm of its density.

    Beyond the last knots the logarithm goes on as a straight line.

    Examples
    --------
    >>> from kapitza.eels import simulate_spectra, zero_loss_from_vacuum
    >>> from kapitza.examples import scan_plan
    >>> from kapitza.units import meV
    >>> peak = zero_loss_from_vacuum(simulate_spectra(scan_plan(), seed=1))
    >>> print(f"{peak.fwhm / meV:.1f} meV wide")
    8.0 meV wide
    """

    energy: Array = field(converter=increasing, metadata=about("J", "(k,) knots, increasing, 0 at the centre"))
    log_density: Array = field(
        converter=finite,
        validator=same_length("energy"),
        metadata=about("1", r"$\ln(R / \mathrm{J}^{-1})$ at the knots"),
    )
    fwhm: float = field(validator=quantity(), metadata=about("J", "full width at half maximum"))

    def pieces(self, unit: float) -> tuple[Array, Array]:
        """(k,) knots and (k + 1, 4) cubics about the knot to the left, both in a unit of energy (J); ends straight."""
        from scipy.interpolate import CubicSpline

        knots = self.energy / unit
        spline: Any = CubicSpline(knots, self.log_density + np.log(unit), bc_type="natural")
        first, last = spline(knots[[0, -1]], 1)
        cubics = np.zeros((knots.size + 1, 4))
        cubics[1:-1] = spline.c.T
        cubics[0, 2:] = first, spline(knots[0])
        cubics[-1, 2:] = last, spline(knots[-1])
        return knots, cubics


def zero_loss_shape(
    shape: ZeroLossShape, x: Any, values: Sequence[Any], reference: tuple[Array, Array, float] | None
) -> ShapeAndDerivatives:
    """(..., n) density of a zero-loss peak at energies x from its centre, its slope, and derivatives by parameters.

    `values` are in the order of `SHAPE_PARAMETERS`, each to be broadcast against x; `reference` holds knots, cubics
    and full width of a measured peak, in the unit of x.
    """
    if shape == "pseudo-voigt":
        return _pseudo_voigt(x, values[0], values[1])
    if shape == "split":
        return _split_pseudo_voigt(x, values)
    if shape == "pearson":
        return _pearson_vii(x, values[0], values[1])
    if shape == "tail":
        return _pseudo_voigt_with_tail(x, values)
    if reference is None:
        raise InputError(f"the shape {shape!r} needs a measured zero-loss peak: give reference")
    return _stretched_reference(x, values[0], reference)


def _gaussian(x: Any, sigma: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    t = x / sigma
    value = np.exp(-0.5 * t * t) / (np.sqrt(2 * np.pi) * sigma)
    return value, -value * t / sigma, value * (t * t - 1) / sigma


def _pseudo_voigt(x: Any, width: Any, share: Any) -> ShapeAndDerivatives:
    r"""$(1 - \eta) G + \eta L$, both of the same full width at half maximum."""
    g, gx, gs = _gaussian(x, width * TO_SIGMA)
    half, keep = width / 2, 1 - share
    square = x * x + half * half
    v = half / (np.pi * square)
    slope, by_width = -2 * x * v / square, (0.5 / np.pi) * (x * x - half * half) / square**2
    return keep * g + share * v, keep * gx + share * slope, [keep * gs * TO_SIGMA + share * by_width, v - g]


def _split_pseudo_voigt(x: Any, values: Sequence[Any]) -> ShapeAndDerivatives:
    """Two halves of pseudo-Voigts of different width and share, of one height at 0."""
    peaks = [((1 - s) * _PEAK_GAUSS + s * _PEAK_LORENTZ) / w for w, s in zip(values[:2], values[2:], strict=True)]
    height = 2 / (1 / peaks[0] + 1 / peaks[1])
    right = x > 0
    found, slope = np.zeros(np.shape(x)), np.zeros(np.shape(x))
    by: list[NDArray[Any]] = []
    for side, on in ((0, ~right), (1, right)):
        w, s = values[side], values[2 + side]
        value, along, (by_w, by_s) = _pseudo_voigt(x, w, s)
        scale = height / peaks[side]
        found, slope = np.where(on, scale * value, found), np.where(on, scale * along, slope)
        by += [np.where(on, scale * by_w, 0.0), np.where(on, scale * by_s, 0.0)]
    derivatives = [by[0], by[2], by[1], by[3]]
    for side in (0, 1):
        w, s = values[side], values[2 + side]
        for place, change in ((side, -1 / w), (2 + side, (_PEAK_LORENTZ - _PEAK_GAUSS) / (w * peaks[side]))):
            # the height goes with both peaks, the scale of this side against its own
            on_this_side = np.where(right == bool(side), found, 0.0) * change
            derivatives[place] = derivatives[place] + found * (change * height / (2 * peaks[side])) - on_this_side
    return found, slope, derivatives


def _pearson_vii(x: Any, width: Any, exponent: Any) -> ShapeAndDerivatives:
    r"""Pearson VII, $\propto (1 + 4 (2^{1/m} - 1) x^2/w^2)^{-m}$: Lorentzian at m = 1, normal for large m."""
    from scipy.special import digamma, gammaln

    power = np.exp2(1 / exponent)
    b, by_m = power - 1, -_LN_TWO * power / exponent**2
    norm = 2 * np.sqrt(b / np.pi) * np.exp(gammaln(exponent) - gammaln(exponent - 0.5))
    u = 4 * b * (x / width) ** 2
    value = norm / width * np.exp(-exponent * np.log1p(u))
    slope = -value * exponent * 8 * b * x / width**2 / (1 + u)
    log_norm = by_m / (2 * b) + digamma(exponent) - digamma(exponent - 0.5)
    by_exponent = value * (log_norm - np.log1p(u) - exponent * u / (1 + u) * by_m / b)
    return value, slope, [-(value + x * slope) / width, by_exponent]


def _pseudo_voigt_with_tail(x: Any, values: Sequence[Any]) -> ShapeAndDerivatives:
    r"""Pseudo-Voigt with a share $a$ of its electrons in a tail on the loss side: $(1 - a) P + a\,(G * e^{-E/d}/d)$.

    The exponential starts behind the normal part of the peak: $T = e^{\sigma^2/2d^2 - x/d}\,\mathrm{erfc}(z)/2d$,
    $z = (\sigma/d - x/\sigma)/\sqrt 2$, with $T' = (G - T)/d$.
    """
    from scipy.special import erfc

    width, share, tail, decay = values
    core, core_slope, (by_width, by_share) = _pseudo_voigt(x, width, share)
    s = width * TO_SIGMA
    g, gx, _ = _gaussian(x, s)
    z = (s / decay - x / s) / np.sqrt(2)
    t = erfc(z) * np.exp(np.where(z < 25, 0.5 * (s / decay) ** 2 - x / decay, 0.0)) / (2 * decay)
    along = (g - t) / decay
    twice = (gx - along) / decay
    keep = 1 - tail
    by_width = keep * by_width + tail * s * twice * TO_SIGMA
    by_decay = -tail / decay * (t + x * along + s * s * twice)
    return keep * core + tail * t, keep * core_slope + tail * along, [by_width, keep * by_share, t - core, by_decay]


def _stretched_reference(x: Any, width: Any, reference: tuple[Array, Array, float]) -> ShapeAndDerivatives:
    knots, cubics, measured = reference
    stretch = width / measured
    y = x / stretch
    piece = np.searchsorted(knots, y)
    t = y - knots[np.maximum(piece - 1, 0)]
    a, b, c, d = np.moveaxis(cubics[piece], -1, 0)
    value = np.exp(((a * t + b) * t + c) * t + d) / stretch
    slope = value * ((3 * a * t + 2 * b) * t + c) / stretch
    return value, slope, [-(value + x * slope) / width]


TieChoice = Literal["common", "each", "occupation"]

TIE_CHOICES: tuple[TieChoice, ...] = get_args(TieChoice)
_NODES_PER_SIGMA = 2.0  # nodes of a convolution in the smallest standard deviation
_MAX_PARTS = 8
_NORMAL_REACH = 8.0  # standard deviations to which a normal line is followed in a convolution
_MAX_REDUCED_ENERGY = 700.0  # E/k_B T from which on an occupation is 0


@frozen
class VibrationalMode(BaseRecord):
    """A vibration that electrons lose energy to and gain energy from.

    Attributes
    ----------
    name : stands before the names of its parameters, as in ``TO.energy``
    width : standard deviation of its line before the resolution, J
    intensity : electrons scattered spontaneously, as a share of those of the zero-loss peak; used by simulations and
        as a start of a fit, which finds one of its own where None
    """

    name: str
    energy: float = field(validator=quantity(), metadata=about("J", "energy"))
    width: float = field(validator=quantity(), metadata=about("J", "standard deviation of the line"))
    intensity: float | None = field(default=None, metadata=about("1", "intensity"))

    def __attrs_post_init__(self) -> None:
        if not self.name or "." in self.name:
            raise InputError(f"name of a mode {self.name!r}: expected some text without a full stop")
        if self.energy > 100 * 1000 * meV:
            raise InputError(
                f"mode {self.name}: energy = {self.energy:g} J",
                hint=Hint(python="multiply numbers in meV by kapitza.units.meV", command="give it in meV"),
            )


@frozen(eq=False)
class SpectrumModel(BaseRecord):
    """Which peaks a spectrum has and how they are tied.

    Attributes
    ----------
    modes : the vibrations; at least one
    shape : of the zero-loss peak: "pseudo-voigt", "split" (other width and tail on the two sides), "pearson" (VII),
        "tail" (a share of the electrons in an exponential tail on the loss side) or "reference" (measured in vacuum,
        stretched)
    tie : "common": one temperature for all modes.  "each": one for each.  "occupation": the number of phonons of each
        mode, with no temperature behind it
    background : electrons per channel, a sum of Legendre polynomials over the axis
    reference : the measured zero-loss peak for the shape "reference"
    """

    modes: tuple[VibrationalMode, ...] = field(converter=tuple)
    shape: ZeroLossShape = field(default="pseudo-voigt", validator=one_of(*ZERO_LOSS_SHAPES))
    tie: TieChoice = field(default="common", validator=one_of(*TIE_CHOICES), kw_only=True)
    background: int = field(default=0, kw_only=True, metadata=about("1", "terms of a smooth background"))
    reference: ZeroLossPeak | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        names = [mode.name for mode in self.modes]
        if len(set(names)) != len(names):
            raise InputError(f"modes of the same name: {', '.join(names)}")
        if not self.modes:
            raise InputError(f"a spectrum of {len(self.modes)} modes has no temperature: give one mode or more")
        if not 0 <= self.background <= 12:
            raise InputError(f"background = {self.background}, wanted 0 to 12 terms")
        if self.shape == "reference" and self.reference is None:
            hint = Hint(
                python="give reference=zero_loss(vacuum)", command="give a spectrum beside the sample by --vacuum"
            )
            raise InputError(f"the shape {self.shape!r} needs a measured zero-loss peak:", hint=hint)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, in the order of their values."""
        of_modes = [f"{mode.name}.{what}" for mode in self.modes for what in ("energy", "width", "intensity")]
        word = "occupation" if self.tie == "occupation" else "temperature"
        ties = [word] if self.tie == "common" else [f"{mode.name}.{word}" for mode in self.modes]
        smooth = [f"background.{i}" for i in range(self.background)]
        return ("amplitude", "centre", *SHAPE_PARAMETERS[self.shape], *of_modes, *ties, *smooth)

    @property
    def first_mode(self) -> int:
        """Place of the first parameter of the first mode."""
        return 2 + len(SHAPE_PARAMETERS[self.shape])

    @property
    def first_tie(self) -> int:
        """Place of the first temperature or occupation."""
        return self.first_mode + 3 * len(self.modes)

    @property
    def tie_places(self) -> slice:
        """Places of the temperatures or occupations."""
        return slice(self.first_tie, self.first_tie + self.ties)

    @property
    def ties(self) -> int:
        """Number of temperatures or occupations."""
        return 1 if self.tie == "common" else len(self.modes)

    def units(self, step: float) -> Array:
        """(p,) SI value of one unit of each parameter when energies are counted in channels of width `step` (J)."""
        last = {"centre", "energy", "width", "fwhm", "fwhm_gain", "fwhm_loss", "decay"}
        words = [name.rsplit(".", 1)[-1] for name in self.names]
        return np.array([step if w in last else step / k_B if w == "temperature" else 1.0 for w in words])


@frozen(eq=False)
class ChannelGrid(BaseRecord):
    """The energy axis and what is tied to it, all in channels."""

    start: float  # energy of the first channel
    channels: int
    parts: int = 1  # nodes of convolutions in a channel
    reach: int = 0  # farthest node
    reference: tuple[Array, Array, float] | None = None  # knots, cubics, width of a measured peak

    @property
    def energy(self) -> Array:
        """(n,) energy of each channel."""
        return self.start + np.arange(self.channels, dtype=np.float64)


def channel_grid(model: SpectrumModel, energy: Array) -> ChannelGrid:
    """Axis (J) of an image as the functions of this module take it; the same for all its pixels."""
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    parts = min(max(1, int(np.ceil(_NODES_PER_SIGMA * step / min(mode.width for mode in model.modes)))), _MAX_PARTS)
    reach = max((1.5 * mode.energy + 3 * _NORMAL_REACH * mode.width) / step for mode in model.modes)
    reference = model.reference and (*model.reference.pieces(step), model.reference.fwhm / step)
    return ChannelGrid(float(energy[0]) / step, energy.size, parts, int(np.ceil(reach)), reference)


def _tied_occupations(model: SpectrumModel, x: NDArray[Any], j: int) -> tuple[Array, Array, Array, int]:
    """(k, 1) occupation of mode j, its derivatives by energy and by its temperature (or itself), and whose place."""
    place = model.first_tie + (0 if model.tie == "common" else j)
    tie = x[:, place, None]
    if model.tie == "occupation":
        return tie, np.zeros_like(tie), np.ones_like(tie), place
    ratio = np.clip(x[:, model.first_mode + 3 * j, None] / tie, 1e-9, _MAX_REDUCED_ENERGY)
    n = 1 / np.expm1(ratio)
    slope = n * (n + 1) / tie
    return n, -slope, slope * ratio, place


def expected_spectrum(model: SpectrumModel, grid: ChannelGrid, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(k, n) electrons of each channel before the detector, and their (k, p, n) derivatives.

    `x` (k, p) are parameters in the order of `model.names`, energies and $k_B T$ in channels.
    """
    shaped = [x[:, 2 + i, None] for i in range(model.first_mode - 2)]
    away = grid.energy - x[:, 1, None]
    value, slope, by = zero_loss_shape(model.shape, away, shaped, grid.reference)
    jacobian = np.zeros((*x.shape, grid.channels))
    amplitude = x[:, 0, None]
    jacobian[:, 0] = value
    jacobian[:, 1] = -amplitude * slope
    for i, derivative in enumerate(by):
        jacobian[:, 2 + i] = amplitude * derivative
    mu = amplitude * value
    add = _add_closed_lines if model.shape == "pseudo-voigt" else _add_convolved_lines
    mu = mu + add(model, grid, x, shaped, jacobian)
    first = model.first_tie + model.ties
    for i, term in enumerate(legendre_polynomials(grid.channels, model.background)):
        jacobian[:, first + i] = term
        mu = mu + x[:, first + i, None] * term
    return mu, jacobian


def legendre_polynomials(channels: int, terms: int) -> NDArray[Any]:
    """(terms, n) Legendre polynomials over the axis."""
    return np.polynomial.legendre.legvander(np.linspace(-1, 1, channels), max(terms, 1) - 1).T[:terms]


def voigt_profile(x: Any, sigma: Any, width: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    r"""Normal line of `sigma` convolved with a Lorentzian of full width `width`, and derivatives by all three.

    $V = \mathrm{Re}\,w(z)/\sigma\sqrt{2\pi}$ with $z = (x + i\gamma)/\sigma\sqrt 2$ and $w' = -2zw + 2i/\sqrt\pi$.
    """
    from scipy.special import wofz

    z = (x + 0.5j * width) / (np.sqrt(2) * sigma)
    w = wofz(z)
    slope = 2j / np.sqrt(np.pi) - 2 * z * w
    scale = 1 / (np.sqrt(2 * np.pi) * sigma)
    value, by_x = w.real * scale, slope.real * scale / (np.sqrt(2) * sigma)
    by_half = -slope.imag * scale / (np.sqrt(2) * sigma)
    return value, by_x, -(value + x * by_x + 0.5 * width * by_half) / sigma, 0.5 * by_half


def _add_closed_lines(
    model: SpectrumModel, grid: ChannelGrid, x: NDArray[Any], shaped: Sequence[NDArray[Any]], jacobian: NDArray[Any]
) -> NDArray[Any]:
    """Lines of all modes behind a pseudo-Voigt resolution, in closed form."""
    width, share = shaped
    total = np.zeros((len(x), grid.channels))
    for j in range(len(model.modes)):
        at = model.first_mode + 3 * j
        energy, sigma, strength = (x[:, at + i, None] for i in range(3))
        n, by_energy, by_tie, place = _tied_occupations(model, x, j)
        both = np.hypot(sigma, width * TO_SIGMA)
        for sign, count in ((1, n + 1), (-1, n)):
            away = grid.energy - x[:, 1, None] - sign * energy
            g, gx, gs = _gaussian(away, both)
            v, vx, vs, vw = voigt_profile(away, sigma, width)
            line, along = (1 - share) * g + share * v, (1 - share) * gx + share * vx
            amount = strength * count
            total += amount * line
            jacobian[:, 1] -= amount * along
            jacobian[:, 2] += amount * ((1 - share) * gs * TO_SIGMA**2 * width / both + share * vw)
            jacobian[:, 3] += amount * (v - g)
            jacobian[:, at] += strength * by_energy * line - sign * amount * along
            jacobian[:, at + 1] += amount * ((1 - share) * gs * sigma / both + share * vs)
            jacobian[:, at + 2] += count * line
            jacobian[:, place] += strength * by_tie * line
    return total


def _add_convolved_lines(
    model: SpectrumModel, grid: ChannelGrid, x: NDArray[Any], shaped: Sequence[NDArray[Any]], jacobian: NDArray[Any]
) -> NDArray[Any]:
    """Lines of all modes behind any resolution, by a sum over nodes on even parts of the channels, by FFT."""
    from scipy.fft import irfft, next_fast_len, rfft

    at_nodes, rows = _line_densities(model, grid, x)
    count = grid.channels * grid.parts + at_nodes.shape[-1] - 1
    parts, at_first = grid.parts, grid.reach * grid.parts
    lags = grid.start + np.arange(-at_first, grid.channels * parts + at_first) / parts - x[:, 1, None]
    value, slope, by = zero_loss_shape(model.shape, lags, shaped, grid.reference)
    size = next_fast_len(count + at_nodes.shape[-1], real=True)
    lines: Any = rfft(at_nodes, size, axis=-1)
    kernel: Any = rfft(np.stack([value, -slope, *by], axis=1), size, axis=-1)
    use = slice(2 * at_first, 2 * at_first + grid.channels * parts, parts)
    back: Any = partial(irfft, n=size, axis=-1)
    smeared = back(lines * kernel[:, :1])[..., use]
    by_shape = back(lines[:, :1] * kernel[:, 1:])[..., use]
    jacobian[:, 1 : model.first_mode] += by_shape
    for i, row in enumerate(rows):
        jacobian[:, row] += smeared[:, 1 + i]
    return smeared[:, 0]


def _line_densities(model: SpectrumModel, grid: ChannelGrid, x: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    """(k, 1 + r, nodes) lines before the resolution and their derivatives, and (r,) the parameters these belong to."""
    nodes = np.arange(-grid.reach * grid.parts, grid.reach * grid.parts + 1) / grid.parts
    weight = 1 / grid.parts
    rows = list(range(model.first_mode, model.first_tie + model.ties))
    found = np.zeros((len(x), 1 + len(rows), nodes.size))
    for j in range(len(model.modes)):
        at = 1 + 3 * j
        energy, sigma, strength = (x[:, model.first_mode + 3 * j + i, None] for i in range(3))
        n, by_energy, by_tie, place = _tied_occupations(model, x, j)
        for sign, count in ((1, n + 1), (-1, n)):
            g, gx, gs = (weight * part for part in _gaussian(nodes - sign * energy, sigma))
            amount = strength * count
            found[:, 0] += amount * g
            found[:, at] += strength * by_energy * g - sign * amount * gx
            found[:, at + 1] += amount * gs
            found[:, at + 2] += count * g
            found[:, 1 + place - model.first_mode] += strength * by_tie * g
    return found, rows
