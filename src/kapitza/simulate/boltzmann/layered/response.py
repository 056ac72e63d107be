r"""Heat that changes in time, and how what is measured on a stack changes with what crosses a boundary.

Changes as $e^{st}$ obey the same balance at a complex rate s: a stream that lives for τ is attenuated by $1 + s\tau$
mean free paths instead of one.  $s = 2\pi i f$ gives the response to a modulated laser, as thermoreflectance in the
frequency domain; a sum over rates with positive real part gives that to a pulse or a step.

Phonons are reciprocal: with the heat that each channel carries as the weight, the balance of the cells, the passage
through layers and the redistribution at faces are symmetric matrices, also at a complex rate of change.  The adjoint of
an observable is therefore a solution of the same equations with other sources, and a diffuse boundary that lets
$F_g$ pass per kelvin changes the observable o by

$$\frac{\partial o}{\partial F_g} = -(a_l - a_r)(a_l^* - a_r^*)$$

with a the mean temperatures of the phonons of the group that arrive at its left and right side, and a* those of the
adjoint.  The adjoint of the flux between two walls is the solution itself.
"""

from collections.abc import Callable, Sequence
from math import pi
from typing import Literal

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, ComplexArray, check_choice, positive
from kapitza.core.quadrature import euler_inversion
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.layered import solver
from kapitza.simulate.boltzmann.layered.faces import FaceResponse
from kapitza.simulate.boltzmann.layered.solver import PARTS_PER_CELL, LayerDistribution, LayeredSystem, solve_balance
from kapitza.simulate.boltzmann.layered.streams import (
    CELL_POLYNOMIALS,
    DEFAULT_ANGLES,
    RealOrComplexArray,
    cell_integrals,
)
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, boundary_temperatures, face_fluxes

_SURFACE_DEPTH = 1e-9  # m, in which light is absorbed
UNIFORM_DEPTH = 1e6  # thicknesses of a film: absorbed so deep, light heats it evenly


@frozen(eq=False)
class HeatingResponse(BaseRecord):
    """Layers heated at the left face, at one rate of change."""

    rate: complex  # s, s⁻¹
    layers: tuple[LayerDistribution, ...]  # inside of each layer, per absorbed flux, K m² W⁻¹ and 1

    @property
    def surface(self) -> complex:
        """Temperature of the energy density at the heated face, K m² W⁻¹."""
        return complex(self.layers[0].mean[0])


def heating_response(
    films: Sequence[Film], boundaries: Sequence[object], rate: complex, *, depth: float = _SURFACE_DEPTH,
    right: Wall | None = None, angles: int = DEFAULT_ANGLES,
) -> HeatingResponse:  # fmt: skip
    """Response to heat that is absorbed below the left face and changes as $e^{st}$, per W m⁻².

    The light heats the lattice with $e^{-x/d}/d$ within the first layer, d in m; s has no negative real part, s⁻¹.  The
    left face is adiabatic and rough; the right wall (black if None) stays at the temperature of the bands.
    """
    if not (np.isfinite(rate) and complex(rate).real >= 0):
        raise InputError(f"rate = {rate:g} s⁻¹, wanted a finite number without a negative real part")
    (absorbed,) = positive(depth)
    end = Wall(films[0].carriers.temperature) if right is None else right
    slabs, _ = assemble_layers(films, boundaries, Wall(), end, angles=angles)
    heat = np.zeros(int(slabs.stops[-1]), dtype=complex)
    heat[: CELL_POLYNOMIALS * slabs.widths[0].size] = absorbed_heat(slabs.widths[0], float(absorbed)).ravel()
    solution = solve_balance(slabs, heat, complex(rate))
    layers = tuple(solver.layer_distribution(solution, i, complex(rate)) for i in range(len(films)))
    return HeatingResponse(complex(rate), layers)


def absorbed_heat(widths: Array, depth: float) -> Array:
    """(C, P) heat given to each polynomial of each cell, all cells together 1."""
    passed, moment, _ = cell_integrals(widths / depth)
    front = np.concatenate([[1.0], np.cumprod(passed[:-1])])
    given = (front * widths / depth)[:, None] * moment
    return given / given[:, 0].sum()  # per absorbed flux, also where light would leave through the back


