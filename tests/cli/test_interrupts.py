"""Interrupts of the command at any moment: status 130, one line, nothing left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

LONG = ("predict", "Al", "Si", "--theory", "three-phonon", "-T", "1:900:0.1")
START = """
import hashlib, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a script it is ignored
class Hook:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
sys.meta_path.insert(0, Hook())
import kapitza.__main__
{more}
sys.exit(kapitza.__main__.main())
"""


def interrupted(code: str, *words: str) -> tuple[int, str, float]:
    """Status, error stream and time of a process."""
    start = time.monotonic()
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr, time.monotonic() - start


@pytest.mark.parametrize("module", ["kapitza.cli", "typer", "kapitza.cli.md.nemd", "numpy", "kapitza.theory.models"])
def test_while_modules_are_imported(module: str) -> None:
    status, said, _ = interrupted(START.format(module=module, more=""), "predict", "Al", "Si")
    assert (status, said) == (130, "kapitza: interrupted\n")


AFTER = """
import threading, kapitza.cli
def stay():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)
def work():
    threading.Thread(target=stay).start()  # Python waits for it in the end
    return 0
kapitza.cli.main = work
"""
COMPILED = """
import threading, kapitza.cli
def work():
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)  # compiled code of a minute that lets other threads run
kapitza.cli.main = work
"""
CHANGED = """
import kapitza.cli
def work():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(9)
    except KeyboardInterrupt as err:
        raise RuntimeError("in __set_name__") from err
kapitza.cli.main = work
"""
DEAF = """
import kapitza.cli
def work():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(9)
    except KeyboardInterrupt:
        time.sleep(60)
kapitza.cli.main = work
"""


@pytest.mark.parametrize(
    "more", [AFTER, COMPILED, DEAF, CHANGED], ids=["after the result", "compiled", "deaf", "changed"]
)
def test_where_python_would_not_listen(more: str) -> None:
    """The first ends at once, the others 1.2 s after the interrupt."""
    status, said, took = interrupted(START.format(module="", more=more), "--version")
    assert (status, said) == (130, "kapitza: interrupted\n")
    assert took < 20, "not a minute"


def test_who_ignores_interrupts_is_left_alone() -> None:
    code = START.format(module="numpy", more="").replace("signal.default_int_handler", "signal.SIG_IGN", 1)
    status, said, _ = interrupted(code, "predict", "Al", "Si", "--models", "dmm-debye")
    assert status == 0
    assert "interrupted" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [LONG, ("compare", "--workers", "2", "--store", "{folder}")], ids=["alone", "workers"]
)
def test_at_random_moments(words: tuple[str, ...], tmp_path: Path) -> None:
    """As a terminal does it, all processes of the command are interrupted together."""
    rng = random.Random(5)
    for _ in range(10):
        command = [sys.executable, "-c", START.format(module="", more="print('ready', flush=True)")]
        words = tuple(word.format(folder=tmp_path) for word in words)
        with subprocess.Popen(
            [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as running:
            try:
                assert running.stdout is not None
                running.stdout.readline()
                time.sleep(rng.uniform(0, 4))
                start = time.monotonic()
                os.killpg(running.pid, signal.SIGINT)
                _, said = running.communicate(timeout=20)  # until every process that could write to it is gone
            finally:
                running.kill()
        assert (running.returncode, said) == (130, "kapitza: interrupted\n")
        assert time.monotonic() - start < 2


def test_that_a_library_made_another_end() -> None:
    """A library that turns an interrupt into an exit of its own leaves no line: ours is printed then."""
    code = (
        "import signal, sys\nfrom kapitza import __main__ as process, cli\n"
        "def end():\n    try: signal.raise_signal(signal.SIGINT)\n    except KeyboardInterrupt: return 141\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\ncli.main = end\nsys.exit(process.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "kapitza: interrupted\n")
