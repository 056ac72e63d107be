"""Files of domains, Fourier's law beside them, and figures."""

from pathlib import Path

import attrs
import numpy as np
import pytest

from kapitza.cli import main
from kapitza.errors import DataError, InputError, MissingEngine
from kapitza.io.results import load, save
from kapitza.io.transport.domains import read_domain
from kapitza.io.transport.films import read_films
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import gray_carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain, HotSpot
from kapitza.simulate.boltzmann.layered.transport import transport
from kapitza.simulate.boltzmann.monte_carlo import simulation
from kapitza.simulate.boltzmann.monte_carlo.fourier import fourier_temperature
from kapitza.simulate.boltzmann.monte_carlo.simulation import MonteCarloSettings, TransportMap, monte_carlo
from printed_json import printed

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "samples" / "hot-spot-monte-carlo.toml"
GRAY = """
spacing = "5 nm"
[[materials]]
name = "a"
heat_capacity = "1.6 MJ/m3K"
velocity = "6 km/s"
mean_free_path = "40 nm"
[[boxes]]
material = "a"
low = ["0 nm", "0 nm"]
high = ["20 nm", "20 nm"]
"""
WARM = '[walls]\n"-x" = { temperature = 301 }\n"+x" = { temperature = 299 }\n'


def written(folder, text):
    path = folder / "d.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_sample():
    """A hot spot smaller than a mean free path gets hotter than Fourier says, and heat is conserved."""
    pytest.importorskip("numba", reason="needs numba")
    held = read_domain(SAMPLE)
    got = monte_carlo(held.domain, spacing=held.spacing, settings=MonteCarloSettings(2_000, seed=1))
    fourier = fourier_temperature(held.domain, held.spacing)
    assert np.nanmax(got.temperature) - 300 > 1.5 * (np.nanmax(fourier) - 300)
    np.testing.assert_allclose(got.net_power("-y")[0], 10.0, rtol=1e-9, atol=0)
    assert got.spectrum.shape == (len(got.surfaces), got.omega.size)


