r"""Exchange of two phonons ω on one side against one phonon 2ω on the other, in detailed balance by construction.

Frequency doubling and halving is the simplest way past the top of a softer spectrum, and molecular dynamics shows it at
mass-mismatched planes.  Per area and dω/2π let $K(\omega)$ be the rate of the event "two phonons ω of side a become
one phonon 2ω of side b", occupation apart.  With $n = n(\omega, T_a)$, $n' = n(2\omega, T_b)$ the heat from a to b is

$$q_{ab} = \int \frac{d\omega}{2\pi}\, 2\hbar\omega\, K \left[n^2 (1 + n') - (1 + n)^2 n'\right] .$$

The bracket is $(1+n)^2 n' \left[e^{2\hbar\omega (1/k_BT_b - 1/k_BT_a)} - 1\right]$: it vanishes in equilibrium at
every ω and has the sign of $T_a - T_b$, whatever K is.  For small differences both of these hold, since
$n^2 = n'(1 + 2n)$ in equilibrium:

* seen from the modes ω of side a, which lose two quanta: $\Xi_a(\omega) = 4 K(\omega)\,(n - n')$
* seen from the modes 2ω of side b, which gain one: $\Xi_b(2\omega) = \tfrac12 K(\omega)\,(1 + 2n)$

Their integrals over $W(\omega, T)$ agree (Onsager), as both are
$\int (d\omega/2\pi)\,(2\hbar\omega)^2 K n^2(1+n')/k_B T^2$, fluctuation-dissipation for quanta of 2ħω.  The same
holds with the sides exchanged, and a conductance is the sum of both.

The strength is that of a diffuse mismatch between the modes at ω and at 2ω,
$H = M_a(\omega) M_b(2\omega)/[M_a + M_b]$, times 0 <= s <= 1, in series with what each side can bring: no mode gives
off more than what arrives and has not crossed elastically.  Every mode takes part in two such exchanges, as one of two
and as the one, so that half of $A = M - \Xi_{el}$ is at the disposal of each:

$$\frac1K = \frac1{sH} + \frac{8 (n - n')}{A_a(\omega)} + \frac{1 + 2n}{A_b(2\omega)} .$$

The first term alone would grow without bound against the others as T at high temperatures; with them the conductance
rises as T at first and stays below that of all modes of either side.

A wave much longer than the atoms hardly feels that the springs of one plane are not linear, so
$s(\omega) = s \min(1, \omega/\omega_0)^r$ with $\omega_0$ the top of the softer spectrum and r = 2 unless told
otherwise; at low temperatures the exchange dies as $T^{3+r}$, below the elastic $T^3$.

The form is this project's own, in place of higher-harmonic and joint-frequency models, which are not offered.
Frequency doubling at planes: K. Sääskilahti et al., Phys. Rev. B 90, 134312 (2014), doi:10.1103/PhysRevB.90.134312.
"""

from collections.abc import Callable

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, frequencies, temperatures
from kapitza.core.conductance import Conductance, Drop, joined
from kapitza.core.grid import frequency_grid, joined_edges
from kapitza.core.occupation import Statistics, bose_einstein, reduced
from kapitza.core.phonons import Phonons
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.theory.dmm import check_sides, dmm, harmonic
from kapitza.units import hbar

Theory = Callable[[Phonons, Phonons, Array], Transmission]


@frozen(eq=False)
class Modes:
    """Modes of one side: those that arrive, and those that do not cross elastically, (nω,) each, m⁻²."""

    arriving: Array
    left_over: Array


@frozen(eq=False)
class Exchange:
    """Spectra of the exchange of pairs (ω) of one side against single phonons (2ω) of the other, at one temperature.

    Attributes
    ----------
    omega : (nω,) angular frequency, rad s⁻¹
    left_pairs, right_pairs : (nω,) rate K of pairs ω of the named side, m⁻²; 0 where no 2ω is open on the other side
    left, right : (nω,) effective transmission seen from the modes of each side, m⁻².  Their conductances agree.
    """

    omega: Array
    left_pairs: Array
    right_pairs: Array
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
    theory: Theory = dmm,
    statistics: Statistics = "quantum",
) -> Transmission:
    r"""Elastic transmission plus the exchange ω + ω <-> 2ω across the plane.

    The spectrum is the mean of what either side sees, $\Xi = \Xi_{el} + \frac12(\Xi_L + \Xi_R)$; its conductance is
    that seen from either (why, and the formulas: see the head of this module).  It stays below the conductance of all
    modes of each side.

    Parameters
    ----------
    left, right : the two sides
    temperature : K
    omega : (nω,) increasing angular frequency above zero, rad s⁻¹; chosen from the edges of both spectra, their
        halves and doubles if None
    strength : s from 0 (elastic) to 1, for phonons at the top of the softer spectrum
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
    """
    if statistics != "quantum":
        raise InputError(
            f"three-phonon has no {statistics!r:.60} statistics: its rates and the balance between ω + ω and 2ω are "
            'those of quanta; take statistics="quantum" or an elastic model'
        )
    kelvin = float(temperatures(temperature)[0])
    weight = None
    if omega is None:
        grid = frequency_grid(pair_edges(left, right))
        omega, weight = grid.omega, grid.weight
    omega = frequencies(omega)
    added = exchange(left, right, kelvin, omega, strength=strength, frequency_power=frequency_power, theory=theory)
    elastic = theory(left, right, omega)
    total = elastic.total + (added.left + added.right) / 2
    return Transmission(
        omega,
        total,
        elastic.left,
        elastic.right,
        weight=weight,
        method=f"{elastic.method} + three-phonon (s = {strength:g})",
        elastic=False,
        temperature=kelvin,
    )


