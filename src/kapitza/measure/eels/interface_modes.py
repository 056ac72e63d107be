"""Modes that live at an interface: what is left when the best mixture of both bulk spectra is taken off."""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, BoolArray, about, finite, increasing, real_array, same_length, square
from kapitza.core.occupation import Occupation
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.measure.eels.intervals import chi2_probability, ratio_interval
from kapitza.measure.eels.model import TO_SIGMA
from kapitza.measure.eels.spectrum import SpectrumImage, image_detector
from kapitza.units import meV

_MAX_REWEIGHTINGS = 30  # of reweighting
_MIXTURE_TOLERANCE = 1e-9  # relative change of the mixture at which it is settled
_MAX_MIXTURE_CONDITION = 1e7  # condition of the columns from where bulk spectra are the same: one of them is used


@frozen(eq=False)
class SummedSpectrum(BaseRecord):
    """Sum of the spectra of some pixels, each shifted by whole channels to put its zero-loss peak at zero."""

    energy: Array = field(converter=increasing, metadata=about("J", "(channels,) energy loss from the zero-loss peak"))
    counts: Array = field(
        converter=finite,
        validator=same_length("energy"),
        metadata=about("1", "(channels,) electrons, dark counts subtracted"),
    )
    variance: Array = field(
        converter=finite, validator=same_length("energy"), metadata=about("1", "(channels,) variance of the electrons")
    )
    pixels: int = field(metadata=about("1", "number of spectra in the sum"))


@frozen
class InterfaceMode(BaseRecord):
    """A peak that only the interface has."""

    name: str
    energy: float = field(metadata=about("J", "energy"))  # of the vibration, J
    fwhm: float = field(metadata=about("J", "full width at half maximum of the measured peak"))

    def __attrs_post_init__(self) -> None:
        if not (self.fwhm > 0 and 0 < self.energy < np.inf):
            raise InputError(
                f"mode {self.name!r}: energy {self.energy / meV:g} meV, width {self.fwhm / meV:g} meV; wanted both > 0"
            )


@frozen(eq=False, kw_only=True)
class InterfaceComponents(BaseRecord):
    """Spectrum of an interface decomposed, the gain and the loss side separately."""

    modes: tuple[str, ...] = field(converter=tuple)  # names of the interface modes, m of them
    quantum: Array = field(converter=finite, metadata=about("J", "(m,) energies of the interface modes"))
    mixture: Array = field(converter=square, metadata=about("1", "(2, 2) gain, loss by left, right; 1 as in the bulk"))
    mixture_sigma: Array = field(converter=square, metadata=about("1", "(2, 2) standard uncertainty of the mixture"))
    gain: Array = field(converter=finite, metadata=about("1", "(m,) electrons in the gain of each mode"))
    loss: Array = field(converter=finite, metadata=about("1", "(m,) electrons in the loss of each mode"))
    gain_covariance: Array = field(converter=square, metadata=about("1", "(m, m) covariance of the gain"))
    loss_covariance: Array = field(converter=square, metadata=about("1", "(m, m) covariance of the loss"))
    energy: Array = field(converter=increasing, metadata=about("J", "(n,) channels that were used"))
    residual: Array = field(converter=finite, metadata=about("1", "(n,) interface less mixture, electrons"))
    sigma: Array = field(converter=finite, metadata=about("1", "(n,) standard uncertainty of the residual"))
    pvalue: float = field(metadata=about("1", "probability of a worse fit"))
    electrons: float = field(metadata=about("1", "electrons of the interface spectrum"))

    def occupation(self, position: float) -> Occupation:
        r"""Occupation $n = G/(L - G)$ of each interface mode, in the order of energy, at a position (m).

        No Bose-Einstein distribution is assumed.  $\sigma_n^2 = (L\sigma_G)^2 + (G\sigma_L)^2$ over $(L - G)^4$.
        """
        order = np.argsort(self.quantum)
        value, sigma = (part[order][None] for part in self.occupations())
        names = tuple(self.modes[i] for i in order)
        return Occupation([position], self.quantum[order], value, sigma, modes=names, method="interface components")

    def occupations(self) -> tuple[Array, Array]:
        """(m,) occupation of each mode and its standard uncertainty; NaN where the loss does not exceed the gain."""
        spread = np.where(self.loss > self.gain, self.loss - self.gain, np.nan)
        sigma = np.hypot(self.loss * self.gain_sigma, self.gain * self.loss_sigma) / spread**2
        return self.gain / spread, sigma

    @property
    def gain_sigma(self) -> Array:
        """(m,) standard uncertainty of the gain, electrons."""
        return np.sqrt(np.diag(self.gain_covariance))

    @property
    def loss_sigma(self) -> Array:
        """(m,) standard uncertainty of the loss, electrons."""
        return np.sqrt(np.diag(self.loss_covariance))

    def occupation_interval(self, mode: str, level: float = 0.95) -> tuple[float, float]:
        """Interval of the occupation of a mode after Fieller, also where it is faint; never below 0."""
        i = self.modes.index(mode)
        g, v = self.gain_covariance[i, i], self.loss_covariance[i, i]
        joint = [[g, -g], [-g, g + v]]
        return ratio_interval(self.gain[i], self.loss[i] - self.gain[i], joint, level=level, lowest=0.0)

    def strength(self) -> tuple[Array, Array]:
        """(m,) scattering strength L - G of each mode per electron of the beam, and its standard uncertainty."""
        sigma = np.hypot(self.gain_sigma, self.loss_sigma)
        return (self.loss - self.gain) / self.electrons, sigma / self.electrons


