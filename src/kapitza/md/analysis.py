"""Analysis of runs of molecular dynamics: sizes, modes, lifetimes, liquids and rectification."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
