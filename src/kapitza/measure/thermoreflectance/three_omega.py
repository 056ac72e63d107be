"""The 3ω method: a strip heated at ω tells its temperature by the voltage at 3ω."""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, one_of, parameter, quantity
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.records import number_of
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.measure.experiment import increasing_positive
from kapitza.measure.thermoreflectance.pump_probe import SIGNAL_KINDS, LockinExperiment, SignalKind
from kapitza.measure.thermoreflectance.substrate import heated_impedance, substrate_phonons

_RESOLVED_PERIODS = 40
_STRIP_GAUSS_ORDER = 8
_POWER = parameter("W", "amplitude of the heat at 2ω, the mean power for a sine current")


def strip_quadrature(half_width: float) -> tuple[Array, Array]:
    r"""Nodes k and weights, (nk,), rad m⁻¹ and m⁻¹, of $\int_0^\infty (\sin kb/kb)^2 \dots dk/\pi$, b in m."""
    period = np.pi / half_width
    start = np.concatenate([[0.0], period * 3.0 ** np.arange(-13, 1)])
    middle = period * np.arange(1, _RESOLVED_PERIODS + 1)
    tail = middle[-1] * 3.0 ** np.arange(10)
    k, step = panel_quadrature(np.concatenate([start, middle[1:]]).astype(float), _STRIP_GAUSS_ORDER)
    far, far_step = panel_quadrature(tail, _STRIP_GAUSS_ORDER)
    shape = np.sinc(k * half_width / np.pi) ** 2
    return np.concatenate([k, far]), np.concatenate([step * shape, far_step / (2 * (far * half_width) ** 2)]) / np.pi


@frozen(eq=False)
class ThreeOmega(LockinExperiment):
    """The 3ω method.

    Attributes
    ----------
    frequency : (n,) of the current, increasing, Hz; heat comes at twice this
    kind : "in_phase" part of the temperature, "out_of_phase", "amplitude", "phase" or "ratio"
    setup, phonons, mean_free_path, transmission, transmission_edges : as in `SubstrateExperiment`
    scale : signal per kelvin
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS = ("half_width", "length", "power", "mean_free_path", "transmission", "scale")

    frequency: Array = field(converter=increasing_positive, validator=filled, metadata=about("Hz", "current frequency"))
    half_width: float = field(kw_only=True, **number_of(parameter("m", "half width b of the strip"), quantity()))
    length: float = field(kw_only=True, **number_of(parameter("m", "length of the strip"), quantity()))
    power: float = field(kw_only=True, converter=float, validator=quantity(), metadata=_POWER)
    kind: SignalKind = field(default="in_phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    name: str = field(default="omega", kw_only=True)

    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex temperature of the strip at 2ω, K times `scale`."""
        k, weight = strip_quadrature(self.half_width)
        at = SpectralPoints(np.asarray(4j * np.pi * self.frequency[:, None], dtype=np.complex128), k, np.zeros(1))
        z = heated_impedance(stack, at, self.setup, substrate_phonons(self))
        return self.scale * self.power / self.length * (z @ weight)
