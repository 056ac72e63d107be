"""Results that are computed once for each user: found again, and never in the way."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.matter.bands import cached_spectrum
from kapitza.matter.phonons import phonon_spectrum, phonons
from kapitza.run.store import UnitResult, cache_store, compute_once


class Kernel:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> UnitResult:
        self.count += 1
        return {"value": np.arange(3.0)}


def test_results_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path / "cache"))
    kernel = Kernel()
    for _ in range(2):
        np.testing.assert_array_equal(compute_once(kernel, {"a": 1}, version="1")["value"], np.arange(3.0))
    assert kernel.count == 1
    compute_once(kernel, {"a": 2}, version="1")
    compute_once(kernel, {"a": 1}, version="2")
    assert kernel.count == 3
    assert len(list((tmp_path / "cache").rglob("*.unit"))) == 3


def test_a_folder_that_cannot_be_used_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    kernel = Kernel()
    for folder in (tmp_path / "file", tmp_path / "file" / "cache", ""):
        monkeypatch.setenv("KAPITZA_CACHE", str(folder))
        compute_once(kernel, {"a": 1}, version="1")
    assert kernel.count == 3
    assert cache_store() is None

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.fsync", full)
    compute_once(kernel, {"a": 1}, version="1")
    assert not list((tmp_path / "cache").rglob("*.unit"))


def test_damaged_results_are_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path))
    kernel = Kernel()
    compute_once(kernel, {"a": 1}, version="1")
    (path,) = tmp_path.rglob("*.unit")
    path.write_bytes(path.read_bytes()[:-5])
    compute_once(kernel, {"a": 1}, version="1")
    assert kernel.count == 2


def test_systems_have_a_folder_for_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAPITZA_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    store = cache_store()
    assert store is not None
    assert store.folder == tmp_path / "kapitza"


def test_spectra_from_the_cache_are_those_of_the_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second road: the bands themselves, without a cache, to the last bit; other normals have other spectra."""
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path))
    want = phonons("MgO", (1, 1, 0))
    for _ in range(2):
        phonon_spectrum.cache_clear()
        got = phonon_spectrum("MgO", (1, 1, 0))
        np.testing.assert_array_equal(got.edges, want.edges)
        omega = np.linspace(0, got.edges[-1], 500)
        np.testing.assert_array_equal(got.modes(omega), want.modes(omega))
        np.testing.assert_array_equal(got.density_of_states(omega), want.density_of_states(omega))
        assert (got.density, got.atoms) == (want.density, want.atoms)
    assert len(list(tmp_path.rglob("*.unit"))) == 1
    phonon_spectrum("MgO", (0, 0, 1))
    assert len(list(tmp_path.rglob("*.unit"))) == 2
    assert cached_spectrum("MgO", {"other": 1}, lambda: want.spectrum) is want.spectrum
