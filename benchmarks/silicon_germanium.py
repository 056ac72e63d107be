"""Si/Ge by Green's functions and the Boltzmann equation: every drop that a simulation may take.

Usage: python benchmarks/silicon_germanium.py [--potential tersoff] [--conductivity 200,90] [--simulated FOLDER]

Green's functions of the junction (both sides strained to one lattice constant) give the share of each frequency that
crosses; full bands of the same strained crystals carry it, all by classical statistics at 300 K.  Free paths go as the
inverse square of the frequency and are scaled to the conductivities, or with `--simulated` have the lifetimes that each
strained crystal has by its potential, without an interface and without a number of others (864 atoms for `--time`;
some 10 minutes of CPU a nanosecond, kept in the folder and resumed from there).  `--section 4` takes only the wave
vectors that fit a cross-section of so many cells of 0.39 nm a side, as a simulation has them (these four).  Two systems
are solved, as simulations have them:

* layers between two black walls: the jump between straight lines through the profile, half a nanometre at the ends left
  out; the whole resistance between the walls; the drop at the plane left by Fourier's law with the bulk conductivities;
  and, last, the jump and the whole between thermostats of a simulation, from which phonons come back that their
  friction did not stop: exp(-2 d / v t) of them for a thickness d, a velocity v along the normal and a damping time t;
* two closed slabs, one hotter at first, that approach one temperature: the resistance by a single exponential of the
  mean temperatures, for fits from 100 to 30 and to 10 % of the difference, and by difference over flux where 30 % are
  left, beside the jump between parabolas through the profile at that moment.

The potential is Tersoff's, or with `--potential stillinger-weber` that of `kapitza.md.stillinger_weber`, whose forces
LAMMPS evaluates.  Lengths in nm, resistances in 1e-9 m2K/W.  The slabs are followed in time by streams that move
upwind.
"""

import argparse
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from attrs import evolve, field, frozen

import kapitza as kz
from kapitza.boltzmann import Carriers, Film, ScatteringRates, Wall, group_edges, spectral_carriers
from kapitza.core.arrays import Array
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction, plan_force_field, prepare_segments
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.structure import Structure
from kapitza.run.progress import progress_bar
from kapitza.simulate.boltzmann.boundaries import to_interface_scattering
from kapitza.simulate.boltzmann.spectral_carriers import ModeTable, _velocity_classes, collect_modes, group_frequencies
from kapitza.simulate.md.runs.lifetimes import RestingRun, thermal_modes
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.transmission import point_transmissions
from kapitza.units import THz, angstrom, eV, fs, k_B, ps

PLAN = JunctionPlan(left="Si", right="Ge", potential="tersoff", layers=4, strain="both")
LAYERS = (2.23, 6.66, 11.1, 17.8, 37.8, 77.8, 157.8, 317.8, 637.8)  # nm between wall and plane
SLABS = ((5, 60), (10, 90), (20, 200), (40, 400), (80, 800), (160, 2000))  # nm to the far end, ps
THERMOSTAT, DAMPING = 2.2, 1.0  # thickness in nm and damping time in ps of docs/samples/si-ge-md.toml
SKIPPED = 0.55  # nm of a profile beside plane and wall
CELLS = 80  # of a slab
ALONG = 1024  # wave vectors along the normal, of a section of one cell


def stillinger_weber_file(folder: str) -> str:
    """File of LAMMPS with the potential of the simulations."""
    held = kz.md.stillinger_weber(("Si", "Ge"))
    two, three = held.parameters
    lines = ["# doi:10.1103/PhysRevB.31.5262, doi:10.1103/PhysRevB.34.6987, mixed"]
    for i, j, k in product(range(2), repeat=3):
        strength, b, p, q, sigma, reach, gamma = two[i, j]
        angle, cosine = three[i, j, k]
        names = [held.kinds[n] for n in (i, j, k)]
        values = [1, sigma / angstrom, reach / sigma, angle / eV, gamma, cosine, strength / eV, b, p, q, 0]
        lines.append(" ".join([*names, *(f"{one:.12g}" for one in values)]))
    path = Path(folder) / "SiGe.sw"
    path.write_text("\n".join([*lines, ""]))
    return str(path)


