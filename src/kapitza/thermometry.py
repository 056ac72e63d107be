"""Measured temperatures of devices: fits, fluxes through boundaries, exclusion by a scan."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
