r"""Heat that changes in time: the same balance at a complex rate s, for changes as $e^{st}$.

A stream that lives for τ is attenuated by $1 + s\tau$ mean free paths instead of one.  $s = 2\pi i f$ gives the
response to a modulated laser, as thermoreflectance in the frequency domain; a sum over rates with positive real part
gives that to a pulse or a step.
"""

from collections.abc import Callable, Sequence
from math import pi
from typing import Literal

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, check_choice, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import Wall
from kapitza.simulate.boltzmann.layered.cells import CELL_POLYNOMIALS, cell_integrals
from kapitza.simulate.boltzmann.layered.inversion import euler_inversion
from kapitza.simulate.boltzmann.layered.solver import (
    PARTS_PER_CELL,
    LayerDistribution,
    layer_distribution,
    solve_balance,
)
from kapitza.simulate.boltzmann.layered.streams import DEFAULT_ANGLES
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers

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
    films: Sequence[Film],
    boundaries: Sequence[object],
    rate: complex,
    *,
    depth: float = _SURFACE_DEPTH,
    right: Wall | None = None,
    angles: int = DEFAULT_ANGLES,
) -> HeatingResponse:
    """Response to heat that is absorbed below the left face and changes as $e^{st}$, per W m⁻².

    The light heats the lattice with $e^{-x/d}/d$ within the first layer, d in m; s has no negative real part, s⁻¹.  The
    left face is adiabatic and rough; the right wall (black if None) stays at the temperature of the bands.
    """
    if not (np.isfinite(rate) and complex(rate).real >= 0):
        raise InputError(f"rate = {rate:g} s⁻¹, wanted a finite number without a negative real part")
    (absorbed,) = positive(depth)
    base = films[0].carriers.temperature
    end = Wall(base) if right is None else right
    slabs, _ = assemble_layers(films, boundaries, Wall(), end, angles=angles)
    heat = np.zeros(int(slabs.stops[-1]), dtype=complex)
    heat[: CELL_POLYNOMIALS * slabs.widths[0].size] = absorbed_heat(slabs.widths[0], float(absorbed)).ravel()
    solution = solve_balance(slabs, heat, complex(rate))
    return HeatingResponse(
        complex(rate), tuple(layer_distribution(solution, i, complex(rate)) for i in range(len(films)))
    )


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
    passed = np.array([_transmitted_heat(films, boundary, s) for s in rate])
    mean = (1 - passed) / (rate * c * h)  # what does not pass stays in the film
    wave = np.sqrt(rate * c / k)
    heated_alone = 1 / (rate * c * h)
    bend = (mean - heated_alone) * wave * h / np.sinh(wave * h)  # θ = 1/sch + A cosh(x√(sc/k)), A from the mean of θ
    lower_face = heated_alone + bend * np.cosh(wave * h)
    return lower_face / passed - fourier_impedance(films[1], hertz, np.zeros(hertz.size, dtype=complex))


def _transmitted_heat(films: Sequence[Film], boundary: object, rate: complex) -> complex:
    """Share of the heat given evenly to a film that passes into the substrate."""
    held = heating_response(films, [boundary], complex(rate), depth=UNIFORM_DEPTH * films[0].thickness)
    return complex(held.layers[1].flux[0].sum())
