"""Electron energy-loss spectroscopy: temperatures, jumps and resistances from vibrational spectra."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
