"""What one room returns the next takes as it is, and what does not fit is refused in words."""

import numpy as np
import pytest
from tests.simulate.md.reference_runs import reference_record

from kapitza import Device, Layer, Profile, Stack, agf, compare, dmm, predict, solid, solve, transport
from kapitza.core.conductance import Conductance
from kapitza.device.description import Box, HeatSource
from kapitza.device.layered.temperatures import measured_uncertainties
from kapitza.device.layout import Block
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.matter.building.layers import mass_junction
from kapitza.measure import calibrated_conductance
from kapitza.measure.apparent import apparent_conductance
from kapitza.measure.catalogue import measured
from kapitza.measure.device.fit import fit_device, fitted_conductance, predicted_temperatures
from kapitza.measure.device.thermometry import point_temperatures, section_temperatures
from kapitza.measure.eels.jump import KnownQuantity, absolute_resistance, fit_jump
from kapitza.measure.eels.map import TemperatureMap, line_profile
from kapitza.routes import Route, Routes
from kapitza.simulate.boltzmann.carriers import ScatteringRates
from kapitza.simulate.boltzmann.layered.transport import Film
from kapitza.simulate.boltzmann.spectral_carriers import group_edges, spectral_carriers
from kapitza.simulate.md.analysis.nemd import analyse_nemd
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


def test_a_run_of_molecular_dynamics_goes_to_conductance_stack_and_comparison(data):
    """A recorded run of silicon on germanium, nothing unpacked by hand."""
    run = analyse_nemd(reference_record(data("md/sige_nz16.npz")), skip=0.2)
    seen = run.conductance()
    found = compare("Si", "Ge", models={"run": run}).prediction("run")
    assert found.scored_drop == "extrapolated"
    assert "classical" in found.title
    kelvin = float(seen.temperature[0])
    chip = Stack([Layer("Si", 1 * um, 148.0), Layer("Ge", 1 * um, 60.0)], [run])
    assert abs(chip.resistances(kelvin)["Si|Ge"] * seen.value[0] - 1) <= 1e-12
    with pytest.raises(InputError, match=r"classical statistics\) with .* \(quantum"):
        seen.deviation(calibrated_conductance("Si", "Ge", [kelvin]).conductance)


def eels_map() -> TemperatureMap:
    """Temperatures of 8 rows across a plane at 12 nm, 15 K apart, with gradients of 0.5 and 1 K/nm."""
    x, y = np.linspace(0, 24 * nm, 25), np.linspace(0, 7 * nm, 8)
    line = np.where(x < 12 * nm, 320 - 0.5 * x / nm, 299 - (x - 12 * nm) / nm)
    kelvin = line + np.random.default_rng(5).normal(0, 0.5, (8, 25))
    return TemperatureMap(
        position=(y, x),
        names=["temperature"],
        value=kelvin[..., None],
        covariance=np.full((8, 25, 1, 1), 0.25),
        flag=np.zeros((8, 25), dtype=int),
        pvalue=np.ones((8, 25)),
        deviance=np.ones((8, 25)),
        iterations=np.ones((8, 25), dtype=int),
    )


def test_a_map_of_an_electron_microscope_goes_to_conductance_comparison_and_device():
    """Map to profile to jump to resistance to comparison and stack; map to the fit of a device."""
    seen = eels_map()
    jump = fit_jump(line_profile(seen), 11.9 * nm)
    known = absolute_resistance(jump, left=KnownQuantity(140.0, 7.0), right=KnownQuantity(70.0, 3.5))
    assert abs(known.conductance.value[0] / (140.0 * 0.5 / nm / 15) - 1) <= 0.1
    found = compare("Al", "Si", models={"map": known}).prediction("map")
    assert found.scored_drop == "extrapolated"
    kelvin = float(known.conductance.temperature[0])
    assert abs(stack(known).resistances(kelvin)["Al|Si"] * known.conductance.value[0] - 1) <= 1e-12
    with pytest.raises(InputError, match="expected a transmission, a conductance"):
        compare("Al", "Si", models={"map": seen})
    with pytest.raises(InputError, match="boundary conductance in W/m²K, or a Conductance"):
        stack(seen)
    measured_at = section_temperatures(device(150 * MW), seen, "Al|Si", 11.9 * nm, normal=1, skip=1 * nm)
    assert measured_at.temperature.size == 8 * 23


def test_temperatures_of_a_device_come_back_to_its_boundary():
    """Device to measured temperatures to fit to conductance to device."""
    hot = device(150 * MW)
    uncertain = Device(hot.stack, hot.sources, hot.box, sink=300.0, uncertain={"Al|Si.conductance": 75 * MW})
    places = point_temperatures(hot.top(), [2 * um, 20 * um], [2 * um, 2 * um], [330.0, 310.0], 0.02)
    truth = predicted_temperatures(device(100 * MW), places)
    seen = point_temperatures(hot.top(), [2 * um, 20 * um], [2 * um, 2 * um], truth, 0.02)
    again = fitted_conductance(fit_device(uncertain, seen, starts=1), "Al|Si")
    assert abs(again.value[0] / (100 * MW) - 1) <= 3 * again.sigma[0] / again.value[0]
    assert solve(device(again)).sigma < 0.5 * solve(uncertain).sigma
    with pytest.raises(InputError, match="lie below the sink"):
        fit_device(uncertain, point_temperatures(hot.top(), [0.0], [0.0], [30.0], 1.0))


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
