"""The quantities that all rooms share: transmission, conductance, profile, stack, occupation."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
