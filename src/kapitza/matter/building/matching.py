r"""Common periods of two surfaces: supercells of both that differ by a small strain.

All supercells up to an area are listed, brought to their shortest vectors and compared, after A. Zur and T. C. McGill,
J. Appl. Phys. 55, 378 (1984), doi:10.1063/1.333084.  (pymatgen does the same and weighs 400 MB; the search is short.)
With the periods A of the left and B of the right surface, $F$ with $N_RBF = N_LA$ brings one onto the other; its
singular values less one are the principal strains, its rotation is the twist of the right crystal.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, check_choice, finite_array, integer_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import angstrom

StrainedSide = Literal["left", "right", "both"]

MAX_MATCH_AREA = 400 * angstrom**2
MAX_MATCH_STRAIN = 0.05
_AREA_TOLERANCE = 1e-6  # relative: areas that differ by less are the same
_STRAIN_TOLERANCE = 1e-4  # strains that differ by less are the same
_EQUIVALENT_BASES = np.array(  # other bases of a reduced lattice, as short or nearly
    [m for m in product((-1, 0, 1), repeat=4) if m[0] * m[3] - m[1] * m[2] == 1], dtype=np.int64
).reshape(-1, 2, 2)


@frozen(eq=False)
class SurfaceMatch(BaseRecord):
    """Periods common to two surfaces: `left` @ those of the left one, `right` @ those of the right one.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.lattice import match_surfaces
    >>> al, si = (np.eye(2) * side for side in (4.05e-10, 5.431e-10))  # (001) faces of cubic cells
    >>> best = match_surfaces(al, si, strain=0.02, twist=0.0)[0]
    >>> print(np.linalg.det(best.left).round(), "cells of Al on", np.linalg.det(best.right).round(), "of Si")
    16.0 cells of Al on 9.0 of Si
    >>> print(f"strained by {best.strain[0]:.2%}")
    strained by -0.57%
    """

    left: IntArray = field(converter=integer_array, metadata=about("1", "(2, 2) in periods of the left surface"))
    right: IntArray = field(converter=integer_array, metadata=about("1", "(2, 2) in periods of the right surface"))
    strain: Array = field(converter=finite_array, metadata=about("1", "(2,) principal, of the right one, larger first"))
    twist: float = field(metadata=about("rad", "turn of the right crystal about the normal"))
    area: float = field(metadata=about("m^2", "of the common cell, on the left"))


def match_surfaces(
    left: ArrayLike,
    right: ArrayLike,
    *,
    strain: float = MAX_MATCH_STRAIN,
    area: float = MAX_MATCH_AREA,
    twist: float | None = None,
) -> list[SurfaceMatch]:
    """Find common periods of two surfaces, the smallest first, of equal ones the least strained.

    Parameters
    ----------
    left, right : (2, 3) or (2, 2) periods of the surfaces in their planes, m
    strain : largest principal strain
    area : of the largest common cell, m²
    twist : turn the right crystal by this angle, rad (to 0.5°), and no other; None: by any

    Returns
    -------
    At least one match; of each area only the least strained one of every twist

    Raises
    ------
    InputError
        if nothing matches; the message names the best that is near
    """
    one, other = in_plane_periods(left), in_plane_periods(right)
    if not (0 < strain < 0.5 and area > 0):
        raise InputError(f"strain = {strain:g}, area = {area:g} m², wanted a strain from 0 to 0.5 and an area above 0")
    sizes = float(np.linalg.det(one)), float(np.linalg.det(other))
    found: list[SurfaceMatch] = []
    best = np.inf
    for n in range(1, int(area / sizes[0] * (1 + _AREA_TOLERANCE)) + 1):
        low, high = (n * sizes[0] / sizes[1] * (1 + sign * strain) ** 2 for sign in (-1, 1))
        near = {max(1, round(n * sizes[0] / sizes[1]))}  # for the message where none is near enough
        for m in near | set(range(max(1, int(np.ceil(low - _AREA_TOLERANCE))), int(high + _AREA_TOLERANCE) + 1)):
            fits = best_supercell_matches(one, other, n, m, twist)
            best = min([best, *(abs(fit.strain[0]) for fit in fits)])
            found += [fit for fit in fits if abs(fit.strain[0]) <= strain]
        if found and len({round(fit.area / sizes[0]) for fit in found}) >= 3:  # areas only grow from here
            break
    if not found:
        most = f"; the best one is strained by {100 * best:.2g} %" if np.isfinite(best) else ""
        raise InputError(
            f"no common cell up to {area / angstrom**2:.0f} Å² is strained by {100 * strain:.2g} % or less{most}: "
            "allow more strain or a larger area"
        )
    return sorted(found, key=lambda fit: (round(fit.area / sizes[0]), abs(fit.strain[0]), abs(fit.twist)))


def equal_matches(fits: Sequence[SurfaceMatch]) -> list[SurfaceMatch]:
    """The first match and those of its area that are strained alike: they differ in the twist."""
    area, strain = fits[0].area * (1 + _AREA_TOLERANCE), abs(fits[0].strain[0]) + _STRAIN_TOLERANCE
    return [fit for fit in fits if fit.area < area and abs(fit.strain[0]) < strain]


def common_cell(fits: Sequence[SurfaceMatch], repeats: tuple[int, int] = (1, 1)) -> tuple[IntArray, list[IntArray]]:
    """(2, 2) cell of the left crystal, repeated, in which the cells of all matches fit a whole number of times, and the
    same cell in periods of the other crystal of each match.
    """
    grid = fits[0].left
    for fit in fits[1:]:
        ratio = grid @ np.linalg.inv(fit.left)
        if np.abs(ratio - np.round(ratio)).max() > 1e-6:
            grid = round(abs(float(np.linalg.det(fit.left)))) * grid  # det N times any lattice vector is one of N
    grid = np.diag(integer_array(repeats)) @ grid
    return grid, [np.round(grid @ np.linalg.inv(fit.left)).astype(np.int64) @ fit.right for fit in fits]


def in_plane_periods(periods: ArrayLike) -> Array:
    """(2, 2) in-plane coordinates of two periods, right-handed."""
    array = finite_array(periods)
    if array.shape == (2, 3) and np.abs(array[:, 2]).max() < _AREA_TOLERANCE * np.abs(array).max():
        array = array[:, :2]
    if array.shape != (2, 2) or not np.linalg.det(array) > 0:
        raise InputError(
            f"periods {array.tolist()!s:.120} of shape {array.shape}: wanted two vectors in the plane, the second one "
            "to the left of the first"
        )
    return array


def in_plane_deformation(old: Array, new: Array) -> Array:
    """(3, 3) deformation that brings periods (2, 2) onto others, vectors in rows; heights stay."""
    deformation = np.eye(3)
    deformation[:2, :2] = np.linalg.inv(old) @ new
    return deformation


def best_supercell_matches(left: Array, right: Array, n: int, m: int, twist: float | None) -> list[SurfaceMatch]:
    """Matches of supercells of n left and m right cells, the least strained one of each twist."""
    ours, theirs = supercell_bases(left, n), supercell_bases(right, m)
    big = _EQUIVALENT_BASES @ ours[:, None]  # (a, t, 2, 2) integers
    shape = np.einsum("atij,jk->atik", big, left)
    other = theirs @ right
    # row vectors: B F = A, so F = B⁻¹ A
    map_ = np.einsum("bij,atjk->abtik", np.linalg.inv(other), shape)
    u, stretch, v = np.linalg.svd(map_)
    turn = u @ v  # polar decomposition: the rotation nearest to the deformation
    angle = np.arctan2(turn[..., 0, 1], turn[..., 0, 0])
    strain = np.abs(stretch - 1).max(axis=-1)
    if twist is not None:
        strain = np.where(np.abs((angle - twist + np.pi) % (2 * np.pi) - np.pi) < np.radians(0.5), strain, np.inf)
    area = n * float(np.linalg.det(left))
    matches: dict[int, SurfaceMatch] = {}
    for flat_index in np.lexsort((np.abs(angle).ravel().round(6), strain.ravel().round(9)))[:48]:
        a, b, t = np.unravel_index(int(flat_index), strain.shape)
        if not np.isfinite(strain[a, b, t]):
            break
        principal, twist_angle = stretch[a, b, t] - 1, float(angle[a, b, t])
        fit = SurfaceMatch(big[a, t], theirs[b], principal[np.argsort(-np.abs(principal))], twist_angle, area)
        matches.setdefault(round(np.degrees(twist_angle) * 10), fit)
    return list(matches.values())


def supercell_bases(periods: Array, n: int) -> IntArray:
    """(k, 2, 2) all lattices of n cells, each by integers N with short N @ periods of positive area."""
    found: list[IntArray] = []
    for a in range(1, n + 1):
        if n % a == 0:  # Hermite normal forms: each sublattice of index n once
            found += [gauss_reduction(np.array([[a, b], [0, n // a]]), periods) for b in range(n // a)]
    return np.unique(np.array(found), axis=0)


def gauss_reduction(grid: IntArray, periods: Array) -> IntArray:
    """(2, 2) integers of the shortest vectors of the same lattice (Gauss), of positive area."""
    one, other = grid.copy()
    for _ in range(100):
        a, b = one @ periods, other @ periods
        if a @ a > b @ b * (1 + _AREA_TOLERANCE):
            one, other = other, one
            a, b = b, a
        step = round(float(a @ b / (a @ a)))
        if not step:  # neither vector can be shortened by the other
            break
        other = other - step * one
    found = np.array([one, other])
    return found if np.linalg.det(found) > 0 else np.array([one, -other])


def common_periods(left: ArrayLike, right: ArrayLike, fit: SurfaceMatch, strained: StrainedSide = "right") -> Array:
    """(2, 3) periods of the junction, m: those of the left surface, of the right one, or halfway."""
    check_choice(strained, ("left", "right", "both"), "side to be strained")
    a = fit.left @ in_plane_periods(left)
    c, s = np.cos(fit.twist), np.sin(fit.twist)
    b = fit.right @ in_plane_periods(right) @ np.array([[c, s], [-s, c]])
    share = {"right": 0.0, "both": 0.5, "left": 1.0}[strained]
    return np.column_stack([(1 - share) * a + share * b, np.zeros(2)])
