r"""Local densities of states of a junction, and its local spectral current: which bonds carry what crosses.

$\rho_i(\omega) = -\frac1\pi\,\mathrm{Im}\,[2zG_{ii}(z^2)]$ at $z = \omega + i\gamma$ in mass-weighted coordinates, so
that $\int_0^\infty\rho_i\,d\omega = 1$ for each coordinate: modes of the whole junction as Lorentzians of half width γ,
those that are bound to the interface among them.  At γ = 0 the leads enter by their waves and bound modes, which have
no width, are missing.

Waves that arrive from the left with one quantum each fill the spectral function $A = G\Gamma_LG^\dagger$, and the modes
that flow from coordinate a to b are $T_{ab} = -2\,\mathrm{Im}\,D_{ab}A_{ba}$.  Energy is kept at every atom off the
leads, and the sum over all bonds through any plane is the transmission Ξ.

References
----------
W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
J.-S. Wang, J. Wang, J. T. Lü, Eur. Phys. J. B 62, 381 (2008), doi:10.1140/epjb/e2008-00195-8 (current of bonds)
"""

from collections.abc import Iterator

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import (
    AnyComplexArray,
    Array,
    IndexArray,
    about,
    check_not_negative,
    finite_table,
    frequencies,
    labels,
    numbers,
    temperatures,
)
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import DevicePoints, PreparedJunction, prepare_junction
from kapitza.theory.agf.k_mesh import even_frequencies, zone_wavevectors
from kapitza.theory.agf.leads import dagger
from kapitza.theory.agf.transmission import UnitRunner, point_chunks, point_seconds, unit_arrays
from kapitza.units import m_u

_CRYSTAL_TOLERANCE = 0.02  # of the largest force constant over mass: layers that differ less from a crystal are crystal


# Γ, where springs between equal atoms of a layer cancel, and a wave vector on no symmetry element, where nothing does
_TEST_WAVEVECTORS = np.array([[0.0, 0.0], [0.1234, 0.3713]])
# waves from the left at k and -k fill a junction unlike each other: no operation but this one
_IDENTITY_OPERATION = np.eye(2, dtype=np.int64)[None]
_BOND_TOLERANCE = 1e-12  # of the largest force constant: atoms that are no neighbours
DEFAULT_MESH_SIDE = 8  # wave vectors along a side of the zone of the smallest cell where no mesh is given
_DENSITY_COST_FACTOR = 6  # times the work of a transmission
_TIME_REVERSAL = np.array([np.eye(2), -np.eye(2)], dtype=np.int64)  # time reversal


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
    leads = [green.lead_blocks(junction, _TEST_WAVEVECTORS, side) for side in INTERFACE_SIDES]
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
        yield index, place, green.device_points(prepared, k, index, omega[place], width)


def density_sums(unit: UnitInputs) -> UnitResult:
    """Kernel: weighted sums over wave vectors of the local densities, (nω, f) each."""
    prepared, (k, weight, omega, width) = unit_arrays(unit, "k", "weight", "omega", "width")
    parts = [
        green.local_densities(at, green.sweep_layers(at), omega[place], float(width))
        for _, place, at in device_chunks(prepared, k, omega, float(width))
    ]
    sums = [
        np.tensordot(weight, np.concatenate(column).reshape(len(k), omega.size, -1), axes=1)
        for column in zip(*parts, strict=True)
    ]
    return dict(zip(("value", "left", "right"), sums, strict=True))


