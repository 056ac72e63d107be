r"""The device between two leads: Green's functions from end to end, layer by layer, at a cost linear in its length.

With the self-energies of both leads the Green's function of the device is $G = (\omega^2 - D - \Sigma_L -
\Sigma_R)^{-1}$.  Only its four corners seen from the leads are kept, $B_L^\dagger G_{11}B_L$, $A_R^\dagger G_{N1}B_L$,
$B_L^\dagger G_{1N}A_R$ and $A_R^\dagger G_{NN}A_R$, in terms of the factors of the couplings of either lead.

References
----------
C. Caroli, R. Combescot, P. Nozières, D. Saint-James, J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018
N. Mingo and L. Yang, Phys. Rev. B 68, 245406 (2003), doi:10.1103/PhysRevB.68.245406
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array
from kapitza.core.transmission import Side
from kapitza.matter.junction import PS2, Blocks, Complex, Junction
from kapitza.theory.agf.leads import Fold, Layers, Waves, dagger, fold, layers, surface_waves

EXCESS = 1e-6  # of a mode: transmission above the number of modes that is put down to rounding


@frozen(eq=False)
class Prepared:
    """A junction with what is the same at all wave vectors: the ranks of the couplings of its leads."""

    junction: Junction
    left: Fold
    right: Fold

    def fold(self, side: Side) -> Fold:
        """Rank of the coupling of one side."""
        return self.left if side == "left" else self.right


@frozen(eq=False)
class Contact:
    r"""A lead as the device sees it, at nk wave vectors of the junction.

    Attributes
    ----------
    layers : blocks of the lead, (nk M, ...) for the M wave vectors of the lead that are one of the junction
    k : (nk, M, 2) these wave vectors, fractions of the reciprocal vectors of the lead
    port : (nk, F, M r) factor of the coupling on the outermost layer of the device: B of a left lead, A of a right one
    """

    layers: Layers
    k: Array
    port: Complex

    @property
    def copies(self) -> int:
        """Wave vectors M of the lead that are one of the junction."""
        return self.k.shape[1]


@frozen(eq=False)
class Corners:
    """Green's functions of the device seen from the leads: (b, r, r') from the second index to the first, ps²/rad²."""

    left_left: Complex
    right_left: Complex
    left_right: Complex
    right_right: Complex


def prepared(junction: Junction) -> Prepared:
    """Find the ranks of the couplings of both leads."""
    return Prepared(junction, fold(junction.left), fold(junction.right))


def contact(what: Prepared, k: ArrayLike, side: Side) -> Contact:
    """Blocks of a lead at the wave vectors that make up those of the junction, (nk, 2), and its port."""
    inside, waves = what.junction.unfolded(k, side)
    count, copies = inside.shape[:2]
    found = layers(what.junction.lead(side), inside.reshape(-1, 2), what.fold(side))
    factor = found.b if side == "left" else found.a
    if copies == 1:
        return Contact(found, inside, factor)
    split = factor.reshape(count, copies, *factor.shape[1:])
    port = np.einsum("kab,kbir->kaibr", waves, split).reshape(count, copies * split.shape[2], -1)
    return Contact(found, inside, port)


def waves_of(at: Contact, index: NDArray[np.intp], omega: Array) -> Waves:
    """Waves of a lead at points of wave vector `index` and frequency `omega`, M of them in a row for each point."""
    rows = (index[:, None] * at.copies + np.arange(at.copies)).ravel()
    return surface_waves(at.layers.at(rows), np.repeat(omega, at.copies))


def joined(sigma: Complex, copies: int) -> Complex:
    """Make the self-energies (b M, r, r) of unfolded wave vectors one block-diagonal matrix (b, M r, M r) each."""
    if copies == 1:
        return sigma
    b, r = len(sigma) // copies, sigma.shape[1]
    whole = np.zeros((b, copies, r, copies, r), dtype=np.complex128)
    each = np.arange(copies)
    whole[:, each, :, each, :] = sigma.reshape(b, copies, r, r).swapaxes(0, 1)
    return whole.reshape(b, copies * r, copies * r)


def corners(
    blocks: Blocks,
    index: NDArray[np.intp],
    omega: Array,
    ports: tuple[Complex, Complex],
    sigma: tuple[Complex, Complex],
) -> Corners:
    """Solve the device from the left to the right.

    Parameters
    ----------
    blocks : of the device at nk wave vectors
    index : (b,) wave vector of each point
    omega : (b,) frequency of each point, rad s⁻¹
    ports : factors of the couplings of the left and the right lead, (b, F, R)
    sigma : (b, R, R) self-energies of the left and the right lead in terms of these
    """
    energy = omega**2 * PS2
    first, last = ports
    here = inside(blocks.onsite[0][index], energy) - first @ sigma[0] @ dagger(first)
    end = len(blocks.hop)
    if end == 0:
        here -= last @ sigma[1] @ dagger(last)
    green: Complex = np.linalg.inv(here)
    forth, back = green @ first, dagger(first) @ green  # from the left port to this layer, and the other way
    own = dagger(first) @ forth
    for i, coupling in enumerate(blocks.hop, 1):
        hop = coupling[index]
        here = inside(blocks.onsite[i][index], energy) - dagger(hop) @ green @ hop
        if i == end:
            here -= last @ sigma[1] @ dagger(last)
        green = np.linalg.inv(here)
        out, into = dagger(hop) @ forth, back @ hop
        forth, back = green @ out, into @ green
        own = own + into @ forth
    return Corners(own, dagger(last) @ forth, back @ last, dagger(last) @ green @ last)


def across(
    blocks: Blocks,
    index: NDArray[np.intp],
    omega: Array,
    ports: tuple[Complex, Complex],
    sigma: tuple[Complex, Complex],
) -> Complex:
    """Only the corner from the left to the right lead of `corners`, (b, R', R), at half the cost."""
    energy = omega**2 * PS2
    first, last = ports
    here = inside(blocks.onsite[0][index], energy) - first @ sigma[0] @ dagger(first)
    source = first
    for onsite, coupling in zip(blocks.onsite[1:], blocks.hop, strict=True):
        hop = coupling[index]
        pushed = dagger(hop) @ np.linalg.solve(here, np.concatenate([hop, source], axis=2))
        own, source = pushed[:, :, : hop.shape[2]], pushed[:, :, hop.shape[2] :]
        here = inside(onsite[index], energy) - own
    here -= last @ sigma[1] @ dagger(last)
    return dagger(last) @ np.linalg.solve(here, source)


def inside(onsite: Complex, energy: Array) -> Complex:
    """Return the energy minus the block of a layer, (b, f, f)."""
    matrix = -onsite
    diagonal = np.arange(onsite.shape[-1])
    matrix[:, diagonal, diagonal] += energy[:, None]
    return matrix


def broadening(sigma: Complex) -> Complex:
    r"""$\gamma = i(\sigma - \sigma^\dagger)$."""
    return 1j * (sigma - dagger(sigma))


def caroli(gamma_left: Complex, gamma_right: Complex, green: Complex) -> Array:
    r"""Number of modes that cross, $\mathrm{Tr}[\Gamma_R G_{RL}\Gamma_L G_{RL}^\dagger]$.

    Parameters
    ----------
    gamma_left : (b, r, r) $i(\Sigma - \Sigma^\dagger)$ of the left lead
    gamma_right : (b, r', r') of the right lead
    green : (b, r', r) Green's function from the left lead to the right one

    References
    ----------
    C. Caroli et al., J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018
    """
    return np.einsum("bij,bij->b", gamma_right @ green @ gamma_left, green.conj()).real


@frozen(eq=False)
class Solved:
    """Waves of both leads and the device between them at b points; lead waves have M rows for each point."""

    contacts: tuple[Contact, Contact]
    waves: tuple[Waves, Waves]
    sigma: tuple[Complex, Complex]
    corners: Corners

    @property
    def counts(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(b,) open channels of either side."""
        left, right = (
            w.count.reshape(-1, c.copies).sum(axis=1) for w, c in zip(self.waves, self.contacts, strict=True)
        )
        return left, right

    @property
    def transmission(self) -> Array:
        """(b,) modes that cross, by Caroli's formula."""
        return caroli(broadening(self.sigma[0]), broadening(self.sigma[1]), self.corners.right_left)


def solve(what: Prepared, k: Array, index: NDArray[np.intp], omega: Array) -> Solved:
    """Solve a junction at points of wave vector k[index] (b,) and frequency omega (b,), rad s⁻¹."""
    sides = contact(what, k, "left"), contact(what, k, "right")
    return solve_at(sides, what.junction.blocks(k), index, omega)


def crossed(
    sides: tuple[Contact, Contact], blocks: Blocks, index: NDArray[np.intp], omega: Array
) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
    """Modes that cross, and open channels of either side, (b,) each, at points whose blocks are at hand."""
    waves = waves_of(sides[0], index, omega), waves_of(sides[1], index, omega)
    sigma = joined(waves[0].left, sides[0].copies), joined(waves[1].right, sides[1].copies)
    green = across(blocks, index, omega, (sides[0].port[index], sides[1].port[index]), sigma)
    left, right = (w.count.reshape(-1, c.copies).sum(axis=1) for w, c in zip(waves, sides, strict=True))
    return caroli(broadening(sigma[0]), broadening(sigma[1]), green), left, right


def solve_at(sides: tuple[Contact, Contact], blocks: Blocks, index: NDArray[np.intp], omega: Array) -> Solved:
    """Solve at points whose blocks are at hand."""
    waves = waves_of(sides[0], index, omega), waves_of(sides[1], index, omega)
    sigma = joined(waves[0].left, sides[0].copies), joined(waves[1].right, sides[1].copies)
    found = corners(blocks, index, omega, (sides[0].port[index], sides[1].port[index]), sigma)
    return Solved(sides, waves, sigma, found)
