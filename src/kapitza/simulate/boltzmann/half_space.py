r"""Periodic heating of a half space of phonons by the Boltzmann equation, in closed form.

A surface at the temperature $T_s e^{i(\omega t + kx)}$ sends phonons of all bands and directions into the half space.
Each band relaxes in its lifetime $\tau_i$ to the temperature T(z) that conserves energy.  With
$a_i = 1 + i\omega\tau_i$, mean free paths $\Lambda_i$ and $g_i = (C_i/\tau_i)/\sum_j C_j/\tau_j$, T solves an integral
equation of Wiener and Hopf on z > 0 whose symbol is isotropic in the wave vector,

$$L(t) = \sum_i g_i\left(1 - \frac{1}{\Lambda_i\kappa}\arctan\frac{\Lambda_i\kappa}{a_i}\right),\qquad
\kappa^2 = k^2 + t^2,\qquad \ln H(s) = -\frac{s}{\pi}\int_0^\infty\frac{\ln L(t)}{s^2 + t^2}\,dt.$$

A direction decays over the depth at the rate $D = (a_i + ik\Lambda_i\sqrt{1-\mu^2}\cos\phi)/(\Lambda_i\mu)$, and of the
heat sent in there returns

$$M = \frac{4\sum_i C_i/\tau_i}{\sum_i C_iv_i}\iint\frac{H(D)H(D')}{D + D'}\,dm(D)\,dm(D'),$$

with dm the share $g_i$ of the solid angle over 4π.  S. Chandrasekhar, Radiative Transfer (1960), chapters 4 and 5.

The terms of D in band i and D' in band j are the heat $N_{ij}$ that returns in band j of what is sent in band i, where
bands are sent at temperatures $\theta_i$ of their own.  A boundary lets the share $t_i$ of band i pass, from a body at
the temperature 1, and sends the others back in all directions in the band in which they came.  With the heat
$E_i = C_iv_i/4$ that a band carries one way, and $A = \mathrm{diag}(E) - N$, the flow into the half space is

$$q = A\theta,\qquad \theta_i = 1 - \frac{1 - t_i}{t_iE_i}q_i,\qquad Z = 1/\sum_i q_i ;$$

for one band $Z = (1/E)[1/t - 1 + 1/(1 - M)]$.

With all lengths in units of a mean free path Λ and all times in those of $C\Lambda^2/\kappa$ the impedance, times
$\kappa/\Lambda$, is a function of $k\Lambda$ and $\omega C\Lambda^2/\kappa$ alone, for one band or for a spectrum of a
given shape: one table serves all conductivities, heat capacities and paths that a fit tries.  What is interpolated, by
Chebyshev polynomials, is the impedance without Fourier's $1/\kappa q$, over the logarithm of $r^2 = (k\Lambda)^2 +
\omega C\Lambda^2/\kappa$ and the share $(k\Lambda/r)^2$: smooth, and constant along r for slow and wide heat.
"""

from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, IndexArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.gratings import GratingBands, lost_share

_DIRECTIONS = (24, 16)  # cosines and azimuths
_STEP, _DECADES = 0.1, 13.0  # of ln t in the integral of ln L; decades to either side of the inverse of the paths
_NEAR_POLE = 0.6  # rad, beyond which e^(-2π angle/step) is below 1e-16


