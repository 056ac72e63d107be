"""Modes localised at an interface, over the whole zone: bound ones, and resonances; found, measured and named.

References
----------
K. Gordiz and A. Henry, Sci. Rep. 6, 23139 (2016), doi:10.1038/srep23139 (localised modes and what they carry)
"""

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IndexArray, about, finite_table, labels, numbers, same_length
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import Junction
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import MeshSize, even_frequencies, given_or_zone_wavevectors
from kapitza.theory.agf.local_density import DEFAULT_MESH_SIDE, device_sites, select_layers
from kapitza.theory.agf.localised_modes import BoundMode, bound_modes, find_resonances
from kapitza.theory.agf.transmission import UnitRunner, point_seconds, unit_arrays
from kapitza.units import THz

MODE_KINDS = ("below the bands", "in a gap", "above the bands", "resonance")
_FAMILY_SEPARATION = 0.1  # of the highest frequency: modes of one name that differ by more are two families
_POINTS_PER_WAVEVECTOR = 1000  # frequencies that the modes of one wave vector cost, roughly
_TABLE_COLUMNS = ("omega", "kind", "width", "left_tail", "right_tail", "left_decay", "right_decay")


@frozen(eq=False, kw_only=True)
class InterfaceModes(BaseRecord):
    """Table of the modes localised at an interface, one row (n,) each; z is the normal.

    Attributes
    ----------
    symbol : (m,) element of each atom
    width : at half maximum, of a resonance; 0 for bound modes
    left_tail, right_tail : parts of the energy in the leads; 0 for resonances
    left_decay, right_decay : lengths over which the amplitude falls by e on either side; 0 where the mode does not
        reach the lead, infinite where it leaks into it
    weight : of a resonance, of what exceeds both crystals

    Raises
    ------
    InputError
        for tables and labels of unequal length, and NaN
    """

    omega: Array = field(converter=numbers, metadata=about("rad s^-1", "angular frequency"))
    k: Array = field(converter=finite_table, metadata=about("of the reciprocal vectors", "(n, 2) in-plane wave vector"))
    modes: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m^-2", "modes per area"))
    kind: IndexArray = field(
        converter=labels, metadata=about("0 below the bands, 1 in a gap, 2 above the bands, 3 resonance", "(n,) kind")
    )
    width: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("rad s^-1", "full width"))
    left_tail: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "share on left"))
    right_tail: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "share on right"))
    left_decay: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m", "decay on left"))
    right_decay: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m", "decay on right"))
    weight: Array = field(converter=finite_table, metadata=about("1", "(n, f) energy on each coordinate of the device"))
    layer: IndexArray = field(converter=labels, metadata=about("1", "(f,) layer of each coordinate"))
    atom: IndexArray = field(converter=labels, metadata=about("1", "(f,) atom of each coordinate"))
    direction: IndexArray = field(converter=labels, metadata=about("0 x, 1 y, 2 z", "(f,) direction of a coordinate"))
    symbol: tuple[str, ...] = field(converter=tuple)
    interface: IndexArray = field(converter=labels, metadata=about("1", "layers of the interface"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        rows, size = self.omega.size, self.layer.size
        if self.k.shape != (rows, 2) or self.weight.shape != (rows, size) or self.kind.size != rows:
            raise InputError(
                f"k of shape {self.k.shape}, weight {self.weight.shape} and {self.kind.size} kinds for {rows} modes of "
                f"{size} coordinates"
            )
        if self.atom.size != size or self.direction.size != size or self.atom.max(initial=0) >= len(self.symbol):
            raise InputError(f"{self.atom.size} atoms and {self.direction.size} directions for {size} coordinates")
        if rows and not 0 <= self.kind.min() <= self.kind.max() < len(MODE_KINDS):
            raise InputError(f"kinds {self.kind.min()} to {self.kind.max()}: expected 0 to {len(MODE_KINDS) - 1}")

    @property
    def share(self) -> Array:
        """(n,) part of the energy on the layers of the interface, 0..1."""
        return self.weight[:, np.isin(self.layer, self.interface)].sum(axis=1)

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements of the device, each once."""
        return tuple(dict.fromkeys(self.symbol))

    @property
    def character(self) -> Array:
        """(n, elements, 2) parts of the energy in the device on each element, in the plane and along the normal."""
        element = np.array([self.elements.index(name) for name in self.symbol])[self.atom]
        parts = np.zeros((self.omega.size, len(self.elements), 2))
        for i in range(len(self.elements)):
            for j, along in enumerate((self.direction < 2, self.direction == 2)):
                parts[:, i, j] = self.weight[:, (element == i) & along].sum(axis=1)
        return parts

    @property
    def names(self) -> tuple[str, ...]:
        """(n,) what moves most and where in the spectrum: "in a gap, Si in the plane"."""
        strongest = self.character.reshape(self.omega.size, -1).argmax(axis=1) if self.omega.size else ()
        motion = [f"{name} {way}" for name in self.elements for way in ("in the plane", "along the normal")]
        return tuple(f"{MODE_KINDS[kind]}, {motion[i]}" for kind, i in zip(self.kind, strongest, strict=True))

    def families(self) -> tuple["ModeFamily", ...]:
        """Modes of one name and of neighbouring frequencies together, from the lowest frequency."""
        names = np.array(self.names)
        found: list[ModeFamily] = []
        for name in dict.fromkeys(self.names):
            rows = np.flatnonzero(names == name)
            rows = rows[np.argsort(self.omega[rows], kind="stable")]
            cuts = np.flatnonzero(np.diff(self.omega[rows]) > _FAMILY_SEPARATION * self.omega.max()) + 1
            found += [self._family(name, part) for part in np.split(rows, cuts)]
        return tuple(sorted(found, key=lambda one: one.lowest))

    def _family(self, name: str, rows: IndexArray) -> "ModeFamily":
        modes, omega = self.modes[rows], self.omega[rows]
        share, width = (float(np.average(values[rows], weights=modes)) for values in (self.share, self.width))
        left, right = (float(np.median(values[rows])) for values in (self.left_decay, self.right_decay))
        return ModeFamily(
            name=name, lowest=float(omega.min()), highest=float(omega.max()), modes=float(modes.sum()),
            share=share, width=width, left_decay=left, right_decay=right,
        )  # fmt: skip


@frozen(kw_only=True)
class ModeFamily(BaseRecord):
    """Modes of an interface that have one name, as in `InterfaceModes.names`."""

    name: str
    lowest: float = field(metadata=about("rad s^-1", "lowest frequency"))
    highest: float = field(metadata=about("rad s^-1", "highest frequency"))
    modes: float = field(metadata=about("m^-2", "modes per area"))
    share: float = field(metadata=about("1", "mean part of the energy on the layers of the interface"))
    width: float = field(metadata=about("rad s^-1", "mean full width"))
    left_decay: float = field(metadata=about("m", "median length over which the amplitude falls by e on the left"))
    right_decay: float = field(metadata=about("m", "the same on the right"))

    def __str__(self) -> str:
        return f"{self.name}, {self.lowest / THz:.2f} to {self.highest / THz:.2f} THz"


def interface_modes(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    layers: tuple[int, ...] | None = None,
    k: ArrayLike | None = None,
    k_mesh: MeshSize = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> InterfaceModes:
    """Modes localised at an interface: all bound ones, and the resonances that a grid of frequencies resolves.

    Bound modes carry no heat in a harmonic crystal; they are counted, so that none is missed.  A resonance is a peak of
    the density of states of an atom of the interface, of at least twice that of any atom of the crystals at the same
    wave vector, where a crystal has waves to leak into.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) even frequencies above zero at which resonances are looked for, rad s⁻¹; None takes 120, up to the top
    layers : of the device that are the interface, from 0; None takes those that are neither crystal
    k : (nk, 2) in-plane wave vectors, fractions, which are weighted equally; None takes a mesh
    k_mesh : points along either in-plane reciprocal vector, over the whole zone, or a `ZoneMesh`; None takes 8 for the
        smallest cell.  Wave vectors that symmetry makes equal stand for each other
    executor, store, progress : as in `agf`

    Raises
    ------
    InputError
        for frequencies that are not above zero, or layers that the device does not have
    ConvergenceError
        where waves of opposite directions cannot be distinguished
    """
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega)
    chosen, named = select_layers(junction, layers), device_sites(junction)
    vectors, weight = given_or_zone_wavevectors(prepared, k, k_mesh, DEFAULT_MESH_SIDE)
    common = {"omega": wanted, "local": "modes", "interface": np.array(chosen)}
    run, seconds = UnitRunner(executor, store, progress), _POINTS_PER_WAVEVECTOR * point_seconds(prepared)
    found = run(_interface_mode_rows, prepared, {"k": vectors}, common, seconds, numbered=True)
    rows = found["row"].astype(int)
    return InterfaceModes(
        k=vectors[rows],
        modes=weight[rows] / junction.area,
        **{name: found[name] for name in _TABLE_COLUMNS},
        weight=found["weight"].reshape(rows.size, named.layer.size),
        **asdict(named, recurse=False),
        interface=np.array(chosen),
        method=f"AGF {junction.name}",
    )


def _interface_mode_rows(unit: UnitInputs) -> UnitResult:
    """Kernel: rows of the table of modes for wave vectors k (nk, 2)."""
    prepared, (k, omega, interface, first) = unit_arrays(unit, "k", "omega", "interface", "first")
    layer = device_sites(prepared.junction).layer
    found: list[BoundMode] = []
    rows: list[int] = []
    for i, one in enumerate(k):
        here = bound_modes(prepared, one) + find_resonances(prepared, one, omega, interface, layer)
        found += sorted(here, key=lambda mode: mode.omega)
        rows += [int(first) + i] * len(here)
    columns = [(mode.omega, mode.kind, mode.width, *mode.tails, *mode.decay) for mode in found]
    plain = np.array(columns, dtype=float).reshape(len(found), len(_TABLE_COLUMNS))
    weight = np.array([mode.weight for mode in found], dtype=float).reshape(len(found), layer.size)
    return {
        **{name: plain[:, i] for i, name in enumerate(_TABLE_COLUMNS)},
        "weight": weight,
        "row": np.array(rows, dtype=float),
    }
