r"""Cooling after a flash: films and particles by transient absorption, diffraction or reflectance, and laser flash.

All are inverse Laplace transforms of the one impedance, at k = 0.  Limits: a film that stays even within loses its heat
in $\tau = Cd/G$ if the substrate stays cold, and as $e^{a^2t}\,\mathrm{erfc}(a\sqrt t)$, $a = e_s/(Cd)$, if there is no
boundary resistance ($e_s$ the substrate's effusivity).  A particle of radius r has C r/3 in the place of C d, and
spreads its heat into $k(1/r + \sqrt{s/D})$: O. M. Wilson, X. Hu, D. G. Cahill, P. V. Braun, Phys. Rev. B 66, 224301
(2002), doi:10.1103/PhysRevB.66.224301.  Laser flash: W. J. Parker, R. J. Jenkins, C. P. Butler, G. L. Abbott,
J. Appl. Phys. 32, 1679 (1961), doi:10.1063/1.1728417.
"""

from typing import Literal

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, ComplexArray, about, filled, one_of, quantity
from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import admittance, impedance
from kapitza.device.layered.laplace import inverse_laplace
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.measure.experiment import SETUP_DEPTHS, TemperatureExperiment, increasing_positive

FilmPart = Literal["film", "surface"]
_TAKEN_AT = about("K", "temperature at which boundary conductances of T are taken")


def _areal_heat_capacity(layer: Layer, share: float = 1.0) -> float:
    """Heat capacity of a finite layer per area, J m⁻² K⁻¹, times `share`."""
    if layer.heat_capacity is None or np.isinf(layer.thickness):
        raise InputError(
            f"layer {layer.name} is {layer.thickness:g} m thick with heat_capacity {layer.heat_capacity}: what is "
            "heated by a flash needs both finite"
        )
    return layer.heat_capacity * layer.thickness * share


def _mean_body_temperature(
    s: ComplexArray, heat_capacity: float, inner: ComplexArray, outer: ComplexArray | None
) -> ComplexArray:
    """Mean temperature of a body that starts evenly at 1, in Laplace space, from the admittances of its inside and of
    its surroundings (None: its surface is held at 0).
    """
    share: ComplexArray = inner / (heat_capacity * s)  # 1 if the inside stays even
    kept = np.zeros_like(s) if outer is None else inner / (inner + outer)
    return ((1 - share) + share * kept) / s


def _langevin_term(q: ComplexArray) -> ComplexArray:
    """Return q coth q - 1, without cancellation for small q."""
    loss = np.expm1(-2 * q)
    series = q**2 / 3 - q**4 / 45 + 2 * q**6 / 945
    return np.where(np.abs(q) < 0.05, series, q * (2 + loss) / -loss - 1)


