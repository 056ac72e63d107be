"""Uncertain lifetimes in the inverse, its results in files, and the verb from a table to a saved estimate."""

import attrs
import numpy as np
import pytest

from kapitza.cli import main
from kapitza.errors import DataError, InputError
from kapitza.io.results import load, save
from kapitza.io.transport.films import read_films, read_spectral_measurements
from kapitza.measure.spectral_inversion import (
    LIFETIME_STEP,
    ApparentResistances,
    Smoothness,
    StackConductances,
    linearise,
    spectral_transmission,
)
from kapitza.simulate.boltzmann.carriers import band_carriers
from kapitza.simulate.boltzmann.layered.response import conductance_derivatives
from kapitza.simulate.boltzmann.layered.transport import Film
from printed_json import printed

SPEED = 5000.0
COUNT = 8
PATH = np.geomspace(1e-6, 3e-9, COUNT)
LEFT, RIGHT = (
    band_carriers(name, 4e6 * flow / SPEED, np.full(COUNT, SPEED), path)
    for name, flow, path in (("a", np.linspace(12, 60, COUNT), PATH), ("b", np.linspace(50, 15, COUNT), 0.4 * PATH))
)
LIMIT = np.minimum(LEFT.flow, RIGHT.flow)
SHARE = np.linspace(0.8, 0.2, COUNT)
SIZES = np.geomspace(3e-8, 3e-7, 4)  # thinner layers would not feel lifetimes


def conductances(left=LEFT, sigma=0.002):
    """Exact data of stacks whose left layer may have other lifetimes than the analysis takes."""
    exact = [
        conductance_derivatives([Film(h, left, cells=4), Film(h, RIGHT, cells=4)], [None], SHARE * LIMIT).value.real
        for h in SIZES
    ]
    stacks = [[Film(h, one, cells=4) for one in (LEFT, RIGHT)] for h in SIZES]
    return StackConductances(stacks, [None], exact, sigma * np.array(exact))


def test_the_covariance_is_that_of_a_joint_fit():
    """Second road: the factors of the lifetimes as two more unknowns of their own, then left out."""
    spread, data = (0.1, 0.2), conductances()
    found = spectral_transmission([data], LEFT, RIGHT, lifetimes=spread, samples=5)
    slope = linearise([data], found.share, LIMIT)[1]
    changes = [
        (
            data.with_lifetimes(one, 1 + LIFETIME_STEP).residuals(found.flow)[0]
            - data.with_lifetimes(one, 1 - LIFETIME_STEP).residuals(found.flow)[0]
        )
        / (2 * LIFETIME_STEP)
        for one in (LEFT, RIGHT)
    ]
    joint = np.column_stack([slope, *changes])
    prior = np.zeros((COUNT + 2, COUNT + 2))
    prior[:COUNT, :COUNT] = np.linalg.inv(Smoothness().covariance(COUNT))
    prior[COUNT:, COUNT:] = np.diag(1 / np.square(spread))
    want = np.linalg.inv(joint.T @ joint + prior)[:COUNT, :COUNT]
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), np.sqrt(np.diag(want)), rtol=0.01, atol=0)
    sure = spectral_transmission([data], LEFT, RIGHT, samples=5)
    assert (found.sigma > sure.sigma * 0.99).all()
    assert found.conductance[1] > 1.1 * sure.conductance[1]
    assert found.freedom < sure.freedom


def test_lifetimes_that_are_wrong_are_covered():
    """Lifetimes of the left side 30 % too short in the analysis: a wrong answer with a narrow bar, or an honest one."""
    data = conductances(left=attrs.evolve(LEFT, lifetime=1.3 * LEFT.lifetime))
    truth = SHARE @ LIMIT
    bold = spectral_transmission([data], LEFT, RIGHT, samples=5)
    honest = spectral_transmission([data], LEFT, RIGHT, lifetimes=(0.3, 0.0), samples=5)
    off = [abs(one.conductance[0] - truth) / one.conductance[1] for one in (bold, honest)]
    assert off[0] > 2
    assert off[1] < 2
    assert honest.chi2 < bold.chi2
    off = np.abs(honest.share - SHARE) / honest.sigma
    assert off.max() < 2.5


def test_modulated_data_feel_lifetimes_too():
    films = [Film(8e-8, LEFT, cells=4), Film(1e-5, RIGHT, cells=6)]
    data = ApparentResistances(films, [1e7], [5e-9 - 1e-10j], [1e-10])
    changed = data.with_lifetimes(RIGHT, 1.1).residuals(SHARE * LIMIT)[0] - data.residuals(SHARE * LIMIT)[0]
    assert np.abs(changed).max() > 0.1
    np.testing.assert_array_equal(
        data.with_lifetimes(RIGHT, 1.0).residuals(SHARE * LIMIT)[0], data.residuals(SHARE * LIMIT)[0]
    )


