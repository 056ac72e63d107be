"""What holds for every command: help and output fit the terminal, `--json`, one word for one thing, completion."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kapitza import cli
from kapitza.cli.output import print_table

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
OUTPUTS = (
    "predict Al Si",
    "predict He-4 Cu -T 0.1",
    "materials",
    "materials Si",
    "measured Al Si",
    "phonons Si",
    "superlattice Si Ge --period 5,50nm",
    f"memory {SAMPLES}/cell.toml",
    f"exchanger {SAMPLES}/exchanger.toml",
)
SLOW_OUTPUTS = (
    "compare Al Si",
    "predict Al Si -T 50:600:50",
    "interface Si Ge",
    "screen library --with diamond",
    "composite diamond Cu --radius 1:9:2um",
    "junction build Ar Ar --potential lj",
    f"leg {SAMPLES}/leg.toml",
    f"cryo {SAMPLES}/cryo-chip.toml",
    f"device {SAMPLES}/finfet.toml",
    f"transport {SAMPLES}/si-ge-film.toml",
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below the top, by its words."""
    for name, one in (cli._all_commands() if group is None else group).commands.items():
        yield (*path, name), one
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))


def output(words: list[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines that a command prints on a terminal of so many columns, notes and warnings among them."""
    shown = Terminal()
    for name, value in {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", shown)
    assert cli.main(words) == 0, words
    return re.sub(r"\x1b\[[\d;]*[mK]", "", shown.getvalue()).replace("\r", "\n").splitlines()


def test_every_help_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, _ in [((), None), *commands()]:
        for flag in ("-h", "--help") if len(path) < 2 else ("--help",):
            assert max(map(len, output([*path, flag], 80, monkeypatch))) <= 80, path


def test_every_command_prints_json_on_request() -> None:
    for path, one in commands():
        if not hasattr(one, "commands") and path != ("explore",):  # it serves a page and prints its address
            assert "--json" in {name for option in one.params for name in option.opts}, path


def test_one_word_for_work_that_is_kept() -> None:
    """`--store` wherever finished work is kept and taken up again; it has no second name."""
    for path, one in commands():
        names = [option.opts for option in one.params]
        assert not {"--resume", "--folder", "--cache", "--keep-runs"} & {name for some in names for name in some}, path
        assert all(some == ["--store"] for some in names if "--store" in some), path


@pytest.mark.parametrize("words", [*OUTPUTS, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW_OUTPUTS)])
def test_output_fits_80_columns(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = output(words.split(), 80, monkeypatch)
    assert [line for line in lines if len(line) > 80 and "/" not in line.split(maxsplit=1)[0]] == []


def test_output_widens_with_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prose fills the lines, in fewer of them."""
    narrow, wide = (output(["measured", "Al", "Si"], columns, monkeypatch) for columns in (80, 130))
    assert len(wide) < len(narrow)
    assert 100 < max(map(len, wide)) <= 130


def test_a_wide_table_is_printed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the first column, every number whole and once."""
    shown = Terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", shown)
    numbers = [[f"{10 * i + j}.12345678" for j in range(7)] for i in range(2)]
    print_table("title", ["name", *"abcdefg"], [["first", *numbers[0]], ["second", *numbers[1]]])
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown.getvalue()).splitlines()
    assert max(map(len, lines)) <= 40
    assert sum(line.lstrip().startswith("first") for line in lines) >= 3
    assert sorted(re.findall(r"\d+\.\d{8}", shown.getvalue())) == sorted([*numbers[0], *numbers[1]])


def test_no_cell_of_a_table_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number and the widths of columns, names longer than the terminal among them."""
    for columns in (40, 60, 80):
        for width in range(1, 12):
            shown = Terminal()
            monkeypatch.setenv("COLUMNS", str(columns))
            monkeypatch.setattr(sys, "stdout", shown)
            heads = ["name", *"abcdefgh"]
            print_table("title", heads, [["of several words " * width, *["7" * width] * 8]])
            lines = re.sub(r"\x1b\[[\d;]*m", "", shown.getvalue()).splitlines()
            assert max(map(len, lines)) <= columns
            assert re.findall("7+", "".join(lines)) == ["7" * width] * 8


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(one, marks=pytest.mark.slow) for one in ("zsh", "fish"))])
def test_the_shell_completes_commands(shell: str) -> None:
    """As the script that `--show-completion` prints asks for them."""
    typed = "kapitza comp"
    environment = os.environ | {
        "_KAPITZA_COMPLETE": f"complete_{shell}", "COMP_WORDS": typed, "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "kapitza"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert "compare" in done.stdout
    assert "composite" in done.stdout
    assert "predict" not in done.stdout
    assert done.stderr == ""


def test_export_and_deck_say_in_json_what_they_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    netlist, table, deck = tmp_path / "chip.cir", tmp_path / "boundaries.csv", tmp_path / "deck"
    words = [
        "export",
        str(SAMPLES / "chip-gan-sic.toml"),
        "--spice",
        str(netlist),
        "--comsol",
        str(table),
        "--order",
        "4",
        "--json",
    ]
    assert cli.main(words) == 0
    written = json.loads(capsys.readouterr().out)
    assert (written["spice"]["files"], written["comsol"]["files"]) == ([str(netlist)], [str(table)])
    network = written["spice"]["network"]
    assert 0 < network["error"]["value"] <= 0.1 * network["rise"]["value"]
    assert network["rise"]["unit"] == "K"
    assert cli.main(["md", "deck", str(SAMPLES / "argon.toml"), "--out", str(deck), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in deck.iterdir()) == written["files"]
    assert written["commands"][0] == f"cd {deck} && mpiexec -n 64 lmp -in in.nemd"
