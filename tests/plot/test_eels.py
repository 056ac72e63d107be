"""Figures of temperature maps say what they show."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from kapitza import plot
from kapitza.core.occupation import Occupation
from kapitza.errors import InputError
from kapitza.measure.eels.design import design_eels
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.interface_modes import InterfaceComponents
from kapitza.measure.eels.jump import fit_jump
from kapitza.measure.eels.map import PixelFlag, TemperatureMap, line_profile, temperature_gradients
from kapitza.measure.eels.model import VibrationalMode
from kapitza.plot import eels as eels_plots
from kapitza.plot import style as style_plots
from kapitza.plot.eels.maps import round_step
from kapitza.units import meV, nm

mpl.use("Agg")

SHAPE = (12, 40)


def axes() -> Any:
    return style_plots.new_figure().add_subplot()


def made() -> TemperatureMap:
    x = (np.arange(SHAPE[1]) - 19.5) * nm
    kelvin = np.where(x < 0, 425, 410) - 0.3e9 * x + np.random.default_rng(1).normal(0, 2, SHAPE)
    flag = np.zeros(SHAPE, int)
    flag[3, 5] = int(PixelFlag.DEAD)
    return TemperatureMap(
        position=(np.arange(SHAPE[0]) * nm, x), names=("temperature",), value=kelvin[..., None],
        covariance=np.full((*SHAPE, 1, 1), 4.0),
        flag=flag, pvalue=np.full(SHAPE, 0.5), deviance=np.zeros(SHAPE), iterations=np.ones(SHAPE, int),
    )  # fmt: skip


def drawn(figure: Any, tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    figure.savefig(path)
    assert path.stat().st_size > 5000


def test_map_with_isotherms_and_arrows(tmp_path: Path) -> None:
    found = made()
    ax = plot.eels.temperature_map(found, temperature_gradients(found, 4 * nm, interface=0.0), interface=0.0, ax=axes())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (nm)", "y (nm)")
    kinds = [type(one).__name__ for one in ax.collections]
    assert {"QuadMesh", "QuadContourSet", "Quiver"} <= set(kinds)
    (arrows,) = [one for one in ax.collections if type(one).__name__ == "Quiver"]
    assert np.mean(arrows.U) > 0, "heat flows down the gradient, to the right"
    shown = next(one for one in ax.collections if type(one).__name__ == "QuadMesh").get_array()
    assert np.ma.count_masked(np.ma.masked_invalid(shown)) == 1
    drawn(ax.figure, tmp_path)


def test_map_without_planes(tmp_path: Path) -> None:
    drawn(plot.eels.temperature_map(made(), ax=axes()).figure, tmp_path)
    with pytest.raises(InputError, match="two positions, got 1"):
        plot.eels.temperature_map(TemperatureMap(position=(np.arange(2) * nm,), names=("temperature",),
        value=[[1.0], [2.0]], covariance=np.ones((2, 1, 1)),
                                            flag=[0, 0], pvalue=[1, 1],
                                             deviance=[0, 0], iterations=[1, 1]))  # fmt: skip


def test_profile_with_both_branches(tmp_path: Path) -> None:
    profile = line_profile(made())
    found = fit_jump(profile, 0.0, skip=2 * nm)
    ax = plot.eels.interface_jump(profile, found, ax=axes())
    left, right = (
        ax.get_lines()[1:3]
        if len(ax.get_lines()) == 3
        else [line for line in ax.get_lines() if str(line.get_label()).startswith(("left:", "right:"))]
    )
    ends = left.get_xydata()[-1][1] - right.get_xydata()[0][1]
    np.testing.assert_allclose(ends, found.jump.jump, rtol=1e-9, atol=0)
    assert {"rows averaged", "left out", "fit as it is seen"} <= set(ax.get_legend_handles_labels()[1])
    assert f"{found.jump.jump:.3g}" in ax.get_title()
    drawn(ax.figure, tmp_path)


def test_mode_temperatures(tmp_path: Path) -> None:
    x, quanta = np.arange(5) * nm, np.array([47.0, 82.0]) * meV
    n = np.array([[0.4, 0.1]] * 5)
    ax = plot.eels.mode_temperatures(Occupation(x, quanta, n, n / 20, modes=("LA", "TO")), interface=2 * nm, ax=axes())
    assert ax.get_legend_handles_labels()[1] == ["LA, 47 meV", "TO, 82 meV"]
    drawn(ax.figure, tmp_path)
    faint = np.array(n / 20)
    faint[2, 1] = 50.0  # a mode that is hardly there must not set the scale
    low, high = plot.eels.mode_temperatures(Occupation(x, quanta, n, faint), ax=axes()).get_ylim()
    assert high - low < 1000


def test_interface_modes(tmp_path: Path) -> None:
    energy = np.concatenate([np.arange(-100, -30), np.arange(30, 100)]) * meV
    found = InterfaceComponents(
        modes=("alpha",), quantum=[70 * meV], mixture=np.eye(2), mixture_sigma=np.eye(2), gain=[10.0],
        loss=[90.0], gain_covariance=[[1.0]], loss_covariance=[[4.0]], energy=energy,
        residual=np.sin(energy / meV), sigma=np.ones(energy.size), pvalue=0.5, electrons=1e9,
    )  # fmt: skip
    ax = eels_plots.interface_modes(found, ax=axes())
    assert ax.get_legend_handles_labels()[1] == ["gain", "loss"]
    assert [text.get_text() for text in ax.texts] == ["alpha"]
    drawn(ax.figure, tmp_path)


def test_plan(tmp_path: Path) -> None:
    modes = (VibrationalMode("a", 47 * meV, 5 * meV, 4e-4), VibrationalMode("b", 82 * meV, 4.5 * meV, 6e-4))
    found = design_eels(
        EelsExperiment(
            left=modes,
            right=modes,
            temperature=425.0,
            jump=15.0,
            gradient_left=-0.18 / nm,
            gradient_right=-0.15 / nm,
            columns=16,
        )
    )
    figure = style_plots.new_figure()
    left, right = eels_plots.eels_design(found, figure)
    assert left.get_xlabel() == "resolution (meV)"
    assert "best for the Kapitza length, left" in right.get_legend_handles_labels()[1]
    drawn(figure, tmp_path)


def test_steps_of_isotherms_are_round() -> None:
    assert [round_step(one) for one in (0.3, 1.0, 1.1, 4.0, 60.0)] == [0.5, 1.0, 2.0, 5.0, 100.0]
    assert round_step(0.0) == 1.0
