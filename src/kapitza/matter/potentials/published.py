r"""Published interatomic potentials as tables of numbers; matscipy evaluates them.

Tersoff: J. Tersoff, Phys. Rev. B 39, 5566 (1989), doi:10.1103/PhysRevB.39.5566.  Between two elements
$A_{ij} = \sqrt{A_iA_j}$, $B_{ij} = \chi_{ij}\sqrt{B_iB_j}$, $\lambda_{ij} = (\lambda_i + \lambda_j)/2$,
$\mu_{ij}$ likewise, $R_{ij} = \sqrt{R_iR_j}$, $S_{ij} = \sqrt{S_iS_j}$.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import combinations_with_replacement
from math import sqrt
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.matter.potentials.force_field import ATOMS_EXTRA, ATOMS_PURPOSE, ForceField, check_elements
from kapitza.units import angstrom

# Tersoff 1989: A and B (eV), λ and μ (Å⁻¹), β, n, c, d, h, R and S (Å)
TERSOFF_PARAMETERS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "C": (1393.6, 346.74, 3.4879, 2.2119, 1.5724e-7, 0.72751, 3.8049e4, 4.3484, -0.57058, 1.8, 2.1),
        "Si": (1830.8, 471.18, 2.4799, 1.7322, 1.1000e-6, 0.78734, 1.0039e5, 16.217, -0.59825, 2.7, 3.0),
        "Ge": (1769.0, 419.23, 2.4451, 1.7047, 9.0166e-7, 0.75627, 1.0643e5, 15.652, -0.43884, 2.8, 3.1),
    }
)
TERSOFF_CHI: Mapping[frozenset[str], float] = MappingProxyType(
    {frozenset(("C", "Si")): 0.9776, frozenset(("Si", "Ge")): 1.00061}
)

# Lennard-Jones: ε (meV), σ (Å); N. W. Ashcroft and N. D. Mermin, Solid State Physics (1976), table 20.2
LENNARD_JONES_PARAMETERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"Ne": (3.1, 2.74), "Ar": (10.4, 3.40), "Kr": (14.0, 3.65), "Xe": (20.0, 3.98)}
)
_LENNARD_JONES_CUTOFF = 2.5  # σ
_EMT_REACH = 12.0  # Å: twice the distance at which ASE's cutoff function is down to 1e-4

STILLINGER_WEBER_PARAMETERS: Mapping[str, float | str] = MappingProxyType(
    {
        "el": "Si", "epsilon": 2.1683, "sigma": 2.0951, "costheta0": 1 / 3, "A": 7.049556277, "B": 0.6022245584,
        "p": 4, "a": 1.80, "lambda1": 21.0, "gamma": 1.20,
    }
)  # fmt: skip
# Stillinger-Weber: ε (eV), σ (Å) and λ; the other numbers are those of silicon.  Ge: K. Ding and H. C. Andersen, Phys.
# Rev. B 34, 6987 (1986), doi:10.1103/PhysRevB.34.6987
STILLINGER_WEBER_ELEMENTS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {"Si": (2.1683, 2.0951, 21.0), "Ge": (1.93, 2.181, 31.0)}
)


@frozen
class _PublishedPotential(BaseRecord):
    """One potential: elements, what to cite, and how to make it for some of its elements."""

    symbols: tuple[str, ...]
    source: str
    make: Callable[[tuple[str, ...]], tuple[Any, float]]
    about: str
    usual: tuple[str, ...] = ()  # elements where nobody names any


def published_potential(name: str, symbols: Sequence[str] = ()) -> ForceField:
    """Return a published potential.

    Parameters
    ----------
    name : "tersoff" (Si, Ge, C), "stillinger-weber" or "sw" (Si), "lennard-jones" or "lj" (Ne, Ar, Kr, Xe),
        "erhart-albe" (Si, C), "matsunaga" (B, C, N), "emt" (fcc metals)
    symbols : elements that are wanted; all that go together if left out

    Raises
    ------
    InputError
        for an unknown name or an element without parameters
    MissingEngine
        without ase and matscipy
    """
    key = {"sw": "stillinger-weber", "lj": "lennard-jones"}.get(name.lower(), name.lower())
    if key not in PUBLISHED_POTENTIALS:
        close = get_close_matches(key, PUBLISHED_POTENTIALS, n=3, cutoff=0.4) or sorted(PUBLISHED_POTENTIALS)
        raise InputError(f"no potential {name!r}; did you mean {' or '.join(close)}?")
    entry = PUBLISHED_POTENTIALS[key]
    wanted = tuple(dict.fromkeys(symbols)) or entry.usual or entry.symbols
    check_elements(key, entry.symbols, wanted)
    calculator, reach = entry.make(wanted)
    return ForceField(key, calculator, reach * angstrom, symbols=wanted, source=entry.source)


def list_potentials() -> dict[str, str]:
    """Names of the potentials, each with its elements and source."""
    return {name: f"{', '.join(one.symbols)}: {one.about}; {one.source}" for name, one in PUBLISHED_POTENTIALS.items()}


def _manybody_calculator(form: str, parameters: dict[str, Any], cutoff: float) -> tuple[Any, float]:
    """Return a calculator of matscipy for a potential of a bond order, and how far its force constants reach (Å)."""
    room = _matscipy_module("manybody")
    terms = getattr(_matscipy_module("manybody.explicit_forms"), form)(parameters)
    return room.Manybody(**terms | {"d2G": _remember_triplets(terms["d2G"])}), 2 * cutoff


def _remember_triplets(derivative: Callable[..., Array]) -> Callable[..., Array]:
    """Keep a derivative of all triplets, from which single ones are taken: the Hessian of matscipy asks one by one."""
    together: list[Any] = []  # vectors, types and derivatives of the last call for many
    single: dict[tuple[Any, ...], Array] = {}

    def remembered_derivative(first: Array, second: Array, *types: Any) -> Array:
        if np.ndim(types[0]):
            single.clear()
            together[:] = [first, second, types, derivative(first, second, *types)]
            return together[-1]
        if together and not single:
            one, other, kinds, values = together
            keys = zip(map(bytes, one), map(bytes, other), *(kind.tolist() for kind in kinds), strict=True)
            single.update(zip(keys, values[:, None], strict=True))
        found = single.get((first.tobytes(), second.tobytes(), *types))
        return derivative(first, second, *types) if found is None else found

    return remembered_derivative


def _matscipy_module(module: str) -> ModuleType:
    require("matscipy", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)
    return require(f"matscipy.calculators.{module}", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)


def _tersoff_calculator(symbols: tuple[str, ...]) -> tuple[Any, float]:
    """Make Tersoff's potential of 1989; its mixing rules give the parameters between two elements."""
    if {"C", "Ge"} <= set(symbols):
        raise InputError(f"Tersoff published no bond of C and Ge, of {', '.join(symbols)}: leave one of them out")
    pairs = list(combinations_with_replacement(symbols, 2))
    rows = [(TERSOFF_PARAMETERS[a], TERSOFF_PARAMETERS[b], TERSOFF_CHI.get(frozenset((a, b)), 1.0)) for a, b in pairs]
    single = {
        key: [TERSOFF_PARAMETERS[s][i] for s in symbols]
        for i, key in ((4, "beta"), (5, "n"), (6, "c"), (7, "d"), (8, "h"))
    }
    parameters: dict[str, Any] = {
        "style": "tersoff",
        "el": list(symbols),
        "A": [sqrt(a[0] * b[0]) for a, b, _ in rows],
        "B": [sqrt(a[1] * b[1]) for a, b, _ in rows],
        "chi": [chi for _, _, chi in rows],
        "lambda": [(a[2] + b[2]) / 2 for a, b, _ in rows],
        "mu": [(a[3] + b[3]) / 2 for a, b, _ in rows],
        "lambda3": [0.0] * len(rows),
        "r1": [sqrt(a[9] * b[9]) for a, b, _ in rows],
        "r2": [sqrt(a[10] * b[10]) for a, b, _ in rows],
    } | single
    return _manybody_calculator("TersoffBrenner", parameters, max(parameters["r2"]))


