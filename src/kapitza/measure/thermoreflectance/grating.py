r"""Transient gratings: two pump beams cross and heat stripes of period Λ, whose decay a probe follows by diffraction.

One wave vector $q = 2\pi/\Lambda$ is heated, so that no beam has to be averaged: the temperature of the stripes is the
inverse Laplace transform of the impedance at q.  A membrane decays as $e^{-D q^2 t}$; the face of an opaque half space
as $e^{-D_x q^2 t}/\sqrt{t}$, from which the conductivity along the face follows without a metal film.  O. W. Käding,
H. Skurk, A. A. Maznev, E. Matthias, Appl. Phys. A 61, 253 (1995), doi:10.1007/BF01538190; J. A. Johnson et al., Phys.
Rev. Lett. 110, 025901 (2013), doi:10.1103/PhysRevLett.110.025901 (membranes).
"""

from typing import ClassVar, Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, filled, one_of, quantity
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.layered.laplace import inverse_laplace
from kapitza.device.setup import Setup
from kapitza.measure.thermoreflectance.signal import TemperatureExperiment, increasing_positive

GratingDetection = Literal["heterodyne", "homodyne"]
GRATING_DETECTIONS: tuple[GratingDetection, ...] = ("heterodyne", "homodyne")


@frozen(eq=False)
class TransientGrating(TemperatureExperiment):
    """Decay of a thermal grating after a short pulse.

    Attributes
    ----------
    time : (n,) after the pulse, increasing from above 0, s
    detection : "heterodyne": the diffracted light is mixed with a reference beam, the signal goes with the temperature;
        "homodyne": with its square
    setup : depths over which the pump is absorbed and the probe reads, planes, back; None for the top face
    scale : signal at the first time; the signal is relative to it
    name : stands before the names of its numbers in a fit

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Layer, Stack
    >>> from kapitza.thermoreflectance import TransientGrating
    >>> silicon = Stack([Layer("Si", np.inf, 130.0, heat_capacity=1.66e6)])
    >>> decay = [TransientGrating([1e-9, 20e-9], period=period).predict(silicon)[1] for period in (5e-6, 10e-6)]
    >>> print(np.round(decay, 2))  # a coarser grating decays more slowly
    [0.02 0.12]
    """

    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        "period", "angle", "scale", "setup.absorption_depth", "setup.readout_depth",
    )  # fmt: skip

    time: Array = field(converter=increasing_positive, validator=filled, metadata=about("s", "time after the pulse"))
    period: float = field(
        kw_only=True, converter=float, validator=quantity(), metadata=about("m", "period of the grating")
    )
    angle: float = field(
        default=0.0,
        kw_only=True,
        converter=float,
        validator=quantity(low=-np.inf),
        metadata=about("rad", "of the grating's wave vector from x, along the layers"),
    )
    detection: GratingDetection = field(default="heterodyne", kw_only=True, validator=one_of(*GRATING_DETECTIONS))
    setup: Setup = field(factory=Setup, kw_only=True)
    name: str = field(default="grating", kw_only=True)

    def predict(self, stack: Stack) -> Array:
        """(n,) signal over that at the first time, times `scale`."""
        found = self.temperature(stack)
        relative = found / found[0]
        return self.scale * (relative if self.detection == "heterodyne" else relative**2)

    def temperature(self, stack: Stack) -> Array:
        """(n,) amplitude of the temperature per absorbed energy and area, K m² J⁻¹."""
        s, weight = inverse_laplace(self.time)
        q = 2 * np.pi / self.period
        response = impedance(stack, s, q * np.cos(self.angle), q * np.sin(self.angle), setup=self.setup)[:, 0]
        return (weight @ response).real
