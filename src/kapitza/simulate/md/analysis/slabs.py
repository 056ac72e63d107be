r"""Heat in two slabs that meet at a boundary: impedance, spectrum of the power, and relaxation.

A slab of length $L$, conductivity $\kappa$ and capacity per volume $c$ answers a heat flux into its face at the rate
$s$ with the temperature $q z(s)$, where

$z = \coth(k L) / (\tilde\kappa k)$ with an insulated far end, $\tanh(k L) / (\tilde\kappa k)$ with one that is held,
$k = \sqrt{s c / \tilde\kappa}$, $\tilde\kappa = \kappa / (1 + s \tau)$, $\tau = \kappa c / (4 G_b^2)$.

With $\tau = 0$ this is diffusion.  With the ballistic (Sharvin) conductance $G_b$ of the solid it is a gas of two
streams of phonons of one speed $v = 2 G_b / c$ and one free path: above the rate $1 / \tau$ a slab looks like a
reservoir with $z = 1 / (2 G_b)$, so that the admittance $1 / (1/G + z_A + z_B)$ goes from the conductance $G$ of
the extrapolated drop to that of the emitted one, $1/G + (1/G_{b,A} + 1/G_{b,B}) / 2$ being its inverse.
"""

from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, ComplexArray, above_zero, positive, quantity
from kapitza.core.records import BaseRecord

SideModel = Literal["lumped", "slabs"]
SIDE_MODELS: tuple[SideModel, ...] = ("lumped", "slabs")
# Above this Biot number the lumped model is off by more than a few per cent.
MAX_LUMPED_BIOT = 0.1


@frozen(eq=False)
class ThermalSlab(BaseRecord):
    """One side of a boundary."""

    length: float = field(validator=quantity(high=1.0))  # m, to the insulated end or the middle of a periodic side
    capacity: float = field(validator=quantity())  # heat capacity per volume, J m⁻³ K⁻¹
    conductivity: float = field(default=np.inf, validator=above_zero)  # W m⁻¹ K⁻¹; infinite: one temperature
    ballistic: float = field(default=np.inf, validator=above_zero)  # Sharvin, W m⁻² K⁻¹; infinite: diffusion

    @property
    def areal_capacity(self) -> float:
        """Heat capacity per area, J m⁻² K⁻¹."""
        return self.length * self.capacity

    def impedance(self, rate: ArrayLike, *, fixed_end: bool = False) -> ComplexArray:
        """Temperature of the face per heat flux into it at complex rates (rad s⁻¹), m² K W⁻¹; far end fixed or not."""
        s: Any = np.asarray(rate, dtype=complex)
        if np.isinf(self.conductivity):
            return np.zeros_like(s) if fixed_end else 1 / (s * self.areal_capacity)
        time = self.conductivity * self.capacity / (4 * self.ballistic**2)
        local = self.conductivity / (1 + s * time)
        k = np.sqrt(s * self.capacity / local)
        tangent = np.tanh(k * self.length)  # saturates in thick slabs, where cosh and sinh overflow
        return (tangent if fixed_end else 1 / tangent) / (local * k)


def boundary_admittance(
    omega: ArrayLike, conductance: float, left: ThermalSlab, right: ThermalSlab, *, fixed_end: bool = False
) -> ComplexArray:
    """Heat flux per temperature difference put across the boundary, $Y = 1 / (1/G + z_A + z_B)$, W m⁻² K⁻¹.

    With `fixed_end`: the mode of a periodic cell in which its two boundaries carry opposite powers.
    """
    rate = 1j * positive(omega)
    return 1 / (
        1 / conductance + left.impedance(rate, fixed_end=fixed_end) + right.impedance(rate, fixed_end=fixed_end)
    )


def model_slabs(sides: tuple[ThermalSlab, ThermalSlab], model: SideModel | None) -> tuple[ThermalSlab, ThermalSlab]:
    """Return the two sides as a model has them: bodies of one temperature where it is "lumped"."""
    if model == "lumped":
        return evolve(sides[0], conductivity=np.inf), evolve(sides[1], conductivity=np.inf)
    return sides


def biot_number(conductance: float, left: ThermalSlab, right: ThermalSlab) -> float:
    r"""Resistance of the slabs over that of the boundary, $G (L_A/\kappa_A + L_B/\kappa_B)$."""
    return conductance * (left.length / left.conductivity + right.length / right.conductivity)


def relaxation_modes(conductance: float, left: ThermalSlab, right: ThermalSlab, count: int = 40) -> tuple[Array, Array]:
    r"""Rates λ (count,) rad s⁻¹ and weights with which the mean temperatures of two slabs approach by diffusion.

    Both slabs start with one temperature each and have insulated far ends.  The rates are the zeros of
    $f(\lambda) = 1/G - \sum_i \cot(p_i L_i) / (\kappa_i p_i)$, $p_i = \sqrt{\lambda c_i / \kappa_i}$, one between each
    two neighbouring poles; $\Delta \bar T(t) = \Delta T_0 \sum_n a_n e^{-\lambda_n t}$ with
    $a_n = (1/C_A + 1/C_B) / (\lambda_n^2 f'(\lambda_n))$.  A single mode where both conductivities are infinite.
    """
    capacity = 1 / left.areal_capacity + 1 / right.areal_capacity
    slabs = [slab for slab in (left, right) if np.isfinite(slab.conductivity)]
    if not slabs:
        return np.array([conductance * capacity]), np.ones(1)
    diffusion = [slab.conductivity / slab.capacity / slab.length**2 for slab in slabs]
    order = np.arange(1, count + 1) * np.pi
    poles = np.unique(np.concatenate([order**2 * d for d in diffusion]))[:count]
    low, high = np.concatenate([[0.0], poles[:-1]]), np.array(poles)
    for _ in range(16):  # f rises from -∞ to ∞ between neighbouring poles: bisection cannot fail
        middle = (low + high) / 2
        above = _secular(middle, conductance, left, right)[0] > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    rates = (low + high) / 2  # 1e-5 of the bracket; three Newton steps square the error each
    for _ in range(3):  # Newton's steps, which may not leave the bracket
        value, slope = _secular(rates, conductance, left, right)
        rates = np.clip(rates - value / slope, low, high)
    slope = _secular(rates, conductance, left, right)[1]
    return rates, capacity / (rates**2 * slope)


def _secular(rate: Array, conductance: float, left: ThermalSlab, right: ThermalSlab) -> tuple[Array, Array]:
    """F of `relaxation_modes` and its derivative."""
    value, slope = np.full(rate.shape, 1 / conductance), np.zeros(rate.shape)
    for slab in (left, right):
        if np.isinf(slab.conductivity):
            value, slope = value - 1 / (rate * slab.areal_capacity), slope + 1 / (rate**2 * slab.areal_capacity)
            continue
        x = slab.length * np.sqrt(rate * slab.capacity / slab.conductivity)
        scale = slab.length / slab.conductivity
        sine, cosine = np.sin(x), np.cos(x)
        value = value - scale * cosine / (sine * x)
        slope = slope + scale * (x + sine * cosine) / (x**2 * sine**2) / (2 * rate / x)
    return value, slope
