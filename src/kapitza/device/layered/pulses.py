"""A device in a train of pulses: mean, peak and floor of its temperature, and after how many pulses they are there."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, numbers
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device, PulsedPower, is_pulsed, with_mean_power
from kapitza.device.layered.spreading import LateralPoints
from kapitza.device.layered.steady import find_hot_spot
from kapitza.device.layered.transient import (
    Probe,
    TransientModel,
    interpolate_step_response,
    pulsed_response,
    transient_model,
)
from kapitza.device.layout import Layout
from kapitza.errors import InputError

_SETTLED = 0.01  # of the peak of the train, within which it is said to be there
_TIMES = 60  # in a period, besides the ends of the pulses
_FAINT = 1e-9  # of its power, with which a source is as good as off
_SPAN = 12  # decades of times over which a train is followed
_TIMES_PER_DECADE = 8


@frozen(kw_only=True)
class PulsedTemperatures(BaseRecord):
    """Rises of the point that gets hottest while sources pulse, K.

    Attributes
    ----------
    in_phase : whether all pulses have one period; where not, `peak` is the sum of the peaks that each source brings,
        which is an upper bound, and `floor` a lower one
    """

    mean: float = field(metadata=about("K", "mean over the train"))
    peak: float = field(metadata=about("K", "highest rise in an endless train"))
    floor: float = field(metadata=about("K", "lowest rise in an endless train"))
    first: float = field(metadata=about("K", "highest rise in the first pulse, from the temperature of the sink"))
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


def layout_with_mean_power(layout: Layout) -> Layout:
    """The layout with the mean power of the pulses of its sources, always on."""
    return evolve(layout, device=with_mean_power(layout.device))


def pulsed_temperatures(device: Device) -> PulsedTemperatures:
    """What pulses do where they get hottest, with properties of T as the mean heat leaves them.

    Short and rare pulses may heat a point that is cool on average: looked at are the hottest point of the mean heat and
    that of each source that pulses, as if it were alone.

    During a pulse a conductivity that falls with temperature is lower than that: the peak lies between `peak` and
    `hot_peak`, which has the properties that the power would leave if it were always on.

    Raises
    ------
    InputError
        without pulses, with sources that are periodic without a mean, or layers without a heat capacity
    """
    if not is_pulsed(device):
        raise InputError(f"{device.title}: no source comes in pulses")
    for one in device.sources:
        if not isinstance(one.waveform, PulsedPower) and hasattr(one.waveform, "frequency"):
            raise InputError(f"{one.name} is periodic without a mean: beside pulses give it as steady or as pulses")
    hot, held = transient_model(device), transient_model(with_mean_power(device))
    pulses = {i: one.waveform for i, one in enumerate(device.sources) if isinstance(one.waveform, PulsedPower)}
    longest = max(pulses.values(), key=lambda one: one.period)
    always_on = float(sum(hot.readers[0].steady))
    places = _hot_places(held, pulses)
    points = [_read_at(held, *place) for place in places]
    extremes = [_extremes(one, pulses, from_mean=True) for one in points]
    chosen = int(np.argmax([peak for peak, _ in extremes]))
    model, (peak, floor), (at, node) = points[chosen], extremes[chosen], places[chosen]
    if chosen:
        hot = _read_at(hot, at, node)
    return PulsedTemperatures(
        mean=float(sum(model.readers[0].steady)),
        peak=peak,
        floor=floor,
        first=_steady(model, pulses) + sum(_single(model, i, one) for i, one in pulses.items()),
        always_on=always_on,
        hot_peak=_extremes(hot, pulses, from_mean=False)[0],
        settled_pulses=_settling(model, pulses, peak),
        place=[float(at.x[0]), float(at.y[0]), float(held.linear.column.depths[node])],
        at_mean_peak=chosen == 0,
        duty=max(one.width / one.period for one in pulses.values()),
        period=longest.period,
        in_phase=_same(pulses),
    )


def _hot_places(model: TransientModel, pulses: dict[int, PulsedPower]) -> list[tuple[LateralPoints, int]]:
    """Where the mean heat is hottest, and where each source that pulses is hottest alone: a point and its node."""
    linear = model.linear
    places = [(model.solution.spot, model.solution.node)]
    if len(linear.device.sources) == 1:
        return places
    for index in pulses:
        sources = [
            one if i == index else evolve(one, power=_FAINT * one.power) for i, one in enumerate(linear.device.sources)
        ]
        spot, node, _ = find_hot_spot(evolve(linear, device=evolve(linear.device, sources=sources)))
        places.append((spot, node))
    return places


def _read_at(model: TransientModel, at: LateralPoints, node: int) -> TransientModel:
    """The model, read at one point."""
    steady = tuple(model.linear.shares(at, node).values())
    return evolve(model, readers=(Probe(at, node, steady),), names=("peak",))


def _steady(model: TransientModel, pulses: dict[int, PulsedPower]) -> float:
    """Rise from the sources that do not pulse, K."""
    return sum(rise for i, rise in enumerate(model.readers[0].steady) if i not in pulses)


def _extremes(model: TransientModel, pulses: dict[int, PulsedPower], *, from_mean: bool) -> tuple[float, float]:
    """Highest and lowest rise in an endless train, K; the model has the mean heat of the pulses or their power."""
    ends = sorted({one.width for one in pulses.values()}) if _same(pulses) else []
    rises = [_train(model, i, one, ends) * (one.period / one.width if from_mean else 1.0) for i, one in pulses.items()]
    steady = _steady(model, pulses)
    if _same(pulses):
        total = np.sum(rises, axis=0)
        return steady + float(total.max()), steady + float(total.min())
    return steady + sum(float(one.max()) for one in rises), steady + sum(float(one.min()) for one in rises)


def _same(pulses: dict[int, PulsedPower]) -> bool:
    """Whether pulses have one period, so that their rises may be added at each moment."""
    return len({one.period for one in pulses.values()}) == 1


def _train(model: TransientModel, index: int, power: PulsedPower, ends: list[float]) -> Array:
    """(nt,) rise from one source of the model over a period of an endless train, K, the ends of its pulse and of others
    among the moments.
    """
    even = np.linspace(0, 1, _TIMES, endpoint=False)[1:] * power.period
    moments = np.sort(np.concatenate([even, ends or [power.width], [power.period * (1 - 1e-9)]]))
    return pulsed_response(model, model.readers[0], index, evolve(power, count=None), moments)


def _single(model: TransientModel, index: int, power: PulsedPower) -> float:
    """Rise at the end of the first pulse, K."""
    end = np.array([power.width])
    return float(interpolate_step_response(model, model.readers[0], index, end)[0]) * power.period / power.width


def _settling(model: TransientModel, pulses: dict[int, PulsedPower], peak: float) -> int:
    """Pulses of the longest period after which what is missing of the peak is below 1 %.

    After N pulses those are missing that an endless train had before: what is left of their mean heat, switched off
    (N - 1/2) periods ago.
    """
    longest = max(one.period for one in pulses.values())
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
