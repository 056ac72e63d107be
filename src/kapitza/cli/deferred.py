"""Functions that commands need and no room offers, loaded on first use so that help stays quick."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
