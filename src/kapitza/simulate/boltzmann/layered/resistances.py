r"""Boundaries and walls by themselves: between layers so thick that only their own resistance is left.

Near a boundary the temperature leaves the straight line of the bulk over a few mean free paths.  The resistance of a
Fourier solver is that of the lines, extrapolated to the plane.  Phonons with much longer paths than the layers are
thick never settle on the line: the number belongs to a thickness, and so these functions ask for one.
"""

from collections.abc import Sequence

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, positive
from kapitza.core.conductance import TEMPERATURE_DROPS, Conductance, Drop
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import Wall, reverse_boundary
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.layered.transport import MAX_THICKNESS, Film, transport

_DEFAULT_THICKNESS = 1e-5  # m: how deep thermoreflectance looks at megahertz
_SCALE_STEPS = 65  # factors on the thickness that are tried, eight in a decade
_THICK_LAYER_PATHS = 20.0  # median mean free paths of a layer that is thick
_MIN_LAYER_PATHS = 5.0  # median mean free paths of a layer, below which its profile has no straight part


def interface_conductances(
    left: Carriers, right: Carriers, boundary: object, *, thickness: float | None = None
) -> dict[Drop, Conductance]:
    """Conductance of one boundary by all three temperature drops, from a Boltzmann solution.

    Parameters
    ----------
    left, right : phonons of both sides
    boundary : `Transmission` or `Crossing`
    thickness : of both layers, m; None: 10 µm, or 20 median mean free paths where they are longer.  The extrapolated
    conductance falls with it while phonons with longer paths carry heat

    Raises
    ------
    InputError
        for layers thinner than five median mean free paths, and as `transport`
    """
    thick = _thick_layer_thickness(thickness, left, right)
    for side in (left, right):
        if thick < _MIN_LAYER_PATHS * median_path(side):
            raise InputError(
                f"thickness = {thick:g} m: half of the heat in {side.name} travels farther than "
                f"{median_path(side):.3g} m at a time; take at least {_MIN_LAYER_PATHS * median_path(side):.3g} m"
            )
    right_name = right.name if right.name != left.name else f"{right.name}'"
    films = [Film(thick, left), Film(thick, right, name=right_name)]
    found = transport(films, [boundary])
    return {drop: found.conductance(drop) for drop in TEMPERATURE_DROPS}


def _thick_layer_thickness(thickness: float | None, *sides: Carriers) -> float:
    """Return a thickness, or one at which layers of these phonons are thick, m."""
    return (
        max(_DEFAULT_THICKNESS, *(_THICK_LAYER_PATHS * median_path(side) for side in sides))
        if thickness is None
        else thickness
    )


def median_path(carriers: Carriers) -> float:
    """Mean free path below which bands carry half of the heat, m."""
    order = np.argsort(carriers.path)
    carried = np.cumsum(carriers.contribution[order])
    return float(carriers.path[order][np.searchsorted(carried, carried[-1] / 2)])


def wall_slip(carriers: Carriers, *, specular: ArrayLike = 0.0, thickness: float | None = None) -> float:
    r"""Resistance between a wall and the bulk line extrapolated to it, $(\Delta T/q - L/\kappa)/2$, m² K W⁻¹.

    Knudsen's slip: not a property of the wall, which takes up all phonons that it does not reflect, and no Kapitza
    resistance.  Gray and black: $0.710446\,\Lambda/\kappa$ (Hopf).

    Parameters
    ----------
    carriers : phonons of the layer
    specular : share of the phonons that the wall reflects like a mirror, one or one for each group
    thickness : of the layer, m; None: 10 µm, or 20 median mean free paths where they are longer

    Raises
    ------
    InputError
        for shares outside of 0..1

    References
    ----------
    E. Hopf, Mathematical Problems of Radiative Equilibrium (Cambridge University Press, 1934)
    """
    base = carriers.temperature
    ends = Wall(base + 0.5, specular), Wall(base - 0.5, specular)
    thick = _thick_layer_thickness(thickness, carriers)
    found = transport([Film(thick, carriers)], left=ends[0], right=ends[1])
    return (found.resistance - thick / carriers.conductivity) / 2


def _fourier_resistance(
    films: Sequence[Film], boundaries: Sequence[object], *, thickness: float | None = None
) -> float:
    """Resistance of a stack between black walls by Fourier's law, with slips and extrapolated resistances, m² K W⁻¹.

    Parameters
    ----------
    films, boundaries : as in `transport`
    thickness : of the thick layers that slips and resistances are taken from, m; None: see `interface_conductances`
    """
    total = sum(film.thickness / film.carriers.conductivity for film in films)
    for one, other, boundary in zip(films, films[1:], boundaries, strict=False):
        held = interface_conductances(one.carriers, other.carriers, boundary, thickness=thickness)
        total += float(held["extrapolated"].resistance[0])
    ends = films[0].carriers, films[-1].carriers
    return total + sum(wall_slip(end, thickness=thickness) for end in ends)


