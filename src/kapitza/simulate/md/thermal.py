"""First states of a run: atoms at rest positions with the velocities of a temperature."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kapitza.errors import InputError
from kapitza.simulate.md.engine import State
from kapitza.simulate.md.system import HELD, System
from kapitza.units import k_B


def thermal_state(system: System, temperature: ArrayLike, seed: int, *, twice: bool = False) -> State:
    """Return atoms at rest positions with velocities drawn from Maxwell's distribution; no momentum in all.

    Parameters
    ----------
    system : atoms; those that are held stand still
    temperature : K, one for all or one for each atom (n,)
    seed : of the random numbers
    twice : draw velocities at twice the temperature, since atoms at rest positions of a solid give half of their
        kinetic energy to the springs between them

    Raises
    ------
    InputError
        for temperatures or a seed that are none, or no atom that may move
    """
    kelvin = np.asarray(temperature, dtype=float)
    given: Any = seed
    if not isinstance(given, (int, np.integer)) or given < 0:
        raise InputError(f"{system.name}: seed = {seed!r}, wanted a whole number from 0 upwards")
    if kelvin.shape not in ((), (system.masses.size,)) or not (np.isfinite(kelvin).all() and (kelvin >= 0).all()):
        raise InputError(
            f"{system.name}: temperatures of shape {kelvin.shape} beginning with {kelvin.ravel()[:3].tolist()} K, "
            f"wanted one or {system.masses.size} finite ones, none below 0"
        )
    free = system.role != HELD
    if not free.any():
        raise InputError(f"{system.name}: all {free.size} atoms are held, none can move")
    width = np.sqrt((2 if twice else 1) * k_B * kelvin / system.masses)
    velocities = np.random.default_rng(seed).normal(size=(free.size, 3)) * width[..., None] * free[:, None]
    mass = system.masses * free
    velocities -= (mass @ velocities / mass.sum()) * free[:, None]
    return State(system.positions.copy(), velocities)
