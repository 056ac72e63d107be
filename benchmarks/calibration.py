"""Left-out test of the calibrated estimate, and its refit.

Usage: python benchmarks/calibration.py [--refit] [--ways pair+sources kin later pair source material]
       [--priors same] [--values FILE.csv] [--figure FILE.png]

Nested: all scales are fitted anew inside each fold, from the same priors.  Six ways to leave out: a contact and all
sources that measured it; the contact in every polytype and as a glass, and all that the laboratories which measured it
ever published ("kin"); a contact and all that was published in the year of its first value or later ("later"); a
contact; a source; a material.  Each row is estimated twice: told how it was made and measured, and told nothing but the
two names and the temperature, as `kapitza predict` is.  `--priors same` gives all amplitudes one wide prior in place of
those of the package.  `--refit` first writes the state that the package holds.
"""

import argparse
import csv
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from attrs import evolve
from calibration_training import PACKAGE_PRIOR, SAME_PRIOR, Prior, fit_scales, refit, training_rows, write_state

from kapitza.measure.calibration import estimate as calibration_estimate
from kapitza.measure.calibration.estimate import LABORATORY_NOISE, is_learnt
from kapitza.measure.calibration.process import UNKNOWN, Rows, predict_open_rows, predict_rows
from kapitza.measure.catalogue import load_catalogue
from kapitza.units import MW

STATE = Path(calibration_estimate.__file__).parents[1] / "data" / "calibration.json"
WAYS = ("pair+sources", "kin", "later", "pair", "source", "material")
QUANTILE = 1.96
GROUPS = ("on diamond", "on oxides and salts", "metals on other solids", "other nonmetals")


# Papers of one laboratory, by a name in the citation; every other source is a laboratory of its own
LABORATORIES: Mapping[str, str] = {
    "Virginia": "Hopkins|Norris|Duda|Stevens|Gaskins|Cheaito|Donovan|Szwejkowski|Gorham|Y. R. Koh|Marshall",
    "Illinois": "Cahill",
    "NIMS": r"Y. Xu|R. Kato|T. Zhan|Y.-J. Wu|Jpn. J. Appl. Phys. 50, 106602|M. Goto",
    "EPFL": "Monachon",
    "MIT": "Minnich|Schmidt|Collins|Ziade",
    "Duisburg": "Hanisch|Krenzer|Witte",
    "Rensselaer": "O'Brien|P. K. Chow",
    "Georgia Tech and Tokyo": "Z. Cheng|F. Mu|B. Xu|R. Guo|L. Yates|D. Vaca",
    "Carnegie Mellon": "Malen|HT2013-17116",
}
FORMS = {"3C-SiC": "SiC", "4H-SiC": "SiC", "6H-SiC": "SiC", "a-Al2O3": "Al2O3", "a-SiO2": "SiO2", "a-Si": "Si"}


