"""Diffuse mismatch of tabulated full bands of crystals whose force constants are others'."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.transmission import Transmission
from kapitza.theory.dmm import ballistic_layers, dmm, thermalised_layers
from kapitza.theory.limits import elastic_limit, radiation_limit
from kapitza.theory.models import model_estimates
from kapitza.units import MW, THz
from matter_samples import silicon_dispersion

Published = Callable[[str, str], dict[str, Any]]


@frozen(eq=False)
class Tabulated:
    """Modes from a table, constant over each bin."""

    name: str
    edges: Array
    table: Array

    def modes(self, omega: Array) -> Array:
        width = 0.05 * THz
        index = np.floor(omega / width).astype(int)
        return np.where(index < self.table.size, self.table[np.minimum(index, self.table.size - 1)], 0.0)


@pytest.fixture(scope="session")
def tables(reference: Callable[[str], Path]) -> dict[str, Tabulated]:
    with np.load(reference("mismatch/channels_z.npz")) as data:
        centre = data["nu_THz"] * THz
        return {name: Tabulated(name, centre[-1:], data[name]) for name in data if name != "nu_THz"}


def test_full_band_table(reference: Callable[[str], Path], tables: dict[str, Tabulated]) -> None:
    """From the tabulated modes of full bands: diffuse mismatch, both radiation limits and the elastic limit."""
    with reference("mismatch/dmm_fullband_z.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["T_K"]) >= 100]
    omega = (np.arange(900) + 0.5) * 0.05 * THz
    for row in rows:
        left, right, kelvin = tables[row["A"]], tables[row["B"]], float(row["T_K"])
        results: dict[str, Transmission] = {
            "G_DMM_MW_m2K": dmm(left, right, omega),
            "G_rad_A": radiation_limit(left, right, "left", omega),
            "G_rad_B": radiation_limit(left, right, "right", omega),
            "G_maxtrans": elastic_limit(left, right, omega),
        }
        for column, result in results.items():
            got = result.conductance(kelvin).value / MW
            np.testing.assert_allclose(got, float(row[column]), rtol=0.02, atol=0, err_msg=str(row))


def test_a_phonon_bridge_depends_on_the_assumption(reference: Callable[[str], Path], published: Published) -> None:
    with np.load(reference("mismatch/channels_z.npz")) as data:
        kcl, al, diamond = (Tabulated(name, np.array([45 * THz]), data[name]) for name in ("KCl", "Al", "C"))
        omega = data["nu_THz"] * THz
    got = {
        "kcl_diamond_direct": ballistic_layers([kcl, diamond], omega).conductance(300).value.item(),
        "kcl_al_diamond_ballistic": ballistic_layers([kcl, al, diamond], omega).conductance(300).value.item(),
        "kcl_al_diamond_thermalised": thermalised_layers(
            [kcl, al, diamond], 300, theory=lambda left, right: dmm(left, right, omega)
        ).value.item(),
    }
    for name, value in got.items():
        row = published("diffuse", name)
        np.testing.assert_allclose(value, row["value"], rtol=row["tolerance"], atol=0, err_msg=name)
    assert got["kcl_al_diamond_ballistic"] < got["kcl_diamond_direct"] < got["kcl_al_diamond_thermalised"]


def test_silicon_brings_about_as_many_modes_as_the_full_bands(reference):
    """Isotropic fits against full bands along z: the same area under M(ω) within 20 %."""
    channels = np.load(reference("mismatch/channels_z.npz"))
    omega = channels["nu_THz"] * THz
    np.testing.assert_allclose(silicon_dispersion().modes(omega).sum(), channels["Si"].sum(), rtol=0.2, atol=0)


def test_full_bands_from_files(reference: Any) -> None:
    """Al/Si 430.7 MW/m²K at 300 K, as the mesh-converged reference has it."""
    al, si = (str(reference(f"mismatch/force_constants/{name}.yaml")) for name in ("Al", "Si"))
    (found,) = model_estimates(al, si, 300.0, ["dmm"])
    np.testing.assert_allclose(found.emitted.value, 430.7e6, rtol=0.02, atol=0)
    assert (found.title, found.left, found.right) == ("DMM, full spectra", "Al", "Si")
