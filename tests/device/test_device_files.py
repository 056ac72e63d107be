"""Device files: what they may say, and the line and the reason for what they may not."""

from pathlib import Path

import devices
import numpy as np
import pytest

from kapitza.cli import main
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.device.description import PeriodicPower, PulsedPower, StepPower
from kapitza.device.layered.optimum import minimize_peak
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.setup import boundary_lengths
from kapitza.device.shapes import Disc, GaussianSpot, HeatMap, Rectangle
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io.device.layers import read_device
from kapitza.io.device.sweeps import format_device_number, read_sweep
from kapitza.io.results import load, save
from kapitza.matter.phonons import phonon_spectrum
from kapitza.measure import calibrated_conductance
from kapitza.measure.apparent import Observation, apparent_conductance
from kapitza.routes import Route, Routes
from kapitza.theory.dmm import dmm
from kapitza.theory.models import model_estimates
from kapitza.units import nm, um
from printed_json import printed

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
CHIP = (SAMPLES / "chip-gan-sic.toml").read_text(encoding="utf-8")
SMALL = """
[box]
width = "10 um"
[[layers]]
name = "GaN"
thickness = "1 um"
conductivity = 150
heat_capacity = "2.6 MJ/m3K"
[[layers]]
name = "SiC"
thickness = "50 um"
conductivity = 390
heat_capacity = "2.2 MJ/m3K"
[boundaries]
"GaN|SiC" = "50 MW/m2K"
[[sources]]
name = "gate"
power = "1 mW"
x = ["0 um", "1 um"]
y = ["0 um", "2 um"]
"""


