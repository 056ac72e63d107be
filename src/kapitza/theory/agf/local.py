r"""Local density of states: how the vibrations of a junction are shared among its layers, elements and directions.

$\rho_i(\omega) = -\frac1\pi\,\mathrm{Im}\,[2zG_{ii}(z^2)]$ at $z = \omega + i\gamma$ in mass-weighted coordinates, so
that $\int_0^\infty\rho_i\,d\omega = 1$ for each coordinate: modes of the whole junction as Lorentzians of half width γ,
those that are bound to the interface among them.  At γ = 0 the leads enter by their waves and bound modes, which have
no width, are missing.

References
----------
W. Zhang, T. S. Fisher, N. Mingo, Numer. Heat Transf. B 51, 333 (2007), doi:10.1080/10407790601144755
"""

from concurrent.futures import Executor

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, frequencies, numbers
from kapitza.core.transmission import trapezoid
from kapitza.errors import InputError
from kapitza.matter.junction import PS2, Junction
from kapitza.run.store import Arrays, Inputs, Store
from kapitza.run.work import Progress
from kapitza.theory.agf.conductance import counts
from kapitza.theory.agf.device import Prepared, prepared
from kapitza.theory.agf.kmesh import Mesh, mesh, top
from kapitza.theory.agf.local_green import densities, points, swept
from kapitza.theory.agf.octaves import Runner, sizes
from kapitza.theory.agf.points import SECONDS, junction_arrays, junction_of, pieces, seconds
from kapitza.theory.agf.sites import layer_heights, sites, symbols

NUMBER = 120  # of frequencies where none are given
SIDE = 8  # wave vectors along a side of the zone of the smallest cell where no mesh is given
BEYOND = 1.08  # over the top of the bands: where the frequencies end that are chosen here
DEARER = 6  # times the work of a transmission
MIRROR = np.array([np.eye(2), -np.eye(2)], dtype=np.int64)  # time reversal

Counts = NDArray[np.intp]


def table(value: ArrayLike) -> Array:
    """Return `value` as a read-only finite table (n, m).

    Raises
    ------
    InputError
        for another shape, NaN and infinity
    """
    array = np.array(value, dtype=float)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise InputError(f"expected a finite table (n, m), got shape {array.shape}")
    array.flags.writeable = False
    return array


def whole_numbers(value: ArrayLike) -> Counts:
    """Return `value` as read-only whole numbers (n,)."""
    array = np.array(value, dtype=np.intp, ndmin=1)
    array.flags.writeable = False
    return array


@frozen(eq=False)
class LocalDensity:
    r"""Local density of states of a junction, averaged over the in-plane wave vectors.

    Attributes
    ----------
    omega : (nω,) angular frequency, rad s⁻¹
    value : (nω, f) of each coordinate of the device, s rad⁻¹; the integral over all frequencies is 1
    left, right : (nω, f') of each coordinate of a layer of either crystal without an interface, s rad⁻¹
    layer, atom, direction : (f,) layer and atom of each coordinate, and 0, 1, 2 for x, y and z (the normal)
    symbol : (n,) element of each atom
    height : (nl,) mean heights of the layers over the interface, m
    width : half width γ of the Lorentzian that each mode has, rad s⁻¹; 0 for none
    method : how it came about, for legends and tables

    Raises
    ------
    InputError
        for tables and labels of unequal length, and NaN
    """

    omega: Array = field(converter=frequencies)
    value: Array = field(converter=table)
    left: Array = field(converter=table)
    right: Array = field(converter=table)
    layer: Counts = field(converter=whole_numbers)
    atom: Counts = field(converter=whole_numbers)
    direction: Counts = field(converter=whole_numbers)
    symbol: tuple[str, ...] = field(converter=tuple)
    height: Array = field(converter=numbers)
    width: float = field(default=0.0, kw_only=True)
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name, rows in (("value", self.value), ("left", self.left), ("right", self.right)):
            if len(rows) != self.omega.size:
                raise InputError(f"{name} has {len(rows)} rows for {self.omega.size} frequencies")
        size = self.value.shape[1]
        for name, labels in (("layer", self.layer), ("atom", self.atom), ("direction", self.direction)):
            if labels.size != size or labels.min(initial=0) < 0:
                raise InputError(f"{name} has {labels.size} labels for {size} coordinates, from {labels.min()}")
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
        return trapezoid(self.omega) @ self.value