def half_space_impedance(
    phonons: Carriers, wave_vector: float, frequency: float, *, transmission: ArrayLike = 1.0
) -> complex:
    r"""Temperature of a heated body over the heat flow into a half space of phonons, K m² W⁻¹.

    The body sends phonons of its temperature through a boundary that lets a share of each band pass, the same for all
    directions; those that come back from the half space and do not pass leave the boundary in all directions, in the
    band in which they came.  The resistance between body and half space is contained, that of emission with
    it: heat that is slow and wide meets, for one band of mean free path Λ and conductivity κ,
    $Z = 1/\gamma + (4/Cv)(1/t - 1) + (\Lambda/\kappa)(0.710 + 3k^2/16q^2)$ with Fourier's $\gamma = \kappa q$ and
    $q^2 = k^2 + i\omega C/\kappa$.  Of what is added, the part without the last term is the resistance between
    equilibrium temperatures that are extrapolated to the plane.

    Parameters
    ----------
    phonons : isotropic bands
    wave_vector : along the surface, rad m⁻¹, from 0
    frequency : angular frequency, rad s⁻¹, from 0; one of the two is above zero
    transmission : share of the phonons that pass, above 0 to 1: one for all, or (n,) of each band

    Returns
    -------
    complex
        for one band good to 1e-6 where the wave vector times the path is below 3, and to 2e-4 up to 30

    Raises
    ------
    InputError
        for bands that are not isotropic, and for numbers out of these ranges

    Examples
    --------
    >>> from kapitza.boltzmann import gray_carriers
    >>> from kapitza.simulate.boltzmann.half_space import half_space_impedance
    >>> silicon = gray_carriers("Si", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=40e-9)
    >>> slow = half_space_impedance(silicon, 1e3, 0.0) - 1 / (silicon.conductivity * 1e3)
    >>> print(round(1e9 * slow.real, 3))  # beyond Fourier's law, m² K GW⁻¹
    0.254
    """
    if not phonons.isotropic:
        raise InputError(f"{phonons.name}: bands that fly in all directions are wanted: give isotropic phonons")
    if not (0 <= wave_vector < np.inf and 0 <= frequency < np.inf and wave_vector + frequency > 0):
        raise InputError(
            f"wave_vector = {wave_vector:g} rad/m, frequency = {frequency:g} rad/s, wanted finite numbers from 0, "
            "one of them above 0: steady heat over the whole plane warms a half space without end"
        )
    passing = np.array(transmission, dtype=float)
    if passing.shape not in ((), phonons.capacity.shape) or not ((passing > 0) & (passing <= 1)).all():
        raise InputError(
            f"transmission = {transmission!r:.60}, wanted shares above 0 and up to 1, one or {phonons.capacity.size}"
        )
    held = phonons.capacity > 0
    flying = GratingBands(phonons.capacity[held], phonons.path[held], phonons.lifetime[held], isotropic=True)
    kept = kept_heat(flying, wave_vector, frequency)
    return complex(boundary_impedance(kept, flying.emission, np.broadcast_to(passing, held.shape)[held]))


def kept_heat(
    bands: GratingBands, wave_vector: float, frequency: float, directions: tuple[int, int] = _DIRECTIONS,
    at_rest: ComplexArray | None = None,
) -> ComplexArray:  # fmt: skip
    """(n, n) A of the bands, W m⁻² K⁻¹: heat that stays in the half space by band, for the temperatures of emission.

    At rest all heat returns: the difference of two sums over the same directions keeps the small part of it.
    `at_rest` is the first of these sums, `returned_heat` at 0 and 0, where it is known.
    """
    rest = returned_heat(bands, 0.0, 0.0, directions) if at_rest is None else at_rest
    lost = rest - returned_heat(bands, wave_vector, frequency, directions)
    return np.asarray(np.diag(rest.sum(axis=1)) - rest + lost, dtype=np.complex128)


def boundary_impedance(kept: ComplexArray, emission: Array, transmission: Array) -> ComplexArray:
    """(...) impedance of half spaces A (..., n, n) behind a boundary that lets the share t (n,) of each band pass,
    which carries the heat `emission` (n,) one way, W m⁻² K⁻¹.
    """
    resistance = (1 / transmission - 1) / emission
    without = kept.sum(axis=-1, keepdims=True)  # flow without resistance: θ = 1
    flow = np.linalg.solve(np.eye(emission.size) + kept * resistance, without)
    return np.asarray(1 / flow[..., 0].sum(axis=-1), dtype=np.complex128)


