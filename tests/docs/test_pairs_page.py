"""The page "Measured pairs, atom by atom" is what its script makes of the package."""

import make_pairs_page
import pytest

from kapitza.routes import known


def test_conductances_of_the_page_are_those_of_the_package():
    text = make_pairs_page.PAGE.read_text(encoding="utf-8")
    assert make_pairs_page.agf_table(make_pairs_page.interfaces()) in text


@pytest.mark.slow  # full bands of all crystals
def test_models_and_measurements_of_the_page_are_those_of_the_package():
    rows = [make_pairs_page.compare(one) for one in make_pairs_page.interfaces()]
    assert make_pairs_page.PAGE.read_text(encoding="utf-8") == make_pairs_page.page(rows)
    assert f"is **{known._MEDIAN_FACTORS['agf-computed']:.2f}**" in make_pairs_page.summary(rows)
