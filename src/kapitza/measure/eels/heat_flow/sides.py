r"""Gain and loss of each mode of a map, apart from each other; and phonons of opposite wave vectors from two apertures.

An electron that is scattered into the aperture of $+\mathbf q$ made a phonon of $\mathbf q$ (loss) or took one of
$-\mathbf q$ away (gain).  Under a heat flow $n(\mathbf q) \ne n(-\mathbf q)$, and one aperture alone mixes the two.
"""

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, increasing, positive, quantity, real_array
from kapitza.core.occupation import Occupation, float_table
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment, cramer_rao, planned_model, simulate_spectra
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap, fitted_modes
from kapitza.measure.eels.populations import mode_occupation, population_name
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import k_B, nm

_LARGEST_ANGLE = 0.5  # rad
_DISC_POINTS = 41  # across a disc over which a direction is averaged
_RADII = np.linspace(0.1, 1.0, 37)  # of the angle that is free between the direct beam and the aperture


@frozen(eq=False, kw_only=True)
class ModeSides(BaseRecord):
    r"""Gain and loss of each mode at each place, as shares of the zero-loss peak, the mean over the rows of a map.

    Their ratio alone gives the temperature, $T = E/k_B\ln(L/G)$: thickness, current and strength of the mode cancel.

    Attributes
    ----------
    gain, loss : (nx, nm); NaN where a place does not show a mode
    covariance : (nx, 2 nm, 2 nm) of all gains, then all losses; zero for what is not shown

    Examples
    --------
    >>> from kapitza.eels import fit_spectra, simulate_spectra
    >>> from kapitza.eels.heat_flow import mode_sides
    >>> from kapitza.examples import optical_mode, scan_plan
    >>> sides = mode_sides(fit_spectra(simulate_spectra(scan_plan(), seed=1), [optical_mode()], tie="each"))
    >>> print(f"{sides.temperature().mean():.0f} K by detailed balance")
    400 K by detailed balance
    """

    position: Array = field(converter=increasing, metadata=about("m", "position"))
    energy: Array = field(converter=positive, metadata=about("J", "quantum of the mode"))
    modes: tuple[str, ...] = field(converter=tuple)
    gain: Array = field(converter=float_table, metadata=about("1", "gain over the zero-loss peak"))
    loss: Array = field(converter=float_table, metadata=about("1", "loss over the zero-loss peak"))
    covariance: Array = field(converter=real_array, metadata=about("1", "of the gains, then the losses"))

    def __attrs_post_init__(self) -> None:
        nx, nm = self.position.size, self.energy.size
        for name, shape in {"gain": (nx, nm), "loss": (nx, nm), "covariance": (nx, 2 * nm, 2 * nm)}.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}, wanted {shape}")
        if len(self.modes) != nm:
            raise InputError(f"{len(self.modes)} names for {nm} modes: {', '.join(self.modes)}")

    @property
    def shown(self) -> BoolArray:
        """(nx, nm) where a place shows a mode on both sides, with less gain than loss."""
        with np.errstate(invalid="ignore"):
            return (self.gain > 0) & (self.loss > self.gain)

    def temperature(self) -> Array:
        r"""(nx, nm) temperature of each mode by detailed balance, $E/k_B\ln(L/G)$, K; NaN where it is not shown."""
        ratio = np.where(self.shown, self.loss, 2.0) / np.where(self.shown, self.gain, 1.0)
        return real_array(np.where(self.shown, self.energy / (k_B * np.log(ratio)), np.nan))

    def temperature_covariance(self) -> Array:
        r"""(nx, nm, nm) covariance of the temperatures of one place, K², to first order.

        $\partial T/\partial G = k_BT^2/EG$ and $\partial T/\partial L = -k_BT^2/EL$; zero for modes that are not shown.
        """
        shown = self.shown
        slope = np.where(shown, k_B * self.temperature() ** 2 / self.energy, 0.0)
        by_gain = np.where(shown, slope / np.where(shown, self.gain, 1.0), 0.0)
        by_loss = np.where(shown, -slope / np.where(shown, self.loss, 1.0), 0.0)
        pull = np.concatenate([np.eye(self.energy.size)[None] * one[:, None, :] for one in (by_gain, by_loss)], axis=2)
        return real_array(pull @ self.covariance @ pull.swapaxes(1, 2))

    def strength(self) -> tuple[Array, Array]:
        """(nx, nm) spontaneous scattering L - G of each mode over the zero-loss peak, and its standard uncertainty."""
        m = self.energy.size
        variance = np.einsum("xii->xi", self.covariance)
        cross = np.einsum("xii->xi", self.covariance[:, :m, m:])
        sigma = np.sqrt(np.maximum(variance[:, :m] + variance[:, m:] - 2 * cross, 0.0))
        return real_array(self.loss - self.gain), real_array(np.where(self.shown, sigma, np.nan))


