r"""The calibrated estimate: ln G of a contact with its interval, and what it rests on.

The interval is that of a value which a further laboratory would measure on a further sample.  It is log-normal, and
never narrower than what laboratories disagree by on one contact at room temperature, 0.25 decades.
"""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, check_choice, numbers
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.library import material
from kapitza.matter.material import Material, warn_of_state
from kapitza.measure.calibration.contacts import SMOOTH, mismatch_conductances
from kapitza.measure.calibration.mixture import UNKNOWN, predict_open_rows
from kapitza.measure.calibration.process import Rows
from kapitza.measure.calibration.state import Sample, State, expectation, load_state, sought_rows, with_measurements
from kapitza.measure.catalogue import CONDITIONS, Condition, Measurement
from kapitza.units import MW

LABORATORY_NOISE = 0.25 * np.log(10)  # standard deviation of ln G between laboratories, one contact at 300 K
TEMPERATURE_RANGE = (20.0, 700.0)  # K, in which there is something to lean on
_FILMS = ("sputtered", "evaporated", "other", UNKNOWN)
_METHODS = ("optical", "3ω", "diffraction", "other", UNKNOWN)
_FAR = 1.5  # in lengths of the smooth features: farther from all that was measured is extrapolation
_QUANTILE = 1.959963984540054  # of 95 %


@frozen
class Support(BaseRecord):
    """A measured contact on which an estimate leans.

    Attributes
    ----------
    contact : both sides
    share : of all that it leans on, from 0 to 1
    sources : DOIs
    """

    contact: str
    share: float
    sources: tuple[str, ...]


@frozen(eq=False, kw_only=True)
class CalibratedEstimate(BaseRecord):
    r"""Conductance that one would bet on, with its interval.

    Attributes
    ----------
    left, right : names of the sides
    temperature : (nT,) K
    value : (nT,) median, W m⁻² K⁻¹
    spread : (nT,) standard deviation of ln G
    support : measured contacts on which it leans, those it leans on most first
    measured_by : DOIs of all sources that measured this very contact
    contacts : number of measured contacts that it was learnt from
    distance : (nT,) to the nearest row, in lengths of the smooth features
    cautions : where it extrapolates, in words; empty where it does not
    """

    left: str
    right: str
    temperature: Array = field(converter=numbers)
    value: Array = field(converter=numbers)
    spread: Array = field(converter=numbers)
    support: tuple[Support, ...]
    measured_by: tuple[str, ...]
    contacts: int
    distance: Array = field(converter=numbers)
    cautions: tuple[str, ...] = ()

    @property
    def interval(self) -> Array:
        """(nT, 2) ends of the 95 % interval, W m⁻² K⁻¹."""
        return np.column_stack([self.value / self.factor, self.value * self.factor])

    @property
    def factor(self) -> Array:
        """(nT,) by which the ends of the 95 % interval lie below and above the median."""
        return np.exp(_QUANTILE * self.spread)

    @property
    def conductance(self) -> Conductance:
        """The median with its uncertainty (value times the spread of ln G), by the extrapolated drop."""
        label = f"calibrated {self.left}|{self.right}"
        return Conductance(self.temperature, self.value, self.value * self.spread, method=label)


