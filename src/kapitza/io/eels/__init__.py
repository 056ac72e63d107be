"""Files of electron energy-loss spectroscopy: experiments, modes, lamellae and objects of HyperSpy."""

from kapitza._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]
