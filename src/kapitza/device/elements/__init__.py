"""Bodies of any shape solved by finite elements: meshes and the conductivity of a unit cell."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
