"""Draw the sets of the benchmark: what each says, its data, and the truth.

Usage: python benchmarks/thermoreflectance/make.py [--seed 2026] [--fair 8] [--spoiled 4] [--out FOLDER]

Writes FOLDER/sets/*.toml and *.csv, which a program may read, and FOLDER/truth.json, which it may not.  Without options
it writes the published sets, the same on every machine up to rounding.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).parent))

import physics
from physics import Layer

HERE = Path(__file__).parent
SEED, FAIR, SPOILED = 2026, 8, 4
FAIR_KINDS = ("white", "correlated")
CORRELATION = 0.9
TDTR_SPAN = 3.6e-9  # s, longest delay

Numbers = dict[str, float]


@dataclass(frozen=True)
class Method:
    """A kind of experiment on a kind of sample.

    `given` are all numbers by name with the values that a program is given, `uncertain` their relative standard
    uncertainties (of `phase`: in rad), `unknown` the ranges between which the others are drawn, evenly in ln, and the
    wider ones that are published.  `curve` has what is read, from numbers and a fault of some size; `faults` the sizes.
    """

    x: tuple[str, np.ndarray]
    y: str
    layers: tuple[str, ...]
    given: Numbers
    uncertain: Numbers
    unknown: dict[str, tuple[float, float, float, float]]
    fixed: dict[str, object]
    noise: tuple[float, float]
    relative: bool
    curve: Callable[[np.ndarray, Numbers, str, float], np.ndarray]
    faults: dict[str, tuple[float, float]]


def stack_of(names: tuple[str, ...], numbers: Numbers) -> tuple[list[Layer], list[float]]:
    """Layers and conductances."""
    layers = [
        Layer(
            numbers.get(f"{name}.thickness", np.inf),
            numbers[f"{name}.conductivity"],
            numbers[f"{name}.heat_capacity"],
            numbers.get(f"{name}.in_plane"),
        )
        for name in names
    ]
    return layers, [numbers[f"{a}|{b}.conductance"] for a, b in pairwise(names)]


def along(size: int) -> np.ndarray:
    """(n,) from 0 to 1 along the scan."""
    return np.linspace(0.0, 1.0, size)


def beams_of(numbers: Numbers, offset: np.ndarray, growth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radii of pump and probe and their offset, with a pump that grows."""
    one = np.ones(np.broadcast(offset, growth).shape)
    factor = numbers["spot"]
    return numbers["pump_radius"] * factor * growth * one, numbers["probe_radius"] * factor * one, offset * one


def one(value: float) -> np.ndarray:
    return np.array([value])


def tdtr_curve(delay: np.ndarray, numbers: Numbers, fault: str, size: float) -> np.ndarray:
    """Ratio -in phase/out of phase."""
    pump = numbers["pump_radius"]
    offset = size * pump * along(delay.size) if fault == "drift" else one(0.0)
    growth = 1 + size * delay / TDTR_SPAN if fault == "defocus" else one(1.0)
    z = physics.tdtr(
        *stack_of(("Al", "S"), numbers), delay, beams_of(numbers, offset, growth), modulation=9.8e6, repetition=80e6,
        pump_delayed=True,
    )  # fmt: skip
    z = z * np.exp(1j * (numbers["phase"] + (size if fault == "phase" else 0.0)))
    return -z.real / z.imag


def fdtr_curve(frequency: np.ndarray, numbers: Numbers, fault: str, size: float) -> np.ndarray:
    """Phase, rad."""
    pump = numbers["pump_radius"]
    offset = size * pump * along(frequency.size) if fault == "drift" else one(0.0)
    growth = one(1 + size if fault == "defocus" else 1.0)
    z = physics.fdtr(*stack_of(("Au", "S"), numbers), frequency, beams_of(numbers, offset, growth))
    late = 2 * np.pi * frequency * size if fault == "phase" else 0.0
    return np.unwrap(np.angle(z)) + numbers["phase"] - late


def sstr_curve(power: np.ndarray, numbers: Numbers, fault: str, size: float) -> np.ndarray:
    """Temperature, K."""
    pump = numbers["pump_radius"]
    offset = size * pump * along(power.size) if fault == "drift" else one(0.0)
    growth = one(1 + size if fault == "defocus" else 1.0)
    per_watt = physics.steady(*stack_of(("Al", "S"), numbers), beams_of(numbers, offset, growth))
    return numbers["scale"] * power * per_watt


