"""Transmission: predicted, accumulated and estimated spectra; and mode by mode, by angle, branch and frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import real_array, temperatures
from kapitza.core.modal import INTERFACE_SIDES, ModalTransmission, quotient
from kapitza.core.transmission import Side, Transmission
from kapitza.errors import InputError
from kapitza.plot import style
from kapitza.theory.agf.modal_transmission import ModeConversion
from kapitza.theory.amm import AngleMap
from kapitza.units import THz

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.spectral_inversion import SpectralEstimate

_CONFIDENCE_LEVEL = 0.95
_ANGLE_BINS = 18  # bins from normal to grazing
_BRANCH_NAMES = {1: ("L",), 3: ("L", "SV", "SH")}
_RADIANS_PER_DEGREE = np.pi / 180
_AZIMUTH_COPIES = 73  # copies of a table of one azimuth


def transmission(*results: Transmission, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw spectral transmission functions, with the modes of both sides of the first.

    Parameters
    ----------
    results : transmissions of one interface, e.g. by several models
    labels : for the legend; the methods if None

    Raises
    ------
    InputError
        for labels that are not as many as the results
    """
    names = [result.method or "transmission" for result in results] if labels is None else list(labels)
    if len(names) != len(results):
        raise InputError(f"got {len(names)} labels for {len(results)} transmissions")
    ax = style.new_axes() if ax is None else ax
    left: dict[str, Any] = {"facecolor": "0.86", "edgecolor": "none"}
    right: dict[str, Any] = {"facecolor": "none", "edgecolor": "0.6", "hatch": "////"}
    for result in results[:1]:
        for side, modes, look in (("left", result.left, left), ("right", result.right, right)):
            if modes is not None:
                label = f"modes of the {side} side"
                ax.fill_between(result.omega / THz, modes / style.MODES_PER_NM2, **look, linewidth=0.6, label=label)
    for i, result in enumerate(results):
        ax.plot(
            result.omega / THz, result.total / style.MODES_PER_NM2, **style.line_style(i), linewidth=1.9, label=names[i]
        )
    ax.set(xlabel="frequency (THz)", ylabel="transmission function, modes (nm⁻²)", xlim=(0, None), ylim=(0, None))
    return style.finish(ax, legend="beside")


def accumulation(result: Transmission, temperature: ArrayLike = 300.0, ax: Axes | None = None) -> Axes:
    """Draw the share of the emitted conductance that frequencies up to a limit carry.

    Parameters
    ----------
    temperature : (nT,) K, one curve each

    Raises
    ------
    InputError
        for temperatures not above 0 K, or at which the transmission does not hold
    """
    kelvin = temperatures(temperature)
    carried = result.accumulation(kelvin)
    ax = style.new_axes() if ax is None else ax
    for i, (one, share) in enumerate(zip(kelvin, carried, strict=True)):
        total = share[-1]
        scale, unit = style.power_unit(np.array([total]))
        percent = 100 * share / total if total > 0 else share
        label = f"{one:g} K: {total / scale:.4g} {unit} m⁻² K⁻¹"
        ax.plot(result.omega / THz, percent, **style.line_style(i), linewidth=1.9, label=label)
    ax.set(xlabel="frequency (THz)", ylabel="share of the conductance below (%)", xlim=(0, None), ylim=(0, 103))
    ax.set_title(result.method, fontsize="medium")
    style.legend_beside(ax, title="emitted drop")
    return ax


def estimate_figure(found: SpectralEstimate, figure: Figure) -> None:
    """Draw the estimate with its band, and what the data alone leave open, against frequency."""
    ax = figure.add_subplot()
    used = found.limit > 0
    x = found.omega[used] / THz
    low, high = (one[used] for one in found.band(_CONFIDENCE_LEVEL))
    least, most = (one[used] for one in found.extremes(_CONFIDENCE_LEVEL))
    ax.fill_between(x, least, most, color="0.9", label="any spectrum that fits")
    ax.fill_between(x, low, high, color=style.LINE_COLOURS[0], alpha=0.3, label="95 %, smooth or not")
    ax.plot(x, found.share[used], color=style.LINE_COLOURS[0], label="most likely")
    ax.set(xlabel="frequency (THz)", ylabel="share of what could cross", ylim=(0, 1), xlim=(0, float(np.max(x))))
    ax.legend()


