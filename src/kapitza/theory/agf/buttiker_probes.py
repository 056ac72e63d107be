r"""Anharmonic conductance: an inelastic channel by Büttiker probes.

Every layer of the device loses phonons to a bath of its own temperature, which returns as much heat at other
frequencies: a self-energy $-i\omega/\tau(\omega)$ on each coordinate, with the scattering rate $1/\tau$ of the crystal
on its side, or that of each of its branches (`relaxation`), without selection rules or conservation of momentum.
Without scattering this is Landauer's conductance of the junction; with much of it, heat diffuses with
$\kappa = \frac1V\sum Cv_z^2\tau$.  The resistance of the interface is what the junction has more than the mean of two
homogeneous crystals of its length, contacts to the leads included: it depends on that length until phonons equilibrate
within the sides.

References
----------
M. Büttiker, Phys. Rev. B 33, 3020 (1986), doi:10.1103/PhysRevB.33.3020
K. Miao, S. Sadasivam, J. Charles, G. Klimeck, T. S. Fisher, T. Kubis, Appl. Phys. Lett. 108, 113107 (2016),
doi:10.1063/1.4944329
"""

from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import AnyComplexArray, Array, IndexArray, about, one_temperature
from kapitza.core.conductance import Conductance
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.occupation import Statistics, mode_heat_capacity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks, JunctionLayer
from kapitza.run.progress import Progress
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import LeadContact
from kapitza.theory.agf.k_mesh import top_frequency, zone_wavevectors
from kapitza.theory.agf.leads import dagger
from kapitza.theory.agf.relaxation import (
    AnyRate,
    BranchRates,
    RelaxationRate,
    homogeneous_junction,
    mean_rate,
    rate_matrices,
)
from kapitza.theory.agf.transmission import UnitRunner, unit_arrays

_SKIPPED_SHARE = 0.2  # part of the layers on either side, next to the lead, left out of the straight lines
_MIN_RESISTANCE_SHARE = 1e-9  # of the whole resistance: an interface that has less is none
_MIN_LAYERS = 4  # of a side, for a straight line
_MAX_COORDINATES = 3000  # of the device: its Green's function is a dense matrix
_MAX_MATRIX_ELEMENTS = 2_000_000  # that are inverted at once
_SECONDS_PER_CUBE, _SECONDS_PER_POINT = 3e-9, 1e-3  # of a core: inverse of a matrix over its size cubed, all else

_Rates = tuple[AnyRate, AnyRate]


@frozen(eq=False, kw_only=True)
class ProbedJunction(BaseRecord):
    """A junction with probes, between two leads of temperatures 1/2 and -1/2 above the mean."""

    temperature: float = field(metadata=about("K", "the mean"))
    position: Array = field(metadata=about("m", "of the layers along the normal from the middle, (n,)"))
    profile: Array = field(metadata=about("1", "temperature of each probe over the difference of the leads, (n,)"))
    flux: float = field(metadata=about("W m^-2 K^-1", "heat flux over the difference of the leads"))
    imbalance: float = field(
        metadata=about("1", "largest net heat into a probe or lost between the leads, over the flux")
    )
    harmonic: Conductance  # without scattering, between the leads
    four_probe: Conductance  # without scattering, contacts to the leads taken off
    jump: float = field(metadata=about("1", "of the lines through either side, over the difference of the leads"))
    slope: Array = field(metadata=about("m^-1", "of the lines on the left and on the right, (2,)"))
    resistance: float = field(metadata=about("m^2 K W^-1", "of the interface"))
    conductance: Conductance  # of the interface with scattering; infinite where there is none

    @property
    def conductivity(self) -> Array:
        """(2,) of the material on the left and on the right, W m⁻¹ K⁻¹."""
        return -self.flux / self.slope

    @property
    def side(self) -> float:
        """Length of the shorter side, m."""
        return float(min(-self.position[0], self.position[-1]))


@frozen(kw_only=True)
class ProbeSettings(BaseRecord):
    """Size of a calculation with probes: cost is the cube of the layers times wave vectors and frequencies."""

    layers: int = field(default=12, metadata=about("1", "layers of either lead that are added to the device, from 4"))
    k_mesh: tuple[int, int] = field(default=(6, 6), metadata=about("1", "wave vectors over the zone"))
    number: int = field(default=40, metadata=about("1", "frequencies up to the top of the bands"))
    statistics: Statistics = "quantum"  # of the phonons

    def __attrs_post_init__(self) -> None:
        """Check the sizes."""
        if self.layers < _MIN_LAYERS or self.number < 1 or min(self.k_mesh) < 1:
            raise InputError(
                f"{self.layers} layers, {self.k_mesh} wave vectors and {self.number} frequencies: expected at least "
                f"{_MIN_LAYERS} layers and one of the others"
            )