def written(folder, text, name="chip.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_file_of_the_transistor_is_the_reference():
    device = read_device(SAMPLES / "chip-gan-sic.toml")
    got = solve_layered(device)
    np.testing.assert_allclose(got.peak, 39.8762285, rtol=1e-8, atol=0)
    np.testing.assert_allclose(device.uncertain["GaN|SiC.conductance"], 0.15 * 5e7, rtol=1e-12, atol=0)
    np.testing.assert_allclose(device.uncertain["GaN.thickness"], 60 * nm, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("told", "conductance", "sigma"),
    [
        ('"50 MW/m2K"', 5e7, None),
        ("5e7", 5e7, None),
        ('"20 m2K/GW"', 5e7, None),
        ('"50 MW/m2K ± 10 %"', 5e7, 5e6),
        ('"50 MW/m2K +- 4 MW/m2K"', 5e7, 4e6),
        ('"50 ± 4 MW/m2K"', None, None),
        ('"20 m2K/GW ± 1 m2K/GW"', 5e7, 2.5e6),
        ('{ conductance = "50 MW/m2K", sigma = "10 %" }', 5e7, 5e6),
        ('{ resistance = "20 m2K/GW", sigma = "10 %" }', 5e7, 5e6),
        ('"perfect"', np.inf, None),
    ],
)
def test_boundaries_as_numbers(tmp_path, told, conductance, sigma):
    path = written(tmp_path, SMALL.replace('"50 MW/m2K"', told))
    if conductance is None:
        with pytest.warns(ValidityWarning, match="another unit"):
            read_device(path)
        return
    device = read_device(path)
    np.testing.assert_allclose(device.stack.boundaries[0].conductance, conductance, rtol=1e-12, atol=0)
    assert (sigma is None) == ("GaN|SiC.conductance" not in device.uncertain)
    if sigma is not None:
        np.testing.assert_allclose(device.uncertain["GaN|SiC.conductance"], sigma, rtol=1e-12, atol=0)


def test_boundary_by_a_theory_is_its_extrapolated_conductance(tmp_path):
    text = SMALL.replace('name = "SiC"\nthickness', 'name = "base"\nmaterial = "Si"\nthickness')
    for boundary in ('"dmm"', '{ theory = "dmm" }'):
        with pytest.raises(DataError, match="off by factors: expected 'calibrated'"):
            read_device(written(tmp_path, text.replace('"GaN|SiC" = "50 MW/m2K"', f'"GaN|base" = {boundary}')))
    asked = '"GaN|base" = { theory = "dmm", drop = "gray" }'
    device = read_device(written(tmp_path, text.replace('"GaN|SiC" = "50 MW/m2K"', asked)))
    got = device.stack.boundaries[0].conductance.at(330.0)
    want = model_estimates("GaN", "Si", [330.0], ["dmm"])[0].extrapolated
    np.testing.assert_allclose(got, want.value, rtol=1e-3, atol=0)
    assert solve_layered(device).property_temperature["GaN|base"] > 300


def test_boundary_by_the_name_of_an_interface_and_by_saved_routes(tmp_path):
    """A second road: the calibrated estimate between the two materials, whose error goes into the rise."""
    known = calibrated_conductance("GaN", "diamond", 330.0)
    named = written(tmp_path, SMALL.replace('"50 MW/m2K"', '{ interface = "GaN|diamond" }'))
    got = read_device(named).stack.boundaries[0].conductance
    assert abs(got.at(330.0)[0] / known.value[0] - 1) <= 1e-3
    assert got.sigma is not None
    assert set(solve_layered(read_device(named)).contribution) == {"GaN|SiC.conductance"}
    row = Route(name="calibrated", title="", kind="estimate", conductance=got)
    save(Routes(left="GaN", right="diamond", rows=[row]), tmp_path / "routes.json")
    saved = read_device(written(tmp_path, SMALL.replace('"50 MW/m2K"', '"routes.json"')))
    assert (saved.stack.boundaries[0].conductance.value == got.value).all()
    for wrong in ("GaN", "GaN|", "GaN|diamond|Si"):
        with pytest.raises(DataError, match=r"expected two materials, such as 'GaN\|diamond'"):
            read_device(written(tmp_path, SMALL.replace('"50 MW/m2K"', f'{{ interface = "{wrong}" }}')))


def test_saved_conductances_flow_in(tmp_path):
    saved = Conductance([250, 300, 600], [4e7, 5e7, 6e7], [4e6, 5e6, 6e6])
    save(saved, tmp_path / "g.json")
    device = read_device(written(tmp_path, SMALL.replace('"50 MW/m2K"', '"g.json"')))
    assert set(solve_layered(device).contribution) == {"GaN|SiC.conductance"}
    save(Conductance([300.0], [5e7], drop="emitted"), tmp_path / "g.json")
    with pytest.raises(DataError, match=r"line 15: .*refers to the emitted drop"):
        read_device(tmp_path / "chip.toml")
    save({"Au|Si": saved, "spot": 1e-5}, tmp_path / "g.json")
    with pytest.raises(DataError, match=r"holds Au\|Si, spot, and no boundary 'GaN\|SiC': expected a fit of it"):
        read_device(tmp_path / "chip.toml")


def test_another_drop_is_converted_with_a_word(tmp_path):
    omega = np.linspace(0, 3e13, 400)
    modes = 3e18 * (omega / 3e13) ** 2
    transmission = Transmission(omega, 0.3 * modes, modes, 1.4 * modes)
    save(transmission, tmp_path / "t.npz")
    path = written(tmp_path, SMALL.replace('"50 MW/m2K"', '"t.npz"'))
    with pytest.raises(DataError, match=r"whose integral is the emitted conductance, .* with drop = 'gray'"):
        read_device(path)  # its modes are not those of GaN
    path = written(tmp_path, SMALL.replace('"50 MW/m2K"', '{ file = "t.npz", drop = "gray" }'))
    got = read_device(path).stack.boundaries[0].conductance.at(300.0)
    np.testing.assert_allclose(got, transmission.conductance(300.0, drop="extrapolated").value, rtol=1e-3, atol=0)


def test_a_transmission_of_two_materials_is_solved_for_the_extrapolated_drop(tmp_path):
    """That of the diffuse model brings what `apparent_conductance` says, and the error of a model that real contacts
    give it; a transmission of other materials, or the other way round, is refused.
    """
    theory = dmm(phonon_spectrum("Si"), phonon_spectrum("Ge"))
    save(theory, tmp_path / "t.npz")
    text = SMALL.replace('"50 MW/m2K"', '{ file = "t.npz", interface = "Si|Ge" }')
    held = read_device(written(tmp_path, text)).stack.boundaries[0].conductance
    kelvin = held.temperature[2]
    known = apparent_conductance("Si", "Ge", kelvin, Observation(method="film"))
    assert abs(held.value[2] / known.conductance.value[0] - 1) <= 1e-9
    assert held.drop == "extrapolated"
    assert held.value[2] < 0.99 * theory.conductance(kelvin).value[0]
    assert held.sigma[2] >= np.log(known.conductance.value[0] / known.low[0]) * held.value[2] * (1 - 1e-9)
    for names, message in (("Ge|Si", "belongs to another material"), ("Si|Foo", "no material 'Foo'")):
        with pytest.raises(DataError, match=message):
            read_device(written(tmp_path, text.replace("Si|Ge", names)))


def test_powers_may_be_uncertain_and_go_into_the_rise_in_full(tmp_path):
    text = SMALL + '[uncertain]\n"gate.power" = "2 %"\n"GaN.conductivity" = "5 W/mK"\n'
    found = solve_layered(read_device(written(tmp_path, text)))
    np.testing.assert_allclose(found.contribution["gate.power"], 0.02 * found.peak, rtol=1e-9, atol=0)
    given = read_device(written(tmp_path, text.replace('"2 %"', '"20 uW"'))).uncertain["gate.power"]
    np.testing.assert_allclose(given, 2e-5, rtol=1e-12, atol=0)


def test_numbers_are_shown_per_metre():
    assert format_device_number("GaN.conductivity", 148.0) == "148 W/mK"
    assert format_device_number("GaN|SiC.conductance", 2e5) == "200 kW/m2K"
    assert format_device_number("gate.power", 2e-3) == "2 mW"


def test_layers_by_depth_and_by_table(tmp_path):
    by_depth = SMALL.replace('thickness = "1 um"', 'from = "0 um"\nto = "1 um"')
    by_depth = by_depth.replace('thickness = "50 um"', 'from = "1 um"\nto = "51 um"')
    want = [layer.thickness for layer in read_device(written(tmp_path, SMALL)).stack.layers]
    got = [layer.thickness for layer in read_device(written(tmp_path, by_depth)).stack.layers]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=0)
    head, tail = SMALL.index("[[layers]]"), SMALL.index("[boundaries]")
    rows = "name,thickness,conductivity,in_plane\nGaN,1 um,150,\nSiC,50 um,390,490\n"
    written(tmp_path, rows, "stack.csv")
    device = read_device(written(tmp_path, 'stack = "stack.csv"\n' + SMALL[:head] + SMALL[tail:]))
    assert [layer.in_plane for layer in device.stack.layers] == [None, 490.0]
    np.testing.assert_allclose([layer.thickness for layer in device.stack.layers], want, rtol=1e-12, atol=0)


