r"""Liquids: one longitudinal branch, no shear."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, number, plausible, quantity


@frozen
class Fluid:
    r"""Liquid without dispersion and viscosity: one longitudinal branch with a Debye cutoff.

    The cutoff $c (6\pi^2 n)^{1/3}$ is that of one mode per atom; it says where long-wave theory ends rather than where
    the spectrum of the liquid does.

    Attributes
    ----------
    name : for legends and tables
    density : kg m⁻³
    speed : of sound, m s⁻¹
    atoms : number density of the particles that move as one (helium atoms, water molecules), m⁻³

    Raises
    ------
    InputError
        for values that are not finite and positive, and values that only another unit can explain
    """

    name: str
    density: float = field(converter=number, validator=quantity())
    speed: float = field(converter=number, validator=quantity())
    atoms: float = field(converter=number, validator=quantity())

    def __attrs_post_init__(self) -> None:
        plausible("density", self.density, 20.0, 4e4, "kg/m³", self.name)
        plausible("speed of sound", self.speed, 50.0, 1e4, "m/s", self.name)
        plausible("atoms", self.atoms, 1e26, 5e29, "m⁻³", self.name)

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
        omega = np.asarray(omega, dtype=float)
        return np.where(omega <= self.cutoffs, np.square(omega / self.speed) / (4 * np.pi), 0.0)
