"""Junction files: every key is read, every fault is one line with its place, saved junctions come back bit by bit."""

import numpy as np
import pytest

from kapitza import load, save
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io import read_junction
from kapitza.io.junctions import junction_plan, junctions_from_options
from kapitza.io.toml import read_toml
from kapitza.matter.files.crystals import load_crystal
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.structure import structure
from kapitza.units import angstrom, nm

ARGON = 'left = "Ar"\nright = "Kr"\npotential = "lj"\nlimit = "7 %"\nlayers = 2\n'


def written(folder, text):
    path = folder / "junction.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path):
    path = written(
        tmp_path,
        """
left = "C"
right = "c-BN"
potential = "matsunaga"
orientation = [1, 1, 1]
right_orientation = [-1, 1, 1]
strain = "both"
limit = "3 %"
cell = "2 nm"
twist = "30 deg"
mirror = true
layers = 7
contact = ["C", "B"]
supercell = [3, 2]
relax = false
[[interlayer]]
crystal = "c-BN"
layers = 3
[disorder]
seed = 5
intermixing = "0.2 nm"
roughness = "1 angstrom"
correlation = "2 nm"
vacancies = "1 %"
depth = "0.4 nm"
profile = "linear"
[disorder.substitutions]
N = "2 %"
""",
    )
    plan = junction_plan(read_toml(path))
    assert (plan.left, plan.right, plan.potential) == ("C", "c-BN", "matsunaga")
    assert (plan.orientation, plan.right_orientation, plan.strain) == ((1, 1, 1), (-1, 1, 1), "both")
    assert (plan.layers, plan.contact, plan.supercell, plan.mirror, plan.relax) == (7, ("C", "B"), (3, 2), True, False)
    assert plan.interlayers == (("c-BN", 3),)
    np.testing.assert_allclose([plan.limit, plan.area, plan.twist], [0.03, (2 * nm) ** 2, np.pi / 6], rtol=1e-12)
    assert plan.disorder is not None
    got = [plan.disorder.intermixing, plan.disorder.roughness, plan.disorder.correlation, plan.disorder.depth]
    np.testing.assert_allclose(got, [0.2 * nm, 0.1 * nm, 2 * nm, 0.4 * nm], rtol=1e-12)
    assert (plan.disorder.seed, plan.disorder.profile) == (5, "linear")
    assert dict(plan.disorder.substitutions) == {"N": 0.02}


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".json"])
def test_saved_junctions_come_back(tmp_path, suffix):
    pytest.importorskip("matscipy")
    junction = read_junction(written(tmp_path, ARGON))
    back = read_junction(save(junction, tmp_path / f"j{suffix}"))
    assert back.name == junction.name == "Ar|Kr (001)"
    for one, other in zip(junction.device, back.device, strict=True):
        np.testing.assert_array_equal(one.onsite, other.onsite)
        np.testing.assert_array_equal(one.masses, other.masses)
        assert one.symbols == other.symbols
    for side in ("left", "right"):
        np.testing.assert_array_equal(junction.lead(side).hop, back.lead(side).hop)
    np.testing.assert_array_equal(junction.blocks([0.1, 0.2]).onsite[0], back.blocks([0.1, 0.2]).onsite[0])


def test_crystals_are_saved_with_their_charges(tmp_path, data):
    polar = load_crystal(data("crystals/AlN.yaml"))
    back = load(save(polar, tmp_path / "c.npz"))
    q = [[1e9, 2e9, 3e9]]
    np.testing.assert_array_equal(back.frequencies(q), polar.frequencies(q))
    pytest.importorskip("matscipy")
    plain = crystal_from_potential(structure("Ar"), published_potential("lj", ["Ar"]))
    np.testing.assert_array_equal(load(save(plain, tmp_path / "d.h5")).force_constants, plain.force_constants)


def test_phonopy_files_mix_and_say_what_is_cut_off(tmp_path, data):
    names = [data(f"crystals/{name}.yaml") for name in ("GaN", "AlN")]
    text = f'left = "{names[0]}"\nright = "{names[1]}"\nreach = "4 angstrom"\nmixing = "mean"\n'
    with pytest.warns(ValidityWarning, match="forces beyond 4 Å along the normal left out, the largest of them"):
        junction = read_junction(written(tmp_path, text))
    assert junction.left.masses.size == 4
    np.testing.assert_allclose(junction.left.thickness, 5.2093 * angstrom, rtol=1e-3)


