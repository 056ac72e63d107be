"""Width and direction of an interface, as the spectra and the map of a scan show it."""

from itertools import product

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, real_array, square
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.jump import InterfaceJump, fit_jump
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, TemperatureMap, flag_remark
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import nm

_MIN_CONTRAST = 10.0  # standard uncertainties of the step, below which its width says nothing
_LEAST_PIXELS = 6  # good pixels of each side
_SKIPPED = 2.0  # pixels next to the plane that do not tell how the two materials differ
_WIDEST, _WIDTH_STEP = 3.0, 0.1  # of the widths that are tried, in pixels
_FARTHEST, _PLACE_STEP = 1.5, 0.1  # of the places that are tried, in pixels from the plane
_SURE_WIDTH_GAIN = 9.0  # in chi-squared, from which on another width is said
_STEEPEST = np.tan(np.radians(65.0))  # of planes that are tried
_COARSE_STEP = 0.5  # of the end of a plane, in pixels: a first look misses no pixel that changes sides
_REFINEMENT = 3.0  # by which steps shrink from one look to the next
_MAX_LEVELS = 12
_HALF_WINDOW = {1: 9, 2: 9, 3: 5}  # steps to either side, by the number of unknowns of the plane
_WINDOW_SIGMAS = 4.0  # of what is likely, to which a look reaches
_SETTLED = 0.3  # relative change of steps from one look to the next, with which the search ends
_FINEST_STEP = 0.007  # pixels
_MOST_STEPS = (4, 30, 2)  # to either side in a first look: of position, slope and bend
_MOST_BEND = 0.125  # of the height of the map
_PLANE_SIGMAS = 3.0  # of its prior, to which the position is looked for
_LOOSE_PIXELS = 2.0  # standard deviation of a position, when a tilt is looked for
_SURE_TILT_GAIN = 20.0  # in chi-squared, from which on a tilt is beyond doubt: some hundred are tried
_LIKELY_GAIN = 6.0  # from which on it is taken into account: noise gains it in 3 of 200 maps without one
_LEAST_COARSE_GAIN = 2.0  # of a first look, below which a tilt is not looked for
_BINS_PER_PIXEL = 4  # of the profile along the normal
_MIN_ROWS = 3
_LEAST_SIDE = 1.5  # pixels along the normal, from which a side has a gradient


@frozen(eq=False, kw_only=True)
class ObliquePlane(BaseRecord):
    r"""Interface in a map along (y, x): the side of a pixel is the sign of its distance $s$.

    $s = (x - x_0)\cos\theta - (y - y_0)\sin\theta - \kappa\,(y - y_0)^2 / 2\cos^2\theta$: at the row $y_0$ it crosses
    at $x_0$, and a gentle bend $\kappa$ is a parabola along the plane.
    """

    at: float = field(metadata=about("m", "position x at the middle row"))
    tilt: float = field(metadata=about("rad", "angle from the y axis"))
    curvature: float = field(default=0.0, metadata=about("m^-1", "curvature along the plane"))
    middle: float = field(metadata=about("m", "middle row, y"))
    covariance: Array = field(converter=square, metadata=about("m, rad and m^-1", "covariance of at, tilt, curvature"))
    gain: float = field(metadata=about("1", "chi-squared below that of a plane along y"))

    def distance(self, x: Array, y: Array) -> Array:
        """Distances (n,) of points (x, y), m, along the normal, m; negative on the left."""
        aside, cosine = y - self.middle, np.cos(self.tilt)
        bend = 0.5 * self.curvature * np.square(aside / cosine)
        return real_array((x - self.at) * cosine - aside * np.sin(self.tilt) - bend)

    @property
    def sure(self) -> bool:
        """Whether the map shows a tilt or a bend, beyond what the noise of some hundred trials makes."""
        return self.gain > _SURE_TILT_GAIN


@frozen(eq=False, kw_only=True)
class ObliqueJump(BaseRecord):
    """Jump across an oblique plane, with the profile along its normal."""

    plane: ObliquePlane
    profile: Profile
    fit: InterfaceJump


