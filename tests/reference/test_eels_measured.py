"""Spectra of others: a measured file of DigitalMicrograph, and tiny ones of another program."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.errors import ValidityWarning
from kapitza.measure.eels.quality import assess_spectra
from kapitza.units import eV, nm

Reference = Callable[[str], Path]


def test_a_measured_spectrum(reference: Reference, published: Callable[[str, str], dict[str, Any]]) -> None:
    """Zeiss Libra at 200 kV; its dark count was taken off, so that counts are below zero."""
    pytest.importorskip("rsciio")
    image = kapitza.eels.read_eels(reference("eels/real_Al_lowloss_20meV.dm3"))
    want = {name: published("eels_files", name) for name in ("channels", "start", "step", "fwhm")}
    got = {"channels": image.energy.size, "start": image.energy[0] / eV, "step": image.step / eV}
    found = assess_spectra(image)
    got["fwhm"] = found.resolution / eV
    for name, number in want.items():
        np.testing.assert_allclose(got[name], number["value"], rtol=number["tolerance"], atol=0)
    payload = np.asarray(image.counts[...], dtype="<f4").tobytes()
    assert payload in reference("eels/real_Al_lowloss_20meV.dm3").read_bytes()
    assert any("below zero" in text for text in found.warnings)


@pytest.mark.parametrize("name", ["ref_F_0_1.dm3", "ref_F_0_1.dm4"])
def test_a_tiny_spectrum_in_a_unit_that_is_none(name: str, reference: Reference) -> None:
    pytest.importorskip("rsciio")
    with pytest.raises(kapitza.errors.DataError, match="has the unit 'µ', expected an energy"):
        kapitza.eels.read_eels(reference(f"eels/{name}"))
    with pytest.warns(ValidityWarning, match="without a gain side"):
        image = kapitza.eels.read_eels(reference(f"eels/{name}"), energy_unit="eV")
    np.testing.assert_array_equal(image.counts[...], [0, 1, 2])
    np.testing.assert_allclose(image.energy / eV, [1.0, 3.0, 5.0], rtol=1e-6, atol=0)


def test_a_tiny_image_stored_energy_first(reference: Reference) -> None:
    pytest.importorskip("rsciio")
    path = reference("eels/ref_F_2_1.dm4")
    with pytest.raises(kapitza.errors.DataError, match=r"position axis 'y' of 3 points.*position_unit"):
        kapitza.eels.read_eels(path, energy_unit="eV")
    with pytest.warns(ValidityWarning, match="without a gain side"):
        image = kapitza.eels.read_eels(path, energy_unit="eV", position_unit="nm")
    np.testing.assert_array_equal(image.counts[...], np.arange(60).reshape(3, 4, 5))
    np.testing.assert_allclose(image.position[0] / nm, 1.0 + 2.0 * np.arange(3), rtol=1e-6, atol=0)
    np.testing.assert_allclose(image.position[1] / nm, 1.1 + 2.2 * np.arange(4), rtol=1e-6, atol=0)
    np.testing.assert_allclose(image.energy / eV, 1.2 + 2.4 * np.arange(5), rtol=1e-6, atol=0)
