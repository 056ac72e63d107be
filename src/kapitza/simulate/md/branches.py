"""Straight parts of a temperature profile on both sides of a plane: which layers belong to them, and their lines."""

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import FREE

# Layers beside the plane and beside a bath that are off the line in solids near half of their Debye temperature.
USUAL = 4
FEWEST = 4


@frozen(eq=False)
class Branches:
    """Lines through the free layers on both sides, as weights of the temperatures of all layers.

    Attributes
    ----------
    interface : free layers left out on either side of the plane
    bath : free layers left out beside each bath
    weights : (4, layers) for the left and the right temperature at the plane (no unit) and the left and the right
        gradient (m⁻¹)
    """

    interface: int
    bath: int
    weights: Array = field()


def free_layers(record: Record) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Layers between the plane and the first bath on the left and on the right, in ascending order.

    Raises
    ------
    InputError
        if fewer than four are free on a side
    """
    free = record.roles == FREE
    first = int(np.searchsorted(record.heights, record.plane))
    low, high = first, first
    while low > 0 and free[low - 1]:
        low -= 1
    while high < free.size and free[high]:
        high += 1
    left, right = np.arange(low, first), np.arange(first, high)
    for name, side in (("left", left), ("right", right)):
        if side.size < FEWEST:
            raise InputError(
                f"{record.name}: {side.size} free layers {name} of the plane at {record.plane:g} m, a line with an "
                f"error needs {FEWEST}: make the system longer or the baths shorter"
            )
    return left, right


def branches(record: Record, interface: int, bath: int) -> Branches:
    """Least-squares lines on both sides, each layer weighted by its atoms.

    Raises
    ------
    InputError
        if fewer than four layers are left on a side
    """
    left, right = free_layers(record)
    weights = np.zeros((4, record.heights.size))
    for row, side in enumerate((left[bath : left.size - interface], right[interface : right.size - bath])):
        if side.size < FEWEST:
            raise InputError(
                f"{record.name}: {side.size} layers are left on a side when {interface} beside the plane and {bath} "
                f"beside the bath are left out, a line with an error needs {FEWEST}"
            )
        x, root = record.heights[side] - record.plane, np.sqrt(record.counts[side])
        scale = np.abs(x).max()
        inverse = np.linalg.pinv(np.column_stack([root, root * x / scale])) * root
        weights[row, side], weights[2 + row, side] = inverse[0], inverse[1] / scale
    return Branches(interface, bath, weights)


def scanned(record: Record) -> list[Branches]:
    """All reasonable choices of layers left out, the usual one first.

    The usual choice leaves out four layers, or a quarter of the free ones where there are fewer than 16 on a side; the
    others leave out from half to twice as many, as long as a third of the free layers, and four of them, are left.
    """
    shortest = min(side.size for side in free_layers(record))
    usual = min(USUAL, shortest // 4)
    steps = sorted({usual // 2, usual, usual + usual // 2, 2 * usual})
    pairs = [(i, b) for i in steps for b in steps if shortest - i - b >= max(FEWEST, shortest / 3)]
    first = (usual, usual) if (usual, usual) in pairs else (0, 0)
    return [branches(record, i, b) for i, b in [first, *(pair for pair in pairs if pair != first)]]


def densities(record: Record) -> Array:
    """(2,) atoms per volume on the left and on the right, m⁻³."""
    found: list[float] = []
    for side in free_layers(record):
        spacing = np.ptp(record.heights[side]) / (side.size - 1)
        found.append(float(record.counts[side].mean() / (record.area * spacing)))
    return np.array(found)


def slab_lengths(record: Record) -> Array:
    """(2,) lengths of the solids left and right of the plane, baths and held layers included, m.

    Where the box repeats (`ways` = 2), half of each solid belongs to each interface: half of the box is divided as its
    free layers are.
    """
    spacing = np.ptp(record.heights) / (record.heights.size - 1)
    ends = np.array([record.heights[0] - spacing / 2, record.heights[-1] + spacing / 2])
    if record.ways == 1:
        return np.abs(ends - record.plane)
    free = np.array([side.size for side in free_layers(record)])
    return np.ptp(ends) / record.ways * free / free.sum()
