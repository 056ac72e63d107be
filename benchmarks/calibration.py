"""Left-out test of the calibrated estimate, and its refit.

Usage: python benchmarks/calibration.py [--refit] [--ways pair+sources pair source material] [--values FILE.csv]
       [--figure FILE.png]

Nested: all scales are fitted anew inside each fold, from the same priors.  Four ways to leave out: a contact and all
sources that measured it; a contact; a source; a material.  `--refit` first writes the state that the package holds.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from attrs import evolve

from kapitza.measure.calibration import state as calibration_state
from kapitza.measure.calibration.estimate import LABORATORY_NOISE
from kapitza.measure.calibration.likelihood import fit_scales, refit
from kapitza.measure.calibration.process import Rows, predict_rows
from kapitza.measure.calibration.state import UNKNOWN, is_learnt, training_rows, write_state
from kapitza.measure.catalogue import load_catalogue
from kapitza.units import MW

STATE = Path(calibration_state.__file__).parents[1] / "data" / "calibration.json"
WAYS = ("pair+sources", "pair", "source", "material")
QUANTILE = 1.96
GROUPS = ("on diamond", "on oxides and salts", "metals on other solids", "other nonmetals")


def folds(rows: Rows, way: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices that are tested, and that are learnt from."""
    labels = rows.source if way == "source" else rows.contact
    names = np.unique(np.concatenate([rows.left, rows.right])) if way == "material" else np.unique(labels)
    for name in names:
        tested = (rows.left == name) | (rows.right == name) if way == "material" else labels == name
        away = tested | np.isin(rows.source, rows.source[tested]) if way == "pair+sources" else tested
        yield np.flatnonzero(tested), np.flatnonzero(~away)


def blank(rows: Rows) -> Rows:
    """The same contacts with nothing told of how they were made and measured."""
    same = {name: np.full(rows.residual.size, text) for name, text in (("preparation", UNKNOWN), ("film", UNKNOWN))}
    return evolve(rows, **same, method=np.full(rows.residual.size, "optical"), bond=np.zeros(rows.residual.size))


def leave_out(rows: Rows, way: str) -> dict[str, np.ndarray]:
    """Errors of ln G and their standard deviations where each row was left out; by material each twice."""
    errors: list[tuple[int, float, float, float]] = []
    for tested, learnt in folds(rows, way):
        scales, known = fit_scales(rows.take(learnt))
        held = rows.take(tested)
        mean, spread, _ = predict_rows(scales, known, held)
        bare = predict_rows(scales, known, blank(held))[0]
        spread = np.maximum(spread, LABORATORY_NOISE)
        errors += zip(tested, held.residual - mean, spread, held.residual - bare, strict=True)
    index, error, spread, bare_error = map(np.array, zip(*errors, strict=True))
    return {"row": index.astype(int), "error": error, "spread": spread, "bare": bare_error}


def summary(rows: Rows, found: dict[str, np.ndarray]) -> str:
    """Cells of the table for one way."""
    size, inside = np.abs(found["error"]), np.abs(found["error"] / found["spread"]) < QUANTILE
    contacts = rows.contact[found["row"]]
    each = np.array([np.median(size[contacts == name]) for name in np.unique(contacts)])
    width = np.exp(QUANTILE * np.median(found["spread"]))
    return (
        f"{np.exp(np.median(size)):.2f} | {np.mean(size < np.log(2)):.0%} | {np.mean(inside):.1%} | {width:.2g} "
        f"| {np.exp(np.median(each)):.2f} | {np.exp(np.median(np.abs(found['bare']))):.2f}"
    )


def material_table(rows: Rows, found: dict[str, np.ndarray], least: int = 10) -> str:
    """Coverage and median factor by material, the worst first."""
    left, right = rows.left[found["row"]], rows.right[found["row"]]
    lines = ["| material | values | in the 95 % interval | median factor |", "|---|---|---|---|"]
    cells = []
    for name in np.unique(np.concatenate([left, right])):
        of = (left == name) | (right == name)
        if of.sum() >= least:
            inside = np.mean(np.abs(found["error"][of] / found["spread"][of]) < QUANTILE)
            cells.append((inside, name, of.sum(), np.exp(np.median(np.abs(found["error"][of])))))
    lines += [f"| {name} | {count} | {inside:.0%} | {factor:.2f} |" for inside, name, count, factor in sorted(cells)]
    return "\n".join(lines)


