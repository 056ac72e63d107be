"""Published values of transistors, superlattices, composites, films, nanotubes and grains."""

import tomllib
from pathlib import Path

import numpy as np

from kapitza.applications.composite import cooling_time, differential_effective_medium
from kapitza.applications.film import film_cross_plane
from kapitza.applications.free_paths import DebyeScattering, gray_free_path
from kapitza.applications.polycrystal import GrainScattering, debye_polycrystal
from kapitza.applications.superlattice import miniband_conductivity
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.shapes import Rectangle
from kapitza.matter.library import solid
from kapitza.measure.catalogue import measured
from kapitza.units import MW, nm, um

ENTRIES = tomllib.loads((Path(__file__).resolve().parents[1] / "published" / "devices.toml").read_text("utf-8"))


def meets(entry, got):
    np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)


def test_manganite_superlattice():
    """Masses of a unit cell of LaMnO3 and SrMnO3; the free path of three periods is 18 layers."""
    found = miniband_conductivity(190.6 / 241.8, 18.0, [1, 2, 3, 4, 5, 6])
    meets(ENTRIES["superlattice_manganite"], 2 * found.minimum)


def test_diamond_in_aluminium():
    """Conductances as measured on flat interfaces."""
    bare = max(m.conductance.value[-1] for m in measured("Al", "diamond") if m.doi == "10.1103/PhysRevB.48.16373")
    np.testing.assert_allclose(bare, 44 * MW, rtol=1e-9, atol=0)
    for name, conductance in (("composite_bare", bare), ("composite_coated", 205 * MW)):
        meets(ENTRIES[name], differential_effective_medium(237.0, 1500.0, conductance, radius=50 * um, fraction=0.5)[0])


def test_flakes_of_boron_nitride():
    thin, thick = film_cross_plane(gray_free_path(1.0, 400 * nm), [7 * nm, 585 * nm])
    meets(ENTRIES["film_boron_nitride"], thick / thin)


def test_transistors_on_diamond_and_on_silicon_carbide():
    """Half of eight fingers, with the planes of symmetry through the middle of them."""
    fingers = [
        HeatSource(f"finger {i}", 0.3, Rectangle(((30 * i + 14.5) * um, (30 * i + 15.5) * um), (0, 62.5 * um)))
        for i in range(4)
    ]
    peaks: list[float] = []
    for base, resistance in (
        (Layer("SiC", 100 * um, 390, in_plane=490), 20e-9),
        (Layer("diamond", 100 * um, 1500), 12e-9),
    ):
        stack = Stack([Layer("GaN", 1 * um, 160), base], [1 / resistance])
        peaks.append(solve_layered(Device(stack, fingers, Box(400 * um, 400 * um)), sensitivity=False).peak)
    meets(ENTRIES["gan_on_diamond"], 1 - peaks[1] / peaks[0])


def test_nanotubes_cool():
    meets(ENTRIES["nanotube_cooling"], cooling_time(12 * MW))


def test_nanocrystalline_silicon():
    boundaries = GrainScattering(100 * nm, 1.0, reference=1e13)
    low = debye_polycrystal(solid("Si"), DebyeScattering(1e-30), boundaries, [2.0, 4.0])
    meets(ENTRIES["grain_exponent"], np.log2(low[1] / low[0]))


def test_every_entry_has_a_source_and_a_bar():
    assert len(ENTRIES) >= 12
    for name, entry in ENTRIES.items():
        assert entry["source"], name
        assert entry["where"], name
        assert ("value" in entry and "tolerance" in entry) or ("low" in entry and "high" in entry), name
