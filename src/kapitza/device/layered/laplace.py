r"""Response in time from the response in Laplace space, by integrals along a hyperbola.

All singularities of a stack's response H(s) lie on the negative real axis (heat conduction is self-adjoint and
dissipative).  So an inverse Laplace transform may run along the hyperbola

$$s(\theta) = \mu\,(1 + \sin(i\theta - \alpha)),\qquad -\infty < \theta < \infty,$$

where $e^{st}$ dies in both wings, and equal steps of θ converge geometrically, whatever the layers are: J. A. C.
Weideman, L. N. Trefethen, Math. Comp. 76, 1341 (2007), doi:10.1090/S0025-5718-07-01945-X.

**Pulse trains.**  For pulses with period τ, modulated with $\omega_0$, the sum over all harmonics
$\omega_m = \omega_0 + 2\pi m/\tau$ is the sum of what all earlier pulses left behind, and that geometric series is
exact:

$$F(t) = \sum_m H(i\omega_m)\,e^{i\omega_m t}
  = \frac{\tau}{2\pi i}\int \frac{H(s)\,e^{st}}{1 - e^{(s - i\omega_0)\tau}}\,ds
  + \sum_{inside} H(i\omega_m)\,e^{i\omega_m t},\qquad 0 < t < \tau ,$$

"inside" being between the hyperbola and the negative real axis.  The trapezoidal rule itself knows about poles near its
path: with step h, pole $m$ at $\theta_m$ weighs $c_m = 1/(1 + e^{2\pi i\theta_m/h})$, which goes from 1 inside to 0
outside.  No harmonic is cut off and no window is needed; some 30 points and 8 harmonics stand for 10⁵ harmonics.
(The formula is this project's own; `tests` compare it with the sum itself.)
"""

from functools import lru_cache

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array, ComplexArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError

# between the negative real axis, where H is singular, and the imaginary one, beyond which e^st grows
_CONTOUR_ANGLE = np.pi / 4
_CONTOUR_STEP = 2 * np.pi * _CONTOUR_ANGLE / (11 * np.log(10))  # the trapezoidal rule is then good to eleven digits
_HIGHEST_HARMONIC, _HARMONIC_NODES = 4e11, 56  # Hz
_SLOWEST_HARMONIC = 1.0  # rad s⁻¹, in place of 0
_MAX_HARMONICS, _DELAYS_AT_ONCE = 50_000, 128
_CONTOUR_DECAY = 20.0  # the wings end where e^st is e^-20


@frozen(eq=False)
class PulseTrain(BaseRecord):
    """How responses at a few points add up to the response to a modulated train of pulses."""

    s: ComplexArray  # (ns,) where the response H is needed, s⁻¹
    # direct, mirrored: (nt, ns) weights: $Z(t) = direct · H + mirrored · H^*$
    direct: ComplexArray
    mirrored: ComplexArray

    def signal(self, response: ComplexArray) -> ComplexArray:
        """(nt,) Z from the response (ns,), or from one for each delay (ns, nt)."""
        if response.ndim == 1:
            return self.direct @ response + self.mirrored @ response.conj()
        return np.sum(self.direct * response.T + self.mirrored * response.T.conj(), axis=1)


def _hyperbolic_contour(scale: float, shortest: float) -> tuple[ComplexArray, ComplexArray]:
    """Upper half of the path: s (n,), s⁻¹, and ds/dθ (n,), for times from `shortest` (s) up; μ is `scale` (s⁻¹)."""
    reach = np.arccosh(1 + _CONTOUR_DECAY / (scale * shortest * np.sin(_CONTOUR_ANGLE)))  # short times decay last
    theta = (np.arange(int(np.ceil(reach / _CONTOUR_STEP))) + 0.5) * _CONTOUR_STEP
    s = scale * (1 + np.sin(1j * theta - _CONTOUR_ANGLE))
    return s, scale * 1j * np.cos(1j * theta - _CONTOUR_ANGLE)


