"""The page of the formats of files is the one that the declarations of the readers make."""

import make_files_page

from kapitza.io.reading import FILE_KINDS


def test_the_page_is_up_to_date() -> None:
    written = make_files_page.PAGE.read_text(encoding="utf-8")
    assert written == make_files_page.page(), "run docs/make_files_page.py"


def test_every_kind_of_toml_has_its_keys_on_the_page() -> None:
    assert set(make_files_page.TABLES) == {kind.name for kind in FILE_KINDS if kind.keys}
