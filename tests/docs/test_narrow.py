"""What the pages show of every command fits a terminal of 80 columns when it runs on one."""

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_blocks import PAGES, ROOT, Block, Page, blocks, console

from kapitza import cli

WITHOUT_OUTPUT = {"explore"}  # serves a page; its one line is an address
COMMANDS = {
    path: [command for block in blocks(path.read_text(encoding="utf-8")) if block.language == "console"
           for command, _ in console(block.code)]
    for path in PAGES
}  # fmt: skip


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def verbs(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, by its words."""
    for name, one in (cli._all_commands() if group is None else group).commands.items():
        if hasattr(one, "commands"):
            yield from verbs(one, (*path, name))
        else:
            yield (*path, name)


def test_every_verb_is_run_on_a_page() -> None:
    """So that the test below tries its output."""
    shown = [tuple(shlex.split(one, comments=True)[1:]) for some in COMMANDS.values() for one in some]
    without = {one for one in verbs() if not any(words[: len(one)] == one for words in shown)}
    assert without == {(name,) for name in WITHOUT_OUTPUT}


class NarrowPage(Page):
    """A page whose commands run on a terminal of 80 columns; what else it shows is not compared.

    An error is one line, however long.
    """

    def console(self, block: Block) -> None:
        for command, _ in console(block.code):
            if "--json" in command or command.startswith("kapitza cite"):  # formats of others, read by programs
                continue
            lines = printed(shlex.split(command, comments=True)[1:], 2 if "# refused" in command else 0)
            wide = [
                line for line in lines if len(line) > 80 and not is_one_word(line) and not line.startswith("kapitza: ")
            ]
            assert wide == [], f"{command!r} prints lines of more than 80 characters"

    def check(self, *_: Any) -> None:
        """Nothing: `test_blocks` does."""


def printed(words: list[str], status: int) -> list[str]:
    """Lines that a command prints on a terminal of 80 columns, notes and warnings among them."""
    shown = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", shown)
        patch.setattr(sys, "stderr", shown)
        assert cli.main(words) == status, (words, shown.getvalue())
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown.getvalue()).replace("\r", "\n").splitlines()


def is_one_word(line: str) -> bool:
    """Whether a line is long by a name of a file or an address, which is not cut."""
    return max(map(len, line.split())) > 60


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(one, id=str(one.relative_to(ROOT))) for one in PAGES if COMMANDS[one]])
def test_commands_of_a_page_fit_80_columns(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr("kapitza.run.cluster._SCHEDULER_TIMEOUT", 1)  # s that a page waits where none is
    NarrowPage(path, tmp_path).run()
