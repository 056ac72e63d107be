"""The page in a headless browser: its server, and what the browser saw."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

CHROMIUM = os.environ.get("KAPITZA_CHROMIUM", "/usr/bin/chromium")
_SOFTWARE_GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@define
class Watched:
    """A page, and what it asked for and complained of."""

    page: Any
    faults: list[str] = field(factory=list)
    requests: list[str] = field(factory=list)

    def foreign(self) -> list[str]:
        """Requests to another host."""
        own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
        return [one for one in self.requests if not one.startswith(own)]


@contextmanager
def served(*files: Path, folder: Path) -> Generator[tuple[str, Path]]:
    """Address of a page, and the file of its error stream."""
    errors = folder / "errors.txt"
    command = [sys.executable, "-m", "kapitza", "explore", "--no-browser", *map(str, files)]
    with errors.open("w") as stream:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream, text=True)
        try:
            assert process.stdout is not None
            address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
            yield address, errors
        finally:
            process.terminate()
            process.communicate(timeout=20)


@contextmanager
def launched() -> Generator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_SOFTWARE_GL))
        yield browser
        browser.close()


@contextmanager
def opened(address: str, *, scheme: str = "light", width: int = 1500) -> Generator[Watched]:
    """The page in a browser of its own."""
    with launched() as browser:
        page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        page.set_default_timeout(90_000)
        found = Watched(page)
        page.on("request", lambda one: found.requests.append(one.url))
        page.on("console", lambda one: found.faults.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda one: found.faults.append(str(one)))
        page.goto(address)
        page.get_by_role("tab").first.wait_for()
        yield found


_DROP = """async ([selector, name, data]) => {
  const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0)), held = new DataTransfer();
  held.items.add(new File([bytes], name));
  const zone = document.querySelector(selector);
  const send = (place, kind) => place.dispatchEvent(
    new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: held}));
  send(zone, 'dragenter'); send(zone, 'dragover');
  await new Promise(done => setTimeout(done, 100));
  send(zone.querySelector('.q-uploader__dnd') ?? zone, 'drop');
}"""


def drop(page: Any, selector: str, name: str, content: bytes) -> None:
    """Drop a file by mouse on the first zone that a selector finds."""
    page.evaluate(_DROP, [selector, name, base64.b64encode(content).decode()])


_WATCH_KEYS = """label => {
  const chart = document.querySelector(`.js-plotly-plot[aria-label="${label}"]`);
  window.pressed = 0; window.drawn = [];
  window.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
  const note = () => { if (window.pressed) { window.drawn.push(performance.now() - window.pressed); } };
  chart.on('plotly_afterplot', note);
}"""


def delays(page: Any, slider: str, label: str, count: int = 12) -> list[float]:
    """Milliseconds from a key on a slider to the first redrawn chart, both by their labels, `count` times, sorted."""
    page.evaluate(_WATCH_KEYS, label)
    page.locator(f'.q-slider[aria-label="{slider}"] .q-slider__track-container').focus()
    found: list[float] = []
    for _ in range(count):
        page.evaluate("() => { window.drawn = []; window.pressed = 0; }")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("() => window.drawn.length > 0", timeout=20_000)
        found.append(page.evaluate("() => window.drawn[0]"))
        page.wait_for_timeout(250)
    return sorted(found)


def say_delays(view: str, found: list[float]) -> None:
    """Write the median and all delays, ms."""
    sys.stdout.write(f"\n{view}: slider to redrawn figure, ms: median {found[len(found) // 2]:.0f}, ")
    sys.stdout.write(f"all {[round(one) for one in found]}, load {os.getloadavg()[0]:.1f}\n")
