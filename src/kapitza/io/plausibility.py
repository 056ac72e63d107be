"""Numbers of samples and devices that nobody has: a unit has most likely slipped."""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError, KapitzaError, ValidityWarning
from kapitza.io.toml import TomlTable
from kapitza.matter.library import material
from kapitza.matter.material import Material
from kapitza.measure.experiment import Curve, Experiment
from kapitza.measure.problem import DataSet, Prior
from kapitza.measure.thermoreflectance.grating import TransientGrating
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega

# what is seen in samples and devices; beyond it a unit has most likely slipped
_PLAUSIBLE_RANGES = {
    "thickness": (2e-10, 2e-2, "m"), "conductivity": (5e-3, 1e4, "W/mK"), "in_plane": (5e-3, 1e4, "W/mK"),
    "heat_capacity": (1e3, 2e7, "J/m3K"), "conductance": (1e2, 1e12, "W/m2K"), "width": (1e-8, 1.0, "m"),
    "depth": (1e-8, 1.0, "m"), "flux": (1.0, 1e14, "W/m2"), "heat": (1.0, 1e20, "W/m3"),
    "contact": (1e4, 1e12, "W/m2K"), "coupling": (1e14, 1e20, "W/m3K"), "electron_conductivity": (1.0, 2e3, "W/mK"),
    "electron_heat_capacity": (1e2, 1e6, "J/m3K"), "period": (1e-7, 2e-3, "m"), "light": (1e-9, 1e-3, "m"),
    "radius": (1e-7, 1e-2, "m"), "spot": (1e-7, 2e-3, "m"), "modulation": (1e-3, 1e11, "Hz"),
    "repetition": (1.0, 1e12, "Hz"), "lock-in": (1e3, 1e9, "Hz"), "path": (1e-10, 1e-3, "m"),
    "power": (1e-9, 30.0, "W"), "strip": (1e-6, 0.1, "m"), "power of a strip": (1e-3, 1e5, "W/m"),
}  # fmt: skip
_ABSURD_FACTOR = 1e8  # times beyond that
_EXPERIMENT_KINDS = {
    "pump_radius": "spot", "probe_radius": "spot", "radius": "radius", "half_width": "radius",
    "modulation": "modulation", "repetition": "repetition", "period": "period",
    "mean_free_path": "path", "power": "power", "length": "strip",
}  # fmt: skip
_LEAST_DELAY = 2e-11  # s: a stage whose longest delay is shorter shows nothing but the pulse
_CELSIUS_RANGE = (10.0, 60.0)  # numbers that are more often a room in °C than a cryostat in K
_LEAST_DECAY, _LARGEST_DECAY = 1e-3, 30.0  # exponents of the decay of a grating, between which it is seen
_LARGEST_SHARE = 3.0  # standard uncertainty of a number that is known at all
_LARGEST_PHASE = float(np.pi)  # rad, of the reference of a lock-in
_FARTHEST_BEAM = 20.0  # radii from pump to probe
_OFF_BULK, _OFF_THIN = 3.0, 30.0  # factors between a layer and the bulk of its material that are asked about
_BULK_THICKNESS = 1e-5  # m: thinner layers conduct less than the bulk
_DEEPEST_FILM = 20.0  # penetration depths of the heat, below which nothing is seen


def warn(message: str) -> None:
    """Warn with a ValidityWarning of what is most likely a mistake."""
    warnings.warn(message, ValidityWarning, stacklevel=3)


def warn_outside(name: str, kind: str, value: float) -> None:
    """Warn if a value lies outside of what is seen; refuse it where it is beyond all measure."""
    low, high, unit = _PLAUSIBLE_RANGES[kind]
    if not low / _ABSURD_FACTOR <= value <= high * _ABSURD_FACTOR:
        raise InputError(f"{name} = {value:g} {unit}: expected some {low:g} to {high:g}; is it in another unit?")
    if not low <= value <= high:
        warn(f"{name} = {value:g} {unit} looks implausible (expected {low:g} to {high:g}): is it in another unit?")


def warn_of_layers(stack: Stack) -> None:
    """Warn of layers and boundaries with numbers that nothing has."""
    for layer in stack.layers:
        electrons = () if layer.coupling is None else ("electron_conductivity", "electron_heat_capacity", "coupling")
        for key in ("thickness", "conductivity", "in_plane", "heat_capacity", *electrons):
            value = getattr(layer, key)
            if value is not None and np.isfinite(value):
                warn_outside(f"{layer.name}.{key}", key, value)


