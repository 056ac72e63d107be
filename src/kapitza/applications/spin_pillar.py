r"""Heat through a pillar of magnets and normal metals: the two spin directions do not stay at one temperature.

The mean temperature $\bar T = (\kappa_\uparrow T_\uparrow + \kappa_\downarrow T_\downarrow)/\kappa$ falls with
$q/\kappa$ in each layer, and the spin heat accumulation $\delta = T_\uparrow - T_\downarrow$ obeys
$\delta'' = \delta/\lambda^2$.  Each direction crosses a boundary with its own resistance.  Up and down are those of the
first magnet; a reversed magnet has the opposite polarisation.
"""

from collections.abc import Sequence

import numpy as np
from attrs import evolve, field, frozen

from kapitza.applications.thermoelectric import check_not_negative
from kapitza.core.arrays import Array, about, number, quantity
from kapitza.core.records import BaseRecord, default_number
from kapitza.errors import InputError
from kapitza.matter.electrons import SpinChannels

_LAYER_UNKNOWNS = 3  # of a layer: two amplitudes of the accumulation and the mean temperature at its top


@frozen
class SpinLayer(BaseRecord):
    """A layer of a pillar: its metal, and its thickness (m)."""

    metal: SpinChannels
    thickness: float = field(converter=number, validator=quantity(), metadata=about("m", "thickness"))

    @property
    def reversed(self) -> "SpinLayer":
        """The same layer with reversed magnetisation."""
        return evolve(self, metal=evolve(self.metal, polarisation=-self.metal.polarisation))


@frozen
class SpinContact(BaseRecord):
    """Boundary of two layers: resistance for either spin direction, from 0, m² K W⁻¹."""

    up: float = default_number(0.0, about("m^2 K W^-1", "resistance for spin up"), check_not_negative)
    down: float = default_number(0.0, about("m^2 K W^-1", "resistance for spin down"), check_not_negative)


@frozen(eq=False)
class SpinPillar(BaseRecord):
    """Layers from the hot end on, with a boundary between each two, between reservoirs without accumulation."""

    layers: tuple[SpinLayer, ...] = field(converter=tuple)
    contacts: tuple[SpinContact, ...] = field(converter=tuple, default=())

    def __attrs_post_init__(self) -> None:
        if not self.layers or len(self.contacts) not in (0, len(self.layers) - 1):
            raise InputError(
                f"{len(self.layers)} layers have {max(len(self.layers) - 1, 0)} contacts, got {len(self.contacts)}"
            )

    def contact(self, i: int) -> SpinContact:
        """Boundary below layer i."""
        return self.contacts[i] if self.contacts else SpinContact()


@frozen(eq=False)
class SpinPillarProfile(BaseRecord):
    """Temperatures along a pillar at positions (n,) from its hot end (m), twice at each boundary.

    `mean` lies below the hot end, weighted with the conductivities, K; `accumulation` is T_up - T_down, K; `spin_flux`
    is q_up - q_down, W m⁻²; `resistance` is that of the whole pillar, m² K W⁻¹.
    """

    position: Array = field(metadata=about("m", "distance from the hot end"))
    mean: Array = field(metadata=about("K", "mean temperature relative to the hot end"))
    accumulation: Array = field(metadata=about("K", "temperature of spin up minus spin down"))
    spin_flux: Array = field(metadata=about("W m^-2", "heat flux of spin up minus spin down"))
    resistance: float = field(metadata=about("m^2 K W^-1", "resistance of the whole pillar"))

    @property
    def largest(self) -> float:
        """Accumulation of the largest size, with its sign, K."""
        return float(self.accumulation[np.argmax(np.abs(self.accumulation))])


def spin_profile(pillar: SpinPillar, flux: float, points: int = 41) -> SpinPillarProfile:
    r"""Temperatures of both spin directions along a pillar, at `points` in each layer, for a flux q (W m⁻²).

    $q_s = -\kappa_sT_s'$, $q_\uparrow - q_\downarrow = Pq - \tfrac12\kappa(1 - P^2)\delta'$ and $T_{s,1} - T_{s,2} =
    R_sq_s$ at a boundary: T. T. Heikkila, M. Hatami, G. E. W. Bauer, Phys. Rev. B 81, 100408 (2010),
    doi:10.1103/PhysRevB.81.100408; F. K. Dejene, J. Flipse, G. E. W. Bauer, B. J. van Wees, Nat. Phys. 9, 636 (2013),
    arXiv:1301.2640.
    """
    if not np.isfinite(flux):
        raise InputError(f"flux = {flux:g} W/m², wanted a finite number")
    amplitudes = _solve_pillar(pillar)
    where, mean, gap, spin = [], [], [], []
    start = 0.0
    for layer, (rise, fall, top) in zip(pillar.layers, amplitudes, strict=True):
        metal, length = layer.metal, layer.metal.length
        x = np.linspace(0, layer.thickness, points)
        growing, falling = rise * np.exp((x - layer.thickness) / length), fall * np.exp(-x / length)
        where.append(start + x)
        mean.append(top - x / metal.conductivity)
        gap.append(growing + falling)
        stiffness = metal.conductivity * (1 - metal.polarisation**2) / 2
        spin.append(metal.polarisation - stiffness * (growing - falling) / length)
        start += layer.thickness
    below_hot = np.concatenate(mean)
    return SpinPillarProfile(
        np.concatenate(where),
        flux * below_hot,
        flux * np.concatenate(gap),
        flux * np.concatenate(spin),
        float(-below_hot[-1]),
    )


