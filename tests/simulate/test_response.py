"""Heat that changes in time: conservation, both limits, Fourier's law where paths are short."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import gray_carriers
from kapitza.simulate.boltzmann.layered.resistances import interface_conductances
from kapitza.simulate.boltzmann.layered.response import (
    apparent_resistance,
    fourier_impedance,
    frequency_response,
    heating_response,
    transient_profiles,
    transient_response,
)
from kapitza.simulate.boltzmann.layered.transport import Film

SUBSTRATE = gray_carriers("substrate", heat_capacity=1.66e6, velocity=6400.0, mean_free_path=4.1e-8)
METAL = gray_carriers("film", heat_capacity=2.4e6, velocity=4000.0, mean_free_path=1e-8)


@pytest.mark.parametrize("rate", [1e6, 1e10, 3e10 + 2e11j, 2e9j])
def test_heat_is_conserved(rate):
    """What is absorbed is stored or leaves through the right wall (to the error of a trapezoidal sum)."""
    thickness = 2e-7
    held = heating_response([Film(thickness, SUBSTRATE)], [], rate, depth=3e-8).layers[0]
    stored = rate * SUBSTRATE.heat_capacity * np.trapezoid(held.mean, held.position)
    np.testing.assert_allclose(stored + held.flux[-1].sum(), 1.0, rtol=6e-3, atol=0)


def test_fast_heating_stays_where_it_is():
    """At rates above all others the heat only fills the heat capacity."""
    for rate in (1e16, 1e16 + 1e16j):
        found = heating_response([Film(1e-7, SUBSTRATE)], [], rate, depth=1.0).surface
        np.testing.assert_allclose(found * rate * SUBSTRATE.heat_capacity * 1e-7, 1.0, rtol=1e-3, atol=0)


def test_slow_heating_is_fouriers():
    """Bulk wave, and a real excess at the surface that light heated within less than a mean free path."""
    film = Film(1e-3, SUBSTRATE)
    hertz = np.array([1e4, 1e5, 1e6])
    got = frequency_response([film], [], hertz)
    wave = fourier_impedance(film, hertz, np.zeros(3, dtype=complex))
    excess = got - wave
    np.testing.assert_allclose(np.angle(got), -np.pi / 4, rtol=2e-2, atol=0)
    np.testing.assert_allclose(excess.real, excess.real[0], rtol=2e-2, atol=0)
    assert np.abs(excess.imag).max() < 0.03 * excess.real[0]


def test_steps_and_pulses_become_those_of_fourier():
    effusivity = np.sqrt(SUBSTRATE.conductivity * SUBSTRATE.heat_capacity)
    time = np.array([1e-7, 4e-7])
    film = [Film(3e-5, SUBSTRATE)]
    step = transient_response(film, [], time)
    excess = step - 2 * np.sqrt(time / np.pi) / effusivity
    np.testing.assert_allclose(excess, excess[0], rtol=1e-2, atol=0)  # the slip of the heated surface, constant
    pulse = transient_response(film, [], time, kind="pulse")
    np.testing.assert_allclose(pulse, 1 / (effusivity * np.sqrt(np.pi * time)), rtol=1e-3, atol=0)
    with pytest.raises(InputError, match="unknown kind"):
        transient_response(film, [], time, kind="ramp")


def test_thermoreflectance_sees_the_extrapolated_resistance():
    """Thick film, slow heating: not the emitted resistance, nor the local one."""
    crossing = InterfaceScattering(coefficient=0.3)
    known = {drop: one.resistance[0] for drop, one in interface_conductances(METAL, SUBSTRATE, crossing).items()}
    seen = apparent_resistance([Film(1e-6, METAL), Film(1e-3, SUBSTRATE)], crossing, [1e4])[0]
    np.testing.assert_allclose(seen.real, known["extrapolated"], rtol=2e-3, atol=0)
    assert abs(seen.imag) < 1e-3 * seen.real
    thin = apparent_resistance([Film(1e-8, METAL), Film(1e-3, SUBSTRATE)], crossing, [1e4])[0]
    assert 1.02 < thin.real / known["extrapolated"] < 1.06


def test_an_insulated_film_keeps_its_heat():
    """Slowly heated between adiabatic walls, it warms evenly: 1/sCL."""
    found = heating_response([Film(1e-7, SUBSTRATE)], [], 1e3, right=Wall()).layers[0]
    np.testing.assert_allclose(found.mean * 1e3 * SUBSTRATE.heat_capacity * 1e-7, 1.0, rtol=1e-5, atol=0)


def test_what_is_refused():
    with pytest.raises(InputError, match="negative real part"):
        heating_response([Film(1e-7, SUBSTRATE)], [], -1.0)
    with pytest.raises(InputError, match="a film and a substrate"):
        apparent_resistance([Film(1e-7, SUBSTRATE)], InterfaceScattering(coefficient=0.5), [1e6])


def test_profiles_in_time():
    """The surface is that of the response; heat is stored, and in the end falls with the bulk gradient and the jump."""
    films, joints = [Film(8e-8, METAL), Film(1e-6, SUBSTRATE)], [InterfaceScattering(coefficient=0.3)]
    time = np.array([1e-11, 1e-3])
    place, found = transient_profiles(films, joints, time)
    assert found.shape == (2, place.size)
    np.testing.assert_allclose(found[:, 0], transient_response(films, joints, time), rtol=1e-9, atol=0)
    second = np.flatnonzero(np.diff(place) == 0)[0] + 1
    np.testing.assert_allclose(place[second], 8e-8, rtol=1e-12, atol=0)
    stored = [
        one.carriers.heat_capacity * np.trapezoid(found[0, part], place[part])
        for one, part in zip(films, (slice(0, second), slice(second, None)), strict=True)
    ]
    np.testing.assert_allclose(sum(stored), time[0], rtol=1e-2, atol=0)
    inner = (place > 4e-7) & (place < 8e-7) & (np.arange(place.size) >= second)
    slope = np.polyfit(place[inner], found[1, inner], 1)[0]
    np.testing.assert_allclose(slope, -1 / SUBSTRATE.conductivity, rtol=1e-3, atol=0)
