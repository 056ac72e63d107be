"""A planned scan: what is expected of it, and the least errors of its spectra by the bound of Cramér and Rao."""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from attrs import Factory, evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, about, finite, positive, quantity, real_array
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.precision import fisher_information
from kapitza.units import e, meV, nm

InterfaceSide = Literal["left", "right"]

_MAX_INFORMATION_CONDITION = 1e13  # of an information matrix of unit diagonal, from which on its inverse is noise
_DEFAULT_ENERGY_AXIS = np.arange(-512.0, 512.0) * 0.5 * meV  # as instruments for phonons record


def _left_modes(experiment: "EelsExperiment") -> tuple[VibrationalMode, ...]:
    """Modes of the left material."""
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
    skip: float = field(
        default=0.0, validator=quantity(low=-1e-300), metadata=about("m", "branches leave nearer pixels out")
    )
    background: int = field(default=0, metadata=about("1", "terms of the background"))
    drift: float = field(
        default=0.0, validator=quantity(low=-1e-300), metadata=about("J", "zero-loss drift from pixel to pixel")
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
        position = self.position
        return Profile(position, PointSpread().branches(position) @ self.branches)

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
    modes = experiment.left if side == "left" else experiment.right
    return SpectrumModel(modes, tie=tie, background=experiment.background)


def true_parameters(experiment: EelsExperiment, side: InterfaceSide, model: SpectrumModel) -> Array:
    """(p,) parameters of the spectrum at the plane, SI."""
    modes = experiment.left if side == "left" else experiment.right
    kelvin = experiment.left_temperature if side == "left" else experiment.right_temperature
    of_modes = [v for m in modes for v in (m.energy, m.width, experiment.dose * (m.intensity or 0.0))]
    peak = [experiment.dose, 0.0, experiment.fwhm, experiment.lorentzian]
    return real_array([*peak, *of_modes, *[kelvin] * model.ties, *[0.0] * experiment.background])


def cramer_rao(
    experiment: EelsExperiment, side: InterfaceSide = "left", *, tie: Literal["common", "each"] = "common"
) -> NDArray[np.float64]:
    r"""(p, p) least covariance of the parameters of one spectrum, SI, for any unbiased estimator (Cramér and Rao).

    Inverse of $F_{ab} = \sum_i \partial_a\mu_i\,\partial_b\mu_i / (\mu_i + \sigma_d^2)$ with the modes and the
    temperature of a side; infinite variance where the spectrum does not show a parameter.
    """
    model = planned_model(experiment, side, tie)
    values = dict(zip(model.names, true_parameters(experiment, side, model).tolist(), strict=True))
    noise, response = experiment.dark_variance, experiment.response
    return _inverse_information(
        fisher_information(model, experiment.energy, values, dark_variance=noise, response=response)
    )


def _inverse_information(fisher: Array) -> NDArray[np.float64]:
    """Inverse of an information matrix; parameters without information get infinite variance and tie no other."""
    size = np.sqrt(np.diag(fisher))
    seen = size > 0
    found = np.zeros(fisher.shape)
    np.fill_diagonal(found, np.where(seen, 0.0, np.inf))
    scaled = fisher[np.ix_(seen, seen)] / np.outer(size[seen], size[seen])
    if not np.linalg.cond(scaled) < _MAX_INFORMATION_CONDITION:
        raise InputError(
            f"the spectrum of the plan does not tell its {int(seen.sum())} parameters apart: a resolution that is too "
            "coarse, or modes that coincide?"
        )
    found[np.ix_(seen, seen)] = np.linalg.inv(scaled) / np.outer(size[seen], size[seen])
    return found


def resolution_tradeoff(experiment: EelsExperiment, widths: ArrayLike) -> tuple[Array, Array]:
    """(n,) errors of T in one pixel by resolution, K: at the same dose, and with a current proportional to the width.

    A monochromator slit lets through a current in proportion to the width it selects: the sharpest setting is not the
    best thermometer.  `widths` are full widths at half maximum, J; the dose of the plan holds at its own.
    """
    fixed: list[float] = []
    slit: list[float] = []
    for width in positive(widths).tolist():
        changed = experiment.replace({"fwhm": width})
        fixed.append(side_sigma(changed, "left"))
        share = width / experiment.fwhm
        slit.append(side_sigma(changed.replace({"electrons": experiment.electrons * share}), "left"))
    return real_array(fixed), real_array(slit)


def side_sigma(experiment: EelsExperiment, side: InterfaceSide) -> float:
    """Least standard uncertainty of the temperature in one pixel of a side, K."""
    place = planned_model(experiment, side).first_tie
    return float(np.sqrt(cramer_rao(experiment, side)[place, place]))
