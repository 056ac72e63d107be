r"""Frequency-domain thermoreflectance (FDTR): phase of a probe against the modulation of a continuous pump.

The signal is $H(i\,2\pi f)$ itself; its phase is independent of the absorbed power.  A. J. Schmidt, R. Cheaito,
M. Chiesa, Rev. Sci. Instrum. 80, 094901 (2009), doi:10.1063/1.3212673.
"""

from typing import ClassVar

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, one_of, quantity
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.setup import Setup
from kapitza.measure.thermoreflectance.beams import WAVE_VECTOR_NODES, Beams, wave_vector_quadrature
from kapitza.measure.thermoreflectance.signal import (
    BEAM_PARAMETERS,
    SIGNAL_KINDS,
    LockinExperiment,
    SignalKind,
    increasing_positive,
)


@frozen(eq=False)
class Fdtr(LockinExperiment):
    """Frequency-domain thermoreflectance.

    Attributes
    ----------
    beams : radii and offset of pump and probe
    kind : "phase" (rad, negative where the temperature lags), "amplitude", "in_phase", "out_of_phase" or "ratio"
    setup : where heat enters and is read, and what lies behind; None for the top face
    scale : signal per kelvin and per absorbed watt, a factor of all kinds but "phase" and "ratio"
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS: ClassVar[tuple[str, ...]] = (*BEAM_PARAMETERS, "phase", "scale", "setup.absorption_depth")

    frequency: Array = field(
        converter=increasing_positive, validator=filled, metadata=about("Hz", "modulation frequency")
    )
    beams: Beams
    kind: SignalKind = field(default="phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    setup: Setup = field(factory=Setup, kw_only=True)
    phase: float = field(
        default=0.0,
        kw_only=True,
        converter=float,
        validator=quantity(low=-np.inf),
        metadata=about("rad", "phase that instruments add at all frequencies"),
    )
    name: str = field(default="fdtr", kw_only=True)

    def signal(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> ComplexArray:
        """(n,) complex temperature at the probe per absorbed watt, K W⁻¹ times `scale`."""
        average = wave_vector_quadrature(stack, (self.beams,), self.setup, nodes=nodes)
        z = impedance(stack, 2j * np.pi * self.frequency, average.kx, average.ky, setup=self.setup)
        return self.scale * np.exp(1j * self.phase) * (z @ average.weight[0])
