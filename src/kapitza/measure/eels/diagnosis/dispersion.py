"""Energy scale of a spectrometer, checked against the known energies of the modes."""

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, positive
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.spectrum import SpectrumImage

_SAMPLE_PIXELS = 256  # pixels that give the scale of a scan
_LEAST_SHIFT, _SURE_ERRORS = 5e-3, 4.0  # relative, and in standard uncertainties: less is nothing to speak of
_COMMON_SHARE = 0.25  # of a shift by which one mode may differ from that of all


@frozen(eq=False)
class EnergyScale(BaseRecord):
    r"""Fitted over expected energies of the modes; temperatures go with it, since $T = E/k_B\ln(L/G)$.

    Attributes
    ----------
    by_mode, by_mode_sigma : (m,) of each mode
    """

    modes: tuple[str, ...]
    value: float = field(metadata=about("1", "energy scale"))
    sigma: float = field(metadata=about("1", "its statistical uncertainty"))
    by_mode: Array = field(converter=positive, metadata=about("1", "energy scale by mode"))
    by_mode_sigma: Array = field(converter=positive, metadata=about("1", "its uncertainty by mode"))

    @property
    def wrong(self) -> bool:
        """Whether all modes lie off their energies by one factor, as a wrong dispersion moves them."""
        shift = abs(self.value - 1)
        together = np.abs(self.by_mode - self.value) < _COMMON_SHARE * shift + _SURE_ERRORS * self.by_mode_sigma
        return bool(shift > max(_LEAST_SHIFT, _SURE_ERRORS * self.sigma) and together.all())


def energy_scale(found: TemperatureMap) -> EnergyScale:
    """Energy scale of a fitted map: weighted mean of fitted over expected energies.

    Parameters
    ----------
    found : fit of spectra whose modes were free to move

    Raises
    ------
    InputError
        if no pixel shows the energy of any mode, or the map does not hold what was expected
    """
    if not found.expected_energy.size:
        raise InputError("the map holds no expected energies of its modes: fit the spectra again")
    names: list[str] = []
    values: list[float] = []
    errors: list[float] = []
    for mode, expected in zip(found.modes, found.expected_energy.tolist(), strict=True):
        name = f"{mode}.energy"
        sigma = found.parameter_sigma(name)
        use = found.is_determined(name) & (sigma > 0)
        if not use.any():
            continue
        weight = 1 / np.square(sigma[use] / expected)
        names.append(mode)
        values.append(float(np.sum(weight * found.parameter(name)[use]) / (weight.sum() * expected)))
        errors.append(float(1 / np.sqrt(weight.sum())))
    if not names:
        raise InputError(f"none of {found.good.size} pixels shows the energy of a mode: there is nothing to go by")
    ratio, error = np.array(values), np.array(errors)
    weight = 1 / error**2
    return EnergyScale(
        tuple(names), float(np.sum(weight * ratio) / weight.sum()), float(1 / np.sqrt(weight.sum())), ratio, error
    )


def with_energy_scale(image: SpectrumImage, scale: float) -> SpectrumImage:
    """Return spectra whose energy axis is divided by a scale."""
    if not 0 < scale < np.inf:
        raise InputError(f"energy scale {scale:g}: expected a number above 0")
    return evolve(image, energy=image.energy / scale)


def sample_pixels(image: SpectrumImage, most: int = _SAMPLE_PIXELS) -> SpectrumImage:
    """Return pixels from all over an image, as a line."""
    chosen = np.unique(np.linspace(0, image.pixels - 1, most).astype(int))
    counts = np.concatenate([image.block(int(i), int(i) + 1) for i in chosen]) / image.electrons_per_count
    return evolve(image, counts=counts, position=(np.arange(len(counts), dtype=float),))
