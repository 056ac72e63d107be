"""What must be known of a run on a cluster to make sense of its files."""

import json

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.matter.brillouin import Integers
from kapitza.simulate.md.protocol import Course
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import System

FILE = "kapitza.json"


@frozen(eq=False)
class Header:
    """All of a `Record` but its blocks.

    Attributes
    ----------
    name, area, plane, heights, counts, roles, block, timestep, ways, seed, method : as in `Record`
    blocks : how many are wanted
    """

    name: str
    area: float
    plane: float
    heights: Array
    counts: Integers
    roles: Integers
    block: float
    timestep: float
    ways: int
    seed: int
    method: str
    blocks: int

    @property
    def text(self) -> str:
        """Itself as JSON."""
        lists = {"heights": self.heights.tolist(), "counts": self.counts.tolist(), "roles": self.roles.tolist()}
        plain = {
            name: getattr(self, name)
            for name in ("name", "area", "plane", "block", "timestep", "ways", "seed", "method", "blocks")
        }
        return json.dumps({"kapitza": "molecular dynamics", **plain, **lists}, indent=1, allow_nan=False) + "\n"

    def record(self, temperature: Array, heat: Array, energy: Array, power: Array | None = None) -> Record:
        """Return the record of a run with these blocks; see `Record`."""
        measured = np.full(len(temperature), np.nan) if power is None else power
        return Record(
            self.name, self.area, self.plane, self.heights, self.counts, self.roles, self.block, temperature, heat,
            energy, measured, timestep=self.timestep, ways=self.ways, seed=self.seed, method=self.method,
        )  # fmt: skip


def header_of(system: System, course: Course, method: str) -> Header:
    """Return the header of a run of a system."""
    return Header(
        system.name, system.area, float(system.plane), system.heights, system.counts, system.roles, course.block,
        course.timestep, 2 if system.periodic else 1, course.seed, method, course.blocks,
    )  # fmt: skip