def test_each_side_may_have_its_own_potential(data):
    pytest.importorskip("matscipy")
    aluminium_nitride = str(data("crystals/AlN.yaml"))
    options = {"left": "2H-SiC", "left_potential": "erhart-albe", "right": aluminium_nitride}
    (junction,) = junctions_from_options(options)
    assert junction.name == "2H-SiC|AlN, force constants mean"
    assert set(junction.left.symbols) == {"Si", "C"}
    assert set(junction.right.symbols) == {"Al", "N"}


def test_options_stand_before_the_keys_of_a_file(tmp_path):
    pytest.importorskip("matscipy")
    path = written(tmp_path, ARGON + "[disorder]\nseed = 2\n")
    (junction,) = junctions_from_options({"right": "Ar", "disorder": {"vacancies": 0}}, path)
    assert junction.name == "Ar|Ar (001)"
    with pytest.raises(DataError, match=r"options: twist: .*expected a number"):
        junctions_from_options({"left": "Ar", "right": "Ar", "potential": "lj", "twist": "much"})


def test_junctions_of_a_file_are_units_of_work(tmp_path, check_long_work):
    pytest.importorskip("matscipy")
    path = written(tmp_path, ARGON + "relax = false\n[disorder]\nvacancies = 0\n")
    found = check_long_work(lambda **run: junctions_from_options({}, path, seeds=[1, 2], work=run))
    assert [one.name for one in found] == ["Ar|Kr (001)"] * 2


@pytest.mark.parametrize(
    ("text", "line", "match"),
    [
        ('left = "Ar"\nrigth = "Kr"\n', 2, "unknown key; did you mean 'right'"),
        (ARGON + 'strain = "up"\n', 6, "expected 'left' or 'right' or 'both'"),
        (ARGON.replace("7 %", "7 nm"), 4, "is a unit of length"),
        (ARGON.replace("7 %", "nan"), 4, "expected a number"),
        (ARGON.replace("layers = 2", "layers = 2.5"), 5, "expected a whole number from 1 to 200, got 2.5"),
        (ARGON + "orientation = [0, 0, 0]\n", 6, "expected three integers"),
        (ARGON + "orientation = [0, 0, 99]\n", 6, "expected three integers"),
        (ARGON + "supercell = [0, 1]\n", 6, "expected two whole numbers"),
        (ARGON + 'contact = ["C"]\n', 6, "expected two elements"),
        (ARGON + 'mixing = "mean"\n', 6, "with a potential it means nothing"),
        (ARGON + "mirror = 1\n", 6, "expected true or false"),
        (ARGON + "[disorder]\nseed = -1\n", 7, "expected a whole number of at least 0"),
        (ARGON + '[disorder]\nvacancies = "120 %"\n', None, "vacancies = 1.2"),
        (ARGON + '[disorder]\nprofile = "step"\n', 7, "expected 'erf' or 'linear'"),
        (ARGON + '[disorder]\nspread = "1 nm"\n', 7, "unknown key"),
        (ARGON + '[[interlayer]]\ncrystal = "Xe"\n', None, "expected a whole number"),
        ('left = "Ar"\nright = "Kr"\n', 1, "a crystal by name needs potential"),
        ('left = "a.yaml"\nright = "b.yaml"\nstrain = "left"\n', 3, "needs a potential"),
        ("left = =\n", 1, "is not TOML"),
    ],
)
def test_faults_have_a_line(tmp_path, text, line, match):
    with pytest.raises(DataError, match=match) as caught:
        read_junction(written(tmp_path, text))
    if line is not None:
        assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_other_results_are_no_junctions(tmp_path):
    path = save((1, 2), tmp_path / "x.json")
    with pytest.raises(DataError, match="holds a tuple, wanted a Junction"):
        read_junction(path)
    with pytest.raises(InputError, match="no crystal 'Aq' by name"):
        read_junction(written(tmp_path, ARGON.replace('"Ar"', '"Aq"')))
    with pytest.raises(FileNotFoundError):
        read_junction(tmp_path / "nothing.toml")
