import numpy as np
import pytest

from kapitza.core.phonons import Phonons
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.sheet import LIBRARY_SHEETS, Sheet, sheet
from kapitza.theory.dmm import dmm
from kapitza.theory.sheets import sheet_on_solid
from kapitza.units import k_B


@pytest.mark.parametrize("name", sorted(LIBRARY_SHEETS))
def test_states_count_one_mode_of_each_branch_per_atom(name):
    """∫ g dω is a quadrature of piecewise linear functions between the edges: exact by the midpoint rule."""
    one = sheet(name)
    bounds = np.concatenate([[0], one.edges])
    count = np.sum(np.diff(bounds) * one.density_of_states((bounds[1:] + bounds[:-1]) / 2))
    np.testing.assert_allclose(count, 3 * one.atoms, rtol=1e-12, atol=0)


def test_modes_of_a_stack_are_those_of_a_crystal_with_one_speed_across():
    """A second road: ½ 2π ∫ g₃ v_z with g₃ = g/d and the speed across v_z = (C33/ρ)^½, ρ = ρ_s/d, of graphite."""
    one, spacing, c33 = sheet("graphene"), 3.35e-10, 38.7e9
    v_z = np.sqrt(c33 / (one.density / spacing))
    omega = np.array([1e12, 1e13, 1e14])
    want = np.pi * one.density_of_states(omega) / spacing * v_z
    np.testing.assert_allclose(one.modes(omega), want, rtol=1e-12, atol=0)


def test_graphene_has_its_measured_density_and_speeds():
    """0.76 mg m⁻²; in-plane speeds of graphite from x-ray scattering 22.2 and 14.7 km/s within 7 %."""
    one = sheet("graphene")
    np.testing.assert_allclose(one.density, 0.76e-6, rtol=5e-3, atol=0)
    np.testing.assert_allclose([one.longitudinal, one.transverse], [22.2e3, 14.7e3], rtol=0.07, atol=0)


def test_diffuse_mismatch_on_silica_saturates_between_the_bounds():
    silica = Solid("a-SiO2", 2200, 5970, 3760, 6.6e28)
    spectrum = dmm(sheet("graphene"), silica)
    hot = spectrum.conductance([3000.0], statistics="classical").value
    want = k_B / (2 * np.pi) * np.sum(spectrum.weights * spectrum.total)
    np.testing.assert_allclose(hot, want, rtol=1e-12, atol=0)
    warm = spectrum.conductance([300.0]).value
    bonded = sheet_on_solid(sheet("graphene"), silica, spring=1.23e20).conductance([300.0]).value
    assert warm > bonded  # diffuse mismatch knows nothing of a weak bond
    assert isinstance(sheet("MoS2"), Phonons)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="graphene"):
        sheet("graphen")
    good = {"density": 7.6e-7, "rigidity": 2e-19, "longitudinal": 2e4, "transverse": 1e4, "atoms": 4e19}
    for wrong in ({"density": 2200.0}, {"rigidity": 1.4}, {"cells": 8e19}, {"spring": np.nan}):
        with pytest.raises(InputError):
            Sheet(name="wrong", **({**good, "cells": 2e19, "spring": 1e20} | wrong))
