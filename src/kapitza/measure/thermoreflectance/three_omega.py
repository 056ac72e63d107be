r"""The 3ω method: a metal strip heats a stack with a current at ω and reads its temperature at 2ω by the voltage at 3ω.

$\Delta T(2\omega) = \frac{P}{\pi l}\int_0^\infty (\sin kb/kb)^2 Z(k, 2i\omega)\,dk$ with the impedance of the stack
below the strip (`kapitza.device.line`).  A thin film adds $P R/(2bl)$ with $R = d/k$ plus its boundary resistances,
whatever the frequency; the slope of the in-phase part against $\ln\omega$ is $-P/(2\pi l k)$ of the substrate.
D. G. Cahill, Rev. Sci. Instrum. 61, 802 (1990), doi:10.1063/1.1141498; T. Borca-Tasciuc, A. R. Kumar, G. Chen,
Rev. Sci. Instrum. 72, 2139 (2001), doi:10.1063/1.1353189.
"""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, increasing, one_of, positive, quantity
from kapitza.core.stack import Stack
from kapitza.device.admittance import impedance
from kapitza.device.line import strip_quadrature
from kapitza.device.setup import Setup
from kapitza.device.waves import Complex
from kapitza.measure.thermoreflectance.numbers import own_numbers, with_numbers
from kapitza.measure.thermoreflectance.signal import KINDS, Kind, read_as

NUMBERS = ("half_width", "length", "power", "scale")


def frequencies_of_current(value: Array) -> Array:
    """Return frequencies that increase from above zero, Hz."""
    return increasing(positive(value))


@frozen(eq=False)
class ThreeOmega:
    """The 3ω method.

    Attributes
    ----------
    frequency : (n,) of the current, increasing, Hz; heat comes at twice this
    half_width : b of the strip, m
    length : of the strip, m
    power : amplitude of the heat at 2ω, W; for a sine current the mean power
    kind : "in_phase" part of the temperature, "out_of_phase", "amplitude", "phase" or "ratio"
    setup : where heat enters and is read, and what lies behind; None for the top face
    scale : signal per kelvin
    name : stands before the names of its numbers in a fit
    """

    frequency: Array = field(converter=frequencies_of_current)
    half_width: float = field(kw_only=True, converter=float, validator=quantity())
    length: float = field(kw_only=True, converter=float, validator=quantity())
    power: float = field(kw_only=True, converter=float, validator=quantity())
    kind: Kind = field(default="in_phase", kw_only=True, validator=one_of(*KINDS))
    setup: Setup = field(factory=Setup, kw_only=True)
    scale: float = field(default=1.0, kw_only=True, converter=float, validator=quantity())
    name: str = field(default="omega", kw_only=True)

    @property
    def parameters(self) -> dict[str, float]:
        """Numbers that may be free or uncertain, by name, SI."""
        return own_numbers(self, NUMBERS)

    def replace(self, changes: dict[str, float]) -> "ThreeOmega":
        """The same experiment with other numbers, by the names of `parameters`."""
        return with_numbers(self, NUMBERS, changes)

    def predict(self, stack: Stack) -> Array:
        """(n,) what `kind` says, on this stack, K or rad.

        Raises
        ------
        InputError
            for a stack without heat capacities, or planes that it does not have
        """
        return read_as(self.signal(stack), self.kind)

    def signal(self, stack: Stack) -> Complex:
        """(n,) complex temperature of the strip at 2ω, K times `scale`."""
        k, weight = strip_quadrature(self.half_width)
        z = impedance(stack, 4j * np.pi * self.frequency, k, setup=self.setup)
        return self.scale * self.power / self.length * (z @ weight)
