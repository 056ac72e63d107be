r"""Boundaries and walls by themselves: between layers so thick that only their own resistance is left.

Near a boundary the temperature leaves the straight line of the bulk over a few mean free paths.  The resistance of a
Fourier solver is that of the lines, extrapolated to the plane.  Phonons with much longer paths than the layers are
thick never settle on the line: the number belongs to a thickness, and so these functions ask for one.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from attrs import asdict, evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, check_filled, positive
from kapitza.core.conductance import TEMPERATURE_DROPS, Conductance, Drop
from kapitza.errors import InputError
from kapitza.run.store import StoreLike, UnitInputs, UnitResult, unit_address
from kapitza.run.work import ExecutorLike, Progress, run_units
from kapitza.simulate.boltzmann.boundaries import Wall, reverse_boundary, to_interface_scattering
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.layered.transport import MAX_THICKNESS, Film, transport

_DEFAULT_THICKNESS = 1e-5  # m: how deep thermoreflectance looks at megahertz
_SCALE_STEPS = 65  # factors on the thickness that are tried, eight in a decade
_SCALES_AT_ONCE = 8  # factors that an executor works on together
_SERIES_VERSION = "1"  # of stored resistances of stacks
_THICK_LAYER_PATHS = 20.0  # median mean free paths of a layer that is thick
_MIN_LAYER_PATHS = 5.0  # median mean free paths of a layer, below which its profile has no straight part


def interface_conductances(
    left: Carriers, right: Carriers, boundary: object, *, thickness: float | None = None
) -> dict[Drop, Conductance]:
    """Conductance of one boundary by all three temperature drops, from a Boltzmann solution.

    Parameters
    ----------
    left, right : phonons of both sides
    boundary : `Transmission` or `InterfaceScattering`
    thickness : of both layers, m; None: 10 µm, or 20 median mean free paths where they are longer.  The extrapolated
    conductance falls with it while phonons with longer paths carry heat

    Raises
    ------
    InputError
        for layers thinner than five median mean free paths, and as `transport`

    Examples
    --------
    >>> from kapitza.boltzmann import InterfaceScattering, gray_carriers, interface_conductances
    >>> hot = gray_carriers("a", heat_capacity=1.7e6, velocity=6000.0, mean_free_path=40e-9)
    >>> cold = gray_carriers("b", heat_capacity=1.2e6, velocity=4000.0, mean_free_path=20e-9)
    >>> found = interface_conductances(hot, cold, InterfaceScattering(coefficient=0.3))
    >>> print({drop: f"{one.value[0] / 1e6:.0f} MW/m²K" for drop, one in found.items()})
    {'emitted': '765 MW/m²K', 'local': '1440 MW/m²K', 'extrapolated': '1361 MW/m²K'}
    """
    thick = _thick_layer_thickness(thickness, left, right)
    for side in (left, right):
        median = side.path_quantile(0.5)
        if thick < (least := _MIN_LAYER_PATHS * median):
            path = f"half of the heat in {side.name} travels farther than {median:.3g} m at a time"
            raise InputError(f"thickness = {thick:g} m: {path}; take at least {least:.3g} m")
    right_name = right.name if right.name != left.name else f"{right.name}'"
    solution = transport([Film(thick, left), Film(thick, right, name=right_name)], [boundary])
    return {drop: solution.conductance(drop) for drop in TEMPERATURE_DROPS}


def _thick_layer_thickness(thickness: float | None, *sides: Carriers) -> float:
    if thickness is not None:
        return thickness
    return max(_DEFAULT_THICKNESS, *(_THICK_LAYER_PATHS * side.path_quantile(0.5) for side in sides))


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


def _fourier_resistance(films: Sequence[Film], boundaries: Sequence[object], thickness: float | None) -> float:
    """Resistance of a stack between black walls by Fourier's law, with slips and extrapolated resistances, m² K W⁻¹."""
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
    return _fourier_resistance(films, boundaries, thickness) / transport(films, boundaries).resistance - 1


def _stack_resistances(
    films: Sequence[Film], boundaries: Sequence[object], thickness: Array, *, walls: tuple[Wall, Wall] | None = None,
    period: float | None = None,
    run: tuple[StoreLike | None, ExecutorLike | None, Progress | None] = (None, None, None),
) -> Array:  # fmt: skip
    """(n,) resistance of a stack with other thicknesses (n, M) of its layers, m² K W⁻¹: one unit of work each."""
    store, executor, progress = run
    names = [f"{one.name}|{other.name}" for one, other in zip(films, [*films[1:], films[0]], strict=True)]
    joints = [to_interface_scattering(one, name) for one, name in zip(boundaries, names, strict=False)]
    records = [*films, *joints, *(walls or ())]
    stack = unit_address({"records": [asdict(record) for record in records], "period": period}, version=_SERIES_VERSION)
    units: list[UnitInputs] = [{"stack": stack, "thickness": row} for row in thickness]
    work = partial(_stack_resistance, tuple(films), tuple(joints), walls, period)
    parts = run_units(work, units, version=_SERIES_VERSION, store=store, executor=executor, progress=progress)
    return np.array([float(part["resistance"]) for part in parts])