def mode_sides(
    by_mode: TemperatureMap, *, energy: ArrayLike | None = None, drop: int = UNUSABLE_OR_MISFIT
) -> ModeSides:
    r"""Gain $Sn/A$ and loss $S(n + 1)/A$ of each mode of a fit with an occupation or a temperature for each.

    Parameters
    ----------
    by_mode : map along (y, x) or (x,)
    energy : (M,) of the modes, J; the mean fitted "<mode>.energy" if None
    drop : bits of `PixelFlag` of pixels that are left out

    Returns
    -------
    ModeSides, the mean over the rows of good pixels that show a mode

    Raises
    ------
    InputError
        for a single spectrum, a fit with one temperature for all modes, or a map without good pixels
    """
    if not by_mode.position:
        raise InputError("a single spectrum has no position: expected a map along one or two")
    good, quanta = fitted_modes(by_mode, energy, drop)
    m = quanta.size
    value, used = np.zeros((*by_mode.shape, 2 * m)), np.zeros((*by_mode.shape, 2 * m), dtype=bool)
    pull = np.zeros((*by_mode.shape, 2 * m, len(by_mode.names)))  # how gain and loss go with each parameter
    for j, (mode, quantum) in enumerate(zip(by_mode.modes, quanta.tolist(), strict=True)):
        name = population_name(by_mode, mode)
        here = good & by_mode.is_determined(name) & by_mode.is_determined(f"{mode}.intensity")
        fitted = np.where(here, by_mode.parameter(name), 1.0 if name.endswith("occupation") else 300.0)
        n, slope = mode_occupation(fitted, name, quantum)
        amplitude = np.where(here, by_mode.parameter("amplitude"), 1.0)
        strength = np.where(here, by_mode.parameter(f"{mode}.intensity"), 0.0) / amplitude
        for place, count in ((j, n), (m + j, n + 1)):
            used[..., place], value[..., place] = here, strength * count
            pull[..., place, by_mode.index(f"{mode}.intensity")] = count / amplitude
            pull[..., place, by_mode.index("amplitude")] = -strength * count / amplitude
            pull[..., place, by_mode.index(name)] = strength * slope
    held = np.where(np.isfinite(by_mode.covariance), by_mode.covariance, 0.0)
    pull = np.where(used[..., None], pull, 0.0)
    covariance = pull @ held @ pull.swapaxes(-1, -2)
    rows = by_mode.rows
    count = used.sum(axis=rows)
    mean = np.where(used, value, 0.0).sum(axis=rows) / np.where(count > 0, count, np.nan)
    per = np.maximum(count, 1)
    spread = covariance.sum(axis=rows) / (per[..., :, None] * per[..., None, :])
    use = (count > 0).any(axis=-1)
    return ModeSides(
        position=by_mode.position[-1][use], energy=quanta, modes=by_mode.modes, gain=mean[use, :m], loss=mean[use, m:],
        covariance=spread[use],
    )  # fmt: skip


@frozen(eq=False, kw_only=True)
class OppositeOccupations(BaseRecord):
    r"""Occupations of phonons along $+\mathbf q$ and $-\mathbf q$ at each place.

    Attributes
    ----------
    plus, minus : (nx, nm); NaN where a place does not show a mode in both apertures
    covariance : (nx, nm, 2, 2) of (plus, minus)

    Examples
    --------
    >>> from kapitza.eels import fit_spectra
    >>> from kapitza.examples import aperture_pair, optical_mode
    >>> from kapitza.eels.heat_flow import opposite_occupations
    >>> pair, (along, against) = aperture_pair()
    >>> found = opposite_occupations(*(fit_spectra(one, [optical_mode()], tie="each") for one in pair))
    >>> difference, sigma = found.temperature_difference()
    >>> print(f"{difference.mean():.0f} ± {sigma.mean() / 2:.1f} K")
    21 ± 0.4 K
    """

    position: Array = field(converter=increasing, metadata=about("m", "position"))
    energy: Array = field(converter=positive, metadata=about("J", "quantum of the mode"))
    modes: tuple[str, ...] = field(converter=tuple)
    plus: Array = field(converter=float_table, metadata=about("1", "occupation along +q"))
    minus: Array = field(converter=float_table, metadata=about("1", "occupation along -q"))
    covariance: Array = field(converter=real_array, metadata=about("1", "of (plus, minus)"))

    def temperature_difference(self) -> tuple[Array, Array]:
        r"""(nx, nm) temperature of the phonons along $+\mathbf q$ less that along $-\mathbf q$, and its error, K.

        In the relaxation time approximation it is $-2\Lambda_x\,dT/dx$ with the free path along the heat flow.
        """
        both = np.stack([self.plus, self.minus], axis=-1)
        n, energy = np.where(both > 0, both, np.nan), self.energy[:, None]
        kelvin = energy / (k_B * np.log1p(1 / n))
        pull = np.array([1.0, -1.0]) * k_B * kelvin**2 / (energy * n * (n + 1))
        variance = np.einsum("xmi,xmij,xmj->xm", pull, self.covariance, pull)
        return real_array(kelvin[..., 0] - kelvin[..., 1]), real_array(np.sqrt(variance))


