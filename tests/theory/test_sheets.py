import tomllib
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.sheet import SPRINGS_ON_SILICA, sheet
from kapitza.theory.sheets import coupled_transmission, sheet_on_solid, sheet_response, surface_response
from kapitza.units import MW, hbar, k_B

PUBLISHED = tomllib.loads((Path(__file__).parents[1] / "published" / "contacts.toml").read_text("utf-8"))
SILICA = Solid("a-SiO2", 2200, 5970, 3760, 6.6e28)


def flux_into(substrate, q, omega, stress):
    """Mean power per area that a wave of normal stress radiates, from the fields deep inside: W m⁻².

    u = grad φ + rot ψ with φ = A e^{i(qx + p_L z)}, ψ = B e^{i(qx + p_T z)}, z into the solid.
    """
    rho, c_l, c_t = substrate.density, substrate.longitudinal, substrate.transverse
    mu, lam = rho * c_t**2, rho * (c_l**2 - 2 * c_t**2)
    p_l, p_t = (np.sqrt((omega / c) ** 2 - q**2 + 0j) for c in (c_l, c_t))

    def fields(z, a, b):
        phi, psi = a * np.exp(1j * p_l * z), b * np.exp(1j * p_t * z)
        u_x, u_z = 1j * q * phi - 1j * p_t * psi, 1j * p_l * phi + 1j * q * psi
        zz = -(lam * (omega / c_l) ** 2 + 2 * mu * p_l**2) * phi - 2 * mu * q * p_t * psi
        xz = mu * (-2 * q * p_l * phi + (p_t**2 - q**2) * psi)
        return u_x, u_z, xz, zz

    unit = [fields(0.0, *ab)[2:] for ab in ((1, 0), (0, 1))]
    a, b = np.linalg.solve(np.array(unit).T, [0, stress])
    depth = 3.7 / (q + omega / c_l)
    u_x, u_z, xz, zz = fields(depth, a, b)
    return -0.5 * np.real(xz * np.conj(-1j * omega * u_x) + zz * np.conj(-1j * omega * u_z))


@given(
    q=st.floats(0.01, 3),
    omega=st.floats(1e11, 1e14),
    spring=st.floats(1e15, 1e22),
    damping=st.floats(1e-5, 1),
    loss=st.floats(0, 0.2),
)
@settings(max_examples=300, deadline=None)
def test_a_wave_vector_transmits_between_nothing_and_all(q, omega, spring, damping, loss):
    q = q * omega / SILICA.transverse
    above = sheet_response(q, omega, sheet("graphene"), damping)
    below = surface_response(q, omega, SILICA, loss)
    assert above.imag > 0
    assert below.imag >= -1e-12 * abs(below)
    assert -1e-12 <= coupled_transmission(above, below, spring) <= 1 + 1e-12


@given(share=st.floats(0.001, 0.999), omega=st.floats(1e11, 5e13), spring=st.floats(1e17, 1e21))
@settings(max_examples=60, deadline=None)
def test_transmission_equals_the_flow_of_energy_in_the_substrate(share, omega, spring):
    """A second road: a force F on the sheet, the equations of motion solved, the energy counted far below.

    The noise force has |F|² ∝ 2ħ Im(1/χ*) = 2ħ ρ_s ω γ, so that T = 4 ρ_s ω γ (2P/ω)/|F|².
    """
    one, damping = sheet("graphene"), 0.02
    q = share * omega / SILICA.transverse
    below = surface_response(q, omega, SILICA)
    inertia = one.rigidity * q**4 - one.density * omega**2 * (1 + 1j * damping)
    # sheet: inertia u + K (u - w) = F;  surface: w/χ + K (w - u) = 0
    matrix = np.array([[inertia + spring, -spring], [-spring, 1 / below + spring]])
    u, w = np.linalg.solve(matrix, [1.0, 0.0])
    power = flux_into(SILICA, q, omega, -spring * (u - w))
    want = 4 * one.density * omega**2 * damping * 2 * power / omega
    got = coupled_transmission(sheet_response(q, omega, one, damping), below, spring)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=0)


def test_surface_response_at_its_limits():
    """At q = 0 the impedance ρ c_L of a plane wave, i/(ρ c_L ω); at rest (1 - ν)/(μ q) of Boussinesq."""
    omega = 1e12
    want = 1j / (SILICA.density * SILICA.longitudinal * omega)
    np.testing.assert_allclose(surface_response(0.0, omega, SILICA), want, rtol=1e-12, atol=0)
    ratio = (SILICA.transverse / SILICA.longitudinal) ** 2
    static = 1 / (2 * SILICA.density * SILICA.transverse**2 * (1 - ratio) * 1e9)
    np.testing.assert_allclose(surface_response(1e9, 1e9, SILICA).real, static, rtol=1e-5, atol=0)


