"""Resonances of an interface: vibrations that dwell there, but leak into a crystal that has waves to take them."""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.theory.agf.bound import RESONANCE, Bound, decay_rates
from kapitza.theory.agf.device import Prepared, contact
from kapitza.theory.agf.leads import Flags, Waves
from kapitza.theory.agf.local_green import Counts, densities, lead_waves, of_atoms, points, swept

ABOVE_BULK = 2.0  # times the density of states of any atom of the crystals: what counts as a resonance
ZOOMS = 5  # times a peak is looked at more closely
FINER = 4.0  # each time
NEAR = 61  # frequencies around a peak
RESOLVED = 3.0  # times the broadening: a peak this wide needs no closer look


def resonances(what: Prepared, k: Array, omega: Array, interface: Counts, layer: Counts) -> list[Bound]:
    """Peaks of the density of states of an interface above that of both crystals, at one wave vector.

    Parameters
    ----------
    k : (2,) in-plane wave vector, fractions
    omega : (nω,) even frequencies at which peaks are looked for first, rad s⁻¹
    interface : layers of the interface
    layer : (f,) layer of each coordinate of the device

    Returns
    -------
    Modes of finite width, where at least one crystal has waves to leak into
    """
    if omega.size < 3:
        return []
    width = float(np.mean(np.diff(omega)))
    inside = np.isin(layer, interface)
    density, crystal = seen(what, k, omega, width, inside)
    peaks = np.flatnonzero((density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:])) + 1
    peaks = peaks[density[peaks] > ABOVE_BULK * crystal[peaks]]
    found: list[Bound] = []
    for start in omega[peaks]:
        mode = zoomed(what, k, float(start), width, inside)
        if mode is not None and all(abs(mode.omega - other.omega) > max(mode.width, 1e-6 * width) for other in found):
            found.append(mode)
    return found


def seen(what: Prepared, k: Array, omega: Array, width: float, inside: Flags) -> tuple[Array, Array]:
    """(nω,) densities of states of the atom of the interface that has most, and of any atom of the crystals, s rad⁻¹.

    Both are means over the directions of an atom.
    """
    at = points(what, k[None], np.zeros(omega.size, dtype=np.intp), omega, width)
    device, left, right = densities(at, swept(at), omega, width)
    d = what.junction.directions
    here, one, other = (of_atoms(part, d).max(axis=1) for part in (device[:, inside], left, right))
    return here, np.maximum(one, other)


def zoomed(what: Prepared, k: Array, omega: float, width: float, inside: Flags) -> Bound | None:
    """Look at a peak more and more closely; None where it is a bound mode, or no more than the crystals have."""
    half = width
    for _ in range(ZOOMS):
        near = omega + 4 * max(half, width) * np.linspace(-1, 1, NEAR)
        near = near[near > 0.1 * omega]
        density, crystal = seen(what, k, near, width, inside)
        top = int(np.argmax(density))
        omega, height = float(near[top]), float(density[top] - crystal[top])
        if density[top] <= ABOVE_BULK * crystal[top]:
            return None
        half = half_width(near, density - crystal, top, height)
        if half > RESOLVED * width:
            break
        width /= FINER
    waves = [leaks(what, k, omega, side) for side in ("left", "right")]
    if not any(wave.count.any() for wave in waves):
        return None
    at = points(what, k[None], np.zeros(1, dtype=np.intp), np.array([omega]), width)
    device, left, right = densities(at, swept(at), np.array([omega]), width)
    weight = np.maximum(device[0] - max(left.mean(), right.mean()), 0.0)
    thick = what.junction.left.thickness, what.junction.right.thickness
    decay = [slowest(wave, size) for wave, size in zip(waves, thick, strict=True)]
    return Bound(omega, RESONANCE, weight / weight.sum(), (0.0, 0.0), (decay[0], decay[1]), 2 * max(half - width, 0.0))


def half_width(omega: Array, excess: Array, top: int, height: float) -> float:
    """Half width at half maximum of a peak, rad s⁻¹; half of the range where it does not end."""
    sides: list[float] = []
    for step in (-1, 1):
        part = excess[top::step]
        low = np.flatnonzero(part < height / 2)
        if low.size:
            i = int(low[0])
            rest = (part[i - 1] - height / 2) / (part[i - 1] - part[i])
            sides.append(abs(float(omega[1] - omega[0])) * (i - 1 + float(rest)))
    return float(np.mean(sides)) if sides else float(omega[-1] - omega[0]) / 2


def leaks(what: Prepared, k: Array, omega: float, side: str) -> Waves:
    """Waves of a lead at one point."""
    at = contact(what, k[None], "left" if side == "left" else "right")
    return lead_waves(at, np.zeros(1, dtype=np.intp), np.array([omega]))


def slowest(waves: Waves, thickness: float) -> float:
    """Length over which the slowest evanescent wave falls by e, m; infinite where a wave propagates."""
    if waves.count.any():
        return np.inf
    return float(thickness / decay_rates(waves)[:, : waves.rank].min())
