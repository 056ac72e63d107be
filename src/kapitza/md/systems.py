"""Systems of atoms for molecular dynamics: interfaces, liquids, nanotubes and wave packets."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