def fourier_error(films: Sequence[Film], boundaries: Sequence[object] = (), *, thickness: float | None = None) -> float:
    """How far Fourier's law with slips and extrapolated resistances is off: its resistance over the exact one, less 1.

    Parameters
    ----------
    films, boundaries : as in `transport`, between black walls
    thickness : of the thick layers that slips and resistances are taken from, m; None: see `interface_conductances`
    """
    return _fourier_resistance(films, boundaries, thickness=thickness) / transport(films, boundaries).resistance - 1


def fourier_scale(
    films: Sequence[Film], boundaries: Sequence[object] = (), *, tolerance: float = 0.05, thickness: float | None = None
) -> float:
    """Factor on all thicknesses from which on Fourier's law with slips and extrapolated resistances is good enough.

    At or below 1 it is so already; infinite where it is not so within a factor of 10,000.

    Parameters
    ----------
    films, boundaries : as in `transport`, between black walls
    tolerance : relative error of the resistance that is good enough
    thickness : of the thick layers that slips and resistances are taken from, m; None: see `interface_conductances`

    Raises
    ------
    InputError
        for a tolerance that is not above zero
    """
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance:g}, wanted a relative error above 0")
    bulk = sum(film.thickness / film.carriers.conductivity for film in films)
    fixed = _fourier_resistance(films, boundaries, thickness=thickness) - bulk
    found = np.inf
    most = min(1e4, 0.99 * MAX_THICKNESS / max(film.thickness for film in films))
    for scale in np.geomspace(most, 1e-4, _SCALE_STEPS):
        thicker = [evolve(film, thickness=film.thickness * scale) for film in films]
        off = (bulk * scale + fixed) / transport(thicker, boundaries).resistance - 1
        if abs(off) > tolerance:
            break
        found = float(scale)
    return found


def superlattice_resistances(
    left: Carriers, right: Carriers, boundary: object, period: ArrayLike, *, share: float = 0.5
) -> Array:
    """(n,) effective resistance of each boundary of a superlattice, m² K W⁻¹.

    What the period resists more than its layers do in bulk, shared out to its two boundaries: with long periods the
    extrapolated resistance, with short ones less, even below zero.  Times the bulk conductivity it is the effective
    Kapitza length.

    Parameters
    ----------
    left, right, boundary, period, share : as in `superlattice_conductivities`
    """
    length = positive(period)
    found = length / superlattice_conductivities(left, right, boundary, length, share=share)
    return (found - length * (share / left.conductivity + (1 - share) / right.conductivity)) / 2


def film_conductivities(carriers: Carriers, thickness: ArrayLike, *, specular: ArrayLike = 0.0) -> Array:
    """(n,) effective conductivity across free films between two walls that thermalise, W m⁻¹ K⁻¹.

    Parameters
    ----------
    carriers : phonons of the film
    thickness : (n,) m
    specular : share of the phonons that the walls reflect like a mirror
    """
    base = carriers.temperature
    ends = Wall(base + 0.5, specular), Wall(base - 0.5, specular)
    return np.array(
        [
            transport([Film(float(one), carriers)], left=ends[0], right=ends[1]).effective_conductivity
            for one in positive(thickness)
        ]
    )


def superlattice_conductivities(
    left: Carriers, right: Carriers, boundary: object, period: ArrayLike, *, back: object = None, share: float = 0.5
) -> Array:
    """(n,) effective conductivity of endless superlattices, phonons being particles, W m⁻¹ K⁻¹.

    Parameters
    ----------
    left, right : phonons of the two layers
    boundary : `Transmission` or `Crossing` from left to right
    period : (n,) thickness of both layers together, m
    back : the same from right to left; None: `boundary` turned round
    share : of the left layer in the period

    Raises
    ------
    InputError
        for a share outside of 0..1, and as `transport`
    """
    if not 0 < share < 1:
        raise InputError(f"share = {share:g} of the left layer, expected between 0 and 1")
    other = right.name if right.name != left.name else f"{right.name}'"
    found: list[float] = []
    for one in positive(period):
        films = [Film(share * one, left), Film((1 - share) * one, right, name=other)]
        joints = [boundary, reverse_boundary(boundary, left, right) if back is None else back]
        found.append(transport(films, joints, period=1.0).effective_conductivity)
    return np.array(found)
