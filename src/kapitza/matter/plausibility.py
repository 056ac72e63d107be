"""Physical bounds of crystals and junctions: distances, masses, frequencies, speeds of sound, and stability.

The bounds are wide; what lies outside is mostly a matter of units.  Where elements and positions are known, nearest
distances are held against the radii of the elements: bohr and Å in each other's place show there, and without
positions in the density of materials of the library.  Crystals with the masses and the density of a material of the
library are held against its speeds of sound, too: force constants in eV/Å² read as N/m make them a quarter of what
they are.  A record with `model=True` is exempt from all but stability.
"""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.modal import INTERFACE_SIDES
from kapitza.errors import Hint, InputError, ValidityWarning
from kapitza.matter.brillouin import inscribed_radius
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import SQUARE_PICOSECOND, Junction, Lead
from kapitza.matter.library import atomic_masses, material, materials
from kapitza.matter.material import Material, composition
from kapitza.matter.periodic import shortest_bond
from kapitza.units import THz, angstrom, bohr, m_u

_SPACING = (0.5 * angstrom, 30 * angstrom)  # root of the volume per atom: diamond 1.78 Å, caesium 4.9 Å, beads more
_MASSES = (0.5 * m_u, 1e4 * m_u)  # hydrogen is 1 u, beads of coarse-grained models hundreds
_TOP_FREQUENCIES = (0.1 * THz, 200 * THz)  # H2 vibrates at 125 THz, caesium below 1.5 THz
# no sound of condensed matter is faster than 36.1 km/s: K. Trachenko et al., Sci. Adv. 6, eabc8662 (2020),
# doi:10.1126/sciadv.abc8662; the lower end is far below the slowest shear waves of van der Waals crystals
_SPEEDS = (50.0, 36_100.0)
_SPEED_FACTOR = 2.5  # from the mean speed of a material of the library; eV/Å² read as N/m make it 4.0
_DENSITY_TOLERANCE, _MASS_TOLERANCE = 0.1, 0.005  # relative: crystals that count as that material
_SWAPPED_DENSITY = 3 * float(np.log(angstrom / bohr))  # logarithm of a density with bohr and Å swapped: a factor 6.75
_SWAP_TOLERANCE = 0.06  # of that logarithm, 12 % of the density: from which a factor counts as this one
_IMAGINARY_TOLERANCE = 0.05  # of the top frequency: imaginary frequencies that are named; strained crystals have less
_UNSTABLE = 0.3  # of the top frequency: imaginary ones from which a structure is no crystal at rest
_MESH_ENTRIES = 4e5  # of all matrices of the mesh of wave vectors: fewer wave vectors for larger cells
_MAX_DEVICE_COORDINATES = 900  # up to which the stability of a device is looked at
_GENERIC_WAVEVECTOR = (0.1234, 0.3713)
_UNITS = Hint(python="for a model in other units, attrs.evolve(record, model=True)", command="check its units")


