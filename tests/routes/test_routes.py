"""Routes: each row is what its own function says, like is compared with like, what is killed goes on."""

from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza.core.conductance import Conductance
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError, InputError
from kapitza.matter.bands import Bands
from kapitza.matter.building.layers import mass_junction
from kapitza.matter.library import load_materials
from kapitza.matter.potentials.crystal_phonons import crystal_from_file
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements
from kapitza.measure import calibrated_conductance
from kapitza.measure.apparent import apparent_conductance
from kapitza.measure.catalogue import measured
from kapitza.measure.compare import compare
from kapitza.routes import Route, Routes, routes
from kapitza.routes.atomistic import (
    BudgetExceededError,
    PlannedRun,
    RunLimit,
    TimeLimit,
    agf_route,
    common_potential,
    is_begun,
    make_junction,
    md_route,
)
from kapitza.run.store import Store
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
from kapitza.simulate.boltzmann.carriers import gray_carriers
from kapitza.simulate.boltzmann.layered.transport import Film, transport
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.theory.models import model_estimates
from kapitza.units import MW, fs, ps
from spring_lattice import spring_lead

CRYSTALS = Path(__file__).parents[1] / "data" / "crystals"
NO_TIME = 1e-6  # s
DEBYE = (kapitza.solid("Pb"), kapitza.solid("Cu"))


@pytest.fixture(scope="module")
def aluminium_on_silicon() -> Routes:
    """What takes seconds alone."""
    return routes("Al", "Si", [300.0], budget=NO_TIME)


def row(name: str, value: float, sigma: float | None = None, drop="extrapolated", **options) -> Route:
    known = Conductance([300.0], [value], None if sigma is None else [sigma], drop)
    return Route(name=name, title=name, kind="model", conductance=known, **options)


def test_each_row_is_what_its_own_function_says(aluminium_on_silicon):
    found = aluminium_on_silicon
    for one in model_estimates("Al", "Si", 300.0, ["amm", "dmm", "dmm-metal", "elastic-limit"]):
        assert abs(found[one.model].conductance.value[0] / one.emitted.value[0] - 1) <= 1e-12
        assert found[one.model].definition == "emitted, quantum"
    seen, learnt = apparent_conductance("Al", "Si", 300.0), calibrated_conductance("Al", "Si", 300.0)
    apparent, calibrated = found["apparent"], found["calibrated"]
    assert abs(apparent.conductance.value[0] / seen.conductance.value[0] - 1) <= 1e-12
    assert (apparent.low[0], apparent.high[0]) == (seen.low[0], seen.high[0])
    assert abs(calibrated.conductance.value[0] / learnt.value[0] - 1) <= 1e-12
    assert abs(calibrated.spread(0) / learnt.spread[0] - 1) <= 1e-12
    assert found.best is calibrated.conductance
    assert found.rows[0] is calibrated
    assert not any(one.conductance.gray for one in found.rows)


def test_each_source_is_a_row_with_the_scatter_of_its_samples(aluminium_on_silicon):
    sources = {one.doi for one in measured("Al", "Si") if not one.exclusion}
    rows = [one for one in aluminium_on_silicon.rows if one.kind == "experiment"]
    assert {one.conductance.source for one in rows} == sources
    (several,) = [one for one in rows if "samples" in one.assumes]
    entries = [one for one in measured("Al", "Si") if one.doi == several.conductance.source and not one.exclusion]
    values = np.log([one.conductance.value[0] for one in entries])
    assert abs(several.conductance.value[0] / np.exp(values.mean()) - 1) <= 1e-12
    assert abs(several.spread(0) / values.std(ddof=1) - 1) <= 1e-12
    assert (several.low[0], several.high[0]) == (np.exp(values.min()), np.exp(values.max()))


def test_rows_that_are_quick_come_first():
    came: list[tuple[float, str]] = []
    started = perf_counter()
    routes("Al", "Si", [300.0], budget=NO_TIME, announce=lambda one: came.append((perf_counter() - started, one.kind)))
    assert came[0][1] == "experiment"
    assert came[0][0] <= 2.0
    assert [kind for _, kind in came].index("estimate") < [kind for _, kind in came].index("model")


