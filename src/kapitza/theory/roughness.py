r"""Partly specular, partly diffuse interfaces, from smooth (acoustic mismatch) to rough (diffuse mismatch).

For Gaussian heights of rms η the coherent share of each process is $p = e^{-\eta^2 (k_n - k_n')^2}$ (Ziman; Maznev,
doi:10.1103/PhysRevB.91.134306; Ong, doi:10.1209/0295-5075/133/66002), and what a wave α loses,
$d_\alpha = \sum_\beta (1 - p_{\alpha\beta}) |S_{\alpha\beta}|^2$, goes to each wave β in proportion to $d_\beta$: with
sums $D_i$ over the waves of a side, $\Xi = \int \frac{d^2k_\parallel}{(2\pi)^2} [\sum_{\alpha \in L, \beta \in R}
p_{\alpha\beta} |S_{\alpha\beta}|^2] + D_L D_R/(D_L + D_R)$, in detailed balance for each pair of waves.
"""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, check_not_negative, check_record
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.theory import plane_waves
from kapitza.theory.amm import slowness_quadrature
from kapitza.theory.dmm import check_shares, common_grid, harmonic_sum
from kapitza.theory.plane_waves import LEFT_GOING, RIGHT_GOING, Medium, PlanarContact

_MODE_COUNT_TOLERANCE = 1e-2  # of the modes of a side, in which two theories of the same sides may differ
_MAX_PROCESSES = 2_000_000  # processes (frequency, slowness, in, out) that are held in memory together


