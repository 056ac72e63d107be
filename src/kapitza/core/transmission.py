"""Spectral transmission function of an interface, its conductance, and its mean over configurations."""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from attrs import converters, evolve, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_choice, finite, frequencies, same_length, temperatures
from kapitza.core.conductance import TEMPERATURE_DROPS, Conductance, Drop
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.units import hbar, k_B

Side = Literal["left", "right"]

_BOUND_ROUNDING = 1e-9  # relative excess over the bounds of Ξ that is put down to rounding
_UNRESOLVED_REDUCED_ENERGY = (
    0.3  # ħω/k_B T of the lowest frequency: from here the grid of `frequency_grid` is off by more than 5e-5
)

# Share of the one-sided resistances that a drop leaves out; extrapolated: Milne, 1 - (3/4)·0.710446 (gray, diffuse).
DROP_CORRECTION: dict[Drop, float] = {"emitted": 0.0, "local": 0.5, "extrapolated": 1 - 0.75 * 0.7104460895987}
# Root mean square of ln(gray/solved) of the six interfaces of docs/theory/drops.md, for layers of 100 nm and 1 µm and
# lasers of 1, 10 and 100 MHz.
GRAY_ERROR = 0.5

_OPTIONAL_FINITE, _FOR_EACH = converters.optional(finite), validators.optional(same_length("omega"))


@frozen(eq=False)
class Transmission(BaseRecord):
    """Spectral transmission function of an interface: the number of modes per area that cross, (nω,) each.

    Attributes
    ----------
    left, right : (nω,) modes per area that arrive from either side, m⁻²; None where unknown
    weight : (nω,) weights of a quadrature over omega, rad s⁻¹; None for the trapezoidal rule
    elastic : False where phonons change their frequency on the way, so that min(left, right) is no bound
    temperature : the one temperature at which an inelastic spectrum holds, K; None where it holds at any

    Raises
    ------
    InputError
        for NaN or infinity, unequal lengths, frequencies that do not increase, Ξ < 0 or Ξ above the modes of a side
    """

    omega: Array = field(converter=frequencies, metadata=about("rad s^-1", "angular frequency"))
    total: Array = field(
        converter=finite, validator=same_length("omega"), metadata=about("m^-2", "transmission function")
    )
    left: Array | None = field(
        default=None, converter=_OPTIONAL_FINITE, validator=_FOR_EACH, metadata=about("m^-2", "modes from the left")
    )
    right: Array | None = field(
        default=None, converter=_OPTIONAL_FINITE, validator=_FOR_EACH, metadata=about("m^-2", "modes from the right")
    )
    weight: Array | None = field(
        default=None,
        converter=_OPTIONAL_FINITE,
        validator=_FOR_EACH,
        kw_only=True,
        metadata=about("rad s^-1", "weight"),
    )
    method: str = field(default="", kw_only=True)
    elastic: bool = field(default=True, kw_only=True)
    temperature: float | None = field(default=None, kw_only=True, metadata=about("K", "temperature at which it holds"))

    def __attrs_post_init__(self) -> None:
        for name, modes in (("left", self.left), ("right", self.right)):
            if modes is not None and modes.min(initial=0) < 0:
                raise InputError(
                    f"{self.method}: {name} has {modes.min():g} modes at some frequency, wanted none below 0"
                )
        self._check_bound("0", np.zeros(self.omega.size), sign=-1)
        if self.elastic:
            for name, modes in (("left", self.left), ("right", self.right)):
                if modes is not None:
                    self._check_bound(f"the modes of the {name} side", modes, sign=1)

    def _check_bound(self, name: str, bound: Array, sign: int) -> None:
        scale = max(float(np.abs(self.total).max(initial=0)), float(np.abs(bound).max(initial=0)))
        excess = sign * (self.total - bound) - _BOUND_ROUNDING * np.maximum(np.abs(bound), 1e-6 * scale)
        if excess.size and excess.max() > 0:
            i = int(excess.argmax())
            raise InputError(
                f"{self.method or 'transmission'}: Ξ = {self.total[i]:.6g} m⁻² at ω = {self.omega[i]:.4g} rad/s passes "
                f"the bound {bound[i]:.6g} ({name})",
                hint=Hint(
                    python="an inelastic model says so with elastic=False",
                    command='the file of an inelastic model says "elastic": false',
                ),
            )

    @property
    def weights(self) -> Array:
        """(nω,) weights of the integral over frequency, rad s⁻¹."""
        if self.weight is not None:
            return self.weight
        if self.omega.size < 2:
            raise InputError(f"a spectrum of {self.omega.size} frequencies has no integral: give at least 2")
        return trapezoid_weights(self.omega)

    def coefficient(self, side: Side = "left") -> Array:
        """(nω,) share of the modes of one side that cross, 0..1; 0 where no mode arrives."""
        modes = self._modes(side)
        return np.divide(self.total, modes, out=np.zeros_like(modes), where=modes > 0)

    def conductance(
        self, temperature: ArrayLike, drop: Drop = "emitted", statistics: Statistics = "quantum"
    ) -> Conductance:
        r"""Landauer conductance, $G = \int \frac{d\omega}{2\pi}\,\Xi(\omega)\,c(\omega, T)$.

        Parameters
        ----------
        temperature : (nT,) K, above zero
        drop : "emitted" is the integral itself.  "local" removes half of the one-sided resistances,
            $1/G = 1/G_e - \frac12 (1/G_L + 1/G_R)$ (Simons, J. Phys. C 7, 4048 (1974)).
            "extrapolated" removes the share 0.467165 of them, which is exact for gray media and diffuse scattering.
            For others it is an estimate, with an uncertainty of 50 %, that no stack takes without `accept_gray`:
            `kapitza.measure.apparent_conductance` solves for the true one.
        statistics : "quantum", or "classical" with $k_B$ in every mode

        Returns
        -------
        Conductance with (nT,) values, infinite where a local or extrapolated drop vanishes (no boundary at all)

        Raises
        ------
        InputError
            if a drop other than "emitted" is asked for where the modes of a side are unknown, or an inelastic spectrum
            at a temperature that it does not hold for

        Warns
        -----
        ValidityWarning
            for quantum statistics at temperatures so low that the frequencies no longer resolve the thermal peak
        """
        wanted = self._temperatures(temperature)
        if statistics == "quantum":
            self._warn_of_cold(wanted)
        emitted = self._landauer(self.total, wanted, statistics)
        value = emitted
        check_choice(drop, TEMPERATURE_DROPS, "temperature drop")
        share = DROP_CORRECTION[drop]
        if share:
            sides = [self._landauer(self._modes(side), wanted, statistics) for side in ("left", "right")]
            value = _subtract_lead_resistance(emitted, sides[0], sides[1], share, self.method)
        gray = drop == "extrapolated"
        sigma = GRAY_ERROR * value if gray else None
        return Conductance(wanted, value, sigma, drop, statistics=statistics, method=self.method, gray=gray)

    def accumulation(self, temperature: ArrayLike, statistics: Statistics = "quantum") -> Array:
        """(nT, nω) emitted conductance carried by all frequencies up to omega, W m⁻² K⁻¹; the last is the whole."""
        wanted = self._temperatures(temperature)
        per_mode = mode_heat_capacity(self.omega, wanted, statistics)
        return np.cumsum(per_mode * (self.total * self.weights), axis=1) / (2 * np.pi)

    def _warn_of_cold(self, temperature: Array) -> None:
        above = self.omega[self.omega > 0]
        if not above.size or not self.total[self.omega <= above[0]].any():
            return  # no heat crosses at the lowest frequencies: there is no peak to miss
        coldest, bound = (
            float(temperature.min(initial=np.inf)),
            float(hbar * above[0] / (_UNRESOLVED_REDUCED_ENERGY * k_B)),
        )
        if coldest < bound:
            warnings.warn(
                f"{self.method or 'transmission'}: the lowest frequency above 0 is {above[0]:.3g} rad/s, so that the "
                f"conductance holds above {bound:.3g} K, not at {coldest:.3g} K; give lower frequencies in omega",
                ValidityWarning,
                stacklevel=3,
            )

    def _landauer(self, modes: Array, temperature: Array, statistics: Statistics) -> Array:
        return mode_heat_capacity(self.omega, temperature, statistics) @ (modes * self.weights) / (2 * np.pi)

    def _modes(self, side: str) -> Array:
        check_choice(side, ("left", "right"), "side")
        modes = self.left if side == "left" else self.right
        if modes is None:
            raise InputError(
                f"{self.method or 'this transmission'} does not know the modes of its {side} side: only the emitted "
                "drop can be had, and no coefficient"
            )
        return modes

    def _temperatures(self, temperature: ArrayLike) -> Array:
        wanted = temperatures(temperature)
        if self.temperature is not None:
            other = wanted[np.abs(wanted / self.temperature - 1) > 1e-9]
            if other.size:
                raise InputError(
                    f"{self.method} is inelastic and holds at {self.temperature:g} K, not at {other[0]:g} K: "
                    "call the model again for each temperature"
                )
        return wanted


