"""Jump of a temperature profile at an interface through the point spread, and the absolute resistance from it."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, check_choice, numbers, real_array, square
from kapitza.core.conductance import Conductance
from kapitza.core.profile import Jump, Profile
from kapitza.core.records import BaseRecord
from kapitza.core.student import student_quantile
from kapitza.errors import InputError, ValidityWarning
from kapitza.measure.eels.intervals import chi2_probability, ratio_interval
from kapitza.measure.eels.point_spread import PointSpread, SideContrast
from kapitza.units import nm

_SPREAD_PARAMETERS = ("width", "share", "length")
_BRANCH_PARAMETERS = ("left", "right", "gradient_left", "gradient_right")
_PLANE_SIGMAS = 3.0  # of the prior of a plane, to which a start is looked for
_SURE_GAIN = 12.0  # in chi-squared, from which on another place of the plane is said
_LEAST_STRENGTH = 1e-6  # of what shows least of the branches, as a share of what shows most
_MAX_EVALUATIONS = 200  # evaluations of the search for the few parameters that are not linear


@frozen(eq=False, kw_only=True)
class InterfaceJump(BaseRecord):
    """Two straight branches with a jump, as seen through a point spread.

    Attributes
    ----------
    jump : jump, gradients and their covariance at the fitted plane
    names : of all fitted numbers: "left", "right" (K, extrapolated to the plane), "gradient_left", "gradient_right"
        (K m⁻¹), and where they were free "at", "width", "length" (m), "share"
    freedom : degrees of freedom where the errors were taken from the scatter; None where they were known
    position, residual : (n,) places that were used, m, and (data - model) there, K
    contrast : weights of both materials where both are seen; None where they were taken as equal

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Profile
    >>> from kapitza.eels import PointSpread, fit_jump
    >>> from kapitza.units import nm
    >>> x = (np.arange(40) - 19.5) * nm
    >>> kelvin = np.where(x < 0, 410 - 0.2e9 * x, 390 - 0.4e9 * x)
    >>> found = fit_jump(Profile(x, kelvin, np.full(40, 0.5)), 0.0, PointSpread(0.5 * nm))
    >>> low, high = found.kapitza_interval("left")
    >>> print(f"{found.jump.jump:.1f} ± {found.jump.sigma:.1f} K, Kapitza length {low / nm:.0f} to {high / nm:.0f} nm")
    20.9 ± 0.3 K, Kapitza length 100 to 168 nm
    """

    jump: Jump
    spread: PointSpread
    names: tuple[str, ...]
    value: Array = field(converter=numbers, metadata=about("K, K m^-1, m and 1, by name", "(p,) fitted parameters"))
    covariance: Array = field(converter=square, metadata=about("of value", "covariance"))
    freedom: int | None = field(metadata=about("1", "degrees of freedom"))
    position: Array = field(converter=numbers, metadata=about("m", "position"))
    residual: Array = field(converter=numbers, metadata=about("K", "residual"))
    contrast: SideContrast | None = None

    @property
    def pvalue(self) -> float:
        """Probability of a worse fit when the model and the stated errors are right; NaN where none were stated."""
        return float("nan") if self.freedom is not None else float(chi2_probability(self.jump.freedom, self.jump.chi2))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the jump, K."""
        half = student_quantile(level, self.freedom or np.inf) * self.jump.sigma
        return self.jump.jump - half, self.jump.jump + half

    def kapitza_interval(self, side: str, level: float = 0.95) -> tuple[float, float]:
        """Interval of the Kapitza length -jump/gradient of the "left" or "right" side, m.

        After Fieller: it has no upper end where the gradient is not significantly different from zero.  Lengths are
        taken as not negative, since heat flows down both the branches and the jump.

        Raises InputError for another side.
        """
        check_choice(side, ("left", "right"), "side")
        i = 1 if side == "left" else 2
        gradient = (self.jump.gradient_left, self.jump.gradient_right)[i - 1]
        pick = np.ix_([0, i], [0, i])
        covariance = self.jump.covariance[pick] * np.array([[1, -1], [-1, 1]])
        return ratio_interval(
            self.jump.jump, -gradient, covariance, level=level, freedom=self.freedom or np.inf, lowest=0.0
        )

    def conductivity_ratio(self, level: float = 0.95) -> tuple[float, float, float]:
        """Ratio k_left/k_right = gradient_right/gradient_left that a continuous flux demands, and its interval.

        It is a test where the conductivities are known from elsewhere: their ratio must lie in the interval.
        """
        left, right = self.jump.gradient_left, self.jump.gradient_right
        covariance = self.jump.covariance[np.ix_([2, 1], [2, 1])]
        low, high = ratio_interval(right, left, covariance, level=level, freedom=self.freedom or np.inf, lowest=0.0)
        return right / left if left else np.inf, low, high

    def relative_resistance(self, thickness: float) -> tuple[float, float]:
        """Resistance of the interface over that of a layer of each side of this thickness (m): Kapitza length over it.

        Raises InputError for a thickness that is not above zero.
        """
        if not thickness > 0:
            raise InputError(f"thickness = {thickness:g} m, wanted above 0")
        left, right = self.jump.kapitza_lengths
        return left / thickness, right / thickness

    def relative_resistance_interval(self, side: str, thickness: float, level: float = 0.95) -> tuple[float, float]:
        """Interval of the ratio of one side, after Fieller: that of its Kapitza length over the thickness (m).

        Raises InputError for another side, or a thickness that is not above zero.
        """
        self.relative_resistance(thickness)
        low, high = self.kapitza_interval(side, level)
        return low / thickness, high / thickness

    def temperature(self, position: ArrayLike) -> Array:
        """(n,) fitted temperature as it is seen at other places, K."""
        places = numbers(position)
        branches = self.spread.branches(places - self.jump.at)
        return contrast_weighted_means(branches, places, self.contrast) @ self.value[:4]


