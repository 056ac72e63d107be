"""1,000 damaged phonopy files: each is read or refused with one line, without a traceback, a hang or a full memory."""

import random
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kapitza.errors import KapitzaError, ValidityWarning
from kapitza.matter.bands import Bands

NUMBERS = (
    "nan",
    "-inf",
    "1e308",
    "-1e308",
    "1e-320",
    "0",
    "-1",
    "1e20",
    "999999999999999999999",
    "",
    "1_0",
    "0x10",
    "٣",
)
COUNT, PORTIONS = 1000, 10


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 3, 30))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def swap(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 5))):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def drop(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    i = rng.randrange(len(lines))
    return b"\n".join(lines[:i] + lines[i + rng.choice((1, 2, 20)) :])


def repeat(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    i, n = rng.randrange(len(lines)), rng.choice((1, 3, 50))
    return b"\n".join(lines[: i + n] + lines[i : i + n] * rng.choice((1, 10)) + lines[i + n :])


def renumber(data: bytes, rng: random.Random) -> bytes:
    """Replace some numbers by others: huge, tiny, none, or a little off."""
    words = data.split(b" ")
    places = [i for i, word in enumerate(words) if word[:1].isdigit() or (word[:1] == b"-" and word[1:2].isdigit())]
    for i in rng.sample(places, min(len(places), rng.choice((1, 1, 4)))):
        tail = b"," if words[i].endswith(b",") else b"\n" if words[i].endswith(b"\n") else b""
        try:
            value = f"{float(words[i].rstrip(b',').split()[0]) * rng.choice((-1, 0.5, 2, 1.889726, 1e3)):.15f}"
        except (ValueError, IndexError):
            value = "7"
        words[i] = (value if rng.random() < 0.5 else rng.choice(NUMBERS)).encode() + tail
    return b" ".join(words)


def insert(data: bytes, rng: random.Random) -> bytes:
    piece = rng.choice(
        (b"[" * 1000, b"&a ", b"*a", b"{", b"\t", b"- ", b"!!python/object:os.system ", b"\x00", b"  ", b"#")
    )
    i = rng.randrange(len(data))
    return data[:i] + piece + data[i:]


MUTATIONS = (cut, flip, swap, drop, repeat, renumber, renumber, insert)


@pytest.fixture(scope="module")
def silicon() -> bytes:
    """A small file of the form of phonopy's, made up here: diamond structure with springs to neighbours."""
    return spring_crystal().encode()


def spring_crystal() -> str:
    """Diamond structure in a 2x2x2 supercell with central springs between nearest and next-nearest neighbours."""
    lattice = 2.7 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    shifts = np.array([[i, j, k] for k in range(2) for j in range(2) for i in range(2)])
    places = np.concatenate([(shifts + at) / 2 for at in (0.0, 0.25)])
    constants = np.zeros((2, 16, 3, 3))
    images = np.array([[i, j, k] for i in range(-2, 3) for j in range(-2, 3) for k in range(-2, 3)])
    for row, origin in enumerate((0, 8)):
        for j, place in enumerate(places):
            for image in images:
                bond = (place + image - places[origin]) @ (2 * lattice)
                length = float(np.linalg.norm(bond))
                stiffness = 8.0 if 0.1 < length < 2.5 else 2.0 if 0.1 < length < 4.0 else 0.0
                block = -stiffness * np.outer(bond, bond) / max(length, 1e-9) ** 2
                constants[row, j] += block
                constants[row, origin] -= block
    return "\n".join([*head(), *cells(lattice, shifts, places), *blocks(constants)]) + "\n"


def head() -> list[str]:
    units = ['  atomic_mass: "AMU"', '  length: "angstrom"', '  force_constants: "eV/angstrom^2"']
    return ["phonopy:", '  version: "4.8.6"', "", "physical_unit:", *units, ""]


def cells(lattice: np.ndarray, shifts: np.ndarray, places: np.ndarray) -> list[str]:
    lines: list[str] = []
    for name, size, points in (("primitive_cell", 1, np.array([[0.0] * 3, [0.25] * 3])), ("supercell", 2, places)):
        lines += [f"{name}:", "  lattice:"]
        lines += [f"  - [ {x:.15f}, {y:.15f}, {z:.15f} ] # a" for x, y, z in size * lattice]
        lines.append("  points:")
        for i, (x, y, z) in enumerate(points):
            lines += [
                f"  - symbol: Si # {i + 1}",
                f"    coordinates: [ {x:.15f}, {y:.15f}, {z:.15f} ]",
                "    mass: 28.085500",
            ]
            if size == 2:
                lines.append(f"    reduced_to: {i // len(shifts) * len(shifts) + 1}")
        lines.append("")
    return lines


def blocks(constants: np.ndarray) -> list[str]:
    lines = ["force_constants:", '  format: "compact"', "  shape: [ 2, 16 ]", "  elements:"]
    for i, j in np.ndindex(2, 16):
        lines.append(f"  - # ({i + 1}, {j + 1})")
        lines += [f"    - [ {x:.15f}, {y:.15f}, {z:.15f} ]" for x, y, z in constants[i, j]]
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_damaged_files(portion: int, silicon: bytes, tmp_path: Path):
    rng = random.Random(portion)
    path = tmp_path / "phonopy.yaml"
    omega = np.linspace(0, 2e14, 50)
    read, refusals = 0, list[str]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(COUNT // PORTIONS):
        data = silicon
        for _ in range(rng.choice((1, 1, 2))):
            data = rng.choice(MUTATIONS)(data, rng) or b"\n"
        path.write_bytes(data)
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)
            try:
                assert np.isfinite(Bands.from_phonopy(path, mesh=(4, 4, 4)).modes(omega)).all()
                read += 1
            except KapitzaError as error:
                refusals.append(str(error))
        assert time.process_time() - start < 2
    assert 0 < read < COUNT // PORTIONS
    assert not any("\n" in message or len(message) > 600 for message in refusals)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_the_undamaged_file_is_a_crystal(silicon: bytes, tmp_path: Path):
    path = tmp_path / "phonopy.yaml"
    path.write_bytes(silicon)
    bands = Bands.from_phonopy(path)
    assert bands.crystal.residual < 1e-12
    mutate: Callable[[bytes, random.Random], bytes] = renumber
    assert mutate(silicon, random.Random(1)) != silicon
