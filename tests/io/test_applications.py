"""Files of applications: what they hold in SI, and that nothing in them ends in a traceback."""

import re
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.conductance import Conductance
from kapitza.errors import DataError
from kapitza.io.applications import read_cryogenic, read_exchanger, read_leg, read_memory_cell
from kapitza.io.results import save
from kapitza.io.samples import read_sample
from kapitza.matter.library import material
from kapitza.measure import calibrated_conductance
from kapitza.routes import Route, Routes
from kapitza.theory.khalatnikov import khalatnikov
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


def test_boundaries_of_all_files_are_of_two_materials_or_of_saved_results(tmp_path):
    """The estimate between two materials reaches a leg, a cell, helium and a sample with its uncertainty."""
    learnt = calibrated_conductance("W", "SiO2", [300.0])
    route = Route(name="calibrated", title="", kind="estimate", conductance=learnt.conductance)
    save(Routes(left="W", right="SiO2", rows=[route]), tmp_path / "routes.json")
    for written in ('{ interface = "W|SiO2" }', '"W|SiO2"', '"routes.json"'):
        text = (SAMPLES / "cell.toml").read_text().replace('side = "30 MW/m2K"', f"side = {written}")
        (tmp_path / "cell.toml").write_text(text)
        held = read_memory_cell(tmp_path / "cell.toml").cell.side
        assert abs(held.at(300.0)[0] / learnt.value[0] - 1) <= 1e-3
        sigma = np.interp(300.0, held.temperature, held.sigma / held.value)
        assert abs(sigma / learnt.spread[0] - 1) <= 0.02
    text = (SAMPLES / "leg.toml").read_text().replace('"50 kW/m2K"', '"50 kW/m2K ± 10 %"')
    (tmp_path / "leg.toml").write_text(text)
    leg = read_leg(tmp_path / "leg.toml").leg
    assert leg.hot_conductance is leg.cold_conductance
    assert abs(leg.hot_conductance.sigma[0] / 5e3 - 1) <= 1e-12
    text = (SAMPLES / "cryo-chip.toml").read_text().replace("4.2 K", "1.9 K")
    for written, factor in (('conductance = "8891 W/m2K ± 30 %"', 1.0), ('interface = "Nb|He-4 liquid"', None)):
        (tmp_path / "cryo.toml").write_text(text.replace('coefficient = "30 W/m2K4"', written))
        bath = read_cryogenic(tmp_path / "cryo.toml").bath
        want = (
            8891.0
            if factor
            else khalatnikov(material("He-4 liquid").fluid(), material("Nb").solid()).total.conductance(1.9).value[0]
        )
        assert abs(bath.kapitza_resistance(1.9) * want - 1) <= 1e-12
    text = '[[layers]]\nmaterial = "Al"\nthickness = "80 nm"\n[[layers]]\nmaterial = "Si"\n[boundaries]\n"Al|Si" = '
    (tmp_path / "bad.toml").write_text(text + '"100 MW/m2K ± 20 %"')
    with pytest.raises(DataError, match=r"fit\.uncertain"):
        read_sample(tmp_path / "bad.toml")
    (tmp_path / "sample.toml").write_text(text + '{ interface = "Al|Si" }')
    held = read_sample(tmp_path / "sample.toml").stack.boundaries[0].conductance
    assert abs(held.at(300.0)[0] / calibrated_conductance("Al", "Si", 300.0).value[0] - 1) <= 1e-3
    text = (SAMPLES / "cell.toml").read_text().replace('side = "30 MW/m2K"', 'side = "calibrated"')
    (tmp_path / "cell.toml").write_text(text)
    with pytest.raises(DataError, match="of which materials"):
        read_memory_cell(tmp_path / "cell.toml")
