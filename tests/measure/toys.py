"""A quick experiment for tests of the estimator: steady temperature rise under beams of several widths."""

from typing import Self

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, above_zero, positive
from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import Curve


@frozen(eq=False)
class Spots:
    """Rise per watt on a film that spreads no heat: 1/(k sqrt(2 pi) W) + 2/(pi W² G) + offset."""

    width: Array = field(converter=positive)
    gain: float = field(default=1.0, validator=above_zero)
    spot: float = field(default=1.0, validator=above_zero)
    offset: float = 0.0
    name: str = "spots"

    @property
    def parameters(self) -> dict[str, float]:
        return {"gain": self.gain, "spot": self.spot, "offset": self.offset}

    def predict(self, stack: Stack) -> Array:
        w = self.width * self.spot
        below = stack.layers[-1].conductivity
        through = sum(b.resistance() for b in stack.boundaries)
        return self.gain * (1 / (below * np.sqrt(2 * np.pi) * w) + 2 * through / (np.pi * w**2)) + self.offset

    def replace(self, changes: dict[str, float]) -> Self:
        return evolve(self, **changes)

    def measured(self, stack: Stack, noise: float, seed: int, *, sigma: bool = True) -> Curve:
        """What it would give with relative noise."""
        clean = self.predict(stack)
        errors = noise * clean * np.random.default_rng(seed).standard_normal(clean.size)
        return Curve(self.width, clean + errors, noise * clean if sigma else None, "amplitude")


def sample(conductance: float = 100e6, conductivity: float = 140.0) -> Stack:
    layers = [Layer("Al", 80e-9, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, conductivity, heat_capacity=1.64e6)]
    return Stack(layers, [conductance])


WIDTHS = np.geomspace(0.3e-6, 30e-6, 24)
