r"""Particles and gaps smaller than the mean free path: phonons meet a boundary before they meet each other.

The rule of Hasselman and Johnson stays, but neither side keeps its bulk conductivity: in the matrix boundaries stand
$4/\Phi$ apart, with the boundary area per volume $\Phi = 6\phi/d$ of spheres, and in a particle d.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, positive
from kapitza.core.conductance import Conductance
from kapitza.device.composite import MOST_DILUTE, check_fraction, hasselman_johnson
from kapitza.device.free_paths import FreePaths
from kapitza.errors import ValidityWarning


def interface_density(diameter: ArrayLike, fraction: float) -> Array:
    r"""(n,) area of boundary per volume of a composite of spheres, $\Phi = 6\phi/d$, m⁻¹."""
    check_fraction(fraction)
    return 6 * fraction / positive(diameter)


def nanocomposite(
    matrix: FreePaths,
    particle: FreePaths,
    conductance: float | Conductance,
    *,
    diameter: ArrayLike,
    fraction: float,
    temperature: float = 300.0,
) -> Array:
    r"""Conductivity of small spheres in a matrix, with free paths that end at boundaries.

    $1/\Lambda_m' = 1/\Lambda_m + \Phi/4$ and $1/\Lambda_p' = 1/\Lambda_p + 1/d$, and the rule of Hasselman and Johnson
    for what is left of both conductivities.

    Parameters
    ----------
    matrix, particle : free paths of the bulk, `gray` where one mean free path is known
    conductance : of the boundary, a number or a Conductance of T with the extrapolated drop, W m⁻² K⁻¹
    diameter : (n,) d of the spheres, m
    fraction : φ of the volume
    temperature : at which a Conductance of T is taken, K

    Returns
    -------
    (n,) W m⁻¹ K⁻¹

    Raises
    ------
    InputError
        for values outside of their range

    Warns
    -----
    ValidityWarning
        above a fraction of 0.4

    References
    ----------
    A. J. Minnich and G. Chen, Appl. Phys. Lett. 91, 073105 (2007)
    """
    size = positive(diameter)
    density = interface_density(size, fraction)
    if fraction > MOST_DILUTE:
        warnings.warn(
            f"a fraction of {fraction:g} is above {MOST_DILUTE:g}, where particles feel each other",
            ValidityWarning,
            stacklevel=2,
        )
    outside = np.sum(matrix.conductivity / (1 + matrix.length * density[:, None] / 4), axis=1)
    inside = np.sum(particle.conductivity / (1 + particle.length / size[:, None]), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # said above, once
        found = [
            hasselman_johnson(float(k), float(p), conductance, radius=d / 2, fraction=fraction, temperature=temperature)
            for k, p, d in zip(outside, inside, size, strict=True)
        ]
    return np.concatenate(found)
