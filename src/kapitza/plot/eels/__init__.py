"""Figures of electron energy-loss spectroscopy: maps, jumps, comparisons and heat flow."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
