"""One verb makes each kind of junction: it is that of the function for this kind."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.matter.building.contacts import ContactSprings, continued_junction, spring_junction
from kapitza.matter.building.interface import junction
from kapitza.matter.building.layers import crystal_lead, mass_junction
from kapitza.matter.building.mixed_junction import SiteMixing, junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.building.surface import orient_crystal
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.structure import structure


@pytest.fixture(scope="module")
def silicon():
    return crystal_from_potential(structure("Si"), published_potential("sw"))


def test_names_relax_in_a_potential():
    got = junction("Ar", "Kr", "lj", limit=0.07, layers=2)
    want = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2))
    assert got.name == want.name
    np.testing.assert_allclose(got.device[1].onsite, want.device[1].onsite, rtol=1e-12, atol=0)


def test_crystals_join_site_by_site(silicon):
    heavy = evolve(silicon, masses=2.6 * silicon.masses)
    got, want = (
        junction(silicon, heavy, "right", layers=3),
        junction_from_crystals(silicon, heavy, sites=SiteMixing(mixing="right", layers=3)),
    )
    assert len(got.device) == len(want.device)
    assert got.name == want.name
    np.testing.assert_allclose(got.device[1].hop, want.device[1].hop, rtol=1e-12, atol=0)
    assert junction(silicon, heavy).name == junction_from_crystals(silicon, heavy).name


def test_leads_touch_by_springs_or_differ_in_their_masses(silicon):
    lead = crystal_lead(orient_crystal(silicon, (0, 0, 1)), None)
    springs = ContactSprings(1e18, 1e17)
    got, want = junction(lead, lead, springs), spring_junction(lead, lead, springs)
    np.testing.assert_allclose(got.device[1].hop, want.device[1].hop, rtol=1e-12, atol=0)
    heavy = evolve(lead, masses=2.6 * lead.masses)
    got, want = junction(lead, heavy), mass_junction(lead, lead.masses, heavy.masses)
    np.testing.assert_allclose(got.right.masses, want.right.masses, rtol=1e-15, atol=0)
    assert got.name == want.name
    softer = evolve(lead, onsite=0.8 * lead.onsite, hop=0.8 * lead.hop)
    got, want = junction(lead, softer), continued_junction(lead, softer)
    np.testing.assert_allclose(got.device[1].hop, want.device[1].hop, rtol=1e-12, atol=0)


def test_what_does_not_join(silicon):
    lead = crystal_lead(orient_crystal(silicon, (0, 0, 1)), None)
    for call in (("Si", silicon, "sw"), (silicon, silicon, ContactSprings(1e18, 0)), ("Si", "Ge"), (lead, lead, "sw")):
        with pytest.raises(InputError, match="no junction of"):
            junction(*call)
    with pytest.raises(InputError, match="no junction of Lead and Lead"):
        junction(lead, lead, "mean")
