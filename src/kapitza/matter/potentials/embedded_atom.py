r"""The embedded-atom method from tables: energy, forces, stress and second derivatives, in the terms of LAMMPS.

$$E = \sum_i F_i(ρ_i) + \tfrac12\sum_{i\ne j} φ_{ij}(r_{ij}),\qquad ρ_i = \sum_{j\ne i} f_{ji}(r_{ij})$$

M. S. Daw and M. I. Baskes, Phys. Rev. B 29, 6443 (1984), doi:10.1103/PhysRevB.29.6443; files "setfl" with one density
for each element (eam/alloy) or for each pair (eam/fs) of A. P. Thompson et al., doi:10.1016/j.cpc.2021.108171.  Between
two numbers of a table lies a cubic with the slopes at both, which are differences of five points, as in LAMMPS.
"""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite_array
from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError, require
from kapitza.matter.potentials.force_field import ATOMS_EXTRA, ATOMS_PURPOSE
from kapitza.units import angstrom, eV

_MAX_FILE_BYTES = 2**28
_MAX_ELEMENTS, _MAX_POINTS = 20, 200_000


@frozen(eq=False, kw_only=True)
class EmbeddedAtomTables(BaseRecord):
    """Tables of a potential of the embedded-atom method.

    Attributes
    ----------
    symbols : (s,) elements
    source : first line of the file
    """

    symbols: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(metadata=about("m", "distance from which on two atoms feel nothing of each other"))
    density_step: float = field(metadata=about("1", "between two densities of the table of embedding energies"))
    distance_step: float = field(metadata=about("m", "between two distances of the other tables, from 0"))
    embedding: Array = field(converter=finite_array, metadata=about("J", "(s, nρ) energies F of the densities from 0"))
    density: Array = field(
        converter=finite_array, metadata=about("1", "(s, s, nr) density f of an atom (first) at the site of another")
    )
    pair: Array = field(converter=finite_array, metadata=about("J m", "(s, s, nr) energy φ of a pair times distance"))
    source: str = ""


def read_embedded_atom(path: str | PathLike[str]) -> EmbeddedAtomTables:
    """Read a file "setfl" in units `metal`, `.eam.alloy` or `.eam.fs`.

    Raises
    ------
    DataError
        for another format, numbers that are missing or not finite
    """
    file = Path(path)
    lines = read_limited(file, _MAX_FILE_BYTES).decode(errors="replace").splitlines()
    try:
        symbols = tuple(lines[3].split()[1:])
        sizes = lines[4].split()
        points, count = int(sizes[0]), int(sizes[2])
        steps = float(sizes[1]), float(sizes[3]), float(sizes[4])
    except (IndexError, ValueError) as err:
        raise DataError("expected numbers of elements and points in lines 4 and 5, as in setfl", file=file) from err
    s = len(symbols)
    if not (0 < s <= _MAX_ELEMENTS and 5 <= points <= _MAX_POINTS and 5 <= count <= _MAX_POINTS and min(steps) > 0):
        raise DataError(f"{s} elements, {points} densities and {count} distances, steps of {steps}", file=file, line=5)
    each = s if file.name.lower().endswith(".eam.fs") else 1
    words = [word for line in lines[5:] for word in line.partition("#")[0].split()]
    spans = points + each * count
    wanted = s * (4 + spans) + s * (s + 1) // 2 * count
    if len(words) < wanted:
        raise DataError(f"{len(words)} words below the first five lines, wanted {wanted}; truncated?", file=file)
    try:
        blocks = [np.array(words[i * (4 + spans) + 4 : (i + 1) * (4 + spans)], dtype=float) for i in range(s)]
        rest = np.array(words[s * (4 + spans) : wanted], dtype=float).reshape(-1, count)
    except ValueError as err:
        raise DataError(f"{err!s:.80}; wanted numbers only", file=file) from err
    if not all(np.isfinite(one).all() for one in (*blocks, rest)):
        raise DataError("not all numbers of the tables are finite", file=file)
    pair = np.empty((s, s, count))
    for row, one, other in zip(rest, *np.tril_indices(s), strict=True):
        pair[one, other] = pair[other, one] = row
    density = [np.broadcast_to(one[points:].reshape(each, count), (s, count)) for one in blocks]
    return EmbeddedAtomTables(
        symbols=symbols, cutoff=steps[2] * angstrom, density_step=steps[0], distance_step=steps[1] * angstrom,
        embedding=np.array([one[:points] for one in blocks]) * eV, density=np.array(density),
        pair=pair * eV * angstrom, source=lines[0].strip(),
    )  # fmt: skip


