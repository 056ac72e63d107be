"""Fits of measured curves: the numbers known of them, their total errors, and what they do not say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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

Reference = Callable[[str], Path]
Published = Callable[[str, str], dict[str, Any]]

G, K = "Al|Si.conductance", "Si.conductivity"
TIES = {
    "spot": Tie(("tdtr.pump_radius", "tdtr.probe_radius")),
    "height": Tie(("top.thickness", "Al.thickness")),
    "heat": Tie(("top.heat_capacity", "Al.heat_capacity")),
}
PRIORS = {"height": Prior(1, 0.03), "heat": Prior(1, 0.02), "spot": Prior(1, 0.04), "tdtr.phase": Prior(0, 5e-3)}


def rows(path: Path) -> Array:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return np.loadtxt(lines[1:], delimiter=",")


def aluminium_on_silicon(reference: Reference) -> tuple[Tdtr, Curve, Stack]:
    """Sample 150210, with the top 40 nm of the film lumped into an absorption layer as its authors do."""
    delay, x, y = rows(reference("thermoreflectance/measured/hohensee_150210_Al_Si.csv")).T[:3]
    use = (delay >= 100) & (delay <= 4000)
    delay, ratio = delay[use] * ps, -x[use] / (y[use] - 0.04)
    layers = [
        Layer("top", 1 * nm, 40 * 184.94, heat_capacity=40 * 2.43e6),
        Layer("Al", 51.98 * nm, 184.94, heat_capacity=2.43e6),
        Layer("Si", np.inf, 130.0, heat_capacity=1.64e6),
    ]
    # the pump's radius grows by 16 % over 3.6 ns
    tdtr = Tdtr(delay, Beams(6.7 * um, 6.7 * um), modulation=9.1e6, repetition=74.82e6, delayed="pump",
                defocus=0.16 / (3.6 * ns))  # fmt: skip
    return tdtr, Curve(delay, ratio), Stack(layers, [np.inf, 150e6])


def check(published: Published, name: str, got: float) -> None:
    known = published("estimator", name)
    np.testing.assert_allclose(got, known["value"], rtol=known["tolerance"], atol=0, err_msg=name)


def test_aluminium_on_silicon(reference: Reference, published: Published) -> None:
    tdtr, curve, stack = aluminium_on_silicon(reference)
    assert curve.x.size == 62
    found = fit(tdtr, curve, stack, [G, K])
    check(published, "al_si_conductance", found.value[0])
    check(published, "al_si_conductivity", found.value[1])
    best = tdtr.predict(stack.replace({G: found.value[0], K: found.value[1]}))
    check(published, "al_si_squares", float(np.sum((best / curve.value - 1) ** 2)))
    assert len(found.minima) == 1
    np.testing.assert_allclose(found.sigma[0] / found.value[0], 0.008, rtol=0.1, atol=0)  # statistical alone


def test_total_error_of_aluminium_on_silicon(reference: Reference, published: Published) -> None:
    tdtr, curve, stack = aluminium_on_silicon(reference)
    found = fit(tdtr, curve, stack, [G, K], priors=PRIORS, ties=TIES, starts=1)
    for i, name in enumerate((G, K)):
        share = found.sigma[i] / found.value[i]
        check(published, ("al_si_total_conductance", "al_si_total_conductivity")[i], share)
        low, high = found.interval(name, 0.6827, profiled=True)
        np.testing.assert_allclose(np.log(high / low) / 2, share, rtol=0.1, atol=0)
    assert next(iter(found.budget().of(G))) == "height"
    assert found.conductance("Al|Si").sigma is not None


@pytest.mark.slow
def test_walkers_agree_with_laplace(reference: Reference) -> None:
    pytest.importorskip("emcee")
    from kapitza.measure.fit_result import sample_posterior

    tdtr, curve, stack = aluminium_on_silicon(reference)
    found = fit(tdtr, curve, stack, [G, K], priors=PRIORS, ties=TIES, starts=1)
    drawn = sample_posterior(found, walkers=32, steps=1000)
    for i, name in enumerate((G, K)):
        spread = np.std(np.log(drawn.of(name)))
        np.testing.assert_allclose(spread, found.sigma[i] / found.value[i], rtol=0.1, atol=0)


def test_strontium_titanate_pair(reference: Reference, published: Published) -> None:
    fdtrs: list[Fdtr] = []
    curves: list[Curve] = []
    for name in ("STO1", "STO2"):
        data = rows(reference(f"thermoreflectance/measured/claro_{name}.csv"))[:-1]  # the last point was dropped
        fdtrs.append(Fdtr(data[:, 0], Beams(10.4 * um, 10.4 * um), name=name))
        curves.append(Curve(data[:, 0], np.radians(data[:, 2]), np.full(len(data), np.radians(1.0)), "phase"))
    stack = Stack(
        [Layer("Au", 60 * nm, 66.02, heat_capacity=2.4943e6), Layer("STO", 50 * um, 11.0, heat_capacity=2.72e6)], [50e6]
    )
    found = fit(fdtrs, curves, stack, ["STO.conductivity", "STO1:Au|STO.conductance", "STO2:Au|STO.conductance"])
    for i, name in enumerate(("sto_conductivity", "sto_conductance_1", "sto_conductance_2")):
        check(published, name, found.value[i])
    check(published, "sto_chi2", found.chi2)


def test_gold_on_sapphire(reference: Reference, published: Published) -> None:
    data = rows(reference("thermoreflectance/measured/claro_sapphire_gold60nm_300K.csv"))[:47]
    fdtr = Fdtr(data[:, 0], Beams(4.05 * um, 4.05 * um))
    curve = Curve(data[:, 0], np.radians(data[:, 2]), np.full(47, np.radians(1.0)), "phase")
    layers = [
        Layer("Au", 60 * nm, 66.02, heat_capacity=2.4943e6),
        Layer("sapphire", 50 * um, 30.0, in_plane=33.15, heat_capacity=3.06e6),
    ]
    found = fit(fdtr, curve, Stack(layers, [50e6]), ["sapphire.conductivity"])
    check(published, "sapphire_kz", found.value[0])


def aalto(reference: Reference, name: str, label: str = "tdtr") -> tuple[Tdtr, Curve]:
    data = rows(reference(f"thermoreflectance/measured/aalto_{name}.csv"))
    data = data[(data[:, 0] > 75) & (np.diff(data[:, 0], prepend=-np.inf) > 0)]
    beams = Beams(36 * um, 14.7 * um)
    tdtr = Tdtr(data[:, 0] * ps, beams, modulation=2e6, repetition=75.8e6, delayed="probe", name=label)
    return tdtr, Curve(data[:, 0] * ps, data[:, 3])


ALUMINIUM = Layer("Al", 77.34 * nm, 237.0, heat_capacity=2.42e6)
SILICON = Layer("Si", np.inf, 124.0, heat_capacity=1.63e6)


def test_aluminium_on_sapphire(reference: Reference, published: Published) -> None:
    tdtr, curve = aalto(reference, "Al_sapphire")
    stack = Stack([ALUMINIUM, Layer("sapphire", np.inf, 35.0, heat_capacity=3.1e6)], [100e6])
    found = fit(tdtr, curve, stack, ["Al|sapphire.conductance", "sapphire.conductivity"])
    check(published, "al_sapphire_conductance", found.value[0])
    check(published, "al_sapphire_conductivity", found.value[1])
    np.testing.assert_allclose(found.sigma / found.value, [0.03, 0.02], rtol=0.15, atol=0)


def oxide(thickness: float) -> Stack:
    return Stack([ALUMINIUM, Layer("SiO2", thickness, 1.3, heat_capacity=1.86e6), SILICON], [129e6, 1e12])


def test_oxide_series_does_not_resolve_its_boundaries(reference: Reference, published: Published) -> None:
    d = np.array([25, 50, 100]) * nm
    fits: list[Fit] = []
    for thickness in d:
        tdtr, curve = aalto(reference, f"Al_SiO2_{thickness / nm:03.0f}nm_Si")
        fits.append(fit(tdtr, curve, oxide(thickness), ["SiO2.conductivity"]))
    k = np.array([f.value[0] for f in fits])
    share = np.array([f.sigma[0] for f in fits]) / k
    np.testing.assert_allclose(k, [1.427, 1.207, 1.026], rtol=0.04, atol=0)
    line = ThicknessSeries(d, d / k + 1 / 129e6, np.full(3, 2 * nm), share * d / k).line()
    check(published, "oxide_series_conductivity", line.conductivity)
    assert abs(line.resistance) < 1.5 * line.resistance_sigma
    assert not line.is_resolved()


def test_oxide_series_from_all_curves_at_once(reference: Reference) -> None:
    """Shared conductivity and boundary, thicknesses known to 2 nm: the boundary is bounded, not determined."""
    names = {f"ox{d}": d for d in (25, 50, 100)}
    pairs = [aalto(reference, f"Al_SiO2_{d:03d}nm_Si", label) for label, d in names.items()]
    priors = {"Al.thickness": Prior.relative(0.03), "Al.heat_capacity": Prior.relative(0.02), "spot": Prior(1, 0.04)}
    priors |= {f"{label}:SiO2.thickness": Prior(d * nm, 2 * nm) for label, d in names.items()}
    spot = Tie(tuple(f"{label}.{beam}_radius" for label in names for beam in ("pump", "probe")))
    found = fit([t for t, _ in pairs], [c for _, c in pairs], [oxide(d * nm) for d in names.values()],
                ["SiO2.conductivity", "Al|SiO2.conductance"], priors=priors, ties={"spot": spot}, starts=1)  # fmt: skip
    bound = found.bounds["Al|SiO2.conductance"]
    assert bound.low is not None
    assert bound.low < 300e6
    np.testing.assert_allclose(found.value[0], 0.93, rtol=0, atol=3 * found.sigma[0])
