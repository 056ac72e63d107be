r"""Lattice constants at a temperature and no pressure, from the virial of short runs.

$P_{aa} = \frac{1}{V}\Big(\sum_i m_i v_{ia}^2 + \sum_k x_{ka} f_{ka}\Big)$ with k over atoms and their copies beyond the
box, whose forces are not yet given back to their owners (A. P. Thompson, S. J. Plimpton and W. Mattson, J. Chem. Phys.
131, 154107 (2009), doi:10.1063/1.3245303).
"""

from functools import partial
from typing import Any

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.structure import Structure, structure
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.kernels.forces import VerletList, load_kernels, map_species
from kapitza.simulate.md.potential import AnyPotential, Potential
from kapitza.simulate.md.protocol import gradient_state
from kapitza.simulate.md.system import COLD_ROLE, HOT_ROLE, System
from kapitza.simulate.md.systems.assembly import mass_interface

_PRESSURE_INTERVAL = 10  # steps between two samples at the pressure
_SEARCH_RANGE = 0.15  # of the lattice constant: a crystal at rest is not further from what was given
_STIFFNESS_STEP = 1e-4  # of the lattice constant, for its stiffness
_RUN_SHARES = (0.1, 0.2, 0.7)  # shares of the steps of three runs, each at the constant that the last one gave
_SETTLING_SHARE = 0.25  # of a run, before it counts
_MIN_SLOPE_SPAN = 1e-3  # of the lattice constant: two runs that differ by more tell how stiff the crystal is
MAX_EXPANSION = 0.1  # of the lattice constant: no solid expands by as much
_PRESSURE_BLOCKS = 10


class Pressure:
    """Pressure along the axes of a periodic system, from positions and velocities."""

    def __init__(self, system: System, potential: Potential) -> None:
        self.system, self.potential = system, potential
        self.forces, self.kinds = load_kernels(potential).forces, map_species(system, potential)
        self.around = VerletList(system, potential)
        self.volume = abs(float(np.linalg.det(system.lattice)))

    def __call__(self, positions: Array, velocities: Array) -> Array:
        """(3,) Pa."""
        near = self.around.at(positions)
        x = near.extend(positions)
        f = np.zeros_like(x)
        self.forces(x, self.kinds[near.owner], near.start, near.near, self.potential.parameters, f)
        virial = np.einsum("ia,ia->a", x, f)  # over ghosts, too: valid for any cutoff and many-body forces
        return np.asarray((virial + self.system.masses @ velocities**2) / self.volume, dtype=float)


@frozen
class LatticeConstant(BaseRecord):
    """A cubic lattice constant at a temperature."""

    temperature: float  # K
    value: float  # lattice constant at no pressure, m
    sigma: float  # its standard uncertainty, m
    rest: float  # the same at rest, m


def rest_constant(crystal: str | Structure, potential: Potential) -> float:
    """Return the lattice constant (m) of a cubic crystal at rest, where its virial vanishes, within 15 % of its own."""
    from scipy.optimize import brentq

    body = structure(crystal) if isinstance(crystal, str) else crystal
    start = float(np.linalg.norm((body.lattice if body.axes is None else body.axes)[0]))
    low, high = (1 - _SEARCH_RANGE) * start, (1 + _SEARCH_RANGE) * start
    tried = np.linspace(low, high, 31)
    pressure: Any = partial(_rest_pressure, body, potential)
    pressures = [pressure(a) for a in tried]
    crossing = [i for i in range(30) if pressures[i] > 0 >= pressures[i + 1]]  # stable only where pressure falls
    if not crossing:
        raise InputError(
            f"{body.name}: the potential holds it together at no lattice constant from {low:.3g} to {high:.3g} m: "
            "give a structure near its rest"
        )
    root: Any = brentq(pressure, *tried[crossing[0] : crossing[0] + 2], xtol=1e-9 * start)
    return float(root)


def _rest_pressure(body: Structure, potential: Potential, constant: float) -> float:
    system = bulk_crystal(body, potential, constant, (1, 1, 1))
    return float(Pressure(system, potential)(system.positions, np.zeros_like(system.positions)).mean())