def cubic_coefficients(table: Array) -> Array:
    """(..., n, 4) coefficients of $c_0 + c_1 p + c_2 p^2 + c_3 p^3$ from each of n equidistant numbers to the next, p
    from 0 to 1; from the last one on, the line with its slope.
    """
    v = np.asarray(table, dtype=float)
    slope = np.empty_like(v)
    slope[..., 2:-2] = ((v[..., :-4] - v[..., 4:]) + 8 * (v[..., 3:-1] - v[..., 1:-3])) / 12
    slope[..., 0], slope[..., 1] = v[..., 1] - v[..., 0], (v[..., 2] - v[..., 0]) / 2
    slope[..., -2], slope[..., -1] = (v[..., -1] - v[..., -3]) / 2, v[..., -1] - v[..., -2]
    rise, first, last = np.diff(v), slope[..., :-1], slope[..., 1:]
    found = np.zeros((*v.shape, 4))
    found[..., 0], found[..., 1] = v, slope
    found[..., :-1, 2] = 3 * rise - 2 * first - last
    found[..., :-1, 3] = first + last - 2 * rise
    return found


class EmbeddedAtomCalculator:
    """Calculator of ASE for tables of the embedded-atom method, with second derivatives as matscipy's have them."""

    def __init__(self, tables: EmbeddedAtomTables) -> None:
        require("matscipy", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)
        self.tables, self.atoms = tables, None
        units = (eV, 1.0, eV * angstrom)
        parts = (tables.embedding, tables.density, tables.pair)
        self._cubics = [cubic_coefficients(part / unit) for part, unit in zip(parts, units, strict=True)]
        self._step, self._cutoff = tables.distance_step / angstrom, tables.cutoff / angstrom

    def energy(self, atoms: Any, force_consistent: bool = False) -> float:
        """Energy, eV."""
        del force_consistent  # there is one energy
        return float(self._evaluate(atoms).energy)

    def forces(self, atoms: Any) -> Array:
        """(n, 3) forces, eV Å⁻¹."""
        one = self._evaluate(atoms)
        pull = (one.tension / one.distance)[:, None] * one.vector
        parts = [np.bincount(one.first, weights=column, minlength=len(atoms)) for column in pull.T]
        return np.array(parts, dtype=float).T

    def stress(self, atoms: Any) -> Array:
        """(6,) stress in the order of Voigt, eV Å⁻³."""
        one = self._evaluate(atoms)
        total = np.einsum("p,pa,pb->ab", one.tension / one.distance, one.vector, one.vector) / 2 / atoms.get_volume()
        return total[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]

    def hessian(self, atoms: Any, format: str = "sparse", rows: IntArray | None = None) -> Any:  # noqa: A002
        r"""(3m, 3n) sparse matrix of second derivatives, eV Å⁻², of all atoms or some `rows` (m,): of pairs at fixed
        $F'$, and $\sum_k F''_k\,\nabla_i ρ_k\,\nabla_j ρ_k$.
        """
        from scipy.sparse import csr_matrix

        del format
        one, n = self._evaluate(atoms), len(atoms)
        chosen = np.arange(n) if rows is None else np.asarray(rows)
        unit = one.vector / one.distance[:, None]
        slope = (one.density_slope[:, None] * unit).ravel()
        columns = (3 * np.concatenate([one.second, one.first])[:, None] + np.arange(3)).ravel()
        at = np.tile(np.repeat(one.first, 3), 2), columns
        gradient = csr_matrix((np.concatenate([slope, -slope]), at), shape=(n, 3 * n))
        here = gradient[:, (3 * chosen[:, None] + np.arange(3)).ravel()]
        bent = here.T @ gradient.multiply(one.embedding_curvature[:, None]).tocsr()
        return (bent + _pair_hessian(one, chosen, n)).tocsr()

    get_potential_energy, get_forces, get_stress, get_hessian = energy, forces, stress, hessian  # as ASE calls them

    def _evaluate(self, atoms: Any) -> "_PairTerms":
        neighbours = require("matscipy.neighbours", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE).neighbour_list
        first, second, distance, vector = neighbours("ijdD", atoms, self._cutoff)
        symbols, known = atoms.get_chemical_symbols(), self.tables.symbols
        if unknown := sorted(set(symbols) - set(known)):
            raise InputError(f"the tables know {', '.join(known)}, not {', '.join(unknown)}")
        kinds = np.array([known.index(symbol) for symbol in symbols])
        a, b, n = kinds[first], kinds[second], len(atoms)
        energy, density, pair = self._cubics
        # of the second at the first
        here, here_slope, here_bend = _evaluate_tables(density, (b, a), self._step, distance)
        _, there_slope, there_bend = _evaluate_tables(density, (a, b), self._step, distance)
        table, slope, bend = _evaluate_tables(pair, (a, b), self._step, distance)
        phi = table / distance
        phi_slope = (slope - phi) / distance
        phi_bend = (bend - 2 * phi_slope) / distance
        total = np.asarray(np.bincount(first, weights=here, minlength=n), dtype=float)
        value, force, curvature = _evaluate_tables(energy, (kinds,), self.tables.density_step, total)
        return _PairTerms(
            first=first, second=second, distance=distance, vector=vector,
            energy=float(value.sum() + phi.sum() / 2),
            tension=phi_slope + force[first] * here_slope + force[second] * there_slope,
            stiffness=phi_bend + force[first] * here_bend + force[second] * there_bend,
            density_slope=here_slope, embedding_curvature=curvature,
        )  # fmt: skip


