"""What a fit of a lamella minimises: maps and powers against a scan, priors, and the noise of the map of t/λ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.experiment import Curve
from kapitza.measure.lamella.description import LamellaMap, RelativeThickness
from kapitza.measure.lamella.scan import (
    LamellaDataSet,
    LamellaScan,
    lamella_stack,
    pad_names,
    scan_derivatives,
    split_parts,
)
from kapitza.measure.lamella.sheet import Drive, SheetMesh, SheetSolution, pad_power, thickness_outflow
from kapitza.measure.problem import FitProblem, Free, Prior, resolve_parameters

_LEAST_MODE = 1e-2  # standard uncertainties of the data, below which a mode of the noise does nothing
_POWER_SIGMA = 0.01  # share to which powers count when modes are chosen
_LEAST_VARIANCE = 1e-8  # of the largest of the modes of the map
_PAD_PRIOR = 1.0  # share of the temperature of a pad: as good as nothing known
_MAX_CACHED_SCANS = 4
_SEEN_SIGMAS = 3.0  # of the fall of temperature between the halves of a map, from which on it is seen


def noise_places(mesh: SheetMesh) -> tuple[Array, Array]:
    """Places (s,) along x and y where a sheet takes its thickness: quadrangles, then sides of pads and planes, m."""
    columns = [0, *mesh.first[1:], mesh.x.shape[0] - 1]
    y = (mesh.y[1:] + mesh.y[:-1]) / 2
    sides = np.concatenate([(mesh.x[column, 1:] + mesh.x[column, :-1]) / 2 for column in columns])
    return np.concatenate([mesh.centre[0], sides]), np.concatenate([mesh.centre[1], np.tile(y, len(columns))])


def noise_factor(thickness: RelativeThickness, x: Array, y: Array) -> NDArray[np.float64]:
    """(s, r) factor of the covariance of t/λ at places (s,), m: independent standard numbers times it are the noise."""
    from scipy.sparse import csr_array

    index, weight = thickness.neighbours(x, y)
    used, inverse = np.unique(index.ravel(), return_inverse=True)
    rows = np.repeat(np.arange(x.size), index.shape[1])
    sampled: Any = csr_array((weight.ravel(), (rows, inverse)), shape=(x.size, used.size))
    sigma = np.zeros(used.size) if thickness.sigma is None else thickness.sigma.ravel()[used]
    held: Any = sampled @ csr_array((sigma, (range(used.size),) * 2))
    factor: Any = held @ _correlation_factor(thickness, used) if thickness.correlation > 0 else held
    if factor.shape[1] <= x.size:
        return factor if thickness.correlation > 0 else factor.toarray()
    # fewer numbers than there are modes of the map do the same
    covariance = factor @ factor.T
    value, vector = np.linalg.eigh(covariance if thickness.correlation > 0 else covariance.toarray())
    kept = value > _LEAST_VARIANCE * value[-1]
    return vector[:, kept] * np.sqrt(value[kept])


def _correlation_factor(thickness: RelativeThickness, used: NDArray[np.intp]) -> NDArray[np.float64]:
    """(u, r) factor of the correlation of some pixels (u,): products of the modes along x and along y."""
    j, i = np.divmod(used, thickness.x.size)
    (columns, i), (rows, j) = (np.unique(one, return_inverse=True) for one in (i, j))
    along, across = thickness.correlations()
    (value_x, mode_x), (value_y, mode_y) = (
        np.linalg.eigh(one[np.ix_(places, places)]) for one, places in ((along, columns), (across, rows))
    )
    strength = np.outer(value_y, value_x)
    b, a = np.nonzero(strength > _LEAST_VARIANCE * strength.max())
    return mode_y[j][:, b] * mode_x[i][:, a] * np.sqrt(strength[b, a])


@frozen(eq=False)
class ThicknessNoise(BaseRecord):
    """What the noise of a map of t/λ does to data: `shift` (n + m, r) of pixels, K, and of ln P of all m maps."""

    shift: NDArray[np.float64]

    def modes(self, rows: NDArray[np.intp], sigma: Array) -> tuple[NDArray[np.float64], Array]:
        """(n, q) orthonormal patterns in data of these rows and uncertainties, and the (q,) variance of each."""
        return _orthonormal(self.shift[rows] / sigma[:, None])


def _orthonormal(shift: NDArray[np.float64]) -> tuple[NDArray[np.float64], Array]:
    """Patterns (n, q) of what is shifted by (n, r), and the variance of each."""
    value, vector = np.linalg.eigh(shift.T @ shift)
    kept = value > _LEAST_MODE**2
    return shift @ (vector[:, kept] / np.sqrt(value[kept])), value[kept]


def thickness_noise(scan: LamellaScan) -> ThicknessNoise:
    """What the noise of the map of t/λ of a scan does to its pixels and powers, by derivatives."""
    mesh = scan.make_sheet().mesh
    lamella = scan.lamella
    factor = lamella.inelastic_mean_free_path * noise_factor(lamella.thickness, *noise_places(mesh))
    rows: list[NDArray[Any]] = []
    powers: list[NDArray[Any]] = []
    sizes: list[Array] = []
    for one, eye, used, held in zip(scan.solutions(), scan.weights(), scan.measured_pixels, scan.maps, strict=True):
        change, given = thickness_outflow(one.sheet, one.drive, one.temperature)
        moved = one.response(change @ factor)
        rows.append(split_parts(scan.temperature_scale * eye.apply(moved, mesh)[used]))
        powers.append(_power_shift(one, moved, given @ factor))
        sizes.append(np.tile(held.sigma[used], 2 if held.frequency else 1))
    shift = np.vstack([*rows, *powers])
    # modes that the data do not feel are left out
    size = np.concatenate([*sizes, np.full(len(powers), _POWER_SIGMA)])
    pattern, variance = _orthonormal(shift / size[:, None])
    return ThicknessNoise(size[:, None] * pattern * np.sqrt(variance))


def _power_shift(one: SheetSolution, moved: NDArray[Any], direct: NDArray[Any]) -> NDArray[Any]:
    """(r,) shift of ln P where temperatures of the nodes move by (nodes, r), and what pads conduct by `direct`, W."""
    undriven = Drive(0.0, 0.0, one.drive.omega, one.drive.mean)
    through = [pad_power(one.sheet, undriven, moved[:, j]).real for j in range(moved.shape[1])]
    return (np.array(through) + np.real(direct)) / one.power.real


@frozen(eq=False)
class LamellaProblem(FitProblem):
    """What a fit of a lamella minimises, with derivatives from the factors of each solution.

    `thickness` is what the noise of the map of t/λ does to the data; None for an exact map.
    """

    thickness: ThicknessNoise | None = field(default=None, kw_only=True)
    _scans: dict[bytes, LamellaScan] = field(init=False, repr=False, factory=dict)
    _modes: list[tuple[NDArray[np.float64], Array]] = field(init=False, repr=False, factory=list)

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
    def data_rows(self) -> NDArray[np.intp]:
        """(n,) places of the data among all pixels and powers: a power that was not measured is left out."""
        maps = self.scan.maps
        pixels = self.rows - sum(1 for one in maps if one.power)
        return np.array([*range(pixels), *(pixels + i for i, one in enumerate(maps) if one.power)], dtype=np.intp)

    def thickness_modes(self) -> tuple[NDArray[np.float64], Array]:
        """(n, q) patterns of the noise of t/λ in the data, and the (q,) variance of each; q = 0 for an exact map."""
        if not self._modes:
            none = np.zeros((self.rows, 0)), np.zeros(0)
            self._modes.append(none if self.thickness is None else self.thickness.modes(self.data_rows, self.sigma[0]))
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
        return whiten_common(
            found, *self.thickness.modes(rows, np.concatenate([self.sigma[0], np.full(len(powers), share)]))
        )

    def jacobian(self, x: Array, order: int = 2) -> NDArray[Any]:
        """(n, p) derivatives of the residuals of the data; `order` is that of differences, not taken."""
        return self.weigh(self.derivatives(x))


def whiten_common(values: NDArray[Any], pattern: NDArray[np.float64], variance: Array) -> NDArray[Any]:
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
    _check_maps(scan)
    known = any(f"{one.name}.conductivity" not in priors for one in scan.lamella.materials)
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
    used = scan.measured_pixels
    value = np.concatenate([split_parts(one.temperature[at]) for one, at in zip(scan.maps, used, strict=True)])
    sigma = [np.tile(one.sigma[at], 2 if one.frequency else 1) for one, at in zip(scan.maps, used, strict=True)]
    shares = np.array([one.power_sigma for one in scan.maps if one.power])
    value, sigmas = np.concatenate([value, np.zeros(shares.size)]), np.concatenate([*sigma, shares])
    curve = Curve(np.arange(value.size), value, sigmas, kind="temperature")
    sample = LamellaDataSet(scan, curve, lamella_stack(lamella))
    parameters = resolve_parameters((sample,), {name: Free() for name in free}, pads | dict(priors), {})
    return LamellaProblem((sample,), parameters, (sigmas,), ordered=False)


def _check_maps(scan: LamellaScan) -> None:
    if not scan.maps or len({one.name for one in scan.maps}) < len(scan.maps):
        names = ", ".join(one.name for one in scan.maps) or "none"
        raise InputError(f"expected one map or more, each with a name of its own, got {names}")
    for one, used in zip(scan.maps, scan.measured_pixels, strict=True):
        if used.sum() < 8:
            raise InputError(f"map {one.name!r} has {used.sum()} pixels with a temperature on the lamella: expected 8")


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
