"""Design of a scan before the microscope is switched on: dose, resolution, pixels, and the dwell time of each."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.experiment import EelsExperiment, cramer_rao, planned_model, resolution_tradeoff, side_sigma
from kapitza.measure.eels.jump import contrast_weighted_means
from kapitza.measure.eels.point_spread import MAX_CONTRAST, MIN_CONTRAST, SideContrast

_DesignTarget = Literal["jump", "kapitza_left", "kapitza_right"]

DESIGN_TARGETS: tuple[_DesignTarget, ...] = ("jump", "kapitza_left", "kapitza_right")


_MIN_MATERIAL_SHARE = 1e-4  # share of the other material below which a column shows one only


@frozen(eq=False)
class ScanPrecision(BaseRecord):
    """Standard uncertainties that a scan reaches."""

    jump: float = field(metadata=about("K", "uncertainty of the jump"))
    gradient_left: float = field(metadata=about("K m^-1", "uncertainty of the left gradient"))  # K m⁻¹
    gradient_right: float = field(metadata=about("K m^-1", "uncertainty of the right gradient"))  # K m⁻¹
    kapitza_left: float  # m, to first order; infinite without a gradient
    kapitza_right: float = field(metadata=about("m", "uncertainty of the right Kapitza length"))


def pixel_sigma(experiment: EelsExperiment) -> Array:
    """(2 columns,) least standard uncertainty of T in one pixel of each column, K: that of its side at the plane."""
    return np.where(experiment.position < 0, side_sigma(experiment, "left"), side_sigma(experiment, "right"))


def _seen_branches(experiment: EelsExperiment) -> Array:
    """(2 columns, 4) what the branches give in the temperatures of the columns, gradients per pitch.

    Where the point spread shows both materials at once, each weighs what it tells of the temperature.
    """
    position, pitch = experiment.position, experiment.pitch
    branches = experiment.spread.branches(position)
    return contrast_weighted_means(branches, position, planned_contrast(experiment)) / [1, 1, pitch, pitch]


def planned_contrast(experiment: EelsExperiment) -> SideContrast | None:
    """Weights of both materials in columns that show both, from the strengths of the plan; None where none does.

    As `side_contrast`, with the bound of Cramér and Rao in the place of a fitted covariance.
    """
    share = experiment.spread.branches(experiment.position)[:, :2]
    both = share.min(axis=1) > _MIN_MATERIAL_SHARE
    if not both.any():
        return None
    sides = experiment.strengths
    first = planned_model(experiment, "left").first_tie
    ratios: list[float] = []
    for mixed in share[both] @ sides:
        modes = tuple(evolve(mode, intensity=float(s)) for mode, s in zip(experiment.left, mixed, strict=True))
        bound = cramer_rao(evolve(experiment, left=modes, right=modes, jump=0.0), tie="each")[first:, first:]
        shown = np.isfinite(np.diag(bound)) & (mixed > 0)
        weight = np.linalg.inv(bound[np.ix_(shown, shown)]).sum(axis=0)
        left, right = (sides[:, shown] / mixed[shown]) @ weight
        ratios.append(right / left if left > 0 else MAX_CONTRAST)
    return SideContrast(experiment.position[both], np.clip(ratios, MIN_CONTRAST, MAX_CONTRAST))


def _target_functionals(experiment: EelsExperiment) -> dict[str, Array]:
    """What each target adds up from the two temperatures at the plane and the gradients per pitch."""
    jump = np.array([1.0, -1, 0, 0])
    functionals = {"jump": jump}
    for i, gradient in ((2, experiment.gradient_left), (3, experiment.gradient_right)):
        if gradient:
            slope = -jump / gradient
            slope[i] = experiment.jump / gradient**2 / experiment.pitch
            functionals[DESIGN_TARGETS[i - 1]] = slope
    return functionals


def scan_precision(experiment: EelsExperiment, pixel: Array, dwell: Array | None = None) -> ScanPrecision:
    """Errors of jump, gradients and Kapitza lengths for a layout of the time.

    `pixel` (2 columns,) is the error of T in one pixel at the dwell time of the plan, K; `dwell` (2 columns,) the time
    of one pixel of each column, s, that of the plan if None.
    """
    share = np.ones(pixel.size) if dwell is None else dwell / experiment.dwell
    columns = _seen_branches(experiment)
    weight = experiment.rows * share / pixel**2 * (np.abs(experiment.position) >= experiment.skip)
    covariance = np.linalg.inv((columns * weight[:, None]).T @ columns)
    errors = {name: float(np.sqrt(c @ covariance @ c)) for name, c in _target_functionals(experiment).items()}
    left, right = np.sqrt(np.diag(covariance)[2:]) / experiment.pitch
    lengths = (errors.get(name, np.inf) for name in DESIGN_TARGETS[1:])
    return ScanPrecision(errors["jump"], float(left), float(right), *lengths)


def optimal_dwell(experiment: EelsExperiment, target: str, *, pixel: Array | None = None, floor: float = 0.0) -> Array:
    r"""(2 columns,) time of one pixel of each column, s, with the least error of a target at the same total time.

    After Elfving the best weights of a $c$-optimal design are $|u_i|/\sum|u|$ with $\sum_i u_i f_i/\sigma_i = c$ and
    $\sum |u_i|$ least, a linear programme.  For the jump the time goes near the plane and to the far ends; for a
    Kapitza length far away, since the gradient limits it.  `pixel` is the error of T in one pixel of each column at
    the dwell time of the plan, K; a share `floor` of the time is spread evenly.

    G. Elfving, Ann. Math. Stat. 23, 255 (1952), doi:10.1214/aoms/1177729442
    """
    from scipy.optimize import linprog

    wanted = _target_functionals(experiment)
    if target not in wanted:
        raise InputError(f"target {target!r}: expected one of {', '.join(wanted)} (a Kapitza length needs a gradient)")
    if not 0 <= floor <= 1:
        raise InputError(f"floor = {floor:g}, wanted 0 to 1")
    sigma = pixel_sigma(experiment) if pixel is None else pixel
    columns = _seen_branches(experiment)
    use = np.abs(experiment.position) >= experiment.skip
    rows = (columns / sigma[:, None])[use].T
    c = wanted[target] / np.abs(wanted[target]).max()
    both = np.hstack([rows, -rows])
    solved = linprog(np.ones(both.shape[1]), A_eq=both, b_eq=c, bounds=(0, None), method="highs")
    if solved.status:
        raise ConvergenceError(f"no layout determines {target}: {solved.message}", solved.x)
    share = np.zeros(sigma.size)
    share[use] = np.abs(np.subtract(*np.split(solved.x, 2)))
    return ((1 - floor) * share / share.sum() * sigma.size + floor) * experiment.dwell


@frozen(eq=False, kw_only=True)
class EelsDesign(BaseRecord):
    """A plan with what it gives and what would be better.

    Attributes
    ----------
    names : parameters of one spectrum
    sigma_left, sigma_right : (p,) least standard uncertainties of one pixel on each side, SI; infinite where not seen
    modes : temperature of each mode on its own, least standard uncertainties in one pixel (left, right), K
    precision : of the plan, every pixel alike
    sigma_at_fixed_dose : (n,) uncertainty of T in one pixel of the left side at the same dose, K
    sigma_with_slit : (n,) the same where the current goes with the width, as with a slit, K
    dwell : by target, (2 columns,) time of one pixel of each column of the best layout of the same total time, s
    best_precision : by target, what that layout gives
    required_time : by target, time the plan would take for it, and time of the best layout, s

    Examples
    --------
    >>> from kapitza.eels import design_eels
    >>> from kapitza.examples import scan_plan
    >>> from kapitza.units import meV
    >>> found = design_eels(scan_plan(columns=20))
    >>> print(f"{found.sigma('temperature')[0]:.2f} K a pixel, best resolution {found.best_width / meV:.0f} meV")
    0.75 K a pixel, best resolution 13 meV
    """

    experiment: EelsExperiment
    names: tuple[str, ...]
    sigma_left: Array = field(metadata=about("SI, by name", "uncertainty of a pixel, left"))
    sigma_right: Array = field(metadata=about("SI, by name", "uncertainty of a pixel, right"))
    modes: Mapping[str, tuple[float, float]] = field(metadata=about("K", "uncertainty of the temperature of each mode"))
    precision: ScanPrecision
    widths: Array = field(metadata=about("J", "resolution"))
    sigma_at_fixed_dose: Array = field(metadata=about("K", "uncertainty at fixed dose"))
    sigma_with_slit: Array = field(metadata=about("K", "uncertainty with a slit"))
    best_width: float = field(metadata=about("J", "best resolution with a slit"))
    dwell: Mapping[str, Array] = field(metadata=about("s", "dwell time of each column"))
    best_precision: Mapping[str, ScanPrecision]
    targets: Mapping[str, float] = field(metadata=about("K and m, by target", "target uncertainty"))
    required_time: Mapping[str, tuple[float, float]] = field(metadata=about("s", "time required, even and best layout"))

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
    targets: Mapping[str, float] | None = None,
    floor: float = 0.2,
) -> EelsDesign:
    """Plan a scan: bounds of all parameters, resolution against current, best layout of the time, total time.

    Parameters
    ----------
    experiment : the plan
    widths : (n,) resolutions to compare, J; from 0.4 to 4 times that of the plan if None
    targets : standard uncertainties by target: "jump" (K), "kapitza_left", "kapitza_right" (m)
    floor : share of the time that is spread evenly over all columns whatever the optimum says, so that branches can be
        seen to be straight

    Raises
    ------
    InputError
        for unknown targets or wanted errors that are not above zero
    """
    wanted = dict(targets or {})
    for name, value in wanted.items():
        if name not in DESIGN_TARGETS or not value > 0:
            raise InputError(f"wanted {name} = {value:g}: expected errors above 0 of {', '.join(DESIGN_TARGETS)}")
    sigma = [np.sqrt(np.diag(cramer_rao(experiment, side))) for side in ("left", "right")]
    each = [np.sqrt(np.diag(cramer_rao(experiment, side, tie="each"))) for side in ("left", "right")]
    model = planned_model(experiment, "left")
    compared = experiment.fwhm * np.geomspace(0.4, 4, 25) if widths is None else positive(widths)
    fixed, slit = resolution_tradeoff(experiment, compared)
    ties = slice(model.first_tie, model.first_tie + len(experiment.left))
    alone = zip(*(part[ties].tolist() for part in each), strict=True)
    pixel = pixel_sigma(experiment)
    plan = scan_precision(experiment, pixel)
    useful = [name for name in DESIGN_TARGETS if np.isfinite(getattr(plan, name))]
    layouts = {name: optimal_dwell(experiment, name, pixel=pixel, floor=floor) for name in useful}
    best = {name: scan_precision(experiment, pixel, dwell) for name, dwell in layouts.items()}
    needed: dict[str, tuple[float, float]] = {}
    for name, value in wanted.items():
        errors = getattr(plan, name), getattr(best[name], name) if name in best else np.inf
        needed[name] = experiment.time * (errors[0] / value) ** 2, experiment.time * (errors[1] / value) ** 2
    return EelsDesign(
        experiment=experiment, names=model.names, sigma_left=sigma[0], sigma_right=sigma[1],
        modes=dict(zip((mode.name for mode in experiment.left), alone, strict=True)), precision=plan, widths=compared,
        sigma_at_fixed_dose=fixed, sigma_with_slit=slit, best_width=float(compared[np.argmin(slit)]), dwell=layouts,
        best_precision=best, targets=wanted, required_time=needed,
    )  # fmt: skip
