r"""Half spaces of phonons that beams heat, from a table: what the Boltzmann equation adds to Fourier's law.

With all lengths in units of a mean free path Λ and all times in those of $C\Lambda^2/\kappa$ the impedance of a half
space (`kapitza.simulate.boltzmann.half_space`), times $\kappa/\Lambda$, is a function of $k\Lambda$ and
$\omega C\Lambda^2/\kappa$ alone, for one band or for a spectrum of a given shape: one table serves all conductivities,
heat capacities and paths that a fit tries.  What is interpolated, by Chebyshev polynomials, is the impedance without
Fourier's $1/\kappa q$, over the logarithm of $r^2 = (k\Lambda)^2 + \omega C\Lambda^2/\kappa$ and the share
$(k\Lambda/r)^2$: smooth, and constant along r for slow and wide heat.
"""

from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.polynomial import chebyshev

from kapitza.core.arrays import Array, ComplexArray
from kapitza.core.records import BaseRecord
from kapitza.simulate.boltzmann.gratings import GratingBands
from kapitza.simulate.boltzmann.half_space import returned_share

# r, beyond which a table is constant: there it is known to 1e-3 of Λ/κ, and of a ballistic impedance
_LEAST, _LEAST_OF_SPECTRA, _MOST = 1e-3, 1e-5, 300.0
_SHAPE, _SHAPE_OF_SPECTRA = (48, 24), (36, 12)  # radii and shares
# cosines and azimuths, of slow heat where r < 1; spectra have directions enough in their bands
_DIRECTIONS, _DIRECTIONS_OF_SLOW, _DIRECTIONS_OF_SPECTRA = (16, 10), (12, 8), (5, 4)
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
        found = chebyshev.chebvander(place, radii - 1) @ self.coefficients
        return np.sum(found * chebyshev.chebvander(2 * wide / square - 1, shares - 1), axis=-1)


def impedance_beyond_fourier(bands: GratingBands, wave_vector: Array, frequency: Array) -> ComplexArray:
    r"""(ns, nk) impedance of a half space less $1/\kappa q$, behind a boundary with a resistance of its own, K m² W⁻¹.

    The resistance of the boundary is that which Fourier's law has with one band, between bulk profiles extrapolated to
    it: of what phonons need to be emitted, $0.7104\Lambda/\kappa = 2.131/\sum_i C_iv_i$ is left out here, so that slow
    heat of plane fronts in one band is that of Fourier's law.  Of a spectrum many bands are taken together by their
    paths, which keeps heat capacity, conductivity and emission.

    Parameters
    ----------
    bands : isotropic
    wave_vector : (nk,) along the surface, rad m⁻¹
    frequency : (ns, 1) angular frequency from 0, rad s⁻¹; with the wave vector above zero
    """
    conductivity, capacity = float(bands.contribution.sum()), float(bands.capacity.sum())
    flying = bands.contribution > 0
    share = bands.contribution[flying] / conductivity
    path = float(np.exp(share @ np.log(bands.path[flying])))
    time = capacity * path**2 / conductivity
    # by rounded numbers: what is the same but for rounding has one table
    shape = np.array([bands.capacity / capacity, bands.path / path, bands.lifetime / time], dtype=np.float32)
    found = _impedance_table(shape.tobytes()).at((wave_vector * path) ** 2, frequency * time)
    return np.asarray(found * (path / conductivity), dtype=np.complex128)


@lru_cache(maxsize=16)
def _impedance_table(shape: bytes) -> _ImpedanceTable:
    """Table of bands, from their heat capacities, paths and lifetimes in the units above."""
    capacity, path, lifetime = np.frombuffer(shape, dtype=np.float32).reshape(3, -1).astype(float)
    bands = grouped_bands(GratingBands(capacity, path, lifetime, isotropic=True))
    one = bands.path.size == 1
    least = _LEAST if one else max(_LEAST_OF_SPECTRA, _LEAST / float(bands.path.max()))
    sizes = _SHAPE if one else _SHAPE_OF_SPECTRA
    flow, conductivity = float((bands.capacity * bands.path / bands.lifetime).sum() / 4), bands.contribution.sum()
    heat = float(bands.capacity.sum())
    radius, share = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in sizes)
    usual = _DIRECTIONS_OF_SPECTRA if bands.path.size > _FEW_BANDS else _DIRECTIONS_OF_SLOW
    kept: dict[tuple[int, int], complex] = {}
    value = np.empty(sizes, dtype=complex)
    for i, r in enumerate(least * np.exp((radius + 1) / 2 * np.log(_MOST / least))):
        directions = _DIRECTIONS if one and r > 1 else usual
        rest = kept.setdefault(directions, returned_share(bands, 0.0, 0.0, directions))
        for j, x in enumerate((share + 1) / 2):
            k, omega = r * np.sqrt(x), r**2 * (1 - x)
            lost = rest - returned_share(bands, k, omega, directions)
            fourier = 1 / np.sqrt(conductivity * (conductivity * k**2 + 1j * omega * heat))
            value[i, j] = (1 / lost - _EMISSION) / flow - fourier
    over_radii = np.linalg.solve(chebyshev.chebvander(radius, sizes[0] - 1), value)
    over_both = np.linalg.solve(chebyshev.chebvander(share, sizes[1] - 1), over_radii.T).T
    return _ImpedanceTable(least, np.asarray(over_both, dtype=np.complex128))


def grouped_bands(bands: GratingBands) -> GratingBands:
    """Bands of like paths as one, with the heat capacity, the conductivity and the emission that they have together."""
    held = bands.contribution
    if np.count_nonzero(held) == 1 and bands.path.size == 1:
        return bands
    order = np.argsort(bands.path)
    carried = np.cumsum(held[order]) / held.sum()
    low, high = bands.path[order][np.searchsorted(carried, [_TAIL, 1 - _TAIL])]
    width = max(float(np.log(high / low)), 1e-6) * (1 + 1e-9)
    place = np.log(np.maximum(bands.path, low) / low) / width * _MAX_GROUPS
    group = np.minimum(place.astype(int), _MAX_GROUPS - 1)
    capacity, conductivity = (np.bincount(group, one, _MAX_GROUPS).astype(float) for one in (bands.capacity, held))
    emission = np.bincount(group, bands.capacity * bands.path / bands.lifetime, _MAX_GROUPS).astype(float)
    full = conductivity > 0
    capacity, conductivity, emission = capacity[full], conductivity[full], emission[full]
    path = 3 * conductivity / emission
    return GratingBands(capacity, path, capacity * path / emission, isotropic=True)
