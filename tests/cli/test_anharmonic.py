"""`agf --anharmonic` at the command line: its table, its sources of scattering, and what it refuses."""

import h5py
import numpy as np
import pytest

import kapitza
from kapitza.cli import main
from kapitza.matter.building.layers import mass_junction
from kapitza.theory.agf.relaxation import mode_velocities, rate_for_conductivity
from kapitza.units import m_u
from printed_json import printed

SMALL = ["--layers", "6", "--mesh", "4"]


@pytest.fixture(scope="module")
def junction_file(data, tmp_path_factory):
    from kapitza.matter.building.layers import lead_from_force_constants
    from kapitza.units import angstrom, eV

    blocks = np.load(data("agf/si_sw_prim001_fc.npz"))
    spring = eV / angstrom**2
    lead = lead_from_force_constants(
        "Si", blocks["cell"] * angstrom, [28.085 * m_u] * 2, blocks["R"], blocks["Phi"] * spring
    )
    path = tmp_path_factory.mktemp("junction") / "junction.npz"
    kapitza.save(mass_junction(lead, 28.085 * m_u, 72.63 * m_u), path)
    return path


def run(*arguments):
    return main(["agf", *map(str, arguments)])


def test_table_and_saved_records(junction_file, tmp_path, capsys):
    saved = tmp_path / "probes.json"
    assert run(junction_file, "--anharmonic", "148,60", "-T", "200,300", *SMALL, "--save", saved, "--json") == 0
    cold, warm = kapitza.load(saved)["anharmonic"]
    assert (cold.temperature, warm.temperature) == (200.0, 300.0)
    assert warm.four_probe.value[0] < warm.conductance.value[0] < 2 * warm.four_probe.value[0]
    assert len(printed(capsys.readouterr().out)["anharmonic"]) == 2


def test_lifetimes_of_a_file_are_those_of_its_modes(junction_file, tmp_path, capsys):
    """A table of lifetimes 1/Aω² gives what A gives."""
    lead = kapitza.load(junction_file).left
    rate = rate_for_conductivity(lead, 100.0, 300.0)
    path = tmp_path / "kappa-m444.hdf5"
    write_lifetimes(path, lead, rate)
    read = kapitza.io.read_relaxation_rate(path, temperature=300.0)
    np.testing.assert_allclose(read.rate, rate.at(read.omega), rtol=0.03, atol=0)  # groups of frequencies
    assert run(junction_file, "--anharmonic", f"{path},{path}", *SMALL) == 0
    assert "with scattering" in capsys.readouterr().out


def test_branches_with_one_rate_each_frequency_are_that_of_frequencies(junction_file, tmp_path, capsys):
    """The same rate for all branches of a frequency, read from a file of phono3py with and without `--branches`."""
    frequency = np.linspace(0.3, 15, 60)[:, None] * np.array([0.6, 0.7, 0.9, 1.0, 1.05, 1.1])
    path = tmp_path / "kappa-m444.hdf5"
    with h5py.File(path, "w") as file:
        file["frequency"], file["weight"] = frequency, np.ones(60)
        file["group_velocity"] = np.full((60, 6, 3), 20.0)
        file["gamma"] = np.full((1, 60, 6), 0.02)
        file["temperature"], file["kappa_unit_conversion"] = [300.0], 1.0
    found: list[float] = []
    for option in ([], ["--branches"]):
        saved = tmp_path / "probes.json"
        assert run(junction_file, "--anharmonic", f"{path},{path}", *option, *SMALL, "--save", saved) == 0
        found.append(float(kapitza.load(saved)["anharmonic"][0].conductance.value[0]))
    capsys.readouterr()
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6, atol=0)


def write_lifetimes(path, lead, rate) -> None:
    """Write what phono3py writes, of the modes of a lead."""
    modes = mode_velocities(lead, (6, 6, 6))
    count = modes.omega.size // 6 * 6
    omega = modes.omega[:count].reshape(-1, 6)
    with h5py.File(path, "w") as file:
        file["frequency"] = omega / (2e12 * np.pi)
        file["gamma"] = rate.at(omega)[None] * 1e-12 / (4 * np.pi)
        file["group_velocity"] = np.repeat(modes.velocity[:count].reshape(-1, 6, 1), 3, axis=2) / 100
        file["weight"] = np.ones(len(omega), dtype=int)
        file["temperature"] = [300.0]
        volume = lead.area * lead.thickness
        file["kappa_unit_conversion"] = 1e22 * 1.602176634e-19 / (2 * np.pi) * 1e-30 / volume


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--anharmonic", "148"], "two conductivities"),
        (["--anharmonic", "a,b"], "no file and no number"),
        (["--anharmonic", "-1,60"], "above 0"),
        (["--anharmonic", "148,60", "--modes"], "expected no --modes"),
        (["--classical"], "for --anharmonic"),
        (["--anharmonic", "148,60", "--layers", "900"], "fewer layers"),
    ],
)
def test_wrong_input_is_one_line(junction_file, arguments, message, capsys):
    assert run(junction_file, *arguments) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