def test_shapes_and_courses(tmp_path):
    written(tmp_path, "# flux\n0 1\n2 3\n", "map.csv")
    more = """
[[sources]]
name = "disc"
power = "1 mW"
center = ["5 um", "5 um"]
radius = "1 um"
layer = "SiC"
depth = "2 um"
course = "step"
[[sources]]
name = "laser"
power = "1 mW"
shape = "gaussian"
center = ["5 um", "5 um"]
radius = "1 um"
frequency = "1 MHz"
[[sources]]
name = "map"
flux = "1 MW/m2"
map = "map.csv"
period = "1 us"
width = "100 ns"
[patches.corner]
x = ["0 um", "1 um"]
y = ["9 um", "10 um"]
"""
    device = read_device(written(tmp_path, SMALL + more))
    shapes = [source.shape for source in device.sources]
    assert [type(shape) for shape in shapes] == [Rectangle, Disc, GaussianSpot, HeatMap]
    courses = [type(source.waveform) for source in device.sources[1:]]
    assert courses == [StepPower, PeriodicPower, PulsedPower]
    np.testing.assert_allclose(device.sources[3].power, 1e6 * 0.5 * 1e-10, rtol=1e-12, atol=0)
    assert set(device.patches) == {"corner"}
    save(device, tmp_path / "device.h5")
    again = load(tmp_path / "device.h5")
    got, want = solve_layered(again, sensitivity=False), solve_layered(device, sensitivity=False)
    assert (got.peak, dict(got.average)) == (want.peak, dict(want.average))


