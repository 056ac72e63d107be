"""Layers between walls: exact tables, both limits, laws."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expn

from kapitza.core.conductance import Conductance
from kapitza.core.modal import ModalTransmission
from kapitza.core.stack import Boundary
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import solid
from kapitza.simulate.boltzmann.boundaries import AngularTransmission, InterfaceScattering, Wall, reverse_boundary
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates, band_carriers, gray_carriers
from kapitza.simulate.boltzmann.layered.streams import CELL_POLYNOMIALS, cell_integrals, graded_cells, legendre_values
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.boltzmann.spectral_carriers import spectral_carriers
from kapitza.theory.amm import amm_modes

TWO = ([300, 200], [20, 300])
SPECULAR = InterfaceScattering(coefficient=0.1, specular=0.5)
EIGHT = ([120, 150, 160, 140, 110, 70, 35, 15], [3, 8, 20, 50, 120, 300, 800, 2500])


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def slab_flux(thickness):
    """Q = q/(C v dT/4) of a gray slab of this many mean free paths."""
    medium = gray_carriers("gray", heat_capacity=4e6, velocity=1000.0, mean_free_path=1e-8)
    return transport([Film(thickness * 1e-8, medium)]).flux / 1e9


def test_gray_slab_is_exact(data):
    table = rows(data("device/gray_slab_exact.csv"))
    got = [slab_flux(float(row["L_over_mfp"])) for row in table]
    np.testing.assert_allclose(got, [float(row["Q = q/(C v dT/4)"]) for row in table], rtol=1e-7, atol=0)


def test_slabs_of_several_bands_are_exact(data, bands):
    for row in rows(data("device/nongray_slab_exact.csv")):
        medium = bands(*(TWO if row["model"] == "two-band" else EIGHT))
        got = transport([Film(float(row["L_nm"]) * 1e-9, medium)])
        np.testing.assert_allclose(got.flux, 1e6 * float(row["q_refined"]), rtol=1e-7, atol=0)
        np.testing.assert_allclose(got.effective_conductivity, float(row["kappa_eff_W_mK"]), rtol=1e-6, atol=0)


def test_two_layers_are_exact(data, bands):
    left, right = bands(*TWO), bands([150, 250], [10, 100], "b")
    for row in rows(data("device/nongray_two_layer_exact.csv")):
        thickness = float(row["L1=L2_nm"]) * 1e-9
        films = [Film(thickness, left), Film(thickness, right)]
        got = transport(films, [InterfaceScattering(coefficient=[0.3, 0.5])])
        np.testing.assert_allclose(got.flux, 1e6 * float(row["q_over_dT_MW_m2K"]), rtol=1e-7, atol=0)
        middle = [float(row["T_mid_1"]), float(row["T_mid_2"])]
        np.testing.assert_allclose(got.midplane_temperature - 299.5, middle, rtol=1e-5, atol=0)
        faces = np.searchsorted(got.position, thickness) + np.array([-1, 0])
        at_plane = [float(row["T1_at_interface"]), float(row["T2_at_interface"])]
        np.testing.assert_allclose(got.lattice[faces] - 299.5, at_plane, rtol=3e-7, atol=0)


def test_extrapolated_resistance_of_gray_media(data, bands):
    for row in rows(data("device/gray_interface_extrapolated_R.csv")):
        left, right = (bands([1e3 * float(row[name])], [10.0], name) for name in ("E1_rel", "E2_rel"))
        films = [Film(2e-7, left), Film(2e-7, right)]
        got = transport(films, [InterfaceScattering(coefficient=float(row["t12"]))])
        resistance = 1e9 * got.resistances()["E1_rel|E2_rel"]["extrapolated"]
        np.testing.assert_allclose(resistance, float(row["R_numeric_20mfp_each"]), rtol=1e-6, atol=0)


def test_hopf_constant(published):
    known = published("core", "hopf_constant")
    thickness = 1e3
    np.testing.assert_allclose((4 / 3 / slab_flux(thickness) - thickness) / 2, known["value"], rtol=known["tolerance"])


@pytest.mark.parametrize("knudsen", [1e3, 1e4])
def test_ballistic_limit(knudsen):
    """All that the walls emit arrives: Q = 1 - L/Λ to first order."""
    np.testing.assert_allclose(slab_flux(1 / knudsen), 1 - 1 / knudsen, rtol=1e-5, atol=0)


@pytest.mark.parametrize("thickness", [1e3, 1e4, 1e5, 1e6])
def test_fourier_limit(thickness):
    """Bulk conductivity with Milne's slip at both walls, however thick."""
    want = 4 / 3 / (thickness + 2 * 0.7104460896)
    np.testing.assert_allclose(slab_flux(thickness), want, rtol=1e-8, atol=0)


