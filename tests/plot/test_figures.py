"""Figures say what they show: labels with units, one entry a model, nothing drawn outside or on top of each other."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from kapitza import plot
from kapitza.core.conductance import Conductance
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, MissingEngine
from kapitza.matter.library import elastic, solid
from kapitza.measure.catalogue import measured
from kapitza.measure.compare import Comparison, compare
from kapitza.measure.interface import predict
from kapitza.plot import style
from kapitza.plot import style as style_plots
from kapitza.theory.amm import amm, amm_modes, angle_map
from kapitza.theory.dmm import dmm

mpl.use("Agg")

KELVIN = np.geomspace(20, 600, 30)


def axes() -> Any:
    return style_plots.new_figure().add_subplot()


def legend_of(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(ax: Any, tmp_path: Path) -> None:
    """The figure can be written, and its legend lies beside the axes."""
    path = tmp_path / "figure.png"
    ax.figure.savefig(path)
    assert path.stat().st_size > 5000
    if ax.get_legend() is not None:
        assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1


def test_conductance_of_models_and_measurements(tmp_path: Path) -> None:
    found, known = predict("Al", "Si", KELVIN), measured("Al", "Si")
    ax = plot.conductance(*found, measured=known, ax=axes())
    labels = legend_of(ax)
    shown = [one.title for one in found]
    assert shown == labels[: len(shown)]
    assert "Minnich 2011 (TDTR)" in labels
    assert len(set(labels)) == len(labels)
    assert ax.get_ylabel() == "conductance (MW m⁻² K⁻¹)\nlines: emitted drop, points: extrapolated drop"
    ax = plot.conductance(*found, measured=known, drop="extrapolated", ax=axes())
    assert ax.get_ylabel() == "conductance (MW m⁻² K⁻¹)\nextrapolated drop"
    assert ax.get_xlabel() == "temperature (K)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    drawn(ax, tmp_path)


def test_the_best_estimate_is_a_band_behind_the_models(tmp_path: Path) -> None:
    found = predict("Al", "Si", KELVIN)
    ax = plot.conductance(found, ax=axes())
    (band,) = ax.collections[:1]
    ends = found.estimate.interval
    assert ends is not None
    low, high = band.get_paths()[0].get_extents().intervaly
    np.testing.assert_allclose([low, high], [ends.min() / 1e6, ends.max() / 1e6], rtol=1e-12, atol=0)
    assert band.get_zorder() < min(line.get_zorder() for line in ax.get_lines())
    assert "best estimate (measured), 95 %" in legend_of(ax)
    drawn(ax, tmp_path)
    drawn(plot.conductance(predict("Cr", "GaN", 300.0), ax=axes()), tmp_path)


def test_curves_are_the_numbers() -> None:
    (one,) = predict("Al", "Si", KELVIN, ["dmm"])
    ax = plot.conductance(one, drop="emitted", ax=axes())
    x, y = ax.get_lines()[0].get_data()
    np.testing.assert_array_equal(x, KELVIN)
    np.testing.assert_allclose(np.asarray(y) * 1e6, one.emitted.value, rtol=1e-12, atol=0)


def test_measured_values_and_bars_are_inside_the_axes(tmp_path: Path) -> None:
    known = measured("Al", "sapphire")
    ax = plot.conductance(*predict("Al", "sapphire", 300.0), measured=known, ax=axes())
    low, high = ax.get_ylim()
    for entry in known:
        assert (entry.conductance.value / 1e6 > low).all()
        assert (entry.conductance.value / 1e6 < high).all()
    drawn(ax, tmp_path)


def test_units_and_scales_follow_the_numbers() -> None:
    small = Conductance([300.0, 310.0], [2e3, 2.1e3], [1e2, 1e2], method="gap")
    ax = plot.conductance(small, ax=axes())
    assert "kW m⁻² K⁻¹" in ax.get_ylabel()
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylim()[0]) == ("linear", "linear", 0)
    infinite = Conductance([300.0], [np.inf], method="none")
    assert legend_of(plot.conductance(infinite, small, ax=axes()))[0] == "none (infinite)"


def test_spectra(tmp_path: Path) -> None:
    al, si = solid("Al"), solid("Si")
    ax = plot.transmission(amm(al, si), dmm(al, si), ax=axes())
    assert legend_of(ax) == ["modes of the left side", "modes of the right side", "AMM Al|Si", "DMM Al|Si"]
    assert "(nm⁻²)" in ax.get_ylabel()
    assert "(THz)" in ax.get_xlabel()
    drawn(ax, tmp_path)
    bare = Transmission([1e12, 2e12], [1.0, 2.0])
    assert legend_of(plot.transmission(bare, labels=["simulation"], ax=axes())) == ["simulation"]
    with pytest.raises(InputError, match="2 labels for 1"):
        plot.transmission(bare, labels=["a", "b"], ax=axes())


def test_accumulation_ends_at_the_whole(tmp_path: Path) -> None:
    spectrum = dmm(solid("Al"), solid("Si"))
    ax = plot.accumulation(spectrum, [30, 300], ax=axes())
    for line in ax.get_lines():
        share = np.asarray(line.get_ydata())
        np.testing.assert_allclose(share[-1], 100, rtol=1e-12, atol=0)
        assert (np.diff(share) >= 0).all()
    value = spectrum.conductance(300.0).value[0] / 1e6
    assert legend_of(ax)[1] == f"300 K: {value:.4g} MW m⁻² K⁻¹"
    drawn(ax, tmp_path)


def test_angles(tmp_path: Path) -> None:
    found = angle_map(solid("Al"), solid("Si"))
    ax = plot.transmission_by_angle(found, ax=axes())
    assert legend_of(ax) == ["L arrives", "SV arrives", "SH arrives", "critical angles"]
    drawn(ax, tmp_path)
    with pytest.raises(InputError, match="2 names for 3"):
        plot.transmission_by_angle(found, branches=["P", "S"], ax=axes())


@pytest.mark.parametrize("of", [solid, elastic])
def test_angle_maps(of: Any, tmp_path: Path) -> None:
    ax = plot.angle_map(amm_modes(of("Al"), of("Si")), branch=2, ax=axes())
    drawn(ax, tmp_path)
    with pytest.raises(InputError, match="branch 7"):
        plot.angle_map(amm_modes(of("Al"), of("Si")), branch=7, ax=axes())


def test_comparison(tmp_path: Path) -> None:
    found = compare("Al", "Si", 300.0)
    ax = plot.comparison(found, ax=axes())
    rows = [text.get_text() for text in ax.get_yticklabels()]
    assert len(rows) == len(found.predictions) + len(found.published)
    assert rows[0] == found.predictions[0].title
    assert "measured" in legend_of(ax)
    drawn(ax, tmp_path)
    with pytest.raises(InputError, match="nothing to draw"):
        plot.comparison(Comparison("A", "B", 300.0, 0.05), ax=axes())


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        plot.conductance(ax=axes())


def test_new_axes_of_their_own() -> None:
    from matplotlib import pyplot as plt

    ax = plot.conductance(Conductance([1, 2], [1e6, 2e6], method="x"))
    assert ax.figure in [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingEngine("drawing a figure needs matplotlib: pip install 'kapitza[plot]'")

    monkeypatch.setattr(style, "require", missing)
    with pytest.raises(MissingEngine, match=r"kapitza\[plot\]"):
        plot.conductance(Conductance([1], [1]))


def test_short_citations() -> None:
    assert style.short_citation("P. E. Hopkins et al., Phys. Rev. B 84, 125408 (2011)") == "Hopkins 2011"
    assert style.short_citation("J. C. Duda and P. E. Hopkins, Appl. Phys. Lett. 100 (2012)") == "Duda 2012"
    assert style.short_citation("") == ""


def test_colours_differ_in_lightness() -> None:
    """Told apart in grey print by colour or by dash."""
    assert len({(colour, str(dash)) for colour, dash in zip(style.LINE_COLOURS, style.LINE_DASHES, strict=True)}) == 8
