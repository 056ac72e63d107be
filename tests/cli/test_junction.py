"""The verbs of junctions: build, save, show; one line for every fault."""

import numpy as np
import pytest

from kapitza.cli import main
from printed_json import printed

pytest.importorskip("matscipy")

OPTIONS = ["--potential", "lj", "--orientation", "111", "--layers", "2"]


def test_build_save_show(tmp_path, capsys):
    path = str(tmp_path / "ar.h5")
    assert main(["junction", "build", "Ar", "Ar", *OPTIONS, "--save", path]) == 0
    out = capsys.readouterr()
    assert out.out.startswith("Ar|Ar (111)\n")
    assert f"note: wrote {path}" in out.err
    assert main(["junction", "show", path, "--json"]) == 0
    found = printed(capsys.readouterr().out)
    assert found["fields"]["left"]["fields"]["name"] == "Ar"
    np.testing.assert_allclose(found["area"]["value"], np.sqrt(3) / 2 * 5.334e-10**2 / 2, rtol=1e-3)
    assert max(found["mismatch"].values()) < 1e-4
    assert found["fields"]["residual"] < 1e-10


def test_the_strain_of_both_crystals_is_said(capsys):
    """Lattice constants of Lennard-Jones crystals are as their σ: 3.40/3.65 - 1 = -6.85 %, 3.65/3.40 - 1 = 7.35 %."""
    words = ["--potential", "lj", "--limit", "7 %", "--layers", "3"]
    assert main(["junction", "build", "Ar", "Kr", *words]) == 0
    assert "note: strained in the plane: Kr by -6.8 and -6.8 %\n" in capsys.readouterr().err
    assert main(["junction", "build", "Ar", "Kr", *words, "--strain", "left"]) == 0
    assert "note: strained in the plane: Ar by +7.4 and +7.4 %\n" in capsys.readouterr().err
    assert main(["junction", "build", "Ar", "Ar", *OPTIONS]) == 0
    assert "note: strained in the plane: none\n" in capsys.readouterr().err


def test_junctions_are_kept_and_shared(tmp_path, capsys):
    random = ["--vacancies", "2 %", "--seed", "1,2", "--no-relax", "--supercell", "2x1"]
    assert main(["junction", "build", "Ar", "Ar", *OPTIONS, *random, "--json"]) == 0
    alone = printed(capsys.readouterr().out)
    for workers in ("2", "1"):  # the second time from the folder
        run = ["--workers", workers, "--store", str(tmp_path)]
        assert main(["junction", "build", "Ar", "Ar", *OPTIONS, *random, *run, "--json"]) == 0
        assert printed(capsys.readouterr().out) == alone
        assert len(list(tmp_path.rglob("*.unit"))) == 2


def test_a_toml_file_builds_as_well(tmp_path, capsys):
    path = tmp_path / "j.toml"
    path.write_text('left = "Ar"\nright = "Ar"\npotential = "lj"\nlayers = 2\n', encoding="utf-8")
    assert main(["junction", "build", str(path)]) == 0
    assert "device" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["build", "Ar"], "expected two"),
        (["build", "Ar", "Kr"], "expected --potential"),
        (["build", "Ar", "Kr", "--potential", "ljx"], "no potential 'ljx'"),
        (["build", "Si", "Ag", "--potential", "tersoff"], "not Ag"),
        (["build", "Ar", "Ar", "--potential", "lj", "--layers", "0"], "expected a whole number from 1 to 200, got 0"),
        (["build", "Ar", "Ar", "--potential", "lj", "--save", "x.txt"], "x.txt"),
        (["build", "Si", "Ge", "--reach", "-3 angstrom"], "reach: -3e-10 m, wanted above 0"),
        (["build", "Si", "Ge", "--reach", "6"], "reach: 6 m, wanted above 0 and at most 100 nm"),
        (["show", "nothing.h5"], "nothing.h5"),
    ],
)
def test_faults_are_one_line(arguments, match, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["junction", *arguments]) == 2
    err = capsys.readouterr().err
    assert match in err
    assert err.count("\n") == 1
    assert err.startswith("kapitza: ")
