"""Files: only ordinary ones are read, written ones are whole, private ones stay private, strays are removed."""

import errno
import os
import re
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import kapitza
from kapitza.core import files
from kapitza.core.files import open_regular, read_limited, regular_file_size, write_atomically
from kapitza.errors import DataError, InputError, MissingFile

ROOT = Path(kapitza.__file__).parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions, pipes and locks of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_ordinary_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_limited(path, 5) == b"12345"
    assert regular_file_size(path) == 5
    with open_regular(path) as file:
        assert file.read() == b"12345"
    for use in (read_limited, open_regular, regular_file_size):
        with pytest.raises(DataError, match="has 5 bytes, more than the 4 that are read"):
            use(path, 4)
        with pytest.raises(MissingFile):
            use(tmp_path / "missing")
        with pytest.raises(DataError, match="is a folder"):
            use(tmp_path)
        with pytest.raises(InputError, match="expected the path of a file"):
            use("a\0b")


@POSIX
def test_a_pipe_and_an_endless_device_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(DataError, match="is not a regular file"):
            open_regular(tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="files of the system of Linux")
def test_memory_is_taken_for_what_a_file_holds_and_not_for_what_it_might(tmp_path):
    path = tmp_path / "small"
    path.write_bytes(b"abc")
    tracemalloc.start()
    try:
        assert read_limited(path) == b"abc"
        assert tracemalloc.get_traced_memory()[1] <= 10_000_000  # of the 4 GiB that are the limit
    finally:
        tracemalloc.stop()


def test_a_file_that_claims_to_be_empty_is_limited_too():
    with pytest.raises(DataError, match="has more than the 10 bytes that are read"):
        read_limited("/proc/self/environ", 10)


@POSIX
def test_permissions_are_kept_and_new_files_follow_the_umask(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640, 0o444 | 0o200):
        path.chmod(mode)
        write_atomically(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == mode
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "fresh", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640


@POSIX
def test_the_longest_name_of_the_file_system_can_be_written(tmp_path):
    """255 bytes, in characters of one, three and four bytes."""
    for name in ("a" * 255, "面" * 85, "𝛀" * 63 + "abc"):
        write_atomically(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


@POSIX
def test_the_file_of_a_killed_writer_is_removed_and_that_of_a_living_one_stays(tmp_path):
    stray, foreign = tmp_path / ".g.json.0123456789ab.part", tmp_path / ".g.json.part"
    stray.write_bytes(b"half")
    foreign.write_bytes(b"of another program")
    living = tmp_path / ".h.json.ba9876543210.part"
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'wb'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(living)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        write_atomically(tmp_path / "g.json", b"whole")
        assert names(tmp_path) == [foreign.name, living.name, "g.json"]
        writer.communicate()
    write_atomically(tmp_path / "g.json", b"whole")
    assert names(tmp_path) == [foreign.name, "g.json"]


@POSIX
def test_a_full_disk_is_told_with_the_name_that_was_asked_for(tmp_path):
    """A limit on the size of files fails writes as a full disk does: with an error of the system."""
    code = (
        "import os, resource, sys\nfrom kapitza.core.files import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomically(sys.argv[1], bytes(5000))\n"
        "except OSError as err: print(err.errno, err.filename, err.strerror == os.strerror(err.errno))"
    )
    (tmp_path / "g").write_bytes(b"old")
    for name in ("g", "h"):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, check=True)
        assert done.stdout.decode().split() == [str(errno.EFBIG), str((tmp_path / name).resolve()), "True"]
    assert names(tmp_path) == ["g"]
    assert (tmp_path / "g").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_file_that_is_taken_for_a_stray_one_before_it_is_locked_is_written_again(tmp_path, monkeypatch):
    lock, taken = files._lock, []

    def late(handle, *, wait):
        if not taken:
            taken.append(next(one for one in tmp_path.iterdir() if files.is_temporary(one.name)))
            taken[0].unlink()
        return lock(handle, wait=wait)

    monkeypatch.setattr(files, "_lock", late)
    assert write_atomically(tmp_path / "g", b"new").read_bytes() == b"new"
    assert names(tmp_path) == ["g"]
    assert len(taken) == 1


def test_a_file_of_more_than_4_gib_is_not_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**32 + 1)  # without any block on the disk
    with pytest.raises(DataError, match="has 4294967297 bytes, more than the 4294967296"):
        open_regular(tmp_path / "huge")


def test_a_file_that_its_owner_protected_is_told_with_its_name(tmp_path, monkeypatch):
    (tmp_path / "g").write_bytes(b"old")
    monkeypatch.setattr("kapitza.core.files.os.access", lambda *_: False)
    with pytest.raises(PermissionError, match="may not be changed") as caught:
        write_atomically(tmp_path / "g", b"new")
    assert (caught.value.errno, caught.value.filename) == (errno.EACCES, str((tmp_path / "g").resolve()))


def test_a_folder_that_takes_no_files_is_told_with_the_name_that_was_asked_for(tmp_path, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("kapitza.core.files.os.open", refuse)
        with pytest.raises(PermissionError) as caught:
            write_atomically(tmp_path / "g", b"new")
    assert caught.value.filename == str((tmp_path / "g").resolve())
    assert names(tmp_path) == []


def test_no_room_opens_files_of_users_by_itself():
    """What reads or writes files of users does it here; data of the package, folders of a moment, examples may."""
    at_once = r"\.(?:read_text|read_bytes|write_text|write_bytes)\("
    direct = re.compile(at_once + r"|(?:Path\(.*\)|\bpath|\bfile|place)\.open\(|(?<![\w.])open\(")
    example = re.compile(r"^ +(?:>>>|\.\.\.) .*$", re.MULTILINE)
    sources = {
        path.relative_to(ROOT).as_posix(): example.sub("", path.read_text(encoding="utf-8"))
        for path in ROOT.rglob("*.py")
    }
    found = {name for name, text in sources.items() if direct.search(text) and "importlib.resources" not in text}
    assert found == {"_lazy.py", "simulate/md/engines/lammps.py"}