def frequency_response(
    films: Sequence[Film], boundaries: Sequence[object], frequency: ArrayLike, *, depth: float = _SURFACE_DEPTH
) -> ComplexArray:
    """(nf,) temperature of a modulated surface per absorbed flux, K m² W⁻¹; negative phase: it lags behind.

    Parameters
    ----------
    films, boundaries : as in `transport`; the last layer should be thicker than heat travels
    frequency : (nf,) Hz, above zero
    depth : in which the light is absorbed, m

    Examples
    --------
    >>> from kapitza.boltzmann import Film, InterfaceScattering, frequency_response, gray_carriers
    >>> aluminium = gray_carriers("Al", heat_capacity=2.4e6, velocity=4000.0, mean_free_path=50e-9)
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=42e-9)
    >>> films, boundary = [Film(80e-9, aluminium), Film(1e-3, silicon)], InterfaceScattering(coefficient=0.3)
    >>> seen = frequency_response(films, [boundary], [1e6, 1e7])
    >>> print((abs(seen) * 1e9).round(1), "m²K/GW of the surface")
    [26.   8.7] m²K/GW of the surface
    """
    return np.array(
        [heating_response(films, boundaries, 2j * pi * f, depth=depth).surface for f in positive(frequency)]
    )


def transient_response(
    films: Sequence[Film],
    boundaries: Sequence[object],
    time: ArrayLike,
    *,
    depth: float = _SURFACE_DEPTH,
    kind: Literal["step", "pulse"] = "step",
) -> Array:
    r"""(nt,) surface temperature after heating starts (step, K m² W⁻¹) or after a pulse (K m² J⁻¹).

    Inverse Laplace transform by Euler's summation (Abate and Whitt), some six digits for smooth responses.

    Parameters
    ----------
    films, boundaries : as in `transport`
    time : (nt,) s, above zero
    depth : in which the light is absorbed, m
    kind : "step" or "pulse"

    References
    ----------
    J. Abate and W. Whitt, INFORMS J. Comput. 18, 408 (2006)

    Examples
    --------
    >>> from kapitza.boltzmann import Film, gray_carriers, transient_response
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=42e-9)
    >>> late = transient_response([Film(30e-6, silicon)], [], [1e-7, 4e-7], kind="pulse")
    >>> print(f"{late[0] / late[1]:.3f}")  # 1/√t, as Fourier's law has it
    2.000
    """

    def surface(rate: complex) -> ComplexArray:
        return np.array([heating_response(films, boundaries, rate, depth=depth).surface])

    return _response_in_time(surface, time, kind)[:, 0]


def transient_profiles(
    films: Sequence[Film],
    boundaries: Sequence[object],
    time: ArrayLike,
    *,
    depth: float = _SURFACE_DEPTH,
    kind: Literal["step", "pulse"] = "step",
) -> tuple[Array, Array]:
    """Places (nx,), m, and temperatures (nt, nx) at all of them, as `transient_response` gives at the surface.

    Boundaries stand twice, with the temperatures of their left and right side.

    Parameters
    ----------
    films, boundaries, time, depth, kind : as in `transient_response`
    """

    def everywhere(rate: complex) -> ComplexArray:
        return np.concatenate([layer.mean for layer in heating_response(films, boundaries, rate, depth=depth).layers])

    places: list[Array] = []
    start = 0.0
    for film in films:
        within = np.concatenate([[0.0], np.cumsum(np.repeat(film.widths / PARTS_PER_CELL, PARTS_PER_CELL))])
        within[-1] = film.thickness
        places.append(start + within)
        start = float(places[-1][-1])
    return np.concatenate(places), _response_in_time(everywhere, time, kind)


