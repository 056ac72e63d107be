r"""Local density of states of a junction by layer, element and direction.

$\rho_i(\omega) = -\frac1\pi\,\mathrm{Im}\,[2zG_{ii}(z^2)]$ at $z = \omega + i\gamma$ in mass-weighted coordinates, so
that $\int_0^\infty\rho_i\,d\omega = 1$ for each coordinate: modes of the whole junction as Lorentzians of half width γ,
those that are bound to the interface among them.  At γ = 0 the leads enter by their waves and bound modes, which have
no width, are missing.

References
----------
W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
"""

from collections.abc import Iterator

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IndexArray, about, check_not_negative, finite_table, frequencies, labels, numbers
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf.green_functions import (
    DevicePoints,
    PreparedJunction,
    device_points,
    lead_blocks,
    local_densities,
    prepare_junction,
    sweep_layers,
)
from kapitza.theory.agf.k_mesh import even_frequencies, zone_wavevectors
from kapitza.theory.agf.transmission import UnitRunner, point_chunks, point_seconds, unit_arrays
from kapitza.units import m_u

_CRYSTAL_TOLERANCE = 0.02  # of the largest force constant over mass: layers that differ less from a crystal are crystal


# Γ, where springs between equal atoms of a layer cancel, and a wave vector on no symmetry element, where nothing does
_TEST_WAVEVECTORS = np.array([[0.0, 0.0], [0.1234, 0.3713]])


@frozen(eq=False)
class DeviceSites(BaseRecord):
    """What each coordinate of the device is."""

    # layer, atom, direction: (f,) numbers of the layer and of the atom, and 0, 1, 2 for x, y, z
    layer: IndexArray
    atom: IndexArray
    direction: IndexArray
    symbol: tuple[str, ...]  # (n,) of each atom


def device_sites(junction: Junction) -> DeviceSites:
    """Name all coordinates of a device."""
    counts = [slab.masses.size for slab in junction.device]
    d = junction.directions
    layer = np.repeat(np.arange(len(counts)), d * np.array(counts))
    atom = np.repeat(np.arange(sum(counts)), d)
    direction = np.tile(np.arange(d) if d == 3 else np.array([2]), sum(counts))
    symbol: list[str] = []
    for slab in junction.device:  # masses in u of atoms that have no names
        named = len(slab.symbols) == slab.masses.size
        symbol += slab.symbols if named else [f"{mass / m_u:.4g} u" for mass in slab.masses]
    return DeviceSites(layer, atom, direction, tuple(symbol))


