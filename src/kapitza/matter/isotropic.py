r"""Isotropic solids and liquids: after Debye, or with branches $\omega(k)$ as polynomials or Born-von Karman sines.

An isotropic branch brings $M(\omega) = \sum k^2/4\pi$ modes per area to a plane, summed over all wave vectors that have
the frequency: where a branch is not monotone, every fold of it counts, and so do parts that run backwards
($d\omega/dk < 0$), for half of their directions move towards the plane as well.
"""

from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_plausible, number, numbers, quantity, without_unit
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

_BISECTION_STEPS = 60  # of a wave vector interval: down to rounding
_BRANCH_SAMPLES = 2001  # wave vectors at which a branch is searched for frequencies below zero


@frozen
class Solid(BaseRecord):
    r"""Isotropic solid without dispersion: three acoustic branches, one mode of each per atom.

    Each branch ends at its own Debye cutoff, $\omega_j = c_j (6\pi^2 n)^{1/3}$.  Optical branches are folded into them.

    Raises
    ------
    InputError
        for values that are not finite and positive, speeds against elastic stability ($c_L^2 > \frac43 c_T^2$), and
        values that only another unit can explain

    References
    ----------
    P. Debye, Ann. Phys. 344, 789 (1912), doi:10.1002/andp.19123441404
    """

    name: str
    density: float = field(converter=number, validator=quantity(), metadata=about("kg m^-3", "mass density"))
    longitudinal: float = field(converter=number, validator=quantity(), metadata=about("m s^-1", "speed of sound"))
    transverse: float = field(converter=number, validator=quantity(), metadata=about("m s^-1", "speed of sound"))
    atoms: float = field(converter=number, validator=quantity(), metadata=about("m^-3", "number density"))

    def __attrs_post_init__(self) -> None:
        if 3 * self.longitudinal**2 <= 4 * self.transverse**2:
            raise InputError(
                f"{self.name}: speeds of {self.longitudinal:g} (longitudinal) and {self.transverse:g} m/s "
                "(transverse) give a negative bulk modulus: expected longitudinal > 1.155 transverse. "
                "Are they in the right order?"
            )
        check_plausible("density", self.density, 20.0, 4e4, "kg/m³", self.name)
        check_plausible("longitudinal speed", self.longitudinal, 50.0, 5e4, "m/s", self.name)
        check_plausible("transverse speed", self.transverse, 20.0, 5e4, "m/s", self.name)
        check_plausible("atoms", self.atoms, 1e26, 5e29, "m⁻³", self.name)

    @property
    def speeds(self) -> Array:
        """(3,) one longitudinal and two transverse branches, m s⁻¹."""
        return np.array([self.longitudinal, self.transverse, self.transverse])

    @property
    def cutoffs(self) -> Array:
        """(3,) Debye cutoff of each branch, rad s⁻¹."""
        return self.speeds * (6 * np.pi**2 * self.atoms) ** (1 / 3)

    @property
    def edges(self) -> Array:
        """(2,) the transverse and the longitudinal cutoff, rad s⁻¹."""
        return np.unique(self.cutoffs)

    def modes(self, omega: Array) -> Array:
        r"""(nω,) $\omega^2/4\pi c_j^2$ of each branch that is open, m⁻²."""
        omega = np.asarray(omega)[:, None]
        return np.sum((omega <= self.cutoffs) * np.square(omega / self.speeds), axis=1) / (4 * np.pi)


@frozen
class Fluid(BaseRecord):
    r"""Liquid without dispersion and viscosity: one longitudinal branch with a Debye cutoff.

    The cutoff $c (6\pi^2 n)^{1/3}$ is that of one mode per atom; it says where long-wave theory ends rather than where
    the spectrum of the liquid does.

    Raises
    ------
    InputError
        for values that are not finite and positive, and values that only another unit can explain

    Examples
    --------
    >>> from kapitza import Fluid, khalatnikov, solid
    >>> water = Fluid("water", density=997.0, speed=1497.0, atoms=1.0e29)
    >>> found = khalatnikov(water, solid("Si")).total.conductance([1.0, 2.0]).value
    >>> print(f"{found[1] / found[0]:.2f} times at twice the temperature")
    8.00 times at twice the temperature
    """

    name: str
    density: float = field(converter=number, validator=quantity(), metadata=about("kg m^-3", "mass density"))
    speed: float = field(converter=number, validator=quantity(), metadata=about("m s^-1", "speed of sound"))
    atoms: float = field(
        converter=number,
        validator=quantity(),
        metadata=about("m^-3", "number density of what moves as one, as helium atoms or water molecules"),
    )

    def __attrs_post_init__(self) -> None:
        check_plausible("density", self.density, 20.0, 4e4, "kg/m³", self.name)
        check_plausible("speed of sound", self.speed, 50.0, 1e4, "m/s", self.name)
        check_plausible("atoms", self.atoms, 1e26, 5e29, "m⁻³", self.name)

    @property
    def cutoffs(self) -> Array:
        """(1,) Debye cutoff, rad s⁻¹."""
        return np.array([self.speed * (6 * np.pi**2 * self.atoms) ** (1 / 3)])

    @property
    def edges(self) -> Array:
        """(1,) the cutoff, rad s⁻¹."""
        return self.cutoffs

    def modes(self, omega: Array) -> Array:
        r"""(nω,) modes that reach the surface, $\omega^2/4\pi c^2$ up to the cutoff, m⁻²."""
        omega = np.asarray(without_unit(omega), dtype=float)
        return np.where(omega <= self.cutoffs, np.square(omega / self.speed) / (4 * np.pi), 0.0)


