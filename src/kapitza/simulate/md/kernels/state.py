"""Compiled functions of a potential, and what the compiled time steps work on: named tuples, which numba takes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, Int32Array, IntArray


class KernelFunctions(NamedTuple):
    """Compiled functions of one form of potential, all with the same arguments for every form."""

    forces: Callable[..., Any]
    partial: Callable[..., Any]


class StepClock(NamedTuple):
    """Which steps to do."""

    steps: int
    step: int  # done before, of the whole run
    timestep: float  # s
    drifted: bool  # whether the first of the steps has drifted already, and only the list was to be made anew


class MovingAtoms(NamedTuple):
    """The n real atoms; all arrays but the masses change."""

    positions: Array  # (n, 3) m
    velocities: Array  # (n, 3) m s⁻¹
    masses: Array  # (n,) kg
    inverse_masses: Array  # (n,) kg⁻¹, 0 of what is held
    forces: Array  # (N, 3) N; the first n rows hold those of the present positions
    energy: Array  # (1,) potential energy, J


class ClosePairs(NamedTuple):
    """Those of the listed pairs that can come below the cutoff within some steps; all arrays change."""

    start: IntArray  # (n + 1,)
    near: Int32Array  # room for the whole list
    reference: Array  # (n, 3) positions for which the pairs were chosen, m; NaN where they never were
    reach: float  # square of the distance up to which pairs are chosen, m²
    limit: float  # square of the distance that an atom may have moved since, m²


class ListedAtoms(NamedTuple):
    """Atoms and ghosts with the list of their neighbours."""

    owner: Int32Array  # (N,)
    shift: Array  # (N, 3) displacements of the ghosts, m
    positions: Array  # (N, 3) m, changed
    species: Int32Array  # (N,)
    start: IntArray  # (n + 1,)
    near: Int32Array
    reference: Array  # (n, 3) positions for which the list was made, m
    limit: float  # square of the distance that an atom may have moved since, m²
    close: ClosePairs


class ThermostatState(NamedTuple):
    """The two thermostats."""

    kind: int
    hot: IntArray
    cold: IntArray
    numbers: Array  # e^(-dt/τ), k_B T of both, J, power, W
    period: int  # of swaps, steps
    heat: Array  # (2,) given so far, J, changed
    random: NDArray[np.uint64]  # changed
