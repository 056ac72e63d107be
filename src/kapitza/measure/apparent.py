r"""Conductance as an experiment or a simulation sees it, from the Boltzmann equation of both sides.

Theories give the emitted conductance.  A measurement subtracts the temperature drop in both solids, calculated from
Fourier's law, and assigns to the boundary what that law leaves out: phonons that cross it are not those that carry the
heat in the bulk, and relax to their distribution over many mean free paths.  So the apparent conductance of a
diffuse boundary is mostly smaller than the emitted one.  Nothing is fitted: lifetimes follow from the conductivity of
each lattice and a law of scattering.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_filled, check_record, number, numbers
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import Hint, InputError
from kapitza.matter.band_spectrum import BandSpectrum
from kapitza.matter.lattice_conductivity import LatticeConductivity, lattice_conductivity
from kapitza.matter.library import material
from kapitza.matter.material import GLASS_SYMMETRY, LIQUID_SYMMETRY
from kapitza.matter.sheet import Sheet
from kapitza.measure.observation import Observation, ObservedBoundary, is_uncertain
from kapitza.run.cache import compute_once
from kapitza.run.store import UnitInputs, UnitResult
from kapitza.theory.models import apply_models, contact_electrons, find_model
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides

_VERSION = "apparent-2"  # changes when the same sides would give another resistance
_COLDEST = 20.0  # K, below which phonons are scattered by the faces of samples
DIFFUSE_MODELS = ("dmm-metal", "dmm-anharmonic", "dmm")  # fullest first, to which the solved part is added


@frozen(eq=False, kw_only=True)
class ApparentConductance(BaseRecord):
    """An apparent conductance, and its bounds over what is not known.

    Attributes
    ----------
    left, right : names of the sides
    observation : what was solved for
    conductance : by the extrapolated drop, solved
    emitted : of the model to whose resistance the solved part was added
    model : its name
    conductivities : of the lattice of both sides at each temperature, the left side first
    """

    left: str
    right: str
    observation: Observation
    conductance: Conductance
    low: Array = field(converter=numbers, metadata=about("W m^-2 K^-1", "lowest over what is not known"))
    high: Array = field(converter=numbers, metadata=about("W m^-2 K^-1", "highest over what is not known"))
    emitted: Conductance
    model: str
    conductivities: tuple[tuple[LatticeConductivity, ...], tuple[LatticeConductivity, ...]]


def apparent_conductance(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
) -> ApparentConductance:
    r"""Conductance as an experiment or a simulation sees it.

    To the resistance of the most complete diffuse model of `predict` is added what the Boltzmann equation of both
    solids adds to the emitted one with the elastic diffuse boundary.  Scattering rates grow as ω² and are scaled to
    the conductivity of each lattice; no mean free path is longer than 1 mm.  The lattice of a metal film takes its
    heat from the electrons within the depth in which both come to one temperature.  `low` and `high` are bounds over
    what is not known: rates that turn from ω² to ω⁴ at a quarter of the highest frequency (half of the heat in silicon
    then has mean free paths above 0.7 µm, as membranes show); grains of 1 µm; and half or twice the lattice
    conductivity where it is of a metal or an estimate.  They are no confidence interval.

    Parameters
    ----------
    left, right : records, names of the library, or paths of phonopy files, as for `predict`; no sheets and no liquids
    temperature : (nT,) K, increasing
    observation : how it is seen; None: TDTR of a film of 100 nm at 10 MHz.  The film is the metal among both sides;
        between two non-metals, which no laser heats, TDTR and SSTR stand for layers of that thickness, steady
    conductivities : of the lattice of either side, W m⁻¹ K⁻¹; None: that of the library
    normals : of either side, Cartesian in the axes of its crystal, for names and paths

    Raises
    ------
    InputError
        between metals, which electrons cross; for liquids, glasses and sheets; for a lattice of unknown conductivity,
        or of which none is given below 20 K; and as `predict`

    References
    ----------
    A. Ward and D. A. Broido, Phys. Rev. B 81, 085205 (2010), doi:10.1103/PhysRevB.81.085205 (rates)
    """
    sides = describe_sides(left, right, normals)
    return solve_apparent(*sides, temperature, observation, conductivities=conductivities)


def apparent_transmission(
    transmission: Transmission,
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
) -> ApparentConductance:
    r"""Conductance of a boundary of known transmission, such as one by Green's functions, as an experiment sees it.

    To the resistance that the transmission emits is added what the Boltzmann equation of both solids adds with it at
    the plane, as in `apparent_conductance`; electrons take no part.

    Parameters
    ----------
    transmission : from left to right, elastic
    left, right, temperature, observation, conductivities : as for `apparent_conductance`; the observation between
        layers of 100 nm, steady, where None is given

    Raises
    ------
    InputError
        as `apparent_conductance`, and for a transmission that carries more than both solids have modes for
    """
    sides = describe_sides(left, right)
    seen = Observation(method="film") if observation is None else observation
    return solve_apparent(*sides, temperature, seen, conductivities=conductivities, transmission=transmission)


def solve_apparent(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: ArrayLike,
    observation: Observation | None = None,
    *,
    conductivities: tuple[float | None, float | None] = (None, None),
    bounds: bool = True,
    transmission: Transmission | None = None,
) -> ApparentConductance:
    """`apparent_conductance` between two described sides; without `bounds` both are the value itself.  With a
    `transmission` that one is the boundary.
    """
    kelvin = increasing_temperatures(temperature)
    check_filled("temperature", kelvin)
    if observation is not None:
        check_record(observation, Observation, python='give Observation(method="tdtr", ...)')
    given_pair = _conductivity_pair(conductivities)
    seen = Observation() if observation is None else observation
    if not (left.is_metal or right.is_metal) and seen.method in ("tdtr", "sstr"):
        seen = Observation(method="film", thickness=seen.thickness)  # no metal film that a laser would heat
    for side in (left, right):
        _check_phonon_gas(side)
    if left.is_metal and right.is_metal:
        raise InputError(f"{left.name} | {right.name}: electrons cross between metals; expected one metal at most")
    statistics: Statistics = "classical" if seen.method == "md" else "quantum"
    model, title, emitted = _emitted_conductance(left, right, kelvin, statistics, transmission)
    elastic = find_model("dmm").apply(left, right, float(kelvin[0])) if transmission is None else transmission
    known = tuple(
        tuple(_conductivity_of(side, given, t) for t in kelvin.tolist())
        for side, given in zip((left, right), given_pair, strict=True)
    )
    electrons = contact_electrons(left, right) if model == "dmm-metal" else None
    scene = ObservedBoundary(
        left=left,
        right=right,
        boundary=elastic,
        observation=seen,
        statistics=statistics,
        electrons=electrons,
        bounds=bounds,
        stated=transmission is not None,
    )
    excess = np.array([_excess(scene, t, (known[0][i], known[1][i])) for i, t in enumerate(kelvin.tolist())])
    resistance = emitted.resistance[:, None] + excess
    with np.errstate(divide="ignore"):
        value, low, high = (1 / np.maximum(resistance, 0.0)).T
    return ApparentConductance(
        left=left.name,
        right=right.name,
        observation=seen,
        conductance=Conductance(
            kelvin, value, drop="extrapolated", statistics=statistics, method=f"{title}, {seen.title}"
        ),
        low=low,
        high=high,
        emitted=emitted,
        model=model,
        conductivities=(known[0], known[1]),
    )


def _emitted_conductance(
    left: InterfaceSide, right: InterfaceSide, kelvin: Array, statistics: Statistics, transmission: Transmission | None
) -> tuple[str, str, Conductance]:
    """Name and title of the fullest diffuse model, or of a transmission, and what it emits."""
    if transmission is not None:
        title = transmission.method or "transmission"
        return title, title, transmission.conductance(kelvin, statistics=statistics)
    offered = [name for name in DIFFUSE_MODELS if find_model(name).sides.fits(left, right)]
    chosen = "dmm" if statistics == "classical" else next(iter(offered), "dmm")
    (estimate,) = apply_models(left, right, kelvin, [chosen], statistics)
    return estimate.model, estimate.title, estimate.emitted


def _conductivity_pair(given: object) -> tuple[float | None, float | None]:
    """Conductivities of the left and the right lattice, as they were given."""
    if not isinstance(given, (tuple, list)) or len(cast("Sequence[object]", given)) != 2:
        raise InputError(
            f"conductivities = {given!r:.60}: expected two, left and right, in W/mK",
            hint=Hint(python="None for the one of the library"),
        )
    left, right = (None if one is None else number(one) for one in cast("Sequence[Any]", given))
    for one in (left, right):
        if one is not None and not 0 < one < np.inf:
            raise InputError(f"conductivities: {one:g} W/mK, wanted a finite number above 0")
    return left, right


def _check_phonon_gas(side: InterfaceSide) -> None:
    """Refuse a side whose heat is not carried by phonons with mean free paths."""
    symmetry = "" if side.material is None else side.material.symmetry
    if side.fluid is not None or symmetry in (GLASS_SYMMETRY, LIQUID_SYMMETRY):
        what = "liquid" if side.fluid is not None or symmetry == LIQUID_SYMMETRY else "glass or polymer"
        raise InputError(
            f"{side.name} is a {what}: it has no phonons with mean free paths, and no apparent conductance"
        )
    if isinstance(side.spectrum, Sheet):
        raise InputError(f"{side.name} is a sheet: it has no depth in which phonons would thermalize")


def _conductivity_of(side: InterfaceSide, given: float | None, temperature: float) -> LatticeConductivity:
    """Conductivity of a lattice as it was given, or as the library knows it."""
    if given is not None:
        return LatticeConductivity(value=given, source="given", estimated=False)
    if temperature < _COLDEST:
        raise InputError(
            f"{side.name} at {temperature:g} K: below {_COLDEST:g} K the sample sets the free paths, not its material; "
            "give the conductivities of both lattices"
        )
    known = side.material
    if known is None and side.library_name:  # a file that holds a crystal of the library
        known = material(side.library_name)
    found = None if known is None else lattice_conductivity(known, temperature)
    if found is None:
        raise InputError(
            f"{side.name}: the conductivity of its lattice at {temperature:g} K is not known",
            hint=Hint(
                python="give it, W/mK (conductivities=(left, right))",
                command="give it, W/mK (--conductivities LEFT,RIGHT)",
            ),
        )
    return found


def _excess(
    scene: ObservedBoundary, temperature: float, known: tuple[LatticeConductivity, LatticeConductivity]
) -> Array:
    """(3,) what the bulks add to the emitted resistance: as is, most and least over what is not known, m² K W⁻¹."""
    inputs = _inputs(scene, temperature, known)

    def kernel() -> UnitResult:
        solution = import_module("kapitza.measure.apparent_solution")  # whose solver is slow to load
        return solution.excess_resistances(scene, temperature, known)

    found = kernel() if inputs is None else compute_once(kernel, inputs, version=_VERSION)
    each = np.asarray(found["excess"], dtype=float)
    return np.array([each[0], each.max(), each.min()])


def _inputs(scene: ObservedBoundary, temperature: float, known: Sequence[LatticeConductivity]) -> UnitInputs | None:
    """All that the solution depends on; None where a side is no crystal of the package, whose spectrum names it."""
    spectra = [side.spectrum for side in (scene.left, scene.right)]
    tables = [one.table.modes.value for one in spectra if isinstance(one, BandSpectrum)]
    states = [one.table.states.value for one in spectra if isinstance(one, BandSpectrum)]
    if len(tables) < len(spectra):
        return None
    numbers_of_sides = {
        f"{name} {i}": value[i]
        for name, value in (("modes", tables), ("states", states), ("conductivity", [k.value for k in known]))
        for i in range(2)
    }
    electrons = (0.0, 0.0, 0.0)
    if scene.electrons is not None:
        electrons = scene.electrons.conductivity, scene.electrons.lattice, scene.electrons.coupling
    loose = np.array([is_uncertain(*one) for one in zip((scene.left, scene.right), known, strict=True)])
    return {
        **asdict(scene.observation), **numbers_of_sides, "temperature": temperature, "uncertain": loose,
        "metal": np.array([scene.left.is_metal, scene.right.is_metal]), "electrons": np.array(electrons),
        "ends": np.array([x for one in spectra if isinstance(one, BandSpectrum) for x in (one.table.top, one.atoms)]),
        **({} if scene.bounds else {"bounds": False}),
        **({"boundary": (scene.boundary.omega, scene.boundary.total)} if scene.stated else {}),
    }  # fmt: skip