def test_library_gives_what_is_not_stated(tmp_path):
    text = SMALL.replace('name = "SiC"\n', 'name = "SiC"\nmaterial = "Si"\nof_temperature = true\n')
    text = text.replace('conductivity = 390\nheat_capacity = "2.2 MJ/m3K"\n', "")
    device = read_device(written(tmp_path, text))
    np.testing.assert_allclose(device.value("SiC.conductivity"), 148.0, rtol=1e-3, atol=0)
    assert device.stack.layers[1].heat_capacity is not None
    assert set(device.laws) == {"SiC"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('thickness = "1 um"', 'thickness = "0 um"', r"line 4: .*thickness = 0, wanted above 0"),
        ('thickness = "1 um"\n', "", "thickness: is missing"),
        ('thickness = "1 um"', 'thickness = "1 MHz"', r"line 6: .*unit of frequency"),
        ('thickness = "1 um"', 'from = "0 um"\nto = "1 um"', r"layers.2.from: is missing"),
        ('name = "GaN"', 'name = "GaN"\nmaterial = "gallium"', "no material 'gallium'"),
        ('"GaN|SiC" = "50 MW/m2K"', "", "boundary 'GaN|SiC' has no conductance"),
        ('"GaN|SiC"', '"GaN|Si"', "unknown key; did you mean 'GaN|SiC'"),
        ('"50 MW/m2K"', '"fifty"', r"line 15: .*'fifty' is no conductance"),
        ('"50 MW/m2K"', '"-5 MW/m2K"', "expected above 0"),
        ('"50 MW/m2K"', '"50 MW/m2K ± -5 %"', r"line 15: .*sigma = '-5 %': expected an uncertainty of 0 or more"),
        (
            '"50 MW/m2K"',
            '{ theory = "inelastic-limit", drop = "gray" }',
            "defines no extrapolated drop|no material 'SiC'",
        ),
        ('power = "1 mW"', "", "expected power .* or flux"),
        ('x = ["0 um", "1 um"]', 'x = ["0 um", "20 um"]', "outside of the box"),
        ('x = ["0 um", "1 um"]', 'x = "1 um"', "expected two lengths"),
        ('name = "gate"', 'name = "gate"\nlayer = "Si"', "no layer 'Si'"),
        ('name = "gate"', 'name = "gate"\nlayer = "GaN"\ndepth = "2 um"', "only 1e-06 m thick"),
        ("[box]", "coefficient = 0\n[box]", "no heat can leave"),
        ("[[sources]]", '[uncertain]\n"Si.thickness" = "3 %"\n[[sources]]', "has no .Si.thickness"),
        ('x = ["0 um", "1 um"]\ny = ["0 um", "2 um"]', 'map = "map.csv"', r"holds nan at pixel \(1, 0\)"),
        ('x = ["0 um", "1 um"]\ny = ["0 um", "2 um"]', 'map = "rows.csv"', "row 2 has 1 numbers, the first 2"),
        ("[box]", "colour = 1\n[box]", "unknown key"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path, old, new, message):
    assert old in SMALL
    written(tmp_path, "1 1\nnan 1\n", "map.csv")
    written(tmp_path, "1 1\n1\n", "rows.csv")
    path = written(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(DataError, match=message) as caught:
        read_device(path)
    assert "\n" not in str(caught.value)


def test_layers_that_overlap_or_leave_a_gap(tmp_path):
    for start, what in (("0.5 um", "overlaps 'GaN'"), ("1.5 um", "leaves a gap to 'GaN'")):
        text = SMALL.replace('thickness = "1 um"', 'from = "0 um"\nto = "1 um"')
        text = text.replace('thickness = "50 um"', f'from = "{start}"\nto = "51 um"')
        with pytest.raises(DataError, match=what):
            read_device(written(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('thickness = "1 um"', "thickness = 1", r"GaN.thickness = 1 m looks implausible"),
        ('"50 MW/m2K"', '"50 W/m2K"', "GaN|SiC.conductance = 50 W/m2K looks implausible"),
        ("conductivity = 150", "conductivity = 150000", "GaN.conductivity = 150000"),
        ("conductivity = 150", "conductivity = 1.5", "1.5 W/mK is .* times less than the .* bulk of GaN"),
        ("conductivity = 150", "conductivity = 1500", "1500 W/mK is .* times more than the .* bulk of GaN"),
        ('"2.6 MJ/m3K"', "2.6", "GaN.heat_capacity = 2.6"),
        ('power = "1 mW"', 'power = "1 kW"', "gate: its flux"),
        ('width = "10 um"', 'width = "10 um"\ndepth = "10 m"', "box.depth = 10"),
    ],
)
def test_slips_of_units_are_warned_of(tmp_path, old, new, message):
    with pytest.warns(ValidityWarning, match=message):
        read_device(written(tmp_path, SMALL.replace(old, new, 1)))


def test_layers_in_nm_that_should_be_in_um(tmp_path):
    text = SMALL.replace('"50 um"', '"0.4 nm"').replace('"1 um"\nconductivity', '"0.4 nm"\nconductivity')
    with pytest.warns(ValidityWarning, match="in nm that should be in um"):
        read_device(written(tmp_path, text))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('width = "1 us"', r"width: is that of pulses: expected a period as well"),
        ('count = 3\ncourse = "step"', r"count: is that of pulses: expected a period as well"),
        ('period = "10 us"\nwidth = "1 us"\ncourse = "step"', r"period: stands beside course: expected one of them"),
        ('radius = "1 um"', r"expected x and y, or center and radius, not both"),
    ],
)
def test_what_no_course_or_shape_would_use_is_refused(tmp_path, more, message):
    with pytest.raises(DataError, match=message):
        read_device(written(tmp_path, SMALL + more + "\n"))