def test_a_second_road_by_exponential_integrals():
    """Piecewise constant temperatures and exact integrals of E₁: the slab of one mean free path to 1e-4."""
    edges = np.linspace(0, 1, 401)
    middle = (edges[1:] + edges[:-1]) / 2
    kernel = (expn(2, np.abs(middle[:, None] - edges[None, :])) * np.sign(edges[None, :] - middle[:, None])) / 2
    inside = np.where(np.eye(400, dtype=bool), 1 - expn(2, 0.5 / 400), 0.0)
    given_by_cells = np.abs(np.diff(kernel, axis=1)) * (1 - np.eye(400)) + inside
    given_by_walls = expn(2, middle) / 2
    temperature = np.linalg.solve(np.eye(400) - given_by_cells, given_by_walls)
    back = 2 * (expn(3, edges[:-1]) - expn(3, edges[1:])) @ temperature
    np.testing.assert_allclose(slab_flux(1.0), 1 - back, rtol=1e-4, atol=0)


@settings(max_examples=15)
@given(
    flows=st.lists(st.floats(5, 1000), min_size=1, max_size=3),
    thickness=st.floats(1, 1e4),
    coefficient=st.floats(0.01, 1.0),
    specular=st.floats(0, 1),
)
def test_laws_of_two_layers(bands, flows, thickness, coefficient, specular):
    """One flux everywhere, no temperature outside of the walls', and mirror images carry the same."""
    paths = 10.0 ** np.arange(len(flows)) * 5
    left, right = bands(flows, paths), bands(np.array(flows) * 1.5, paths / 2, "b")
    walls = {"left": Wall(301.0, specular), "right": Wall(299.0, specular)}
    if specular == 1:
        walls = {"left": Wall(301.0), "right": Wall(299.0)}
    films = [Film(thickness * 1e-9, left), Film(2e-9 * thickness, right)]
    got = transport(films, [InterfaceScattering(coefficient=coefficient)], **walls)
    np.testing.assert_allclose(got.spectral_flux.sum(axis=1), got.flux, rtol=1e-4, atol=0)
    assert got.lattice.max() <= 301.0 + 1e-9
    assert got.lattice.min() >= 299.0 - 1e-9
    back = InterfaceScattering(coefficient=coefficient / 1.5)
    turned = transport(films[::-1], [back], left=walls["left"], right=walls["right"])
    np.testing.assert_allclose(turned.flux, got.flux, rtol=1e-9, atol=0)


def test_three_definitions_of_gray_media(bands):
    """Emitted, local and extrapolated resistance against their closed forms."""
    for ratio, coefficient in ((1.0, 0.5), (0.5, 0.2), (3.0, 0.9)):
        films = [Film(3e-7, bands([100.0], [10.0])), Film(9e-7, bands([100 * ratio], [30.0], "b"))]
        found = transport(films, [InterfaceScattering(coefficient=coefficient)]).resistances()["a|b"]
        both = coefficient * (1 + 1 / ratio)
        for drop, share in (("emitted", 0.0), ("local", 0.5), ("extrapolated", 1 - 0.75 * 0.7104460896)):
            np.testing.assert_allclose(found[drop] * 1e8 * coefficient, 1 - share * both, rtol=1e-7, atol=0)


def test_a_boundary_that_is_none(bands):
    """Specular, fully open, between like layers: the same as one layer, at any thickness."""
    for thickness in (1e-9, 1e-7, 1e-5):
        medium = bands(*TWO)
        films = [Film(thickness, medium), Film(2 * thickness, medium, name="b")]
        cut = transport(films, [InterfaceScattering(coefficient=1.0, specular=1.0)])
        np.testing.assert_allclose(cut.flux, transport([Film(3 * thickness, medium)]).flux, rtol=1e-7, atol=0)


