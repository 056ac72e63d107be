"""The verb `screen`: all pairs of a table of materials, the best of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

import kapitza
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Temperatures, Work
from kapitza.cli.output import FIGURE_SUFFIXES, Column, Note, Part, Results, Table, check_output, note
from kapitza.errors import InputError
from kapitza.units import nm

if TYPE_CHECKING:
    from kapitza.screen import InterlayerScreening, MaterialTable, Screening, SolvedLayers

_LIBRARY_TABLES = {"library": False, "library-bands": True}
_MAX_ROWS = 20  # rows of a printed list
_FIGURE_HEIGHT = 5.6  # inches
_ROOM_TEMPERATURE = 300.0  # K
_MAX_ERRORS = 3  # remarks on the scatter of measurements
_RARE = 0.001  # a probability that a thousand draws do not resolve
_LAYERS = "Interlayers"


@dataclass(frozen=True)
class ScreeningResults(Results):
    """Files of a screening, and its JSON."""

    suffixes: ClassVar[Collection[str]] = ()

    save: Annotated[str | None, Option("save the lists: .parquet, .csv, .json, .npz or .h5", metavar="FILE")] = None

    def __post_init__(self) -> None:
        check_output(self.save, kapitza.io.SCREENING_SUFFIXES)
        check_output(self.plot, FIGURE_SUFFIXES)
        if self.save is not None:
            kapitza.io.check_screening_output(self.save)

    def keep(self, record: Any) -> None:
        """Save the lists if a file was asked for."""
        if self.save is not None:
            kapitza.io.write_screening(record, self.save)


def screen(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="Materials: .json(.gz), .csv, .parquet, .npz; library, library-bands."),
    ],
    *,
    temperature: Temperatures,
    partners: Annotated[
        list[str] | None, Option("only pairs with this material; repeatable", names="--with", metavar="NAME")
    ],
    where: Annotated[
        str | None,
        Option("conditions: 'elements in Si C N, density < 4000, stable, no hydrides, no toxic'", metavar="CONDITIONS"),
    ],
    skip_invalid: Annotated[bool, Option("skip rows with impossible numbers")],
    top: Annotated[int, Option("pairs in each list", low=1)] = 100,
    ranking: Annotated[
        kapitza.screen.Ranking, Panel("Ranking of pairs", "order=--rank each best calibrated drop precision")
    ],
    between: Annotated[
        tuple[str, str] | None,
        Option("which layer between these two lowers the resistance?", metavar="LEFT RIGHT", panel=_LAYERS),
    ],
    layers: Annotated[bool, Option("the best layer between any two: the pairs that gain most", panel=_LAYERS)],
    thickness: Annotated[
        float | None, Option("thickness of the layer, whose own resistance it adds", "length", panel=_LAYERS)
    ],
    solve: Annotated[int, Option("Boltzmann equation for the first layers, at --thickness", low=0, panel=_LAYERS)] = 0,
    work: Work,
    files: ScreeningResults,
) -> None:
    """Compare all pairs of a table of materials by the diffuse mismatch model, and list the best."""
    from attrs import evolve

    ranking = evolve(ranking, top=top)
    if layers or between:
        default = kapitza.screen.Ranking()
        names = {"order": "--rank"} | {key: f"--{key}" for key in ("each", "drop", "best", "calibrated", "precision")}
        given = [option for name, option in names.items() if getattr(ranking, name) != getattr(default, name)]
        given += [option for option, value in (("--with", partners), ("--plot", files.plot)) if value]
        if given:
            raise InputError(f"{', '.join(given)}: for lists of pairs, not for those of layers (--between, --layers)")
        if layers and between:
            raise InputError("--layers and --between ask for different lists: give one of them")
        if len(temperature) > 1:
            raise InputError(f"--temperature: expected one in K for layers, got {len(temperature)}")
        materials, names = _read_table(table, between, where, skip=skip_invalid)
        ends = None if names is None else (names[0], names[1])
        with work.run("blocks of pairs") as shared:
            layered = kapitza.screen.interlayers(
                materials, temperature[0], ends=ends, thickness=thickness, top=top, **shared
            )
        _report_layers(layered, materials, solve, files)
        return
    if solve:
        raise InputError(f"--solve {solve} is for layers: give --between LEFT RIGHT or --layers")
    if thickness is not None:
        raise InputError(f"--thickness {thickness / nm:g}nm is that of a layer: give --between LEFT RIGHT or --layers")
    if files.plot is not None and ranking.each:
        raise InputError(f"--plot {files.plot:.60} draws the ranks of one list: leave --each out")
    materials, names = _read_table(table, partners, where, skip=skip_invalid)
    with work.run("rows of pairs") as shared:
        screening = kapitza.screen.screen(materials, temperature, partners=names, ranking=ranking, **shared)
    kelvin = min(temperature, key=lambda t: abs(t - _ROOM_TEMPERATURE))
    files.draw(lambda ax: kapitza.plot.screening_ranks(screening, temperature=kelvin, ax=ax), height=_FIGURE_HEIGHT)
    files.report(screening, _describe_list(screening, kelvin))


def _report_layers(
    screening: InterlayerScreening, materials: MaterialTable, solve: int, files: ScreeningResults
) -> None:
    if solve and not screening.thickness:
        raise InputError(f"--solve {solve} without --thickness: give that of the layers, such as 5nm")
    solved = None
    if solve:
        solved = kapitza.screen.solve_layers(screening, materials, thickness=screening.thickness, rows=solve)
    files.keep(screening)
    files.show(
        screening if solved is None else {"layers": screening, "solved": solved}, _describe_layers(screening, solved)
    )


def _describe_layers(screening: InterlayerScreening, solved: SolvedLayers | None) -> Iterator[Part]:
    columns = screening.columns(slice(_MAX_ROWS))
    numbers = (("without", "direct"), ("thermalised", "thermalised"), ("ballistic", "ballistic"))
    paths = [None if math.isnan(value) else value * 1e9 for value in columns["free_path"]]
    yield Table(
        f"layers at {screening.temperature:g} K, {screening.triples} triples; resistances by the emitted drop, "
        "m² K GW⁻¹",
        [
            *(Column(name, columns[name]) for name in ("left", "layer", "right")),
            *(Column(head, [value * 1e9 for value in columns[name]]) for head, name in numbers),
            Column("gain", columns["gain"]),
            Column("path (nm)", paths),
            Column("", columns["physics"]),
        ],
    )
    if not screening.thickness:
        yield Note("without the resistance of the layers themselves: --thickness 5nm adds it")
    if solved is not None:
        yield _solved_table(solved)
    yield Note(
        "a real layer lies between the two limits; where it is thinner than its mean free path (gray) it is rather "
        "ballistic"
    )


def _solved_table(solved: SolvedLayers) -> Table:
    numbers = (("without", solved.direct), ("with", solved.layered), ("layer alone", solved.film))
    return Table(
        f"Boltzmann equation, layers of {solved.thickness / nm:.4g} nm between films of {solved.sides / nm:.4g} nm; "
        "resistances by the extrapolated drop, m² K GW⁻¹",
        [
            *(Column(name, getattr(solved, name)) for name in ("left", "layer", "right")),
            *(Column(head, (values * 1e9).tolist()) for head, values in numbers),
            Column("gain", solved.gain.tolist()),
            Column("κ across (W/mK)", solved.conductivity.tolist()),
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


def _describe_list(screening: Screening, kelvin: float) -> Iterator[Part]:
    rows = (screening.temperature == kelvin).nonzero()[0]
    shown = rows[:_MAX_ROWS]
    columns = screening.columns(shown)
    within = [f"{low / 1e6:.2g} – {high / 1e6:.2g}" for low, high in zip(columns["low"], columns["high"], strict=True)]
    table: list[Column] = []
    for side in ("left", "right"):
        pairs = zip(columns[side], columns[f"{side}_formula"], strict=True)
        table.append(Column(side, [name if formula in ("", name) else f"{formula} {name}" for name, formula in pairs]))
    table += [
        Column("rank", columns["rank"]),
        Column("G", [value / 1e6 for value in columns["conductance"]]),
        Column("measured", [value / 1e6 for value in columns["expected"]]),
        Column("95 %", within),
    ]
    if not screening.ranking.each:
        chances = [
            (f"{100 * value:.2g} %" if value >= _RARE else f"< {100 * _RARE:g} %") for value in columns["probability"]
        ]
        table.append(Column(f"in best {screening.ranking.best}", chances))
    if screening.full_bands.any():
        table.append(Column("phonons", columns["spectra"]))
    order = "highest" if screening.ranking.order == "high" else "lowest"
    yield Table(
        f"{order} conductances at {kelvin:g} K of {screening.pairs} pairs of {screening.materials} materials, "
        f"{screening.method}, MW m⁻² K⁻¹",
        table,
    )
    yield from map(Note, screening.error.split("; ")[:_MAX_ERRORS])
    if rows.size > shown.size:
        yield Note(f"{rows.size - shown.size} more rows at this temperature: --save FILE keeps them")