def fit_jump(
    profile: Profile,
    at: float,
    spread: PointSpread | None = None,
    *,
    contrast: SideContrast | None = None,
    at_sigma: float = 0.0,
    skip: float = 0.0,
    reach: float = np.inf,
    scale_sigma: float = 0.0,
) -> InterfaceJump:
    r"""Fit two straight branches and a jump, convolved with a point spread, to a profile.

    $T(x) = [(1 - s) N_w + s L_\ell] * \{T_L + g_L (x - x_0)\ (x < x_0);\ T_R + g_R (x - x_0)\ (x > x_0)\}$ with a
    normal kernel $N_w$ of standard deviation $w$ and a two-sided exponential $L_\ell$ that stands for delocalised
    (dipole) scattering.  The full covariance of the profile is used; where it has none, the scatter gives the errors.
    Numbers of the point spread, and the plane, that carry an uncertainty are fitted with it as their prior.

    Parameters
    ----------
    profile : temperatures along the normal
    at : position of the plane, m
    spread : point spread; a point if None
    contrast : weights of both materials where both are seen, of `side_contrast`; equal if None
    at_sigma : standard uncertainty of the plane, m; exact if 0
    skip, reach : only points between these distances from the plane are used, m
    scale_sigma : relative standard uncertainty of the temperature scale, common to all points, as that of the
        dispersion of the spectrometer; it enters the errors of jump and gradients and cancels in Kapitza lengths

    Returns
    -------
    InterfaceJump; with a point as spread the same as `Profile.jump`

    Raises
    ------
    InputError
        if fewer than two points are left on a side, or none to take the errors from

    Notes
    -----
    Without `contrast` the weights of a mean over the spread are equal on both sides, as if the materials scattered
    alike.  Where they do not, and a fifth of the signal is delocalised, that shifts a jump of 15 K by half a kelvin.
    Branches are straight over a few lengths of the spread beyond the scan.
    """
    seen = _observe(profile, at, spread, contrast, skip, reach)
    x, spread = seen.x, seen.spread
    known = profile.sigma is not None or profile.covariance is not None
    priors = [(name, getattr(spread, name), getattr(spread, f"{name}_sigma")) for name in _SPREAD_PARAMETERS]
    free = [prior for prior in (("at", at, at_sigma), *priors) if prior[2] > 0]
    if not known and x.size < 5 + len(free):
        raise InputError(f"{x.size} points leave no scatter to take errors from: give sigma, or 5 points or more")
    values, covariance, residual = _solve_branches(seen, free)
    names = (*_BRANCH_PARAMETERS, *(name for name, _, _ in free))
    chi2 = float(np.sum((seen.root @ residual) ** 2))
    freedom = x.size - 4
    if not known:
        covariance = covariance * max(chi2, np.finfo(float).tiny) / freedom
    held = dict(zip(names, values.tolist(), strict=True))
    to_jump = np.zeros((3, len(names)))
    to_jump[0, :2], to_jump[1, 2], to_jump[2, 3] = (1, -1), 1, 1
    three = to_jump @ values
    jump = Jump(
        at=held.get("at", at),
        temperature=float(values[:2].mean()),
        jump=float(three[0]),
        gradient_left=float(three[1]),
        gradient_right=float(three[2]),
        covariance=to_jump @ covariance @ to_jump.T + scale_sigma**2 * np.outer(three, three),
        chi2=chi2,
        freedom=freedom,
    )
    fitted = evolve(spread, **{name: held[name] for name in _SPREAD_PARAMETERS if name in held})
    return InterfaceJump(
        jump=jump, spread=fitted, names=names, value=values, covariance=covariance, position=x + at, residual=residual,
        freedom=None if known else freedom, contrast=contrast,
    )  # fmt: skip


