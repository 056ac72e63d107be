"""Forces on many structures: batches, other processes, what they cost and how far they are."""

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from attrs import evolve

pytest.importorskip("ase")
pytest.importorskip("matscipy")

from ase import Atoms

from kapitza.errors import InputError
from kapitza.lattice import ForceField, JunctionPlan, build_junction
from kapitza.matter.building.interface_cell import layered_crystal
from kapitza.matter.building.junction_cost import Rehearsal
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.displaced_forces import forces_on_all
from kapitza.matter.potentials.force_constants import name_missing_dipoles
from kapitza.matter.potentials.force_field import (
    FORCE_UNIT,
    BatchForces,
    ForceCost,
    ForceMeter,
    PlannedForces,
    measure_cost,
)
from kapitza.matter.potentials.named_force_fields import find_batch, named_force_field, sevennet_batch
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.structure import structure
from kapitza.run.store import CACHE_VARIABLE
from kapitza.units import angstrom

SINGLE = float(np.finfo(np.float32).eps)


class Batched:
    """Lennard-Jones in single precision, one by one or several structures at once, the sizes of which it records."""

    def __init__(self):
        self.exact, self.sizes, self.singles = published_potential("lj", ["Ar", "Kr"]).calculator, [], 0

    def forces(self, structures):
        self.sizes.append([len(one) for one in structures])
        return [self.exact.get_forces(one).astype(np.float32).astype(float) for one in structures]

    def get_potential_energy(self, atoms, force_consistent=False):
        return self.exact.get_potential_energy(atoms)

    def get_forces(self, atoms):
        self.singles += 1
        return self.exact.get_forces(atoms).astype(np.float32).astype(float)

    def get_stress(self, atoms):
        return self.exact.get_stress(atoms)


def batched(atoms=None, **more):
    made = Batched()
    batch = None if atoms is None else BatchForces(made.forces, atoms)
    return ForceField("batched", made, 6 * angstrom, step=0.02 * angstrom, batch=batch, **more)


def displaced(count, size=(2, 2, 2)):
    big = structure("Ar").repeat(size)
    rng = np.random.default_rng(3)
    return [
        evolve(big, positions=big.positions + 0.05 * angstrom * rng.standard_normal(big.positions.shape))
        for _ in range(count)
    ]


def test_batches_hold_as_many_atoms_as_they_may():
    many, engine = displaced(7), batched(24)
    reports: list[tuple[int, int]] = []
    found = forces_on_all(many, evolve(engine, progress=lambda *at: reports.append(at)))
    assert engine.calculator.sizes == [[8, 8, 8], [8, 8, 8]]
    assert engine.calculator.singles == 2  # the seventh is alone, and the first batch is held against one
    assert reports == [(0, 7), (3, 7), (6, 7), (7, 7)]
    one_by_one = forces_on_all(many, batched())
    scale = np.abs(one_by_one).max()
    assert np.abs(np.array(found) - np.array(one_by_one)).max() <= 4 * SINGLE * scale


def test_a_batch_never_exceeds_its_atoms_but_for_a_structure_alone():
    batch = BatchForces(lambda structures: [], 100)
    sizes = batch.sizes([60, 30, 10, 1, 250, 99, 1, 1])
    assert sizes == [3, 1, 1, 2, 1]
    with pytest.raises(InputError, match="whole number of at least 1"):
        BatchForces(lambda structures: [], 0)


def test_a_junction_in_batches_is_the_one_without(tmp_path, monkeypatch):
    """Law: which forces are evaluated together changes no force constant beyond single precision."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    plan = JunctionPlan(left="Ar", right="Ar", potential="lj", layers=2)
    engines = [batched(), batched(500, identity={"forces": "batched"})]
    one, other = (build_junction(evolve(plan, potential=engine)) for engine in engines)
    assert max(len(sizes) for sizes in engines[1].calculator.sizes) > 1
    assert max(sum(sizes) for sizes in engines[1].calculator.sizes) <= 500
    scale = max(np.abs(slab.onsite).max() for slab in one.device)
    for a, b in zip(one.device, other.device, strict=True):
        assert np.abs(a.onsite - b.onsite).max() <= 1e-6 * scale
    again = batched(500, identity={"forces": "batched"})
    build_junction(evolve(plan, potential=again))
    assert again.calculator.sizes == []
    assert again.calculator.singles == 0


def test_what_was_kept_is_not_in_a_batch(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    many, engine = displaced(5), batched(16, identity={"forces": "batched"})
    forces_on_all(many[1:3], engine)
    forces_on_all(many, engine)
    assert engine.calculator.sizes == [[8, 8], [8, 8]]
    assert engine.calculator.singles == 1 + 2  # each first batch is held against one


def test_a_batch_of_the_wrong_shape_is_refused():
    engine = batched(100)
    wrong = evolve(engine, batch=BatchForces(lambda many: [np.zeros((1, 3)) for _ in many], 100))
    with pytest.raises(InputError, match=r"of shape \(1, 3\)"):
        forces_on_all(displaced(2), wrong)


def test_a_batch_that_is_wrong_on_its_last_structure_alone_is_refused():
    """As where numbers of atoms are counted wrong: all before are right."""
    engine = batched(100)
    wrong = BatchForces(lambda many: [*engine.calculator.forces(many[:-1]), np.zeros((len(many[-1]), 3))], 100)
    with pytest.raises(InputError, match="in a batch of 2 structures the forces on the last one"):
        forces_on_all(displaced(2), evolve(engine, batch=wrong))


class Tensor:
    """An array with the verbs of torch."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.values


