"""Jump, flux and resistance: exact lines, synthetic heat with known resistance, and the reference runs."""

import numpy as np
import pytest
from attrs import evolve
from tests.simulate.md.layered_heat import CONDUCTANCE, KELVIN, SIGMA, SPACING, layered_heat
from tests.simulate.md.reference_runs import reference_record

from kapitza.errors import ConvergenceError, InputError
from kapitza.simulate.md.analysis.nemd import analyse_nemd, combine_replicas
from kapitza.simulate.md.analysis.profiles import (
    FLUX_TOLERANCE,
    block_mean,
    fit_branches,
    jackknife_blocks,
    scan_branches,
    solid_lengths,
)

SETTLED = 1.0  # s: longer than any profile takes


def test_without_noise_the_resistance_is_exact():
    record = layered_heat(24, conductance=1.6, wait=2000.0, blocks=10, noise=0.0)[0]
    found = analyse_nemd(record, skip=0.0, equilibration_time=SETTLED)
    np.testing.assert_allclose(found.resistance, 1 / (1.6 * CONDUCTANCE), rtol=1e-6, atol=0)
    solid = 2 * 16 * 1.5712 / 2 / 28.0 + 1 / 1.6
    assert solid < found.between_thermostats[0] * CONDUCTANCE < solid * 1.25
    assert found.accepted


def test_every_choice_of_layers_gives_the_same_on_straight_lines():
    record = layered_heat(24, wait=2000.0, blocks=10, noise=0.0)[0]
    for choice in scan_branches(record):
        left, right, below, above = choice.weights @ (500.0 - 2e9 * (record.heights - record.plane))
        np.testing.assert_allclose([left, right], 500.0, rtol=1e-10, atol=0)
        np.testing.assert_allclose([below, above], -2e9, rtol=1e-8, atol=0)
    with pytest.raises(InputError, match="left on a side"):
        fit_branches(record, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "blocks"), [(24, 40), (24, 20), (48, 60)])
def test_intervals_cover_and_nothing_is_biased(layers: int, blocks: int):
    """200 short runs of diffusive noise with the true 1 / 1.6: 95 % intervals hold it in 90 to 98.5 %."""
    runs = [
        analyse_nemd(record, skip=0.0, equilibration_time=SETTLED)
        for record in layered_heat(layers, blocks=blocks, replicas=200, seed=5)
    ]
    true = 1 / (1.6 * CONDUCTANCE)
    ranges = np.array([one.interval(0.95) for one in runs])
    inside = np.mean((ranges[:, 0] < true) & (true < ranges[:, 1]))
    assert 0.90 <= inside <= 0.985
    values = np.array([one.resistance for one in runs])
    assert abs(values.mean() - true) < 3 * values.std() / np.sqrt(len(runs))
    errors = np.array([one.statistical for one in runs])
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2)), values.std(), rtol=0.25, atol=0)
    assert np.mean([one.accepted for one in runs]) > 0.95


@pytest.mark.slow
def test_stated_errors_of_short_runs_cover():
    """900 runs like the sample of argon, of 80, 40 and 20 short blocks: 1.96 stated errors of R and of G hold the true
    values in 93 to 97.5 %; without Student's t the errors of R would do so less often.
    """
    true = 1.7 * CONDUCTANCE
    shape = {"conductance": 1.7, "conductivity": 20.0, "bath": 4, "block": 9.3, "wait": 93.0, "replicas": 300}
    inside: list[list[bool]] = []
    for seed, blocks in enumerate((80, 40, 20)):
        for record in layered_heat(16, blocks=blocks, seed=seed, **shape):
            found = analyse_nemd(record, equilibration_time=SETTLED)
            made = found.conductance()
            inside.append(
                [
                    abs(found.resistance - 1 / true) < 1.96 * found.sigma,
                    abs(made.value[0] - true) < 1.96 * made.sigma[0],
                    abs(found.resistance - 1 / true) < 1.96 * np.hypot(found.statistical, found.window),
                ]
            )
    resistance, conductance, plain = np.mean(inside, axis=0)
    assert 0.93 <= resistance <= 0.975
    assert 0.93 <= conductance <= 0.975
    assert plain < resistance


def test_replicas_average_resistances():
    runs = [
        analyse_nemd(r, skip=0.0, equilibration_time=SETTLED) for r in layered_heat(24, blocks=20, replicas=60, seed=2)
    ]
    together = combine_replicas(runs)
    true = 1 / (1.6 * CONDUCTANCE)
    assert together.replicas == 60
    assert abs(together.resistance - true) < 3 * together.statistical
    scatter = np.std([one.resistance for one in runs]) / np.sqrt(60)
    np.testing.assert_allclose(together.statistical, scatter, rtol=0.25, atol=0)
    between = np.array([one.between_thermostats for one in runs])
    made = [one.conductance_between_thermostats().value[0] for one in runs]
    errors = between[:, 1] / between[:, 0] ** 2
    np.testing.assert_allclose(errors.mean(), np.std(made, ddof=1), rtol=0.3, atol=0)
    # Conductances averaged one by one would be too high by the relative variance of the resistances.
    noisy = np.mean([1 / one.resistance for one in runs])
    assert noisy > together.conductance().value[0]


