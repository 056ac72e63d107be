"""Conductance over all wave vectors and frequencies: tables of reference, sums over bands, closed forms, laws."""

import csv
import time

import numpy as np
import pytest

from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.transmission import Transmission
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.building.layers import chain_junction, mass_junction
from kapitza.theory.agf.conductance import agf, refine_to_tolerance
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import ZoneMesh, find_symmetry, lattice_operations, wavevector_mesh
from kapitza.theory.agf.leads import bulk_matrix
from kapitza.theory.agf.transmission import smooth_window
from kapitza.theory.chain import Chain, chain_transmission
from kapitza.units import MW, THz, eV, k_B, m_u
from matter_samples import repeat_device

U = 1.66053906660e-27


def tabulated(path, case):
    """Temperatures (NaN for the classical limit) and conductances of a case of the reference table."""
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == case]
    temperature = np.array([np.nan if row["T_K"] == "classical" else float(row["T_K"]) for row in rows])
    return temperature, np.array([float(row["G_MW_m2K"]) for row in rows]) * MW


def compared(transmission, path, case):
    temperature, wanted = tabulated(path, case)
    quantum = np.isfinite(temperature)
    found = transmission.conductance(temperature[quantum]).value
    if not quantum.all():
        found = np.append(found, transmission.conductance(300.0, statistics="classical").value)
    return found / wanted - 1


def test_silicon_and_heavy_silicon(data, si_heavy):
    found = agf(si_heavy)
    deviation = compared(found, data("agf/conductance_tables.csv"), "si_sw|ge_mass [001]")
    assert np.abs(deviation[1:]).max() < 5e-3  # 30 K, the first, needs long waves that 300 K does not ask for
    assert abs(deviation[0]) < 2e-2


@pytest.mark.slow
def test_silicon_and_heavy_silicon_at_all_temperatures(data, si_heavy):
    found = agf(si_heavy, temperature=[30, 100, 300])
    assert np.abs(compared(found, data("agf/conductance_tables.csv"), "si_sw|ge_mass [001]")).max() < 5e-3


@pytest.mark.slow
def test_silicon_and_strained_germanium(data, si_ge):
    found = agf(si_ge, temperature=[50, 300], tolerance=4e-3)
    case = "tersoff si|strained ge [001] relaxed"
    assert np.abs(compared(found, data("agf/conductance_tables.csv"), case)).max() < 5e-3


def test_silicon_and_strained_germanium_at_room_temperature(data, si_ge):
    found = agf(si_ge, tolerance=8e-3).conductance(300.0).value[0]
    temperature, wanted = tabulated(data("agf/conductance_tables.csv"), "tersoff si|strained ge [001] relaxed")
    np.testing.assert_allclose(found, wanted[temperature == 300][0], rtol=8e-3, atol=0)


@pytest.mark.slow
def test_perfect_silicon(data, silicon):
    perfect = mass_junction(silicon, 28.085 * U, 28.085 * U)
    found = agf(perfect, temperature=[30, 300], tolerance=3e-3)
    case = "si_sw perfect [001] ballistic"
    assert np.abs(compared(found, data("agf/conductance_tables.csv"), case)).max() < 5e-3
    np.testing.assert_allclose(found.total, found.left, rtol=1e-8, atol=0)
    assert np.isinf(found.conductance([5, 30, 300], drop="local").value).all()


def test_perfect_silicon_is_a_sum_over_bands(silicon):
    """Second road: no Green's function, the group velocities of the bands."""
    at = (np.arange(24) + 0.5) / 48
    onsite, hop = silicon.blocks(np.array([[x, s * y] for x in at for y in at for s in (1, -1)]))
    phase = np.exp(2j * np.pi * np.arange(160) / 160)
    omega = np.sqrt(np.abs(np.stack([np.linalg.eigvalsh(bulk_matrix(onsite, hop, one)) for one in phase]))) * 1e12
    step, middle = np.abs(np.roll(omega, -1, 0) - omega) / 2, (np.roll(omega, -1, 0) + omega) / 2
    heat = mode_heat_capacity(middle.ravel(), [100.0, 300.0])
    wanted = heat @ step.ravel() / (len(onsite) * 2 * np.pi * silicon.area)
    found = agf(mass_junction(silicon, 28.085 * U, 28.085 * U), temperature=[100, 300]).conductance([100, 300])
    np.testing.assert_allclose(found.value, wanted, rtol=3e-3, atol=0)


