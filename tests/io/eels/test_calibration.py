"""Axes that are missing, wrong or turned round: read right, or refused with a message that says what to do."""

import numpy as np
import pytest

import kapitza
from kapitza.errors import InputError, ValidityWarning
from kapitza.io.eels.signals import FileAxis, energy_unit, find_energy, length_unit
from kapitza.units import eV, meV, nm


def units(step: float, text: str, channels: int = 128) -> list[dict[str, object]]:
    return [{"offset": -step * channels / 2, "scale": step, "units": text}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("eV", eV), ("ev", eV), ("EV", eV), (" eV ", eV), ("Energy Loss (eV)", eV), ("electron volts", eV),
        ("meV", meV), ("mEV", meV), ("mev", meV), ("[meV]", meV), ("keV", 1e3 * eV), ("MeV", 1e6 * eV),
        ("µeV", 1e-6 * eV), ("μeV", 1e-6 * eV), ("J", 1.0), ("cm-1", 1.986445857e-23), ("1/cm", 1.986445857e-23),
        ("nm", None), ("", None), ("j", None), ("µ", None),
    ],
)  # fmt: skip
def test_units_of_energy(text: str, value: float | None) -> None:
    got = energy_unit(text)
    if value is None:
        assert got is None
    else:
        np.testing.assert_allclose(got, value, rtol=1e-9, atol=0)


def test_units_of_length() -> None:
    found = [length_unit(text) for text in ("nm", "µm", "μm", "um", "Å", "A", "m", "px", "mrad", "1/nm", "NM")]
    assert found == [1e-9, 1e-6, 1e-6, 1e-6, 1e-10, 1e-10, 1.0, None, None, None, None]


def test_ev_and_mev_are_the_same_scan(ndata, made) -> None:
    counts = made((128,))
    one = kapitza.eels.read_eels(ndata(counts, dimensional_calibrations=units(5e-4, "eV")))
    other = kapitza.eels.read_eels(ndata(counts, dimensional_calibrations=units(0.5, "meV")))
    np.testing.assert_allclose(one.energy, other.energy, rtol=1e-12, atol=1e-15 * meV)


@pytest.mark.parametrize(
    ("step", "text", "reason"), [(0.5, "eV", "8e.03 meV wide"), (5e-4, "meV", "channels of 0.0005 meV")]
)
def test_a_unit_that_cannot_be_true(ndata, made, step: float, text: str, reason: str) -> None:
    """8 meV written as 8 eV, and the other way round."""
    path = ndata(made((128,)), dimensional_calibrations=units(step, text))
    with pytest.raises(
        kapitza.errors.DataError, match=rf"energy axis 'energy loss' in {text} would have .*{reason}.*energy_unit"
    ):
        kapitza.eels.read_eels(path)
    other = "meV" if text == "eV" else "eV"
    np.testing.assert_allclose(kapitza.eels.read_eels(path, energy_unit=other).step, 0.5 * meV, rtol=1e-9, atol=0)


@pytest.mark.parametrize("step", [0.5, 5e-4])
def test_no_unit_of_energy_but_only_one_can_be_true(ndata, made, step: float) -> None:
    path = ndata(made((128,)), dimensional_calibrations=units(step, ""))
    with pytest.warns(ValidityWarning, match="has no unit and is taken for m?eV, as only that can be true"):
        image = kapitza.eels.read_eels(path)
    np.testing.assert_allclose(image.step, 0.5 * meV, rtol=1e-9, atol=0)


def test_no_unit_of_energy_and_both_could_be_true(ndata) -> None:
    flat = np.full(128, 3.0)  # without a peak the step alone decides nothing
    path = ndata(flat, dimensional_calibrations=units(0.05, ""))
    with pytest.raises(kapitza.errors.DataError, match=r"has no unit, from -3\.2 to 3\.15: give energy_unit"):
        kapitza.eels.read_eels(path)


def test_an_axis_that_nobody_calibrated(ndata, made) -> None:
    path = ndata(made((128,)), dimensional_calibrations=[{"offset": 0.0, "scale": 1.0, "units": ""}])
    with pytest.raises(kapitza.errors.DataError, match="is not calibrated: it counts channels 0 to 127; give energy"):
        kapitza.eels.read_eels(path)
    energy = (np.arange(128) - 64) * meV
    np.testing.assert_array_equal(kapitza.eels.read_eels(path, energy=energy).energy, energy)
    with pytest.raises(InputError, match="100 points were given for axis 'energy loss' of 128"):
        kapitza.eels.read_eels(path, energy=energy[:100])


