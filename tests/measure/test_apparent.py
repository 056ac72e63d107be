"""Conductance as it is seen: laws of the Boltzmann equation, published silicon, and published interfaces."""

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza import transport
from kapitza.boltzmann import Film, ScatteringRates, apparent_resistance, gray_carriers, group_edges, spectral_carriers
from kapitza.errors import InputError
from kapitza.matter.electrons import metal
from kapitza.matter.lattice_conductivity import lattice_conductivity
from kapitza.matter.library import material, materials, solid
from kapitza.matter.phonons import phonons
from kapitza.measure.apparent import USUAL_COUPLING, Observation, apparent_conductance, with_grains, with_long_paths
from kapitza.measure.catalogue import measured
from kapitza.theory.models import find_model

ROOM = [300.0]


def test_the_excess_is_that_of_a_film_on_a_substrate() -> None:
    al, si = phonons("Al"), phonons("Si")
    depth = np.sqrt(10.0 / metal("Al").coupling)  # in which electrons and lattice come to one temperature
    edges = group_edges(al, si)
    rates = ScatteringRates(umklapp=1e-19, boundary=1e-3)
    media = [spectral_carriers(one, rates, edges=edges, conductivity=k) for one, k in ((al, 10.0), (si, 148.0))]
    boundary = find_model("dmm").transmission("Al", "Si")
    films = [Film(float(depth), media[0]), Film(1e-3, media[1])]
    want = apparent_resistance(films, boundary, 1e6)[0].real - boundary.conductance(300.0).resistance[0]
    seen = Observation(thickness=8e-8, frequency=1e6)
    got = apparent_conductance("Al", "Si", ROOM, seen, conductivities=(10.0, 148.0))
    contact = evolve(metal("Al"), lattice=10.0).resistance - metal("Al").resistance
    excess = got.conductance.resistance[0] - got.emitted.resistance[0] - contact
    assert abs(excess / want - 1) < 0.01  # groups of another grid


@pytest.mark.slow
@pytest.mark.parametrize(("left", "right", "given"), [("Si", "Ge", None), ("Al", "Si", 10.0), ("Al", "Si", 237.0)])
@pytest.mark.parametrize("seen", [Observation(method="film", thickness=1e-6), Observation(frequency=1e6)])
def test_it_is_that_of_a_finer_solution(left: str, right: str, given: float | None, seen: Observation) -> None:
    """A second road: four times the groups, a denser mesh, twice the angles; all columns: benchmarks/drops.py."""
    sides = phonons(left), phonons(right)
    lattices = [lattice_conductivity(material(name), 300.0) for name in (left, right)]
    edges, rates = group_edges(*sides, bins=240), ScatteringRates(umklapp=1e-19, boundary=1e-3)
    media = [
        spectral_carriers(one, rates, edges=edges, mesh=36, conductivity=k)
        for one, k in zip(sides, (given or lattices[0].value, lattices[1].value), strict=True)
    ]
    boundary = find_model("dmm").transmission(left, right)
    contact, depth = 0.0, seen.thickness
    if given is not None:
        electrons = evolve(metal(left), lattice=given)
        contact, depth = electrons.resistance - metal(left).resistance, min(depth, electrons.length)
    if given is not None and seen.method == "tdtr":
        want = apparent_resistance([Film(depth, media[0]), Film(1e-3, media[1])], boundary, seen.frequency)[0].real
    else:
        found = transport([Film(depth, media[0]), Film(seen.thickness, media[1])], [boundary], angles=32)
        want = found.drop(0, "extrapolated") / found.flux
    got = apparent_conductance(left, right, ROOM, seen, conductivities=(given, None))
    excess = got.conductance.resistance[0] - got.emitted.resistance[0] - contact
    assert abs((boundary.conductance(300.0).resistance[0] + excess) / want - 1) <= 0.05


def test_a_steady_spot_heats_a_layer_as_deep_as_its_radius() -> None:
    al, si = phonons("Al"), phonons("Si")
    edges = group_edges(al, si)
    rates = ScatteringRates(umklapp=1e-19, boundary=1e-3)
    media = [spectral_carriers(one, rates, edges=edges, conductivity=k) for one, k in ((al, 10.0), (si, 148.0))]
    boundary = find_model("dmm").transmission("Al", "Si")
    films = [Film(float(np.sqrt(10.0 / metal("Al").coupling)), media[0]), Film(2e-6, media[1])]
    found = transport(films, [boundary])
    want = found.drop(0, "extrapolated") / found.flux - boundary.conductance(300.0).resistance[0]
    got = apparent_conductance("Al", "Si", ROOM, Observation(method="sstr", spot=2e-6), conductivities=(10.0, 148.0))
    contact = evolve(metal("Al"), lattice=10.0).resistance - metal("Al").resistance
    assert abs((got.conductance.resistance[0] - got.emitted.resistance[0] - contact) / want - 1) < 0.01


def test_grains_end_free_paths() -> None:
    medium = gray_carriers("gray", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=1e-6)
    assert abs(with_grains(medium).path.max() / 0.5e-6 - 1) < 1e-12  # Matthiessen's rule with grains of 1 µm


def test_a_usual_metal_couples_like_the_median_of_the_library() -> None:
    known = [found.value for name in materials() if (found := material(name, unverified=True).metal.coupling)]
    assert abs(USUAL_COUPLING / np.median(known) - 1) < 0.02