def anharmonic_conductance(
    junction: Junction,
    rates: _Rates,
    temperature: float = 300.0,
    *,
    settings: ProbeSettings | None = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> ProbedJunction:
    r"""Conductance of a junction whose phonons are scattered, by Büttiker probes on every layer.

    Parameters
    ----------
    junction : whose leads have its own periods
    rates : scattering rate $1/\tau(\omega)$ on the left and on the right at this temperature, of each frequency or of
        each branch; half the device each.  Layers of other atoms than the crystal has take the mean of its branches
    temperature : K
    settings : lengths of the sides, wave vectors, frequencies, statistics; no error is known of what they leave out
    executor : number of processes, or any `concurrent.futures.Executor`, such as that of a Dask client
    store : folder where finished units of work are kept; the same call takes up from there
    progress : called with the number of finished and of all units, once for each of the three structures

    Raises
    ------
    InputError
        for a device of more than some thousand coordinates, or leads of other periods than the junction
    """
    green.check_junction(junction)
    mean, size = one_temperature(temperature), settings or ProbeSettings()
    longer = _extend_device(junction, size.layers)
    if _coordinates(longer) > _MAX_COORDINATES:
        raise InputError(
            f"{junction.name}: {_coordinates(longer)} coordinates with {size.layers} layers on either side, "
            f"expected up to {_MAX_COORDINATES}: take fewer layers"
        )
    off = RelaxationRate.quadratic(0.0), RelaxationRate.quadratic(0.0)
    leads, run = (junction.left, junction.right), UnitRunner(executor, store, progress)
    flux, inner, imbalance = _balance(_probe_conductances(longer, rates, mean, size, run))
    contacts = [
        _balance(_probe_conductances(homogeneous_junction(lead, len(longer.device)), (rate, rate), mean, size, run))[0]
        for lead, rate in zip(leads, rates, strict=True)
    ]
    # without scattering the shortest device of a crystal does
    same = junction.left is junction.right
    short = [homogeneous_junction(lead, 1) for lead in leads]
    bare = [
        _probe_conductances(one, off, mean, size, UnitRunner())[0, -1]
        for one in (short[0] if same else junction, *short)
    ]
    position = _positions(longer)
    jump, slope = _fit_lines(position, inner)
    resistance, four_probe = _excess(flux, contacts), _excess(float(bare[0]), bare[1:])
    labels: dict[str, Any] = {"method": f"AGF {junction.name}", "statistics": size.statistics}
    conductance = Conductance(mean, _inverse(resistance, flux), drop="extrapolated", **labels)
    return ProbedJunction(
        temperature=mean,
        position=position,
        profile=inner,
        flux=flux,
        imbalance=imbalance,
        harmonic=Conductance(mean, bare[0], drop="emitted", **labels),
        four_probe=Conductance(mean, _inverse(four_probe, bare[0]), drop="local", **labels),
        jump=jump,
        slope=slope,
        resistance=resistance,
        conductance=evolve(conductance, method=f"{conductance.method}, probes"),
    )


def _excess(flux: float, homogeneous: list[float]) -> float:
    """Resistance that a junction has more than the mean of two homogeneous crystals, m² K W⁻¹."""
    return float(1 / flux - 0.5 * sum(1 / one for one in homogeneous))


def _inverse(resistance: float, flux: float) -> float:
    """Conductance of a resistance, infinite where it is rounding."""
    return 1 / resistance if resistance > _MIN_RESISTANCE_SHARE / flux else np.inf


def _extend_device(junction: Junction, layers: int) -> Junction:
    if any(len(junction.tiles(side)) > 1 for side in ("left", "right")):
        raise InputError(f"{junction.name}: probes need leads with the periods of the junction")
    left, right = (
        JunctionLayer(lead.masses, lead.shifts, lead.onsite, lead.hop) for lead in (junction.left, junction.right)
    )
    *inner, last = junction.device
    if np.array_equal(last.shifts, right.shifts):  # blocks of the same lattice vectors
        last = evolve(last, hop=right.hop)
    if last.hop is None:
        raise InputError(f"{junction.name}: the last layer and the right lead list other lattice vectors")
    ends = [right] * (layers - 1) + [evolve(right, hop=None)]
    return evolve(junction, device=(*([left] * layers), *inner, last, *ends))


def _probe_conductances(
    junction: Junction, rates: _Rates, mean: float, settings: ProbeSettings, run: UnitRunner
) -> Array:
    """(n + 2, n + 2) heat per area and temperature between the left lead, the layers and the right lead, W m⁻² K⁻¹."""
    prepared = green.prepare_junction(junction)
    points = zone_wavevectors(prepared, settings.k_mesh, 6)
    highest = max(top_frequency(lead, points.k) for lead in (junction.left, junction.right))
    number, size = settings.number, len(junction.device)
    omega = highest * (np.arange(number) + 0.5) / number
    heat = mode_heat_capacity(omega, [mean], settings.statistics)[0] * (highest / number) / (2 * np.pi)
    loss = np.where(np.arange(size) < size / 2, *(omega[:, None] * mean_rate(one, omega)[:, None] for one in rates))
    each: dict[str, Any] = {"k": points.k}
    if any(isinstance(one, BranchRates) for one in rates):
        for name, lead, rate in zip(("left", "right"), (junction.left, junction.right), rates, strict=True):
            found = np.array([rate_matrices(lead, rate, k, omega) for k in points.k])
            each[f"loss_{name}"] = found * (omega * SQUARE_PICOSECOND)[:, None, None]
    seconds = number * (_SECONDS_PER_CUBE * _coordinates(junction) ** 3 + _SECONDS_PER_POINT)
    common = {"omega": omega, "heat": heat, "loss": loss * SQUARE_PICOSECOND}
    total = np.tensordot(points.weight, run(heat_between_baths, prepared, each, common, seconds)["heat"], axes=1)
    return (total + total.T) / (2 * junction.area)  # of k and -k one is there: time reversal swaps start and end


def heat_between_baths(unit: UnitInputs) -> UnitResult:
    """Kernel: (nk, n + 2, n + 2) heat between leads and probes at wave vectors k, summed over frequencies.

    The unit has frequencies omega (nω,), the heat (nω,) of one mode for each, and loss (nω, n), ω/τ of each layer; with
    rates by branch also loss_left and loss_right (nk, nω, f, f), ωΓ of the layers that are those of a lead.
    """
    prepared, (k, omega, heat, loss) = unit_arrays(unit, "k", "omega", "heat", "loss")
    sides, blocks = green.lead_contacts(prepared, k), prepared.junction.blocks(k)
    total = np.zeros((len(k), loss.shape[1] + 2, loss.shape[1] + 2))
    several = max(1, _MAX_MATRIX_ELEMENTS // _coordinates(prepared.junction) ** 2)
    for i in range(len(k)):
        for first in range(0, omega.size, several):
            part = slice(first, first + several)
            local = [np.asarray(unit[name])[i, part] for name in ("loss_left", "loss_right") if name in unit]
            found = _probe_transmissions(sides, blocks, i, omega[part], (loss[part], local))
            total[i] += np.tensordot(heat[part], found, axes=1)
    return {"heat": total}


def _coordinates(junction: Junction) -> int:
    return sum(layer.masses.size for layer in junction.device) * junction.left.directions


def _probe_transmissions(
    sides: tuple[LeadContact, LeadContact],
    blocks: JunctionBlocks,
    at: int,
    omega: Array,
    losses: tuple[Array, list[AnyComplexArray]],
) -> Array:
    """(nω, n + 2, n + 2) transmission between leads and probes at a wave vector.

    `losses` are ω/τ (nω, n) and, with rates by branch, ωΓ (nω, f, f) of the left and the right crystal, (rad/ps)².
    """
    loss, local = losses
    index = np.full(omega.size, at)
    left, right = (
        green.port_self_energy(side, green.contact_waves(side, index, omega), index, name)
        for side, name in zip(sides, INTERFACE_SIDES, strict=True)
    )
    layers = [green.inverse_layer(block[index], omega**2 * SQUARE_PICOSECOND) for block in blocks.onsite]
    sizes = [layer.shape[-1] for layer in layers]
    roots: list[AnyComplexArray] = []
    for i, size in enumerate(sizes if local else []):
        # ωΓ of the crystal on its side where a layer has as many coordinates
        of_crystal = local[0] if i < len(sizes) / 2 else local[1]
        lost = of_crystal if of_crystal.shape[-1] == size else loss[:, i, None, None] * np.eye(size) + 0j
        layers[i] = layers[i] + 1j * lost
        values, vectors = np.linalg.eigh(2 * lost)
        roots.append((vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ dagger(vectors))
    matrix = green.layered_matrix(layers, [-hop[index] for hop in blocks.hop])
    if not local:
        diagonal = np.arange(matrix.shape[-1])
        matrix[:, diagonal, diagonal] += 1j * np.repeat(loss, sizes, axis=1)
    matrix[:, : sizes[0], : sizes[0]] -= left
    matrix[:, -sizes[-1] :, -sizes[-1] :] -= right
    broadening = green.level_broadening(left), green.level_broadening(right)
    return _pairwise_transmission(np.linalg.inv(matrix), broadening, np.cumsum([0, *sizes]), (loss, roots))


def _pairwise_transmission(
    green: AnyComplexArray,
    gamma: tuple[AnyComplexArray, AnyComplexArray],
    bounds: IndexArray,
    losses: tuple[Array, list[AnyComplexArray]],
) -> Array:
    r"""(nω, n + 2, n + 2) $\mathrm{Tr}[\Gamma_iG\Gamma_jG^\dagger]$ of leads and probes.

    `losses` are ω/τ (nω, n) of the probes, or roots of $\Gamma_i$ (nω, f, f), which then stand on either side of G.
    """
    loss, roots = losses
    count, size = loss.shape
    n0, n1 = gamma[0].shape[-1], gamma[1].shape[-1]
    bare, inner, strength = green, green, 2 * loss
    if roots:
        strength = np.ones_like(loss)
        inner = green.copy()
        for i, root in enumerate(roots):
            here = slice(bounds[i], bounds[i + 1])
            inner[:, here] = root @ inner[:, here]
        green, inner = inner, inner.copy()
        for i, root in enumerate(roots):
            here = slice(bounds[i], bounds[i + 1])
            inner[:, :, here] = inner[:, :, here] @ root
    absolute = np.square(np.abs(inner))
    rows = np.add.reduceat(np.add.reduceat(absolute, bounds[:-1], axis=1), bounds[:-1], axis=2)
    found = np.zeros((count, size + 2, size + 2))
    found[:, 1:-1, 1:-1] = strength[:, :, None] * rows * strength[:, None, :]
    ends = ((0, green[:, :, :n0], gamma[0]), (size + 1, green[:, :, -n1:], gamma[1]))
    for place, part, broad in ends:
        spread = np.einsum("bij,bij->bi", part @ broad, part.conj()).real
        received = strength * np.add.reduceat(spread, bounds[:-1], axis=1)
        found[:, 1:-1, place] = found[:, place, 1:-1] = received
    across = bare[:, -n1:, :n0]
    found[:, -1, 0] = np.einsum("bij,bij->b", gamma[1] @ across @ gamma[0], across.conj()).real
    found[:, 0, -1] = found[:, -1, 0]
    found[:, range(size + 2), range(size + 2)] = 0  # a bath has no net exchange with itself
    return found


def _balance(heat: Array) -> tuple[float, Array, float]:
    """Heat flux for one unit of temperature between the leads, temperatures of the probes, what is not conserved.

    Baths exchange heat in proportion to their difference in temperature, as in a network of conductors.
    """
    balance = np.diag(heat.sum(axis=1)) - heat
    ends = np.array([0.5, -0.5])
    # no net heat into any probe
    inner = np.asarray(np.linalg.solve(balance[1:-1, 1:-1], -balance[1:-1, [0, -1]] @ ends), dtype=float)
    net = balance @ np.concatenate([ends[:1], inner, ends[1:]])
    flux = float(net[0])
    lost = max(float(np.abs(net[1:-1]).max()), abs(float(net[0] + net[-1])))
    return flux, inner, lost / flux


def _positions(junction: Junction) -> Array:
    size = len(junction.device)
    thickness = np.where(np.arange(size) < size / 2, junction.left.thickness, junction.right.thickness)
    return np.asarray(np.cumsum(thickness) - thickness / 2 - thickness[: (size + 1) // 2].sum(), dtype=float)


def _fit_lines(position: Array, profile: Array) -> tuple[float, Array]:
    """Jump at 0 of straight lines through either side, and their slopes (2,)."""
    lines: list[Array] = []  # slope and value at 0
    for side in (position < 0, position > 0):
        rows = np.flatnonzero(side)
        skipped = int(np.ceil(_SKIPPED_SHARE * rows.size))
        kept = rows[skipped:-skipped]
        lines.append(np.polyfit(position[kept], profile[kept], 1))
    slopes, starts = np.transpose(lines)
    return float(starts[0] - starts[1]), slopes
