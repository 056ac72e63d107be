r"""Plane waves of half spaces at a given in-plane slowness, and their scattering at planes, bonds and layers.

All waves of one problem share frequency and in-plane slowness s along x; z is the normal and points right.  A wave
$u = a\,e^{i\omega(sx + pz - t)}$ has the normal slowness p and the traction $\sigma_{iz} = i\omega\,l_i$, and carries
energy along z in proportion to $\mathrm{Re}(l\cdot a^*)$, by whose sign it is sorted, as slowness surfaces bend back;
propagating waves have unit flux, so that a squared amplitude is a probability.
"""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, ComplexArray, about, check_not_negative, numbers
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, Hint, InputError
from kapitza.matter.elastic import Elastic, axes_about_z, rotate_tensor, turning_points
from kapitza.matter.isotropic import Fluid, Solid

RIGHT_GOING, LEFT_GOING = 0, 1  # index of the direction of energy flow
_GRAZING_TOLERANCE = 1e-14  # p² of a grazing wave, over its squared slowness
_REAL_TOLERANCE = 1e-8  # |Im p| below this, in units of the slowness scale, is rounding of a double eigenvalue
_GRAZING_FLUX = 1e-7  # flux of a unit eigenvector below which its direction cannot be told
_DEGENERACY_TOLERANCE = 1e-7  # two Christoffel eigenvalues closer than this are one


@frozen(eq=False)
class PlaneWaves(BaseRecord):
    """The waves of one half space, or of a layer, at n in-plane slownesses."""

    # (n, 2, m) normal slowness of the waves that go, or decay, to the right and to the left, s m⁻¹
    slowness: ComplexArray
    state: ComplexArray  # (n, 2, 6, m) displacement (3) and traction over iω (3) of each wave
    branch: NDArray[np.intp]  # (n, 2, m) polarisation branch, -1 for an evanescent wave; 0 is the fastest
    density: float  # kg m⁻³

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


def _normal_slowness(total: ComplexArray, slowness: Array) -> ComplexArray:
    """(n, m) normal slowness, Im p >= 0, of waves of squared slownesses `total` (m,), s m⁻¹; 1e-7 of it at grazing."""
    square = total - np.square(slowness)[:, None]
    return np.sqrt(np.where(np.abs(square) < _GRAZING_TOLERANCE * np.abs(total), _GRAZING_TOLERANCE * total, square))


def isotropic_waves(solid: Solid, slowness: Array, loss: float = 0.0) -> PlaneWaves:
    """Longitudinal (P), vertical (SV) and horizontal (SH) shear waves, in this order, at slownesses (n,) s m⁻¹.

    With a `loss`, the tangent of the loss angle of both moduli, the waves no longer have unit flux.
    """
    density = solid.density
    moduli = density * np.square(solid.speeds) * (1 - 1j * loss)
    p = _normal_slowness((density / moduli).astype(complex), slowness)
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
    return PlaneWaves(np.stack([p, -p], axis=1), state, np.stack([branch, branch], axis=1), density)


def liquid_waves(fluid: Fluid, slowness: Array) -> PlaneWaves:
    """The longitudinal wave of a liquid at (n,) in-plane slownesses, s m⁻¹."""
    p = _normal_slowness(np.array([fluid.speed**-2 + 0j]), slowness)
    state = np.zeros((slowness.size, 2, 6, 1), dtype=complex)
    state[:, :, 0, 0] = slowness[:, None]
    state[:, :, 2] = np.stack([p, -p], axis=1)
    state[:, :, 5] = fluid.density
    state /= np.sqrt(fluid.density * np.abs(p))[:, None, None, :]
    branch = np.where(p.real > p.imag, 0, -1)
    return PlaneWaves(np.stack([p, -p], axis=1), state, np.stack([branch, branch], axis=1), fluid.density)


def scatter_at_plane(left: PlaneWaves, right: PlaneWaves, slip: ComplexArray | None = None) -> ComplexArray:
    r"""(..., n, k, k) scattering matrix, k = m_L + m_R, of the plane between two half spaces at the same n slownesses.

    Rows are outgoing waves (left-going on the left, then right-going on the right), columns incoming ones.
    Displacement and traction are continuous; at a liquid only their normal parts, and the shear traction vanishes.  A
    bond of stiffness K lets the displacement jump by $u_R - u_L = \sigma/K = (i\omega/K)\,l$, with `slip` (..., n or 1,
    3) $i\omega/K$.
    """
    solid = left.count == 3, right.count == 3
    rows = ([0, 1] if all(solid) else []) + [2] + ([3, 4] if any(solid) else []) + [5]
    near, far = left.state, right.state
    if slip is not None:
        jump = slip[..., None, :, None] * far[:, :, 3:]
        far = np.concatenate([far[:, :, :3] - jump, np.broadcast_to(far[:, :, 3:], jump.shape)], axis=-2)
        near = np.broadcast_to(near, (*jump.shape[:-2], 6, left.count))
    near, far = near[..., rows, :], far[..., rows, :]
    outgoing = np.concatenate([near[..., LEFT_GOING, :, :], -far[..., RIGHT_GOING, :, :]], axis=-1)
    incoming = np.concatenate([-near[..., RIGHT_GOING, :, :], far[..., LEFT_GOING, :, :]], axis=-1)
    return np.asarray(np.linalg.solve(outgoing, incoming), dtype=complex)


