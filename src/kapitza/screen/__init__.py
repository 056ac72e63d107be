"""Many interfaces at once: all pairs of a table of materials, the best of them, and layers between two solids."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
