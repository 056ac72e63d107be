r"""How what is measured on a stack changes with what crosses a boundary, group by group, by the adjoint solution.

Phonons are reciprocal: with the heat that each channel carries as the weight, the balance of the cells, the passage
through layers and the redistribution at faces are symmetric matrices, also at a complex rate of change.  The adjoint of
an observable is therefore a solution of the same equations with other sources, and a diffuse boundary that lets
$F_g$ pass per kelvin changes the observable o by

$$\frac{\partial o}{\partial F_g} = -(a_l - a_r)(a_l^* - a_r^*)$$

with a the mean temperatures of the phonons of the group that arrive at its left and right side, and a* those of the
adjoint.  The adjoint of the flux between two walls is the solution itself.
"""

from collections.abc import Sequence
from math import pi

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, ComplexArray, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.layered.cells import CELL_POLYNOMIALS, RealOrComplexArray
from kapitza.simulate.boltzmann.layered.faces import FaceResponse
from kapitza.simulate.boltzmann.layered.response import UNIFORM_DEPTH, absorbed_heat, fourier_impedance
from kapitza.simulate.boltzmann.layered.solver import LayeredSystem, assemble_balance, solve_balance
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, boundary_temperatures, face_fluxes


@frozen(eq=False)
class FlowDerivatives(BaseRecord):
    """Something that is measured on a stack, and how it changes with what crosses its unknown boundary."""

    value: complex
    slope: NDArray[np.complexfloating | np.floating]  # (G,) by heat passed, W m⁻² K⁻¹


def diffuse_scattering(flow: Array, film: Film) -> InterfaceScattering:
    """Diffuse boundary that passes `flow` (G,) W m⁻² K⁻¹, with the layer left of it."""
    arriving = film.carriers.flow
    share = np.divide(flow, arriving, out=np.zeros_like(arriving), where=arriving > 0)
    return InterfaceScattering(coefficient=np.clip(share, 0.0, 1.0))


def conductance_derivatives(films: Sequence[Film], boundaries: Sequence[object], flow: Array) -> FlowDerivatives:
    r"""Conductance of a stack between black walls, q/ΔT, and its derivatives: $((a_l - a_r)/\Delta T)^2$.

    No further solution is needed: the problem is its own adjoint.  Boundaries that are None are the unknown one, seen
    from
    either side, which passes `flow` (G,) per kelvin, W m⁻² K⁻¹.
    """
    unknown = [i for i, one in enumerate(boundaries) if one is None]
    if not unknown:
        raise InputError(
            f"none of {len(boundaries)} boundaries is unknown:", hint=Hint(python="mark the unknown one by None")
        )
    given = [diffuse_scattering(flow, films[i]) if one is None else one for i, one in enumerate(boundaries)]
    slabs, flows = assemble_layers(films, given, None, None)  # black walls, 1 K apart
    solution = solve_balance(slabs)
    left, right = boundary_temperatures(solution, flows, 0.0)[0]
    return FlowDerivatives(float(face_fluxes(solution).mean()), np.sum((left - right)[unknown] ** 2, axis=0))


def apparent_resistance_derivatives(films: Sequence[Film], flow: Array, frequency: float) -> FlowDerivatives:
    """Boundary resistance that a Fourier analysis finds at a frequency (Hz; `apparent_resistance`), and its
    derivatives.

    The film is heated evenly; `flow` (G,) passes to its substrate per kelvin, W m⁻² K⁻¹.
    """
    if len(films) != 2:
        raise InputError(f"expected a film and a substrate, got {len(films)} layers")
    hertz, film = positive(frequency), films[0]
    rate = 2j * pi * float(hertz[0])
    passed, slope = _transmitted_heat_derivatives(films, flow, rate)
    k, c, h = film.carriers.conductivity, film.carriers.heat_capacity, film.thickness
    alone, bend = 1 / (rate * c * h), np.sqrt(rate * c / k) * h
    below = fourier_impedance(films[1], hertz, np.zeros(1, dtype=complex))[0]
    return FlowDerivatives(complex(alone * (1 / passed - bend / np.tanh(bend)) - below), -alone / passed**2 * slope)


def _transmitted_heat_derivatives(films: Sequence[Film], flow: Array, rate: complex) -> tuple[complex, ComplexArray]:
    """Share of the heat given evenly to a film that passes into its substrate, and its derivatives (G,), m² K W⁻¹."""
    base = films[0].carriers.temperature
    slabs, _ = assemble_layers(films, [diffuse_scattering(flow, films[0])], Wall(), Wall(base))
    closure, balance, _ = assemble_balance(slabs, rate)
    heat = np.zeros(int(slabs.stops[-1]), dtype=complex)
    inner = CELL_POLYNOMIALS * slabs.widths[0].size
    heat[:inner] = absorbed_heat(slabs.widths[0], UNIFORM_DEPTH * films[0].thickness).ravel()
    adjoint = evolve(closure, emitted=_adjoint_source(slabs, closure, face=2))
    # the balance is symmetric, so that one factorisation serves the problem and its adjoint
    both = np.linalg.solve(balance, np.stack([heat, adjoint.exchange()[1]], axis=1))
    entering = closure.entering(both[:, 0])
    arriving = closure.arriving(both[:, 0], entering)
    back = adjoint.arriving(both[:, 1], adjoint.entering(both[:, 1]))
    back[:, 2] += 1.0  # the adjoint source: 1 K more arrives at the face whose flux is observed
    passed = complex(np.sum(closure.flow[:, 2] * (entering - arriving)[:, 2]))
    drops = [_mean_at_face(closure, one, 1) - _mean_at_face(closure, one, 2) for one in (arriving, back)]
    return passed, -drops[0] * drops[1]


def _adjoint_source(slabs: LayeredSystem, closure: FaceResponse, *, face: int) -> RealOrComplexArray:
    """(G, F, n) what enters where 1 K more arrives at a face and 1 K less is sent from it: the adjoint of its flux."""
    groups, count, n = closure.flow.shape
    matrix = slabs.faces.matrices(slabs.base)[0]
    source = matrix[:, :, :, face].sum(axis=-1)
    source[:, face] -= 1.0
    through = matrix[:, :, :, np.arange(count) ^ 1] * closure.passed[:, None, None]
    square = np.eye(count * n) - through.reshape(groups, count * n, count * n)
    return np.linalg.solve(square, source.reshape(groups, -1, 1)).reshape(closure.flow.shape)


def _mean_at_face(closure: FaceResponse, value: RealOrComplexArray, face: int) -> RealOrComplexArray:
    """(G,) mean over the channels at a face, weighted with the heat they carry."""
    weight = closure.flow[:, face]
    total = weight.sum(axis=1)
    weighted = np.sum(weight * value[:, face], axis=1)
    return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)
