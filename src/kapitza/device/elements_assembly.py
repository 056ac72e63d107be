"""Matrices and loads of linear and quadratic elements, straight or curved."""

import numpy as np
from scipy.sparse import coo_array, csr_array

from kapitza.core.arrays import Array
from kapitza.device.elements_reference import Integers, Simplex
from kapitza.device.meshes import Mesh, chunks, jacobians


def gathered(local: Array, rows: Integers, columns: Integers, size: int) -> csr_array:
    """Sum (m, k, l) local matrices into one of `size` unknowns."""
    shape = local.shape
    row = np.broadcast_to(rows[:, :, None], shape).ravel()
    column = np.broadcast_to(columns[:, None, :], shape).ravel()
    return csr_array(coo_array((local.ravel(), (row, column)), shape=(size, size)))


def stiffness(mesh: Mesh, unknowns: Integers, tensors: Array, size: int) -> csr_array:
    r"""$K_{ij} = \int \nabla N_i \cdot \mathbf{k}\,\nabla N_j$, W K⁻¹ (W m⁻¹ K⁻¹ in two dimensions).

    Parameters
    ----------
    mesh : of the cells
    unknowns : (m, k) of each cell
    tensors : (regions, d, d) conductivity, W m⁻¹ K⁻¹
    size : number of unknowns
    """
    points, weights = mesh.simplex.quadrature()
    if mesh.simplex.order == 1:
        points, weights = points[:1], np.array([mesh.simplex.volume])
    _, slopes = mesh.simplex.shapes(points)
    total = csr_array((size, size))
    for part in chunks(len(mesh.cells), len(points)):
        jacobian, determinant = jacobians(mesh, mesh.cells[part], slopes)
        gradient = np.matmul(slopes[None], np.linalg.inv(jacobian))  # (m, q, k, d)
        weighted = np.matmul(gradient, tensors[mesh.region[part]][:, None]) * (determinant * weights)[:, :, None, None]
        local = np.matmul(weighted, np.swapaxes(gradient, 2, 3)).sum(axis=1)
        total = total + gathered(local, unknowns[part], unknowns[part], size)
    return csr_array((total + total.T) / 2)


def cell_load(mesh: Mesh, unknowns: Integers, density: Array, size: int) -> Array:
    r"""(size,) $\int N_i\,q$ of a source of `density` (regions,), W m⁻³, in W (W m⁻¹ in two dimensions)."""
    points, weights = mesh.simplex.quadrature()
    values, slopes = mesh.simplex.shapes(points)
    load = np.zeros(size)
    heated = np.flatnonzero(density[mesh.region] != 0)
    for chosen in chunks(len(heated), len(points)):
        part = heated[chosen]
        _, determinant = jacobians(mesh, mesh.cells[part], slopes)
        local = (determinant * weights) @ values * density[mesh.region[part]][:, None]
        load += np.bincount(unknowns[part].ravel(), local.ravel(), minlength=size)
    return load


def facet_masses(points: Array, facets: Integers, order: int) -> Array:
    r"""(nf, k, k) $\int N_i N_j$ over facets of these (nf, k) points, m² (m in two dimensions)."""
    shape = Simplex(points.shape[1] - 1, order)
    where, weights = shape.quadrature()
    values, slopes = shape.shapes(where)
    tangents = np.einsum("mka,qkb->mqab", points[facets], slopes)
    if shape.dimension == 1:
        measure = np.linalg.norm(tangents[..., 0], axis=-1)
    else:
        measure = np.linalg.norm(np.cross(tangents[..., 0], tangents[..., 1]), axis=-1)
    return np.einsum("mq,qi,qj->mij", measure * weights, values, values)
