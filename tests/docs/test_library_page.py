"""The page "Materials of the library" is what its script makes of the library."""

import make_library_page


def test_counts_and_lists_are_those_of_the_library():
    assert make_library_page.PAGE.read_text(encoding="utf-8") == make_library_page.page()
