"""Records of atomistic Green's functions: every bit comes back in every format, units are told, faults are told."""

import json

import numpy as np
import pytest

import kapitza
from kapitza.errors import DataError
from kapitza.io.formats.arrays import array_to_json
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.units import m_u

M, K = 28 * m_u, 50.0
TOP = 2 * np.sqrt(K / M)


@pytest.fixture(scope="module")
def records():
    one = chain_junction((M, K), (M, K), bond=K).left
    junction = mass_junction(one, M, 2 * M, device=[[M], [0.5 * M], [2 * M]])
    omega = np.linspace(0.1, 0.7, 7) * TOP
    return {
        "modes": kapitza.lattice.agf_modes(junction, omega),
        "conversion": kapitza.lattice.mode_conversion(junction, omega),
        "density": kapitza.lattice.local_density(junction, omega),
        "current": kapitza.lattice.local_current(junction, omega),
        "localised": kapitza.lattice.interface_modes(junction, omega),
    }


@pytest.mark.parametrize("suffix", [".json", ".npz", ".h5"])
def test_all_come_back(records, suffix, tmp_path):
    found = kapitza.load(kapitza.save(records, tmp_path / f"all{suffix}"))
    assert list(found) == list(records)
    for name, record in records.items():
        assert type(found[name]) is type(record)
        for field in record.__attrs_attrs__:
            got, want = getattr(found[name], field.name), getattr(record, field.name)
            if isinstance(want, np.ndarray):
                np.testing.assert_array_equal(got, want)
                assert got.dtype == want.dtype
            else:
                assert got == want
    assert records["localised"].omega.size > 0


def test_files_tell_units_and_type(records, tmp_path):
    tree = json.loads(kapitza.save(records["density"], tmp_path / "d.json").read_text(encoding="utf-8"))
    assert tree["type"] == "LocalDensity"
    assert tree["method"].startswith("AGF ")
    assert tree["result"]["units"]["value"] == "s rad^-1"
    assert tree["result"]["units"]["height"] == "m"


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        ("modes", "transmission", [2.0]),
        ("density", "value", [[1.0]]),
        ("current", "first", [99]),
        ("localised", "kind", [7]),
    ],
)
def test_damaged_tables_are_refused(records, tmp_path, record, field, value):
    path = kapitza.save(records[record], tmp_path / "x.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["result"]["fields"][field] = array_to_json("", np.array(value))
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(DataError):
        kapitza.load(path)
