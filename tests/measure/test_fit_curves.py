"""Fits of curves made with known numbers and noise: the truth, its total errors, and what they do not say."""

import numpy as np
import pytest

from kapitza.core.arrays import Array
from kapitza.core.stack import Layer, Stack
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.fit_result import Fit
from kapitza.measure.problem import Prior, Tie
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, Tdtr
from kapitza.measure.thickness_series import ThicknessSeries
from kapitza.units import nm, ns, ps, um

G, K = "Al|Si.conductance", "Si.conductivity"
TRUTH = {G: 178e6, K: 139.0}
NOISE = 0.0136  # of the ratio
TIES = {
    "spot": Tie(("tdtr.pump_radius", "tdtr.probe_radius")),
    "height": Tie(("top.thickness", "Al.thickness")),
    "heat": Tie(("top.heat_capacity", "Al.heat_capacity")),
}
PRIORS = {"height": Prior(1, 0.03), "heat": Prior(1, 0.02), "spot": Prior(1, 0.04), "tdtr.phase": Prior(0, 5e-3)}


def aluminium_on_silicon(seed: int = 3) -> tuple[Tdtr, Curve, Stack]:
    """A curve of 62 delays; the top 40 nm of the film are lumped into a layer that absorbs."""
    delay = np.geomspace(100, 4000, 62) * ps
    layers = [
        Layer("top", 1 * nm, 40 * 184.94, heat_capacity=40 * 2.43e6),
        Layer("Al", 51.98 * nm, 184.94, heat_capacity=2.43e6),
        Layer("Si", np.inf, 130.0, heat_capacity=1.64e6),
    ]
    # the pump's radius grows by 16 % over 3.6 ns
    tdtr = Tdtr(delay, Beams(6.7 * um, 6.7 * um), modulation=9.1e6, repetition=74.82e6, delayed="pump",
                defocus=0.16 / (3.6 * ns))  # fmt: skip
    stack = Stack(layers, [np.inf, 150e6])
    clean = tdtr.predict(stack.replace(TRUTH))
    seen = clean * (1 + NOISE * np.random.default_rng(seed).standard_normal(delay.size))
    return tdtr, Curve(delay, seen, NOISE * clean), stack


def slopes(tdtr: Tdtr, stack: Stack, sigma: Array) -> Array:
    """(n, 6) second road: differences of the ratio over its error, with ln G, ln k and the inputs of `PRIORS`."""

    def at(shift: Array) -> Array:
        g, k, height, heat, spot = np.exp(shift[:5])
        held = stack.replace(
            {G: TRUTH[G] * g, K: TRUTH[K] * k, "top.thickness": 1 * nm * height, "Al.thickness": 51.98 * nm * height}
            | {"top.heat_capacity": 40 * 2.43e6 * heat, "Al.heat_capacity": 2.43e6 * heat}
        )
        radius = 6.7 * um * spot
        return tdtr.replace({"pump_radius": radius, "probe_radius": radius, "phase": shift[5]}).predict(held)

    step = 1e-4 * np.eye(6)
    return np.stack([(at(one) - at(-one)) / 2e-4 for one in step], axis=1) / sigma[:, None]


def test_aluminium_on_silicon() -> None:
    tdtr, curve, stack = aluminium_on_silicon()
    found = fit(tdtr, curve, stack, [G, K])
    truth = np.array([TRUTH[G], TRUTH[K]])
    assert (np.abs(found.value - truth) < 2.5 * found.sigma).all()
    assert len(found.minima) == 1
    assert curve.sigma is not None
    steep = slopes(tdtr, stack, curve.sigma)[:, :2]
    share = np.sqrt(np.diag(np.linalg.inv(steep.T @ steep)))
    np.testing.assert_allclose(found.sigma / found.value, share, rtol=0.05, atol=0)
    assert share[0] < 0.01
    assert abs(found.chi2 - 60) < 3 * np.sqrt(2 * 60)


