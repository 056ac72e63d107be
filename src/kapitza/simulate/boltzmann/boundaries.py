"""Walls at the ends of layers, and boundaries between two layers.

Every boundary condition gives the phonons that leave a face as those that arrive, redistributed.  Elastic boundaries
conserve the heat of each frequency group, and pass as much either way in equilibrium: $t_{12} E_1 = t_{21} E_2$ with
$E$ the heat that a group carries through a plane one way per kelvin.
"""

from collections.abc import Sequence

import numpy as np
from attrs import converters, evolve, field, frozen, validators

from kapitza.core.arrays import Array, about, increasing, number, numbers, same_length
from kapitza.core.conductance import Conductance
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import gauss_legendre, panel_quadrature
from kapitza.core.records import BaseRecord
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError
from kapitza.simulate.boltzmann.carriers import Carriers


def unit_fractions(value: object) -> Array:
    """Return `value` as shares from 0 to 1, one or one for each group."""
    array = numbers(value)  # pyright: ignore[reportArgumentType]
    if array.size and (array.min() < 0 or array.max() > 1):
        bad = array.min() if array.min() < 0 else array.max()
        raise InputError(f"expected shares from 0 to 1, got {bad:g}")
    return array


@frozen(eq=False)
class AngularTransmission(BaseRecord):
    """Share of the specular phonons from the left that cross, against their angle of incidence.

    Beyond the angle at which waves of the same wave vector along the plane end on the other side, nothing crosses.
    From the right the same waves cross with the same share.

    Attributes
    ----------
    transmission : (n,) share that crosses, 0 to 1; between these on straight lines

    Raises
    ------
    InputError
        for cosines or shares outside of 0..1

    Examples
    --------
    >>> from kapitza.boltzmann import AngularTransmission
    >>> critical = AngularTransmission(cosine=[0.0, 0.5, 0.55, 1.0], transmission=[0.0, 0.0, 0.8, 0.95])
    >>> print(critical.at([0.3, 0.9]).round(3))  # nothing crosses at grazing incidence
    [0.    0.917]
    """

    cosine: Array = field(converter=increasing, metadata=about("1", "cosine of the angle, 0 to 1"))
    transmission: Array = field(converter=unit_fractions, validator=same_length("cosine"), metadata=about("1", "share"))

    def __attrs_post_init__(self) -> None:
        if self.cosine[0] < 0 or self.cosine[-1] > 1:
            raise InputError(f"cosines from {self.cosine[0]:g} to {self.cosine[-1]:g}, expected 0 to 1")

    def at(self, cosine: Array) -> Array:
        """Share at other cosines."""
        return np.interp(cosine, self.cosine, self.transmission)


_BALANCE_TOLERANCE = 1e-6  # relative violation of detailed balance that is put down to rounding
_MAX_MODE_MISMATCH = 0.15  # relative difference of the modes of a transmission and the bands that is scaled away
_NODES_PER_GROUP = 8  # of the quadrature over a group
_COSINE_NODES = 64  # of the quadrature over angles


@frozen(eq=False)
class Wall(BaseRecord):
    """An end of a stack.

    Attributes
    ----------
    temperature : of a wall that thermalises, K; None: no heat passes (adiabatic)
    specular : share of the phonons that the wall reflects like a mirror, 0 to 1, one or one for each group.  The others
        leave thermalised (black wall), or redistributed over all directions within their group (adiabatic wall)
    """

    temperature: float | None = field(
        default=None, converter=converters.optional(number), metadata=about("K", "temperature of the wall")
    )
    specular: Array = field(
        factory=lambda: np.zeros(1), converter=unit_fractions, metadata=about("1", "specular share")
    )

    def __attrs_post_init__(self) -> None:
        if self.temperature is not None and not 0 < self.temperature < np.inf:
            raise InputError(
                f"wall at {self.temperature:g} K: expected a temperature above 0 K,",
                hint=Hint(python="or None (adiabatic)"),
            )


