"""Geometry of a scan: width of an edge and interfaces oblique to the beam or the scan."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
