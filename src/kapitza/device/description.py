"""What a device is: layers in a box, where heat enters, how its power varies with time, and where heat leaves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    Array,
    about,
    increasing,
    number,
    parameter,
    positive,
    quantity,
    read_only_mapping,
    temperatures,
)
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord, default_number, one_for_each, values_by_name
from kapitza.core.stack import Stack
from kapitza.device.setup import Plane, locate_plane
from kapitza.device.shapes import Disc, GaussianSpot, Patch, SourceShape
from kapitza.errors import InputError


@frozen
class SteadyPower(BaseRecord):
    """On for ever.

    Examples
    --------
    >>> from kapitza.device import Disc, HeatSource, SteadyPower
    >>> source = HeatSource("spot", 0.02, Disc(0.0, 0.0, 5e-6))
    >>> print(source.waveform == SteadyPower())
    True
    """


@frozen
class StepPower(BaseRecord):
    """Off before t = 0, on from then.

    Examples
    --------
    >>> from kapitza import Device, Layer, Stack, solve
    >>> from kapitza.device import Box, Disc, HeatSource, StepPower
    >>> spot = HeatSource("spot", 0.02, Disc(50e-6, 50e-6, 5e-6), waveform=StepPower())
    >>> silicon = Layer("Si", 100e-6, 148.0, heat_capacity=1.66e6)
    >>> found = solve(Device(Stack([silicon]), [spot], Box(100e-6, 100e-6)))
    >>> print(found.respond([1e-8, 1e-6, 1e-3]).peak.round(2), "K, in the end", round(found.peak, 2))
    [1.83 7.33 9.12] K, in the end 9.12
    """


@frozen
class PeriodicPower(BaseRecord):
    """A power that goes as cos(2π frequency t), Hz: the temperature that goes with it, without the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Device, Layer, Stack, solve
    >>> from kapitza.device import Box, Disc, HeatSource, PeriodicPower
    >>> spot = HeatSource("spot", 0.02, Disc(50e-6, 50e-6, 5e-6), waveform=PeriodicPower(1e6))
    >>> silicon = Layer("Si", 100e-6, 148.0, heat_capacity=1.66e6)
    >>> found = solve(Device(Stack([silicon]), [spot], Box(100e-6, 100e-6)))
    >>> period = np.arange(1, 101) / 100 * 1e-6
    >>> print(f"{period[found.respond(period).peak.argmax()] * 1e9:.0f} ns after the power is the temperature highest")
    60 ns after the power is the temperature highest
    """

    frequency: float = field(converter=number, validator=quantity(), metadata=about("Hz", "repetition frequency"))


@frozen
class PulsedPower(BaseRecord):
    """Rectangular pulses.

    Examples
    --------
    >>> from kapitza.device import PulsedPower
    >>> pulses = PulsedPower(period=4e-6, width=1e-6)
    >>> print(f"duty {pulses.width / pulses.period:.2f}")
    duty 0.25
    """

    period: float = field(converter=number, validator=quantity(), metadata=about("s", "from one pulse to the next"))
    width: float = field(converter=number, validator=quantity(), metadata=about("s", "of each pulse"))
    count: int | None = field(
        default=None, metadata=about("1", "pulses, the first at t = 0; None for a train without beginning")
    )

    def __attrs_post_init__(self) -> None:
        if not self.width < self.period:
            raise InputError(f"pulses of {self.width:g} s every {self.period:g} s: expected pulses shorter than that")
        if self.count is not None and self.count < 1:
            raise InputError(f"{self.count} pulses: expected at least 1")


Waveform = SteadyPower | StepPower | PeriodicPower | PulsedPower


_BOTTOM_COEFFICIENT = parameter("W m^-2 K^-1", "from the bottom face to the sink; infinite where it is held")
_TOP_COEFFICIENT = parameter("W m^-2 K^-1", "from the top face to the sink; 0 where no heat leaves")
_DEVICE_PARAMETERS = ("width", "depth", "sink", "coefficient", "top_coefficient")


@frozen(eq=False)
class ConductivityLaw(BaseRecord):
    """Conductivity through a layer against temperature: a power law between neighbours.

    Examples
    --------
    >>> from kapitza.device import ConductivityLaw
    >>> silicon = ConductivityLaw([200.0, 300.0, 400.0], [266.0, 148.0, 99.0])
    >>> print(silicon)
    ConductivityLaw(temperature=[200, 300, 400] K, value=[266, 148, 99] W m^-1 K^-1)
    """

    temperature: Array = field(converter=lambda t: increasing(temperatures(t)), metadata=about("K", "(nT,) increasing"))
    value: Array = field(converter=positive, **one_for_each("temperature", "W m^-1 K^-1", "(nT,) at these"))

    @classmethod
    def power(cls, value: float, exponent: float, temperature: float = 300.0) -> "ConductivityLaw":
        """k(T) = value (T/temperature)^exponent, from 1 K to 10,000 K."""
        kelvin = np.array([1.0, 1e4])
        return cls(kelvin, value * (kelvin / temperature) ** exponent)

    def at(self, temperature: ArrayLike) -> Array:
        """(n,) conductivity at temperatures (K) inside the range, W m⁻¹ K⁻¹.

        Raises
        ------
        InputError
            outside of the range of temperatures: nothing is extrapolated
        """
        kelvin = temperatures(temperature)
        low, high = self.temperature[0], self.temperature[-1]
        outside = kelvin[(kelvin < low) | (kelvin > high)]
        if outside.size:
            raise InputError(f"conductivity is known from {low:g} to {high:g} K, not at {outside[0]:g} K")
        return np.exp(np.interp(np.log(kelvin), np.log(self.temperature), np.log(self.value)))


@frozen
class Box(BaseRecord):
    """Sides of a device that no heat crosses, as planes of symmetry are: 0 <= x <= width, 0 <= y <= depth, m."""

    width: float = field(converter=number, validator=quantity(), metadata=parameter("m", "side along x"))
    depth: float = field(converter=number, validator=quantity(), metadata=parameter("m", "side along y"))

    @property
    def area(self) -> float:
        """m²."""
        return self.width * self.depth


@frozen(eq=False)
class HeatSource(BaseRecord):
    """Heat that enters on a plane, or evenly through a layer.

    Attributes
    ----------
    power : a box that is a quarter of a device takes a quarter of its power
    shape : along the layers; None for all of the box, evenly
    plane : where it enters; None for the top face of the stack
    volumetric : whether it enters evenly through the whole thickness of the layer of `plane` instead
    waveform : in time; steady if nothing is said
    """

    name: str
    power: float = field(converter=number, validator=quantity(), metadata=parameter("W", "into the box while it is on"))
    shape: SourceShape | None = None
    plane: Plane | None = None
    volumetric: bool = field(default=False, kw_only=True)
    waveform: Waveform = field(default=SteadyPower(), kw_only=True)


def _sources_tuple(value: Any) -> tuple[HeatSource, ...]:
    sources = tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(isinstance(source, HeatSource) for source in sources):
        raise InputError(f"expected a list of sources of heat, got {value!r:.80}")
    for name, count in Counter(source.name for source in sources).items():
        if count > 1:
            raise InputError(f"{count} sources of heat are called {name!r}: give each its own name")
    return sources


def _check_coefficient(_instance: object, attribute: Any, value: float) -> None:
    if not value >= 0:
        raise InputError(f"{attribute.name} = {value:g} W/m²K, wanted at least 0 (infinite for a fixed temperature)")


@frozen(eq=False)
class Device(BaseRecord):
    """Layers, the heat that enters them, and where it leaves.

    Attributes
    ----------
    stack : layers from the top down, with their boundaries; an infinite last layer is semi-infinite
    sources : of heat; none where only the blocks of a `Layout` give any
    box : sides that no heat crosses; None where the layers have no end along x and y
    laws : conductivity of T of layers, by name; the ratio of the conductivities along and through a layer is kept
    patches : where temperatures are averaged, by name: (plane, patch)
    remarks : what a file left open, and what was taken for it

    Raises
    ------
    InputError
        for sources outside of the box or of the layers, names that the stack does not have, and heat that cannot leave
    """

    stack: Stack
    sources: tuple[HeatSource, ...] = field(converter=_sources_tuple)
    box: Box | None = None
    title: str = field(default="device", kw_only=True)
    sink: float = default_number(300.0, parameter("K", "of what takes the heat"), quantity(), kw_only=True)
    coefficient: float = default_number(np.inf, _BOTTOM_COEFFICIENT, _check_coefficient, kw_only=True)
    top_coefficient: float = default_number(0.0, _TOP_COEFFICIENT, _check_coefficient, kw_only=True)
    laws: Mapping[str, ConductivityLaw] = field(factory=dict, converter=read_only_mapping, kw_only=True)
    uncertain: Mapping[str, float] = values_by_name(
        about("SI", 'standard uncertainties of numbers such as "GaN|SiC.conductance"'), kw_only=True
    )
    patches: Mapping[str, tuple[Plane, Patch]] = field(factory=dict, converter=read_only_mapping, kw_only=True)
    remarks: tuple[str, ...] = field(default=(), converter=tuple, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_heat_sink(self)
        layers = [layer.name for layer in self.stack.layers]
        for name in self.laws:
            if name not in layers:
                raise InputError(f"a conductivity of T is given for {name!r}: the stack has {', '.join(layers)}")
        for name, sigma in self.uncertain.items():
            self.value(name)
            if not 0 <= sigma < np.inf:
                raise InputError(f"uncertainty of {name} = {sigma:g}, wanted a finite number of at least 0")
        for source in self.sources:
            index, _ = locate_plane(self.top() if source.plane is None else source.plane, self.stack)
            layer = self.stack.layers[index]
            if source.volumetric and np.isinf(layer.thickness):
                raise InputError(
                    f"{source.name}: no heat spreads evenly through {layer.name}, which is infinitely thick"
                )
            if source.shape is not None:
                check_inside_box(self.box, source.shape, source.name)
            elif self.box is None:
                raise InputError(f"{source.name} has no shape, and the device no box that limits it: give one of them")
        for name, (plane, patch) in self.patches.items():
            locate_plane(plane, self.stack)
            check_inside_box(self.box, patch, name)

    @property
    def power(self) -> float:
        """Of all sources together, W."""
        return sum(source.power for source in self.sources)

    @property
    def shapes(self) -> tuple[SourceShape, ...]:
        """Of the sources that have one."""
        return tuple(source.shape for source in self.sources if source.shape is not None)

    @property
    def is_nonlinear(self) -> bool:
        """Whether conductivities or conductances depend on temperature."""
        return bool(self.laws) or any(isinstance(one.conductance, Conductance) for one in self.stack.boundaries)

    def value(self, name: str) -> float:
        """Value of a number by name, at the temperature of the sink, such as "GaN.thickness" or "GaN|SiC.conductance".

        Raises
        ------
        InputError
            for a name that the device does not have, or a number that it leaves open
        """
        owner, _, attribute = name.rpartition(".")
        powers = {source.name: source.power for source in self.sources}
        if not owner and attribute in _DEVICE_PARAMETERS:
            value = getattr(self.box if attribute in ("width", "depth") else self, attribute, None)
        elif owner in self.stack.boundary_names and attribute == "conductance":
            value = self.stack.boundaries[self.stack.boundary_names.index(owner)].conductance
            value = value.at(self.sink)[0] if isinstance(value, Conductance) else value
        elif owner in powers and attribute == "power":
            value = powers[owner]
        else:
            layers = {layer.name: layer for layer in self.stack.layers}
            if owner not in layers or not hasattr(layers[owner], attribute) or attribute == "name":
                raise InputError(
                    f"the device has no {name!r}: layers {', '.join(layers)} with thickness, conductivity, in_plane, "
                    f"heat_capacity; boundaries {', '.join(self.stack.boundary_names) or 'none'} with conductance; "
                    f"sources {', '.join(powers)} with power"
                )
            of_temperature = attribute == "conductivity" and owner in self.laws
            value = self.laws[owner].at(self.sink)[0] if of_temperature else getattr(layers[owner], attribute)
        if value is None:
            raise InputError(f"{name} is not stated: it has no value that could change")
        return float(value)

    def replace(self, changes: Mapping[str, float | Conductance]) -> "Device":
        """A device with other numbers, by the names of `value`.

        A new conductivity of a layer that has a law of T scales the law.

        Raises
        ------
        InputError
            for a name that the device does not have
        """
        stack, own, box = {}, {}, {}
        sources, laws = {source.name: source for source in self.sources}, dict(self.laws)
        for name, new in changes.items():
            owner, _, attribute = name.rpartition(".")
            if not owner and attribute in _DEVICE_PARAMETERS:
                (box if attribute in ("width", "depth") else own)[attribute] = new
            elif owner in sources and attribute == "power":
                sources[owner] = evolve(sources[owner], power=new)
            else:
                if owner in laws and attribute == "conductivity":
                    law = laws[owner]
                    laws[owner] = evolve(law, value=law.value * (float(new) / self.value(name)))  # pyright: ignore[reportArgumentType]
                stack[name] = new
        if box and self.box is None:
            raise InputError(f"{', '.join(box)}: the device has no box")
        sides = evolve(self.box, **box) if self.box and box else self.box
        return evolve(self, stack=self.stack.replace(stack), sources=sources.values(), box=sides, laws=laws, **own)

    def top(self) -> Plane:
        """The top face of the stack."""
        return Plane(self.stack.layers[0].name)


def _check_heat_sink(device: Device) -> None:
    last = device.stack.layers[-1]
    for layer in device.stack.layers[:-1]:
        if np.isinf(layer.thickness):
            raise InputError(f"layer {layer.name} is infinitely thick: only the last layer of a device may be")
    if device.coefficient == 0 and device.top_coefficient == 0 and np.isfinite(last.thickness):
        raise InputError(
            "no heat can leave: both faces are adiabatic and the last layer ends. Give a temperature or a coefficient "
            f"at the bottom, or an infinite last layer instead of {last.thickness:g} m of {last.name}"
        )
    if device.box is not None and np.isinf(last.thickness) and device.top_coefficient == 0:
        raise InputError(
            f"layer {last.name} is infinitely thick below a box whose sides no heat crosses: nothing ever gets steady. "
            "Give the layer a thickness, or leave the box out"
        )


def check_inside_box(box: Box | None, shape: SourceShape, name: str) -> None:
    """Refuse a shape that reaches beyond the sides of a box."""
    if box is None:
        return
    for axis, (low, high), end in zip("xy", shape.extent, (box.width, box.depth), strict=True):
        if isinstance(shape, (Disc, GaussianSpot)) and 0 <= (low + high) / 2 <= end:
            continue  # a spot on a plane of symmetry: what lies beyond comes back
        if low < -1e-9 * end or high > end * (1 + 1e-9):
            raise InputError(
                f"{name} reaches from {axis} = {low:g} to {high:g} m, outside of the box from 0 to {end:g} m"
            )


def is_pulsed(device: Device) -> bool:
    """Whether a source comes in pulses."""
    return any(isinstance(one.waveform, PulsedPower) for one in device.sources)


def with_mean_power(device: Device) -> Device:
    """The device with the mean power of its pulses, always on, of the same relative uncertainty."""
    sources, uncertain = list(device.sources), dict(device.uncertain)
    for i, source in enumerate(sources):
        if isinstance(source.waveform, PulsedPower):
            duty = source.waveform.width / source.waveform.period
            sources[i] = evolve(source, power=source.power * duty)
            if (key := f"{source.name}.power") in uncertain:
                uncertain[key] *= duty
    return evolve(device, sources=sources, uncertain=uncertain)
