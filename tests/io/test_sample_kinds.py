"""Sample files of further methods and samples: what stands there is what is fitted, and slips are asked about."""

import warnings

import numpy as np
import pytest

from kapitza.cli import main
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.errors import DataError, ValidityWarning
from kapitza.io.samples import SampleFile, read_sample
from kapitza.measure.experiment import simulate_curve
from kapitza.measure.fit import fit
from kapitza.measure.problem import Prior
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.grating import TransientGrating
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, OffsetScan, Tdtr
from kapitza.units import nm, ns, ps, um

FILM = """\
[[layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[layers]]
name = "S"
conductivity = 50
heat_capacity = "1.6 MJ/m3K"
[boundaries]
"Al|S" = "100 MW/m2K"
"""
BARE = """\
[[layers]]
name = "S"
conductivity = 40
in_plane = 90
heat_capacity = "1.6 MJ/m3K"
"""
BEAMS = 'pump_radius = "4 um"\nprobe_radius = "3 um"\n'
PULSES = 'modulation = "1.1 MHz"\nrepetition = "80 MHz"\ndelayed = "pump"\n'
GRATING = '[[experiments]]\nkind = "grating"\nperiod = "4 um"\n'
film = Stack([Layer("Al", 80 * nm, 180, heat_capacity=2.43e6), Layer("S", np.inf, 50, heat_capacity=1.6e6)], [1e8])


def read(tmp_path, text: str, **data: str) -> SampleFile:
    for name, content in data.items():
        (tmp_path / f"{name}.csv").write_text(content)
    path = tmp_path / "sample.toml"
    path.write_text(text)
    return read_sample(path)


def table(head: str, *columns) -> str:
    return head + "\n" + "".join(",".join(f"{one:.12g}" for one in row) + "\n" for row in zip(*columns, strict=True))


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


def test_a_grating_without_a_metal_film(tmp_path):
    truth = Stack([Layer("S", np.inf, 40, in_plane=120, heat_capacity=1.6e6)])
    time = np.geomspace(0.2, 20, 40) * ns
    signal = 3.7 * TransientGrating(time, period=4 * um).predict(truth)
    text = BARE + GRATING + 'data = "decay.csv"\n[fit]\nfree = ["S.in_plane", "grating.scale"]\n'
    held = read(tmp_path, text, decay=table("time_ns,signal_mV", time / ns, signal))
    (one,) = held.experiments
    assert isinstance(one, TransientGrating)
    close(one.scale, 3.7e-3, 1e-9)
    found = fit(held.experiments, held.curves, held.stack, held.free, starts=1)
    close(found.value, [120, 3.7e-3], 1e-5)


def test_pump_and_probe_of_two_colours(tmp_path):
    setting = 'absorption_depth = "400 nm"\nreadout_depth = "15 nm"\ntimes = ["1 ns", "100 ns", 5]\n'
    (one,) = read(tmp_path, BARE + GRATING + setting).experiments
    assert isinstance(one, TransientGrating)
    close([one.setup.absorption_depth, one.parameters["readout_depth"]], [4e-7, 1.5e-8], 1e-14)
    text = FILM + '[[experiments]]\nkind = "tdtr"\nreadout_depth = "15 nm"\ndelays = ["1 ns", "3 ns", 5]\n' + BEAMS
    (pulsed,) = read(tmp_path, text + PULSES).experiments
    assert isinstance(pulsed, Tdtr)
    close(pulsed.setup.readout_depth, 1.5e-8, 1e-14)


def test_a_scan_of_the_offset(tmp_path):
    offset = np.linspace(-10, 10, 21) * um
    signal = OffsetScan(offset, Beams(4 * um, 3 * um), modulation=1.1e6, repetition=80e6, delay=-50 * ps,
                        delayed="pump").predict(film)  # fmt: skip
    text = FILM + '[[experiments]]\nkind = "beam-offset"\ndelay = "-50 ps"\ndata = "scan.csv"\n' + BEAMS + PULSES
    held = read(tmp_path, text, scan=table("offset_um,Vout_uV", offset / um, 12 * signal))
    (one,) = held.experiments
    close(one.predict(held.stack), 12e-6 * signal, 1e-9)
    points = read(tmp_path, text.replace('data = "scan.csv"', 'offsets = ["-10 um", "10 um", 21]')).experiments[0]
    assert isinstance(points, OffsetScan)
    np.testing.assert_allclose(points.offset, offset, rtol=1e-12, atol=1e-18)
    steady = text.replace('delay = "-50 ps"\n', "").replace('repetition = "80 MHz"\ndelayed = "pump"\n', "")
    (slow,) = read(tmp_path, steady).experiments
    assert isinstance(slow, OffsetScan)
    assert slow.repetition is None


