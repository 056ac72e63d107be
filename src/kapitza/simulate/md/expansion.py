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
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.structure import Structure, structure
from kapitza.simulate.md.build import mass_interface
from kapitza.simulate.md.engine import Baths, Engine, State
from kapitza.simulate.md.field import Field
from kapitza.simulate.md.kernels import kernels, species_of
from kapitza.simulate.md.neighbours import Surroundings
from kapitza.simulate.md.protocol import warm_state
from kapitza.simulate.md.system import COLD, HOT, System

LOOK = 10  # steps between two looks at the pressure
WIDEST = 0.15  # of the lattice constant: a crystal at rest is not further from what was given
STEP = 1e-4  # of the lattice constant, for its stiffness
ROUNDS = (0.1, 0.2, 0.7)  # shares of the steps of three runs, each at the constant that the last one gave
SETTLE = 0.25  # of a run, before it counts
FAR = 1e-3  # of the lattice constant: two runs that differ by more tell how stiff the crystal is
MELTED = 0.1  # of the lattice constant: no solid expands by as much
BLOCKS = 10


class Pressure:
    """Pressure along the axes of a periodic system, from positions and velocities."""

    def __init__(self, system: System, field: Field) -> None:
        self.system, self.field = system, field
        self.forces, self.kinds = kernels(field).forces, species_of(system, field)
        self.around = Surroundings(system, field)
        self.volume = abs(float(np.linalg.det(system.lattice)))

    def __call__(self, positions: Array, velocities: Array) -> Array:
        """(3,) Pa."""
        near = self.around.at(positions)
        x = near.extended(positions)
        f = np.zeros_like(x)
        self.forces(x, self.kinds[near.owner], near.start, near.near, self.field.parameters, f)
        virial = np.einsum("ia,ia->a", x, f)
        return np.asarray((virial + self.system.masses @ velocities**2) / self.volume, dtype=float)


@frozen
class Expanded:
    """A cubic lattice constant at a temperature.

    Attributes
    ----------
    temperature : K
    value : lattice constant at no pressure, m
    sigma : its standard uncertainty, m
    rest : the same at rest, m
    """

    temperature: float
    value: float
    sigma: float
    rest: float

    @property
    def factor(self) -> float:
        """Of the expansion from rest, for `stretched`."""
        return self.value / self.rest


def rest_constant(crystal: str | Structure, field: Field) -> float:
    """Return the lattice constant of a cubic crystal at rest at which its virial vanishes, m.

    Parameters
    ----------
    crystal : a name, or a structure with its cubic axes
    field : the potential

    Raises
    ------
    InputError
        if no lattice constant within 15 % of that of the crystal is at rest
    MissingEngine
        without numba
    """
    from scipy.optimize import brentq

    body = structure(crystal) if isinstance(crystal, str) else crystal
    start = float(np.linalg.norm((body.lattice if body.axes is None else body.axes)[0]))
    low, high = (1 - WIDEST) * start, (1 + WIDEST) * start
    tried = np.linspace(low, high, 31)
    found = [still_pressure(body, field, a) for a in tried]
    crossing = [i for i in range(30) if found[i] > 0 >= found[i + 1]]
    if not crossing:
        raise InputError(
            f"{body.name}: the potential holds it together at no lattice constant from {low:.3g} to {high:.3g} m: "
            "give a structure near its rest"
        )
    i = crossing[0]
    root: Any = brentq(partial(still_pressure, body, field), tried[i], tried[i + 1], xtol=1e-9 * start)
    return float(root)


def cold_slope(body: Structure, field: Field, rest: float) -> float:
    """Change of the pressure of a crystal at rest with its lattice constant, Pa m⁻¹."""
    low, high = (still_pressure(body, field, rest * (1 + sign * STEP)) for sign in (-1, 1))
    return (high - low) / (2 * STEP * rest)


