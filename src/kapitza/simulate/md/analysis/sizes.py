"""What is left of a simulated resistance when solids and thermostats become long."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, finite, positive, same_length, square
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.nemd import invert_resistance

_SIZE_SIGNIFICANCE = 2.0  # standard uncertainties from which a size effect counts as one
_HALVINGS = 60  # of the range that holds a quantile
_OFFSETS = 33  # offsets ℓ of R∞ + a/(L + ℓ) that are tried


@frozen(eq=False, kw_only=True)
class SizeSeries(BaseRecord):
    r"""Resistances of several lengths, and $R = R_\infty + a / L + b / L_\mathrm{bath}$ through them."""

    length: Array = field(converter=positive, metadata=about("m", "length between thermostats"))  # (n,)
    thermostat_length: Array | None = field(metadata=about("m", "length of thermostats, if fitted"))  # (n,)
    resistance: Array = field(
        converter=finite, validator=same_length("length"), metadata=about("m^2 K W^-1", "resistance")
    )
    sigma: Array = field(
        converter=positive,
        validator=same_length("length"),
        metadata=about("m^2 K W^-1", "uncertainty of the resistance"),
    )
    fitted: Array = field(metadata=about("m^2 K W^-1 and m^3 K W^-1", "R_∞, a and, with thermostats, b"))
    covariance: Array = field(converter=square, metadata=about("of fitted", "covariance, widened by the scatter"))
    chi2: float = field(metadata=about("1", "chi square of the fit"))
    freedom: int = field(metadata=about("1", "degrees of freedom"))
    mean: float = field(metadata=about("m^2 K W^-1", "weighted mean, as if without size effect"))
    mean_sigma: float = field(metadata=about("m^2 K W^-1", "uncertainty of the mean"))
    mean_chi2: float = field(metadata=about("1", "chi square of the mean"))  # with n - 1 degrees of freedom

    @property
    def fitted_sigma(self) -> Array:
        """(2,) or (3,) standard uncertainties of `fitted`."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def probability(self) -> float:
        """Of a scatter about the fit as large as found; NaN where nothing is left to scatter."""
        from scipy.special import chdtrc

        return float(chdtrc(self.freedom, self.chi2)) if self.freedom > 0 else float("nan")

    @property
    def size_effect(self) -> bool:
        """Whether a slope is two standard uncertainties from zero."""
        return bool((np.abs(self.fitted[1:]) > _SIZE_SIGNIFICANCE * self.fitted_sigma[1:]).any())

    @property
    def verdict(self) -> str:
        """One line: whether size matters, and which resistance follows."""
        infinite = f"R(infinite) = {self.fitted[0]:.4g} +- {self.fitted_sigma[0]:.2g} m2K/W"
        mean = f"mean {self.mean:.4g} +- {self.mean_sigma:.2g} m2K/W of all lengths"
        line = f"size matters: {infinite}" if self.size_effect else f"no size effect within error: {mean}, {infinite}"
        if self.fitted[0] < _SIZE_SIGNIFICANCE * self.fitted_sigma[0]:
            line += "; R(infinite) is not resolved: run longer"
        if self.freedom > 0 and self.probability < 0.01:
            line += f"; the line does not fit (chi2 {self.chi2:.3g} of {self.freedom}): leave out the shortest"
        return line

    def limit(self, longest_offset: float | None = None) -> "SizeLimit":
        """R(infinite) without the assumption that the approach is linear in 1/L, by `size_limit`."""
        return size_limit(self.resistance, self.sigma, self.length, longest_offset=longest_offset)

    def conductance(self, temperature: float, *, method: str = "NEMD") -> Conductance:
        """1 / R(infinite), extrapolated drop, classical; of the fit, whose error is honest also without size effect."""
        label = f"{method}, extrapolated from {self.length.size} lengths"
        value, sigma = float(self.fitted[0]), float(self.fitted_sigma[0])
        return invert_resistance("R(infinite)", temperature, value, sigma, "extrapolated", label)


