"""Conductance from the power that fluctuates through a boundary in equilibrium: no plateau has to be picked."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, finite, one_of, quantity
from kapitza.core.conductance import Conductance
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.slabs import Slab, admittance, biot
from kapitza.simulate.md.spectral_flux import rows_of
from kapitza.units import k_B

Model = Literal["lumped", "slabs"]
MODELS: tuple[Model, ...] = ("lumped", "slabs")
# Above this Biot number the lumped model is off by more than a few per cent.
LUMPED_BELOW = 0.1
# Relative standard uncertainty above which a conductance is not resolved: two of them reach zero.
UNRESOLVED = 0.5
# The energy of a side is bounded, so that its power has no low frequencies: ends of the record that do not match would
# leak into them without a taper, and still do into the first few.
TAPER = 0.3
FIRST = 5
BANDS = 8
CUTOFFS = (0.5, 0.7, 1.2)


@frozen(eq=False)
class Fluctuations:
    """Power through the boundaries of a closed system in equilibrium.

    Attributes
    ----------
    power : (samples, 1) or (samples, 2) power into the left side through each of its boundaries, W
    step : distance of two samples, s
    area : of one boundary, m²
    temperature : K
    left, right : the two sides with their classical heat capacities; lengths run to the far end, or to the middle of
        each side where there are two boundaries
    name : of the system
    """

    power: Array = field(converter=rows_of)
    step: float = field(validator=quantity())
    area: float = field(validator=quantity())
    temperature: float = field(validator=quantity())
    left: Slab
    right: Slab
    name: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.power.shape[1] not in (1, 2) or len(self.power) < 64:
            raise InputError(f"{self.name}: power of shape {self.power.shape}, wanted (64 or more samples, 1 or 2)")

    @property
    def modes(self) -> Array:
        """(samples, 1 or 2) power of one boundary, or sum and difference of two over √2: independent."""
        if self.power.shape[1] == 1:
            return self.power
        return self.power @ np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)


@frozen(eq=False)
class Spectrum:
    """Spectral density of the power in units of a conductance.

    Attributes
    ----------
    omega : (n,) rad s⁻¹
    value : (n, modes) S_q / (2 kB T² A), W m⁻² K⁻¹: a white spectrum has the value of the conductance
    variance : of one value relative to the square of its expectation (1 without a taper)
    """

    omega: Array
    value: Array
    variance: float


@frozen(eq=False)
class FluctuationFit:
    """Conductance of the extrapolated drop from a spectrum.

    Attributes
    ----------
    conductance : value and total uncertainty: of the fit, and of the cut-off
    statistical, cutoff : standard uncertainties, of the fit, and as the spread of the cut-offs less what statistics
        explain, W m⁻² K⁻¹
    model : "lumped" or "slabs"
    biot : resistance of the sides over that of the boundary
    conductivity : (2,) of the sides, fitted where they were free, W m⁻¹ K⁻¹
    low, high : range of the fit, rad s⁻¹
    cutoffs : (n,) other upper ends of the range, rad s⁻¹
    scanned : (n,) conductances found with them, W m⁻² K⁻¹
    probability : of a misfit as large in bands of frequency if the model holds
    reasons : why the result is not to be believed; empty where nothing speaks against it
    """

    conductance: Conductance
    statistical: float
    cutoff: float
    model: Model = field(validator=one_of(*MODELS))
    biot: float
    conductivity: Array
    low: float
    high: float
    cutoffs: Array = field(converter=finite)
    scanned: Array = field(converter=finite)
    probability: float
    reasons: tuple[str, ...] = field(validator=validators.instance_of(tuple))


def power_spectrum(data: Fluctuations) -> Spectrum:
    """Periodogram of each mode, its mean taken off and its ends tapered by cosines over 15 % each."""
    from scipy.fft import rfft
    from scipy.signal.windows import tukey

    modes = data.modes
    count = len(modes)
    window = tukey(count, TAPER)[:, None]
    transform: Any = rfft((modes - modes.mean(axis=0)) * window, axis=0)
    density: Any = np.abs(transform) ** 2 * data.step / float(np.sum(window**2))
    omega: Any = 2 * np.pi * np.arange(len(density)) / (count * data.step)
    variance = count * float(np.sum(window**4)) / float(np.sum(window**2)) ** 2
    scale = 2 * k_B * data.temperature**2 * data.area
    return Spectrum(omega[FIRST:], density[FIRST:] / scale, variance)


def fluctuation_conductance(
    data: Fluctuations,
    *,
    high: float,
    model: Model | None = None,
    free: bool = False,
    known: float = 0.0,
) -> FluctuationFit:
    r"""Fit the conductance of the boundary to the spectrum of the power, heat capacities known.

    $S_q(\omega) = 2 k_B T^2 A\, \mathrm{Re}\, Y(\omega)$ with the admittance of the boundary between its two sides
    (fluctuation-dissipation).  Of bodies with one temperature each (the lumped model)
    $\mathrm{Re}\, Y = G (\omega\tau)^2 / (1 + (\omega\tau)^2)$, $1/\tau = G (1/C_A + 1/C_B)$,
    whose integral over time is that of the Green-Kubo formula (J.-L. Barrat and F. Chiaruttini, Mol. Phys. 101, 1605
    (2003), arXiv:cond-mat/0209607); with slabs it holds at any Biot number.  Two boundaries of a periodic cell are
    taken as their sum, which fills and empties the sides, and their difference, for which the middles are held.
    Whittle's likelihood: periodograms are independent and exponentially distributed about $S_q$.

    Parameters
    ----------
    data : powers in equilibrium
    high : upper end of the range, rad s⁻¹: below the frequencies of the phonons themselves
    model : None takes "lumped" below a Biot number of 0.1, "slabs" else
    free : fit the conductivities of the two sides too
    known : relative standard uncertainty of the conductivities of the sides, which may then change within it; exact
        where zero

    Returns
    -------
    FluctuationFit, whose conductance refers to the extrapolated drop

    Raises
    ------
    InputError
        if fewer than 20 frequencies lie in the range, or slabs are asked for without conductivities
    ConvergenceError
        if the spectrum does not determine what is fitted
    """
    spectrum = power_spectrum(data)
    count = int(np.searchsorted(spectrum.omega, high, side="right"))
    if count < 20 or high > 0.5 * np.pi / data.step:
        raise InputError(
            f"{data.name}: {count} frequencies below high = {high:.3g} rad/s, wanted 20 or more, and high at most "
            f"{0.5 * np.pi / data.step:.3g}, half of what the sampling resolves"
        )
    sides = (data.left, data.right)
    lumped = all(np.isinf(side.conductivity) for side in sides)
    if model == "slabs" and lumped:
        raise InputError(f"{data.name}: model 'slabs' needs the conductivities of the sides, they are infinite")
    first = _fitted(spectrum, count, _bodies(sides, model), free, known)
    number_biot = biot(first[0][0], *sides)
    chosen: Model = model or ("lumped" if number_biot < LUMPED_BELOW else "slabs")
    bodies = _bodies(sides, chosen)
    values, covariance = (
        _fitted(spectrum, count, bodies, free, known) if chosen == "lumped" and model is None else first
    )
    return _judged(data, spectrum, count, chosen, bodies, values, covariance, free, known)


def _judged(
    data: Fluctuations, spectrum: Spectrum, count: int, model: Model, bodies: tuple[Slab, Slab],
    values: Array, covariance: Array, free: bool, known: float,
) -> FluctuationFit:  # fmt: skip
    from scipy.special import chdtrc

    value = float(values[0])
    chi2, freedom = misfit(spectrum, count, _with(bodies, values), value)
    probability = float(chdtrc(freedom, chi2))
    # A model that misses the spectrum is not as well known as its likelihood says.
    statistical = float(value * np.sqrt(covariance[0, 0] * max(1.0, chi2 / freedom)))
    cutoffs, scanned, spread = _cutoffs(spectrum, count, bodies, free, known, value, value**2 * covariance[0, 0])
    sigma = float(np.hypot(statistical, spread))
    ratio = biot(value, data.left, data.right)
    reasons: list[str] = []
    if sigma > UNRESOLVED * value:
        reasons.append(f"the conductance is not resolved: {value:.3g} +- {sigma:.2g} W/m2K: run longer")
    if probability < 1e-3:
        reasons.append(f"the {model} model misses the spectrum (probability {probability:.1g}): lower `high`")
    if spread > max(2 * statistical, 0.1 * value):
        reasons.append(
            f"G depends on the range: {scanned.min():.3g} to {scanned.max():.3g} W/m2K, statistics {statistical:.2g}"
        )
    if model == "lumped" and ratio > LUMPED_BELOW:
        reasons.append(f"Biot number {ratio:.2g}, the lumped model wants it below {LUMPED_BELOW:g}: take 'slabs'")
    method = f"EMD, spectrum of the power, {'bodies of one temperature' if model == 'lumped' else 'two slabs'}"
    result = Conductance([data.temperature], [value], [sigma], "extrapolated", statistics="classical", method=method)
    conductivity = np.array([side.conductivity for side in _with(bodies, values)])
    ends = float(spectrum.omega[0]), float(spectrum.omega[count - 1])
    return FluctuationFit(
        result,
        statistical,
        spread,
        model,
        ratio,
        conductivity,
        *ends,
        cutoffs,
        scanned,
        probability,
        tuple(reasons),
    )


def _cutoffs(
    spectrum: Spectrum, count: int, bodies: tuple[Slab, Slab], free: bool, known: float, value: float, variance: float
) -> tuple[Array, Array, float]:
    """Other upper ends, what they give, and the spread that statistics do not explain."""
    counts = [n for n in (int(count * f) for f in CUTOFFS) if 20 <= n <= len(spectrum.omega)]
    fits = [_fitted(spectrum, n, bodies, free, known) for n in counts]
    found = np.array([fit[0][0] for fit in fits])
    own = np.array([fit[0][0] ** 2 * fit[1][0, 0] for fit in fits])
    # Of two fits to nested data the difference has the difference of the variances.
    excess = (found - value) ** 2 - np.abs(own - variance)
    spread = float(np.sqrt(max(0.0, float(excess.mean())))) if excess.size else 0.0
    return spectrum.omega[np.array(counts, dtype=int) - 1], found, spread


def misfit(spectrum: Spectrum, count: int, bodies: tuple[Slab, Slab], conductance: float) -> tuple[float, int]:
    """Chi-squared of the first `count` frequencies, averaged in bands, against a model, and its degrees of freedom."""
    ratio = spectrum.value[:count] / expected(spectrum.omega[:count], conductance, *bodies, spectrum.value.shape[1])
    edges = np.unique(np.geomspace(6, count, BANDS + 1).astype(int))
    edges[0] = 0
    terms = [
        float(np.sum((ratio[a:b].mean(axis=0) - 1) ** 2) * (b - a) / spectrum.variance)
        for a, b in pairwise(edges.tolist())
    ]
    return sum(terms), len(terms) * ratio.shape[1] - 1


def expected(omega: ArrayLike, conductance: float, left: Slab, right: Slab, modes: int = 1) -> Array:
    """(n, modes) Re Y of the sum mode and, with two boundaries, of the difference, W m⁻² K⁻¹."""
    held = (False, True)[:modes]
    return np.column_stack([admittance(omega, conductance, left, right, held=h).real for h in held])


def _bodies(sides: tuple[Slab, Slab], model: Model | None) -> tuple[Slab, Slab]:
    if model == "lumped":
        return evolve(sides[0], conductivity=np.inf), evolve(sides[1], conductivity=np.inf)
    return sides


def _with(bodies: tuple[Slab, Slab], values: Array) -> tuple[Slab, Slab]:
    if values.size == 1:
        return bodies
    return evolve(bodies[0], conductivity=float(values[1])), evolve(bodies[1], conductivity=float(values[2]))


def _fitted(spectrum: Spectrum, count: int, bodies: tuple[Slab, Slab], free: bool, known: float) -> tuple[Array, Array]:
    """Values of G and, where they may change, of the two conductivities; covariance of their logarithms."""
    modes = spectrum.value.shape[1]
    omega, data = spectrum.omega[:count], spectrum.value[:count]
    finite_sides = all(np.isfinite(side.conductivity) for side in bodies)
    changing = (free or known > 0) and finite_sides
    start = [float(data[count // 2 :].mean())] + [side.conductivity for side in bodies] * changing
    centre: Any = np.log(start)
    weight = np.zeros(centre.size)
    weight[1:] = 0.0 if free else 1 / max(known, 1e-6) ** 2

    def logarithm(x: Array) -> Array:
        return np.log(expected(omega, float(np.exp(x[0])), *_with(bodies, np.exp(x)), modes))

    x: Any = centre.copy()
    information: Any = np.eye(x.size)
    for _ in range(60):
        model = logarithm(x)
        slopes = np.array([(logarithm(x + h) - logarithm(x - h)).ravel() / 2e-4 for h in 1e-4 * np.eye(x.size)])
        score = slopes @ (data / np.exp(model) - 1).ravel() / spectrum.variance - weight * (x - centre)
        information = slopes @ slopes.T / spectrum.variance + np.diag(weight)
        change: Any = np.clip(_solved(information, score), -0.5, 0.5)
        x = x + change
        if np.abs(change).max() < 1e-8:
            break
    return np.exp(x), _solved(information, np.eye(x.size))


def _solved(information: Array, right: Array) -> Array:
    try:
        found: Any = np.linalg.solve(information, right)
    except np.linalg.LinAlgError as err:
        raise ConvergenceError(
            "the spectrum does not tell the conductance of the boundary from those of the solids: run longer, or give "
            "their conductivities"
        ) from err
    return found
