"""What a lock-in trace tells about itself: its reference phase, and the film by its echo."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, filled, finite, increasing, same_length
from kapitza.core.records import BaseRecord, one_for_each
from kapitza.errors import InputError

_WIDEST_WINDOW = 200  # widths of an echo: 8,000 places are tried


@frozen(eq=False)
class LockinTrace(BaseRecord):
    """In-phase and out-of-phase voltage (n,) against the delay of the probe behind the pump, which increases.

    Raises
    ------
    InputError
        for NaN, unequal lengths, or delays that do not increase
    """

    delay: Array = field(converter=increasing, validator=filled, metadata=about("s", "delay, 0 where pulses coincide"))
    in_phase: Array = field(converter=finite, validator=same_length("delay"), metadata=about("any", "in-phase signal"))
    out_of_phase: Array = field(converter=finite, **one_for_each("delay", "any", "out-of-phase signal"))
    phase: float = field(default=0.0, metadata=about("rad", "reference phase taken off"))
    phase_sigma: float = field(default=0.0, metadata=about("rad", "uncertainty of the phase"))

    @property
    def ratio(self) -> Array:
        """(n,) -in_phase/out_of_phase."""
        return finite(-self.in_phase / self.out_of_phase)

    def rotate(self, phase: float, sigma: float = 0.0) -> "LockinTrace":
        """The same signal with a reference phase (rad) taken off."""
        rotated = (self.in_phase + 1j * self.out_of_phase) * np.exp(-1j * phase)
        return LockinTrace(self.delay, rotated.real, rotated.imag, self.phase + phase, sigma)


def correct_phase(
    trace: LockinTrace, *, before: ArrayLike = (-20e-12, -3e-12), after: ArrayLike = (3e-12, 40e-12)
) -> LockinTrace:
    r"""Take off the reference phase that makes the out-of-phase signal continuous across zero delay.

    One pulse heats the surface in a step that is in phase with the pump; the out-of-phase signal comes from the pulses
    before and cannot jump.  Straight lines through the out-of-phase signal on both sides give its jump $\Delta_y$; with
    the in-phase step $\Delta_x$ the phase is $\arctan(\Delta_y/\Delta_x)$, taken again after each rotation.  Its
    uncertainty follows from the scatter about the lines (Cahill, Rev. Sci. Instrum. 75, 5119 (2004),
    doi:10.1063/1.1819431).

    Parameters
    ----------
    trace : measured, with delays on both sides of zero
    before, after : (2,) windows of delays for the lines, s

    Returns
    -------
    Lockin, rotated, with `phase` and `phase_sigma`

    Raises
    ------
    InputError
        if a window holds fewer than four points, or no step is seen
    """
    rotated, sigma = trace, 0.0
    for _ in range(20):
        low, high = (_value_at_zero(rotated, rotated.in_phase, window)[0] for window in (before, after))
        below, above = (_value_at_zero(rotated, rotated.out_of_phase, window) for window in (before, after))
        step, jump = high - low, above[0] - below[0]
        noise = float(np.hypot(below[1], above[1]))
        size = float(np.hypot(step, jump))
        if not size > 5 * noise:
            raise InputError(f"no step at zero delay: {size:.3g} beside a scatter of {noise:.3g}; is the delay right?")
        sigma = noise / size
        angle = float(np.arctan2(jump, step))  # in all quadrants: the in-phase step ends up positive
        rotated = rotated.rotate(angle)
        if abs(angle) < 1e-12:
            break
    return rotated.rotate(0.0, sigma)


def _value_at_zero(trace: LockinTrace, signal: Array, window: ArrayLike) -> tuple[float, float]:
    """Value at zero delay of a line through a window, and its standard uncertainty."""
    low, high = finite(window).tolist()
    use = (trace.delay >= low) & (trace.delay <= high)
    if use.sum() < 4:
        raise InputError(
            f"{int(use.sum())} points between {low:g} and {high:g} s: a line with its error needs 4 "
            f"(delays run from {trace.delay[0]:g} to {trace.delay[-1]:g} s)"
        )
    t = trace.delay[use] / max(abs(low), abs(high))
    design = np.column_stack([np.ones(t.size), t])
    found, *_ = np.linalg.lstsq(design, signal[use], rcond=None)
    scatter = signal[use] - design @ found
    variance = float(scatter @ scatter) / (t.size - 2) * float(np.linalg.inv(design.T @ design)[0, 0])
    return float(found[0]), float(np.sqrt(variance))


@frozen(eq=False)
class Echo(BaseRecord):
    """Acoustic echo of the film.

    Examples
    --------
    >>> from kapitza.thermoreflectance import Echo
    >>> echo = Echo(delay=25e-12, delay_sigma=0.1e-12, strength=0.1)
    >>> thickness, sigma = echo.thickness(6420.0)
    >>> print(f"{thickness * 1e9:.1f} nm")
    80.3 nm
    """

    delay: float = field(metadata=about("s", "delay of the echo"))
    delay_sigma: float = field(metadata=about("s", "uncertainty of the delay"))
    strength: float = field(metadata=about("1", "strength over the scatter"))

    def thickness(self, velocity: float, *, cover: float = 0.0, velocity_sigma: float = 0.0) -> tuple[float, float]:
        """Thickness of the film and its standard uncertainty, m.

        Parameters
        ----------
        velocity : longitudinal, of the film, m s⁻¹
        cover : native oxide above the film that counts as film, m
        velocity_sigma : standard uncertainty of the velocity, m s⁻¹
        """
        if not (velocity > 0 and self.delay > 0):
            raise InputError(f"velocity {velocity:g} m/s and delay {self.delay:g} s of an echo: expected both above 0")
        path = velocity * self.delay / 2
        return path + cover, path * float(np.hypot(self.delay_sigma / self.delay, velocity_sigma / velocity))


def find_echo(trace: LockinTrace, *, window: ArrayLike = (12e-12, 60e-12), width: float = 5e-12) -> Echo:
    """Find the echo of the film's bottom in the in-phase signal.

    For each delay of the window the signal nearby is held against a cubic (without the echo) plus a bump; the echo is
    where the bump takes off most of the scatter, refined by a parabola through the gain.  Bumps of half to twice the
    width are tried; how far the place moves with the width is in its uncertainty.

    Parameters
    ----------
    trace : measured
    window : (2,) delays among which the echo is sought, s
    width : about the full width of the echo at half maximum, s

    Raises
    ------
    InputError
        if the window holds too few points or is over 200 widths wide, or nothing stands out by five times its scatter
    """
    found = [_locate_echo(trace, window, width * factor) for factor in (0.5, 0.7, 1.0, 1.4, 2.0)]
    best = max(found, key=lambda echo: echo.strength)
    if not best.strength > 5:
        low, high = finite(window).tolist()
        raise InputError(
            f"no echo between {low:g} and {high:g} s: the best is {best.strength:.2g} times its scatter, wanted 5"
        )
    clear = [echo.delay for echo in found if echo.strength > best.strength / 2]
    return Echo(best.delay, float(np.hypot(best.delay_sigma, np.std(clear))), best.strength)


def _locate_echo(trace: LockinTrace, window: ArrayLike, width: float) -> Echo:
    low, high = finite(window).tolist()
    if high - low > _WIDEST_WINDOW * width:
        raise InputError(
            f"the echo is sought from {low:g} to {high:g} s, which is more than {_WIDEST_WINDOW} times its width of "
            f"{width:g} s; wanted a window about where the film's thickness puts it"
        )
    use = (trace.delay >= low - width) & (trace.delay <= high + width)
    t, signal = trace.delay[use], trace.in_phase[use]
    centers = np.arange(low, high, width / 40)
    if t.size < 12 or centers.size < 3:
        raise InputError(f"{t.size} points between {low:g} and {high:g} s: an echo needs 12 over more than {width:g} s")
    gains = np.array([_fit_bump(t, signal, c, width) for c in centers])
    best = int(np.argmax(gains[1:-1, 0])) + 1
    left, middle, right = gains[best - 1 : best + 2, 0]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    strength = float(gains[best, 1])
    step = width / 40
    # the parabola of -chi2/2 in units of the scatter gives the error as that of a least-squares fit does
    sigma = step / np.sqrt(-bend) if bend < 0 else width
    return Echo(float(centers[best] + shift * step), float(sigma), strength)


def _fit_bump(t: Array, signal: Array, center: float, width: float) -> tuple[float, float]:
    """Drop of chi2 that a bump brings, and its height beside its error."""
    near = np.abs(t - center) < 2.5 * width
    if near.sum() < 8:
        return 0.0, 0.0
    u = (t[near] - center) / width
    smooth = np.vander(u, 4)
    bump = np.exp(-4 * np.log(2) * u**2)
    basis, _ = np.linalg.qr(smooth)
    plain = signal[near] - basis @ (basis.T @ signal[near])  # without the cubic, one number is left to fit
    own = bump - basis @ (basis.T @ bump)
    height = float(own @ plain) / float(own @ own)
    rest = plain - height * own
    variance = float(rest @ rest) / max(1, u.size - 5)
    if not variance > 0:
        return 0.0, 0.0  # a signal without scatter, such as a constant: nothing stands out of it
    gain = float(plain @ plain - rest @ rest) / variance
    return gain if height > 0 else 0.0, height / float(np.sqrt(variance / (own @ own)))
