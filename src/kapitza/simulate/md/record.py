"""What a run between two baths leaves behind, block by block: the same from our own runs and from a cluster's files."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, finite, positive
from kapitza.errors import InputError
from kapitza.matter.brillouin import Integers
from kapitza.matter.crystal import integers
from kapitza.simulate.md.system import COLD, HOT


@frozen(eq=False)
class Record:
    """Block averages of one run.

    Attributes
    ----------
    name : of the system
    area : cross-section, m²
    plane : height of the Gibbs plane, m
    heights : (layers,) of the planes of atoms, m
    counts : (layers,) atoms of each plane
    roles : (layers,) FREE, HOT, COLD or HELD
    block : duration of a block, s
    temperature : (blocks, layers) kinetic temperature of each plane, K; 0 where atoms are held
    heat : (blocks + 1, 2) energy that the hot and the cold bath have given to the atoms up to each block's start, J
    energy : (blocks + 1,) total energy, J
    power : (blocks,) mean direct power through the plane, left to right, W; NaN where nobody measured it
    timestep : s
    ways : planes through which the heat of a bath leaves: 2 where the box repeats along z
    seed : of the random numbers
    method : engine, thermostat and potential, for legends

    Raises
    ------
    InputError
        for shapes that do not fit
    """

    name: str
    area: float
    plane: float
    heights: Array = field(converter=finite)
    counts: Integers = field(converter=integers)
    roles: Integers = field(converter=integers)
    block: float
    temperature: Array = field()
    heat: Array = field()
    energy: Array = field()
    power: Array = field()
    timestep: float = field(kw_only=True)
    ways: int = field(default=1, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        positive([self.area, self.block, self.timestep])
        blocks, layers = len(self.power), self.heights.size
        shapes = {
            "counts": (layers,), "roles": (layers,), "temperature": (blocks, layers), "heat": (blocks + 1, 2),
            "energy": (blocks + 1,), "power": (blocks,),
        }  # fmt: skip
        for name, wanted in shapes.items():
            found = np.shape(getattr(self, name))
            if found != wanted:
                raise InputError(f"{self.name}: {name} of shape {found} for {blocks} blocks and {layers} planes")

    @property
    def flux(self) -> Array:
        """(blocks, 3) heat flux left to right by the hot bath, the cold bath and through the plane, W m⁻²."""
        baths = np.diff(self.heat, axis=0) / self.block * [1, -1] / self.ways
        return np.column_stack([baths, self.power]) / self.area

    @property
    def bath_temperatures(self) -> tuple[float, float]:
        """Mean temperatures of the planes of the two baths, K."""
        mean = self.temperature.mean(axis=0)
        hot, cold = (
            float(np.average(mean[self.roles == r], weights=self.counts[self.roles == r])) for r in (HOT, COLD)
        )
        return hot, cold
