"""Every kind of junction that the command builds, from options to transmission; each fault one line."""

import numpy as np
import pytest

from kapitza import agf, load
from kapitza.cli import main
from kapitza.units import THz
from printed_json import printed

pytest.importorskip("matscipy")

ARGON = ["--potential", "lj", "--layers", "2"]
THIN = ["Ar", "Ar", "--potential", "lj", "--layers", "3", "--supercell", "2x1", "--depth", "0.2 nm"]
KRYPTON = ["Ar", "Kr", *ARGON, "--limit", "7 %"]

MIXED = [*KRYPTON, "--supercell", "2x1", "--intermixing", "0.1 nm"]
LOOSE = ["--no-relax", "--layers", "3", "--intermixing", "0.15 nm"]
SAME = ["Ar", "Ar", *ARGON]


def built(tmp_path, *options):
    """The junction that the options make, saved and read again."""
    path = str(tmp_path / "j.h5")
    assert main(["junction", "build", *options, "--save", path]) == 0
    return load(path)


@pytest.mark.parametrize(
    ("options", "elements"),
    [
        (
            [*KRYPTON, "--supercell", "2x1", "--intermixing", "0.1 nm", "--profile", "linear", "--seed", "3"],
            {"Ar", "Kr"},
        ),
        ([*KRYPTON, "--supercell", "2x1", "--roughness", "0.1 nm", "--correlation", "0.5 nm"], {"Ar", "Kr"}),
        ([*THIN, "--vacancies", "25 %"], {"Ar"}),
        ([*THIN, "--substitute", "Kr:50%"], {"Ar", "Kr"}),
        ([*SAME, "--interlayer", "Kr:1", "--limit", "7 %"], {"Ar", "Kr"}),
        ([*SAME, "--interlayer", "Kr:1", "--interlayer", "Ar:1", "--no-relax", "--limit", "7 %"], {"Ar", "Kr"}),
        ([*SAME, "--mirror", "--orientation", "111"], {"Ar"}),
    ],
    ids=["graded", "rough", "vacancies", "foreign atoms", "interlayer", "two interlayers", "twin"],
)
def test_kinds_scatter_and_keep_the_sum_rule(tmp_path, options, elements):
    junction = built(tmp_path, *options)
    assert {symbol for slab in junction.device for symbol in slab.symbols} == elements
    assert junction.violation < 1e-9
    found = agf(junction, [0.6 * THz], k_mesh=(3, 3))
    assert 0 < found.total[0] <= min(found.left[0], found.right[0]) * (1 + 1e-9)


def test_force_constants_of_files_mix(tmp_path, data):
    """Law: the same crystal on both sides lets everything pass; weaker bonds hold heat back."""
    silicon = str(data("crystals/Si.yaml"))
    whole, weak = (
        built(tmp_path, silicon, silicon, "--reach", "4 angstrom", *more) for more in ([], ["--scale", "0.2"])
    )
    omega = [4 * THz]
    one, two = (agf(junction, omega, k_mesh=(4, 4)) for junction in (whole, weak))
    np.testing.assert_allclose(one.total, one.left, rtol=1e-8)
    assert two.total[0] < 0.8 * two.left[0]


def test_a_sheet_lies_between_crystals_that_touch(tmp_path):
    """Law: twice as stiff a contact passes more, and a sheet between takes some of it away."""
    touch = ["Ar", "Ar", "--potential", "lj", "--limit", "20 %", "--cell", "0.8 nm"]
    sheet = ["--sheet", "graphene", "--sheet-potential", "tersoff"]
    soft, stiff, covered = (
        built(tmp_path, *touch, "--normal", f"{n} N/m3", "--shear", "1e17 N/m3", *more)
        for n, more in ((1e18, []), (2e18, []), (2e18, sheet))
    )
    assert {symbol for slab in covered.device for symbol in slab.symbols} == {"Ar", "C"}
    assert covered.violation < 1e-9
    passed = [agf(one, [0.5 * THz], k_mesh=(4, 4)).total[0] for one in (soft, stiff, covered)]
    assert passed[1] > passed[0] > 0
    assert passed[2] < passed[1]


def test_several_seeds_make_several_files(tmp_path, capsys):
    path = str(tmp_path / "rough.npz")
    assert main(["junction", "build", *MIXED, *LOOSE, "--seed", "1,2", "--save", path, "--json"]) == 0
    assert len(printed(capsys.readouterr().out)["junctions"]) == 2
    masses = [np.concatenate([slab.masses for slab in load(tmp_path / f"rough-{i}.npz").device]) for i in (1, 2)]
    assert not np.array_equal(*masses)


def test_options_change_the_keys_of_a_file(tmp_path, capsys):
    file = tmp_path / "j.toml"
    file.write_text('left = "Ar"\nright = "Kr"\npotential = "lj"\nlayers = 2\n', encoding="utf-8")
    assert main(["junction", "build", str(file), "--limit", "7 %"]) == 0
    assert capsys.readouterr().out.startswith("Ar|Kr (001)")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["Ar", "Kr", *ARGON, "--limit", "0.2 %", "--cell", "0.6 nm"], "strained by 0.2 % or less; the best one is"),
        ([*SAME, "--twist", "much"], "twist: value = 'much'"),
        ([*SAME, "--supercell", "2"], "expected two numbers such as 2x2"),
        ([*SAME, "--interlayer", "Kr"], "expected a name and a number, such as Ge:3"),
        ([*SAME, "--interlayer", "Kr:x"], "interlayer 'x': expected a whole number"),
        ([*SAME, "--substitute", "Kr:120%"], "together at most 1"),
        ([*SAME, "--intermixing", "3 K"], "expected length"),
        ([*SAME, "--seed", "-1"], "seed '-1': expected a whole number"),
        ([*SAME, "--mixing", "mean"], "with a potential it means nothing"),
        (["Ar", "Ar", "--left-potential", "lj"], "Ar needs forces: expected --potential"),
        ([*SAME, "--sheet", "graphene"], "give `normal`, their stiffness per area"),
        ([*SAME, "--normal", "1e18 N/m3", "--mirror"], "means nothing where springs join"),
        (["Ar.yaml", "Ar.yaml"], "Ar.yaml"),
    ],
)
def test_faults_are_one_line(options, match, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["junction", "build", *options]) == 2
    err = capsys.readouterr().err
    assert match in err
    assert err.count("\n") == 1
    assert err.startswith("kapitza: ")
