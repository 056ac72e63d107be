"""The verb `eels lamella`: a virtual experiment of the sample file from end to end, and what it says of bad files."""

import json
from pathlib import Path

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.io.eels.lamella import read_lamella
from kapitza.measure.lamella import LamellaFit

SAMPLE = Path(__file__).parents[2] / "docs" / "samples" / "lamella.toml"


def test_a_virtual_experiment_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, saved = tmp_path / "run", tmp_path / "fit.json"
    assert main(["eels", "lamella", str(SAMPLE), "--simulate", str(folder), "--draw", "--seed", "5", "--json"]) == 0
    truth = json.loads(capsys.readouterr().out)["AlN|SiC.resistance"]["value"]
    figure = tmp_path / "fit.png"
    arguments = ["eels", "lamella", str(folder / SAMPLE.name), "--save", str(saved), "--plot", str(figure)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "resistance of AlN|SiC" in out
    assert "inelastic mean free path" in out
    assert figure.stat().st_size > 10_000
    found = kapitza.load(saved)
    assert isinstance(found, LamellaFit)
    assert abs(np.log(found.resistance / truth)) <= 4 * found.relative_sigma
    assert 0.08 <= found.relative_sigma <= 0.15
    assert main([*arguments[:3], "--json"]) == 0
    derived = json.loads(capsys.readouterr().out)["derived"]
    assert derived["interval"]["value"][0] < found.resistance < derived["interval"]["value"][1]
    assert main(["eels", "lamella", str(SAMPLE), "--simulate", str(folder)]) == 2
    assert "exists" in capsys.readouterr().err
    (folder / SAMPLE.name).unlink()  # as one that was killed before its last file leaves the folder
    assert main(["eels", "lamella", str(SAMPLE), "--simulate", str(folder)]) == 0
    assert (folder / SAMPLE.name).read_bytes() == SAMPLE.read_bytes()


def test_experiments_are_ranked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eels", "design", "--lamella", str(SAMPLE), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["result"]["fields"]
    assert found["names"]["$items"][0] == "strip known to 5 % in series"
    figure = tmp_path / "design.svg"
    assert main(["eels", "design", "--lamella", str(SAMPLE), "--plot", str(figure)]) == 0
    assert "wrote" in capsys.readouterr().err
    assert figure.stat().st_size > 5000


def test_the_power_is_that_before_less_that_after() -> None:
    one = read_lamella(SAMPLE, virtual=True).maps[0]
    assert one.power is not None
    assert abs(one.power / 0.38e-3 - 1) <= 1e-9
    assert abs(one.power_sigma / (np.hypot(16, 8.4) / 380) - 1) <= 1e-9


def test_noise_of_the_thickness_is_drawn_and_enters_the_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = 't_over_lambda = 0.8\nt_over_lambda_sigma = "10 %"\nt_over_lambda_correlation = "200 nm"'
    path, folder = tmp_path / SAMPLE.name, tmp_path / "run"
    path.write_text(
        SAMPLE.read_text().replace("t_over_lambda = 0.8", noise).replace("angle =", 'bow = "0 nm +- 5 nm"\nangle =')
    )
    assert main(["eels", "lamella", str(path), "--simulate", str(folder), "--draw", "--json"]) == 0
    truth = json.loads(capsys.readouterr().out)
    assert "AlN|SiC.bow" in truth["drawn"]
    figure = tmp_path / "fit.png"
    assert main(["eels", "lamella", str(folder / SAMPLE.name), "--plot", str(figure)]) == 0
    out = capsys.readouterr().out
    assert "thickness map" in out
    assert "trusted" not in out


def test_a_lockin_plan_is_ranked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SAMPLE.read_text().replace('sigma = "1.5 K"', 'sigma = "0.3 K"\nfrequency = "2 MHz"\nimaginary = "i.csv"')
    path = tmp_path / "lockin.toml"
    path.write_text("".join(line for line in text.splitlines(True) if not line.startswith(("before", "after"))))
    assert main(["eels", "design", "--lamella", str(path)]) == 0
    assert "strip known to 5 % in series" in capsys.readouterr().out
    assert main(["eels", "lamella", str(path), "--simulate", str(tmp_path / "new"), "--seed", "-3"]) == 2
    assert "greater than or equal to 0" in capsys.readouterr().err


CASES = {
    "size": ("t_over_lambda = 0.8", 't_over_lambda = "other.csv"', "3 x 2 pixels, the map 'forward' 20 x 40"),
    "unit": ('before = "0.80 mW +- 2 %"', "before = 0.80", "with its unit"),
    "sigma": ('before = "0.80 mW +- 2 %"', 'before = "0.80 mW"', "expected an uncertainty"),
    "kind": ('before = "0.80 mW +- 2 %"', 'before = "0.80 K +- 2 %"', "unit of temperature"),
    "pads": ('right = "1200 nm"', 'right = "3000 nm"', "outside of the map of t/λ"),
    "pad": ('right = "1200 nm"', 'right = "3000 nm"', "the pad at x = 3000 nm is outside of the map 'forward'"),
    "negative": ("t_over_lambda = 0.8", "t_over_lambda = -0.8", "above 0"),
    "plane": ('position = "600 nm +- 4 nm"', 'position = "1300 nm +- 4 nm"', "outside of its part"),
    "dead": ('dead_layer = "5 nm +- 1 nm"', 'dead_layer = "50 nm +- 1 nm"', "dead layers"),
    "file": ('file = "forward.csv"', 'file = "none.csv"', "no such file"),
    "folder": ('file = "forward.csv"', 'file = "."', "folder"),
    "text": ('file = "forward.csv"', 'file = "words.csv"', "expected numbers"),
    "ragged": ('file = "forward.csv"', 'file = "ragged.csv"', "2 numbers, expected 3"),
    "infinite": ('file = "forward.csv"', 'file = "infinite.csv"', "finite numbers up to 1e+100, or NaN"),
    "empty": ('file = "forward.csv"', 'file = "empty.csv"', "holds no numbers"),
    "binary": ('file = "forward.csv"', 'file = "binary.csv"', "is not text"),
    "key": ('sigma = "1.5 K"', 'sgima = "1.5 K"', "did you mean"),
    "interface": ('interface = "AlN|SiC"', 'interface = "Al|Si"', "'AlN|SiC'"),
    "planes": ("[lamella]", '[[plane]]\nposition = "900 nm"\nresistance = 1e-9\n\n[lamella]', "got 2 and 2"),
    "edges": ('left = "0 nm"', 'left = "1500 nm"', "left below right"),
    "share": ("100 W/mK +- 44 %", "100 W/mK +- -44 %", "uncertainty of 0 or more"),
    "emissivity": ("t_over_lambda = 0.8", "t_over_lambda = 0.8\nemissivity = 2", "from 0 to 1"),
    "thick": ("t_over_lambda = 0.8", "t_over_lambda = 1e30", "at most 100"),
    "noise": ("t_over_lambda = 0.8", 't_over_lambda = 0.8\nt_over_lambda_sigma = "-3 %"', "between 0 and 1"),
    "noise unit": ("t_over_lambda = 0.8", 't_over_lambda = 0.8\nt_over_lambda_sigma = "3 nm"', "unit of length"),
    "noise size": (
        "t_over_lambda = 0.8",
        't_over_lambda = 0.8\nt_over_lambda_sigma = "other.csv"',
        "3 x 2 pixels, t/λ",
    ),
    "correlation": ("t_over_lambda = 0.8", 't_over_lambda = 0.8\nt_over_lambda_correlation = "9 nm"', "with t_over"),
    "bow": ('angle = "3 deg', 'bow = "700 nm"\nangle = "3 deg', "outside of its part"),
    "scale": ('temperature = "0.5 %"', 'temperature = "-1 %"', "between 0 and 1"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_files_are_refused_in_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, words = CASES[case]
    text = SAMPLE.read_text()
    assert old in text
    path = tmp_path / "lamella.toml"
    # pads are outside of a map of t/λ only where there is one
    thick = text if case != "pads" else text.replace("t_over_lambda = 0.8", 't_over_lambda = "thick.csv"')
    path.write_text(thick.replace(old, new))
    rows = "\n".join(",".join(["400"] * 40) for _ in range(20))
    (tmp_path / "forward.csv").write_text(rows)
    (tmp_path / "thick.csv").write_text(rows.replace("400", "0.8"))
    (tmp_path / "other.csv").write_text("1,1\n1,1\n1,1\n")
    (tmp_path / "words.csv").write_text("hot,cold\n")
    (tmp_path / "ragged.csv").write_text("1,2,3\n1,2\n")
    (tmp_path / "infinite.csv").write_text("1,nan\n1,1e400\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    assert main(["eels", "lamella", str(path)]) == 2
    message = capsys.readouterr().err.strip()
    assert "\n" not in message
    assert words in message