def _star_product(first: ComplexArray, layer: PlaneWaves, phase: ComplexArray, second: ComplexArray) -> ComplexArray:
    r"""Scattering matrix of two planes with a layer between them, all multiple reflections included.

    `first`, `second` (..., n, k, k) are those of its left and right face, `phase` (..., n, 2, m) the amplitudes of its
    waves after the layer over those before it.  Waves are followed only along the way they decay, so that thick and
    evanescent layers are as safe as thin ones; where a stiff one is deeply evanescent ($sc \gg 1$), digits are lost as
    $(sc)^4$.

    R. Redheffer, J. Math. Phys. (MIT) 41, 1 (1962), doi:10.1002/sapm19624111 (the star product)
    """
    m = layer.count
    a = first.shape[-1] - m
    forth, back = phase[..., RIGHT_GOING, :], phase[..., LEFT_GOING, :]
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


def anisotropic_waves(crystal: Elastic, slowness: Array, azimuth: Array) -> PlaneWaves:
    """Waves of a crystal at in-plane slownesses (n,) s m⁻¹ along azimuths (n,) rad, x being that direction."""
    scale = float(np.sqrt(np.abs(crystal.reduced).max()))
    angle, which = np.unique(azimuth, return_inverse=True)
    c = rotate_tensor(crystal.reduced, axes_about_z(angle))[which] / scale**2
    s = slowness * scale  # of order 1, so that one set of tolerances serves all crystals
    p, vectors = _stroh_eigenwaves(c, s)
    rightward, propagating = _classify_directions(p, vectors)
    for step in (1e-9, 1e-7, 1e-5):  # exactly at grazing both directions are one wave: go a little inside
        lost = np.nonzero(rightward.sum(axis=1) != 3)[0]
        if not lost.size:
            break
        s[lost] *= 1 - step
        p[lost], vectors[lost] = _stroh_eigenwaves(c[lost], s[lost])
        rightward[lost], propagating[lost] = _classify_directions(p[lost], vectors[lost])
    else:
        raise ConvergenceError(f"{crystal.name}: no three waves of each direction at {slowness[lost[0]]:.6g} s/m")
    order = np.argsort(~rightward, axis=1, kind="stable").reshape(-1, 2, 3)
    p = np.take_along_axis(p[:, None], order, 2)
    open_ = np.take_along_axis(propagating[:, None], order, 2)
    state = np.take_along_axis(vectors[:, None], order[:, :, None], 3)
    state = _degenerate_basis(_normalise_flux(state, open_), np.where(open_, p.real, np.nan))
    branch = np.where(open_, _branch_ranks(c, s, p.real), -1)
    unit = np.sqrt(crystal.density * scale)  # from unit density and slowness back to SI, at the same flux
    state[:, :, :3] /= unit
    state[:, :, 3:] *= unit
    return PlaneWaves(p / scale, state, branch, crystal.density)


