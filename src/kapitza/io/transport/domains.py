"""Files of domains for Monte Carlo: boxes and prisms of several materials in one to three dimensions.

Materials and boundaries have the keys of a file of films; the page "Follow phonons through a device" shows a file.
"""

from collections.abc import Mapping
from os import PathLike
from typing import cast

from attrs import NOTHING, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.io.boundaries import boundaries
from kapitza.io.quantities import quantity
from kapitza.io.toml import TITLE, Table, TomlTable, locate_faults, number, read_toml, special, table, tables, text
from kapitza.io.transport.films import (
    DOMAIN_MATERIAL,
    FREQUENCY_BINS,
    WALL_TABLE,
    LayerPhonons,
    read_carriers,
    read_film_boundary,
    read_layer_phonons,
    read_wall,
    shared_group_edges,
    whole_number,
)
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain, DomainShape, HotSpot, Prism
from kapitza.simulate.boltzmann.domain import SideCondition as Outer
from kapitza.simulate.boltzmann.monte_carlo.simulation import DEFAULT_BATCHES, MonteCarloSettings

_POWER_KEYS = ("flux", "power_per_length", "power")  # of a source, by dimension
_DEFAULT_PARTICLES = 100_000
_MAX_BOXES, _MAX_CORNERS = 10_000, 1_000


def _read_lengths(section: TomlTable, key: str) -> tuple[float, ...]:
    """One length, or one for each axis, m."""
    value = section.table.get(key)
    if not isinstance(value, list):
        return (section.number(key, "length"),)
    entries = cast("list[object]", value)
    return locate_faults(section, key, lambda: tuple(quantity(one, "length", what="value") for one in entries))


def _read_corners(section: TomlTable) -> list[tuple[float, ...]]:
    """Corners of a polygon, m."""
    value = section.table["corners"]
    if not isinstance(value, list):
        raise section.fault(f"expected a list of corners [x, y], got {value!r:.40}", "corners")
    entries = cast("list[object]", value)
    if len(entries) > _MAX_CORNERS:
        raise section.fault(f"{len(entries)} corners, expected at most {_MAX_CORNERS}", "corners")
    found: list[tuple[float, ...]] = []
    for one in entries:
        if not isinstance(one, list) or len(cast("list[object]", one)) != len("xy"):
            raise section.fault(f"expected corners of two lengths [x, y] each, got {one!r:.40}", "corners")
        found.append(tuple(quantity(x, "length", what="corner") for x in cast("list[object]", one)))
    return found


def _check_content(section: TomlTable) -> None:
    """Refuse a box of neither a material nor a wall, or of both."""
    if ("material" in section) == ("wall" in section):
        said = "both" if "wall" in section else "none"
        raise section.fault(f"expected a material or a wall, got {said}")


def _check_materials(top: TomlTable) -> None:
    """Refuse a domain without materials."""
    if not top.sections("materials"):
        raise top.fault("no [[materials]]: give at least one", "materials")


def _check_boxes(top: TomlTable) -> None:
    """Refuse a domain without boxes, or with too many of them."""
    count = len(top.sections("boxes"))
    if not 0 < count <= _MAX_BOXES:
        raise top.fault(f"{count} [[boxes]], expected 1 to {_MAX_BOXES}", "boxes")


_LENGTHS = "length or a list of one for each axis"
_CONTENT = (
    text("name", "name of the box; its material if omitted", None),
    text("material", "name of one of the materials", None),
    table("wall", WALL_TABLE),
)
BOXES = {
    "low and high": Table(
        [
            *_CONTENT,
            special("low", _LENGTHS, "lower corner", _read_lengths, NOTHING),
            special("high", _LENGTHS, "upper corner", _read_lengths, NOTHING),
        ],
        "Block of a material or of a wall.",
        checks=(_check_content,),
    ),
    "corners": Table(
        [
            *_CONTENT,
            special("corners", "list of corners [x, y]", "corners of a polygon"),
            special("height", _LENGTHS, "range along the third axis", _read_lengths),
        ],
        "Prism of a material or of a wall.",
        checks=(_check_content,),
    ),
}
HOT_SPOT = Table(
    [
        special("low", _LENGTHS, "lower corner", _read_lengths, NOTHING),
        special("high", _LENGTHS, "upper corner", _read_lengths, NOTHING),
        special(
            "power", "`flux`, `power_per_length` or `power`", "power of the source, by the dimension of the domain"
        ),
    ],
    "Heat source.",
)
DOMAIN = Table(
    [
        TITLE,
        number("temperature", "temperature", "mean temperature", 300.0),
        FREQUENCY_BINS,
        special("spacing", _LENGTHS, "largest width of a cell along each axis", _read_lengths, NOTHING),
        whole_number("particles", "number of simulated phonons", _DEFAULT_PARTICLES),
        whole_number("batches", "number of independent batches, for the errors", DEFAULT_BATCHES),
        whole_number("seed", "random seed", 0),
        tables("materials", DOMAIN_MATERIAL),
        tables("boxes", BOXES, choose=lambda box: "corners" if "corners" in box else "low and high"),
        tables("sources", HOT_SPOT),
        boundaries("scattering at each boundary, by the names of two boxes"),
        special("walls", "table", "sides of the domain: `periodic`, `mirror` or a wall", TomlTable.section),
    ],
    checks=(_check_materials, _check_boxes),
)


