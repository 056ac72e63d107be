"""Messages speak of options and keys of files at the command line, and of functions and arguments in Python."""

import ast
import functools
import pickle
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from kapitza.cli import main
from kapitza.errors import ConvergenceError, DataError, Hint, InputError, MissingFile, ValidityWarning
from kapitza.io.toml import raise_all, read_toml

SOURCE = Path(__file__).resolve().parents[1] / "src" / "kapitza"
PYTHON = re.compile(
    r"(?<![\w-])\.?[A-Za-z_][\w.]*\([^)]*\)?"  # a call
    r"|(?<![\w.-])[a-z_]+=(?:['\"(\[]|True|False|None|\d)"  # an argument
    r"|\bNone\b|\bkapitza\.(?!toml)[a-z]"
)
# formulas, commands of LAMMPS, HTML and examples of formats that look like calls or arguments
PROSE = re.compile(
    r"(?:ln|exp)\(|equal stride\(|R\(infinite\)|A\(Tⁿ|abs\(|interlayer\(s\)|var\(--|=\"|model=7net|--over x="
)
MARKUP = ("core/record_display", "run/progress", "io/device/vtk", "matter/files/structures")
# a command that is named with its options, or a file that such a command wrote
COMMANDS = re.compile(
    r"`[^`]* --[^`]*`|phono3py --br|`phonopy --include-fc`|output of --json|--save FILE keeps|without --monte"
)


def text_of(node: ast.expr) -> str:
    """A literal text, with 'x' for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    return "'x'" if isinstance(node, ast.FormattedValue) and node.conversion == ord("r") else "x"


def texts(node: ast.AST, audience: str = "both") -> Iterator[tuple[str, str]]:
    """Texts below a node with those who read them; no docstrings, annotations and meanings of attributes."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        yield audience, " ".join(text_of(node).split())
        return
    name = node.arg if isinstance(node, ast.keyword) else ""
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    audience = name if name in ("python", "command") else audience
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "about":
        return  # the meaning of an attribute, which documentation shows
    for name, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            docstring = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if isinstance(part, ast.AST) and not docstring and name not in ("annotation", "returns"):
                yield from texts(part, audience)


@functools.cache
def messages() -> list[tuple[str, str, str]]:
    """Module, reader and text of all texts of three words or more, and of all hints."""
    return [
        (path.relative_to(SOURCE).with_suffix("").as_posix(), audience, text)
        for path in sorted(SOURCE.rglob("*.py"))
        for audience, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if len(text.split()) > (2 if audience == "both" else 1)
    ]


