"""Figures of measured modes beside computed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot.style import LINE_COLOURS, legend_beside, line_style, new_axes
from kapitza.theory.agf.mode_classes import MODE_CLASSES
from kapitza.units import hbar, meV, nm

_ENERGIES = 400  # of a density of states
_LINE_SHARE = 0.01  # of the highest energy: standard deviation of a line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.eels.comparison import OccupationComparison
    from kapitza.theory.agf.mode_classes import ModeClasses


def occupation_comparison(found: Mapping[str, OccupationComparison], figure: Figure) -> tuple[Axes, ...]:
    """Draw measured mode temperatures with errors, one panel for each mode, and what each other record says."""
    first = next(iter(found.values()))
    axes = np.atleast_1d(figure.subplots(len(first.modes), 1, sharex=True, squeeze=True))
    x = first.position / nm
    for j, ax in enumerate(axes):
        seen = np.isfinite(first.measured[:, j]) & (first.measured_sigma[:, j] < first.measured[:, j] / 2)
        ax.errorbar(
            x[seen], first.measured[seen, j], first.measured_sigma[seen, j], fmt="o", color="0.2", ms=3.5, lw=0.8,
            capsize=1.5, label="measured",
        )  # fmt: skip
        for i, (path, one) in enumerate(found.items()):
            if first.modes[j] not in one.modes:
                continue
            k = one.modes.index(first.modes[j])
            low, high = (one.expected[:, k] + side * one.expected_sigma[:, k] for side in (-1, 1))
            ax.plot(x, one.expected[:, k], **line_style(i), lw=1.6, label=f"{Path(path).stem}, {one.partners[k]}")
            ax.fill_between(x, low, high, color=LINE_COLOURS[i % len(LINE_COLOURS)], alpha=0.2, lw=0)
        ax.set(ylabel="temperature (K)")
        ax.set_title(f"{first.modes[j]}, {first.energy[j] / meV:.4g} meV", fontsize="medium")
        ax.legend(frameon=False, fontsize="small")
    axes[-1].set(xlabel="x (nm)")
    return tuple(axes)


def mode_classes(found: ModeClasses, *, peaks: Sequence[tuple[float, float]] = (), ax: Axes | None = None) -> Axes:
    """Draw the density of states on the interface, stacked by class, with peaks (energy, uncertainty; J) as bands."""
    ax = new_axes(width=6.8, height=4.0) if ax is None else ax
    top = float(found.omega.max())
    omega = np.linspace(0, 1.05 * top, _ENERGIES)
    density = found.interface_density(omega, _LINE_SHARE * top)
    states = density.T * (meV / hbar) * nm**2
    ax.stackplot(hbar * omega / meV, states, labels=MODE_CLASSES, colors=LINE_COLOURS[: len(states)], alpha=0.75)
    for energy, sigma in peaks:
        ax.axvspan((energy - sigma) / meV, (energy + sigma) / meV, color="0.3", alpha=0.25, lw=0)
        ax.axvline(energy / meV, color="0.2", lw=1.0, ls="--")
    ax.set(xlabel="energy (meV)", ylabel="states on the interface (nm⁻² meV⁻¹)", xlim=(0, None), ylim=(0, None))
    legend_beside(ax)
    return ax
