r"""Beam-offset thermoreflectance: the signal while the probe is moved across the pump, at one delay or modulation.

Heat that spreads along the layers widens the out-of-phase signal beyond the beams, which tells the conductivity along
them.  With pulses the signal is that of TDTR at one delay (most often shortly before a pulse), without that of FDTR at
one modulation.  J. P. Feser, D. G. Cahill, Rev. Sci. Instrum. 83, 104901 (2012), doi:10.1063/1.4757863; J. P. Feser,
J. Liu, D. G. Cahill, Rev. Sci. Instrum. 85, 104903 (2014), doi:10.1063/1.4897622.
"""

from functools import cached_property
from typing import ClassVar

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, increasing, one_of, parameter, quantity
from kapitza.core.stack import Stack
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import BeamResponse, Beams
from kapitza.measure.thermoreflectance.signal import BEAM_PARAMETERS, SIGNAL_KINDS, LockinExperiment, SignalKind
from kapitza.measure.thermoreflectance.substrate import SubstrateExperiment, substrate_phonons
from kapitza.measure.thermoreflectance.tdtr import DelayedBeam, Tdtr


@frozen(eq=False)
class OffsetScan(LockinExperiment, SubstrateExperiment):
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

    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *BEAM_PARAMETERS, "modulation", "phase", "scale", "mean_free_path", "transmission",
        "setup.absorption_depth", "setup.readout_depth",
    )  # fmt: skip

    offset: Array = field(
        converter=increasing, validator=filled, metadata=about("m", "distance of the probe from the pump")
    )
    beams: Beams
    modulation: float = field(
        kw_only=True, converter=float, validator=quantity(), metadata=parameter("Hz", "modulation of the pump")
    )
    repetition: float | None = field(default=None, kw_only=True, metadata=parameter("Hz", "pulse frequency"))
    delay: float | None = field(default=None, kw_only=True, metadata=parameter("s", "time of the probe after the pump"))
    delayed: DelayedBeam | None = field(default=None, kw_only=True)
    kind: SignalKind = field(default="out_of_phase", kw_only=True, validator=one_of(*SIGNAL_KINDS))
    phase: float = field(
        default=0.0,
        kw_only=True,
        converter=float,
        validator=quantity(low=-np.inf),
        metadata=parameter("rad", "phase of the lock-in amplifier"),
    )
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
            [self.delay],
            self.beams,
            modulation=self.modulation,
            repetition=self.repetition,
            delayed=self.delayed,
            setup=self.setup,
        )

    def signal(self, stack: Stack) -> ComplexArray:
        """(n,) complex signal; relative to the modulus of its `kind` where the beams coincide, times `scale`."""
        z = self._response(stack, np.append(self.offset, -self.beams.offset)) * np.exp(1j * self.phase)
        here = {"in_phase": z[-1].real, "out_of_phase": z[-1].imag}.get(self.kind, np.abs(z[-1]))
        return self.scale * z[:-1] / abs(here)

    def _response(self, stack: Stack, offset: Array) -> ComplexArray:
        """(n,) complex signal per absorbed power at offsets, K W⁻¹."""
        beams = tuple(evolve(self.beams, offset=self.beams.offset + one) for one in offset.tolist())
        pulses = self._pulses
        s = np.array([2j * np.pi * self.modulation]) if pulses is None else pulses.pulse_train.s
        below = substrate_phonons(self)
        if pulses is None:
            return BeamResponse(s, beams, self.setup, substrate=below).of(stack)[0]
        found = pulses.pulse_train.signal(BeamResponse(s, beams, self.setup).of(stack))
        if below is not None:
            found = found + pulses.beyond_fourier(stack, below, beams)
        turn = np.exp(2j * np.pi * self.modulation * pulses.delay[0]) if pulses.delayed == "pump" else 1.0
        return found * turn
