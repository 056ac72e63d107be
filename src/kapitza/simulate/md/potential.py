"""Interatomic potentials: as plain numbers, which all engines read alike, or as LAMMPS commands."""

import re
from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_choice, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.potentials.calculators import choose_calculator
from kapitza.matter.potentials.embedded_atom import EmbeddedAtomTables, cubic_coefficients
from kapitza.matter.potentials.published import (
    LENNARD_JONES_PARAMETERS,
    PUBLISHED_POTENTIALS,
    STILLINGER_WEBER_ELEMENTS,
    STILLINGER_WEBER_PARAMETERS,
    TERSOFF_CHI,
    TERSOFF_PARAMETERS,
)
from kapitza.units import angstrom, eV

_GERMANIUM_SOURCE = "doi:10.1103/PhysRevB.34.6987"  # of Stillinger-Weber
PotentialForm = Literal["lennard-jones", "stillinger-weber", "tersoff", "embedded-atom", "harmonic", "other"]


@frozen(eq=False)
class Potential(BaseRecord):
    """One interatomic potential for some kinds of atoms.

    Attributes
    ----------
    form : which formula; "other" where an engine brings its own and this is but a name
    kinds : names of the kinds of atoms, in the order of the tables
    source : what to cite

    Examples
    --------
    >>> from kapitza.md import lennard_jones
    >>> argon = lennard_jones(["Ar"])
    >>> print(argon.form, f"cut at {argon.cutoff * 1e10:.2f} Å")
    lennard-jones cut at 8.50 Å
    """

    form: PotentialForm
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(
        validator=quantity(high=1e-7), metadata=about("m", "largest distance of two atoms that stand in one term")
    )
    parameters: tuple[Array, ...] = field(
        converter=tuple, metadata=about("SI", "arrays of the formula, in the order that its kernels take them")
    )
    source: str = field(default="", kw_only=True)

    @property
    def half(self) -> bool:
        """Whether its kernels take each pair of neighbours once; otherwise each atom has all of its neighbours."""
        return self.form == "lennard-jones"


def single_line(text: str) -> str:
    """Refuse what would be more than one command."""
    if not text.strip() or any(c in text for c in "\n\r&\0"):
        raise InputError(f"expected one line of input, got {text!r:.60}: give each pair_coeff as a line of its own")
    return text.strip()


