"""Transmission mode by mode over the whole zone: by branch, angle and frequency, and from branch to branch."""

from typing import Any, overload

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IndexArray, about, check_choice, finite
from kapitza.core.modal import INTERFACE_SIDES, ModalTransmission
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import MeshSize, even_frequencies, zone_wavevectors
from kapitza.theory.agf.scattering import ScatteringMatrix, opposite_side, solve_scattering, specularity
from kapitza.theory.agf.transmission import UnitRunner, point_seconds, unit_arrays

_DEFAULT_MODE_MESH_SIDE = 12  # wave vectors along a side of the zone of the smallest cell where no mesh is given
_SUMS = ("arriving", "transmitted", "reflected")  # over the waves of each wave vector


@frozen(eq=False)
class ModeConversion(BaseRecord):
    """How the modes that arrive on a branch of a side leave, over the whole zone; degenerate branches share evenly.

    Examples
    --------
    >>> from kapitza.lattice import JunctionPlan, build_junction, mode_conversion
    >>> from kapitza.units import THz
    >>> junction = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> found = mode_conversion(junction, [1.2 * THz], k_mesh=(4, 4))
    >>> print(found.arriving.shape, (found.transmitted.sum() / found.arriving.sum()).round(2))
    (1, 9) 0.12
    """

    omega: Array = field(metadata=about("rad s^-1", "angular frequency"))
    side: Side
    arriving: Array = field(metadata=about("m^-2", "(nω, b) modes that arrive on each branch"))
    transmitted: Array = field(metadata=about("m^-2", "(nω, b', b) modes that leave on the other side on branch b'"))
    reflected: Array = field(metadata=about("m^-2", "(nω, b, b) modes that return"))


