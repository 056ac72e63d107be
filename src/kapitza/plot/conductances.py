"""Conductance against temperature: models beside published measurements, and junctions whose phonons are scattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.conductance import Conductance, Drop
from kapitza.errors import InputError
from kapitza.measure.catalogue import Measurement
from kapitza.measure.compare import Comparison
from kapitza.measure.interface import InterfacePrediction
from kapitza.plot import style
from kapitza.theory.agf.buttiker_probes import ProbedJunction
from kapitza.theory.models import Estimate
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_SOURCES = 9  # measurements of more sources than this share one entry of the legend
_DROP_MARKERS = (
    ("emitted", "o", style.LINE_COLOURS[5], -0.2),
    ("local", "D", style.LINE_COLOURS[4], 0.0),
    ("extrapolated", "s", style.LINE_COLOURS[0], 0.2),
)

_Curve = tuple[str, bool, Conductance]


def conductance(
    *results: InterfacePrediction | Estimate | Conductance,
    measured: Sequence[Measurement] = (),
    drop: Drop = "emitted",
    ax: Axes | None = None,
) -> Axes:
    """Draw conductance against temperature: lines for models, points with bars for measurements.

    Of a prediction of an interface the best estimate comes first, with its 95 % interval as a band behind the models;
    its apparent conductance stands with bars to its bounds, which are no errors.

    Limits are grey.  Measurements through an interlayer, under pressure or carried by electrons are hollow, as no
    model of two bare solids means them.  Axes are logarithmic where a quantity spans more than a factor of 25.

    Parameters
    ----------
    results : what `predict` returns, or estimates of it, drawn by one drop, or conductances, drawn as they are
    measured : published values, of the extrapolated drop; those of predictions are drawn as well
    drop : by which estimates are drawn; those that do not define it are left out

    Raises
    ------
    InputError
        if there is nothing to draw
    """
    predictions = [one for one in results if isinstance(one, InterfacePrediction)]
    measured = [*(entry for one in predictions for entry in one.measured), *measured]
    curves = [curve for result in results for curve in _result_curves(result, drop)]
    if not curves and not measured:
        raise InputError(f"nothing to draw by the {drop} drop: got {len(results)} results and no measurement")
    ax = style.new_axes() if ax is None else ax
    best = [(one.estimate, ends) for one in predictions if (ends := one.estimate.interval) is not None]
    apparent = [one.apparent for one in predictions if one.apparent is not None]
    points = [one.conductance for one in (*(one for one, _ in best), *apparent, *measured)]
    everything = [*(one for _, _, one in curves), *points]
    scale, unit = style.power_unit(np.concatenate([one.value for one in everything]))
    for one, ends in best:
        known, label = one.conductance, f"best estimate ({one.basis}), 95 %"
        style.draw_interval(ax, known.temperature, known.value / scale, tuple(ends.T / scale), label)
    _draw_curves(ax, curves, scale)
    for one in apparent:
        value, low, high = (values / scale for values in (one.conductance.value, one.low, one.high))
        ax.errorbar(
            one.conductance.temperature, value, (value - low, high - value), fmt="s", color=style.LINE_COLOURS[3],
            markersize=7, capsize=4, linewidth=1.6, zorder=4, label=f"apparent, {one.observation.title}",
        )  # fmt: skip
    _draw_measured(ax, measured, scale)
    shown = [*(one for _, limit, one in curves if not limit), *points]
    style.scale_temperature(ax, np.concatenate([one.temperature for one in everything]))
    values = [np.concatenate([one.value for one in some]) / scale for some in (shown or everything, everything)]
    style.scale_values(ax, *values)
    lines = ", ".join(sorted({one.drop for _, _, one in curves}))
    marks = ", ".join(sorted({entry.conductance.drop for entry in measured}))
    drops = f"lines: {lines} drop, points: {marks} drop"
    if lines == marks or not (lines and marks):
        drops = f"{lines or marks} drop"
    ax.set(xlabel="temperature (K)", ylabel=f"conductance ({unit} m⁻² K⁻¹)\n{drops}")
    names = {f"{one.left} | {one.right}" for one in results if not isinstance(one, Conductance)}
    return style.finish(ax, title=names.pop() if len(names) == 1 else None, legend="beside")


def _result_curves(result: InterfacePrediction | Estimate | Conductance, drop: Drop) -> list[_Curve]:
    if isinstance(result, Conductance):
        return [(result.method or result.drop, False, result)]
    if isinstance(result, InterfacePrediction):
        return [curve for one in result.models for curve in _result_curves(one, drop)]
    return [(result.title, result.limit, one) for one in result.drops if one.drop == drop]


def _draw_curves(ax: Axes, curves: Sequence[_Curve], scale: float) -> None:
    models = [curve for curve in curves if not curve[1]]
    limits = [curve for curve in curves if curve[1]]
    for group, colours in ((models, style.LINE_COLOURS), (limits, style.GREY_LEVELS)):
        for i, (label, limit, one) in enumerate(group):
            finite, colour = np.isfinite(one.value), colours[i % len(colours)]
            dash = style.LINE_DASHES[(i + (1 if limit else 0)) % len(style.LINE_DASHES)]
            ax.plot(
                one.temperature[finite], one.value[finite] / scale, color=colour, linestyle=dash,
                linewidth=1.3 if limit else 1.9, label=label if finite.any() else f"{label} (infinite)",
                marker="_" if one.temperature.size == 1 else "", markersize=14, markeredgewidth=2,
            )  # fmt: skip
            if one.sigma is not None and one.temperature.size > 1:
                kelvin, value, sigma = one.temperature[finite], one.value[finite] / scale, one.sigma[finite] / scale
                ax.fill_between(kelvin, value - sigma, value + sigma, color=colour, alpha=0.2, linewidth=0)


def _draw_measured(ax: Axes, measured: Sequence[Measurement], scale: float) -> None:
    """Draw measurements as points, one marker and one entry of the legend for each source."""
    bare = [entry for entry in measured if not entry.exclusion]
    sources = list(dict.fromkeys(style.short_citation(entry.citation) for entry in bare))
    named: set[str] = set()
    for entry in [*bare, *(entry for entry in measured if entry.exclusion)]:
        source = style.short_citation(entry.citation)
        rank = 0 if entry.exclusion else sources.index(source)
        label = f"{source} ({entry.method})" if len(sources) <= _MAX_SOURCES else f"measured ({len(sources)} sources)"
        if entry.exclusion:
            label = "measured, not two bare solids"
        one, face = entry.conductance, "none" if entry.exclusion else "black"
        ax.errorbar(
            one.temperature, one.value / scale, None if one.sigma is None else one.sigma / scale,
            fmt=style.point_style(rank)["fmt"], color="black", markerfacecolor=face, markersize=5,
            elinewidth=1, capsize=2, zorder=3, label="_" if label in named else label,
        )  # fmt: skip
        named.add(label)


def comparison(result: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw one row for each model and each published value; the shaded strip is the interval of what was published.

    Measurements that no model of two bare solids means are hollow and do not count into the interval.

    Raises
    ------
    InputError
        if there is neither a model nor a measurement
    """
    count = len(result.predictions) + len(result.published)
    if not count:
        raise InputError(f"nothing to draw for {result.left}/{result.right} at {result.temperature:g} K")
    ax = style.new_axes(width=7.2, height=1.4 + 0.27 * count) if ax is None else ax
    labels = _draw_models(ax, result) + _draw_published(ax, result)
    interval = result.interval
    if interval is not None:
        ax.axvspan(interval[0] / MW, interval[1] / MW, color="0.9", zorder=0, label="published interval")
    if result.predictions and result.published:
        ax.axhline(len(result.predictions) - 0.5, color="0.6", linewidth=0.8)
    ax.set_yticks(range(count), labels, fontsize="small")
    ax.set_ylim(count - 0.4, -0.6)
    drops = [value for one in result.predictions for value in (one.emitted, one.local, one.extrapolated)]
    known = np.array([value for value in drops if value])
    drawn = np.concatenate([known[np.isfinite(known)], [one.value for one in result.published]]) / MW
    if style.spans_widely(drawn):
        style.make_logarithmic(ax, "x", float(drawn.min()) / 1.4, float(drawn.max()) * 1.4)
    else:
        ax.set_xlim(left=0)
    ax.set(xlabel="conductance (MW m⁻² K⁻¹)")
    return style.finish(ax, title=f"{result.left} | {result.right} at {result.temperature:g} K", legend="beside")


