"""Temperatures from ratios of gain to loss in the recorded spectrum, for comparison: fast, with a known bias.

Detailed balance holds before the spectrometer blurs the spectrum, not after, and a window has no single energy: an
interface of one temperature shows a step, which `fit_spectra` does not.
"""

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, increasing, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.units import k_B, meV

LineThrough = Literal["origin", "free"]

# False step (K) that an isothermal interface at 400 K shows between spectra like those of AlN (47, 82 meV; strengths
# 0.357, 1) and of SiC (47, 82, 97 meV; 0.283, 0.127, 1) at 8 meV resolution without background, windows in meV.
BIAS: Mapping[str, Mapping[tuple[int, int], float]] = MappingProxyType(
    {
        "centre": {(30, 120): 52.0, (70, 110): 60.0},
        "centroid": {(30, 120): -15.0, (70, 110): 0.2},
        "origin": {(30, 120): 0.8, (70, 110): 2.5},
    }
)


@frozen(eq=False)
class RatioTemperature(BaseRecord):
    """Temperature by a shortcut."""

    temperature: Array = field(
        converter=real_array, metadata=about("K", "(...) temperature; NaN where gain is not below loss")
    )
    sigma: Array = field(converter=real_array, metadata=about("K", "(...) counting error, without the bias"))
    method: str  # name of the shortcut


def window_temperature(
    energy: ArrayLike, counts: ArrayLike, low: float, high: float, *, at: Literal["centre", "centroid"] = "centre"
) -> RatioTemperature:
    r"""Temperature from the counts in a window on either side, $T = E / k_B\ln(L/G)$, with one energy for all of them.

    Energies (channels,) are measured from the zero-loss peak, J; counts (..., channels) are without background and
    dark. The window from `low` to `high` (J) is mirrored on the gain side; `at` is the energy that stands for it: its
    centre, or the centroid of the loss in it.  Always warns: an interface without a step shows one of +52 K (centre,
    30 to 120 meV) or -15 K (centroid).
    """
    axis, spectra, loss, gain = _gain_loss_windows(energy, counts, low, high)
    up, down = spectra[..., loss].sum(axis=-1), spectra[..., gain].sum(axis=-1)
    if at == "centre":
        middle = np.full(up.shape, (low + high) / 2)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = (spectra[..., loss] * axis[loss]).sum(axis=-1) / up
    _warn_of_bias(f"gain/loss ratio at the {at} of a window", at)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(np.where((down > 0) & (up > down), up / down, np.nan))
        temperature = middle / (k_B * ratio)
        sigma = k_B * temperature**2 / middle * np.sqrt(1 / down + 1 / up)
    return RatioTemperature(temperature, sigma, f"window ratio, {at}")


def log_ratio_temperature(
    energy: ArrayLike, counts: ArrayLike, low: float, high: float, *, line: LineThrough = "origin"
) -> RatioTemperature:
    r"""Temperature from a straight line through $\ln(L/G)$ of mirrored channels against energy, slope $1/k_BT$.

    Arguments are those of `window_temperature`; channels without counts on either side are left out.  The line goes
    through the "origin", as detailed balance demands, or has a "free" intercept.  Always warns: the resolution bends
    the line; an interface without a step shows up to some K, and with a free intercept tens to hundreds.
    """
    axis, spectra, loss, _ = _gain_loss_windows(energy, counts, low, high)
    mirrored = np.abs(axis[:, None] + axis[loss]).argmin(axis=0)
    up, down, x = spectra[..., loss], spectra[..., mirrored], axis[loss] / k_B
    both = (up > 0) & (down > 0)
    weight = np.where(both, 1 / (1 / np.where(both, up, 1) + 1 / np.where(both, down, 1)), 0.0)
    ratio = np.where(both, np.log(np.where(both, up, 1) / np.where(both, down, 1)), 0.0)
    total = np.maximum(weight.sum(axis=-1), np.finfo(float).tiny)
    shift = (weight * x).sum(axis=-1) / total if line == "free" else np.zeros(total.shape)
    lever = x - shift[..., None]
    spread = (weight * lever**2).sum(axis=-1)
    _warn_of_bias("straight line through the log of gain over loss" + (", free intercept" * (line == "free")), line)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (weight * lever * ratio).sum(axis=-1) / spread
        temperature = np.where(slope > 0, 1 / slope, np.nan)
        sigma = temperature**2 / np.sqrt(spread)
    return RatioTemperature(temperature, sigma, f"log-ratio line, {line}")


def _gain_loss_windows(
    energy: ArrayLike, counts: ArrayLike, low: float, high: float
) -> tuple[Array, Array, BoolArray, BoolArray]:
    """Axis and counts as arrays, and the channels of the window on the loss and on the gain side."""
    axis, spectra = increasing(energy), real_array(counts)
    if spectra.shape[-1:] != axis.shape:
        raise InputError(f"counts have shape {spectra.shape} for {axis.size} channels")
    if not 0 < low < high <= min(axis[-1], -axis[0]):
        raise InputError(
            f"window from {low / meV:g} to {high / meV:g} meV, wanted 0 < low < high and both sides inside of "
            f"{axis[0] / meV:g} to {axis[-1] / meV:g} meV"
        )
    return axis, spectra, (axis >= low) & (axis <= high), (-axis >= low) & (-axis <= high)


def _warn_of_bias(what: str, key: str) -> None:
    steps = BIAS.get(key)
    bias = "tens to hundreds of kelvin, even without a temperature where the line runs uphill"
    if steps:
        bias = ", ".join(f"{step:+g} K ({low} to {high} meV)" for (low, high), step in steps.items())
    warnings.warn(
        ValidityWarning(
            f"{what}: an interface of one temperature, 400 K, between AlN- and SiC-like spectra shows a false step of "
            f"{bias}",
            hint=Hint(python="fit_spectra shows none", command="`kapitza eels fit` shows none"),
        ),
        stacklevel=3,
    )
