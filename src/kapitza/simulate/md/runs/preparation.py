"""Preparation of a run: at constant energy by Langevin thermostats first, or from the profile of an earlier run."""

from pathlib import Path

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray
from kapitza.core.files import read_limited, write_atomically
from kapitza.errors import DataError, InputError
from kapitza.run.store import UnitResult, deserialize_arrays, serialize_arrays, unit_address
from kapitza.simulate.md.engine import MdEngine, MdState, Thermostats
from kapitza.simulate.md.potential import AnyPotential
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.checkpoint import plain_values
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE, System

_STATE_FILE = "thermal.state"
_TEMPERATURE_TOLERANCE = 0.25  # of the difference of the thermostats: how far from it those of an earlier run may be


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
        last = motion.state()
    finally:
        motion.close()
    # Langevin forces leave a drift, which at constant energy would persist and count as temperature.
    mass = system.masses * (system.role != FIXED_ROLE)
    velocities = last.velocities - (mass @ last.velocities / mass.sum()) * (system.role != FIXED_ROLE)[:, None]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: UnitResult = {"address": np.array(key), "positions": last.positions, "velocities": velocities}
        write_atomically(path, serialize_arrays(arrays), follow_link=False)
    return MdState(last.positions, velocities)


def profile_state(system: System, record: Record, thermostats: Thermostats, seed: int) -> MdState:
    """State to start from with the temperature profile of an earlier run of the same interface between other sides.

    Each side of the profile is stretched to the new length, thermostats onto thermostats, and velocities are drawn
    from twice the local temperature as by `gradient_state`.  A straight line through both sides has no jump, and takes
    the slowest mode to make one; this start has one from the beginning, and is nearer to the steady profile.

    Raises
    ------
    InputError
        for cells that repeat along z, thermostats that are missing, or not near those of the record
    """
    if system.periodic or record.interface_count != 1:
        raise InputError(f"{system.name}: a profile to start from is for one interface between two thermostats")
    for one, role in ((system, system.role), (record, record.roles)):
        if not ((role == HOT_ROLE).any() and (role == COLD_ROLE).any()):
            raise InputError(f"{one.name}: a profile to start from needs two thermostats, of the record and the system")
    held, wanted = np.array(record.thermostat_temperatures), np.array([thermostats.hot, thermostats.cold])
    if not (np.abs(held - wanted) <= _TEMPERATURE_TOLERANCE * abs(wanted[0] - wanted[1])).all():
        raise InputError(
            f"{record.name}: its thermostats had {held[0]:.4g} and {held[1]:.4g} K, those of {system.name} have "
            f"{wanted[0]:.4g} and {wanted[1]:.4g} K: take a run between thermostats that are near"
        )
    moving = record.roles != FIXED_ROLE
    place = _relative_places(record.heights, record.roles, record.plane)[moving]
    own = _relative_places(system.heights, system.roles, system.plane)
    temperature = np.interp(own, place, record.temperature.mean(axis=0)[moving])
    return thermal_state(system, temperature[system.layer], seed, double_temperature=True)


def _relative_places(heights: Array, roles: IntArray, plane: float) -> Array:
    """(layers,) places from -2 to 2, rising: -1 to 1 between the thermostats, 0 at the plane, ±2 at the ends."""
    inner = heights[roles == HOT_ROLE].max(), heights[roles == COLD_ROLE].min()
    outer = heights[roles == HOT_ROLE].min(), heights[roles == COLD_ROLE].max()
    knots = [outer[0], inner[0], plane, inner[1], outer[1]]
    if not (np.diff(knots) >= 0).all():
        raise InputError(f"thermostats and plane at {knots} m: wanted the hot thermostat on the left of the plane")
    return np.interp(heights, knots, [-2.0, -1.0, 0.0, 1.0, 2.0])


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
