"""Files of devices: methods, sinks, materials of regions, sweeps and crossed temperatures."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