def returned_heat(
    bands: GratingBands, wave_vector: float, frequency: float, directions: tuple[int, int] = _DIRECTIONS
) -> ComplexArray:
    """(n, n) heat that comes back in each band of what is sent in each, at a kelvin, W m⁻² K⁻¹; symmetric."""
    cosines, azimuths = directions
    rate = bands.capacity / bands.lifetime
    share = rate / rate.sum()
    u, weight = np.polynomial.legendre.leggauss(cosines)
    root = (1 + u) / 2  # of the cosine: H has a logarithm at grazing directions
    cosine, weight = root**2, weight * root
    azimuth = np.cos((np.arange(azimuths) + 0.5) * np.pi / azimuths)
    a = 1 + 1j * frequency * bands.lifetime
    side = 1j * wave_vector * np.sqrt(1 - cosine**2)[:, None] * azimuth
    decay = (a / bands.path)[:, None, None] / cosine[:, None] + (side / cosine[:, None])
    measure = np.broadcast_to((share[:, None] * weight / 2)[:, :, None] / azimuths, decay.shape)
    source = measure.ravel() * _h_function(bands, share, wave_vector, frequency, decay.ravel())
    pairs = source[:, None] / (decay.reshape(-1, 1) + decay.reshape(1, -1)) * source
    count = share.size
    by_band = pairs.reshape(count, -1, count, cosines * azimuths).sum(axis=(1, 3))
    return np.asarray(rate.sum() * by_band, dtype=np.complex128)


def _h_function(
    bands: GratingBands, share: Array, wave_vector: float, frequency: float, place: ComplexArray
) -> ComplexArray:

    def symbol_logarithm(t: ComplexArray) -> ComplexArray:
        a = 1 + 1j * frequency * bands.lifetime
        kappa = np.sqrt(wave_vector**2 + t**2)
        lost = lost_share(kappa[:, None] * bands.path / a, isotropic=True)
        return np.log(((1j * frequency * bands.lifetime + lost) / a) @ share)

    far = _DECADES * np.log(10)
    t = np.exp(np.arange(-far - np.log(bands.path.max()), far - np.log(bands.path.min()), _STEP))
    logarithm = 1 / (place[:, None] ** 2 + t**2) @ (symbol_logarithm(t.astype(complex)) * t * _STEP) * place
    # long paths along the surface bring the pole t = is or -is near the path: the rule's own error there is known
    below = place.imag > 0
    pole = np.where(below, -1j, 1j) * place
    near = np.abs(np.angle(pole)) < _NEAR_POLE
    side = np.where(below[near], -1j, 1j)
    turns = np.pi * (np.log(pole[near]) - np.log(t[0])) / _STEP
    logarithm[near] += np.pi * (-side / 2) * symbol_logarithm(pole[near]) * (1 / np.tan(turns) + side)
    return np.exp(-logarithm / np.pi)


# r, beyond which a table is constant: there it is known to 1e-3 of Λ/κ, and of a ballistic impedance
_LEAST, _LEAST_OF_SPECTRA, _MOST = 1e-3, 1e-5, 300.0
_SHAPE, _SHAPE_OF_SPECTRA = (48, 24), (36, 12)  # radii and shares
# cosines and azimuths, of slow heat where r < 1; spectra have directions enough in their bands
_TABLE_DIRECTIONS, _DIRECTIONS_OF_SLOW, _DIRECTIONS_OF_SPECTRA = (16, 10), (12, 8), (5, 4)
_FEW_BANDS = 6  # beyond which their directions are few
_MAX_GROUPS, _TAIL = 40, 1e-4  # of bands of like paths, and share of the conductivity beyond the outermost paths
# Emission into a half space in units of 4/ΣCv, that a boundary of resistance R has in it already: 3/4 of Milne's length
_EMISSION = 0.75 * 0.7104461


