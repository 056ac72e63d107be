"""Makes docs/theory/screening.md and its figures: partners of four solids among the binaries of the Materials Project.

Usage: python docs/make_screening_page.py mp-binary-pbe-elasticity-2025.1.json.gz

The file is that of matcalc (https://github.com/materialsvirtuallab/matcalc, benchmark data), of which no number is
copied: the page shows conductances that follow from it.
"""

import sys
from pathlib import Path

import numpy as np

import kapitza
from kapitza.io import read_materials
from kapitza.plot.screening import screening_map, screening_matrix, screening_ranks
from kapitza.plot.style import new_figure
from kapitza.screen import MaterialTable, Ranking, Screening, combine_tables, filter_table, material_table, screen

DOCS = Path(__file__).resolve().parent
PARTNERS = ("diamond", "6H-SiC", "GaN", "Cu")
KELVIN = 300.0
FILTER = "no hydrides, no radioactive"
ROWS = 5


def one_of_each_formula(materials: MaterialTable) -> MaterialTable:
    """The polymorph of each formula that was entered first: that with the lowest number."""
    numbers = [int(name.rpartition("-")[2]) for name in materials.names]
    best: dict[str, int] = {}
    for i, formula in enumerate(materials.formulas):
        if formula not in best or numbers[i] < numbers[best[formula]]:
            best[formula] = i
    return materials.select(sorted(best.values()))


def cell(found: Screening, row: int) -> str:
    name = found.names[found.right[row]] if found.names[found.left[row]] in PARTNERS else found.names[found.left[row]]
    formula = found.formulas[found.names.index(name)]
    return f"{formula} ({name}) {found.conductance[row] / 1e6:.4g}"


def tables(materials: MaterialTable) -> list[str]:
    lines = []
    for order, title in (("high", "highest"), ("low", "lowest")):
        lines += [f"| {title} on | " + " | ".join(f"{rank}." for rank in range(1, ROWS + 1)) + " | in best 10 |"]
        lines += ["|---" * (ROWS + 2) + "|"]
        for partner in PARTNERS:
            table = combine_tables(material_table([partner]), materials)
            found = screen(table, KELVIN, partners=[partner], ranking=Ranking(top=ROWS, order=order))
            share = f"{found.probability[0]:.1%} to {found.probability[-1]:.1%}"
            lines.append(f"| {partner} | " + " | ".join(cell(found, row) for row in range(ROWS)) + f" | {share} |")
        lines.append("")
    return lines


def checks(materials: MaterialTable) -> tuple[str, float]:
    """Ten pairs one by one by `predict`, and the largest relative difference."""
    rng = np.random.default_rng(10)
    lines, worst = ["| pair | screening | `predict` |", "|---|---|---|"], 0.0
    for _ in range(10):
        i, j = sorted(rng.choice(len(materials), 2, replace=False).tolist())
        pair = materials.select([i, j])
        found = screen(pair, KELVIN).conductance[0]
        other = kapitza.predict(pair.solid(0), pair.solid(1), KELVIN, ["dmm"])[0].emitted.value[0]
        worst = max(worst, abs(found / other - 1))
        label = " \\| ".join(f"{pair.formulas[k]} ({pair.names[k]})" for k in (0, 1))
        lines.append(f"| {label} | {found / 1e6:.5g} | {other / 1e6:.5g} |")
    return "\n".join(lines), worst


def figures(materials: MaterialTable) -> None:
    table = combine_tables(material_table(["diamond"]), materials)
    figure = new_figure(width=6.4, height=4.4)
    screening_map(table, "diamond", KELVIN, properties=("debye_temperature", "density"), ax=figure.add_subplot())
    figure.savefig(DOCS / "images" / "screening-map.png", dpi=110)
    found = screen(table, KELVIN, partners=["diamond"], ranking=Ranking(top=15))
    figure = new_figure(width=7.2, height=5.0)
    screening_ranks(found, ax=figure.add_subplot())
    figure.savefig(DOCS / "images" / "screening-ranks.png", dpi=110)
    names = ["diamond", "6H-SiC", "GaN", "Si", "GaAs", "Al2O3", "Cu", "Au", "Al", "Pb"]
    figure = new_figure(width=6.4, height=5.6)
    screening_matrix(material_table(names), names, KELVIN, ax=figure.add_subplot())
    figure.savefig(DOCS / "images" / "screening-matrix.png", dpi=110)


def main() -> None:
    everything = read_materials(sys.argv[1])
    chosen = filter_table(everything, FILTER)
    single = one_of_each_formula(chosen)
    all_pairs = screen(single, KELVIN)
    figures(single)
    compared, worst = checks(everything)
    page = (DOCS / "screening-page.txt").read_text(encoding="utf-8")
    text = page.format(
        count=len(everything), chosen=len(chosen), single=len(single), tables="\n".join(tables(single)), worst=worst,
        compared=compared, pairs=all_pairs.pairs, share=f"{all_pairs.probability[0]:.2%}", error=all_pairs.error,
    )  # fmt: skip
    (DOCS / "theory" / "screening.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
