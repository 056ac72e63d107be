"""Figures of one interface: conductance against temperature, what carries the heat, the atoms of a junction."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from kapitza import Conductance, Junction, Measurement
from kapitza.core.arrays import Array
from kapitza.units import MW, THz, angstrom
from kapitza.web.figures.style import axis, color, faint, figure, ink, soft, upright
from kapitza.web.models.interface import LAYER_TITLES, Answer, heat_quantiles, heat_spectrum
from kapitza.web.session import Theme

HEAT_TRACE = 0  # number of the trace of the spectrum that changes with temperature
_PER_NM2 = 1e-18  # m²
_MAX_HOVER = 70  # characters of a line
_LEGEND_LINE = 18  # characters of a line of the legend
_LOWEST_SHOWN = 20.0  # K, from which on the vertical axis shows everything
_DASHES = ("solid", "dash", "dot", "dashdot")


def conductance_figure(found: Answer, theme: Theme, temperature: float) -> dict[str, Any]:
    """Estimate with its band, models, limits and measured points against temperature; a line at `temperature` (K)."""
    traces = [*_band(found, theme), *_curves(found, theme), *_measured(found, theme)]
    best = found.prediction.estimate
    name = "model alone" if best.basis == "physics" else "best estimate"
    traces.append(_line(best.conductance, name, {"color": color(theme, 0), "width": 3.5}))
    logarithmic = {"type": "log", "range": _log_range(found), "dtick": 1, "minor": {"ticks": "outside", "ticklen": 2}}
    axes = {
        "xaxis": axis(theme, "temperature (K)", {"range": [0, 705]}),
        "yaxis": axis(theme, "conductance (MW m⁻² K⁻¹)", logarithmic),
    }
    line, margin = upright(temperature, soft(theme), dash="dot"), {"l": 64, "r": 12, "t": 8, "b": 48}
    drawn = figure(theme, traces, axes, {"shapes": [line], "margin": margin})
    drawn["layout"]["legend"] |= {"entrywidth": 0.5, "entrywidthmode": "fraction", "font": {"size": 11}}
    return drawn


def _line(one: Conductance, name: str, style: dict[str, Any]) -> dict[str, Any]:
    """A curve of a conductance; a long name is broken, else the legend cuts it."""
    hover = f"{escape(name)}<br>%{{y:.3g}} MW m⁻² K⁻¹ at %{{x:g}} K<extra></extra>"
    return {
        "type": "scatter", "mode": "lines", "name": _in_lines(name),
        "x": one.temperature.tolist(), "y": (one.value / MW).tolist(), "line": style, "hovertemplate": hover,
    }  # fmt: skip


def _band(found: Answer, theme: Theme) -> Iterator[dict[str, Any]]:
    ends = found.prediction.estimate.interval
    if ends is None:
        return
    kelvin = found.prediction.estimate.conductance.temperature
    yield {
        "type": "scatter", "mode": "lines", "name": "95 % interval", "x": [*kelvin.tolist(), *kelvin[::-1].tolist()],
        "y": [*(ends[:, 0] / MW).tolist(), *(ends[::-1, 1] / MW).tolist()], "fill": "toself", "line": {"width": 0},
        "fillcolor": faint(theme, 0), "hoverinfo": "skip",
    }  # fmt: skip


def _curves(found: Answer, theme: Theme) -> Iterator[dict[str, Any]]:
    """Models, limits, layers, and what an experiment would see of the models."""
    counts = {True: 0, False: 0}  # of limits and of models
    for one in found.prediction.models:
        title = one.title.removesuffix(", full spectra").replace("three-phonon", "3-phonon")  # half the width fits
        i = counts[one.limit]
        counts[one.limit] += 1
        if one.limit:
            style = {"color": soft(theme), "width": 1.2, "dash": _DASHES[1 + i % 3]}
            yield _line(one.emitted, title, style) | {"visible": "legendonly"}
        else:
            style = {"color": color(theme, 1 + i // len(_DASHES)), "width": 1.8, "dash": _DASHES[i % len(_DASHES)]}
            yield _line(one.emitted, title, style)
    for i, (name, one) in enumerate(zip(LAYER_TITLES, found.layers, strict=False)):
        style = {"color": color(theme, 3), "width": 2.2, "dash": _DASHES[i]}
        yield _line(one, f"{found.question.layer} between, {name}", style)
    seen = found.prediction.apparent
    if seen is not None:
        known, title = seen.conductance, seen.observation.title
        hover = f"apparent, {escape(title)}<br>%{{y:.3g}} MW m⁻² K⁻¹ at %{{x:g}} K<br>bars: unknown mean free paths"
        yield {
            "type": "scatter", "mode": "markers", "name": _in_lines("apparent, by the models"),
            "x": known.temperature.tolist(), "y": (known.value / MW).tolist(),
            "hovertemplate": f"{hover}<extra></extra>",
            "error_y": {"type": "data", "symmetric": False, "array": ((seen.high - known.value) / MW).tolist(),
                        "arrayminus": ((known.value - seen.low) / MW).tolist(), "thickness": 1.5},
            "marker": {"symbol": "diamond", "size": 10, "color": color(theme, 1)},
        }  # fmt: skip


def _in_lines(name: str) -> str:
    return "<br>".join(wrap(name, _LEGEND_LINE))


def _measured(found: Answer, theme: Theme) -> Iterator[dict[str, Any]]:
    """Measured points: those of the bare contact, and others, hidden at first."""
    direct = [one for one in found.prediction.measured if not one.exclusion]
    others = [one for one in found.prediction.measured if one.exclusion]
    for name, group, symbol in (("measured", direct, "circle"), ("measured, other contacts", others, "circle-open")):
        points = [(one, i) for one in group for i in range(one.conductance.temperature.size)]
        if points:
            errors = [0.0 if one.conductance.sigma is None else float(one.conductance.sigma[i]) for one, i in points]
            yield {
                "type": "scatter", "mode": "markers", "name": _in_lines(name),
                "x": [float(one.conductance.temperature[i]) for one, i in points],
                "y": [float(one.conductance.value[i]) / MW for one, i in points],
                "error_y": {"type": "data", "array": [error / MW for error in errors], "thickness": 1},
                "customdata": [[_hover(one), one.address] for one, _ in points],
                "hovertemplate": "%{y:.3g} MW m⁻² K⁻¹ at %{x:g} K<br>%{customdata[0]}<extra></extra>",
                "marker": {"symbol": symbol, "size": 8, "color": ink(theme), "opacity": 0.75},
                "visible": True if group is direct else "legendonly",
            }  # fmt: skip


def _hover(one: Measurement) -> str:
    made = ", ".join(filter(None, (one.method, one.condition, one.preparation, one.state, one.exclusion)))
    shown = (text if len(text) <= _MAX_HOVER else f"{text[:_MAX_HOVER]}…" for text in (one.citation, made))
    return f"{'<br>'.join(map(escape, shown))}<br>click to open {escape(one.doi)}"


def _log_range(found: Answer) -> list[float]:
    """Range of the vertical axis, log10 of MW m⁻² K⁻¹: what there is from 20 K on, no model below a tenth of it."""
    best = found.prediction.estimate
    parts: list[Array] = [best.conductance.value[best.conductance.temperature >= _LOWEST_SHOWN]]
    if best.interval is not None:
        parts.append(best.interval[best.conductance.temperature >= _LOWEST_SHOWN].ravel())
    parts += [one.conductance.value for one in found.prediction.measured if not one.exclusion]
    parts += [
        one.emitted.value[one.emitted.temperature >= _LOWEST_SHOWN] for one in found.prediction.models if not one.limit
    ]
    values = np.concatenate(parts)
    values = values[np.isfinite(values) & (values > 0)] / MW
    if not values.size:
        return [0.0, 3.0]
    top = float(np.log10(values.max()))
    return [max(float(np.log10(values.min())), top - 3.2) - 0.08, top + 0.12]


def spectrum_figure(found: Answer, theme: Theme, temperature: float) -> dict[str, Any] | None:
    """Modes of both sides and transmission against frequency, and the heat that each frequency carries at a
    temperature (K).
    """
    one = found.spectrum
    if one is None:
        return None
    frequency = (one.omega / THz).tolist()
    heat = {
        "type": "scatter", "mode": "lines", "name": "heat of each frequency", "x": frequency,
        "y": heat_values(found, temperature), "yaxis": "y2", "fill": "tozeroy", "fillcolor": faint(theme, 1, 0.22),
        "line": {"color": color(theme, 1), "width": 1}, "hoverinfo": "skip",
    }  # fmt: skip
    named = ((found.prediction.left, one.left, 0), (found.prediction.right, one.right, 2))
    known = [(f"modes of {escape(name)}", modes, color(theme, i), 1.6) for name, modes, i in named if modes is not None]
    known.append((f"transmission, {found.spectrum_title}", one.total, ink(theme), 2.4))
    lines = [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": frequency, "y": (modes * _PER_NM2).tolist(),
            "line": {"color": shade, "width": width},
            "hovertemplate": "%{y:.3g} nm⁻² at %{x:.3g} THz<extra></extra>",
        }
        for name, modes, shade, width in known
    ]  # fmt: skip
    more = {"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero"}
    axes = {
        "xaxis": axis(theme, "frequency (THz)", {"rangemode": "tozero"}),
        "yaxis": axis(theme, "modes (nm⁻²)", {"rangemode": "tozero"}),
        "yaxis2": axis(theme, "heat (MW m⁻² K⁻¹ THz⁻¹)", more),
    }
    return figure(theme, [heat, *lines], axes, {"margin": {"l": 64, "r": 64, "t": 8, "b": 48}})


def heat_values(found: Answer, temperature: float) -> list[float]:
    """Heat of each frequency at a temperature (K), MW m⁻² K⁻¹ THz⁻¹."""
    one = found.spectrum
    return [] if one is None else np.round(heat_spectrum(one, temperature) * 1e12 / MW, 4).tolist()


def heat_text(found: Answer, temperature: float) -> str:
    """Which frequencies carry the heat at a temperature (K), in words."""
    if found.spectrum is None:
        return ""
    low, middle, high = (heat_quantiles(found.spectrum, temperature) / THz).tolist()
    return (
        f"At {temperature:g} K half of the heat crosses below {middle:.2g} THz, and 80 % of it between {low:.2g} and "
        f"{high:.2g} THz."
    )


def junction_figure(one: Junction, theme: Theme) -> dict[str, Any] | None:
    """The atoms of a junction, leads a layer deep, in Å; None where it does not know where its atoms are."""
    groups = _atoms(one)
    if not groups:
        return None
    traces = [
        {
            "type": "scatter3d", "mode": "markers", "name": symbol, "x": places[:, 0].tolist(),
            "y": places[:, 1].tolist(), "z": places[:, 2].tolist(), "hovertemplate": f"{escape(symbol)}<extra></extra>",
            "marker": {"size": 7, "color": color(theme, i), "line": {"color": soft(theme), "width": 0.5}},
        }
        for i, (symbol, places) in enumerate(groups.items())
    ]  # fmt: skip
    bare = axis(theme, "", {"showgrid": False, "ticks": "", "showbackground": False, "showspikes": False})
    scene = {f"{name}axis": bare | {"title": {"text": f"{name} (Å)"}} for name in "xyz"}
    scene |= {"aspectmode": "data", "camera": {"eye": {"x": 1.6, "y": 1.2, "z": 0.4}}}
    return figure(theme, traces, {"scene": scene}, {"margin": {"l": 0, "r": 0, "t": 8, "b": 0}})


def _atoms(one: Junction) -> dict[str, Array]:
    """(n, 3) places of the atoms of the device by element, Å, several cells side by side."""
    found: dict[str, list[Array]] = {}
    cells = [a * one.periods[0] + b * one.periods[1] for a in range(2) for b in range(2)]
    for slab in one.device:
        if slab.positions is None:
            return {}
        symbols = slab.symbols or ("atom",) * len(slab.positions)
        for symbol, place in zip(symbols, slab.positions, strict=True):
            found.setdefault(symbol, []).extend(place + cell for cell in cells)
    return {symbol: np.array(places) / angstrom for symbol, places in found.items()}