def test_all_keys(tmp_path):
    more = """
[[boxes]]
name = "pore"
wall = { specular = 0.5 }
low = ["5 nm", "5 nm"]
high = ["10 nm", "10 nm"]
[[sources]]
low = ["10 nm", "10 nm"]
high = ["20 nm", "20 nm"]
power = "2 W/m"
"""
    walls = WARM + '"-y" = "mirror"\n"+y" = { specular = 0.2 }\n'
    held = read_domain(written(tmp_path, "particles = 1e4\nseed = 3\ntitle = 'x'\n" + GRAY + more + walls))
    assert (held.settings.particles, held.settings.seed) == (10_000, 3)
    assert next(box.matter for box in held.domain.boxes if box.name == "pore").temperature is None
    assert held.domain.sources[0].power == 2.0
    assert held.domain.walls["-y"].specular == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no \[\[materials\]\]"),
        (GRAY.replace("5 nm", "5 K", 1) + WARM, "spacing: .*unit of temperature"),
        (GRAY.replace('material = "a"', 'material = "b"') + WARM, "boxes.1.material: expected 'a'"),
        (GRAY.replace('low = ["0 nm", "0 nm"]', 'low = ["0 nm", "0 s"]'), "unit of time"),
        (GRAY.replace('low = ["0 nm", "0 nm"]', 'low = "0 nm"'), "1 and 2 coordinates"),
        (GRAY + "wall = {}\n", "material or a wall, got both"),
        (GRAY + '[walls]\n"-z" = {}\n', "unknown wall '-z'"),
        (GRAY + '[walls]\n"-x" = 3\n', "periodic.*mirror"),
        (GRAY + '[boundaries]\n"a|c" = "dmm"\n', "names of two regions out of a"),
        (GRAY.replace('name = "a"', 'name = "a"\nthickness = "1 nm"'), "has no thickness"),
        (GRAY + "[[sources]]\nlow = [0, 0]\nhigh = [1e-9, 1e-9]\npower = '1 W'\n", "power per length"),
        ("particles = 3\n" + GRAY, "two batches"),
        (GRAY + "bin = 3\n", "unknown key"),
    ],
)
def test_what_files_may_not_say(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_domain(written(tmp_path, text))


def test_fourier_in_layers_is_a_series_of_resistances():
    """Two layers and their boundary: the sum of thickness over conductivity, and the estimate of the jump."""
    one = gray_carriers("a", heat_capacity=1.6e6, velocity=6000.0, mean_free_path=4e-8)
    other = gray_carriers("b", heat_capacity=1e6, velocity=4000.0, mean_free_path=9e-8)
    flows = [x.flow.sum() for x in (one, other)]
    boxes = [Cuboid([0, 0], [1e-6, 3e-7], one), Cuboid([1e-6, 0], [3e-6, 3e-7], other)]
    domain = Domain(boxes, {"a|b": InterfaceScattering(coefficient=0.3)}, {"-x": Wall(302.0), "+x": Wall(299.0)})
    got = fourier_temperature(domain, (1e-7, 3e-7))
    cube = [Cuboid([*b.low, 0.0], [*b.high, 1e-7], b.matter) for b in boxes]
    solid = fourier_temperature(Domain(cube, domain.boundaries, domain.walls), (1e-7, 3e-7, 1e-7), refine=2)
    np.testing.assert_allclose(solid[:, :, 0], got, rtol=1e-9, atol=0)
    jump = 1 / (0.3 * flows[0]) - (1 - 0.75 * 0.7104460896) * (1 / flows[0] + 1 / flows[1])
    parts = [1e-6 / one.conductivity, jump, 2e-6 / other.conductivity]
    flux = 3 / sum(parts)
    np.testing.assert_allclose(got[0, 0] - 302, -flux * 0.5e-7 / one.conductivity, rtol=1e-9, atol=0)
    np.testing.assert_allclose(got[-1, 0] - 299, flux * 0.5e-7 / other.conductivity, rtol=1e-9, atol=0)
    heated = Domain([Cuboid([0.0], [1e-6], one)], walls={"-x": Wall(300.0)}, sources=[HotSpot([0.9e-6], [1e-6], 1e7)])
    rise = fourier_temperature(heated, 1e-7) - 300
    np.testing.assert_allclose(rise[0], 1e7 * 0.5e-7 / one.conductivity, rtol=1e-9, atol=0)
    np.testing.assert_allclose(rise[-1] - rise[-2], 1e7 * (0.5 + 1 / 3) * 1e-7 / one.conductivity, rtol=0.02, atol=0)
    with pytest.raises(InputError, match="larger spacing"):
        fourier_temperature(heated, 1e-12)


def test_figures():
    """A map with both regions, and the line beside Fourier's law; other cells are refused."""
    pytest.importorskip("numba", reason="needs numba")
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    from kapitza.plot.style import new_figure
    from kapitza.plot.transport import fourier_comparison, transport_map, transport_map_figure

    held = read_domain(SAMPLE)
    got = monte_carlo(held.domain, spacing=2e-8, settings=MonteCarloSettings(200))
    fourier = fourier_temperature(held.domain, 2e-8)
    figure = new_figure()
    transport_map_figure(got, fourier, figure)
    assert len(figure.axes) == 3
    np.testing.assert_array_equal(figure.axes[1].lines[-1].get_ydata(), fourier[0])
    with pytest.raises(InputError, match="take one spacing"):
        fourier_comparison(got, fourier[:2])
    line = monte_carlo(
        Domain(
            [Cuboid([0.0], [1e-8], gray_carriers("g", heat_capacity=1e6, velocity=1e3, mean_free_path=1e-8))],
            walls={"-x": Wall(301.0), "+x": Wall(299.0)},
        ),
        spacing=1e-9,
        settings=MonteCarloSettings(200),
    )
    assert transport_map(line).get_ylabel() == "temperature (K)"


@pytest.mark.parametrize("suffix", [".json", ".npz", ".h5"])
def test_a_map_is_kept_bit_by_bit(tmp_path, suffix):
    pytest.importorskip("numba", reason="needs numba")
    if suffix == ".h5":
        pytest.importorskip("h5py")
    held = read_domain(SAMPLE)
    settings = MonteCarloSettings(100)
    got = monte_carlo(held.domain, spacing=4e-8, settings=settings, probes={"p": ([0, 1.1e-7], [1e-8, 1.2e-7])})
    back = load(save(got, tmp_path / f"m{suffix}"))
    for one in attrs.fields(TransportMap):
        if one.name != "edges":
            np.testing.assert_array_equal(getattr(back, one.name), getattr(got, one.name), err_msg=one.name)
    for a, b in zip(back.edges, got.edges, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match="temperature has the shape"):
        attrs.evolve(got, temperature=got.temperature[:1])


def test_without_the_compiler_it_says_what_to_install(monkeypatch):
    def missing(package, **_):
        raise MissingEngine(f"no {package}")

    monkeypatch.setattr(simulation, "require", missing)
    with pytest.raises(MissingEngine, match="numba"):
        monte_carlo(read_domain(SAMPLE).domain, spacing=4e-8, settings=MonteCarloSettings(80))


def test_the_verb(tmp_path, monkeypatch, capsys):
    pytest.importorskip("numba", reason="needs numba")
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, SAMPLE.read_text(encoding="utf-8").replace("20000", "400"))
    assert main(["transport", str(path), "--monte-carlo", "--plot", "m.png", "--save", "m.json"]) == 0
    shown = capsys.readouterr().out
    assert "hottest by Fourier" in shown
    assert "Ge|Si" in shown
    assert (tmp_path / "m.png").stat().st_size > 10_000
    assert main(["transport", str(path), "--monte-carlo", "--json"]) == 0
    told = printed(capsys.readouterr().out)
    np.testing.assert_array_equal(told["fields"]["temperature"], load("m.json").temperature)
    path.write_text("x = 1")
    assert main(["transport", str(path), "--monte-carlo"]) == 2
    assert "unknown key" in capsys.readouterr().err


def test_silicon_on_germanium_beside_the_deterministic_solution():
    """Spectra of 150 and 102 bands across a DMM boundary: flux to one per cent, and its spectrum."""
    pytest.importorskip("numba", reason="needs numba")
    held = read_films(SAMPLE.with_name("si-ge-film.toml"))
    walls = Wall(300.5), Wall(299.5)
    want = transport(held.films, held.crossings, left=walls[0], right=walls[1])
    one, other = (film.carriers for film in held.films)
    boxes = [Cuboid([0.0], [5e-8], one, "Si"), Cuboid([5e-8], [1e-7], other, "Ge")]
    domain = Domain(boxes, {"Si|Ge": held.crossings[0]}, {"-x": walls[0], "+x": walls[1]})
    got = monte_carlo(domain, spacing=5e-8, settings=MonteCarloSettings(300_000, seed=1))
    power, sigma = got.net_power("Si|Ge")
    assert abs(power - want.flux) < 2 * sigma
    np.testing.assert_allclose(power, want.flux, rtol=0.01, atol=0)
    at, s = int(np.argmin(np.abs(want.position - 5e-8))), got.surface("Si|Ge")
    used = got.spectrum_sigma[s] > 0
    z = (got.spectrum[s] - want.spectral_flux[at])[used] / got.spectrum_sigma[s][used]
    assert (np.abs(z) < 2).mean() > 0.85
