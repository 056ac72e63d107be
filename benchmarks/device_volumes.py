"""CPU time, memory and accuracy of fields on box grids: `OMP_NUM_THREADS=1 python benchmarks/device_volumes.py`.

The transistor of device_stack.py, whose hottest point is 39.8762 K above the sink, on grids of 50,000 to 2 million
cells; then, where scikit-fem is installed (it is no dependency: `pip install scikit-fem pyamg` in an environment of its
own, with this package), the same on tetrahedra with split nodes at the boundaries, solved by the same multigrid.

Sizes may be given: `device_volumes.py 149e3 742e3`, and `--tetrahedra 40e3`.
"""

import argparse
import resource
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.grid.box_grid import automatic_grid
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layout import Layout
from kapitza.device.multigrid import build_preconditioner, conjugate_gradients
from kapitza.device.shapes import Rectangle
from kapitza.units import um

PEAK, MEAN, JUMP = 39.8762, 35.93716, 11.07306  # K
FLUX = 1.25e9


def transistor() -> Device:
    layers = [
        Layer("GaN", 2 * um, 150, heat_capacity=2.6e6),
        Layer("SiC", 100 * um, 390, in_plane=490, heat_capacity=2.2e6),
        Layer("AuSn", 20 * um, 57, heat_capacity=2.6e6),
        Layer("Cu", 200 * um, 390, heat_capacity=3.45e6),
    ]
    finger = Rectangle((0, 2 * um), (0, 25 * um))
    return Device(
        Stack(layers, [5e7, 2e8, 1e7]), [HeatSource("finger", FLUX * finger.area, finger)], Box(100 * um, 100 * um)
    )


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def volumes(unknowns: int) -> tuple[int, float, float]:
    """Cells, CPU time and error of the peak, %."""
    start = time.process_time()
    got = solve_on_grid(transistor(), unknowns)
    spent = time.process_time() - start
    hot = got.temperatures
    errors = [100 * (a / b - 1) for a, b in ((hot.peak, PEAK), (hot.average["finger"], MEAN))]
    jump = 100 * (hot.drop["GaN|SiC"] / JUMP - 1)
    print(
        f"volumes     {got.grid.count:8d} cells {spent:7.2f} s {memory():6.0f} MB   peak {hot.peak:.4f} K "
        f"{errors[0]:+.3f} %   average {errors[1]:+.3f} %   jump {jump:+.3f} %   balance {got.imbalance:+.0e}",
        flush=True,
    )
    return got.grid.count, spent, errors[0]


def tetrahedra(unknowns: int) -> tuple[float, float]:
    """CPU time and error of the peak, %, of linear elements on a mesh of one grid for each layer."""
    import skfem
    from skfem.helpers import grad

    start = time.process_time()
    device = transistor()
    grid = automatic_grid(Layout(device), unknowns)
    matrices: list[Any] = []
    meshes: list[Any] = []
    depth = 0.0
    for layer in device.stack.layers:
        bottom = depth + layer.thickness
        z = grid.z[(grid.z > depth - 1e-12) & (grid.z < bottom + 1e-12)]
        mesh = skfem.MeshTet.init_tensor(grid.x, grid.y, z)
        along, through = layer.tensor[0, 0], layer.tensor[2, 2]

        def conducted(u: Any, v: Any, _: Any, along: float = along, through: float = through) -> Any:
            du, dv = grad(u), grad(v)
            return along * (du[0] * dv[0] + du[1] * dv[1]) + through * du[2] * dv[2]

        matrices.append(skfem.BilinearForm(conducted).assemble(skfem.Basis(mesh, skfem.ElementTetP1())))
        meshes.append(mesh)
        depth = bottom
    total = csr_array(block_diag(matrices))
    offsets = np.concatenate([[0], np.cumsum([mesh.p.shape[1] for mesh in meshes])])
    for i, boundary in enumerate(device.stack.boundaries):
        total = total + coupling(meshes, offsets, i, boundary.conductance)
    first = meshes[0]
    heated = first.facets_satisfying(
        lambda p: (p[2] < 1e-12) & (p[0] < 2 * um) & (p[1] < 25 * um), boundaries_only=True
    )
    basis = skfem.FacetBasis(first, skfem.ElementTetP1(), facets=heated)
    right = np.zeros(total.shape[0])
    right[: offsets[1]] = skfem.LinearForm(lambda v, _: FLUX * v).assemble(basis)
    held = offsets[-2] + np.flatnonzero(meshes[-1].p[2] > meshes[-1].p[2].max() - 1e-12)
    free = np.setdiff1d(np.arange(total.shape[0]), held)
    inner = csr_array(total[free][:, free])
    inner.indices, inner.indptr = inner.indices.astype(np.int32), inner.indptr.astype(np.int32)
    solved, _ = conjugate_gradients(inner, right[free], build_preconditioner(inner))
    spent = time.process_time() - start
    error = 100 * (solved.max() / PEAK - 1)
    print(
        f"tetrahedra  {free.size:8d} nodes {spent:7.2f} s {memory():6.0f} MB   peak {solved.max():.4f} K "
        f"{error:+.3f} %",
        flush=True,
    )
    return spent, error


