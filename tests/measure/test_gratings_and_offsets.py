"""Transient gratings, scans of the beam offset, light that enters to a depth, spots that change with the frequency."""

import numpy as np
import pytest
from scipy.special import erfcx

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import impedance
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.measure.experiment import independent_variable
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.grating import TransientGrating
from kapitza.measure.thermoreflectance.pump_probe import Fdtr, OffsetScan, Tdtr
from kapitza.units import MW, nm, ns, ps, um

K_ALONG, K_THROUGH, CAPACITY = 100.0, 40.0, 1.6e6
TIME = np.geomspace(0.1, 30, 12) * ns
PERIOD = 4 * um
Q = 2 * np.pi / PERIOD
half_space = Stack([Layer("S", np.inf, K_THROUGH, in_plane=K_ALONG, heat_capacity=CAPACITY)])


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


# light over a depth


@pytest.mark.parametrize(("thickness", "from_bottom", "back"), [
    (np.inf, False, "adiabatic"), (200 * nm, False, "adiabatic"), (200 * nm, True, "isothermal"),
    (3 * um, False, "isothermal"),
])  # fmt: skip
@pytest.mark.parametrize(("pump", "probe"), [(30 * nm, 70 * nm), (1 * um, 100 * nm), (300 * nm, 300 * nm)])
def test_reading_over_a_depth_is_an_integral_over_thermometers(thickness, from_bottom, back, pump, probe):
    layers = [
        Layer("cover", 50 * nm, 2.0, heat_capacity=2e6),
        Layer("m", thickness, 50, in_plane=30, heat_capacity=1.6e6),
    ]
    conductances = [1e8]
    if np.isfinite(thickness):
        layers.append(Layer("s", 1 * um if back == "isothermal" else np.inf, 1.3, heat_capacity=1.7e6))
        conductances.append(5e7)
    stack, s, k = Stack(layers, conductances), 2j * np.pi * np.array([1e3, 1e9]), np.array([1e2, 1e7])
    both = Setup(Plane("m", from_bottom=from_bottom), absorption_depth=pump, readout_depth=probe, back=back)
    x, w = np.polynomial.legendre.leggauss(80)
    reach = min(thickness, 30 * probe)
    z, w = (x + 1) * reach / 2, w * reach / 2
    want = 0
    for depth, weight in zip(z, w * np.exp(-z / probe) / (-probe * np.expm1(-thickness / probe)), strict=True):
        at = Setup(both.heater, Plane("m", depth, from_bottom=from_bottom), absorption_depth=pump, back=back)
        want = want + weight * impedance(stack, s, k, setup=at)
    close(impedance(stack, s, k, setup=both), want, 1e-9)


def test_pump_and_probe_may_be_exchanged():
    s, k = 2j * np.pi * np.geomspace(1e3, 1e9, 4), np.array([1e5])
    depths = [(50 * nm, 400 * nm), (400 * nm, 50 * nm), (0.0, 80 * nm), (80 * nm, 0.0)]
    z = [impedance(half_space, s, k, setup=Setup(absorption_depth=a, readout_depth=b)) for a, b in depths]
    close(z[0], z[1], 1e-13)
    close(z[2], z[3], 1e-13)


def test_a_shallow_probe_reads_the_surface():
    s, k = 2j * np.pi * np.array([1e6]), np.array([1e5])
    surface = impedance(half_space, s, k, setup=Setup(absorption_depth=200 * nm))
    close(impedance(half_space, s, k, setup=Setup(absorption_depth=200 * nm, readout_depth=1e-13)), surface, 1e-5)


def test_depths_that_make_no_sense():
    with pytest.raises(InputError, match="readout_depth = -1e-08 m, wanted a finite number"):
        Setup(readout_depth=-1e-8)
    with pytest.raises(InputError, match="a depth counts from the heater's plane, leave out one of both"):
        Setup(thermometer=Plane("S", 1e-7), readout_depth=1e-8)
    metal = Layer("Au", 1e-7, 3.0, heat_capacity=2.4e6, electron_conductivity=300.0, electron_heat_capacity=2e4,
                  coupling=2.4e16)  # fmt: skip
    with pytest.raises(InputError, match="leave out absorption_depth, readout_depth and thermometer"):
        impedance(Stack([metal]), [1e6j], 0.0, setup=Setup(readout_depth=1e-8))


# gratings


def test_the_face_of_an_opaque_half_space_decays_along_itself_alone():
    """exp(-D_x q² t)/(e √(πt)): the conductivity through the sample only sets the size."""
    got = TransientGrating(TIME, period=PERIOD).temperature(half_space)
    want = np.exp(-K_ALONG / CAPACITY * Q**2 * TIME) / np.sqrt(np.pi * K_THROUGH * CAPACITY * TIME)
    close(got, want, 1e-6)


