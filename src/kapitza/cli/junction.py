"""The commands `junction build` and `junction show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import Results
from kapitza.cli.layer import Keys, Option, Panel
from kapitza.cli.options import Calculation, Work, parse_normals, parse_whole_numbers
from kapitza.cli.output import note, print_record, quantity_json
from kapitza.cli.tables import Part, print_parts
from kapitza.errors import InputError
from kapitza.run import progress_bar
from kapitza.units import angstrom

if TYPE_CHECKING:
    from kapitza import Junction

_Texts = dict[str, Any]  # of options that a reader of keys checks


def _parse_orientations(text: str) -> _Texts:
    facing, behind = parse_normals(text)
    return {"orientation": list(facing), "right_orientation": list(behind)}


def _parse_pairs(texts: Sequence[str], what: str) -> list[tuple[str, str]]:
    """Names with what follows their colon."""
    pairs = [text.rpartition(":")[::2] for text in texts]
    for text, (name, value) in zip(texts, pairs, strict=True):
        if not (name.strip() and value.strip()):
            raise InputError(f"{what} {text!r:.40}: expected a name and a number, such as Ge:3")
    return [(name.strip(), value.strip()) for name, value in pairs]


def _parse_interlayers(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Tables [[interlayer]]."""
    pairs = _parse_pairs(texts, "interlayer")
    return [{"crystal": name, "layers": parse_whole_numbers(value, ",", "interlayer")[0]} for name, value in pairs]


def _parse_supercell(text: str) -> list[int]:
    """Two numbers of a supercell, 2x3."""
    if text.lower().count("x") != 1:
        raise InputError(f"supercell {text!r:.40}: expected two numbers such as 2x2")
    return parse_whole_numbers(text, "x", "supercell")


def _parse_substitutions(texts: Sequence[str]) -> dict[str, str]:
    return dict(_parse_pairs(texts, "substitute"))


