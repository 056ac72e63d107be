"""What a heat flow does to electron spectra: both directions, both sides of a spectrum, local resistance."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
