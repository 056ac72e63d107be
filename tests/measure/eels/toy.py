"""A vibrational spectrum in a few lines, for tests: normal peaks at plus and minus E, zero-loss peak, no noise."""

import numpy as np

from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import meV, nm

KB = 0.08617333262  # meV/K
ENERGY = np.arange(-256.0, 256.0, 0.5)  # meV
QUANTA, WIDTHS = np.array([47.0, 82.0, 97.0]), np.array([5.0, 4.5, 5.0])  # energies and standard deviations, meV
ALN, SIC = np.array([0.357, 1.0, 0.0]), np.array([0.283, 0.127, 1.0])
SIGMA = 2 * np.sqrt(2 * np.log(2))


def bose(quantum: np.ndarray | float, kelvin: np.ndarray | float) -> np.ndarray:
    return 1 / np.expm1(quantum / (KB * np.asarray(kelvin, dtype=float)))


def peak(energy: np.ndarray, at: float, sigma: float) -> np.ndarray:
    return 0.5 * np.exp(-(((energy - at) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))


def spectrum(
    strength: np.ndarray,
    occupation: np.ndarray,
    fwhm: float = 8.0,
    *,
    quanta: np.ndarray = QUANTA,
    widths: np.ndarray = WIDTHS,
    zero_loss: float = 0.0,
    tail: float = 0.02,
    centre: float = 0.0,
) -> np.ndarray:
    """Counts per channel: gain strength n, loss strength (n + 1), and a pseudo-Voigt zero-loss peak."""
    blur, e = fwhm / SIGMA, ENERGY - centre
    found = zero_loss * ((1 - tail) * peak(e, 0.0, blur) + tail * 0.5 * fwhm / (2 * np.pi) / (e**2 + fwhm**2 / 4))
    for s, n, q, w in zip(strength, occupation, quanta, np.hypot(widths, blur), strict=True):
        found = found + s * ((n + 1) * peak(e, q, w) + n * peak(e, -q, w))
    return found


def expected_counts(
    modes: tuple[VibrationalMode, ...], kelvin: np.ndarray | float, dose: float, fwhm: float = 8.0, tail: float = 0.02
) -> np.ndarray:
    """(..., channels) expected electrons by the forward model of the package, a temperature for each pixel or mode.

    `kelvin` is (...,) with one for all modes, or (..., m) with `m` modes.
    """
    model = SpectrumModel(modes, tie="each")
    temperature = np.atleast_1d(np.asarray(kelvin, dtype=float))
    if temperature.shape[-1] != len(modes) or temperature.ndim == 1:
        temperature = np.repeat(temperature[..., None], len(modes), axis=-1)
    flat = temperature.reshape(-1, len(modes))
    lines = [v for m in modes for v in (m.energy, m.width, dose * (m.intensity or 0.0))]
    start = np.tile([dose, 0.0, fwhm * meV, tail, *lines], (len(flat), 1))
    axis = ENERGY * meV
    x = np.hstack([start, flat]) / model.units(0.5 * meV)
    return expected_spectrum(model, channel_grid(model, axis), x)[0].reshape(*temperature.shape[:-1], ENERGY.size)


def modes_of(*strengths: float | None) -> tuple[VibrationalMode, ...]:
    """Modes at 47, 82 and 97 meV with these intensities."""
    lines = zip(QUANTA, WIDTHS, strengths, strict=True)
    return tuple(VibrationalMode(f"m{q:.0f}", q * meV, w * meV, s) for q, w, s in lines)


def image_of(counts: np.ndarray, pitch: float = nm) -> SpectrumImage:
    """Pixels about 0 along each axis of position."""
    axes = tuple((np.arange(n) - (n - 1) / 2) * pitch for n in counts.shape[:-1])
    return SpectrumImage(counts, ENERGY * meV, axes)
