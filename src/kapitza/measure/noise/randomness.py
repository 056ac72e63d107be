"""Whether the residuals of a curve are random: Durbin-Watson, runs of signs, and the largest line of the spectrum."""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord

LEAST_POINTS = 8  # of a curve, below which the tests say nothing


@frozen(kw_only=True)
class ResidualTests(BaseRecord):
    """Tests of the residuals of one curve; probabilities are those of chance, where noise is random.

    Attributes
    ----------
    lag_one : correlation of neighbouring residuals
    durbin_watson : mean square of the differences of neighbours over the mean square: near 2 where they are random

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.measure.noise import examine_residuals
    >>> found = examine_residuals(np.random.default_rng(1).standard_normal(60), np.ones((60, 1)))
    >>> print(found.runs_chance > 0.05, found.durbin_watson_chance > 0.05)
    True True
    """

    lag_one: float = field(metadata=about("1", "correlation of neighbouring residuals"))
    durbin_watson: float = field(metadata=about("1", "Durbin-Watson statistic"))
    durbin_watson_chance: float = field(metadata=about("1", "probability of so low a Durbin-Watson statistic"))
    runs: int = field(metadata=about("1", "runs of residuals of one sign"))
    runs_chance: float = field(metadata=about("1", "probability of so few runs"))
    period: float = field(metadata=about("1", "points in a period of the largest line of the spectrum"))
    period_chance: float = field(metadata=about("1", "probability of so large a line"))

    @property
    def chance(self) -> float:
        """Probability that random noise makes one of the three as unlikely as the least likely (Bonferroni)."""
        return min(1.0, 3 * min(self.durbin_watson_chance, self.runs_chance, self.period_chance))


def examine_residuals(residual: Array, jacobian: NDArray[Any]) -> ResidualTests | None:
    r"""Test residuals (n,) in the order of the curve for what random noise does not do; None for less than 8 points.

    Durbin-Watson with mean and variance of the statistic for these very derivatives (J. Durbin and G. S. Watson,
    Biometrika 37, 409 (1950), doi:10.1093/biomet/37.3-4.409), taken as normal; the number of runs of one sign (A. Wald
    and J. Wolfowitz, Ann. Math. Stat. 11, 147 (1940), doi:10.1214/aoms/1177731909); and the share of the largest line
    in the periodogram (R. A. Fisher, Proc. R. Soc. Lond. A 125, 54 (1929), doi:10.1098/rspa.1929.0151).

    Parameters
    ----------
    residual : (n,) in units of their uncertainty
    jacobian : (n, p) derivatives of the residuals by what was fitted

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.measure.noise import examine_residuals
    >>> wave = np.sin(np.linspace(0, 6, 60))
    >>> found = examine_residuals(wave, np.ones((60, 1)))
    >>> print(f"Durbin-Watson {found.durbin_watson:.3f}")
    Durbin-Watson 0.009
    """
    square = float(residual @ residual)
    if residual.size < LEAST_POINTS or not square > 0:
        return None
    statistic = float(np.sum(np.diff(residual) ** 2)) / square
    runs, runs_chance = _count_runs(residual)
    period, period_chance = _largest_line(residual)
    return ResidualTests(
        lag_one=float(residual[1:] @ residual[:-1]) / square,
        durbin_watson=statistic,
        durbin_watson_chance=_durbin_watson_chance(statistic, jacobian),
        runs=runs,
        runs_chance=runs_chance,
        period=period,
        period_chance=period_chance,
    )


def _durbin_watson_chance(statistic: float, jacobian: NDArray[Any]) -> float:
    """Probability of a lower statistic, by the traces of MA and (MA)², M the projector on the residuals."""
    from scipy.special import ndtr

    n = len(jacobian)
    left, size, _ = np.linalg.svd(jacobian, full_matrices=False)
    basis = left[:, size > 1e-12 * size.max(initial=0.0)]

    def second_difference(columns: NDArray[Any]) -> NDArray[Any]:
        steps = np.diff(columns, axis=0)
        return np.vstack([-steps[:1], steps[:-1] - steps[1:], steps[-1:]])

    moved = second_difference(basis)
    inner = basis.T @ moved
    freedom = n - basis.shape[1]
    first = 2 * (n - 1) - float(np.trace(inner))
    # tr(A²) = 6n - 10 for the matrix of first differences
    second = (6 * n - 10) - 2 * float(np.sum(moved**2)) + float(np.sum(inner**2))
    mean = first / freedom
    variance = 2 * (second - freedom * mean**2) / (freedom * (freedom + 2))
    return float(ndtr((statistic - mean) / np.sqrt(max(variance, 1e-300))))


def _count_runs(residual: Array) -> tuple[int, float]:
    """Number of runs of one sign, and the probability of so few."""
    from scipy.special import ndtr

    above = residual > 0
    n, up = residual.size, int(np.count_nonzero(above))
    down = n - up
    runs = 1 + int(np.count_nonzero(above[1:] != above[:-1]))
    mean = 1 + 2 * up * down / n
    variance = (mean - 1) * (mean - 2) / (n - 1)
    if variance <= 0:  # all of one sign, or all but one
        return runs, 2.0 ** (1 - n)
    return runs, float(ndtr((runs + 0.5 - mean) / np.sqrt(variance)))


def _largest_line(residual: Array) -> tuple[float, float]:
    """Period in points of the largest line of the periodogram, and the probability of so large a share of it."""
    power = np.abs(np.fft.rfft(residual - residual.mean())) ** 2
    power = power[1 : (residual.size - 1) // 2 + 1]
    at = int(np.argmax(power))
    share = float(power[at] / power.sum()) if power.sum() > 0 else 0.0
    return residual.size / (at + 1), min(1.0, power.size * (1 - share) ** (power.size - 1))
