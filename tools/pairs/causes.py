"""What may stand between Green's functions of the pairs and their measured conductances, each cause by itself at 300 K.

python tools/pairs/causes.py FOLDER [LEFT-RIGHT ...] writes causes.json beside this file; what is in FOLDER is not
computed again.  For each pair: the contact (springs between outermost planes in place of continued crystals), the drop
(Green's functions and diffuse mismatch alike, as lasers or layers of 100 nm see them by the Boltzmann equation), the
electrons of a metal, bounds (same frequency and wave vector; same frequency; any), and, where sites join, inelastic
exchange by probes.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from attrs import evolve
from compute import build, contact_stiffness, read_pairs, short_crystal, surface_lead

from kapitza.core.transmission import Transmission
from kapitza.errors import KapitzaError, ValidityWarning
from kapitza.matter.building.contacts import ContactSprings, continued_junction, spring_junction
from kapitza.matter.building.junction_cost import structure_lead
from kapitza.matter.building.matching import in_plane_deformation, in_plane_periods
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.junction import Junction, Lead
from kapitza.matter.lattice_conductivity import lattice_conductivity
from kapitza.matter.library import material
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.measure.apparent import solve_apparent
from kapitza.routes import computed_interface
from kapitza.run.store import Store
from kapitza.theory.agf.buttiker_probes import ProbeSettings, anharmonic_conductance
from kapitza.theory.agf.conductance import refine_to_tolerance
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import even_frequencies, zone_wavevectors
from kapitza.theory.agf.relaxation import rate_for_conductivity
from kapitza.theory.agf.transmission import UnitRunner, point_seconds, transmission_at_frequencies
from kapitza.theory.dmm import dmm
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit
from kapitza.theory.models import contact_electrons
from kapitza.theory.sides import InterfaceSide, describe_sides
from kapitza.units import MW, THz, angstrom

HERE = Path(__file__).resolve().parent
RESULT = HERE / "causes.json"
TEMPERATURE = 300.0  # K
TOLERANCE = 0.05  # of springs and of choices of the contact
MESH = (8, 8)  # of wave vectors for the bound of one wave vector
STEP = 0.5 * THz  # between its frequencies
STAND_INS = {"4H-SiC": "6H-SiC"}  # of whose conductivity the lattice is, where its own is not in the library
ALUMINIUM = "Al_zhou.eam.alloy"  # of LAMMPS; X. W. Zhou et al., doi:10.1103/PhysRevB.69.144113
STRAINED = ("MgO-Al",)  # the pair with most strain in aluminium, and a small cell
CHOSEN = ("Si-Al", "MgO-Al")  # pairs with which choices of the contact are tried
WIDE = 0.8 * angstrom
PROBED = ("GaN-AlN", "MgO-TiN", "Si-Ge")  # pairs whose sites join and that were measured
PROBES = ProbeSettings(layers=6, k_mesh=(4, 4), number=16)

Sides = tuple[InterfaceSide, InterfaceSide]


def conductance(found: Transmission) -> float:
    """Emitted conductance at 300 K, MW m⁻² K⁻¹."""
    return found.conductance(TEMPERATURE).value.item() / MW


def surface_leads(row: dict[str, Any]) -> tuple[Lead, Lead]:
    """Leads of a pair whose lattices differ."""
    cuts = [
        short_crystal(row[side], row[key], row["reach"])
        for side, key in (("left", "orientation"), ("right", "right_orientation"))
    ]
    one, other = (surface_lead(cut.crystal, normal) for cut, normal in cuts)
    return one, other


def solve(junction: Junction, store: Path) -> float:
    """Emitted conductance at 300 K, MW m⁻² K⁻¹."""
    found = refine_to_tolerance(junction, None, TOLERANCE, TEMPERATURE, UnitRunner(None, Store(store)))
    return conductance(found.transmission)


def springs(row: dict[str, Any], store: Path) -> dict[str, float]:
    """Green's functions with springs of the same stiffness between the outermost planes."""
    if row["kind"] == "sites":
        return {}
    leads = surface_leads(row)
    made = spring_junction(*leads, contact_stiffness(row["name"], leads)[0], limit=row["limit"])
    return {"springs": solve(made, store)}


