"""Curves of a fit by their tangents: what each says of the coordinates and of its noise beside all others."""

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.measure.least_squares import difference_jacobian
from kapitza.measure.noise.estimate import LinearCurve
from kapitza.measure.parameters import FitProblem, plain_residuals, split_by_data_set

_LEAST_POINTS = 10  # of a curve, below which nothing is said of correlations, but of the size of the noise


def tangent_curves(problem: FitProblem, x: Array, used: NDArray[np.intp]) -> tuple[LinearCurve, ...]:
    """(m,) curves at coordinates (p,), by the (u,) of them that move; the others stay where they are."""
    plain = plain_residuals(problem, x)
    slopes = difference_jacobian(lambda y: np.concatenate(plain_residuals(problem, y)), x, scale=problem.scale)
    jacobians = split_by_data_set(problem, slopes[:, used])
    noises = problem.noise or (None,) * len(plain)
    free = [
        (r, j) if noise is None else (noise.whiten(r)[0], noise.whiten(j)[0])
        for r, j, noise in zip(plain, jacobians, noises, strict=True)
    ]
    parts = [(j.T @ j, j.T @ r) for r, j in free]
    width = problem.width[used]
    total = np.diag(width**-2) + sum(one for one, _ in parts)
    slope = x[used] / width**2 + sum(one for _, one in parts)
    return tuple(
        LinearCurve(
            residual=r,
            jacobian=j,
            information=total - own,
            gradient=slope - pull,
            stated=sample.curve.sigma is not None,
            long=r.size >= max(_LEAST_POINTS, used.size + 5),
        )
        for r, j, sample, (own, pull) in zip(plain, jacobians, problem.samples, parts, strict=True)
    )