def exchange(
    left: Phonons,
    right: Phonons,
    temperature: float,
    omega: ArrayLike,
    *,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: Theory = dmm,
) -> Exchange:
    """Rates of the exchange ω + ω <-> 2ω and what either side sees of it at one temperature (K).

    Parameters and errors as for `three_phonon`.
    """
    if not 0 <= strength <= 1:
        raise InputError(f"strength = {strength:g}, expected 0 (elastic) to 1")
    if not (np.isfinite(frequency_power) and frequency_power >= 0):
        raise InputError(f"frequency_power = {frequency_power:g}, expected a finite number of at least 0")
    omega = frequencies(omega)
    free = {scale: modes_of(left, right, scale * omega, theory) for scale in (0.5, 1.0, 2.0)}
    softer = min(left.edges[-1], right.edges[-1])
    share = strength * np.minimum(omega / softer, 1.0) ** frequency_power
    share_below = strength * np.minimum(omega / (2 * softer), 1.0) ** frequency_power
    n, doubled = occupations(omega, temperature)
    n_below = occupations(omega / 2, temperature)[0]
    pairs: list[Array] = []
    lost: list[Array] = []
    gained: list[Array] = []
    for a, b in ((0, 1), (1, 0)):
        rate = pair_rate(free[1.0][a], free[2.0][b], omega, temperature, share)
        below = pair_rate(free[0.5][a], free[1.0][b], omega / 2, temperature, share_below)
        pairs.append(rate)
        lost.append(4 * rate * (n - doubled))
        gained.append(0.5 * below * (1 + 2 * n_below))
    return Exchange(omega, pairs[0], pairs[1], lost[0] + gained[1], lost[1] + gained[0])


def exchange_flux(
    left: Phonons,
    right: Phonons,
    *,
    hot: float,
    cold: float,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: Theory = dmm,
) -> float:
    r"""Heat flux by the exchange from the left side at `hot` to the right side at `cold` (K), W m⁻².

    Nothing is linearised but K, which is taken at the mean temperature; positive where hot > cold, negative where it
    is not, and exactly zero at equal temperatures.  Other parameters and errors as for `three_phonon`.
    """
    grid = frequency_grid(pair_edges(left, right))
    omega = grid.omega
    rates = exchange(
        left, right, (hot + cold) / 2, omega, strength=strength, frequency_power=frequency_power, theory=theory
    )
    from_left = net_events(omega, pairs=hot, singles=cold)
    from_right = net_events(omega, pairs=cold, singles=hot)
    per_event = 2 * hbar * omega * grid.weight / (2 * np.pi)
    return float(per_event @ (rates.left_pairs * from_left - rates.right_pairs * from_right))


def three_phonon_conductance(
    left: Phonons,
    right: Phonons,
    temperature: ArrayLike,
    *,
    strength: float = 1.0,
    frequency_power: float = 2.0,
    theory: Theory = dmm,
    drop: Drop = "emitted",
) -> Conductance:
    """Conductance of `three_phonon` at many temperatures (nT,) K, increasing; parameters and errors as there."""
    parts = [
        three_phonon(
            left, right, kelvin, strength=strength, frequency_power=frequency_power, theory=theory
        ).conductance(kelvin, drop=drop)
        for kelvin in temperatures(temperature)
    ]
    return joined(parts)


def net_events(omega: Array, *, pairs: float, singles: float) -> Array:
    """(nω,) n²(1 + n') - (1 + n)²n' for pairs ω at one temperature and single phonons 2ω at another (K)."""
    n, doubled = bose_einstein(omega, pairs)[0], bose_einstein(2 * omega, singles)[0]
    surplus = reduced(2 * omega, singles)[0] - reduced(2 * omega, pairs)[0]
    forward = n**2 * (1 + doubled)
    backward = (1 + n) ** 2 * doubled
    # the form of the smaller exponent, which neither overflows nor loses the sign near equilibrium
    return np.where(surplus > 0, -forward * np.expm1(-np.abs(surplus)), backward * np.expm1(-np.abs(surplus)))


def pair_rate(pair: Modes, single: Modes, omega: Array, kelvin: float, strength: Array) -> Array:
    """(nω,) rate K of pairs ω of one side against single phonons 2ω of the other, m⁻²."""
    n, doubled = occupations(omega, kelvin)
    bare = strength * harmonic(pair.arriving, single.arriving)
    per_pair = np.maximum(8 * (n - doubled), 1e-280)
    return harmonic(bare, pair.left_over / per_pair, single.left_over / (1 + 2 * n))


def modes_of(left: Phonons, right: Phonons, omega: Array, theory: Theory) -> tuple[Modes, Modes]:
    """Modes of either side at some frequencies, and what the elastic theory leaves of them."""
    crossing = theory(left, right, omega).total
    one, other = left.modes(omega), right.modes(omega)
    return Modes(one, np.maximum(one - crossing, 0.0)), Modes(other, np.maximum(other - crossing, 0.0))


def occupations(omega: Array, kelvin: float) -> tuple[Array, Array]:
    """(nω,) equilibrium occupation at ω and at 2ω."""
    return bose_einstein(omega, kelvin)[0], bose_einstein(2 * omega, kelvin)[0]


def pair_edges(left: Phonons, right: Phonons) -> Array:
    """Edges of both spectra, their halves and doubles, up to the common top, rad s⁻¹."""
    check_sides(left, right)
    edges = joined_edges(left.edges, right.edges)
    every = joined_edges(edges / 2, edges, 2 * edges)
    return every[every <= edges[-1] * (1 + 1e-12)]