def _subtract_lead_resistance(emitted: Array, left: Array, right: Array, share: float, method: str) -> Array:
    """(nT,) conductance after a share of the one-sided resistances is taken out, infinite where nothing is left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        resistance = 1 / emitted - share * (1 / left + 1 / right)
        lost = resistance * emitted
    lost = np.where(emitted > 0, lost, 1.0)
    if (lost < -1e-9).any():
        i = int(np.argmin(lost))
        raise InputError(
            f"{method}: more heat crosses ({emitted[i]:.4g} W/m²K) than the modes of both sides bring "
            f"({left[i]:.4g} and {right[i]:.4g}); take the emitted drop"
        )
    open_ = lost > 1e-11
    return np.where(emitted > 0, np.divide(emitted, lost, out=np.full_like(emitted, np.inf), where=open_), 0.0)


def mean_transmission(parts: Sequence[Transmission]) -> tuple[Transmission, Array]:
    r"""Average the transmissions of several configurations, at the same frequencies.

    Parameters
    ----------
    parts : at least one transmission; all with the frequencies of the first

    Returns
    -------
    The mean of totals and modes, and (nω,) the standard error of the mean total, m⁻²: zero for a single one

    Raises
    ------
    InputError
        for none, or frequencies that differ
    """
    if not parts:
        raise InputError(f"expected at least one transmission, got {list(parts)}")
    first = parts[0]
    for one in parts:
        if not np.array_equal(one.omega, first.omega):
            raise InputError(
                f"{one.method!r} has other frequencies ({one.omega.size}) than {first.method!r} ({first.omega.size}): "
                "compute all of them at the same ones (omega=...)"
            )
    totals = np.array([one.total for one in parts])
    sides = [[getattr(one, side) for one in parts] for side in ("left", "right")]
    left, right = (None if any(part is None for part in side) else np.mean(side, axis=0) for side in sides)
    error = totals.std(axis=0, ddof=1) / np.sqrt(len(parts)) if len(parts) > 1 else np.zeros_like(first.omega)
    method = f"{first.method}, mean of {len(parts)}"
    return evolve(first, total=totals.mean(axis=0), left=left, right=right, method=method), error
