r"""Steady temperatures of a stack from sources along its layers, exact at every point, without a grid.

In layers whose conductivities along x and y have one ratio $r = k_y/k_x$ the response Z depends on the wave vector only
through $p = k_x^2 + r k_y^2$, and in steady state p stands where sC stands in a periodic one, with $k_x$ for the heat
capacity.  So Z(p) is the Laplace transform of an impulse response h(τ) in pseudo-time τ (m²), and the average of Z over
all wave vectors of a source f is

$$T = \int_0^\infty h(\tau)\,M(\tau)\,d\tau,\qquad M = \big[e^{\tau\nabla^2} f\big]\text{ at a point or averaged} .$$

M has closed forms (`kapitza.device.spread`), h comes from the integral along a hyperbola
(`kapitza.device.contours`), and what remains is an integrand that is smooth in ln τ over all scales of the device at
once: from the thinnest layer to the box some 100 equal steps of ln τ give nine digits.  In a box the mean of M, 1/area,
is taken out of the integral: it meets the resistances in series, Z(0).  (This form is the project's own; the tests hold
it against double cosine series and Hankel integrals.)
"""

import numpy as np
from attrs import frozen

from kapitza.core.arrays import Array
from kapitza.core.stack import Boundary
from kapitza.device.column import Column
from kapitza.device.contours import inverse_laplace
from kapitza.device.description import Device
from kapitza.device.setup import Slab
from kapitza.device.waves import Complex, Points
from kapitza.errors import InputError

STEP = 0.4  # of ln τ: the integrand is analytic in |Im ln τ| < π/2, so that the error is e^(-π²/0.4)
SHORTEST = 1e-9  # of the smallest length, squared: below it the integrand is a power
SETTLED = 40.0  # decay times after which nothing is left
STILL = 1e-13  # of the inverse decay time: p that stands for 0
ENDLESS = 1e12  # of the largest length, squared, where nothing decays: beyond it the integrand is a power


@frozen(eq=False)
class PseudoTime:
    """Nodes of the integral over τ and of the hyperbola.

    Attributes
    ----------
    tau : (nτ,) m²
    p : (np + 1,) m⁻²; the last stands for 0
    weight : (nτ, np) such that $T = Re Σ M(τ) weight Z(p)$
    ratio : conductivity along y over that along x
    """

    tau: Array
    p: Complex
    weight: Complex
    ratio: float

    @property
    def points(self) -> Points:
        """Where the response of the stack is needed."""
        return Points(np.zeros((1, 1), dtype=complex), np.sqrt(self.p), np.zeros(1))  # pyright: ignore[reportArgumentType]

    def impulse(self, response: Complex) -> Array:
        """(..., nτ) h(τ) times the weight of each node, from the response (..., np + 1)."""
        return np.real(response[..., :-1] @ self.weight.T)

    def averaged(self, response: Complex, seen: Array, area: float | None) -> Array:
        """(..., n) temperature per watt from the response (..., np + 1) and M (nτ, n); `area` of the box, m²."""
        if area is None:
            return self.impulse(response) @ seen
        return self.impulse(response) @ (seen - 1 / area) + np.real(response[..., -1:]) / area


def pseudo_time(device: Device, column: Column, sizes: tuple[float, ...]) -> PseudoTime:
    """Nodes for a device.

    Parameters
    ----------
    device : with plain numbers for conductivities and conductances
    column : its stack, cut at the planes of interest
    sizes : smallest lengths of the sources along the layers, m
    """
    thick = [piece.thickness for piece in column.pieces if isinstance(piece, Slab) and np.isfinite(piece.thickness)]
    lengths = [*thick, *sizes, *([min(device.box.width, device.box.depth)] if device.box else [])]
    low = SHORTEST * min(lengths) ** 2
    settling = slowest(device, column)
    if device.box is not None:
        settling = min(settling, max(device.box.width, device.box.depth / np.sqrt(ratio_of(device))) ** 2 / 4)
    high = SETTLED * settling if np.isfinite(settling) else ENDLESS * max([*lengths, *reaches(device)]) ** 2
    count = int(np.ceil(np.log(high / low) / STEP)) + 1
    tau = low * np.exp(STEP * np.arange(count))
    p, weight = inverse_laplace(tau)
    steps = STEP * tau
    steps[0] *= 1 / (1 - np.exp(-STEP / 2))  # the integrand goes as τ^½ below: a geometric series
    if not np.isfinite(settling):
        steps[-1] *= 1 / (1 - np.exp(-STEP / 2))  # and as τ^-½ above
    still = STILL / slowest(device, column) if device.box is not None else 1 / high
    return PseudoTime(tau, np.append(p, still), weight * steps[:, None], ratio_of(device))


def reaches(device: Device) -> list[float]:
    """How far the sources lie from the origin, m."""
    shapes = [source.shape for source in device.sources if source.shape is not None]
    return [max(map(abs, (*shape.extent[0], *shape.extent[1]))) for shape in shapes]


def slowest(device: Device, column: Column) -> float:
    """Upper bound of the decay time of h: what each layer stores times the resistance to the sink, m²; may be infinite.

    Whichever face has the sink is enough.
    """
    bounds = [elmore(column.pieces, device.coefficient), elmore(column.pieces[::-1], device.top_coefficient)]
    return min(bounds)


def elmore(pieces: tuple[Slab | Boundary, ...], coefficient: float) -> float:
    """Sum of storage times resistance to the face behind the last piece, m²."""
    if coefficient == 0:
        return np.inf
    resistance, total = (0.0 if np.isinf(coefficient) else 1 / coefficient), 0.0
    for piece in reversed(pieces):
        if isinstance(piece, Boundary):
            resistance += piece.resistance()
            continue
        if np.isinf(piece.thickness):
            return np.inf
        own = piece.thickness / piece.layer.conductivity
        total += piece.layer.tensor[0, 0] * piece.thickness * (resistance + own / 2)
        resistance += own
    return total


def ratio_of(device: Device) -> float:
    """Conductivity along y over that along x, the same in all layers.

    Raises
    ------
    InputError
        if it differs between layers, or a tensor is oblique
    """
    ratios: list[float] = []
    for layer in device.stack.layers:
        if layer.oblique or layer.coupling is not None:
            what = "an oblique tensor" if layer.oblique else "electrons with a temperature of their own"
            raise InputError(f"{layer.name} has {what}: devices are solved with conductivities along x, y and z")
        ratios.append(float(layer.tensor[1, 1] / layer.tensor[0, 0]))
    if max(ratios) > min(ratios) * (1 + 1e-9):
        raise InputError(
            f"conductivity along y over that along x is {min(ratios):.4g} in one layer, {max(ratios):.4g} in another: "
            "single temperatures need one ratio; `plane_map` takes any"
        )
    return ratios[0]
