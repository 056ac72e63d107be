r"""How the conductivity of a crystal is shared among mean free paths, which is what a size cuts off.

Each group of phonons carries $\kappa_i = C_iv_i\Lambda_i/3$; only these two numbers, and the frequency where it
matters, enter the models of films, grains and superlattices.
"""

import numpy as np
from attrs import converters, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, finite, number, one_temperature, positive, quantity, same_length
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid
from kapitza.core.records import BaseRecord, default_number
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid


@frozen(eq=False)
class FreePaths(BaseRecord):
    r"""Conductivity by mean free path.

    Raises
    ------
    InputError
        for unequal lengths, negative shares or free paths that are not above zero
    """

    length: Array = field(converter=positive, metadata=about("m", "(n,) mean free path"))
    conductivity: Array = field(
        converter=finite, validator=same_length("length"), metadata=about("W m^-1 K^-1", "(n,) share of each")
    )
    omega: Array | None = field(
        default=None,
        converter=converters.optional(finite),
        validator=validators.optional(same_length("length")),
        metadata=about("rad s^-1", "(n,) angular frequency; None where it is not known"),
    )
    name: str = ""

    def __attrs_post_init__(self) -> None:
        if self.conductivity.min(initial=0) < 0 or not self.conductivity.sum() > 0:
            raise InputError(
                f"{self.name or 'free paths'}: shares of the conductivity sum up to {self.conductivity.sum():g} W/mK "
                f"with {self.conductivity.min(initial=0):g} as the lowest, wanted none below 0 and some above"
            )

    @property
    def total(self) -> float:
        """Conductivity of the bulk, W m⁻¹ K⁻¹."""
        return float(self.conductivity.sum())

    @property
    def radiance(self) -> Array:
        r"""(n,) what each group radiates through a plane, $C_iv_i/4 = 3\kappa_i/4\Lambda_i$, W m⁻² K⁻¹."""
        return 0.75 * self.conductivity / self.length

    def accumulation(self, length: ArrayLike) -> Array:
        """(m,) share of the conductivity of free paths up to these lengths (m), 0..1."""
        order = np.argsort(self.length)
        reached = np.searchsorted(self.length[order], positive(length), side="right")
        return np.concatenate([[0.0], np.cumsum(self.conductivity[order])])[reached] / self.total

    def merge(self, per_decade: int) -> "FreePaths":
        """Fewer free paths, that many per decade at most, with the same conductivity and the same radiance."""
        place = np.floor(np.log10(self.length) * per_decade).astype(int)
        places, group = np.unique(place, return_inverse=True)
        if places.size == self.length.size:
            return self
        share = np.bincount(group, self.conductivity)
        radiated = np.bincount(group, self.conductivity / self.length)
        used = share > 0
        return FreePaths(share[used] / radiated[used], share[used], name=self.name)


def gray_free_path(conductivity: float, length: float, name: str = "") -> FreePaths:
    """One mean free path (m) for all of the conductivity (W m⁻¹ K⁻¹)."""
    return FreePaths([length], [conductivity], name=name)


@frozen
class DebyeScattering(BaseRecord):
    r"""Rates that limit the free paths of a Debye solid, $1/\tau = A\omega^2Te^{-B/T} + D\omega^4 + v/L$: `umklapp` A
    (s K⁻¹), `onset` B (K), `defects` D (s³), `size` L (m) of the sample.
    """

    umklapp: float = field(
        converter=number, validator=quantity(), metadata=about("s K^-1", "coefficient A of Umklapp scattering")
    )
    onset: float = default_number(0.0, about("K", "temperature B below which Umklapp scattering freezes out"))
    defects: float = default_number(0.0, about("s^3", "coefficient D of scattering by defects"))
    size: float = field(default=np.inf, converter=number, metadata=about("m", "size L of the sample"))

    def rate(self, omega: Array, temperature: float, speed: float) -> Array:
        """(nω,) s⁻¹."""
        three_phonons = self.umklapp * omega**2 * temperature * np.exp(-self.onset / temperature)
        return three_phonons + self.defects * omega**4 + speed / self.size


def debye_free_paths(side: Solid, scattering: DebyeScattering, temperature: float) -> FreePaths:
    r"""Free paths of a Debye solid at a temperature (K), $\kappa = \frac13\sum_j\int
    d\omega\,\frac{\omega^2}{2\pi^2v_j^3}\,c(\omega, T)\,v_j^2\,\tau(\omega)$: J. Callaway, Phys. Rev. 113, 1046 (1959),
    doi:10.1103/PhysRev.113.1046.
    """
    kelvin = one_temperature(temperature)
    grid = frequency_grid(side.edges)
    per_mode = mode_heat_capacity(grid.omega, kelvin)[0]
    length, share, omega = [], [], []
    for speed, cutoff in zip(side.speeds, side.cutoffs, strict=True):
        inside = grid.omega <= cutoff
        at = grid.omega[inside]
        path = speed / scattering.rate(at, kelvin, float(speed))
        density = at**2 / (2 * np.pi**2 * speed**3) * per_mode[inside] * grid.weight[inside]
        length.append(path)
        share.append(density * speed * path / 3)
        omega.append(at)
    return FreePaths(np.concatenate(length), np.concatenate(share), np.concatenate(omega), side.name)


def fit_free_paths(side: Solid, conductivity: float, temperature: float = 300.0) -> FreePaths:
    r"""Free paths of a Debye solid, $\Lambda \propto \omega^{-2}$, that sum up to a measured conductivity.

    Parameters
    ----------
    side : solid with three branches that do not disperse
    conductivity : of the bulk at this temperature, W m⁻¹ K⁻¹
    temperature : K
    """
    trial = debye_free_paths(side, DebyeScattering(1e-18), temperature)
    scale = float(positive(conductivity)[0]) / trial.total
    return FreePaths(trial.length * scale, trial.conductivity * scale, trial.omega, side.name)
