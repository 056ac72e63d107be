"""The view Device without its page: edits of a file, what is solved of it, and the figures that are drawn."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.errors import DataError, InputError
from kapitza.web.figures.device import (
    depth_figure,
    drawn_depths,
    section_figure,
    share_figure,
    sweep_figure,
    worth_figure,
)
from kapitza.web.models.device import (
    DeviceDraft,
    SolvedDevice,
    add_layer,
    device_numbers,
    device_summary,
    device_texts,
    kept_number,
    move_layer,
    numbers_to_try,
    read_draft,
    remove_layer,
    solve_device,
    solve_draft,
    sweep_number,
    worth_rows,
)
from kapitza.web.models.toml_text import cell_text, cell_value, format_toml

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "samples"
DRAFT = DeviceDraft.from_text((SAMPLES / "chip-gan-sic.toml").read_text(encoding="utf-8"))
G = "GaN|SiC.conductance"


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> SolvedDevice:
    return solve_draft(DRAFT, tmp_path_factory.mktemp("device"))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_table_as_text_reads_back(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert tomllib.loads(format_toml(table)) == table


@pytest.mark.parametrize(
    "value",
    ["2 um", "20 m2K/GW ± 15 %", 'a "b" \\ c', 150, 2.5, 1e-9, True, [1, "2 um"], {"theory": "dmm", "drop": "gray"}],
    ids=str,
)
def test_a_cell_holds_what_it_shows(value: Any) -> None:
    assert cell_value(cell_text(value)) == value
    assert tomllib.loads(format_toml({"a key": {"deep": {"x": {"y": value}}}, "z": value}))["z"] == value


@pytest.mark.parametrize("text", ["1\nb = 2", "inf\x00", "[" * 5000, "2 um = 3", "{ a = 1"])
def test_odd_cells_are_words(text: str) -> None:
    assert cell_value(text) == text.strip()


def test_what_is_shown_is_what_the_file_gives(solved: SolvedDevice) -> None:
    """The same numbers as of `kapitza.solve`; the drops on the way down add up to the rise of the hottest point."""
    wanted = kapitza.solve(kapitza.io.read_device(SAMPLES / "chip-gan-sic.toml"))
    np.testing.assert_allclose(solved.found.peak, wanted.peak, rtol=1e-12, atol=0)
    depth, kelvin = solved.depth_profile
    np.testing.assert_allclose(kelvin[0], wanted.sink + wanted.peak, rtol=1e-6, atol=0)
    np.testing.assert_allclose(kelvin[-1], wanted.sink, rtol=1e-6, atol=0)
    np.testing.assert_allclose(depth[-1], 322e-6, rtol=1e-9, atol=0)
    jump = float(kelvin[np.flatnonzero(np.diff(depth) == 0)[0]] - kelvin[np.flatnonzero(np.diff(depth) == 0)[0] + 1])
    np.testing.assert_allclose(jump, wanted.drop["GaN|SiC"], rtol=1e-4, atol=0)


def test_figures_show_the_numbers_of_the_record(solved: SolvedDevice) -> None:
    found = solved.found
    shares = share_figure("light", solved)
    assert shares["data"][0]["y"] == list(found.drop)
    np.testing.assert_allclose(shares["data"][0]["x"], list(found.drop.values()), rtol=1e-4, atol=0)
    np.testing.assert_allclose(sum(shares["data"][0]["x"]), found.peak, rtol=1e-4, atol=0)
    assert shares["layout"]["xaxis"]["title"]["text"].endswith("(K)")
    worth = worth_figure("dark", solved)
    held = dict(zip(worth["data"][0]["y"], worth["data"][0]["x"], strict=True))
    np.testing.assert_allclose(held[G], found.sensitivity[G], rtol=1e-4, atol=0)
    curve = depth_figure("light", solved, solved)
    np.testing.assert_allclose(curve["data"][1]["y"], solved.depth_profile[1], rtol=1e-4, atol=0)
    assert curve["layout"]["yaxis"]["title"]["text"] == "temperature (K)"
    assert curve["layout"]["xaxis"]["ticktext"] == ["0", "2 µm", "102 µm", "122 µm", "322 µm"]
    section = section_figure("light", solved)
    assert len(section["data"]) == 4
    np.testing.assert_allclose(max(map(max, section["data"][0]["z"])), found.peak, rtol=1e-3, atol=0)


def test_heat_that_changes_with_time_says_whose_temperatures_are_shown(tmp_path: Path) -> None:
    """Slow pulses of a thin device reach what the power always on gives; a slow cosine swings by its steady rise."""
    text = (SAMPLES / "chip-gan-sic.toml").read_text(encoding="utf-8").replace("[uncertain]", "[unsure]")
    text = text.partition("[unsure]")[0]
    always = solve_draft(DeviceDraft.from_text(text), tmp_path)
    assert (always.heat, always.course) == ("", "")
    pulses = text.replace("[[sources]]", '[[sources]]\nperiod = "10 s"\nwidth = "5 s"')
    found = solve_draft(DeviceDraft.from_text(pulses), tmp_path)
    assert found.heat == ", mean of the pulses"
    np.testing.assert_allclose(2 * found.found.peak, always.found.peak, rtol=1e-9, atol=0)
    assert f"first pulse at {always.found.peak:.4g} K" in found.course  # which settles before it ends
    waves = text.replace("[[sources]]", '[[sources]]\nfrequency = "0.01 Hz"')
    found = solve_draft(DeviceDraft.from_text(waves), tmp_path)
    assert f"swing by {always.found.peak:.4g} K" in found.course
    assert "always on" in device_summary(found)
    bare = solve_draft(DeviceDraft.from_text(re.sub("heat_capacity.*", "", pulses)), tmp_path)
    assert "has no heat_capacity" in bare.course


def test_drawn_depths_keep_order_and_faces(solved: SolvedDevice) -> None:
    places, edges, heights = drawn_depths(solved.section.y)
    assert (np.diff(places) >= 0).all()
    np.testing.assert_allclose([places[0], places[-1]], [0, 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(edges, [0, 2e-6, 102e-6, 122e-6, 322e-6], rtol=1e-9, atol=1e-15)
    assert (np.diff(heights) > 0.05).all()  # a layer of 2 µm on 200 µm is seen


def test_a_slider_moves_what_its_derivative_says(solved: SolvedDevice) -> None:
    """Solved anew with 1 % more conductance, the peak changes by 1 % of dT/dlnG."""
    moved = solve_device(solved.device, {G: 1.01 * solved.device.value(G)})
    slope = (moved.found.peak - solved.found.peak) / np.log(1.01)
    np.testing.assert_allclose(slope, solved.found.sensitivity[G], rtol=0.02, atol=0)
    values, rises = sweep_number(solved.device, G)
    np.testing.assert_allclose(rises[5], solved.found.peak, rtol=1e-9, atol=0)
    assert (np.diff(rises) < 0).all()
    drawn = sweep_figure("light", G, (values, rises), 300.0, (float(values[5]), float(rises[5])))
    assert drawn["layout"]["xaxis"]["title"]["text"] == f"{G} (MW/m²K)"
    np.testing.assert_allclose(drawn["data"][1]["x"], [50.0], rtol=1e-9, atol=0)
    assert numbers_to_try(solved)[0] == G


def test_a_number_that_is_kept_stands_in_the_file(tmp_path: Path) -> None:
    for name, value in ((G, 80e6), ("GaN.thickness", 1.5e-6), ("finger.power", 0.03), ("SiC.in_plane", 400.0)):
        kept = read_draft(kept_number(DRAFT, name, value), tmp_path)
        np.testing.assert_allclose(kept.value(name), value, rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="change it there as text"):
        kept_number(DRAFT, "elsewhere.thickness", 1.0)


def test_layers_come_go_and_change_their_names(tmp_path: Path) -> None:
    more = add_layer(DRAFT, 1)
    assert more.layer_names == ["GaN", "SiC", "layer 1", "AuSn", "Cu"]
    assert (more.boundary("SiC|layer 1"), more.boundary("layer 1|AuSn")) == ("5 m2K/GW", "100 MW/m2K")
    less = remove_layer(DRAFT, 2)
    assert less.boundary_names == ["GaN|SiC", "SiC|Cu"]
    assert less.boundary("SiC|Cu") == "5 m2K/GW"
    renamed = DRAFT.with_cell("layers", 0, "name", "channel")
    assert renamed.boundary("channel|SiC") == "20 m2K/GW ± 15 %"
    assert set(renamed.table["uncertain"]) == {"channel.thickness", "channel.conductivity", "SiC.in_plane"}
    swapped = move_layer(DRAFT, 1, 1)
    assert swapped.layer_names == ["GaN", "AuSn", "SiC", "Cu"]
    peaks = [solve_draft(one, tmp_path).found.peak for one in (more, less, renamed, swapped)]
    np.testing.assert_allclose(peaks[2], solve_draft(DRAFT, tmp_path).found.peak, rtol=1e-12, atol=0)
    assert move_layer(DRAFT, 0, -1).layer_names == DRAFT.layer_names
    with pytest.raises(InputError, match="only layer"):
        remove_layer(DeviceDraft.from_text('[[layers]]\nname = "A"\n'), 0)


def test_the_copied_python_gives_what_is_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], solved: SolvedDevice
) -> None:
    texts = device_texts(DRAFT)
    (tmp_path / "device.toml").write_text(texts["TOML"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(texts["Python"], {})  # noqa: S102 - the text is ours
    np.testing.assert_allclose(float(capsys.readouterr().out.split()[0]), solved.found.peak, rtol=1e-9, atol=0)
    assert texts["Command line"].startswith("kapitza device device.toml")


def test_numbers_for_export_have_units(solved: SolvedDevice) -> None:
    held = device_numbers(solved)
    assert all("unit" in one for one in held.values() if isinstance(one, dict))
    np.testing.assert_allclose(held["peak"]["value"], solved.found.peak, rtol=1e-12, atol=0)
    rows = worth_rows(solved.found)
    assert [row["boundary"] for row in rows] == ["GaN | SiC", "AuSn | Cu", "SiC | AuSn"]
    assert rows[0]["conductance"] == "50 MW/m²K"


def test_what_the_page_does_not_solve_is_said(tmp_path: Path) -> None:
    blocks = DeviceDraft.from_text((SAMPLES / "finfet.toml").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=r"this page solves layers, `kapitza device device.toml` solves this"):
        read_draft(blocks, tmp_path)
    with pytest.raises(DataError, match="outside of the folder"):
        read_draft(DRAFT.with_boundary("GaN|SiC", "/etc/hostname.json"), tmp_path)
    with pytest.raises(DataError, match="is not TOML"):
        DeviceDraft.from_text("layers = [")
