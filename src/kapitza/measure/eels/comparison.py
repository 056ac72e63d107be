"""Comparison of measured modes and peaks with those of a simulation or of a junction, with a chi-squared."""

from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, check_choice, positive, real_array
from kapitza.core.occupation import Occupation, float_table
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import spread_matrix
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.map import TemperatureMap, fitted_energies
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.theory.agf.mode_classes import MODE_CLASSES, ModeClasses
from kapitza.units import hbar, meV, nm

Alignment = Literal["none", "offset", "scale"]

_FLAT = 1e-9  # K over 1 K: temperatures that differ by less are the same
_MAX_CONDITION = 1e8  # of the columns of an alignment

ALIGNMENTS: tuple[Alignment, ...] = ("none", "offset", "scale")
_LEAST_WINDOW = 0.01  # of the highest frequency
_REACH = 3.0  # standard deviations of its window from a peak within which localised vibrations are taken as its own
_LOCALISED = MODE_CLASSES.index("localised at the interface")


@frozen(eq=False, kw_only=True)
class OccupationComparison(BaseRecord):
    r"""Mode temperatures that were measured, and those of another record at the same places.

    Attributes
    ----------
    measured, expected : (nx, nm); NaN where either record has none
    measured_sigma, expected_sigma : (nx, nm) standard uncertainties; zero for a simulation that states none
    partners : name, or energy, of the mode of the other record that each measured one is compared with
    energy, partner_energy : (nm,) of the measured modes and of their partners
    shift, factor : of the alignment, $T \to T_0 + \mathrm{shift} + \mathrm{factor}\,(T - T_0)$ about the mean $T_0$ of
        what was expected
    alignment_sigma : (2,) standard uncertainties of shift (K) and factor; zero where they were kept
    chi2_by_mode, count_by_mode : (nm,) chi-squared of each mode on its own, and places that it counts
    """

    position: Array = field(metadata=about("m", "position"))
    modes: tuple[str, ...] = field(converter=tuple)
    partners: tuple[str, ...] = field(converter=tuple)
    energy: Array = field(converter=positive, metadata=about("J", "quantum of the measured mode"))
    partner_energy: Array = field(converter=positive, metadata=about("J", "quantum of its partner"))
    measured: Array = field(converter=float_table, metadata=about("K", "measured temperature"))
    measured_sigma: Array = field(converter=float_table, metadata=about("K", "its uncertainty"))
    expected: Array = field(converter=float_table, metadata=about("K", "temperature of the other record, aligned"))
    expected_sigma: Array = field(converter=float_table, metadata=about("K", "its uncertainty"))
    shift: float = field(metadata=about("K", "shift of the alignment"))
    factor: float = field(metadata=about("1", "factor of the alignment"))
    alignment_sigma: Array = field(converter=real_array, metadata=about("K and 1", "of shift and factor"))
    chi2: float = field(metadata=about("1", "chi squared"))
    freedom: int = field(metadata=about("1", "degrees of freedom"))
    chi2_by_mode: Array = field(converter=real_array, metadata=about("1", "chi squared of each mode"))
    count_by_mode: Array = field(converter=real_array, metadata=about("1", "places of each mode"))

    @property
    def pvalue(self) -> float:
        """Probability of a larger chi-squared where both records show the same temperatures."""
        return float(chi2_probability(self.freedom, self.chi2))

    @property
    def residual(self) -> Array:
        """(nx, nm) measured less expected, K."""
        return real_array(self.measured - self.expected)


