"""Scans with the faults of real detectors, fitted at the command line: what is cured, what is said, what is neither.

Usage: python benchmarks/eels_detector_faults.py [--scans 16] [--only oblique] [--workers 16]

The generator shares no code with the fit: normal lines at gain and loss energies are convolved with the zero-loss peak
on a grid of 0.1 meV, 8 rows of 48 pixels of 1 nm with 6e7 electrons each, two straight branches of temperature and a
jump of 15 K at x = 0.  For each fault: how many scans are cured (the jump within three standard uncertainties of the
truth, these no more than 2.5 times those of a scan without a fault, and the mean temperature within the uncertainty of
one pixel), and how many are cured or said: a note names the remedy, or, where the remedy was taken, the verdict is in
doubt.  Then the mean deviation of the jump in its standard uncertainty and of the temperature in that of one pixel, and
how often the 95 % intervals of the jump and of the Kapitza length of the left side hold the truth.
"""

import argparse
import contextlib
import io
import json
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import kapitza
from kapitza.cli import main as command
from kapitza.units import meV, nm

KB = 0.08617333262  # meV/K
STEP, CHANNELS, FINE = 0.5, 1024, 5  # meV, channels, points a channel
LINES = ((47.0, 5.0, 4e-4, 3e-4), (82.0, 4.5, 6e-4, 2e-4), (97.0, 5.0, 1e-4, 4e-4))  # meV, meV, share left and right
DOSE, FWHM, LORENTZIAN = 6e7, 8.0, 0.02
JUMP, LEFT, RIGHT = 15.0, -0.18, -0.15  # K, K/nm
MEAN = 400.0
ROWS, COLUMNS = 8, 48
FAULTS = (
    "none", "gain 0.2 %", "gain 1 %", "tail", "tail, plain", "oblique", "1 nm off", "dispersion, plain", "dispersion",
    "counts an electron", "saturated", "flagged everywhere", "gain 1 %, file",
    "probe of 0.8 nm",
)  # fmt: skip
PROBE = 0.8  # nm, standard deviation
LIGHT = 1e8  # counts a channel of the spectra of even light, of which there are 16
_DOUBT = "in doubt|not to be trusted"
SAID = {
    "gain 0.2 %": _DOUBT, "gain 1 %": _DOUBT, "gain 1 %, file": _DOUBT, "tail": _DOUBT,
    "tail, plain": "--vacuum", "oblique": "degrees",
    "1 nm off": "far better at", "dispersion, plain": "--calibrate modes", "dispersion": _DOUBT,
    "counts an electron": "electrons per count", "saturated": "cut flat", "flagged everywhere": "not to be trusted",
    "probe of 0.8 nm": "the modes change over",
}  # fmt: skip


