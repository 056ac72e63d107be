"""Measured spectra compared with computed vibrations: occupations and assigned peaks."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
