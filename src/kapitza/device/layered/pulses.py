"""A device in a train of pulses: mean, peak and floor of its temperature, and after how many pulses they are there."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import cast

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, numbers
from kapitza.core.records import BaseRecord, values_by_name
from kapitza.device.description import Device, PeriodicPower, PulsedPower, is_pulsed, with_mean_power
from kapitza.device.layered.linear import LOG_TIME_STEP, LinearDevice, linear_device, with_constant_properties
from kapitza.device.layered.spreading import LateralPoints
from kapitza.device.layered.steady import (
    find_hot_spot,
    heated_nodes,
    implicit_derivatives,
    property_error,
    solve_steady,
    source_nodes,
)
from kapitza.device.layered.temperatures import (
    FINER_STEP,
    interval_ends,
    relative_uncertainties,
    sample_units,
    scale_device,
    sensed_numbers,
    unit_peaks,
)
from kapitza.device.layered.transient import (
    Probe,
    PulseResolution,
    TransientModel,
    interpolate_step_response,
    pulsed_response,
    transient_model,
)
from kapitza.device.layout import Layout
from kapitza.errors import InputError
from kapitza.run.store import StoreLike
from kapitza.run.work import ExecutorLike, Progress, run_units

_SETTLED = 0.01  # of the peak of the train, within which it is said to be there
_TIMES = 60  # in a period, besides the ends of the pulses
_AFTER = 1.0, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 3.0  # times the width of a pulse, within it and after
_FAINT = 1e-9  # of its power, with which a source is as good as off
_SPAN = 12  # decades of times over which a train is followed
_TIMES_PER_DECADE = 8
_TRAINS_PER_UNIT = 20  # that are drawn and solved together
_ZOOMS, _ZOOM_TIMES = 3, 9  # rounds of so many moments between two, in which the highest rise is looked for
_FINER = PulseResolution(modes=3600, pulses=600, knots=80)
_COARSE = PulseResolution(modes=300, pulses=40, knots=12)  # in which places are compared
_PLACE_STEPS = 4  # halvings of a quarter of the widest source
_FLAT = 1e-6  # of the peak, by which another place must be hotter
_CHANGE_FACTOR = 2.0  # of the change on finer steps: at second order it is three quarters of the error
_SAMPLE_VERSION = "device-pulses-1"  # part of the address of stored results


@frozen(kw_only=True, eq=False)
class PulsedTemperatures(BaseRecord):
    """Rises of the point that gets hottest while sources pulse, K.

    Attributes
    ----------
    first : all first pulses begin together
    in_phase : whether all pulses have one period; where not, `peak` is the sum of the peaks that each source brings,
        which is an upper bound, and `floor` a lower one; mean, sensitivity and uncertainty are those of this bound
    sensitivity : of the numbers that are uncertain, heat capacities and powers among them
    """

    mean: float = field(metadata=about("K", "mean over the train"))
    peak: float = field(metadata=about("K", "highest rise in an endless train"))
    floor: float = field(metadata=about("K", "lowest rise in an endless train"))
    first: float = field(
        metadata=about("K", "highest rise in the first pulse of each source, from the temperature of the sink")
    )
    always_on: float = field(metadata=about("K", "rise if the power of the pulses were always on"))
    hot_peak: float = field(
        metadata=about("K", "highest rise with properties of T as the power always on would leave them")
    )
    settled_pulses: int = field(metadata=about("1", "pulses until the peak is within 1 % of that of the train"))
    place: Array = field(converter=numbers, metadata=about("m", "(3,) x, y and depth of this point"))
    at_mean_peak: bool = field(metadata=about("1", "whether the mean is highest there, too"))
    duty: float = field(metadata=about("1", "share of the time that the pulses are on; the largest of the sources"))
    period: float = field(metadata=about("s", "from pulse to pulse; the longest of the sources"))
    in_phase: bool
    sensitivity: Mapping[str, float] = values_by_name(about("K", "∂T/∂ln p of `peak`, by name"))
    contribution: Mapping[str, float] = values_by_name(about("K", "uncertainty of `peak` by name of its cause"))
    error: float = field(
        default=np.nan,
        metadata=about("K", "estimated error of `peak`: numerical, and of properties of T that follow the mean heat"),
    )

    @property
    def sigma(self) -> float | None:
        """Standard uncertainty of `peak`, K; None where no number has one.  The numbers are taken as independent."""
        return float(np.sqrt(sum(v**2 for v in self.contribution.values()))) if self.contribution else None


@frozen(eq=False)
class _Train(BaseRecord):
    """A device with the mean power of its pulses, read at the point that gets hottest at some moments."""

    device: Device
    model: TransientModel  # with one reader
    pulses: Mapping[int, PulsedPower]  # by the number of the source
    peak: float  # highest rise, K
    floor: float  # lowest rise, K
    moments: tuple[float, ...]  # since the last pulse began, at which each source brings this peak, s

    @property
    def at(self) -> LateralPoints:
        """The point."""
        return cast("LateralPoints", self.model.readers[0].at)

    @property
    def relative(self) -> dict[str, float]:
        """Relative uncertainties of the numbers on which the rise depends, by name."""
        return sensed_numbers(relative_uncertainties(self.device, self.model.solution.property_temperature))

    def rise(self, linear: LinearDevice) -> float:
        """Rise at these moments with other numbers, K: to first order the highest, as they are at a maximum."""
        model = _read_at(self.model, self.at, self.model.readers[0].node, linear)
        moments = zip(self.pulses.items(), self.moments, strict=True)
        rises = [float(_joint_response(model, {i: pulse}, np.array([at]))[0]) for (i, pulse), at in moments]
        return _steady(model, self.pulses) + sum(rises)

    def scaled_peak(self, factors: Mapping[str, float]) -> float:
        """Highest rise at this point with numbers times factors, by name, K."""
        changed = self.device
        for name, factor in factors.items():
            changed = scale_device(changed, name, factor)
        if self.device.is_nonlinear:
            return self.rise(solve_steady(changed, start=self.model.solution.values).linear)
        return self.rise(linear_device(with_constant_properties(changed, {}), self.model.linear.planes))


def layout_with_mean_power(layout: Layout) -> Layout:
    """The layout with the mean power of the pulses of its sources, always on."""
    return evolve(layout, device=with_mean_power(layout.device))


def pulsed_temperatures(device: Device, names: Iterable[str] = ()) -> PulsedTemperatures:
    """What pulses do where they get hottest, with properties of T as the mean heat leaves them.

    Short and rare pulses may heat a point that is cool on average: the hottest is looked for from that of the mean heat
    and from that of each source that pulses, as if it were alone.

    During a pulse a conductivity that falls with temperature is lower than that: the peak lies between `peak` and
    `hot_peak`, which has the properties that the power would leave if it were always on.

    The derivatives of the peak are central differences at its place and moments, with which it does not change to first
    order.  Its error is estimated from the change on finer steps of all that is summed, integrated and interpolated;
    where properties depend on T, with the distance of `hot_peak` and what one number for each layer leaves out.

    Parameters
    ----------
    device : with one or more sources in pulses
    names : of numbers whose sensitivity is wanted beside that of the uncertain ones

    Raises
    ------
    InputError
        without pulses, with sources that are periodic without a mean, or layers without a heat capacity
    """
    train, at_mean_peak = _hottest_train(device)
    model, pulses, reader = train.model, train.pulses, train.model.readers[0]
    hot = transient_model(device)
    hot_peak = _extremes(_read_at(hot, train.at, reader.node), pulses, from_mean=False)[0]
    slopes, parts = _budget(train, names)
    return PulsedTemperatures(
        mean=float(sum(reader.steady)),
        peak=train.peak,
        floor=train.floor,
        first=_first_peak(model, pulses),
        always_on=float(sum(hot.readers[0].steady)),
        hot_peak=hot_peak,
        settled_pulses=_settling(model, pulses, train.peak),
        place=[float(train.at.x[0]), float(train.at.y[0]), float(model.linear.column.depths[reader.node])],
        at_mean_peak=at_mean_peak,
        duty=max(pulse.width / pulse.period for pulse in pulses.values()),
        period=max(pulse.period for pulse in pulses.values()),
        in_phase=len(_groups(pulses)) == 1,
        sensitivity=slopes,
        contribution=parts,
        error=_error(train, hot_peak),
    )


def sample_pulsed_peaks(
    device: Device,
    samples: int = 400,
    seed: int = 0,
    *,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Array:
    """(samples,) highest rises in the train of pulses of devices with numbers drawn from their uncertainties, K.

    Drawn as by `sample_peaks`, and read where and when the device peaks that has the numbers themselves.

    Raises
    ------
    InputError
        as `sample_peaks` and `pulsed_temperatures`
    """
    train, _ = _hottest_train(device)
    units = sample_units(device, train.relative, samples, seed, _TRAINS_PER_UNIT)
    work = partial(unit_peaks, train.scaled_peak)
    parts = run_units(work, units, version=_SAMPLE_VERSION, store=store, executor=executor, progress=progress)
    return np.concatenate([np.asarray(part["peak"], dtype=float) for part in parts])


def pulsed_peaks_at_interval_ends(device: Device) -> dict[str, tuple[float, float]]:
    """Lowest and highest peak of a train with one number at the ends of its 95 % interval, K, by name."""
    train, _ = _hottest_train(device)
    return interval_ends(train.relative, train.scaled_peak)


def _hottest_train(device: Device) -> tuple[_Train, bool]:
    if not is_pulsed(device):
        raise InputError(f"{device.title}: no source comes in pulses")
    for source in device.sources:
        if isinstance(source.waveform, PeriodicPower):
            raise InputError(f"{source.name} is periodic without a mean: beside pulses give it as steady or as pulses")
    mean = with_mean_power(device)
    unread = transient_model(mean)
    pulses = {i: source.waveform for i, source in enumerate(device.sources) if isinstance(source.waveform, PulsedPower)}
    trains: list[_Train] = []
    for at, node in dict.fromkeys([(unread.solution.spot, unread.solution.node), _hottest_place(unread, pulses)]):
        model = _read_at(unread, at, node)
        trains.append(_Train(mean, model, pulses, *_extremes(model, pulses)))
    moved = trains[-1].peak > trains[0].peak * (1 + _FLAT)
    return trains[-1 if moved else 0], not moved


def _hottest_place(model: TransientModel, pulses: Mapping[int, PulsedPower]) -> tuple[LateralPoints, int]:
    """Where the train peaks, on a plane that heat enters: from where the mean heat or a source alone is hottest."""
    linear, steady = model.linear, (model.solution.spot, model.solution.node)
    if not linear.device.shapes:
        return steady
    coarse = evolve(model, resolution=_COARSE)
    places = [steady, *((at, node) for at in _hot_points(model, pulses) for node in heated_nodes(linear))]
    rises = [_rise_at_ends(_read_at(coarse, *place), pulses) for place in places]
    best = int(np.argmax(rises))
    (at, node), highest, box = places[best], rises[best], linear.device.box
    low, ends = (-np.inf, (np.inf, np.inf)) if box is None else (0.0, (box.width, box.depth))
    step = max(high - low for shape in linear.device.shapes for low, high in shape.extent) / 4
    for _ in range(_PLACE_STEPS):  # compass search
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            near = LateralPoints(np.clip(at.x + x * step, low, ends[0]), np.clip(at.y + y * step, low, ends[1]))
            rise = _rise_at_ends(_read_at(coarse, near, node), pulses)
            if rise > highest * (1 + _FLAT):
                at, highest = near, rise
        step /= 2
    return at, node


def _budget(train: _Train, names: Iterable[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Derivative of the peak by the logarithm of each number, and what each uncertain one contributes, by name, K."""
    device, solution, relative = train.device, train.model.solution, train.relative
    scaled = {name: partial(scale_device, device, name) for name in (*relative, *names)}
    if not scaled:
        return {}, {}
    changes = implicit_derivatives(device, solution, scaled, lambda linear: np.array([train.rise(linear)]))
    slopes = {name: float(change[0]) for name, change in changes.items()}
    return slopes, {name: abs(slopes[name]) * part for name, part in relative.items() if part}


