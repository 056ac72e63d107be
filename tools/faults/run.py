"""Kill, interrupt and starve every command that writes, and see that nothing is lost, torn or left behind.

    python tools/faults/run.py                       a few of each, as in CI
    python tools/faults/run.py kill --times 1000     SIGKILL at random moments, over all commands in turn
    python tools/faults/run.py interrupt --times 500 SIGINT to the command and its workers at random moments
    python tools/faults/run.py disk readonly pair    full disk, read-only folder, two writers at once
    python tools/faults/run.py clock                 the clock goes back by a minute whenever it is read

A command first runs undisturbed: its result is the reference, and lies where the disturbed runs write.  After each
fault it has to be there, whole and the same; after the last one the command runs undisturbed again, gives the same
result, and leaves no temporary file.  An interrupt has to end in the status 130 and one line within 2 s, a full disk
and a folder that takes no files in the status 2 and one line that names the file.  The exit status is 1 if anything
else happens.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools" / "fuzz")]

from seeds import MAPS, page_block, virtual_lamella  # noqa: E402

from kapitza.core.files import is_temporary  # noqa: E402
from kapitza.io.formats.records import record_tree  # noqa: E402
from kapitza.io.results import load  # noqa: E402

SAMPLES = ROOT / "docs" / "samples"
INTERRUPTED = 130
REFUSED = 2
PATIENCE = 2.0  # s
PROGRESS = ("note: ", "  ")  # how lines begin that no fault writes
SMALL_DISK = 64  # bytes of the largest file
AS_OTHERS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")  # root without his privilege over files
SHORT = (  # of the sample of argon: a run of a second, which is rejected and saved
    ("[4, 4]", "[2, 2]"), ("length = 8", "length = 4"), ("thermostat = 2", "thermostat = 1"), ("200 ps", "2 ps"),
    ("1.6 ns", "16 ps"), ("blocks = 80", "blocks = 8\n\n[spectrum]\nsegment = 32"),
)  # fmt: skip
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static long calls = 0;
    int status = ((int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime"))(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec -= 60 * ++calls;
    return status;
}
"""
START = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); os.write({pipe}, b'.'); "
    "os.close({pipe}); from kapitza.__main__ import main; sys.exit(main())"
)


@dataclass(frozen=True)
class Command:
    """A command and the file that it writes, in the folder in which it works."""

    words: str
    result: str
    status: int = 0  # without any fault
    header: bool = True  # the file has a header with the date, and is read by `load`
    fresh: bool = False  # writes into a new folder, the file last


COMMANDS = (
    Command("predict Al Si --save g.json", "g.json"),
    Command("predict Al Si --models dmm-debye --save g.h5", "g.h5"),
    Command("predict Al Si --models dmm-debye --plot g.png", "g.png"),
    Command("superlattice Si Ge --period 5,50nm --save s.npz", "s.npz"),
    Command("compare --workers 2 --store units --save all.json", "all.json"),
    Command("device chip-gan-sic.toml --save t.h5", "t.h5"),
    Command("leg leg.toml --save leg.json", "leg.json"),
    Command("memory cell.toml --save cell.json", "cell.json"),
    Command("exchanger exchanger.toml --save x.json", "x.json"),
    Command("cryo cryo-chip.toml --save c.json", "c.json"),
    Command("transport si-ge-film.toml --save f.h5", "f.h5"),
    Command("junction build Ar Kr --potential lj --limit 0.07 --save j.h5", "j.h5"),
    Command("eels simulate plan.toml --save scan.h5", "scan.h5", header=False),
    Command("eels lamella virtual/lamella.toml --save lamella.json", "lamella.json"),
    Command("eels lamella lamella.toml --simulate maps", "maps/lamella.toml", header=False, fresh=True),
    Command("device chip-gan-sic.toml --fit map.csv --save fit.json", "fit.json"),
    Command("screen table.csv --top 3 --store units --save pairs.csv", "pairs.csv"),
    Command("screen table.csv --layers --top 3 --save layers.h5", "layers.h5"),
    Command("interface Au Al2O3 -T 300 --store units --save r.json --report r.html", "r.json"),
    Command("md nemd short.toml --save md.json", "md.json", status=3),
    Command("md deck argon.toml --out deck", "deck/kapitza.json", header=False, fresh=True),
)


