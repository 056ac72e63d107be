"""Every kind of experiment of a sample file: its keys become the record, its columns the curve in SI."""

import re

import numpy as np
import pytest

from kapitza.errors import DataError
from kapitza.io.samples import SampleFile, read_sample
from kapitza.measure.experiment import Curve
from kapitza.measure.thermoreflectance.cooling import FilmCooling, LaserFlash, ParticleCooling
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega

STACK = """\
[[layers]]
name = "film"
thickness = "100 nm"
conductivity = 100
heat_capacity = "2.4 MJ/m3K"
[[layers]]
name = "base"
conductivity = 140
heat_capacity = "1.64 MJ/m3K"
[boundaries]
"film|base" = "100 MW/m2K"
[[experiments]]
"""
HALF = """\
[[layers]]
name = "film"
thickness = "100 nm"
conductivity = 100
heat_capacity = "2.4 MJ/m3K"
[[experiments]]
kind = "flash"
"""


def read(tmp_path, experiment: str, data: str | None = None, stack: str = STACK) -> SampleFile:
    if data is not None:
        (tmp_path / "data.csv").write_text(data)
        experiment += '\ndata = "data.csv"'
    path = tmp_path / "sample.toml"
    path.write_text(stack + experiment + "\n")
    return read_sample(path)


def curve_of(held: SampleFile) -> Curve:
    (curve,) = held.curves
    assert curve is not None
    return curve


def test_steady_state(tmp_path):
    text = 'kind = "steady"\npump_radius = "10 um"\nprobe_radius = "5 um"\nmodulation = "1 kHz"\nscale = 2'
    held = read(tmp_path, text, "power_mW,temperature_K\n1,0.2\n2,0.4\n")
    (steady,) = held.experiments
    assert isinstance(steady, Sstr)
    got = [steady.modulation, steady.scale, steady.beams.pump_radius, steady.beams.probe_radius]
    np.testing.assert_allclose(got, [1e3, 2, 1e-5, 5e-6], rtol=1e-14, atol=0)
    np.testing.assert_allclose(steady.power, [1e-3, 2e-3], rtol=1e-14, atol=0)
    np.testing.assert_allclose(curve_of(held).value, [0.2, 0.4], rtol=1e-14, atol=0)
    assert curve_of(held).kind == "temperature"


def test_raman(tmp_path):
    held = read(tmp_path, 'kind = "raman"\nnoise = "5 %"', "radius_um,response_KmW\n1,0.2\n2,0.1\n")
    (raman,) = held.experiments
    assert isinstance(raman, Raman)
    np.testing.assert_allclose(raman.radius, [1e-6, 2e-6], rtol=1e-14, atol=0)
    np.testing.assert_allclose(curve_of(held).value, [200, 100], rtol=1e-14, atol=0)
    assert curve_of(held).sigma is not None
    np.testing.assert_allclose(curve_of(held).sigma, [10, 5], rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("signal", "column", "value"),
    [("in_phase", "in_phase_K", 0.5), ("out_of_phase", "out_of_phase (mV)", 5e-4), ("amplitude", "amplitude_uV", 5e-7),
     ("phase", "phase_deg", np.radians(0.5))],
)  # fmt: skip
def test_three_omega(tmp_path, signal, column, value):
    text = f'kind = "three-omega"\nhalf_width = "10 um"\nlength = "1 mm"\npower = "20 mW"\nsignal = "{signal}"'
    held = read(tmp_path, text, f"frequency_kHz,{column}\n1,0.5\n2,0.4\n")
    (omega,) = held.experiments
    assert isinstance(omega, ThreeOmega)
    np.testing.assert_allclose([omega.half_width, omega.length, omega.power], [1e-5, 1e-3, 0.02], rtol=1e-14, atol=0)
    np.testing.assert_allclose(omega.frequency, [1e3, 2e3], rtol=1e-14, atol=0)
    np.testing.assert_allclose(curve_of(held).value[0], value, rtol=1e-14, atol=0)


def test_cooling_of_films_and_particles(tmp_path):
    data = "time_ns,signal_mV,sigma_mV\n1,8,0.1\n2,7,0.2\n"
    held = read(tmp_path, 'kind = "cooling"\nheating = "surface"\nabsorption_depth = "10 nm"\nscale = 0.01', data)
    (film,) = held.experiments
    assert isinstance(film, FilmCooling)
    assert (film.heating, film.readout, film.setup.absorption_depth, film.scale) == ("surface", "film", 1e-8, 0.01)
    np.testing.assert_allclose(film.time, [1e-9, 2e-9], rtol=1e-14, atol=0)
    np.testing.assert_allclose(curve_of(held).value, [8e-3, 7e-3], rtol=1e-14, atol=0)
    assert curve_of(held).sigma is not None
    np.testing.assert_allclose(curve_of(held).sigma, [1e-4, 2e-4], rtol=1e-14, atol=0)
    (particle,) = read(tmp_path, 'kind = "particle"', "time_ps,temperature_K\n1,8\n2,7\n").experiments
    assert isinstance(particle, ParticleCooling)
    np.testing.assert_allclose(particle.time, [1e-12, 2e-12], rtol=1e-14, atol=0)


