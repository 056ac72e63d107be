"""How the time of a scan is best laid out over its pixels."""

from typing import Literal

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.contrast import LEAST, MOST, SideContrast
from kapitza.measure.eels.jump import weighted
from kapitza.measure.eels.map import plain
from kapitza.measure.eels.plan import EelsExperiment, cramer_rao, model_of, side_sigma

Target = Literal["jump", "kapitza_left", "kapitza_right"]

TARGETS: tuple[Target, ...] = ("jump", "kapitza_left", "kapitza_right")


FAINT = 1e-4  # share of the other material below which a column shows one only


@frozen(eq=False)
class Precision:
    """What a scan determines.

    Attributes
    ----------
    jump, gradient_left, gradient_right : standard uncertainties, K and K m⁻¹
    kapitza_left, kapitza_right : of the Kapitza lengths to first order, m; infinite without a gradient
    """

    jump: float
    gradient_left: float
    gradient_right: float
    kapitza_left: float
    kapitza_right: float


def pixel_sigma(experiment: EelsExperiment) -> Array:
    """(2 columns,) least standard uncertainty of T in one pixel of each column, K: that of its side at the plane."""
    left, right = side_sigma(experiment, "left"), side_sigma(experiment, "right")
    return plain(np.where(experiment.position < 0, left, right))


def seen_branches(experiment: EelsExperiment) -> NDArray[np.float64]:
    """(2 columns, 4) what the branches give in the temperatures of the columns, gradients per pitch.

    Where the point spread shows both materials at once, each weighs what it tells of the temperature.
    """
    position = experiment.position
    branches = experiment.spread.branches(position)
    return weighted(branches, position, planned_contrast(experiment)) / [1, 1, experiment.pitch, experiment.pitch]


def planned_contrast(experiment: EelsExperiment) -> SideContrast | None:
    """Weights of both materials in columns that show both, from the strengths of the plan; None where none does.

    As `side_contrast`, with the bound of Cramér and Rao in the place of a fitted covariance.
    """
    share = experiment.spread.branches(experiment.position)[:, :2]
    both = share.min(axis=1) > FAINT
    if not both.any():
        return None
    sides = np.array([[mode.intensity or 0.0 for mode in side] for side in (experiment.left, experiment.right)])
    ratios: list[float] = []
    for mixed in share[both] @ sides:
        modes = tuple(evolve(mode, intensity=float(s)) for mode, s in zip(experiment.left, mixed, strict=True))
        first = model_of(experiment, "left").first_tie
        bound = cramer_rao(evolve(experiment, left=modes, right=modes, jump=0.0), tie="each")[first:, first:]
        shown = np.isfinite(np.diag(bound)) & (mixed > 0)
        weight = np.linalg.inv(bound[np.ix_(shown, shown)]).sum(axis=0)
        left, right = (sides[:, shown] / mixed[shown]) @ weight
        ratios.append(right / left if left > 0 else MOST)
    return SideContrast(experiment.position[both], np.clip(ratios, LEAST, MOST))


def used(experiment: EelsExperiment) -> NDArray[np.bool_]:
    """(2 columns,) columns that are used for the branches."""
    return np.abs(experiment.position) >= experiment.skip


def information(experiment: EelsExperiment, pixel: Array, dwell: Array | None = None) -> NDArray[np.float64]:
    """(4, 4) information of all pixels on the two branches, gradients per pitch; variances go with 1/dwell."""
    share = np.ones(pixel.size) if dwell is None else dwell / experiment.dwell
    columns = seen_branches(experiment)
    weight = experiment.rows * share / pixel**2 * used(experiment)
    return (columns * weight[:, None]).T @ columns


def functionals(experiment: EelsExperiment) -> dict[str, Array]:
    """What each target adds up from the two temperatures at the plane and the gradients per pitch."""
    jump = np.array([1.0, -1, 0, 0])
    found = {"jump": jump}
    gradients = (experiment.gradient_left, experiment.gradient_right)
    for i, (name, gradient) in enumerate(zip(("kapitza_left", "kapitza_right"), gradients, strict=True)):
        if gradient:
            slope = -jump / gradient
            slope[2 + i] = experiment.jump / gradient**2 / experiment.pitch
            found[name] = slope
    return found


def precision(experiment: EelsExperiment, pixel: Array, dwell: Array | None = None) -> Precision:
    """Errors of jump, gradients and Kapitza lengths for a layout of the time.

    Parameters
    ----------
    experiment : the plan
    pixel : (2 columns,) error of T in one pixel at the dwell of the plan, K
    dwell : (2 columns,) time of one pixel of each column, s; that of the plan if None
    """
    covariance = np.linalg.inv(information(experiment, pixel, dwell))
    errors = {name: float(np.sqrt(c @ covariance @ c)) for name, c in functionals(experiment).items()}
    left, right = np.sqrt(np.diag(covariance)[2:]) / experiment.pitch
    lengths = (errors.get(name, np.inf) for name in ("kapitza_left", "kapitza_right"))
    return Precision(errors["jump"], float(left), float(right), *lengths)


def best_dwell(
    experiment: EelsExperiment, target: str, *, pixel: Array | None = None, floor: float = 0.0
) -> NDArray[np.float64]:
    r"""Layout of the same total time with the smallest error of a target ($c$-optimal design).

    After Elfving the best weights are $|u_i|/\sum|u|$ with $\sum_i u_i f_i/\sigma_i = c$ and $\sum |u_i|$ least, a
    linear programme.  For the jump the time goes near the plane and to the far ends; for a Kapitza length far away,
    since the gradient limits it.

    Parameters
    ----------
    experiment : the plan
    target : "jump", "kapitza_left" or "kapitza_right"
    pixel : (2 columns,) error of T in one pixel of each column at the dwell of the plan, K; computed if None
    floor : share of the time spread evenly, 0 to 1

    Returns
    -------
    (2 columns,) time of one pixel of each column, s; its sum is that of the plan

    Raises
    ------
    InputError
        for an unknown target, a Kapitza length without a gradient, or a floor outside 0 to 1

    Sources
    -------
    G. Elfving, Ann. Math. Stat. 23, 255 (1952), doi:10.1214/aoms/1177729442
    """
    from scipy.optimize import linprog

    wanted = functionals(experiment)
    if target not in wanted:
        raise InputError(f"target {target!r}: expected one of {', '.join(wanted)} (a Kapitza length needs a gradient)")
    if not 0 <= floor <= 1:
        raise InputError(f"floor = {floor:g}, wanted 0 to 1")
    sigma = pixel_sigma(experiment) if pixel is None else pixel
    columns = seen_branches(experiment)
    use = used(experiment)
    rows = (columns / sigma[:, None])[use].T
    c = wanted[target] / np.abs(wanted[target]).max()
    solved = linprog(
        np.ones(2 * int(use.sum())), A_eq=np.hstack([rows, -rows]), b_eq=c, bounds=(0, None), method="highs"
    )
    if solved.status:
        raise ConvergenceError(f"no layout determines {target}: {solved.message}", solved.x)
    share = np.zeros(sigma.size)
    share[use] = np.abs(np.subtract(*np.split(solved.x, 2)))
    return ((1 - floor) * share / share.sum() * sigma.size + floor) * experiment.dwell