@frozen(eq=False)
class InterfaceScattering(BaseRecord):
    r"""How phonons cross the boundary between two layers, elastically.

    Attributes
    ----------
    transmission : spectral transmission function of any theory; None where `coefficient` is given
    coefficient : (G,) or one: share of the phonons of each group that cross from the left; None where `transmission`
        is given
    reverse_coefficient : (G,) or one: the same from the right, to be checked against detailed balance; None: it
        follows from it
    specular : share of the phonons that keep their direction, crossing or reflected, 0 to 1; the others forget it.
        Isotropic bands refract; full bands, whose wave vectors along the plane are not known, are paired by the heat
        of their group that is faster along the normal
    specular_transmission : share of the specular ones that cross, or against their angle (`AngularTransmission`);
        None: the same as of all.  With specular = 1 and a share by angle, neither transmission nor coefficient is
        needed

    Raises
    ------
    InputError
        for both or none of transmission and coefficient, for shares outside of 0..1, and for an inelastic transmission
    """

    transmission: Transmission | None = field(
        default=None, validator=validators.optional(validators.instance_of(Transmission))
    )
    coefficient: Array | None = field(
        default=None, converter=converters.optional(unit_fractions), kw_only=True, metadata=about("1", "from the left")
    )
    reverse_coefficient: Array | None = field(
        default=None, converter=converters.optional(unit_fractions), kw_only=True, metadata=about("1", "from the right")
    )
    specular: float = field(default=0.0, converter=number, kw_only=True, metadata=about("1", "specular share"))
    specular_transmission: float | AngularTransmission | None = field(
        default=None, kw_only=True, metadata=about("1", "share of the specular ones that cross")
    )

    def __attrs_post_init__(self) -> None:
        alone = isinstance(self.specular_transmission, AngularTransmission) and self.specular == 1
        both = self.transmission is not None and self.coefficient is not None
        if both or (self.transmission is None and self.coefficient is None and not alone):
            given = "both" if self.transmission is not None else "none"
            raise InputError(f"a boundary takes a transmission or coefficients, got {given} of them")
        if self.transmission is not None and not self.transmission.elastic:
            raise InputError(
                f"{self.transmission.method}: an inelastic transmission mixes frequencies; the Boltzmann solver takes "
                "elastic ones, group by group"
            )
        for name in ("specular", "specular_transmission"):
            share = getattr(self, name)
            if isinstance(share, (int, float)) and not 0 <= share <= 1:
                raise InputError(f"{name} = {share:g}, expected a share from 0 to 1")

    def flow(self, left: Carriers, right: Carriers) -> Array:
        """(G,) heat that crosses one way in equilibrium per kelvin, by group, W m⁻² K⁻¹.

        Raises
        ------
        InputError
            where detailed balance is broken, or the transmission does not belong to these bands
        """
        if self.transmission is not None:
            return _transmission_flow(self.transmission, left, right)
        if self.coefficient is None and isinstance(self.specular_transmission, AngularTransmission):
            return _specular_flow(self.specular_transmission, left, right)
        return self._coefficient_flow(left, right)

    def _coefficient_flow(self, left: Carriers, right: Carriers) -> Array:
        coefficient = self.coefficient if self.coefficient is not None else np.empty(0)
        place = f"boundary {left.name}|{right.name}"
        if coefficient.size not in (1, left.omega.size):
            raise InputError(f"{place}: {coefficient.size} coefficients for {left.omega.size} groups")
        crossing = coefficient * left.flow
        if coefficient.size == 1:  # one number for all that can cross
            crossing = np.where(right.flow > 0, crossing, 0.0)
        excess = crossing - right.flow * (1 + _BALANCE_TOLERANCE)
        if excess.max(initial=0) > 0:
            i = int(excess.argmax())
            raise InputError(
                f"{place}: the coefficient {np.broadcast_to(coefficient, crossing.shape)[i]:.4g} of group {i} breaks "
                f"detailed balance: {crossing[i]:.4g} W/m²K would cross, the right side returns at most "
                f"{right.flow[i]:.4g}"
            )
        if self.reverse_coefficient is not None:
            returned = self.reverse_coefficient * right.flow
            off = np.abs(returned - crossing) > _BALANCE_TOLERANCE * 1e3 * np.maximum(returned, crossing)
            if off.any():
                i = int(np.argmax(off))
                raise InputError(
                    f"{place}: group {i} breaks detailed balance: {crossing[i]:.6g} W/m²K cross from the left and "
                    f"{np.broadcast_to(returned, crossing.shape)[i]:.6g} from the right; give one side only"
                )
        return np.minimum(crossing, right.flow)


def _specular_flow(share: AngularTransmission, left: Carriers, right: Carriers) -> Array:
    """(G,) heat that crosses specularly in each group per kelvin, band by band in their order, W m⁻² K⁻¹."""
    node, weight = gauss_legendre(_COSINE_NODES)
    flow = np.zeros(left.omega.size)
    for group in range(left.omega.size):
        rows = [np.flatnonzero((side.group == group) & (side.capacity * side.velocity > 0)) for side in (left, right)]
        for one, other in zip(*rows, strict=False):
            top = float(left.capacity[one] * left.velocity[one] / 4)
            least = min(top, float(right.capacity[other] * right.velocity[other] / 4))
            cosine = np.sqrt(np.maximum(1 - least * (1 - node**2) / top, 0.0))  # μ² = 1 - U/E, U ∝ k∥² (Snell)
            flow[group] += float(np.sum(2 * least * node * weight * share.at(cosine)))
    return flow


