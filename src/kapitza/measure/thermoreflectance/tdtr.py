r"""Time-domain thermoreflectance (TDTR): a train of modulated pump pulses, and probe pulses some time after them.

A lock-in amplifier at the modulation frequency $f_0$ gives, per absorbed power, with pulses at $f_s$,

$$Z(t) = 2\sum_m H(f_0 + m f_s)\,e^{2\pi i m f_s t}\times
\begin{cases}1 & \text{the probe is delayed}\\ e^{2\pi i f_0 t} & \text{the pump is delayed,}\end{cases}$$

with H the response of the stack as both beams see it.  All earlier pulses are in the sum, which is taken exactly
(`kapitza.device.layered.laplace`).  D. G. Cahill, Rev. Sci. Instrum. 75, 5119 (2004), doi:10.1063/1.1819431;
A. J. Schmidt, X. Chen, G. Chen, Rev. Sci. Instrum. 79, 114902 (2008), doi:10.1063/1.3006335.
"""

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, increasing, one_of, parameter, quantity
from kapitza.core.stack import Stack
from kapitza.device.layered.laplace import PulseTrain, harmonic_train, pulse_train
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import WAVE_VECTOR_NODES, BeamResponse, Beams, WaveVectorQuadrature
from kapitza.measure.thermoreflectance.signal import BEAM_PARAMETERS, SIGNAL_KINDS, LockinExperiment, SignalKind
from kapitza.measure.thermoreflectance.substrate import SubstrateExperiment, SubstratePhonons, substrate_phonons

DelayedBeam = Literal["pump", "probe"]
_ANY_SIGN = quantity(low=-np.inf)


@frozen(eq=False)
class Tdtr(LockinExperiment, SubstrateExperiment):
    r"""Time-domain thermoreflectance.

    Attributes
    ----------
    delay : (n,) time of the probe after the pump, increasing, s; before the pump if negative
    beams : radii and offset of pump and probe
    delayed : "pump" or "probe", the beam with the delay stage.  There is no default: the ratio differs by up to 49 %
    kind : "ratio" -Re Z/Im Z, "in_phase" Re Z, "out_of_phase" Im Z, "phase" (rad) or "amplitude"
    defocus : growth of the pump's radius along the delay, relative to its radius at 0, s⁻¹
    setup, phonons, mean_free_path, transmission, transmission_edges : as in `SubstrateExperiment`
    time_zero : the delay that the stage shows when both pulses coincide, s
    phase : of the lock-in amplifier, rad: Z is multiplied by exp(i phase)
    scale : signal per kelvin and per absorbed watt, a factor of "in_phase", "out_of_phase" and "amplitude"
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *BEAM_PARAMETERS, "modulation", "repetition", "defocus", "mean_free_path", "transmission",
        "time_zero", "phase", "scale", "setup.absorption_depth", "setup.readout_depth",
    )  # fmt: skip

    delay: Array = field(converter=increasing, validator=filled, metadata=about("s", "delay"))
    beams: Beams
    modulation: float = field(
        kw_only=True, converter=float, validator=quantity(), metadata=parameter("Hz", "modulation of the pump")
    )
    repetition: float = field(
        kw_only=True, converter=float, validator=quantity(), metadata=parameter("Hz", "pulse frequency")
    )
    delayed: DelayedBeam = field(kw_only=True, validator=one_of("pump", "probe"))
    kind: SignalKind = field(default="ratio", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    defocus: float = field(
        default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=parameter("s^-1", "growth")
    )
    time_zero: float = field(
        default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=parameter("s", "zero delay")
    )
    phase: float = field(
        default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=parameter("rad", "phase")
    )
    name: str = field(default="tdtr", kw_only=True)

    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex Z, in phase and out of phase, K W⁻¹ times `scale`."""
        train, response = self.pulse_train, self._response.of(stack)
        z = train.signal(response[:, 0] if response.shape[1] == 1 else response)
        below = substrate_phonons(self)
        if below is not None:
            z = z + self.beyond_fourier(stack, below, self.focused_beams)
        turn = self.phase + (2 * np.pi * self.modulation * self.probe_delay if self.delayed == "pump" else 0.0)
        return self.scale * z * np.exp(1j * turn)

    def beyond_fourier(self, stack: Stack, below: SubstratePhonons, beams: tuple[Beams, ...]) -> ComplexArray:
        """(n,) what the Boltzmann equation adds: known for periodic heat, not along the path of the pulses."""
        train = harmonic_train(self.probe_delay, modulation=self.modulation, repetition=self.repetition)
        fourier = BeamResponse(train.s, beams, self.setup)
        added = evolve(fourier, substrate=below).of(stack) - fourier.of(stack)
        return train.signal(added[:, 0] if added.shape[1] == 1 else added)

    @property
    def probe_delay(self) -> Array:
        """(n,) time of the probe after the pump, s."""
        return self.delay - self.time_zero

    @cached_property
    def pulse_train(self) -> PulseTrain:
        """Where the response is needed, and how it adds up."""
        return pulse_train(self.probe_delay, modulation=self.modulation, repetition=self.repetition)

    @cached_property
    def focused_beams(self) -> tuple[Beams, ...]:
        """Beams of each delay if the pump loses its focus along it, else one pair."""
        growth = 1 + self.defocus * self.probe_delay
        if not (growth > 0).all():
            raise InputError(f"defocus = {self.defocus:g} /s makes the pump's radius negative along the delay")
        return tuple(self.beams.with_pump_scaled(g) for g in growth) if self.defocus else (self.beams,)

    @cached_property
    def _response(self) -> BeamResponse:
        """Responses of stacks, with what is the same for several."""
        return BeamResponse(self.pulse_train.s, self.focused_beams, self.setup)

    def quadrature(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> WaveVectorQuadrature:
        """Wave vectors and their weights, one set for each delay if the pump loses its focus."""
        return BeamResponse(self.pulse_train.s, self.focused_beams, self.setup, nodes).quadrature(stack)[0]