def _error(train: _Train, hot_peak: float) -> float:
    linear = train.model.linear
    finer = linear_device(linear.device, linear.planes, FINER_STEP * LOG_TIME_STEP)
    model = _read_at(evolve(train.model, resolution=_FINER), train.at, train.model.readers[0].node, finer)
    again = _extremes(model, train.pulses, times=3 * _TIMES)[0]
    error = _CHANGE_FACTOR * abs(again - train.peak) + _FLAT * train.peak
    if train.device.is_nonlinear:
        error += abs(hot_peak - train.peak) + property_error(train.device, train.model.solution)
    return error


def _hot_points(model: TransientModel, pulses: Mapping[int, PulsedPower]) -> list[LateralPoints]:
    """Where the mean heat is hottest, and where each source that pulses is hottest alone."""
    linear = model.linear
    points = [model.solution.spot]
    if len(linear.device.sources) == 1:
        return points
    for index in pulses:
        sources = [evolve(source, power=_FAINT * source.power) for source in linear.device.sources]
        sources[index] = linear.device.sources[index]
        points.append(find_hot_spot(evolve(linear, device=evolve(linear.device, sources=sources)))[0])
    return points


def _read_at(model: TransientModel, at: LateralPoints, node: int, linear: LinearDevice | None = None) -> TransientModel:
    """The model, read at one point; with other plain numbers if `linear` has them."""
    solution = model.solution if linear is None else evolve(model.solution, linear=linear)
    steady = tuple(solution.linear.shares(at, node).values())
    return evolve(model, solution=solution, readers=(Probe(at, node, steady),), names=("peak",))