def local_density(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    width: float | None = None,
    k_mesh: tuple[int, int] | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    store: Store | None = None,
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
    workers, executor, store, progress : as in `run_units`; results do not depend on them

    Raises
    ------
    InputError
        for frequencies that are not above zero, or a width below zero
    """
    what, wanted = prepared(junction), even(junction, omega)
    gamma = float(np.mean(np.diff(wanted))) if width is None and wanted.size > 1 else float(width or 0.0)
    if not (np.isfinite(gamma) and gamma >= 0):
        raise InputError(f"width = {gamma:g} rad/s: expected 0 or more")
    chosen = mesh_of(junction, k_mesh, MIRROR)
    run = Runner(workers, executor, store, progress)
    found = run(density_sums, units(what, chosen, wanted, {"local": "density", "width": gamma}))
    named = sites(junction)
    value, left, right = (
        found[name].reshape(-1, wanted.size, found[name].shape[1]).sum(axis=0) for name in ("value", "left", "right")
    )
    return LocalDensity(
        wanted,
        value,
        left,
        right,
        named.layer,
        named.atom,
        named.direction,
        named.symbol,
        layer_heights(junction),
        width=gamma,
        method=f"AGF {junction.name}",
    )


def even(junction: Junction, omega: ArrayLike | None) -> Array:
    """Frequencies as given, or even ones up to the top of the higher spectrum, rad s⁻¹."""
    if omega is None:
        k = np.indices((6, 6)).reshape(2, -1).T / 6
        tops = [float(np.sqrt(top(lead, k).max() / PS2)) for lead in (junction.left, junction.right)]
        return BEYOND * max(tops) * (np.arange(NUMBER) + 0.5) / NUMBER
    wanted = frequencies(omega)
    if not wanted.size or wanted[0] <= 0:
        raise InputError(f"expected frequencies above 0 rad/s, got {wanted[:1]}")
    return wanted


def mesh_of(junction: Junction, k_mesh: tuple[int, int] | None, symmetry: NDArray[np.int64]) -> Mesh:
    """Wave vectors over the whole zone."""
    whole = np.full(2, 0.5)
    return mesh(sizes(junction, SIDE, whole) if k_mesh is None else counts(k_mesh), whole, symmetry)


def units(what: Prepared, chosen: Mesh, omega: Array, more: dict[str, object]) -> list[Inputs]:
    """Units of work over the zone."""
    plain = junction_arrays(what.junction)
    step = max(1, int(SECONDS / seconds(what) / omega.size / DEARER))
    return [
        {
            "junction": plain,
            "k": chosen.k[i : i + step],
            "weight": chosen.weight[i : i + step],
            "omega": omega,
            **more,
        }
        for i in range(0, len(chosen.k), step)
    ]


def density_sums(unit: Inputs) -> Arrays:
    """Kernel: weighted sums over wave vectors of the local densities, (nω, f) each."""
    what = prepared(junction_of(unit["junction"]))
    k, weight, omega = (np.asarray(unit[name]) for name in ("k", "weight", "omega"))
    width = float(np.asarray(unit["width"]))
    index, each = np.repeat(np.arange(len(k)), omega.size), np.tile(omega, len(k))
    parts: list[tuple[Array, Array, Array]] = []
    for some in pieces(np.arange(index.size), max(slab.onsite.shape[-1] for slab in what.junction.device)):
        at = points(what, k, index[some], each[some], width)
        parts.append(densities(at, swept(at), each[some], width))
    sums = [
        np.tensordot(weight, np.concatenate(column).reshape(len(k), omega.size, -1), axes=1)
        for column in zip(*parts, strict=True)
    ]
    return dict(zip(("value", "left", "right"), sums, strict=True))


def bulk_symbols(junction: Junction) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Elements of a layer of either crystal."""
    return symbols(junction.left), symbols(junction.right)
