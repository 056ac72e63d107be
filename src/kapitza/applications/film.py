r"""Films and wires thinner than the free paths in them: conductivity along and across.

Along the film walls scatter phonons back into it (Fuchs and Sondheimer).  Across it, heat is emitted by one wall and
taken up by the other; in the relaxation time approximation that is an integral equation for the temperature inside,
which is solved here for any number of free paths, without an interpolation between limits.

**Crystals between rough walls.**  Each frequency of the full bands has the mean speed $\bar v = 2M/\pi g$ along the
normal, from the modes M(ω) that cross a plane and the density of states g(ω), and free paths $\bar v\tau$; along
another axis both are larger by the root of the ratio of conductivities, as for lifetimes that do not depend on
direction.  These follow one of two laws, scaled to the conductivity of the bulk: $\tau\propto\omega^{-2}$, of three
phonons, and the same turning to $\omega^{-4}$ at a quarter of the highest frequency, which leaves more of the heat to
long paths.  Measured silicon membranes lie between.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike
from scipy.special import expn

from kapitza.applications.free_paths import FreePaths
from kapitza.core.arrays import Array, about, numbers, one_temperature, positive
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid, gauss_legendre
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.library import material
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material
from kapitza.matter.phonons import has_phonons, phonon_card, phonon_spectrum
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


_COLDEST = 20.0  # K, below which phonons are scattered by the faces of samples, not by one another
_CROSSOVER = 0.25  # of the highest frequency, above which the rates of the second law grow as ω⁴
# of what walls take from a layered crystal: the most that this lies from full bands along the layers of graphite, h-BN,
# 6H-SiC, TiO2 and β-Ga2O3, in films of 100 nm
_DIRECTION_ERROR = 0.2
_LEAST_SHARE = 1e-12  # of one frequency: less is rounding


@frozen(eq=False, kw_only=True)
class ConfinedConductivity(BaseRecord):
    """Conductivity of a body between rough walls, along x, y and z.

    Attributes
    ----------
    value : the mean of both laws of lifetimes
    sigma : half of their difference, with a fifth of what the walls take where the bulk is not isotropic
    """

    bulk: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) conductivity of the bulk"))
    value: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) conductivity between the walls"))
    sigma: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) standard uncertainty of `value`"))
    size: Array = field(converter=numbers, metadata=about("m", "(3,) distance of the walls; infinite without"))

    @property
    def share(self) -> Array:
        """(3,) share of the conductivity of the bulk that is kept, 0 to 1."""
        return self.value / self.bulk


def confined_conductivity(
    known: str | Material, size: ArrayLike, temperature: float = 300.0
) -> ConfinedConductivity | None:
    r"""Conductivity of a crystal of the library along x, y and z, between rough walls that lie apart by a size.

    A direction loses to the walls parallel to it, by the formula of Fuchs and Sondheimer for each free path; what two
    pairs of walls take is added as resistances, $1/F = 1/F_1 + 1/F_2 - 1$ (in a square wire right to 6 % for paths as
    long as its side, and a fifth too much for ten times that).  Walls across a direction take nothing from
    it: the temperature drop that phonons have within a free path of a boundary belongs to the resistance of that
    boundary, which every measurement assigns to it (the extrapolated drop).

    Parameters
    ----------
    known : name or alias, or a record
    size : (3,) distance of the walls along x, y and z, m; infinite where there are none.  A film has (inf, inf, d)
    temperature : K, one number

    Returns
    -------
    z is the axis of a layered crystal.  None for metals, glasses and liquids, crystals whose phonons the package does
    not have, temperatures outside of the table of the library, and below 20 K, where the faces of samples set the free
    paths

    Raises
    ------
    InputError
        for sizes that are not three numbers above zero, and names that are not known

    References
    ----------
    E. H. Sondheimer, Adv. Phys. 1, 1 (1952), doi:10.1080/00018735200101151 (walls); J. Cuffe et al., Phys. Rev. B 91,
    245423 (2015), doi:10.1103/PhysRevB.91.245423 (membranes)
    """
    found = known if isinstance(known, Material) else material(known)
    kelvin, length = one_temperature(temperature), np.array(size, dtype=float)
    if length.shape != (3,) or not (length > 0).all():
        raise InputError(f"size = {size!r:.60} m, wanted three numbers above 0, infinite where there is no wall")
    glass = found.symmetry in (GLASS_SYMMETRY, LIQUID_SYMMETRY)
    if kelvin < _COLDEST or glass or found.metal.conductivity is not None or found.conductivity_table is None:
        return None  # not all heat is carried by phonons with a path of their own
    if not (has_phonons(found.name) and phonon_card(found.name).usable):
        return None
    try:
        through, along = (float(found.conductivity(kelvin, inplane=inplane)[0]) for inplane in (False, True))
    except InputError:  # the table ends at other temperatures
        return None
    bulk = np.array([along, along, through])
    if np.isinf(length).all():
        return ConfinedConductivity(bulk=bulk, value=bulk, sigma=np.zeros(3), size=length)
    spectrum = phonon_spectrum(found.name)
    laws = [bulk * _kept_shares(spectrum, bulk, length, kelvin, turn) for turn in (np.inf, _CROSSOVER)]
    value, spread = np.mean(laws, axis=0), np.abs(laws[0] - laws[1]) / 2
    direction = 0.0 if found.inplane_table is None else _DIRECTION_ERROR * (bulk - value)
    return ConfinedConductivity(bulk=bulk, value=value, sigma=np.hypot(spread, direction), size=length)


def _kept_shares(spectrum: BandSpectrum, bulk: Array, size: Array, temperature: float, turn: float) -> Array:
    """(3,) share of the conductivity along each axis, for rates that turn to ω⁴ at a share of the highest frequency."""
    grid = frequency_grid(spectrum.edges)
    crossing, states = spectrum.modes(grid.omega), spectrum.density_of_states(grid.omega)
    moving = (crossing > 0) & (states > 0)
    omega, speed = grid.omega[moving], (2 / np.pi) * crossing[moving] / states[moving]
    lifetime = 1 / (np.square(omega) * (1 + np.square(omega / (turn * spectrum.edges[-1]))))  # to a factor
    held = mode_heat_capacity(omega, temperature)[0] * (states * grid.weight)[moving]
    carried = held * np.square(speed) * lifetime / 3
    path = speed * lifetime * (bulk[2] / carried.sum())
    taken = np.empty((3, omega.size))  # by the walls across each axis
    for wall, scale in enumerate(np.sqrt(bulk / bulk[2])):
        kept = rough_wall_shares(size[wall] / (scale * path))
        taken[wall] = 1 / np.maximum(kept, _LEAST_SHARE) - 1
    both = taken.sum(axis=0) - taken
    return (carried / (1 + both)).sum(axis=1) / carried.sum()
