r"""Elastic crystals without dispersion in any orientation to the interface: stiffness of a crystal class from its
independent constants, slowness surfaces, speeds of polycrystals.
"""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
from attrs import converters, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, check_plausible, number, positive, quantity, square, without_unit
from kapitza.core.quadrature import merge_edges
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import unit_vector, z_axis
from kapitza.matter.isotropic import Solid
from kapitza.units import GPa

_VOIGT_INDEX = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])  # Voigt index of each pair of axes
# azimuths on the full circle; divisible by 2, 3, 4 and 6 so that every point symmetry keeps the set
_CIRCLE_AZIMUTHS = 96
_POLAR_STEPS = 120  # polar angles between which turning points are looked for
_POLAR_BISECTIONS = 20  # of a polar step: the slowness is stationary there, so its error is below 1e-13
# which entries of the Voigt matrix each independent constant fills, with its sign
VOIGT_ENTRIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "isotropic": {"C11": "11 22 33", "C44": "44 55 66"},
        "cubic": {"C11": "11 22 33", "C12": "12 13 23", "C44": "44 55 66"},
        "hexagonal": {"C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55"},
        "trigonal": {
            "C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55",
            "C14": "14 -24 56", "C15": "15 -25 -46",
        },
        "tetragonal": {
            "C11": "11 22", "C12": "12", "C13": "13 23", "C33": "33", "C44": "44 55", "C66": "66", "C16": "16 -26",
        },
        "orthorhombic": {f"C{ij}": str(ij) for ij in (11, 12, 13, 22, 23, 33, 44, 55, 66)},
        "monoclinic": {f"C{ij}": str(ij) for ij in (11, 12, 13, 15, 22, 23, 25, 33, 35, 44, 46, 55, 66)},
    }
)  # fmt: skip
_OPTIONAL_CONSTANTS = ("C15", "C16")  # zero in the crystal classes of higher symmetry
REDUNDANT_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {"hexagonal": "C66", "trigonal": "C66"}
)  # (C11 - C12)/2, may be stated
LATTICE_PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cubic": ("a",),
        "hexagonal": ("a", "c"),
        "trigonal": ("a", "c"),
        "tetragonal": ("a", "c"),
        "orthorhombic": ("a", "b", "c"),
        "monoclinic": ("a", "b", "c", "beta"),
    }
)


def stiffness_matrix(symmetry: str, constants: Mapping[str, float]) -> Array:
    """(6, 6) Voigt matrix of a crystal class, Pa: J. F. Nye, Physical Properties of Crystals (Oxford, 1957), table 9.

    Axes: z is the four-, six- or threefold axis; in monoclinic crystals y is the unique axis b. In trigonal crystals x
    is a twofold axis (a), and the sign of $C_{14}$ says which of the two settings of the rhombohedron is meant: a turn
    by 180° about z reverses $C_{14}$ and $C_{15}$. $C_{66} = (C_{11} - C_{12})/2$ of hexagonal and trigonal crystals
    may be among the `constants` and is then taken as it stands; C15 (trigonal) and C16 (tetragonal) may be left out.
    """
    if symmetry not in VOIGT_ENTRIES:
        raise InputError(f"no stiffness for symmetry {symmetry!r}; known are {', '.join(VOIGT_ENTRIES)}")
    fills, extra = VOIGT_ENTRIES[symmetry], REDUNDANT_CONSTANTS.get(symmetry)
    missing = [name for name in fills if name not in constants and name not in _OPTIONAL_CONSTANTS]
    surplus = [name for name in constants if name not in fills and name != extra]
    if missing or surplus:
        wrong = f"{', '.join(missing)} missing" if missing else f"{', '.join(surplus)} not independent"
        raise InputError(f"{symmetry} stiffness: {wrong}; wanted {', '.join(fills)}")
    matrix = np.zeros((6, 6))
    for name, places in fills.items():
        for place in places.split():
            i, j = int(place[-2]) - 1, int(place[-1]) - 1
            matrix[i, j] = matrix[j, i] = (-1 if place[0] == "-" else 1) * constants.get(name, 0.0)
    if symmetry == "isotropic":
        matrix[:3, :3] += (constants["C11"] - 2 * constants["C44"]) * (1 - np.eye(3))
    if extra is not None:
        matrix[5, 5] = constants.get(extra, (constants["C11"] - constants["C12"]) / 2)
    if not np.isfinite(matrix).all():
        raise InputError(f"{symmetry} stiffness: expected finite constants, got {dict(constants)}")
    return matrix


