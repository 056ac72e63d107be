"""Compiled linear algebra of one small symmetric matrix, and the goodness of fit of one spectrum."""

import math

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.measure.eels.fitting.compiler import jit
from kapitza.measure.eels.fitting.search import MAX_CURVATURE_RATIO, MIN_EXPECTED_ELECTRONS, MIN_PIVOT, MIN_VARIANCE
from kapitza.measure.eels.spectrum import Detector

WORKSPACE_VECTORS = 10  # rows of the small workspace before its three matrices


@jit
def copy_values(source: Array, target: Array) -> None:
    """Copy a vector.  By an assignment to a slice, numba would compile the text of an error, which takes seconds."""
    for i in range(target.size):
        target[i] = source[i]


@jit
def clear_values(target: Array) -> None:
    """Set a vector to 0; by a loop for the same reason."""
    for i in range(target.size):
        target[i] = 0.0


@jit
def clear_rows(target: Array) -> None:
    """Set a matrix to 0."""
    for a in range(target.shape[0]):
        for b in range(target.shape[1]):
            target[a, b] = 0.0


@jit
def four_dot_products(a: Array, b: Array, c: Array, d: Array) -> tuple[float, float, float, float]:
    """Sums of products ac, ad, bc, bd in one pass: what is read is used twice."""
    ac, ad, bc, bd = 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        ac += a[i] * c[i]
        ad += a[i] * d[i]
        bc += b[i] * c[i]
        bd += b[i] * d[i]
    return ac, ad, bc, bd


@jit
def _factorise(matrix: Array) -> bool:
    """Overwrite the lower triangle with the Cholesky factor, its diagonal inverted; False where a pivot vanishes."""
    p = matrix.shape[0]
    for a in range(p):
        for b in range(a + 1):
            total = matrix[a, b]
            for c in range(b):
                total -= matrix[a, c] * matrix[b, c]
            if a == b:
                if not total > MIN_PIVOT:
                    return False
                matrix[a, a] = 1 / math.sqrt(total)
            else:
                matrix[a, b] = total * matrix[b, b]
    return True


@jit
def _solve_factorised(root: Array, right: Array) -> None:
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
def factorise_scaled(
    information: Array, curvature: Array, blocked: BoolArray, damping: float, matrix: Array, scale: Array
) -> bool:
    """Write the Cholesky factor of the information at unit diagonal, and the scale that leads back."""
    p = scale.size
    for a in range(p):
        scale[a] = 0.0 if blocked[a] else 1 / math.sqrt(information[a, a])
    for a in range(p):
        for b in range(p):
            matrix[a, b] = (information[a, b] + curvature[a, b]) * scale[a] * scale[b]
        matrix[a, a] = (1.0 if blocked[a] else matrix[a, a]) + damping  # Marquardt: relative to the diagonal
    return _factorise(matrix)


@jit
def scoring_step(gradient: Array, root: Array, scale: Array, step: Array) -> float:
    """Write the step and return its length in standard uncertainties."""
    for a in range(step.size):
        step[a] = gradient[a] * scale[a]
    _solve_factorised(root, step)
    length = 0.0
    for a in range(step.size):
        step[a] *= scale[a]
        length += step[a] * gradient[a]  # squared length in the metric of the information
    return math.sqrt(max(length, 0.0))


@jit
def update_curvature(
    information: Array, curvature: Array, moved: Array, change: Array, local: bool, free: BoolArray, remainder: Array
) -> None:
    r"""Update the difference C of observed and expected information I from a change y of the gradient along a step d.

    Where a mode is weak the two differ by as much as themselves, and steps by the expected one alone would swing.
    Symmetric update of rank one: $C + rr^T/r\cdot d$ with $r = y - (I + C)d$.
    """
    p = moved.size
    if not local:
        clear_rows(curvature)
        return
    along, size = 0.0, 0.0
    for a in range(p):
        remainder[a] = 0.0
        if free[a]:
            total = change[a]
            for b in range(p):
                total -= (information[a, b] + curvature[a, b]) * moved[b]
            remainder[a] = total
        along += remainder[a] * moved[a]
        if information[a, a] > 0:
            size += remainder[a] * remainder[a] / information[a, a]
    if abs(along) * MAX_CURVATURE_RATIO > size and size > 0:  # with r·d near zero the update would diverge
        for a in range(p):
            for b in range(p):
                curvature[a, b] += remainder[a] * remainder[b] / along


