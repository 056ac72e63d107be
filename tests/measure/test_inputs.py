"""What is no input is refused in one line that says what came and what is wanted; a single text is one name."""

# pyright: reportArgumentType=false

from typing import Any

import numpy as np
import pytest
import toys

import kapitza
from kapitza.core.arrays import name_tuple
from kapitza.core.profile import Profile
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.errors import InputError
from kapitza.measure.catalogue import measured
from kapitza.measure.compare import compare
from kapitza.measure.design import design, sensitivity
from kapitza.measure.fit import fit
from kapitza.measure.problem import Free, Prior, Tie
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr
from kapitza.measure.thermoreflectance.sstr import Raman
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering
from kapitza.simulate.boltzmann.carriers import gray_carriers
from kapitza.simulate.boltzmann.layered.resistances import film_conductivities, superlattice_conductivities
from kapitza.theory.models import model_estimates
from kapitza.units import MW, nm, um

SPOTS = toys.Spots(toys.WIDTHS)
STACK = toys.sample()
G = "Al|Si.conductance"
CURVE = SPOTS.measured(STACK, 0.01, 0)
GRAY = gray_carriers("gray", heat_capacity=1.7e6, velocity=6000.0, mean_free_path=4e-8)


def refit(**options: Any) -> Any:
    return fit(SPOTS, CURVE, STACK, **{"free": [G], **options})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare("Al", "Si", [1, 2]), "expected one temperature, got 2 of them: call this once for each"),
        (lambda: measured("Al", "Si", [300, 310]), "expected one temperature, got 2 of them"),
        (lambda: measured(window=-1), "window = -1, expected a finite number of at least 0"),
        (lambda: compare("Al", "Si", window=np.nan), "window = nan, expected a finite number of at least 0"),
        (lambda: model_estimates("Al", "Si", []), "temperature is empty, expected at least one number"),
        (lambda: model_estimates("Al", "Si", 300, [3]), r"expected a name or a list of names, got \[3\]"),
        (lambda: Prior(np.nan, 1), "Prior: value = nan, wanted a finite number$"),
        (lambda: Prior(np.inf, 1), "Prior: value = inf, wanted a finite number$"),
        (lambda: Prior("1", 1), "expected one number, got '1': give a number in SI units, without its unit"),
        (lambda: Prior(1, "2 nm"), "expected one number, got '2 nm': give a number in SI units, without its unit"),
        (lambda: Free("1 nm"), "expected one number, got '1 nm': give a number in SI units, without its unit"),
        (lambda: Tie([3]), r"expected a name or a list of names, got \[3\]"),
        (lambda: refit(starts=0), "starts = 0, expected a whole number of at least 1"),
        (lambda: refit(starts=-1), "starts = -1, expected a whole number of at least 1"),
        (lambda: refit(starts=2.5), "starts = 2.5, expected a whole number of at least 1"),
        (lambda: refit(free=3), "expected a name or a list of names, got 3"),
        (
            lambda: refit(free={G: 3}),
            r"expected Free, got 3 of type int: give 'Al\|Si.conductance' as Free\(start=...\)",
        ),
        (
            lambda: refit(priors={"Al.thickness": 0.03}),
            r"expected Prior, got 0.03 of type float: give 'Al.thickness' as Prior\(value, sigma\), or as Prior.rel",
        ),
        (lambda: Fdtr([], Beams(5 * um, 5 * um)), "Fdtr: frequency is empty, expected at least one number"),
        (lambda: Raman([]), "Raman: radius is empty, expected at least one number"),
        (lambda: Profile([], []), "Profile: position is empty, expected at least one number"),
        (lambda: Layer(3, 1e-6, 1.0), "Layer: name = 3, wanted a text"),
        (lambda: Layer("", 1e-6, 1.0), "Layer: name = '', wanted a text"),
        (lambda: Layer("a", True, 1.0), "expected one number, got True$"),
        (lambda: Layer("a", 1e-6, 1.0, in_plane="3"), "expected one number, got '3': give a number in SI units"),
        (lambda: Boundary(None), "boundary conductance in W/m²K, or a Conductance: expected one number, got None$"),
        (
            lambda: Stack([Layer("a", 1e-6, 1.0), Layer("b", 1e-6, 1.0)], ["50 MW/m2K"]),
            "boundary conductance in W/m²K, or a Conductance: expected one number, got '50 MW/m2K': give a number",
        ),
        (lambda: film_conductivities(GRAY, []), "thickness is empty, expected at least one number"),
        (
            lambda: superlattice_conductivities(GRAY, GRAY, InterfaceScattering(coefficient=0.4), []),
            "period is empty, expected at least one number",
        ),
    ],
)
def test_what_is_no_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_prior_of_a_spectrum_is_checked_as_well() -> None:
    mode = kapitza.eels.VibrationalMode("mode", 1e-20, 1e-21)
    image = kapitza.eels.SpectrumImage(np.ones(21), np.linspace(-1e-20, 1e-20, 21))
    with pytest.raises(InputError, match="expected Prior, got 300 of type int: give 'temperature' as Prior"):
        fit([mode], image, priors={"temperature": 300})


def test_a_single_text_is_one_name() -> None:
    one, several = refit(free=G, starts=1), refit(starts=1)
    assert one.names == several.names == (G,)
    np.testing.assert_array_equal(one.value, several.value)
    np.testing.assert_array_equal(sensitivity(SPOTS, STACK, G).value, sensitivity(SPOTS, STACK, [G]).value)
    plans = [design(SPOTS, STACK, free, settings={"Al.thickness": [60 * nm, 90 * nm]}) for free in (G, [G])]
    assert [one.merit for one in plans[0]] == [one.merit for one in plans[1]]
    assert [list(one.sigma) for one in plans[0]] == [[G], [G]]
    assert [one.model for one in model_estimates("Al", "Si", 300, "dmm")] == ["dmm"]
    assert Tie(G).names == name_tuple([G]) == (G,)


def test_numbers_of_every_kind_are_numbers() -> None:
    assert Boundary(np.float32(50)).conductance == Boundary(50).conductance == 50.0
    assert Prior(None, 1).value is None
    assert Layer("a", np.inf, 1).thickness == np.inf
    assert Stack([Layer("a", 1, 1), Layer("b", 1, 1)], [50 * MW]).boundaries[0].conductance == 50 * MW
