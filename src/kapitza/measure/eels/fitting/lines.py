"""Compiled spectra behind a pseudo-Voigt resolution: the same model as `expected_spectrum` in NumPy.

Each line touches only what it has to: its normal part a window, its Lorentzian part a rational function near the line
and three terms of an expansion far from it.  Importing this module needs numba; `fit` does so when it is first asked.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from kapitza.core.arrays import Array

Model = tuple[Array, Array, Array]  # parameters, electrons of each channel, and their derivatives
CompiledFunction = TypeVar("CompiledFunction", bound=Callable[..., Any])

_VOIGT_TERMS = 20  # of the rational function; leaves 1e-9 of the height of a Voigt line
_NORMAL_WINDOW = 7.5  # standard deviations to which a normal line is followed: 6e-13 of its height is left
_VOIGT_FAR = 8.0  # standard deviations beyond which the expansion of the Voigt function leaves 1e-8 of the tail
_VOIGT_TAIL = 16.0  # beyond which three terms of it suffice
_FAST_MATH = {"contract", "reassoc", "nsz", "arcp"}  # rounding may be rearranged; NaN and infinity keep their meaning
_SQRT_TWO, _SQRT_PI = float(np.sqrt(2)), float(np.sqrt(np.pi))
_TO_SIGMA = float(1 / np.sqrt(8 * np.log(2)))


def _compiler(options: dict[str, Any]) -> Any:
    """What compiles a function when it is first used; threads may run beside it."""
    return numba.njit(nogil=True, error_model="numpy", fastmath=_FAST_MATH, **options)


def jit(function: CompiledFunction) -> CompiledFunction:
    """Compile a function for other compiled ones.

    Python cannot call it: what unpacks its arguments would be compiled again wherever the function is used.
    """
    return cast("CompiledFunction", _compiler({"no_cpython_wrapper": True, "no_cfunc_wrapper": True})(function))


def jit_open(function: CompiledFunction) -> CompiledFunction:
    """Compile a function that Python calls, too."""
    return cast("CompiledFunction", _compiler({})(function))


def jit_cached(function: CompiledFunction) -> CompiledFunction:
    """The same, and keep the machine code on the disk where there is a folder for it."""
    try:
        return cast("CompiledFunction", _compiler({"cache": True, "no_cfunc_wrapper": True})(function))
    except RuntimeError:
        return jit_open(function)


def _weideman_coefficients(terms: int) -> tuple[float, Array]:
    """Length and coefficients of Weideman's approximation of w(z), the constant one last.

    J. A. C. Weideman, SIAM J. Numer. Anal. 31, 1497 (1994), doi:10.1137/0731077
    """
    m = 2 * terms
    length = np.sqrt(terms / _SQRT_TWO)
    theta = np.arange(-m + 1, m) * np.pi / m
    t = length * np.tan(theta / 2)
    f = np.concatenate([[0.0], np.exp(-t * t) * (length**2 + t * t)])
    found = np.fft.fft(np.fft.fftshift(f)).real / (2 * m)
    return float(length), np.ascontiguousarray(found[1 : terms + 1][::-1])


_VOIGT_LENGTH, _VOIGT_COEFFICIENTS = _weideman_coefficients(_VOIGT_TERMS)


@jit
def _channel_range(centre: float, reach: float, n: int) -> tuple[int, int]:
    """First and end of the channels within reach of a centre, in channels from the first."""
    first = min(max(int(np.ceil(centre - reach)), 0), n)
    end = min(max(int(np.floor(centre + reach)) + 1, first), n)
    return first, end


@jit
def _fast_exponential(y: float) -> float:
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
def _add_normal_line(at: float, sigma: float, value: Array, slope: Array, by_sigma: Array) -> None:
    """Write a normal line, its slope and its derivative by sigma; `at` is its centre, in channels from the first."""
    height, inverse = 1 / (np.sqrt(2 * np.pi) * sigma), 1 / sigma
    for i in range(value.size):
        t = (i - at) * inverse
        v = height * _fast_exponential(-0.5 * t * t)
        value[i] = v
        slope[i] = -v * t * inverse
        by_sigma[i] = v * (t * t - 1) * inverse


@jit
def _voigt_near(at: float, sigma: float, half: float, line: Array, work: Array, first: int, end: int) -> None:
    """Write a Voigt line and its derivatives by x, sigma and half width into four rows, by a rational function.

    The loop over the terms is the outer one, so that the inner one runs over channels side by side.
    """
    scale, n = 1 / (_SQRT_TWO * sigma), end - first
    norm, y = scale / _SQRT_PI, half * scale
    a, c, from_first = _VOIGT_LENGTH + y, _VOIGT_LENGTH - y, first - at
    value, along, spread, by_half = line[0, first:end], line[1, first:end], line[2, first:end], line[3, first:end]
    zr, zi, pr, pi = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
    for i in range(n):
        # q = 1/(L - iz), Z = (L + iz) q
        x = (i + from_first) * scale
        inverse = 1 / (a * a + x * x)
        qr, qi = a * inverse, x * inverse
        zr[i], zi[i] = c * qr - x * qi, c * qi + x * qr
        pr[i], pi[i] = _VOIGT_COEFFICIENTS[0], 0.0
    for k in range(1, _VOIGT_TERMS):
        coefficient = _VOIGT_COEFFICIENTS[k]
        for i in range(n):
            real = pr[i] * zr[i] - pi[i] * zi[i] + coefficient
            pi[i] = pr[i] * zi[i] + pi[i] * zr[i]
            pr[i] = real
    for i in range(n):
        d = i + from_first
        x = d * scale
        inverse = 1 / (a * a + x * x)
        qr, qi = a * inverse, x * inverse
        sr, si = 2 * (pr[i] * qr - pi[i] * qi) + 1 / _SQRT_PI, 2 * (pr[i] * qi + pi[i] * qr)
        wr, wi = sr * qr - si * qi, sr * qi + si * qr
        vx = -2 * (x * wr - y * wi) * norm * scale
        vh = -(2 / _SQRT_PI - 2 * (x * wi + y * wr)) * norm * scale
        value[i] = wr * norm
        along[i] = vx
        spread[i] = -(wr * norm + d * vx + half * vh) / sigma  # Euler: V(x, σ, γ) has degree -1
        by_half[i] = vh


@jit
def _voigt_far(at: float, sigma: float, half: float, line: Array, first: int, end: int) -> None:
    r"""The same far from the line: $V = -\mathrm{Im} \sum_k (2k - 1)!!\,\sigma^{2k} z^{-2k-1}/\pi$."""
    s, inverse_pi, from_first = sigma * sigma, 1 / np.pi, first - at
    a1, a2, a3, a4, a5 = s, 3 * s**2, 15 * s**3, 105 * s**4, 945 * s**5
    value, along, spread, by_half = line[0, first:end], line[1, first:end], line[2, first:end], line[3, first:end]
    for i in range(end - first):
        x = i + from_first
        inverse = 1 / (x * x + half * half)
        ur, ui = x * inverse, -half * inverse
        qr, qi = ur * ur - ui * ui, 2 * ur * ui
        f5, g5 = a5 * qr + a4, a5 * qi  # Horner in 1/z²: f + ig the sum, d + ie its slope by z
        d5, e5 = 11 * a5 * qr + 9 * a4, 11 * a5 * qi
        f4, g4 = f5 * qr - g5 * qi + a3, f5 * qi + g5 * qr
        d4, e4 = d5 * qr - e5 * qi + 7 * a3, d5 * qi + e5 * qr
        f3, g3 = f4 * qr - g4 * qi + a2, f4 * qi + g4 * qr
        d3, e3 = d4 * qr - e4 * qi + 5 * a2, d4 * qi + e4 * qr
        f2, g2 = f3 * qr - g3 * qi + a1, f3 * qi + g3 * qr
        d2, e2 = d3 * qr - e3 * qi + 3 * a1, d3 * qi + e3 * qr
        f1, g1 = f2 * qr - g2 * qi + 1.0, f2 * qi + g2 * qr
        d1, e1 = d2 * qr - e2 * qi + 1.0, d2 * qi + e2 * qr
        v, vx, vh = -(f1 * ui + g1 * ur), d1 * qi + e1 * qr, d1 * qr - e1 * qi
        value[i] = v * inverse_pi
        along[i] = vx * inverse_pi
        spread[i] = -(v + x * vx + half * vh) * inverse_pi / sigma
        by_half[i] = vh * inverse_pi


@jit
def _add_zero_loss(start: float, x: Array, mu: Array, jacobian: Array, line: Array) -> None:
    """Write the zero-loss peak, and its derivatives by amplitude, centre, width and share."""
    amplitude, centre, width, share = x[0], x[1] - start, x[2], x[3]
    half = 0.5 * width
    factor, keep = half / np.pi, 1 - share
    j0, j1, j2, j3 = jacobian[0], jacobian[1], jacobian[2], jacobian[3]
    for i in range(mu.size):
        d = i - centre
        inverse = 1 / (d * d + half * half)
        value = factor * inverse
        mu[i] = amplitude * share * value
        j0[i] = share * value
        j1[i] = amplitude * share * value * inverse * 2 * d
        j2[i] = amplitude * share * 0.5 / np.pi * (d * d - half * half) * inverse * inverse
        j3[i] = amplitude * value
    first, end = _channel_range(centre, _NORMAL_WINDOW * width * _TO_SIGMA, mu.size)
    g, gx, gs = line[0, first:end], line[1, first:end], line[2, first:end]
    _add_normal_line(centre - first, width * _TO_SIGMA, g, gx, gs)
    near, j0, j1, j2, j3 = mu[first:end], j0[first:end], j1[first:end], j2[first:end], j3[first:end]
    for i in range(g.size):
        near[i] += amplitude * keep * g[i]
        j0[i] += keep * g[i]
        j1[i] -= amplitude * keep * gx[i]
        j2[i] += amplitude * keep * gs[i] * _TO_SIGMA
        j3[i] -= amplitude * g[i]


@jit
def _tied_occupation(x: Array, at: int, place: int, tie: int) -> tuple[float, float, float]:
    """Occupation of a mode, and its derivatives by energy and by what it is tied to."""
    if tie == 2:
        return x[place], 0.0, 1.0
    ratio = min(max(x[at] / x[place], 1e-9), 700.0)
    n = 1 / np.expm1(ratio)
    both = n * (n + 1) / x[place]
    return n, -both, both * ratio


@jit
def _voigt_tail(at: float, sigma: float, half: float, line: Array, first: int, end: int) -> None:
    """The same farther out, where three terms do."""
    s, inverse_pi, from_first = sigma * sigma, 1 / np.pi, first - at
    a1, a2, a3 = s, 3 * s**2, 15 * s**3
    value, along, spread, by_half = line[0, first:end], line[1, first:end], line[2, first:end], line[3, first:end]
    for i in range(end - first):
        x = i + from_first
        inverse = 1 / (x * x + half * half)
        ur, ui = x * inverse, -half * inverse
        qr, qi = ur * ur - ui * ui, 2 * ur * ui
        f3, g3 = a3 * qr + a2, a3 * qi
        d3, e3 = 7 * a3 * qr + 5 * a2, 7 * a3 * qi
        f2, g2 = f3 * qr - g3 * qi + a1, f3 * qi + g3 * qr
        d2, e2 = d3 * qr - e3 * qi + 3 * a1, d3 * qi + e3 * qr
        f1, g1 = f2 * qr - g2 * qi + 1.0, f2 * qi + g2 * qr
        d1, e1 = d2 * qr - e2 * qi + 1.0, d2 * qi + e2 * qr
        v, vx, vh = -(f1 * ui + g1 * ur), d1 * qi + e1 * qr, d1 * qr - e1 * qi
        value[i] = v * inverse_pi
        along[i] = vx * inverse_pi
        spread[i] = -(v + x * vx + half * vh) * inverse_pi / sigma
        by_half[i] = vh * inverse_pi


@jit
def _add_scaled(row: Array, factor: float, line: Array) -> None:
    """Add a multiple of a line to a row."""
    for i in range(row.size):
        row[i] += factor * line[i]


@jit
def _add_two_scaled(row: Array, first_factor: float, first: Array, second_factor: float, second: Array) -> None:
    """Add multiples of two lines to a row."""
    for i in range(row.size):
        row[i] += first_factor * first[i] + second_factor * second[i]


@jit
def _set_two_scaled(row: Array, first_factor: float, first: Array, second_factor: float, second: Array) -> None:
    """Write multiples of two lines into a row."""
    for i in range(row.size):
        row[i] = first_factor * first[i] + second_factor * second[i]


@jit
def _voigt_line(at: float, sigma: float, half: float, line: Array, work: Array) -> None:
    """Write a Voigt line and its derivatives over the whole axis."""
    n = line.shape[1]
    out, end = _channel_range(at, _VOIGT_TAIL * sigma + half, n)
    first, last = _channel_range(at, _VOIGT_FAR * sigma + half, n)
    _voigt_tail(at, sigma, half, line, 0, out)
    _voigt_far(at, sigma, half, line, out, first)
    _voigt_near(at, sigma, half, line, work, first, last)
    _voigt_far(at, sigma, half, line, last, end)
    _voigt_tail(at, sigma, half, line, end, n)


@jit
def _add_normal_part(at: float, sigma: float, amount: float, model: Model, by_width: Array, line: Array) -> None:
    """Add the normal part to a line and its slope (rows 0 and 1), and to the derivatives that only it changes."""
    x, mu, jacobian = model
    width, keep = x[2], 1 - x[3]
    both = np.sqrt(sigma * sigma + (width * _TO_SIGMA) ** 2)
    first, end = _channel_range(at, _NORMAL_WINDOW * both, mu.size)
    g, gx, gs = line[4, first:end], line[5, first:end], line[6, first:end]
    _add_normal_line(at - first, both, g, gx, gs)
    _add_scaled(jacobian[2, first:end], keep * amount * _TO_SIGMA**2 * width / both, gs)
    _add_scaled(jacobian[3, first:end], -amount, g)
    _add_scaled(by_width[first:end], keep * amount * sigma / both, gs)
    _add_scaled(line[0, first:end], keep, g)
    _add_scaled(line[1, first:end], keep, gx)


@jit
def _add_mode(start: float, model: Model, at: int, place: int, tie: int, workspace: tuple[Array, Array]) -> None:
    """Add loss and gain of one mode, and their derivatives."""
    x, mu, jacobian = model
    line, work = workspace
    centre, half, share = x[1] - start, 0.5 * x[2], x[3]
    energy, sigma, strength = x[at], x[at + 1], x[at + 2]
    n, by_energy, by_tie = _tied_occupation(x, at, place, tie)
    lost, won = strength * (n + 1), strength * n
    loss, gain = line[:7], line[7:]
    _voigt_line(centre + energy, sigma, half, loss, work)
    _voigt_line(centre - energy, sigma, half, gain, work)
    _add_two_scaled(jacobian[2], lost * share * 0.5, loss[3], won * share * 0.5, gain[3])
    _add_two_scaled(jacobian[3], lost, loss[0], won, gain[0])
    _set_two_scaled(jacobian[at + 1], lost * share, loss[2], won * share, gain[2])
    for side in (loss, gain):
        for i in range(mu.size):
            side[0, i] *= share
            side[1, i] *= share
    _add_normal_part(centre + energy, sigma, lost, model, jacobian[at + 1], loss)
    _add_normal_part(centre - energy, sigma, won, model, jacobian[at + 1], gain)
    _add_two_scaled(mu, lost, loss[0], won, gain[0])
    _add_two_scaled(jacobian[1], -lost, loss[1], -won, gain[1])
    _set_two_scaled(jacobian[at], -lost, loss[1], won, gain[1])  # E moves loss up and gain down
    _add_two_scaled(jacobian[at], strength * by_energy, loss[0], strength * by_energy, gain[0])
    _set_two_scaled(jacobian[at + 2], n + 1, loss[0], n, gain[0])
    _add_two_scaled(jacobian[place], strength * by_tie, loss[0], strength * by_tie, gain[0])


@jit_open
def expected_electrons(spectrum: tuple[float, int, int, Array], model: Model, workspace: tuple[Array, Array]) -> None:
    """Write electrons of each channel before the detector, and their derivatives, into the arrays of the model.

    `spectrum` holds the first channel, the number of modes, how they are tied, and the terms of the background.
    """
    start, modes, tie, smooth = spectrum
    x, mu, jacobian = model
    first = 4 + 3 * modes
    ties = 1 if tie == 0 else modes
    jacobian[first : first + ties] = 0.0
    _add_zero_loss(start, x, mu, jacobian, workspace[0])
    for j in range(modes):
        _add_mode(start, model, 4 + 3 * j, first + (0 if tie == 0 else j), tie, workspace)
    for k in range(smooth.shape[0]):
        coefficient = x[first + ties + k]
        for i in range(mu.size):
            jacobian[first + ties + k, i] = smooth[k, i]
            mu[i] += coefficient * smooth[k, i]
