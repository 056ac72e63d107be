"""Compiled spectra behind any resolution: the same model as `expected_spectrum` in NumPy.

A line is a sum of the zero-loss peak at nodes that lie on the channels, or on even parts of them, weighted by a normal
distribution: close to one another where the core of the peak counts, about a standard deviation apart where its tails
do.  Importing this module needs numba; `fit` does so when it is first asked.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.measure.eels.fitting.algebra import clear_rows, clear_values
from kapitza.measure.eels.fitting.compiler import jit
from kapitza.measure.eels.fitting.problem import FitProblem

Model = tuple[Array, Array, Array]  # parameters, electrons of each channel, and their derivatives
Measured = tuple[Array, Array, float]  # knots, cubics and full width of a measured peak
Spectrum = tuple[float, int, int, int, Array, Measured]  # first channel, shape, modes, tie, background terms, peak
Nodes = tuple[Array, IntArray, IntArray]  # weights of value, slope and derivative by sigma; part of a channel; channel
Workspace = tuple[Array, Array, Nodes]  # six lines; the peak and its derivatives at all distances; nodes

# of nodes where the core of the peak counts, in the smaller standard deviation of line and peak; of a
# spline and of two halves, whose third and second derivatives jump, the line itself needs more of them
SMOOTH_SPACING, BENT_SPACING = 0.5, 0.15
FAR_SPACING = 1.25  # where only tails do, in standard deviations of the line
# standard deviations to which a normal line is followed: 4e-11 of it is left, and 1e-6 where only tails count
NODE_REACH, FAR_REACH = 6.6, 4.9
CORE = 1.5  # full widths of the peak beyond which it is all tails

NORMAL_WINDOW = 7.5  # standard deviations to which a normal line is followed: 6e-13 of its height is left
TO_SIGMA = float(1 / math.sqrt(8 * math.log(2)))
PSEUDO_VOIGT, SPLIT, PEARSON, TAIL, REFERENCE = range(5)  # places in ZERO_LOSS_SHAPES
_LN_TWO = float(math.log(2))
_PEAK_GAUSS = float(2 * math.sqrt(math.log(2) / math.pi))
_PEAK_LORENTZ = 2 / math.pi
_DIGAMMA_SHIFT = 10.0  # from here on three terms of the asymptotic series leave 1e-10
_ERFC_REACH = 6.0  # beyond which erfc is 0 or 2

_SAME_START = 1e-12  # relative difference of starts that are the same
# of interpolation between starts: in full widths of the peak, whose error is then 2e-6 of it; and how many evaluations
# may be spent for each spectrum, where each is spared one
_START_SPACING, _MAX_START_SHARE = 1 / 32, 0.25


@jit
def channel_range(centre: float, reach: float, n: int) -> tuple[int, int]:
    """First and end of the channels within reach of a centre, in channels from the first."""
    first = min(max(math.ceil(centre - reach), 0), n)
    end = min(max(math.floor(centre + reach) + 1, first), n)
    return first, end


@jit
def fast_exponential(y: float) -> float:
    """Return e^y for y from -30 to 0 to 1e-12 of itself, in steps that run side by side: (e^(y/128))^128."""
    t = y * (1 / 128)
    e = 1 + t * (1 / 9)  # Horner; |t| < 1/4 makes nine terms suffice, without a branch
    e = 1 + t * (1 / 8) * e
    e = 1 + t * (1 / 7) * e
    e = 1 + t * (1 / 6) * e
    e = 1 + t * (1 / 5) * e
    e = 1 + t * (1 / 4) * e
    e = 1 + t * (1 / 3) * e
    e = 1 + t * (1 / 2) * e
    e = 1 + t * e
    e2 = e * e
    e4 = e2 * e2
    e8 = e4 * e4
    e16 = e8 * e8
    e32 = e16 * e16
    e64 = e32 * e32
    return e64 * e64


@jit
def _fast_logarithm(y: float) -> float:
    """Return ln y for y from 1 to 1e10 to 1e-10 of itself, in steps that run side by side: 32 ln y^(1/32)."""
    z = math.sqrt(math.sqrt(math.sqrt(math.sqrt(math.sqrt(y)))))
    s = (z - 1) / (z + 1)
    t = s * s
    e = 1 / 17 + t * (1 / 19)  # inverse hyperbolic tangent of s
    e = 1 / 15 + t * e
    e = 1 / 13 + t * e
    e = 1 / 11 + t * e
    e = 1 / 9 + t * e
    e = 1 / 7 + t * e
    e = 1 / 5 + t * e
    e = 1 / 3 + t * e
    return 64 * s * (1 + t * e)


@jit
def _write_pseudo_voigt(start: float, width: float, share: float, rows: Array, first: int, end: int) -> None:
    """Write value, slope, and derivatives by width and share, at the places `first` to before `end`."""
    value, slope, by_width, by_share = rows[0], rows[1], rows[2], rows[3]
    half, keep = 0.5 * width, 1 - share
    factor = half / math.pi
    for i in range(first, end):
        x = start + i
        inverse = 1 / (x * x + half * half)
        v = factor * inverse
        value[i] = share * v
        slope[i] = -share * v * inverse * 2 * x
        by_width[i] = share * 0.5 / math.pi * (x * x - half * half) * inverse * inverse
        by_share[i] = v
    sigma = width * TO_SIGMA
    height, inverse_sigma = 1 / (math.sqrt(2 * math.pi) * sigma), 1 / sigma
    low, high = channel_range(-start, NORMAL_WINDOW * sigma, value.size)
    for i in range(max(low, first), min(high, end)):
        t = (start + i) * inverse_sigma
        g = height * fast_exponential(-0.5 * t * t)
        value[i] += keep * g
        slope[i] -= keep * g * t * inverse_sigma
        by_width[i] += keep * g * (t * t - 1) * inverse_sigma * TO_SIGMA
        by_share[i] -= g


@jit
def _write_split(start: float, x: Array, rows: Array, count: int) -> None:
    """Write two halves of pseudo-Voigts of one height at 0: value, slope, derivatives by widths and shares."""
    middle = min(max(math.floor(-start) + 1, 0), count)  # the half on the gain side ends at 0
    gain_peak = ((1 - x[4]) * _PEAK_GAUSS + x[4] * _PEAK_LORENTZ) / x[2]
    loss_peak = ((1 - x[5]) * _PEAK_GAUSS + x[5] * _PEAK_LORENTZ) / x[3]
    height = 2 / (1 / gain_peak + 1 / loss_peak)
    for side in range(2):
        first, end = (0, middle) if side == 0 else (middle, count)
        width, share, top = x[2 + side], x[4 + side], gain_peak if side == 0 else loss_peak
        _write_pseudo_voigt(start, width, share, rows, first, end)
        other_width, other_top = x[3 - side], loss_peak if side == 0 else gain_peak
        scale = height / top
        # logarithms of the peak heights by width and share; the height goes with both, this side against its own
        by_w, by_s = -1 / width, (_PEAK_LORENTZ - _PEAK_GAUSS) / (width * top)
        far_w, far_s = -1 / other_width, (_PEAK_LORENTZ - _PEAK_GAUSS) / (other_width * other_top)
        own, far = 0.5 * height / top - 1, 0.5 * height / other_top
        for i in range(first, end):
            v = rows[0, i] * scale
            w, s = rows[2, i] * scale + v * own * by_w, rows[3, i] * scale + v * own * by_s
            rows[0, i], rows[1, i] = v, rows[1, i] * scale
            rows[2 + side, i], rows[4 + side, i] = w, s
            rows[3 - side, i], rows[5 - side, i] = v * far * far_w, v * far * far_s


@jit
def _digamma(x: float) -> float:
    """Logarithmic derivative of the gamma function, for x above 0."""
    total = 0.0
    while x < _DIGAMMA_SHIFT:
        total -= 1 / x
        x += 1
    square = 1 / (x * x)
    return total + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


@jit
def _write_pearson(start: float, width: float, exponent: float, rows: Array, count: int) -> None:
    """Write a Pearson VII: value, slope, derivatives by width and exponent."""
    power = 2.0 ** (1 / exponent)
    b, by_m = power - 1, -_LN_TWO * power / (exponent * exponent)
    norm = 2 * math.sqrt(b / math.pi) * math.exp(math.lgamma(exponent) - math.lgamma(exponent - 0.5)) / width
    log_norm = by_m / (2 * b) + _digamma(exponent) - _digamma(exponent - 0.5)
    by_value, by_slope, by_width, by_exponent = rows[0], rows[1], rows[2], rows[3]
    squared, inverse_width, ratio = 4 * b / (width * width), 1 / width, by_m / b
    for i in range(count):
        x = start + i
        u = squared * x * x
        log, inverse = _fast_logarithm(1 + u), 1 / (1 + u)
        value = norm * fast_exponential(max(-exponent * log, -60.0))  # to 1e-7 of itself beyond -30
        slope = -2 * exponent * value * squared * x * inverse
        by_value[i], by_slope[i], by_width[i] = value, slope, -(value + x * slope) * inverse_width
        by_exponent[i] = value * (log_norm - log - exponent * u * inverse * ratio)


@jit
def _write_exponential(start: float, sigma: float, decay: float, tail: Array, normal: Array) -> None:
    """Write an exponential behind a normal distribution, and that distribution."""
    count, inverse, height = tail.size, 1 / decay, 1 / (math.sqrt(2 * math.pi) * sigma)
    first, end = channel_range(-start, NORMAL_WINDOW * sigma, count)
    bend = sigma * sigma * inverse  # here erfc has its argument 0
    _, last = channel_range(bend - start, _ERFC_REACH * math.sqrt(2.0) * sigma, count)
    for i in range(first):
        tail[i], normal[i] = 0.0, 0.0
    for i in range(first, count):
        tail[i] = inverse * fast_exponential(max((0.5 * bend - start - i) * inverse, -30.0))
        normal[i] = 0.0
    for i in range(first, last):
        tail[i] *= 0.5 * math.erfc((bend - start - i) / (sigma * math.sqrt(2.0)))
    for i in range(first, end):
        t = (start + i) / sigma
        normal[i] = height * fast_exponential(-0.5 * t * t)


@jit
def _write_tail(start: float, x: Array, rows: Array, count: int) -> None:
    """Write a pseudo-Voigt with an exponential tail: value, slope, derivatives by width, Lorentzian and tail, decay."""
    sigma, share, inverse, keep = x[2] * TO_SIGMA, x[4], 1 / x[5], 1 - x[4]
    _write_pseudo_voigt(start, x[2], x[3], rows, 0, count)
    value, slope, by_width, by_share, by_tail, by_decay = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
    _write_exponential(start, sigma, x[5], by_tail[:count], by_decay[:count])
    for i in range(count):
        e, a, g = start + i, by_tail[i], by_decay[i]
        along = (g - a) * inverse  # A' = (G - A)/d
        twice = -(g * e / (sigma * sigma) + along) * inverse
        by_tail[i] = a - value[i]
        by_decay[i] = -share * inverse * (a + e * along + sigma * sigma * twice)
        value[i] = keep * value[i] + share * a
        slope[i] = keep * slope[i] + share * along
        by_width[i] = keep * by_width[i] + share * sigma * twice * TO_SIGMA
        by_share[i] *= keep


@jit
def _write_reference(start: float, width: float, measured: Measured, rows: Array, count: int) -> None:
    """Write a measured peak that is stretched to a width: value, slope, derivative by width."""
    knots, cubics, full = measured
    stretch = width / full
    inverse, first = 1 / stretch, 0
    value, slope, by_width = rows[0], rows[1], rows[2]
    for piece in range(knots.size + 1):
        end = count
        if piece < knots.size:
            end = min(max(math.ceil(knots[piece] * stretch - start), first), count)
        origin = knots[max(piece - 1, 0)]
        a, b, c, d = cubics[piece, 0], cubics[piece, 1], cubics[piece, 2], cubics[piece, 3]
        for i in range(first, end):
            x = start + i
            t = x * inverse - origin
            log = ((a * t + b) * t + c) * t + d
            v = fast_exponential(max(log, -30.0)) * inverse
            along = v * ((3 * a * t + 2 * b) * t + c) * inverse
            value[i], slope[i], by_width[i] = v, along, -(v + x * along) / width
        first = end


@jit
def write_zero_loss(shape: int, start: float, x: Array, measured: Measured, rows: Array, count: int) -> None:
    """Write a peak at energies `start`, `start` + 1, ...: rows of value, slope, and derivatives by its parameters."""
    if shape == PSEUDO_VOIGT:
        _write_pseudo_voigt(start, x[2], x[3], rows, 0, count)
    elif shape == SPLIT:
        _write_split(start, x, rows, count)
    elif shape == PEARSON:
        _write_pearson(start, x[2], x[3], rows, count)
    elif shape == TAIL:
        _write_tail(start, x, rows, count)
    else:
        _write_reference(start, x[2], measured, rows, count)


@jit
def _tied_occupation(x: Array, at: int, place: int, tie: int) -> tuple[float, float, float]:
    """Occupation of a mode, and its derivatives by energy and by what it is tied to."""
    if tie == 2:
        return x[place], 0.0, 1.0
    ratio = min(max(x[at] / x[place], 1e-9), 700.0)
    n = 1 / math.expm1(ratio)
    both = n * (n + 1) / x[place]
    return n, -both, both * ratio


@jit
def _write_nodes(
    energy: float, sigma: float, spacing: float, reach: float, limit: tuple[int, int], nodes: Nodes
) -> int:
    """Write weights and places of the nodes of a line; return their number, a multiple of four by weights of 0.

    `limit` holds the parts of a channel, and the farthest channel.  From node to node the normal distribution changes
    by a factor that itself changes by one factor, which spares the exponentials.
    """
    weights, part, channel = nodes
    parts, farthest = limit
    step = max(math.floor(spacing * parts), 1)
    inverse, count = 1 / sigma, 0
    low = max(math.ceil((energy - reach * sigma) * parts / step), math.ceil(-farthest * parts / step))
    high = min(math.floor((energy + reach * sigma) * parts / step), math.floor(farthest * parts / step))
    between, t = step / parts * inverse, (low * step / parts - energy) * inverse
    g = between / math.sqrt(2 * math.pi) * math.exp(-0.5 * t * t)
    factor, change = math.exp(-between * (t + 0.5 * between)), math.exp(-between * between)
    at, rest = low * step // parts, low * step % parts
    for count in range(high + 1 - low):
        weights[0, count], weights[1, count], weights[2, count] = g, -g * t * inverse, g * (t * t - 1) * inverse
        part[count], channel[count] = rest, at
        t += between
        g *= factor
        factor *= change
        rest += step
        while rest >= parts:
            rest -= parts
            at += 1
    count = max(high + 1 - low, 0)
    while count % 4 != 0:
        weights[0, count], weights[1, count], weights[2, count] = 0.0, 0.0, 0.0
        part[count], channel[count] = part[count - 1], channel[count - 1]
        count += 1
    return count


@jit
def _add_line(peak: Array, nodes: Nodes, count: int, reach: int, line: Array, row: int, first: int, end: int) -> None:
    """Add a line, its slope and its derivative by sigma to three rows, in some channels."""
    weights, part, channel = nodes
    value, slope, spread = line[row, first:end], line[row + 1, first:end], line[row + 2, first:end]
    n = end - first
    for m in range(0, count, 4):
        at = reach + first
        o, p, q, r = at - channel[m], at - channel[m + 1], at - channel[m + 2], at - channel[m + 3]
        a, b = peak[part[m], 0, o : o + n], peak[part[m + 1], 0, p : p + n]
        c, d = peak[part[m + 2], 0, q : q + n], peak[part[m + 3], 0, r : r + n]
        va, vb, vc, vd = weights[0, m], weights[0, m + 1], weights[0, m + 2], weights[0, m + 3]
        sa, sb, sc, sd = weights[1, m], weights[1, m + 1], weights[1, m + 2], weights[1, m + 3]
        wa, wb, wc, wd = weights[2, m], weights[2, m + 1], weights[2, m + 2], weights[2, m + 3]
        for i in range(n):
            value[i] += va * a[i] + vb * b[i] + vc * c[i] + vd * d[i]
            slope[i] += sa * a[i] + sb * b[i] + sc * c[i] + sd * d[i]
            spread[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]


@jit
def _add_shape_derivative(
    peak: Array, row: int, nodes: Nodes, count: int, reach: int, amount: float, out: Array, first: int
) -> None:
    """Add a multiple of the derivative of a line by a parameter of the zero-loss peak to channels from `first` on."""
    weights, part, channel = nodes
    n = out.size
    for m in range(0, count, 4):
        at = reach + first
        o, p, q, r = at - channel[m], at - channel[m + 1], at - channel[m + 2], at - channel[m + 3]
        a, b = peak[part[m], row, o : o + n], peak[part[m + 1], row, p : p + n]
        c, d = peak[part[m + 2], row, q : q + n], peak[part[m + 3], row, r : r + n]
        va, vb, vc, vd = weights[0, m], weights[0, m + 1], weights[0, m + 2], weights[0, m + 3]
        va, vb, vc, vd = amount * va, amount * vb, amount * vc, amount * vd
        for i in range(n):
            out[i] += va * a[i] + vb * b[i] + vc * c[i] + vd * d[i]


@jit
def _add_one_side(
    energy: float, sigma: float, amount: float, core: tuple[float, float, float, bool], reach: int, model: Model,
    workspace: Workspace, row: int,
) -> None:  # fmt: skip
    """Write the loss or the gain line of a mode into three rows, and add its derivatives by the shape of the peak.

    That by the first width is left to `_add_mode`.
    """
    jacobian = model[2]
    lines, peak, nodes = workspace
    n, shapes = lines.shape[1], peak.shape[1] - 2
    centre, narrow, wide, bent = core
    near, far = channel_range(centre + energy, NODE_REACH * sigma + CORE * wide, n)
    fine = (BENT_SPACING if bent else SMOOTH_SPACING) * min(sigma, narrow * TO_SIGMA)
    limit = peak.shape[0], reach
    count = 0
    for piece in range(3):
        if piece == 0:
            count = _write_nodes(energy, sigma, max(fine, FAR_SPACING * sigma), FAR_REACH, limit, nodes)
        elif piece == 2:
            count = _write_nodes(energy, sigma, fine, NODE_REACH, limit, nodes)
        first = 0 if piece == 0 else (far if piece == 1 else near)
        end = near if piece == 0 else (n if piece == 1 else far)
        if end > first:
            _add_line(peak, nodes, count, reach, lines, row, first, end)
            if piece == 2 and bent and shapes > 1:
                fine = SMOOTH_SPACING * min(sigma, narrow * TO_SIGMA)
                count = _write_nodes(energy, sigma, fine, NODE_REACH, limit, nodes)
            for s in range(1, shapes):
                _add_shape_derivative(peak, 2 + s, nodes, count, reach, amount, jacobian[2 + s, first:end], first)


@jit
def _add_mode(
    at: int, place: int, tie: int, core: tuple[float, float, float, bool], reach: int, model: Model,
    workspace: Workspace,
) -> None:  # fmt: skip
    """Add loss and gain of one mode, and their derivatives."""
    x, mu, jacobian = model
    lines = workspace[0]
    energy, sigma, strength = x[at], x[at + 1], x[at + 2]
    n, by_energy, by_tie = _tied_occupation(x, at, place, tie)
    lost, won, more = strength * (n + 1), strength * n, n + 1
    clear_rows(lines)
    for side in range(2):
        _add_one_side(
            energy if side == 0 else -energy, sigma, lost if side == 0 else won, core, reach, model, workspace, 3 * side
        )
    e_factor, t_factor, inverse_width = strength * by_energy, strength * by_tie, 1 / x[2]
    for i in range(mu.size):
        loss, gain = lines[0, i], lines[3, i]
        loss_slope, gain_slope = lost * lines[1, i], won * lines[4, i]
        total, slope, spread = lost * loss + won * gain, loss_slope + gain_slope, lost * lines[2, i] + won * lines[5, i]
        away, both = i - core[0], gain_slope - loss_slope  # E moves loss up and gain down
        mu[i] += total
        jacobian[1, i] -= slope
        # Euler: R(x, lengths) has degree -1, and σ ∂/∂σ of a line is that of its own width
        jacobian[2, i] -= inverse_width * (total + away * slope + energy * both + sigma * spread)
        jacobian[at, i] = both + e_factor * (loss + gain)
        jacobian[at + 1, i] = spread
        jacobian[at + 2, i] = more * loss + n * gain
        jacobian[place, i] += t_factor * (loss + gain)


@jit
def expected_electrons(spectrum: Spectrum, model: Model, workspace: Workspace) -> None:
    """Write electrons of each channel before the detector, and their derivatives, into the arrays of the model."""
    start, shape, modes, tie, smooth, measured = spectrum
    x, mu, jacobian = model
    peak = workspace[1]
    n, parts, shapes = mu.size, peak.shape[0], peak.shape[1] - 2
    reach, first = 0, 2 + shapes
    for j in range(modes):
        at = first + 3 * j
        reach = max(reach, math.ceil(x[at] + NODE_REACH * x[at + 1]) + 1)
    reach = min(reach, (peak.shape[2] - n) // 2)
    for part in range(parts):
        write_zero_loss(shape, start - reach - part / parts - x[1], x, measured, peak[part], n + 2 * reach)
    amplitude = x[0]
    for i in range(n):
        mu[i], jacobian[0, i], jacobian[1, i] = (
            amplitude * peak[0, 0, reach + i], peak[0, 0, reach + i], -amplitude * peak[0, 1, reach + i],
        )  # fmt: skip
    for row in range(2, 2 + shapes):
        for i in range(n):
            jacobian[row, i] = amplitude * peak[0, row, reach + i]
    ties = 1 if tie == 0 else modes
    for k in range(ties):
        clear_values(jacobian[first + 3 * modes + k])
    wide, narrow, second, bent = x[2], x[2], 0, shape == REFERENCE
    if shape == SPLIT:
        wide, narrow, second, bent = max(x[2], x[3]), min(x[2], x[3]), 3, True
    elif shape == TAIL:
        second = 5
    # add the derivative by a second length to that by the first width, of the lines alone: with those of the peak the
    # relation of Euler holds already
    share = x[second] / x[2] if second > 0 else 0.0
    for i in range(n):
        jacobian[2, i] += share * jacobian[second, i]
    core = x[1] - start, narrow, wide, bent
    for j in range(modes):
        place = first + 3 * modes + (0 if tie == 0 else j)
        _add_mode(first + 3 * j, place, tie, core, reach, model, workspace)
    for i in range(n):
        jacobian[2, i] -= share * jacobian[second, i]
    for k in range(smooth.shape[0]):
        coefficient, row = x[first + 3 * modes + ties + k], jacobian[first + 3 * modes + ties + k]
        for i in range(n):
            row[i] = smooth[k, i]
            mu[i] += coefficient * smooth[k, i]


class SharedStart(NamedTuple):
    """The model where many spectra start: they differ in the centre of the peak and in a common factor alone.

    The first step needs no more than six digits, so it is taken from these by cubic interpolation.
    """

    x: Array  # (p,) parameters
    linear: BoolArray  # (p,) whether the electrons are proportional to a parameter
    centre: Array  # (m,) centres, evenly spaced; none where each spectrum has a start of its own
    jacobian: Array  # (m, p, n) derivatives there


@jit
def interpolate_start(shared: SharedStart, model: Model) -> None:
    """Write the model at a start that spectra share, from those at the two centres on either side."""
    x, mu, jacobian = model
    spacing = shared.centre[1] - shared.centre[0]
    t = (x[1] - shared.centre[0]) / spacing
    k = min(max(int(t), 1), shared.centre.size - 3)
    t -= k
    before, after, next_after = -t * (t - 1) * (t - 2) / 6, -t * (t + 1) * (t - 2) / 2, t * (t * t - 1) / 6
    at = (t * t - 1) * (t - 2) / 2
    scale = x[0] / shared.x[0]
    clear_values(mu)
    for a in range(x.size):
        factor = 1.0 if shared.linear[a] else scale
        amount = x[a] if shared.linear[a] else 0.0
        for i in range(mu.size):
            value = factor * (
                before * shared.jacobian[k - 1, a, i]
                + at * shared.jacobian[k, a, i]
                + after * shared.jacobian[k + 1, a, i]
                + next_after * shared.jacobian[k + 2, a, i]
            )
            jacobian[a, i] = value
            mu[i] += amount * value


def shared_start(problem: FitProblem, start: NDArray[Any], u: NDArray[Any]) -> SharedStart:
    """What starts (k, p), coordinates u, share, where they do and where that spares evaluations."""
    model, first, (k, p) = problem.model, np.array(start[0]), start.shape
    linear = np.zeros(p, dtype=np.bool_)
    linear[0] = True
    linear[model.first_mode + 2 : model.first_tie : 3] = True
    expected = np.where(linear, first * (start[:, :1] / first[0]), first)
    expected[:, 1] = start[:, 1]
    inside = (u >= problem.constraints.low) & (u <= problem.constraints.high)
    shared = bool((inside & (np.abs(start - expected) <= _SAME_START * np.abs(expected))).all())
    linear[model.first_tie + model.ties :] = True  # of the background, which is not in proportion to the peak
    spacing = _START_SPACING * float(first[2])
    least, most = float(start[:, 1].min()), float(start[:, 1].max())
    centres = int((most - least) / spacing) + 4 if shared else 0
    if centres > _MAX_START_SHARE * k:
        centres = 0
    centre = np.array(least + spacing * (np.arange(centres) - 1.0), dtype=np.float64)
    return SharedStart(first, linear, centre, np.empty((centres, p, problem.grid.channels)))
