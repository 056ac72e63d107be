"""Temperatures of all cells from the balance of heat, at any Knudsen number.

Small systems are solved directly.  For layers of very many cells the streams are swept through the cells, without the
matrix of the balance, by conjugate gradients.  These need the more steps the more mean free paths the layers are thick,
unless slow, long waves of temperature are solved for separately: by Fourier's law on the means of the cells (diffusion
synthetic acceleration; R. E. Alcouffe, Nucl. Sci. Eng. 64, 344 (1977)).  Bands with long paths carry less of such waves
than Fourier's law says: each part of the spectrum adds its own diffusion.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IndexArray
from kapitza.core.quadrature import gauss_legendre
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError
from kapitza.simulate.boltzmann.layered import streams as layer_streams
from kapitza.simulate.boltzmann.layered.faces import FaceResponse, Faces, face_exchange, solve_faces
from kapitza.simulate.boltzmann.layered.streams import CELL_POLYNOMIALS, RealOrComplexArray, Streams, legendre_values

LinearMap = Callable[[Array], Array]

_SPECTRUM_PARTS = 6  # of a spectrum of mean free paths, each with a diffusion of its own
_RESIDUAL_TOLERANCE = 1e-11  # of the residual
_MAX_ITERATIONS = 400  # iterations


@frozen(eq=False)
class _LayerSweep(BaseRecord):
    """A layer whose streams are swept from cell to cell; U different widths of cells."""

    streams: Streams
    widths: Array  # (C,) of the cells, m
    kind: IndexArray  # (C,) number of the width of each cell
    passed: Array  # (U, S)
    given: Array  # (U, P, S)
    local: Array  # (U, P, P) balance within a cell of each width
    sign: Array = field(init=False, factory=lambda: np.array([(-1.0) ** j for j in range(CELL_POLYNOMIALS)]))

    @property
    def strength(self) -> Array:
        """(S,) c/2τ², what a stream takes from a cell over what it gives, per length."""
        return self.streams.capacity / self.streams.lifetime / (2 * self.streams.normal_path)

    def balance(self, temperature: Array) -> tuple[Array, Array, Array]:
        """Balance (C, P) of temperatures (C, P) without inflow, and what leaves left and right, (S,)."""
        balance = np.einsum("cij,cj->ci", self.local[self.kind], temperature)
        right, left = np.zeros((2, self.streams.normal_path.size))
        weight = self.strength
        # one pass serves both directions: cell c for streams to the right, its mirror image for those to the left
        for c in range(self.widths.size):
            k, back = self.kind[c], self.widths.size - 1 - c
            balance[c] -= self.given[k] @ (weight * right)  # before this cell adds to it: that part is in `local`
            right = self.passed[k] * right + (self.sign * temperature[c]) @ self.given[k]
            k = self.kind[back]
            balance[back] -= self.sign * (self.given[k] @ (weight * left))
            left = self.passed[k] * left + temperature[back] @ self.given[k]
        return balance, left / self.streams.normal_path, right / self.streams.normal_path

    def inflow(self, left: Array, right: Array) -> Array:
        """(C, P) heat that streams (S,) entering from left and right give to the cells, W m⁻²."""
        heat = np.zeros((self.widths.size, CELL_POLYNOMIALS))
        weight = self.strength * self.streams.normal_path
        ahead, behind = weight * left, weight * right
        for c in range(self.widths.size):
            k, back = self.kind[c], self.widths.size - 1 - c
            heat[c] += self.given[k] @ ahead
            ahead = self.passed[k] * ahead
            k = self.kind[back]
            heat[back] += self.sign * (self.given[k] @ behind)
            behind = self.passed[k] * behind
        return heat

    def transmission(self) -> Array:
        """(S,) what is left of a stream behind the layer."""
        return np.prod(self.passed ** np.bincount(self.kind, minlength=len(self.passed))[:, None], axis=0)


def _prepare_sweep(streams: Streams, widths: Array) -> _LayerSweep:
    """Prepare a layer: cells of one width share their integrals."""
    # widths that differ by rounding alone are one: graded layers have a few dozen among thousands of cells
    _, first, kind = np.unique(np.round(np.log(widths), 9), return_index=True, return_inverse=True)
    different = widths[first]
    passed, moment, collision = layer_streams.cell_integrals(different / streams.normal_path[:, None])
    local = np.tensordot(streams.capacity / streams.lifetime, collision, axes=(0, 0))
    local = different[:, None, None] / 2 * (local + local.swapaxes(1, 2))
    given = (different[:, None] * moment).transpose(1, 2, 0)
    passed, given = np.ascontiguousarray(passed.T), np.ascontiguousarray(given)
    return _LayerSweep(streams, widths, kind.ravel(), passed, given, local)


def _diffusion_matrices(sweeps: Sequence[_LayerSweep], joints: Sequence[Array]) -> list[Array]:
    r"""Diffusions, as banded matrices of hat functions, whose inverses add to that of the balance for all waves.

    In the P₁ approximation the balance of a wave k is
    $\sum_b w_b z l_b/(1 + z l_b)$ with $z = k^2$, $l = \Lambda^2/3$.
    Its inverse is a sum of poles, $1/W + \sum_j r_j/(z + m_j)$ with $r_j > 0$, one of them at $m = 0$: Fourier's.
    """
    weights, lengths = zip(*(_group_paths(sweep.streams) for sweep in sweeps), strict=True)
    poles = [partial_fractions(w, x) for w, x in zip(weights, lengths, strict=True)]
    starts = np.cumsum([0, *(sweep.widths.size + 1 for sweep in sweeps)])
    matrices: list[Array] = []
    for j in range(_SPECTRUM_PARTS):
        bands = np.zeros((2, int(starts[-1])))
        for i, (one, (residue, mass)) in enumerate(zip(sweeps, poles, strict=True)):
            inside = slice(int(starts[i]), int(starts[i + 1]))
            # linear elements: a stiffness 1/r and a mass m/r, which damps waves longer than the mean free path
            stiff, heavy = 1 / residue[j] / one.widths, mass[j] / residue[j] * one.widths / 6
            bands[1, inside][:-1] += stiff + 2 * heavy
            bands[1, inside][1:] += stiff + 2 * heavy
            bands[0, inside][1:] += heavy - stiff
        for i, crossing in enumerate(joints):
            passed = float(crossing.sum())
            before, after = int(starts[i]) - 1, int(starts[i])
            bands[1, [k for k in (before, after) if 0 <= k < starts[-1]]] += passed
            if 0 < i < len(sweeps):  # walls have no node beyond: held at zero deviation, or adiabatic
                bands[0, after] -= passed
        matrices.append(bands)
    return matrices


def _group_paths(streams: Streams) -> tuple[Array, Array]:
    """(PARTS,) exchange C/τ of parts of the spectrum of paths, W m⁻³ K⁻¹, and their mean Λ_z², m²."""
    order = np.argsort(streams.normal_path)
    exchange, path = (streams.capacity / streams.lifetime)[order], streams.normal_path[order]
    span = np.log(path[-1] / path[0]) / _SPECTRUM_PARTS + 1e-12  # a single path has no span, and we divide by it
    part = np.minimum((np.log(path / path[0]) / span).astype(int), _SPECTRUM_PARTS - 1)
    total = np.asarray(np.bincount(part, weights=exchange, minlength=_SPECTRUM_PARTS), dtype=float)
    spread = np.bincount(part, weights=exchange * np.square(path), minlength=_SPECTRUM_PARTS)
    length = np.divide(spread, total, out=np.zeros(_SPECTRUM_PARTS), where=total > 0)
    # an empty part keeps a trace of weight, so that the number of poles is the same for all layers
    empty = total <= 0
    total[empty] = 1e-9 * total.sum()
    length[empty] = np.exp(2 * (np.log(path[0]) + span * (np.flatnonzero(empty) + 0.5)))
    return total, length


def partial_fractions(weight: Array, length: Array) -> tuple[Array, Array]:
    """Residues (PARTS,) and poles (PARTS,) of the inverse of Σ w z l/(1 + z l): increasing poles, the first at 0."""
    order = np.argsort(1 / length)
    inverse, strength = 1 / length[order], weight[order]

    def rest(z: float) -> float:
        return float(np.sum(strength / (inverse + z)))

    poles = [0.0]
    for low, high in pairwise(inverse):
        a, b = low, high  # the sum has one zero between neighbouring poles of its own, at z = -m
        for _ in range(80):  # in the logarithm, as poles spread over decades: down to rounding
            middle = float(np.sqrt(a * b))
            a, b = (a, middle) if rest(-middle) > 0 else (middle, b)
        poles.append(float(np.sqrt(a * b)))
    found = np.array(poles)
    slope = [rest(0.0)] + [float(-m * -np.sum(strength / np.square(inverse - m))) for m in poles[1:]]
    return 1 / np.abs(np.array(slope)), found  # zeros of W are simple: the residues of its inverse are 1/W'


def conjugate_gradients(operator: LinearMap, given: Array, precondition: LinearMap) -> tuple[Array, int]:
    """Solve the symmetric balance for heat (N,), with its rough inverse; also return the number of steps."""
    from scipy.sparse.linalg import LinearOperator, cg

    make: Any = LinearOperator  # whose types know of subclasses alone
    balance, inverse = (make((given.size,) * 2, matvec=one, dtype=float) for one in (operator, precondition))
    steps: list[Array] = []  # one iterate each
    tolerances = {"rtol": _RESIDUAL_TOLERANCE, "atol": 0.0}  # fluxes span decades: only the relative residual counts
    found, state = cg(balance, given, **tolerances, maxiter=_MAX_ITERATIONS, M=inverse, callback=steps.append)
    if state:
        left = float(np.linalg.norm(given - operator(found))) / max(float(np.linalg.norm(given)), 1e-300)
        raise ConvergenceError(f"{_MAX_ITERATIONS} steps left {left:.1e} of the residual; use fewer cells", last=found)
    return np.asarray(found, dtype=float), len(steps)


def _make_preconditioner(sweeps: Sequence[_LayerSweep], joints: Sequence[Array]) -> LinearMap:
    """The inverse of the balance, roughly: within each cell, and by diffusion from cell to cell."""
    from scipy.linalg import solveh_banded

    # cells by themselves are exact where they are thick, diffusion where waves are long; their sum is both
    blocks = np.concatenate([np.linalg.inv(sweep.local)[sweep.kind] for sweep in sweeps])
    waves = _diffusion_matrices(sweeps, joints)
    counts = [sweep.widths.size for sweep in sweeps]
    # number of the node at the left face of each cell: a layer of n cells has n + 1 nodes
    cells = np.arange(sum(counts)) + np.repeat(np.arange(len(sweeps)), counts)
    nodes = int(cells[-1]) + 2

    def precondition(residual: Array) -> Array:
        given = residual.reshape(-1, CELL_POLYNOMIALS)
        temperature = np.einsum("cij,cj->ci", blocks, given)
        # hats are (1 ∓ φ₁)/2 in a cell; the transpose leads back, so that the sum stays symmetric, as CG requires
        lower, upper = (given[:, 0] - given[:, 1]) / 2, (given[:, 0] + given[:, 1]) / 2
        load = np.bincount(cells, lower, nodes) + np.bincount(cells + 1, upper, nodes)
        wave = np.sum([solveh_banded(matrix, load) for matrix in waves], axis=0)  # poles of 1/W: inverses add
        temperature[:, 0] += (wave[cells + 1] + wave[cells]) / 2
        temperature[:, 1] += (wave[cells + 1] - wave[cells]) / 2
        return temperature.ravel()

    return precondition


MAX_DIRECT_UNKNOWNS = 1500  # unknowns of a system that is solved directly
PARTS_PER_CELL = 2  # parts of a cell at whose bounds results are given


@frozen(eq=False)
class LayeredSystem(BaseRecord):
    """Layers cut into cells, with their streams and faces."""

    streams: Sequence[Streams]
    widths: Sequence[Array]  # (C,) of the cells of each layer, m
    faces: Faces
    base: float  # temperature that deviations refer to, K

    @property
    def stops(self) -> IndexArray:
        """(M + 1,) first unknown of each layer, and their number."""
        return np.cumsum([0, *(CELL_POLYNOMIALS * width.size for width in self.widths)])


@frozen(eq=False, kw_only=True)
class LayeredSolution(BaseRecord):
    """Temperatures of the cells and what crosses the faces."""

    slabs: LayeredSystem
    temperature: RealOrComplexArray  # (N,) coefficients of the polynomials of all cells, K above base
    entering: RealOrComplexArray  # (G, F, n) at each face, K above base
    arriving: RealOrComplexArray
    flow: Array  # (G, F, n) heat per kelvin of each channel, W m⁻² K⁻¹
    steps: int = 0  # of the iteration; 0 where the balance was solved at once
    heats_lattice: bool = False  # whether heat was given to the lattice

    def face_flux(self) -> RealOrComplexArray:
        """(G, F) heat flux to the right through each face, W m⁻²."""
        inwards = np.sum(self.flow * (self.entering - self.arriving), axis=2)
        return inwards * np.where(np.arange(inwards.shape[1]) % 2 == 0, 1.0, -1.0)


def solve_balance(slabs: LayeredSystem, heat: RealOrComplexArray | None = None, rate: complex = 0.0) -> LayeredSolution:
    """Solve for the temperatures, with heat (N,) given to each polynomial of each cell, W m⁻², changing as $e^{st}$."""
    if slabs.stops[-1] > MAX_DIRECT_UNKNOWNS and not rate:  # at a complex rate it is not Hermitian: no CG
        return solve_by_sweeps(slabs, heat)
    closure, balance, given = assemble_balance(slabs, rate)
    if slabs.faces.walls is None and not rate:
        mean = np.zeros(balance.shape[0])
        mean[::CELL_POLYNOMIALS] = np.concatenate(list(slabs.widths))
        mean /= np.linalg.norm(mean)
        # the balance of a closed stack is singular: any temperature may be added; a term of the size of the diagonal,
        # which keeps the condition of the matrix, holds the mean at the base
        balance = balance + np.abs(np.diag(balance)).max() * np.outer(mean, mean)
    temperature = np.linalg.solve(balance, given if heat is None else given + heat)
    entering = closure.entering(temperature)
    arriving = closure.arriving(temperature, entering)
    return LayeredSolution(
        slabs=slabs, temperature=temperature, entering=entering, arriving=arriving, flow=closure.flow,
        heats_lattice=heat is not None,
    )  # fmt: skip


def assemble_balance(
    slabs: LayeredSystem, rate: complex = 0.0
) -> tuple[FaceResponse, RealOrComplexArray, RealOrComplexArray]:
    """Faces, the symmetric matrix (N, N) of the balance of heat, W m⁻² K⁻¹, and the heat (N,) from the walls, W m⁻²."""
    pairs = zip(slabs.streams, slabs.widths, strict=True)
    layers = [layer_streams.layer_matrices(streams, cells, rate) for streams, cells in pairs]
    closure = solve_faces(slabs.faces, layers, slabs.base)
    back, given = closure.exchange()
    balance = -back  # the balance counts what leaves the lattice, and faces return heat to it
    for i, one in enumerate(layers):
        inside = slice(slabs.stops[i], slabs.stops[i + 1])
        balance[inside, inside] += one.balance
    return closure, balance, given


def solve_by_sweeps(slabs: LayeredSystem, heat: RealOrComplexArray | None = None) -> LayeredSolution:
    """Solve for the temperatures of very many cells by conjugate gradients: cost grows with streams and cells."""
    sweeps = [_prepare_sweep(one, cells) for one, cells in zip(slabs.streams, slabs.widths, strict=True)]
    faces, stops = slabs.faces, slabs.stops
    between, emitted, passed, flow = face_exchange(faces, [sweep.transmission() for sweep in sweeps], slabs.base)

    def parts(temperature: Array) -> list[Array]:
        return [temperature[stops[i] : stops[i + 1]].reshape(-1, CELL_POLYNOMIALS) for i in range(len(sweeps))]

    def outwards(temperature: Array) -> tuple[list[Array], Array]:
        balance, leaving = [], np.zeros(emitted.shape)
        for i, (one, held) in enumerate(zip(sweeps, parts(temperature), strict=True)):
            inner, left, right = one.balance(held)
            balance.append(inner)
            for face, part in ((2 * i, left), (2 * i + 1, right)):
                channels = faces.channels[i]
                leaving[:, face, : channels.size] = channels.from_streams(part)
        return balance, leaving

    def inwards(entering: Array) -> Array:
        parts: list[Array] = []
        for i, sweep in enumerate(sweeps):
            left, right = (faces.channels[i].to_streams(entering[:, face]) for face in (2 * i, 2 * i + 1))
            parts.append(sweep.inflow(left, right).ravel())
        return np.concatenate(parts)

    def operator(temperature: Array) -> Array:
        balance, leaving = outwards(temperature)
        back = np.matmul(between, leaving.reshape(len(between), -1, 1)).reshape(emitted.shape)
        return np.concatenate([part.ravel() for part in balance]) - inwards(back)

    given = inwards(emitted) if heat is None else inwards(emitted) + heat
    temperature, steps = conjugate_gradients(operator, given, _make_preconditioner(sweeps, _face_conductances(slabs)))
    if faces.walls is None:  # any temperature may be added
        widths = np.concatenate(list(slabs.widths))
        temperature[::CELL_POLYNOMIALS] -= widths @ temperature[::CELL_POLYNOMIALS] / widths.sum()
    leaving = outwards(temperature)[1]
    entering = emitted + np.matmul(between, leaving.reshape(len(between), -1, 1)).reshape(emitted.shape)
    arriving = (passed * entering)[:, np.arange(emitted.shape[1]) ^ 1] + leaving
    return LayeredSolution(
        slabs=slabs, temperature=temperature, entering=entering, arriving=arriving, flow=flow, steps=steps,
        heats_lattice=heat is not None,
    )  # fmt: skip


def _face_conductances(slabs: LayeredSystem) -> list[Array]:
    """About what passes each wall and boundary from left to right, per kelvin, W m⁻² K⁻¹.

    The ends of a stack that repeats are taken to be held: one wave more for the iteration, and no cyclic matrix.
    """
    if slabs.faces.walls is None:
        return [slabs.faces.flows[-1], *slabs.faces.flows]
    ends: list[Array] = []
    for wall, side in zip(slabs.faces.walls, (slabs.faces.channels[0], slabs.faces.channels[-1]), strict=True):
        # P₁ at a wall: f⁺ + f⁻ = 2T and f⁺ = (1 - p)T_w + pf⁻ give q = 2E(T_w - T)(1 - p)/(1 + p)
        taken = 2 * (1 - wall.specular) / (1 + wall.specular) if wall.temperature is not None else np.zeros(1)
        ends.append(taken * side.flow.sum(axis=1))
    return [ends[0], *slabs.faces.flows, ends[1]]


@frozen(eq=False)
class LayerDistribution(BaseRecord):
    """Distribution inside of a layer, at the bounds of the parts of its cells."""

    position: Array  # (nx,) from the left face, m
    modes: RealOrComplexArray  # (nx, G) temperature of each group, K above base; NaN without bands
    flux: RealOrComplexArray  # (nx, G) heat flux to the right, W m⁻²
    mean: RealOrComplexArray  # (nx,) temperature of the energy density, K above base
    lattice: RealOrComplexArray  # (nx,) temperature that scattering drives the bands to, K above base


def layer_distribution(solution: LayeredSolution, layer: int, rate: complex = 0.0) -> LayerDistribution:
    """Follow all streams through a layer."""
    slabs = solution.slabs
    streams, channels = slabs.streams[layer], slabs.faces.channels[layer]
    first, last = slabs.stops[layer], slabs.stops[layer + 1]
    held = solution.temperature[first:last].reshape(-1, CELL_POLYNOMIALS)
    place, weight = gauss_legendre(CELL_POLYNOMIALS)  # exact for φ_iφ_j: the parts hold the same polynomial
    onto = (legendre_values(place) * weight[:, None]).T * (2 * np.arange(CELL_POLYNOMIALS) + 1)[:, None]
    pieces = [held @ (onto @ legendre_values((place + k) / PARTS_PER_CELL)).T for k in range(PARTS_PER_CELL)]
    widths = np.repeat(slabs.widths[layer] / PARTS_PER_CELL, PARTS_PER_CELL)
    held = np.stack(pieces, axis=1).reshape(-1, CELL_POLYNOMIALS)
    slowed = 1 + rate * streams.lifetime if rate else np.ones(streams.lifetime.size)
    passed, moment, _ = layer_streams.cell_integrals(widths * (slowed / streams.normal_path)[:, None])
    source = moment * (widths / streams.normal_path[:, None])[:, :, None]
    right = np.empty((streams.normal_path.size, widths.size + 1), solution.temperature.dtype)
    left = np.empty_like(right)
    right[:, 0] = channels.to_streams(solution.entering[:, 2 * layer, :])
    left[:, -1] = channels.to_streams(solution.entering[:, 2 * layer + 1, :])
    sign = (-1.0) ** np.arange(CELL_POLYNOMIALS)
    for c in range(widths.size):
        right[:, c + 1] = passed[:, c] * right[:, c] + source[:, c] @ (sign * held[c])
        back = widths.size - 1 - c
        left[:, back] = passed[:, back] * left[:, back + 1] + source[:, back] @ held[back]
    capacity = streams.integrate_directions(streams.capacity)
    energy = streams.integrate_directions(streams.capacity[:, None] * (right + left) / 2)
    flux = streams.integrate_directions(streams.flow[:, None] * (right - left))
    with np.errstate(invalid="ignore", divide="ignore"):
        modes = np.where(capacity[:, None] > 0, energy / capacity[:, None], np.nan)
    if solution.heats_lattice:
        ends = legendre_values(np.array([0.0, 1.0]))
        lattice = np.concatenate([held @ ends[0], held[-1:] @ ends[1]])
        lattice[1:-1] = (lattice[1:-1] + (held @ ends[1])[:-1]) / 2
    else:  # from the streams, by the balance: right to a higher order than the polynomials, which end at the faces
        exchange = streams.capacity / streams.lifetime
        lattice = exchange @ (right + left) / (2 * exchange.sum())
    position = np.concatenate([[0.0], np.cumsum(widths)])
    return LayerDistribution(position, modes.T, flux.T, energy.sum(axis=0) / capacity.sum(), lattice)
