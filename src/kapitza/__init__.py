"""Predict, measure and design with thermal boundary (Kapitza) resistance.

The names of the first day are here; all others are in the rooms: `kapitza.md`, `kapitza.eels`, `kapitza.device` and so
on.  Each is loaded when it is first used, so that the import itself costs next to nothing.
"""

from kapitza._lazy import attach, defer
from kapitza._outlets import RecordOutlets

__version__ = "0.3.0.dev0"

__getattr__, __dir__, __all__ = attach(__name__)  # pyright: ignore[reportUnsupportedDunderAll]

RecordOutlets.register(
    to_xarray=defer("kapitza.io.frames", "to_xarray"),
    to_pandas=defer("kapitza.io.frames", "to_pandas"),
    plot=defer("kapitza.plot.records", "record"),
)
