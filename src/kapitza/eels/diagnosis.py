"""Checks of a fit of spectra: energy scale, gain of the detector, residuals and the verdict."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