def test_rayleigh_pole_stands_at_the_speed_of_the_wave():
    """A Poisson solid (c_L = √3 c_T) has its Rayleigh wave at 0.919402 c_T = (2 - 2/√3)^½ c_T."""
    solid = Solid("Poisson", 2000, 3000 * np.sqrt(3), 3000, 5e28)
    speed = np.linspace(0.9, 0.95, 20001) * 3000
    response = surface_response(1e12 / speed, 1e12, solid, loss=1e-4)
    found = speed[np.argmax(response.imag)]
    np.testing.assert_allclose(found, np.sqrt(2 - 2 / np.sqrt(3)) * 3000, rtol=1e-5, atol=0)


def test_cold_resistance_falls_as_the_fourth_power():
    """Ξ = (2 γ/ω ρ_s ω³/π ρ c_T³) ∫ x Im χ dx as ω → 0, and ∫ x⁵eˣ/(eˣ-1)² dx = 5! ζ(5)."""
    one, damping = sheet("graphene"), 0.01
    t = (np.arange(20000) + 0.5) / 20000 * np.pi / 2
    x = np.sin(t)  # ∫ x Im χ dx; the square root at x = 1 goes away
    omega = 1e9
    im = surface_response(x * omega / SILICA.transverse, omega, SILICA).imag
    area = np.sum(x * im * np.cos(t)) * np.pi / 40000 * SILICA.density * SILICA.transverse * omega
    factor = 2 * damping * one.density / (np.pi * SILICA.density * SILICA.transverse**3) * area
    temperature = np.array([0.02, 0.04, 0.08])
    want = k_B / (2 * np.pi) * (k_B * temperature / hbar) ** 4 * 120 * 1.0369277551 * factor
    spectrum = sheet_on_solid(one, SILICA, spring=1.23e20, damping=damping)
    got = spectrum.conductance(temperature).value
    np.testing.assert_allclose(got, want, rtol=2e-3, atol=0)


def test_integral_over_wave_vectors_has_converged():
    """The same integral by a midpoint rule of 400,000 points."""
    one, omega = sheet("graphene"), np.array([2e12, 2e13, 5e13])
    got = sheet_on_solid(one, SILICA, spring=1.23e20, damping=3e-3, omega=omega).total
    for value, w in zip(got, omega, strict=True):
        q = np.sin((np.arange(400_000) + 0.5) / 400_000 * np.pi / 2) * w / SILICA.transverse
        step = np.sqrt((w / SILICA.transverse) ** 2 - q**2) * np.pi / 800_000
        share = coupled_transmission(sheet_response(q, w, one, 3e-3), surface_response(q, w, SILICA), 1.23e20)
        np.testing.assert_allclose(value, np.sum(q * share * step) / (2 * np.pi), rtol=1e-5, atol=0)


def test_losses_of_the_substrate_open_the_rayleigh_channel_little_by_little():
    values = [
        sheet_on_solid(sheet("graphene"), SILICA, spring=1.23e20, substrate_loss=loss).conductance([300.0]).value[0]
        for loss in (0.0, 1e-3, 1e-2)
    ]
    assert values[0] < values[1] < values[2] < 1.2 * values[0]


def test_a_softer_spring_passes_less_in_the_end_as_its_square():
    soft = [
        sheet_on_solid(sheet("MoS2"), SILICA, spring=k, damping=0.3).conductance([300.0]).value[0] for k in (1e15, 2e15)
    ]
    assert 1.9 < soft[1] / soft[0] < 4.1


@pytest.mark.parametrize("name", ["graphene", "MoS2"])
def test_published_conductance_on_silica(name):
    row = PUBLISHED[f"{name}_on_silica"]
    spectrum = sheet_on_solid(sheet(name), SILICA, spring=SPRINGS_ON_SILICA[name], damping=0.01)
    got = spectrum.conductance([300.0]).value / MW
    np.testing.assert_allclose(got, row["value"], rtol=row["tolerance"], atol=0)


@pytest.mark.parametrize(
    "wrong", [{"spring": 0.0}, {"spring": 1e20, "damping": -1.0}, {"spring": 1e20, "substrate_loss": np.nan}]
)
def test_wrong_input_is_refused(wrong):
    with pytest.raises(InputError):
        sheet_on_solid(sheet("graphene"), SILICA, **wrong)


def test_zone_of_the_sheet_bounds_the_transmission():
    """Few cells per area: no more bending modes than cells."""
    one = evolve(sheet("graphene"), cells=1e17)
    spectrum = sheet_on_solid(one, SILICA, spring=1.23e20, damping=0.5)
    assert spectrum.left is not None
    assert np.all(spectrum.total <= spectrum.left)
    np.testing.assert_allclose(spectrum.left, 1e17, rtol=1e-12, atol=0)
