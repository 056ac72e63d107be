r"""Two liquids in small channels on both sides of a wall: where two solid-liquid boundaries come to matter.

Laminar convection, $h = \mathrm{Nu}\,k/D$, grows as channels shrink, and the boundaries do not: below a diameter of Nu
Kapitza lengths of the liquid they are the larger resistance.
"""

import warnings
from typing import Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import about, number, one_of, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord, default_number
from kapitza.core.stack import Boundary
from kapitza.errors import InputError, ValidityWarning

FlowArrangement = Literal["counter", "parallel"]
FLOW_ARRANGEMENTS: tuple[FlowArrangement, ...] = ("counter", "parallel")

# of fully developed laminar flow (R. K. Shah, A. L. London, Laminar Flow Forced Convection in Ducts, 1978)
NUSSELT_NUMBERS = {"circular": 3.66, "circular, even flux": 4.36, "slit": 7.54, "slit, even flux": 8.24}
_MAX_LAMINAR_REYNOLDS = 2300.0  # Reynolds number
_MIN_PECLET = 10.0  # Péclet number of the length, below which heat spreads along the liquid too
_MIN_CONTINUUM_DIAMETER = 10e-9  # m, some thirty molecules of water, below which a liquid is no longer a continuum


@frozen(kw_only=True)
class Stream(BaseRecord):
    """A liquid in one of two channels.

    Raises
    ------
    InputError
        for values that are not finite and positive

    Examples
    --------
    >>> from kapitza.applications import Stream
    >>> water = Stream(
    ...     inlet=340.0, flow=1e-8, diameter=1e-4, section=1e-8, conductivity=0.6, heat_capacity=4.18e6,
    ...     viscosity=8.9e-4, density=997.0,
    ... )
    >>> print(f"Reynolds number {water.reynolds:.0f}: laminar; {water.capacity * 1e3:.0f} mW/K")
    Reynolds number 112: laminar; 42 mW/K
    """

    inlet: float = field(converter=number, validator=quantity(), metadata=about("K", "temperature at the inlet"))
    flow: float = field(converter=number, validator=quantity(), metadata=about("m^3 s^-1", "volume per time"))
    conductivity: float = field(converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "of the liquid"))
    heat_capacity: float = field(converter=number, validator=quantity(), metadata=about("J m^-3 K^-1", "per volume"))
    viscosity: float = field(converter=number, validator=quantity(), metadata=about("Pa s", "dynamic"))
    density: float = field(converter=number, validator=quantity(), metadata=about("kg m^-3", "of the liquid"))
    diameter: float = field(
        converter=number,
        validator=quantity(),
        metadata=about("m", "4 sections over the perimeter; of a slit 2 heights"),
    )
    section: float = field(converter=number, validator=quantity(), metadata=about("m^2", "of the channel"))
    nusselt: float = default_number(
        NUSSELT_NUMBERS["slit"], about("1", "of developed flow: 7.54 of a slit, 3.66 of a circular pipe"), quantity()
    )

    @property
    def coefficient(self) -> float:
        """Of convection to a wall, h = Nu k/D, W m⁻² K⁻¹."""
        return self.nusselt * self.conductivity / self.diameter

    @property
    def capacity(self) -> float:
        """Heat that the stream takes up per time and kelvin, W K⁻¹."""
        return self.flow * self.heat_capacity

    @property
    def reynolds(self) -> float:
        """Density times speed times diameter over viscosity."""
        return self.density * self.flow / self.section * self.diameter / self.viscosity

    def peclet(self, length: float) -> float:
        """Speed times a length (m) over the diffusivity of heat."""
        return self.flow / self.section * length * self.heat_capacity / self.conductivity