def test_spots_that_change_with_the_frequency(tmp_path):
    start = FILM + '[[experiments]]\nkind = "fdtr"\nfrequencies = ["10 kHz", "1 MHz", 5]\n' + BEAMS
    text = start + 'defocus = { frequencies = ["10 kHz", "100 kHz", "10 MHz"], growth = ["20 %", "0 %", "0 %"] }\n'
    (one,) = read(tmp_path, text).experiments
    assert isinstance(one, Fdtr)
    np.testing.assert_allclose(one.pump_growth, [0.2, 0.1, 0, 0, 0], rtol=1e-9, atol=1e-12)
    assert one.beams.pump_profile == "gaussian"
    (flat,) = read(tmp_path, text + 'pump_profile = "top-hat"\n').experiments
    assert isinstance(flat, Fdtr)
    assert flat.beams.pump_profile == "top-hat"
    assert flat.beams.with_pump_scaled(1.1).pump_profile == "top-hat"
    for wrong, message in (
        (text.replace('"10 MHz"]', '"0.5 MHz"]'), r"the growth is known from 10000 to 500000 Hz: say it for all"),
        (text.replace('"0 %", "0 %"]', '"0 %"]'), "expected a growth for each of two or more frequencies"),
        (text.replace('growth = ["20 %", "0 %", "0 %"]', "growth = 3"), "expected a list of numbers, got 3"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, wrong)


ELECTRONS = """\
electron_conductivity = 230
electron_heat_capacity = "0.04 MJ/m3K"
coupling = "240 PW/m3K"
"""


def test_a_metal_of_two_temperatures(tmp_path):
    text = FILM.replace("conductivity = 180\n", f"conductivity = 10\n{ELECTRONS}", 1)
    text = text.replace('"100 MW/m2K"', '{ conductance = "100 MW/m2K", electron_conductance = "20 MW/m2K" }')
    text += '[[experiments]]\nkind = "fdtr"\nfrequencies = ["10 kHz", "10 MHz", 9]\nsensed = "electrons"\n' + BEAMS
    held = read(tmp_path, text + '[fit]\nfree = ["Al.coupling", "Al|S.electron_conductance"]\n')
    metal = Layer("Al", 80 * nm, 10, heat_capacity=2.43e6, electron_conductivity=230, electron_heat_capacity=4e4,
                  coupling=2.4e17)  # fmt: skip
    want = Stack([metal, film.layers[1]], [Boundary(1e8, electron_conductance=2e7)])
    (one,) = held.experiments
    assert isinstance(one, Fdtr)
    assert one.setup.sensed == "electrons"
    close(one.predict(held.stack), one.predict(want), 1e-13)
    truth = want.replace({"Al.coupling": 1e16, "Al|S.electron_conductance": 6e7})
    curve = simulate_curve(one, truth)
    found = fit(one, curve, want.replace({"Al.coupling": 3e16}), held.free, starts=1)
    close(found.value, [1e16, 6e7], 1e-3)
    with pytest.warns(ValidityWarning, match=r"Al.coupling = 2.4e\+11 W/m3K looks implausible"):
        read(tmp_path, text.replace("240 PW/m3K", "240 GW/m3K".replace("GW", "MW").replace("240 MW", "0.24 TW")))
    with pytest.raises(DataError, match="electrons with a temperature of their own need"):
        read(tmp_path, text.replace('coupling = "240 PW/m3K"\n', ""))


def voltages(turn: float) -> str:
    """A trace with a step, an echo at 25 ps and a reference phase."""
    t = np.concatenate([np.linspace(-30, -1, 291), np.linspace(1, 80, 791)]) * ps
    delay = Tdtr(t, Beams(4 * um, 3 * um), modulation=1.1e6, repetition=80e6, delayed="pump")
    z = delay.signal(film) * 1e-3
    z = z + 0.02 * np.abs(z) * np.exp(-(((t - 25 * ps) / (2.5 * ps)) ** 2))
    z = z * np.exp(1j * turn) + 2e-5 * np.abs(z).max() * np.random.default_rng(3).standard_normal(t.size)
    return table("delay_ps,Vin_uV,Vout_uV", t / ps, z.real * 1e6, z.imag * 1e6)


AUTOMATIC = (
    FILM + '[[experiments]]\nkind = "tdtr"\ndata = "trace.csv"\nfrom = "10 ps"\nphase = "auto"\n' + BEAMS + PULSES
)
ECHO = 'echo = { layer = "Al", velocity = "6.42 km/s", sigma = "1 %" }\n'


def test_the_trace_tells_its_phase_and_the_thickness_of_the_film(tmp_path):
    held = read(tmp_path, AUTOMATIC + ECHO, trace=voltages(0.3))
    thickness = 6420 * 25 * ps / 2
    assert abs(held.stack.layers[0].thickness - thickness) < 0.5 * nm
    assert 0.008 * thickness < held.priors["Al.thickness"].sigma < 0.02 * thickness
    assert 1e-6 <= held.priors["tdtr.phase"].sigma < 0.01
    assert "tdtr: a phase of 0.3" in held.notes[0]
    assert "Al.thickness = 80." in held.notes[1]
    (one,), (curve,) = held.experiments, held.curves
    assert curve is not None
    late = curve.x > 40 * ps  # beyond the echo
    close(curve.value[late], one.predict(held.stack.replace({"Al.thickness": 80 * nm}))[late], 0.02)
    stated = read(tmp_path, AUTOMATIC + ECHO + '[fit.uncertain]\n"tdtr.phase" = "5 mrad"\n', trace=voltages(0.3))
    assert stated.priors["tdtr.phase"] == Prior(None, 5e-3)
    assert "tdtr.phase: [fit.uncertain] states its error, that of the trace is not used" in stated.notes
    assert not any("is not used" in note for note in held.notes)

    text = AUTOMATIC + ECHO + '[[repeats]]\ndata = "other.csv"\n'
    (tmp_path / "other.csv").write_text(voltages(0.5))
    again = read(tmp_path, text, trace=voltages(0.3))
    (spot,) = again.repeats
    assert again.per_spot == ("tdtr.phase",)  # each trace tells its own
    assert set(spot.priors) == {"Al.thickness", "tdtr.phase"}
    assert abs(spot.stack.layers[0].thickness - thickness) < 0.5 * nm
    close(spot.curve.value[late], curve.value[late], 0.02)  # its phase is taken off
    both = read(tmp_path, text + '[fit]\nper_spot = ["Al.heat_capacity"]\nuncertain = { "Al.heat_capacity" = "2 %" }\n',
                trace=voltages(0.3))  # fmt: skip
    assert both.per_spot == ("Al.heat_capacity", "tdtr.phase")
    with pytest.raises(DataError, match=r"'Al\.thickness' is not uncertain"):
        read(tmp_path, text + '[fit]\nper_spot = ["Al.thickness"]\n', trace=voltages(0.3))
    with pytest.raises(DataError, match=r"line 24: repeats\.1\.data: there is no file .*absent\.csv"):
        read(tmp_path, text.replace("other", "absent"), trace=voltages(0.3))


def test_what_is_freed_has_no_error_of_a_trace(tmp_path):
    freed = read(tmp_path, AUTOMATIC + ECHO + '[fit]\nfree = ["Al.thickness"]\n', trace=voltages(0.3))
    assert "Al.thickness" not in freed.priors
    assert "Al.thickness is free or tied: the error that the trace gives is not used" in freed.notes


def test_a_trace_that_does_not_tell(tmp_path):
    late = "delay_ps,Vin_uV,Vout_uV\n" + "".join(f"{t},10,-2\n" for t in range(50, 90))
    for text, message in (
        (AUTOMATIC, r"the trace does not tell its phase: 0 points between -2e-11 and -3e-12 s"),
        (AUTOMATIC.replace('phase = "auto"', 'phase = { after = ["3 ps", "1 ps"] }'), "a window of two times that inc"),
        (AUTOMATIC.replace('data = "trace.csv"', 'delays = ["1 ns", "3 ns", 5]'), "there is no trace to take it from"),
        (AUTOMATIC.replace('phase = "auto"', ECHO), "the trace does not tell the thickness"),
        (AUTOMATIC.replace('phase = "auto"', 'phase = "automatic"'), "expected a number in SI or a text such as"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, text, trace=late)


SAMPLES = """\
[[samples]]
name = "film"
[[samples.layers]]
name = "Al"
thickness = "80 nm"
conductivity = 180
heat_capacity = "2.43 MJ/m3K"
[[samples.layers]]
name = "oxide"
thickness = "300 nm"
conductivity = 1.0
heat_capacity = "1.65 MJ/m3K"
[[samples.layers]]
name = "Si"
conductivity = 120
heat_capacity = "1.64 MJ/m3K"
[samples.boundaries]
"Al|oxide" = "100 MW/m2K"
"oxide|Si" = "300 MW/m2K"

[[samples]]
name = "strip"
[[samples.layers]]
name = "oxide"
thickness = "600 nm"
conductivity = 1.0
heat_capacity = "1.65 MJ/m3K"
[[samples.layers]]
name = "Si"
conductivity = 120
heat_capacity = "1.64 MJ/m3K"
[samples.boundaries]
"oxide|Si" = "300 MW/m2K"

[[experiments]]
kind = "tdtr"
sample = "film"
pump_radius = "10 um"
probe_radius = "10 um"
modulation = "9.8 MHz"
repetition = "80 MHz"
delayed = "pump"
data = "tdtr.csv"
noise = "0.5 %"

[[experiments]]
kind = "three-omega"
name = "omega"
sample = "strip"
half_width = "10 um"
length = "1 mm"
power = "20 mW"
data = "omega.csv"
noise = 0.001

[fit]
free = ["oxide.conductivity", "Si.conductivity"]
"""


def test_two_methods_on_two_samples_are_one_fit(tmp_path, capsys):
    """Films of other layers share what has one name: the truth comes back, with less error than from either alone."""
    plain = SAMPLES.replace('data = "tdtr.csv"\nnoise = "0.5 %"', 'delays = ["0.1 ns", "3.6 ns", 20]')
    plain = plain.replace('data = "omega.csv"\nnoise = 0.001', 'frequencies = ["300 Hz", "20 kHz", 20]')
    held = read(tmp_path, plain)
    assert [len(stack.layers) for stack in held.stacks] == [3, 2]
    truth = {"oxide.conductivity": 1.35, "Si.conductivity": 142.0}
    pairs = zip(held.experiments, held.stacks, strict=True)
    tdtr, omega = (one.predict(stack.replace(truth)) for one, stack in pairs)
    rng = np.random.default_rng(8)
    (first, second) = held.experiments
    held = read(
        tmp_path, SAMPLES,
        tdtr=table("delay_s,ratio", first.delay, tdtr * (1 + 0.005 * rng.standard_normal(tdtr.size))),
        omega=table("frequency_Hz,in_phase_K", second.frequency, omega + 1e-3 * rng.standard_normal(omega.size)),
    )  # fmt: skip
    found = fit(held.experiments, held.curves, held.stacks, held.free, starts=1)
    assert (np.abs(found.value - [1.35, 142.0]) < 3 * found.sigma).all()
    for i in range(2):
        alone = fit(held.experiments[i], held.curves[i], held.stacks[i], held.free, starts=1)
        assert not (alone.sigma <= found.sigma).any()  # NaN where one method gives a bound only
    assert main(["fit", str(tmp_path / "sample.toml"), "--starts", "1"]) == 0
    assert "oxide.conductivity" in capsys.readouterr().out


@pytest.mark.parametrize(("old", "new", "message"), [
    ('sample = "film"\n', "", "on which sample\\? Give sample = one of 'film', 'strip'"),
    ('sample = "film"', 'sample = "films"', "'films' is no sample of the file: there are film, strip"),
    ('name = "strip"', 'name = "film"', "'film': expected a name that no other sample has"),
    ('sample = "film"\n', 'sample = "film"\nchanges = { "Cu.thickness" = "5 nm" }\n', "the stack has no 'Cu.thick"),
])  # fmt: skip
def test_samples_that_are_not_told_apart(tmp_path, old, new, message):
    text = SAMPLES.replace('data = "tdtr.csv"\nnoise = "0.5 %"', 'delays = ["0.1 ns", "3.6 ns", 20]')
    text = text.replace('data = "omega.csv"\nnoise = 0.001', 'frequencies = ["300 Hz", "20 kHz", 20]')
    with pytest.raises(DataError, match=message):
        read(tmp_path, text.replace(old, new, 1))


def test_uncertain_numbers_of_every_sample_are_asked_about(tmp_path):
    text = SAMPLES.replace('data = "tdtr.csv"\nnoise = "0.5 %"', 'delays = ["0.1 ns", "3.6 ns", 20]')
    text = text.replace('data = "omega.csv"\nnoise = 0.001', 'frequencies = ["300 Hz", "20 kHz", 20]')
    with pytest.warns(ValidityWarning, match="Al.thickness is uncertain by 3750%"):
        read(tmp_path, text + '[fit.uncertain]\n"Al.thickness" = "3 um"\n')


@pytest.mark.parametrize(("text", "message"), [
    (BARE + GRATING.replace("4 um", "4 m") + 'times = ["1000 s", "9000 s", 5]\n', r"grating.period = 4 m looks implau"),
    (BARE + GRATING + 'times = ["1 fs", "100 fs", 5]\n', r"times from 1e-15 to 1e-13 s, where a grating of 4e-06 m"),
    (BARE + GRATING + 'readout_depth = "15 mm"\ntimes = ["1 ns", "100 ns", 5]\n', r"grating.readout_depth = 0.015 m"),
])  # fmt: skip
def test_slips_of_units_are_asked_about(tmp_path, text, message):
    with pytest.warns(ValidityWarning, match=message):
        read(tmp_path, text)


def test_what_is_usual_is_not_asked_about(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tmp_path, BARE + GRATING + 'readout_depth = "15 nm"\ntimes = ["1 ns", "100 ns", 5]\n')
