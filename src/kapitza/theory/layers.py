r"""Interlayers between two solids, in the two extremes of what happens inside of them.

* Ballistic: phonons keep their frequency from one end to the other, and lose at each plane, diffusely, the memory of
  where they came from.  Summing the reflections to and fro gives $1/\Xi = \sum_i 1/M_i$ over all materials, the outer
  ones included, with no phase.  An interlayer can then never help.
* Thermalised: each layer is thick enough to bring its phonons to an equilibrium of its own; conductances are in series.
  An interlayer helps where it is a spectral bridge, because energy may change frequency inside of it.

Which one holds depends on the layer's thickness against the mean free path of its phonons; truth lies between.  For
KCl|diamond an Al interlayer doubles the thermalised conductance and lowers the ballistic one, so every "phonon
bridge" must say which was assumed.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from numpy.typing import ArrayLike

from kapitza.core.conductance import Conductance, Drop, in_series
from kapitza.core.occupation import Statistics
from kapitza.core.phonons import Phonons
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.theory.dmm import check_sides, chosen_grid, dmm, harmonic

Theory = Callable[[Phonons, Phonons], Transmission]


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
    check_stack(sides)
    omega, weight = chosen_grid(omega, *sides)
    modes = [side.modes(omega) for side in sides]
    label = "ballistic DMM " + "|".join(side.name for side in sides)
    return Transmission(omega, harmonic(*modes), modes[0], modes[-1], weight=weight, method=label)


def thermalised_layers(
    sides: Sequence[Phonons],
    temperature: ArrayLike,
    *,
    drop: Drop = "emitted",
    statistics: Statistics = "quantum",
    theory: Theory = dmm,
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
    check_stack(sides)
    parts = [
        theory(one, other).conductance(temperature, drop=drop, statistics=statistics) for one, other in pairwise(sides)
    ]
    return in_series(*parts, method="thermalised layers " + "|".join(side.name for side in sides))


def check_stack(sides: Sequence[Phonons]) -> None:
    """Refuse a stack of fewer than two materials, and what is none."""
    if not isinstance(sides, Sequence) or isinstance(sides, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"expected a list of materials from left to right, got {sides!r:.60}")
    check_sides(*sides)
    if len(sides) < 2:
        raise InputError(f"a stack of layers has at least two materials, got {len(sides)}")
