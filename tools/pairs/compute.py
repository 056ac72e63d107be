"""Junctions of the pairs of pairs.toml by Green's functions; their transmissions become data of the package.

python tools/pairs/compute.py FOLDER [LEFT-RIGHT ...] keeps units of work in FOLDER and takes up from there, in the
order of the names or of the table; a pair whose file is there is left alone.  Force constants of the crystals are those
of the package.  Stiffnesses of contacts are in contacts.toml; `contact.py` computes them.
"""

import json
import sys
import tomllib
import warnings
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.transmission import Transmission
from kapitza.errors import ValidityWarning
from kapitza.matter.building.contacts import ContactSprings, continued_junction
from kapitza.matter.building.layers import lead_from_force_constants
from kapitza.matter.building.mixed_junction import SiteMixing, junction_from_crystals
from kapitza.matter.building.surface import Truncation, orient_crystal, truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.junction import Junction, Lead
from kapitza.matter.phonons import phonon_card, phonon_crystal
from kapitza.matter.potentials.force_constants import balance_moments
from kapitza.theory.agf.conductance import ConvergedTransmission, refine_to_tolerance
from kapitza.theory.agf.transmission import UnitRunner
from kapitza.units import MW, THz, angstrom

HERE = Path(__file__).resolve().parent
CONTACTS = HERE / "contacts.toml"
DATA = HERE.parents[1] / "src" / "kapitza" / "matter" / "data" / "interfaces"
TEMPERATURE = np.array([50.0, 77.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0])  # K, at which the error is controlled
TOLERANCE = 0.1  # relative error of the conductance at any of them; at 300 K it comes out as 1 to 4 %
REACH = 6 * angstrom  # of force constants along the normal
BIN = 0.1 * THz  # width of the bins of saved spectra
CLASSICAL = 1e4  # K


def read_pairs() -> list[dict[str, Any]]:
    """Rows of the table, with what is left out in them."""
    rows = tomllib.loads((HERE / "pairs.toml").read_text(encoding="utf-8"))["pair"]
    for row in rows:
        row.setdefault("orientation", [0, 0, 1])
        row.setdefault("right_orientation", row["orientation"])
        row.setdefault("limit", 0.05)
        row.setdefault("reach", REACH)
        row["name"] = f"{row['left']}-{row['right']}"
    return rows


def read_contacts() -> dict[str, dict[str, float]]:
    """Stiffnesses of contacts that a potential gave, by the names of the pairs."""
    return tomllib.loads(CONTACTS.read_text(encoding="utf-8"))


def short_crystal(name: str, indices: list[int], reach: float = REACH) -> tuple[Truncation, Array]:
    """Crystal of the package with forces that end along the normal of a surface, and that normal."""
    normal = np.linalg.inv(phonon_card(name).axes) @ np.array(indices, dtype=float)
    full = phonon_crystal(name)
    return truncate_force_constants(phonon_crystal(name, nac=False), reach, reference=full, normal=normal), normal


def surface_lead(crystal: Crystal, normal: Array) -> Lead:
    """Lead of a crystal, with moments of the forces that were cut off balanced."""
    one = orient_crystal(crystal, normal)
    values = balance_moments(one.cells, one.force_constants)
    return lead_from_force_constants(
        one.name, one.lattice, one.masses, one.cells, values, positions=one.positions, symbols=one.symbols
    )


def plane_stiffness(lead: Lead) -> Array:
    """(3,) stiffness of the planes of a crystal against rigid displacement of all that lies above, N m⁻³, by axes."""
    n = lead.masses.size
    across = -lead.hop.sum(axis=0).reshape(n, 3, n, 3).sum(axis=(0, 2))
    return np.diag(across) / lead.area


def mean_stiffness(left: Lead, right: Lead) -> ContactSprings:
    """Stiffness of a contact of which each crystal has half: both planes in series."""
    one, other = plane_stiffness(left), plane_stiffness(right)
    both = 2 * one * other / (one + other)
    return ContactSprings(float(both[2]), float(both[:2].mean()))


def build(row: dict[str, Any]) -> tuple[Junction, dict[str, Any]]:
    """Junction of a pair, and what is worth knowing of it."""
    (one, up), (other, down) = (
        short_crystal(row[side], row[key], row["reach"])
        for side, key in (("left", "orientation"), ("right", "right_orientation"))
    )
    about: dict[str, Any] = {"truncation": [round(float(cut.dropped), 4) for cut in (one, other)]}
    if row["kind"] == "sites":
        made = junction_from_crystals(one.crystal, other.crystal, up, down, sites=SiteMixing(limit=row["limit"]))
        leads = (made.left, made.right)
        cells = [np.linalg.norm(surface_lead(cut.crystal, n).periods[0]) for cut, n in ((one, up), (other, down))]
        return made, about | {"strain": round(float(abs(cells[0] / cells[1] - 1)), 4)}
    leads = surface_lead(one.crystal, up), surface_lead(other.crystal, down)
    springs, source = contact_stiffness(row["name"], leads)
    made = continued_junction(*leads, springs, limit=row["limit"])
    stretched = in_plane_change(leads[1], made.right)
    about |= {"normal": springs.normal, "shear": springs.shear, "stiffness": source}
    return made, about | {"strain": round(stretched, 4)}


