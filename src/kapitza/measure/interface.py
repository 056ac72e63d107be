"""The whole answer for one interface: the best estimate with its interval, the models of physics, what was measured."""

from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Literal, overload
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, check_choice
from kapitza.core.conductance import Conductance, increasing_temperatures
from kapitza.core.occupation import Statistics
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.material import Material
from kapitza.matter.potentials.calculators import DEFAULT_CALCULATOR
from kapitza.matter.potentials.crystal_phonons import StructureCrystal
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements
from kapitza.measure.apparent import ApparentConductance, solve_apparent
from kapitza.measure.calibration.estimate import LABORATORY_NOISE, TEMPERATURE_RANGE, calibrated_conductance
from kapitza.measure.catalogue import CONDITIONS, Condition, Measurement, measured
from kapitza.theory.models import Estimate, apply_models
from kapitza.theory.remarks import estimate_remarks
from kapitza.theory.sides import DEFAULT_NORMAL, InterfaceSide, SideDescription, describe_sides, is_path, warn_of_states

Basis = Literal["measured", "calibrated", "physics"]
_QUANTILE = 1.959963984540054  # of 95 %
_PHYSICS_MODELS = ("khalatnikov", "dmm-metal", "dmm-anharmonic", "dmm")  # the first stands where nothing was learnt
_ROOM_TEMPERATURE = 300.0  # K
_NEAREST_CONTACTS = 3  # named as those on which an estimate leans
_WEAK_BONDS = ("bonded", "van der Waals")  # conduct far less than the grown contacts of the mixture


@frozen(eq=False, kw_only=True)
class BestEstimate(BaseRecord):
    r"""The conductance that one would bet on, and what it rests on.

    Attributes
    ----------
    basis : "measured": this contact was measured; "calibrated": learnt from contacts like it; "physics": a model alone
    conductance : median, with the standard uncertainty where there is an interval; by the extrapolated drop, or for
        "physics" by the emitted one
    spread : (nT,) standard deviation of ln G; None where nobody knows it
    sources : who measured this very contact
    support : measured contacts on which it leans most
    reason : on what it rests, in words
    phonons_alone : True where electrons carry more heat across than the phonons that are counted, between two metals
    """

    basis: Basis
    conductance: Conductance
    spread: Array | None = field(metadata=about("1", "standard deviation of ln G"))
    sources: tuple[str, ...] = ()
    support: tuple[str, ...] = ()
    reason: str = ""
    phonons_alone: bool = False

    @property
    def interval(self) -> Array | None:
        """(nT, 2) ends of the 95 % interval, W m⁻² K⁻¹; None where nobody knows it."""
        if self.spread is None:
            return None
        factor = np.exp(_QUANTILE * self.spread)
        return np.column_stack([self.conductance.value / factor, self.conductance.value * factor])


@frozen(eq=False, kw_only=True)
class InterfacePrediction(BaseRecord):
    """What is known of an interface; a sequence of the estimates of its models.

    Attributes
    ----------
    left, right : names of the sides
    estimate : the best estimate, at those of the temperatures at which there is one
    models : what each model says
    apparent : what thermoreflectance would measure (TDTR at 10 MHz, film of 100 nm) by the most complete of them, at
        the temperature next to 300 K, or at all where it is the best estimate; None where it is not known
    measured : published values of this interface
    remarks : what a name was taken for, which models are out of their range, and which numbers are not verified, in a
        line each

    Examples
    --------
    >>> from kapitza import predict
    >>> found = predict("Al", "Si", 300.0, ["dmm-debye"])
    >>> print(len(found), found.left, found.right, len(found.measured) > 3)
    1 Al Si True
    """

    left: str
    right: str
    estimate: BestEstimate
    models: tuple[Estimate, ...]
    apparent: ApparentConductance | None = None
    measured: tuple[Measurement, ...] = ()
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.models)

    @overload
    def __getitem__(self, index: int) -> Estimate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Estimate, ...]: ...
    def __getitem__(self, index: int | slice) -> Estimate | tuple[Estimate, ...]:
        return self.models[index]


