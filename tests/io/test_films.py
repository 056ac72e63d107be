"""Files of stacks for transport, and lifetimes from the files of others."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from kapitza.core.occupation import mode_heat_capacity
from kapitza.errors import DataError, InputError
from kapitza.io.results import load, save
from kapitza.io.transport.films import read_films
from kapitza.io.transport.lifetimes import read_lifetimes
from kapitza.matter.library import solid
from kapitza.simulate.boltzmann.carriers import band_carriers
from kapitza.simulate.boltzmann.layered.transport import transport
from kapitza.theory.dmm import dmm
from kapitza.units import THz, e

LAYERS = """
[[layers]]
material = "Si"
thickness = "50 nm"
{}
[[layers]]
material = "Ge"
thickness = "50 nm"
"""


def written(folder, text):
    path = folder / "film.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_stack_of_the_library(tmp_path):
    held = read_films(written(tmp_path, LAYERS.format("") + '[boundaries]\n"Si|Ge" = "dmm"\n'))
    assert held.title == "film"
    assert held.left is None
    np.testing.assert_allclose([film.thickness for film in held.films], 5e-8, rtol=1e-12, atol=0)
    np.testing.assert_allclose(held.films[0].carriers.conductivity, 148, rtol=0.05, atol=0)
    si, ge = (film.carriers for film in held.films)
    emitted = dmm_conductance()
    np.testing.assert_allclose(held.crossings[0].flow(si, ge).sum(), emitted, rtol=1e-3, atol=0)
    found = transport(held.films, held.crossings)
    save(found, tmp_path / "t.npz")
    back = load(tmp_path / "t.npz")
    np.testing.assert_array_equal(back.temperature, found.temperature)
    assert back.resistances() == found.resistances()
    save(si, tmp_path / "si.json")
    np.testing.assert_array_equal(load(tmp_path / "si.json").path, si.path)


def test_the_sample_of_the_documentation():
    held = read_films(Path(__file__).resolve().parents[2] / "docs" / "samples" / "si-ge-film.toml")
    assert [film.name for film in held.films] == ["Si", "Ge"]


def dmm_conductance():
    return dmm(solid("Si"), solid("Ge")).conductance(300).value[0]


def test_gray_layers_walls_and_periods(tmp_path):
    gray = (
        '[[layers]]\nname = "{}"\nthickness = "10 nm"\nheat_capacity = "1 MJ/m3K"\nvelocity = "4 km/s"\n'
        'mean_free_path = "20 nm"\n'
    )
    both = gray.format("a") + gray.format("b")
    text = (
        both + '[boundaries]\n"a|b" = { coefficient = "50 %", specular = 0.2 }\n[walls]\nleft = { temperature = 301 }\n'
    )
    held = read_films(written(tmp_path, text + "right = { temperature = 299, specular = 0.3 }\n"))
    assert held.left is not None
    assert held.right is not None
    assert (held.left.temperature, float(held.right.specular[0]), held.crossings[0].specular) == (301, 0.3, 0.2)
    text = 'period = "1 K"\n' + both + '[boundaries]\n"a|b" = { coefficient = 0.5 }\n"b|a" = { coefficient = 0.5 }\n'
    held = read_films(written(tmp_path, text))
    assert held.period == 1
    assert len(held.crossings) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAYERS.format("") + '[boundaries]\n"Si|Ge" = 1e8\n', "count the transport near"),
        (LAYERS.format("") + '[boundaries]\n"Si|Ge" = "100 MW/m2K"\n', "count the transport near"),
        (LAYERS.format("") + '[boundaries]\n"Si|Ge" = "dmm"\n"Ge|Si" = "dmm"\n', "given twice"),
        (LAYERS.format(""), "has no transmission"),
        (LAYERS.format("velocity = 1") + '[boundaries]\n"Si|Ge" = "dmm"\n', "got material and velocity"),
        (LAYERS.format('conductivity = "148 nm"') + '[boundaries]\n"Si|Ge" = "dmm"\n', "line 5: .*is a unit of length"),
        (LAYERS.format("rates = { umklapp = 0 }") + '[boundaries]\n"Si|Ge" = "dmm"\n', "live forever"),
        ("", "no \\[\\[layers\\]\\]"),
        ('bins = 1\n[[layers]]\nmaterial = "Si"\nthickness = "5 nm"\n', "1 bins"),
        ('[[layers]]\nmaterial = "Sy"\nthickness = "5 nm"\n', "no material 'Sy'"),
    ],
)
def test_faults_are_one_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read_films(written(tmp_path, text))
    assert "\n" not in str(caught.value)


class Cell:
    """Ten modes with their velocities and lifetimes, in a cell of 40 Å³."""

    omega = np.linspace(1, 12, 10) * THz
    speed = np.linspace(8000, 500, 10)
    lifetime = 1e-10 / np.arange(1, 11)
    volume = 4e-29

    @classmethod
    def conductivity(cls, share=0.5):
        """With a share of the wave vectors for each mode."""
        capacity = mode_heat_capacity(cls.omega, 300.0)[0] / cls.volume * share
        return np.sum(capacity * cls.speed**2 * cls.lifetime) / 3


def along_x(speed):
    return np.stack([speed, 0 * speed, 0 * speed], axis=-1)


def phono3py(path):
    """Two wave vectors of five branches, with equal weights."""
    shape = (2, 5)
    with h5py.File(path, "w") as file:
        file["frequency"] = (Cell.omega / THz).reshape(shape)
        file["gamma"] = np.stack([np.ones(shape), (1e-12 / (4 * np.pi * Cell.lifetime)).reshape(shape)])
        file["group_velocity"] = along_x((Cell.speed / 100).reshape(shape))
        file["weight"] = np.array([3, 3])
        file["temperature"] = np.array([200.0, 300.0])
        file["kappa_unit_conversion"] = 1e22 * e / (2 * np.pi) / (Cell.volume * 1e30)


def shengbte(folder, weights=(3, 3)):
    """As the program writes them: fixed columns, reciprocal vectors with their names, modes branch by branch."""
    (folder / "T300K").mkdir(parents=True)
    np.savetxt(folder / "BTE.omega", (Cell.omega * 1e-12).reshape(5, 2).T, "%20.10E", "")
    points = [[1, 1, weights[0], 0, 0, 0], [2, 4, weights[1], 0.5, 0, 0]]
    np.savetxt(folder / "BTE.qpoints", points, ["%9d"] * 3 + ["%20.10E"] * 3)
    np.savetxt(folder / "BTE.v", along_x(Cell.speed / 1e3), "%20.10E", "")
    vectors = 2 * np.pi / (Cell.volume * 1e27) ** (1 / 3) * np.eye(3)
    lines = [f"{x:20.10f}{y:20.10f}{z:20.10f}  # nm-1,b{i}\n" for i, (x, y, z) in enumerate(vectors, start=1)]
    (folder / "BTE.ReciprocalLatticeVectors").write_text("".join(lines))
    rates = np.stack([Cell.omega * 1e-12, 1e-12 / Cell.lifetime], axis=1)
    np.savetxt(folder / "T300K" / "BTE.w_final", rates, "%20.10E", "")


def almabte(path):
    capacity = mode_heat_capacity(Cell.omega, 300.0)[0] / Cell.volume / 2
    where = np.zeros((10, 5))
    table = np.column_stack([where, Cell.omega, capacity, Cell.lifetime, along_x(Cell.speed)])
    names = "nq,nbranch,qa[-],qb[-],qc[-],omega[rad/s],C[J/m^3-K],tau[s],vx[m/s],vy[m/s],vz[m/s]"
    np.savetxt(path, table, "%.6g", ",", header=names, comments="")  # six digits, as the program writes them


@pytest.mark.parametrize("kind", ["phono3py", "shengbte", "almabte"])
def test_lifetimes_of_others(tmp_path, kind):
    """The conductivity is that of the modes, summed by hand."""
    path = tmp_path / {"phono3py": "kappa-m11.hdf5", "shengbte": "run", "almabte": "Si_300K.phononinfo"}[kind]
    {"phono3py": phono3py, "shengbte": shengbte, "almabte": almabte}[kind](path)
    found = read_lifetimes(path)
    np.testing.assert_allclose(found.conductivity, Cell.conductivity(), rtol=1e-5, atol=0)
    with pytest.raises((DataError, OSError)):
        read_lifetimes(path, temperature=77.0)


def test_wave_vectors_that_stand_for_several(tmp_path):
    """Branch by branch, both wave vectors of each: one in four, and three in four."""
    shengbte(tmp_path / "run", weights=(1, 3))
    found = read_lifetimes(tmp_path / "run")
    np.testing.assert_allclose(found.conductivity, Cell.conductivity(np.tile([0.25, 0.75], 5)), rtol=1e-5, atol=0)


def test_folders_are_named_by_whole_kelvins(tmp_path):
    shengbte(tmp_path / "run")
    found = read_lifetimes(tmp_path / "run", temperature=300.15)
    assert found.temperature == 300.15
    np.testing.assert_allclose(found.conductivity, Cell.conductivity(), rtol=2e-3, atol=0)


def test_phono3py_in_its_own_units(tmp_path):
    """phono3py's manual: κ of a mode is kappa_unit_conversion · C (eV/K) · v ⊗ v (THz² Å²) / 2·gamma (THz)."""
    path = tmp_path / "kappa-m11.hdf5"
    phono3py(path)
    with h5py.File(path) as file:
        square = np.sum(np.square(file["group_velocity"][()]), axis=2)
        capacity = mode_heat_capacity(file["frequency"][()].ravel() * THz, 300.0)[0].reshape(square.shape) / e
        modes = file["kappa_unit_conversion"][()] * capacity * square / 3 / (2 * file["gamma"][1])
        share = file["weight"][()] / file["weight"][()].sum()
    np.testing.assert_allclose(read_lifetimes(path).conductivity, share @ modes.sum(axis=1), rtol=1e-5, atol=0)


