r"""Spectral heat flux of a run, the transmissions and conductances that follow from it, and temperatures of its modes.

A simulation is classical: every vibration carries $k_B\Delta T$, so that $\Xi(\omega) = 2\pi q(\omega)/k_B\Delta T$.
ΔT says which conductance it is: between the thermostats (or what they emit) it is the one of Landauer and of
atomistic Green functions, across the extrapolated jump it is the one of experiments.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, increasing, positive, temperatures
from kapitza.core.conductance import Conductance, Drop
from kapitza.core.occupation import Occupation, Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, ValidityWarning
from kapitza.simulate.md.analysis.nemd import NemdResult
from kapitza.simulate.md.observers.spectral_flux import (
    SpectralFlux,
    VelocitySpectra,
    band_overlaps,
    spectral_temperatures,
)
from kapitza.simulate.md.observers.welch import group_rows, jackknife
from kapitza.simulate.md.runs.run import Run
from kapitza.units import THz, k_B

_BAND_SIGNIFICANCE = 2.0  # standard uncertainties above zero at which a band stands for itself
_NEGATIVE_SIGNIFICANCE = 3.0  # standard uncertainties below zero that are no longer noise


def spectral_conductance(
    flux: SpectralFlux, difference: float, temperature: ArrayLike, *, drop: Drop, statistics: Statistics = "quantum",
    difference_sigma: float = 0.0,
) -> Conductance:  # fmt: skip
    r"""Conductance of a simulated spectrum at (nT,) K, frequency by frequency in quantum statistics.

    $G(T) = \int\frac{q(\omega)}{\Delta T}\left(\frac{x/2}{\sinh x/2}\right)^2 d\omega$ with $x = \hbar\omega/k_BT$; in
    classical statistics the integral alone.  The noise of the spectrum enters as it is: nothing below zero is cut off.
    The occupations are made quantum, the scattering is not: what an anharmonic crystal does at the temperature of the
    simulation is taken for granted at the others.  `difference` is the ΔT (K) that drove the spectrum, `drop` what it
    is: "emitted" between thermostats that absorb all that comes, "extrapolated" across the jump of the profile.
    """
    _check_difference(difference)
    wanted = temperatures(temperature)
    share = mode_heat_capacity(flux.omega, wanted, statistics) / k_B * flux.weights
    value, sigma = flux.estimate(lambda mean: share @ mean / difference)
    if (value < 0).any():
        raise InputError(f"{flux.label}: a conductance of {value.min():.3g} W/m²K: was ΔT = {difference:g} K the drop?")
    spread = np.hypot(sigma, value * difference_sigma / difference)
    known = None if np.isnan(spread).any() else spread
    return Conductance(wanted, value, known, drop, statistics=statistics, method=flux.label)


def classical_transmission(
    flux: SpectralFlux, difference: float, temperature: float, *, edges: ArrayLike | None = None
) -> tuple[Transmission, Array]:
    r"""Transmission function $\Xi(\omega) = 2\pi q(\omega)/k_B\Delta T$ of a simulated spectrum, with its error.

    A transmission is not negative, a spectrum with noise may be.  Neighbouring frequencies are joined until each band
    is above zero by two standard uncertainties, so that the integral stays what it was and nothing is cut off; the
    last band is joined to its neighbour if it does not get there.  A band below zero is refused: noise asks for wider
    `edges` (rad s⁻¹), and anharmonic scattering may truly turn the flux of some frequencies round.
    """
    _check_difference(difference)
    bounds = significant_edges(flux) if edges is None else increasing(edges)
    value, sigma = flux.bands(bounds)
    scale = 2 * np.pi / (k_B * difference)
    if (value < 0).any():
        i = int(np.argmin(value / sigma))
        noise = value[i] >= -_NEGATIVE_SIGNIFICANCE * sigma[i]
        reason = "noise: take wider bands" if noise else "more than noise: no transmission has it"
        raise InputError(
            f"{flux.label}: Ξ = {scale * value[i]:.3g} ± {scale * sigma[i]:.2g} m⁻² from {bounds[i]:.3g} to "
            f"{bounds[i + 1]:.3g} rad/s, {reason}; the spectrum itself keeps every value"
        )
    return Transmission(
        (bounds[1:] + bounds[:-1]) / 2, scale * value, weight=np.diff(bounds), method=flux.label, elastic=False,
        temperature=float(temperature),
    ), scale * sigma  # fmt: skip


def significant_edges(flux: SpectralFlux, clear: float = _BAND_SIGNIFICANCE) -> Array:
    """(n + 1,) edges of the narrowest bands that stand above zero by `clear` standard uncertainties each."""
    total, error = flux.total
    if not total > clear * error:
        raise InputError(
            f"{flux.label}: a heat flux of {total:.3g} ± {error:.2g} W/m² is not above zero by {clear:g} "
            "standard uncertainties: run longer"
        )
    parts, weights = group_rows(flux.parts, flux.counts)
    running = np.cumsum(parts * flux.weights, axis=1)

    def stands(heat: Array) -> bool:
        value, sigma = jackknife(heat[:, None], weights, lambda mean: mean)
        return float(value[0]) > clear * float(np.nan_to_num(sigma[0]))

    border = np.append((flux.omega[1:] + flux.omega[:-1]) / 2, flux.omega[-1])
    kept: list[int] = []
    nothing = np.zeros(len(parts))
    for i in range(flux.omega.size):
        if stands(running[:, i] - (running[:, kept[-1]] if kept else nothing)):
            kept.append(i)
    while len(kept) > 1 and not stands(running[:, -1] - running[:, kept[-2]]):
        del kept[-2]
    return np.concatenate([flux.omega[:1], border[kept[:-1]], border[-1:]])


@frozen(eq=False)
class ElasticSplit(BaseRecord):
    """What elastic transmission explains of a simulated spectrum, and what it does not."""

    edges: Array = field(converter=increasing, metadata=about("rad s^-1", "edges of the bands"))  # (n + 1,)
    total: Array = field(metadata=about("m^-2", "simulated transmission function"))  # (n,) simulated Ξ
    sigma: Array = field(metadata=about("m^-2", "uncertainty of the simulated one"))
    elastic: Array = field(metadata=about("m^-2", "elastic transmission function"))  # (n,) Ξ of the elastic theory
    share: float = field(metadata=about("1", "part of the heat that is not elastic"))
    share_sigma: float = field(metadata=about("1", "uncertainty of the part"))

    @property
    def inelastic(self) -> Array:
        """(n,) simulated less elastic Ξ, m⁻²; below zero where scattering takes more away than it brings."""
        return self.total - self.elastic


def elastic_split(flux: SpectralFlux, difference: float, elastic: Transmission, edges: ArrayLike) -> ElasticSplit:
    r"""Compare a simulated spectrum with an elastic theory of the same junction, in bands between `edges` (rad s⁻¹).

    The share is $1 - \int\Xi_\mathrm{el}\,d\omega/\int\Xi\,d\omega$, the heat that is not elastic on balance;
    `difference` (K) is between what the thermostats emit, not the jump of the profile.
    """
    _check_difference(difference)
    if not elastic.elastic:
        raise InputError(f"{elastic.method!r} is inelastic: there is nothing to split by it")
    bounds = increasing(edges)
    value, sigma = flux.bands(bounds)
    inside = np.histogram(elastic.omega, bounds)[0]
    if (inside < 1).any() and elastic.omega[-1] > bounds[int(np.argmin(inside))]:
        bands = f"{int((inside < 1).sum())} of {inside.size} bands hold none of its {elastic.omega.size} frequencies"
        warnings.warn(f"{elastic.method or 'elastic'}: {bands}: give it more", ValidityWarning, stacklevel=2)
    theory = band_averages(elastic, bounds)
    scale, widths = 2 * np.pi / (k_B * difference), np.diff(bounds)
    carried = float(theory @ widths) / scale
    inner = band_overlaps(flux.omega, bounds[[0, -1]])[0]
    share, share_sigma = flux.estimate(lambda mean: np.atleast_1d(1 - carried / (mean @ inner)))
    return ElasticSplit(bounds, scale * value, scale * sigma, theory, float(share[0]), float(share_sigma[0]))


def band_averages(elastic: Transmission, edges: Array) -> Array:
    """(n,) mean Ξ between neighbouring edges, m⁻²; 0 beyond its frequencies."""
    omega, total = elastic.omega, elastic.total
    fine = np.union1d(omega, edges)  # trapezoids end at the edges: bands add up to the whole integral
    value = np.interp(fine, omega, total, left=float(total[0]), right=0.0)
    area = np.concatenate([[0.0], np.cumsum(np.diff(fine) * (value[1:] + value[:-1]) / 2)])
    return np.diff(np.interp(edges, fine, area)) / np.diff(edges)


def _check_difference(difference: float) -> None:
    if not difference > 0:
        raise InputError(f"ΔT = {difference:g} K: wanted above 0, with the hot side on the left")
    positive([difference])


_FLUX_SIGNIFICANCE = 3.0  # standard uncertainties from which a heat flow is one
_NEGLIGIBLE = 1e-3  # of the largest transmission: where one ends
_ALIKE = 2.5  # times the highest frequency of the softer crystal, or a part of it, where that of its junction may end
_BAND_MARGIN = 1.05  # of the highest frequency at rest, up to which bands reach: heat widens the spectrum


@frozen(eq=False, kw_only=True)
class HeatSpectrum(BaseRecord):
    """Spectral heat flux of a run through the plane.

    Attributes
    ----------
    title : of the run
    result, flux : its jump and its spectral flux
    transmission : between the thermostats, classical, inelastic; None where noise allows none
    extrapolated, between_thermostats : conductances across the jump and between the thermostats, quantum-corrected
    split : against an elastic theory; None without one

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import argon_run
    >>> run = argon_run()
    >>> found = md.heat_spectrum(run, [30.0], bands=4)
    >>> print(found.heat.size, "bands;", found.extrapolated.drop, "and", found.between_thermostats.drop)
    4 bands; extrapolated and emitted
    """

    title: str
    result: NemdResult
    flux: SpectralFlux
    edges: Array = field(metadata=about("rad s^-1", "(n + 1,) edges of the bands"))
    heat: Array = field(metadata=about("W m^-2", "(n,) heat flux in each band"))
    heat_sigma: Array = field(metadata=about("W m^-2", "(n,) uncertainty of the heat flux"))
    highest_frequency: Array = field(
        metadata=about("rad s^-1", "(2,) highest angular frequency of both crystals at rest, 0 where unknown")
    )
    share_above: tuple[float, float] | None = field(
        metadata=about("1", "share of the heat above the lower of them and its uncertainty, None where unknown")
    )
    transmission: Transmission | None
    extrapolated: Conductance
    between_thermostats: Conductance
    split: ElasticSplit | None

    @property
    def direct(self) -> float | None:
        """Mean power through the plane with the weights of the spectrum, W m⁻²; None where it was not measured."""
        flux = self.flux
        return None if flux.direct is None else float(np.average(flux.direct, weights=flux.counts))

    @property
    def below(self) -> Array:
        """(n,) share of the heat below the upper edge of each band."""
        return np.cumsum(self.heat) / self.flux.total[0]


def _band_edges(run: Run, top: float, bands: int) -> Array:
    """(bands + 1,) edges from 0 to the highest frequency of a run, at most `top`, rad s⁻¹."""
    if bands < 1:
        raise InputError(f"{bands} bands, wanted at least 1")
    return np.linspace(0.0, min(_BAND_MARGIN * (float(run.highest_frequency.max()) or top), top), bands + 1)


def heat_spectrum(
    run: Run, temperature: Sequence[float] | None = None, *, elastic: Transmission | None = None, bands: int = 12
) -> HeatSpectrum:
    """Spectral heat flux through the plane, with the transmission and the conductances that follow from it.

    Parameters
    ----------
    run : between two thermostats, with its spectrum
    temperature : (nT,) of the quantum-corrected conductances, K; None: that of the plane
    elastic : transmission of the same junction by an elastic theory, held against the one between the thermostats
    bands : number of bands of frequency

    Raises
    ------
    InputError
        where no spectrum was taken, there is no jump, or the elastic theory is that of other crystals
    """
    found, flux = run.result(), run.flux()
    if not (found.jump > 0 and found.flux > 0):
        raise InputError(f"{run.title}: the jump is {found.jump:.3g} K: no spectrum of a conductance follows from it")
    kelvin = [found.temperature] if temperature is None else temperature
    edges = _band_edges(run, float(flux.omega[-1]), bands)
    value, sigma = flux.bands(edges)
    hot, cold = run.records[0].thermostat_temperatures
    error = float(np.sqrt(found.covariance[1, 1]))
    across = spectral_conductance(flux, found.jump, kelvin, drop="extrapolated", difference_sigma=error)
    between = spectral_conductance(flux, hot - cold, kelvin, drop="emitted")
    total, spread = flux.total
    clear = total > _FLUX_SIGNIFICANCE * spread
    lower = float(run.highest_frequency.min())
    if elastic is not None and lower:
        top = float(elastic.omega[elastic.total > _NEGLIGIBLE * elastic.total.max()].max(initial=0.0))
        if not lower / _ALIKE < top < lower * _ALIKE:
            raise InputError(
                f"{run.title}: the softer crystal has frequencies up to {lower / THz:.3g} THz, the transmission by "
                f"{elastic.method or 'the elastic theory'} ends at {top / THz:.3g} THz: wanted that of the same "
                "junction"
            )
    return HeatSpectrum(
        title=run.title, result=found, flux=flux, edges=edges, heat=value * np.diff(edges),
        heat_sigma=sigma * np.diff(edges), highest_frequency=run.highest_frequency,
        share_above=flux.share_above(lower) if lower else None,
        transmission=classical_transmission(flux, hot - cold, found.temperature)[0] if clear else None,
        extrapolated=across, between_thermostats=between,
        split=None if elastic is None else elastic_split(flux, hot - cold, elastic, edges),
    )  # fmt: skip


@frozen(eq=False, kw_only=True)
class ModeTemperatures(BaseRecord):
    """Temperatures of frequencies by layer, and the part of interface vibrations in the heat.

    Attributes
    ----------
    title : of the run
    occupation : of each band in each layer; None without a run in equilibrium
    layer_temperature : mean of the bands with their share of the energy
    share : None where it was not sampled
    interface_modes : those with more than half of their weight near the plane

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import argon_run
    >>> run = argon_run(md.Sampling(segment=64, planes=3, reference=8))
    >>> found = md.mode_temperatures(run, bands=2)
    >>> print(found.temperature.shape, "layers and bands")
    (6, 2) layers and bands
    """

    title: str
    plane: float = field(metadata=about("m", "height of the interface"))
    edges: Array = field(metadata=about("rad s^-1", "(nb + 1,) edges of the bands; empty without a run in equilibrium"))
    occupation: Occupation | None
    layer_temperature: Array = field(metadata=about("K", "(nx,) temperature of the layer"))
    share: float | None = field(metadata=about("1", "part of the heat that interface vibrations carry"))
    interface_modes: int = field(metadata=about("1", "vibrations at the interface"))
    vibrations: int = field(metadata=about("1", "vibrations in all"))

    @property
    def temperature(self) -> Array:
        """(nx, nb) K; NaN where a layer does not vibrate."""
        return np.zeros((0, 0)) if self.occupation is None else self.occupation.temperature()

    @property
    def sigma(self) -> Array:
        """(nx, nb) standard uncertainty, K."""
        occupation = self.occupation
        if occupation is None or occupation.sigma is None:
            return np.full_like(self.temperature, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            return occupation.temperature() * occupation.sigma / occupation.value

    @property
    def departure(self) -> Array:
        """(nx, nb) temperature less that of the layer, K."""
        return self.temperature - self.layer_temperature[:, None]

    def count_departures(self, clear: float = _FLUX_SIGNIFICANCE) -> int:
        """Number of values that are more than some standard uncertainties from the temperature of their layer."""
        return int((np.abs(self.departure) > clear * self.sigma).sum())


def mode_temperatures(run: Run, *, bands: int = 8) -> ModeTemperatures:
    """Temperatures of frequencies in the layers near the plane of a run, and the part of interface vibrations.

    Parameters
    ----------
    run : between two thermostats, with a run in equilibrium, or with the vibrations of the atoms near the plane
    bands : number of bands of frequency

    Raises
    ------
    InputError
        where neither was sampled
    """
    share, near, vibrations = None, 0, 0
    if run.modes:
        heat = np.average([mode.heat for mode in run.modes], axis=0)
        bound = run.modes[0].interface_modes()
        share, near, vibrations = float(heat[bound].sum() / heat.sum()), int(bound.size), int(heat.size)
    edges, layer, occupation = np.zeros(0), np.zeros(0), None
    if run.reference or not run.modes:
        if not run.driven:
            raise InputError(
                f"{run.title}: no spectra of layers were taken: run `kapitza md nemd` with [modes] planes = 6 in the "
                "file; decks for a cluster take none"
            )
        if not run.reference:
            raise InputError(
                f"{run.title}: no run in equilibrium to measure mode temperatures against: put [modes] reference = "
                '"400 ps" into the file and give the same command again; the run between the thermostats is kept'
            )
        driven, reference = _concatenate_spectra(run.driven), _concatenate_spectra(run.reference)
        edges = _band_edges(run, float(driven.omega[-1]), bands)
        mean = float(np.mean(run.records[0].thermostat_temperatures))
        occupation = spectral_temperatures(driven, reference, mean, edges)
        weight = reference.bands(edges)[0]
        layer = np.nansum(occupation.temperature() * weight, axis=1) / weight.sum(axis=1)
    return ModeTemperatures(
        title=run.title, plane=run.records[0].plane, edges=edges, occupation=occupation, layer_temperature=layer,
        share=share, interface_modes=near, vibrations=vibrations,
    )  # fmt: skip


def _concatenate_spectra(spectra: tuple[VelocitySpectra, ...]) -> VelocitySpectra:
    parts, counts = (np.concatenate([getattr(spectrum, name) for spectrum in spectra]) for name in ("parts", "counts"))
    return VelocitySpectra(spectra[0].omega, spectra[0].place, parts, counts)
