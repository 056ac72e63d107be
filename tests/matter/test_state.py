"""Temperatures between which a material is what its numbers describe, and what is said beyond them."""

import warnings

import numpy as np
import pytest

import kapitza
from kapitza.errors import DataError, ValidityWarning
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import load_materials, material, materials
from kapitza.measure.calibration.estimate import calibrated_conductance
from kapitza.theory.models import MODEL_REGISTER, model_estimates
from kapitza.theory.remarks import drop_remark, range_remarks
from kapitza.theory.sides import describe_sides

# fixed points of the International Temperature Scale of 1990, K: H. Preston-Thomas, Metrologia 27, 3 (1990),
# doi:10.1088/0026-1394/27/1/002, table 1
FREEZING_POINTS = {
    "In": 429.7485, "Sn": 505.078, "Zn": 692.677, "Al": 933.473, "Ag": 1234.93, "Au": 1337.33, "Cu": 1357.77,
}  # fmt: skip
BRASS = """
[materials.brass]
title = "brass"
formula = "Cu0.7Zn0.3"
symmetry = "isotropic"
density = {{ value = 8500, source = "mine" }}
speeds = {{ longitudinal = 4700, transverse = 2100, source = "mine" }}
state = {}
"""


def test_every_material_has_its_range_with_a_source() -> None:
    for name in materials():
        ends = [end for end in (material(name).state.low, material(name).state.high) if end is not None]
        assert ends, name
        for end in ends:
            assert kapitza.matter.source(end.source).title, name


def test_melting_points_are_the_fixed_points_of_the_temperature_scale() -> None:
    for name, kelvin in FREEZING_POINTS.items():
        state = material(name).state
        assert state.above == "molten"
        assert state.high is not None
        assert abs(state.high.value - kelvin) <= 1e-3, name


def test_tables_of_a_material_end_within_its_range() -> None:
    """But for cobalt, whose conductivity was measured across the change of its lattice at 695 K."""
    for name in materials():
        one = material(name)
        for table in (one.conductivity_table, one.inplane_table, one.heat_capacity_table):
            if table is not None and name != "Co":
                assert one.state.departure(table.temperature) == "", name


def test_helium_is_superfluid_below_its_lambda_point() -> None:
    """2.1768 K: R. J. Donnelly and C. F. Barenghi, doi:10.1063/1.556028."""
    state = material("He-4").state
    assert state.high is not None
    assert abs(state.high.value - 2.1768) <= 1e-3
    assert state.departure([0.1, 2.1]) == ""
    assert "not superfluid" in state.departure(4.0)


@pytest.mark.parametrize(
    ("left", "right", "kelvin", "said"),
    [
        ("He-4", "Cu", 300.0, ["He-4 liquid: above 2.177 K it is not superfluid"]),
        ("Al", "Si", 1e9, ["Al: above 933.5 K it is molten, asked for at 1e+09 K", "Si: above 1687 K it is molten"]),
        ("Pb", "Bi", 5000.0, ["Pb: above 600.6 K it is molten", "Bi: above 544.6 K it is molten"]),
        ("water", "Au", 200.0, ["water: below 273.1 K it is frozen"]),
        ("SrTiO3", "Al", 77.0, ["SrTiO3: below 105 K it is tetragonal"]),
    ],
)
def test_a_side_out_of_its_state_is_named(left: str, right: str, kelvin: float, said: list[str]) -> None:
    for call in (kapitza.predict, model_estimates):
        with pytest.warns(ValidityWarning) as caught:
            call(left, right, kelvin, ["elastic-limit"])
        texts = [str(one.message) for one in caught]
        assert len(texts) == len(said)
        assert all(text.startswith(start) for text, start in zip(texts, said, strict=True)), texts
        assert {one.filename for one in caught} == {__file__}


def test_within_their_state_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kapitza.predict("He-4", "Cu", [0.1, 2.0], ["khalatnikov"])
        kapitza.predict("Pb", "Bi", 300.0)


def test_nothing_is_solid_above_the_highest_melting_point() -> None:
    unknown = Solid("model", 2700, 6420, 3040, 6.026e28)
    with pytest.warns(ValidityWarning, match="model at 5000 K: no solid is known"):
        model_estimates(unknown, unknown, [300.0, 3000.0, 5000.0], ["dmm"])