def test_replicas_that_disagree_have_the_error_of_their_distance():
    r"""Two of the same length at $R \pm d$, each with the error s: $s/\sqrt2$ together where d is small, else d."""
    found = analyse_nemd(layered_heat(24, seed=1)[0], skip=0.0, equilibration_time=SETTLED)
    middle, own = found.resistance, found.statistical
    for apart, want in ((0.3 * own, own / np.sqrt(2)), (3 * own, 3 * own), (20 * own, 20 * own)):
        pair = [evolve(found, resistance=middle + sign * apart) for sign in (-1, 1)]
        together = combine_replicas(pair)
        np.testing.assert_allclose(together.statistical, want, rtol=1e-9, atol=0)
        np.testing.assert_allclose(
            together.conductivity_sigma, found.conductivity_sigma / np.sqrt(2), rtol=1e-9, atol=0
        )


def test_errors_of_conductivities_know_that_flux_and_slope_belong_together():
    """Blocks whose slopes rise with their flux leave k as it is; slopes that fall instead give twice the error that an
    even slope has.
    """
    record = layered_heat(24, wait=2000.0, blocks=40, noise=0.0)[0]
    change = 0.05 * np.random.default_rng(6).standard_normal(40)
    heat = np.concatenate([np.zeros((1, 2)), np.cumsum(np.diff(record.heat, axis=0) * (1 + change[:, None]), axis=0)])
    middle = record.temperature.mean()
    sigmas: list[np.ndarray] = []
    for way in (1, 0, -1):
        warmer = middle + (record.temperature - middle) * (1 + way * change[:, None])
        made = evolve(record, heat=heat, temperature=warmer)
        found = analyse_nemd(made, skip=0.0, equilibration_time=SETTLED)
        np.testing.assert_allclose(found.conductivity, 28.0 * CONDUCTANCE * SIGMA, rtol=0.1, atol=0)
        sigmas.append(found.conductivity_sigma / found.conductivity)
    together, even, against = sigmas
    assert (even > 0.003).all()
    assert (together < 1e-6 * even).all()
    np.testing.assert_allclose(against, 2 * even, rtol=0.02, atol=0)  # to first order in the mean change


def test_a_run_that_loses_heat_is_refused_with_the_numbers():
    lost = layered_heat(24, loss=0.5, seed=3)[0]
    found = analyse_nemd(lost, skip=0.0, equilibration_time=SETTLED)
    assert any("by the hot thermostat is" in reason for reason in found.reasons)
    assert found.fluxes.lost > FLUX_TOLERANCE * found.fluxes.mean
    with pytest.raises(ConvergenceError, match="hot thermostat") as caught:
        analyse_nemd(lost, skip=0.0, equilibration_time=SETTLED, strict=True)
    assert caught.value.last.reasons == found.reasons
    some = analyse_nemd(layered_heat(24, loss=0.05, seed=3)[0], skip=0.0, equilibration_time=SETTLED)
    assert some.accepted
    exact = 0.05 * 0.1 / (1 / 1.6 + 2 * 16 * 1.5712 / 2 / 28.0) * CONDUCTANCE * KELVIN
    np.testing.assert_allclose(some.fluxes.lost, exact, rtol=1e-6, atol=0)
    np.testing.assert_allclose(some.imbalance / some.resistance, exact / some.flux / np.sqrt(12), rtol=1e-2, atol=0)


def test_a_ring_gives_its_heat_to_two_planes():
    """Twice the heat, energy and losses through twice the area: the same fluxes; half of each solid belongs to each."""
    record = layered_heat(24, loss=0.05, seed=3)[0]
    ring = evolve(record, interface_count=2, heat=2 * record.heat, energy=2 * record.energy)
    one, two = (analyse_nemd(r, skip=0.0, equilibration_time=SETTLED) for r in (record, ring))
    for name in ("value", "mean", "lost", "stored", "imbalance"):
        np.testing.assert_allclose(getattr(two.fluxes, name), getattr(one.fluxes, name), rtol=1e-9, atol=0)
    np.testing.assert_allclose(two.resistance, one.resistance, rtol=1e-9, atol=0)
    np.testing.assert_allclose(solid_lengths(record), 24 * SPACING * SIGMA, rtol=1e-12, atol=0)
    np.testing.assert_allclose(solid_lengths(ring), 12 * SPACING * SIGMA, rtol=1e-12, atol=0)


