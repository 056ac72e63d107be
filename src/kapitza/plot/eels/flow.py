"""Figures of what a heat flow does to electron spectra: both directions, both sides of a spectrum, local resistance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.plot.style import LINE_COLOURS, finish, new_axes, point_style
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.eels.heat_flow.local_resistance import LocalResistance
    from kapitza.measure.eels.heat_flow.reversal import FlowReversal
    from kapitza.measure.eels.heat_flow.sides import ApertureDesign, OppositeOccupations

_CONTOUR_LEVEL = 0.05  # probability at which what differs from the mean is surrounded
_LARGEST_ERROR_SHARE = 0.5  # of the range of what is shown: numbers with larger errors say nothing


def _bar_style(number: int) -> dict[str, Any]:
    """Look of one set of points with bars of many."""
    return {**point_style(number), "ms": 3.5, "lw": 0.8, "capsize": 1.5}


def flow_reversal(
    found: FlowReversal,
    figure: Figure,
    *,
    mode: str | None = None,
    interface: float | None = None,
    zone: float = 0.0,
    reference: tuple[str, ...] = (),
) -> tuple[Axes, Axes, Axes, Axes]:
    """Draw gain and loss of one mode in both directions of the flow, its temperature, and what is odd in the flow.

    Parameters
    ----------
    found : both scans
    mode : whose gain, loss and temperature are drawn; the first if None
    interface, zone : position and half width of the interface, m
    reference : modes from whose common temperature departures are counted; all if empty

    Raises
    ------
    InputError
        for a mode that was not fitted
    """
    if mode is not None and mode not in found.modes:
        raise InputError(f"no mode {mode!r} in these scans: expected one of {', '.join(found.modes)}")
    j = 0 if mode is None else found.modes.index(mode)
    name = f"{found.modes[j]}, {found.forward.energy[j] / meV:.4g} meV"
    (gain, loss), (kelvin, odd) = figure.subplots(2, 2, sharex=True)
    m, x = len(found.modes), found.position / nm
    for i, (scan, word) in enumerate(((found.forward, "forward"), (found.reverse, "reverse"))):
        sigma = np.sqrt(np.einsum("xii->xi", scan.covariance))
        t_sigma = np.sqrt(np.einsum("xii->xi", scan.temperature_covariance()))
        seen = scan.shown[:, j]
        for ax, value, error in (
            (gain, 1e6 * scan.gain[:, j], 1e6 * sigma[:, j]),
            (loss, 1e6 * scan.loss[:, j], 1e6 * sigma[:, m + j]),
            (kelvin, scan.temperature()[:, j], t_sigma[:, j]),
        ):
            ax.errorbar(x[seen], value[seen], error[seen], **_bar_style(i), label=word)
    gain.set(ylabel="gain (10⁻⁶ of the zero-loss peak)", title=name)
    loss.set(ylabel="loss (10⁻⁶ of the zero-loss peak)", title=name)
    kelvin.set(xlabel="x (nm)", ylabel="temperature (K)", title=f"{name}, from loss over gain")
    departure, _, error, _ = found.departure(reference)
    reach = np.nanmax(np.abs(departure)) if np.isfinite(departure).any() else 1.0
    pitch = np.diff(x).mean() if x.size > 1 else 1.0
    for k, word in enumerate(found.modes):
        seen = np.isfinite(departure[:, k]) & (error[:, k] < max(_LARGEST_ERROR_SHARE * reach, np.nanmin(error)))
        if not seen.any():
            continue  # a single reference mode departs from nothing
        aside = x[seen] + pitch * 0.18 * (k - (m - 1) / 2)
        odd.errorbar(aside, departure[seen, k], error[seen, k], **_bar_style(k), label=word)
    odd.axhline(0, color="0.5", lw=0.8)
    odd.set(xlabel="x (nm)", ylabel="odd departure (K)", title="temperature less the common one, odd in the flow")
    for ax in (gain, loss, kelvin, odd):
        if interface is not None:
            ax.axvspan((interface - zone) / nm, (interface + zone) / nm, color="0.9", lw=0, zorder=0)
            ax.axvline(interface / nm, color="0.6", lw=0.8, ls=":")
        ax.title.set_fontsize("medium")
        ax.legend(frameon=False, fontsize="small")
    return gain, loss, kelvin, odd


def local_resistance_map(
    found: LocalResistance,
    figure: Figure,
    *,
    image: Array | None = None,
    image_name: str = "structure",
    interface: float | None = None,
) -> tuple[Axes, ...]:
    """Draw the thermal resistivity of a map, and beside it an image of the same scan; a bar shows the resolution.

    Contours surround what differs from the mean at 5 %, corrected for the number of pixels.  A line is drawn with its
    errors.
    """
    name = "1/k over its mean" if found.relative else "1/k (m K W⁻¹)"
    axes = np.atleast_1d(figure.subplots(2 if image is not None else 1, 1, sharex=True, squeeze=True))
    x = found.position[-1] / nm
    if len(found.position) == 1:
        axes[0].errorbar(x, found.value, found.sigma, fmt="o", color="0.25", ms=3.5, lw=0.8)
        axes[0].set(ylabel=name)
        if image is not None:
            axes[1].plot(x, image, color=LINE_COLOURS[0])
            axes[1].set(ylabel=image_name)
    else:
        y = found.position[0] / nm
        panels = [(found.value, name, "viridis"), *([] if image is None else [(image, image_name, "gray")])]
        for ax, (values, word, colours) in zip(axes, panels, strict=True):
            low, high = np.nanpercentile(values, [1, 99])
            ax.set_facecolor("0.8")
            drawn = ax.pcolormesh(x, y, values, cmap=colours, shading="nearest", vmin=low, vmax=high, rasterized=True)
            figure.colorbar(drawn, cax=ax.inset_axes((1.02, 0, 0.02, 1)), label=word)
            ax.set(ylabel="y (nm)", aspect="equal")
            apart = np.nan_to_num(found.pvalue(), nan=1.0)
            if (apart < _CONTOUR_LEVEL).any() and min(apart.shape) > 1:
                ax.contour(x, y, apart, levels=[_CONTOUR_LEVEL], colors=[LINE_COLOURS[1]], linewidths=1.2)
    axes[-1].set(xlabel="x (nm)")
    at = x[0] + 0.03 * np.ptp(x)
    trans = axes[0].get_xaxis_transform()
    bar = [at, at + found.resolution / nm]
    axes[0].plot(bar, [0.06, 0.06], color="k", lw=3, transform=trans, solid_capstyle="butt")
    axes[0].text(at, 0.1, f"resolution {found.resolution / nm:.3g} nm", transform=trans, fontsize="small", va="bottom")
    for ax in axes if interface is not None else ():
        ax.axvline((interface or 0.0) / nm, color="0.6", lw=1.0, ls="--")
    return tuple(axes)


def aperture_design(found: ApertureDesign, figure: Figure) -> tuple[Axes, Axes]:
    """Draw what a pair of apertures shows by their size: the difference, its error, and the pixels that it takes."""
    left, right = figure.subplots(1, 2)
    angle = 1e3 * found.radii
    for j, mode in enumerate(found.modes):
        colour = LINE_COLOURS[j % len(LINE_COLOURS)]
        left.plot(angle, found.sigma[:, j], color=colour, ls="--", lw=1.4, label=f"{mode}, error of a pixel")
        left.plot(angle, found.difference[:, j], color=colour, lw=1.8, label=f"{mode}, difference")
        pixels = (found.significance * found.sigma[:, j] / found.difference[:, j]) ** 2
        right.plot(angle, pixels, color=colour, lw=1.8, label=mode)
    for ax, label in ((left, "T along +q less along -q (K)"), (right, f"pixels for {found.significance:g} σ")):
        ax.axvline(float(angle[found.best]), color="0.6", lw=0.8, ls=":")
        ax.set(yscale="log")
        finish(ax, "half angle (mrad)", label, grid=True, legend="small")
    return left, right


def opposite_temperatures(found: OppositeOccupations, ax: Axes | None = None) -> Axes:
    """Draw the temperature of the phonons along +q less that along -q against position, with errors."""
    ax = new_axes(width=6.8, height=4.2) if ax is None else ax
    value, sigma = found.temperature_difference()
    for j, mode in enumerate(found.modes):
        seen = np.isfinite(value[:, j])
        ax.errorbar(found.position[seen] / nm, value[seen, j], sigma[seen, j], **_bar_style(j), label=mode)
    ax.axhline(0, color="0.5", lw=0.8)
    return finish(ax, "x (nm)", "T along +q less along -q (K)", legend="small")
