"""What a scan will measure, and how well: dose, resolution, pixels and time before the microscope is switched on."""

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, positive
from kapitza.errors import InputError
from kapitza.measure.eels.layout import TARGETS, Precision, best_dwell, pixel_sigma, precision
from kapitza.measure.eels.plan import EelsExperiment, cramer_rao, model_of, resolution_trade


@frozen(eq=False)
class EelsDesign:
    """A plan with what it gives and what would be better.

    Attributes
    ----------
    experiment : the plan
    names : parameters of one spectrum
    sigma_left, sigma_right : (p,) least standard uncertainties of one pixel on each side, SI; infinite where not seen
    modes : temperature of each mode on its own, least standard uncertainties in one pixel (left, right), K
    precision : of the plan, every pixel alike
    widths : (n,) resolutions that were compared, J
    fixed : (n,) uncertainty of T in one pixel of the left side at the same dose, K
    slit : (n,) the same where the current goes with the width, as with a slit, K
    best_width : resolution of the smallest error with a slit, J
    dwell : by target, (2 columns,) time of one pixel of each column of the best layout of the same total time, s
    best : by target, what that layout gives
    wanted : by target, wanted standard uncertainty
    needed : by target, time the plan would take for it, and time of the best layout, s
    """

    experiment: EelsExperiment
    names: tuple[str, ...]
    sigma_left: Array
    sigma_right: Array
    modes: Mapping[str, tuple[float, float]]
    precision: Precision
    widths: Array
    fixed: Array
    slit: Array
    best_width: float
    dwell: Mapping[str, Array]
    best: Mapping[str, Precision]
    wanted: Mapping[str, float]
    needed: Mapping[str, tuple[float, float]]

    def sigma(self, name: str) -> tuple[float, float]:
        """Least standard uncertainty of a parameter in one pixel of the left and the right side, SI."""
        if name not in self.names:
            raise InputError(f"no parameter {name!r}: expected one of {', '.join(self.names)}")
        i = self.names.index(name)
        return float(self.sigma_left[i]), float(self.sigma_right[i])


def design_eels(
    experiment: EelsExperiment,
    *,
    widths: ArrayLike | None = None,
    wanted: Mapping[str, float] | None = None,
    floor: float = 0.2,
) -> EelsDesign:
    """Plan a scan: bounds of all parameters, resolution against current, best layout of the time, total time.

    Parameters
    ----------
    experiment : the plan
    widths : (n,) resolutions to compare, J; from 0.4 to 4 times that of the plan if None
    wanted : standard uncertainties by target: "jump" (K), "kapitza_left", "kapitza_right" (m)
    floor : share of the time that is spread evenly over all columns whatever the optimum says, so that branches can be
        seen to be straight

    Returns
    -------
    EelsDesign

    Raises
    ------
    InputError
        for unknown targets or wanted errors that are not above zero
    """
    wanted = dict(wanted or {})
    for name, value in wanted.items():
        if name not in TARGETS or not value > 0:
            raise InputError(f"wanted {name} = {value:g}: expected errors above 0 of {', '.join(TARGETS)}")
    bounds = [cramer_rao(experiment, side) for side in ("left", "right")]
    each = [np.sqrt(np.diag(cramer_rao(experiment, side, tie="each"))) for side in ("left", "right")]
    model = model_of(experiment, "left")
    names = [mode.name for mode in experiment.left]
    compared = experiment.fwhm * np.geomspace(0.4, 4, 25) if widths is None else positive(widths)
    fixed, slit = resolution_trade(experiment, compared)
    pixel = pixel_sigma(experiment)
    plan = precision(experiment, pixel)
    useful = [name for name in TARGETS if np.isfinite(getattr(plan, name))]
    layouts = {name: best_dwell(experiment, name, pixel=pixel, floor=floor) for name in useful}
    best = {name: precision(experiment, pixel, dwell) for name, dwell in layouts.items()}
    needed = {
        name: (
            experiment.time * (getattr(plan, name) / value) ** 2,
            experiment.time * (getattr(best[name], name) / value) ** 2 if name in best else np.inf,
        )
        for name, value in wanted.items()
    }
    return EelsDesign(
        experiment,
        model.names,
        np.sqrt(np.diag(bounds[0])),
        np.sqrt(np.diag(bounds[1])),
        {
            name: (float(each[0][model.first_tie + j]), float(each[1][model.first_tie + j]))
            for j, name in enumerate(names)
        },
        plan,
        compared,
        fixed,
        slit,
        float(compared[np.argmin(slit)]),
        layouts,
        best,
        wanted,
        needed,
    )
