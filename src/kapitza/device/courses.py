"""How the power of a source goes in time."""

from attrs import field, frozen

from kapitza.core.arrays import number, quantity
from kapitza.errors import InputError


@frozen
class Steady:
    """On for ever."""


@frozen
class Step:
    """Off before t = 0, on from then."""


@frozen
class Periodic:
    """A power that goes as cos(2π frequency t), Hz: the temperature that goes with it, without the mean."""

    frequency: float = field(converter=number, validator=quantity())


@frozen
class Pulses:
    """Rectangular pulses.

    Attributes
    ----------
    period : from one pulse to the next, s
    width : of each pulse, s
    count : number of pulses, the first at t = 0; None for a train without beginning
    """

    period: float = field(converter=number, validator=quantity())
    width: float = field(converter=number, validator=quantity())
    count: int | None = None

    def __attrs_post_init__(self) -> None:
        if not self.width < self.period:
            raise InputError(f"pulses of {self.width:g} s every {self.period:g} s: expected pulses shorter than that")
        if self.count is not None and self.count < 1:
            raise InputError(f"{self.count} pulses: expected at least 1")


Course = Steady | Step | Periodic | Pulses
