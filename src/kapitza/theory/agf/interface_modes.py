r"""Modes localised at an interface: bound ones where no crystal has a wave, and resonances that leak into one.

Where both self-energies are Hermitian they fall with $E = \omega^2$, and the number of negative eigenvalues of
$D + \Sigma_L(E) + \Sigma_R(E) - E$ rises by one at each bound mode and falls by one at each pole of a self-energy.  It
is counted layer by layer (Sylvester's law of inertia), and its steps are found by bisection: no mode is missed.

References
----------
K. Gordiz and A. Henry, Sci. Rep. 6, 23139 (2016), doi:10.1038/srep23139 (localised modes and what they carry)
"""

from itertools import pairwise

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import (
    AnyComplexArray,
    Array,
    BoolArray,
    IndexArray,
    about,
    finite_table,
    labels,
    numbers,
    same_length,
)
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Side
from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, JunctionBlocks
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress
from kapitza.theory.agf import green_functions as green
from kapitza.theory.agf.green_functions import LeadContact, PreparedJunction, prepare_junction
from kapitza.theory.agf.k_mesh import MeshSize, even_frequencies, given_or_zone_wavevectors
from kapitza.theory.agf.leads import LeadWaves, dagger
from kapitza.theory.agf.local_density import DEFAULT_MESH_SIDE, device_sites, select_layers
from kapitza.theory.agf.scattering import outgoing_waves
from kapitza.theory.agf.transmission import UnitRunner, lead_bands, point_seconds, unit_arrays
from kapitza.units import THz

MODE_KINDS = ("below the bands", "in a gap", "above the bands", "resonance")
_FAMILY_SEPARATION = 0.1  # of the highest frequency: modes of one name that differ by more are two families
_POINTS_PER_WAVEVECTOR = 1000  # frequencies that the modes of one wave vector cost, roughly
_TABLE_COLUMNS = ("omega", "kind", "width", "left_tail", "right_tail", "left_decay", "right_decay")
_GAP_SAMPLES = 40  # frequencies in a gap at which modes are counted first
_COUNT_STEP_TOLERANCE = 1e-7  # relative: steps of the count that are nearer to each other are taken together
_GAP_CHECK_PLACES = np.array([0.03, 0.5, 0.97])  # places in a gap at which it is checked to be one
_MAX_POLE_HALVINGS = 14  # halvings after which a pole and a mode that remain unresolved are dropped
_TRACE_TOLERANCE = 1e-9  # of the energy: a rise of the trace of the self-energies that is put down to rounding
_FREQUENCY_TOLERANCE = 1e-13  # relative width of the interval in which a mode is found at last
_BAND_EDGE_MARGIN = 1e-7  # of the frequency: how near to the edge of a band a mode is looked for
_MIN_WAVE_AMPLITUDE = 1e-5  # of the largest amplitude: waves with less of it are no part of a mode
_MAX_POLE_ATTEMPTS = 4  # at frequencies where a self-energy is infinite
_POLE_SHIFT = 1e-13  # relative change of such a frequency
_MIN_END_AMPLITUDE = 1e-9  # amplitude at the end of the device, of a mode of norm 1 there: less is rounding
_MAX_TAIL_DOUBLINGS = 60  # of the layers of a lead over which a tail is summed
_BELOW_BANDS, _IN_GAP, _ABOVE_BANDS, _RESONANCE_KIND = range(4)  # kinds of modes of an interface
# resonances
_MIN_BULK_RATIO = 2.0  # times the density of states of any atom of the crystals: what counts as a resonance
_MAX_ZOOMS = 5  # times a peak is looked at more closely
_ZOOM_FACTOR = 4.0  # each time
_ZOOM_FREQUENCIES = 61  # frequencies around a peak
_MAX_COARSE_LOOKS = 8  # times the range about a peak is widened until the peak ends in it
_RESOLVED_WIDTH = 3.0  # times the broadening: a peak this wide needs no closer look


@frozen(eq=False)
class JunctionAtWavevector(BaseRecord):
    """A junction at one wave vector: its leads, its blocks, and both leads with the periods of the junction."""

    sides: tuple[LeadContact, LeadContact]
    blocks: JunctionBlocks
    leads: tuple[tuple[AnyComplexArray, AnyComplexArray], tuple[AnyComplexArray, AnyComplexArray]]


