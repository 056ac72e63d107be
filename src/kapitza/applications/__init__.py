"""Applications: superlattices, composites, thermoelectric legs, heat exchangers, cryogenic devices, memory cells."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
