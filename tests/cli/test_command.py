"""The command: what it prints, and that every fault is one line and status 2."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import kapitza
from kapitza import cli
from kapitza.cli import _SECTIONS, _all_commands, app
from kapitza.errors import ValidityWarning
from kapitza.matter.phonons import phonons
from kapitza.measure.catalogue import CONDITIONS
from printed_json import printed

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command here; returns status, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from kapitza.cli import main; sys.exit(main())"]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def fault(result: tuple[int, str, str]) -> str:
    """The one line of a fault."""
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("kapitza: ")
    assert "Traceback" not in err
    return err


def test_help_and_version(run: Run) -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for verb in ("predict", "compare", "materials", "measured", "cite"):
        assert verb in result.output
        assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0
    assert run("--version") == (0, f"kapitza {kapitza.__version__}\n", "")
    status, out, _ = run()
    assert (status, "Usage: kapitza" in out) == (0, True)


def test_predict_of_a_prepared_contact(run: Run) -> None:
    """Every condition of the catalogue can be asked for, and no other."""
    status, out, _ = run("predict", "GaN", "diamond", "--prepared", "van der Waals")
    assert status == 0
    assert out.splitlines()[0] != run("predict", "GaN", "diamond")[1].splitlines()[0]
    status, out, err = run("predict", "GaN", "diamond", "--prepared", "glued")
    assert (status, out) == (2, "")
    assert err.startswith("kapitza: unknown condition 'glued': expected ")
    assert all(repr(known) in err for known in CONDITIONS)


def test_predict_at_one_temperature(run: Run) -> None:
    status, out, err = run("predict", "Al", "Si")
    assert status == 0
    assert out.startswith("Al | Si at 300 K: ")
    assert "95 % interval" in out.splitlines()[0]
    assert "measured here by" in out.splitlines()[0]
    assert "models by the emitted drop" in out
    assert "Minnich 2011" in out
    want = kapitza.dmm(phonons("Al"), phonons("Si")).conductance(300).value[0] / 1e6
    (line,) = [one for one in out.splitlines() if one.lstrip().startswith("DMM, full")]
    assert line.split()[-1] == f"{want:.4g}"
    assert "gray, diffuse" not in err
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())
    status, out, err = run("predict", "Al", "Si", "--drop", "extrapolated", "--models", "all")
    assert "gray, diffuse" in err
    debye = kapitza.dmm(kapitza.solid("Al"), kapitza.solid("Si")).conductance(300, "extrapolated").value[0] / 1e6
    (line,) = [one for one in out.splitlines() if one.lstrip().startswith("DMM, Debye")]
    assert line.split()[-1] == f"{debye:.4g}"


def test_what_a_prediction_rests_on(run: Run) -> None:
    for sides, words in (
        (("Pt", "InAs"), ("calibrated on", "nearest", "no contact of InAs")),
        (("Au", "Cu"), ("physics only", "phonons alone", "no interval", "electrons")),
        (("GaN", "diamond"), ("measured here by 1 source (van der Waals)",)),
        (("graphene", "SiO2"), ("measured here by", "not learnt")),
        (("Al", "SiO2", "-T", "5"), ("physics only", "20 to 700 K")),
        (("MoS2", "Al"), ("physics only", "no density and speeds of sound of MoS2, the crystal")),
    ):
        status, out, err = run("predict", *sides)
        assert status == 0
        assert all(word in out.splitlines()[0] for word in words), out.splitlines()[0]
        assert ("amorphous silica" in err) == ("SiO2" in sides)
    assert "amorphous silica" in run("measured", "Al", "SiO2")[2]
    assert "h-BN is taken for the bulk crystal" in run("predict", "Al", "h-BN")[2]


def test_the_first_line_of_two_metals_is_about_electrons(run: Run) -> None:
    line = run("predict", "Pb", "Pt")[1].splitlines()[0]
    assert line.index("electrons carry the heat") < line.index("phonons alone") < line.index("MW m⁻² K⁻¹")


def test_a_prediction_says_how_many_of_its_sources_are_in_the_table(run: Run) -> None:
    out = run("predict", "Al", "Si")[1]
    (head,) = [line for line in out.splitlines() if line.startswith("measured at 300 K")]
    shown, everyone = map(int, re.findall(r"(\d+) of (\d+) sources", head)[0])
    assert f"measured here by {everyone} sources" in out
    table = out.partition(head)[2]
    assert shown == sum("TDTR" in line or "3ω" in line for line in table.splitlines())


def test_predict_at_many_temperatures(run: Run, tmp_path: Path) -> None:
    saved, figure = tmp_path / "g.json", tmp_path / "g.png"
    status, out, err = run("predict", "Al", "Si", "-T", "50:600:10", "--save", saved, "--plot", figure)
    assert status == 0
    assert "600 K" in out
    assert "7 of 56 temperatures are shown" in err
    assert figure.read_bytes()[:4] == b"\x89PNG"
    found = kapitza.load(saved)
    assert len(found["models"][0].emitted.temperature) == 56
    assert found["estimate"].interval.shape == (56, 2)
    assert found["measured"]


def test_predict_json(run: Run) -> None:
    status, out, err = run("predict", "Al", "Si", "-T", "77,300", "--theory", "dmm,amm", "--json")
    assert (status, err) == (0, "")
    found = printed(out)
    estimates = [one["fields"] for one in found["models"]]
    assert found["interval"]["unit"] == "W m^-2 K^-1"
    assert [one["model"] for one in estimates] == ["dmm", "amm"]
    assert estimates[0]["emitted"]["units"] == {"temperature": "K", "value": "W m^-2 K^-1", "sigma": "W m^-2 K^-1"}
    value = estimates[0]["emitted"]["fields"]
    assert value["temperature"] == [77.0, 300.0]
    want = kapitza.dmm(phonons("Al"), phonons("Si")).conductance([77, 300]).value
    np.testing.assert_allclose(value["value"], want, rtol=1e-14, atol=0)


def test_infinite_values_are_json(run: Run) -> None:
    _, out, _ = run("predict", "Si", "Si", "--theory", "amm", "--json")
    assert printed(out)["models"][0]["fields"]["local"]["fields"]["value"] == ["inf"]
    assert "∞" in run("predict", "Si", "Si", "--theory", "amm", "--drop", "local")[1]


def test_options_of_predict(run: Run) -> None:
    def value(*options: str) -> float:
        _, out, _ = run("predict", "Al", "Si", "--json", "--theory", "amm-crystal", *options)
        return printed(out)["models"][0]["fields"]["emitted"]["fields"]["value"][0]

    assert value("--normal", "111,110") != value()
    assert value("--normal=-110") == value("--normal", "-110")
    assert value("--statistics", "classical") > value()
    _, out, _ = run("predict", "Al", "Si", "--json", "--theory", "three-phonon")
    assert printed(out)["models"][0]["fields"]["title"] == "DMM + three-phonon, s = 1, full spectra"


def test_full_bands(run: Run, data: Callable[[str], Path], tmp_path: Path) -> None:
    """432.9 MW/m²K is the sum over frequencies and velocities of another code, in crystals/dmm_z.csv."""
    files = [data(f"crystals/{name}.yaml") for name in ("Al", "Si")]
    status, out, _ = run("predict", *files, "--theory", "dmm", "--json", "--plot", tmp_path / "g.svg")
    assert status == 0
    found = printed(out)["models"][0]["fields"]
    assert (found["left"], found["title"]) == ("Al", "DMM, full spectra")
    np.testing.assert_allclose(found["emitted"]["fields"]["value"], 432.9e6, rtol=0.01, atol=0)


def test_compare(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("compare", "Al", "Si", "--plot", tmp_path / "c.pdf", "--save", tmp_path / "c.npz")
    assert status == 0
    assert "interval" in out
    assert "[1] " in out
    assert (tmp_path / "c.pdf").read_bytes()[:4] == b"%PDF"
    assert kapitza.load(tmp_path / "c.npz").left == "Al"
    found = printed(run("compare", "GaN", "SiC", "-T", "300", "--json")[1])
    assert found["fields"]["published"][0]["fields"]["measurement"]["fields"]["doi"].startswith("10.")
    assert {one["fields"]["model"] for one in found["fields"]["predictions"]} >= {"amm", "dmm"}
    status, out, err = run("compare", "GaN", "6H-SiC")
    assert status == 0
    assert "the catalogue has GaN/4H-SiC" in err
    assert "nobody is known" in run("compare", "Al", "UO2")[2]


def test_materials(run: Run) -> None:
    _, out, _ = run("materials")
    assert len(out.splitlines()) > 60
    listed = printed(run("materials", "--json")[1])["materials"]
    assert {one["fields"]["name"] for one in listed} == set(kapitza.materials())
    _, out, _ = run("materials", "silicon")
    assert "C44" in out
    found = printed(run("materials", "Si", "--json")[1])
    numbers = [one for one in found["fields"].values() if isinstance(one, dict) and one.get("type") == "Quantity"]
    assert len(numbers) > 3
    for number in (one["fields"] for one in numbers):
        assert number["source"] in found["sources"]
        assert number["unit"]


@pytest.mark.parametrize("name", kapitza.materials())
def test_every_material_can_be_shown(name: str, run: Run) -> None:
    assert run("materials", name)[0] == 0


def test_measured(run: Run) -> None:
    _, out, _ = run("measured", "Al", "Si")
    assert "doi:10." in out
    assert max(map(len, out.splitlines())) <= 100
    assert len(printed(run("measured", "Al", "Si", "-T", "300", "--json")[1])["measured"]) >= 5
    assert run("measured")[0] == 0
    assert "nobody is known" in run("measured", "Al", "UO2")[2]


def test_cite(run: Run) -> None:
    _, out, _ = run("cite", "dmm")
    assert out.startswith("@article{swartz1989,")
    assert "inelastic-limit" in run("cite")[1]
    assert "bibtex" in printed(run("cite", "amm", "--json")[1])
    assert printed(run("cite", "--json")[1])["theories"]


FAULTS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown material": (("predict", "Sii", "Al"), "did you mean Si"),
    "unknown on either side": (("compare", "Al", "Unobtainium"), "no material 'Unobtainium'"),
    "unknown model": (("predict", "Al", "Si", "--theory", "dmmm"), "did you mean dmm"),
    "model that does not fit": (("predict", "water", "Si", "--theory", "specular-limit"), "which water and Si do not"),
    "unknown verb": (("frobnicate",), "No such command 'frobnicate'"),
    "unknown option": (("predict", "Al", "Si", "--colour"), "No such option"),
    "missing side": (("predict", "Al"), "Missing argument"),
    "zero": (("predict", "Al", "Si", "-T", "0"), "above 0"),
    "celsius": (("predict", "Al", "Si", "-T", "25C"), "298.15 K"),
    "words": (("compare", "Al", "Si", "-T", "abc"), "is not a number"),
    "two temperatures": (("compare", "Al", "Si", "-T", "77,300"), "expected one"),
    "reversed": (("predict", "Al", "Si", "-T", "600:50:10"), "start below stop"),
    "too many": (("predict", "Al", "Si", "-T", "1:600:1e-7"), "at most 10,000"),
    "statistics": (("predict", "Al", "Si", "--statistics", "fermi"), "'--statistics': 'fermi' is not one of"),
    "normal": (("predict", "Al", "Si", "--normal", "abc"), "three digits"),
    "missing file": (("predict", "none.yaml", "Si"), "none.yaml: there is no such file"),
    "figure format": (("predict", "Al", "Si", "--plot", "g.gif"), "expected .png, .pdf or .svg"),
    "save format": (("predict", "Al", "Si", "--save", "g.pickle"), "expected .json, .npz, .h5 or .hdf5"),
    "missing folder": (("predict", "Al", "Si", "--save", "none/g.json"), "there is no folder 'none'"),
    "missing folder of a figure": (("compare", "Al", "Si", "--plot", "none/g.png"), "there is no folder 'none'"),
    "unknown citation": (("cite", "dmmm"), "did you mean dmm"),
    "unknown sheet": (("materials", "Sii"), "did you mean Si"),
    "measured": (("measured", "Sii"), "did you mean Si"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, words = FAULTS[name]
    assert words in fault(run(*arguments))
    assert not list(tmp_path.iterdir())


def test_paths_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder.png").mkdir()
    assert "is a folder" in fault(run("predict", "Al", "Si", "--save", tmp_path / "folder.json"))
    assert "is a folder" in fault(run("predict", "Al", "Si", "--plot", tmp_path / "folder.png"))
    (tmp_path / "wrong.yaml").write_text("a: [1, 2\n", encoding="utf-8")
    assert "wrong.yaml" in fault(run("predict", tmp_path / "wrong.yaml", "Si"))
    (tmp_path / "dir.yaml").mkdir()
    assert "dir.yaml" in fault(run("predict", tmp_path / "dir.yaml", "Si"))
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    assert "binary.yaml" in fault(run("predict", tmp_path / "binary.yaml", "Si"))


def test_a_full_disk_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "g.json"))

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in fault(run("predict", "Al", "Si", "--save", tmp_path / "g.json"))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full, as Linux has it")
def test_output_that_cannot_be_written_is_one_line() -> None:
    command = [sys.executable, "-m", "kapitza", "materials"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "kapitza: the output cannot be written: No space left on device\n")


def test_warnings_are_notes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(*_: object, **__: object) -> tuple[Any, ...]:
        warnings.warn("beyond\nits range", ValidityWarning, stacklevel=2)
        return kapitza.predict("Al", "Si", 300.0)

    class Stand:
        predict = staticmethod(warned)

        def __getattr__(self, name: str) -> Any:
            return getattr(kapitza, name)

    monkeypatch.setattr("kapitza.cli.predict.kapitza", Stand())
    status, _, err = run("predict", "Al", "Si")
    assert status == 0
    assert "note: beyond its range\n" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupts_and_memory(error: type[BaseException], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise error

    monkeypatch.setattr("kapitza.cli.library.columns_of", stopped)
    status, _, err = run("materials")
    assert status == (130 if error is KeyboardInterrupt else 2)
    assert err.count("\n") == 1


def test_as_a_process() -> None:
    done = process("predict", "Al", "Si", "--models", "dmm-debye")
    assert (done.returncode, "DMM, Debye" in done.stdout) == (0, True)
    done = process("predict", "Sii", "Al")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_in_an_ascii_terminal() -> None:
    done = process("predict", "Al", "Si", env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -c 'import sys; from kapitza.cli import main; sys.exit(main())' materials | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


CONTROL_C = """
import signal, sys
from kapitza.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a script it is ignored
print("ready", flush=True)
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_control_c() -> None:
    command = [sys.executable, "-c", CONTROL_C, "predict", "Al", "Si", "--theory", "three-phonon", "-T", "1:900:0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(1.5)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=20)
        finally:
            running.kill()
    assert running.returncode == 130
    assert err == "kapitza: interrupted\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGTERM, 130, "kapitza: interrupted\n"), (signal.SIGKILL, -signal.SIGKILL, None)],
)
def test_a_killed_command_leaves_no_worker_and_resumes(
    number: signal.Signals, status: int, said: str | None, tmp_path: Path, run: Run
) -> None:
    """The pipes of a killed command are closed in seconds, so that nobody waits for its workers."""
    words = ["superlattice", "Si", "Ge", "--period", "5nm", "--free-path", "20nm", "--store", str(tmp_path), "--json"]
    start = "import sys; from kapitza.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, *words, "--workers", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        try:
            end = time.monotonic() + 60
            while running.poll() is None and len(list(tmp_path.rglob("*.unit"))) < 3 and time.monotonic() < end:
                time.sleep(0.01)
            running.send_signal(number)
            out, err = running.communicate(timeout=20)
        except BaseException:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    assert (running.returncode, out) == (status, "")
    assert said is None or err == said
    kept = len(list(tmp_path.rglob("*.unit")))
    assert 3 <= kept < 12
    resumed = run(*words)
    assert resumed[0] == 0
    assert len(list(tmp_path.rglob("*.unit"))) == 12
    whole = run(*words[:-3], "--json")
    assert json.loads(resumed[1]) | {"date": ""} == json.loads(whole[1]) | {"date": ""}


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_number_is_cut_in_a_narrow_terminal(columns: int) -> None:
    """The output of a terminal, by `script`, holds every number whole."""
    code = 'from kapitza.cli import main; main("predict Al Si -T 50:600:50".split()); main(["materials"])'
    inner = f"stty cols {columns}; {sys.executable} -c '{code}'"
    done = subprocess.run(["script", "-qec", inner, "/dev/null"], capture_output=True, text=True, check=True)
    assert "Al | Si at 300 K" in done.stdout
    assert "`kapitza materials Si`" in done.stdout
    assert "…" not in done.stdout