def cell_volume(symmetry: str, lattice: Mapping[str, float]) -> float:
    """Volume of the conventional cell, m³, from a, b, c (m) and beta (rad); trigonal cells in hexagonal axes."""
    names = LATTICE_PARAMETERS.get(symmetry, ())
    if not names or set(names) != set(lattice):
        raise InputError(f"{symmetry} cell: got {', '.join(lattice) or 'nothing'}, wanted {', '.join(names) or 'none'}")
    a = lattice["a"]
    volume = a * lattice.get("b", a) * lattice.get("c", a) * float(np.sin(lattice.get("beta", np.pi / 2)))
    return volume * (np.sqrt(3) / 2 if symmetry in ("hexagonal", "trigonal") else 1.0)


def stiffness_tensor(stiffness: Array) -> Array:
    """(3, 3, 3, 3) tensor of a (6, 6) Voigt matrix, same unit."""
    return stiffness[_VOIGT_INDEX[:, :, None, None], _VOIGT_INDEX[None, None]]


def rotate_tensor(full: Array, rotation: Array) -> Array:
    """(..., 3, 3, 3, 3) tensor in the axes that are the rows of `rotation` (..., 3, 3)."""
    half = np.einsum("...ia,...jb,abcd->...ijcd", rotation, rotation, full, optimize=True)
    return np.einsum("...kc,...ld,...ijcd->...ijkl", rotation, rotation, half, optimize=True)


def axes_about_z(azimuth: Array) -> Array:
    """(..., 3, 3) axes turned by an angle about z, rad."""
    axes = np.zeros((*np.shape(azimuth), 3, 3))
    axes[..., 0, 0] = axes[..., 1, 1] = np.cos(azimuth)
    axes[..., 0, 1] = np.sin(azimuth)
    axes[..., 1, 0] = -axes[..., 0, 1]
    axes[..., 2, 2] = 1
    return axes


def waves_along(reduced: Array, direction: Array) -> tuple[Array, Array]:
    """(n, 3) phase speeds and z components of the group velocities along unit vectors, m s⁻¹, fastest branch first."""
    half = (direction @ reduced.transpose(3, 0, 1, 2).reshape(3, 27)).reshape(-1, 3, 3, 3)  # c_ijkl n_l
    square, shape = np.linalg.eigh(np.einsum("nijk,nj->nik", half, direction))
    speed = np.sqrt(np.maximum(square, 0))[:, ::-1]
    shape = shape[:, :, ::-1]
    velocity = np.einsum("nib,nik,nkb->nb", shape, half[:, :, 2], shape, optimize=True) / speed
    return speed, velocity


def unit_directions(polar: Array, azimuth: Array) -> Array:
    """(n, 3) unit vectors of polar angles from z and azimuths from x, rad."""
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)


@frozen(eq=False)
class TurningPoints(BaseRecord):
    """Where slowness sheets turn back: the normal group velocity vanishes and the in-plane slowness is extreme."""

    azimuth: NDArray[np.intp]  # (n,) index of the azimuth
    branch: NDArray[np.intp]  # (n,) 0 the fastest
    slowness: Array  # (n,) in-plane slowness, s m⁻¹
    sign: Array  # (n,) +1 for a largest, −1 for a smallest slowness


def turning_points(reduced: Array, azimuth: Array) -> TurningPoints:
    """Turning points of all three sheets in the half planes of these azimuths (nφ,), rad."""
    polar = np.linspace(0, np.pi, _POLAR_STEPS + 1)
    both = np.meshgrid(polar, azimuth)
    speed, velocity = waves_along(reduced, unit_directions(both[0].ravel(), both[1].ravel()))
    up = (velocity > 0).reshape(azimuth.size, polar.size, 3)
    up[:, 0], up[:, -1] = True, False  # along the normal the sheets rise, whatever rounding says
    where, step, branch = np.nonzero(up[:, :-1] != up[:, 1:])
    sign = np.where(up[where, step, branch], 1.0, -1.0)
    low, high, row = polar[step], polar[step + 1], np.arange(where.size)
    for _ in range(_POLAR_BISECTIONS):
        middle = (low + high) / 2
        _, velocity = waves_along(reduced, unit_directions(middle, azimuth[where]))
        before = velocity[row, branch] * sign > 0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    speed, _ = waves_along(reduced, unit_directions((low + high) / 2, azimuth[where]))
    return TurningPoints(where, branch, np.sin((low + high) / 2) / speed[row, branch], sign)


def azimuth_quadrature(*reduced: Array, inversion: bool = True) -> tuple[Array, Array]:
    """Azimuths and weights (rad, sum 2π) that integrate over the circle, in the sector left by symmetries of all
    tensors. Elasticity itself is even under `inversion`: opposite azimuths then give the same.
    """
    if _is_invariant(reduced, axes_about_z(np.array(0.7))):
        return np.array([0.0]), np.array([2 * np.pi])
    fold = max(n for n in (1, 2, 3, 4, 6) if _is_invariant(reduced, axes_about_z(np.array(2 * np.pi / n))))
    fold *= 2 if inversion and fold % 2 else 1
    sector = 2 * fold if _is_invariant(reduced, np.diag([1.0, -1.0, 1.0])) else fold
    count = _CIRCLE_AZIMUTHS // sector
    return (np.arange(count) + 0.5) * 2 * np.pi / _CIRCLE_AZIMUTHS, np.full(count, 2 * np.pi / count)