def check_crystal(crystal: Crystal, *, stable: bool = True) -> None:
    """Refuse a crystal that no material can be, with all that is wrong in one line.

    `stable` also warns of imaginary frequencies, and refuses those above 0.3 of the top frequency; those above the top
    are refused in any case.

    Raises
    ------
    InputError
        for distances, masses, frequencies or speeds out of bounds, or an unstable crystal

    Warns
    -----
    ValidityWarning
        of imaginary frequencies
    """
    side = int(np.clip((_MESH_ENTRIES / (3 * crystal.masses.size) ** 2) ** (1 / 3), 2, 6)) // 2 * 2
    mesh = np.indices((side, side, side // 2 + 1)).reshape(3, -1).T / side  # the other half is -q
    omega = crystal.frequencies(np.asarray(mesh @ crystal.reciprocal, dtype=float))
    if stable or -omega.min() > omega.max():
        _check_stability(crystal.name, omega)
    wrong = [] if crystal.model else _out_of_bounds(crystal, float(omega.max()))
    if wrong:
        raise InputError(f"{crystal.name}: {'; '.join(wrong)}", hint=_UNITS)


@lru_cache(maxsize=16)
def check_junction_values(junction: Junction) -> None:
    """Refuse a junction whose leads no material can be, or whose leads or device are unstable; as `check_crystal`."""
    if junction.directions != 3:  # chains have no volume, and their springs were checked for their signs
        return
    for side in INTERFACE_SIDES:
        check_crystal(_lead_crystal(junction.lead(side)))
    if sum(slab.onsite.shape[-1] for slab in junction.device) <= _MAX_DEVICE_COORDINATES:
        _check_stability(f"{junction.name}, device between fixed leads", _device_frequencies(junction))


def _lead_crystal(lead: Lead) -> Crystal:
    """A lead as the crystal that it is half of; one without positions has no symbols there, and no distances."""
    ones = np.ones((len(lead.shifts), 1), dtype=np.int64)
    above, below = np.hstack([lead.shifts, ones]), np.hstack([-lead.shifts, -ones])
    return Crystal(
        name=lead.name,
        lattice=np.vstack([lead.periods, lead.step]),
        positions=np.zeros((lead.masses.size, 3)) if lead.positions is None else lead.positions,
        masses=lead.masses,
        cells=np.concatenate([np.hstack([lead.shifts, 0 * ones]), above, below]),
        force_constants=np.concatenate([lead.onsite, lead.hop, lead.hop.swapaxes(1, 2)]),
        symbols=() if lead.positions is None else lead.symbols,
        model=lead.model,
    )


def _out_of_bounds(crystal: Crystal, top: float) -> list[str]:
    spacing = (1 / crystal.atoms) ** (1 / 3)
    directions = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.64, 0.48], [-0.48, 0.6, 0.64]])
    q = 0.05 * inscribed_radius(crystal.reciprocal)
    found = crystal.frequencies(q * directions)[:, :3] / q
    speeds = np.asarray(found[found > 0], dtype=float)
    light, heavy = float(crystal.masses.min()), float(crystal.masses.max())
    wrong: list[str] = []
    bond = shortest_bond(crystal.positions, crystal.symbols, crystal.lattice)
    if not _SPACING[0] <= spacing <= _SPACING[1]:
        wrong.append(f"atoms {spacing:.3g} m apart, wanted 0.5 to 30 Å: give lattice vectors in m (Å times 1e-10)")
    elif bond is not None and bond.fault:
        wrong.append(bond.fault)
    elif bond is None:
        wrong += _swapped_density(crystal)
    if not (light >= _MASSES[0] and heavy <= _MASSES[1]):
        wrong.append(
            f"masses {light / m_u:.3g} to {heavy / m_u:.3g} u, wanted 0.5 to 10,000: give kg (u times 1.66e-27)"
        )
    if not _TOP_FREQUENCIES[0] <= top <= _TOP_FREQUENCIES[1]:
        wrong.append(
            f"a top of {top / THz:.3g} THz, wanted 0.1 to 200: give force constants in N/m (eV/Å² times 16.02)"
        )
    if not wrong and speeds.size and not (_SPEEDS[0] <= speeds.min() and speeds.max() <= _SPEEDS[1]):
        wrong.append(
            f"sound of {speeds.min():.3g} to {speeds.max():.3g} m/s, wanted {_SPEEDS[0]:g} to {_SPEEDS[1]:g} m/s: "
            "check the units of force constants, masses and lattice vectors"
        )
    known = _matching_material(crystal) if not wrong and speeds.size else None
    if known is not None and known.longitudinal is not None and known.transverse is not None:
        wanted, mean = (known.longitudinal.value + 2 * known.transverse.value) / 3, float(speeds.mean())
        if not wanted / _SPEED_FACTOR <= mean <= wanted * _SPEED_FACTOR:
            what = f"the masses and density of {known.name}, but a mean speed of sound of {mean:.4g} m/s"
            wrong.append(f"{what}, wanted about {wanted:.4g}: give force constants in N/m (eV/Å² times 16.02)")
    return wrong