@frozen(eq=False, kw_only=True)
class LocalCurrent(BaseRecord):
    """What flows between neighbouring atoms when waves arrive from the left, summed over the in-plane wave vectors.

    Attributes
    ----------
    symbol : (n,) element of each atom
    localised : each bond across the interface counts with the part of the density of states of its atoms that exceeds,
        at this wave vector, that of any atom of the crystals

    Raises
    ------
    InputError
        for tables and labels of unequal length, and NaN
    """

    omega: Array = field(converter=frequencies, metadata=about("rad s^-1", "angular frequency"))
    total: Array = field(converter=numbers, metadata=about("m^-2", "transmission function"))
    localised: Array = field(converter=numbers, metadata=about("m^-2", "through vibrations that neither crystal has"))
    first: IndexArray = field(converter=labels, metadata=about("1", "(nb,) atom at which a bond starts"))
    second: IndexArray = field(converter=labels, metadata=about("1", "(nb,) atom at which it ends"))
    value: Array = field(converter=finite_table, metadata=about("m^-2", "(nω, nb) modes from the first to the second"))
    layer: IndexArray = field(converter=labels, metadata=about("1", "(n,) layer of each atom"))
    symbol: tuple[str, ...] = field(converter=tuple)
    interface: IndexArray = field(converter=labels, metadata=about("1", "layers of the interface"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        size = self.omega.size
        if self.total.size != size or self.localised.size != size:
            raise InputError(f"{self.total.size} and {self.localised.size} values for {size} frequencies")
        if self.value.shape != (size, self.first.size) or self.second.size != self.first.size:
            raise InputError(
                f"value of shape {self.value.shape} for {size} frequencies and {self.first.size} and "
                f"{self.second.size} ends of bonds"
            )
        ends = np.concatenate([self.first, self.second])
        if not 0 <= ends.min(initial=0) <= ends.max(initial=0) < self.layer.size == len(self.symbol):
            raise InputError(
                f"bonds of the atoms {ends.min(initial=0)} to {ends.max(initial=0)} of {self.layer.size}, "
                f"with {len(self.symbol)} symbols"
            )

    @property
    def planes(self) -> Array:
        """(nω, nl - 1) current through the plane between each layer and the next, m⁻²: Ξ through each of them."""
        start, stop = self.layer[self.first], self.layer[self.second]
        planes = range(int(self.layer.max(initial=0)))
        return np.stack([self.value[:, (start == i) & (stop == i + 1)].sum(axis=1) for i in planes], axis=1)

    def element_current(self, first: str, second: str, plane: int) -> Array:
        """(nω,) part of the current through a plane (from layer `plane` to the next) on bonds of two elements, m⁻²."""
        name = np.array(self.symbol)
        bonds = (self.layer[self.first] == plane) & (self.layer[self.second] == plane + 1)
        bonds &= (name[self.first] == first) & (name[self.second] == second)
        return self.value[:, bonds].sum(axis=1)

    def share(self, temperature: ArrayLike) -> Array:
        """(nT,) part of the emitted conductance that passes through modes of the interface, 0..1; NaN where none does.

        Raises
        ------
        InputError
            for a single frequency, which has no integral
        """
        if self.omega.size < 2:
            raise InputError(f"a spectrum of {self.omega.size} frequencies has no integral: give at least 2")
        heat = mode_heat_capacity(self.omega, temperatures(temperature)) * trapezoid_weights(self.omega)
        total = heat @ self.total
        return np.divide(heat @ self.localised, total, out=np.full_like(total, np.nan), where=total > 0)


def local_current(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    layers: tuple[int, ...] | None = None,
    k_mesh: tuple[int, int] | None = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> LocalCurrent:
    """Spectral current of each bond of the device, and the part of it that modes of the interface carry.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) increasing frequencies above zero, rad s⁻¹; None takes 120, even up to the top of all bands
    layers : of the device that are the interface, from 0; None takes those that are neither crystal
    k_mesh : points along either in-plane reciprocal vector, over the whole zone; None takes 8 for the smallest cell
    executor, store, progress : as in `agf`

    Raises
    ------
    InputError
        for frequencies that are not above zero, or layers that the device does not have
    """
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega)
    named, chosen = device_sites(junction), select_layers(junction, layers)
    bonds = _bonded_pairs(prepared, named)
    points = zone_wavevectors(prepared, k_mesh, DEFAULT_MESH_SIDE, _IDENTITY_OPERATION)
    each = {"k": points.k, "weight": points.weight}
    common = {"omega": wanted, "local": "current", "interface": np.array(chosen), "bonds": bonds}
    run, seconds = UnitRunner(executor, store, progress), density_seconds(prepared, wanted)
    sums = run(_current_sums, prepared, each, common, seconds)
    first = np.unique(named.atom, return_index=True)[1]
    return LocalCurrent(
        omega=wanted,
        total=sums["total"].reshape(-1, wanted.size).sum(axis=0) / junction.area,
        localised=sums["localised"].reshape(-1, wanted.size).sum(axis=0) / junction.area,
        first=bonds[:, 0],
        second=bonds[:, 1],
        value=sums["value"].reshape(-1, wanted.size, len(bonds)).sum(axis=0) / junction.area,
        layer=named.layer[first],
        symbol=named.symbol,
        interface=np.array(chosen),
        method=f"AGF {junction.name}",
    )


def _bonded_pairs(prepared: PreparedJunction, named: DeviceSites) -> IndexArray:
    """(nb, 2) pairs of atoms with a force between them, the one further left first."""
    device = prepared.junction.device
    counts = np.array([slab.masses.size for slab in device])
    start = np.concatenate([[0], np.cumsum(counts)])
    scale = max(float(np.abs(slab.onsite).max()) for slab in device)
    d = prepared.junction.directions
    pairs: list[IndexArray] = []
    for i, slab in enumerate(device):
        strength = np.abs(slab.onsite).max(axis=0).reshape(counts[i], d, counts[i], d).max(axis=(1, 3))
        pairs.append(np.argwhere(np.triu(strength, 1) > _BOND_TOLERANCE * scale) + start[i])
        if slab.hop is not None:
            strength = np.abs(slab.hop).max(axis=0).reshape(counts[i], d, counts[i + 1], d).max(axis=(1, 3))
            pairs.append(np.argwhere(strength > _BOND_TOLERANCE * scale) + start[i : i + 2])
    return np.concatenate(pairs).astype(np.intp)


def _current_sums(unit: UnitInputs) -> UnitResult:
    """Kernel: weighted sums over wave vectors of the current of each bond (nω, nb), and of all of them (nω,)."""
    prepared, (k, weight, omega, bonds, interface) = unit_arrays(unit, "k", "weight", "omega", "bonds", "interface")
    total, through = np.zeros((2, omega.size))
    value = np.zeros((omega.size, len(bonds)))
    named = device_sites(prepared.junction)
    for index, place, at in device_chunks(prepared, k, omega):
        flow, modes, localised = _bond_currents(at, named, bonds, interface, omega[place])
        part = weight[index]
        np.add.at(total, place, part * modes)
        np.add.at(through, place, part * modes * localised)
        np.add.at(value, place, part[:, None] * flow)
    return {"total": total, "localised": through, "value": value}


def _bond_currents(
    at: DevicePoints, named: DeviceSites, bonds: IndexArray, interface: IndexArray, omega: Array
) -> tuple[Array, Array, Array]:
    """Currents of the bonds (b, nb), the transmission (b,), and the part that modes of the interface carry (b,)."""
    found = green.sweep_layers(at)
    # blocks of G from the first layer to each; by left layers alone, as the full G at the end has all returns
    moved = np.eye(at.onsite[0].shape[-1], dtype=np.complex128)
    forth: list[AnyComplexArray] = [found.inside[0]]
    for i, hop in enumerate(at.hop):
        moved = dagger(hop) @ found.from_left[i] @ moved
        forth.append(found.inside[i + 1] @ moved)
    gamma_left, gamma_right = at.gamma
    filled = [one @ gamma_left for one in forth]
    modes = np.einsum("bij,bji->b", gamma_right @ filled[-1], dagger(forth[-1])).real
    modes = np.maximum(modes, 0.0)
    atoms = len(named.symbol)
    # T_ab = -2 Im(D_ab A_ba) with A = GΓG†: energy is kept at each atom, and bonds through any plane add to T
    table = np.zeros((len(omega), atoms, atoms))
    start = np.concatenate([[0], np.cumsum([one.shape[-1] for one in at.onsite])])
    for i, onsite in enumerate(at.onsite):
        here = slice(start[i], start[i + 1])
        _add_bond_currents(table, named.atom[here], named.atom[here], onsite, filled[i] @ dagger(forth[i]))
        if i + 1 < len(at.onsite):
            there = slice(start[i + 1], start[i + 2])
            _add_bond_currents(table, named.atom[here], named.atom[there], at.hop[i], filled[i + 1] @ dagger(forth[i]))
    flow = table[:, bonds[:, 0], bonds[:, 1]]
    return flow, modes, _localised_share(flow, green.local_densities(at, found, omega, 0.0), named, bonds, interface)


def _add_bond_currents(
    table: Array, rows: IndexArray, columns: IndexArray, block: AnyComplexArray, filled: AnyComplexArray
) -> None:
    """Add the currents from the atoms of the rows to those of the columns, in place."""
    flow = -2 * (block * filled.swapaxes(1, 2)).imag
    d = len(rows) // np.unique(rows).size
    sums = flow.reshape(len(flow), len(rows) // d, d, len(columns) // d, d).sum(axis=(2, 4))
    table[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += sums


def _localised_share(
    flow: Array, found: tuple[Array, Array, Array], named: DeviceSites, bonds: IndexArray, interface: IndexArray
) -> Array:
    """(b,) part of the current through the planes of an interface that its own vibrations carry, 0..1.

    Each bond counts with the mean over its atoms of the part of their density of states that no atom of the crystals
    has.
    """
    directions = len(named.atom) // len(named.symbol)
    here, left, right = (green.atom_densities(one, directions) for one in found)
    crystal = np.maximum(left.max(axis=1), right.max(axis=1))[:, None]
    localised = np.clip(1 - np.divide(crystal, here, out=np.ones_like(here), where=here > 0), 0.0, 1.0)
    layer = named.layer[::directions]
    start, stop = layer[bonds[:, 0]], layer[bonds[:, 1]]
    inner = np.isin(start, interface) & np.isin(stop, interface) & (start != stop)
    if not inner.any():
        inner = (np.isin(start, interface) | np.isin(stop, interface)) & (start != stop)
    size = np.abs(flow[:, inner])
    mean = (localised[:, bonds[inner, 0]] + localised[:, bonds[inner, 1]]) / 2
    total = size.sum(axis=1)
    return np.divide((size * mean).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
