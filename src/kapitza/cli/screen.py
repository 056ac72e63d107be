"""The verb `screen`: all pairs of a table of materials, the best of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import kapitza
from kapitza.cli.figures import FIGURE_SUFFIXES, check_output, write_axes
from kapitza.cli.options import (
    DaskAddress,
    Figure,
    Json,
    StoreFolder,
    Temperatures,
    WorkerCount,
    long_work,
    parse_temperature,
    parse_temperatures,
)
from kapitza.cli.output import note, print_record
from kapitza.cli.tables import Column, print_columns
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.units import nm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kapitza.screen.layers import InterlayerScreening
    from kapitza.screen.result import Ranking, Screening
    from kapitza.screen.solved_layers import SolvedLayers
    from kapitza.screen.table import MaterialTable

_LIBRARY_TABLES = {"library": False, "library-bands": True}
_RANKING_OPTIONS = {
    "order": "--rank", "each": "--each", "drop": "--drop", "best": "--best", "calibrated": "--calibrated",
    "precision": "--precision",
}  # fmt: skip
_MAX_ROWS = 20  # of a printed list
_FIGURE_HEIGHT = 5.6  # inches
_ROOM_TEMPERATURE = 300.0  # K
_MAX_ERRORS = 3  # remarks on how measurements scatter
_RARE = 0.001  # a probability that some thousand draws do not resolve


def screen(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="Materials: .json(.gz), .csv, .parquet, .npz; library, library-bands."),
    ],
    temperature: Temperatures = "300",
    top: Annotated[int, typer.Option("--top", help="Pairs in each list.", min=1)] = 100,
    partners: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME", help="Only pairs with this material; may be repeated.")
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--between", metavar="LEFT RIGHT", help="Which layer between these two lowers the resistance?"),
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="The best layer between any two: the pairs that gain most.")
    ] = False,
    thickness: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Of a layer, 5nm: adds its own resistance where κ is known.")
    ] = None,
    solve: Annotated[
        int, typer.Option("--solve", help="Boltzmann equation for the first layers, at --thickness.", min=0)
    ] = 0,
    rank: Annotated[Literal["high", "low"], typer.Option(help="High or low conductances first.")] = "high",
    each: Annotated[bool, typer.Option("--each", help="A list for each material.")] = False,
    best: Annotated[
        int, typer.Option("--best", help="Probability to be among so many, if all were measured.", min=1)
    ] = 10,
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="Calibrated errors for pairs of the library, 0.3 s each.")
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITIONS", help="'elements in Si C N, density < 4000, stable, no hydrides, no toxic'."),
    ] = None,
    drop: Annotated[Literal["emitted", "local", "extrapolated"], typer.Option(help="Temperature drop.")] = "emitted",
    precision: Annotated[Literal["double", "single"], typer.Option(help="Single is right to 1e-4.")] = "double",
    skip: Annotated[bool, typer.Option("--skip-invalid", help="Leave out rows with impossible numbers.")] = False,
    workers: WorkerCount = 1,
    store: StoreFolder = None,
    dask: DaskAddress = None,
    plot: Figure = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="FILE", help="Save the lists: .parquet, .csv, .json, .npz or .h5.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare all pairs of a table of materials by the diffuse mismatch model, and list the best."""
    check_output(save, kapitza.io.SCREENING_SUFFIXES)
    if save is not None:
        kapitza.io.check_screening_output(save)
    check_output(plot, FIGURE_SUFFIXES)
    ranking = kapitza.screen.Ranking(
        top=top, order=rank, each=each, drop=drop, best=best, calibrated=calibrated, precision=precision
    )
    if layers or between:
        _refuse_pair_options(ranking, partners, plot)
        if layers and between:
            raise InputError("--layers and --between ask for different lists: give one of them")
        kelvin = parse_temperature(temperature)
        materials, names = _read_table(table, between, where, skip=skip)
        thick = None if thickness is None else quantity(thickness, "length", what="--thickness")
        ends = None if names is None else (names[0], names[1])
        with long_work("blocks of pairs", workers, store, dask) as work:
            layered = kapitza.screen.interlayers(materials, kelvin, ends=ends, thickness=thick, top=top, **work)
        _report_layers(layered, save, as_json, materials, solve)
        return
    _refuse_layer_options(solve, thickness)
    if plot is not None and each:
        raise InputError(f"--plot {plot:.60} draws the ranks of one list: leave --each out")
    temperatures = parse_temperatures(temperature)
    materials, names = _read_table(table, partners, where, skip=skip)
    with long_work("rows of pairs", workers, store, dask) as work:
        found = kapitza.screen.screen(materials, temperatures, partners=names, ranking=ranking, **work)
    _report_pairs(found, min(temperatures, key=lambda t: abs(t - _ROOM_TEMPERATURE)), save, plot, as_json)


