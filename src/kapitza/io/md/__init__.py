"""Files of molecular dynamics: decks, runs of other programs, their modes and sizes."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
