"""Stiffness of the contact of two crystals by a universal potential, from forces on one of them as it is displaced.

Both are slabs at the lattice constants of their phonons, the right one strained to the left.  Of a few places above the
left slab the one of lowest energy is taken, atoms next to the plane relax, and the upper slab is displaced as a rigid
body: the force that it feels over displacement and area is the sum of all force constants across the plane.

python tools/pairs/contact.py WEIGHTS LEFT-RIGHT ... adds to contacts.toml those that are not there; WEIGHTS is the file
of nequix-oam-1-pft.
"""

import sys
from time import process_time
from typing import Any

import numpy as np
from attrs import evolve, frozen
from compute import CONTACTS, read_contacts, read_pairs

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.lattice import match_surfaces
from kapitza.matter.building.contacts import ContactSprings
from kapitza.matter.building.matching import in_plane_deformation, in_plane_periods
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.junction import supercell_cells
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.force_field import FORCE_UNIT, ForceField
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.relaxation import relax_interface
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

DEPTH = 8.5 * angstrom  # of either slab: beyond the cut-off of the potential
VACUUM = 12 * angstrom
FREE = 2.6 * angstrom  # from the plane: atoms within it relax
PLACES = ((0.0, 0.0), (0.5, 0.5), (1 / 3, 2 / 3))  # of the upper crystal that are tried, in its periods
TRIAL_FORCE = 0.05 * FORCE_UNIT  # N: left on the upper slab while places are tried
FORCE = 0.02 * FORCE_UNIT  # N: left on atoms at rest
STEP = 0.03 * angstrom  # of the upper slab


@frozen(eq=False)
class Contact:
    """Stiffness of a contact, and what it was found with."""

    springs: ContactSprings
    coupling: Array  # (3, 3) N m⁻³: force on the upper slab over its displacement and the area, symmetric
    strain: float  # larger principal one of the right crystal
    area: float  # m²
    atoms: int
    gap: float  # m, between the outermost planes of atoms


def slab(one: Structure, grid: IntArray, periods: Array, depth: float) -> Structure:
    """Layers of an oriented crystal on the periods of the junction, at least so thick."""
    small = np.linalg.inv(grid.astype(float)) @ in_plane_periods(periods)
    turn = in_plane_deformation(one.lattice[:2, :2], small)
    lattice, positions = one.lattice @ turn, one.positions @ turn
    count = int(np.ceil(depth / lattice[2, 2]))
    corners = supercell_cells(grid) @ lattice[:2]
    steps = np.arange(count)[:, None] * lattice[2]
    places = (steps[:, None, None] + corners[None, :, None] + positions[None, None]).reshape(-1, 3)
    total = count * len(corners)
    high = np.vstack([periods, [0, 0, count * lattice[2, 2] + VACUUM]])
    return Structure(one.name, high, places, np.tile(one.masses, total), one.symbols * total)


def contact(pair: dict[str, Any], force_field: ForceField) -> Contact:
    """Stiffness of the contact of a row of the table."""
    low = orient_structure(named_structure(pair["left"]), pair["orientation"])
    high = orient_structure(named_structure(pair["right"]), pair["right_orientation"])
    fit = match_surfaces(low.lattice[:2], high.lattice[:2], strain=pair["limit"])[0]
    periods = fit.left @ low.lattice[:2]
    below, above = slab(low, fit.left, periods, DEPTH), slab(high, fit.right, periods, DEPTH)
    trials = [place(below, above, np.array(shift), fit.right, force_field) for shift in PLACES]
    energies = [force_field.state(one).energy for one in trials]
    best = trials[int(np.argmin(energies))]
    upper = np.arange(best.masses.size) >= below.masses.size
    plane = (best.positions[~upper, 2].max() + best.positions[upper, 2].min()) / 2
    near = np.abs(best.positions[:, 2] - plane) < FREE
    body = upper & ~near
    rest = relax_interface(best, force_field, near, body, force=FORCE)
    coupling = rigid_coupling(rest, upper, force_field) / fit.area
    gap = float(rest.positions[upper, 2].min() - rest.positions[~upper, 2].max())
    springs = ContactSprings(float(coupling[2, 2]), float((coupling[0, 0] + coupling[1, 1]) / 2))
    strain = float(np.abs(fit.strain).max())
    return Contact(springs, coupling, strain, fit.area, rest.masses.size, gap)


def place(below: Structure, above: Structure, shift: Array, grid: IntArray, force_field: ForceField) -> Structure:
    """Put a slab on another one and let it come to rest along all directions, as a rigid body."""
    small = np.linalg.inv(grid.astype(float)) @ below.lattice[:2]
    gap = 2.2 * angstrom
    low = above.positions[:, 2].min()
    across = below.positions[below.positions[:, 2].argmax()] - above.positions[above.positions[:, 2].argmin()]
    lift = below.positions[:, 2].max() - low + gap
    moved = above.positions + shift @ small + [across[0], across[1], lift]
    positions = np.vstack([below.positions, moved])
    height = positions[:, 2].max() - positions[:, 2].min() + VACUUM
    lattice = np.vstack([below.lattice[:2], [0, 0, height]])
    symbols = below.symbols + above.symbols
    both = Structure("contact", lattice, positions, np.concatenate([below.masses, above.masses]), symbols)
    upper = np.arange(both.masses.size) >= below.masses.size
    return relax_interface(both, force_field, np.zeros_like(upper), upper, force=TRIAL_FORCE)


def rigid_coupling(rest: Structure, upper: BoolArray, force_field: ForceField) -> Array:
    """(3, 3) change of the force on the upper slab over its displacement, N m⁻¹, positive where it is held."""
    found = np.empty((3, 3))
    for axis in range(3):
        force: list[Array] = []
        for sign in (1, -1):
            moved = rest.positions.copy()
            moved[upper, axis] += sign * STEP
            force.append(force_field.state(evolve(rest, positions=moved)).forces[upper].sum(axis=0))
        found[axis] = (force[1] - force[0]) / (2 * STEP)
    return (found + found.T) / 2


def main(weights: str, wanted: list[str]) -> None:
    """Add contacts that are missing to the file, one by one."""
    rows = {row["name"]: row for row in read_pairs()}
    for name in wanted:
        if name in read_contacts():
            continue
        start = process_time()
        symbols = [one for side in ("left", "right") for one in named_structure(rows[name][side]).symbols]
        arguments = {"model_path": weights, "backend": "jax", "use_kernel": False}
        found = contact(rows[name], named_force_field("nequix", symbols, arguments=arguments))
        with CONTACTS.open("a", encoding="utf-8") as file:
            file.write(
                f"\n[{name}]\nnormal = {found.springs.normal:.3g}\nshear = {found.springs.shear:.3g}\n"
                f"gap = {found.gap:.3g}\n"
            )
        print(
            f"{name}: {found.springs}, {found.coupling.round(-17).tolist()}, strain {found.strain:.3f}, "
            f"{found.atoms} atoms, gap {found.gap:.3g} m, {process_time() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