def _observe(
    profile: Profile, at: float, spread: PointSpread | None, contrast: SideContrast | None, skip: float, reach: float
) -> "_ObservedProfile":
    """Points of a profile between two distances from the plane."""
    if not 0 <= skip < reach:
        raise InputError(
            f"skip = {skip / nm:g} nm and reach = {reach / nm:g} nm: expected 0 or more, and a reach beyond the skip"
        )
    distance = np.abs(profile.position - at)
    use = (distance >= skip) & (distance <= reach)
    x = profile.position[use] - at
    for side, count in (("left", int((x < 0).sum())), ("right", int((x > 0).sum()))):
        if count < 2:
            first, last = profile.position[0] / nm, profile.position[-1] / nm
            raise InputError(
                f"{count} points {side} of {at / nm:g} nm between skip = {skip / nm:g} nm and reach = {reach / nm:g} "
                f"nm, of positions from {first:g} to {last:g} nm: a branch needs 2"
            )
    root = profile.whitening(use)
    return _ObservedProfile(x, profile.temperature[use], root, spread or PointSpread(), at, contrast)


@frozen(eq=False)
class _ObservedProfile(BaseRecord):
    """What a profile shows: distances from the plane, temperatures, whitening matrix, and how it was seen."""

    x: Array
    data: Array
    root: NDArray[Any]
    spread: PointSpread
    at: float
    contrast: SideContrast | None

    def design(self, held: dict[str, float]) -> NDArray[Any]:
        """(n, 4) what the linear numbers give, for values of the others; gradients in units of the longest distance."""
        shifted = self.x - (held.get("at", self.at) - self.at)
        spread = evolve(self.spread, **{name: value for name, value in held.items() if name != "at"})
        return contrast_weighted_means(spread.branches(shifted), self.x + self.at, self.contrast) * self.size

    @property
    def size(self) -> NDArray[Any]:
        """(4,) units of the linear numbers."""
        reach = np.abs(self.x).max()
        return np.array([1.0, 1.0, 1 / reach, 1 / reach])

    def plane_chi2(self, places: Array) -> Array:
        """(k,) chi-squared of the best branches for places of the plane; infinite with less than two points aside."""
        found = np.full(places.size, np.inf)
        for i, place in enumerate(places.tolist()):
            away = self.x + self.at - place
            if min((away < 0).sum(), (away > 0).sum()) >= 2:
                white, data = self.root @ self.design({"at": place}), self.root @ self.data
                found[i] = float(np.sum((data - white @ np.linalg.lstsq(white, data, rcond=None)[0]) ** 2))
        return found