@frozen(eq=False)
class BoundMode(BaseRecord):
    """One mode."""

    omega: float  # rad s⁻¹
    kind: int  # 0 below all bands, 1 in a gap, 2 above all bands, 3 resonance
    weight: Array  # (f,) part of its energy on each coordinate of the device
    tails: tuple[float, float]  # parts in the left and the right lead
    # lengths over which its amplitude falls by e into either lead, m; 0 where it does not reach it, infinite where it
    # leaks into it
    decay: tuple[float, float]
    width: float = 0.0  # full width at half maximum, rad s⁻¹; 0 for a bound mode


def at_wavevector(prepared: PreparedJunction, k: Array) -> JunctionAtWavevector:
    """Prepare one wave vector (2,)."""
    junction, one = prepared.junction, k[None]
    leads = green.lead_blocks(junction, one, "left"), green.lead_blocks(junction, one, "right")
    return JunctionAtWavevector(green.lead_contacts(prepared, one), junction.blocks(one), leads)


def frequency_gaps(at: JunctionAtWavevector) -> list[tuple[float, float, int]]:
    """Ranges of frequency without a wave in either lead (rad s⁻¹), and the kind of a mode in them."""
    bands = lead_bands(at.sides, fine=True)[0]
    # Gershgorin's bound of all frequencies, block by block
    onsite = [float(np.linalg.norm(one[0], 2)) for one in at.blocks.onsite]
    hops = (at.leads[0][1], *at.blocks.hop, at.leads[1][1])
    reach = [float(np.linalg.norm(one[0], 2)) for one in hops]
    rows = [size + reach[i] + reach[i + 1] for i, size in enumerate(onsite)]
    for (here, there), near in zip(at.leads, (reach[0], reach[-1]), strict=True):
        rows.append(float(np.linalg.norm(here[0], 2)) + 2 * max(near, float(np.linalg.norm(there[0], 2))))
    bound = float(np.sqrt(max(rows) / SQUARE_PICOSECOND) * 1.001)
    cuts = np.unique(np.concatenate([[0.0], bands.edges, [bound]]))
    found: list[tuple[float, float, int]] = []
    for low, high in pairwise(cuts.tolist()):
        inner = low + (high - low) * _GAP_CHECK_PLACES
        if high - low < 4 * _BAND_EDGE_MARGIN * high or bands.counts(inner).any():
            continue
        index = np.zeros(inner.size, dtype=np.intp)
        if any(green.contact_waves(side, index, inner).count.any() for side in at.sides):
            continue
        kind = _BELOW_BANDS if high <= bands.edges[0] else _ABOVE_BANDS if low >= bands.edges[-1] else _IN_GAP
        found.append((low + _BAND_EDGE_MARGIN * high, high * (1 - _BAND_EDGE_MARGIN), kind))
    return found


def _gap_self_energies(
    at: JunctionAtWavevector, omega: Array
) -> tuple[tuple[AnyComplexArray, AnyComplexArray], tuple[LeadWaves, LeadWaves]]:
    """(b, F, F) self-energies of both leads in a gap, Hermitian, and the waves of the leads; not exactly at a pole."""
    index = np.zeros(omega.size, dtype=np.intp)
    for attempt in range(_MAX_POLE_ATTEMPTS):
        try:
            waves = [green.contact_waves(side, index, omega * (1 + attempt * _POLE_SHIFT)) for side in at.sides]
            left, right = (
                green.port_self_energy(at.sides[i], waves[i], index, side) for i, side in enumerate(INTERFACE_SIDES)
            )
        except np.linalg.LinAlgError:
            continue
        # Hermitian in a gap, where nothing carries energy off
        return ((left + dagger(left)) / 2, (right + dagger(right)) / 2), (waves[0], waves[1])
    raise ConvergenceError(
        f"a lead has a pole at each of {_MAX_POLE_ATTEMPTS} frequencies near {omega[0]:.8g} rad/s: take "
        "another wave vector"
    )


