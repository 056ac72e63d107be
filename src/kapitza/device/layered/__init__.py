"""Layered devices solved by Fourier series and networks: pulses, transients, maps and the thinnest spreaders."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
