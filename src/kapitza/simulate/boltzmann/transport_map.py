"""What Monte Carlo says of a domain: temperatures, fluxes and spectra, with their standard errors."""

from attrs import field, frozen

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.geometry import Cells


@frozen(eq=False)
class TransportMap:
    """Steady heat in a domain of one to three dimensions.

    Attributes
    ----------
    edges : for each axis, the bounds of the cells, m
    names : of the materials' regions
    region : (n₁, ...) number of the region of each cell; below zero in walls and voids
    base : temperature at which heat capacities and lifetimes are taken, K
    temperature, temperature_sigma : (n₁, ...) of the energy density of all phonons, mean over each cell, and its
        standard error, K; NaN in walls and voids
    lattice, lattice_sigma : (n₁, ...) to which scattering drives the phonons, K
    flux, flux_sigma : (d, n₁, ...) heat flux along each axis, mean over each cell, W m⁻²
    surfaces : (S,) names of the walls ("void", "-x", "+x", ..., inner ones) and boundaries ("left|right")
    power, power_sigma : (S,) net heat that each wall takes, or that crosses each boundary from left to right, W; per
        depth in two dimensions (W m⁻¹) and per area in one (W m⁻²)
    spectrum, spectrum_sigma : (S, G) the same by group of frequency
    omega, bounds : (G,) and (G + 1,) of the groups, rad s⁻¹
    probes : (P,) names
    modes, modes_sigma : (P, G) temperature of each group in the probes, K; NaN where it has no phonons
    particles, events, seed : followed, scatterings and encounters with surfaces, and the seed
    method : for legends and tables
    """

    edges: tuple[Array, ...]
    names: tuple[str, ...]
    region: Cells
    base: float
    temperature: Array
    temperature_sigma: Array
    lattice: Array
    lattice_sigma: Array
    flux: Array
    flux_sigma: Array
    surfaces: tuple[str, ...]
    power: Array
    power_sigma: Array
    spectrum: Array
    spectrum_sigma: Array
    omega: Array
    bounds: Array
    probes: tuple[str, ...]
    modes: Array
    modes_sigma: Array
    particles: int
    events: int
    seed: int
    method: str = field(default="Monte Carlo", kw_only=True)

    @property
    def centres(self) -> tuple[Array, ...]:
        """For each axis, the centres of the cells, m."""
        return tuple((one[1:] + one[:-1]) / 2 for one in self.edges)

    def surface(self, name: str) -> int:
        """Number of a wall or boundary from its name.

        Raises
        ------
        InputError
            for one that is not there
        """
        if name not in self.surfaces:
            raise InputError(f"no wall or boundary {name!r}: there are {', '.join(self.surfaces)}")
        return self.surfaces.index(name)

    def taken(self, name: str) -> tuple[float, float]:
        """Net heat that a wall takes, or that crosses a boundary, and its standard error; see `power`."""
        s = self.surface(name)
        return float(self.power[s]), float(self.power_sigma[s])


@frozen(eq=False)
class Detected:
    """Temperature of one block, found backwards.

    Attributes
    ----------
    temperature, sigma : mean over the block, and its standard error, K
    walls : names of the reservoirs
    share : of each reservoir in the temperature of the block; they add up to 1
    particles, events : followed, and what they met
    """

    temperature: float
    sigma: float
    walls: tuple[str, ...]
    share: Array
    particles: int
    events: int
