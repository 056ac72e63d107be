"""Eight devices against closed forms: `OMP_NUM_THREADS=1 python benchmarks/device_cases.py`.

Each closed form is written out below from textbooks and shares no code with the package: Kirchhoff's transform, the
disc on a half space, double cosine series, transfer matrices at a frequency and under the inverse Laplace transform,
a wire in a sleeve, a fin.  Printed are the rise of the hottest point, its difference, the error that the package
states (of responses in time it states none: the bar is 1e-6 of the rise), and the CPU time.

H. S. Carslaw and J. C. Jaeger, Conduction of Heat in Solids (Oxford, 1959); Y. S. Muzychka, J. R. Culham and
M. M. Yovanovich, J. Electron. Packag. 125, 178 (2003), doi:10.1115/1.1568125 (double series); J. Abate and W. Whitt,
ORSA J. Comput. 7, 36 (1995), doi:10.1287/ijoc.7.1.36 (Euler's summation).
"""

import time
from collections.abc import Callable, Sequence
from math import comb
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from kapitza.core.arrays import Array
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource, PeriodicPower, StepPower
from kapitza.device.elements.body import Body, Convection, FixedFlux
from kapitza.device.elements.mesh import quadratic_mesh
from kapitza.device.elements.mesh_generators import ball_mesh, box_mesh
from kapitza.device.shapes import Disc, Rectangle
from kapitza.device.solver import solve
from kapitza.units import nm, um

RESPONSE_BAR = 1e-6  # of the rise


class Case(NamedTuple):
    """A rise, K: what the package gives, with the error that it states, and the closed form."""

    found: float
    stated: float
    want: float

    @property
    def holds(self) -> bool:
        """Whether the difference is at most the stated error."""
        return abs(self.found - self.want) <= self.stated


def conductivities_of_temperature() -> Case:
    """Even heat through two layers with k ~ T^-1.3 and T^-1, a boundary and a coefficient to the sink: Kirchhoff."""
    flux, sink, area = 1e8, 300.0, (4 * um) ** 2
    laws = {"a": ConductivityLaw.power(60.0, -1.3), "b": ConductivityLaw.power(40.0, -1.0)}
    layers = [Layer("a", 15 * um, 60.0), Layer("b", 10 * um, 40.0)]
    source = HeatSource("all", flux * area)
    device = Device(Stack(layers, [2e7]), [source], Box(4 * um, 4 * um), laws=laws, coefficient=1e7)
    found = solve(device, tolerance=0.02, sensitivity=False)
    kelvin = sink + flux / 1e7
    kelvin *= np.exp(flux * 10 * um / (40 * 300))  # k = 40 * 300 / T: ln T rises by q d / (k T)
    kelvin += flux / 2e7
    # k = 60 (T / 300)^-1.3: the integral is 60 * 300^1.3 (T0^-0.3 - T^-0.3) / 0.3
    kelvin = (kelvin**-0.3 - 0.3 * flux * 15 * um / (60 * 300**1.3)) ** (-1 / 0.3)
    return Case(found.peak, found.errors()["peak"], kelvin - sink)


def disc_on_half_space() -> Case:
    """Even flux in a disc on a half space: q a / k in the middle (Carslaw and Jaeger, 8.2)."""
    radius, k, power = 5 * um, 148.0, 0.05
    device = Device(Stack([Layer("half space", np.inf, k)], []), [HeatSource("disc", power, Disc(0.0, 0.0, radius))])
    found = solve(device)
    return Case(found.peak, found.errors()["peak"], power / (np.pi * radius * k))


def impedance(layers: Sequence[tuple[float, float, float]], contacts: Sequence[float], wave: Array) -> Array:
    """Temperature over flux on top of layers (thickness, k down, k along) at wave numbers, contacts from the top.

    The last contact is that to the sink; of a wave number of zero the layers are resistances.
    """
    z = np.full(wave.shape, contacts[-1])
    for i, (d, down, along) in reversed(list(enumerate(layers))):
        decay = wave * np.sqrt(along / down)
        own = np.sqrt(along * down) * wave
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.tanh(decay * d)
            z = np.where(wave == 0, z + d / down, (z + t / own) / (1 + own * z * t))
        z = z + (contacts[i - 1] if i else 0.0)
    return z