def _count_below(at: JunctionAtWavevector, omega: Array) -> Array:
    """(2, b) number of negative eigenvalues of the device with its leads, and trace of the self-energies."""
    (left, right), _ = _gap_self_energies(at, omega)
    energy = omega**2 * SQUARE_PICOSECOND
    count = np.zeros(omega.size, dtype=np.intp)
    before: AnyComplexArray = left
    last = len(at.blocks.onsite) - 1
    for i, onsite in enumerate(at.blocks.onsite):
        here = onsite - energy[:, None, None] * np.eye(onsite.shape[-1]) + before
        if i == last:
            here = here + right
        count += (np.linalg.eigvalsh(here) < 0).sum(axis=1)  # Sylvester: pivot blocks have the inertia of the whole
        if i < last:
            hop = at.blocks.hop[i]
            before = -dagger(hop) @ np.linalg.solve(here, np.broadcast_to(hop, (omega.size, *hop.shape[1:])))
            before = (before + dagger(before)) / 2
    trace = np.trace(left, axis1=1, axis2=2).real + np.trace(right, axis1=1, axis2=2).real
    return np.stack([count.astype(float), trace])


def _bound_frequencies(at: JunctionAtWavevector, low: float, high: float) -> list[tuple[float, int]]:
    """Frequencies of the bound modes in a gap and how many there are at each, rad s⁻¹."""
    angle = np.pi * (np.arange(_GAP_SAMPLES) + 0.5) / _GAP_SAMPLES  # dense at the edges, where weakly bound modes lie
    grid = np.concatenate([[low], (low + high) / 2 - (high - low) / 2 * np.cos(angle), [high]])
    start, stop, step = _count_steps(at, grid, _count_below(at, grid), _COUNT_STEP_TOLERANCE / 10)
    found: list[tuple[float, int]] = []
    cuts = np.flatnonzero(start[1:] - stop[:-1] > _COUNT_STEP_TOLERANCE * high) + 1
    for group in np.split(np.arange(start.size), cuts) if start.size else []:
        # next to a pole of a self-energy rounding makes steps up and down, which cancel
        number = int(step[group].sum())
        if number > 0:
            ends = np.array([start[group[0]], stop[group[-1]]])
            if group.size == 1:  # a single step is bisected on; of several only the sum is safe
                sharp = _count_steps(at, ends, _count_below(at, ends), _FREQUENCY_TOLERANCE)
                ends = np.array([sharp[0].min(initial=ends[1]), sharp[1].max(initial=ends[0])])
            found.append((float(ends.mean()), number))
    return found


def _count_steps(at: JunctionAtWavevector, grid: Array, ends: Array, tolerance: float) -> tuple[Array, Array, Array]:
    """Narrow intervals in which the count of modes changes, in increasing order, and the changes.

    `grid` (n,) are frequencies, rad s⁻¹, `ends` (2, n) the count and the trace of the self-energies at them,
    `tolerance` is the relative width of the intervals.
    """
    start, stop = grid[:-1], grid[1:]
    left, right = ends[:, :-1], ends[:, 1:]
    level = 0
    while True:
        # a step up is a mode, one down a pole; where the trace rises a pole may hide a mode
        rise = right[1] - left[1]
        kept = (right[0] != left[0]) | (
            (rise > _TRACE_TOLERANCE * stop**2 * SQUARE_PICOSECOND) & (level < _MAX_POLE_HALVINGS)
        )
        level += 1
        start, stop, left, right = start[kept], stop[kept], left[:, kept], right[:, kept]
        wide = stop - start > tolerance * stop
        if not wide.any():
            break
        middle = (start[wide] + stop[wide]) / 2
        new = _count_below(at, middle)
        first, last = start.copy(), stop.copy()
        last[wide] = middle
        start, stop = np.concatenate([first, middle]), np.concatenate([last, stop[wide]])
        inner = right.copy()
        inner[:, wide] = new
        left, right = np.concatenate([left, new], axis=1), np.concatenate([inner, right[:, wide]], axis=1)
    changed = right[0] != left[0]
    order = np.flatnonzero(changed)[np.argsort(start[changed])]
    return start[order], stop[order], (right[0] - left[0])[order]


def bound_modes(prepared: PreparedJunction, k: Array) -> list[BoundMode]:
    """All modes bound to the interface at one wave vector (2,)."""
    at = at_wavevector(prepared, k)
    return [
        mode
        for low, high, kind in frequency_gaps(at)
        for omega, number in _bound_frequencies(at, low, high)
        for mode in _mode_shapes(prepared, at, omega, number, kind)
    ]


