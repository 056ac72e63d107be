r"""Grains and the boundaries between them: conductivity against grain size and temperature.

Two pictures.  Grains that keep the conductivity of the bulk, with a resistance between each two (`polycrystal`), for
grains larger than the free paths; and free paths that end at boundaries (`grain_limited_conductivity`), for any size,
in which long waves may pass where short ones do not.
"""

import warnings
from typing import Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.applications.free_paths import DebyeScattering, FreePaths, debye_free_paths
from kapitza.core.arrays import Array, about, check_choice, number, positive, quantity, temperatures
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord, default_number
from kapitza.core.stack import Boundary
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.matter.isotropic import Solid

BoundaryCount = Literal["shared", "each"]
_BOUNDARY_COUNTS: tuple[BoundaryCount, ...] = ("shared", "each")


def polycrystal(
    conductivity: ArrayLike,
    conductance: float | Conductance,
    *,
    grain: ArrayLike,
    count: BoundaryCount = "shared",
    mean_free_path: float = 0.0,
    temperature: float = 300.0,
) -> Array:
    r"""Conductivity of equal grains with a resistance between them, $\kappa = \kappa_0/(1 + n\kappa_0R/d)$.

    Parameters
    ----------
    conductivity : $\kappa_0$ of the grains, one or (n,), W m⁻¹ K⁻¹
    conductance : of one boundary, a number or a Conductance of T with the extrapolated drop, W m⁻² K⁻¹
    grain : d, one or (n,), m
    count : "shared": a boundary belongs to two grains, n = 1 (Yang et al.).  "each": every grain is coated, n = 2 (Nan
        and Birringer), so that their R is half of that of the boundary
    mean_free_path : in the bulk, m; only to warn where grains are not larger
    temperature : at which a Conductance of T is taken, K

    Raises
    ------
    InputError
        for values outside of their range

    Warns
    -----
    ValidityWarning
        for grains smaller than the mean free path, which no longer conduct as the bulk: take
        `grain_limited_conductivity`

    References
    ----------
    C.-W. Nan and R. Birringer, Phys. Rev. B 57, 8264 (1998), doi:10.1103/PhysRevB.57.8264
    H. Dong, B. Wen and R. Melnik, Sci. Rep. 4, 7037 (2014), doi:10.1038/srep07037 (both ways of counting)

    Examples
    --------
    >>> from kapitza.applications import polycrystal
    >>> print(polycrystal(148.0, 1e9, grain=[1e-6, 100e-9]).round(1), "W m⁻¹ K⁻¹")
    [128.9  59.7] W m⁻¹ K⁻¹
    """
    check_choice(count, _BOUNDARY_COUNTS, "count")
    bulk, size = positive(conductivity), positive(grain)
    if bulk.size > 1 and size.size not in (1, bulk.size):
        raise InputError(f"conductivity has {bulk.size} values for {size.size} grain sizes: give one of either")
    if size.min() < mean_free_path:
        warnings.warn(
            ValidityWarning(
                f"grains of {size.min():.3g} m are smaller than the mean free path of {mean_free_path:.3g} m: they "
                "conduct worse than the bulk",
                hint=Hint(python="take `grain_limited_conductivity`"),
            ),
            stacklevel=2,
        )
    number_of = 1 if count == "shared" else 2
    return bulk / (1 + number_of * bulk * Boundary(conductance).resistance(temperature) / size)


@frozen
class GrainScattering(BaseRecord):
    r"""Free path to the next scattering by a grain boundary, $\Lambda_b = \alpha d\,(\omega_0/\omega)^p$, m.

    `grain` d (m), `power` p (0: gray; 1: long waves pass more easily), `reference` $\omega_0$ (rad s⁻¹), `share` α.
    """

    grain: float = field(converter=number, validator=quantity(), metadata=about("m", "grain size"))
    power: float = field(default=0.0, converter=number, metadata=about("1", "exponent of the frequency"))
    reference: float = default_number(1.0, about("rad s^-1", "reference frequency"), quantity())
    share: float = default_number(1.0, about("1", "factor of the grain size"), quantity())

    def length(self, omega: Array | None, count: int) -> Array:
        """(n,) m."""
        if self.power == 0:
            return np.full(count, self.share * self.grain)
        if omega is None:
            raise InputError(f"a power of {self.power:g} needs the frequencies of the free paths, which are not known")
        return self.share * self.grain * (self.reference / omega) ** self.power


def grain_limited_conductivity(paths: FreePaths, boundaries: GrainScattering) -> float:
    r"""Conductivity with free paths that end at boundaries too, $1/\Lambda' = 1/\Lambda + 1/\Lambda_b$, W m⁻¹ K⁻¹: Z.
    Wang, J. E. Alaniz, W. Jang, J. E. Garay and C. Dames, Nano Lett. 11, 2206 (2011).
    """
    return float(np.sum(paths.conductivity / (1 + paths.length / boundaries.length(paths.omega, paths.length.size))))


def debye_polycrystal(
    side: Solid, scattering: DebyeScattering, boundaries: GrainScattering, temperature: ArrayLike
) -> Array:
    """(nT,) conductivity of a polycrystal of a Debye solid at temperatures (nT,) K, W m⁻¹ K⁻¹.

    At low temperatures it grows with T³ for boundaries that are alike for all waves and with T² where the free path
    falls with 1/ω.
    """
    kelvin = temperatures(temperature)
    return np.array(
        [grain_limited_conductivity(debye_free_paths(side, scattering, float(t)), boundaries) for t in kelvin]
    )
