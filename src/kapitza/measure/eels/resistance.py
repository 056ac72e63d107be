"""From the jump of a temperature map to an absolute Kapitza resistance: it takes a flux, or a conductivity in place."""

import warnings
from collections.abc import Mapping

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, numbers, real_array
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.eels.intervals import chi2_probability, ratio_interval
from kapitza.measure.eels.jump import InterfaceJump

_BULK_CONDUCTIVITY_WARNING = (
    "the conductivity of bulk {side} was used for a lamella: a thin film cut by an ion beam conducts several times "
    "worse (boundary scattering, damage), and the resistance comes out too small by the same factor; measure the "
    "conductivity of the lamella, or the flux"
)


@frozen
class KnownQuantity(BaseRecord):
    """A number from elsewhere.

    Attributes
    ----------
    value : a flux is positive left to right
    bulk : whether a conductivity is that of the bulk, not of the lamella
    name : what it is of, for messages
    """

    value: float = field(metadata=about("W m^-2 or W m^-1 K^-1", "flux or conductivity"))
    sigma: float = field(default=0.0, metadata=about("of the value", "standard uncertainty"))
    bulk: bool = field(default=False, kw_only=True)
    name: str = field(default="material", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not (np.isfinite(self.value) and self.value != 0 and 0 <= self.sigma < np.inf):
            raise InputError(f"{self.name}: {self.value:g} ± {self.sigma:g}, wanted a value other than 0")


@frozen(eq=False, kw_only=True)
class AbsoluteResistance(BaseRecord):
    """Conductance of an interface, and whether all that was known of the flux agrees.

    Attributes
    ----------
    conductance : extrapolated drop
    interval : of the conductance at `level`, W m⁻² K⁻¹; the upper end is infinite where the jump may be zero
    jump, jump_sigma : jump after all that is known of the flux was used, K
    flux, flux_sigma : heat flux that agrees best, W m⁻²
    sources : where fluxes came from: "flux", "left", "right"
    pvalue : probability of fluxes that differ as much when the flux is continuous; NaN with one source

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Profile
    >>> from kapitza.eels import PointSpread, KnownQuantity, absolute_resistance, fit_jump
    >>> from kapitza.units import nm
    >>> x = (np.arange(40) - 19.5) * nm
    >>> kelvin = np.where(x < 0, 410 - 0.2e9 * x, 390 - 0.4e9 * x)
    >>> found = fit_jump(Profile(x, kelvin, np.full(40, 0.5)), 0.0, PointSpread(0.5 * nm))
    >>> resistance = absolute_resistance(found, left=KnownQuantity(60.0, 6.0, name="lamella"))
    >>> low, high = resistance.interval
    >>> print(f"{low / 1e6:.0f} to {high / 1e6:.0f} MW/m²K, {resistance.conductance.drop} drop")
    325 to 631 MW/m²K, extrapolated drop
    """

    conductance: Conductance
    interval: tuple[float, float] = field(metadata=about("W m^-2 K^-1", "interval of the conductance"))
    level: float = field(metadata=about("1", "level of the interval"))
    jump: float = field(metadata=about("K", "temperature jump"))
    jump_sigma: float = field(metadata=about("K", "uncertainty of the jump"))
    flux: float = field(metadata=about("W m^-2", "heat flux"))
    flux_sigma: float = field(metadata=about("W m^-2", "uncertainty of the flux"))
    sources: tuple[str, ...]
    fluxes: Array = field(converter=numbers, metadata=about("W m^-2", "flux by each source"))
    flux_sigmas: Array = field(converter=numbers, metadata=about("W m^-2", "uncertainty by each source"))
    pvalue: float = field(metadata=about("1", "probability of sources that differ as much"))

    @property
    def resistance(self) -> float:
        """Kapitza resistance, m² K W⁻¹."""
        return float(self.conductance.resistance[0])


def absolute_resistance(
    jump_fit: InterfaceJump,
    *,
    flux: KnownQuantity | None = None,
    left: KnownQuantity | None = None,
    right: KnownQuantity | None = None,
    level: float = 0.95,
) -> AbsoluteResistance:
    r"""Conductance of an interface from its jump and everything that is known of the heat flux.

    A temperature map alone gives lengths and ratios, never a resistance.  The flux is measured, or comes from the
    conductivity of the lamella on a side, $q = -k g$; where several are given, jump and flux are the best estimate
    from all of them with their joint covariance, and how well they agree is the test of flux continuity.

    Parameters
    ----------
    jump_fit : fitted jump
    flux : heat flux through the plane
    left, right : conductivity of the lamella on a side
    level : probability of the interval

    Raises
    ------
    InputError
        if nothing is known of the flux, or it goes against the jump

    Warns
    -----
    ValidityWarning
        where the conductivity of a bulk is used
    """
    given = {name: known for name, known in (("flux", flux), ("left", left), ("right", right)) if known is not None}
    if not given:
        raise InputError(
            "a temperature map gives the Kapitza length, not the resistance: give a flux, or the conductivity of the "
            f"lamella on a side (got a jump of {jump_fit.jump.jump:.4g} K alone)"
        )
    for known in given.values():
        if known.bulk:
            warnings.warn(_BULK_CONDUCTIVITY_WARNING.format(side=known.name), ValidityWarning, stacklevel=2)
    value, covariance = _jump_and_fluxes(jump_fit, given)
    design = np.zeros((value.size, 2))
    design[0, 0], design[1:, 1] = 1, 1
    both, joint, chi2 = _combine_estimates(design, value, covariance)
    jump, heat = map(float, both)
    if jump * heat <= 0:
        raise InputError(f"a flux of {heat:g} W/m² goes against the jump of {jump:g} K: check sign and sides")
    slope = np.array([-heat / jump, 1]) / jump
    sigma = float(np.sqrt(slope @ joint @ slope))
    interval = ratio_interval(heat, jump, joint[::-1, ::-1], level=level, freedom=jump_fit.freedom, lowest=0.0)
    conductance = Conductance([jump_fit.jump.temperature], [heat / jump], [sigma], method="STEM-EELS")
    return AbsoluteResistance(
        conductance=conductance,
        interval=interval,
        level=level,
        jump=jump,
        jump_sigma=float(np.sqrt(joint[0, 0])),
        flux=heat,
        flux_sigma=float(np.sqrt(joint[1, 1])),
        sources=tuple(given),
        fluxes=value[1:],
        flux_sigmas=np.sqrt(np.diag(covariance)[1:]),
        pvalue=float(chi2_probability(len(given) - 1, chi2)),
    )


def _jump_and_fluxes(
    jump_fit: InterfaceJump, conductivities: Mapping[str, KnownQuantity]
) -> tuple[Array, NDArray[np.float64]]:
    """Jump and the flux by each source, with their joint covariance."""
    gradients = {"left": jump_fit.jump.gradient_left, "right": jump_fit.jump.gradient_right}
    rows, sigmas, values = [np.array([1.0, 0, 0])], [0.0], [jump_fit.jump.jump]
    for name, known in conductivities.items():
        row, value, sigma = np.zeros(3), known.value, known.sigma
        if name != "flux":
            row[1 if name == "left" else 2] = -known.value
            value, sigma = -known.value * gradients[name], known.sigma * gradients[name]
        rows.append(row)
        values.append(value)
        sigmas.append(sigma)
    turn = np.array(rows)
    return np.array(values), turn @ jump_fit.jump.covariance @ turn.T + np.diag(np.square(sigmas))


def _combine_estimates(design: Array, value: Array, covariance: Array) -> tuple[Array, Array, float]:
    """Generalised least squares with one of the sources possibly exact: estimate, covariance, chi2."""
    size = np.maximum(np.abs(value), np.sqrt(np.diag(covariance)))
    size = np.where(size > 0, size, 1.0)
    scaled = covariance / np.outer(size, size) + 1e-14 * np.eye(value.size)
    columns = np.array([size[0], size[1:].max()])
    rows = design * columns / size[:, None]
    weight = np.linalg.inv(scaled)
    joint = np.linalg.inv(rows.T @ weight @ rows)
    both = joint @ rows.T @ weight @ (value / size)
    residual = value / size - rows @ both
    chi2 = float(residual @ weight @ residual)
    return real_array(both * columns), real_array(joint * np.outer(columns, columns)), chi2
