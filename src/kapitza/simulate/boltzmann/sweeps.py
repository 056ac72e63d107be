r"""The balance of heat without its matrix: streams swept through the cells, for layers of very many cells.

One application of the balance costs as much as there are streams and cells.  Conjugate gradients need the more steps
the more mean free paths the layers are thick, unless slow, long waves of temperature are solved for by themselves: by
Fourier's law on the means of the cells (diffusion synthetic acceleration; R. E. Alcouffe, Nucl. Sci. Eng. 64, 344
(1977)).  Bands with long paths carry less of such waves than Fourier's law says: each part of the spectrum adds its own
diffusion.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from attrs import field, frozen
from scipy.linalg import solveh_banded

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError
from kapitza.simulate.boltzmann.carriers import Integers
from kapitza.simulate.boltzmann.elements import ORDER, cell_integrals
from kapitza.simulate.boltzmann.streams import Streams

Operator = Callable[[Array], Array]

PARTS = 6  # of a spectrum of mean free paths, each with a diffusion of its own
TOLERANCE = 1e-11  # of the residual
MOST = 400  # iterations


@frozen(eq=False)
class Sweep:
    """A layer whose streams are swept from cell to cell.

    Attributes
    ----------
    streams : of the layer
    widths : (C,) of the cells, m
    kind : (C,) number of the width of each cell among the different ones
    passed, given : of cells of each width, (U, S) and (U, ORDER, S)
    local : (U, ORDER, ORDER) balance within a cell of each width
    """

    streams: Streams
    widths: Array
    kind: Integers
    passed: Array
    given: Array
    local: Array
    sign: Array = field(init=False, factory=lambda: np.array([(-1.0) ** j for j in range(ORDER)]))

    @property
    def strength(self) -> Array:
        """(S,) c/2τ², what a stream takes from a cell over what it gives, per length."""
        return self.streams.capacity / self.streams.lifetime / (2 * self.streams.reach)

    def balance(self, temperature: Array) -> tuple[Array, Array, Array]:
        """Balance (C, ORDER) of temperatures (C, ORDER) without inflow, and what leaves left and right, (S,)."""
        found = np.einsum("cij,cj->ci", self.local[self.kind], temperature)
        right, left = np.zeros((2, self.streams.reach.size))
        weight = self.strength
        for c in range(self.widths.size):
            k, back = self.kind[c], self.widths.size - 1 - c
            found[c] -= self.given[k] @ (weight * right)
            right = self.passed[k] * right + (self.sign * temperature[c]) @ self.given[k]
            k = self.kind[back]
            found[back] -= self.sign * (self.given[k] @ (weight * left))
            left = self.passed[k] * left + temperature[back] @ self.given[k]
        return found, left / self.streams.reach, right / self.streams.reach

    def inflow(self, left: Array, right: Array) -> Array:
        """(C, ORDER) heat that streams (S,) entering from left and right give to the cells, W m⁻²."""
        found = np.empty((self.widths.size, ORDER))
        found[:] = 0
        weight = self.strength * self.streams.reach
        ahead, behind = weight * left, weight * right
        for c in range(self.widths.size):
            k, back = self.kind[c], self.widths.size - 1 - c
            found[c] += self.given[k] @ ahead
            ahead = self.passed[k] * ahead
            k = self.kind[back]
            found[back] += self.sign * (self.given[k] @ behind)
            behind = self.passed[k] * behind
        return found

    def transmitted(self) -> Array:
        """(S,) what is left of a stream behind the layer."""
        count = np.bincount(self.kind, minlength=len(self.passed))
        return np.prod(self.passed ** count[:, None], axis=0)


def sweep_of(streams: Streams, widths: Array) -> Sweep:
    """Prepare a layer: cells of one width share their integrals."""
    rounded = np.round(np.log(widths), 9)
    _, first, kind = np.unique(rounded, return_index=True, return_inverse=True)
    different = widths[first]
    passed, moment, collision = cell_integrals(different / streams.reach[:, None])
    exchange = streams.capacity / streams.lifetime
    local = np.tensordot(exchange, collision, axes=(0, 0))
    local = different[:, None, None] / 2 * (local + local.swapaxes(1, 2))
    given = (different[:, None] * moment).transpose(1, 2, 0)
    return Sweep(streams, widths, kind.ravel(), np.ascontiguousarray(passed.T), np.ascontiguousarray(given), local)


def diffusions(sweeps: Sequence[Sweep], joints: Sequence[Array]) -> list[Array]:
    r"""Diffusions, as banded matrices of hat functions, whose inverses add to that of the balance for all waves.

    In the P₁ approximation the balance of a wave k is
    $\sum_b w_b z l_b/(1 + z l_b)$ with $z = k^2$, $l = \Lambda^2/3$.
    Its inverse is a sum of poles, $1/W + \sum_j r_j/(z + m_j)$ with $r_j > 0$, one of them at $m = 0$: Fourier's.
    """
    weights, lengths = zip(*(grouped(one.streams) for one in sweeps), strict=True)
    poles = [partial_fractions(w, x) for w, x in zip(weights, lengths, strict=True)]
    starts = np.cumsum([0, *(one.widths.size + 1 for one in sweeps)])
    found: list[Array] = []
    for j in range(PARTS):
        bands = np.zeros((2, int(starts[-1])))
        for i, (one, (residue, mass)) in enumerate(zip(sweeps, poles, strict=True)):
            inside = slice(int(starts[i]), int(starts[i + 1]))
            stiff, heavy = 1 / residue[j] / one.widths, mass[j] / residue[j] * one.widths / 6
            bands[1, inside][:-1] += stiff + 2 * heavy
            bands[1, inside][1:] += stiff + 2 * heavy
            bands[0, inside][1:] += heavy - stiff
        for i, crossing in enumerate(joints):
            passed = float(crossing.sum())
            before, after = int(starts[i]) - 1, int(starts[i])
            bands[1, [k for k in (before, after) if 0 <= k < starts[-1]]] += passed
            if 0 < i < len(sweeps):
                bands[0, after] -= passed
        found.append(bands)
    return found


def grouped(streams: Streams) -> tuple[Array, Array]:
    """(PARTS,) exchange C/τ of parts of the spectrum of paths, W m⁻³ K⁻¹, and their mean Λ_z², m²."""
    order = np.argsort(streams.reach)
    exchange = (streams.capacity / streams.lifetime)[order]
    square = np.square(streams.reach[order])
    span = np.log(streams.reach[order[-1]] / streams.reach[order[0]]) / PARTS + 1e-12
    part = np.minimum((np.log(streams.reach[order] / streams.reach[order[0]]) / span).astype(int), PARTS - 1)
    total = np.asarray(np.bincount(part, weights=exchange, minlength=PARTS), dtype=float)
    spread = np.bincount(part, weights=exchange * square, minlength=PARTS)
    length = np.divide(spread, total, out=np.zeros(PARTS), where=total > 0)
    empty = total <= 0
    total[empty] = 1e-9 * total.sum()
    length[empty] = np.exp(2 * (np.log(streams.reach[order[0]]) + span * (np.flatnonzero(empty) + 0.5)))
    return np.asarray(total, dtype=float), length


def partial_fractions(weight: Array, length: Array) -> tuple[Array, Array]:
    """Residues (PARTS,) and poles (PARTS,) of the inverse of Σ w z l/(1 + z l): increasing poles, the first at 0."""
    inverse = np.sort(1 / length)
    order = np.argsort(1 / length)
    strength = weight[order]

    def rest(z: float) -> float:
        return float(np.sum(strength / (inverse + z)))

    poles = [0.0]
    for low, high in pairwise(inverse):
        a, b = low, high  # the sum has one zero between neighbouring poles of its own, at z = -m
        for _ in range(80):
            middle = float(np.sqrt(a * b))
            if rest(-middle) > 0:
                b = middle
            else:
                a = middle
        poles.append(float(np.sqrt(a * b)))
    found = np.array(poles)
    slope = [rest(0.0)] + [float(-m * -np.sum(strength / np.square(inverse - m))) for m in poles[1:]]
    return 1 / np.abs(np.array(slope)), found


def conjugate_gradients(applied: Operator, given: Array, corrected: Operator) -> tuple[Array, int]:
    """Solve the symmetric balance; also return the number of steps.

    Parameters
    ----------
    applied : the balance
    given : (N,) heat
    corrected : its inverse, roughly

    Raises
    ------
    ConvergenceError
        after too many steps
    """
    found, rest = np.zeros_like(given), given.copy()
    guess = corrected(rest)
    along, size = guess.copy(), float(rest @ guess)
    goal = TOLERANCE * float(np.linalg.norm(given))
    for step in range(1, MOST + 1):
        image = applied(along)
        length = size / float(along @ image)
        found += length * along
        rest -= length * image
        if float(np.linalg.norm(rest)) <= goal:
            return found, step
        guess = corrected(rest)
        size, before = float(rest @ guess), size
        along = guess + size / before * along
    left = float(np.linalg.norm(rest)) / max(float(np.linalg.norm(given)), 1e-300)
    raise ConvergenceError(f"{MOST} steps left {left:.1e} of the residual; use fewer cells", last=found)


def correction_of(sweeps: Sequence[Sweep], joints: Sequence[Array]) -> Operator:
    """The inverse of the balance, roughly: within each cell, and by diffusion from cell to cell."""
    blocks = np.concatenate([np.linalg.inv(one.local)[one.kind] for one in sweeps])
    waves = diffusions(sweeps, joints)
    cells = np.concatenate([np.arange(one.widths.size) + i for i, one in zip(offsets(sweeps), sweeps, strict=True)])
    nodes = int(cells[-1]) + 2

    def corrected(residual: Array) -> Array:
        given = residual.reshape(-1, ORDER)
        found = np.einsum("cij,cj->ci", blocks, given)
        lower, upper = (given[:, 0] - given[:, 1]) / 2, (given[:, 0] + given[:, 1]) / 2
        load = np.bincount(cells, lower, nodes) + np.bincount(cells + 1, upper, nodes)
        wave = np.sum([solveh_banded(one, load) for one in waves], axis=0)
        found[:, 0] += (wave[cells + 1] + wave[cells]) / 2
        found[:, 1] += (wave[cells + 1] - wave[cells]) / 2
        return found.ravel()

    return corrected


def offsets(sweeps: Sequence[Sweep]) -> list[int]:
    """Number of the first node of each layer, with one node at each face of its cells."""
    return [int(k) for k in np.cumsum([0, *(one.widths.size + 1 for one in sweeps[:-1])])]
