"""Transmission mode by mode: which incoming wave crosses with which probability."""

import numpy as np
from attrs import evolve, field, fields, frozen, validators
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import (
    Array,
    about,
    check_choice,
    finite_table,
    increasing,
    labels,
    numbers,
    same_length,
    temperatures,
)
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side, Transmission
from kapitza.errors import InputError

INTERFACE_SIDES: tuple[Side, Side] = ("left", "right")
_PROBABILITY_ROUNDING = 1e-8  # excess over a probability of 1 that is put down to rounding


def _vector_table(value: ArrayLike) -> Array:
    array = finite_table(value)
    if array.shape[1] != 3:
        raise InputError(f"expected (n, 3) finite wave vectors, got shape {array.shape}")
    return array


def _one_label_each(instance: "ModalTransmission", attribute: object, value: NDArray[np.intp]) -> None:
    if value.shape != instance.omega.shape:
        raise InputError(f"{value.size} labels of a side or branch for {instance.omega.size} modes")


def _probability(instance: object, attribute: object, value: Array) -> None:
    if value.size and not (value.min() >= -_PROBABILITY_ROUNDING and value.max() <= 1 + _PROBABILITY_ROUNDING):
        raise InputError(f"expected probabilities from 0 to 1, got {value.min():.10g} to {value.max():.10g}")


@frozen(eq=False)
class BinnedModes(BaseRecord):
    """Modes of one side sorted by the value of some quantity.

    Attributes
    ----------
    incident, transmitted, specular : (n,) sums over the modes in each bin: of all that arrive, of what crosses, and of
        what crosses with its in-plane wave vector kept; m⁻² times the number of frequencies, or W m⁻² K⁻¹ where a
        temperature was given
    """

    edges: Array = field(
        converter=increasing, metadata=about("of what is sorted by, angles in rad", "bounds of the bins")
    )
    incident: Array = field(converter=numbers, metadata=about("W m^-2 K^-1 at a temperature, else m^-2", "incident"))
    transmitted: Array = field(converter=numbers, metadata=about("as incident", "transmitted"))
    specular: Array = field(
        converter=numbers, metadata=about("as incident", "transmitted with its in-plane wave vector")
    )

    @property
    def centre(self) -> Array:
        """(n,) centres of the bins."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def coefficient(self) -> Array:
        """(n,) mean probability to cross, 0..1; NaN where nothing arrives."""
        return quotient(self.transmitted, self.incident)

    @property
    def specularity(self) -> Array:
        """(n,) part of what crosses that keeps its in-plane wave vector, 0..1; NaN where nothing crosses."""
        return quotient(self.specular, self.transmitted)


def quotient(numerator: Array, denominator: Array) -> Array:
    """Part of a whole; NaN where that is nothing."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)


_PROBABILITIES = validators.and_(same_length("omega"), _probability)


