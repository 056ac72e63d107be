"""What a fit is told: limits, expectations and fixed values of the parameters, in the units of the search."""

import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.eels.chart import Chart, bent
from kapitza.measure.eels.model import Grid, SpectrumModel, grid_of, legendre
from kapitza.measure.eels.search import Detector, Freedom
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import k_B

HOTTEST = 2e4  # K: upper limit of temperatures, and of the occupations that belong to them
COLDEST = 40.0  # E/k_B T at the lower limit, at least 1 K: gain there is 4e-18 of loss, below all that can be counted


@frozen(eq=False)
class Task:
    """All that the fit of one pixel needs beside its counts, in channels and electrons."""

    model: SpectrumModel
    grid: Grid
    detector: Detector
    freedom: Freedom
    step: float
    kernel: ModuleType | None
    start: Array = field(factory=lambda: np.zeros(0))

    @property
    def smooth(self) -> NDArray[Any]:
        """(terms, n) terms of the background."""
        return np.ascontiguousarray(legendre(self.grid.channels, self.model.background))


def planned(
    image: SpectrumImage,
    model: SpectrumModel,
    fixed: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    priors: Mapping[str, tuple[float, float]],
    loose: float,
    kernel: ModuleType | None,
) -> Task:
    """Everything that does not depend on the counts."""
    known_names(model, fixed, bounds, priors)
    n, unit = image.energy.size, image.electrons_per_count
    # copies: the compiled search is made for arrays that may be written to, and would be made again for others
    dark, variance = (np.array(np.broadcast_to(v, n)) for v in (image.dark, image.dark_variance))
    response = np.array(np.broadcast_to(image.response, n))
    if ((dark > 0) & (variance == 0)).any():
        warnings.warn(
            f"a dark count of {dark.max():.3g} without any noise makes the errors of the fit too small: give the "
            "dark_variance of the image, readout and dark current together, or dark spectra (with_dark)",
            ValidityWarning,
            stacklevel=3,
        )
    detector = Detector(dark * unit, response, variance * unit**2)
    units = model.units(image.step)
    low, high, prior, weight = limits(model, units, loose)
    place = {name: i for i, name in enumerate(model.names)}
    for name, (least, most) in bounds.items():
        if not least < most:
            raise InputError(f"bounds of {name} = ({least:g}, {most:g}), wanted the lower one first")
        low[place[name]], high[place[name]] = least / units[place[name]], most / units[place[name]]
    for name, (value, sigma) in priors.items():
        if not sigma > 0:
            raise InputError(f"prior of {name} has the uncertainty {sigma:g}, wanted above 0 (or put it into `fixed`)")
        prior[place[name]], weight[place[name]] = value / units[place[name]], (units[place[name]] / sigma) ** 2
    free = np.array([name not in fixed for name in model.names])
    words = ("energy", "width", "fwhm", "fwhm_gain", "fwhm_loss", "exponent")
    curved = np.array([name.rsplit(".", 1)[-1] in words for name in model.names])
    late = np.zeros(free.size, dtype=bool)
    late[model.first_mode : model.first_tie] = np.tile([True, True, False], len(model.modes))
    weight[~free] = 0.0
    chart = charted(model, units, low, high, free)
    low, high = (bent(Chart(chart.energy, np.full_like(chart.owner, -1)), end) for end in (low, high))
    return Task(
        model,
        grid_of(model, image.energy),
        detector,
        Freedom(free, low, high, curved, late, prior, weight, chart),
        image.step,
        kernel,
    )


def charted(model: SpectrumModel, units: Array, low: Array, high: Array, free: NDArray[np.bool_]) -> Chart:
    """Coordinates of the search; an intensity that is fixed or has limits of its own is not bent."""
    energy, owner = np.full(free.size, -1.0), np.full(free.size, -1, dtype=np.int64)
    for j, mode in enumerate(model.modes):
        place = model.first_tie + (0 if model.tie == "common" else j)
        # of modes that share a temperature, the lowest: its ratio of gain to loss changes most evenly
        own = mode.energy / units[model.first_mode + 3 * j]
        energy[place] = 0.0 if model.tie == "occupation" else own if energy[place] < 0 else min(own, energy[place])
        at = model.first_mode + 3 * j + 2
        if free[at] and low[at] == 0.0 and np.isinf(high[at]):
            owner[at] = place
    return Chart(energy, owner)


def known_names(model: SpectrumModel, *named: Mapping[str, Any]) -> None:
    """Refuse parameters that the model does not have."""
    for name in (name for some in named for name in some):
        if name not in model.names:
            raise InputError(f"no parameter {name!r} in the model: expected one of {', '.join(model.names)}")


def limits(model: SpectrumModel, units: Array, loose: float) -> tuple[Array, Array, Array, Array]:
    """(p,) lowest, highest, expected value and inverse variance of the parameters, in channels."""
    p = len(model.names)
    low, high, prior, weight = np.full(p, -np.inf), np.full(p, np.inf), np.zeros(p), np.zeros(p)
    by_word = {
        "amplitude": (0.0, np.inf),
        "fwhm": (1e-2, np.inf),
        "fwhm_gain": (1e-2, np.inf),
        "fwhm_loss": (1e-2, np.inf),
        "lorentzian": (0.0, 1.0),
        "lorentzian_gain": (0.0, 1.0),
        "lorentzian_loss": (0.0, 1.0),
        "exponent": (0.6, 500.0),
        "intensity": (0.0, np.inf),
    }
    energies = [mode.energy for mode in model.modes]
    for i, name in enumerate(model.names):
        word = name.rsplit(".", 1)[-1]
        low[i], high[i] = by_word.get(word, (-np.inf, np.inf))
        if i in range(model.first_tie, model.first_tie + model.ties):
            own = energies if model.tie == "common" else [energies[i - model.first_tie]]
            coldest = max(1.0, min(own) / (COLDEST * k_B))
            hottest = 1 / np.expm1(own[0] / (k_B * HOTTEST))
            low[i], high[i] = (-0.45, hottest) if word == "occupation" else (coldest / units[i], HOTTEST / units[i])
    for j, mode in enumerate(model.modes):
        at = model.first_mode + 3 * j
        for i, value in ((at, mode.energy), (at + 1, mode.width)):
            prior[i] = value / units[i]
            weight[i] = (units[i] / (loose * mode.width)) ** 2 if loose else 0.0
        low[at], high[at] = np.array(between(model, j)) / units[at]
        low[at + 1], high[at + 1] = 0.1 * prior[at + 1], 10 * prior[at + 1]
    return low, high, prior, weight


def between(model: SpectrumModel, j: int) -> tuple[float, float]:
    """Limits of the energy of a mode, J: half way to its neighbours, so that modes do not change places."""
    own = model.modes[j].energy
    half_way = [0.5 * (own + mode.energy) for mode in model.modes if mode.energy != own]
    low = max([0.5 * own, *(value for value in half_way if value < own)])
    return low, min([1.5 * own, *(value for value in half_way if value > own)])