@pytest.mark.parametrize("thickness", [1e-10, 3e-8, 3e-6])
def test_refraction_between_unlike_layers(bands, thickness):
    """A little specularity changes little; the same crosses from both sides, and no heat flows in equilibrium."""
    films = [Film(thickness, bands(*TWO)), Film(thickness, bands([150, 250], [10, 100], "b"))]
    diffuse = transport(films, [InterfaceScattering(coefficient=[0.3, 0.5])]).flux
    nearly = transport(films, [InterfaceScattering(coefficient=[0.3, 0.5], specular=1e-9)]).flux
    np.testing.assert_allclose(nearly, diffuse, rtol=1e-5, atol=0)
    specular = InterfaceScattering(coefficient=[0.4, 0.5], specular=0.7)
    there = transport(films, [specular])
    np.testing.assert_allclose(there.spectral_flux.sum(axis=1), there.flux, rtol=1e-4, atol=0)
    back = transport(films[::-1], [reverse_boundary(specular, *(film.carriers for film in films))])
    np.testing.assert_allclose(back.flux, there.flux, rtol=1e-9, atol=0)
    still = transport(films, [specular], left=Wall(300.0), right=Wall(300.0 + 1e-9))
    assert abs(still.flux) < 1e-8 * there.flux


def test_refraction_without_scattering_inside(bands):
    """Open, specular and ballistic: all waves cross that exist on both sides."""
    films = [Film(1e-13, bands([300.0], [20.0])), Film(1e-13, bands([200.0], [10.0], "b"))]
    found = transport(films, [InterfaceScattering(coefficient=200 / 300, specular=1.0, specular_transmission=1.0)])
    np.testing.assert_allclose(found.flux, 200e6, rtol=1e-4, atol=0)


def test_a_share_by_angle(bands):
    """Of acoustic mismatch without refraction, t = cosθ: 2/3 of the heat, and only at steep incidence."""
    medium, path = bands([300.0], [20.0]), AngularTransmission([0, 1], [0, 1])
    films = [Film(1e-13, medium), Film(1e-13, medium, name="b")]
    found = transport(films, [InterfaceScattering(specular=1.0, specular_transmission=path)])
    np.testing.assert_allclose(found.flux, 200e6, rtol=1e-5, atol=0)
    steep = AngularTransmission([0.2, 1], [0, 1])
    found = transport(films, [InterfaceScattering(specular=1.0, specular_transmission=steep)])
    np.testing.assert_allclose(found.flux, 300e6 * 2 / 0.8 * (0.992 / 3 - 0.2 * 0.96 / 2), rtol=2e-3, atol=0)


def angular_transmission(modal: ModalTransmission, bins: int = 24) -> AngularTransmission:
    """Mean transmission from the left against the cosine of incidence, in bins, all frequencies of a table
    together.
    """
    from_left = modal.select("left")
    if bins < 2 or not from_left.omega.size:
        raise InputError(f"{bins} bins for {from_left.omega.size} modes from the left: expected 2 bins and one mode")
    cosine = np.cos(from_left.angle)
    edge = np.linspace(0, 1, bins + 1)
    part = np.clip(np.digitize(cosine, edge) - 1, 0, bins - 1)
    arriving = np.bincount(part, from_left.weight, bins)
    crossing = np.bincount(part, from_left.weight * from_left.transmission, bins)
    middle = (edge[1:] + edge[:-1]) / 2
    held = arriving > 0
    return AngularTransmission(middle[held], np.clip(crossing[held] / arriving[held], 0, 1))


def test_modes_of_acoustic_mismatch_by_angle():
    """The table of a mismatch model, summed over angles again."""
    al, si = solid("Al"), solid("Si")
    omega = np.linspace(1e11, 2e12, 4)
    modal = amm_modes(al, si, omega)
    share = angular_transmission(modal)
    node, weight = np.polynomial.legendre.leggauss(64)
    cosine, weight = (node + 1) / 2, weight / 2
    got = np.sum(2 * cosine * weight * share.at(cosine))
    total = modal.total()
    np.testing.assert_allclose(got, np.mean(total.total / total.left), rtol=0.02, atol=0)


def test_an_endless_stack_of_one_material_has_its_bulk_conductivity(bands):
    medium = bands(*EIGHT)
    whole = transport([Film(1e-8, medium)], [InterfaceScattering(coefficient=1.0, specular=1.0)], period=1.0)
    np.testing.assert_allclose(whole.effective_conductivity, medium.conductivity, rtol=1e-9, atol=0)