class Branch(Protocol):
    """One isotropic branch of vibrations."""

    @property
    def boundary(self) -> float:
        """Radius of the zone, m⁻¹."""
        ...

    @property
    def degeneracy(self) -> int:
        """Number of equal branches."""
        ...

    @property
    def turns(self) -> Array:
        """(m,) increasing wave vectors between which ω is monotone, from 0 to the boundary, m⁻¹."""
        ...

    def frequency(self, wavevector: Array) -> Array:
        """(n,) angular frequency, rad s⁻¹."""
        ...

    def velocity(self, wavevector: Array) -> Array:
        """(n,) group velocity dω/dk, m s⁻¹."""
        ...


def _check_degeneracy(_instance: Any, _attribute: Any, value: int) -> None:
    if value != int(value) or value < 1:
        raise InputError(f"degeneracy = {value!r}, wanted a whole number of branches from 1")


@frozen(eq=False)
class PolynomialBranch(BaseRecord):
    r"""Branch $\omega = c_0 + c_1 k + c_2 k^2 + \dots$ up to a zone boundary, acoustic or optical.

    Raises
    ------
    InputError
        if a frequency inside the zone is negative, or the boundary is not positive
    """

    coefficients: Array = field(converter=numbers, metadata=about("rad s^-1, m s^-1, m^2 s^-1, ...", "(n,) from c₀ on"))
    boundary: float = field(validator=quantity(), metadata=about("m^-1", "radius of the zone"))
    degeneracy: int = field(default=1, validator=_check_degeneracy, metadata=about("1", "number of equal branches"))

    def __attrs_post_init__(self) -> None:
        if not np.isfinite(self.coefficients).all():
            raise InputError(f"expected finite coefficients of a branch, got {self.coefficients}")
        omega = self.frequency(np.linspace(0, self.boundary, _BRANCH_SAMPLES))
        if omega.min() < -1e-12 * omega.max() or omega.max() <= 0:
            raise InputError(
                f"branch with coefficients {self.coefficients} reaches ω = {omega.min():.4g} rad/s inside the zone of "
                f"{self.boundary:.4g} m⁻¹, wanted frequencies from 0: are the units rad/s, m/s, m²/s?"
            )

    def frequency(self, wavevector: Array) -> Array:
        """(n,) angular frequency, rad s⁻¹."""
        return np.asarray(np.polynomial.polynomial.polyval(wavevector, self.coefficients), dtype=float)

    def velocity(self, wavevector: Array) -> Array:
        """(n,) group velocity dω/dk, m s⁻¹."""
        slope = np.polynomial.polynomial.polyder(self.coefficients)
        return np.asarray(np.polynomial.polynomial.polyval(wavevector, slope), dtype=float)

    @property
    def turns(self) -> Array:
        """(m,) wave vectors from 0 to the boundary between which the branch is monotone, m⁻¹."""
        # in units of the boundary, so that the companion matrix of the slope is well scaled
        scaled = self.coefficients * self.boundary ** np.arange(self.coefficients.size)
        roots = np.polynomial.polynomial.polyroots(np.polynomial.polynomial.polyder(scaled))
        real = np.real(roots[np.abs(np.imag(roots)) < 1e-9])
        inside = np.unique(real[(real > 1e-9) & (real < 1 - 1e-9)])
        return np.concatenate([[0.0], inside, [1.0]]) * self.boundary


@frozen
class SineBranch(BaseRecord):
    r"""Born-von Karman branch $\omega = \frac{2 c k_m}{\pi} \sin\frac{\pi k}{2 k_m}$, of a chain.

    References
    ----------
    M. Born and T. von Karman, Phys. Z. 13, 297 (1912)
    """

    speed: float = field(validator=quantity(), metadata=about("m s^-1", "speed of sound of long waves"))
    boundary: float = field(validator=quantity(), metadata=about("m^-1", "radius of the zone"))
    degeneracy: int = field(default=1, validator=_check_degeneracy, metadata=about("1", "number of equal branches"))

    def frequency(self, wavevector: Array) -> Array:
        """(n,) angular frequency, rad s⁻¹."""
        quarter = np.pi / (2 * self.boundary)
        return self.speed / quarter * np.sin(quarter * wavevector)

    def velocity(self, wavevector: Array) -> Array:
        """(n,) group velocity dω/dk, m s⁻¹."""
        return self.speed * np.cos(np.pi / (2 * self.boundary) * wavevector)

    @property
    def turns(self) -> Array:
        """(2,) 0 and the boundary, m⁻¹: the branch is monotone."""
        return np.array([0.0, self.boundary])


