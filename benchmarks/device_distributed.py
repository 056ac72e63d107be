"""Solve what `kapitza export chip.toml --moose out` wrote, by dolfinx on some ranks.

Run it as `mpiexec -n 2 python3 benchmarks/device_distributed.py out`.

Wants dolfinx with PETSc (Debian 12: `apt install python3-dolfinx`, then
PYTHONPATH=/usr/lib/petscdir/petsc3.18/x86_64-linux-gnu-real/lib/python3/dist-packages), and nothing of this package.

The same formulation as the input for MOOSE: one nodal field for each set of regions without a resistance between them,
and G (T1 - T2) on the facets where two of them meet.  Prints the hottest point and the mean over each source.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc
from mpi4py import MPI
from petsc4py import PETSc

COMM = MPI.COMM_WORLD
TENSOR = [0, 1, 3, 2, 4, 5, 7, 6]  # corners of a brick in the order of dolfinx
NEAR = 1e-9  # of the size of the device


def read(path):
    """Points, bricks and their groups of a .msh 2.2."""
    words = path.read_text().split("\n")
    start = words.index("$Nodes") + 2
    count = int(words[start - 1])
    points = np.array([line.split()[1:] for line in words[start : start + count]], dtype=float)
    start = words.index("$Elements") + 2
    count = int(words[start - 1])
    rows = [line.split() for line in words[start : start + count] if line.split()[1] == "5"]
    table = np.array(rows, dtype=np.int64)
    return points, table[:, 5:] - 1, table[:, 3]


def distributed(folder):
    """The mesh on all ranks, and the group of each cell that a rank has."""
    points, cells, groups = read(folder / "device.msh") if COMM.rank == 0 else (np.zeros((0, 3)), None, None)
    cells = np.zeros((0, 8), dtype=np.int64) if cells is None else cells[:, TENSOR]
    domain = ufl.Mesh(ufl.VectorElement("Lagrange", "hexahedron", 1))
    found = mesh.create_mesh(COMM, cells, points, domain, ghost_mode=mesh.GhostMode.shared_facet)
    groups = COMM.bcast(groups, root=0)
    return found, groups[found.topology.original_cell_index]


def tagged(found, groups, problem):
    """Facets: their number, middle, outward or not, and the groups of the cells on both sides."""
    dim = found.topology.dim
    found.topology.create_entities(dim - 1)
    found.topology.create_connectivity(dim - 1, dim)
    link = found.topology.connectivity(dim - 1, dim)
    index = found.topology.index_map(dim - 1)
    facets = np.arange(index.size_local + index.num_ghosts, dtype=np.int32)
    middles = mesh.compute_midpoints(found, dim - 1, facets)
    outer = set(mesh.exterior_facet_indices(found.topology).tolist())
    low, high = (f(COMM.allgather(f(found.geometry.x, axis=0)), axis=0) for f in (np.min, np.max))
    size = float(np.max(high - low))
    names = (("left", "right"), ("front", "back"), ("bottom", "top"))
    at = {name: (axis, end) for axis, pair in enumerate(names) for name, end in zip(pair, (low, high), strict=True)}
    name_of = {one["group"]: one["name"] for one in problem["regions"]}
    contact = {frozenset(one["regions"]): i for i, one in enumerate(problem["contacts"])}
    faces = {one["face"]: i for i, one in enumerate(problem["cooling"])}
    tags = {"contact": [], "cooling": [], "inner": [], "outer": []}
    for facet in facets:
        names = [name_of[groups[cell]] for cell in link.links(facet)]
        x = middles[facet]
        if len(set(names)) == 2 and frozenset(names) in contact:
            tags["contact"].append((facet, contact[frozenset(names)]))
        if facet in outer:
            for side, (axis, end) in at.items():
                if abs(x[axis] - end[axis]) < NEAR * size and f"{side}_{names[0]}" in faces:
                    tags["cooling"].append((facet, faces[f"{side}_{names[0]}"]))
        for i, one in enumerate(problem["patches"]):
            inside = all(a < value < b for value, (a, b) in zip(x, (one["x"], one["y"]), strict=False))
            if inside and abs(x[2] - one["z"]) < NEAR * size and one["region"] in names:
                tags["outer" if facet in outer else "inner"].append((facet, i))
    return {key: marked(found, dim - 1, rows) for key, rows in tags.items()}


def marked(found, dim, rows):
    """Tags of facets."""
    table = np.array(sorted(rows), dtype=np.int32).reshape(-1, 2)
    return mesh.meshtags(found, dim, table[:, 0].copy(), table[:, 1].copy())


def solve(folder):
    """Solve, and print what is compared."""
    problem = json.loads((folder / "device.json").read_text())
    start = time.perf_counter()
    found, groups = distributed(folder)
    tags = tagged(found, groups, problem)
    fields = list(dict.fromkeys(one["field"] for one in problem["regions"]))
    number = {one["name"]: fields.index(one["field"]) for one in problem["regions"]}
    element = ufl.FiniteElement("Lagrange", "hexahedron", 1)
    space = fem.FunctionSpace(found, ufl.MixedElement([element] * len(fields)) if len(fields) > 1 else element)
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    us, vs = (ufl.split(one) if len(fields) > 1 else (one,) for one in (u, v))
    local = np.arange(len(groups), dtype=np.int32)
    cells = mesh.meshtags(found, 3, local, groups.astype(np.int32))
    dx = ufl.Measure("dx", domain=found, subdomain_data=cells)
    measures = {
        key: ufl.Measure("dS" if key in ("contact", "inner") else "ds", domain=found, subdomain_data=tags[key])
        for key in tags
    }
    left, right = 0, 0
    for one in problem["regions"]:
        t, w = us[number[one["name"]]], vs[number[one["name"]]]
        k = ufl.as_matrix(np.diag(one["conductivity"]).tolist())
        left += ufl.inner(k * ufl.grad(t), ufl.grad(w)) * dx(one["group"])
        right += PETSc.ScalarType(one["heat"]) * w * dx(one["group"])
    for i, one in enumerate(problem["contacts"]):
        a, b = (number[name] for name in one["regions"])
        jump = (us[a] - us[b])("+"), (vs[a] - vs[b])("+")
        left += one["conductance"] * jump[0] * jump[1] * measures["contact"](i)
    for i, one in enumerate(problem["cooling"]):
        if one["coefficient"] is not None:
            own = number[one["face"].split("_", 1)[1]]
            left += one["coefficient"] * us[own] * vs[own] * measures["cooling"](i)
    for i, one in enumerate(problem["patches"]):
        w = vs[number[one["region"]]]
        right += one["flux"] * w * measures["outer"](i) + one["flux"] * w("+") * measures["inner"](i)
    conditions = pinned(space, fields, problem, cells, tags["cooling"], number)
    options = {"ksp_type": "cg", "ksp_rtol": 1e-10, "pc_type": "hypre", "pc_hypre_type": "boomeramg"}
    asked = petsc.LinearProblem(left, right, conditions, petsc_options=options)
    solved = asked.solve()
    spent = time.perf_counter() - start
    peak = COMM.allreduce(float(solved.x.array.max()), MPI.MAX)
    means = {}
    for i, one in enumerate(problem["patches"]):
        t = ufl.split(solved)[number[one["region"]]] if len(fields) > 1 else solved
        parts = [(value * measures["outer"](i), value("+") * measures["inner"](i)) for value in (t, 1 + 0 * t)]
        total, area = (sum(COMM.allreduce(fem.assemble_scalar(fem.form(p)), MPI.SUM) for p in pair) for pair in parts)
        means[one["source"]] = total / area
    if COMM.rank == 0:
        told = ", ".join(f"mean over {name} {value:.5f} K" for name, value in means.items())
        count = space.dofmap.index_map.size_global * space.dofmap.index_map_bs
        print(
            f"{COMM.size} ranks, {count} unknowns, {asked.solver.its} iterations, {spent:.1f} s: "
            f"peak {peak:.5f} K, {told}"
        )


def pinned(space, fields, problem, cells, cooling, number):
    """Rises held at zero: fields outside of their regions, and the faces that are held."""
    rows = []
    for i, name in enumerate(fields):
        groups = [one["group"] for one in problem["regions"] if one["field"] == name]
        own = cells.indices[np.isin(cells.values, groups)]
        held = [
            j
            for j, one in enumerate(problem["cooling"])
            if one["coefficient"] is None and number[one["face"].split("_", 1)[1]] == i
        ]
        facets = cooling.indices[np.isin(cooling.values, held)]
        part = space.sub(i) if len(fields) > 1 else space
        index = space.dofmap.index_map
        everything = (
            np.array(space.sub(i).collapse()[1]) if len(fields) > 1 else np.arange(index.size_local + index.num_ghosts)
        )
        inside = fem.locate_dofs_topological(part, 3, own)
        rows += [np.setdiff1d(everything, inside), fem.locate_dofs_topological(part, 2, facets)]
    dofs = np.unique(np.concatenate(rows)).astype(np.int32)
    zero = fem.Function(space)
    return [fem.dirichletbc(zero, dofs)]


if __name__ == "__main__":
    solve(Path(sys.argv[1]))
