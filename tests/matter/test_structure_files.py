"""Structure files: what is read, its symmetry, force constants against other roads, what is kept, what is refused."""

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

pytest.importorskip("ase")

from ase.build import bulk
from ase.io import write
from ase.spacegroup import crystal as space_group_crystal

sys.path.insert(0, str(Path(__file__).parent))
import springs

from kapitza.errors import DataError, InputError, MissingEngine
from kapitza.matter.bands import Bands
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.files.structures import is_structure_file, read_structure, structure_name
from kapitza.matter.phonons import phonon_crystal
from kapitza.matter.potentials import calculators, displaced_forces
from kapitza.matter.potentials.calculators import parse_arguments
from kapitza.matter.potentials.crystal_phonons import crystal_from_file
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements
from kapitza.matter.potentials.force_constants import balance_moments, crystal_from_potential
from kapitza.matter.potentials.force_field import structure_from_ase
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.potentials.space_group import primitive_structure, space_group
from kapitza.matter.structure import structure
from kapitza.measure.calibration.estimate import calibrated_conductance
from kapitza.measure.interface import predict
from kapitza.theory.sides import library_name
from kapitza.units import angstrom

WAVES = np.random.default_rng(3).random((40, 3)) * 1e10
SILICON = [5.431, 5.431, 5.431, 90, 90, 90]


def quartz():
    sites = [(0.4697, 0, 1 / 3), (0.4135, 0.2669, 0.1191)]
    return space_group_crystal(["Si", "O"], sites, spacegroup=152, cellpar=[4.913, 4.913, 5.405, 90, 90, 120])


def corundum():
    sites = [(0, 0, 0.35216), (0.30624, 0, 0.25)]
    return space_group_crystal(["Al", "O"], sites, spacegroup=167, cellpar=[4.7602, 4.7602, 12.9933, 90, 90, 120])


@pytest.fixture
def cif(tmp_path):
    def make(name, atoms, **options):
        write(tmp_path / name, atoms, **options)
        return tmp_path / name

    return make


@pytest.mark.parametrize(
    ("atoms", "primitive", "operations"),
    [
        (bulk("Si", cubic=True), 2, 48),
        (bulk("NaCl", "rocksalt", a=5.64, cubic=True), 2, 48),
        (bulk("W", cubic=True).repeat((2, 1, 1)), 1, 48),
        (bulk("Mg"), 2, 24),
        (quartz(), 9, 6),
        (corundum(), 10, 12),
    ],
)
def test_space_groups_are_those_of_the_tables(atoms, primitive, operations):
    found = primitive_structure(structure_from_ase(atoms))
    assert (found.masses.size, len(space_group(found).turns)) == (primitive, operations)
    density = atoms.get_masses().sum() / atoms.get_volume()
    assert abs(found.masses.sum() / found.volume * 1e-30 / 1.66053906892e-27 / density - 1) < 1e-9


def test_sites_of_rounded_coordinates_become_symmetric():
    atoms = quartz()
    exact = primitive_structure(structure_from_ase(atoms))
    atoms.rattle(1e-3, seed=1)
    found = primitive_structure(structure_from_ase(atoms))
    group = space_group(found, 1e-12 * angstrom)
    assert len(group.turns) == len(space_group(exact).turns) == 6
    assert np.abs(found.positions - exact.positions).max() < 5e-3 * angstrom


def test_a_harmonic_crystal_gives_its_own_force_constants(data, cif):
    """Finite displacements of a harmonic model are exact, and so is what symmetry makes of them."""
    for name, atoms in (("Si", bulk("Si", a=5.431, cubic=True)), ("AlN", None)):
        path = data(f"crystals/{name}.yaml")
        want = load_crystal(path, nac=False)
        if atoms is None:
            atoms = as_atoms(want)
        file = cif(f"{name}.vasp", atoms, format="vasp")
        method = FiniteDisplacements(calculator=springs.Springs(path), width=12 * angstrom)
        found = crystal_from_file(file, method).crystal
        top = want.frequencies(WAVES).max()
        assert found.masses.size == want.masses.size
        if name == "Si":
            assert np.abs(found.frequencies(WAVES) - want.frequencies(WAVES)).max() < 2e-4 * top  # masses to 5 digits
        else:  # forces of dipoles beyond the supercell fold back
            assert np.abs(found.frequencies(WAVES) - want.frequencies(WAVES)).max() < 0.05 * top


def as_atoms(one):
    from ase import Atoms

    return Atoms(list(one.symbols), positions=one.positions / angstrom, cell=one.lattice / angstrom, pbc=True)


