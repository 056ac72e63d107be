"""Temperature along the normal of an interface, and the jump that two straight branches leave between them."""

from typing import Any

import numpy as np
from attrs import converters, field, frozen, validators
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, filled, increasing, numbers, same_length, square
from kapitza.core.conductance import Conductance
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

_MAX_CONDITION = 1e12  # of weighted lines, beyond which rounding decides


@frozen(eq=False, kw_only=True)
class Jump(BaseRecord):
    """Temperature jump at a plane, from two straight branches extrapolated to it.

    Attributes
    ----------
    covariance : (3, 3) of (jump, gradient_left, gradient_right)

    Examples
    --------
    >>> from kapitza import Profile
    >>> from kapitza.units import nm
    >>> profile = Profile(
    ...     [0 * nm, 10 * nm, 12 * nm, 22 * nm], [310.0, 308.0, 303.0, 301.0], sigma=[0.1, 0.1, 0.1, 0.1]
    ... )
    >>> found = profile.jump(11 * nm)
    >>> print(f"{found.jump:.2f} ± {found.sigma:.2f} K, Kapitza length {found.kapitza_lengths[0] / nm:.0f} nm")
    4.60 ± 0.16 K, Kapitza length 23 nm
    """

    at: float = field(metadata=about("m", "position of the plane"))
    temperature: float = field(metadata=about("K", "mean temperature at the plane"))
    jump: float = field(metadata=about("K", "temperature jump, left minus right"))
    gradient_left: float = field(metadata=about("K m^-1", "gradient on the left"))
    gradient_right: float = field(metadata=about("K m^-1", "gradient on the right"))
    covariance: Array = field(
        converter=square, metadata=about("of (jump, gradient_left, gradient_right)", "covariance")
    )
    chi2: float = field(metadata=about("1", "chi squared"))
    freedom: int = field(metadata=about("1", "degrees of freedom"))

    @property
    def sigma(self) -> float:
        """Standard uncertainty of the jump, K."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def kapitza_lengths(self) -> tuple[float, float]:
        """Lengths of left and right material with the same drop, -jump/gradient, m."""
        left, right = (-self.jump / slope if slope else np.inf for slope in (self.gradient_left, self.gradient_right))
        return left, right

    @property
    def kapitza_length_sigmas(self) -> tuple[float, float]:
        """Standard uncertainties of the Kapitza lengths, to first order, m."""
        sigmas = [np.inf, np.inf]
        for i, gradient in enumerate((self.gradient_left, self.gradient_right)):
            if gradient:
                slope = np.zeros(3)
                slope[0], slope[i + 1] = -1 / gradient, self.jump / gradient**2
                sigmas[i] = float(np.sqrt(slope @ self.covariance @ slope))
        return sigmas[0], sigmas[1]

    def conductance(self, flux: float, *, sigma: float = 0.0, statistics: Statistics = "quantum") -> Conductance:
        """Extrapolated conductance G = flux/jump, with the uncertainties of both.

        Parameters
        ----------
        flux : heat flux through the plane, positive left to right, W m⁻²
        sigma : its standard uncertainty, W m⁻²
        statistics : "classical" where the profile comes from classical molecular dynamics

        Raises
        ------
        InputError
            if flux and jump have opposite signs: heat does not flow uphill
        """
        if flux * self.jump <= 0:
            raise InputError(f"a flux of {flux:g} W/m² goes against the jump of {self.jump:g} K: check sign and sides")
        value = flux / self.jump
        relative = np.hypot(sigma / flux, self.sigma / self.jump)
        return Conductance([self.temperature], [value], [value * relative], statistics=statistics, method="profile")


@frozen(eq=False)
class Profile(BaseRecord):
    """Temperature against position along the normal, (n,) each; errors of neighbours may go together.

    Raises
    ------
    InputError
        for NaN, unequal lengths, positions that do not increase, or both sigma and covariance
    """

    position: Array = field(converter=increasing, validator=filled, metadata=about("m", "position"))
    temperature: Array = field(converter=numbers, validator=same_length("position"), metadata=about("K", "temperature"))
    sigma: Array | None = field(
        default=None,
        converter=converters.optional(numbers),
        validator=validators.optional(same_length("position")),
        metadata=about("K", "uncertainty of the temperature"),
    )
    covariance: Array | None = field(
        default=None, converter=converters.optional(square), kw_only=True, metadata=about("K^2", "covariance")
    )
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.sigma is not None and self.covariance is not None:
            raise InputError(f"{self.method or 'profile'} has both sigma and covariance: give one")
        if self.covariance is not None and len(self.covariance) != self.position.size:
            raise InputError(f"covariance is {self.covariance.shape} for {self.position.size} positions")
        if self.sigma is not None and (self.sigma <= 0).any():
            raise InputError(f"expected uncertainties above 0 K, got {self.sigma.min():g}")

    def jump(self, at: float, *, skip: float = 0.0, reach: float = np.inf) -> Jump:
        """Extrapolate a straight line from either side to a plane.

        Generalised least squares with the stated errors; where none are stated, the scatter about the lines gives them.

        Parameters
        ----------
        at : position of the plane, m
        skip : points nearer than this to the plane are left out, m
        reach : points farther than this from the plane are left out, m

        Returns
        -------
        Jump, exact on two straight lines

        Raises
        ------
        InputError
            if fewer than two points are left on a side, or no scatter is left to take the errors from
        """
        use = self._used_points(at, skip, reach)
        x = self.position[use] - at
        design = np.column_stack([x < 0, x > 0, np.where(x < 0, x, 0.0), np.where(x > 0, x, 0.0)]).astype(float)
        data = self.temperature[use]
        root = self.whitening(use)
        scale = np.array([1, 1, 1 / np.abs(x).max(), 1 / np.abs(x).max()])
        white = root @ (design * scale)
        found, *_ = np.linalg.lstsq(white, root @ data, rcond=None)
        residual = root @ data - white @ found
        if np.linalg.cond(white) > _MAX_CONDITION:
            raise InputError(
                "the uncertainties of the points are too unequal for a line on either side of the plane: "
                "is one of them in another unit?"
            )
        inverse = np.linalg.pinv(white, rcond=1e-15)
        covariance = inverse @ inverse.T
        chi2, freedom = float(residual @ residual), len(data) - 4
        if self.sigma is None and self.covariance is None:
            if freedom < 1:
                raise InputError(
                    f"{len(data)} points leave no scatter to take errors from: give sigma, or 5 points or more"
                )
            covariance = covariance * chi2 / freedom
        found, covariance = found * scale, covariance * np.outer(scale, scale)
        to_jump = np.array([[1.0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        jump, left, right = to_jump @ found
        return Jump(
            at=at,
            temperature=float(found[:2].mean()),
            jump=float(jump),
            gradient_left=float(left),
            gradient_right=float(right),
            covariance=to_jump @ covariance @ to_jump.T,
            chi2=chi2,
            freedom=freedom,
        )

    def _used_points(self, at: float, skip: float, reach: float) -> NDArray[np.bool_]:
        distance = np.abs(self.position - at)
        use = (distance >= skip) & (distance <= reach) & (distance > 0)
        for name, side in (("left", self.position < at), ("right", self.position > at)):
            found = int((use & side).sum())
            if found < 2:
                raise InputError(
                    f"{found} points {name} of {at:g} m between skip = {skip:g} m and reach = {reach:g} m: "
                    f"a line needs 2 (positions run from {self.position[0]:g} to {self.position[-1]:g} m)"
                )
        return use

    def whitening(self, use: NDArray[np.bool_]) -> NDArray[Any]:
        """(n, n) matrix that turns errors of the used points into independent unit ones; 1 if none are stated."""
        if self.covariance is not None:
            try:
                return np.linalg.inv(np.linalg.cholesky(self.covariance[np.ix_(use, use)]))
            except np.linalg.LinAlgError as err:
                low = np.linalg.eigvalsh(self.covariance)[0]
                raise InputError(f"covariance has the eigenvalue {low:g}: it must be positive definite") from err
        return np.diag(np.ones(int(use.sum())) if self.sigma is None else 1 / self.sigma[use])
