"""Figures of the view Thermoreflectance: data with a curve and its residuals, sensitivities, the budget of a fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.measure import ErrorBudget, Experiment, Sensitivity
from kapitza.plot import experiment_axis, signal_factor, signal_label
from kapitza.web.figures import style
from kapitza.web.figures.style import axis, color, decade_ticks, round_numbers, soft, trace
from kapitza.web.models.thermoreflectance import Trial, TrialCurves
from kapitza.web.session import Theme

_LEAST_SENSITIVITY = 0.01  # of the largest, below which a number is left out
_MOST_LINES = 8


def curves_figure(theme: Theme, trial: Trial, curves: TrialCurves, number: int) -> dict[str, Any]:
    """Data of one experiment with the curve at the sliders, and residuals in standard uncertainties below."""
    sample, sigma, residual = trial.problem.samples[number], trial.problem.sigma[number], curves.residual[number]
    label, factor, logarithmic = experiment_axis(sample.experiment)
    scale = signal_factor(sample.curve.kind)
    x = sample.curve.x * factor
    points = {"color": style.ink(theme), "size": 6, "symbol": "circle-open", "line": {"width": 1.5}}
    small, line = {"color": color(theme, 1), "size": 5}, {"color": color(theme, 1), "width": 2.5}
    data = [
        trace(
            x, sample.curve.value * scale, "markers", "simulated points" if trial.simulated else "data",
            "%{x:.4g}: %{y:.4g}", more={"error_y": style.error_bars(theme, sigma * scale), "marker": points},
        ),
        trace(x, curves.value[number] * scale, "lines", "curve", more={"line": line}),
        trace(x, residual, "markers", "", "%{x:.4g}: %{y:.2f} σ", more={"yaxis": "y2", "marker": small}),
    ]  # fmt: skip
    scale_of_x = decade_ticks(float(x.min()), float(x.max())) if logarithmic and bool((x > 0).all()) else {}
    signal = re.sub(r"V_(in|out)", r"V<sub>\1</sub>", signal_label(sample))
    axes = {
        "xaxis": axis(theme, label, {"anchor": "y2", **scale_of_x}),
        "yaxis": axis(theme, signal, {"domain": style.UPPER}),
        "yaxis2": style.residual_axis(theme, residual, 3.5),
    }
    bands = [
        {
            "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y2", "y0": -band, "y1": band,
            "line": {"width": 0}, "fillcolor": style.faint(theme, 7, 0.12), "layer": "below",
        }
        for band in (2, 1)
    ]  # fmt: skip
    return style.figure(theme, data, axes, {"shapes": bands})


def sensitivity_figure(theme: Theme, found: Sensitivity, x: Array, experiment: Experiment) -> dict[str, Any]:
    """Sensitivities against what was varied, the strongest first; numbers that hardly matter are left out."""
    label, factor, logarithmic = experiment_axis(experiment)
    size = np.abs(found.value).max(axis=1)
    order = [i for i in np.argsort(-size).tolist() if size[i] > _LEAST_SENSITIVITY * size.max()][:_MOST_LINES]
    dashes = ("solid", "dash", "dot", "dashdot")
    hover = "%{x:.4g}: %{y:.3f}<extra>%{fullData.name}</extra>"
    lines = [{"color": color(theme, i), "width": 2, "dash": dashes[i % len(dashes)]} for i in range(len(order))]
    data = [
        trace(x * factor, found.value[i], "lines", found.names[i], hover, more={"line": line})
        for i, line in zip(order, lines, strict=True)
    ]
    ends = float(x.min() * factor), float(x.max() * factor)
    name = "∂φ/∂ln p (rad)" if found.kind == "phase" else "∂ln f/∂ln p"
    axes = {
        "xaxis": axis(theme, label, decade_ticks(*ends) if logarithmic and ends[0] > 0 else {}),
        "yaxis": axis(theme, f"sensitivity {name}", {"zeroline": True, "zerolinecolor": soft(theme)}),
    }
    return style.figure(theme, data, axes)


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
    axes = {"xaxis": axis(theme, "share of the variance (%)", {"range": [0, 100]}), "yaxis": style.name_axis(theme)}
    return style.figure(theme, data, axes, {"barmode": "stack", "bargap": 0.3})
