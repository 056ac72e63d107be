"""What a fit leaves: noise and its correlations, tests of residuals, whether model and data agree."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