def test_a_membrane_decays_exponentially():
    membrane = Stack([Layer("Si", 100 * nm, 60.0, heat_capacity=CAPACITY)])
    through = Setup(absorption_depth=10 * um, readout_depth=10 * um)  # light passes it: heat and reading are even
    got = TransientGrating(TIME, period=PERIOD, setup=through).temperature(membrane)
    close(got, np.exp(-60 / CAPACITY * Q**2 * TIME) / (CAPACITY * 100 * nm), 1e-5)


def test_one_depth_in_a_half_space_has_a_closed_form():
    r"""Heat $e^{-z/\delta}/\delta$ read at the face: $e^{-D_xq^2t}\,\mathrm{erfcx}(\sqrt{D_zt}/\delta)/(C\delta)$."""
    depth = 300 * nm
    got = TransientGrating(TIME, period=PERIOD, setup=Setup(absorption_depth=depth)).temperature(half_space)
    spread = np.sqrt(K_THROUGH / CAPACITY * TIME) / depth
    close(got, np.exp(-K_ALONG / CAPACITY * Q**2 * TIME) * erfcx(spread) / (CAPACITY * depth), 1e-8)


def test_gratings_of_anisotropic_films_along_any_direction():
    layer = Layer("S", np.inf, 10.0, in_plane=100.0, in_plane_y=20.0, heat_capacity=CAPACITY)
    for angle, k in ((0.0, 100.0), (np.pi / 2, 20.0), (np.pi / 6, 80.0)):
        got = TransientGrating(TIME, period=PERIOD, angle=angle).temperature(Stack([layer]))
        close(got, np.exp(-k / CAPACITY * Q**2 * TIME) / np.sqrt(np.pi * 10 * CAPACITY * TIME), 1e-6)


def test_signals_are_relative_to_the_first_time():
    plain, squared = (
        TransientGrating(TIME, period=PERIOD, scale=3.0, detection=how).predict(half_space) / 3.0
        for how in ("heterodyne", "homodyne")
    )
    assert plain[0] == 1
    close(squared, plain**2, 1e-12)


# offsets


@pytest.mark.parametrize("kind", ["out_of_phase", "in_phase", "amplitude"])
def test_a_scan_with_pulses_is_tdtr_point_by_point(kind):
    stack = Stack([Layer("Al", 80 * nm, 180, heat_capacity=2.43e6), Layer("S", np.inf, 8.0, in_plane=20.0,
                                                                          heat_capacity=1.6e6)], [60 * MW])  # fmt: skip
    pulses = {"modulation": 1.1e6, "repetition": 80e6, "delayed": "pump", "kind": kind}
    offset = np.array([-6.0, -1.0, 0.0, 3.0]) * um
    got = OffsetScan(offset, Beams(4 * um, 3 * um), delay=-50 * ps, scale=2.5, **pulses).predict(stack)
    want = np.array(
        [Tdtr([-50 * ps], Beams(4 * um, 3 * um, offset=one), **pulses).predict(stack)[0] for one in offset.tolist()]
    )
    close(got, 2.5 * want / abs(want[2]), 1e-7)


def test_a_scan_at_the_lowest_modulation_maps_the_steady_spot():
    """Wide of both beams the steady temperature of an isotropic half space falls as 1/x; a probe shifted the other way
    sees the same."""
    stack = Stack([Layer("S", np.inf, 50.0, heat_capacity=1.6e6)])
    scan = OffsetScan(np.array([-200, 50, 100, 200]) * um, Beams(1 * um, 1 * um), modulation=1e-3, kind="amplitude")
    far = scan.predict(stack)
    close(far[3] / far[1:3], [50 / 200, 100 / 200], 2e-3)
    close(far[0], far[3], 1e-9)
    assert independent_variable(scan)[0] == "offset"
    with pytest.raises(InputError, match="pulses need repetition, delay and delayed: delay, delayed missing"):
        OffsetScan([0.0], Beams(1e-6, 1e-6), modulation=1e6, repetition=8e7)


# spots that change with the frequency


def test_each_frequency_has_its_own_spot():
    stack = Stack(
        [Layer("Au", 70 * nm, 200, heat_capacity=2.5e6), Layer("S", np.inf, 10.0, heat_capacity=1.7e6)], [8e7]
    )
    frequency, growth = np.array([1e4, 1e5, 1e6]), np.array([0.3, 0.1, 0.0])
    got = Fdtr(frequency, Beams(3 * um, 2 * um), pump_growth=growth, growth_scale=2.0).predict(stack)
    want = [
        Fdtr([f], Beams(3 * um * (1 + 2 * g), 2 * um)).predict(stack)[0]
        for f, g in zip(frequency.tolist(), growth.tolist(), strict=True)
    ]
    close(got, want, 1e-7)
    with pytest.raises(InputError, match=r"the pump's radius is -0.2 times its own at 10000 Hz"):
        Fdtr(frequency, Beams(3e-6, 2e-6), pump_growth=-growth, growth_scale=4.0).predict(stack)