def test_diffuse_planes_that_return_half_are_black_walls(bands):
    """A period between planes that mix everything emits at one temperature: the slab between black walls."""
    medium = bands([100.0], [10.0])
    periodic = transport([Film(1e-8, medium)], [InterfaceScattering(coefficient=0.5)], period=1.0)
    np.testing.assert_allclose(periodic.flux, transport([Film(1e-8, medium)]).flux, rtol=1e-7, atol=0)


def test_diffuse_adiabatic_walls_let_nothing_pass(bands):
    got = transport([Film(1e-8, bands(*TWO))], left=Wall(305.0), right=Wall())
    np.testing.assert_allclose(got.lattice, 305.0, rtol=1e-9, atol=0)
    assert abs(got.flux) < 1e-3


def test_streams_with_their_own_velocity():
    """Bands given by |v_z| at the nodes of a quadrature are the isotropic band."""
    node, weight = np.polynomial.legendre.leggauss(24)
    cosine, share = ((node + 1) / 2) ** 2, weight * (node + 1) / 2
    streams = Carriers(
        name="streams",
        capacity=1e6 * share,
        velocity=5000 * cosine,
        lifetime=np.full(24, 1e-11),
        omega=[0.0],
        group=np.zeros(24, int),
        isotropic=False,
    )
    whole = gray_carriers("gray", heat_capacity=1e6, velocity=5000.0, mean_free_path=5e-8)
    np.testing.assert_allclose(streams.conductivity, whole.conductivity, rtol=1e-9, atol=0)
    np.testing.assert_allclose(streams.flow, whole.flow, rtol=1e-9, atol=0)
    for thickness in (1e-9, 1e-7, 1e-5):
        one, other = (transport([Film(thickness, medium)]).flux for medium in (streams, whole))
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=0)


def test_equal_cells_converge_to_the_graded_ones(bands):
    medium = bands(*TWO)
    graded = transport([Film(1e-7, medium)]).flux
    for cells, tolerance in ((4, 1e-4), (32, 1e-6)):
        got = transport([Film(1e-7, medium, cells=cells)]).flux
        np.testing.assert_allclose(got, graded, rtol=tolerance, atol=0)


def test_cell_integrals_against_quadrature():
    node, weight = np.polynomial.legendre.leggauss(60)
    node, weight = (node + 1) / 2, weight / 2
    for t in (1e-6, 0.3, 3.999, 4.001, 30.0, 2.0 + 9.0j, 6.0 + 40.0j):
        passed, moment, collision = (part[0] for part in cell_integrals(np.array([t])))
        np.testing.assert_allclose(passed, np.exp(-t), rtol=1e-13, atol=0)
        np.testing.assert_allclose(moment, (weight * np.exp(-t * node)) @ legendre_values(node), rtol=0, atol=1e-12)
        inner = np.array(
            [x * (weight * np.exp(-t * x * (1 - node))) @ legendre_values(x * node) for x in node]
        )  # of the source below x
        double = legendre_values(node).T @ (weight[:, None] * inner)
        want = np.diag(1 / (2 * np.arange(CELL_POLYNOMIALS) + 1)) - t * double
        np.testing.assert_allclose(collision, want, rtol=0, atol=1e-11)


def test_cells_fill_the_layer():
    for thickness, path in ((1e-9, 1.0), (1e-3, 1e-9), (1e-7, 1e-7)):
        widths = graded_cells(thickness, path)
        np.testing.assert_allclose(widths.sum(), thickness, rtol=1e-12, atol=0)
        assert widths.min() > 0


def test_occupation_and_spectra():
    edges = np.linspace(1e12, 9e13, 6)
    medium = band_carriers("b", np.full(5, 3e5), np.full(5, 4e3), 3e-8 / np.arange(1, 6) ** 2, edges=edges)
    got = transport([Film(2e-8, medium)])
    np.testing.assert_allclose(got.spectral_flux.sum(axis=1), got.flux, rtol=1e-6, atol=0)
    np.testing.assert_allclose(got.occupation.temperature(), got.modes, rtol=2e-5, atol=0)
    weight = medium.capacity / medium.capacity.sum()
    np.testing.assert_allclose(got.modes @ weight, got.temperature, rtol=1e-12, atol=0)
    spread = np.abs(got.modes - got.temperature[:, None]).max(axis=0)
    assert (np.diff(spread[[0, -1]]) < 0).all()  # long paths depart most