@frozen(eq=False)
class _ImpedanceTable(BaseRecord):
    """Impedance beyond Fourier's law in units of Λ/κ."""

    least: float  # r
    coefficients: ComplexArray  # (nr, nt)

    def at(self, wide: Array, slow: Array) -> ComplexArray:
        """(ns, nk) at $(kΛ)^2$ (nk,) and $ωCΛ^2/κ$ (ns, 1)."""
        square, reach = wide + slow, np.log(_MOST / self.least)
        place = np.clip((np.log(square) - np.log(_MOST * self.least)) / reach, -1, 1)
        radii, shares = self.coefficients.shape
        polynomials = chebyshev.chebvander(place, radii - 1) @ self.coefficients
        return np.sum(polynomials * chebyshev.chebvander(2 * wide / square - 1, shares - 1), axis=-1)


@frozen(eq=False)
class PassingShares(BaseRecord):
    """A boundary in front of bands: the group of each band (n,), and the share of each group (g,) that passes."""

    group: IndexArray
    share: Array


def impedance_beyond_fourier(
    bands: GratingBands, wave_vector: Array, frequency: Array, boundary: PassingShares | None = None
) -> ComplexArray:
    r"""(ns, nk) impedance of a half space of isotropic bands less $1/\kappa q$, K m² W⁻¹, at wave vectors along the
    surface (nk,) rad m⁻¹ and angular frequencies (ns, 1) rad s⁻¹, not both zero.

    Without a `boundary` it stands behind one with a resistance of its own, that which Fourier's law has with one band,
    between bulk profiles extrapolated to it: of what phonons need to be emitted, $0.7104\Lambda/\kappa =
    2.131/\sum_i C_iv_i$ is left out here, so that slow heat of plane fronts in one band is that of Fourier's law.  With
    a `boundary` its resistance and that of emission are contained.  Of a spectrum many bands are taken together by
    their paths, which keeps heat capacity, conductivity and emission.
    """
    conductivity, capacity = float(bands.contribution.sum()), float(bands.capacity.sum())
    flying = bands.contribution > 0
    share = bands.contribution[flying] / conductivity
    path = float(np.exp(share @ np.log(bands.path[flying])))
    time = capacity * path**2 / conductivity
    # by rounded numbers: what is the same but for rounding has one table
    shape = np.array([bands.capacity / capacity, bands.path / path, bands.lifetime / time], dtype=np.float32)
    if boundary is None:
        table = _impedance_table(shape.tobytes())
    else:
        group = boundary.group.astype(np.int64).tobytes()
        table = _boundary_table(shape.tobytes(), group, boundary.share.astype(float).tobytes())
    found = table.at((wave_vector * path) ** 2, frequency * time)
    return np.asarray(found * (path / conductivity), dtype=np.complex128)


@frozen(eq=False, kw_only=True)
class _KeptHeat(BaseRecord):
    """What a half space of bands keeps, at the nodes of a table, in units of κ and Λ."""

    least: float  # r
    radius: Array  # (nr,) nodes, -1 to 1
    share: Array  # (nt,) nodes, -1 to 1
    bands: GratingBands  # (n,) taken together
    group: IndexArray  # (n,) of the boundary
    kept: ComplexArray  # (nr, nt, n, n)
    fourier: ComplexArray  # (nr, nt) impedance by Fourier's law

    def table(self, impedance: ComplexArray) -> _ImpedanceTable:
        """The table of an impedance (nr, nt)."""
        over_radii, over_shares = (chebyshev.chebvander(nodes, nodes.size - 1) for nodes in (self.radius, self.share))
        over_both = np.linalg.solve(over_shares, np.linalg.solve(over_radii, impedance - self.fourier).T).T
        return _ImpedanceTable(self.least, np.asarray(over_both, dtype=np.complex128))


@lru_cache(maxsize=16)
def _impedance_table(shape: bytes) -> _ImpedanceTable:
    """Table of bands behind a boundary of its own, from their heat capacities, paths and lifetimes in these units."""
    held = _kept_heat(shape, None)
    flow = held.bands.emission.sum()
    return held.table(np.asarray((1 / held.kept[:, :, 0, 0] - _EMISSION) / flow, dtype=np.complex128))


