"""Thermoreflectance and related experiments: TDTR, FDTR, SSTR, 3-omega, thickness series."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