def peak(energy: np.ndarray, fault: str) -> np.ndarray:
    """Density of the zero-loss peak, 1/meV."""
    sigma = FWHM / np.sqrt(8 * np.log(2))
    found = (1 - LORENTZIAN) * np.exp(-0.5 * (energy / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    found += LORENTZIAN * FWHM / (2 * np.pi) / (energy**2 + FWHM**2 / 4)
    if fault.startswith("tail"):
        found += 1e-3 / 20 * np.exp(-np.maximum(energy, 0) / 20) * (energy > 0)
    return found


def mean_spectra(kelvin: np.ndarray, left: np.ndarray, fault: str) -> np.ndarray:
    """(pixels, channels) expected electrons, from areas under lines that are convolved once for each side of zero."""
    grid = (np.arange(CHANNELS * FINE) - CHANNELS * FINE // 2) * STEP / FINE
    wide = (np.arange(3 * CHANNELS * FINE) - 3 * CHANNELS * FINE // 2) * STEP / FINE
    zero_loss = peak(wide, fault)
    zero = peak(grid, fault)
    total = np.repeat(zero[None, ::FINE], kelvin.size, axis=0)
    size = 4 * CHANNELS * FINE
    from scipy.signal import fftconvolve

    for quantum, width, here, there in LINES:
        strength = np.where(left, here, there)
        n = 1 / np.expm1(quantum / (KB * kelvin))
        for sign, amount in ((1, strength * (n + 1)), (-1, strength * n)):
            line = np.exp(-0.5 * ((grid - sign * quantum) / width) ** 2) / (width * np.sqrt(2 * np.pi)) * STEP / FINE
            seen = fftconvolve(zero_loss, line, mode="full")[: size + grid.size]
            first = wide.size // 2  # of the full convolution, the point at which grid begins
            total += amount[:, None] * seen[first : first + grid.size][None, ::FINE]
    return DOSE * STEP * total


def channel_gain(fault: str, seed: int) -> np.ndarray:
    """(channels,) gain of the channels, a fixed pattern."""
    spread = 0.002 if "0.2" in fault else 0.01 if fault.startswith(("gain", "flagged")) else 0.0
    return 1 + spread * np.random.default_rng([seed, FAULTS.index(fault), 1]).standard_normal(CHANNELS)


def through_probe(x: np.ndarray, fault: str) -> np.ndarray:
    """(columns, channels) expected electrons of one row, each place in sight of the probe with its own spectrum."""
    fine = (np.arange(-28 * 8, 28 * 8) + 0.5) / 8
    kelvin = MEAN + np.where(fine < 0, JUMP / 2 + LEFT * fine, -JUMP / 2 + RIGHT * fine)
    weight = np.exp(-0.5 * ((x[:, None] - fine) / PROBE) ** 2)
    return weight / weight.sum(axis=1, keepdims=True) @ mean_spectra(kelvin, fine < 0, fault)


def scan(fault: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns, channels) counts as a detector writes them, and (channels,) energies it states, meV."""
    rng = np.random.default_rng([seed, FAULTS.index(fault)])
    x, y = (np.arange(COLUMNS) - COLUMNS / 2 + 0.5), np.arange(ROWS) - (ROWS - 1) / 2
    across = np.broadcast_to(x, (ROWS, COLUMNS))
    if fault == "oblique":
        angle = np.radians(20.0)
        across = across * np.cos(angle) - y[:, None] * np.sin(angle)
    left = across < 0
    kelvin = MEAN + np.where(left, JUMP / 2 + LEFT * across, -JUMP / 2 + RIGHT * across)
    mean = mean_spectra(kelvin.ravel(), left.ravel(), fault).reshape(ROWS, COLUMNS, CHANNELS)
    if fault.startswith("probe"):
        mean = np.repeat(through_probe(x, fault)[None], ROWS, axis=0)
    energy = (np.arange(CHANNELS) - CHANNELS // 2) * STEP
    mean = mean * channel_gain(fault, seed)
    counts = rng.poisson(mean).astype(np.int64)
    if fault == "counts an electron":
        counts = np.rint(0.25 * counts)
    if fault == "saturated":
        counts = np.minimum(counts, int(0.4 * counts.max()))
    if fault.startswith("dispersion"):
        energy = 1.02 * energy
    return counts.astype(np.int32), energy


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Status, output and messages of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command(list(arguments))
    return status, out.getvalue(), re.sub(r"\s+", " ", err.getvalue())


def write_files(folder: Path, fault: str, seed: int) -> None:
    """Write the scan and the file of its modes."""
    counts, energy = scan(fault, seed)
    axes = np.arange(ROWS) * nm, (np.arange(COLUMNS) - COLUMNS / 2 + 0.5) * nm
    kapitza.eels.write_eels(kapitza.eels.SpectrumImage(counts, energy * meV, axes), folder / "scan.h5")
    if fault.endswith("file"):
        rng = np.random.default_rng([seed, FAULTS.index(fault), 2])
        light = rng.poisson(LIGHT * channel_gain(fault, seed), (16, CHANNELS)).astype(np.int32)
        image = kapitza.eels.SpectrumImage(light, energy * meV, (np.arange(16) * nm,))
        kapitza.eels.write_eels(image, folder / "light.h5")
    modes = "".join(
        f'[[mode]]\nname = "m{quantum:.0f}"\nenergy = "{quantum:g} meV"\nwidth = "{width:g} meV"\n'
        for quantum, width, *_ in LINES
    )
    (folder / "modes.toml").write_text(('shape = "tail"\n' if fault == "tail" else "") + modes)


def one(fault: str, seed: int) -> dict[str, Any]:
    """Fit one scan and its jump; numbers of the answer, and whether the remedy is named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, fault, seed)
        place = "1nm" if fault == "1 nm off" else "0nm"
        fit = ["eels", "fit", f"{folder}/scan.h5", "--modes", f"{folder}/modes.toml", "--tie", "common"]
        if fault.startswith("gain"):
            fit += ["--gain", f"{folder}/light.h5" if fault.endswith("file") else "scan"]
        fit += ["--calibrate", "modes"] if fault == "dispersion" else []
        status, shown, messages = run([*fit, "--save", f"{folder}/map.h5"])
        found: dict[str, Any] = {"status": status, "messages": shown + messages}
        if status == 0:
            maps = kapitza.load(f"{folder}/map.h5")["common"]
            side = maps.good & (np.abs(np.arange(COLUMNS) - COLUMNS / 2 + 0.5) > 4)[None]
            truth = scan_truth(fault)[side]
            found["kelvin"] = float((maps.temperature[side] - truth).mean() / np.median(maps.sigma[side]))
            jump = ["eels", "jump", f"{folder}/map.h5", "--at", place, "--json"]
            status, shown, messages = run(jump)
            found["messages"] += messages
            found["status"] = status
        if status == 0:
            found |= jump_numbers(json.loads(shown)["derived"])
        found["said"] = bool(fault in SAID and re.search(SAID[fault], found["messages"]))
        return found


def scan_truth(fault: str) -> np.ndarray:
    """(rows, columns) true temperatures."""
    x, y = (np.arange(COLUMNS) - COLUMNS / 2 + 0.5), np.arange(ROWS) - (ROWS - 1) / 2
    across = np.broadcast_to(x, (ROWS, COLUMNS))
    if fault == "oblique":
        across = across * np.cos(np.radians(20.0)) - y[:, None] * np.sin(np.radians(20.0))
    return MEAN + np.where(across < 0, JUMP / 2 + LEFT * across, -JUMP / 2 + RIGHT * across)


def jump_numbers(held: dict[str, Any]) -> dict[str, Any]:
    """Deviation and error of the jump, and whether intervals hold the truth."""
    sigma, (low, high) = held["jump_sigma"]["value"], held["jump_interval"]["value"]
    shortest, longest = held["kapitza_intervals"]["value"][0]
    length = -JUMP / LEFT * nm
    return {
        "sigma": sigma,
        "jump": (0.5 * (low + high) - JUMP) / sigma,
        "inside": low <= JUMP <= high,
        "length": shortest <= length <= (np.inf if longest is None else float(longest)),
    }


def report(fault: str, found: list[dict[str, Any]], usual: float) -> float:
    """Print one line; return the median error of the jump."""
    done = [one for one in found if "jump" in one]
    cured = [
        "jump" in one and abs(one["jump"]) < 3 and abs(one["kelvin"]) < 1 and one["sigma"] < 2.5 * usual
        for one in found
    ]
    either = [good or one["said"] for good, one in zip(cured, found, strict=True)]
    numbers = {
        name: np.array([one[name] for one in done], dtype=float)
        for name in ("jump", "kelvin", "sigma", "inside", "length")
    }
    if not done:
        print(f"{fault:20s} refused; cured or said {sum(either):3d} of {len(found)}", flush=True)
        return np.inf
    means = {name: float(one.mean()) for name, one in numbers.items()}
    print(
        f"{fault:20s} cured {sum(cured):3d}, cured or said {sum(either):3d} of {len(found)}; deviation of jump "
        f"{means['jump']:+.2f} ± {numbers['jump'].std():.2f}, of T {means['kelvin']:+.2f} σ; inside of 95 %: jump "
        f"{means['inside']:.3f}, length {means['length']:.3f}; jump to {np.median(numbers['sigma']):.2f} K",
        flush=True,
    )
    return float(np.median(numbers["sigma"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Faults of detectors, cured or said.")
    parser.add_argument("--scans", type=int, default=16)
    parser.add_argument("--only", choices=FAULTS)
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    usual = np.inf
    with ProcessPoolExecutor(chosen.workers) as pool:
        for fault in FAULTS if chosen.only is None else (chosen.only,):
            found = list(pool.map(partial(one, fault), range(chosen.scans)))
            error = report(fault, found, usual)
            usual = error if fault == "none" else usual


if __name__ == "__main__":
    main()