def _draw_models(ax: Axes, result: Comparison) -> list[str]:
    """Draw each model by its three drops, with its uncertainty if known, from the top row down; return their names."""
    for drop, marker, colour, shift in _DROP_MARKERS:
        rows = [(i + shift, getattr(one, drop)) for i, one in enumerate(result.predictions)]
        known = [(y, value / MW) for y, value in rows if value is not None and np.isfinite(value)]
        if known:
            y, x = zip(*known, strict=True)
            ax.plot(x, y, marker, color=colour, markersize=5, linestyle="none", label=f"{drop} drop")
        for (y, value), one in zip(rows, result.predictions, strict=True):
            if value is not None and one.sigma is not None:
                ax.errorbar([value / MW], [y], xerr=[one.sigma / MW], fmt="none", ecolor=colour, capsize=2)
    return [one.title or one.model for one in result.predictions]


def _draw_published(ax: Axes, result: Comparison) -> list[str]:
    """Draw each published value with its uncertainty, below the models; return the names of the rows."""
    labels: list[str] = []
    named: set[str] = set()
    for row, one in enumerate(result.published, start=len(result.predictions)):
        entry, aside = one.measurement, one.measurement.exclusion
        label = "measured, not two bare solids" if aside else "measured"
        ax.errorbar(
            [one.value / MW], [row], xerr=None if one.sigma is None else [one.sigma / MW], fmt=style.POINT_MARKERS[0],
            color="black", markerfacecolor="none" if aside else "black", markersize=5, capsize=2,
            label="_" if label in named else label,
        )  # fmt: skip
        named.add(label)
        labels.append(f"{style.short_citation(entry.citation)} ({entry.method}, {one.temperature:g} K)")
    return labels