def test_only_like_definitions_are_compared_in_units_of_their_uncertainty():
    found = Routes(
        left="a",
        right="b",
        rows=[
            row("exact", 100 * MW),
            row("emitted", 150 * MW, 10 * MW, "emitted"),
            row("with error", 120 * MW, 12 * MW),
            row("interval", 120 * MW, low=[60 * MW], high=[240 * MW], ends="95 %"),
            row("bounds", 120 * MW, low=[60 * MW], high=[240 * MW], ends="unknown paths"),
            row("usual", 80 * MW, misses=1.5),
            evolve(row("limit", 500 * MW), kind="limit"),
        ],
    )
    pairs = {(one.first, one.second): one for one in found.deviations(300.0)}
    assert not any({"emitted", "limit"} & set(pair) for pair in pairs)
    assert len(pairs) == 10
    assert pairs["exact", "bounds"].sigmas is None
    assert abs(pairs["exact", "with error"].sigmas - np.log(100 / 120) / 0.1) <= 1e-9
    assert pairs["exact", "usual"].sigmas is not None
    # half of all |ln(ratio)| are below ln(misses): 0.674 of a standard deviation
    assert abs(pairs["exact", "usual"].sigmas * np.log(1.5) / 0.67449 - np.log(100 / 80)) <= 1e-5
    spread = np.log(4) / (2 * 1.959963984540054)
    assert abs(pairs["with error", "interval"].sigmas) <= 1e-12
    assert abs(pairs["exact", "interval"].sigmas - np.log(100 / 120) / spread) <= 1e-9
    assert found.deviations(400.0) == ()
    with pytest.raises(InputError, match="no calibrated and no solved conductance among exact, emitted"):
        _ = found.best


def test_the_interval_of_the_estimate_holds_what_measurements_do_not_state():
    learnt = evolve(row("learnt", 200 * MW, low=[100 * MW], high=[400 * MW], ends="95 %"), kind="estimate")
    bare, stated = (evolve(row(n, 100 * MW, s), kind="experiment") for n, s in (("bare", None), ("stated", 20 * MW)))
    found = Routes(left="a", right="b", rows=[learnt, evolve(bare, misses=1.5), stated])
    pairs = {one.second: one.sigmas for one in found.deviations(300.0) if one.first == "learnt"}
    own = np.log(4) / (2 * 1.959963984540054)
    assert abs(pairs["bare"] - np.log(2) / own) <= 1e-9
    assert abs(pairs["stated"] - np.log(2) / np.hypot(own, 0.2)) <= 1e-9


def test_saved_results_become_rows():
    omega = np.linspace(0, 5e13, 60)
    modes = 2e18 * (omega / 5e13) ** 2
    spectrum = Transmission(omega, 0.3 * modes, modes, modes, method="AGF Si|Ge")
    emitted = spectrum.conductance([200.0, 300.0])
    errors = evolve(emitted, sigma=[0.02, 0.01] * emitted.value)
    medium = gray_carriers("a", heat_capacity=1.7e6, velocity=6000.0, mean_free_path=4e-8)
    film = transport([Film(1e-7, medium), Film(1e-7, medium, name="b")], [InterfaceScattering(coefficient=0.5)])
    classical = Conductance([300.0], [5e8], [5e7], statistics="classical", method="NEMD")
    given = {
        "agf.h5": {"transmission": spectrum, "conductance": (errors, spectrum.conductance(300.0, "local"))},
        "film.toml": film,
        "run.json": classical,
        "fit.json": Conductance([300.0], [2e8], [1e7], source="10.1/1"),
        "measured.json": measured("Si", "Ge"),
        "compared.json": compare("Pb", "Cu"),
        "all.json": Routes(left="a", right="b", rows=[row("one", 1e8), row("two", 2e8)]),
    }
    found = routes(*DEBYE, [300.0], budget=NO_TIME, saved=given)
    kinds = {name: found[name].kind for name in ("agf.h5", "film.toml", "run.json", "fit.json", "all.json (2)")}
    assert list(kinds.values()) == ["simulation", "model", "simulation", "experiment", "model"]
    assert found["agf.h5"].transmission is spectrum
    assert abs(found["agf.h5"].spread(0) - 0.01) <= 1e-12
    assert found["measured.json"].title == "Pernot 2010, measured"
    compared = [one for one in found.rows if one.name.startswith("compared.json")]
    assert {one.definition for one in compared} == {"emitted, quantum"}
    want = {one.emitted for one in given["compared.json"].predictions if one.emitted is not None}
    assert {one.conductance.value[0] for one in compared if one.kind != "experiment"} == want
    assert found["film.toml"].definition == "extrapolated, quantum"
    assert abs(found["film.toml"].conductance.value[0] / film.conductance().value[0] - 1) <= 1e-12
    assert found["run.json"].definition == "extrapolated, classical"
    with pytest.raises(InputError, match=r"tables\.csv holds a str: expected a conductance"):
        routes(*DEBYE, [300.0], budget=NO_TIME, saved={"tables.csv": "text"})


