"""Resistance against thickness, with errors in both: slope for the conductivity, intercept for the boundaries."""

from typing import Any

import numpy as np
from attrs import field, frozen, validators
from attrs.converters import optional as _optional
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite, parameter, positive, same_length, square
from kapitza.core.conductance import Conductance
from kapitza.core.parameter_units import interval_in_words, parameter_with_error
from kapitza.core.records import BaseRecord, one_for_each
from kapitza.errors import Hint, InputError
from kapitza.measure.least_squares import least_squares

_EACH_FILM = validators.optional(same_length("thickness"))


@frozen(eq=False)
class ThicknessLine(BaseRecord):
    """Straight line R = R₀ + d/k through a thickness series.

    Attributes
    ----------
    chi2, freedom : squared residuals in units of the stated errors, and number of points less two

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.thermoreflectance import ThicknessSeries
    >>> d = np.array([20, 50, 100, 200]) * 1e-9
    >>> line = ThicknessSeries(d, 8e-9 + d / 1.3, resistance_sigma=np.full(4, 2e-10)).line()
    >>> print(f"{line.conductivity:.2f} W m⁻¹ K⁻¹, boundaries {line.resistance * 1e9:.2f} m² K GW⁻¹")
    1.30 W m⁻¹ K⁻¹, boundaries 8.00 m² K GW⁻¹
    """

    resistance: float = field(metadata=parameter("m^2 K W^-1", "resistance of all boundaries together"))
    conductivity: float = field(metadata=about("W m^-1 K^-1", "conductivity"))
    covariance: Array = field(converter=square, metadata=about("of (resistance, conductivity)", "covariance"))
    chi2: float = field(metadata=about("1", "chi2"))
    freedom: int = field(metadata=about("1", "degrees of freedom"))

    @property
    def resistance_sigma(self) -> float:
        """Standard uncertainty of R₀, m² K W⁻¹."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def conductivity_sigma(self) -> float:
        """Standard uncertainty of k, W m⁻¹ K⁻¹."""
        return float(np.sqrt(self.covariance[1, 1]))

    def is_resolved(self, confidence: float = 0.95) -> bool:
        """Whether the boundary resistance is above zero beyond its error, one-sided."""
        from scipy.special import ndtri

        return bool(self.resistance > float(ndtri(confidence)) * self.resistance_sigma)

    def upper(self, confidence: float = 0.95) -> float:
        """One-sided upper bound of R₀, none below zero being possible, m² K W⁻¹.

        The normal distribution of R₀ cut off at zero holds the bound also where the intercept came out negative.
        """
        from scipy.special import ndtr, ndtri

        at, sigma = self.resistance, self.resistance_sigma
        below = float(ndtr(-at / sigma))
        return float(at + sigma * float(ndtri(below + confidence * (1 - below))))

    def conductance(self, temperature: float = 300.0, *, source: str = "") -> Conductance:
        """1/R₀ at a temperature (K), all boundaries in series; an InputError if R₀ is zero within its error: see
        `upper`.
        """
        if not self.is_resolved():
            raise InputError(
                f"the intercept {parameter_with_error('resistance', self.resistance, self.resistance_sigma)} is zero "
                f"within its error: 1/G {interval_in_words('resistance', None, self.upper())} at 95 % confidence"
            )
        value = 1 / self.resistance
        sigma = value**2 * self.resistance_sigma
        return Conductance([temperature], [value], [sigma], method="thickness series", source=source)


@frozen(eq=False)
class SizeEffectTest(BaseRecord):
    r"""Test for a conductivity that changes with thickness, by the curvature that it gives the line.

    A mean free path that the boundaries cut as $1/k(d) = (1 + \ell/d)/k$ leaves the line straight and adds $\ell/k$ to
    the intercept: no thickness series can tell that from a boundary resistance.

    Attributes
    ----------
    curvature, sigma : coefficient of (d - mean)² in the resistance, K W⁻¹, and its standard uncertainty

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.thermoreflectance import ThicknessSeries
    >>> d = np.array([20, 50, 100, 200]) * 1e-9
    >>> curved = ThicknessSeries(d, 8e-9 + d / 1.3 + (d / 1e-6) ** 2 * 1e-7, resistance_sigma=np.full(4, 2e-10))
    >>> print(f"by chance in {curved.size_test().probability:.1e} of all series")
    by chance in 8.8e-04 of all series
    """

    curvature: float = field(metadata=about("K W^-1", "curvature"))
    sigma: float = field(metadata=about("K W^-1", "uncertainty of the curvature"))
    probability: float = field(metadata=about("1", "probability of a curvature as large"))


@frozen(eq=False)
class ThicknessSeries(BaseRecord):
    r"""Thermal resistances of films of one material and several thicknesses.

    $R(d) = R_0 + d/k$; only the sum of the boundary resistances on both sides follows.

    Attributes
    ----------
    thickness_sigma : (n,) standard uncertainties, m; None where negligible
    resistance_sigma : (n,) standard uncertainties, m² K W⁻¹; None: from the scatter about the line
    correlation : (n,) of the two errors of each point; None for independent ones
    thickness_covariance, resistance_covariance : (n, n) further errors that the films share, m² and m⁴ K² W⁻²;
        see `shared`

    Raises
    ------
    InputError
        for unequal lengths, fewer than three films, or covariances of another size
    """

    thickness: Array = field(converter=finite, metadata=about("m", "thickness"))
    resistance: Array = field(converter=finite, **one_for_each("thickness", "m^2 K W^-1", "film with its boundaries"))
    thickness_sigma: Array | None = field(
        default=None, converter=_optional(positive), validator=_EACH_FILM, metadata=about("m", "uncertainty")
    )
    resistance_sigma: Array | None = field(
        default=None, converter=_optional(positive), validator=_EACH_FILM, metadata=about("m^2 K W^-1", "uncertainty")
    )
    correlation: Array | None = field(
        default=None, converter=_optional(finite), validator=_EACH_FILM, kw_only=True, metadata=about("1", "of errors")
    )
    thickness_covariance: Array | None = field(
        default=None, converter=_optional(square), kw_only=True, metadata=about("m^2", "errors that films share")
    )
    resistance_covariance: Array | None = field(
        default=None, converter=_optional(square), kw_only=True, metadata=about("m^4 K^2 W^-2", "shared errors")
    )

    def __attrs_post_init__(self) -> None:
        n = self.thickness.size
        if n < 3:
            raise InputError(f"a thickness series needs 3 films or more to test its line, got {n}")
        if (self.thickness < 0).any():
            raise InputError(f"expected thicknesses of at least 0, got {self.thickness.min():g} m")
        others = (self.thickness_sigma, self.thickness_covariance, self.resistance_covariance, self.correlation)
        if self.resistance_sigma is None and any(other is not None for other in others):
            undecided = "scatter and stated errors cannot be combined"
            raise InputError(
                "",
                hint=Hint(
                    python=f"other errors are stated but resistance_sigma is None: {undecided}",
                    command=f"other errors are stated but those of the resistance are not: {undecided}",
                ),
            )
        for name in ("thickness_covariance", "resistance_covariance"):
            held = getattr(self, name)
            if held is not None and held.shape != (n, n):
                raise InputError(f"{name} is {held.shape} for {n} films")
        if self.correlation is not None and (np.abs(self.correlation) >= 1).any():
            raise InputError(f"expected correlations between -1 and 1, got {np.abs(self.correlation).max():g}")

    def line(self) -> ThicknessLine:
        r"""Straight line of largest likelihood.

        With the true thicknesses eliminated, $\chi^2(R_0, k) = r^T V^{-1} r$ with $r = R - R_0 - d/k$ and
        $V = V_R + V_d/k^2 - (V_{Rd} + V_{dR})/k$; for independent films this is the line of York et al., Am. J.
        Phys. 72, 367 (2004), doi:10.1119/1.1632486.  Errors that come from the scatter assume it to be the
        same for all films.

        Raises
        ------
        InputError
            if the resistance does not grow with the thickness
        ConvergenceError
            if the search finds no minimum
        """
        x, covariance, chi2 = self._fit_polynomial(0)
        if not x[1] > 0:
            raise InputError(
                f"the resistance falls with thickness, by {x[1]:.3g} mK/W: a conductivity cannot follow from it"
            )
        to_k = np.diag([1.0, -1 / x[1] ** 2])
        freedom = self.thickness.size - 2
        return ThicknessLine(float(x[0]), float(1 / x[1]), to_k @ covariance @ to_k, chi2, freedom)

    def size_test(self) -> SizeEffectTest:
        """Whether the line is curved, as it is if the conductivity depends on thickness; three films need stated
        errors.
        """
        from scipy.special import ndtr

        if self.thickness.size < 4 and self.resistance_sigma is None:
            raise InputError(
                f"{self.thickness.size} films without stated errors leave no scatter to test a curvature with"
            )
        x, covariance, _ = self._fit_polynomial(1)
        sigma = float(np.sqrt(covariance[2, 2]))
        return SizeEffectTest(float(x[2]), sigma, float(2 * ndtr(-abs(x[2]) / sigma)))

    def _fit_polynomial(self, curved: int) -> tuple[Array, NDArray[Any], float]:
        """Intercept, slope and curvature, their covariance, and chi2."""
        d, measured = self.thickness, self.resistance
        middle, reach = float(d.mean()), float(d.max())
        size = np.array([1.0, 1 / reach, 1 / reach**2][: 2 + curved]) * float(np.abs(measured).max())

        errors = np.full(d.size, np.abs(measured).mean()) if self.resistance_sigma is None else self.resistance_sigma
        known = np.diag(errors**2) + (0.0 if self.resistance_covariance is None else self.resistance_covariance)

        def residual(y: Array) -> Array:
            x = y * size
            bend = x[2] * (d - middle) ** 2 if curved else 0.0
            slope = (x[1] + (2 * x[2] * (d - middle) if curved else 0.0)) * np.ones(d.size)  # local dR/dd
            covariance = np.array(known)
            if self.thickness_sigma is not None:
                both = 0.0 if self.correlation is None else 2 * self.correlation * errors * self.thickness_sigma * slope
                covariance += np.diag((slope * self.thickness_sigma) ** 2 - both)
            if self.thickness_covariance is not None:
                covariance += np.outer(slope, slope) * self.thickness_covariance
            return np.linalg.solve(np.linalg.cholesky(covariance), measured - x[0] - x[1] * d - bend)

        start = np.concatenate([np.polyfit(d, measured, 1)[::-1], np.zeros(curved)]) / size
        found = least_squares(residual, start, scale=np.ones(start.size), starts=3, spread=0.1)
        scatter = found.scatter**2 if self.resistance_sigma is None else 1.0
        covariance = found.covariance * np.outer(size, size) * scatter
        return found.x * size, covariance, found.chi2


def shared_covariance(size: Array, share: float = 0.0, offset: float = 0.0) -> Array:
    """Covariance of errors that all films share.

    Parameters
    ----------
    size : (n,) the quantity, thickness or resistance
    share : standard uncertainty of a common factor on it
    offset : standard uncertainty of a common offset, in its unit; that of a transducer is one of the resistance

    Returns
    -------
    (n, n)
    """
    found: Array = share**2 * np.outer(size, size) + offset**2
    return found
