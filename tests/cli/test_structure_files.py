"""Structure files at the command line: a prediction, options of the calculator, one line for every fault."""

import sys
from pathlib import Path

import pytest

from kapitza.cli import main

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