def _classify_directions(p: ComplexArray, vectors: ComplexArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which waves (n, 6) run or decay to the right (none at all where one is grazing), and which propagate."""
    propagating = np.abs(p.imag) < _REAL_TOLERANCE
    flux = np.einsum("nim,nim->nm", vectors[:, 3:], vectors[:, :3].conj()).real
    grazing = np.any(propagating & (np.abs(flux) < _GRAZING_FLUX), axis=1, keepdims=True)
    return np.where(propagating, flux > 0, p.imag > 0) & ~grazing, propagating  # by energy, not by phase


def _stroh_eigenwaves(c: Array, s: Array) -> tuple[ComplexArray, ComplexArray]:
    r"""(n, 6) p and (n, 6, 6) columns of Stroh's problem $N (a, l)^T = p\,(a, l)^T$ at unit density, c (n, 3, 3, 3, 3).

    With $Q_{ik} = c_{ixkx}s^2$, $R_{ik} = c_{ixkz}s$ and $T_{ik} = c_{izkz}$ the blocks of N are $-T^{-1}R^T$,
    $T^{-1}$, $RT^{-1}R^T - Q + \rho$ and $-RT^{-1}$ (A. N. Stroh, J. Math. Phys. (MIT) 41, 77 (1962),
    doi:10.1002/sapm196241177).
    """
    q = c[:, :, 0, :, 0] * np.square(s)[:, None, None]
    r = c[:, :, 0, :, 2] * s[:, None, None]
    inverse = np.linalg.inv(c[:, :, 2, :, 2])
    mixed = inverse @ r.transpose(0, 2, 1)
    matrix = np.empty((s.size, 6, 6))
    matrix[:, :3, :3], matrix[:, :3, 3:] = -mixed, inverse
    matrix[:, 3:, :3], matrix[:, 3:, 3:] = r @ mixed - q + np.eye(3), -mixed.transpose(0, 2, 1)
    p, vectors = np.linalg.eig(matrix)
    return np.asarray(p, dtype=complex), np.asarray(vectors, dtype=complex)


def _normalise_flux(state: ComplexArray, propagating: NDArray[np.bool_]) -> ComplexArray:
    """Mix the propagating waves of each direction, if of one p, and scale them to unit flux, none shared by two."""
    shape, traction = state[:, :, :3], state[:, :, 3:]
    cross = shape.conj().swapaxes(-1, -2) @ traction
    gram = (cross + cross.conj().swapaxes(-1, -2)) / 2
    sign = np.array([1.0, -1.0])[:, None, None]  # flux to the left is negative, Cholesky takes a positive matrix
    both = propagating[..., :, None] & propagating[..., None, :]
    gram = np.where(both, gram * sign, np.eye(3))
    mixing = np.linalg.inv(np.linalg.cholesky(gram)).conj().swapaxes(-1, -2)
    return state @ mixing


def _degenerate_basis(state: ComplexArray, p: Array) -> ComplexArray:
    """Choose a basis of two waves of one p (n, 2, 3): vertical and horizontal shear of isotropic crystals."""
    for i, j in ((0, 1), (0, 2), (1, 2)):
        tied = np.abs(p[:, :, i] - p[:, :, j]) < _DEGENERACY_TOLERANCE
        if not tied.any():
            continue
        pair = state[..., [i, j]][tied]  # (k, 6, 2)
        across = pair[:, 1]
        mean = across[:, 0].conj() * across[:, 1]
        angle = np.arctan2(2 * np.abs(mean), np.abs(across[:, 0]) ** 2 - np.abs(across[:, 1]) ** 2) / 2
        phase = np.exp(-1j * np.angle(mean))
        least, most = [-np.sin(angle), np.cos(angle) * phase], [np.cos(angle), np.sin(angle) * phase]
        new = np.einsum("kfi,jik->kfj", pair, np.array([least, most]))
        state[tied, :, i], state[tied, :, j] = new[..., 0], new[..., 1]
    return state


def _branch_ranks(c: Array, s: Array, p: Array) -> NDArray[np.intp]:
    """(n, 2, m) rank by speed of the waves of slowness (s, 0, p), 0 the fastest.

    One eigenvalue of the Christoffel matrix of a slowness vector is 1; the faster branches are those with larger ones.
    """
    x, z, xz = c[:, :, 0, :, 0], c[:, :, 2, :, 2], c[:, :, 0, :, 2]
    mixed = (xz + xz.swapaxes(-1, -2))[:, None, None] * (s[:, None, None] * p)[..., None, None]
    matrix = x[:, None, None] * np.square(s)[:, None, None, None, None] + mixed
    matrix = matrix + z[:, None, None] * np.square(p)[..., None, None]
    total = np.trace(matrix, axis1=-2, axis2=-1) - 1  # sum and product of the other two eigenvalues
    between = 1 - total + np.linalg.det(matrix)
    tied = np.abs(between) < _DEGENERACY_TOLERANCE
    second = tied & (np.cumsum(tied, axis=-1) % 2 == 0)
    rank = np.where(between < 0, 1, np.where(total > 2, 2, 0))
    return np.where(tied, np.where(total > 2, 1, 0) + second, rank).astype(np.intp)


Medium = Solid | Elastic | Fluid
_LIGHT_IMPEDANCE_RATIO = (
    0.05  # impedance of a liquid over that of a crystal below which the surface wave is not resolved
)


@frozen(eq=False)
class Interlayer(BaseRecord):
    """Elastic layer between two half spaces: its material and its thickness (0 or more)."""

    material: Medium
    thickness: float = field(converter=float, metadata=about("m", "thickness"))

    def __attrs_post_init__(self) -> None:
        check_medium(self.material)
        check_not_negative("thickness of an interlayer", self.thickness, "m")


@frozen(eq=False)
class PlanarContact(BaseRecord):
    """What lies between two half spaces."""

    stiffness: Array | None = None  # (3,) of the bond along x, y and the normal z, N m⁻³; None for a rigid one
    layers: tuple[Interlayer, ...] = ()  # from left to right

    @property
    def rigid(self) -> bool:
        """Whether the scattering does not depend on frequency."""
        return self.stiffness is None and not self.layers


def planar_contact(spring: ArrayLike | None, interlayer: Interlayer | Sequence[Interlayer] | None) -> PlanarContact:
    """Make a contact of a spring (normal and tangential stiffness, N m⁻³) or of interlayers from left to right."""
    several = interlayer if isinstance(interlayer, Sequence) and not isinstance(interlayer, str) else (interlayer,)
    layers = tuple(layer for layer in several if isinstance(layer, Interlayer))
    if interlayer is not None and len(layers) < len(several):
        raise InputError(
            f"expected an interlayer or a list of them, got {interlayer!r:.60}:",
            hint=Hint(python="write Interlayer(material, thickness)"),
        )
    if spring is None:
        return PlanarContact(None, layers)
    stiffness = numbers(spring)
    if stiffness.size != 2 or not (stiffness > 0).all():
        raise InputError(
            f"expected normal and tangential stiffness of the spring above 0 in N/m³, got {spring!r:.60}; an "
            "infinite one is rigid"
        )
    if layers:
        raise InputError(
            f"a spring and {len(layers)} interlayer(s) at once: give the bond as a thin soft layer instead"
        )
    return PlanarContact(stiffness[[1, 1, 0]])


def check_medium(side: object) -> Medium:
    """Return an elastic medium, or refuse anything else."""
    if not isinstance(side, Solid | Elastic | Fluid):
        python = f"take kapitza.solid({side!r:.40})" if isinstance(side, str) else "take the elastic constants of it"
        raise InputError(
            f"acoustic mismatch needs a Solid, an Elastic or a Fluid, got {side!r:.60} of type {type(side).__name__}:",
            hint=Hint(python=python, command="take its elastic constants"),
        )
    return side


def is_light_liquid(left: Medium, right: Medium) -> bool:
    """Whether a liquid meets a crystal of far larger impedance, on which a narrow leaky surface wave takes up sound."""
    for wet, dry in ((left, right), (right, left)):
        if isinstance(wet, Fluid) and isinstance(dry, Elastic):
            heavy = dry.density * float(np.sqrt(dry.reduced[2, 2, 2, 2]))
            return wet.density * wet.speed < _LIGHT_IMPEDANCE_RATIO * heavy
    return False


def branch_modes(side: Medium) -> Array:
    r"""(m,) $M_b/\omega^2$ of each branch, $1/4\pi c^2$ of an isotropic one, s² m⁻²."""
    if isinstance(side, Elastic):
        return side.branch_modes
    speeds = side.speeds if isinstance(side, Solid) else np.array([side.speed])
    return speeds**-2.0 / (4 * np.pi)


def turning_slownesses(side: Medium, azimuth: Array) -> list[Array]:
    """In-plane slownesses at which waves appear or disappear, for each azimuth (nφ,), increasing, s m⁻¹."""
    if isinstance(side, Elastic):
        turns = turning_points(side.reduced, azimuth)
        return [np.sort(turns.slowness[turns.azimuth == i]) for i in range(azimuth.size)]
    speeds = side.speeds[:2] if isinstance(side, Solid) else np.array([side.speed])
    return [1 / speeds] * azimuth.size


def solve_plane_waves(side: Medium, slowness: Array, azimuth: Array) -> PlaneWaves:
    """Plane waves of a medium at in-plane slownesses (n,) s m⁻¹ along azimuths (n,) rad."""
    match side:
        case Solid():
            return isotropic_waves(side, slowness)
        case Elastic():
            return anisotropic_waves(side, slowness, azimuth)
        case Fluid():
            return liquid_waves(side, slowness)


def interface_scattering(media: Sequence[PlaneWaves], contact: PlanarContact, omega: Array) -> ComplexArray:
    """(nω, n, k, k) scattering matrix of all planes between two half spaces, (1, n, k, k) for a rigid contact.

    `media` are the waves of the left half space, the layers and the right half space; rows and columns as in
    `scatter_at_plane`.
    """
    if contact.stiffness is not None:
        slip: ComplexArray = (1j * omega[:, None, None] / contact.stiffness).astype(complex)
        return scatter_at_plane(media[0], media[-1], slip)
    matrix = scatter_at_plane(media[0], media[1])[None]
    for layer, here, behind in zip(contact.layers, media[1:-1], media[2:], strict=True):
        way = here.slowness * np.array([1, -1])[:, None]
        phase = np.exp(1j * layer.thickness * omega[:, None, None, None] * way)
        matrix = _star_product(matrix, here, phase, scatter_at_plane(here, behind)[None])  # no wave grows: stable
    return matrix
