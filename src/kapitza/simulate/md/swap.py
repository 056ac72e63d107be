"""Heat by exchange of velocities between a slow atom of the hot and a fast one of the cold bath.

F. Müller-Plathe, J. Chem. Phys. 106, 6082 (1997), doi:10.1063/1.473271; for unequal masses, as a collision that keeps
energy and momentum: C. Nieto-Draghi and J. B. Avalos, Mol. Phys. 101, 2303 (2003).
"""

import numpy as np

from kapitza.core.arrays import Array
from kapitza.matter.brillouin import Integers


def swapped(velocities: Array, masses: Array, hot: Integers, cold: Integers) -> float:
    r"""Make the slowest atom of the hot bath and the fastest of the cold one collide, in place.

    $v' = 2 v_c - v$ with the velocity $v_c$ of their centre of mass; equal masses exchange their velocities.

    Parameters
    ----------
    velocities : (n, 3), changed in place
    masses : (n,)
    hot, cold : atoms of the baths

    Returns
    -------
    float
        energy given to the hot bath, in units of mass times velocity squared; 0 where the exchange would cool it
    """
    kinetic = 0.5 * masses * (velocities**2).sum(axis=1)
    pair = np.array([hot[np.argmin(kinetic[hot])], cold[np.argmax(kinetic[cold])]])
    mass, before = masses[pair], velocities[pair]
    after = 2 * (mass @ before) / mass.sum() - before
    given = 0.5 * float(mass[0] * (after[0] @ after[0] - before[0] @ before[0]))
    if given <= 0:
        return 0.0
    velocities[pair] = after
    return given