def probed_conductances(found: Sequence[ProbedJunction], *, ax: Axes) -> Axes:
    """Draw the conductance with and without scattering against temperature."""
    temperature = [one.temperature for one in found]
    curves = {
        "with scattering": [one.conductance for one in found],
        "harmonic, four-probe": [one.four_probe for one in found],
        "harmonic, emitted": [one.harmonic for one in found],
    }
    for i, (name, values) in enumerate(curves.items()):
        value = np.array([float(one.value[0]) for one in values]) / MW
        if np.isfinite(value).any():
            ax.plot(temperature, value, label=name, **style.line_style(i), marker=style.POINT_MARKERS[i])
    return style.finish(ax, "temperature (K)", "conductance (MW m⁻² K⁻¹)", ylim=(0, None), legend="inside")


def probed_profiles(found: Sequence[ProbedJunction], *, ax: Axes) -> Axes:
    """Draw the temperature of the layers along the normal, over the difference of the leads."""
    for i, one in enumerate(found):
        look = style.point_style(i)
        name = f"{one.temperature:g} K"
        ax.plot(one.position / nm, one.profile, color=look["color"], marker=look["fmt"], markersize=3, label=name)
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set(xlabel="position along the normal (nm)", ylabel="temperature over that of the leads", ylim=(-0.5, 0.5))
    return style.finish(ax, legend="inside")


def probes_figure(found: Sequence[ProbedJunction], figure: Figure) -> None:
    """Draw both into a figure: conductances, and profiles of up to four temperatures."""
    left, right = figure.subplots(1, 2)
    probed_conductances(found, ax=left)
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), 4)).round().astype(int))
    probed_profiles([found[i] for i in chosen], ax=right)
