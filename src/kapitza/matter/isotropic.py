"""Isotropic solids and liquids without dispersion, after Debye."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, check_plausible, number, quantity, without_unit
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError


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
