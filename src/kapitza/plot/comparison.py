"""Models beside the interval of published measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kapitza.errors import InputError
from kapitza.measure.compare import Comparison
from kapitza.plot.style import COLOURS, MARKERS, beside, logarithmic, new_axes, short_citation, spans_widely
from kapitza.units import MW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DROPS = (("emitted", "o", COLOURS[5], -0.2), ("local", "D", COLOURS[4], 0.0), ("extrapolated", "s", COLOURS[0], 0.2))


def comparison(result: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw one row for each model and each published value; the shaded strip is the interval of what was published.

    Measurements that no model of two bare solids means are hollow and do not count into the interval.

    Parameters
    ----------
    ax : where to draw; a new figure, as high as it needs, if None

    Raises
    ------
    InputError
        if there is neither a model nor a measurement
    MissingEngine
        without matplotlib, if ax is None
    """
    count = len(result.predictions) + len(result.published)
    if not count:
        raise InputError(f"nothing to draw for {result.left}/{result.right} at {result.temperature:g} K")
    ax = new_axes(width=7.2, height=1.4 + 0.27 * count) if ax is None else ax
    labels = draw_models(ax, result) + draw_published(ax, result)
    interval = result.interval
    if interval is not None:
        ax.axvspan(interval[0] / MW, interval[1] / MW, color="0.9", zorder=0, label="published interval")
    if result.predictions and result.published:
        ax.axhline(len(result.predictions) - 0.5, color="0.6", linewidth=0.8)
    ax.set_yticks(range(count), labels, fontsize="small")
    ax.set_ylim(count - 0.4, -0.6)
    known = np.array(
        [value for one in result.predictions for value in (one.emitted, one.local, one.extrapolated) if value]
    )
    drawn = np.concatenate([known[np.isfinite(known)], [one.value for one in result.published]]) / MW
    if spans_widely(drawn):
        logarithmic(ax, "x", float(drawn.min()) / 1.4, float(drawn.max()) * 1.4)
    else:
        ax.set_xlim(left=0)
    ax.set(xlabel="conductance (MW m⁻² K⁻¹)")
    ax.set_title(f"{result.left} | {result.right} at {result.temperature:g} K", fontsize="medium")
    beside(ax)
    return ax


def draw_models(ax: Axes, result: Comparison) -> list[str]:
    """Draw each model by its three drops, with its uncertainty if known, from the top row down; return their names."""
    for drop, marker, colour, shift in DROPS:
        rows = [(i + shift, getattr(one, drop)) for i, one in enumerate(result.predictions)]
        known = [(y, value / MW) for y, value in rows if value is not None and np.isfinite(value)]
        if known:
            y, x = zip(*known, strict=True)
            ax.plot(x, y, marker, color=colour, markersize=5, linestyle="none", label=f"{drop} drop")
        for (y, value), one in zip(rows, result.predictions, strict=True):
            if value is not None and one.sigma is not None:
                ax.errorbar([value / MW], [y], xerr=[one.sigma / MW], fmt="none", ecolor=colour, capsize=2)
    return [one.title or one.model for one in result.predictions]


def draw_published(ax: Axes, result: Comparison) -> list[str]:
    """Draw each published value with its uncertainty, below the models; return the names of the rows."""
    labels: list[str] = []
    named: set[str] = set()
    for row, one in enumerate(result.published, start=len(result.predictions)):
        aside = one.measurement.set_aside
        label = "measured, not two bare solids" if aside else "measured"
        ax.errorbar(
            [one.value / MW],
            [row],
            xerr=None if one.sigma is None else [one.sigma / MW],
            fmt=MARKERS[0],
            color="black",
            markerfacecolor="none" if aside else "black",
            markersize=5,
            capsize=2,
            label="_" if label in named else label,
        )
        named.add(label)
        labels.append(f"{short_citation(one.measurement.citation)} ({one.measurement.method}, {one.temperature:g} K)")
    return labels
