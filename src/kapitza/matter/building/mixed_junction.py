r"""Junctions of two crystals of one structure from the force constants of each, where no potential knows them both.

Every site belongs to one crystal.  Between two sites of one crystal its own force constants hold, between sites of
different ones a mixture of both; self terms follow from the acoustic sum rule.  Sites are those of the left crystal, so
that the right one is strained to them while its force constants stay: nothing relaxes.  For Si and Ge with Tersoff's
potential the conductance so comes out 3 % above that of the strained and relaxed junction.
"""

from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, one_of, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.matter.building.disorder import Disorder, right_sites
from kapitza.matter.building.layers import (
    align_blocks,
    bond_weights,
    crystal_lead,
    junction_from_layers,
    lead_layer,
    subtract_self_terms,
)
from kapitza.matter.building.matching import (
    MAX_MATCH_STRAIN,
    best_supercell_matches,
    in_plane_deformation,
    in_plane_periods,
)
from kapitza.matter.building.stacking import have_same_sites
from kapitza.matter.building.surface import change_lattice, orient_crystal
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, JunctionLayer, Lead, force_imbalance, largest_constant

MixingRule = Literal["mean", "left", "right"]


def _check_mixed_disorder(_instance: Any, _attribute: Any, disorder: Disorder | None) -> None:
    if disorder is not None and (disorder.vacancies or disorder.substitutions):
        raise InputError(
            f"vacancies {disorder.vacancies:g} and substitutions {dict(disorder.substitutions)} need forces for them:",
            hint=Hint(python="use build_junction with a potential", command="give one by --potential"),
        )


@frozen(kw_only=True)
class SiteMixing(BaseRecord):
    """How two crystals of one structure join, site by site.

    Attributes
    ----------
    disorder : intermixing and roughness, by the elements (masses and force constants) of the sites; vacancies and
        foreign atoms need a potential: `build_junction`
    """

    mixing: MixingRule = field(
        default="mean",
        validator=one_of("mean", "left", "right"),
        metadata=about("", "force constants across the interface: mean of both crystals, or those of one"),
    )
    scale: float = field(
        default=1.0, validator=quantity(), metadata=about("1", "factor on the force constants across the interface")
    )
    layers: int = field(default=2, validator=quantity(), metadata=about("1", "layers of the device on either side"))
    limit: float = field(
        default=MAX_MATCH_STRAIN, metadata=about("1", "largest relative difference of the in-plane vectors")
    )
    supercell: tuple[int, int] = field(default=(1, 1), metadata=about("1", "repeats of the cell in the plane"))
    disorder: Disorder | None = field(default=None, validator=_check_mixed_disorder)


def junction_from_crystals(
    left: Crystal,
    right: Crystal,
    normal: ArrayLike = (0, 0, 1),
    right_normal: ArrayLike | None = None,
    *,
    sites: SiteMixing | None = None,
) -> Junction:
    r"""Join two crystals of one structure by their force constants.

    Parameters
    ----------
    left, right : the crystals, without dipole forces apart (see `truncate_force_constants` for polar crystals)
    normal, right_normal : Cartesian normals in the frames of the crystals; the right one as the left one if left out
    sites : how they join; None: by the defaults of `SiteMixing`

    Raises
    ------
    InputError
        if the crystals differ in structure or by more than the limit in the plane, or an element that both have would
        change its place
    """
    sites = SiteMixing() if sites is None else sites
    one = orient_crystal(left, normal)
    other = _align_crystals(one, orient_crystal(right, normal if right_normal is None else right_normal))
    _check_corresponding_sites(one, other, sites.limit)
    leads = _common_leads(one, other)
    grid = np.diag(np.array(sites.supercell, dtype=np.int64))
    periods = grid @ leads[0].periods
    low, high = (lead_layer(lead, grid) for lead in leads)
    owners = _site_owners(leads[0], low, periods, sites.layers, sites.disorder)
    device = tuple(_mixed_layers(low, high, owners, sites))
    name = f"{left.name}|{right.name}, force constants {sites.mixing}"
    return junction_from_layers(name, *leads, periods, balance_layers(device, leads))


def _align_crystals(left: Crystal, right: Crystal) -> Crystal:
    """Choose lattice vectors of the right crystal along those of the left one, if possible such that sites agree."""
    best = right
    fits = best_supercell_matches(in_plane_periods(left.lattice[:2]), in_plane_periods(right.lattice[:2]), 1, 1, None)
    for fit in sorted(fits, key=lambda fit: round(float(np.abs(fit.strain).max()), 6)):
        vectors = np.eye(3, dtype=np.int64)
        vectors[:2, :2] = np.round(np.linalg.inv(fit.left.astype(float)) @ fit.right)
        trial = change_lattice(right, vectors)
        best = trial if best is right else best
        if have_same_sites(left, trial):
            return trial
    return best


