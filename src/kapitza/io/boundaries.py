"""Conductances of boundaries, as all files and commands take them: a number, one with its uncertainty, a saved result,
two materials, or the name of a theory.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import numpy as np
from attrs import evolve, frozen

from kapitza.core.conductance import Conductance, constant_conductance
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import GRAY_ERROR, Transmission
from kapitza.errors import InputError, KapitzaError, ValidityWarning
from kapitza.io import toml
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.quantities import quantity, share_or_quantity
from kapitza.io.results import load
from kapitza.io.toml import Key, Table, TomlTable
from kapitza.measure.apparent import ApparentConductance, apparent_transmission
from kapitza.measure.calibration.estimate import TEMPERATURE_RANGE, calibrated_conductance
from kapitza.measure.interface import InterfacePrediction
from kapitza.routes.result import Routes
from kapitza.theory.models import MODEL_REGISTER, Estimate, model_estimates

_PLUS_MINUS = re.compile(r"(?P<value>.*?)\s*(?:±|\+-|\+/-)\s*(?P<sigma>.+)")
_THEORY_TEMPERATURE_RANGE = (0.5, 3.0)  # of a temperature, such as that of the sink, in which a theory is asked
_THEORY_TEMPERATURES = 26
_SOLUTION_TEMPERATURES = 5  # at which the Boltzmann equation is solved
_NEAR_TEMPERATURE = 0.25  # of the logarithm: a conductance that is known at one temperature is held constant so far
_ALL_TEMPERATURES = (1.0, 1e4)  # K
_COLDEST_SOLUTION = 20.0  # K, from which free paths are those of a material
_MAX_NAMES_TOLD = 6  # of what a file holds instead
_CALIBRATED = "calibrated"  # the estimate that has learnt from what was measured, in place of a theory


BOUNDARY = Table(
    [
        toml.special("conductance", "`conductance`", "conductance"),
        toml.special("resistance", "`resistance`", "resistance, instead of `conductance`"),
        toml.special("sigma", "`conductance`, `resistance` or percentage", "standard uncertainty"),
        toml.file("file", "saved conductance, transmission, estimates, routes or fit", None),
        toml.text("drop", "accept the gray estimate of the extrapolated temperature drop", "", choices=("", "gray")),
        toml.text("theory", "model such as `dmm`, or `calibrated` for the best estimate", ""),
        toml.text("left", "material on the upper side; that of the layer if omitted", None),
        toml.text("right", "material on the lower side; that of the layer if omitted", None),
        toml.text("interface", "two materials such as `GaN|diamond`, for the best estimate or a transmission", ""),
    ],
    "A boundary as a table; otherwise a conductance with or without ±, a resistance, `perfect`, the name of a saved "
    "result, two materials such as `GaN|diamond`, or `calibrated`.",
)


@frozen
class BoundarySides(BaseRecord):
    """What lies on the two sides of a boundary: names of the layers, and of their materials, empty where a file names
    none; `key` where it is written under another name than its own.
    """

    upper: str = ""
    lower: str = ""
    upper_material: str = ""
    lower_material: str = ""
    key: str = ""

    @property
    def written(self) -> str:
        """Key under which the file gives it."""
        return self.key or self.name

    @property
    def name(self) -> str:
        """Of the boundary."""
        return f"{self.upper}|{self.lower}"


BoundaryValue = tuple[float | Conductance, float | None]  # conductance and its standard uncertainty, W m⁻² K⁻¹


def read_conductance(section: TomlTable, side: BoundarySides, temperature: float) -> BoundaryValue:
    """Return the conductance of one boundary, and its uncertainty where the file states one.

    Theories and estimates are asked for from half to three times a temperature (K).
    """
    value = section.table[side.written]
    try:
        if isinstance(value, dict):
            return _boundary_from_table(section.section(side.written), side, temperature)
        if isinstance(value, str):
            return _boundary_from_text(value, side, temperature, lambda: section.beside(side.written))
        return quantity(value, "conductance", what="conductance"), None
    except KapitzaError as err:
        if getattr(err, "file", None) is not None:
            raise
        raise section.fault(str(err), side.written) from err


def boundaries(meaning: str) -> Key:
    """Declare a table of boundaries by their names, "upper|lower"."""
    return toml.special("boundaries", "table", meaning, TomlTable.section)


def parse_conductance(text: str, side: BoundarySides, temperature: float) -> BoundaryValue:
    """Return the conductance that a text of the command line gives, as `read_conductance` does."""
    return _boundary_from_text(text, side, temperature, lambda: Path(text))


def held_with_sigma(value: BoundaryValue) -> float | Conductance:
    """One conductance that carries its uncertainty: a number with one holds at all temperatures."""
    conductance, sigma = value
    if sigma is None or isinstance(conductance, Conductance):
        return conductance
    return constant_conductance(conductance, sigma, "given")


def _boundary_from_text(text: str, side: BoundarySides, temperature: float, path: Callable[[], Path]) -> BoundaryValue:
    """From "50 MW/m2K", "50 MW/m2K ± 10 %", "20 m2K/GW", "perfect", the name of a file, "GaN|diamond", or a theory."""
    bare = text.strip()
    if bare == "perfect":
        return np.inf, None
    if bare.lower().endswith(RESULT_SUFFIXES):
        return _boundary_from_saved(load(path()), side, temperature), None
    if bare == _CALIBRATED or bare in {model.name for model in MODEL_REGISTER}:
        return _boundary_from_theory(bare, side, temperature, ""), None
    if "|" in bare:
        return _calibrated_boundary(_between(bare, side), temperature), None
    match = _PLUS_MINUS.fullmatch(bare)
    value, sigma = (match["value"], match["sigma"]) if match else (bare, None)
    if not any(letter.isdigit() for letter in value):
        raise InputError(
            f"{bare!r:.60} is no conductance: expected such as '50 MW/m2K', '50 MW/m2K ± 10 %', '20 m2K/GW', "
            "'perfect', a saved one (.json, .npz, .h5), two materials such as 'GaN|diamond', 'calibrated' for the "
            "best estimate, or { theory = 'dmm', drop = 'gray' }"
        )
    return _value_with_sigma(value, sigma)


def _between(text: str, side: BoundarySides) -> BoundarySides:
    """The sides of a boundary with two materials instead of their own, from "GaN|diamond"."""
    names = [name.strip() for name in text.split("|")]
    if len(names) != 2 or not all(names):
        raise InputError(f"interface = {text!r:.60}: expected two materials, such as 'GaN|diamond'")
    return evolve(side, upper_material=names[0], lower_material=names[1])


def _value_with_sigma(value: object, sigma: object | None) -> BoundaryValue:
    resistance = isinstance(value, str) and "K/" in value.replace(" ", "")
    kind = "resistance" if resistance else "conductance"
    if isinstance(sigma, str) and isinstance(value, str) and not sigma.rstrip().endswith("%"):
        unit = value.strip().lstrip("+-0123456789.eE ")
        sigma = sigma if any(letter.isalpha() for letter in sigma.strip().lstrip("+-0123456789.eE ")) else sigma + unit
    found = quantity(value, kind, what=kind)
    if not found > 0:
        raise InputError(f"{kind} = {value!r:.60}: expected above 0 ('perfect' for none)")
    share = None
    if sigma is not None:
        size, relative = share_or_quantity(sigma, kind, what="sigma")
        if size < 0:
            raise InputError(f"sigma = {sigma!r:.60}: expected an uncertainty of 0 or more")
        share = size if relative else size / found
    conductance = 1 / found if resistance else found
    return conductance, None if share is None else share * conductance


def _boundary_from_table(section: TomlTable, side: BoundarySides, temperature: float) -> BoundaryValue:
    """From { conductance = .., sigma = .. }, { file = .. }, { file = .., interface = .. } of a transmission, or
    { theory = .., left = .., right = .. }, with drop = "gray" for a theory other than the calibrated estimate.

    A sigma takes the place of the uncertainty that a file, a theory or an estimate brings along.
    """
    values = BOUNDARY.read(section)
    given = [key for key in ("conductance", "resistance", "file", "theory", "interface") if key in section]
    drop, stated, theory = values["drop"], values["sigma"], values["theory"]
    if "file" in given:
        between = _between(values["interface"], side) if "interface" in given else side
        saved = _boundary_from_saved(load(values["file"]), between, temperature, drop, theory)
        return _with_stated_sigma(saved, stated), None
    if given == ["theory"]:
        left, right = values["left"], values["right"]
        between = evolve(
            side, upper_material=side.upper_material if left is None else left,
            lower_material=side.lower_material if right is None else right,
        )  # fmt: skip
        return _with_stated_sigma(_boundary_from_theory(theory, between, temperature, drop), stated), None
    if given == ["interface"]:
        estimate = _calibrated_boundary(_between(values["interface"], side), temperature)
        return _with_stated_sigma(estimate, stated), None
    if len(given) != 1:
        got = ", ".join(given) or "none"
        raise InputError(f"expected one of conductance, resistance, file, theory or interface, got {got}")
    value = values[given[0]]
    if isinstance(value, str) or given[0] == "conductance":
        return _value_with_sigma(value, stated)
    return _value_with_sigma(f"{value!r} m2K/W", stated)


def _with_stated_sigma(found: Conductance, sigma: object | None) -> Conductance:
    """A conductance of T with the uncertainty that the file states for it, a share of each value or the same for all.

    Of a resistance it is the same resistance for all.
    """
    if sigma is None:
        return found
    kind = "resistance" if isinstance(sigma, str) and "K/" in sigma.replace(" ", "") else "conductance"
    size, share = share_or_quantity(sigma, kind, what="sigma")
    if not 0 < size < np.inf:
        raise InputError(f"sigma = {sigma!r:.60}: expected above 0")
    if share:
        return evolve(found, sigma=size * found.value)
    return evolve(found, sigma=np.full(found.value.size, size) if kind == "conductance" else size * found.value**2)


def _boundary_from_theory(name: str, side: BoundarySides, temperature: float, drop: str) -> Conductance:
    """What a theory, or the calibrated estimate with its uncertainty, gives between the materials of two layers."""
    if not (side.upper_material and side.lower_material):
        raise InputError(f"{name!r} of which materials? Expected such as 'GaN|diamond' for the best estimate")
    if name == _CALIBRATED:
        return _calibrated_boundary(side, temperature)
    _check_gray(name, drop, f"{{ theory = '{name}', drop = 'gray' }}")
    low, high = (share * temperature for share in _THEORY_TEMPERATURE_RANGE)
    kelvin = np.geomspace(low, high, _THEORY_TEMPERATURES)
    with catch_warnings(
        action="ignore", category=ValidityWarning
    ):  # far from the temperature of the sink a material may melt; the layers warn at that
        found = model_estimates(side.upper_material, side.lower_material, kelvin, [name])[0]
    return _extrapolated_conductance(found, side)


def _check_gray(what: str, drop: str, written: str) -> None:
    if drop != "gray":
        raise InputError(
            f"{what} gives the emitted conductance, and the gray estimate of the extrapolated one is off by factors: "
            f"expected 'calibrated', a conductance, or {written} for that estimate with its error of {GRAY_ERROR:.0%}"
        )


def _calibrated_boundary(side: BoundarySides, temperature: float) -> Conductance:
    """The calibrated estimate, at those of the temperatures of a theory at which it holds."""
    low, high = (share * temperature for share in _THEORY_TEMPERATURE_RANGE)
    first, last = max(low, TEMPERATURE_RANGE[0]), min(high, TEMPERATURE_RANGE[1])
    kelvin = np.geomspace(first, last, _THEORY_TEMPERATURES) if first < last else np.array([temperature])
    with catch_warnings(action="ignore", category=ValidityWarning):  # as above
        return calibrated_conductance(side.upper_material, side.lower_material, kelvin).conductance


def _with_model_error(held: Conductance, left: str, right: str) -> Conductance:
    r"""The conductance of a theory with the error that real contacts give it, where its own is smaller.

    That is the root mean square of $\ln(G/G_\mathrm{theory})$ over the calibrated estimate of the same contact,
    $\sqrt{s^2 + \ln^2(G_\mathrm{calibrated}/G_\mathrm{theory})}$ with its spread s: how far the model is off here, for
    all that was measured.  Where there is no such estimate, the theory keeps the error of its gray drop.
    """
    kelvin = np.clip(held.temperature, *TEMPERATURE_RANGE)
    known, places = np.unique(kelvin, return_inverse=True)
    try:
        with catch_warnings(action="ignore", category=ValidityWarning):
            real = calibrated_conductance(left, right, known)
    except KapitzaError:
        return held
    off = np.hypot(real.spread[places], np.log(real.value[places] / held.value))
    own = np.zeros(held.value.size) if held.sigma is None else held.sigma
    return evolve(held, sigma=np.maximum(own, off * held.value))


def _extrapolated_conductance(found: Estimate, side: BoundarySides) -> Conductance:
    """The gray extrapolated conductance of an estimate with its error, if it is one that can stand in a stack."""
    held = found.extrapolated
    if held is None:
        raise InputError(f"{found.title} defines no extrapolated drop: it cannot stand for the boundary {side.name!r}")
    if not np.isfinite(held.value).all():
        raise InputError(f"{found.title} leaves no boundary between {found.left} and {found.right}: write 'perfect'")
    return _with_model_error(held.accept_gray(), found.left, found.right)


def _solved_boundary(saved: Transmission, side: BoundarySides, temperature: float) -> Conductance:
    """The extrapolated conductance of a transmission, from the Boltzmann equation of the two materials beside it."""
    low, high = (share * temperature for share in _THEORY_TEMPERATURE_RANGE)
    kelvin = np.geomspace(max(low, _COLDEST_SOLUTION), max(high, 2 * _COLDEST_SOLUTION), _SOLUTION_TEMPERATURES)
    try:
        with catch_warnings(action="ignore", category=ValidityWarning):  # as above
            found = apparent_transmission(saved, side.upper_material, side.lower_material, kelvin)
    except KapitzaError as err:
        raise InputError(
            f"holds a transmission ({saved.method or 'unnamed'}), whose integral is the emitted conductance, and what "
            f"both solids add to that is not solved: {err}.  Name them, {{ file = ..., interface = 'Si|Ge' "
            "}, or take the estimate for gray media, with drop = 'gray'"
        ) from err
    value = found.conductance.value
    spread = np.maximum(np.log(value / np.minimum(found.low, value)), np.log(np.maximum(found.high, value) / value))
    held = evolve(found.conductance, sigma=spread * value)
    return _with_model_error(held, side.upper_material, side.lower_material)


def _boundary_from_saved(
    saved: Any, side: BoundarySides, temperature: float, drop: str = "", theory: str = ""
) -> Conductance:
    if isinstance(saved, dict) and (kept := {"models", "estimates"} & saved.keys()):
        names = {one.model: one for one in saved[kept.pop()]}
        if theory not in names:
            raise InputError(f"holds estimates by {', '.join(names)}: say which, theory = {next(iter(names), '')!r}")
        saved = names[theory]
    if isinstance(saved, dict):  # a fit keeps its boundaries by their names
        materials = side.upper_material, side.lower_material
        names = (side.written, "|".join(materials), "|".join(reversed(materials)))
        saved = next((saved[name] for name in names if name in saved), saved)
    if isinstance(saved, Estimate):
        _check_gray(f"{saved.title} of the file", drop, "{ file = ..., drop = 'gray' }")
        return _extrapolated_conductance(saved, side)
    if isinstance(saved, Routes):
        return saved.best
    if isinstance(saved, ApparentConductance):
        saved = saved.conductance
    if isinstance(saved, InterfacePrediction):
        saved = saved.estimate.conductance
    if isinstance(saved, Transmission) and drop == "gray":
        kelvin = np.geomspace(150.0, 900.0, _THEORY_TEMPERATURES)
        return saved.conductance(kelvin, drop="extrapolated").accept_gray()
    if isinstance(saved, Transmission):
        return _solved_boundary(saved, side, temperature)
    if isinstance(saved, dict):
        keys = ", ".join(map(str, list(saved)[:_MAX_NAMES_TOLD]))
        raise InputError(
            f"holds {keys or 'nothing'}, and no boundary {side.written!r}: expected a fit of it, or a saved "
            "conductance, transmission, estimate or routes"
        )
    if not isinstance(saved, Conductance):
        raise InputError(f"holds a {type(saved).__name__}, expected a Conductance, a Transmission, estimates or routes")
    if saved.drop != "extrapolated":
        raise InputError(
            f"{saved.method or 'the conductance'} refers to the {saved.drop} drop, and nothing in the file converts "
            "it: save the transmission and write { file = ..., drop = 'gray' }, or the conductance with the "
            "extrapolated drop"
        )
    if saved.gray:
        _check_gray(f"{saved.method or 'the conductance'} of the file", drop, "{ file = ..., drop = 'gray' }")
    return _at_all_temperatures(saved.accept_gray(), temperature)


def _at_all_temperatures(held: Conductance, temperature: float) -> Conductance:
    """A conductance that is known at one temperature, held constant as a stated number is, if that is near (K)."""
    if held.temperature.size > 1:
        return held
    known = float(held.temperature[0])
    if abs(np.log(known / temperature)) > _NEAR_TEMPERATURE:
        raise InputError(
            f"{held.method or 'the conductance'} of the file is known at {known:g} K alone, and heat leaves at "
            f"{temperature:g} K: give one of several temperatures, or a number"
        )
    return Conductance(
        _ALL_TEMPERATURES, np.repeat(held.value, 2), None if held.sigma is None else np.repeat(held.sigma, 2),
        held.drop, statistics=held.statistics, method=held.method, source=held.source,
    )  # fmt: skip