@frozen(eq=False)
class DomainFile(BaseRecord):
    """What a file of a domain says: boxes and their bounds."""

    title: str
    domain: Domain
    spacing: tuple[float, ...] = field(metadata=about("m", "largest width of a cell along each axis"))
    settings: MonteCarloSettings


def read_domain(path: str | PathLike[str]) -> DomainFile:
    """Read a file of a domain and the files that it names.

    Raises
    ------
    DataError
        with file, key and line, for unknown keys, units of another kind, missing or impossible numbers, a boundary that
        is given twice or as a conductance
    OSError
        if a file is missing or may not be read
    """
    top = read_toml(path)
    if "layers" in top and "boxes" not in top:
        raise top.fault(
            "layers make a stack, for `kapitza transport` without --monte-carlo; domains have [[materials]], [[boxes]]",
            "layers",
        )
    for one in top.sections("materials"):
        if "thickness" in one:
            raise one.fault("a material has no thickness: its boxes have corners", "thickness")
    values = DOMAIN.read(top)
    temperature = values["temperature"]
    sides = _read_materials(top, temperature)
    edges = locate_faults(top, "", lambda: shared_group_edges(list(sides.values()), values["bins"]))
    held = {
        name: locate_faults(side.section, "", lambda n=name, s=side: read_carriers(s, n, edges, temperature))
        for name, side in sides.items()
    }
    boxes = tuple(locate_faults(one, "", lambda s=one: _read_box(s, held)) for one in values["boxes"])
    made_of = {box.name: sides[box.matter.name] for box in boxes if isinstance(box.matter, Carriers)}
    domain = locate_faults(
        top,
        "",
        lambda: Domain(
            boxes,
            _read_boundaries(top.section("boundaries"), made_of, edges),
            _read_walls(top.section("walls")),
            tuple(locate_faults(one, "", lambda s=one: _read_source(s)) for one in top.sections("sources")),
        ),
    )
    counts = {key: values[key] for key in ("particles", "seed", "batches")}
    settings = locate_faults(top, "particles", lambda: MonteCarloSettings(**counts))
    return DomainFile(values["title"] or top.path.stem, domain, values["spacing"], settings)


def _read_materials(top: TomlTable, temperature: float) -> dict[str, LayerPhonons]:
    """What the materials are made of, by name."""
    sides: dict[str, LayerPhonons] = {}
    for one in top.sections("materials"):
        name = one.text("name", one.text("material", "") or None)
        if name in sides:
            raise one.fault(f"two materials are named {name!r}: give each its own name")
        sides[name] = locate_faults(one, "", lambda s=one: read_layer_phonons(s, temperature))
    return sides


def _read_box(section: TomlTable, carriers: Mapping[str, Carriers]) -> DomainShape:
    """One block or prism, of a material or of a wall."""
    values = BOXES["corners" if "corners" in section else "low and high"].read(section)
    wall = "wall" in section
    matter = read_wall(section, "wall") if wall else carriers[section.text("material", choices=carriers)]
    name = values["name"] if values["name"] is not None else "wall" if isinstance(matter, Wall) else matter.name
    if "corners" not in section:
        return Cuboid(values["low"], values["high"], matter, name)
    corners = locate_faults(section, "corners", lambda: _read_corners(section))
    return Prism(corners, matter, name, values["height"])


def _read_source(section: TomlTable) -> HotSpot:
    """One hot spot."""
    values = HOT_SPOT.read(section)
    kind = _POWER_KEYS[min(len(values["low"]), len(_POWER_KEYS)) - 1]
    return HotSpot(values["low"], values["high"], section.number("power", kind))


def _read_boundaries(
    section: TomlTable, made_of: Mapping[str, LayerPhonons], edges: Array
) -> dict[str, InterfaceScattering]:
    """Boundaries by their names."""
    found: dict[str, InterfaceScattering] = {}
    for name in section.table:
        left, _, right = name.partition("|")
        if left not in made_of or right not in made_of:
            known = ", ".join(made_of)
            raise section.fault(f'expected "left|right" with the names of two regions out of {known}', name)
        sides = made_of[left], made_of[right]
        found[name] = locate_faults(section, name, lambda n=name, s=sides: read_film_boundary(section, n, s, edges))
    return found


def _read_walls(section: TomlTable) -> dict[str, Outer]:
    """Walls around the domain."""
    found: dict[str, Outer] = {}
    for name, value in section.table.items():
        if value == "periodic":
            found[name] = "periodic"
        elif value == "mirror":
            found[name] = Wall(None, 1.0)
        elif isinstance(value, dict):
            found[name] = read_wall(section, name)
        else:
            raise section.fault(f'expected "periodic", "mirror" or a table of a wall, got {value!r:.40}', name)
    return found