def test_discs_state_all_of_themselves(tmp_path):
    place = 'x = ["0 um", "1 um"]\ny = ["0 um", "2 um"]\n'
    for changed, message in (
        ('center = ["5 um", "5 um"]\n', "center: needs a radius"),
        ('center = ["5 um", "5 um"]\nradius = "1 um"\nradius_y = "2 um"\n', "radius_y: is that of shape = 'gaussian'"),
    ):
        with pytest.raises(DataError, match=message):
            read_device(written(tmp_path, SMALL.replace(place, changed)))


def test_sweeps_are_read():
    assert read_sweep("GaN|SiC.conductance=50:70:10MW/m2K").value == (50e6, 60e6, 70e6)
    assert read_sweep("GaN.thickness=1,5 nm").value == (1e-9, 5e-9)
    assert len(read_sweep("coefficient=1:2kW/m2K").value) == 25
    assert format_device_number("GaN.thickness", 1.85e-6) in ("1.85 um", "1.85 µm", "1.85 μm")
    for wrong in ("GaN", "GaN.thickness=", "GaN.thickness=1:2K", "a.thickness=2:1nm", "a.thickness=0:1:1e-9"):
        with pytest.raises(InputError):
            read_sweep(wrong)


def test_thin_layers_are_ruled_by_their_boundaries():
    """At that thickness a layer resists as much as its boundaries."""
    stack = Stack([Layer("a", 1 * um, 10.0), Layer("b", 2 * um, 50.0), Layer("c", np.inf, 100.0)], [1e7, 5e7])
    got = boundary_lengths(stack)
    assert list(got) == ["a", "b", "c"]
    np.testing.assert_allclose(got["b"] / 50.0, 1e-7 + 2e-8, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got["a"] / 10.0, 1e-7, rtol=1e-12, atol=0)