def _refuse_pair_options(ranking: Ranking, partners: list[str] | None, plot: str | None) -> None:
    """Refuse options of lists of pairs in a list of layers."""
    default = kapitza.screen.Ranking()
    given = [option for name, option in _RANKING_OPTIONS.items() if getattr(ranking, name) != getattr(default, name)]
    given += [option for option, value in (("--with", partners), ("--plot", plot)) if value]
    if given:
        raise InputError(f"{', '.join(given)}: for lists of pairs, not for those of layers (--between, --layers)")


def _refuse_layer_options(solve: int, thickness: str | None) -> None:
    """Refuse options of layers in a list of pairs."""
    if solve:
        raise InputError(f"--solve {solve} is for layers: give --between LEFT RIGHT or --layers")
    if thickness is not None:
        raise InputError(f"--thickness {thickness:.40} is that of a layer: give --between LEFT RIGHT or --layers")


def _report_layers(
    found: InterlayerScreening, save: str | None, as_json: bool, materials: MaterialTable, solve: int
) -> None:
    """Print layers between two solids, the largest gain first, and solutions for some of them."""
    if solve and not found.thickness:
        raise InputError(f"--solve {solve} without --thickness: give that of the layers, such as 5nm")
    solved = kapitza.screen.solve_layers(found, materials, thickness=found.thickness, rows=solve) if solve else None
    if save is not None:
        kapitza.io.write_screening(found, save)
    if as_json:
        print_record(found if solved is None else {"layers": found, "solved": solved})
        return
    columns = found.columns(slice(_MAX_ROWS))
    title = f"layers at {found.temperature:g} K, {found.triples} triples; resistances by the emitted drop, m² K GW⁻¹"
    texts = [Column(name, columns[name]) for name in ("left", "layer", "right")]
    numbers = [
        Column(head, [value * 1e9 for value in columns[name]])
        for head, name in (("without", "direct"), ("thermalised", "thermalised"), ("ballistic", "ballistic"))
    ]
    paths = [None if math.isnan(value) else value * 1e9 for value in columns["free_path"]]
    more = [Column("gain", columns["gain"]), Column("path (nm)", paths), Column("", columns["physics"])]
    print_columns(title, [*texts, *numbers, *more])
    if not found.thickness:
        note("without the resistance of the layers themselves: --thickness 5nm adds it")
    if solved is not None:
        _print_solved(solved)
    note(
        "a real layer lies between the two limits; where it is thinner than its mean free path (gray) it is rather "
        "ballistic"
    )
    if save is not None:
        note(f"wrote {save}")


def _print_solved(found: SolvedLayers) -> None:
    """Print what the Boltzmann equation leaves of the gains."""
    title = (
        f"Boltzmann equation, layers of {found.thickness / nm:.4g} nm between films of {found.sides / nm:.4g} nm; "
        "resistances by the extrapolated drop, m² K GW⁻¹"
    )
    numbers = (("without", found.direct), ("with", found.layered), ("layer alone", found.film))
    print_columns(
        title,
        [
            *(Column(name, getattr(found, name)) for name in ("left", "layer", "right")),
            *(Column(head, (values * 1e9).tolist()) for head, values in numbers),
            Column("gain", found.gain.tolist()),
            Column("κ across (W/mK)", found.conductivity.tolist()),
        ],
    )


