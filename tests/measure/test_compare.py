"""Models are scored against intervals of published values, and only by the drop that a measurement sees."""

from concurrent.futures import ThreadPoolExecutor
from shutil import copyfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.conductance import Conductance
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import solid
from kapitza.matter.phonons import phonons
from kapitza.measure.apparent import USUAL_PRACTICE, Observation, apparent_conductance, usual_observation
from kapitza.measure.catalogue import measured
from kapitza.measure.compare import (
    Comparison,
    Prediction,
    Published,
    compare,
    compare_all,
    interval_factor,
    predict_drops,
)
from kapitza.theory.dmm import dmm
from kapitza.units import MW

AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2330, 9000, 5400, 4.994e28)
positive = st.floats(1e-3, 1e6)


def constant(value, drop="extrapolated"):
    return Conductance([200, 400], [value, value], drop=drop)


@given(value=positive, ends=st.tuples(positive, positive).map(sorted), scale=positive)
def test_factor_is_one_inside_continuous_at_the_ends_and_free_of_units(value, ends, scale):
    low, high = ends
    got = interval_factor(value, low, high)
    assert (got == 1) == (low <= value <= high)
    assert (got < 1) == (value < low)
    np.testing.assert_allclose(interval_factor(value * scale, low * scale, high * scale), got, rtol=1e-12, atol=0)
    np.testing.assert_allclose(np.clip(value, low, high) * got, value, rtol=1e-12, atol=0)


def test_swapped_ends_are_refused():
    with pytest.raises(InputError, match="lower end first"):
        interval_factor(1.0, 3.0, 2.0)


def test_interval_is_that_of_all_direct_values_with_their_uncertainties():
    """A second road: straight from the records."""
    found = [entry for entry in measured("Al", "sapphire", 300) if not entry.exclusion]
    ends = []
    for entry in found:
        i = int(np.argmin(np.abs(entry.conductance.temperature - 300)))
        sigma = 0 if entry.conductance.sigma is None else entry.conductance.sigma[i]
        ends += [entry.conductance.value[i] - sigma, entry.conductance.value[i] + sigma]
    got = compare("Al", "sapphire", models={})
    np.testing.assert_allclose(got.interval, (min(ends), max(ends)), rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.interval[1], 410 * MW, rtol=1e-12, atol=0)  # 350 + 60, epitaxial


def test_spectrum_is_scored_by_its_emitted_conductance():
    dmm_al_si = dmm(AL, SI)
    got = compare("Al", "Si", models={"DMM": dmm_al_si})
    low, high = got.interval
    one = got.prediction("DMM")
    for drop in ("emitted", "local"):
        want = dmm_al_si.conductance(300, drop=drop).value[0]
        np.testing.assert_allclose(getattr(one, drop), want, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.factor("DMM"), one.emitted / high, rtol=1e-12, atol=0)
    assert low < high < one.emitted < one.local
    assert (one.extrapolated, one.scored_drop) == (None, "emitted")


@pytest.mark.parametrize(("drop", "factor"), [("emitted", 1.0), ("local", None)])
def test_conductance_by_another_drop_is_listed(drop, factor):
    """The one between the lattices at the plane is not scored: nobody measures it."""
    got = compare("Al", "Si", models={"mine": constant(150 * MW, drop)})
    np.testing.assert_allclose(getattr(got.prediction("mine"), drop), 150 * MW, rtol=1e-12, atol=0)
    assert got.prediction("mine").extrapolated is None
    assert got.factor("mine") == factor


@pytest.mark.parametrize(("value", "factor"), [(60 * MW, 0.5), (120 * MW, 1), (300 * MW, 1), (760 * MW, 2)])
def test_factor_against_al_on_si(value, factor):
    """Published at 285 to 315 K, without oxide: 120 to 380 MW m⁻² K⁻¹."""
    got = compare("Al", "Si", models={"mine": constant(value)})
    np.testing.assert_allclose(got.interval, (120 * MW, 380 * MW), rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.factor("mine"), factor, rtol=1e-12, atol=0)


def test_one_number_is_no_interval():
    got = compare("Pd", "sapphire", models={"mine": constant(134 * MW)})
    assert len(got.direct) == 1
    assert got.interval is None
    assert got.spread is None
    assert got.factor("mine") is None
    np.testing.assert_allclose(got.median, 134 * MW, rtol=1e-12, atol=0)


def test_one_number_with_an_uncertainty_is_an_interval():
    got = compare("ZnO", "GaN", models={})
    np.testing.assert_allclose(got.interval, (360 * MW, 620 * MW), rtol=1e-12, atol=0)


def test_contacts_set_aside_are_shown_but_not_scored():
    got = compare("Al", "Cu", models={"mine": constant(100 * MW)})
    assert got.published
    assert not got.direct
    assert got.interval is None
    assert got.factor("mine") is None
    assert got.median is None


