"""Heat flow from spectra: apertures, reversal of the flow, sides of modes and maps of the local resistance."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
