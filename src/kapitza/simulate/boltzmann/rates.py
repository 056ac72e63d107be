r"""Lifetimes in closed form, and one bulk conductivity to fix what is not known."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, above_zero, number
from kapitza.errors import InputError


def not_negative(instance: object, attribute: object, value: float) -> None:
    """Validate that a strength of scattering is finite and at least zero."""
    if not 0 <= value < np.inf:
        raise InputError(f"{getattr(attribute, 'name', '')} = {value:g}, wanted a finite number from 0")


@frozen
class Rates:
    r"""Scattering rates, $1/\tau = B\omega^2 T e^{-C/T} + A\omega^4 + v/L$.

    Attributes
    ----------
    umklapp : B, s K⁻¹
    onset : C, K; 0 for $B\omega^2T$ at all temperatures
    impurity : A, s³
    boundary : L, by which grains or the width of the sample limit the path, m; infinite for none

    Raises
    ------
    InputError
        for negative strengths, or none at all

    References
    ----------
    J. Callaway, Phys. Rev. 113, 1046 (1959), doi:10.1103/PhysRev.113.1046
    """

    umklapp: float = field(default=0.0, converter=number, validator=not_negative)
    onset: float = field(default=0.0, converter=number, validator=not_negative)
    impurity: float = field(default=0.0, converter=number, validator=not_negative)
    boundary: float = field(default=np.inf, converter=number, validator=above_zero)

    def __attrs_post_init__(self) -> None:
        if not (self.umklapp or self.impurity or np.isfinite(self.boundary)):
            raise InputError(f"rates: umklapp = {self.umklapp:g} and no other scattering: phonons would live forever")

    def rate(self, omega: Array, velocity: Array, temperature: float) -> Array:
        """(n,) scattering rate of phonons of frequency ω (rad s⁻¹) and speed v (m s⁻¹) at T (K), s⁻¹."""
        three_phonons = self.umklapp * temperature * np.exp(-self.onset / temperature) * np.square(omega)
        return three_phonons + self.impurity * np.square(np.square(omega)) + velocity / self.boundary

    def strengthened(self, factor: float) -> "Rates":
        """The same with `factor` times the umklapp scattering."""
        return evolve(self, umklapp=factor * self.umklapp)
