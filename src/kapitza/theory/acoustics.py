r"""What joins two half spaces: a rigid plane, a bond of finite stiffness, or thin elastic layers."""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, numbers
from kapitza.errors import InputError
from kapitza.matter.elastic import Elastic
from kapitza.matter.fluid import Fluid
from kapitza.matter.slowness import turning_points
from kapitza.matter.solid import Solid
from kapitza.theory.plane_waves import Complex, Waves, isotropic, joined, liquid, scatter
from kapitza.theory.stroh import anisotropic

Medium = Solid | Elastic | Fluid
LIGHT = 0.05  # impedance of a liquid over that of a crystal below which the surface wave is not resolved


def not_negative(instance: object, attribute: object, value: float) -> None:
    """Validate a thickness."""
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"an interlayer of {value:g} m: expected a finite thickness, 0 or more")


def a_medium(instance: object, attribute: object, value: object) -> None:
    """Validate the material of a layer."""
    medium(value)


@frozen(eq=False)
class Interlayer:
    """Elastic layer between two half spaces: its material and its thickness (m, 0 or more)."""

    material: Medium = field(validator=a_medium)
    thickness: float = field(converter=float, validator=not_negative)


@frozen(eq=False)
class Contact:
    """What lies between two half spaces.

    Attributes
    ----------
    stiffness : (3,) of the bond along x, y and the normal z, N m⁻³; None for a rigid one
    layers : from left to right
    """

    stiffness: Array | None = None
    layers: tuple[Interlayer, ...] = ()

    @property
    def rigid(self) -> bool:
        """Whether the scattering does not depend on frequency."""
        return self.stiffness is None and not self.layers


def listed(value: object) -> bool:
    """Whether something is a list and no text."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def contact(spring: ArrayLike | None, interlayer: Interlayer | Sequence[Interlayer] | None) -> Contact:
    """Check what the user gave for the contact of two half spaces.

    Parameters
    ----------
    spring : normal and tangential stiffness of the bond, N m⁻³
    interlayer : one layer, or several from left to right

    Raises
    ------
    InputError
        for stiffnesses that are not two numbers above zero, for something that is no layer, and for both at once
    """
    if not (interlayer is None or isinstance(interlayer, Interlayer) or listed(interlayer)):
        raise InputError(f"expected Interlayer(material, thickness) or a list of them, got {interlayer!r:.60}")
    layers = (interlayer,) if isinstance(interlayer, Interlayer) else tuple(interlayer or ())
    for layer in layers:
        if not isinstance(layer, Interlayer):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"expected Interlayer(material, thickness), got {layer!r:.60}")
    if spring is None:
        return Contact(None, layers)
    stiffness = numbers(spring)
    if stiffness.size != 2 or not (stiffness > 0).all():
        raise InputError(
            f"expected spring=(normal, tangential) stiffness above 0 in N/m³, got {spring!r:.60}; "
            "an infinite one is rigid"
        )
    if layers:
        raise InputError(
            f"a spring and {len(layers)} interlayer(s) at once: give the bond as a thin soft layer instead"
        )
    return Contact(stiffness[[1, 1, 0]])


def medium(side: object) -> Medium:
    """Return a side that acoustics knows, or refuse it."""
    if not isinstance(side, Solid | Elastic | Fluid):
        raise InputError(
            f"acoustic mismatch needs a Solid, an Elastic or a Fluid, got {type(side).__name__}: "
            "take the elastic constants of the material"
        )
    return side


def light(left: Medium, right: Medium) -> bool:
    """Whether a liquid meets a crystal of far larger impedance, on which a narrow leaky surface wave takes up sound."""
    for wet, dry in ((left, right), (right, left)):
        if isinstance(wet, Fluid) and isinstance(dry, Elastic):
            heavy = dry.density * float(np.sqrt(dry.reduced[2, 2, 2, 2]))
            return wet.density * wet.speed < LIGHT * heavy
    return False


def branch_modes(side: Medium) -> Array:
    r"""(m,) $M_b/\omega^2$ of each branch, $1/4\pi c^2$ of an isotropic one, s² m⁻²."""
    if isinstance(side, Elastic):
        return side.branch_modes
    speeds = side.speeds if isinstance(side, Solid) else np.array([side.speed])
    return speeds**-2.0 / (4 * np.pi)


def turning_slownesses(side: Medium, azimuth: Array) -> list[Array]:
    """In-plane slownesses at which waves appear or disappear, for each azimuth (nφ,), increasing, s m⁻¹."""
    if isinstance(side, Elastic):
        turns = turning_points(side.reduced, azimuth)
        return [np.sort(turns.slowness[turns.azimuth == i]) for i in range(azimuth.size)]
    speeds = side.speeds[:2] if isinstance(side, Solid) else np.array([side.speed])
    return [1 / speeds] * azimuth.size


def waves(side: Medium, slowness: Array, azimuth: Array) -> Waves:
    """Plane waves of a medium at in-plane slownesses (n,) s m⁻¹ along azimuths (n,) rad."""
    match side:
        case Solid():
            return isotropic(side, slowness)
        case Elastic():
            return anisotropic(side, slowness, azimuth)
        case Fluid():
            return liquid(side, slowness)


def scattering(media: Sequence[Waves], contact: Contact, omega: Array) -> Complex:
    """Scattering matrix of all planes between two half spaces.

    Parameters
    ----------
    media : waves of the left half space, the layers and the right half space, at the same n slownesses
    contact : the bond, and the thicknesses of the layers
    omega : (nω,) angular frequency, rad s⁻¹; without effect on a rigid contact

    Returns
    -------
    (nω, n, k, k), or (1, n, k, k) for a rigid contact; rows and columns as in `scatter`
    """
    if contact.stiffness is not None:
        slip: Complex = (1j * omega[:, None, None] / contact.stiffness).astype(complex)
        return scatter(media[0], media[-1], slip)
    whole = scatter(media[0], media[1])[None]
    for layer, here, behind in zip(contact.layers, media[1:-1], media[2:], strict=True):
        way = here.slowness * np.array([1, -1])[:, None]
        phase = np.exp(1j * layer.thickness * omega[:, None, None, None] * way)
        whole = joined(whole, here, phase, scatter(here, behind)[None])
    return whole
