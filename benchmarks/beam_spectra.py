"""Silicon below beams by Fourier's law, with Debye's spectrum and with full bands: `python benchmarks/beam_spectra.py`.

Both have rates as the square of the frequency, scaled to the conductivity of the bulk.  Full bands are taken as
isotropic groups of frequency, which keep the heat capacity and the conductivity of each.
"""

import numpy as np

import kapitza
from kapitza.core.stack import Layer, Stack
from kapitza.matter.phonons import phonons
from kapitza.measure.experiment import Curve
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.pump_probe import Fdtr
from kapitza.simulate.boltzmann.carriers import Carriers, ScatteringRates, band_carriers
from kapitza.simulate.boltzmann.spectral_carriers import spectral_carriers
from kapitza.units import nm, um

CONDUCTIVITY = 148.0
RATES = ScatteringRates(umklapp=1e-19)
FREE = ["Si.conductivity", "Al|Si.conductance"]


def isotropic(bands: Carriers) -> Carriers:
    """Bands along a normal as groups without a direction, v² = 3 v_z²."""
    heat = bands.capacity * bands.velocity**2 * bands.lifetime
    groups = [k for k in (np.flatnonzero(bands.group == g) for g in np.unique(bands.group)) if heat[k].sum() > 1e-6]
    capacity = np.array([bands.capacity[k].sum() for k in groups])
    square = np.array([(bands.capacity[k] * bands.velocity[k] ** 2).sum() for k in groups])
    velocity = np.sqrt(3 * square / capacity)
    path = 3 * np.array([heat[k].sum() for k in groups]) / (capacity * velocity)
    return band_carriers("Si", capacity, velocity, path)


def main() -> None:
    crystal = Layer("Si", np.inf, CONDUCTIVITY, heat_capacity=1.66e6)
    stack = Stack([Layer("Al", 80 * nm, 180.0, heat_capacity=2.43e6), crystal], [200e6])
    bands = spectral_carriers(phonons("Si"), RATES, conductivity=CONDUCTIVITY, mesh=12)
    debye = spectral_carriers(kapitza.solid("Si"), RATES, conductivity=CONDUCTIVITY)
    frequency = np.geomspace(1e6, 1e7, 15)
    for name, one in (("Debye", debye), ("full bands", isotropic(bands))):
        order = np.argsort(one.path)
        below = np.cumsum((one.capacity * one.velocity * one.path)[order])
        half, most = np.interp([0.5, 0.8], below / below[-1], one.path[order]) / nm
        seen = []
        for radius in (20, 5, 1):
            beams = Beams(radius * um, radius * um)
            exact = Curve(frequency, Fdtr(frequency, beams, phonons=one).predict(stack), np.full(15, 1e-3), "phase")
            found = kapitza.fit(Fdtr(frequency, beams), exact, stack, FREE, starts=1)
            seen.append(f"{radius} µm {found.value[0] / CONDUCTIVITY:.3f}")
        print(f"{name:10}  paths {half:.0f} and {most:.0f} nm  " + "  ".join(seen))


if __name__ == "__main__":
    main()
