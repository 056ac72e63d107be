"""A device in a train of pulses: mean, peak and floor of its temperature, and after how many pulses they are there."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.device.description import Device, PulsedPower
from kapitza.device.layered.transient import TransientModel, interpolate_step_response, pulsed_response, transient_model
from kapitza.device.layout import Layout
from kapitza.errors import InputError

_SETTLED = 0.01  # of the peak of the train, within which it is said to be there
_TIMES = 60  # in a period, besides the ends of the pulses
_SPAN = 12  # decades of times over which a train is followed
_TIMES_PER_DECADE = 8


@frozen(kw_only=True)
class PulsedTemperatures(BaseRecord):
    """Rises of the hottest point of the mean heat while sources pulse, K.

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
    settled_pulses: int = field(metadata=about("1", "pulses until the peak is within 1 % of that of the train"))
    duty: float = field(metadata=about("1", "share of the time that the pulses are on; the largest of the sources"))
    period: float = field(metadata=about("s", "from pulse to pulse; the longest of the sources"))
    in_phase: bool


def is_pulsed(device: Device) -> bool:
    """Whether a source comes in pulses."""
    return any(isinstance(one.waveform, PulsedPower) for one in device.sources)


def with_mean_power(device: Device) -> Device:
    """The device with the mean power of its pulses, always on."""
    sources = [
        evolve(one, power=one.power * one.waveform.width / one.waveform.period)
        if isinstance(one.waveform, PulsedPower)
        else one
        for one in device.sources
    ]
    return evolve(device, sources=sources)


def layout_with_mean_power(layout: Layout) -> Layout:
    """The layout with the mean power of the pulses of its sources, always on."""
    return evolve(layout, device=with_mean_power(layout.device))


def pulsed_temperatures(device: Device) -> PulsedTemperatures:
    """What pulses do to the hottest point of their mean heat, with properties of T as the mean heat leaves them.

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
    model = transient_model(with_mean_power(device))
    waveforms = [one.waveform for one in device.sources]
    pulses = {i: one for i, one in enumerate(waveforms) if isinstance(one, PulsedPower)}
    steady = sum(model.readers[0].steady[i] for i in range(len(waveforms)) if i not in pulses)
    rises = {i: _train(model, i, one) for i, one in pulses.items()}
    in_phase = len({one.period for one in pulses.values()}) == 1
    total = np.sum(list(rises.values()), axis=0) if _same(pulses) else None
    peaks = sum(float(one.max()) for one in rises.values()) if total is None else float(total.max())
    floors = sum(float(one.min()) for one in rises.values()) if total is None else float(total.min())
    longest = max(pulses.values(), key=lambda one: one.period)
    mean = float(sum(model.readers[0].steady))
    return PulsedTemperatures(
        mean=mean,
        peak=steady + peaks,
        floor=steady + floors,
        first=steady + sum(_single(model, i, one) for i, one in pulses.items()),
        always_on=steady + sum(model.readers[0].steady[i] * one.period / one.width for i, one in pulses.items()),
        settled_pulses=_settling(model, pulses, steady + peaks),
        duty=max(one.width / one.period for one in pulses.values()),
        period=longest.period,
        in_phase=in_phase,
    )


def _same(pulses: dict[int, PulsedPower]) -> bool:
    """Whether pulses have one period and one width, so that their rises may be added at each moment."""
    return len({(one.period, one.width) for one in pulses.values()}) == 1


def _train(model: TransientModel, index: int, power: PulsedPower) -> Array:
    """(nt,) rise from one source over a period of an endless train, K, the end of the pulse among the moments."""
    even = np.linspace(0, 1, _TIMES, endpoint=False)[1:] * power.period
    moments = np.sort(np.append(even, [power.width, power.period * (1 - 1e-9)]))
    found = pulsed_response(model, model.readers[0], index, evolve(power, count=None), moments)
    return found * power.period / power.width  # the model has the mean heat


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
