"""Records drawn on matplotlib axes: each function takes `ax`, where to draw (new axes if None), and returns it.

Without matplotlib they raise `MissingEngine`.
"""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
