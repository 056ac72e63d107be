"""Conductances of soft and mixed systems: both faces of a liquid between walls, and a tube that cools in its matrix."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.nemd import NemdResult, analyse_nemd
from kapitza.simulate.md.analysis.relaxation import RelaxationData, RelaxationFit, ThermalSlab, fit_relaxation
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.run import Run
from kapitza.simulate.md.system import FIXED_ROLE, FREE_ROLE
from kapitza.simulate.md.systems.soft import SlabThermometer, SoftSystem, insert_slabs
from kapitza.units import k_B

_MAX_MATRIX_SHARE = 0.1  # of the difference of temperature that may fall within the matrix, for it to be one body


@frozen(eq=False)
class LiquidResult(BaseRecord):
    """A liquid between a hot and a cold wall."""

    record: Record  # block averages, with slabs of space in the place of the liquid
    slabs: Array = field(metadata=about("m", "heights of the slabs"))
    density: Array = field(metadata=about("m^-3", "atoms per volume in each slab"))
    hot: NemdResult  # hot, cold: faces: of the hot wall on the liquid, and of the liquid on the cold wall
    cold: NemdResult


def analyse_liquid(soft: SoftSystem, run: Run, slabs: SlabThermometer) -> LiquidResult:
    """Conductance of both faces of a liquid between a hot and a cold wall, from one replica between two thermostats.

    Lines through the free planes of a wall and through the slabs are extrapolated to the Gibbs plane, midway between
    the last plane of the wall and where the liquid begins.  `analyse_nemd` does the rest, errors and verdict, as
    between two crystals.  The protocol subtracts the mean velocity of each plane (`subtract_flow`); `slabs` of
    `liquid_slabs` sampled this run, and those with next to no atoms, at the walls, are left out.
    """
    if len(run.records) != 1:
        raise InputError(f"{run.title}: {len(run.records)} replicas: the slabs of a liquid belong to one")
    record = run.records[0]
    layer = int(soft.system.layer[soft.system.species == soft.system.kinds.index("liquid")][0])
    profile = insert_slabs(record, slabs, layer)
    inside = np.arange(layer, layer + (profile.heights.size - record.heights.size + 1))
    faces = liquid_faces(profile, inside, slabs)
    hot, cold = (analyse_nemd(face, equilibration_time=run.equilibration_time) for face in faces)
    volume = soft.area * (slabs.edges[1] - slabs.edges[0])
    heights = (slabs.edges[1:] + slabs.edges[:-1]) / 2
    return LiquidResult(profile, finite(heights), slabs.atoms / slabs.samples / volume, hot, cold)


def liquid_faces(record: Record, liquid: IntArray, slabs: SlabThermometer) -> tuple[Record, Record]:
    """Return a record twice, each with one face of the `liquid` layers: the other wall does not count as free."""
    number = np.arange(record.heights.size)
    free = record.roles == FREE_ROLE
    far = float(slabs.edges[0] + slabs.edges[-1]) - record.plane
    first, last = (
        np.where(free & beyond, FIXED_ROLE, record.roles) for beyond in (number > liquid[-1], number < liquid[0])
    )
    hot = evolve(record, name=f"{record.name}, hot wall", roles=first)
    return hot, evolve(record, name=f"{record.name}, cold wall", plane=far, roles=last)


@frozen(eq=False)
class TubeResult(BaseRecord):
    """A tube that was heated and left to cool in its matrix."""

    time: Array = field(metadata=about("s", "(n,) since it was left alone"))
    temperature: Array = field(metadata=about("K", "(runs, n, layers) of the tube and of the shells around it"))
    difference: Array = field(metadata=about("K", "(runs, n) temperature of the tube less that of the matrix"))
    inside: float = field(metadata=about("1", "share of the difference between the first shell and the whole matrix"))
    drift: Array = field(metadata=about("1", "(runs,) change of the energy in units of the kinetic energy"))
    fit: RelaxationFit  # conductance per area of the tube's wall, with its uncertainty and what speaks against it


def analyse_tube(soft: SoftSystem, run: Run, *, after: float = 0.0) -> TubeResult:
    r"""Fit the conductance of the wall of a tube to the decay of its temperature after preparation "hot_group".

    $\Delta T = \Delta T_0 e^{-t/\tau}$, $1/\tau = G A (1/C_t + 1/C_m)$ with the classical heat capacities $3 N k_B$ and
    the area A of the tube's wall.  The matrix must be of one temperature: the share of ΔT that falls within it is read
    off its shells, which asks for no conductivity.  S. T. Huxtable et al., Nat. Mater. 2, 731 (2003),
    doi:10.1038/nmat996.  Blocks must be short against the decay; errors are those of the scatter of three replicas or
    more; times before `after` (s) are left out.
    """
    if not soft.radii.size:
        raise InputError(f"{soft.system.name}: {soft.radii.size} shells: wanted a tube in its matrix")
    first, time = run.records[0], run.time
    temperature = np.array([record.temperature for record in run.records])
    matrix = np.average(temperature[..., 1:], axis=2, weights=first.counts[1:])
    difference = temperature[..., 0] - matrix
    used = time >= after
    lag = temperature[:, used, 1] - matrix[:, used]
    inside = float(lag.sum() / difference[:, used].sum())
    # bodies of one temperature with heat capacities per area of the tube's wall, J m⁻² K⁻¹
    tube, rest = (
        ThermalSlab(1e-9, 3 * k_B * float(n) / soft.area / 1e-9) for n in (first.counts[0], first.counts[1:].sum())
    )
    last = float(np.average(temperature[:, -1].mean(axis=0), weights=first.counts))
    data = RelaxationData(time, difference, tube, rest, last, name=first.name)
    fit = fit_relaxation(data, after=after, model="lumped")
    if inside > _MAX_MATRIX_SHARE:
        reason = f"{inside:.0%} of the difference falls within the matrix, wanted below {_MAX_MATRIX_SHARE:.0%}"
        fit = evolve(fit, reasons=(*fit.reasons, reason))
    kinetic = [1.5 * k_B * float(record.temperature[-1] @ record.counts) for record in run.records]
    drift = np.array([record.energy[-1] - record.energy[0] for record in run.records]) / kinetic
    return TubeResult(time, temperature, difference, inside, drift, fit)
