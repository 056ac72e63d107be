"""A scan of a lamella as the experiment that a fit takes, and what the fit minimises: pixels, powers, and priors."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IndexArray
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer, Stack
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.experiment import Curve
from kapitza.measure.lamella.description import COMPLEX_PAD_NAMES, PAD_NAMES, Lamella, LamellaMap, RelativeThickness
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
    thickness_outflow,
)
from kapitza.measure.problem import DataSet, FitProblem, Free, Parameter, Prior, resolve_parameters

_FAR_WIDTHS = 9.0  # widths from where a normal kernel sees no kink
_SPREAD_NAMES = ("spread.width", "spread.share", "spread.length")
_SCALE_NAMES = ("temperature_scale", "power_factor")
_STEP = 2e-5  # of differences, of the scale of a coordinate
_LEAST_MODE = 1e-2  # standard uncertainties of the data, below which a mode of the noise does nothing
_POWER_SIGMA = 0.01  # share to which powers count when modes are chosen
_LEAST_VARIANCE = 1e-8  # of the largest of the modes of the map
_PAD_PRIOR = 1.0  # share of the temperature of a pad: as good as nothing known
_MAX_CACHED_SCANS = 4
_SEEN_SIGMAS = 3.0  # of the fall of temperature between the halves of a map, from which on it is seen


@frozen(eq=False)
class PixelWeights(BaseRecord):
    """What pixels (ny, nx) see of the columns of a mesh: `weight` (ny, nx, nc) along rows between two of the mesh."""

    weight: Array
    row: IndexArray  # (ny,) of the mesh below each row of pixels
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
        if known & changes.keys():
            maps: list[LamellaMap] = []
            for one in self.maps:
                pads: Any = [changes.get(name, old) for name, old in zip(pad_names(one), _pad_values(one), strict=True)]
                both = [complex(*pads[:2]), complex(*pads[2:])] if one.frequency else pads
                maps.append(evolve(one, pad_temperatures=both))
            own["maps"] = tuple(maps)
        rest = {key: value for key, value in changes.items() if key not in {*_SCALE_NAMES, *_SPREAD_NAMES, *known}}
        return evolve(self, lamella=self.lamella.replace(rest) if rest else self.lamella, **own)

    def drives(self) -> tuple[Drive, ...]:
        """What drives the heat in each map."""
        pads = [one.pad_temperatures if one.frequency else np.real(one.pad_temperatures) for one in self.maps]
        return tuple(
            Drive(left, right, 2 * np.pi * one.frequency, one.mean_temperature)
            for one, (left, right) in zip(self.maps, pads, strict=True)
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
            grids = {(one.x.tobytes(), one.y.tobytes()): (one.x, one.y) for one in self.maps}
            seen = {key: pixel_weights(sheet.mesh, *grid, self.spread) for key, grid in grids.items()}
            self._weights.append(tuple(seen[one.x.tobytes(), one.y.tobytes()] for one in self.maps))
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
    def measured_pixels(self) -> tuple[BoolArray, ...]:
        """(ny, nx) pixels of each map with a temperature."""
        return tuple(np.isfinite(one.temperature) for one in self.maps)


def split_parts(values: NDArray[Any]) -> Array:
    """(n,) numbers as they are, or (2n,) real, then imaginary parts."""
    return np.concatenate([np.real(values), np.imag(values)]) if np.iscomplexobj(values) else values


def scan_derivatives(scan: LamellaScan, parameters: tuple[Parameter, ...], x: Array) -> Array:
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
        seen = np.stack([change[i][1] for change in changes], axis=-1)
        rows.append(split_parts((scan.temperature_scale * eye.apply(moved, one.sheet.mesh) + seen)[used]))
        direct = np.array([change[i][2] for change in changes])
        powers.append(one.undriven_power(moved) / one.power.real + direct)
    return np.vstack([*rows, np.array(powers)])


def _still_changes(scan: LamellaScan, parameter: Parameter, u: float) -> list[tuple[NDArray[Any], NDArray[Any], float]]:
    """Of each map the change of outflow, of pixels, and of ln(power) with a coordinate while the nodes stay."""
    step = _STEP * min(1.0, parameter.width)
    names = [target.name for target in parameter.targets]
    ends = [scan.replace(dict.fromkeys(names, parameter.value(u + side * step))) for side in (1, -1)]
    sheets = [evolve(end, sheet=scan.solutions()[0].sheet).make_sheet() for end in ends]
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


def lamella_scan(
    lamella: Lamella, maps: tuple[LamellaMap, ...], spread: PointSpread, columns: int = 48, rows: int = 16
) -> LamellaScan:
    """Scan of a lamella on a mesh of about so many columns and rows; pixels beside the lamella are left out."""
    kept = tuple(evolve(one, temperature=np.where(one.pixels_on(lamella), one.temperature, np.nan)) for one in maps)
    mesh = sheet_resolution(lamella, columns, rows)
    return LamellaScan(lamella=lamella, maps=kept, spread=spread, resolution=mesh)


def noise_factor(thickness: RelativeThickness, x: Array, y: Array) -> Array:
    """(s, r) factor of the covariance of t/λ at places (s,), m: independent standard numbers times it are the noise."""
    from scipy.sparse import csr_array

    index, weight = thickness.neighbours(x, y)
    used, inverse = np.unique(index.ravel(), return_inverse=True)
    rows = np.repeat(np.arange(x.size), index.shape[1])
    sampled: Any = csr_array((weight.ravel(), (rows, inverse)), shape=(x.size, used.size))
    sigma = np.zeros(used.size) if thickness.sigma is None else thickness.sigma.ravel()[used]
    held: Any = sampled @ csr_array((sigma, (range(used.size),) * 2))
    factor: Any = held
    if thickness.correlation > 0:  # of the pixels that are used: products of the modes along x and along y
        j, i = np.divmod(used, thickness.x.size)
        (columns, i), (lines, j) = (np.unique(places, return_inverse=True) for places in (i, j))
        pairs = zip(thickness.correlations(), (columns, lines), strict=True)
        (value_x, mode_x), (value_y, mode_y) = (np.linalg.eigh(full[np.ix_(some, some)]) for full, some in pairs)
        strength = np.outer(value_y, value_x)
        b, a = np.nonzero(strength > _LEAST_VARIANCE * strength.max())
        factor = held @ (mode_y[j][:, b] * mode_x[i][:, a] * np.sqrt(strength[b, a]))
    if factor.shape[1] <= x.size:
        return factor if thickness.correlation > 0 else factor.toarray()
    # fewer numbers than there are modes of the map do the same
    covariance = factor @ factor.T
    value, vector = np.linalg.eigh(covariance if thickness.correlation > 0 else covariance.toarray())
    kept = value > _LEAST_VARIANCE * value[-1]
    return vector[:, kept] * np.sqrt(value[kept])


def _orthonormal(shift: Array) -> tuple[Array, Array]:
    """(n, q) orthonormal patterns in data that are shifted by (n, r), and the (q,) variance of each."""
    value, vector = np.linalg.eigh(shift.T @ shift)
    kept = value > _LEAST_MODE**2
    return shift @ (vector[:, kept] / np.sqrt(value[kept])), value[kept]


def thickness_noise(scan: LamellaScan) -> Array:
    """(n + m, r) shifts of pixels, K, and of ln P of all m maps, by the noise of the map of t/λ, with derivatives."""
    mesh, lamella = scan.make_sheet().mesh, scan.lamella
    # where a sheet takes its thickness: quadrangles, then sides of pads and planes
    columns = [0, *mesh.first[1:], mesh.x.shape[0] - 1]
    x = np.concatenate([mesh.centre[0], *((mesh.x[column, 1:] + mesh.x[column, :-1]) / 2 for column in columns)])
    y = np.concatenate([mesh.centre[1], np.tile((mesh.y[1:] + mesh.y[:-1]) / 2, len(columns))])
    factor = lamella.inelastic_mean_free_path * noise_factor(lamella.thickness, x, y)
    rows: list[NDArray[Any]] = []
    powers: list[NDArray[Any]] = []
    sizes: list[Array] = []
    for one, eye, used, held in zip(scan.solutions(), scan.weights(), scan.measured_pixels, scan.maps, strict=True):
        change, given = thickness_outflow(one.sheet, one.drive, one.temperature)
        moved = one.response(change @ factor)
        rows.append(split_parts(scan.temperature_scale * eye.apply(moved, mesh)[used]))
        powers.append((one.undriven_power(moved) + np.real(given @ factor)) / one.power.real)
        sizes.append(np.tile(held.sigma[used], 2 if held.frequency else 1))
    shift = np.vstack([*rows, *powers])
    # modes that the data do not feel are left out
    size = np.concatenate([*sizes, np.full(len(powers), _POWER_SIGMA)])
    pattern, variance = _orthonormal(shift / size[:, None])
    return size[:, None] * pattern * np.sqrt(variance)


@frozen(eq=False)
class LamellaProblem(FitProblem):
    """What a fit of a lamella minimises, with derivatives from the factors of each solution.

    `thickness` is what the noise of the map of t/λ does to the data, as of `thickness_noise`; None for an exact map.
    """

    thickness: Array | None = field(default=None, kw_only=True)
    _scans: dict[bytes, LamellaScan] = field(init=False, repr=False, factory=dict)
    _modes: list[tuple[Array, Array]] = field(init=False, repr=False, factory=list)

    @property
    def scan(self) -> LamellaScan:
        """The scan with the numbers that it was given."""
        held = self.samples[0].experiment
        if not isinstance(held, LamellaScan):
            raise InputError(f"expected a scan of a lamella, got {held.name}")
        return held

    def scan_at(self, x: Array) -> LamellaScan:
        """The scan at coordinates (p,)."""
        key = np.asarray(x).tobytes()
        if key not in self._scans:
            last = next(reversed(self._scans.values()), None)
            sheet = None if last is None else last.make_sheet()
            if len(self._scans) >= _MAX_CACHED_SCANS:
                del self._scans[next(iter(self._scans))]
            self._scans[key] = evolve(self.scan, sheet=sheet).replace(self.changes(0, x))
        return self._scans[key]

    def prediction(self, sample: int, x: Array) -> Array:
        """(n,) pixels, K, and logarithms of powers at coordinates (p,); NaN where no lamella has such numbers."""
        try:
            return self.scan_at(x).predict(self.samples[sample].stack)
        except (InputError, ConvergenceError):
            return np.full(self.samples[sample].curve.value.size, np.nan)

    def derivatives(self, x: Array) -> NDArray[Any]:
        """(n + m, p) derivatives of the pixels and of the logarithms of all m powers, measured or not."""
        return scan_derivatives(self.scan_at(x), self.parameters, x)

    def data_residual(self, x: Array) -> Array:
        """(n,) differences from the data in standard uncertainties, free of what the noise of t/λ has in common."""
        return self.whiten(super().data_residual(x))

    @property
    def data_rows(self) -> IndexArray:
        """(n,) places of the data among all pixels and powers: a power that was not measured is left out."""
        maps = self.scan.maps
        pixels = self.rows - sum(1 for one in maps if one.power)
        return np.array([*range(pixels), *(pixels + i for i, one in enumerate(maps) if one.power)], dtype=np.intp)

    def thickness_modes(self) -> tuple[Array, Array]:
        """(n, q) patterns of the noise of t/λ in the data, and the (q,) variance of each; q = 0 for an exact map."""
        if not self._modes:
            shift = np.zeros((self.rows, 0)) if self.thickness is None else self.thickness[self.data_rows]
            self._modes.append(_orthonormal(shift / self.sigma[0][:, None]))
        return self._modes[0]

    def whiten(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n, ...) data in standard uncertainties without what the noise of t/λ has in common among them."""
        return whiten_common(values, *self.thickness_modes())

    def weigh(self, derivatives: NDArray[Any], powers: NDArray[Any] | None = None, share: float = 1.0) -> NDArray[Any]:
        """(n, p) derivatives of the residuals of the data from those of pixels and all powers.

        `powers` (m, p) are those of further measurements of all powers with errors of a `share` each.
        """
        found = derivatives[self.data_rows] / self.sigma[0][:, None]
        if powers is None:
            return self.whiten(found)
        found = np.vstack([found, powers / share])
        if self.thickness is None:
            return found
        rows = np.concatenate([self.data_rows, len(derivatives) - len(powers) + np.arange(len(powers))])
        sigma = np.concatenate([self.sigma[0], np.full(len(powers), share)])
        return whiten_common(found, *_orthonormal(self.thickness[rows] / sigma[:, None]))

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the residuals of the data; `order` is that of differences, not taken."""
        return self.weigh(self.derivatives(x))


def whiten_common(values: NDArray[Any], pattern: Array, variance: Array) -> NDArray[Any]:
    """(n, ...) values of the covariance 1 + P diag(variance) Pᵀ times the inverse of its root, P a `pattern` (n, q)."""
    if not variance.size:
        return values
    return values + pattern @ ((((1 + variance) ** -0.5 - 1) * (pattern.T @ values).T).T)


def with_thickness_noise(problem: LamellaProblem, x: Array) -> LamellaProblem:
    """A problem that takes the noise of its map of t/λ into account, with derivatives at coordinates (p,)."""
    if problem.scan.lamella.thickness.exact:
        return problem
    return evolve(problem, thickness=thickness_noise(problem.scan_at(x)))


def lamella_problem(scan: LamellaScan, priors: Mapping[str, Prior], plane: str) -> LamellaProblem:
    """What is to be minimised."""
    lamella = scan.lamella
    if plane not in lamella.plane_names:
        raise InputError(f"no plane {plane!r}: the lamella has {', '.join(lamella.plane_names)}")
    if not scan.maps or len({one.name for one in scan.maps}) < len(scan.maps):
        names = ", ".join(one.name for one in scan.maps) or "none"
        raise InputError(f"expected one map or more, each with a name of its own, got {names}")
    used = scan.measured_pixels
    for one, here in zip(scan.maps, used, strict=True):
        if here.sum() < 8:
            raise InputError(f"map {one.name!r} has {here.sum()} pixels with a temperature on the lamella: expected 8")
    known = any(f"{one.name}.conductivity" not in priors for one in lamella.materials)
    with_prior = any(name.endswith(".conductivity") for name in priors)
    if not (known or with_prior or any(one.power or one.frequency for one in scan.maps)):
        raise InputError("a map gives R/k only: give a power, a prior of a conductivity, or a lock-in map")
    free = [f"{name}.resistance" for name in lamella.plane_names if f"{name}.resistance" not in priors]
    if f"{plane}.resistance" not in free:
        raise InputError(f"{plane}.resistance has a prior: what is sought has none")
    scan = evolve(scan, maps=tuple(_with_pad_estimates(one) for one in scan.maps))
    pads: dict[str, Prior] = {}
    for one in scan.maps:
        size = 10 * float(np.nanmax(np.abs(one.temperature)))
        for name in pad_names(one):
            pads[name] = Prior(None, size) if one.frequency else Prior.relative(_PAD_PRIOR)
    value = np.concatenate([split_parts(one.temperature[at]) for one, at in zip(scan.maps, used, strict=True)])
    sigma = [np.tile(one.sigma[at], 2 if one.frequency else 1) for one, at in zip(scan.maps, used, strict=True)]
    shares = np.array([one.power_sigma for one in scan.maps if one.power])
    value, sigmas = np.concatenate([value, np.zeros(shares.size)]), np.concatenate([*sigma, shares])
    curve = Curve(np.arange(value.size), value, sigmas, kind="temperature")
    edges = [lamella.left, *(one.position for one in lamella.planes), lamella.right]
    lengths = np.diff(edges).tolist()
    layers = [Layer(one.name, d, one.conductivity) for one, d in zip(lamella.materials, lengths, strict=True)]
    sample = LamellaDataSet(scan, curve, Stack(layers, [1 / one.resistance for one in lamella.planes]))
    parameters = resolve_parameters((sample,), {name: Free() for name in free}, pads | dict(priors), {})
    return LamellaProblem((sample,), parameters, (sigmas,), ordered=False)


def check_temperatures(scan: LamellaScan) -> None:
    """Refuse maps below 0 K, maps that do not fall along their power, and maps without a gradient."""
    seen = False
    for one, used in zip(scan.maps, scan.measured_pixels, strict=True):
        if not one.frequency and not one.temperature[used].min() > 0:
            raise InputError(f"map {one.name!r} has a pixel at {one.temperature[used].min():g} K: expected above 0")
        fall, sigma = (0.0, 1.0) if one.frequency else _temperature_fall(one)
        along = fall if one.power is None or one.power > 0 else -fall
        if one.power is not None and along < _SEEN_SIGMAS * sigma:
            raise InputError(
                f"map {one.name!r}: a power of {one.power:g} W, and a temperature that falls by {fall:.3g} ± "
                f"{sigma:.2g} K from the left half to the right one: expected a fall along the power, positive to the "
                "right"
            )
        seen |= bool(one.frequency) or abs(fall) > _SEEN_SIGMAS * sigma
    if not seen:
        raise InputError("no map has a temperature that changes from the left half to the right one: is heat flowing?")


def _temperature_fall(one: LamellaMap) -> tuple[float, float]:
    """Mean temperature of the left half of the pixels of a steady map less that of the right half, K, and its error."""
    used = np.isfinite(one.temperature)
    place = np.broadcast_to(one.x, used.shape)[used]
    left = place < np.median(place)
    if left.all() or not left.any():
        return 0.0, 1.0
    value, variance = np.real(one.temperature)[used], one.sigma[used] ** 2
    parts = [(value[side].mean(), variance[side].sum() / side.sum() ** 2) for side in (left, ~left)]
    return float(parts[0][0] - parts[1][0]), float(parts[0][1] + parts[1][1]) ** 0.5


def _with_pad_estimates(one: LamellaMap) -> LamellaMap:
    """A map with estimates of the temperatures of its pads, the outermost columns where none were given."""
    if one.pad_temperatures.all():
        return one
    columns = np.flatnonzero(np.isfinite(one.temperature).any(axis=0))
    ends = [np.nanmean(one.temperature[:, i]) for i in (columns[0], columns[-1])]
    return evolve(one, pad_temperatures=np.where(one.pad_temperatures == 0, ends, one.pad_temperatures))
