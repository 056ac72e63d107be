"""Long work on a Dask cluster of two worker processes: one is killed on the way, one lacks what the work needs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import kapitza
from kapitza.cli import main
from kapitza.run.cluster import check_workers

distributed = pytest.importorskip("distributed", reason="needs kapitza[cluster]")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the cluster, about sockets and processes that were killed

JUNCTION = 'left = "Si"\nright = "Ge"\npotential = "tersoff"\nlayers = 5\n'
DEVICE = """
[[layers]]
name = "GaN"
thickness = "2 um"
conductivity = 150
[[layers]]
name = "SiC"
thickness = "100 um"
conductivity = 390
[boundaries]
"GaN|SiC" = "20 m2K/GW ± 15 %"
[box]
width = "100 um"
depth = "100 um"
[[sources]]
name = "finger"
flux = "1.25 GW/m2"
x = ["0 um", "2 um"]
y = ["0 um", "25 um"]
"""
FILM = """
title = "silicon"
temperature = 300
spacing = "10 nm"
particles = 2000
seed = 1
[[materials]]
material = "Si"
[[boxes]]
material = "Si"
low = ["0 nm"]
high = ["100 nm"]
[walls]
"-x" = { temperature = 301 }
"+x" = { temperature = 299 }
"""


RUN = """
title = "argon on heavy argon"
temperature = "30 K"
difference = "12 K"
[potential]
form = "lennard-jones"
[system]
crystal = "Ar"
ratio = 3
cells = [3, 3]
length = 4
thermostat = 1
[thermostats]
damping = "2.2 ps"
[run]
timestep = "10 fs"
equilibration = "1 ps"
time = "52 ps"
blocks = 8
"""
PLAN = """
[beam]
current = "10 pA"
dwell = "1 s"
[spectrometer]
resolution = "8 meV"
drift = "0.3 meV"
[scan]
columns = 8
rows = 4
pitch = "4 nm"
[sample]
temperature = "425 K"
jump = "40 K"
[[mode]]
name = "TO"
energy = "82 meV"
width = "4.5 meV"
left = 6e-4
right = 2e-4
[wanted]
jump = "0.5 K"
"""
MODES = """
[[mode]]
name = "TO"
energy = "82 meV"
width = "4.5 meV"
"""


class Cluster(NamedTuple):
    """A scheduler in this process, and its workers in processes of their own."""

    address: str
    processes: list["subprocess.Popen[bytes]"]

    def start_workers(self, folder: Path) -> None:
        """Bring the number of workers to two."""
        running = [one for one in self.processes if one.poll() is None]
        line = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--no-nanny", "--no-dashboard"]
        line += ["--nthreads", "1", "--local-directory", str(folder)]
        running += [subprocess.Popen(line, stderr=subprocess.DEVNULL) for _ in range(2 - len(running))]
        self.processes[:] = running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as scheduler:
        found = Cluster(scheduler.scheduler_address, [])
        found.start_workers(tmp_path_factory.mktemp("dask"))
        yield found
        for one in found.processes:
            one.kill()
            one.wait()


@pytest.fixture
def client(cluster: Cluster, tmp_path: Path) -> Iterator[Any]:
    """A connection to two workers."""
    cluster.start_workers(tmp_path / "dask")
    with distributed.Client(cluster.address, set_as_default=False) as found:
        found.wait_for_workers(2, timeout=60)
        yield found


def run_and_kill(command: list[str], cluster: Cluster) -> int:
    """Run a command on the cluster, and kill a worker once the first result is there but not the last."""
    killed: list[tuple[int, int]] = []

    def line(_units: str) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            if 0 < done < total and not killed:
                killed.append((done, total))
                cluster.processes[0].kill()
                assert cluster.processes[0].wait() == -signal.SIGKILL

        return tell

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kapitza.cli.options.progress_bar", line)
        status = main([*command, "--dask", cluster.address])
    assert killed, "the work was done before a worker could be killed"
    return status


def saved_bytes(path: Path) -> bytes:
    """A saved file without the moment at which it was written."""
    tree = json.loads(path.read_text())
    assert tree.pop("date")
    assert tree.pop("checksum")  # of the date, too
    return json.dumps(tree).encode()


def test_a_worker_that_lacks_something_is_named(cluster, client, capsys):
    """An extra is missed by the unit that needs it, the package itself before any work is handed out."""
    workers = list(client.run(os.getpid))
    assert check_workers(client) == 2
    client.run(exec, "import sys; sys.modules['numba'] = None")
    assert main(["screen", "library", "--dask", cluster.address]) == 2
    said = capsys.readouterr().err
    lines = [f"kapitza: worker {name}: screening pairs of materials needs numba: pip install" for name in workers]
    assert said.startswith(tuple(lines)), said
    client.run(exec, "import sys; del sys.modules['numba']")
    client.run(
        exec, "import sys; sys.hidden = sys.modules['kapitza']; sys.modules['kapitza'] = None", workers=workers[:1]
    )
    assert main(["screen", "library", "--dask", cluster.address]) == 2
    said = capsys.readouterr().err
    assert f"worker {workers[0]} of 2 cannot import kapitza" in said
    client.run(exec, "import sys; sys.modules['kapitza'] = sys.hidden", workers=workers[:1])
    client.run(exec, "import kapitza; kapitza.__version__ = '0.0.1'", workers=workers[1:])
    assert main(["screen", "library", "--dask", cluster.address]) == 2
    assert f"worker {workers[1]} of 2 has kapitza 0.0.1, this machine {kapitza.__version__}" in capsys.readouterr().err
    client.run(exec, f"import kapitza; kapitza.__version__ = {kapitza.__version__!r}")


@pytest.mark.usefixtures("client")
def test_a_command_gives_the_same_bytes_though_a_worker_is_killed(cluster, tmp_path, monkeypatch):
    """The store is written where the command runs, whatever the folder of the workers, and the units in it are those
    of one process.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kapitza.device.layered.temperatures._DEVICES_PER_UNIT", 4)
    Path("device.toml").write_text(DEVICE)
    command = ["device", "device.toml", "--samples", "60", "--json", "--store"]
    assert main([*command, "alone"]) == 0
    assert run_and_kill([*command, "shared"], cluster) == 0
    units = [{path.name: path.read_bytes() for path in Path(name).rglob("*.unit")} for name in ("alone", "shared")]
    assert len(units[0]) == 15
    assert units[0] == units[1]


