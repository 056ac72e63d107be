r"""Junctions of two crystals from a potential: match, strain, stack, relax, take the force constants, check.

The stack is | left crystal, held | device | right crystal, moving as one rigid body | with vacuum beyond.  The held
parts are thicker than the forces reach, so that the atoms of the device feel two half-infinite crystals and one
interface.  The outermost layers of the device stay in the places of the crystals; by how much their force constants
differ from those of the leads says whether the device is long enough (`lead_mismatch`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from attrs import asdict, converters, evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about, quantity, read_only_mapping
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.building import matching
from kapitza.matter.building.disorder import Disorder, choose_sites, right_sites
from kapitza.matter.building.interface_cell import describe_seam, interface_layers
from kapitza.matter.building.junction_cost import Rehearsal, SegmentWork
from kapitza.matter.building.layers import LEAD_TOLERANCE, junction_from_layers, lead_deviation
from kapitza.matter.building.mixed_junction import balance_layers
from kapitza.matter.building.stacking import (
    AtomStack,
    Segment,
    continues_lattice,
    find_registry,
    have_same_sites,
    stack_segments,
)
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.files.structures import is_structure_file, read_structure
from kapitza.matter.junction import Junction, force_imbalance, largest_constant, pack_junction, unpack_junction
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.calculators import is_calculator_name
from kapitza.matter.potentials.force_constants import layered_constants, name_missing_dipoles
from kapitza.matter.potentials.force_field import ForceField, ForceMeter, measure_cost
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS
from kapitza.matter.potentials.relaxation import relax_interface, relax_once
from kapitza.matter.potentials.space_group import height_operations, primitive_structure, symmetrize_structure
from kapitza.matter.structure import Structure, element_masses
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units
from kapitza.units import angstrom

_DEFAULT_DEPTH = 12 * angstrom  # of crystal on either side of an interface, where nobody says how many layers
_DISPLACED_DEPTH = 8 * angstrom  # the same of atoms that are displaced, where a potential has no second derivatives
MAX_SEAM_MISMATCH = 0.03  # of the largest force constant
_SYMMETRY_TOLERANCE = 5e-3 * angstrom  # by which atoms at rest may miss the sites of a symmetry
_INTERFACE_CELL_VERSION = "repeats-1"  # the same, of junctions whose atoms are displaced
_BUILD_VERSION = "junction-2"  # part of the address of stored results
_NOTICEABLE_STRAIN = 1e-6  # of a crystal, above rounding
_NEGLIGIBLE_CONSTANT = 1e-9  # of the largest force constant: what reaches beyond the next layer and is rounding


@frozen(eq=False, kw_only=True)
class JunctionPlan(BaseRecord):
    """What a junction is to be made of.

    Attributes
    ----------
    left, right : crystals: names such as "Si" or "GaN" (`kapitza phonons` lists them), structure files, or structures
    potential : by name as in `named_force_field`, or a force field around any ASE calculator
    arguments : of a calculator by name or path
    orientation, right_orientation : the left crystal faces right, the right one left by its back; None: as the left one
    contact : elements of the last plane of the left and of the first plane of the right crystal; None: as they cleave
    disorder : what is random; None: a sharp interface
    relax : whether the atoms relax; without, those of the crystals stay where they are and only the distance is found
    """

    left: str | Structure
    right: str | Structure
    potential: str | ForceField = field(
        metadata=about(
            "", "potential of both: tersoff, sw, lj, emt, nequix, sevenn, a file (CuNi.eam.alloy), module:Class"
        )
    )
    arguments: Mapping[str, object] = field(factory=dict, converter=read_only_mapping)
    reach: float | None = field(
        default=None,
        metadata=about("m", "range of the force constants of a calculator; 6 Å or that of the potential if omitted"),
    )
    orientation: tuple[int, ...] = field(
        default=(0, 0, 1), converter=tuple, metadata=about("1", "Miller indices of the face of the left crystal")
    )
    right_orientation: tuple[int, ...] | None = field(
        default=None, converter=converters.optional(tuple), metadata=about("1", "the same of the right crystal")
    )
    strain: matching.StrainedSide = field(
        default="right", metadata=about("", "crystal that is strained to fit the other")
    )
    limit: float = field(default=matching.MAX_MATCH_STRAIN, metadata=about("1", "largest principal strain"))
    area: float = field(default=matching.MAX_MATCH_AREA, metadata=about("m^2", "of the largest common cell"))
    twist: float | None = field(
        default=None, metadata=about("rad", "rotation of the right crystal about the normal; the best fit if omitted")
    )
    mirror: bool = field(
        default=False, metadata=about("", "mirror image of the right crystal, for twins and tilt boundaries")
    )
    layers: int | None = field(
        default=None, metadata=about("1", "principal layers of the device on either side; 12 Å or more if omitted")
    )
    contact: tuple[str | None, str | None] = (None, None)
    interlayers: tuple[tuple[str | Structure, int], ...] = field(
        default=(), converter=tuple, metadata=about("1", "crystals between, each with its number of principal layers")
    )
    supercell: tuple[int, int] = field(default=(1, 1), metadata=about("1", "repeats of the cell in the plane"))
    disorder: Disorder | None = None
    relax: bool = True
    mismatch: float = field(
        default=MAX_SEAM_MISMATCH,
        validator=quantity(high=1),
        metadata=about("1", "largest difference of the force constants of a network at the interface and elsewhere"),
    )


def build_junction(
    plan: JunctionPlan,
    *,
    progress: Progress | None = None,
    announce: Callable[[str], object] | None = None,
    executor: ExecutorLike | None = None,
) -> Junction:
    """Build, relax and check a junction of two crystals.

    Parameters
    ----------
    plan : what it is to be made of
    progress : called with the number of finished and of all evaluations of forces, where atoms are displaced
    announce : called with lines that say how much work there is before it begins, what was cut off, and what to cite
    executor : any `concurrent.futures.Executor`, or a number of processes, that share the forces at displaced atoms,
        where the potential is a calculator by name

    Returns
    -------
    Junction; its `residual` is the violation of the acoustic sum rule before it was enforced

    Raises
    ------
    InputError
        if no common cell is strained little enough, the elements have no parameters, atoms overlap, or the outermost
        layers differ from the crystals
    ConvergenceError
        if the structure does not come to rest
    MissingEngine
        without ase and matscipy
    """
    force_field = evolve(plan_force_field(plan), progress=progress, announce=announce, executor=executor)
    if not force_field.analytic:
        force_field = _with_meter(plan, force_field)
    segments, periods = prepare_segments(plan, force_field)
    shifts = [find_registry(low, high, periods, force_field) for low, high in pairwise(segments)]
    # of the interface on the far side of both crystals, which is there to do without surfaces
    closing = None if force_field.analytic else find_registry(segments[-1], segments[0], periods, force_field)
    stack = _stack_crystals(plan, segments, periods, shifts, force_field.reach, closing)
    body = stack.layer >= stack.layers - 1  # the right crystal moves as a whole, so that the distance relaxes
    mobile = stack.inner & plan.relax
    if force_field.analytic:
        stack = evolve(stack, atoms=relax_interface(stack.atoms, force_field, mobile, body))
        junction = _extract_junction(stack, segments, periods, force_field)
    else:
        moves = {"mobile": mobile, "right": body}
        force_field.next_step()
        rest = relax_once(stack.atoms, force_field, partial(relax_interface, closed=True, **moves), moves)
        stack = evolve(stack, atoms=symmetrize_structure(rest, group=height_operations(rest, _SYMMETRY_TOLERANCE)))
        force_field.next_step()
        junction = _join_interface_cell(stack, segments, periods, force_field, plan.mismatch)
    if force_field.meter is not None:
        force_field.meter.finish()
    if announce is not None:
        strained = [
            f"{segment.cell.name} by {100 * segment.strain[0]:+.2g} and {100 * segment.strain[1]:+.2g} %"
            for segment in segments
            if np.abs(segment.strain).max() > _NOTICEABLE_STRAIN
        ]
        announce(f"strained in the plane: {', '.join(strained) or 'none'}")
        announce(f"forces by {force_field.name}{f', {force_field.source}' if force_field.source else ''}")
    return junction


def _with_meter(plan: JunctionPlan, force_field: ForceField) -> ForceField:
    """Return forces whose evaluations are counted against a plan of all steps; announce what that costs."""
    rehearsal = Rehearsal(force_field)
    segments, periods = prepare_segments(plan, force_field, rehearsal)
    *shifts, closing = rehearsal.places(segments)
    stack = _stack_crystals(plan, segments, periods, shifts, force_field.reach, closing)
    rehearsal.interface(stack, periods)
    if force_field.announce is not None:
        at_once = 0 if force_field.batch is None else force_field.batch.atoms
        cost = measure_cost(force_field, _resolve_structure(plan.left))
        force_field.announce(f"{stack.atoms.name}: {cost.describe(rehearsal.plan, at_once)}")
        if polar := name_missing_dipoles([segment.cell for segment in segments]):
            force_field.announce(polar)
    return evolve(force_field, meter=ForceMeter(rehearsal.plan, force_field.progress), progress=None)


def _stack_crystals(
    plan: JunctionPlan,
    segments: Sequence[Segment],
    periods: Array,
    shifts: Sequence[Array],
    reach: float,
    closing: Array | None,
) -> AtomStack:
    stack = stack_segments(segments, periods, shifts, reach, junction_name(plan, segments), closing=closing)
    return stack if plan.disorder is None else _apply_disorder(stack, segments, periods, plan.disorder)


def plan_force_field(plan: JunctionPlan) -> ForceField:
    """Return the potential of a plan, for the elements that it needs."""
    if not isinstance(plan.potential, str):
        return plan.potential
    bodies = [plan.left, plan.right, *(body for body, _ in plan.interlayers)]
    symbols = [symbol for body in bodies for symbol in _resolve_structure(body).symbols]
    if plan.disorder is not None:
        symbols += plan.disorder.substitutions
    return named_force_field(plan.potential, symbols, arguments=plan.arguments, reach=plan.reach)


def _resolve_structure(body: str | Structure) -> Structure:
    if isinstance(body, Structure):
        return body
    return primitive_structure(read_structure(body)) if is_structure_file(body) else named_structure(body)


def junction_name(plan: JunctionPlan, segments: Sequence[Segment]) -> str:
    """Name of the junction for legends."""
    return "|".join(segment.lead.name for segment in segments) + f" ({''.join(map(str, plan.orientation))})"


def prepare_segments(
    plan: JunctionPlan, force_field: ForceField, work: SegmentWork | None = None
) -> tuple[list[Segment], Array]:
    """Segments of the stack with their strained crystals, and the periods (2, 3) of the junction, m; `work` is done
    with each crystal, by the force field if None.
    """
    work = work or SegmentWork(force_field)
    bodies = [plan.left, *(body for body, _ in plan.interlayers), plan.right]
    rest: dict[int, Structure] = {}
    for body in bodies:
        if id(body) not in rest:
            rest[id(body)] = work.rest(_resolve_structure(body), "all")
    last = len(bodies) - 1
    slabs: list[Structure] = []
    for i, body in enumerate(bodies):
        facing = plan.right_orientation if i and plan.right_orientation is not None else plan.orientation
        first, top = (plan.contact[1] if i == last else None), (plan.contact[0] if i == 0 else None)
        slab = orient_structure(rest[id(body)], facing, first=first, last=top)
        slabs.append(mirror_structure(slab) if plan.mirror and i == last else slab)
    fits = [_choose_match(plan, slabs[0], slab) for slab in slabs[1:]]
    grid, grids = matching.common_cell(fits, plan.supercell)
    main = evolve(fits[-1], left=grid, right=grids[-1])
    periods = matching.common_periods(slabs[0].lattice[:2], slabs[-1].lattice[:2], main, plan.strain)
    counts = [plan.layers, *(count for _, count in plan.interlayers), plan.layers]
    parts = zip(slabs, [grid, *grids], counts, strict=True)
    return [_make_segment(slab, force_field, own, periods, count, work) for slab, own, count in parts], periods


def _choose_match(plan: JunctionPlan, left: Structure, right: Structure) -> matching.SurfaceMatch:
    """Choose a match: the smallest, then the least strained, then one whose sites continue those of the left."""
    surfaces = left.lattice[:2], right.lattice[:2]
    fits = matching.match_surfaces(*surfaces, strain=plan.limit, area=plan.area, twist=plan.twist)
    equal = (fit for fit in matching.equal_matches(fits) if np.array_equal(fit.left, fit.right))
    return next((fit for fit in equal if have_same_sites(left, right)), fits[0])


def _make_segment(
    one: Structure, force_field: ForceField, grid: IntArray, periods: Array, layers: int | None, work: SegmentWork
) -> Segment:
    small = np.linalg.inv(grid.astype(float)) @ matching.in_plane_periods(periods)
    turn = matching.in_plane_deformation(one.lattice[:2, :2], small)
    strained = evolve(one, lattice=one.lattice @ turn, positions=one.positions @ turn, axes=None)
    if np.abs(turn.T @ turn - np.eye(3)).max() > 1e-9:
        strained = work.rest(strained, "normal")
    lead = work.lead(strained)
    depth = max(_DEFAULT_DEPTH, force_field.reach) if force_field.analytic else _DISPLACED_DEPTH
    least = 1 if force_field.analytic else 2
    if layers is None:
        layers = 1 + int(np.ceil(depth / lead.thickness))
    if layers < least:
        raise InputError(f"{one.name}: {layers} layers, wanted at least {least}")
    return Segment(strained, lead, grid, layers, np.linalg.svd(turn[:2, :2], compute_uv=False) - 1)


def mirror_structure(one: Structure) -> Structure:
    """Mirror image of an oriented crystal in the plane of its surface, in order of height again."""
    flip = np.array([1, 1, -1])
    positions = one.positions * flip
    lattice = one.lattice * np.array([[1, 1, 1], [1, 1, 1], [-1, -1, 1]])
    order = np.lexsort((*np.round(positions[:, :2].T / angstrom, 3), np.round(positions[:, 2] / angstrom, 3)))
    return evolve(
        one,
        lattice=lattice,
        positions=positions[order] - [0, 0, positions[:, 2].min()],
        masses=one.masses[order],
        symbols=tuple(one.symbols[i] for i in order),
    )


def _apply_disorder(stack: AtomStack, segments: Sequence[Segment], periods: Array, disorder: Disorder) -> AtomStack:
    atoms, symbols = stack.atoms, np.array(stack.atoms.symbols)
    if disorder.mixes:
        for i, (low, high) in enumerate(pairwise(segments)):
            if not continues_lattice(low, high):
                raise InputError(
                    f"{low.lead.name} and {high.lead.name} do not share their sites: a rough or intermixed interface "
                    "needs two crystals of one structure"
                )
            two = (stack.segment == i) | (stack.segment == i + 1)
            right = right_sites(disorder, atoms.positions, float(stack.heights[i]), periods)
            changed = two & (right != (stack.segment == i + 1))
            if count := int((changed & ~stack.inner).sum()):
                raise InputError(
                    f"{count} sites of the outermost layers would change sides: take more layers, or less roughness "
                    "and intermixing"
                )
            for side, there in ((low, changed & ~right), (high, changed & right)):
                symbols[there] = np.array(side.cell.symbols)[stack.base[there]]
    kept = np.ones(len(symbols), dtype=bool)
    for height in stack.heights:
        gone, taken = choose_sites(disorder, atoms.positions, float(height), stack.inner)
        kept &= ~gone
        for symbol, there in taken.items():
            symbols[there] = symbol
    masses = np.where(symbols == np.array(atoms.symbols), atoms.masses, element_masses(symbols.tolist()))
    names = tuple(symbols[kept].tolist())
    return evolve(
        stack,
        atoms=evolve(atoms, positions=atoms.positions[kept], masses=masses[kept], symbols=names),
        segment=stack.segment[kept],
        layer=stack.layer[kept],
        base=stack.base[kept],
        cell=stack.cell[kept],
    )


def _extract_junction(
    stack: AtomStack, segments: Sequence[Segment], periods: Array, force_field: ForceField
) -> Junction:
    shifts, values, dropped = layered_constants(stack.atoms, force_field, stack.device)
    sizes = merge_layer_sizes(values, np.bincount(stack.layer[stack.device]).tolist())
    layers, leads = stack.cut_device(shifts, values, sizes), (segments[0].lead, segments[-1].lead)
    # forces that were cut off fold back within the reach, in the leads otherwise than in the device
    return junction_from_layers(stack.atoms.name, *leads, periods, layers, tolerance=max(LEAD_TOLERANCE, dropped))


def _join_interface_cell(
    stack: AtomStack, segments: Sequence[Segment], periods: Array, force_field: ForceField, mismatch: float
) -> Junction:
    """Join the force constants of the inner layers of a stack without surfaces to those of the crystals."""
    name, leads = stack.atoms.name, (segments[0].lead, segments[-1].lead)
    layers, seam = interface_layers(stack, segments, periods, force_field)
    said = describe_seam(name, seam)
    if max(seam.values()) > mismatch:
        raise InputError(
            f"{said}, at most {100 * mismatch:.2g} % allowed: take more layers than {segments[0].layers} and "
            f"{segments[-1].layers}, or accept it by a larger mismatch"
        )
    if force_field.announce is not None:
        force_field.announce(said)
    scale = largest_constant(*(slab.onsite for slab in layers))
    residual = largest_constant(*force_imbalance(tuple(layers), *leads)) / scale
    made = junction_from_layers(
        name, *leads, periods, balance_layers(tuple(layers), leads), tolerance=max(LEAD_TOLERANCE, mismatch)
    )
    return evolve(made, residual=residual)


def merge_layer_sizes(values: Array, sizes: list[int]) -> list[int]:
    """Sizes of layers, two of them put together wherever forces reach over one, but never the outermost ones."""
    limit, sizes = _NEGLIGIBLE_CONSTANT * largest_constant(values), list(sizes)
    for _ in range(len(sizes)):  # each round takes away a layer: it ends
        bounds = np.cumsum([0, *sizes]) * 3
        far = [
            (i, j)
            for i in range(len(sizes))
            for j in range(i + 2, len(sizes))
            if largest_constant(values[:, bounds[i] : bounds[i + 1], bounds[j] : bounds[j + 1]]) > limit
        ]
        if not far:
            return sizes
        i = far[0][0]
        k = i + 1 if i + 2 < len(sizes) - 1 else i  # put together with the one above, or below if that is outermost
        if k == 0 or k + 1 == len(sizes) - 1:
            raise InputError(
                f"forces reach over layer {i + 1} of {len(sizes)}, next to the outermost one: take more layers"
            )
        sizes[k : k + 2] = [sizes[k] + sizes[k + 1]]
    return sizes


def lead_mismatch(junction: Junction) -> dict[Side, float]:
    """How much the outermost layers of a device differ from the leads, over the largest force constant, by side.

    Within a layer alone: the couplings to the leads are those of the leads.
    """
    scale = largest_constant(*(slab.onsite for slab in junction.device))
    return {side: lead_deviation(junction, side) / scale for side in INTERFACE_SIDES}


def build_configurations(
    plan: JunctionPlan,
    seeds: Sequence[int],
    *,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
    monitor: Mapping[str, Any] | None = None,
) -> list[Junction]:
    """Build the same disordered junction once for each seed, to average over what is random.

    Parameters
    ----------
    plan : with a `Disorder`
    seeds : of the random numbers; none of them: one junction, as the plan is
    executor : any `concurrent.futures.Executor`, or a number of processes, to build several at once; a single one
        shares its forces, as in `build_junction`
    store : where finished junctions are kept and looked for; the potential must then be a published one, by name
    progress : called with the number of finished and of all junctions
    monitor : `progress` and `announce` of `build_junction`, for what is built in this process

    Examples
    --------
    >>> from kapitza.lattice import Disorder, JunctionPlan, build_configurations
    >>> plan = JunctionPlan(
    ...     left="Ar", right="Kr", potential="lj", limit=0.07, layers=2, disorder=Disorder(intermixing=2e-10)
    ... )
    >>> both = build_configurations(plan, seeds=[1, 2])
    >>> print([junction.name for junction in both])
    ['Ar|Kr (001)', 'Ar|Kr (001)']
    """
    if plan.disorder is None and seeds:
        raise InputError(f"{len(seeds)} configurations of a sharp interface would be the same one: give a Disorder")
    by_name = isinstance(plan.potential, str)
    potential = plan.potential if isinstance(plan.potential, str) else plan.potential.name
    if store is not None and not by_name:
        raise InputError(
            f"the force field {potential!r} may change under its name, and a store could not tell: give a published "
            "potential by name, or no store"
        )
    inputs = asdict(evolve(plan, potential=potential, arguments={}))
    if plan.mismatch == MAX_SEAM_MISMATCH:  # as stored before there was any, like the next two
        del inputs["mismatch"]
    if plan.reach is None and not plan.arguments:
        del inputs["arguments"], inputs["reach"]
    identity: dict[str, object] = {}  # what the forces depend on beyond the name; nothing of published potentials
    if by_name and potential.lower() not in (*PUBLISHED_POTENTIALS, "sw", "lj"):
        chosen = plan_force_field(plan)
        if chosen.identity is not None:
            cell = {} if chosen.analytic else {"cell": _INTERFACE_CELL_VERSION}
            identity = {"forces": dict(chosen.identity), **cell}
    units = [{"plan": inputs, "seed": seed} | identity for seed in seeds or [None]]
    if len(units) == 1 and by_name and is_calculator_name(potential):  # workers share the forces of one junction
        monitor, executor = {**(monitor or {}), "executor": executor}, None
    here = executor is None or executor == 1
    work = partial(_build_unit, plan, dict(monitor or {}) if here else {})
    parts = run_units(work, units, version=_BUILD_VERSION, store=store, executor=executor, progress=progress)
    return [unpack_junction(part) for part in parts]


def _build_unit(plan: JunctionPlan, monitor: Mapping[str, Any], unit: UnitInputs) -> UnitResult:
    seed = unit["seed"]
    disorder = plan.disorder if plan.disorder is None or seed is None else evolve(plan.disorder, seed=seed)
    return pack_junction(build_junction(evolve(plan, disorder=disorder), **monitor))
