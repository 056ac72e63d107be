r"""What a Boltzmann solution says: temperatures, spectra, and the three resistances of each boundary."""

from typing import Self

import numpy as np
from attrs import converters, evolve, field, frozen

from kapitza.core.arrays import Array, finite, increasing, known, number, one_of
from kapitza.core.conductance import DROPS, Conductance, Drop
from kapitza.core.occupation import STATISTICS, Statistics
from kapitza.core.populations import Occupation, table
from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.units import hbar


@frozen(eq=False)
class Transport:
    """Steady transport of heat through layers.

    Attributes
    ----------
    names : (M,) of the layers
    edges : (M + 1,) positions of the faces, m
    conductivity : (M,) of the bulk of each layer, W m⁻¹ K⁻¹
    flux : heat flux to the right, W m⁻²
    difference : temperature of the left end less that of the right end, or fall over one period, K
    base : temperature at which heat capacities and lifetimes are taken, K
    position : (nx,) increasing, m; two places a hair apart at each boundary
    temperature : (nx,) of the energy density of all phonons, K
    lattice : (nx,) to which scattering drives the phonons (pseudo-temperature), K
    omega : (G,) of the groups of frequency, rad s⁻¹
    bounds : (G + 1,) of the groups, rad s⁻¹; empty where they have none
    modes : (nx, G) temperature of each group, K; NaN where it has no phonons
    spectral_flux : (nx, G) heat flux of each group, W m⁻²
    middle : (M,) lattice temperature in the middle of each layer, K
    flow : (M, G) heat that the phonons of each layer carry one way per kelvin, W m⁻² K⁻¹
    crossing : (B, G) heat that crosses each boundary per kelvin, W m⁻² K⁻¹
    arriving, leaving : (B, 2, G) mean temperature of the phonons that arrive at and leave either side of it, K
    statistics : "quantum" or "classical"
    method : for legends and tables

    Raises
    ------
    InputError
        for numbers that are not finite
    """

    names: tuple[str, ...] = field(converter=tuple)
    edges: Array = field(converter=increasing)
    conductivity: Array = field(converter=finite)
    flux: float = field(converter=number)
    difference: float = field(converter=number)
    base: float = field(converter=number)
    position: Array = field(converter=increasing)
    temperature: Array = field(converter=finite)
    lattice: Array = field(converter=finite)
    omega: Array = field(converter=finite)
    bounds: Array = field(converter=finite)
    modes: Array = field(converter=table)
    spectral_flux: Array = field(converter=table)
    middle: Array = field(converter=finite)
    flow: Array = field(converter=table)
    crossing: Array = field(converter=table)
    arriving: tuple[Array, Array] = field(converter=converters.pipe(tuple))
    leaving: tuple[Array, Array] = field(converter=converters.pipe(tuple))
    statistics: Statistics = field(default="quantum", kw_only=True, validator=one_of(*STATISTICS))
    method: str = field(default="Boltzmann", kw_only=True)

    @property
    def profile(self) -> Profile:
        """Temperature of the energy density against position."""
        return Profile(self.position, self.temperature, method=self.method)

    @property
    def occupation(self) -> Occupation:
        """Phonons of each group at each place.

        Raises
        ------
        InputError
            for bands without a frequency, such as gray ones
        """
        if self.omega.min() <= 0:
            raise InputError(f"{self.method}: a group has the frequency {self.omega.min():g}: occupation needs one")
        energy = hbar * self.omega
        empty = Occupation(self.position, energy, np.zeros(self.modes.shape), statistics=self.statistics)
        step = 0.01 * self.base  # of a central difference, of second order in 1/100
        n, above, below = (empty.equilibrium(self.base + x) for x in (0.0, step, -step))
        slope = (above - below) / (2 * step)
        return evolve(empty, value=n + slope * (self.modes - self.base), method=self.method)

    @property
    def boundary_names(self) -> tuple[str, ...]:
        """(B,) "left|right" of each boundary."""
        after = (*self.names[1:], self.names[0])
        return tuple(f"{a}|{b}" for a, b in zip(self.names, after, strict=True))[: len(self.crossing)]

    @property
    def effective_conductivity(self) -> float:
        """Flux times thickness over the temperature difference of the ends, W m⁻¹ K⁻¹.

        Raises
        ------
        InputError
            where the ends have one temperature, or one of them has none
        """
        return float(self.edges[-1] - self.edges[0]) / self.resistance

    @property
    def resistance(self) -> float:
        """Temperature difference of the ends over the flux, m² K W⁻¹.

        Raises
        ------
        InputError
            where no heat flows: ends of one temperature, an adiabatic one, or a boundary that nothing crosses
        """
        return self.difference / self._driven()

    def _driven(self) -> float:
        closed = self.crossing.size and not self.crossing.sum(axis=1).all()
        if closed or not self.difference or not np.isfinite(self.difference):
            why = "a boundary lets nothing pass" if closed else f"its ends differ by {self.difference:g} K"
            raise InputError(f"no heat flows through {' | '.join(self.names):.80}: {why}; there is no resistance")
        return self.flux

    def boundary(self, name: str | int) -> int:
        """Number of a boundary from its name.

        Raises
        ------
        InputError
            for a boundary that is not there
        """
        names = self.boundary_names
        if isinstance(name, str):
            if name not in names:
                raise InputError(f"no boundary {name!r}: there are {', '.join(names) or 'none'}")
            return names.index(name)
        if not 0 <= name < len(names):
            raise InputError(f"no boundary {name}: there are {len(names)}")
        return name

    def drop(self, name: str | int, drop: Drop = "extrapolated") -> float:
        r"""Temperature drop at a boundary, K.

        Parameters
        ----------
        name : "left|right", or the number of the boundary
        drop : "emitted": mean temperature of what arrives, weighted with what crosses, each frequency and angle by
            itself, so that the conductance is the Landauer integral.  "local": mean of the phonons that arrive at and
            leave the plane, weighted with what they carry; gray: $1/G = 1/G_e - \frac12(1/G_L + 1/G_R)$ exactly.
            "extrapolated": from the middle of both layers to the plane with the bulk gradient; in layers thinner than
            several mean free paths it holds for these layers only, and `interface_conductances` gives that of thick
            ones

        Raises
        ------
        InputError
            for an unknown boundary or drop; "emitted" where no heat flows
        """
        known(drop, DROPS, "temperature drop")
        i = self.boundary(name)
        j = (i + 1) % len(self.names)
        apart = self.difference if j <= i else 0.0  # the first layer of the next period is as much colder
        if drop == "emitted":  # heat is what crosses times the gap: an identity, in any solution
            return self._driven() / float(self.crossing[i].sum())
        if drop == "local":
            sides = [
                np.sum(self.flow[layer] * (self.arriving[side][i] + self.leaving[side][i])) / self.flow[layer].sum() / 2
                for side, layer in ((0, i), (1, j))
            ]
            return float(sides[0] - sides[1]) + apart
        fall = self.flux * sum(float(np.diff(self.edges)[k] / 2 / self.conductivity[k]) for k in (i, j))
        return float(self.middle[i] - self.middle[j]) + apart - fall

    def conductance(self, drop: Drop = "extrapolated", name: str | int = 0) -> Conductance:
        """Conductance of a boundary by one of the three temperature drops; see `drop`.

        Raises
        ------
        InputError
            for a boundary or drop that is not there, or a drop that is not above zero
        """
        gap = self.drop(name, drop)
        if gap / self.flux < 0:
            raise InputError(
                f"{self.boundary_names[self.boundary(name)]}: the {drop} drop {gap:g} K runs against the heat"
            )
        value = self.flux / gap if gap else np.inf
        label = f"{self.method} {self.boundary_names[self.boundary(name)]}"
        return Conductance([self.base], [value], drop=drop, statistics=self.statistics, method=label)

    def resistances(self) -> dict[str, dict[Drop, float]]:
        """Resistance of each boundary by name and drop, m² K W⁻¹."""
        return {
            name: {drop: self.drop(i, drop) / self._driven() for drop in DROPS}
            for i, name in enumerate(self.boundary_names)
        }

    def scaled(self, factor: float) -> Self:
        """The same transport driven `factor` times as strongly: the equations are linear."""
        moved = {
            name: self.base + factor * (getattr(self, name) - self.base)
            for name in ("temperature", "lattice", "modes", "middle")
        }
        sides = {
            name: tuple(self.base + factor * (one - self.base) for one in getattr(self, name))
            for name in ("arriving", "leaving")
        }
        return evolve(
            self,
            flux=factor * self.flux,
            difference=factor * self.difference,
            spectral_flux=factor * self.spectral_flux,
            **moved,
            **sides,
        )