def three_omega_curve(frequency: np.ndarray, numbers: Numbers, fault: str, size: float) -> np.ndarray:
    """In-phase temperature of the strip, K."""
    z = physics.three_omega(
        *stack_of(("oxide", "S"), numbers), frequency, half_width=numbers["half_width"], length=1e-3, power=20e-3
    )
    z = z * np.exp(1j * (size if fault == "phase" else 0.0))
    return numbers["scale"] * z.real * (1 + (size * along(frequency.size) if fault == "drift" else 0.0))


def raman_curve(radius: np.ndarray, numbers: Numbers, fault: str, size: float) -> np.ndarray:
    """Temperature of the spot per absorbed power, K/W."""
    real = np.hypot(radius, size) if fault == "defocus" else radius
    z = physics.steady(*stack_of(("sheet", "oxide", "Si"), numbers), (real, real, np.zeros(radius.size)))
    return numbers["scale"] * z * (1 + (size * along(radius.size) if fault == "drift" else 0.0))


_FILM_KNOWN = {"thickness": 0.03, "heat_capacity": 0.02}


def film(name: str, thickness: float, conductivity: float, heat_capacity: float) -> Numbers:
    """Numbers of a film."""
    numbers = {"thickness": thickness, "conductivity": conductivity, "heat_capacity": heat_capacity}
    return {f"{name}.{key}": value for key, value in numbers.items()}


_SUBSTRATE = {"S.conductivity": 50.0, "S.heat_capacity": 1.8e6}
_G, _K = (40e6, 400e6, 1e6, 1e10), (5.0, 200.0, 0.1, 5000.0)
METHODS: dict[str, Method] = {
    "tdtr": Method(
        ("delay_s", np.geomspace(100e-12, TDTR_SPAN, 40)), "ratio", ("Al", "S"),
        film("Al", 80e-9, 180.0, 2.43e6) | _SUBSTRATE
        | {"Al|S.conductance": 1e8, "pump_radius": 8e-6, "probe_radius": 5e-6, "spot": 1.0, "phase": 0.0},
        {"Al.thickness": 0.03, "Al.heat_capacity": 0.02, "S.heat_capacity": 0.02, "spot": 0.03, "phase": 3e-3},
        {"Al|S.conductance": _G, "S.conductivity": _K},
        {"modulation_Hz": 9.8e6, "repetition_Hz": 80e6, "delayed": "pump"}, (0.003, 0.01), True, tdtr_curve,
        {"drift": (0.5, 0.9), "phase": (0.015, 0.04), "defocus": (0.15, 0.3), "thickness": (0.12, 0.25)},
    ),
    "fdtr": Method(
        ("frequency_Hz", np.geomspace(2e4, 2e7, 40)), "phase_rad", ("Au", "S"),
        film("Au", 70e-9, 200.0, 2.49e6) | _SUBSTRATE
        | {"Au|S.conductance": 1e8, "pump_radius": 4e-6, "probe_radius": 3e-6, "spot": 1.0, "phase": 0.0},
        {"Au.thickness": 0.03, "Au.heat_capacity": 0.02, "S.heat_capacity": 0.02, "spot": 0.03, "phase": 3e-3},
        {"Au|S.conductance": (20e6, 200e6, 1e6, 1e10), "S.conductivity": _K},
        {}, (0.002, 0.008), False, fdtr_curve,
        {"drift": (0.5, 0.9), "phase": (0.5e-9, 2e-9), "defocus": (0.2, 0.4), "thickness": (0.12, 0.25)},
    ),
    "sstr": Method(
        ("power_W", np.linspace(1e-3, 20e-3, 40)), "temperature_K", ("Al", "S"),
        film("Al", 80e-9, 180.0, 2.43e6) | _SUBSTRATE
        | {"Al|S.conductance": 1e8, "pump_radius": 10e-6, "probe_radius": 10e-6, "spot": 1.0, "scale": 1.0},
        {"Al.thickness": 0.03, "Al.conductivity": 0.05, "Al|S.conductance": 0.2, "spot": 0.03, "scale": 0.02},
        {"S.conductivity": _K}, {}, (0.003, 0.01), False, sstr_curve,
        {"drift": (0.3, 0.6), "defocus": (0.15, 0.3)},
    ),
    "three-omega": Method(
        ("frequency_Hz", np.geomspace(100.0, 1e4, 40)), "in_phase_K", ("oxide", "S"),
        film("oxide", 300e-9, 1.35, 1.65e6) | _SUBSTRATE
        | {"oxide|S.conductance": 1e9, "half_width": 10e-6, "scale": 1.0},
        {"oxide.thickness": 0.02, "S.heat_capacity": 0.02, "half_width": 0.02, "scale": 0.01},
        {"oxide.conductivity": (0.3, 3.0, 0.01, 100.0), "S.conductivity": (20.0, 200.0, 0.1, 5000.0)},
        {"length_m": 1e-3, "power_W": 20e-3}, (0.003, 0.01), False, three_omega_curve,
        {"drift": (0.03, 0.08), "phase": (0.05, 0.2), "thickness": (0.1, 0.2)},
    ),
    "raman": Method(
        ("radius_m", np.geomspace(0.3e-6, 3e-6, 24)), "response_K_W", ("sheet", "oxide", "Si"),
        film("sheet", 0.7e-9, 10.0, 2e6) | {"sheet.in_plane": 50.0} | film("oxide", 90e-9, 1.35, 1.65e6)
        | {"Si.conductivity": 140.0, "Si.heat_capacity": 1.65e6}
        | {"sheet|oxide.conductance": 20e6, "oxide|Si.conductance": 5e8, "scale": 1.0},
        {"oxide.thickness": 0.02, "oxide.conductivity": 0.03, "Si.conductivity": 0.05, "scale": 0.03},
        {"sheet|oxide.conductance": (5e6, 50e6, 1e5, 1e9), "sheet.in_plane": (20.0, 200.0, 0.1, 5000.0)},
        {}, (0.003, 0.01), True, raman_curve,
        {"drift": (0.05, 0.15), "defocus": (0.3e-6, 0.6e-6), "thickness": (0.15, 0.3)},
    ),
}  # fmt: skip
_FILM = {"tdtr": "Al", "fdtr": "Au", "three-omega": "oxide", "raman": "oxide"}  # whose thickness is stated wrongly


