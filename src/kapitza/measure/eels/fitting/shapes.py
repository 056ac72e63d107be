"""Compiled shapes of the zero-loss peak at evenly spaced energies, the same as `zero_loss_shape` in NumPy."""

import math

from kapitza.core.arrays import Array
from kapitza.measure.eels.fitting.compiler import jit

NORMAL_WINDOW = 7.5  # standard deviations to which a normal line is followed: 6e-13 of its height is left
TO_SIGMA = float(1 / math.sqrt(8 * math.log(2)))
PSEUDO_VOIGT, SPLIT, PEARSON, TAIL, REFERENCE = range(5)  # places in ZERO_LOSS_SHAPES
_LN_TWO = float(math.log(2))
_PEAK_GAUSS = float(2 * math.sqrt(math.log(2) / math.pi))
_PEAK_LORENTZ = 2 / math.pi
_DIGAMMA_SHIFT = 10.0  # from here on three terms of the asymptotic series leave 1e-10
_ERFC_REACH = 6.0  # beyond which erfc is 0 or 2


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
def _write_reference(start: float, width: float, measured: tuple[Array, Array, float], rows: Array, count: int) -> None:
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
def write_zero_loss(
    shape: int, start: float, x: Array, measured: tuple[Array, Array, float], rows: Array, count: int
) -> None:
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
