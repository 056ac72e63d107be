r"""Phase-change memory: what it takes to melt a small volume, and how much of it boundaries save.

A pillar of the memory material between two electrodes, in a dielectric, heated throughout by its own current.  The heat
that leaves it passes boundaries on all sides; the smaller the pillar, the more of its thermal resistance they are.
"""

import warnings

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, number, positive, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary
from kapitza.errors import InputError, ValidityWarning

_MAX_RADIAL_RISE = 1.0  # of the rise inside of the pillar over that outside of it, above which its axis is much hotter
RADIAL_RISE_FACTOR = 8.0  # a cylinder heated evenly and cooled at its side is P/8πkh hotter than it in the mean


@frozen(eq=False, kw_only=True)
class MemoryCell(BaseRecord):
    """A pillar of phase-change material between two electrodes, in a dielectric.

    Half a pitch away, the dielectric is at the temperature of the chip.

    Raises
    ------
    InputError
        for values outside of their range, a pitch that leaves no dielectric, or a chip above the melting point
    """

    radius: float = field(converter=number, validator=quantity(), metadata=about("m", "of the pillar"))
    height: float = field(converter=number, validator=quantity(), metadata=about("m", "of the pillar"))
    conductivity: float = field(converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "of the pillar"))
    heat_capacity: float = field(converter=number, validator=quantity(), metadata=about("J m^-3 K^-1", "per volume"))
    resistance: float = field(converter=number, validator=quantity(), metadata=about("ohm", "electrical, while hot"))
    melting: float = field(converter=number, validator=quantity(), metadata=about("K", "melting point"))
    dielectric: float = field(
        converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "around the pillar")
    )
    pitch: float = field(converter=number, validator=quantity(), metadata=about("m", "from pillar to pillar"))
    electrode: float = field(converter=number, validator=quantity(), metadata=about("W m^-1 K^-1", "of the electrodes"))
    latent: float = field(default=0.0, converter=number, metadata=about("J m^-3", "heat of melting, per volume"))
    side: float | Conductance = field(default=np.inf, metadata=about("W m^-2 K^-1", "conductance to the dielectric"))
    contact: float | Conductance = field(default=np.inf, metadata=about("W m^-2 K^-1", "conductance to an electrode"))
    ambient: float = field(default=300.0, converter=number, validator=quantity(), metadata=about("K", "of the chip"))

    def __attrs_post_init__(self) -> None:
        if not self.pitch > 2 * self.radius:
            raise InputError(f"pitch = {self.pitch:g} m leaves no dielectric around a radius of {self.radius:g} m")
        if not self.melting > self.ambient:
            raise InputError(f"melting = {self.melting:g} K is not above the chip at {self.ambient:g} K")
        if not 0 <= self.latent < np.inf:
            raise InputError(f"latent = {self.latent:g} J/m³, wanted a finite number of at least 0")
        Boundary(self.side)
        Boundary(self.contact)

    @property
    def area(self) -> float:
        """Cross section of the pillar, m²."""
        return np.pi * self.radius**2

    @property
    def volume(self) -> float:
        """Of the pillar, m³."""
        return self.area * self.height

    @property
    def warm(self) -> float:
        """Temperature at which boundaries are taken, between chip and melt, K."""
        return (self.ambient + self.melting) / 2

    def side_resistance(self) -> tuple[float, float]:
        """Thermal resistance of a unit of length to the side: of the dielectric, and of its boundary, m K W⁻¹."""
        oxide = np.log(self.pitch / 2 / self.radius) / (2 * np.pi * self.dielectric)
        return float(oxide), Boundary(self.side).resistance(self.warm) / (2 * np.pi * self.radius)

    def end_resistance(self) -> tuple[float, float]:
        """Thermal resistance of one end: of the spreading into the electrode, and of its boundary, K W⁻¹."""
        return 1 / (4 * self.electrode * self.radius), Boundary(self.contact).resistance(self.warm) / self.area


@frozen(kw_only=True)
class ResetPulse(BaseRecord):
    """What melting the middle of a cell takes: the power holds its hottest point at the melting point.

    Examples
    --------
    >>> from kapitza.applications import MemoryCell, reset_pulse
    >>> cell = MemoryCell(
    ...     radius=20e-9, height=40e-9, conductivity=0.5, heat_capacity=1.3e6, resistance=5e3, melting=890.0,
    ...     dielectric=1.4, pitch=120e-9, electrode=60.0, side=30e6, contact=30e6,
    ... )
    >>> pulse = reset_pulse(cell)
    >>> print(f"{pulse.current * 1e6:.0f} µA melt the middle; its boundaries save {pulse.saved:.0%} of the current")
    121 µA melt the middle; its boundaries save 35% of the current
    """

    thermal_resistance: float = field(metadata=about("K W^-1", "thermal resistance"))
    power: float = field(metadata=about("W", "power of the pulse"))
    current: float = field(metadata=about("A", "reset current"))
    energy: float = field(metadata=about("J", "energy of a pulse"))
    mean_rise: float = field(metadata=about("K", "mean rise when the middle melts"))
    boundary_share: float = field(metadata=about("1", "part of it from boundaries"))
    current_without: float = field(metadata=about("A", "reset current without boundary resistance"))

    @property
    def saved(self) -> float:
        """Share of the current that the boundaries save."""
        return 1 - self.current / self.current_without


