"""Figures of molecular dynamics: what is drawn is what was found."""

import numpy as np
import pytest

from kapitza.core.occupation import Occupation
from kapitza.plot.md import md_modes, md_sizes, md_spectrum
from kapitza.simulate.md.analysis.sizes import size_series
from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
from kapitza.units import THz, hbar, k_B, nm

pytest.importorskip("matplotlib")


def test_the_line_of_sizes_meets_the_axis_at_infinite_length():
    length = np.array([5.0, 10.0, 20.0]) * nm
    ax = md_sizes(size_series(2e-9 + 1e-18 / length, np.full(3, 1e-10), length))
    x, y = ax.get_lines()[-1].get_data()
    np.testing.assert_allclose([x[0], y[0]], [0.0, 2.0], atol=1e-6, rtol=0)


def test_bands_of_a_spectrum_keep_its_heat():
    """A white spectrum of 3e-5 W s/m² is 3e-5 · 2π · 1e12 W/m² in each THz."""
    omega = np.linspace(0, 2 * THz, 101)
    flux = SpectralFlux(omega, np.full((4, 101), 3e-5), None, np.ones(4, dtype=np.int64), np.zeros((2, 101)))
    ax = md_spectrum(flux)
    values = ax.patches[0].get_data().values
    np.testing.assert_allclose(values, 3e-5 * 2 * np.pi * 1e12 / 1e6, rtol=1e-9, atol=0)


def test_temperatures_of_bands_are_drawn_at_their_places():
    energy = hbar * np.array([0.5, 1.0]) * THz
    kelvin = np.array([[31.0, 33.0], [29.0, 27.0]])
    held = Occupation([1e-9, 3e-9], energy, k_B * kelvin / energy, statistics="classical")
    ax = md_modes(held, 2 * nm)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 2 and line.get_marker() == "o"]
    np.testing.assert_allclose(lines[0].get_xdata(), [-1, 1], rtol=1e-9, atol=0)
    np.testing.assert_allclose([line.get_ydata() for line in lines], kelvin.T, rtol=1e-9, atol=0)