def test_interlayers_do_not_widen_the_interval():
    got = compare("Au", "Si", models={})
    assert {one.measurement.exclusion != "" for one in got.published} == {True, False}
    assert got.interval is None


def test_order_of_sides_and_sources():
    one, other = (compare(*pair, models={}) for pair in (("Si", "Al"), ("Al", "Si")))
    assert one.interval == other.interval
    assert one.sources == other.sources
    assert len(set(one.sources)) == len(one.sources)


def test_pair_without_measurements_is_shown_without_score():
    got = compare("Al", "Si", 20.0, models={"mine": Conductance([10, 30], [1, 2])})
    assert got.published == ()
    assert got.interval is None
    assert got.factor("mine") is None


def test_transmission_of_unknown_sides_knows_the_emitted_drop_only():
    got = predict_drops("MD", Transmission([0, 1e13, 2e13], [0, 1e18, 0]), 300.0)
    assert got.emitted > 0
    assert got.local is None
    assert got.extrapolated is None


def test_same_solid_on_both_sides_has_no_resistance_left():
    modes = SI.modes(np.linspace(0, 5e13, 50))
    got = predict_drops("AMM", Transmission(np.linspace(0, 5e13, 50), modes, modes, modes), 300.0)
    assert np.isinf(got.local)


def test_model_that_was_not_compared_is_named():
    with pytest.raises(InputError, match=r"'AMM' was not compared for Al/Si.*DMM"):
        compare("Al", "Si", models={"DMM": dmm(AL, SI)}).factor("AMM")


def test_conductance_outside_of_its_temperatures_is_refused():
    with pytest.raises(InputError, match="not at 300 K"):
        compare("Al", "Si", models={"mine": Conductance([10, 30], [1, 2])})


def test_a_simulation_at_its_own_temperature_counts_within_the_window():
    """A run of 306 K is held against 300 K with its own value, one of 320 K is not."""
    near = Conductance([306.0], [2e8], [3e7], statistics="classical", method="NEMD")
    shown = compare("Si", "Ge", 300.0, {"NEMD": near}).predictions[0]
    assert shown.extrapolated is not None
    np.testing.assert_allclose(shown.extrapolated, 2e8, rtol=1e-12, atol=0)
    assert (shown.sigma, shown.title) == (3e7, "NEMD, classical")
    far = Conductance([320.0], [2e8], statistics="classical", method="NEMD")
    with pytest.raises(InputError, match="not at 300 K"):
        compare("Si", "Ge", 300.0, {"NEMD": far})


def test_models_of_the_register_are_used_where_none_are_given():
    """A second road: the same numbers from the theory itself, for records and for names of the library."""
    got = compare("Al", "Si")
    want = dmm(solid("Al"), solid("Si")).conductance(300, drop="local").value[0]
    np.testing.assert_allclose(got.prediction("dmm-debye").local, want, rtol=1e-12, atol=0)
    full = dmm(phonons("Al"), phonons("Si")).conductance(300).value[0]
    np.testing.assert_allclose(got.prediction("dmm").emitted, full, rtol=1e-12, atol=0)
    records = compare(solid("Al"), solid("Si"))
    np.testing.assert_allclose(records.prediction("dmm").local, want, rtol=1e-12, atol=0)
    assert records.interval == got.interval
    assert (records.observation, records.prediction("dmm").scored_drop) == (None, "emitted")


def test_diffuse_models_with_full_bands_are_scored_as_the_experiment_sees_them():
    """A second road: the solved apparent conductance itself; what the bulks add is the same for all of them."""
    got = compare("Al", "Si")
    seen = apparent_conductance("Al", "Si", 300.0)
    assert got.observation == seen.observation
    one = got.prediction(seen.model)
    assert abs(one.extrapolated / seen.conductance.value[0] - 1) <= 1e-12
    assert (one.scored, one.scored_drop) == (one.extrapolated, "extrapolated")
    added = [1 / p.extrapolated - 1 / p.emitted for p in got.predictions if p.extrapolated is not None]
    assert len(added) == 3
    assert max(added) - min(added) <= 1e-9 * max(map(abs, added))
    assert got.prediction("amm").scored_drop == "emitted"
    bare = compare("Al", "Si", observation=None)
    assert bare.observation is None
    assert bare.prediction("dmm").scored_drop == "emitted"


def test_crystal_named_without_polytype_meets_the_measurements_of_all():
    got = compare("GaN", "SiC", observation=None)
    assert (got.left, got.right) == ("GaN", "SiC")
    assert {one.measurement.right for one in got.published} == {"4H-SiC"}
    np.testing.assert_allclose(got.median, 230 * MW, rtol=1e-12, atol=0)


def test_limits_are_shown_but_not_scored():
    got = compare("Al", "Si", observation=None)
    assert got.prediction("elastic-limit").limit
    assert got.factor("elastic-limit") is None
    assert got.prediction("elastic-limit").emitted > got.prediction("dmm").emitted


