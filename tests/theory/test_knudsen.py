import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from kapitza.core.transmission import DROP_CORRECTION
from kapitza.errors import InputError
from kapitza.theory.knudsen import GAS_LIBRARY, HOPF_CONSTANT, Gas, gas, gas_gap, phonon_slip, temperature_jump
from kapitza.units import N_A, k_B, nm

PUBLISHED = tomllib.loads((Path(__file__).parents[1] / "published" / "contacts.toml").read_text("utf-8"))
shares = st.floats(0.05, 1.0)
pressures = st.floats(1e-2, 1e6)
widths = st.floats(1e-9, 1e-2)


def test_milne_constant_is_the_integral_of_hopf():
    def inside(x):
        return 3 / x**2 - 1 / (1 - x / np.tan(x))

    # both terms go as 3/x² and cancel towards 0, where the sum is 1/5
    small = 0.01
    want = 6 / np.pi**2 + (quad(inside, small, np.pi / 2, epsabs=1e-13)[0] + small * 0.2) / np.pi
    np.testing.assert_allclose(HOPF_CONSTANT, want, rtol=2e-6, atol=0)
    np.testing.assert_allclose(1 - 0.75 * HOPF_CONSTANT, DROP_CORRECTION["extrapolated"], rtol=1e-12, atol=0)


@pytest.mark.parametrize(("depth", "name"), [(5.0, "gray_slab_5"), (2.0, "gray_slab_2")])
def test_slabs_between_black_walls_carry_what_two_slips_leave(depth, name):
    """Conductivity of a gray slab of L = depth Λ, from the integral equation of transport."""
    k, path = 100.0, 50 * nm
    slip = phonon_slip(conductivity=k, mean_free_path=path)
    got = depth * path / k / (depth * path / k + 2 * slip)
    row = PUBLISHED[name]
    np.testing.assert_allclose(got, row["value"], rtol=row["tolerance"], atol=0)


def test_phonon_slip_needs_no_mean_free_path():
    """3 · 0.710446/(C v) for k = C v Λ/3."""
    got = [phonon_slip(conductivity=1.6e6 * 6000 * x / 3, mean_free_path=x) for x in (10 * nm, 300 * nm)]
    np.testing.assert_allclose(got, 2.131338 / (1.6e6 * 6000), rtol=1e-6, atol=0)


@given(width=widths, pressure=pressures, one=shares, other=shares, name=st.sampled_from(sorted(GAS_LIBRARY)))
@settings(max_examples=60, deadline=None)
def test_gap_is_the_interpolation_between_free_molecules_and_continuum(width, pressure, one, other, name):
    """A second road: Sherman, with the flow of free molecules, knows neither viscosity nor jump."""
    air = gas(name)
    free = air.free_molecular(pressure, 300.0)
    want = 1 / (width / air.conductivity + (1 / one + 1 / other - 1) / free)
    got = gas_gap(air, width, pressure=pressure, temperature=300.0, accommodation=(one, other)).value
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=0)


@given(width=widths, pressure=pressures)
@settings(max_examples=40, deadline=None)
def test_single_atoms_follow_the_four_moments(width, pressure):
    """h/h_FM = 1/(1 + 4/15 d/Λ) of Lees and Liu, with k = 15/4 (k_B/m) η."""
    mass = 40e-3 / N_A
    hard = Gas("hard", mass, 15 / 4 * k_B / mass * 2e-5, 2e-5, 5 / 3)
    np.testing.assert_allclose(hard.prandtl, 2 / 3, rtol=1e-12, atol=0)
    ratio = width / hard.mean_free_path(pressure, 250.0)
    got = gas_gap(hard, width, pressure=pressure, temperature=250.0).value / hard.free_molecular(pressure, 250.0)
    np.testing.assert_allclose(got, 1 / (1 + 4 / 15 * ratio), rtol=1e-10, atol=0)


def test_free_molecules_counted_by_hand():
    """¼ n v̄ = p/√(2π m k_B T) molecules, each with 2 k_B T of a monatomic gas: integrate the Maxwell distribution."""
    argon, t, p = gas("argon"), 300.0, 100.0
    speed = np.sqrt(k_B * t / argon.mass)
    v = np.linspace(0, 12, 20001)[1:] * speed
    dv = v[1] - v[0]
    normal = np.exp(-((v / speed) ** 2) / 2) / (np.sqrt(2 * np.pi) * speed)
    flux = p / (k_B * t) * np.sum(v * normal) * dv
    energy = p / (k_B * t) * np.sum(v * (argon.mass * v**2 / 2 + k_B * t) * normal) * dv
    np.testing.assert_allclose(energy / flux, 2 * k_B * t, rtol=1e-6, atol=0)
    # one wall at T + δ: the flux of molecules is that of both walls in balance, so only the energy of each changes
    np.testing.assert_allclose(argon.free_molecular(p, t), 2 * k_B * flux, rtol=1e-5, atol=0)


def test_jump_is_what_kinetic_theory_publishes_within_its_known_error():
    row = PUBLISHED["temperature_jump_full_accommodation"]
    argon = gas("argon")
    unit = argon.viscosity * np.sqrt(2 * k_B * 300.0 / argon.mass) / 1e5
    got = temperature_jump(argon, pressure=1e5, temperature=300.0) / unit
    np.testing.assert_allclose(got, row["value"], rtol=row["tolerance"], atol=0)


def test_mean_free_path_of_air_is_the_published_one():
    row = PUBLISHED["mean_free_path_of_air"]
    got = gas("air").mean_free_path(101325.0, 296.15) / nm
    np.testing.assert_allclose(got, row["value"], rtol=row["tolerance"], atol=0)


@pytest.mark.parametrize("name", sorted(GAS_LIBRARY))
def test_prandtl_numbers_of_the_library(name):
    want = 2 / 3 if GAS_LIBRARY[name].ratio > 1.5 else 0.71
    np.testing.assert_allclose(GAS_LIBRARY[name].prandtl, want, rtol=0.03, atol=0)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="helium"):
        gas("heliun")
    for share in (1.2, 0.0):
        with pytest.raises(InputError):
            temperature_jump(gas("air"), pressure=1e5, temperature=300.0, accommodation=share)
    with pytest.raises(InputError):
        gas_gap(gas("air"), -1e-6, pressure=1e5, temperature=300.0)
    with pytest.raises(InputError):
        gas_gap(gas("air"), 1e-6, pressure=0.0, temperature=300.0)
    with pytest.raises(InputError):
        phonon_slip(conductivity=1.0, mean_free_path=-1.0)
