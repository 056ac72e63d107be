"""The view Interface: what it asks and shows, a dropped file as a side, and all of it as text to keep or go on with."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

import kapitza
from kapitza import Conductance, Crystal, Transmission, theory
from kapitza.core import BaseRecord, mode_heat_capacity
from kapitza.core.arrays import Array, about
from kapitza.errors import InputError
from kapitza.matter import has_phonons
from kapitza.measure import Condition, InterfacePrediction
from kapitza.phonons import phonon_card, phonon_names
from kapitza.units import MW
from kapitza.web.background import Outcome, collect_remarks

NORMALS = ("001", "110", "111")
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
        left, right = (tuple(map(int, name)) for name in self.normals)
        return left, right


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

    @property
    def curves(self) -> list[tuple[str, str, Conductance]]:
        """Models and limits with their titles, those of a layer between the sides last."""
        curves = [("limit" if one.limit else "model", one.title, one.emitted) for one in self.prediction.models]
        layers = zip(LAYER_TITLES, self.layers, strict=False)
        return curves + [("model", f"{self.question.layer} between, {name}", one) for name, one in layers]


FIRST_QUESTION = Question(left="Al", right="Si")


def side_names() -> list[str]:
    """Names of all materials and crystals that a side may be."""
    return sorted({*kapitza.materials(), *phonon_names()}, key=str.casefold)


def answer(question: Question) -> Answer:
    """Everything that is known of an interface, at all temperatures of the slider; raises as `kapitza.predict` does."""
    kelvin = np.array(TEMPERATURES)
    normals = question.directions
    call = partial(kapitza.predict, normals=normals, condition=question.condition)
    said = collect_remarks(call, (question.left, question.right, kelvin))
    found: InterfacePrediction = said.value
    sides = theory.describe_sides(question.left, question.right, normals)
    known = [one.model for one in found.models]
    shown = next((one for one in map(theory.find_model, _SPECTRA) if one.name in known), None)
    return Answer(
        question=question, prediction=found, spectrum=None if shown is None else shown.apply(*sides, ROOM_TEMPERATURE),
        spectrum_title="" if shown is None else shown.title, temperature=kelvin,
        layers=_layer_limits(question, sides, kelvin) if question.layer else (),
        remarks=[one for one in (*found.remarks, *said.remarks) if one not in _range_lines(known, sides, kelvin)],
        ranges=[_range_lines(known, sides, [one]) for one in TEMPERATURES],
    )  # fmt: skip


def _range_lines(
    models: Sequence[str], sides: tuple[theory.InterfaceSide, theory.InterfaceSide], kelvin: ArrayLike
) -> tuple[str, ...]:
    """Which models, and which numbers of the sides, do not hold at some temperatures (K), in lines."""
    states = collect_remarks(theory.warn_of_states, (sides, kelvin)).remarks
    return *states, *theory.range_remarks(models, *sides, kelvin)


def find_answer(question: Question) -> Outcome:
    """The answer with what it warns of; remembered for names, not for files, which may change."""
    read_anew = any(map(theory.is_path, (question.left, question.right)))
    return collect_remarks(answer, (question,)) if read_anew else _remembered_answer(question)


@lru_cache(maxsize=_MAX_REMEMBERED)
def _remembered_answer(question: Question) -> Outcome:
    return collect_remarks(answer, (question,))


def _layer_limits(
    question: Question, sides: tuple[theory.InterfaceSide, theory.InterfaceSide], kelvin: Array
) -> Iterator[Conductance]:
    between, _ = theory.describe_sides(question.layer, question.right)
    stack = [one.phonons for one in (sides[0], between, sides[1])]
    phonons = [one for one in stack if one is not None]
    if len(phonons) < len(stack):
        raise InputError(
            f"{question.layer} between {question.left} and {question.right}: phonons of a side are unknown"
        )
    yield theory.thermalised_layers(phonons, kelvin)
    yield theory.ballistic_layers(phonons).conductance(kelvin)


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
    return dict(_value_pairs(one)).get(temperature)


def _value_pairs(one: Conductance) -> Iterator[tuple[float, float]]:
    return zip(one.temperature.tolist(), one.value.tolist(), strict=True)


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
    values = [(title, value_at(one, temperature)) for _, title, one in found.curves]
    return [(title, "–" if value is None else megawatts(value)) for title, value in values]


def side_of_file(path: Path) -> tuple[str, str]:
    """Return what stands for a file as a side, a name of the library or its path, and what is to be said of it.

    A structure that the library has is that crystal, with its phonons; another needs forces.  InputError: for a saved
    record that is no crystal, and for a structure whose phonons are unknown here.
    """
    saved = path.suffix.lower() in kapitza.io.RESULT_SUFFIXES
    if saved:
        held = kapitza.read(path)
        if not isinstance(held, Crystal):
            raise InputError(
                f"{path.name} holds a {type(held).__name__}: expected a crystal here (.cif, POSCAR, phonopy.yaml); a "
                "junction goes to the field of its own below"
            )
        given = kapitza.matter.Structure(held.name, held.lattice, held.positions, held.masses, held.symbols)
    elif kapitza.matter.is_structure_file(path):
        given = kapitza.phonons.read_structure(path)
    else:
        return str(path), ""
    known = kapitza.lattice.known_crystal(given)
    if known:
        return known, (
            f"{path.name} is {known} of the library by its elements, volume and symmetry: the phonons are those of the "
            "library, and normals are in its axes"
        )
    if saved:
        raise InputError(
            f"{path.name}: no crystal of the library; in Python kapitza.phonons.Bands(kapitza.read({path.name!r})) is "
            "a side with the phonons of this file"
        )
    if find_spec("sevenn") is None:
        raise InputError(
            f"{path.name}: no crystal of the library, so that its phonons need forces: pip install 'kapitza[mlip]', or "
            "drop force constants of phonopy (phonopy.yaml)"
        )
    return str(path), ""


def curves_csv(found: Answer) -> str:
    """Curves and measured points as CSV, in SI: a row for each temperature of each."""
    head = ("kind", "name", "temperature (K)", "conductance (W m^-2 K^-1)", "low", "high", "source")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *_curve_rows(found)])
    return text.getvalue()


def _curve_rows(found: Answer) -> Iterator[tuple[object, ...]]:
    best = found.prediction.estimate
    ends = best.interval
    for i, (t, g) in enumerate(_value_pairs(best.conductance)):
        low, high = ("", "") if ends is None else ends[i].tolist()
        yield "estimate", best.basis, t, g, low, high, " ".join(best.sources)
    for kind, name, one in found.curves:
        yield from ((kind, name, t, g, "", "", "") for t, g in _value_pairs(one))
    for one in found.prediction.measured:
        yield from (("measured", one.method, t, g, "", "", one.doi) for t, g in _value_pairs(one.conductance))


def spectrum_csv(found: Answer, temperature: float) -> str:
    """The spectrum as CSV: frequency, modes of both sides, transmission, and heat at a temperature (K)."""
    one = found.spectrum
    if one is None:
        raise InputError(f"no spectrum is known of {found.question.left} | {found.question.right}")
    left, right = (np.full(one.omega.size, np.nan) if modes is None else modes for modes in (one.left, one.right))
    columns = [one.omega / (2 * np.pi), left, right, one.total, heat_spectrum(one, temperature)]
    names = ("frequency (Hz)", "modes left (m^-2)", "modes right (m^-2)", "transmission (m^-2)")
    head = ",".join((*names, f"heat at {temperature:g} K (W m^-2 K^-1 Hz^-1)"))
    return "\n".join([head, *(",".join(f"{x:.9g}" for x in row) for row in zip(*columns, strict=True))]) + "\n"


def answer_json(found: Answer) -> str:
    """The answer as `kapitza predict --json` prints it."""
    one = found.prediction
    result: dict[str, object] = {"estimate": one.estimate, "models": one.models, "measured": one.measured}
    result |= {} if one.apparent is None else {"apparent": one.apparent}
    return json.dumps(kapitza.io.result_tree(result), indent=1) + "\n"


def texts_to_copy(found: Answer, temperature: float) -> dict[str, str]:
    """What is on the screen as Python, as a boundary of a sample or device file, and as a command."""
    one = found.question
    words = ["kapitza", "predict", one.left, one.right, "-T", f"{temperature:g}"]
    words += ["--normal", ",".join(one.normals)] if one.normals != DEFAULT_NORMALS else []
    words += ["--prepared", one.condition] if one.condition else []
    python = _python_text(one, temperature)
    return {"Python": python, "TOML": _toml_text(found, temperature), "Command line": shlex.join(words) + "\n"}


def _python_text(one: Question, temperature: float) -> str:
    more = [f"normals={one.directions!r}"] if one.normals != DEFAULT_NORMALS else []
    more += [f"condition={one.condition!r}"] if one.condition else []
    arguments = ", ".join([repr(one.left), repr(one.right), f"[{temperature:g}]", *more])
    lines = [
        "import kapitza", "", f"found = kapitza.predict({arguments})", "print(found.estimate.conductance.value)",
        "print(found.estimate.interval)",
    ]  # fmt: skip
    if one.layer:
        lines += ["", "sides = ["]
        normals = one.directions[0], (0, 0, 1), one.directions[1]
        for name, normal in zip((one.left, one.layer, one.right), normals, strict=True):
            full = has_phonons(name) and phonon_card(name).usable
            call = f"phonons.phonon_spectrum({name!r}, {normal!r})" if full else f"solid({name!r})"
            lines.append(f"    kapitza.{call},")
        lines += ["]", f"print(kapitza.theory.thermalised_layers(sides, [{temperature:g}]).value)"]
        lines += [f"print(kapitza.theory.ballistic_layers(sides).conductance([{temperature:g}]).value)"]
    return "\n".join(lines) + "\n"


def _toml_text(found: Answer, temperature: float) -> str:
    one, best = found.question, found.prediction.estimate
    value = value_at(best.conductance, temperature)
    if value is None:
        return f"# no estimate at {temperature:g} K\n"
    row = best.conductance.temperature.tolist().index(temperature)
    sigma = "" if best.spread is None else f" ± {100 * float(best.spread[row]):.0f} %"
    where = f"# {best.reason}; at {temperature:g} K, {best.conductance.drop} drop"
    return f'{where}\n[boundaries]\n"{one.left}|{one.right}" = "{megawatts(value)} MW/m2K{sigma}"\n'