def test_the_coolest_buffer_is_where_the_slope_vanishes():
    device = devices.transistor()
    found = minimize_peak(device, {"GaN.thickness": (0.2 * um, 20 * um)})
    slope = solve_layered(found.device).sensitivity["GaN.thickness"]
    assert abs(slope) < 1e-2
    assert found.peak < found.before
    assert not found.limited
    both = minimize_peak(device, {"GaN.thickness": (0.2 * um, 20 * um), "GaN|SiC.conductance": (1e7, 1e8)})
    alone = minimize_peak(device.replace({"GaN|SiC.conductance": 1e8}), {"GaN.thickness": (0.2 * um, 20 * um)})
    assert "GaN|SiC.conductance" in both.limited
    np.testing.assert_allclose(both.peak, alone.peak, rtol=1e-4, atol=0)
    with pytest.raises(InputError, match="increases from above 0"):
        minimize_peak(device, {"GaN.thickness": (2 * um, 1 * um)})


def told(capsys, *arguments):
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def test_verb_device(tmp_path, capsys):
    path = str(SAMPLES / "chip-gan-sic.toml")
    status, out, _ = told(capsys, "device", path, "--json", "--samples", "300")
    assert status == 0
    held = printed(out)
    assert abs(held["sampled"]["sigma"] / held["sigma"]["value"] - 1) < 0.15
    np.testing.assert_allclose(held["fields"]["peak"], 39.8762285, rtol=1e-8, atol=0)
    np.testing.assert_allclose(sum(held["share"].values()), 1.0, rtol=1e-9, atol=0)
    status, out, _ = told(capsys, "device", path, "--save", str(tmp_path / "d.h5"), "--plot", str(tmp_path / "d.png"))
    assert status == 0
    assert "GaN|SiC" in out
    assert (tmp_path / "d.png").stat().st_size > 10_000
    kept = load(tmp_path / "d.h5")
    np.testing.assert_allclose(kept["step"].average["finger"][-1], 35.937, rtol=1e-3, atol=0)


def test_verbs_sweep_design_and_export(tmp_path, capsys):
    path = str(SAMPLES / "chip-gan-sic.toml")
    status, out, _ = told(capsys, "device", path, "--sweep", "GaN|SiC.conductance=50:150:100MW/m2K", "--json")
    assert (status, len(printed(out)["rise"]["value"]["hottest point"])) == (0, 2)
    status, out, _ = told(capsys, "design", path, "--minimise", "hotspot", "--over", "GaN.thickness=1:3um", "--json")
    assert status == 0
    np.testing.assert_allclose(printed(out)["value"]["GaN.thickness"], 1.85 * um, rtol=0.02, atol=0)
    netlist, table = tmp_path / "f.cir", tmp_path / "b.csv"
    status, _, err = told(capsys, "export", path, "--spice", str(netlist), "--comsol", str(table), "--of", "finger")
    assert (status, "12 cells" in err) == (0, True)
    resistances = [float(line.split()[3]) for line in netlist.read_text().splitlines() if line.startswith("R")]
    np.testing.assert_allclose(sum(resistances) * 0.0625, 35.93716, rtol=1e-6, atol=0)
    assert "GaN|SiC,2e-06,300,50000000,7500000,2e-08,0.05" in table.read_text()
    status, _, _ = told(capsys, "export", path, "--spice", str(netlist), "--ladder")
    assert "cauer" in netlist.read_text()


