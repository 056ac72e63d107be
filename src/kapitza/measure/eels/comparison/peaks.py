"""Peaks of a spectrum at an interface beside the vibrations that a junction has there, by their class."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, positive, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import TemperatureMap
from kapitza.theory.agf.mode_classes import MODE_CLASSES, ModeClasses
from kapitza.units import hbar

_LEAST_WINDOW = 0.01  # of the highest frequency
_REACH = 3.0  # standard deviations of its window from a peak within which localised vibrations are taken as its own
_LOCALISED = MODE_CLASSES.index("localised at the interface")


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
    values: list[float] = []
    sigmas: list[float] = []
    for name in (f"{mode}.energy" for mode in found.modes):
        if name not in found.names:
            continue
        sigma = found.parameter_sigma(name)
        use = found.is_determined(name) & (sigma > 0)
        if not use.any():
            continue
        energy, weight = found.parameter(name)[use], 1 / sigma[use] ** 2
        mean = float(np.average(energy, weights=weight))
        spread = float(weight @ (energy - mean) ** 2) / max(1, energy.size - 1)
        values.append(mean)
        sigmas.append(float(np.sqrt(max(1.0, spread) / weight.sum())))
    if not values:
        raise InputError("the map shows the energy of no mode: fit with energies that may move, or write them out")
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
        energy=peaks,
        sigma=errors,
        share=density / np.where(total > 0, total, np.nan)[:, None],
        localised_energy=mean,
        localised_spread=spread,
        shift=peaks - mean,
        shift_sigma=np.where(np.isfinite(mean), width, np.nan),
    )
