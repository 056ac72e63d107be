r"""Decay of a thermal grating by the Boltzmann equation of phonons, in closed form.

A medium is heated evenly through its depth in stripes of wave vector q.  Each band relaxes in its lifetime $\tau_i$ to
the temperature T that conserves energy, and drifts along the grating: with $a_i = 1 + s\tau_i$ and the mean free path
$\Lambda_i$, the mean over the directions of an isotropic band is

$$F_i = \left\langle\frac{1}{a_i + iq\Lambda_i\mu}\right\rangle = \frac{1}{q\Lambda_i}\arctan\frac{q\Lambda_i}{a_i},
\qquad F_i = \frac{a_i}{a_i^2 + (q\Lambda_i)^2}$$

for bands of which half moves either way.  With all bands at the temperature 1 at first,

$$T(s) = \frac{\sum_i C_iF_i}{\sum_i (C_i/\tau_i)(1 - F_i)},\qquad
E(s) = \sum_i C_iF_i\,[T(s) + \tau_i],$$

where E is the energy.  K. C. Collins et al., J. Appl. Phys. 114, 104302 (2013), doi:10.1063/1.4820572;
C. Hua and A. J. Minnich, Phys. Rev. B 90, 214306 (2014), doi:10.1103/PhysRevB.90.214306.
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, ComplexArray
from kapitza.core.quadrature import euler_inversion
from kapitza.core.records import BaseRecord
from kapitza.simulate.boltzmann.carriers import Carriers

_TERMS, _TERMS_OF_SWINGS = 10, 18  # of the inversion in time; more of them follow swings, but lose digits to rounding
_FAR, _SWINGING_SHARE = 1.5, 1e-3  # Knudsen number, and share of the heat beyond it, from which there are swings
_SERIES_LIMIT = 0.2  # Knudsen numbers below which 1 - arctan(x)/x is a series, as its difference would lose digits
_SERIES_COEFFICIENTS = np.array([(-1) ** (n + 1) / (2 * n + 1) for n in range(1, 12)])
_MAX_ELEMENTS = 2**20  # of the arrays of one step


@frozen(eq=False)
class GratingBands(BaseRecord):
    """Bands of phonons along the wave vector of a grating."""

    capacity: Array  # (n,) J m⁻³ K⁻¹
    path: Array  # (n,) mean free path, m; along the wave vector where not isotropic
    lifetime: Array  # (n,) s
    isotropic: bool

    @property
    def contribution(self) -> Array:
        """(n,) conductivity of each band along the grating, W m⁻¹ K⁻¹."""
        return self.capacity * self.path**2 / self.lifetime / (3 if self.isotropic else 1)

    @property
    def emission(self) -> Array:
        """(n,) heat that each band carries through a plane one way, per kelvin, W m⁻² K⁻¹."""
        return self.capacity * self.path / self.lifetime / (4 if self.isotropic else 2)


def scaled_bands(
    phonons: Carriers | None, heat_capacity: float, conductivity: float, mean_free_path: float | None
) -> GratingBands:
    """Bands with a heat capacity (J m⁻³ K⁻¹), a conductivity (W m⁻¹ K⁻¹) and, if given, a mean free path (m)."""
    if phonons is None:
        path = np.array([mean_free_path], dtype=float)
        return GratingBands(np.array([heat_capacity]), path, heat_capacity * path**2 / (3 * conductivity), True)
    capacity = phonons.capacity * (heat_capacity / phonons.heat_capacity)
    plain = phonons.conductivity * heat_capacity / phonons.heat_capacity
    if mean_free_path is None:  # lifetimes make the conductivity: velocities are those of the spectrum
        factor = conductivity / plain
        return GratingBands(capacity, phonons.path * factor, phonons.lifetime * factor, phonons.isotropic)
    share = phonons.contribution / phonons.contribution.sum()
    flying = share > 0
    mean = np.exp(share[flying] @ np.log(phonons.path[flying]))
    factor = mean_free_path / float(mean)
    lifetime = phonons.lifetime * (factor**2 * plain / conductivity)
    return GratingBands(capacity, phonons.path * factor, lifetime, phonons.isotropic)


def grating_suppression(bands: GratingBands, wave_vector: float) -> float:
    r"""Share of the bulk conductivity with which a slow grating decays, 0 to 1.

    $\sum_i k_i S(q\Lambda_i)/\sum_i k_i$ with $S(x) = 3x^{-2}(1 - \arctan(x)/x)$, or $1/(1 + x^2)$ for bands of
    which half moves either way; the wave vector q is in rad m⁻¹.
    """
    x = wave_vector * bands.path
    lost = lost_share(x.astype(complex), isotropic=bands.isotropic).real
    return float((bands.capacity / bands.lifetime * lost).sum() / (wave_vector**2 * bands.contribution.sum()))


def grating_decay(bands: GratingBands, wave_vector: float, time: Array) -> Array:
    """(nt,) energy of a grating after a pulse that heats all bands alike, relative to that at time 0.

    The wave vector is in rad m⁻¹, times (nt,) above zero in s.  Good to 1e-6 of the first value, and to 1e-5 where
    a share of the heat flies farther than from stripe to stripe, so that the temperature swings.
    """
    flying = float(bands.capacity[wave_vector * bands.path > _FAR].sum() / bands.capacity.sum())
    weight, place = euler_inversion(_TERMS_OF_SWINGS if flying > _SWINGING_SHARE else _TERMS)
    slow = wave_vector**2 * grating_suppression(bands, wave_vector) * bands.contribution.sum() / bands.capacity.sum()
    step = max(1, _MAX_ELEMENTS // (place.size * bands.capacity.size))
    decay: list[Array] = []
    for i in range(0, time.size, step):
        t = time[i : i + step]
        rate = place / t[:, None]
        # the exponential of a slow grating is known: what is inverted is small, and its error with it
        decay.append(np.exp(-slow * t) + (_energy(bands, wave_vector, rate) - 1 / (rate + slow)).real @ weight / t)
    return np.concatenate(decay)


def _energy(bands: GratingBands, wave_vector: float, rate: ComplexArray) -> ComplexArray:
    """E(s) at rates s of any shape, relative to the energy at time 0, s."""
    share = bands.capacity / bands.capacity.sum()
    s = rate[..., None]
    a = 1 + s * bands.lifetime
    x = wave_vector * bands.path / a
    lost = lost_share(x, isotropic=bands.isotropic)
    mean = (1 - lost) / a
    # 1 - F without a difference of numbers near one, where paths are short and changes slow
    gone = ((s * bands.lifetime + lost) / a) @ (share / bands.lifetime)
    return (mean @ share) ** 2 / gone + mean @ (share * bands.lifetime)


def lost_share(x: ComplexArray, *, isotropic: bool) -> ComplexArray:
    """1 - arctan(x)/x, or x²/(1 + x²) for bands of which half moves either way."""
    square = x * x
    if not isotropic:
        return square / (1 + square)
    small = np.abs(x) < _SERIES_LIMIT
    safe = np.where(small, 1.0, x)
    series = np.polynomial.polynomial.polyval(np.where(small, square, 0.0), _SERIES_COEFFICIENTS) * square
    return np.where(small, series, 1 - np.arctan(safe) / safe)
