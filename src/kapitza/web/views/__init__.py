"""Views of the page, one module each: `build_NAME(session)` lays it out when its tab is first shown."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