def opposite_occupations(plus: ModeSides | TemperatureMap, minus: ModeSides | TemperatureMap) -> OppositeOccupations:
    r"""Occupations of opposite wave vectors from gain and loss in both apertures, whatever each of them collects.

    With strengths $S_\pm$ that need not be equal, $L_\pm = S_\pm(n_\pm + 1)$ and $G_\pm = S_\pm n_\mp$: four numbers
    for four unknowns, $n_+ = G_-(L_+ + G_+)/(L_+L_- - G_+G_-)$ and the same with the signs exchanged.

    Raises
    ------
    InputError
        for scans of other places or modes

    Examples
    --------
    >>> from kapitza.eels import fit_spectra
    >>> from kapitza.examples import aperture_pair, optical_mode
    >>> from kapitza.eels.heat_flow import opposite_occupations
    >>> pair, (along, against) = aperture_pair()
    >>> found = opposite_occupations(*(fit_spectra(one, [optical_mode()], tie="each") for one in pair))
    >>> print((found.plus > found.minus).all())
    True
    """
    one, other = (side if isinstance(side, ModeSides) else mode_sides(side) for side in (plus, minus))
    if one.modes != other.modes or one.position.shape != other.position.shape:
        raise InputError(
            f"{one.position.size} places of {', '.join(one.modes)} and {other.position.size} of "
            f"{', '.join(other.modes)}: expected both apertures at the same places"
        )
    if (np.abs(one.position - other.position) > 1e-3 * np.diff(one.position).min(initial=np.inf)).any():
        raise InputError(f"places from {one.position[0]:g} m and from {other.position[0]:g} m: expected the same ones")
    shown = (one.loss > 0) & (other.loss > 0) & (one.gain > 0) & (other.gain > 0)
    parts = [np.where(shown, part, np.nan) for part in (one.gain, one.loss, other.gain, other.loss)]
    n_plus, n_minus, pull = _solve_pair(*parts)
    m = one.energy.size
    covariance = np.zeros((*one.gain.shape, 4, 4))
    for j in range(m):
        for k, side in ((0, one), (2, other)):
            covariance[:, j, k : k + 2, k : k + 2] = side.covariance[:, j::m, j::m]
    return OppositeOccupations(
        position=one.position, energy=one.energy, modes=one.modes, plus=n_plus, minus=n_minus,
        covariance=pull @ covariance @ pull.swapaxes(-1, -2),
    )  # fmt: skip


def _solve_pair(g: Array, v: Array, h: Array, w: Array) -> tuple[Array, Array, Array]:
    """Occupations along +q and -q of gains g, h and losses v, w of both apertures, and (..., 2, 4) derivatives."""
    det = v * w - g * h
    plus, minus = h * (v + g) / det, g * (w + h) / det
    by_plus = [(h + plus * h) / det, (h - plus * w) / det, (v + g + plus * g) / det, -plus * v / det]
    by_minus = [(w + h + minus * h) / det, -minus * w / det, (g + minus * g) / det, (g - minus * v) / det]
    return plus, minus, np.stack([np.stack(by_plus, axis=-1), np.stack(by_minus, axis=-1)], axis=-2)


