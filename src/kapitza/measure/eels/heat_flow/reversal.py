r"""The same specimen with heat flowing one way and the other: what is odd in the flow, and what is even.

Structure, thickness and the strength of a mode are the same for both directions and are even; what the heat does to the
occupations changes its sign and is odd.
"""

from typing import Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, BoolArray, about, quantity, real_array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.heat_flow.sides import ModeSides
from kapitza.measure.eels.intervals import chi2_probability
from kapitza.measure.eels.populations import adjust_pvalues
from kapitza.units import nm

FlowClass = Literal["alpha", "beta", "neither", "undecided"]

_NOT_NEGATIVE = quantity(low=-1e-300)
_SAME_POSITION_TOLERANCE = 1e-3  # of the step of a scan: positions that differ by more are not the same
_APART_LEVEL = 0.05  # chance of a false alarm at which a mode is apart from the others, corrected for their number
_SAME_ENERGY_TOLERANCE = 0.02  # relative, as of modes that are one and the same


@frozen(eq=False, kw_only=True)
class ZoneReversal(BaseRecord):
    """Modes of a zone by how they depart from the others, odd and even in the heat flow.

    Attributes
    ----------
    departure_odd, departure_even : (nm,) temperature less the common one of all modes of the zone; NaN if not shown
    odd_pvalue, even_pvalue : probability of departures as large where all modes share one temperature
    pvalue : (nm,) probability of the odd departure of each mode by chance, corrected for their number after Holm
    strength_asymmetry : (nm,) (f - r)/(f + r) of the spontaneous scattering: zero unless the structure changed
    reference : modes whose common temperature the odd departures are counted from: all that do not depart themselves
    agreement : probability that the odd parts of these differ as much by chance; 1 for one mode alone

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Occupation
    >>> from kapitza.eels import EelsExperiment, VibrationalMode, fit_spectra, simulate_spectra
    >>> from kapitza.eels.heat_flow import FlowReversal, mode_sides
    >>> from kapitza.units import k_B, meV, nm
    >>> names, energy = ("acoustic", "alpha", "beta"), np.array([45, 70, 95]) * meV
    >>> modes = [VibrationalMode(name, one, 4 * meV, 5e-4) for name, one in zip(names, energy)]
    >>> plan = EelsExperiment(left=modes, electrons=2e9, fwhm=8 * meV, rows=1)
    >>> x = np.arange(-3, 4) * nm
    >>> scans = []
    >>> for sign in (1, -1):  # beta is hotter than the others with the flow, colder against it
    ...     kelvin = 380 + sign * np.array([0, -14, 10]) * np.ones((7, 1))
    ...     source = Occupation(x, energy, 1 / np.expm1(energy / (k_B * kelvin)), modes=names)
    ...     scans.append(mode_sides(fit_spectra(simulate_spectra(plan, source, seed=3), modes, tie="each")))
    >>> print(FlowReversal(forward=scans[0], reverse=scans[1]).zone(0.0, 1.5 * nm, ("acoustic",)).classes())
    ('neither', 'alpha', 'beta')
    """

    modes: tuple[str, ...] = field(converter=tuple)
    temperature: Array = field(converter=real_array, metadata=about("K", "(2, nm) forward and reverse"))
    temperature_sigma: Array = field(converter=real_array, metadata=about("K", "uncertainty of the temperature"))
    departure_odd: Array = field(converter=real_array, metadata=about("K", "departure that is odd in the flow"))
    odd_sigma: Array = field(converter=real_array, metadata=about("K", "uncertainty of the odd departure"))
    departure_even: Array = field(converter=real_array, metadata=about("K", "departure that is even in the flow"))
    even_sigma: Array = field(converter=real_array, metadata=about("K", "uncertainty of the even departure"))
    pvalue: Array = field(converter=real_array, metadata=about("1", "probability of the odd departure by chance"))
    odd_pvalue: float = field(metadata=about("1", "probability of all odd departures by chance"))
    even_pvalue: float = field(metadata=about("1", "probability of all even departures by chance"))
    strength_asymmetry: Array = field(converter=real_array, metadata=about("1", "(f - r)/(f + r) of L - G"))
    strength_sigma: Array = field(converter=real_array, metadata=about("1", "uncertainty of the strength asymmetry"))
    reference: tuple[str, ...] = field(converter=tuple)
    agreement: float = field(default=1.0, metadata=about("1", "probability of reference modes that differ as much"))

    def classes(self, level: float = 0.05) -> tuple[FlowClass, ...]:
        """Class of each mode: "beta" where it is hotter than the others under forward flow and colder under reverse
        flow, "alpha" the other way round, "neither" where the odd departure is not significant at this level;
        "undecided" in place of all where the modes of the reference themselves differ.
        """
        if self.agreement < level:
            return ("undecided",) * len(self.modes)
        with np.errstate(invalid="ignore"):
            sure = self.pvalue <= level
        return tuple(
            ("beta" if odd > 0 else "alpha") if here else "neither"
            for odd, here in zip(self.departure_odd.tolist(), sure.tolist(), strict=True)
        )


