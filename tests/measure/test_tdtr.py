"""Time-domain thermoreflectance: curves of a second code, sums over harmonics, heat in time, convergence."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import j0

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Tdtr
from kapitza.units import MW, nm, ns, ps, um

NAMES = (
    "Al80_SiO2", "Al80_sapphire", "Al80_Si", "Al80_Si_1p1MHz_w5", "Al80_500nmSiO2_Si", "Al90_GaN1um_SiC",
    "Al60_diamond", "Au80_graphite_aniso", "Al80_Si_negdelay", "Al80_Si_pumpdefocus16pct",
    "bidirectional_water_Al70_glass",
)  # fmt: skip


def stack_of(rows) -> Stack:
    layers = [
        Layer(str(i), row["d_m"] or np.inf, row["kz_W_mK"], in_plane=row.get("kr_W_mK"), heat_capacity=row["C_J_m3K"])
        for i, row in enumerate(rows)
    ]
    return Stack(layers, [np.inf] * (len(layers) - 1))


def content(data, file: str) -> dict:
    return json.loads(data(f"thermoreflectance/{file}.json").read_text(encoding="utf-8"))


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


def aluminium(substrate=140.0, conductance=200 * MW) -> Stack:
    return Stack(
        [Layer("Al", 80 * nm, 180, heat_capacity=2.43e6), Layer("Si", np.inf, substrate, heat_capacity=1.64e6)],
        [conductance],
    )


def tdtr(delay=(100 * ps, 1 * ns, 3.6 * ns), radius=10 * um, **more) -> Tdtr:
    given = {"modulation": 9.8e6, "repetition": 80e6, "delayed": "pump"}
    return Tdtr(delay, Beams(radius, radius), **{**given, **more})


# a second code, and sums over harmonics


@pytest.mark.parametrize("name", NAMES)
def test_converged_curves(data, name):
    case = content(data, "tdtr_curves")[name]
    delay, pump = np.array(case["delay_s"]), np.atleast_1d(case["w_pump_m"])
    growth, radius = np.polyfit(delay, pump, 1) if pump.size > 1 else (0.0, pump[0])
    experiment = Tdtr(
        delay, Beams(radius, case["w_probe_m"]), modulation=case["modulation_Hz"], repetition=case["repetition_Hz"],
        delayed="pump", defocus=growth / radius, setup=Setup(Plane("2") if "between" in case["heated"] else None),
    )  # fmt: skip
    stack = stack_of(case["layers"])
    want = np.array(case["re_K"]) + 1j * np.array(case["im_K"])
    assert np.abs(experiment.signal(stack) / want - 1).max() < 1e-7
    close(experiment.predict(stack), -want.real / want.imag, 2e-7)


def test_heat_over_planes_in_the_transducer(data):
    case = content(data, "tdtr_heat_at_depth")
    total = 0
    for depth, weight in zip(case["heat_planes_m"], case["heat_weights"], strict=True):
        experiment = Tdtr(
            case["delay_s"], Beams(case["w_pump_m"], case["w_probe_m"]), modulation=case["modulation_Hz"],
            repetition=case["repetition_Hz"], delayed="probe",
            setup=Setup(Plane("0", depth), Plane("0", case["sense_depth_m"])),
        )  # fmt: skip
        total = total + weight * experiment.signal(stack_of(case["layers"]))
    close(-total.real / total.imag, case["ratio"], 1e-7)


def test_beams_apart_by_a_sum_over_harmonics():
    """Plain sums around the one impedance, ended by a window that is flat up to 0.3 THz."""
    stack = Stack(
        [
            Layer("Al", 80 * nm, 170, heat_capacity=2.42e6),
            Layer("fake", 1 * nm, 0.1, heat_capacity=0.1e6),
            Layer("s", np.inf, 140, heat_capacity=1.65e6),
        ],
        [np.inf, np.inf],
    )
    m = np.arange(-10_000, 10_001)
    f = 1.1e6 + m * 80e6
    window = np.exp(-((f / 5e11) ** 6)) * np.exp(2j * np.pi * f * 100 * ps)
    x, w = np.polynomial.legendre.leggauss(40)
    pump, probe = 5 * um, 4 * um
    width = np.hypot(pump, probe)
    k, step = (1 + x) * 2.5 * np.pi / width, w * 2.5 * np.pi / width
    z = impedance(stack, 2j * np.pi * np.abs(f), k)
    for offset in (0.0, 1 * um, 2 * um, 4 * um, 6 * um, 8 * um):
        response = z @ (k * step * np.exp(-((k * width) ** 2) / 8) * j0(k * offset)) / (2 * np.pi)
        want = 2 * np.sum(np.where(f < 0, response.conj(), response) * window)
        beams = Beams(pump, probe, offset=offset)
        got = Tdtr([100 * ps], beams, modulation=1.1e6, repetition=80e6, delayed="pump").signal(stack)[0]
        assert abs(got / want - 1) < 1e-7


@pytest.mark.parametrize(
    ("key", "number", "at"),
    [("Al|Si.conductance", "conductance", 3.6 * ns), ("Si.conductivity", "conductivity", 0.1 * ns)],
)
def test_sensitivities(published, key, number, at):
    entry = published("stacks", f"tdtr_sensitivity_Al_Si_{number}")
    base = {"Al|Si.conductance": 200 * MW, "Si.conductivity": 140.0}[key]
    high, low = (tdtr([at]).predict(aluminium().replace({key: base * f}))[0] for f in (1.001, 1 / 1.001))
    close(np.log(high / low) / (2 * np.log(1.001)), entry["value"], 0.02)


# laws


def test_the_delayed_beam_turns_the_phase_and_nothing_else():
    pump, probe = tdtr().signal(aluminium()), tdtr(delayed="probe").signal(aluminium())
    close(pump, probe * np.exp(2j * np.pi * 9.8e6 * tdtr().delay), 1e-13)
    close(np.abs(pump), np.abs(probe), 1e-13)
    assert np.abs(tdtr().predict(aluminium()) / tdtr(delayed="probe").predict(aluminium()) - 1).max() > 0.1
    with pytest.raises(TypeError, match="delayed"):
        Tdtr([1e-10], Beams(1e-5, 1e-5), modulation=1e7, repetition=8e7)


def test_a_probe_that_is_delayed_by_whole_periods_sees_the_same():
    early, late = tdtr([50 * ps, 2 * ns], delayed="probe"), tdtr([12.55 * ns, 14.5 * ns], delayed="probe")
    before = tdtr([50 * ps - 12.5 * ns, 2 * ns - 12.5 * ns], delayed="probe")
    close(late.signal(aluminium()), early.signal(aluminium()), 1e-9)
    close(before.signal(aluminium()), early.signal(aluminium()), 1e-9)


def test_the_kinds_of_one_signal():
    z = tdtr().signal(aluminium())
    for kind, want in (
        ("ratio", -z.real / z.imag), ("in_phase", z.real), ("out_of_phase", z.imag), ("amplitude", np.abs(z)),
        ("phase", np.angle(z)),
    ):  # fmt: skip
        close(tdtr(kind=kind).predict(aluminium()), want, 1e-14)


def test_a_jump_of_the_in_phase_signal_at_zero_delay_is_the_heat_of_one_pulse():
    """Just after a pulse the film holds the heat Pτ under the mean profile of both beams: Z jumps by twice that."""
    thin = Stack(
        [Layer("Al", 20 * nm, 5000.0, heat_capacity=2.43e6), Layer("Si", np.inf, 1.0, heat_capacity=1e6)], [1e4]
    )
    before, after = tdtr([-1e-12, 1e-12], delayed="probe").signal(thin)
    width = 2 * (10 * um) ** 2
    close(after - before, 2 / 80e6 / (2.43e6 * 20 * nm * np.pi * width / 2), 1e-3)


def test_numbers_by_name():
    experiment = tdtr(setup=Setup(absorption_depth=5 * nm))
    assert set(experiment.parameters) >= {"pump_radius", "probe_radius", "modulation", "phase", "absorption_depth"}
    assert "pump_radius_y" not in experiment.parameters
    changed = experiment.replace({"pump_radius": 9 * um, "absorption_depth": 7 * nm, "phase": 0.01, "offset": 1 * um})
    assert (changed.beams.pump_radius, changed.beams.offset, changed.setup.absorption_depth) == (9 * um, 1 * um, 7 * nm)
    assert experiment.beams.pump_radius == 10 * um
    close(tdtr(phase=0.01).signal(aluminium()), tdtr().signal(aluminium()) * np.exp(0.01j), 1e-14)
    shifted = tdtr([110 * ps, 1.01 * ns], time_zero=10 * ps).signal(aluminium())
    close(shifted, tdtr([100 * ps, 1 * ns]).signal(aluminium()), 1e-12)
    with pytest.raises(InputError, match="Tdtr has no number 'radius': it has pump_radius, "):
        experiment.replace({"radius": 1.0})


def test_a_pump_that_grows_is_at_each_delay_a_pump_of_that_size():
    got = tdtr(defocus=5e7).signal(aluminium())
    for z, t in zip(got, tdtr().delay, strict=True):
        beams = Beams(10 * um * (1 + 5e7 * t), 10 * um)
        alone = Tdtr([t], beams, modulation=9.8e6, repetition=80e6, delayed="pump").signal(aluminium())[0]
        assert abs(z / alone - 1) < 1e-7


# second road: heat in time


def test_pulses_one_by_one_in_a_plate():
    """A wide spot on a plate with a cold back: modes of the plate in time, pulses added one after the other."""
    count, thick = 800, 2 * um
    plate = Stack([Layer("x", thick, 30.0, heat_capacity=2e6)])
    wide = Tdtr([50 * ps, 400 * ps, 5 * ns, 12 * ns], Beams(0.01, 0.01), modulation=3.1e6, repetition=80e6,
                delayed="probe", setup=Setup(back="isothermal"))  # fmt: skip
    q = (np.arange(count * 5) + 0.5) * np.pi / thick  # ∂T = 0 in front, T = 0 behind
    rate = 30.0 / 2e6 * q**2
    t = wide.delay
    amplitude = 2 / (2e6 * thick)
    turn = np.exp(-(rate + 2j * np.pi * 3.1e6) / 80e6)
    each = amplitude * np.exp(-np.outer(t, rate + 2j * np.pi * 3.1e6)) / (1 - turn)
    area = np.pi * 2 * 0.01**2 / 2
    close(wide.signal(plate), 2 / 80e6 * each.sum(axis=1) / area, 1e-6)


def test_layers_in_finite_differences():
    """A film, a boundary and a substrate on a grid, its modes in time; the grid is good to 1e-3."""
    film, rest, g = 80 * nm, 1.5 * um, 120 * MW
    stack = Stack([Layer("a", film, 150.0, heat_capacity=2.4e6), Layer("b", rest, 20.0, heat_capacity=1.8e6)], [g])
    cells = [(film / 80, 150.0, 2.4e6)] * 80 + [(rest / 900, 20.0, 1.8e6)] * 900
    d, kappa, c = (np.array(v) for v in zip(*cells, strict=True))
    link = 1 / (d[:-1] / 2 / kappa[:-1] + d[1:] / 2 / kappa[1:] + (np.arange(len(d) - 1) == 79) / g)
    held = c * d
    inside = np.zeros(len(d))
    inside[:-1] += link
    inside[1:] += link
    inside[-1] += 2 * kappa[-1] / d[-1]
    root = np.sqrt(held)
    matrix = (
        np.diag(inside / held) - np.diag(link / (root[1:] * root[:-1]), 1) - np.diag(link / (root[1:] * root[:-1]), -1)
    )
    rate, modes = np.linalg.eigh(matrix)
    surface = modes[0] ** 2 / held[0]
    wide = Tdtr([100 * ps, 500 * ps, 3 * ns, 10 * ns], Beams(0.01, 0.01), modulation=3.1e6, repetition=80e6,
                delayed="probe", setup=Setup(back="isothermal"))  # fmt: skip
    decay = rate + 2j * np.pi * 3.1e6
    each = np.exp(-np.outer(wide.delay, decay)) / (1 - np.exp(-decay / 80e6)) @ surface
    got = wide.signal(stack) * np.pi * 0.01**2
    assert np.abs(got / (2 / 80e6 * each) - 1).max() < 2e-3


# convergence on any stack


def decades(low, high):
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: 10**x)


rows = st.builds(
    lambda d, k, r, c: {"thickness": d, "conductivity": k, "in_plane": r, "heat_capacity": c},
    decades(1e-10, 1e-3), decades(0.01, 5000), decades(0.01, 5000), decades(1e5, 5e6),
)  # fmt: skip


@given(
    st.lists(rows, min_size=1, max_size=4), st.lists(decades(1e3, 1e16), min_size=3, max_size=3), st.booleans(),
    decades(5e-7, 5e-5), decades(5e-7, 5e-5), decades(1e5, 3e7), st.sampled_from(["adiabatic", "isothermal"]),
)  # fmt: skip
def test_every_stack_converges(found, conductances, endless, pump, probe, modulation, back):
    layers = [Layer(str(i), **row) for i, row in enumerate(found)]
    if endless:
        layers[-1] = Layer("last", **{**found[-1], "thickness": np.inf})
    stack = Stack(layers, conductances[: len(layers) - 1])
    delay = np.concatenate([[-20 * ps], np.geomspace(50 * ps, 5 * ns, 12)])
    experiment = Tdtr(delay, Beams(pump, probe), modulation=modulation, repetition=80e6, delayed="pump",
                      setup=Setup(back=back))  # fmt: skip
    z = experiment.signal(stack)
    average = experiment.quadrature(stack, nodes=96)
    response = (
        impedance(stack, experiment.pulse_train.s, average.kx, average.ky, setup=experiment.setup) @ average.weight[0]
    )
    finer = experiment.pulse_train.signal(response) * np.exp(2j * np.pi * modulation * delay)
    terms = (np.abs(experiment.pulse_train.direct) + np.abs(experiment.pulse_train.mirrored)) @ np.abs(response)
    assert np.isfinite(z).all()
    assert (np.abs(z - finer) < 1e-6 * np.abs(finer) + 1e-9 * terms).all()  # the latter where all heat has long gone


# refusals


def test_what_is_refused():
    for delay, words in (
        ([2e-9, 1e-9], "numbers that increase, got 1e-09 at index 1"),
        ([1e-9, 1e-9], "numbers that increase"),
        ([np.nan], "without NaN"),
        ([0.0, 1e-9], "delay 0 s is in the moment of a pulse"),
    ):
        with pytest.raises(InputError, match=words):
            tdtr(delay).predict(aluminium())
    for wrong in (
        {"modulation": -1.0}, {"repetition": 0.0}, {"delayed": "both"}, {"kind": "voltage"}, {"phase": np.nan},
        {"scale": 0.0},
    ):  # fmt: skip
        with pytest.raises(InputError):
            tdtr(**wrong)
    with pytest.raises(InputError, match="defocus = -1e"):
        tdtr(defocus=-1e9).predict(aluminium())
    no_heat = Stack([Layer("Al", 80 * nm, 180), Layer("Si", np.inf, 140)], [1e8])
    with pytest.raises(InputError, match="layer Al has no heat_capacity"):
        tdtr().predict(no_heat)