def test_lead_on_diamond_passes_the_elastic_limit():
    """The classic proof of an inelastic channel, Stoner and Maris, doi:10.1103/PhysRevB.48.16373."""
    got = compare("Pb", "diamond", observation=None)
    assert got.interval[1] > got.prediction("elastic-limit").emitted
    assert got.interval[1] < got.prediction("inelastic-limit").emitted


@pytest.mark.slow
def test_all_interfaces_at_room_temperature():
    with ThreadPoolExecutor(2) as pool:
        found = compare_all(300, executor=pool)
    assert len(found) >= 30
    one = found[0]
    assert one.predictions == compare(one.left, one.right, 300).predictions
    assert sum(one.interval is not None for one in found) >= 30
    for one in found:
        assert one.published
        names = {p.model for p in one.predictions}
        assert {"amm", "dmm", "elastic-limit"} <= names
        assert all(p.emitted > 0 for p in one.predictions)
        factor = one.factor("dmm")
        assert (factor is None) == (one.interval is None)


def test_unknown_material_is_refused():
    with pytest.raises(InputError, match="unobtainium"):
        compare("Al", "unobtainium", models={})


def test_two_values_that_agree_are_an_interval():
    """GaN on SiC: 230 by two laboratories.  That they agree must not cost the comparison."""
    got = compare("GaN", "SiC")
    np.testing.assert_allclose(got.interval, (230 * MW, 230 * MW), rtol=1e-12, atol=0)
    model = got.prediction("dmm")
    np.testing.assert_allclose(got.factor("dmm"), model.scored / (230 * MW), rtol=1e-12, atol=0)


def test_a_file_is_known_by_what_it_holds_not_by_its_name(data, tmp_path):
    path = tmp_path / "Au.yaml"
    copyfile(data("crystals/Al.yaml"), path)
    model = {"constant": constant(150 * MW)}
    found = compare(path, "Si", models=model)
    assert {one.measurement.citation for one in found.published} == {
        one.measurement.citation for one in compare("Al", "Si", models=model).published
    }


def test_each_measurement_is_held_against_what_it_would_see():
    """A second road: the apparent conductance of one experiment; and a law: thinner layers add less resistance."""
    found = compare("Si", "Ge")
    by_film = {one.measurement.thickness: one for one in found.published if one.measurement.thickness}
    thin, thick = by_film[min(by_film)], by_film[max(by_film)]
    for one in (thin, thick):
        assert one.observation is not None
        assert one.observation.method == "film"
        assert abs(one.observation.thickness / one.measurement.thickness - 1) <= 1e-12
        want = apparent_conductance("Si", "Ge", 300.0, Observation(method="film", thickness=one.observation.thickness))
        assert abs(found.observed_conductance("dmm", one) / want.conductance.value[0] - 1) <= 1e-9
    assert (
        found.observed_conductance("dmm", thin)
        > found.observed_conductance("dmm", thick)
        > found.prediction("dmm").extrapolated
    )
    assert found.observed_conductance("amm", thin) == found.prediction("amm").emitted
    bare = compare("Si", "Ge", observation=None)
    assert bare.observed_conductance("dmm", bare.published[0]) == bare.prediction("dmm").emitted


def test_a_model_is_inside_where_experiments_see_it_on_both_sides_of_their_values():
    sources = measured("Si", "Ge")[0]
    one = Prediction(model="dmm", emitted=200e6, extrapolated=150e6)

    def held(*values: tuple[float, float]) -> float | None:
        published = [Published(300.0, value, None, sources, excess=excess) for value, excess in values]
        return Comparison("Si", "Ge", 300.0, 0.05, tuple(published), (one,)).factor("dmm")

    slow, fast = 5e-9, 0.0  # m² K W⁻¹: seen as 100 and 200 MW/m²K
    assert held((90e6, slow), (250e6, fast)) == 1.0
    assert abs(held((50e6, slow), (100e6, fast)) / 2.0 - 1) <= 1e-12  # twice each value
    assert abs(held((50e6, slow), (180e6, fast)) / (200 / 180) - 1) <= 1e-12  # nearest to the second
    assert abs(held((200e6, slow), (250e6, fast)) / 0.8 - 1) <= 1e-12
    assert held((90e6, slow)) is None


def test_the_usual_practice_of_all_methods_is_known():
    methods = {one.method for one in measured()} - {"not stated in the abstract"}
    assert methods == set(USUAL_PRACTICE)
    assert usual_observation("TDTR") == Observation()
    assert usual_observation("FDTR", 80e-9) == Observation(thickness=80e-9, frequency=1e6)
    assert usual_observation("3ω", 2e-7).method == "sstr"
    assert usual_observation("not stated in the abstract") == Observation()
