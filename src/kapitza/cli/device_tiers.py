"""Which of three ways solves a device: by what its geometry needs, and said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import kapitza
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.io.sections import Section

TIERS = ("auto", "layers", "volumes", "elements")
WAYS = {
    "layers": "solved layer by layer, without a grid",
    "volumes": "solved by finite volumes on a box grid",
    "elements": "solved by finite elements with doubled nodes at boundaries",
}


class Choice(NamedTuple):
    """A way, and why it is taken."""

    tier: str
    why: str

    @property
    def told(self) -> str:
        """In one line."""
        return f"{WAYS[self.tier]}: {self.why}"


def choose(path: str, tier: str) -> Choice:
    """Return the way to solve a device file.

    Raises
    ------
    InputError
        for one that cannot describe it
    """
    from kapitza.io.sections import read_sections

    needed = needed_by(read_sections(path))
    if tier in ("auto", needed.tier):
        return needed
    if needed.tier == "layers" and tier == "volumes":
        return Choice("volumes", "--tier volumes asks for it; layers alone would not need a grid")
    if tier == "elements":
        raise InputError(f"--tier elements takes a file with mesh = 'device.msh'; {path} has none")
    raise InputError(f"--tier {tier} cannot describe {path}: {needed.why}")


def needed_by(top: Section) -> Choice:
    """The way that a file needs."""
    if "mesh" in top:
        return Choice("elements", f"the file names the mesh {top.text('mesh')}")
    if "blocks" in top:
        names = [one.text("name", one.text("material", "")) for one in top.sections("blocks")]
        told = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        return Choice("volumes", f"blocks ({told}) stand in the layers")
    if "sides" in top:
        return Choice("volumes", "heat leaves through sides")
    varies = any(
        key in one for one in top.sections("layers") for key in ("exponent", "conductivities", "of_temperature")
    )
    more = ", properties of temperature by iteration" if varies else ""
    return Choice("layers", f"each layer is the same everywhere{more}")


def read_as_layout(path: str) -> kapitza.Layout:
    """A device file for a box grid, whether or not it has blocks."""
    from kapitza.io.sections import read_sections

    top = read_sections(path)
    if "blocks" in top or "sides" in top:
        return kapitza.read_layout(path)
    return kapitza.Layout(kapitza.read_device(path))
