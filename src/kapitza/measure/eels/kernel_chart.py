"""Compiled coordinates of the search: the same as in `chart`."""

import numpy as np
from numpy.typing import NDArray

from kapitza.measure.eels.kernel import Floats, jit

Integers = NDArray[np.int64]


@jit
def straight(u: Floats, energy: Floats, owner: Integers, x: Floats, own: Floats, cross: Floats) -> None:
    """Write parameters, their derivatives by their own coordinate, and those of intensities by the ratio."""
    for a in range(u.size):
        x[a], own[a], cross[a] = u[a], 1.0, 0.0
        if energy[a] > 0:
            x[a] = -energy[a] / np.log(u[a])
            own[a] = x[a] * x[a] / (energy[a] * u[a])
        elif energy[a] == 0:
            x[a] = u[a] / (1 - u[a])
            own[a] = 1 / ((1 - u[a]) * (1 - u[a]))
        elif owner[a] >= 0:
            own[a] = 1 - u[owner[a]]
            cross[a] = -u[a]
            x[a] = u[a] * own[a]


@jit
def turn(own: Floats, cross: Floats, owner: Integers, energy: Floats, rows: Floats) -> None:
    """Turn derivatives by parameters (p, n) into those by coordinates."""
    for a in range(own.size):
        if energy[a] >= 0:
            for i in range(rows.shape[1]):
                rows[a, i] *= own[a]
    for a in range(own.size):
        if owner[a] >= 0:
            row, ratio = rows[a], rows[owner[a]]
            for i in range(row.size):
                ratio[i] += cross[a] * row[i]
                row[i] *= own[a]


@jit
def spread_out(own: Floats, cross: Floats, owner: Integers, energy: Floats, matrix: Floats) -> None:
    """Turn the covariance of coordinates into that of parameters."""
    p = own.size
    for a in range(p):
        if owner[a] >= 0:
            for b in range(p):
                matrix[a, b] = own[a] * matrix[a, b] + cross[a] * matrix[owner[a], b]
    for a in range(p):
        if owner[a] >= 0:
            for b in range(p):
                matrix[b, a] = own[a] * matrix[b, a] + cross[a] * matrix[b, owner[a]]
    for a in range(p):
        if energy[a] >= 0:
            for b in range(p):
                matrix[a, b] *= own[a]
            for b in range(p):
                matrix[b, a] *= own[a]


@jit
def informed(own: Floats, cross: Floats, owner: Integers, weight: Floats, information: Floats) -> None:
    """Add what priors tell to the information of the coordinates."""
    for a in range(own.size):
        information[a, a] += own[a] * own[a] * weight[a]
        if owner[a] >= 0:
            o = owner[a]
            information[o, o] += cross[a] * cross[a] * weight[a]
            information[a, o] += own[a] * cross[a] * weight[a]
            information[o, a] += own[a] * cross[a] * weight[a]


@jit
def foreknown(own: Floats, cross: Floats, owner: Integers, weight: Floats, covariance: Floats) -> float:
    """Return how many of the parameters priors determine, from the covariance of the coordinates."""
    total = 0.0
    for a in range(own.size):
        part = own[a] * own[a] * covariance[a, a]
        if owner[a] >= 0:
            o = owner[a]
            part += 2 * own[a] * cross[a] * covariance[a, o] + cross[a] * cross[a] * covariance[o, o]
        total += weight[a] * part
    return total
