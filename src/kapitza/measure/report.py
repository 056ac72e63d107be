"""A fit in words: numbers with their total errors, bounds, where the errors come from, and what should worry."""

import numpy as np

from kapitza.measure.fit import Fit, told


def report(fit: Fit) -> str:
    """Text of a fit: values, bounds, budget of errors, quality, and a word where minima differ.

    Parameters
    ----------
    fit : to be told

    Returns
    -------
    lines of text, SI
    """
    return "\n".join([*_quality(fit), "", *_values(fit), "", *_budget(fit), *_minima(fit)])


def _quality(fit: Fit) -> list[str]:
    lines = [f"{fit.problem.rows} points, {len(fit.names)} parameters, chi2 = {fit.chi2:.4g} for {fit.freedom:.4g}"]
    for sample, sigma in zip(fit.problem.samples, fit.problem.sigma, strict=True):
        curve = sample.curve
        size = float(np.median(sigma / np.abs(curve.value))) if (curve.value != 0).all() else float(np.median(sigma))
        how = "scatter" if curve.sigma is None else "stated uncertainty"
        lines.append(f"  {sample.experiment.name}: {curve.value.size} points of {curve.kind}, {how} {size:.2%}")
    if all(s.curve.sigma is not None for s in fit.problem.samples) and _poor(fit):
        lines.append("  chi2 is far from its expectation: the model or the stated uncertainties do not hold")
    return lines


def _poor(fit: Fit) -> bool:
    from scipy.special import chdtr, chdtrc

    if fit.freedom <= 0:
        return False
    return bool(min(chdtr(fit.freedom, fit.chi2), chdtrc(fit.freedom, fit.chi2)) < 1e-3)


def _values(fit: Fit) -> list[str]:
    width = max(len(name) for name in fit.names)
    lines: list[str] = []
    for parameter, value, sigma in zip(fit.problem.parameters, fit.value, fit.sigma, strict=True):
        name, unit = parameter.name, parameter.label
        if name in fit.bounds:
            lines.append(f"{name:<{width}}  {told(fit.bounds[name], unit)}; not determined by the data")
            continue
        share = f"  ({abs(sigma / value):.2%})" if parameter.unit is None else ""
        kind = "  uncertain" if parameter.known else ""
        lines.append(f"{name:<{width}}  {value:.5g} ± {sigma:.2g} {unit}".rstrip() + share + kind)
    return lines


def _budget(fit: Fit) -> list[str]:
    budget = fit.budget()
    lines = ["share of the variance, %"]
    for name in budget.names:
        if name not in fit.bounds:
            parts = [f"{source} {100 * share:.1f}" for source, share in budget.of(name).items()]
            lines.append(f"  {name}: " + ", ".join(parts))
    return lines if len(lines) > 1 else []


def _minima(fit: Fit) -> list[str]:
    if len(fit.minima) < 2:
        return []
    lines = ["", f"{len(fit.minima)} minima were found; the lowest is taken:"]
    for minimum in fit.minima:
        values = fit.problem.values(minimum.x)
        free = [f"{p.name} = {v:.4g}" for p, v in zip(fit.problem.parameters, values, strict=True) if not p.known]
        lines.append(f"  chi2 = {minimum.chi2:.5g} from {minimum.hits} starts: " + ", ".join(free))
    return lines
