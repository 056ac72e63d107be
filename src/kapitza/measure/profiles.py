"""Temperature jump from a profile: points to leave out, correlation of errors of neighbouring points, heat flux."""

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, numbers, positive, same_length
from kapitza.core.profile import Jump, Profile
from kapitza.core.records import BaseRecord, one_for_each
from kapitza.errors import InputError


@frozen(eq=False)
class ExclusionScan(BaseRecord):
    """Jumps extrapolated from farther and farther away.

    Attributes
    ----------
    best_index : index of the smallest zone from which on the jump stays the same within its errors
    best : the jump there, whose covariance holds the spread over the wider zones too

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Profile
    >>> from kapitza.thermometry import scan_exclusion
    >>> position = np.arange(-20, 21) * 1e-9
    >>> kelvin = 300 - 1e8 * position - 5 * np.sign(position)
    >>> noise = 0.2 * np.random.default_rng(1).standard_normal(position.size)
    >>> scan = scan_exclusion(
    ...     Profile(position, kelvin + noise, sigma=np.full(position.size, 0.2)), 0.0, [1e-9, 3e-9, 6e-9]
    ... )
    >>> print(scan.jump.round(1), f"best: {scan.best.jump:.1f} ± {scan.best.sigma:.1f} K")
    [ 9.9 10.   9.8] best: 9.9 ± 0.2 K
    """

    skip: Array = field(converter=numbers, metadata=about("m", "half width of the zone left out"))
    jump: Array = field(converter=numbers, validator=same_length("skip"), metadata=about("K", "temperature jump"))
    sigma: Array = field(converter=numbers, **one_for_each("skip", "K", "standard uncertainty of the jump"))
    chi2: Array = field(converter=numbers, **one_for_each("skip", "1", "squared residuals per degree of freedom"))
    best_index: int = field(metadata=about("1", "index of the width taken"))
    best: Jump


@frozen(eq=False)
class FluxCheck(BaseRecord):
    """Heat fluxes that a profile implies on both sides, and the one that was put in.

    Attributes
    ----------
    flux : (2,) or (3,) left -k dT/dx, right -k dT/dx, and of the source where it was given
    mean_sigma : widened where the fluxes disagree

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Profile
    >>> from kapitza.thermometry import check_flux
    >>> position = np.arange(-20, 21) * 1e-9
    >>> kelvin = np.where(position < 0, 300 - 1e8 * position, 290 - 2e8 * position)
    >>> jump = Profile(position, kelvin, np.full(41, 0.2)).jump(0.0)
    >>> check = check_flux(jump, [50.0, 25.0], sigmas=[2.0, 1.0])
    >>> print(f"{check.mean / 1e9:.1f} ± {check.mean_sigma / 1e9:.1f} GW/m², the same on both sides: {check.agree}")
    5.0 ± 0.2 GW/m², the same on both sides: True
    """

    flux: Array = field(converter=numbers, metadata=about("W m^-2", "heat flux of each source"))
    sigma: Array = field(converter=numbers, **one_for_each("flux", "W m^-2", "standard uncertainty of the flux"))
    mean: float = field(metadata=about("W m^-2", "weighted mean"))
    mean_sigma: float = field(metadata=about("W m^-2", "uncertainty of the mean"))
    probability: float = field(metadata=about("1", "probability of fluxes that differ as much"))

    @property
    def agree(self) -> bool:
        """Whether the fluxes are the same at 1 % significance."""
        return self.probability > 0.01


def correlate_errors(profile: Profile, at: float, *, skip: float = 0.0, reach: float = np.inf) -> Profile:
    r"""The same profile with the correlation of errors of neighbouring points that the residuals show.

    The residuals about the two lines are taken as a first-order autoregression along the points, with the correlation
    $\rho = \sum r_i r_{i+1} / \sum r_i^2$, raised by $(1 + 3\rho)/n$ for the fit of the lines (never below 0):
    $V_{ij} = \sigma_i \sigma_j \rho^{|i-j|}$ within a side.  Stated sigmas are kept, else the scatter gives them.

    Parameters
    ----------
    profile : with sigma, or with none; one with a covariance is returned as it is
    at, skip, reach : as in `Profile.jump`

    Raises
    ------
    InputError
        if fewer than four points are left on a side
    """
    if profile.covariance is not None:
        return profile
    distance = np.abs(profile.position - at)
    use = (distance >= skip) & (distance <= reach) & (distance > 0)
    sides = {"left": use & (profile.position < at), "right": use & (profile.position > at)}
    for name, side in sides.items():
        if side.sum() < 4:
            raise InputError(
                f"{int(side.sum())} points {name} of {at:g} m between skip = {skip:g} m and reach = {reach:g} m: "
                "errors from the scatter need 4"
            )
    weight = np.ones(profile.position.size) if profile.sigma is None else 1 / profile.sigma
    residuals: list[Array] = []
    for side in sides.values():
        x, y, w = profile.position[side] - at, profile.temperature[side], weight[side]
        line = np.polynomial.Polynomial.fit(x, y, 1, w=w)
        residuals.append((y - line(x)) * w)
    power = sum(float(r @ r) for r in residuals)
    number = sum(r.size for r in residuals)
    raw = sum(float(r[1:] @ r[:-1]) for r in residuals) / power if power > 0 else 0.0
    rho = min(0.99, max(0.0, raw + (1 + 3 * raw) / (number / 2)))
    # share of the variance of correlated errors that the fitted mean of each side takes with it
    lost = min(0.9, (1 + rho) / (1 - rho) / (number / 2)) - 1 / (number / 2) if rho > 0 else 0.0
    scale = 1.0 if profile.sigma is not None else power / (number - 4) / max(1e-3, 1 - lost)
    order = np.arange(profile.position.size)
    same = np.equal.outer(profile.position > at, profile.position > at)
    spread = np.where(same, rho ** np.abs(np.subtract.outer(order, order)), 0.0)
    covariance = scale * spread / np.outer(weight, weight)
    return evolve(profile, sigma=None, covariance=covariance)


