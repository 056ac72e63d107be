"""Devices of blocks solved by finite volumes: grids, transients and sensitivities."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