class Networks:
    """Packages sevenn, nequix and what they need, whose network is Lennard-Jones times a factor in batches alone."""

    def __init__(self, monkeypatch, factor=1.0):
        self.exact, self.factor, self.batches = published_potential("lj", ["Ar", "Kr"]).calculator, factor, 0

        def pad(many, *, n_node, n_edge, n_graph):
            assert n_node > sum(many.n_node)
            assert n_edge > sum(many.n_edge)
            assert n_graph == len(many.graphs) + 1
            return [*many.graphs, Atoms("Ar", cell=20 * np.eye(3))]

        def batch_np(graphs):
            counts = np.array([len(one) for one in graphs])
            return SimpleNamespace(graphs=graphs, n_node=counts, n_edge=20 * counts)

        fakes = {
            "sevenn.atom_graph_data": {"AtomGraphData": SimpleNamespace(from_numpy_dict=dict)},
            "sevenn.train.dataload": {"unlabeled_atoms_to_graph": lambda one, _cutoff, with_shift: {"atoms": one}},
            "sevenn._keys": {"DATA_MODALITY": "modality", "PRED_FORCE": "force"},
            "torch_geometric.loader.dataloader": {"Collater": lambda _: Moved},
            "nequix.data": {"preprocess_graph": lambda one, *_: one, "dict_to_graphstuple": lambda one: one},
            "jraph": {"batch_np": batch_np, "pad_with_graphs": pad},
            "equinox": {"filter_jit": lambda model: model},
            "jax": {"default_backend": lambda: "gpu"},
        }
        for name, values in fakes.items():
            module = ModuleType(name)
            vars(module).update(values)
            monkeypatch.setitem(sys.modules, name, module)

    def many(self, structures):
        self.batches += 1
        return self.factor * np.concatenate([self.exact.get_forces(one) for one in structures])

    def calculator(self, package):
        networks = self

        class Model:
            batched = False

            def set_is_batch_data(self, flag):
                self.batched = flag

            def __call__(self, data):
                if package == "nequix":
                    return None, networks.many(data)
                assert self.batched
                return {"force": Tensor(networks.many([one["atoms"] for one in data]))}

        class Calculator(type(self.exact)):
            def __init__(self):
                vars(self).update(vars(networks.exact))
                self.model, self.device, self.backend, self.modal = Model(), "cuda", "jax", ""
                self.cutoff, self.atom_indices = 8.0, {}

        Calculator.__module__ = f"{package}.calculator"
        return Calculator()


class Moved(list):
    """Graphs that go to a device."""

    def to(self, _device):
        return self


@pytest.mark.parametrize("package", ["sevenn", "nequix"])
def test_a_batch_of_a_network_is_held_against_its_calculator(monkeypatch, package):
    """Packages change: forces that are twice too large in a batch are refused at its first cell, right ones pass."""
    many = displaced(5)
    want = forces_on_all(many, ForceField("one", published_potential("lj", ["Ar", "Kr"]).calculator, 6 * angstrom))
    networks = Networks(monkeypatch)
    calculator = networks.calculator(package)
    batch = find_batch(calculator)
    assert batch is not None
    found = forces_on_all(many, ForceField("network", calculator, 6 * angstrom, batch=evolve(batch, atoms=16)))
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())
    assert networks.batches == 2
    doubled = Networks(monkeypatch, 2.0).calculator(package)
    with pytest.raises(InputError, match=r"network: in a batch of 2 structures .* those of the calculator alone"):
        forces_on_all(many[:2], ForceField("network", doubled, 6 * angstrom, batch=find_batch(doubled)))


