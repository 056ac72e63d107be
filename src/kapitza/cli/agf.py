"""The verb `agf`: a junction by atomistic Green's functions, harmonic or with phonons that are scattered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

import kapitza
from kapitza.cli.junction import JunctionCalculation, Orientation, calculation_keys, junction_of_sides
from kapitza.cli.layer import Keys, Option
from kapitza.cli.options import Temperatures, Work
from kapitza.cli.output import Column, Note, Part, Results, Table, columns_of, even_subset, note
from kapitza.errors import InputError
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza import Conductance, Junction, Transmission
    from kapitza.core import BinnedModes
    from kapitza.lattice import Lead
    from kapitza.routes import ComputedInterface
    from kapitza.theory.agf import AnyRate, ProbedJunction, ProbeSettings

_CONDUCTANCE_TOLERANCE = 2e-3  # relative error of the conductance if none is given
_BUILD_NOTE_SECONDS = 10.0  # seconds after which a note is printed
_MAX_TABLE_TEMPERATURES = 12  # temperatures in the printed table
_ANGLE_BINS = 6  # bins of the printed angles
_FAMILY_UNITS = {
    "name": "", "lowest": "THz", "highest": "THz", "modes": "nm⁻²", "share": "%", "width": "THz", "left_decay": "Å",
    "right_decay": "Å",
}  # fmt: skip
_PLAIN_SIZE, _PANELS_SIZE, _TWO_PANELS_SIZE = (7.6, 4.4), (10.0, 7.6), (10.0, 4.4)  # inches
_HARMONIC = (
    "harmonic: no energy is exchanged between frequencies; an experiment sees the extrapolated drop, with what the "
    "Boltzmann equation of both solids adds: kapitza predict --seen"
)
_SCATTERING = "Scattering of phonons"
_EXPECTED = "library, two conductivities in W/mK such as 148,60, files of lifetimes left,right, or one of md lifetimes"


def agf(
    junction: Annotated[
        str, typer.Argument(help="TOML file of a junction, a saved one (.h5, .npz, .json), or the left crystal.")
    ],
    right: Annotated[
        str | None, typer.Argument(help="The right crystal: a name with phonons, a phonopy file, a structure (.cif).")
    ] = None,
    *,
    temperature: Temperatures,
    tolerance: Annotated[float | None, Option("relative error of the conductance", shown="0.002")],
    modes: Annotated[bool, Option("transmission by branch and angle, conversion, specularity")],
    local: Annotated[bool, Option("density of states by layer, and modes localised at the interface")],
    mesh: Annotated[int | None, Option("wave vectors a side, for --modes, --local and --anharmonic", low=1, high=400)],
    orientation: Orientation,
    anharmonic: Annotated[
        str | None,
        Option("rates: library, two conductivities in W/mK (148,60), or files", metavar="SOURCE", panel=_SCATTERING),
    ],
    branches: Annotated[
        bool, Option("with files of phono3py: rates of each branch, not of each frequency", panel=_SCATTERING)
    ],
    probes: Annotated[dict[str, Any], Keys(kapitza.theory.agf.ProbeSettings, _SCATTERING, "layers")],
    classical: Annotated[bool, Option("classical statistics, as in molecular dynamics", panel=_SCATTERING)],
    plan: Annotated[dict[str, Any], Keys(kapitza.lattice.JunctionPlan, "Forces", "potential reach")],
    calculation: JunctionCalculation,
    work: Work,
    files: Results,
) -> None:
    """Conductance of a junction by atomistic Green's functions, exact for its force constants."""
    if anharmonic is None and (branches or classical or probes):
        raise InputError("--classical, --branches and --layers are for --anharmonic: expected that with them")
    _check_choices(junction, modes, local, mesh, anharmonic)
    if tolerance is not None and not 0 < tolerance < 1:
        raise InputError(f"--tolerance {tolerance:g}: expected a relative error between 0 and 1")
    if (modes or local) and len(temperature) > 1:
        raise InputError(f"--modes and --local: expected one in K, got {len(temperature)}")
    keys = plan | (orientation or {}) | calculation_keys(calculation)
    known = None if right is None else kapitza.routes.computed_interface(junction, right)
    plain = tolerance is None and not (modes or local or anharmonic or keys)
    plain = known is not None and plain and known.covers(temperature)
    subject = known if plain and known is not None else _subject(junction, right, keys, known)
    for side in (subject.left, subject.right):  # which may not be what it is in the library at some temperatures
        name = side if isinstance(side, str) else side.name
        if name in kapitza.materials():
            kapitza.matter.warn_of_state(kapitza.material(name), temperature)
    k_mesh = None if mesh is None else (mesh, mesh)
    if isinstance(subject, kapitza.routes.ComputedInterface):
        report = _computed_report(subject, temperature)
    else:
        with work.run("units") as shared:
            if modes:
                report = _crossing_report(subject, temperature[0], {"k_mesh": k_mesh, **shared})
            elif local:
                report = _interface_report(subject, temperature[0], {"k_mesh": k_mesh, **shared})
            elif anharmonic is not None:
                probes |= {"statistics": "classical" if classical else "quantum"}
                probes |= {"k_mesh": k_mesh} if k_mesh else {}
                settings = kapitza.theory.agf.ProbeSettings(**probes)
                report = _anharmonic_report(subject, temperature, (anharmonic, branches), settings, shared)
            else:
                error = _CONDUCTANCE_TOLERANCE if tolerance is None else tolerance
                report = _conductance_report(subject, temperature, error, shared)
    files.draw_figure(report.draw, width=report.size[0], height=report.size[1])
    files.report(report.records, [*report.printed, Note(report.remark)], report.derived)


