"""Heat in one to three dimensions: linearised deviational Monte Carlo across interfaces.

Particles carry the difference of the phonons to those at the temperature of the bands.  Linear response makes them
independent of each other: each is followed from a hot spot or a warm wall until a cold wall takes it, without a time
step, and its time in each cell adds to the temperature there.  The seed fixes every digit, whatever the number of
threads; error bars are those of the means of batches.

J.-P. M. Péraud and N. G. Hadjiconstantinou, Appl. Phys. Lett. 101, 153114 (2012), doi:10.1063/1.4757607; backwards from
a detector: Phys. Rev. B 91, 235321 (2015), doi:10.1103/PhysRevB.91.235321.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, finite, increasing, integer_array, number, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.run.store import StoreLike, UnitInputs, UnitResult, unit_address
from kapitza.run.work import ExecutorLike, Progress, run_units, thread_executor
from kapitza.simulate.boltzmann.carriers import Carriers, check_matching
from kapitza.simulate.boltzmann.domain import Domain, DomainCells, HotSpot, check_corners
from kapitza.simulate.boltzmann.monte_carlo import tables
from kapitza.simulate.boltzmann.monte_carlo.tables import BandTables, Emission, KernelTables
from kapitza.simulate.boltzmann.triangulation import divide_domain


def _cell_axes(value: Sequence[ArrayLike]) -> tuple[Array, ...]:
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


_KERNEL_VERSION = "deviational-1"  # of the kernels: part of the address of stored results


def _load_kernel() -> ModuleType:
    require("numba", extra="transport", why="Monte Carlo")
    return require("kapitza.simulate.boltzmann.monte_carlo.kernel", extra="transport", why="Monte Carlo")


def _simulate_batch(arrays: KernelTables, groups: int, slots: int, unit: UnitInputs) -> UnitResult:
    """Tallies of one batch (`seed`, `batch`, `count`), for one watt set free."""
    kernel = _load_kernel()  # by name: a module cannot be sent to another process
    seed = np.random.SeedSequence([int(str(unit["seed"])), int(str(unit["batch"]))])  # by batch, whatever the workers
    count, cells, max_events = int(str(unit["count"])), arrays["region"].size, int(arrays["max_events"])
    flow, power = np.zeros((cells, (arrays["other"].shape[1] + 1) // 2)), np.zeros((arrays["kind"].size, groups))
    tallies = kernel.Tallies(np.zeros(cells), np.zeros(cells), flow, power, np.zeros((slots, groups)))
    geometry = kernel.BLOCK_TABLES if "low" in arrays else kernel.TRIANGLE_TABLES
    flights, starts = (
        kind(*(arrays[name] for name in kind._fields)) for kind in (kernel.FlightTables, kernel.StartTables)
    )
    cell_tables = tuple(arrays[name] for name in geometry)
    state = seed.generate_state(4, np.uint64)
    events = kernel.follow_batch(state, count, cell_tables, flights, starts, tallies, max_events)
    found: dict[str, Any] = tallies._asdict()
    if events < 0:
        raise ConvergenceError(f"a particle had {max_events} events: is it trapped in a closed region?", found)
    return {name: value / count for name, value in found.items()} | {"events": np.array(float(events))}


DEFAULT_BATCHES = 40
_CELL_TALLIES = ("heat", "lattice", "flow")
_MAX_EVENTS = 100_000_000  # of one particle, before it counts as trapped
_NO_PROBES: Mapping[str, tuple[Sequence[float], Sequence[float]]] = MappingProxyType({})


@frozen(eq=False)
class MonteCarloSettings(BaseRecord):
    """How particles are run.

    Attributes
    ----------
    max_events : events of one particle before it counts as trapped
    """

    particles: int = field(default=100_000, metadata=about("1", "number of particles"))
    seed: int = field(default=0, metadata=about("1", "seed"))
    batches: int = field(default=DEFAULT_BATCHES, metadata=about("1", "number of batches"))
    max_events: int = field(default=_MAX_EVENTS, metadata=about("1", "most events of a particle"))

    def __attrs_post_init__(self) -> None:
        for name in ("particles", "seed", "batches", "max_events"):
            value = getattr(self, name)
            if not (isinstance(value, (int, float, np.integer)) and np.isfinite(value) and value == int(value)):
                raise InputError(f"{name} = {value!r:.40}, expected a whole number")
            object.__setattr__(self, name, int(value))
        if self.batches < 2 or self.particles < 2 * self.batches:
            raise InputError(
                f"{self.particles} particles in {self.batches} batches: expected two batches or more, of two or more"
            )
        if self.seed < 0 or self.max_events < 1:
            raise InputError(f"seed = {self.seed}, max_events = {self.max_events}: expected 0, 1 or more")


@frozen(eq=False, kw_only=True)
class PreparedDomain(BaseRecord):
    """A domain divided into cells, with tables of its bands."""

    domain: Domain
    grid: DomainCells
    bands: BandTables
    materials: tuple[Carriers, ...]  # by number
    base: float  # temperature of all bands, K
    reference: float  # temperature that particles carry the difference to, K
    specular: Array  # (S, G) of all surfaces


def prepare_domain(
    domain: Domain, spacing: float | Sequence[float], extra: Sequence[tuple[Array, Array]] = ()
) -> PreparedDomain:
    """Cut a domain into cells, and check that it has a steady state."""
    materials = tuple(domain.regions.values())
    check_matching(materials, [material.name for material in materials])
    grid = divide_domain(domain, spacing, extra)
    bands = tables.tabulate_bands(materials)
    specular = tables.surface_tables(grid, materials, bands)["specular"]
    reference = tables.reference_temperature(grid, bands, specular)
    return PreparedDomain(
        domain=domain, grid=grid, bands=bands, materials=materials, base=materials[0].temperature,
        reference=reference, specular=specular,
    )  # fmt: skip


def monte_carlo(
    domain: Domain,
    *,
    spacing: float | Sequence[float],
    settings: MonteCarloSettings | None = None,
    probes: Mapping[str, tuple[Sequence[float], Sequence[float]]] = _NO_PROBES,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> TransportMap:
    r"""Steady temperature and heat flux in a domain, by linearised deviational Monte Carlo.

    Isotropic bands with one relaxation time each, elastic boundaries with detailed balance, linear response about the
    temperature of the bands.  There is no error of a time step or of the cells: a cell holds the mean over it.

    Parameters
    ----------
    domain : boxes, boundaries, walls, sources
    spacing : largest width of the cells whose temperature is returned, m; one, or one for each axis
    settings : number of particles, seed; 100,000 particles if None
    probes : by name, corners of blocks inside one material whose temperature is returned group by group
    store : where finished batches are kept
    executor : any `concurrent.futures.Executor`, such as that of a Dask client, or a number of threads
    progress : called with the number of finished and of all batches

    Raises
    ------
    InputError
        for a domain without a driving force or a way out for the heat, or broken detailed balance
    ConvergenceError
        where a particle never ends
    MissingEngine
        where numba is missing
    """
    settings = settings or MonteCarloSettings()
    blocks = [(finite(low), finite(high)) for low, high in probes.values()]
    for name, (low, high) in zip(probes, blocks, strict=True):
        check_corners(f"probe {name}", low, high)
    made = prepare_domain(domain, spacing, blocks)
    slot, volumes = _probe_slots(made, dict(zip(probes, blocks, strict=True)))
    emission = tables.tabulate_emission(domain, made.grid, made.bands, made.specular, made.reference)
    parts, count = run_batches(made, emission, slot, len(blocks), settings, store, executor, progress)
    return _make_transport_map(made, emission, parts, count, settings, tuple(probes), volumes)


def _probe_slots(prepared: PreparedDomain, blocks: Mapping[str, tuple[Array, Array]]) -> tuple[IntArray, Array]:
    """Number of the probe of each cell, -1 without one; and heat capacity (P, G) of each probe, J K⁻¹."""
    slot = np.full(prepared.grid.region.size, -1, dtype=np.int64)
    capacities = np.zeros((len(blocks), prepared.bands.groups))
    capacity = prepared.bands.by_group(prepared.bands.capacity)
    for k, (name, (low, high)) in enumerate(blocks.items()):
        if low.size != (dimension := prepared.domain.dimension):
            raise InputError(f"probe {name}: {low.size} coordinates in a domain of {dimension} dimensions")
        inside = prepared.grid.within(low, high)
        regions = np.unique(prepared.grid.region[inside])
        if regions.size != 1 or regions[0] < 0:
            raise InputError(f"probe {name}: lies in {regions.size} regions or a wall, expected inside of one material")
        if (slot[inside] >= 0).any():
            raise InputError(f"probe {name}: overlaps another")
        slot[inside] = k
        capacities[k] = prepared.grid.volume[inside].sum() * capacity[regions[0]]
    return slot, capacities


def run_batches(
    prepared: PreparedDomain, emission: Emission, slot: IntArray, slots: int, settings: MonteCarloSettings,
    store: StoreLike | None = None, executor: ExecutorLike | None = None, progress: Progress | None = None,
) -> tuple[list[UnitResult], int]:  # fmt: skip
    """Tallies of all batches, each for one watt set free, and the number of events."""
    arrays = tables.kernel_tables(prepared.grid, prepared.materials, prepared.bands, emission)
    arrays |= {"slot": slot, "max_events": np.array(settings.max_events)}
    count = -(-settings.particles // settings.batches)  # rounded up: error bars need batches of one size
    _load_kernel()  # raises here where numba is missing
    digest = unit_address(dict(arrays), version=_KERNEL_VERSION) if store is not None else ""
    units: list[UnitInputs] = [
        {"seed": settings.seed, "batch": k, "count": count, "tables": digest} for k in range(settings.batches)
    ]
    work = partial(_simulate_batch, arrays, prepared.bands.groups, slots)
    with thread_executor(executor) as pool:
        parts = run_units(work, units, version=_KERNEL_VERSION, store=store, executor=pool, progress=progress)
    return parts, count * settings.batches


def average_batches(parts: Sequence[UnitResult], name: str) -> tuple[Array, Array]:
    """Mean and standard error of a tally over batches."""
    values = np.array([part[name] for part in parts], dtype=float)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(parts))


def _make_transport_map(
    prepared: PreparedDomain, emission: Emission, parts: Sequence[UnitResult], count: int,
    settings: MonteCarloSettings, probes: tuple[str, ...], probe_capacity: Array,
) -> TransportMap:  # fmt: skip
    grid, bands = prepared.grid, prepared.bands
    driven = float(np.abs(emission.power).sum())
    shape = grid.shape
    filled = grid.fillings
    solid, region = filled >= 0, np.maximum(filled, 0)
    volume = grid.sum_on_map(grid.volume)
    capacity = np.where(solid, bands.capacity.sum(axis=1)[region], np.nan) * volume
    rate = (bands.capacity * bands.velocity / bands.path).sum(axis=1)  # C/τ, the weights of the lattice temperature
    exchange = np.where(solid, rate[region], np.nan) * volume
    total = [{"power": part["power"].sum(axis=1)} for part in parts]
    mapped = ({name: grid.sum_on_map(np.asarray(part[name], float)) for name in _CELL_TALLIES} for part in parts)
    parts = [part | cells for part, cells in zip(parts, mapped, strict=True)]

    def scale(name: str, weight: Array | float) -> tuple[Array, Array]:
        value, sigma = average_batches(parts, name)
        return value * driven / weight, sigma * driven / weight

    heat, lattice = scale("heat", capacity), scale("lattice", exchange)
    flux = scale("flow", np.where(solid, volume, np.nan)[:, None])
    spectrum, power = scale("power", 1.0), average_batches(total, "power")
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = scale("probe", probe_capacity)
    return TransportMap(
        edges=grid.edges, names=tuple(prepared.domain.regions), region=filled.reshape(shape), base=prepared.base,
        temperature=prepared.reference + heat[0].reshape(shape), temperature_sigma=heat[1].reshape(shape),
        lattice=prepared.reference + lattice[0].reshape(shape), lattice_sigma=lattice[1].reshape(shape),
        flux=flux[0].T.reshape(-1, *shape), flux_sigma=flux[1].T.reshape(-1, *shape),
        surfaces=grid.surfaces, power=power[0] * driven, power_sigma=power[1] * driven,
        spectrum=spectrum[0], spectrum_sigma=spectrum[1], omega=prepared.materials[0].omega,
        bounds=prepared.materials[0].edges, probes=probes, modes=prepared.reference + seen[0], modes_sigma=seen[1],
        particles=count, events=int(sum(float(part["events"]) for part in parts)), seed=settings.seed,
    )  # fmt: skip


def detector_temperature(
    domain: Domain,
    low: Sequence[float],
    high: Sequence[float],
    *,
    settings: MonteCarloSettings | None = None,
    store: StoreLike | None = None,
    executor: ExecutorLike | None = None,
    progress: Progress | None = None,
) -> DetectorReading:
    r"""Temperature of a small block, by following particles backwards from it.

    Reversed in time, a particle that would add to the temperature of the block starts there, with the heat capacity of
    the bands as its spectrum.  It scores the temperature of the wall that takes it, and what the sources give to the
    phonons that it passes: $\Delta T = \langle\Delta T_w\rangle + \langle\int q_b/C_b\,dt\rangle$.  All particles
    count, however small the block; only this one temperature comes out.

    Parameters
    ----------
    domain : as for `monte_carlo`
    low, high : (d,) corners of the block inside one material, m
    settings : number of particles, seed, threads
    store, executor, progress : as for `monte_carlo`

    Raises
    ------
    InputError, ConvergenceError, MissingEngine
        as `monte_carlo`
    """
    settings = settings or MonteCarloSettings()
    start = HotSpot(low, high, 1.0)
    if start.low.size != domain.dimension:
        raise InputError(f"detector: {start.low.size} coordinates in a domain of {domain.dimension} dimensions")
    extent = max(float((box.high - box.low).max()) for box in domain.boxes)
    made = prepare_domain(domain, extent, [(start.low, start.high)])
    inside = made.grid.within(start.low, start.high)
    if np.unique(made.grid.region[inside]).size != 1:
        raise InputError(f"detector at {start.low!r:.40}: lies in several regions, expected inside of one material")
    slot = np.full(made.grid.region.size, -1, dtype=np.int64)
    cells = [np.flatnonzero(made.grid.within(source.low, source.high)) for source in domain.sources]
    source_cells = np.unique(np.concatenate([*cells, np.zeros(0, dtype=np.int64)]))
    slot[source_cells] = np.arange(source_cells.size)
    backwards = evolve(made, domain=evolve(domain, sources=(start,), walls={}))
    dark = evolve(made.grid, walls=(None,) * len(made.grid.walls))  # only the block emits
    emission = tables.tabulate_emission(backwards.domain, dark, made.bands, made.specular, made.reference)
    parts, count = run_batches(backwards, emission, slot, source_cells.size, settings, store, executor, progress)
    gain = _source_heating_rates(made, cells, slot, source_cells.size)
    walls = tables.reservoirs(made.grid)
    warm = np.array([(wall.temperature or made.reference) - made.reference for _, wall in walls])
    taken = np.array([[part["power"][s].sum() for s, _ in walls] for part in parts], dtype=float)
    score = taken @ warm + np.array([np.sum(part["probe"].astype(float) * gain) for part in parts])
    names, events = tuple(made.grid.surfaces[s] for s, _ in walls), int(sum(float(part["events"]) for part in parts))
    temperature, sigma = made.reference + float(score.mean()), float(score.std(ddof=1) / np.sqrt(score.size))
    return DetectorReading(temperature, sigma, names, taken.mean(axis=0), count, events)


def _source_heating_rates(prepared: PreparedDomain, cells: Sequence[IntArray], slot: IntArray, slots: int) -> Array:
    """(P, G) what sources give per time to the phonons of each heated cell, per heat capacity, K s⁻¹."""
    rates = np.zeros((slots, prepared.bands.groups))
    for source, inside in zip(prepared.domain.sources, cells, strict=True):
        for cell in inside:
            region = int(prepared.grid.region[cell])
            if region < 0:
                raise InputError(f"source at {source.low!r:.40}: reaches out of the materials")
            weight = tables.source_spectrum(source, prepared.bands, region)
            given = prepared.bands.by_group(np.tile(weight / weight.sum(), (len(prepared.materials), 1)))[region]
            held = prepared.bands.by_group(prepared.bands.capacity)[region]
            density = source.power / float(np.prod(source.high - source.low))
            rates[slot[cell]] += density * np.divide(given, held, out=np.zeros_like(held), where=held > 0)
    return rates
