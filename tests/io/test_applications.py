"""Files of applications: what they hold in SI, and that nothing in them ends in a traceback."""

import re
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.conductance import Conductance
from kapitza.errors import DataError
from kapitza.io.applications import read_cryogenic, read_exchanger, read_leg, read_memory_cell
from kapitza.io.results import save
from kapitza.units import nm

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
READERS = {
    "leg.toml": read_leg,
    "cell.toml": read_memory_cell,
    "exchanger.toml": read_exchanger,
    "cryo-chip.toml": read_cryogenic,
}
JUNK = (
    '""', "-1", "0", "1e-300", "1e300", "inf", "nan", '"x"', "[]", "{}", "true", '"1 K"', '"1e308 mm"', "[1, 2]",
    '"a.json"', "1979-05-27", '"\u0000"',
)  # fmt: skip


def test_what_the_samples_hold():
    leg = read_leg(SAMPLES / "leg.toml")
    np.testing.assert_allclose(leg.leg.seebeck.at([300, 337.5]), [210e-6, 217.5e-6], rtol=1e-12, atol=0)
    np.testing.assert_allclose([leg.leg.area, leg.leg.hot_resistivity], [1e-6, 5e-10], rtol=1e-12, atol=0)
    assert (leg.leg.cold_conductance, leg.mode, leg.current) == (50e3, "generator", None)
    cell = read_memory_cell(SAMPLES / "cell.toml")
    np.testing.assert_allclose([cell.cell.pitch, cell.pulse], [120 * nm, 50e-9], rtol=1e-12, atol=0)
    exchanger = read_exchanger(SAMPLES / "exchanger.toml").exchanger
    np.testing.assert_allclose([exchanger.hot.flow, exchanger.hot.nusselt], [1e-10, 7.54], rtol=1e-12, atol=0)
    chip = read_cryogenic(SAMPLES / "cryo-chip.toml")
    np.testing.assert_allclose([chip.load, chip.bath.critical, chip.current], [500, 8000, 8], rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", READERS)
def test_no_value_ends_in_a_traceback(name, tmp_path):
    lines = (SAMPLES / name).read_text(encoding="utf-8").splitlines()
    path = tmp_path / name
    refused = 0
    for i, line in enumerate(lines):
        match = re.match(r"(\w+)\s*=", line)
        for junk in JUNK if match else ():
            path.write_text("\n".join([*lines[:i], f"{match[1]} = {junk}", *lines[i + 1 :]]), encoding="utf-8")
            try:
                READERS[name](path)
            except FileNotFoundError:
                assert junk == '"a.json"'
            except DataError as err:
                assert name in str(err)  # noqa: PT017
                refused += 1
    assert refused > 10 * len(lines) / 2


@pytest.mark.parametrize("name", READERS)
def test_missing_and_unknown_keys_are_told_with_their_line(name, tmp_path):
    lines = (SAMPLES / name).read_text(encoding="utf-8").splitlines()
    path = tmp_path / name
    path.write_text("\n".join([*lines, "colour = 3"]), encoding="utf-8")
    with pytest.raises(DataError, match=rf"line {len(lines) + 1}: .*colour: unknown key"):
        READERS[name](path)


def test_units_that_slipped_are_told(tmp_path):
    text = (SAMPLES / "leg.toml").read_text(encoding="utf-8").replace('length = "1 mm"', "length = 1e6")
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"leg\.length: .* another unit"):
        read_leg(tmp_path / "a.toml")


def test_a_conductance_of_the_wrong_drop_is_refused(tmp_path):
    save(Conductance([300], [1e8], drop="emitted"), tmp_path / "g.json")
    text = (SAMPLES / "cell.toml").read_text(encoding="utf-8").replace('"30 MW/m2K"', '"g.json"', 1)
    (tmp_path / "cell.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="extrapolated"):
        read_memory_cell(tmp_path / "cell.toml")
