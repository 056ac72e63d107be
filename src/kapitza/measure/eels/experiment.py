"""A planned scan: its simulated spectra, and their least errors by the bound of Cramér and Rao."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from attrs import Factory, evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite, positive, quantity, real_array
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.fitting.problem import check_parameter_names
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import e, k_B, meV, nm

InterfaceSide = Literal["left", "right"]

_MAX_INFORMATION_CONDITION = 1e13  # of an information matrix of unit diagonal, from which on its inverse is noise
_DEFAULT_ENERGY_AXIS = np.arange(-512.0, 512.0) * 0.5 * meV  # as instruments for phonons record
_NOT_NEGATIVE = quantity(low=-1e-300)
# relative difference of energies up to which a mode of a simulation is the mode of a spectrum
_SAME_ENERGY_TOLERANCE = 0.02


def fisher_information(
    model: SpectrumModel,
    energy: Array,
    values: Mapping[str, float],
    *,
    fixed: Sequence[str] = (),
    dark_variance: ArrayLike = 0.0,
    response: ArrayLike = 1.0,
) -> Array:
    r"""(p, p) Fisher information of one spectrum, $\sum_i \partial_a\mu_i \partial_b\mu_i/(\mu_i + v_i)$.

    Its inverse is the bound of Cramér and Rao: no unbiased estimator has a smaller covariance.  `values` gives every
    parameter by name in SI; rows of `fixed` ones are zero; `dark_variance` is that of one channel, electrons².
    """
    check_parameter_names(model, values, dict.fromkeys(fixed, 0.0))
    missing = [name for name in model.names if name not in values]
    if missing:
        raise InputError(f"no value for {missing[0]!r}: the information depends on all of {', '.join(model.names)}")
    units = model.units(float(energy[-1] - energy[0]) / (energy.size - 1))
    x = np.array([values[name] for name in model.names]) / units
    mu, jacobian = expected_spectrum(model, channel_grid(model, energy), x[None])
    noise, efficiency = np.asarray(dark_variance, dtype=float), np.asarray(response, dtype=float)
    rows = efficiency * jacobian[0] / units[:, None]
    rows[[model.names.index(name) for name in fixed]] = 0.0
    return (rows / np.maximum(efficiency * mu[0] + noise, 1e-12)) @ rows.T


def temperature_sigma(energy: ArrayLike, temperature: ArrayLike, electrons: ArrayLike) -> Array:
    r"""Least standard uncertainty of a temperature from one isolated mode without background, K.

    $\sigma_T/T = \sqrt{2\sinh x}\,/\,(x\sqrt S)$ with $x = E/k_BT$, for gain $Sn$ and loss $S(n + 1)$: `electrons` is
    the number scattered spontaneously, $S = L - G$.
    """
    quantum, kelvin, s = (np.asarray(one, dtype=float) for one in (energy, temperature, electrons))
    for name, one in (("energy", quantum), ("temperature", kelvin), ("electrons", s)):
        if not (one > 0).all():
            raise InputError(f"{name} = {one.min():g}, wanted above 0")
    x = quantum / (k_B * kelvin)
    return real_array(kelvin * np.sqrt(2 * np.sinh(x)) / (x * np.sqrt(s)))


def optimum_energy(temperature: float) -> float:
    r"""Energy of the mode that makes the best thermometer at equal scattering, J: $\tanh x = x/2$, $x = 1.9150$."""
    from scipy.optimize import brentq

    if not temperature > 0:
        raise InputError(f"temperature = {temperature:g} K, wanted above 0")

    def condition(x: float) -> float:
        return np.tanh(x) - x / 2

    root: Any = brentq(condition, 1.0, 3.0, xtol=1e-14)
    return float(root) * k_B * temperature


def jump_sigma(sigma: float, count: int) -> float:
    r"""Standard uncertainty of a jump from two lines, K: $s\sqrt{2(1/N + 3N/(N^2 - 1))}$, near $s\sqrt{8/N}$.

    Each side has `count` evenly spaced points of uncertainty `sigma` (K), the first half a step from the plane.
    """
    if count < 2 or not sigma > 0:
        raise InputError(f"{count} points of {sigma:g} K on each side, wanted 2 or more with errors above 0")
    return sigma * np.sqrt(2 * (1 / count + 3 * count / (count**2 - 1)))


def _left_modes(experiment: "EelsExperiment") -> tuple[VibrationalMode, ...]:
    return experiment.left


@frozen(eq=False, kw_only=True)
class EelsExperiment(BaseRecord):
    """A planned scan across an interface.

    Attributes
    ----------
    left, right : modes of the two materials, with their intensities as shares of the zero-loss peak; the same names;
        `right` is as `left` where it is not given
    electrons : 10 pA = 6.24e7
    drift : standard deviation of the zero-loss centre
    dark, dark_variance, response : one value or (channels,)
    """

    left: tuple[VibrationalMode, ...] = field(converter=tuple)
    right: tuple[VibrationalMode, ...] = field(converter=tuple, default=Factory(_left_modes, takes_self=True))
    temperature: float = field(default=300.0, validator=quantity(), metadata=about("K", "temperature at the plane"))
    jump: float = field(default=0.0, metadata=about("K", "temperature jump, left minus right"))
    gradient_left: float = field(default=0.0, metadata=about("K m^-1", "gradient on the left"))
    gradient_right: float = field(default=0.0, metadata=about("K m^-1", "gradient on the right"))
    columns: int = field(default=32, validator=quantity(low=1), metadata=about("1", "pixels on each side"))
    rows: int = field(default=32, validator=quantity(), metadata=about("1", "lines of the scan"))
    pitch: float = field(default=1 * nm, validator=quantity(), metadata=about("m", "distance of pixels"))
    electrons: float = field(default=10e-12 / e, validator=quantity(), metadata=about("s^-1", "electrons per second"))
    dwell: float = field(default=1.0, validator=quantity(), metadata=about("s", "dwell time"))
    fwhm: float = field(default=8 * meV, validator=quantity(), metadata=about("J", "energy resolution"))
    lorentzian: float = field(
        default=0.02, validator=quantity(low=-1e-300, high=1.0), metadata=about("1", "Lorentzian share of the peak")
    )
    energy: Array = field(default=_DEFAULT_ENERGY_AXIS, converter=real_array, metadata=about("J", "energy loss"))
    spread: PointSpread = field(factory=PointSpread)
    skip: float = field(default=0.0, validator=_NOT_NEGATIVE, metadata=about("m", "branches leave nearer pixels out"))
    background: int = field(default=0, metadata=about("1", "terms of the background"))
    drift: float = field(
        default=0.0, validator=_NOT_NEGATIVE, metadata=about("J", "zero-loss drift from pixel to pixel")
    )
    electrons_per_count: float = field(default=1.0, validator=quantity(), metadata=about("1", "electrons per count"))
    dark: Array = field(default=np.zeros(1), converter=finite, metadata=about("counts", "mean dark count"))
    dark_variance: Array = field(
        default=np.zeros(1), converter=finite, metadata=about("electrons^2", "dark variance of a channel of a pixel")
    )
    response: Array = field(
        default=np.ones(1), converter=finite, metadata=about("1", "relative efficiency of the channels")
    )

    def __attrs_post_init__(self) -> None:
        if [mode.name for mode in self.left] != [mode.name for mode in self.right] or not self.left:
            names = [", ".join(mode.name for mode in side) for side in (self.left, self.right)]
            raise InputError(f"modes left ({names[0]}) and right ({names[1]}) differ: name the same ones on both sides")
        for one, other in zip(self.left, self.right, strict=True):
            if (one.energy, one.width) != (other.energy, other.width):
                raise InputError(
                    f"mode {one.name} has {one.energy / meV:g} meV left and {other.energy / meV:g} meV right: name a "
                    "mode of another energy or width apart, with intensity 0 on the side that lacks it"
                )
        missing = [mode.name for mode in (*self.left, *self.right) if mode.intensity is None]
        if missing:
            raise InputError(f"mode {missing[0]} has no intensity: a plan needs one, as a share of the zero-loss peak")
        if min(self.left_temperature, self.right_temperature) <= 0:
            raise InputError(f"a jump of {self.jump:g} K about {self.temperature:g} K goes below 0 K")

    @property
    def left_temperature(self) -> float:
        """Temperature at the plane on the left, K."""
        return self.temperature + self.jump / 2

    @property
    def right_temperature(self) -> float:
        """Temperature at the plane on the right, K."""
        return self.temperature - self.jump / 2

    @property
    def strengths(self) -> Array:
        """(2, m) intensities of the modes of the left and of the right, as shares of the zero-loss peak."""
        return np.array([[mode.intensity or 0.0 for mode in side] for side in (self.left, self.right)])

    @property
    def position(self) -> Array:
        """(2 columns,) positions, the plane at 0 between two pixels, m."""
        return real_array((np.arange(-self.columns, self.columns) + 0.5) * self.pitch)

    @property
    def dose(self) -> float:
        """Electrons of one pixel."""
        return self.electrons * self.dwell

    @property
    def time(self) -> float:
        """Time of all pixels, s."""
        return 2 * self.columns * self.rows * self.dwell

    @property
    def profile(self) -> Profile:
        """Temperatures of the columns."""
        return Profile(self.position, PointSpread().branches(self.position) @ self.branches)

    @property
    def branches(self) -> Array:
        """(4,) temperatures at the plane left and right, K, and gradients, K m⁻¹."""
        return np.array([self.left_temperature, self.right_temperature, self.gradient_left, self.gradient_right])

    def replace(self, changes: Mapping[str, float]) -> Self:
        """The same with other numbers."""
        return evolve(self, **changes)


def planned_model(
    experiment: EelsExperiment, side: InterfaceSide, tie: Literal["common", "each", "occupation"] = "common"
) -> SpectrumModel:
    """Model of the spectra of one side."""
    return SpectrumModel(getattr(experiment, side), tie=tie, background=experiment.background)


def true_parameters(experiment: EelsExperiment, side: InterfaceSide, model: SpectrumModel) -> Array:
    """(p,) parameters of the spectrum at the plane, SI."""
    modes = experiment.left if side == "left" else experiment.right
    kelvin = experiment.left_temperature if side == "left" else experiment.right_temperature
    of_modes = [v for m in modes for v in (m.energy, m.width, experiment.dose * (m.intensity or 0.0))]
    peak = [experiment.dose, 0.0, experiment.fwhm, experiment.lorentzian]
    return real_array([*peak, *of_modes, *[kelvin] * model.ties, *[0.0] * experiment.background])


def cramer_rao(
    experiment: EelsExperiment, side: InterfaceSide = "left", *, tie: Literal["common", "each"] = "common"
) -> Array:
    r"""(p, p) least covariance of the parameters of one spectrum, SI, for any unbiased estimator (Cramér and Rao).

    Inverse of $F_{ab} = \sum_i \partial_a\mu_i\,\partial_b\mu_i / (\mu_i + \sigma_d^2)$ with the modes and the
    temperature of a side; infinite variance where the spectrum does not show a parameter.
    """
    model = planned_model(experiment, side, tie)
    values = dict(zip(model.names, true_parameters(experiment, side, model).tolist(), strict=True))
    noise, response = experiment.dark_variance, experiment.response
    fisher = fisher_information(model, experiment.energy, values, dark_variance=noise, response=response)
    size = np.sqrt(np.diag(fisher))
    seen = size > 0
    bound = np.zeros(fisher.shape)
    np.fill_diagonal(bound, np.where(seen, 0.0, np.inf))  # parameters without information tie no other
    scaled = fisher[np.ix_(seen, seen)] / np.outer(size[seen], size[seen])
    if not np.linalg.cond(scaled) < _MAX_INFORMATION_CONDITION:
        raise InputError(
            f"the spectrum of the plan does not tell its {int(seen.sum())} parameters apart: a resolution that is too "
            "coarse, or modes that coincide?"
        )
    bound[np.ix_(seen, seen)] = np.linalg.inv(scaled) / np.outer(size[seen], size[seen])
    return bound


def resolution_tradeoff(experiment: EelsExperiment, widths: ArrayLike) -> tuple[Array, Array]:
    """(n,) errors of T in one pixel by resolution, K: at the same dose, and with a current proportional to the width.

    A monochromator slit lets through a current in proportion to the width it selects: the sharpest setting is not the
    best thermometer.  `widths` are full widths at half maximum, J; the dose of the plan holds at its own.
    """
    fixed: list[float] = []
    slit: list[float] = []
    for width in positive(widths).tolist():
        electrons = experiment.electrons * width / experiment.fwhm
        fixed.append(side_sigma(evolve(experiment, fwhm=width), "left"))
        slit.append(side_sigma(evolve(experiment, fwhm=width, electrons=electrons), "left"))
    return real_array(fixed), real_array(slit)


def side_sigma(experiment: EelsExperiment, side: InterfaceSide) -> float:
    """Least standard uncertainty of the temperature in one pixel of a side, K."""
    place = planned_model(experiment, side).first_tie
    return float(np.sqrt(cramer_rao(experiment, side)[place, place]))


def simulate_spectra(
    experiment: EelsExperiment,
    source: Profile | Occupation | None = None,
    *,
    intensity: ArrayLike | None = None,
    background: float = 0.0,
    recorded: slice | None = None,
    seed: int | None = 0,
) -> SpectrumImage:
    r"""Spectra that a scan would record, with counting noise, drift, dark count, resolution and point spread.

    Loss $S_j(n_j + 1)$ and gain $S_j n_j$ of each mode at each place, spread over the neighbours, behind a pseudo-Voigt
    resolution; near the interface a pixel shows both materials.  Occupations of a classical simulation become quantum
    ones once, at the temperature of each mode (`Occupation.quantum`); quantum ones are taken as they are.

    Parameters
    ----------
    experiment : the scan, its detector and both materials
    source : temperature, or occupation of each of the modes, against position with the interface at 0, as a simulation
        gives it; its positions are then the columns of the scan.  The branches of the experiment if None, which go on
        beyond the scan as far as the spread reaches
    intensity : (nx, nm) intensities of the modes where they change in another way than from `left` to `right` at 0
    background : electrons in each channel beside the peaks
    recorded : which positions of the source are recorded, all if None; the others matter through the point spread alone
    seed : of the noise; None for the expected counts without any

    Returns
    -------
    SpectrumImage along (x,) for one row, (y, x) for more; its metadata hold the zero-loss centres

    Raises
    ------
    InputError
        for shapes that do not fit, or an Occupation of other energies
    """
    if source is None:
        source, recorded = _planned_profile(experiment)
    recorded = recorded or slice(None)
    n = _quantum_occupations(source, experiment.left)
    planned = np.where((source.position < 0)[:, None], *experiment.strengths)
    strength = planned if intensity is None else np.asarray(intensity, dtype=float)
    if strength.ndim != 2 or strength.shape[1] != n.shape[1] or strength.shape[0] not in (1, n.shape[0]):
        raise InputError(f"intensity has shape {strength.shape} for {n.shape[0]} positions and {n.shape[1]} modes")
    if (strength < 0).any():
        raise InputError(f"expected intensities from 0 upwards, got {strength.min():g}")
    spread, where = spread_matrix(source.position, experiment.spread)[recorded], source.position[recorded]
    loss, gain = spread @ (strength * (n + 1)), spread @ (strength * n)
    rng = np.random.default_rng(seed)
    rows, axis, per_count = experiment.rows, experiment.energy, experiment.electrons_per_count
    shift = np.zeros((rows, where.size))
    if seed is not None and experiment.drift > 0:
        shift = experiment.drift * rng.standard_normal(shift.shape)
    model = SpectrumModel(experiment.left, tie="occupation", background=1)
    grid, x = channel_grid(model, axis), _channel_parameters(experiment, model, loss, gain, background)
    step = float(axis[-1] - axis[0]) / (axis.size - 1)
    counts = np.empty((rows, where.size, axis.size))
    for row in range(rows):
        x[:, 1] = shift[row] / step
        electrons = np.concatenate([expected_spectrum(model, grid, one[None])[0] for one in x]) * experiment.response
        if seed is not None:
            electrons = rng.poisson(electrons).astype(float)
        counts[row] = electrons / per_count + experiment.dark
    dark_variance = experiment.dark_variance / per_count**2
    if seed is not None and np.any(dark_variance > 0):
        counts += np.sqrt(dark_variance) * rng.standard_normal(counts.shape)
    line, noise_seed = rows == 1, -1 if seed is None else seed
    return SpectrumImage(
        counts[0] if line else counts,
        axis,
        (where,) if line else (np.arange(rows) * experiment.pitch, where),
        electrons_per_count=per_count,
        dark=experiment.dark,
        dark_variance=dark_variance,
        response=experiment.response,
        metadata={"zero_loss_centre": shift[0] if line else shift, "dose": experiment.dose, "seed": noise_seed},
        source=f"simulated, {getattr(source, 'method', '') or 'profile'}",
    )


def _planned_profile(experiment: EelsExperiment) -> tuple[Profile, slice]:
    """Branches of a plan, as far beyond the scan as the spread reaches, and which of their positions are scanned."""
    spread = experiment.spread
    reach = 8 * spread.width + (8 * spread.length if spread.share > 0 else 0.0)
    beyond = int(np.ceil(reach / experiment.pitch))
    wider = evolve(experiment, columns=experiment.columns + beyond)
    kelvin = PointSpread().branches(wider.position) @ wider.branches
    source = Profile(wider.position, np.maximum(kelvin, 1.0), method="plan")
    return source, slice(beyond, source.position.size - beyond)


def _channel_parameters(
    experiment: EelsExperiment, model: SpectrumModel, loss: NDArray[Any], gain: NDArray[Any], background: float
) -> NDArray[Any]:
    """(nx, p) parameters of the spectra, energies in channels; the centre is left at 0."""
    x = np.zeros((len(loss), len(model.names)))
    strength = np.maximum(loss - gain, 1e-300)
    x[:, model.first_mode + 2 : model.first_tie : 3] = experiment.dose * strength
    x[:, model.first_tie : model.first_tie + len(model.modes)] = gain / strength
    for j, mode in enumerate(model.modes):
        x[:, model.first_mode + 3 * j : model.first_mode + 3 * j + 2] = mode.energy, mode.width
    x[:, [0, 2, 3, -1]] = experiment.dose, experiment.fwhm, experiment.lorentzian, background
    units = model.units(float(experiment.energy[-1] - experiment.energy[0]) / (experiment.energy.size - 1))
    lengths = [i for i, name in enumerate(model.names) if name.rsplit(".", 1)[-1] in ("fwhm", "energy", "width")]
    x[:, lengths] /= units[lengths]
    return x


def _quantum_occupations(source: Profile | Occupation, modes: tuple[VibrationalMode, ...]) -> NDArray[Any]:
    """(nx, nm) quantum occupation of the modes."""
    energy = np.array([mode.energy for mode in modes])
    if isinstance(source, Profile):
        kelvin = positive(source.temperature)
        return 1 / np.expm1(np.minimum(energy / (k_B * kelvin[:, None]), 700.0))
    if source.energy.size != len(modes) or (np.abs(source.energy / energy - 1) > _SAME_ENERGY_TOLERANCE).any():
        held, wanted = (", ".join(f"{value / meV:.4g}" for value in some) for some in (source.energy, energy))
        raise InputError(
            f"the occupation is of modes at {held} meV, the spectrum of {wanted} meV: give the same modes, "
            "in the same order"
        )
    value = source.quantum().value
    if np.isnan(value).any() or (value < 0).any():
        raise InputError(f"expected occupations from 0 upwards everywhere, got {np.nanmin(value):g} or none in places")
    return value


def spread_matrix(position: Array, spread: PointSpread) -> NDArray[Any]:
    """(nx, nx) share that each place has in what is recorded at another; the outermost reach on without end."""
    edges = 0.5 * (position[1:] + position[:-1])
    passed = np.array([spread.step(x - edges) for x in position]).reshape(position.size, edges.size)
    ends = np.ones((position.size, 1))
    return -np.diff(np.hstack([ends, passed, 0 * ends]), axis=1)
