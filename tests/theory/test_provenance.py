"""Estimates say which numbers nobody has read."""

from pathlib import Path

import pytest

from kapitza.matter.library import load_materials, material, materials
from kapitza.matter.material import Material
from kapitza.measure.interface import predict
from kapitza.theory.remarks import left_out_remarks, unverified_remarks
from kapitza.theory.sides import describe_side, describe_sides

OWN = """
[units]
density = "kg/m3"
length = "angstrom"
stiffness = "GPa"
speed = "m/s"
conductivity = "W/mK"
heat_capacity = "J/kgK"

[materials.mine]
title = "my metal"
aliases = []
formula = "Cu"
symmetry = "cubic"
density = { value = 8960, source = "own" }
stiffness = { C11 = 168, C12 = 121, C44 = 75.7, source = "own", verified = false }
[materials.mine.electrons]
conductivity = { value = 400, source = "own" }
coupling = { value = 6e16, source = "own", verified = false }
lattice = { value = 10, source = "own", verified = false }
"""


@pytest.fixture
def own(tmp_path: Path) -> Material:
    """A metal of a file of one's own, with numbers that its author did not verify."""
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")
    return load_materials(tmp_path / "mine.toml")["mine"]


@pytest.mark.parametrize("name", materials())
def test_library_is_verified(name: str):
    """No model takes an unverified number of the library, so that no estimate has to say so."""
    side = describe_side(name)
    for model in ("khalatnikov", "dmm-debye", "amm-crystal", "dmm", "dmm-metal"):
        assert unverified_remarks([model], side, describe_side("Nb")) == ()


def test_waves_of_an_own_material_are_named(own: Material):
    side = describe_side(own)
    assert unverified_remarks(["dmm-debye"], side, describe_side("GaAs")) == (
        "numbers of mine are not verified: elastic constants",
    )


def test_electrons_are_named_where_they_are_taken(own: Material):
    sides = describe_side(own), describe_side("Al2O3")
    assert "electron" not in unverified_remarks(["dmm-debye"], *sides)[0]
    assert "lattice conductivity, electron-phonon coupling" in unverified_remarks(["dmm-metal"], *sides)[0]


def test_prediction_has_the_line(own: Material):
    found = predict(own, "Si", 300)
    assert found.remarks[-1].startswith("numbers of mine are not verified: elastic constants")


def test_electrons_that_are_left_out_are_named():
    """Only where they would count: a metal with full bands on a side without electrons."""
    silver, silicon = describe_sides("Ag", "Si")
    remark = "electrons of Ag are left out: their electron-phonon coupling is not verified"
    assert left_out_remarks(silver, silicon) == left_out_remarks(silicon, silver) == (remark,)
    assert left_out_remarks(silver, describe_side("Nb")) == ()
    assert left_out_remarks(*describe_sides("Au", "Si")) == ()
    assert left_out_remarks(*describe_sides("W", "Si")) == ()


def test_conductivities_that_are_left_out_are_named():
    remark = "the apparent conductance is left out: the conductivity of NaCl is not verified"
    assert left_out_remarks(*describe_sides("Si", "NaCl")) == (remark,)
    found = predict("Si", "NaCl", 300)
    assert found.apparent is None
    assert remark in found.remarks
    assert left_out_remarks(describe_side(material("NaCl", unverified=True)), describe_side("Si")) == ()