def test_workers_share_forces_at_displaced_atoms(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    field = named_force_field("ase.calculators.lj:LennardJones", ["Ar"], arguments={"sigma": 3.4, "epsilon": 0.0104})
    many, counted = displaced(4), []
    meter = ForceMeter([PlannedForces("displaced", 4, 8)], lambda *at: counted.append(at))
    meter.begin()
    want = [field.state(one).forces for one in many]
    with ThreadPoolExecutor(2) as pool:
        found = forces_on_all(many, evolve(field, executor=pool, meter=meter))
        np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-24)  # neighbours are summed in another order
        again = forces_on_all(many, evolve(field, executor=pool, calculator=None))  # all were kept
    np.testing.assert_array_equal(again, found)
    assert counted[-1] == (4, 4)


def test_a_meter_counts_work_step_by_step():
    seen: list[tuple[int, int]] = []
    plan = [PlannedForces("search", 10, 1, guessed=True), PlannedForces("displaced", 10, 9)]
    meter = ForceMeter(plan, lambda *at: seen.append(at))
    meter.count(1)  # before the first step: a measurement
    assert seen == []
    meter.begin()
    for _ in range(15):  # more than was guessed
        meter.count(1)
    assert seen[-1] == (2, 20)
    meter.begin()
    for _ in range(10):
        meter.count(9)
    meter.finish()
    assert seen[-1] == (20, 20)
    assert seen == sorted(seen)


def test_a_plan_costs_what_its_steps_do():
    plan = [PlannedForces("search", 30, 4, guessed=True), PlannedForces("displaced", 10, 200)]
    said = ForceCost(seconds=0.1, memory=2e7, base=1e9, first=5.0).describe(plan, 0)
    seconds = 0.1 * (30 * 4 + 10 * 200) + 2 * 5.0
    words = f"{seconds / 60:.2g} min of processor time and 5 GB of memory in all"
    assert said.startswith(f"about 40 evaluations of forces, {words}")
    assert said.endswith("at 1e+02 ms an atom, less what is kept: search some 30 on 4 atoms, displaced 10 on 200 atoms")
    assert "and 9 GB" in ForceCost(seconds=0.1, memory=2e7, base=1e9).describe(plan, 400)
    assert "memory" not in ForceCost(seconds=0.1, memory=None).describe(plan, 0)


def test_the_cost_of_an_atom_is_measured():
    cost = measure_cost(batched(), structure("Ar"))
    assert 0 < cost.seconds < 0.1
    assert cost.memory is None or cost.memory > 0


def test_displacements_are_as_many_as_were_planned():
    """Second road: evaluations that a calculator counts, against the plan."""
    engine = ForceField("counted", Batched(), 6 * angstrom, step=0.02 * angstrom)
    for name in ("Ar", "Kr"):
        one = orient_structure(structure(name), (1, 1, 1))
        rehearsal = Rehearsal(engine)
        rehearsal.lead(one)
        before = engine.calculator.singles
        layered_crystal(one, engine)
        assert [engine.calculator.singles - before] == [step.evaluations for step in rehearsal.plan]


def test_polar_crystals_miss_dipoles_and_say_so():
    crystals = [named_structure(name) for name in ("AlN", "2H-SiC", "Si", "Al", "AlN")]
    said = name_missing_dipoles(crystals)
    assert said.startswith("AlN, 2H-SiC are polar where they insulate: forces between dipoles")
    assert name_missing_dipoles(crystals[2:4]) == ""
    assert name_missing_dipoles(crystals[:1]).startswith("AlN is polar where it insulates")


def test_calculators_of_one_structure_have_no_batch():
    assert find_batch(published_potential("lj", ["Ar"]).calculator) is None
    assert named_force_field("lj", ["Ar"]).batch is None


@pytest.mark.slow
def test_batches_of_sevennet_are_single_evaluations():
    pytest.importorskip("sevenn")
    field = named_force_field("sevenn", ["Al", "N"], arguments={"model": "7net-0"})
    one = named_structure("AlN")
    rng = np.random.default_rng(5)
    many = [
        evolve(one, positions=one.positions + 0.05 * angstrom * rng.standard_normal(one.positions.shape))
        for _ in range(3)
    ]
    want = [field.state(each).forces for each in many]
    found = evolve(field, batch=sevennet_batch(field.calculator, 100)).forces(many)
    assert np.abs(np.array(found) - np.array(want)).max() <= 1e-5 * FORCE_UNIT
    assert np.abs(want).max() > 0.1 * FORCE_UNIT
    np.testing.assert_array_equal(field.state(many[0]).forces, want[0])  # evaluations one by one go on as before