def dot_rise(power: ArrayLike, *, radius: float, conductivity: float, conductance: float | Conductance) -> Array:
    r"""(n,) rise of a small hot sphere in a wide dielectric, $\Delta T = \frac{P}{4\pi kr}\Big(1 + \frac{l_K}{r}\Big)$,
    K.

    $l_K = kR$ is the Kapitza length of the dielectric: dots smaller than it are kept hot by their boundary.
    """
    size, k = float(positive(radius)[0]), float(positive(conductivity)[0])
    length = k * Boundary(conductance).resistance()
    return positive(power) / (4 * np.pi * k * size) * (1 + length / size)


def reset_current_saving(*, radius: ArrayLike, conductivity: float, conductance: float | Conductance) -> Array:
    """(n,) share of the reset current that a boundary around a dot in a dielectric saves, $1 - (1 + l_K/r)^{-1/2}$."""
    length = float(positive(conductivity)[0]) * Boundary(conductance).resistance()
    return 1 - (1 + length / positive(radius)) ** -0.5


def pillar_profile(cell: MemoryCell, power: float, at: ArrayLike, *, boundaries: bool = True) -> Array:
    r"""(n,) temperature rise at heights `at` (m) above the middle of a pillar, averaged across it (K), heated evenly by
    a power (W); `boundaries=False` leaves their resistance out.

    $kA\theta'' = \theta/r_s - P/h$ with $r_s$ the resistance of a unit of length to the side, and $-kA\theta' =
    \theta/R_e$ at both ends: $\theta = \theta_\infty(1 - c\cosh(z/l)/\cosh(h/2l))$, $\theta_\infty = Pr_s/h$, $l^2 =
    kAr_s$.
    """
    side, end = (sum(parts) if boundaries else parts[0] for parts in (cell.side_resistance(), cell.end_resistance()))
    side += 1 / (RADIAL_RISE_FACTOR * np.pi * cell.conductivity)
    length = np.sqrt(cell.conductivity * cell.area * side)
    half = cell.height / 2 / length
    flat = power * side / cell.height
    # flux at the end over its temperature: kA θ∞ c tanh/l = θ∞(1 - c)/R
    share = 1 / (1 + end * cell.conductivity * cell.area / length * np.tanh(half))
    z = np.abs(np.asarray(at, dtype=float)) / length
    return flat * (1 - share * (np.exp(z - half) + np.exp(-z - half)) / (1 + np.exp(-2 * half)))  # cosh: no overflow


def reset_pulse(cell: MemoryCell, pulse: float = 50e-9) -> ResetPulse:
    """Power, current and energy that melt the middle of a cell.

    Parameters
    ----------
    cell : the pillar
    pulse : length of the pulse, long beside the time in which the cell warms up, s

    Raises
    ------
    InputError
        for a pulse that is not above zero

    Warns
    -----
    ValidityWarning
        where the pillar is so wide that it is much hotter in its axis than at its side, or the pulse is shorter than
        the cell takes to warm up
    """
    length = float(positive(pulse)[0])
    if 1 / (RADIAL_RISE_FACTOR * np.pi * cell.conductivity) > _MAX_RADIAL_RISE * sum(cell.side_resistance()):
        warnings.warn(
            f"a pillar of the radius {cell.radius:.3g} m loses heat to its side so easily that its axis is much hotter "
            "than its mean: the current is an upper estimate",
            ValidityWarning,
            stacklevel=2,
        )
    with_them, without = (float(pillar_profile(cell, 1.0, 0.0, boundaries=present)) for present in (True, False))
    rise = cell.melting - cell.ambient
    power = rise / with_them
    z = np.linspace(-cell.height / 2, cell.height / 2, 401)
    mean = float(np.trapezoid(pillar_profile(cell, power, z), z)) / cell.height
    warming = with_them * cell.heat_capacity * cell.volume
    if length < 2 * warming:
        warnings.warn(
            f"a pulse of {length:.3g} s is shorter than twice the {warming:.3g} s in which the cell warms up: it needs "
            "more current than this",
            ValidityWarning,
            stacklevel=2,
        )
    return ResetPulse(
        thermal_resistance=with_them,
        power=power,
        current=float(np.sqrt(power / cell.resistance)),
        energy=power * length + cell.volume * cell.latent,
        mean_rise=mean,
        boundary_share=1 - without / with_them,
        current_without=float(np.sqrt(rise / without / cell.resistance)),
    )