def compare_occupations(
    measured: Occupation,
    simulated: Occupation,
    *,
    align: Alignment = "none",
    tolerance: float = 5 * meV,
    spread: PointSpread | None = None,
    offset: float = 0.0,
) -> OccupationComparison:
    r"""Lay the mode temperatures of two records together, at the places of the first.

    Each measured mode goes with the mode of the other record that is nearest in energy; temperatures of that one are
    interpolated between its places, seen through the point spread of the measurement, with their covariance.  Then
    $\chi^2 = \delta^TC^{-1}\delta$ of the differences $\delta$, with $C$ from both errors.  A record of classical
    statistics enters by its mode temperatures.

    Parameters
    ----------
    measured : with uncertainties
    simulated : of molecular dynamics, of the Boltzmann equation, or another measurement; its places must reach over
        some of those measured
    align : "offset" fits a shift that all temperatures share, as of another mean temperature; "scale" a shift and a
        factor, as of another flux.  Their degrees of freedom are taken off
    tolerance : largest difference in energy of two modes that are compared, J
    spread : through which the measurement sees its places; materials weigh the same
    offset : position of the measurement that is 0 in the other record, m

    Raises
    ------
    InputError
        without uncertainties, without modes within the tolerance, or without places in common
    """
    from scipy.linalg import block_diag

    check_choice(align, ALIGNMENTS, "align")
    kelvin, sigma = measured.temperature(), measured.temperature_sigma()
    if sigma is None:
        raise InputError(
            "the measured occupations, the first of the records, have no uncertainties, without which there is no "
            "chi-squared: give those of a fit"
        )
    apart = np.abs(measured.energy[:, None] - simulated.energy)
    nearest = apart.argmin(axis=1)
    matched = np.flatnonzero(apart.min(axis=1) <= tolerance)
    if not matched.size:
        held, other = (", ".join(f"{energy / meV:.4g}" for energy in some.energy) for some in (measured, simulated))
        raise InputError(f"modes at {held} meV and at {other} meV: none within {tolerance / meV:g} meV of another")
    places = measured.position - offset
    inside = (places >= simulated.position[0]) & (places <= simulated.position[-1])
    if not inside.any():
        raise InputError(
            f"measured from {places[0] / nm:g} to {places[-1] / nm:g} nm after the offset, the other record from "
            f"{simulated.position[0] / nm:g} to {simulated.position[-1] / nm:g} nm: no places in common"
        )
    weights = _seen_weights(simulated.position, places, spread)
    means, spreads = zip(*(_seen_mode(simulated, int(nearest[j]), weights, inside) for j in matched), strict=True)
    expected = np.stack(means, axis=1)
    value, error = kelvin[:, matched], sigma[:, matched]
    use = np.isfinite(value) & np.isfinite(error) & (error > 0) & np.isfinite(expected)
    if not use.any():
        raise InputError("no place shows a mode in both records")
    # how each temperature goes with the shift, and with the factor about the mean
    factor = np.where(np.isfinite(expected), expected - float(expected[use].mean()), 0.0)
    columns = np.stack([np.ones(expected.shape), factor], axis=-1)[..., : ALIGNMENTS.index(align)]
    blocks = [np.diag(error[u, k] ** 2) + spreads[k][np.ix_(u, u)] for k, u in enumerate(use.T)]
    found, found_covariance, chi2 = _align_records(value - expected, use, columns, np.asarray(block_diag(*blocks)))
    moved = expected + np.where(np.isfinite(expected), np.tensordot(columns, found, axes=(-1, 0)), np.nan)
    freedom = int(use.sum()) - found.size
    if freedom < 1:
        raise InputError(f"{int(use.sum())} temperatures in common leave nothing to test after {found.size} are fitted")
    chi2_by_mode: list[float] = []
    for k, (block, u) in enumerate(zip(blocks, use.T, strict=True)):
        off = (value - moved)[u, k]
        chi2_by_mode.append(float(off @ np.linalg.solve(block, off)) if off.size else np.nan)
    alignment = np.stack([found, np.sqrt(np.diag(found_covariance))])
    (shift, more), alignment_sigma = np.pad(alignment, ((0, 0), (0, 2 - found.size)))
    names = [one.modes or [f"{energy / meV:.4g} meV" for energy in one.energy] for one in (measured, simulated)]
    return OccupationComparison(
        position=measured.position, modes=[names[0][j] for j in matched],
        partners=[names[1][nearest[j]] for j in matched], energy=measured.energy[matched],
        partner_energy=simulated.energy[nearest[matched]], measured=value, measured_sigma=error, expected=moved,
        expected_sigma=np.stack([np.sqrt(np.diag(one)) for one in spreads], axis=1), shift=float(shift),
        factor=1 + float(more), alignment_sigma=alignment_sigma, chi2=chi2, freedom=freedom, chi2_by_mode=chi2_by_mode,
        count_by_mode=use.sum(axis=0),
    )  # fmt: skip


def _seen_weights(position: Array, places: Array, spread: PointSpread | None) -> Array:
    """(n, ns) weights of the places of a record in what is seen at others: interpolation, through a point spread."""
    line = np.stack([np.interp(places, position, one) for one in np.eye(position.size)], axis=1)
    if spread is None or (spread.width == 0 and spread.share == 0) or position.size == 1:
        return line
    return line @ spread_matrix(position, spread)


def _seen_mode(simulated: Occupation, mode: int, weights: Array, inside: BoolArray) -> tuple[Array, Array]:
    """(n,) temperatures of a mode as they are seen at the measured places, K, and their covariance.

    Places where the mode is not known hand their weight to those where it is; where these have less than half of the
    weight there is no temperature.
    """
    kelvin, sigma = simulated.temperature()[:, mode], simulated.temperature_sigma()
    known = np.isfinite(kelvin)
    share = weights[:, known]
    total = share.sum(axis=1)
    here = inside & (total > 0.5)
    share = np.where(here[:, None], share / np.where(here, total, 1.0)[:, None], 0.0)
    variance = np.zeros(int(known.sum())) if sigma is None else np.nan_to_num(sigma[known, mode]) ** 2
    return np.where(here, share @ kelvin[known], np.nan), (share * variance) @ share.T