def main() -> int:
    """Do the faults that are named."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("faults", nargs="*", choices=[[], *FAULTS], help="faults; all if none")
    arguments.add_argument("--times", type=int, default=len(COMMANDS), help="kills and interrupts in all")
    arguments.add_argument("--only", default="", metavar="WORD", help="commands with this word alone")
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    wrong, commands = 0, [one for one in COMMANDS if chosen.only in one.words]
    for name in chosen.faults or FAULTS:
        rng = Random(f"{name} {chosen.seed}")
        counts = [FAULTS[name](one, -(-chosen.times // len(commands)), rng) for one in commands]
        done, bad = sum(count for count, _ in counts), [line for _, lines in counts for line in lines]
        print(f"{name}: {done} times, {len(bad)} wrong", flush=True)
        for line in bad[:20]:
            print(f"  {line}")
        wrong += len(bad)
    return 1 if wrong else 0


class Scene:
    """A folder with the inputs of a command, and the result of an undisturbed run."""

    def __init__(self, command: Command, folder: str) -> None:
        self.command, self.folder = command, Path(folder)
        for path in SAMPLES.iterdir():
            shutil.copy(path, self.folder)
        run = (self.folder / "argon.toml").read_text(encoding="utf-8")
        for old, new in SHORT:
            run = run.replace(old, new)
        (self.folder / "short.toml").write_text(run, encoding="utf-8")
        plan = page_block("tutorial/eels.md", "experiment.toml")
        (self.folder / "plan.toml").write_text(plan, encoding="utf-8")
        for name, table in {"map.csv": "device.csv", "table.csv": "materials.csv"}.items():
            (self.folder / name).write_text(MAPS[table], encoding="utf-8")
        (self.folder / "virtual").mkdir()
        virtual_lamella(self.folder / "virtual")
        self.finish(self.start())  # compiles what is compiled
        self.prepare()
        start = time.monotonic()
        status, said, _ = self.finish(self.start())
        self.seconds = time.monotonic() - start
        if status != command.status:
            raise SystemExit(f"{command.words}: status {status} without any fault: {said}")
        self.reference = self.digest()

    @property
    def result(self) -> Path:
        """The file that is written."""
        return self.folder / self.command.result

    def start(self, prefix: tuple[str, ...] = (), **options: Any) -> subprocess.Popen[str]:
        """Start the command, and return when its first statement has run."""
        seen, announced = os.pipe()
        command = [*prefix, sys.executable, "-c", START.format(pipe=announced), *self.command.words.split()]
        paths = {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
        process = subprocess.Popen(
            command, cwd=self.folder, env=os.environ | paths, pass_fds=(announced,), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip
        os.close(announced)
        os.read(seen, 1)
        os.close(seen)
        return process

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str, float]:
        """Status, error stream without notes, and seconds until nobody could write to it any more."""
        start = time.monotonic()
        try:
            said = process.communicate(timeout=300)[1]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        lines = [line for line in said.splitlines(keepends=True) if not line.startswith(PROGRESS)]
        return process.returncode, "".join(lines), time.monotonic() - start

    def prepare(self) -> None:
        """Let there be something to do: what is kept of earlier runs goes, where the command does not replace it."""
        for name in ("units", "deck", "maps", "md.json.parts"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def faults(self) -> list[str]:
        """What is wrong with the result that lay there before."""
        if self.command.fresh and not self.result.exists():
            return []
        try:
            same = self.digest() == self.reference
        except Exception as err:  # noqa: BLE001 - whatever the damage is
            return [f"{self.command.words}: {type(err).__name__}: {err}"]
        return [] if same else [f"{self.command.words}: another result"]

    def end(self) -> list[str]:
        """What is wrong after an undisturbed run: another result, or files left behind."""
        if self.command.fresh and self.result.exists():  # one that is complete stays
            self.prepare()
        status, said, _ = self.finish(self.start())
        left = [str(path.relative_to(self.folder)) for path in self.folder.rglob("*.part") if is_temporary(path.name)]
        wrong = [f"{self.command.words}: left {', '.join(left)}"] if left else []
        well = status == self.command.status
        return wrong + self.faults() + ([] if well else [f"{self.command.words}: status {status}: {said}"])

    def digest(self) -> str:
        """Hash of what the file holds, without the date of its header."""
        if self.command.fresh:
            whole = [path for path in sorted(self.result.parent.iterdir()) if not is_temporary(path.name)]
            return hashlib.sha256(b"".join(path.read_bytes() for path in whole)).hexdigest()
        if not self.command.header or self.result.suffix not in (".json", ".npz", ".h5"):
            return hashlib.sha256(self.result.read_bytes()).hexdigest()
        held = json.dumps(without_seconds(record_tree(load(self.result))), sort_keys=True)
        return hashlib.sha256(held.encode()).hexdigest()


def without_seconds(tree: Any) -> Any:
    """What a file holds but for the time that it took."""
    if isinstance(tree, dict):
        return {key: without_seconds(value) for key, value in tree.items() if key != "seconds"}
    return [without_seconds(value) for value in tree] if isinstance(tree, list) else tree


def disturb(command: Command, times: int, rng: Random, number: signal.Signals) -> tuple[int, list[str]]:
    """Send a signal at random moments."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        scene = Scene(command, folder)
        for _ in range(times):
            if rng.random() < 0.5 or (command.fresh and scene.result.exists()):
                scene.prepare()  # a folder that is complete is refused by the next run
            process = scene.start()
            moment = rng.uniform(0, scene.seconds)
            time.sleep(moment)
            running = process.poll() is None
            if running:
                os.killpg(process.pid, number)
            status, said, took = scene.finish(process)
            wrong += scene.faults()
            if number != signal.SIGINT or not running:
                continue
            if (status, said) != (INTERRUPTED, "kapitza: interrupted\n") and status != command.status:
                wrong.append(f"{command.words}: after {moment:.3f} s status {status}: {said[-300:]!r}")
            if took > PATIENCE:
                wrong.append(f"{command.words}: {took:.1f} s after an interrupt at {moment:.3f} s")
        return times, wrong + scene.end()


