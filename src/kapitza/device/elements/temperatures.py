"""Steady temperatures of a body on a mesh, and the views on them: jumps, sections, fluxes, sensitivities."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array
from kapitza.device.elements.body import Body, FixedFlux
from kapitza.device.elements.interfaces import SplitMesh, split_mesh
from kapitza.device.elements.sensitivities import body_sensitivities
from kapitza.device.elements.steady import (
    assemble_body,
    body_flows,
    body_jumps,
    check_sinks,
    face_facets,
    fixed_unknowns,
    load_vector,
    solve_constrained,
)
from kapitza.device.elements.views import body_flux, body_hot_spot, body_means, body_section
from kapitza.device.results import BoundaryJump, TriangulatedField
from kapitza.errors import InputError


@frozen(eq=False, kw_only=True)
class BodyTemperatures:
    """Temperatures of a body.

    Attributes
    ----------
    body : whose they are
    split : which unknown lies where
    temperature : (n,) of each unknown, K; a point on a boundary that resists has one for each side
    jumps : by name of the boundary
    flows : of heat out through each face, W (W m⁻¹ in two dimensions)
    entered : from the sources inside, W (W m⁻¹)
    steps : of the iteration; 0 where the equations were factorised
    """

    body: Body
    split: SplitMesh
    temperature: Array = field(metadata={"unit": "K"})
    jumps: Mapping[str, BoundaryJump]
    flows: Mapping[str, float] = field(metadata={"unit": "W, W m^-1 in two dimensions"})
    entered: float = field(metadata={"unit": "as flows"})
    steps: int = field(metadata={"unit": "1"})

    @property
    def imbalance(self) -> float:
        """What enters less what leaves, over the larger of what crosses the faces or enters inside."""
        flows = np.array(list(self.flows.values()))
        scale = max(abs(self.entered), float(np.abs(flows).max(initial=0.0)))
        return 0.0 if scale == 0 else abs(self.entered - float(flows.sum())) / scale

    @property
    def peak(self) -> float:
        """Highest temperature of all nodes, K."""
        return float(self.temperature.max())

    def mean(self, face: str) -> float:
        """Temperature averaged over a face of the mesh, whether or not heat crosses it, K."""
        mesh = self.body.mesh
        if face not in mesh.faces:
            raise InputError(f"no face {face!r} in the mesh: it has {', '.join(mesh.faces) or 'no named faces'}")
        unknowns, mass = face_facets(mesh, self.split, face)
        weight = mass.sum(axis=2)
        return float((weight * self.temperature[unknowns]).sum() / weight.sum())

    def at(self, region: str) -> tuple[Array, Array]:
        """(n, d) points of a region and (n,) their temperatures on its side, m and K."""
        mesh = self.body.mesh
        if region not in mesh.names:
            raise InputError(f"no region {region!r}: the mesh has {', '.join(mesh.names)}")
        chosen = np.unique(self.split.unknowns[mesh.region == mesh.names.index(region)])
        return mesh.points[self.split.point[chosen]], self.temperature[chosen]

    @property
    def sink(self) -> float:
        """Temperature above which rises count: 0 K, so that those of a body are its temperatures."""
        return 0.0

    @property
    def place(self) -> Array:
        """(d,) place of the hottest node, m."""
        return self.hot_spot[0]

    @property
    def hot_spot(self) -> tuple[Array, str]:
        """(d,) place of the hottest node, m, and the region that it lies in."""
        return body_hot_spot(self.body.mesh, self.split, self.temperature)

    @property
    def means(self) -> dict[str, float]:
        """Temperature averaged over each region, by name, K."""
        return body_means(self.body.mesh, self.split, self.temperature)

    def flux(self) -> Array:
        """(m, d) heat flux in the middle of each cell, W m⁻²."""
        return body_flux(self.body, self.split, self.temperature)

    def section(self, y: float | None = None, *, sink: float = 0.0) -> TriangulatedField:
        """All of a body of triangles, or the section of tetrahedra with a plane across y, m; rises above `sink`, K."""
        return body_section(self.body, self.split, self.temperature, sink, y)

    def sensitivities(self, names: Sequence[str] | None = None) -> dict[str, float]:
        """Change of the highest temperature per relative change of numbers of the body, by name, K."""
        return body_sensitivities(self.body, self.split, self.temperature, names)


def solve_body(body: Body) -> BodyTemperatures:
    r"""Temperatures of a body in steady state.

    Conduction $\nabla\cdot\mathbf{k}\nabla T + q = 0$ with $G\,(T_1 - T_2)$ through boundaries that resist.  Linear or
    quadratic elements have a node of their own on either side of a boundary that resists.
    """
    pairs = body.conductances()
    parts = split_mesh(body.mesh, lambda a, b: (a, b) in pairs)
    equations = assemble_body(body, parts, pairs)
    check_sinks(body, parts, equations)
    held, values = fixed_unknowns(body, equations)
    sinks = [face.temperature for face in body.faces.values() if not isinstance(face, FixedFlux)]
    # Differences from a typical temperature: errors of the iteration then scale with the rise and not with 300 K.
    temperature, steps = solve_constrained(equations, held, values, float(np.mean(sinks)), body.mesh.simplex)
    residual = equations.load - equations.matrix @ temperature
    return BodyTemperatures(
        body=body,
        split=parts,
        temperature=temperature,
        jumps=body_jumps(body, parts, pairs, temperature),
        flows=body_flows(body, equations, temperature, residual),
        entered=float(load_vector(body.mesh, parts.unknowns, body.densities(), len(temperature)).sum()),
        steps=steps,
    )