def test_a_prediction_is_that_of_the_phonopy_file(data, cif):
    path = data("crystals/Si.yaml")
    other = str(data("crystals/Ge.yaml"))
    for normals in (((0, 0, 1), (0, 0, 1)), ((1, 1, 0), (0, 0, 1))):
        want = predict(path, other, 300.0, "dmm", normals=normals)[0].emitted.value
        file = cif("Si.vasp", bulk("Si", a=2 * as_atoms(load_crystal(path)).cell[0].max(), cubic=True), format="vasp")
        found = predict(file, other, 300.0, "dmm", normals=normals, calculator=springs.Springs(path))
        # another basis of the same lattice has another mesh of wave vectors; both are converged to 1 % of the spectrum
        np.testing.assert_allclose(found[0].emitted.value, want, rtol=5e-3, atol=0)
        assert found.remarks == ("Si: forces by Springs",)


def test_argon_by_an_analytic_hessian(cif):
    """The second road is the analytic Hessian of the same potential, in a supercell as wide as its forces reach."""
    force_field = published_potential("lj", ["Ar"])
    rest = relax_cell(structure("Ar"), force_field)
    want = crystal_from_potential(rest, force_field)
    file = cif("POSCAR", bulk("Ar", "fcc", a=5.2, cubic=True), format="vasp")
    method = FiniteDisplacements(calculator="lj", relax="cell", width=18 * angstrom)
    found = crystal_from_file(file, method)
    volume = found.crystal.volume / rest.volume
    assert abs(volume - 1) < 2e-3  # forces of 1e-3 eV/Å are left
    got, wanted = (one.frequencies(WAVES) for one in (found.crystal, want))
    assert np.abs(got - wanted).max() < 8e-3 * wanted.max()  # a Grüneisen parameter of 3 times that
    assert "GPa" not in found.remark


def test_a_hexagonal_crystal_by_brute_force(cif):
    """Without symmetry: every atom displaced along every axis both ways."""
    atoms = bulk("Ar", "hcp", a=3.76, c=6.15)
    force_field = published_potential("lj", ["Ar"])
    want = crystal_from_potential(structure_from_ase(atoms), force_field)
    method = FiniteDisplacements(calculator="lj", relax="none", width=18 * angstrom)
    found = crystal_from_file(cif("Ar.xyz", atoms, format="extxyz"), method).crystal
    wanted = want.frequencies(WAVES)
    assert np.abs(found.frequencies(WAVES) - wanted).max() < 2e-3 * wanted.max()  # anharmonic: steps of 0.02 Å


def test_what_was_computed_is_kept(data, cif, monkeypatch, tmp_path):
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    path = str(data("crystals/Si.yaml"))
    atoms = bulk("Si", a=5.431, cubic=True)
    file = cif("Si.cif", atoms)
    counted: list[tuple[int, int]] = []
    method = FiniteDisplacements(
        calculator="springs:Springs", arguments={"path": path}, progress=lambda *count: counted.append(count)
    )
    springs.calls.clear()
    crystal_from_file(file, method)
    first = len(springs.calls)
    assert counted == [(0, 1), (1, 1)]  # one displacement is enough for diamond
    assert max(springs.calls) == 128
    crystal_from_file(file, method)
    assert len(springs.calls) == first
    crystal_from_file(cif("again.vasp", atoms, format="vasp"), method)  # the same content by another name
    stiff = FiniteDisplacements(calculator="springs:Springs", arguments={"path": path, "scale": 4.0})
    assert len(springs.calls) == first
    got = crystal_from_file(file, stiff).crystal.frequencies(WAVES)
    assert len(springs.calls) > first
    np.testing.assert_allclose(got, 2 * crystal_from_file(file, method).crystal.frequencies(WAVES), rtol=1e-6, atol=1e6)


def test_finished_forces_outlast_an_interrupt(data, cif, monkeypatch, tmp_path):
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    file = cif("AlN.vasp", as_atoms(load_crystal(data("crystals/AlN.yaml"), nac=False)), format="vasp")
    arguments = {"path": str(data("crystals/AlN.yaml"))}

    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    springs.calls.clear()
    with pytest.raises(KeyboardInterrupt):
        crystal_from_file(file, FiniteDisplacements(calculator="springs:Springs", arguments=arguments, progress=stop))
    large = [size for size in springs.calls if size > 4]
    springs.calls.clear()
    crystal_from_file(file, FiniteDisplacements(calculator="springs:Springs", arguments=arguments))
    assert len(large) > 2
    assert len([size for size in springs.calls if size > 4]) == 1


