"""Makers of fields: published or own numbers, as our kernels and other engines read them."""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, known
from kapitza.errors import InputError
from kapitza.matter.potentials import CHI, LENNARD_JONES, POTENTIALS, STILLINGER_WEBER, TERSOFF
from kapitza.simulate.md.field import Field
from kapitza.units import angstrom, eV

End = Literal["truncated", "smooth", "quadratic"]
ENDS: tuple[End, ...] = ("truncated", "smooth", "quadratic")


def lennard_jones(
    kinds: Sequence[str],
    epsilon: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    *,
    cutoff: float = 2.5,
    end: End = "smooth",
    source: str = "",
) -> Field:
    r"""Field of Lennard-Jones, $4ε[(σ/r)^{12} - (σ/r)^6]$.

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
        for kinds without numbers, or numbers that are none
    """
    known(end, ENDS, "end")
    if not kinds:
        raise InputError("no kinds of atoms: name at least one")
    missing = [kind for kind in kinds if kind not in LENNARD_JONES]
    if epsilon is None or sigma is None:
        if missing:
            raise InputError(
                f"no Lennard-Jones numbers for {', '.join(missing)}: {', '.join(LENNARD_JONES)} are known; "
                "give epsilon and sigma"
            )
        table = np.array([LENNARD_JONES[kind] for kind in kinds])
        epsilon, sigma = table[:, 0] * 1e-3 * eV, table[:, 1] * angstrom
        source = source or "N. W. Ashcroft and N. D. Mermin, Solid State Physics (1976), table 20.2"
    if not 1 < cutoff < 20:
        raise InputError(f"cutoff = {cutoff:g} sigma, wanted 1 to 20 (it is a multiple of sigma, not a length)")
    deep, wide = mixed(len(kinds), epsilon, "epsilon"), mixed(len(kinds), sigma, "sigma")
    if not 1e-12 < wide.min() <= wide.max() < 1e-8:
        raise InputError(f"sigma = {wide.min():g} to {wide.max():g}, wanted metres (Å? multiply by 1e-10)")
    if not 1e-26 < deep.max() < 1e-17:
        raise InputError(f"epsilon = {deep.max():g}, wanted joules (eV? multiply by 1.602e-19)")
    far = cutoff * wide
    parameters = (deep, wide, far, np.array([float(ENDS.index(end))]))
    return Field("lennard-jones", tuple(kinds), float(far.max()), parameters, source=source)


def mixed(count: int, value: ArrayLike, name: str) -> Array:
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


def stillinger_weber(kinds: Sequence[str] = ("Si",), elements: Sequence[str] = ()) -> Field:
    r"""Return the potential of Stillinger and Weber for silicon.

    Between all kinds the same: $A ε [B (σ/r)^p - (σ/r)^q] e^{σ/(r - aσ)}$ for each pair and
    $λ ε (\cos θ + 1/3)^2 e^{γσ/(r - aσ)} e^{γσ/(r' - aσ)}$ for each angle.

    Parameters
    ----------
    kinds : names of the kinds of atoms; several may be silicon of different mass
    elements : element of each kind; the kinds themselves if left out

    Returns
    -------
    Field
        with tables (s, s, 7) of A ε (J), B, p, q, σ (m), aσ (m), γ and (s, s, s, 2) of λ ε (J) and cos θ₀

    Raises
    ------
    InputError
        for an element other than Si

    References
    ----------
    F. H. Stillinger and T. A. Weber, Phys. Rev. B 31, 5262 (1985), doi:10.1103/PhysRevB.31.5262
    """
    s = len(known_elements(kinds, elements, ("Si",), "Stillinger-Weber"))
    table = {key: float(value) for key, value in STILLINGER_WEBER.items() if key != "el"}
    epsilon, sigma = table["epsilon"] * eV, table["sigma"] * angstrom
    pair = (table["A"] * epsilon, table["B"], table["p"], 0.0, sigma, table["a"] * sigma, table["gamma"])
    angle = (table["lambda1"] * epsilon, -table["costheta0"])
    two, three = np.empty((s, s, 7)), np.empty((s, s, s, 2))
    two[:], three[:] = pair, angle
    return Field("stillinger-weber", tuple(kinds), pair[5], (two, three), source=POTENTIALS["stillinger-weber"].source)


def tersoff(kinds: Sequence[str] = ("Si",), elements: Sequence[str] = ()) -> Field:
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
    Field
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
    names = known_elements(kinds, elements, TERSOFF, "Tersoff")
    if {"C", "Ge"} <= set(names):
        raise InputError("Tersoff published no bond of C and Ge: leave one of them out")
    s = len(names)
    two, three = np.empty((s, s, 8)), np.empty((s, s, s, 6))
    for i, one in enumerate(names):
        three[i] = (1.0, *TERSOFF[one][6:9], 0.0, 3.0)
        for j, other in enumerate(names):
            two[i, j] = bond(TERSOFF, one, other)
    return Field("tersoff", tuple(kinds), float(two[..., 7].max()), (two, three), source=POTENTIALS["tersoff"].source)


def bond(table: Mapping[str, tuple[float, ...]], one: str, other: str) -> Array:
    """(8,) parameters of the bond of a centre and its neighbour, SI."""
    a, b = table[one], table[other]
    chi = CHI.get(frozenset((one, other)), 1.0)
    return np.array(
        [
            sqrt(a[0] * b[0]) * eV,
            (a[2] + b[2]) / 2 / angstrom,
            chi * sqrt(a[1] * b[1]) * eV,
            (a[3] + b[3]) / 2 / angstrom,
            a[4],
            a[5],
            sqrt(a[9] * b[9]) * angstrom,
            sqrt(a[10] * b[10]) * angstrom,
        ]
    )


def known_elements(kinds: Sequence[str], elements: Sequence[str], known: Collection[str], name: str) -> tuple[str, ...]:
    """Elements of the kinds, all of them among those that a potential knows."""
    found = tuple(elements) or tuple(kinds)
    if len(found) != len(kinds) or not kinds or isinstance(kinds, str):
        raise InputError(f"{name}: {len(found)} elements for the kinds {kinds!r}: give one element for each kind")
    unknown = [element for element in dict.fromkeys(found) if element not in known]
    if unknown:
        raise InputError(
            f"{name} knows {', '.join(known)}, not {', '.join(unknown)}: take another potential, or name the element "
            "of each kind in `elements`"
        )
    return found
