r"""Experimental: an inelastic channel by Büttiker probes, tuned on the homogeneous crystal.

Every layer of the device loses phonons to a bath of its own temperature, which returns as much heat at other
frequencies: a self-energy $-i\omega/\tau(\omega)$ on each coordinate with $1/\tau = A\,\omega^2$, umklapp scattering at
high temperature, without selection rules or conservation of momentum.  The resistance of the interface is what the
junction has more than the mean of two homogeneous crystals of its length, contacts to the leads included.
M. Büttiker, Phys. Rev. B 33, 3020 (1986), doi:10.1103/PhysRevB.33.3020; K. Miao, S. Sadasivam, J. Charles, G. Klimeck,
T. S. Fisher, T. Kubis, Appl. Phys. Lett. 108, 113107 (2016), doi:10.1063/1.4944329
"""

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import AnyComplexArray, Array, IndexArray, one_temperature
from kapitza.core.conductance import Conductance
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, JunctionLayer, Lead
from kapitza.theory.agf.green_functions import (
    LeadContact,
    check_junction,
    contact_waves,
    inverse_layer,
    lead_contact,
    level_broadening,
    prepare_junction,
)
from kapitza.theory.agf.k_mesh import top_frequency, zone_wavevectors

_SKIPPED_SHARE = 0.2  # part of the layers on either side, next to the lead, left out of the straight lines
_MIN_RESISTANCE_SHARE = 1e-9  # of the whole resistance: an interface that has less is none
_MAX_SEARCH_STEPS = 40  # of the search for the strength of the probes

_ProbeSettings = tuple[int, float, tuple[int, int], int, Statistics]  # layers, K, wave vectors, frequencies, statistics


@frozen(eq=False, kw_only=True)
class ProbedJunction(BaseRecord):
    """A junction with probes, between two leads of temperatures 1/2 and -1/2 above the mean."""

    temperature: float  # the mean, K
    position: Array  # (n,) of the layers along the normal from the middle, m
    profile: Array  # (n,) temperature of each probe above the mean, for one unit of difference between the leads
    flux: float  # heat flux for this difference, W m⁻² K⁻¹
    jump: float  # of the straight lines through either side, at the interface
    slope: Array  # (2,) of the lines on the left and on the right, m⁻¹
    resistance: float  # of the interface, m² K W⁻¹
    conductance: Conductance  # its inverse, infinite where there is none; drop extrapolated

    @property
    def conductivity(self) -> Array:
        """(2,) of the material on the left and on the right, W m⁻¹ K⁻¹."""
        return -self.flux / self.slope


def conductance_with_probes(
    junction: Junction,
    strength: float | tuple[float, float],
    temperature: float = 300.0,
    *,
    layers: int = 12,
    k_mesh: tuple[int, int] = (6, 6),
    number: int = 40,
    statistics: Statistics = "quantum",
) -> ProbedJunction:
    r"""Conductance of a junction with probes on every layer. Experimental.

    The `strength` A of the probes in $1/\tau = A\omega^2$, s, is one number or (left, right), half the layers of the
    device each; `layers` of either lead, at least 4, are added to the device, so that straight lines can be drawn;
    `k_mesh` and `number` are wave vectors over the zone and frequencies up to the top of the bands.
    """
    check_junction(junction)
    pair = np.broadcast_to(np.asarray(strength, dtype=float), (2,))
    if not (np.isfinite(pair).all() and (pair > 0).all()) or layers < 4:
        raise InputError(f"strength = {strength} s and {layers} layers: expected above 0, and at least 4 layers")
    mean = one_temperature(temperature)
    settings = (layers, mean, k_mesh, number, statistics)
    flux, position, profile = _solve_probes(junction, pair, settings)
    excess = 1 / flux
    for lead, side_strength in zip((junction.left, junction.right), pair, strict=True):
        excess -= (
            0.5
            / _solve_probes(_homogeneous_junction(lead, len(junction.device)), np.full(2, side_strength), settings)[0]
        )
    value = 1 / excess if excess > _MIN_RESISTANCE_SHARE / flux else np.inf
    method = f"AGF {junction.name}, probes"
    known = Conductance(mean, value, drop="extrapolated", statistics=statistics, method=method)
    jump, slope = _fit_lines(position, profile)
    return ProbedJunction(
        temperature=mean,
        position=position,
        profile=profile,
        flux=flux,
        jump=jump,
        slope=slope,
        resistance=excess,
        conductance=known,
    )


