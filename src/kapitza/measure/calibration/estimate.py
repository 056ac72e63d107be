r"""The calibrated estimate: ln G of a contact with its interval, and what it rests on.

The interval is that of a value which a further laboratory would measure on a further sample.  It is log-normal, and
never narrower than what laboratories disagree by on one contact at room temperature, 0.25 decades.

The estimate starts from rows of the catalogue and fitted amplitudes, which the package contains.  They are recomputed
by `benchmarks/calibration.py --refit` after any change of the catalogue.

Two Debye solids give the trend: $\ln(G_\mathrm{DMM} + 0.05\, G_\mathrm{soft})$, where $G_\mathrm{soft}$ is the
radiation limit of the softer side.  The small share of it stands for inelastic channels, which is all that is left
where the spectra hardly overlap.  Where both sides have phonons in the package, how far the same number from their
full bands lies from that of Debye solids is one more feature; as bands overlap less, their share is larger, 0.15.  To
it is added how far the solved apparent conductance lies from the emitted one at 300 K: measurements are of the former.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_choice, numbers
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.library import material, materials
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material, composition, warn_of_state
from kapitza.matter.phonons import has_phonons
from kapitza.matter.sheet import LIBRARY_SHEETS
from kapitza.measure.apparent import solve_apparent
from kapitza.measure.calibration.process import UNKNOWN, Rows, Scales, join_rows, predict_open_rows
from kapitza.measure.catalogue import CONDITIONS, Condition, Measurement
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import radiation_limit
from kapitza.theory.models import apply_models
from kapitza.theory.sides import describe_side, describe_sides
from kapitza.units import MW

INELASTIC_SHARE = 0.05  # of the radiation limit of the softer side, added to the diffuse mismatch model
BANDS_SHARE = 0.15  # the same for full bands, whose spectra overlap less
_ROOM_TEMPERATURE = 300.0  # K

# Enthalpy of formation of the oxide, kJ per mol of oxygen atoms: D. D. Wagman et al., J. Phys. Chem. Ref. Data 11,
# suppl. 2 (1982), rounded.  It orders metals by how strongly they bond to oxides, nitrides and carbon.
_OXIDE_ENTHALPY: Mapping[str, float] = MappingProxyType({
    "Au": 0, "Ag": -31, "Pt": -50, "Pd": -85, "Rh": -114, "Ir": -125, "Ru": -152, "Cu": -169, "Bi": -191, "Pb": -219,
    "Co": -238, "Ni": -240, "Sb": -240, "Cd": -258, "Fe": -272, "Sn": -289, "Mo": -294, "W": -295, "In": -309,
    "Zn": -350, "Cr": -380, "Nb": -398, "V": -406, "Ta": -409, "Ti": -472, "Zr": -550, "Al": -559, "Mg": -602,
    "Be": -609, "Er": -633, "Sc": -636,
})  # fmt: skip
_AFFINITY_SCALE, _NO_METAL = 300.0, -0.9  # kJ/mol; where no side is a metal
_METAL_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType({
    "noble metal": frozenset({"Au", "Ag", "Cu", "Pt", "Pd", "Rh", "Ir", "Ru"}),
    "soft metal": frozenset({"Pb", "Bi", "Sn", "In", "Sb", "Cd", "Zn"}),
    "light metal": frozenset({"Al", "Mg", "Be"}),
})  # fmt: skip
_USUAL_BANDS = -0.6  # trend of full bands less that of Debye solids, where nobody knows bands
_USUAL_EXCESS = -0.2  # ln of the apparent conductance over the emitted one, where it cannot be solved for
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_LAYERED = frozenset({"graphite", "h-BN", "Bi2Te3", "Sb2Te3", "MoS2", "WS2", "SnSe"})


@frozen(kw_only=True)
class Contact(BaseRecord):
    """Two sides, and the numbers by which contacts are alike."""

    left: str
    right: str
    bonding: tuple[str, str]  # class of each side, as "noble metal" or "oxide"
    metals: int  # number of metals among the sides
    contrast: float  # ln of the stiff over the soft longitudinal Debye temperature
    impedance: float  # |ln(Z1/Z2)| of the longitudinal impedances
    affinity: float  # enthalpy of formation of the metal's oxide over 300 kJ per mol of oxygen

    @property
    def name(self) -> str:
        """Both sides, in alphabetical order."""
        return "/".join(sorted((self.left, self.right)))


class Mismatch(NamedTuple):
    """Two sides by models of physics, (nT,) each."""

    diffuse: Array  # ln of G in MW m⁻² K⁻¹ by the diffuse mismatch model of two Debye solids
    soft: Array  # the same by the radiation limit of the softer side
    bands: Array  # trend of full bands less that of Debye solids, and what a measurement sees of it

    @property
    def trend(self) -> Array:
        """(nT,) ln G of what two Debye solids let one expect."""
        return np.logaddexp(self.diffuse, np.log(INELASTIC_SHARE) + self.soft)


LINEAR: Mapping[str, float] = MappingProxyType({  # features that enter linearly, with the value about which they do
    "trend": 6.0, "contrast": 1.0, "impedance": 0.8, "affinity": -1.0, "temperature": -0.4,
    "bands": _USUAL_BANDS + _USUAL_EXCESS,
})  # fmt: skip
SMOOTH = ("excess", "impedance", "affinity", "temperature")  # features of which a smooth function is learnt


def refusal(left: str | Material, right: str | Material) -> str:
    """Why the calibration has no business with two sides; empty where it has.

    Single layers, organic matter, liquids, helium and two conductors are outside of what it has learnt from.  A layered
    crystal is a solid like others: it is taken where the library has its density and speeds of sound, as of graphite
    and h-BN.  A name that may mean a crystal or a single layer of it means the crystal, if the package has that.
    """
    for side in (left, right):
        if isinstance(side, str) and side in LIBRARY_SHEETS and side not in materials():
            if has_phonons(side):
                return f"the library has no density and speeds of sound of {side}, the crystal"
            return f"bonds to sheets of {side} were not learnt"
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    for side in sides:
        if side.symmetry == LIQUID_SYMMETRY:
            return f"{side.name} is a liquid"
        if "H" in composition(side.formula):
            return f"{side.name} is organic or holds hydrogen"
        if "He" in composition(side.formula):
            return f"{side.name} is a quantum solid"
    # electrons carry heat in pure metals, and in nitrides and carbides of transition metals
    transition = set(_OXIDE_ENTHALPY) - set().union(*_METAL_CLASSES.values())

    def conducts(side: Material) -> bool:
        elements = set(composition(side.formula))
        return bool(_metal(side) or (elements & {"N", "C"} and elements & transition))

    if all(map(conducts, sides)):
        return f"electrons carry the heat between {sides[0].name} and {sides[1].name}"
    return f"both sides are {sides[0].name}" if sides[0].name == sides[1].name else ""


def describe_contact(left: str | Material, right: str | Material) -> Contact:
    """Classes and mismatch of two sides; InputError with the reason where the calibration refuses them."""
    if why := refusal(left, right):
        raise InputError(f"no calibrated estimate: {why}; ask for the models of physics alone")
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    solids = [side.solid() for side in sides]
    debye = np.log([solid.cutoffs.max() for solid in solids])
    stiffness = np.log([solid.density * solid.longitudinal for solid in solids])
    metals = [element for side in sides if (element := _metal(side))]
    return Contact(
        left=sides[0].name,
        right=sides[1].name,
        bonding=(bonding_class(sides[0]), bonding_class(sides[1])),
        metals=len(metals),
        contrast=float(np.ptp(debye)),
        impedance=float(np.ptp(stiffness)),
        affinity=_OXIDE_ENTHALPY[metals[0]] / _AFFINITY_SCALE if metals else _NO_METAL,
    )


def mismatch_conductances(left: str | Material, right: str | Material, temperature: Array) -> Mismatch:
    """What models of physics say of two sides at temperatures (nT,) K."""
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    diffuse, limit = _debye_transmissions(sides[0], sides[1])
    kelvin, back = np.unique(temperature, return_inverse=True)
    debye = np.log(diffuse.conductance(kelvin).value / MW)
    soft = np.log(limit.conductance(kelvin).value / MW)
    full = None if isinstance(left, Material) or isinstance(right, Material) else _band_transmissions(left, right)
    bands = np.full_like(debye, _USUAL_BANDS)
    if full is not None:
        elastic, other = (np.log(one.conductance(kelvin).value / MW) for one in full)
        bands = np.logaddexp(elastic, np.log(BANDS_SHARE) + other) - np.logaddexp(debye, np.log(INELASTIC_SHARE) + soft)
    excess = _USUAL_EXCESS
    if isinstance(left, str) and isinstance(right, str):
        excess = _apparent_excess(min(left, right), max(left, right))
    return Mismatch(debye[back], soft[back], bands[back] + excess)


@lru_cache(maxsize=256)
def _apparent_excess(left: str, right: str) -> float:
    """Logarithm of what TDTR sees of a boundary at 300 K over what the elastic diffuse mismatch model emits."""
    try:
        sides = describe_sides(left, right)
        seen = solve_apparent(*sides, _ROOM_TEMPERATURE).conductance.value[0]
    except InputError:  # a glass, a metal on a metal, or a lattice of unknown conductivity
        return _USUAL_EXCESS
    (elastic,) = apply_models(*sides, _ROOM_TEMPERATURE, ["dmm"])
    return float(np.log(seen / elastic.emitted.value[0])) if np.isfinite(seen) else _USUAL_EXCESS


@lru_cache(maxsize=256)
def _band_transmissions(left: str, right: str) -> tuple[Transmission, Transmission] | None:
    """Diffuse mismatch of full bands and the limit of the softer side; None where a side has none in the package."""
    one, other = describe_side(left).crystal, describe_side(right).crystal
    if one is None or other is None:
        return None
    first, second = one.spectrum, other.spectrum
    softer = "left" if first.edges[-1] < second.edges[-1] else "right"
    return dmm(first, second), radiation_limit(first, second, softer)


@lru_cache(maxsize=256)
def _debye_transmissions(left: Material, right: Material) -> tuple[Transmission, Transmission]:
    one, other = left.solid(), right.solid()
    softer = "left" if one.cutoffs.max() < other.cutoffs.max() else "right"
    return dmm(one, other), radiation_limit(one, other, softer)


def bonding_class(side: Material) -> str:
    """Class of bonding of a solid, by its elements."""
    elements = set(composition(side.formula))
    if metal := _metal(side):
        return next((name for name, known in _METAL_CLASSES.items() if metal in known), "transition metal")
    if side.name in _LAYERED:
        return "layered"
    if side.name == "diamond":
        return "diamond"
    if side.symmetry == GLASS_SYMMETRY:
        return "glass"
    if "O" in elements:
        return "oxide"
    if elements & _HALOGENS:
        return "salt"
    return "nitride or carbide" if elements & {"N", "C"} else "semiconductor"


def _metal(side: Material) -> str:
    """Element of a pure metal; empty for all else."""
    elements = list(composition(side.formula))
    return elements[0] if len(elements) == 1 and elements[0] in _OXIDE_ENTHALPY else ""


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

    `condition` is one of `Condition`; `film` "sputtered", "evaporated" or "other"; `method` "optical", "3ω",
    "diffraction" or "other"; `source` and `name` say who measured, and on which sample; empty for a contact that is
    sought.
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
    """A measured contact, its share (0 to 1) of all that an estimate leans on, and its DOIs."""

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
    state = load_state()
    if measurements:
        added = [rows_of(entry, f"own {number}") for number, entry in enumerate(measurements)]
        state = evolve(state, rows=join_rows([state.rows, *added]))
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
    measured = {*rows.left.tolist(), *rows.right.tolist()}
    sides = wanted.left[0], wanted.right[0]
    cautions = [f"no contact of {side} was measured" for side in sides if side not in measured]
    classes = {frozenset(pair) for pair in zip(rows.bonding_left.tolist(), rows.bonding_right.tolist(), strict=True)}
    pair = (str(wanted.bonding_left[0]), str(wanted.bonding_right[0]))
    if frozenset(pair) not in classes:
        cautions.append(f"no contact of {pair[0]} with {pair[1]} was measured")
    if wanted.preparation[0] not in (*rows.preparation, UNKNOWN):
        cautions.append(f"no contact of condition {wanted.preparation[0]!r} was measured")
    if distance.max() > _FAR:
        cautions.append(f"{distance.max():.1f} lengths of {', '.join(SMOOTH)} from all that was measured")
    return tuple(cautions)


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
    """Rows of one contact and sample at temperatures (n,), K.

    `mismatch` has what models of physics say, `value` (n,) is the measured conductance, W m⁻² K⁻¹; None where it is
    sought.
    """
    size = temperature.size
    features: dict[str, Array] = {
        "trend": mismatch.trend,
        "excess": mismatch.soft - mismatch.diffuse,
        "temperature": np.log(temperature / _ROOM_TEMPERATURE),
        "bands": mismatch.bands,
        **{name: np.full(size, getattr(contact, name)) for name in ("contrast", "impedance", "affinity")},
    }
    labels = {
        "left": contact.left, "right": contact.right, "contact": contact.name,
        "bonding_left": contact.bonding[0], "bonding_right": contact.bonding[1],
        "preparation": _CONDITION_CLASSES.get(sample.condition, sample.condition),
        "film": sample.film, "method": sample.method,
        "source": sample.source or "sought", "sample": sample.name or "sought",
    }  # fmt: skip
    numbers = {
        "nonmetals": float(contact.metals == 0), "bond": _WEAK_BONDS.get(sample.condition, 0.0),
        "source_weight": 1.0, "sample_weight": 1.0,
    }  # fmt: skip
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