def draw_numbers(method: Method, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
    """True numbers, and those that a program is given."""
    truth = dict(method.given)
    for name, (low, high, *_) in method.unknown.items():
        truth[name] = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    for name, share in method.uncertain.items():
        step = share * rng.standard_normal()
        truth[name] = step if name == "phase" else truth[name] * float(np.exp(step))
    return truth, dict(method.given)


def noise_of(rng: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """(n,) noise of unit variance, white or with the correlation of an autoregressive process of first order."""
    found = rng.standard_normal(size)
    if kind == "correlated":
        for i in range(1, size):
            found[i] = CORRELATION * found[i - 1] + np.sqrt(1 - CORRELATION**2) * found[i]
    return found


def make_set(name: str, method: Method, kind: str, rng: np.random.Generator) -> tuple[str, str, dict[str, object]]:
    """Text of the description, text of the data, and the truth of a set."""
    truth, given = draw_numbers(method, rng)
    size = float(rng.uniform(*method.faults[kind])) if kind in method.faults else 0.0
    if kind == "thickness":
        thin = f"{_FILM[name.rpartition('-')[0].removesuffix('-thickness')]}.thickness"
        size = float(size * rng.choice([-1.0, 1.0]))
        truth[thin] = method.given[thin] * (1 + size)
    x = method.x[1]
    clean = method.curve(x, truth, kind, size)
    share = float(np.exp(rng.uniform(*np.log(method.noise))))
    sigma = share * noise_unit(method, clean)
    value = clean + sigma * noise_of(rng, x.size, kind)
    rows = "\n".join(f"{a:.9g},{b:.9g}" for a, b in zip(x, value, strict=True))
    held: dict[str, object] = {
        "kind": kind,
        "fair": kind in FAIR_KINDS,
        "fault": size,
        "noise": share,
        "truth": {one: truth[one] for one in method.unknown},
    }
    if kind in method.faults:
        held |= misfit(method, truth, given, clean, sigma)
    return description(name, method, given), f"{method.x[0]},{method.y}\n{rows}\n", held


def noise_unit(method: Method, clean: np.ndarray) -> np.ndarray:
    """(n,) what noise is a share of: the value, the largest value, or 1 rad."""
    if method.y == "phase_rad":
        return np.ones(clean.size)
    return np.abs(clean) if method.relative else np.full(clean.size, np.abs(clean).max())


def misfit(method: Method, truth: Numbers, given: Numbers, clean: np.ndarray, sigma: np.ndarray) -> dict[str, object]:
    """What the description, fitted to the data without their noise, misses: how far it stays off the data, in units of
    the noise, and how far the numbers are drawn away, in %.
    """
    names = [*method.unknown, *method.uncertain]
    widths = np.array([np.inf] * len(method.unknown) + list(method.uncertain.values()))
    start = np.array([np.log(truth[one] / given[one]) for one in method.unknown] + [0.0] * len(method.uncertain))

    def numbers_at(u: np.ndarray) -> Numbers:
        moved = {
            one: (step if one == "phase" else given[one] * float(np.exp(step)))
            for one, step in zip(names, u.tolist(), strict=True)
        }
        return given | moved

    def residual(u: np.ndarray) -> np.ndarray:
        off = (method.curve(method.x[1], numbers_at(u), "", 0.0) - clean) / sigma
        return np.concatenate([off, u / widths])

    found = least_squares(residual, start, x_scale=np.minimum(widths, 0.3), xtol=1e-8, ftol=1e-8)
    best = numbers_at(found.x)
    return {
        "visible": short(np.sqrt(np.sum(found.fun**2) / clean.size)),
        "drawn_percent": {one: short(100 * (best[one] / truth[one] - 1)) for one in method.unknown},
    }


def short(value: float) -> float:
    """A number to four digits; 0 for what is rounding."""
    return float(f"{value:.4g}") if abs(value) > 1e-6 else 0.0


def description(name: str, method: Method, given: Numbers) -> str:
    """The text that a program is given: all numbers in SI, units in the names of the keys."""
    kind = next(one for one in METHODS if name.startswith(one))
    lines = [f'set = "{name}"', f'method = "{kind}"', f'data = "{name}.csv"', "", "[experiment]"]
    setting = [one for one in given if "." not in one and one not in ("spot", "phase", "scale")]
    lines += [f"{one}_m = {given[one]:g}" for one in setting]
    lines += [f"{key} = {json.dumps(value)}" for key, value in method.fixed.items()]
    for layer in method.layers:
        lines += ["", "[[layers]]", f'name = "{layer}"']
        for key, unit in _UNITS.items():
            if f"{layer}.{key}" in given:
                lines.append(f"{key}_{unit} = {given[f'{layer}.{key}']:g}")
    for pair in pairwise(method.layers):
        held = given[f"{'|'.join(pair)}.conductance"]
        lines += ["", "[[interfaces]]", f"between = {json.dumps(pair)}", f"conductance_W_m2K = {held:g}"]
    law = "proportional" if method.relative else "constant"
    lines += ["", "[noise]              # its size is not known", f'law = "{law}"']
    lines += ["", "[unknown]            # between which limits the numbers are sought; their values above are guesses"]
    lines += [f'"{one}" = [{low:g}, {high:g}]' for one, (_, _, low, high) in method.unknown.items()]
    lines += ["", "[uncertain]          # relative standard uncertainty (lognormal) of numbers above; of phase in rad"]
    return "\n".join([*lines, *(f'"{one}" = {share:g}' for one, share in method.uncertain.items())]) + "\n"


_UNITS = {"thickness": "m", "conductivity": "W_mK", "in_plane": "W_mK", "heat_capacity": "J_m3K"}


def wanted(fair: int, spoiled: int) -> Iterator[tuple[str, Method, str]]:
    """Name, method and kind of all sets."""
    for method_name, method in METHODS.items():
        for kind in (*FAIR_KINDS, *method.faults):
            for number in range(1, (fair if kind in FAIR_KINDS else spoiled) + 1):
                yield f"{method_name}-{kind}-{number:02}", method, kind


def all_sets(seed: int, fair: int, spoiled: int, only: str = "") -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Name, description, data and truth of all sets whose name begins with `only`."""
    for name, method, kind in wanted(fair, spoiled):
        if name.startswith(only):
            rng = np.random.default_rng([seed, *name.encode()])
            yield (name, *make_set(name, method, kind, rng))


def main() -> None:
    """Write the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--fair", type=int, default=FAIR, help="sets of each method with white and correlated noise")
    parser.add_argument("--spoiled", type=int, default=SPOILED, help="sets of each method and fault")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    folder = options.out / "sets"
    folder.mkdir(parents=True, exist_ok=True)
    truths = {}
    for name, text, data, truth in all_sets(options.seed, options.fair, options.spoiled):
        (folder / f"{name}.toml").write_text(text)
        (folder / f"{name}.csv").write_text(data)
        truths[name] = truth
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(truth)}" for name, truth in truths.items())
    (options.out / "truth.json").write_text(f"{{\n{lines}\n}}\n")
    print(f"wrote {len(truths)} sets to {folder}")


if __name__ == "__main__":
    main()
