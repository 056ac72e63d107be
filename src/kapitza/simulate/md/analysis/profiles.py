"""Temperature profiles of a run by blocks: errors, straight branches on both sides of a plane, heat balance,
steadiness.

One block remembers the last, and blocks are as long as the slowest mode of the profile where the run allows it.
"""

import math
from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, positive, square
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import FIXED_ROLE, FREE_ROLE
from kapitza.units import k_B

# What a thermostat gives too much in one block it gives too little in the next: negative correlations are real, but few
# blocks do not show how large they are.
_MIN_CORRELATION = -0.3


@frozen(eq=False)
class BlockEstimate(BaseRecord):
    """Numbers from one run, with how they go together."""

    value: Array  # (k,) estimates
    covariance: Array = field(converter=square)  # (k, k) of their errors
    freedom: float  # degrees of freedom of the covariance, for Student's t

    @property
    def sigma(self) -> Array:
        """(k,) standard uncertainties."""
        return np.sqrt(np.diag(self.covariance))


def combine_blocks(values: ArrayLike, size: int) -> Array:
    """Average over `size` neighbouring blocks, (blocks // size, ...); a remainder is dropped at the start."""
    array = np.asarray(values, dtype=float)
    count = len(array) // size if size > 0 else 0
    if count < 1:
        raise InputError(f"{len(array)} blocks cannot be combined to blocks of {size}")
    return array[len(array) - count * size :].reshape(count, size, *array.shape[1:]).mean(axis=1)


def block_correlation(series: ArrayLike) -> Array:
    r"""(k,) correlation $\rho = \sum_i r_i r_{i+1} / \sum_i r_i^2$ of neighbouring blocks of k series (n, k), -0.3 to
    0.9; raised by $(1 + 3 \rho) / n$, which the mean of the same n blocks takes from it.
    """
    array = np.asarray(series, dtype=float)
    rest = array - array.mean(axis=0)
    power = (rest**2).sum(axis=0)
    raw = np.divide((rest[1:] * rest[:-1]).sum(axis=0), power, out=np.zeros_like(power), where=power > 0)
    return np.clip(raw + (1 + 3 * raw) / len(array), _MIN_CORRELATION, 0.9)


def block_mean(series: ArrayLike) -> BlockEstimate:
    r"""Mean of k series of n >= 3 blocks (n, k) that are first-order autoregressions, with $\rho$ of
    `block_correlation`: $\sigma^2 = \frac{s^2}{n} \frac{1 + \rho}{1 - \rho}$, and the effective number of blocks less
    one degrees of freedom.
    """
    array = np.asarray(series, dtype=float)
    if array.ndim != 2 or len(array) < 3:
        raise InputError(f"blocks of shape {array.shape}: an error needs three blocks or more")
    rho = block_correlation(array)
    widening = np.sqrt((1 + rho) / (1 - rho))  # 1 + 2 Σ ρ^k of a first-order autoregression
    spread = np.atleast_2d(np.cov(array, rowvar=False)) / len(array)
    freedom = max(1.0, len(array) / max(1.0, float(widening.max())) ** 2 - 1)
    return BlockEstimate(array.mean(axis=0), spread * np.outer(widening, widening), freedom)


