"""Structure files at the command line: a prediction, options of the calculator, one line for every fault."""

import sys
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.io.junctions import junctions_from_options

sys.path.insert(0, str(Path(__file__).parents[1]))
from printed_json import printed

pytest.importorskip("matscipy")


@pytest.fixture
def argon(tmp_path):
    from ase.build import bulk
    from ase.io import write

    write(tmp_path / "Ar.cif", bulk("Ar", "fcc", a=5.3, cubic=True))
    return str(tmp_path / "Ar.cif")


def test_predict_of_a_structure_file(argon, capsys):
    assert main(["predict", argon, "Pb", "--calculator", "lj", "-T", "77", "--json"]) == 0
    out = capsys.readouterr()
    assert printed(out.out)["models"][0]["fields"]["left"] == "Ar"
    assert main(["predict", argon, "Pb", "--calculator", "lj", "--relax", "cell", "-T", "77"]) == 0
    out = capsys.readouterr()
    assert out.out.startswith("Ar | Pb at 77 K: ")
    assert "note: Ar: forces by potential lennard-jones" in out.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["Al", "Si", "--calculator", "lj"], "structure files such as Si.cif: none of Al, Si is one"),
        (["Al", "Si", "--relax", "cell"], "--relax is for structure files"),
        (["AR", "Si", "--calculator", "ljj"], "no calculator 'ljj'"),
        (["AR", "Si", "--calculator", "lj", "--calculator-args", "a"], "calculator argument 'a'"),
        (["AR", "Si", "--calculator", "tersoff"], "the potential 'tersoff' knows Si, Ge, C, not Ar"),
        (["missing.cif", "Si"], "there is no such file"),
    ],
)
def test_one_line_for_each_fault(argon, capsys, options, words):
    assert main(["predict", *(argon if word == "AR" else word for word in options)]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.startswith("kapitza: ")
    assert err.count("\n") == 1


def test_agf_between_structure_files(argon, capsys):
    """One crystal on both sides: its conductance is that of the potential with an analytic Hessian."""
    assert main(["agf", argon, argon, "--calculator", "lj", "-T", "40", "--tolerance", "0.02", "--json"]) == 0
    found = printed(capsys.readouterr().out)["conductance"][0]["fields"]["value"]
    (junction,) = junctions_from_options({"left": argon, "right": argon, "potential": "lj"})
    want = kapitza.agf(junction, tolerance=0.02, temperature=[40.0]).conductance(40.0).value
    np.testing.assert_allclose(found, want, rtol=0.1, atol=0)  # the one is relaxed in its cell, the other with it


def test_names_with_force_constants_need_no_potential(capsys):
    assert main(["junction", "build", "Si", "Ge", "--orientation", "110", "--json"]) == 0
    assert max(printed(capsys.readouterr().out)["mismatch"].values()) < 1e-3  # the sum rule
    for arguments, words in (
        (["agf", "Si"], "one crystal 'Si': expected two"),
        (["agf", "Al", "Ge"], "crystals of different structure need a potential for both"),
        (["agf", "Si", "Unobtainium"], "Unobtainium needs forces: expected --potential"),
        (["junction", "build", "Si", "Ge", "--calculator", "lj"], "'lennard-jones' knows Ne, Ar, Kr, Xe, not Ge, Si"),
    ):
        assert main(arguments) == 2
        faults = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
        assert len(faults) == 1
        assert words in faults[0]