@frozen(eq=False, kw_only=True)
class HeatExchanger(BaseRecord):
    """Two streams on both sides of a wall.

    Attributes
    ----------
    hot_boundary, cold_boundary : numbers (infinite for none) or Conductances of T with the extrapolated drop

    Raises
    ------
    InputError
        for values outside of their range, or streams in the wrong order

    Examples
    --------
    >>> from kapitza.applications import HeatExchanger, Stream
    >>> water = {"conductivity": 0.6, "heat_capacity": 4.18e6, "viscosity": 8.9e-4, "density": 997.0}
    >>> hot, cold = (Stream(inlet=inlet, flow=1e-8, diameter=1e-4, section=1e-8, **water) for inlet in (340.0, 300.0))
    >>> plates = HeatExchanger(
    ...     hot=hot, cold=cold, wall=50e-6, wall_conductivity=148.0, area=1e-6, length=1e-2, hot_boundary=1e7
    ... )
    >>> for part, resistance in plates.resistances().items():
    ...     print(f"{part}: {resistance * 1e6:.1f} m²K/MW")
    hot convection: 22.1 m²K/MW
    hot boundary: 0.1 m²K/MW
    wall: 0.3 m²K/MW
    cold boundary: 0.0 m²K/MW
    cold convection: 22.1 m²K/MW
    """

    hot: Stream
    cold: Stream
    wall: float = field(converter=number, validator=quantity(), metadata=about("m", "thickness of the wall"))
    wall_conductivity: float = field(
        converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "of the wall")
    )
    area: float = field(converter=number, validator=quantity(), metadata=about("m^2", "of the wall"))
    length: float = field(converter=number, validator=quantity(), metadata=about("m", "of the channels"))
    hot_boundary: float | Conductance = field(default=np.inf, metadata=about("W m^-2 K^-1", "hot liquid to wall"))
    cold_boundary: float | Conductance = field(default=np.inf, metadata=about("W m^-2 K^-1", "wall to cold liquid"))
    arrangement: FlowArrangement = field(default="counter", validator=one_of(*FLOW_ARRANGEMENTS))

    def __attrs_post_init__(self) -> None:
        if not self.hot.inlet > self.cold.inlet:
            raise InputError(f"the hot stream enters at {self.hot.inlet:g} K, the cold one at {self.cold.inlet:g} K")
        Boundary(self.hot_boundary)
        Boundary(self.cold_boundary)

    def resistances(self) -> dict[str, float]:
        """What stands between both streams, from hot to cold, m² K W⁻¹; boundaries at the temperature of the inlet."""
        return {
            "hot convection": 1 / self.hot.coefficient,
            "hot boundary": Boundary(self.hot_boundary).resistance(self.hot.inlet),
            "wall": self.wall / self.wall_conductivity,
            "cold boundary": Boundary(self.cold_boundary).resistance(self.cold.inlet),
            "cold convection": 1 / self.cold.coefficient,
        }


@frozen(kw_only=True)
class HeatExchange(BaseRecord):
    """What an exchanger does.

    Examples
    --------
    >>> from kapitza.applications import HeatExchanger, Stream, heat_exchange
    >>> water = {"conductivity": 0.6, "heat_capacity": 4.18e6, "viscosity": 8.9e-4, "density": 997.0}
    >>> hot, cold = (Stream(inlet=inlet, flow=1e-8, diameter=1e-4, section=1e-8, **water) for inlet in (340.0, 300.0))
    >>> plates = HeatExchanger(
    ...     hot=hot, cold=cold, wall=50e-6, wall_conductivity=148.0, area=1e-6, length=1e-2, hot_boundary=1e7
    ... )
    >>> found = heat_exchange(plates)
    >>> print(f"{found.heat:.3f} W, {found.effectiveness:.0%} of the most that could pass")
    0.583 W, 35% of the most that could pass
    """

    coefficient: float = field(metadata=about("W m^-2 K^-1", "overall heat transfer coefficient U"))
    transfer_units: float = field(metadata=about("1", "UA over the smaller capacity"))
    effectiveness: float = field(metadata=about("1", "heat over the most that any exchanger could move"))
    heat: float = field(metadata=about("W", "heat that passes from hot to cold"))
    hot_out: float = field(metadata=about("K", "outlet temperature of the hot stream"))
    cold_out: float = field(metadata=about("K", "outlet temperature of the cold stream"))
    boundary_share: float = field(metadata=about("1", "part of the resistance that is the two boundaries"))