def _warn_of_stack(stack: Stack) -> None:
    """Warn of layers, and of contacts of films that conduct less than a loose one; perfect ones pass."""
    warn_of_layers(stack)
    for name, boundary in zip(stack.boundary_names, stack.boundaries, strict=True):
        resistance = boundary.resistance()
        if resistance > 0:
            warn_outside(f"{name}.conductance", "contact", 1 / resistance)


def check_sample(
    top: TomlTable, stacks: Sequence[Stack], measured: Iterable[tuple[TomlTable, Experiment, Stack, bool]],
    priors: Mapping[str, Prior],
) -> None:  # fmt: skip
    """Warn of numbers of a sample file that nobody has; refuse delays of data that no stage has.

    `measured` are experiments with their tables and stacks, and whether there are data of them.
    """
    for stack in stacks:
        top.locate("", _warn_of_stack, stack)
    for section, experiment, stack, has_data in measured:
        if has_data:
            check_measured_delays(section, experiment, stack)
        section.locate("", _warn_of_experiment, experiment, stack)
    layers = {layer.name: layer for stack in stacks for layer in stack.layers}
    for name, prior in priors.items():
        owner, _, attribute = name.rpartition(".")
        value = getattr(layers.get(owner), attribute, None)
        share = prior.sigma if prior.fractional else 0.0
        if prior.value is None and not prior.fractional and isinstance(value, float) and np.isfinite(value):
            share = prior.width(value) / value
        if share >= _LARGEST_SHARE:
            vague = f"{name} is uncertain by {share:.0%}, so that it is as good as free"
            warn(f"{vague}: is that a share, or in another unit?")


def warn_of_material(layer: Layer, known: Material | None, temperature: float, stated: str) -> None:
    """Warn of a layer that is thinner than the unit cell of its material, or conducts unlike its bulk.

    `stated` is the name of the material if the file states the conductivity, which is compared at a temperature (K)
    within a factor of three; layers of less than 10 µm may conduct up to thirty times less. It is empty if it does not.
    """
    if known is not None:
        edges = [length.value for name, length in known.lattice.items() if name != "beta"]
        if edges and layer.thickness < min(edges):
            warn(
                f"{layer.name}.thickness = {layer.thickness:g} m is less than a unit cell of {known.name} "
                f"({min(edges):.4g} m): is it in another unit?"
            )
    if not stated:
        return
    try:
        bulk = float(material(stated).conductivity(temperature)[0])
    except KapitzaError:  # no material of the library, or none that is known at this temperature
        return
    most = _OFF_BULK if layer.thickness >= _BULK_THICKNESS else _OFF_THIN
    if not bulk / most <= layer.conductivity <= bulk * _OFF_BULK:
        factor = max(layer.conductivity / bulk, bulk / layer.conductivity)
        warn(
            f"{layer.name}.conductivity = {layer.conductivity:g} W/mK is {factor:.3g} times "
            f"{'more' if layer.conductivity > bulk else 'less'} than the {bulk:.3g} W/mK of the bulk of {stated} at "
            f"{temperature:g} K: is it in another unit, or of another material?"
        )


def _warn_of_experiment(experiment: Experiment, stack: Stack) -> None:
    name = experiment.name
    for attribute, kind in _EXPERIMENT_KINDS.items():
        value = getattr(experiment, attribute, getattr(getattr(experiment, "beams", None), attribute, None))
        size = float(np.max(np.abs(value))) if isinstance(value, float | int | np.ndarray) else 0.0
        if size > 0:
            warn_outside(f"{name}.{attribute}", kind, size)
    if isinstance(experiment, ThreeOmega) and experiment.power <= _PLAUSIBLE_RANGES["power"][1]:
        warn_outside(f"{name}.power per length", "power of a strip", experiment.power / experiment.length)
    for attribute in ("absorption_depth", "readout_depth"):
        depth = getattr(getattr(experiment, "setup", None), attribute, 0.0)
        if depth:
            warn_outside(f"{name}.{attribute}", "light", depth)
    _warn_of_pulses(name, experiment)
    _warn_of_beams(name, experiment)
    if isinstance(experiment, TransientGrating):
        _warn_of_grating(name, experiment, stack)
    heating = (getattr(experiment, name, None) for name in ("modulation", "frequency"))
    frequencies = np.atleast_1d(next((value for value in heating if value is not None), 0.0))
    slowest = min((float(value) for value in frequencies if value > 0), default=None)  # Hz; None if steady
    film = stack.layers[0]
    if slowest is None or len(stack.layers) < 2 or film.heat_capacity is None:
        return
    depth = float(np.sqrt(film.conductivity / (np.pi * slowest * film.heat_capacity)))
    if film.thickness > _DEEPEST_FILM * depth:
        warn(
            f"{film.name}.thickness = {film.thickness:g} m is {film.thickness / depth:.3g} times as deep as heat at "
            f"{slowest:g} Hz reaches ({depth:.2g} m), so that nothing below it is seen: is it in another unit?"
        )


