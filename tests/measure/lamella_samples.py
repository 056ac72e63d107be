"""Lamellae of the tests."""

from typing import Any

import numpy as np
from attrs import evolve

from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella import (
    Lamella,
    LamellaMap,
    LamellaMaterial,
    LamellaPlane,
    RelativeThickness,
    simulate_lamella,
)
from kapitza.measure.problem import Prior
from kapitza.units import nm

SPREAD = PointSpread(10 * nm)
MESH = {"columns": 24, "rows": 6}


def lamella(angle: float = 0.0, resistance: float = 1.2e-9, length: float = 1200 * nm, **changes: Any) -> Lamella:
    """AlN on SiC, 1.2 x 2 um, 80 nm thick with 5 nm dead on each face."""
    thickness = RelativeThickness(np.linspace(0, length, 7), np.linspace(0, 2000, 11) * nm, np.full((11, 7), 0.8))
    materials = (
        LamellaMaterial(name="AlN", conductivity=100.0, heat_capacity=2.4e6),
        LamellaMaterial(name="SiC", conductivity=60.0, heat_capacity=2.2e6),
    )
    given = Lamella(
        materials=materials,
        planes=(LamellaPlane(position=length / 2, resistance=resistance, angle=angle),),
        left=0.0,
        right=length,
        bottom=0.0,
        top=2000 * nm,
        thickness=thickness,
        inelastic_mean_free_path=100 * nm,
        dead_layer=5 * nm,
        left_conductance=2e9,
        right_conductance=4e9,
    )
    return evolve(given, **changes)


def pixels(sigma: float = 1.5, length: float = 1200 * nm, **changes: Any) -> LamellaMap:
    """A map of 30 x 10 pixels between pads of 485 and 300 K."""
    given: dict[str, Any] = {"pad_temperatures": (485.0, 300.0)}
    lockin = "frequency" in changes
    return LamellaMap(
        name="map",
        x=(np.arange(30) + 0.5) * length / 30,
        y=(np.arange(10) + 0.5) * 200 * nm,
        temperature=np.zeros((10, 30), dtype=complex if lockin else float),
        sigma=np.full((10, 30), sigma),
        **(given | changes),
    )


def priors() -> dict[str, Prior]:
    """What a microscopist knows of such a lamella."""
    return {
        "AlN.conductivity": Prior.relative(0.44),
        "SiC.conductivity": Prior.relative(0.44),
        "inelastic_mean_free_path": Prior.relative(0.1),
        "dead_layer": Prior.relative(0.2),
        "left_conductance": Prior.relative(0.7),
        "right_conductance": Prior.relative(0.7),
        "AlN|SiC.position": Prior(None, 4 * nm),
        "AlN|SiC.angle": Prior(None, 0.02),
        "temperature_scale": Prior.relative(0.005),
        "spread.width": Prior.relative(0.1),
    }


def shown(given: Lamella, one: LamellaMap, **options: Any) -> LamellaMap:
    """The map that a lamella shows; without noise unless a seed is given."""
    return simulate_lamella(given, one, spread=SPREAD, **({"seed": None} | MESH | options))[0]
