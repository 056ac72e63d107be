r"""Acoustic mismatch: plane waves refracted at a sharp interface, with all mode conversion.

Without an own length scale the probability $t_{ij}$ that a wave of branch i leaves as branch j depends on the in-plane
slowness $s$ alone, and

$\Xi(\omega) = \sum_{ij} S_{ij}\,\omega^2\,[\omega \le \min(\omega_i, \omega_j)], \qquad
S_{ij} = \int\frac{d^2s}{(2\pi)^2}\,t_{ij}(s)$

with the Debye cutoffs $\omega_i$.  As $t_{ij} = t_{ji}$, detailed balance holds identically, cutoffs included.
"""

from collections.abc import Sequence
from warnings import warn

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, frequencies
from kapitza.core.grid import frequency_grid, joined_edges, legendre
from kapitza.core.transmission import Transmission
from kapitza.errors import ValidityWarning
from kapitza.matter.elastic import Elastic
from kapitza.matter.slowness import azimuths
from kapitza.theory.acoustics import (
    Contact,
    Interlayer,
    Medium,
    branch_modes,
    contact,
    light,
    medium,
    scattering,
    turning_slownesses,
    waves,
)
from kapitza.theory.plane_waves import LEFT, RIGHT, Complex, Waves

# Gauss points between critical slownesses: rounding for closed forms, 1e-4 for two crystals; too few for the narrow
# surface wave of a crystal under a light liquid, see `light`
CLOSED_FORM, STROH = 40, 9
MOST_FRINGES = 300.0  # rad of phase in layers up to which the angles follow it
AT_ONCE = 30_000  # scattering matrices that are held in memory together


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
    left, right, between = medium(left), medium(right), contact(spring, interlayer)
    if light(left, right):
        warn(
            f"{left.name}|{right.name}: the surface wave of the crystal under so light a liquid is too narrow to be "
            "resolved, errors reach 15 %; take isotropic solids, or khalatnikov for both channels",
            ValidityWarning,
            stacklevel=2,
        )
    if omega is None:
        grid = frequency_grid(joined_edges(left.edges, right.edges))
        omega, weight = grid.omega, grid.weight
    else:
        omega, weight = frequencies(omega), None
    pairs = pair_modes(left, right, omega, between)
    open_left, open_right = ((omega[:, None] <= side.cutoffs) | (not cutoff) for side in (left, right))
    square = np.square(omega)
    m_left, m_right = square * (open_left @ branch_modes(left)), square * (open_right @ branch_modes(right))
    total = square * np.sum((open_left[:, None, :] @ pairs)[:, 0] * open_right, axis=1)
    total = np.minimum(total, np.minimum(m_left, m_right))  # what the quadrature over a crystal's angles leaves over
    return Transmission(omega, total, m_left, m_right, weight=weight, method=label(left, right, between))


def label(left: Medium, right: Medium, between: Contact) -> str:
    """Name of the method for legends."""
    middle = "".join(f"{layer.material.name} {layer.thickness * 1e9:.3g} nm|" for layer in between.layers)
    return f"AMM{'' if between.stiffness is None else ' with bond'} {left.name}|{middle}{right.name}"


