"""What differs between two figures, so that a slider sends the browser a few numbers and not the figure anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from kapitza.core import BaseRecord


@frozen(eq=False)
class FigureChange(BaseRecord):
    """Arguments of ``Plotly.update``.

    Attributes
    ----------
    data : new values of attributes, as "y" and "marker.color", one for each of `traces`
    layout : new values of attributes of the layout, as "shapes" and "yaxis.range"
    traces : numbers of the traces that change
    """

    data: dict[str, list[Any]]
    layout: dict[str, Any]
    traces: list[int]


def figure_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> FigureChange | None:
    """Return what makes one figure of another; None where traces or attributes come or go."""
    if len(before["data"]) != len(after["data"]):
        return None
    layout = _differences(before["layout"], after["layout"])
    found = [_differences(old, new) for old, new in zip(before["data"], after["data"], strict=True)]
    if layout is None or any(one is None for one in found):
        return None
    traces = [i for i, one in enumerate(found) if one]
    names = dict.fromkeys(name for one in found if one for name in one)
    new = [after["data"][i] for i in traces]
    if not all(_has(one, name) for one in new for name in names):
        return None
    return FigureChange({name: [_value(one, name) for one in new] for name in names}, layout, traces)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], start: str = "") -> dict[str, Any] | None:
    """New values of attributes that differ, by their dotted names; None where some are not in both."""
    if before.keys() != after.keys():
        return None
    found: dict[str, Any] = {}
    for key, new in after.items():
        old = before[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = _differences(old, new, f"{start}{key}.")
            if inner is None:
                return None
            found |= inner
        elif old != new:
            found[start + key] = new
    return found


def _has(trace: Mapping[str, Any], name: str) -> bool:
    """Whether a trace has an attribute with a dotted name."""
    held: Any = trace
    for key in name.split("."):
        if not isinstance(held, Mapping) or key not in held:
            return False
        held = held[key]
    return True


def _value(trace: Mapping[str, Any], name: str) -> Any:
    """An attribute with a dotted name."""
    held: Any = trace
    for key in name.split("."):
        held = held[key]
    return held
