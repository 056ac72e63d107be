"""Conductivity across a superlattice: layers in series, boundaries resolved by frequency, and coherent minibands."""

import warnings

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.applications.free_paths import FreePaths
from kapitza.core.arrays import Array, about, number, one_temperature, positive, quantity, same_length
from kapitza.core.conductance import Conductance
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import gauss_legendre
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.core.transmission import DROP_CORRECTION, Transmission
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.matter.isotropic import Solid
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units

_SMALLEST_DIVISOR = 1e-300
_CROSSOVER_THICKNESS = 0.3  # layers over free path at which β is half way between thin and thick


@frozen(eq=False, kw_only=True)
class SuperlatticeConductivity(BaseRecord):
    """Conductivity across a superlattice against its period.

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.applications import superlattice_conductivity
    >>> si, ge = solid("Si"), solid("Ge")
    >>> found = superlattice_conductivity(dmm(si, ge), (si, 148.0), (ge, 60.0), period=[10e-9])
    >>> print(
    ...     f"layers in series {found.series[0]:.1f} ± {found.series_sigma[0]:.1f}, "
    ...     f"no scattering inside {found.ballistic[0]:.1f} W/mK"
    ... )
    layers in series 4.5 ± 2.1, no scattering inside 6.5 W/mK
    """

    period: Array = field(converter=positive, metadata=about("m", "(n,) periods"))
    series: Array = field(
        converter=positive, validator=same_length("period"), metadata=about("W m^-1 K^-1", "(n,) layers and boundaries")
    )
    spectral: Array = field(
        converter=positive, validator=same_length("period"), metadata=about("W m^-1 K^-1", "(n,) series by frequency")
    )
    ballistic: Array = field(
        converter=positive, validator=same_length("period"), metadata=about("W m^-1 K^-1", "(n,) no scattering inside")
    )
    share: float = field(converter=number, validator=quantity(high=1.0), metadata=about("1", "of the first material"))
    temperature: float = field(converter=number, validator=quantity(), metadata=about("K", "at which they hold"))
    method: str = ""  # of the boundary
    series_sigma: Array | None = field(
        default=None,
        converter=converters.optional(positive),
        metadata=about("W m^-1 K^-1", "(n,) standard uncertainty of `series` that its boundary brings, if it has one"),
    )


def series_superlattice(
    first: tuple[ArrayLike, float],
    second: tuple[ArrayLike, float],
    *conductances: float | Conductance,
    temperature: float = 300.0,
    mean_free_path: float = 0.0,
) -> Array:
    r"""(n,) conductivity of layers and boundaries in series, $k = \frac{d_1+d_2}{d_1/k_1 + d_2/k_2 + R_{12} + R_{21}}$.

    Each layer is given by its thickness, one or (n,), m, and conductivity, W m⁻¹ K⁻¹; conductances by one for both
    boundaries of a period or by two, with the extrapolated drop, as layers keep their bulk profile; `mean_free_path`
    (m) only warns where layers are not thicker.
    """
    if len(conductances) not in (1, 2):
        raise InputError(f"a period has two boundaries: give one conductance or two, got {len(conductances)}")
    one, other = positive(first[0]), positive(second[0])
    thinnest = min(one.min(), other.min())
    if thinnest < mean_free_path:
        warnings.warn(
            ValidityWarning(
                f"layers of {thinnest:.3g} m are thinner than the mean free path of {mean_free_path:.3g} m: the "
                "series is then a guess",
                hint=Hint(
                    python="`spectral_superlattice` takes each frequency on its own",
                    command="the result by frequency takes each on its own",
                ),
            ),
            stacklevel=2,
        )
    k1, k2 = positive(first[1]), positive(second[1])
    both = [Boundary(g).resistance(temperature) for g in (conductances * 2)[:2]]
    return (one + other) / (one / k1 + other / k2 + both[0] + both[1])


