r"""Coordinates in which a spectrum bends least, for the search.

A spectrum is linear in the loss $L = S(n + 1)$ and the gain $G = Sn$ of a mode.  Intensity S and temperature T describe
them badly where a mode vanishes: as noise brings the gain near the loss, T grows without end while S goes to zero.  The
search therefore moves along the loss and the ratio of gain to loss, $\rho = n/(n + 1)$, which ends at 1, so that
$S = L(1 - \rho)$.  With a temperature, $\rho = e^{-E/k_BT}$ is taken at one energy E for all modes that share it.
"""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

COLDEST = 700.0  # E/k_B T beyond which a ratio is taken as that there
SPARE = 1e-6  # by which a ratio of gain to loss stays below 1


@frozen(eq=False)
class Chart:
    """Which parameters (p,) are bent, and how.

    Attributes
    ----------
    energy : of a temperature, the energy E at which its ratio is taken, in its unit; 0 for an occupation; below 0 for
        all other parameters
    owner : of an intensity, the place of the temperature or occupation that it is bent by; below 0 for all others
    """

    energy: NDArray[Any]
    owner: NDArray[np.int64]

    @property
    def ratios(self) -> NDArray[np.int64]:
        """Places of temperatures and occupations."""
        return np.flatnonzero(self.energy >= 0)

    @property
    def losses(self) -> NDArray[np.int64]:
        """Places of bent intensities."""
        return np.flatnonzero(self.owner >= 0)


def bent(chart: Chart, x: NDArray[Any]) -> NDArray[Any]:
    """(..., p) coordinates of parameters."""
    u = np.array(x, dtype=float)
    for a in chart.ratios:
        energy = chart.energy[a]
        tie = np.minimum(x[..., a], 1 / SPARE if energy == 0 else np.inf)
        ratio = np.exp(-np.minimum(energy / tie, COLDEST)) if energy > 0 else tie / (tie + 1)
        u[..., a] = np.minimum(ratio, 1 - SPARE)
    for a in chart.losses:
        u[..., a] = x[..., a] / (1 - u[..., chart.owner[a]])
    return u


def straight(chart: Chart, u: NDArray[Any]) -> NDArray[Any]:
    """(..., p) parameters of coordinates."""
    x = np.array(u, dtype=float)
    for a in chart.ratios:
        ratio = u[..., a]
        x[..., a] = -chart.energy[a] / np.log(ratio) if chart.energy[a] > 0 else ratio / (1 - ratio)
    for a in chart.losses:
        x[..., a] = u[..., a] * (1 - u[..., chart.owner[a]])
    return x


def slopes(chart: Chart, u: NDArray[Any]) -> NDArray[Any]:
    """(k, p, p) derivatives of parameters (first) by coordinates (second)."""
    k, p = u.shape
    found = np.zeros((k, p, p))
    found[:, np.arange(p), np.arange(p)] = 1.0
    x = straight(chart, u)
    for a in chart.ratios:
        ratio, energy = u[:, a], chart.energy[a]
        found[:, a, a] = x[:, a] ** 2 / (energy * ratio) if energy > 0 else 1 / (1 - ratio) ** 2
    for a in chart.losses:
        found[:, a, a] = 1 - u[:, chart.owner[a]]
        found[:, a, chart.owner[a]] = -u[:, a]
    return found
