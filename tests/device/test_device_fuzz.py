"""Device files of any content end in a device or in one line that says why not."""

import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from kapitza.device.elements.temperatures import solve_body
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layered.temperatures import solve_layered
from kapitza.errors import KapitzaError
from kapitza.io.device.blocks import read_layout
from kapitza.io.device.bodies import read_body
from kapitza.io.device.layers import read_device

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
LINES = (
    "exponent = -1.3",
    "conductivities = [[200, 10], [400, 5]]",
    "of_temperature = true",
    'material = "Si"',
    "in_plane_y = 5",
    "through = true",
    'course = "step"',
    'period = "1 us"',
    'width = "0.1 us"',
    "count = 3",
    'frequency = "1 kHz"',
    'center = ["1 um", "1 um"]',
    'radius = "1 um"',
    'shape = "gaussian"',
    'depth = "1 um"',
    "from_bottom = true",
    'over = ["gate"]',
    'heat = "1 W/um3"',
    'x = ["0 nm", "9 nm"]',
    'z = ["9 nm", "0 nm"]',
    "[sides]",
    'right = "held"',
)
VALUES = (
    "0", "-1", "1e300", "inf", "nan", "true", '""', '"x"', '"1 um"', '"1 m2K/GW"', '"-3 %"', "[]", "[1, 2]", "[[1]]",
    '["a", "b"]', "{}", '{ theory = "dmm" }', '{ file = "no.json" }', '"dmm"', '"perfect"', '"infinite"', "1979-05-27",
)  # fmt: skip


def changed(text, generator):
    """A file with a few lines dropped, doubled, given another value, or added."""
    lines = text.split("\n")
    for _ in range(generator.randint(1, 3)):
        i = generator.randrange(len(lines))
        kind = generator.randrange(4)
        if kind == 0:
            del lines[i]
        elif kind == 1 and "=" in lines[i]:
            lines[i] = lines[i].split("=")[0] + "= " + generator.choice(VALUES)
        elif kind == 2:
            lines.insert(i, generator.choice(LINES))
        else:
            lines[i] = lines[i].replace("um", generator.choice(["nm", "m", "K", "mm"]))
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chip-gan-sic", "die-tim", "mos2-sio2"])
def test_any_file_is_a_device_or_one_line(tmp_path, name):
    text = (SAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    generator = random.Random(name)
    solved, faults = 0, []
    for _ in range(60):
        path = tmp_path / "chip.toml"
        path.write_text(changed(text, generator), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                device = read_device(path)
                if solved < 8:
                    with np.errstate(all="raise", under="ignore"):
                        assert solve_layered(device, sensitivity=False).peak > 0
                    solved += 1
            except KapitzaError as err:
                faults.append(str(err))
            except OSError as err:
                faults.append(str(err.filename or ""))
    assert solved
    assert [fault for fault in faults if not fault or "\n" in fault] == []


def solved_blocks(path):
    """Temperatures of a file of blocks, on the coarsest grid."""
    layout = read_layout(path)
    with np.errstate(all="raise", under="ignore"):
        return solve_on_grid(layout, 600).temperatures.peak


def solved_body(path):
    """Temperatures of a file with a mesh."""
    held = read_body(path)
    return solve_body(held.body).peak - held.sink


@pytest.mark.parametrize(("name", "solve"), [("finfet", solved_blocks), ("wire", solved_body)])
def test_any_file_of_blocks_or_a_mesh_is_solved_or_one_line(tmp_path, name, solve):
    if name == "wire":
        pytest.importorskip("meshio")
    text = (SAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / "wire.msh").write_bytes((SAMPLES / "wire.msh").read_bytes())
    generator = random.Random(name)
    solved, faults = 0, []
    for _ in range(60):
        path = tmp_path / "chip.toml"
        path.write_text(changed(text, generator), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert solve(path) > 0
                solved += 1
            except KapitzaError as err:
                faults.append(str(err))
            except OSError as err:
                faults.append(str(err.filename or ""))
    assert solved
    assert [fault for fault in faults if not fault or "\n" in fault] == []