def test_step_follows_the_courses_of_a_spot_without_sides(tmp_path, capsys):
    text = """
[[layers]]
name = "film"
thickness = "100 nm"
conductivity = 1.4
heat_capacity = "1.6 MJ/m3K"
[[layers]]
name = "base"
thickness = "infinite"
conductivity = 148
heat_capacity = "1.66 MJ/m3K"
[boundaries]
"film|base" = "200 MW/m2K"
[[sources]]
name = "laser"
shape = "gaussian"
power = "1 mW"
center = ["0 um", "0 um"]
radius = "3 um"
period = "1 us"
width = "100 ns"
"""
    path = str(written(tmp_path, text))
    figures = [str(tmp_path / name) for name in ("step.png", "plot.png")]
    status, _, _ = told(capsys, "device", path, "--step", figures[0], "--plot", figures[1])
    assert status == 0
    assert all(Path(figure).stat().st_size > 10_000 for figure in figures)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "CHIP"], "nothing to write"),
        (["device", "CHIP", "--plot", "chip.txt"], "unknown file ending"),
        (["device", "CHIP", "--save", "chip.txt"], "unknown file ending"),
        (["device", "CHIP", "--sweep", "GaN.colour=1:2"], "has no 'GaN.colour'"),
        (["device", "CHIP", "--sweep", "GaN|SiC.conductanc=1:2MW/m2K"], "has no 'GaN|SiC.conductanc'"),
        (["design", "CHIP", "--minimise", "cost"], "expected hotspot"),
        (["design", "CHIP", "--minimise", "hotspot"], "no number to choose"),
        (["export", "CHIP", "--spice", "f.cir", "--times", "1ns"], "two times"),
        (["device", "missing.toml"], "no such file"),
    ],
)
def test_faults_of_the_verbs_are_one_line(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    chip = str(SAMPLES / "chip-gan-sic.toml")
    status, _, err = told(capsys, *[chip if word == "CHIP" else word for word in arguments])
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("flux", "said"), [("1.25", True), ("1.25 GW/m2", False), ("125 GW/m2", True)])
def test_a_rise_that_no_device_has_is_asked_about(flux, said, tmp_path, capsys):
    path = tmp_path / "chip.toml"
    path.write_text(CHIP.replace('"1.25 GW/m2"', flux if flux == "1.25" else f'"{flux}"'), encoding="utf-8")
    assert main(["device", str(path)]) == 0
    assert ("looks implausible" in capsys.readouterr().err) is said


def test_a_theory_has_the_error_that_real_contacts_give_it(tmp_path):
    """Second road: 20,000 contacts drawn from the calibrated estimate, rms of ln(G/G_theory); never below 50 %."""
    text = SMALL.replace('name = "SiC"\nthickness', 'name = "base"\nmaterial = "Si"\nthickness')
    asked = '"GaN|base" = { theory = "dmm", drop = "gray" }'
    path = written(tmp_path, text.replace('"GaN|SiC" = "50 MW/m2K"', asked))
    held = read_device(path).stack.boundaries[0].conductance
    assert held.sigma is not None
    rng = np.random.default_rng(1)
    for i in (0, 13, 25):
        kelvin = min(max(float(held.temperature[i]), 20.0), 700.0)
        real = calibrated_conductance("GaN", "Si", kelvin)
        drawn = np.exp(np.log(real.value) + real.spread * rng.standard_normal(20_000))
        wanted = max(0.5, float(np.sqrt(np.mean(np.log(drawn / held.value[i]) ** 2))))
        assert abs(held.sigma[i] / held.value[i] / wanted - 1) <= 0.03
    assert (held.sigma / held.value).max() > 0.6


@pytest.mark.parametrize(("stated", "share"), [(', sigma = "300 %"', 3.0), (', sigma = "20 MW/m2K"', None)])
def test_a_stated_error_of_a_theory_is_not_dropped(tmp_path, stated, share):
    """It has a row in the budget, in place of the error that real contacts give the theory."""
    asked = f'"GaN|base" = {{ theory = "dmm", drop = "gray"{stated} }}'
    text = SMALL.replace('name = "SiC"\nthickness', 'name = "base"\nmaterial = "Si"\nthickness')
    path = written(tmp_path, text.replace('"GaN|SiC" = "50 MW/m2K"', asked))
    held = read_device(path).stack.boundaries[0].conductance
    assert held.sigma is not None
    want = 20e6 if share is None else share * held.value
    assert np.abs(held.sigma - want).max() <= 1e-9 * held.value.max()
