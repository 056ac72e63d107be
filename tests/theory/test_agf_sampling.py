"""What one level of refinement tells of its own error: in frequency by null rules, in wave vectors by differences."""

import numpy as np

from kapitza.core.quadrature import gauss_legendre, gauss_legendre_roots, null_rules
from kapitza.matter.building.layers import mass_junction
from kapitza.theory.agf.conductance import RangeSampler, RangeSpectrum, frequency_ranges
from kapitza.theory.agf.green_functions import lead_contact, prepare_junction
from kapitza.theory.agf.k_mesh import find_symmetry
from kapitza.theory.agf.transmission import (
    FrequencyPanels,
    LeadBands,
    UnitRunner,
    junction_arrays,
    lead_bands,
    point_transmissions,
    transmission_in_bins,
)
from kapitza.units import THz, m_u


def test_null_rules_have_the_norm_of_the_rule_and_see_no_polynomial():
    for order in range(2, 9):
        node, weight = gauss_legendre(order)[0], gauss_legendre_roots(order)[1]
        for rule, degree in zip(null_rules(order), (order - 2, order - 3), strict=True):
            assert abs(rule @ rule - weight @ weight) <= 1e-12 * (weight @ weight)
            moments = [abs(rule @ node**power) for power in range(degree + 1)]
            assert max(moments, default=0.0) <= 1e-12
            assert abs(rule @ node ** (degree + 1)) > 1e-6
        assert abs(np.prod(null_rules(order), axis=0).sum()) <= 1e-12


def lorentzian(omega: np.ndarray, centre: float, width: float) -> np.ndarray:
    return width**2 / ((omega - centre) ** 2 + width**2)


def test_panels_tell_a_resonance_from_a_smooth_spectrum():
    """A smooth spectrum passes; a peak that a node meets is split until its integral is π times its width."""
    panels = FrequencyPanels(np.linspace(0, 1, 4), np.array([0.0, 0.3, 1.0]), np.array([3, 5]))
    smooth = np.sqrt(panels.omega * (1.1 - panels.omega))
    assert not panels.find_unresolved(smooth, 0.05).any()
    centre, width = float(panels.omega[5]), 0.004
    assert panels.find_unresolved(lorentzian(panels.omega, centre, width), 0.01).tolist() == [False, True]
    for _ in range(12):
        value = lorentzian(panels.omega, centre, width)
        worse = panels.find_unresolved(value, 1e-3)
        if not worse.any():
            break
        panels, fresh = panels.split(worse)
        assert fresh.shape == panels.omega.shape
        assert fresh.any()
    exact = width * (np.arctan((1 - centre) / width) + np.arctan(centre / width))
    assert abs(panels.weight @ lorentzian(panels.omega, centre, width) / exact - 1) <= 5e-3


def spectrum_of(values: np.ndarray) -> RangeSpectrum:
    """One frequency, with what each point of a mesh without symmetry transmits there."""
    each, one = values.reshape(-1, 1), np.ones(1)
    orbit = np.arange(values.size).reshape(values.shape)
    total = np.array([values.mean()])
    return RangeSpectrum(
        omega=1e12 * one, weight=one, total=total, left=total, right=total, points=values.size, each=each, orbit=orbit,
        variance=0 * one,
    )  # fmt: skip


def test_error_of_a_mesh_is_that_of_its_multiples():
    """Independent terms have their standard error over 2^(3/2); one smooth wave has none."""
    rng, temperature = np.random.default_rng(3), np.array([300.0])
    noise = rng.normal(10, 1, (40, 400, 20))  # means over 8000 points each
    found = [spectrum_of(part) for part in noise]
    stated = np.array([one.mesh_error(temperature) / one.conductance(temperature) for one in found])
    wanted = 0.1 / np.sqrt(8000) * 2**-1.5
    assert abs(np.sqrt(np.square(stated).mean()) / wanted - 1) <= 0.05
    wave = 1 + 0.5 * np.cos(2 * np.pi * np.arange(24) / 24)[:, None] * np.ones(24)
    smooth = spectrum_of(wave)
    assert smooth.mesh_error(temperature)[0] <= 1e-4 * smooth.conductance(temperature)[0]