def write_values(path: Path, rows: Rows, found: dict[str, np.ndarray]) -> None:
    """Measured and left-out ln G of each row, for figures."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["contact", "kelvin", "error", "spread", "source"])
        for k, error, spread in zip(found["row"], found["error"], found["spread"], strict=True):
            kelvin = 300 * np.exp(rows.temperature[k])
            table.writerow([rows.contact[k], f"{kelvin:.4g}", f"{error:.4f}", f"{spread:.4f}", rows.source[k]])


def draw(path: Path, rows: Rows, measured: np.ndarray, found: dict[str, np.ndarray]) -> None:
    """Left-out estimates against measured values (MW m⁻² K⁻¹), with the band of a factor 2."""
    figure, ax = plt.subplots(figsize=(6.6, 6.2), layout="constrained")
    value = measured[found["row"]]
    estimate = value * np.exp(-found["error"])
    ends = np.array([min(value.min(), estimate.min()) / 1.5, max(value.max(), estimate.max()) * 1.5])
    ax.fill_between(ends, ends / 2, ends * 2, color="0.9", lw=0, label="within a factor 2")
    ax.plot(ends, ends, "k-", lw=0.8)
    groups = [group_of(rows, k) for k in found["row"]]
    for colour, group in zip(("tab:blue", "tab:orange", "tab:green", "tab:red"), GROUPS, strict=True):
        of = np.array([one == group for one in groups])
        ax.plot(value[of], estimate[of], "o", ms=3.5, alpha=0.7, mew=0, color=colour, label=f"{group} ({of.sum()})")
    width = np.exp(QUANTILE * np.median(found["spread"]))
    middle = ends[1] / width / 1.5
    reach = np.array([[1 - 1 / width], [width - 1]]) * middle
    ax.errorbar([ends[0] * 1.6], [middle], reach, color="0.4", capsize=3, lw=1.2, label="typical 95 % interval")
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    ax.set(xlabel="measured conductance (MW m⁻² K⁻¹)", ylabel="estimate without contact and sources (MW m⁻² K⁻¹)")
    ax.grid(which="major", alpha=0.25)
    ax.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def group_of(rows: Rows, k: int) -> str:
    """One of four groups of contacts, by their classes."""
    classes = {str(rows.bonding_left[k]), str(rows.bonding_right[k])}
    if "diamond" in classes:
        return GROUPS[0]
    if classes & {"oxide", "glass", "salt"}:
        return GROUPS[1]
    return GROUPS[2] if any("metal" in one for one in classes) else GROUPS[3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refit", action="store_true", help="write the state of the package")
    parser.add_argument("--ways", nargs="*", default=WAYS, choices=WAYS)
    parser.add_argument("--figure", type=Path, help="figure of the first way's left-out values")
    parser.add_argument("--values", type=Path, help="table of the first way's left-out values")
    options = parser.parse_args()
    if options.refit:
        STATE.write_text(write_state(refit(load_catalogue())), encoding="utf-8")
        print(f"{STATE.name}: {STATE.stat().st_size / 1e3:.0f} kB")
    rows = training_rows(load_catalogue())
    count = (rows.residual.size, np.unique(rows.contact).size, np.unique(rows.source).size)
    print("{} values of {} contacts and {} sources\n".format(*count))
    print("| left out | median factor | within a factor 2 | in the 95 % interval | ×/÷ | by contact | nothing told |")
    print("|---|---|---|---|---|---|---|")
    results, start = {}, time.perf_counter()
    for way in options.ways:
        results[way] = leave_out(rows, way)
        print(f"| {way} | {summary(rows, results[way])} |", flush=True)
    if options.ways:
        first = results[options.ways[0]]
        print(f"\n{time.perf_counter() - start:.0f} s\n\n{material_table(rows, first)}")
        if options.figure:
            entries = [one for one in load_catalogue() if is_learnt(one)]
            measured = np.concatenate([one.conductance.value for one in entries]) / MW
            draw(options.figure, rows, measured, first)
        if options.values:
            write_values(options.values, rows, first)


if __name__ == "__main__":
    main()