def _subject(junction: str, right: str | None, keys: Mapping[str, Any], known: ComputedInterface | None) -> Junction:
    """Return the junction of two sides or of a file; if it cannot be built, the error names computed results."""
    try:
        return junction_of_sides(junction, right, keys) or read_with_note(junction)
    except InputError as err:
        if known is None:
            raise
        low, high = known.temperature[[0, -1]]
        raise InputError(
            f"{err}; computed beforehand is the conductance of {known.name} alone, from {low:g} to {high:g} K"
        ) from err


def _check_choices(junction: str, modes: bool, local: bool, mesh: int | None, anharmonic: str | None) -> None:
    if modes and local:
        raise InputError(f"--modes and --local are two tables of {junction:.60}: expected one of them at a time")
    if anharmonic is not None and (modes or local):
        raise InputError(f"--anharmonic {anharmonic:.40}: expected no --modes or --local with it")
    if mesh is not None and not (modes or local or anharmonic):
        raise InputError(
            f"--mesh {mesh} is for --modes, --local and --anharmonic; the conductance refines its own: see --tolerance"
        )


def read_with_note(junction: str) -> Junction:
    """Return the junction of a file; a note is printed where it takes long to build."""
    remark = f"building {junction}: minutes for large cells; `kapitza junction build {junction} --save FILE` keeps it"
    timer = Timer(_BUILD_NOTE_SECONDS, note, [remark])
    timer.daemon = True
    timer.start()
    try:
        return kapitza.io.read_junction(junction)
    finally:
        timer.cancel()


class _AgfReport(NamedTuple):
    """Records to save, their figure and its size (inches), tables, a remark, derived numbers."""

    records: dict[str, Any]
    draw: Callable[[Any], object]
    size: tuple[float, float]
    printed: Sequence[Part]
    remark: str
    derived: Mapping[str, Any] = MappingProxyType({})


def _conductance_report(
    junction: Junction, kelvin: list[float], tolerance: float, work: Mapping[str, Any]
) -> _AgfReport:
    from attrs import evolve

    spectrum = kapitza.agf(junction, tolerance=tolerance, temperature=kelvin, **work)
    emitted, local = (spectrum.conductance(kelvin, drop) for drop in ("emitted", "local"))
    # the error is controlled for the emitted one
    return _spectrum_report(spectrum, (evolve(emitted, sigma=tolerance * emitted.value), local), _HARMONIC)


