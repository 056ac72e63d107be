"""Whether a run was long enough: the slowest mode of its temperature profile, and drifts along its blocks."""

import math

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.block_averages import block_mean, combine_blocks
from kapitza.simulate.md.analysis.profiles import Branches, atom_densities, solid_lengths
from kapitza.simulate.md.record import Record
from kapitza.units import k_B

MIN_BLOCKS = 5
_USUAL_BLOCKS = 20
# Relaxation times of the slowest mode after which it no longer matters: 5 % of it is left.
_SETTLING_TIMES = 3.0
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
    r"""Relaxation time of the slowest temperature mode of solids in a row (lengths m, diffusivities m² s⁻¹), s.

    $\tau_s = (\sum_i L_i / \sqrt{D_i})^2 / \pi^2$, which is $L^2 / (\pi^2 D)$ for one solid.  The resistance between
    them is left out; the modes that a boundary resistance makes slower are those of `relaxation_modes`.
    """
    length, diffusivity = positive(lengths), positive(diffusivities)
    if length.size != diffusivity.size:
        raise InputError(f"{length.size} lengths for {diffusivity.size} diffusivities")
    return float(np.sum(length / np.sqrt(diffusivity)) ** 2 / np.pi**2)


def estimate_conductivities(record: Record, lines: Branches, start: int) -> Array:
    """(2,) W m⁻¹ K⁻¹ from thermostat power and gradients after block `start`.

    A gradient below two standard uncertainties is taken as large as it can be, so that times come out long, not short.
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
    """Change over n >= 5 blocks of k series by straight lines, (k,), with errors and its probability without drift.

    Errors are those of independent blocks, widened by the correlation of the residuals; the probability is that of the
    largest of the k, by Bonferroni.
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
    r"""Judge a record from block `start` on, `equilibration_time` s after its thermostats began.

    Wanted are $3 \tau_s$ under the same thermostats before that block, five blocks of $\tau_s$ after it, and no drift
    at the level of one in a thousand of the branches, of what they extrapolate to, and of the jump.
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
    """Blocks to combine to one of the error estimate.

    One lasts as long as the slowest mode, and a twentieth of the run where that is longer: what a thermostat gives
    too much in one short block it gives too little in the next.  At least five blocks remain.
    """
    longest = max(1, count // MIN_BLOCKS)
    return min(max(math.ceil(slowest / block - 1e-9), count // _USUAL_BLOCKS, 1), longest)


def _reasons(
    slowest: float, waited: float, sampled: float, drift: Array, sigma: Array, probability: float
) -> tuple[str, ...]:
    reasons: list[str] = []
    if waited < _SETTLING_TIMES * slowest * (1 - 1e-9):
        reasons.append(
            f"the profile had {waited:.3g} s to settle, wanted {_SETTLING_TIMES:g} times its slowest mode of "
            f"{slowest:.3g} s"
        )
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
