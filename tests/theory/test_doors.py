# pyright: reportArgumentType=false
"""Theory functions refuse what is no side of an interface, in one line that says what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.errors import InputError
from kapitza.matter.library import elastic, fluid, solid
from kapitza.matter.sheet import sheet
from kapitza.theory.agf.buttiker_probes import anharmonic_conductance
from kapitza.theory.agf.conductance import agf_decimated
from kapitza.theory.agf.relaxation import RelaxationRate
from kapitza.theory.agf.wave_packet import wave_packet
from kapitza.theory.amm import amm
from kapitza.theory.contact import pressed_contact
from kapitza.theory.dmm import ballistic_layers, dmm, thermalised_layers
from kapitza.theory.electrons import electron_phonon
from kapitza.theory.grain import boundary_specularity, grain_boundary, twist_boundary
from kapitza.theory.inelastic import inelastic_channel, three_phonon
from kapitza.theory.khalatnikov import khalatnikov
from kapitza.theory.knudsen import gas, gas_gap
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit, specular_limit
from kapitza.theory.plane_waves import Interlayer
from kapitza.theory.roughness import rough_interface, specular_mixture
from kapitza.theory.sheets import sheet_on_solid
from kapitza.theory.spin import spin_kapitza
from kapitza.units import THz

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


TAKES_A_JUNCTION: tuple[Callable[[Any], object], ...] = (
    lambda junction: kapitza.agf(junction),
    lambda junction: kapitza.agf(junction, [THz]),
    lambda junction: kapitza.lattice.agf_modes(junction),
    lambda junction: kapitza.lattice.mode_conversion(junction),
    lambda junction: kapitza.lattice.local_density(junction),
    lambda junction: kapitza.lattice.local_current(junction),
    lambda junction: kapitza.lattice.interface_modes(junction),
    lambda junction: kapitza.lattice.scattering_matrix(junction, (0, 0), THz),
    lambda junction: agf_decimated(junction, [THz], (2, 2), arrays=np),
    lambda junction: wave_packet(junction, (0, 0), 0.5, branch=0),
    lambda junction: anharmonic_conductance(junction, (RelaxationRate.quadratic(1e-16),) * 2),
)


@pytest.mark.parametrize("wrong", [3, "junction.h5", None, SI])
@pytest.mark.parametrize("number", range(len(TAKES_A_JUNCTION)))
def test_what_is_no_junction_is_refused(number: int, wrong: object) -> None:
    with pytest.raises(InputError, match=r"expected Junction, got .* of type \w+: build one by kapitza.junction"):
        TAKES_A_JUNCTION[number](wrong)


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
        (lambda: electron_phonon(dmm(AL, SI), None), "expected Conductance, got .* of type Transmission: call"),
        (lambda: amm("Al", SI), r"got 'Al' of type str: take kapitza.solid\('Al'\)"),
        (lambda: dmm(3, SI), "got 3 of type int: take a Solid"),
        (lambda: inelastic_channel(AL, 300, amplitude=1.0), "expected Transmission"),
        (lambda: pressed_contact(AL, 1e6), "expected RoughContact"),
        (lambda: gas_gap("air", 1e-6, pressure=1e5, temperature=300), "expected Gas, got 'air'"),
        (lambda: sheet_on_solid("graphene", SI, spring=1e20), "expected Sheet"),
        (lambda: spin_kapitza(AL, SI, resistance_up=1e-9, resistance_down=1e-9), "expected SpinChannels"),
        (lambda: kapitza.cite(3), "no theory 3; there are"),
        (lambda: kapitza.predict(AL, SI, 300, [3]), r"expected a name or a list of names, got \[3\]"),
        (lambda: gas(None), "no gas of the library None; there are helium"),
        (lambda: gas("nitrogn"), "did you mean nitrogen"),
        (lambda: specular_limit(sheet("graphene"), SI), "no branches"),
        (lambda: specular_limit(elastic("Si"), sheet("graphene")), "no branches"),
        (lambda: boundary_specularity(sheet("graphene"), [1e12], roughness=1e-9), "isotropic"),
        (lambda: specular_mixture(amm(AL, SI), dmm(SI, AL), 0.5), "in order"),
    ],
)
def test_wrong_kinds_are_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