def contact_choices(row: dict[str, Any], store: Path) -> dict[str, float]:
    """Continued crystals whose sites are handed to atoms twice as far away, and with half the stiffness."""
    if row["name"] not in CHOSEN:
        return {}
    leads = surface_leads(row)
    own = contact_stiffness(row["name"], leads)[0]
    made = {
        "twice the spread": continued_junction(*leads, own, spread=WIDE, limit=row["limit"]),
        "half the stiffness": continued_junction(
            *leads, ContactSprings(own.normal / 2, own.shear / 2), limit=row["limit"]
        ),
    }
    return {name: solve(one, store) for name, one in made.items()}


def drops(row: dict[str, Any], _store: Path) -> dict[str, float]:
    """Emitted, local and apparent conductance of Green's functions and of diffuse mismatch, phonons alone."""
    known = computed_interface(row["left"], row["right"])
    assert known is not None
    sides = describe_sides(row["left"], row["right"])
    found: dict[str, float] = {}
    for name, one in (("agf", known.transmission), ("dmm", mismatch(sides))):
        found[f"{name} emitted"] = conductance(one)
        found[f"{name} local"] = one.conductance(TEMPERATURE, "local").value.item() / MW
        found[f"{name} seen"] = seen_conductance(sides, one)
    return found


def seen_conductance(sides: Sides, found: Transmission) -> float:
    """Apparent conductance at 300 K, MW m⁻² K⁻¹: for a laser on the metal, or between layers of 100 nm."""
    given = [
        None if name is None else lattice_conductivity(material(name), TEMPERATURE)
        for name in (STAND_INS.get(side.name) for side in sides)
    ]
    values = tuple(None if one is None else one.value for one in given)
    seen = solve_apparent(*sides, TEMPERATURE, bounds=False, transmission=found, conductivities=(values[0], values[1]))
    return seen.conductance.value.item() / MW


def mismatch(sides: Sides) -> Transmission:
    """Diffuse mismatch with the bands of both crystals."""
    left, right = (side.phonons for side in sides)
    assert left is not None
    assert right is not None
    return dmm(left, right)


def electrons(row: dict[str, Any], _store: Path) -> dict[str, float]:
    """Resistance between the electrons and the lattice of a metal, m² K GW⁻¹."""
    known = contact_electrons(*describe_sides(row["left"], row["right"]))
    return {} if known is None else {"electrons": known.at(TEMPERATURE).resistance * 1e9}


def bounds(row: dict[str, Any], _store: Path) -> dict[str, float]:
    """Most that crosses with the frequency kept, and with any frequency."""
    sides = describe_sides(row["left"], row["right"])
    left, right = (side.phonons for side in sides)
    assert left is not None
    assert right is not None
    most = elastic_limit(left, right)
    seen = {"elastic seen": seen_conductance(sides, most)} if row["name"] in PROBED else {}
    return seen | {
        "elastic": conductance(most),
        "any": conductance(inelastic_radiation_limit(left, right, TEMPERATURE)),
    }


def same_wavevector(row: dict[str, Any], store: Path) -> dict[str, float]:
    """Most that crosses with frequency and wave vector kept, whatever the force constants across the plane are."""
    made = build(row)[0]
    if len(made.tiles("left")) * len(made.tiles("right")) > 1:  # waves differ by vectors of the common cell
        return {}
    prepared = prepare_junction(made)
    omega = even_frequencies(made, np.arange(STEP / 2, 40 * THz, STEP))
    points = zone_wavevectors(prepared, MESH, 24)
    run = UnitRunner(None, Store(store))
    at = run(
        transmission_at_frequencies, prepared, {"k": points.k}, {"omega": omega}, point_seconds(prepared) * omega.size
    )
    most = np.minimum(at["left"], at["right"])
    total, left, right, crossing = (
        points.weight @ value / made.area for value in (most, at["left"], at["right"], at["total"])
    )
    bound = Transmission(omega, total, left, right)
    seen: dict[str, float] = {}
    if row["name"] in PROBED:
        seen = {"same wave vector seen": seen_conductance(describe_sides(row["left"], row["right"]), bound)}
    return seen | {
        "same wave vector": conductance(bound),
        "same wave vector, crossing": conductance(Transmission(omega, crossing, left, right)),
    }


