"""How a boundary is seen: by a modulated or a steady laser, between layers, or in molecular dynamics."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import field, frozen

from kapitza.core.arrays import about, above_zero, check_plausible, number, one_of
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.matter.electrons import Electrons
from kapitza.matter.lattice_conductivity import LatticeConductivity
from kapitza.theory.sides import InterfaceSide

ObservationMethod = Literal["tdtr", "sstr", "film", "md"]
OBSERVATION_METHODS: tuple[ObservationMethod, ...] = ("tdtr", "sstr", "film", "md")
_THICKNESS_RANGE = (1e-9, 1e-3)  # m, of films and spots
_FREQUENCY_RANGE = (10.0, 1e10)  # Hz, of a modulated laser


@frozen(kw_only=True)
class Observation(BaseRecord):
    """How the conductance of a boundary is measured or simulated.

    Attributes
    ----------
    method : "tdtr": modulated thermoreflectance of a metal film on a thick substrate; "sstr": a steady flux from such a
        film into a substrate as deep as the radius of the laser spot; "film": a steady flux between two layers of one
        thickness; "md": the same by classical statistics

    Raises
    ------
    InputError
        for an unknown method or numbers that are not above zero
    """

    method: ObservationMethod = field(default="tdtr", validator=one_of(*OBSERVATION_METHODS))
    thickness: float = field(
        default=1e-7, converter=number, validator=above_zero, metadata=about("m", "of the film, or of both layers")
    )
    frequency: float = field(
        default=1e7, converter=number, validator=above_zero, metadata=about("Hz", "modulation (tdtr)")
    )
    spot: float = field(default=1e-5, converter=number, validator=above_zero, metadata=about("m", "radius (sstr)"))

    def __attrs_post_init__(self) -> None:
        check_plausible("thickness", self.thickness, *_THICKNESS_RANGE, "m", self.method)
        check_plausible("frequency", self.frequency, *_FREQUENCY_RANGE, "Hz", self.method)
        check_plausible("radius of the spot", self.spot, *_THICKNESS_RANGE, "m", self.method)

    @property
    def title(self) -> str:
        """For legends and tables."""
        thick = _in_words(self.thickness, "m")
        return {
            "tdtr": f"TDTR, {thick} film, {_in_words(self.frequency, 'Hz')}",
            "sstr": f"SSTR, {thick} film, {_in_words(self.spot, 'm')} spot",
            "film": f"layers of {thick}, steady",
            "md": f"MD, sides of {thick}, classical",
        }[self.method]


# how a method is mostly used where its source does not say: observation, modulation (Hz), radius of the spot (m)
USUAL_PRACTICE: Mapping[str, tuple[ObservationMethod, float, float]] = MappingProxyType(
    {
        "TDTR": ("tdtr", 1e7, 1e-5),
        "TDTR and steady state": ("tdtr", 1e7, 1e-5),
        "thermoreflectance": ("tdtr", 1e7, 1e-5),  # pulses whose decay is followed for nanoseconds
        "FDTR": ("tdtr", 1e6, 1e-5),  # between 0.1 and 10 MHz
        "electron diffraction": ("tdtr", 1e8, 1e-5),  # a film that cools within some nanoseconds
        "3ω": ("sstr", 1e7, 1e-5),  # a heater some 10 µm wide on the film
        "3ω and thermoreflectance": ("sstr", 1e7, 1e-5),
        "electrical thermometry": ("sstr", 1e7, 1e-5),
        "Raman thermometry": ("sstr", 1e7, 1e-6),  # a focused laser
    }
)
USUAL_EXPERIMENT = Observation()  # TDTR at 10 MHz of a film of 100 nm


def usual_observation(method: str, thickness: float | None = None) -> Observation:
    """How a measurement by a method of the catalogue sees a boundary: with its film, the rest as it is mostly done.

    TDTR at 10 MHz, FDTR at 1 MHz, electron diffraction within some nanoseconds (100 MHz); 3ω and electrical thermometry
    steady, into a depth of 10 µm, Raman thermometry of 1 µm; a film of 100 nm where its thickness (m) is not known, and
    TDTR for other methods.
    """
    kind, frequency, spot = USUAL_PRACTICE.get(method, USUAL_PRACTICE["TDTR"])
    film = USUAL_EXPERIMENT.thickness if thickness is None else min(max(thickness, _THICKNESS_RANGE[0]), 1e-4)
    return Observation(method=kind, thickness=film, frequency=frequency, spot=spot)


_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def _in_words(value: float, unit: str) -> str:
    """A length (m) or a frequency (Hz) with the prefix that suits it."""
    scale, prefix = next(((scale, one) for scale, one in _PREFIXES if value >= 0.9999 * scale), _PREFIXES[-1])
    return f"{value / scale:.4g} {prefix}{unit}"


@frozen(eq=False, kw_only=True)
class ObservedBoundary(BaseRecord):
    """Two described sides with an elastic boundary, as they are seen."""

    left: InterfaceSide
    right: InterfaceSide
    boundary: Transmission
    observation: Observation
    statistics: Statistics
    electrons: Electrons | None  # of the metal among both sides at 300 K, where they are known and count
    bounds: bool = True  # whether what is not known is varied
    stated: bool = False  # whether the boundary is another one than the diffuse one of both spectra

    @property
    def has_metal(self) -> bool:
        """Whether one side is a metal."""
        return self.left.is_metal or self.right.is_metal


def is_uncertain(side: InterfaceSide, known: LatticeConductivity) -> bool:
    """Whether a lattice conductivity is known to a factor only: never measured by itself in a metal, or estimated."""
    return known.estimated or (side.is_metal and known.source != "given")