def test_total_error_of_aluminium_on_silicon() -> None:
    tdtr, curve, stack = aluminium_on_silicon()
    found = fit(tdtr, curve, stack, [G, K], priors=PRIORS, ties=TIES, starts=1)
    assert curve.sigma is not None
    steep = slopes(tdtr, stack, curve.sigma)
    held = np.diag([0, 0, 0.03**-2, 0.02**-2, 0.04**-2, 5e-3**-2])
    share = np.sqrt(np.diag(np.linalg.inv(steep.T @ steep + held)))
    for i, name in enumerate((G, K)):
        np.testing.assert_allclose(found.sigma[i] / found.value[i], share[i], rtol=0.05, atol=0)
        low, high = found.interval(name, 0.6827, profiled=True)
        np.testing.assert_allclose(np.log(high / low) / 2, share[i], rtol=0.1, atol=0)
    assert next(iter(found.budget().of(G))) == "height"
    assert found.conductance("Al|Si").sigma is not None


@pytest.mark.slow
def test_walkers_agree_with_laplace() -> None:
    pytest.importorskip("emcee")
    from kapitza.measure.fit_result import sample_posterior

    tdtr, curve, stack = aluminium_on_silicon()
    found = fit(tdtr, curve, stack, [G, K], priors=PRIORS, ties=TIES, starts=1)
    drawn = sample_posterior(found, walkers=32, steps=1000)
    for i, name in enumerate((G, K)):
        spread = np.std(np.log(drawn.of(name)))
        np.testing.assert_allclose(spread, found.sigma[i] / found.value[i], rtol=0.1, atol=0)


def phases(fdtr: Fdtr, stack: Stack, rng: np.random.Generator) -> Curve:
    """Phases of a stack with an error of 1 degree."""
    sigma = np.full(fdtr.frequency.size, np.radians(1.0))
    return Curve(fdtr.frequency, fdtr.predict(stack) + sigma * rng.standard_normal(sigma.size), sigma, "phase")


def test_one_oxide_under_two_films() -> None:
    """Two samples share a conductivity, and have a conductance each."""
    frequency, beams, rng = np.geomspace(3e3, 3e6, 48), Beams(10.4 * um, 10.4 * um), np.random.default_rng(5)
    fdtrs = [Fdtr(frequency, beams, name=name) for name in ("one", "two")]
    stack = Stack(
        [Layer("Au", 60 * nm, 66.02, heat_capacity=2.4943e6), Layer("STO", 50 * um, 11.0, heat_capacity=2.72e6)], [50e6]
    )
    truth = np.array([8.91, 79.9e6, 73.8e6])
    really = [stack.replace({"STO.conductivity": truth[0], "Au|STO.conductance": g}) for g in truth[1:]]
    curves = [phases(fdtr, one, rng) for fdtr, one in zip(fdtrs, really, strict=True)]
    found = fit(fdtrs, curves, stack, ["STO.conductivity", "one:Au|STO.conductance", "two:Au|STO.conductance"])
    assert (np.abs(found.value - truth) < 2.5 * found.sigma).all()
    step = np.vstack([np.zeros((1, 3)), 1e-4 * np.eye(3)])
    seen = np.array(
        [
            [
                fdtr.predict(stack.replace({"STO.conductivity": k, "Au|STO.conductance": g}))
                for fdtr, g in zip(fdtrs, gs, strict=True)
            ]
            for k, *gs in found.value * np.exp(step)
        ]
    ).reshape(4, -1)
    steep = (seen[1:] - seen[0]) / (1e-4 * np.radians(1.0))
    share = np.sqrt(np.diag(np.linalg.inv(steep @ steep.T)))
    np.testing.assert_allclose(found.sigma / found.value, share, rtol=0.01, atol=0)
    assert abs(found.chi2 - 93) < 3 * np.sqrt(2 * 93)


