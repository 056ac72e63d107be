"""Bands from spectra: sums that are kept, conductivities in closed form, transmissions that fit them."""

import numpy as np
import pytest

from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.bands import Bands
from kapitza.matter.isotropic import born_von_karman
from kapitza.matter.library import solid
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
from kapitza.simulate.boltzmann.carriers import ScatteringRates
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, group_frequencies, spectral_carriers
from kapitza.theory.dmm import dmm
from kapitza.units import k_B
from matter_samples import silicon_dispersion

RATES = ScatteringRates(umklapp=1.2e-19, onset=140.0, impurity=1.3e-45)


def test_classical_debye_solid_in_closed_form():
    """Rate Bω²T, one k_B each: κ = k_B Σ ω_c /(6π² v B T) exactly, and the capacity is that of all modes."""
    si = solid("Si")
    found = spectral_carriers(si, ScatteringRates(umklapp=1e-19), temperature=300.0, statistics="classical")
    want = np.sum(k_B * si.cutoffs / (6 * np.pi**2 * si.speeds * 1e-19 * 300))
    np.testing.assert_allclose(found.conductivity, want, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.heat_capacity, 3 * si.atoms * k_B, rtol=1e-9, atol=0)


@pytest.mark.parametrize("material", [solid("Si"), silicon_dispersion(), born_von_karman("b", 9000.0, 5400.0, 1.1e10)])
def test_flow_is_that_of_the_modes(material):
    """What the groups carry one way is the Landauer integral over the modes of the material."""
    found = spectral_carriers(material, RATES)
    omega = group_frequencies(found.edges)
    modes = material.modes(omega)
    spectrum = Transmission(omega, modes, modes, modes)
    np.testing.assert_allclose(InterfaceScattering(spectrum).flow(found, found), found.flow, rtol=1e-6, atol=0)


def test_conductivity_is_fitted():
    for material in (solid("Ge"), silicon_dispersion()):
        found = spectral_carriers(material, RATES, conductivity=60.0)
        np.testing.assert_allclose(found.conductivity, 60.0, rtol=1e-8, atol=0)
    with pytest.raises(InputError, match="above 0"):
        spectral_carriers(solid("Ge"), RATES, conductivity=0.0)
    with pytest.raises(InputError, match="out of reach"):
        spectral_carriers(solid("Ge"), ScatteringRates(umklapp=1e-19, boundary=1e-9), conductivity=60.0)


def test_bounds_end_at_cutoffs():
    si, ge = solid("Si"), solid("Ge")
    edges = group_edges(si, ge)
    for cutoff in (*si.edges, *ge.edges):
        assert np.abs(edges / cutoff - 1).min() < 1e-12
    with pytest.raises(InputError, match="expected a Solid"):
        group_edges("Si")


def test_full_bands_keep_modes_capacity_and_flow(data):
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    found = spectral_carriers(bands, RATES)
    assert not found.isotropic
    omega = group_frequencies(found.edges)
    modes = bands.modes(omega)
    flow = InterfaceScattering(Transmission(omega, modes, modes, modes)).flow(found, found)
    np.testing.assert_allclose(flow.sum(), found.flow.sum(), rtol=1e-3, atol=0)
    np.testing.assert_allclose(found.heat_capacity, bands.heat_capacity(300.0)[0], rtol=2e-3, atol=0)
    fine = spectral_carriers(bands, RATES, mesh=36)
    np.testing.assert_allclose(found.conductivity, fine.conductivity, rtol=0.03, atol=0)
    for thickness in (1e-8, 1e-6):
        one, other = (transport([Film(thickness, medium)]).flux for medium in (found, fine))
        np.testing.assert_allclose(one, other, rtol=0.02, atol=0)


def test_groups_between_the_waves_of_a_mesh_are_filled(data):
    """On a coarse mesh many groups hold no wave: each still carries what its modes do, c M/2π over the group."""
    bands = Bands.from_phonopy(data("crystals/Si.yaml"))
    edges = group_edges(bands, bins=150)
    found = spectral_carriers(bands, RATES, edges=edges, mesh=4)
    omega = group_frequencies(edges).reshape(edges.size - 1, -1)
    weight = np.polynomial.legendre.leggauss(omega.shape[1])[1] / 2 * np.diff(edges)[:, None]
    per_mode = mode_heat_capacity(omega.ravel(), 300.0)[0].reshape(omega.shape)
    want = np.sum(weight * per_mode * bands.modes(omega.ravel()).reshape(omega.shape), axis=1) / (2 * np.pi)
    held = np.bincount(found.group, minlength=want.size) > 0
    assert held.mean() > 0.95
    np.testing.assert_allclose(found.flow[held], want[held], rtol=1e-6, atol=1e-9 * want.max())


def test_ballistic_stack_is_landauer():
    """Without scattering inside, heat between black walls crosses by 1/R = 1/R_emitted + slips of no length."""
    si, ge = solid("Si"), solid("Ge")
    edges = group_edges(si, ge)
    sides = [spectral_carriers(one, RATES, edges=edges) for one in (si, ge)]
    spectrum = dmm(si, ge, group_frequencies(edges))
    got = transport([Film(1e-13, sides[0]), Film(1e-13, sides[1])], [spectrum])
    want = InterfaceScattering(spectrum).flow(*sides).sum()
    np.testing.assert_allclose(got.flux, want, rtol=1e-3, atol=0)
    emitted = got.conductance("emitted").value[0]
    np.testing.assert_allclose(emitted, want, rtol=1e-9, atol=0)


def test_a_transmission_of_another_material_is_refused():
    si, ge, other = solid("Si"), solid("Ge"), solid("diamond")
    edges = group_edges(si, ge, other)
    films = [Film(1e-8, spectral_carriers(one, RATES, edges=edges)) for one in (si, ge)]
    with pytest.raises(InputError, match="another material"):
        transport(films, [dmm(other, ge)])
    with pytest.raises(InputError, match="inelastic"):
        InterfaceScattering(Transmission([1e12, 2e12], [1e17, 1e17], elastic=False))
    unlike = [films[0], Film(1e-8, spectral_carriers(ge, RATES))]
    with pytest.raises(InputError, match="same edges"):
        transport(unlike, [dmm(si, ge)])


def test_rates_add():
    omega, speed = np.array([1e13]), np.array([5e3])
    one, other = ScatteringRates(umklapp=1e-19), ScatteringRates(boundary=1e-6)
    both = ScatteringRates(umklapp=1e-19, boundary=1e-6)
    total = one.rate(omega, speed, 300.0) + other.rate(omega, speed, 300.0)
    np.testing.assert_allclose(both.rate(omega, speed, 300.0), total, rtol=1e-14, atol=0)
    with pytest.raises(InputError, match="live forever"):
        ScatteringRates()


def test_rates_in_closed_form():
    """B ω² T exp(-C/T) + A ω⁴ + v/L, by hand at two temperatures."""
    rates = ScatteringRates(umklapp=1e-19, onset=150.0, impurity=1e-45, boundary=1e-6)
    omega, speed = np.array([1e13, 2e13]), np.array([5e3, 8e3])
    for temperature, freezing in ((300.0, 0.6065306597126334), (75.0, 0.1353352832366127)):
        want = 1e-19 * temperature * freezing * omega**2 + 1e-45 * omega**4 + speed * 1e6
        np.testing.assert_allclose(rates.rate(omega, speed, temperature), want, rtol=1e-12, atol=0)
