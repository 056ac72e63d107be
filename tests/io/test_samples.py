"""Sample files: what stands there is what comes out, and every fault names file, key and line."""

import re
from pathlib import Path

import numpy as np
import pytest

from kapitza.core.conductance import Conductance
from kapitza.errors import DataError
from kapitza.io.results import save
from kapitza.io.samples import read_sample
from kapitza.io.toml import own_folder_only
from kapitza.matter.library import material
from kapitza.measure.problem import Prior, Tie
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr

SAMPLE = """\
title = "Al on Si"
temperature = 300

[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"

[[layers]]
name = "Si"
material = "Si"

[boundaries]
"Al|Si" = "150 MW/m2K"

[[experiments]]
kind = "tdtr"
modulation = "9.8 MHz"
repetition = "80 MHz"
pump_radius = "10 um"
probe_radius = "5 um"
delayed = "pump"
data = "al_si.csv"
from = "100 ps"

[[experiments]]
kind = "fdtr"
name = "phases"
pump_radius = "3 um"
probe_radius = "3 um"
frequencies = ["10 kHz", "10 MHz", 13]

[fit]
free = ["Al|Si.conductance", "Si.conductivity"]

[fit.uncertain]
"Al.thickness" = "3 %"
"tdtr.phase" = "5 mrad"
"Al.heat_capacity" = { value = "2.4 MJ/m3K", sigma = "0.05 MJ/m3K" }
"spot" = "4 %"

[fit.ties]
spot = { names = ["tdtr.pump_radius", "tdtr.probe_radius"], kind = "factor" }
"""
DATA = "delay_ps,Vin_uV,Vout_uV\n50,12,-2\n100,10,-2\n1000,6,-2.5\n"


def written(tmp_path, text=SAMPLE, data=DATA):
    (tmp_path / "al_si.csv").write_text(data)
    path = tmp_path / "sample.toml"
    path.write_text(text)
    return path


def test_a_whole_file(tmp_path):
    held = read_sample(written(tmp_path))
    al, si = held.stack.layers
    assert (held.title, held.temperature, held.stack.boundary_names) == ("Al on Si", 300.0, ("Al|Si",))
    np.testing.assert_allclose([al.thickness, al.conductivity, al.heat_capacity], [80e-9, 180, 2.43e6], rtol=1e-14)
    assert si.thickness == np.inf
    np.testing.assert_allclose(si.conductivity, material("Si").conductivity(300.0), rtol=1e-14, atol=0)
    np.testing.assert_allclose(si.heat_capacity, material("Si").heat_capacity(300.0), rtol=1e-14, atol=0)
    np.testing.assert_allclose(held.stack.resistances()["Al|Si"], 1 / 150e6, rtol=1e-14, atol=0)
    tdtr, fdtr = held.experiments
    assert isinstance(tdtr, Tdtr)
    assert isinstance(fdtr, Fdtr)
    assert (tdtr.modulation, tdtr.repetition, tdtr.delayed, tdtr.kind) == (9.8e6, 80e6, "pump", "ratio")
    np.testing.assert_allclose(tdtr.delay, [1e-10, 1e-9], rtol=1e-14, atol=0)
    curve, nothing = held.curves
    assert nothing is None
    assert curve is not None
    np.testing.assert_allclose(curve.value, [5.0, 2.4], rtol=1e-14, atol=0)
    np.testing.assert_allclose(fdtr.frequency, np.geomspace(1e4, 1e7, 13), rtol=1e-12, atol=0)
    assert list(held.free) == ["Al|Si.conductance", "Si.conductivity"]
    assert held.priors["Al.thickness"] == Prior.relative(0.03)
    assert held.priors["tdtr.phase"] == Prior(None, 5e-3)
    assert held.priors["Al.heat_capacity"] == Prior(2.4e6, 0.05e6)
    assert held.ties["spot"] == Tie(("tdtr.pump_radius", "tdtr.probe_radius"), "factor")


def test_an_offset_is_taken_off_in_the_unit_of_its_column(tmp_path):
    text = SAMPLE.replace('from = "100 ps"', "out_of_phase_offset = 0.5")
    curve = read_sample(written(tmp_path, text)).curves[0]
    assert curve is not None
    np.testing.assert_allclose(curve.value, [12 / 2.5, 10 / 2.5, 6 / 3], rtol=1e-14, atol=0)


def test_a_saved_conductance_as_boundary(tmp_path):
    save(Conductance([200.0, 400.0], [1e8, 2e8], method="measured"), tmp_path / "g.json")
    held = read_sample(written(tmp_path, SAMPLE.replace('"150 MW/m2K"', '"g.json"')))
    np.testing.assert_allclose(held.stack.boundaries[0].resistance(400.0), 5e-9, rtol=1e-12, atol=0)
    save(Conductance([200.0, 400.0], [1e8, 2e8], drop="emitted"), tmp_path / "g.json")
    with pytest.raises(DataError, match="refers to the emitted drop, and nothing in the file converts it"):
        read_sample(tmp_path / "sample.toml")


