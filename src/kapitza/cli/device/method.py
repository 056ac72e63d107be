"""Which of three ways solves a device: by what its geometry needs, and said so."""

from __future__ import annotations

from typing import NamedTuple

from kapitza.cli import deferred
from kapitza.errors import InputError

_METHOD_TITLES = {
    "layers": "solved layer by layer, without a grid",
    "volumes": "solved by finite volumes on a box grid",
    "elements": "solved by finite elements with doubled nodes at boundaries",
}


class MethodChoice(NamedTuple):
    """A way, and why it is taken."""

    tier: str
    why: str

    @property
    def reason(self) -> str:
        """In one line."""
        return f"{_METHOD_TITLES[self.tier]}: {self.why}"


def choose_method(path: str, tier: str) -> MethodChoice:
    """Return the way to solve a device file; one that cannot describe it is refused."""
    needed = MethodChoice(*deferred.device_method(path))
    if tier in ("auto", needed.tier):
        return needed
    if needed.tier == "layers" and tier == "volumes":
        return MethodChoice("volumes", "--tier volumes asks for it; layers alone would not need a grid")
    if tier == "elements":
        raise InputError(f"--tier elements takes a file with mesh = 'device.msh'; {path} has none")
    raise InputError(f"--tier {tier} cannot describe {path}: {needed.why}")