def _command_lines(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(single_line(text) for text in texts)


def _named_files(files: Mapping[str, str] | Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return names and texts of files, in order; names are plain, so that they stay in their folder."""
    pairs = tuple(files.items()) if isinstance(files, Mapping) else tuple(files)
    for name, _ in pairs:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise InputError(f"{name!r:.60} as the name of a file: expected letters, digits, dots, dashes")
    return pairs


@frozen(eq=False)
class LammpsCommands(BaseRecord):
    """A potential as LAMMPS commands, for what has no formula here: EAM, AIREBO, hybrids, machine-learned ones.

    Attributes
    ----------
    pair_style : the words after `pair_style`, such as "eam/alloy"
    pair_coeff : the words after `pair_coeff`, one text a line; atom types are numbered in the order of `kinds` from 1
    kinds : names of the kinds of atoms, in the order of LAMMPS' atom types
    files : names and texts of files that the lines name, or a dictionary; files elsewhere are named by their full path
    source : what to cite

    Raises
    ------
    InputError
        for a text of more than one line

    Examples
    --------
    >>> from kapitza.md import LammpsCommands
    >>> copper = LammpsCommands("eam/alloy", ["* * CuNi.eam.alloy Cu"], ["Cu"], cutoff=5.5e-10)
    >>> print(copper.pair_style, copper.kinds)
    eam/alloy ('Cu',)
    """

    pair_style: str = field(converter=single_line)
    pair_coeff: tuple[str, ...] = field(converter=_command_lines)
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(
        validator=quantity(high=1e-7), metadata=about("m", "largest distance of two atoms that act on each other")
    )
    files: tuple[tuple[str, str], ...] = field(default=(), converter=_named_files, kw_only=True)
    source: str = field(default="", kw_only=True)

    @property
    def form(self) -> str:
        """For legends."""
        return self.pair_style.split()[0]


def _named_arguments(arguments: Mapping[str, object] | Sequence[tuple[str, object]]) -> tuple[tuple[str, object], ...]:
    pairs = arguments.items() if isinstance(arguments, Mapping) else arguments
    return tuple(sorted(((name, value) for name, value in pairs), key=lambda pair: pair[0]))


@frozen(eq=False)
class CalculatorPotential(BaseRecord):
    """A calculator of ASE as a potential, made anew where it is needed: a universal, machine-learned one or any other.

    Attributes
    ----------
    name : "sevenn", "nequix", "unep", "mace", or an import path "module:Class", as in `choose_calculator`
    kinds : chemical symbols of the atoms
    arguments : of the calculator, as a dictionary
    source : what to cite

    Examples
    --------
    >>> from kapitza.simulate.md.potential import CalculatorPotential
    >>> argon = CalculatorPotential("ase.calculators.lj:LennardJones", ["Ar"], 9e-10, {"sigma": 3.4, "epsilon": 0.0104})
    >>> print(type(argon.calculator()).__name__, argon.kinds)
    LennardJones ('Ar',)
    """

    name: str
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(
        validator=quantity(high=1e-7), metadata=about("m", "beyond which atoms are taken to leave each other alone")
    )
    arguments: tuple[tuple[str, object], ...] = field(default=(), converter=_named_arguments)
    source: str = field(default="", kw_only=True)

    @property
    def form(self) -> str:
        """For legends."""
        return self.name

    def calculator(self) -> Any:
        """Make the calculator; MissingEngine where its package is not installed."""
        return choose_calculator(self.name, dict(self.arguments), self.kinds).make()


AnyPotential = Potential | LammpsCommands | CalculatorPotential


Truncation = Literal["truncated", "smooth", "quadratic"]
TRUNCATION_KINDS: tuple[Truncation, ...] = ("truncated", "smooth", "quadratic")


def lennard_jones(
    kinds: Sequence[str],
    epsilon: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    *,
    cutoff: float = 2.5,
    end: Truncation = "smooth",
    source: str = "",
) -> Potential:
    r"""Potential of Lennard-Jones, $4ε[(σ/r)^{12} - (σ/r)^6]$.

    Parameters
    ----------
    kinds : names of the kinds of atoms
    epsilon, sigma : J and m; one number for all, one for each kind (mixed by the rules of Lorentz and Berthelot), or
        (s, s) for each pair; left out for Ne, Ar, Kr and Xe, whose numbers are known
    cutoff : over σ of each pair
    end : "truncated" leaves the potential as it is up to the cutoff; "smooth" shifts force and energy to zero there
        (lj/smooth/linear of LAMMPS); "quadratic" the stiffness, too (as the potential "lennard-jones" of junctions)
    source : what to cite

    Raises
    ------
    InputError
        for kinds without numbers, or numbers out of range
    """
    check_choice(end, TRUNCATION_KINDS, "end")
    if not kinds:
        raise InputError("no kinds of atoms: name at least one")
    missing = [kind for kind in kinds if kind not in LENNARD_JONES_PARAMETERS]
    if epsilon is None or sigma is None:
        if missing:
            raise InputError(
                f"no Lennard-Jones numbers for {', '.join(missing)}: {', '.join(LENNARD_JONES_PARAMETERS)} are known; "
                "give epsilon and sigma"
            )
        table = np.array([LENNARD_JONES_PARAMETERS[kind] for kind in kinds])
        epsilon, sigma = table[:, 0] * 1e-3 * eV, table[:, 1] * angstrom
        source = source or "N. W. Ashcroft and N. D. Mermin, Solid State Physics (1976), table 20.2"
    if not 1 < cutoff < 20:
        raise InputError(f"cutoff = {cutoff:g} sigma, wanted 1 to 20 (it is a multiple of sigma, not a length)")
    deep, wide = _mix_pairs(len(kinds), epsilon, "epsilon"), _mix_pairs(len(kinds), sigma, "sigma")
    if not 1e-12 < wide.min() <= wide.max() < 1e-8:
        raise InputError(f"sigma = {wide.min():g} to {wide.max():g}, wanted metres (Å? multiply by 1e-10)")
    if not 1e-26 < deep.max() < 1e-17:
        raise InputError(f"epsilon = {deep.max():g}, wanted joules (eV? multiply by 1.602e-19)")
    far = cutoff * wide
    parameters = (deep, wide, far, np.array([float(TRUNCATION_KINDS.index(end))]))
    return Potential("lennard-jones", tuple(kinds), float(far.max()), parameters, source=source)


def _mix_pairs(count: int, value: ArrayLike, name: str) -> Array:
    """(s, s) of each pair: ε by the geometric, σ by the arithmetic mean."""
    array = np.array(value, dtype=float)
    if array.ndim < 2:
        one = np.broadcast_to(array, (count,)) if array.size in (1, count) else np.zeros(0)
        array = np.sqrt(np.outer(one, one)) if name == "epsilon" else (one[:, None] + one) / 2
    if array.shape != (count, count) or not (np.isfinite(array).all() and (array >= 0).all()):
        raise InputError(f"{name} = {np.asarray(value).tolist()} for {count} kinds: give one, {count}, or a table")
    if np.abs(array - array.T).max() > 1e-9 * array.max():
        raise InputError(f"{name} = {array.tolist()} is not symmetric: the pair of two kinds has one number")
    return np.ascontiguousarray(array)


def stillinger_weber(kinds: Sequence[str] = ("Si",), elements: Sequence[str] = ()) -> Potential:
    r"""Return the potential of Stillinger and Weber for silicon and germanium.

    $A ε [B (σ/r)^p - (σ/r)^q] e^{σ/(r - aσ)}$ for each pair and
    $λ ε (\cos θ + 1/3)^2 e^{γσ/(r - aσ)} e^{γσ'/(r' - aσ')}$ for each angle, mixed between elements as
    $ε_{ij} = \sqrt{ε_i ε_j}$, $λ_{ij} = \sqrt{λ_i λ_j}$ and $σ_{ij} = (σ_i + σ_j)/2$; an angle at atom i has the
    geometric mean of $λ_{ij} ε_{ij}$ and $λ_{ik} ε_{ik}$.

    Parameters
    ----------
    kinds : names of the kinds of atoms; several may be one element with different masses
    elements : element of each kind; the kinds themselves if left out

    Returns
    -------
    Potential
        with tables (s, s, 7) of A ε (J), B, p, q, σ (m), aσ (m), γ and (s, s, s, 2) of λ ε (J) and cos θ₀

    Raises
    ------
    InputError
        for an element other than Si and Ge

    References
    ----------
    F. H. Stillinger and T. A. Weber, Phys. Rev. B 31, 5262 (1985), doi:10.1103/PhysRevB.31.5262 (Si)
    K. Ding and H. C. Andersen, Phys. Rev. B 34, 6987 (1986), doi:10.1103/PhysRevB.34.6987 (Ge)
    """
    names = _elements_of_kinds(kinds, elements, STILLINGER_WEBER_ELEMENTS, "Stillinger-Weber")
    shared = {key: float(value) for key, value in STILLINGER_WEBER_PARAMETERS.items() if key != "el"}
    table = np.array([STILLINGER_WEBER_ELEMENTS[name] for name in names])
    epsilon, strength = (np.sqrt(np.outer(one, one)) for one in (table[:, 0] * eV, table[:, 2]))
    sigma = (table[:, None, 1] + table[None, :, 1]) / 2 * angstrom
    same = np.ones(sigma.shape)
    strengths = shared["A"] * epsilon, shared["B"] * same, shared["p"] * same, 0 * same
    two = np.stack([*strengths, sigma, shared["a"] * sigma, shared["gamma"] * same], axis=-1)
    bond = strength * epsilon
    angles = np.sqrt(bond[:, :, None] * bond[:, None, :])
    three = np.stack([angles, np.full(angles.shape, -shared["costheta0"])], axis=-1)
    sources = ", ".join([PUBLISHED_POTENTIALS["stillinger-weber"].source, *[_GERMANIUM_SOURCE] * ("Ge" in names)])
    return Potential("stillinger-weber", tuple(kinds), float(two[..., 5].max()), (two, three), source=sources)


def tersoff(kinds: Sequence[str] = ("Si",), elements: Sequence[str] = ()) -> Potential:
    r"""Return Tersoff's potential of 1989 for silicon, germanium and carbon.

    $\tfrac12 f_{ij} [A e^{-λ r} - b_{ij} B e^{-μ r}]$ for each ordered pair, mixed between elements as
    $A = \sqrt{A_1 A_2}$, $B = χ\sqrt{B_1 B_2}$, $λ = (λ_1 + λ_2)/2$, $μ$ likewise, $R = \sqrt{R_1 R_2}$ and
    $S = \sqrt{S_1 S_2}$; β, n, c, d and h belong to the centre.

    Parameters
    ----------
    kinds : names of the kinds of atoms; several may be one element with different masses
    elements : element of each kind; the kinds themselves if left out

    Returns
    -------
    Potential
        with tables (s, s, 8) of A (J), λ (m⁻¹), B (J), μ (m⁻¹), β, n, R (m), S (m) and (s, s, s, 6) of γ, c, d, h,
        α (m⁻¹) and m, which Tersoff's later works do not use (γ = 1, α = 0, m = 3)

    Raises
    ------
    InputError
        for an element without parameters, or carbon with germanium

    References
    ----------
    J. Tersoff, Phys. Rev. B 39, 5566 (1989), doi:10.1103/PhysRevB.39.5566; erratum 41, 3248 (1990)
    """
    names = _elements_of_kinds(kinds, elements, TERSOFF_PARAMETERS, "Tersoff")
    if {"C", "Ge"} <= set(names):
        raise InputError("Tersoff published no bond of C and Ge: leave one of them out")
    s = len(names)
    two, three = np.empty((s, s, 8)), np.empty((s, s, s, 6))
    for i, centre in enumerate(names):
        three[i] = (1.0, *TERSOFF_PARAMETERS[centre][6:9], 0.0, 3.0)
        for j, neighbour in enumerate(names):
            a, b = TERSOFF_PARAMETERS[centre], TERSOFF_PARAMETERS[neighbour]
            chi = TERSOFF_CHI.get(frozenset((centre, neighbour)), 1.0)
            strong, weak = sqrt(a[0] * b[0]) * eV, chi * sqrt(a[1] * b[1]) * eV
            steep, slope = (a[2] + b[2]) / 2 / angstrom, (a[3] + b[3]) / 2 / angstrom
            two[i, j, :6] = strong, steep, weak, slope, a[4], a[5]
            two[i, j, 6:] = [sqrt(a[k] * b[k]) * angstrom for k in (9, 10)]
    source = PUBLISHED_POTENTIALS["tersoff"].source
    return Potential("tersoff", tuple(kinds), float(two[..., 7].max()), (two, three), source=source)


def embedded_atom(tables: EmbeddedAtomTables, kinds: Sequence[str], elements: Sequence[str] = ()) -> Potential:
    r"""Return a potential of the embedded-atom method, $F_i(ρ_i) + \tfrac12\sum_j φ_{ij}$.

    Parameters
    ----------
    tables : of a file, see `read_embedded_atom`
    kinds : names of the kinds of atoms; several may be one element with different masses
    elements : element of each kind; the kinds themselves if left out

    Returns
    -------
    Potential
        with coefficients of cubics of the embedding energies (s, nρ, 4) J, the densities (s, s, nr, 4) and the pair
        energies times distance (s, s, nr, 4) J m, and the steps of density and distance (m) and the cutoff (m)

    Raises
    ------
    InputError
        for an element without tables
    """
    names = _elements_of_kinds(kinds, elements, tables.symbols, "the embedded-atom method")
    rows = np.array([tables.symbols.index(name) for name in names])
    splined = (tables.embedding[rows], tables.density[rows][:, rows], tables.pair[rows][:, rows])
    steps = np.array([tables.density_step, tables.distance_step, tables.cutoff])
    parameters = (*map(cubic_coefficients, splined), steps)
    return Potential("embedded-atom", tuple(kinds), tables.cutoff, parameters, source=tables.source)


def _elements_of_kinds(
    kinds: Sequence[str], elements: Sequence[str], known: Collection[str], name: str
) -> tuple[str, ...]:
    names = tuple(elements) or tuple(kinds)
    if len(names) != len(kinds) or not kinds or isinstance(kinds, str):
        raise InputError(f"{name}: {len(names)} elements for the kinds {kinds!r}: give one element for each kind")
    unknown = [element for element in dict.fromkeys(names) if element not in known]
    if unknown:
        raise InputError(
            f"{name} knows {', '.join(known)}, not {', '.join(unknown)}: take another potential, or name the element "
            "of each kind in `elements`"
        )
    return names