def _mode_shapes(
    prepared: PreparedJunction, at: JunctionAtWavevector, omega: float, number: int, kind: int
) -> list[BoundMode]:
    sigma, waves = _gap_self_energies(at, np.array([omega]))
    matrix = green.layered_matrix(at.blocks.onsite, at.blocks.hop)[
        0
    ]  # effective dynamical matrix of the device, (rad/ps)²
    first, last = len(sigma[0][0]), len(sigma[1][0])
    matrix[:first, :first] += sigma[0][0]
    matrix[-last:, -last:] += sigma[1][0]
    value, vector = np.linalg.eigh(matrix)
    near = np.argsort(np.abs(value - omega**2 * SQUARE_PICOSECOND))[:number]  # Σ(ω) is right for modes at ω alone
    made: list[BoundMode] = []
    for i in near:
        ends = vector[:first, i], vector[-last:, i]
        tails = [_tail_weight(at, sigma[j][0], ends[j], omega, side) for j, side in enumerate(INTERFACE_SIDES)]
        decay = [_decay_length(prepared, at, waves[j], ends[j], side) for j, side in enumerate(INTERFACE_SIDES)]
        norm = 1 + sum(tails)  # the eigenvector has norm 1 on the device, to which the tails add
        weight = np.square(np.abs(vector[:, i])) / norm
        made.append(BoundMode(omega, kind, weight, (tails[0] / norm, tails[1] / norm), (decay[0], decay[1])))
    return made


def _tail_weight(
    at: JunctionAtWavevector, sigma: AnyComplexArray, end: AnyComplexArray, omega: float, side: Side
) -> float:
    r"""Weight of a mode in a lead, from its outermost layer of the device: $\sum_{m\ge1}|F^mu|^2$."""
    onsite, hop = (one[0] for one in at.leads[INTERFACE_SIDES.index(side)])
    out = hop if side == "left" else hop.conj().T
    step = np.linalg.solve(omega**2 * SQUARE_PICOSECOND * np.eye(len(onsite)) - onsite - sigma, out)
    total = step.conj().T @ step
    for _ in range(_MAX_TAIL_DOUBLINGS):
        more = step.conj().T @ total @ step  # layers n + 1 to 2n from the first n
        total = total + more
        step = step @ step
        if np.abs(more).max() <= 1e-15 * np.abs(total).max():  # all further layers together are rounding
            break
    return float((end.conj() @ total @ end).real)


def _decay_rates(waves: LeadWaves) -> Array:
    """(b, 2r) by which factor, as a logarithm, each wave changes from layer to layer; infinite within a single one."""
    size = np.abs(waves.factor)
    known = np.isfinite(size) & (size > 0)
    return np.abs(np.log(size, out=np.full(size.shape, np.inf), where=known))


def _decay_length(
    prepared: PreparedJunction, at: JunctionAtWavevector, waves: LeadWaves, end: AnyComplexArray, side: Side
) -> float:
    """Length over which the amplitude of a mode falls by e in a lead: that of the slowest wave in it, m; 0 for none."""
    near = outgoing_waves(waves, side)
    seen = at.sides[INTERFACE_SIDES.index(side)].port[0].conj().T @ end
    share = np.abs(np.linalg.solve(near, seen)) * np.linalg.norm(near, axis=0)
    half = slice(waves.rank, None) if side == "left" else slice(None, waves.rank)
    rate = _decay_rates(waves)[:, half].ravel()
    inside = share > max(_MIN_WAVE_AMPLITUDE * share.max(), _MIN_END_AMPLITUDE)
    return float(prepared.junction.lead(side).thickness / rate[inside].min()) if inside.any() else 0.0


def find_resonances(
    prepared: PreparedJunction, k: Array, omega: Array, interface: IndexArray, layer: IndexArray
) -> list[BoundMode]:
    """Peaks of the density of states of an interface above that of both crystals, at one wave vector k (2,).

    omega (nω,) are even frequencies, rad s⁻¹, `interface` layers, `layer` (f,) those of the coordinates of the device;
    a crystal has waves to leak into.
    """
    if omega.size < 3:
        return []
    width = float(np.mean(np.diff(omega)))
    inside = np.isin(layer, interface)
    density, crystal = _interface_and_bulk_densities(prepared, k, omega, width, inside)
    peaks = np.flatnonzero((density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:])) + 1
    peaks = peaks[density[peaks] > _MIN_BULK_RATIO * crystal[peaks]]
    found: list[BoundMode] = []
    for start in omega[peaks]:
        mode = _zoom_on_peak(prepared, k, float(start), width, inside)
        if mode is not None and all(abs(mode.omega - other.omega) > max(mode.width, 1e-6 * width) for other in found):
            found.append(mode)
    return found


