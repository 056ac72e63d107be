"""A process of its own for files of others: whatever becomes of it, the one that asked gets one line."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from kapitza.errors import DataError
from kapitza.io.formats import child
from kapitza.io.formats.child import rehearse, run_in_child

HERE = "faulty_reader"


@pytest.fixture(autouse=True)
def readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of readers that the child finds."""
    (tmp_path / f"{HERE}.py").write_text(
        "import os, signal, time\n"
        "def sound(path): open(path, 'w').write('read')\n"
        "def wrong(path): raise KeyError('no\\nsuch key')\n"
        "def crash(path): os.kill(os.getpid(), signal.SIGKILL)\n"
        "def greedy(path): bytearray(2**40)\n"
        "def slow(path): time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))


def reader(name: str) -> Callable[..., object]:
    """A reader of that module, which this process need not have loaded."""
    return SimpleNamespace(__module__=HERE, __qualname__=name)


def test_a_sound_reader_ends_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "done").touch()
    run_in_child(reader("sound"), str(tmp_path / "done"))
    assert (tmp_path / "done").read_text() == "read"


@pytest.mark.parametrize(
    ("name", "words"),
    [("wrong", r"^'no\\nsuch key'$"), ("crash", f"ended with code -{int(signal.SIGKILL)}"), ("greedy", "MemoryError")],
)
def test_what_goes_wrong_is_one_line(name: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        run_in_child(reader(name), __file__)
    assert "\n" not in str(caught.value)


def test_a_reader_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_MAX_SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(DataError, match="is not read within 1 s"):
        run_in_child(reader("slow"), __file__)
    assert time.monotonic() - start < 30


def test_a_rehearsal_leaves_refusals_to_the_reader() -> None:
    def refuse(path: str) -> None:
        raise DataError(f"{path} is damaged")

    def exhaust(path: str) -> None:
        raise DataError(f"{path} is damaged") from MemoryError()

    rehearse(refuse, "x")
    with pytest.raises(DataError, match="x is damaged"):
        rehearse(exhaust, "x")
