"""The catalogue is consistent in itself, and with the abstracts that were read."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.library import material, materials
from kapitza.measure.catalogue import COMPILATION, load_catalogue, measured, measured_interfaces
from kapitza.units import GW, MW, GPa

DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+")
ADDRESS = re.compile(r"https://(hdl\.handle\.net|apps\.dtic\.mil|pubs\.aip\.org|www\.mdpi\.com)/[-._/A-Za-z0-9]+")
ENTRIES = load_catalogue()
LIBRARY = set(materials())


def test_catalogue_covers_the_interfaces_that_were_promised():
    assert len(measured_interfaces()) >= 45
    assert len({frozenset(pair) for pair in measured_interfaces()}) == len(measured_interfaces())


@pytest.mark.parametrize("name", sorted({side for entry in ENTRIES for side in entry.sides} & LIBRARY))
def test_every_side_that_the_library_knows_has_its_own_name(name):
    assert material(name).name == name


def test_sides_that_the_library_does_not_know_are_sheets_alloys_molecules_and_a_few_others():
    others = {side for entry in ENTRIES for side in entry.sides} - set(materials(unverified=True))
    alloys = {name for name in others if re.fullmatch(r"Au0\.\d+(Cu|Pd)0\.\d+", name)}
    assert others - alloys <= {
        *("graphene", "MoS2", "MoSe2", "Ti3C2", "CuPc", "C60", "AlOx", "BeO", "NiSi2", "CoPt", "BAs", "AlGaN"),
        *("SrRuO3", "Zr47Cu31Al13Ni9", "a-Zr47Cu31Al13Ni9", "graphene-Ti composite"),
    }
    assert not others & {alias for name in materials() for alias in material(name).aliases}


def test_a_material_whose_numbers_are_left_out_can_be_asked_for():
    assert measured("a-Al2O3", "Au")
    assert measured("PDMS", "Si") == ()


def test_every_value_is_physical_sourced_and_of_the_extrapolated_drop():
    for entry in ENTRIES:
        known = entry.conductance
        assert DOI.fullmatch(entry.doi) or ADDRESS.fullmatch(entry.doi), entry.doi
        assert entry.address.startswith("https://")
        assert entry.citation
        assert entry.method
        assert known.source == entry.doi
        assert entry.left != entry.right or entry.condition == "bonded" or entry.flag
        assert known.drop == "extrapolated"
        assert known.statistics == "quantum"
        assert known.value.min() > 1e-2 * MW, (entry.left, entry.right)
        assert known.value.max() < (1e6 if entry.carriers == "electrons" else 1e5) * MW, (entry.left, entry.right)
        assert (known.temperature >= 1).all()
        assert (known.temperature <= 1000).all()
        if known.sigma is not None:
            assert (known.sigma > 0).all()
            assert (known.sigma < known.value).all()
        assert entry.thickness is None or 1e-10 < entry.thickness < 1e-5
        assert 0 <= entry.pressure <= 100 * GPa


def test_conductance_does_not_fall_by_more_than_noise_where_a_series_of_temperatures_is_given():
    """Phonons freeze out on cooling: a series may be noisy, but a value entered wrongly stands out.

    Layers in between have a conductivity of their own, which may fall on heating.
    """
    for entry in (one for one in ENTRIES if not one.interlayer and {one.left, one.right} <= LIBRARY):
        worst = -0.4 if entry.doi == "10.1103/PhysRevB.48.16373" else -0.25
        assert (np.diff(np.log(entry.conductance.value)) > worst).all(), (entry.left, entry.right, entry.citation)


def test_catalogue_counts_by_source():
    """What was entered stays entered: numbers of values, of sources, and of the larger sources."""
    size = Counter()
    for entry in ENTRIES:
        size[entry.doi] += entry.conductance.value.size
    assert sum(size.values()) >= 1300
    assert len(size) >= 100
    want = {
        "10.1103/PhysRevB.48.16373": 106,
        "10.1103/PhysRevB.73.144301": 65,
        "10.1103/PhysRevB.84.035438": 66,
        "10.1063/1.3245315": 64,
        "10.1002/adma.201801629": 71,
        "10.1103/PhysRevLett.109.175503": 19,
        "https://hdl.handle.net/10027/22188": 208,
    }
    assert {doi: size[doi] for doi in want} == want


def test_values_by_way_of_the_compilation_name_it():
    assert {entry.via for entry in ENTRIES if entry.provenance == "compilation"} == {COMPILATION}
    assert {entry.via for entry in ENTRIES if entry.provenance != "compilation"} == {""}


def test_flags_say_why_and_set_a_value_aside():
    flagged = [entry for entry in ENTRIES if entry.flag]
    assert len(flagged) >= 30
    assert {entry.flag.split(":")[0] for entry in flagged} <= {"duplicate", "outlier", "computed", "uncertain side"}
    assert all(entry.exclusion for entry in flagged)


def test_equal_values_of_one_source_are_flagged_or_of_samples_that_differ():
    """A series that repeats another of its source to the digit has been entered twice."""
    seen = {}
    for entry in ENTRIES:
        if entry.conductance.value.size > 2 and not entry.flag:
            key = (entry.doi, entry.left, entry.right, tuple(entry.conductance.value.round(-3)))
            assert key not in seen, key
            seen[key] = entry


def test_values_of_one_contact_agree_within_plausible_factors():
    """Laboratories disagree, but a contact of two solids does not span more than a factor 100 near 300 K."""
    found = defaultdict(list)
    for entry in (one for one in ENTRIES if not one.exclusion and one.condition != "van der Waals"):
        found[entry.sides] += [entry.conductance.value[k] for k in entry.near(300)]
    assert max(max(values) / min(values) for values in found.values() if values) < 100


def test_order_of_sides_does_not_matter():
    for left, right in measured_interfaces():
        assert measured(left, right) == measured(right, left) != ()


def test_measurements_of_one_material_are_those_of_all_its_interfaces():
    alone = measured("diamond")
    assert alone == measured(right="diamond")
    assert {entry.sides for entry in alone} == {frozenset(p) for p in measured_interfaces() if "diamond" in p}
    assert measured() == ENTRIES


def test_temperature_selects_what_was_measured_there():
    cold = measured("Pb", "diamond", 100)
    assert [entry.citation.split(" and ")[0] for entry in cold] == ["R. J. Stoner", "H.-K. Lyeo"]
    assert measured("Pb", "diamond", 1.0) == ()
    assert len(measured("Pb", "diamond", 100, window=0.25)) == 3


def test_aliases_of_the_library_work():
    assert measured("Al", "Al2O3") == measured("Al", "sapphire")


def test_crystal_named_without_polytype_stands_for_all_of_them():
    found = measured("SiC", "GaN")
    assert found == measured("GaN", "4H-SiC") != ()
    assert {side for e in measured("SiC") for side in e.sides if "SiC" in side} == {"3C-SiC", "4H-SiC", "6H-SiC"}
    assert measured("GaN", "3C-SiC") == ()


def test_same_material_twice_is_no_interface_of_the_catalogue():
    assert measured("Al", "Al") == ()


def test_unknown_material_offers_near_names():
    with pytest.raises(InputError, match=r"diamnd.*diamond"):
        measured("Al", "diamnd")


def test_material_without_a_measurement_has_none():
    assert measured("Al", "LiF") == ()


@pytest.mark.parametrize("temperature", [0, -3.0, float("nan")])
def test_impossible_temperature_is_refused(temperature):
    with pytest.raises(InputError):
        measured("Al", "Si", temperature)


def test_contacts_that_no_phonon_theory_of_two_solids_describes_are_set_aside():
    why = {(e.left, e.right): e.exclusion for e in measured() if e.exclusion}
    assert why["Al", "Cu"] == "heat carried by electrons"
    assert why["Al", "MgO"] == "at 60 GPa"
    assert why["Au", "water"].startswith("interlayer: ")


@pytest.mark.parametrize(
    ("name", "left", "right", "temperature"),
    [
        ("tin_mgo", "TiN", "MgO", 294),
        ("al_cu", "Al", "Cu", 298),
        ("zno_gan", "ZnO", "GaN", 300),
        ("gan_sic_600", "GaN", "4H-SiC", 600),
        ("cr_diamond", "Cr", "diamond", 298),
        ("bi_si", "Bi", "Si", 298),
        ("gan_diamond_resistance", "GaN", "diamond", 300),
    ],
)
def test_values_of_abstracts_stand_as_printed(published, name, left, right, temperature):
    want = published("measure", name)
    unit = MW if want["unit"].startswith("MW") else 1 / GW
    found = [entry for entry in measured(left, right, temperature) if entry.doi == want["doi"]]
    values = [
        entry.conductance.at(temperature)[0] if unit == MW else entry.conductance.resistance[0]
        for entry in found
        if temperature in entry.conductance.temperature and entry.provenance == "abstract"
    ]
    np.testing.assert_allclose(values, want["value"] * unit, rtol=want["tolerance"], atol=0)


def test_uncertainty_of_a_resistance_becomes_that_of_the_conductance():
    (waller,) = (e for e in measured("GaN", "diamond") if e.doi == "10.1088/1361-6641/ab9d35")
    got = waller.conductance
    np.testing.assert_allclose(got.sigma / got.value, 70 / 220, rtol=1e-12, atol=0)