def test_files_without_lifetimes(tmp_path):
    path = tmp_path / "kappa.hdf5"
    phono3py(path)
    with h5py.File(path, "r+") as file:
        file["gamma"][1, 0, 2] = 0
    with pytest.raises(DataError, match=r"kappa.hdf5: 1 of 10 modes have no lifetime"):
        read_lifetimes(path)
    phono3py(path)
    with h5py.File(path, "r+") as file:
        file["kappa_unit_conversion"][()] = 5e-324  # of a cell without end
    with pytest.raises(InputError, match=r"no mode up to .* Hz holds heat at 300 K"):
        read_lifetimes(path)
    with h5py.File(path, "w") as file:
        file["frequency"] = [1.0]
    with pytest.raises(DataError, match="no 'gamma'"):
        read_lifetimes(path)
    table = tmp_path / "x.phononinfo"
    table.write_text("head\n1 2 three\n")
    with pytest.raises(DataError, match="line 2"):
        read_lifetimes(table)


@pytest.mark.parametrize(
    ("file", "new", "says"),
    [
        ("BTE.ReciprocalLatticeVectors", "1 0 0\n0 1 0\n1 1 0\n", "span no volume"),
        ("BTE.ReciprocalLatticeVectors", "nan 0 0\n0 1 0\n0 0 1\n", "span no volume"),
        ("BTE.qpoints", "1 1 0 0 0 0\n2 4 0 0.5 0 0\n", "weights of wave vectors from 0 to 0"),
        ("BTE.qpoints", "1 1 nan 0 0 0\n2 4 3 0.5 0 0\n", "weights of wave vectors"),
        ("BTE.qpoints", "1 1\n2 4\n", "wanted the weight in the third"),
    ],
)
def test_shengbte_without_a_lattice_or_weights(tmp_path, file, new, says):
    shengbte(tmp_path / "run")
    (tmp_path / "run" / file).write_text(new)
    with pytest.raises(DataError, match=says):
        read_lifetimes(tmp_path / "run")


def test_a_layer_of_a_file_of_lifetimes(tmp_path):
    phono3py(tmp_path / "kappa.hdf5")
    held = read_films(written(tmp_path, '[[layers]]\nname = "x"\nthickness = "1 um"\nlifetimes = "kappa.hdf5"\n'))
    np.testing.assert_allclose(held.films[0].carriers.conductivity, Cell.conductivity(), rtol=1e-5, atol=0)


def test_saved_bands_are_the_same(tmp_path):
    medium = band_carriers("x", [1e6, 2e5], [5e3, 4e3], [1e-8, 1e-7])
    save(medium, tmp_path / "x.json")
    np.testing.assert_array_equal(load(tmp_path / "x.json").lifetime, medium.lifetime)
