"""Width over which the modes of one material give way to those of the other: the point spread, seen in the spectra."""

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, real_array
from kapitza.core.records import BaseRecord
from kapitza.measure.eels.geometry.oblique import ObliquePlane
from kapitza.measure.eels.gradients import UNUSABLE_OR_MISFIT
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.point_spread import PointSpread

_MIN_CONTRAST = 10.0  # standard uncertainties of the step, below which its width says nothing
_LEAST_PIXELS = 6  # good pixels of each side
_SKIPPED = 2.0  # pixels next to the plane that do not tell how the two materials differ
_WIDEST, _WIDTH_STEP = 3.0, 0.1  # of the widths that are tried, in pixels
_FARTHEST, _PLACE_STEP = 1.5, 0.1  # of the places that are tried, in pixels from the plane
_SURE_GAIN = 9.0  # in chi-squared, from which on another width is said


@frozen(eq=False, kw_only=True)
class EdgeWidth(BaseRecord):
    """Standard deviation of the local part of the point spread, as intensities of modes show it at an interface."""

    width: float = field(metadata=about("m", "width of the edge"))
    sigma: float = field(metadata=about("m", "standard uncertainty of width"))
    gain: float = field(metadata=about("1", "chi-squared below that of the width that was expected"))

    @property
    def sure(self) -> bool:
        """Whether the edge contradicts the width that was expected."""
        return self.gain > _SURE_GAIN


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
    combined, sigma = _best_contrast(value, covariance, sides)
    place = np.arange(-_FARTHEST, _FARTHEST + 0.5 * _PLACE_STEP, _PLACE_STEP) * pitch
    width = np.concatenate([[spread.width], np.arange(0.0, _WIDEST + 0.5 * _WIDTH_STEP, _WIDTH_STEP) * pitch])
    trials = [evolve(spread, width=one, width_sigma=0.0) for one in width.tolist()]
    away = real_array(distance - place[:, None])
    scored = [
        _step_misfits(real_array(one.step(away.ravel()).reshape(away.shape)), distance / pitch, combined, sigma)
        for one in trials
    ]
    chi2, contrast = np.stack([one for one, _ in scored]), max(float(one.max()) for _, one in scored)
    if contrast < _MIN_CONTRAST:
        return None
    chi2 /= max(float(chi2.min()) / max(distance.size - 5, 1), 1.0)
    weight = np.exp(-0.5 * (chi2[1:] - chi2[1:].min())).sum(axis=1)
    mean = float(weight @ width[1:] / weight.sum())
    # steps of the widths that are tried are the least that is known of it
    error = float(np.sqrt(weight @ (width[1:] - mean) ** 2 / weight.sum() + (_WIDTH_STEP * pitch) ** 2 / 12))
    return EdgeWidth(width=mean, sigma=error, gain=float(chi2[0].min() - chi2[1:].min()))


def _relative_intensities(
    temperatures: TemperatureMap, at: float, plane: ObliquePlane | None
) -> tuple[Array, NDArray[np.float64], NDArray[np.float64], float]:
    """Distances (n,) of good pixels, m, intensities (n, m) over the zero-loss peak, covariances, and the pitch, m."""
    places = [temperatures.index(f"{mode}.intensity") for mode in temperatures.modes]
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


def _best_contrast(
    value: NDArray[np.float64], covariance: NDArray[np.float64], sides: list[NDArray[np.bool_]]
) -> tuple[Array, Array]:
    """(n,) the combination of intensities that tells both sides best apart, and its standard uncertainty."""
    left, right = (value[side].mean(axis=0) for side in sides)
    typical = covariance[sides[0] | sides[1]].mean(axis=0)
    vector = np.linalg.pinv(typical, rcond=1e-10, hermitian=True) @ (right - left)
    variance = np.einsum("i,nij,j->n", vector, covariance, vector)
    return real_array(value @ vector), np.sqrt(np.maximum(variance, 1e-12 * float(np.max(variance))))


def _step_misfits(steps: Array, slope: Array, data: Array, sigma: Array) -> tuple[Array, Array]:
    """(k,) chi-squared of the best level, slope and step of each of (k, n) steps, and the step in its uncertainty."""
    line, _ = np.linalg.qr(np.column_stack([np.ones(slope.size), slope]) / sigma[:, None])
    rest, white = data / sigma, steps / sigma
    rest, white = rest - line @ (line.T @ rest), white - (white @ line) @ line.T
    along, size = white @ rest, np.maximum(np.sum(white**2, axis=1), np.finfo(float).tiny)
    return real_array(rest @ rest - along**2 / size), real_array(np.abs(along) / np.sqrt(size))
