"""Steady heat in bodies of any shape, by finite elements whose temperature jumps at their boundaries.

Tetrahedra or triangles follow curved and inclined boundaries, which the bricks of a grid cannot: the steps of a
staircase keep an area of their own however fine the grid is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, number, quantity
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord, default_number
from kapitza.core.stack import Boundary
from kapitza.device.elements.mesh import Mesh, region_pairs
from kapitza.device.layout import scale_conductance
from kapitza.errors import InputError


@frozen
class FixedTemperature(BaseRecord):
    """A face at one temperature, K."""

    temperature: float = field(converter=number, validator=quantity(low=-np.inf), metadata=about("K", "of the face"))


@frozen
class Convection(BaseRecord):
    """A face that gives heat to a medium: `coefficient` (W m⁻² K⁻¹) times the difference to its `temperature` (K)."""

    coefficient: float = field(converter=number, validator=quantity(), metadata=about("W m^-2 K^-1", "heat transfer"))
    temperature: float = field(converter=number, validator=quantity(low=-np.inf), metadata=about("K", "of the coolant"))


@frozen
class FixedFlux(BaseRecord):
    """A face that heat enters evenly, W m⁻²."""

    flux: float = field(converter=number, validator=quantity(low=-np.inf), metadata=about("W m^-2", "into the body"))


FaceCondition = FixedTemperature | Convection | FixedFlux


def _conductivity_tensor(name: str, value: ArrayLike, dimension: int) -> Array:
    """(d, d) conductivity from one number, one number for each axis, or a tensor."""
    try:
        k = np.array(value, dtype=float)
    except (TypeError, ValueError) as err:
        raise InputError(f"{name}: expected a conductivity in W/mK, got {value!r:.60}") from err
    if k.ndim == 0:
        k = k * np.eye(dimension)
    elif k.shape == (dimension,):
        k = np.diag(k)
    if k.shape != (dimension, dimension) or not np.isfinite(k).all():
        raise InputError(
            f"{name}: expected a finite conductivity or a {dimension} x {dimension} tensor, got {value!r:.60}"
        )
    if np.abs(k - k.T).max() > 1e-9 * np.abs(k).max() or np.linalg.eigvalsh(k).min() <= 0:
        raise InputError(f"{name}: the conductivity {k.tolist()} W/mK is not symmetric and positive definite")
    return k


def _named_values(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"expected values by name, got {value!r:.60}")
    return MappingProxyType(dict(value))


@frozen(eq=False)
class Body(BaseRecord):
    """What a mesh is made of, and where heat enters and leaves.

    Attributes
    ----------
    mesh : triangles (everything is then per metre out of the plane) or tetrahedra
    conductance : of boundaries by "one|other": W m⁻² K⁻¹ that the user vouches for, or a Conductance with the
        extrapolated drop; 0 lets no heat through; those that are not named do not resist
    faces : FixedTemperature, Convection or FixedFlux by name of the face; no heat crosses the others

    Raises
    ------
    InputError
        for names that the mesh does not have, regions without conductivity, and values outside of their range
    """

    mesh: Mesh
    conductivity: Mapping[str, Any] = field(
        converter=_named_values,
        metadata=about("W m^-1 K^-1", "of each region: a number, one for each axis, or a tensor"),
    )
    conductance: Mapping[str, float | Conductance] = field(
        factory=dict, converter=_named_values, metadata=about("W m^-2 K^-1", "of boundaries by name")
    )
    faces: Mapping[str, FaceCondition] = field(factory=dict, converter=_named_values)
    heat: Mapping[str, float] = field(factory=dict, converter=_named_values, metadata=about("W m^-3", "in a region"))
    reference: float = default_number(300.0, about("K", "of conductances of T"), quantity(), kw_only=True)

    def __attrs_post_init__(self) -> None:
        names = self.mesh.names
        for what, given in (("conductivity", self.conductivity), ("heat", self.heat)):
            for name in given:
                if name not in names:
                    raise InputError(f"{what} of {name!r}: the mesh has the regions {', '.join(names)}")
        present = [names[i] for i in np.unique(self.mesh.region)]
        missing = [name for name in present if name not in self.conductivity]
        if missing:
            raise InputError(f"region {missing[0]} has no conductivity: give one for each of {', '.join(present)}")
        for name, density in self.heat.items():
            if not np.isfinite(density):
                raise InputError(f"heat in {name} = {density} W/m³, wanted a finite number")
        for name, face in self.faces.items():
            if name not in self.mesh.faces or not len(self.mesh.faces[name]):
                named = ", ".join(self.mesh.faces) or "no named faces"
                raise InputError(f"no face {name!r} in the mesh: it has {named}")
            if not isinstance(face, FaceCondition):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InputError(f"face {name}: expected FixedTemperature, Convection or FixedFlux, got {face!r:.60}")
        self.tensors()
        self.conductances()

    def tensors(self) -> Array:
        """(regions, d, d) conductivities, W m⁻¹ K⁻¹; 0 of names that no cell has."""
        d = self.mesh.dimension
        tensors = {name: _conductivity_tensor(name, value, d) for name, value in self.conductivity.items()}
        return np.array([tensors.get(name, np.zeros((d, d))) for name in self.mesh.names])

    def densities(self) -> Array:
        """(regions,) heat that enters, W m⁻³."""
        return np.array([float(self.heat.get(name, 0.0)) for name in self.mesh.names])

    def conductances(self) -> dict[tuple[int, int], float]:
        """Finite conductances by the numbers of the two regions, the lower one first, W m⁻² K⁻¹."""
        numbers = {name: i for i, name in enumerate(self.mesh.names)}
        touching = region_pairs(self.mesh) if self.conductance else set[tuple[int, int]]()
        found: dict[tuple[int, int], float] = {}
        for name, value in self.conductance.items():
            one, _, other = name.partition("|")
            pair = tuple(sorted((numbers.get(one, -1), numbers.get(other, -1))))
            if pair not in touching:
                known = ", ".join(f"{self.mesh.names[a]}|{self.mesh.names[b]}" for a, b in sorted(touching))
                raise InputError(f"the mesh has no boundary {name!r}: regions touch at {known or 'none'}")
            if pair in found:
                raise InputError(f"the boundary {name!r} is given twice, once from either side")
            blocked = not isinstance(value, Conductance) and value == 0
            resistance = np.inf if blocked else Boundary(value).resistance(self.reference)
            if resistance > 0:
                found[pair[0], pair[1]] = 1 / resistance
        return found


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