def contact_stiffness(name: str, leads: tuple[Lead, Lead]) -> tuple[ContactSprings, str]:
    """Stiffness of a contact and where it is from: "potential" or "mean"."""
    known = read_contacts().get(name)
    if known is None:
        return mean_stiffness(*leads), "mean"
    return ContactSprings(known["normal"], known["shear"]), "potential"


def in_plane_change(before: Lead, after: Lead) -> float:
    """Largest principal strain between the periods of a lead before and after it was fitted."""
    grams = [lead.periods @ lead.periods.T for lead in (before, after)]
    ratio = np.linalg.eigvals(np.linalg.solve(grams[0], grams[1])).real
    return float(np.abs(np.sqrt(ratio) - 1).max())


def compact_spectrum(found: Transmission) -> dict[str, list[float]]:
    """Spectrum in bins: the means of what crosses and arrives, mean frequencies and weights, in four digits or more."""
    weight, omega = found.weights, found.omega
    bins = np.floor(omega / BIN).astype(int)
    first = np.unique(bins, return_index=True)[1]
    total = np.add.reduceat(weight, first)
    mean = {key: np.add.reduceat(weight * getattr(found, key), first) / total for key in ("total", "left", "right")}
    centre = np.add.reduceat(weight * omega, first) / total
    crosses = np.array([float(f"{value:.4e}") for value in mean["total"]])
    sides = {key: np.maximum([float(f"{value:.4e}") for value in mean[key]], crosses) for key in ("left", "right")}
    rounded = {
        key: [float(f"{value:.6e}") for value in values] for key, values in (("omega", centre), ("weight", total))
    }
    return rounded | {"total": crosses.tolist()} | {key: values.tolist() for key, values in sides.items()}


def entry(
    row: dict[str, Any], about: dict[str, Any], junction: Junction, found: ConvergedTransmission, cpu: float
) -> dict[str, Any]:
    """What is published of a pair."""
    spectrum = compact_spectrum(found.transmission)
    exact = found.transmission.conductance(TEMPERATURE).value
    saved = Transmission(**{key: np.array(value) for key, value in spectrum.items()}).conductance(TEMPERATURE).value
    worst = float(np.abs(saved / exact - 1).max())
    if worst > 2e-3:
        raise SystemExit(f"{row['name']}: bins change the conductance by {worst:.1e}")
    cards = [phonon_card(row[side]) for side in ("left", "right")]
    return {
        "left": row["left"], "right": row["right"], "kind": row["kind"],
        "orientation": row["orientation"], "right_orientation": row["right_orientation"],
        "potentials": [card.potential for card in cards], "dois": [card.doi for card in cards],
        "area": float(f"{junction.area:.4g}"), "temperature": TEMPERATURE.tolist(),
        "error": [float(f"{value + worst:.2g}") for value in found.error], "points": found.points,
        "seconds": round(cpu, 1), **about, "spectrum": spectrum,
    }  # fmt: skip


def main(folder: Path, wanted: list[str]) -> None:
    """Compute what is missing."""
    DATA.mkdir(exist_ok=True)
    warnings.simplefilter("ignore", ValidityWarning)
    rows = {row["name"]: row for row in read_pairs()}
    for row in [rows[name] for name in wanted] if wanted else rows.values():
        path = DATA / f"{row['name']}.json"
        if path.exists():
            continue
        clock = Clock(folder / f"{row['name']}.seconds")
        try:
            junction, about = build(row)
            found = refine_to_tolerance(
                junction,
                None,
                row.get("tolerance", TOLERANCE),
                TEMPERATURE,
                UnitRunner(None, folder / row["name"], clock),
            )
        except Exception as err:  # noqa: BLE001  (one pair that fails leaves the others)
            print(f"{row['name']}: {err}", flush=True)
            continue
        made = entry(row, about, junction, found, clock.total)
        path.write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")
        value = found.transmission.conductance(300.0).value.item() / MW
        print(f"{row['name']}: {value:.4g} MW/m²K, {made['seconds']} s, {about}", flush=True)


class Clock:
    """Computing time of a pair, kept in a file, so that what was interrupted counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0
        self.start = process_time()

    @property
    def total(self) -> float:
        """Seconds in all."""
        return self.before + process_time() - self.start

    def __call__(self, _done: int, _total: int) -> None:
        """Keep the time after each unit of work."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{self.total:.2f}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
