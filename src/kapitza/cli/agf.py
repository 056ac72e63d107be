"""The verb `agf`: a junction by atomistic Green's functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from threading import Timer
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.figures import Results
from kapitza.cli.options import (
    DaskAddress,
    Figure,
    Json,
    Save,
    StoreFolder,
    Temperatures,
    WorkerCount,
    dask_executor,
    even_subset,
    parse_temperature,
    parse_temperatures,
)
from kapitza.cli.output import megawatts, note, print_record, print_table, progress_line
from kapitza.errors import InputError
from kapitza.units import THz, angstrom, nm

if TYPE_CHECKING:
    from kapitza.core.conductance import Conductance
    from kapitza.core.modal import BinnedModes, ModalTransmission
    from kapitza.lattice import InterfaceModes, LocalCurrent, ModeConversion
    from kapitza.matter.junction import Junction

_BUILD_NOTE_SECONDS = 10.0  # seconds after which a note is printed
_MAX_TABLE_TEMPERATURES = 12  # temperatures in the printed table
_ANGLE_BINS = 6  # bins of the printed angles
_PLAIN_SIZE, _PANELS_SIZE = (7.6, 4.4), (10.0, 7.6)  # inches


def agf(
    junction: Annotated[str, typer.Argument(help="TOML file of a junction, or a saved one (.h5, .npz, .json).")],
    temperature: Temperatures = "300",
    tolerance: Annotated[float, typer.Option(help="Relative error of the conductance.")] = 2e-3,
    modes: Annotated[
        bool, typer.Option("--modes", help="Transmission by branch and angle, conversion, specularity.")
    ] = (False),
    local: Annotated[
        bool, typer.Option("--local", help="Density of states by layer, and modes localised at the interface.")
    ] = (False),
    mesh: Annotated[
        int | None, typer.Option(help="Wave vectors a side, with --modes and --local.", min=1, max=400)
    ] = None,
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
    if modes and local:
        raise InputError(f"--modes and --local are two tables of {junction:.60}: expected one of them at a time")
    if mesh is not None and not (modes or local):
        raise InputError(f"--mesh {mesh} is for --modes and --local; the conductance refines its own: see --tolerance")
    if not 0 < tolerance < 1:
        raise InputError(f"--tolerance {tolerance:g}: expected a relative error between 0 and 1")
    single = parse_temperature(temperature) if modes or local else kelvin[0]
    subject, size = read_with_note(junction), None if mesh is None else (mesh, mesh)
    with dask_executor(dask) as executor:
        work = {"executor": executor or workers, "store": store, "progress": progress_line("units")}
        if modes:
            found = _crossing_report(subject, single, {"k_mesh": size, **work})
        elif local:
            found = _interface_report(subject, single, {"k_mesh": size, **work})
        else:
            found = _conductance_report(subject, kelvin, tolerance, work)
    files.keep(found.records)
    files.draw_figure(found.draw, width=found.size[0], height=found.size[1])
    if as_json:
        print_record(found.records, found.derived)
        return
    found.show()
    files.announce()


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
    """What was found: records to save, what draws it, size of the figure (inches), what prints it, derived numbers."""

    records: dict[str, Any]
    draw: Callable[[Any], object]
    size: tuple[float, float]
    show: Callable[[], None]
    derived: Mapping[str, Any] = MappingProxyType({})


def _conductance_report(
    junction: Junction, kelvin: list[float], tolerance: float, work: Mapping[str, Any]
) -> _AgfReport:
    """Return transmission and conductance."""
    found = kapitza.agf(junction, tolerance=tolerance, temperature=kelvin, **work)
    drops = tuple(found.conductance(kelvin, drop) for drop in deferred.TEMPERATURE_DROPS)

    def draw(figure: Any) -> object:
        return kapitza.plot.transmission(found, ax=figure.add_subplot())

    return _AgfReport(
        {"transmission": found, "conductance": drops}, draw, _PLAIN_SIZE, lambda: _print_agf(found.method, drops)
    )


def _print_agf(method: str, drops: tuple[Conductance, ...]) -> None:
    """Print conductances by their drops."""
    kelvin = drops[0].temperature
    rows = [
        [f"{kelvin[j]:g} K", *(megawatts(float(one.value[j])) for one in drops)]
        for j in even_subset(kelvin.size, _MAX_TABLE_TEMPERATURES)
    ]
    print_table(f"{method}, conductance in MW m⁻² K⁻¹", ["at", *(one.drop for one in drops)], rows)
    note("harmonic: no energy is exchanged between frequencies; the extrapolated drop is that of gray, diffuse media")


def _crossing_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    """Return the transmission by branch and angle, from branch to branch, and its specularity."""
    modes = kapitza.lattice.agf_modes(junction, **work)
    conversion = kapitza.lattice.mode_conversion(junction, **work)
    return _AgfReport(
        {"modes": modes, "conversion": conversion, "transmission": modes.total()},
        partial(deferred.modes_figure, modes, conversion),
        _PANELS_SIZE,
        lambda: _print_crossing(modes, conversion, kelvin),
        {f"{side}_by_angle": modes.by_angle(side, temperature=kelvin) for side in ("left", "right")},
    )


def _print_crossing(modes: ModalTransmission, conversion: ModeConversion, kelvin: float) -> None:
    """Print the transmission by branch and angle."""
    title = f"{modes.method}, waves from the left, at {kelvin:g} K"
    numbers = sorted(set(modes.select("left").branch.tolist()))
    edges = [number - 0.5 for number in (*numbers, numbers[-1] + 1)]
    branch = modes.binned(modes.branch, edges, temperature=kelvin)
    columns = ["", "arrives MW/m²K", "crosses MW/m²K", "probability", "specular"]
    rows = [_crossing_row(f"branch {number}", branch, i) for i, number in enumerate(numbers)]
    angle = modes.by_angle(bins=_ANGLE_BINS, temperature=kelvin)
    bounds = [f"{math.degrees(edge):.0f}" for edge in angle.edges.tolist()]
    rows += [_crossing_row(f"{bounds[i]}° to {bounds[i + 1]}°", angle, i) for i in range(_ANGLE_BINS)]
    print_table(title, columns, rows)
    table = conversion.transmitted.sum(axis=0)
    used = [i for i in range(table.shape[1]) if table[:, i].any()]
    leaving = [i for i in range(table.shape[0]) if table[i].any()]
    parts = [[f"{i} leaves", *(f"{100 * table[i, j] / table.sum():.1f}" for j in used)] for i in leaving]
    print_table("from branch to branch, % of what crosses", ["", *(f"{j} arrives" for j in used)], parts)
    note("branches are numbered from the lowest frequency of their wave vector; degenerate ones share evenly")


def _crossing_row(name: str, found: BinnedModes, i: int) -> list[str]:
    """Return a row of the table of transmission by branch and angle."""
    parts = [float(found.coefficient[i]), float(found.specularity[i])]
    return [
        name,
        megawatts(float(found.arriving[i])),
        megawatts(float(found.crossing[i])),
        *("–" if math.isnan(part) else f"{part:.3f}" for part in parts),
    ]


def _interface_report(junction: Junction, kelvin: float, work: Mapping[str, Any]) -> _AgfReport:
    """Return what vibrates near the interface, what is localised there, and what that carries."""
    density = kapitza.lattice.local_density(junction, **work)
    localised = kapitza.lattice.interface_modes(junction, **work)
    current = kapitza.lattice.local_current(junction, **work)
    return _AgfReport(
        {"density": density, "modes": localised, "current": current},
        partial(deferred.vibrations_figure, density, localised, current),
        _PANELS_SIZE,
        lambda: _print_interface(localised, current, kelvin),
        {"share": float(current.share(kelvin)[0]), "families": [one.name for one in localised.families()]},
    )


def _print_interface(localised: InterfaceModes, current: LocalCurrent, kelvin: float) -> None:
    """Print the modes of the interface, and what they carry."""
    columns = ["modes", "THz", "per nm²", "on the interface", "width THz", "decay Å, left", "right"]
    rows = [
        [
            one.name,
            f"{one.lowest / THz:.2f}–{one.highest / THz:.2f}",
            f"{one.modes * nm**2:.3g}",
            f"{100 * one.share:.0f} %",
            f"{one.width / THz:.2g}" if one.width > 0 else "bound",
            *(
                f"{decay / angstrom:.3g}" if math.isfinite(decay) else "leaks"
                for decay in (one.left_decay, one.right_decay)
            ),
        ]
        for one in localised.families()
    ]
    layers = ", ".join(map(str, localised.interface.tolist()))
    print_table(f"{localised.method}, modes localised at the interface (layers {layers})", columns, rows)
    share = float(current.share(kelvin)[0])
    passing = f"{100 * share:.1f} % of the conductance at {kelvin:g} K passes"
    if math.isnan(share):
        passing = f"nothing crosses at {kelvin:g} K, and none of it"
    note(f"{passing} through vibrations that neither crystal has; bound modes carry nothing in a harmonic crystal")