def test_positions_that_nobody_calibrated(ndata, made) -> None:
    bare = [{"offset": 0.0, "scale": 1.0, "units": ""}, *units(5e-4, "eV")]
    path = ndata(made((4, 128)), dimensional_calibrations=bare)
    with pytest.raises(kapitza.errors.DataError, match=r'is not calibrated.*position_unit="nm" \(one step a pixel\)'):
        kapitza.eels.read_eels(path)
    np.testing.assert_allclose(
        kapitza.eels.read_eels(path, position_unit="nm").position[0] / nm, range(4), rtol=1e-15, atol=0
    )
    given = [np.array([3.0, 2.0, 1.0, 0.0]) * nm]
    image = kapitza.eels.read_eels(path, position=given)
    np.testing.assert_array_equal(image.counts[0], made((4, 128))[3])
    with pytest.raises(InputError, match="along 2 axes, the file has 1"):
        kapitza.eels.read_eels(path, position=given * 2)
    with pytest.raises(InputError, match="unknown unit of length 'furlong'"):
        kapitza.eels.read_eels(path, position_unit="furlong")


def test_angles_are_no_positions(ndata, made) -> None:
    entries = [{"offset": 0.0, "scale": 1.0, "units": "mrad"}, *units(5e-4, "eV")]
    with pytest.raises(kapitza.errors.DataError, match="has the unit 'mrad', expected a length"):
        kapitza.eels.read_eels(ndata(made((4, 128)), dimensional_calibrations=entries))


def test_no_gain_side(ndata, made) -> None:
    path = ndata(made((128,)), dimensional_calibrations=[{"offset": 0.02, "scale": 5e-4, "units": "eV"}])
    with pytest.warns(ValidityWarning, match="starts at 20 meV: without a gain side no temperature"):
        image = kapitza.eels.read_eels(path)
    assert any("no gain side" in text for text in kapitza.eels.assess_spectra(image).warnings)


@pytest.mark.parametrize(
    ("scale", "words"),
    [(0.0, "is not calibrated: 128 points in steps of 0"), ("1", "expected numbers"), (None, "expected numbers")],
)
def test_steps_that_are_none(ndata, made, scale: object, words: str) -> None:
    entry = [{"offset": 0.0, "scale": scale, "units": "eV"}]
    with pytest.raises(kapitza.errors.DataError, match=words):
        kapitza.eels.read_eels(ndata(made((128,)), dimensional_calibrations=entry))


def test_calibrations_that_do_not_fit(ndata, hspy, made) -> None:
    with pytest.raises(kapitza.errors.DataError, match=r"has calibrations .* for an array of shape"):
        kapitza.eels.read_eels(ndata(made((4, 128)), dimensional_calibrations=units(5e-4, "eV")))
    with pytest.raises(kapitza.errors.DataError, match=r"its metadata say \[5, 128\]"):
        kapitza.eels.read_eels(ndata(made((4, 128)), data_shape=[5, 128]))
    with pytest.raises(kapitza.errors.DataError, match="has the size 99 for 128 counts"):
        kapitza.eels.read_eels(hspy(made((4, 128)), axes={-1: {"size": 99}}))
    with pytest.raises(kapitza.errors.DataError, match=r"given by an expression, which is not evaluated"):
        kapitza.eels.read_eels(hspy(made((4, 128)), axes={-1: {"_type": "FunctionalDataAxis"}}))
    with pytest.raises(kapitza.errors.DataError, match=r"starts at None in steps of 0\.0005, expected numbers"):
        kapitza.eels.read_eels(hspy(made((4, 128)), axes={-1: {"offset": None}}))


def test_too_many_axes_are_named(ndata, made) -> None:
    with pytest.raises(kapitza.errors.DataError, match="has 3 axes besides energy, expected up to two positions"):
        kapitza.eels.read_eels(ndata(made((2, 3, 4, 128))))
    image = kapitza.eels.read_eels(ndata(made((1, 3, 1, 128))))  # axes of one point say nothing
    assert image.shape == (3,)


def test_bad_pixels_are_kept_for_the_fit_to_flag(ndata, made) -> None:
    counts = made((4, 128))
    counts[1] = 0
    counts[2, 5] = np.nan
    counts[3, 6] = -7
    image = kapitza.eels.read_eels(ndata(counts))
    np.testing.assert_array_equal(image.counts[...], counts)


def test_which_axis_is_that_of_energy() -> None:
    place, plain, loss = FileAxis(size=3, units="nm"), FileAxis(size=4), FileAxis(size=5, units="eV")
    assert find_energy([loss, place]) == 0
    assert find_energy([place, FileAxis(size=5, name="Energy loss")]) == 1
    assert find_energy([place, FileAxis(size=5, signal=True), FileAxis(size=5, signal=False)]) == 1
    assert find_energy([plain]) == 0
    assert find_energy([plain, plain]) is None
    assert find_energy([loss, loss]) is None
    stack = [FileAxis(size=5, signal=False), FileAxis(size=3, signal=True), FileAxis(size=3, signal=True)]
    assert find_energy(stack) is None
    assert find_energy(stack, losses=True) == 0
