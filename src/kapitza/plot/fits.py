"""Fits: data and residuals, several spots, sensitivities, designs, uncertainty budget, contours, straight lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import format_parameter, interval_in_words, rounded_to_error, shown_unit, with_error
from kapitza.core.quantity_kinds import with_negative_powers
from kapitza.measure.fit_result import format_bound
from kapitza.measure.judgement import CurveQuality, is_parabolic, judge_fit
from kapitza.measure.problem import plain_residuals
from kapitza.measure.thermoreflectance.sstr import Raman
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.plot import style
from kapitza.units import um

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.core.profile import Jump, Profile
    from kapitza.measure.design import Design, Sensitivity
    from kapitza.measure.fit_result import ErrorBudget, Fit
    from kapitza.measure.likelihood import Contours
    from kapitza.measure.problem import DataSet
    from kapitza.measure.thermoreflectance.repeats import RepeatedNumber
    from kapitza.measure.thickness_series import ThicknessLine, ThicknessSeries

# what an experiment is measured against: label, factor to the unit of the label, logarithmic
_EXPERIMENT_AXES = {
    "delay": ("delay (ps)", 1e12, True),
    "frequency": ("frequency (Hz)", 1.0, True),
    "thickness": ("thickness (nm)", 1e9, False),
    "time": ("time (ns)", 1e9, True),
    "radius": ("radius (µm)", 1e6, True),
    "power": ("absorbed power (mW)", 1e3, False),
}
_SIGNAL_LABELS = {
    "ratio": "ratio −V_in/V_out",
    "in_phase": "in phase (V)",
    "out_of_phase": "out of phase (V)",
    "phase": "phase (°)",
    "amplitude": "amplitude (V)",
    "temperature": "temperature (K)",
    "response": "temperature per power (K/W)",
}
_QUANTITY_WORDS = {"in_plane": "in-plane conductivity", "in_plane_y": "in-plane conductivity along y"}

_MOST_LABELS = 12  # designs that are named
_PANEL = 4.6  # inches
_LINE_HEIGHT = 0.172  # inches
_LOGARITHMIC = 8.0  # times the smallest error: a largest one beyond that is shown on a logarithmic axis
_NEAR = 0.06  # share of their errors by which designs differ that have one label
_CURVES_HEIGHT, _STRIP_HEIGHT = 3.0, 0.75  # inches
_LEAST_HEIGHT = 2.2  # inches, of what is drawn of one number
_WIDTHS = (2.4, 1.0)


def experiment_axis(experiment: object) -> tuple[str, float, bool]:
    """Label, factor and scale of what an experiment varies."""
    return next((held for name, held in _EXPERIMENT_AXES.items() if hasattr(experiment, name)), ("point", 1.0, False))


def signal_factor(kind: str) -> float:
    """Factor from the unit of a signal to that of its label."""
    return 180 / np.pi if kind == "phase" else 1.0


def signal_label(sample: DataSet) -> str:
    """Name and unit of a signal; what a strip of the 3ω method gives is in kelvin."""
    kind = sample.curve.kind
    label = _SIGNAL_LABELS.get(kind, kind)
    if isinstance(sample.experiment, ThreeOmega):
        return label.replace("(V)", "(K)")
    return "response (K W⁻¹)" if isinstance(sample.experiment, Raman) else label


def fit(result: Fit, figure: Figure) -> tuple[tuple[Axes, Axes], ...]:
    """Draw data with the fitted curves, and below them the residuals in standard uncertainties, with bands of one and
    two of them: in those that instruments have where no uncertainty was stated and the points scatter by more.

    The title has the free numbers and, where model and data do not agree, the verdict.  Curves of other axes or signals
    go to panels of their own, for which the figure grows.

    Parameters
    ----------
    result : of `kapitza.measure.fit.fit`
    figure : empty; all axes are made in it

    Returns
    -------
    axes of the curves and of the residuals, for each panel
    """
    samples, factors, judged = result.problem.samples, residual_factors(result), judge_fit(result)
    groups: dict[tuple[str, str], list[int]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault((experiment_axis(sample.experiment)[0], signal_label(sample)), []).append(i)
    figure.set_figheight(figure.get_figheight() * len(groups))
    grid = figure.add_gridspec(2 * len(groups), 1, height_ratios=[3, 1] * len(groups))
    made: list[tuple[Axes, Axes]] = []
    for row, members in enumerate(groups.values()):
        upper = figure.add_subplot(grid[2 * row])
        lower = figure.add_subplot(grid[2 * row + 1], sharex=upper)
        for i in members:
            colour, mark = style.line_style(i)["color"], style.point_style(i)["fmt"]
            labels = tuple(f"{samples[i].experiment.name}, {what}" for what in ("data", "fit"))
            draw_curve(result, i, upper, line=colour, points="0.15", mark=mark, labels=labels)
            draw_residuals(result, i, lower, colour=colour, factor=factors[i])
        upper.legend(frameon=False, fontsize="small")
        upper.tick_params(labelbottom=False)
        finish_residuals(lower, [judged.curves[i] for i in members if factors[i] != 1])
        made.append((upper, lower))
    values = zip(result.problem.parameters, result.value.tolist(), result.sigma.tolist(), strict=True)
    lines = [_number_line(result, one.name, value, sigma) for one, value, sigma in values if not one.known]
    if judged.verdict == "misfit":
        lines.append("the model does not fit")
    elif judged.verdict == "doubtful":
        lines.append(judged.reasons[0].partition(" (")[0])
    lines += [f"question: {one.partition(': ')[0]}" for one in judged.questions]
    made[0][0].set_title("\n".join(lines), fontsize="medium", loc="left")
    return tuple(made)


def plain_name(name: str) -> str:
    """A number of a sample in words: "conductance of Al|Si" for "Al|Si.conductance"."""
    owner, _, quantity = name.rpartition(".")
    return f"{_QUANTITY_WORDS.get(quantity, quantity.replace('_', ' '))} of {owner}" if owner else name


def _number_line(result: Fit, name: str, value: float, sigma: float) -> str:
    """A free number with its error, its interval where that is not symmetric, or its bound."""
    words = plain_name(name)
    if name in result.bounds:
        return f"{words}: {format_bound(result.bounds[name], name)}"
    unit, size, _ = shown_unit(name)
    if is_parabolic(result, name):
        return f"{words}: ({with_error(value / size, sigma / size)}) {unit}"
    ends = interval_in_words(name, *result.interval(name, profiled=True))
    return f"{words}: {rounded_to_error(value / size, sigma / size)} {unit}, 95 %: {ends}"


def draw_curve(
    result: Fit, i: int, ax: Axes, *, line: str, points: str, mark: str, labels: tuple[str, ...]
) -> None:  # fmt: skip
    """Draw the data of one curve of a fit and the curve through them."""
    sample, sigma = result.problem.samples[i], result.problem.sigma[i]
    model = result.problem.prediction(i, result.solution.x)
    factor, scale = experiment_axis(sample.experiment)[1], signal_factor(sample.curve.kind)
    x = sample.curve.x * factor
    look: dict[str, Any] = {"fmt": mark, "ms": 3.5, "lw": 0.8, "color": points, "mfc": "white", "zorder": 3}
    ax.errorbar(x, sample.curve.value * scale, sigma * scale, **look, label=labels[0])
    ax.plot(x, model * scale, color=line, lw=1.6, label=labels[1], zorder=2)
    voltages = re.compile(r"(−?)V_(in|out)")
    label = voltages.sub(lambda v: rf"${'-' * len(v[1])}V_\mathrm{{{v[2]}}}$", signal_label(sample))
    style.finish(ax, ylabel=label, grid=True)


def draw_residuals(result: Fit, i: int, ax: Axes, *, colour: str, factor: float) -> None:
    """Draw the residuals of one curve of a fit, in standard uncertainties times a factor."""
    sample = result.problem.samples[i]
    label, unit, logarithmic = experiment_axis(sample.experiment)
    mark, x = style.point_style(i)["fmt"], sample.curve.x * unit
    residual = sample.curve.value - result.problem.prediction(i, result.solution.x)
    ax.plot(x, factor * residual / result.problem.sigma[i], mark, ms=3, color=colour, mfc="none")
    ax.set(xlabel=label)
    if logarithmic and (x > 0).all():
        ax.set_xscale("log")


def residual_factors(result: Fit) -> list[float]:
    """(m,) factors from the fitted scatter of each curve to the noise that was expected.

    1 where the uncertainty was stated, or the scatter is no larger than instruments have.  A larger one, which the fit
    takes for the uncertainty, would let the residuals of any misfit look like noise.
    """
    factors: list[float] = []
    for one, plain in zip(judge_fit(result).curves, plain_residuals(result.problem, result.solution.x), strict=True):
        size = one.scatter / (float(np.sqrt(np.mean(plain**2))) or 1.0)
        factors.append(size / one.usual if not one.stated and one.nearest > one.usual else 1.0)
    return factors


def finish_residuals(ax: Axes, beyond: Sequence[CurveQuality]) -> None:
    """Draw bands of one and two uncertainties, and say which curves scatter beyond what was expected."""
    for band in (2, 1):
        ax.axhspan(-band, band, color="0.5", alpha=0.15, lw=0, zorder=0)
    ax.axhline(0, color="0.5", lw=0.8)
    ax.set(ylabel="residual\n(expected σ)" if beyond else "residual (σ)")
    if beyond:
        words = [f"{c.experiment}: {c.in_words(c.nearest)} off, σ = {c.in_words(c.usual)} expected" for c in beyond]
        ax.set_title("\n".join(words), fontsize="small", loc="right", pad=2)
    ax.grid(alpha=0.3)


def sensitivity(found: Sensitivity, x: Array, label: str, *, logarithmic: bool, ax: Axes | None = None) -> Axes:
    """Draw sensitivities against what was varied; numbers that hardly matter are left out.

    Parameters
    ----------
    found : of `kapitza.measure.design.sensitivity`
    x : (n,) in the unit of the label
    label : of the x axis
    """
    ax = style.new_axes() if ax is None else ax
    size = np.abs(found.value).max(axis=1)
    order = [i for i in np.argsort(-size) if size[i] > 0.01 * size.max()][: len(style.LINE_COLOURS)]
    for rank, i in enumerate(order):
        ax.plot(x, found.value[i], **style.line_style(rank), label=found.names[i])
    ax.axhline(0, color="0.5", lw=0.8)
    name = "∂φ/∂ln p (rad)" if found.kind == "phase" else "∂ln f/∂ln p"
    ax.set(xscale="log" if logarithmic else "linear")
    return style.finish(ax, label, f"sensitivity {name}", legend="beside", grid=True)


def design_front(ranked: Sequence[Design], names: Sequence[str], figure: Figure) -> tuple[Axes, ...]:
    """Draw the errors of each pair of numbers that designs would give, those of the Pareto front numbered; of one
    number, the errors of the best designs.  A table below says which settings each number stands for.

    Parameters
    ----------
    ranked : of `kapitza.design`
    names : of the numbers that are to be measured
    figure : empty; its size goes with the panels and the designs that are named

    Returns
    -------
    axes of each pair of numbers, or of the one number
    """
    front = [one for one in ranked if one.pareto] if len(names) > 1 else list(ranked)
    named = front[:_MOST_LABELS]
    pairs = list(combinations(names, 2))
    height = _LINE_HEIGHT * (len(named) + 1.5)
    panels = max(1, min(len(pairs), 3))
    rows = -(-max(len(pairs), 1) // panels)
    figure.set_size_inches(max(7.6, _PANEL * panels), 3.8 * rows + height)
    parts: Any = figure.subfigures(2, 1, height_ratios=[3.8 * rows, height])
    upper, lower = parts
    axes = upper.subplots(rows, panels, squeeze=False).ravel().tolist()
    for ax in axes[max(len(pairs), 1) :]:
        ax.set_visible(False)
    if pairs:
        for ax, pair in zip(axes, pairs, strict=False):
            _draw_pair(ranked, front, named, pair, ax)
    else:
        errors = [100 * one.sigma[names[0]] for one in ranked]
        axes[0].plot(range(1, len(errors) + 1), errors, "o-", color="0.6", ms=4, lw=0.8)
        axes[0].plot(range(1, len(named) + 1), errors[: len(named)], "o", color=style.LINE_COLOURS[1], ms=5)
        label = f"error of the {plain_name(names[0])} (%)"
        axes[0].set(xlabel="settings, the best first", ylabel=label, ylim=(0, None))
        axes[0].grid(alpha=0.3)
    lines = [
        f"{i}:  " + ",  ".join(f"{name} = {format_parameter(name, value)}" for name, value in one.settings.items())
        for i, one in enumerate(named, 1)
    ]
    more = [f"and {len(front) - len(named)} more"] if len(front) > len(named) else []
    lower.text(0.02, 0.98, "\n".join([*lines, *more]), va="top", fontsize="small")
    return tuple(axes[: max(len(pairs), 1)])


def _draw_pair(
    ranked: Sequence[Design], front: Sequence[Design], named: Sequence[Design], pair: tuple[str, str], ax: Axes
) -> None:
    one, other = pair
    rest = [design for design in ranked if not design.pareto]
    ax.plot(
        [100 * design.sigma[one] for design in rest], [100 * design.sigma[other] for design in rest], "o", ms=4,
        color="0.7", mfc="none", label="beaten in all numbers", zorder=1,
    )  # fmt: skip
    ordered = sorted(front, key=lambda design: design.sigma[one])
    x, y = ([100 * design.sigma[name] for design in ordered] for name in pair)
    line = "o-" if len(front[0].sigma) == 2 else "o"  # a front of more numbers is no line
    ax.plot(x, y, line, color=style.LINE_COLOURS[1], ms=5, lw=1.0, label="Pareto front", zorder=2)
    labels: list[tuple[tuple[float, float], str]] = []  # one for designs that lie on each other
    for i, design in enumerate(named, 1):
        at = 100 * design.sigma[one], 100 * design.sigma[other]
        same = [
            k
            for k, (place, _) in enumerate(labels)
            if all(abs(a / b - 1) < _NEAR for a, b in zip(at, place, strict=True))
        ]
        if same:
            labels[same[0]] = labels[same[0]][0], f"{labels[same[0]][1]}, {i}"
        else:
            labels.append((at, str(i)))
    for at, words in labels:
        ax.annotate(words, at, xytext=(5, 4), textcoords="offset points", fontsize="small")
    for axis, name in (("x", one), ("y", other)):
        errors = [100 * design.sigma[name] for design in ranked]
        if max(errors) > _LOGARITHMIC * min(errors):
            style.make_logarithmic(ax, "x" if axis == "x" else "y", min(errors) / 1.4, max(errors) * 1.4)
    ax.set(xlabel=f"error of the {plain_name(one)} (%)", ylabel=f"error of the {plain_name(other)} (%)")
    style.finish(ax, legend="small", grid=True)


def uncertainty_budget(found: ErrorBudget, ax: Axes | None = None) -> Axes:
    """Draw the share of the data and of each uncertain number in the variance of each free one."""
    ax = style.new_axes() if ax is None else ax
    left = np.zeros(len(found.names))
    for i, source in enumerate(found.sources):
        share = 100 * found.share[:, i]
        colour = style.line_style(i)["color"]
        ax.barh(range(len(found.names)), share, left=left, color=colour, label=source, height=0.6)
        left += share
    ax.set(xlabel="share of the variance (%)", xlim=(0, 100))
    ax.set_yticks(range(len(found.names)), found.names)
    ax.invert_yaxis()
    return style.finish(ax, legend="beside")


def likelihood(found: Contours, ax: Axes | None = None) -> Axes:
    """Draw contours of 68, 95 and 99.7 % confidence of two parameters.

    Examples
    --------
    >>> from kapitza import Prior, plot
    >>> from kapitza.examples import fitted_film
    >>> found = fitted_film(priors={"Al.thickness": Prior.relative(0.03)})
    >>> axes = plot.likelihood(found.contours("Al|Si.conductance", "Al.thickness", points=5))
    >>> print(axes.get_xlabel())
    Al|Si.conductance (MW m⁻² K⁻¹)
    """
    from scipy.interpolate import RectBivariateSpline

    ax = style.new_axes() if ax is None else ax
    levels = [2.2957, 5.9915, 11.618]  # quantiles of chi2 with two degrees of freedom
    x, y, rise = found.first, found.second, found.delta_chi2
    cut = not ((np.diff(x) > 0).all() and (np.diff(y) > 0).all())  # a grid that a limit cuts off is drawn as it is
    if not cut and min(rise.shape) >= 4:
        fine = [np.linspace(axis[0], axis[-1], 10 * axis.size) for axis in (x, y)]
        (x, y), rise = fine, RectBivariateSpline(x, y, rise)(*fine)
    labels: list[str] = []
    sizes: list[float] = []
    for name, values in zip(found.names, (found.first, found.second), strict=True):
        unit, size, _ = shown_unit(name)
        if unit == "nm" and values.max() >= um:  # long lengths are in µm
            unit, size = "µm", um
        labels.append(f"{name} ({with_negative_powers(unit)})" if unit else name)
        sizes.append(size)
    lines = ax.contour(x / sizes[0], y / sizes[1], rise.T, levels=levels, colors=style.LINE_COLOURS[:3])
    ax.clabel(lines, fmt=dict(zip(levels, ("68 %", "95 %", "99.7 %"), strict=True)), fontsize="small")
    return style.finish(ax, labels[0], labels[1], grid=True)


def thickness_series(data: ThicknessSeries, line: ThicknessLine, ax: Axes | None = None) -> Axes:
    """Draw resistances against thickness with the line and its 95 % band."""
    ax = style.new_axes() if ax is None else ax
    x = np.linspace(0, 1.05 * data.thickness.max(), 200)
    slope = 1 / line.conductivity
    to_slope = np.diag([1.0, -(slope**2)])
    covariance = to_slope @ line.covariance @ to_slope
    design = np.stack([np.ones_like(x), x])
    band = 1.96 * np.sqrt(np.einsum("in,ij,jn->n", design, covariance, design))
    centre = line.resistance + slope * x
    ax.fill_between(x * 1e9, (centre - band) * 1e9, (centre + band) * 1e9, color=style.LINE_COLOURS[0], alpha=0.2, lw=0)
    ax.plot(x * 1e9, centre * 1e9, color=style.LINE_COLOURS[0], label=f"k = {line.conductivity:.3g} W m⁻¹ K⁻¹")
    errors = [None if sigma is None else sigma * 1e9 for sigma in (data.resistance_sigma, data.thickness_sigma)]
    ax.errorbar(data.thickness * 1e9, data.resistance * 1e9, *errors, fmt="o", color="k", ms=4, capsize=2)
    ax.axhline(0, color="0.5", lw=0.8)
    return style.finish(ax, "thickness (nm)", "resistance (m² K GW⁻¹)", xlim=(0, None), legend="inside", grid=True)


def profile_jump(data: Profile, found: Jump, skip: float, ax: Axes | None = None) -> Axes:
    """Draw a profile with both branches extrapolated to the plane; points left out are hollow."""
    ax = style.new_axes() if ax is None else ax
    x = (data.position - found.at) * 1e9
    used = np.abs(data.position - found.at) >= skip
    for mask, face in ((used, "k"), (~used, "none")):
        error = None if data.sigma is None else data.sigma[mask]
        ax.errorbar(x[mask], data.temperature[mask], error, fmt="o", color="k", mfc=face, ms=4, lw=0.8, zorder=1)
    branches = ((found.jump / 2, found.gradient_left, x.min()), (-found.jump / 2, found.gradient_right, x.max()))
    for colour, (offset, gradient, end) in zip(style.LINE_COLOURS, branches, strict=False):
        ends = np.sort([0.0, float(end)])
        heights = found.temperature + offset + gradient * ends * 1e-9
        ax.plot(ends, heights, color=colour, lw=1.6, zorder=2)
    ax.axvline(0, color="0.5", lw=0.8, ls=":")
    ax.set_title(f"jump {with_error(found.jump, found.sigma)} K")
    return style.finish(ax, "distance from the interface (nm)", "temperature (K)", grid=True)


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
        colour, factors = style.line_style(k)["color"], residual_factors(fits[k])
        verdict = judge_fit(fits[k])
        words = f"spot {k + 1}" + ("" if verdict.verdict == "consistent" else f": {verdict.verdict}")
        held = [i for of, i in members if of == k]
        for i in held:
            mark = style.point_style(k)["fmt"]
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
        ax.errorbar(k + 1, value / size, sigma / size, **style.point_style(k), ms=4.5, capsize=2, mfc="white")
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
