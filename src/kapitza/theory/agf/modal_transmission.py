"""Transmission mode by mode over the whole zone: by branch, angle and frequency, and from branch to branch."""

from typing import Any

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
from kapitza.theory.agf.green_functions import PreparedJunction, prepare_junction
from kapitza.theory.agf.k_mesh import MeshSize, even_frequencies, zone_wavevectors
from kapitza.theory.agf.scattering import ScatteringMatrix, opposite_side, solve_scattering, specularity
from kapitza.theory.agf.transmission import UnitRunner, junction_from_arrays, point_seconds

_DEFAULT_MODE_MESH_SIDE = 12  # wave vectors along a side of the zone of the smallest cell where no mesh is given


@frozen(eq=False)
class ModeConversion(BaseRecord):
    """How the modes that arrive on a branch of a side leave, over the whole zone; degenerate branches share evenly."""

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
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega, common=True)
    points = zone_wavevectors(prepared, k_mesh, _DEFAULT_MODE_MESH_SIDE)
    run = UnitRunner(executor, store, progress)
    found = run(
        _mode_table, prepared, {"k": points.k}, {"omega": wanted}, _mode_seconds(prepared, wanted), numbered=True
    )
    rows = found["row"].astype(int)
    return ModalTransmission(
        omega=found["omega"],
        wavevector=found["wavevector"],
        side=found["side"].astype(int),
        branch=found["branch"].astype(int),
        velocity=found["velocity"],
        weight=points.weight[rows] / junction.area,
        transmission=np.clip(found["transmission"], 0, 1),
        specular=np.clip(found["specular"], 0, 1),
        method=f"AGF {junction.name}",
    )


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
    """Modes that arrive on each branch, cross and return on each branch; parameters as in `agf_modes`."""
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega, common=True)
    check_choice(side, INTERFACE_SIDES, "side")
    points = zone_wavevectors(prepared, k_mesh, _DEFAULT_MODE_MESH_SIDE)
    run, common = UnitRunner(executor, store, progress), {"omega": wanted, "side": side}
    found = run(_conversion_sums, prepared, {"k": points.k}, common, _mode_seconds(prepared, wanted), numbered=True)
    sums = {
        name: np.tensordot(points.weight / junction.area, found[name], axes=1)
        for name in ("arriving", "transmitted", "reflected")
    }
    return ModeConversion(wanted, side, **sums)


def _mode_seconds(prepared: PreparedJunction, omega: Array) -> float:
    """Rough time of all modes of one wave vector, s."""
    return (5e-3 + point_seconds(prepared)) * omega.size


def _mode_table(unit: UnitInputs) -> UnitResult:
    """Kernel: rows of the table of modes for wave vectors k (nk, 2) and frequencies omega (nω,)."""
    prepared = prepare_junction(junction_from_arrays(unit["junction"]))
    k, first = np.asarray(unit["k"]), int(np.asarray(unit["first"]))
    parts: list[dict[str, NDArray[Any]]] = []
    for i, one in enumerate(k):
        for omega in np.asarray(unit["omega"]):
            found = solve_scattering(prepared, one[None], float(omega))
            for side in INTERFACE_SIDES:
                part = incident_mode_columns(prepared.junction, found, side)
                parts.append({**part, "row": np.full(part["side"].size, first + i)})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


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


def _conversion_sums(unit: UnitInputs) -> UnitResult:
    """Kernel: sums from branch to branch for wave vectors k (nk, 2) and frequencies omega (nω,)."""
    prepared = prepare_junction(junction_from_arrays(unit["junction"]))
    side: Side = "left" if unit["side"] == "left" else "right"
    other = opposite_side(side)
    here, there = (prepared.junction.lead(name).onsite.shape[-1] for name in (side, other))
    k, omega = np.asarray(unit["k"]), np.asarray(unit["omega"])
    arriving = np.zeros((len(k), omega.size, here))
    transmitted = np.zeros((len(k), omega.size, there, here))
    reflected = np.zeros((len(k), omega.size, here, here))
    for i, one in enumerate(k):
        for j, frequency in enumerate(omega):
            found = solve_scattering(prepared, one[None], float(frequency))
            branch = found.arriving[INTERFACE_SIDES.index(side)].branch
            arriving[i, j] = np.bincount(branch, minlength=here)
            transmitted[i, j] = branch_probabilities(found, side, other, (here, there))
            reflected[i, j] = branch_probabilities(found, side, side, (here, here))
    return {"arriving": arriving, "transmitted": transmitted, "reflected": reflected}


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
