"""From the blocks of a run between two thermostats to a conductance with its total error, and a verdict."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, numbers, same_length
from kapitza.core.conductance import Conductance, Drop, check_comparable
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.core.student import student_quantile, student_widening
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.analysis import profiles
from kapitza.simulate.md.analysis.profiles import FLUX_TOLERANCE, MIN_BLOCKS, Branches, HeatBalance, Steadiness
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import COLD_ROLE, HOT_ROLE

_CONFIDENCE = 0.95  # of the interval that errors of conductances are made of
_LOWEST_SHARE = 0.25  # of a resistance: the lowest one that such an interval counts with


@frozen(eq=False)
class WindowScan(BaseRecord):
    """The same run with other layers left out."""

    interface: Array = field(metadata=about("1", "free layers left out at the plane, usual first"))  # (n,)
    thermostat: Array = field(metadata=about("1", "free layers left out at a thermostat"))  # (n,)
    resistance: Array = field(metadata=about("m^2 K W^-1", "resistance"))  # (n,)
    sigma: Array = field(metadata=about("m^2 K W^-1", "uncertainty of the resistance"))
    spread: float = field(metadata=about("m^2 K W^-1", "rms spread of the resistance beyond statistics"))


@frozen(eq=False, kw_only=True)
class NemdResult(BaseRecord):
    r"""Temperature jump and flux of one run, or of several replicas.

    Attributes
    ----------
    name, method : of the record
    profile : layer temperatures that moved, with their covariance (shrunk towards its diagonal)
    covariance : (2, 2), statistical
    resistance : jump / flux, m² K W⁻¹; the mean of those of the replicas
    statistical, window, imbalance : standard uncertainties of the resistance: of the blocks; of the choice of layers;
        of the energy lost between hot and cold thermostat, m² K W⁻¹
    between_thermostats : (2,) (T_hot - T_cold) / flux with the mean temperatures of the layers of the thermostats,
        which includes the solids between them, and its statistical uncertainty, m² K W⁻¹
    conductivity : (2,) of left and right from the gradients of the branches, W m⁻¹ K⁻¹; NaN where a gradient is not
        two standard uncertainties from zero
    fluxes, windows, steady : what was checked; of the first replica
    reasons : why the result is not reliable; empty where nothing speaks against it

    Examples
    --------
    >>> from kapitza.examples import argon_run
    >>> run = argon_run()
    >>> found = run.result()
    >>> print("accepted:", found.accepted)  # far too short
    accepted: False
    """

    name: str
    method: str
    profile: Profile
    plane: float = field(metadata=about("m", "height of the plane"))
    temperature: float = field(metadata=about("K", "temperature at the plane"))
    flux: float = field(metadata=about("W m^-2", "heat flux"))
    jump: float = field(metadata=about("K", "temperature jump"))
    covariance: Array = field(metadata=about("of (flux, jump)", "covariance of flux and jump"))
    resistance: float = field(metadata=about("m^2 K W^-1", "resistance"))
    statistical: float = field(metadata=about("m^2 K W^-1", "statistical uncertainty"))
    window: float = field(metadata=about("m^2 K W^-1", "uncertainty of the layers left out"))
    imbalance: float = field(metadata=about("m^2 K W^-1", "uncertainty of the energy balance"))
    freedom: float = field(metadata=about("1", "degrees of freedom"))
    between_thermostats: Array = field(metadata=about("m^2 K W^-1", "resistance between thermostats"))
    conductivity: Array = field(metadata=about("W m^-1 K^-1", "conductivity of the sides"))
    conductivity_sigma: Array = field(metadata=about("W m^-1 K^-1", "uncertainty of the conductivity"))
    fluxes: HeatBalance
    windows: WindowScan
    steady: Steadiness
    reasons: tuple[str, ...] = field(converter=tuple)
    replicas: int = field(default=1, metadata=about("1", "number of runs"))

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against the result."""
        return not self.reasons

    @property
    def sigma(self) -> float:
        """Total uncertainty of the resistance, m² K W⁻¹: 1.96 of it are the interval of 95 %, so that the statistical
        part of few blocks is wider than its standard uncertainty, by Student's t.
        """
        widened = student_widening(self.freedom) * self.statistical
        return float(np.sqrt(widened**2 + self.window**2 + self.imbalance**2))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Range of the resistance with this probability, m² K W⁻¹: Student's t for the statistical part."""
        half = np.hypot(
            student_quantile(level, self.freedom) * self.statistical,
            student_quantile(level, np.inf) * np.hypot(self.window, self.imbalance),
        )
        return self.resistance - float(half), self.resistance + float(half)

    def conductance(self) -> Conductance:
        """1 / resistance between the extrapolated temperatures; classical.

        Raises
        ------
        InputError
            if the resistance is not above zero
        """
        method = f"{self.method or 'NEMD'}, jump of the extrapolated branches"
        return invert_resistance(self.name, self.temperature, self.resistance, self.sigma, "extrapolated", method)

    def conductance_between_thermostats(self) -> Conductance:
        """Flux over the difference of the mean temperatures of the thermostats; classical.

        Its drop is that of the reservoirs ("emitted"), and the solids between thermostat and plane are part of it: it
        is the conductance of the whole device, equal to that of the interface between emitted phonons only where the
        solids are short against all free paths.
        """
        value, sigma = self.between_thermostats
        relative = np.hypot(student_widening(self.freedom) * sigma / value, self.imbalance / self.resistance)
        method = f"{self.method or 'NEMD'}, between thermostats, with the solids between"
        return invert_resistance(self.name, self.temperature, float(value), float(value * relative), "emitted", method)


