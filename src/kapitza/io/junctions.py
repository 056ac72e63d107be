"""Junction files of users: which crystals, which forces, how they meet; TOML in, `Junction` out.

left = "Si"                  # a name, or a phonopy file
right = "Ge"
potential = "tersoff"        # or, for phonopy files, how their force constants mix: mixing = "mean"
orientation = [0, 0, 1]
strain = "right"

[disorder]
intermixing = "0.3 nm"
seed = 1

With `normal` and `shear`, stiffnesses of a contact per area, the crystals touch by springs, a `sheet` between them if
there is one.  Crystals from files, or each with a potential of its own (`left_potential`), share no potential: their
force constants mix.
"""

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import load
from kapitza.io.toml import TomlTable, read_toml
from kapitza.matter.building.contact_springs import ContactSprings, spring_junction
from kapitza.matter.building.disorder import COMPOSITION_PROFILES, Disorder
from kapitza.matter.building.interaction_range import truncate_force_constants
from kapitza.matter.building.matching import MAX_MATCH_AREA, MAX_MATCH_STRAIN
from kapitza.matter.building.mixed_junction import SiteMixing, crystal_lead, junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_configurations
from kapitza.matter.building.surface import orient_crystal
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal, miller_normal
from kapitza.matter.junction import Junction
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import Structure, structure
from kapitza.units import angstrom

if TYPE_CHECKING:
    from kapitza.matter.building.disorder import CompositionProfile
    from kapitza.matter.building.matching import StrainedSide
    from kapitza.matter.building.mixed_junction import MixingRule

_POTENTIAL_KEYS = ("potential", "strain", "cell", "twist", "mirror", "contact", "interlayer", "relax")
_FILE_KEYS = ("mixing", "scale", "reach", "left_potential", "right_potential")
_SPRING_KEYS = ("normal", "shear", "sheet", "sheet_potential")
_JUNCTION_KEYS = ("left", "right", "orientation", "right_orientation", "limit", "layers", "supercell", "disorder")
_DISORDER_KEYS = ("seed", "intermixing", "roughness", "correlation", "vacancies", "substitutions", "depth", "profile")
_SOLID_KEYS = (
    "mixing", "scale", "twist", "mirror", "contact", "interlayer", "relax", "strain", "supercell", "disorder", "layers"
)  # fmt: skip
_MAX_JUNCTION_LAYERS, _MAX_REPEATS = 200, 32
_DEFAULT_REACH = 6 * angstrom  # of the force constants of files that name no other
_NOTICEABLE_TRUNCATION = 5e-3  # of the largest force constant: forces left out that are worth a warning


def read_junction(path: str | PathLike[str]) -> Junction:
    """Return the junction of a file: one that was saved (.h5, .npz, .json), or a TOML file to build it after.

    Raises
    ------
    DataError
        with file and line, for unknown keys, wrong units, numbers that are not finite, files that hold something else
    InputError
        if such a junction cannot be built; the message says why
    MissingEngine
        for a potential without ase and matscipy
    """
    if Path(path).suffix.lower() in RESULT_SUFFIXES:
        found = load(path)
        if not isinstance(found, Junction):
            raise DataError(f"holds a {type(found).__name__}, wanted a Junction", file=path)
        return found
    return _junctions_from_table(read_toml(path))[0]


def junctions_from_options(
    options: Mapping[str, Any],
    path: str | PathLike[str] | None = None,
    *,
    seeds: Sequence[int] = (),
    work: Mapping[str, Any] | None = None,
) -> list[Junction]:
    """Return the junctions of keys as a TOML file has them, one for each seed, or one; the keys of the file `path` hold
    where none is given, and `work` says how those of a potential are shared and kept, see `build_configurations`.
    """
    file = TomlTable(Path("options"), (), (), {}) if path is None else read_toml(path)
    if seeds:
        options = {**options, "disorder": {**options.get("disorder", {}), "seed": seeds[0]}}
    both = {**file.table, **options}
    if "disorder" in options and "disorder" in file:
        both["disorder"] = {**file.section("disorder").table, **options["disorder"]}
    return _junctions_from_table(TomlTable(file.path, file.lines, (), both), seeds, work)


