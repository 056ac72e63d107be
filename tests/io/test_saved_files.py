"""Files that versions 0.1.0 and 0.2.0 saved, one of each kind, load in this version with the same content.

`expected.json` lists the content of each file, by the names of types and attributes of its version.  Its table "now"
gives the present names of types, and "attributes" those of attributes: {"Type of 0.1.0": {"old": "new"}}.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from attrs import evolve

from kapitza.io.eels.spectra import read_eels
from kapitza.io.formats import saved_types
from kapitza.io.formats.records import RENAMED_ATTRIBUTES, RENAMED_TYPES, saved_type
from kapitza.io.md.outputs import read_lammps
from kapitza.io.results import load
from kapitza.run.store import Store, unit_address
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.protocol import Protocol
from kapitza.simulate.md.runs.single import run_single
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, fs, m_u, meV, nm, ps

VERSIONS = ("0.1.0", "0.2.0")
FOLDERS = {version: Path(__file__).resolve().parents[1] / "data" / f"saved-{version}" for version in VERSIONS}
LISTS = {version: json.loads((folder / "expected.json").read_text("utf-8")) for version, folder in FOLDERS.items()}
FOLDER, EXPECTED = FOLDERS["0.1.0"], LISTS["0.1.0"]
FILES = [(version, name) for version in VERSIONS for name in LISTS[version]["files"]]


def check(got: Any, want: Any, place: str, version: str = "0.1.0") -> None:
    """Compare a value with its description in the list of a version."""
    if isinstance(want, dict) and "type" in want:
        check_record(got, want, place, version)
    elif isinstance(want, dict) and "shape" in want:
        check_array(got, want, place)
    elif isinstance(want, dict) and "items" in want:
        assert isinstance(got, tuple), place
        assert len(got) == len(want["items"]), place
        for i, item in enumerate(want["items"]):
            check(got[i], item, f"{place}[{i}]", version)
    elif isinstance(want, dict):
        assert isinstance(got, Mapping), place
        assert list(got) == list(want["mapping"]), place
        for key, item in want["mapping"].items():
            check(got[key], item, f"{place}[{key!r}]", version)
    elif want is None or isinstance(want, (bool, str)):
        assert got is want or str(got) == want, place
    else:
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=0, err_msg=place)


def check_record(got: Any, want: dict[str, Any], place: str, version: str) -> None:
    """Compare a record, attribute by attribute; one alone may be a tuple of one today."""
    if isinstance(got, tuple) and len(got) == 1:
        got = got[0]
    old, listed = want["type"], LISTS[version]
    assert type(got).__name__ == listed["now"].get(old, old), place
    present = listed["attributes"].get(old, {})
    for name, value in want["attributes"].items():
        check(getattr(got, present.get(name, name)), value, f"{place}.{name}", version)


def check_array(got: Any, want: dict[str, Any], place: str) -> None:
    """Compare shape, kind and some of the values of an array."""
    assert isinstance(got, np.ndarray), place
    assert list(got.shape) == want["shape"], place
    assert got.dtype.kind == want["kind"], place
    some = [got.ravel()[i] for i in want["at"]]
    if want["kind"] in "OSU":
        assert [str(one) for one in some] == want["values"], place
    else:
        values = [float(one) for one in want["values"]]  # "nan" and "inf" among them
        np.testing.assert_allclose(np.array(some, float), values, rtol=1e-12, atol=0, err_msg=place)


@pytest.mark.parametrize(("version", "name"), FILES)
def test_a_saved_file(version: str, name: str) -> None:
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
    check(load(FOLDERS[version] / name), LISTS[version]["files"][name], name, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_type_of_a_version_has_a_file_in_a_type_of_today(version: str) -> None:
    listed = LISTS[version]
    types = {want["type"] for name, want in listed["files"].items() if "type" in want and "verb" not in name}
    assert len(types) == listed["types"]
    assert {listed["now"].get(name, name) for name in types} <= set(saved_types.__all__)
    paths = {path.name for path in FOLDERS[version].iterdir() if path.is_file()}
    assert paths == {*listed["files"], "expected.json"}


def test_a_name_stands_for_one_type() -> None:
    """An old name that is a present one of another type would load the wrong record."""
    assert not set(RENAMED_TYPES) & set(saved_types.__all__)
    assert set(RENAMED_TYPES.values()) <= set(saved_types.__all__)
    for name, renamed in RENAMED_ATTRIBUTES.items():
        kind = saved_type(name)
        assert kind is not None, name
        present = {one.name for one in attrs.fields(kind)}
        assert not set(renamed) & present
        assert set(renamed.values()) <= present


def test_a_check_can_fail() -> None:
    """The comparison itself: another value, another shape, another type are seen."""
    got, want = load(FOLDER / "Conductance.json"), EXPECTED["files"]["Conductance.json"]
    for change in (
        {**want, "type": "Profile"},
        {**want, "attributes": {**want["attributes"], "drop": "none"}},
        *(
            {**want, "attributes": {**want["attributes"], "value": {**want["attributes"]["value"], **other}}}
            for other in ({"shape": [99]}, {"values": [math.pi] * len(want["attributes"]["value"]["values"])})
        ),
    ):
        with pytest.raises(AssertionError):
            check(got, change, "changed")


def test_a_unit_of_a_store() -> None:
    """The same inputs have the same address, and its file is whole."""
    held = Store(FOLDER / "store").read(unit_address({"name": "square", "n": np.arange(4.0)}, version="1"))
    assert held is not None
    np.testing.assert_array_equal(held["square"], [0.0, 1.0, 4.0, 9.0])
    np.testing.assert_array_equal(held["names"], ["left", "right"])


def test_spectra() -> None:
    pytest.importorskip("h5py")
    for name in ("scan.h5", "scan.ndata"):
        image = read_eels(FOLDER / "spectra" / name)
        np.testing.assert_array_equal(image.counts[...], np.arange(192).reshape(3, 64) % 7)
        np.testing.assert_allclose(image.energy, (np.arange(64) - 16) * 2 * meV, rtol=1e-9, atol=1e-12 * meV)
        np.testing.assert_allclose(image.position[0], np.arange(3) * 2 * nm, rtol=1e-12, atol=0)
        assert image.metadata["title"] == "three pixels"


def test_what_a_deck_of_lammps_left() -> None:
    record = read_lammps(FOLDER / "deck")
    check(record, EXPECTED["deck"], "deck")


def argon() -> tuple[System, Potential]:
    """A bar of argon, heavier on its right, of products alone, so that every machine has the same bits."""
    edge, wide, high = 5.34 * angstrom, 3, 6
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    grid = np.stack(np.meshgrid(range(wide), range(wide), range(high), indexing="ij"), -1).reshape(-1, 1, 3)
    places = (grid + basis).reshape(-1, 3)
    layer = (2 * places[:, 2]).astype(int)
    role = np.array([FIXED_ROLE, HOT_ROLE, HOT_ROLE, *[FREE_ROLE] * 6, COLD_ROLE, COLD_ROLE, FIXED_ROLE])[layer]
    masses = np.where(layer < high, 40, 80) * m_u
    box, kinds = np.diag([wide, wide, high]) * edge, np.zeros(layer.size, int)
    system = System(
        name="argon",
        lattice=box,
        positions=places * edge,
        masses=masses,
        species=kinds,
        kinds=("A",),
        layer=layer,
        role=role,
        plane=2.75 * edge,
    )
    pair = (*(np.full((1, 1), x) for x in (0.0104 * eV, 3.4 * angstrom, 7 * angstrom)), np.array([1.0]))
    return system, Potential("lennard-jones", ("A",), 7 * angstrom, pair)


def test_a_checkpoint_of_molecular_dynamics(tmp_path: Path) -> None:
    """A run that 0.1.0 finished in a folder is taken from there: the same inputs, nothing is computed again."""
    (tmp_path / "run.state").write_bytes((FOLDER / "md-run" / "run.state").read_bytes())
    system, field = argon()
    course = Protocol(
        timestep=4 * fs, steps=10, blocks=3, equilibration=20, sample_interval=5, power_interval=5, seed=8
    )
    baths = Thermostats("langevin", 40.0, 20.0, damping=1 * ps)
    seen: list[tuple[int, int]] = []
    record = run_single(
        system,
        field,
        BuiltinEngine(),
        evolve(course, thermostats=baths),
        progress=lambda done, of: seen.append((done, of)),
        store=tmp_path,
    )
    assert seen == [(3, 3)]
    method = record.method.replace("built-in engine", "own kernels")  # as 0.1.0 called it
    check(evolve(record, method=method), EXPECTED["checkpoint"], "checkpoint")
