"""A scan of a lamella as the experiment that a fit takes: what maps and powers show, and how that follows numbers."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer, Stack
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import COMPLEX_PAD_NAMES, PAD_NAMES, Lamella, LamellaMap
from kapitza.measure.lamella.sheet import (
    Drive,
    Sheet,
    SheetMesh,
    SheetResolution,
    SheetSolution,
    column_places,
    make_sheet,
    outflow,
    pad_power,
    sheet_resolution,
    solve_sheet,
)
from kapitza.measure.problem import DataSet, Parameter

_FAR_WIDTHS = 9.0  # widths from where a normal kernel sees no kink
_SPREAD_NAMES = ("spread.width", "spread.share", "spread.length")
_SCALE_NAMES = ("temperature_scale", "power_factor")
_STEP = 2e-5  # of differences, of the scale of a coordinate


@frozen(eq=False)
class PixelWeights(BaseRecord):
    """What pixels (ny, nx) see of the columns of a mesh: `weight` (ny, nx, nc) along rows between two of the mesh."""

    weight: NDArray[np.float64]
    row: NDArray[np.intp]  # (ny,) of the mesh below each row of pixels
    share: Array  # (ny,) of the row above

    def apply(self, temperature: NDArray[Any], mesh: SheetMesh) -> NDArray[Any]:
        """(ny, nx) temperatures seen of nodes (nodes,), or (ny, nx, m) of m solutions (nodes, m), K."""
        grid = temperature.reshape(*mesh.x.shape, -1).swapaxes(0, 1)
        share = self.share[:, None, None]
        rows = grid[self.row] * (1 - share) + grid[self.row + 1] * share
        return (self.weight @ rows).reshape(*self.weight.shape[:2], *temperature.shape[1:])


def pixel_weights(mesh: SheetMesh, x: Array, y: Array, spread: PointSpread) -> PixelWeights:
    r"""How pixels at x (nx,) and y (ny,) see a mesh, m.

    Along a row the temperature is linear between nodes, with jumps at planes: a sum of ramps and steps, which the
    kernel turns into its own.  The kernel is round, so that along a row at angle $\theta$ to the normal of a plane it
    is wider by $1/\cos\theta$; the first plane counts.  Beyond the pads the end pieces go on straight.
    """
    place = (y - mesh.y[0]) / (mesh.y[1] - mesh.y[0])
    row = np.clip(place.astype(int), 0, mesh.y.size - 2)
    nodes = column_places(mesh.edges, mesh.resolution, y - (mesh.y[0] + mesh.y[-1]) / 2).T  # (ny, nc)
    slope = mesh.edges[1, 1] + 2 * mesh.edges[1, 2] * (y - (mesh.y[0] + mesh.y[-1]) / 2)
    cosine = (1 / np.hypot(1, slope))[:, None, None]
    distance = (x[:, None] - nodes[:, None, :]) * cosine  # (ny, nx, nc)
    ramp = np.maximum(distance, 0.0)
    near = np.abs(distance) < _FAR_WIDTHS * spread.width if spread.share == 0 else np.ones(distance.shape, dtype=bool)
    ramp[near] = spread.ramp(distance[near])  # elsewhere the kernel leaves a straight line as it is
    ramp /= cosine
    ramp[..., 0], ramp[..., -1] = distance[..., 0] / cosine[..., 0], 0.0
    weight = np.zeros_like(distance)
    weight[..., 0] = 1.0
    inner = np.setdiff1d(np.arange(nodes.shape[1] - 1), mesh.last)  # a column here and the next bound a quadrangle
    piece = (ramp[..., inner] - ramp[..., inner + 1]) / (nodes[:, inner + 1] - nodes[:, inner])[:, None, :]
    weight[..., inner + 1] += piece
    weight[..., inner] -= piece
    for right in mesh.first[1:]:
        step = spread.step(distance[..., right].ravel()).reshape(distance.shape[:2])
        weight[..., right] += step
        weight[..., right - 1] -= step
    return PixelWeights(weight, row, place - row)


def pad_names(one: LamellaMap) -> tuple[str, ...]:
    """Names of the temperatures of the pads in a map: two, or real and imaginary parts of a lock-in map."""
    return tuple(f"{one.name}.{key}" for key in (COMPLEX_PAD_NAMES if one.frequency else PAD_NAMES))


def _pad_array(one: LamellaMap) -> NDArray[Any]:
    """(2,) temperatures of the pads, real in steady maps."""
    return one.pad_temperatures if one.frequency else np.real(one.pad_temperatures)


def _pad_values(one: LamellaMap) -> tuple[float, ...]:
    real, imaginary = np.real(one.pad_temperatures), np.imag(one.pad_temperatures)
    return tuple(np.column_stack([real, imaginary] if one.frequency else [real]).ravel().tolist())


@frozen(eq=False, kw_only=True)
class LamellaScan(BaseRecord):
    """Maps of a lamella through one point spread, and the heat that flowed meanwhile.

    `temperature_scale` multiplies the temperatures that maps show, `power_factor` the powers.
    """

    lamella: Lamella
    maps: tuple[LamellaMap, ...]
    spread: PointSpread
    resolution: SheetResolution
    temperature_scale: float = 1.0
    power_factor: float = 1.0
    name: str = "scan"
    sheet: Sheet | None = field(default=None, repr=False)  # another one, whose mesh may serve again
    _solved: list[tuple[SheetSolution, ...]] = field(init=False, repr=False, factory=list)
    _weights: list[tuple[PixelWeights, ...]] = field(init=False, repr=False, factory=list)

    @property
    def parameters(self) -> dict[str, float]:
        """All numbers by name, SI."""
        spread = {name: float(getattr(self.spread, name.rpartition(".")[2])) for name in _SPREAD_NAMES}
        pads = {name: v for one in self.maps for name, v in zip(pad_names(one), _pad_values(one), strict=True)}
        return self.lamella.parameters | spread | {name: getattr(self, name) for name in _SCALE_NAMES} | pads

    def replace(self, changes: Mapping[str, float]) -> Self:
        """The same with other numbers, by name."""
        own: dict[str, Any] = {key: value for key, value in changes.items() if key in _SCALE_NAMES}
        spread = {key.rpartition(".")[2]: value for key, value in changes.items() if key in _SPREAD_NAMES}
        if spread:
            own["spread"] = evolve(self.spread, **spread)
        known = {name for one in self.maps for name in pad_names(one)}
        if pads := {key: value for key, value in changes.items() if key in known}:
            own["maps"] = tuple(_with_pads(one, pads) for one in self.maps)
        rest = {key: value for key, value in changes.items() if key not in {*_SCALE_NAMES, *_SPREAD_NAMES, *known}}
        return evolve(self, lamella=self.lamella.replace(rest) if rest else self.lamella, **own)

    def drives(self) -> tuple[Drive, ...]:
        """What drives the heat in each map."""
        return tuple(
            Drive(pads[0], pads[-1], 2 * np.pi * one.frequency, one.mean_temperature)
            for one, pads in zip(self.maps, (_pad_array(one) for one in self.maps), strict=True)
        )

    def make_sheet(self) -> Sheet:
        """Sheet of the lamella."""
        if self.sheet is not None and self.sheet.lamella is self.lamella:
            return self.sheet
        return make_sheet(self.lamella, self.resolution, None if self.sheet is None else self.sheet.mesh)

    def solutions(self) -> tuple[SheetSolution, ...]:
        """Temperatures of the lamella in each map."""
        if not self._solved:
            sheet = self.make_sheet()
            self._solved.append(tuple(solve_sheet(sheet, drive) for drive in self.drives()))
        return self._solved[0]

    def weights(self) -> tuple[PixelWeights, ...]:
        """What the pixels of each map see of the nodes."""
        if not self._weights:
            sheet = self._solved[0][0].sheet if self._solved and self.maps else self.make_sheet()
            mesh = sheet.mesh
            rows: dict[tuple[bytes, bytes], PixelWeights] = {}
            for one in self.maps:
                key = (one.x.tobytes(), one.y.tobytes())
                if key not in rows:
                    rows[key] = pixel_weights(mesh, one.x, one.y, self.spread)
            self._weights.append(tuple(rows[one.x.tobytes(), one.y.tobytes()] for one in self.maps))
        return self._weights[0]

    def images(self) -> tuple[NDArray[Any], ...]:
        """(ny, nx) temperatures that each map shows, K."""
        pairs = zip(self.solutions(), self.weights(), strict=True)
        return tuple(self.temperature_scale * eye.apply(one.temperature, one.sheet.mesh) for one, eye in pairs)

    def powers(self) -> tuple[float, ...]:
        """Heat through the lamella in each map as its power is measured, W."""
        return tuple(self.power_factor * one.power.real for one in self.solutions())

    def predict(self, stack: Stack) -> Array:
        """(n,) temperatures of pixels, K, then logarithms of powers over the measured ones; `stack` does not matter."""
        del stack
        parts = [split_parts(seen[used]) for seen, used in zip(self.images(), self.measured_pixels, strict=True)]
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = zip(self.powers(), self.maps, strict=True)
            ratios = [np.log(power / one.power) for power, one in pairs if one.power]
        return np.concatenate([*parts, np.array(ratios)])

    @property
    def measured_pixels(self) -> tuple[NDArray[np.bool_], ...]:
        """(ny, nx) pixels of each map with a temperature."""
        return tuple(np.isfinite(one.temperature) for one in self.maps)


def _with_pads(one: LamellaMap, values: Mapping[str, float]) -> LamellaMap:
    new = [values.get(name, old) for name, old in zip(pad_names(one), _pad_values(one), strict=True)]
    pads = [complex(*new[:2]), complex(*new[2:])] if one.frequency else new
    return evolve(one, pad_temperatures=pads)


def split_parts(values: NDArray[Any]) -> Array:
    """(n,) numbers as they are, or (2n,) real, then imaginary parts."""
    return np.concatenate([np.real(values), np.imag(values)]) if np.iscomplexobj(values) else values


def scan_derivatives(scan: LamellaScan, parameters: tuple[Parameter, ...], x: Array) -> NDArray[np.float64]:
    """(n + m, p) change of what a scan shows with coordinates (p,): pixels, then the logarithm of each of m powers.

    Outflow and observation are differenced at temperatures that stand still, and what that leaves is answered by the
    factors of the solution: no further system is solved.
    """
    solved, eyes, pixels = scan.solutions(), scan.weights(), scan.measured_pixels
    changes = [_still_changes(scan, one, float(u)) for one, u in zip(parameters, x, strict=True)]
    rows: list[NDArray[Any]] = []
    powers: list[NDArray[Any]] = []
    for i, (one, eye, used) in enumerate(zip(solved, eyes, pixels, strict=True)):
        flow = np.column_stack([change[i][0] for change in changes])
        moved = one.response(flow)
        mesh = one.sheet.mesh
        seen = scan.temperature_scale * eye.apply(moved, mesh) + np.stack([change[i][1] for change in changes], axis=-1)
        rows.append(split_parts(seen[used]))
        undriven = Drive(0.0, 0.0, one.drive.omega, one.drive.mean)
        through = np.array([pad_power(one.sheet, undriven, moved[:, j]).real for j in range(len(changes))])
        direct = np.array([change[i][2] for change in changes])
        powers.append(through / one.power.real + direct)
    return np.vstack([*rows, np.array(powers)])


def _still_changes(scan: LamellaScan, parameter: Parameter, u: float) -> list[tuple[NDArray[Any], NDArray[Any], float]]:
    """Of each map the change of outflow, of pixels, and of ln(power) with a coordinate while the nodes stay."""
    step = _STEP * min(1.0, parameter.width)
    names = [target.name for target in parameter.targets]
    ends = [scan.replace(dict.fromkeys(names, parameter.value(u + side * step))) for side in (1, -1)]
    ends = [evolve(end, sheet=scan.solutions()[0].sheet) for end in ends]
    sheets = [end.make_sheet() for end in ends]
    ends = [evolve(end, sheet=sheet) for end, sheet in zip(ends, sheets, strict=True)]
    found: list[tuple[NDArray[Any], NDArray[Any], float]] = []
    optics = any(end.spread is not scan.spread for end in ends)
    moved = any(sheet.mesh is not scan.solutions()[0].sheet.mesh for sheet in sheets)
    for i, one in enumerate(scan.solutions()):
        drives = [end.drives()[i] for end in ends]
        pairs = list(zip(sheets, drives, strict=True))
        flows = [outflow(sheet, drive, one.temperature) for sheet, drive in pairs]
        heats = [
            end.power_factor * pad_power(*pair, one.temperature).real for end, pair in zip(ends, pairs, strict=True)
        ]
        if optics or moved:
            images = [
                end.temperature_scale * end.weights()[i].apply(one.temperature, sheet.mesh)
                for end, sheet in zip(ends, sheets, strict=True)
            ]
            change = (images[0] - images[1]) / (2 * step)
        else:
            rise = (ends[0].temperature_scale - ends[1].temperature_scale) / (2 * step)
            change = rise * scan.weights()[i].apply(one.temperature, one.sheet.mesh)
        direct = (heats[0] - heats[1]) / (2 * step) / (scan.power_factor * one.power.real)
        found.append(((flows[0] - flows[1]) / (2 * step), change, direct))
    return found


def may_be_negative(name: str) -> bool:
    """Whether a number of a scan may be negative, by its name."""
    return name.rpartition(".")[2] in ("exponent", "position", "angle", "bow", *COMPLEX_PAD_NAMES)


@frozen(eq=False)
class LamellaDataSet(DataSet):
    """A scan of a lamella, all numbers of which go by the names that the scan has for them."""

    def split_changes(self, changes: Mapping[str, float]) -> tuple[dict[str, float], dict[str, Any]]:
        """All changes are those of the scan."""
        return dict(changes), {}

    def names(self) -> tuple[str, ...]:
        """All numbers that a fit could move here."""
        return tuple(self.experiment.parameters)

    def value(self, name: str) -> float | None:
        """Present value of a number."""
        return self.experiment.parameters.get(name)

    def may_be_negative(self, name: str) -> bool:
        """Exponents, places, angles and bows of planes, and amplitudes of lock-in maps may be."""
        return may_be_negative(name)


def lamella_stack(lamella: Lamella) -> Stack:
    """The lamella along its axis as layers."""
    edges = [lamella.left, *(plane.position for plane in lamella.planes), lamella.right]
    lengths = np.diff(edges).tolist()
    layers = [Layer(one.name, d, one.conductivity) for one, d in zip(lamella.materials, lengths, strict=True)]
    return Stack(layers, [1 / plane.resistance for plane in lamella.planes])


def lamella_scan(
    lamella: Lamella, maps: tuple[LamellaMap, ...], spread: PointSpread, columns: int = 48, rows: int = 16
) -> LamellaScan:
    """Scan of a lamella on a mesh of about so many columns and rows; pixels beside the lamella are left out."""
    kept = tuple(evolve(one, temperature=np.where(one.pixels_on(lamella), one.temperature, np.nan)) for one in maps)
    mesh = sheet_resolution(lamella, columns, rows)
    return LamellaScan(lamella=lamella, maps=kept, spread=spread, resolution=mesh)
