"""Systems of two crystals by name: matched, strained, stacked and relaxed as a junction is, then as long as wanted."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.matter.building.relaxed_junction import JunctionPlan, junction_name, plan_force_field, prepare_segments
from kapitza.matter.building.stacking import AtomStack, Segment, continuation_shift, find_registry, stack_segments
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.relaxation import relax_interface
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.system import System
from kapitza.simulate.md.systems.assembly import assemble_system
from kapitza.units import nm

_MAX_SIDE_LENGTH = 1e-6  # m: a side this long has more atoms than a run can have

_LayerMoves = dict[int, Array]  # by how much the atoms of a layer, counted from the interface upwards, have moved, m


def junction_system(
    plan: JunctionPlan,
    potential: AnyPotential,
    *,
    lengths: tuple[float, float],
    width: float = 2 * nm,
    thermostat: float = 2 * nm,
    wall: float = 1 * nm,
    periodic: bool = False,
) -> System:
    """Build two crystals for a run, from the plan of a junction.

    Its interface is that of `build_junction`: a common cell in the plane, the place and height of lowest energy, atoms
    near it relaxed.  The crystals then go on to both sides as far as wanted.  With interlayers the plane is in the
    middle of them.

    Parameters
    ----------
    plan : of the junction; its potential must be the same as `potential`, and relaxes the crystals
    potential : the potential for the run
    lengths : of the left and the right side, thermostats included, held atoms not, m; rounded up to whole layers
    width : smallest distance of an atom from its own image in the plane, m
    thermostat, wall : thickness of the thermostats and of the held ends, m; a periodic system has no held ends
    periodic : repeat along z, with a second interface, right crystal below and left crystal above, where the box closes

    Raises
    ------
    InputError
        as `build_junction`; for lengths out of range, a potential without the elements, a plan with disorder
    ConvergenceError
        if the structure does not come to rest
    MissingEngine
        without ase and matscipy
    """
    _check_lengths(plan, lengths, width, thermostat, wall)
    engine = plan_force_field(plan)
    segments, periods = prepare_segments(plan, engine)
    missing = sorted({symbol for segment in segments for symbol in segment.cell.symbols} - set(potential.kinds))
    if missing:
        raise InputError(f"the potential of the run is for {', '.join(potential.kinds)}, not {', '.join(missing)}")
    wall = 0.0 if periodic else wall
    all_segments = list(segments)
    for i, length in ((0, lengths[0]), (-1, lengths[1])):  # as many layers of the crystals as reach the lengths
        layers = int(np.ceil((length + wall) / segments[i].lead.thickness * (1 - 1e-6)))
        all_segments[i] = evolve(segments[i], layers=max(1, layers))
    shifts, moves, last = _relax_stack(segments, periods, engine, relax=plan.relax)
    made = stack_segments(all_segments, periods, shifts, engine.reach, junction_name(plan, segments), fixed=False)
    places = made.atoms.positions + _layer_displacements(made, moves, all_segments[0].layers, beyond=last)
    box = made.atoms.lattice
    if periodic:
        again, others, rise = _relax_stack([segments[-1], segments[0]], periods, engine, relax=plan.relax)
        low = {key: moved - rise for key, moved in others.items() if key >= 0}
        high = {key + made.layers: moved for key, moved in others.items() if key < 0}
        places = places + _layer_displacements(made, low | high, 0)
        box = np.vstack([periods, _closing_vector(all_segments, periods, [*shifts, *again]) + last + rise])
    return _repeat_in_plane(made, places, box, potential, width, wall=wall, thermostat=thermostat, periodic=periodic)


def _check_lengths(
    plan: JunctionPlan, lengths: tuple[float, float], width: float, thermostat: float, wall: float
) -> None:
    if plan.disorder is not None:
        raise InputError(f"a plan with disorder ({plan.disorder}) gives no system for runs: take it out of the plan")
    for name, value in (("left length", lengths[0]), ("right length", lengths[1]), ("width", width)):
        if not 0 < value < _MAX_SIDE_LENGTH:
            raise InputError(f"{name} {value:g} m, wanted 0 to {_MAX_SIDE_LENGTH:g} m (nm? multiply by 1e-9)")
    if not (0 <= thermostat < min(lengths) and 0 <= wall < _MAX_SIDE_LENGTH):
        raise InputError(
            f"thermostats of {thermostat:g} m and held ends of {wall:g} m for sides of {lengths[0]:g} and "
            f"{lengths[1]:g} m: a thermostat must be thinner than its side"
        )


def _relax_stack(
    segments: Sequence[Segment], periods: Array, engine: ForceField, *, relax: bool
) -> tuple[list[Array], _LayerMoves, Array]:
    """Relax a short stack: shifts (3,) m of each segment on the one below, moves by layer, move of the far right.

    Layers are counted from the interface, so that the left crystal ends with layer -1.
    """
    shifts = [find_registry(low, high, periods, engine) for low, high in pairwise(segments)]
    stack = stack_segments(segments, periods, shifts, engine.reach, segments[0].lead.name)
    body = stack.layer >= stack.layers - 1
    mobile = (stack.layer > 0) & ~body & relax
    moved = relax_interface(stack.atoms, engine, mobile, body).positions - stack.atoms.positions
    number = stack.layer - segments[0].layers
    moves = {int(key): moved[number == key] for key in np.unique(number[(stack.layer > 0) & ~body])}
    return shifts, moves, moved[int(np.argmax(body))]


def _layer_displacements(made: AtomStack, moves: _LayerMoves, first: int, *, beyond: Array | None = None) -> Array:
    """(n, 3) moves of the atoms of a stack, m, by layer from `first`; those without an entry stay, or move `beyond`."""
    displacements = np.zeros_like(made.atoms.positions)
    if beyond is not None:
        displacements[made.layer >= first] = beyond
    for key, moved in moves.items():
        here = made.layer == key + first
        if here.any():
            displacements[here] = moved
    return displacements


def _closing_vector(segments: Sequence[Segment], periods: Array, shifts: Sequence[Array]) -> Array:
    """(3,) from the first crystal to its next image along z, m, up to periods in the plane."""
    ring = [*segments, segments[0]]
    total = sum((continuation_shift(low, high) for low, high in pairwise(ring)), np.zeros(3)) + np.sum(shifts, axis=0)
    total[:2] -= np.round(total[:2] @ np.linalg.inv(periods[:, :2])) @ periods[:, :2]
    return total


def _repeat_in_plane(
    made: AtomStack, places: Array, box: Array, potential: AnyPotential, width: float, *, wall: float,
    thermostat: float, periodic: bool,
) -> System:  # fmt: skip
    """Repeat a stack in the plane until it is wide enough, and give its atoms their roles."""
    area = float(np.linalg.norm(np.cross(box[0], box[1])))
    spacing = [area / float(np.linalg.norm(box[1])), area / float(np.linalg.norm(box[0]))]
    counts = [max(1, int(np.ceil(width / step * (1 - 1e-6)))) for step in spacing]
    images = np.array(list(product(*(range(count) for count in counts)))) @ box[:2]
    positions = (places[:, None] + images).reshape(-1, 3)
    each = np.repeat(np.arange(len(places)), len(images))
    species = np.array([potential.kinds.index(symbol) for symbol in made.atoms.symbols], dtype=np.int64)[each]
    left, right = made.segment == 0, made.segment == made.segment.max()
    plane = float(places[left, 2].max() + places[right, 2].min()) / 2
    order = np.argsort(positions[:, 2], kind="stable")
    sites = positions[order], made.atoms.masses[each][order], species[order], potential.kinds
    wide = box * np.array([[counts[0]], [counts[1]], [1]])
    return assemble_system(
        made.atoms.name, wide, sites, plane, wall=wall, thermostat=thermostat, periodic=periodic,
        vacuum=3 * potential.cutoff,
    )  # fmt: skip