def _parse_elements(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _parse_seeds(text: str) -> list[int]:
    return parse_whole_numbers(text, ",", "seed")


Orientation = Annotated[
    _Texts | None,
    Option("Miller indices of both faces, 001 if omitted; or left,right: 001,111", _parse_orientations, metavar="HKL"),
]
JunctionCalculation = Annotated[Calculation, Panel("Forces", "calculator calculator_args")]


def build(
    left: Annotated[str, typer.Argument(help="Crystal (Si), phonopy or structure file, or TOML file of a junction.")],
    right: Annotated[str | None, typer.Argument(help="The other crystal; omitted with a TOML file.")] = None,
    *,
    plan: Annotated[_Texts, Keys(kapitza.lattice.JunctionPlan, "", "potential strain limit layers twist mirror")],
    orientation: Orientation,
    cell: Annotated[str | None, Option("side of the largest common cell", metavar="LENGTH", shown="2 nm")],
    contact: Annotated[
        list[str] | None, Option("elements that meet: C,B", _parse_elements, metavar="LEFT,RIGHT")
    ],
    interlayer: Annotated[
        list[dict[str, Any]] | None,
        Option("crystal between both, Ge:3; repeatable", _parse_interlayers, metavar="CRYSTAL:LAYERS", given=list[str]),
    ],
    no_relax: Annotated[bool, Option("keep the sites of the crystals, and relax their distance only")],
    left_potential: Annotated[
        str | None, Option("potential of the left crystal alone; force constants then mix", panel="Forces")
    ],
    right_potential: Annotated[str | None, Option("potential of the right crystal alone", panel="Forces")],
    mixing: Annotated[_Texts, Keys(kapitza.lattice.SiteMixing, "Forces", "mixing scale")],
    forces: Annotated[_Texts, Keys(kapitza.lattice.JunctionPlan, "Forces", "reach mismatch")],
    calculation: JunctionCalculation,
    supercell: Annotated[
        list[int] | None, Option("repeats in the plane: 2x2", _parse_supercell, metavar="NxM", panel="Disorder")
    ],
    disorder: Annotated[
        _Texts,
        Keys(kapitza.lattice.Disorder, "Disorder", "intermixing profile roughness correlation vacancies depth"),
    ],
    substitutions: Annotated[
        dict[str, str] | None,
        Option(
            "foreign atoms near the interface, Ge:5%; repeatable", _parse_substitutions, names="--substitute",
            metavar="ELEMENT:FRACTION", given=list[str], panel="Disorder",
        ),
    ],
    seed: Annotated[
        list[int] | None,
        Option("random seed; of several, 1,2,3, one junction each", _parse_seeds, metavar="SEED", panel="Disorder"),
    ],
    springs: Annotated[_Texts, Keys(kapitza.lattice.ContactSprings, "Contact by springs", "normal shear")],
    sheet: Annotated[str | None, Option("sheet between the crystals: graphene", panel="Contact by springs")],
    sheet_potential: Annotated[str | None, Option("potential of the sheet: tersoff", panel="Contact by springs")],
    work: Work,
    files: Annotated[Results, Panel(names="save as_json")],
) -> None:  # fmt: skip
    """Match, strain, stack and relax two crystals, and compute the force constants: `junction build Si Ge ...`."""
    random = disorder | _given_options({"substitutions": substitutions})
    table = plan | forces | mixing | springs | (orientation or {}) | ({"relax": False} if no_relax else {})
    table |= calculation_keys(calculation) | _given_options(
        {
            "right": right, "cell": cell, "contact": contact, "interlayer": interlayer, "supercell": supercell,
            "left_potential": left_potential, "right_potential": right_potential, "sheet": sheet,
            "sheet_potential": sheet_potential, "disorder": random or None,
        }
    )  # fmt: skip
    file, table = _check_sides(left, table)
    with work.run("junctions") as shared:
        junctions = kapitza.io.junctions_from_options(
            table, file, seeds=seed or [], work=shared, progress=progress_bar("forces"), announce=note
        )
    paths = _numbered_names(files.save, len(junctions))
    for path, junction in zip(paths, junctions, strict=False):
        kapitza.save(junction, path)
    _report_junctions(junctions, files)
    for path in paths:
        note(f"wrote {path}")


def _check_sides(left: str, table: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the TOML file, if there is one, and the keys with both sides."""
    file = left if left.endswith(".toml") else None
    if file is None and "right" not in table:
        raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or a TOML file of a junction")
    if file is None:
        table = _calculator_of_both({"left": left, **table})
        for side in ("left", "right"):
            if not {"potential", f"{side}_potential"} & set(table) and not has_force_constants(table[side]):
                raise InputError(
                    f"{table[side]:.60} needs forces: expected --potential, such as tersoff, a phonopy or structure "
                    "file, or a name that `kapitza phonons` lists"
                )
    return file, table


def _calculator_of_both(table: dict[str, Any]) -> dict[str, Any]:
    """Take the calculator of a table as the potential of both crystals where neither is a structure file."""
    named = {"potential", "left_potential", "right_potential", "normal"} & set(table)
    structures = [side for side in ("left", "right") if kapitza.matter.is_structure_file(table[side])]
    if "calculator" not in table or named or structures:
        return table
    return {"potential" if key == "calculator" else key: value for key, value in table.items()}


def has_force_constants(name: str) -> bool:
    """Tell whether a name is that of a file or crystal with forces of its own."""
    path = name.endswith((".yaml", ".yml")) or kapitza.matter.is_structure_file(name)
    return path or kapitza.matter.has_phonons(name)


def junction_of_sides(left: str, right: str | None, keys: Mapping[str, Any]) -> Junction | None:
    """Return the junction of two crystals by a potential, or the mean of their force constants; None for one file."""
    if right is None and (keys or has_force_constants(left)):
        raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or the file of a junction")
    if right is None:
        return None
    _, table = _check_sides(left, {"right": right, **keys})
    return kapitza.io.junctions_from_options(table, progress=progress_bar("forces"), announce=note)[0]


def calculation_keys(calculation: Calculation) -> dict[str, Any]:
    """Keys of the calculator of structure files."""
    return _given_options({"calculator": calculation.calculator, "calculator_arguments": calculation.calculator_args})


def _given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _numbered_names(save: str | None, count: int) -> list[str]:
    """Names of files, numbered where there are several junctions; none where none is saved."""
    if save is None or count == 1:
        return [save] if save else []
    stem, dot, suffix = save.rpartition(".")
    return [f"{stem}-{i + 1}{dot}{suffix}" for i in range(count)]


def show(
    path: Annotated[str, typer.Argument(help="A saved junction, or a TOML file of one.")],
    files: Annotated[Results, Panel(names="as_json")],
) -> None:
    """Show the layers of a junction, and how well its device joins the leads."""
    junction = kapitza.io.read_junction(path)
    files.show(junction, _describe_junction(junction), _junction_numbers(junction))
    try:
        kapitza.lattice.check_junction_values(junction)
    except InputError as err:
        note(str(err))


def _report_junctions(junctions: list[Junction], files: Results) -> None:
    """Print the layers of junctions; several as a list in JSON."""
    numbers = [_junction_numbers(one) for one in junctions]
    if files.as_json and len(junctions) > 1:
        print_record({"junctions": junctions}, {"numbers": numbers})
        return
    for junction, derived in zip(junctions, numbers, strict=True):
        if files.as_json:
            print_record(junction, derived)
        else:
            print_parts(_describe_junction(junction))


def _junction_numbers(junction: Junction) -> dict[str, Any]:
    return {
        "atoms": sum(int(slab.masses.size) for slab in junction.device),
        "area": quantity_json(junction.area, "m^2"),
        "mismatch": kapitza.lattice.lead_mismatch(junction),
    }


def _describe_junction(junction: Junction) -> Iterator[Part]:
    yield junction.name
    for side in ("left", "right"):
        lead = junction.lead(side)
        yield (
            f"{side:6s} {lead.name}: {lead.masses.size} atoms in a principal layer of "
            f"{lead.thickness / angstrom:.4g} Å, {len(junction.tiles(side))} in a cell of the junction"
        )
    numbers = _junction_numbers(junction)
    cell = f"cell of {junction.area / angstrom**2:.4g} Å²"
    yield f"device {len(junction.device)} layers, {numbers['atoms']} atoms, {cell}"
    yield f"sum rule off by {junction.residual:.1e} of the largest force constant before it was enforced"
    left, right = numbers["mismatch"]["left"], numbers["mismatch"]["right"]
    yield f"outermost layers differ from the crystals by {left:.1e} (left) and {right:.1e} (right) of it"
