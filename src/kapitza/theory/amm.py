"""Acoustic mismatch: plane waves refracted at a sharp interface, with all mode conversion, by wave and by angle.

Without a length scale of the interface the probability $t_{ij}$ that a wave of branch i leaves as branch j depends on
the in-plane slowness alone; as $t_{ij} = t_{ji}$, detailed balance holds identically, Debye cutoffs included.
"""

from collections.abc import Sequence
from warnings import warn

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, ComplexArray, about, frequencies, numbers
from kapitza.core.modal import ModalTransmission
from kapitza.core.quadrature import frequency_grid, panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.elastic import Elastic, azimuth_quadrature, unit_directions, waves_along
from kapitza.matter.isotropic import Fluid
from kapitza.theory.plane_waves import (
    LEFT_GOING,
    RIGHT_GOING,
    Interlayer,
    Medium,
    PlanarContact,
    PlaneWaves,
    branch_modes,
    check_medium,
    interface_scattering,
    is_light_liquid,
    planar_contact,
    solve_plane_waves,
    turning_slownesses,
)

# Gauss points between critical slownesses: rounding for closed forms, 1e-4 for two crystals; too few for the narrow
# surface wave of a crystal under a light liquid, see `is_light_liquid`
_CLOSED_FORM_NODES, _STROH_NODES = 40, 9
_MAX_FRINGE_PHASE = 300.0  # rad of phase in layers up to which the angles follow it
_TABLE_COLUMNS = ("omega", "wavevector", "side", "branch", "velocity", "weight", "transmission", "specular")
_MAX_MATRICES = 30_000  # scattering matrices that are held in memory together
_ANGLE_HALVINGS = 50  # of an interval of angles


def amm(
    left: Medium,
    right: Medium,
    omega: ArrayLike | None = None,
    *,
    spring: ArrayLike | None = None,
    interlayer: Interlayer | Sequence[Interlayer] | None = None,
    cutoff: bool = True,
) -> Transmission:
    r"""Acoustic mismatch model with full mode conversion.

    Displacement and traction are continuous at a flat interface; waves of either side refract, reflect and convert into
    each other.  Isotropic solids are solved in closed form (P-SV and SH), crystals by Stroh's eigenvalue problem,
    liquids without shear.  The transmission is integrated over all in-plane slownesses between the critical ones.
    Elastic, long waves: dispersion enters by the Debye cutoff of each branch alone.

    Parameters
    ----------
    left, right : isotropic solids, elastic crystals or liquids
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None
    spring : normal and tangential stiffness $(K_n, K_t)$ of an imperfect bond, N m⁻³, across which the displacement
        jumps by $\sigma/K$; at normal incidence $t = 4Z_1Z_2/[(Z_1+Z_2)^2 + \omega^2Z_1^2Z_2^2/K^2]$
    interlayer : elastic layer(s) between the sides, from left to right, without loss and without cutoff of their own
    cutoff : False lets all branches continue for ever, so that $G \propto T^3$ as long as the chosen frequencies reach
        above the thermal ones

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for sides without elastic constants, stiffnesses that are not positive, and a spring together with an interlayer

    Warns
    -----
    ValidityWarning
        for a crystal and a liquid of less than 0.05 of its impedance: the leaky surface wave is too narrow for the
        quadrature, errors reach 15 % (liquid helium)

    References
    ----------
    W. A. Little, Can. J. Phys. 37, 334 (1959), doi:10.1139/p59-037
    E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), doi:10.1103/RevModPhys.61.605
    R. Prasher, Appl. Phys. Lett. 94, 041905 (2009) (spring)
    """
    left, right, between = check_medium(left), check_medium(right), planar_contact(spring, interlayer)
    if is_light_liquid(left, right):
        warn(
            f"{left.name}|{right.name}: the surface wave of the crystal under so light a liquid is too narrow to be "
            "resolved, errors reach 15 %; take isotropic solids, or khalatnikov for both channels",
            ValidityWarning,
            stacklevel=2,
        )
    if omega is None:
        grid = frequency_grid(left.edges, right.edges)
        omega, weight = grid.omega, grid.weight
    else:
        omega, weight = frequencies(omega), None
    pairs = branch_pair_modes(left, right, omega, between)
    open_left, open_right = ((omega[:, None] <= side.cutoffs) | (not cutoff) for side in (left, right))
    square = np.square(omega)
    m_left, m_right = square * (open_left @ branch_modes(left)), square * (open_right @ branch_modes(right))
    total = square * np.sum((open_left[:, None, :] @ pairs)[:, 0] * open_right, axis=1)
    total = np.minimum(total, np.minimum(m_left, m_right))  # what the quadrature over a crystal's angles leaves over
    return Transmission(omega, total, m_left, m_right, weight=weight, method=_method_label(left, right, between))


