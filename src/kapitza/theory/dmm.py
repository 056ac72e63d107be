"""Diffuse mismatch model of two solids, and of stacks of interlayers in two limits, between which the truth lies.

Ballistic: phonons keep their frequency from one end to the other and lose their memory at each plane, so that an
interlayer never helps.  Thermalised: each layer has an equilibrium of its own, so that it may be a spectral bridge.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies, numbers
from kapitza.core.conductance import Conductance, Drop, series_conductance
from kapitza.core.occupation import Statistics
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import FrequencyGrid, frequency_grid
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError


def dmm(left: Phonons, right: Phonons, omega: ArrayLike | None = None) -> Transmission:
    r"""Diffuse mismatch model: a phonon forgets at the interface where it came from.

    A mode of frequency ω leaves to either side in proportion to the modes open there, so that
    $\Xi = M_L M_R / (M_L + M_R)$, the same seen from both sides.  Elastic.

    Parameters
    ----------
    left, right : the two sides: Debye solids, elastic crystals, dispersion fits, full bands, sheets
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for a side without phonons, such as a name

    References
    ----------
    E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), doi:10.1103/RevModPhys.61.605
    P. Reddy, K. Castelino and A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005), doi:10.1063/1.2133890 (full bands)
    """
    omega, weight = common_grid(omega, left, right)
    m_left, m_right = left.modes(omega), right.modes(omega)
    total = harmonic_sum(m_left, m_right)
    return Transmission(omega, total, m_left, m_right, weight=weight, method=f"DMM {left.name}|{right.name}")


def harmonic_sum(*modes: Array) -> Array:
    """(nω,) 1/Σ(1/M) of spectra of modes, 0 where one of them is 0, m⁻²."""
    closed = np.any([m <= 0 for m in modes], axis=0)
    return np.where(closed, 0.0, 1 / np.sum([1 / np.where(closed, 1.0, m) for m in modes], axis=0))


def common_grid(omega: ArrayLike | None, *sides: Phonons) -> tuple[Array, Array | None]:
    """The user's frequencies, or nodes and weights that suit all sides; what is no side is refused."""
    check_phonons(*sides)
    if omega is not None:
        return frequencies(omega), None
    grid: FrequencyGrid = frequency_grid(*(side.edges for side in sides))
    return grid.omega, grid.weight


def check_phonons(*sides: object) -> None:
    """Refuse what has no phonons, such as a name."""
    for side in sides:
        if not isinstance(side, Phonons):
            python = f"kapitza.solid({side!r:.40})" if isinstance(side, str) else "a Solid, Elastic, Fluid, Bands, ..."
            raise InputError(
                f"expected phonons for a side, got {side!r:.60} of type {type(side).__name__}:",
                hint=Hint(python=f"take {python}"),
            )


def check_shares(name: str, value: ArrayLike, size: int, top: str) -> Array:
    """Return shares from 0 to 1, one or one for each of `size` frequencies; `top` is what a share of 1 means."""
    share = numbers(value)
    if share.size not in (1, size):
        raise InputError(f"{name} has {share.size} values for {size} frequencies: give 1 or {size}")
    if share.min() < 0 or share.max() > 1:
        bad = share.min() if share.min() < 0 else share.max()
        raise InputError(f"{name} = {bad:g}, expected 0 (diffuse) to 1 ({top})")
    return share


MismatchModel = Callable[[Phonons, Phonons], Transmission]


def ballistic_layers(sides: Sequence[Phonons], omega: ArrayLike | None = None) -> Transmission:
    r"""Diffuse mismatch of a stack whose layers phonons cross without a change of frequency.

    $$\frac1\Xi = \sum_i \frac1{M_i}$$
    over all materials: each plane i|j sends an arriving phonon to j with $M_j/(M_i + M_j)$, and the layers' reflections
    to and fro form a geometric series.  Two materials give the plain diffuse mismatch model.

    Parameters
    ----------
    sides : the materials from left to right, at least two; the first and the last are half spaces
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of all spectra if None

    Returns
    -------
    Transmission with (nω,) values; `left` and `right` are the modes of the outer materials

    Raises
    ------
    InputError
        for fewer than two materials, or something that is none
    """
    _check_stack(sides)
    omega, weight = common_grid(omega, *sides)
    modes = [side.modes(omega) for side in sides]
    label = "ballistic DMM " + "|".join(side.name for side in sides)
    return Transmission(omega, harmonic_sum(*modes), modes[0], modes[-1], weight=weight, method=label)


def thermalised_layers(
    sides: Sequence[Phonons],
    temperature: ArrayLike,
    *,
    drop: Drop = "emitted",
    statistics: Statistics = "quantum",
    theory: MismatchModel = dmm,
) -> Conductance:
    r"""Conductance of a stack in which every layer comes to its own equilibrium: $1/G = \sum 1/G_{i,i+1}$.

    The layers' own thermal resistance (thickness over conductivity) is not included.

    Parameters
    ----------
    sides : the materials from left to right, at least two
    temperature : (nT,) K, above zero, increasing
    drop : the temperature drop at each of the boundaries; "local" or "extrapolated" where the layers are thick and
        have a conductivity of their own in the same sum
    statistics : "quantum" or "classical"
    theory : of each boundary, called as `theory(left, right)`

    Returns
    -------
    Conductance of the whole, (nT,)

    Raises
    ------
    InputError
        for fewer than two materials, or something that is none
    """
    _check_stack(sides)
    parts = [
        theory(one, other).conductance(temperature, drop=drop, statistics=statistics) for one, other in pairwise(sides)
    ]
    return series_conductance(*parts, method="thermalised layers " + "|".join(side.name for side in sides))


def _check_stack(sides: Sequence[Phonons]) -> None:
    if not isinstance(sides, Sequence) or isinstance(sides, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"expected a list of materials from left to right, got {sides!r:.60}")
    check_phonons(*sides)
    if len(sides) < 2:
        raise InputError(f"a stack of layers has at least two materials, got {len(sides)}")