def size_series(
    resistance: ArrayLike, sigma: ArrayLike, length: ArrayLike, *, thermostat_length: ArrayLike | None = None
) -> SizeSeries:
    r"""Weighted fit of $R(L, L_\mathrm{bath}) = R_\infty + a / L + b / L_\mathrm{bath}$ (m² K W⁻¹ and m).

    Both terms are seen for Si/Ge (Wei and others, Chin. Phys. B 34, 116301 (2025), doi:10.1088/1674-1056/ae0432).
    `length` is that between the thermostats, three different ones at least; `thermostat_length` None leaves
    their lengths out.
    """
    r, s, x = finite(resistance), positive(sigma), positive(length)
    if not r.size == s.size == x.size:
        raise InputError(f"{r.size} resistances, {s.size} errors and {x.size} lengths: they must be as many")
    columns = [np.ones(x.size), 1 / x]
    thermostats = None if thermostat_length is None else positive(thermostat_length)
    if thermostats is not None:
        if thermostats.size != x.size:
            raise InputError(f"{thermostats.size} lengths of thermostats for {x.size} lengths of systems")
        columns.append(1 / thermostats)
    _check_lengths(x, columns)
    scale = np.array([float(np.abs(column).max()) for column in columns])  # 1/L is 1e8 times the constant
    white = np.column_stack(columns) / scale / s[:, None]
    solution, *_ = np.linalg.lstsq(white, r / s, rcond=None)
    rest, weight = r / s - white @ solution, 1 / s**2
    chi2, freedom = float(rest @ rest), int(x.size - len(columns))
    wider = max(1.0, chi2 / freedom) if freedom > 0 else 1.0  # little scatter may be chance
    covariance = np.linalg.inv(white.T @ white) / np.outer(scale, scale) * wider
    mean = float(weight @ r / weight.sum())
    mean_chi2 = float(np.sum(((r - mean) / s) ** 2))
    mean_sigma = float(np.sqrt(max(1.0, mean_chi2 / (x.size - 1)) / weight.sum()))
    return SizeSeries(
        length=x, thermostat_length=thermostats, resistance=r, sigma=s, fitted=solution / scale,
        covariance=covariance, chi2=chi2, freedom=freedom, mean=mean, mean_sigma=mean_sigma, mean_chi2=mean_chi2
    )  # fmt: skip