FAULTS = [
    ('thickness = "80 nm"', 'thickness = "-80 nm"', 4, "thickness = -8e-08, wanted above 0"),
    ('thickness = "80 nm"', 'thickness = "80 ps"', 6, "'ps' is a unit of time; expected length"),
    ('thickness = "80 nm"', 'thicknes = "80 nm"', 6, "unknown key; did you mean 'thickness'"),
    ("conductivity = 180", "conductivity = nan", 7, "expected a finite number"),
    ("conductivity = 180\n", "", 4, "conductivity: is missing"),
    ('material = "Si"', 'material = "Sj"', 12, "no material 'Sj' in the library"),
    ('"Al|Si" = "150 MW/m2K"', '"Al|Ge" = "150 MW/m2K"', 15, "unknown key; did you mean 'Al|Si'"),
    ('"Al|Si" = "150 MW/m2K"', "", 14, "the boundary 'Al|Si' has no conductance"),
    ('delayed = "pump"', 'delayed = "both"', 23, "expected 'pump' or 'probe', got 'both'"),
    ('delayed = "pump"\n', "", 17, "delayed: is missing; expected 'pump' or 'probe'"),
    ('kind = "tdtr"', 'kind = "tdtx"', 18, "got 'tdtx'"),
    ('from = "100 ps"', 'from = "100 ns"', 25, "no data between 1e-07 and inf"),
    ('frequencies = ["10 kHz", "10 MHz", 13]', "", 27, "frequencies: is missing"),
    ('["10 kHz", "10 MHz", 13]', '["0 kHz", "10 MHz", 13]', 32, "equal steps of the logarithm need two values above 0"),
    ('["10 kHz", "10 MHz", 13]', '["1 kHz", "9 MHz", 1000000000]', 32, "at most 100,000 points"),
    ('["10 kHz", "10 MHz", 13]', '["10 kHz", "10 nm", 13]', 32, "'nm' is a unit of length"),
    ('"tdtr.phase" = "5 mrad"', '"tdtr.phase" = "5 nm"', 39, "'nm' is a unit of length; expected angle"),
    ('kind = "factor"', 'kind = "sum"', 44, "expected 'factor' or 'value', got 'sum'"),
    ('kind = "factor"', 'how = "factor"', 44, "how: has the name `kind` since version 0.2"),
    ("[fit]", "[fti]", None, "unknown key"),
    ("[[layers]]", "[[layers]", 4, "is not TOML"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), FAULTS)
def test_faults_name_key_and_line(tmp_path, old, new, line, message):
    text = SAMPLE.replace(old, new, 1)
    assert text != SAMPLE
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_sample(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    if line is not None:
        assert caught.value.line == line


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("delay_ps,Vin_uV,Vout_uV\n50,12,-2\n40,10,-2\n", "expected values that increase"),
        ("delay_ps,Vin_uV\n50,12\n100,10\n", "no column 'out_of_phase' or 'Vout'"),
        ("delay_nm,Vin_uV,Vout_uV\n50,12,-2\n100,10,-2\n", "is in nm; expected time"),
        ("delay_ps,Vin_uV,Vout_uV\n50,12,-2\n100,10,0\n", "the out-of-phase signal is 0"),
    ],
)
def test_faults_of_the_data(tmp_path, data, message):
    with pytest.raises(DataError, match=message):
        read_sample(written(tmp_path, data=data))


SAMPLES = Path(__file__).parents[2] / "docs/samples"


@pytest.mark.parametrize("name", ["al-sapphire", "al-si-150210", "gold-sapphire", "oxide-series", "strontium-titanate"])
def test_a_sample_whose_curve_others_published_says_so(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text((SAMPLES / path.name).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DataError, match=r"the first line of the sample tells where the curve is published$") as caught:
        read_sample(path)
    assert caught.value.file == str(path)
    assert caught.value.line is not None
    key, value = path.read_text(encoding="utf-8").splitlines()[caught.value.line - 1].split("=")
    assert key.strip() == "data"
    assert f"there is no file {tmp_path / value.strip().strip(chr(34))}; the first" in str(caught.value)


def test_a_missing_file_of_data_is_named_with_its_line(tmp_path):
    path = written(tmp_path)
    (tmp_path / "al_si.csv").unlink()
    with pytest.raises(DataError, match=r"there is no file .*al_si\.csv$") as caught:
        read_sample(path)
    assert caught.value.line == SAMPLE.splitlines().index('data = "al_si.csv"') + 1


@pytest.mark.parametrize("name", ["../curve.csv", "{folder}/curve.csv", "link.csv", "sub/../../curve.csv"])
def test_files_from_elsewhere_name_none_outside_of_their_folder(name: str, tmp_path: Path) -> None:
    """Neither by a relative path, nor by an absolute one, nor by a link; without the guard all are read."""
    (tmp_path / "curve.csv").write_text("delay (ps), ratio\n100, 2.0\n200, 1.9\n300, 1.8\n")
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    (inner / "link.csv").symlink_to(tmp_path / "curve.csv")
    path = inner / "al.toml"
    path.write_text(SAMPLE.replace("al_si.csv", name.format(folder=tmp_path)))
    assert read_sample(path).curves[0] is not None
    with own_folder_only(), pytest.raises(DataError, match="lies outside of the folder of this file"):
        read_sample(path)
    assert read_sample(path).curves[0] is not None


def test_files_beside_are_read_by_the_guard(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("delay (ps), ratio\n100, 2.0\n200, 1.9\n300, 1.8\n")
    path = tmp_path / "al.toml"
    path.write_text(SAMPLE.replace("al_si.csv", "curve.csv"))
    with own_folder_only():
        assert read_sample(path).curves[0] is not None
