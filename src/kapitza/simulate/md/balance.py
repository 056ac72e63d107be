"""What a run gives besides the jump: heat flow three ways with its balance, and the profile with its covariance."""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.profile import Profile
from kapitza.simulate.md.blocks import mean_of
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import HELD

# Systematic difference of two of the three fluxes, relative to their mean, up to which a run is accepted.
TOLERANCE = 0.1
# Error of a layer that did not fluctuate at all, K.
NEGLIGIBLE = 1e-9


@frozen(eq=False)
class Fluxes:
    """Heat flow three ways.

    Attributes
    ----------
    value : (3,) mean flux left to right by the hot bath, by the cold bath and directly through the plane (NaN where it
        was not measured), W m⁻²
    covariance : (3, 3) of their errors, W² m⁻⁴; NaN where the third is
    stored : rise of the total energy, per area and time, W m⁻²
    lost : what the hot bath gave less what the cold bath took less what was stored, W m⁻²: an error of the integrator
        or of the tallies, which no statistics excuse
    mean : of hot and cold, W m⁻²
    imbalance : standard uncertainty of the mean for not knowing where the energy was lost, before the plane or after
        it: a rectangular distribution as wide as `lost`, W m⁻²
    """

    value: Array
    covariance: Array
    stored: float
    lost: float
    mean: float
    imbalance: float

    @property
    def sigma(self) -> Array:
        """(3,) standard uncertainties, W m⁻²."""
        return np.sqrt(np.diag(self.covariance))

    def disagreements(self, tolerance: float = TOLERANCE) -> tuple[str, ...]:
        """Pairs that differ by more than three standard uncertainties and `tolerance` of the mean together."""
        names = ("hot bath", "cold bath", "plane")
        found: list[str] = []
        for i, j in ((0, 1), (0, 2), (1, 2)):
            gap = abs(self.value[i] - self.value[j])
            variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
            allowed = 3 * np.sqrt(max(0.0, float(variance))) + tolerance * abs(self.mean)
            if gap > allowed:
                found.append(
                    f"the flux by the {names[i]} is {self.value[i]:.4g} W/m2, by the {names[j]} {self.value[j]:.4g}: "
                    f"{gap:.3g} apart, allowed {allowed:.3g} (3 sigma and {tolerance:.0%})"
                )
        return tuple(found)


def fluxes(record: Record, flux: Array, start: int) -> Fluxes:
    """Heat flow three ways and the energy balance of a record.

    Parameters
    ----------
    record : block averages
    flux : (blocks, 3) those of the blocks of the error estimate, as `Record.flux`, W m⁻²
    start : first block of the record that is used
    """
    measured = not np.isnan(flux[:, 2]).any()
    known = mean_of(flux if measured else flux[:, :2])
    value, covariance = np.full(3, np.nan), np.full((3, 3), np.nan)
    number = known.value.size
    value[:number], covariance[:number, :number] = known.value, known.covariance
    time = record.block * (len(record.power) - start)
    given = record.heat[-1] - record.heat[start]
    stored = float(record.energy[-1] - record.energy[start])
    scale = record.area * record.ways * time
    mean = float(value[:2].mean())
    lost = (float(given.sum()) - stored) / scale
    return Fluxes(value, covariance, stored / scale, lost, mean, abs(lost) / float(np.sqrt(12)))


def moving_profile(record: Record, temperature: Array) -> Profile:
    """Temperatures of all layers that move from blocks (blocks, layers), with a covariance that can be inverted."""
    moving = (record.roles != HELD) & (record.counts > 0)
    values = temperature[:, moving]
    found = mean_of(values)
    return Profile(
        record.heights[moving],
        found.value,
        covariance=_shrunk(found.covariance, len(values)),
        method=record.method or record.name,
    )


def _shrunk(covariance: Array, blocks: int) -> Array:
    r"""Covariance with its correlations drawn towards zero so that it can be inverted though blocks are few.

    Intensity $\lambda = \sum \mathrm{Var}(r_{ij}) / \sum r_{ij}^2$ over pairs, with $\mathrm{Var}(r) = (1 - r^2)^2 /
    (n - 1)$ (J. Schäfer and K. Strimmer, Stat. Appl. Genet. Mol. Biol. 4, 32 (2005), doi:10.2202/1544-6115.1175).
    """
    sigma = np.sqrt(np.diag(covariance))
    sigma = np.maximum(sigma, NEGLIGIBLE)
    correlation = covariance / np.outer(sigma, sigma)
    pairs = correlation[~np.eye(sigma.size, dtype=bool)]
    power = float(np.sum(pairs**2))
    intensity = float(np.sum((1 - pairs**2) ** 2)) / (blocks - 1) / power if power > 0 else 1.0
    keep = 1 - min(1.0, max(0.01, intensity))
    return np.outer(sigma, sigma) * (keep * correlation + (1 - keep) * np.eye(sigma.size))
