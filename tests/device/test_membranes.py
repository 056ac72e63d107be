"""Published conductivities along suspended silicon membranes beside the closed form of Fuchs and Sondheimer."""

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import norm

from kapitza.applications.film import film_in_plane
from kapitza.applications.free_paths import FreePaths
from kapitza.matter.library import solid
from kapitza.simulate.boltzmann.carriers import ScatteringRates
from kapitza.simulate.boltzmann.spectral_carriers import spectral_carriers

BULK = 148.0  # W m⁻¹ K⁻¹
QUANTILE = norm.ppf((np.arange(200) + 0.5) / 200)


def spread_paths(median, width):
    """Free paths whose logarithms are normally distributed, all alike in the bulk conductivity."""
    return FreePaths(median * np.exp(width * QUANTILE), np.full(QUANTILE.size, BULK / QUANTILE.size))


def test_two_membranes_foretell_a_third(published):
    """Two shares of the bulk fix median and width of the free paths; an eighth decade below, another method agrees."""
    known = [published("films", f"silicon_membrane_{nm}_nm") for nm in (15, 1500)]
    thickness, share = (np.array([one[key] for one in known]) for key in ("thickness", "value"))
    found = least_squares(
        lambda x: film_in_plane(spread_paths(np.exp(x[0]), x[1]), thickness) / BULK / share - 1, [np.log(3e-7), 1.5]
    )
    np.testing.assert_allclose(found.fun, 0.0, rtol=0, atol=known[0]["tolerance"])
    paths = spread_paths(np.exp(found.x[0]), found.x[1])
    third = published("films", "silicon_membrane_9_nm")
    got = film_in_plane(paths, third["thickness"])[0]
    np.testing.assert_allclose(got, third["value"], rtol=third["tolerance"], atol=0)
    assert got > third["value"]  # walls alone: nothing that a membrane of 9 nm adds


def test_one_rate_of_a_debye_solid_holds_too_few_long_paths(published):
    """Scaled to the bulk, a Debye solid with one umklapp rate conducts too well along both membranes."""
    bulk = spectral_carriers(
        solid("Si"), ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3), conductivity=BULK
    )
    used = bulk.contribution > 0
    paths = FreePaths(bulk.path[used], bulk.contribution[used])
    for nm, most in ((15, 3.0), (1500, 1.3)):
        known = published("films", f"silicon_membrane_{nm}_nm")
        assert 1.1 * known["value"] < film_in_plane(paths, known["thickness"])[0] / BULK < most * known["value"]