def predict(
    left: SideDescription,
    right: SideDescription,
    temperature: ArrayLike,
    models: Sequence[str] | str | None = None,
    *,
    statistics: Statistics = "quantum",
    normals: tuple[ArrayLike, ArrayLike] = (DEFAULT_NORMAL, DEFAULT_NORMAL),
    calculator: object = DEFAULT_CALCULATOR,
    condition: Condition = "",
) -> InterfacePrediction:
    """Conductance of an interface: the best estimate, what the models of physics say, and what was measured.

    Parameters
    ----------
    left, right : records, names of the library, paths of phonopy files, or of structure files (CIF, POSCAR, ...)
    temperature : (nT,) K, increasing
    models : names of models; "all" for all that the sides allow and that need no further parameter; None for those of
        them that take the fullest spectra: full bands where both sides have them, else all
    statistics : "quantum", or "classical" as in molecular dynamics; of the models alone
    normals : of either side, Cartesian in the axes of its crystal, for names and paths; records have their own
    calculator : what gives the forces of structure files: a name ("sevenn", "nequix", "unep", a published potential),
        an import path "module:Class", a calculator of ASE, or `FiniteDisplacements` for all settings
    condition : how the contact was prepared, as in `Measurement.condition`, for the best estimate; empty where nobody
        says, which widens its interval

    Returns
    -------
    InterfacePrediction; iterating over it gives the estimates of the models, in the order of the names or of the
    register

    Raises
    ------
    InputError
        for unknown names, sides that do not have what a named model needs, temperatures not above 0 K, or classical
        statistics where a named model has quantum rates
    DataError
        for a file that is no phonopy file, or holds no ordered crystal
    MissingEngine
        for a structure file without ase or the package of the calculator

    Warns
    -----
    ValidityWarning
        for temperatures at which a side is molten, a gas, or otherwise not what its numbers describe
    """
    kelvin = increasing_temperatures(temperature)
    forces = calculator if isinstance(calculator, FiniteDisplacements) else FiniteDisplacements(calculator=calculator)
    sides = describe_sides(left, right, normals, forces)
    warn_of_states(sides, kelvin)
    found = apply_models(*sides, kelvin, models, statistics)
    published = published_measurements(catalogue_name(left, sides[0]), catalogue_name(right, sides[1]))
    names = tuple(calibrated_name(side, known) for side, known in zip((left, right), sides, strict=True))
    nearest = kelvin[[np.argmin(np.abs(kelvin - _ROOM_TEMPERATURE))]]
    apparent = _apparent_or_none(sides, nearest) if statistics == "quantum" else None
    estimate = best_estimate((names[0], names[1]), kelvin, found, published, condition, apparent)
    if estimate.basis == "physics" and apparent is not None and kelvin.size > 1:
        apparent = _apparent_or_none(sides, kelvin) or apparent
        estimate = best_estimate((names[0], names[1]), kelvin, found, published, condition, apparent)
    return InterfacePrediction(
        left=sides[0].name,
        right=sides[1].name,
        estimate=estimate,
        models=found,
        apparent=apparent,
        measured=published,
        remarks=estimate_remarks([one.model for one in found], *sides, kelvin),
    )


def _apparent_or_none(sides: tuple[InterfaceSide, InterfaceSide], temperature: Array) -> ApparentConductance | None:
    """The apparent conductance where the phonons and the conductivity of both solids are known."""
    if any(side.spectrum is None for side in sides):
        return None
    try:
        return solve_apparent(*sides, temperature)
    except InputError:
        return None


def published_measurements(left: str, right: str) -> tuple[Measurement, ...]:
    """Measurements of two sides by name; none for a name that catalogue and library do not know."""
    try:
        return measured(left, right)
    except InputError:
        return ()


def catalogue_name(side: SideDescription, known: InterfaceSide) -> str:
    """The name that was typed, which may stand for several polytypes, or what a file or record holds."""
    if isinstance(side, str) and not is_path(side):
        return side
    return _material_name(side, known)


def calibrated_name(side: SideDescription, known: InterfaceSide) -> str | Material:
    """What the calibration knows a side by: its material, where that is the user's own, else its name."""
    own = (not isinstance(side, str) or is_path(side)) and not known.library_name
    return known.material if own and known.material is not None else _material_name(side, known)


def _material_name(side: SideDescription, known: InterfaceSide) -> str:
    """What the library calls a side.  A file counts by what it holds, however it is called: where the library does not
    know that crystal, it is the file, which names no material.
    """
    if known.material is not None:
        return known.material.name
    if isinstance(side, PathLike) or (isinstance(side, str) and is_path(side)):
        file = Path(side)
        return known.library_name or (file.name if file.suffix else fspath(side))
    if isinstance(side, StructureCrystal):
        return known.library_name or f"structure {known.name}"
    return known.name


