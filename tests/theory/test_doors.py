# pyright: reportArgumentType=false
"""Theory functions refuse what is no side of an interface, in one line that says what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from kapitza.errors import InputError
from kapitza.matter.library import elastic, fluid, solid
from kapitza.matter.sheet import sheet
from kapitza.theory.amm import amm
from kapitza.theory.dmm import ballistic_layers, dmm, thermalised_layers
from kapitza.theory.electrons import electron_phonon
from kapitza.theory.grain import boundary_specularity, grain_boundary, twist_boundary
from kapitza.theory.inelastic import three_phonon
from kapitza.theory.khalatnikov import khalatnikov
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit, specular_limit
from kapitza.theory.plane_waves import Interlayer
from kapitza.theory.roughness import rough_interface, specular_mixture

SI, AL = solid("Si"), solid("Al")
TAKES_SIDES: tuple[Callable[[Any], object], ...] = (
    lambda side: dmm(side, SI),
    lambda side: amm(SI, side),
    lambda side: rough_interface(side, SI, roughness=1e-9),
    lambda side: elastic_limit(side, SI),
    lambda side: specular_limit(SI, side),
    lambda side: radiation_limit(side, SI),
    lambda side: inelastic_radiation_limit(side, SI, 300),
    lambda side: three_phonon(side, SI, 300),
    lambda side: grain_boundary(side),
    lambda side: twist_boundary(side, 0.05, burgers=3e-10),
    lambda side: boundary_specularity(side, [1e12], roughness=1e-9),
    lambda side: ballistic_layers([SI, side, AL]),
    lambda side: thermalised_layers([SI, side], 300),
    lambda side: ballistic_layers(side),
    lambda side: khalatnikov(side, SI),
    lambda side: khalatnikov(fluid("He"), side),
    lambda side: Interlayer(side, 1e-9),
    lambda side: amm(AL, SI, interlayer=side if side is not None else 3.0),
    lambda side: electron_phonon(side, side),
    lambda side: specular_mixture(side, dmm(AL, SI), 0.5),
)


@pytest.mark.parametrize("wrong", ["Si", None, 3.0])
@pytest.mark.parametrize("number", range(len(TAKES_SIDES)))
def test_what_is_no_side_is_refused(number: int, wrong: object) -> None:
    with pytest.raises(InputError) as caught:
        TAKES_SIDES[number](wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: khalatnikov(SI, fluid("He")), "in this order"),
        (lambda: electron_phonon(dmm(AL, SI), None), "Transmission"),
        (lambda: specular_limit(sheet("graphene"), SI), "no branches"),
        (lambda: specular_limit(elastic("Si"), sheet("graphene")), "no branches"),
        (lambda: boundary_specularity(sheet("graphene"), [1e12], roughness=1e-9), "isotropic"),
        (lambda: specular_mixture(amm(AL, SI), dmm(SI, AL), 0.5), "in order"),
    ],
)
def test_wrong_kinds_are_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