def _junctions_from_table(
    file: TomlTable, seeds: Sequence[int] = (), work: Mapping[str, Any] | None = None
) -> list[Junction]:
    """Junctions of a table of keys."""
    file.check_keys((*_JUNCTION_KEYS, *_POTENTIAL_KEYS, *_FILE_KEYS, *_SPRING_KEYS))
    if "normal" in file:
        _refuse_keys(file, _SOLID_KEYS, "means nothing where springs join the crystals")
        return [_junction_by_springs(file)]
    _refuse_keys(file, _SPRING_KEYS, "is for contacts by springs: give `normal`, their stiffness per area")
    if "potential" in file:
        _refuse_keys(file, _FILE_KEYS, "is for force constants from files; with a potential it means nothing")
        return build_configurations(junction_plan(file), seeds, **(work or {}))
    _refuse_keys(file, _POTENTIAL_KEYS, "needs a potential, such as potential = 'tersoff'")
    random = _read_disorder(file)
    variants = [random and evolve(random, seed=seed) for seed in seeds] or [random]
    return [_junction_from_files(file, one) for one in variants]


def _refuse_keys(file: TomlTable, keys: tuple[str, ...], why: str) -> None:
    """Refuse keys that have no place beside others."""
    for key in keys:
        if key in file:
            raise file.fault(why, key)


def junction_plan(file: TomlTable) -> JunctionPlan:
    """Plan of a junction that a potential is to make."""
    side = file.number("cell", "length", MAX_MATCH_AREA**0.5)
    return JunctionPlan(
        left=file.text("left"),
        right=file.text("right"),
        potential=file.text("potential"),
        orientation=_miller_indices(file, "orientation") or (0, 0, 1),
        right_orientation=_miller_indices(file, "right_orientation"),
        strain=cast("StrainedSide", file.text("strain", "right", choices=("left", "right", "both"))),
        limit=file.number("limit", "share", MAX_MATCH_STRAIN),
        area=side**2,
        twist=file.optional("twist", "angle"),
        mirror=file.flag("mirror"),
        layers=file.count("layers", low=1, high=_MAX_JUNCTION_LAYERS) if "layers" in file else None,
        contact=_read_contact(file),
        interlayers=_read_interlayers(file),
        supercell=_read_repeats(file),
        disorder=_read_disorder(file),
        relax=file.flag("relax", default=True),
    )


def _junction_from_files(file: TomlTable, disorder: Disorder | None) -> Junction:
    """Junction of two crystals that no potential knows both."""
    facing = _miller_indices(file, "orientation") or (0, 0, 1)
    (left, normal), (right, back) = (
        _side_crystal(file, side, one)
        for side, one in (("left", facing), ("right", _miller_indices(file, "right_orientation") or facing))
    )
    try:
        sites = SiteMixing(
            mixing=cast("MixingRule", file.text("mixing", "mean", choices=("mean", "left", "right"))),
            scale=file.number("scale", "share", 1.0),
            layers=file.count("layers", 2, low=1, high=_MAX_JUNCTION_LAYERS),
            limit=file.number("limit", "share", MAX_MATCH_STRAIN),
            supercell=_read_repeats(file),
            disorder=disorder,
        )
        return junction_from_crystals(left, right, normal, back, sites=sites)
    except InputError as err:
        raise InputError(f"{file.path}: {err}") from err


def _junction_by_springs(file: TomlTable) -> Junction:
    """Junction of two crystals that touch, with a sheet between them or none."""
    facing = _miller_indices(file, "orientation") or (0, 0, 1)
    left, right = (
        crystal_lead(orient_crystal(*_side_crystal(file, side, indices)), None)
        for side, indices in (("left", facing), ("right", _miller_indices(file, "right_orientation") or facing))
    )
    springs = ContactSprings(file.number("normal", "stiffness"), file.number("shear", "stiffness", 0.0))
    return spring_junction(
        left,
        right,
        springs,
        sheet=_crystal_of(file, "sheet")[0] if "sheet" in file else None,
        limit=file.number("limit", "share", MAX_MATCH_STRAIN),
        area=file.number("cell", "length", MAX_MATCH_AREA**0.5) ** 2,
    )


def _crystal_of(file: TomlTable, side: str) -> tuple[Crystal, Structure]:
    """Crystal by name, at rest in its potential, and its structure."""
    one = structure(file.text(side))
    engine = published_potential(file.text(_potential_key(file, side)), one.symbols)
    rest = relax_cell(one, engine)
    return crystal_from_potential(rest, engine), rest