def heat_exchange(exchanger: HeatExchanger) -> HeatExchange:
    r"""Heat between the streams, $1/U = 1/h_1 + R_1 + t/k + R_2 + 1/h_2$.

    With $N = UA/C_{min}$ and $c = C_{min}/C_{max}$ the effectiveness is
    $\frac{1 - e^{-N(1-c)}}{1 - ce^{-N(1-c)}}$ in counter flow, N/(1 + N) there for c = 1, and
    $\frac{1 - e^{-N(1+c)}}{1 + c}$ in parallel flow.

    Parameters
    ----------
    exchanger : streams, wall and boundaries

    Warns
    -----
    ValidityWarning
        for turbulent flow, for flow so slow that heat spreads along it, and for channels below 10 nm

    References
    ----------
    W. M. Kays and A. L. London, Compact Heat Exchangers (McGraw-Hill, New York, 1984)

    Examples
    --------
    >>> from kapitza.applications import HeatExchanger, Stream, heat_exchange
    >>> water = {"conductivity": 0.6, "heat_capacity": 4.18e6, "viscosity": 8.9e-4, "density": 997.0}
    >>> hot, cold = (Stream(inlet=inlet, flow=1e-8, diameter=1e-4, section=1e-8, **water) for inlet in (340.0, 300.0))
    >>> plates = HeatExchanger(
    ...     hot=hot, cold=cold, wall=50e-6, wall_conductivity=148.0, area=1e-6, length=1e-2, hot_boundary=1e7
    ... )
    >>> found = heat_exchange(plates)
    >>> print(f"{found.hot_out:.1f} K, {found.cold_out:.1f} K; boundary {found.boundary_share:.2%}")
    326.0 K, 314.0 K; boundary 0.22%
    """
    for name, stream in (("hot", exchanger.hot), ("cold", exchanger.cold)):
        faults: list[str] = []
        if stream.reynolds > _MAX_LAMINAR_REYNOLDS:
            faults.append(f"has the Reynolds number {stream.reynolds:.3g}: it is turbulent")
        if (peclet := stream.peclet(exchanger.length)) < _MIN_PECLET:
            faults.append(f"has the Péclet number {peclet:.3g} along its channel: heat spreads along the liquid too")
        if stream.diameter < _MIN_CONTINUUM_DIAMETER:
            faults.append(f"has a diameter of {stream.diameter:.3g} m: too narrow for a continuum")
        for fault in faults:
            warnings.warn(f"the {name} stream {fault}", ValidityWarning, stacklevel=2)
    parts = exchanger.resistances()
    coefficient = 1 / sum(parts.values())
    small, large = sorted((exchanger.hot.capacity, exchanger.cold.capacity))
    units = coefficient * exchanger.area / small
    share = effectiveness(units, small / large, exchanger.arrangement)
    heat = share * small * (exchanger.hot.inlet - exchanger.cold.inlet)
    return HeatExchange(
        coefficient=coefficient,
        transfer_units=units,
        effectiveness=share,
        heat=heat,
        hot_out=exchanger.hot.inlet - heat / exchanger.hot.capacity,
        cold_out=exchanger.cold.inlet + heat / exchanger.cold.capacity,
        boundary_share=(parts["hot boundary"] + parts["cold boundary"]) * coefficient,
    )


def effectiveness(units: float, ratio: float, arrangement: FlowArrangement = "counter") -> float:
    """Heat over the most that any exchanger could move, from N = UA over the smaller capacity and the `ratio` (0..1) of
    the smaller to the larger capacity.
    """
    if arrangement == "parallel":
        return float(-np.expm1(-units * (1 + ratio)) / (1 + ratio))
    if 1 - ratio < 1e-9:  # the limit of the form below, which is 0/0 at c = 1
        return units / (1 + units)
    lost = -np.expm1(-units * (1 - ratio))
    return float(lost / (1 - ratio + ratio * lost))  # 1 - ce^{-N(1-c)} without cancellation


def crossover_diameter(
    conductivity: float, conductance: float | Conductance, nusselt: float = NUSSELT_NUMBERS["slit"]
) -> float:
    r"""Hydraulic diameter below which a boundary (W m⁻² K⁻¹) resists more than convection in a liquid (W m⁻¹ K⁻¹), $D =
    \mathrm{Nu}\,l_K$, m.
    """
    return nusselt * conductivity * Boundary(conductance).resistance()
