r"""Junctions of two crystals: layers of atoms, their masses, and the force constants within and between them.

Convention: layers are stacked along the normal, left to right.  A block at the in-plane lattice vector R holds
$\Phi_{i\alpha,j\beta}(R) = \partial^2E/\partial u_{i\alpha}(0)\,\partial u_{j\beta}(R)$; `onsite` within a layer,
`hop` from a layer (rows) to the next one on its right (columns).  At an in-plane wave vector, given as fractions
$k$ of the reciprocal lattice vectors, $D(k) = \sum_R e^{2\pi i k\cdot R}\,M^{-1/2}\Phi(R)M^{-1/2}$, in (rad/ps)²: in
these units the numbers of all crystals are of order 1 to 10⁴, while SI overflows in the algebra of layers.
"""

from collections import defaultdict
from functools import cached_property
from typing import Any

import numpy as np
from attrs import asdict, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import AnyComplexArray, Array, IntArray, about, finite_array, integer_array, positive
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import Hint, InputError
from kapitza.run.store import UnitResult
from kapitza.units import m_u

SQUARE_PICOSECOND = 1e-24  # s² per ps²
_SUM_RULE_TOLERANCE = 1e-5  # of the largest force constant: violation of the acoustic sum rule that a record may have
_SYMMETRY_TOLERANCE = 1e-6  # of the largest force constant: violation of Φ(-R) = Φ(R)ᵀ that is put down to rounding
_STRAIN_TOLERANCE = 1e-6  # relative: mismatch of lattice vectors that is put down to rounding
_HEAVIEST_ATOM, _LIGHTEST_ATOM = 1e5 * m_u, 0.1 * m_u
_HIGHEST_FREQUENCY, _LOWEST_FREQUENCY = 5e15, 1e9  # rad/s: no layer of atoms vibrates faster or slower


@frozen(eq=False, kw_only=True)
class Lead(BaseRecord):
    """Half-infinite crystal, layer by layer: the same principal layer again and again.

    Attributes
    ----------
    onsite, hop : f = n times 3 directions (1 in chains)
    model : whether the numbers are those of a model, in reduced units or with other scales than atoms have, which are
        not held against the physical bounds of `matter.plausibility`

    Raises
    ------
    InputError
        for shapes that do not fit, numbers that are not finite, broken symmetry or sum rule, units that cannot be SI

    Examples
    --------
    >>> from kapitza.lattice import JunctionPlan, build_junction
    >>> junction = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> argon = junction.left
    >>> density = argon.masses.sum() / (argon.area * argon.thickness)
    >>> print(f"{argon.name}: {density:.0f} kg/m³, layers {argon.thickness * 1e10:.2f} Å thick")
    Ar: 1749 kg/m³, layers 8.00 Å thick
    """

    name: str
    periods: Array = field(converter=finite_array, metadata=about("m", "(2, 3) in-plane lattice vectors"))
    step: Array = field(converter=finite_array, metadata=about("m", "(3,) to the next layer on the right"))
    masses: Array = field(converter=positive, metadata=about("kg", "(n,) atoms of one layer"))
    shifts: IntArray = field(converter=integer_array, metadata=about("of the periods", "(nR, 2) vectors of the blocks"))
    onsite: Array = field(converter=finite_array, metadata=about("N m^-1", "(nR, f, f) force constants in a layer"))
    hop: Array = field(converter=finite_array, metadata=about("N m^-1", "(nR, f, f) to the next layer on the right"))
    positions: Array | None = field(default=None, metadata=about("m", "(n, 3) atoms of one layer"))
    symbols: tuple[str, ...] = ()
    residual: float = field(
        default=0.0,
        metadata=about("of the largest force constant", "largest violation of the acoustic sum rule in the source"),
    )
    model: bool = False

    def __attrs_post_init__(self) -> None:
        _check_layer(self.name, self.masses, self.shifts, self.onsite, self.hop, self.hop.shape[-1])
        if self.periods.shape != (2, 3) or self.step.shape != (3,):
            raise InputError(
                f"{self.name}: periods of shape {self.periods.shape} and step {self.step.shape}, wanted (2, 3) and (3,)"
            )
        if self.hop.shape[-1] != self.onsite.shape[-1]:
            raise InputError(f"{self.name}: hop of shape {self.hop.shape} for onsite {self.onsite.shape}")
        if not self.thickness > 0:
            raise InputError(
                f"{self.name}: the step to the next layer goes {self.thickness:g} m along periods[0] x periods[1], "
                "wanted above 0 (swap the two periods)"
            )
        _check_range(self.name, self.blocks(np.zeros((1, 2)))[0])
        _check_sum_rule(self.name, self.violation)

    @property
    def directions(self) -> int:
        """Directions in which an atom moves: 3, or 1 in chains."""
        return self.onsite.shape[-1] // self.masses.size

    @property
    def area(self) -> float:
        """Area of one cell of the layer, m²."""
        return cell_area(self.periods)

    @property
    def thickness(self) -> float:
        """Distance of neighbouring layers along the normal, m."""
        return float(self.step @ np.cross(self.periods[0], self.periods[1])) / self.area

    @cached_property
    def imbalance(self) -> Array:
        """(f, d) force on each atom in a rigid shift of the crystal, over the shift, N m⁻¹: 0 by the sum rule."""
        return row_sums(self.onsite + self.hop, self.directions) + row_sums(self.hop.swapaxes(1, 2), self.directions)

    @property
    def violation(self) -> float:
        """Largest violation of the acoustic sum rule, over the largest force constant."""
        return float(np.abs(self.imbalance).max() / largest_constant(self.onsite, self.hop))

    def blocks(self, k: ArrayLike) -> tuple[AnyComplexArray, AnyComplexArray]:
        r"""Mass-weighted blocks of the layer and to the next one, (nk, f, f) each, (rad/ps)².

        Parameters
        ----------
        k : (nk, 2) in-plane wave vectors, fractions of the reciprocal vectors of `periods`
        """
        weight = inverse_root_masses(self.masses, self.directions)
        here = fourier_blocks(self.shifts, self.onsite, k, weight, weight)
        return (here + here.conj().swapaxes(1, 2)) / 2, fourier_blocks(self.shifts, self.hop, k, weight, weight)


