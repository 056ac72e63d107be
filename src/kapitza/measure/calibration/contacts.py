r"""What the calibration knows of a contact before anything was measured: bonding, mismatch, affinity.

Two Debye solids give the trend: $\ln(G_\mathrm{DMM} + 0.05\, G_\mathrm{soft})$, where $G_\mathrm{soft}$ is the
radiation limit of the softer side.  The small share of it stands for inelastic channels, which is all that is left
where the spectra hardly overlap.  Where both sides have phonons in the package, how far the same number from their
full bands lies from that of Debye solids is one more feature; as bands overlap less, their share is larger, 0.15.  To
it is added how far the solved apparent conductance lies from the emitted one at 300 K: measurements are of the former.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.library import material, materials
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material, composition
from kapitza.matter.phonons import has_phonons
from kapitza.matter.sheet import LIBRARY_SHEETS
from kapitza.measure.apparent import solve_apparent
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import radiation_limit
from kapitza.theory.models import apply_models
from kapitza.theory.sides import describe_side, describe_sides
from kapitza.units import MW

INELASTIC_SHARE = 0.05  # of the radiation limit of the softer side, added to the diffuse mismatch model
BANDS_SHARE = 0.15  # the same for full bands, whose spectra overlap less
_ROOM_TEMPERATURE = 300.0  # K

# Enthalpy of formation of the oxide, kJ per mol of oxygen atoms: D. D. Wagman et al., J. Phys. Chem. Ref. Data 11,
# suppl. 2 (1982), rounded.  It orders metals by how strongly they bond to oxides, nitrides and carbon.
_OXIDE_ENTHALPY: Mapping[str, float] = MappingProxyType({
    "Au": 0, "Ag": -31, "Pt": -50, "Pd": -85, "Rh": -114, "Ir": -125, "Ru": -152, "Cu": -169, "Bi": -191, "Pb": -219,
    "Co": -238, "Ni": -240, "Sb": -240, "Cd": -258, "Fe": -272, "Sn": -289, "Mo": -294, "W": -295, "In": -309,
    "Zn": -350, "Cr": -380, "Nb": -398, "V": -406, "Ta": -409, "Ti": -472, "Zr": -550, "Al": -559, "Mg": -602,
    "Be": -609, "Er": -633, "Sc": -636,
})  # fmt: skip
_AFFINITY_SCALE, _NO_METAL = 300.0, -0.9  # kJ/mol; where no side is a metal
_METAL_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType({
    "noble metal": frozenset({"Au", "Ag", "Cu", "Pt", "Pd", "Rh", "Ir", "Ru"}),
    "soft metal": frozenset({"Pb", "Bi", "Sn", "In", "Sb", "Cd", "Zn"}),
    "light metal": frozenset({"Al", "Mg", "Be"}),
})  # fmt: skip
_USUAL_BANDS = -0.6  # trend of full bands less that of Debye solids, where nobody knows bands
_USUAL_EXCESS = -0.2  # ln of the apparent conductance over the emitted one, where it cannot be solved for
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_LAYERED = frozenset({"graphite", "h-BN", "Bi2Te3", "Sb2Te3", "MoS2", "WS2", "SnSe"})


@frozen(kw_only=True)
class Contact(BaseRecord):
    r"""Two sides, and the numbers by which contacts are alike.

    Attributes
    ----------
    left, right : names of the sides
    bonding : class of each side, as "noble metal" or "oxide"
    metals : number of metals among the sides
    contrast : $\ln(\theta_\mathrm{stiff}/\theta_\mathrm{soft})$ of the longitudinal Debye temperatures
    impedance : $|\ln(Z_1/Z_2)|$ of the longitudinal impedances
    affinity : enthalpy of formation of the metal's oxide over 300 kJ per mol of oxygen
    """

    left: str
    right: str
    bonding: tuple[str, str]
    metals: int
    contrast: float
    impedance: float
    affinity: float

    @property
    def name(self) -> str:
        """Both sides, in alphabetical order."""
        return "/".join(sorted((self.left, self.right)))


class Mismatch(NamedTuple):
    """Two sides by models of physics, (nT,) each."""

    diffuse: Array  # ln of G in MW m⁻² K⁻¹ by the diffuse mismatch model of two Debye solids
    soft: Array  # the same by the radiation limit of the softer side
    bands: Array  # trend of full bands less that of Debye solids, and what a measurement sees of it

    @property
    def trend(self) -> Array:
        """(nT,) ln G of what two Debye solids let one expect."""
        return np.logaddexp(self.diffuse, np.log(INELASTIC_SHARE) + self.soft)


LINEAR: Mapping[str, float] = MappingProxyType({  # features that enter linearly, with the value about which they do
    "trend": 6.0, "contrast": 1.0, "impedance": 0.8, "affinity": -1.0, "temperature": -0.4,
    "bands": _USUAL_BANDS + _USUAL_EXCESS,
})  # fmt: skip
SMOOTH = ("excess", "impedance", "affinity", "temperature")  # features of which a smooth function is learnt


def contact_features(contact: Contact, temperature: Array, mismatch: Mismatch) -> dict[str, Array]:
    """(nT,) features by name, from the temperature (K) and what models of physics say."""
    constant = {
        name: np.full_like(temperature, getattr(contact, name)) for name in ("contrast", "impedance", "affinity")
    }
    kelvin = np.log(temperature / _ROOM_TEMPERATURE)
    excess = mismatch.soft - mismatch.diffuse
    return {"trend": mismatch.trend, "excess": excess, "temperature": kelvin, "bands": mismatch.bands, **constant}


def refusal(left: str | Material, right: str | Material) -> str:
    """Why the calibration has no business with two sides; empty where it has.

    Single layers, organic matter, liquids, helium and two conductors are outside of what it has learnt from.  A layered
    crystal is a solid like others: it is taken where the library has its density and speeds of sound, as of graphite
    and h-BN.  A name that may mean a crystal or a single layer of it means the crystal, if the package has that.
    """
    for side in (left, right):
        if isinstance(side, str) and side in LIBRARY_SHEETS and side not in materials():
            if has_phonons(side):
                return f"the library has no density and speeds of sound of {side}, the crystal"
            return f"bonds to sheets of {side} were not learnt"
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    for side in sides:
        elements = composition(side.formula)
        if side.symmetry == LIQUID_SYMMETRY:
            return f"{side.name} is a liquid"
        if "H" in elements:
            return f"{side.name} is organic or holds hydrogen"
        if "He" in elements:
            return f"{side.name} is a quantum solid"
    if all(map(_conducts, sides)):
        return f"electrons carry the heat between {sides[0].name} and {sides[1].name}"
    return f"both sides are {sides[0].name}" if sides[0].name == sides[1].name else ""


def describe_contact(left: str | Material, right: str | Material) -> Contact:
    """Classes and mismatch of two sides; InputError with the reason where the calibration refuses them."""
    if why := refusal(left, right):
        raise InputError(f"no calibrated estimate: {why}; ask for the models of physics alone")
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    solids = [side.solid() for side in sides]
    debye = np.log([solid.cutoffs.max() for solid in solids])
    stiffness = np.log([solid.density * solid.longitudinal for solid in solids])
    metals = [element for side in sides if (element := _metal(side))]
    return Contact(
        left=sides[0].name,
        right=sides[1].name,
        bonding=(bonding_class(sides[0]), bonding_class(sides[1])),
        metals=len(metals),
        contrast=float(np.ptp(debye)),
        impedance=float(np.ptp(stiffness)),
        affinity=_OXIDE_ENTHALPY[metals[0]] / _AFFINITY_SCALE if metals else _NO_METAL,
    )


def mismatch_conductances(left: str | Material, right: str | Material, temperature: Array) -> Mismatch:
    """What models of physics say of two sides at temperatures (nT,) K."""
    sides = [material(side) if isinstance(side, str) else side for side in (left, right)]
    diffuse, limit = _debye_transmissions(sides[0], sides[1])
    kelvin, back = np.unique(temperature, return_inverse=True)
    debye = np.log(diffuse.conductance(kelvin).value / MW)
    soft = np.log(limit.conductance(kelvin).value / MW)
    full = None if isinstance(left, Material) or isinstance(right, Material) else _band_transmissions(left, right)
    bands = np.full_like(debye, _USUAL_BANDS)
    if full is not None:
        elastic, other = (np.log(one.conductance(kelvin).value / MW) for one in full)
        bands = np.logaddexp(elastic, np.log(BANDS_SHARE) + other) - np.logaddexp(debye, np.log(INELASTIC_SHARE) + soft)
    excess = _USUAL_EXCESS
    if isinstance(left, str) and isinstance(right, str):
        excess = _apparent_excess(min(left, right), max(left, right))
    return Mismatch(debye[back], soft[back], bands[back] + excess)


@lru_cache(maxsize=256)
def _apparent_excess(left: str, right: str) -> float:
    """Logarithm of what TDTR sees of a boundary at 300 K over what the elastic diffuse mismatch model emits."""
    try:
        sides = describe_sides(left, right)
        seen = solve_apparent(*sides, _ROOM_TEMPERATURE).conductance.value[0]
    except InputError:  # a glass, a metal on a metal, or a lattice of unknown conductivity
        return _USUAL_EXCESS
    (elastic,) = apply_models(*sides, _ROOM_TEMPERATURE, ["dmm"])
    return float(np.log(seen / elastic.emitted.value[0])) if np.isfinite(seen) else _USUAL_EXCESS


@lru_cache(maxsize=256)
def _band_transmissions(left: str, right: str) -> tuple[Transmission, Transmission] | None:
    """Diffuse mismatch of full bands and the limit of the softer side; None where a side has none in the package."""
    one, other = describe_side(left).crystal, describe_side(right).crystal
    if one is None or other is None:
        return None
    first, second = one.spectrum, other.spectrum
    softer = "left" if first.edges[-1] < second.edges[-1] else "right"
    return dmm(first, second), radiation_limit(first, second, softer)


@lru_cache(maxsize=256)
def _debye_transmissions(left: Material, right: Material) -> tuple[Transmission, Transmission]:
    one, other = left.solid(), right.solid()
    softer = "left" if one.cutoffs.max() < other.cutoffs.max() else "right"
    return dmm(one, other), radiation_limit(one, other, softer)


def bonding_class(side: Material) -> str:
    """Class of bonding of a solid, by its elements."""
    elements = set(composition(side.formula))
    if metal := _metal(side):
        return next((name for name, known in _METAL_CLASSES.items() if metal in known), "transition metal")
    if side.name in _LAYERED:
        return "layered"
    if side.name == "diamond":
        return "diamond"
    if side.symmetry == GLASS_SYMMETRY:
        return "glass"
    if "O" in elements:
        return "oxide"
    if elements & _HALOGENS:
        return "salt"
    return "nitride or carbide" if elements & {"N", "C"} else "semiconductor"


def _metal(side: Material) -> str:
    """Element of a pure metal; empty for all else."""
    elements = list(composition(side.formula))
    return elements[0] if len(elements) == 1 and elements[0] in _OXIDE_ENTHALPY else ""


def _conducts(side: Material) -> bool:
    """Whether electrons carry heat in a solid: pure metals, nitrides and carbides of transition metals."""
    elements = set(composition(side.formula))
    light = set().union(*_METAL_CLASSES.values())
    return bool(_metal(side)) or bool(elements & {"N", "C"} and elements & (set(_OXIDE_ENTHALPY) - light))