def test_one_file_holds_it_all(aluminium_on_silicon, tmp_path):
    again = kapitza.load(kapitza.save(aluminium_on_silicon, tmp_path / "al_si.json"))
    assert again.names == aluminium_on_silicon.names
    assert again.skipped == aluminium_on_silicon.skipped
    assert again.deviations() == aluminium_on_silicon.deviations()
    assert (again["dmm"].transmission.total == aluminium_on_silicon["dmm"].transmission.total).all()


def test_green_functions_that_were_stopped_go_on(tmp_path):
    junction = mass_junction(spring_lead("a", 5e-26), [5e-26], [1e-25])
    kelvin, store = np.array([300.0]), Store(tmp_path)
    seen: list[int] = []

    def stop(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) > 3:
            raise BudgetExceededError(f"{done} units")

    later = TimeLimit(perf_counter() + 600.0, stop)
    with pytest.raises(BudgetExceededError):
        agf_route(junction, "", kelvin, budget=60.0, limit=later, store=store, executor=None)
    kept = len(list(tmp_path.rglob("*.unit")))
    assert kept >= 1
    counts: list[tuple[int, int]] = []
    limit = TimeLimit(perf_counter() + 600.0, lambda *count: counts.append(count))
    found = agf_route(junction, "springs", kelvin, budget=60.0, limit=limit, store=store, executor=None)
    assert counts[0][0] >= 1  # what was finished is not done again
    unbroken = TimeLimit(perf_counter() + 600.0)
    want = agf_route(junction, "springs", kelvin, budget=60.0, limit=unbroken, store=None, executor=None)
    assert abs(found.conductance.value[0] / want.conductance.value[0] - 1) <= 1e-12
    assert abs(found.spread(0) - want.spread(0)) <= 1e-12
    exact = refine_to_tolerance(junction, tolerance=0.002, temperature=kelvin).transmission.conductance(300.0).value[0]
    assert abs(found.conductance.value[0] / exact - 1) <= 0.02  # what a budget of a minute aims at
    with pytest.raises(BudgetExceededError, match=r"of .* units were done"):
        agf_route(junction, "", kelvin, budget=60.0, limit=TimeLimit(0.0), store=None, executor=None)


def test_a_run_ends_before_the_block_that_would_come_too_late():
    started = perf_counter()
    until = RunLimit(TimeLimit(started + 600.0), wanted=3, block=1.0)
    for done in range(3):
        until(done, 9)
    with pytest.raises(BudgetExceededError, match="3 of 3 blocks"):
        until(3, 9)
    with pytest.raises(BudgetExceededError, match="0 of 3 blocks"):
        RunLimit(TimeLimit(started + 600.0), wanted=3, block=601.0)(0, 9)
    slow = RunLimit(TimeLimit(perf_counter() + 0.03), wanted=3, block=0.0)
    slow(0, 9)
    sleep(0.02)
    with pytest.raises(BudgetExceededError, match="1 of 3 blocks"):
        slow(1, 9)  # 0.01 s are left, and a block took 0.02 s


MATERIAL = """
[units]
density = "kg/m3"
speed = "m/s"

[materials.brass]
title = "brass 63/37"
formula = "Cu0.63Zn0.37"
symmetry = "isotropic"
density = { value = 8440, source = "own" }
atoms = { value = 7.94e28, source = "own" }
speeds = { longitudinal = 4530, transverse = 2120, source = "own" }
"""


def test_a_material_of_a_file_is_a_side(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MATERIAL, encoding="utf-8")
    want = routes(load_materials(file)["brass"], "diamond", [300.0], budget=NO_TIME)
    for side in (f"{file}:brass", file, str(file)):
        found = routes(side, "diamond", [300.0], budget=NO_TIME)
        assert found.left == "brass"
        assert found.names == want.names
        assert {"dmm-debye", "calibrated"} <= set(found.names)
        for one, other in zip(found.rows, want.rows, strict=True):
            assert abs(one.conductance.value[0] / other.conductance.value[0] - 1) <= 1e-12
    with pytest.raises(InputError, match=r"no material 'bronze' in .*mine.toml: it holds brass"):
        routes(f"{file}:bronze", "diamond", [300.0])
    file.write_text(MATERIAL + MATERIAL.partition("\n\n")[2].replace("brass]", "other]"), encoding="utf-8")
    with pytest.raises(InputError, match=r"holds 2 materials \(brass, other\): name one, as in .*mine.toml:NAME"):
        routes(file, "diamond", [300.0])


