"""How often reported 95 % intervals hold the truth, in simulated measurements: one table for all that reports one.

Usage: python benchmarks/intervals.py [--cases 400] [--only eels] [--log FILE] [--page docs/theory/intervals.md]

Each case draws a measurement with the noise, and where they are uncertain with the inputs, that the result is told of,
and asks whether its interval holds the number that was put in.  The simulations are those of the tests, with more
cases.  A row that was done is taken from the log.  With 400 cases the share itself is uncertain by 1.1 %.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from kapitza.core.profile import Profile
from kapitza.core.student import student_quantile
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.profiles import correlate_errors
from kapitza.measure.thickness_series import ThicknessSeries
from kapitza.simulate.md.analysis.equilibrium import fit_fluctuations
from kapitza.simulate.md.analysis.nemd import analyse_nemd
from kapitza.simulate.md.analysis.relaxation import RelaxationData, fit_relaxation, slab_decay
from kapitza.simulate.md.analysis.sizes import size_series
from kapitza.units import nm

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
QUANTILE = 1.959964
Hits = Iterator[tuple[str, float, int]]  # what is reported, share of the cases that hold it, number of cases


def helper(name: str) -> ModuleType:
    """A module of the tests with what it simulates."""
    path = TESTS / name
    for place in (ROOT, TESTS, path.parent):
        if str(place) not in sys.path:
            sys.path.append(str(place))
    spec = spec_from_file_location(f"simulated_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def held(intervals: Any, truth: Any) -> float:
    """Share of intervals (n, 2) that hold the truth."""
    low, high = np.asarray(intervals, float).T
    return float(np.mean((low <= truth) & (truth <= high)))


def fit_of_curves(cases: int) -> Hits:
    shares = helper("measure/test_fit.py").covered(cases)
    yield "conductance, quick experiment with uncertain spot and gain", shares[0], cases
    yield "conductivity, the same fit", shares[1], cases


def fit_of_tdtr(cases: int) -> Hits:
    module, rng, cases = helper("measure/test_fit_curves.py"), np.random.default_rng(21), min(cases, 300)
    fits = [module.simulated(200e6, 142.0, 0.005, rng) for _ in range(cases)]
    for name, truth in (("Al|S.conductance", 200e6), ("S.conductivity", 142.0)):
        what = name.split(".")[1]
        yield f"{what}, TDTR with uncertain film, spot and phase", held([f.interval(name) for f in fits], truth), cases


def fit_of_thicknesses(cases: int) -> Hits:
    rng, d = np.random.default_rng(4), np.array([20, 40, 80, 160, 320]) * nm
    found = []
    for _ in range(cases):
        measured = 9e-9 + (d + 2 * nm * rng.standard_normal(5)) / 1.3 + 2e-9 * rng.standard_normal(5)
        line = ThicknessSeries(d, measured, np.full(5, 2) * nm, np.full(5, 2e-9)).line()
        found.append(abs(line.resistance - 9e-9) <= QUANTILE * line.resistance_sigma)
    yield "intercept of five thicknesses", float(np.mean(found)), cases


def jump(cases: int) -> Hits:
    rng, x = np.random.default_rng(11), (np.arange(-20, 20) + 0.5) * nm
    lines = np.where(x < 0, 310 - x / nm / 5, 300 - x / nm / 10)
    sigma = np.linspace(0.2, 0.6, x.size)
    found = [Profile(x, lines + sigma * rng.standard_normal(x.size), sigma).jump(0) for _ in range(cases)]
    yield "jump, errors stated", float(np.mean([abs(one.jump - 10) <= QUANTILE * one.sigma for one in found])), cases


def jump_of_correlated_errors(cases: int) -> Hits:
    module, rng, x = helper("measure/test_profiles.py"), np.random.default_rng(5), (np.arange(-80, 80) + 0.5) * nm
    inside = []
    for _ in range(cases):
        noise = np.concatenate([module.autoregressive(rng, 80, 0.5, 0.3) for _ in range(2)])
        one = correlate_errors(Profile(x, module.lines(x) + noise), 0.0).jump(0.0)
        inside.append(abs(one.jump - 10) <= QUANTILE * one.sigma)
    yield "jump, errors from the scatter, correlated along the profile", float(np.mean(inside)), cases


def eels_through_a_spread(cases: int) -> Hits:
    module = helper("measure/eels/test_jump.py")
    spread = PointSpread(1.5 * nm, 0.3, 30 * nm, width_sigma=0.2 * nm, share_sigma=0.05)
    rates = module.covered(cases, 64, 0.5, spread, 11)
    yield "jump, point spread and position uncertain", rates["jump"], cases
    yield "Kapitza length, the same", rates["left"], cases


def eels_from_counts(cases: int) -> Hits:
    module, count, pitch, dose = helper("measure/eels/test_jump.py"), 16, 4 * nm, 6e7
    x = (np.arange(-count, count) + 0.5) * pitch
    kelvin = module.SEEN_SHARP.branches(x) @ module.TRUTH
    left, right = (module.toy.modes_of(*s) for s in ((4e-4, 6e-4, 1e-4), (4e-4, 1.2e-4, 5e-4)))
    mean = np.where((x < 0)[:, None], *(module.toy.expected_counts(side, kelvin, dose) for side in (left, right)))
    counts = np.random.default_rng(21).poisson(mean, (cases, *mean.shape)).astype(np.int32)
    found = fit_spectra(module.toy.image_of(counts, pitch), module.toy.modes_of(None, None, None))
    inside = np.abs(found.temperature - kelvin) <= student_quantile(0.95, np.inf) * found.sigma
    yield "temperature of a pixel, from counts on", float(inside.mean()), inside.size
    fits = [fit_jump(Profile(x, t, s), 0.0) for t, s in zip(found.temperature, found.sigma, strict=True)]
    yield "jump, from counts on", held([one.interval() for one in fits], 15.0), cases
    lengths = [one.kapitza_interval("left") for one in fits]
    yield "Kapitza length, from counts on", held(lengths, 15 / 0.18 * nm), cases


def md_nemd(cases: int) -> Hits:
    module = helper("simulate/md/test_jump.py")
    shape = {"conductance": 1.7, "conductivity": 20.0, "bath": 4, "block": 9.3, "wait": 93.0, "replicas": cases}
    truth = 1.7 * module.CONDUCTANCE
    for seed, blocks in enumerate((80, 20)):
        records = module.layered_heat(16, blocks=blocks, seed=seed, **shape)
        found = [analyse_nemd(one, equilibration_time=module.SETTLED) for one in records]
        share = np.mean([abs(one.resistance - 1 / truth) <= QUANTILE * one.sigma for one in found])
        yield f"resistance between thermostats, {blocks} blocks", float(share), cases
        made = [one.conductance() for one in found]
        share = np.mean([abs(one.value[0] - truth) <= QUANTILE * one.sigma[0] for one in made])
        yield f"conductance, {blocks} blocks", float(share), cases


def md_fluctuations(cases: int) -> Hits:
    module, rng = helper("simulate/md/test_fluctuations.py"), np.random.default_rng(8)
    left, right = module.slab(3, 28.0), module.slab(3, 21.0)
    inside = []
    for _ in range(cases):
        data = module.made(left, right, samples=4096, step=0.25 * module.TAU, boundaries=1, rng=rng)
        one = fit_fluctuations(data, high=1.5 / module.TAU).conductance
        inside.append(abs(one.value[0] - module.G) <= QUANTILE * one.sigma[0])
    yield "conductance from fluctuations", float(np.mean(inside)), cases


def md_relaxation(cases: int) -> Hits:
    module, rng = helper("simulate/md/test_approach.py"), np.random.default_rng(8)
    time = module.TIME[::5]
    curve = 30 * slab_decay(time, module.G, *module.SLABS)
    inside = []
    for _ in range(cases):
        data = RelaxationData(time, module.noisy(curve, 8, 1.0, 0.7, rng), *module.SLABS, module.KELVIN)
        found = fit_relaxation(data)
        width = np.hypot(found.statistical * student_quantile(0.95, found.freedom), QUANTILE * found.start)
        inside.append(abs(found.conductance.value[0] - module.G) <= width)
    yield "conductance from relaxation, eight replicas", float(np.mean(inside)), cases


def md_sizes(cases: int) -> Hits:
    rng, length, sigma = np.random.default_rng(0), np.array([10, 20, 40, 80]) * nm, np.array([3, 4, 5, 8]) * 1e-11
    inside = []
    for _ in range(cases):
        one = size_series(2e-9 + 8e-18 / length + sigma * rng.standard_normal(4), sigma, length)
        inside.append(abs(one.fitted[0] - 2e-9) <= QUANTILE * one.fitted_sigma[0])
    yield "resistance extrapolated to infinite length", float(np.mean(inside)), cases


def device(cases: int) -> Hits:
    shares = helper("device/../measure/test_device_fit.py").coverage(cases)
    yield "conductance of a boundary from a map of temperatures", shares[0], cases
    yield "resistance from the flux through it", shares[1], cases


def inverse(cases: int) -> Hits:
    module = helper("measure/test_spectral_inverse.py")
    blank = module.SeriesLaw(np.geomspace(5e-9, 2e-6, 5), np.ones(5), np.ones(5))
    smooth = module.Smoothness()
    kinds = (
        ("smooth spectra, stated to be smooth", module.boundaries_of_the_prior, smooth),
        ("smooth spectra", module.boundaries_of_the_prior, None),
        ("spectra with a step", module.stepped_boundaries, None),
        ("spectra with one or two lines", module.resonant_boundaries, None),
    )
    for what, boundaries, prior in kinds:
        covered, summed = [], []
        for case, share in enumerate(boundaries(cases)):
            data = blank.simulate(share * module.LIMIT, case)
            found = module.spectral_transmission([data], module.LEFT, module.RIGHT, prior=prior)
            covered.append(held(np.transpose(found.band()), share))
            summed.append(held([found.conductance_range()], share @ module.LIMIT))
        yield f"transmission of a group of modes, {what}", float(np.mean(covered)), module.COUNT * cases
        yield "conductance of the spectrum, the same", float(np.mean(summed)), cases


def calibration(cases: int) -> Hits:
    sys.path.append(str(Path(__file__).parent))
    checks = __import__("calibration_checks")
    state, generator = checks.load_state(), np.random.default_rng(0)
    away = np.concatenate([checks.simulate(state.scales, state.rows, generator) for _ in range(max(20, cases // 4))])
    yield "conductance that a further laboratory measures", float(np.mean(np.abs(away) <= checks.QUANTILE)), away.size


ROWS: dict[str, Callable[[int], Hits]] = {
    "fit": fit_of_curves, "fit TDTR": fit_of_tdtr, "fit series": fit_of_thicknesses,
    "jump": jump, "jump correlated": jump_of_correlated_errors,
    "eels spread": eels_through_a_spread, "eels counts": eels_from_counts,
    "md nemd": md_nemd, "md fluctuations": md_fluctuations, "md relaxation": md_relaxation, "md sizes": md_sizes,
    "device": device, "inverse": inverse, "calibration": calibration,
}  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """Table of all rows in Markdown."""
    text = ["| room | reported | in the 95 % interval | cases |", "|---|---|---|---|"]
    order = list(ROWS)
    for one in sorted(lines, key=lambda line: order.index(line["row"])):
        room = one["row"].split()[0]
        text.append(f"| {room} | {one['what']} | {one['share']:.1%} | {one['cases']:,} |".replace("%", " %"))
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--only", default="", help="rows whose name begins so")
    parser.add_argument("--log", type=Path, default=Path("intervals.jsonl"))
    parser.add_argument("--page", type=Path, help="page whose table is replaced")
    options = parser.parse_args()
    read = options.log.read_text(encoding="utf-8").splitlines() if options.log.exists() else []
    lines = [json.loads(line) for line in read]
    for name, row in ROWS.items():
        if not name.startswith(options.only) or any(line["row"] == name for line in lines):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            new = [
                {"row": name, "what": what, "share": share, "cases": cases} for what, share, cases in row(options.cases)
            ]
        lines += new
        with options.log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in new)
        print(table(new), flush=True)
    if options.page:
        head, _, rest = options.page.read_text(encoding="utf-8").partition("| room | reported |")
        after = rest.partition("\n\n")[2]
        options.page.write_text(f"{head}{table(lines)}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