def analyse_nemd(
    record: Record,
    *,
    skip: float | None = None,
    equilibration_time: float = 0.0,
    tolerance: float = FLUX_TOLERANCE,
    strict: bool = False,
) -> NemdResult:
    r"""Jump, flux and resistance of a run between two thermostats, with a total error and a verdict.

    Straight lines through the free layers of both sides are extrapolated to the Gibbs plane; the layers left out are
    scanned (`scan_branches`).  $R = \Delta T / J$ with $J$ the mean of what the hot thermostat gives and the cold one
    takes; errors by the jackknife over blocks no shorter than the slowest mode of the profile, in which flux and jump
    stay together.  Inverting only at the end leaves no bias of first order in the noise of the jump.

    `skip` is the share of the blocks left out at the start (None: what three times the slowest mode demands, up to
    half), `equilibration_time` the time under the same thermostats before the record (s), `tolerance` the relative
    difference of two fluxes that is accepted; `strict` raises ConvergenceError instead of giving reasons.
    """
    choices = profiles.scan_branches(record)
    start = _start(record, choices[0], skip, equilibration_time)
    steady = profiles.judge_steadiness(record, choices[0], start=start, equilibration_time=equilibration_time)
    size = profiles.block_size(record.block, steady.slowest_mode, len(record.power) - start)
    result = _result(record, choices, steady, start, size, tolerance)
    if strict and result.reasons:
        raise ConvergenceError(f"{record.name}: {'; '.join(result.reasons)}", last=result)
    return result


def combine_replicas(replicas: Sequence[NemdResult]) -> NemdResult:
    r"""One result from several runs of one system that differ in the seed: means of resistances, not conductances, with
    the time sampled as weight, as errors of short runs are too uncertain to weigh with.  Where the replicas scatter
    more than their errors say, the error is widened by $\sqrt{\chi^2 / (n - 1)}$; systematic parts are averaged.
    """
    if not replicas:
        raise InputError(f"{len(replicas)} replicas: at least one is needed")
    first = replicas[0]
    sizes = {replica.profile.position.size for replica in replicas}
    if len(sizes) > 1:
        raise InputError(f"{first.name}: replicas with {sorted(sizes)} layers: they are not the same system")
    share = np.array([replica.steady.sampling_time for replica in replicas])
    share = share / share.sum()
    resistance = np.array([replica.resistance for replica in replicas])
    errors = np.array([replica.statistical for replica in replicas])
    mean = float(share @ resistance)
    chi2 = float(np.sum(((resistance - mean) / errors) ** 2))
    wider = max(1.0, chi2 / (len(replicas) - 1)) if len(replicas) > 1 else 1.0
    own = (share * errors) ** 2
    freedom = float(own.sum() ** 2 / np.sum(own**2 / [replica.freedom for replica in replicas]))  # Welch-Satterthwaite
    reasons = tuple(f"replica {i + 1}: {reason}" for i, one in enumerate(replicas) for reason in one.reasons)
    square = share**2
    reservoirs = np.array([replica.between_thermostats for replica in replicas])
    means = {
        name: float(share @ [getattr(replica, name) for replica in replicas])
        for name in ("temperature", "flux", "jump", "window", "imbalance")
    }
    profile = Profile(
        first.profile.position,
        share @ np.array([replica.profile.temperature for replica in replicas]),
        covariance=np.einsum("r,rij", square, np.array([replica.profile.covariance for replica in replicas])),
        method=first.profile.method,
    )
    return evolve(
        first, profile=profile, **means,
        covariance=np.einsum("r,rij", square, np.array([replica.covariance for replica in replicas])),
        resistance=mean, statistical=float(np.sqrt(own.sum() * wider)), freedom=freedom,
        between_thermostats=np.array([share @ reservoirs[:, 0], np.sqrt(square @ reservoirs[:, 1] ** 2)]),
        conductivity=share @ np.array([replica.conductivity for replica in replicas]),
        conductivity_sigma=np.sqrt(square @ np.array([replica.conductivity_sigma for replica in replicas]) ** 2),
        reasons=reasons, replicas=sum(replica.replicas for replica in replicas),
    )  # fmt: skip