_NEEDS_POTENTIAL = Hint(
    python="crystals of different structure need a potential for both (build_junction)",
    command="crystals of different structure need a potential for both (--potential)",
)


def _check_corresponding_sites(left: Crystal, right: Crystal, limit: float) -> None:
    if left.masses.size != right.masses.size:
        raise InputError(
            f"{left.name} has {left.masses.size} atoms in a layer, {right.name} {right.masses.size}:",
            hint=_NEEDS_POTENTIAL,
        )
    turn = np.linalg.inv(in_plane_periods(right.lattice[:2])) @ in_plane_periods(left.lattice[:2])
    strain = float(np.abs(np.linalg.svd(turn)[1] - 1).max())
    if strain > limit:
        raise InputError(
            f"{left.name} and {right.name} differ by {100 * strain:.2g} % in the plane, more than the "
            f"{100 * limit:.2g} % allowed (limit)"
        )
    if not have_same_sites(left, right):
        raise InputError(
            f"{left.name} and {right.name} do not have their atoms in the same places of a layer:",
            hint=_NEEDS_POTENTIAL,
        )
    shared = set(left.symbols) & set(right.symbols)
    places = [[symbol if symbol in shared else "" for symbol in one.symbols] for one in (left, right)]
    if shared and places[0] != places[1]:
        raise InputError(
            f"{', '.join(sorted(shared))} would change places between {left.name} and {right.name}: one of them lies "
            "the other way round",
            hint=Hint(
                python="turn its normal, such as right_normal=(0, 0, -1)",
                command="turn its normal, such as --normal 001,00-1",
            ),
        )