def test_compare_takes_all_interfaces_of_the_catalogue(run: Run, tmp_path: Path) -> None:
    """Shared, and kept: the second call takes all from the folder."""
    call = ("compare", "-T", "60", "--store", tmp_path / "store")
    status, out, _ = run(*call, "--workers", "2", "--save", tmp_path / "all.json")
    assert status == 0
    found = kapitza.load(tmp_path / "all.json")
    assert len(found) == len(list(tmp_path.rglob("*.unit"))) == sum("/" in line for line in out.splitlines()[1:]) > 2
    (tmp_path / "printed.json").write_text(run(*call, "--json")[1])
    assert len(kapitza.load(tmp_path / "printed.json")) == len(found)
    one, want = found[0], kapitza.compare(found[0].left, found[0].right, 60.0)
    assert one.predictions == want.predictions


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Al",), "expected two sides, or none"),
        (("Al", "Si", "--workers", "2"), "only all interfaces are shared"),
        (("--plot", "a.png"), "none (and no --plot)"),
    ],
)
def test_compare_of_one_side_or_all_refuses(run: Run, words: tuple[str, ...], message: str) -> None:
    status, out, err = run("compare", *words)
    assert (status, out) == (2, "")
    assert message in err


def test_compare_says_why_there_is_no_interval(run: Run) -> None:
    _, out, err = run("compare", "GaN", "SiC")
    assert "2 values that agree on 230" in out
    assert "SiC is 3C-SiC in the models, and any polytype in the measurements" in err
    _, out, _ = run("compare", "Al", "GaAs")
    assert "no interval: one value, of which nobody stated the uncertainty" in out


def test_every_command_is_in_one_section_of_the_help() -> None:
    listed = [name for names in _SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(_all_commands().commands)
