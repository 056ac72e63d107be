"""Score the answers of any program to the sets of this folder.

Usage: python benchmarks/thermoreflectance/score.py ANSWERS [--folder FOLDER] [--json]

ANSWERS is a JSON file,

    {"tdtr-white-01": {"misfit": false, "numbers": {"Al|S.conductance": {"value": 1e8, "low": 9e7, "high": 1.1e8}}}}

or a CSV file with the heads set,number,value,low,high,misfit and a row for each number.  `low` and `high` are the ends
of a 95 % interval; an end that is left out (null, or an empty cell) is that of the range of the description, and a
number that is left out has the whole range.  `misfit` says whether the program doubts that its model, or its noise as
random as white noise is, describes the data.

All differences are of the natural logarithm: 0.01 is 1 %.  sigma is the length of the interval over 3.92.  The interval
score, length + 40 times the distance of a truth outside of it, is the lower the better (T. Gneiting and A. E. Raftery,
J. Am. Stat. Assoc. 102, 359 (2007), doi:10.1198/016214506000001437).  Only numpy is needed.
"""

import argparse
import csv
import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PENALTY = 2 / 0.05
Row = dict[str, Any]


def read_answers(path: Path) -> dict[str, Any]:
    """Answers by set, from JSON or CSV."""
    if path.suffix.lower() != ".csv":
        return json.loads(path.read_text())
    found: dict[str, Any] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            one = found.setdefault(row["set"], {"misfit": False, "numbers": {}})
            one["misfit"] |= row["misfit"].strip().lower() in ("1", "true", "yes")
            ends = {key: float(row[key]) if row[key].strip() else None for key in ("value", "low", "high")}
            one["numbers"][row["number"]] = ends
    return found


def rows_of(answers: dict[str, Any], truths: dict[str, Any], folder: Path) -> list[Row]:
    """A row for each number of each set: what was said, beside the truth."""
    unknown = sorted(set(answers) - set(truths))
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is no set: there are {len(truths)}, from {min(truths)} to {max(truths)}")
    rows: list[Row] = []
    for name, truth in truths.items():
        ranges = tomllib.loads((folder / "sets" / f"{name}.toml").read_text())["unknown"]
        said = answers.get(name, {"misfit": False, "numbers": {}})
        for number, value in truth["truth"].items():
            rows.append(
                {
                    "set": name,
                    "method": name.removesuffix(f"-{truth['kind']}-{name[-2:]}"),
                    "kind": truth["kind"],
                    "fair": truth["fair"],
                    "visible": truth.get("visible", 0.0) > 1,
                    "named": bool(said["misfit"]),
                    "answered": number in said["numbers"],
                    **judge(said["numbers"].get(number, {}), value, *ranges[number], f"{name}, {number}"),
                }
            )
    return rows


def judge(said: dict[str, float | None], truth: float, least: float, most: float, what: str) -> Row:
    """Distance from the truth in sigma (NaN without a value), whether the interval holds it, its length, its score."""
    low, high = said.get("low"), said.get("high")
    low, high = least if low is None else low, most if high is None else high
    if not 0 < low <= high:
        raise SystemExit(f"{what}: the interval from {low:g} to {high:g}: wanted 0 < low <= high")
    a, b, t = np.log([low, high, truth])
    value, length = said.get("value"), float(b - a)
    pull = np.nan if value is None or not length else (np.log(value) - t) / (length / 3.92)
    outside = max(a - t, t - b, 0.0)
    return {"pull": float(pull), "held": bool(outside == 0), "length": length, "score": length + PENALTY * outside}


def summary(rows: Iterable[Row]) -> Row:
    """Bias, coverage, lengths and scores of rows."""
    rows = list(rows)
    pull = np.array([one["pull"] for one in rows])
    pull = pull[np.isfinite(pull)]
    return {
        "numbers": len(rows),
        "answered": sum(one["answered"] for one in rows),
        "bias in sigma": float(pull.mean()) if pull.size else np.nan,
        "rms in sigma": float(np.sqrt(np.mean(pull**2))) if pull.size else np.nan,
        "coverage": float(np.mean([one["held"] for one in rows])),
        "median length": float(np.median([one["length"] for one in rows])),
        "interval score": float(np.mean([one["score"] for one in rows])),
    }


def by_set(rows: Iterable[Row]) -> list[Row]:
    """One row for each set: whether all of its intervals hold."""
    found: dict[str, Row] = {}
    for one in rows:
        kept = found.setdefault(one["set"], dict(one))
        kept["held"] &= one["held"]
    return list(found.values())


def faults(sets: list[Row]) -> Row:
    """How many spoiled sets are named, and how many are wrong without a word."""
    visible = [one for one in sets if one["visible"]]
    return {
        "sets": len(sets),
        "named": sum(one["named"] for one in sets),
        "visible": len(visible),
        "visible and named": sum(one["named"] for one in visible),
        "held or named": sum(one["held"] or one["named"] for one in sets),
        "silently wrong": sum(not one["held"] and not one["named"] for one in sets),
    }


def scores(rows: list[Row]) -> Row:
    """All scores: of fair sets by method and noise, of spoiled ones by fault."""
    fair, spoiled = [one for one in rows if one["fair"]], [one for one in rows if not one["fair"]]
    cells = dict.fromkeys((one["method"], one["kind"]) for one in fair)
    wrong = dict.fromkeys((one["method"], one["kind"]) for one in spoiled)
    alarms = by_set(fair)

    def of(part: list[Row], cell: tuple[str, str]) -> list[Row]:
        return [one for one in part if (one["method"], one["kind"]) == cell]

    return {
        "fair": {" ".join(cell): summary(of(fair, cell)) for cell in cells} | {"all": summary(fair)},
        "false alarms": {
            kind: {"sets": sum(one["kind"] == kind for one in alarms), "named": named}
            for kind in dict.fromkeys(one["kind"] for one in alarms)
            for named in [sum(one["named"] for one in alarms if one["kind"] == kind)]
        },
        "spoiled": {" ".join(cell): faults(by_set(of(spoiled, cell))) for cell in wrong}
        | {"all": faults(by_set(spoiled))},
    }


def table(found: Row) -> str:
    """The scores as text."""
    lines = [f"{'fair sets':24} numbers   bias    rms  coverage  length   score"]
    for name, one in found["fair"].items():
        lines.append(
            f"{name:24} {one['numbers']:7} {one['bias in sigma']:+6.2f} {one['rms in sigma']:6.2f} "
            f"{one['coverage']:9.1%} {one['median length']:7.3f} {one['interval score']:7.3f}"
        )
    alarms = (f"{one['named']} of {one['sets']} with {kind} noise" for kind, one in found["false alarms"].items())
    lines += [f"false alarms: {', '.join(alarms)}", ""]
    lines.append(f"{'spoiled sets':24}    sets  named  of visible  held or named  silently wrong")
    for name, one in found["spoiled"].items():
        seen = f"{one['visible and named']} of {one['visible']}"
        rest = f"{one['held or named']:14} {one['silently wrong']:15}"
        lines.append(f"{name:24} {one['sets']:7} {one['named']:6} {seen:>11} {rest}")
    return "\n".join(lines)


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--folder", type=Path, default=HERE, help="with sets/ and truth.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        answers = read_answers(options.answers)
        truths = json.loads((options.folder / "truth.json").read_text())
    except (OSError, ValueError, KeyError) as err:
        sys.exit(f"{options.answers}: {err!r}: expected answers as `python score.py --help` shows them")
    found = scores(rows_of(answers, truths, options.folder))
    print(json.dumps(found, indent=2) if options.json else table(found))


if __name__ == "__main__":
    main()