def best_estimate(
    sides: tuple[str | Material, str | Material],
    temperature: ArrayLike,
    models: Sequence[Estimate],
    published: Sequence[Measurement] = (),
    condition: Condition = "",
    apparent: ApparentConductance | None = None,
) -> BestEstimate:
    """The best estimate that there is: calibrated, else from measurements of the contact itself, else by physics.

    A calibrated estimate covers those of the temperatures (nT,), K, increasing, that it can.  Where nothing was
    measured, `apparent` stands if it is known at all temperatures, else one of `models`.
    """
    check_choice(condition, CONDITIONS, "condition")
    kelvin = increasing_temperatures(temperature)
    low, high = TEMPERATURE_RANGE
    inside = kelvin[(kelvin >= low) & (kelvin <= high)]
    if not inside.size:
        return _physics_estimate(models, f"calibrated estimates hold from {low:g} to {high:g} K", apparent)
    try:
        return _calibrated_estimate(sides, inside, published, condition)
    except InputError as err:
        reason = str(err).removeprefix("no calibrated estimate: ").split(";")[0]
    return _measured_estimate(kelvin, published, reason) or _physics_estimate(models, reason, apparent)


def _calibrated_estimate(
    sides: tuple[str | Material, str | Material],
    temperature: Array,
    published: Sequence[Measurement],
    condition: Condition,
) -> BestEstimate:
    with catch_warnings():  # of the state of the sides, of which `predict` has warned
        simplefilter("ignore", ValidityWarning)
        found = calibrated_conductance(*sides, temperature, condition=condition)
    support = tuple(one.contact for one in found.support[:_NEAREST_CONTACTS])
    here = len(found.measured_by)
    if here:
        # how all measured contacts of two bare solids were bonded, where that was weakly
        bonds = {one.condition for one in published if not one.exclusion}
        bond = f" ({min(bonds)})" if len(bonds) == 1 and bonds <= set(_WEAK_BONDS) else ""
        reason = f"measured here by {here} source{'s' * (here > 1)}{bond}"
    else:
        reason = f"calibrated on {found.contacts} contacts, nearest {', '.join(support)}"
    return BestEstimate(
        basis="measured" if here else "calibrated",
        conductance=found.conductance,
        spread=found.spread,
        sources=found.measured_by,
        support=support,
        reason="; ".join((reason, *found.cautions)),
    )


def _measured_estimate(temperature: Array, published: Sequence[Measurement], refused: str) -> BestEstimate | None:
    """Geometric mean over the sources that measured this contact near each temperature; None where nobody did."""
    direct = [one for one in published if not one.exclusion or one.carriers == "electrons"]
    rows: list[tuple[float, float, float]] = []
    sources: dict[str, None] = {}
    for kelvin in temperature.tolist():
        by_source: dict[str, list[float]] = {}
        for one in direct:
            values = np.log(one.conductance.value[list(one.near(kelvin))]).tolist()
            by_source.setdefault(one.doi, []).extend(values)
        means = {doi: float(np.mean(values)) for doi, values in by_source.items() if values}
        if means:
            sources |= dict.fromkeys(means)
            logs, count = list(means.values()), len(means)
            scatter = max(float(np.std(logs, ddof=1)) if count > 1 else 0.0, LABORATORY_NOISE)
            rows.append((kelvin, float(np.mean(logs)), scatter * float(np.sqrt(1 + 1 / count))))  # of one more source
    if not rows:
        return None
    kelvins, mean, spread = np.array(rows).T
    value = np.exp(mean)
    return BestEstimate(
        basis="measured",
        conductance=Conductance(kelvins, value, value * spread, method="mean of the sources"),
        spread=spread,
        sources=tuple(sources),
        reason=f"measured here by {len(sources)} source{'s' * (len(sources) > 1)}, no calibration: {refused}",
    )


def _physics_estimate(models: Sequence[Estimate], refused: str, apparent: ApparentConductance | None) -> BestEstimate:
    """One model, without an interval: the apparent conductance if it is known at all temperatures, else of liquids on
    solids Khalatnikov's, else the diffuse one, else the first.
    """
    by_name = {one.model: one for one in models}
    chosen = next((by_name[name] for name in _PHYSICS_MODELS if name in by_name), models[0])
    alone = refused.startswith("electrons carry the heat")
    electrons = f"{refused}, which no model here counts (physics only, no interval); phonons alone by {chosen.title}"
    if apparent is not None and apparent.conductance.temperature.size < chosen.emitted.temperature.size:
        apparent = None
    title = chosen.title if apparent is None else apparent.conductance.method
    return BestEstimate(
        basis="physics",
        conductance=chosen.emitted if apparent is None else apparent.conductance,
        spread=None,
        reason=electrons if alone else f"physics only ({title}), no interval: {refused}",
        phonons_alone=alone,
    )