def _computed_report(known: ComputedInterface, kelvin: list[float]) -> _AgfReport:
    emitted, local = (known.conductance(kelvin, drop) for drop in ("emitted", "local"))
    error = 100 * float((emitted.sigma / emitted.value).max()) if emitted.sigma is not None else 0.0
    remark = (
        f"computed beforehand for {known.name}, strained by {100 * known.strain:.1f} %, "
        f"error of the integration up to {error:.1f} %: {known.assumes}; "
        f"--tolerance computes it anew where sites join; {_HARMONIC}"
    )
    report = _spectrum_report(known.transmission, (emitted, local), remark)
    return report._replace(derived={"interface": known.name, "assumes": known.assumes})


def _spectrum_report(spectrum: Transmission, drops: tuple[Conductance, Conductance], remark: str) -> _AgfReport:
    shown = even_subset(drops[0].temperature.size, _MAX_TABLE_TEMPERATURES)
    columns = [Column("at", [f"{drops[0].temperature[j]:g} K" for j in shown])]
    columns += [Column(one.drop, (one.value[shown] / MW).tolist()) for one in drops]

    def draw(figure: Any) -> object:
        return kapitza.plot.transmission(spectrum, ax=figure.add_subplot())

    table = Table(f"{spectrum.method}, conductance in MW m⁻² K⁻¹", columns)
    return _AgfReport({"transmission": spectrum, "conductance": drops}, draw, _PLAIN_SIZE, [table], remark)


def _anharmonic_report(
    junction: Junction, kelvin: list[float], source: tuple[str, bool], settings: ProbeSettings, work: Mapping[str, Any]
) -> _AgfReport:
    probed = _probed_junctions(junction, kelvin, source, settings, work)
    columns = [
        Column("at", [f"{one.temperature:g} K" for one in probed]),
        Column("harmonic", [float(one.harmonic.value[0]) / MW for one in probed]),
        Column("four-probe", [float(one.four_probe.value[0]) / MW for one in probed]),
        Column("with scattering", [float(one.conductance.value[0]) / MW for one in probed]),
        Column("κ left", [float(one.conductivity[0]) for one in probed], "W m⁻¹ K⁻¹"),
        Column("κ right", [float(one.conductivity[1]) for one in probed]),
    ]
    return _AgfReport(
        {"anharmonic": tuple(probed)},
        partial(kapitza.plot.probes_figure, probed),
        _TWO_PANELS_SIZE,
        [Table(f"AGF {junction.name} with Büttiker probes, conductance in MW m⁻² K⁻¹", columns)],
        f"sides of {probed[0].side / nm:.3g} nm, between which phonons may not equilibrate: more --layers show it; κ "
        "is that of the slopes within them; no error is known of what is left out",
    )


def _crossing_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    modes, conversion = kapitza.lattice.modes_and_conversion(junction, **work)
    numbers = sorted(set(modes.select("left").branch.tolist()))
    branch = modes.histogram(modes.branch, [*(n - 0.5 for n in numbers), numbers[-1] + 0.5], temperature=kelvin)
    angle = modes.by_angle(bins=_ANGLE_BINS, temperature=kelvin)
    bounds = [f"{math.degrees(edge):.0f}°" for edge in angle.edges.tolist()]
    title = f"{modes.method}, waves from the left, at {kelvin:g} K"
    table = conversion.transmitted.sum(axis=0)
    used, leaving = table.any(axis=0).nonzero()[0].tolist(), table.any(axis=1).nonzero()[0].tolist()
    percent = (100 * table / table.sum()).round(1)
    columns = [Column(f"{j} arrives", percent[leaving, j].tolist()) for j in used]
    return _AgfReport(
        {"modes": modes, "conversion": conversion, "transmission": modes.total()},
        partial(kapitza.plot.modes_figure, modes, conversion),
        _PANELS_SIZE,
        [
            Table(f"{title}, by branch", _binned_columns([f"branch {number}" for number in numbers], branch)),
            Table("by angle", _binned_columns([f"{low} to {high}" for low, high in pairwise(bounds)], angle)),
            Table("from branch to branch, % of what crosses", [Column("", [f"{i} leaves" for i in leaving]), *columns]),
        ],
        "branches are numbered from the lowest frequency of their wave vector; degenerate ones share evenly",
        {f"{side}_by_angle": modes.by_angle(side, temperature=kelvin) for side in ("left", "right")},
    )


