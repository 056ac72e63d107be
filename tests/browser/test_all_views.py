"""Fifty clicks at random over all five views, in the order that each of two seeds gives, leave no complaint.

Apart from the suite, since they need a browser: ``pytest tests/browser`` (KAPITZA_CHROMIUM names another one).
"""

import random
from pathlib import Path

import pytest
from explorer import opened, served

CLICKS = 50
VIEWS = ("Interface", "Screen", "Spectra", "Thermoreflectance", "Device")
# whatever takes a click, figures included; what lies over the page, as a menu or a dialog, comes first
_CLICK = """share => {
  const what = ':is(button, input, a[href^="#"], .q-slider, .q-item, .q-tab, .nsewdrag, .modebar-btn, .legendtoggle)';
  const shown = [...document.querySelectorAll(what)].filter(one => one.getClientRects().length && one.type !== 'file');
  const above = shown.filter(one => one.closest('.q-menu, .q-dialog'));
  const found = above.length ? above : shown, one = found[Math.floor(share * found.length)];
  for (const kind of ['mousedown', 'mouseup', 'click']) {
    one?.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true, view: window}));
  }
  return one ? `${one.tagName} ${one.getAttribute('aria-label') ?? one.textContent.trim().slice(0, 40)}` : '';
}"""


@pytest.mark.parametrize("seed", [20, 7])
def test_fifty_clicks_over_all_views_leave_no_complaint(tmp_path: Path, seed: int) -> None:
    chance, seen_views = random.Random(seed), set()
    done: list[str] = []
    with served(folder=tmp_path) as (address, errors), opened(address) as seen:
        page = seen.page
        for name in VIEWS:
            page.get_by_role("tab", name=name, exact=True).click()
            page.locator(f'main[aria-label="{name}"]').wait_for()
            page.wait_for_timeout(2000)
        for _ in range(CLICKS):
            if chance.random() < 0.4:
                page.keyboard.press("Escape")
                name = chance.choice(VIEWS)
                page.get_by_role("tab", name=name, exact=True).dispatch_event("click")
                seen_views.add(name)
                page.wait_for_timeout(300)
            done.append(page.evaluate(_CLICK, chance.random()))
            page.wait_for_timeout(250)
        page.keyboard.press("Escape")
        page.wait_for_timeout(3000)
        page.get_by_role("tab", name="Interface", exact=True).dispatch_event("click")
        page.get_by_label("Best estimate").wait_for()  # it still answers
        assert seen.foreign() == []
        assert seen.faults == [], done
        assert all(done)
        assert seen_views == set(VIEWS)
    lines = [one for one in errors.read_text().splitlines() if one and "Ctrl+C" not in one and "interrupted" not in one]
    assert lines == [], done