def test_a_bend_near_the_plane_is_a_systematic_part():
    """A profile that bends over the layers beside the plane gives another jump with each choice."""
    record = layered_heat(32, wait=4000.0, blocks=20, noise=0.02)[0]
    x = (record.heights - record.plane) / (4 * SIGMA)
    bent = evolve(record, temperature=record.temperature + 0.02 * KELVIN * np.sign(-x) * np.exp(-np.abs(x)))
    straight, curved = (analyse_nemd(one, skip=0.0, equilibration_time=SETTLED) for one in (record, bent))
    assert straight.window < 0.01 * straight.resistance
    assert curved.window > 0.01 * curved.resistance
    assert curved.sigma >= curved.window


def test_the_profile_can_be_fitted_by_others():
    record = layered_heat(24, blocks=40, seed=7)[0]
    found = analyse_nemd(record, skip=0.0, equilibration_time=SETTLED)
    skip = 4 * 1.5712 / 2 * SIGMA
    other = found.profile.jump(record.plane, skip=skip, reach=12 * 1.5712 / 2 * SIGMA)
    assert abs(other.jump - found.jump) < 3 * np.sqrt(found.covariance[1, 1])


def test_labels():
    found = analyse_nemd(layered_heat(24, seed=1)[0], skip=0.0, equilibration_time=SETTLED)
    jump, baths = found.conductance(), found.conductance_between_thermostats()
    assert (jump.drop, jump.statistics) == ("extrapolated", "classical")
    assert (baths.drop, baths.statistics) == ("emitted", "classical")
    assert "solids between" in baths.method
    assert baths.value[0] < jump.value[0]


def test_errors_of_autoregressions_are_right():
    """Means of 40 values of a first-order autoregression: stated against seen, and pseudo-values of a ratio."""
    rng = np.random.default_rng(4)
    series = rng.standard_normal((400, 40))
    for i in range(1, 40):
        series[:, i] = 0.4 * series[:, i - 1] + np.sqrt(1 - 0.16) * series[:, i]
    stated = np.sqrt(np.mean([block_mean(one[:, None]).sigma ** 2 for one in series]))
    np.testing.assert_allclose(stated, series.mean(axis=1).std(), rtol=0.12, atol=0)
    pairs = 3 + 0.5 * rng.standard_normal((400, 30, 2))
    ratios = [jackknife_blocks(one, lambda m: m[..., :1] / m[..., 1:]) for one in pairs]
    values = np.array([one.value[0] for one in ratios])
    np.testing.assert_allclose(np.mean([one.sigma[0] for one in ratios]), values.std(), rtol=0.1, atol=0)
    assert abs(values.mean() - 1) < 3 * values.std() / 20


@pytest.mark.parametrize(
    ("name", "value", "sigma", "unit"),
    [
        ("lj_r3_nz12", 1.61, 0.06, CONDUCTANCE),
        ("lj_r3_nz24", 1.66, 0.13, CONDUCTANCE),
        ("lj_r3_nz24_s2", 1.70, 0.10, CONDUCTANCE),
        ("sige_nz16", 406, 47, 1e6),
        ("sige_nz16_s2", 457, 17, 1e6),
        ("sige_nz32", 471, 26, 1e6),
    ],
)
def test_reference_runs(data, name: str, value: float, sigma: float, unit: float):
    """Conductances found independently from the same runs, with a fifth of each left out: within their errors."""
    found = analyse_nemd(reference_record(data(f"md/{name}.npz")), skip=0.2)
    assert found.accepted
    conductance = found.conductance()
    assert abs(conductance.value[0] / unit - value) < sigma
    assert conductance.sigma is not None
    assert 0.5 * sigma < conductance.sigma[0] / unit < 2 * sigma
    automatic = analyse_nemd(reference_record(data(f"md/{name}.npz"))).conductance()
    assert abs(automatic.value[0] / unit - value) < 2 * sigma


def test_two_seeds_agree_with_one_length(data):
    """Resistances of both lengths, 0.620 +- 0.024 and 0.592 +- 0.027 in units of tau sigma^2 / kB."""
    short = analyse_nemd(reference_record(data("md/lj_r3_nz12.npz")), skip=0.2)
    names = ("lj_r3_nz24", "lj_r3_nz24_s2")
    long = combine_replicas([analyse_nemd(reference_record(data(f"md/{n}.npz")), skip=0.2) for n in names])
    np.testing.assert_allclose(short.resistance * CONDUCTANCE, 0.620, atol=0.024, rtol=0)
    np.testing.assert_allclose(long.resistance * CONDUCTANCE, 0.592, atol=0.027, rtol=0)
