"""Layers, blocks and regions of device files that are thinner than the free paths in them.

Conductivities of the library are taken between the walls of such a body.  `size = "bulk"` in its table leaves them as
they are, and so does a conductivity that the file states.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from attrs import evolve

from kapitza.applications.film import ConfinedConductivity, confined_conductivity
from kapitza.core.arrays import Array
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw
from kapitza.device.shapes import Interval
from kapitza.io.toml import TomlTable, text
from kapitza.matter.library import material
from kapitza.units import nm

SIZE_KEY = text("size", "use the conductivity of a film, or of the bulk", None, choices=("film", "bulk"))
_STATED_KEYS = ("conductivity", "conductivities", "in_plane", "in_plane_y")
_NEARLY_BULK = 0.95  # share of the conductivity, above which a body is as good as the bulk
_THIN = 1e-7  # m, below which it is said that nothing is known of the free paths
_LAYER_AXES, _BLOCK_AXES = ("the layer", "the layer", "its normal"), ("x", "y", "depth")


class ConfinedLayer(NamedTuple):
    """A layer as its walls leave it, with the uncertainties that this brings, and what is said of it."""

    layer: Layer
    law: ConductivityLaw | None
    sigmas: Mapping[str, float] = {}  # by name, such as "Si.in_plane", W m⁻¹ K⁻¹
    remark: str = ""


def find_confinement(section: TomlTable, size: Sequence[float], sink: float) -> ConfinedConductivity | None:
    """What walls leave of the conductivity of the material of a table; None where it keeps that of the bulk.

    `size` are the (3,) distances of the walls along x, y and z, m, infinite where there are none; `sink` in K.  A film
    is refused where the conductivity is stated or no free paths are known.
    """
    wanted = SIZE_KEY.value(section)
    stated = next((key for key in _STATED_KEYS if key in section), None)
    known = stated is None and "material" in section
    if wanted == "film" and not known:
        asks = f"asks for the conductivity of a film of the library, and {stated or 'no material'} is given"
        raise section.fault(f"{asks}: a stated conductivity is taken as it is", SIZE_KEY.name)
    if wanted == "bulk" or not known:
        return None
    name = section.text("material")
    confined = section.locate("material", confined_conductivity, name, size, sink)
    if confined is None and wanted == "film":
        message = f"nothing is known of the free paths in {name} at {sink:g} K: give its conductivity"
        raise section.fault(message, SIZE_KEY.name)
    return None if confined is None or confined.share.min() > _NEARLY_BULK else confined


def confine_layer(
    section: TomlTable, layer: Layer, law: ConductivityLaw | None, size: Sequence[float], sink: float, *, block: bool
) -> ConfinedLayer:
    """A layer or a block between its walls, with conductivities along x and y, and through it along z."""
    found = find_confinement(section, size, sink)
    if found is None:
        return ConfinedLayer(layer, law, remark=_remark_on_unknown(section, layer, size))
    share, along = found.share, layer.conductivity if layer.in_plane is None else layer.in_plane
    bulk = np.array([along, along, layer.conductivity])
    value = bulk * share
    confined = evolve(
        layer, conductivity=value[2], in_plane=value[0], in_plane_y=None if value[1] == value[0] else value[1]
    )
    sigma = bulk * found.sigma / found.bulk
    named = zip(("in_plane", "in_plane_y", "conductivity"), sigma.tolist(), strict=True)
    sigmas = {f"{layer.name}.{key}": one for key, one in named if one and getattr(confined, key) is not None}
    scaled = evolve(found, bulk=bulk, value=value, sigma=sigma)
    return ConfinedLayer(
        confined,
        law if law is None else evolve(law, value=law.value * share[2]),
        sigmas,
        describe_confined(layer.name, scaled, _BLOCK_AXES if block else _LAYER_AXES),
    )


def describe_confined(name: str, found: ConfinedConductivity, axes: Sequence[str]) -> str:
    """Return what is said of a body between walls; `axes` are names of x, y and z."""
    parts = {
        axis: f"{k:.3g} ± {one:.2g} W/mK along {axis}" if one else f"{k:.3g} W/mK along {axis}"
        for axis, k, one in zip(axes, found.value.tolist(), found.sigma.tolist(), strict=True)
    }
    finite = np.sort(found.size[np.isfinite(found.size)]).tolist()
    sizes = " and ".join(dict.fromkeys(f"{one / nm:.4g} nm" for one in finite))
    return (
        f"{name} conducts {', '.join(parts.values())}, between rough walls {sizes} apart; what they take across is in "
        "the resistances of its boundaries (size = 'bulk' leaves the conductivity as it is)"
    )


def _remark_on_unknown(section: TomlTable, layer: Layer, size: Sequence[float]) -> str:
    """What is said of a thin body of a crystal or a metal whose free paths are not known."""
    stated = any(key in section for key in (*_STATED_KEYS, SIZE_KEY.name))
    if stated or "material" not in section or not min(size) < _THIN:
        return ""
    known = material(section.text("material"))
    if known.metal.conductivity is None:
        return ""
    return (
        f"{layer.name} has the conductivity of bulk {known.name}: what faces and grains take from its electrons is not "
        "known here; a measured conductivity of the film is better (size = 'bulk': nothing is said)"
    )


def layer_sizes(stack: Stack, names: Sequence[str], *, held: bool) -> list[float]:
    """(n,) distance of the walls of each layer, m; `names` are those of their materials.

    Layers of one material with perfect boundaries are one body; a plane at which the temperature is held is no wall but
    a cut, as a plane of symmetry.
    """
    sizes: list[float] = []
    first, last = 0, len(names) - 1
    for i, name in enumerate(names):
        if i == last or name != names[i + 1] or stack.boundaries[i].conductance != np.inf:
            total = sum(layer.thickness for layer in stack.layers[first : i + 1])
            sizes += [2 * total if held and i == last else total] * (i + 1 - first)
            first = i + 1
    return sizes


def block_sizes(spans: Sequence[Interval], box: Box, goes_on: Callable[[int, float], bool]) -> list[float]:
    """(3,) distance of the walls of a block along x, y and depth, m; infinite where it goes on at both ends.

    The sides of the device are planes of symmetry; `goes_on` tells whether the same body, or a cut, lies beyond a face,
    by its axis and place (m).
    """
    sides = (box.width, box.depth, np.nan)
    ends = [
        [goes_on(axis, x) or abs(x) <= 1e-9 * side or abs(x - side) <= 1e-9 * side for x in span]
        for axis, (span, side) in enumerate(zip(spans, sides, strict=True))
    ]
    factors = [np.inf if all(open_ends) else 1 + sum(open_ends) for open_ends in ends]
    return [factor * (high - low) for factor, (low, high) in zip(factors, spans, strict=True)]


def extents_between_walls(everywhere: Array, inside: Array) -> list[float]:
    """(3,) distance of the walls along x, y and z of a region with (..., d) points `inside` of a mesh, m.

    Sides of the mesh are planes of symmetry, but for its top, the upper end of the last axis.
    """
    dimension = everywhere.shape[1]
    points = inside.reshape(-1, dimension)
    low, high = points.min(axis=0), points.max(axis=0)
    near = 1e-6 * np.ptp(everywhere, axis=0)
    at_low, at_high = low - everywhere.min(axis=0) <= near, everywhere.max(axis=0) - high <= near
    at_high[-1] = False
    found = np.where(at_low & at_high, np.inf, (1 + at_low + at_high) * (high - low))
    return [*found.tolist(), *([np.inf] * (3 - dimension))]
