"""What one room returns the next takes as it is, and what does not fit is refused in words."""

import numpy as np
import pytest

from kapitza import Device, Layer, Profile, Stack, agf, compare, dmm, predict, solid, solve, transport
from kapitza.core.conductance import Conductance
from kapitza.device.description import Box, HeatSource
from kapitza.device.layered.temperatures import measured_uncertainties
from kapitza.device.layout import Block
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.matter.building.layers import mass_junction
from kapitza.measure.apparent import apparent_conductance
from kapitza.measure.calibration import calibrated_conductance
from kapitza.measure.catalogue import measured
from kapitza.routes import Route, Routes
from kapitza.simulate.boltzmann.carriers import ScatteringRates
from kapitza.simulate.boltzmann.layered.transport import Film
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.units import MW, mm, nm, um
from spring_lattice import spring_lead


def stack(boundary) -> Stack:
    return Stack([Layer("Al", 1 * um, 200.0), Layer("Si", 0.2 * mm, 140.0)], [boundary])


def device(boundary) -> Device:
    heater = HeatSource("heater", power=0.1, shape=Rectangle((0, 10 * um), (0, 10 * um)))
    return Device(stack(boundary), [heater], Box(1 * mm, 1 * mm), sink=300.0)


def routes_of(conductance: Conductance) -> Routes:
    row = Route(name="calibrated", title="", kind="estimate", conductance=conductance)
    return Routes(left="Al", right="Si", rows=[row])


def test_what_is_learnt_solved_or_measured_goes_into_a_stack_and_a_device():
    """Matter to theory to conductance to stack to device, no number unpacked by hand."""
    learnt, seen = calibrated_conductance("Al", "Si", [250, 300, 400]), apparent_conductance("Al", "Si", 300.0)
    known = next(
        one
        for one in measured("Al", "Si", temperature=300.0)
        if not one.exclusion and 300.0 in one.conductance.temperature
    )
    for one in (learnt, seen, known, predict("Al", "Si", 300.0, "dmm").estimate, routes_of(learnt.conductance)):
        value = (one.best if isinstance(one, Routes) else one.conductance).at(300.0)[0]
        assert abs(stack(one).resistances(300.0)["Al|Si"] * value - 1) <= 1e-12
    found = solve(device(learnt))
    assert set(found.contribution) == {"Al|Si.conductance"}
    left = measured_uncertainties(device(learnt), found)["Al|Si.conductance"]
    relative = learnt.conductance.sigma[1] / learnt.value[1]
    assert abs(left / (found.sigma * 0.2 / relative) - 1) <= 0.05  # the spread varies a little with temperature
    assert measured_uncertainties(device(150 * MW), solve(device(150 * MW))) == {}


def test_spectra_go_through_boltzmann_to_what_is_seen():
    """Theory or junction to transmission to transport to conductance to stack and comparison."""
    edges = group_edges(solid("Al"), solid("Si"), bins=12)
    one, other = (spectral_carriers(solid(name), ScatteringRates(umklapp=1e-19), edges=edges) for name in ("Al", "Si"))
    films = [Film(200 * nm, one), Film(200 * nm, other)]
    film = transport(films, [dmm(solid("Al"), solid("Si"))])
    assert film.conductance().drop == "extrapolated"
    assert stack(film).resistances(300.0)["Al|Si"] > 0
    springs = agf(mass_junction(spring_lead("a", 5e-26), [5e-26], [1e-25]), np.linspace(1e12, 5e13, 12), k_mesh=(4, 4))
    found = compare("Al", "Si", models={"AGF": springs, "film": film})
    assert [one.scored_drop for one in found.predictions] == ["emitted", "extrapolated"]
    with pytest.raises(InputError, match="belongs to another material"):
        transport(films, [springs])
    with pytest.raises(InputError, match="takes a Transmission, not a conductance"):
        transport(films, [film.conductance()])


@pytest.mark.parametrize("statistics", ["classical", "quantum"])
def test_a_jump_of_simulation_or_microscopy_goes_to_conductance_and_comparison(statistics):
    """Molecular dynamics and electron microscopy end in the same record."""
    position = np.linspace(0, 20 * nm, 41)
    temperature = np.where(position < 10 * nm, 310.0, 300.0) - position / nm
    profile = Profile(position, temperature, sigma=np.full(41, 0.1))
    conductance = profile.jump(10.1 * nm).conductance(2e9, sigma=1e8, statistics=statistics)
    found = compare("Al", "Si", models={"run": conductance}).prediction("run")
    assert found.scored_drop == "extrapolated"
    assert ("classical" in found.title) == (statistics == "classical")
    assert stack(conductance).resistances(float(conductance.temperature[0]))["Al|Si"] > 0
    quantum = Conductance(conductance.temperature, conductance.value, conductance.sigma)
    if statistics == "classical":
        with pytest.raises(InputError, match=r"classical statistics\) with .* \(quantum"):
            conductance.deviation(quantum)
    else:
        assert abs(conductance.deviation(quantum)[0]) <= 1e-12


def test_wrong_edges_are_refused_in_words():
    theory = dmm(solid("Al"), solid("Si"))
    emitted, gray = theory.conductance(300.0), theory.conductance(300.0, "extrapolated")
    physics_alone = predict("Al", "Si", 900.0, "dmm").estimate
    for wrong, words in (
        (theory, "a boundary takes a conductance, got Transmission: say at which temperatures"),
        (emitted, "refers to the emitted drop; .* takes the extrapolated one: apparent_conductance"),
        (gray, "off by factors: .*accept_gray"),
        (predict("Al", "Si", 300.0, "dmm"), "number"),
        ("DMM", "boundary conductance in W/m²K, or a Conductance"),
    ):
        with pytest.raises(InputError, match=words):
            stack(wrong)
    assert abs(stack(gray.accept_gray()).resistances(300.0)["Al|Si"] / gray.resistance[0] - 1) <= 1e-12
    if physics_alone.conductance.drop == "emitted":
        with pytest.raises(InputError, match="emitted drop"):
            stack(physics_alone)
    with pytest.raises(InputError, match=r"^fin\|what it touches: .* off by factors"):
        Block(Layer("fin", 1e-8, 1.0), Rectangle((0, 1e-8), (0, 1e-8)), 0.0, gray)
    with pytest.raises(InputError, match=r"wild: expected a transmission, a conductance .* got float"):
        compare("Al", "Si", models={"wild": 3.0})
    with pytest.raises(InputError, match=r"emitted drop.*extrapolated drop"):
        emitted.deviation(gray)
