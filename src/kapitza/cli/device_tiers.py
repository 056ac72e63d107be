"""Which of three ways solves a device: by what its geometry needs, and said so."""

from __future__ import annotations

from typing import NamedTuple

import kapitza
from kapitza.errors import InputError

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
    needed = Choice(*kapitza.device_needs(path))
    if tier in ("auto", needed.tier):
        return needed
    if needed.tier == "layers" and tier == "volumes":
        return Choice("volumes", "--tier volumes asks for it; layers alone would not need a grid")
    if tier == "elements":
        raise InputError(f"--tier elements takes a file with mesh = 'device.msh'; {path} has none")
    raise InputError(f"--tier {tier} cannot describe {path}: {needed.why}")
