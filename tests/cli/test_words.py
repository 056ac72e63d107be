"""Messages speak of options and keys of files at the command line, and of arguments in Python."""

import ast
import functools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import doors
import pytest

from kapitza.cli import main
from kapitza.cli.words import _PHRASES, command_line_words

SOURCE = Path(__file__).resolve().parents[2] / "src" / "kapitza"
PUBLIC_FUNCTIONS = {name for room in doors.DOORS for name, home in doors.public_names(room) if "_" in name} & {
    name.lower() for room in doors.DOORS for name, _ in doors.public_names(room)
}
PYTHON = re.compile(
    r"(?<![\w-])\.?[A-Za-z_][\w.]*\([^)]*\)?"  # a call
    r"|(?<![\w.-])[a-z_]+=(?:['\"(\[]|True|False|None|\d)"  # an argument
    r"|\bNone\b|\bkapitza\.(?!toml)[a-z]"
)
PROSE = re.compile(
    r"ln\(ratio\)|R\(infinite\)|abs\(|interlayer\(s\)|var\(--|=\"|model=7net"
)  # formulas, HTML, examples
MARKUP = ("cli/interface/report", "core/record_tables", "run/progress", "io/device/vtk", "matter/files/structures")
# modules with messages to someone who writes Python: no verb gives what these refuse, or it says so before
PYTHON_ONLY = {
    "applications/cryogenic", "applications/ellipsoids", "applications/free_paths", "core/arrays", "core/stack",
    "device/description", "matter/building/relaxed_junction", "matter/files/phonon_facts", "matter/material",
    "measure/device/update", "measure/eels/model", "simulate/md/runs/heat_spectra",  # meanings of attributes, formulas
    "applications/superlattice", "core/occupation", "device/setup", "device/solver", "io/row_tables",
    "io/eels/hyperspy", "matter/files/objects",  # objects of other programs
    "measure/apparent", "measure/device/fit", "measure/eels/ratio_thermometry", "simulate/boltzmann/boundaries",
    "simulate/boltzmann/domain", "simulate/boltzmann/layered/adjoint", "simulate/boltzmann/layered/transport",
    "simulate/md/engines/builtin", "simulate/md/runs/run", "theory/agf/green_functions", "theory/contact",
    "theory/electrons", "theory/grain", "theory/inelastic", "theory/knudsen", "theory/plane_waves",
    "theory/roughness", "theory/spin",
}  # fmt: skip


def text_of(node: ast.expr) -> str:
    """A literal text, with 'x' for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    return "'x'" if isinstance(node, ast.FormattedValue) and node.conversion == ord("r") else "x"


def texts(node: ast.AST) -> Iterator[str]:
    """Texts below a node, but docstrings and annotations."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        yield text_of(node)
        return
    for name, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            docstring = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if isinstance(part, ast.AST) and not docstring and name not in ("annotation", "returns"):
                yield from texts(part)


@functools.cache
def messages() -> list[tuple[str, str]]:
    """Texts of three words or more in the package, each with its module."""
    return [
        (path.relative_to(SOURCE).with_suffix("").as_posix(), " ".join(text.split()))
        for path in sorted(SOURCE.rglob("*.py"))
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if len(text.split()) > 2
    ]


def python_words(text: str) -> list[str]:
    """What of a text only someone who writes Python understands."""
    bare = PROSE.sub("", text)
    names = [name for name in re.findall(r"\b[a-z_]+\b", bare) if name in PUBLIC_FUNCTIONS]
    return [found[0] for found in PYTHON.finditer(bare)] + names


def test_no_message_of_a_verb_speaks_of_python() -> None:
    options = {"--relax", "--statistics"}
    found = {
        f"{module}: {text}": python_words(command_line_words(text, options))
        for module, text in messages()
        if module not in MARKUP and not module.startswith(("cli/", "web/"))
    }
    speaking = {text: words for text, words in found.items() if words}
    assert {text: words for text, words in speaking.items() if text.partition(":")[0] not in PYTHON_ONLY} == {}
    assert {text.partition(":")[0] for text in speaking} == PYTHON_ONLY  # a module apart that has none is taken off


def test_every_phrase_is_one_of_a_message() -> None:
    """A phrase that no message has any more was reworded there, and is left out here."""
    pieces = [text for _, text in messages()]
    unused = [pattern.pattern for pattern, _ in _PHRASES if not any(map(pattern.search, pieces))]
    assert unused == []


def test_messages_in_python_name_no_options() -> None:
    """But of a command that is named, or of a file that a command wrote."""
    named = re.compile(
        r"`[^`]* --[^`]*`|phono3py --br|`phonopy --include-fc`|output of --json|--save FILE keeps|without --monte"
    )
    found = [text for module, text in messages() if not module.startswith(("cli/", "web/", "io/reading"))]
    assert [text for text in found if re.search(r"(?<!\w)--[a-z]", named.sub("", text))] == []


def test_warnings_are_in_the_words_of_the_command(monkeypatch, capsys) -> None:
    def warn(*_: object, **__: object) -> None:
        warnings.warn("wide: relax='atoms' or Setup(back='isothermal')", UserWarning, stacklevel=1)

    monkeypatch.setattr("kapitza.cites", warn, raising=False)
    monkeypatch.setattr("kapitza.cli._run_command", lambda _words: warn() or 0)
    assert main(["predict", "Al", "Si"]) == 0
    assert "--relax atoms or" in capsys.readouterr().err


def test_the_drop_of_a_file_is_explained_in_words_of_the_file(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("numpy")
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