def agf_modes(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    k_mesh: MeshSize = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> ModalTransmission:
    """Every wave that arrives from either side, with its probability to cross.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing frequencies above zero, rad s⁻¹; None takes 40, even up to the top of the lower spectrum
    k_mesh : points along either in-plane reciprocal vector, over the whole zone, or a `ZoneMesh`; None takes 12 for the
        smallest cell
    executor, store, progress : as in `agf`

    Returns
    -------
    ModalTransmission; wave vectors that symmetry makes equal stand for each other.  `specular` is the part of the
    transmission that keeps the in-plane wave vector, which is less than all of it where the junction has larger
    periods than its leads

    Raises
    ------
    InputError
        for frequencies that are not above zero
    """
    return _solve_modes(junction, omega, None, k_mesh, UnitRunner(executor, store, progress))[0]


def mode_conversion(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    side: Side = "left",
    k_mesh: MeshSize = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> ModeConversion:
    """Modes that arrive on each branch, cross and return on each branch; parameters as in `agf_modes`.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.lattice import JunctionPlan, build_junction, mode_conversion
    >>> from kapitza.units import THz
    >>> junction = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    >>> found = mode_conversion(junction, [1.2 * THz], k_mesh=(4, 4))
    >>> out = found.transmitted.sum(axis=1) + found.reflected.sum(axis=1)
    >>> print(
    ...     np.abs(out - found.arriving).max() < 1e-6 * found.arriving.max()
    ... )  # what arrives on a branch leaves on some branch
    True
    """
    return _solve_modes(junction, omega, side, k_mesh, UnitRunner(executor, store, progress))[1]


def modes_and_conversion(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    side: Side = "left",
    k_mesh: MeshSize = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> tuple[ModalTransmission, ModeConversion]:
    """Both `agf_modes` and `mode_conversion` from one solution, with the parameters and errors of these."""
    return _solve_modes(junction, omega, side, k_mesh, UnitRunner(executor, store, progress))


@overload
def _solve_modes(
    junction: Junction, omega: ArrayLike | None, side: None, k_mesh: MeshSize, run: UnitRunner
) -> tuple[ModalTransmission, None]: ...
@overload
def _solve_modes(
    junction: Junction, omega: ArrayLike | None, side: Side, k_mesh: MeshSize, run: UnitRunner
) -> tuple[ModalTransmission, ModeConversion]: ...
def _solve_modes(
    junction: Junction, omega: ArrayLike | None, side: Side | None, k_mesh: MeshSize, run: UnitRunner
) -> tuple[ModalTransmission, ModeConversion | None]:
    """The table of all modes and, from the same solutions, the sums from branch to branch for a side."""
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega, common=True)
    common: dict[str, object] = {"omega": wanted}
    if side is not None:
        check_choice(side, INTERFACE_SIDES, "side")
        common["conversion"] = side
    points = zone_wavevectors(prepared, k_mesh, _DEFAULT_MODE_MESH_SIDE)
    seconds = (5e-3 + point_seconds(prepared)) * wanted.size
    columns = run(_scattered_modes, prepared, {"k": points.k}, common, seconds, numbered=True)
    weight = points.weight / junction.area
    modes = ModalTransmission(
        omega=columns["omega"],
        wavevector=columns["wavevector"],
        side=columns["side"].astype(int),
        branch=columns["branch"].astype(int),
        velocity=columns["velocity"],
        weight=weight[columns["row"].astype(int)],
        transmission=np.clip(columns["transmission"], 0, 1),
        specular=np.clip(columns["specular"], 0, 1),
        method=f"AGF {junction.name}",
    )
    if side is None:
        return modes, None
    return modes, ModeConversion(wanted, side, *(np.tensordot(weight, columns[name], axes=1) for name in _SUMS))


def _scattered_modes(unit: UnitInputs) -> UnitResult:
    """Kernel: rows of the table of modes for wave vectors k (nk, 2) and frequencies omega (nω,) and, if the unit names
    a side for their conversion, sums from branch to branch of the waves that arrive there.
    """
    prepared, (k, omega, first) = unit_arrays(unit, "k", "omega", "first")
    junction, shape = prepared.junction, (len(k), omega.size)
    sums: UnitResult = {}
    side: Side = "left" if unit.get("conversion") == "left" else "right"
    here, there = (junction.lead(name).onsite.shape[-1] for name in (side, opposite_side(side)))
    if "conversion" in unit:
        sizes = ((here,), (there, here), (here, here))
        sums = {name: np.zeros((*shape, *size)) for name, size in zip(_SUMS, sizes, strict=True)}
    parts: list[dict[str, NDArray[Any]]] = []
    for i, j in np.ndindex(shape):
        waves = solve_scattering(prepared, k[i][None], float(omega[j]))
        for name in INTERFACE_SIDES:
            part = incident_mode_columns(junction, waves, name)
            parts.append({**part, "row": np.full(part["side"].size, int(first) + i)})
        if sums:
            branch = waves.arriving[INTERFACE_SIDES.index(side)].branch
            sums["arriving"][i, j] = np.bincount(branch, minlength=here)
            sums["transmitted"][i, j] = branch_probabilities(waves, side, opposite_side(side), (here, there))
            sums["reflected"][i, j] = branch_probabilities(waves, side, side, (here, here))
    return {**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, **sums}


def incident_mode_columns(junction: Junction, found: ScatteringMatrix, side: Side) -> dict[str, NDArray[Any]]:
    """Columns of the table for the waves that arrive on one side."""
    arriving = found.arriving[INTERFACE_SIDES.index(side)]
    count = arriving.fold.size
    specular = specularity(junction, found, side).transmitted_specular
    return {
        "omega": np.full(count, found.omega),
        "wavevector": arriving.wavevector,
        "side": np.full(count, INTERFACE_SIDES.index(side)),
        "branch": arriving.branch,
        "velocity": arriving.velocity[:, 2],
        "transmission": _degenerate_mean(found.transmission(side), arriving.group),
        "specular": _degenerate_mean(specular, arriving.group),
    }


def _degenerate_mean(value: Array, group: IndexArray, axis: int = 0) -> Array:
    """Values of waves along an axis, those of degenerate waves replaced by their mean: the basis does not matter."""
    moved = np.moveaxis(value, axis, 0)
    at = np.unique(group, return_inverse=True)[1]
    sums = np.zeros_like(moved)
    np.add.at(sums, at, moved)
    mean = sums[at] / np.bincount(at)[at].reshape(-1, *[1] * (moved.ndim - 1)) if at.size else moved
    return np.moveaxis(mean, 0, axis)


def branch_probabilities(found: ScatteringMatrix, start: Side, stop: Side, branches: tuple[int, int]) -> Array:
    """(b', b) probabilities from branch (columns) to branch (rows), those of degenerate waves shared evenly."""
    leaving, arriving = found.leaving[INTERFACE_SIDES.index(stop)], found.arriving[INTERFACE_SIDES.index(start)]
    probability = _degenerate_mean(
        _degenerate_mean(found.probability(start, stop), leaving.group), arriving.group, axis=1
    )
    sums = np.zeros((branches[1], branches[0]))
    np.add.at(sums, (leaving.branch[:, None], arriving.branch), probability)
    return sums


def accumulation(
    modes: ModalTransmission, value: ArrayLike, temperature: float, *, side: Side = "left"
) -> tuple[Array, Array]:
    r"""Conductance carried by modes up to a value of any quantity, such as their mean free path.

    Parameters
    ----------
    modes : table with the same frequencies at all wave vectors, as from `agf_modes`
    value : (n,) the quantity for each row of the table
    temperature : K
    side : rows of this side are counted

    Returns
    -------
    value : (m,) in increasing order
    conductance : (m,) emitted conductance of all modes up to it, W m⁻² K⁻¹; the last is the whole

    Raises
    ------
    InputError
        for another number of values than rows, or a table of fewer than two frequencies
    """
    order = finite(value)
    if order.shape != modes.omega.shape:
        raise InputError(f"{order.size} values for {modes.omega.size} modes: one for each row of the table")
    check_choice(side, INTERFACE_SIDES, "side")
    carried = modes.mode_conductance(temperature) * modes.weight * modes.transmission
    rows_of = np.flatnonzero(modes.side == INTERFACE_SIDES.index(side))
    rows_of = rows_of[np.argsort(order[rows_of], kind="stable")]
    return order[rows_of], np.cumsum(carried[rows_of])
