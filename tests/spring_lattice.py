"""A lattice of equal springs, for what needs force constants and no crystal."""

import numpy as np

from kapitza.matter.junction import Lead


def spring_lead(name: str, mass: float) -> Lead:
    """Simple cubic lattice of equal springs along all directions."""
    ones = np.eye(3)
    onsite = np.array([60.0 * ones, -10.0 * ones, -10.0 * ones, -10.0 * ones, -10.0 * ones])
    plane = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]
    hop = np.array([-10.0 * ones, *(0 * ones for _ in range(4))])
    return Lead(
        name=name, periods=3e-10 * np.eye(3)[:2], step=[0, 0, 3e-10], masses=[mass], shifts=plane, onsite=onsite,
        hop=hop,
    )  # fmt: skip