def probes(row: dict[str, Any], store: Path) -> dict[str, float]:
    """Conductance with scattering by probes as the library's conductivities have it, and without."""
    if row["name"] not in PROBED:
        return {}
    made = build(row)[0]
    rates = []
    for lead in (made.left, made.right):
        known = lattice_conductivity(material(lead.name), TEMPERATURE)
        assert known is not None
        rates.append(rate_for_conductivity(lead, known.value, TEMPERATURE))
    found = anharmonic_conductance(made, (rates[0], rates[1]), TEMPERATURE, settings=PROBES, store=Store(store))
    return {
        f"probes, {name}": one.value.item() / MW
        for name, one in (
            ("harmonic", found.harmonic),
            ("four-probe", found.four_probe),
            ("scattering", found.conductance),
        )
    }


def metal_strain(row: dict[str, Any], store: Path) -> dict[str, float]:
    """Aluminium by an embedded-atom potential, with the force constants of its own lattice and of the strained one."""
    if row["name"] not in STRAINED:
        return {}
    force_field = named_force_field(ALUMINIUM, ["Al"])
    crystal = relax_cell(named_structure("Al"), force_field)
    face = orient_structure(crystal, row["right_orientation"])
    cut, normal = short_crystal(row["left"], row["orientation"], row["reach"])
    left, plain = surface_lead(cut.crystal, normal), structure_lead(face, force_field)
    stiffness = contact_stiffness(row["name"], (left, plain))[0]
    own = continued_junction(left, plain, stiffness, limit=row["limit"])
    turn = in_plane_deformation(in_plane_periods(face.lattice[:2]), in_plane_periods(own.right.periods))
    strained = evolve(face, lattice=face.lattice @ turn, positions=face.positions @ turn, axes=None)
    lead = structure_lead(relax_cell(strained, force_field, "normal"), force_field)
    made = {"own lattice": own, "strained": continued_junction(left, lead, stiffness, limit=row["limit"])}
    return {f"aluminium, {name}": solve(one, store) for name, one in made.items()}


CAUSES: dict[str, Callable[[dict[str, Any], Path], dict[str, float]]] = {
    "electrons": electrons,
    "bounds": bounds,
    "drops": drops,
    "same wave vector": same_wavevector,
    "probes": probes,
    "metal strain": metal_strain,
    "contact choices": contact_choices,
    "springs": springs,
}


def main(folder: Path, wanted: list[str]) -> None:
    """Compute what is missing, cause by cause, and write all there is."""
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ValidityWarning)
    for name, cause in CAUSES.items():
        for row in read_pairs():
            path = folder / f"{row['name']}, {name}.json"
            if path.exists() or (wanted and row["name"] not in wanted):
                continue
            if computed_interface(row["left"], row["right"]) is None:
                continue
            start = process_time()
            try:
                found = cause(row, folder / "units")
            except KapitzaError as err:
                print(f"{row['name']}, {name}: {err}", flush=True)
                continue
            path.write_text(json.dumps(found), encoding="utf-8")
            print(f"{row['name']}, {name}: {found}, {process_time() - start:.1f} s", flush=True)
    every: dict[str, dict[str, float]] = {}
    for row in read_pairs():
        files = [folder / f"{row['name']}, {name}.json" for name in CAUSES]
        parts = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
        every[row["name"]] = {key: float(f"{value:.4g}") for part in parts for key, value in part.items()}
    RESULT.write_text(json.dumps(every, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
