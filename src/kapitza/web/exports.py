"""What the view of an interface shows, as text: CSV and JSON to keep, Python, TOML and a command to go on with."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator

import numpy as np

from kapitza import Conductance
from kapitza.errors import InputError
from kapitza.io import result_tree
from kapitza.matter import has_phonons
from kapitza.phonons import phonon_card
from kapitza.web.answers import DEFAULT_NORMALS, LAYER_TITLES, Answer, Question, heat_spectrum, megawatts, value_at


def curves_csv(found: Answer) -> str:
    """Curves and measured points as CSV, in SI: a row for each temperature of each."""
    head = ("kind", "name", "temperature (K)", "conductance (W m^-2 K^-1)", "low", "high", "source")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *_curve_rows(found)])
    return text.getvalue()


def _curve_rows(found: Answer) -> Iterator[tuple[object, ...]]:
    """Rows of all curves and points."""
    best = found.prediction.estimate
    ends = best.interval
    for i, (t, g) in enumerate(_value_pairs(best.conductance)):
        low, high = ("", "") if ends is None else ends[i].tolist()
        yield "estimate", best.basis, t, g, low, high, " ".join(best.sources)
    curves = [("limit" if one.limit else "model", one.title, one.emitted) for one in found.prediction.models]
    curves += [
        ("model", f"{found.question.layer} between, {name}", one)
        for name, one in zip(LAYER_TITLES, found.layers, strict=False)
    ]
    for kind, name, one in curves:
        yield from ((kind, name, t, g, "", "", "") for t, g in _value_pairs(one))
    for one in found.prediction.measured:
        yield from (("measured", one.method, t, g, "", "", one.doi) for t, g in _value_pairs(one.conductance))


def _value_pairs(one: Conductance) -> Iterator[tuple[float, float]]:
    """Temperatures (K) and values (W m⁻² K⁻¹) of a conductance."""
    return zip(one.temperature.tolist(), one.value.tolist(), strict=True)


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
    return json.dumps(result_tree(result), indent=1) + "\n"


def texts_to_copy(found: Answer, temperature: float) -> dict[str, str]:
    """What is on the screen as Python, as a boundary of a sample or device file, and as a command."""
    return {
        "Python": _python_text(found.question, temperature),
        "TOML": _toml_text(found, temperature),
        "Command line": _command_text(found.question, temperature),
    }


def _python_text(one: Question, temperature: float) -> str:
    """A call of `kapitza.predict`."""
    more = [f"normals={one.directions!r}"] if one.normals != DEFAULT_NORMALS else []
    more += [f"condition={one.condition!r}"] if one.condition else []
    arguments = ", ".join([repr(one.left), repr(one.right), f"[{temperature:g}]", *more])
    lines = [
        "import kapitza", "", f"found = kapitza.predict({arguments})", "print(found.estimate.conductance.value)",
        "print(found.estimate.interval)",
    ]  # fmt: skip
    if one.layer:
        sides = [*zip((one.left, one.layer, one.right), (one.directions[0], (0, 0, 1), one.directions[1]), strict=True)]
        lines += ["", "sides = [", *(f"    {_phonons_text(*side)}," for side in sides), "]"]
        lines += [f"print(kapitza.theory.thermalised_layers(sides, [{temperature:g}]).value)"]
        lines += [f"print(kapitza.theory.ballistic_layers(sides).conductance([{temperature:g}]).value)"]
    return "\n".join(lines) + "\n"


def _phonons_text(name: str, normal: tuple[int, ...]) -> str:
    """A call that gives the phonons of a side."""
    if has_phonons(name) and phonon_card(name).usable:
        return f"kapitza.phonons.phonon_spectrum({name!r}, {normal!r})"
    return f"kapitza.solid({name!r})"


def _toml_text(found: Answer, temperature: float) -> str:
    """A boundary of a sample or device file, with the uncertainty of the estimate."""
    one, best = found.question, found.prediction.estimate
    value = value_at(best.conductance, temperature)
    if value is None:
        return f"# no estimate at {temperature:g} K\n"
    sigma = "" if best.spread is None else f" ± {100 * _spread_at(found, temperature):.0f} %"
    where = f"# {best.reason}; at {temperature:g} K, {best.conductance.drop} drop"
    return f'{where}\n[boundaries]\n"{one.left}|{one.right}" = "{megawatts(value)} MW/m2K{sigma}"\n'


def _spread_at(found: Answer, temperature: float) -> float:
    """Standard deviation of ln G at a temperature (K) of the estimate."""
    best = found.prediction.estimate
    row = best.conductance.temperature.tolist().index(temperature)
    return 0.0 if best.spread is None else float(best.spread[row])


def _command_text(one: Question, temperature: float) -> str:
    """A call of `kapitza predict`."""
    words = ["kapitza", "predict", one.left, one.right, "-T", f"{temperature:g}"]
    words += ["--normal", ",".join(one.normals)] if one.normals != DEFAULT_NORMALS else []
    words += ["--prepared", one.condition] if one.condition else []
    return shlex.join(words) + "\n"