def contrast_weighted_means(branches: NDArray[Any], position: Array, contrast: SideContrast | None) -> NDArray[Any]:
    """(n, 4) means over the spread in which both materials weigh what they do at a position (m)."""
    if contrast is None:
        return branches
    weight = np.column_stack([np.ones(position.size), contrast.at(position)])
    return branches * np.tile(weight, 2) / (branches[:, :2] * weight).sum(axis=1, keepdims=True)


def _solve_branches(profile: _ObservedProfile, free: list[tuple[str, float, float]]) -> tuple[Array, Array, Array]:
    """Fitted numbers, covariance of unit errors, and residuals in K."""
    size, data, root = profile.size, profile.data, profile.root
    start = {name: value for name, value, _ in free}
    if free and free[0][0] == "at":  # between the pixels: across one chi-squared jumps
        _, at, sigma = free[0]
        middle = profile.at + 0.5 * (profile.x[1:] + profile.x[:-1])
        places = np.concatenate([[at], middle[np.abs(middle - at) <= _PLANE_SIGMAS * sigma]])
        start["at"] = float(places[np.argmin(profile.plane_chi2(places) + ((places - at) / sigma) ** 2)])
    white = root @ profile.design(start)
    found, _, _, strength = np.linalg.lstsq(white, root @ data, rcond=None)
    if not strength[-1] > _LEAST_STRENGTH * strength[0]:
        raise InputError(
            f"through a point spread of {profile.spread.width / nm:g} nm, {data.size} places from "
            f"{profile.x[0] / nm:g} to {profile.x[-1] / nm:g} nm show no two branches: expected a scan longer than the "
            "spread on both sides of the interface"
        )
    if not free:
        covariance = real_array(np.linalg.inv(white.T @ white) * np.outer(size, size))
        return real_array(found * size), covariance, data - profile.design(start) @ found
    prior = np.array([(value, sigma) for _, value, sigma in free])
    scale = np.concatenate([size, prior[:, 1]])
    offset = np.concatenate([np.zeros(4), prior[:, 0]])

    def held_at(p: Array) -> dict[str, float]:
        return {name: float(v) for (name, _, _), v in zip(free, offset[4:] + scale[4:] * p[4:], strict=True)}

    def misfit(p: Array) -> Array:
        return np.concatenate([root @ (data - profile.design(held_at(p)) @ p[:4]), p[4:]])

    first = np.concatenate([found, [(start[n] - v) / e for n, v, e in free]])
    p, covariance = _search_nonlinear(misfit, first, free)
    residual = data - profile.design(held_at(p)) @ p[:4]
    return offset + scale * p, real_array(covariance * np.outer(scale, scale)), residual


def better_plane(
    profile: Profile,
    at: float,
    spread: PointSpread | None = None,
    *,
    contrast: SideContrast | None = None,
    skip: float = 0.0,
    reach: float = np.inf,
) -> tuple[float, float] | None:
    """Place near a plane that is taken as exact where the profile fits far better, and chi-squared gained there.

    Tried are the middles between pixels no more than two away, on the points that `fit_jump` uses; None where
    chi-squared falls by less than 12.
    """
    seen = _observe(profile, at, spread, contrast, skip, reach)
    middle = 0.5 * (profile.position[1:] + profile.position[:-1])
    spacing = float(np.median(np.diff(profile.position)))
    places = np.concatenate([[at], middle[np.abs(middle - at) <= 2.1 * spacing]])
    chi2 = seen.plane_chi2(places)
    best = int(np.argmin(chi2))
    gained = float(chi2[0] - chi2[best])
    return (float(places[best]), gained) if gained > _SURE_GAIN else None


