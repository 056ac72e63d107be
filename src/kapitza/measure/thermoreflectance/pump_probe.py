r"""Pump-probe thermoreflectance with a lock-in amplifier: TDTR, FDTR, and scans of the beam offset.

**TDTR**: a train of modulated pump pulses, and probe pulses some time after them.  A lock-in amplifier at the
modulation frequency $f_0$ gives, per absorbed power, with pulses at $f_s$,

$$Z(t) = 2\sum_m H(f_0 + m f_s)\,e^{2\pi i m f_s t}\times
\begin{cases}1 & \text{the probe is delayed}\\ e^{2\pi i f_0 t} & \text{the pump is delayed,}\end{cases}$$

with H the response of the stack as both beams see it.  All earlier pulses are in the sum, which is taken exactly
(`kapitza.device.layered.laplace`).  D. G. Cahill, Rev. Sci. Instrum. 75, 5119 (2004), doi:10.1063/1.1819431;
A. J. Schmidt, X. Chen, G. Chen, Rev. Sci. Instrum. 79, 114902 (2008), doi:10.1063/1.3006335.

**FDTR**: phase of a probe against the modulation of a continuous pump.  The signal is $H(i\,2\pi f)$ itself; its phase
is independent of the absorbed power.  A. J. Schmidt, R. Cheaito, M. Chiesa, Rev. Sci. Instrum. 80, 094901 (2009),
doi:10.1063/1.3212673.

**Beam offset**: the signal while the probe is moved across the pump, at one delay or modulation.  Heat that spreads
along the layers widens the out-of-phase signal beyond the beams, which gives the conductivity along them.  With pulses
the signal is that of TDTR at one delay (most often shortly before a pulse), without pulses that of FDTR at one
modulation.  J. P. Feser, D. G. Cahill, Rev. Sci. Instrum. 83, 104901 (2012), doi:10.1063/1.4757863; J. P. Feser,
J. Liu, D. G. Cahill, Rev. Sci. Instrum. 85, 104903 (2014), doi:10.1063/1.4897622.
"""

from abc import abstractmethod
from functools import cached_property
from typing import Literal

import numpy as np
from attrs import converters, evolve, field, frozen, validators

from kapitza.core import arrays
from kapitza.core.arrays import Array, ComplexArray, about, filled, increasing, one_of, parameter, quantity
from kapitza.core.records import number_of
from kapitza.core.stack import Stack
from kapitza.device.layered.laplace import PulseTrain, harmonic_train, pulse_train
from kapitza.errors import InputError
from kapitza.measure.experiment import SETUP_DEPTHS, increasing_positive
from kapitza.measure.thermoreflectance.beams import (
    BEAM_PARAMETERS,
    WAVE_VECTOR_NODES,
    BeamResponse,
    Beams,
    WaveVectorQuadrature,
)
from kapitza.measure.thermoreflectance.substrate import SubstrateExperiment, SubstratePhonons, substrate_phonons

SignalKind = Literal["ratio", "in_phase", "out_of_phase", "phase", "amplitude"]
SIGNAL_KINDS: tuple[SignalKind, ...] = ("ratio", "in_phase", "out_of_phase", "phase", "amplitude")


def convert_signal(signal: ComplexArray, kind: SignalKind) -> Array:
    """(n,) -Re/Im, Re, Im, argument (rad, without jumps along the curve) or modulus of a signal."""
    if kind == "ratio":
        return -signal.real / signal.imag
    if kind == "in_phase":
        return signal.real
    if kind == "out_of_phase":
        return signal.imag
    return np.unwrap(np.angle(signal)) if kind == "phase" else np.abs(signal)


