"""Files of spectra written here byte by byte, so that a reader is held against something it did not write."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Write = Callable[..., Path]


def spectra(shape: tuple[int, ...], seed: int = 1) -> NDArray[np.float32]:
    """Peaks of 16 channels width on a flat background, Poisson."""
    channel = np.arange(shape[-1])
    peak = 1e5 * np.exp(-4 * np.log(2) * ((channel - shape[-1] / 2) / 16) ** 2) + 10
    return np.random.default_rng(seed).poisson(np.broadcast_to(peak, shape)).astype(np.float32)


def calibrations(shape: tuple[int, ...], step: float = 5e-4, units: str = "eV") -> list[dict[str, Any]]:
    """Positions of 2 nm each and energies that start at -step·channels/2."""
    places = [{"offset": 1.0, "scale": 2.0, "units": "nm"} for _ in shape[:-1]]
    return [*places, {"offset": -step * shape[-1] / 2, "scale": step, "units": units}]


def properties(counts: NDArray[Any], **changes: Any) -> dict[str, Any]:
    """Metadata as Nion Swift writes them."""
    return {
        "data_shape": list(counts.shape),
        "data_dtype": str(counts.dtype),
        "is_sequence": False,
        "collection_dimension_count": counts.ndim - 1,
        "datum_dimension_count": 1,
        "intensity_calibration": {"offset": 0.0, "scale": 1.0, "units": "counts"},
        "dimensional_calibrations": calibrations(counts.shape),
        "metadata": {"hardware_source": {"exposure": 0.5, "signal_type": "eels"}},
        "title": "line",
    } | changes


def npy(counts: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, counts)
    return buffer.getvalue()


@pytest.fixture
def made() -> Callable[..., NDArray[np.float32]]:
    return spectra


@pytest.fixture
def ndata(tmp_path: Path) -> Write:
    """Write an .ndata file; `members` replace its parts."""

    def write(
        counts: NDArray[Any],
        *,
        compression: int = zipfile.ZIP_STORED,
        members: dict[str, bytes] | None = None,
        **changes: Any,
    ) -> Path:
        path = tmp_path / "scan.ndata"
        parts = {"data.npy": npy(counts), "metadata.json": json.dumps(properties(counts, **changes)).encode()}
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in (parts | (members or {})).items():
                archive.writestr(name, data)
        return path

    return write


@pytest.fixture
def swift_h5(tmp_path: Path) -> Write:
    """Write an .h5 file as Nion Swift keeps them."""
    h5py = pytest.importorskip("h5py")

    def write(counts: NDArray[Any], *, text: str | None = None, chunks: Any = None, **changes: Any) -> Path:
        path = tmp_path / "scan.h5"
        with h5py.File(path, "w") as file:
            dataset = file.create_dataset("data", data=counts, chunks=chunks)
            dataset.attrs["properties"] = json.dumps(properties(counts, **changes)) if text is None else text
        return path

    return write


@pytest.fixture
def hspy(tmp_path: Path) -> Write:
    """Write an .hspy file; `axes` replace single attributes of its axes, the last one by the key -1."""
    h5py = pytest.importorskip("h5py")

    def write(
        counts: NDArray[Any],
        *,
        titles: tuple[str, ...] = ("line",),
        axes: dict[int, dict[str, Any]] | None = None,
        **stored: Any,
    ) -> Path:
        path = tmp_path / "scan.hspy"
        with h5py.File(path, "w") as file:
            file.attrs["file_format"] = "HyperSpy"
            for title in titles:
                group = file.create_group(f"Experiments/{title}")
                group.create_dataset("data", data=counts, **stored)
                group.create_group("metadata/Signal").attrs["signal_type"] = "EELS"
                group.create_group("metadata/Acquisition_instrument/TEM/Detector/EELS").attrs["dwell_time"] = 0.25
                for i, one in enumerate(calibrations(counts.shape)):
                    last = i == counts.ndim - 1
                    entry = {
                        "name": "Energy loss" if last else f"p{i}",
                        "size": counts.shape[i],
                        "navigate": not last,
                    } | one
                    entry |= (axes or {}).get(i - counts.ndim, {})
                    attrs = group.create_group(f"axis-{i}").attrs
                    for key, value in entry.items():
                        if value is not None:
                            attrs[key] = value
        return path

    return write


@pytest.fixture
def msa(tmp_path: Path) -> Write:
    """Write an .msa file; keywords replace lines of its head."""

    def write(counts: NDArray[Any], *, body: str | None = None, end: str = "#ENDOFDATA   : \n", **changes: str) -> Path:
        path = tmp_path / "point.msa"
        head = {
            "FORMAT": "EMSA/MAS Spectral Data File",
            "VERSION": "1.0",
            "TITLE": "point",
            "NPOINTS": f"{counts.size}",
            "NCOLUMNS": "1",
            "XUNITS": "eV",
            "DATATYPE": "Y",
            "XPERCHAN": "5E-4",
            "OFFSET": f"{-5e-4 * counts.size / 2!r}",
            "SIGNALTYPE": "ELS",
            "INTEGTIME   -ms": "250.0",
        } | changes
        lines = [f"#{key:<12}: {value}\n" for key, value in head.items() if value != "none"]
        text = body if body is not None else "".join(f"{value!r}, \n" for value in counts.tolist())
        path.write_text("".join(lines) + "#SPECTRUM    : \n" + text + end, encoding="latin-1")
        return path

    return write
