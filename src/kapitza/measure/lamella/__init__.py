"""Absolute interface resistance from temperature maps of a lamella, powers, and what is known besides."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
