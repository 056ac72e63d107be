"""The verb `agf`: a junction by atomistic Green's functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from threading import Timer
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.interface.anharmonic import draw_probes, probe_columns, probe_remark, probed_junctions
from kapitza.cli.junction import Orientation, Potential, Reach, junction_of_sides
from kapitza.cli.options import (
    Calculator,
    CalculatorArguments,
    DaskAddress,
    Figure,
    Json,
    Save,
    StoreFolder,
    Temperatures,
    WorkerCount,
    even_subset,
    long_work,
    parse_temperature,
    parse_temperatures,
)
from kapitza.cli.output import note, print_record
from kapitza.cli.tables import Column, columns_of, print_columns
from kapitza.errors import InputError
from kapitza.units import MW

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.core.modal import BinnedModes
    from kapitza.core.transmission import Transmission
    from kapitza.matter.junction import Junction
    from kapitza.routes.computed import ComputedInterface

_CONDUCTANCE_TOLERANCE = 2e-3  # relative error of the conductance where nobody says
_BUILD_NOTE_SECONDS = 10.0  # seconds after which a note is printed
_MAX_TABLE_TEMPERATURES = 12  # temperatures in the printed table
_ANGLE_BINS = 6  # bins of the printed angles
_FAMILY_UNITS = {
    "name": "", "lowest": "THz", "highest": "THz", "modes": "nm⁻²", "share": "%", "width": "THz", "left_decay": "Å",
    "right_decay": "Å",
}  # fmt: skip
_PLAIN_SIZE, _PANELS_SIZE, _TWO_PANELS_SIZE = (7.6, 4.4), (10.0, 7.6), (10.0, 4.4)  # inches
_DEFAULT_LAYERS = 12  # beside the interface, with --anharmonic
_HARMONIC = (
    "harmonic: no energy is exchanged between frequencies; an experiment sees the extrapolated drop, with what the "
    "Boltzmann equation of both solids adds: kapitza predict --seen"
)


def agf(
    junction: Annotated[
        str, typer.Argument(help="TOML file of a junction, a saved one (.h5, .npz, .json), or the left crystal.")
    ],
    right: Annotated[
        str | None, typer.Argument(help="The right crystal: a name with phonons, a phonopy file, a structure (.cif).")
    ] = None,
    temperature: Temperatures = "300",
    tolerance: Annotated[float | None, typer.Option(help="Relative error of the conductance [0.002].")] = None,
    modes: Annotated[
        bool, typer.Option("--modes", help="Transmission by branch and angle, conversion, specularity.")
    ] = (False),
    local: Annotated[
        bool, typer.Option("--local", help="Density of states by layer, and modes localised at the interface.")
    ] = (False),
    mesh: Annotated[
        int | None, typer.Option(help="Wave vectors a side, with --modes and --local.", min=1, max=400)
    ] = None,
    anharmonic: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Scatter phonons: library, two conductivities in W/mK (148,60) or files of lifetimes.",
        ),
    ] = None,
    branches: Annotated[
        bool, typer.Option("--branches", help="With files of phono3py: rates of each branch, not of each frequency.")
    ] = False,
    layers: Annotated[
        int, typer.Option(help="With --anharmonic: layers of either crystal beside the interface.", min=4, max=1000)
    ] = _DEFAULT_LAYERS,
    classical: Annotated[
        bool, typer.Option("--classical", help="With --anharmonic: phonons as molecular dynamics has them.")
    ] = False,
    orientation: Orientation = None,
    potential: Potential = None,
    reach: Reach = None,
    calculator: Calculator = None,
    calculator_args: CalculatorArguments = None,
    workers: WorkerCount = 1,
    store: StoreFolder = None,
    dask: DaskAddress = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductance of a junction by atomistic Green's functions, exact for its force constants."""
    kelvin = parse_temperatures(temperature)
    files = Results(save, plot)
    _check_choices(junction, {"modes": modes, "local": local}, mesh, (anharmonic, layers, classical or branches))
    if tolerance is not None and not 0 < tolerance < 1:
        raise InputError(f"--tolerance {tolerance:g}: expected a relative error between 0 and 1")
    single = parse_temperature(temperature) if modes or local else kelvin[0]
    size, given = None if mesh is None else (mesh, mesh), (orientation, calculator, calculator_args, potential, reach)
    plain = tolerance is None and not (modes or local or anharmonic or any(given))
    known = None if right is None else kapitza.routes.computed_interface(junction, right)
    if known is not None and plain and known.covers(kelvin):
        _note_states([known.left, known.right], kelvin)
        _keep_report(files, _computed_report(known, kelvin), as_json=as_json)
        return
    subject = _subject(junction, right, given, known)
    _note_states([subject.left.name, subject.right.name], kelvin)
    with long_work("units", workers, store, dask) as work:
        if modes:
            found = _crossing_report(subject, single, {"k_mesh": size, **work})
        elif anharmonic is not None:
            settings = {"layers": layers, "statistics": "classical" if classical else "quantum"}
            settings |= {} if size is None else {"k_mesh": size}
            found = _anharmonic_report(subject, kelvin, ((anharmonic, branches), settings), work)
        elif local:
            found = _interface_report(subject, single, {"k_mesh": size, **work})
        else:
            found = _conductance_report(
                subject, kelvin, _CONDUCTANCE_TOLERANCE if tolerance is None else tolerance, work
            )
    _keep_report(files, found, as_json=as_json)