def pulse_train(delay: Array, *, modulation: float, repetition: float) -> PulseTrain:
    r"""Points and weights of $Z(t) = 2\sum_m H(\omega_0 + 2\pi m f_s)\,e^{2\pi i m f_s t}$.

    The delays t (nt,) after the pump are in s; `modulation` f₀ of the pump and `repetition` f_s of the pulses are in
    Hz.  Delays of a whole number of periods are refused: the response to a pulse is singular in its moment.
    """
    period, omega = 1 / repetition, 2 * np.pi * modulation
    t = np.mod(delay, period)
    if not t.all():
        at = float(delay[np.argmin(t)])
        raise InputError(f"delay {at:g} s is in the moment of a pulse, where the response is singular: leave it out")
    scale = 0.4 * 2 * np.pi * repetition
    s, slope = _hyperbolic_contour(scale, float(t.min()))  # H(s*) = H*: it is needed on the upper half alone
    both, slopes = np.concatenate([s, s.conj()]), np.concatenate([slope, -slope.conj()])
    path = period * _CONTOUR_STEP / (2j * np.pi) * slopes / (1 - np.exp((both - 1j * omega) * period))
    along = path * np.exp(np.outer(t, both))
    line, share = _modulation_harmonics(omega, repetition, scale)
    at_lines = share * np.exp(1j * np.outer(t, line))
    back = 2 * np.exp(-1j * omega * t)[:, None]  # Z is the envelope: the carrier e^(iω₀t) is divided out
    direct = np.concatenate([along[:, : s.size], np.where(line > 0, at_lines, 0)], axis=1)
    mirrored = np.concatenate([along[:, s.size :], np.where(line > 0, 0, at_lines)], axis=1)
    return PulseTrain(np.concatenate([s, 1j * np.abs(line)]), back * direct, back * mirrored)


def harmonic_train(delay: Array, *, modulation: float, repetition: float) -> PulseTrain:
    """The same sum for a response that is known on the imaginary axis alone and dies above 0.4 THz.

    Such is the difference of two substrates below a metal film.  It is interpolated over the logarithm of the
    frequency, from 56 values, and summed up to there.  Pulses less often than 8 MHz are refused: too many harmonics.
    """
    if repetition * _MAX_HARMONICS < _HIGHEST_HARMONIC:
        raise InputError(
            f"repetition = {repetition:g} Hz: phonons below pulses are solved from "
            f"{_HIGHEST_HARMONIC / _MAX_HARMONICS:g} Hz on; leave out phonons and mean_free_path for Fourier's law"
        )
    return _harmonic_train(np.asarray(delay, dtype=float).tobytes(), modulation, repetition)


@lru_cache(maxsize=8)
def _harmonic_train(delay: bytes, modulation: float, repetition: float) -> PulseTrain:
    from scipy.interpolate import CubicSpline

    highest = np.ceil(_HIGHEST_HARMONIC / repetition)
    m = np.arange(-highest, highest + 1)
    line = 2 * np.pi * (modulation + m * repetition)
    size = np.log(np.maximum(np.abs(line), _SLOWEST_HARMONIC))
    place = np.linspace(size.min(), size.max(), _HARMONIC_NODES)
    share = CubicSpline(place, np.eye(_HARMONIC_NODES))(size)
    positive = line > 0
    direct: list[ComplexArray] = []
    mirrored: list[ComplexArray] = []
    t = np.frombuffer(delay)
    for i in range(0, t.size, _DELAYS_AT_ONCE):
        turn = 2 * np.exp(2j * np.pi * repetition * np.outer(t[i : i + _DELAYS_AT_ONCE], m))
        direct.append(turn[:, positive] @ share[positive])
        mirrored.append(turn[:, ~positive] @ share[~positive])
    return PulseTrain(1j * np.exp(place), np.concatenate(direct), np.concatenate(mirrored))


def _modulation_harmonics(omega: float, repetition: float, scale: float) -> tuple[Array, ComplexArray]:
    """Harmonics ω_m near or inside of the hyperbola, rad s⁻¹, and their weights c_m."""
    spacing = 2 * np.pi * repetition
    first = np.ceil((-20 * scale - omega) / spacing)  # the contour meets the imaginary axis at 0.7 μ: 20 μ is far out
    line = omega + spacing * np.arange(first, (20 * scale - omega) / spacing)
    theta = -1j * (_CONTOUR_ANGLE + np.arcsin(1j * line / scale - 1))
    turns = 2j * np.pi * theta / _CONTOUR_STEP
    share = 1 / (1 + np.exp(np.minimum(turns.real, 100.0)) * np.exp(1j * turns.imag))  # bounded: no overflow outside
    near = np.abs(share) > 1e-10  # harmonics outside are part of the contour integral already
    return line[near], share[near]


def inverse_laplace(time: Array) -> tuple[ComplexArray, ComplexArray]:
    r"""Points s (ns,) and weights (nt, ns), s⁻¹: $h(t) = \frac{1}{2\pi i}\int H(s)\,e^{st}ds$ = Re(weights · H).

    For H real on the real axis and times (nt,) above zero, s, over many decades; good to nine digits of the largest
    part of $|H e^{st}|$ on the path.
    """
    s, slope = _hyperbolic_contour(3 / float(time.max()), float(time.min()))  # e^st stays of order 1 up to the last t
    return s, _CONTOUR_STEP / (1j * np.pi) * slope * np.exp(np.outer(time, s))
