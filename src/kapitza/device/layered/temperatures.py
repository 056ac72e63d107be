"""Steady temperatures of a layered device: peak, averages, drops, sensitivities and uncertainty."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.description import Device
from kapitza.device.layered.linear import (
    LinearDevice,
    averaging_patches,
    linear_device,
    with_constant_properties,
)
from kapitza.device.layered.maps import boundary_jumps, plane_map, section_map
from kapitza.device.layered.steady import SteadySolution, solve_steady
from kapitza.device.layered.transient import layered_response
from kapitza.device.results import (
    BoundaryJump,
    DeviceTemperatures,
    TemperatureField,
    TransientTemperatures,
    WaveformChoice,
)
from kapitza.device.setup import Plane
from kapitza.errors import InputError

_DIFFERENCE_STEP = 1e-3  # of differences, relative


def device_parameters(device: Device) -> tuple[str, ...]:
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


def _peak_sensitivities(device: Device, held: SteadySolution) -> dict[str, float]:
    """Change of the peak with the logarithm of each number, by name, K."""
    names = device_parameters(device)
    if device.laws or held.kelvin or any(source.through for source in device.sources):
        found = _difference_sensitivities(device, names, held.values)
    else:
        found = held.linear.changes(held.spot, held.node, names)
    return found | {f"{name}.power": rise for name, rise in held.linear.shares(held.spot, held.node).items()}


def _difference_sensitivities(device: Device, names: tuple[str, ...], start: Mapping[str, float]) -> dict[str, float]:
    """The same from solutions with each number a little larger and smaller."""
    found: dict[str, float] = {}
    for name in names:
        owner = name.rpartition(".")[0]
        changed = [scale_device(device, name, owner, factor) for factor in (1 + _DIFFERENCE_STEP, 1 - _DIFFERENCE_STEP)]
        peaks = [solve_steady(one, start=start).peak for one in changed]
        found[name] = (peaks[0] - peaks[1]) / (2 * _DIFFERENCE_STEP)
    return found


def scale_device(device: Device, name: str, owner: str, factor: float) -> Device:
    """The device with one number times a factor; a conductance of T as a whole."""
    if owner in device.stack.boundary_names:
        held = device.stack.boundaries[device.stack.boundary_names.index(owner)].conductance
        if isinstance(held, Conductance):
            return device.replace({name: evolve(held, value=held.value * factor)})
    return device.replace({name: device.value(name) * factor})


def _uncertainty_contributions(
    device: Device, slopes: Mapping[str, float], kelvin: Mapping[str, float]
) -> dict[str, float]:
    """Standard uncertainty of the peak from that of each number, by name, K."""
    found: dict[str, float] = {}
    for name, sigma in relative_uncertainties(device, kelvin).items():
        if sigma and name in slopes:
            found[name] = abs(slopes[name]) * sigma
    return found


def relative_uncertainties(device: Device, kelvin: Mapping[str, float]) -> dict[str, float]:
    """Relative standard uncertainty of each number that has one, by name; of a saved conductance at its temperature."""
    found = {name: sigma / abs(device.value(name)) for name, sigma in device.uncertain.items()}
    for name, boundary in zip(device.stack.boundary_names, device.stack.boundaries, strict=True):
        held, key = boundary.conductance, f"{name}.conductance"
        if isinstance(held, Conductance) and held.sigma is not None and key not in found:
            at = kelvin.get(name, device.sink)
            found[key] = float(np.interp(at, held.temperature, held.sigma / held.value))
    return found


def sample_peaks(device: Device, samples: int = 400, seed: int = 0) -> Array:
    """(samples,) peak rises of devices with numbers drawn from their uncertainties, K.

    Each number is drawn from a log-normal distribution of its relative uncertainty, which for small ones is a normal
    distribution and never goes below zero.
    """
    held = solve_steady(device)
    relative = relative_uncertainties(device, held.kelvin)
    if not relative:
        raise InputError(f"no number of {device.title} has an uncertainty: there is nothing to sample")
    generator = np.random.default_rng(seed)
    names = sorted(relative)
    widths = np.sqrt(np.log1p(np.array([relative[name] for name in names]) ** 2))
    factors = np.exp(generator.standard_normal((samples, len(names))) * widths - widths**2 / 2)
    return np.array([_scaled_peak(device, held, dict(zip(names, row, strict=True))) for row in factors.tolist()])


def _scaled_peak(device: Device, held: SteadySolution, factors: Mapping[str, float]) -> float:
    """Peak of a device with numbers times factors: at the same place where nothing depends on T, else solved anew."""
    changed = device
    for name, factor in factors.items():
        changed = scale_device(changed, name, name.rpartition(".")[0], factor)
    if device.laws or held.kelvin:
        return solve_steady(changed, start=held.values).peak
    return float(linear_device(with_constant_properties(changed, {})).rise(held.spot, held.node)[0])


@frozen(eq=False, kw_only=True)
class LayeredTemperatures(DeviceTemperatures):
    """Steady temperatures of a layered device, which any plane, section and boundary can be asked for.

    Attributes
    ----------
    device : that they belong to
    """

    device: Device

    @property
    def jumps(self) -> Mapping[str, BoundaryJump]:
        """Temperature jumps at all boundaries that resist, by name "one|other", on 64 x 64 points."""
        return boundary_jumps(self.device)

    def plane(self, plane: Plane | None = None, points: tuple[int, int] = (256, 256)) -> TemperatureField:
        """Rises on a plane, the top face if None: as `plane_map`."""
        return plane_map(self.device, plane, points)

    def section(self, y: float | None = None, *, points: int = 241, per_layer: int = 15) -> TemperatureField:
        """Rises on a section along x and down through all layers: as `section_map`."""
        return section_map(self.device, y, points=points, per_layer=per_layer)

    def respond(self, time: ArrayLike, waveform: WaveformChoice = "stated") -> TransientTemperatures:
        """Rises against time, with properties of T at the steady state.

        Parameters
        ----------
        time : (nt,) s, above zero; may span many decades
        waveform : "stated", each source on its own waveform: steady ones have been on for ever, steps and counted
            pulses begin at t = 0, trains of pulses have no beginning; "step", all switched on together at t = 0

        Raises
        ------
        InputError
            for layers without heat capacity, or times so short that the box would need too many modes
        """
        return layered_response(self.device, time, waveform)

    def sensitivities(self, names: Sequence[str] | None = None) -> dict[str, float]:
        """Change of the peak per relative change of each number, ∂T/∂ln p, by name, K."""
        found = dict(self.sensitivity) or _peak_sensitivities(self.device, solve_steady(self.device))
        unknown = [name for name in names or () if name not in found]
        if unknown:
            raise InputError(f"{self.title} has no sensitivity to {unknown[0]!r}: it has {', '.join(found)}")
        return found if names is None else {name: found[name] for name in names}


def solve_layered(device: Device, *, sensitivity: bool = True) -> LayeredTemperatures:
    """Steady temperatures of a device with constant power: all sources on.

    Exact for numbers that do not depend on temperature: every point is a single integral over all wave vectors at once
    (`kapitza.device.layered.linear`), without a grid.  For properties that depend on temperature see `solve_steady`.
    The `sensitivity` of the peak to each number comes from one adjoint solution (from differences where properties
    depend on T or layers are heated throughout).
    """
    held = solve_steady(device)
    ready = held.linear
    rises = ready.rise(held.spot)[:, 0]
    drops: dict[str, float] = {}
    for i in range(held.node, len(ready.column.pieces)):
        owner = ready.column.owners[i]
        drops[owner] = drops.get(owner, 0.0) + float(rises[i] - rises[i + 1])
    if np.isfinite(device.coefficient) and rises[-1]:
        drops["sink"] = float(rises[-1])
    slopes = _peak_sensitivities(device, held) if sensitivity else {}
    return LayeredTemperatures(
        device=device,
        title=device.title,
        sink=device.sink,
        power=device.power,
        peak=held.peak,
        place=[float(held.spot.x[0]), float(held.spot.y[0]), ready.column.depths[held.node]],
        layer=_layer_at(ready, held.node),
        average=_patch_averages(device, ready),
        drop=drops,
        sensitivity=slopes,
        contribution=_uncertainty_contributions(device, slopes, held.kelvin),
        kelvin=held.kelvin,
        iterations=held.iterations,
    )


def _layer_at(ready: LinearDevice, node: int) -> str:
    """Layer that a node lies in, or on the face of."""
    i = min(node, len(ready.column.pieces) - 1)
    plane = next((p for p, mark in zip(ready.planes, ready.column.marks, strict=True) if mark == node), None)
    return ready.column.owners[i] if plane is None else plane.layer


def _patch_averages(device: Device, ready: LinearDevice) -> dict[str, float]:
    """Rise averaged over the patch of each source that has one, and over each patch of the device, by name, K."""
    found: dict[str, float] = {}
    for name, (plane, patch) in averaging_patches(device).items():
        found[name] = float(ready.rise(patch, ready.node(plane))[0])
    return found
