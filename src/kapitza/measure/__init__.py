"""From data to numbers: fits, comparisons, the design of experiments, published measurements."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
