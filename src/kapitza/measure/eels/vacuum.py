"""Shape of the zero-loss peak, measured where the beam meets nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.fitting.problem import aligned_sum, highest_peak, zero_loss_centres
from kapitza.measure.eels.model import ChannelGrid, ZeroLossPeak, zero_loss_shape
from kapitza.measure.eels.spectrum import SpectrumImage, image_detector

_MAX_VACUUM_SPECTRA = 512  # spectra of the vacuum that are used at most
_KNOTS_PER_WIDTH = 6.0  # knots in a full width near the peak
_MAX_KNOT_SPACING = 1.0  # full widths: knots are no farther apart than this even where hardly anything is counted
_MIN_ELECTRONS_PER_KNOT = 1000.0  # electrons between two knots
_END_KNOTS = 6  # knots on the straight lines at either end: a swing of the last piece dies out over them
_LOG_DENSITY_TOLERANCE = 1e-9  # of the logarithm of a density


def zero_loss_from_vacuum(vacuum: SpectrumImage) -> ZeroLossPeak:
    """Shape of the zero-loss peak from spectra taken in vacuum, with the settings of the measurement.

    A cubic spline through the logarithm of the density, fitted to all spectra by Poisson maximum likelihood, each with
    its own centre and dose: nothing is moved by interpolation.  Knots stand close where many electrons were counted and
    far apart where few were.  Its noise goes into every pixel that is fitted with it in the same way: count ten times
    the electrons of a pixel or more.

    Parameters
    ----------
    vacuum : spectra without a specimen

    Returns
    -------
    ZeroLossPeak, centred midway between its two half heights

    Raises
    ------
    InputError
        if there are fewer than 10,000 electrons
    ConvergenceError
        if the spline does not converge
    """
    detector = image_detector(vacuum)
    counts = vacuum.sample(_MAX_VACUUM_SPECTRA)
    weight = np.isfinite(counts) * detector.response
    counts = np.where(np.isfinite(counts), counts - detector.dark, 0.0)
    dose = counts.sum(axis=1)
    counts, weight, dose = (part[dose > 100] for part in (counts, weight, dose))
    if counts.sum() < 1e4:
        raise InputError(f"{counts.sum():.3g} electrons in vacuum say too little of a peak: expected 10,000 or more")
    grid = ChannelGrid(float(vacuum.energy[0]) / vacuum.step, vacuum.energy.size)
    total = aligned_sum(counts)
    middle, width = highest_peak(total)
    away = grid.energy - zero_loss_centres(grid, counts, width)[:, None]
    knots = _spline_knots(grid.energy - grid.start - middle, total, width)
    variance = np.broadcast_to(detector.variance, counts.shape)
    found = _smooth_log_density(knots, away, counts, weight * dose[:, None], variance)
    return _centre_peak(*_straighten_ends(knots, found, width), width, vacuum.step)


def _spline_knots(away: Array, total: NDArray[Any], width: float) -> Array:
    """(k,) knots from end to end of the axis, in channels from the centre."""
    sides: list[list[float]] = []
    for side in (total[away > 0], total[away <= 0][::-1]):
        places: list[float] = []
        last, held = 0.0, 0.0
        for i, count in enumerate(side):
            held += max(float(count), 0.0)
            apart = i + 1 - last
            enough = held >= _MIN_ELECTRONS_PER_KNOT or apart >= _MAX_KNOT_SPACING * width
            if enough and apart >= width / _KNOTS_PER_WIDTH:
                places.append(float(i + 1))
                last, held = float(i + 1), 0.0
        sides.append([*places[:-1], float(len(side) + width)])
    return np.array([*(-x for x in sides[1][::-1]), 0.0, *sides[0]])


def _smooth_log_density(
    knots: Array, away: NDArray[Any], counts: NDArray[Any], weight: NDArray[Any], variance: NDArray[Any]
) -> Array:
    """(k,) logarithm of the density at the knots that makes the counts most likely."""
    from scipy.interpolate import CubicSpline

    cardinal: Any = CubicSpline(knots, np.eye(knots.size), bc_type="natural")
    use = weight > 0
    basis = cardinal(np.clip(away[use], knots[0], knots[-1]))
    y, scale, noise = counts[use], weight[use], variance[use]
    near = np.clip(np.searchsorted(0.5 * (knots[1:] + knots[:-1]), away[use]), 0, knots.size - 1)
    share, filled = np.bincount(near, np.maximum(y, 0.5) / scale, knots.size), np.bincount(near, minlength=knots.size)
    log = np.interp(knots, knots[filled > 0], np.log(share[filled > 0] / filled[filled > 0]))
    largest = np.inf
    for _ in range(200):
        mean = scale * np.exp(np.minimum(basis @ log, 30.0))
        spread = np.maximum(mean + noise, 1e-9)
        rows = basis * (mean / spread)[:, None]
        hessian = (rows * spread[:, None]).T @ rows
        hessian[np.diag_indices(knots.size)] += 1e-9 * np.diag(hessian) + 1e-9
        step = np.linalg.solve(hessian, rows.T @ (y - mean))
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        log = log + step
        largest = float(np.abs(step).max())
        if largest < _LOG_DENSITY_TOLERANCE:
            return log
    raise ConvergenceError(f"the zero-loss peak did not converge: last step {largest:.2g}", log)


def _straighten_ends(knots: Array, log: Array, width: float) -> tuple[Array, Array]:
    """Knots and logarithms whose ends lie on the straight lines through the outer quarters of both sides.

    The outermost knot lies beyond the axis and the last pieces rest on a few electrons: they may lead upwards, and what
    a line scatters there would never end.
    """
    inner, values = knots[1:-1], log[1:-1]
    places, found = [inner], [values]
    for end in (-1, 0):
        outer = inner / inner[end] >= 0.75
        x, y = np.abs(inner[outer]), values[outer]
        reach = float(x.max())
        slope = float(np.polyfit(x, y, 1)[0]) if x.size > 2 else 0.0
        slope = min(slope, -1 / reach)
        beyond = reach + width * np.arange(1.0, _END_KNOTS + 1)
        places.append(np.sign(inner[end]) * beyond)
        found.append(y.mean() + slope * (beyond - x.mean()))
    order = np.argsort(np.concatenate(places))
    return np.concatenate(places)[order], np.concatenate(found)[order]


def _centre_peak(knots: Array, log: Array, width: float, step: float) -> ZeroLossPeak:
    """Normalised shape, its centre midway between the half heights."""
    places, cubics = ZeroLossPeak(knots * step, log, width * step).pieces(step)
    fine = np.linspace(knots[0], knots[-1], 64 * int(knots[-1] - knots[0]))
    density, _, _ = zero_loss_shape("reference", fine, [width], (places, cubics, width))
    middle, full = highest_peak(density)
    spacing = fine[1] - fine[0]
    # the straight ends reach on beyond the last knots
    area = float(np.trapezoid(density, fine))
    area += density[0] / max(cubics[0, 2], 1e-6) + density[-1] / max(-cubics[-1, 2], 1e-6)
    return ZeroLossPeak((knots - fine[0] - middle * spacing) * step, log - np.log(area), full * spacing * step)
