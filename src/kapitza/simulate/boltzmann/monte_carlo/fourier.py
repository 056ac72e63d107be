r"""Temperatures of the same domain by Fourier's law: bulk conductivities, extrapolated resistances, walls without slip.

Right where everything is far larger than a mean free path; laid beside Monte Carlo it shows what is not.
"""

import numpy as np
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import cg, spsolve

from kapitza.core.arrays import Array
from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.domain import Domain
from kapitza.simulate.boltzmann.monte_carlo.simulation import PreparedDomain, prepare_domain

_MILNE_SLIP = 0.7104460896  # slip of a black wall in mean free paths
_MAX_FOURIER_CELLS = 200_000  # cells


def fourier_temperature(domain: Domain, spacing: float | tuple[float, ...], *, refine: int = 4) -> Array:
    r"""Temperature (n₁, ...) of the cells of a domain by Fourier's law, by finite volumes, K; NaN in walls and voids.

    Boundaries take the gray estimate of the extrapolated resistance,
    $1/G = 1/G_e - (1 - \frac34\,0.7104)(1/G_L + 1/G_R)$.

    Parameters
    ----------
    domain : as for `monte_carlo`
    spacing : largest width of a cell, m; one, or one for each axis
    refine : parts of each cell along each axis in which the law is solved; halved where that would be too many
    """
    if refine < 1:
        raise InputError(f"refine = {refine}, expected 1 or more")
    coarse = prepare_domain(domain, spacing).grid
    if "low" not in coarse.geometry:
        raise InputError("finite volumes of Fourier's law need right angles, and prisms have inclined sides")
    while refine > 1 and coarse.region.size * refine**domain.dimension > _MAX_FOURIER_CELLS:
        refine //= 2
    fine = prepare_domain(domain, tuple(np.broadcast_to(spacing, (domain.dimension,)) / refine))
    value = _solve_fourier(fine).reshape(fine.grid.shape)
    weight = (fine.grid.volume * (fine.grid.region >= 0)).reshape(value.shape)
    value = value * weight
    for a, (parts, bounds) in enumerate(zip(fine.grid.edges, coarse.edges, strict=True)):
        low = np.maximum(bounds[:-1, None], parts[None, :-1])
        high = np.minimum(bounds[1:, None], parts[None, 1:])
        share = np.maximum(high - low, 0.0) / np.diff(parts)
        value, weight = (np.moveaxis(np.tensordot(share, one, (1, a)), 0, a) for one in (value, weight))
    held = coarse.region.reshape(coarse.shape) >= 0
    return np.where(held, fine.reference + value / np.where(weight > 0, weight, 1.0), np.nan)


def _solve_fourier(prepared: PreparedDomain) -> Array:
    """(C,) rise of each cell above the reference, K; zero in walls and voids."""
    grid = prepared.grid
    if grid.region.size > _MAX_FOURIER_CELLS:
        raise InputError(f"{grid.region.size} cells, expected at most {_MAX_FOURIER_CELLS}: take a larger spacing")
    size, solid = grid.geometry["high"] - grid.geometry["low"], grid.region >= 0
    conductivity = np.array([material.conductivity for material in prepared.materials])[np.maximum(grid.region, 0)]
    half = np.repeat(size / 2, 2, axis=1) / conductivity[:, None]
    fixed = np.array([np.nan if w is None or w.temperature is None else w.temperature for w in grid.walls])
    at_wall = np.where(grid.surface >= 0, fixed[grid.surface], np.nan)
    crossed = np.isin(grid.surface, np.flatnonzero([crossing is not None for crossing in grid.crossings]))
    linked = (grid.neighbour >= 0) & solid[:, None] & ((grid.surface < 0) | crossed)
    beyond = half[np.maximum(grid.neighbour, 0), np.arange(half.shape[1]) ^ 1]
    resistance = np.zeros(len(grid.surfaces))  # of each boundary, zero for walls
    for s, boundary in enumerate(grid.crossings):
        if boundary is not None:
            crossing, i, j = boundary
            resistance[s] = _gray_resistance(crossing, prepared.materials[i], prepared.materials[j])
    jump = np.where(grid.surface >= 0, resistance[grid.surface], 0.0)
    through = np.where(linked, grid.area / (half + jump + beyond), 0.0)
    held = np.where(solid[:, None] & np.isfinite(at_wall), grid.area / half, 0.0)
    diagonal = np.where(solid, through.sum(axis=1) + held.sum(axis=1), 1.0)
    row = np.broadcast_to(np.arange(solid.size)[:, None], grid.neighbour.shape)
    matrix = coo_array((-through[linked], (row[linked], grid.neighbour[linked])), shape=(solid.size,) * 2).tocsc()
    matrix += coo_array((diagonal, (np.arange(solid.size),) * 2), shape=matrix.shape).tocsc()
    right = np.nansum(held * (at_wall - prepared.reference), axis=1)
    for source in prepared.domain.sources:
        right += source.power * grid.within(source.low, source.high) * grid.volume / np.prod(source.high - source.low)
    return _solve_sparse(matrix, np.where(solid, right, 0.0), diagonal, len(grid.edges))


def _solve_sparse(matrix: csc_array, right: Array, diagonal: Array, dimension: int) -> Array:
    if dimension < 3:  # in three, fill-in makes direct factors too large
        return np.asarray(spsolve(matrix, right), dtype=float)
    found, state = cg(matrix, right, rtol=1e-9, maxiter=20_000, M=diags_array(1 / diagonal))
    if state:
        raise ConvergenceError(f"Fourier's law: no solution after {state} steps; take a larger spacing", found)
    return np.asarray(found, dtype=float)


def _gray_resistance(crossing: InterfaceScattering, left: Carriers, right: Carriers) -> float:
    crossed = float(crossing.flow(left, right).sum())
    share = 1 - 0.75 * _MILNE_SLIP
    bare = np.inf if crossed == 0 else 1 / crossed
    return max(0.0, float(bare - share * (1 / left.flow.sum() + 1 / right.flow.sum())))