def _read_table(
    path: str, partners: Sequence[str] | None, where: str | None, *, skip: bool
) -> tuple[MaterialTable, list[str] | None]:
    """The table that was asked for, with partners of the library that it lacks, and the names of the partners."""
    if path in _LIBRARY_TABLES:
        materials = kapitza.screen.library_table(bands=_LIBRARY_TABLES[path])
    else:
        materials = kapitza.io.read_materials(path, invalid="skip" if skip else "refuse")
    chosen = materials if where is None else kapitza.screen.filter_table(materials, where)
    if not partners:
        return chosen, None
    names = list[str]()
    for name in partners:
        partner = _find_partner(materials, name)
        names.append(partner.names[0])
        if partner.names[0] not in chosen.names:
            chosen = kapitza.screen.combine_tables(chosen, partner)
    return chosen, names


def _find_partner(materials: MaterialTable, name: str) -> MaterialTable:
    """One material of the table, or of the library where the table does not have it once."""
    same = [i for i, one in enumerate(zip(materials.names, materials.formulas, strict=True)) if name in one]
    exact = [i for i in same if materials.names[i] == name]
    if exact or len(same) == 1:
        return materials.select((exact or same)[:1])
    try:
        found = kapitza.screen.material_table([name])
    except InputError:
        kapitza.screen.find_rows(materials, [name])
        raise
    if same:
        note(f"{name}: that of the library, since the table has {len(same)} materials of this formula")
    return found


def _report_pairs(found: Screening, kelvin: float, save: str | None, plot: str | None, as_json: bool) -> None:
    """Save and draw pairs of materials, and print them at one temperature."""
    if save is not None:
        kapitza.io.write_screening(found, save)
    if plot is not None:
        write_axes(
            plot, lambda ax: kapitza.plot.screening_ranks(found, temperature=kelvin, ax=ax), height=_FIGURE_HEIGHT
        )
    if as_json:
        print_record(found)
        return
    _print_list(found, kelvin, (save, plot))


def _print_list(found: Screening, kelvin: float, files: tuple[str | None, str | None]) -> None:
    """Print the list at one temperature, and the files that were written."""
    rows = (found.temperature == kelvin).nonzero()[0]
    shown = rows[:_MAX_ROWS]
    columns = found.columns(shown)
    order = "highest" if found.ranking.order == "high" else "lowest"
    title = (
        f"{order} conductances at {kelvin:g} K of {found.pairs} pairs of {found.materials} materials, {found.method}, "
        "MW m⁻² K⁻¹"
    )
    within = [f"{low / 1e6:.2g} – {high / 1e6:.2g}" for low, high in zip(columns["low"], columns["high"], strict=True)]
    sides = [
        Column(side, [_label(*one) for one in zip(columns[side], columns[f"{side}_formula"], strict=True)])
        for side in ("left", "right")
    ]
    numbers = [
        Column("rank", columns["rank"]),
        Column("G", [value / 1e6 for value in columns["conductance"]]),
        Column("measured", [value / 1e6 for value in columns["expected"]]),
        Column("95 %", within),
    ]
    if not found.ranking.each:
        shares = [_share(value) for value in columns["probability"]]
        numbers.append(Column(f"in best {found.ranking.best}", shares))
    spectra = [] if not found.full_bands.any() else [Column("phonons", columns["spectra"])]
    print_columns(title, [*sides, *numbers, *spectra])
    for text in found.error.split("; ")[:_MAX_ERRORS]:
        note(text)
    if rows.size > shown.size:
        note(f"{rows.size - shown.size} more rows at this temperature: --save FILE keeps them")
    for path in filter(None, files):
        note(f"wrote {path}")


def _share(value: float) -> str:
    """A probability in per cent."""
    return f"{100 * value:.2g} %" if value >= _RARE else f"< {100 * _RARE:g} %"


def _label(name: str, formula: str) -> str:
    """Name and formula of a material, once where they are one."""
    return name if formula in ("", name) else f"{formula} {name}"
