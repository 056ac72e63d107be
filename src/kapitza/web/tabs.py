"""The views of the page, and which files each opens."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from kapitza import KapitzaError
from kapitza.core import BaseRecord, parse_toml
from kapitza.core.files import read_limited
from kapitza.io import MAX_TOML_BYTES, suffixes_of

_TOML = ".toml"


@frozen
class View(BaseRecord):
    """One view of the page.

    Attributes
    ----------
    name : of its module
    title : of its tab
    suffixes : of files that it opens, as (".hspy", ".dm4")
    keys : one of which a TOML file has that it opens
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()

    def opens(self, path: Path) -> bool:
        """Whether the view shows a file."""
        suffix = path.suffix.lower()
        return bool(self.keys & _keys_of(path)) if suffix == _TOML else suffix in self.suffixes


VIEWS = (  # in the order of their tabs
    View("interface", "Interface"),
    View("screen", "Screen"),
    View(
        "spectra", "Spectra",
        (*suffixes_of("spectra"), ".npz"),
        frozenset({"mode"}),
    ),
    View("thermoreflectance", "Thermoreflectance", keys=frozenset({"experiments"})),
    View("device", "Device", keys=frozenset({"sources", "blocks", "mesh"})),
)  # fmt: skip


def view_of(path: Path) -> View | None:
    """The first view that opens a file; None where none does."""
    return next((one for one in VIEWS if one.opens(path)), None)


def _keys_of(path: Path) -> frozenset[str]:
    """Keys of a TOML file, which tell what it describes; none for what is no TOML."""
    try:
        return frozenset(parse_toml(read_limited(path, MAX_TOML_BYTES), path))
    except (KapitzaError, OSError):
        return frozenset()