def still_pressure(body: Structure, field: Field, constant: float) -> float:
    """Pressure of a crystal whose atoms do not move, Pa."""
    system = bulk(body, field, constant, (1, 1, 1))
    return float(Pressure(system, field)(system.positions, np.zeros_like(system.positions)).mean())


def bulk(body: Structure, field: Field, constant: float, cells: tuple[int, int, int]) -> System:
    """One crystal, periodic, every atom of it in one of two baths."""
    length = (max(1, cells[2] // 2), max(1, cells[2] - cells[2] // 2))
    system = mass_interface(
        body, field, 1.0, lattice_constant=constant, cells=cells[:2], length=length, bath=0, periodic=True,
        name=body.name,
    )  # fmt: skip
    return evolve(system, role=np.where(system.right, COLD, HOT))


def expanded(
    crystal: str | Structure,
    field: Field,
    engine: Engine,
    temperature: float,
    *,
    timestep: float,
    steps: int = 20000,
    cells: tuple[int, int, int] = (5, 5, 5),
    seed: int = 0,
) -> Expanded:
    """Find the lattice constant of a cubic crystal at a temperature and no pressure.

    Three runs of a periodic crystal in a Langevin bath, each at the constant at which the last one would have had no
    pressure.  Vibrations are classical.

    Parameters
    ----------
    crystal : a name, or a structure with its cubic axes
    field : the potential; its kernels give the pressure
    engine : what moves the atoms
    temperature : K
    timestep : s
    steps : of the three runs together
    cells : of the crystal; small ones lack long waves, and expand a little less or more
    seed : of the random numbers

    Returns
    -------
    Expanded; its `factor` is what `stretched` wants for a side that was built at rest

    Raises
    ------
    InputError
        for a temperature that is none, too few steps, or a potential that does not hold the crystal
    ConvergenceError
        if the crystal expands by more than 10 %: it melts
    """
    if not (np.isfinite(temperature) and temperature > 0) or steps < 100 * BLOCKS:
        raise InputError(f"{temperature:g} K and {steps} steps, wanted above 0 K and at least {100 * BLOCKS} steps")
    body = structure(crystal) if isinstance(crystal, str) else crystal
    rest = rest_constant(body, field)
    slope = cold_slope(body, field, rest)
    constant, sigma, last = rest, 0.0, (rest, 0.0)
    for number, share in enumerate(ROUNDS):
        system = bulk(body, field, constant, cells)
        values = sampled(system, field, engine, temperature, timestep, round(share * steps), seed + number)
        mean = float(values.mean())
        if number and abs(constant - last[0]) > FAR * rest:  # crystals are softer at a temperature than at rest
            slope = (mean - last[1]) / (constant - last[0])
        last = constant, mean
        sigma = float(values.std(ddof=1)) / np.sqrt(values.size) / abs(slope)
        constant -= mean / slope
        if not abs(constant / rest - 1) < MELTED:
            raise ConvergenceError(
                f"{body.name}: at {temperature:g} K the lattice constant goes to {constant:.4g} m from {rest:.4g} m at "
                "rest: the crystal melts; lower the temperature"
            )
    return Expanded(temperature, constant, sigma, rest)


def sampled(
    system: System, field: Field, engine: Engine, temperature: float, timestep: float, steps: int, seed: int
) -> Array:
    """(10,) means of the pressure over the blocks of a run at a temperature, Pa."""
    baths = Baths("langevin", temperature, temperature, 200 * timestep)
    state: State = warm_state(system, temperature, temperature, seed)
    motion = engine.begin(system, field, baths, state, timestep=timestep, seed=seed)
    pressure = Pressure(system, field)
    motion.advance(max(1, round(SETTLE * steps)))
    looks = max(1, round((1 - SETTLE) * steps / LOOK / BLOCKS))
    found = np.zeros((BLOCKS, looks))
    for place in np.ndindex(BLOCKS, looks):
        motion.advance(LOOK)
        found[place] = pressure(motion.positions, motion.velocities).mean()
    motion.close()
    return np.asarray(found.mean(axis=1), dtype=float)
