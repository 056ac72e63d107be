"""Layers one on the other, with a boundary between each two."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TypeVar

import numpy as np
from attrs import Attribute, evolve, field, fields, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, above_zero, number, parameter, quantity, square, text
from kapitza.core.conductance import Conductance, HoldsConductance, check_fourier_drop, held_conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError

_CONDUCTIVITY = "W m^-1 K^-1"
_ELECTRONS = parameter("W m^-2 K^-1", "conductance from electrons")
_TENSOR = parameter(_CONDUCTIVITY, "off-diagonal element of the conductivity tensor")
_OPTIONAL, _FINITE = validators.optional(quantity()), quantity(low=-np.inf)
_Record = TypeVar("_Record", "Layer", "Boundary")


@frozen
class Layer(BaseRecord):
    """A homogeneous layer: z runs through it, x and y along it.

    Attributes
    ----------
    name : of the material or of the layer; two layers of a stack may not share one
    thickness : infinite for a substrate that heat does not cross
    in_plane : None where it is the same as through the layer
    heat_capacity : None where nothing changes with time
    in_plane_y : None where it is the same as along x
    electron_conductivity, electron_heat_capacity, coupling : of a metal whose electrons have a temperature of their
        own; `conductivity` and `heat_capacity` are then those of its lattice.  None where one temperature is enough

    Raises
    ------
    InputError
        for values outside of their range, a conductivity tensor that is not positive definite, or electrons that are
        described by one or two numbers of the three
    """

    name: str = field(validator=text)
    thickness: float = field(converter=number, validator=above_zero, metadata=parameter("m", "thickness"))
    conductivity: float = field(
        converter=number, validator=quantity(), metadata=parameter(_CONDUCTIVITY, "conductivity through the layer (zz)")
    )
    in_plane: float | None = field(
        default=None,
        kw_only=True,
        validator=_OPTIONAL,
        metadata=parameter(_CONDUCTIVITY, "conductivity along the layer (xx)"),
    )
    heat_capacity: float | None = field(
        default=None, kw_only=True, validator=_OPTIONAL, metadata=parameter("J m^-3 K^-1", "heat capacity per volume")
    )
    in_plane_y: float | None = field(
        default=None, kw_only=True, validator=_OPTIONAL, metadata=parameter(_CONDUCTIVITY, "conductivity along y (yy)")
    )
    xy: float = field(default=0.0, kw_only=True, converter=number, validator=_FINITE, metadata=_TENSOR)
    xz: float = field(default=0.0, kw_only=True, converter=number, validator=_FINITE, metadata=_TENSOR)
    yz: float = field(default=0.0, kw_only=True, converter=number, validator=_FINITE, metadata=_TENSOR)
    electron_conductivity: float | None = field(
        default=None, kw_only=True, validator=_OPTIONAL, metadata=parameter(_CONDUCTIVITY, "conductivity of electrons")
    )
    electron_heat_capacity: float | None = field(
        default=None, kw_only=True, validator=_OPTIONAL, metadata=parameter("J m^-3 K^-1", "heat capacity of electrons")
    )
    coupling: float | None = field(
        default=None, kw_only=True, validator=_OPTIONAL, metadata=parameter("W m^-3 K^-1", "electron-phonon coupling")
    )

    def __attrs_post_init__(self) -> None:
        if self.oblique:
            tensor = self.tensor
            if not (np.linalg.det(tensor[:2, :2]) > 0 and np.linalg.det(tensor) > 0):
                raise InputError(
                    f"{self.name}: the conductivity tensor {tensor.tolist()} W/mK is not positive definite"
                )
        electrons = (self.electron_conductivity, self.electron_heat_capacity, self.coupling)
        if any(v is None for v in electrons) != all(v is None for v in electrons):
            raise InputError(
                f"{self.name}: electrons with a temperature of their own need electron_conductivity, "
                f"electron_heat_capacity and coupling, got {electrons}"
            )

    @classmethod
    def from_tensor(
        cls, name: str, thickness: float, tensor: ArrayLike, *, heat_capacity: float | None = None
    ) -> "Layer":
        """Return a layer with a full conductivity tensor (3, 3), W m⁻¹ K⁻¹, z through the layer.

        Raises
        ------
        InputError
            for a tensor that is not 3 x 3, symmetric and positive definite
        """
        k = square(tensor)
        if k.shape != (3, 3) or np.abs(k - k.T).max() > 1e-9 * np.abs(k).max():
            raise InputError(f"{name}: expected a symmetric 3 x 3 conductivity tensor, got {k.tolist()}")
        return cls(
            name,
            thickness,
            k[2, 2],
            in_plane=float(k[0, 0]),
            in_plane_y=float(k[1, 1]),
            xy=k[0, 1],
            xz=k[0, 2],
            yz=k[1, 2],
            heat_capacity=heat_capacity,
        )

    @property
    def tensor(self) -> Array:
        """(3, 3) conductivity tensor, W m⁻¹ K⁻¹."""
        along = self.conductivity if self.in_plane is None else self.in_plane
        across = along if self.in_plane_y is None else self.in_plane_y
        return np.array([[along, self.xy, self.xz], [self.xy, across, self.yz], [self.xz, self.yz, self.conductivity]])

    @property
    def oblique(self) -> bool:
        """Whether the tensor has elements off its diagonal."""
        return bool(self.xy or self.xz or self.yz)

    @property
    def axisymmetric(self) -> bool:
        """Whether all directions along the layer are alike."""
        return not self.oblique and self.in_plane_y in (None, self.in_plane)

    @property
    def resistance(self) -> float:
        """Thickness over conductivity, m² K W⁻¹."""
        return self.thickness / self.conductivity


def _conductance_or_number(value: float | Conductance | HoldsConductance) -> float | Conductance:
    held = held_conductance(value)
    if held is not None:
        return held
    if hasattr(value, "conductance"):
        raise InputError(
            f"a boundary takes a conductance, got {type(value).__name__}:",
            hint=Hint(python="say at which temperatures, or of which boundary, by its method .conductance(...)"),
        )
    try:
        return number(value)
    except InputError as err:
        raise InputError(f"boundary conductance in W/m²K, or a Conductance: {err}") from err


def _usable_conductance(_instance: object, _attribute: object, value: float | Conductance) -> None:
    if isinstance(value, Conductance):
        check_fourier_drop(value, "a stack is solved with bulk profiles")
    elif not value > 0:
        raise InputError(f"boundary conductance = {value:g} W/m²K, wanted above 0 (infinite for none)")


def _finite_not_negative(_instance: object, attribute: "Attribute[float]", value: float) -> None:
    if not 0 <= value < np.inf:
        raise InputError(f"{attribute.name} = {value:g}, wanted a finite number of at least 0")


@frozen(eq=False)
class Boundary(BaseRecord):
    """Contact of two layers.

    Attributes
    ----------
    conductance : W m⁻² K⁻¹ as a number that the user vouches for, or a Conductance of T with the extrapolated drop (or
        a result that holds one, such as a calibrated or solved one, a fit of a profile, routes),
        measured, solved or calibrated; one that was estimated for gray media only after `Conductance.accept_gray`;
        between the lattices where a metal on either side has electrons with a temperature of their own
    electron_conductance : W m⁻² K⁻¹ from such electrons across the boundary: to the electrons of the other side if
        they too have a temperature of their own, to all of it if not

    Raises
    ------
    InputError
        for a number that is not above zero, or a Conductance that refers to another temperature drop or to the gray
        estimate of it
    """

    conductance: float | Conductance = field(
        converter=_conductance_or_number,
        validator=_usable_conductance,
        metadata=parameter("W m^-2 K^-1", "conductance"),
    )
    electron_conductance: float = field(
        default=0.0, kw_only=True, converter=number, validator=_finite_not_negative, metadata=_ELECTRONS
    )

    def resistance(self, temperature: float = 300.0) -> float:
        """1/G at a temperature (K), m² K W⁻¹."""
        if isinstance(self.conductance, Conductance):
            return float(1 / self.conductance.at(temperature)[0])
        return 1 / self.conductance


_LAYER_ATTRIBUTES = tuple(a.name for a in fields(Layer) if a.name != "name")
_BOUNDARY_ATTRIBUTES = tuple(a.name for a in fields(Boundary))


def _layer_tuple(value: object) -> tuple[Layer, ...]:
    if not isinstance(value, (tuple, list)) or not value or not all(isinstance(v, Layer) for v in value):
        raise InputError(f"expected one or more layers, got {value!r:.80}")
    return tuple(v for v in value if isinstance(v, Layer))


def _boundary_tuple(value: object) -> tuple[Boundary, ...]:
    if not isinstance(value, (tuple, list)):
        raise InputError(f"expected boundaries in a list, got {value!r:.80}")
    return tuple(v if isinstance(v, Boundary) else Boundary(v) for v in value)


@frozen(eq=False)
class Stack(BaseRecord):
    """Layers from the heated side down, and the boundaries between them.

    Attributes
    ----------
    layers : (n,) Layer, each name once
    boundaries : (n - 1,) Boundary, or numbers in W m⁻² K⁻¹, or Conductances

    Raises
    ------
    InputError
        if the numbers of layers and boundaries do not fit, or a name stands twice
    """

    layers: tuple[Layer, ...] = field(converter=_layer_tuple)
    boundaries: tuple[Boundary, ...] = field(converter=_boundary_tuple, default=())

    def __attrs_post_init__(self) -> None:
        if len(self.boundaries) != len(self.layers) - 1:
            raise InputError(
                f"{len(self.layers)} layers have {len(self.layers) - 1} boundaries, got {len(self.boundaries)}"
            )
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"layer {name!r} stands {names.count(name)} times: give each its own name")

    @property
    def boundary_names(self) -> tuple[str, ...]:
        """(n - 1,) "upper|lower" of each boundary."""
        return tuple(f"{a.name}|{b.name}" for a, b in pairwise(self.layers))

    def resistances(self, temperature: float = 300.0) -> dict[str, float]:
        """Resistance of each layer and boundary by name at a temperature (K), from the top down, m² K W⁻¹."""
        found = {self.layers[0].name: self.layers[0].resistance}
        for name, boundary, layer in zip(self.boundary_names, self.boundaries, self.layers[1:], strict=True):
            found[name] = boundary.resistance(temperature)
            found[layer.name] = layer.resistance
        return found

    def resistance(self, temperature: float = 300.0) -> float:
        """Resistance of the whole stack to heat through it, m² K W⁻¹: resistances in series add."""
        return float(np.sum(list(self.resistances(temperature).values())))

    def replace(self, changes: dict[str, float | Conductance]) -> "Stack":
        """A stack with other values, by "layer.attribute" or "upper|lower.conductance".

        Parameters
        ----------
        changes : for example ``{"Si.conductivity": 130.0, "Al|Si.conductance": 150e6}``

        Raises
        ------
        InputError
            for a name that the stack does not have
        """
        names, boundary_names = [layer.name for layer in self.layers], self.boundary_names
        layers: dict[int, dict[str, object]] = {}  # each is made once, however many of its numbers change
        boundaries: dict[int, dict[str, object]] = {}
        for key, value in changes.items():
            owner, _, attribute = key.rpartition(".")
            if owner in names and attribute in _LAYER_ATTRIBUTES:
                layers.setdefault(names.index(owner), {})[attribute] = value
            elif owner in boundary_names and attribute in _BOUNDARY_ATTRIBUTES:
                boundaries.setdefault(boundary_names.index(owner), {})[attribute] = value
            else:
                raise InputError(
                    f"the stack has no {key!r}: layers {', '.join(names)} with {', '.join(_LAYER_ATTRIBUTES[:4])}, "
                    "...; "
                    f"boundaries {', '.join(boundary_names) or 'none'} with conductance"
                )
        return Stack(_evolve_some(self.layers, layers), _evolve_some(self.boundaries, boundaries))


def _evolve_some(records: tuple[_Record, ...], changes: Mapping[int, Mapping[str, object]]) -> tuple[_Record, ...]:
    return tuple(evolve(one, **changes[i]) if i in changes else one for i, one in enumerate(records))
