"""The register: which models two sides allow, and that it says what the models say."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza.errors import DataError, InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.electrons import metal
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.matter.library import elastic, fluid, material, materials, solid
from kapitza.matter.phonons import phonon_card, phonons
from kapitza.matter.sheet import Sheet, sheet
from kapitza.theory.amm import amm
from kapitza.theory.dmm import dmm
from kapitza.theory.models import MODEL_REGISTER, find_model, model_estimates
from kapitza.theory.references import citations, cite, references
from kapitza.theory.sides import describe_side, describe_sides, is_path
from kapitza.units import MW

AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2330, 9000, 5400, 4.994e28)


def names(left: Any, right: Any) -> set[str]:
    sides = describe_sides(left, right)
    return {one.name for one in MODEL_REGISTER if one.sides.fits(*sides)}


def test_what_sides_allow() -> None:
    limits = {"elastic-limit", "inelastic-limit", "radiation-left", "radiation-right"}
    everywhere = limits | {"dmm", "three-phonon"}
    debye = {"dmm-debye", "elastic-limit-debye", "inelastic-limit-debye"}
    assert names(AL, SI) == everywhere | debye | {"amm", "specular-limit"}
    crystals = {"dmm-crystal", "specular-limit-crystal", "elastic-limit-crystal", "inelastic-limit-crystal"}
    channels = {"dmm-anharmonic", "dmm-metal"}
    assert names("Al", "Si") == names(AL, SI) | crystals | channels | {"amm-crystal"}
    assert names("Pb", "diamond") & channels == {"dmm-anharmonic"}  # its electrons are not known
    assert names("Si", "Ge") & channels == set()
    assert names("Al", "Au") & channels == {"dmm-anharmonic"}  # electrons cross from metal to metal
    assert names("Al", "a-SiO2") & channels == set()  # no bands of a glass
    assert names(elastic("Al"), elastic("Si")) == everywhere | crystals | {"amm-crystal"}
    assert names("He-4 liquid", "Cu") == everywhere | debye | crystals | {"amm", "khalatnikov"}
    assert "amm-crystal" in names("mercury", "Cu")
    assert names(sheet("graphene"), SI) == names("graphene", SI) == everywhere


def test_the_register_says_what_the_models_say() -> None:
    kelvin = [50.0, 300.0]
    found = {one.model: one for one in model_estimates("Al", "Si", kelvin, "all")}
    for name, spectrum in (
        ("amm", amm(solid("Al"), solid("Si"))),
        ("dmm", dmm(phonons("Al"), phonons("Si"))),
        ("dmm-debye", dmm(solid("Al"), solid("Si"))),
        ("amm-crystal", amm(elastic("Al"), elastic("Si"))),
    ):
        for drop in ("emitted", "local", "extrapolated"):
            got = getattr(found[name], drop)
            np.testing.assert_array_equal(got.value, spectrum.conductance(kelvin, drop).value)
            assert got.drop == drop


@pytest.mark.parametrize("name", [one.name for one in MODEL_REGISTER])
def test_either_side_may_come_first(name: str) -> None:
    one = find_model(name)
    left, right = ("He-4 liquid", "Cu") if name == "khalatnikov" else ("Al", "Si")
    mirrored = {"radiation-left": "radiation-right", "radiation-right": "radiation-left"}.get(name, name)
    there = one.transmission(left, right, 200.0).conductance(200.0).value
    back = find_model(mirrored).transmission(right, left, 200.0).conductance(200.0).value
    np.testing.assert_allclose(there, back, rtol=1e-9, atol=0)


# which limits belong to which model: those of the same spectra, the tighter one first
BOUNDS = {
    "amm": ("specular-limit", "elastic-limit", "inelastic-limit"),
    "khalatnikov": ("elastic-limit", "inelastic-limit"),
    "dmm": ("elastic-limit", "inelastic-limit", "dmm-anharmonic"),
    "dmm-metal": ("dmm-anharmonic",),
    "dmm-anharmonic": ("inelastic-limit",),
    "specular-limit": ("elastic-limit",),
    "elastic-limit": ("inelastic-limit",),
    "amm-crystal": ("specular-limit-crystal", "elastic-limit-crystal", "inelastic-limit-crystal"),
    "dmm-debye": ("elastic-limit-debye", "inelastic-limit-debye"),
    "elastic-limit-debye": ("inelastic-limit-debye",),
    "dmm-crystal": ("elastic-limit-crystal", "inelastic-limit-crystal"),
    "specular-limit-crystal": ("elastic-limit-crystal",),
    "elastic-limit-crystal": ("inelastic-limit-crystal",),
}


@pytest.mark.parametrize("count", [10, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore:.*imaginary:kapitza.errors.ValidityWarning")
@pytest.mark.filterwarnings("ignore:.*numbers of the library do not hold there:kapitza.errors.ValidityWarning")
def test_models_stay_below_the_limits_of_their_spectra(count: int) -> None:
    every = [name for name in materials() if describe_side(name).phonons or describe_side(name).elastic]
    drawn = np.random.default_rng(5).choice(every, (count, 2)).tolist()
    for left, right in [["Al", "Si"], ["Pb", "graphite"], ["Au", "graphite"], ["He-4 liquid", "Cu"], *drawn]:
        found = {one.model: one.emitted.value for one in model_estimates(left, right, [20.0, 300.0], "all")}
        full = "dmm-debye" in found  # then the limits of isotropic solids have names of their own
        of_debye = {"amm", "khalatnikov", "specular-limit"}
        pairs = [
            (name, f"{bound}-debye" if full and name in of_debye and bound != "specular-limit" else bound)
            for name in found
            for bound in BOUNDS.get(name, ())
        ]
        pairs = [(name, bound) for name, bound in pairs if bound in found]
        assert pairs
        for name, bound in pairs:
            slack = 1e-4 if bound == "dmm-anharmonic" else 1e-9  # frequencies of their own, with the halves of edges
            assert (found[name] <= found[bound] * (1 + slack)).all(), (left, right, name, bound)


def test_electrons_stand_in_series() -> None:
    """The resistance of electrons and lattice of Al adds to that of the lattices; √T, since its lattice has 1/T."""
    kelvin = np.array([150.0, 300.0, 600.0])
    lattices, whole = model_estimates("Al", "Al2O3", kelvin, ["dmm-anharmonic", "dmm-metal"])
    for drop in ("emitted", "local", "extrapolated"):
        added = getattr(whole, drop).resistance - getattr(lattices, drop).resistance
        wanted = metal("Al").resistance * np.sqrt(kelvin / 300)
        assert (np.abs(added / wanted - 1) <= 0.04).all()  # the electrons' share of the conductivity varies with T
        assert abs(added[1] / wanted[1] - 1) <= 1e-9


def test_anharmonic_bonds_open_a_channel_that_grows_with_temperature() -> None:
    """What three phonons add over the elastic model: nothing when cold, in proportion to T above."""
    elastic_, anharmonic = model_estimates("Pb", "diamond", [3.0, 150.0, 300.0], ["dmm", "dmm-anharmonic"])
    added = anharmonic.emitted.value - elastic_.emitted.value
    assert 0 <= added[0] <= 1e-3 * elastic_.emitted.value[0]
    assert abs(added[2] / added[1] - 2) <= 0.1


def test_titles_tell_the_spectrum() -> None:
    titles = {one.model: one.title for one in model_estimates("Al", "Si", 300.0, "all")}
    assert titles["dmm"] == "DMM, full spectra"
    assert titles["dmm-debye"] == "DMM, Debye"
    assert titles["elastic-limit"] == "elastic limit, full spectra"
    assert titles["elastic-limit-crystal"] == "elastic limit, crystals"
    (one,) = model_estimates(elastic("Al"), elastic("Si"), 300.0, ["elastic-limit"])
    assert one.title == "elastic limit, crystals"


@pytest.mark.filterwarnings("ignore:He-4 liquid. above 2.177 K:kapitza.errors.ValidityWarning")
def test_bands_are_taken_where_both_sides_have_them() -> None:
    """Full bands beside full bands, Debye beside Debye; what the card does not allow is not taken."""
    channels = ["dmm", "dmm-anharmonic", "dmm-metal"]
    assert [one.model for one in model_estimates("Al", "Si", 300.0)] == [*channels, "elastic-limit", "inelastic-limit"]
    classical = [one.model for one in model_estimates("Al", "Si", 300.0, statistics="classical")]
    assert classical == ["dmm", "elastic-limit", "inelastic-limit"]
    for left, right in (("Al", "a-SiO2"), ("He-4 liquid", "Cu"), (AL, "Si")):
        found = {one.model: one.title for one in model_estimates(left, right, 300.0, "all")}
        assert found["dmm"] == "DMM, Debye"
        assert "dmm-debye" not in found
    assert not phonon_card("VN").usable
    assert describe_side("VN").crystal is None
    assert phonon_card("HfO2").usable
    assert describe_side("PbSe").crystal is not None


def test_names_that_mean_more_than_one_thing() -> None:
    assert describe_side("SiO2").name == "a-SiO2"
    assert "alpha-quartz" in describe_side("SiO2").remark
    assert isinstance(describe_side("graphene").spectrum, Sheet)
    assert "single layer" in describe_side("MoS2").remark
    assert describe_side("MoS2").crystal is not None
    assert describe_side("YIG").solid is not None
    with pytest.raises(InputError, match="graphene or graphite for its wall"):
        describe_side("CNT")


def test_equal_sides_leave_no_boundary_in_the_acoustic_model() -> None:
    (found,) = model_estimates(AL, AL, 300.0, ["amm"])
    assert found.local is not None
    assert np.isinf(found.local.value).all()


def test_sheets_and_liquids_have_all_drops() -> None:
    for one in model_estimates("He-4 liquid", "Cu", [0.1, 1.0]):
        assert one.emitted.value.shape == (2,)
    (one,) = model_estimates(sheet("graphene"), "a-SiO2", 300.0, ["dmm"])
    assert one.title == "DMM, mixed spectra"


@pytest.mark.filterwarnings("ignore:.*no solid is known to stay solid:kapitza.errors.ValidityWarning")
def test_classical_statistics_saturate() -> None:
    quantum, classical = (
        model_estimates(AL, SI, [300.0, 3e4], ["dmm"], statistics=s)[0] for s in ("quantum", "classical")
    )
    assert classical.emitted.value[0] == classical.emitted.value[1]
    np.testing.assert_allclose(quantum.emitted.value[1], classical.emitted.value[1], rtol=1e-4, atol=0)


def test_classical_limits_take_the_classically_softer_side() -> None:
    """At 20 K diamond has less heat to give, in classical statistics Pb, which has the fewer modes."""
    asked = ["inelastic-limit", "radiation-left", "radiation-right", "elastic-limit"]
    limit, left, right, elastic_ = model_estimates("Pb", "diamond", 20.0, asked, statistics="classical")
    want = np.minimum(left.emitted.value, right.emitted.value)
    np.testing.assert_allclose(limit.emitted.value, want, rtol=1e-12, atol=0)
    assert elastic_.emitted.value <= limit.emitted.value
    with pytest.raises(InputError, match="no 'classical' statistics"):
        model_estimates("Pb", "diamond", 20.0, ["three-phonon"], statistics="classical")


def test_radiation_limits_have_no_drop_at_the_plane() -> None:
    for one in model_estimates(
        "Al", "Si", [20.0, 300.0], ["inelastic-limit", "inelastic-limit-crystal", "radiation-left"]
    ):
        assert one.drops == (one.emitted,)


def test_titles_do_not_promise_a_closed_channel() -> None:
    (closed,), (opened,) = (model_estimates("water", name, 300.0, ["khalatnikov"]) for name in ("Au", "Al"))
    assert closed.title == "Khalatnikov, bulk (Rayleigh wave closed)"
    assert opened.title == "Khalatnikov, bulk + Rayleigh"


def test_normals_turn_crystals() -> None:
    (flat,) = model_estimates("Al", "Si", 300.0, ["amm-crystal"])
    (turned,) = model_estimates("Al", "Si", 300.0, ["amm-crystal"], normals=((0, 0, 1), (1, 1, 0)))
    want = amm(elastic("Al"), elastic("Si", (1, 1, 0))).conductance(300.0).value
    np.testing.assert_array_equal(turned.emitted.value, want)
    assert turned.emitted.value[0] != flat.emitted.value[0]


def test_full_bands_from_files(data: Callable[[str], Path]) -> None:
    """Against a sum over frequencies and velocities of another code."""
    al, si = (str(data(f"crystals/{name}.yaml")) for name in ("Al", "Si"))
    (found,) = model_estimates(al, si, 300.0, ["dmm"])
    with data("crystals/dmm_z.csv").open(encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if (row["A"], row["B"], row["T_K"]) == ("Al", "Si", "300"))
    np.testing.assert_allclose(found.emitted.value, float(row["G_DMM_MW_m2K"]) * MW, rtol=0.01, atol=0)
    assert (found.title, found.left, found.right) == ("DMM, full spectra", "Al", "Si")


def test_bodies() -> None:
    assert is_path("Si.yaml")
    assert is_path("folder/Si")
    assert is_path("phonopy_params.yaml.xz")
    assert not is_path("a-SiO2")
    whole = describe_side("Al")
    assert whole.solid is not None
    assert whole.elastic is not None
    assert describe_side(material("Al")).name == "Al"
    assert isinstance(describe_side(fluid("water")).phonons, Fluid)
    assert isinstance(describe_side(elastic("Si")).elastic, Elastic)


def test_faults_are_one_line(tmp_path: Path) -> None:
    for call, words in (
        (lambda: find_model("dm"), "did you mean dmm"),
        (lambda: find_model("zzz"), "there are amm"),
        (lambda: model_estimates("Unobtainium", "Si", 300.0), "no material 'Unobtainium'"),
        (lambda: model_estimates(AL, SI, 0.0), "above 0 K"),
        (lambda: model_estimates(AL, SI, np.nan), "NaN"),
        (lambda: model_estimates(AL, SI, 300.0, ["amm-crystal"]), "needs the stiffness of both sides"),
        (lambda: model_estimates(AL, SI, 300.0, []), "no model fits"),
        (lambda: model_estimates(AL, 3.0, 300.0), "expected a solid"),  # pyright: ignore[reportArgumentType]
        (lambda: describe_side(Path("Si")), "no phonopy file"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"none\.yaml: there is no such file"):
        model_estimates(str(tmp_path / "none.yaml"), "Si", 300.0)


def test_every_model_can_be_cited() -> None:
    for one in citations():
        assert one.references
        assert [ref.key for ref in cite(one.name)] == list(one.references)
    used = {key for one in citations() for key in one.references}
    assert used == set(references())
    both = {one.key for name in ("gas-gap", "phonon-slip") for one in cite(name)}
    assert {one.key for one in cite("knudsen")} == both
    assert all(cite(family) for family in ("contact", "grain", "spin"))
    with pytest.raises(InputError, match="did you mean dmm"):
        cite("dmmm")


def test_bibtex_is_whole() -> None:
    for one in references().values():
        text = one.bibtex
        assert text.startswith(f"@{one.kind}{{{one.key},\n")
        assert text.count("{") == text.count("}")
        assert one.key.endswith(str(one.year))
        assert not one.doi or one.doi.startswith("10.")
        assert one.text.endswith(f" ({one.year})")
        assert (one.kind == "article") == bool(one.journal)


def test_a_crystal_whose_bands_are_refused_says_so():
    assert "bands are refused" in describe_side("VN").remark
    assert not describe_side("MgO").remark
