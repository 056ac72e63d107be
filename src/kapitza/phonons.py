"""Phonons of crystals by name: force constants with their cards, dispersion, and published frequencies."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
