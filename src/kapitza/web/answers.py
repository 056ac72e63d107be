"""What the view of an interface asks and shows, without a page: a layer over public functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza import Conductance, Transmission, materials, predict
from kapitza.core import BaseRecord, mode_heat_capacity
from kapitza.core.arrays import Array, about
from kapitza.errors import InputError
from kapitza.measure import Condition, InterfacePrediction
from kapitza.phonons import phonon_names
from kapitza.theory import (
    InterfaceSide,
    ballistic_layers,
    describe_sides,
    find_model,
    is_path,
    range_remarks,
    thermalised_layers,
    warn_of_states,
)
from kapitza.units import MW
from kapitza.web.background import Outcome, collect_remarks

NORMALS = ("001", "110", "111")
_NORMAL_DIGITS = {name: tuple(map(int, name)) for name in NORMALS}
TEMPERATURES = (
    *(2.0, 4.0, 7.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 77.0, 100.0, 125.0, 150.0, 175.0, 200.0, 225.0),
    *(250.0, 275.0, 300.0, 325.0, 350.0, 400.0, 450.0, 500.0, 550.0, 600.0, 650.0, 700.0),
)  # K, of the curves and of the slider
ROOM_TEMPERATURE = 300.0  # K
LAYER_TITLES = ("each layer in equilibrium", "crossed ballistically")
_MAX_REMEMBERED = 32  # interfaces
_SPECTRA = ("dmm", "khalatnikov", "amm-crystal", "amm", "dmm-debye")  # the first that fits is shown
DEFAULT_NORMALS = ("001", "001")


@frozen(kw_only=True)
class Question(BaseRecord):
    """An interface as the user describes it.

    Attributes
    ----------
    left, right : names of the library or paths
    normals : of both sides, as "111"
    condition : how the contact was prepared; empty where nobody says
    layer : name of a material between both sides; empty for none
    """

    left: str
    right: str
    normals: tuple[str, str] = DEFAULT_NORMALS
    condition: Condition = ""
    layer: str = ""

    @property
    def directions(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The normals as numbers."""
        return _NORMAL_DIGITS[self.normals[0]], _NORMAL_DIGITS[self.normals[1]]


@frozen(eq=False, kw_only=True)
class Answer(BaseRecord):
    """All that the view shows of an interface.

    Attributes
    ----------
    prediction : estimate, models, measurements
    spectrum : transmission by the model that is named first among the elastic ones; None where there is none
    spectrum_title : of that model
    layers : with a layer between, its two limits: every layer in equilibrium with itself, and crossed ballistically
    remarks : of the prediction at any temperature
    ranges : which models and numbers do not hold, lines for each of the temperatures
    """

    question: Question
    prediction: InterfacePrediction
    spectrum: Transmission | None = None
    spectrum_title: str = ""
    layers: tuple[Conductance, ...] = field(default=(), converter=tuple)
    temperature: Array = field(metadata=about("K", "temperatures of the curves"))
    remarks: tuple[str, ...] = field(default=(), converter=tuple)
    ranges: tuple[tuple[str, ...], ...] = field(default=(), converter=tuple)


FIRST_QUESTION = Question(left="Al", right="Si")


def side_names() -> list[str]:
    """Names of all materials and crystals that a side may be."""
    return sorted({*materials(), *phonon_names()}, key=str.casefold)


def answer(question: Question) -> Answer:
    """Everything that is known of an interface, at all temperatures of the slider.

    Raises
    ------
    KapitzaError
        as `kapitza.predict` raises it
    """
    kelvin = np.array(TEMPERATURES)
    normals = question.directions
    call = partial(predict, normals=normals, condition=question.condition)
    said = collect_remarks(call, (question.left, question.right, kelvin))
    found: InterfacePrediction = said.value
    sides = describe_sides(question.left, question.right, normals)
    known = [one.model for one in found.models]
    shown = next((one for one in map(find_model, _SPECTRA) if one.name in known), None)
    return Answer(
        question=question, prediction=found, spectrum=None if shown is None else shown.apply(*sides, ROOM_TEMPERATURE),
        spectrum_title="" if shown is None else shown.title, temperature=kelvin,
        layers=_layer_limits(question, sides, kelvin) if question.layer else (),
        remarks=[one for one in (*found.remarks, *said.remarks) if one not in _range_lines(known, sides, kelvin)],
        ranges=[_range_lines(known, sides, [one]) for one in TEMPERATURES],
    )  # fmt: skip