def _steady(model: TransientModel, pulses: Mapping[int, PulsedPower]) -> float:
    return sum(rise for i, rise in enumerate(model.readers[0].steady) if i not in pulses)


def _extremes(
    model: TransientModel, pulses: Mapping[int, PulsedPower], *, from_mean: bool = True, times: int = _TIMES
) -> tuple[float, float, tuple[float, ...]]:
    """Highest and lowest rise in an endless train, K, and the moment of the highest for each source that pulses, s.

    The model has the mean heat of the pulses, or their power.
    """
    highest = lowest = _steady(model, pulses)
    tops: list[float] = []
    for group in _groups(pulses):
        moments = _moments(group.values(), times)
        rises = _joint_response(model, group, moments, from_mean=from_mean)
        lowest += float(rises.min())
        top = int(np.argmax(rises))
        best = float(rises[top]), float(moments[top])
        # at the end of a pulse that heats this very point the rise is sharp, elsewhere it is highest some time later
        sources, node = model.linear.device.sources, model.readers[0].node
        sharp = {pulse.width for i, pulse in group.items() if node in source_nodes(model.linear, sources[i])}
        for _ in range(0 if best[1] in sharp else _ZOOMS):
            moments = np.linspace(moments[max(top - 1, 0)], moments[min(top + 1, moments.size - 1)], _ZOOM_TIMES)
            rises = _joint_response(model, group, moments, from_mean=from_mean)
            top = int(np.argmax(rises))
            best = max(best, (float(rises[top]), float(moments[top])))
        highest += best[0]
        tops += [best[1]] * len(group)
    return highest, lowest, tuple(tops)


