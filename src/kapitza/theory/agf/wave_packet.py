r"""A wave packet sent at a junction, in time: an independent check of the scattering matrix.

At one in-plane wave vector the layers move as $\ddot u = -Du$.  A packet of one branch, a Gaussian of Bloch waves
around a phase per layer, starts in the left lead; long after it has met the device, the energy on either side is
the transmission and reflection, averaged over the packet.

References
----------
P. K. Schelling, S. R. Phillpot, P. Keblinski, Appl. Phys. Lett. 80, 2484 (2002), doi:10.1063/1.1465106
"""

from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.sparse import block_array

from kapitza.core.arrays import AnyComplexArray, Array, about
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, wavevector_fractions
from kapitza.theory.agf.green_functions import check_junction
from kapitza.theory.agf.leads import bulk_matrix

_LEAPFROG_STEP = 0.08  # over the highest frequency: time step of the leapfrog
_CLEAR_WIDTHS = 4.5  # standard deviations of the packet that are kept clear of the device and of the ends
_BLOCH_SAMPLES = 64  # Bloch waves of a packet


@frozen(eq=False)
class PacketScattering(BaseRecord):
    """Energy of a wave packet after scattering at a junction."""

    transmitted: float = field(metadata=about("1", "fraction of the energy on the right at the end"))
    reflected: float = field(metadata=about("1", "fraction of the energy on the left at the end"))
    omega: Array = field(metadata=about("rad s^-1", "(n,) frequencies of the Bloch waves in the packet"))
    share: Array = field(metadata=about("1", "(n,) fraction of the energy in each Bloch wave, sum 1"))
    drift: float = field(metadata=about("1", "relative change of the total energy, the error of the time steps"))


def wave_packet(
    junction: Junction, k: ArrayLike, phase: float, *, branch: int, width: float = 40.0
) -> PacketScattering:
    """Send a packet of one branch of the left lead at a junction with the periods of its leads, at k (2,), fractions.

    `phase` (-π..π) of the central Bloch wave per layer belongs to a wave that runs to the right, `branch` counts the
    bands from the lowest, and `width` is the standard deviation of the packet in layers, at least 4.
    """
    check_junction(junction)
    wanted = wavevector_fractions(k)
    if len(wanted) != 1 or any(len(junction.tiles(side)) > 1 for side in ("left", "right")):
        raise InputError(
            f"a packet takes one wave vector (got {len(wanted)}) and leads with the periods of the junction"
        )
    if not width >= 4:
        raise InputError(f"width = {width:g} layers: a packet needs at least 4")
    leads = [lead.blocks(wanted) for lead in (junction.left, junction.right)]
    phases = phase + np.linspace(-3.0, 3.0, _BLOCH_SAMPLES) / width
    square, vectors = np.linalg.eigh(bulk_matrix(*leads[0], np.exp(1j * phases)[:, None, None]))
    omega, states = np.sqrt(np.abs(square[:, branch])), vectors[:, :, branch]  # rad/ps
    for i in range(1, len(phases)):
        overlap = np.vdot(states[i], states[i - 1])
        states[i] *= overlap / abs(overlap)  # parallel transport: a jump of phase would tear the packet
    speed = np.gradient(omega, phases)
    if not speed.min() > 1e-3 * np.abs(omega).max():
        raise InputError(
            f"branch {branch} at the phase {phase:g} runs at {speed.min():.3g} layers/ps at its slowest, wanted to the "
            "right all through the packet: take another phase or a wider packet"
        )
    half = int(np.ceil(_CLEAR_WIDTHS * width))
    duration = 3 * half / speed.min()  # one part to the interface, two to leave it, at the slowest
    turn = np.linspace(-np.pi, np.pi, 241)
    matrices = [bulk_matrix(*lead, np.exp(1j * turn)[:, None, None]) for lead in leads]
    bands = [np.sqrt(np.abs(np.linalg.eigvalsh(matrix))) for matrix in matrices]
    fastest = max(float(np.abs(np.gradient(band, turn, axis=0)).max()) for band in bands)  # layers per ps
    length = max(int(2.2 * half), int(np.ceil(0.5 * fastest * duration))) + 2
    system = _chain_matrix(leads, junction.blocks(wanted), length)
    edge = length * states.shape[1]
    weight = np.exp(-0.5 * ((phases - phase) * width) ** 2)
    place = np.arange(length) - (length - half)
    waves = weight[:, None, None] * np.exp(1j * phases[:, None, None] * place[:, None]) * states[:, None, :]
    u, v = np.zeros((2, system.shape[0]), dtype=np.complex128)
    u[:edge] = waves.sum(axis=0).ravel()
    v[:edge] = (-1j * omega[:, None, None] * waves).sum(axis=0).ravel()  # e^{-iωt}
    start = _coordinate_energies(system, u, v)
    u, v = _propagate_packet(system, u, v, duration)
    final = _coordinate_energies(system, u, v)
    right = edge + sum(slab.onsite.shape[-1] for slab in junction.device)
    share = np.square(weight * omega)  # energy goes as ω² times the squared amplitude
    return PacketScattering(
        float(final[right:].sum() / final.sum()),
        float(final[:edge].sum() / final.sum()),
        omega / np.sqrt(SQUARE_PICOSECOND),
        share / share.sum(),
        float(abs(final.sum() / start.sum() - 1)),
    )


def _chain_matrix(leads: list[tuple[AnyComplexArray, AnyComplexArray]], device: JunctionBlocks, length: int) -> Any:
    left, right = leads
    onsite = [left[0][0]] * length + [block[0] for block in device.onsite] + [right[0][0]] * length
    hop = [left[1][0]] * length + [block[0] for block in device.hop] + [right[1][0]] * length
    rows: list[list[Any]] = [[None] * len(onsite) for _ in onsite]
    for i, block in enumerate(onsite):
        rows[i][i] = block
    for i, block in enumerate(hop):
        rows[i][i + 1], rows[i + 1][i] = block, block.conj().T
    return block_array(rows, format="csr")


def _coordinate_energies(system: Any, u: AnyComplexArray, v: AnyComplexArray) -> Array:
    return (np.abs(v) ** 2 + (u.conj() * (system @ u)).real) / 2


def _propagate_packet(
    system: Any, u: AnyComplexArray, v: AnyComplexArray, duration: float
) -> tuple[AnyComplexArray, AnyComplexArray]:
    """Displacements and velocities later, by the leapfrog."""
    top = float(np.sqrt(abs(system).sum(axis=1).max()))  # Gershgorin's bound, for a stable step
    number = int(np.ceil(duration * top / _LEAPFROG_STEP))
    step = duration / number
    v = v - 0.5 * step * (system @ u)  # velocities half a step ahead: reversible in time, of second order
    for _ in range(number - 1):
        u = u + step * v
        v = v - step * (system @ u)
    u = u + step * v
    return u, v - 0.5 * step * (system @ u)  # back to the time of the displacements