def test_a_calibrated_estimate_of_a_melt_is_told() -> None:
    with pytest.warns(ValidityWarning, match=r"Pb: above 600\.6 K it is molten"):
        calibrated_conductance("Pb", "diamond", 650.0)


def test_materials_of_a_file_have_a_range_too(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BRASS.format('{ high = 1190, above = "molten", source = "mine" }'), encoding="utf-8")
    brass = load_materials(path)["brass"]
    assert brass.state.low is None
    assert brass.numbers()["molten above"].value == 1190
    with pytest.warns(ValidityWarning, match="brass: above 1190 K it is molten, asked for at 1300 K"):
        kapitza.predict(brass, "Si", 1300.0, ["dmm"])


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ('{ source = "mine" }', "expected low or high"),
        ('{ high = 1190, source = "mine" }', "state.above: expected a text"),
        ('{ low = 9, below = "a", high = 8, above = "b", source = "mine" }', "low = 9 K is not below high = 8 K"),
        ('{ high = -3, above = "b", source = "mine" }', "expected a finite number above 0"),
        ('{ melts = 3, source = "mine" }', "unknown key"),
    ],
)
def test_faults_of_a_range_are_named(tmp_path, state: str, fault: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BRASS.format(state), encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        load_materials(path)


def test_every_model_says_where_it_holds() -> None:
    assert all("Debye temperature" in one.validity for one in MODEL_REGISTER)


def test_models_of_sound_are_named_above_a_tenth_of_the_debye_temperature() -> None:
    sides = describe_sides("TiN", "MgO")
    debye = min(
        1.0545718e-34 * float(np.max(side.solid.cutoffs)) / 1.380649e-23 for side in sides if side.solid is not None
    )
    named = ["amm", "dmm-crystal", "dmm", "inelastic-limit"]
    assert range_remarks(named, *sides, [0.099 * debye]) == ()
    (remark,) = range_remarks(named, *sides, [0.101 * debye])
    assert remark.startswith("amm, dmm-crystal: waves of sound")
    assert range_remarks(["dmm", "inelastic-limit"], *sides, [2000.0]) == ()
    (remark,) = range_remarks(["khalatnikov", "dmm"], *describe_sides("He-4", "Cu"), [2.1])
    assert remark.startswith("khalatnikov, dmm: waves of sound")


def test_electrons_near_300_kelvin_are_not_those_of_a_cold_metal() -> None:
    sides = describe_sides("Al", "Si")
    (remark,) = range_remarks(["dmm", "dmm-metal"], *sides, [20.0, 300.0])
    assert remark.startswith("dmm-metal: the electrons of Al")
    assert range_remarks(["dmm", "dmm-metal"], *sides, [300.0]) == ()
    assert remark in kapitza.predict("Al", "Si", 20.0, ["dmm-metal"]).remarks


def test_a_drop_above_what_a_side_emits_is_told() -> None:
    r"""Acoustic mismatch of TiN on MgO: 3.8 GW m⁻² K⁻¹ below the limit of the softer side by the emitted drop, and
    $1/(1/G_e - 0.467165(1/G_L + 1/G_R))$ = 18.8 GW m⁻² K⁻¹, four times that limit, by the extrapolated one.
    """
    found = model_estimates("TiN", "MgO", 300.0, ["amm", "inelastic-limit-debye", "radiation-left", "radiation-right"])
    amm = found[0]
    assert amm.emitted.value[0] < found[1].emitted.value[0]
    assert amm.extrapolated is not None
    sides = model_estimates(
        *(describe_sides("TiN", "MgO")[i].solid for i in (0, 1)), 300.0, ["radiation-left", "radiation-right"]
    )
    one_sided = sum(1 / side.emitted.value[0] for side in sides)
    want = 1 / (1 / amm.emitted.value[0] - 0.467165 * one_sided)
    assert abs(amm.extrapolated.value[0] / want - 1) <= 0.02  # quadratures on frequencies of their own
    assert amm.extrapolated.value[0] > 4 * found[1].emitted.value[0]
    assert drop_remark(found, "emitted") == ""
    assert drop_remark(found, "extrapolated").startswith("amm: more than the softer side can emit")
    assert drop_remark([amm], "local").startswith("amm: more than the softer side can emit")
    assert drop_remark(model_estimates("Al", "Si", 300.0), "extrapolated") == ""
