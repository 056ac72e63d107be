"""How the hottest temperature depends on each number, and how uncertain that makes it."""

from collections.abc import Mapping

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.linear import linear, numeric
from kapitza.device.solve import Solved, solved
from kapitza.errors import InputError

STEP = 1e-3  # of differences, relative


def parameters(device: Device) -> tuple[str, ...]:
    """Names of all numbers on which the rise of a device depends, beside its power."""
    found: list[str] = []
    for layer in device.stack.layers:
        found.append(f"{layer.name}.conductivity")
        if layer.in_plane is not None:
            found.append(f"{layer.name}.in_plane")
        if np.isfinite(layer.thickness):
            found.append(f"{layer.name}.thickness")
    boundaries = [f"{name}.conductance" for name in device.stack.boundary_names]
    found += [name for name in boundaries if np.isfinite(device.value(name))]
    found += [name for name in ("coefficient", "top_coefficient") if 0 < getattr(device, name) < np.inf]
    return tuple(found)


def sensitivities(device: Device, held: Solved) -> dict[str, float]:
    """Change of the peak with the logarithm of each number, by name, K."""
    names = parameters(device)
    if device.laws or held.kelvin or any(source.through for source in device.sources):
        found = differences(device, names, held.values)
    else:
        found = held.linear.changes(held.spot, held.node, names)
    return found | {f"{name}.power": rise for name, rise in held.linear.shares(held.spot, held.node).items()}


def differences(device: Device, names: tuple[str, ...], start: Mapping[str, float]) -> dict[str, float]:
    """The same from solutions with each number a little larger and smaller."""
    found: dict[str, float] = {}
    for name in names:
        owner = name.rpartition(".")[0]
        changed = [scaled(device, name, owner, factor) for factor in (1 + STEP, 1 - STEP)]
        peaks = [solved(one, start=start).peak for one in changed]
        found[name] = (peaks[0] - peaks[1]) / (2 * STEP)
    return found


def scaled(device: Device, name: str, owner: str, factor: float) -> Device:
    """The device with one number times a factor; a conductance of T as a whole."""
    if owner in device.stack.boundary_names:
        held = device.stack.boundaries[device.stack.boundary_names.index(owner)].conductance
        if isinstance(held, Conductance):
            return device.replace({name: evolve(held, value=held.value * factor)})
    return device.replace({name: device.value(name) * factor})


def contributions(device: Device, slopes: Mapping[str, float], kelvin: Mapping[str, float]) -> dict[str, float]:
    """Standard uncertainty of the peak from that of each number, by name, K."""
    found: dict[str, float] = {}
    for name, sigma in uncertainties(device, kelvin).items():
        if sigma and name in slopes:
            found[name] = abs(slopes[name]) * sigma
    return found


def uncertainties(device: Device, kelvin: Mapping[str, float]) -> dict[str, float]:
    """Relative standard uncertainty of each number that has one, by name; of a saved conductance at its temperature."""
    found = {name: sigma / abs(device.value(name)) for name, sigma in device.uncertain.items()}
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        held, key = boundary.conductance, f"{name}.conductance"
        if isinstance(held, Conductance) and held.sigma is not None and key not in found:
            at = kelvin.get(name, device.sink)
            found[key] = float(np.interp(at, held.temperature, held.sigma / held.value))
    return found


def sampled_peaks(device: Device, samples: int = 400, seed: int = 0) -> Array:
    """(samples,) peak rises of devices with numbers drawn from their uncertainties, K.

    Each number is drawn from a log-normal distribution of its relative uncertainty, which for small ones is a normal
    distribution and never goes below zero.

    Parameters
    ----------
    device : with uncertain numbers
    samples : how many devices
    seed : of the draws

    Raises
    ------
    InputError
        if no number has an uncertainty
    """
    held = solved(device)
    relative = uncertainties(device, held.kelvin)
    if not relative:
        raise InputError(f"no number of {device.title} has an uncertainty: there is nothing to sample")
    generator = np.random.default_rng(seed)
    names = sorted(relative)
    widths = np.sqrt(np.log1p(np.array([relative[name] for name in names]) ** 2))
    factors = np.exp(generator.standard_normal((samples, len(names))) * widths - widths**2 / 2)
    return np.array([peak_of(device, held, dict(zip(names, row, strict=True))) for row in factors.tolist()])


def peak_of(device: Device, held: Solved, factors: Mapping[str, float]) -> float:
    """Peak of a device with numbers times factors: at the same place where nothing depends on T, else solved anew."""
    changed = device
    for name, factor in factors.items():
        changed = scaled(changed, name, name.rpartition(".")[0], factor)
    if device.laws or held.kelvin:
        return solved(changed, start=held.values).peak
    return float(linear(numeric(changed, {})).rise(held.spot, held.node)[0])
