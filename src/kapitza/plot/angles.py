"""Transmission against the direction of incidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.core.modal import ModalTransmission
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.plot.style import COLOURS, DASHES, beside, new_axes
from kapitza.theory.angles import AngleMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BRANCHES = {1: ("L",), 3: ("L", "SV", "SH")}
DEGREE = np.pi / 180
TURNS = 73  # copies of a table of one azimuth


def angles(result: AngleMap, *, branches: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the probability to cross against the angle of incidence, a line for each incoming branch.

    It is summed over the outgoing branches.  Triangles below the axis mark the critical angles, beyond which an
    outgoing branch is evanescent.

    Parameters
    ----------
    branches : names of the incoming branches; L, SV, SH (isotropic), or numbers where there are others, if None
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        for names that are not as many as the branches
    MissingEngine
        without matplotlib, if ax is None
    """
    count = result.transmission.shape[1]
    names = tuple(branches or BRANCHES.get(count, tuple(map(str, range(count)))))
    if len(names) != count:
        raise InputError(f"got {len(names)} names for {count} branches")
    ax = new_axes() if ax is None else ax
    for i, name in enumerate(names):
        colour = COLOURS[i % len(COLOURS)]
        ax.plot(
            result.angle / DEGREE,
            result.transmission[:, i].sum(axis=1),
            color=colour,
            linestyle=DASHES[i % len(DASHES)],
            linewidth=1.9,
            label=f"{name} arrives",
        )
        critical = result.critical[i][result.critical[i] < np.pi / 2 * (1 - 1e-9)]
        ax.plot(critical / DEGREE, np.full(critical.size, -0.025), "^", color=colour, markersize=6, clip_on=False)
    ax.plot([], [], "^", color="0.4", label="critical angles")
    ax.set(xlabel="angle of incidence (degrees)", ylabel="probability to cross", xlim=(0, 90), ylim=(-0.05, 1.03))
    ax.set_title(result.method, fontsize="medium")
    beside(ax)
    return ax


def angle_map(result: ModalTransmission, *, side: Side = "left", branch: int = 0, ax: Axes | None = None) -> Axes:
    """Draw the probability to cross over all directions of incidence of one branch: a disc from normal to grazing.

    The distance from the centre is the angle between wave vector and normal.  Azimuths that symmetry makes equal are
    missing in the table, and so in the figure; a table of one azimuth alone, as for isotropic sides, is turned round.

    Parameters
    ----------
    result : waves at one frequency, or at several that behave alike
    side, branch : which waves are shown
    ax : where to draw; a new figure if None

    Raises
    ------
    InputError
        if there are fewer than three such waves in the table
    MissingEngine
        without matplotlib, if ax is None
    """
    chosen = result.select(side, branch)
    if chosen.omega.size < 3:
        raise InputError(f"{result.method} has {chosen.omega.size} waves of branch {branch} from the {side}, wanted 3")
    ax = new_axes(width=5.4, height=4.4) if ax is None else ax
    angle, azimuth, crossing = chosen.angle / DEGREE, chosen.azimuth, chosen.transmission
    if np.ptp(azimuth) < 1e-9:
        turns = np.linspace(-np.pi, np.pi, TURNS)
        angle, crossing = (np.tile(values, TURNS) for values in (angle, crossing))
        azimuth = np.repeat(turns, chosen.omega.size)
    x, y = angle * np.cos(azimuth), angle * np.sin(azimuth)
    surface = ax.tripcolor(x, y, crossing, cmap="viridis", vmin=0, vmax=1, shading="gouraud", rasterized=True)
    ax.figure.colorbar(surface, ax=ax, label="probability to cross")
    ax.set(xlabel="angle of incidence along x (degrees)", ylabel="along y (degrees)", aspect="equal")
    ax.set_title(f"{result.method}, branch {branch} from the {side}", fontsize="medium")
    return ax