def spectral_superlattice(
    boundary: Transmission, first: FreePaths, second: FreePaths, *, period: ArrayLike, share: float, temperature: float
) -> Array:
    r"""(n,) conductivity where each frequency crosses layers and boundaries on its own, $k = d\int
    d\omega\,\big[d_1/\kappa_1(\omega) + d_2/\kappa_2(\omega) + 2r_b(\omega)\big]^{-1}$, W m⁻¹ K⁻¹.

    $r_b = 1/g - \beta_1/g_1 - \beta_2/g_2$, g and $g_i$ the Landauer conductance of one frequency and that of the modes
    of each side, is the local resistance between thin layers, $\beta = \frac12$, and the extrapolated one between thick
    ones, 0.467. Between both $\beta_i = \frac12 - 0.033\,d_i/(d_i + 0.3\Lambda_i)$, which follows the Boltzmann
    equation of gray layers within 0.5 %. Nothing is exchanged between frequencies, so that those which only one side
    has never cross, and k is a lower estimate: never above the ballistic limit, nor above a series of the same sums.
    """
    _check_period_share(share)
    size = boundary.omega.size
    if first.length.size != size or second.length.size != size:
        raise InputError(
            f"the boundary has {size} frequencies, the free paths {first.length.size} and {second.length.size}:",
            hint=Hint(python="make them with spectral_free_paths(boundary, ...)"),
        )
    between, left, right, passed = spectral_resistances(boundary, temperature)
    k1, k2 = (np.maximum(paths.conductivity, _SMALLEST_DIVISOR) for paths in (first, second))
    inside = share / k1 + (1 - share) / k2
    width = positive(period)[:, None]
    taken = _lead_share(share * width, first.length) * left + _lead_share((1 - share) * width, second.length) * right
    each = width / (width * inside + 2 * np.maximum(between - taken, 0.0))
    return np.sum(np.where(passed, each, 0.0), axis=1)


def _lead_share(thickness: Array, free_path: Array) -> Array:
    """Share β of the one-sided resistance that does not belong to the boundary, for a layer of this thickness, m."""
    thin, thick = DROP_CORRECTION["local"], DROP_CORRECTION["extrapolated"]
    return thin - (thin - thick) * thickness / (thickness + _CROSSOVER_THICKNESS * free_path)


def ballistic_superlattice(boundary: Transmission, *, period: ArrayLike, temperature: float) -> Array:
    r"""(n,) conductivity without scattering inside of the layers, $k = d\int d\omega/2r_b(\omega)$, W m⁻¹ K⁻¹.

    Boundaries forget the phase and the direction, so that every one of them resists, with the local drop: $r_b = 1/g -
    \tfrac12(1/g_1 + 1/g_2)$, exact where each of them is diffuse.
    """
    between, left, right, passed = spectral_resistances(boundary, temperature)
    resistance = between - (left + right) * DROP_CORRECTION["local"]
    each = np.divide(0.5, resistance, out=np.zeros_like(resistance), where=passed & (resistance > 0))
    return positive(period) * each.sum()


def superlattice_conductivity(
    boundary: Transmission,
    first: tuple[Solid, float],
    second: tuple[Solid, float],
    *,
    period: ArrayLike,
    share: float = 0.5,
    temperature: float = 300.0,
) -> SuperlatticeConductivity:
    """Conductivity against the period, by layers in series, by frequencies, and by boundaries alone.

    The series takes the extrapolated drop of gray media, which is off by 50 % (`GRAY_ERROR`) for others, as
    `series_sigma` says; by frequencies the layers are gray one by one.

    Parameters
    ----------
    boundary : transmission of one boundary, with the modes of both sides
    first, second : both materials with their bulk conductivity, W m⁻¹ K⁻¹
    period : (n,) m
    share : of the first material
    temperature : K

    Raises
    ------
    InputError
        for values outside of their range, or a transmission that does not know the modes of its sides

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.applications import superlattice_conductivity
    >>> si, ge = solid("Si"), solid("Ge")
    >>> found = superlattice_conductivity(dmm(si, ge), (si, 148.0), (ge, 60.0), period=[10e-9, 100e-9, 10e-6])
    >>> print(found.spectral.round(1), "W/mK")
    [ 5.1 23.4 66.8] W/mK
    >>> print(found.ballistic[0] > found.spectral[0])
    True
    """
    _check_period_share(share)
    width = positive(period)
    extrapolated = boundary.conductance(temperature, "extrapolated").accept_gray()
    series = series_superlattice(
        (share * width, first[1]), ((1 - share) * width, second[1]), extrapolated, temperature=temperature
    )
    one, other = (spectral_free_paths(boundary, side, k, temperature) for side, k in (first, second))
    return SuperlatticeConductivity(
        period=width,
        series=series,
        series_sigma=_series_sigma(width, series, extrapolated, temperature),
        spectral=spectral_superlattice(boundary, one, other, period=width, share=share, temperature=temperature),
        ballistic=ballistic_superlattice(boundary, period=width, temperature=temperature),
        share=share,
        temperature=temperature,
        method=boundary.method,
    )


