"""The theme of the documentation in a headless browser, on a small site, from a folder and from a server."""

import functools
import shutil
import threading
from collections.abc import Generator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from explorer import launched

pytest.importorskip("playwright")
DOCS = Path(__file__).resolve().parents[2] / "docs"
CONFIG = f"""
site_name: small
copyright: none
use_directory_urls: false
theme:
  name: null
  custom_dir: {DOCS / "theme"}
  static_templates: [404.html]
  include_search_page: true
  search_index_only: true
markdown_extensions:
  [admonition, tables, toc: {{permalink: true}}, pymdownx.highlight, pymdownx.superfences, pymdownx.tabbed]
plugins: [search]
hooks: [own.py]
nav: [index.md, Part: [part/one.md, part/two.md]]
"""
PAGE = (
    """# First

## Below a heading

!!! note
    A remark of thermoreflectance.

=== "Here"
    First panel.

=== "There"
    Second panel.

```console
$ kapitza predict Al Si
an answer
```

| a wide table | """
    + "very_wide_column_" * 30
    + """ |
|---|---|
| 1 | 2 |
"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site of three pages."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("documentation")
    (folder / "docs" / "part").mkdir(parents=True)
    for name in ("index.md", "part/one.md", "part/two.md"):
        (folder / "docs" / name).write_text(PAGE.replace("First", name.removesuffix(".md").title()), encoding="utf-8")
    (folder / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    (folder / "own.py").write_text("from hooks import on_page_content, on_post_build\n", encoding="utf-8")
    build(load_config(str(folder / "mkdocs.yml")))
    shutil.rmtree(folder / "docs")
    return folder / "site"


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(params=["folder", "server"])
def address(site: Path, request: pytest.FixtureRequest) -> Generator[str]:
    """Where the site is."""
    if request.param == "folder":
        yield site.as_uri()
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Silent, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("width", [420, 1400])
def test_a_page(address: str, width: int) -> None:
    faults: list[str] = []
    with launched() as browser:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark")
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda made: made.url.startswith((address, "data:")) or faults.append(made.url))
        page.goto(f"{address}/part/one.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(ground)
        page.click("button.scheme")
        assert page.evaluate(ground) != dark
        page.reload()
        assert page.evaluate(ground) == "rgb(255, 255, 255)"  # kept
        page.click("text=There")
        assert page.is_visible("text=Second panel.")
        assert not page.is_visible("text=First panel.")
        assert (page.is_visible(".side nav")) == (width > 1000)
        page.click("a[rel=next]")
        page.wait_for_url("**/part/two.html")
        page.goto(f"{address}/part/two.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("/")
        page.keyboard.type("thermoreflectance")
        page.wait_for_selector(".results a")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/index.html")
        page.goto(f"{address}/search.html?q=remark")
        page.wait_for_selector(".found mark")
        assert "¶" not in page.inner_text(".found")
        context.close()
    assert not faults


def test_what_is_copied(site: Path) -> None:
    """Of a session what was typed."""
    with launched() as browser:
        context = browser.new_context()
        page = context.new_page()
        page.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text }")
        page.goto(f"{site.as_uri()}/index.html")
        page.focus("button.copy")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Copied")
        assert page.evaluate("window.copied") == "kapitza predict Al Si"
        context.close()
