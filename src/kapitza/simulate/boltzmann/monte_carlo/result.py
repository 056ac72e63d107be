"""Result of Monte Carlo in a domain: temperatures, fluxes and spectra, with their standard errors."""

from collections.abc import Sequence

from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, finite, increasing, integer_array, number, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError


def _cell_axes(value: Sequence[ArrayLike]) -> tuple[Array, ...]:
    """Return `value` as the bounds of cells along one to three axes."""
    if not 1 <= len(value) <= 3:
        raise InputError(f"expected the bounds of cells along 1, 2 or 3 axes, got {len(value)}")
    return tuple(increasing(one) for one in value)


@frozen(eq=False, kw_only=True)
class TransportMap(BaseRecord):
    """Steady heat in a domain of one to three dimensions.

    Attributes
    ----------
    names : of the materials' regions
    region : (n₁, ...) number of the region of each cell; below zero in walls and voids
    temperature, temperature_sigma : (n₁, ...) of the energy density of all phonons, mean over each cell, and its
        standard error, K; NaN in walls and voids
    lattice, lattice_sigma : (n₁, ...) to which scattering drives the phonons, K
    flux, flux_sigma : (d, n₁, ...) heat flux along each axis, mean over each cell, W m⁻²
    surfaces : (S,) names of the walls ("void", "-x", "+x", ..., inner ones) and boundaries ("left|right")
    power, power_sigma : (S,) net heat that each wall takes, or that crosses each boundary from left to right, W; per
        depth in two dimensions (W m⁻¹) and per area in one (W m⁻²)
    spectrum, spectrum_sigma : (S, G) the same by group of frequency
    probes : (P,) names
    modes, modes_sigma : (P, G) temperature of each group in the probes, K; NaN where it has no phonons
    method : for legends and tables
    """

    edges: tuple[Array, ...] = field(converter=_cell_axes, metadata=about("m", "bounds of the cells"))
    names: tuple[str, ...] = field(converter=tuple)
    region: IntArray = field(converter=integer_array, metadata=about("1", "region of each cell"))
    base: float = field(converter=number, metadata=about("K", "temperature of heat capacities and lifetimes"))
    temperature: Array = field(converter=real_array, metadata=about("K", "temperature"))
    temperature_sigma: Array = field(converter=real_array, metadata=about("K", "standard error"))
    lattice: Array = field(converter=real_array, metadata=about("K", "lattice temperature"))
    lattice_sigma: Array = field(converter=real_array, metadata=about("K", "standard error"))
    flux: Array = field(converter=real_array, metadata=about("W m^-2", "heat flux"))
    flux_sigma: Array = field(converter=real_array, metadata=about("W m^-2", "standard error"))
    surfaces: tuple[str, ...] = field(converter=tuple)
    power: Array = field(converter=real_array, metadata=about("W, W m^-1 or W m^-2, by dimension", "net heat"))
    power_sigma: Array = field(converter=real_array, metadata=about("W, W m^-1 or W m^-2, by dimension", "its error"))
    spectrum: Array = field(converter=real_array, metadata=about("W, W m^-1 or W m^-2, by dimension", "by group"))
    spectrum_sigma: Array = field(converter=real_array, metadata=about("W, W m^-1 or W m^-2, by dimension", "error"))
    omega: Array = field(converter=finite, metadata=about("rad s^-1", "angular frequency"))
    bounds: Array = field(converter=finite, metadata=about("rad s^-1", "bounds of the groups"))
    probes: tuple[str, ...] = field(converter=tuple)
    modes: Array = field(converter=real_array, metadata=about("K", "temperature of each group"))
    modes_sigma: Array = field(converter=real_array, metadata=about("K", "standard error"))
    particles: int = field(converter=int, metadata=about("1", "particles followed"))
    events: int = field(converter=int, metadata=about("1", "scatterings and encounters"))
    seed: int = field(converter=int, metadata=about("1", "seed"))
    method: str = field(default="Monte Carlo", kw_only=True)

    def __attrs_post_init__(self) -> None:
        cells = tuple(bounds.size - 1 for bounds in self.edges)
        groups = self.omega.size
        shapes = {
            **dict.fromkeys(("region", "temperature", "temperature_sigma", "lattice", "lattice_sigma"), cells),
            **dict.fromkeys(("flux", "flux_sigma"), (len(cells), *cells)),
            **dict.fromkeys(("power", "power_sigma"), (len(self.surfaces),)),
            **dict.fromkeys(("spectrum", "spectrum_sigma"), (len(self.surfaces), groups)),
            **dict.fromkeys(("modes", "modes_sigma"), (len(self.probes), groups)),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has the shape {getattr(self, name).shape}, expected {shape}")

    @property
    def centres(self) -> tuple[Array, ...]:
        """For each axis, the centres of the cells, m."""
        return tuple((bounds[1:] + bounds[:-1]) / 2 for bounds in self.edges)

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

    def net_power(self, name: str) -> tuple[float, float]:
        """Net heat that a wall takes, or that crosses a boundary, and its standard error; see `power`."""
        s = self.surface(name)
        return float(self.power[s]), float(self.power_sigma[s])


@frozen(eq=False)
class DetectorReading(BaseRecord):
    """Temperature of one block, found backwards.

    Attributes
    ----------
    temperature, sigma : mean over the block, and its standard error, K
    walls : names of the reservoirs
    share : of each reservoir in the temperature of the block; they add up to 1

    Examples
    --------
    >>> from kapitza.boltzmann import Cuboid, Domain, MonteCarloSettings, Wall, detector_temperature, gray_carriers
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=42e-9)
    >>> film = Domain([Cuboid([0.0], [40e-9], silicon)], walls={"-x": Wall(301.0), "+x": Wall(300.0)})
    >>> middle = detector_temperature(film, [15e-9], [25e-9], settings=MonteCarloSettings(2000, seed=1))
    >>> print(middle.walls, abs(middle.share[0] - 0.5) < 0.05)
    ('-x', '+x') True
    """

    temperature: float = field(metadata=about("K", "temperature"))
    sigma: float = field(metadata=about("K", "standard error"))
    walls: tuple[str, ...]
    share: Array = field(metadata=about("1", "share of each reservoir"))
    particles: int = field(metadata=about("1", "particles followed"))
    events: int = field(metadata=about("1", "scatterings and encounters"))