def scan_exclusion(
    profile: Profile, at: float, skips: ArrayLike, *, reach: float = np.inf, tolerance: float = 2.0
) -> ExclusionScan:
    """Extrapolate with wider and wider zones left out, and choose the smallest that no longer matters.

    Near an interface the profile is not straight over a few mean free paths.  A zone is wide enough if the jumps of
    all wider ones stay within `tolerance` times the uncertainty of their difference; subsets of the same data have
    var(difference) = difference of variances.

    Parameters
    ----------
    profile : temperature against position
    at : position of the plane, m
    skips : (n,) half widths of the zone, m
    reach : points farther than this are left out, m
    tolerance : standard uncertainties that count as the same

    Raises
    ------
    InputError
        if no width leaves enough points, or the jump depends on the width up to the widest
    """
    widths = np.sort(numbers(skips))
    if widths.size < 2:
        raise InputError(f"expected two widths or more to compare, got {widths.size}")
    jumps = [correlate_errors(profile, at, skip=w, reach=reach).jump(at, skip=w, reach=reach) for w in widths.tolist()]
    values, sigmas = np.array([j.jump for j in jumps]), np.array([j.sigma for j in jumps])
    for chosen in range(widths.size - 1):
        gap = np.abs(values[chosen + 1 :] - values[chosen])
        allowed = tolerance * np.sqrt(np.abs(sigmas[chosen + 1 :] ** 2 - sigmas[chosen] ** 2))
        rounding = 1e-9 * np.abs(profile.temperature).max()
        if (gap <= allowed + rounding).all():
            break
    else:
        raise InputError(
            f"the jump still changes at the widest zone, from {values[-2]:.4g} to {values[-1]:.4g} K: the profile is "
            "not straight, give wider zones or a longer profile"
        )
    best = jumps[chosen]
    spread = float(np.std(values[chosen:]))
    covariance = np.array(best.covariance)
    covariance[0, 0] += spread**2
    chi2 = np.array([j.chi2 / max(1, j.freedom) for j in jumps])
    return ExclusionScan(widths, values, sigmas, chi2, chosen, evolve(best, covariance=covariance))


def check_flux(
    jump: Jump, conductivities: ArrayLike, *, sigmas: ArrayLike | None = None, source: tuple[float, float] | None = None
) -> FluxCheck:
    """Compare the fluxes of both sides with each other and with the source.

    Parameters
    ----------
    jump : with the gradients of both sides
    conductivities : (2,) left and right, W m⁻¹ K⁻¹
    sigmas : (2,) their standard uncertainties; exact where None
    source : flux put in and its standard uncertainty, W m⁻²

    Raises
    ------
    InputError
        if there are not two conductivities, or no flux has an uncertainty
    """
    from scipy.special import chdtrc

    k = positive(conductivities)
    if k.size != 2:
        raise InputError(f"expected the conductivities of left and right, got {k.size} numbers")
    own = np.zeros(2) if sigmas is None else numbers(sigmas)
    gradient = np.array([jump.gradient_left, jump.gradient_right])
    flux = -k * gradient
    covariance = np.outer(k, k) * jump.covariance[1:, 1:] + np.diag((own * gradient) ** 2)
    if source is not None:
        flux = np.append(flux, source[0])
        covariance = np.block([[covariance, np.zeros((2, 1))], [np.zeros((1, 2)), np.array([[source[1] ** 2]])]])
    if not (np.diag(covariance) > 0).all():
        raise InputError(f"fluxes {flux} have no uncertainty to compare them by: give sigmas")
    weight = np.linalg.inv(covariance)
    variance = 1 / float(weight.sum())
    mean = float(variance * weight.sum(axis=0) @ flux)
    chi2 = float((flux - mean) @ weight @ (flux - mean))
    freedom = flux.size - 1
    widened = float(np.sqrt(variance * max(1.0, chi2 / freedom)))
    return FluxCheck(flux, np.sqrt(np.diag(covariance)), mean, widened, float(chdtrc(freedom, chi2)))
