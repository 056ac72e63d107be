"""What is left of a simulated resistance when solids and thermostats become long."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, finite, positive, same_length, square
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis.nemd import invert_resistance

# Standard uncertainties from which a size effect counts as one.
_SIZE_SIGNIFICANCE = 2.0


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
        if self.size_effect:
            line = f"size matters: {infinite}"
        else:
            line = (
                f"no size effect within error: mean {self.mean:.4g} +- {self.mean_sigma:.2g} m2K/W of all lengths, "
                f"{infinite}"
            )
        if self.fitted[0] < _SIZE_SIGNIFICANCE * self.fitted_sigma[0]:
            line += "; R(infinite) is not resolved: run longer"
        if self.freedom > 0 and self.probability < 0.01:
            line += f"; the line does not fit (chi2 {self.chi2:.3g} of {self.freedom}): leave out the shortest"
        return line

    def conductance(self, temperature: float, *, method: str = "NEMD") -> Conductance:
        """1 / R(infinite), extrapolated drop, classical; of the fit, whose error is honest also without size effect."""
        label = f"{method}, extrapolated from {self.length.size} lengths"
        return invert_resistance(
            "R(infinite)", temperature, float(self.fitted[0]), float(self.fitted_sigma[0]), "extrapolated", label
        )


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
    thermostat_lengths = None if thermostat_length is None else positive(thermostat_length)
    if thermostat_lengths is not None:
        if thermostat_lengths.size != x.size:
            raise InputError(f"{thermostat_lengths.size} lengths of thermostats for {x.size} lengths of systems")
        columns.append(1 / thermostat_lengths)
    _check_lengths(x, columns)
    scale = np.array([float(np.abs(column).max()) for column in columns])  # 1/L is 1e8 times the constant
    white = np.column_stack(columns) / scale / s[:, None]
    solution, *_ = np.linalg.lstsq(white, r / s, rcond=None)
    rest = r / s - white @ solution
    chi2, freedom = float(rest @ rest), int(x.size - len(columns))
    wider = max(1.0, chi2 / freedom) if freedom > 0 else 1.0  # little scatter may be chance
    covariance = np.linalg.inv(white.T @ white) / np.outer(scale, scale) * wider
    weight = 1 / s**2
    mean = float(weight @ r / weight.sum())
    mean_chi2 = float(np.sum(((r - mean) / s) ** 2))
    mean_sigma = float(np.sqrt(max(1.0, mean_chi2 / (x.size - 1)) / weight.sum()))
    return SizeSeries(
        length=x, thermostat_length=thermostat_lengths, resistance=r, sigma=s, fitted=solution / scale,
        covariance=covariance, chi2=chi2, freedom=freedom, mean=mean, mean_sigma=mean_sigma, mean_chi2=mean_chi2
    )  # fmt: skip


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