def interface_layers(junction: Junction) -> tuple[int, ...]:
    """Layers of the device that differ from both crystals, or whose coupling does; the two middle ones if none does."""
    blocks = junction.blocks(_TEST_WAVEVECTORS)
    leads = [lead_blocks(junction, _TEST_WAVEVECTORS, side) for side in INTERFACE_SIDES]
    scale = max(float(np.abs(onsite).max()) for onsite, _ in leads)

    def alike(one: NDArray[np.complexfloating], other: NDArray[np.complexfloating]) -> bool:
        return one.shape == other.shape and bool(np.abs(one - other).max() <= _CRYSTAL_TOLERANCE * scale)

    unlike = {i for i, onsite in enumerate(blocks.onsite) if not any(alike(onsite, lead) for lead, _ in leads)}
    for i, hop in enumerate(blocks.hop):
        if not any(alike(hop, lead) for _, lead in leads):
            unlike |= {i, i + 1}
    last = len(junction.device) - 1
    return tuple(sorted(unlike or {last // 2, min(last // 2 + 1, last)}))


def select_layers(junction: Junction, layers: tuple[int, ...] | None) -> tuple[int, ...]:
    """Layers of the interface as a user counts them, or those found."""
    if layers is None:
        return interface_layers(junction)
    count = len(junction.device)
    if not layers or min(layers) < 0 or max(layers) >= count:
        raise InputError(f"layers {layers}: expected numbers of the {count} layers of the device, from 0")
    return tuple(sorted(set(layers)))


def _layer_heights(junction: Junction) -> Array:
    """(nl,) mean heights of the layers along the normal, 0 in the middle of the interface, m."""
    heights = np.zeros(len(junction.device))
    thickness = np.linspace(junction.left.thickness, junction.right.thickness, len(heights))
    if all(slab.positions is not None for slab in junction.device):
        normal = np.cross(junction.periods[0], junction.periods[1]) / junction.area
        heights[:] = [float(np.mean(np.asarray(slab.positions) @ normal)) for slab in junction.device]
    else:
        heights[1:] = np.cumsum((thickness[:-1] + thickness[1:]) / 2)
    return heights - heights[list(interface_layers(junction))].mean()


DEFAULT_MESH_SIDE = 8  # wave vectors along a side of the zone of the smallest cell where no mesh is given
_DENSITY_COST_FACTOR = 6  # times the work of a transmission
_TIME_REVERSAL = np.array([np.eye(2), -np.eye(2)], dtype=np.int64)  # time reversal


@frozen(eq=False, kw_only=True)
class LocalDensity(BaseRecord):
    r"""Local density of states of a junction by coordinates, averaged over the in-plane wave vectors; z is the normal.

    Attributes
    ----------
    symbol : (n,) element of each atom

    Raises
    ------
    InputError
        for tables and labels of unequal length, and NaN
    """

    omega: Array = field(converter=frequencies, metadata=about("rad s^-1", "angular frequency"))
    value: Array = field(converter=finite_table, metadata=about("s rad^-1", "(nω, f) of each coordinate; integral 1"))
    left: Array = field(converter=finite_table, metadata=about("s rad^-1", "(nω, f') of a layer of the left crystal"))
    right: Array = field(converter=finite_table, metadata=about("s rad^-1", "(nω, f') of a layer of the right crystal"))
    layer: IndexArray = field(converter=labels, metadata=about("1", "(f,) layer of each coordinate"))
    atom: IndexArray = field(converter=labels, metadata=about("1", "(f,) atom of each coordinate"))
    direction: IndexArray = field(converter=labels, metadata=about("0 x, 1 y, 2 z", "(f,) direction of a coordinate"))
    symbol: tuple[str, ...] = field(converter=tuple)
    height: Array = field(converter=numbers, metadata=about("m", "(nl,) mean heights of the layers over the interface"))
    width: float = field(default=0.0, kw_only=True, metadata=about("rad s^-1", "half width of the Lorentzians"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name, rows in (("value", self.value), ("left", self.left), ("right", self.right)):
            if len(rows) != self.omega.size:
                raise InputError(f"{name} has {len(rows)} rows for {self.omega.size} frequencies")
        size = self.value.shape[1]
        for name, one in (("layer", self.layer), ("atom", self.atom), ("direction", self.direction)):
            if one.size != size or one.min(initial=0) < 0:
                raise InputError(f"{name} has {one.size} labels for {size} coordinates, from {one.min()}")
        if self.atom.max(initial=0) >= len(self.symbol) or self.layer.max(initial=0) >= self.height.size:
            raise InputError(
                f"{len(self.symbol)} symbols and {self.height.size} heights are fewer than the atoms and layers"
            )

    def of(self, *, layer: int | None = None, symbol: str | None = None, direction: int | None = None) -> Array:
        """(nω,) sum over the coordinates of a layer, an element and a direction, whichever are given, s rad⁻¹.

        Raises
        ------
        InputError
            if there are none
        """
        wanted = np.ones(self.layer.size, dtype=bool)
        if layer is not None:
            wanted &= self.layer == layer
        if symbol is not None:
            wanted &= np.array(self.symbol)[self.atom] == symbol
        if direction is not None:
            wanted &= self.direction == direction
        if not wanted.any():
            raise InputError(
                f"no coordinate of layer {layer}, element {symbol} and direction {direction}: there are the layers 0 "
                f"to {self.height.size - 1} and the elements {', '.join(sorted(set(self.symbol)))}"
            )
        return self.value[:, wanted].sum(axis=1)

    @property
    def by_layer(self) -> Array:
        """(nω, nl) mean over the coordinates of each layer, s rad⁻¹."""
        return np.stack([self.value[:, self.layer == i].mean(axis=1) for i in range(self.height.size)], axis=1)

    @property
    def integral(self) -> Array:
        """(f,) integral over the frequencies at hand: 1 where they hold all, 1 less the bound modes at width 0."""
        return trapezoid_weights(self.omega) @ self.value


def local_density(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    width: float | None = None,
    k_mesh: tuple[int, int] | None = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> LocalDensity:
    """Local density of states of each coordinate of the device, and of both crystals for comparison.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing frequencies above zero, rad s⁻¹; None takes 120, even up to the top of all bands
    width : half width of the Lorentzian of each mode, rad s⁻¹; None takes the spacing of the frequencies, 0 the real
        axis, where a bound mode is no part of the density
    k_mesh : points along either in-plane reciprocal vector, over the whole zone; None takes 8 for the smallest cell
    executor, store, progress : as in `agf`

    Raises
    ------
    InputError
        for frequencies that are not above zero, or a width below zero
    """
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega)
    gamma = float(np.mean(np.diff(wanted))) if width is None and wanted.size > 1 else float(width or 0.0)
    check_not_negative("width", gamma, "rad/s")
    points = zone_wavevectors(prepared, k_mesh, DEFAULT_MESH_SIDE, _TIME_REVERSAL)  # others may swap atoms
    each = {"k": points.k, "weight": points.weight}
    common = {"omega": wanted, "local": "density", "width": gamma}
    found = UnitRunner(executor, store, progress)(
        density_sums, prepared, each, common, density_seconds(prepared, wanted)
    )
    value, left, right = (
        found[name].reshape(-1, wanted.size, found[name].shape[1]).sum(axis=0) for name in ("value", "left", "right")
    )
    return LocalDensity(
        omega=wanted,
        value=value,
        left=left,
        right=right,
        **asdict(device_sites(junction), recurse=False),
        height=_layer_heights(junction),
        width=gamma,
        method=f"AGF {junction.name}",
    )


def density_seconds(prepared: PreparedJunction, omega: Array) -> float:
    """Rough time of the local densities of one wave vector, s."""
    return _DENSITY_COST_FACTOR * omega.size * point_seconds(prepared)


def device_chunks(
    prepared: PreparedJunction, k: Array, omega: Array, width: float = 0.0
) -> Iterator[tuple[IndexArray, IndexArray, DevicePoints]]:
    """Device at all wave vectors and frequencies, a few at once: numbers of both, the second changing faster."""
    points = np.arange(len(k) * omega.size)
    for some in point_chunks(points, max(slab.onsite.shape[-1] for slab in prepared.junction.device)):
        index, place = np.divmod(some, omega.size)
        yield index, place, device_points(prepared, k, index, omega[place], width)


def density_sums(unit: UnitInputs) -> UnitResult:
    """Kernel: weighted sums over wave vectors of the local densities, (nω, f) each."""
    prepared, (k, weight, omega, width) = unit_arrays(unit, "k", "weight", "omega", "width")
    parts = [
        local_densities(at, sweep_layers(at), omega[place], float(width))
        for _, place, at in device_chunks(prepared, k, omega, float(width))
    ]
    sums = [
        np.tensordot(weight, np.concatenate(column).reshape(len(k), omega.size, -1), axes=1)
        for column in zip(*parts, strict=True)
    ]
    return dict(zip(("value", "left", "right"), sums, strict=True))
