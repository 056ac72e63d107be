r"""Frequency-domain thermoreflectance (FDTR): phase of a probe against the modulation of a continuous pump.

The signal is $H(i\,2\pi f)$ itself; its phase is independent of the absorbed power.  A. J. Schmidt, R. Cheaito,
M. Chiesa, Rev. Sci. Instrum. 80, 094901 (2009), doi:10.1063/1.3212673.
"""

from functools import cached_property
from typing import ClassVar

import numpy as np
from attrs import converters, evolve, field, frozen, validators

from kapitza.core.arrays import Array, ComplexArray, about, filled, finite, one_of, parameter, quantity, same_length
from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import WAVE_VECTOR_NODES, BeamResponse, Beams
from kapitza.measure.thermoreflectance.signal import (
    BEAM_PARAMETERS,
    SIGNAL_KINDS,
    LockinExperiment,
    SignalKind,
    increasing_positive,
)
from kapitza.measure.thermoreflectance.substrate import SubstrateExperiment, substrate_phonons


@frozen(eq=False)
class Fdtr(LockinExperiment, SubstrateExperiment):
    """Frequency-domain thermoreflectance.

    Attributes
    ----------
    beams : radii and offset of pump and probe
    kind : "phase" (rad, negative where the temperature lags), "amplitude", "in_phase", "out_of_phase" or "ratio"
    pump_growth : (n,) growth of the pump's radius at each frequency, relative to its radius; None for beams that stay.
        A laser diode or an optical modulator changes the spot with the frequency of the modulation
    growth_scale : factor of the growth, 1 where it is as stated
    setup, phonons, mean_free_path, transmission, transmission_edges : as in `SubstrateExperiment`
    scale : signal per kelvin and per absorbed watt, a factor of all kinds but "phase" and "ratio"
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *BEAM_PARAMETERS, "phase", "scale", "growth_scale", "mean_free_path", "transmission",
        "setup.absorption_depth", "setup.readout_depth",
    )  # fmt: skip

    frequency: Array = field(
        converter=increasing_positive, validator=filled, metadata=about("Hz", "modulation frequency")
    )
    beams: Beams
    kind: SignalKind = field(default="phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    phase: float = field(
        default=0.0,
        kw_only=True,
        converter=float,
        validator=quantity(low=-np.inf),
        metadata=parameter("rad", "phase that instruments add at all frequencies"),
    )
    pump_growth: Array | None = field(
        default=None,
        kw_only=True,
        converter=converters.optional(finite),
        validator=validators.optional(same_length("frequency")),
        metadata=about("1", "growth of the pump's radius"),
    )
    growth_scale: float = field(
        default=1.0,
        kw_only=True,
        converter=float,
        validator=quantity(low=-np.inf),
        metadata=parameter("1", "factor of the growth"),
    )
    name: str = field(default="fdtr", kw_only=True)

    def signal(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> ComplexArray:
        """(n,) complex temperature at the probe per absorbed watt, K W⁻¹ times `scale`."""
        held = self._response if nodes == WAVE_VECTOR_NODES else evolve(self._response, nodes=nodes)
        seen = held.of(stack)[:, 0] if self.pump_growth is None else held.one_each(stack)
        return self.scale * np.exp(1j * self.phase) * seen

    @cached_property
    def _response(self) -> BeamResponse:
        """Responses of stacks, with what is the same for several."""
        rates = np.asarray(2j * np.pi * self.frequency, dtype=np.complex128)
        return BeamResponse(rates, self._beams(), self.setup, substrate=substrate_phonons(self))

    def _beams(self) -> tuple[Beams, ...]:
        """The beams, or those of each frequency."""
        if self.pump_growth is None:
            return (self.beams,)
        factor = 1 + self.growth_scale * self.pump_growth
        if not (factor > 0).all():
            at = int(np.argmin(factor))
            raise InputError(f"the pump's radius is {factor[at]:g} times its own at {self.frequency[at]:g} Hz")
        return tuple(self.beams.with_pump_scaled(one) for one in factor.tolist())
