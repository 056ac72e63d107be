"""Decimation in batches against the waves of the leads, and what it refuses."""

import sys
from types import ModuleType

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError, MissingEngine
from kapitza.matter.building.layers import mass_junction
from kapitza.theory.agf.conductance import agf, agf_decimated
from kapitza.units import THz, m_u
from matter_samples import repeat_device

OMEGA = np.array([1.3, 4.1, 7.7, 10.2, 12.9]) * THz


@pytest.fixture
def junction(fcc):
    """Two crystals with a layer of foreign atoms between: several layers of the device."""
    made = mass_junction(fcc, m_u, 2.3 * m_u)
    slab = made.device[-1]
    return evolve(made, device=(*made.device[:-1], evolve(slab, masses=1.7 * slab.masses)))


def test_decimation_is_the_second_road(junction):
    """The error falls with the broadening, to that of rounding."""
    top = 2 * np.pi * 2e13
    omega = np.linspace(0.05, 0.9, 7) * top
    want = agf(junction, omega, k_mesh=(6, 6)).total
    assert (want > 0).sum() > 3
    errors = [
        np.abs(agf_decimated(junction, omega, (6, 6), broadening=eta, arrays=np).total - want).max() / want.max()
        for eta in (1e-4, 1e-6, 1e-8)
    ]
    assert errors[1] < 0.1 * errors[0]
    assert errors[2] < 1e-5


def test_unfolded_leads_and_batches(junction):
    omega = np.array([0.4, 0.6]) * 2 * np.pi * 2e13
    whole = repeat_device(junction, [[2, 1], [0, 2]])
    found = [agf_decimated(whole, omega, (2, 4), broadening=1e-9, arrays=np, batch=size).total for size in (1, 4096)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-10, atol=0)
    same = agf(whole, omega, k_mesh=(2, 4)).total
    np.testing.assert_allclose(found[1], same, rtol=1e-5, atol=0)
    assert (same > 0).all()


def test_another_module_of_arrays_is_used(junction, monkeypatch):
    """Arrays that live elsewhere come back by `get`, as those of cupy do."""

    class Away(np.ndarray):
        def get(self):
            fetched.append(self.shape)
            return np.asarray(self)

    fetched: list[tuple[int, ...]] = []
    fake = ModuleType("cupy")
    for name in ("concatenate", "abs", "maximum", "stack", "linalg"):
        setattr(fake, name, getattr(np, name))
    fake.eye = lambda n: np.eye(n).view(Away)
    fake.asarray = lambda a: np.asarray(a).view(Away)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    omega = [0.5 * np.pi * 2e13]
    found = agf_decimated(junction, omega, (2, 2))
    np.testing.assert_allclose(found.total, agf_decimated(junction, omega, (2, 2), arrays=np).total, rtol=1e-12, atol=0)
    assert fetched


def test_what_is_refused(junction, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingEngine, match=r"kapitza\[gpu\]"):
        agf_decimated(junction, OMEGA, (2, 2))
    with pytest.raises(InputError, match="broadening = 0"):
        agf_decimated(junction, OMEGA, (2, 2), broadening=0, arrays=np)
    with pytest.raises(InputError, match="above 0"):
        agf_decimated(junction, [0.0, 1.0], (2, 2), arrays=np)
    single = ModuleType("single")
    single.asarray = lambda a: np.asarray(a, dtype=np.complex64)
    with pytest.raises(InputError, match="single precision"):
        agf_decimated(junction, OMEGA, (2, 2), arrays=single)


def test_layers_that_stay_coupled_are_told(junction, monkeypatch):
    monkeypatch.setattr("kapitza.theory.agf.leads.MAX_DECIMATION_STEPS", 3)
    with pytest.raises(ConvergenceError, match="after 3 steps"):
        agf_decimated(junction, OMEGA, (2, 2), arrays=np)