def folds(rows: Rows, way: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices that are tested, and that are learnt from."""
    if way == "later":
        yield from later_folds(rows)
        return
    labels = {"source": rows.source, "kin": families(rows)}.get(way, rows.contact)
    names = np.unique(np.concatenate([rows.left, rows.right])) if way == "material" else np.unique(labels)
    makers = {"pair+sources": rows.source, "kin": laboratories(rows)}.get(way)
    for name in names:
        tested = (rows.left == name) | (rows.right == name) if way == "material" else labels == name
        away = tested if makers is None else tested | np.isin(makers, makers[tested])
        yield np.flatnonzero(tested), np.flatnonzero(~away)


def later_folds(rows: Rows, first: int = 2008) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Contacts of which a year brought the first values, and all values of the years before."""
    cited = {one.doi: one.citation for one in load_catalogue()}
    years = np.array([int(re.findall(r"(?:19|20)\d\d(?=\D|$)", cited[doi])[-1]) for doi in rows.source])
    begun = {name: years[rows.contact == name].min() for name in np.unique(rows.contact)}
    started = np.array([begun[name] for name in rows.contact])
    for year in range(first, years.max() + 1):
        if (tested := (started == year) & (years == year)).any():
            yield np.flatnonzero(tested), np.flatnonzero(years < year)


def laboratories(rows: Rows) -> np.ndarray:
    """Laboratory of each row; the source where it is the only one of its laboratory."""
    cited = {one.doi: one.citation for one in load_catalogue()}
    known = {doi: [lab for lab, who in LABORATORIES.items() if re.search(who, text)] for doi, text in cited.items()}
    return np.array([(known[doi] or [doi])[0] for doi in rows.source])


def families(rows: Rows) -> np.ndarray:
    """Both sides of each row, whatever their polytype and whether crystal or glass."""
    sides = zip(rows.left, rows.right, strict=True)
    return np.array(["/".join(sorted(FORMS.get(name, name) for name in pair)) for pair in sides])


def blank(rows: Rows) -> Rows:
    """The same contacts with nothing told of how they were made and measured."""
    unknown = np.full(rows.residual.size, UNKNOWN)
    return evolve(rows, preparation=unknown, film=unknown, method=unknown, bond=np.zeros(unknown.size))


def leave_out(rows: Rows, way: str, prior: Prior = PACKAGE_PRIOR) -> dict[str, np.ndarray]:
    """Errors of ln G and their standard deviations where each row was left out; by material each twice."""
    errors: list[tuple[int, float, float, float, float]] = []
    alike: dict[bytes, tuple[list[np.ndarray], np.ndarray]] = {}  # folds that learn from the same rows are fitted once
    for tested, learnt in folds(rows, way):
        alike.setdefault(learnt.tobytes(), ([], learnt))[0].append(tested)
    for parts, learnt in alike.values():
        tested = np.concatenate(parts)
        scales, known = fit_scales(rows.take(learnt), prior)
        held = rows.take(tested)
        mean, spread, _ = predict_rows(scales, known, held)
        bare, wide, _ = predict_open_rows(scales, known, blank(held))
        spread, wide = np.maximum(spread, LABORATORY_NOISE), np.maximum(wide, LABORATORY_NOISE)
        errors += zip(tested, held.residual - mean, spread, held.residual - bare, wide, strict=True)
    index, *found = map(np.array, zip(*errors, strict=True))
    return {"row": index.astype(int)} | dict(zip(("error", "spread", "bare_error", "bare_spread"), found, strict=True))


def untold(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same test of estimates that were told nothing of preparation and method."""
    return {"row": found["row"], "error": found["bare_error"], "spread": found["bare_spread"]}


def summary(rows: Rows, found: dict[str, np.ndarray]) -> str:
    """Cells of the table for one way."""
    size, inside = np.abs(found["error"]), np.abs(found["error"] / found["spread"]) < QUANTILE
    contacts = rows.contact[found["row"]]
    each = np.array([np.median(size[contacts == name]) for name in np.unique(contacts)])
    width = np.exp(QUANTILE * np.median(found["spread"]))
    return (
        f"{np.exp(np.median(size)):.2f} | {np.mean(size < np.log(2)):.0%} | {np.mean(inside):.1%} | {width:.2g} "
        f"| {np.exp(np.median(each)):.2f}"
    )


def material_table(rows: Rows, found: dict[str, np.ndarray], least: int = 10) -> str:
    """Coverage and median factor by material, told and not told of preparation and method, the worst first."""
    left, right = rows.left[found["row"]], rows.right[found["row"]]
    cells = []
    for name in np.unique(np.concatenate([left, right])):
        of = (left == name) | (right == name)
        if of.sum() >= least:
            told, bare = (material_cells(one, of) for one in (found, untold(found)))
            cells.append((min(told[0], bare[0]), name, of.sum(), *told, *bare))
    head = "| material | values | in the 95 % interval | median factor | the same, nothing told | |"
    return (
        head
        + "\n|---|---|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | {count} | {inside:.0%} | {factor:.2f} | {bare_inside:.0%} | {bare_factor:.2f} |"
            for _, name, count, inside, factor, bare_inside, bare_factor in sorted(cells)
        )
    )


def material_cells(found: dict[str, np.ndarray], of: np.ndarray) -> tuple[float, float]:
    """Coverage and median factor of some of the rows."""
    inside = np.abs(found["error"][of] / found["spread"][of]) < QUANTILE
    return float(np.mean(inside)), float(np.exp(np.median(np.abs(found["error"][of]))))


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
    parser.add_argument("--priors", choices=("package", "same"), default="package")
    parser.add_argument("--figure", type=Path, help="figure of the first way's left-out values")
    parser.add_argument("--values", type=Path, help="table of the first way's left-out values")
    options = parser.parse_args()
    if options.refit:
        STATE.write_text(write_state(refit(load_catalogue())), encoding="utf-8")
        print(f"{STATE.name}: {STATE.stat().st_size / 1e3:.0f} kB")
    prior = SAME_PRIOR if options.priors == "same" else PACKAGE_PRIOR
    rows = training_rows(load_catalogue())
    count = (rows.residual.size, np.unique(rows.contact).size, np.unique(rows.source).size)
    print("{} values of {} contacts and {} sources\n".format(*count))
    print("| left out | told | median factor | within a factor 2 | in the 95 % interval | ×/÷ | by contact |")
    print("|---|---|---|---|---|---|---|")
    results, start = {}, time.perf_counter()
    for way in options.ways:
        results[way] = leave_out(rows, way, prior)
        print(f"| {way} | all | {summary(rows, results[way])} |")
        print(f"| {way} | names | {summary(rows, untold(results[way]))} |", flush=True)
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