def fit_oblique_jump(
    temperatures: TemperatureMap,
    at: float,
    spread: PointSpread | None = None,
    *,
    at_sigma: float = 0.0,
    curved: bool = False,
    skip: float = 0.0,
    reach: float = np.inf,
    scale_sigma: float = 0.0,
) -> ObliqueJump:
    """Find the plane of an interface in a map, and fit the jump along its normal.

    Every plane of a grid that is refined around the best is given the probability exp(-chi²/2) of its best branches;
    mean and spread of the plane follow, and what the jump varies by among these planes enters its error.  Then
    `fit_jump` is called on the profile along the normal, in bins of a quarter of a pixel, none across the plane.

    Parameters
    ----------
    temperatures : map along (y, x), three rows or more
    at : position x of the interface in the middle row, m
    spread : point spread along the normal; a point if None
    at_sigma : standard uncertainty of the position, m; exact if 0
    curved : whether the interface may bend, by up to an eighth of the height of the map
    skip, reach : only pixels between these distances from the plane are used, m
    scale_sigma : relative standard uncertainty of the temperature scale

    Returns
    -------
    ObliqueJump; gradients are along the normal

    Raises
    ------
    InputError
        for a line, fewer than three rows, or a plane with too few pixels on a side
    """
    search = _pose_search(temperatures, spread, (skip, reach), at, at_sigma, curved=curved)
    plane, between = _search_plane(search)
    profile = _normal_profile(search, plane, temperatures.method)
    fit = fit_jump(profile, plane.at, spread, skip=skip, reach=reach, scale_sigma=scale_sigma)
    grown = np.array(fit.covariance)
    grown[:4, :4] += between
    to_jump = np.array([[1.0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    jump = evolve(fit.jump, covariance=fit.jump.covariance + to_jump @ between @ to_jump.T)
    return ObliqueJump(plane=plane, profile=profile, fit=evolve(fit, jump=jump, covariance=grown))


def find_oblique_plane(
    temperatures: TemperatureMap,
    at: float,
    spread: PointSpread | None = None,
    *,
    at_sigma: float = 0.0,
    skip: float = 0.0,
    reach: float = np.inf,
) -> ObliquePlane | None:
    """Tilted plane through a place that fits a map better than one along y; None where there is none.

    Parameters as of `fit_oblique_jump`; a line or a map of one or two rows has none.  A plane along y may lie some
    pixels off, too, however exact its position is said to be: a wrong position is no tilt.  Better is a chi-squared
    lower by 6: noise alone makes it so in 3 of 200 simulated maps, in 21 of 200 whose position is given a pixel off;
    `ObliquePlane.sure` tells where it is beyond doubt.
    """
    if len(temperatures.position) != 2 or temperatures.shape[0] < _MIN_ROWS:
        return None
    exact = _pose_search(temperatures, spread, (skip, reach), at, at_sigma)
    search = evolve(exact, at_sigma=max(at_sigma, _LOOSE_PIXELS * exact.pitch))
    axes, _ = search.coarse_axes()
    if search.straight_chi2(axes) - search.look(axes)[1].min() < _LEAST_COARSE_GAIN:
        return None
    plane, _ = _search_plane(search)
    return plane if plane.gain > _LIKELY_GAIN else None


def _pose_search(
    temperatures: TemperatureMap, spread: PointSpread | None, used: tuple[float, float], at: float, at_sigma: float,
    *, curved: bool = False,
) -> "_PlaneSearch":  # fmt: skip
    shape = temperatures.shape
    if len(shape) != 2 or shape[0] < _MIN_ROWS:
        raise InputError(f"a map of shape {shape} shows no tilt: expected (y, x) and {_MIN_ROWS} rows or more")
    value, sigma = temperatures.temperature, temperatures.sigma
    good = temperatures.usable("temperature", UNUSABLE_OR_MISFIT)
    y, x = np.meshgrid(*temperatures.position, indexing="ij")
    rows = np.unique(y[good]).size
    if rows < _MIN_ROWS:
        raise InputError(f"{rows} rows of the map hold a good pixel, wanted {_MIN_ROWS}: {flag_remark(temperatures)}")
    return _PlaneSearch(
        x=x[good], y=y[good], value=value[good], sigma=sigma[good], spread=spread or PointSpread(), skip=used[0],
        reach=used[1], pitch=float(np.median(np.diff(np.unique(x[good])))), half=0.5 * float(np.ptp(y[good])),
        at=at, at_sigma=at_sigma, curved=curved,
    )  # fmt: skip


@frozen(eq=False, kw_only=True)
class _PlaneSearch(BaseRecord):
    """Good pixels of a map, how they are seen, and planes about an expected one.

    Planes go by offsets (3,) that each move them by a pixel: position, slope, bend.
    """

    x: Array
    y: Array
    value: Array
    sigma: Array
    spread: PointSpread
    skip: float
    reach: float
    pitch: float  # spacing of columns, m
    half: float  # of the height, m
    at: float
    at_sigma: float
    curved: bool

    @property
    def free(self) -> list[int]:
        """Which of the three are looked for."""
        return [k for k, is_free in enumerate((self.at_sigma > 0, True, self.curved)) if is_free]

    @property
    def scale(self) -> Array:
        """(3,) position (m), slope and curvature (m⁻¹) that move the end of the plane by a pixel."""
        return real_array([self.pitch, self.pitch / self.half, 2 * self.pitch / self.half**2])

    @property
    def limits(self) -> Array:
        """(3,) largest offsets: the position within its prior, all slopes, bends of a part of the height."""
        bend = 2 * self.half * _MOST_BEND / self.pitch if self.curved else 0.0
        return np.array([_PLANE_SIGMAS * self.at_sigma / self.pitch, _STEEPEST / self.scale[1], bend])

    def plane(self, offset: Array) -> ObliquePlane:
        """Plane of an offset."""
        place, slope, bend = (np.array([self.at, 0.0, 0.0]) + offset * self.scale).tolist()
        middle = 0.5 * float(self.y.min() + self.y.max())
        return ObliquePlane(
            at=place, tilt=float(np.arctan(slope)), curvature=bend, middle=middle, covariance=np.zeros((3, 3)), gain=0.0
        )

    def score(self, offset: Array) -> tuple[float, Array]:
        """Chi-squared with the prior of the position, and the best branches (K, K, K m⁻¹, K m⁻¹); infinite where a
        side has no pixel.
        """
        distance = self.plane(offset).distance(self.x, self.y)
        away = np.abs(distance)
        used = (away >= self.skip) & (away <= self.reach)
        sides = (used & (distance < 0), used & (distance > 0))
        if min(side.sum() and np.ptp(distance[side]) / self.pitch for side in sides) < _LEAST_SIDE:
            return np.inf, np.full(4, np.nan)
        size = np.array([1.0, 1.0, 1 / away.max(), 1 / away.max()])
        white = self.spread.branches(distance[used]) * size / self.sigma[used, None]
        data = self.value[used] / self.sigma[used]
        found = np.linalg.solve(white.T @ white, white.T @ data)  # columns of one size: a normal matrix is good enough
        prior = (offset[0] * self.scale[0] / self.at_sigma) ** 2 if self.at_sigma > 0 else 0.0
        # pixels that are left out count as expected: planes with other pixels left out stay comparable
        return float(np.sum((data - white @ found) ** 2) + (~used).sum() + prior), real_array(found * size)

    def coarse_axes(self) -> tuple[list[Array], Array]:
        """Offsets of a first look at all there is, and its steps (3,)."""
        steps = np.maximum(_COARSE_STEP, self.limits / np.maximum(_MOST_STEPS, 1))
        counts = np.ceil(self.limits / steps).astype(int).tolist()
        return [s * np.arange(-n, n + 1) for s, n in zip(steps, counts, strict=True)], steps

    def straight_chi2(self, axes: list[Array]) -> float:
        """Least chi-squared of planes along y."""
        return float(self.look([axes[0], np.zeros(1), np.zeros(1)])[1].min())

    def look(self, axes: list[Array]) -> tuple[Array, Array, Array, Array]:
        """Offsets (n, 3) of a grid, chi-squared (n,), branches (n, 4) and probability (n,)."""
        offsets = real_array(list(product(*axes)))
        scored = [self.score(offset) for offset in offsets]
        chi2 = np.array([total for total, _ in scored])
        if not np.isfinite(chi2).any():
            raise InputError(
                f"no plane near x = {self.at / nm:g} nm has two good columns on either side that are used: the map "
                f"goes from {self.x.min() / nm:g} to {self.x.max() / nm:g} nm"
            )
        weight = np.exp(-0.5 * (chi2 - chi2.min()))
        return offsets, chi2, np.array([branches for _, branches in scored]), weight / weight.sum()


def _search_plane(search: _PlaneSearch) -> tuple[ObliquePlane, Array]:
    """Mean plane with its covariance, and the covariance of the branches (4, 4) among the planes that are likely."""
    coarse, steps = search.coarse_axes()
    straight = search.straight_chi2(coarse)
    offsets, chi2, branches, weight = search.look(coarse)
    lowest, free = float(chi2.min()), search.free
    half = _HALF_WINDOW[len(free)]
    for _ in range(_MAX_LEVELS):
        middle = weight @ offsets
        likely = np.sqrt(weight @ (offsets - middle) ** 2)
        # from one look to the next finer by a factor, until steps are small beside what is likely and all of it is seen
        finer = np.maximum(steps / _REFINEMENT, _WINDOW_SIGMAS * likely / half)
        if ((np.abs(finer / steps - 1) < _SETTLED) | (steps < _FINEST_STEP))[free].all():
            break
        steps = finer
        axes: list[Array] = []  # about the middle, none of the offsets beyond what there is
        for k, limit in enumerate(search.limits.tolist()):
            places = middle[k] + (steps[k] * np.arange(-half, half + 1) if k in free else np.zeros(1))
            axes.append(places[np.abs(places) <= max(limit, abs(middle[k]))])
        offsets, chi2, branches, weight = search.look(axes)
        lowest = min(lowest, float(chi2.min()))
    likely = weight > 0
    mean = weight @ offsets
    spread = np.cov(offsets[likely].T, aweights=weight[likely], ddof=0)
    plane = search.plane(real_array(mean))
    unit = search.scale * np.array([1.0, np.cos(plane.tilt) ** 2, 1.0])  # from the slope to the angle
    between = np.cov(branches[likely].T, aweights=weight[likely], ddof=0)
    found = evolve(plane, covariance=spread * np.outer(unit, unit), gain=straight - lowest)
    return found, between


def _normal_profile(pixels: _PlaneSearch, plane: ObliquePlane, method: str) -> Profile:
    """Means of pixels in narrow bins along the normal, counted from the plane, so that none lies across it."""
    distance = plane.distance(pixels.x, pixels.y)
    width = pixels.pitch * np.cos(plane.tilt) / _BINS_PER_PIXEL
    bins = np.floor(distance / width + 1e-6).astype(np.int64)  # pixels on an edge, to rounding, stay together
    _, group, count = np.unique(bins, return_inverse=True, return_counts=True)

    def sums(values: Array) -> Array:
        return real_array(np.bincount(group, values))

    error = np.sqrt(sums(np.square(pixels.sigma))) / count
    return Profile(plane.at + sums(distance) / count, sums(pixels.value) / count, sigma=error, method=method)


@frozen(eq=False, kw_only=True)
class EdgeWidth(BaseRecord):
    """Standard deviation of the local part of the point spread, as intensities of modes show it at an interface."""

    width: float = field(metadata=about("m", "width of the edge"))
    sigma: float = field(metadata=about("m", "standard uncertainty of width"))
    gain: float = field(metadata=about("1", "chi-squared below that of the width that was expected"))

    @property
    def sure(self) -> bool:
        """Whether the edge contradicts the width that was expected."""
        return self.gain > _SURE_WIDTH_GAIN


def edge_width(
    temperatures: TemperatureMap, at: float, spread: PointSpread, *, plane: ObliquePlane | None = None
) -> EdgeWidth | None:
    """Width of the edge at an interface in the intensities of all modes, over the zero-loss peak of their pixel.

    Of the intensities the combination is taken that tells both sides best apart, $C^{-1}(S_R - S_L)$ with their
    covariance $C$ in one pixel and the means $S$ of pixels away from the plane.  A step and a slope through the point
    spread are fitted to it for each of many widths and places of the plane; probabilities exp(-chi²/2) give mean and
    spread of the width, with errors from the scatter where that is larger than what is stated.

    Parameters
    ----------
    temperatures : map along (y, x) or (x,)
    at : position of the interface, m
    spread : what is expected; its delocalised part is taken as it is
    plane : oblique plane; along y if None

    Returns
    -------
    EdgeWidth, None where the materials differ too little, or the map holds no intensities

    Notes
    -----
    Materials that mix widen the edge too, but not the step of the temperature: then this is an upper limit.
    """
    wanted = {"amplitude", *(f"{mode}.intensity" for mode in temperatures.modes)}
    if not temperatures.modes or not wanted <= {*temperatures.names}:
        return None
    distance, value, covariance, pitch = _relative_intensities(temperatures, at, plane)
    sides = [side * distance > _SKIPPED * pitch for side in (-1, 1)]
    if min(int(side.sum()) for side in sides) < _LEAST_PIXELS:
        return None
    left, right = (value[side].mean(axis=0) for side in sides)
    typical = covariance[sides[0] | sides[1]].mean(axis=0)
    vector = np.linalg.pinv(typical, rcond=1e-10, hermitian=True) @ (right - left)
    variance = np.einsum("i,nij,j->n", vector, covariance, vector)
    combined, sigma = value @ vector, np.sqrt(np.maximum(variance, 1e-12 * float(np.max(variance))))
    place = np.arange(-_FARTHEST, _FARTHEST + 0.5 * _PLACE_STEP, _PLACE_STEP) * pitch
    width = np.concatenate([[spread.width], np.arange(0.0, _WIDEST + 0.5 * _WIDTH_STEP, _WIDTH_STEP) * pitch])
    away = distance - place[:, None]
    steps = [evolve(spread, width=w, width_sigma=0.0).step(away.ravel()).reshape(away.shape) for w in width.tolist()]
    misfits = [_step_misfits(step, distance / pitch, combined, sigma) for step in steps]
    chi2, contrast = map(np.stack, zip(*misfits, strict=True))
    if contrast.max() < _MIN_CONTRAST:
        return None
    chi2 /= max(float(chi2.min()) / max(distance.size - 5, 1), 1.0)
    weight = np.exp(-0.5 * (chi2[1:] - chi2[1:].min())).sum(axis=1)
    mean = float(weight @ width[1:] / weight.sum())
    # steps of the widths that are tried are the least that is known of it
    error = float(np.sqrt(weight @ (width[1:] - mean) ** 2 / weight.sum() + (_WIDTH_STEP * pitch) ** 2 / 12))
    return EdgeWidth(width=mean, sigma=error, gain=float(chi2[0].min() - chi2[1:].min()))


def _relative_intensities(
    temperatures: TemperatureMap, at: float, plane: ObliquePlane | None
) -> tuple[Array, Array, Array, float]:
    """Distances (n,) of good pixels, m, intensities (n, m) over the zero-loss peak, covariances, and the pitch, m."""
    places = temperatures.mode_parameters("intensity")
    axes = np.meshgrid(*temperatures.position, indexing="ij")
    amplitude = temperatures.parameter("amplitude")
    value = temperatures.value[..., places] / amplitude[..., None]
    covariance = temperatures.covariance[..., places, :][..., places] / amplitude[..., None, None] ** 2
    usable = ((temperatures.flag & UNUSABLE_OR_MISFIT) == 0) & np.isfinite(value).all(axis=-1)
    usable &= np.isfinite(covariance).all(axis=(-1, -2)) & (np.trace(covariance, axis1=-2, axis2=-1) > 0)
    x, y = axes[-1][usable], axes[0][usable]
    distance = real_array(x - at) if plane is None else plane.distance(real_array(x), real_array(y))
    columns = np.unique(axes[-1])
    pitch = float(np.median(np.diff(columns))) if columns.size > 1 else 0.0
    return distance, value[usable], covariance[usable], pitch


def _step_misfits(steps: Array, slope: Array, data: Array, sigma: Array) -> tuple[Array, Array]:
    """(k,) chi-squared of the best level, slope and step of each of (k, n) steps, and the step in its uncertainty."""
    line, _ = np.linalg.qr(np.column_stack([np.ones(slope.size), slope]) / sigma[:, None])
    rest, white = data / sigma, steps / sigma
    rest, white = rest - line @ (line.T @ rest), white - (white @ line) @ line.T
    along, size = white @ rest, np.maximum(np.sum(white**2, axis=1), np.finfo(float).tiny)
    return rest @ rest - along**2 / size, np.abs(along) / np.sqrt(size)
