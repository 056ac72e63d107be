"""Views of the page, one module each: a class that lays the view out, and whose `begin` takes what is asked of it."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
