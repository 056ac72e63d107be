r"""Plane waves of a half space at a given in-plane slowness, and how they scatter at a plane.

All waves of one problem share frequency and in-plane slowness s along x; z is the normal and points right.  A wave
$u = a\,e^{i\omega(sx + pz - t)}$ has the normal slowness p and the traction $\sigma_{iz} = i\omega\,l_i$, and carries
energy along z in proportion to $\mathrm{Re}(l\cdot a^*)$.  Propagating waves are normalised to unit flux, so that a
squared amplitude is a probability.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.matter.fluid import Fluid
from kapitza.matter.solid import Solid

Complex = NDArray[np.complex128]

RIGHT, LEFT = 0, 1  # index of the direction of energy flow
GRAZING = 1e-14  # p² of a grazing wave, over its squared slowness


@frozen(eq=False)
class Waves:
    """The waves of one half space, or of a layer, at n in-plane slownesses.

    Attributes
    ----------
    slowness : (n, 2, m) normal slowness of the waves that go, or decay, to the right and to the left, s m⁻¹
    state : (n, 2, 6, m) displacement (3) and traction over iω (3) of each wave
    branch : (n, 2, m) polarisation branch, -1 for an evanescent wave; 0 is the fastest
    density : kg m⁻³
    """

    slowness: Complex
    state: Complex
    branch: NDArray[np.intp]
    density: float

    @property
    def count(self) -> int:
        """Waves of each direction: 3 in a solid, 1 in a liquid."""
        return self.slowness.shape[2]

    @property
    def velocity(self) -> Array:
        """(n, 2, m) z component of the group velocity, 0 of evanescent waves, m s⁻¹."""
        shape = self.state[:, :, :3]
        flux = np.sum((self.state[:, :, 3:] * shape.conj()).real, axis=2)
        return np.where(self.branch >= 0, flux / (self.density * np.sum(np.abs(shape) ** 2, axis=2)), 0.0)


def normal_slowness(whole: Complex, slowness: Array) -> Complex:
    """(n, m) normal slowness p with Im p >= 0 of waves with squared slownesses `whole` (m,), s m⁻¹.

    Exactly at grazing, where both directions are one wave, p is taken as 1e-7 of the slowness.
    """
    square = whole - np.square(slowness)[:, None]
    return np.sqrt(np.where(np.abs(square) < GRAZING * np.abs(whole), GRAZING * whole, square))


def isotropic(solid: Solid, slowness: Array, loss: float = 0.0) -> Waves:
    r"""Longitudinal (P), vertical (SV) and horizontal (SH) shear waves, in this order, in closed form.

    Parameters
    ----------
    solid : isotropic, density $\rho$
    slowness : (n,) in-plane slowness, s m⁻¹
    loss : tangent of the loss angle of both moduli; above zero the waves no longer have unit flux
    """
    density = solid.density
    moduli = density * np.square(solid.speeds) * (1 - 1j * loss)
    p = normal_slowness((density / moduli).astype(complex), slowness)
    mu = moduli[1]
    state = np.zeros((slowness.size, 2, 6, 3), dtype=complex)
    for way, (pl, pt) in enumerate(((p[:, 0], p[:, 1]), (-p[:, 0], -p[:, 1]))):
        twisted = density - 2 * mu * slowness**2
        state[:, way, [0, 2], 0] = np.stack([slowness, pl], axis=1)
        state[:, way, [3, 5], 0] = np.stack([2 * mu * slowness * pl, twisted], axis=1)
        state[:, way, [0, 2], 1] = np.stack([pt, -slowness], axis=1)
        state[:, way, [3, 5], 1] = np.stack([twisted, -2 * mu * slowness * pt], axis=1)
        state[:, way, 1, 2] = 1 / solid.transverse
        state[:, way, 4, 2] = mu * pt / solid.transverse
    state /= np.sqrt(density * np.abs(p))[:, None, None, :]
    branch = np.where(p.real > p.imag, np.arange(3), -1)
    return Waves(np.stack([p, -p], axis=1), state, np.stack([branch, branch], axis=1), density)


def liquid(fluid: Fluid, slowness: Array) -> Waves:
    """The longitudinal wave of a liquid at (n,) in-plane slownesses, s m⁻¹."""
    p = normal_slowness(np.array([fluid.speed**-2 + 0j]), slowness)
    state = np.zeros((slowness.size, 2, 6, 1), dtype=complex)
    state[:, :, 0, 0] = slowness[:, None]
    state[:, :, 2] = np.stack([p, -p], axis=1)
    state[:, :, 5] = fluid.density
    state /= np.sqrt(fluid.density * np.abs(p))[:, None, None, :]
    branch = np.where(p.real > p.imag, 0, -1)
    return Waves(np.stack([p, -p], axis=1), state, np.stack([branch, branch], axis=1), fluid.density)


def scatter(left: Waves, right: Waves, slip: Complex | None = None) -> Complex:
    r"""Scattering matrix of the plane between two half spaces.

    Displacement and traction are continuous; at a liquid only their normal parts, and the shear traction vanishes.
    A bond of stiffness K lets the displacement jump by $u_R - u_L = \sigma/K = (i\omega/K)\,l$.

    Parameters
    ----------
    left, right : waves of either side at the same n in-plane slownesses, m_L and m_R of each direction
    slip : (..., n or 1, 3) $i\omega/K$ of each component; None for a rigid bond

    Returns
    -------
    (..., n, m_L + m_R, m_L + m_R) amplitudes of the outgoing waves (left-going on the left, then right-going on the
    right) for each incoming one (right-going on the left, then left-going on the right)
    """
    solid = left.count == 3, right.count == 3
    rows = ([0, 1] if all(solid) else []) + [2] + ([3, 4] if any(solid) else []) + [5]
    near, far = left.state, right.state
    if slip is not None:
        jump = slip[..., None, :, None] * far[:, :, 3:]
        far = np.concatenate([far[:, :, :3] - jump, np.broadcast_to(far[:, :, 3:], jump.shape)], axis=-2)
        near = np.broadcast_to(near, (*jump.shape[:-2], 6, left.count))
    near, far = near[..., rows, :], far[..., rows, :]
    outgoing = np.concatenate([near[..., LEFT, :, :], -far[..., RIGHT, :, :]], axis=-1)
    incoming = np.concatenate([-near[..., RIGHT, :, :], far[..., LEFT, :, :]], axis=-1)
    return np.asarray(np.linalg.solve(outgoing, incoming), dtype=complex)


def joined(first: Complex, layer: Waves, phase: Complex, second: Complex) -> Complex:
    r"""Scattering matrix of two planes with a layer between them, all multiple reflections included.

    Waves are followed only along the way they decay, so that thick and evanescent layers are as safe as thin ones.
    Deep in the evanescent range of a stiff layer ($sc \gg 1$) both of its waves become one, and digits are lost as
    $(sc)^4$.

    Parameters
    ----------
    first, second : (..., n, k, k) scattering matrices of its left and of its right face
    layer : waves of the layer
    phase : (..., n, 2, m) amplitude of the layer's waves after the layer, over the one before it

    References
    ----------
    R. Redheffer, J. Math. Phys. (MIT) 41, 1 (1962), doi:10.1002/sapm19624111 (the star product)
    """
    m = layer.count
    a = first.shape[-1] - m
    forth, back = phase[..., RIGHT, :], phase[..., LEFT, :]
    inner, enter, leave = first[..., a:, a:], first[..., a:, :a], first[..., :a, a:]
    echo = back[..., :, None] * second[..., :m, :m] * forth[..., None, :]
    through = second[..., m:, :m] * forth[..., None, :]
    entering = back[..., :, None] * second[..., :m, m:]
    source = np.concatenate([np.broadcast_to(enter, (*echo.shape[:-1], a)), inner @ entering], axis=-1)
    rightward = np.linalg.solve(np.eye(m) - inner @ echo, source)
    leftward = echo @ rightward
    leftward[..., a:] += entering
    out_left, out_right = leave @ leftward, through @ rightward
    out_left[..., :a] += first[..., :a, :a]
    out_right[..., a:] += second[..., m:, m:]
    return np.concatenate([out_left, out_right], axis=-2)
