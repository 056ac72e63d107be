"""Makers of fields: published or own numbers, as our kernels and other engines read them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, known
from kapitza.errors import InputError
from kapitza.matter.potentials import LENNARD_JONES
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