@pytest.mark.parametrize("value", [-0.1, np.nan])
def test_bad_uncertainties_are_refused(value):
    with pytest.raises(InputError, match="relative uncertainties"):
        spectral_transmission([conductances()], LEFT, RIGHT, lifetimes=value)


@pytest.mark.parametrize("suffix", [".json", ".npz", ".h5"])
def test_an_estimate_is_kept_bit_by_bit(tmp_path, suffix):
    if suffix == ".h5":
        pytest.importorskip("h5py")
    got = spectral_transmission([conductances()], LEFT, RIGHT, lifetimes=0.1, samples=7)
    back = load(save(got, tmp_path / f"e{suffix}"))
    for one in attrs.fields(type(got)):
        np.testing.assert_array_equal(getattr(back, one.name), getattr(got, one.name), err_msg=one.name)
    assert back.band()[0].tolist() == got.band()[0].tolist()
    with pytest.raises(InputError, match="limit has the shape"):
        attrs.evolve(got, limit=got.limit[:1])


STACK = """
bins = 6
[[layers]]
material = "Si"
thickness = "50 nm"
cells = 4
[[layers]]
material = "Ge"
thickness = "50 nm"
cells = 4
[boundaries]
"Si|Ge" = "unknown"
"""
TABLE = """Si (nm),conductance (MW/m2K),sigma (MW/m2K)
5,420,4.2
50,290,2.9
500,95,1
"""


def written(folder, stack=STACK, table=TABLE):
    (folder / "s.toml").write_text(stack, encoding="utf-8")
    (folder / "d.csv").write_text(table, encoding="utf-8")


def test_the_verb(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    assert (
        main(["transport", "s.toml", "--invert", "d.csv", "--lifetimes", "0.1", "--plot", "p.png", "--save", "e.json"])
        == 0
    )
    shown = capsys.readouterr().out
    assert "any spectrum" in shown
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert main(["transport", "s.toml", "--invert", "d.csv", "--lifetimes", "0.1", "--json"]) == 0
    told = printed(capsys.readouterr().out)
    kept = load("e.json")
    np.testing.assert_array_equal(told["fields"]["share"], kept.share)
    assert told["conductance"]["value"] == kept.conductance[0]
    low, high = (told[f"{end}_conductance"]["value"] for end in ("lowest", "highest"))
    assert low < told["conductance"]["value"] < high


def test_a_conductivity_is_a_conductance_times_the_whole_thickness(tmp_path):
    written(tmp_path, table="Si (nm),Ge (nm),conductivity (W/mK),sigma (W/mK)\n10,30,8,0.1\n")
    found = read_spectral_measurements(tmp_path / "d.csv", read_films(tmp_path / "s.toml"))
    np.testing.assert_allclose(found.value, 8 / 4e-8, rtol=1e-12, atol=0)
    np.testing.assert_allclose([one.thickness for one in found.stacks[0]], [1e-8, 3e-8], rtol=1e-12, atol=0)
    written(tmp_path, table="frequency (MHz),resistance (m2K/GW),imaginary (m2K/GW),sigma (m2K/GW)\n1,5,-1,0.1\n")
    found = read_spectral_measurements(tmp_path / "d.csv", read_films(tmp_path / "s.toml"))
    np.testing.assert_allclose(found.value, [5e-9 - 1e-9j], rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("stack", "table", "message"),
    [
        (STACK.replace("unknown", "dmm"), TABLE, "no boundary is .unknown."),
        (STACK + "[walls]\nleft = { temperature = 301 }\n", TABLE, "between black walls"),
        (STACK, TABLE.replace("Si (nm)", "C (nm)"), "unknown column 'C'"),
        (STACK, TABLE.replace("conductance (MW", "conductance (K"), "conductance"),
        (STACK, TABLE.replace("4.2", "-1"), "uncertainties"),
        (STACK, TABLE.replace("5,420", "-5,420"), "thickness"),
        (STACK, TABLE.replace("conductance", "Ge"), "conductance or conductivity"),
        (STACK, TABLE.replace("Si (nm)", "frequency (MHz)"), "unknown column 'conductance'"),
        (STACK, "", "d.csv"),
    ],
)
def test_faults_are_one_line(tmp_path, monkeypatch, capsys, stack, table, message):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, stack, table)
    with pytest.raises((InputError, DataError), match=message):
        read_spectral_measurements("d.csv", read_films("s.toml"))
    assert main(["transport", "s.toml", "--invert", "d.csv"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_options_that_would_be_ignored_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    for options, message in (
        (["--invert", "d.csv", "--monte-carlo"], "give one of them"),
        (["--lifetimes", "0.1"], "without --invert"),
        ([], "is .unknown."),
    ):
        assert main(["transport", "s.toml", *options]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert message.replace(".", '"') in said or message in said