@frozen(eq=False, kw_only=True)
class SizeLimit(BaseRecord):
    r"""Resistance of infinite length from $R = R_\infty + a / (L + \ell)$, whatever the offset ℓ.

    Attributes
    ----------
    value, sigma : mean and standard deviation over all offsets, each as probable as the data make it
    offset : that were tried; 0 is the straight line in 1/L
    infinite, infinite_sigma : R∞ of each and its standard uncertainty, widened by the scatter
    probability : of each offset
    """

    value: float = field(metadata=about("m^2 K W^-1", "resistance of infinite length"))
    sigma: float = field(metadata=about("m^2 K W^-1", "its standard uncertainty"))
    offset: Array = field(converter=finite, metadata=about("m", "offset of the length"))
    infinite: Array = field(
        converter=finite, validator=same_length("offset"), metadata=about("m^2 K W^-1", "resistance, of each offset")
    )
    infinite_sigma: Array = field(
        converter=positive, validator=same_length("offset"), metadata=about("m^2 K W^-1", "its standard uncertainty")
    )
    probability: Array = field(
        converter=finite, validator=same_length("offset"), metadata=about("1", "probability of each offset")
    )

    @property
    def verdict(self) -> str:
        """One line: the resistance of infinite length, and how much the form of the approach is worth."""
        low, high = self.interval()
        return (
            f"if the approach need not be linear in 1/L: R(infinite) = {self.value:.4g} +- {self.sigma:.2g} m2K/W, "
            f"95 % from {low:.4g} to {high:.4g}"
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Range of the resistance with this probability, as much of it above as below, m² K W⁻¹."""
        if not 0 < level < 1:
            raise InputError(f"level = {level:g}, wanted a probability between 0 and 1")
        return self._quantile((1 - level) / 2), self._quantile((1 + level) / 2)

    def _quantile(self, share: float) -> float:
        from scipy.special import ndtr

        reach = 40 * float(self.infinite_sigma.max())
        low, high = float(self.infinite.min()) - reach, float(self.infinite.max()) + reach
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = float(self.probability @ ndtr((middle - self.infinite) / self.infinite_sigma))
            low, high = (middle, high) if below < share else (low, middle)
        return (low + high) / 2


def size_limit(
    resistance: ArrayLike, sigma: ArrayLike, length: ArrayLike, *, longest_offset: float | None = None
) -> SizeLimit:
    r"""Extrapolate resistances (m² K W⁻¹) of several lengths (m) that need not be linear in 1/L.

    Where mean free paths are longer than the sides, $R(L)$ bends, and a line through short systems misses $R_\infty$
    (D. P. Sellan and others, Phys. Rev. B 81, 214305 (2010), doi:10.1103/PhysRevB.81.214305, for conductivities).  Here
    $R = R_\infty + a / (L + \ell)$ with every ℓ from 0 to `longest_offset` (None: the longest of the lengths), all
    equally probable beforehand, as all $R_\infty$ and all differences between the shortest and the longest length are.
    The probability of an offset is then $\propto e^{-\chi^2/2} \sqrt{\det C}$, with the covariance C of $R_\infty$ and
    that difference, and the spread between the forms is part of the uncertainty.

    Raises
    ------
    InputError
        for less than three different lengths, numbers out of range, or an offset that is not above 0

    Examples
    --------
    >>> from kapitza.simulate.md.analysis.sizes import size_limit, size_series
    >>> length = [10e-9, 20e-9, 40e-9, 80e-9]
    >>> resistance = [2e-9 + 2e-17 / (one + 20e-9) for one in length]
    >>> sigma = [4e-11, 4e-11, 4e-11, 4e-11]
    >>> line, bent = size_series(resistance, sigma, length), size_limit(resistance, sigma, length)
    >>> print(f"{line.fitted[0] * 1e9:.2f} +- {line.fitted_sigma[0] * 1e9:.2f} by the line")
    2.19 +- 0.05 by the line
    >>> print(f"{bent.value * 1e9:.2f} +- {bent.sigma * 1e9:.2f} by all offsets")
    1.89 +- 0.16 by all offsets
    """
    r, s, x = finite(resistance), positive(sigma), positive(length)
    if not r.size == s.size == x.size:
        raise InputError(f"{r.size} resistances, {s.size} errors and {x.size} lengths: they must be as many")
    _check_lengths(x, [np.ones(x.size), 1 / x])
    longest = float(x.max()) if longest_offset is None else longest_offset
    if not 0 < longest < np.inf:
        raise InputError(f"longest_offset = {longest:g} m, wanted a finite length above 0")
    offset = np.linspace(0, longest, _OFFSETS)
    fits = [_fit_offset(r, s, x, one) for one in offset]
    infinite, variance, chi2, volume = (np.array(column) for column in zip(*fits, strict=True))
    weight = np.exp(-(chi2 - chi2.min()) / 2) * volume
    weight = weight / weight.sum()
    freedom = x.size - 2
    variance = variance * max(1.0, float(chi2.min()) / freedom)  # of lines that all miss the points
    value = float(weight @ infinite)
    total = float(weight @ (variance + (infinite - value) ** 2))
    return SizeLimit(
        value=value, sigma=float(np.sqrt(total)), offset=offset, infinite=infinite, infinite_sigma=np.sqrt(variance),
        probability=weight,
    )  # fmt: skip


def _fit_offset(r: Array, s: Array, x: Array, offset: float) -> tuple[float, float, float, float]:
    """R∞, its variance, chi square, and the volume of R∞ and the fall over the lengths that the data leave."""
    shape = (x.min() + offset) / (x + offset)  # from 1 at the shortest length to 0 at infinity
    white = np.column_stack([np.ones(x.size), shape]) / s[:, None]
    covariance = np.linalg.inv(white.T @ white)
    solution = covariance @ (white.T @ (r / s))
    rest = r / s - white @ solution
    volume = float(np.sqrt(np.linalg.det(covariance))) * float(shape.max() - shape.min())
    return float(solution[0]), float(covariance[0, 0]), float(rest @ rest), volume


def _check_lengths(length: Array, columns: list[Array]) -> None:
    different = np.unique(np.round(np.log(length), 6)).size
    if different < 3:
        raise InputError(f"{different} different lengths: an extrapolation with a check needs three or more")
    matrix = np.column_stack([column / np.abs(column).max() for column in columns])
    values = np.linalg.svd(matrix, compute_uv=False)
    if values.size < len(columns) or values[-1] < 1e-6 * values[0]:
        raise InputError(
            f"{length.size} systems whose thermostats grow with them do not separate the two effects: vary them one by "
            "one, or leave the thermostats out"
        )
