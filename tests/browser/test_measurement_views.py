"""Spectra, Thermoreflectance and Device in a browser: click, type, drag, drop, read.

Apart from the suite, since they need a browser: ``pytest tests/browser`` (KAPITZA_CHROMIUM names another one).
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer import Watched, delays, opened, say_delays, served

from kapitza.io.eels.experiments import read_eels_experiment
from kapitza.io.eels.nion import write_eels
from kapitza.measure.eels.experiment import simulate_spectra
from kapitza.web.models.examples import example_file, example_text

VIEWS = ("Spectra", "Thermoreflectance", "Device")
MODES = '[[mode]]\nname = "acoustic"\nenergy = "47 meV"\nwidth = "5 meV"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder=folder) as (found, errors):
        yield found
    lines = [one for one in errors.read_text().splitlines() if one and "Ctrl+C" not in one and "interrupted" not in one]
    assert lines == []


@pytest.fixture(scope="module")
def seen(address: str) -> Iterator[Watched]:
    """One page for all tests of this module: what it asked for and complained of is looked at in the end."""
    with opened(address) as found:
        yield found
        assert found.foreign() == []
        assert found.faults == []


def show(seen: Watched, name: str) -> None:
    seen.page.get_by_role("tab", name=name, exact=True).click()


def test_device_answers_to_cells_sliders_and_files(seen: Watched, folder: Path) -> None:
    page = seen.page
    show(seen, "Device")
    summary = page.get_by_text("above 300 K in GaN")
    summary.wait_for()
    assert summary.inner_text().startswith("39.9 ± 2.1 K")
    cell = page.get_by_label("conductance of GaN | SiC")
    cell.fill("2 apples")
    cell.press("Enter")
    fault = page.get_by_role("alert").filter(has_text="apples")
    fault.wait_for()
    assert "\n" not in fault.inner_text()
    assert str(folder) not in fault.inner_text()
    cell.fill("100 MW/m2K")
    cell.press("Enter")
    page.wait_for_function("() => !document.body.innerText.includes('39.9 ± 2.1 K')")
    assert summary.inner_text().startswith(("36.1 ± 1.6 K", "36.2 ± 1.6 K"))
    assert not fault.is_visible()
    page.wait_for_timeout(2500)
    found = delays(page, "Factor of the number", "Temperature against depth")
    say_delays("Device", found)
    page.get_by_role("button", name="add a layer below Cu").click()
    page.get_by_label("layer of layer 1").wait_for()
    page.get_by_role("button", name="remove layer 1").click()
    path = folder / "mine.toml"
    path.write_text(example_text("device").replace('sink = "300 K"', 'sink = "320 K"'))
    page.locator('main[aria-label="Device"] input[type=file]').set_input_files(path)
    page.get_by_text("above 320 K in GaN").wait_for()
    page.get_by_role("button", name="Copy as").last.click()
    page.get_by_text("import kapitza").wait_for()
    page.keyboard.press("Escape")


def test_thermoreflectance_follows_its_sliders_and_fits(seen: Watched, folder: Path) -> None:
    page = seen.page
    show(seen, "Thermoreflectance")
    page.get_by_text("Aluminium on silicon, simulated").wait_for()
    value = page.get_by_label("value of Al|Si.conductance")
    assert value.input_value() == "150 MW/m²K"
    page.wait_for_timeout(2500)
    found = delays(page, "Al|Si.conductance", "Data, curve and residuals")
    say_delays("Thermoreflectance", found)
    assert value.input_value() != "150 MW/m²K"
    value.fill("-3")
    value.press("Enter")
    page.get_by_role("alert").filter(has_text="wanted above 0").wait_for()
    value.fill("220")
    value.press("Enter")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Verdict: model and data agree", exact=True).wait_for()
    page.get_by_text("Where the variance comes from").wait_for()
    path = folder / "named.toml"
    named = example_text("sample").replace('delays = ["100 ps", "3.6 ns", 40]', 'data = "points.csv"')
    path.write_text(named.replace("Aluminium on silicon, simulated", "Mine"))
    zone = page.locator('main[aria-label="Thermoreflectance"] input[type=file]')
    zone.set_input_files(path)
    page.get_by_role("alert").filter(has_text="points.csv").wait_for()
    data = folder / "points.csv"
    data.write_text("delay (ps), ratio\n" + "".join(f"{100 * 1.3**i:.5g}, {9 / 1.1**i:.5g}\n" for i in range(12)))
    zone.set_input_files(data)
    page.get_by_text("Mine", exact=True).wait_for()


def test_spectra_are_read_clicked_and_fitted(seen: Watched, folder: Path) -> None:
    page = seen.page
    scan = folder / "scan.h5"
    write_eels(simulate_spectra(read_eels_experiment(example_file("scan", folder)).experiment), scan)
    modes = folder / "modes.toml"
    modes.write_text(MODES + MODES.replace("acoustic", "optical").replace("47", "90"))
    show(seen, "Spectra")
    page.get_by_text("Simulated example").wait_for()
    zone = page.locator('main[aria-label="Spectra"] input[type=file]')
    broken = folder / "broken.h5"
    broken.write_bytes(scan.read_bytes()[:5000])
    zone.set_input_files(broken)
    page.get_by_role("alert").filter(has_text="broken.h5").wait_for()
    zone.set_input_files(scan)
    page.get_by_text("6 over 20 nm x 32 over 124 nm; 512 channels").wait_for()
    zone.set_input_files(modes)
    page.get_by_role("button", name="Fit the map").click()
    page.get_by_text("192 of 192 pixels").first.wait_for(timeout=240_000)
    box = page.locator('[aria-label^="Map; a click"] .nsewdrag').first.bounding_box()
    page.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.get_by_text("x = -38 nm").or_(page.get_by_text("x = -42 nm")).or_(
        page.get_by_text("x = -34 nm")
    ).first.wait_for()
    page.get_by_text("Kapitza length left").wait_for()
    page.wait_for_timeout(2000)
    found = delays(page, "position of the interface", "Profile across the interface")
    say_delays("Spectra", found)


_NAMELESS = """view => {
  const parts = ':is(input, button, [role=slider], textarea)';
  const named = one => one.getAttribute('aria-label') || one.innerText.trim() || one.labels?.[0]?.innerText
    || one.closest('label')?.innerText.trim() || one.closest('[aria-label]')?.getAttribute('aria-label') !== view;
  return [...document.querySelectorAll(`main[aria-label="${view}"] ${parts}`)]
    .filter(one => one.offsetParent && one.type !== 'file' && !named(one)).map(one => one.outerHTML.slice(0, 120));
}"""


def test_everything_has_a_name(seen: Watched) -> None:
    """Cells, sliders, buttons and figures say what they are to who does not see them."""
    for name in VIEWS:
        show(seen, name)
        seen.page.wait_for_timeout(500)
        nameless = seen.page.evaluate(_NAMELESS, name)
        assert nameless == []


_CLICK = """share => {
  const found = [...document.querySelectorAll('main :is(button, input, .q-slider, .nsewdrag, .modebar-btn)')]
    .filter(one => one.getClientRects().length && one.type !== 'file');
  const one = found[Math.floor(share * found.length)];
  for (const kind of ['mousedown', 'mouseup', 'click']) {
    one?.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true, view: window}));
  }
}"""


def test_fifty_clicks_at_random_leave_no_fault(seen: Watched) -> None:
    """Whatever can be clicked, in an order that a seed gives; the fixtures look at console and error stream."""
    page, chance = seen.page, random.Random(7)
    for _ in range(50):
        show(seen, chance.choice(VIEWS))
        page.evaluate(_CLICK, chance.random())
        page.wait_for_timeout(150)
        page.keyboard.press("Escape")
    page.wait_for_timeout(1500)
