"""Published measurements of thermal boundary conductance, each with its source.

The values live in `data/measured.toml` and, by way of a compilation, in `data/compilation.csv`; the citations in
`data/sources.toml`.  An uncertainty stands where the source was seen to state one, and is None otherwise.
`Measurement.provenance` says how far a value was traced, `Measurement.flag` why one is not to be leaned on.

References
----------
Y.-J. Wu, T. Zhan, Z. Hou, L. Fang, Y. Xu, Sci. Data 7, 36 (2020), doi:10.1038/s41597-020-0373-2 (the compilation)
"""

import csv
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, check_not_negative, one_temperature
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError
from kapitza.matter.library import material
from kapitza.units import GW, MW, GPa, nm

Provenance = Literal["full text", "abstract", "compilation", "quoted"]
HeatCarrier = Literal["phonons", "electrons"]
BoundKind = Literal["", "lower", "upper"]
Condition = Literal[
    "",
    "cleaned",
    "oxide removed",
    "native oxide",
    "hydrogen terminated",
    "oxygen terminated",
    "epitaxial",
    "bonded",
    "van der Waals",
    "cleaved",
    "intermixed",
    "irradiated",
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

COMPILATION = "10.1038/s41597-020-0373-2"  # DOI of the table by way of which most values came

POLYTYPE_NAMES: Mapping[str, frozenset[str]] = MappingProxyType({"SiC": frozenset({"3C-SiC", "4H-SiC", "6H-SiC"})})
TEMPERATURE_WINDOW = 0.05  # relative half width of the range of temperatures that counts as "at" a temperature


@frozen(eq=False)
class Measurement(BaseRecord):
    """One published measurement of a thermal boundary conductance.

    Attributes
    ----------
    left, right : names of the sides in the materials library; the film stands left
    conductance : against temperature, extrapolated drop; sigma is None where the source was not seen to state one
    method : TDTR, FDTR, 3ω, thermoreflectance, electron diffraction
    doi, citation : who published it; a lasting address in place of a DOI for works without one
    provenance : where the number was read, "full text", "abstract", "compilation", or "quoted" in another work
    thickness : of the film, m; None where unknown
    preparation : how the film was made
    state : what is known of the interface: termination, orientation, bonding, roughness
    condition : the class of that, one of `Condition`; empty where unknown
    interlayer : a layer between the sides, so that the conductance is that of the whole contact; empty where none known
    carriers : what carries the heat across, "phonons" or "electrons" (metal on metal)
    bound : "lower" or "upper" where the source gives no more than that
    flag : why the value is not to be leaned on, as "duplicate: ..." or "outlier: ..."; empty for most

    Examples
    --------
    >>> from kapitza import measured
    >>> one = measured("Al", "Al2O3")[0]
    >>> print(one.method, one.doi, one.conductance.value.round(-6)[:1] / 1e6)
    TDTR 10.1103/PhysRevB.48.16373 [4.]
    """

    left: str
    right: str
    conductance: Conductance
    method: str = field(kw_only=True)
    doi: str = field(kw_only=True)
    citation: str = field(kw_only=True)
    provenance: Provenance = field(kw_only=True)
    thickness: float | None = field(default=None, kw_only=True, metadata=about("m", "thickness of the film"))
    preparation: str = field(default="", kw_only=True)
    state: str = field(default="", kw_only=True)
    condition: Condition = field(default="", kw_only=True)
    interlayer: str = field(default="", kw_only=True)
    pressure: float = field(default=0.0, kw_only=True, metadata=about("Pa", "pressure above ambient"))
    carriers: HeatCarrier = field(default="phonons", kw_only=True)
    bound: BoundKind = field(default="", kw_only=True)
    flag: str = field(default="", kw_only=True)

    @property
    def via(self) -> str:
        """DOI of the compilation in which the number was read; empty where it was read elsewhere."""
        return COMPILATION if self.provenance == "compilation" else ""

    @property
    def address(self) -> str:
        """Where the source is found on the web."""
        return self.doi if self.doi.startswith("https:") else f"https://doi.org/{self.doi}"

    @property
    def sides(self) -> frozenset[str]:
        """Names of both sides, in no order."""
        return frozenset((self.left, self.right))

    @property
    def exclusion(self) -> str:
        """Why a theory of two solids in contact cannot be held against it; empty where it can."""
        if self.interlayer:
            return f"interlayer: {self.interlayer}"
        if self.carriers == "electrons":
            return "heat carried by electrons"
        if self.pressure:
            return f"at {self.pressure / GPa:g} GPa"
        if self.condition == "irradiated":
            return "irradiated"
        return f"{self.bound} bound only" if self.bound else self.flag

    def near(self, temperature: float, window: float = TEMPERATURE_WINDOW) -> tuple[int, ...]:
        """Indices of the values within a relative window around a temperature (K)."""
        wanted = one_temperature(temperature)
        away = np.abs(self.conductance.temperature / wanted - 1)
        return tuple(np.flatnonzero(away <= window * (1 + 1e-9)).tolist())  # 285 K is within 5 % of 300 K


def measured(
    left: str | None = None,
    right: str | None = None,
    temperature: float | None = None,
    *,
    window: float = TEMPERATURE_WINDOW,
) -> tuple[Measurement, ...]:
    """Published measurements of an interface, of all interfaces of one material, or all there are.

    Parameters
    ----------
    left, right : names of the sides, in any order; None for any.  "SiC" stands for all its polytypes here.
    temperature : K; only measurements with a value there; None for any temperature
    window : relative half width of what counts as "there"; 0.05 is 285 to 315 K at 300 K

    Returns
    -------
    whole records, in the order of the catalogue; none if no measurement is known

    Raises
    ------
    InputError
        for a material that is not in the library, or a temperature not above 0 K
    """
    check_not_negative("window", window)
    # names that a side stands for: one, or all polytypes of a crystal that is named without
    families = [
        POLYTYPE_NAMES.get(side) or frozenset({catalogue_side(side)}) for side in (left, right) if side is not None
    ]

    def has_sides(entry: Measurement) -> bool:
        orders = ((entry.left, entry.right), (entry.right, entry.left))
        return any(all(side in names for side, names in zip(order, families, strict=False)) for order in orders)

    entries = filter(has_sides, load_catalogue())
    return tuple(entry for entry in entries if temperature is None or entry.near(temperature, window))


def measured_interfaces() -> tuple[tuple[str, str], ...]:
    """Pairs of sides of which the catalogue holds measurements, each once, in the order of the catalogue."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for entry in load_catalogue():
        pairs.setdefault(entry.sides, (entry.left, entry.right))
    return tuple(pairs.values())


def catalogue_side(name: str) -> str:
    """Name of a material that library and catalogue share."""
    return name if name in _side_names() else material(name, unverified=True).name


@cache
def _side_names() -> frozenset[str]:
    return frozenset(side for entry in load_catalogue() for side in entry.sides)


@cache
def load_catalogue() -> tuple[Measurement, ...]:
    """All measurements of the catalogue."""
    sources = _read_toml("sources.toml")
    tables = {"measured.toml": _read_toml("measured.toml")["measured"], "compilation.csv": _read_csv("compilation.csv")}
    return tuple(
        one
        for name, entries in tables.items()
        for number, entry in enumerate(entries, start=1)
        for one in _parse_entry(entry, sources, f"{name}, entry {number}")
    )


_REQUIRED_KEYS = ("left", "right", "source", "temperature", "method", "provenance")
_TEXT_KEYS = ("preparation", "state", "condition", "interlayer", "carriers", "bound", "flag")
_NUMBER_KEYS = frozenset(("temperature", "conductance", "thickness", "pressure"))
_KNOWN_KEYS = frozenset((*_REQUIRED_KEYS, *_TEXT_KEYS, "conductance", "resistance", "sigma", "thickness", "pressure"))
_KEY_CHOICES: Mapping[str, tuple[str, ...]] = {
    "provenance": get_args(Provenance),
    "carriers": get_args(HeatCarrier),
    "bound": get_args(BoundKind),
    "condition": get_args(Condition),
}


def _read_toml(name: str) -> dict[str, Any]:
    path = files("kapitza.measure").joinpath("data", name)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as err:
        raise DataError(f"not valid TOML ({err})", file=str(path)) from err


def _read_csv(name: str) -> list[dict[str, Any]]:
    """Entries of a table: empty cells left out, numbers as numbers, several of them as a list."""
    lines = files("kapitza.measure").joinpath("data", name).read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = []
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        rows.append({key: cell for key, cell in row.items() if cell})
        for key in _NUMBER_KEYS & set(rows[-1]):
            numbers = [float(word) for word in rows[-1][key].split()]
            rows[-1][key] = numbers if len(numbers) > 1 else numbers[0]
    return rows


def _parse_entry(entry: dict[str, Any], sources: dict[str, Any], place: str) -> list[Measurement]:
    """Records of one entry: one, or one for each sample at a common temperature."""
    _check_entry(entry, sources, place)
    values, sigmas = _parse_conductances(entry)
    if isinstance(entry["temperature"], list):
        series = [(entry["temperature"], values, sigmas)]
    else:
        each = repeat(None) if sigmas is None else sigmas[:, None]
        series = list(zip(repeat([entry["temperature"]]), values[:, None], each, strict=False))
    source = sources[entry["source"]]
    address = source.get("doi") or source["url"]
    optional = {key: entry[key] for key in _TEXT_KEYS if key in entry}
    return [
        Measurement(
            entry["left"],
            entry["right"],
            Conductance(temperature, value, sigma, method=entry["method"], source=address),
            method=entry["method"],
            doi=address,
            citation=source["citation"],
            provenance=entry["provenance"],
            thickness=entry["thickness"] * nm if "thickness" in entry else None,
            pressure=entry.get("pressure", 0) * GPa,
            **optional,
        )
        for temperature, value, sigma in series
    ]


def _parse_conductances(entry: dict[str, Any]) -> tuple[Array, Array | None]:
    """Conductances and their uncertainties, W m⁻² K⁻¹, from what was published."""
    sigma = np.atleast_1d(np.asarray(entry["sigma"], dtype=float)) if "sigma" in entry else None
    if "conductance" in entry:
        return np.atleast_1d(entry["conductance"]) * MW, None if sigma is None else sigma * MW
    resistance = np.atleast_1d(entry["resistance"]) / GW
    return 1 / resistance, None if sigma is None else sigma / GW / resistance**2


def _check_entry(entry: dict[str, Any], sources: dict[str, Any], place: str) -> None:
    unknown, missing = sorted(set(entry) - _KNOWN_KEYS), [key for key in _REQUIRED_KEYS if key not in entry]
    wrong = [key for key, choices in _KEY_CHOICES.items() if key in entry and entry[key] not in choices]
    fault = ""
    if unknown:
        fault = f"has unknown keys {unknown}; known are {sorted(_KNOWN_KEYS)}"
    elif ("conductance" in entry) == ("resistance" in entry):
        fault = "wanted either a conductance or a resistance"
    elif missing:
        fault = f"has no {missing[0]}"
    elif entry["source"] not in sources:
        fault = f"source {entry['source']!r} is not in sources.toml"
    elif wrong:
        fault = f"{wrong[0]} = {entry[wrong[0]]!r}, wanted one of {_KEY_CHOICES[wrong[0]]}"
    if fault:
        where = f"{place} ({entry.get('left')}/{entry.get('right')}, {entry.get('source')})"
        raise DataError(f"{where}: {fault}", file=place.split(",", maxsplit=1)[0])