def _binned_columns(names: list[str], binned: BinnedModes) -> list[Column]:
    return [
        Column("", names),
        Column("arrives", (binned.incident / MW).tolist(), "MW m⁻² K⁻¹"),
        Column("crosses", (binned.transmitted / MW).tolist(), "MW m⁻² K⁻¹"),
        Column("probability", binned.coefficient.round(3).tolist()),
        Column("specular", binned.specularity.round(3).tolist()),
    ]


def _interface_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    """Return the vibrations near the interface, the localised ones among them, and the heat that they carry."""
    density = kapitza.lattice.local_density(junction, **work)
    localised = kapitza.lattice.interface_modes(junction, **work)
    current = kapitza.lattice.local_current(junction, **work)
    families, share = localised.families(), float(current.share(kelvin)[0])
    layers = ", ".join(map(str, localised.interface.tolist()))
    title = f"{localised.method}, modes localised at the interface (layers {layers})"
    passing = f"{100 * share:.1f} % of the conductance at {kelvin:g} K passes"
    if math.isnan(share):
        passing = f"nothing crosses at {kelvin:g} K, and none of it"
    return _AgfReport(
        {"density": density, "modes": localised, "current": current},
        partial(kapitza.plot.vibrations_figure, density, localised, current),
        _PANELS_SIZE,
        [Table(title, columns_of(families, _FAMILY_UNITS))] if families else [],
        f"{passing} through vibrations that neither crystal has; modes of width 0 are bound and carry nothing in a "
        "harmonic crystal, those that decay over ∞ leak into the lead; share: of their energy, on the interface",
        {"share": share, "families": [one.name for one in families]},
    )


def _probed_junctions(
    junction: Junction,
    kelvin: Sequence[float],
    source: tuple[str, bool],
    settings: ProbeSettings,
    work: Mapping[str, Any],
) -> list[ProbedJunction]:
    """Return a junction with probes at each temperature; `source` says how phonons are scattered, and if by branch."""
    text, by_branch = source
    parts = [part.strip() for part in text.split(",")]
    if parts == ["library"] or (len(parts) == 1 and Path(text).exists()):
        parts *= 2
    if len(parts) != 2 or not all(parts):
        raise InputError(f"--anharmonic {text!r:.60}: expected {_EXPECTED}")
    pairs: list[tuple[Literal["left", "right"], Lead, str]] = [
        ("left", junction.left, parts[0]),
        ("right", junction.right, parts[1]),
    ]
    if by_branch and not all(Path(part).exists() for part in parts):
        raise InputError(f"--branches with --anharmonic {text!r:.60}: expected two files of phono3py, left,right")
    # all rates before the first long run, so that a missing number is said at once
    rates = [tuple(_rate(*one, at, settings, by_branch=by_branch) for one in pairs) for at in kelvin]
    return [
        kapitza.theory.agf.anharmonic_conductance(junction, (pair[0], pair[1]), at, settings=settings, **work)
        for at, pair in zip(kelvin, rates, strict=True)
    ]


def _rate(
    side: Literal["left", "right"], lead: Lead, text: str, kelvin: float, settings: ProbeSettings, *, by_branch: bool
) -> AnyRate:
    if by_branch:
        return kapitza.io.read_branch_rates(text, temperature=kelvin)
    if Path(text).exists():
        return kapitza.io.read_relaxation_rate(text, temperature=kelvin, side=side)
    if text == "library":
        known = kapitza.phonons.lattice_conductivity(lead.name, kelvin) if lead.name in kapitza.materials() else None
        if known is None:
            raise InputError(
                f"--anharmonic library: no conductivity of {lead.name!r:.40} at {kelvin:g} K is in the library; "
                "give two in W/mK, such as 148,60, or files of lifetimes"
            )
        conductivity = known.value
    else:
        try:
            conductivity = float(text.removesuffix("W/mK").strip())
        except ValueError:
            raise InputError(f"--anharmonic: {text!r:.60} is no file and no number; expected {_EXPECTED}") from None
    return kapitza.theory.agf.rate_for_conductivity(lead, conductivity, kelvin, statistics=settings.statistics)
