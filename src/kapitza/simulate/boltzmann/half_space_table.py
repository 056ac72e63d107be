r"""Half spaces of phonons that beams heat, from a table: what the Boltzmann equation adds to Fourier's law.

With all lengths in units of a mean free path Λ and all times in those of $C\Lambda^2/\kappa$ the impedance of a half
space (`kapitza.simulate.boltzmann.half_space`), times $\kappa/\Lambda$, is a function of $k\Lambda$ and
$\omega C\Lambda^2/\kappa$ alone: one table serves all conductivities, heat capacities and paths that a fit tries.
What is interpolated, by Chebyshev polynomials, is the impedance without Fourier's $1/\kappa q$, over the logarithm of
$r^2 = (k\Lambda)^2 + \omega C\Lambda^2/\kappa$ and the share $(k\Lambda/r)^2$: smooth, and constant along r for slow
and wide heat.
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev

from kapitza.core.arrays import Array, ComplexArray
from kapitza.simulate.boltzmann.gratings import GratingBands
from kapitza.simulate.boltzmann.half_space import returned_share

_LEAST, _MOST = 1e-3, 300.0  # r, beyond which the table is constant: 1e-3 of Λ/κ, and of a ballistic impedance
_RADII, _SHARES = 48, 24
_DIRECTIONS, _DIRECTIONS_OF_SLOW = (16, 10), (12, 8)  # cosines and azimuths, for r above and below 1
# Emission into a half space in units of 4/Cv, that a boundary of resistance R has in it already: 3/4 of Milne's length
_EMISSION = 0.75 * 0.7104461


def impedance_beyond_fourier(bands: GratingBands, wave_vector: Array, frequency: Array) -> ComplexArray:
    r"""(ns, nk) impedance of a half space less $1/\kappa q$, behind a boundary with a resistance of its own, K m² W⁻¹.

    The resistance of the boundary is that between bulk profiles extrapolated to it, as Fourier's law has it: of what
    phonons need to be emitted, 0.7104 Λ/κ is left out here, so that slow heat of plane fronts is that of Fourier's law.

    Parameters
    ----------
    bands : of one mean free path
    wave_vector : (nk,) along the surface, rad m⁻¹
    frequency : (ns, 1) angular frequency from 0, rad s⁻¹; with the wave vector above zero
    """
    conductivity, capacity, path = float(bands.contribution.sum()), float(bands.capacity.sum()), float(bands.path[0])
    wide = (wave_vector * path) ** 2
    square = wide + frequency * (capacity * path**2 / conductivity)
    place = np.clip(np.log(square) / np.log(_MOST / _LEAST) - np.log(_MOST * _LEAST) / np.log(_MOST / _LEAST), -1, 1)
    along = chebyshev.chebvander(place, _RADII - 1) @ _gray_table()
    found = np.sum(along * chebyshev.chebvander(2 * wide / square - 1, _SHARES - 1), axis=-1)
    return np.asarray(found * (path / conductivity), dtype=np.complex128)


@lru_cache(maxsize=1)
def _gray_table() -> ComplexArray:
    """(nr, nt) coefficients for one band of path, heat capacity and conductivity 1."""
    band = GratingBands(np.ones(1), np.ones(1), np.full(1, 1 / 3), isotropic=True)
    flow = 3 / 4  # Cv/4
    radius, share = (np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in (_RADII, _SHARES))
    size = np.exp((radius + 1) / 2 * np.log(_MOST / _LEAST)) * _LEAST
    rest = {n: returned_share(band, 0.0, 0.0, n) for n in (_DIRECTIONS, _DIRECTIONS_OF_SLOW)}
    value = np.empty((_RADII, _SHARES), dtype=complex)
    for (i, r), (j, x) in ((one, other) for one in enumerate(size) for other in enumerate((share + 1) / 2)):
        k, omega = r * np.sqrt(x), r**2 * (1 - x)
        directions = _DIRECTIONS if r > 1 else _DIRECTIONS_OF_SLOW
        kept = rest[directions] - returned_share(band, k, omega, directions)
        value[i, j] = (1 / kept - _EMISSION) / flow - 1 / np.sqrt(k**2 + 1j * omega)
    over_radii = np.linalg.solve(chebyshev.chebvander(radius, _RADII - 1), value)
    return np.linalg.solve(chebyshev.chebvander(share, _SHARES - 1), over_radii.T).T
