"""The verbs of junctions: build one from two crystals and a potential, look at one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.figures import check_output
from kapitza.cli.options import (
    Calculator,
    CalculatorArguments,
    DaskAddress,
    Json,
    StoreFolder,
    WorkerCount,
    long_work,
    parse_calculator_arguments,
    parse_normals,
)
from kapitza.cli.output import note, print_record, print_text, quantity_json
from kapitza.errors import InputError
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.run.progress import progress_bar
from kapitza.units import angstrom

if TYPE_CHECKING:
    from kapitza.matter.junction import Junction

Left = Annotated[str, typer.Argument(help="Crystal by name (Si), phonopy or structure file, or TOML of a junction.")]
Right = Annotated[str | None, typer.Argument(help="The other crystal; left out with a TOML file.")]
Potential = Annotated[
    str | None,
    typer.Option(help="Of both: tersoff, sw, lj, emt, nequix, sevenn, a file (CuNi.eam.alloy) or module:Class."),
]
LeftPotential = Annotated[str | None, typer.Option(help="Of the left crystal alone; force constants then mix.")]
RightPotential = Annotated[str | None, typer.Option(help="Of the right crystal alone.")]
Mixing = Annotated[Literal["mean", "left", "right"] | None, typer.Option(help="Force constants across [mean].")]
Scale = Annotated[str | None, typer.Option(help="Factor on the force constants across [1].")]
Reach = Annotated[
    str | None, typer.Option(help="Of forces of files along the normal, or of a calculator [6 angstrom].")
]
Orientation = Annotated[str | None, typer.Option(help="Miller indices: 001 [default], or left,right as 001,111.")]
Strain = Annotated[Literal["left", "right", "both"] | None, typer.Option(help="Which crystal fits itself [right].")]
Limit = Annotated[str | None, typer.Option(help="Largest strain: 5 % [default].")]
CellOption = Annotated[str | None, typer.Option(help="Side of the largest common cell [2 nm].")]
Layers = Annotated[int | None, typer.Option(help="Principal layers of the device on either side.")]
Twist = Annotated[str | None, typer.Option(help="Turn the right crystal about the normal: 36.87 deg.")]
Mirror = Annotated[bool, typer.Option("--mirror", help="Mirror the right crystal: twins and tilt boundaries.")]
ContactOption = Annotated[str | None, typer.Option(help="Elements that meet, left,right: C,B.")]
Interlayer = Annotated[
    list[str] | None, typer.Option(metavar="CRYSTAL:LAYERS", help="Crystal between, such as Ge:3; may be repeated.")
]
Mismatch = Annotated[
    str | None,
    typer.Option(help="Allowed where forces of a network at the interface and in the crystals meet: 3 % [default]."),
]
NoRelax = Annotated[bool, typer.Option("--no-relax", help="Keep the sites of the crystals; only their distance fits.")]
Normal = Annotated[str | None, typer.Option(help="Crystals that touch by springs: stiffness along the normal, N/m3.")]
Shear = Annotated[str | None, typer.Option(help="The same along the plane [0].")]
SheetOption = Annotated[str | None, typer.Option(help="Sheet between crystals that touch: graphene.")]
SheetPotential = Annotated[str | None, typer.Option(help="Of the sheet alone: tersoff.")]
Supercell = Annotated[str | None, typer.Option(help="Repeats in the plane, for what is random: 2x2.")]
Intermixing = Annotated[str | None, typer.Option(help="Standard width over which both sides mix: 0.3 nm.")]
ProfileOption = Annotated[Literal["erf", "linear"] | None, typer.Option(help="Diffused or graded mixing [erf].")]
Roughness = Annotated[str | None, typer.Option(help="Rms height of the interface: 0.3 nm.")]
Correlation = Annotated[str | None, typer.Option(help="Length over which that height keeps [1 nm].")]
Vacancies = Annotated[str | None, typer.Option(help="Share of empty sites near the interface: 2 %.")]
Substitute = Annotated[
    list[str] | None,
    typer.Option(metavar="ELEMENT:SHARE", help="Foreign atoms near the interface: Ge:5%; may be repeated."),
]
Depth = Annotated[str | None, typer.Option(help="Distance from the interface with empty or foreign sites [0.5 nm].")]
Seed = Annotated[str | None, typer.Option(help="Of what is random: 1; or several, one junction each: 1,2,3.")]
SaveJunction = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save it: .h5, .npz or .json.")]


def build(
    left: Left,
    right: Right = None,
    potential: Potential = None,
    left_potential: LeftPotential = None,
    right_potential: RightPotential = None,
    mixing: Mixing = None,
    scale: Scale = None,
    reach: Reach = None,
    calculator: Calculator = None,
    calculator_args: CalculatorArguments = None,
    orientation: Orientation = None,
    strain: Strain = None,
    limit: Limit = None,
    cell: CellOption = None,
    layers: Layers = None,
    twist: Twist = None,
    mirror: Mirror = False,
    contact: ContactOption = None,
    interlayer: Interlayer = None,
    no_relax: NoRelax = False,
    mismatch: Mismatch = None,
    normal: Normal = None,
    shear: Shear = None,
    sheet: SheetOption = None,
    sheet_potential: SheetPotential = None,
    supercell: Supercell = None,
    intermixing: Intermixing = None,
    profile: ProfileOption = None,
    roughness: Roughness = None,
    correlation: Correlation = None,
    vacancies: Vacancies = None,
    substitute: Substitute = None,
    depth: Depth = None,
    seed: Seed = None,
    workers: WorkerCount = 1,
    store: StoreFolder = None,
    dask: DaskAddress = None,
    save: SaveJunction = None,
    as_json: Json = False,
) -> None:
    """Match, strain, stack and relax two crystals, and take the force constants: `junction build Si Ge ...`."""
    check_output(save, RESULT_SUFFIXES)
    foreign = dict(_parse_pairs(substitute, "substitute"))
    random = _given_options(
        {
            "intermixing": intermixing, "profile": profile, "roughness": roughness, "correlation": correlation,
            "vacancies": vacancies, "depth": depth, "substitutions": foreign or None,
        }
    )  # fmt: skip
    table = _given_options(
        {
            "right": right, "potential": potential, "left_potential": left_potential,
            "right_potential": right_potential, "mixing": mixing, "scale": scale, "reach": reach, "strain": strain,
            "limit": limit, "mismatch": mismatch, "cell": cell, "layers": layers, "twist": twist, "mirror": mirror,
            "contact": _parse_elements(contact), "interlayer": _parse_interlayers(interlayer),
            "normal": normal, "shear": shear, "sheet": sheet, "sheet_potential": sheet_potential,
            "supercell": _parse_supercell(supercell), "disorder": random or None,
            "calculator": calculator, "calculator_arguments": parse_calculator_arguments(calculator_args) or None,
        }
    )  # fmt: skip
    table |= _parse_orientations(orientation) | ({"relax": False} if no_relax else {})
    file, table = _check_sides(left, table)
    with long_work("junctions", workers, store, dask) as work:
        forces, seeds = progress_bar("forces"), _parse_seeds(seed)
        made = kapitza.io.junctions_from_options(table, file, seeds=seeds, work=work, progress=forces, announce=note)
    paths = _numbered_names(save, len(made))
    for path, one in zip(paths, made, strict=False):
        kapitza.save(one, path)
    _report_junctions(made, as_json)
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
    if (
        "calculator" not in table
        or named
        or any(kapitza.matter.is_structure_file(table[side]) for side in ("left", "right"))
    ):
        return table
    return {"potential" if key == "calculator" else key: value for key, value in table.items()}


def has_force_constants(name: str) -> bool:
    """Tell whether a name is that of a file or crystal with forces of its own."""
    path = name.endswith((".yaml", ".yml")) or kapitza.matter.is_structure_file(name)
    return path or kapitza.matter.has_phonons(name)


def junction_of_sides(
    left: str,
    right: str | None,
    orientation: str | None = None,
    calculator: str | None = None,
    arguments: Sequence[str] | None = None,
    potential: str | None = None,
    reach: str | None = None,
) -> Junction | None:
    """Return the junction of two crystals by a potential, or the mean of their force constants; None where a file holds
    a junction.
    """
    table = _given_options(
        {
            "right": right, "potential": potential, "reach": reach, "calculator": calculator,
            "calculator_arguments": parse_calculator_arguments(arguments) or None,
        }
    ) | _parse_orientations(orientation)  # fmt: skip
    if right is None and (table or has_force_constants(left)):
        raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or the file of a junction")
    if right is None:
        return None
    _, table = _check_sides(left, table)
    return kapitza.io.junctions_from_options(table, progress=progress_bar("forces"), announce=note)[0]


def _numbered_names(save: str | None, count: int) -> list[str]:
    """Names of files, numbered where there are several junctions; none where none is saved."""
    if save is None or count == 1:
        return [save] if save else []
    stem, dot, suffix = save.rpartition(".")
    return [f"{stem}-{i + 1}{dot}{suffix}" for i in range(count)]


def show(
    path: Annotated[str, typer.Argument(help="A saved junction, or a TOML file of one.")], as_json: Json = False
) -> None:
    """What a junction is made of, and how well its device joins the leads."""
    found = kapitza.io.read_junction(path)
    _report_junction(found, as_json)
    try:
        kapitza.lattice.check_junction_values(found)
    except InputError as err:
        note(str(err))


def _report_junctions(made: list[Any], as_json: bool) -> None:
    """Print what junctions are made of; several as a list in JSON."""
    if as_json and len(made) > 1:
        print_record({"junctions": made}, {"numbers": [_junction_numbers(one) for one in made]})
        return
    for one in made:
        _report_junction(one, as_json)


def _report_junction(made: Any, as_json: bool) -> None:
    """Print what a junction is made of."""
    found = _junction_numbers(made)
    if as_json:
        print_record(made, found)
        return
    print_text(made.name)
    for side in ("left", "right"):
        lead = made.lead(side)
        print_text(
            f"{side:6s} {lead.name}: {lead.masses.size} atoms in a principal layer of "
            f"{lead.thickness / angstrom:.4g} Å, {len(made.tiles(side))} in a cell of the junction"
        )
    print_text(f"device {len(made.device)} layers, {found['atoms']} atoms, cell of {made.area / angstrom**2:.4g} Å²")
    print_text(f"sum rule off by {made.residual:.1e} of the largest force constant before it was enforced")
    left, right = found["mismatch"]["left"], found["mismatch"]["right"]
    print_text(f"outermost layers differ from the crystals by {left:.1e} (left) and {right:.1e} (right) of it")


def _junction_numbers(made: Any) -> dict[str, Any]:
    """Return what follows from a junction, with units."""
    return {
        "atoms": sum(int(slab.masses.size) for slab in made.device),
        "area": quantity_json(made.area, "m^2"),
        "mismatch": kapitza.lattice.lead_mismatch(made),
    }


def _given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given: neither left out, nor empty, nor a switch that is off."""
    return {key: value for key, value in options.items() if value is not None and value is not False and value != []}


