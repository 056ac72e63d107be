"""Compiled spectra behind any resolution: the same model as `expected_spectrum` in NumPy.

A line is a sum of the zero-loss peak at nodes that lie on the channels, or on even parts of them, weighted by a normal
distribution: close to one another where the core of the peak counts, about a standard deviation apart where its tails
do.  Importing this module needs numba; `fit` does so when it is first asked.
"""

import math

from kapitza.core.arrays import Array, IntArray
from kapitza.measure.eels.fitting.algebra import clear_rows, clear_values
from kapitza.measure.eels.fitting.compiler import jit
from kapitza.measure.eels.fitting.shapes import REFERENCE, SPLIT, TAIL, TO_SIGMA, channel_range, write_zero_loss

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
        o, p, q, r = (
            reach + first - channel[m], reach + first - channel[m + 1],
            reach + first - channel[m + 2], reach + first - channel[m + 3],
        )  # fmt: skip
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
        o, p, q, r = (
            reach + first - channel[m], reach + first - channel[m + 1],
            reach + first - channel[m + 2], reach + first - channel[m + 3],
        )  # fmt: skip
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
def _add_peak(model: Model, peak: Array, reach: int) -> None:
    """Write the zero-loss peak and its derivatives from its table."""
    x, mu, jacobian = model
    amplitude, n = x[0], mu.size
    for i in range(n):
        value = peak[0, reach + i]
        mu[i], jacobian[0, i] = amplitude * value, value
    for row in range(1, peak.shape[0]):
        factor = -amplitude if row == 1 else amplitude
        for i in range(n):
            jacobian[row, i] = factor * peak[row, reach + i]


@jit
def _add_second_length(jacobian: Array, row: int, factor: float) -> None:
    """Add a multiple of the derivative by a second length of the peak to that by the first width."""
    for i in range(jacobian.shape[1]):
        jacobian[2, i] += factor * jacobian[row, i]


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
    _add_peak(model, peak[0], reach)
    ties = 1 if tie == 0 else modes
    for k in range(ties):
        clear_values(jacobian[first + 3 * modes + k])
    wide, narrow, second = x[2], x[2], 0
    if shape == SPLIT:
        wide, narrow, second = max(x[2], x[3]), min(x[2], x[3]), 3
    elif shape == TAIL:
        second = 5
    # of the lines alone: with those of the peak the relation of Euler holds already
    _add_second_length(jacobian, second, x[second] / x[2] if second > 0 else 0.0)
    halves, spline = shape == SPLIT, shape == REFERENCE
    core = x[1] - start, narrow, wide, halves or spline
    for j in range(modes):
        place = first + 3 * modes + (0 if tie == 0 else j)
        _add_mode(first + 3 * j, place, tie, core, reach, model, workspace)
    _add_second_length(jacobian, second, -x[second] / x[2] if second > 0 else 0.0)
    for k in range(smooth.shape[0]):
        coefficient, row = x[first + 3 * modes + ties + k], jacobian[first + 3 * modes + ties + k]
        for i in range(n):
            row[i] = smooth[k, i]
            mu[i] += coefficient * smooth[k, i]