@frozen(eq=False)
class ModeAsymmetry(BaseRecord):
    """How much a mode changes when heat flows the other way, (forward - reverse)/(forward + reverse)."""

    modes: tuple[str, ...]
    value: Array = field(
        converter=real_array, metadata=about("1", "(m,) asymmetry of the scattering strength per electron")
    )
    sigma: Array = field(converter=real_array, metadata=about("1", "uncertainty"))
    occupation: Array = field(converter=real_array, metadata=about("1", "occupation"))  # (m,) of the occupation
    occupation_sigma: Array = field(converter=real_array, metadata=about("1", "uncertainty of the occupation"))


def sum_spectra(image: SpectrumImage, centre: ArrayLike, use: ArrayLike) -> SummedSpectrum:
    """Sum the spectra of the used pixels with their zero-loss peaks in the same channel.

    `centre` (...) is the zero-loss centre of each pixel, J.  Whole channels are shifted and nothing is interpolated,
    so that counts stay independent.
    """
    places, chosen = np.asarray(centre, dtype=float), np.asarray(use, dtype=bool)
    if places.shape != image.shape or chosen.shape != image.shape:
        raise InputError(f"centre {places.shape} and use {chosen.shape} do not fit an image of {image.shape} pixels")
    flat, keep = places.ravel(), chosen.ravel() & np.isfinite(places.ravel())
    if not keep.any():
        raise InputError(f"none of the {flat.size} pixels is used")
    zero = np.rint((np.where(keep, flat, 0.0) - image.energy[0]) / image.step).astype(int)
    before, after = int(zero[keep].min()), int(image.energy.size - 1 - zero[keep].max())
    if before < 1 or after < 1:
        raise InputError(f"zero-loss centres from {flat[keep].min() / meV:g} meV leave no channel in common")
    window = np.arange(-before, after + 1)
    counts, variance = np.zeros(window.size), np.zeros(window.size)
    detector = image_detector(image)
    for start, part in image.blocks():
        for k in np.flatnonzero(keep[start : start + len(part)]):
            at = zero[start + k] + window
            row = np.where(np.isfinite(part[k, at]), part[k, at], 0.0)
            counts += row - detector.dark[at]
            variance += np.maximum(row - detector.dark[at], 0.0) + detector.variance[at]
    return SummedSpectrum(window * image.step, counts, variance, int(keep.sum()))


def interface_components(
    interface: SummedSpectrum,
    left: SummedSpectrum,
    right: SummedSpectrum,
    modes: Sequence[InterfaceMode],
    *,
    low: float = 30 * meV,
    high: float = 130 * meV,
) -> InterfaceComponents:
    r"""Subtract the best mixture of two bulk spectra from that of an interface, gain and loss side separately.

    On each side, from `low` to `high` (J), $y = a B_L + b B_R + \sum_j s_j g_j$ with $a, b \ge 0$ and normal peaks
    $g_j$ at the energies of the interface modes; fitting them together keeps the modes from leaking into the mixture.
    Weights are the inverse of the Poisson variance of the interface and of the mixture, $V = \mathrm{var}\,y + a^2
    \mathrm{var} B_L + b^2 \mathrm{var} B_R$, updated until they converge.
    """
    parts = common_channels(interface, left, right)
    if not modes:
        raise InputError("expected interface modes to look for, got none")
    axis = parts[0].energy
    if not 0 < low < high <= min(axis[-1], -axis[0]) * (1 + 1e-9):
        raise InputError(
            f"window from {low / meV:g} to {high / meV:g} meV, wanted 0 < low < high inside of both sides "
            f"({axis[0] / meV:g} to {axis[-1] / meV:g} meV)"
        )
    sides = [_fit_side(parts, modes, (s * axis >= low) & (s * axis <= high), s) for s in (-1, 1)]
    (gain, gain_v, *_), (loss, loss_v, *_) = sides
    energy, residual, sigma, misfit = (np.concatenate([sides[0][k], sides[1][k]]) for k in (2, 3, 4, 5))
    freedom = energy.size - sum(len(modes) + int((strengths[:2] > 0).sum()) for strengths in (gain, loss))
    scale = np.array([left.pixels, right.pixels]) / interface.pixels
    return InterfaceComponents(
        modes=tuple(mode.name for mode in modes),
        quantum=[mode.energy for mode in modes],
        mixture=np.stack([gain[:2], loss[:2]]) * scale,
        mixture_sigma=np.sqrt(np.stack([np.diag(gain_v)[:2], np.diag(loss_v)[:2]])) * scale,
        gain=gain[2:],
        loss=loss[2:],
        gain_covariance=gain_v[2:, 2:],
        loss_covariance=loss_v[2:, 2:],
        energy=energy,
        residual=residual,
        sigma=sigma,
        pvalue=float(chi2_probability(freedom, np.sum((misfit / sigma) ** 2))),
        electrons=float(interface.counts.sum()),
    )


