"""Temperatures of devices: layers on a substrate, boxes on a grid, bodies on a mesh."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