@lru_cache(maxsize=64)
def _boundary_table(shape: bytes, group: bytes, share: bytes) -> _ImpedanceTable:
    held = _grouped_heat(shape, group)
    return held.table(boundary_impedance(held.kept, held.bands.emission, np.frombuffer(share)[held.group]))


@lru_cache(maxsize=4)
def _grouped_heat(shape: bytes, group: bytes) -> _KeptHeat:
    return _kept_heat(shape, np.frombuffer(group, dtype=np.int64))


def _kept_heat(shape: bytes, group: IndexArray | None) -> _KeptHeat:
    """What bands keep by band; without groups the share of all of them together that they keep, (nr, nt, 1, 1)."""
    capacity, path, lifetime = np.frombuffer(shape, dtype=np.float32).reshape(3, -1).astype(float)
    bands, label = grouped_bands(GratingBands(capacity, path, lifetime, isotropic=True), group)
    one = bands.path.size == 1
    least = _LEAST if one else max(_LEAST_OF_SPECTRA, _LEAST / float(bands.path.max()))
    sizes = _SHAPE if one else _SHAPE_OF_SPECTRA
    conductivity, heat = bands.contribution.sum(), float(bands.capacity.sum())
    radius, share = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in sizes)
    usual = _DIRECTIONS_OF_SPECTRA if bands.path.size > _FEW_BANDS else _DIRECTIONS_OF_SLOW
    rest: dict[tuple[int, int], ComplexArray] = {}
    count = 1 if group is None else bands.path.size
    kept, fourier = np.empty((*sizes, count, count), dtype=complex), np.empty(sizes, dtype=complex)
    for i, r in enumerate(least * np.exp((radius + 1) / 2 * np.log(_MOST / least))):
        directions = _TABLE_DIRECTIONS if one and r > 1 else usual
        if directions not in rest:
            rest[directions] = returned_heat(bands, 0.0, 0.0, directions)
        for j, x in enumerate((share + 1) / 2):
            k, omega = r * np.sqrt(x), r**2 * (1 - x)
            found = kept_heat(bands, k, omega, directions, rest[directions])
            kept[i, j] = found.sum() / bands.emission.sum() if group is None else found
            fourier[i, j] = 1 / np.sqrt(conductivity * (conductivity * k**2 + 1j * omega * heat))
    return _KeptHeat(least=least, radius=radius, share=share, bands=bands, group=label, kept=kept, fourier=fourier)


def grouped_bands(bands: GratingBands, group: IndexArray | None = None) -> tuple[GratingBands, IndexArray]:
    """Bands of one group (n,) and like paths as one, with the heat capacity, the conductivity and the emission that
    they have together; and the group of each.
    """
    group = np.zeros(bands.path.size, dtype=np.intp) if group is None else group
    held = bands.contribution
    if np.count_nonzero(held) == 1 and bands.path.size == 1:
        return bands, group
    order = np.argsort(bands.path)
    carried = np.cumsum(held[order]) / held.sum()
    low, high = bands.path[order][np.searchsorted(carried, [_TAIL, 1 - _TAIL])]
    width = max(float(np.log(high / low)), 1e-6) * (1 + 1e-9)
    place = np.log(np.maximum(bands.path, low) / low) / width * _MAX_GROUPS
    cell = group * _MAX_GROUPS + np.minimum(place.astype(int), _MAX_GROUPS - 1)
    count = int(group.max() + 1) * _MAX_GROUPS
    capacity, conductivity = (np.bincount(cell, one, count).astype(float) for one in (bands.capacity, held))
    emission = np.bincount(cell, bands.capacity * bands.path / bands.lifetime, count).astype(float)
    full = conductivity > 0
    capacity, conductivity, emission = capacity[full], conductivity[full], emission[full]
    path = 3 * conductivity / emission
    together = GratingBands(capacity, path, capacity * path / emission, isotropic=True)
    return together, np.asarray(np.flatnonzero(full) // _MAX_GROUPS, dtype=np.intp)