def _interface_and_bulk_densities(
    prepared: PreparedJunction, k: Array, omega: Array, width: float, inside: BoolArray
) -> tuple[Array, Array]:
    """(nω,) largest densities of states of an atom of the interface and of an atom of the crystals, s rad⁻¹."""
    at = green.device_points(prepared, k[None], np.zeros(omega.size, dtype=np.intp), omega, width)
    device, left, right = green.local_densities(at, green.sweep_layers(at), omega, width)
    d = prepared.junction.directions
    here, one, other = (green.atom_densities(part, d).max(axis=1) for part in (device[:, inside], left, right))
    return here, np.maximum(one, other)


def _zoom_on_peak(
    prepared: PreparedJunction, k: Array, omega: float, width: float, inside: BoolArray
) -> BoundMode | None:
    """Look at a peak more and more closely; None where it is a bound mode, or no more than the crystals have."""
    half = closer = _spanning_width(prepared, k, omega, width, inside)
    for _ in range(_MAX_ZOOMS):
        width = closer
        near = _frequencies_about(omega, max(half, width))
        density, crystal = _interface_and_bulk_densities(prepared, k, near, width, inside)
        top = int(np.argmax(density))
        omega, height = float(near[top]), float(density[top] - crystal[top])
        if density[top] <= _MIN_BULK_RATIO * crystal[top]:
            return None
        half = _half_width(near, density - crystal, top, height)
        if half > _RESOLVED_WIDTH * width:
            break
        closer = width / _ZOOM_FACTOR  # until the leak, not the broadening, sets the width
    index, peak = np.zeros(1, dtype=np.intp), np.array([omega])
    decay: list[float] = []
    leads = prepared.junction.left, prepared.junction.right
    for contact, lead in zip(green.lead_contacts(prepared, k[None]), leads, strict=True):
        waves = green.contact_waves(contact, index, peak)
        slowest = 0.0 if waves.count.any() else _decay_rates(waves)[:, : waves.rank].min()
        decay.append(float(lead.thickness / slowest) if slowest else np.inf)
    if np.inf not in decay:
        return None
    at = green.device_points(prepared, k[None], index, peak, width)
    device, left, right = green.local_densities(at, green.sweep_layers(at), peak, width)
    weight = np.maximum(device[0] - max(left.mean(), right.mean()), 0.0)
    # half widths of Lorentzians add: the broadening is taken off
    return BoundMode(
        omega, _RESONANCE_KIND, weight / weight.sum(), (0.0, 0.0), (decay[0], decay[1]), 2 * max(half - width, 0.0)
    )


def _frequencies_about(omega: float, width: float) -> Array:
    near = omega + 4 * width * np.linspace(-1, 1, _ZOOM_FREQUENCIES)
    return near[near > 0.1 * omega]


def _spanning_width(prepared: PreparedJunction, k: Array, omega: float, width: float, inside: BoolArray) -> float:
    """Broadening, at least `width`, with which a peak falls to its half within the frequencies about it."""
    for _ in range(_MAX_COARSE_LOOKS):
        near = _frequencies_about(omega, width)
        density, crystal = _interface_and_bulk_densities(prepared, k, near, width, inside)
        excess, top = density - crystal, int(np.argmin(np.abs(near - omega)))
        below = excess < excess[top] / 2
        ends = below[:top].any() and below[top:].any()
        if ends or near[0] > omega - 4 * width * (1 - 1e-9) or density[top] <= _MIN_BULK_RATIO * crystal[top]:
            break
        width *= _ZOOM_FACTOR
    return width


def _half_width(omega: Array, excess: Array, top: int, height: float) -> float:
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