def _stack_resistance(
    films: Sequence[Film], joints: Sequence[object], walls: tuple[Wall, Wall] | None, period: float | None,
    unit: UnitInputs,
) -> UnitResult:  # fmt: skip
    thickness = np.asarray(unit["thickness"], float)
    layers = [evolve(film, thickness=value) for film, value in zip(films, thickness, strict=True)]
    left, right = walls or (None, None)
    return {"resistance": np.array(transport(layers, joints, left=left, right=right, period=period).resistance)}


def fourier_scale(
    films: Sequence[Film],
    boundaries: Sequence[object] = (),
    *,
    tolerance: float = 0.05,
    thickness: float | None = None,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> float:
    """Factor on all thicknesses from which on Fourier's law with slips and extrapolated resistances is good enough.

    At or below 1 it is so already; infinite where it is not so within a factor of 10,000.

    Parameters
    ----------
    films, boundaries : as in `transport`, between black walls
    tolerance : relative error of the resistance that is good enough
    thickness : of the thick layers that slips and resistances are taken from, m; None: see `interface_conductances`
    store, executor, progress : as for `film_conductivities`

    Raises
    ------
    InputError
        for a tolerance that is not above zero
    """
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance:g}, wanted a relative error above 0")
    bulk = sum(film.thickness / film.carriers.conductivity for film in films)
    fixed = _fourier_resistance(films, boundaries, thickness) - bulk
    layers = np.array([film.thickness for film in films])
    scales = np.geomspace(min(1e4, 0.99 * MAX_THICKNESS / layers.max()), 1e-4, _SCALE_STEPS)
    found, step = np.inf, 1 if executor is None else _SCALES_AT_ONCE
    for first in range(0, scales.size, step):  # from thick to thin, no further than the law holds
        some = scales[first : first + step]
        exact = _stack_resistances(films, boundaries, np.outer(some, layers), run=(store, executor, progress))
        for scale, resistance in zip(some, exact, strict=True):
            if abs((bulk * scale + fixed) / resistance - 1) > tolerance:
                return found
            found = float(scale)
    return found


def superlattice_resistances(
    left: Carriers,
    right: Carriers,
    boundary: object,
    period: ArrayLike,
    *,
    share: float = 0.5,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Array:
    """(n,) effective resistance of each boundary of a superlattice, m² K W⁻¹.

    What the period resists more than its layers do in bulk, shared out to its two boundaries: with long periods the
    extrapolated resistance, with short ones less, even below zero.  Times the bulk conductivity it is the effective
    Kapitza length.

    Parameters
    ----------
    left, right, boundary, period, share, store, executor, progress : as in `superlattice_conductivities`
    """
    length = positive(period)
    conductivity = superlattice_conductivities(
        left, right, boundary, length, share=share, store=store, executor=executor, progress=progress
    )
    return (length / conductivity - length * (share / left.conductivity + (1 - share) / right.conductivity)) / 2


def film_conductivities(
    carriers: Carriers,
    thickness: ArrayLike,
    *,
    specular: ArrayLike = 0.0,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Array:
    """(n,) effective conductivity across free films between two walls that thermalise, W m⁻¹ K⁻¹.

    Parameters
    ----------
    carriers : phonons of the film
    thickness : (n,) m
    specular : share of the phonons that the walls reflect like a mirror
    store : where finished thicknesses are kept and looked for
    executor : any `concurrent.futures.Executor`, such as that of a Dask client, or a number of processes
    progress : called with the number of finished and of all thicknesses
    """
    base, length = carriers.temperature, positive(thickness)
    check_filled("thickness", length)
    films, walls = [Film(length[0], carriers)], (Wall(base + 0.5, specular), Wall(base - 0.5, specular))
    return length / _stack_resistances(films, (), length[:, None], walls=walls, run=(store, executor, progress))


def superlattice_conductivities(
    left: Carriers,
    right: Carriers,
    boundary: object,
    period: ArrayLike,
    *,
    share: float = 0.5,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> Array:
    """(n,) effective conductivity of endless superlattices, phonons being particles, W m⁻¹ K⁻¹.

    Parameters
    ----------
    left, right : phonons of the two layers
    boundary : `Transmission` or `InterfaceScattering` from left to right; or two of them, there and back
    period : (n,) thickness of both layers together, m
    share : of the left layer in the period
    store, executor, progress : as for `film_conductivities`

    Raises
    ------
    InputError
        for a share outside of 0..1, and as `transport`
    """
    if not 0 < share < 1:
        raise InputError(f"share = {share:g} of the left layer, expected between 0 and 1")
    length = positive(period)
    check_filled("period", length)
    name = right.name if right.name != left.name else f"{right.name}'"
    films = [Film(share * length[0], left), Film((1 - share) * length[0], right, name=name)]
    joints = boundary if isinstance(boundary, tuple) else (boundary, reverse_boundary(boundary, left, right))
    thickness = np.stack([share * length, (1 - share) * length], axis=1)
    return length / _stack_resistances(films, joints, thickness, period=1.0, run=(store, executor, progress))
