import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erfc

from kapitza.errors import InputError
from kapitza.theory.contact import RoughContact, pressed_contact, spot_resistance
from kapitza.theory.knudsen import gas, gas_gap
from kapitza.units import GPa, MPa, nm, um

BLOCKS = RoughContact(left=200.0, right=16.0, roughness=1 * um, slope=0.1, hardness=2.5 * GPa)
loads = st.floats(1e-6, 2e-2)


@given(load=loads)
@settings(max_examples=60, deadline=None)
def test_constriction_is_the_published_correlation(load):
    """1.25 k m/σ (p/H)^0.95 within 1.5 %, as its author states, between 1e-6 and 2.3e-2."""
    want = 1.25 * BLOCKS.conductivity * 0.1 / um * load**0.95
    np.testing.assert_allclose(BLOCKS.constriction(load * BLOCKS.hardness), want, rtol=0.017, atol=0)


@given(load=st.floats(1e-3, 1e-2))
@settings(max_examples=30, deadline=None)
def test_constriction_is_close_to_the_first_correlation(load):
    """1.45 k m/σ (p/H)^0.985 of Cooper, Mikic and Yovanovich for the loads of their experiments, within 12 %."""
    want = 1.45 * BLOCKS.conductivity * 0.1 / um * load**0.985
    np.testing.assert_allclose(BLOCKS.constriction(load * BLOCKS.hardness), want, rtol=0.12, atol=0)


@given(load=loads)
@settings(max_examples=40, deadline=None)
def test_constriction_equals_spots_in_their_flux_tubes(load):
    """A second road: number and radius of the spots of Gaussian surfaces, each with its constriction."""
    lam = BLOCKS.separation(load * BLOCKS.hardness) / BLOCKS.roughness
    touching = erfc(lam / np.sqrt(2)) / 2
    number = (0.1 / um) ** 2 * np.exp(-(lam**2)) / erfc(lam / np.sqrt(2)) / 16
    radius = np.sqrt(8 / np.pi) * um / 0.1 * np.exp(lam**2 / 2) * erfc(lam / np.sqrt(2))
    np.testing.assert_allclose(touching, load, rtol=1e-9, atol=0)
    np.testing.assert_allclose(number * np.pi * radius**2, touching, rtol=1e-9, atol=0)
    each = 2 * BLOCKS.conductivity * radius / (1 - np.sqrt(touching)) ** 1.5
    np.testing.assert_allclose(BLOCKS.constriction(load * BLOCKS.hardness), number * each, rtol=1e-9, atol=0)


def test_a_load_of_a_tenth_of_the_hardness_is_the_last_one():
    soft = evolve(BLOCKS, hardness=1 * GPa)
    assert soft.constriction(0.1 * GPa)[0] > 0
    with pytest.raises(InputError, match=r"wanted at most 0\.1"):
        soft.constriction(0.1001 * GPa)


def test_gas_adds_its_gap_to_the_spots():
    pressure = 1 * MPa
    vacuum = pressed_contact(BLOCKS, pressure, temperature=[250.0, 300.0])
    filled = pressed_contact(BLOCKS, pressure, temperature=[250.0, 300.0], gas=gas("air"))
    gap = gas_gap(gas("air"), BLOCKS.separation(pressure)[0], pressure=101325.0, temperature=[250.0, 300.0])
    np.testing.assert_allclose(filled.value - vacuum.value, gap.value, rtol=1e-12, atol=0)
    assert "macroscopic contact" in filled.method
    assert "not a Kapitza" in filled.method


def test_maxwell_spot_from_the_field_of_its_sources():
    """Flow density ∝ (a² - r²)^-½ keeps the spot isothermal; it gives 4ka for one side, 1/2ka for two."""
    a, k = 1.0, 1.0
    for r0 in (0.0, 0.3, 0.8):
        angle = (np.arange(64) + 0.5) * np.pi / 64
        temperature = 0.0
        for phi in angle:
            # chord through r0: s from s₁ to s₂, |r0 + s|² = r0² + 2 r0 s cos φ + s²
            middle, half = -r0 * np.cos(phi), np.sqrt(a**2 - (r0 * np.sin(phi)) ** 2)
            t = (np.arange(200) + 0.5) * np.pi / 200
            s = middle - half * np.cos(t)
            density = 1 / np.sqrt(a**2 - r0**2 - 2 * r0 * s * np.cos(phi) - s**2)
            temperature += np.sum(density * half * np.sin(t)) * np.pi / 200 * np.pi / 64
        temperature /= 2 * np.pi * k
        np.testing.assert_allclose(temperature, np.pi / 2, rtol=1e-6, atol=0)
    flow = 2 * np.pi * a  # ∫ 2πr (a² - r²)^-½ dr
    np.testing.assert_allclose(spot_resistance(conductivity=k, radius=a), 2 * (np.pi / 2) / flow, rtol=1e-12, atol=0)


def test_narrow_spots_are_apertures_for_phonons():
    """A second road: C v/4 through the hole, Sharvin."""
    heat, speed, path, a = 1.6e6, 6000.0, 1 * um, 0.1 * nm
    got = spot_resistance(conductivity=heat * speed * path / 3, radius=a, mean_free_path=path)
    np.testing.assert_allclose(got, 4 / (heat * speed * np.pi * a**2), rtol=1e-3, atol=0)


@given(path=st.floats(1e-10, 1e-4))
@settings(max_examples=60, deadline=None)
def test_the_bridge_deviates_from_the_sum_as_published(path):
    """Exact conductance against the naive sum of both resistances: less than 11 % apart (abstract of the source)."""
    naive = 1 / (2 * 100.0 * 50 * nm) + 4 * path / (3 * np.pi * 100.0 * (50 * nm) ** 2)
    got = spot_resistance(conductivity=100.0, radius=50 * nm, mean_free_path=path)
    assert 0.89 * naive <= got <= naive


@pytest.mark.parametrize(
    "make",
    [
        lambda: pressed_contact(BLOCKS, 1 * GPa),
        lambda: pressed_contact(BLOCKS, -1.0),
        lambda: RoughContact(200.0, 16.0, 0.0, 0.1, 1e9),
        lambda: spot_resistance(conductivity=1.0, radius=1.0, mean_free_path=-1.0),
        lambda: spot_resistance(conductivity=np.nan, radius=1.0),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
