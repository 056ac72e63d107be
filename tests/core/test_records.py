"""What a session and a notebook show of each kind of record."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import kapitza
from kapitza.core.conductance import Conductance
from kapitza.core.record_display import attributes
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.io.formats import saved_types
from kapitza.io.formats.records import saved_type

FOLDER = Path(__file__).resolve().parents[1] / "data" / "saved-0.1.0"
SOURCE = Path(kapitza.__file__).parent
MAX_REPR = 2000


def parse(page: str) -> Any:
    """The tree of a page that is ours; strict: a tag that is not closed or a bare "<" is an error."""
    return ET.fromstring(page)  # noqa: S314


def records_in(value: Any) -> Iterator[Any]:
    """The records of a saved result, which may be a tuple or a mapping of them."""
    if isinstance(value, BaseRecord):
        yield value
    elif isinstance(value, (tuple, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from records_in(one)


def filled(kind: type) -> Any:
    """A record of any type with arrays, texts, tuples and a hostile text in every attribute; nothing is checked."""
    values = (np.linspace(0, 1e9, 5000), "</td><script>&\0" * 99, (1.5,) * 5000, {"a": 1}, np.ones((40, 50)), 3.0, None)
    made = object.__new__(kind)
    for i, one in enumerate(attrs.fields(kind)):
        object.__setattr__(made, one.name, values[i % len(values)])
    return made


def check_page(record: Any) -> str:
    """The table of a record is well-formed, asks nothing of anybody, has no colours, and shows every unit."""
    page = record._repr_html_()
    tree = parse(page)
    assert {one.tag for one in tree.iter()} <= {
        *("div", "table", "caption", "strong", "thead", "tbody", "tr", "th", "td", "br"),
        *("details", "summary", "svg", "polyline"),
    }
    for one in tree.iter():
        assert not {"src", "href", "bgcolor"} & set(one.attrib)
        assert one.get("style", "") in ("", "text-align:left", "color:inherit")
    shown = [row[2].text or "" for row in tree.find("table").find("tbody")]
    assert shown == [one.unit for one in attributes(record)]
    return page


@pytest.mark.parametrize("name", ["Transport.json", "HeatRun.json", "Stack.json", "verb-predict.json", "Device.json"])
def test_a_saved_record_is_shown_in_short(name: str) -> None:
    for one in records_in(kapitza.load(FOLDER / name)):
        assert len(repr(one)) <= MAX_REPR
        check_page(one)


def test_every_type_of_record_is_shown_in_short() -> None:
    """All types that files hold, with 5,000 numbers or 1,500 characters in every attribute."""
    for name in saved_types.__all__:
        kind = saved_type(name)
        assert kind is not None
        assert issubclass(kind, BaseRecord), name
        record = filled(kind)
        assert repr(record).startswith(f"{name}("), name
        assert len(repr(record)) <= MAX_REPR, name
        page = check_page(record)
        assert "<script>" not in page
        assert len(page) < 500 * len(attrs.fields(kind)) + 60_000


def test_every_record_of_the_package_has_this_base() -> None:
    """A class that `frozen` makes without the base would list every number of its arrays."""
    pattern = re.compile(r"^(@frozen.*\n)?class (\w+)(?:\((\w+))?", re.MULTILINE)
    found = [one for path in SOURCE.rglob("*.py") for one in pattern.findall(path.read_text(encoding="utf-8"))]
    bases = {name: base for _, name, base in found}
    for decorated, name, base in found:
        while decorated and base != "BaseRecord":
            assert base in bases, name
            base = bases[base]


def test_a_repr_gives_values_and_units() -> None:
    shown = repr(Conductance([77.0, 300.0], [1e8, 2.5e8], method="DMM Al|Si"))
    assert "temperature=[77, 300] K" in shown
    assert "value=[1e+08, 2.5e+08] W m^-2 K^-1" in shown
    assert "method='DMM Al|Si'" in shown
    many = Conductance(np.arange(1.0, 42.0), np.full(41, 1e8))
    assert "temperature=[1, 2, …, 41; 41 in all] K" in repr(many)


def test_records_in_records_can_be_unfolded() -> None:
    stack = Stack([Layer("Al", 8e-8, 180), Layer("Si", np.inf, 130)], [2e8])
    assert "Layer(name='Al', thickness=8e-08 m, conductivity=180 W m^-1 K^-1" in repr(stack)
    tables = parse(stack._repr_html_()).findall(".//details/table")
    names = [one.find("tbody/tr/td").text for one in tables[:2]]
    assert names == ["'Al'", "'Si'"]


def test_a_sparkline_follows_the_values() -> None:
    """Height against the values, width against the axis of the record, a peak between 10,000 zeros included."""
    omega = np.array([0.0, 1.0, 3.0, 4.0]) * 1e12
    page = Transmission(omega, [0.0, 2.0, 1.0, 0.0])._repr_html_()
    lines = [one.get("points", "") for one in parse(page).iter("polyline")]
    points = np.array([[float(number) for number in one.split(",")] for one in lines[1].split()])
    x, y = points.T
    np.testing.assert_allclose((x - x[0]) / (x[-1] - x[0]), [0, 0.25, 0.75, 1], rtol=0, atol=2e-3)
    np.testing.assert_allclose((y[0] - y) / (y[0] - y[1]), [0, 1, 0.5, 0], rtol=0, atol=1e-2)
    peak = np.zeros(10_001)
    peak[5000] = 1.0
    page = Transmission(np.arange(10_001.0), peak)._repr_html_()
    line = [one.get("points", "") for one in parse(page).iter("polyline")][1]
    heights = [float(one.split(",")[1]) for one in line.split()]
    assert (min(heights), max(heights)) == (1.5, 16.5)
    assert len(heights) <= 60