def jackknife_blocks(series: ArrayLike, statistic: Callable[[Array], Array]) -> BlockEstimate:
    r"""Function θ of the means of n blocks, (..., k) to (..., p), less its bias, with its error: `block_mean` of the
    pseudo-values $n \theta - (n - 1) \theta_{(i)}$ without one block each.
    """
    array = np.asarray(series, dtype=float)
    count = len(array)
    if count < 3:
        raise InputError(f"{count} blocks: an error needs three or more")
    mean = array.mean(axis=0)
    without = (count * mean - array) / (count - 1)
    return block_mean(count * statistic(mean) - (count - 1) * statistic(without))


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
    """All reasonable choices of layers left out, the usual one first: four, or a quarter of fewer than 16 free ones on
    a side; the others from half to twice as many, where a third of the free layers, and four of them, are left.
    """
    shortest = min(side.size for side in _free_layers(record))
    usual = min(_USUAL_EXCLUSION, shortest // 4)
    steps = sorted({usual // 2, usual, usual + usual // 2, 2 * usual})
    pairs = [(i, b) for i in steps for b in steps if shortest - i - b >= max(_MIN_BRANCH_LAYERS, shortest / 3)]
    first = (usual, usual) if (usual, usual) in pairs else (0, 0)
    return [fit_branches(record, i, b) for i, b in [first, *(pair for pair in pairs if pair != first)]]


def atom_densities(record: Record) -> Array:
    """(2,) atoms per volume on the left and on the right, m⁻³."""
    spacings = [(side, np.ptp(record.heights[side]) / (side.size - 1)) for side in _free_layers(record)]
    return np.array([record.counts[side].mean() / (record.area * spacing) for side, spacing in spacings])


def solid_lengths(record: Record) -> Array:
    """(2,) lengths of the solids left and right of the plane, thermostats and held layers included, m; where the box
    repeats, half of it belongs to each interface, and is divided as its free layers are.
    """
    spacing = np.ptp(record.heights) / (record.heights.size - 1)
    ends = np.array([record.heights[0] - spacing / 2, record.heights[-1] + spacing / 2])
    if record.interface_count == 1:
        return np.abs(ends - record.plane)
    free = np.array([side.size for side in _free_layers(record)])
    return np.ptp(ends) / record.interface_count * free / free.sum()


FLUX_TOLERANCE = 0.1  # systematic difference of two of the three fluxes over their mean, up to which a run is accepted
_MIN_LAYER_SIGMA = 1e-9  # K, error of a layer that did not fluctuate at all


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
    covariance = _shrink_correlations(found.covariance, len(values))
    return Profile(record.heights[moving], found.value, covariance=covariance, method=record.method or record.name)


def _shrink_correlations(covariance: Array, blocks: int) -> Array:
    r"""Covariance with its correlations drawn towards zero, so that it can be inverted though blocks are few.

    Intensity $\lambda = \sum \mathrm{Var}(r_{ij}) / \sum r_{ij}^2$ over pairs, with $\mathrm{Var}(r) = (1 - r^2)^2 /
    (n - 1)$ (J. Schäfer and K. Strimmer, Stat. Appl. Genet. Mol. Biol. 4, 32 (2005), doi:10.2202/1544-6115.1175).
    """
    sigma = np.maximum(np.sqrt(np.diag(covariance)), _MIN_LAYER_SIGMA)
    correlation = covariance / np.outer(sigma, sigma)
    pairs = correlation[~np.eye(sigma.size, dtype=bool)]
    power = float(np.sum(pairs**2))
    intensity = float(np.sum((1 - pairs**2) ** 2)) / (blocks - 1) / power if power > 0 else 1.0
    keep = 1 - min(1.0, max(0.01, intensity))  # positive definite however few the blocks
    return np.outer(sigma, sigma) * (keep * correlation + (1 - keep) * np.eye(sigma.size))


MIN_BLOCKS = 5
_USUAL_BLOCKS = 20
_SETTLING_TIMES = 3.0  # relaxation times of the slowest mode after which 5 % of it is left
_MIN_DRIFT_PROBABILITY = 1e-3


@frozen(eq=False, kw_only=True)
class Steadiness(BaseRecord):
    """What a run says about its own length."""

    conductivity: Array = field(converter=positive, metadata=about("W m^-1 K^-1", "conductivity or its bound"))  # (2,)
    slowest_mode: float = field(metadata=about("s", "relaxation time of the slowest mode"))
    equilibration_time: float = field(metadata=about("s", "time under these thermostats before the first block"))
    sampling_time: float = field(metadata=about("s", "sampling time"))  # time over which the blocks used run
    blocks: int = field(metadata=about("1", "blocks of the error estimate, where possible as long as the mode"))
    drift: Array = field(metadata=about("K", "drift of branches, temperatures at the plane, and jump"))  # (5,)
    drift_sigma: Array = field(metadata=about("K", "uncertainty of the drift"))  # (5,) standard uncertainties
    probability: float = field(metadata=about("1", "probability of such a drift in a steady run"))
    reasons: tuple[str, ...]  # why the run is not steady; empty if it is

    @property
    def steady(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def slowest_mode(lengths: Array, diffusivities: Array) -> float:
    r"""Relaxation time $(\sum_i L_i / \sqrt{D_i})^2 / \pi^2$ of the slowest temperature mode of solids in a row
    (lengths m, diffusivities m² s⁻¹), s, without the resistance between them (`relaxation_modes` has it).
    """
    length, diffusivity = positive(lengths), positive(diffusivities)
    if length.size != diffusivity.size:
        raise InputError(f"{length.size} lengths for {diffusivity.size} diffusivities")
    return float(np.sum(length / np.sqrt(diffusivity)) ** 2 / np.pi**2)


def estimate_conductivities(record: Record, lines: Branches, start: int) -> Array:
    """(2,) W m⁻¹ K⁻¹ from thermostat power and gradients after block `start`; a gradient below two standard
    uncertainties is taken as large as it can be, so that times come out long, not short.
    """
    series = record.temperature[start:] @ lines.weights[2:].T
    flux = float(record.flux[start:, :2].mean())
    if not flux > 0:
        raise InputError(
            f"{record.name}: the thermostats moved {flux:.3g} W/m² from left to right, wanted more than 0: the hot "
            "thermostat has to be on the left, and the run long enough for its heat to stand out of the noise"
        )
    found = block_mean(series)
    slope, sigma = -found.value, found.sigma
    return flux / np.where(slope > 2 * sigma, slope, np.maximum(slope, 0.0) + 2 * sigma)


def slowest_relaxation(record: Record, conductivity: Array) -> float:
    r"""Slowest mode of a record with the classical capacity $c = 3 n k_B$ and these conductivities (2,), s."""
    return slowest_mode(solid_lengths(record), conductivity / (3 * atom_densities(record) * k_B))


def fit_drifts(values: Array) -> tuple[Array, Array, float]:
    """Change over n >= 5 blocks of k series by straight lines, (k,), with errors of independent blocks, widened by the
    correlation of the residuals; and the probability of the largest of the k without drift, by Bonferroni.
    """
    from scipy.special import stdtr

    count = len(values)
    if count < MIN_BLOCKS:
        raise InputError(f"{count} blocks: a drift needs {MIN_BLOCKS}")
    time = (np.arange(count) - (count - 1) / 2) / (count - 1)  # span 1: the slope is the change from start to end
    slope = time @ values / (time @ time)
    rest = values - values.mean(axis=0) - np.outer(time, slope)
    power = (rest**2).sum(axis=0)
    rho = np.clip(np.divide((rest[1:] * rest[:-1]).sum(axis=0), power, out=0 * power, where=power > 0), 0.0, 0.8)
    widening = (1 + rho) / (1 - rho)
    sigma = np.sqrt(power / (count - 2) / (time @ time) * widening)
    freedom = np.maximum(1.0, count / widening - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = 2 * stdtr(freedom, -np.abs(slope) / sigma)
    tails = np.where(sigma > 0, tail, np.where(slope == 0, 1.0, 0.0))
    return slope, sigma, min(1.0, tails.size * float(tails.min()))


def blocks_to_drop(record: Record, slowest: float, equilibration_time: float) -> int:
    """Blocks at the start that belong to the three slowest times a profile needs, less the time spent before."""
    return max(0, math.ceil((_SETTLING_TIMES * slowest - equilibration_time) / record.block - 1e-9))


def judge_steadiness(record: Record, lines: Branches, *, start: int, equilibration_time: float = 0.0) -> Steadiness:
    r"""Judge a record from block `start` on, `equilibration_time` s after its thermostats began: steady after $3
    \tau_s$ under the same thermostats before that block and five blocks of $\tau_s$ after it, without a drift at the
    level of one in a thousand of the branches, of their values at the plane, and of the jump.
    """
    count = len(record.power) - start
    if count < MIN_BLOCKS:
        raise InputError(
            f"{record.name}: {count} of {len(record.power)} blocks of {record.block:.3g} s are left after {start} for "
            f"the profile to settle, {MIN_BLOCKS} are needed: run longer"
        )
    conductivity = estimate_conductivities(record, lines, start)
    slowest = slowest_relaxation(record, conductivity)
    size = block_size(record.block, slowest, count)
    blocks = combine_blocks(record.temperature[start:], size)
    left, right = blocks @ lines.weights[0], blocks @ lines.weights[1]
    sides = [np.average(blocks, axis=1, weights=np.abs(lines.weights[side]) > 0) for side in (0, 1)]
    drift, sigma, probability = fit_drifts(np.column_stack([*sides, left, right, left - right]))
    waited, sampled = equilibration_time + start * record.block, len(blocks) * size * record.block
    reasons = _reasons(slowest, waited, sampled, drift, sigma, probability)
    return Steadiness(
        conductivity=conductivity, slowest_mode=slowest, equilibration_time=waited, sampling_time=sampled,
        blocks=len(blocks), drift=drift, drift_sigma=sigma, probability=probability, reasons=reasons
    )  # fmt: skip


def block_size(block: float, slowest: float, count: int) -> int:
    """Blocks to combine to one of the error estimate: as long as the slowest mode, and a twentieth of the run where
    that is longer, as a thermostat makes up in one short block for the last; at least five blocks remain.
    """
    return min(max(math.ceil(slowest / block - 1e-9), count // _USUAL_BLOCKS, 1), max(1, count // MIN_BLOCKS))


def _reasons(
    slowest: float, waited: float, sampled: float, drift: Array, sigma: Array, probability: float
) -> tuple[str, ...]:
    reasons: list[str] = []
    if waited < _SETTLING_TIMES * slowest * (1 - 1e-9):
        wanted = f"{_SETTLING_TIMES:g} times its slowest mode of {slowest:.3g} s"
        reasons.append(f"the profile had {waited:.3g} s to settle, wanted {wanted}")
    if sampled < MIN_BLOCKS * slowest * (1 - 1e-9):
        reasons.append(f"{sampled:.3g} s were sampled, wanted {MIN_BLOCKS} blocks of the slowest mode {slowest:.3g} s")
    if probability < _MIN_DRIFT_PROBABILITY:
        worst = int(np.argmax(np.abs(drift) / np.maximum(sigma, np.finfo(float).tiny)))
        name = ("left branch", "right branch", "left side of the plane", "right side of the plane", "jump")[worst]
        reasons.append(
            f"the {name} drifts by {drift[worst]:.3g} +- {sigma[worst]:.2g} K over the time sampled "
            f"(probability {probability:.1g} in a steady run)"
        )
    return tuple(reasons)
