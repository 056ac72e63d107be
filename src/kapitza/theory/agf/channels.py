"""Open waves of a lead by name: wave vector, velocity, polarisation, branch, and which of them are degenerate."""

from itertools import product

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.transmission import Side
from kapitza.matter.junction import PS2, Complex, Lead, fourier, reciprocal, roots
from kapitza.theory.agf.device import Contact
from kapitza.theory.agf.kmesh import bulk
from kapitza.theory.agf.leads import LEVEL, Waves

Counts = NDArray[np.intp]

AROUND = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)))  # reciprocal lattice vectors tried to shorten another


@frozen(eq=False)
class Channels:
    """Open waves of one lead that go in one direction, at one wave vector of the junction and one frequency.

    Attributes
    ----------
    wavevector : (n, 3) in the first Brillouin zone of the lead, rad m⁻¹
    velocity : (n, 3) group velocity, m s⁻¹
    branch : (n,) number of the band, from the lowest frequency of its wave vector
    polarisation : (n, f) mass-weighted displacements of a layer, of norm 1
    fold : (n,) which of the wave vectors of the lead that are one of the junction
    group : (n,) the same number for degenerate waves, whose single amplitudes depend on the choice of a basis
    """

    wavevector: Array
    velocity: Array
    branch: Counts
    polarisation: Complex
    fold: Counts
    group: Counts

    @property
    def angle(self) -> Array:
        """(n,) angle of the group velocity to the normal, 0..π/2, rad."""
        return np.arctan2(np.hypot(self.velocity[:, 0], self.velocity[:, 1]), np.abs(self.velocity[:, 2]))


@frozen(eq=False)
class Amplitudes:
    r"""Waves of a lead at its bond to the device, as columns of unit flux.

    Attributes
    ----------
    near, far : (R, n) the part that the device shares (p of a left lead, q of a right one) and the other
    channels : what these waves are; empty for evanescent ones
    """

    near: Complex
    far: Complex
    channels: Channels


def amplitudes(lead: Lead, at: Contact, waves: Waves, omega: float, side: Side, *, incoming: bool) -> Amplitudes:
    """Open waves of a lead at one point (its M wave vectors), that arrive at the device or leave it."""
    r = waves.rank
    rightwards = (side == "left") == incoming
    half = slice(0, r) if rightwards else slice(r, 2 * r)
    fold, column = np.nonzero(waves.open[:, half])
    column = column + (0 if rightwards else r)
    scale = 1 / np.sqrt(np.abs(waves.flux[fold, column]))
    p, q = waves.p[fold, :, column] * scale[:, None], waves.q[fold, :, column] * scale[:, None]
    near, far = (p, q) if side == "left" else (q, p)
    whole = np.zeros((2, at.copies, r, fold.size), dtype=np.complex128)
    whole[0, fold, :, np.arange(fold.size)] = near
    whole[1, fold, :, np.arange(fold.size)] = far
    near, far = whole.reshape(2, at.copies * r, fold.size)
    return Amplitudes(near, far, named(lead, at, fold, waves.factor[fold, column], (p, q), omega))


def outgoing(waves: Waves, side: Side) -> Complex:
    """(M r, M r) near parts of all waves that leave the device into a lead, evanescent ones too."""
    copies, r = waves.p.shape[:2]
    half = waves.p[:, :, r:] if side == "left" else waves.q[:, :, :r]
    whole = np.zeros((copies, r, copies, r), dtype=np.complex128)
    whole[np.arange(copies), :, np.arange(copies), :] = half
    return whole.reshape(copies * r, copies * r)


def named(
    lead: Lead, at: Contact, fold: Counts, factor: Complex, pair: tuple[Complex, Complex], omega: float
) -> Channels:
    """Wave vector, velocity, branch and polarisation of open waves of Bloch factor `factor` (n,)."""
    layers = at.layers.at(fold)
    factor = factor / np.abs(factor)
    k = at.k.reshape(-1, 2)[fold]
    states = bulk(layers.onsite, layers.hop, factor[:, None, None])
    levels, vectors = np.linalg.eigh(states)
    group = groups(fold, factor)
    branch = numbered(levels, omega, group)
    polarisation = shapes(levels, vectors, omega, layers.a, layers.b, pair, factor)
    moved = gradients(lead, k, factor, layers.hop)
    slope = np.einsum("ni,nxij,nj->nx", polarisation.conj(), moved, polarisation).real / (2 * omega * PS2)
    velocity = slope[:, :2] @ lead.periods / (2 * np.pi) + slope[:, 2:] * lead.step
    return Channels(shortest(lead, k, np.angle(factor)), velocity, branch, polarisation, fold, group)


