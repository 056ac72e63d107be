"""A lamella between two pads: materials, planes between them, thickness, contacts; and what was measured on it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Self

import numpy as np
from attrs import converters, evolve, field, frozen, validators
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, above_zero, increasing, number, parameter, quantity, text
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import nm

_MATERIAL_ATTRIBUTES = ("conductivity", "exponent", "mean_free_path", "heat_capacity")
_PLANE_ATTRIBUTES = ("resistance", "position", "angle", "bow")
PAD_NAMES = ("left_temperature", "right_temperature")
COMPLEX_PAD_NAMES = ("left_real", "left_imaginary", "right_real", "right_imaginary")
_EDGE_HEIGHTS = np.linspace(-1, 1, 21)  # of half the height, where planes are kept apart
_LAMELLA_ATTRIBUTES = (
    "inelastic_mean_free_path", "dead_layer", "left_conductance", "right_conductance", "emissivity", "ambient",
)  # fmt: skip


def _plane_array(value: Any) -> NDArray[Any]:
    array = np.array(value, dtype=complex if np.iscomplexobj(value) else float)
    array.flags.writeable = False
    return array


def _check_not_negative(instance: Any, attribute: Any, value: float) -> None:
    if not 0 <= value < np.inf:
        raise InputError(f"{attribute.name} = {value:g}, wanted 0 or more")


# kinds of numbers: how their fields are converted and checked
_FINITE: dict[str, Any] = {"converter": number, "validator": quantity(low=-np.inf)}
_POSITIVE: dict[str, Any] = {"converter": number, "validator": quantity()}
_NOT_NEGATIVE: dict[str, Any] = {"converter": number, "validator": _check_not_negative}


@frozen(kw_only=True)
class LamellaMaterial(BaseRecord):
    r"""One material of a lamella, $k(T, t) = k_{300}\,(T/300\,\mathrm{K})^{-n}\,F(t/\Lambda)$.

    F is the size correction of a film with rough faces (Fuchs and Sondheimer) for one mean free path.

    Attributes
    ----------
    name : once in a lamella
    conductivity : at 300 K of a crystal as thick as wide; that of the lamella itself where `mean_free_path` is 0
    exponent : n
    mean_free_path : of phonons, Λ; 0 for no size correction
    heat_capacity : per volume; only lock-in maps need it

    Raises
    ------
    InputError
        for a conductivity or a heat capacity that is not above zero, and a mean free path below zero
    """

    name: str = field(validator=text)
    conductivity: float = field(**_POSITIVE, metadata=parameter("W m^-1 K^-1", "conductivity at 300 K"))
    exponent: float = field(default=0.0, **_FINITE, metadata=parameter("1", "exponent of the temperature"))
    mean_free_path: float = field(default=0.0, **_NOT_NEGATIVE, metadata=parameter("m", "mean free path of phonons"))
    heat_capacity: float | None = field(
        default=None,
        converter=converters.optional(number),
        validator=validators.optional(above_zero),
        metadata=parameter("J m^-3 K^-1", "heat capacity per volume"),
    )


@frozen(kw_only=True)
class LamellaPlane(BaseRecord):
    """A plane between two materials, through which heat flows against a resistance; gently curved where it has a bow.

    Attributes
    ----------
    angle : from the y axis at half the height, positive where x grows with y
    bow : by how much half the height lies to the right of the straight line between the ends, along a parabola

    Raises
    ------
    InputError
        for a resistance that is not above zero, and an angle of 75 degrees or more
    """

    position: float = field(**_FINITE, metadata=parameter("m", "x at half the height"))
    resistance: float = field(**_POSITIVE, metadata=parameter("m^2 K W^-1", "Kapitza resistance"))
    angle: float = field(default=0.0, converter=number, metadata=parameter("rad", "angle from the y axis"))
    bow: float = field(default=0.0, **_FINITE, metadata=parameter("m", "middle right of the line between ends"))

    def __attrs_post_init__(self) -> None:
        if not abs(self.angle) < np.deg2rad(75):
            raise InputError(f"a plane at {np.rad2deg(self.angle):g}° from the y axis: expected less than 75°")


@frozen(eq=False)
class RelativeThickness(BaseRecord):
    r"""Map of the thickness over the inelastic mean free path, t/λ, as the log-ratio method gives it.

    Attributes
    ----------
    x, y : (nx,), (ny,) centres of the pixels, evenly spaced
    value : (ny, nx) t/λ
    sigma : (ny, nx) standard uncertainty of each pixel; None for a map that counts as exact
    correlation : length ℓ over which errors of pixels are alike, $e^{-d^2/2\ell^2}$ at the distance d; 0 for pixels
        that err by themselves

    Raises
    ------
    InputError
        for another shape, values that are not above zero, and uncertainties below zero
    """

    x: Array = field(converter=increasing, metadata=about("m", "centres of the pixels along x"))
    y: Array = field(converter=increasing, metadata=about("m", "centres of the pixels along y"))
    value: Array = field(converter=_plane_array, metadata=about("1", "thickness over mean free path"))
    sigma: Array | None = field(
        default=None,
        converter=converters.optional(_plane_array),
        kw_only=True,
        metadata=about("1", "standard uncertainty of each pixel"),
    )
    correlation: float = field(
        default=0.0, **_NOT_NEGATIVE, kw_only=True, metadata=about("m", "length over which errors of pixels are alike")
    )

    def __attrs_post_init__(self) -> None:
        wanted = (self.y.size, self.x.size)
        if self.value.shape != wanted or min(wanted) < 2:
            raise InputError(f"t/λ has shape {self.value.shape}, wanted {wanted} of at least 2 x 2 pixels")
        if not (np.isfinite(self.value).all() and self.value.min() > 0):
            raise InputError(f"t/λ = {np.nanmin(self.value):g} in a pixel: a thickness is finite and above 0")
        if self.sigma is not None and self.sigma.shape != wanted:
            raise InputError(f"uncertainties of t/λ have shape {self.sigma.shape}, wanted {wanted}")
        if self.sigma is not None and not (np.isfinite(self.sigma).all() and self.sigma.min() >= 0):
            raise InputError(f"an uncertainty of t/λ of {np.min(self.sigma):g}, wanted 0 or more")
        for name, axis in (("x", self.x), ("y", self.y)):
            steps = np.diff(axis)
            if np.ptp(steps) > 1e-3 * steps.mean():
                raise InputError(f"pixels of t/λ along {name} are {steps.min():g} to {steps.max():g} m apart: even?")

    @property
    def exact(self) -> bool:
        """Whether no pixel has an uncertainty."""
        return self.sigma is None or not self.sigma.any()

    def at(self, x: Array, y: Array) -> Array:
        """t/λ at places of any shape (m), bilinear; beyond the last centres that of the nearest pixel."""
        index, weight = self.neighbours(x, y)
        return (self.value.ravel()[index] * weight).sum(axis=-1)

    def neighbours(self, x: Array, y: Array) -> tuple[NDArray[np.intp], Array]:
        """(..., 4) pixels, counted along the rows, and their shares in places of any shape (m)."""
        u, v = (
            np.clip((place - axis[0]) / (axis[-1] - axis[0]) * (axis.size - 1), 0, axis.size - 1)
            for place, axis in ((x, self.x), (y, self.y))
        )
        i, j = np.minimum(u.astype(int), self.x.size - 2), np.minimum(v.astype(int), self.y.size - 2)
        a, b, first = u - i, v - j, j * self.x.size + i
        index = np.stack([first, first + 1, first + self.x.size, first + self.x.size + 1], axis=-1)
        return index, np.stack([(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b], axis=-1)

    def correlations(self) -> tuple[Array, Array]:
        """(nx, nx) and (ny, ny) correlations of errors along x and along y; that of two pixels is their product."""
        if self.correlation == 0:
            return np.eye(self.x.size), np.eye(self.y.size)
        along, across = (np.exp(-(((axis[:, None] - axis) / self.correlation) ** 2) / 2) for axis in (self.x, self.y))
        return along, across


@frozen(eq=False, kw_only=True)
class Lamella(BaseRecord):
    r"""A lamella between a pad at its left and one at its right edge: materials in a row, planes between them.

    Heat flows in the sheet as $\nabla\cdot(k\,t_e\nabla T) = 2\epsilon\sigma(T^4 - T_0^4)$ with the thickness
    $t_e = \lambda\,(t/\lambda) - 2d$ that is left between two dead layers.

    Attributes
    ----------
    materials : (n,) from left to right
    planes : (n - 1,) between them
    inelastic_mean_free_path : λ of the electrons
    dead_layer : d of each face, which carries no heat
    left_conductance, right_conductance : of the contacts to the pads, per area of the section

    Raises
    ------
    InputError
        for names that stand twice, another number of planes, planes that cross each other or leave the lamella, pads
        outside of the map of t/λ, and dead layers that leave nothing
    """

    materials: tuple[LamellaMaterial, ...] = field(converter=tuple)
    planes: tuple[LamellaPlane, ...] = field(converter=tuple)
    left: float = field(converter=number, metadata=about("m", "x of the left pad"))
    right: float = field(converter=number, metadata=about("m", "x of the right pad"))
    bottom: float = field(converter=number, metadata=about("m", "y of the lower edge"))
    top: float = field(converter=number, metadata=about("m", "y of the upper edge"))
    thickness: RelativeThickness
    inelastic_mean_free_path: float = field(
        **_POSITIVE, metadata=parameter("m", "inelastic mean free path of the electrons")
    )
    dead_layer: float = field(default=0.0, **_NOT_NEGATIVE, metadata=parameter("m", "dead layer of each face"))
    left_conductance: float = field(default=1e10, **_POSITIVE, metadata=parameter("W m^-2 K^-1", "left contact"))
    right_conductance: float = field(default=1e10, **_POSITIVE, metadata=parameter("W m^-2 K^-1", "right contact"))
    emissivity: float = field(default=0.0, **_NOT_NEGATIVE, metadata=parameter("1", "emissivity of each face"))
    ambient: float = field(default=300.0, **_POSITIVE, metadata=parameter("K", "temperature of the surroundings"))

    def __attrs_post_init__(self) -> None:
        names = [material.name for material in self.materials]
        if len(set(names)) < len(names) or len(names) < 2 or len(self.planes) != len(names) - 1:
            raise InputError(
                f"expected two materials or more, each name once, and a plane between each two; got "
                f"{', '.join(names) or 'none'} and {len(self.planes)} planes"
            )
        if not (self.left < self.right and self.bottom < self.top):
            raise InputError(
                f"a lamella from x = {self.left / nm:g} to {self.right / nm:g} nm and y = {self.bottom / nm:g} to "
                f"{self.top / nm:g} nm: expected left below right and bottom below top"
            )
        for low, high, ends in ((self.left, self.right, "pads at x"), (self.bottom, self.top, "edges at y")):
            places = self.thickness.x if ends == "pads at x" else self.thickness.y
            half = 0.5 * (places[1] - places[0]) * (1 + 1e-6)
            if low < places[0] - half or high > places[-1] + half:
                raise InputError(
                    f"{ends} = {low / nm:g} and {high / nm:g} nm are outside "
                    f"of the map of t/λ, whose pixels lie from {places[0] / nm:g} to {places[-1] / nm:g} nm"
                )
        self._check_planes()
        thinnest = self.inelastic_mean_free_path * float(self.thickness.value.min()) - 2 * self.dead_layer
        if not thinnest > 0:
            raise InputError(
                f"dead layers of {self.dead_layer / nm:g} nm leave a thickness of {thinnest / nm:g} nm in the thinnest "
                "pixel: expected one above 0"
            )

    def _check_planes(self) -> None:
        rise = (self.top - self.bottom) / 2
        for end in _EDGE_HEIGHTS:
            places = [p.position + end * rise * float(np.tan(p.angle)) - end**2 * p.bow for p in self.planes]
            parts = pairwise((self.left, *places, self.right))
            for name, (low, high) in zip((*self.plane_names, ""), parts, strict=True):
                if not low < high:
                    at = f"plane {name} at x = {high / nm:g} nm" if name else f"last plane at x = {low / nm:g} nm"
                    raise InputError(
                        f"{at} lies outside of its part of the lamella, x = {self.left / nm:g} to "
                        f"{self.right / nm:g} nm, at {50 * (1 + end):.0f} % of the height"
                    )

    @property
    def plane_names(self) -> tuple[str, ...]:
        """(n - 1,) "left|right" of each plane."""
        return tuple(f"{a.name}|{b.name}" for a, b in pairwise(self.materials))

    @property
    def parameters(self) -> dict[str, float]:
        """All numbers by name, SI: "AlN.conductivity", "AlN|SiC.resistance", "dead_layer", ..."""
        pairs = zip(self.plane_names, self.planes, strict=True)
        owners: list[tuple[str, BaseRecord, tuple[str, ...]]] = [
            *((f"{material.name}.", material, _MATERIAL_ATTRIBUTES) for material in self.materials),
            *((f"{name}.", plane, _PLANE_ATTRIBUTES) for name, plane in pairs),
            ("", self, _LAMELLA_ATTRIBUTES),
        ]
        values = {f"{prefix}{key}": getattr(owner, key) for prefix, owner, keys in owners for key in keys}
        return {name: value for name, value in values.items() if value is not None}

    def replace(self, changes: Mapping[str, float]) -> Self:
        """The same lamella with other numbers, by name."""
        parts: dict[str, dict[str, float]] = {"": {}}
        for name, value in changes.items():
            owner, _, key = name.rpartition(".")
            parts.setdefault("" if name in _LAMELLA_ATTRIBUTES else owner or name, {})[key] = value
        own = parts.pop("")
        materials = tuple(evolve(one, **parts.pop(one.name, {})) for one in self.materials)
        pairs = zip(self.plane_names, self.planes, strict=True)
        planes = tuple(evolve(plane, **parts.pop(name, {})) for name, plane in pairs)
        if parts:
            raise InputError(f"the lamella has no {next(iter(parts))!r}: there are {', '.join(self.parameters)}")
        return evolve(self, materials=materials, planes=planes, **own)


@frozen(eq=False, kw_only=True)
class LamellaMap(BaseRecord):
    """A temperature map of a lamella, and what drove the heat.

    Attributes
    ----------
    name : once among the maps of a fit
    x, y : (nx,), (ny,) centres of the pixels
    temperature : (ny, nx) K; complex amplitudes of a lock-in map; NaN where a pixel has none
    sigma : (ny, nx) of each pixel; of real and of imaginary part each
    power : heat through the lamella from left to right; None where unknown
    frequency : of modulation; 0 for a steady map
    pad_temperatures : (2,) of the left and the right pad, estimates from which a fit starts, 0 for none; complex for
        lock-in
    mean_temperature : at which a lock-in map was taken

    Raises
    ------
    InputError
        for unequal shapes, uncertainties that are not above zero, a power of zero
    """

    name: str = field(validator=text)
    x: Array = field(converter=increasing, metadata=about("m", "centres of the pixels along x"))
    y: Array = field(converter=increasing, metadata=about("m", "centres of the pixels along y"))
    temperature: NDArray[Any] = field(converter=_plane_array, metadata=about("K", "temperature of each pixel"))
    sigma: Array = field(converter=_plane_array, metadata=about("K", "uncertainty of each pixel"))
    power: float | None = field(
        default=None, converter=converters.optional(number), metadata=about("W", "heat from left to right")
    )
    power_sigma: float = field(
        default=0.05, converter=number, validator=above_zero, metadata=about("1", "relative uncertainty of the power")
    )
    frequency: float = field(default=0.0, **_NOT_NEGATIVE, metadata=about("Hz", "frequency of modulation"))
    pad_temperatures: NDArray[Any] = field(
        factory=lambda: np.zeros(2),
        converter=_plane_array,
        metadata=parameter("K", "temperatures of both pads", *PAD_NAMES, *COMPLEX_PAD_NAMES),
    )
    mean_temperature: float = field(default=300.0, **_POSITIVE, metadata=about("K", "mean temperature"))

    def __attrs_post_init__(self) -> None:
        wanted = (self.y.size, self.x.size)
        for key in ("temperature", "sigma"):
            if getattr(self, key).shape != wanted:
                raise InputError(f"{self.name}: {key} has shape {getattr(self, key).shape}, wanted {wanted}")
        if np.iscomplexobj(self.temperature) != (self.frequency > 0):
            raise InputError(
                f"{self.name}: a lock-in map has complex amplitudes and a frequency, a steady one neither; got "
                f"{self.temperature.dtype} at {self.frequency:g} Hz"
            )
        if self.frequency and self.power is not None:
            raise InputError(f"{self.name}: a lock-in map takes no power: the heat capacities give its scale")
        if self.pad_temperatures.shape != (2,):
            raise InputError(f"{self.name}: {self.pad_temperatures.size} temperatures of pads, wanted 2")
        seen = np.isfinite(self.temperature)
        if not (self.sigma[seen] > 0).all():
            raise InputError(f"{self.name}: an uncertainty of {np.min(self.sigma[seen]):g} K, wanted above 0")
        if self.power == 0 or (self.power is not None and not np.isfinite(self.power)):
            raise InputError(f"{self.name}: a power of {self.power:g} W, wanted another than 0")

    def pixels_on(self, lamella: Lamella) -> NDArray[np.bool_]:
        """(ny, nx) pixels with a temperature whose centres lie on the lamella."""
        x = (self.x >= lamella.left) & (self.x <= lamella.right)
        y = (self.y >= lamella.bottom) & (self.y <= lamella.top)
        return np.isfinite(self.temperature) & y[:, None] & x