def _element_counts(crystal: Crystal) -> dict[str, int]:
    """Atoms of each element in a formula unit, by the masses; none where a mass is that of no element."""
    table = {name: mass * m_u for name, mass in atomic_masses().items()}
    nearest = [min(table, key=lambda name: abs(table[name] - mass)) for mass in crystal.masses.tolist()]
    apart = crystal.masses / np.array([table[name] for name in nearest]) - 1
    if np.abs(apart).max() > _MASS_TOLERANCE:
        return {}
    counts = np.array([nearest.count(name) for name in dict.fromkeys(nearest)])
    return dict(zip(dict.fromkeys(nearest), (counts // np.gcd.reduce(counts)).tolist(), strict=True))


def _matching_material(crystal: Crystal) -> Material | None:
    parts = [name if n == 1 else f"{name}{n}" for name, n in _element_counts(crystal).items()]
    for order in permutations(parts) if len(parts) <= 3 else ():
        if "".join(order) in materials():
            found = material("".join(order))
            if abs(crystal.density / found.density.value - 1) <= _DENSITY_TOLERANCE:
                return found
    return None


def _swapped_density(crystal: Crystal) -> list[str]:
    """What is wrong with a density that is that of a material of the library but for bohr and Å in each other's place;
    crystals of the same elements do not differ by such a factor.
    """

    def shares(counts: Mapping[str, float]) -> dict[str, float]:
        return {element: round(count / sum(counts.values()), 6) for element, count in counts.items()}

    counts = _element_counts(crystal)
    for name in materials() if counts else ():
        one = material(name)
        ratio = crystal.density / one.density.value
        swapped = abs(abs(np.log(ratio)) / _SWAPPED_DENSITY - 1) < _SWAP_TOLERANCE
        if swapped and shares(composition(one.formula)) == shares(counts):
            unit = "Å taken for bohr" if ratio > 1 else "bohr taken for Å"
            what = f"a density of {crystal.density:.4g} kg/m³ with the masses of {name}"
            return [f"{what}, wanted about {one.density.value:.4g}: check the unit of lengths, {unit}?"]
    return []


def _device_frequencies(junction: Junction) -> Array:
    """(2, f) frequencies of the device between fixed leads at two wave vectors, imaginary ones negative, rad s⁻¹; if
    it is unstable so, it is without them.
    """
    blocks = junction.blocks([(0.0, 0.0), _GENERIC_WAVEVECTOR])
    start = np.concatenate([[0], np.cumsum([one.shape[-1] for one in blocks.onsite])])
    matrix = np.zeros((2, start[-1], start[-1]), dtype=np.complex128)
    for i, onsite in enumerate(blocks.onsite):
        matrix[:, start[i] : start[i + 1], start[i] : start[i + 1]] = onsite
    for i, hop in enumerate(blocks.hop):
        matrix[:, start[i] : start[i + 1], start[i + 1] : start[i + 2]] = hop
        matrix[:, start[i + 1] : start[i + 2], start[i] : start[i + 1]] = hop.conj().swapaxes(1, 2)
    square = np.linalg.eigvalsh(matrix) / SQUARE_PICOSECOND
    return np.asarray(np.copysign(np.sqrt(np.abs(square)), square), dtype=float)


def _check_stability(name: str, omega: Array) -> None:
    """Name imaginary frequencies, which are negative numbers here, and refuse large ones."""
    top, lowest = float(omega.max()), float(omega.min())
    if not -lowest > _IMAGINARY_TOLERANCE * max(top, 0.0):
        return
    share, largest = float(np.mean(omega < -_IMAGINARY_TOLERANCE * max(top, 0.0))), -lowest / THz
    size = f"{share:.2%} of the sampled modes are imaginary, to {largest:.3g}i THz (top {max(top, 0) / THz:.3g} THz)"
    if not -lowest <= _UNSTABLE * top:
        raise InputError(f"{name}: {size}: unstable, no crystal at rest; relax it, or check signs and units")
    warnings.warn(f"{name}: {size}; they carry nothing and are left out", ValidityWarning, stacklevel=4)