def bulk_crystal(
    body: Structure, potential: AnyPotential, constant: float | None, cells: tuple[int, int, int]
) -> System:
    """One crystal of a lattice constant (m; None: its own), periodic, every atom of it in one of two thermostats."""
    length = (max(1, cells[2] // 2), max(1, cells[2] - cells[2] // 2))
    elements = tuple(dict.fromkeys(body.symbols))  # kinds of other crystals are no heavier atoms of this one
    kinds = elements if set(elements) <= set(potential.kinds) else potential.kinds[: len(elements)]
    system = mass_interface(
        body, Potential("other", kinds, potential.cutoff, ()), 1.0, lattice_constant=constant, cells=cells[:2],
        length=length, thermostat=0, periodic=True,
    )  # fmt: skip
    return evolve(system, name=body.name, role=np.where(system.right, COLD_ROLE, HOT_ROLE))


def find_lattice_constant(
    crystal: str | Structure, potential: Potential, engine: MdEngine, temperature: float, *, timestep: float,
    steps: int = 20000, cells: tuple[int, int, int] = (5, 5, 5), seed: int = 0,
) -> LatticeConstant:  # fmt: skip
    """Find the lattice constant of a cubic crystal at a temperature (K) and no pressure.

    Three runs of a periodic crystal, of `steps` together, in a Langevin thermostat, each at the constant at which the
    last one would have had no pressure.  Vibrations are classical; small numbers of `cells` lack long waves, and expand
    a little less or more.
    ConvergenceError if the crystal expands by more than 10 %: it melts.
    """
    if not (np.isfinite(temperature) and temperature > 0) or steps < 100 * _PRESSURE_BLOCKS:
        raise InputError(f"{temperature:g} K and {steps} steps, wanted above 0 K and {100 * _PRESSURE_BLOCKS} or more")
    body = structure(crystal) if isinstance(crystal, str) else crystal
    rest = rest_constant(body, potential)
    low, high = (_rest_pressure(body, potential, rest * (1 + sign * _STIFFNESS_STEP)) for sign in (-1, 1))
    slope = (high - low) / (2 * _STIFFNESS_STEP * rest)
    constant, sigma, last = rest, 0.0, (rest, 0.0)
    for number, share in enumerate(_RUN_SHARES):
        system = bulk_crystal(body, potential, constant, cells)
        values = _sample_pressure(system, potential, engine, temperature, timestep, round(share * steps), seed + number)
        mean = float(values.mean())
        if number and abs(constant - last[0]) > _MIN_SLOPE_SPAN * rest:  # softer at a temperature than at rest
            slope = (mean - last[1]) / (constant - last[0])
        last = constant, mean
        sigma = float(values.std(ddof=1)) / np.sqrt(values.size) / abs(slope)
        constant -= mean / slope  # Newton's step to zero pressure, a secant once two runs differ enough
        if not abs(constant / rest - 1) < MAX_EXPANSION:
            raise ConvergenceError(
                f"{body.name}: at {temperature:g} K the lattice constant goes to {constant:.4g} m from {rest:.4g} m at "
                "rest: the crystal melts; lower the temperature"
            )
    return LatticeConstant(temperature, constant, sigma, rest)


def _sample_pressure(
    system: System, potential: Potential, engine: MdEngine, temperature: float, timestep: float, steps: int, seed: int
) -> Array:
    """(10,) means of the pressure over the blocks of a run at a temperature, Pa."""
    thermostats = Thermostats("langevin", temperature, temperature, 200 * timestep)
    state: MdState = gradient_state(system, temperature, temperature, seed)
    motion = engine.begin(system, potential, thermostats, state, timestep=timestep, seed=seed)
    pressure = Pressure(system, potential)
    motion.advance(max(1, round(_SETTLING_SHARE * steps)))
    samples = max(1, round((1 - _SETTLING_SHARE) * steps / _PRESSURE_INTERVAL / _PRESSURE_BLOCKS))
    values = np.zeros((_PRESSURE_BLOCKS, samples))
    for place in np.ndindex(_PRESSURE_BLOCKS, samples):
        motion.advance(_PRESSURE_INTERVAL)
        values[place] = pressure(motion.positions, motion.velocities).mean()
    motion.close()
    return np.asarray(values.mean(axis=1), dtype=float)
