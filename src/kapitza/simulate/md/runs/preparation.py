"""Preparation of a run at constant energy: atoms are brought to their temperatures by Langevin thermostats first."""

from pathlib import Path

import numpy as np
from attrs import evolve

from kapitza.core.arrays import IntArray
from kapitza.core.files import read_limited, write_atomically
from kapitza.errors import DataError, InputError
from kapitza.run.store import UnitResult, deserialize_arrays, serialize_arrays, unit_address
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.runs.checkpoint import plain_values
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System

_STATE_FILE = "thermal.state"


def prepare(
    system: System, potential: AnyPotential, engine: MdEngine, protocol: Protocol, folder: Path | None
) -> Protocol:
    """Thermalise a system, and return the protocol of what follows: blocks at constant energy from there."""
    given = protocol.thermostats
    mean = (given.hot + given.cold) / 2
    hot, cold = (mean, mean) if protocol.preparation == "uniform" else (given.hot, given.cold)
    grouped = evolve(system, role=thermostat_groups(system, protocol))
    heating = evolve(protocol, thermostats=Thermostats("langevin", hot, cold, given.damping), power_interval=0)
    state = thermalise(grouped, potential, engine, heating, folder)
    alone = Thermostats("none", hot, cold)
    return evolve(protocol, preparation="gradient", thermostats=alone, equilibration=0, start=state)


def thermostat_groups(system: System, protocol: Protocol) -> IntArray:
    """(n,) roles in which every atom that moves belongs to the hot or the cold thermostat."""
    hot = system.role == HOT_ROLE if protocol.preparation == "hot_group" else ~system.right
    return np.where(system.role == FIXED_ROLE, FIXED_ROLE, np.where(hot, HOT_ROLE, COLD_ROLE))


def thermalise(
    system: System, potential: AnyPotential, engine: MdEngine, protocol: Protocol, folder: Path | None
) -> MdState:
    """State after the equilibration of a protocol, without total momentum, or that of an earlier call in `folder`."""
    inputs = [plain_values(one) for one in (system, potential, engine, evolve(protocol, blocks=1, replicas=1))]
    key = unit_address({"inputs": inputs}, version="1")
    path = None if folder is None else folder / _STATE_FILE
    if path is not None and path.exists():
        return _read_state(path, key)
    given = protocol.thermostats
    # Atoms begin at rest positions: by equipartition half of the kinetic energy of 2T becomes potential.
    start = thermal_state(system, (given.hot + given.cold) / 2, protocol.seed, double_temperature=True)
    motion = engine.begin(system, potential, given, start, timestep=protocol.timestep, seed=protocol.seed)
    try:
        motion.advance(protocol.equilibration)
        found = motion.state()
    finally:
        motion.close()
    # Langevin forces leave a drift, which at constant energy would persist and count as temperature.
    mass = system.masses * (system.role != FIXED_ROLE)
    velocities = found.velocities - (mass @ found.velocities / mass.sum()) * (system.role != FIXED_ROLE)[:, None]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: UnitResult = {"address": np.array(key), "positions": found.positions, "velocities": velocities}
        write_atomically(path, serialize_arrays(arrays), follow_link=False)
    return MdState(found.positions, velocities)


def _read_state(path: Path, key: str) -> MdState:
    """State that an earlier call has left, if it was of the same inputs."""
    try:
        arrays = deserialize_arrays(read_limited(path))
    except (DataError, ValueError) as err:
        raise DataError("damaged; remove it to start the run anew", file=path) from err
    if str(arrays.get("address")) != key:
        raise InputError(f"{path.parent} holds a run with other inputs: take another folder, or the same inputs")
    try:
        return MdState(np.asarray(arrays["positions"], dtype=float), np.asarray(arrays["velocities"], dtype=float))
    except (KeyError, TypeError, ValueError) as err:
        raise DataError(f"lacks {err}; remove it to start the run anew", file=path) from err
