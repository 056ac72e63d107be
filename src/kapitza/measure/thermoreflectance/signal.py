"""What is made of the complex signal of a lock-in amplifier."""

from typing import Literal

import numpy as np

from kapitza.core.arrays import Array
from kapitza.device.waves import Complex

Kind = Literal["ratio", "in_phase", "out_of_phase", "phase", "amplitude"]

KINDS: tuple[Kind, ...] = ("ratio", "in_phase", "out_of_phase", "phase", "amplitude")


def read_as(signal: Complex, kind: Kind) -> Array:
    """(n,) -Re/Im, Re, Im, argument (rad, without jumps along the curve) or modulus of a signal."""
    if kind == "ratio":
        return -signal.real / signal.imag
    if kind == "in_phase":
        return signal.real
    if kind == "out_of_phase":
        return signal.imag
    return np.unwrap(np.angle(signal)) if kind == "phase" else np.abs(signal)
