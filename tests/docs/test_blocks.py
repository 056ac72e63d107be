"""Every code block of the documentation and the README runs, and prints what the page says it prints.

* `python` blocks of a page share one namespace, in an empty folder; a `text` block right after one is its output.
* `console` blocks hold commands (`$ kapitza ...`) with their output; a line of `...` stands for any lines.
* a block with a `title="name"` is a file of that name.
* `sh` blocks of the README are the two commands of installation, which CI runs as they stand.

With KAPITZA_WRITE_DOCS=1 the outputs on the pages are written anew instead of compared.
"""

import contextlib
import io
import os
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kapitza import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOW_PAGES = frozenset(  # 4 to 12 s of CPU each; other tests check the same solvers on smaller systems
    {
        "docs/how-to/junction-kinds.md",
        "docs/how-to/monte-carlo.md",
        "docs/how-to/thermoreflectance-files.md",
        "docs/theory/agf.md",
        "docs/tutorial/against-experiment.md",
        "docs/tutorial/agf.md",
        "docs/tutorial/eels.md",
    }
)
FENCE = re.compile(r"^```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
WRITE = os.environ.get("KAPITZA_WRITE_DOCS") == "1"


class Block(NamedTuple):
    """A fenced block, with the place of its content on the page."""

    language: str
    title: str
    code: str
    start: int
    line: int


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    found = []
    for match in FENCE.finditer(text):
        title = re.search(r'title="([^"]+)"', match["options"])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match["language"], title[1] if title else "", match["code"], match.start("code"), line))
    return found


def console(code: str) -> list[tuple[str, str]]:
    """Commands of a console block with the output that is shown below each."""
    pieces = re.split(r"^\$ (.*)\n", code, flags=re.MULTILINE)
    assert not pieces[0], f"a console block starts with a command, not with {pieces[0]!r}"
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


def run(command: str) -> str:
    """Output of one command line of the package.

    It runs in this process, since a new one takes a second to load what is loaded here; how the command ends as a
    process of its own is tested with the command.
    """
    words = shlex.split(command, comments=True)
    assert words[0] == "kapitza", f"only commands of the package are run, not {command!r}"
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = cli.main(words[1:])
    # whether machine code is there already depends on what ran before
    text = output.getvalue() + re.sub(r"note: the fit is compiled before.*\n", "", errors.getvalue())
    wanted = 2 if "# refused" in command else 0
    assert status == wanted, f"{command!r} ended with {status}:\n{text}"
    return text