def rough_interface(left: Medium, right: Medium, omega: ArrayLike | None = None, *, roughness: float) -> Transmission:
    r"""Interface of rms roughness η: each wave partly refracted as at a plane, partly scattered diffusely.

    The specular share depends on frequency and angle (formulas: docs/theory/mixed.md).  Obeys detailed balance
    for every pair of waves.  Long correlation length of the roughness is assumed; short ones scatter long waves less.

    Parameters
    ----------
    left, right : isotropic solids, elastic crystals or liquids
    omega : (nω,) increasing angular frequency, rad s⁻¹; chosen from the edges of both spectra if None
    roughness : η, rms height of the plane, m, at least 0

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for a roughness that is negative or not finite and for sides without elastic constants
    """
    check_not_negative("roughness", roughness, "m")
    left, right = plane_waves.check_medium(left), plane_waves.check_medium(right)
    omega, weight = common_grid(omega, left, right)
    table = interface_processes(left, right)
    shares = [
        split_specular(table, chunk, roughness)
        for chunk in np.array_split(omega, 1 + omega.size * table.probability.size // _MAX_PROCESSES)
    ]
    crossing, lost_left, lost_right = np.square(omega) * np.concatenate(shares, axis=1)
    m_left, m_right = left.modes(omega), right.modes(omega)
    total = np.minimum(crossing + harmonic_sum(lost_left, lost_right), np.minimum(m_left, m_right))
    label = f"AMM-DMM of {roughness * 1e9:.3g} nm roughness {left.name}|{right.name}"
    return Transmission(omega, total, m_left, m_right, weight=weight, method=label)


def specular_mixture(specular: Transmission, diffuse: Transmission, specularity: ArrayLike) -> Transmission:
    r"""Mixture of two models with a given specular share: $\Xi = p\,\Xi_s + (1 - p)\,\Xi_d$.

    Parameters
    ----------
    specular, diffuse : the same two sides at the same frequencies, e.g. from `amm` and `dmm`
    specularity : p from 0 to 1, one number or one for each frequency

    Returns
    -------
    Transmission with (nω,) values

    Raises
    ------
    InputError
        for unequal frequencies, unequal or exchanged sides, a wrong number of shares or shares outside of 0..1

    Examples
    --------
    >>> from kapitza import amm, dmm, solid
    >>> from kapitza.theory import specular_mixture
    >>> from kapitza.units import THz
    >>> left, right, omega = solid("Si"), solid("Ge"), [0.5 * THz, 1 * THz]
    >>> smooth, rough = amm(left, right, omega), dmm(left, right, omega)
    >>> half = specular_mixture(smooth, rough, 0.5)
    >>> print(half.total / (smooth.total + rough.total))
    [0.5 0.5]
    """
    for one in (specular, diffuse):
        check_record(one, Transmission, python="call a theory such as amm(left, right) or dmm(left, right) first")
    size = specular.omega.size
    if size != diffuse.omega.size or np.any(np.abs(specular.omega - diffuse.omega) > 1e-12 * specular.omega):
        raise InputError(
            f"{specular.method} has {size} frequencies, {diffuse.method} {diffuse.omega.size} or other ones: "
            "give both the same omega"
        )
    for one, other in ((specular.left, diffuse.left), (specular.right, diffuse.right)):
        if one is None or other is None:
            continue
        if np.any(np.abs(one - other) > _MODE_COUNT_TOLERANCE * np.max(other)):
            raise InputError(
                f"{specular.method} and {diffuse.method} have other modes: give both the same sides in order"
            )
    p = check_shares("specularity", specularity, size, "specular")
    total = p * specular.total + (1 - p) * diffuse.total
    label = f"mixed {specular.method} + {diffuse.method}"
    return Transmission(specular.omega, total, diffuse.left, diffuse.right, weight=specular.weight, method=label)


@frozen(eq=False, kw_only=True)
class InterfaceProcesses(BaseRecord):
    """What may become of each wave that arrives at the plane, at n in-plane slownesses; k waves in and k out."""

    weight: Array  # (n,) quadrature weights over the slowness, s² m⁻²
    probability: Array  # (n, k, k) of leaving as (row) when arriving as (column), 0 for evanescent waves
    change: Array  # (n, k, k) change of the normal slowness, s m⁻¹
    mirror: Array  # (n, k) the same on reflection into the wave itself, s m⁻¹
    # cutoff_in, cutoff_out: (n, k) top of the branch of each wave, 0 where evanescent, rad s⁻¹
    cutoff_in: Array
    cutoff_out: Array
    # from_left, to_left: (k,) which columns and rows belong to the left side
    from_left: NDArray[np.bool_]
    to_left: NDArray[np.bool_]


def interface_processes(left: Medium, right: Medium) -> InterfaceProcesses:
    """Refraction, reflection and conversion at the smooth plane, at all slownesses that propagate on either side."""
    at = slowness_quadrature(left, right, PlanarContact(), 0.0, either_side=True)
    near, far = (plane_waves.solve_plane_waves(side, at.slowness, at.azimuth) for side in (left, right))
    matrix = plane_waves.interface_scattering([near, far], PlanarContact(), np.zeros(1))[0]
    # (n, 2, m) top frequency of the branch of each wave, 0 where it is evanescent
    tops = [
        np.where(waves.branch >= 0, np.asarray(side.cutoffs)[np.maximum(waves.branch, 0)], 0.0)
        for side, waves in ((left, near), (right, far))
    ]
    pairs = (near.slowness.real, far.slowness.real), tops
    into, cutoff_in = (np.concatenate([a[:, RIGHT_GOING], b[:, LEFT_GOING]], axis=1) for a, b in pairs)
    out, cutoff_out = (np.concatenate([a[:, LEFT_GOING], b[:, RIGHT_GOING]], axis=1) for a, b in pairs)
    travelling = (cutoff_out[:, :, None] > 0) & (cutoff_in[:, None, :] > 0)
    probability = np.where(travelling, np.square(np.abs(matrix)), 0.0)
    on_left = np.arange(into.shape[1]) < near.count
    change = out[:, :, None] - into[:, None, :]
    return InterfaceProcesses(
        weight=at.weight,
        probability=probability,
        change=change,
        mirror=2 * into,
        cutoff_in=cutoff_in,
        cutoff_out=cutoff_out,
        from_left=on_left,
        to_left=on_left,
    )


def split_specular(table: InterfaceProcesses, omega: Array, roughness: float) -> Array:
    """(3, nω) specular crossing over ω², and lost to diffuse scattering from the left and from the right, s² m⁻²."""
    phase = roughness * omega[:, None, None]
    open_in = omega[:, None, None] <= table.cutoff_in
    open_out = omega[:, None, None] <= table.cutoff_out
    kept = np.exp(-np.square(phase[..., None] * table.change))  # |⟨e^{iφ}⟩|² over Gaussian heights
    allowed = np.where(open_out[..., None] & open_in[:, :, None, :], table.probability, 0.0)
    coherent = kept * allowed
    crosses = table.to_left[:, None] != table.from_left
    crossing = np.sum(coherent * crosses, axis=(2, 3)) @ table.weight / 2  # half of both directions together
    # a wave that may not enter a closed branch is reflected into itself, so that nothing goes missing
    barred = np.where(open_in, np.sum(table.probability, axis=1) - np.sum(allowed, axis=2), 0.0)
    lost = np.sum(allowed - coherent, axis=2) + barred * -np.expm1(-np.square(phase * table.mirror))
    sides = [np.sum(lost * side, axis=2) @ table.weight for side in (table.from_left, ~table.from_left)]
    return np.stack([crossing, *sides])
