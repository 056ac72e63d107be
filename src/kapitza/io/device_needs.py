"""What the geometry of a device file needs: layers alone, a box grid, or a mesh."""

from os import PathLike
from typing import NamedTuple

from kapitza.io.sections import read_sections

LAWS = ("exponent", "conductivities", "of_temperature")


class Needs(NamedTuple):
    """The way to solve a device: "layers", "volumes" or "elements", and why."""

    tier: str
    why: str


def device_needs(path: str | PathLike[str]) -> Needs:
    """Return the simplest way that can describe a device file.

    Raises
    ------
    DataError, OSError
        as `read_device`, for what is no TOML
    """
    top = read_sections(path)
    if "mesh" in top:
        return Needs("elements", f"the file names the mesh {top.text('mesh')}")
    if "gds" in top:
        return Needs("volumes", f"the layout {top.text('gds')} draws boxes in the layers")
    if "blocks" in top:
        names = [one.text("name", one.text("material", "")) for one in top.sections("blocks")]
        told = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        return Needs("volumes", f"blocks ({told}) stand in the layers")
    if "sides" in top:
        return Needs("volumes", "heat leaves through sides")
    varies = any(key in one for one in top.sections("layers") for key in LAWS)
    more = ", properties of temperature by iteration" if varies else ""
    return Needs("layers", f"each layer is the same everywhere{more}")