def pair_modes(left: Medium, right: Medium, omega: Array, between: Contact | None = None) -> Array:
    r"""Modes that cross from each branch to each branch over $\omega^2$.

    Parameters
    ----------
    left, right : the half spaces, with m_L and m_R branches
    omega : (nω,) angular frequency, rad s⁻¹; without effect on a rigid contact
    between : the contact, rigid if None

    Returns
    -------
    (nω, m_L, m_R) $S_{ij}$, s² m⁻²; (1, m_L, m_R) for a rigid contact
    """
    between = between or Contact()
    at = nodes(left, right, between, float(np.max(omega, initial=0.0)))
    media = [waves(side, at.slowness, at.azimuth) for side in in_order(left, right, between)]
    chunk = max(1, AT_ONCE // at.slowness.size)
    pieces = range(1 if between.rigid else omega.size)[::chunk]
    return np.concatenate(
        [
            conversions(scattering(media, between, omega[start : start + chunk]), media[0], media[-1], at.weight)
            for start in pieces
        ]
    )


def in_order(left: Medium, right: Medium, between: Contact) -> list[Medium]:
    """All media from left to right."""
    return [left, *(layer.material for layer in between.layers), right]


@frozen(eq=False)
class Nodes:
    r"""Quadrature over the in-plane slowness.

    Attributes
    ----------
    slowness : (n,) s m⁻¹
    azimuth : (n,) rad
    weight : (n,) of $d^2s/(2\pi)^2$, s² m⁻²
    """

    slowness: Array
    azimuth: Array
    weight: Array


def nodes(left: Medium, right: Medium, between: Contact, omega: float, *, total: bool = False) -> Nodes:
    r"""Nodes of the integral over the slownesses that propagate on both sides (`total`: on either side).

    Each panel between critical slownesses is covered by $s = a + (b-a)\sin^2(\pi x/2)$ with Gauss points in x, which
    removes the square roots at both of its ends.

    Parameters
    ----------
    omega : highest angular frequency, rad s⁻¹; waves in thick layers oscillate faster with slowness
    """
    crystals = [side.reduced for side in in_order(left, right, between) if isinstance(side, Elastic)]
    azimuth, weight = azimuths(*crystals, inversion=not total)
    corners = [turning_slownesses(side, azimuth) for side in (left, right)]
    order = STROH if azimuth.size > 1 else CLOSED_FORM
    parts: list[Array] = []
    for i in range(azimuth.size):
        both = [corner[i] for corner in corners]
        last = max(c[-1] for c in map(np.sort, both)) if total else min(c.max() for c in both)
        extra = fringes(omega * last, between)
        slowness, width = panels(np.concatenate(both), last, order + extra)
        density = slowness * width * weight[i] / (2 * np.pi) ** 2
        parts.append(np.stack([slowness, np.full(slowness.size, azimuth[i]), density]))
    return Nodes(*np.concatenate(parts, axis=1))


def fringes(wavenumber: float, between: Contact) -> int:
    """Gauss points that the interference in layers asks for on each panel, and a warning where there are too many."""
    wanted = wavenumber * sum(layer.thickness for layer in between.layers)
    if wanted > MOST_FRINGES:
        warn(
            f"an interlayer of {wanted / wavenumber * 1e9:.3g} nm is {wanted / (2 * np.pi):.0f} wavelengths thick: its "
            "fringes are no longer resolved; take two interfaces in series",
            ValidityWarning,
            stacklevel=5,
        )
    return int(np.ceil(min(wanted, MOST_FRINGES)))


def panels(corners: Array, last: float, order: int) -> tuple[Array, Array]:
    """Nodes and weights on 0..last with square roots at each corner removed."""
    bounds = np.unique(np.concatenate([[0.0], corners[corners < last * (1 - 1e-9)], [last]]))
    bounds = bounds[np.diff(bounds, prepend=-last) > 1e-9 * last]  # one slowness may be found on several sheets
    start, width = bounds[:-1, None], np.diff(bounds)[:, None]
    x, weight = legendre(order)
    node = start + width * np.sin(np.pi * x / 2) ** 2
    return node.ravel(), (width * np.pi / 2 * np.sin(np.pi * x) * weight).ravel()


def conversions(matrix: Complex, left: Waves, right: Waves, weight: Array) -> Array:
    """(nω, m_L, m_R) weighted sum of the probabilities to cross from branch to branch, mean of both directions.

    The reverse way at a slowness is the forward way at the opposite one, so that both make up for half of the azimuths.
    """
    m = left.count
    probability = np.square(np.abs(matrix))
    forward = crossing(probability[..., m:, :m].swapaxes(-1, -2), left.branch[:, RIGHT], right.branch[:, RIGHT], weight)
    backward = crossing(probability[..., :m, m:], left.branch[:, LEFT], right.branch[:, LEFT], weight)
    return (forward + backward) / 2


def crossing(probability: Array, left: NDArray[np.intp], right: NDArray[np.intp], weight: Array) -> Array:
    """(nω, m_L, m_R) sum over nodes of the (nω, n, m_L, m_R) probabilities by branch (n, m) of either side."""
    at_left = (left[:, :, None] == np.arange(left.shape[1])) * weight[:, None, None]  # (n, wave, branch)
    at_right = (right[:, :, None] == np.arange(right.shape[1])).astype(float)
    sorted_ = at_left.swapaxes(-1, -2) @ probability @ at_right
    return sorted_.sum(axis=1)
