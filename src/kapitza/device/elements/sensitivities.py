r"""What the hottest point of a body depends on, from one more solution with the same matrix.

The equations $A T = b$ are linear in each conductivity, conductance, coefficient and source p; with
$A\lambda = e$ for the hottest node, held nodes apart,

$$\frac{\partial T_\mathrm{peak}}{\partial\ln p} = \lambda'\,(p\,\partial_p b - p\,\partial_p A\,T) .$$
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.elements.body import Body, Convection, FixedFlux
from kapitza.device.elements.interfaces import SplitMesh
from kapitza.device.elements.steady import LinearSystem, assemble_body, fixed_unknowns, solve_constrained
from kapitza.device.layout import scale_conductance
from kapitza.device.results import logarithmic_derivatives
from kapitza.errors import InputError

_BODY_PERTURBATION = 0.1  # of a number, by which it is moved either way: the equations are linear in it


def body_sensitivities(
    body: Body, parts: SplitMesh, temperature: Array, names: Sequence[str] | None = None
) -> dict[str, float]:
    """Change of the highest of the (n,) temperatures per relative change of numbers of a body, by name, K.

    Names are such as "oxide.conductivity", "oxide|metal.conductance", "hot.flux", "cold.coefficient", "metal.heat".
    """
    pairs = body.conductances()
    equations = assemble_body(body, parts, pairs)
    held, values = fixed_unknowns(body, equations)
    load = np.zeros(len(temperature))
    load[int(np.argmax(np.where(np.isin(np.arange(load.size), parts.unknowns), temperature, -np.inf)))] = 1
    problem = LinearSystem(equations.matrix, load, equations.faces)
    adjoint, _ = solve_constrained(problem, held, np.zeros_like(values), 0.0, body.mesh.simplex)

    def residual(name: str, factor: float) -> float:
        moved = scale_body(body, name, factor)
        other = assemble_body(moved, parts, moved.conductances())
        return float(adjoint @ (other.load - other.matrix @ temperature))

    return logarithmic_derivatives(body_parameters(body) if names is None else names, residual, _BODY_PERTURBATION)


def body_parameters(body: Body) -> list[str]:
    """Names of the numbers that the temperatures depend on, beside those of coolants and held faces."""
    found = [f"{name}.conductivity" for name in body.conductivity]
    found += [f"{name}.heat" for name, density in body.heat.items() if density]
    finite = [name for name, value in body.conductance.items() if isinstance(value, Conductance) or 0 < value < np.inf]
    found += [f"{name}.conductance" for name in finite]
    for name, face in body.faces.items():
        found += [f"{name}.flux"] if isinstance(face, FixedFlux) else []
        found += [f"{name}.coefficient"] if isinstance(face, Convection) else []
    return found


def scale_body(body: Body, name: str, factor: float) -> Body:
    """A body with one number times a factor."""
    owner, _, attribute = name.rpartition(".")
    if attribute in ("conductivity", "heat", "conductance"):
        held: Mapping[str, Any] = getattr(body, attribute)
        if owner in held:
            value = held[owner]
            if attribute == "conductance":
                return evolve(body, conductance={**held, owner: scale_conductance(value, factor)})
            new: Any = np.asarray(value, dtype=float) * factor
            return evolve(body, **{attribute: {**held, owner: new if new.ndim else float(new)}})
    face = body.faces.get(owner)
    if attribute == "flux" and isinstance(face, FixedFlux):
        return evolve(body, faces={**body.faces, owner: evolve(face, flux=face.flux * factor)})
    if attribute == "coefficient" and isinstance(face, Convection):
        return evolve(body, faces={**body.faces, owner: evolve(face, coefficient=face.coefficient * factor)})
    raise InputError(f"the body has no {name!r}: it has {', '.join(body_parameters(body))}")
