"""A map with its two positions exchanged, for an interface that runs along x."""

import numpy as np
from attrs import evolve

from kapitza.errors import InputError
from kapitza.measure.eels.map import TemperatureMap


def turned(found: TemperatureMap) -> TemperatureMap:
    """Return a map along (y, x) as one along (x, y): what is normal to x is taken across the other position.

    Raises
    ------
    InputError
        for a map that is not along two positions
    """
    if len(found.position) != 2:
        raise InputError(f"expected a map along two positions to exchange, got {len(found.position)}")
    arrays = ("value", "covariance", "flag", "pvalue", "deviance", "iterations")
    changes = {name: np.swapaxes(getattr(found, name), 0, 1) for name in arrays}
    return evolve(found, position=found.position[::-1], **changes)