@frozen(eq=False)
class JunctionLayer(BaseRecord):
    """One layer of the device between the leads.

    Attributes
    ----------
    hop : None in the last one, which is followed by the right lead

    Examples
    --------
    >>> from kapitza.lattice import JunctionPlan, build_junction
    >>> junction = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> first = junction.device[0]
    >>> print(first.symbols, f"{first.masses.sum() * 1e27:.1f} yg")
    ('Ar', 'Ar', 'Ar') 199.0 yg
    """

    masses: Array = field(converter=positive, metadata=about("kg", "(n,) of the atoms"))
    shifts: IntArray = field(converter=integer_array, metadata=about("of the periods", "(nR, 2) vectors of the blocks"))
    onsite: Array = field(converter=finite_array, metadata=about("N m^-1", "(nR, f, f) force constants in the layer"))
    hop: Array | None = field(default=None, metadata=about("N m^-1", "(nR, f, f') to the next layer on the right"))
    positions: Array | None = field(default=None, kw_only=True, metadata=about("m", "(n, 3) of the atoms"))
    symbols: tuple[str, ...] = field(default=(), kw_only=True)


@frozen(eq=False)
class Junction(BaseRecord):
    """Two half-infinite crystals and the layers between them.

    The first layer of the device follows the left lead as another layer of that lead would, and the last one precedes
    the right lead in the same way; so the outermost layers have the atoms of the leads (`tiles` gives their order where
    the lead has smaller periods than the junction).

    Attributes
    ----------
    device : the layers between them, at least one
    periods : integer combinations of those of either lead

    Raises
    ------
    InputError
        for layers that do not fit to each other or to the leads, and as in `Lead`

    Examples
    --------
    >>> from kapitza.lattice import JunctionPlan, build_junction
    >>> argon_krypton = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> print(f"{argon_krypton.name}: {len(argon_krypton.device)} layers, {argon_krypton.area * 1e20:.1f} Å²")
    Ar|Kr (001): 4 layers, 14.2 Å²
    >>> print(argon_krypton.violation < 1e-10)
    True
    """

    name: str
    periods: Array = field(converter=finite_array, metadata=about("m", "(2, 3) in-plane lattice vectors"))
    left: Lead
    right: Lead
    device: tuple[JunctionLayer, ...] = field(converter=tuple, validator=validators.min_len(1))
    residual: float = field(
        default=0.0,
        kw_only=True,
        metadata=about("of the largest force constant", "largest violation of the acoustic sum rule in the source"),
    )

    def __attrs_post_init__(self) -> None:
        if self.periods.shape != (2, 3):
            raise InputError(f"{self.name}: periods of shape {self.periods.shape}, wanted (2, 3)")
        sizes = [slab.onsite.shape[-1] for slab in self.device]
        for i, slab in enumerate(self.device):
            what, last = f"{self.name}, layer {i}", i + 1 == len(self.device)
            if (slab.hop is None) != last:
                raise InputError(f"{what}: every layer of the device but the last has a hop to the next")
            _check_layer(what, slab.masses, slab.shifts, slab.onsite, slab.hop, 0 if last else sizes[i + 1])
        for side, size in zip(INTERFACE_SIDES, (sizes[0], sizes[-1]), strict=True):
            lead = self.lead(side)
            wanted = lead.onsite.shape[-1] * len(self.tiles(side))
            if size != wanted:
                raise InputError(
                    f"{self.name}: the outermost layer on the {side} has {size} coordinates, the lead {lead.name} "
                    f"has {wanted} in the periods of the junction: they must be the same atoms"
                )
        _check_range(self.name, self.blocks(np.zeros((1, 2))).onsite[0])
        _check_sum_rule(self.name, self.violation)

    @property
    def area(self) -> float:
        """Area of one cell, m²."""
        return cell_area(self.periods)

    @property
    def reciprocal(self) -> Array:
        """(2, 3) in-plane reciprocal lattice vectors in rows, with the 2π, rad m⁻¹."""
        return reciprocal_periods(self.periods)

    @property
    def directions(self) -> int:
        """Directions in which an atom moves: 3, or 1 in chains."""
        return self.left.directions

    def lead(self, side: Side) -> Lead:
        """The lead of one side."""
        return self.left if side == "left" else self.right

    def tiling(self, side: Side) -> IntArray:
        """(2, 2) integers N with periods = N @ periods of the lead."""
        lead = self.lead(side)
        ratio = self.periods @ np.linalg.pinv(lead.periods)
        tiling = np.round(ratio).astype(np.int64)
        misfit = np.abs(tiling @ lead.periods - self.periods).max() / np.linalg.norm(self.periods[0])
        if misfit > _STRAIN_TOLERANCE or np.linalg.det(tiling) < 0.5:
            raise InputError(
                f"{self.name}: the periods are {np.round(ratio, 6).tolist()} times those of the {side} lead "
                f"{lead.name}, wanted integers of a positive determinant: strain the lead to fit (misfit {misfit:.1e})"
            )
        return tiling

    def tiles(self, side: Side) -> IntArray:
        """(M, 2) cells of the lead in one of the junction; atom i of cell j is atom j n + i of the layer."""
        return supercell_cells(self.tiling(side))

    def unfold(self, k: ArrayLike, side: Side) -> tuple[Array, AnyComplexArray]:
        r"""Wave vectors of the lead that are one wave vector of the junction.

        Parameters
        ----------
        k : (nk, 2) fractions of the reciprocal vectors of the junction

        Returns
        -------
        k : (nk, M, 2) fractions of the reciprocal vectors of the lead
        waves : (nk, M, M) $e^{2\pi i k_b\cdot r_a}/\sqrt M$ on the cells $r_a$ of `tiles`, a unitary matrix
        """
        tiling = self.tiling(side)
        folded = supercell_cells(tiling.T)  # reciprocal lattice vectors of the junction that differ by none of the lead
        inside = (wavevector_fractions(k)[:, None, :] + folded) @ np.linalg.inv(tiling).T
        phase = np.einsum("kbx,ax->kab", inside, self.tiles(side).astype(float))
        return inside, np.exp(2j * np.pi * phase) / np.sqrt(len(folded))

    def blocks(self, k: ArrayLike) -> "JunctionBlocks":
        """Mass-weighted blocks of the device at in-plane wave vectors (nk, 2), fractions of `reciprocal`."""
        weights = [inverse_root_masses(slab.masses, slab.onsite.shape[-1] // slab.masses.size) for slab in self.device]
        onsite: list[AnyComplexArray] = []
        hop: list[AnyComplexArray] = []
        for slab, own, following in zip(self.device, weights, [*weights[1:], None], strict=True):
            here = fourier_blocks(slab.shifts, slab.onsite, k, own, own)
            onsite.append((here + here.conj().swapaxes(1, 2)) / 2)
            if slab.hop is not None and following is not None:
                hop.append(fourier_blocks(slab.shifts, slab.hop, k, own, following))
        return JunctionBlocks(tuple(onsite), tuple(hop))

    @property
    def violation(self) -> float:
        """Largest violation of the acoustic sum rule in the device, over the largest force constant."""
        scale = largest_constant(*(slab.onsite for slab in self.device))
        return max(float(np.abs(row).max()) for row in self.imbalance) / scale

    @cached_property
    def imbalance(self) -> tuple[Array, ...]:
        """Force on each atom of each layer in a rigid shift of all, over the shift, (f, d) each, N m⁻¹."""
        return force_imbalance(self.device, self.left, self.right)


def pack_junction(junction: Junction) -> UnitResult:
    """Return a junction as the result of a unit of work: each attribute by the place of its layer and its name."""
    tree = asdict(junction)
    parts = {"": tree, "left": tree.pop("left"), "right": tree.pop("right"), **dict(enumerate(tree.pop("device")))}
    return {
        f"{place}.{name}": np.array(value, dtype=str if name == "symbols" else None)
        for place, part in parts.items() for name, value in part.items() if value is not None
    }  # fmt: skip


def unpack_junction(arrays: UnitResult) -> Junction:
    """Return the junction that is the result of a unit of work."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in arrays.items():
        place, name = key.split(".")
        parts[place][name] = value.item() if value.ndim == 0 else tuple(value.tolist()) if name == "symbols" else value
    device = [JunctionLayer(**parts[str(i)]) for i in range(len(parts) - 3)]
    return Junction(**parts[""], left=Lead(**parts["left"]), right=Lead(**parts["right"]), device=device)


@frozen(eq=False)
class JunctionBlocks(BaseRecord):
    """Mass-weighted blocks of the device.

    Examples
    --------
    >>> from kapitza.lattice import junction_from_crystals
    >>> from kapitza.phonons import phonon_crystal
    >>> blocks = junction_from_crystals(phonon_crystal("Si"), phonon_crystal("Ge")).blocks([[0.1, 0.2]])
    >>> print(len(blocks.onsite), "layers of", blocks.onsite[0].shape[1] // 3, "atoms")
    4 layers of 8 atoms
    """

    onsite: tuple[AnyComplexArray, ...] = field(metadata=about("(rad/ps)^2", "(nk, f, f) block of each layer"))
    hop: tuple[AnyComplexArray, ...] = field(metadata=about("(rad/ps)^2", "(nk, f, f') block to the next layer"))


def wavevector_fractions(k: ArrayLike) -> Array:
    """Return in-plane wave vectors as (nk, 2) finite fractions of the reciprocal lattice vectors."""
    array = finite_array(k)
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"expected in-plane wave vectors (nk, 2), fractions of a period, got shape {array.shape}")
    return array


def fourier_blocks(shifts: IntArray, constants: Array, k: ArrayLike, rows: Array, columns: Array) -> AnyComplexArray:
    r"""(nk, f, f') $\sum_R e^{2\pi ik\cdot R}\,\Phi(R)$ times the inverse roots of the masses, (rad/ps)²."""
    angle = 2 * np.pi * (wavevector_fractions(k) @ shifts.T)
    flat = constants.reshape(len(shifts), -1)
    total = (np.cos(angle) @ flat + 1j * (np.sin(angle) @ flat)).reshape(-1, *constants.shape[1:])
    return np.asarray(total * (rows[:, None] * columns), dtype=np.complex128)


def inverse_root_masses(masses: Array, directions: int) -> Array:
    """(f,) inverse roots of the masses of each coordinate, times 1 ps, kg⁻½ ps."""
    return np.repeat(np.sqrt(SQUARE_PICOSECOND / masses), directions)


def reciprocal_periods(periods: Array) -> Array:
    """(2, 3) in-plane reciprocal lattice vectors of two periods (2, 3), with the 2π, rad m⁻¹."""
    return np.asarray(2 * np.pi * np.linalg.pinv(periods).T, dtype=float)


def cell_area(periods: Array) -> float:
    """Area of the cell of two periods (2, 3), m²."""
    return float(np.linalg.norm(np.cross(periods[0], periods[1])))


def supercell_cells(tiling: IntArray) -> IntArray:
    """(M, 2) cells n of a small lattice in one cell of the large one, whose periods are `tiling` @ small periods."""
    reach = np.abs(tiling).sum()
    span = np.arange(-reach, reach + 1)
    mesh = np.array(np.meshgrid(span, span, indexing="ij")).reshape(2, -1).T
    inside = mesh @ np.linalg.inv(tiling)
    return mesh[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)].astype(np.int64)


def row_sums(blocks: Array, directions: int) -> Array:
    """(f, d) sums of the rows of blocks (nR, f, f') over all atoms j and all R."""
    total = blocks.sum(axis=0)
    return np.asarray(total.reshape(total.shape[0], -1, directions).sum(axis=1), dtype=float)


def largest_constant(*blocks: Array) -> float:
    """Largest force constant, N m⁻¹."""
    return max(float(np.abs(block).max(initial=0.0)) for block in blocks)


def force_imbalance(device: tuple[JunctionLayer, ...], left: Lead, right: Lead) -> tuple[Array, ...]:
    """Force on each atom of each layer in a rigid shift of all, over the shift, (f, d) each, N m⁻¹."""
    d = left.directions
    before = row_sums(left.hop.swapaxes(1, 2), d)
    after = row_sums(right.hop, d)
    rows: list[Array] = []
    for i, slab in enumerate(device):
        own = row_sums(slab.onsite, d)
        previous = None if i == 0 else device[i - 1].hop
        # rows of one cell of a lead are repeated to those of a layer; rows that do not fit are refused elsewhere
        own = own + (np.resize(before, own.shape) if previous is None else row_sums(previous.swapaxes(1, 2), d))
        rows.append(own + (np.resize(after, own.shape) if slab.hop is None else row_sums(slab.hop, d)))
    return tuple(rows)


def _check_layer(what: str, masses: Array, shifts: IntArray, onsite: Array, hop: Array | None, columns: int) -> None:
    if not (masses.max() < _HEAVIEST_ATOM and masses.min() > _LIGHTEST_ATOM):
        raise InputError(f"{what}: masses {masses.min():g} to {masses.max():g}, wanted kg (u? multiply by 1.66e-27)")
    count, size = len(shifts), onsite.shape[-1]
    if shifts.shape != (count, 2) or onsite.shape != (count, size, size) or size not in (masses.size, 3 * masses.size):
        raise InputError(
            f"{what}: shifts {shifts.shape} and onsite {onsite.shape} for {masses.size} atoms, "
            f"wanted (nR, 2) and (nR, {3 * masses.size}, {3 * masses.size})"
        )
    if hop is not None and (hop.shape != (count, size, columns) or not np.isfinite(hop).all()):
        raise InputError(f"{what}: hop of shape {hop.shape}, wanted finite {(count, size, columns)}")
    if len(np.unique(shifts, axis=0)) != count:
        raise InputError(f"{what}: {count} shifts, of which only {len(np.unique(shifts, axis=0))} differ")
    check_symmetric(what, shifts, onsite)


def check_symmetric(what: str, cells: IntArray, blocks: Array) -> None:
    """Refuse force constants (nR, f, f) that differ from those of the mirrored pairs; a missing one counts as 0."""
    place = {cell: i for i, cell in enumerate(map(tuple, cells.tolist()))}
    partner = np.array([place.get(cell, -1) for cell in map(tuple, (-cells).tolist())])
    mirrored = np.where((partner < 0)[:, None, None], 0.0, blocks[partner]).swapaxes(1, 2)
    worst, largest = largest_constant(blocks - mirrored), largest_constant(blocks)
    if worst > _SYMMETRY_TOLERANCE * largest:
        raise InputError(
            f"{what}: force constants differ from those of the mirrored pair by {worst:.3g} N/m (largest "
            f"{largest:.3g}); Φ(-R) = Φ(R)ᵀ must hold: symmetrise them"
        )


def _check_range(what: str, onsite: AnyComplexArray) -> None:
    """Refuse a layer (nk, f, f) in (rad/ps)² whose frequencies are no crystal's: most likely a matter of units."""
    top = float(np.sqrt(np.abs(np.diagonal(onsite, axis1=1, axis2=2)).max() / SQUARE_PICOSECOND))
    if not _LOWEST_FREQUENCY < top < _HIGHEST_FREQUENCY:
        raise InputError(
            f"{what}: atoms vibrate at {top:.3g} rad/s, wanted {_LOWEST_FREQUENCY:g} to {_HIGHEST_FREQUENCY:g}: give "
            "force constants in N/m (eV/Å² times 16.02) and masses in kg"
        )


def _check_sum_rule(what: str, violation: float) -> None:
    if not violation <= _SUM_RULE_TOLERANCE:
        raise InputError(
            f"{what}: the acoustic sum rule is broken by {violation:.2e} of the largest force constant "
            f"(at most {_SUM_RULE_TOLERANCE:g}): sound could not pass.",
            hint=Hint(
                python="Enforce it, as lead_from_force_constants does", command="Enforce it in the program that made it"
            ),
        )
