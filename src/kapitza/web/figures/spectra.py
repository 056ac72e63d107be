"""Figures of the view Spectra: map, spectrum of a pixel with its fit, profile with the jump, temperatures of modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza import Occupation
from kapitza.core.arrays import Array
from kapitza.eels.diagnosis import SummedResiduals
from kapitza.units import meV, nm
from kapitza.web.figures import style
from kapitza.web.figures.style import axis, color, ink, round_numbers, soft, trace
from kapitza.web.models.spectra import MapChoice, SeenJump
from kapitza.web.session import Theme

_PLAIN_SCALE = "Cividis"
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
    y, x, values = style.coarse_map((axes[0], axes[1]), np.asarray(shown.values, dtype=float))
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
    is_heat = shown.unit == "K" and not shown.name.startswith("uncertainty")
    place = [float(axes[1][pixel[1]] / nm)], [float(axes[0][pixel[0]] / nm)]
    data = [
        {
            "type": "heatmap", "x": round_numbers(x / nm), "y": round_numbers(y / nm), "z": round_numbers(values),
            "zmin": float(low), "zmax": float(high) if high > low else float(low) + 1, "hoverongaps": False,
            "colorscale": style.HEAT_SCALE if is_heat else _PLAIN_SCALE,
            "colorbar": style.colorbar(shown.label, more={"exponentformat": "power"}),
            "hovertemplate": "x = %{x:.4g} nm, y = %{y:.4g} nm<br>%{z:.5g}" + f" {shown.unit}<extra></extra>",
        },
        trace(*place, "markers", more={"marker": _pixel_mark("#ffffff", 13)}),
    ]  # fmt: skip
    wide = float(np.ptp(axes[1])) / max(float(np.ptp(axes[0])), 1e-12)
    square = {"scaleanchor": "x", "constrain": "domain"} if 1 / _MAX_MAP_ASPECT < wide < _MAX_MAP_ASPECT else {}
    both = {
        "xaxis": axis(theme, "x (nm)", {"showgrid": False, "constrain": "domain"}),
        "yaxis": axis(theme, "y (nm)", {"showgrid": False, **square}),
    }
    return style.figure(theme, data, both, {"shapes": _interface_line("#ffffff", interface)})


def _pixel_mark(shade: str, size: int) -> dict[str, Any]:
    return {"symbol": "square-open", "size": size, "color": shade, "line": {"width": 2.5}}


def _line_figure(
    theme: Theme, axes: tuple[Array, ...], shown: MapChoice, pixel: tuple[int, ...], interface: float | None
) -> dict[str, Any]:
    x = axes[0] / nm if axes else np.zeros(1)
    values = np.atleast_1d(np.asarray(shown.values, dtype=float))
    at = pixel[0] if pixel else 0
    marker = {"color": color(theme, 0), "size": 7}
    data = [
        trace(x, values, "markers", "", "x = %{x:.4g} nm: %{y:.5g}", more={"marker": marker}),
        trace([float(x[at])], values[at : at + 1], "markers", more={"marker": _pixel_mark(color(theme, 1), 14)}),
    ]
    both = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, shown.label)}
    return style.figure(theme, data, both, {"shapes": _interface_line(soft(theme), interface)})


def _interface_line(shade: str, place: float | None) -> list[dict[str, Any]]:
    """A line where an interface is, m along x."""
    return [] if place is None else [style.upright(place / nm, shade, 2)]


def spectrum_figure(theme: Theme, counts: tuple[Array, NDArray[Any]], fitted: SummedResiduals | None) -> dict[str, Any]:
    """Electrons of each channel of a pixel; with a fit that, and residuals in standard deviations below.

    A logarithmic axis has no counts at zero.
    """
    energy, electrons = counts if fitted is None else (fitted.energy, fitted.counted)
    x = energy / meV
    electrons_axis = axis(theme, "electrons per channel", {"type": "log", "dtick": 1})
    points, hover = {"color": ink(theme), "size": 3}, "%{x:.4g} meV: %{y:.4g} electrons"
    counted = trace(x, np.where(electrons > 0, electrons, np.nan), "markers", "counted", hover, more={"marker": points})
    if fitted is None:
        return style.figure(theme, [counted], {"xaxis": axis(theme, "energy loss (meV)"), "yaxis": electrons_axis})
    expected, line = np.where(fitted.expected > 0, fitted.expected, np.nan), {"color": color(theme, 1), "width": 2}
    small = {"color": color(theme, 1), "size": 3}
    data = [
        counted,
        trace(x, expected, "lines", "fit", more={"line": line}),
        trace(x, fitted.score, "markers", "", "%{x:.4g} meV: %{y:.2f} σ", more={"yaxis": "y2", "marker": small}),
    ]
    axes = {
        "xaxis": axis(theme, "energy loss from the zero-loss peak (meV)", {"anchor": "y2"}),
        "yaxis": electrons_axis | {"domain": style.UPPER},
        "yaxis2": style.residual_axis(theme, fitted.score, 4.5),
    }
    return style.figure(theme, data, axes)


def profile_figure(theme: Theme, seen: SeenJump) -> dict[str, Any]:
    """Profile across the interface with the fit as it is seen, and both branches extrapolated to the plane."""
    profile, found = seen.profile, seen.found
    sigma = profile.sigma if profile.covariance is None else np.sqrt(np.diag(profile.covariance))
    used = np.ones(profile.position.size, dtype=bool) if found is None else _is_among(profile.position, found.position)
    marker = {"color": ink(theme), "size": 6, "symbol": ["circle" if one else "circle-open" for one in used]}
    data = [
        trace(
            profile.position / nm, profile.temperature, "markers", "rows averaged", "%{x:.4g} nm: %{y:.5g} K",
            more={"error_y": style.error_bars(theme, sigma), "marker": marker},
        )
    ]  # fmt: skip
    if found is not None:
        jump, ends = found.jump, (float(profile.position[0]), float(profile.position[-1]))
        fine, line = np.linspace(*ends, 400), {"color": soft(theme), "width": 1.5}
        data.append(trace(fine / nm, found.temperature(fine), "lines", "fit as it is seen", more={"line": line}))
        sides = (("left", ends[0], 0.5, jump.gradient_left), ("right", ends[1], -0.5, jump.gradient_right))
        for i, (side, end, half, gradient) in enumerate(sides):
            plane = jump.temperature + half * jump.jump
            line = {"color": color(theme, i), "width": 2.5, "dash": ("solid", "dash")[i]}
            branch = [plane + gradient * (end - jump.at), plane]
            name = f"{side}: {gradient * nm:.3g} K/nm"
            data.append(trace([end / nm, jump.at / nm], branch, "lines", name, more={"line": line}))
    axes = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, "temperature (K)")}
    shapes = _interface_line(soft(theme), None if found is None else found.jump.at)
    return style.figure(theme, data, axes, {"shapes": shapes})


def _is_among(places: Array, others: Array) -> NDArray[np.bool_]:
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
        trace(
            found.position / nm + 0.18 * pitch * (j - (len(names) - 1) / 2), kelvin[:, j], "markers",
            f"{name}, {found.energy[j] / meV:.4g} meV", "%{x:.4g} nm: %{y:.5g} K<extra>%{fullData.name}</extra>",
            more={
                "error_y": {} if sigma is None else {"array": round_numbers(sigma[:, j]), "thickness": 1, "width": 0},
                "marker": {"color": color(theme, j), "size": 6, "symbol": _MARKERS[j % len(_MARKERS)]},
            },
        )
        for j, name in enumerate(names)
    ]  # fmt: skip
    axes = {"xaxis": axis(theme, "x (nm)"), "yaxis": axis(theme, "mode temperature (K)")}
    return style.figure(theme, data, axes, {"shapes": _interface_line(soft(theme), interface)})
