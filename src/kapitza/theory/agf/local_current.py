r"""Local spectral current: which bonds carry what crosses, and how much of it passes through modes of the interface.

Waves that arrive from the left with one quantum each fill the spectral function $A = G\Gamma_LG^\dagger$, and the modes
that flow from coordinate a to b are $T_{ab} = -2\,\mathrm{Im}\,D_{ab}A_{ba}$.  Energy is kept at every atom off the
leads, and the sum over all bonds through any plane is the transmission Ξ.

References
----------
J.-S. Wang, J. Wang, J. T. Lü, Eur. Phys. J. B 62, 381 (2008), doi:10.1140/epjb/e2008-00195-8
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    AnyComplexArray,
    Array,
    IndexArray,
    about,
    finite_table,
    frequencies,
    labels,
    numbers,
    temperatures,
)
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import trapezoid_weights
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf.green_functions import (
    DevicePoints,
    PreparedJunction,
    atom_densities,
    first_layer_columns,
    local_densities,
    prepare_junction,
    sweep_layers,
)
from kapitza.theory.agf.k_mesh import even_frequencies, zone_wavevectors
from kapitza.theory.agf.leads import dagger
from kapitza.theory.agf.local_density import (
    DEFAULT_MESH_SIDE,
    DeviceSites,
    density_seconds,
    device_chunks,
    device_sites,
    select_layers,
)
from kapitza.theory.agf.transmission import UnitRunner, unit_arrays

# waves from the left at k and -k fill a junction unlike each other: no operation but this one
_IDENTITY_OPERATION = np.eye(2, dtype=np.int64)[None]
_BOND_TOLERANCE = 1e-12  # of the largest force constant: atoms that are no neighbours


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
    found = sweep_layers(at)
    # Γ of the left lead is of low rank, but its layers are small: the identity is factor enough
    first = np.broadcast_to(np.eye(at.onsite[0].shape[-1], dtype=np.complex128), at.sigma[0].shape)
    forth = first_layer_columns(at, found, first)
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
    return flow, modes, _localised_share(flow, local_densities(at, found, omega, 0.0), named, bonds, interface)


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
    here, left, right = (atom_densities(one, directions) for one in found)
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