@frozen
class SimulatedRates(ScatteringRates):
    """Those of bands of frequencies of a simulated crystal, below the lowest in proportion to ω²."""

    omega: Array = field(factory=lambda: np.zeros(0))
    lifetime: Array = field(factory=lambda: np.zeros(0))

    def rate(self, omega: Array, velocity: Array, temperature: float) -> Array:
        """(n,) scattering rate, s⁻¹."""
        slow = np.minimum(omega / self.omega[0], 1.0) ** 2
        return slow * np.interp(omega, self.omega, 1 / self.lifetime) + velocity / self.boundary


def upright(cell: Structure) -> Structure:
    """The same crystal in a cell whose third vector is along the normal: two of the diamond lattice along (001)."""
    first, second, third = cell.lattice
    lattice = np.diag([first[0], second[1], 2 * third[2]])
    positions = np.concatenate([cell.positions, cell.positions + third])
    fractions = positions @ np.linalg.inv(lattice)
    fractions -= np.floor(fractions + 1e-6)
    order = np.argsort(fractions[:, 2])
    masses, symbols = np.tile(cell.masses, 2)[order], tuple(cell.symbols[one % 2] for one in order)
    return evolve(cell, lattice=lattice, positions=(fractions @ lattice)[order], masses=masses, symbols=symbols)


def simulated_rates(cell: Structure, potential: str, duration: float, folder: Path) -> SimulatedRates:
    """Scattering rates of a strained crystal at 300 K, from a run of so many ps."""
    make = kz.md.tersoff if potential == "tersoff" else kz.md.stillinger_weber
    step = (2 if cell.symbols[0] == "Si" else 3) * fs
    steps = round(duration * ps / step) // 50 * 50
    run = RestingRun(timestep=step, steps=steps, interval=50, cells=(6, 6, 6), seed=2)
    store = folder / f"{potential}-{cell.symbols[0]}"
    found = thermal_modes(
        upright(cell),
        make(("Si", "Ge")),
        kz.md.BuiltinEngine(),
        300.0,
        run,
        store=store,
        progress=progress_bar("steps"),
    )
    columns = zip(found.omega / THz, found.lifetime / ps, found.sigma / ps, found.left, strict=True)
    print(f"{store.name}: frequency (THz), lifetime and its error (ps), share left at the longest delay")
    print(*(f"{w:6.2f} {t:7.1f} {error:6.1f} {left:5.2f}" for w, t, error, left in columns), sep="\n", flush=True)
    return SimulatedRates(umklapp=1.0, boundary=1e-2, omega=found.omega, lifetime=found.lifetime)


def section_carriers(crystal: kz.Crystal, rates: SimulatedRates, edges: Array, cells: int) -> Carriers:
    """Phonons whose wave vectors along the boundary fit so many cells a side."""
    along = ALONG // cells
    fractions = np.indices((cells, cells, along)).reshape(3, -1).T / [cells, cells, along] + [0, 0, 0.5 / along]
    levels = crystal.levels(fractions @ crystal.reciprocal)
    omega = levels.omega.ravel()
    moving, kept = np.abs(levels.velocities_along(np.array([0.0, 0.0, 1.0]))).ravel(), omega > 0
    speed = np.linalg.norm(levels.velocity, axis=2).ravel()[kept]
    each = np.full(speed.size, k_B / crystal.volume / len(fractions))
    classes = _velocity_classes(omega[kept], moving[kept], edges)
    modes = ModeTable(omega[kept], each, speed, moving[kept], classes)
    lifetime = 1 / rates.rate(modes.omega, speed, 300.0)
    return collect_modes(
        crystal.name, modes, lifetime, edges, isotropic=False, temperature=300.0, statistics="classical"
    )


def section_transmission(junction: kz.Junction, edges: Array, cells: int) -> kz.Transmission:
    """Green's functions at those wave vectors; a little beside them, where no two waves are alike."""
    omega = group_frequencies(edges)
    k = np.indices((cells, cells)).reshape(2, -1).T / cells
    index = np.repeat(np.arange(len(k)), omega.size)
    found = point_transmissions(
        prepare_junction(junction), k - np.round(k) + [2e-4, 1e-4], index, np.tile(omega, len(k))
    )
    total, left, right = (
        one.reshape(len(k), -1).mean(axis=0) / junction.area for one in (found.total, found.left, found.right)
    )
    return kz.Transmission(omega, total, left, right, method=f"AGF, {cells} cells")


