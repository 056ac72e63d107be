"""Block averages of a run, the same from the engines here and from files written on a cluster."""

import json

import numpy as np
from attrs import asdict, field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite, integer_array, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.system import COLD_ROLE, HOT_ROLE, System


@frozen(eq=False, kw_only=True)
class Record(BaseRecord):
    """Block averages of one run.

    Attributes
    ----------
    name : of the system
    heights, counts, roles : (layers,)
    temperature : (blocks, layers); 0 where atoms are held
    heat : (blocks + 1, 2) energy given to the atoms by the hot and the cold thermostat up to each block's start
    power : (blocks,) mean, left to right; NaN where it was not measured
    interface_count : 2 where the box repeats along z
    method : engine, thermostat and potential, for legends

    Raises
    ------
    InputError
        for shapes that do not fit

    Examples
    --------
    >>> from kapitza.examples import argon_run
    >>> run = argon_run()
    >>> record = run.records[0]
    >>> print(record.temperature.shape, "blocks and planes;", record.method)
    (16, 20) blocks and planes; built-in engine, langevin, lennard-jones
    """

    name: str
    area: float = field(metadata=about("m^2", "cross-section"))
    plane: float = field(metadata=about("m", "height of the Gibbs plane"))
    heights: Array = field(converter=finite, metadata=about("m", "heights of the planes of atoms"))
    counts: IntArray = field(converter=integer_array, metadata=about("1", "atoms of each plane"))
    roles: IntArray = field(converter=integer_array, metadata=about("0 free, 1 hot, 2 cold, 3 held", "roles"))
    block: float = field(metadata=about("s", "duration of a block"))
    temperature: Array = field(metadata=about("K", "kinetic temperature of each plane"))
    heat: Array = field(metadata=about("J", "heat given by the thermostats"))
    energy: Array = field(metadata=about("J", "total energy"))
    power: Array = field(metadata=about("W", "direct power through the plane"))
    timestep: float = field(kw_only=True, metadata=about("s", "time step"))
    interface_count: int = field(default=1, kw_only=True, metadata=about("1", "interfaces that the heat leaves by"))
    seed: int = field(default=0, kw_only=True, metadata=about("1", "seed of the random numbers"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        positive([self.area, self.block, self.timestep])
        blocks, layers = len(self.power), self.heights.size
        shapes = {
            "counts": (layers,), "roles": (layers,), "temperature": (blocks, layers), "heat": (blocks + 1, 2),
            "energy": (blocks + 1,), "power": (blocks,),
        }  # fmt: skip
        for name, wanted in shapes.items():
            shape = np.shape(getattr(self, name))
            if shape != wanted:
                raise InputError(f"{self.name}: {name} of shape {shape} for {blocks} blocks and {layers} planes")

    @property
    def flux(self) -> Array:
        """(blocks, 3) heat flux left to right by hot thermostat, cold thermostat and through the plane, W m⁻²."""
        exchanged = np.diff(self.heat, axis=0) / self.block * [1, -1] / self.interface_count
        return np.column_stack([exchanged, self.power]) / self.area

    @property
    def thermostat_temperatures(self) -> tuple[float, float]:
        """Mean temperatures of the planes of the two thermostats, K."""
        mean = self.temperature.mean(axis=0)
        sides = self.roles == HOT_ROLE, self.roles == COLD_ROLE
        hot, cold = (float(np.average(mean[side], weights=self.counts[side])) for side in sides)
        return hot, cold


HEADER_FILE = "kapitza.json"


@frozen(eq=False, kw_only=True)
class RunHeader(BaseRecord):
    """All of a `Record` but its blocks."""

    name: str
    area: float
    plane: float
    heights: Array
    counts: IntArray
    roles: IntArray
    block: float
    timestep: float
    interface_count: int
    seed: int
    method: str
    blocks: int  # how many are wanted

    @property
    def text(self) -> str:
        """Itself as JSON."""
        plain = asdict(self, value_serializer=lambda _, __, one: one.tolist() if isinstance(one, np.ndarray) else one)
        plain["ways"] = plain.pop("interface_count")
        return json.dumps({"kapitza": "molecular dynamics", **plain}, indent=1, allow_nan=False) + "\n"

    def record(self, temperature: Array, heat: Array, energy: Array, power: Array | None = None) -> Record:
        """Return the record of a run with these blocks; see `Record`."""
        about = {name: value for name, value in asdict(self).items() if name != "blocks"}
        measured = np.full(len(temperature), np.nan) if power is None else power
        return Record(**about, temperature=temperature, heat=heat, energy=energy, power=measured)


def make_header(system: System, protocol: Protocol, method: str) -> RunHeader:
    """Return the header of a run of a system."""
    return RunHeader(
        name=system.name, area=system.area, plane=float(system.plane), heights=system.heights,
        counts=system.counts, roles=system.roles, block=protocol.block,
        timestep=protocol.timestep, interface_count=2 if system.periodic else 1, seed=protocol.seed, method=method,
        blocks=protocol.blocks,
    )  # fmt: skip