def invert_resistance(
    name: str, temperature: float, resistance: float, sigma: float, drop: Drop, method: str
) -> Conductance:
    """Classical conductance of a resistance above zero, m² K W⁻¹, with the mean of the uncertainties upwards and
    downwards at the ends of the 95 % interval: 1 / R is skew.
    """
    if not resistance > 0:
        found = f"resistance {resistance:.3g} +- {sigma:.2g} m2K/W"
        raise InputError(f"{name}: {found} has no conductance: run longer, or take longer systems")
    value, reach = 1 / resistance, student_quantile(_CONFIDENCE, np.inf)
    lowest, highest = max(resistance - reach * sigma, _LOWEST_SHARE * resistance), resistance + reach * sigma
    error = (1 / lowest - 1 / highest) / (2 * reach)
    return Conductance([temperature], [value], [error], drop, statistics="classical", method=method)


def _start(record: Record, lines: Branches, skip: float | None, equilibration_time: float) -> int:
    count = len(record.power)
    if skip is not None:
        if not 0 <= skip < 1:
            raise InputError(f"skip = {skip:g}, wanted a share of the blocks from 0 to below 1")
        return int(skip * count)
    if count < MIN_BLOCKS:
        return 0
    most = min(count // 2, count - MIN_BLOCKS)  # of a run too short the verdict speaks, not an empty record

    def needed_blocks(first: int) -> int:
        slowest = profiles.slowest_relaxation(record, profiles.estimate_conductivities(record, lines, first))
        return min(profiles.blocks_to_drop(record, slowest, equilibration_time), most)

    start = needed_blocks(most)
    return max(start, needed_blocks(start))  # the estimate from all blocks that are kept may ask for a few more


def _result(
    record: Record, choices: list[Branches], steady: Steadiness, start: int, size: int, tolerance: float
) -> NemdResult:
    temperature = profiles.combine_blocks(record.temperature[start:], size)
    flux = profiles.combine_blocks(record.flux[start:], size)
    usual = choices[0].weights
    reservoirs = [np.average(temperature[:, record.roles == r], axis=1, weights=record.counts[record.roles == r])
             for r in (HOT_ROLE, COLD_ROLE)]  # fmt: skip
    lines = temperature @ usual.T
    through = flux[:, :2].mean(axis=1)  # hot and cold: heat stored evenly cancels
    series = np.column_stack([through, lines[:, 0] - lines[:, 1], reservoirs[0] - reservoirs[1]])
    ratios = profiles.jackknife_blocks(series, _over_flux)
    plain = profiles.block_mean(series[:, :2])
    conductivity, conductivity_sigma = _conductivities(np.column_stack([-lines[:, 2:], through]))
    jumps = temperature @ np.array([choice.weights[0] - choice.weights[1] for choice in choices]).T
    # All choices see the same blocks: the noise that they share cancels in the differences.
    differences = profiles.jackknife_blocks(np.column_stack([through, jumps, jumps[:, 1:] - jumps[:, :1]]), _over_flux)
    number = len(choices)
    values, sigma = differences.value[:number], differences.sigma[:number]
    gaps, noise = differences.value[number:], differences.sigma[number:]
    spread = float(np.sqrt(max(0.0, float(np.mean(gaps**2 - noise**2))))) if number > 1 else 0.0
    interface, thermostat = (
        np.array([getattr(choice, name) for choice in choices], float) for name in ("interface", "thermostat")
    )
    windows = WindowScan(interface, thermostat, values, sigma, spread)
    balance = profiles.balance_heat(record, flux, start)
    resistance, statistical = float(ratios.value[0]), float(ratios.sigma[0])
    reasons = [*balance.disagreements(tolerance), *steady.reasons]
    if resistance < 2 * statistical:
        reasons.append(f"the jump is not resolved: R = {resistance:.3g} +- {statistical:.2g} m2K/W")
    return NemdResult(
        name=record.name, method=record.method, profile=profiles.layer_profile(record, temperature), plane=record.plane,
        temperature=float(lines[:, :2].mean()), flux=float(plain.value[0]), jump=float(plain.value[1]),
        covariance=plain.covariance, resistance=resistance, statistical=statistical, window=windows.spread,
        imbalance=abs(resistance) * balance.imbalance / abs(balance.mean), freedom=ratios.freedom,
        between_thermostats=np.array([ratios.value[1], ratios.sigma[1]]), conductivity=conductivity,
        conductivity_sigma=conductivity_sigma, fluxes=balance, windows=windows, steady=steady, reasons=reasons,
    )  # fmt: skip


def _conductivities(series: Array) -> tuple[Array, Array]:
    """(2,) conductivities and errors from (slope left, slope right, flux) by blocks, to first order."""
    found = profiles.block_mean(series)
    slope, flux = found.value[:2], found.value[2]
    resolved = slope > 2 * found.sigma[:2]  # the inverse of a slope near zero has no moments
    value = np.divide(flux, slope, out=np.full(2, np.nan), where=resolved)
    influence = series[:, 2:] / flux - np.divide(series[:, :2], slope, out=np.zeros_like(series[:, :2]), where=resolved)
    return value, np.abs(value) * profiles.block_mean(influence).sigma


def _over_flux(mean: Array) -> Array:
    return mean[..., 1:] / mean[..., :1]


_RECTIFICATION_SIGNIFICANCE = 2.0  # standard uncertainties that a rectification must have to be called one


@frozen(eq=False)
class Rectification(BaseRecord):
    r"""Rectification $\eta = (G_+ - G_-)/G_-$ of an interface."""

    temperature: Array = field(converter=numbers, metadata=about("K", "mean temperature"))
    value: Array = field(converter=numbers, validator=same_length("temperature"), metadata=about("1", "rectification"))
    sigma: Array = field(
        converter=numbers, validator=same_length("temperature"), metadata=about("1", "uncertainty of the rectification")
    )

    @property
    def significance(self) -> Array:
        """(nT,) standard uncertainties by which it differs from none."""
        return np.abs(self.value) / self.sigma

    def __str__(self) -> str:
        return "\n".join(
            f"{t:g} K: rectification {100 * v:+.1f} ± {100 * s:.1f} %, "
            + ("significant" if n >= _RECTIFICATION_SIGNIFICANCE else "not significant")
            + f" ({n:.1f} standard uncertainties)"
            for t, v, s, n in zip(self.temperature, self.value, self.sigma, self.significance, strict=True)
        )


def rectification(forward: Conductance, reverse: Conductance) -> Rectification:
    r"""Rectification of independent runs in opposite directions at the same mean temperatures, with propagated error.

    $\sigma_\eta^2 = (\sigma_+/G_-)^2 + (G_+\sigma_-/G_-^2)^2$.
    """
    check_comparable(forward, reverse)
    if not np.array_equal(forward.temperature, reverse.temperature):
        raise InputError(f"forward at {forward.temperature} K, reverse at {reverse.temperature} K: take the same")
    if forward.sigma is None or reverse.sigma is None:
        raise InputError(
            f"{(forward if forward.sigma is None else reverse).method!r} has no uncertainty: a rectification of some "
            "per cent is then no statement"
        )
    if not (np.isfinite(reverse.value) & (reverse.value > 0) & np.isfinite(forward.value)).all():
        raise InputError(f"conductances {forward.value} and {reverse.value} W/m²K: wanted finite ones above 0")
    ratio = forward.value / reverse.value
    sigma = np.hypot(forward.sigma / reverse.value, ratio * reverse.sigma / reverse.value)
    return Rectification(forward.temperature, ratio - 1, sigma)
