r"""The calibrated estimate: ln G of a contact with its interval, and what it rests on.

The interval is that of a value which a further laboratory would measure on a further sample.  It is log-normal, and
never narrower than what laboratories disagree by on one contact at room temperature, 0.25 decades.

The estimate starts from rows of the catalogue and fitted amplitudes, which the package contains.  They are recomputed
by `benchmarks/calibration.py --refit` after any change of the catalogue.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_choice, numbers
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.library import material, materials
from kapitza.matter.material import Material, warn_of_state
from kapitza.measure.calibration.contacts import (
    LINEAR,
    SMOOTH,
    Contact,
    Mismatch,
    contact_features,
    describe_contact,
    mismatch_conductances,
    refusal,
)
from kapitza.measure.calibration.process import COLUMNS, UNKNOWN, Rows, Scales, predict_open_rows
from kapitza.measure.catalogue import CONDITIONS, Condition, Measurement
from kapitza.units import MW

LABORATORY_NOISE = 0.25 * np.log(10)  # standard deviation of ln G between laboratories, one contact at 300 K
TEMPERATURE_RANGE = (20.0, 700.0)  # K, in which there is something to lean on
_FILMS = ("sputtered", "evaporated", "other", UNKNOWN)
_METHODS = ("optical", "3ω", "diffraction", "other", UNKNOWN)
_FAR = 1.5  # in lengths of the smooth features: farther from all that was measured is extrapolation
_QUANTILE = 1.959963984540054  # of 95 %
TREND_SHARE = 0.25  # of the trend of two Debye solids that is measured, before anything is learnt
_NATIVE_LAYERS = ("", "native SiO2", "conformal SiO2")
_CONDITION_CLASSES = {"oxide removed": "cleaned", "van der Waals": "bonded"}
_WEAK_BONDS = {"van der Waals": 1.0, "bonded": 0.6}  # share of what a van der Waals bond may take off
_STATE_FILE = "calibration.json"


@frozen(kw_only=True)
class Sample(BaseRecord):
    """How a contact was made and measured, as far as it is known.

    Attributes
    ----------
    condition : what was done to the surface, one of `Condition`
    film : "sputtered", "evaporated" or "other"
    method : "optical", "3ω", "diffraction" or "other"
    source, name : who measured, and on which sample; empty for a contact that is sought
    """

    condition: Condition = ""
    film: str = "other"
    method: str = "optical"
    source: str = ""
    name: str = ""


@frozen(eq=False)
class State(BaseRecord):
    """Scales of the process, the rows that it leans on, and the sum by which the catalogue is known."""

    scales: Scales
    rows: Rows
    digest: str


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
    temperature: Array = field(converter=numbers, metadata=about("K", "(nT,) temperature"))
    value: Array = field(converter=numbers, metadata=about("W m^-2 K^-1", "(nT,) median of the conductance"))
    spread: Array = field(converter=numbers, metadata=about("1", "(nT,) standard deviation of ln G"))
    support: tuple[Support, ...]
    measured_by: tuple[str, ...]
    contacts: int = field(metadata=about("1", "number of measured contacts behind the estimate"))
    distance: Array = field(
        converter=numbers,
        metadata=about("1", "(nT,) distance to the nearest measured row, in lengths of the smooth features"),
    )
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
    contact, mismatch = describe_contact(left, right), mismatch_conductances(left, right, kelvin)
    wanted = make_rows(contact, Sample(condition=condition, film=film, method=method), kelvin, mismatch)
    if not condition:
        wanted = evolve(wanted, preparation=np.full(kelvin.size, UNKNOWN))
    for side in (left, right):
        warn_of_state(side if isinstance(side, Material) else material(side), kelvin)
    state = with_measurements(load_state(), measurements)
    above, spread, leaning = predict_open_rows(state.scales, state.rows, wanted)
    mean = above + expectation(mismatch)
    apart = (wanted.smooth[:, None] - state.rows.smooth[None]) / state.scales.lengths
    distance = np.sqrt(np.square(apart).sum(axis=2).min(axis=1))
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
    for side in sides:
        if not isinstance(side, (str, Material)):
            raise InputError(f"expected a name of the library or a Material for a side, got {side!r:.60}")
    if not isinstance(measurements, Sequence) or not all(isinstance(one, Measurement) for one in measurements):
        raise InputError(f"measurements: expected a list of Measurement, got {measurements!r:.60}")


def _support(rows: Rows, leaning: Array, most: int = 8) -> tuple[Support, ...]:
    """Contacts by how much an estimate leans on their rows."""
    names, codes = np.unique(rows.contact, return_inverse=True)
    share = np.bincount(codes, leaning) / leaning.sum()
    order = np.argsort(share)[::-1][:most]
    sources = (tuple(np.unique(rows.source[codes == k]).tolist()) for k in order)
    return tuple(Support(str(names[k]), float(share[k]), dois) for k, dois in zip(order, sources, strict=True))


def _cautions(rows: Rows, wanted: Rows, distance: Array) -> tuple[str, ...]:
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


def describe_sample(entry: Measurement, name: str) -> Sample:
    """Describe the sample of a measurement, under a name of its own."""
    made = entry.preparation
    film = "sputtered" if "sputter" in made else "evaporated" if "evaporated" in made else "other"
    optical = entry.method in ("TDTR", "FDTR")
    method = "optical" if optical else "3ω" if "3ω" in entry.method else "other"
    method = "diffraction" if "diffraction" in entry.method else method
    condition = "native oxide" if entry.interlayer in _NATIVE_LAYERS[1:] else entry.condition
    return Sample(condition=condition, film=film, method=method, source=entry.doi or name, name=name)


def is_learnt(entry: Measurement) -> bool:
    """Whether the calibration leans on a record: a contact of two solids, without a flag, layer or damage."""
    if entry.flag or entry.bound or entry.pressure or entry.carriers == "electrons" or entry.condition == "irradiated":
        return False
    if entry.interlayer not in _NATIVE_LAYERS or not entry.sides <= set(materials()):
        return False
    return not refusal(entry.left, entry.right)


def make_rows(
    contact: Contact, sample: Sample, temperature: Array, mismatch: Mismatch, value: Array | None = None
) -> Rows:
    """Rows of one contact and sample.

    Parameters
    ----------
    temperature : (n,) K
    mismatch : (n,) what models of physics say
    value : (n,) measured conductance, W m⁻² K⁻¹; None where it is to be found
    """
    features = contact_features(contact, temperature, mismatch)
    size = temperature.size
    labels = {
        "left": contact.left, "right": contact.right, "contact": contact.name,
        "bonding_left": contact.bonding[0], "bonding_right": contact.bonding[1],
        "preparation": _CONDITION_CLASSES.get(sample.condition, sample.condition),
        "film": sample.film, "method": sample.method,
        "source": sample.source or "sought", "sample": sample.name or "sought",
    }  # fmt: skip
    numbers = {"nonmetals": float(contact.metals == 0), "bond": _WEAK_BONDS.get(sample.condition, 0.0)}
    numbers |= {"source_weight": 1.0, "sample_weight": 1.0}
    residual = np.zeros(size) if value is None else np.log(value / MW) - expectation(mismatch)
    return Rows(
        **{name: np.full(size, text) for name, text in labels.items()},
        **{name: np.full(size, one) for name, one in numbers.items()},
        linear=np.column_stack([features[name] - centre for name, centre in LINEAR.items()]),
        smooth=np.column_stack([features[name] for name in SMOOTH]),
        temperature=features["temperature"],
        residual=residual,
    )


def expectation(mismatch: Mismatch) -> Array:
    """(n,) ln of G in MW m⁻² K⁻¹ before anything is learnt."""
    return mismatch.trend + np.log(TREND_SHARE)


def rows_of(entry: Measurement, name: str) -> Rows:
    """Return rows of a record of the catalogue, or of a measurement of your own, under the name of its sample."""
    known = entry.conductance
    mismatch = mismatch_conductances(entry.left, entry.right, known.temperature)
    contact = describe_contact(entry.left, entry.right)
    return make_rows(contact, describe_sample(entry, name), known.temperature, mismatch, known.value)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows of several."""
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


@cache
def load_state() -> State:
    """The state that the package holds."""
    text = files("kapitza.measure").joinpath("data", _STATE_FILE).read_text(encoding="utf-8")
    found = json.loads(text)
    columns = {
        name: np.array(one["names"])[one["codes"]] if isinstance(one, dict) else np.array(one, dtype=float)
        for name, one in found["rows"].items()
    }
    scales, features = found["scales"], {name: np.array(one, dtype=float) for name, one in found["features"].items()}
    columns["linear"] = np.column_stack([features[name] - centre for name, centre in LINEAR.items()])
    columns["smooth"] = np.column_stack([features[name] for name in SMOOTH])
    return State(
        Scales(amplitudes=scales["amplitudes"], lengths=np.array(scales["lengths"]), noise=scales["noise"]),
        Rows(**columns),
        found["catalogue"],
    )


def with_measurements(state: State, entries: Iterable[Measurement]) -> State:
    """The state with further records, its scales unchanged."""
    added = [rows_of(entry, f"own {number}") for number, entry in enumerate(entries)]
    return evolve(state, rows=join_rows([state.rows, *added])) if added else state