def _transmission_flow(transmission: Transmission, left: Carriers, right: Carriers) -> Array:
    """(G,) heat that crosses in each group per kelvin, W m⁻² K⁻¹, scaled to the modes of the bands."""
    if not left.edges.size:
        raise InputError(
            f"{left.name} has bands without bounds in frequency, and {transmission.method or 'the transmission'} is a "
            "spectrum: give edges, or a coefficient for each band"
        )
    omega, weight = panel_quadrature(left.edges, _NODES_PER_GROUP)
    capacity = mode_heat_capacity(omega, left.temperature, left.statistics)[0]

    def integral(modes: Array) -> Array:
        """(G,) integral of c(ω) M(ω)/2π over each group, W m⁻² K⁻¹."""
        value = np.interp(omega, transmission.omega, modes, right=0.0)
        return np.sum((capacity * value * weight).reshape(-1, _NODES_PER_GROUP), axis=1) / (2 * np.pi)

    crossing, scale = integral(transmission.total), np.ones(left.omega.size)
    for given, side in ((transmission.left, left), (transmission.right, right)):
        if given is None:
            continue
        modes = integral(given)
        theirs, ours = float(modes.sum()), float(side.flow.sum())
        if abs(theirs / ours - 1) > _MAX_MODE_MISMATCH:
            raise InputError(
                f"{transmission.method or 'transmission'}: its modes carry {theirs:.4g} W/m²K into the boundary, the "
                f"bands of {side.name} {ours:.4g}: it belongs to another material, orientation or side"
            )
        scale *= np.divide(side.flow, modes, out=np.ones_like(modes), where=modes > 0)
    scaled = crossing * np.sqrt(scale)  # geometric mean of both corrections: the same from either side
    limited = np.minimum(scaled, np.minimum(left.flow, right.flow))
    if scaled.sum() - limited.sum() > _MAX_MODE_MISMATCH * scaled.sum():
        raise InputError(
            f"{transmission.method or 'transmission'}: would pass {scaled.sum():.4g} W/m²K, and {limited.sum():.4g} "
            f"can in detailed balance between {left.name} and {right.name}: it belongs to other materials, or other "
            "units"
        )
    return limited


def to_interface_scattering(value: object, name: str) -> InterfaceScattering:
    """Return what was given for a boundary as an `InterfaceScattering`; a conductance is refused."""
    if isinstance(value, InterfaceScattering):
        return value
    if isinstance(value, Transmission):
        return InterfaceScattering(value)
    if isinstance(value, (int, float, Conductance, Boundary, Layer, Stack)):
        what = f"{value:g}" if isinstance(value, (int, float)) else f"a {type(value).__name__}"
        raise InputError(
            f"boundary {name}: got {what}; a Boltzmann solution takes a Transmission, not a conductance: that "
            "holds the transport near the boundary already, which would be counted twice"
        )
    raise InputError(f"boundary {name}: expected a Transmission or an InterfaceScattering, got {value!r:.60}")


def reverse_boundary(value: object, left: Carriers, right: Carriers) -> InterfaceScattering:
    """The same boundary seen from the other side; a share by angle between unlike sides is refused, as the angles of
    the other side belong to each band.
    """
    boundary = to_interface_scattering(value, f"{left.name}|{right.name}")
    if isinstance(boundary.specular_transmission, AngularTransmission):
        if left.flow.shape != right.flow.shape or (left.flow != right.flow).any():
            raise InputError(
                f"boundary {left.name}|{right.name}: a share by the angles of {left.name} cannot be turned round; give "
                f"the boundary {right.name}|{left.name} a share of its own"
            )
        if boundary.transmission is None and boundary.coefficient is None:
            return boundary
    if boundary.transmission is not None:
        given = boundary.transmission
        return evolve(boundary, transmission=evolve(given, left=given.right, right=given.left))
    flow = boundary.flow(left, right)
    share = np.divide(flow, right.flow, out=np.zeros_like(flow), where=right.flow > 0)
    return evolve(boundary, coefficient=np.minimum(share, 1.0), reverse_coefficient=None)


def to_all_scattering(values: Sequence[object], names: Sequence[str]) -> tuple[InterfaceScattering, ...]:
    """Return one `InterfaceScattering` for each boundary, in order; refuse too few, too many, and conductances."""
    if len(values) != len(names):
        raise InputError(f"{len(names)} boundaries ({', '.join(names) or 'none'}) have {len(values)} transmissions")
    return tuple(to_interface_scattering(value, name) for value, name in zip(values, names, strict=True))
