r"""Remarks on the estimates of models: ranges in which these hold, numbers that nobody has verified, what is left out.

A model of sound waves up to a cutoff holds where waves are long beside the lattice, below about a tenth of the Debye
temperature; one with full bands up to melting; one with electrons in series where phonons scatter one another.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, temperatures
from kapitza.core.conductance import Conductance
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.elastic import Elastic
from kapitza.matter.electrons import material_electrons
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.library import material, materials
from kapitza.matter.material import Material
from kapitza.theory.models import Estimate, contact_electrons, find_model
from kapitza.theory.sides import InterfaceSide
from kapitza.units import hbar, k_B

SOUND_SHARE = 0.1  # of the Debye temperature up to which phonons are waves of sound
_ELECTRON_SHARE = 1 / 3  # of the Debye temperature of a metal from which phonons scatter one another
_BOUND_SLACK = 1e-3  # of a limit: quadrature
# forms of a side that are made of the numbers of its material; the whole side where a model sorts out liquid and solid
_LIBRARY_FORMS = (Solid, Elastic, Fluid, InterfaceSide)


def estimate_remarks(
    models: Sequence[str], left: InterfaceSide, right: InterfaceSide, temperature: ArrayLike
) -> tuple[str, ...]:
    """Return all remarks on estimates by some models, first what the names of the sides were taken for."""
    taken = dict.fromkeys(side.remark for side in (left, right) if side.remark)
    return (
        *taken,
        *range_remarks(models, left, right, temperature),
        *unverified_remarks(models, left, right),
        *left_out_remarks(left, right),
    )


def debye_temperature_of(side: InterfaceSide) -> float | None:
    r"""Temperature of the highest wave of sound, $\hbar\omega_c/k_B$, K; None for a side of bands alone."""
    form = side.solid or side.fluid or side.elastic
    return None if form is None else float(hbar * np.max(form.cutoffs) / k_B)


def range_remarks(
    models: Sequence[str], left: InterfaceSide, right: InterfaceSide, temperature: ArrayLike
) -> tuple[str, ...]:
    """Return in a line each which of some models are out of their range at some of the temperatures (nT,) K."""
    kelvin = temperatures(temperature)
    chosen = [find_model(name) for name in dict.fromkeys(models)]
    by_sound = [
        model.name
        for model in chosen
        if not model.sides.fullest
        or any(isinstance(model.sides.form(side), Solid | Elastic | Fluid) for side in (left, right))
    ]
    remarks = [_sound_remark(by_sound, (left, right), kelvin)] if by_sound else []
    if any(model.electrons for model in chosen):
        remarks.append(_electron_remark(left, right, kelvin))
    return tuple(filter(None, remarks))


def drop_remark(found: Sequence[Estimate], drop: str) -> str:
    """Return which models conduct more by a drop than the softer side can emit, which is no fault; empty for none.

    The limits bind the emitted conductance.  A drop at the plane, or between extrapolated profiles, leaves out what the
    sides themselves resist, and the better the contact, the smaller is the difference of nearly equal resistances that
    remains.  Where no limit is among the estimates, twice the emitted conductance counts, the limit of equal sides with
    half of all phonons crossing.
    """
    if drop == "emitted":
        return ""
    limits = [one.emitted.value for one in found if one.model.startswith("inelastic-limit")]
    bound = None if not limits else np.max(limits, axis=0)
    above: list[str] = []
    for one in found:
        conductance: Conductance | None = getattr(one, drop)
        if one.limit or conductance is None:
            continue
        most = 2 * one.emitted.value if bound is None else bound
        if (conductance.value > most * (1 + _BOUND_SLACK)).any():
            above.append(one.model)
    if not above:
        return ""
    return (
        f"{', '.join(above)}: more than the softer side can emit, a limit of the emitted drop alone; by the {drop} "
        "drop a good contact is the small difference of nearly equal resistances, and uncertain by its own size"
    )


def _sound_remark(names: list[str], sides: tuple[InterfaceSide, InterfaceSide], kelvin: Array) -> str:
    """What to say of models of sound; empty within their range."""
    known = [top for side in sides if (top := debye_temperature_of(side)) is not None]
    highest = SOUND_SHARE * min(known, default=float("inf"))
    hottest = float(kelvin.max(initial=0.0))
    if hottest <= highest:
        return ""
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    full = all(isinstance(side.spectrum, BandSpectrum) for side in sides)
    closer = "; those of full bands hold" if full else ""
    return (
        f"{listed}: waves of sound up to a cutoff, which hold below about {highest:.3g} K here (a tenth of the Debye "
        f"temperature), not at {hottest:.6g} K{closer}"
    )


def _electron_remark(left: InterfaceSide, right: InterfaceSide, kelvin: Array) -> str:
    """What to say of electrons in series with the lattice; empty within their range."""
    metal = left if left.is_metal else right
    top, coldest = debye_temperature_of(metal), float(kelvin.min(initial=np.inf))
    if contact_electrons(left, right) is None or top is None or coldest >= _ELECTRON_SHARE * top:
        return ""
    return (
        f"dmm-metal: the electrons of {metal.name} are those near 300 K, which hold above about "
        f"{_ELECTRON_SHARE * top:.3g} K (a third of its Debye temperature), not at {coldest:.6g} K"
    )


def unverified_remarks(models: Iterable[str], left: InterfaceSide, right: InterfaceSide) -> tuple[str, ...]:
    """Return one line for each side whose numbers these models took unverified; empty where all were read."""
    chosen = [find_model(name) for name in models]
    electrons = any(model.electrons for model in chosen) and contact_electrons(left, right) is not None
    lines: dict[str, None] = {}
    for side in (left, right):
        if side.material is None:
            continue
        waves = any(isinstance(model.sides.form(side), _LIBRARY_FORMS) for model in chosen)
        names = _unverified_waves(side.material) if waves else []
        names += _unverified_electrons(side.material) if electrons and side.is_metal else []
        if names:
            lines[f"numbers of {side.name} are not verified: {', '.join(names)}"] = None
    return tuple(lines)


def left_out_remarks(left: InterfaceSide, right: InterfaceSide) -> tuple[str, ...]:
    """Return a line for what an estimate misses because nobody has verified numbers: electrons and conductivities."""
    metal, other = (left, right) if left.is_metal else (right, left)
    if left.crystal is None or right.crystal is None or other.is_metal:
        return ()
    lines: dict[str, None] = {}
    full = _full_material(metal)
    if metal.electrons is None and full is not None and material_electrons(full) is not None:
        names = _unverified_electrons(full)
        verb = "is" if len(names) == 1 else "are"
        lines[f"electrons of {metal.name} are left out: their {' and '.join(names)} {verb} not verified"] = None
    for side in (left, right):
        full = _full_material(side)
        if full is not None and full.conductivity_table is not None and material(side.name).conductivity_table is None:
            lines[f"the apparent conductance is left out: the conductivity of {side.name} is not verified"] = None
    return tuple(lines)


def _full_material(side: InterfaceSide) -> Material | None:
    """Return the material of the library with all of its numbers; None for a side that is none of the library."""
    if side.material is None or side.name not in materials() or side.material != material(side.name):
        return None
    return material(side.name, unverified=True)


def _unverified_waves(material: Material) -> list[str]:
    """Return which of density, atoms, elastic constants and speeds of sound are not verified."""
    speeds = () if material.speeds == "hill" else (material.longitudinal, material.transverse)
    groups = {
        "density": (material.density,),
        "number of atoms": (material.atoms,),
        "elastic constants": tuple(material.constants.values()),
        "speed of sound": speeds,
    }
    return [name for name, numbers in groups.items() if any(one is not None and not one.verified for one in numbers)]


def _unverified_electrons(material: Material) -> list[str]:
    """Return which of the conductivities and the coupling of the electrons are not verified."""
    metal = material.metal
    groups = {
        "electronic conductivity": metal.conductivity,
        "lattice conductivity": metal.lattice,
        "electron-phonon coupling": metal.coupling,
    }
    return [name for name, one in groups.items() if one is not None and not one.verified]
