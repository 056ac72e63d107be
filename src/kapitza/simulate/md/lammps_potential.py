"""Potentials as LAMMPS reads them: commands and the files that they name, in `metal` units."""

from itertools import product

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.simulate.md.field import Commands, Field, Potential
from kapitza.simulate.md.lammps_text import Types, number
from kapitza.units import angstrom, eV

FILE = "potential.txt"
TRUNCATED, FORCE_SHIFTED, QUADRATIC = 0, 1, 2


@frozen(eq=False)
class Pair:
    """A potential for LAMMPS.

    Attributes
    ----------
    commands : `pair_style` and `pair_coeff`
    files : text of each file that they name
    """

    commands: tuple[str, ...]
    files: dict[str, str]


def pair_of(field: Potential, kinds: Types) -> Pair:
    """Write a potential for these atom types.

    Raises
    ------
    InputError
        for a form that LAMMPS has no counterpart of
    """
    if isinstance(field, Commands):
        return Pair(
            (f"pair_style {field.pair_style}", *(f"pair_coeff {one}" for one in field.pair_coeff)), dict(field.files)
        )
    if field.form == "lennard-jones":
        return Pair(lennard_jones(field, kinds), {})
    if field.form in ("stillinger-weber", "tersoff"):
        style = {"stillinger-weber": "sw", "tersoff": "tersoff"}[field.form]
        text = stillinger_weber(field) if style == "sw" else tersoff(field)
        elements = " ".join(element(int(kind)) for kind in kinds.kinds)
        return Pair((f"pair_style {style}", f"pair_coeff * * {FILE} {elements}"), {FILE: text})
    raise InputError(
        f"LAMMPS has no {field.form!r} of ours: expected 'lennard-jones', 'stillinger-weber' or 'tersoff', or give its "
        "own lines as Commands; harmonic lattices run on the own kernels"
    )


def element(kind: int) -> str:
    """Name of a kind in files of potentials: names of kinds are free text, these are not."""
    return f"K{kind}"


def lennard_jones(field: Field, kinds: Types) -> tuple[str, ...]:
    r"""Commands of Lennard-Jones.

    The quadratic shift, which brings energy, force and stiffness to zero at the cutoff, is the sum of
    `lj/smooth/linear` and a spring $-V''(r_c)\,(r_c - r)^2 / 2$.
    """
    epsilon, sigma, cutoff, kind = field.parameters
    style = ("lj/cut", "lj/smooth/linear", "lj/smooth/linear")[int(kind[0])]
    quadratic = int(kind[0]) == QUADRATIC
    reach = number(cutoff.max() / angstrom)
    styles = [f"pair_style hybrid/overlay {style} {reach} harmonic/cut" if quadratic else f"pair_style {style} {reach}"]
    for i, j in product(range(kinds.kinds.size), repeat=2):
        if j < i:
            continue
        pair = int(kinds.kinds[i]), int(kinds.kinds[j])
        e, s, r = float(epsilon[pair]) / eV, float(sigma[pair]) / angstrom, float(cutoff[pair]) / angstrom
        styles.append(
            f"pair_coeff {i + 1} {j + 1} {style + ' ' if quadratic else ''}{number(e)} {number(s)} {number(r)}"
        )
        if quadratic:
            styles.append(f"pair_coeff {i + 1} {j + 1} harmonic/cut {number(-stiffness(e, s, r) / 2)} {number(r)}")
    return tuple(styles)


def stiffness(epsilon: float, sigma: float, r: float) -> float:
    """Second derivative of Lennard-Jones at a distance."""
    six = (sigma / r) ** 6
    return 4 * epsilon * (156 * six**2 - 42 * six) / r**2


def stillinger_weber(field: Field) -> str:
    """Text of a file of `pair_style sw`: ε = 1 eV, σ, a, λ, γ, cos θ₀, A, B, p, q, tolerance."""
    two, three = field.parameters
    rows: list[str] = []
    for i, j, k in product(range(len(field.kinds)), repeat=3):
        strength, b, p, q, sigma, reach, gamma = two[i, j]
        angle, cosine = three[i, j, k]
        values = [1.0, sigma / angstrom, reach / sigma, angle / eV, gamma, cosine, strength / eV, b, p, q, 0.0]
        rows.append(entry(i, j, k, np.array(values)))
    return "\n".join(["# Stillinger-Weber, metal units", *rows, ""])


def tersoff(field: Field) -> str:
    """Text of a file of `pair_style tersoff`: m, γ, λ₃, c, d, cos θ₀, n, β, λ₂, B, R, D, λ₁, A."""
    two, three = field.parameters
    rows: list[str] = []
    for i, j, k in product(range(len(field.kinds)), repeat=3):
        strength, steep, bond, slope, beta, n, _, _ = two[i, j]
        near, far = two[i, k, 6:] / angstrom
        gamma, c, d, h, alpha, m = three[i, j, k]
        values = [m, gamma, alpha * angstrom, c, d, h, n, beta, slope * angstrom, bond / eV]
        values += [(near + far) / 2, (far - near) / 2, steep * angstrom, strength / eV]
        rows.append(entry(i, j, k, np.array(values)))
    return "\n".join(["# Tersoff, metal units", *rows, ""])


def entry(i: int, j: int, k: int, values: Array) -> str:
    """Return a line of a file of a many-body potential."""
    return " ".join([element(i), element(j), element(k), *map(number, values)])
