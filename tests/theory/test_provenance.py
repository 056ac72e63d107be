"""Estimates say which numbers nobody has read."""

import pytest

from kapitza.matter.library import material, materials
from kapitza.matter.material import LIQUID_SYMMETRY
from kapitza.measure.interface import predict
from kapitza.theory.provenance import unverified_remarks
from kapitza.theory.sides import describe_side, describe_sides

WAVES = {"density", "atoms", "longitudinal speed", "transverse speed"}


@pytest.mark.parametrize("name", materials())
def test_waves_from_memory_are_named(name: str):
    """A line stands where, and only where, the library has a number of waves from memory."""
    one = material(name)
    model = "khalatnikov" if one.symmetry == LIQUID_SYMMETRY else "dmm-debye"
    lines = unverified_remarks([model], describe_side(name), describe_side("Nb"))
    taken = [number for key, number in one.numbers().items() if key in WAVES or key in one.constants]
    assert bool(lines) == (not all(number.verified for number in taken))
    assert all(line.startswith(f"numbers of {name} are not verified: ") for line in lines)


def test_bands_take_nothing_from_the_library():
    assert unverified_remarks(["dmm"], *describe_sides("ZnTe", "GaAs")) == ()
    assert unverified_remarks(["dmm-debye"], *describe_sides("ZnTe", "GaAs")) == (
        "numbers of ZnTe are not verified: elastic constants",
    )


def test_electrons_are_named_where_they_are_taken():
    assert unverified_remarks(["dmm"], describe_side("Au"), describe_side("Al2O3")) == ()
    assert unverified_remarks(["dmm-metal"], describe_side("Au"), describe_side("Al2O3")) == (
        "numbers of Au are not verified: lattice conductivity, electron-phonon coupling",
    )


def test_prediction_has_the_line():
    found = predict("YIG", "Si", 300)
    assert found.remarks[-1] == "numbers of YIG are not verified: elastic constants"
