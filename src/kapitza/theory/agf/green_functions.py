r"""Green's functions of the device between two leads, layer by layer, at a cost linear in its length.

$G = (\omega^2 - D - \Sigma_L - \Sigma_R)^{-1}$ is kept as its corners seen from the leads, in terms of the factors of
their couplings, or as diagonal blocks $G_{ii} = (\omega^2 - D_{ii} - \Sigma_i^< - \Sigma_i^>)^{-1}$ from two sweeps.
On the real axis the leads enter by their waves, without broadening; off it, at $\omega + i\gamma$, by decimation.

References
----------
C. Caroli, R. Combescot, P. Nozières, D. Saint-James, J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018
N. Mingo and L. Yang, Phys. Rev. B 68, 245406 (2003), doi:10.1103/PhysRevB.68.245406
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import AnyComplexArray, Array, IndexArray, check_record
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks
from kapitza.matter.plausibility import check_junction_values
from kapitza.theory.agf import leads
from kapitza.theory.agf.leads import CouplingBasis, LeadLayers, LeadWaves, dagger


@frozen(eq=False)
class PreparedJunction(BaseRecord):
    """A junction with what is the same at all wave vectors: the ranks of the couplings of its leads."""

    junction: Junction
    left: CouplingBasis
    right: CouplingBasis


@frozen(eq=False)
class LeadContact(BaseRecord):
    r"""A lead as the device sees it, at nk wave vectors of the junction."""

    # blocks of the lead, (nk M, ...) for the M wave vectors of the lead that are one of the junction
    layers: LeadLayers
    k: Array  # (nk, M, 2) these wave vectors, fractions of the reciprocal vectors of the lead
    # (nk, F, M r) factor of the coupling on the outermost layer of the device: B of a left lead, A of a right one
    port: AnyComplexArray

    @property
    def copies(self) -> int:
        """Wave vectors M of the lead that are one of the junction."""
        return self.k.shape[1]

    def rows(self, index: IndexArray) -> IndexArray:
        """(b M,) blocks of the lead for points of wave vector `index` (b,), M in a row for each point."""
        return (index[:, None] * self.copies + np.arange(self.copies)).ravel()


# Green's functions (b, r', r) of the device by the side where they start, and that where they stop, ps²/rad²
CornerBlocks = tuple[tuple[AnyComplexArray, AnyComplexArray], tuple[AnyComplexArray, AnyComplexArray]]


def check_junction(junction: object) -> None:
    """Refuse what is not a junction, such as the path of one."""
    check_record(
        junction, Junction, python="build one by kapitza.junction(left, right, forces), or kapitza.read(path) a file"
    )


def prepare_junction(junction: Junction) -> PreparedJunction:
    """Find the ranks of the couplings of both leads."""
    check_junction(junction)
    if not (junction.left.model and junction.right.model):
        check_junction_values(junction)
    return PreparedJunction(junction, leads.coupling_basis(junction.left), leads.coupling_basis(junction.right))


def lead_contact(prepared: PreparedJunction, k: ArrayLike, side: Side) -> LeadContact:
    """Blocks of a lead at the wave vectors that make up those of the junction, (nk, 2), and its port."""
    inside, waves = prepared.junction.unfold(k, side)
    count, copies = inside.shape[:2]
    layers = leads.lead_layers(prepared.junction.lead(side), inside.reshape(-1, 2), getattr(prepared, side))
    factor = layers.b if side == "left" else layers.a
    if copies == 1:
        return LeadContact(layers, inside, factor)
    split = factor.reshape(count, copies, *factor.shape[1:])
    port = np.einsum("kab,kbir->kaibr", waves, split).reshape(count, copies * split.shape[2], -1)
    return LeadContact(layers, inside, port)


def lead_contacts(prepared: PreparedJunction, k: ArrayLike) -> tuple[LeadContact, LeadContact]:
    """Both leads, as `lead_contact`."""
    return lead_contact(prepared, k, "left"), lead_contact(prepared, k, "right")


def contact_waves(at: LeadContact, index: NDArray[np.intp], omega: Array) -> LeadWaves:
    """Waves of a lead at points of wave vector `index` and frequency `omega`, M of them in a row for each point."""
    with np.errstate(invalid="ignore"):  # waves that do not leave a layer have a factor that is infinite, or NaN
        return leads.solve_lead_waves(at.layers.at(at.rows(index)), np.repeat(omega, at.copies))


def block_diagonal(sigma: AnyComplexArray, copies: int) -> AnyComplexArray:
    """Make the self-energies (b M, r, r) of unfolded wave vectors one block-diagonal matrix (b, M r, M r) each."""
    if copies == 1:
        return sigma
    b, r = len(sigma) // copies, sigma.shape[1]
    matrix = np.zeros((b, copies, r, copies, r), dtype=np.complex128)
    each = np.arange(copies)
    matrix[:, each, :, each, :] = sigma.reshape(b, copies, r, r).swapaxes(0, 1)
    return matrix.reshape(b, copies * r, copies * r)


def layered_matrix(onsite: Sequence[AnyComplexArray], hop: Sequence[AnyComplexArray]) -> AnyComplexArray:
    """(..., F, F) Hermitian matrix of layers with these blocks (..., f, f), and (..., f, f') to the next one."""
    bounds = np.cumsum([0, *(block.shape[-1] for block in onsite)])
    parts = [slice(start, stop) for start, stop in pairwise(bounds)]
    matrix = np.zeros((*onsite[0].shape[:-2], bounds[-1], bounds[-1]), dtype=np.complex128)
    for here, block in zip(parts, onsite, strict=True):
        matrix[..., here, here] = block
    for here, after, block in zip(parts[:-1], parts[1:], hop, strict=True):
        matrix[..., here, after], matrix[..., after, here] = block, dagger(block)
    return matrix


def _corner_blocks(
    blocks: JunctionBlocks,
    index: NDArray[np.intp],
    omega: Array,
    ports: tuple[AnyComplexArray, AnyComplexArray],
    sigma: tuple[AnyComplexArray, AnyComplexArray],
) -> CornerBlocks:
    """Solve the device from the left to the right at b points of wave vector `index` and frequency omega, rad s⁻¹.

    `ports` are the factors (b, F, R) of the couplings of both leads, `sigma` (b, R, R) their self-energies in terms of
    these.
    """
    energy = omega**2 * SQUARE_PICOSECOND
    first, last = ports
    here = inverse_layer(blocks.onsite[0][index], energy) - first @ sigma[0] @ dagger(first)
    end = len(blocks.hop)
    if end == 0:  # a device of one layer feels both leads
        here -= last @ sigma[1] @ dagger(last)
    green: AnyComplexArray = np.linalg.inv(here)
    forth, back = green @ first, dagger(first) @ green  # from the left port to this layer, and the other way
    corner = dagger(first) @ forth
    # only the blocks between the ports and the current layer are kept: the cost is linear in the length
    for i, coupling in enumerate(blocks.hop, 1):
        hop = coupling[index]
        here = inverse_layer(blocks.onsite[i][index], energy) - dagger(hop) @ green @ hop  # eliminated layers: Σ
        if i == end:
            here -= last @ sigma[1] @ dagger(last)
        green = np.linalg.inv(here)
        out, into = dagger(hop) @ forth, back @ hop
        forth, back = green @ out, into @ green
        corner = corner + into @ forth  # Dyson's equation: paths through the new layer and back to the left port
    return (corner, dagger(last) @ forth), (back @ last, dagger(last) @ green @ last)


def transmitted_block(xp: Any, layers: Iterable[Any], hops: Iterable[Any], ports: Any, sigma: Any) -> Any:
    """(b, R', R) Green's function from the left to the right lead: one corner of `_corner_blocks`, at half the cost.

    `xp` is a module with NumPy's functions, `layers` the energy minus the block of each layer, `hops` the couplings of
    neighbours, (b, f, f') each; the rest as there.
    """
    first, last = ports
    inverse = iter(layers)
    here = next(inverse) - first @ sigma[0] @ dagger(first)
    source = first + 0 * here[:, :, :1]  # concatenation does not broadcast: one copy for each point
    for layer, hop in zip(inverse, hops, strict=True):
        pushed = dagger(hop) @ xp.linalg.solve(here, xp.concatenate([hop, source], axis=2))  # one LU for both
        here, source = layer - pushed[:, :, : hop.shape[2]], pushed[:, :, hop.shape[2] :]
    return dagger(last) @ xp.linalg.solve(here - last @ sigma[1] @ dagger(last), source)


def inverse_layer(onsite: AnyComplexArray, energy: Array) -> AnyComplexArray:
    """Return the energy minus the block of a layer, (b, f, f)."""
    matrix = -onsite
    diagonal = np.arange(onsite.shape[-1])
    matrix[:, diagonal, diagonal] += energy[:, None]
    return matrix


def level_broadening(sigma: AnyComplexArray) -> AnyComplexArray:
    r"""$\gamma = i(\sigma - \sigma^\dagger)$."""
    return 1j * (sigma - dagger(sigma))


def caroli_transmission(gamma_left: AnyComplexArray, gamma_right: AnyComplexArray, green: AnyComplexArray) -> Array:
    r"""(b,) modes $\mathrm{Tr}[\Gamma_R G_{RL}\Gamma_L G_{RL}^\dagger]$, $\Gamma = i(\Sigma - \Sigma^\dagger)$.

    C. Caroli et al., J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018
    """
    return np.einsum("bij,bij->b", gamma_right @ green @ gamma_left, green.conj()).real


@frozen(eq=False)
class SolvedPoints(BaseRecord):
    """Waves of both leads and the device between them at b points; lead waves have M rows for each point."""

    contacts: tuple[LeadContact, LeadContact]
    waves: tuple[LeadWaves, LeadWaves]
    sigma: tuple[AnyComplexArray, AnyComplexArray]
    corners: CornerBlocks

    @property
    def counts(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(b,) open channels of either side."""
        return _open_channels(self.waves[0], self.contacts[0]), _open_channels(self.waves[1], self.contacts[1])

    @property
    def transmission(self) -> Array:
        """(b,) modes that cross, by Caroli's formula."""
        return caroli_transmission(level_broadening(self.sigma[0]), level_broadening(self.sigma[1]), self.corners[0][1])


def solve_junction(prepared: PreparedJunction, k: Array, index: NDArray[np.intp], omega: Array) -> SolvedPoints:
    """Solve a junction at points of wave vector k[index] (b,) and frequency omega (b,), rad s⁻¹."""
    sides = lead_contacts(prepared, k)
    waves, sigma = _lead_self_energies(sides, index, omega)
    ports = sides[0].port[index], sides[1].port[index]
    return SolvedPoints(sides, waves, sigma, _corner_blocks(prepared.junction.blocks(k), index, omega, ports, sigma))


def crossing_modes(
    sides: tuple[LeadContact, LeadContact], blocks: JunctionBlocks, index: NDArray[np.intp], omega: Array
) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
    """Modes that cross, and open channels of either side, (b,) each, at points whose blocks are at hand."""
    waves, sigma = _lead_self_energies(sides, index, omega)
    energy = omega**2 * SQUARE_PICOSECOND
    layers = (inverse_layer(onsite[index], energy) for onsite in blocks.onsite)
    ports = sides[0].port[index], sides[1].port[index]
    green = transmitted_block(np, layers, (hop[index] for hop in blocks.hop), ports, sigma)
    crossing = caroli_transmission(level_broadening(sigma[0]), level_broadening(sigma[1]), green)
    return crossing, _open_channels(waves[0], sides[0]), _open_channels(waves[1], sides[1])


def _lead_self_energies(
    sides: tuple[LeadContact, LeadContact], index: NDArray[np.intp], omega: Array
) -> tuple[tuple[LeadWaves, LeadWaves], tuple[AnyComplexArray, AnyComplexArray]]:
    """Waves of both leads, and their self-energies (b, R, R) in terms of the factors of the couplings."""
    left, right = (contact_waves(side, index, omega) for side in sides)
    return (left, right), (block_diagonal(left.left, sides[0].copies), block_diagonal(right.right, sides[1].copies))


def _open_channels(waves: LeadWaves, side: LeadContact) -> NDArray[np.intp]:
    return waves.count.reshape(-1, side.copies).sum(axis=1)


@frozen(eq=False)
class DevicePoints(BaseRecord):
    """A junction at b points of wave vector k[index] and complex frequency, ready to be solved."""

    energy: AnyComplexArray  # (b,) square of the frequency, (rad/ps)²
    # onsite, hop: blocks of the device, (b, f, f) and (b, f, f')
    onsite: tuple[AnyComplexArray, ...]
    hop: tuple[AnyComplexArray, ...]
    # (b, F, F) self-energies of the left and the right lead on the outermost layers
    sigma: tuple[AnyComplexArray, AnyComplexArray]
    # (b, f) diagonals of the Green's functions of both crystals without an interface, ps²
    bulk: tuple[AnyComplexArray, AnyComplexArray]

    @property
    def gamma(self) -> tuple[AnyComplexArray, AnyComplexArray]:
        r"""$i(\Sigma - \Sigma^\dagger)$ of either lead."""
        return level_broadening(self.sigma[0]), level_broadening(self.sigma[1])


@frozen(eq=False)
class LayerSweeps(BaseRecord):
    """Solved layers: the whole Green's function within each, and that of all to its left alone."""

    inside: tuple[AnyComplexArray, ...]
    from_left: tuple[AnyComplexArray, ...]


def device_points(
    prepared: PreparedJunction, k: Array, index: IndexArray, omega: Array, width: float = 0.0
) -> DevicePoints:
    """Blocks and self-energies at b points of wave vector k[index] and complex frequency omega + i width, rad s⁻¹."""
    blocks: JunctionBlocks = prepared.junction.blocks(k)
    ends = [_lead_end(prepared, k, index, omega, width, side) for side in INTERFACE_SIDES]
    energy = np.square((omega + 1j * width) * np.sqrt(SQUARE_PICOSECOND))
    return DevicePoints(
        energy,
        tuple(one[index] for one in blocks.onsite),
        tuple(one[index] for one in blocks.hop),
        (ends[0][0], ends[1][0]),
        (ends[0][1], ends[1][1]),
    )


def _lead_end(
    prepared: PreparedJunction, k: Array, index: IndexArray, omega: Array, width: float, side: Side
) -> tuple[AnyComplexArray, AnyComplexArray]:
    """(b, F, F) self-energy of a lead on the device, and (b, f) diagonal of its own Green's function."""
    at = lead_contact(prepared, k, side)
    layers = at.layers.at(at.rows(index))
    energy = np.repeat(np.square((omega + 1j * width) * np.sqrt(SQUARE_PICOSECOND)), at.copies)
    if width == 0:
        waves = contact_waves(at, index, omega)
        left, right = layers.b @ waves.left @ dagger(layers.b), layers.a @ waves.right @ dagger(layers.a)
        sigma = port_self_energy(at, waves, index, side)
    else:
        right = leads.decimation_self_energy(layers.onsite, layers.hop, energy)
        left = leads.decimation_self_energy(layers.onsite, dagger(layers.hop), energy)
        turn = prepared.junction.unfold(k, side)[1][index]
        sigma = _to_junction_coordinates(turn, left if side == "left" else right)
    # a layer between two half crystals: the bulk
    green = np.linalg.inv(energy[:, None, None] * np.eye(left.shape[-1]) - (layers.onsite + left + right))
    diagonal = np.diagonal(green, axis1=1, axis2=2)
    return sigma, diagonal.reshape(-1, at.copies, diagonal.shape[1]).mean(axis=1)


def port_self_energy(at: LeadContact, waves: LeadWaves, index: IndexArray, side: Side) -> AnyComplexArray:
    """(b, F, F) self-energy of a lead on the device, from its waves at points of wave vector `index` (b,)."""
    port = at.port[index]
    return port @ block_diagonal(waves.left if side == "left" else waves.right, at.copies) @ dagger(port)


def _to_junction_coordinates(waves: AnyComplexArray, blocks: AnyComplexArray) -> AnyComplexArray:
    """(b, M f, M f) blocks (b M, f, f) of unfolded wave vectors in the coordinates of the junction."""
    b, m = waves.shape[:2]
    if m == 1:
        return blocks
    size = blocks.shape[-1]
    split = blocks.reshape(b, m, size, size)
    return np.einsum("kab,kbij,kcb->kaicj", waves, split, waves.conj()).reshape(b, m * size, m * size)


def lead_blocks(junction: Junction, k: ArrayLike, side: Side) -> tuple[AnyComplexArray, AnyComplexArray]:
    """Blocks of a lead with the periods of the junction, (nk, F, F) each, (rad/ps)²."""
    inside, waves = junction.unfold(k, side)
    onsite, hop = junction.lead(side).blocks(inside.reshape(-1, 2))
    return _to_junction_coordinates(waves, onsite), _to_junction_coordinates(waves, hop)


def sweep_layers(at: DevicePoints) -> LayerSweeps:
    """Solve all layers from both sides."""
    last = len(at.onsite) - 1
    here = [at.energy[:, None, None] * np.eye(one.shape[-1]) - one for one in at.onsite]
    behind, ahead = [at.sigma[0]], [at.sigma[1]]
    from_left: list[AnyComplexArray] = []
    for i in range(last):
        from_left.append(np.linalg.inv(here[i] - behind[i]))
        behind.append(dagger(at.hop[i]) @ from_left[i] @ at.hop[i])
    for i in range(last, 0, -1):
        alone = np.linalg.inv(here[i] - ahead[-1])
        ahead.append(at.hop[i - 1] @ alone @ dagger(at.hop[i - 1]))
    ahead.reverse()  # the sweep from the right began at the last layer
    inside = [np.linalg.inv(one - left - right) for one, left, right in zip(here, behind, ahead, strict=True)]
    return LayerSweeps(tuple(inside), tuple(from_left))


def atom_densities(density: Array, directions: int) -> Array:
    """(b, n) means over the directions of each atom, of densities (b, f) of coordinates."""
    return density.reshape(len(density), -1, directions).mean(axis=2)


def local_densities(at: DevicePoints, found: LayerSweeps, omega: Array, width: float) -> tuple[Array, Array, Array]:
    r"""Local densities of states $-\frac1\pi\,\mathrm{Im}\,2zG_{ii}(z^2)$ at $z = \omega + i\gamma$, s rad⁻¹.

    Of all coordinates of the device (b, F), and of both crystals without an interface (b, f).
    """
    z = omega + 1j * width  # dE = 2z dz takes the density from ω² to ω
    diagonal = np.concatenate([np.diagonal(one, axis1=1, axis2=2) for one in found.inside], axis=1)
    device, left, right = (
        -2 / np.pi * (z[:, None] * SQUARE_PICOSECOND * one).imag for one in (diagonal, at.bulk[0], at.bulk[1])
    )
    return device, left, right
