"""Force constants and lengths of files in wrong units, unstable crystals and primitive cells, as commands meet them."""

import re

import pytest

from kapitza.cli import main

NUMBER = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?")
EV_PER_SQUARE_ANGSTROM = 16.0218  # N/m
PAIR = ["Ge", "--orientation", "110,001"]  # the file has the primitive cell


def scaled(text: str, factor: float) -> str:
    return NUMBER.sub(lambda number: repr(float(number.group()) * factor), text)


@pytest.fixture
def silicon(data, tmp_path):
    """Writes silicon with its force constants and lattice vectors times a factor; returns the path."""

    def write(*, stiffness: float = 1.0, length: float = 1.0) -> str:
        text = data("crystals/Si.yaml").read_text(encoding="utf-8")
        cells, constants = text.split("\nforce_constants:")
        cells = re.sub(
            r"(lattice:\n)((?: *- \[.*\n)+)", lambda found: found.group(1) + scaled(found.group(2), length), cells
        )
        path = tmp_path / "Si.yaml"
        path.write_text(f"{cells}\nforce_constants:{scaled(constants, stiffness)}", encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("verb", [["agf"], ["junction", "build"]], ids=["agf", "build"])
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"stiffness": 1 / EV_PER_SQUARE_ANGSTROM}, "mean speed of sound of 1645 m/s, wanted about 6600"),
        ({"stiffness": EV_PER_SQUARE_ANGSTROM}, "m/s, wanted 50 to 36100 m/s: check the units"),
        ({"length": 0.1}, "are shorter than any atom: in nm? give Å"),
        ({"length": 10.0}, "density of 2.33 kg/m³ is none of a solid"),
        ({"length": 1e10}, "are no crystal's"),
        ({"stiffness": -1.0}, "modes are imaginary, to 16.5i THz"),
    ],
    ids=["eV as N/m", "N/m as eV", "nm", "ten times", "metre", "unstable"],
)
def test_wrong_units_and_unstable_crystals_are_refused_in_one_line(silicon, capsys, verb, wrong, expected):
    assert main([*verb, silicon(**wrong), *PAIR]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("kapitza:")]
    assert expected in line


def test_interface_refuses_what_its_green_functions_would(silicon, capsys):
    for wrong, expected in (
        ({"stiffness": 1 / EV_PER_SQUARE_ANGSTROM}, "m/s, wanted about 6600: give force constants in N/m"),
        ({"stiffness": EV_PER_SQUARE_ANGSTROM}, "m/s, wanted 50 to 36100 m/s: check the units"),
        ({"stiffness": -1.0}, "modes are imaginary, to 16.5i THz"),
        ({"length": 10.0}, "density of 2.33 kg/m³ is none of a solid"),
    ):
        for sides in ([silicon(**wrong), "Ge"], ["Ge", silicon(**wrong)]):
            assert main(["interface", *sides, "--budget", "1s"]) == 2
            out, err = capsys.readouterr()
            assert out == ""
            (line,) = [line for line in err.splitlines() if line.startswith("kapitza:")]
            assert expected in line


def test_phonons_says_what_takes_a_file_of_force_constants(silicon, capsys):
    assert main(["phonons", silicon()]) == 2
    assert "has force constants already" in capsys.readouterr().err


def test_a_file_with_a_primitive_cell_joins_a_crystal_by_name(silicon, capsys):
    """Its Miller indices are not those of the cubic cell; the message holds those to give."""
    path = silicon()
    assert main(["junction", "build", path, "Ge"]) == 2
    assert "(0 0 1) is (1 1 -1) of the cubic cell, whose (0 0 1) is orientation 110" in capsys.readouterr().err
    assert main(["junction", "build", path, *PAIR]) == 0
    assert "(1 1 0) is (0 0 1) of the cubic cell" in capsys.readouterr().err
