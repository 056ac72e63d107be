"""The stated error of a conductance: at least the true one, which a much finer calculation tells."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.theory.agf.conductance import _finer_levels, frequency_ranges, refine_to_tolerance
from kapitza.units import m_u

U = 1.66053906660e-27
BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "agf_speed.py"


def honest(junction, temperature, tolerances, finest):
    fine = refine_to_tolerance(junction, temperature=temperature, tolerance=finest)
    wanted = fine.transmission.conductance(temperature).value
    for tolerance in tolerances:
        found = refine_to_tolerance(junction, temperature=temperature, tolerance=tolerance)
        assert (found.error <= tolerance).all()
        deviation = np.abs(found.transmission.conductance(temperature).value / wanted - 1)
        assert (deviation <= found.error + fine.error).all()


def test_error_of_chains():
    honest(chain_junction((28 * m_u, 50.0), (70 * m_u, 60.0), bond=40.0), [10.0, 300.0], (5e-2, 1e-2, 2e-3), 3e-4)


def test_error_of_springs_at_room_temperature(fcc):
    honest(mass_junction(fcc, U, 3 * U), [300.0], (5e-2, 1e-2, 3e-3), 7e-4)


def test_error_where_little_of_the_zone_crosses(fcc):
    """To a crystal of a quarter of the frequencies: 17 % off at a stated 6 % where meshes begin as for like ones."""
    honest(mass_junction(fcc, U, 16 * U), [300.0], (1e-1,), 1e-2)


def test_meshes_begin_finer_by_the_ratio_of_the_spectra_whichever_side_is_softer():
    """Two levels, which halve the distance of wave vectors, for each factor of two beyond the first."""
    for ratio, levels in ((1.0, 0), (2.0, 0), (4.0, 2), (8.0, 4), (100.0, 4)):
        assert _finer_levels(ratio, 1.0) == _finer_levels(1.0, ratio) == levels


@pytest.mark.slow
def test_error_of_springs_where_all_but_long_waves_are_frozen_out(fcc):
    honest(mass_junction(fcc, U, 1.5 * U), [20.0], (1e-2,), 3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [[300.0], [30.0], [3.0, 100.0]])
def test_error_of_silicon_and_heavy_silicon(si_heavy, temperature):
    honest(si_heavy, temperature, (5e-2, 2e-2, 1e-2), 1.5e-3)


@pytest.mark.slow
def test_error_of_heavier_silicon_and_of_a_perfect_crystal(silicon):
    light = 28.085 * U
    honest(mass_junction(silicon, light, 4 * light), [300.0], (5e-2, 1e-2), 1e-3)
    honest(mass_junction(silicon, light, light), [100.0], (5e-2, 1e-2), 1e-3)


def test_ranges_share_the_law_of_long_waves(si_heavy):
    parts = frequency_ranges(si_heavy, 2.0, 4.0)
    cold, warm = np.sum([part.debye(np.array([2.0, 4.0])) for part in parts], axis=0)
    np.testing.assert_allclose(warm / cold, 8.0, rtol=1e-3, atol=0)


@pytest.mark.slow
def test_four_hundred_atoms_a_layer_fit_in_two_gigabytes():
    pytest.importorskip("matscipy", reason="needs kapitza[atoms]")
    done = subprocess.run([sys.executable, str(BENCHMARK), "--large"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["coordinates of a layer"] == 1200
    assert 0 < found["transmission"] < found["modes"]
    assert found["peak memory (GiB)"] < 2