def _method_label(left: Medium, right: Medium, between: PlanarContact) -> str:
    middle = "".join(f"{layer.material.name} {layer.thickness * 1e9:.3g} nm|" for layer in between.layers)
    return f"AMM{'' if between.stiffness is None else ' with bond'} {left.name}|{middle}{right.name}"


def branch_pair_modes(left: Medium, right: Medium, omega: Array, between: PlanarContact | None = None) -> Array:
    r"""(nω, m_L, m_R) modes that cross from branch to branch over $\omega^2$, s² m⁻²; (1, ...) if rigid."""
    between = between or PlanarContact()
    at = slowness_quadrature(left, right, between, float(np.max(omega, initial=0.0)))
    media = [solve_plane_waves(side, at.slowness, at.azimuth) for side in _ordered_media(left, right, between)]
    near, far, m = media[0].branch, media[-1].branch, media[0].count
    chunk = max(1, _MAX_MATRICES // at.slowness.size)
    parts: list[Array] = []
    for start in range(1 if between.rigid else omega.size)[::chunk]:
        probability = np.square(np.abs(interface_scattering(media, between, omega[start : start + chunk])))
        forth, back = probability[..., m:, :m].swapaxes(-1, -2), probability[..., :m, m:]
        forward = _branch_crossing(forth, near[:, RIGHT_GOING], far[:, RIGHT_GOING], at.weight)
        backward = _branch_crossing(back, near[:, LEFT_GOING], far[:, LEFT_GOING], at.weight)
        # the way back is the way forth at the opposite slowness: half of the azimuths do
        parts.append((forward + backward) / 2)
    return np.concatenate(parts)


def _ordered_media(left: Medium, right: Medium, between: PlanarContact) -> list[Medium]:
    return [left, *(layer.material for layer in between.layers), right]


@frozen(eq=False)
class SlownessQuadrature(BaseRecord):
    r"""Quadrature over the in-plane slowness."""

    slowness: Array  # (n,) s m⁻¹
    azimuth: Array  # (n,) rad
    weight: Array  # (n,) of $d^2s/(2\pi)^2$, s² m⁻²


def slowness_quadrature(
    left: Medium, right: Medium, between: PlanarContact, omega: float, *, either_side: bool = False
) -> SlownessQuadrature:
    r"""Nodes of the integral over the slownesses that propagate on both sides (`either_side`: on one at least).

    Each panel between critical slownesses is covered by $s = a + (b-a)\sin^2(\pi x/2)$ with Gauss points in x, which
    removes the square roots at its ends; the highest omega counts where thick layers make fringes.
    """
    crystals = [side.reduced for side in _ordered_media(left, right, between) if isinstance(side, Elastic)]
    azimuth, weight = azimuth_quadrature(*crystals, inversion=not either_side)
    corners = [turning_slownesses(side, azimuth) for side in (left, right)]
    order = _STROH_NODES if azimuth.size > 1 else _CLOSED_FORM_NODES
    parts: list[Array] = []
    for i in range(azimuth.size):
        both = [corner[i] for corner in corners]
        last = max(c[-1] for c in map(np.sort, both)) if either_side else min(c.max() for c in both)
        extra = _fringe_nodes(omega * last, between)
        slowness, width = corner_quadrature(np.concatenate(both), last, order + extra)
        density = slowness * width * weight[i] / (2 * np.pi) ** 2
        parts.append(np.stack([slowness, np.full(slowness.size, azimuth[i]), density]))
    return SlownessQuadrature(*np.concatenate(parts, axis=1))


def _fringe_nodes(wavenumber: float, between: PlanarContact) -> int:
    """Gauss points that the interference in layers asks for on each panel, and a warning where there are too many."""
    wanted = wavenumber * sum(layer.thickness for layer in between.layers)
    if wanted > _MAX_FRINGE_PHASE:
        warn(
            f"an interlayer of {wanted / wavenumber * 1e9:.3g} nm is {wanted / (2 * np.pi):.0f} wavelengths thick: its "
            "fringes are no longer resolved; take two interfaces in series",
            ValidityWarning,
            stacklevel=5,
        )
    return int(np.ceil(min(wanted, _MAX_FRINGE_PHASE)))


def corner_quadrature(corners: Array, last: float, order: int) -> tuple[Array, Array]:
    """Nodes and weights on 0..last with square roots at each corner removed."""
    bounds = np.unique(np.concatenate([[0.0], corners[corners < last * (1 - 1e-9)], [last]]))
    bounds = bounds[np.diff(bounds, prepend=-last) > 1e-9 * last]  # one slowness may be found on several sheets
    return panel_quadrature(bounds, order, roots=True)


def _branch_crossing(probability: Array, left: NDArray[np.intp], right: NDArray[np.intp], weight: Array) -> Array:
    """(nω, m_L, m_R) sum over nodes of the (nω, n, m_L, m_R) probabilities by branch (n, m) of either side."""
    at_left = (left[:, :, None] == np.arange(left.shape[1])) * weight[:, None, None]  # (n, wave, branch)
    at_right = (right[:, :, None] == np.arange(right.shape[1])).astype(float)
    return (at_left.swapaxes(-1, -2) @ probability @ at_right).sum(axis=1)


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

    Examples
    --------
    >>> from kapitza import solid
    >>> from kapitza.theory import amm_modes
    >>> from kapitza.units import THz
    >>> waves = amm_modes(solid("Si"), solid("Ge"), [0.5 * THz])
    >>> print(0 <= waves.transmission.min() and waves.transmission.max() <= 1 + 1e-9)
    True
    """
    left, right, between = check_medium(left), check_medium(right), planar_contact(spring, interlayer)
    wanted = frequencies(0.01 * min(left.edges[-1], right.edges[-1]) if omega is None else omega)
    if wanted.size and wanted[0] <= 0:
        raise InputError(f"no wave arrives at ω = {wanted[0]:g} rad/s: expected frequencies above 0")
    at = slowness_quadrature(left, right, between, float(wanted.max(initial=0)), either_side=True)
    media = [solve_plane_waves(side, at.slowness, at.azimuth) for side in _ordered_media(left, right, between)]
    columns = [_incident_wave_columns(one, media, (left, right), between, at) for one in wanted]
    return ModalTransmission(
        **{name: np.concatenate(parts) for name, *parts in zip(_TABLE_COLUMNS, *columns, strict=True)},
        method=_method_label(left, right, between),
    )


def _scattering_probabilities(media: Sequence[PlaneWaves], between: PlanarContact, omega: float) -> Array:
    """(n, k, k) probability of each outgoing wave for each incoming one, 0 among evanescent ones."""
    matrix: ComplexArray = interface_scattering(media, between, np.array([omega]))[0]
    near, far = media[0].branch, media[-1].branch
    leaving = np.concatenate([near[:, LEFT_GOING], far[:, RIGHT_GOING]], axis=1) >= 0
    arriving = np.concatenate([near[:, RIGHT_GOING], far[:, LEFT_GOING]], axis=1) >= 0
    return np.square(np.abs(matrix)) * leaving[:, :, None] * arriving[:, None, :]


def _incident_wave_columns(
    omega: float,
    media: Sequence[PlaneWaves],
    sides: tuple[Medium, Medium],
    between: PlanarContact,
    at: SlownessQuadrature,
) -> tuple[NDArray[np.generic], ...]:
    probability, m = _scattering_probabilities(media, between, omega), media[0].count
    frame = np.stack([at.slowness * np.cos(at.azimuth), at.slowness * np.sin(at.azimuth)], axis=1)
    parts: list[tuple[NDArray[np.generic], ...]] = []
    ways = ((media[0], media[-1], RIGHT_GOING), (media[-1], media[0], LEFT_GOING))
    for side, (arriving, other, way) in enumerate(ways):
        here, there = (slice(None, m), slice(m, None))[:: 1 - 2 * side]
        crosses = probability[:, there, here].swapaxes(-1, -2)  # (n, incoming, outgoing)
        leaves = other.branch[:, way]
        open_there = (leaves >= 0) & (omega <= sides[1 - side].cutoffs[leaves])
        crossing = np.sum(crosses * open_there[:, None], axis=2)
        branch = arriving.branch[:, way]
        node, wave = np.nonzero((branch >= 0) & (omega <= sides[side].cutoffs[branch]))
        normal = arriving.slowness[node, way, wave].real
        t = np.minimum(crossing[node, wave], 1.0)
        parts.append(
            (
                np.full(node.size, omega),
                omega * np.column_stack([frame[node], normal]),
                np.full(node.size, side),
                branch[node, wave],
                arriving.velocity[node, way, wave],
                omega**2 * at.weight[node],
                t,
                t,
            )
        )
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@frozen(eq=False)
class AngleMap(BaseRecord):
    """Transmission of each incoming branch against the angle of incidence, in one plane.

    Attributes
    ----------
    transmission : from each incoming to each outgoing branch; NaN where the incoming wave vector carries energy away
    """

    angle: Array = field(metadata=about("rad", "(n,) between wave vector and normal"))
    transmission: Array = field(metadata=about("1", "(n, m_L, m_R) probability by branches"))
    critical: Array = field(metadata=about("rad", "(m_L, m_R) where the outgoing branch gets evanescent, or π/2"))
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
    left, right, between = check_medium(left), check_medium(right), planar_contact(spring, interlayer)
    theta = np.linspace(0, np.pi / 2, 361, endpoint=False) if angle is None else numbers(angle)
    if not (theta.min(initial=0) >= 0 and theta.max(initial=0) < np.pi / 2):
        raise InputError(f"angles of incidence lie from 0 to below π/2, got {theta.min():g} to {theta.max():g}")
    speed, velocity = _speeds_at_angles(left, theta, azimuth)
    found: list[Array] = []
    passed = 1 if isinstance(left, Fluid) else 3  # rows of the scattering matrix from here on lead to the right
    for branch in range(speed.shape[1]):
        slowness = np.sin(theta) / speed[:, branch]
        azimuths = np.full(theta.size, azimuth)
        media = [solve_plane_waves(side, slowness, azimuths) for side in _ordered_media(left, right, between)]
        # the right-going wave of this branch with this normal slowness
        normal = np.cos(theta) / speed[:, branch]
        distance = np.abs(media[0].slowness[:, RIGHT_GOING] - normal[:, None]) / np.abs(normal).max()
        wave = np.argmin(distance + 1e-6 * (media[0].branch[:, RIGHT_GOING] != branch), axis=1)
        crossing = _scattering_probabilities(media, between, omega)[:, passed:]
        probability = np.take_along_axis(crossing, wave[:, None, None], axis=2)[:, :, 0]
        leaves = media[-1].branch[:, RIGHT_GOING]
        by_branch = np.einsum("nj,njb->nb", probability, leaves[:, :, None] == np.arange(leaves.shape[1]))
        found.append(np.where(velocity[:, branch, None] > 0, by_branch, np.nan))
    critical = critical_angles(left, right, azimuth=azimuth)
    return AngleMap(theta, np.stack(found, axis=1), critical, _method_label(left, right, between))


def _speeds_at_angles(side: Medium, angle: Array, azimuth: float) -> tuple[Array, Array]:
    """(n, m) speeds and normal group velocities of the branches at angles (n,) from the normal, m s⁻¹."""
    if isinstance(side, Elastic):
        return waves_along(side.reduced, unit_directions(angle, np.full(angle.size, azimuth)))
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
    left, right = check_medium(left), check_medium(right)
    limits = _slowness_limits(right, azimuth)
    reach = _slowness_limits(left, azimuth)
    branch = np.repeat(np.arange(reach.size), limits.size)
    limit = np.tile(limits, reach.size)
    low, high = np.zeros(limit.size), np.full(limit.size, np.pi / 2)
    row = np.arange(limit.size)
    for _ in range(_ANGLE_HALVINGS):
        middle = (low + high) / 2
        speed, velocity = _speeds_at_angles(left, middle, azimuth)
        below = (np.sin(middle) / speed[row, branch] < limit) & (velocity[row, branch] > 0)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    always = limit >= reach[branch] * (1 - 1e-12)
    return np.where(always, np.pi / 2, low).reshape(reach.size, limits.size)


def _slowness_limits(side: Medium, azimuth: float) -> Array:
    """(m,) largest in-plane slowness of each branch in one plane, s m⁻¹."""
    if isinstance(side, Elastic):
        fine = np.linspace(0, np.pi, 721)
        speed, _ = _speeds_at_angles(side, fine, azimuth)
        rough = np.max(np.sin(fine)[:, None] / speed, axis=0)
        turns = turning_slownesses(side, np.array([azimuth]))[0]
        return turns[np.argmin(np.abs(turns[:, None] - rough), axis=0)]
    return 1 / (np.array([side.speed]) if isinstance(side, Fluid) else side.speeds)
