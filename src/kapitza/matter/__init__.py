"""What an interface is made of: solids, liquids, crystals, bands, electrons, the library of materials."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