def simulate_aperture_pair(
    experiment: EelsExperiment, plus: Occupation, minus: Occupation, *, seed: int | None = 0
) -> tuple[SpectrumImage, SpectrumImage]:
    r"""Spectra of a scan through the aperture of $+\mathbf q$ and of one through that of $-\mathbf q$.

    Parameters
    ----------
    experiment : the plan of one aperture: electrons that it collects, intensities of the modes as shares of its
        zero-loss peak
    plus, minus : occupations of the phonons along $+\mathbf q$ and $-\mathbf q$, of the modes of the plan
    seed : of the noise, the next one for the second scan; None for the expected counts

    Raises
    ------
    InputError
        for records of other places or energies

    Examples
    --------
    >>> from kapitza.eels import fit_spectra
    >>> from kapitza.examples import aperture_pair, optical_mode
    >>> from kapitza.eels.heat_flow import opposite_occupations
    >>> pair, (along, against) = aperture_pair()
    >>> found = opposite_occupations(*(fit_spectra(one, [optical_mode()], tie="each") for one in pair))
    >>> print(
    ...     f"{found.plus.mean():.3f} and {found.minus.mean():.3f} phonons, "
    ...     f"put in {along.value.mean():.3f} and {against.value.mean():.3f}"
    ... )
    0.109 and 0.095 phonons, put in 0.109 and 0.095
    """
    if plus.position.shape != minus.position.shape or not (plus.position == minus.position).all():
        raise InputError(f"{plus.position.size} places along +q and {minus.position.size} along -q: expected the same")
    strength = np.where((plus.position < 0)[:, None], *experiment.strengths)
    scans: list[SpectrumImage] = []
    for i, (made, taken) in enumerate(((plus, minus), (minus, plus))):
        n, opposite = made.quantum().value, taken.quantum().value
        # a mode of the strength S(n - n' + 1) that holds n'/(n - n' + 1) loses S(n + 1) and gains S n'
        change = n - opposite + 1
        source = evolve(made.quantum(), value=opposite / change, sigma=None)
        number = None if seed is None else seed + i
        scans.append(simulate_spectra(experiment, source, intensity=strength * change, seed=number))
    return scans[0], scans[1]


