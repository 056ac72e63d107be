"""The verb `agf`, run as a user runs it."""

import json

import numpy as np
import pytest

import kapitza
from kapitza.cli import agf, main
from kapitza.io.formats.arrays import array_from_json, array_to_json
from kapitza.io.formats.files import EMPTY_SEAL, seal
from kapitza.matter.junction import Junction
from printed_json import printed

pytest.importorskip("matscipy")

JUNCTION = 'left = "Si"\nright = "Ge"\npotential = "tersoff"\nlayers = 5\n'


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("junction") / "si_ge.npz"
    (path.parent / "j.toml").write_text(JUNCTION)
    kapitza.save(kapitza.io.read_junction(path.parent / "j.toml"), path)
    return path


def test_conductance_of_a_built_junction(saved, tmp_path, monkeypatch, capsys):
    """Tersoff Si on strained Ge: 199.2 and 316.8 MW/m²K at 100 and 300 K (computed for this project by decimation)."""
    monkeypatch.chdir(tmp_path)
    assert isinstance(kapitza.load(saved), Junction)
    command = ["agf", str(saved), "-T", "100,300", "--tolerance", "0.01", "--store", "units"]
    assert main([*command, "--json", "--plot", "g.png", "--save", "g.npz"]) == 0
    found = printed(capsys.readouterr().out)
    np.testing.assert_allclose(found["conductance"][0]["fields"]["value"], [199.2e6, 316.8e6], rtol=0.03, atol=0)
    drops = {one["fields"]["drop"]: one["fields"]["value"] for one in found["conductance"]}
    assert drops["local"][0] > drops["emitted"][0]
    assert set(drops) == {"emitted", "local"}
    assert (tmp_path / "g.png").stat().st_size > 10_000
    held = kapitza.load("g.npz")
    np.testing.assert_array_equal(held["transmission"].total, found["transmission"]["fields"]["total"])
    units = {path.name for path in (tmp_path / "units").rglob("*.unit")}
    assert units
    assert main([*command, "--json"]) == 0  # from the kept units, and the same to the last digit
    assert printed(capsys.readouterr().out) == found
    assert {path.name for path in (tmp_path / "units").rglob("*.unit")} == units
    assert main(command) == 0
    assert "emitted" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["-T", "20"], ["--modes"], ["--tolerance", "0.05"]])
def test_what_a_computed_pair_has_is_said_where_more_is_asked(options, capsys):
    assert main(["agf", "Al", "Si", *options]) == 2
    said = capsys.readouterr().err
    assert "need a potential for both" in said
    assert "computed beforehand is the conductance of Al(111)|Si(111) alone, from 50 to 500 K" in said
    assert said.count("\n") == 1


