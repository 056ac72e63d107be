"""What every measurement on a stack offers, so that one fit serves them all, and the record of what it gave."""

from typing import Protocol, Self

from attrs import converters, field, frozen, validators

from kapitza.core.arrays import Array, finite, positive, same_length
from kapitza.core.stack import Stack


class Experiment(Protocol):
    """A measurement on a stack of layers.

    Attributes
    ----------
    name : stands before the names of its own parameters, as in ``tdtr.pump_radius``
    """

    @property
    def name(self) -> str:
        """What the experiment is called."""
        ...

    @property
    def parameters(self) -> dict[str, float]:
        """Own numbers that may be free or uncertain, by name, with their present values in SI."""
        ...

    def predict(self, stack: Stack) -> Array:
        """(n,) what would be measured on this stack."""
        ...

    def replace(self, changes: dict[str, float]) -> Self:
        """The same experiment with other values of its own parameters, by name without the experiment's."""
        ...


@frozen(eq=False)
class Curve:
    """A measured curve.

    Attributes
    ----------
    x : (n,) what was varied: delay (s), frequency (Hz), ... as the experiment takes it
    value : (n,) what was measured, SI; phases in rad
    sigma : (n,) standard uncertainty of each point; None where only their scatter is known
    kind : "ratio", "in_phase", "out_of_phase", "phase", "amplitude", "temperature", as the experiment calls it

    Raises
    ------
    InputError
        for unequal lengths, NaN or infinite values, an uncertainty that is not above zero
    """

    x: Array = field(converter=finite)
    value: Array = field(converter=finite, validator=same_length("x"))
    sigma: Array | None = field(
        default=None, converter=converters.optional(positive), validator=validators.optional(same_length("x"))
    )
    kind: str = field(default="ratio")
