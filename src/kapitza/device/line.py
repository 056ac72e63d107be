r"""A strip of metal on a stack, heated by a current: the 3ω method.

Heat of amplitude P enters evenly over $|x| < b$ and a length l, and the strip reads the mean temperature below it:

$$\Delta T = \frac{P}{\pi l}\int_0^\infty \Big(\frac{\sin kb}{kb}\Big)^2 Z(k, s)\,dk .$$

D. G. Cahill, Rev. Sci. Instrum. 61, 802 (1990), doi:10.1063/1.1141498.  The integrand falls only as $k^{-2}$ to
$k^{-3}$, so its tail is not cut: beyond 40 periods of the sine its square is replaced by its mean, 1/2.
"""

import numpy as np

from kapitza.core.arrays import Array

PERIODS = 40
ORDER = 8


def strip_quadrature(half_width: float) -> tuple[Array, Array]:
    r"""Nodes k (nk,), rad m⁻¹, and weights (nk,), m⁻¹, of $\int_0^\infty (\sin kb/kb)^2 \dots dk/\pi$.

    Parameters
    ----------
    half_width : b, m
    """
    period = np.pi / half_width
    start = np.concatenate([[0.0], period * 3.0 ** np.arange(-13, 1)])
    middle = period * np.arange(1, PERIODS + 1)
    tail = middle[-1] * 3.0 ** np.arange(10)
    k, step = panels(np.concatenate([start, middle[1:]]).astype(float))
    far, far_step = panels(tail)
    shape = np.sinc(k * half_width / np.pi) ** 2
    return np.concatenate([k, far]), np.concatenate([step * shape, far_step / (2 * (far * half_width) ** 2)]) / np.pi


def panels(edges: Array) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on each panel between edges, one after the other."""
    x, w = np.polynomial.legendre.leggauss(ORDER)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
