"""Compiled linear algebra of one small symmetric matrix, as the search needs it."""

import numpy as np
from numpy.typing import NDArray

from kapitza.measure.eels.kernel import Floats, jit
from kapitza.measure.eels.search import BEND, PIVOT

Bools = NDArray[np.bool_]

VECTORS = 10  # rows of the small workspace before its three matrices


@jit
def dot(a: Floats, b: Floats) -> float:
    """Sum of products."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit
def four_dots(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[float, float, float, float]:
    """Sums of products ac, ad, bc, bd in one pass: what is read is used twice."""
    ac, ad, bc, bd = 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        ac += a[i] * c[i]
        ad += a[i] * d[i]
        bc += b[i] * c[i]
        bd += b[i] * d[i]
    return ac, ad, bc, bd


@jit
def root_of(matrix: Floats) -> bool:
    """Overwrite the lower triangle with the Cholesky factor, its diagonal inverted; False where a pivot vanishes."""
    p = matrix.shape[0]
    for a in range(p):
        for b in range(a + 1):
            total = matrix[a, b]
            for c in range(b):
                total -= matrix[a, c] * matrix[b, c]
            if a == b:
                if not total > PIVOT:
                    return False
                matrix[a, a] = 1 / np.sqrt(total)
            else:
                matrix[a, b] = total * matrix[b, b]
    return True


@jit
def solve(root: Floats, right: Floats) -> None:
    """Solve with a Cholesky factor in place."""
    p = right.size
    for a in range(p):
        total = right[a]
        for c in range(a):
            total -= root[a, c] * right[c]
        right[a] = total * root[a, a]
    for a in range(p - 1, -1, -1):
        total = right[a]
        for c in range(a + 1, p):
            total -= root[c, a] * right[c]
        right[a] = total * root[a, a]


@jit
def scaled(information: Floats, learnt: Floats, blocked: Bools, damping: float, matrix: Floats, scale: Floats) -> bool:
    """Write the Cholesky factor of the information at unit diagonal, and the scale that leads back."""
    p = scale.size
    for a in range(p):
        scale[a] = 0.0 if blocked[a] else 1 / np.sqrt(information[a, a])
    for a in range(p):
        for b in range(p):
            matrix[a, b] = (information[a, b] + learnt[a, b]) * scale[a] * scale[b]
        matrix[a, a] = (1.0 if blocked[a] else matrix[a, a]) + damping
    return root_of(matrix)


@jit
def stepped(gradient: Floats, root: Floats, scale: Floats, step: Floats) -> float:
    """Write the step and return its length in standard uncertainties."""
    for a in range(step.size):
        step[a] = gradient[a] * scale[a]
    solve(root, step)
    length = 0.0
    for a in range(step.size):
        step[a] *= scale[a]
        length += step[a] * gradient[a]
    return np.sqrt(max(length, 0.0))


@jit
def learn(
    information: Floats, learnt: Floats, moved: Floats, change: Floats, local: bool, free: Bools, rest: Floats
) -> None:
    """Update what the observed information is more than the expected one: symmetric, of rank one."""
    if not local:
        learnt[:] = 0.0
        return
    p = moved.size
    along, size = 0.0, 0.0
    for a in range(p):
        rest[a] = 0.0
        if free[a]:
            total = change[a]
            for b in range(p):
                total -= (information[a, b] + learnt[a, b]) * moved[b]
            rest[a] = total
        along += rest[a] * moved[a]
        if information[a, a] > 0:
            size += rest[a] * rest[a] / information[a, a]
    if abs(along) * BEND > size and size > 0:
        for a in range(p):
            for b in range(p):
                learnt[a, b] += rest[a] * rest[b] / along


@jit
def invert(information: Floats, blocked: Bools, small: Floats, covariance: Floats) -> bool:
    """Write the inverse of the information of the parameters that move; infinite and False where it is singular."""
    p = blocked.size
    scale, matrix, learnt = small[3], small[VECTORS : VECTORS + p], small[VECTORS + p : VECTORS + 2 * p]
    learnt[:] = 0.0
    covariance[:] = 0.0
    if not scaled(information, learnt, blocked, 0.0, matrix, scale):
        for a in range(p):
            covariance[a, a] = 0.0 if blocked[a] else np.inf
        return False
    for a in range(p):
        right = covariance[a]
        right[a] = 1.0
        solve(matrix, right)
        for b in range(p):
            right[b] *= scale[a] * scale[b]
    return True