def _parse_orientations(text: str | None) -> dict[str, Any]:
    """Miller indices of both sides, as a file has them."""
    if text is None:
        return {}
    facing, behind = parse_normals(text)
    return {"orientation": list(facing), "right_orientation": list(behind)}


def _parse_pairs(texts: Sequence[str] | None, what: str) -> list[tuple[str, str]]:
    """Names with what follows their colon."""
    found = [text.rpartition(":")[::2] for text in texts or ()]
    for text, (name, value) in zip(texts or (), found, strict=True):
        if not (name.strip() and value.strip()):
            raise InputError(f"{what} {text!r:.40}: expected a name and a number, such as Ge:3")
    return [(name.strip(), value.strip()) for name, value in found]


def _parse_interlayers(texts: Sequence[str] | None) -> list[dict[str, Any]]:
    """Tables [[interlayer]]."""
    return [
        {"crystal": name, "layers": _parse_whole_number(value, "interlayer")}
        for name, value in _parse_pairs(texts, "interlayer")
    ]


def _parse_whole_number(text: str, what: str) -> int:
    """Return a whole number of an option."""
    if not text.isdecimal() or len(text) > 9:
        raise InputError(f"{what} {text!r:.40}: expected a whole number")
    return int(text)


def _parse_supercell(text: str | None) -> list[int] | None:
    """Two numbers of a supercell, 2x3."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2:
        raise InputError(f"supercell {text!r:.40}: expected two numbers such as 2x2")
    return [_parse_whole_number(part.strip(), "supercell") for part in parts]


def _parse_elements(text: str | None) -> list[str] | None:
    """Two elements, C,B."""
    return None if text is None else [part.strip() for part in text.split(",")]


def _parse_seeds(text: str | None) -> list[int]:
    """Seeds; none by default."""
    return [] if text is None else [_parse_whole_number(part.strip(), "seed") for part in text.split(",")]
