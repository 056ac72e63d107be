"""Figures of the view Thermoreflectance: data with a curve and its residuals, sensitivities, the budget of a fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.measure import ErrorBudget, Experiment, Sensitivity
from kapitza.plot import experiment_axis, signal_factor, signal_label
from kapitza.web.figures.numbers import decade_ticks, round_numbers
from kapitza.web.figures.style import axis, color, faint, figure, ink, layout, soft
from kapitza.web.models.thermoreflectance import Trial, TrialCurves
from kapitza.web.session import Theme

_LOWER = (0.0, 0.24)  # part of the height that residuals have
_UPPER = (0.31, 1.0)
_LEAST_SENSITIVITY = 0.01  # of the largest, below which a number is left out
_MOST_LINES = 8


def curves_figure(theme: Theme, trial: Trial, curves: TrialCurves, number: int) -> dict[str, Any]:
    """Data of one experiment with the curve at the sliders, and residuals in standard uncertainties below."""
    sample, sigma = trial.problem.samples[number], trial.problem.sigma[number]
    label, factor, logarithmic = experiment_axis(sample.experiment)
    scale = signal_factor(sample.curve.kind)
    x = sample.curve.x * factor
    points = "simulated points" if trial.simulated else "data"
    data = [
        {
            "x": round_numbers(x), "y": round_numbers(sample.curve.value * scale), "mode": "markers", "name": points,
            "error_y": {"array": round_numbers(sigma * scale), "color": soft(theme), "thickness": 1, "width": 0},
            "marker": {"color": ink(theme), "size": 6, "symbol": "circle-open", "line": {"width": 1.5}},
            "hovertemplate": "%{x:.4g}: %{y:.4g}<extra></extra>",
        },
        {
            "x": round_numbers(x), "y": curve_values(trial, curves, number), "mode": "lines", "name": "curve",
            "line": {"color": color(theme, 1), "width": 2.5}, "hoverinfo": "skip",
        },
        {
            "x": round_numbers(x), "y": round_numbers(curves.residual[number]), "mode": "markers", "yaxis": "y2",
            "showlegend": False, "marker": {"color": color(theme, 1), "size": 5},
            "hovertemplate": "%{x:.4g}: %{y:.2f} σ<extra></extra>",
        },
    ]  # fmt: skip
    scale_of_x = decade_ticks(float(x.min()), float(x.max())) if logarithmic and bool((x > 0).all()) else {}
    widest = max(3.5, 1.1 * float(np.abs(curves.residual[number]).max(initial=0.0)))
    axes = {
        "xaxis": axis(theme, label, {**scale_of_x, "anchor": "y2"}),
        "yaxis": axis(theme, re.sub(r"V_(in|out)", r"V<sub>\1</sub>", signal_label(sample)), {"domain": _UPPER}),
        "yaxis2": axis(theme, "residual (σ)", {"domain": _LOWER, "range": [-widest, widest], "zeroline": True,
                                               "zerolinecolor": soft(theme)}),
    }  # fmt: skip
    bands = [
        {
            "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y2", "y0": -band, "y1": band,
            "line": {"width": 0}, "fillcolor": faint(theme, 7, 0.12), "layer": "below",
        }
        for band in (2, 1)
    ]  # fmt: skip
    return figure(data, layout(theme, axes, {"shapes": bands}))


def curve_values(trial: Trial, curves: TrialCurves, number: int) -> list[Any]:
    """Curve of one experiment in the unit of its axis."""
    return round_numbers(curves.value[number] * signal_factor(trial.problem.samples[number].curve.kind))


def sensitivity_figure(theme: Theme, found: Sensitivity, x: Array, experiment: Experiment) -> dict[str, Any]:
    """Sensitivities against what was varied, the strongest first; numbers that hardly matter are left out."""
    label, factor, logarithmic = experiment_axis(experiment)
    size = np.abs(found.value).max(axis=1)
    order = [i for i in np.argsort(-size).tolist() if size[i] > _LEAST_SENSITIVITY * size.max()][:_MOST_LINES]
    dashes = ("solid", "dash", "dot", "dashdot")
    data = [
        {
            "x": round_numbers(x * factor), "y": round_numbers(found.value[i]), "mode": "lines", "name": found.names[i],
            "line": {"color": color(theme, rank), "width": 2, "dash": dashes[rank % len(dashes)]},
            "hovertemplate": "%{x:.4g}: %{y:.3f}<extra>%{fullData.name}</extra>",
        }
        for rank, i in enumerate(order)
    ]  # fmt: skip
    ends = float(x.min() * factor), float(x.max() * factor)
    name = "∂φ/∂ln p (rad)" if found.kind == "phase" else "∂ln f/∂ln p"
    axes = {
        "xaxis": axis(theme, label, decade_ticks(*ends) if logarithmic and ends[0] > 0 else {}),
        "yaxis": axis(theme, f"sensitivity {name}", {"zeroline": True, "zerolinecolor": soft(theme)}),
    }
    return figure(data, layout(theme, axes))


def budget_figure(theme: Theme, found: ErrorBudget) -> dict[str, Any]:
    """Share of the data and of each uncertain number in the variance of each free one."""
    names = list(found.names)
    data = [
        {
            "type": "bar", "orientation": "h", "y": names, "x": round_numbers(100 * found.share[:, i]), "name": source,
            "marker": {"color": color(theme, i)}, "hovertemplate": f"{source}: %{{x:.3g}} %<extra></extra>",
        }
        for i, source in enumerate(found.sources)
    ]  # fmt: skip
    axes = {
        "xaxis": axis(theme, "share of the variance (%)", {"range": [0, 100]}),
        "yaxis": axis(theme, "", {"autorange": "reversed", "showgrid": False, "ticks": ""}),
    }
    return figure(data, layout(theme, axes, {"barmode": "stack", "bargap": 0.3}))