def carriers(plan: JunctionPlan, given: argparse.Namespace) -> list[Carriers]:
    """Phonons of both strained crystals, with simulated lifetimes if there is a folder for them."""
    force_field = plan_force_field(plan)
    segments, _ = prepare_segments(plan, force_field)
    cells = [segments[0].cell, segments[-1].cell]
    bands = [kz.Bands(crystal_from_potential(one, force_field)) for one in cells]
    edges = group_edges(*bands)
    if given.simulated is not None:
        found = [simulated_rates(one, given.potential, given.time, given.simulated) for one in cells]
        return [
            section_carriers(one.crystal, rates, edges, given.section)
            if given.section
            else spectral_carriers(one, rates, edges=edges, statistics="classical")
            for one, rates in zip(bands, found, strict=True)
        ]
    rates = ScatteringRates(umklapp=1.2e-19, boundary=1e-2)
    return [
        spectral_carriers(one, rates, edges=edges, conductivity=k, statistics="classical")
        for one, k in zip(bands, map(float, given.conductivity.split(",")), strict=True)
    ]


def returned(side: Carriers) -> np.ndarray:
    """Share of the phonons of each group that come back from a thermostat before a wall that reflects."""
    flow = side.capacity * side.velocity
    kept = np.exp(-2 * THERMOSTAT * 1e-9 / (side.velocity * DAMPING * 1e-12))
    total, back = (np.bincount(side.group, weights=one, minlength=side.omega.size) for one in (flow, flow * kept))
    return np.divide(back, total, out=np.ones(total.size), where=total > 0)


def between_walls(
    sides: list[Carriers], transmission: kz.Transmission, length: float, *, black: bool = True
) -> list[float]:
    """Resistances of the jump, between the walls, and of the drop that Fourier's law leaves."""
    films = [Film(length * 1e-9, one) for one in sides]
    left, right = (
        Wall(temperature, specular=np.zeros(1) if black else returned(one))
        for temperature, one in zip((300.5, 299.5), sides, strict=True)
    )
    found = kz.transport(films, [transmission], left=left, right=right)
    place, ends = found.position * 1e9 - length, []
    for sign in (-1, 1):
        x = sign * np.linspace(SKIPPED, length - SKIPPED, 400)
        ends.append(np.polyfit(x, np.interp(x, place, found.temperature), 1)[1])
    return [(ends[0] - ends[1]) / found.flux, found.resistance, found.drop(0) / found.flux]


class Slabs:
    """Streams of two closed slabs; in both, the boundary is at the last cell and a mirror before the first."""

    def __init__(self, sides: list[Carriers], crossing: np.ndarray, length: float) -> None:
        self.sides, self.crossing = sides, crossing
        self.width = length * 1e-9 / CELLS
        self.step = 0.9 * self.width / max(one.velocity.max() for one in sides)
        self.moved = [(one.velocity * self.step / self.width)[:, None] for one in sides]
        self.scattered = [-np.expm1(-self.step / one.lifetime)[:, None] for one in sides]
        self.flow = [one.capacity * one.velocity / 2 for one in sides]
        self.total = [self._of_groups(i, self.flow[i]) for i in (0, 1)]
        self.temperature = [np.full((2, one.velocity.size, CELLS), 1.0 - i) for i, one in enumerate(sides)]

    def _of_groups(self, i: int, value: np.ndarray) -> np.ndarray:
        return np.bincount(self.sides[i].group, weights=value, minlength=self.crossing.size)

    def advance(self) -> float:
        """One time step; the flux through the boundary, W m⁻²."""
        arriving = [
            np.divide(
                self._of_groups(i, self.flow[i] * self.temperature[i][0, :, -1]),
                self.total[i],
                out=np.zeros(self.crossing.size),
                where=self.total[i] > 0,
            )
            for i in (0, 1)
        ]
        flux = self.crossing * (arriving[0] - arriving[1])
        for i, side in enumerate(self.sides):
            lost = np.divide(flux * (1 - 2 * i), self.total[i], out=np.zeros(flux.size), where=self.total[i] > 0)
            towards, away = self.temperature[i]
            mirrored, leaving = away[:, :1].copy(), (arriving[i] - lost)[side.group][:, None]
            towards += self.moved[i] * (np.hstack([mirrored, towards[:, :-1]]) - towards)
            away += self.moved[i] * (np.hstack([away[:, 1:], leaving]) - away)
            weight = side.capacity * self.scattered[i][:, 0]
            local = weight @ (towards + away) / (2 * weight.sum())
            towards += self.scattered[i] * (local - towards)
            away += self.scattered[i] * (local - away)
        return float(flux.sum())

    def profiles(self) -> list[np.ndarray]:
        """(cells,) temperature of the energy of each slab."""
        return [
            one.capacity @ held.sum(axis=0) / (2 * one.capacity.sum())
            for one, held in zip(self.sides, self.temperature, strict=True)
        ]


