"""Thermal waves in the layers of a stack, before anything is said about what meets what."""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.stack import Layer, Stack
from kapitza.errors import InputError

Complex = NDArray[np.complex128]


@frozen(eq=False)
class Wave:
    """Waves of one layer.

    Attributes
    ----------
    gamma : (ns, nk) heat flux per temperature of a wave that decays, W m⁻² K⁻¹
    decay : (ns, nk) its decay u, m⁻¹
    skew : (nk,) imaginary b/k_zz by which the tensor turns its phase with depth, m⁻¹; None without such elements
    """

    gamma: Complex
    decay: Complex
    skew: Complex | None


@frozen(eq=False)
class Points:
    """Where a response is evaluated: s (ns, 1) in s⁻¹, kx and ky (nk,) in rad m⁻¹."""

    s: Complex
    kx: NDArray[np.float64]
    ky: NDArray[np.float64]


def points(s: ArrayLike, kx: ArrayLike, ky: ArrayLike) -> Points:
    """Return Laplace variables and wave vectors as arrays that broadcast to (ns, nk).

    Raises
    ------
    InputError
        for more than one axis, or kx and ky of unequal lengths
    """
    laplace = np.atleast_1d(np.asarray(s, dtype=complex))
    x, y = np.atleast_1d(np.asarray(kx, dtype=float)), np.atleast_1d(np.asarray(ky, dtype=float))
    if laplace.ndim != 1 or x.ndim != 1 or y.ndim != 1 or y.size not in (1, x.size):
        raise InputError(f"expected s (ns,), kx (nk,) and ky (nk,) or one, got {laplace.shape}, {x.shape}, {y.shape}")
    return Points(laplace[:, None], x, y)


def in_plane(layer: Layer, at: Points) -> NDArray[np.float64]:
    """(nk,) conductivity along the layer times wave vector squared, W m⁻³ K⁻¹."""
    k = layer.tensor
    if layer.axisymmetric:
        return k[0, 0] * (at.kx**2 + at.ky**2)
    return k[0, 0] * at.kx**2 + 2 * k[0, 1] * at.kx * at.ky + k[1, 1] * at.ky**2


def storage(layer: Layer, at: Points) -> Complex:
    """(ns, 1) s times heat capacity, W m⁻³ K⁻¹.

    Raises
    ------
    InputError
        if the layer has no heat capacity and some s is not 0
    """
    if layer.heat_capacity is None:
        if at.s.any():
            raise InputError(f"layer {layer.name} has no heat_capacity (J/m³K), which all that changes with time needs")
        return at.s
    return at.s * layer.heat_capacity


def wave(layer: Layer, at: Points) -> Wave:
    """Waves of a layer with one temperature."""
    c = in_plane(layer, at) + storage(layer, at)
    if not layer.oblique:
        gamma: Complex = np.sqrt(layer.conductivity * c)
        return Wave(gamma, gamma * (1 / layer.conductivity), None)
    turn = layer.xz * at.kx + layer.yz * at.ky
    gamma = np.sqrt(layer.conductivity * c - turn**2)
    return Wave(gamma, gamma * (1 / layer.conductivity), np.asarray(1j * turn / layer.conductivity, complex))


def waves(stack: Stack, at: Points) -> dict[str, Wave]:
    """Waves of each layer by name."""
    return {layer.name: wave(layer, at) for layer in stack.layers}
