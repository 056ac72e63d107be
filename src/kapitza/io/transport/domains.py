"""Files of domains for Monte Carlo: boxes and prisms of several materials in one to three dimensions.

Materials and boundaries have the keys of a file of films; the page "Follow phonons through a device" shows a file.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any, cast

from attrs import NOTHING, field, frozen

from kapitza.core.arrays import Array, about
from kapitza.core.records import BaseRecord
from kapitza.io import toml
from kapitza.io.boundaries import boundaries
from kapitza.io.toml import Table, TomlTable
from kapitza.io.transport import films
from kapitza.io.transport.films import LayerPhonons
from kapitza.simulate.boltzmann.boundaries import InterfaceScattering, Wall
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.domain import Cuboid, Domain, DomainShape, HotSpot, Prism
from kapitza.simulate.boltzmann.domain import SideCondition as Outer
from kapitza.simulate.boltzmann.monte_carlo.simulation import DEFAULT_BATCHES, MonteCarloSettings

_POWER_KEYS = ("flux", "power_per_length", "power")  # of a source, by dimension
_DEFAULT_PARTICLES = 100_000
_MAX_BOXES, _MAX_CORNERS = 10_000, 1_000


def _read_lengths(section: TomlTable, key: str) -> tuple[float, ...]:
    value = section.table.get(key)
    if not isinstance(value, list):
        return (section.number(key, "length"),)
    entries = cast("list[object]", value)
    return tuple(toml.read_quantity(section, key, length, "length") for length in entries)


def _read_corners(section: TomlTable, key: str) -> list[tuple[float, ...]]:
    value = section.table[key]
    if not isinstance(value, list):
        raise section.fault(f"expected a list of corners [x, y], got {value!r:.40}", key)
    entries = cast("list[Any]", value)
    if len(entries) > _MAX_CORNERS:
        raise section.fault(f"{len(entries)} corners, expected at most {_MAX_CORNERS}", key)
    for corner in entries:
        if not isinstance(corner, list) or len(cast("list[object]", corner)) != len("xy"):
            raise section.fault(f"expected corners of two lengths [x, y] each, got {corner!r:.40}", key)
    return [tuple(toml.read_quantity(section, key, x, "length", "corner") for x in corner) for corner in entries]


def _check_content(section: TomlTable) -> None:
    if ("material" in section) == ("wall" in section):
        said = "both" if "wall" in section else "none"
        raise section.fault(f"expected a material or a wall, got {said}")


def _check_boxes(top: TomlTable) -> None:
    count = len(top.sections("boxes"))
    if not 0 < count <= _MAX_BOXES:
        raise top.fault(f"{count} [[boxes]], expected 1 to {_MAX_BOXES}", "boxes")


_LENGTHS = "length or a list of one for each axis"
_CONTENT = (
    toml.text("name", "name of the box; its material if omitted", None),
    toml.text("material", "name of one of the materials", None),
    toml.table("wall", films.WALL_TABLE),
)
BOXES = {
    "low and high": Table(
        [
            *_CONTENT,
            toml.special("low", _LENGTHS, "lower corner", _read_lengths, NOTHING),
            toml.special("high", _LENGTHS, "upper corner", _read_lengths, NOTHING),
        ],
        "Block of a material or of a wall.",
        checks=(_check_content,),
    ),
    "corners": Table(
        [
            *_CONTENT,
            toml.special("corners", "list of corners [x, y]", "corners of a polygon", _read_corners),
            toml.special("height", _LENGTHS, "range along the third axis", _read_lengths),
        ],
        "Prism of a material or of a wall.",
        checks=(_check_content,),
    ),
}
HOT_SPOT = Table(
    [
        toml.special("low", _LENGTHS, "lower corner", _read_lengths, NOTHING),
        toml.special("high", _LENGTHS, "upper corner", _read_lengths, NOTHING),
        toml.special(
            "power", "`flux`, `power_per_length` or `power`", "power of the source, by the dimension of the domain"
        ),
    ],
    "Heat source.",
)
DOMAIN = Table(
    [
        toml.TITLE,
        toml.number("temperature", "temperature", "mean temperature", 300.0),
        films.FREQUENCY_BINS,
        toml.special("spacing", _LENGTHS, "largest width of a cell along each axis", _read_lengths, NOTHING),
        films.whole_number("particles", "number of simulated phonons", _DEFAULT_PARTICLES),
        films.whole_number("batches", "number of independent batches, for the errors", DEFAULT_BATCHES),
        films.whole_number("seed", "random seed", 0),
        toml.tables("materials", films.DOMAIN_MATERIAL),
        toml.tables("boxes", BOXES, choose=lambda box: "corners" if "corners" in box else "low and high"),
        toml.tables("sources", HOT_SPOT),
        boundaries("scattering at each boundary, by the names of two boxes"),
        toml.special("walls", "table", "sides of the domain: `periodic`, `mirror` or a wall", TomlTable.section),
    ],
    checks=(
        toml.refuse_if(lambda top: not top.sections("materials"), "no [[materials]]: give at least one", "materials"),
        _check_boxes,
    ),
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
    top = toml.read_toml(path)
    if "layers" in top and "boxes" not in top:
        raise top.fault(
            "layers make a stack, for `kapitza transport` without --monte-carlo; domains have [[materials]], [[boxes]]",
            "layers",
        )
    for section in top.sections("materials"):
        if "thickness" in section:
            raise section.fault("a material has no thickness: its boxes have corners", "thickness")
    values = DOMAIN.read(top)
    temperature = values["temperature"]
    sides: dict[str, LayerPhonons] = {}
    for section in values["materials"]:
        name = section.text("name", section.text("material", "") or None)
        if name in sides:
            raise section.fault(f"two materials are named {name!r}: give each its own name")
        sides[name] = section.locate("", films.read_layer_phonons, section, temperature)
    edges = top.locate("", films.shared_group_edges, list(sides.values()), values["bins"])
    carriers = {
        name: side.section.locate("", films.read_carriers, side, name, edges, temperature)
        for name, side in sides.items()
    }
    boxes = tuple(section.locate("", _read_box, section, carriers) for section in values["boxes"])
    made_of = {box.name: sides[box.matter.name] for box in boxes if isinstance(box.matter, Carriers)}
    crossings = _read_boundaries(top.section("boundaries"), made_of, edges)
    sources: list[HotSpot] = []
    for section in top.sections("sources"):
        low, high, _ = HOT_SPOT.read(section).values()
        power = section.number("power", _POWER_KEYS[min(len(low), len(_POWER_KEYS)) - 1])
        sources.append(section.locate("", HotSpot, low, high, power))
    domain = top.locate("", Domain, boxes, crossings, _read_walls(top.section("walls")), tuple(sources))
    counts = {key: values[key] for key in ("particles", "seed", "batches")}
    settings = top.locate("particles", lambda: MonteCarloSettings(**counts))
    return DomainFile(values["title"] or top.path.stem, domain, values["spacing"], settings)


def _read_box(section: TomlTable, carriers: Mapping[str, Carriers]) -> DomainShape:
    values = BOXES["corners" if "corners" in section else "low and high"].read(section)
    wall = "wall" in section
    matter = films.read_wall(section, "wall") if wall else carriers[section.text("material", choices=carriers)]
    name = values["name"] if values["name"] is not None else "wall" if isinstance(matter, Wall) else matter.name
    if "corners" not in section:
        return Cuboid(values["low"], values["high"], matter, name)
    return Prism(values["corners"], matter, name, values["height"])


def _read_boundaries(
    section: TomlTable, made_of: Mapping[str, LayerPhonons], edges: Array
) -> dict[str, InterfaceScattering]:
    crossings: dict[str, InterfaceScattering] = {}
    for name in section.table:
        left, _, right = name.partition("|")
        if left not in made_of or right not in made_of:
            known = ", ".join(made_of)
            raise section.fault(f'expected "left|right" with the names of two regions out of {known}', name)
        sides = made_of[left], made_of[right]
        crossings[name] = section.locate(name, films.read_film_boundary, section, name, sides, edges)
    return crossings


def _read_walls(section: TomlTable) -> dict[str, Outer]:
    found: dict[str, Outer] = {}
    for name, value in section.table.items():
        if value == "periodic":
            found[name] = "periodic"
        elif value == "mirror":
            found[name] = Wall(None, 1.0)
        elif isinstance(value, dict):
            found[name] = films.read_wall(section, name)
        else:
            raise section.fault(f'expected "periodic", "mirror" or a table of a wall, got {value!r:.40}', name)
    return found