def approach(sides: list[Carriers], crossing: np.ndarray, length: float, duration: float) -> list[float]:
    """Resistances by exponentials down to 30 and 10 %, by flux at 30 %, and of the jump between parabolas there."""
    slabs = Slabs(sides, crossing, length)
    capacity = [one.heat_capacity * length * 1e-9 for one in sides]
    reduced = 1 / sum(1 / one for one in capacity)
    time, gap, flux, jump = [], [], [], []
    place = (np.arange(CELLS) + 0.5) / CELLS * length - length
    inside = place < -SKIPPED
    for i in range(int(duration * 1e-12 / slabs.step)):
        through = slabs.advance()
        if i % 20:
            continue
        profiles = slabs.profiles()
        ends = [np.polyfit(place[inside], one[inside], 2)[-1] for one in profiles]
        time.append((i + 1) * slabs.step)
        gap.append(profiles[0].mean() - profiles[1].mean())
        flux.append(through)
        jump.append(ends[0] - ends[1])
    energy = sum(c * one.mean() for c, one in zip(capacity, slabs.profiles(), strict=True))
    assert abs(energy / capacity[0] - 1) < 1e-9, "the slabs must keep their heat"
    seconds, difference = np.array(time), np.array(gap)
    found = []
    for least in (0.3, 0.1):
        used = difference > least
        found.append(-1 / np.polyfit(seconds[used], np.log(difference[used]), 1)[0] / reduced)
    k = int(np.argmin(np.abs(difference - 0.3)))
    return [*found, difference[k] / flux[k], jump[k] / flux[k]]


def write_row(length: float, resistances: list[float]) -> None:
    print(f"{length:7.4g}", *(f"{1e9 * one:8.3f}" for one in resistances), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conductivity", default="200,90", help="of the bulk of Si and Ge, W/mK")
    parser.add_argument("--simulated", type=Path, metavar="FOLDER", help="take simulated lifetimes, kept in FOLDER")
    parser.add_argument("--section", type=int, default=0, help="cells a side, of 0.39 nm, with --simulated; 0: wide")
    parser.add_argument("--time", type=float, default=2000.0, help="of the runs of both crystals, ps")
    parser.add_argument("--potential", default="tersoff", choices=("tersoff", "stillinger-weber"))
    parser.add_argument("--quick", action="store_true", help="leave out the longest")
    parser.add_argument("--no-slabs", action="store_true", help="leave out the closed slabs")
    given = parser.parse_args()
    if given.section and given.simulated is None:
        parser.error("--section needs --simulated")
    with TemporaryDirectory() as folder:
        name = given.potential if given.potential == "tersoff" else stillinger_weber_file(folder)
        plan = evolve(PLAN, potential=name)
        sides, junction = carriers(plan, given), build_junction(plan)
        transmission = (
            section_transmission(junction, sides[0].edges, given.section)
            if given.section
            else kz.agf(junction, tolerance=1e-2, temperature=[300.0])
        )
    emitted = 1e9 / transmission.conductance([300.0], statistics="classical").value[0]
    crossing = to_interface_scattering(transmission, "Si|Ge").flow(*sides)
    print(
        f"{given.potential}: emitted {emitted:.3f}; bulk {sides[0].conductivity:.0f},{sides[1].conductivity:.0f} W/mK"
    )
    print("between walls: length, jump, whole, left by Fourier's law; between thermostats: jump, whole")
    for length in LAYERS[: 5 if given.quick else None]:
        others = between_walls(sides, transmission, length, black=False)
        write_row(length, [*between_walls(sides, transmission, length), *others[:2]])
    if given.no_slabs:
        return
    print("closed slabs: length, exponential to 30 %, to 10 %, difference over flux at 30 %, jump over flux at 30 %")
    for length, duration in SLABS[: 3 if given.quick else None]:
        write_row(length, approach(sides, crossing, length, duration))


if __name__ == "__main__":
    main()
