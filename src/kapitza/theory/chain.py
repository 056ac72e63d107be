r"""Two chains of masses and springs: the one interface that is solved in closed form at all frequencies."""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, frequencies, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError


@frozen
class Chain(BaseRecord):
    """Half-infinite chain of equal atoms and springs."""

    mass: float = field(converter=float, validator=quantity(), metadata=about("kg", "mass of each atom"))
    spring: float = field(converter=float, validator=quantity(), metadata=about("N m^-1", "stiffness of each spring"))

    @property
    def impedance(self) -> float:
        """Of long waves, √(m k), kg s⁻¹."""
        return float(np.sqrt(self.mass * self.spring))

    @property
    def cutoff(self) -> float:
        """Top of the band, 2√(k/m), rad s⁻¹."""
        return float(2 * np.sqrt(self.spring / self.mass))


def chain_transmission(left: Chain, right: Chain, omega: ArrayLike, *, bond: float) -> Array:
    r"""(nω,) probability that a wave crosses from one chain to the other over a bond of stiffness k, N m⁻¹.

    With $Z_j = \sqrt{m_jk_j}$ and half the phase per atom $\theta_j = \arcsin(\omega/\omega_j)$,

    $t = \frac{4Z_1Z_2\cos\theta_1\cos\theta_2}
    {|Z_1e^{-i\theta_1} + Z_2e^{-i\theta_2} - i\omega Z_1Z_2e^{-i(\theta_1+\theta_2)}/k|^2}$

    below both cutoffs $\omega_j$, and 0 above either.  The force on the last spring is $iωZ_je^{∓iθ_j}$ times the
    displacement of the end atom, and the bond adds the compliance 1/k (0 for an infinite one).  Long waves have the
    acoustic mismatch of two impedances, $t \to 4Z_1Z_2/(Z_1 + Z_2)^2$.
    """
    if not bond > 0:
        raise InputError(f"bond = {bond:g} N/m: expected a stiffness above 0")
    omega = frequencies(omega)
    z1, z2 = left.impedance, right.impedance
    theta1, theta2 = (np.arcsin(np.minimum(omega / side.cutoff, 1.0)) for side in (left, right))
    joint = z1 * np.exp(-1j * theta1) + z2 * np.exp(-1j * theta2)
    joint -= 1j * omega * z1 * z2 / bond * np.exp(-1j * (theta1 + theta2))
    open_ = (omega < left.cutoff) & (omega < right.cutoff)
    shared = 4 * z1 * z2 * np.cos(theta1) * np.cos(theta2)
    return np.where(open_, shared / np.square(np.abs(joint)), 0.0)
