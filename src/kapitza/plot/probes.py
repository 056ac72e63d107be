"""Junctions whose phonons are scattered: conductance against temperature, and temperatures along the normal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot.style import LINE_COLOURS, LINE_DASHES, POINT_MARKERS
from kapitza.theory.agf.buttiker_probes import ProbedJunction
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
            ax.plot(
                temperature, value, label=name, color=LINE_COLOURS[i], linestyle=LINE_DASHES[i], marker=POINT_MARKERS[i]
            )
    ax.set(xlabel="temperature (K)", ylabel="conductance (MW m⁻² K⁻¹)", ylim=(0, None))
    ax.legend(frameon=False)
    return ax


def probed_profiles(found: Sequence[ProbedJunction], *, ax: Axes) -> Axes:
    """Draw the temperature of the layers along the normal, over the difference of the leads."""
    for i, one in enumerate(found):
        ax.plot(
            one.position / nm,
            one.profile,
            color=LINE_COLOURS[i % len(LINE_COLOURS)],
            marker=POINT_MARKERS[i % len(POINT_MARKERS)],
            markersize=3,
            label=f"{one.temperature:g} K",
        )
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set(xlabel="position along the normal (nm)", ylabel="temperature over that of the leads", ylim=(-0.5, 0.5))
    ax.legend(frameon=False)
    return ax


def probes_figure(found: Sequence[ProbedJunction], figure: Figure) -> None:
    """Draw both into a figure: conductances, and profiles of up to four temperatures."""
    left, right = figure.subplots(1, 2)
    probed_conductances(found, ax=left)
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), 4)).round().astype(int))
    probed_profiles([found[i] for i in chosen], ax=right)