def test_long_waves_give_the_law_of_debye(si_heavy):
    at = np.array([1.0, 1.7, 3.0, 5.5, 10.0])
    plateau = agf(si_heavy, temperature=[1, 10], tolerance=2e-2).conductance(at).value / at**3
    np.testing.assert_allclose(plateau, plateau.mean(), rtol=0.02, atol=0)
    assert 0.98 * 967 < plateau.mean() < 1.02 * 982  # of the reference, 1 to 10 K


def test_spectrum_of_long_waves_rises_with_the_square(si_heavy):
    """Modes and transmission, in every bin: also where two ranges overlap and where a range ends."""
    found = agf(si_heavy, temperature=[50, 300], tolerance=4e-3)
    assert (np.diff(found.omega) > 0).all()
    long = (found.omega > 0.25 * THz) & (found.omega < 2 * THz)
    assert long.sum() > 40
    for part in (found.left, found.total):
        law = part[long] / found.omega[long] ** 2
        np.testing.assert_allclose(law, np.median(law), rtol=0.35, atol=0)


def test_chains_agree_with_their_closed_form():
    left, right = (28 * m_u, 50.0), (70 * m_u, 60.0)
    found = refine_to_tolerance(chain_junction(left, right, bond=40.0), temperature=[10, 300])
    omega = np.linspace(1e9, 6e13, 200001)
    exact = Transmission(omega, chain_transmission(Chain(*left), Chain(*right), omega, bond=40.0))
    got, wanted = (one.conductance([10, 300]).value for one in (found.transmission, exact))
    np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=0)
    assert (found.error <= 2e-3).all()


def test_one_channel_has_the_quantum_of_conductance(published):
    wanted = published("core", "conductance_quantum")
    spring = (28 * m_u, 50.0)
    cold = agf(chain_junction(spring, spring, bond=50.0), temperature=1.0).conductance(1.0).value[0]
    np.testing.assert_allclose(cold, wanted["value"], rtol=3e-3, atol=0)  # of 1 m² and at 1 K


def test_integral_of_face_centred_springs(data, fcc):
    """Classical G of two masses, as the integral of the transmission over frequency."""
    table = np.genfromtxt(data("agf/fcc_nn_massmismatch.csv"), delimiter=",", names=True)
    for ratio in (1.0, 2.0, 3.0, 8.0):
        rows = table[table["mass_ratio"] == ratio]
        junction = mass_junction(fcc, U, ratio * U)
        found = agf(junction, temperature=300.0, tolerance=3e-3)
        rate = np.sqrt(eV / 1e-20 / U)
        np.testing.assert_allclose(
            found.total @ found.weights * junction.area / rate, rows["Tint"][-1], rtol=5e-3, atol=0
        )


def test_given_frequencies_are_taken_as_they_are(si_heavy):
    omega = np.array([1.0, 3.0, 5.0]) * THz
    found = agf(si_heavy, omega, k_mesh=(6, 6))
    np.testing.assert_array_equal(found.omega, omega)
    plain = agf(si_heavy, omega, k_mesh=ZoneMesh((6, 6), [[[1, 0], [0, 1]]]))
    np.testing.assert_allclose(found.total, plain.total, rtol=1e-9, atol=0)
    assert found.method == "AGF Si, two masses"


def test_frequencies_in_terahertz_are_refused():
    spring = (28 * m_u, 40.0)
    with pytest.raises(InputError, match=r"up to 5 rad/s, .* numbers in THz times 2π 1e12"):
        agf(chain_junction(spring, spring, bond=50.0), [3.0, 5.0])


