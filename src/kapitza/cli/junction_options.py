"""Options of `junction build`, and the keys of a junction file that they stand for."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from kapitza.cli.options import parse_normals
from kapitza.errors import InputError

Left = Annotated[str, typer.Argument(help="Crystal by name (Si), phonopy file (.yaml), or TOML file of a junction.")]
Right = Annotated[str | None, typer.Argument(help="The other crystal; left out with a TOML file.")]
Potential = Annotated[str | None, typer.Option(help="Of both: tersoff, sw, lj, erhart-albe, matsunaga or emt.")]
LeftPotential = Annotated[str | None, typer.Option(help="Of the left crystal alone; force constants then mix.")]
RightPotential = Annotated[str | None, typer.Option(help="Of the right crystal alone.")]
Mixing = Annotated[Literal["mean", "left", "right"] | None, typer.Option(help="Force constants across [mean].")]
Scale = Annotated[str | None, typer.Option(help="Factor on the force constants across [1].")]
Reach = Annotated[str | None, typer.Option(help="Of the forces of files along the normal [6 angstrom].")]
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
Save = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Save it: .h5, .npz or .json.")]


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given: neither left out, nor empty, nor a switch that is off."""
    return {key: value for key, value in options.items() if value is not None and value is not False and value != []}


def parse_orientations(text: str | None) -> dict[str, Any]:
    """Miller indices of both sides, as a file has them."""
    if text is None:
        return {}
    facing, behind = parse_normals(text)
    return {"orientation": list(facing), "right_orientation": list(behind)}


def parse_pairs(texts: Sequence[str] | None, what: str) -> list[tuple[str, str]]:
    """Names with what follows their colon."""
    found = [text.rpartition(":")[::2] for text in texts or ()]
    for text, (name, value) in zip(texts or (), found, strict=True):
        if not (name.strip() and value.strip()):
            raise InputError(f"{what} {text!r:.40}: expected a name and a number, such as Ge:3")
    return [(name.strip(), value.strip()) for name, value in found]


def parse_interlayers(texts: Sequence[str] | None) -> list[dict[str, Any]]:
    """Tables [[interlayer]]."""
    return [
        {"crystal": name, "layers": _parse_whole_number(value, "interlayer")}
        for name, value in parse_pairs(texts, "interlayer")
    ]


def _parse_whole_number(text: str, what: str) -> int:
    """Return a whole number of an option."""
    if not text.isdecimal() or len(text) > 9:
        raise InputError(f"{what} {text!r:.40}: expected a whole number")
    return int(text)


def parse_supercell(text: str | None) -> list[int] | None:
    """Two numbers of a supercell, 2x3."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2:
        raise InputError(f"supercell {text!r:.40}: expected two numbers such as 2x2")
    return [_parse_whole_number(part.strip(), "supercell") for part in parts]


def parse_elements(text: str | None) -> list[str] | None:
    """Two elements, C,B."""
    return None if text is None else [part.strip() for part in text.split(",")]


def parse_seeds(text: str | None) -> list[int]:
    """Seeds, none where nobody gave any."""
    return [] if text is None else [_parse_whole_number(part.strip(), "seed") for part in text.split(",")]