@jit
def invert_information(information: Array, blocked: BoolArray, small: Array, covariance: Array) -> bool:
    """Write the inverse of the information of the parameters that move; infinite and False where it is singular."""
    p = blocked.size
    scale, matrices = small[3], small[WORKSPACE_VECTORS:]
    matrix, curvature = matrices[:p], matrices[p : 2 * p]
    clear_rows(curvature)
    clear_rows(covariance)
    if not factorise_scaled(information, curvature, blocked, 0.0, matrix, scale):
        for a in range(p):
            covariance[a, a] = 0.0 if blocked[a] else math.inf
        return False
    for a in range(p):
        right = covariance[a]
        right[a] = 1.0
        _solve_factorised(matrix, right)
        for b in range(p):
            right[b] *= scale[a] * scale[b]
    return True


@jit
def spectrum_deviance(y: Array, present: Array, mu: Array, detector: Detector) -> float:
    """Twice the log-likelihood that is missing to a perfect fit."""
    dark, response, variance = detector
    total = 0.0
    for i in range(y.size):
        count = y[i] - dark[i] + variance[i]  # Poisson of mean μ + v (Snyder): right mean and variance
        spread = max(response[i] * mu[i] + variance[i], MIN_VARIANCE)
        ratio = count / spread if count > 0 else 1 / spread  # y ln y tends to 0
        total += present[i] * (count * math.log(ratio) - count + spread)
    return 2 * total


@jit
def _group_variance(
    first: int, end: int, present: Array, response: Array, jacobian: Array, covariance: Array, blocked: BoolArray,
    sums: Array,
) -> float:  # fmt: skip
    """Variance of the expected counts of one group of channels from that of the parameters."""
    p = blocked.size
    for a in range(p):
        sums[a] = 0.0
        if not blocked[a]:
            for i in range(first, end):
                sums[a] += present[i] * response[i] * jacobian[a, i]
    total = 0.0
    for a in range(p):
        for b in range(a):
            total += 2 * sums[a] * sums[b] * covariance[a, b]
        total += sums[a] * sums[a] * covariance[a, a]
    return total


@jit
def chi2_moments(
    present: Array, model: tuple[Array, Array, Array], residual: Array, detector: Detector, covariance: Array,
    blocked: BoolArray, from_priors: float, out: tuple[Array, Array, IntArray],
) -> None:  # fmt: skip
    r"""Write chi-squared of groups of channels, and its mean, variance and third moment when the model is right.

    Channels are grouped until they hold `MIN_EXPECTED_ELECTRONS`.  For such a sum of counts of mean m and variance
    $V = m + v$, $(y - m)^2/V$ has the mean 1, the variance $2 + m/V^2$ and the third central moment
    $8 + (m + 12 m V + 10 m^2)/V^3$.  The parameters, of covariance C fitted to the single channels, take
    $\mathrm{tr}(C I_\mathrm{groups})$ off the mean; `from_priors` of them are known from priors.  `out` is a row of
    workspace, the four numbers, and (n + 1,) first channels of the groups.
    """
    _x, mu, jacobian = model
    sums, fit, first = out
    _dark, response, variance = detector
    n, p, group = mu.size, blocked.size, 0
    clear_values(fit)
    first[0] = 0
    held = 0.0
    for i in range(n):
        if held >= MIN_EXPECTED_ELECTRONS:
            group += 1
            first[group] = i
            held = 0.0
        held += present[i] * max(response[i] * mu[i] + variance[i], MIN_VARIANCE)
    if held >= MIN_EXPECTED_ELECTRONS or group == 0:
        group += 1
    first[group] = n
    used = 0.0
    for g in range(group):
        m, v, r = 0.0, 0.0, 0.0
        for i in range(first[g], first[g + 1]):
            mean = response[i] * mu[i]
            m += present[i] * mean
            v += present[i] * max(mean + variance[i], MIN_VARIANCE)
            r += residual[i]
        inverse = 1 / v
        ratio = m * inverse
        fit[0] += r * r * inverse
        fit[2] += 2 + ratio * inverse
        fit[3] += 8 + ratio * (inverse * inverse + 12 * inverse + 10 * ratio * inverse)
        if group < n:
            used += _group_variance(first[g], first[g + 1], present, response, jacobian, covariance, blocked, sums) / v
    count = 0
    for a in range(p):
        count += not blocked[a]
    if group == n:
        used = count - from_priors
    if not math.isfinite(used):
        used = float(count)
    left = max(1 - used / group, 1.0 / group)
    fit[1], fit[2], fit[3] = group * left, fit[2] * left, fit[3] * left