def transmission_by_angle(result: AngleMap, *, branches: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the probability to cross against the angle of incidence, a line for each incoming branch.

    It is summed over the outgoing branches.  Triangles below the axis mark the critical angles, beyond which an
    outgoing branch is evanescent.

    Parameters
    ----------
    branches : names of the incoming branches; L, SV, SH (isotropic), or numbers where there are others, if None

    Raises
    ------
    InputError
        for names that are not as many as the branches
    """
    count = result.transmission.shape[1]
    names = tuple(branches or _BRANCH_NAMES.get(count, tuple(map(str, range(count)))))
    if len(names) != count:
        raise InputError(f"got {len(names)} names for {count} branches")
    ax = style.new_axes() if ax is None else ax
    for i, name in enumerate(names):
        angle, crossing = result.angle / _RADIANS_PER_DEGREE, result.transmission[:, i].sum(axis=1)
        ax.plot(angle, crossing, **style.line_style(i), linewidth=1.9, label=f"{name} arrives")
        critical = result.critical[i][result.critical[i] < np.pi / 2 * (1 - 1e-9)] / _RADIANS_PER_DEGREE
        height, colour = np.full(critical.size, -0.025), style.line_style(i)["color"]
        ax.plot(critical, height, "^", color=colour, markersize=6, clip_on=False)
    ax.plot([], [], "^", color="0.4", label="critical angles")
    ax.set(xlabel="angle of incidence (degrees)", ylabel="probability to cross", xlim=(0, 90), ylim=(-0.05, 1.03))
    return style.finish(ax, title=result.method, legend="beside")


def angle_map(result: ModalTransmission, *, side: Side = "left", branch: int = 0, ax: Axes | None = None) -> Axes:
    """Draw the probability to cross over all directions of incidence of one branch: a disc from normal to grazing.

    The distance from the centre is the angle between wave vector and normal.  Azimuths that symmetry makes equal are
    missing in the table, and so in the figure; a table of one azimuth alone, as for isotropic sides, is rotated.

    Parameters
    ----------
    result : waves at one frequency, or at several that behave alike
    side, branch : which waves are shown

    Raises
    ------
    InputError
        if there are fewer than three such waves in the table
    """
    chosen = result.select(side, branch)
    if chosen.omega.size < 3:
        raise InputError(f"{result.method} has {chosen.omega.size} waves of branch {branch} from the {side}, wanted 3")
    ax = style.new_axes(width=5.4, height=4.4) if ax is None else ax
    angle, azimuth, crossing = chosen.angle / _RADIANS_PER_DEGREE, chosen.azimuth, chosen.transmission
    if np.ptp(azimuth) < 1e-9:
        turns = np.linspace(-np.pi, np.pi, _AZIMUTH_COPIES)
        angle, crossing = (np.tile(values, _AZIMUTH_COPIES) for values in (angle, crossing))
        azimuth = np.repeat(turns, chosen.omega.size)
    x, y = angle * np.cos(azimuth), angle * np.sin(azimuth)
    surface = ax.tripcolor(x, y, crossing, cmap="viridis", vmin=0, vmax=1, shading="gouraud", rasterized=True)
    ax.figure.colorbar(surface, ax=ax, label="probability to cross")
    ax.set(xlabel="angle of incidence along x (degrees)", ylabel="along y (degrees)", aspect="equal")
    return style.finish(ax, title=f"{result.method}, branch {branch} from the {side}")


def transmission_by_branch(result: ModalTransmission, *, side: Side = "left", ax: Axes | None = None) -> Axes:
    """Draw what crosses of each branch against frequency, stacked: together it is the transmission function.

    Raises
    ------
    InputError
        where no wave arrives from this side
    """
    branch, omega, arriving, crossing = result.by_branch(side)
    if not branch.size:
        raise InputError(f"{result.method} has {branch.size} waves that arrive from the {side}")
    ax = style.new_axes() if ax is None else ax
    total, parts = arriving.sum(axis=1) / style.MODES_PER_NM2, crossing.T / style.MODES_PER_NM2
    ax.plot(omega / THz, total, color="0.35", linewidth=1.2, label="all that arrive")
    names = [f"branch {number}" for number in branch]
    colours = [style.line_style(i)["color"] for i in range(branch.size)]
    ax.stackplot(omega / THz, *parts, colors=colours, labels=names, edgecolor="white", linewidth=0.4)
    ax.set(xlabel="frequency (THz)", ylabel="modes that cross (nm⁻²)", xlim=(0, None), ylim=(0, None))
    return style.finish(ax, legend="beside")


def incidence_map(result: ModalTransmission, *, side: Side = "left", ax: Axes | None = None) -> Axes:
    """Draw the mean probability to cross over angle of incidence and frequency.

    The angle is that of the wave vector to the normal.  Where no wave arrives nothing is drawn.

    Parameters
    ----------
    result : table of modes at several frequencies
    side : of arrival

    Raises
    ------
    InputError
        for a table of fewer than two frequencies
    """
    rows = result.select(side)
    omega, at = np.unique(rows.omega, return_inverse=True)
    if omega.size < 2:
        raise InputError(f"{result.method} has {omega.size} frequencies from the {side}, wanted 2 or more")
    edges = np.linspace(0, np.pi / 2, _ANGLE_BINS + 1)
    column = np.clip(np.searchsorted(edges, rows.angle, side="right") - 1, 0, _ANGLE_BINS - 1)
    arriving, crossing = np.zeros((2, omega.size, _ANGLE_BINS))
    np.add.at(arriving, (at, column), rows.weight)
    np.add.at(crossing, (at, column), rows.weight * rows.transmission)
    ax = style.new_axes() if ax is None else ax
    ax.set_facecolor("0.92")
    x, y = edges / _RADIANS_PER_DEGREE, style.cell_borders(omega) / THz
    surface = ax.pcolormesh(x, y, quotient(crossing, arriving), cmap="viridis", vmin=0, vmax=1, rasterized=True)
    ax.figure.colorbar(surface, ax=ax, label="probability to cross")
    return style.finish(ax, "angle of incidence (degrees)", "frequency (THz)", xlim=(0, 90), ylim=(0, None))


def branch_conversion_map(result: ModeConversion, *, ax: Axes | None = None) -> Axes:
    """Draw from which branch to which the modes cross: parts of all that cross, summed over the frequencies."""
    table = result.transmitted.sum(axis=0)
    total = float(table.sum())
    share = 100 * table / total if total > 0 else table
    used = share > 0.05
    rows, columns = (np.flatnonzero(used.any(axis=axis)) for axis in (1, 0))
    ax = style.new_axes(width=5.0) if ax is None else ax
    shown = share[np.ix_(rows, columns)]
    surface = ax.imshow(shown, cmap="Blues", origin="lower", vmin=0, aspect="auto")
    ax.figure.colorbar(surface, ax=ax, label="part of what crosses (%)")
    ax.set_xticks(range(columns.size), [str(number) for number in columns])
    ax.set_yticks(range(rows.size), [str(number) for number in rows])
    if shown.size <= 64:
        for i, j in np.ndindex(*shown.shape):
            if shown[i, j] >= 0.5:
                dark = shown[i, j] > 0.6 * shown.max()
                ax.text(j, i, f"{shown[i, j]:.0f}", ha="center", va="center", color="white" if dark else "0.2")
    other = INTERFACE_SIDES[1 - INTERFACE_SIDES.index(result.side)]
    return style.finish(ax, f"branch of arrival, {result.side}", f"branch of departure, {other}")


def specular_transmission(result: ModalTransmission, *, ax: Axes | None = None) -> Axes:
    """Draw what part of the modes crosses, and what part of that keeps its in-plane wave vector."""
    ax = style.new_axes() if ax is None else ax
    omega = np.unique(result.omega)
    for i, side in enumerate(INTERFACE_SIDES):
        rows = result.select(side)
        at = np.searchsorted(omega, rows.omega)
        parts = (np.ones(at.size), rows.transmission, rows.specular)
        arriving, crossing, kept = (real_array(np.bincount(at, rows.weight * part, omega.size)) for part in parts)
        shares = {"crosses": quotient(crossing, arriving), "of that, specular": quotient(kept, crossing)}
        for dash, (what, share) in zip(style.LINE_DASHES, shares.items(), strict=False):
            label = f"{what}, from {side}"
            ax.plot(omega / THz, share, color=style.LINE_COLOURS[i], linestyle=dash, linewidth=1.9, label=label)
    return style.finish(ax, "frequency (THz)", "part of the modes", xlim=(0, None), ylim=(0, 1.04), legend="beside")


def modes_figure(modes: ModalTransmission, conversion: ModeConversion, figure: Figure) -> None:
    """Draw all four of them into a figure of about 10 by 7.6 inches."""
    axes = figure.subplots(2, 2)
    transmission_by_branch(modes, side=conversion.side, ax=axes[0, 0])
    incidence_map(modes, side=conversion.side, ax=axes[0, 1])
    specular_transmission(modes, ax=axes[1, 0])
    branch_conversion_map(conversion, ax=axes[1, 1])
    for ax in axes.flat:
        style.legend_inside(ax)
    figure.suptitle(f"{modes.method}, waves from the {conversion.side}", fontsize="medium")