def common_channels(*spectra: SummedSpectrum) -> tuple[SummedSpectrum, ...]:
    """The same spectra cut to the channels that all have."""
    step = spectra[0].energy[1] - spectra[0].energy[0]
    first, last = ([round(spectrum.energy[end] / step) for spectrum in spectra] for end in (0, -1))
    low, high = max(first), min(last)
    if any(abs((one.energy[1] - one.energy[0]) / step - 1) > 1e-6 for one in spectra) or low >= high:
        raise InputError(
            f"spectra have no channels in common: they start at {first} and end at {last} channels from zero"
        )
    energy, cuts = np.arange(low, high + 1) * step, [slice(low - a, high - a + 1) for a in first]
    pairs = zip(spectra, cuts, strict=True)
    return tuple(SummedSpectrum(energy, one.counts[cut], one.variance[cut], one.pixels) for one, cut in pairs)


def _fit_side(
    parts: tuple[SummedSpectrum, ...], modes: Sequence[InterfaceMode], use: BoolArray, sign: int
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Mixture and mode strengths of one side, their covariance; energies of the channels, what the mixture leaves in
    them, its errors, and what the modes leave of it.
    """
    interface, left, right = parts
    # normal peaks of unit area, per channel
    step, width = interface.energy[1] - interface.energy[0], np.array([mode.fwhm for mode in modes]) * TO_SIGMA
    away = (interface.energy[use][:, None] - sign * np.array([mode.energy for mode in modes])) / width
    shapes = step * np.exp(-(away**2) / 2) / (width * np.sqrt(2 * np.pi))
    bulk = np.column_stack([left.counts[use], right.counts[use]])
    noise = np.column_stack([left.variance[use], right.variance[use]])
    design, data = np.column_stack([bulk, shapes]), interface.counts[use]
    share = np.full(2, interface.pixels) / np.array([left.pixels, right.pixels]) / 2
    found, covariance = np.zeros(design.shape[1]), np.zeros((design.shape[1],) * 2)
    variance = interface.variance[use]
    for _ in range(_MAX_REWEIGHTINGS):
        expected = bulk @ share + shapes @ found[2:]
        # the interface counts by their expectation: counts themselves as weights would pull the fit down
        variance = np.maximum(expected + interface.variance[use] - np.maximum(data, 0), 1.0) + noise @ share**2
        found, covariance = _bounded_least_squares(design, data, variance)
        if np.abs(found[:2] - share).max() <= _MIXTURE_TOLERANCE * max(share.max(), found[:2].max()):
            break
        share = found[:2]
    rest = data - bulk @ found[:2]
    return found, covariance, interface.energy[use], rest, np.sqrt(variance), rest - shapes @ found[2:]


def _bounded_least_squares(design: Array, data: Array, variance: Array) -> tuple[Array, Array]:
    """Weighted least squares in which the first two numbers are not negative; what lies at its bound has no error."""
    root = 1 / np.sqrt(variance)
    size = np.abs(design * root[:, None]).max(axis=0)
    best: tuple[float, Array, Array] | None = None
    for free in ([0, 1], [0], [1], []):
        keep = [*free, *range(2, design.shape[1])]
        white = design[:, keep] * root[:, None] / size[keep]
        if np.linalg.cond(white) > _MAX_MIXTURE_CONDITION:
            continue
        inverse = np.linalg.inv(white.T @ white)
        part = inverse @ (white.T @ (data * root))
        cost = float(np.sum((data * root - white @ part) ** 2))
        if (part[: len(free)] >= 0).all() and (best is None or cost < best[0]):
            found, covariance = np.zeros(design.shape[1]), np.zeros((design.shape[1],) * 2)
            found[keep] = part / size[keep]
            covariance[np.ix_(keep, keep)] = inverse / np.outer(size[keep], size[keep])
            best = cost, found, covariance
    if best is None:
        raise InputError(f"the peaks of the modes cannot be told apart in {data.size} channels: are two the same?")
    return best[1], best[2]


def mode_asymmetry(forward: InterfaceComponents, reverse: InterfaceComponents) -> ModeAsymmetry:
    r"""Compare the same interface modes under forward and reverse heat flow, $A = (f - r)/(f + r)$.

    $\sigma_A = 2\sqrt{(r\sigma_f)^2 + (f\sigma_r)^2}/(f + r)^2$.
    """
    if forward.modes != reverse.modes:
        raise InputError(f"modes {forward.modes} and {reverse.modes} differ: fit the same ones to both scans")
    strengths = (*forward.strength(), *reverse.strength())
    occupations = (*forward.occupations(), *reverse.occupations())
    return ModeAsymmetry(forward.modes, *_normalised_difference(*strengths), *_normalised_difference(*occupations))


def _normalised_difference(f: Array, f_sigma: Array, r: Array, r_sigma: Array) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (f - r) / (f + r), 2 * np.hypot(r * f_sigma, f * r_sigma) / (f + r) ** 2
