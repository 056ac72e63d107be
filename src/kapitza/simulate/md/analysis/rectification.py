"""Forward against reverse flow, said with its error."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, numbers, same_length
from kapitza.core.conductance import Conductance, check_comparable
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

_RECTIFICATION_SIGNIFICANCE = 2.0  # standard uncertainties that a rectification must have to be called one


@frozen(eq=False)
class Rectification(BaseRecord):
    r"""Rectification $\eta = (G_+ - G_-)/G_-$ of an interface."""

    temperature: Array = field(converter=numbers, metadata=about("K", "mean temperature"))
    value: Array = field(converter=numbers, validator=same_length("temperature"), metadata=about("1", "rectification"))
    sigma: Array = field(
        converter=numbers, validator=same_length("temperature"), metadata=about("1", "uncertainty of the rectification")
    )

    @property
    def significance(self) -> Array:
        """(nT,) standard uncertainties by which it differs from none."""
        return np.abs(self.value) / self.sigma

    def __str__(self) -> str:
        return "\n".join(
            f"{t:g} K: rectification {100 * v:+.1f} ± {100 * s:.1f} %, "
            + ("significant" if n >= _RECTIFICATION_SIGNIFICANCE else "not significant")
            + f" ({n:.1f} standard uncertainties)"
            for t, v, s, n in zip(self.temperature, self.value, self.sigma, self.significance, strict=True)
        )


def rectification(forward: Conductance, reverse: Conductance) -> Rectification:
    r"""Rectification of independent runs in opposite directions at the same mean temperatures, with propagated error.

    $\sigma_\eta^2 = (\sigma_+/G_-)^2 + (G_+\sigma_-/G_-^2)^2$.
    """
    check_comparable(forward, reverse)
    if not np.array_equal(forward.temperature, reverse.temperature):
        raise InputError(f"forward at {forward.temperature} K, reverse at {reverse.temperature} K: take the same")
    if forward.sigma is None or reverse.sigma is None:
        raise InputError(
            f"{(forward if forward.sigma is None else reverse).method!r} has no uncertainty: a rectification of some "
            "per cent is then no statement"
        )
    if not (np.isfinite(reverse.value) & (reverse.value > 0) & np.isfinite(forward.value)).all():
        raise InputError(f"conductances {forward.value} and {reverse.value} W/m²K: wanted finite ones above 0")
    ratio = forward.value / reverse.value
    sigma = np.hypot(forward.sigma / reverse.value, ratio * reverse.sigma / reverse.value)
    return Rectification(forward.temperature, ratio - 1, sigma)
