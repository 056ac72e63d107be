"""Several spots of one sample: their curves, the residuals of each, and the mean and spread of what was fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.core.parameter_units import shown_unit
from kapitza.measure.judgement import judge_fit
from kapitza.plot.fits import (
    draw_curve,
    draw_residuals,
    experiment_axis,
    finish_residuals,
    plain_name,
    residual_factors,
    signal_label,
)
from kapitza.plot.style import LINE_COLOURS, POINT_MARKERS, point_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.measure.fit_result import Fit
    from kapitza.measure.thermoreflectance.repeats import RepeatedNumber

_CURVES_HEIGHT, _STRIP_HEIGHT = 3.0, 0.75  # inches
_LEAST_HEIGHT = 2.2  # inches, of what is drawn of one number
_WIDTHS = (2.4, 1.0)


def fitted_spots(fits: Sequence[Fit], numbers: Sequence[RepeatedNumber], figure: Figure) -> tuple[Axes, ...]:
    """Draw the curves of all spots in one panel of each kind, the residuals of each spot below, and at the side each
    number on every spot with its mean (band: one standard uncertainty) and spread (dashed).

    Parameters
    ----------
    fits : of each spot
    numbers : their means and spreads, by `combine_repeats`; may be none
    figure : empty; its height grows with the number of spots

    Returns
    -------
    axes of the curves of each kind, of the residuals of each spot, and of the numbers
    """
    kinds: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for k, one in enumerate(fits):
        for i, sample in enumerate(one.problem.samples):
            if k == 0 or sample.curve is not fits[0].problem.samples[i].curve:  # the same for all but what was repeated
                kinds.setdefault((experiment_axis(sample.experiment)[0], signal_label(sample)), []).append((k, i))
    heights = [height for members in kinds.values() for height in _heights(members)]
    figure.set_figheight(max(sum(heights), _LEAST_HEIGHT * len(numbers)) + 0.5 + 0.25 * len(numbers))
    parts: Any = figure.subfigures(1, 2, width_ratios=_WIDTHS) if numbers else (figure, None)
    left, right = parts
    grid = left.add_gridspec(len(heights), 1, height_ratios=heights)
    made: list[Axes] = []
    row = 0
    for members in kinds.values():
        upper = left.add_subplot(grid[row])
        strips = [left.add_subplot(grid[row + 1 + n], sharex=upper) for n in range(len(_heights(members)) - 1)]
        _draw_kind(fits, members, upper, strips)
        made += [upper, *strips]
        row += 1 + len(strips)
    lines = [
        f"{plain_name(one.name)}: {one.mean_in_words()}, spread {one.spread_in_words(one.spread)} "
        f"(95 %: {' to '.join(map(one.spread_in_words, one.spread_interval))})"
        for one in numbers
    ] or ["no number that all spots determine"]
    made[0].set_title("\n".join(lines), fontsize="medium", loc="left")
    if right is not None:
        for ax, one in zip(np.atleast_1d(right.subplots(len(numbers), 1)).tolist(), numbers, strict=True):
            _draw_number(one, ax)
            made.append(ax)
    return tuple(made)


def _heights(members: Sequence[tuple[int, int]]) -> list[float]:
    return [_CURVES_HEIGHT, *[_STRIP_HEIGHT] * len({k for k, _ in members})]


def _draw_kind(fits: Sequence[Fit], members: Sequence[tuple[int, int]], upper: Axes, strips: Sequence[Axes]) -> None:
    spots = sorted({k for k, _ in members})
    for k, strip in zip(spots, strips, strict=True):
        colour, factors = LINE_COLOURS[k % len(LINE_COLOURS)], residual_factors(fits[k])
        verdict = judge_fit(fits[k])
        words = f"spot {k + 1}" + ("" if verdict.verdict == "consistent" else f": {verdict.verdict}")
        held = [i for of, i in members if of == k]
        for i in held:
            mark = POINT_MARKERS[k % len(POINT_MARKERS)]
            labels = (words if i == held[0] else "_", "_")
            draw_curve(fits[k], i, upper, line=colour, points=colour, mark=mark, labels=labels)
            draw_residuals(fits[k], i, strip, colour=colour, factor=factors[i])
        finish_residuals(strip, [verdict.curves[i] for i in held if factors[i] != 1])
        strip.set(ylabel="")
        unit = "expected σ" if any(factors[i] != 1 for i in held) else "σ"
        room = 1.6 * max(2.0, *np.abs(strip.get_ylim()))  # for the words above the points
        strip.set_ylim(-room / 1.3, room)
        strip.text(0.01, 0.94, f"{words}, residual ({unit})", transform=strip.transAxes, va="top", fontsize="x-small")
    upper.legend(frameon=False, fontsize="small")
    for ax in (upper, *strips[:-1]):
        ax.tick_params(labelbottom=False)
        ax.set(xlabel="")


def _draw_number(one: RepeatedNumber, ax: Axes) -> None:
    """Draw a number on each spot, with the error that it does not share with others, its mean and its spread."""
    unit, size, _ = shown_unit(one.name)
    for k, (value, sigma) in enumerate(zip(one.each.tolist(), one.each_sigma.tolist(), strict=True)):
        ax.errorbar(k + 1, value / size, sigma / size, **point_style(k), ms=4.5, capsize=2, mfc="white")
    ax.axhline(one.value / size, color="0.2", lw=1.2, label="mean")
    low, high = (one.value - one.sigma) / size, (one.value + one.sigma) / size
    ax.axhspan(low, high, color="0.5", alpha=0.2, lw=0, label="± of the mean")
    wide = one.spread * np.array([-1.0, 1.0])
    ends = one.value * np.exp(wide) if one.relative else one.value + wide
    for i, end in enumerate(ends.tolist() if one.spread > 0 else []):
        ax.axhline(end / size, color="0.4", lw=1.0, ls="--", label="spread" if i == 0 else "_")
    ax.set(xlabel="spot", ylabel=f"{plain_name(one.name)} ({unit})" if unit else plain_name(one.name))
    ax.set_xticks(range(1, one.each.size + 1))
    ax.set_xlim(0.5, one.each.size + 0.5)
    ax.legend(frameon=False, fontsize="x-small")
    ax.grid(alpha=0.3)