@functools.cache
def function_names() -> set[str]:
    """Names of public functions of more than one word, which no sentence has by chance."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py") if "cli" not in path.parts]
    functions = [one.name for tree in trees for one in tree.body if isinstance(one, ast.FunctionDef)]
    return {name for name in functions if "_" in name[1:-1] and not name.startswith("_")}


def python_words(text: str) -> list[str]:
    """What of a text only someone who writes Python understands."""
    bare = PROSE.sub("", text)
    names = [name for name in re.findall(r"\b[a-z_]+\b(?! =)", bare) if name in function_names()]
    return [match[0] for match in PYTHON.finditer(bare)] + names


def test_no_message_of_a_command_speaks_of_python() -> None:
    speaking = {
        f"{module}: {text}": words
        for module, audience, text in messages()
        if audience != "python" and module not in MARKUP and not module.startswith("web/")
        if (words := python_words(text))
    }
    assert speaking == {}


def test_messages_in_python_name_no_options() -> None:
    """Except those of a command that is named, or of a file that a command wrote."""
    found = [
        text
        for module, audience, text in messages()
        if audience != "command" and not module.startswith(("cli/", "web/", "io/reading"))
        if re.search(r"(?<!\w)--[a-z]", COMMANDS.sub("", text))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("message", "hint", "in_python", "at_the_command_line"),
    [
        ("no rest", Hint("use relax='atoms'", "use --relax atoms"), "{}; use relax='atoms'", "{}; use --relax atoms"),
        ("no steady state:", Hint("use a()", "use --a"), "{} use a()", "{} use --a"),
        ("expected a plane, got 3:", Hint("write Plane(0)"), "{} write Plane(0)", "expected a plane, got 3"),
        ("the boundary leaks", None, "{}", "{}"),
    ],
)  # fmt: skip
def test_a_hint_follows_its_message(message: str, hint: Hint | None, in_python: str, at_the_command_line: str) -> None:
    for fault in (InputError(message, hint=hint), ValidityWarning(message, hint=hint)):
        assert str(fault) == in_python.format(message)
        assert fault.command_message == at_the_command_line.format(message)


@pytest.mark.parametrize(
    "fault",
    [
        InputError("a", hint=Hint("b", "c")), DataError("a", file="f", line=2, hint=Hint("b", "c")),
        ConvergenceError("a", 3.0, hint=Hint("b", "c")), MissingFile("f"), ValidityWarning("a", hint=Hint("b", "c")),
    ],
)  # fmt: skip
def test_faults_of_other_processes_keep_their_hints(fault: InputError) -> None:
    same = pickle.loads(pickle.dumps(fault))  # noqa: S301
    assert (str(same), same.command_message) == (str(fault), fault.command_message)
    assert vars(same).keys() == vars(fault).keys()


def test_a_quoted_fault_of_another_process_keeps_its_hints() -> None:
    cause = InputError("no rest", hint=Hint("relax='atoms'", "--relax atoms"))
    try:
        raise InputError(f"worker 3: {cause}") from cause
    except InputError as err:
        same = pickle.loads(pickle.dumps(err))  # noqa: S301
    assert (str(same), same.command_message) == ("worker 3: no rest; relax='atoms'", "worker 3: no rest; --relax atoms")


def test_a_quoted_fault_keeps_its_hints(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1\ny = 2\n")
    table = read_toml(tmp_path / "a.toml")

    def fail() -> None:
        raise InputError("the cell changes", hint=Hint("relax='atoms'", "--relax atoms"))

    with pytest.raises(DataError) as caught:
        raise_all([lambda: table.locate("x", fail), lambda: table.locate("y", fail)])
    place = f"{tmp_path / 'a.toml'}, line 1: "
    for text, hint in ((str(caught.value), "relax='atoms'"), (caught.value.command_message, "--relax atoms")):
        assert text == f"{place}x: the cell changes; {hint}; line 2: y: the cell changes; {hint}"


def test_faults_and_warnings_of_a_command_have_its_hints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        warnings.warn(ValidityWarning("a wide beam", hint=Hint("widen()", "--wide")), stacklevel=1)
        raise InputError("Si changes its lattice:", hint=Hint("take relax='atoms'", "take --relax atoms"))

    monkeypatch.setattr("kapitza.cli._all_commands", lambda: fail)
    assert main(["predict", "Al", "Si"]) == 2
    written = capsys.readouterr().err
    assert "a wide beam; --wide" in written
    assert written.endswith("kapitza: Si changes its lattice: take --relax atoms\n")


def test_the_drop_of_a_file_is_explained_in_words_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "Al", "Si", "--models", "dmm", "--save", "emitted.json"]) == 0
    device = (
        '[[layers]]\nname = "Al"\nmaterial = "Al"\nthickness = "80 nm"\n[[layers]]\nname = "Si"\nmaterial = "Si"\n'
        'thickness = "1 um"\n[boundaries]\n"Al|Si" = "emitted.json"\n[[sources]]\nname = "gate"\npower = "1 W"\n'
        '[box]\nwidth = "1 mm"\ndepth = "1 mm"\n'
    )
    (tmp_path / "device.toml").write_text(device)
    capsys.readouterr()
    assert main(["device", "device.toml"]) == 2
    assert python_words(capsys.readouterr().err) == []
