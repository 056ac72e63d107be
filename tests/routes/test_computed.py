"""Interfaces that come computed with the package: laws of their spectra, and the way to them."""

import json
from importlib.resources import files

import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.errors import InputError
from kapitza.phonons import phonons
from kapitza.routes import computed_interface, list_computed_interfaces
from kapitza.units import MW, THz, hbar, k_B
from printed_json import printed

PAIRS = list_computed_interfaces()


def test_twelve_pairs_are_compact():
    folder = files("kapitza.matter") / "data" / "interfaces"
    assert len(PAIRS) >= 12
    assert sum(len(one.read_bytes()) for one in folder.iterdir()) < 150_000


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_conductance_is_the_integral_of_the_saved_spectrum(pair):
    """Landauer by itself, x²eˣ/(eˣ - 1)² for each mode; it rises with temperature up to that of classical modes."""
    found = computed_interface(*pair)
    spectrum, kelvin = found.transmission, found.temperature
    x = hbar * spectrum.omega / (k_B * kelvin[:, None])
    want = (k_B * x**2 * np.exp(x) / np.expm1(x) ** 2) @ (spectrum.total * spectrum.weight) / (2 * np.pi)
    conductance = found.conductance(kelvin)
    np.testing.assert_allclose(conductance.value, want, rtol=1e-12, atol=0)
    np.testing.assert_allclose(conductance.sigma, found.error * want, rtol=1e-12, atol=0)
    classical = k_B * (spectrum.total * spectrum.weight).sum() / (2 * np.pi)
    assert (np.diff([*want, classical]) > 0).all()
    assert (spectrum.total <= np.minimum(spectrum.left, spectrum.right) * (1 + 1e-9)).all()
    assert found.error[kelvin >= 300].max() < 0.1
    assert found.error.max() < 0.15  # at 50 K


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_as_much_crosses_in_either_direction(pair):
    there, back = computed_interface(*pair), computed_interface(*pair[::-1])
    assert back.name == "|".join(there.name.split("|")[::-1])
    np.testing.assert_array_equal(there.transmission.total, back.transmission.total)
    np.testing.assert_array_equal(there.transmission.left, back.transmission.right)


@pytest.mark.parametrize(
    ("pair", "side"), [(("Si", "Ge"), "left"), (("GaAs", "AlAs"), "left"), (("GaAs", "AlAs"), "right")]
)
def test_modes_of_a_side_are_those_of_its_bands(pair, side):
    """Modes of the leads, counted by Green's functions, against velocities of all bands over the Brillouin zone."""
    spectrum, omega = computed_interface(*pair).transmission, np.linspace(0.02, 16, 161) * THz
    bands = kapitza.dmm(*(phonons(name) for name in pair), omega)
    modes = [np.sum(getattr(one, side) * one.weights) for one in (spectrum, bands)]
    np.testing.assert_allclose(modes[0], modes[1], rtol=0.03, atol=0)


def test_the_command_answers_by_any_name_and_order(capsys):
    assert main(["agf", "TiN", "MgO", "-T", "100,300", "--json"]) == 0
    document = printed(capsys.readouterr().out)
    got = document["conductance"][0]["fields"]["value"]
    want = computed_interface("MgO", "TiN").conductance([100, 300]).value
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=0)
    assert "nequix" in json.dumps(document)
    assert main(["agf", "MgO", "TiN"]) == 0
    printed_text = capsys.readouterr()
    assert "computed beforehand for MgO(001)|TiN(001)" in printed_text.err
    assert f"{want[1] / MW:.4g}" in printed_text.out


def test_a_row_of_all_routes(capsys):
    assert main(["interface", "MgO", "TiN", "-T", "300", "--budget", "0.001s", "--json"]) == 0
    rows = json.dumps(printed(capsys.readouterr().out))
    assert "AGF, computed beforehand" in rows


def test_temperatures_without_a_known_error_are_refused():
    found = computed_interface("MgO", "TiN")
    with pytest.raises(InputError, match=r"computed from 50 to 500 K, not at 20 K"):
        found.conductance([20.0, 300.0])
    assert computed_interface("Si", "Unobtainium") is None
