"""Sweeps against the direct solution, and steps that stay few from the ballistic to the diffusive end."""

import numpy as np
import pytest

from kapitza.errors import ConvergenceError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import gray_carriers
from kapitza.simulate.boltzmann.layered.solver import (
    conjugate_gradients,
    partial_fractions,
    solve_balance,
    solve_by_sweeps,
)
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, transport

GRAY = gray_carriers("gray", heat_capacity=4e6, velocity=1000.0, mean_free_path=1e-8)


@pytest.mark.parametrize("specular", [0.0, 0.4])
@pytest.mark.parametrize("thickness", [1e-9, 1e-7, 1e-5])
def test_both_solvers_agree(bands, thickness, specular):
    films = [Film(thickness, bands([300, 200], [20, 300])), Film(2 * thickness, bands([150, 250], [10, 100], "b"))]
    walls = Wall(301.0, specular), Wall(299.0, specular)
    slabs, _ = assemble_layers(films, [InterfaceScattering(coefficient=[0.3, 0.5])], *walls)
    one, other = solve_balance(slabs), solve_by_sweeps(slabs)
    np.testing.assert_allclose(other.face_flux(), one.face_flux(), rtol=1e-8, atol=0)
    np.testing.assert_allclose(other.entering, one.entering, rtol=0, atol=1e-8)
    assert one.steps == 0 < other.steps <= 25


@pytest.mark.parametrize("thickness", [1e-3, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4])
def test_steps_stay_few(thickness):
    """From Knudsen number 1e3 to 1e-4, 400 equal cells."""
    slabs, _ = assemble_layers([Film(thickness * 1e-8, GRAY, cells=400)], [], None, None)
    found = solve_by_sweeps(slabs)
    assert found.steps <= 20
    want = transport([Film(thickness * 1e-8, GRAY)]).flux
    np.testing.assert_allclose(found.face_flux().sum(axis=0), want, rtol=1e-5, atol=0)


def test_many_layers_are_swept_by_themselves(bands):
    """Thirty layers of one medium with open specular boundaries are one layer."""
    medium = bands([300], [20])
    films = [Film(1e-8, medium, name=str(i)) for i in range(30)]
    found = transport(films, [InterfaceScattering(coefficient=1.0, specular=1.0)] * 29)
    np.testing.assert_allclose(found.flux, transport([Film(3e-7, medium)]).flux, rtol=1e-6, atol=0)


def test_partial_fractions_are_the_inverse():
    weight, length = np.array([5.0, 2.0, 1.0, 0.5, 0.2, 0.1]), 10.0 ** np.arange(6)
    residue, pole = partial_fractions(weight, length)
    assert (residue > 0).all()
    for z in (1e-9, 1e-4, 1e-2, 3.0):
        want = 1 / np.sum(weight * z * length / (1 + z * length))
        np.testing.assert_allclose(np.sum(residue / (z + pole)) + 1 / weight.sum(), want, rtol=1e-9, atol=0)


def test_an_iteration_that_fails_says_so():
    crooked = np.diag(np.geomspace(1e-14, 1, 800))
    with pytest.raises(ConvergenceError, match="use fewer cells"):
        conjugate_gradients(lambda x: crooked @ x, np.ones(800), lambda x: x)