def _common_leads(left: Crystal, right: Crystal) -> tuple[Lead, Lead]:
    """Leads with equally many cells in a principal layer, the same in-plane lattice vectors R, on the left's sites."""
    cells = max(crystal_lead(crystal).masses.size // left.masses.size for crystal in (left, right))
    one, other = (crystal_lead(crystal, cells) for crystal in (left, right))
    step = np.array([one.step[0], one.step[1], other.step[2]])
    deformation = in_plane_deformation(in_plane_periods(other.periods), in_plane_periods(one.periods))
    rise = np.repeat(np.arange(cells) / cells, right.masses.size)[:, None]  # of each atom's cell, in steps
    assert other.positions is not None  # noqa: S101
    positions = other.positions @ deformation + rise * (step - other.step @ deformation)
    parts = ((lead.shifts, blocks) for lead in (one, other) for blocks in (lead.onsite, lead.hop))
    shifts, blocks = align_blocks(*parts)
    other = evolve(other, periods=one.periods, step=step, positions=positions)
    return (
        evolve(one, shifts=shifts, onsite=blocks[0], hop=blocks[1]),
        evolve(other, shifts=shifts, onsite=blocks[2], hop=blocks[3]),
    )


def _site_owners(
    lead: Lead, layer: JunctionLayer, periods: Array, layers: int, disorder: Disorder | None
) -> list[BoolArray]:
    """Whether each site of each layer of the device belongs to the right crystal, (M n,) each; `layer` of the lead."""
    assert layer.positions is not None  # noqa: S101
    sharp = [np.full(len(layer.positions), i >= layers) for i in range(2 * layers)]
    if disorder is None or not disorder.mixes:
        return sharp
    heights = layer.positions[:, 2]
    middle = (heights.max() + heights.min() + (2 * layers - 1) * lead.thickness) / 2
    sites = np.concatenate([layer.positions + i * lead.step for i in range(2 * layers)])
    mixed = np.split(right_sites(disorder, sites, float(middle), periods), 2 * layers)
    changed = int((mixed[0] != sharp[0]).sum() + (mixed[-1] != sharp[-1]).sum())
    if changed:
        raise InputError(
            f"{changed} sites of the outermost layers would change sides: take more layers, or less roughness and "
            "intermixing"
        )
    return mixed


def _mixed_layers(
    low: JunctionLayer, high: JunctionLayer, owners: list[BoolArray], sites: SiteMixing
) -> list[JunctionLayer]:
    assert low.hop is not None  # noqa: S101
    assert high.hop is not None  # noqa: S101
    named = len(low.symbols) == len(high.symbols) == low.masses.size
    made: list[JunctionLayer] = []
    for own, following in zip(owners, [*owners[1:], None], strict=True):
        onsite = _blend_constants(low.onsite, high.onsite, own, own, sites)
        hop = None if following is None else _blend_constants(low.hop, high.hop, own, following, sites)
        symbols = tuple(np.where(own, high.symbols, low.symbols).tolist()) if named else ()
        made.append(JunctionLayer(np.where(own, high.masses, low.masses), low.shifts, onsite, hop, symbols=symbols))
    return made


def _blend_constants(left: Array, right: Array, rows: BoolArray, columns: BoolArray, sites: SiteMixing) -> Array:
    """(nR, f, f) force constants by the owners of the two sites of each."""
    share = {"mean": 0.5, "left": 0.0, "right": 1.0}[sites.mixing]
    one, other = np.repeat(rows, 3)[:, None], np.repeat(columns, 3)
    both = np.where(one, right, left)
    return np.where(one == other, both, sites.scale * ((1 - share) * left + share * right))


def balance_layers(device: tuple[JunctionLayer, ...], leads: tuple[Lead, Lead]) -> list[JunctionLayer]:
    r"""Restore the acoustic sum rule: self terms for its symmetric part, the least change of bonds for the rest.

    The antisymmetric part $A_i$ of what is left at atom i cannot go into its self term.  It is taken up by
    $\delta\Phi_{ij} = w_{ij}(a_i - a_j)$ with antisymmetric $a_i$ from $\sum_jw_{ij}(a_i - a_j) = -A_i$, where the
    weights $w_{ij}$ are the squared force constants.
    """
    made = list(device)
    for _ in range(2):  # bonds change self terms once more
        made = _balance_bonds(_balance_self_terms(made, leads), leads)
    return _balance_self_terms(made, leads)


def _balance_self_terms(device: list[JunctionLayer], leads: tuple[Lead, Lead]) -> list[JunctionLayer]:
    rows = force_imbalance(tuple(device), *leads)
    return [
        evolve(layer, onsite=subtract_self_terms(layer.shifts, layer.onsite, excess))
        for layer, excess in zip(device, rows, strict=True)
    ]


def _balance_bonds(device: list[JunctionLayer], leads: tuple[Lead, Lead]) -> list[JunctionLayer]:
    rows = np.concatenate(force_imbalance(tuple(device), *leads)).reshape(-1, 3, 3)
    twist = (rows - rows.swapaxes(1, 2)) / 2
    scale = largest_constant(*(slab.onsite for slab in device))
    if np.abs(twist).max() < 1e-12 * scale:
        return device
    bounds = np.cumsum([0, *(slab.masses.size for slab in device)])
    weight = np.zeros((bounds[-1], bounds[-1]))
    for i, slab in enumerate(device):
        here = slice(bounds[i], bounds[i + 1])
        weight[here, here] = bond_weights(slab.onsite).sum(axis=0)
        if slab.hop is not None:
            after = slice(bounds[i + 1], bounds[i + 2])
            weight[here, after] = bond_weights(slab.hop).sum(axis=0)
            weight[after, here] = weight[here, after].T
    np.fill_diagonal(weight, 0.0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    axial = np.stack([twist[:, 2, 1], twist[:, 0, 2], twist[:, 1, 0]], axis=1)
    turn = np.asarray(-np.linalg.lstsq(laplacian, axial, rcond=1e-12)[0], dtype=float)  # equal aᵢ change nothing
    made: list[JunctionLayer] = []
    for i, slab in enumerate(device):
        own = turn[bounds[i] : bounds[i + 1]]
        hop = slab.hop
        if hop is not None:
            hop = hop + _distribute_over_bonds(hop, own, turn[bounds[i + 1] : bounds[i + 2]])
        made.append(evolve(slab, onsite=slab.onsite + _distribute_over_bonds(slab.onsite, own, own), hop=hop))
    return made


def _distribute_over_bonds(blocks: Array, rows: Array, columns: Array) -> Array:
    """(nR, f, f') antisymmetric changes of bonds, in proportion to their squared force constants."""
    axis = rows[:, None] - columns
    matrix = np.zeros((*axis.shape[:2], 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        matrix[..., c, b], matrix[..., b, c] = axis[..., a], -axis[..., a]
    change = bond_weights(blocks)[..., None, None] * matrix
    return np.asarray(change.transpose(0, 1, 3, 2, 4).reshape(blocks.shape), dtype=float)