def series_mean(
    sides: tuple[float, float], x: tuple[float, float], y: tuple[float, float], z: Callable[[Array], Array], terms: int
) -> float:
    """Mean rise of a rectangle of unit flux on a box whose sides no heat crosses: double cosine series."""
    total = np.zeros(())
    weights: list[Array] = []
    waves: list[Array] = []
    for side, (low, high) in zip(sides, (x, y), strict=True):
        m = np.arange(terms)
        wave = m * np.pi / side
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(m == 0, 1.0, (np.sin(wave * high) - np.sin(wave * low)) / (wave * (high - low)))
        weights.append(np.where(m == 0, 1.0, 2.0) * means**2 * (high - low) / side)
        waves.append(wave)
    wave = np.hypot(*np.meshgrid(*waves, indexing="ij"))
    total = np.einsum("i,j,ij->", *weights, z(wave))
    return float(total)


def rectangle_device() -> tuple[Device, float]:
    """Three layers under a rectangle and the mean rise of the rectangle, K, from the series."""
    layers = [Layer("a", 3 * um, 150.0), Layer("b", 50 * um, 390.0, in_plane=490.0, in_plane_y=490.0)]
    layers.append(Layer("c", 20 * um, 57.0))
    x, y, side, flux = (8 * um, 20 * um), (10 * um, 17 * um), (50 * um, 40 * um), 5e8
    rectangle = Rectangle(x, y)
    source = HeatSource("strip", flux * rectangle.area, rectangle)
    device = Device(Stack(layers, [5e7, 1e8]), [source], Box(*side), coefficient=2e6)
    plain = [(3 * um, 150.0, 150.0), (50 * um, 390.0, 490.0), (20 * um, 57.0, 57.0)]
    sums = [
        series_mean(side, x, y, lambda wave: impedance(plain, [2e-8, 1e-8, 5e-7], wave), terms)
        for terms in (1000, 2000)
    ]
    return device, flux * (2 * sums[1] - sums[0])  # what is left falls as 1 / terms


def rectangle_on_layers() -> Case:
    """The mean of a rectangle on three layers with two boundaries, without a grid."""
    device, want = rectangle_device()
    found = solve(device, sensitivity=False)
    return Case(found.average["strip"], found.errors()["strip"] + 2e-6 * want, want)  # of the series


def rectangle_on_a_grid() -> Case:
    """The same on a box grid, refined until it states 0.5 K."""
    device, want = rectangle_device()
    found = solve(device, method="volumes", cells=8000, tolerance=0.5)
    return Case(found.temperatures.average["strip"], found.errors()["strip"], want)


def stack_impedance(layers: Sequence[tuple[float, float, float]], contacts: Sequence[float], s: Array) -> Array:
    """Temperature over flux on top of layers (thickness, k, heat capacity) at Laplace variables s, 1/s."""
    z = np.full(s.shape, contacts[-1], dtype=complex)
    for i, (d, k, c) in reversed(list(enumerate(layers))):
        root = np.sqrt(s * c / k)
        own, t = k * root, np.tanh(root * d)
        z = (z + t / own) / (1 + own * z * t) + (contacts[i - 1] if i else 0.0)
    return z


FILM = [(80 * nm, 200.0, 2.4e6), (30 * um, 148.0, 1.66e6)]  # thickness, k, heat capacity


def film_device(waveform: PeriodicPower | StepPower, flux: float) -> Device:
    """A film on a slab, evenly heated."""
    layers = [Layer(name, d, k, heat_capacity=c) for name, (d, k, c) in zip("ab", FILM, strict=True)]
    area = (10 * um) ** 2
    return Device(Stack(layers, [1e8]), [HeatSource("all", flux * area, waveform=waveform)], Box(10 * um, 10 * um))


def periodic_heat() -> Case:
    """Even heat at 1 MHz on a film on a slab: one transfer matrix; half a period later the sign is the other."""
    flux, frequency = 1e8, 1e6
    device = film_device(PeriodicPower(frequency), flux)
    times = np.array([0.1, 0.35]) / frequency
    got = solve(device, sensitivity=False).respond(times).peak
    z = complex(stack_impedance(FILM, [1e-8, 0.0], np.array([2j * np.pi * frequency]))[0])
    want = flux * np.real(z * np.exp(2j * np.pi * frequency * times))
    worst = int(np.argmax(np.abs(got - want)))
    return Case(float(got[worst]), RESPONSE_BAR * flux * abs(z), float(want[worst]))


