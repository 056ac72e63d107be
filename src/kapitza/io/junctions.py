"""Junction files of users: which crystals, which forces, how they meet; TOML in, `Junction` out.

left = "Si"                  # a name, a phonopy file, or a structure file (.cif, POSCAR)
right = "Ge"
potential = "tersoff"        # or, for phonopy files, how their force constants mix: mixing = "mean"
orientation = [0, 0, 1]
strain = "right"

[disorder]
intermixing = "0.3 nm"
seed = 1

A potential is a published one, a universal one (nequix, with `calculator_arguments` and `reach`), a file of LAMMPS
(CuNi.eam.alloy) or the import path of a calculator of ASE.

With `normal` and `shear`, stiffnesses of a contact per area, the crystals touch by springs, a `sheet` between them if
there is one.  Names without a potential have the force constants of the package, structure files those of a
`calculator` (with `calculator_arguments` and `relaxation`).  Such crystals share no potential, nor do those of phonopy
files, or with a potential each (`left_potential`): their force constants mix.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.errors import DataError, InputError, ValidityWarning
from kapitza.io import toml
from kapitza.io.formats.files import RESULT_SUFFIXES
from kapitza.io.results import load
from kapitza.io.toml import Bounds, Table, TomlTable
from kapitza.matter.building.contacts import ContactSprings, spring_junction
from kapitza.matter.building.disorder import COMPOSITION_PROFILES, Disorder
from kapitza.matter.building.layers import crystal_lead
from kapitza.matter.building.matching import MAX_MATCH_AREA, MAX_MATCH_STRAIN
from kapitza.matter.building.mixed_junction import SiteMixing, junction_from_crystals
from kapitza.matter.building.relaxed_junction import MAX_SEAM_MISMATCH, JunctionPlan, build_configurations
from kapitza.matter.building.surface import orient_crystal, truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal, miller_normal, primitive_cell_remark
from kapitza.matter.files.phonopy import unit_lattice
from kapitza.matter.files.structures import is_structure_file, read_structure
from kapitza.matter.junction import Junction
from kapitza.matter.phonons import has_phonons, named_structure, phonon_card, phonon_crystal
from kapitza.matter.plausibility import check_junction_values
from kapitza.matter.potentials.calculators import DEFAULT_CALCULATOR, is_calculator_name
from kapitza.matter.potentials.crystal_phonons import crystal_from_file
from kapitza.matter.potentials.finite_displacements import FiniteDisplacements
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.potentials.space_group import primitive_structure
from kapitza.matter.structure import Structure
from kapitza.run.work import Progress
from kapitza.units import angstrom, nm

if TYPE_CHECKING:
    from kapitza.matter.potentials.finite_displacements import Relaxation

_SOLID_KEYS = (
    "mixing", "scale", "twist", "mirror", "contact", "interlayer", "relax", "strain", "supercell", "disorder", "layers",
    "mismatch",
)  # fmt: skip
_MAX_JUNCTION_LAYERS, _MAX_REPEATS = 200, 32
_REACH_FAULT = "{value:.4g} m, wanted above 0 and at most 100 nm (a number without a unit is in m: '6 angstrom')"
_DEFAULT_REACH = 6 * angstrom  # of the force constants of files that name no other
_NOTICEABLE_TRUNCATION = 5e-3  # of the largest force constant: forces left out that are worth a warning


def _miller_indices(file: TomlTable, key: str) -> tuple[int, int, int]:
    value = file.table[key]
    given = cast("list[object]", value) if isinstance(value, list) else []
    indices = [index for index in given if type(index) is int and abs(index) <= 12]
    if len(given) == len(indices) == 3 and any(indices):
        return indices[0], indices[1], indices[2]
    raise file.fault(f"expected three integers such as [0, 0, 1], got {value!r:.60}", key)


def _read_repeats(file: TomlTable, key: str) -> tuple[int, int]:
    value = file.table[key]
    given = cast("list[object]", value) if isinstance(value, list) else []
    counts = [count for count in given if type(count) is int and 1 <= count <= _MAX_REPEATS]
    if len(given) == len(counts) == 2:
        return counts[0], counts[1]
    raise file.fault(f"expected two whole numbers from 1 to {_MAX_REPEATS}, got {value!r:.60}", key)


def _read_contact(file: TomlTable, key: str) -> tuple[str, str] | tuple[None, None]:
    names = file.texts(key)
    if len(names) not in (0, 2):
        raise file.fault(f"expected two elements such as ['C', 'B'], got {list(names)}", key)
    return (names[0], names[1]) if names else (None, None)


_POTENTIAL = (
    toml.text("potential", "potential of both crystals: a name, a file of LAMMPS or a calculator", None),
    toml.text("strain", "crystal that is strained", "right", choices=("left", "right", "both")),
    toml.number("cell", "length", "largest side of the common cell", MAX_MATCH_AREA**0.5),
    toml.number("twist", "angle", "twist of the right crystal; chosen if omitted", None),
    toml.flag("mirror", "mirror the right crystal"),
    toml.special("contact", "list of 2 elements", "elements that meet at the interface", _read_contact, (None, None)),
    toml.tables(
        "interlayer",
        Table(
            [
                toml.text("crystal", "name of the crystal"),
                toml.count("layers", "number of principal layers", low=1, high=_MAX_JUNCTION_LAYERS),
            ],
            "Crystal between the two.",
        ),
    ),
    toml.flag("relax", "relax the atoms at the interface", default=True),
    toml.number("mismatch", "share", "largest mismatch of forces at the seams", MAX_SEAM_MISMATCH),
)
_MIXING = (
    toml.text("mixing", "force constants across the interface", "mean", choices=("mean", "left", "right")),
    toml.number("scale", "share", "factor of the force constants across the interface", 1.0),
    toml.number(
        "reach",
        "length",
        "range of the forces; 6 angstrom if omitted",
        None,
        bounds=Bounds(0.0, 100 * nm, _REACH_FAULT, above=True),
    ),
    toml.text("left_potential", "potential of the left crystal alone", None),
    toml.text("right_potential", "potential of the right crystal alone", None),
)
_SPRINGS = (
    toml.number("normal", "stiffness", "normal stiffness of the contact per area", None),
    toml.number("shear", "stiffness", "shear stiffness of the contact per area", 0.0),
    toml.text("sheet", "sheet between the crystals", None),
    toml.text("sheet_potential", "potential of the sheet", None),
)
_CALCULATOR = (
    toml.text("calculator", "calculator of the forces of structure files", DEFAULT_CALCULATOR),
    toml.special("calculator_arguments", "table", "arguments of a calculator", TomlTable.section),
    toml.text("relaxation", "what is relaxed of structure files", "atoms", choices=("atoms", "cell", "none")),
)
DISORDER = Table(
    [
        toml.count("seed", "random seed", 0),
        toml.number("intermixing", "length", "width of the intermixed region", 0.0),
        toml.number("roughness", "length", "root mean square roughness", 0.0),
        toml.number("correlation", "length", "correlation length of the roughness", Disorder().correlation),
        toml.number("vacancies", "share", "fraction of missing atoms", 0.0),
        toml.special(
            "substitutions",
            "table",
            "fraction of the sites of each foreign element",
            lambda table, key: {e: table.section(key).number(e, "share") for e in table.section(key).table},
            {},
        ),
        toml.number("depth", "length", "depth of vacancies and substitutions", Disorder().depth),
        toml.text("profile", "profile of the intermixing", Disorder().profile, choices=COMPOSITION_PROFILES),
    ],
    "Disorder at the interface.",
)
_POTENTIAL_KEYS, _FILE_KEYS, _SPRING_KEYS, _CALCULATOR_KEYS = (
    tuple(key.name for key in keys) for keys in (_POTENTIAL, _MIXING, _SPRINGS, _CALCULATOR)
)
_SHARED_KEYS = ("calculator_arguments", "reach")  # of a potential that is a calculator, too
JUNCTION = Table(
    [
        toml.text("left", "left crystal: a name, a phonopy file or a structure file"),
        toml.text("right", "right crystal"),
        toml.special("orientation", "list of 3", "Miller indices of the interface", _miller_indices, (0, 0, 1)),
        toml.special(
            "right_orientation", "list of 3", "those of the right crystal; the same if omitted", _miller_indices
        ),
        toml.number("limit", "share", "largest strain", MAX_MATCH_STRAIN),
        toml.count("layers", "principal layers of the device", None, low=1, high=_MAX_JUNCTION_LAYERS),
        toml.special("supercell", "list of 2", "repeats of the cell in the plane", _read_repeats, (1, 1)),
        toml.table("disorder", DISORDER),
        *_POTENTIAL,
        *_MIXING,
        *_SPRINGS,
        *_CALCULATOR,
    ]
)


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
        saved = load(path)
        if not isinstance(saved, Junction):
            raise DataError(f"holds a {type(saved).__name__}, wanted a Junction", file=path)
        return saved
    return _junctions_from_table(toml.read_toml(path))[0]


def junctions_from_options(
    options: Mapping[str, Any],
    path: str | PathLike[str] | None = None,
    *,
    seeds: Sequence[int] = (),
    work: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], object] | None = None,
) -> list[Junction]:
    """Return the junctions of keys as a TOML file has them, one for each seed, or one; the keys of the file `path` hold
    where none is given, and `work` says how those of a potential are shared and kept, see `build_configurations`;
    `progress` is called with the number of finished and of all evaluations of forces, `announce` with lines that say
    what to cite, how much work there is, and what is cut off.
    """
    file = TomlTable(Path("options"), (), (), {}) if path is None else toml.read_toml(path)
    if seeds:
        options = {**options, "disorder": {**options.get("disorder", {}), "seed": seeds[0]}}
    both = {**file.table, **options}
    if "disorder" in options and "disorder" in file:
        both["disorder"] = {**file.section("disorder").table, **options["disorder"]}
    monitor = {"progress": progress, "announce": announce}
    return _junctions_from_table(TomlTable(file.path, file.lines, (), both), seeds, work, monitor)


def _junctions_from_table(
    file: TomlTable,
    seeds: Sequence[int] = (),
    work: Mapping[str, Any] | None = None,
    monitor: Mapping[str, Any] | None = None,
) -> list[Junction]:
    monitor = dict(monitor or {})
    progress = monitor.get("progress")
    JUNCTION.check(file)
    if not any(side in file and is_structure_file(file.text(side)) for side in ("left", "right")):
        named = {"potential", "left_potential", "right_potential"} & set(file.table)
        own = ("calculator", "relaxation") if named else _CALCULATOR_KEYS
        why = "is for structure files such as Si.cif, and neither side is one; forces of both by name: potential"
        _refuse_keys(file, own, why)
    if "normal" in file:
        _refuse_keys(file, _SOLID_KEYS, "means nothing where springs join the crystals")
        return [_junction_by_springs(file, progress)]
    _refuse_keys(file, _SPRING_KEYS, "is for contacts by springs: give `normal`, their stiffness per area")
    if "potential" in file:
        no_files = "is for force constants from files; with a potential it means nothing"
        _refuse_keys(file, tuple(key for key in (*_FILE_KEYS, *_CALCULATOR_KEYS) if key not in _SHARED_KEYS), no_files)
        return build_configurations(junction_plan(file), seeds, **(work or {}), monitor=monitor)
    _refuse_keys(file, _POTENTIAL_KEYS, "needs a potential, such as potential = 'tersoff'")
    random = _read_disorder(file)
    variants = [random and evolve(random, seed=seed) for seed in seeds] or [random]
    return [_junction_from_files(file, one, progress) for one in variants]


def _refuse_keys(file: TomlTable, keys: tuple[str, ...], why: str) -> None:
    for key in keys:
        if key in file:
            raise file.fault(why, key)


def junction_plan(file: TomlTable) -> JunctionPlan:
    """Plan of a junction that a potential is to make."""
    values = JUNCTION.read(file)
    return JunctionPlan(
        left=_name_or_structure(file, "left"),
        right=_name_or_structure(file, "right"),
        potential=_potential_name(file, "potential"),
        arguments=_calculator_arguments(file),
        area=values["cell"] ** 2,
        interlayers=tuple((one.text("crystal"), one.count("layers")) for one in file.sections("interlayer")),
        disorder=_read_disorder(file),
        **{
            key: values[key]
            for key in (
                "reach", "orientation", "right_orientation", "strain", "limit", "twist", "mirror", "layers", "contact",
                "supercell", "relax", "mismatch",
            )
        },
    )  # fmt: skip


def _junction_from_files(file: TomlTable, disorder: Disorder | None, progress: Progress | None) -> Junction:
    values = JUNCTION.read(file)
    (left, normal), (right, back) = (
        _side_crystal(file, side, indices, progress) for side, indices in _both_orientations(file)
    )
    try:
        layers = 2 if values["layers"] is None else values["layers"]
        given = {key: values[key] for key in ("mixing", "scale", "limit", "supercell")}
        sites = SiteMixing(layers=layers, disorder=disorder, **given)
        junction = junction_from_crystals(left, right, normal, back, sites=sites)
        check_junction_values(junction)
    except InputError as err:
        raise InputError(f"{file.path}: {'; '.join([str(err), *_cell_remarks(file)])}") from err
    for remark in _cell_remarks(file):
        warnings.warn(remark, ValidityWarning, stacklevel=3)
    return junction


def _cell_remarks(file: TomlTable) -> list[str]:
    """What Miller indices mean of files of crystals whose cells are primitive ones of a cubic lattice."""
    remarks: list[str] = []
    for side, indices in _both_orientations(file):
        path, name = file.beside(side), file.text(side)
        if path.suffix.lower() in (".yaml", ".yml"):
            axes = unit_lattice(path)
        elif is_structure_file(name):
            structure = read_structure(path)
            axes = structure.lattice if structure.axes is None else structure.axes
        else:
            continue
        remarks.append(primitive_cell_remark(path.name, axes, indices))
    return list(dict.fromkeys(remark for remark in remarks if remark))


def _junction_by_springs(file: TomlTable, progress: Progress | None) -> Junction:
    values = JUNCTION.read(file)
    left, right = (
        crystal_lead(orient_crystal(*_side_crystal(file, side, indices, progress)))
        for side, indices in _both_orientations(file)
    )
    springs = ContactSprings(values["normal"], values["shear"])
    sheet = _crystal_of(file, "sheet")[0] if "sheet" in file else None
    return spring_junction(left, right, springs, sheet=sheet, limit=values["limit"], area=values["cell"] ** 2)


def _both_orientations(file: TomlTable) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    facing = JUNCTION.value(file, "orientation")
    return ("left", facing), ("right", JUNCTION.value(file, "right_orientation") or facing)


def _name_or_structure(file: TomlTable, side: str) -> str | Structure:
    name = file.text(side)
    return primitive_structure(read_structure(file.beside(side))) if is_structure_file(name) else name


def _crystal_of(file: TomlTable, side: str) -> tuple[Crystal, Structure]:
    """Crystal by name or of a structure file, at rest in its potential, and its structure."""
    body = _name_or_structure(file, side)
    structure = named_structure(body) if isinstance(body, str) else body
    name = _potential_name(file, _potential_key(file, side))
    universal = is_calculator_name(name)
    engine = named_force_field(
        name, structure.symbols, arguments=_calculator_arguments(file) if universal else None,
        reach=JUNCTION.value(file, "reach") if universal else None,
    )  # fmt: skip
    rest = relax_cell(structure, engine)
    return crystal_from_potential(rest, engine), rest


def _potential_name(file: TomlTable, key: str) -> str:
    """Name of a potential, or the path of its file beside the file that names it."""
    path = file.beside(key)
    return str(path) if path.is_file() else file.text(key)


def _calculator_arguments(file: TomlTable) -> dict[str, Any]:
    return dict(file.section("calculator_arguments").table) if "calculator_arguments" in file else {}


def _potential_key(file: TomlTable, side: str) -> str:
    """Key that names the potential of a side, its own or that of all."""
    own = f"{side}_potential"
    return own if own in file or "potential" not in file else "potential"


def _side_crystal(
    file: TomlTable, side: str, indices: tuple[int, int, int], progress: Progress | None
) -> tuple[Crystal, Array]:
    """Crystal of one side with forces that end, and the Cartesian normal of its surface."""
    path, key, name = file.beside(side), _potential_key(file, side), file.text(side)
    reach = JUNCTION.value(file, "reach") or _DEFAULT_REACH
    if path.suffix.lower() in (".yaml", ".yml"):
        normal = miller_normal(path, indices)
        return _truncated_crystal(load_crystal(path, nac=False), load_crystal(path), reach, normal), normal
    if key in file:
        crystal, rest = _crystal_of(file, side)
        return crystal, _plane_normal(rest.lattice if rest.axes is None else rest.axes, indices)
    if is_structure_file(name):
        relax = cast("Relaxation", JUNCTION.value(file, "relaxation"))
        calculator, arguments = JUNCTION.value(file, "calculator"), _calculator_arguments(file)
        forces = FiniteDisplacements(calculator=calculator, arguments=arguments, relax=relax, progress=progress)
        made = crystal_from_file(path, forces)
        warnings.warn(made.remark, ValidityWarning, stacklevel=4)
        normal = _plane_normal(made.axes, indices)
        return _truncated_crystal(made.crystal, made.crystal, reach, normal), normal
    if has_phonons(name):
        card = phonon_card(name)
        if not card.usable or "unstable" in card.reason:
            warnings.warn(f"{name}: {card.reason}", ValidityWarning, stacklevel=4)
        normal = _plane_normal(card.axes, indices)
        return _truncated_crystal(phonon_crystal(name, nac=False), phonon_crystal(name), reach, normal), normal
    raise file.fault(
        f"{name!r} is not a phonopy file (.yaml), a structure file (.cif, POSCAR) or a crystal with force constants in "
        f"the package (`kapitza phonons` lists them); a crystal by name needs potential = 'tersoff' or another one, or "
        f"{key} of its own",
        side,
    )


def _plane_normal(axes: Array, indices: tuple[int, int, int]) -> Array:
    return np.asarray(np.linalg.inv(axes) @ np.array(indices, dtype=float), dtype=float)


def _truncated_crystal(crystal: Crystal, reference: Crystal, reach: float, normal: Array) -> Crystal:
    """Crystal with forces up to `reach` along a normal, m; what is left out is said in a warning."""
    truncated = truncate_force_constants(crystal, reach, reference=reference, normal=normal)
    if truncated.dropped > _NOTICEABLE_TRUNCATION:
        warnings.warn(str(truncated), ValidityWarning, stacklevel=4)
    return truncated.crystal


def _read_disorder(file: TomlTable) -> Disorder | None:
    if "disorder" not in file:
        return None
    inside = file.section("disorder")
    return inside.locate("", lambda: Disorder(**DISORDER.read(inside)))
