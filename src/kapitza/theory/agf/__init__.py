"""Atomistic Green's functions: from force constants to the transmission of a junction, mode by mode.

In the room: conductance of a junction whose phonons are scattered, by Büttiker probes.
"""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
