"""Measurements that hold the transmission of a boundary by frequency: sizes of stacks, frequencies of a laser."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array, about, finite
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.layered.response import apparent_resistance_derivatives, conductance_derivatives
from kapitza.simulate.boltzmann.layered.transport import Film


class SpectralMeasurement(Protocol):
    """Data that depend on what crosses one boundary.

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> from kapitza.thermoreflectance import SpectralMeasurement
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> one: SpectralMeasurement = blank.simulate(flow, seed=1)
    >>> residual, slope = one.residuals(flow)
    >>> print(residual.shape, slope.shape, (abs(residual) < 4).all())
    (6,) (6, 4) True
    """

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (m,), and its derivatives (m, G) with respect to the flow, m² K W⁻¹."""
        ...

    def simulate(self, flow: Array, seed: int) -> "SpectralMeasurement":
        """The same measurement of a known boundary, with noise of the stated sigma."""
        ...

    def with_lifetimes(self, medium: Carriers, factor: float) -> "SpectralMeasurement":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        ...


def _scale_lifetimes(films: Sequence[Film], medium: Carriers, factor: float) -> list[Film]:
    """Layers, those of one medium with lifetimes that are longer by a factor."""
    other = evolve(medium, lifetime=medium.lifetime * factor)
    return [evolve(one, carriers=other) if one.carriers is medium else one for one in films]


def _finite_complex(value: object) -> NDArray[np.complex128]:
    """Return `value` as finite complex numbers along one axis, read-only."""
    array = np.array(value, dtype=complex, ndmin=1)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(f"expected finite numbers along one axis, got {value!r:.60}")
    array.flags.writeable = False
    return array


def _check_sigma(sigma: Array, count: int) -> None:
    if sigma.size != count or not (sigma > 0).all():
        raise InputError(f"{sigma.size} uncertainties from {sigma.min(initial=np.inf):g} for {count} data, wanted > 0")


@frozen(eq=False)
class StackConductances(BaseRecord):
    """Conductances of stacks of several thicknesses, from end to end between black walls.

    Attributes
    ----------
    stacks : (n,) layers of each
    boundaries : of each stack, None for each that is the unknown one
    value : (n,) W m⁻² K⁻¹; a conductivity over the thickness of the stack

    Raises
    ------
    InputError
        for columns of unequal length
    """

    stacks: Sequence[Sequence[Film]]
    boundaries: Sequence[object]
    value: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "conductance"))
    sigma: Array = field(converter=finite, metadata=about("W m^-2 K^-1", "uncertainty"))

    def __attrs_post_init__(self) -> None:
        if self.value.size != len(self.stacks):
            raise InputError(f"{self.value.size} conductances for {len(self.stacks)} stacks")
        _check_sigma(self.sigma, self.value.size)

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (n,), and its derivatives (n, G), m² K W⁻¹."""
        found = [conductance_derivatives(stack, self.boundaries, flow) for stack in self.stacks]
        value = np.array([one.value.real for one in found])
        slope = np.array([np.real(one.slope) for one in found])
        return (value - self.value) / self.sigma, slope / self.sigma[:, None]

    def simulate(self, flow: Array, seed: int) -> "StackConductances":
        """The same measurement of a known boundary, with noise."""
        exact = self.value + self.sigma * self.residuals(flow)[0]
        noise = np.random.default_rng(seed).standard_normal(exact.size)
        return evolve(self, value=exact + self.sigma * noise)

    def with_lifetimes(self, medium: Carriers, factor: float) -> "StackConductances":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        return evolve(self, stacks=[_scale_lifetimes(one, medium, factor) for one in self.stacks])


@frozen(eq=False)
class ApparentResistances(BaseRecord):
    """Boundary resistances that thermoreflectance reports against the frequency of modulation.

    Attributes
    ----------
    films : the film, which is heated evenly, and the substrate
    value : (n,) m² K W⁻¹, complex: what is left when film and substrate are taken off by Fourier's law
    sigma : (n,) standard uncertainty of the real and of the imaginary part, m² K W⁻¹

    Raises
    ------
    InputError
        for columns of unequal length

    Examples
    --------
    >>> from kapitza.examples import silicon_on_germanium
    >>> blank, left, right, flow = silicon_on_germanium()
    >>> seen = blank.simulate(flow, seed=1)
    >>> print((seen.value.real * 1e9).round(1), "m²K/GW at 1, 10 and 100 MHz")
    [3.1 2.7 2.2] m²K/GW at 1, 10 and 100 MHz
    """

    films: Sequence[Film]
    frequency: Array = field(converter=finite, metadata=about("Hz", "frequency"))
    value: NDArray[Any] = field(converter=_finite_complex, metadata=about("m^2 K W^-1", "apparent resistance"))
    sigma: Array = field(converter=finite, metadata=about("m^2 K W^-1", "uncertainty"))

    def __attrs_post_init__(self) -> None:
        if self.value.size != self.frequency.size:
            raise InputError(f"{self.value.size} resistances for {self.frequency.size} frequencies")
        _check_sigma(self.sigma, self.value.size)

    def residuals(self, flow: Array) -> tuple[Array, Array]:
        """Prediction less data over sigma, (2n,), real parts first, and its derivatives (2n, G), m² K W⁻¹."""
        found = [apparent_resistance_derivatives(self.films, flow, float(f)) for f in self.frequency]
        off = (np.array([one.value for one in found]) - self.value) / self.sigma
        slope = np.array([one.slope for one in found]) / self.sigma[:, None]
        return np.concatenate([off.real, off.imag]), np.concatenate([slope.real, slope.imag])

    def simulate(self, flow: Array, seed: int) -> "ApparentResistances":
        """The same measurement of a known boundary, with noise."""
        n = self.value.size
        off = self.residuals(flow)[0] + np.random.default_rng(seed).standard_normal(2 * n)
        return evolve(self, value=self.value + self.sigma * (off[:n] + 1j * off[n:]))

    def with_lifetimes(self, medium: Carriers, factor: float) -> "ApparentResistances":
        """The same data, on layers of one medium whose lifetimes are all longer by a factor."""
        return evolve(self, films=_scale_lifetimes(self.films, medium, factor))