CUT_POSCAR = "Si\n1.0\n0 2.7 2.7\n2.7 0 2.7\n2.7 2.7 0\n"
HEAD = """data_x
_cell_length_a 5.431
_cell_length_b 5.431
_cell_length_c 5.431
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
DIAMOND = "".join(
    f"Si{i} Si {x} {y} {z} 1\n"
    for i, (x, y, z) in enumerate(shift + at for shift in (0, 0.25) for at in (np.ones((4, 4)) - np.eye(4))[:, :3] / 2)
)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("empty.cif", "", "is empty"),
        ("blank.cif", " \n\n", "is empty"),
        ("lost.cif", HEAD.replace("_cell_length_b 5.431\n", "") + "Si Si 0 0 0 1\n", "lattice vectors in 0 directions"),
        ("words.cif", "not a crystal", "cannot be read as cif: its text does not have that form"),
        ("broken.cif", HEAD.replace("b 5.431", "b five") + "Si Si 0 0 0 1\n", "cannot be read as cif"),
        ("noise.cif", "This is not a crystal.\n", "cif"),
        ("cut.cif", HEAD + "Si Si 0 0", "cif"),
        ("alloy.cif", HEAD + "M Si 0 0 0 0.5\nN Ge 0 0 0 0.5\n", "disordered or partly occupied"),
        ("partial.cif", HEAD + "Si1 Si 0 0 0 1\nSi2 Si 0.25 0.25 0.25 0.7\n", "partly occupied (Si 0.7)"),
        ("overlap.cif", HEAD + "Si1 Si 0 0 0 1\nSi2 Si 0.1 0.1 0.1 1\n", "0.941 Å apart: they overlap"),
        ("same.cif", HEAD + "Si1 Si 0 0 0 1\nSi2 Si 0.001 0 0 1\n", "overlap"),
        ("bohr.cif", HEAD.replace("5.431", "10.26") + DIAMOND, "Si and Si nearest at 4.44 Å, wanted 1.47 to 3.33 Å"),
        ("angstrom.cif", HEAD.replace("5.431", "2.874") + DIAMOND, "Si and Si nearest at 1.24 Å, wanted 1.47 to"),
        ("water.xyz", "3\n\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n", "wanted a crystal with a cell"),
        ("slab.cif", HEAD.replace("_c 5.431", "_c 30") + "Si Si 0 0 0 1\n", "leaves a gap of 30 Å"),
        ("POSCAR", "Si\n1.0\n0 2.7 2.7\n2.7 0 2.7\n", "line 5: ends or is empty here; expected a lattice vector"),
        ("POSCAR", "Si\n1.0\n0 2.7 2.7\n2.7 0 2.", "line 5: ends or is empty here; expected a lattice vector"),
        ("POSCAR", "Si\n1.0\n0 2.7 2.7\n2.7 0\n", "line 4: expected a lattice vector, got '2.7 0'"),
        ("POSCAR", "Si\none\n", "line 2: expected the scale of the lattice, got 'one'"),
        ("POSCAR", CUT_POSCAR, "line 6: ends or is empty here; expected the elements"),
        ("POSCAR", CUT_POSCAR + "Si\n2", "line 8: ends or is empty here; expected Direct or Cartesian"),
        ("POSCAR", CUT_POSCAR + "Si\ntwo\nDirect\n", "line 7: expected numbers of atoms, got 'two'"),
        ("POSCAR", CUT_POSCAR + "Si\n2\nDirect\n0 0 0\n", "line 10: ends or is empty here; expected position 2 of 2"),
        ("POSCAR", CUT_POSCAR + "2\nDirect\n0 0 0\n.25 .25", "line 9: expected position 2 of 2, got '.25 .25'"),
        ("POSCAR", CUT_POSCAR + "Si\n2\nSelective\nDirect\n0 0 0 T T", "line 11: ends or is empty here"),
        ("flat.vasp", "Si\n1.0\n3 0 0\n0 3 0\n0 0 0\nSi\n1\nDirect\n0 0 0\n", "lattice vectors in 2 directions"),
        ("two.xyz", 2 * '1\nLattice="3 0 0 0 3 0 0 0 3"\nSi 0 0 0\n', "holds 2 structures"),
    ],
)
def test_one_line_for_each_fault_of_a_file(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read_structure(path)
    message = str(raised.value)
    assert words in message
    assert message.startswith((f"{path}: ", f"{path}, line "))
    assert "\n" not in message
    assert len(message) < 320 + len(str(path))


def test_faults_of_calculators(cif, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    file = cif("Si.cif", bulk("Si", cubic=True))
    for calculator, arguments, words in (
        ("sevnn", {}, "wanted sevenn"),
        ("no.such.module:Class", {}, "no module 'no'"),
        ("ase.calculators.lj:Missing", {}, "no 'Missing' in the module"),
        ("springs:Springs", {"wrong": 1}, "'springs:Springs' knows no argument 'wrong': it has "),
        ("ase.calculators.emt:EMT", {}, "does not take Si (Si): NotImplementedError No EMT-potential for Si"),
        ("emt", {}, "not Si"),
        ("tersoff", {"a": 1}, "takes no arguments"),
        ("unep", {}, "arguments={'model_filename': FILE}"),
        (7, {}, "expected a name, 'module:Class' or a calculator of ASE"),
    ):
        with pytest.raises(InputError) as raised:
            crystal_from_file(file, FiniteDisplacements(calculator=calculator, arguments=arguments))
        assert words in str(raised.value)
    monkeypatch.setattr(calculators, "_version", lambda _: "")
    with pytest.raises(MissingEngine, match=r"pip install 'kapitza\[mlip\]'"):
        crystal_from_file(file)
    with pytest.raises(InputError, match="expected name=value"):
        parse_arguments(["model"])
    assert parse_arguments(["a=1.5", "b=true", "c=7net-0"]) == {"a": 1.5, "b": True, "c": "7net-0"}


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("lj:LennardJones", "sgima", "it has epsilon, sigma, rc, .*; did you mean sigma"),
        ("eam:EAM", "ppotential", ".*; did you mean potential?"),
        ("lammpslib:LAMMPSlib", "lmpcmd", "it has .*keep_alive"),
        ("harmonic:HarmonicCalculator", "forcefield", ".*; did you mean harmonicforcefield?"),
        # names that are in no signature and in no defaults, which the classes use all the same, or hand to a program
        ("eam:EAM", "elements", ""),
        ("lammpslib:LAMMPSlib", "lmpcmds", ""),
        ("vasp:Vasp", "encut", ""),
        ("espresso:Espresso", "input_data", ""),
        ("dftb:Dftb", "Hamiltonian_SCC", ""),
        ("lj:LennardJones", "label", ""),
    ],
)
def test_arguments_that_a_calculator_would_not_use_are_named(path, name, words):
    """Calculators of ASE take any name without a word."""
    where, _, kind = path.partition(":")
    made = getattr(import_module(f"ase.calculators.{where}"), kind)
    if not words:
        calculators.check_argument_names(made, path, {name: 1})
        return
    with pytest.raises(InputError, match=f"knows no argument '{name}': {words}"):
        calculators.check_argument_names(made, path, {name: 1})


def test_unstable_crystals_are_refused_or_say_so(cif):
    simple = cif("simple.cif", bulk("Ar", "sc", a=3.75))
    with pytest.raises(InputError, match=r"simple is unstable: imaginary frequencies up to .*i THz, at q = \(.*\)"):
        crystal_from_file(simple, FiniteDisplacements(calculator="lj"))
    stretched = FiniteDisplacements(calculator="lj", relax="none")
    with pytest.raises(InputError, match="unstable"):
        crystal_from_file(cif("wide.cif", bulk("Ar", "fcc", a=6.3)), stretched)


def test_noise_of_forces_leaves_sound_alone():
    """Where the moments of a row do not balance, no self term does, and waves near Γ have frequencies of noise."""
    rng = np.random.default_rng(2)
    cells = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    values = rng.standard_normal((3, 6, 6))
    values[0] += values[0].T
    values[2] = values[1].T
    found = balance_moments(cells, values)
    total = found.sum(axis=0).reshape(2, 3, 2, 3).sum(axis=2)
    assert np.abs(total - total.swapaxes(1, 2)).max() < 1e-12
    assert np.abs(found[2] - found[1].T).max() < 1e-14
    assert np.abs(found - values).max() < np.abs(values).max()


def test_the_place_of_an_instability_is_that_of_the_zone(cif):
    """Argon on a simple cubic lattice shears at the edges of the zone: no image of a place in it is nearer to Γ."""
    with pytest.raises(InputError) as raised:
        crystal_from_file(cif("simple.cif", bulk("Ar", "sc", a=3.75, cubic=True)), FiniteDisplacements(calculator="lj"))
    place = [float(word) for word in str(raised.value).partition("q = (")[2].partition(")")[0].split(",")]
    assert max(place) == 0.5
    assert min(place) >= -0.5


def test_large_work_is_announced_and_refused(cif, monkeypatch, tmp_path):
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(displaced_forces, "_NOTICEABLE_WORK", 500)
    lines: list[str] = []
    rng = np.random.default_rng(0)
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True)
    atoms.positions += 0.1 * rng.standard_normal(atoms.positions.shape)
    method = FiniteDisplacements(calculator="lj", relax="none", announce=lines.append)
    crystal_from_file(cif("glass.vasp", atoms, format="vasp"), method)
    assert len(lines) == 1
    assert re.fullmatch(r"glass: 24 evaluations of forces on 32 atoms, about \S+ s in all, each kept .*", lines[0])
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True).repeat(4)
    atoms.positions += 0.1 * rng.standard_normal(atoms.positions.shape)
    with pytest.raises(InputError, match="256 atoms in the primitive cell"):
        crystal_from_file(cif("large.vasp", atoms, format="vasp"), method)


def test_names_of_structure_files():
    assert all(map(is_structure_file, ("a.cif", "POSCAR", "x/CONTCAR", "POSCAR_Si", "Si.vasp", "si.extxyz", "A.CIF")))
    assert not any(map(is_structure_file, ("Si", "Si.yaml", "POSCAR.yaml", "PoSi", "geometry", "a.toml", "poscarbide")))
    assert structure_name("data/Si.cif") == "Si"
    assert structure_name("data/POSCAR") == "data/POSCAR"
    with pytest.raises(InputError, match="no structure file by its name"):
        read_structure(__file__)


def test_a_crystal_of_the_cell_of_the_file_has_its_axes(cif):
    found = crystal_from_file(cif("Ar.cif", bulk("Ar", "fcc", a=5.3, cubic=True)), FiniteDisplacements(calculator="lj"))
    np.testing.assert_allclose(found.axes, 5.3e-10 * np.eye(3), rtol=0, atol=1e-16)
    spectrum = found.spectrum((1, 1, 1))
    want = Bands(found.crystal, (1, 1, 1)).spectrum
    omega = np.linspace(0.1, 0.9, 5) * want.table.top
    np.testing.assert_allclose(spectrum.modes(omega), want.modes(omega), rtol=1e-12, atol=0)


@pytest.mark.parametrize("number", ["", "_symmetry_Int_Tables_number 227\n"])
@pytest.mark.parametrize(
    ("group", "point"), [("F d -3 m:1", 0), ("F d -3 m S", 0), ("F d -3 m :2", 0.125), ("F d -3 m Z", 0.125)]
)
def test_the_origin_that_a_cif_names_is_kept(tmp_path, group, point, number):
    """Silicon with the origin in its atom or between two, without a list of operators: eight atoms and no more."""
    cell = "".join(f"_cell_length_{axis} 5.43(1)\n" for axis in "abc")
    cell += "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
    sites = "loop_\n_atom_site_label\n" + "".join(f"_atom_site_fract_{axis}\n" for axis in "xyz")
    text = f"data_Si\n{cell}_symmetry_space_group_name_H-M '{group}'\n{number}{sites}Si1 {point} {point} {point}\n"
    for end in ("\n", "\r\n"):
        path = tmp_path / "Si.cif"
        path.write_bytes(text.replace("\n", end).encode())
        assert read_structure(path).masses.size == 8
    path.write_text(text.replace(f"Si1 {point}", "Si1 ?"))
    with pytest.raises(DataError, match="a coordinate that is no number"):
        read_structure(path)


def test_estimates_of_files_are_of_what_they_hold(cif):
    """Aluminium under the name of gold, and copper denser than any."""
    want = calibrated_conductance("Al", "Si", 300.0)
    found = predict(cif("Au.cif", bulk("Al", a=4.05, cubic=True)), "Si", 300.0, "dmm", calculator="emt")
    assert (found.left, found.estimate.basis) == ("Au", "measured")
    assert (found.estimate.conductance.value == want.value).all()
    assert any("Au holds Al" in remark for remark in found.remarks)
    found = predict(cif("Au.cif", bulk("Cu", a=3.4, cubic=True)), "Si", 300.0, "dmm", calculator="emt")
    assert (found.estimate.basis, found.measured) == ("physics", ())
    assert "'Au.cif' in the library" in found.estimate.reason


def test_crystals_of_the_package_are_known_by_elements_and_density():
    for name in ("Si", "3C-SiC", "6H-SiC", "TiC", "Pt", "Ir", "Co", "Ni", "graphite", "diamond"):
        assert library_name(evolve(phonon_crystal(name), name="unnamed")) == name
    for name in ("ZrO2", "BAs"):  # zirconia of the library is stabilised by yttria
        assert library_name(evolve(phonon_crystal(name), name="a-SiO2")) == ""