def _is_invariant(reduced: tuple[Array, ...], rotation: Array) -> bool:
    """Whether all tensors look the same from turned axes, to 1e-9 of their largest entry."""
    return all(np.abs(rotate_tensor(one, rotation) - one).max() <= 1e-9 * np.abs(one).max() for one in reduced)


_LOWEST_SPEED, _HIGHEST_SPEED = 10.0, 1e5  # m s⁻¹: what lies outside was given in other units


@frozen(eq=False)
class Elastic(BaseRecord):
    r"""Elastic crystal: long waves at any angle, each branch up to a Debye cutoff of its own.

    The cutoff of a branch is that of a sphere of one mode per atom,
    $\omega_b = (6\pi^2 n/\langle c_b^{-3}\rangle)^{1/3}$ with the mean over all directions.  Branches are sorted by
    speed in each direction, 0 the fastest.

    Attributes
    ----------
    inplane : in the axes of the crystal; None for the crystal's x (y where x is the normal)

    Raises
    ------
    InputError
        for a stiffness that is not symmetric or not positive definite, for speeds of sound outside 10 m s⁻¹ to
        100 km s⁻¹, densities and numbers of atoms that only another unit can explain, and for an in-plane
        direction along the normal

    References
    ----------
    F. Mouhat and F.-X. Coudert, Phys. Rev. B 90, 224104 (2014), doi:10.1103/PhysRevB.90.224104 (stability)
    """

    name: str
    stiffness: Array = field(converter=square, metadata=about("Pa", "(6, 6) Voigt matrix in the axes of the crystal"))
    density: float = field(converter=number, validator=quantity(), metadata=about("kg m^-3", "mass density"))
    atoms: float = field(converter=number, validator=quantity(), metadata=about("m^-3", "number density"))
    normal: Array = field(
        factory=z_axis, converter=unit_vector, metadata=about("1", "(3,) of the interface, in the axes of the crystal")
    )
    inplane: Array | None = field(
        default=None,
        converter=converters.optional(unit_vector),
        metadata=about("1", "(3,) its in-plane part becomes x"),
    )

    def __attrs_post_init__(self) -> None:
        check_plausible("density", self.density, 20.0, 4e4, "kg/m³", self.name)
        check_plausible("atoms", self.atoms, 1e26, 5e29, "m⁻³", self.name)
        stiffness, name = self.stiffness, self.name
        if stiffness.shape != (6, 6):
            raise InputError(f"{name}: expected a (6, 6) stiffness in Voigt order, got {stiffness.shape}")
        skew = np.abs(stiffness - stiffness.T)
        if skew.max() > 1e-6 * np.abs(stiffness).max():
            i, j = (int(k) for k in np.unravel_index(int(np.argmax(skew)), (6, 6)))
            raise InputError(
                f"{name}: the stiffness is not symmetric: C{i + 1}{j + 1} = {stiffness[i, j] / GPa:g} GPa, "
                f"C{j + 1}{i + 1} = {stiffness[j, i] / GPa:g} GPa"
            )
        lowest = float(np.linalg.eigvalsh(stiffness)[0])
        if lowest <= 0:
            raise InputError(
                f"{name}: the stiffness is unstable, its lowest eigenvalue is {lowest / GPa:g} GPa; "
                "check signs, and that C12 is below C11"
            )
        fastest = float(np.sqrt(stiffness.max() / self.density))
        if not _LOWEST_SPEED <= fastest <= _HIGHEST_SPEED:
            raise InputError(
                f"{name}: a stiffness of {stiffness.max():g} Pa with a density of {self.density:g} kg/m³ makes sound "
                f"run at {fastest:.3g} m/s: GPa given as Pa, or g/cm³ as kg/m³?"
            )
        self.rotation  # noqa: B018  an in-plane direction along the normal is refused here

    @property
    def rotation(self) -> Array:
        """(3, 3) axes of the interface as rows, in the axes of the crystal."""
        hint = self.inplane
        if hint is None:
            hint = np.array([1.0, 0, 0]) if abs(self.normal[0]) < 1 - 1e-9 else np.array([0.0, 1, 0])
        x = hint - (hint @ self.normal) * self.normal
        if np.linalg.norm(x) < 1e-6:
            raise InputError(f"{self.name}: the in-plane direction {hint} lies along the normal {self.normal}")
        x /= np.linalg.norm(x)
        x -= (x @ self.normal) * self.normal  # once more: rounding counts where the hint is near the normal
        x /= np.linalg.norm(x)
        return np.array([x, np.cross(self.normal, x), self.normal])

    @cached_property
    def reduced(self) -> Array:
        """(3, 3, 3, 3) stiffness over density in the axes of the interface, m² s⁻²."""
        return rotate_tensor(stiffness_tensor(self.stiffness / self.density), self.rotation)

    def speeds(self, direction: ArrayLike) -> Array:
        """(n, 3) phase speeds along (n, 3) or (3,) directions in the axes of the crystal, fastest first, m s⁻¹."""
        along = np.array([unit_vector(one) for one in np.reshape(direction, (-1, 3))])
        return waves_along(stiffness_tensor(self.stiffness / self.density), along)[0]

    @cached_property
    def branch_modes(self) -> Array:
        r"""(3,) $M_b/\omega^2$ of each branch: its slowness sheet seen along the normal over $4\pi^2$, s² m⁻²."""
        azimuth, weight = azimuth_quadrature(self.reduced)
        turns = turning_points(self.reduced, azimuth)
        area = turns.sign * weight[turns.azimuth] * turns.slowness**2
        return np.bincount(turns.branch, area, minlength=3) / (8 * np.pi**2)

    @cached_property
    def cutoffs(self) -> Array:
        """(3,) Debye cutoff of each branch, rad s⁻¹."""
        node, weight = np.polynomial.legendre.leggauss(24)
        azimuth = (np.arange(48) + 0.5) * np.pi / 24
        polar, phi = (grid.ravel() for grid in np.meshgrid(np.arccos(node), azimuth))
        speed, _ = waves_along(self.reduced, unit_directions(polar, phi))
        slow_cubed = np.tile(weight, azimuth.size) @ speed**-3 / (2 * azimuth.size)
        return (6 * np.pi**2 * self.atoms / slow_cubed) ** (1 / 3)

    @property
    def edges(self) -> Array:
        """(k,) increasing cutoffs of the branches, rad s⁻¹."""
        return merge_edges(self.cutoffs)

    def modes(self, omega: Array) -> Array:
        r"""(nω,) modes that reach the interface, $\sum_b (M_b/\omega^2)\,\omega^2$ up to each cutoff, m⁻²."""
        omega = np.asarray(without_unit(omega), dtype=float)
        return np.square(omega) * ((omega[:, None] <= self.cutoffs) @ self.branch_modes)

    def isotropic(self) -> Solid:
        """The polycrystal of the same atoms, with Hill's mean speeds."""
        longitudinal, transverse = hill_speeds(self.stiffness, self.density)
        return Solid(self.name, self.density, longitudinal, transverse, self.atoms)


