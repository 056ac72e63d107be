"""CPU time of fits of spectra, ours and HyperSpy's on one image: `OMP_NUM_THREADS=1 python benchmarks/eels_fit.py`.

1024 channels, 3 modes, 14 free parameters, counting noise.  HyperSpy (2.x, in the same environment) is given the same
lines as components with analytic derivatives and a variance without zeros: weighted least squares by
Levenberg-Marquardt and its Poisson likelihood by Nelder-Mead, each pixel from a user's guess, as ours begins each anew;
and least squares along the scan, each pixel from what its neighbour ended at and the first from the truth.  Nelder-Mead
may end far from the truth: the error of the temperature is printed beside the time.  Without HyperSpy only ours is
timed.  `--shapes` times every shape of the zero-loss peak on spectra of that shape, `--first` the first fit of all,
with its compilation, in a process of its own with an empty cache.  `--scale` fits an image of 256 x 256 x 2048 from a
file on the disk (0.5 GB) and tells the memory it took.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kapitza.core.profile import Profile
from kapitza.errors import MissingEngine, require
from kapitza.measure.eels.experiment import EelsExperiment, simulate_spectra
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.model import (
    ZERO_LOSS_SHAPES,
    SpectrumModel,
    VibrationalMode,
    ZeroLossShape,
    channel_grid,
    expected_spectrum,
)
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.measure.eels.vacuum import zero_loss_from_vacuum
from kapitza.units import meV, nm

KELVIN, DOSE = 430.0, 6e7
MODES = tuple(
    VibrationalMode(name, energy * meV, width * meV, share)
    for name, energy, width, share in (("a", 47, 5.0, 4e-4), ("b", 82, 4.5, 6e-4), ("c", 97, 5.0, 1e-4))
)
K_B = 0.08617333262  # meV/K
BAR, LM_BAR, POISSON_BAR, FIRST_BAR = 0.15, 100, 10_000, 10


def image_of(pixels: int, channels: int = 1024) -> SpectrumImage:
    energy = (np.arange(channels) - channels / 2) * 512 / channels * meV
    at = np.arange(pixels) * nm
    profile = Profile(at, np.full(pixels, KELVIN))
    plan = EelsExperiment(left=MODES, electrons=DOSE, fwhm=8 * meV, energy=energy, rows=1, drift=0.3 * meV)
    return simulate_spectra(plan, profile, seed=4)


def cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def ours(image: SpectrumImage, repeats: int) -> float:
    """Milliseconds a pixel after a warm-up; start values included."""
    fit_spectra(image, MODES)
    runs = [cpu(lambda: fit_spectra(image, MODES)) for _ in range(repeats)]
    found = runs[0][1]
    off, left = found.temperature - KELVIN, int((~found.good).sum())
    one = 1e3 * statistics.median(t for t, _ in runs) / image.pixels
    print(f"{'kapitza, Poisson likelihood':44s} {one:10.3f} ms a pixel (bar {BAR}); {score(off)}; {left} not settled")
    return one


def score(off: Any) -> str:
    return f"T off by {off.mean():+.2f} K, sd {off.std():.2f} K"


PEAK = (
    "amplitude*((1-eta)*0.939437278699651/fwhm*exp(-2.772588722239781*((x-c)/fwhm)**2)"
    "+eta*0.6366197723675814*fwhm/(4*(x-c)**2+fwhm**2))"
)
WIDE = "(width**2+0.18033688011112042*fwhm**2)"  # of a line behind the resolution
PAIR = (
    f"strength*0.3989422804014327/sqrt{WIDE}/(1-exp(-en/exp(logkt)))"
    f"*(exp(-(x-c-en)**2/(2*{WIDE}))+exp(-en/exp(logkt))*exp(-(x-c+en)**2/(2*{WIDE})))"
)


def hyperspy_model(image: SpectrumImage, pixels: int) -> Any:
    """A peak and three pairs of loss and gain, tied by centre, resolution and temperature."""
    hs = require("hyperspy.api", extra="eels", why="the comparison")
    counts = image.block(0, pixels)
    signal = hs.signals.Signal1D(counts)
    axis, step = signal.axes_manager[-1], float(image.step / meV)
    axis.offset, axis.scale = float(image.energy[0] / meV), step
    # a variance of 0 in any channel would end each fit where it starts
    signal.set_noise_variance(hs.signals.Signal1D(np.maximum(counts, 1.0)))
    model, build = signal.create_model(), hs.model.components1D.Expression
    peak = build(expression=PEAK, name="peak", amplitude=DOSE * step, c=0.0, fwhm=8.0, eta=0.02)
    pairs = [
        build(
            expression=PAIR,
            name=mode.name,
            strength=(mode.intensity or 0.0) * DOSE * step,
            c=0.0,
            en=mode.energy / meV,
            width=mode.width / meV,
            fwhm=8.0,
            logkt=float(np.log(K_B * KELVIN)),
        )
        for mode in MODES
    ]
    model.extend([peak, *pairs])
    for pair in pairs:
        pair.c.twin, pair.fwhm.twin = peak.c, peak.fwhm
        if pair is not pairs[0]:
            pair.logkt.twin = pairs[0].logkt
    free = sum(len([p for p in component.free_parameters if p.twin is None]) for component in model)
    if free != 14:
        raise SystemExit(f"HyperSpy sees {free} free parameters, expected 14")
    return model


def guess(model: Any) -> None:
    """Set start values as one reads them off a spectrum, the same in each pixel."""
    peak, *pairs = list(model)
    peak.amplitude.value, peak.fwhm.value, peak.eta.value = 0.8 * peak.amplitude.value, 10.0, 0.05
    for pair in pairs:
        pair.strength.value, pair.width.value, pair.en.value = 1.5 * pair.strength.value, 6.0, pair.en.value + 1.0
    pairs[0].logkt.value = float(np.log(K_B * 300))


def theirs(image: SpectrumImage, pixels: int, name: str, settings: dict[str, Any], *, anew: bool = False) -> float:
    model = hyperspy_model(image, pixels)
    if anew:
        guess(model)
    free = [p for component in model for p in component.parameters if p.twin is None]
    begin = [p.value for p in free]
    if "squares" in name:
        model.fit(**settings)  # warm-up
    for parameter, value in zip(free, begin, strict=True):
        parameter.value = value
        if anew:  # multifit takes what the maps hold, where they are set
            parameter.map["values"][:], parameter.map["is_set"][:] = value, True
    spent, _ = cpu(lambda: model.multifit(show_progressbar=False, iterpath="serpentine", **settings))
    kelvin = np.exp(model[1].logkt.map["values"]) / K_B
    one = 1e3 * spent / pixels
    print(f"{name:44s} {one:10.1f} ms a pixel; {score(kelvin - KELVIN)} ({pixels} pixels)")
    return one


def compare(image: SpectrumImage, own: float, pixels: int) -> None:
    try:
        hyperspy = require("hyperspy", extra="eels", why="the comparison")
    except MissingEngine:
        print("HyperSpy is missing: no comparison.  Install hyperspy 2.x beside kapitza and run again.")
        return
    print(f"HyperSpy {hyperspy.__version__}")
    least = {"optimizer": "lm", "grad": "analytical"}
    patient = {
        "maxiter": 200_000,
        "maxfev": 200_000,
        "adaptive": True,
    }  # its default of 2,800 ends far from the best fit
    poisson = {"optimizer": "Nelder-Mead", "loss_function": "ML-poisson", "options": patient}
    one = theirs(image, pixels, "HyperSpy multifit, lm, least squares, anew", least, anew=True)
    near = theirs(image, pixels, "HyperSpy multifit, lm, least squares, along", least)
    two = theirs(image, 4, "HyperSpy multifit, Poisson likelihood, anew", poisson, anew=True)
    print(f"{'ratios':44s} {one / own:10.0f} (bar {LM_BAR}), {near / own:.0f} and {two / own:.0f} (bar {POISSON_BAR})")


SHAPE_BAR = 0.2  # ms a pixel
PEAKS: dict[ZeroLossShape, list[float]] = {  # widths and decays in meV
    "pseudo-voigt": [8.0, 0.02],
    "split": [7.6, 8.4, 0.02, 0.03],
    "pearson": [8.0, 2.5],
    "tail": [8.0, 0.02, 0.002, 20.0],
    "reference": [8.0],
}


def draw(model: SpectrumModel, energy: Any, pixels: int, dose: float, share: float) -> Any:
    """Counts of a model, its modes at a share of their intensity, with a centre of its own in each pixel."""
    step = float(energy[1] - energy[0])
    units, rng = model.units(step), np.random.default_rng(7)
    peak = [value * (meV if unit == step else 1.0) for value, unit in zip(PEAKS[model.shape], units[2:], strict=False)]
    lines = [v for m in MODES for v in (m.energy, m.width, share * (m.intensity or 0.0) * dose)]
    x = np.tile(np.array([dose, 0.0, *peak, *lines, KELVIN]) / units, (pixels, 1))
    x[:, 1] = rng.normal(0, 0.3 * meV / step, pixels)
    grid = channel_grid(model, energy)
    blocks = [expected_spectrum(model, grid, x[i : i + 64])[0] for i in range(0, pixels, 64)]
    return rng.poisson(np.maximum(np.concatenate(blocks), 0.0)).astype(float)


def every_shape(pixels: int) -> None:
    """CPU time of a pixel for every shape, on spectra of that shape."""
    for channels in (512, 1024, 1536):
        energy = image_of(1, channels).energy
        vacuum = draw(SpectrumModel(MODES), energy, 1, 100 * DOSE, 0.0)
        measured = zero_loss_from_vacuum(SpectrumImage(vacuum, energy, (np.zeros(1),)))
        for shape in ZERO_LOSS_SHAPES:
            model = SpectrumModel(MODES, shape, reference=measured if shape == "reference" else None)
            image = SpectrumImage(draw(model, energy, pixels, DOSE, 1.0), energy, (np.arange(pixels) * nm,))
            found = fit_spectra(image, model)
            one = 1e3 / pixels * statistics.median(cpu(lambda a=image, b=model: fit_spectra(a, b))[0] for _ in range(5))
            off, left = found.temperature - KELVIN, int((~found.good).sum())
            print(
                f"{channels:5d} channels, {shape:12s} {one:8.3f} ms a pixel (bar {SHAPE_BAR}), "
                f"{found.iterations.mean():.2f} evaluations; {score(off)}; {left} not settled",
                flush=True,
            )


def first_fit() -> None:
    """CPU time of the first fit of a process with no machine code at hand."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--once"], env={**os.environ, "NUMBA_CACHE_DIR": folder}, check=True)