def test_a_folder_of_phonopy_is_a_side(tmp_path):
    """A second road: the file in it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "phonopy.yaml").write_bytes((CRYSTALS / "Si.yaml").read_bytes())
    want = routes(CRYSTALS / "Si.yaml", "Ge", [300.0], budget=NO_TIME)
    for side in (folder, f"{folder}/"):
        found = routes(side, "Ge", [300.0], budget=NO_TIME)
        assert found.left == "mine"
        assert found.remarks == ("mine holds Si, by its elements and density",)
        assert found.names == want.names
        assert {"calibrated", "Pernot 2010", "apparent", "dmm"} <= set(found.names)
        for name in ("calibrated", "apparent", "dmm"):
            assert abs(found[name].conductance.value[0] / want[name].conductance.value[0] - 1) <= 1e-9
    with pytest.raises(DataError, match=r"is a folder without phonopy_params.yaml or phonopy.yaml"):
        routes(tmp_path, "Ge", [300.0])


def test_a_metal_of_a_file_is_seen_as_one():
    """Its film is heated by a laser, and what is not known of its lattice is in the range, with the named metal's."""
    found = routes(CRYSTALS / "Al.yaml", "Si", [300.0], budget=NO_TIME)["apparent"]
    named = apparent_conductance("Al", "Si", 300.0)
    assert found.title == "apparent, TDTR, 100 nm film, 10 MHz"
    assert found.low[0] < named.conductance.value[0] < found.high[0]
    assert abs(np.log(found.conductance.value[0] / named.conductance.value[0])) <= 0.35  # no resistance of electrons


def test_a_structure_file_is_a_side_with_its_forces(tmp_path):
    file = tmp_path / "mine.poscar"
    file.write_text("copper\n3.6\n0 .5 .5\n.5 0 .5\n.5 .5 0\nCu\n1\ndirect\n0 0 0\n", encoding="utf-8")
    made = crystal_from_file(file, FiniteDisplacements(calculator="emt"))
    found = routes(made, "Si", [300.0], budget=NO_TIME)
    want = model_estimates(Bands(made.crystal), "Si", 300.0, ["dmm"])[0].emitted.value[0]
    assert abs(found["dmm"].conductance.value[0] / want - 1) <= 1e-3  # spectra of a table and of bands
    assert any("emt" in one for one in found.remarks)
    assert "calibrated" in found.names  # the crystal is copper, however the file is called


@pytest.mark.parametrize(
    ("left", "right", "potential"),
    [("Si", "Ge", "tersoff"), ("Si", "diamond", "tersoff"), ("Ge", "diamond", None), ("Ar", "Kr", "lennard-jones"),
     ("Al", "Si", None), ("Si", "water", None), ("Si", "a/b.yaml", None)],
)  # fmt: skip
def test_potentials_that_know_both_sides(left, right, potential):
    assert common_potential(left, right) == potential


def test_sides_without_force_constants_are_named():
    with pytest.raises(InputError, match="no force constants of a-SiO2: expected a crystal"):
        make_junction("Si", "a-SiO2")


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), 1e9])
def test_budgets_that_are_none(budget):
    with pytest.raises(InputError, match="budget"):
        routes("Al", "Si", budget=budget)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(tmp_path):
    """A second road: the same run in one go."""
    potential = lennard_jones(["Ar"], end="quadratic")
    system = mass_interface(
        "Ar", potential, 30, cells=(3, 3), length=4, thermostat=1, lattice_constant=5.35e-10
    )  # fmt: skip
    protocol = Protocol(
        thermostats=Thermostats("langevin", 50, 10, 1 * ps), timestep=10 * fs, steps=200, blocks=16, equilibration=400,
        power_interval=10, seed=1,
    )  # fmt: skip
    planned, store = PlannedRun(system, potential, protocol), Store(tmp_path)
    assert not is_begun(planned, store)

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise BudgetExceededError(f"{done} blocks")

    with pytest.raises(BudgetExceededError, match="5 blocks"):
        md_route(planned, budget=600.0, limit=TimeLimit(perf_counter() + 600.0, stop), store=store)
    assert is_begun(planned, store)
    counts: list[int] = []
    limit = TimeLimit(perf_counter() + 600.0, lambda done, _total: counts.append(done))
    found = md_route(planned, budget=600.0, limit=limit, store=store)
    assert counts[0] >= 5
    want = md_route(planned, budget=600.0, limit=TimeLimit(perf_counter() + 600.0), store=None)
    assert found.conductance.value[0] == want.conductance.value[0]
    assert found.definition == "extrapolated, classical"
    assert "rejected" in found.assumes  # far too short