def _solve_pillar(pillar: SpinPillar) -> Array:
    """(n, 3) amplitudes of the growing and the falling accumulation and the mean temperature at the top, for q = 1."""
    count = len(pillar.layers)
    matrix, given = np.zeros((_LAYER_UNKNOWNS * count, _LAYER_UNKNOWNS * count)), np.zeros(_LAYER_UNKNOWNS * count)
    first, last = pillar.layers[0], pillar.layers[-1]
    matrix[0, :2] = np.exp(-first.thickness / first.metal.length), 1  # no accumulation at the hot end
    matrix[1, 2] = 1  # whose temperature is the zero
    matrix[2, -3:-1] = 1, np.exp(-last.thickness / last.metal.length)
    for i in range(count - 1):
        block = slice(_LAYER_UNKNOWNS * i, _LAYER_UNKNOWNS * (i + 2))
        rows, values = _boundary_equations(pillar.layers[i], pillar.layers[i + 1], pillar.contact(i))
        at = _LAYER_UNKNOWNS * (i + 1)
        matrix[at : at + _LAYER_UNKNOWNS, block] = rows
        given[at : at + _LAYER_UNKNOWNS] = values
    scale = np.abs(matrix).max(axis=1)  # rows of drops (K) and of fluxes (W m⁻²) differ by decades
    found = np.linalg.solve(matrix / scale[:, None], given / scale)
    return found.reshape(count, _LAYER_UNKNOWNS)


def _boundary_equations(above: SpinLayer, below: SpinLayer, contact: SpinContact) -> tuple[Array, Array]:
    """Three equations of a boundary for the unknowns of both layers: spin flux, and the drop of either direction."""
    bottom, top = _edge_rows(above, at_end=True), _edge_rows(below, at_end=False)
    zero = np.zeros(_LAYER_UNKNOWNS)
    flux = np.concatenate([bottom["spin"], -top["spin"]])
    rows, values = [flux], [below.metal.polarisation - above.metal.polarisation]
    for sign, resistance in ((1, contact.up), (-1, contact.down)):
        one, two = (part["mean"] + (1 - sign * p.metal.polarisation) / 2 * sign * part["gap"]
                    for part, p in ((bottom, above), (top, below)))  # fmt: skip
        crossing = resistance / 2 * np.concatenate([sign * bottom["spin"], zero])  # q_s = (q ± q_spin)/2
        rows.append(np.concatenate([one, -two]) - crossing)
        fall = above.thickness / above.metal.conductivity
        values.append(fall + resistance / 2 * (1 + sign * above.metal.polarisation))
    return np.array(rows), np.array(values)


def _edge_rows(layer: SpinLayer, *, at_end: bool) -> dict[str, Array]:
    """Accumulation, mean temperature and spin flux at an edge, as rows over the unknowns of the layer."""
    metal = layer.metal
    decay = np.exp(-layer.thickness / metal.length)
    rise, fall = (1.0, decay) if at_end else (decay, 1.0)  # each is 1 at the edge it decays from: nothing overflows
    stiffness = metal.conductivity * (1 - metal.polarisation**2) / 2 / metal.length
    return {
        "gap": np.array([rise, fall, 0.0]),
        "mean": np.array([0.0, 0.0, 1.0]),
        "spin": np.array([-stiffness * rise, stiffness * fall, 0.0]),
    }


def valve_signal(pillar: SpinPillar, magnets: Sequence[int], flux: float) -> float:
    """Temperature difference of a pillar at a flux (W m⁻²) with some magnets reversed, less that without, K: the
    thermal valve. Boundaries of a reversed magnet change their directions with it.
    """
    bad = [i for i in magnets if not 0 <= i < len(pillar.layers)]
    if bad:
        raise InputError(f"the pillar has layers 0 to {len(pillar.layers) - 1}, not {bad[0]}")
    layers, contacts = list(pillar.layers), list(pillar.contacts)
    for i in set(magnets):
        layers[i] = layers[i].reversed
    for i, contact in enumerate(pillar.contacts):
        if {i, i + 1} & set(magnets):
            contacts[i] = SpinContact(contact.down, contact.up)
    changed = SpinPillar(layers, contacts)
    return flux * (spin_profile(changed, 1.0).resistance - spin_profile(pillar, 1.0).resistance)
