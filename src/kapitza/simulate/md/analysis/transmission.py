r"""From the spectrum of a simulation to transmissions and conductances that stand beside other theories.

A simulation is classical: every vibration carries $k_B\Delta T$, so that $\Xi(\omega) = 2\pi q(\omega)/k_B\Delta T$.
ΔT says which conductance it is: between the thermostats (or what they emit) it is the one of Landauer and of
atomistic Green functions, across the extrapolated jump it is the one of experiments.
"""

import warnings

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, increasing, positive, temperatures
from kapitza.core.conductance import Conductance, Drop
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, ValidityWarning
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux, band_overlaps
from kapitza.simulate.md.observers.welch import group_rows, jackknife
from kapitza.units import k_B

_BAND_SIGNIFICANCE = 2.0  # standard uncertainties above zero at which a band stands for itself
_NEGATIVE_SIGNIFICANCE = 3.0  # standard uncertainties below zero that are no longer noise


def spectral_conductance(
    flux: SpectralFlux,
    difference: float,
    temperature: ArrayLike,
    *,
    drop: Drop,
    statistics: Statistics = "quantum",
    difference_sigma: float = 0.0,
) -> Conductance:
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
        raise InputError(
            f"{_flux_label(flux)}: the conductance is {value.min():.3g} W/m²K: was ΔT = {difference:g} K the drop?"
        )
    spread = np.hypot(sigma, value * difference_sigma / difference)
    known = None if np.isnan(spread).any() else spread
    return Conductance(wanted, value, known, drop, statistics=statistics, method=_flux_label(flux))


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
        reason = (
            "more than noise: no transmission has it"
            if value[i] < -_NEGATIVE_SIGNIFICANCE * sigma[i]
            else "noise: take wider bands"
        )
        raise InputError(
            f"{_flux_label(flux)}: Ξ = {scale * value[i]:.3g} ± {scale * sigma[i]:.2g} m⁻² from {bounds[i]:.3g} to "
            f"{bounds[i + 1]:.3g} rad/s, {reason}; the spectrum itself keeps every value"
        )
    centre, width = (bounds[1:] + bounds[:-1]) / 2, np.diff(bounds)
    found = Transmission(
        centre, scale * value, weight=width, method=_flux_label(flux), elastic=False, temperature=float(temperature)
    )
    return found, scale * sigma


def significant_edges(flux: SpectralFlux, clear: float = _BAND_SIGNIFICANCE) -> Array:
    """(n + 1,) edges of the narrowest bands that stand above zero by `clear` standard uncertainties each."""
    total, error = flux.total
    if not total > clear * error:
        raise InputError(
            f"{_flux_label(flux)}: a heat flux of {total:.3g} ± {error:.2g} W/m² is not above zero by {clear:g} "
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

    The share is $1 - \int\Xi_\mathrm{el}\,d\omega/\int\Xi\,d\omega$, the heat that is not elastic on balance.
    `difference` (K) is the one of the elastic theory, thus between what the thermostats emit, not the jump of the
    profile.
    """
    _check_difference(difference)
    if not elastic.elastic:
        raise InputError(f"{elastic.method!r} is inelastic: there is nothing to split by it")
    bounds = increasing(edges)
    value, sigma = flux.bands(bounds)
    inside = np.histogram(elastic.omega, bounds)[0]
    if (inside < 1).any() and elastic.omega[-1] > bounds[int(np.argmin(inside))]:
        warnings.warn(
            f"{elastic.method or 'elastic'}: {int((inside < 1).sum())} of {inside.size} bands hold none of its "
            f"{elastic.omega.size} frequencies: give it more",
            ValidityWarning,
            stacklevel=2,
        )
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
    """Refuse a temperature difference that drives nothing."""
    if not difference > 0:
        raise InputError(f"ΔT = {difference:g} K: wanted above 0, with the hot side on the left")
    positive([difference])


def _flux_label(flux: SpectralFlux) -> str:
    """What to call a simulated spectrum."""
    return flux.method or "molecular dynamics"
