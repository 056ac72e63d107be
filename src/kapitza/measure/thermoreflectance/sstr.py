r"""Steady-state thermoreflectance (SSTR) and Raman thermometry of a supported sheet: how warm a laser makes a stack.

$H(0)$ on a half space of conductivity k is $1/(\sqrt{2\pi}\,k\,W)$, $W^2 = w_0^2 + w_1^2$; a thin film or boundary of
resistance R per area adds $2R/(\pi W^2)$, so that R is seen only if the Kapitza length Rk compares with W.
J. L. Braun, D. H. Olson, J. T. Gaskins, P. E. Hopkins, Rev. Sci. Instrum. 90, 024905 (2019), doi:10.1063/1.5056182;
W. Cai et al., Nano Lett. 10, 1645 (2010), doi:10.1021/nl9041966 (Raman).
"""

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, parameter, quantity
from kapitza.core.records import number_of
from kapitza.core.stack import Stack
from kapitza.device.layered.admittance import SpectralPoints
from kapitza.device.setup import Setup
from kapitza.errors import Hint, InputError
from kapitza.measure.experiment import SETUP_DEPTHS, TemperatureExperiment, increasing_positive
from kapitza.measure.thermoreflectance.beams import BEAM_PARAMETERS, WAVE_VECTOR_NODES, Beams, wave_vector_quadrature
from kapitza.measure.thermoreflectance.substrate import (
    SubstrateExperiment,
    SubstratePhonons,
    heated_impedance,
    substrate_phonons,
)

_ANY_SIGN, _OFFSET = quantity(low=-np.inf), parameter("m", "between a heating and a reading beam of this radius")


def _beam_responses(
    stack: Stack,
    beams: tuple[Beams, ...],
    setup: Setup,
    modulation: float,
    nodes: int,
    phonons: SubstratePhonons | None = None,
) -> ComplexArray:
    """(nb,) temperature per absorbed watt that each pair of beams reads at one modulation (Hz), K W⁻¹."""
    if modulation == 0 and setup.back == "adiabatic" and all(np.isfinite(layer.thickness) for layer in stack.layers):
        raise InputError(
            "heat cannot leave a stack of finite layers on an adiabatic back: there is no steady state",
            hint=Hint(
                python="take Setup(back='isothermal') or an infinite substrate",
                command='take back = "isothermal" or an infinite substrate',
            ),
        )
    average = wave_vector_quadrature(stack, beams, setup, nodes=nodes)
    at = SpectralPoints(np.array([[2j * np.pi * modulation]]), average.kx, average.ky)
    return average.weight @ heated_impedance(stack, at, setup, phonons)[0]


@frozen(eq=False)
class Sstr(TemperatureExperiment, SubstrateExperiment):
    """Steady-state thermoreflectance: temperature against absorbed power.

    Attributes
    ----------
    power : (n,) absorbed, increasing, W
    beams : radii and offset of pump and probe
    modulation : of the pump, Hz; 0 for none
    setup, phonons, mean_free_path, transmission, transmission_edges : as in `SubstrateExperiment`
    scale : signal per kelvin, found on a sample that is known
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS = (*BEAM_PARAMETERS, "modulation", "mean_free_path", "transmission", "scale", *SETUP_DEPTHS)

    power: Array = field(converter=increasing_positive, validator=filled, metadata=about("W", "pump power"))
    beams: Beams
    modulation: float = field(default=0.0, kw_only=True, **number_of(parameter("Hz", "modulation frequency")))
    name: str = field(default="steady", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.modulation < np.inf:
            raise InputError(f"modulation = {self.modulation:g} Hz, wanted a finite number of at least 0 (0: steady)")

    def predict(self, stack: Stack) -> Array:
        """(n,) amplitude of the temperature, K, times `scale`; an InputError for a steady state in a stack that heat
        cannot leave.
        """
        return self.scale * self.power * np.abs(self.signal(stack))

    def signal(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> complex:
        """Complex temperature at the probe per absorbed watt, K W⁻¹."""
        below = substrate_phonons(self)
        return complex(_beam_responses(stack, (self.beams,), self.setup, self.modulation, nodes, below)[0])


@frozen(eq=False)
class Raman(TemperatureExperiment):
    r"""Raman thermometry of a sheet on a substrate: one beam of several sizes heats it and reads its temperature.

    The sheet is the first layer of the stack, with its conductivity along it and through it.  The mean temperature over
    the spot is $\\frac{1}{2\\pi}\\int k\\,Z\\,e^{-k^2w^2/4}dk$; a thin sheet adds $k_s d k^2$ to the admittance.

    Attributes
    ----------
    setup : where heat enters and is read, and what lies behind; None for the top face
    scale : absorbed share of the power, or signal per kelvin and absorbed watt
    name : stands before the names of its numbers in a fit

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Boundary, Layer, Stack
    >>> from kapitza.thermoreflectance import Raman
    >>> oxide = Layer("SiO2", np.inf, 1.4)
    >>> sheet = Stack([Layer("MoS2", 0.7e-9, 2.0, in_plane=60.0), oxide], [Boundary(1.5e7)])
    >>> print((Raman([0.5e-6, 1e-6]).predict(sheet) / 1e3).round(1), "K per mW")
    [446.2 214.1] K per mW
    """

    _PARAMETERS = ("offset", "scale", *SETUP_DEPTHS)

    @property
    def kind(self) -> str:
        """What is predicted: the temperature per power, whose scatter grows with its value."""
        return "response"

    radius: Array = field(converter=increasing_positive, validator=filled, metadata=about("m", "beam radius"))
    offset: float = field(default=0.0, kw_only=True, converter=float, validator=_ANY_SIGN, metadata=_OFFSET)
    setup: Setup = field(factory=Setup, kw_only=True)
    name: str = field(default="raman", kw_only=True)

    def predict(self, stack: Stack, nodes: int = WAVE_VECTOR_NODES) -> Array:
        """(n,) temperature over the spot per absorbed power, K W⁻¹, times `scale`, on a stack that heat can leave."""
        beams = tuple(Beams(w, w, offset=self.offset) for w in self.radius)
        return self.scale * _beam_responses(stack, beams, self.setup, 0.0, nodes).real
