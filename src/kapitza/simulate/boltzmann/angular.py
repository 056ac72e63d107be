"""Specular transmission by the angle of incidence."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, increasing, numbers, same_length
from kapitza.core.modal import ModalTransmission
from kapitza.errors import InputError

BINS = 24


def shares(value: object) -> Array:
    """Return `value` as shares from 0 to 1, one or one for each group."""
    array = numbers(value)  # pyright: ignore[reportArgumentType]
    if array.size and (array.min() < 0 or array.max() > 1):
        bad = array.min() if array.min() < 0 else array.max()
        raise InputError(f"expected shares from 0 to 1, got {bad:g}")
    return array


@frozen(eq=False)
class AngularShare:
    """Share of the specular phonons from the left that cross, against their angle of incidence.

    Beyond the angle at which waves of the same wave vector along the plane end on the other side, nothing crosses.
    From the right the same waves cross with the same share.

    Attributes
    ----------
    cosine : (n,) of the angle to the normal, increasing from 0 to 1
    share : (n,) that crosses, 0 to 1; between these on straight lines

    Raises
    ------
    InputError
        for cosines or shares outside of 0..1
    """

    cosine: Array = field(converter=increasing)
    share: Array = field(converter=shares, validator=same_length("cosine"))

    def __attrs_post_init__(self) -> None:
        if self.cosine[0] < 0 or self.cosine[-1] > 1:
            raise InputError(f"cosines from {self.cosine[0]:g} to {self.cosine[-1]:g}, expected 0 to 1")

    def at(self, cosine: Array) -> Array:
        """Share at other cosines."""
        return np.interp(cosine, self.cosine, self.share)


def share_by_angle(modal: ModalTransmission, bins: int = BINS) -> AngularShare:
    """Mean transmission of a table of modes from the left against the cosine of incidence, all frequencies together.

    Parameters
    ----------
    modal : for example of `amm_modes`
    bins : of the cosine

    Raises
    ------
    InputError
        for a table without modes from the left, or too few bins
    """
    from_left = modal.select("left")
    if bins < 2 or not from_left.omega.size:
        raise InputError(f"{bins} bins for {from_left.omega.size} modes from the left: expected 2 bins and one mode")
    cosine = np.cos(from_left.angle)
    edge = np.linspace(0, 1, bins + 1)
    part = np.clip(np.digitize(cosine, edge) - 1, 0, bins - 1)
    arriving = np.bincount(part, from_left.weight, bins)
    crossing = np.bincount(part, from_left.weight * from_left.transmission, bins)
    middle = (edge[1:] + edge[:-1]) / 2
    held = arriving > 0
    return AngularShare(middle[held], np.clip(crossing[held] / arriving[held], 0, 1))
