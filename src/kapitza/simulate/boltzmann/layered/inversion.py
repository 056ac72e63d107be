"""Inverse Laplace transform along a line right of all singularities, for responses of any kind."""

from math import comb, log, pi

import numpy as np

from kapitza.core.arrays import Array, ComplexArray

EULER_TERMS = 11  # of the inversion: right to about six digits where the response is smooth


def euler_inversion(terms: int = EULER_TERMS) -> tuple[Array, ComplexArray]:
    r"""Weights w and places p (2 terms + 1,): $h(t) = \sum_j w_j\,\mathrm{Re}\,H(p_j/t)/t$.

    Euler's summation: 0.6 digits a term where the response is smooth, of which rounding takes a third of one each (J.
    Abate and W. Whitt, INFORMS J. Comput. 18, 408 (2006), doi:10.1287/ijoc.1050.0137).
    """
    weight = np.ones(2 * terms + 1)
    weight[0], weight[-1] = 0.5, 2.0**-terms
    for k in range(1, terms):  # binomial means of partial sums: Euler's summation of an alternating series
        weight[2 * terms - k] = weight[2 * terms - k + 1] + 2.0**-terms * comb(terms, k)
    sign = (-1.0) ** np.arange(2 * terms + 1)
    place = np.asarray(terms * log(10) / 3 + 1j * pi * np.arange(2 * terms + 1), dtype=np.complex128)
    return 10 ** (terms / 3) * sign * weight, place
