"""Published frequencies and dielectric constants of crystals, each with its source.

`data/phonon_facts.toml` holds them.  `verified = false` marks a number that nobody has read in the source that it names
or in a text that quotes it.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, positive
from kapitza.core.records import BaseRecord
from kapitza.units import THz


@frozen(eq=False, kw_only=True)
class MeasuredPhonons(BaseRecord):
    """Frequencies of a crystal at points of the Brillouin zone, from one measurement.

    Attributes
    ----------
    name : of the crystal
    points : (n,) label of the point of each frequency, such as "X", or "Γ-X" for the middle of this line; a degenerate
        mode stands once
    technique : how it was measured
    citation : who measured it
    doi : digital object identifier; empty where none was seen
    via : through which text the numbers were read, if not in the source itself
    verified : whether the numbers were read there; False: from memory

    Examples
    --------
    >>> from kapitza.phonons import measured_phonons
    >>> from kapitza.units import THz
    >>> one = measured_phonons("Si")[0]
    >>> print(one.points[0], (one.omega / THz).max().round(1), "THz")
    X 14.7 THz
    """

    name: str
    points: tuple[str, ...] = field(converter=tuple)
    omega: Array = field(converter=positive, metadata=about("rad s^-1", "(n,) measured angular frequencies"))
    temperature: float | None = field(default=None, metadata=about("K", "of the measurement; None where not stated"))
    technique: str = ""
    citation: str = ""
    doi: str = ""
    via: str = ""
    verified: bool = True


@frozen(eq=False, kw_only=True)
class PolarConstants(BaseRecord):
    """Optical frequencies at Γ and screening of a polar crystal of two elements.

    Attributes
    ----------
    name : of the crystal
    citation, doi : where the frequencies are from; `doi` empty where none was seen
    dielectric_source : where the dielectric constant is from
    verified : whether the numbers were read there or in a text that quotes it; False: from memory

    Examples
    --------
    >>> from kapitza.phonons import polar_constants
    >>> one = polar_constants("MgO")
    >>> print((one.longitudinal / one.transverse).round(2), "split by the field of the charges")
    [1.79 1.79 1.79] split by the field of the charges
    """

    name: str
    transverse: Array = field(
        converter=positive, metadata=about("rad s^-1", "(3,) transverse optical frequency, polarised along x, y and z")
    )
    longitudinal: Array = field(
        converter=positive, metadata=about("rad s^-1", "(3,) longitudinal optical frequency along x, y and z")
    )
    dielectric: Array = field(
        converter=positive, metadata=about("1", "(3,) high-frequency dielectric constant along x, y and z")
    )
    citation: str = ""
    doi: str = ""
    dielectric_source: str = ""
    verified: bool = True


def measured_phonons(name: str) -> tuple[MeasuredPhonons, ...]:
    """Return the published frequencies of a crystal by its name in the library; empty where none are known."""
    measured: list[MeasuredPhonons] = []
    for entry in _facts()["measured"]:
        if entry["crystal"] == name:
            source = _facts()["sources"][entry["source"]]
            rows = [(point, value) for point, values in entry["points"].items() for value in values]
            one = MeasuredPhonons(
                name=name, points=tuple(point for point, _ in rows), omega=np.array([value for _, value in rows]) * THz,
                temperature=entry.get("temperature"),
                technique=entry.get("technique", "inelastic neutron scattering"), citation=source["citation"],
                doi=source.get("doi", ""), via=source.get("via", ""), verified=entry.get("verified", True),
            )  # fmt: skip
            measured.append(one)
    return tuple(measured)


def polar_constants(name: str) -> PolarConstants | None:
    """Return optical frequencies and screening of a polar crystal by its name in the library; None where unknown.

    Examples
    --------
    >>> from kapitza.phonons import polar_constants
    >>> from kapitza.units import THz
    >>> one = polar_constants("GaAs")
    >>> print((one.transverse / THz).round(2), "THz", polar_constants("Si"))
    [8.19 8.19 8.19] THz None
    """
    entry = _facts()["polar"].get(name)
    if entry is None:
        return None
    sources = _facts()["sources"]
    source = sources[entry["source"]]
    return PolarConstants(
        name=name, transverse=_along_axes(entry["transverse"]) * THz,
        longitudinal=_along_axes(entry["longitudinal"]) * THz, dielectric=_along_axes(entry["dielectric"]),
        citation=source["citation"], doi=source.get("doi", ""),
        dielectric_source=sources[entry["dielectric_source"]]["citation"], verified=entry.get("verified", True),
    )  # fmt: skip


def card_facts(name: str) -> dict[str, Any]:
    """Return what is published beside the card of a crystal: `measured_top`, the frequency of the highest mode that was
    measured, THz, with mode and source, and `unverified`, the inputs that nobody has read in their source.
    """
    unverified = tuple(_facts()["unverified"].get(name, ()))
    entry = _facts()["top"].get(name)
    if entry is None:
        return {"measured_top": None, "unverified": unverified}
    source = _facts()["sources"][entry["source"]]
    doi = f", doi:{source['doi']}" if source.get("doi") else ""
    doubt = "" if entry.get("verified", True) else " (not verified)"
    top = float(entry["frequency"]), f"{entry['mode']}: {source['citation']}{doi}{doubt}"
    return {"measured_top": top, "unverified": unverified}


def _along_axes(value: float | list[float]) -> Array:
    """(3,) components of a number, or of [across c, along c]."""
    across, along = value if isinstance(value, list) else (value, value)
    return np.array([across, across, along], dtype=float)


@cache
def _facts() -> Mapping[str, Any]:
    text = (files("kapitza.matter") / "data" / "phonon_facts.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))