@frozen(eq=False, kw_only=True)
class ModalTransmission(BaseRecord):
    """Flat table of the waves that arrive at an interface from both sides, one row (n,) each.

    A row stands for `weight` modes per area, so that the table sums to a Transmission.

    Attributes
    ----------
    branch : (n,) polarisation branch on the side of arrival
    velocity : (n,) group velocity along the normal, above zero from the left and below from the right, m s⁻¹
    wavevector : (n, 3) in the axes of the interface, z its normal
    transmission, specular : 0..1; specular is what keeps the in-plane wave vector

    Raises
    ------
    InputError
        for columns of unequal length, probabilities outside 0..1 and negative weights
    """

    omega: Array = field(converter=numbers, metadata=about("rad s^-1", "angular frequency"))
    wavevector: Array = field(converter=_vector_table, metadata=about("rad m^-1", "wave vector"))
    side: NDArray[np.intp] = field(
        converter=labels, validator=_one_label_each, metadata=about("0 left, 1 right", "side of arrival")
    )
    branch: NDArray[np.intp] = field(converter=labels, validator=_one_label_each, metadata=about("1", "branch"))
    velocity: Array = field(
        converter=numbers, validator=same_length("omega"), metadata=about("m s^-1", "normal velocity")
    )
    weight: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m^-2", "modes per area"))
    transmission: Array = field(
        converter=numbers, validator=_PROBABILITIES, metadata=about("1", "probability to cross")
    )
    specular: Array = field(converter=numbers, validator=_PROBABILITIES, metadata=about("1", "specular part of it"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if len(self.wavevector) != self.omega.size:
            raise InputError(f"{len(self.wavevector)} wave vectors for {self.omega.size} frequencies")
        if self.weight.min(initial=0) < 0:
            raise InputError(f"expected weights of 0 modes or more, got {self.weight.min():g}")

    @property
    def angle(self) -> Array:
        """(n,) angle between wave vector and normal, 0..π/2, rad."""
        return np.arctan2(np.hypot(self.wavevector[:, 0], self.wavevector[:, 1]), np.abs(self.wavevector[:, 2]))

    @property
    def azimuth(self) -> Array:
        """(n,) angle of the in-plane wave vector from x, -π..π, rad."""
        return np.arctan2(self.wavevector[:, 1], self.wavevector[:, 0])

    def select(self, side: Side, branch: int | None = None) -> "ModalTransmission":
        """The rows of one side, and of one branch if given."""
        check_choice(side, INTERFACE_SIDES, "side")
        wanted = self.side == INTERFACE_SIDES.index(side)
        if branch is not None:
            wanted &= self.branch == branch
        columns = {column.name: getattr(self, column.name)[wanted] for column in fields(type(self)) if column.metadata}
        return evolve(self, **columns)

    def histogram(
        self, value: ArrayLike, edges: ArrayLike, side: Side = "left", *, temperature: float | None = None
    ) -> BinnedModes:
        """Sort the modes of one side by any quantity; modes outside of the edges are left out.

        Parameters
        ----------
        value : (n,) the quantity for each row of the table
        edges : (m + 1,) of the bins, in its unit
        side : of arrival
        temperature : K; each mode then counts with the conductance that it carries, None counts modes

        Raises
        ------
        InputError
            for another number of values than rows, edges that do not increase, or a table of one frequency with a
            temperature
        """
        check_choice(side, INTERFACE_SIDES, "side")
        sort, cuts = numbers(value), increasing(edges)
        if sort.shape != self.omega.shape or cuts.size < 2:
            raise InputError(f"{sort.size} values and {cuts.size} edges for {self.omega.size} modes")
        share = self.weight * (1.0 if temperature is None else self.mode_conductance(temperature))
        inside = (self.side == INTERFACE_SIDES.index(side)) & (sort >= cuts[0]) & (sort <= cuts[-1])
        place = np.clip(np.searchsorted(cuts, sort[inside], side="right") - 1, 0, cuts.size - 2)
        columns = (np.ones_like(share), self.transmission, self.specular)
        sums = [np.bincount(place, (share * column)[inside], minlength=cuts.size - 1) for column in columns]
        return BinnedModes(cuts, *sums)

    def mode_conductance(self, temperature: float) -> Array:
        """(n,) emitted conductance of one mode of each row if all of it crosses, W K⁻¹."""
        single, at = np.unique(self.omega, return_inverse=True)
        if single.size < 2:
            raise InputError(f"a table of {single.size} frequencies has no integral: give at least 2")
        heat = mode_heat_capacity(single, temperatures(temperature))[0] * trapezoid_weights(single) / (2 * np.pi)
        return heat[at]

    def by_angle(self, side: Side = "left", *, bins: int = 18, temperature: float | None = None) -> BinnedModes:
        """Sort by the angle between wave vector and normal, from 0 to π/2, rad; as in `histogram`."""
        return self.histogram(self.angle, np.linspace(0, np.pi / 2, bins + 1), side, temperature=temperature)

    def by_branch(self, side: Side = "left") -> tuple[NDArray[np.intp], Array, Array, Array]:
        """Sums over the modes of each branch and frequency.

        Returns
        -------
        branch : (nb,) numbers of the branches
        omega : (nω,) rad s⁻¹
        incident, transmitted : (nω, nb) modes per area, m⁻²; of branches that are degenerate only sums have a meaning
        """
        rows = self.select(side)
        branch, column = np.unique(rows.branch, return_inverse=True)
        omega, at = np.unique(rows.omega, return_inverse=True)
        incident, transmitted = np.zeros((2, omega.size, branch.size))
        np.add.at(incident, (at, column), rows.weight)
        np.add.at(transmitted, (at, column), rows.weight * rows.transmission)
        return branch, omega, incident, transmitted

    def total(self) -> Transmission:
        """Sum over all modes of each frequency; Ξ is the mean of what crosses from either side."""
        omega, at = np.unique(self.omega, return_inverse=True)
        incident, transmitted = np.zeros((2, omega.size)), np.zeros((2, omega.size))
        np.add.at(incident, (self.side, at), self.weight)
        np.add.at(transmitted, (self.side, at), self.weight * self.transmission)
        known_sides = [side for side in (0, 1) if (self.side == side).any()]
        total = np.minimum(transmitted[known_sides].mean(axis=0), incident[known_sides].min(axis=0))
        left, right = (incident[side] if side in known_sides else None for side in (0, 1))
        return Transmission(omega, total, left, right, method=self.method)
