"""Every text of the page is told from its ground: the ratios of WCAG 2.2, computed in the browser, light and dark.

Apart from the suite, since they need a browser: ``pytest tests/browser`` (KAPITZA_CHROMIUM names another one).
"""

from pathlib import Path

import pytest
from explorer import opened, served

VIEWS = ("Interface", "Screen", "Spectra", "Thermoreflectance", "Device")
# Texts on a colour of a map or a photograph have no one ground, and disabled controls are excepted by the standard.
_POOR = """() => {
  const numbers = text => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const over = (top, low) => [0, 1, 2].map(k => top[3] * top[k] + (1 - top[3]) * low[k]);
  const line = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const light = code => [0.2126, 0.7152, 0.0722].reduce((sum, part, k) => sum + part * line(code[k] / 255), 0);
  const ground = one => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) layers.push(numbers(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((low, top) => over(top, low), [255, 255, 255]);
  };
  const poor = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const one = node.parentElement, style = getComputedStyle(one), text = node.textContent.trim();
    if (!text || !one.getClientRects().length || style.visibility !== 'visible') continue;
    if (one.closest('.disabled, [aria-disabled="true"], .k-hidden, script, style, .q-icon, .annotation')) continue;
    let opacity = 1;
    for (let at = one; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    if (opacity < 0.05) continue;
    const drawn = one.namespaceURI.endsWith('svg'), back = ground(drawn ? one.closest('div') : one);
    const ink = numbers(drawn ? style.fill : style.color);
    const front = over([...ink.slice(0, 3), ink[3] * opacity], back);
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b), ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    seen += 1;
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${text.slice(0, 40)}`);
  }
  return [seen, [...new Set(poor)]];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_told_from_their_ground(tmp_path: Path, scheme: str) -> None:
    with served(folder=tmp_path) as (address, _), opened(address, scheme=scheme) as seen:
        found: dict[str, list[str]] = {}
        for name in VIEWS:
            seen.page.get_by_role("tab", name=name, exact=True).click()
            seen.page.locator(f'main[aria-label="{name}"]').wait_for()
            chart = f'main[aria-label="{name}"] .js-plotly-plot'
            seen.page.wait_for_function("one => document.querySelector(one)?.data?.length > 0", arg=chart)
            seen.page.wait_for_timeout(2000)
            seen.page.screenshot(path=tmp_path / f"{name}.png", timeout=60_000)
            count, found[name] = seen.page.evaluate(_POOR)
            assert count > 20, name
        lines = "\n".join(f"{name}: {text}" for name, poor in found.items() for text in poor)
        assert not lines, lines