def plain(text: str) -> str:
    """Text without blanks at the ends of lines and empty lines at its ends."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def rounded(text: str) -> str:
    """Text with long numbers rounded to six digits: the last ones differ from machine to machine."""
    return re.sub(r"\d*\.?\d+(e[+-]?\d+)?", lambda n: f"{float(n[0]):.6g}" if len(n[0]) > 8 else n[0], text)


def options(text: str) -> set[str]:
    """Options and commands that a help text names; its layout belongs to the library that prints it."""
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*|^  [a-z]+(?= )", text, re.MULTILINE))


def help_words(text: str) -> list[str]:
    """Words of a help text without the kinds of its arguments and its layout, which versions of the library change."""
    bare = re.sub(r"<[^>]*>|\[[^\]]*\]|-\n *", "", text)
    return sorted(re.findall(r"[a-z]{4,}", bare))


def matches(shown: str, got: str) -> bool:
    """Whether an output is what a page shows of it, where a line of dots stands for any lines."""
    if shown.startswith("Usage:"):
        return options(shown) == options(got) and help_words(shown) == help_words(got)
    pattern = re.escape(rounded(plain(shown)) + "\n").replace(re.escape("...\n"), r"(?:.*\n)*")
    return re.fullmatch(pattern, rounded(plain(got)) + "\n") is not None or alike(plain(shown), plain(got))


def alike(shown: str, got: str) -> bool:
    """Whether two texts differ at most by one in the last digit of numbers: halves are rounded by the last bit."""
    number = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
    if re.sub(number, "#", shown) != re.sub(number, "#", got):
        return False
    pairs = [(one, other) for one, other in zip(*(re.findall(number, t) for t in (shown, got)), strict=True)]
    return all(one == other or ("." in one and last_digits(one, other) <= 1) for one, other in pairs)


def last_digits(one: str, other: str) -> float:
    """Difference of two numbers in units of the last digit of the first."""
    digits, _, power = one.partition("e")
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(float(one) - float(other)) / unit - 1e-6


class Page:
    """A page while it runs: namespace, folder, and the changes that a rewrite would make."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder
        self.text = path.read_text(encoding="utf-8")
        self.namespace: dict[str, object] = {"__name__": "__main__"}
        self.changes: list[tuple[int, str, str]] = []
        self.printed = ""

    def run(self) -> None:
        """Run all blocks in their order."""
        for block in blocks(self.text):
            if block.title:
                (self.folder / block.title).write_text(block.code, encoding="utf-8")
            elif block.language == "python":
                self.python(block)
            elif block.language == "text":
                self.check(block, block.code, self.printed, block.code)
            elif block.language == "console":
                self.console(block)
            else:
                name = self.path.name
                assert block.language == "sh", f"{name}, line {block.line}: {block.language} blocks are not run"
                assert name in ("README.md", "CONTRIBUTING.md"), f"{name}, line {block.line}: use a console block"
        self.rewrite()

    def python(self, block: Block) -> None:
        """Run Python in the namespace of the page."""
        output = io.StringIO()
        code = compile("\n" * block.line + block.code, str(self.path), "exec")
        with contextlib.redirect_stdout(output):
            exec(code, self.namespace)  # noqa: S102
        self.printed = output.getvalue()

    def console(self, block: Block) -> None:
        """Run the commands of a block."""
        shown = [(command, output) for command, output in console(block.code)]
        for command, output in shown:
            self.check(block, output, run(command), f"$ {command}\n{output}")

    def check(self, block: Block, shown: str, got: str, whole: str) -> None:
        """Compare what was printed with what the page shows, or note the change."""
        if WRITE and not matches(shown, got) and "...\n" not in shown:
            start = self.text.index(whole, block.start) + len(whole) - len(shown)
            self.changes.append((start, shown, plain(got) + "\n"))
            return
        place = f"{self.path.name}, line {block.line}"
        assert matches(shown, got), f"{place} shows\n{shown}\nbut the run printed\n{got}"

    def rewrite(self) -> None:
        """Write the changes, from the last to the first."""
        for start, old, new in sorted(self.changes, reverse=True):
            self.text = self.text[:start] + new + self.text[start + len(old) :]
        if self.changes:
            self.path.write_text(self.text, encoding="utf-8")


def page_parameter(path: Path) -> Any:
    """Return the parameter of a page, which is slow if it computes for long."""
    name = path.relative_to(ROOT).as_posix()
    return pytest.param(path, id=name, marks=[pytest.mark.slow] if name in SLOW_PAGES else [])


@pytest.mark.parametrize("path", [page_parameter(path) for path in PAGES])
def test_page(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr("kapitza.run.cluster._SCHEDULER_TIMEOUT", 1)  # s that a page waits where none is
    Page(path, tmp_path).run()


def test_the_readme_has_two_commands_of_one_line():
    commands = [
        block.code for block in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if block.language == "sh"
    ]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)
    assert "kapitza predict Al Si -T 50:600:10 --plot al_si.png --save al_si.json" in commands[0]
    assert "pytest" in commands[1]


def test_a_line_of_dots_stands_for_any_lines():
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("a\n...\n", "a\n")
    assert not matches("a\n...\nd\n", "a\nb\n")
    assert matches("a  \nb\n\n", "\na\nb\n")
    assert matches("1.23456789 W\n", "1.23456781 W\n")
    assert matches("1.2345 W\n", "1.2346 W\n")
    assert not matches("1.2345 W\n", "1.2347 W\n")
    assert not matches("12 W\n", "13 W\n")
    assert matches("Usage: x\n  -T TEXT  Kelvin or more.\n", "Usage: x\n  -T <str>  Kelvin\n            or more.\n")
    assert not matches("Usage: x\n  -T TEXT  Kelvin.\n", "Usage: x\n  -T TEXT  Celsius.\n")
