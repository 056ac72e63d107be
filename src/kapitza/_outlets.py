"""Methods of every record that higher layers implement: tables of other libraries, and figures."""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False  # typing loads for longer than all that is here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar


class RecordOutlets:
    """Base of records; `kapitza/__init__.py` registers the functions, so that no layer imports from one above it."""

    __slots__ = ()
    _functions: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})

    @classmethod
    def register(
        cls, *, to_xarray: Callable[..., Any], to_pandas: Callable[..., Any], plot: Callable[..., Any]
    ) -> None:
        """Set the functions behind the methods, for all records."""
        cls._functions = MappingProxyType({"to_xarray": to_xarray, "to_pandas": to_pandas, "plot": plot})

    def to_xarray(self) -> Any:
        """Return a record of a type that files hold as an xarray.Dataset: see `kapitza.io.frames.to_xarray`."""
        return self._functions["to_xarray"](self)

    def to_pandas(self) -> Any:
        """Return a record of a type that files hold as a pandas.DataFrame: see `kapitza.io.frames.to_pandas`."""
        return self._functions["to_pandas"](self)

    def plot(self, ax: Any = None) -> Any:
        """Draw a record on matplotlib axes (new ones if None) and return them: see `kapitza.plot.records.record`."""
        return self._functions["plot"](self, ax)
