r"""Transient gratings: two pump beams cross and heat stripes of period Λ, whose decay a probe follows by diffraction.

One wave vector $q = 2\pi/\Lambda$ is heated, so that no beam has to be averaged: the temperature of the stripes is the
inverse Laplace transform of the impedance at q.  A membrane decays as $e^{-D q^2 t}$; the face of an opaque half space
as $e^{-D_x q^2 t}/\sqrt{t}$, from which the conductivity along the face follows without a metal film.  O. W. Käding,
H. Skurk, A. A. Maznev, E. Matthias, Appl. Phys. A 61, 253 (1995), doi:10.1007/BF01538190; J. A. Johnson et al., Phys.
Rev. Lett. 110, 025901 (2013), doi:10.1103/PhysRevLett.110.025901 (membranes).

Where phonons fly as far as a stripe is wide, Fourier's law finds an apparent conductivity that falls with the period.
With `phonons` or a `mean_free_path` the decay is that of the Boltzmann equation
(`kapitza.simulate.boltzmann.gratings`), and the conductivity that of the bulk.
"""

from typing import Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, about, filled, one_of, parameter, quantity
from kapitza.core.records import number_of
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.layered.laplace import inverse_laplace
from kapitza.device.setup import Setup, heat_capacity_of
from kapitza.errors import InputError
from kapitza.measure.experiment import SETUP_DEPTHS, TemperatureExperiment, increasing_positive
from kapitza.measure.thermoreflectance.substrate import PHONONS_OR_NONE, POSITIVE_OR_NONE
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.gratings import GratingBands, grating_decay, grating_suppression, scaled_bands

GratingDetection = Literal["heterodyne", "homodyne"]
GRATING_DETECTIONS: tuple[GratingDetection, ...] = ("heterodyne", "homodyne")
_ANGLE = parameter("rad", "of the grating's wave vector from x, along the layers")
_MEAN_FREE_PATH = parameter("m", "mean free path of the phonons that carry the heat")


@frozen(eq=False)
class TransientGrating(TemperatureExperiment):
    """Decay of a thermal grating after a short pulse.

    Attributes
    ----------
    time : (n,) after the pulse, increasing from above 0, s
    detection : "heterodyne": the diffracted light is mixed with a reference beam, the signal goes with the temperature;
        "homodyne": with its square
    setup : depths over which the pump is absorbed and the probe reads, planes, back; None for the top face
    phonons : spectrum of the one layer, with the Boltzmann equation in place of Fourier's law; heat is then given to
        all phonons alike and evenly through the layer, whose faces are specular.  Conductivity along the layer and heat
        capacity stay numbers of the layer: the spectrum is scaled to them
    mean_free_path : mean of the spectrum, of the logarithm, weighed by what each band conducts; one band for all
        phonons where no spectrum is given.  None: it follows from the conductivity, with the velocities of `phonons`
    scale : signal at the first time; the signal is relative to it
    name : stands before the names of its numbers in a fit

    Raises
    ------
    InputError
        with phonons or a mean free path: from `predict`, for several layers, one without thickness, heat capacity or
        of different conduction along x and y, and for a setup

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

    _PARAMETERS = ("period", "angle", "mean_free_path", "scale", *SETUP_DEPTHS)

    time: Array = field(converter=increasing_positive, validator=filled, metadata=about("s", "time after the pulse"))
    period: float = field(kw_only=True, **number_of(parameter("m", "period of the grating"), quantity()))
    angle: float = field(default=0.0, kw_only=True, converter=float, validator=quantity(low=-np.inf), metadata=_ANGLE)
    detection: GratingDetection = field(default="heterodyne", kw_only=True, validator=one_of(*GRATING_DETECTIONS))
    setup: Setup = field(factory=Setup, kw_only=True)
    phonons: Carriers | None = field(default=None, kw_only=True, validator=PHONONS_OR_NONE)
    mean_free_path: float | None = field(default=None, kw_only=True, **POSITIVE_OR_NONE, metadata=_MEAN_FREE_PATH)
    name: str = field(default="grating", kw_only=True)

    def predict(self, stack: Stack) -> Array:
        """(n,) signal over that at the first time, times `scale`."""
        found = self.temperature(stack)
        relative = found / found[0]
        return self.scale * (relative if self.detection == "heterodyne" else relative**2)

    def temperature(self, stack: Stack) -> Array:
        """(n,) amplitude of the temperature per absorbed energy and area, K m² J⁻¹."""
        if self.phonons is not None or self.mean_free_path is not None:
            bands = self._bands(stack)
            areal = float(bands.capacity.sum()) * stack.layers[0].thickness
            return grating_decay(bands, 2 * np.pi / self.period, self.time) / areal
        s, weight = inverse_laplace(self.time)
        q = 2 * np.pi / self.period
        response = impedance(stack, s, q * np.cos(self.angle), q * np.sin(self.angle), setup=self.setup)[:, 0]
        return (weight @ response).real

    def suppression(self, stack: Stack) -> float:
        """Apparent conductivity of a slow grating of this period over that of the bulk, 0 to 1; 1 by Fourier's law."""
        if self.phonons is None and self.mean_free_path is None:
            return 1.0
        return grating_suppression(self._bands(stack), 2 * np.pi / self.period)

    def _bands(self, stack: Stack) -> GratingBands:
        """Phonons that conduct and hold as much as the layer does."""
        layer, setup = stack.layers[0], self.setup
        if len(stack.layers) > 1 or not np.isfinite(layer.thickness) or not layer.axisymmetric:
            raise InputError(
                f"{self.name}: phonons in a grating are solved for one layer with a thickness, heated evenly through "
                f"it, that conducts alike along x and y; got {', '.join(one.name for one in stack.layers)} with "
                f"thickness {layer.thickness:g} m: leave out phonons and mean_free_path for Fourier's law"
            )
        if setup.heater or setup.thermometer or setup.absorption_depth or setup.readout_depth or self.angle:
            raise InputError(
                f"{self.name}: phonons in a grating are heated and read evenly through the layer: leave out heater, "
                "thermometer, absorption_depth, readout_depth and angle, or phonons and mean_free_path"
            )
        along = layer.conductivity if layer.in_plane is None else layer.in_plane
        return scaled_bands(self.phonons, heat_capacity_of(layer), along, self.mean_free_path)
