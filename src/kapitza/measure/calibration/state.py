"""What the calibration has learnt from: rows of the catalogue, and the fitted numbers that the package holds.

`benchmarks/calibration.py --refit` writes them anew, after any change of the catalogue.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.matter.library import materials
from kapitza.matter.material import Material
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
from kapitza.measure.calibration.mixture import UNKNOWN
from kapitza.measure.calibration.process import COLUMNS, Rows, Scales
from kapitza.measure.catalogue import Condition, Measurement
from kapitza.units import MW

TREND_SHARE = 0.25  # of the trend of two Debye solids that is measured, before anything is learnt
_NATIVE_LAYERS = ("", "native SiO2", "conformal SiO2")
_CONDITION_CLASSES = {"oxide removed": "cleaned", "van der Waals": "bonded"}
_WEAK_BONDS = {"van der Waals": 1.0, "bonded": 0.6}  # share of what a van der Waals bond may take off
_STATE_FILE = "calibration.json"
_serial = count()


@frozen(kw_only=True)
class Sample(BaseRecord):
    """How a contact was made and measured, as far as it is known.

    Attributes
    ----------
    condition : what was done to the surface, one of `Condition`
    film : "sputtered", "evaporated" or "other"
    method : "optical", "3ω", "diffraction" or "other"
    source, name : who measured, and on which sample; empty where nobody did
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


def describe_sample(entry: Measurement, name: str = "") -> Sample:
    """What a record of the catalogue says of its sample."""
    made = entry.preparation
    film = "sputtered" if "sputter" in made else "evaporated" if "evaporated" in made else "other"
    optical = entry.method in ("TDTR", "FDTR")
    method = "optical" if optical else "3ω" if "3ω" in entry.method else "other"
    method = "diffraction" if "diffraction" in entry.method else method
    condition = "native oxide" if entry.interlayer in _NATIVE_LAYERS[1:] else entry.condition
    return Sample(
        condition=condition, film=film, method=method, source=entry.doi, name=name or f"sample {next(_serial)}"
    )


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
    nobody = f"nobody {next(_serial)}"
    labels = {
        "left": contact.left, "right": contact.right, "contact": contact.name,
        "bonding_left": contact.bonding[0], "bonding_right": contact.bonding[1],
        "preparation": _CONDITION_CLASSES.get(sample.condition, sample.condition),
        "film": sample.film, "method": sample.method,
        "source": sample.source or nobody, "sample": sample.name or nobody,
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


def rows_of(entry: Measurement, name: str = "") -> Rows:
    """Rows of a record of the catalogue, or of a measurement of your own."""
    known = entry.conductance
    mismatch = mismatch_conductances(entry.left, entry.right, known.temperature)
    contact = describe_contact(entry.left, entry.right)
    return make_rows(contact, describe_sample(entry, name), known.temperature, mismatch, known.value)


def sought_rows(left: str | Material, right: str | Material, temperature: Array, sample: Sample) -> Rows:
    """Rows of a contact whose conductance is to be found."""
    contact = describe_contact(left, right)
    rows = make_rows(contact, sample, temperature, mismatch_conductances(left, right, temperature))
    return rows if sample.condition else evolve(rows, preparation=np.full(temperature.size, UNKNOWN))


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows of several."""
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def training_rows(entries: Iterable[Measurement]) -> Rows:
    """Rows of all records that the calibration leans on."""
    return join_rows([rows_of(one, f"s{number}") for number, one in enumerate(entries) if is_learnt(one)])


def catalogue_digest() -> str:
    """Sum over the files of the catalogue, by which a state says what it was learnt from."""
    folder = files("kapitza.measure").joinpath("data")
    parts = [folder.joinpath(name).read_bytes() for name in ("measured.toml", "compilation.csv", "sources.toml")]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def write_state(state: State) -> str:
    """JSON of a state: labels as numbers into a list, features once each, with five digits."""
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        values = getattr(state.rows, name)
        if values.dtype.kind == "U":
            names, codes = np.unique(values, return_inverse=True)
            columns[name] = {"names": names.tolist(), "codes": codes.tolist()}
        elif values.ndim == 1:
            columns[name] = _round_digits(values)
    features = {name: state.rows.linear[:, k] + centre for k, (name, centre) in enumerate(LINEAR.items())}
    features |= {name: state.rows.smooth[:, k] for k, name in enumerate(SMOOTH)}
    found = {
        "catalogue": state.digest,
        "scales": {
            "amplitudes": {name: round(one, 5) for name, one in state.scales.amplitudes.items()},
            "lengths": _round_digits(state.scales.lengths),
            "noise": round(state.scales.noise, 5),
        },
        "rows": columns,
        "features": {name: _round_digits(values) for name, values in features.items()},
    }
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n"


def _round_digits(values: Array) -> list[float]:
    """Values with five digits, whole numbers without a point."""
    rounded = [float(f"{one:.5g}") for one in values.tolist()]
    return [int(one) if one == int(one) else one for one in rounded]


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
    added = [rows_of(one) for one in entries]
    return evolve(state, rows=join_rows([state.rows, *added])) if added else state
