"""What measured temperatures leave of what is not known of a device: its boundaries and its hottest point."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about
from kapitza.core.conductance import Conductance, constant_conductance
from kapitza.core.records import BaseRecord
from kapitza.device.layered.temperatures import solve_layered
from kapitza.errors import InputError
from kapitza.measure.device.fit import fitted_device, stated_device
from kapitza.measure.fit_result import Fit


@frozen(kw_only=True)
class UpdatedPeak(BaseRecord):
    """The hottest point of a device before and after temperatures were measured on it.

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import fit_device, patch_temperatures, updated_peak
    >>> chip = gallium_nitride_chip(uncertain={"GaN|SiC.conductance": 1.5e7})
    >>> peak = updated_peak(fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)})))
    >>> print(
    ...     f"{peak.before:.1f} ± {peak.before_sigma:.1f} K before, {peak.after:.1f} ± {peak.after_sigma:.1f} K after"
    ... )
    27.8 ± 1.6 K before, 28.3 ± 0.3 K after
    """

    before: float = field(metadata=about("K", "rise above the sink with the numbers as they were taken to be"))
    before_sigma: float | None = field(metadata=about("K", "its standard uncertainty; None where no number has one"))
    after: float = field(metadata=about("K", "rise above the sink with the numbers of the fit"))
    after_sigma: float = field(metadata=about("K", "its standard uncertainty"))


def updated_peak(fit: Fit) -> UpdatedPeak:
    r"""The hottest point with the numbers of a fit: its error follows from all numbers of the fit and their
    correlations, to first order, $s^T C s$ with the slopes s by the logarithms of the numbers.

    Parameters
    ----------
    fit : as `fit_device` gives it

    Raises
    ------
    InputError
        for a fit of something else, and one in which a free number is only bounded
    """
    stated, device = stated_device(fit), fitted_device(fit)
    if fit.bounds:
        raise InputError(f"{', '.join(fit.bounds)}: only bounded; the hottest point has no uncertainty")
    before = solve_layered(stated)
    after = solve_layered(device)
    slopes = np.array([after.sensitivity.get(one.targets[0].name, 0.0) for one in fit.problem.parameters])
    variance = float(slopes @ fit.solution.covariance @ slopes)
    return UpdatedPeak(
        before=before.peak, before_sigma=before.sigma, after=after.peak, after_sigma=float(np.sqrt(variance))
    )


def fitted_conductance(fit: Fit, boundary: str) -> Conductance:
    """The conductance of a boundary after a fit of a device, with its uncertainty, at all temperatures at which the
    device has it: what a stack or another device takes.

    Parameters
    ----------
    fit : as `fit_device` gives it
    boundary : name, such as "GaN|SiC"

    Raises
    ------
    InputError
        for a fit of something else, a boundary that was neither free nor uncertain, and one that is only bounded

    Examples
    --------
    >>> from kapitza.examples import gallium_nitride_chip
    >>> from kapitza.thermometry import fit_device, fitted_conductance, patch_temperatures
    >>> chip = gallium_nitride_chip()
    >>> found = fit_device(chip, patch_temperatures(chip, {"finger": (325.0, 0.3)}), free=["GaN|SiC.conductance"])
    >>> print(fitted_conductance(found, "GaN|SiC").drop)
    extrapolated
    """
    device = fitted_device(fit)
    i = fit.index(f"{boundary}.conductance")
    share = float(np.sqrt(fit.solution.covariance[i, i]))
    method = fit.conductance(boundary, device.sink).method  # refuses what is only bounded
    held = device.stack.boundaries[device.stack.boundary_names.index(boundary)].conductance
    if not isinstance(held, Conductance):
        return constant_conductance(float(fit.value[i]), share * float(fit.value[i]), method)
    return evolve(held, sigma=share * held.value, method=method)
