"""The reference runs as records in SI."""

from pathlib import Path

import numpy as np

from kapitza import units
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, HOT_ROLE

EPSILON, SIGMA, MASS = 1.67e-21, 3.405e-10, 39.948 * units.m_u
TAU = SIGMA * np.sqrt(MASS / EPSILON)
CONDUCTANCE = units.k_B / (TAU * SIGMA**2)  # the Lennard-Jones unit, W m⁻² K⁻¹


def reference_record(path: Path) -> Record:
    """Record of one of the files lj_*.npz (Lennard-Jones units) or sige_*.npz (eV, Å, ps)."""
    data = np.load(path)
    reduced = path.name.startswith("lj")
    energy, length, time, kelvin, per_cell = (
        (EPSILON, SIGMA, TAU, EPSILON / units.k_B, 2) if reduced else (units.eV, units.angstrom, units.ps, 1.0, 4)
    )
    blocks, layers = data["prof"].shape
    wall, bath = int(data["nw"]) * per_cell, int(data["nbath"]) * per_cell
    half = int(data["nz"]) * per_cell + wall
    roles = np.zeros(layers, dtype=int)
    roles[wall : wall + bath], roles[-wall - bath : -wall] = HOT_ROLE, COLD_ROLE
    roles[:wall] = roles[-wall:] = FIXED_ROLE
    spacing = float(data["alat"]) * length / per_cell
    power = data["Jdir"] * energy / time if "Jdir" in data else np.full(blocks, np.nan)
    return Record(
        name=path.stem,
        area=float(data["A"]) * length**2,
        plane=(half - 0.5) * spacing,
        heights=np.arange(layers) * spacing,
        counts=np.full(layers, int(data["N"]) // layers),
        roles=roles,
        block=float(data["bsteps"] * data["dt"]) * time,
        temperature=data["prof"].astype(float) * kelvin,
        heat=-np.column_stack([data["Eh"], data["Ec"]]) * energy,
        energy=data["Et"] * energy,
        power=power,
        timestep=float(data["dt"]) * time,
        method="NEMD",
    )