def voigt_speeds(stiffness: ArrayLike, density: float) -> tuple[float, float]:
    """Longitudinal and transverse speed of a polycrystal under equal strain (upper bounds), m s⁻¹."""
    return _polycrystal(*_voigt_moduli(square(stiffness)), density)


def reuss_speeds(stiffness: ArrayLike, density: float) -> tuple[float, float]:
    """Longitudinal and transverse speed of a polycrystal under equal stress (lower bounds), m s⁻¹."""
    return _polycrystal(*_reuss_moduli(square(stiffness)), density)


def hill_speeds(stiffness: ArrayLike, density: float) -> tuple[float, float]:
    """Longitudinal and transverse speed of the mean moduli, m s⁻¹: R. Hill, doi:10.1088/0370-1298/65/5/307."""
    upper, lower = _voigt_moduli(square(stiffness)), _reuss_moduli(square(stiffness))
    return _polycrystal((upper[0] + lower[0]) / 2, (upper[1] + lower[1]) / 2, density)


def _voigt_moduli(c: Array) -> tuple[float, float]:
    diagonal, mixed, shear = np.trace(c[:3, :3]), c[0, 1] + c[0, 2] + c[1, 2], np.trace(c[3:, 3:])
    return float(diagonal + 2 * mixed) / 9, float(diagonal - mixed + 3 * shear) / 15


def _reuss_moduli(c: Array) -> tuple[float, float]:
    s = np.linalg.inv(c)
    diagonal, mixed, shear = np.trace(s[:3, :3]), s[0, 1] + s[0, 2] + s[1, 2], np.trace(s[3:, 3:])
    return float(1 / (diagonal + 2 * mixed)), float(15 / (4 * (diagonal - mixed) + 3 * shear))


def _polycrystal(bulk: float, shear: float, density: float) -> tuple[float, float]:
    per_density = positive([(bulk + 4 * shear / 3) / density, shear / density])
    return float(np.sqrt(per_density[0])), float(np.sqrt(per_density[1]))