def _evaluate_tables(
    coefficients: Array, kinds: tuple[IntArray, ...], step: float, x: Array
) -> tuple[Array, Array, Array]:
    at = x / step
    m = np.minimum(np.maximum(at, 0.0).astype(np.int64), coefficients.shape[-2] - 1)
    p = at - m
    c0, c1, c2, c3 = coefficients[(*kinds, m)].T
    value = ((c3 * p + c2) * p + c1) * p + c0
    return value, ((3 * c3 * p + 2 * c2) * p + c1) / step, (6 * c3 * p + 2 * c2) / step**2


@frozen(eq=False, kw_only=True)
class _PairTerms(BaseRecord):
    """What all ordered pairs of neighbours have, sorted by their first atom, in eV and Å."""

    first: IntArray
    second: IntArray
    distance: Array
    vector: Array  # (m, 3) from the first to the second
    energy: float  # of all
    tension: Array  # derivative of the energy with the distance of the pair
    stiffness: Array  # second derivative, the embedding energies taken as linear
    density_slope: Array  # derivative of the density at the first
    embedding_curvature: Array  # (n,) F''


def _pair_hessian(one: _PairTerms, chosen: IntArray, n: int) -> Any:
    """(3m, 3n) sparse matrix of the second derivatives of pairs, of the atoms `chosen` (m,), eV Å⁻²."""
    from scipy.sparse import coo_matrix

    row = np.full(n, -1)
    row[chosen] = np.arange(chosen.size)
    kept = np.flatnonzero(row[one.first] >= 0)
    unit, distance = one.vector[kept] / one.distance[kept, None], one.distance[kept]
    along = unit[:, :, None] * unit[:, None, :]
    across = (one.tension[kept] / distance)[:, None, None] * (np.eye(3) - along)
    blocks = one.stiffness[kept, None, None] * along + across
    first = np.broadcast_to((3 * row[one.first[kept], None] + np.arange(3))[:, :, None], blocks.shape)
    parts = [
        coo_matrix(
            ((sign * blocks).ravel(), (first.ravel(), np.broadcast_to(place[:, None, :], blocks.shape).ravel())),
            shape=(3 * chosen.size, 3 * n),
        ).tocsr()
        for sign, place in (
            (1, 3 * one.first[kept, None] + np.arange(3)), (-1, 3 * one.second[kept, None] + np.arange(3))
        )
    ]  # fmt: skip
    return parts[0] + parts[1]