def test_gold_on_sapphire() -> None:
    fdtr = Fdtr(np.geomspace(2.4e3, 3e7, 47), Beams(4.05 * um, 4.05 * um))
    layers = [
        Layer("Au", 60 * nm, 66.02, heat_capacity=2.4943e6),
        Layer("sapphire", 50 * um, 30.0, in_plane=33.15, heat_capacity=3.06e6),
    ]
    stack = Stack(layers, [50e6])
    curve = phases(fdtr, stack.replace({"sapphire.conductivity": 28.1}), np.random.default_rng(6))
    found = fit(fdtr, curve, stack, ["sapphire.conductivity"])
    assert abs(found.value[0] - 28.1) < 2.5 * found.sigma[0]
    assert found.sigma[0] < 0.1 * 28.1


ALUMINIUM = Layer("Al", 77.34 * nm, 237.0, heat_capacity=2.42e6)
SILICON = Layer("Si", np.inf, 124.0, heat_capacity=1.63e6)


def probed(stack: Stack, noise: float, rng: np.random.Generator, label: str = "tdtr") -> tuple[Tdtr, Curve]:
    """A curve of a delayed probe, whose errors the fit has to find itself."""
    delay = np.geomspace(76, 6000, 150) * ps
    beams = Beams(36 * um, 14.7 * um)
    tdtr = Tdtr(delay, beams, modulation=2e6, repetition=75.8e6, delayed="probe", name=label)
    return tdtr, Curve(delay, tdtr.predict(stack) * (1 + noise * rng.standard_normal(delay.size)))


def test_aluminium_on_sapphire() -> None:
    stack = Stack([ALUMINIUM, Layer("sapphire", np.inf, 35.0, heat_capacity=3.1e6)], [100e6])
    names = ["Al|sapphire.conductance", "sapphire.conductivity"]
    truth = np.array([176e6, 30.6])
    tdtr, curve = probed(stack.replace(dict(zip(names, truth, strict=True))), 0.05, np.random.default_rng(7))
    found = fit(tdtr, curve, stack, names)
    assert (np.abs(found.value - truth) < 2.5 * found.sigma).all()
    assert (found.sigma < 0.05 * truth).all()


OXIDES = np.array([25, 50, 100]) * nm


def oxide(thickness: float, conductivity: float = 1.3, conductance: float = 129e6) -> Stack:
    layers = [ALUMINIUM, Layer("SiO2", thickness, conductivity, heat_capacity=1.86e6), SILICON]
    return Stack(layers, [conductance, 1e12])


def oxide_series(seed: int) -> list[tuple[Tdtr, Curve]]:
    """Oxides of 0.93 W m⁻¹ K⁻¹ under a film on 500 MW m⁻² K⁻¹, thicker or thinner than said by about 2 nm."""
    rng = np.random.default_rng(seed)
    off = 2 * nm * rng.standard_normal(3)
    return [probed(oxide(d + e, 0.93, 500e6), 0.04, rng, f"ox{d / nm:.0f}") for d, e in zip(OXIDES, off, strict=True)]


def test_oxide_series_does_not_resolve_its_boundaries() -> None:
    fits: list[Fit] = []
    for thickness, (tdtr, curve) in zip(OXIDES, oxide_series(9), strict=True):
        fits.append(fit(tdtr, curve, oxide(thickness), ["SiO2.conductivity"]))
    k = np.array([f.value[0] for f in fits])
    share = np.array([f.sigma[0] for f in fits]) / k
    line = ThicknessSeries(OXIDES, OXIDES / k + 1 / 129e6, np.full(3, 2 * nm), share * OXIDES / k).line()
    assert abs(line.conductivity - 0.93) < 2.5 * line.conductivity_sigma
    assert abs(line.resistance - 1 / 500e6) < 2.5 * line.resistance_sigma
    assert not line.is_resolved()


