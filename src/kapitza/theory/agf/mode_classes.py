r"""Vibrations of a junction by where they are at home: in both crystals, mostly in one, in one alone, at the interface.

The four classes are those of Gordiz and Henry, who give no numbers for where one ends; the limits here are arguments.

References
----------
K. Gordiz and A. Henry, Sci. Rep. 6, 23139 (2016), doi:10.1038/srep23139
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IndexArray, about, finite_table, labels, numbers, same_length
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction
from kapitza.theory.agf.green_functions import layered_matrix, lead_blocks, prepare_junction
from kapitza.theory.agf.k_mesh import MeshSize, given_or_zone_wavevectors
from kapitza.theory.agf.local_density import device_sites, select_layers

MODE_CLASSES = ("extended", "partially extended", "isolated", "localised at the interface")

_MESH_SIDE = 4  # wave vectors along a side of the zone of the smallest cell where no mesh is given
_MAX_COORDINATES = 6000  # of a slab: its matrix of eigenvectors takes 0.6 GB
_EXTENDED, _PARTIALLY_EXTENDED, _ISOLATED, _LOCALISED = range(4)


@frozen(eq=False, kw_only=True)
class ModeClasses(BaseRecord):
    """Vibrations of a slab of both crystals about an interface, one row (n,) each.

    Attributes
    ----------
    left, right, interface : parts of the square of the eigenvector in either crystal and on the layers of the
        interface, which sum to 1
    kind : 0 extended, 1 partially extended, 2 isolated, 3 localised at the interface, as `MODE_CLASSES`
    share : parts of all coordinates that are on the left, the right and the interface
    """

    omega: Array = field(converter=numbers, metadata=about("rad s^-1", "angular frequency"))
    k: Array = field(converter=finite_table, metadata=about("of the reciprocal vectors", "(n, 2) in-plane wave vector"))
    modes: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m^-2", "modes per area"))
    left: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "part on the left"))
    right: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "part on the right"))
    interface: Array = field(
        converter=numbers, validator=same_length("omega"), metadata=about("1", "part on the interface")
    )
    kind: IndexArray = field(converter=labels, metadata=about("0 to 3", "class of each mode"))
    share: tuple[float, ...] = field(converter=tuple, metadata=about("1", "coordinates of each region"))
    method: str = field(default="", kw_only=True)

    @property
    def fractions(self) -> Array:
        """(4,) part of all modes in each class."""
        counts = np.bincount(self.kind, weights=self.modes, minlength=len(MODE_CLASSES))
        return counts / counts.sum()

    def interface_density(self, omega: ArrayLike, width: float) -> Array:
        r"""(nω, 4) density of states on the interface by class, of normal lines of this width (rad s⁻¹)."""
        at = numbers(omega)
        if not width > 0:
            raise InputError(f"width = {width:g} rad/s, wanted above 0")
        found = np.zeros((at.size, len(MODE_CLASSES)))
        for kind in range(len(MODE_CLASSES)):
            use = self.kind == kind
            line = np.exp(-(((at[:, None] - self.omega[use]) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
            found[:, kind] = line @ (self.modes[use] * self.interface[use])
        return found


def classify_modes(
    junction: Junction,
    *,
    periods: int = 8,
    layers: tuple[int, ...] | None = None,
    k: ArrayLike | None = None,
    k_mesh: MeshSize = None,
    localised: float = 0.5,
    extended: float = 0.1,
    isolated: float = 0.01,
) -> ModeClasses:
    r"""Class of each vibration of a slab: the device of a junction between some periods of both crystals, clamped.

    With the parts $p_s$ of the square of the eigenvector in a region and the parts $f_s$ of all coordinates there, a
    mode is localised at the interface where $p_I >$ `localised`.  Of the others, with $d_s = p_s/f_s$ and $r$ the
    smaller of $d_L$ and $d_R$ over the larger, it is extended where $r \ge$ `extended`, isolated where $r <$ `isolated`
    and $d_I$ is below `extended` of the larger, and partially extended in between.  A mode that decays into a crystal
    counts the more on the interface, the longer the slab is: check that the fractions settle with `periods`.

    Parameters
    ----------
    periods : principal layers of each crystal beside the device
    layers : of the device that are the interface, from 0; None takes those that are neither crystal
    k : (nk, 2) in-plane wave vectors, fractions; None takes a mesh
    k_mesh : points along either in-plane reciprocal vector, over the whole zone; None takes 4 for the smallest cell

    Raises
    ------
    InputError
        for layers that the device does not have, limits that are not ordered, or a slab of more than 6,000 coordinates
    """
    if periods < 1 or not 0 < isolated <= extended < 1 or not 0 < localised < 1:
        raise InputError(
            f"periods = {periods}, localised = {localised:g}, extended = {extended:g}, isolated = {isolated:g}: wanted "
            "1 or more periods, and isolated <= extended, all between 0 and 1"
        )
    prepared, chosen = prepare_junction(junction), select_layers(junction, layers)
    vectors, weight = given_or_zone_wavevectors(prepared, k, k_mesh, _MESH_SIDE)
    layer = device_sites(junction).layer
    device = np.where(layer < min(chosen), 0, np.where(layer > max(chosen), 1, 2))
    first, last = (
        periods * len(junction.tiles(side)) * junction.lead(side).masses.size * junction.directions
        for side in INTERFACE_SIDES
    )
    region = np.concatenate([np.zeros(first), device, np.ones(last)])  # 0 left, 1 right, 2 interface
    if region.size > _MAX_COORDINATES:
        raise InputError(f"a slab of {region.size} coordinates, wanted {_MAX_COORDINATES} or fewer: take fewer periods")
    omegas: list[Array] = []
    parts: list[Array] = []
    for one in vectors[:, None]:
        (left, left_hop), (right, right_hop) = (lead_blocks(junction, one, side) for side in INTERFACE_SIDES)
        blocks = junction.blocks(one)
        onsite = [left] * periods + list(blocks.onsite) + [right] * periods
        hop = [left_hop] * periods + list(blocks.hop) + [right_hop] * periods
        square, vector = np.linalg.eigh(layered_matrix(onsite, hop)[0])  # what is beyond the slab rests
        omegas.append(np.sqrt(np.maximum(square, 0.0) / SQUARE_PICOSECOND))
        density = np.square(np.abs(vector))
        parts.append(np.stack([density[region == i].sum(axis=0) for i in range(3)], axis=1))
    part = np.concatenate(parts)
    share = np.array([(region == i).mean() for i in range(3)])
    count = region.size
    return ModeClasses(
        omega=np.concatenate(omegas),
        k=np.repeat(vectors, count, axis=0),
        modes=np.repeat(weight, count) / junction.area,
        left=part[:, 0],
        right=part[:, 1],
        interface=part[:, 2],
        kind=_classes(part, share, (localised, extended, isolated)),
        share=share.tolist(),
        method=f"lattice dynamics of {periods} + {periods} periods, {junction.name}",
    )


def _classes(part: Array, share: Array, limits: tuple[float, float, float]) -> IndexArray:
    localised, extended, isolated = limits
    density = part / np.maximum(share, 1e-12)
    sides = density[:, :2]
    most = sides.max(axis=1)
    ratio = sides.min(axis=1) / np.maximum(most, 1e-300)
    kind = np.full(len(part), _PARTIALLY_EXTENDED)
    kind[ratio >= extended] = _EXTENDED
    kind[(ratio < isolated) & (density[:, 2] < extended * most)] = _ISOLATED
    kind[part[:, 2] > localised] = _LOCALISED
    return kind.astype(np.intp)
