"""Files to records and back: the only place with foreign units."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
