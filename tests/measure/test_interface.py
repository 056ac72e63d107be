"""The whole answer for an interface: what the best estimate rests on, and that its interval is honest."""

import numpy as np
import pytest

import kapitza
from kapitza.errors import InputError
from kapitza.matter.library import material, solid
from kapitza.measure import calibrated_conductance
from kapitza.measure.calibration.estimate import LABORATORY_NOISE
from kapitza.measure.catalogue import measured
from kapitza.measure.interface import best_estimate, predict, published_measurements
from kapitza.theory.models import model_estimates

KELVIN = [77.0, 300.0]


def test_a_prediction_is_a_sequence_of_its_models() -> None:
    found = predict("Al", "Si", KELVIN)
    want = model_estimates("Al", "Si", KELVIN)
    assert [one.model for one in found] == [one.model for one in want]
    assert (len(found), found[0].model, found[-1].model) == (5, "dmm", "inelastic-limit")
    for got, one in zip(found, want, strict=True):
        np.testing.assert_array_equal(got.emitted.value, one.emitted.value)
    assert found.measured == measured("Al", "Si")
    assert kapitza.predict is predict


def test_the_estimate_is_the_calibrated_one() -> None:
    for left, right in (("Al", "Si"), ("Pt", "InAs")):
        got, want = predict(left, right, KELVIN).estimate, calibrated_conductance(left, right, KELVIN)
        np.testing.assert_array_equal(got.conductance.value, want.value)
        np.testing.assert_allclose(got.interval, want.interval, rtol=1e-12, atol=0)
        assert got.basis == ("measured" if want.measured_by else "calibrated")


def test_the_estimate_knows_how_the_contact_was_prepared() -> None:
    got = predict("Al", "diamond", 300.0, condition="oxygen terminated").estimate
    want = calibrated_conductance("Al", "diamond", 300.0, condition="oxygen terminated")
    assert (got.conductance.value == want.value).all()
    assert got.conductance.value[0] != predict("Al", "diamond", 300.0).estimate.conductance.value[0]
    with pytest.raises(InputError, match="unknown condition 'glued'"):
        predict("Al", "diamond", 300.0, condition="glued")  # type: ignore[arg-type]


def test_intervals_are_never_narrower_than_what_laboratories_disagree_by() -> None:
    """Two standard deviations of 0.25 decades either way, also where a mean of sources stands for the calibration."""
    for left, right in (("Al", "Si"), ("Cr", "GaN"), ("graphene", "SiO2"), ("Au", "InP")):
        ends = predict(left, right, 300.0).estimate.interval
        assert ends is not None
        assert (ends[:, 1] / ends[:, 0] >= np.exp(2 * 1.95 * LABORATORY_NOISE)).all()


def test_where_calibration_refuses_the_sources_are_averaged() -> None:
    found = predict("graphene", "a-SiO2", 300.0).estimate
    sources: dict[str, list[float]] = {}
    for one in measured("graphene", "a-SiO2", 300.0):
        if not one.exclusion:
            sources.setdefault(one.doi, []).extend(np.log(one.conductance.value[list(one.near(300.0))]))
    mean = np.exp(np.mean([np.mean(values) for values in sources.values()]))
    np.testing.assert_allclose(found.conductance.value, mean, rtol=1e-12, atol=0)
    assert found.basis == "measured"
    assert set(found.sources) == set(sources)


def test_physics_stands_alone_where_nobody_knows_more() -> None:
    for sides, words in (
        (("Au", "Cu"), "electrons"),
        (("BAs", "Al"), "no material 'BAs'"),
        (("water", "Al"), "liquid"),
    ):
        found = predict(*sides, 300.0)
        assert found.estimate.basis == "physics"
        assert found.estimate.interval is None
        assert words in found.estimate.reason
        assert found.estimate.conductance.value[0] in {one.emitted.value[0] for one in found}


def test_only_temperatures_that_are_covered_have_an_estimate() -> None:
    found = predict("Al", "Si", [5.0, 300.0])
    assert found.estimate.conductance.temperature.tolist() == [300.0]
    assert found[0].emitted.temperature.tolist() == [5.0, 300.0]
    assert predict("Al", "Si", 5.0).estimate.basis == "physics"


def test_names_of_records_and_files_choose_the_measurements() -> None:
    assert predict(solid("Al"), solid("Si"), 300.0).measured == measured("Al", "Si")
    assert predict(material("Al"), "Si", 300.0).estimate.basis == "measured"
    assert published_measurements("no such thing", "Si") == ()
    with pytest.raises(InputError, match="no material 'Unobtainium'"):
        predict("Unobtainium", "Si", 300.0)


def test_order_of_sides_does_not_matter() -> None:
    there, back = (predict(*sides, 300.0).estimate for sides in (("Al", "Si"), ("Si", "Al")))
    np.testing.assert_allclose(there.conductance.value, back.conductance.value, rtol=1e-9, atol=0)


def test_a_model_stands_where_there_are_no_measurements() -> None:
    models = model_estimates("water", "Al", 300.0)
    found = best_estimate(("water", "Al"), 300.0, models)
    (khalatnikov,) = [one for one in models if one.model == "khalatnikov"]
    assert found.conductance is khalatnikov.emitted