def tune_probe_strength(
    lead: Lead,
    conductivity: float,
    temperature: float = 300.0,
    *,
    layers: int = 12,
    k_mesh: tuple[int, int] = (6, 6),
    number: int = 40,
    statistics: Statistics = "quantum",
    tolerance: float = 1e-3,
) -> float:
    """Strength of the probes, s, with which a homogeneous crystal has a conductivity (W m⁻¹ K⁻¹), to a tolerance."""
    if not (np.isfinite(conductivity) and conductivity > 0):
        raise InputError(f"conductivity = {conductivity:g} W/mK: expected above 0")
    crystal = _homogeneous_junction(lead, 2)
    mean = one_temperature(temperature)
    trial, found = 1e-16, np.inf
    for _ in range(_MAX_SEARCH_STEPS):
        flux, position, profile = _solve_probes(crystal, np.full(2, trial), (layers, mean, k_mesh, number, statistics))
        found = -flux / float(_fit_lines(position, profile)[1].mean())
        if abs(found / conductivity - 1) < tolerance:
            return trial
        trial *= float(np.clip(found / conductivity, 0.2, 5.0))  # κ ∝ 1/A where scattering by probes prevails
    raise ConvergenceError(
        f"probes give {found:.4g} W/mK after {_MAX_SEARCH_STEPS} steps, wanted {conductivity:g}: take more layers",
        trial,
    )


def _homogeneous_junction(lead: Lead, layers: int) -> Junction:
    """A crystal without an interface, some of its layers as the device."""
    slab = JunctionLayer(lead.masses, lead.shifts, lead.onsite, lead.hop)
    return Junction(lead.name, lead.periods, lead, lead, (*([slab] * (layers - 1)), evolve(slab, hop=None)))


def _extend_device(junction: Junction, layers: int) -> Junction:
    """Take layers of the leads into the device."""
    if any(len(junction.tiles(side)) > 1 for side in ("left", "right")):
        raise InputError(f"{junction.name}: probes need leads with the periods of the junction")
    left, right = (
        JunctionLayer(lead.masses, lead.shifts, lead.onsite, lead.hop) for lead in (junction.left, junction.right)
    )
    inner = list(junction.device)
    inner[-1] = evolve(inner[-1], hop=junction.right.hop) if _has_same_lattice(inner[-1], junction.right) else inner[-1]
    if inner[-1].hop is None:
        raise InputError(f"{junction.name}: the last layer and the right lead list other lattice vectors")
    ends = [right] * (layers - 1) + [evolve(right, hop=None)]
    return evolve(junction, device=(*([left] * layers), *inner, *ends))


def _has_same_lattice(slab: JunctionLayer, lead: Lead) -> bool:
    """Whether a layer lists its blocks for the same lattice vectors as the lead."""
    return slab.shifts.shape == lead.shifts.shape and bool((slab.shifts == lead.shifts).all())


def _probe_conductances(
    junction: Junction, strength: Array, mean: float, k_mesh: tuple[int, int], number: int, statistics: Statistics
) -> Array:
    """(n + 2, n + 2) heat per area and temperature between the left lead, the layers and the right lead, W m⁻² K⁻¹."""
    prepared = prepare_junction(junction)
    points = zone_wavevectors(prepared, k_mesh, 6)
    highest = max(top_frequency(lead, points.k) for lead in (junction.left, junction.right))
    omega = highest * (np.arange(number) + 0.5) / number
    heat = mode_heat_capacity(omega, [mean], statistics)[0] * (highest / number) / (2 * np.pi)
    sides = lead_contact(prepared, points.k, "left"), lead_contact(prepared, points.k, "right")
    blocks = junction.blocks(points.k)
    size = len(junction.device)
    total = np.zeros((size + 2, size + 2))
    weakest = np.where(np.arange(size) < size / 2, strength[0], strength[1])
    for i, weight in enumerate(points.weight):
        found = _probe_transmissions(sides, blocks, i, omega, weakest)
        total += weight * np.tensordot(heat, found, axes=1)
    return (total + total.T) / (2 * junction.area)  # of k and -k one is there: time reversal swaps start and end