def _response_in_time(respond: Callable[[complex], ComplexArray], time: ArrayLike, kind: str) -> Array:
    """(nt, n) what responds (n,) at each rate, after heating starts or after a pulse."""
    check_choice(kind, ("step", "pulse"), "kind of heating")
    share, place = euler_inversion()
    # rates of each time are its own: the nodes of the inversion scale as 1/t
    responses: list[Array] = []
    for t in positive(time):
        rates = place / t
        values = np.array([respond(complex(s)) for s in rates])
        if kind == "step":
            values = values / rates[:, None]  # a step is 1/s times the pulse
        responses.append(share @ np.real(values) / t)
    return np.array(responses)


def fourier_impedance(film: Film, frequency: Array, below: ComplexArray) -> ComplexArray:
    """(nf,) temperature over flux on top of a layer by Fourier's law, with `below` under it, K m² W⁻¹."""
    k, c = film.carriers.conductivity, film.carriers.heat_capacity
    wave = np.sqrt(2j * pi * frequency * c / k)
    slope = np.tanh(wave * film.thickness)  # tanh alone, as sinh and cosh overflow in thick layers
    return (below + slope / (k * wave)) / (1 + below * k * wave * slope)


def apparent_resistance(films: Sequence[Film], boundary: object, frequency: ArrayLike) -> ComplexArray:
    """(nf,) boundary resistance that a Fourier analysis finds in the modulated surface of a film on a substrate.

    The film is heated evenly, as a metal by its electrons, and its mean temperature is observed.  Film and substrate
    are taken off with their bulk conductivity and heat capacity, as in thermoreflectance; what is left is the
    resistance that the experiment reports (its real part), and how far Fourier's law is from describing it (its
    imaginary part).

    Parameters
    ----------
    films : two layers, the film first; the substrate thicker than heat travels
    boundary : `Transmission` or `InterfaceScattering`
    frequency : (nf,) Hz

    Raises
    ------
    InputError
        for another number of layers, and as `transport`
    """
    if len(films) != 2:
        raise InputError(f"expected a film and a substrate, got {len(films)} layers")
    hertz, film = positive(frequency), films[0]
    k, c, h = film.carriers.conductivity, film.carriers.heat_capacity, film.thickness
    rate = 2j * pi * hertz
    depth = UNIFORM_DEPTH * film.thickness
    responses = (heating_response(films, [boundary], complex(s), depth=depth) for s in rate)
    passed = np.array([complex(response.layers[1].flux[0].sum()) for response in responses])
    mean = (1 - passed) / (rate * c * h)  # what does not pass stays in the film
    wave = np.sqrt(rate * c / k)
    heated_alone = 1 / (rate * c * h)
    bend = (mean - heated_alone) * wave * h / np.sinh(wave * h)  # θ = 1/sch + A cosh(x√(sc/k)), A from the mean of θ
    lower_face = heated_alone + bend * np.cosh(wave * h)
    return lower_face / passed - fourier_impedance(films[1], hertz, np.zeros(hertz.size, dtype=complex))


@frozen(eq=False)
class FlowDerivatives(BaseRecord):
    """What is measured on a stack, and its derivatives by the heat that crosses its unknown boundary."""

    value: complex
    slope: NDArray[np.complexfloating | np.floating]  # (G,) by heat passed, W m⁻² K⁻¹


def diffuse_scattering(flow: Array, film: Film) -> InterfaceScattering:
    """Diffuse boundary that passes `flow` (G,) W m⁻² K⁻¹, with the layer left of it."""
    arriving = film.carriers.flow
    share = np.divide(flow, arriving, out=np.zeros_like(arriving), where=arriving > 0)
    return InterfaceScattering(coefficient=np.clip(share, 0.0, 1.0))


def conductance_derivatives(films: Sequence[Film], boundaries: Sequence[object], flow: Array) -> FlowDerivatives:
    r"""Conductance of a stack between black walls, q/ΔT, and its derivatives, $((a_l - a_r)/\Delta T)^2$: the problem
    is its own adjoint.  Boundaries that are None are the unknown one, seen from either side, which passes `flow` (G,)
    per kelvin, W m⁻² K⁻¹.
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
    """`apparent_resistance` at a frequency (Hz) and its derivatives, where `flow` (G,) passes to the substrate of the
    film per kelvin, W m⁻² K⁻¹.
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
    closure, balance, _ = solver.assemble_balance(slabs, rate)
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