def test_the_lattice_of_a_metal_is_known_to_a_factor_of_two() -> None:
    found, lattice = apparent_conductance("Cu", "diamond", ROOM), metal("Cu").lattice
    ends = [
        apparent_conductance("Cu", "diamond", ROOM, conductivities=(factor * lattice, None)).conductance.value[0]
        for factor in (0.5, 2.0)
    ]
    assert found.low[0] < ends[0]  # longer paths in diamond are farther still
    assert abs(found.high[0] / ends[1] - 1) < 1e-3


def test_the_sides_may_be_exchanged() -> None:
    for left, right, method in (("Al", "Si", "tdtr"), ("Al", "Si", "film"), ("Si", "Ge", "sstr"), ("Si", "Ge", "md")):
        one, other = (
            apparent_conductance(*pair, ROOM, Observation(method=method)).conductance.value[0]
            for pair in ((left, right), (right, left))
        )
        assert abs(one / other - 1) < 1e-5  # of the cells at the faces


def test_slower_lasers_and_thicker_layers_see_more_resistance() -> None:
    lasers = [apparent_conductance("Al", "Si", ROOM, Observation(frequency=f)).conductance for f in (1e6, 1e7, 1e8)]
    layers = [
        apparent_conductance("Si", "Ge", ROOM, Observation(method="film", thickness=h)).conductance
        for h in (1e-5, 1e-6, 1e-7)
    ]
    for found in (lasers, layers):
        values = [one.value[0] for one in found]
        assert values == sorted(values)
        assert {one.drop for one in found} == {"extrapolated"}


def test_the_value_lies_between_its_ends() -> None:
    found = apparent_conductance("Au", "Si", [200.0, 300.0])
    assert (found.low < found.conductance.value).all()
    assert (found.conductance.value < found.high).all()
    assert (found.conductance.value < found.emitted.value).all()


def test_long_paths_are_those_of_silicon_membranes() -> None:
    silicon = spectral_carriers(phonons("Si"), ScatteringRates(umklapp=1e-19, boundary=1e-3), conductivity=148.0)
    longer = with_long_paths(silicon)
    assert abs(longer.conductivity / 148.0 - 1) < 1e-6
    # J. Cuffe et al., Phys. Rev. B 91, 245423 (2015): a lognormal distribution of median 0.70 µm fits two membranes
    assert abs(longer.path_quantile(0.5) / 0.70e-6 - 1) < 0.15


def test_debye_solids_may_be_given() -> None:
    found = apparent_conductance(solid("Si"), solid("Ge"), ROOM, conductivities=(148.0, 60.0))
    assert found.low[0] < found.conductance.value[0] < found.high[0]


def test_well_known_interfaces_are_within_a_factor_of_two() -> None:
    for left, right in (("Al", "Si"), ("Au", "Si"), ("Pt", "Si"), ("Nb", "Si")):
        direct = [one for one in measured(left, right, 300.0) if not one.exclusion]
        median = np.median([one.conductance.value[one.near(300.0)[0]] for one in direct])
        found = apparent_conductance(left, right, ROOM)
        assert abs(np.log(found.conductance.value[0] / median)) < np.log(2)


def test_what_cannot_be_seen_is_said() -> None:
    for sides, line in (
        (("Al", "Cu"), "electrons cross between metals"),
        (("Cu", "He-4"), "He-4 liquid is a liquid: it has no phonons with mean free paths"),
        (("Cu", "SiO2"), "a-SiO2 is a glass or polymer"),
        (("Cu", "graphene"), "graphene is a sheet"),
        ((solid("Si"), solid("Ge")), "Si: the conductivity of its lattice at 300 K is not known; give it"),
    ):
        with pytest.raises(InputError, match=line):
            apparent_conductance(*sides, ROOM)
    with pytest.raises(InputError, match="expected two, left and right"):
        apparent_conductance("Al", "Si", ROOM, conductivities=(10.0,))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="Al at 4 K: below 20 K the sample sets the free paths"):
        apparent_conductance("Al", "Si", 4.0)
    with pytest.raises(InputError, match="thickness = 8e-14"):
        Observation(thickness=8e-14)
    with pytest.raises(InputError, match="unknown method"):
        Observation(method="fdtr")  # pyright: ignore[reportArgumentType]


def test_predict_shows_it_next_to_room_temperature() -> None:
    found = kapitza.predict("Al", "Si", [77.0, 290.0])
    assert found.apparent is not None
    assert found.apparent.conductance.temperature.tolist() == [290.0]
    assert kapitza.predict("Al", "Si", ROOM, statistics="classical").apparent is None
    assert kapitza.predict("Cu", "Al", ROOM).apparent is None


def test_a_physical_estimate_is_the_apparent_one_at_all_temperatures() -> None:
    found = kapitza.predict("Al", "Si", [800.0, 900.0])  # warmer than what the calibration has learnt
    assert found.estimate.basis == "physics"
    assert found.apparent is not None
    assert found.estimate.conductance.temperature.tolist() == [800.0, 900.0]
    np.testing.assert_array_equal(found.estimate.conductance.value, found.apparent.conductance.value)
    assert found.estimate.conductance.drop == "extrapolated"
