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

from kapitza.core.arrays import Array, ComplexArray, IndexArray
from kapitza.core.records import BaseRecord
from kapitza.simulate.boltzmann.gratings import GratingBands
from kapitza.simulate.boltzmann.half_space import boundary_impedance, kept_heat, returned_heat

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
    r"""(ns, nk) impedance of a half space less $1/\kappa q$, K m² W⁻¹.

    Without a `boundary` it stands behind one with a resistance of its own, that which Fourier's law has with one band,
    between bulk profiles extrapolated to it: of what phonons need to be emitted, $0.7104\Lambda/\kappa =
    2.131/\sum_i C_iv_i$ is left out here, so that slow heat of plane fronts in one band is that of Fourier's law.  With
    a `boundary` its resistance and that of emission are contained.  Of a spectrum many bands are taken together by
    their paths, which keeps heat capacity, conductivity and emission.

    Parameters
    ----------
    bands : isotropic
    wave_vector : (nk,) along the surface, rad m⁻¹
    frequency : (ns, 1) angular frequency from 0, rad s⁻¹; with the wave vector above zero
    boundary : shares of the phonons that pass, in groups of bands
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
        radii, shares = self.radius.size, self.share.size
        beyond = impedance - self.fourier
        over_radii = np.linalg.solve(chebyshev.chebvander(self.radius, radii - 1), beyond)
        over_both = np.linalg.solve(chebyshev.chebvander(self.share, shares - 1), over_radii.T).T
        return _ImpedanceTable(self.least, np.asarray(over_both, dtype=np.complex128))


@lru_cache(maxsize=16)
def _impedance_table(shape: bytes) -> _ImpedanceTable:
    """Table of bands behind a boundary of its own, from their heat capacities, paths and lifetimes in these units."""
    held = _kept_heat(shape, None)
    flow = held.bands.emission.sum()
    return held.table(np.asarray((1 / held.kept[:, :, 0, 0] - _EMISSION) / flow, dtype=np.complex128))


@lru_cache(maxsize=64)
def _boundary_table(shape: bytes, group: bytes, share: bytes) -> _ImpedanceTable:
    """Table of bands behind a boundary that lets shares (g,) of their groups (n,) pass."""
    held = _grouped_heat(shape, group)
    return held.table(boundary_impedance(held.kept, held.bands.emission, np.frombuffer(share)[held.group]))


@lru_cache(maxsize=4)
def _grouped_heat(shape: bytes, group: bytes) -> _KeptHeat:
    """What bands keep by band, once for all boundaries that a fit tries."""
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
        directions = _DIRECTIONS if one and r > 1 else usual
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