def test_supercell_has_the_spectrum_of_its_cell(si_heavy):
    omega = np.array([1.5, 4.0]) * THz
    whole = repeat_device(si_heavy, [2, 1])
    one = agf(si_heavy, omega, k_mesh=ZoneMesh((8, 8), [[[1, 0], [0, 1]]]))
    two = agf(whole, omega, k_mesh=(4, 8))
    assert two.total[1] > 0
    np.testing.assert_allclose(two.total, one.total, rtol=0.12, atol=0)  # other points of the zone
    np.testing.assert_allclose(whole.area, 2 * si_heavy.area, rtol=1e-12, atol=0)


def test_symmetry_is_found_and_vouched_symmetry_is_checked(si_heavy, silicon):
    assert len(lattice_operations(silicon.periods)) == 8
    found = find_symmetry(prepare_junction(si_heavy))
    assert len(found) == 4  # two mirrors; the second layer of an (001) surface breaks the fourfold axis
    with pytest.raises(InputError, match="does not keep the lattice"):
        agf(si_heavy, [THz], k_mesh=ZoneMesh(symmetry=[[[1, 1], [0, 1]]]))


@pytest.mark.parametrize("size", [(4, 4), (5, 5), (6, 4), (7, 3)])
def test_meshes_keep_their_area_and_integrate_periodic_functions(si_heavy, size):
    box = np.array([0.5, 0.5])
    found = wavevector_mesh(size, box, find_symmetry(prepare_junction(si_heavy)))
    np.testing.assert_allclose(found.weight.sum(), 1.0, rtol=1e-12, atol=0)
    wave = np.cos(2 * np.pi * found.k) @ [1.0, 1.0]
    np.testing.assert_allclose(found.weight @ wave, 0.0, rtol=0, atol=1e-12)
    assert len(found.k) < 0.6 * size[0] * size[1]
    part = wavevector_mesh(size, np.array([0.1, 0.2]), find_symmetry(prepare_junction(si_heavy)))
    np.testing.assert_allclose(part.weight.sum(), 0.08, rtol=1e-12, atol=0)


def test_windows_add_to_one():
    omega = np.linspace(0.01, 20, 400)
    ramps = ([4.0, np.inf], [2.0, 4.0], [1.0, 2.0], [0.0, 1.0])
    total = sum(smooth_window(omega, np.array(part)) for part in ramps)
    np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-12)


def test_classical_limit_is_the_integral(si_heavy):
    found = agf(si_heavy, tolerance=1e-2)
    hot = found.conductance(1e5).value
    np.testing.assert_allclose(hot, k_B / (2 * np.pi) * (found.total @ found.weights), rtol=1e-4, atol=0)


def test_error_is_reached_or_told(si_heavy):
    rough, fine = (refine_to_tolerance(si_heavy, tolerance=one) for one in (5e-2, 1e-2))
    assert (rough.error <= 5e-2).all()
    assert rough.points < fine.points
    one, other = (c.transmission.conductance(300.0).value for c in (rough, fine))
    np.testing.assert_allclose(one, other, rtol=5e-2, atol=0)
    with pytest.raises(ConvergenceError, match="known to") as caught:
        agf(si_heavy, k_mesh=(1, 1), tolerance=1e-9)
    assert isinstance(caught.value.last, Transmission)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"omega": [0.0, 1e12]}, "above 0"),
        ({"tolerance": 0.0}, "between 0 and 1"),
        ({"temperature": -5.0}, "above 0 K"),
        ({"omega": [1e12], "k_mesh": (0, 4)}, "at least 1"),
        ({"omega": [1e12], "k_mesh": 4}, "k_mesh = 4: expected two numbers"),
        ({"omega": [1e12], "executor": 0}, "at least 1 worker"),
    ],
)
def test_bad_settings_are_told(si_heavy, change, message):
    with pytest.raises(InputError, match=message):
        agf(si_heavy, **change)


def test_device_costs_in_proportion_to_its_length(si_heavy):
    left, right = si_heavy.left, si_heavy.right
    omega = np.linspace(1, 8, 200) * THz

    def cost(layers):
        made = mass_junction(left, left.masses, right.masses, device=[left.masses] * layers + [right.masses])
        start = time.process_time()
        for _ in range(3):
            agf(made, omega, k_mesh=(1, 1))
        return time.process_time() - start

    cost(4)
    short, long = cost(40), cost(160)
    assert long < 6 * short
