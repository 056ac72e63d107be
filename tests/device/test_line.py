"""A heated strip: closed forms and brute force."""

import numpy as np
from scipy.special import sici

from kapitza.measure.thermoreflectance.three_omega import strip_quadrature


def test_integrals_in_closed_form():
    """Of sinc² alone π/2b, and of sinc²/(1 + k d) by a series of sine and cosine integrals."""
    b = 15e-6
    k, w = strip_quadrature(b)
    np.testing.assert_allclose(w.sum(), 1 / (2 * b), rtol=3e-7, atol=0)  # falls as k⁻² only: the slowest there is
    d = 3 * b
    x = 2 * b / d
    si, ci = sici(x)
    # ∫ sin²(kb)/(kb)² /(1 + kd) dk by the partial fractions of 1/k²(1 + kd); g is an auxiliary function of Si and Ci
    g = -ci * np.cos(x) + (np.pi / 2 - si) * np.sin(x)
    log = np.log(x) + np.euler_gamma + g
    want = (np.pi * b / 2 - d / 2 * log) / b**2 / np.pi
    np.testing.assert_allclose(np.sum(w / (1 + k * d)), want, rtol=1e-6, atol=0)