def calibrated_conductance(
    left: str | Material,
    right: str | Material,
    temperature: ArrayLike = 300.0,
    *,
    condition: Condition = "",
    film: str = UNKNOWN,
    method: str = UNKNOWN,
    measurements: Sequence[Measurement] = (),
) -> CalibratedEstimate:
    """Estimate the conductance of a contact from what was measured, on it and on contacts like it.

    Parameters
    ----------
    left, right : names of the library, or materials of a file of your own
    temperature : (nT,) increasing, from 20 to 700 K
    condition : what was done to the surface, as in `Measurement.condition`; empty where nobody says: then the estimate
        is the mixture over how contacts of this kind were prepared
    film : how the film is made: "sputtered", "evaporated", "other", "unknown"
    method : how it would be measured: "optical" (TDTR, FDTR), "3ω", "diffraction", "other", or "unknown" for a mixture
    measurements : of your own, of this contact or others; they count like a further source

    Raises
    ------
    InputError
        for sheets, organic matter, liquids and two conductors, with the reason, for temperatures out of range, and for
        unknown words

    References
    ----------
    Y.-J. Wu, T. Zhan, Z. Hou, L. Fang, Y. Xu, Sci. Data 7, 36 (2020), doi:10.1038/s41597-020-0373-2 (most values)

    Warns
    -----
    ValidityWarning
        for temperatures at which a side is molten, or otherwise not what its numbers describe
    """
    kelvin = increasing_temperatures(temperature)
    low, high = TEMPERATURE_RANGE
    if not kelvin.size:
        raise InputError(f"expected temperatures from {low:g} to {high:g} K, got none")
    if (outside := kelvin[(kelvin < low) | (kelvin > high)]).size:
        raise InputError(f"calibrated estimates hold from {low:g} to {high:g} K, got {outside[0]:g} K")
    check_choice(condition, CONDITIONS, "condition")
    check_choice(film, _FILMS, "film")
    check_choice(method, _METHODS, "method")
    _check_kinds((left, right), measurements)
    wanted = sought_rows(left, right, kelvin, Sample(condition=condition, film=film, method=method))
    for side in (left, right):
        warn_of_state(side if isinstance(side, Material) else material(side), kelvin)
    state = with_measurements(load_state(), measurements)
    above, spread, leaning = predict_open_rows(state.scales, state.rows, wanted)
    mean = above + expectation(mismatch_conductances(left, right, kelvin))
    distance = _distances(state, wanted)
    here = state.rows.source[state.rows.contact == wanted.contact[0]]
    return CalibratedEstimate(
        left=str(wanted.left[0]),
        right=str(wanted.right[0]),
        temperature=kelvin,
        value=np.exp(mean) * MW,
        spread=np.maximum(spread, LABORATORY_NOISE),
        support=_support(state.rows, np.abs(leaning).sum(axis=0)),
        measured_by=tuple(np.unique(here).tolist()),
        contacts=np.unique(state.rows.contact).size,
        distance=distance,
        cautions=_cautions(state.rows, wanted, distance),
    )


def _check_kinds(sides: Sequence[object], measurements: object) -> None:
    """Refuse sides and measurements that are no such things."""
    for side in sides:
        if not isinstance(side, (str, Material)):
            raise InputError(f"expected a name of the library or a Material for a side, got {side!r:.60}")
    if not isinstance(measurements, Sequence) or not all(isinstance(one, Measurement) for one in measurements):
        raise InputError(f"measurements: expected a list of Measurement, got {measurements!r:.60}")


def _distances(state: State, wanted: Rows) -> Array:
    """(m,) distance of each row to the nearest known one, in lengths of the smooth features."""
    apart = (wanted.smooth[:, None] - state.rows.smooth[None]) / state.scales.lengths
    return np.sqrt(np.square(apart).sum(axis=2).min(axis=1))


def _support(rows: Rows, leaning: Array, most: int = 8) -> tuple[Support, ...]:
    """Contacts by how much an estimate leans on their rows."""
    names, codes = np.unique(rows.contact, return_inverse=True)
    share = np.bincount(codes, leaning) / leaning.sum()
    order = np.argsort(share)[::-1][:most]
    sources = (tuple(np.unique(rows.source[codes == k]).tolist()) for k in order)
    return tuple(Support(str(names[k]), float(share[k]), dois) for k, dois in zip(order, sources, strict=True))


def _cautions(rows: Rows, wanted: Rows, distance: Array) -> tuple[str, ...]:
    """Where an estimate extrapolates."""
    found: list[str] = []
    known = {*rows.left.tolist(), *rows.right.tolist()}
    found += [f"no contact of {side} was measured" for side in (wanted.left[0], wanted.right[0]) if side not in known]
    classes = {frozenset(pair) for pair in zip(rows.bonding_left.tolist(), rows.bonding_right.tolist(), strict=True)}
    pair = (str(wanted.bonding_left[0]), str(wanted.bonding_right[0]))
    if frozenset(pair) not in classes:
        found.append(f"no contact of {pair[0]} with {pair[1]} was measured")
    if wanted.preparation[0] not in (*rows.preparation, UNKNOWN):
        found.append(f"no contact of condition {wanted.preparation[0]!r} was measured")
    if distance.max() > _FAR:
        found.append(f"{distance.max():.1f} lengths of {', '.join(SMOOTH)} from all that was measured")
    return tuple(found)
