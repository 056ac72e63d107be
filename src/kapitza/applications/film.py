r"""Films thinner than the free paths in them: conductivity along and across.

Along the film walls scatter phonons back into it (Fuchs and Sondheimer).  Across it, heat is emitted by one wall and
taken up by the other; in the relaxation time approximation that is an integral equation for the temperature inside,
which is solved here for any number of free paths, without an interpolation between limits.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expn

from kapitza.applications.free_paths import FreePaths
from kapitza.core.arrays import Array, positive
from kapitza.core.quadrature import gauss_legendre
from kapitza.errors import InputError
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, run_units

_ANGLE_NODES = 64  # of the integral over angles
_GRADED_NODES, _EVEN_NODES = 48, 24  # nodes of half a film, whose flux is then good to 1e-6
_GROUPS_PER_DECADE = 10  # groups of free paths
_FILM_VERSION = "film-cross-plane-1"  # part of the address of stored results


def film_in_plane(paths: FreePaths, thickness: ArrayLike, specularity: float = 0.0) -> Array:
    r"""Conductivity along a film between walls that mirror the share p of the phonons.

    Of each free path, with $\delta = d/\Lambda$,
    $\frac{\kappa}{\kappa_b} = 1 - \frac{3(1-p)}{2\delta}\int_0^1(\mu - \mu^3)
    \frac{1 - e^{-\delta/\mu}}{1 - pe^{-\delta/\mu}}d\mu$.

    Parameters
    ----------
    paths : of the bulk
    thickness : (n,) m
    specularity : p, 0 (rough) to 1 (mirrors, and the conductivity of the bulk)

    Returns
    -------
    (n,) W m⁻¹ K⁻¹

    Raises
    ------
    InputError
        for a specularity outside of 0..1 and thicknesses that are not above zero

    References
    ----------
    E. H. Sondheimer, Adv. Phys. 1, 1 (1952), doi:10.1080/00018735200101151
    """
    if not 0 <= specularity <= 1:
        raise InputError(f"specularity = {specularity:g}, wanted a share from 0 (rough) to 1 (mirror)")
    kept = rough_wall_shares(positive(thickness)[:, None] / paths.length, specularity)
    return np.sum(paths.conductivity * kept, axis=1)


def rough_wall_shares(ratio: Array, specularity: float = 0.0) -> Array:
    r"""(...) share of its conductivity in the bulk that each free path keeps along a film, by the formula of
    `film_in_plane`, for $\delta = d/\Lambda$ (...), which may be infinite.
    """
    node, weight = gauss_legendre(_ANGLE_NODES)
    mu, step = node**2, 2 * node * weight  # dense where grazing phonons change fastest
    lost = -np.expm1(-ratio[..., None] / mu)  # keeps its digits where δ is small
    kept = lost / (1 - specularity * (1 - lost)) if specularity < 1 else np.ones_like(lost)
    integral = np.sum((mu - mu**3) * kept * step, axis=-1)
    return 1 - 1.5 * (1 - specularity) / ratio * integral


def film_cross_plane(
    paths: FreePaths, thickness: ArrayLike, *, executor: ExecutorLike | None = None, store: StoreLike | None = None
) -> Array:
    r"""Conductivity across a film between walls that take up every phonon, $\kappa = qd/\Delta T$.

    With $E_i = 3\kappa_i/4\Lambda_i$, the local temperature θ follows from
    $$\sum_i\frac{4E_i}{\Lambda_i}\Big[\theta(x) - \tfrac12 E_2(x/\Lambda_i)
    - \tfrac12\int_0^d E_1\Big(\frac{|x-x'|}{\Lambda_i}\Big)\theta(x')\frac{dx'}{\Lambda_i}\Big] = 0$$
    (hot wall 1, cold wall 0, E_n exponential integrals), and the flux is that which the hot wall emits less what comes
    back.  Free paths of very different length share one temperature, so that κ is not a sum over separate films.

    Parameters
    ----------
    paths : of the bulk
    thickness : (n,) m
    executor : any `concurrent.futures.Executor`, or a number of processes, over which the thicknesses are spread
    store : where finished thicknesses are kept and looked for

    Returns
    -------
    (n,) W m⁻¹ K⁻¹: ballistic, $d\sum E_i$, in thin films; the bulk in thick ones

    References
    ----------
    M. A. Heaslet and R. F. Warming, Int. J. Heat Mass Transfer 8, 979 (1965), doi:10.1016/0017-9310(65)90083-9
    """
    grouped = paths.merge(_GROUPS_PER_DECADE)
    common = {"length": grouped.length, "conductivity": grouped.conductivity}
    units = [common | {"thickness": d} for d in positive(thickness).tolist()]
    results = run_units(_film_unit, units, version=_FILM_VERSION, store=store, executor=executor)
    return np.array([float(result["value"]) for result in results])


def _film_unit(unit: UnitInputs) -> UnitResult:
    """Kernel: conductivity across one film, W m⁻¹ K⁻¹.

    As much heat passes between each two nodes as at the wall.  θ is linear between nodes and every integral over such a
    piece is exact, so that pieces may be longer than a free path; θ - ½ is odd, so that half of the film is enough.
    """
    length, conductivity = np.asarray(unit["length"]), np.asarray(unit["conductivity"])
    paths, thickness = FreePaths(length, conductivity), float(np.asarray(unit["thickness"]))
    nodes = _film_nodes(thickness, float(paths.length.min()))
    half = nodes.size // 2  # the node in the middle, where θ is ½
    at = np.concatenate([[0.0], (nodes[1 : half + 1] + nodes[:half]) / 2])
    matrix, source = np.zeros((half, half)), np.zeros(half)
    for emitted, path in zip(paths.radiance, paths.length, strict=True):
        rows = _hat_function_flux(nodes, at, path)
        matrix += emitted * np.diff(rows[:, :half] - rows[:, :half:-1], axis=0)
        source -= emitted * np.diff(expn(3, at / path) + rows.sum(axis=1) / 2)
    excess = np.linalg.solve(matrix, source)
    flux = _mean_flux(0.5 + np.concatenate([excess, [0.0], -excess[::-1]]), nodes, paths)
    return {"value": np.array(flux * thickness)}


def _hat_function_flux(nodes: Array, x: Array, path: float) -> Array:
    r"""(m, n) flux at points x (m,) that comes from the hat function of each node, $\mp\int E_2(|x-x'|/\Lambda)h_j
    dx'/\Lambda$, in units of 2E.
    """
    t = (nodes - x[:, None]) / path
    size = np.abs(t)
    third, fourth = expn(3, size), expn(4, size)
    zeroth = -np.diff(third, axis=1)  # ∫sign(t) E₂(|t|) over each piece
    first = np.diff(np.sign(t) * (1 / 3 - size * third - fourth), axis=1)  # ∫|t| E₂(|t|)
    rising = (first - t[:, :-1] * zeroth) / (np.diff(nodes) / path)
    found = np.zeros_like(t)
    found[:, 1:] -= rising
    found[:, :-1] -= zeroth - rising
    return found


def _mean_flux(theta: Array, nodes: Array, paths: FreePaths) -> float:
    r"""Flux averaged over the film, which loses no digits where it is thick, W m⁻² K⁻¹.

    $qd = \sum_i2E_i\big\{\Lambda_i[\tfrac13 - E_4(d/\Lambda_i)] + \int_0^d\theta(x)[E_3(x/\Lambda_i)
    - E_3((d-x)/\Lambda_i)]dx\big\}$.
    """
    thickness = float(nodes[-1])
    total = 0.0
    for emitted, path in zip(paths.radiance, paths.length, strict=True):
        x = nodes / path
        fourth, fifth = expn(4, x), expn(5, x)
        zeroth = -np.diff(fourth)  # ∫E₃
        first = -np.diff(x * fourth + fifth)  # ∫x E₃
        rising = (first - x[:-1] * zeroth) / np.diff(x)
        falling = zeroth - rising
        near = np.sum(theta[:-1] * falling + theta[1:] * rising)
        far = zeroth.sum() - near  # the film seen from its cold wall, where θ is 1 - θ
        total += 2 * emitted * path * (1 / 3 - fourth[-1] + near - far)
    return total / thickness


def _film_nodes(thickness: float, shortest: float) -> Array:
    """Nodes of a film, symmetric about its middle, which is one of them; fine at the walls."""
    half = thickness / 2
    start = 1e-4 * min(shortest, half)  # E₁ is singular at a wall, and θ steep beside it
    left = np.union1d(np.geomspace(start, half, _GRADED_NODES), np.linspace(0, half, _EVEN_NODES))
    return np.concatenate([left, thickness - left[-2::-1]])
