"""The local page `kapitza explore`: views that draw what public functions return, served to this machine alone."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