def _search_nonlinear(
    misfit: Callable[[Array], Array], start: Array, free: list[tuple[str, float, float]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least squares of four linear and a few other numbers, in their uncertainties, and their covariance."""
    from scipy.optimize import least_squares

    low, high = np.full(start.size, -np.inf), np.full(start.size, np.inf)
    for i, (name, value, sigma) in enumerate(free, 4):  # widths and lengths stay above zero, a share between 0 and 1
        if name != "at":
            low[i] = ((1e-3 if name == "length" else 0.0) * value - value) / sigma
        if name == "share":
            high[i] = (1 - value) / sigma
    inside = np.clip(start, low + 1e-9, high - 1e-9)
    found = least_squares(misfit, inside, jac="3-point", bounds=(low, high), x_scale="jac", max_nfev=_MAX_EVALUATIONS)
    try:
        return found.x, np.linalg.inv(found.jac.T @ found.jac)
    except np.linalg.LinAlgError as err:
        raise InputError(
            "temperatures show no two branches through a point spread and a position as uncertain as these: expected "
            "both known to within the scan, and temperatures of a specimen"
        ) from err


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
    for bulk in (known.name for known in given.values() if known.bulk):
        warnings.warn(
            f"the conductivity of bulk {bulk} was used for a lamella: a thin film cut by an ion beam conducts several "
            "times worse (boundary scattering, damage), and the resistance comes out too small by the same factor; "
            "measure the conductivity of the lamella, or the flux",
            ValidityWarning,
            stacklevel=2,
        )
    value, covariance = _jump_and_fluxes(jump_fit, given)
    (jump, heat), joint, chi2 = _combine_estimates(value, covariance)
    if jump * heat <= 0:
        raise InputError(f"a flux of {heat:g} W/m² goes against the jump of {jump:g} K: check sign and sides")
    slope = np.array([-heat / jump, 1]) / jump
    sigma = float(np.sqrt(slope @ joint @ slope))
    interval = ratio_interval(
        heat, jump, joint[::-1, ::-1], level=level, freedom=jump_fit.freedom or np.inf, lowest=0.0
    )
    conductance = Conductance([jump_fit.jump.temperature], [heat / jump], [sigma], method="STEM-EELS")
    return AbsoluteResistance(
        conductance=conductance, interval=interval, level=level, jump=jump, jump_sigma=float(np.sqrt(joint[0, 0])),
        flux=heat, flux_sigma=float(np.sqrt(joint[1, 1])), sources=tuple(given), fluxes=value[1:],
        flux_sigmas=np.sqrt(np.diag(covariance)[1:]), pvalue=float(chi2_probability(len(given) - 1, chi2)),
    )  # fmt: skip


def _jump_and_fluxes(jump_fit: InterfaceJump, conductivities: Mapping[str, KnownQuantity]) -> tuple[Array, Array]:
    """Jump and the flux by each source, with their joint covariance."""
    gradients = {"left": jump_fit.jump.gradient_left, "right": jump_fit.jump.gradient_right}
    turn, sigmas, values = np.zeros((1 + len(conductivities), 3)), [0.0], [jump_fit.jump.jump]
    turn[0, 0] = 1.0
    for i, (name, known) in enumerate(conductivities.items(), 1):
        if name != "flux":
            turn[i, 1 if name == "left" else 2] = -known.value
        factor = 1.0 if name == "flux" else gradients[name]
        values.append(known.value if name == "flux" else -known.value * factor)
        sigmas.append(known.sigma * factor)
    return np.array(values), turn @ jump_fit.jump.covariance @ turn.T + np.diag(np.square(sigmas))


def _combine_estimates(value: Array, covariance: Array) -> tuple[list[float], Array, float]:
    """Jump and flux by generalised least squares with one of the sources possibly exact: covariance and chi2."""
    size = np.maximum(np.abs(value), np.sqrt(np.diag(covariance)))
    size = np.where(size > 0, size, 1.0)
    scaled = covariance / np.outer(size, size) + 1e-14 * np.eye(value.size)
    columns = np.array([size[0], size[1:].max()])
    rows = np.zeros((value.size, 2))
    rows[0, 0], rows[1:, 1] = columns[0] / size[0], columns[1] / size[1:]
    weight = np.linalg.inv(scaled)
    joint = np.linalg.inv(rows.T @ weight @ rows)
    both = joint @ rows.T @ weight @ (value / size)
    residual = value / size - rows @ both
    chi2 = float(residual @ weight @ residual)
    return (both * columns).tolist(), real_array(joint * np.outer(columns, columns)), chi2