@pytest.mark.parametrize(("old", "new"), [("heated", "heating"), ("read", "readout")])
def test_keys_of_version_0_1_are_refused_with_the_new_name(tmp_path, old, new):
    with pytest.raises(DataError, match=rf"{old}: has the name `{new}` since version 0.2"):
        read(tmp_path, f'kind = "cooling"\n{old} = "surface"\ntimes = ["1 ns", "2 ns"]')


def test_laser_flash(tmp_path):
    held = read(tmp_path, 'times = ["1 ps", "1 ns", 7]\n[fit]\nfree = ["film.conductivity"]', stack=HALF)
    (flash,) = held.experiments
    assert isinstance(flash, LaserFlash)
    np.testing.assert_allclose(flash.time, np.geomspace(1e-12, 1e-9, 7), rtol=1e-12, atol=0)
    assert np.isfinite(flash.predict(held.stack)).all()


def test_units_of_both_voltages_count(tmp_path):
    text = (
        'kind = "tdtr"\nmodulation = 1e7\nrepetition = 8e7\npump_radius = 1e-5\nprobe_radius = 1e-5\ndelayed = "pump"'
    )
    held = read(tmp_path, text, "delay_ps,Vin_mV,Vout_uV\n100,1,-500\n200,1,-250\n")
    np.testing.assert_allclose(curve_of(held).value, [2, 4], rtol=1e-14, atol=0)


def test_samples_of_other_thickness_in_one_file(tmp_path):
    text = '{kind}\nname = "{name}"\ntimes = ["1 ns", "2 ns"]\nchanges = {{ "film.thickness" = "{d} nm" }}\n'
    first = text.format(kind='kind = "cooling"', name="thin", d=50)
    second = text.format(kind='[[experiments]]\nkind = "cooling"', name="thick", d=200)
    held = read(tmp_path, first + second)
    np.testing.assert_allclose([s.layers[0].thickness for s in held.stacks], [5e-8, 2e-7], rtol=1e-14, atol=0)
    np.testing.assert_allclose(held.stack.layers[0].thickness, 1e-7, rtol=1e-14, atol=0)


def test_a_perfect_contact(tmp_path):
    text = STACK.replace('"100 MW/m2K"', '"perfect"')
    held = read(tmp_path, 'kind = "cooling"\ntimes = ["1 ns", "2 ns"]', stack=text)
    assert held.stack.resistances()["film|base"] == 0


COOLING = 'kind = "cooling"\n'
FAULTS = [
    ('kind = "steady"\npump_radius = "10 um"', "power_mW,temperature_K\n1,1\n2,2\n", "probe_radius: is missing"),
    ('kind = "raman"', "radius_um,temperature_K\n1,1\n2,2\n", "no column 'response'"),
    ('kind = "raman"', "radius_um,response_K\n1,1\n2,2\n", "is in K; expected response in K/W, K/mW, K/uW"),
    (COOLING, "time_ns,temperature_K\n2,1\n1,2\n", "expected values that increase"),
    (COOLING, "time_ns,temperature_K\n1,1\n2,nan\n", "temperature_K: expected a finite number, got 'nan'"),
    (COOLING, "time_ns,temperature_K\n1,1\n2\n", "has 1 columns where the heads have 2"),
    (COOLING, "time_ns,temperature_ns\n1,1\n2,2\n", "is in ns; expected V, mV, uV or K"),
    (COOLING, "time_ns,temperature_K\n-1,1\n2,2\n", "line 2: time = -1e-09: expected values above 0"),
    (COOLING, "time_ns,temperature_K,sigma_K\n1,1,0.1\n2,2,0\n", "expected an uncertainty above 0"),
    (COOLING + 'noise = "2 nm"', "time_ns,temperature_K\n1,1\n2,2\n", "'nm' is a unit of length; expected temperature"),
    (COOLING + "noise = 0", "time_ns,temperature_K\n1,1\n2,2\n", "expected more than 0"),
    (COOLING + 'changes = { "film.thickness" = "-1 nm" }', "time_ns,temperature_K\n1,1\n2,2\n", "wanted above 0"),
    (COOLING + 'changes = { "firm.thickness" = "1 nm" }', "time_ns,temperature_K\n1,1\n2,2\n", "firm"),
    (COOLING + 'pump_radius = "1 um"', "time_ns,temperature_K\n1,1\n2,2\n", "pump_radius: unknown key"),
    (COOLING + 'times = ["1 s", "2 s"]\n[[experiments]]\nkind = "cooling"', "time_s,T\n1,1\n", "no column"),
    (COOLING + 'times = [1, 2]\n[[experiments]]\nkind = "cooling"\ntimes = [1, 2]', None, "two experiments are called"),
]


@pytest.mark.parametrize(("experiment", "data", "message"), FAULTS)
def test_faults_are_one_line(tmp_path, experiment, data, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read(tmp_path, experiment, data)
    assert "\n" not in str(caught.value)