def linear() -> None:
    """Cost against pixels and channels."""
    for pixels, channels in ((256, 1024), (512, 1024), (1024, 1024), (1024, 512), (1024, 2048), (1024, 4096)):
        image = image_of(pixels, channels)
        fit_spectra(image, MODES)
        spent = statistics.median(cpu(lambda one=image: fit_spectra(one, MODES))[0] for _ in range(3))
        print(f"{pixels:6d} pixels of {channels} channels: {1e9 * spent / pixels / channels:8.1f} ns of CPU a count")


def scale(workers: int) -> None:
    """A large image in a file, in blocks."""
    import h5py

    lines, width, channels = 256, 256, 2048
    one = image_of(width, channels)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.h5"
        with h5py.File(path, "w") as file:
            held = file.create_dataset("counts", (lines, width, channels), dtype="f4")
            for i in range(lines):
                held[i] = rng.permutation(one.block(0, width))
        with h5py.File(path, "r") as file:
            axes = (np.arange(lines) * nm, np.arange(width) * nm)
            image = SpectrumImage(file["counts"], one.energy, axes)  # pyright: ignore[reportArgumentType]
            fit_spectra(one, MODES)
            before, wall = time.process_time(), time.monotonic()
            found = fit_spectra(image, MODES, executor=workers)
            spent, wall = time.process_time() - before, time.monotonic() - wall
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = f"{lines} x {width} x {channels}, {workers} workers"
    print(f"{size}: {spent:.1f} s of CPU, {wall:.1f} s (bar 60), at most {memory:.2f} GiB (bar 2)")
    print(f"{int((~found.good).sum())} pixels not good; {score(found.temperature[found.good] - KELVIN)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of fits of spectra.")
    parser.add_argument("--pixels", type=int, default=4096, help="of ours")
    parser.add_argument("--their-pixels", type=int, default=32, help="of HyperSpy's least squares")
    parser.add_argument("--shapes", action="store_true", help="every shape of the zero-loss peak")
    parser.add_argument("--first", action="store_true", help="the first fit, with its compilation")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--linear", action="store_true", help="cost against pixels and channels")
    parser.add_argument("--scale", action="store_true", help="256 x 256 x 2048 from a file")
    parser.add_argument("--workers", type=int, default=1, help="threads of --scale")
    chosen = parser.parse_args()
    others: dict[str, Callable[[], None]] = {
        "scale": lambda: scale(chosen.workers),
        "linear": linear,
        "shapes": lambda: every_shape(chosen.pixels),
        "first": first_fit,
        "once": lambda: print(f"{cpu(lambda: fit_spectra(image_of(16), MODES))[0]:.1f} s of CPU (bar {FIRST_BAR})"),
    }
    for name, measure in others.items():
        if getattr(chosen, name):
            measure()
            return
    image = image_of(chosen.pixels)
    compare(image, ours(image, 5), chosen.their_pixels)


if __name__ == "__main__":
    main()