def _range_lines(
    models: Sequence[str], sides: tuple[InterfaceSide, InterfaceSide], kelvin: ArrayLike
) -> tuple[str, ...]:
    """Which models, and which numbers of the sides, do not hold at some temperatures (K), in lines."""
    states = collect_remarks(warn_of_states, (sides, kelvin)).remarks
    return *states, *range_remarks(models, *sides, kelvin)


def find_answer(question: Question) -> Outcome:
    """The answer with what it warns of; remembered for names, not for files, which may change."""
    read_anew = any(map(is_path, (question.left, question.right)))
    return collect_remarks(answer, (question,)) if read_anew else _remembered_answer(question)


@lru_cache(maxsize=_MAX_REMEMBERED)
def _remembered_answer(question: Question) -> Outcome:
    return collect_remarks(answer, (question,))


def _layer_limits(
    question: Question, sides: tuple[InterfaceSide, InterfaceSide], kelvin: Array
) -> Iterator[Conductance]:
    """Conductance with a layer between both sides, by its two limits."""
    between, _ = describe_sides(question.layer, question.right)
    stack = [one.phonons for one in (sides[0], between, sides[1])]
    if any(one is None for one in stack):
        raise InputError(
            f"{question.layer} between {question.left} and {question.right}: phonons of a side are unknown"
        )
    phonons = [one for one in stack if one is not None]
    yield thermalised_layers(phonons, kelvin)
    yield ballistic_layers(phonons).conductance(kelvin)


def heat_spectrum(spectrum: Transmission, temperature: float) -> Array:
    """(nω,) conductance per frequency at a temperature (K), W m⁻² K⁻¹ Hz⁻¹: Ξ times the heat capacity of a mode."""
    return spectrum.total * mode_heat_capacity(spectrum.omega, [temperature])[0]


def heat_quantiles(spectrum: Transmission, temperature: float, shares: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Array:
    """Frequencies (rad s⁻¹) below which these shares of the heat cross at a temperature (K)."""
    accumulated = spectrum.accumulation(temperature)[0]
    return np.interp(np.array(shares) * accumulated[-1], accumulated, spectrum.omega)


def remarks_at(found: Answer, temperature: float) -> tuple[str, ...]:
    """What is said of an answer at a temperature (K) of the slider, a line each."""
    return *found.remarks, *found.ranges[TEMPERATURES.index(temperature)]


def value_at(one: Conductance, temperature: float) -> float | None:
    """Conductance at a temperature (K) that is one of its own, W m⁻² K⁻¹; None elsewhere."""
    known = dict(zip(one.temperature.tolist(), one.value.tolist(), strict=True))
    return known.get(temperature)


def megawatts(value: float, digits: int = 3) -> str:
    """A conductance in MW m⁻² K⁻¹ without its unit, to some digits."""
    return f"{float(f'{value / MW:.{digits}g}'):g}"


def headline(found: Answer, temperature: float) -> tuple[str, str]:
    """The best estimate at a temperature (K) of the slider without its unit, and its interval, in words."""
    best = found.prediction.estimate
    value = value_at(best.conductance, temperature)
    if value is None:
        low, high = best.conductance.temperature[[0, -1]].tolist()
        return "–", f"no estimate at {temperature:g} K; there is one from {low:g} to {high:g} K"
    ends = best.interval
    if ends is None:
        return megawatts(value), "no interval: nobody knows how far it is off"
    row = best.conductance.temperature.tolist().index(temperature)
    low, high = (megawatts(end, 2) for end in ends[row].tolist())
    return megawatts(value), f"95 % interval {low} to {high}"


def model_rows(found: Answer, temperature: float) -> list[tuple[str, str]]:
    """Title of each model and limit with its conductance at a temperature (K), MW m⁻² K⁻¹."""
    rows = [(one.title, one.emitted) for one in found.prediction.models]
    rows += [
        (f"{found.question.layer} between, {name}", one) for name, one in zip(LAYER_TITLES, found.layers, strict=False)
    ]
    values = [(title, value_at(one, temperature)) for title, one in rows]
    return [(title, "–" if value is None else megawatts(value)) for title, value in values]