def with_measured_boundary(
    found: SuperlatticeConductivity, first: float, second: float, conductance: float | Conductance
) -> SuperlatticeConductivity:
    """The same superlattice with the measured conductance (extrapolated, W m⁻² K⁻¹) of one boundary: its series anew,
    the other pictures scaled by the resistance; `first` and `second` are bulk conductivities, W m⁻¹ K⁻¹.
    """
    width = found.period
    layers = width * (found.share / first + (1 - found.share) / second)
    measured = 2 * Boundary(conductance).resistance(found.temperature)
    if measured == 0:
        raise InputError(f"conductance = {conductance} W/m²K: a boundary without resistance makes no superlattice")
    # by frequency: what a period resists beyond its boundaries stays as it is
    extra = width / found.spectral - width / found.ballistic
    return evolve(
        found,
        series=width / (layers + measured),
        series_sigma=_series_sigma(width, width / (layers + measured), conductance, found.temperature),
        spectral=width / (extra + measured),
        ballistic=width / measured,
        method=f"given boundary; layers by {found.method}",
    )


def _series_sigma(period: Array, series: Array, conductance: float | Conductance, temperature: float) -> Array | None:
    """(n,) uncertainty of a series of layers that two boundaries of one conductance bring, W m⁻¹ K⁻¹."""
    if not isinstance(conductance, Conductance) or conductance.sigma is None:
        return None
    sigma = float(np.interp(temperature, conductance.temperature, conductance.sigma))
    return 2 * np.square(series / conductance.at(temperature)[0]) * sigma / period