def _probe_transmissions(
    sides: tuple[LeadContact, LeadContact], blocks: JunctionBlocks, at: int, omega: Array, strength: Array
) -> Array:
    """(nω, n + 2, n + 2) transmission between the leads and all probes at one wave vector."""
    index = np.full(omega.size, at)
    left, right = (contact_waves(side, index, omega) for side in sides)
    first, last = sides[0].port[index], sides[1].port[index]
    sigma = first @ left.left @ first.conj().swapaxes(1, 2), last @ right.right @ last.conj().swapaxes(1, 2)
    sizes = [block.shape[-1] for block in blocks.onsite]
    bounds = np.cumsum([0, *sizes])
    matrix = np.zeros((omega.size, bounds[-1], bounds[-1]), dtype=np.complex128)
    loss = omega[:, None] ** 3 * strength * SQUARE_PICOSECOND  # ω/τ of each layer, (rad/ps)²
    for i, block in enumerate(blocks.onsite):
        here = slice(bounds[i], bounds[i + 1])
        matrix[:, here, here] = inverse_layer(block[index], omega**2 * SQUARE_PICOSECOND)
        matrix[:, range(bounds[i], bounds[i + 1]), range(bounds[i], bounds[i + 1])] += 1j * loss[:, i, None]
    for i, block in enumerate(blocks.hop):
        here, after = slice(bounds[i], bounds[i + 1]), slice(bounds[i + 1], bounds[i + 2])
        matrix[:, here, after] -= block[index]
        matrix[:, after, here] -= block[index].conj().swapaxes(1, 2)
    matrix[:, : sizes[0], : sizes[0]] -= sigma[0]
    matrix[:, -sizes[-1] :, -sizes[-1] :] -= sigma[1]
    return _pairwise_transmission(
        np.linalg.inv(matrix), (level_broadening(sigma[0]), level_broadening(sigma[1])), bounds, loss
    )


def _pairwise_transmission(
    green: AnyComplexArray, gamma: tuple[AnyComplexArray, AnyComplexArray], bounds: IndexArray, loss: Array
) -> Array:
    r"""(nω, n + 2, n + 2) $\mathrm{Tr}[\Gamma_iG\Gamma_jG^\dagger]$ of leads and probes."""
    count, size = loss.shape
    n0, n1 = gamma[0].shape[-1], gamma[1].shape[-1]
    absolute = np.square(np.abs(green))
    rows = np.add.reduceat(np.add.reduceat(absolute, bounds[:-1], axis=1), bounds[:-1], axis=2)
    found = np.zeros((count, size + 2, size + 2))
    strength = 2 * loss
    found[:, 1:-1, 1:-1] = strength[:, :, None] * rows * strength[:, None, :]
    ends = ((0, green[:, :, :n0], gamma[0]), (size + 1, green[:, :, -n1:], gamma[1]))
    for place, part, broad in ends:
        spread = np.einsum("bij,bij->bi", part @ broad, part.conj()).real
        received = strength * np.add.reduceat(spread, bounds[:-1], axis=1)
        found[:, 1:-1, place] = found[:, place, 1:-1] = received
    across = green[:, -n1:, :n0]
    found[:, -1, 0] = np.einsum("bij,bij->b", gamma[1] @ across @ gamma[0], across.conj()).real
    found[:, 0, -1] = found[:, -1, 0]
    found[:, range(size + 2), range(size + 2)] = 0  # a bath has no net exchange with itself
    return found


def _solve_probes(junction: Junction, strength: Array, settings: _ProbeSettings) -> tuple[float, Array, Array]:
    """Heat flux for one unit of temperature between the leads, position and temperature of the probes."""
    layers, mean, k_mesh, number, statistics = settings
    longer = _extend_device(junction, layers)
    heat = _probe_conductances(longer, strength, mean, k_mesh, number, statistics)
    size = len(longer.device)
    # baths exchange heat in proportion to their difference in temperature, as in a network of conductors
    balance = np.diag(heat.sum(axis=1)) - heat
    ends = np.array([0.5, -0.5])
    inner = np.linalg.solve(balance[1:-1, 1:-1], -balance[1:-1, [0, -1]] @ ends)  # no net heat into any probe
    flux = float(balance[0] @ np.concatenate([ends[:1], inner, ends[1:]]))
    thickness = np.where(np.arange(size) < size / 2, junction.left.thickness, junction.right.thickness)
    position = np.cumsum(thickness) - thickness / 2 - thickness[: (size + 1) // 2].sum()
    return flux, position, np.asarray(inner, dtype=float)


def _fit_lines(position: Array, profile: Array) -> tuple[float, Array]:
    """Jump at 0 of straight lines through either side, and their slopes (2,)."""
    found: list[tuple[float, float]] = []
    for side in (position < 0, position > 0):
        rows = np.flatnonzero(side)
        skipped = int(np.ceil(_SKIPPED_SHARE * rows.size))
        kept = rows[skipped:-skipped]
        slope, start = np.polyfit(position[kept], profile[kept], 1)
        found.append((float(start), float(slope)))
    return found[0][0] - found[1][0], np.array([found[0][1], found[1][1]])
