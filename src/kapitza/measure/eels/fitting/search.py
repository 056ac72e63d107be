"""What the search for the most likely parameters is given, what it returns, and the constants it goes by.

Records are named tuples of arrays, which compiled functions take as they are.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAX_REDUCED_ENERGY = 700.0  # E/k_B T beyond which a Boltzmann factor is taken as that there
_MIN_RATIO_MARGIN = 1e-6  # by which a ratio of gain to loss stays below 1

MIN_VARIANCE = 1e-3  # electrons: least variance of a channel, so that a stray electron has a finite weight
MAX_CHANGE_FACTOR = 3.0  # factor by which widths and energies may change in one step
CHI2_SLACK = 1e-3  # by which chi-squared may rise in a step; statistically nothing
INITIAL_DAMPING = 1e-3  # the first, on a matrix of unit diagonal
MIN_DAMPING = 1e-7  # below this there is none
MAX_CURVATURE_DAMPING = 0.5  # a curvature update that needs more damping than this is discarded
MAX_DAMPING = 1e8  # above this no step is left
MIN_PIVOT = 1e-13  # of a matrix of unit diagonal: below this it is singular
FAR_STEP = 150.0  # standard uncertainties: while a step is longer, energies and widths of modes are held,
LOCAL_STEP = 5.0  # if the other parameters still move by more than this; only shorter steps update the curvature
MAX_CURVATURE_RATIO = 1e3  # times the expected information: a larger curvature comes from a kink
MIN_EXPECTED_ELECTRONS = 5.0  # expected electrons to which channels are grouped for the goodness of fit


class SearchCoordinates(NamedTuple):
    """Coordinates $u$ in which the search moves, in place of the parameters (p,).

    A temperature becomes the ratio of gain to loss at an energy E, $e^{-E/k_BT}$, an occupation $n/(n + 1)$, and an
    intensity the loss that belongs to it, $S/(1 - u)$.
    """

    energy: NDArray[Any]  # of a temperature, the energy E of its ratio; 0 for an occupation, below 0 for others
    owner: NDArray[np.int64]  # of an intensity, the place of its temperature or occupation; below 0 for others

    @property
    def ratios(self) -> NDArray[np.int64]:
        """Places of temperatures and occupations."""
        return np.flatnonzero(self.energy >= 0)

    @property
    def losses(self) -> NDArray[np.int64]:
        """Places of intensities that are replaced by their loss."""
        return np.flatnonzero(self.owner >= 0)


def to_coordinates(chart: SearchCoordinates, x: NDArray[Any]) -> NDArray[Any]:
    """(..., p) coordinates of parameters."""
    u = np.array(x, dtype=float)
    for a in chart.ratios:
        energy = chart.energy[a]
        tie = np.minimum(x[..., a], 1 / _MIN_RATIO_MARGIN if energy == 0 else np.inf)
        ratio = np.exp(-np.minimum(energy / tie, _MAX_REDUCED_ENERGY)) if energy > 0 else tie / (tie + 1)
        u[..., a] = np.minimum(ratio, 1 - _MIN_RATIO_MARGIN)  # the loss S/(1 - u) stays finite
    for a in chart.losses:
        u[..., a] = x[..., a] / (1 - u[..., chart.owner[a]])
    return u


class ParameterConstraints(NamedTuple):
    """What is known of the parameters (p,) beforehand, in channels."""

    free: NDArray[np.bool_]
    low: NDArray[Any]  # limits of the coordinates
    high: NDArray[Any]
    limited_change: NDArray[np.bool_]  # which may change by no more than a factor in one step
    held_when_far: NDArray[np.bool_]  # which are held while the others are still far off
    prior: NDArray[Any]  # expected value
    weight: NDArray[Any]  # inverse variance of the prior; 0 where nothing is known
    chart: SearchCoordinates  # coordinates of the search


class SearchResult(NamedTuple):
    """Result for k spectra."""

    value: NDArray[Any]  # (k, p)
    covariance: NDArray[Any]  # (k, p, p); 0 where fixed or at a limit, infinite where undetermined
    fixed_or_bound: NDArray[np.bool_]  # (k, p) fixed, at a limit, or not determined
    converged: NDArray[np.bool_]
    iterations: NDArray[np.int64]  # (k,) evaluations
    chi2_moments: NDArray[Any]  # (k, 4) chi-squared; its expected mean, variance and third central moment
    deviance: NDArray[Any]
