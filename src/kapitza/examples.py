"""Small systems from which the examples of the documentation start."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from kapitza import Boundary, Device, Fit, Layer, Occupation, Prior, Profile, Stack, fit, md, solid
from kapitza.boltzmann import Carriers, Film, ScatteringRates, spectral_carriers
from kapitza.core.arrays import Array
from kapitza.device import Box, HeatSource, Rectangle
from kapitza.eels import EelsExperiment, SpectrumImage, TemperatureMap, VibrationalMode, fit_spectra, simulate_spectra
from kapitza.eels.heat_flow import simulate_aperture_pair
from kapitza.measure import Curve, simulate_curve
from kapitza.measure.lamella import Lamella, LamellaMap, LamellaMaterial, LamellaPlane, RelativeThickness
from kapitza.thermoreflectance import ApparentResistances, FilmCooling
from kapitza.units import THz, k_B, meV, nm

__all__ = [
    "aluminium_on_silicon",
    "aperture_pair",
    "cooling_curve",
    "film_cooling",
    "fitted_film",
    "gallium_nitride_chip",
    "lamella_map",
    "nitride_lamella",
    "optical_mode",
    "silicon_on_germanium",
    "square_mesh",
]


def aluminium_on_silicon(conductance: float = 1e8) -> Stack:
    """Return a film of 80 nm of aluminium on silicon, with a boundary of this conductance in W m⁻² K⁻¹."""
    film = Layer("Al", 80 * nm, 180.0, heat_capacity=2.4e6)
    return Stack([film, Layer("Si", np.inf, 148.0, heat_capacity=1.64e6)], [Boundary(conductance)])


def film_cooling() -> FilmCooling:
    """Return the cooling of a film after a flash, at 20 times from 0.1 to 10 ns."""
    return FilmCooling(np.geomspace(0.1e-9, 10e-9, 20))


def cooling_curve(film: Stack | None = None, *, noise: float = 0.01, seed: int = 0) -> Curve:
    """Simulate the cooling of a film, aluminium on silicon if omitted, with this relative noise."""
    return simulate_curve(film_cooling(), film or aluminium_on_silicon(), noise=noise, seed=seed)


def fitted_film(
    conductance: float = 1e8, *, noise: float = 0.01, seed: int = 0, priors: Mapping[str, Prior] | None = None
) -> Fit:
    """Fit the conductance "Al|Si.conductance" to a simulated cooling of aluminium on silicon."""
    film = aluminium_on_silicon(conductance)
    curve = cooling_curve(film, noise=noise, seed=seed)
    return fit(film_cooling(), curve, film, ["Al|Si.conductance"], priors=priors)


def gallium_nitride_chip(uncertain: Mapping[str, float] | None = None) -> Device:
    """Return a chip of 2 µm GaN on 100 µm SiC with a heated finger, above a heat sink at 300 K."""
    layers = [Layer("GaN", 2e-6, 150.0), Layer("SiC", 100e-6, 390.0)]
    finger = HeatSource("finger", 0.05, Rectangle((0, 2e-6), (0, 25e-6)))
    return Device(Stack(layers, [5e7]), [finger], Box(100e-6, 100e-6), sink=300.0, uncertain=uncertain or {})


def nitride_lamella() -> Lamella:
    """Return a lamella of AlN and SiC with one plane between them."""
    return Lamella(
        materials=(
            LamellaMaterial(name="AlN", conductivity=100.0, heat_capacity=2.4e6),
            LamellaMaterial(name="SiC", conductivity=60.0, heat_capacity=2.2e6),
        ),
        planes=(LamellaPlane(position=0.6e-6, resistance=5e-9),),
        left=0.0,
        right=1.2e-6,
        bottom=0.0,
        top=0.4e-6,
        thickness=RelativeThickness(np.array([0.0, 1.2e-6]), np.array([0.0, 0.4e-6]), np.full((2, 2), 0.8)),
        inelastic_mean_free_path=100 * nm,
    )


def lamella_map() -> LamellaMap:
    """Return the pixels of a planned temperature map of the lamella, with an uncertainty of 1 K."""
    return LamellaMap(
        name="map",
        x=np.linspace(0.05e-6, 1.15e-6, 12),
        y=np.array([0.1e-6, 0.3e-6]),
        temperature=np.zeros((2, 12)),
        sigma=np.full((2, 12), 1.0),
        pad_temperatures=(485.0, 300.0),
    )


def silicon_on_germanium() -> tuple[ApparentResistances, Carriers, Carriers, Array]:
    """Return apparent resistances of a silicon film on germanium without values, both media, and a flow to simulate.

    The flow of each frequency group (W m⁻² K⁻¹) is half of what detailed balance allows.
    """
    rates = ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3)
    edges = np.array([0.01, 2, 4, 8, 16]) * THz
    left, right = (
        spectral_carriers(solid(name), rates, edges=edges, conductivity=conductivity)
        for name, conductivity in (("Si", 148.0), ("Ge", 60.0))
    )
    films, frequencies = [Film(80 * nm, left), Film(1e-3, right)], [1e6, 1e7, 1e8]
    blank = ApparentResistances(films, frequencies, np.zeros(3), np.full(3, 1e-11))
    return blank, left, right, 0.5 * np.minimum(left.flow, right.flow)


def optical_mode() -> VibrationalMode:
    """Return a transverse optical mode at 82 meV."""
    return VibrationalMode("TO", 82 * meV, 5 * meV, 1e-3)


def scan_plan(columns: int = 6) -> EelsExperiment:
    """Return a plan of a line scan that shows the optical mode at 400 K, with so many pixels on each side."""
    return EelsExperiment(left=[optical_mode()], temperature=400.0, columns=columns, rows=1, electrons=1e9)


def sloped_map() -> TemperatureMap:
    """Simulate and fit a map of 4 rows and 16 columns, 2 nm apart, whose temperature falls by 0.5 K/nm."""
    plan = EelsExperiment(left=[optical_mode()], columns=16, rows=4, pitch=2 * nm, electrons=1e10)
    x = (np.arange(16) - 7.5) * 2 * nm
    return fit_spectra(simulate_spectra(plan, Profile(x, 400 - 0.5e9 * x), seed=1), [optical_mode()])


def aperture_pair() -> tuple[tuple[SpectrumImage, SpectrumImage], tuple[Occupation, Occupation]]:
    """Simulate spectra of opposite wave vectors at 410 and 390 K; return them with the occupations."""
    mode, plan = optical_mode(), scan_plan(columns=4)
    position = (np.arange(4) - 1.5) * nm
    along, against = (
        Occupation(position, [mode.energy], np.full((4, 1), 1 / np.expm1(mode.energy / (k_B * kelvin))), modes=("TO",))
        for kelvin in (410, 390)
    )
    return simulate_aperture_pair(plan, along, against, seed=1), (along, against)


def argon_interface() -> tuple[md.System, md.Potential]:
    """Return argon on argon of three times the mass, between thermostats, and the potential."""
    potential = md.lennard_jones(["Ar"], end="quadratic")
    system = md.mass_interface("Ar", potential, 3, cells=(2, 2), length=4, thermostat=1, lattice_constant=5.35e-10)
    return system, potential


def argon_protocol(power_interval: int = 10) -> md.Protocol:
    """Return 16 blocks of 1 ps between thermostats at 40 and 20 K, far too short for a result."""
    return md.Protocol(
        thermostats=md.Thermostats("langevin", 40, 20, 2e-12), timestep=1e-14, steps=100, blocks=16,
        equilibration=200, power_interval=power_interval, seed=1
    )  # fmt: skip


def argon_run(sampling: md.Sampling | None = None) -> md.Run:
    """Run the interface of argon between thermostats; spectra have segments of 64 samples."""
    return md.run(*argon_interface(), md.BuiltinEngine(), argon_protocol(), sampling or md.Sampling(segment=64))


def closed_argon_run(preparation: Literal["uniform", "sides"], steps: int) -> md.Run:
    """Run a closed cell of argon and heavier argon from one temperature, or from one for each side."""
    potential = md.lennard_jones(["Ar"], end="quadratic")
    system = md.mass_interface(
        "Ar", potential, 3, cells=(2, 2), length=5, thermostat=0, lattice_constant=5.35e-10, periodic=True
    )
    protocol = md.Protocol(
        thermostats=md.Thermostats("langevin", 40, 20, 2e-12), timestep=2e-14, steps=steps, blocks=40,
        equilibration=500, seed=1, preparation=preparation
    )  # fmt: skip
    return md.run(system, potential, md.BuiltinEngine(), protocol)


def square_mesh() -> str:
    """Return a mesh of gmsh: a square "oxide" of side 2 with two triangles, and its sides "left" and "right"."""
    names = '3\n1 1 "left"\n1 2 "right"\n2 3 "oxide"'
    nodes = "4\n1 0 0 0\n2 2 0 0\n3 2 2 0\n4 0 2 0"
    elements = "4\n1 1 2 1 1 1 4\n2 1 2 2 2 2 3\n3 2 2 3 1 1 2 4\n4 2 2 3 1 2 3 4"
    parts = {"MeshFormat": "2.2 0 8", "PhysicalNames": names, "Nodes": nodes, "Elements": elements}
    return "".join(f"${name}\n{part}\n$End{name}\n" for name, part in parts.items())
