"""Figures of the view Spectra: map, spectrum of a pixel with its fit, profile with the jump, temperatures of modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza import Occupation
from kapitza.core.arrays import Array
from kapitza.eels.diagnosis import SummedResiduals
from kapitza.units import meV, nm
from kapitza.web.figures.numbers import HEAT_SCALE, coarse_map, round_numbers
from kapitza.web.figures.style import axis, color, figure, ink, layout, soft
from kapitza.web.models.spectra import MapChoice, SeenJump
from kapitza.web.session import Theme

_PLAIN_SCALE = "Cividis"
_UPPER, _LOWER = (0.31, 1.0), (0.0, 0.24)  # parts of the height of spectrum and residuals
_MAX_MAP_ASPECT = 6.0  # times as long as high, up to which both axes of a map have one scale
_MARKERS = ("circle", "square", "triangle-up", "diamond", "x", "cross")


def map_figure(
    theme: Theme, axes: tuple[Array, ...], shown: MapChoice, *, pixel: tuple[int, ...], interface: float | None = None
) -> dict[str, Any]:
    """A map in colours, or values along a line, with the chosen pixel and the interface (m along x) marked.

    A map of more pixels than a screen shows is drawn as means over blocks of them.
    """
    if len(axes) < 2:
        return _line_figure(theme, axes, shown, pixel, interface)
    y, x, values = coarse_map((axes[0], axes[1]), np.asarray(shown.values, dtype=float))
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
    is_heat = shown.unit == "K" and not shown.name.startswith("uncertainty")
    data = [
        {
            "type": "heatmap", "x": round_numbers(x / nm), "y": round_numbers(y / nm), "z": round_numbers(values),
            "zmin": float(low),
            "zmax": float(high) if high > low else float(low) + 1, "hoverongaps": False,
            "colorscale": HEAT_SCALE if is_heat else _PLAIN_SCALE,
            "colorbar": {"title": {"text": shown.label, "side": "right"}, "thickness": 14, "outlinewidth": 0,
                         "exponentformat": "power"},
            "hovertemplate": "x = %{x:.4g} nm, y = %{y:.4g} nm<br>%{z:.5g}" + f" {shown.unit}<extra></extra>",
        },
        {
            "x": [float(axes[1][pixel[1]] / nm)], "y": [float(axes[0][pixel[0]] / nm)], "mode": "markers",
            "hoverinfo": "skip", "showlegend": False,
            "marker": {"symbol": "square-open", "size": 13, "color": "#ffffff", "line": {"width": 2.5}},
        },
    ]  # fmt: skip
    wide = float(np.ptp(axes[1])) / max(float(np.ptp(axes[0])), 1e-12)
    square = {"scaleanchor": "x", "constrain": "domain"} if 1 / _MAX_MAP_ASPECT < wide < _MAX_MAP_ASPECT else {}
    both = {
        "xaxis": axis(theme, "x (nm)", {"showgrid": False, "constrain": "domain"}),
        "yaxis": axis(theme, "y (nm)", {"showgrid": False, **square}),
    }
    return figure(data, layout(theme, both, {"shapes": _interface_line("#ffffff", interface)}))


def _line_figure(
    theme: Theme, axes: tuple[Array, ...], shown: MapChoice, pixel: tuple[int, ...], interface: float | None
) -> dict[str, Any]:
    """Values along a line, or the one of a single spectrum."""
    x = axes[0] / nm if axes else np.zeros(1)
    values = np.atleast_1d(np.asarray(shown.values, dtype=float))
    at = pixel[0] if pixel else 0
    data = [
        {
            "x": round_numbers(x), "y": round_numbers(values), "mode": "markers", "showlegend": False,
            "marker": {"color": color(theme, 0), "size": 7},
            "hovertemplate": "x = %{x:.4g} nm: %{y:.5g}<extra></extra>",
        },
        {
            "x": [float(x[at])], "y": round_numbers(values[at : at + 1]), "mode": "markers", "hoverinfo": "skip",
            "showlegend": False,
            "marker": {"symbol": "square-open", "size": 14, "color": color(theme, 1), "line": {"width": 2.5}},
        },
    ]  # fmt: skip
    both = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, shown.label)}
    return figure(data, layout(theme, both, {"shapes": _interface_line(soft(theme), interface)}))


def _interface_line(shade: str, place: float | None) -> list[dict[str, Any]]:
    """A line through the whole height where an interface is."""
    if place is None:
        return []
    return [
        {
            "type": "line", "x0": place / nm, "x1": place / nm, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": shade, "width": 2, "dash": "dash"},
        }
    ]  # fmt: skip


def spectrum_figure(theme: Theme, counts: tuple[Array, NDArray[Any]], fitted: SummedResiduals | None) -> dict[str, Any]:
    """Electrons of each channel of a pixel; with a fit that, and residuals in standard deviations below."""
    if fitted is None:
        energy, electrons = counts
        data = [_count_trace(theme, energy, electrons)]
        axes = {
            "xaxis": axis(theme, "energy loss (meV)"),
            "yaxis": axis(theme, "electrons per channel", {"type": "log", "dtick": 1}),
        }
        return figure(data, layout(theme, axes))
    x = fitted.energy / meV
    score = fitted.score
    data = [
        _count_trace(theme, fitted.energy, fitted.counted),
        {
            "x": round_numbers(x), "y": round_numbers(np.where(fitted.expected > 0, fitted.expected, np.nan)),
            "mode": "lines",
            "name": "fit", "line": {"color": color(theme, 1), "width": 2}, "hoverinfo": "skip",
        },
        {
            "x": round_numbers(x), "y": round_numbers(score), "mode": "markers", "yaxis": "y2", "showlegend": False,
            "marker": {"color": color(theme, 1), "size": 3}, "hovertemplate": "%{x:.4g} meV: %{y:.2f} σ<extra></extra>",
        },
    ]  # fmt: skip
    widest = max(4.5, 1.1 * float(np.abs(score).max(initial=0.0)))
    axes = {
        "xaxis": axis(theme, "energy loss from the zero-loss peak (meV)", {"anchor": "y2"}),
        "yaxis": axis(theme, "electrons per channel", {"type": "log", "dtick": 1, "domain": _UPPER}),
        "yaxis2": axis(theme, "residual (σ)", {"domain": _LOWER, "range": [-widest, widest], "zeroline": True,
                                               "zerolinecolor": soft(theme)}),
    }  # fmt: skip
    return figure(data, layout(theme, axes))


def _count_trace(theme: Theme, energy: Array, electrons: NDArray[Any]) -> dict[str, Any]:
    """Counts as points; a logarithmic axis has none at zero."""
    return {
        "x": round_numbers(energy / meV), "y": round_numbers(np.where(electrons > 0, electrons, np.nan)),
        "mode": "markers",
        "name": "counted", "marker": {"color": ink(theme), "size": 3},
        "hovertemplate": "%{x:.4g} meV: %{y:.4g} electrons<extra></extra>",
    }  # fmt: skip


def profile_figure(theme: Theme, seen: SeenJump) -> dict[str, Any]:
    """Profile across the interface with the fit as it is seen, and both branches extrapolated to the plane."""
    profile, found = seen.profile, seen.found
    x = profile.position / nm
    sigma = profile.sigma if profile.covariance is None else np.sqrt(np.diag(profile.covariance))
    used = np.ones(x.size, dtype=bool) if found is None else _is_among(profile.position, found.position)
    data = [
        {
            "x": round_numbers(x), "y": round_numbers(profile.temperature), "mode": "markers", "name": "rows averaged",
            "error_y": {} if sigma is None else _error_bars(theme, sigma),
            "marker": {"color": ink(theme), "size": 6, "symbol": ["circle" if one else "circle-open" for one in used]},
            "hovertemplate": "%{x:.4g} nm: %{y:.5g} K<extra></extra>",
        }
    ]  # fmt: skip
    shapes: list[dict[str, Any]] = []
    if found is not None:
        data += _branches(theme, seen)
        shapes = _interface_line(soft(theme), found.jump.at)
    axes = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, "temperature (K)")}
    return figure(data, layout(theme, axes, {"shapes": shapes}))


def _error_bars(theme: Theme, sigma: Array) -> dict[str, Any]:
    """Bars of one standard uncertainty."""
    return {"array": round_numbers(sigma), "color": soft(theme), "thickness": 1, "width": 0}


def _branches(theme: Theme, seen: SeenJump) -> list[dict[str, Any]]:
    """Fit as it is seen, and the straight branches to the plane."""
    profile, found = seen.profile, seen.found
    if found is None:
        return []
    jump, ends = found.jump, (float(profile.position[0]), float(profile.position[-1]))
    fine = np.linspace(*ends, 400)
    made = [
        {
            "x": round_numbers(fine / nm), "y": round_numbers(found.temperature(fine)), "mode": "lines",
            "name": "fit as it is seen",
            "line": {"color": soft(theme), "width": 1.5}, "hoverinfo": "skip",
        }
    ]  # fmt: skip
    sides = (("left", ends[0], 0.5, jump.gradient_left), ("right", ends[1], -0.5, jump.gradient_right))
    for i, (side, end, half, gradient) in enumerate(sides):
        plane = jump.temperature + half * jump.jump
        made.append(
            {
                "x": round_numbers([end / nm, jump.at / nm]),
                "y": round_numbers([plane + gradient * (end - jump.at), plane]),
                "mode": "lines", "name": f"{side}: {gradient * nm:.3g} K/nm", "hoverinfo": "skip",
                "line": {"color": color(theme, i), "width": 2.5, "dash": ("solid", "dash")[i]},
            }
        )  # fmt: skip
    return made


def _is_among(places: Array, others: Array) -> NDArray[np.bool_]:
    """Which places are among others, to rounding."""
    if not others.size:
        return np.zeros(places.size, dtype=bool)
    return np.abs(places[:, None] - others).min(axis=1) < 1e-6 * float(np.ptp(places))


def modes_figure(theme: Theme, found: Occupation, interface: float | None = None) -> dict[str, Any]:
    """Temperature of each mode against position; those with an error of more than half of it are left out."""
    kelvin, sigma = found.temperature(), found.temperature_sigma()
    if sigma is not None:
        kelvin = np.where(sigma > kelvin / 2, np.nan, kelvin)
    names = found.modes or tuple(f"mode {j + 1}" for j in range(found.energy.size))
    pitch = float(np.diff(found.position).mean()) / nm if found.position.size > 1 else 1.0
    data = [
        {
            "x": round_numbers(found.position / nm + 0.18 * pitch * (j - (len(names) - 1) / 2)),
            "y": round_numbers(kelvin[:, j]),
            "mode": "markers", "name": f"{name}, {found.energy[j] / meV:.4g} meV",
            "error_y": {} if sigma is None else {"array": round_numbers(sigma[:, j]), "thickness": 1, "width": 0},
            "marker": {"color": color(theme, j), "size": 6, "symbol": _MARKERS[j % len(_MARKERS)]},
            "hovertemplate": "%{x:.4g} nm: %{y:.5g} K<extra>%{fullData.name}</extra>",
        }
        for j, name in enumerate(names)
    ]  # fmt: skip
    axes = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, "mode temperature (K)")}
    return figure(data, layout(theme, axes, {"shapes": _interface_line(soft(theme), interface)}))