@pytest.mark.parametrize("temperature", [1.0, 10.0, 300.0, 1000.0])
def test_heat_capacities_of_solids_are_plausible(temperature):
    """Diamond holds the least of all solids when it is cold."""
    diamond = Solid("diamond", 3515, 17500, 12800, 1.76e29)
    found = spectral_carriers(diamond, ScatteringRates(boundary=1e-6), temperature=temperature)
    assert found.heat_capacity > 100 * 3e3 * min(1, temperature / 300) ** 3


def test_scaling_is_linear(bands):
    got = transport([Film(1e-8, bands(*TWO))])
    ten = transport([Film(1e-8, bands(*TWO))], left=Wall(305.0), right=Wall(295.0))
    np.testing.assert_allclose(got.scale(10).temperature, ten.temperature, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.scale(10).flux, ten.flux, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a, b: transport([Film(1e-8, a), Film(1e-8, b)], [1e8]), "counted twice"),
        (lambda a, b: transport([Film(1e-8, a), Film(1e-8, b)], [Boundary(1e8)]), "not a conductance"),
        (lambda a, b: transport([Film(1e-8, a), Film(1e-8, b)], [Conductance([300], [1e8])]), "counted twice"),
        (lambda a, b: transport([Film(1e-8, a), Film(1e-8, b)]), "1 boundaries .* have 0"),
        (
            lambda a, b: transport([Film(1e-8, a), Film(1e-8, b)], [InterfaceScattering(coefficient=[1.0, 1.0])]),
            "detailed balance",
        ),
        (
            lambda a, b: transport(
                [Film(1e-8, a), Film(1e-8, b)], [InterfaceScattering(coefficient=0.1, reverse_coefficient=0.1)]
            ),
            "breaks detailed balance",
        ),
        (
            lambda a, b: transport(
                [Film(1e-8, a), Film(1e-8, b)],
                [InterfaceScattering(coefficient=0.1, specular=1.0, specular_transmission=1)],
            ),
            "without a change of direction",
        ),
        (lambda a, b: transport([Film(1e-8, a), b], [SPECULAR]), "layer 1: expected a Film"),
        (lambda a, b: transport(Film(1e-8, a)), "as a list of Film"),
        (lambda a, b: transport([Film(1e-8, a)], left=300.0), "expected a Wall, such as Wall"),
        (lambda a, b: transport([Film(1e-8, a)], angles=2.5), "angles = 2.5, expected a whole number"),
        (lambda a, b: transport([Film(1e-8, a)], angles=0), "angles = 0"),
        (lambda a, b: transport([Film(1e-8, a)], period="1 K"), "expected one number"),
        (lambda a, b: Film(1e-8, a, cells=10**9), "1000000000 cells, expected 2 to"),
        (lambda a, b: band_carriers("x", [1e6], [5e3], [np.nan]), "no lifetime"),
        (lambda a, b: band_carriers("x", [1e6], [50.0], [100.0]), "another unit"),
        (lambda a, b: band_carriers("x", [1.6], [5e3], [1e-8]), "heat capacity of all bands = 1.6.*another unit"),
        (lambda a, b: band_carriers("x", [1.6e9], [5e3], [1e-8]), "heat capacity of all bands = 1.6e.*another unit"),
        (lambda a, b: band_carriers("x", [1e6], [5e7], [1e-8]), "another unit"),
        (
            lambda a, b: Carriers(name="x", capacity=[1e6], velocity=[5e3], lifetime=None, omega=[0.0], group=[0]),
            "no lifetimes",
        ),
        (lambda a, b: transport([Film(1e-8, a)], left=Wall(), right=Wall()), "both walls let no heat pass"),
        (lambda a, b: Wall(-3.0), "above 0 K"),
        (lambda a, b: Wall(300.0, 1.5), "shares from 0 to 1"),
        (lambda a, b: InterfaceScattering(), "none of them"),
        (lambda a, b: transport([]), "at least one layer"),
        (lambda a, b: transport([Film(1e-8, a)], period=1.0, left=Wall(300.0)), "no walls"),
        (lambda a, b: Film(1e-8, "Si"), "Carriers"),
    ],
)
def test_what_is_refused(bands, make, message):
    with pytest.raises(InputError, match=message):
        make(bands(*TWO), bands([150, 250], [10, 100], "b"))