@frozen(eq=False, kw_only=True)
class FlowReversal(BaseRecord):
    r"""Gain and loss of each mode with heat flowing forward and in reverse.

    With $f$ of the forward and $r$ of the reverse scan, and the ratio $\kappa$ of the fluxes, reverse over forward,
    $f = e + o$ and $r = e - \kappa o$: $o = (f - r)/(1 + \kappa)$ is odd in the flow and $e = (\kappa f + r)/(1 +
    \kappa)$ even.

    Attributes
    ----------
    expected_forward, expected_reverse : (nx, nm) temperature that each mode would show with both sides in equilibrium,
        of `mixed_temperatures`, K; one temperature for all modes where None
    """

    forward: ModeSides
    reverse: ModeSides
    flux_ratio: float = field(default=1.0, validator=quantity(), metadata=about("1", "reverse flux over forward flux"))
    flux_ratio_sigma: float = field(
        default=0.0, validator=_NOT_NEGATIVE, metadata=about("1", "uncertainty of the flux ratio")
    )
    expected_forward: Array | None = field(default=None, metadata=about("K", "forward, in equilibrium"))
    expected_reverse: Array | None = field(default=None, metadata=about("K", "reverse, in equilibrium"))

    def __attrs_post_init__(self) -> None:
        f, r = self.forward, self.reverse
        if f.modes != r.modes or (np.abs(f.energy / r.energy - 1) > _SAME_ENERGY_TOLERANCE).any():
            raise InputError(
                f"modes {', '.join(f.modes)} and {', '.join(r.modes)} differ: fit the same ones to both scans"
            )
        step = np.diff(f.position).min(initial=np.inf)
        same = f.position.shape == r.position.shape
        if not same or (np.abs(f.position - r.position) > _SAME_POSITION_TOLERANCE * step).any():
            raise InputError(
                f"{f.position.size} columns from {f.position[0] / nm:g} to {f.position[-1] / nm:g} nm and "
                f"{r.position.size} from {r.position[0] / nm:g} to {r.position[-1] / nm:g} nm: expected both scans of "
                "the same places"
            )
        for one in (self.expected_forward, self.expected_reverse):
            if one is not None and one.shape != f.gain.shape:
                raise InputError(f"expected temperatures of shape {one.shape} for {f.gain.shape} places and modes")

    @property
    def position(self) -> Array:
        """(nx,) places, m."""
        return self.forward.position

    @property
    def modes(self) -> tuple[str, ...]:
        """Names of the modes."""
        return self.forward.modes

    def temperature(self) -> tuple[Array, Array]:
        """(nx, nm) odd and even part of the temperature of each mode, K."""
        odd, even, _, _ = self._parts(*self._temperatures())
        return odd, even

    def temperature_sigma(self) -> tuple[Array, Array]:
        """(nx, nm) standard uncertainties of the odd and the even part, K, with that of the ratio of the fluxes."""
        _, _, odd, even = self._parts(*self._temperatures())
        shown = self.forward.shown & self.reverse.shown
        first, second = (np.where(shown, np.sqrt(np.einsum("xii->xi", part)), np.nan) for part in (odd, even))
        return first, second

    def departure(self, reference: tuple[str, ...] = ()) -> tuple[Array, Array, Array, Array]:
        """(nx, nm) odd and even departure of each mode from the common temperature, K, and their uncertainties.

        Parameters
        ----------
        reference : modes that have the common temperature; all of them if empty
        """
        use = np.array([not reference or mode in reference for mode in self.modes])
        parts = self._parts(*self._temperatures())
        departures = np.full((4, *self.forward.gain.shape), np.nan)
        for i in range(len(self.position)):
            for k in (0, 1):
                departures[k, i], departures[2 + k, i], _ = _departures(parts[k][i], parts[2 + k][i], use)
        odd, even, odd_sigma, even_sigma = departures
        return odd, even, odd_sigma, even_sigma

    def zone(self, at: float, half: float, reference: tuple[str, ...] = ()) -> ZoneReversal:
        """Mean over the columns within `half` of a place (m), and how each mode departs there.

        Parameters
        ----------
        at, half : middle and half width of the zone, m
        reference : modes that are taken to have the local temperature; if empty, those that do not depart from one
            another.  Two modes that depart need two others that do not, or a reference

        Raises
        ------
        InputError
            where no column of the zone shows two modes or more in both scans, or for a reference that is not shown
        """
        use = np.abs(self.position - at) <= half * (1 + 1e-9)
        shown = self.forward.shown & self.reverse.shown
        modes = np.asarray(shown[use].sum(axis=0) == max(int(use.sum()), 1))
        if modes.sum() < 2:
            raise InputError(
                f"{int(use.sum())} columns within {half / nm:g} nm of {at / nm:g} nm show {int(modes.sum())} modes in "
                f"both scans, wanted two or more: widen the zone, or move it (columns from "
                f"{self.position[0] / nm:g} to {self.position[-1] / nm:g} nm)"
            )
        chosen = np.isin(self.modes, reference)
        if reference and not (chosen & modes).sum() == len(set(reference)):
            raise InputError(
                f"reference {', '.join(reference)}: both scans show "
                f"{', '.join(mode for mode, here in zip(self.modes, modes, strict=True) if here)} there"
            )

        def zone_mean(value: Array) -> Array:
            return np.where(modes, np.where(modes, value[use], 0.0).mean(axis=0), np.nan)

        one, other, v_one, v_other = self._temperatures()
        means = [zone_mean(one), zone_mean(other)]
        both = modes[:, None] & modes
        spread = [np.where(both, v[use].sum(axis=0) / int(use.sum()) ** 2, 0.0) for v in (v_one, v_other)]
        odd, even, odd_v, even_v = self._parts(*means, *spread)
        calm = chosen if reference else _calm_modes(odd, odd_v)
        d_odd, s_odd, agreement = _departures(odd, odd_v, calm)
        d_even, s_even, _ = _departures(even, even_v, chosen if reference else _calm_modes(even, even_v))
        everything = np.ones(len(self.modes), dtype=bool)
        asymmetry, sigma = self._strength_asymmetry(use, modes)
        return ZoneReversal(
            modes=self.modes,
            temperature=np.stack([zone_mean(scan.temperature()) for scan in (self.forward, self.reverse)]),
            temperature_sigma=np.stack([np.where(modes, np.sqrt(np.diag(v)), np.nan) for v in spread]),
            departure_odd=d_odd,
            odd_sigma=s_odd,
            departure_even=d_even,
            even_sigma=s_even,
            pvalue=adjust_pvalues(chi2_probability(np.ones(d_odd.size), np.square(d_odd / s_odd))),
            odd_pvalue=_departures(odd, odd_v, everything)[2],
            even_pvalue=_departures(even, even_v, everything)[2],
            strength_asymmetry=asymmetry,
            strength_sigma=sigma,
            reference=tuple(mode for mode, here in zip(self.modes, calm, strict=True) if here),
            agreement=agreement if calm.sum() > 1 else 1.0,
        )

    def _temperatures(self) -> tuple[Array, Array, Array, Array]:
        """Temperatures of both scans, less what equilibrium on both sides would show, and their covariances."""
        one, other = self.forward.temperature(), self.reverse.temperature()
        if self.expected_forward is not None and self.expected_reverse is not None:
            one, other = one - self.expected_forward, other - self.expected_reverse
        return one, other, self.forward.temperature_covariance(), self.reverse.temperature_covariance()

    def _parts(self, f: Array, r: Array, f_v: Array, r_v: Array) -> tuple[Array, Array, Array, Array]:
        """Odd and even part of two numbers (..., m), and their covariances (..., m, m)."""
        ratio, sigma = self.flux_ratio, self.flux_ratio_sigma
        odd, even = (f - r) / (1 + ratio), (ratio * f + r) / (1 + ratio)
        # both go with the ratio as odd/(1 + ratio), with opposite signs
        pull = np.nan_to_num(odd) * sigma / (1 + ratio)
        shared = pull[..., :, None] * pull[..., None, :]
        return odd, even, (f_v + r_v) / (1 + ratio) ** 2 + shared, (ratio**2 * f_v + r_v) / (1 + ratio) ** 2 + shared

    def _strength_asymmetry(self, use: BoolArray, modes: BoolArray) -> tuple[Array, Array]:
        """(nm,) (f - r)/(f + r) of the scattering strength in a zone, and its standard uncertainty."""
        (f, f_s), (r, r_s) = (
            (np.where(modes, value[use], 0.0).mean(axis=0), np.linalg.norm(np.where(modes, sigma[use], 0.0), axis=0))
            for value, sigma in (self.forward.strength(), self.reverse.strength())
        )
        f_s, r_s = f_s / int(use.sum()), r_s / int(use.sum())
        total = np.where(modes & (f + r != 0), f + r, np.nan)
        return (f - r) / total, 2 * np.hypot(r * f_s, f * r_s) / total**2


