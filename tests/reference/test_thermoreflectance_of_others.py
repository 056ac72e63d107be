"""Signals of thermoreflectance against those of programs of others, as far as their own discretisation allows."""

import json

import numpy as np
import pytest
from scipy.special import j0

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.setup import Plane, Setup
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.units import nm

NAMES = (
    "Al80_SiO2", "Al80_sapphire", "Al80_Si", "Al80_Si_1p1MHz_w5", "Al80_500nmSiO2_Si", "Al90_GaN1um_SiC",
    "Al60_diamond", "Au80_graphite_aniso", "Al80_Si_negdelay", "Al80_Si_pumpdefocus16pct",
    "bidirectional_water_Al70_glass",
)  # fmt: skip


def stack_of(rows) -> Stack:
    """Layers, with the conductances that stand between them, or none."""
    layers, conductances = [], []
    for i, row in enumerate(rows):
        if "G_W_m2K" in row:
            conductances.append(row["G_W_m2K"])
            continue
        size = row["d_m"] or np.inf
        layers.append(Layer(str(i), size, row["kz_W_mK"], in_plane=row.get("kr_W_mK"), heat_capacity=row["C_J_m3K"]))
    return Stack(layers, conductances or [np.inf] * (len(layers) - 1))


def cases(reference, file: str) -> dict:
    content = json.loads(reference(f"thermoreflectance/{file}.json").read_text())
    return {case["name"]: case for case in content["cases"]}


@pytest.mark.parametrize("name", NAMES)
def test_curves_of_a_window_that_is_cut_off(reference, name):
    case = cases(reference, "tdtr_curves")[name]
    delay, pump = np.array(case["delay_s"]), np.atleast_1d(case["w_pump_m"])
    growth, radius = np.polyfit(delay, pump, 1) if pump.size > 1 else (0.0, pump[0])
    experiment = Tdtr(
        delay, Beams(radius, case["w_probe_m"]), modulation=case["f_mod_Hz"], repetition=case["f_rep_Hz"],
        delayed="pump", defocus=growth / radius,
        setup=Setup(Plane("2") if "between" in case["heated_plane"] else None),
    )  # fmt: skip
    peer = np.array(case["peer"]["re_K"]) + 1j * np.array(case["peer"]["im_K"])
    got = experiment.signal(stack_of(case["layers_top_to_bottom"]))
    assert np.abs(got / peer - 1)[delay > 0].max() < 2e-3


@pytest.mark.parametrize("name", ["Au60_sapphire50um_adiabatic_back", "Au70_fused_silica", "Au77_Si", "Au75_graphite"])
def test_phases(reference, name):
    case = cases(reference, "fdtr_offset_depth_cases")[name]
    experiment = Fdtr(case["frequency_Hz"], Beams(case["w_pump_m"], case["w_probe_m"]))
    got = np.degrees(experiment.predict(stack_of(case["layers_top_to_bottom"])))
    assert np.abs(got - case["peer_phase_deg"]).max() < 0.015  # 30 nodes of quadrature


@pytest.mark.parametrize("name", ["H_diag_coaxial", "H_diag_offset", "H_full_offset"])
def test_a_full_tensor(reference, name):
    case = cases(reference, "fdtr_offset_depth_cases")["tensor_substrate"]
    tensor = np.diag([12, 6.5, 10.0]) if "diag" in name else [[12, 1.5, 2], [1.5, 6.5, 1], [2, 1, 10]]
    stack = Stack(
        [
            Layer("Al", 80 * nm, 170, heat_capacity=2.42e6),
            Layer("fake", 1 * nm, 0.1, heat_capacity=0.1e6),
            Layer.from_tensor("x", np.inf, tensor, heat_capacity=2e6),
        ],
        [np.inf, np.inf],
    )
    x, y = case["offset_m"] if "offset" in name else (0, 0)
    want = np.array(case[name]) @ [1, 1j]
    for sign in (1, -1):
        beams = Beams(case["w_pump_m"], case["w_probe_m"], offset=sign * x, offset_y=sign * y)
        assert np.abs(Fdtr(case["frequency_Hz"], beams).signal(stack) / want - 1).max() < 1e-6


def test_beams_apart_with_the_window_of_the_peer(reference):
    """Its 2,501 harmonics, Gaussian window and 35 wave vectors are repeated here around the one impedance."""
    case = cases(reference, "fdtr_offset_depth_cases")["beam_offset_TDTR_100ps"]
    stack = Stack(
        [
            Layer("Al", 80 * nm, 170, heat_capacity=2.42e6),
            Layer("fake", 1 * nm, 0.1, heat_capacity=0.1e6),
            Layer("s", np.inf, 140, heat_capacity=1.65e6),
        ],
        [np.inf, np.inf],
    )
    m = np.arange(-1250, 1251)
    f = case["f_mod_Hz"] + m * case["f_rep_Hz"]
    window = np.exp(-np.pi * (f / 1e11) ** 2) * np.exp(2j * np.pi * f * case["delay_s"])
    x, w = np.polynomial.legendre.leggauss(35)
    width = np.hypot(case["w_pump_m"], case["w_probe_m"])
    k, step = (1 + x) * 1.5 * np.pi / width, w * 1.5 * np.pi / width
    z = impedance(stack, 2j * np.pi * np.abs(f), k)
    for offset, re, im in zip(case["offset_m"][:6], case["Z_re"], case["Z_im"], strict=False):
        response = z @ (k * step * np.exp(-((k * width) ** 2) / 8) * j0(k * offset)) / (2 * np.pi)
        got = 2 * np.sum(np.where(f < 0, response.conj(), response) * window)
        assert abs(got / (re + 1j * im) - 1) < 1e-6
        beams = Beams(case["w_pump_m"], case["w_probe_m"], offset=offset)
        converged = Tdtr([case["delay_s"]], beams, modulation=1.1e6, repetition=80e6, delayed="pump").signal(stack)[0]
        assert 1e-4 < abs(got / converged - 1) < 2e-3  # what that window costs