def _align_records(difference: Array, use: BoolArray, columns: Array, covariance: Array) -> tuple[Array, Array, float]:
    """Alignment by generalised least squares, its covariance, and chi-squared of what is left."""
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    data = root @ difference.T[use.T]
    white = root @ columns.swapaxes(0, 1)[use.T]
    if not white.shape[1]:
        return np.zeros(0), np.zeros((0, 0)), float(data @ data)
    norm = np.linalg.norm(white, axis=0)
    if norm.min() <= _FLAT * norm.max() or np.linalg.cond(white / norm) > _MAX_CONDITION:
        raise InputError("what was simulated is the same at all places in common: no factor can be fitted to it")
    inverse = np.linalg.pinv(white)
    found = inverse @ data
    return found, inverse @ inverse.T, float(np.sum((data - white @ found) ** 2))


@frozen(eq=False, kw_only=True)
class PeakAssignment(BaseRecord):
    """Peaks, and the vibrations of the interface near them.

    Attributes
    ----------
    share : (n, 4) of the density of states on the interface at the peak, by class; NaN where there is none
    localised_energy : (n,) mean energy of the localised vibrations within three standard deviations of the window of
        the peak; NaN without any
    localised_spread : (n,) their standard deviation
    shift : (n,) energy of the peak less theirs
    shift_sigma : (n,) its standard uncertainty: that of the peak, and that stated for the force constants
    """

    energy: Array = field(converter=positive, metadata=about("J", "energy of the peak"))
    sigma: Array = field(converter=positive, metadata=about("J", "its uncertainty"))
    share: Array = field(converter=real_array, metadata=about("1", "of the density on the interface, by class"))
    localised_energy: Array = field(converter=real_array, metadata=about("J", "mean energy of localised vibrations"))
    localised_spread: Array = field(converter=real_array, metadata=about("J", "their standard deviation"))
    shift: Array = field(converter=real_array, metadata=about("J", "peak less localised vibrations"))
    shift_sigma: Array = field(converter=real_array, metadata=about("J", "uncertainty of the shift"))


def fitted_peaks(found: TemperatureMap) -> tuple[Array, Array]:
    """Mean energies (n,) of the modes of a map that was fitted, and their standard uncertainties, J.

    Pixels weigh by their errors, which are widened where they scatter more.  Modes whose energy no pixel shows, as one
    that was held, are left out.

    Raises
    ------
    InputError
        for a map that shows the energy of no mode
    """
    shown = fitted_energies(found)
    if not shown:
        raise InputError("the map shows the energy of no mode: fit with energies that may move, or write them out")
    peaks: list[tuple[float, float]] = []
    for energy, sigma in shown.values():
        weight = sigma**-2
        mean = float(np.average(energy, weights=weight))
        spread = float(weight @ (energy - mean) ** 2) / max(1, energy.size - 1)
        peaks.append((mean, float(np.sqrt(max(1.0, spread) / weight.sum()))))
    values, sigmas = zip(*peaks, strict=True)
    return real_array(values), real_array(sigmas)


def assign_peaks(
    energy: ArrayLike, sigma: ArrayLike, classes: ModeClasses, *, scale_sigma: float = 0.0
) -> PeakAssignment:
    r"""Lay peaks beside the vibrations of a junction, each within what is known of both energies.

    The window of a peak is normal, with the variance $\sigma^2 + (\sigma_sE)^2$: its own uncertainty, and a relative
    one $\sigma_s$ of the computed frequencies, as of the potential.  It is no narrower than a hundredth of the highest
    frequency, since a slab has single vibrations where a crystal has bands.  Frequencies are those of the force
    constants, without a shift by temperature.  A peak without a localised vibration near it is none of an interface
    mode by this junction.

    Parameters
    ----------
    energy, sigma : (n,) of the peaks, with standard uncertainties, J
    classes : vibrations of the junction
    scale_sigma : relative standard uncertainty of the computed frequencies

    Raises
    ------
    InputError
        for energies or uncertainties that are not above zero
    """
    peaks, errors = positive(energy), positive(sigma)
    if peaks.shape != errors.shape or not 0 <= scale_sigma < 1:
        raise InputError(f"{peaks.size} peaks, {errors.size} uncertainties, scale uncertain by {scale_sigma:g}")
    width = np.hypot(errors, scale_sigma * peaks)
    window = np.maximum(width, _LEAST_WINDOW * hbar * float(classes.omega.max()))
    density = np.concatenate(
        [classes.interface_density([one / hbar], w / hbar) for one, w in zip(peaks, window, strict=True)]
    )
    total = density.sum(axis=1)
    held = classes.kind == _LOCALISED
    quanta, weight = hbar * classes.omega[held], (classes.modes * classes.interface)[held]
    mean, spread = np.full(peaks.size, np.nan), np.full(peaks.size, np.nan)
    for i, (one, w) in enumerate(zip(peaks, window, strict=True)):
        near = np.abs(quanta - one) < _REACH * w
        if near.any():
            mean[i] = np.average(quanta[near], weights=weight[near])
            spread[i] = np.sqrt(np.average((quanta[near] - mean[i]) ** 2, weights=weight[near]))
    return PeakAssignment(
        energy=peaks, sigma=errors, share=density / np.where(total > 0, total, np.nan)[:, None], localised_energy=mean,
        localised_spread=spread, shift=peaks - mean, shift_sigma=np.where(np.isfinite(mean), width, np.nan),
    )  # fmt: skip
