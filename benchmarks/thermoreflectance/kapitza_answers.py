"""The answers of kapitza to the sets of the benchmark.

Usage: python benchmarks/thermoreflectance/kapitza_answers.py answers.json [--folder FOLDER] [--only tdtr]
       [--processes 2]

It reads what every program may read, the descriptions and the data, and takes the scatter of the points for their
noise.  Half a second to three seconds a set.  Its own answers to the published sets are in kapitza.json.
"""

import argparse
import json
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.stack import Layer, Stack
from kapitza.errors import ConvergenceError
from kapitza.measure.experiment import Curve, Experiment, independent_variable
from kapitza.measure.fit import fit
from kapitza.measure.judgement import judge_fit
from kapitza.measure.problem import Free, Prior, Tie
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega

HERE = Path(__file__).parent


def stack_of(held: dict[str, Any]) -> Stack:
    """The sample."""
    layers = [
        Layer(
            one["name"], one.get("thickness_m", np.inf), one["conductivity_W_mK"],
            heat_capacity=one["heat_capacity_J_m3K"], in_plane=one.get("in_plane_W_mK"),
        )
        for one in held["layers"]
    ]  # fmt: skip
    return Stack(layers, [one["conductance_W_m2K"] for one in held["interfaces"]])


def experiment_of(method: str, held: dict[str, Any], x: np.ndarray) -> Experiment:
    """The experiment, under the name `it`."""
    beams = Beams(held["pump_radius_m"], held["probe_radius_m"]) if "pump_radius_m" in held else Beams(1.0, 1.0)
    if method == "tdtr":
        modulation, repetition = held["modulation_Hz"], held["repetition_Hz"]
        return Tdtr(x, beams, modulation=modulation, repetition=repetition, delayed=held["delayed"], name="it")
    if method == "fdtr":
        return Fdtr(x, beams, name="it")
    if method == "sstr":
        return Sstr(x, beams, name="it")
    if method == "raman":
        return Raman(x, name="it")
    length, power = held["length_m"], held["power_W"]
    return ThreeOmega(x, half_width=held["half_width_m"], length=length, power=power, name="it")


def answer(folder: Path, name: str) -> dict[str, Any]:
    """What the fit says of one set."""
    held = tomllib.loads((folder / "sets" / f"{name}.toml").read_text())
    x, y = np.loadtxt(folder / "sets" / held["data"], delimiter=",", skiprows=1, unpack=True)
    experiment, stack = experiment_of(held["method"], held["experiment"], x), stack_of(held)
    free = {one: Free(low=low, high=high) for one, (low, high) in held["unknown"].items()}
    own = {one: "spot" if one == "spot" else f"it.{one}" for one in held["uncertain"] if "." not in one}
    priors = {
        own.get(one, one): Prior(None, size) if one == "phase" else Prior.relative(size)
        for one, size in held["uncertain"].items()
    }
    ties = {"spot": Tie(("it.pump_radius", "it.probe_radius"))} if "spot" in priors else {}
    curve = Curve(independent_variable(experiment)[1], y, None, getattr(experiment, "kind", "temperature"))
    try:
        found = fit(experiment, curve, stack, free, priors=priors, ties=ties, starts=1)
    except ConvergenceError:
        return {"misfit": True, "numbers": {}}
    numbers: dict[str, dict[str, float | None]] = {}
    for i, one in enumerate(free):
        if one in found.bounds:
            numbers[one] = {"value": None, "low": found.bounds[one].low, "high": found.bounds[one].high}
        else:
            low, high = found.interval(one)
            numbers[one] = {"value": float(found.value[i]), "low": low, "high": high}
    return {"misfit": judge_fit(found).verdict != "consistent", "numbers": numbers}


def answers(folder: Path, only: str = "", processes: int = 1) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answers to all sets whose names begin with `only`."""
    names = sorted(path.stem for path in (folder / "sets").glob(f"{only}*.toml"))
    if processes == 1:
        yield from ((name, answer(folder, name)) for name in names)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from zip(names, pool.map(answer, [folder] * len(names), names), strict=True)


def main() -> None:
    """Write the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--folder", type=Path, default=HERE)
    parser.add_argument("--only", default="")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name, one in answers(options.folder, options.only, options.processes):
        found[name] = one
        print(f"{len(found):4} {name}", flush=True)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    options.answers.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