def _subject(junction: str, right: str | None, given: tuple[Any, ...], known: ComputedInterface | None) -> Junction:
    """Return the junction of two sides or of a file; where it cannot be built, say what was computed beforehand."""
    try:
        return junction_of_sides(junction, right, *given) or read_with_note(junction)
    except InputError as err:
        if known is None:
            raise
        low, high = known.temperature[[0, -1]]
        raise InputError(
            f"{err}; computed beforehand is the conductance of {known.name} alone, from {low:g} to {high:g} K"
        ) from err


def _keep_report(files: Results, found: _AgfReport, *, as_json: bool) -> None:
    """Save, draw and print what was found."""
    files.keep(found.records)
    files.draw_figure(found.draw, width=found.size[0], height=found.size[1])
    if as_json:
        print_record(found.records, found.derived)
        return
    for title, columns in found.tables.items():
        print_columns(title, columns)
    note(found.remark)
    files.announce()


def _check_choices(
    junction: str, tables: Mapping[str, bool], mesh: int | None, scattering: tuple[str | None, int, bool]
) -> None:
    """Refuse options that do not go together."""
    anharmonic, layers, classical = scattering
    if tables["modes"] and tables["local"]:
        raise InputError(f"--modes and --local are two tables of {junction:.60}: expected one of them at a time")
    if anharmonic is not None and any(tables.values()):
        raise InputError(f"--anharmonic {anharmonic:.40}: expected no --modes or --local with it")
    if anharmonic is None and (classical or layers != _DEFAULT_LAYERS):
        raise InputError("--classical, --branches and --layers are for --anharmonic: expected that with them")
    if mesh is not None and not (any(tables.values()) or anharmonic):
        raise InputError(
            f"--mesh {mesh} is for --modes, --local and --anharmonic; the conductance refines its own: see --tolerance"
        )


def _note_states(names: list[str], kelvin: list[float]) -> None:
    """Note a side that is a material of the library, and not what it is there at some of the temperatures."""
    for name in names:
        if name in kapitza.materials():
            kapitza.matter.warn_of_state(kapitza.material(name), kelvin)


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
    """What was found: records to save, their figure and its size (inches), tables, a remark, derived numbers."""

    records: dict[str, Any]
    draw: Callable[[Any], object]
    size: tuple[float, float]
    tables: dict[str, list[Column]]
    remark: str
    derived: Mapping[str, Any] = MappingProxyType({})


def _conductance_report(
    junction: Junction, kelvin: list[float], tolerance: float, work: Mapping[str, Any]
) -> _AgfReport:
    """Return transmission and conductance."""
    from attrs import evolve

    found = kapitza.agf(junction, tolerance=tolerance, temperature=kelvin, **work)
    emitted, local = (found.conductance(kelvin, drop) for drop in ("emitted", "local"))
    # the error is controlled for the emitted one
    return _spectrum_report(found, (evolve(emitted, sigma=tolerance * emitted.value), local), _HARMONIC)


def _computed_report(known: ComputedInterface, kelvin: list[float]) -> _AgfReport:
    """Return transmission and conductance that come with the package, with where they are from."""
    emitted, local = (known.conductance(kelvin, drop) for drop in ("emitted", "local"))
    error = 100 * float((emitted.sigma / emitted.value).max()) if emitted.sigma is not None else 0.0
    remark = (
        f"computed beforehand for {known.name}, strained by {100 * known.strain:.1f} %, "
        f"error of the integration up to {error:.1f} %: {known.assumes}; "
        f"--tolerance computes it anew where sites join; {_HARMONIC}"
    )
    report = _spectrum_report(known.transmission, (emitted, local), remark)
    return report._replace(derived={"interface": known.name, "assumes": known.assumes})


