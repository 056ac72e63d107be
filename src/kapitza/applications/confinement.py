r"""Conductivity of crystals between rough walls a few free paths apart, with the error of what is not known.

Each frequency of the full bands has the mean speed $\bar v = 2M/\pi g$ along the normal, from the modes M(ω) that cross
a plane and the density of states g(ω), and free paths $\bar v\tau$; along another axis both are larger by the root of
the ratio of conductivities, as for lifetimes that do not depend on direction.  These follow one of two laws, scaled to
the conductivity of the bulk: $\tau\propto\omega^{-2}$, of three phonons, and the same turning to $\omega^{-4}$ at a
quarter of the highest frequency, which leaves more of the heat to long paths.  Measured silicon membranes lie between.
"""

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.applications.film import rough_wall_shares
from kapitza.core.arrays import Array, about, numbers, one_temperature
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.bands import BandSpectrum
from kapitza.matter.library import material
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY, Material
from kapitza.matter.phonons import has_phonons, phonon_card, phonon_spectrum

_COLDEST = 20.0  # K, below which phonons are scattered by the faces of samples, not by one another
_CROSSOVER = 0.25  # of the highest frequency, above which the rates of the second law grow as ω⁴
# of what walls take from a layered crystal: the most that this lies from full bands along the layers of graphite, h-BN,
# 6H-SiC, TiO2 and β-Ga2O3, in films of 100 nm
_DIRECTION_ERROR = 0.2
_LEAST_SHARE = 1e-12  # of one frequency: less is rounding


@frozen(eq=False, kw_only=True)
class ConfinedConductivity(BaseRecord):
    """Conductivity of a body between rough walls, along x, y and z.

    Attributes
    ----------
    value : the mean of both laws of lifetimes
    sigma : half of their difference, with a fifth of what the walls take where the bulk is not isotropic
    """

    bulk: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) conductivity of the bulk"))
    value: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) conductivity between the walls"))
    sigma: Array = field(converter=numbers, metadata=about("W m^-1 K^-1", "(3,) standard uncertainty of `value`"))
    size: Array = field(converter=numbers, metadata=about("m", "(3,) distance of the walls; infinite without"))

    @property
    def share(self) -> Array:
        """(3,) share of the conductivity of the bulk that is kept, 0 to 1."""
        return self.value / self.bulk


def confined_conductivity(
    known: str | Material, size: ArrayLike, temperature: float = 300.0
) -> ConfinedConductivity | None:
    r"""Conductivity of a crystal of the library along x, y and z, between rough walls that lie apart by a size.

    A direction loses to the walls parallel to it, by the formula of Fuchs and Sondheimer for each free path; what two
    pairs of walls take is added as resistances, $1/F = 1/F_1 + 1/F_2 - 1$ (in a square wire right to 6 % for paths as
    long as its side, and a fifth too much for ten times that).  Walls across a direction take nothing from
    it: the temperature drop that phonons have within a free path of a boundary belongs to the resistance of that
    boundary, which every measurement assigns to it (the extrapolated drop).

    Parameters
    ----------
    known : name or alias, or a record
    size : (3,) distance of the walls along x, y and z, m; infinite where there are none.  A film has (inf, inf, d)
    temperature : K, one number

    Returns
    -------
    z is the axis of a layered crystal.  None for metals, glasses and liquids, crystals whose phonons the package does
    not have, temperatures outside of the table of the library, and below 20 K, where the faces of samples set the free
    paths

    Raises
    ------
    InputError
        for sizes that are not three numbers above zero, and names that are not known

    References
    ----------
    E. H. Sondheimer, Adv. Phys. 1, 1 (1952), doi:10.1080/00018735200101151 (walls); J. Cuffe et al., Phys. Rev. B 91,
    245423 (2015), doi:10.1103/PhysRevB.91.245423 (membranes)
    """
    found = known if isinstance(known, Material) else material(known)
    kelvin, length = one_temperature(temperature), np.array(size, dtype=float)
    if length.shape != (3,) or not (length > 0).all():
        raise InputError(f"size = {size!r:.60} m, wanted three numbers above 0, infinite where there is no wall")
    if kelvin < _COLDEST or not _has_free_paths(found):
        return None
    try:
        through, along = (float(found.conductivity(kelvin, inplane=inplane)[0]) for inplane in (False, True))
    except InputError:  # the table ends at other temperatures
        return None
    bulk = np.array([along, along, through])
    if np.isinf(length).all():
        return ConfinedConductivity(bulk=bulk, value=bulk, sigma=np.zeros(3), size=length)
    spectrum = phonon_spectrum(found.name)
    one, other = (bulk * _kept_shares(spectrum, bulk, length, kelvin, turn) for turn in (np.inf, _CROSSOVER))
    value, laws = (one + other) / 2, np.abs(one - other) / 2
    direction = 0.0 if found.inplane_table is None else _DIRECTION_ERROR * (bulk - value)
    return ConfinedConductivity(bulk=bulk, value=value, sigma=np.hypot(laws, direction), size=length)


def _has_free_paths(found: Material) -> bool:
    """Whether all heat is carried by phonons of bands that are known."""
    if found.symmetry in (GLASS_SYMMETRY, LIQUID_SYMMETRY) or found.metal.conductivity is not None:
        return False
    return found.conductivity_table is not None and has_phonons(found.name) and phonon_card(found.name).usable


def _kept_shares(spectrum: BandSpectrum, bulk: Array, size: Array, temperature: float, turn: float) -> Array:
    """(3,) share of the conductivity along each axis, for rates that turn to ω⁴ at a share of the highest frequency."""
    grid = frequency_grid(spectrum.edges)
    crossing, states = spectrum.modes(grid.omega), spectrum.density_of_states(grid.omega)
    moving = (crossing > 0) & (states > 0)
    omega, speed = grid.omega[moving], (2 / np.pi) * crossing[moving] / states[moving]
    lifetime = 1 / (np.square(omega) * (1 + np.square(omega / (turn * spectrum.edges[-1]))))  # to a factor
    held = mode_heat_capacity(omega, temperature)[0] * (states * grid.weight)[moving]
    carried = held * np.square(speed) * lifetime / 3
    path = speed * lifetime * (bulk[2] / carried.sum())
    taken = np.empty((3, omega.size))  # by the walls across each axis
    for wall, scale in enumerate(np.sqrt(bulk / bulk[2])):
        kept = rough_wall_shares(size[wall] / (scale * path))
        taken[wall] = 1 / np.maximum(kept, _LEAST_SHARE) - 1
    both = taken.sum(axis=0) - taken
    return (carried / (1 + both)).sum(axis=1) / carried.sum()
