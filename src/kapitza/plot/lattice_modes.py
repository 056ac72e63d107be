"""Who crosses an interface: by branch, angle and frequency, into which branch, and how specularly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.modal import SIDES, ModalTransmission, quotient
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.plot.style import COLOURS, DASHES, beside, new_axes, within
from kapitza.theory.agf.modes import Conversion
from kapitza.units import THz, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEGREE = np.pi / 180
MODES = nm**-2
ANGLES = 18  # bins from normal to grazing


def branches(result: ModalTransmission, *, side: Side = "left", ax: Axes | None = None) -> Axes:
    """Draw what crosses of each branch against frequency, stacked: together it is the transmission function.

    Parameters
    ----------
    result : table of modes
    side : of arrival
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        where no wave arrives from this side
    MissingEngine
        without matplotlib, if ax is None
    """
    branch, omega, arriving, crossing = result.by_branch(side)
    if not branch.size:
        raise InputError(f"{result.method} has {branch.size} waves that arrive from the {side}")
    ax = new_axes() if ax is None else ax
    ax.plot(omega / THz, arriving.sum(axis=1) / MODES, color="0.35", linewidth=1.2, label="all that arrive")
    ax.stackplot(
        omega / THz,
        *(crossing.T / MODES),
        colors=[COLOURS[i % len(COLOURS)] for i in range(branch.size)],
        labels=[f"branch {number}" for number in branch],
        edgecolor="white",
        linewidth=0.4,
    )
    ax.set(xlabel="frequency (THz)", ylabel="modes that cross (nm⁻²)", xlim=(0, None), ylim=(0, None))
    beside(ax)
    return ax


def incidence(result: ModalTransmission, *, side: Side = "left", ax: Axes | None = None) -> Axes:
    """Draw the mean probability to cross over angle of incidence and frequency.

    The angle is that of the wave vector to the normal.  Where no wave arrives nothing is drawn.

    Parameters
    ----------
    result : table of modes at several frequencies
    side : of arrival
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for a table of fewer than two frequencies
    MissingEngine
        without matplotlib, if ax is None
    """
    rows = result.select(side)
    omega, at = np.unique(rows.omega, return_inverse=True)
    if omega.size < 2:
        raise InputError(f"{result.method} has {omega.size} frequencies from the {side}, wanted 2 or more")
    edges = np.linspace(0, np.pi / 2, ANGLES + 1)
    column = np.clip(np.searchsorted(edges, rows.angle, side="right") - 1, 0, ANGLES - 1)
    arriving, crossing = np.zeros((2, omega.size, ANGLES))
    np.add.at(arriving, (at, column), rows.weight)
    np.add.at(crossing, (at, column), rows.weight * rows.transmission)
    middle = (omega[:-1] + omega[1:]) / 2
    bounds = np.concatenate([[2 * omega[0] - middle[0]], middle, [2 * omega[-1] - middle[-1]]])
    ax = new_axes() if ax is None else ax
    ax.set_facecolor("0.92")
    surface = ax.pcolormesh(
        edges / DEGREE, bounds / THz, quotient(crossing, arriving), cmap="viridis", vmin=0, vmax=1, rasterized=True
    )
    ax.figure.colorbar(surface, ax=ax, label="probability to cross")
    ax.set(xlabel="angle of incidence (degrees)", ylabel="frequency (THz)", xlim=(0, 90), ylim=(0, None))
    return ax


def conversion(result: Conversion, *, ax: Axes | None = None) -> Axes:
    """Draw from which branch to which the modes cross: parts of all that cross, summed over the frequencies.

    Parameters
    ----------
    result : sums from branch to branch
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    table = result.transmitted.sum(axis=0)
    whole = float(table.sum())
    share = 100 * table / whole if whole > 0 else table
    used = share > 0.05
    rows, columns = (np.flatnonzero(used.any(axis=axis)) for axis in (1, 0))
    ax = new_axes(width=5.0) if ax is None else ax
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
    other = SIDES[1 - SIDES.index(result.side)]
    ax.set(xlabel=f"branch of arrival, {result.side}", ylabel=f"branch of departure, {other}")
    return ax


def specular_share(result: ModalTransmission, *, ax: Axes | None = None) -> Axes:
    """Draw what part of the modes crosses, and what part of that keeps its in-plane wave vector.

    Parameters
    ----------
    result : table of modes
    ax : where to draw; a new figure if None

    Raises
    ------
    MissingEngine
        without matplotlib, if ax is None
    """
    ax = new_axes() if ax is None else ax
    omega = np.unique(result.omega)
    for i, side in enumerate(SIDES):
        rows = result.select(side)
        at = np.searchsorted(omega, rows.omega)
        parts = (np.ones(at.size), rows.transmission, rows.specular)
        arriving, crossing, kept = (
            np.bincount(at, rows.weight * part, minlength=omega.size).astype(float) for part in parts
        )
        for j, (share, what) in enumerate(
            ((quotient(crossing, arriving), "crosses"), (quotient(kept, crossing), "of that, specular"))
        ):
            ax.plot(
                omega / THz, share, color=COLOURS[i], linestyle=DASHES[j], linewidth=1.9, label=f"{what}, from {side}"
            )
    ax.set(xlabel="frequency (THz)", ylabel="part of the modes", xlim=(0, None), ylim=(0, 1.04))
    beside(ax)
    return ax


def who_crosses(modes: ModalTransmission, converted: Conversion, figure: Figure) -> None:
    """Draw all four of them into a figure.

    Parameters
    ----------
    modes : table of modes
    converted : from branch to branch
    figure : empty, about 10 by 7.6 inches
    """
    axes = figure.subplots(2, 2)
    branches(modes, side=converted.side, ax=axes[0, 0])
    incidence(modes, side=converted.side, ax=axes[0, 1])
    specular_share(modes, ax=axes[1, 0])
    conversion(converted, ax=axes[1, 1])
    for ax in axes.flat:
        within(ax)
    figure.suptitle(f"{modes.method}, waves from the {converted.side}", fontsize="medium")