def test_a_computed_pair_says_its_strain(capsys):
    assert main(["agf", "MgO", "TiN"]) == 0
    assert "MgO(001)|TiN(001), strained by 0.7 %, error" in capsys.readouterr().err  # 4.241 on 4.212 Å


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (JUNCTION, ["-T", "0"], "expected K, above 0"),
        (JUNCTION, ["--tolerance", "2"], "2"),
        (JUNCTION.replace("tersoff", "tersof"), [], "tersof"),
        (JUNCTION.replace("Ge", "Xx"), [], "Xx"),
        ("left = ", [], "is not TOML"),
    ],
)
def test_faults_are_one_line(tmp_path, monkeypatch, capsys, text, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "j.toml").write_text(text)
    assert main(["agf", "j.toml", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_junction_that_takes_long_to_build_says_so(tmp_path, monkeypatch, capsys):
    (tmp_path / "j.toml").write_text('left = "Ar"\nright = "Kr"\npotential = "lj"\nlimit = "7 %"\nlayers = 2\n')
    monkeypatch.setattr(agf, "_BUILD_NOTE_SECONDS", 0.0)
    agf.read_with_note(str(tmp_path / "j.toml"))
    assert "j.toml --save FILE" in capsys.readouterr().err


def test_who_crosses_adds_to_the_conductance(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["agf", str(saved), "--modes", "--mesh", "3"]
    assert main([*command, "--json", "--plot", "m.png", "--save", "m.h5", "--store", "units"]) == 0
    found = printed(capsys.readouterr().out)
    held = kapitza.load("m.h5")
    whole = held["transmission"].conductance(300.0).value[0]
    np.testing.assert_allclose(np.sum(found["left_by_angle"]["fields"]["transmitted"]), whole, rtol=1e-8, atol=0)
    _, omega, _, crossing = held["modes"].by_branch("left")
    conversion = found["conversion"]["fields"]
    table = np.array(conversion["transmitted"]).sum(axis=(1, 2))
    np.testing.assert_allclose(crossing.sum(axis=1), table[np.isin(conversion["omega"], omega)], rtol=1e-8, atol=1e9)
    assert (tmp_path / "m.png").stat().st_size > 20_000
    assert main([*command, "--store", "units"]) == 0
    said = capsys.readouterr().out
    assert "0 arrives" in said
    assert "branch 2" in said


def test_what_lives_at_the_interface(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["agf", str(saved), "--local", "--mesh", "3"]
    assert main([*command, "--json", "--plot", "l.png", "--save", "l.npz", "--store", "units"]) == 0
    found = printed(capsys.readouterr().out)
    assert 0 < found["share"] < 1
    assert found["modes"]["fields"]["interface"] == [4, 5]
    assert any(name.startswith("resonance, Si") for name in found["families"])
    held = kapitza.load("l.npz")
    np.testing.assert_allclose(held["current"].planes.max(axis=1), held["current"].total, rtol=1e-8, atol=1e9)
    assert (tmp_path / "l.png").stat().st_size > 20_000
    assert main([*command, "--store", "units"]) == 0
    out = capsys.readouterr()
    assert "left decay (Å)" in out.out
    assert "% of the conductance at 300 K" in out.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--modes", "--local"], "one of them"),
        (["--modes", "-T", "100,300"], "expected one in K"),
        (["--mesh", "4"], "--tolerance"),
        (["--local", "--mesh", "0"], "--mesh"),
        (["--local", "--plot", "x.txt"], "x.txt"),
    ],
)
def test_options_that_do_not_fit_are_one_line(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "j.toml").write_text(JUNCTION)
    assert main(["agf", "j.toml", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def damaged(saved, folder, change):
    """Copy of a saved junction with some numbers changed, under a checksum of its own."""
    path = folder / "bad.json"
    held = kapitza.load(saved)
    kapitza.save(held, path)
    tree = json.loads(path.read_text(encoding="utf-8"))
    change(tree["result"]["fields"])
    tree["checksum"] = EMPTY_SEAL
    path.write_bytes(seal(json.dumps(tree).encode()))
    return path


def changed(node, function):
    """Numbers of a stored array after a function."""
    array = array_from_json(node)
    return array_to_json("", np.ascontiguousarray(function(np.array(array))))


def with_sum_rule_broken(fields):
    device = fields["device"]["$items"][4]["fields"]
    device["onsite"] = changed(device["onsite"], lambda a: a + 1e-2 * np.abs(a).max() * np.eye(a.shape[1]) * (a != 0))


def with_other_symmetry(fields):
    device = fields["device"]["$items"][4]["fields"]
    at_home = int(np.flatnonzero((array_from_json(device["shifts"]) == 0).all(axis=1))[0])

    def turn(a):
        a[at_home, 0, 1] += 5.0
        return a

    device["onsite"] = changed(device["onsite"], turn)


def with_nan(fields):
    device = fields["device"]["$items"][4]["fields"]
    device["onsite"] = changed(device["onsite"], lambda a: np.where(a == a.max(), np.nan, a))


def in_other_units(fields):
    for part in (fields["left"], fields["right"], *fields["device"]["$items"]):
        part["fields"]["masses"] = changed(part["fields"]["masses"], lambda a: a / 1.66e-27)


def with_other_cell(fields):
    fields["periods"] = changed(fields["periods"], lambda a: 1.03 * a)


def with_a_layer_missing(fields):
    del fields["device"]["$items"][-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_sum_rule_broken, "sum rule"),
        (with_other_symmetry, "symmetr"),
        (with_nan, "nan"),
        (in_other_units, "kg"),
        (with_other_cell, "misfit"),
        (with_a_layer_missing, "last has a hop"),
    ],
)
def test_junctions_that_cannot_be_are_one_line(saved, tmp_path, monkeypatch, capsys, change, message):
    monkeypatch.chdir(tmp_path)
    path = damaged(saved, tmp_path, change)
    assert main(["agf", str(path)]) == 2
    said = capsys.readouterr().err
    assert message in said.lower()
    assert said.count("\n") == 1
    assert "bad.json" in said
