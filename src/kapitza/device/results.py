"""What is found out about a device."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IntArray, about, finite_array, integer_array, numbers
from kapitza.core.records import BaseRecord, values_by_name
from kapitza.device.setup import Plane
from kapitza.errors import InputError


@frozen(eq=False)
class TemperatureField(BaseRecord):
    """Rise of the temperature above the sink on points of a plane, or of a section through the layers.

    The depth of a boundary stands in a section twice, for above and below it.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.examples import gallium_nitride_chip
    >>> top = solve(gallium_nitride_chip()).plane()
    >>> print(f"{top.name}: {top.value.shape} points, {top.value.max():.1f} to {top.value.min():.1f} K")
    GaN: (256, 256) points, 27.8 to 0.6 K
    """

    name: str
    x: Array = field(converter=numbers, metadata=about("m", "(nx,) along x"))
    y: Array = field(converter=numbers, metadata=about("m", "(ny,) along y, or depths below the top face"))
    value: Array = field(converter=finite_array, metadata=about("K", "(nx, ny) rise above the sink"))
    at: float = field(default=0.0, metadata=about("m", "depth of a plane below the top face, or y of a section"))

    def __attrs_post_init__(self) -> None:
        if self.value.shape != (self.x.size, self.y.size):
            raise InputError(f"{self.name}: {self.value.shape} temperatures on {self.x.size} x {self.y.size} points")


WaveformChoice = Literal["stated", "step"]  # each source as it says, or all switched on at t = 0
WAVEFORM_CHOICES: tuple[WaveformChoice, ...] = ("stated", "step")


@frozen(eq=False)
class TransientTemperatures(BaseRecord):
    """Temperatures against time.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Device, Layer, Stack, solve
    >>> from kapitza.device import Box, HeatSource, Rectangle
    >>> finger = Rectangle((0, 2e-6), (0, 25e-6))
    >>> layers = [Layer("GaN", 2e-6, 150.0, heat_capacity=2.6e6), Layer("SiC", 100e-6, 390.0, heat_capacity=2.2e6)]
    >>> chip = Device(Stack(layers, [5e7]), [HeatSource("finger", 0.05, finger)], Box(100e-6, 100e-6))
    >>> heated = solve(chip).respond([1e-8, 1e-6, 1e-4], "step")
    >>> print(heated.peak.round(1), "K")
    [ 5.7 24.2 27.8] K
    """

    time: Array = field(converter=numbers, metadata=about("s", "(nt,) times"))
    peak: Array = field(converter=finite_array, metadata=about("K", "(nt,) rise where the steady state peaks"))
    average: Mapping[str, Array] = values_by_name(about("K", "(nt,) rise of each patch, by name"))


@frozen(eq=False, kw_only=True)
class DeviceTemperatures(BaseRecord):
    """Steady temperatures of a device.

    Attributes
    ----------
    drop : on the line below the hottest point, by name from the top down; "sink" is what is left at the bottom face.
        They add up to the peak

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.examples import gallium_nitride_chip
    >>> found = solve(gallium_nitride_chip())
    >>> print(f"{found.resistance:.0f} K/W")
    556 K/W
    >>> print(abs(sum(found.drop.values()) - found.peak) < 1e-6)
    True
    """

    title: str
    sink: float = field(metadata=about("K", "temperature of what takes the heat"))
    power: float = field(metadata=about("W", "of all sources"))
    peak: float = field(metadata=about("K", "rise of the hottest point above the sink"))
    place: Array = field(converter=numbers, metadata=about("m", "(3,) x, y and depth of the hottest point"))
    layer: str
    average: Mapping[str, float] = values_by_name(about("K", "of patches"))
    drop: Mapping[str, float] = values_by_name(about("K", "across each layer and boundary"))
    sensitivity: Mapping[str, float] = values_by_name(about("K", "∂T/∂ln p of the peak, by name"))
    contribution: Mapping[str, float] = values_by_name(about("K", "uncertainty of the peak by name of its cause"))
    property_temperature: Mapping[str, float] = values_by_name(
        about("K", "at which properties of T were taken, by name")
    )
    iterations: int = field(default=1, metadata=about("1", "solutions until these settled"))

    @property
    def resistance(self) -> float:
        """Rise of the hottest point per power, K W⁻¹."""
        return self.peak / self.power if self.power else np.nan

    @property
    def sigma(self) -> float | None:
        """Standard uncertainty of the peak, K; None where no number has one.  The numbers are taken as independent."""
        return float(np.sqrt(sum(v**2 for v in self.contribution.values()))) if self.contribution else None

    @property
    def share(self) -> dict[str, float]:
        """Share of each layer and boundary in the peak, by name."""
        return {name: drop / self.peak for name, drop in self.drop.items()}


@frozen(eq=False, kw_only=True)
class PlaneFlux(BaseRecord):
    """Heat that crosses a plane or a boundary, facet by facet.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.device import Plane
    >>> from kapitza.examples import gallium_nitride_chip
    >>> below = solve(gallium_nitride_chip()).flux(Plane("SiC", 10e-6))
    >>> print(f"{below.flow:.3f} W, at most {below.flux.max() / 1e6:.0f} MW/m²")
    0.050 W, at most 98 MW/m²
    """

    points: Array = field(metadata=about("m", "(nf, d) middles of the facets"))
    area: Array = field(metadata=about("m^2, m in two dimensions", "(nf,) of the facets"))
    flux: Array = field(metadata=about("W m^-2", "(nf,) heat flux, down or from first to second"))
    flow: float = field(metadata=about("W, W m^-1 in two dimensions", "heat through all of them"))


@frozen(eq=False, kw_only=True)
class BoundaryJump(PlaneFlux):
    """Heat that crosses a boundary, and the temperatures on its two sides.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.examples import gallium_nitride_chip
    >>> boundary = solve(gallium_nitride_chip()).jumps["GaN|SiC"]
    >>> print(f"{boundary.flow:.3f} W; the jump is {boundary.mean:.3f} K on average, {boundary.largest:.1f} K at most")
    0.050 W; the jump is 0.100 K on average, 8.4 K at most
    """

    first: Array = field(metadata=about("K", '(nf,) mean temperature on the first side of "first|second"'))
    second: Array = field(metadata=about("K", "(nf,) mean temperature on the second side"))

    @property
    def jump(self) -> Array:
        """(nf,) first - second, K."""
        return self.first - self.second

    @property
    def mean(self) -> float:
        """Jump averaged over the area, K."""
        return float(self.jump @ self.area / self.area.sum())

    @property
    def largest(self) -> float:
        """Jump that is largest in size, with its sign, K."""
        return float(max(self.jump.tolist(), key=abs))


def flux_on_plane(x: Array, y: Array, depth: float, flux: Array, area: Array) -> PlaneFlux:
    """Heat through the cells of a plane around all x and y, m, from its (nx, ny) flux and areas."""
    points = np.column_stack([np.repeat(x, y.size), np.tile(y, x.size), np.full(flux.size, depth)])
    return PlaneFlux(points=points, area=area.ravel(), flux=flux.ravel(), flow=float((flux * area).sum()))


@frozen(eq=False, kw_only=True)
class TriangulatedField(BaseRecord):
    """Temperatures on a plane: points on a boundary that resists stand there once for each side.

    Of its two axes one that is called "depth" runs down.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.device import Body, FixedTemperature, Mesh
    >>> corners = [[0, 0], [2e-6, 0], [2e-6, 1e-6], [0, 1e-6]]
    >>> film = Mesh(corners, [[0, 1, 2], [0, 2, 3]], [0, 0], ("film",), {"left": [[1, 1]], "right": [[0, 0]]})
    >>> ends = {"left": FixedTemperature(301.0), "right": FixedTemperature(300.0)}
    >>> found = solve(Body(film, {"film": 1.4}, faces=ends))
    >>> field = found.section(sink=300.0)
    >>> print(field.axes, field.value.max(), "K;", field.flux[:, 0] / 1e6, "MW/m²")
    ('x', 'y') 1.0 K; [0.7 0.7] MW/m²
    """

    name: str
    axes: tuple[str, ...] = field(converter=tuple)
    points: Array = field(converter=finite_array, metadata=about("m", "(n, 2) of the triangles"))
    triangles: IntArray = field(converter=integer_array, metadata=about("1", "(m, 3) points of each"))
    value: Array = field(converter=finite_array, metadata=about("K", "(n,) rise above the sink"))
    region: IntArray = field(converter=integer_array, metadata=about("1", "(m,) number of the region of each triangle"))
    names: tuple[str, ...] = field(converter=tuple)
    centres: Array = field(converter=finite_array, metadata=about("m", "(p, 2) where the heat flux is known"))
    flux: Array = field(converter=finite_array, metadata=about("W m^-2", "(p, 2) heat flux along both axes"))

    def __attrs_post_init__(self) -> None:
        count, cells = len(self.points), len(self.triangles)
        shapes = (self.points.shape, self.triangles.shape, self.value.shape, self.region.shape, self.flux.shape)
        if shapes != ((count, 2), (cells, 3), (count,), (cells,), self.centres.shape):
            raise InputError(f"{self.name}: shapes {shapes} of points, triangles, values, regions, fluxes do not fit")


class Temperatures(Protocol):
    """What the steady temperatures of any device can be asked, however they were found.

    Examples
    --------
    >>> from kapitza import solve
    >>> from kapitza.device import Temperatures
    >>> from kapitza.examples import gallium_nitride_chip
    >>> def hottest_jump(found: Temperatures) -> float:
    ...     return max(jump.largest for jump in found.jumps.values())
    >>> chip = gallium_nitride_chip()
    >>> for method in ("layers", "volumes"):
    ...     print(f"{method}: {hottest_jump(solve(chip, method=method, cells=2000)):.1f} K")
    layers: 8.4 K
    volumes: 8.8 K
    """

    @property
    def sink(self) -> float:
        """Temperature above which rises count, K: of what takes the heat; 0 for a body on a mesh."""
        ...

    @property
    def peak(self) -> float:
        """Rise of the hottest point, K."""
        ...

    @property
    def jumps(self) -> Mapping[str, BoundaryJump]:
        """Temperatures on both sides of each boundary that resists, and the heat through it, by name."""
        ...

    def errors(self) -> dict[str, float]:
        """Estimated numerical error of the hottest point, "peak", and of means of patches or regions, by name, K."""
        ...

    def plane(self, plane: Plane | None = None) -> TemperatureField | TriangulatedField:
        """Rises on a plane along the layers, on the side of the layer or region that it names; the top face if None."""
        ...

    def section(self, y: float | None = None) -> TemperatureField | TriangulatedField:
        """Rises on a section down through all layers at y, m; through the hottest point if None."""
        ...

    def flux(self, plane: Plane | None = None) -> PlaneFlux:
        """Heat down through a plane as of `plane`."""
        ...

    def sensitivities(self, names: str | Sequence[str] | None = None) -> dict[str, float]:
        """Change of the peak per relative change of each number, ∂T/∂ln p, by name, K; of all if None."""
        ...


def logarithmic_derivatives(
    names: Iterable[str], value: Callable[[str, float], float], step: float
) -> dict[str, float]:
    """Change of `value` of a name and a factor with the logarithm of the factor at 1, by central differences."""
    return {name: (value(name, 1 + step) - value(name, 1 - step)) / (2 * step) for name in names}


def merge_points(keys: IntArray, values: Array) -> tuple[IntArray, IntArray, Array]:
    """One of each key: (n,) first place of each, number of it at each place, and (n,) mean of the values there."""
    _, first, inverse = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    number = inverse.reshape(keys.shape)
    return first, number, np.bincount(inverse, values.ravel()) / np.bincount(inverse)