def spectral_resistances(boundary: Transmission, temperature: float) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Resistance of each frequency interval (nω,), m² K W⁻¹: of the boundary between reservoirs, of all modes of the
    left and of the right side; and where any heat passes at all.
    """
    if boundary.left is None or boundary.right is None:
        raise InputError(f"{boundary.method or 'this transmission'} does not know the modes of its sides")
    kelvin = one_temperature(temperature)
    quantum = mode_heat_capacity(boundary.omega, kelvin)[0] * boundary.weights / (2 * np.pi)
    between, left, right = (
        1 / np.maximum(modes * quantum, _SMALLEST_DIVISOR) for modes in (boundary.total, boundary.left, boundary.right)
    )
    return between, left, right, boundary.total * quantum > 0


def spectral_free_paths(boundary: Transmission, side: Solid, conductivity: float, temperature: float) -> FreePaths:
    r"""Free paths of a Debye solid at the frequencies of a boundary, $\Lambda \propto \omega^{-2}$, that sum up to a
    bulk conductivity (W m⁻¹ K⁻¹) at a temperature (K).

    The branches of a frequency are taken together: conductivities add, and with them the radiance.
    """
    omega = np.maximum(boundary.omega, 1e-6 * boundary.omega[-1])
    per_mode = mode_heat_capacity(omega, one_temperature(temperature))[0] * boundary.weights
    inverse = np.sum((omega[:, None] <= side.cutoffs) / side.speeds**2, axis=1)
    radiance = omega**2 / (8 * np.pi**2) * inverse * per_mode  # Σ C v/4 of the branches
    shape = 4 / 3 * radiance / omega**2
    scale = float(positive(conductivity)[0]) / shape.sum()
    return FreePaths(scale / omega**2, shape * scale, omega, side.name)


def _check_period_share(share: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"share = {share:g} of the period, wanted a number between 0 and 1")


_TRANSVERSE_NODES = 16  # nodes of either wave vector along the plane
_BLOCH_STATES = 96  # wave vectors along the normal, over all bands of a superlattice
_MAX_PERIOD_LAYERS = 200
_MINIBAND_VERSION = "miniband-1"  # part of the address of stored results
_MIN_FREE_PATH = 0.5  # free path in atomic layers


@frozen(eq=False)
class MinibandConductivity(BaseRecord):
    """Conductivity of a superlattice by waves of finite mean free path, over that of a crystal of the mean mass,
    against the atomic layers of each material in a period.
    """

    layers: Array = field(converter=positive, metadata=about("1", "number of layers in a period"))
    value: Array = field(
        converter=positive,
        validator=same_length("layers"),
        metadata=about("of the crystal of the mean mass", "conductivity"),
    )
    free_path: float = field(converter=number, validator=quantity(), metadata=about("layers", "mean free path"))

    @property
    def minimum(self) -> float:
        """Atomic layers of each material in a period with the least conductivity, of those asked for."""
        return float(self.layers[np.argmin(self.value)])


def miniband_conductivity(
    mass_ratio: float,
    free_path: float,
    layers: ArrayLike,
    *,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> MinibandConductivity:
    r"""Conductivity of superlattices of equal layers in a simple cubic lattice of equal springs.

    One scalar displacement, masses 1 and r in layers of n atoms each, classical occupation: $\kappa =
    k_B\ell\sum_j\int\frac{d^3k}{(2\pi)^3}|v_j|$ with $v_j = d\,\mathrm{Re}\,\omega_j/dq$ at $q + i/\ell$, the free path
    ℓ in atomic layers; relative to the crystal of the mean mass $(1 + r)/2$ at the same ℓ.
    """
    ratio, reach = float(positive(mass_ratio)[0]), float(positive(free_path)[0])
    count = positive(layers)
    if reach < _MIN_FREE_PATH:
        raise InputError(
            f"free path = {reach:g} atomic layers, expected at least {_MIN_FREE_PATH:g}: waves need a neighbour"
        )
    if np.any(count != np.round(count)) or count.max() > _MAX_PERIOD_LAYERS:
        worst = float(count[(count != np.round(count)) | (count > _MAX_PERIOD_LAYERS)][0])
        raise InputError(f"layers = {worst:g}, expected whole numbers of atomic layers from 1 to {_MAX_PERIOD_LAYERS}")
    periods = [np.array([(1 + ratio) / 2]), *(np.repeat([1.0, ratio], int(n)) for n in count)]
    units = [{"masses": masses, "free_path": reach} for masses in periods]
    results = run_units(
        _speed_unit, units, version=_MINIBAND_VERSION, store=store, executor=executor, progress=progress
    )
    speed = np.array([float(result["speed"]) for result in results])
    return MinibandConductivity(count, speed[1:] / speed[0], reach)


def _speed_unit(unit: UnitInputs) -> UnitResult:
    return {"speed": np.array(mean_speed(np.asarray(unit["masses"]), float(np.asarray(unit["free_path"]))))}


def mean_speed(masses: Array, free_path: float) -> float:
    r"""$\sum_j\int d^3k\,|v_j|/(2\pi)^3$ of a period of layers with these masses; spring and layer are 1."""
    size = masses.size
    # springs along the plane, 4 - 2cos kx - 2cos ky, of wave vectors with kx <= ky, and their weights
    node, weight = gauss_legendre(_TRANSVERSE_NODES)
    bend = 2 - 2 * np.cos(np.pi * node)
    low, high = np.tril_indices(_TRANSVERSE_NODES)
    lateral, share = bend[low] + bend[high], weight[low] * weight[high] * np.where(low == high, 1, 2)
    steps = max(_BLOCH_STATES // size, 2)
    phase = (np.arange(steps) + 0.5) * np.pi / (steps * size)  # ±q are conjugate: half of the zone is enough
    hop = -1 / np.sqrt(masses * np.roll(masses, -1))
    diagonal = np.eye(size) * (2 + lateral[:, None, None]) / masses
    total = 0.0
    for q in phase:
        matrix, slope = _bloch_coupling(hop, np.exp(1j * (q + 1j / free_path)), size)
        # complex q: not Hermitian, left vectors are rows of the inverse
        square, right = np.linalg.eig(diagonal + matrix)
        change = np.einsum("nij,jk,nki->ni", np.linalg.inv(right), slope, right, optimize=True)
        total += float(share @ np.abs(np.real(change / (2 * np.sqrt(square)))).sum(axis=1))  # |d Re ω/dq| of all bands
    return total / (steps * size)


def _bloch_coupling(hop: Array, forward: complex, size: int) -> tuple[Array, Array]:
    """Coupling of neighbouring layers with an even share of the phase in each bond, and its derivative by q."""
    matrix = np.zeros((size, size), dtype=complex)
    slope = np.zeros_like(matrix)
    here = np.arange(size)
    there = (here + 1) % size
    np.add.at(matrix, (here, there), hop * forward)  # in periods of one or two layers bonds share an entry
    np.add.at(matrix, (there, here), hop / forward)
    np.add.at(slope, (here, there), 1j * hop * forward)
    np.add.at(slope, (there, here), -1j * hop / forward)
    return matrix, slope