def _potential_key(file: TomlTable, side: str) -> str:
    """Key that names the potential of a side, its own or that of all."""
    own = f"{side}_potential"
    return own if own in file or "potential" not in file else "potential"


def _side_crystal(file: TomlTable, side: str, indices: tuple[int, int, int]) -> tuple[Crystal, Array]:
    """Crystal of one side with forces that end, and the Cartesian normal of its surface."""
    path, key = file.beside(side), _potential_key(file, side)
    if key in file and path.suffix.lower() not in (".yaml", ".yml"):
        crystal, rest = _crystal_of(file, side)
        axes = rest.lattice if rest.axes is None else rest.axes
        return crystal, np.asarray(np.linalg.inv(axes) @ np.array(indices, dtype=float), dtype=float)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise file.fault(
            f"{file.text(side)!r} is not a phonopy file (.yaml); a crystal by name needs potential = 'tersoff' or "
            f"another one, or {key} of its own",
            side,
        )
    normal = miller_normal(path, indices)
    return _truncated_crystal(path, file.number("reach", "length", _DEFAULT_REACH), normal), normal


def _truncated_crystal(path: Path, reach: float, normal: Array) -> Crystal:
    """Crystal of a phonopy file with forces up to `reach` along a normal, m; what is left out is said in a warning."""
    found = truncate_force_constants(load_crystal(path, nac=False), reach, reference=load_crystal(path), normal=normal)
    if found.dropped > _NOTICEABLE_TRUNCATION:
        warnings.warn(str(found), ValidityWarning, stacklevel=4)
    return found.crystal


def _miller_indices(file: TomlTable, key: str) -> tuple[int, int, int] | None:
    """Miller indices, or None where there are none."""
    if key not in file:
        return None
    value = file.table[key]
    if isinstance(value, list) and len(cast("list[object]", value)) == 3:
        indices = [index for index in cast("list[object]", value) if type(index) is int and abs(index) <= 12]
        if len(indices) == 3 and any(indices):
            return indices[0], indices[1], indices[2]
    raise file.fault(f"expected three integers such as [0, 0, 1], got {value!r:.60}", key)


def _read_repeats(file: TomlTable) -> tuple[int, int]:
    """Repeats of the cell in the plane."""
    value = file.table.get("supercell", [1, 1])
    if isinstance(value, list):
        counts = [n for n in cast("list[object]", value) if type(n) is int and 1 <= n <= _MAX_REPEATS]
        if len(counts) == 2 == len(cast("list[object]", value)):
            return counts[0], counts[1]
    raise file.fault(f"expected two whole numbers from 1 to {_MAX_REPEATS}, got {value!r:.60}", "supercell")


def _read_contact(file: TomlTable) -> tuple[str | None, str | None]:
    """Elements that meet at the interface."""
    names = file.texts("contact")
    if len(names) not in (0, 2):
        raise file.fault(f"expected two elements such as ['C', 'B'], got {list(names)}", "contact")
    return (names[0], names[1]) if names else (None, None)


def _read_interlayers(file: TomlTable) -> tuple[tuple[str, int], ...]:
    """Crystals between the two, each with its number of principal layers."""
    found: list[tuple[str, int]] = []
    for table in file.sections("interlayer"):
        table.check_keys(("crystal", "layers"))
        found.append((table.text("crystal"), table.count("layers", low=1, high=_MAX_JUNCTION_LAYERS)))
    return tuple(found)


def _read_disorder(file: TomlTable) -> Disorder | None:
    """What is random about the interface, or None."""
    if "disorder" not in file:
        return None
    table = file.section("disorder")
    table.check_keys(_DISORDER_KEYS)
    foreign = table.section("substitutions")
    plain = Disorder()
    try:
        return Disorder(
            seed=table.count("seed", 0),
            intermixing=table.number("intermixing", "length", 0.0),
            roughness=table.number("roughness", "length", 0.0),
            correlation=table.number("correlation", "length", plain.correlation),
            vacancies=table.number("vacancies", "share", 0.0),
            substitutions={symbol: foreign.number(symbol, "share") for symbol in foreign.table},
            depth=table.number("depth", "length", plain.depth),
            profile=cast("CompositionProfile", table.text("profile", plain.profile, choices=COMPOSITION_PROFILES)),
        )
    except InputError as err:
        raise table.fault(str(err)) from err