def test_an_address_where_nobody_answers_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kapitza.run.cluster._SCHEDULER_TIMEOUT", 1)
    other = tmp_path / "other.json"
    other.write_text("[]")
    for address, fault in (
        ("tcp://127.0.0.1:1", "no scheduler answers there"),
        ("somewhere", "no scheduler answers there"),
        (str(other), "not the file of a scheduler"),
        (str(tmp_path / "none.json"), "not the file of a scheduler"),
    ):
        assert main(["screen", "library", "--dask", address]) == 2
        said = capsys.readouterr().err
        assert f"--dask {address:.80}: {fault}" in said
        assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("file", "command", "units"),
    [
        (JUNCTION, ["agf", "FILE", "--tolerance", "0.01"], ("kapitza.theory.agf.transmission.UNIT_SECONDS", 0.03)),
        (FILM, ["transport", "FILE", "--monte-carlo"], None),
        (RUN, ["md", "nemd", "FILE", "--replicas", "5"], None),
        (
            MODES,
            ["eels", "fit", "scan.h5", "--modes", "FILE", "--tie", "common"],
            ("kapitza.measure.eels.fit._PIXELS_PER_UNIT", 4),
        ),
        ("", ["screen", "library", "-T", "100,300"], ("kapitza.screen.pairs._UNIT_COST", 1000.0)),
        ("", ["screen", "library", "--layers"], ("kapitza.screen.layers._UNIT_ROWS", 8)),
    ],
    ids=["agf", "transport", "md", "eels", "screen", "layers"],
)
def test_each_command_gives_the_same_bytes(cluster, tmp_path, monkeypatch, file, command, units):
    (tmp_path / "input.toml").write_text(file)
    monkeypatch.chdir(tmp_path)
    if command[0] == "eels":
        Path("plan.toml").write_text(PLAN)
        assert main(["eels", "simulate", "plan.toml", "--save", "scan.h5"]) == 0
    if command[0] == "md":  # the process that compiles rounds differently from those that load what it kept
        line = [sys.executable, "-m", "kapitza", "md", "nemd", "input.toml", "--replicas", "1"]
        assert subprocess.run(line, check=False, capture_output=True).returncode in (0, 3)
    if units is not None:
        monkeypatch.setattr(*units)
    words = ["input.toml" if word == "FILE" else word for word in command]
    assert main([*words, "--save", "alone.json"]) in (0, 3)  # 3: a run too short to trust
    assert run_and_kill([*words, "--save", "cluster.json"], cluster) in (0, 3)
    assert saved_bytes(Path("cluster.json")) == saved_bytes(Path("alone.json"))