class LockinExperiment(SubstrateExperiment):
    """An experiment that reads a complex lock-in signal, of which `kind` is compared with data."""

    __slots__ = ()
    kind: SignalKind

    @abstractmethod
    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex signal, in phase and out of phase."""

    def predict(self, stack: Stack) -> Array:
        """(n,) what `kind` says, on this stack, K or rad."""
        return convert_signal(self.signal(stack), self.kind)


DelayedBeam = Literal["pump", "probe"]
_ANY_SIGN = quantity(low=-np.inf)
_MODULATION, _REPETITION = parameter("Hz", "modulation of the pump"), parameter("Hz", "pulse frequency")
_PHASE = parameter("rad", "phase of the lock-in amplifier")
_EACH_FREQUENCY = validators.optional(arrays.same_length("frequency"))


@frozen(eq=False)
class Tdtr(LockinExperiment):
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

    _PARAMETERS = (
        *BEAM_PARAMETERS, "modulation", "repetition", "defocus", "mean_free_path", "transmission",
        "time_zero", "phase", "scale", *SETUP_DEPTHS,
    )  # fmt: skip

    delay: Array = field(converter=increasing, validator=filled, metadata=about("s", "delay"))
    beams: Beams
    modulation: float = field(kw_only=True, converter=float, validator=quantity(), metadata=_MODULATION)
    repetition: float = field(kw_only=True, converter=float, validator=quantity(), metadata=_REPETITION)
    delayed: DelayedBeam = field(kw_only=True, validator=one_of("pump", "probe"))
    kind: SignalKind = field(default="ratio", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    defocus: float = field(default=0.0, kw_only=True, **number_of(parameter("s^-1", "growth"), _ANY_SIGN))
    time_zero: float = field(default=0.0, kw_only=True, **number_of(parameter("s", "zero delay"), _ANY_SIGN))
    phase: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_PHASE)
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
        return BeamResponse(self.pulse_train.s, self.focused_beams, self.setup)

    def quadrature(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> WaveVectorQuadrature:
        """Wave vectors and their weights, one set for each delay if the pump loses its focus."""
        return BeamResponse(self.pulse_train.s, self.focused_beams, self.setup, nodes).quadrature(stack)[0]


@frozen(eq=False)
class Fdtr(LockinExperiment):
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

    _PARAMETERS = (*BEAM_PARAMETERS, "phase", "scale", "growth_scale", "mean_free_path", "transmission", *SETUP_DEPTHS)

    frequency: Array = field(
        converter=increasing_positive, validator=filled, metadata=about("Hz", "modulation frequency")
    )
    beams: Beams
    kind: SignalKind = field(default="phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    phase: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_PHASE)
    pump_growth: Array | None = field(
        default=None, kw_only=True, converter=converters.optional(arrays.finite), validator=_EACH_FREQUENCY,
        metadata=about("1", "growth of the pump's radius"),
    )  # fmt: skip
    growth_scale: float = field(
        default=1.0, kw_only=True, **number_of(parameter("1", "factor of the growth"), _ANY_SIGN)
    )
    name: str = field(default="fdtr", kw_only=True)

    def signal(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> ComplexArray:
        """(n,) complex temperature at the probe per absorbed watt, K W⁻¹ times `scale`."""
        held = self._response if nodes == WAVE_VECTOR_NODES else evolve(self._response, nodes=nodes)
        seen = held.of(stack)[:, 0] if self.pump_growth is None else held.one_each(stack)
        return self.scale * np.exp(1j * self.phase) * seen

    @cached_property
    def _response(self) -> BeamResponse:
        beams = (self.beams,)
        if self.pump_growth is not None:
            factor = 1 + self.growth_scale * self.pump_growth
            if not (factor > 0).all():
                at = int(np.argmin(factor))
                raise InputError(f"the pump's radius is {factor[at]:g} times its own at {self.frequency[at]:g} Hz")
            beams = tuple(self.beams.with_pump_scaled(one) for one in factor.tolist())
        rates = np.asarray(2j * np.pi * self.frequency, dtype=np.complex128)
        return BeamResponse(rates, beams, self.setup, substrate=substrate_phonons(self))


@frozen(eq=False)
class OffsetScan(LockinExperiment):
    """Signal against the distance between pump and probe.

    Attributes
    ----------
    offset : (n,) of the probe from the pump along x, beside that of `beams`, increasing, m
    beams : radii of pump and probe; their offset is where the scan has its zero
    repetition, delay, delayed : of pulses, as in `Tdtr`; None for a continuous pump
    kind : "out_of_phase" of the lock-in signal, "in_phase", "amplitude", "phase" (rad) or "ratio"
    setup, phonons, mean_free_path, transmission, transmission_edges : as in `SubstrateExperiment`
    scale : signal where the beams coincide; the signal is relative to it, but not for "phase" and "ratio"
    phase : of the lock-in amplifier, rad
    name : stands before the names of its numbers in a fit

    Raises
    ------
    InputError
        if only one or two of repetition, delay and delayed are given

    Examples
    --------
    >>> from kapitza.examples import aluminium_on_silicon
    >>> from kapitza.thermoreflectance import Beams, OffsetScan
    >>> film = aluminium_on_silicon()
    >>> scan = OffsetScan([0.0, 5e-6, 10e-6], Beams(3e-6, 3e-6), modulation=1e6)
    >>> print(scan.predict(film).round(3))
    [-1.    -0.521 -0.136]
    """

    _PARAMETERS = (*BEAM_PARAMETERS, "modulation", "phase", "scale", "mean_free_path", "transmission", *SETUP_DEPTHS)

    offset: Array = field(
        converter=increasing, validator=filled, metadata=about("m", "distance of the probe from the pump")
    )
    beams: Beams
    modulation: float = field(kw_only=True, converter=float, validator=quantity(), metadata=_MODULATION)
    repetition: float | None = field(default=None, kw_only=True, metadata=_REPETITION)
    delay: float | None = field(default=None, kw_only=True, metadata=parameter("s", "time of the probe after the pump"))
    delayed: DelayedBeam | None = field(default=None, kw_only=True)
    kind: SignalKind = field(default="out_of_phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    phase: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_PHASE)
    name: str = field(default="offset", kw_only=True)

    def __attrs_post_init__(self) -> None:
        pulsed = {"repetition": self.repetition, "delay": self.delay, "delayed": self.delayed}
        missing = [key for key, value in pulsed.items() if value is None]
        if missing and len(missing) < 3:
            raise InputError(f"pulses need repetition, delay and delayed: {', '.join(missing)} missing")
        if not missing:
            _ = self._pulses  # which refuses what a TDTR curve refuses

    @cached_property
    def _pulses(self) -> Tdtr | None:
        """The same beams at rest, with pulses; None for a continuous pump."""
        if self.repetition is None or self.delay is None or self.delayed is None:
            return None
        return Tdtr(
            [self.delay], self.beams, modulation=self.modulation, repetition=self.repetition, delayed=self.delayed,
            setup=self.setup,
        )  # fmt: skip

    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex signal; relative to the modulus of its `kind` where the beams coincide, times `scale`."""
        offsets = np.append(self.offset, -self.beams.offset).tolist()  # the last one: where the beams coincide
        beams = tuple(evolve(self.beams, offset=self.beams.offset + offset) for offset in offsets)
        pulses, below = self._pulses, substrate_phonons(self)
        if pulses is None:
            rate = np.array([2j * np.pi * self.modulation])
            z = BeamResponse(rate, beams, self.setup, substrate=below).of(stack)[0]
        else:
            z = pulses.pulse_train.signal(BeamResponse(pulses.pulse_train.s, beams, self.setup).of(stack))
            if below is not None:
                z = z + pulses.beyond_fourier(stack, below, beams)
            if pulses.delayed == "pump":
                z = z * np.exp(2j * np.pi * self.modulation * pulses.delay[0])
        z = z * np.exp(1j * self.phase)
        here = {"in_phase": z[-1].real, "out_of_phase": z[-1].imag}.get(self.kind, np.abs(z[-1]))
        return self.scale * z[:-1] / abs(here)
