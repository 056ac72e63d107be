"""Temperatures of a lamella as a scan sees them: along each row of pixels through the point spread of the beam."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.sheet import SheetMesh, column_places

_FAR_WIDTHS = 9.0  # widths from where a normal kernel sees no kink


@frozen(eq=False)
class PixelWeights(BaseRecord):
    """What pixels (ny, nx) see of the columns of a mesh: `weight` (ny, nx, nc) along rows between two of the mesh."""

    weight: NDArray[np.float64]
    row: NDArray[np.intp]  # (ny,) of the mesh below each row of pixels
    share: Array  # (ny,) of the row above

    def apply(self, temperature: NDArray[Any], mesh: SheetMesh) -> NDArray[Any]:
        """(ny, nx) temperatures seen of nodes (nodes,), or (ny, nx, m) of m solutions (nodes, m), K."""
        grid = temperature.reshape(*mesh.x.shape, -1).swapaxes(0, 1)
        share = self.share[:, None, None]
        rows = grid[self.row] * (1 - share) + grid[self.row + 1] * share
        return (self.weight @ rows).reshape(*self.weight.shape[:2], *temperature.shape[1:])


def pixel_weights(mesh: SheetMesh, x: Array, y: Array, spread: PointSpread) -> PixelWeights:
    r"""How pixels at x (nx,) and y (ny,) see a mesh, m.

    Along a row the temperature is linear between nodes, with jumps at planes: a sum of ramps and steps, which the
    kernel turns into its own.  The kernel is round, so that along a row at angle $\theta$ to the normal of a plane it
    is wider by $1/\cos\theta$; the first plane counts.  Beyond the pads the end pieces go on straight.
    """
    place = (y - mesh.y[0]) / (mesh.y[1] - mesh.y[0])
    row = np.clip(place.astype(int), 0, mesh.y.size - 2)
    nodes = column_places(mesh.edges, mesh.resolution, y - (mesh.y[0] + mesh.y[-1]) / 2).T  # (ny, nc)
    slope = mesh.edges[1, 1] + 2 * mesh.edges[1, 2] * (y - (mesh.y[0] + mesh.y[-1]) / 2)
    cosine = (1 / np.hypot(1, slope))[:, None, None]
    distance = (x[:, None] - nodes[:, None, :]) * cosine  # (ny, nx, nc)
    ramp = np.maximum(distance, 0.0)
    near = np.abs(distance) < _FAR_WIDTHS * spread.width if spread.share == 0 else np.ones(distance.shape, dtype=bool)
    ramp[near] = spread.ramp(distance[near])  # elsewhere the kernel leaves a straight line as it is
    ramp /= cosine
    ramp[..., 0], ramp[..., -1] = distance[..., 0] / cosine[..., 0], 0.0
    weight = np.zeros_like(distance)
    weight[..., 0] = 1.0
    inner = np.setdiff1d(np.arange(nodes.shape[1] - 1), mesh.last)  # a column here and the next bound a quadrangle
    piece = (ramp[..., inner] - ramp[..., inner + 1]) / (nodes[:, inner + 1] - nodes[:, inner])[:, None, :]
    weight[..., inner + 1] += piece
    weight[..., inner] -= piece
    for right in mesh.first[1:]:
        step = spread.step(distance[..., right].ravel()).reshape(distance.shape[:2])
        weight[..., right] += step
        weight[..., right - 1] -= step
    return PixelWeights(weight, row, place - row)
