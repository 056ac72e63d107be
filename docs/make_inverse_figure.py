"""Draw what sizes say of a transmission: python docs/make_inverse_figure.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

import kapitza as kz
from kapitza.plot.style import LINE_COLOURS, new_figure

IMAGES = Path(__file__).resolve().parent / "images"


def measured():
    """Si and Ge in 20 groups, the truth of a diffuse mismatch that falls faster, and eight sizes with 1 % noise."""
    si, ge = kz.solid("Si"), kz.solid("Ge")
    edges = np.linspace(0, kz.boltzmann.group_edges(si, ge)[-1], 21)
    rates = kz.boltzmann.ScatteringRates(umklapp=1.2e-19, impurity=1.3e-45, boundary=1e-3)
    sides = [
        kz.boltzmann.spectral_carriers(one, rates, edges=edges, conductivity=k) for one, k in ((si, 148.0), (ge, 60.0))
    ]
    limit = np.minimum(sides[0].flow, sides[1].flow)
    truth = 0.2 + 0.7 / (1 + (sides[0].omega / 2.5e13) ** 4)
    stacks = [[kz.boltzmann.Film(h, one) for one in sides] for h in np.geomspace(1e-9, 2e-6, 8)]
    crossing = kz.boltzmann.InterfaceScattering(coefficient=truth * limit / np.maximum(sides[0].flow, 1e-9))
    found = [kz.transport(stack, [crossing]) for stack in stacks]
    exact = np.array([one.flux / one.difference for one in found])
    noise = np.random.default_rng(2).standard_normal(8)
    data = kz.thermoreflectance.StackConductances(stacks, [None], exact * (1 + 0.01 * noise), 0.01 * exact)
    return sides, limit, truth, data


def main():
    sides, limit, truth, data = measured()
    found = kz.thermoreflectance.spectral_transmission([data], *sides, samples=1000)
    use = limit > 0
    hertz = found.omega[use] / (2e12 * np.pi)
    figure = new_figure(width=9.6, height=4.2)
    left, right = figure.subplots(1, 2)
    least, most = found.extremes()
    low, high = found.band()
    left.fill_between(hertz, least[use], most[use], color="0.9", label="any spectrum that agrees")
    left.fill_between(hertz, low[use], high[use], color=LINE_COLOURS[5], alpha=0.5, label="95 %, smooth or not")
    for k in range(2):
        left.plot(
            hertz, found.samples[k, use], color=LINE_COLOURS[0], linewidth=0.7, label="two samples" if not k else None
        )
    left.plot(hertz, found.share[use], color=LINE_COLOURS[0], linewidth=2, label="estimate")
    left.plot(hertz, truth[use], color="black", linestyle="--", label="truth")
    left.set(xlabel="frequency (THz)", ylabel="share of what could cross", ylim=(0, 1.32))
    left.legend(frameon=False, fontsize="x-small", ncols=2, loc="upper center")
    for i, g in enumerate((1, 4, 7, 10)):
        right.plot(hertz, found.kernel[g, use], color=LINE_COLOURS[i], marker="o", markersize=3)
        right.axvline(found.omega[g] / (2e12 * np.pi), color=LINE_COLOURS[i], linewidth=0.8, linestyle=":")
    right.set(xlabel="frequency (THz)", ylabel="averaging kernel")
    right.set_title(f"{found.freedom:.1f} numbers from {found.count} data", fontsize="medium")
    figure.savefig(IMAGES / "transmission-from-sizes.png", dpi=110)
    value, sigma = found.conductance
    print(f"{value:.4g} ± {sigma:.2g}, true {truth @ limit:.4g}, range {found.sum_range(limit)}, chi2 {found.chi2:.2f}")


if __name__ == "__main__":
    main()
