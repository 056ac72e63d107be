"""Published values of superlattices, composites, films, nanotubes and grains."""

import tomllib
from pathlib import Path

import numpy as np

from kapitza.device.composite import differential
from kapitza.device.film import film_across
from kapitza.device.free_paths import Scattering, gray
from kapitza.device.miniband import miniband
from kapitza.device.nanotube import cooling_time
from kapitza.device.polycrystal import GrainScattering, grained_solid
from kapitza.matter.library import solid
from kapitza.measure.catalogue import measured
from kapitza.units import MW, nm, um

ENTRIES = tomllib.loads((Path(__file__).resolve().parents[1] / "published" / "devices.toml").read_text("utf-8"))


def meets(entry, got):
    np.testing.assert_allclose(got, entry["value"], rtol=entry["tolerance"], atol=0)


def test_manganite_superlattice():
    """Masses of a unit cell of LaMnO3 and SrMnO3; the free path of three periods is 18 layers."""
    found = miniband(190.6 / 241.8, 18.0, [1, 2, 3, 4, 5, 6])
    meets(ENTRIES["superlattice_manganite"], 2 * found.minimum)


def test_diamond_in_aluminium():
    """Conductances as measured on flat interfaces."""
    bare = max(m.conductance.value[-1] for m in measured("Al", "diamond") if m.doi == "10.1103/PhysRevB.48.16373")
    np.testing.assert_allclose(bare, 44 * MW, rtol=1e-9, atol=0)
    for name, conductance in (("composite_bare", bare), ("composite_coated", 205 * MW)):
        meets(ENTRIES[name], differential(237.0, 1500.0, conductance, radius=50 * um, fraction=0.5)[0])


def test_flakes_of_boron_nitride():
    thin, thick = film_across(gray(1.0, 400 * nm), [7 * nm, 585 * nm])
    meets(ENTRIES["film_boron_nitride"], thick / thin)


def test_nanotubes_cool():
    meets(ENTRIES["nanotube_cooling"], cooling_time(12 * MW))


def test_nanocrystalline_silicon():
    boundaries = GrainScattering(100 * nm, 1.0, reference=1e13)
    low = grained_solid(solid("Si"), Scattering(1e-30), boundaries, [2.0, 4.0])
    meets(ENTRIES["grain_exponent"], np.log2(low[1] / low[0]))


def test_every_entry_has_a_source_and_a_bar():
    assert len(ENTRIES) >= 12
    for name, entry in ENTRIES.items():
        assert entry["source"], name
        assert entry["where"], name
        assert ("value" in entry and "tolerance" in entry) or ("low" in entry and "high" in entry), name