def test_errors_of_springs_fall_and_hold(fcc):
    """Of two levels of a range, each is within twice the errors that both tell of themselves."""
    junction = mass_junction(fcc, m_u, 3 * m_u)
    prepared, temperature = prepare_junction(junction), np.array([300.0])
    sampler = RangeSampler(prepared, find_symmetry(prepared), None, UnitRunner())
    part = frequency_ranges(junction, 300.0, 300.0)[0]
    coarse, fine = (sampler(part, level) for level in (3, 5))
    errors = [float(one.sampling_error(temperature)[0]) for one in (coarse, fine)]
    assert errors[1] < errors[0] / 2
    moved = abs(coarse.conductance(temperature) - fine.conductance(temperature))[0]
    assert moved <= 2 * np.hypot(*errors)


def test_error_of_the_frequencies_is_the_spread_of_conductances_whose_bins_vary_as_much():
    """A second road: conductances of 4000 spectra, each bin of which is moved by its own standard error."""
    rng, bins, kelvin = np.random.default_rng(5), 25, np.array([30.0, 300.0])
    total, weight, sigma = (rng.uniform(low, 1, bins) for low in (0.5, 0.2, 0.01))

    def spectrum(total):
        return RangeSpectrum(
            omega=np.linspace(1e12, 6e13, bins), weight=1e12 * weight, total=total, left=total, right=total, points=1,
            each=total[None], orbit=np.zeros((1, 1), dtype=np.intp), variance=np.square(1e12 * sigma),
        )  # fmt: skip

    stated = spectrum(total).frequency_error(kelvin)
    drawn = [spectrum(total + sigma / weight * rng.normal(size=bins)).conductance(kelvin) for _ in range(4000)]
    assert np.abs(stated / np.std(drawn, axis=0) - 1).max() <= 0.05


def test_bands_count_the_waves_where_nothing_is_solved(si_heavy):
    """Waves counted by the bands of leads are those that the equation of a lead has; without any, nothing crosses."""
    prepared = prepare_junction(si_heavy)
    k = np.random.default_rng(7).uniform(-0.5, 0.5, (12, 2))
    sides = lead_contact(prepared, k, "left"), lead_contact(prepared, k, "right")
    omega = np.linspace(0.05, 18.5, 60) * THz
    skipped = 0
    for i, bands in enumerate(lead_bands(sides)):
        counts = bands.counts(omega)
        alone = bands.certain(omega) & (counts == 0).any(axis=0)
        skipped += int(alone.sum())
        found = point_transmissions(prepared, k, np.full(int(alone.sum()), i), omega[alone], sides)
        assert (np.stack([found.left, found.right]) == counts[:, alone] / 2).all()
        assert not found.total.any()
    assert skipped >= 0.4 * omega.size * len(k)


def test_points_that_are_not_solved_change_nothing(si_heavy, monkeypatch):
    """A second road: integrals over bins with all points solved, none left out where one lead has no wave."""
    unit = {
        "junction": junction_arrays(si_heavy), "k": np.array([[0.11, 0.23], [0.31, -0.17], [0.05, 0.4]]),
        "edges": np.linspace(0.2, 18.5, 12) * THz, "ramps": np.array([0.0, np.inf]), "place": np.full(3, 0.5),
        "share": 0.3,
    }  # fmt: skip
    found = transmission_in_bins(unit)
    monkeypatch.setattr(LeadBands, "certain", lambda _, omega: np.zeros(omega.size, dtype=bool))
    solved = transmission_in_bins(unit)
    assert found["points"].sum() <= 0.75 * solved["points"].sum()
    for name in ("total", "first", "left", "right", "weight"):
        assert np.abs(found[name] - solved[name]).max() <= 1e-9 * np.abs(solved[name]).max(), name