def _matscipy_calculator(name: str) -> tuple[Any, float]:
    parameters = dict(getattr(_matscipy_module("manybody.explicit_forms.tersoff_brenner"), name))
    return _manybody_calculator("TersoffBrenner", parameters, max(parameters["r2"]))


def _lennard_jones_calculator(symbols: tuple[str, ...]) -> tuple[Any, float]:
    """Make Lennard-Jones with energy, force and stiffness brought to zero at 2.5 σ; Lorentz-Berthelot between two."""
    numbers = require("ase.data", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE).atomic_numbers
    room = _matscipy_module("pair_potential")
    pairs: dict[tuple[int, int], Any] = {}
    longest = 0.0
    for a, b in combinations_with_replacement(symbols, 2):
        epsilon = sqrt(LENNARD_JONES_PARAMETERS[a][0] * LENNARD_JONES_PARAMETERS[b][0]) * 1e-3
        sigma = (LENNARD_JONES_PARAMETERS[a][1] + LENNARD_JONES_PARAMETERS[b][1]) / 2
        one, other = sorted((int(numbers[a]), int(numbers[b])))
        pairs[one, other] = room.LennardJonesQuadratic(epsilon, sigma, _LENNARD_JONES_CUTOFF * sigma)
        longest = max(longest, _LENNARD_JONES_CUTOFF * sigma)
    return room.PairPotential(pairs), longest


_BCN_FORM = "Matsunaga_Fisher_Matsubara_Jpn_J_Appl_Phys_39_48_B_C_N"
PUBLISHED_POTENTIALS: Mapping[str, _PublishedPotential] = MappingProxyType({
    "tersoff": _PublishedPotential(
        ("Si", "Ge", "C"), "doi:10.1103/PhysRevB.39.5566", _tersoff_calculator, "Tersoff 1989", ("Si", "Ge")
    ),
    "stillinger-weber": _PublishedPotential(
        ("Si",), "doi:10.1103/PhysRevB.31.5262",
        lambda _: _manybody_calculator("StillingerWeber", dict(STILLINGER_WEBER_PARAMETERS), 1.80 * 2.0951),
        "Stillinger and Weber",
    ),
    "lennard-jones": _PublishedPotential(
        tuple(LENNARD_JONES_PARAMETERS), "ISBN 978-0-03-083993-1", _lennard_jones_calculator, "Lennard-Jones"
    ),
    "erhart-albe": _PublishedPotential(
        ("Si", "C"), "doi:10.1103/PhysRevB.71.035211", lambda _: _matscipy_calculator("Erhart_PRB_71_035211_SiC"),
        "Erhart and Albe",
    ),
    "matsunaga": _PublishedPotential(
        ("B", "C", "N"), "doi:10.1143/JJAP.39.L48", lambda _: _matscipy_calculator(_BCN_FORM),
        "Tersoff for B, C and N; without its factor ω for C-N bonds",
    ),
    "emt": _PublishedPotential(
        ("Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt"), "doi:10.1016/0039-6028(96)00816-3",
        lambda _: (require("ase.calculators.emt", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE).EMT(), _EMT_REACH), "EMT",
    ),
})  # fmt: skip