def _joint_response(
    model: TransientModel, pulses: Mapping[int, PulsedPower], time: Array, *, from_mean: bool = True
) -> Array:
    """(nt,) rise from sources in endless trains, K; the model has their mean power, or the power of the pulses."""
    total = np.zeros(time.size)
    for i, pulse in pulses.items():
        factor = pulse.period / pulse.width if from_mean else 1.0
        total += factor * pulsed_response(model, model.readers[0], i, evolve(pulse, count=None), time)
    return total


def _rise_at_ends(model: TransientModel, pulses: Mapping[int, PulsedPower]) -> float:
    total = _steady(model, pulses)
    for group in _groups(pulses):
        ends = np.unique([pulse.width for pulse in group.values()])
        total += float(_joint_response(model, group, ends).max())
    return total


def _groups(pulses: Mapping[int, PulsedPower]) -> list[dict[int, PulsedPower]]:
    """Sources whose rises are added at each moment: all of one period; of several each alone, for an upper bound."""
    same = len({pulse.period for pulse in pulses.values()}) == 1
    return [dict(pulses)] if same else [{i: pulse} for i, pulse in pulses.items()]


def _moments(pulses: Iterable[PulsedPower], times: int) -> Array:
    """(nt,) moments of a period, s: evenly spread, at the end of each pulse and around it, and just before the next."""
    widths, periods = zip(*((pulse.width, pulse.period) for pulse in pulses), strict=True)
    period, around = max(periods), np.outer(widths, _AFTER).ravel()
    even = np.linspace(0, 1, times, endpoint=False)[1:] * period
    return np.unique(np.concatenate([even, around[around < period], [period * (1 - 1e-9)]]))


def _first_peak(model: TransientModel, pulses: Mapping[int, PulsedPower]) -> float:
    moments = _moments(pulses.values(), _TIMES)
    total = np.zeros(moments.size)
    for i, pulse in pulses.items():
        alone = pulsed_response(model, model.readers[0], i, evolve(pulse, count=1), moments)
        total += alone * pulse.period / pulse.width
    return _steady(model, pulses) + float(total.max())


def _settling(model: TransientModel, pulses: Mapping[int, PulsedPower], peak: float) -> int:
    """Pulses of the longest period after which what is missing of the peak is below 1 %.

    After N pulses those are missing that an endless train had before: what is left of their mean heat, switched off
    (N - 1/2) periods ago.
    """
    longest = max(pulse.period for pulse in pulses.values())
    times = longest * np.geomspace(0.5, 10.0**_SPAN, _SPAN * _TIMES_PER_DECADE)
    missing = np.zeros(times.size)
    for index in pulses:
        missing += model.readers[0].steady[index] - interpolate_step_response(model, model.readers[0], index, times)
    there = np.flatnonzero(missing <= _SETTLED * peak)
    if not there.size:
        raise InputError(f"the temperature has not settled after {times[-1]:g} s of pulses: nothing ever gets steady")
    after = int(there[0])
    if after == 0:
        return 1
    # between two times the rest goes as a power of time
    slope = np.log(missing[after - 1] / max(missing[after], 1e-300)) / np.log(times[after] / times[after - 1])
    at = times[after - 1] * (missing[after - 1] / (_SETTLED * peak)) ** (1 / slope)
    return int(np.ceil(at / longest + 0.5))