def _branch_tuple(branches: "tuple[Branch, ...] | list[Branch]") -> tuple[Branch, ...]:
    if not branches:
        raise InputError(f"expected the branches of a dispersion, got {len(branches)}")
    return tuple(branches)


@frozen(eq=False)
class Dispersion(BaseRecord):
    """Isotropic solid with dispersion; a `Phonons`, so that every mismatch model takes it.

    Attributes
    ----------
    name : for legends and tables
    branches : polynomials or sines, acoustic and optical
    """

    name: str
    branches: tuple[Branch, ...] = field(converter=_branch_tuple)

    @property
    def edges(self) -> Array:
        """(k,) band edges and interior extrema of all branches, rad s⁻¹."""
        omega = np.concatenate([branch.frequency(branch.turns) for branch in self.branches])
        top = omega.max()
        return np.unique(omega[omega > 1e-9 * top])

    def modes(self, omega: Array) -> Array:
        r"""(nω,) $\sum k(\omega)^2/4\pi$ over all branches and all their folds, m⁻².

        References
        ----------
        P. Reddy, K. Castelino, A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005), doi:10.1063/1.2133890
        """
        total = np.zeros(np.size(omega))
        for branch, wavevector, inside in self._folds(omega):
            total += branch.degeneracy * np.where(inside, wavevector, 0.0) ** 2
        return total / (4 * np.pi)

    def density_of_states(self, omega: ArrayLike) -> Array:
        r"""(nω,) modes per volume and angular frequency, $\sum k^2/2\pi^2 |v|$, s m⁻³; infinite at band extrema."""
        omega = numbers(omega)
        total = np.zeros(omega.size)
        for branch, wavevector, inside in self._folds(omega):
            speed = np.abs(branch.velocity(wavevector))
            with np.errstate(divide="ignore", invalid="ignore"):
                states = np.where(speed > 0, wavevector**2 / speed, np.inf)
            total += branch.degeneracy * np.where(inside, states, 0.0)
        return total / (2 * np.pi**2)

    @property
    def states(self) -> float:
        """Number of modes per volume of all branches together, m⁻³; three times the atoms in a complete description."""
        return sum(b.degeneracy * b.boundary**3 for b in self.branches) / (6 * np.pi**2)

    def _folds(self, omega: ArrayLike) -> list[tuple[Branch, Array, np.ndarray]]:
        wanted = np.asarray(without_unit(omega), dtype=float)
        pieces = ((branch, start, stop) for branch in self.branches for start, stop in pairwise(branch.turns.tolist()))
        return [(branch, *invert_branch(branch, start, stop, wanted)) for branch, start, stop in pieces]


def invert_branch(branch: Branch, start: float, stop: float, omega: Array) -> tuple[Array, np.ndarray]:
    """(nω,) wave vectors of a monotone piece of a branch, m⁻¹, and (nω,) whether the piece has the frequency at all."""
    first, last = branch.frequency(np.array([start, stop]))
    inside = (omega >= min(first, last)) & (omega <= max(first, last)) & (first != last)
    rising = last > first
    low, high = np.full(omega.shape, start), np.full(omega.shape, stop)
    for _ in range(_BISECTION_STEPS):
        middle = (low + high) / 2
        beyond = (branch.frequency(middle) > omega) == rising
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return (low + high) / 2, inside


def zone_radius(cells: float) -> float:
    r"""Radius of the sphere that holds one wave vector per cell, $k_m = (6\pi^2 n)^{1/3}$, m⁻¹; cells in m⁻³."""
    if not (np.isfinite(cells) and cells > 0):
        raise InputError(f"cells = {cells:g} m⁻³, wanted a finite number above 0")
    return float((6 * np.pi**2 * cells) ** (1 / 3))


def born_von_karman(name: str, longitudinal: float, transverse: float, boundary: float) -> Dispersion:
    r"""Solid with one longitudinal and two transverse sine branches.

    Parameters
    ----------
    name : for legends and tables
    longitudinal, transverse : speeds of sound, m s⁻¹
    boundary : radius of the zone, m⁻¹; `zone_radius(atoms)` keeps one mode of each branch per atom

    Raises
    ------
    InputError
        for values that are not finite and positive

    References
    ----------
    P. Reddy, K. Castelino, A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005), doi:10.1063/1.2133890
    """
    return Dispersion(name, (SineBranch(longitudinal, boundary), SineBranch(transverse, boundary, 2)))
