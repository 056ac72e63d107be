"""A measured curve of others: what its file holds, its phase and its echo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kapitza.io.text_tables import read_table
from kapitza.measure.thermoreflectance.lockin import LockinTrace, correct_phase, find_echo
from kapitza.units import nm, ps


def test_a_measured_file(reference):
    table = read_table(reference("thermoreflectance/measured/hohensee_150210_Al_Si.csv"))
    assert [column.name for column in table.columns] == ["delay", "Vin", "Vout", "Vdet"]
    assert [column.unit for column in table.columns] == ["ps", "uV", "uV", "mV"]
    np.testing.assert_allclose(table.values("time", "delay")[0], -23.309e-12, rtol=1e-12, atol=0)
    np.testing.assert_allclose(table.values("signal", "Vout")[0], -4.906e-6, rtol=1e-12, atol=0)


def test_measured_trace_was_phased_by_its_authors(reference: Callable[[str], Path]) -> None:
    path = reference("thermoreflectance/measured/hohensee_150210_Al_Si.csv")
    delay, x, y = np.loadtxt(path, delimiter=",", skiprows=5)[:, :3].T
    raw = LockinTrace(delay * ps, x, y)
    found = correct_phase(raw)
    assert abs(found.phase) < 3 * found.phase_sigma
    assert found.phase_sigma < 1e-3
    np.testing.assert_allclose(correct_phase(raw.rotate(0.1)).ratio, found.ratio, rtol=1e-9, atol=0)
    # they took 27.72 ps and 91.98 nm, 6.42 nm/ps and 3 nm of oxide
    thickness, sigma = find_echo(raw).thickness(6420.0, cover=3 * nm)
    np.testing.assert_allclose(thickness, 91.98 * nm, rtol=0.035, atol=0)
    assert 0.2 * nm < sigma < 3 * nm