def _departures(value: Array, covariance: Array, reference: BoolArray) -> tuple[Array, Array, float]:
    r"""Departures (m,) from the common value of the reference modes, their uncertainties, and their joint probability.

    The common value is the best linear one, $c = 1^TC^{-1}v/1^TC^{-1}1$, of the reference numbers that are not NaN.
    """
    found, sigma = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    known = np.isfinite(value) & (np.diag(covariance) > 0)
    here = np.flatnonzero(known & reference)
    if known.sum() < 2 or not here.size:
        return found, sigma, np.nan
    weight = np.linalg.inv(covariance[np.ix_(here, here)])
    share = np.zeros(value.size)
    share[here] = weight.sum(axis=0) / weight.sum()
    pull = np.eye(value.size) - share
    apart = np.where(known, np.where(known, value, 0.0) @ pull.T, np.nan)
    variance = np.diag(pull @ covariance @ pull.T)
    shown = known & (variance > 0)
    chi2 = apart[here] @ weight @ apart[here]
    return (
        np.where(shown, apart, np.nan),
        np.where(shown, np.sqrt(np.maximum(variance, 0.0)), np.nan),
        float(chi2_probability(here.size - 1, chi2)),
    )


def _calm_modes(value: Array, covariance: Array) -> BoolArray:
    """Modes that share one value: the one that is surest to be apart from the others is left out, then the next.

    Two modes are kept at last: which of two departs cannot be told.
    """
    use = np.isfinite(value) & (np.diag(covariance) > 0)
    while use.sum() > 2:
        pulls: list[tuple[float, int]] = []
        for j in np.flatnonzero(use).tolist():
            rest = use.copy()
            rest[j] = False
            apart, sigma, _ = _departures(value, covariance, rest)
            pulls.append((abs(float(apart[j] / sigma[j])), j))
        worst, j = max(pulls)
        if float(chi2_probability(1, worst**2)) * len(pulls) > _APART_LEVEL:
            break
        use[j] = False
    return use
