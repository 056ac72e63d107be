"""Interface and Screen in a browser: what is shown first, how fast it follows, names of all controls, fifty clicks.

Apart from the suite, since they need a browser: ``pytest tests/browser`` (KAPITZA_CHROMIUM names another one).
"""

import contextlib
import json
import random
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explorer import Watched, delays, drop, opened, say_delays, served

import kapitza
from kapitza.routes.atomistic import make_junction

CLICKS = 50
SILICON = "Si\n1.0\n0.0 2.7155 2.7155\n2.7155 0.0 2.7155\n2.7155 2.7155 0.0\nSi\n2\nDirect\n0 0 0\n0.25 0.25 0.25\n"
_NUMBER = "() => /[0-9]/.test(document.querySelector('.k-value')?.textContent ?? '')"
_NAMELESS = """() => [...document.querySelectorAll('button, input:not([type=file]), [role=slider], [role=tab]')]
  .filter(e => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length
    || e.closest('label')?.textContent.trim() || e.getAttribute('aria-labelledby')))
  .map(e => e.outerHTML.slice(0, 120))"""
_TARGETS = "button:visible, [role=tab]:visible, .q-field:visible, .q-item:visible, .js-plotly-plot:visible"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One page for all tests of this module: what it asked for and complained of is looked at in the end."""
    folder: Path = tmp_path_factory.mktemp("page")
    with served(folder=folder) as (address, errors), opened(address) as found:
        found.page.wait_for_function(_NUMBER)
        found.page.wait_for_selector(".scatterlayer .points path")
        yield found
        assert found.foreign() == []
        assert found.faults == []
    lines = [one for one in errors.read_text().splitlines() if "Ctrl+C" not in one and "interrupted" not in one]
    assert lines == []


def test_the_first_interface_is_there_and_every_control_has_a_name(seen: Watched) -> None:
    best = seen.page.get_by_label("Best estimate")
    assert "Al | Si" in best.inner_text()
    assert "95 % interval" in best.inner_text()
    assert seen.page.get_by_label("Measured values").get_by_role("link").count() == 58
    assert seen.page.evaluate(_NAMELESS) == []


def test_the_spectrum_follows_the_slider(seen: Watched) -> None:
    """On a machine that does nothing else, within a fifth of a second; the delays are printed."""
    found = delays(seen.page, "Temperature", "What carries the heat", 8)  # steps to its end
    say_delays("Interface", found)
    assert sorted(found)[len(found) // 2] <= 200


def test_another_pair_and_a_layer_are_typed(seen: Watched) -> None:
    page = seen.page
    choose(page, "Left", "Au")
    page.get_by_label("Best estimate").get_by_text("Au | Si").wait_for()
    choose(page, "Layer between", "Ti")
    page.get_by_text("Ti between, crossed ballistically").first.wait_for()


def test_all_columns_are_seen_on_a_narrow_screen(seen: Watched) -> None:
    page = seen.page
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_timeout(500)
    wide = page.evaluate(
        "() => [document.documentElement, document.querySelector('.k-scroll')].map(e => e.scrollWidth)"
    )
    seen_width = page.evaluate("() => [innerWidth, document.querySelector('.k-scroll').clientWidth]")
    page.set_viewport_size({"width": 1500, "height": 1000})
    page.wait_for_timeout(500)
    assert all(one <= other for one, other in zip(wide, seen_width, strict=True))


def test_a_broken_file_is_one_line(seen: Watched, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[[material]\n")
    seen.page.locator("input[type=file]").first.set_input_files(file)
    fault = seen.page.get_by_role("alert").filter(has_text="broken.toml")
    fault.wait_for()
    assert "\n" not in fault.inner_text()


def test_points_of_a_figure_are_reached_by_the_keyboard(seen: Watched) -> None:
    """A figure takes the focus and says what it shows; its export menu has a table, without the mouse."""
    page = seen.page
    card = page.locator('section[aria-label="Conductance"]')
    figure = card.locator(".js-plotly-plot")
    figure.focus()
    assert page.evaluate("() => document.activeElement.classList.contains('js-plotly-plot')")
    words = page.locator(f"#{figure.get_attribute('aria-describedby')}").text_content()
    assert "best estimate, 25 points" in words
    card.get_by_role("button", name="Export").focus()
    page.keyboard.press("Enter")
    page.get_by_role("listitem").filter(has_text="Table").or_(
        page.locator(".q-item").filter(has_text="Table")
    ).first.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Conductance, table")
    table.get_by_text("best estimate").first.wait_for()
    assert table.locator("tr").count() > 100
    page.keyboard.press("Escape")
    table.wait_for(state="hidden")


def test_a_dropped_crystal_of_the_library_is_that_crystal(seen: Watched, tmp_path: Path) -> None:
    """A file of atoms alone, chosen and then dropped by mouse: the library has its phonons, and the page says so."""
    file = tmp_path / "silicon.vasp"
    file.write_text(SILICON)
    zone = seen.page.locator("input[type=file]").first
    zone.set_input_files(file)
    best = seen.page.get_by_label("Best estimate")
    best.get_by_text("silicon.vasp is Si of the library").wait_for()
    drop(seen.page, ".k-drop", "POSCAR", SILICON.encode())
    best.get_by_text("POSCAR is Si of the library").wait_for()


def test_what_cannot_be_a_side_is_one_line(seen: Watched) -> None:
    """Atoms that nobody knows, half a file, bytes, and a file of another kind."""
    for name, content, wanted in (
        ("larger.vasp", SILICON.replace("2.7155", "3.1").encode(), "phonopy.yaml"),
        ("half.vasp", SILICON[:40].encode(), "half.vasp, line 5"),
        ("bytes.cif", bytes(range(256)) * 50, "bytes.cif: cannot be read"),
        ("photo.png", b"\x89PNG" + bytes(100), "photo.png is not of a kind that is taken here"),
    ):
        drop(seen.page, ".k-drop", name, content)
        fault = seen.page.get_by_role("alert").filter(has_text=wanted)
        fault.wait_for()
        assert "\n" not in fault.inner_text()
        assert fault.inner_text().startswith(name)


def test_a_saved_junction_is_drawn(seen: Watched, tmp_path: Path) -> None:
    made, _ = make_junction("Si", "Ge")
    kapitza.save(made, tmp_path / "junction.npz")
    card = seen.page.locator('section[aria-label="Junction"]')
    card.locator("input[type=file]").set_input_files(tmp_path / "junction.npz")
    card.get_by_text("24 atoms in a cell").wait_for()
    card.locator(".gl-container canvas").first.wait_for()


def test_a_junction_is_built_and_the_run_can_be_cancelled(seen: Watched) -> None:
    page = seen.page
    card = page.locator('section[aria-label="Junction"]')
    choose(page, "Left", "Si")
    choose(page, "Right", "Ge")
    page.get_by_label("Best estimate").get_by_text("Si | Ge").wait_for()
    build = card.get_by_role("button", name="Build")
    build.click()
    card.get_by_role("button", name="Cancel").click()
    card.get_by_role("progressbar").wait_for(state="hidden")
    card.get_by_text("Where both crystals have force constants").wait_for()
    build.click()
    card.get_by_text("atoms in a cell; harmonic; tersoff potential").wait_for()
    card.locator(".gl-container canvas").first.wait_for()
    choose(page, "Left", "Al")
    page.get_by_label("Best estimate").get_by_text("Al | Ge").wait_for()
    build.click()
    fault = card.get_by_role("alert").filter(has_text="crystals of different structure need a potential")
    fault.wait_for()
    assert "\n" not in fault.inner_text()


def test_what_is_copied_gives_the_number_on_the_screen(seen: Watched, tmp_path: Path) -> None:
    page = seen.page
    choose(page, "Left", "Au")
    choose(page, "Right", "Si")
    best = page.get_by_label("Best estimate")
    best.get_by_text("Au | Si").wait_for()
    shown = float(page.locator(".k-value").inner_text())
    best.get_by_role("button", name="Copy as").click()
    texts = {}
    for name, begins in (("Python", "import"), ("TOML", "[boundaries]"), ("Command line", "kapitza predict")):
        page.get_by_role("tab", name=name).click()
        texts[name] = page.locator(".q-dialog .k-code:visible").filter(has_text=begins).inner_text()
    page.keyboard.press("Escape")
    printed = run(sys.executable, "-c", texts["Python"]).splitlines()[0]
    assert f"{float(printed.strip('[]')) / 1e6:.3g}" == f"{shown:.3g}"
    ((_, boundary),) = tomllib.loads(texts["TOML"])["boundaries"].items()
    assert float(boundary.split()[0]) == shown
    words = shlex.split(texts["Command line"])
    assert words[0] == "kapitza"
    told = json.loads(run(sys.executable, "-m", *words, "--json"))
    assert (
        f"{told['result']['$mapping']['estimate']['fields']['conductance']['fields']['value']['data'][0] / 1e6:.3g}"
        == f"{shown:.3g}"
    )


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def choose(page: Any, side: str, name: str) -> None:
    """Type the name of a material, and take it."""
    field = page.get_by_label(side, exact=True)
    field.click()
    field.fill(name)
    page.get_by_role("option", name=name, exact=True).click()


def test_a_pair_of_the_map_opens(seen: Watched) -> None:
    page = seen.page
    page.get_by_role("tab", name="Screen", exact=True).click()
    page.wait_for_selector(".heatmaplayer image")
    place = page.get_by_label("Map of all pairs").locator(".nsewdrag").first.bounding_box()
    page.mouse.move(place["x"] + 0.3 * place["width"], place["y"] + 0.3 * place["height"] + 40)
    page.mouse.click(place["x"] + 0.3 * place["width"] + 2, place["y"] + 0.2 * place["height"])
    page.get_by_label("Best estimate").wait_for()


def test_fifty_clicks_leave_no_complaint(seen: Watched) -> None:
    rng, gone = random.Random(20), pytest.importorskip("playwright.sync_api").TimeoutError
    for _ in range(CLICKS):
        found = seen.page.locator(_TARGETS)
        count = found.count()
        if count:
            with contextlib.suppress(gone):  # the page may have taken the target away
                found.nth(rng.randrange(count)).dispatch_event("click", timeout=2000)
        if rng.random() < 0.3:
            seen.page.keyboard.press("Escape")
        seen.page.wait_for_timeout(200)
    seen.page.wait_for_timeout(2000)
