"""The local page in Chromium: seconds to the first answer, milliseconds from a slider to the redrawn figure.

Run as `python benchmarks/explore.py` with playwright, on a machine that does nothing else (KAPITZA_CHROMIUM names
another Chromium; `--kapitza COMMAND` the kapitza of a fresh environment; `--views` some of the views).  The browser is
open already, each first use has an empty cache.  It ends with status 1 if a bar is missed.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
explorer: Any = import_module("explorer")

RUNS = 5
FIRST_USE_BAR = 5.0  # s
SLIDER_BAR = 200.0  # ms
NUMBER = "() => /[0-9]/.test(document.querySelector('.k-value')?.textContent ?? '')"
POINTS = ".js-plotly-plot .scatterlayer .points path"
SLIDERS = {
    "Interface": ("Temperature", "What carries the heat"),
    "Thermoreflectance": ("Al|Si.conductance", "Data, curve and residuals"),
    "Device": ("Factor of the number", "Temperature against depth"),
    "Spectra": ("position of the interface", "Profile across the interface"),
}


def first_use(browser: Any, kapitza: str) -> float:
    """Seconds from the command to estimate, models and measured points on the page."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*kapitza.split(), "explore", "--no-browser"]
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"KAPITZA_CACHE": folder, "PYTHONUNBUFFERED": "1"},
        ) as process:  # fmt: skip
            assert process.stdout is not None
            page.goto(next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line))))
            page.wait_for_function(NUMBER)
            page.wait_for_selector(".k-table td")
            page.wait_for_selector(POINTS)
            seconds = time.perf_counter() - start
            page.close()
            process.terminate()
    return seconds


def prepare(page: Any, view: str) -> None:
    """Bring a view to the state in which its slider moves a figure."""
    page.get_by_role("tab", name=view, exact=True).click()
    if view == "Spectra":
        page.get_by_text("Simulated example").wait_for()
        page.get_by_role("button", name="Fit the map").click()
        page.get_by_text("Kapitza length left").wait_for()
    if view == "Device":
        page.get_by_text("above 300 K in GaN").wait_for()
    page.locator(f'.js-plotly-plot[aria-label="{SLIDERS[view][1]}"] .plot-container').wait_for()
    page.wait_for_timeout(2500)


def say(what: str, found: list[float], unit: str, bar: float) -> bool:
    """Print median and worst; whether the worst is above the bar."""
    print(
        f"{what:<40} median {statistics.median(found):6.3g} {unit}, worst {max(found):6.3g} {unit}, "
        f"bar {bar:g} {unit}, {len(found)} times, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return max(found) > bar


def main() -> int:
    """Measure, print, and judge against the bars."""
    options = argparse.ArgumentParser(description="The local page in Chromium.")
    options.add_argument("--kapitza", default=f"{sys.executable} -m kapitza")
    options.add_argument("--views", nargs="*", default=list(SLIDERS))
    options.add_argument("--runs", type=int, default=RUNS)
    given = options.parse_args()
    missed = False
    if given.runs:
        with explorer.launched() as browser:
            found = [first_use(browser, given.kapitza) for _ in range(given.runs)]
        missed |= say("first use, empty cache", found, "s", FIRST_USE_BAR)
    with tempfile.TemporaryDirectory() as folder, explorer.served(folder=Path(folder)) as (address, _):
        for view in given.views:
            with explorer.opened(address) as seen:
                prepare(seen.page, view)
                missed |= say(f"{view}, slider", explorer.delays(seen.page, *SLIDERS[view]), "ms", SLIDER_BAR)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