def in_finger(p: Any) -> Any:
    return (p[2] < 1e-12) & (p[0] < 2 * um) & (p[1] < 25 * um)


def coupling(meshes: list[Any], offsets: Any, index: int, conductance: float) -> csr_array:
    """The matrix of a boundary between the bottom nodes of one mesh and the top nodes of the next."""
    import skfem

    upper, lower = meshes[index], meshes[index + 1]
    depth = lower.p[2].min()
    facets = lower.facets_satisfying(lambda p: np.abs(p[2] - depth) < 1e-12, boundaries_only=True)
    mass = skfem.BilinearForm(lambda u, v, _: conductance * u * v).assemble(
        skfem.FacetBasis(lower, skfem.ElementTetP1(), facets=facets)
    )
    sides = []
    for mesh in (upper, lower):
        nodes = np.flatnonzero(np.abs(mesh.p[2] - depth) < 1e-12)
        sides.append(nodes[np.lexsort((mesh.p[1][nodes], mesh.p[0][nodes]))])
    own = mass[sides[1]][:, sides[1]].tocoo()
    above, below = sides[0] + offsets[index], sides[1] + offsets[index + 1]
    rows, columns, values = [], [], []
    for a, b, sign in ((above, above, 1), (below, below, 1), (above, below, -1), (below, above, -1)):
        rows.append(a[own.row])
        columns.append(b[own.col])
        values.append(sign * own.data)
    shape = (offsets[-1], offsets[-1])
    return csr_array(coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape))


def compare(unknowns: int, known: tuple[int, float]) -> None:
    """Tetrahedra, and volumes with no larger an error of the peak, from the error (%) on a known number of cells."""
    spent, error = tetrahedra(unknowns)
    cells = int(1.05 * known[0] * abs(known[1] / error) ** 1.5)
    while True:
        count, own, mine = volumes(cells)
        if abs(mine) <= abs(error) or cells > 3_000_000:
            break
        cells = int(1.1 * count * abs(mine / error) ** 1.5)
    print(f"at no larger an error of the peak: {spent / own:.1f} times less CPU time than tetrahedra")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=float, default=[149e3, 742e3, 2e6])
    parser.add_argument("--tetrahedra", type=float, default=60e3)
    arguments = parser.parse_args()
    solve_on_grid(transistor(), 1000)  # what is imported at the first use is not counted
    found = [volumes(int(size)) for size in arguments.sizes]
    if len(found) > 1:
        power = np.log(found[-1][1] / found[0][1]) / np.log(found[-1][0] / found[0][0])
        print(f"CPU time goes as the number of cells to the power {power:.2f}")
    if find_spec("skfem") is None:
        print("scikit-fem is not installed here: nothing to compare with")
        return
    compare(int(arguments.tetrahedra), (found[0][0], found[0][2]))


if __name__ == "__main__":
    main()
