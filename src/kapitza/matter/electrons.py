r"""Metals as a boundary sees them: electrons beside the lattice, and two spin channels.

Close to a boundary that only the lattice crosses, electrons and lattice of a metal have different temperatures, over a
length $l = [G(1/k_e + 1/k_p)]^{-1/2}$.  In a ferromagnet the two spin directions may differ as well, over the length at
which they exchange energy.
"""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import about, one_temperature, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.matter.library import material, materials
from kapitza.matter.material import Material

_ROOM_TEMPERATURE = 300.0  # K


@frozen
class Electrons(BaseRecord):
    r"""Electrons and lattice of a metal, each with its own temperature (two-temperature model).

    Raises
    ------
    InputError
        for values that are not finite and positive
    """

    name: str
    conductivity: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "of the electrons"))
    lattice: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "of the lattice"))
    coupling: float = field(validator=quantity(), metadata=about("W m^-3 K^-1", "from electrons to lattice"))
    source: str = ""

    @property
    def total(self) -> float:
        """Conductivity of electrons and lattice together, W m⁻¹ K⁻¹."""
        return self.conductivity + self.lattice

    @property
    def length(self) -> float:
        r"""Length over which both temperatures meet, $l = [G(1/k_e + 1/k_p)]^{-1/2}$, m."""
        return float((self.coupling * (1 / self.conductivity + 1 / self.lattice)) ** -0.5)

    @property
    def resistance(self) -> float:
        r"""Added resistance of a thick metal whose lattice alone touches the boundary, m² K W⁻¹: $R_{ep} = [k_e/(k_e +
        k_p)]^{3/2}/\sqrt{G k_p}$, for $k_e \gg k_p$ that of A. Majumdar, P. Reddy, Appl. Phys. Lett. 84, 4768
        (2004).
        """
        share = self.conductivity / self.total
        return float(share**1.5 / np.sqrt(self.coupling * self.lattice))

    def at(self, temperature: float) -> "Electrons":
        """The same metal at another temperature (K) than 300 K, from about a third of the Debye temperature up: phonons
        scatter one another, so that the lattice conducts as 1/T; coupling and electrons do not change.
        """
        return evolve(self, lattice=self.lattice * _ROOM_TEMPERATURE / one_temperature(temperature))


@frozen
class SpinChannels(BaseRecord):
    r"""Two spin directions of the electrons of a metal, each with its own temperature.

    Raises
    ------
    InputError
        for a conductivity or length that is not finite and positive, or a polarisation of ±1 or beyond
    """

    name: str
    conductivity: float = field(validator=quantity(), metadata=about("W m^-1 K^-1", "of both directions together"))
    length: float = field(validator=quantity(), metadata=about("m", "over which both temperatures meet"))
    polarisation: float = field(default=0.0, metadata=about("1", "(κ↑ - κ↓)/κ, -1..1; 0 in a normal metal"))

    def __attrs_post_init__(self) -> None:
        if not abs(self.polarisation) < 1:
            raise InputError(f"{self.name}: polarisation = {self.polarisation:g}, wanted a number between -1 and 1")

    @property
    def resistance(self) -> float:
        r"""Spin heat resistance $\lambda_Q/\kappa(1 - P^2)$, m² K W⁻¹."""
        return self.length / (self.conductivity * (1 - self.polarisation**2))


def metal(name: str | Material) -> Electrons:
    """Return the electrons of a metal of the library, at room temperature.

    Coupling and conductivities are those of `material(name).metal`; the electrons carry what the lattice does not.

    Parameters
    ----------
    name : name or alias, or a record: `metal(kapitza.material("Ag", unverified=True))` takes numbers that nobody has
        verified

    Raises
    ------
    InputError
        for an unknown name, and a metal whose coupling or lattice conductivity is not known; the message offers others
    """
    one = name if isinstance(name, Material) else material(name)
    found = material_electrons(one)
    if found is None:
        known = (other for other in materials() if material_electrons(material(other)) is not None)
        python = "give Electrons(name, conductivity, lattice, coupling)"
        if one.name in materials() and material_electrons(material(one.name, unverified=True)) is not None:
            record = f"kapitza.material({one.name!r}, unverified=True)"
            python += f", or take metal({record}), which rests on unverified numbers"
        raise InputError(
            f"the electrons of {one.name} are not known in full here; there are {', '.join(known)}:",
            hint=Hint(python=python, command="take one of these"),
        )
    return found


def material_electrons(found: Material) -> Electrons | None:
    """Return the electrons of a material at room temperature; None where they are not known in full."""
    total, lattice, coupling = found.metal.conductivity, found.metal.lattice, found.metal.coupling
    if total is None or lattice is None or coupling is None:
        return None
    sources = f"{coupling.source} (coupling), {total.source} (conductivity), {lattice.source} (lattice)"
    return Electrons(found.name, total.value - lattice.value, lattice.value, coupling.value, sources)