def _warn_of_pulses(name: str, experiment: object) -> None:
    modulation, repetition, delay = (getattr(experiment, key, None) for key in ("modulation", "repetition", "delay"))
    if modulation is None or repetition is None or delay is None:
        return  # no pulses
    warn_outside(f"{name}.modulation of pulses", "lock-in", float(modulation))
    if 2 * modulation > repetition:
        warn(
            f"{name}: modulation of {modulation:g} Hz with {repetition:g} pulses a second, where a period has at least "
            "two: are they exchanged, or in another unit?"
        )
    if (fault := _fault_of_delays(experiment)) is not None:
        warn(f"{name}: {fault}")


def _fault_of_delays(experiment: object) -> str | None:
    repetition, delay = (getattr(experiment, key, None) for key in ("repetition", "delay"))
    if repetition is None or delay is None:
        return None
    last = float(np.max(np.abs(delay)))
    if last < _LEAST_DELAY:
        return f"delays end at {last:g} s, before anything but the pulse is seen: are they in another unit?"
    if last > 1 / repetition:
        return f"delays reach {last:g} s, beyond the next pulse after {1 / repetition:g} s: are they in another unit?"
    return None


def check_measured_delays(section: TomlTable, experiment: Experiment, stack: Stack) -> None:
    """Refuse data whose delays no stage has, before a fit looks for a minimum that is not there.

    Of metals whose electrons have a temperature of their own the first picoseconds are measured, too.
    """
    hot = any(layer.coupling is not None for layer in stack.layers)
    if not isinstance(getattr(experiment, "delay", None), np.ndarray):
        return  # one delay, or none
    if (fault := _fault_of_delays(experiment)) is not None and not (hot and "before anything" in fault):
        raise section.fault(f"{experiment.name}: {fault} The name of the column says it, as in delay_ps", "data")


def warn_of_settings(experiments: Sequence[Experiment], stack: Stack, settings: Mapping[str, Sequence[float]]) -> None:
    """Warn of candidates of a design that nobody has, each of them alone on the stack of the file."""
    for name, values in settings.items():
        for value in values:
            for one in experiments:
                sample = DataSet(one, Curve([], []), stack)
                if name in sample.names():
                    changed, on = sample.with_changes({name: value})
                    _warn_of_stack(on)
                    _warn_of_experiment(changed, on)


def _warn_of_beams(name: str, experiment: object) -> None:
    phase, beams = getattr(experiment, "phase", 0.0), getattr(experiment, "beams", None)
    if abs(phase) > _LARGEST_PHASE:
        warn(f"{name}: a phase of {phase:g} rad is more than half a turn: is it in degrees ('{phase:g} deg')?")
    if beams is None:
        return
    apart, radius = float(np.hypot(beams.offset, beams.offset_y)), max(beams.pump_radius, beams.probe_radius)
    if apart > _FARTHEST_BEAM * radius:
        warn(
            f"{name}: beams of {radius:g} m lie {apart:g} m apart, so that the probe sees nothing of the pump: is the "
            "offset in another unit?"
        )


def _warn_of_grating(name: str, experiment: TransientGrating, stack: Stack) -> None:
    q = 2 * np.pi / experiment.period
    spread = [
        (layer.conductivity if layer.in_plane is None else layer.in_plane) / layer.heat_capacity * q**2
        for layer in stack.layers
        if layer.heat_capacity is not None
    ]
    first, last = float(experiment.time[0]), float(experiment.time[-1])
    if spread and (last * max(spread) < _LEAST_DECAY or first * min(spread) > _LARGEST_DECAY):
        warn(
            f"{name}: times from {first:g} to {last:g} s, where a grating of {experiment.period:g} m decays within "
            f"{1 / max(spread):.2g} s: is one of both in another unit?"
        )


def warn_of_celsius(held: object, name: str = "temperature") -> None:
    """Warn of a bare number for a temperature that looks like a room in °C."""
    if isinstance(held, int | float) and _CELSIUS_RANGE[0] <= held <= _CELSIUS_RANGE[1]:
        warn(
            f"{name} = {held:g} is taken in K: is it in °C ({held + 273.15:.5g} K)?  '{held:g} K' says that it is meant"
        )