def shapes(
    levels: Array,
    vectors: Complex,
    omega: float,
    a: Complex,
    b: Complex,
    pair: tuple[Complex, Complex],
    factor: Complex,
) -> Complex:
    r"""(n, f) polarisations, eigenvectors of the Bloch wave at ω.

    Within a degenerate level the pair $p = B^\dagger u$, $\lambda q = A^\dagger u$ picks the combination.
    """
    distance = np.abs(levels - omega**2 * PS2)
    near = distance <= np.maximum(1e-6 * levels[:, -1:], 4 * distance.min(axis=1, keepdims=True))
    found = np.zeros(levels.shape, dtype=np.complex128)
    for i, inside in enumerate(near):
        basis = vectors[i][:, inside]
        seen = np.concatenate([b[i].conj().T @ basis, a[i].conj().T @ basis])
        wanted = np.concatenate([pair[0][i], pair[1][i] * factor[i]])
        u = basis @ np.linalg.lstsq(seen, wanted, rcond=1e-6)[0]
        found[i] = u / np.linalg.norm(u)
    return found


def groups(fold: Counts, factor: Complex) -> Counts:
    """(n,) number of the degenerate group of each wave."""
    group = np.arange(fold.size)
    for i in range(fold.size):
        same = (fold[:i] == fold[i]) & (np.abs(factor[:i] - factor[i]) < 100 * LEVEL)
        if same.any():
            group[i] = group[np.argmax(same)]
    return group


def numbered(levels: Array, omega: float, group: Counts) -> Counts:
    """(n,) number of the band of each wave; waves of a group take the bands nearest to ω in turn."""
    near = np.argsort(np.abs(levels - omega**2 * PS2), axis=1)
    branch = np.zeros(group.size, dtype=np.intp)
    for one in np.unique(group):
        members = np.flatnonzero(group == one)
        branch[members] = np.sort(near[members[0], : members.size])
    return branch


def gradients(lead: Lead, k: Array, factor: Complex, hop: Complex) -> Complex:
    """(n, 3, f, f) derivatives of the dynamical matrix by both in-plane fractions and the phase along the step."""
    weight = roots(lead.masses, lead.directions)
    parts: list[Complex] = []
    for axis in (0, 1):
        along = 2j * np.pi * lead.shifts[:, axis, None, None]
        real = fourier(lead.shifts, along.imag * lead.onsite, k, weight, weight)
        moved = fourier(lead.shifts, along.imag * lead.hop, k, weight, weight) * factor[:, None, None]
        parts.append(1j * (real + moved - moved.conj().swapaxes(1, 2)))
    turned = 1j * hop * factor[:, None, None]
    parts.append(turned + turned.conj().swapaxes(1, 2))
    return np.stack(parts, axis=1)


def shortest(lead: Lead, k: Array, phase: Array) -> Array:
    """(n, 3) wave vectors of in-plane fractions k (n, 2) and a phase per layer (n,), in the first Brillouin zone."""
    normal = np.cross(lead.periods[0], lead.periods[1]) / lead.area
    inside = k @ reciprocal(lead.periods)
    wave = inside + ((phase - inside @ lead.step) / lead.thickness)[:, None] * normal
    lattice = np.concatenate([lead.periods, lead.step[None]])
    vectors = 2 * np.pi * np.linalg.inv(lattice).T
    whole = np.round(wave @ lattice.T / (2 * np.pi))
    tried = (wave - whole @ vectors)[:, None, :] - AROUND @ vectors
    return np.take_along_axis(tried, np.linalg.norm(tried, axis=2).argmin(axis=1)[:, None, None], axis=1)[:, 0]