def step_heat() -> Case:
    """A step of even heat on a film on a slab after 100 ns: inverse Laplace transform with Euler's summation."""
    flux, at = 1e8, 1e-7
    device = film_device(StepPower(), flux)
    got = float(solve(device, sensitivity=False).respond([at], "step").peak[0])
    shift, few, many = 23.0, 11, 40  # error exp(-23) of the method, 11 sums of 40 to 51 terms averaged
    s = (shift + 2j * np.pi * np.arange(few + many + 1)) / (2 * at)
    terms = np.real(stack_impedance(FILM, [1e-8, 0.0], s) / s) * (-1.0) ** np.arange(s.size)
    terms[0] /= 2
    sums = np.cumsum(terms)[many:]
    weights = np.array([comb(few, n) for n in range(few + 1)]) / 2.0**few
    want = flux * float(np.exp(shift / 2) / at * (weights @ sums))
    return Case(got, RESPONSE_BAR * want, want)


def wire_in_sleeve() -> Case:
    """Joule heat in a wire with a boundary to its sleeve, cooled outside: logarithm and parabola."""
    a, b, heat, inner, outer, contact, h = 1 * um, 3 * um, 2e14, 20.0, 5.0, 1e7, 1e6
    mesh = ball_mesh(a, b, 12, dimension=2, outside="ball", names=("wire", "sleeve"))
    body = Body(
        mesh,
        {"wire": inner, "sleeve": outer},
        {"wire|sleeve": contact},
        {"outside": Convection(h, 300.0)},
        {"wire": heat},
    )
    found = solve(body, tolerance=0.02)
    line = heat * np.pi * a**2  # W/m
    ways = 1 / (4 * np.pi * inner), 1 / (2 * np.pi * a * contact), np.log(b / a) / (2 * np.pi * outer)
    want = 300 + line * (sum(ways) + 1 / (2 * np.pi * b * h))
    return Case(found.peak, found.errors()["peak"], float(want))


def fin() -> Case:
    """A fin heated evenly at its base and cooled at its side: series of cos(λ y) with λ tan(λ d) = h / k."""
    length, half, k, h, flux = 40 * um, 4 * um, 30.0, 5e6, 2e7
    mesh = quadratic_mesh(box_mesh([np.linspace(0, length, 41), np.linspace(0, half, 9)]))
    body = Body(mesh, {"body": k}, {}, {"x-": FixedFlux(flux), "y+": Convection(h, 300.0)})
    found = solve(body, tolerance=0.002)
    roots = [
        brentq(lambda u: u * np.tan(u) - h * half / k, n * np.pi + 1e-9, (n + 0.5) * np.pi - 1e-9, xtol=1e-14)
        for n in range(400)
    ]
    u = np.array(roots)
    amplitude = flux / k * half / u * 4 * np.sin(u) / (2 * u + np.sin(2 * u)) / np.tanh(u * length / half)
    return Case(found.peak, found.errors()["peak"], 300 + float(amplitude.sum()))


CASES: dict[str, Callable[[], Case]] = {
    "k(T) in two layers, Kirchhoff": conductivities_of_temperature,
    "disc on a half space": disc_on_half_space,
    "rectangle on three layers, series": rectangle_on_layers,
    "the same on a box grid, series": rectangle_on_a_grid,
    "1 MHz on a film, transfer matrix": periodic_heat,
    "step on a film, Laplace": step_heat,
    "wire in a sleeve, closed form": wire_in_sleeve,
    "fin, series": fin,
}


def main() -> None:
    """Print the table."""
    held = 0
    for name, case in CASES.items():
        start = time.process_time()
        one = case()
        held += one.holds
        print(
            f"{name:36} {one.found:10.5f} K  differs by {abs(one.found - one.want):8.1e} K, stated {one.stated:8.1e} K "
            f"{'holds' if one.holds else 'DOES NOT HOLD':14} {time.process_time() - start:6.2f} s",
            flush=True,
        )
    print(f"{held} of {len(CASES)} within what is stated")


if __name__ == "__main__":
    main()