def mean_direction(offset: float, radius: float, convergence: float = 0.0) -> float:
    r"""Mean of the cosine between the wave vectors that an aperture collects and the direction of its middle, 0 to 1.

    Over the discs of the aperture and of the illumination, at small angles; the strength is the same over both.  Angles
    are in rad: `offset` of the middle, and half angles `radius` of the aperture and `convergence` of the beam.
    """
    if not (offset > 0 and radius > 0 and convergence >= 0):
        raise InputError(
            f"aperture at {offset:g} rad of {radius:g} rad in a beam of {convergence:g} rad, wanted above 0 (0 or more "
            "for the beam)"
        )
    line = np.linspace(-1, 1, _DISC_POINTS)
    disc = np.array([(x, y) for x in line for y in line if x * x + y * y <= 1])
    beam = disc[:: max(1, len(disc) // 200)] * convergence if convergence > 0 else np.zeros((1, 2))
    q = (np.array([offset, 0.0]) + radius * disc)[:, None] - beam
    return float(np.mean(q[..., 0] / np.maximum(np.linalg.norm(q, axis=-1), 1e-12 * offset)))


@frozen(eq=False, kw_only=True)
class ApertureDesign(BaseRecord):
    """What a pair of apertures resolves, by their size.

    Attributes
    ----------
    direction : (nr,) mean cosine of `mean_direction`
    difference : (nr, nm) expected temperature of the phonons along +q less that along -q
    sigma : (nr, nm) its least uncertainty in one pixel
    required_pixels : (nm,) pixels, at the best size, that show the difference with the wanted significance
    probe : width of the probe that the convergence allows, 0.61 λ/α

    Examples
    --------
    >>> from kapitza.eels.heat_flow import design_apertures
    >>> from kapitza.examples import scan_plan
    >>> from kapitza.units import nm
    >>> found = design_apertures(scan_plan(), [50 * nm], 1e8, offset=40e-3, radius=10e-3)
    >>> print(
    ...     f"{found.difference.ravel()[found.best]:.1f} K between +q and -q, "
    ...     f"{found.sigma.ravel()[found.best]:.1f} K a pixel"
    ... )
    8.5 K between +q and -q, 0.2 K a pixel
    """

    modes: tuple[str, ...] = field(converter=tuple)
    radii: Array = field(converter=increasing, metadata=about("rad", "half angle of the apertures"))
    direction: Array = field(converter=real_array, metadata=about("1", "mean cosine of what is collected"))
    difference: Array = field(converter=real_array, metadata=about("K", "temperature along +q less along -q"))
    sigma: Array = field(converter=real_array, metadata=about("K", "least uncertainty in one pixel"))
    best: int = field(metadata=about("1", "place of the best size"))
    required_pixels: Array = field(converter=real_array, metadata=about("1", "pixels for the wanted significance"))
    significance: float = field(default=3.0, validator=quantity(), metadata=about("1", "wanted significance"))
    probe: float | None = field(default=None, metadata=about("m", "width of the probe"))


def design_apertures(
    experiment: EelsExperiment,
    free_path: ArrayLike,
    gradient: float,
    *,
    offset: float,
    radius: float,
    convergence: float = 0.0,
    wavelength: float | None = None,
    significance: float = 3.0,
) -> ApertureDesign:
    r"""Size of a pair of apertures, and pixels, that tell phonons along the heat flow from those against it.

    In the relaxation time approximation $T_+ - T_- = 2c\Lambda|dT/dx|$ with the mean cosine $c$ over the aperture.
    Larger apertures collect more, in proportion to their area, and mix directions; they end where the direct
    beam begins.  The errors are the bounds of Cramér and Rao of both spectra, through `opposite_occupations`.

    Parameters
    ----------
    experiment : plan of one aperture of the size `radius`
    free_path : of the phonons of each mode along the flow, one for all or (nm,), m
    gradient : of the temperature, K m⁻¹
    offset, radius, convergence : angle of the aperture, and half angles of aperture and beam, rad
    wavelength : of the electrons, m, for the width of the probe

    Raises
    ------
    InputError
        for an aperture that the direct beam reaches

    Examples
    --------
    >>> from kapitza.eels.heat_flow import design_apertures
    >>> from kapitza.examples import scan_plan
    >>> from kapitza.units import nm
    >>> found = design_apertures(scan_plan(), [50 * nm], 1e8, offset=40e-3, radius=10e-3)
    >>> print(f"half angle {found.radii[found.best] * 1e3:.0f} mrad, mean cosine {found.direction[found.best]:.2f}")
    half angle 40 mrad, mean cosine 0.85
    """
    if not offset <= _LARGEST_ANGLE:
        raise InputError(
            f"aperture at {1e3 * offset:g} mrad: expected {1e3 * _LARGEST_ANGLE:g} at most, for small angles alone are "
            "wave vectors"
        )
    if offset <= convergence or not radius < offset - convergence:
        raise InputError(
            f"aperture of {1e3 * radius:g} mrad at {1e3 * offset:g} mrad in a beam of {1e3 * convergence:g} mrad: the "
            "direct beam reaches it; wanted offset above radius + convergence"
        )
    names = tuple(mode.name for mode in experiment.left)
    path = np.broadcast_to(positive(free_path), (len(names),))
    radii = _RADII * (offset - convergence)
    cosine = np.array([mean_direction(offset, one, convergence) for one in radii])
    difference = 2 * cosine[:, None] * path * abs(gradient)
    if not difference.max() < experiment.temperature:
        raise InputError(
            f"a free path of {path.max() / nm:g} nm along {abs(gradient) * nm:g} K/nm makes phonons of opposite "
            f"directions differ by {difference.max():.3g} K at {experiment.temperature:g} K: expected far less; check "
            "its unit"
        )
    at_radius = _pair_sigma(experiment)
    sigma = at_radius * (radius / radii)[:, None]  # the counts go with the area
    pull = np.nanmax(difference / sigma, axis=1)
    best = int(np.argmax(pull))
    return ApertureDesign(
        modes=names, radii=radii, direction=cosine, difference=difference, sigma=sigma, best=best,
        required_pixels=np.ceil((significance * sigma[best] / difference[best]) ** 2), significance=significance,
        probe=None if wavelength is None or convergence == 0 else 0.61 * wavelength / convergence,
    )  # fmt: skip


def _pair_sigma(experiment: EelsExperiment) -> Array:
    """(nm,) least uncertainty of the temperature difference of opposite wave vectors in one pixel, K."""
    plan = evolve(experiment, right=experiment.left, jump=0.0)
    model = planned_model(plan, "left", "each")
    bound = cramer_rao(plan, "left", tie="each")
    sigmas: list[float] = []
    for mode in plan.left:
        strength = plan.dose * (mode.intensity or 0.0)
        i, t = (model.names.index(f"{mode.name}.{word}") for word in ("intensity", "temperature"))
        x = mode.energy / (k_B * plan.temperature)
        n = 1 / np.expm1(x)
        slope = n * (n + 1) * x / plan.temperature
        if strength == 0 or not np.isfinite(bound[t, t]):
            sigmas.append(np.inf)
            continue
        pull = np.array([[n, strength * slope], [n + 1, strength * slope]])
        block = pull @ bound[np.ix_([i, t], [i, t])] @ pull.T
        _, _, jacobian = _solve_pair(*map(np.asarray, (strength * n, strength * (n + 1)) * 2))
        apart = (jacobian[0] - jacobian[1]) / slope
        sigmas.append(float(np.sqrt(apart @ np.kron(np.eye(2), block) @ apart)))
    return np.array(sigmas)
