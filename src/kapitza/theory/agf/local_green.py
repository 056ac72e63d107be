r"""Green's functions inside of the device: the diagonal blocks, and what comes in from either lead.

Two sweeps, from the left and from the right, give the self-energy of all that is on either side of a layer; with both,
$G_{ii} = (\omega^2 - D_{ii} - \Sigma_i^< - \Sigma_i^>)^{-1}$.  The cost is linear in the length of the device.  On the
real axis the leads enter by their waves, without broadening; off it, at $\omega + i\gamma$, by decimation.
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array
from kapitza.core.modal import SIDES
from kapitza.core.transmission import Side
from kapitza.matter.junction import PS2, Blocks, Complex, Junction
from kapitza.theory.agf.device import Contact, Prepared, contact, joined, waves_of
from kapitza.theory.agf.leads import Waves, dagger, decimation

Counts = NDArray[np.intp]


@frozen(eq=False)
class Points:
    """A junction at b points of wave vector k[index] and complex frequency, ready to be solved.

    Attributes
    ----------
    energy : (b,) square of the frequency, (rad/ps)²
    onsite, hop : blocks of the device, (b, f, f) and (b, f, f')
    sigma : (b, F, F) self-energies of the left and the right lead on the outermost layers
    bulk : (b, f) diagonals of the Green's functions of both crystals without an interface, ps²
    """

    energy: Complex
    onsite: tuple[Complex, ...]
    hop: tuple[Complex, ...]
    sigma: tuple[Complex, Complex]
    bulk: tuple[Complex, Complex]

    @property
    def gamma(self) -> tuple[Complex, Complex]:
        r"""$i(\Sigma - \Sigma^\dagger)$ of either lead."""
        left, right = (1j * (one - dagger(one)) for one in self.sigma)
        return left, right


@frozen(eq=False)
class Sweeps:
    """Solved layers: the whole Green's function within each, and that of all to its left alone."""

    inside: tuple[Complex, ...]
    from_left: tuple[Complex, ...]


def points(what: Prepared, k: Array, index: Counts, omega: Array, width: float = 0.0) -> Points:
    """Blocks and self-energies at points of wave vector k[index] and frequency omega (b,), rad s⁻¹.

    Parameters
    ----------
    width : imaginary part of the frequency, rad s⁻¹; 0 for the real axis
    """
    blocks: Blocks = what.junction.blocks(k)
    ends = [end(what, k, index, omega, width, side) for side in SIDES]
    energy = np.square((omega + 1j * width) * np.sqrt(PS2))
    return Points(
        energy,
        tuple(one[index] for one in blocks.onsite),
        tuple(one[index] for one in blocks.hop),
        (ends[0][0], ends[1][0]),
        (ends[0][1], ends[1][1]),
    )


def end(what: Prepared, k: Array, index: Counts, omega: Array, width: float, side: Side) -> tuple[Complex, Complex]:
    """(b, F, F) self-energy of a lead on the device, and (b, f) diagonal of its own Green's function."""
    at = contact(what, k, side)
    if width == 0:
        return on_axis(at, index, omega, side)
    rows = (index[:, None] * at.copies + np.arange(at.copies)).ravel()
    onsite, hop = at.layers.onsite[rows], at.layers.hop[rows]
    energy = np.repeat(np.square((omega + 1j * width) * np.sqrt(PS2)), at.copies)
    right, left = decimation(onsite, hop, energy), decimation(onsite, dagger(hop), energy)
    own = inverse_diagonal(energy, onsite + left + right, at.copies)
    found = left if side == "left" else right
    return rotated(what.junction.unfolded(k, side)[1][index], found), own


def on_axis(at: Contact, index: Counts, omega: Array, side: Side) -> tuple[Complex, Complex]:
    """The same on the real axis, by the waves of the lead."""
    waves = lead_waves(at, index, omega)
    rows = (index[:, None] * at.copies + np.arange(at.copies)).ravel()
    own = at.layers.at(rows)
    left, right = own.b @ waves.left @ dagger(own.b), own.a @ waves.right @ dagger(own.a)
    bulk = inverse_diagonal(np.repeat(omega**2 * PS2, at.copies) + 0j, own.onsite + left + right, at.copies)
    port = at.port[index]
    sigma = port @ joined(waves.left if side == "left" else waves.right, at.copies) @ dagger(port)
    return sigma, bulk


def lead_waves(at: Contact, index: Counts, omega: Array) -> Waves:
    """Waves of a lead; those that do not leave a layer have a Bloch factor that is infinite, or no number."""
    with np.errstate(invalid="ignore"):
        return waves_of(at, index, omega)


def inverse_diagonal(energy: Complex, matrix: Complex, copies: int) -> Complex:
    """(b, f) diagonals of (energy - matrix)⁻¹, the means of `copies` in a row."""
    found = np.linalg.inv(energy[:, None, None] * np.eye(matrix.shape[-1]) - matrix)
    diagonal = np.diagonal(found, axis1=1, axis2=2)
    return diagonal.reshape(-1, copies, diagonal.shape[1]).mean(axis=1)


def rotated(waves: Complex, blocks: Complex) -> Complex:
    """(b, M f, M f) blocks (b M, f, f) of unfolded wave vectors in the coordinates of the junction."""
    b, m = waves.shape[:2]
    if m == 1:
        return blocks
    size = blocks.shape[-1]
    split = blocks.reshape(b, m, size, size)
    return np.einsum("kab,kbij,kcb->kaicj", waves, split, waves.conj()).reshape(b, m * size, m * size)


def lead_blocks(junction: Junction, k: ArrayLike, side: Side) -> tuple[Complex, Complex]:
    """Blocks of a lead with the periods of the junction, (nk, F, F) each, (rad/ps)²."""
    inside, waves = junction.unfolded(k, side)
    onsite, hop = junction.lead(side).blocks(inside.reshape(-1, 2))
    return rotated(waves, onsite), rotated(waves, hop)


def swept(at: Points) -> Sweeps:
    """Solve all layers from both sides."""
    last = len(at.onsite) - 1
    here = [at.energy[:, None, None] * np.eye(one.shape[-1]) - one for one in at.onsite]
    behind, ahead = [at.sigma[0]], [at.sigma[1]]
    from_left: list[Complex] = []
    for i in range(last):
        from_left.append(np.linalg.inv(here[i] - behind[i]))
        behind.append(dagger(at.hop[i]) @ from_left[i] @ at.hop[i])
    for i in range(last, 0, -1):
        alone = np.linalg.inv(here[i] - ahead[-1])
        ahead.append(at.hop[i - 1] @ alone @ dagger(at.hop[i - 1]))
    ahead.reverse()
    inside = [np.linalg.inv(one - left - right) for one, left, right in zip(here, behind, ahead, strict=True)]
    return Sweeps(tuple(inside), tuple(from_left))


def columns(at: Points, found: Sweeps, factor: Complex) -> list[Complex]:
    """(b, f, r) blocks of G from the first layer to each, times a factor (b, F, r) on the first."""
    first: list[Complex] = [found.inside[0] @ factor]
    moved, whole = factor, first
    for i, hop in enumerate(at.hop):
        moved = dagger(hop) @ found.from_left[i] @ moved
        whole.append(found.inside[i + 1] @ moved)
    return whole


def of_atoms(density: Array, directions: int) -> Array:
    """(b, n) means over the directions of each atom, of densities (b, f) of coordinates."""
    return density.reshape(len(density), -1, directions).mean(axis=2)


def densities(at: Points, found: Sweeps, omega: Array, width: float) -> tuple[Array, Array, Array]:
    r"""Local densities of states $-\frac1\pi\,\mathrm{Im}\,2zG_{ii}(z^2)$ at $z = \omega + i\gamma$, s rad⁻¹.

    Returns
    -------
    of all coordinates of the device (b, F), and of both crystals without an interface (b, f)
    """
    z = omega + 1j * width
    diagonal = np.concatenate([np.diagonal(one, axis1=1, axis2=2) for one in found.inside], axis=1)
    device, left, right = (-2 / np.pi * (z[:, None] * PS2 * one).imag for one in (diagonal, at.bulk[0], at.bulk[1]))
    return device, left, right
