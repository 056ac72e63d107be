r"""Acoustic mismatch resolved by angle and polarisation."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, frequencies, numbers
from kapitza.core.modal import ModalTransmission
from kapitza.errors import InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.fluid import Fluid
from kapitza.matter.slowness import directions, waves_along
from kapitza.theory.acoustics import Contact, Interlayer, Medium, contact, medium, scattering, turning_slownesses, waves
from kapitza.theory.amm import in_order, label, nodes
from kapitza.theory.plane_waves import LEFT, RIGHT, Complex, Waves

HALVINGS = 50  # of an interval of angles


def amm_modes(
    left: Medium,
    right: Medium,
    omega: ArrayLike | None = None,
    *,
    spring: ArrayLike | None = None,
    interlayer: Interlayer | Sequence[Interlayer] | None = None,
) -> ModalTransmission:
    """Acoustic mismatch model, wave by wave: every wave that arrives from either side, with its probability to cross.

    The rows are the nodes of a quadrature over in-plane wave vectors; azimuths that symmetry makes equal are left out
    and counted in the weights.

    Parameters
    ----------
    left, right, spring, interlayer : as in `amm`
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹; if None, one frequency at 1 % of the top of the
        softer spectrum, which is enough where nothing but the cutoffs depends on frequency

    Returns
    -------
    ModalTransmission, with the branches of each side in their own order (isotropic: L, SV, SH; crystal: fastest first)

    Raises
    ------
    InputError
        as in `amm`, and for a frequency that is not above zero

    References
    ----------
    W. A. Little, Can. J. Phys. 37, 334 (1959), doi:10.1139/p59-037
    """
    left, right, between = medium(left), medium(right), contact(spring, interlayer)
    wanted = frequencies(0.01 * min(left.edges[-1], right.edges[-1]) if omega is None else omega)
    if wanted.size and wanted[0] <= 0:
        raise InputError(f"no wave arrives at ω = {wanted[0]:g} rad/s: expected frequencies above 0")
    at = nodes(left, right, between, float(wanted.max(initial=0)), total=True)
    media = [waves(side, at.slowness, at.azimuth) for side in in_order(left, right, between)]
    frame = np.stack([at.slowness * np.cos(at.azimuth), at.slowness * np.sin(at.azimuth)], axis=1)
    columns = [rows(one, media, (left, right), probabilities(media, between, one), frame, at.weight) for one in wanted]
    return ModalTransmission(*map(np.concatenate, zip(*columns, strict=True)), method=label(left, right, between))


def probabilities(media: Sequence[Waves], between: Contact, omega: float) -> Array:
    """(n, k, k) probability of each outgoing wave for each incoming one, 0 among evanescent ones."""
    matrix: Complex = scattering(media, between, np.array([omega]))[0]
    near, far = media[0].branch, media[-1].branch
    leaving = np.concatenate([near[:, LEFT], far[:, RIGHT]], axis=1) >= 0
    arriving = np.concatenate([near[:, RIGHT], far[:, LEFT]], axis=1) >= 0
    return np.square(np.abs(matrix)) * leaving[:, :, None] * arriving[:, None, :]


def rows(
    omega: float,
    media: Sequence[Waves],
    sides: tuple[Medium, Medium],
    probability: Array,
    frame: Array,
    weight: Array,
) -> tuple[NDArray[np.generic], ...]:
    """Columns of the table at one frequency; frame (n, 2) in-plane slowness, weight (n,) of it over ω²."""
    m = media[0].count
    parts: list[tuple[NDArray[np.generic], ...]] = []
    for side, (own, other, way) in enumerate(((media[0], media[-1], RIGHT), (media[-1], media[0], LEFT))):
        here, there = (slice(None, m), slice(m, None))[:: 1 - 2 * side]
        crosses = probability[:, there, here].swapaxes(-1, -2)  # (n, incoming, outgoing)
        leaves = other.branch[:, way]
        open_there = (leaves >= 0) & (omega <= sides[1 - side].cutoffs[leaves])
        crossing = np.sum(crosses * open_there[:, None], axis=2)
        branch = own.branch[:, way]
        node, wave = np.nonzero((branch >= 0) & (omega <= sides[side].cutoffs[branch]))
        normal = own.slowness[node, way, wave].real
        t = np.minimum(crossing[node, wave], 1.0)
        parts.append(
            (
                np.full(node.size, omega),
                omega * np.column_stack([frame[node], normal]),
                np.full(node.size, side),
                branch[node, wave],
                own.velocity[node, way, wave],
                omega**2 * weight[node],
                t,
                t,
            )
        )
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@frozen(eq=False)
class AngleMap:
    """Transmission of each incoming branch against the angle of incidence, in one plane.

    Attributes
    ----------
    angle : (n,) between wave vector and normal, rad
    transmission : (n, m_L, m_R) probability from each incoming to each outgoing branch; NaN where the incoming wave
        vector carries energy away from the interface
    critical : (m_L, m_R) angle beyond which the outgoing branch is evanescent, π/2 where there is none, rad
    method : for legends
    """

    angle: Array
    transmission: Array
    critical: Array
    method: str = ""


def angle_map(
    left: Medium,
    right: Medium,
    angle: ArrayLike | None = None,
    *,
    azimuth: float = 0.0,
    omega: float = 0.0,
    spring: ArrayLike | None = None,
    interlayer: Interlayer | Sequence[Interlayer] | None = None,
) -> AngleMap:
    """Transmission from the left against angle, branch by branch; swap the sides for the other direction.

    Parameters
    ----------
    left, right, spring, interlayer : as in `amm`
    angle : (n,) of incidence, 0 to below π/2, rad; 361 of them if None
    azimuth : of the plane of incidence from the x axis of the interface, rad
    omega : angular frequency, of effect with a spring or an interlayer only, rad s⁻¹

    Raises
    ------
    InputError
        for angles outside 0..π/2
    """
    left, right, between = medium(left), medium(right), contact(spring, interlayer)
    theta = np.linspace(0, np.pi / 2, 361, endpoint=False) if angle is None else numbers(angle)
    if not (theta.min(initial=0) >= 0 and theta.max(initial=0) < np.pi / 2):
        raise InputError(f"angles of incidence lie from 0 to below π/2, got {theta.min():g} to {theta.max():g}")
    speed, velocity = along(left, theta, azimuth)
    found: list[Array] = []
    passed = 1 if isinstance(left, Fluid) else 3  # rows of the scattering matrix from here on lead to the right
    for branch in range(speed.shape[1]):
        slowness = np.sin(theta) / speed[:, branch]
        azimuths = np.full(theta.size, azimuth)
        media = [waves(side, slowness, azimuths) for side in in_order(left, right, between)]
        wave = matching(media[0], np.cos(theta) / speed[:, branch], branch)
        crossing = probabilities(media, between, omega)[:, passed:]
        probability = np.take_along_axis(crossing, wave[:, None, None], axis=2)[:, :, 0]
        leaves = media[-1].branch[:, RIGHT]
        by_branch = np.einsum("nj,njb->nb", probability, leaves[:, :, None] == np.arange(leaves.shape[1]))
        found.append(np.where(velocity[:, branch, None] > 0, by_branch, np.nan))
    critical = critical_angles(left, right, azimuth=azimuth)
    return AngleMap(theta, np.stack(found, axis=1), critical, label(left, right, between))


def matching(own: Waves, normal: Array, branch: int) -> NDArray[np.intp]:
    """(n,) index of the right-going wave of this branch with this normal slowness (n,)."""
    distance = np.abs(own.slowness[:, RIGHT] - normal[:, None]) / np.abs(normal).max()
    return np.argmin(distance + 1e-6 * (own.branch[:, RIGHT] != branch), axis=1)


def along(side: Medium, angle: Array, azimuth: float) -> tuple[Array, Array]:
    """(n, m) speeds and normal group velocities of the branches at angles (n,) from the normal, m s⁻¹."""
    if isinstance(side, Elastic):
        return waves_along(side.reduced, directions(angle, np.full(angle.size, azimuth)))
    speeds = np.array([side.speed]) if isinstance(side, Fluid) else side.speeds
    return np.tile(speeds, (angle.size, 1)), np.cos(angle)[:, None] * speeds


def critical_angles(left: Medium, right: Medium, *, azimuth: float = 0.0) -> Array:
    r"""Angles of incidence beyond which a branch of the right side becomes evanescent.

    For isotropic sides $\sin\theta_c = c_i/c_j$ (Snell); in a crystal the in-plane slowness of the incoming wave
    reaches the largest one of the outgoing sheet.

    Parameters
    ----------
    left, right : side of incidence, and the other one
    azimuth : of the plane of incidence, rad

    Returns
    -------
    (m_L, m_R) rad; π/2 where the outgoing branch propagates at all angles
    """
    left, right = medium(left), medium(right)
    limits = sheet_limits(right, azimuth)
    reach = sheet_limits(left, azimuth)
    branch = np.repeat(np.arange(reach.size), limits.size)
    limit = np.tile(limits, reach.size)
    low, high = np.zeros(limit.size), np.full(limit.size, np.pi / 2)
    row = np.arange(limit.size)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        speed, velocity = along(left, middle, azimuth)
        below = (np.sin(middle) / speed[row, branch] < limit) & (velocity[row, branch] > 0)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    always = limit >= reach[branch] * (1 - 1e-12)
    return np.where(always, np.pi / 2, low).reshape(reach.size, limits.size)


def sheet_limits(side: Medium, azimuth: float) -> Array:
    """(m,) largest in-plane slowness of each branch in one plane, s m⁻¹."""
    if isinstance(side, Elastic):
        fine = np.linspace(0, np.pi, 721)
        speed, _ = along(side, fine, azimuth)
        rough = np.max(np.sin(fine)[:, None] / speed, axis=0)
        turns = turning_slownesses(side, np.array([azimuth]))[0]
        return turns[np.argmin(np.abs(turns[:, None] - rough), axis=0)]
    return 1 / (np.array([side.speed]) if isinstance(side, Fluid) else side.speeds)
