"""Save and load: every bit comes back, and a crash leaves the old file or the new one."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kapitza.applications.cryogenic import HeliumBath, operating_points
from kapitza.core import files as files_module
from kapitza.core.conductance import Conductance
from kapitza.core.profile import Profile
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError, KapitzaError
from kapitza.io.formats import saved_types
from kapitza.io.formats.records import record_tree, saved_type, units_of
from kapitza.io.results import decode_result, encode_result, load, save
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.sheet import sheet
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.sstr import Sstr
from kapitza.theory.dmm import dmm
from kapitza.theory.khalatnikov import khalatnikov

SUFFIXES = (".json", ".npz", ".h5")
AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2330, 9000, 5400, 4.994e28)


def same(one: Any, other: Any) -> None:
    """Equal bit by bit, types and read-only flags included."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        assert not other.flags.writeable
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif attrs.has(type(one)):
        for field in attrs.fields(type(one)):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, float):
        assert one.hex() == other.hex()
    else:
        assert one == other


def examples() -> list[Any]:
    spectrum = dmm(AL, SI)
    profile = Profile(np.arange(-6, 7) * 1e-9, [*range(310, 303, -1), *range(300, 294, -1)], np.full(13, 0.1))
    conductance = Conductance([10, 300], [0.1 + 0.2, np.inf], [1e-300, 5e-324], method="é|µ", source="10.1/x")
    stack = Stack([Layer("Al", 8e-8, 180), Layer("Si", np.inf, 130, in_plane=140)], [conductance])
    plain = Conductance([300.0], [1e8], drop="local", statistics="classical")
    jump = profile.jump(0.0)
    return [
        spectrum,
        Transmission([0.0, 1.0], [0.0, 1.0], method="no sides"),
        Transmission([1.0, 2.0], [1.0, 2.0], elastic=False, temperature=300.0),
        conductance,
        plain,
        profile,
        Profile([0, 1, 2], [3, 2, 1], covariance=np.eye(3) * 0.25),
        jump,
        stack,
        Boundary(1e8),
        AL,
        Fluid("He", 145.0, 238.0, 2.18e28),
        sheet("graphene"),
        khalatnikov(Fluid("He", 145.0, 238.0, 2.18e28), SI),
        (plain, conductance),
        {"emitted": plain, "extrapolated": (conductance, 1.5, None, True, "text", -0.0)},
        (),
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("result", examples(), ids=lambda r: type(r).__name__)
def test_every_record_comes_back_bit_by_bit(result: Any, suffix: str, tmp_path: Path) -> None:
    path = save(result, tmp_path / f"result{suffix}")
    same(result, load(path))


@given(
    values=arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e100) | st.just(np.inf)),
    method=st.text(max_size=30),
    suffix=st.sampled_from(SUFFIXES),
)
def test_any_float_and_any_text_come_back(
    values: np.ndarray, method: str, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    method = method.encode("utf-8", "ignore").decode()
    result = Conductance(np.arange(1, values.size + 1), values, method=method)
    path = tmp_path_factory.mktemp("any") / f"x{suffix}"
    path.write_bytes(encode_result(result, suffix))
    same(result, decode_result(path, suffix))


def test_header_says_what_a_file_holds(tmp_path: Path) -> None:
    path = save(dmm(AL, SI).conductance([100, 300]), tmp_path / "g.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    assert (tree["format"], tree["format_version"], tree["type"]) == ("kapitza", 2, "Conductance")
    assert tree["method"] == "DMM Al|Si"
    assert tree["date"].endswith("+00:00")
    assert tree["result"]["units"]["value"] == "W m^-2 K^-1"


def test_other_programs_read_arrays_and_units(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    result = dmm(AL, SI)
    with h5py.File(save(result, tmp_path / "x.h5")) as file:
        np.testing.assert_array_equal(file["omega"][()], result.omega)
        assert file["total"].attrs["units"] == "m^-2"
    with np.load(save(result, tmp_path / "x.npz")) as file:
        np.testing.assert_array_equal(file["total"], result.total)


def test_every_field_has_its_unit() -> None:
    """A number without a unit is a number with a wrong one."""
    for name in saved_types.__all__:
        kind = saved_type(name)
        assert kind is not None
        assert kind.__name__ == name
        fields = {a.name: str(a.type) for a in attrs.fields(kind) if a.init}
        numbers = [key for key, text in fields.items() if re.search(r"\b(float|int|ndarray)\b", text)]
        plain = [key for key in numbers if key not in units_of(kind)]
        assert not plain, f"{name} has fields without a unit: {plain}"
        assert set(units_of(kind)) <= set(fields)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_experiment_is_saved_too(suffix: str, tmp_path: Path) -> None:
    """Steady-state thermoreflectance and the operating points of a chip in helium were both a "SteadyState" once."""
    experiment = Sstr([1e-3, 2e-3], Beams(1e-5, 6e-6), modulation=1e3, setup=Setup(Plane("Al"), temperature=77.0))
    bath = HeliumBath(temperature=4.2, coefficient=1e3)
    points = operating_points(bath, load=10.0)
    same(experiment, load(save(experiment, tmp_path / f"sstr{suffix}")))
    same(tuple(points), load(save(tuple(points), tmp_path / f"points{suffix}")))


def test_the_plain_tree_is_what_json_holds() -> None:
    """Arrays and tuples as lists, units beside the numbers, numbers without an end as they are."""
    stack = Stack([Layer("Al", 8e-8, 180), Layer("Si", np.inf, 130)], [1e8])
    tree = record_tree({"stack": stack, "jump": (AL.density, True, None)})
    assert tree["jump"] == [AL.density, True, None]
    assert tree["stack"]["type"] == "Stack"
    layers = tree["stack"]["fields"]["layers"]
    assert [layer["fields"]["thickness"] for layer in layers] == [8e-8, np.inf]
    assert layers[0]["units"]["thickness"] == "m"
    spectrum = record_tree(dmm(AL, SI))
    assert spectrum["fields"]["total"] == dmm(AL, SI).total.tolist()
    assert record_tree(np.array([1 + 2j])) == [[1.0, 2.0]]
    assert record_tree({"map": np.zeros((200, 51))})["map"]["shape"] == [200, 51]
    assert record_tree(np.zeros((200, 50))) == np.zeros((200, 50)).tolist()


def test_another_type_of_the_same_name_is_refused(tmp_path: Path) -> None:
    @attrs.frozen
    class Jump:
        at: float

    with pytest.raises(InputError, match=r"cannot save a Jump of .*test_results"):
        save(Jump(0.0), tmp_path / "x.json")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_crash_at_any_call_leaves_the_old_file(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the first, second, ... call that touches it: the old file stays, nothing is left behind."""
    old, new = Conductance([1], [1]), Conductance([1], [2])
    path = save(old, tmp_path / f"g{suffix}")
    count = 0
    for fail_at in range(1, 50):
        count = 0

        def failing(call: Any, fail_at: int = fail_at) -> Any:
            def counted(*args: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count == fail_at:
                    raise OSError(28, "No space left on device")
                return call(*args, **options)

            return counted

        with monkeypatch.context() as patch:
            real_open = os.fdopen

            def opened(handle: int, mode: str, failing: Any = failing, real_open: Any = real_open) -> Any:
                return Faulty(real_open(handle, mode), failing) if mode == "wb" else real_open(handle, mode)

            patch.setattr(files_module.os, "open", failing(os.open))
            patch.setattr(files_module.os, "fdopen", opened)
            patch.setattr(Path, "replace", failing(Path.replace))
            patch.setattr(files_module.os, "fsync", failing(os.fsync))
            try:
                save(new, path)
            except OSError:
                pass
            else:
                break
        assert load(path).value[0] in (1, 2)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert count >= 6, "open, write, flush, fsync, close, replace and the folder were all tried"
    assert load(path).value[0] == 2


class Faulty:
    """A file whose write, flush and close can fail."""

    def __init__(self, file: Any, failing: Any) -> None:
        self.file, self.failing = file, failing

    def __enter__(self) -> "Faulty":
        return self

    def __exit__(self, *exc: object) -> None:
        self.file.close()
        if exc[0] is None:
            self.failing(lambda: None)()

    def write(self, data: bytes) -> int:
        half = self.file.write(data[: len(data) // 2])
        return half + self.failing(self.file.write)(data[len(data) // 2 :])

    def flush(self) -> None:
        self.failing(self.file.flush)()

    def fileno(self) -> int:
        return self.file.fileno()


WRITER = """
import sys
from kapitza.core.transmission import Transmission
from kapitza.io.results import save
import numpy as np
path, n = sys.argv[1], 0
omega = np.arange(20_000.0)
print("ready", flush=True)
while True:
    n += 1
    save(Transmission(omega, np.full(20_000, float(n))), path)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a thing of POSIX")
@pytest.mark.parametrize(
    "suffix", [".json", *(pytest.param(s, marks=pytest.mark.slow) for s in SUFFIXES if s != ".json")]
)
def test_a_killed_writer_leaves_a_sound_file(suffix: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = tmp_path / f"t{suffix}"
    save(Transmission(np.arange(20_000.0), np.zeros(20_000)), path)
    for _ in range(9):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                time.sleep(float(rng.uniform(0, 0.15)))
            finally:
                process.send_signal(signal.SIGKILL)  # it would write for ever
        total = load(path).total
        assert total.size == 20_000
        assert np.ptp(total) == 0, "a file holds one write, not two halves"


def test_what_is_no_file_is_not_written_over(tmp_path: Path) -> None:
    result = Conductance([1], [1])
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save(result, tmp_path / "folder.json")
    (tmp_path / "null.json").symlink_to("/dev/null")
    with pytest.raises(InputError, match="not a regular file"):
        save(result, tmp_path / "null.json")
    with pytest.raises(FileNotFoundError):
        save(result, tmp_path / "missing" / "g.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.json", "null.json"]


def test_a_protected_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Conductance([1], [1]), tmp_path / "g.json")
    monkeypatch.setattr(files_module.os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="may not be changed"):
        save(Conductance([1], [2]), path)


def test_a_link_is_followed(tmp_path: Path) -> None:
    real = save(Conductance([1], [1]), tmp_path / "real.json")
    (tmp_path / "link.json").symlink_to(real)
    save(Conductance([1], [2]), tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert load(real).value[0] == 2


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    class Own:
        pass

    for thing, word in ((Own(), "Own"), (np.array(["text"]), "array"), ({1: 2}, "key 1"), (1j, "complex")):
        with pytest.raises(InputError, match=word):
            save(thing, tmp_path / "x.json")
    with pytest.raises(InputError, match=r"expected \.json, \.npz, \.h5 or \.hdf5"):
        save(AL, tmp_path / "x.pickle")
    assert not list(tmp_path.iterdir())


def test_h5_without_its_engine_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(KapitzaError, match=r"pip install 'kapitza\[hdf5\]'"):
        save(AL, tmp_path / "x.h5")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_holds_itself_and_a_missing_folder_are_refused_in_a_line(suffix: str, tmp_path: Path) -> None:
    loop: dict[str, Any] = {"layer": Layer("Al", 8e-8, 180)}
    loop["again"] = (loop,)
    with pytest.raises(InputError, match="nested deeper than 40 levels, or in itself: this cannot be saved"):
        save(loop, tmp_path / f"loop{suffix}")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nope' to write into: .*x\."):
        save(Layer("Al", 8e-8, 180), tmp_path / "nope" / f"x{suffix}")
    assert not list(tmp_path.iterdir())
