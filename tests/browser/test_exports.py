"""What a figure is exported as, what a measured point says of itself, and where its links lead.

Apart from the suite, since they need a browser: ``pytest tests/browser`` (KAPITZA_CHROMIUM names another one).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer import Watched, opened, served

import kapitza

_MEASURED = """() => {
  const chart = document.querySelector('main[aria-label="Interface"] .js-plotly-plot');
  const number = chart.data.findIndex(one => one.name === 'measured');
  const path = [...chart.querySelectorAll('.scatterlayer .trace')].find(
    one => one.__data__[0].trace.index === number).querySelector('.points path').getBoundingClientRect();
  return [path.x + path.width / 2, path.y + path.height / 2];
}"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("page")
    with served(folder=folder) as (address, _), opened(address) as found:
        found.page.wait_for_selector(".scatterlayer .points path")
        found.page.wait_for_timeout(1000)
        yield found
        assert found.foreign() == []
        assert found.faults == []


def exported(seen: Watched, number: int, kind: str, folder: Path) -> bytes:
    """The file that a figure of the view, by its number, is saved as."""
    seen.page.locator('main[aria-label="Interface"]').get_by_role("button", name="Export").nth(number).click()
    seen.page.wait_for_timeout(500)  # the menu unfolds
    with seen.page.expect_download() as held:
        seen.page.locator(".q-menu").get_by_text(kind, exact=True).click()
    path = folder / held.value.suggested_filename
    held.value.save_as(path)
    seen.page.locator(".q-menu").wait_for(state="detached")
    assert path.suffix == f".{kind.lower()}"
    return path.read_bytes()


@pytest.mark.parametrize("number", [0, 1])
def test_figures_are_saved(seen: Watched, tmp_path: Path, number: int) -> None:
    assert exported(seen, number, "PNG", tmp_path).startswith(b"\x89PNG\r\n")
    assert b"<svg" in exported(seen, number, "SVG", tmp_path)[:200]
    rows = list(csv.reader(exported(seen, number, "CSV", tmp_path).decode().splitlines()))
    assert len(rows) > 20
    assert {len(row) for row in rows if row and not row[0].startswith("#")} == {len(rows[-1])}
    if number == 0:  # the answer as a whole is with its first figure
        (tmp_path / "answer.json").write_bytes(exported(seen, number, "JSON", tmp_path))
        assert {"estimate", "models", "measured"} <= set(kapitza.read(tmp_path / "answer.json"))


def test_a_measured_point_names_its_paper(seen: Watched) -> None:
    x, y = seen.page.evaluate(_MEASURED)
    seen.page.mouse.move(x - 3, y - 3)
    seen.page.mouse.move(x, y)
    seen.page.locator(".hoverlayer .hovertext").filter(has_text="click to open 10.").first.wait_for()
    links = seen.page.get_by_label("Measured values").get_by_role("link")
    assert links.count() > 50
    assert all(one.get_attribute("href").startswith("https://doi.org/10.") for one in links.all())
