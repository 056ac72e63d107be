"""Inelastic transmission in detailed balance: the textbook channel, and the exchange of two phonons ω for one of 2ω.

Derivations and formulas of both are in docs/theory/inelastic.md.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from attrs import evolve, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, check_not_negative, check_record, frequencies, one_temperature, temperatures
from kapitza.core.conductance import Conductance, Drop, merge_conductances
from kapitza.core.occupation import Statistics, bose_einstein
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import frequency_grid, merge_edges
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError
from kapitza.matter.material import Material
from kapitza.theory.dmm import check_phonons, dmm, harmonic_sum
from kapitza.theory.limits import mode_conductance
from kapitza.units import hbar


def inelastic_channel(
    elastic: Transmission,
    temperature: float,
    *,
    amplitude: float,
    temperature_power: float = 1.0,
    frequency_power: float = 0.0,
    statistics: Statistics = "quantum",
) -> Transmission:
    r"""Add the textbook inelastic channel $\min(A T^q \omega^m, 1 - \tau_{el})$ to an elastic transmission.

    Of the spectra $M_i \min(A T^q\omega^m, 1 - \Xi/M_i)$ seen from either side, the one that carries less heat at
    this temperature is added to Ξ (why: docs/theory/inelastic.md).  The result is the same for both directions,
    and its conductance lies between the elastic one and the inelastic radiation limit, which it reaches for large
    amplitudes.

    Parameters
    ----------
    elastic : of any theory, with the modes of both sides
    temperature : K
    amplitude : A >= 0, K^-q (rad s⁻¹)^-m; a parameter to be fitted, no material constant
    temperature_power, frequency_power : q >= 0 and m >= 0
    statistics : "quantum", or "classical" where the conductance is taken classically too

    Returns
    -------
    Transmission that holds at this temperature alone, $0 \le \Xi$

    Raises
    ------
    InputError
        where the modes of a side are unknown, for an inelastic input, and for negative or infinite parameters

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.theory import inelastic_channel
    >>> elastic = dmm(solid("Pb"), solid("diamond"))
    >>> more = inelastic_channel(elastic, 300.0, amplitude=1e-4)
    >>> print(more.conductance([300.0]).value > elastic.conductance([300.0]).value)
    [ True]
    """
    check_record(elastic, Transmission, python="call a theory such as dmm(left, right) first")
    if not elastic.elastic:
        raise InputError(f"{elastic.method} is inelastic already: expected an elastic transmission to add to")
    if elastic.left is None or elastic.right is None:
        raise InputError(
            f"{elastic.method or 'this transmission'} does not know the modes of both sides, which bound "
            "what can cross inelastically: take one from a theory such as dmm or amm"
        )
    check_not_negative("amplitude", amplitude)
    check_not_negative("temperature_power", temperature_power)
    check_not_negative("frequency_power", frequency_power)
    kelvin = one_temperature(temperature)
    chance = amplitude * kelvin**temperature_power * elastic.omega**frequency_power
    sides = elastic.left, elastic.right
    added = [np.minimum(chance * modes, np.maximum(modes - elastic.total, 0.0)) for modes in sides]
    carried = [mode_conductance(spectrum, elastic.omega, elastic.weight, kelvin, statistics) for spectrum in added]
    total = elastic.total + (added[0] if carried[0] <= carried[1] else added[1])
    method = f"{elastic.method} + capped inelastic"
    return evolve(elastic, total=total, method=method, elastic=False, temperature=kelvin)


ElasticTheory = Callable[[Phonons, Phonons, Array], Transmission]
_SideModes = tuple[Array, Array]  # (nω,) modes that arrive on a side, and those that do not cross elastically, m⁻²


@frozen(eq=False)
class PairExchange(BaseRecord):
    """Spectra of the exchange of pairs (ω) of one side against single phonons (2ω) of the other, at one temperature."""

    omega: Array  # (nω,) angular frequency, rad s⁻¹
    # left_pairs, right_pairs: (nω,) rate K of pairs ω of the named side, m⁻²; 0 where no 2ω is open on the other side
    left_pairs: Array
    right_pairs: Array
    # left, right: (nω,) effective transmission seen from the modes of each side, m⁻².  Their conductances agree.
    left: Array
    right: Array


def three_phonon(
    left: Phonons,
    right: Phonons,
    temperature: float,
    omega: ArrayLike | None = None,
    *,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: ElasticTheory = dmm,
    statistics: Statistics = "quantum",
) -> Transmission:
    r"""Elastic transmission plus the exchange ω + ω <-> 2ω across the plane.

    The spectrum is the mean of what either side sees, $\Xi = \Xi_{el} + \frac12(\Xi_L + \Xi_R)$; its conductance is
    that seen from either (docs/theory/inelastic.md).  It stays below the conductance of all
    modes of each side.

    Parameters
    ----------
    left, right : the two sides
    temperature : K
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹; chosen from the edges of both spectra, their
        halves and doubles if None
    strength : s from 0 (elastic) to 1, for phonons at the top of the softer spectrum; `cubic_strength` estimates it
    frequency_power : r >= 0, how s falls towards long waves
    theory : of the elastic part, called as `theory(left, right, omega)`
    statistics : "quantum"; the rates have no classical form here

    Returns
    -------
    Transmission that holds at this temperature alone

    Raises
    ------
    InputError
        for a strength outside of 0..1, a negative power, a temperature that is not above zero, a frequency of 0, or
        classical statistics

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.theory import three_phonon
    >>> lead, diamond = solid("Pb"), solid("diamond")
    >>> found = three_phonon(lead, diamond, 300.0).conductance([300.0]).value[0]
    >>> print(f"{found / dmm(lead, diamond).conductance([300.0]).value[0]:.2f} times the elastic conductance")
    2.59 times the elastic conductance
    """
    if statistics != "quantum":
        raise InputError(
            f"three-phonon has no {statistics!r:.60} statistics: its rates and the balance between ω + ω and 2ω are "
            'those of quanta; take statistics="quantum" or an elastic model'
        )
    kelvin = one_temperature(temperature)
    weight = None
    if omega is None:
        grid = frequency_grid(pair_edges(left, right))
        omega, weight = grid.omega, grid.weight
    omega = frequencies(omega)
    added = pair_exchange(left, right, kelvin, omega, strength=strength, frequency_power=frequency_power, theory=theory)
    elastic = theory(left, right, omega)
    total = elastic.total + (added.left + added.right) / 2
    method = f"{elastic.method} + three-phonon (s = {strength:g})"
    return evolve(elastic, total=total, weight=weight, method=method, elastic=False, temperature=kelvin)


def pair_exchange(
    left: Phonons,
    right: Phonons,
    temperature: float,
    omega: ArrayLike,
    *,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: ElasticTheory = dmm,
) -> PairExchange:
    """Rates of the exchange ω + ω <-> 2ω and what either side sees of it; parameters as for `three_phonon`."""
    if not 0 <= strength <= 1:
        raise InputError(f"strength = {strength:g}, expected 0 (elastic) to 1")
    check_not_negative("frequency_power", frequency_power)
    omega = frequencies(omega)
    free: dict[float, list[_SideModes]] = {}
    for scale in (0.5, 1.0, 2.0):
        crossing = theory(left, right, scale * omega).total
        spectra = left.modes(scale * omega), right.modes(scale * omega)
        free[scale] = [(modes, np.maximum(modes - crossing, 0.0)) for modes in spectra]
    softer = min(left.edges[-1], right.edges[-1])
    share = strength * np.minimum(omega / softer, 1.0) ** frequency_power
    share_below = strength * np.minimum(omega / (2 * softer), 1.0) ** frequency_power
    n, doubled = _pair_occupations(omega, temperature)
    n_below = _pair_occupations(omega / 2, temperature)[0]
    pairs: list[Array] = []
    lost: list[Array] = []
    gained: list[Array] = []
    for a, b in ((0, 1), (1, 0)):
        rate = _pair_rate(free[1.0][a], free[2.0][b], omega, temperature, share)
        below = _pair_rate(free[0.5][a], free[1.0][b], omega / 2, temperature, share_below)
        pairs.append(rate)
        lost.append(4 * rate * (n - doubled))
        gained.append(0.5 * below * (1 + 2 * n_below))
    return PairExchange(omega, pairs[0], pairs[1], lost[0] + gained[1], lost[1] + gained[0])


def three_phonon_conductance(
    left: Phonons,
    right: Phonons,
    temperature: ArrayLike,
    *,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: ElasticTheory = dmm,
    drop: Drop = "emitted",
) -> Conductance:
    """Conductance of `three_phonon` at many temperatures (nT,) K, increasing; parameters and errors as there."""
    parts = [
        three_phonon(
            left, right, kelvin, strength=strength, frequency_power=frequency_power, theory=theory
        ).conductance(kelvin, drop=drop)
        for kelvin in temperatures(temperature)
    ]
    return merge_conductances(parts)


class PhononStates(Phonons, Protocol):
    """Phonons of which the density of states is known too, as of full bands."""

    def density_of_states(self, omega: Array, /) -> Array:
        """(nω,) density of states, m⁻³ (rad s⁻¹)⁻¹."""
        ...


def cubic_strength(spectrum: PhononStates, found: Material) -> float:
    r"""Strength s of `three_phonon` by the cubic term in the energy of the bonds, from thermal expansion.

    By the golden rule, with the second and third derivatives $V_2$, $V_3$ of the energy of a bond across the plane,
    $$s = \frac{\hbar}{4m}\left(\frac{V_3}{V_2}\right)^2\left\langle\frac1\omega\right\rangle, \qquad
    \frac{V_3}{V_2} = -\frac{6\gamma}{d} .$$
    The mean over the density of states, the mean mass m, the distance d of neighbours in a close packing of these
    atoms and the Grüneisen parameter γ, here as for central forces between neighbours, are those of one side, which
    should be the softer one (docs/theory/inelastic.md).

    Parameters
    ----------
    spectrum : of the softer side
    found : the same side, with its thermal expansion; a metal, since the Grüneisen parameters of the modes of open
        structures have both signs, so that their mean does not measure the bonds

    Returns
    -------
    s from 0 to 1; of simple metals some hundredths

    Raises
    ------
    InputError
        where the Grüneisen parameter is not known

    References
    ----------
    Yu. A. Kosevich, Phys. Rev. B 52, 1017 (1995), doi:10.1103/PhysRevB.52.1017 (anharmonic bonds of unlike crystals)
    """
    gruneisen = found.gruneisen
    if gruneisen is None:
        raise InputError(
            f"{found.name}: thermal expansion, elastic constants and heat capacity at 300 K are not all known:",
            hint=Hint(python="give three_phonon a strength", command="leave the three-phonon models out (--models)"),
        )
    grid = frequency_grid(spectrum.edges)
    weight = spectrum.density_of_states(grid.omega) * grid.weight
    slowness = float(weight @ (1 / grid.omega) / weight.sum())
    density = found.atoms.value
    distance = 2 ** (1 / 6) * density ** (-1 / 3)
    mass = found.density.value / density
    return min(1.0, hbar / (4 * mass) * (6 * gruneisen / distance) ** 2 * slowness)


def _pair_rate(pair: _SideModes, single: _SideModes, omega: Array, temperature: float, strength: Array) -> Array:
    """(nω,) rate K of pairs ω of one side against single phonons 2ω of the other, m⁻²."""
    n, doubled = _pair_occupations(omega, temperature)
    bare = strength * harmonic_sum(pair[0], single[0])
    per_pair = np.maximum(8 * (n - doubled), 1e-280)
    return harmonic_sum(bare, pair[1] / per_pair, single[1] / (1 + 2 * n))  # at most what elastic waves leave


def _pair_occupations(omega: Array, temperature: float) -> tuple[Array, Array]:
    """(nω,) equilibrium occupation at ω and at 2ω."""
    return bose_einstein(omega, temperature)[0], bose_einstein(2 * omega, temperature)[0]


def pair_edges(left: Phonons, right: Phonons) -> Array:
    """Edges of both spectra, their halves and doubles, up to the common top, rad s⁻¹."""
    check_phonons(left, right)
    edges = merge_edges(left.edges, right.edges)
    every = merge_edges(edges / 2, edges, 2 * edges)
    return every[every <= edges[-1] * (1 + 1e-12)]
