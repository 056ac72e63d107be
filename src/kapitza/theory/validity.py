r"""Ranges in which models hold, and what is said beyond them.

A model of sound waves up to a
cutoff holds where waves are long beside the lattice, below about a tenth of the Debye temperature; one with full bands
up to melting; one with electrons in series where phonons scatter one another.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, temperatures
from kapitza.core.conductance import Conductance
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.elastic import Elastic
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.models import Estimate, contact_electrons, find_model
from kapitza.theory.sides import InterfaceSide
from kapitza.units import hbar, k_B

SOUND_SHARE = 0.1  # of the Debye temperature up to which phonons are waves of sound
_ELECTRON_SHARE = 1 / 3  # of the Debye temperature of a metal from which phonons scatter one another
_BOUND_SLACK = 1e-3  # of a limit: quadrature


def debye_temperature_of(side: InterfaceSide) -> float | None:
    r"""Temperature of the highest wave of sound up to the cutoff, $\hbar\omega_c/k_B$, K; None for a side of bands
    alone.
    """
    form = side.solid or side.fluid or side.elastic
    return None if form is None else float(hbar * np.max(form.cutoffs) / k_B)


def range_remarks(
    models: Sequence[str], left: InterfaceSide, right: InterfaceSide, temperature: ArrayLike
) -> tuple[str, ...]:
    """Return in a line each which of some models are out of their range at some of the temperatures (nT,) K."""
    kelvin = temperatures(temperature)
    chosen = [find_model(name) for name in dict.fromkeys(models)]
    by_sound = [one.name for one in chosen if not one.sides.fullest or any(map(_is_sound, one.forms(left, right)))]
    found = [_sound_remark(by_sound, (left, right), kelvin)] if by_sound else []
    if any(one.electrons for one in chosen):
        found.append(_electron_remark(left, right, kelvin))
    return tuple(filter(None, found))


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
        held: Conductance | None = getattr(one, drop)
        if one.limit or held is None:
            continue
        most = 2 * one.emitted.value if bound is None else bound
        if (held.value > most * (1 + _BOUND_SLACK)).any():
            above.append(one.model)
    if not above:
        return ""
    return (
        f"{', '.join(above)}: more than the softer side can emit, a limit of the emitted drop alone; by the {drop} "
        "drop a good contact is the small difference of nearly equal resistances, and uncertain by its own size"
    )


def _is_sound(form: object) -> bool:
    """Whether phonons are waves of sound up to a cutoff."""
    return isinstance(form, Solid | Elastic | Fluid)


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
