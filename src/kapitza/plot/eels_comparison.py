"""Figures of measured modes beside computed ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot.style import LINE_COLOURS, line_style
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.eels.comparison.occupations import OccupationComparison


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
