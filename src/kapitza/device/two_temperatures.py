r"""Metals whose electrons and lattice have temperatures of their own, in the same recursion with 2 x 2 admittances.

With $\theta = (\theta_e, \theta_p)$, $K = \mathrm{diag}(k_e, k_p)$ and coupling g,

$$K\theta'' = B\theta,\qquad B = \begin{pmatrix} k_e k^2 + sC_e + g & -g \\ -g & k_p k^2 + sC_p + g\end{pmatrix} .$$

$K^{-1/2}BK^{-1/2} = V\Lambda V^T$ with a complex rotation V gives two waves of decay $l = \sqrt\lambda$, and the
admittance Y in their frame goes through a layer as $Y \leftarrow L(1 - M)(1 + M)^{-1}$, $M = E(L + Y)^{-1}(L - Y)E$,
$E = e^{-Ld}$.  The smaller eigenvalue is taken as $\det/\lambda_1$, without which a strong coupling would swallow it.

A boundary joins lattices by its conductance and electrons by its electron conductance; before a layer of one
temperature both end on it.

Strong coupling gives back one temperature.  Before a boundary that stops electrons a thick metal shows the resistance
$(k_e/(k_e + k_p))^{3/2}/\sqrt{g k_p}$ in series, which for $k_e \gg k_p$ is that of A. Majumdar, P. Reddy, Appl. Phys.
Lett. 84, 4768 (2004).
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.stack import Boundary, Layer
from kapitza.device.setup import Cut, Piece, Setup, Slab
from kapitza.device.waves import Complex, Points, in_plane, storage, wave
from kapitza.errors import InputError

ELECTRONS, LATTICE = 0, 1


@frozen(eq=False)
class Pair:
    """The two waves of a metal, in the frame scaled by the square roots of both conductivities.

    Attributes
    ----------
    decay : (2, ns, nk) decay of each, m⁻¹
    turn : (2, 2, ns, nk) rotation V from waves to scaled temperatures
    scale : (2,) square roots of the conductivities of electrons and lattice
    """

    decay: Complex
    turn: Complex
    scale: NDArray[np.float64]


def pair(layer: Layer, at: Points) -> Pair:
    """Waves of a metal with two temperatures."""
    ke, ce, g = layer.electron_conductivity, layer.electron_heat_capacity, layer.coupling
    if ke is None or ce is None or g is None:
        raise InputError(f"layer {layer.name} has one temperature")
    kp = layer.conductivity
    ae = ke * (at.kx**2 + at.ky**2) + at.s * ce
    ap = in_plane(layer, at) + storage(layer, at)
    electrons, lattice, mixed = (ae + g) / ke, (ap + g) / kp, -g / np.sqrt(ke * kp)
    half = (electrons - lattice) / 2
    root = np.sqrt(half**2 + mixed**2)
    root = np.where((half.conj() * root).real < 0, -root, root)
    t = mixed / (half + root)
    first = electrons + t * mixed
    second = lattice - t * mixed
    det = (ae * ap + g * (ae + ap)) / (ke * kp)
    upper = np.abs(first) > np.abs(second)
    first, second = np.where(upper, first, det / second), np.where(upper, det / first, second)
    cosine = 1 / np.sqrt(1 + t**2)
    sine = t * cosine
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return Pair(np.sqrt(np.array([first, second])), turn, np.sqrt([ke, kp]))


def product(*factors: Complex) -> Complex:
    """Product of (2, 2, ns, nk) matrices."""
    found = factors[0]
    for factor in factors[1:]:
        found = np.einsum("ij...,jk...->ik...", found, factor)
    return found


def inverse(m: Complex) -> Complex:
    """Inverse of (2, 2, ns, nk) matrices."""
    det = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    return np.array([[m[1, 1], -m[0, 1]], [-m[1, 0], m[0, 0]]]) / det


def diagonal(values: Complex) -> Complex:
    """(2, 2, ns, nk) matrices with (2, ns, nk) values on the diagonal."""
    nothing = np.zeros_like(values[0])
    return np.array([[values[0], nothing], [nothing, values[1]]])


def through_metal(metal: Pair, thickness: float, y: Complex | None) -> Complex:
    """Admittance (2, 2, ns, nk) before a slab, from that behind it; None behind it for fixed temperatures."""
    flux = diagonal(metal.decay)
    if np.isinf(thickness):
        new = flux
    else:
        loss = np.expm1(-2 * metal.decay * thickness)
        fade = diagonal(np.exp(-metal.decay * thickness))
        if y is None:
            new = diagonal(metal.decay * (2 + loss) / -loss)
        else:
            size = metal.scale[:, None] * metal.scale
            inner = product(metal.turn.swapaxes(0, 1), y / size[:, :, None, None], metal.turn)
            gone = 2 * product(fade, inverse(flux + inner), inner, fade)  # 1 - M = gone - loss, without cancellation
            new = product(flux, gone - diagonal(loss), inverse(diagonal(2 + loss) - gone))
    size = (metal.scale[:, None] * metal.scale)[:, :, None, None]
    found = size * product(metal.turn, new, metal.turn.swapaxes(0, 1))
    return (found + found.swapaxes(0, 1)) / 2


def in_series(y: Complex, channel: int, part: Complex) -> Complex:
    """Admittance before a resistance in one channel; `part` is its share r/(1 + r Y) of that channel."""
    column = y[:, channel]
    return y - part * column[:, None] * column[None, :]


def across(boundary: Boundary, y: Complex, near: Layer, temperature: float) -> Complex:
    """Admittance before a boundary, from that behind it: (1, 1, ns, nk) for one temperature, (2, 2, ns, nk) for two."""
    r, electrons = boundary.resistance(temperature), boundary.electron_conductance
    two = near.coupling is not None
    if y.shape[0] == 1:
        behind = y[0, 0]
        if not two:
            return y / (1 + y * r)
        share = 1 + (behind + electrons) * r
        mixed = -electrons / share
        return np.array([[electrons * (1 + behind * r) / share, mixed], [mixed, (behind + electrons) / share]])
    y = in_series(y, LATTICE, r / (1 + r * y[LATTICE, LATTICE]))
    y = in_series(y, ELECTRONS, 1 / (electrons + y[ELECTRONS, ELECTRONS]))
    return y if two else y.sum(axis=(0, 1))[None, None]


def before(piece: Piece, y: Complex | None, near: Layer, at: Points, temperature: float) -> Complex:
    """Admittance before a piece, from that behind it; None behind it for fixed temperatures."""
    if isinstance(piece, Boundary):
        if y is None:
            raise InputError("a boundary right before a plane of fixed temperature: end the stack with a layer")
        return across(piece, y, near, temperature)
    if piece.layer.coupling is not None:
        if y is not None and y.shape[0] == 1:
            y = np.zeros((2, 2, 1, 1), dtype=complex)  # an adiabatic end
        return through_metal(pair(piece.layer, at), piece.thickness, y)
    own = wave(piece.layer, at)
    if np.isinf(piece.thickness):
        return own.gamma[None, None]
    e = np.expm1(-2 * own.decay * piece.thickness)
    t = -e / (2 + e)
    if y is None:
        return (own.gamma / t)[None, None]
    return own.gamma * (y + own.gamma * t) / (own.gamma + y * t)


def side(pieces: tuple[Piece, ...], near: Layer, end: Complex | None, at: Points, temperature: float) -> Complex:
    """Admittance of pieces that lead away from a plane in or on the layer `near`."""
    y = end
    for i in range(len(pieces) - 1, -1, -1):
        before_it = pieces[i - 1] if i else None
        y = before(pieces[i], y, before_it.layer if isinstance(before_it, Slab) else near, at, temperature)
    if y is None:
        raise InputError("the heated plane is at a fixed temperature: nothing warms up")
    return y


def coupled_impedance(scene: Cut, setup: Setup, at: Points) -> Complex:
    """(ns, nk) temperature per heat flux into the electrons of the heated plane, K m² W⁻¹.

    Raises
    ------
    InputError
        for heat over a depth, a thermometer on another plane, or oblique tensors
    """
    if setup.absorption_depth or scene.thermometer != scene.heater:
        raise InputError(
            "metals with two temperatures are modelled with heat and thermometer on one plane: leave out "
            "absorption_depth and thermometer, or the coupling"
        )
    near = scene.layer
    if near.coupling is None and setup.sensed == "electrons":
        raise InputError(f"layer {near.name} has one temperature: sensed = 'electrons' needs its coupling")
    nothing = np.zeros((1, 1, 1, 1), dtype=complex)
    up = side(scene.pieces[: scene.heater][::-1], near, nothing, at, setup.temperature)
    end = None if setup.back == "isothermal" else nothing
    down = side(scene.pieces[scene.heater :], near, end, at, setup.temperature)
    if near.coupling is None:
        return (1 / (up + down))[0, 0]
    rise = inverse(np.zeros((2, 2, 1, 1)) + up_pair(up) + up_pair(down))
    return rise[LATTICE if setup.sensed == "lattice" else ELECTRONS, ELECTRONS]


def up_pair(y: Complex) -> Complex:
    """An admittance of two temperatures; an adiabatic end where only one came."""
    return y if y.shape[0] == 2 else np.zeros((2, 2, 1, 1), dtype=complex)