def test_oxide_series_from_all_curves_at_once() -> None:
    """Shared conductivity and boundary, thicknesses known to 2 nm: the boundary is bounded, not determined."""
    pairs = oxide_series(9)
    labels = [tdtr.name for tdtr, _ in pairs]
    priors = {"Al.thickness": Prior.relative(0.03), "Al.heat_capacity": Prior.relative(0.02), "spot": Prior(1, 0.04)}
    priors |= {f"{label}:SiO2.thickness": Prior(d, 2 * nm) for label, d in zip(labels, OXIDES, strict=True)}
    spot = Tie(tuple(f"{label}.{beam}_radius" for label in labels for beam in ("pump", "probe")))
    found = fit([t for t, _ in pairs], [c for _, c in pairs], [oxide(d) for d in OXIDES],
                ["SiO2.conductivity", "Al|SiO2.conductance"], priors=priors, ties={"spot": spot}, starts=1)  # fmt: skip
    bound = found.bounds["Al|SiO2.conductance"]
    assert bound.low is not None
    assert bound.low < 500e6
    np.testing.assert_allclose(found.value[0], 0.93, rtol=0, atol=2.5 * found.sigma[0])


CALIBRATED = {"Al.thickness": Prior.relative(0.03), "Al.heat_capacity": Prior.relative(0.02), "spot": Prior(1, 0.04),
              "tdtr.phase": Prior(0, 5e-3)}  # fmt: skip


def simulated(conductance: float, conductivity: float, noise: float, rng: np.random.Generator) -> Fit:
    """Fit of a curve made with calibrated inputs that are off by their uncertainty."""
    tdtr = Tdtr(np.geomspace(100, 3600, 30) * ps, Beams(10 * um, 10 * um), modulation=9.8e6, repetition=80e6,
                delayed="pump")  # fmt: skip
    layers = [Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), Layer("S", np.inf, conductivity, heat_capacity=1.64e6)]
    stack = Stack(layers, [conductance])
    off = np.exp(rng.standard_normal(3) * [0.03, 0.02, 0.04])
    really = stack.replace({"Al.thickness": 80 * nm * off[0], "Al.heat_capacity": 2.43e6 * off[1]})
    radius = 10 * um * off[2]
    phase = 5e-3 * rng.standard_normal()
    clean = tdtr.replace({"pump_radius": radius, "probe_radius": radius, "phase": phase}).predict(really)
    data = clean * (1 + noise * rng.standard_normal(clean.size))
    start = stack.replace({"Al|S.conductance": 150e6})
    return fit(tdtr, Curve(tdtr.delay, data, noise * np.abs(data)), start, ["Al|S.conductance", "S.conductivity"],
               priors=CALIBRATED, ties={"spot": TIES["spot"]}, starts=1)  # fmt: skip


def bounded(runs: int) -> tuple[int, int]:
    """How often a conductance that the data do not tell, and one that they do, are given as bounds."""
    rng = np.random.default_rng(8)
    weak = sum(bool(simulated(1e9, 1.4, 0.02, rng).bounds) for _ in range(runs))
    firm = sum(bool(simulated(200e6, 142.0, 0.005, rng).bounds) for _ in range(runs))
    return weak, firm


def test_glass_gives_a_bound_and_silicon_a_number() -> None:
    assert bounded(3) == (3, 0)


@pytest.mark.slow
def test_glass_gives_a_bound_and_silicon_a_number_100_times() -> None:
    assert bounded(100) == (100, 0)


@pytest.mark.slow
def test_intervals_of_tdtr_cover() -> None:
    rng = np.random.default_rng(21)
    hits = np.zeros(2)
    for _ in range(300):
        found = simulated(200e6, 142.0, 0.005, rng)
        for i, (name, truth) in enumerate((("Al|S.conductance", 200e6), ("S.conductivity", 142.0))):
            low, high = found.interval(name)
            hits[i] += low <= truth <= high
    assert ((hits / 300 > 0.92) & (hits / 300 < 0.98)).all(), hits / 300
