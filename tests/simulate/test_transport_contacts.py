"""Walls and boundaries: partly specular, by angle, repeated, closed."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.library import solid
from kapitza.simulate.boltzmann.boundaries import AngularTransmission, InterfaceScattering, Wall, reverse_boundary
from kapitza.simulate.boltzmann.carriers import ScatteringRates, band_carriers, gray_carriers
from kapitza.simulate.boltzmann.layered.resistances import wall_slip
from kapitza.simulate.boltzmann.layered.solver import MAX_DIRECT_UNKNOWNS, solve_balance
from kapitza.simulate.boltzmann.layered.streams import CELL_POLYNOMIALS
from kapitza.simulate.boltzmann.layered.transport import Film, assemble_layers, transport
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, group_frequencies, spectral_carriers
from kapitza.theory.dmm import dmm

TWO = ([300, 200], [20, 300])


def test_emitted_is_the_landauer_integral_by_angle_too(bands):
    """What crosses times the gap of what arrives is the heat: checked on the mean temperatures where angles mix."""
    films = [Film(3e-8, bands(*TWO)), Film(8e-8, bands([150, 250], [10, 100], "b"))]
    found = transport(films, [InterfaceScattering(coefficient=[0.3, 0.5])])
    gap = (
        np.sum(found.boundary_flow[0] * (found.incident_temperature[0][0] - found.incident_temperature[1][0]))
        / found.boundary_flow.sum()
    )
    np.testing.assert_allclose(found.drop(0, "emitted"), gap, rtol=1e-9, atol=0)
    oblique = InterfaceScattering(specular=1.0, specular_transmission=AngularTransmission([0, 0.3, 1], [0, 0.6, 0.9]))
    found = transport(films, [oblique])
    np.testing.assert_allclose(
        found.conductance("emitted").value, oblique.flow(films[0].carriers, films[1].carriers).sum(), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("thickness", [1e-9, 1e-7, 1e-5])
def test_periods_of_many_cells_are_swept(bands, thickness):
    """The same as graded cells at once, at a number of steps that does not grow."""
    films = [(thickness, bands(*TWO)), (2 * thickness, bands([150, 250], [10, 100], "b"))]
    joints = [InterfaceScattering(coefficient=[0.3, 0.5]), InterfaceScattering(coefficient=[0.2, 0.1])]
    many, _ = assemble_layers([Film(*one, cells=200) for one in films], joints, None, None, period=1.0)
    assert many.stops[-1] > MAX_DIRECT_UNKNOWNS
    found = solve_balance(many)
    assert 0 < found.steps < 25
    few = transport([Film(*one) for one in films], joints, period=1.0)
    np.testing.assert_allclose(found.face_flux().sum(axis=0), few.flux, rtol=1e-4, atol=0)
    mean = np.concatenate(list(many.widths)) @ found.temperature[::CELL_POLYNOMIALS]
    np.testing.assert_allclose(mean, 0, atol=1e-10 * 3 * thickness)


def test_slip_of_a_partly_specular_wall():
    """Against constant temperatures in each cell and streams of another quadrature: what the mirror adds."""

    def slip(specular, cells=60, paths=10.0):
        place = np.linspace(0, 1, cells + 1)
        width = np.diff(paths * place**3 / (place**3 + (1 - place) ** 3))
        node, weight = np.polynomial.legendre.leggauss(16)
        cosine, share = ((node + 1) / 2) ** 2, (node + 1) / 2 * weight
        matrix, given, flux, driven = np.zeros((cells, cells)), np.zeros(cells), np.zeros(cells), 0.0
        for mu, w in zip(cosine, share, strict=True):
            passed = np.exp(-width / mu)
            ahead, sent = np.zeros((cells + 1, cells)), np.ones(cells + 1)
            for i in range(cells):
                ahead[i + 1] = passed[i] * ahead[i]
                ahead[i + 1, i] += 1 - passed[i]
                sent[i + 1] = passed[i] * sent[i]
            # the slab is antisymmetric: what comes back is minus the mirror image of what goes ahead
            enters = (1 - specular) / 2 / (1 + specular * sent[-1])
            behind, left = ahead[::-1, ::-1], sent[::-1]
            top = 1 - (specular * left[0]) ** 2
            comes = specular * (behind[0] + specular * left[0] * ahead[-1]) / top
            right = ahead + np.outer(sent, comes)
            back = behind + np.outer(left, specular * (ahead[-1] + specular * sent[-1] * behind[0]) / top)
            net, wall = w * mu * (right - back), w * mu * enters * (sent + left)
            matrix += np.diff(net, axis=0)
            given -= np.diff(wall)
            flux += 2 * net[cells // 2]
            driven += 2 * wall[cells // 2]
        temperature = np.linalg.solve(matrix, given)
        return (4 / 3 / (flux @ temperature + driven) - paths) / 2

    medium = gray_carriers("g", heat_capacity=4e6, velocity=1e3, mean_free_path=1e-8)
    scale = medium.conductivity / 1e-8
    black = wall_slip(medium, thickness=1e-7)
    for specular in (0.2, 0.5, 0.9):
        added = (wall_slip(medium, specular=specular, thickness=1e-7) - black) * scale
        np.testing.assert_allclose(added, slip(specular) - slip(0.0), rtol=2e-3, atol=0)


def test_no_heat_no_resistance(bands):
    medium, other = bands(*TWO), bands([150, 250], [10, 100], "b")
    for found in (
        transport([Film(1e-8, medium)], left=Wall(300.0), right=Wall(300.0)),
        transport([Film(1e-8, medium)], left=Wall(), right=Wall(300.0)),
        transport([Film(1e-8, medium), Film(1e-8, other)], [InterfaceScattering(coefficient=0.0)]),
    ):
        with pytest.raises(InputError, match="no heat flows"):
            _ = found.effective_conductivity
        with pytest.raises(InputError, match="no heat flows"):
            _ = found.resistance


def test_shares_by_angle_are_not_turned_round(bands):
    left, right = bands(*TWO), bands([150, 250], [10, 100], "b")
    oblique = InterfaceScattering(specular=1.0, specular_transmission=AngularTransmission([0, 1], [0.2, 0.9]))
    with pytest.raises(InputError, match=r"cannot be turned round; give the boundary b\|a"):
        reverse_boundary(oblique, left, right)
    assert reverse_boundary(oblique, left, left) is oblique


def test_a_transmission_beyond_all_modes():
    edges = group_edges(solid("Si"), solid("Ge"), bins=10)
    rates = ScatteringRates(umklapp=1e-19)
    films = [Film(1e-8, spectral_carriers(solid(name), rates, edges=edges)) for name in ("Si", "Ge")]
    given = dmm(solid("Si"), solid("Ge"), group_frequencies(edges))
    with pytest.raises(InputError, match="detailed balance between Si and Ge"):
        transport(films, [evolve(given, total=10 * given.total, left=None, right=None)])


def test_stacks_that_no_memory_holds_are_refused():
    many = band_carriers("x", np.full(60, 1e5), np.full(60, 5e3), np.full(60, 1e-8))
    films = [Film(1e-9, many, name=f"x{i}") for i in range(100)]
    with pytest.raises(InputError, match="100 layers with 60 groups of 16 streams are too many"):
        transport(films, [InterfaceScattering(coefficient=0.5, specular=0.5)] * 99)
