"""Straight branches of a temperature profile on both sides of a plane, and the balance of the heat flow."""

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.block_averages import block_mean
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import FIXED_ROLE, FREE_ROLE

# Layers beside the plane and beside a thermostat that are off the line in solids near half of their Debye temperature.
_USUAL_EXCLUSION = 4
_MIN_BRANCH_LAYERS = 4


@frozen(eq=False)
class Branches(BaseRecord):
    """Lines through the free layers on both sides, as weights of the temperatures of all layers."""

    interface: int  # free layers left out on either side of the plane
    thermostat: int  # free layers left out beside each thermostat
    weights: Array = field()  # (4, layers) of left and right temperature at the plane, left and right gradient (m⁻¹)


def _free_layers(record: Record) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Layers between the plane and the first thermostat on the left and on the right, ascending, at least four each."""
    free = record.roles == FREE_ROLE
    first = int(np.searchsorted(record.heights, record.plane))
    low, high = first, first
    while low > 0 and free[low - 1]:
        low -= 1
    while high < free.size and free[high]:
        high += 1
    left, right = np.arange(low, first), np.arange(first, high)
    for name, side in (("left", left), ("right", right)):
        if side.size < _MIN_BRANCH_LAYERS:
            raise InputError(
                f"{record.name}: {side.size} free layers {name} of the plane at {record.plane:g} m, a line with an "
                f"error needs {_MIN_BRANCH_LAYERS}: make the system longer or the thermostats shorter"
            )
    return left, right


def fit_branches(record: Record, interface: int, thermostat: int) -> Branches:
    """Least-squares lines through at least four layers of either side, each layer weighted by its atoms."""
    left, right = _free_layers(record)
    weights = np.zeros((4, record.heights.size))
    for row, side in enumerate((left[thermostat : left.size - interface], right[interface : right.size - thermostat])):
        if side.size < _MIN_BRANCH_LAYERS:
            raise InputError(
                f"{record.name}: {side.size} layers are left on a side when {interface} beside the plane and "
                f"{thermostat} beside the thermostat are left out, a line with an error needs {_MIN_BRANCH_LAYERS}"
            )
        x, root = record.heights[side] - record.plane, np.sqrt(record.counts[side])  # variance of kinetic T as 1/n
        scale = np.abs(x).max()
        inverse = np.linalg.pinv(np.column_stack([root, root * x / scale])) * root
        weights[row, side], weights[2 + row, side] = inverse[0], inverse[1] / scale
    return Branches(interface, thermostat, weights)


def scan_branches(record: Record) -> list[Branches]:
    """All reasonable choices of layers left out, the usual one first.

    The usual choice leaves out four layers, or a quarter of the free ones where there are fewer than 16 on a side; the
    others leave out from half to twice as many, as long as a third of the free layers, and four of them, are left.
    """
    shortest = min(side.size for side in _free_layers(record))
    usual = min(_USUAL_EXCLUSION, shortest // 4)
    steps = sorted({usual // 2, usual, usual + usual // 2, 2 * usual})
    pairs = [(i, b) for i in steps for b in steps if shortest - i - b >= max(_MIN_BRANCH_LAYERS, shortest / 3)]
    first = (usual, usual) if (usual, usual) in pairs else (0, 0)
    return [fit_branches(record, i, b) for i, b in [first, *(pair for pair in pairs if pair != first)]]


def atom_densities(record: Record) -> Array:
    """(2,) atoms per volume on the left and on the right, m⁻³."""
    densities: list[float] = []
    for side in _free_layers(record):
        spacing = np.ptp(record.heights[side]) / (side.size - 1)
        densities.append(float(record.counts[side].mean() / (record.area * spacing)))
    return np.array(densities)


def solid_lengths(record: Record) -> Array:
    """(2,) lengths of the solids left and right of the plane, thermostats and held layers included, m.

    Where the box repeats (`interface_count` = 2), half of each solid belongs to each interface: half of the box
    is divided as its free layers are.
    """
    spacing = np.ptp(record.heights) / (record.heights.size - 1)
    ends = np.array([record.heights[0] - spacing / 2, record.heights[-1] + spacing / 2])
    if record.interface_count == 1:
        return np.abs(ends - record.plane)
    free = np.array([side.size for side in _free_layers(record)])
    return np.ptp(ends) / record.interface_count * free / free.sum()


# Systematic difference of two of the three fluxes, relative to their mean, up to which a run is accepted.
FLUX_TOLERANCE = 0.1
# Error of a layer that did not fluctuate at all, K.
_MIN_LAYER_SIGMA = 1e-9


@frozen(eq=False)
class HeatBalance(BaseRecord):
    """Heat flow three ways."""

    value: Array = field(metadata=about("W m^-2", "heat flux by thermostats and plane (NaN: not measured)"))  # (3,)
    covariance: Array = field(metadata=about("W^2 m^-4", "covariance of the heat fluxes"))  # (3, 3)
    stored: float = field(metadata=about("W m^-2", "rise of the total energy, per area and time"))
    lost: float = field(metadata=about("W m^-2", "unaccounted: hot less cold less stored"))
    mean: float = field(metadata=about("W m^-2", "mean flux of both thermostats"))
    imbalance: float = field(metadata=about("W m^-2", "of the mean: rectangular, as wide as the unaccounted"))

    @property
    def sigma(self) -> Array:
        """(3,) standard uncertainties, W m⁻²."""
        return np.sqrt(np.diag(self.covariance))

    def disagreements(self, tolerance: float = FLUX_TOLERANCE) -> tuple[str, ...]:
        """Pairs that differ by more than three standard uncertainties and `tolerance` of the mean together."""
        names = ("hot thermostat", "cold thermostat", "plane")
        pairs: list[str] = []
        for i, j in ((0, 1), (0, 2), (1, 2)):
            gap = abs(self.value[i] - self.value[j])
            variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
            allowed = 3 * np.sqrt(max(0.0, float(variance))) + tolerance * abs(self.mean)
            if gap > allowed:
                pairs.append(
                    f"the flux by the {names[i]} is {self.value[i]:.4g} W/m2, by the {names[j]} {self.value[j]:.4g}: "
                    f"{gap:.3g} apart, allowed {allowed:.3g} (3 sigma and {tolerance:.0%})"
                )
        return tuple(pairs)


def balance_heat(record: Record, flux: Array, start: int) -> HeatBalance:
    """Heat flow three ways from `flux` (blocks, 3) W m⁻², and the energy balance of a record from block `start` on."""
    measured = not np.isnan(flux[:, 2]).any()
    known = block_mean(flux if measured else flux[:, :2])
    value, covariance = np.full(3, np.nan), np.full((3, 3), np.nan)
    number = known.value.size
    value[:number], covariance[:number, :number] = known.value, known.covariance
    time = record.block * (len(record.power) - start)
    given = record.heat[-1] - record.heat[start]
    stored = float(record.energy[-1] - record.energy[start])
    scale = record.area * record.interface_count * time
    mean = float(value[:2].mean())
    lost = (float(given.sum()) - stored) / scale
    return HeatBalance(value, covariance, stored / scale, lost, mean, abs(lost) / float(np.sqrt(12)))


def layer_profile(record: Record, temperature: Array) -> Profile:
    """Temperatures of all layers that move from blocks (blocks, layers), with a covariance that can be inverted."""
    moving = (record.roles != FIXED_ROLE) & (record.counts > 0)
    values = temperature[:, moving]
    found = block_mean(values)
    return Profile(
        record.heights[moving],
        found.value,
        covariance=_shrink_correlations(found.covariance, len(values)),
        method=record.method or record.name,
    )


def _shrink_correlations(covariance: Array, blocks: int) -> Array:
    r"""Covariance with its correlations drawn towards zero so that it can be inverted though blocks are few.

    Intensity $\lambda = \sum \mathrm{Var}(r_{ij}) / \sum r_{ij}^2$ over pairs, with $\mathrm{Var}(r) = (1 - r^2)^2 /
    (n - 1)$ (J. Schäfer and K. Strimmer, Stat. Appl. Genet. Mol. Biol. 4, 32 (2005), doi:10.2202/1544-6115.1175).
    """
    sigma = np.sqrt(np.diag(covariance))
    sigma = np.maximum(sigma, _MIN_LAYER_SIGMA)
    correlation = covariance / np.outer(sigma, sigma)
    pairs = correlation[~np.eye(sigma.size, dtype=bool)]
    power = float(np.sum(pairs**2))
    intensity = float(np.sum((1 - pairs**2) ** 2)) / (blocks - 1) / power if power > 0 else 1.0
    keep = 1 - min(1.0, max(0.01, intensity))  # positive definite however few the blocks
    return np.outer(sigma, sigma) * (keep * correlation + (1 - keep) * np.eye(sigma.size))