def _spectrum_report(found: Transmission, drops: tuple[Conductance, Conductance], remark: str) -> _AgfReport:
    """Return the table and the figure of a transmission with its emitted and local conductance."""

    def draw(figure: Any) -> object:
        return kapitza.plot.transmission(found, ax=figure.add_subplot())

    shown = even_subset(drops[0].temperature.size, _MAX_TABLE_TEMPERATURES)
    columns = [Column("at", [f"{drops[0].temperature[j]:g} K" for j in shown])]
    columns += [Column(one.drop, (one.value[shown] / MW).tolist()) for one in drops]
    return _AgfReport(
        {"transmission": found, "conductance": drops},
        draw,
        _PLAIN_SIZE,
        {f"{found.method}, conductance in MW m⁻² K⁻¹": columns},
        remark,
    )


def _anharmonic_report(
    junction: Junction, kelvin: list[float], how: tuple[tuple[str, bool], Mapping[str, Any]], work: Mapping[str, Any]
) -> _AgfReport:
    """Return the conductance with scattering of phonons, beside that without."""
    found = probed_junctions(junction, kelvin, how[0], kapitza.theory.agf.ProbeSettings(**how[1]), work)
    title = f"AGF {junction.name} with Büttiker probes, conductance in MW m⁻² K⁻¹"
    return _AgfReport(
        {"anharmonic": tuple(found)},
        draw_probes(found),
        _TWO_PANELS_SIZE,
        {title: probe_columns(found)},
        probe_remark(found),
    )


def _crossing_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    """Return the transmission by branch and angle, from branch to branch, and its specularity."""
    modes, conversion = kapitza.lattice.modes_and_conversion(junction, **work)
    numbers = sorted(set(modes.select("left").branch.tolist()))
    branch = modes.histogram(modes.branch, [*(n - 0.5 for n in numbers), numbers[-1] + 0.5], temperature=kelvin)
    angle = modes.by_angle(bins=_ANGLE_BINS, temperature=kelvin)
    bounds = [f"{math.degrees(edge):.0f}°" for edge in angle.edges.tolist()]
    title = f"{modes.method}, waves from the left, at {kelvin:g} K"
    return _AgfReport(
        {"modes": modes, "conversion": conversion, "transmission": modes.total()},
        partial(kapitza.plot.modes_figure, modes, conversion),
        _PANELS_SIZE,
        {
            f"{title}, by branch": _binned_columns([f"branch {number}" for number in numbers], branch),
            "by angle": _binned_columns([f"{a} to {b}" for a, b in pairwise(bounds)], angle),
            "from branch to branch, % of what crosses": _conversion_columns(conversion.transmitted.sum(axis=0)),
        },
        "branches are numbered from the lowest frequency of their wave vector; degenerate ones share evenly",
        {f"{side}_by_angle": modes.by_angle(side, temperature=kelvin) for side in ("left", "right")},
    )


def _binned_columns(names: list[str], found: BinnedModes) -> list[Column]:
    """Return the transmission of modes that were sorted by branch or angle."""
    return [
        Column("", names),
        Column("arrives", (found.incident / MW).tolist(), "MW m⁻² K⁻¹"),
        Column("crosses", (found.transmitted / MW).tolist(), "MW m⁻² K⁻¹"),
        Column("probability", found.coefficient.round(3).tolist()),
        Column("specular", found.specularity.round(3).tolist()),
    ]


def _conversion_columns(table: Any) -> list[Column]:
    """Return what crosses from each branch to each, in percent of all."""
    used, leaving = table.any(axis=0).nonzero()[0].tolist(), table.any(axis=1).nonzero()[0].tolist()
    share = (100 * table / table.sum()).round(1)
    return [Column("", [f"{i} leaves" for i in leaving])] + [
        Column(f"{j} arrives", share[leaving, j].tolist()) for j in used
    ]


def _interface_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    """Return what vibrates near the interface, what is localised there, and what that carries."""
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
        {title: columns_of(families, _FAMILY_UNITS)} if families else {},
        f"{passing} through vibrations that neither crystal has; modes of width 0 are bound and carry nothing in a "
        "harmonic crystal, those that decay over ∞ leak into the lead; share: of their energy, on the interface",
        {"share": share, "families": [one.name for one in families]},
    )
