"""The reference scan, in every format it was written in: the same counts, and temperatures as good as can be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza.io.eels.spectra import read_eels
from kapitza.measure.eels.fit import fit_spectra
from kapitza.measure.eels.model import VibrationalMode
from kapitza.units import meV

Data = Callable[[str], Path]


@pytest.fixture(scope="module")
def truth(data: Data) -> dict[str, Any]:
    return json.loads(data("eels/truth.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["vib_line.nxs", "vib_line_nion.h5", "vib_line_nion.ndata"])
def test_formats_hold_the_same_counts(name: str, data: Data) -> None:
    if name.endswith(".nxs"):
        pytest.importorskip("rsciio", reason="this format is read through RosettaSciIO")
    first, other = read_eels(data("eels/vib_line.hspy")), read_eels(data(f"eels/{name}"))
    assert first.shape == other.shape == (4, 32)
    np.testing.assert_array_equal(other.block(0, 128), first.block(0, 128))
    np.testing.assert_allclose(other.energy, first.energy, rtol=0, atol=1e-6 * meV)


def test_temperatures_of_the_reference_scan(data: Data, truth: dict[str, Any]) -> None:
    image = read_eels(data("eels/vib_line.hspy"))
    modes = [VibrationalMode(f"m{m['E_meV']:.0f}", m["E_meV"] * meV, m["sigma_meV"] * meV) for m in truth["modes"]]
    found = fit_spectra(image, modes)
    assert found.good.all()
    off = found.temperature - np.array(truth["T_K"])
    assert abs(off.mean()) < 1.0
    assert 0.8 < off.std(ddof=1) / 3.6 < 1.2
    assert 0.87 < np.std(off / found.sigma) < 1.13
    centre = found.parameter("centre") / meV - np.array(truth["zlp_shift_meV"])
    assert np.sqrt(np.mean(centre**2)) < 0.002
    assert np.abs(centre).max() < 0.002
