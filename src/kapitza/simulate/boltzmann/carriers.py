"""The phonons of a layer as transport sees them: bands with a heat capacity, a velocity and a lifetime each.

The linearised Boltzmann equation with one relaxation time per band needs nothing else of a material.  Bands belong to
groups of one frequency: elastic scattering at a boundary mixes the bands of a group and none of different groups.
Lifetimes may be given in closed form.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import Attribute, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    Array,
    IndexArray,
    about,
    above_zero,
    check_plausible,
    increasing,
    labels,
    number,
    numbers,
    one_of,
    quantity,
    same_length,
)
from kapitza.core.occupation import STATISTICS_NAMES, Statistics
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError


def _scattering_strength(instance: object, attribute: object, value: float) -> None:
    if not 0 <= value < np.inf:
        raise InputError(f"{getattr(attribute, 'name', '')} = {value:g}, wanted a finite number from 0")


@frozen
class ScatteringRates(BaseRecord):
    r"""Scattering rates, $1/\tau = B\omega^2(1 + \omega^2/\omega_c^2) T e^{-C/T} + A\omega^4 + v/L$.

    Raises
    ------
    InputError
        for negative strengths, or none at all

    References
    ----------
    J. Callaway, Phys. Rev. 113, 1046 (1959), doi:10.1103/PhysRev.113.1046
    A. Ward and D. A. Broido, Phys. Rev. B 81, 085205 (2010), doi:10.1103/PhysRevB.81.085205 (ω² and ω⁴)
    """

    umklapp: float = field(default=0.0, converter=number, validator=_scattering_strength, metadata=about("s K^-1", "B"))
    onset: float = field(default=0.0, converter=number, validator=_scattering_strength, metadata=about("K", "C"))
    impurity: float = field(
        default=0.0, converter=number, validator=_scattering_strength, metadata=about("s^3", "A of impurities")
    )
    boundary: float = field(
        default=np.inf, converter=number, validator=above_zero, metadata=about("m", "L, width of sample or grains")
    )
    crossover: float = field(
        default=np.inf, converter=number, validator=above_zero, metadata=about("rad s^-1", "ω_c, from ω² to ω⁴")
    )

    def __attrs_post_init__(self) -> None:
        if not (self.umklapp or self.impurity or np.isfinite(self.boundary)):
            raise InputError(f"rates: umklapp = {self.umklapp:g} and no other scattering: phonons would live forever")

    def rate(self, omega: Array, velocity: Array, temperature: float) -> Array:
        """(n,) scattering rate of phonons of frequency ω (rad s⁻¹) and speed v (m s⁻¹) at T (K), s⁻¹."""
        three_phonons = self.umklapp * temperature * np.exp(-self.onset / temperature) * np.square(omega)
        three_phonons = three_phonons * (1 + np.square(omega / self.crossover))
        return three_phonons + self.impurity * np.square(np.square(omega)) + velocity / self.boundary


_MIN_VELOCITY, _MAX_VELOCITY = 0.0, 1e5  # m s⁻¹
_MIN_LIFETIME, _MAX_LIFETIME = 1e-16, 1.0  # s, lifetimes: below a vibration, or in other units
_MAX_MEAN_FREE_PATH = 10.0  # m, mean free path
_MAX_HEAT_CAPACITY = 1e8  # J m⁻³ K⁻¹, of all bands together: ten times what the densest lattice holds
_MIN_HEAT_CAPACITY = 3e3  # J m⁻³ K⁻¹ at 300 K and above: less than any solid
_REFERENCE_TEMPERATURE = 300.0  # K, below which heat capacities fall, no faster than with the third power


def _known_lifetimes(value: ArrayLike | None) -> Array:
    if value is None:
        raise InputError(f"lifetime = {value}: no lifetimes; read them from a file, or take `ScatteringRates`")
    array = np.array(value, dtype=float, ndmin=1)
    missing = np.count_nonzero(~(np.isfinite(array) & (array > 0)))
    if missing:
        raise InputError(f"{missing} of {array.size} bands have no lifetime: expected finite numbers above 0 s")
    return numbers(array)


def _check_groups(instance: "Carriers", attribute: "Attribute[Any]", value: IndexArray) -> None:
    low, high = value.min(initial=0), value.max(initial=-1)
    if value.shape != instance.capacity.shape or low < 0 or high >= instance.omega.size:
        bands = f"{instance.capacity.size} bands and {instance.omega.size} frequencies"
        raise InputError(f"{instance.name}: {value.size} group numbers from {low} to {high} for {bands}")


@frozen(eq=False, kw_only=True)
class Carriers(BaseRecord):
    r"""Bands of phonons that carry heat, at one temperature.

    Attributes
    ----------
    name : of the material
    velocity : (n,) group velocity, m s⁻¹: its size where `isotropic`, else its size along the normal
    omega : (G,) mean angular frequency of each group, rad s⁻¹; zeros where bands have none (gray)
    edges : (G + 1,) increasing bounds of the groups, rad s⁻¹; empty where bands have no frequency
    isotropic : whether the velocities of a band point in all directions alike; if not, `velocity` is $|v_z|$, half of
        the band moves either way
    temperature : at which the heat capacities and lifetimes hold, K
    statistics : "quantum" or "classical"

    Raises
    ------
    InputError
        for columns of unequal length, missing lifetimes, or implausible numbers (another unit?)

    Examples
    --------
    >>> from kapitza.boltzmann import gray_carriers
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=42e-9)
    >>> print(f"{silicon.conductivity:.0f} W/mK, one way {silicon.flow[0] / 1e9:.2f} GW m⁻² K⁻¹")
    149 W/mK, one way 2.66 GW m⁻² K⁻¹
    """

    name: str
    capacity: Array = field(converter=numbers, metadata=about("J m^-3 K^-1", "heat capacity of each band"))
    velocity: Array = field(converter=numbers, validator=same_length("capacity"), metadata=about("m s^-1", "velocity"))
    lifetime: Array = field(
        converter=_known_lifetimes, validator=same_length("capacity"), metadata=about("s", "lifetime")
    )
    omega: Array = field(converter=numbers, metadata=about("rad s^-1", "angular frequency"))
    group: IndexArray = field(converter=labels, validator=_check_groups, metadata=about("1", "frequency group"))
    edges: Array = field(
        converter=increasing, factory=lambda: np.empty(0), metadata=about("rad s^-1", "bounds of groups")
    )
    isotropic: bool = field(default=True, kw_only=True)
    temperature: float = field(
        default=300.0, kw_only=True, converter=number, validator=quantity(), metadata=about("K", "temperature")
    )
    statistics: Statistics = field(default="quantum", kw_only=True, validator=one_of(*STATISTICS_NAMES))

    def __attrs_post_init__(self) -> None:
        if not self.capacity.size or self.capacity.min() < 0 or not np.isfinite(self.capacity).all():
            raise InputError(f"{self.name}: expected heat capacities from 0 J/m³K, got {self.capacity!r:.60}")
        least = _MIN_HEAT_CAPACITY * min(1.0, self.temperature / _REFERENCE_TEMPERATURE) ** 3
        for what, value, low, high, unit in (
            ("heat capacity of all bands", self.capacity.sum(), least, _MAX_HEAT_CAPACITY, "J/m³K"),
            ("lowest velocity", self.velocity.min(), _MIN_VELOCITY, _MAX_VELOCITY, "m/s"),
            ("highest velocity", self.velocity.max(), 1.0, _MAX_VELOCITY, "m/s"),
            ("shortest lifetime", self.lifetime.min(), _MIN_LIFETIME, _MAX_LIFETIME, "s"),
            ("longest mean free path", self.path.max(), 1e-13, _MAX_MEAN_FREE_PATH, "m"),
        ):
            check_plausible(what, float(value), low, high, unit, self.name)
        if self.edges.size and self.edges.size != self.omega.size + 1:
            raise InputError(f"{self.name}: {self.edges.size} bounds for {self.omega.size} groups of frequency")

    @property
    def path(self) -> Array:
        """(n,) mean free path of each band, m (along the normal where not isotropic)."""
        return self.velocity * self.lifetime

    @property
    def heat_capacity(self) -> float:
        """Of all bands, J m⁻³ K⁻¹."""
        return float(self.capacity.sum())

    @property
    def contribution(self) -> Array:
        """(n,) conductivity of each band, C v Λ/3 (isotropic) or C v_z Λ_z, W m⁻¹ K⁻¹."""
        return self.capacity * self.velocity * self.path / (3 if self.isotropic else 1)

    @property
    def conductivity(self) -> float:
        """Bulk conductivity along the normal, W m⁻¹ K⁻¹."""
        return float(self.contribution.sum())

    @property
    def flow(self) -> Array:
        r"""(G,) heat that each group carries through a plane one way, per kelvin, W m⁻² K⁻¹.

        $Cv/4$ of an isotropic band, $Cv_z/2$ else: the integral of $c(\omega)M(\omega)/2\pi$ over the group.
        """
        share = self.capacity * self.velocity / (4 if self.isotropic else 2)
        return np.asarray(np.bincount(self.group, weights=share, minlength=self.omega.size), dtype=float)

    def path_quantile(self, share: float) -> float:
        """Mean free path below which bands carry this share of the heat, m."""
        order = np.argsort(self.path)
        carried = np.cumsum(self.contribution[order])
        return float(self.path[order][min(np.searchsorted(carried, share * carried[-1]), order.size - 1)])


def check_matching(carriers: Sequence[Carriers], names: Sequence[str]) -> None:
    """Refuse phonons that do not match: other groups of frequency, temperatures or statistics."""
    first = carriers[0]
    for one, name in zip(carriers, names, strict=True):
        if one.omega.size != first.omega.size or one.edges.size != first.edges.size:
            raise InputError(
                f"{name} has {one.omega.size} groups of frequency and {names[0]} {first.omega.size}: "
                "elastic boundaries need the same ones; give both the same edges"
            )
        if one.edges.size and np.abs(one.edges - first.edges).max() > 1e-6 * first.edges[-1]:
            raise InputError(f"{name} has other bounds of its groups than {names[0]}: give both the same edges")
        if abs(one.temperature - first.temperature) > 1e-9 * first.temperature or one.statistics != first.statistics:
            raise InputError(
                f"{name} has bands at {one.temperature:g} K ({one.statistics}) and {names[0]} at "
                f"{first.temperature:g} K ({first.statistics}): take both at one temperature"
            )


def gray_carriers(
    name: str, *, heat_capacity: float, velocity: float, mean_free_path: float, temperature: float = 300.0
) -> Carriers:
    """One band for all phonons.

    Parameters
    ----------
    name : of the material
    heat_capacity : J m⁻³ K⁻¹
    velocity : m s⁻¹
    mean_free_path : m
    temperature : K

    Raises
    ------
    InputError
        for numbers that are not above zero, or implausible (another unit?)
    """
    return band_carriers(name, [heat_capacity], [velocity], [mean_free_path], temperature=temperature)


def band_carriers(
    name: str,
    heat_capacity: ArrayLike,
    velocity: ArrayLike,
    mean_free_path: ArrayLike,
    *,
    omega: ArrayLike | None = None,
    edges: ArrayLike | None = None,
    temperature: float = 300.0,
) -> Carriers:
    """A table of isotropic bands, each a frequency group of its own.

    Parameters
    ----------
    name : of the material
    heat_capacity, velocity, mean_free_path : (n,) J m⁻³ K⁻¹, m s⁻¹ and m
    omega : (n,) angular frequency of each, rad s⁻¹; None where they have none
    edges : (n + 1,) increasing bounds of the bands in frequency, rad s⁻¹, for a spectral transmission
    temperature : K

    Raises
    ------
    InputError
        for columns of unequal length, missing mean free paths, or implausible numbers (another unit?)
    """
    speed, path = numbers(velocity), np.array(mean_free_path, dtype=float, ndmin=1)
    if speed.size != path.size:
        raise InputError(f"{name}: {path.size} mean free paths for {speed.size} velocities")
    for what, values, unit in (("velocity", speed, "m/s"), ("mean free path", path, "m")):
        if (wrong := values[values <= 0]).size:
            raise InputError(f"{name}: a {what} of {wrong[0]:g} {unit}, expected above 0")
    bounds = np.empty(0) if edges is None else increasing(edges)
    middle = (bounds[1:] + bounds[:-1]) / 2 if bounds.size and omega is None else omega
    with np.errstate(divide="ignore", invalid="ignore"):
        lifetime = path / speed
    return Carriers(
        name=name, capacity=heat_capacity, velocity=speed, lifetime=lifetime,
        omega=np.zeros(speed.size) if middle is None else middle, group=np.arange(speed.size), edges=bounds,
        temperature=temperature,
    )  # fmt: skip