@frozen(eq=False, kw_only=True)
class InterfaceModes(BaseRecord):
    """Table of the modes localised at an interface, one row (n,) each; z is the normal.

    Attributes
    ----------
    symbol : (m,) element of each atom
    width : at half maximum, of a resonance; 0 for bound modes
    left_tail, right_tail : parts of the energy in the leads; 0 for resonances
    left_decay, right_decay : lengths over which the amplitude falls by e on either side; 0 where the mode does not
        reach the lead, infinite where it leaks into it
    weight : of a resonance, of what exceeds both crystals

    Raises
    ------
    InputError
        for tables and labels of unequal length, and NaN
    """

    omega: Array = field(converter=numbers, metadata=about("rad s^-1", "angular frequency"))
    k: Array = field(converter=finite_table, metadata=about("of the reciprocal vectors", "(n, 2) in-plane wave vector"))
    modes: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m^-2", "modes per area"))
    kind: IndexArray = field(
        converter=labels, metadata=about("0 below the bands, 1 in a gap, 2 above the bands, 3 resonance", "(n,) kind")
    )
    width: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("rad s^-1", "full width"))
    left_tail: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "share on left"))
    right_tail: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("1", "share on right"))
    left_decay: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m", "decay on left"))
    right_decay: Array = field(converter=numbers, validator=same_length("omega"), metadata=about("m", "decay on right"))
    weight: Array = field(converter=finite_table, metadata=about("1", "(n, f) energy on each coordinate of the device"))
    layer: IndexArray = field(converter=labels, metadata=about("1", "(f,) layer of each coordinate"))
    atom: IndexArray = field(converter=labels, metadata=about("1", "(f,) atom of each coordinate"))
    direction: IndexArray = field(converter=labels, metadata=about("0 x, 1 y, 2 z", "(f,) direction of a coordinate"))
    symbol: tuple[str, ...] = field(converter=tuple)
    interface: IndexArray = field(converter=labels, metadata=about("1", "layers of the interface"))
    method: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        rows, size = self.omega.size, self.layer.size
        if self.k.shape != (rows, 2) or self.weight.shape != (rows, size) or self.kind.size != rows:
            raise InputError(
                f"k of shape {self.k.shape}, weight {self.weight.shape} and {self.kind.size} kinds for {rows} modes of "
                f"{size} coordinates"
            )
        if self.atom.size != size or self.direction.size != size or self.atom.max(initial=0) >= len(self.symbol):
            raise InputError(f"{self.atom.size} atoms and {self.direction.size} directions for {size} coordinates")
        if rows and not 0 <= self.kind.min() <= self.kind.max() < len(MODE_KINDS):
            raise InputError(f"kinds {self.kind.min()} to {self.kind.max()}: expected 0 to {len(MODE_KINDS) - 1}")

    @property
    def share(self) -> Array:
        """(n,) part of the energy on the layers of the interface, 0..1."""
        return self.weight[:, np.isin(self.layer, self.interface)].sum(axis=1)

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements of the device, each once."""
        return tuple(dict.fromkeys(self.symbol))

    @property
    def character(self) -> Array:
        """(n, elements, 2) parts of the energy in the device on each element, in the plane and along the normal."""
        element = np.array([self.elements.index(name) for name in self.symbol])[self.atom]
        parts = np.zeros((self.omega.size, len(self.elements), 2))
        for i in range(len(self.elements)):
            for j, along in enumerate((self.direction < 2, self.direction == 2)):
                parts[:, i, j] = self.weight[:, (element == i) & along].sum(axis=1)
        return parts

    @property
    def names(self) -> tuple[str, ...]:
        """(n,) what moves most and where in the spectrum: "in a gap, Si in the plane"."""
        strongest = self.character.reshape(self.omega.size, -1).argmax(axis=1) if self.omega.size else ()
        motion = [f"{name} {way}" for name in self.elements for way in ("in the plane", "along the normal")]
        return tuple(f"{MODE_KINDS[kind]}, {motion[i]}" for kind, i in zip(self.kind, strongest, strict=True))

    def families(self) -> tuple["ModeFamily", ...]:
        """Modes of one name and of neighbouring frequencies together, from the lowest frequency."""
        names = np.array(self.names)
        found: list[ModeFamily] = []
        for name in dict.fromkeys(self.names):
            rows = np.flatnonzero(names == name)
            rows = rows[np.argsort(self.omega[rows], kind="stable")]
            cuts = np.flatnonzero(np.diff(self.omega[rows]) > _FAMILY_SEPARATION * self.omega.max()) + 1
            found += [self._family(name, part) for part in np.split(rows, cuts)]
        return tuple(sorted(found, key=lambda one: one.lowest))

    def _family(self, name: str, rows: IndexArray) -> "ModeFamily":
        modes, omega = self.modes[rows], self.omega[rows]
        share, width = (float(np.average(values[rows], weights=modes)) for values in (self.share, self.width))
        left, right = (float(np.median(values[rows])) for values in (self.left_decay, self.right_decay))
        return ModeFamily(
            name=name, lowest=float(omega.min()), highest=float(omega.max()), modes=float(modes.sum()),
            share=share, width=width, left_decay=left, right_decay=right,
        )  # fmt: skip


@frozen(kw_only=True)
class ModeFamily(BaseRecord):
    """Modes of an interface that have one name, as in `InterfaceModes.names`."""

    name: str
    lowest: float = field(metadata=about("rad s^-1", "lowest frequency"))
    highest: float = field(metadata=about("rad s^-1", "highest frequency"))
    modes: float = field(metadata=about("m^-2", "modes per area"))
    share: float = field(metadata=about("1", "mean part of the energy on the layers of the interface"))
    width: float = field(metadata=about("rad s^-1", "mean full width"))
    left_decay: float = field(metadata=about("m", "median length over which the amplitude falls by e on the left"))
    right_decay: float = field(metadata=about("m", "the same on the right"))

    def __str__(self) -> str:
        return f"{self.name}, {self.lowest / THz:.2f} to {self.highest / THz:.2f} THz"


def interface_modes(
    junction: Junction,
    omega: ArrayLike | None = None,
    *,
    layers: tuple[int, ...] | None = None,
    k: ArrayLike | None = None,
    k_mesh: MeshSize = None,
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> InterfaceModes:
    """Modes localised at an interface: all bound ones, and the resonances that a grid of frequencies resolves.

    Bound modes carry no heat in a harmonic crystal; they are counted, so that none is missed.  A resonance is a peak of
    the density of states of an atom of the interface, of at least twice that of any atom of the crystals at the same
    wave vector, where a crystal has waves to leak into.

    Parameters
    ----------
    junction : leads and device
    omega : (nω,) even frequencies above zero at which resonances are looked for, rad s⁻¹; None takes 120, up to the top
    layers : of the device that are the interface, from 0; None takes those that are neither crystal
    k : (nk, 2) in-plane wave vectors, fractions, which are weighted equally; None takes a mesh
    k_mesh : points along either in-plane reciprocal vector, over the whole zone, or a `ZoneMesh`; None takes 8 for the
        smallest cell.  Wave vectors that symmetry makes equal stand for each other
    executor, store, progress : as in `agf`

    Raises
    ------
    InputError
        for frequencies that are not above zero, or layers that the device does not have
    ConvergenceError
        where waves of opposite directions cannot be distinguished
    """
    prepared, wanted = prepare_junction(junction), even_frequencies(junction, omega)
    chosen, named = select_layers(junction, layers), device_sites(junction)
    vectors, weight = given_or_zone_wavevectors(prepared, k, k_mesh, DEFAULT_MESH_SIDE)
    common = {"omega": wanted, "local": "modes", "interface": np.array(chosen)}
    run, seconds = UnitRunner(executor, store, progress), _POINTS_PER_WAVEVECTOR * point_seconds(prepared)
    found = run(_interface_mode_rows, prepared, {"k": vectors}, common, seconds, numbered=True)
    rows = found["row"].astype(int)
    return InterfaceModes(
        k=vectors[rows],
        modes=weight[rows] / junction.area,
        **{name: found[name] for name in _TABLE_COLUMNS},
        weight=found["weight"].reshape(rows.size, named.layer.size),
        **asdict(named, recurse=False),
        interface=np.array(chosen),
        method=f"AGF {junction.name}",
    )


def _interface_mode_rows(unit: UnitInputs) -> UnitResult:
    """Kernel: rows of the table of modes for wave vectors k (nk, 2)."""
    prepared, (k, omega, interface, first) = unit_arrays(unit, "k", "omega", "interface", "first")
    layer = device_sites(prepared.junction).layer
    found: list[BoundMode] = []
    rows: list[int] = []
    for i, one in enumerate(k):
        here = bound_modes(prepared, one) + find_resonances(prepared, one, omega, interface, layer)
        found += sorted(here, key=lambda mode: mode.omega)
        rows += [int(first) + i] * len(here)
    columns = [(mode.omega, mode.kind, mode.width, *mode.tails, *mode.decay) for mode in found]
    plain = np.array(columns, dtype=float).reshape(len(found), len(_TABLE_COLUMNS))
    weight = np.array([mode.weight for mode in found], dtype=float).reshape(len(found), layer.size)
    return {
        **{name: plain[:, i] for i, name in enumerate(_TABLE_COLUMNS)},
        "weight": weight,
        "row": np.array(rows, dtype=float),
    }
