"""Sensitivities that add up, and designs that are as good as they say."""

from typing import Any

import numpy as np
import pytest
import toys
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import kapitza
from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError
from kapitza.measure.design import design, sensitivity
from kapitza.measure.experiment import Curve
from kapitza.measure.fit import fit
from kapitza.measure.problem import Prior
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Tdtr
from kapitza.units import nm, ns, ps, um

G, K = "Al|Si.conductance", "Si.conductivity"
SPOTS = toys.Spots(toys.WIDTHS)


@given(st.floats(1e7, 1e9), st.floats(10, 1000))
@settings(max_examples=20)
def test_sensitivities_of_series_resistances_add_up(conductance: float, conductivity: float) -> None:
    found = sensitivity(SPOTS, toys.sample(conductance, conductivity), [G, K, "spots.gain", "spots.offset"])
    np.testing.assert_allclose(found.of(G) + found.of(K), -1, rtol=1e-7, atol=0)
    np.testing.assert_allclose(found.of("spots.gain"), 1, rtol=1e-7, atol=0)
    signal = SPOTS.predict(toys.sample(conductance, conductivity))
    np.testing.assert_allclose(found.of("spots.offset"), 1 / signal, rtol=1e-4, atol=0)


def test_an_experiment_may_be_called_as_a_layer_is() -> None:
    """Numbers of the layer and of the experiment stay apart: the same derivatives as under another name."""
    named = evolve(SPOTS, name="Si")
    plain, found = sensitivity(SPOTS, toys.sample()), sensitivity(named, toys.sample())
    assert {"Si.conductivity", "Si.heat_capacity", "Si.gain"} <= set(found.names)
    for name in plain.names:
        assert np.abs(found.of(name.replace("spots.", "Si.")) - plain.of(name)).max() <= 1e-12


def test_a_perfect_boundary_has_no_sensitivity() -> None:
    """A conductance without end does not matter: it is left out, and all others are what a very large one leaves."""
    layers = [Layer(name, 100 * nm, 100.0, heat_capacity=2e6) for name in ("cap", "Al", "Si")]
    found = sensitivity(SPOTS, Stack(layers, [np.inf, 1e8]))
    near = sensitivity(SPOTS, Stack(layers, [1e18, 1e8]), found.names)
    assert "cap|Al.conductance" not in found.names
    np.testing.assert_allclose(found.value, near.value, rtol=1e-6, atol=1e-12)


def test_published_sensitivities_of_aluminium_on_silicon() -> None:
    """Ratio at 9.8 MHz, 80 MHz, w = 10 um, 80 nm Al on Si, 200 MW/m²K: converged values computed for this project."""
    stack = Stack(
        [Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 142.0, heat_capacity=1.64e6)], [200e6]
    )
    beams = Beams(10 * um, 10 * um)
    tdtr = Tdtr([100 * ps, 500 * ps, 1 * ns, 3.6 * ns], beams, modulation=9.8e6, repetition=80e6, delayed="pump")
    found = sensitivity(tdtr, stack)
    wanted = {
        "Al.thickness": [-0.949, -0.640, -0.339, 0.225],
        "Al.heat_capacity": [-0.985, -0.677, -0.377, 0.199],
        G: [0.022, -0.217, -0.400, -0.461],
        K: [0.514, 0.483, 0.428, 0.181],
        "Si.heat_capacity": [0.462, 0.427, 0.367, 0.096],
    }
    for name, values in wanted.items():
        np.testing.assert_allclose(found.of(name), values, rtol=0, atol=0.012)
    # d ln r = (r + 1/r) dphi, exact to first order
    ratio = tdtr.predict(stack)
    phase = sensitivity(tdtr, stack, ["tdtr.phase"]).of("tdtr.phase")
    np.testing.assert_allclose(np.abs(phase), ratio + 1 / ratio, rtol=1e-5, atol=0)


def test_stated_errors_of_a_design_are_those_of_a_fit() -> None:
    priors = {"spots.spot": Prior.relative(0.04), "spots.gain": Prior.relative(0.03)}
    best = design(SPOTS, toys.sample(), [G, K], settings={"Al|Si.conductance": [100e6]}, priors=priors, noise=0.01,
                  kind="amplitude")[0]  # fmt: skip
    clean = SPOTS.predict(toys.sample())
    found = fit(SPOTS, Curve(SPOTS.width, clean, 0.01 * clean, "amplitude"), toys.sample(), [G, K], priors=priors)
    for i, name in enumerate((G, K)):
        np.testing.assert_allclose(best.sigma[name], found.sigma[i] / found.value[i], rtol=1e-4, atol=0)


def test_design_ranks_by_the_errors_asked_for() -> None:
    """The front is that of a search through all pairs, and no design stands below one that it beats in all numbers."""
    stack = Stack(
        [Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), Layer("Si", np.inf, 142.0, heat_capacity=1.64e6)], [200e6]
    )
    tdtr = Tdtr(np.geomspace(100, 3600, 20) * ps, Beams(10 * um, 10 * um), modulation=9.8e6, repetition=80e6,
                delayed="pump")  # fmt: skip
    priors = {
        "Al.thickness": Prior.relative(0.03),
        "Al.heat_capacity": Prior.relative(0.02),
        "tdtr.phase": Prior(0, 5e-3),
    }
    found = design(tdtr, stack, [G, K], priors=priors,
                   settings={"tdtr.modulation": [1e6, 5e6, 10e6], "Al.thickness": [40 * nm, 80 * nm]})  # fmt: skip
    assert len(found) == 6
    errors = np.array([[d.sigma[G], d.sigma[K]] for d in found])
    beaten = [any((other < one).all() for other in errors) for one in errors]
    assert [d.pareto for d in found] == [not one for one in beaten] == sorted((not one for one in beaten), reverse=True)
    assert not any((errors[j] < errors[i]).all() for i in range(6) for j in range(i + 1, 6))
    assert [d.merit for d in found] != sorted((d.merit for d in found), reverse=True)  # the old order was another
    one = design(tdtr, stack, [G], priors=priors, settings={"tdtr.modulation": [1e6, 5e6, 10e6]})
    assert [d.sigma[G] for d in one] == sorted(d.sigma[G] for d in one)
    assert set(found[0].settings) == {"tdtr.modulation", "Al.thickness"}
    assert found[0].sigma[G] < found[-1].sigma[G] or found[0].sigma[K] < found[-1].sigma[K]


def test_wrong_calls() -> None:
    with pytest.raises(InputError, match="no setting 'Au"):
        design(SPOTS, toys.sample(), [G], settings={"Au.thickness": [1e-8]})
    with pytest.raises(InputError, match="no settings to choose from"):
        design(SPOTS, toys.sample(), [G], settings={})
    with pytest.raises(InputError, match="noise"):
        design(SPOTS, toys.sample(), [G], settings={G: [1e8]}, noise=0)
    with pytest.raises(InputError, match="has no finite value here"):
        sensitivity(SPOTS, toys.sample(), ["Si.thickness"])
    with pytest.raises(InputError, match="no sensitivity"):
        sensitivity(SPOTS, toys.sample(), [G]).of(K)


@pytest.mark.parametrize(
    ("subject", "on", "message"),
    [
        (3, {"a": 1.0}, "a design takes an experiment such as .* a Device, or an EelsExperiment, got 3 of type int"),
        (SPOTS, None, "needs the Stack that they are made on, got None of type NoneType"),
    ],
)
def test_what_cannot_be_designed_is_named(subject: Any, on: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kapitza.design(subject, on, settings={"a": [1.0]})