def kill(command: Command, times: int, rng: Random) -> tuple[int, list[str]]:
    """Kill the command and its workers."""
    return disturb(command, times, rng, signal.SIGKILL)


def interrupt(command: Command, times: int, rng: Random) -> tuple[int, list[str]]:
    """Interrupt the command and its workers, as a terminal does."""
    return disturb(command, times, rng, signal.SIGINT)


def disk(command: Command, _times: int, _rng: Random) -> tuple[int, list[str]]:
    """No file may become larger than some bytes."""
    return refuse(command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK)))


def readonly(command: Command, _times: int, _rng: Random) -> tuple[int, list[str]]:
    """The folder takes no new files from this user."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return 0, []  # nothing is read-only for root
    return refuse(command, protected=True, prefix=AS_OTHERS if os.geteuid() == 0 else ())


def refuse(command: Command, *, protected: bool = False, **options: Any) -> tuple[int, list[str]]:
    """Run where nothing can be written."""
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        scene = Scene(command, folder)
        scene.prepare()
        if protected:
            scene.folder.chmod(0o555)
        status, said, _ = scene.finish(scene.start(**options))
        scene.folder.chmod(0o755)
        wrong = scene.faults()
        name = command.result.partition("/")[0]
        if status != REFUSED or said.count("\n") != 1 or not any(word in said for word in (name, "units")):
            wrong.append(f"{command.words}: status {status}: {said[-1500:]!r}")
        if any(path.stat().st_size == 0 for path in scene.folder.rglob("*") if path.is_file()):
            wrong.append(f"{command.words}: left an empty file")
        return 1, wrong + scene.end()


def pair(command: Command, _times: int, _rng: Random) -> tuple[int, list[str]]:
    """Two processes write the same at once."""
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        scene = Scene(command, folder)
        scene.prepare()
        both = [scene.start(), scene.start()]
        ends = [scene.finish(process)[:2] for process in both]
        wrong = [
            f"{command.words}: status {status}: {said[-300:]!r}" for status, said in ends if status != command.status
        ]
        if command.fresh:
            wrong = wrong[1:]  # the second finds the folder of the first and leaves it alone
        return 2, wrong + scene.faults() + scene.end()


def clock(command: Command, _times: int, _rng: Random) -> tuple[int, list[str]]:
    """The clock goes back all the time: results and units that lie there are of the future."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return 0, []
    with tempfile.TemporaryDirectory(prefix="faults") as folder, tempfile.TemporaryDirectory() as library:
        shim = Path(library) / "clock.so"
        build = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(shim), "-ldl"]
        subprocess.run(build, input=CLOCK, text=True, check=True)
        scene = Scene(command, folder)
        wrong: list[str] = []
        for again in (False, True):  # on top of what was done before, and from nothing
            if again:
                scene.prepare()
            status, said, _ = scene.finish(scene.start(prefix=("env", f"LD_PRELOAD={shim}")))
            wrong += scene.faults() + (
                [] if status == command.status else [f"{command.words}: status {status}: {said}"]
            )
        return 2, wrong + scene.end()


FAULTS: dict[str, Callable[[Command, int, Random], tuple[int, list[str]]]] = {
    "kill": kill,
    "interrupt": interrupt,
    "disk": disk,
    "readonly": readonly,
    "pair": pair,
    "clock": clock,
}

if __name__ == "__main__":
    sys.exit(main())
