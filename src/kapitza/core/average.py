"""Averages over configurations of what is random about an interface."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError


def mean_transmission(found: Sequence[Transmission]) -> tuple[Transmission, Array]:
    r"""Average the transmissions of several configurations, at the same frequencies.

    Parameters
    ----------
    found : at least one transmission; all with the frequencies of the first

    Returns
    -------
    The mean of totals and modes, and (nω,) the standard error of the mean total, m⁻²: zero for a single one

    Raises
    ------
    InputError
        for none, or frequencies that differ
    """
    if not found:
        raise InputError(f"expected at least one transmission, got {list(found)}")
    first = found[0]
    for one in found:
        if not np.array_equal(one.omega, first.omega):
            raise InputError(
                f"{one.method!r} has other frequencies ({one.omega.size}) than {first.method!r} ({first.omega.size}): "
                "compute all of them at the same ones (omega=...)"
            )
    totals = np.array([one.total for one in found])
    sides = [[getattr(one, side) for one in found] for side in ("left", "right")]
    left, right = (None if any(part is None for part in side) else np.mean(side, axis=0) for side in sides)
    error = totals.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.zeros_like(first.omega)
    method = f"{first.method}, mean of {len(found)}"
    return evolve(first, total=totals.mean(axis=0), left=left, right=right, method=method), error
