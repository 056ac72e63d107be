"""Figures of modes and of the vibrations near an interface: what they show is what the records hold."""

import numpy as np
import pytest

import kapitza
from kapitza.errors import InputError
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.plot import spectra
from kapitza.plot import vibrations as vibrations_plots
from kapitza.plot.style import cell_borders, new_figure
from kapitza.units import THz, m_u, nm

pytest.importorskip("matplotlib")

M, K = 28 * m_u, 50.0
TOP = 2 * np.sqrt(K / M)


@pytest.fixture(scope="module")
def junction():
    lead = chain_junction((M, K), (M, K), bond=K, area=1e-19).left
    return mass_junction(lead, M, 2 * M, device=[[M], [0.5 * M], [2 * M]])


@pytest.fixture(scope="module")
def omega():
    return np.linspace(0.05, 1.2, 24) * TOP


@pytest.fixture(scope="module")
def modes(junction, omega):
    return kapitza.lattice.agf_modes(junction, omega)


def test_branches_are_stacked_to_the_transmission(modes):
    ax = spectra.transmission_by_branch(modes, ax=new_figure().add_subplot())
    stacked = ax.collections[-1].get_paths()[0].vertices
    whole = modes.total()
    np.testing.assert_allclose(stacked[:, 1].max() * nm**-2, whole.total.max(), rtol=1e-12, atol=0)
    with pytest.raises(InputError, match="0 waves"):
        spectra.transmission_by_branch(modes.select("left"), side="right", ax=ax)


def test_probabilities_by_angle_are_those_of_the_table(modes):
    ax = spectra.incidence_map(modes, ax=new_figure().add_subplot())
    shown = np.ma.filled(ax.collections[0].get_array(), np.nan)
    rows = modes.select("left")
    np.testing.assert_allclose(np.nanmax(shown), rows.transmission.max(), rtol=1e-12, atol=0)
    one = kapitza.core.ModalTransmission(
        omega=[1.0],
        wavevector=[[0, 0, 1.0]],
        side=[0],
        branch=[0],
        velocity=[1.0],
        weight=[1.0],
        transmission=[0.5],
        specular=[0.5],
    )
    with pytest.raises(InputError, match="wanted 2"):
        spectra.incidence_map(one, ax=ax)


def test_shares_add_to_the_whole(junction, omega, modes):
    ax = spectra.branch_conversion_map(kapitza.lattice.mode_conversion(junction, omega), ax=new_figure().add_subplot())
    np.testing.assert_allclose(np.sum(ax.images[0].get_array()), 100.0, rtol=1e-9, atol=0)
    lines = spectra.specular_transmission(modes, ax=new_figure().add_subplot()).get_lines()
    kept = lines[1].get_ydata()
    np.testing.assert_allclose(kept[np.isfinite(kept)], 1.0, rtol=1e-9, atol=0)


def test_all_panels_of_modes(junction, omega, modes, tmp_path):
    figure = new_figure(width=10, height=7.6)
    spectra.modes_figure(modes, kapitza.lattice.mode_conversion(junction, omega), figure)
    figure.savefig(tmp_path / "modes.png")
    assert len(figure.axes) == 6  # four panels, two scales of colour


def test_all_panels_near_an_interface(junction, omega, tmp_path):
    density, localised = (
        kapitza.lattice.local_density(junction, omega),
        kapitza.lattice.interface_modes(junction, omega),
    )
    current = kapitza.lattice.local_current(junction, omega)
    figure = new_figure(width=10, height=7.6)
    vibrations_plots.vibrations_figure(density, localised, current, figure)
    figure.savefig(tmp_path / "local.png")
    grid, lines, points, share = (figure.axes[i] for i in (0, 1, 2, 3))
    np.testing.assert_allclose(grid.collections[0].get_array().max(), density.by_layer.max() * THz, rtol=1e-12, atol=0)
    assert lines.get_ylabel().startswith("density")
    np.testing.assert_allclose(
        np.sort(np.concatenate([one[0].get_xdata() for one in points.containers])),
        np.sort(localised.omega) / THz,
        rtol=1e-12,
        atol=0,
    )
    np.testing.assert_allclose(share.get_lines()[0].get_ydata() * nm**-2, current.total, rtol=1e-12, atol=0)
    assert points.get_legend().get_window_extent().y0 >= points.get_window_extent().y1  # no point lies below it


def test_a_figure_of_nothing_is_drawn():
    """One frequency has borders too, and no mode is no fault."""
    np.testing.assert_array_equal(cell_borders(np.array([2.0])), [1.5, 2.5])
