"""Bands of a crystal of the package at the points where frequencies were measured."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from kapitza.core.arrays import Array
from kapitza.matter.files.phonon_facts import MeasuredPhonons
from kapitza.matter.phonons import phonon_card, phonon_crystal
from kapitza.matter.zone.dispersion import polar_crystal, standard_path

_TOWARDS_GAMMA = 1e-4  # of a reciprocal vector: where the limit of polar modes is taken
_SAME_LEVEL = 1e-6  # of the top frequency: modes closer than this are one level


def computed_frequencies(measured: MeasuredPhonons) -> Array:
    """Return the frequencies of the bands that belong to measured ones.

    At each point the measured frequencies and the levels of the crystal are paired so that the sum of the differences
    is least.  At Γ the levels of a polar crystal are those towards Γ along the axes, where its charges are known.

    Returns
    -------
    (n,) angular frequencies in the order of the measured ones, rad s⁻¹
    """
    found = np.full(measured.omega.size, np.nan)
    for point in dict.fromkeys(measured.points):
        rows = np.array([i for i, one in enumerate(measured.points) if one == point])
        levels = _levels_at(measured.name, point)
        chosen = linear_sum_assignment(np.abs(measured.omega[rows][:, None] - levels))
        found[rows[chosen[0]]] = levels[chosen[1]]
    return found


def _levels_at(name: str, point: str) -> Array:
    """Frequencies of the levels at a labelled point, or in the middle of a line such as "Γ-X", rad s⁻¹."""
    crystal = phonon_crystal(name)
    points = standard_path(crystal).points
    wave = np.mean([points[label] for label in point.split("-")], axis=0)
    frequencies = crystal.frequencies(wave)[0]
    if point != "Γ":
        return frequencies
    polar = polar_crystal(name)
    if polar is not None:
        reciprocal = 2 * np.pi * np.linalg.inv(phonon_card(name).axes).T
        frequencies = np.sort(polar.frequencies(_TOWARDS_GAMMA * reciprocal).ravel())
    frequencies = frequencies[frequencies > 0.01 * frequencies[-1]]
    new = np.diff(frequencies, prepend=-np.inf) > _SAME_LEVEL * frequencies[-1]
    return frequencies[new]