@frozen(eq=False)
class FilmCooling(TemperatureExperiment):
    """Temperature of a film (the first layer) after a flash, wide enough for heat to flow in one direction.

    Attributes
    ----------
    time : (n,) after the flash, increasing from above 0, s
    heating : "film" evenly through it, or at its "surface" (or as `setup` says)
    readout : mean of the "film", or its "surface"
    setup : back, temperature of the boundaries; depth of absorption for heat at the surface
    scale : signal per temperature; the temperature is relative to that of the film if it kept all heat
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS = ("scale", *SETUP_DEPTHS)

    time: Array = field(converter=increasing_positive, validator=filled, metadata=about("s", "time after the flash"))
    heating: FilmPart = field(default="film", kw_only=True, validator=one_of("film", "surface"))
    readout: FilmPart = field(default="film", kw_only=True, validator=one_of("film", "surface"))
    setup: Setup = field(factory=Setup, kw_only=True)
    name: str = field(default="cooling", kw_only=True)

    def predict(self, stack: Stack) -> Array:
        """(n,) temperature over that of the film if it kept all heat, times `scale`; layers need finite heat
        capacities.
        """
        heat_capacity = _areal_heat_capacity(stack.layers[0])
        s, weight = inverse_laplace(self.time)
        if (self.heating, self.readout) == ("film", "film"):
            response = self._mean_response(stack, s, heat_capacity)
        else:
            setup, film = self.setup, stack.layers[0]
            if self.heating != self.readout:  # heat and reading may be exchanged: heat over the film, read at its face
                planes = Plane(film.name), Plane(film.name)
                setup = evolve(setup, heater=planes[0], thermometer=planes[1], absorption_depth=1e9 * film.thickness)
            response = heat_capacity * impedance(stack, s, 0.0, setup=setup)[:, 0]
        return self.scale * (weight @ response).real

    def _mean_response(self, stack: Stack, s: ComplexArray, heat_capacity: float) -> ComplexArray:
        """(ns,) mean temperature of a film that starts evenly at 1."""
        film = evolve(stack.layers[0], name="film")
        inner = admittance(Stack([film]), s, 0.0)[:, 0]
        if len(stack.layers) == 1:
            return 1 / s if self.setup.back == "adiabatic" else _mean_body_temperature(s, heat_capacity, inner, None)
        rest = Stack(stack.layers[1:], stack.boundaries[1:])
        outer = admittance(rest, s, 0.0, back=self.setup.back, temperature=self.setup.temperature)[:, 0]
        outer = outer / (1 + outer * stack.boundaries[0].resistance(self.setup.temperature))  # in series: 1/Y + R
        return _mean_body_temperature(s, heat_capacity, inner, outer)


@frozen(eq=False)
class ParticleCooling(TemperatureExperiment):
    """Mean temperature of spheres in a liquid after a flash.

    The stack has two layers: the particle, with its radius for a thickness, and the infinite liquid.

    Attributes
    ----------
    time : (n,) after the flash, increasing from above 0, s
    scale : signal per temperature; the temperature is relative to that right after the flash
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS = ("scale",)

    time: Array = field(converter=increasing_positive, validator=filled, metadata=about("s", "time after the flash"))
    temperature: float = field(default=300.0, kw_only=True, converter=float, validator=quantity(), metadata=_TAKEN_AT)
    name: str = field(default="particle", kw_only=True)

    def predict(self, stack: Stack) -> Array:
        r"""(n,) mean temperature over that right after the flash, times `scale`.

        Inside, a sphere of conductivity k admits $k(qr\\coth qr - 1)/r$, $q = \\sqrt{sC/k}$; outside, the liquid
        $k(1/r + \\sqrt{s/D})$ behind the boundary.

        Raises
        ------
        InputError
            if the stack is not a finite layer (the particle) in an infinite one, with heat capacities
        """
        if len(stack.layers) != 2 or np.isfinite(stack.layers[1].thickness):
            raise InputError(
                f"particles in a liquid are a stack of two layers, the second one infinite, got "
                f"{', '.join(f'{v.name} ({v.thickness:g} m)' for v in stack.layers)}"
            )
        particle, liquid = stack.layers
        held, r = _areal_heat_capacity(particle, 1 / 3), particle.thickness
        if liquid.heat_capacity is None:
            raise InputError(f"layer {liquid.name} has no heat_capacity (J/m³K), which cooling needs")
        s, weight = inverse_laplace(self.time)
        q = np.asarray(np.sqrt(s * (3 * held / r) / particle.conductivity) * r, dtype=complex)
        inner = particle.conductivity / r * _langevin_term(q)
        outer = liquid.conductivity / r + np.sqrt(s * liquid.heat_capacity * liquid.conductivity)
        outer = np.asarray(outer / (1 + outer * stack.boundaries[0].resistance(self.temperature)), dtype=complex)
        return self.scale * (weight @ _mean_body_temperature(s, held, inner, outer)).real


@frozen(eq=False)
class LaserFlash(TemperatureExperiment):
    """Temperature of the far face of a stack after a flash on its top face, no heat leaving.

    Attributes
    ----------
    time : (n,) after the flash, increasing from above 0, s
    scale : signal per temperature; the temperature is relative to the final one
    name : stands before the names of its numbers in a fit
    """

    _PARAMETERS = ("scale",)

    time: Array = field(converter=increasing_positive, validator=filled, metadata=about("s", "time after the flash"))
    temperature: float = field(default=300.0, kw_only=True, converter=float, validator=quantity(), metadata=_TAKEN_AT)
    name: str = field(default="flash", kw_only=True)

    def predict(self, stack: Stack) -> Array:
        """(n,) temperature of the far face over the final one, times `scale`; layers need finite heat capacities."""
        held = sum(_areal_heat_capacity(layer) for layer in stack.layers)
        s, weight = inverse_laplace(self.time)
        first, last = stack.layers[0].name, stack.layers[-1].name
        setup = Setup(Plane(first), Plane(last, from_bottom=True), temperature=self.temperature)
        return self.scale * held * (weight @ impedance(stack, s, 0.0, setup=setup)[:, 0]).real
