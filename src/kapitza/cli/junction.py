"""The commands `junction build`, `junction show` and `junction modes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.layer import Keys, Option, Panel
from kapitza.cli.options import Calculation, Work, parse_names, parse_normals, parse_temperature, parse_whole_numbers
from kapitza.cli.output import Column, Grid, Note, Part, Results, Table, error_cells, note, print_record, quantity_json
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity
from kapitza.run import progress_bar
from kapitza.units import angstrom, hbar, meV

_Texts = dict[str, Any]  # of options that a reader of keys checks
_MAP_SUFFIXES = (".h5", ".hdf5", ".npz", ".json")
_PARSE_SEEDS = partial(parse_whole_numbers, separator=",", what="seed")
_INELASTIC = (
    "the 'more than 50 %' that is quoted for Si/Ge is the part of inelastic transport in classical molecular dynamics, "
    "which interface modes help (doi:10.1103/PhysRevB.99.045301); it is no part that interface modes carry"
)


def _parse_orientations(text: str) -> _Texts:
    facing, behind = parse_normals(text)
    return {"orientation": list(facing), "right_orientation": list(behind)}


def _parse_pairs(texts: Sequence[str], what: str) -> list[tuple[str, str]]:
    pairs = [text.rpartition(":")[::2] for text in texts]
    for text, (name, value) in zip(texts, pairs, strict=True):
        if not (name.strip() and value.strip()):
            raise InputError(f"{what} {text!r:.40}: expected a name and a number, such as Ge:3")
    return [(name.strip(), value.strip()) for name, value in pairs]


def _parse_interlayers(texts: Sequence[str]) -> list[dict[str, Any]]:
    pairs = _parse_pairs(texts, "interlayer")
    return [{"crystal": name, "layers": parse_whole_numbers(value, ",", "interlayer")[0]} for name, value in pairs]


def _parse_supercell(text: str) -> list[int]:
    if text.lower().count("x") != 1:
        raise InputError(f"supercell {text!r:.40}: expected two numbers such as 2x2")
    return parse_whole_numbers(text, "x", "supercell")


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
    contact: Annotated[list[str] | None, Option("elements that meet: C,B", parse_names, metavar="LEFT,RIGHT")],
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
        list[tuple[str, str]] | None,
        Option(
            "foreign atoms near the interface, Ge:5%; repeatable",
            partial(_parse_pairs, what="substitute"), names="--substitute",
            metavar="ELEMENT:FRACTION", given=list[str], panel="Disorder",
        ),
    ],
    seed: Annotated[
        list[int] | None,
        Option("random seed; of several, 1,2,3, one junction each", _PARSE_SEEDS, metavar="SEED", panel="Disorder"),
    ],
    springs: Annotated[_Texts, Keys(kapitza.lattice.ContactSprings, "Contact by springs", "normal shear")],
    sheet: Annotated[str | None, Option("sheet between the crystals: graphene", panel="Contact by springs")],
    sheet_potential: Annotated[str | None, Option("potential of the sheet: tersoff", panel="Contact by springs")],
    work: Work,
    files: Annotated[Results, Panel(names="save as_json")],
) -> None:  # fmt: skip
    """Match, strain, stack and relax two crystals, and compute the force constants: `junction build Si Ge ...`."""
    random = disorder | ({} if substitutions is None else {"substitutions": dict(substitutions)})
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
    paths = [files.save] if files.save else []
    if files.save is not None and len(junctions) != 1:  # numbered where there are several
        stem, dot, suffix = files.save.rpartition(".")
        paths = [f"{stem}-{i + 1}{dot}{suffix}" for i in range(len(junctions))]
    for path, junction in zip(paths, junctions, strict=False):
        kapitza.save(junction, path)
    numbers = [_junction_numbers(one) for one in junctions]
    if files.as_json and len(junctions) > 1:
        print_record({"junctions": junctions}, {"numbers": numbers})
    else:
        for junction, derived in zip(junctions, numbers, strict=True):
            replace(files, save=None).show(junction, _describe_junction(junction), derived)
    for path in paths:
        note(f"wrote {path}")


def _check_sides(left: str, table: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the TOML file, if there is one, and the keys with both sides."""
    file = left if left.endswith(".toml") else None
    if file is None and "right" not in table:
        raise InputError(f"one crystal {left!r:.60}: expected two, such as Si Ge, or a TOML file of a junction")
    if file is None:
        table = {"left": left, **table}
        named = {"potential", "left_potential", "right_potential", "normal"} & set(table)
        structures = [side for side in ("left", "right") if kapitza.matter.is_structure_file(table[side])]
        if "calculator" in table and not (named or structures):  # it is the potential of both crystals
            table = {"potential" if key == "calculator" else key: value for key, value in table.items()}
        for side in ("left", "right"):
            if not {"potential", f"{side}_potential"} & set(table) and not has_force_constants(table[side]):
                raise InputError(
                    f"{table[side]:.60} needs forces: expected --potential, such as tersoff, a phonopy or structure "
                    "file, or a name that `kapitza phonons` lists"
                )
    return file, table


def has_force_constants(name: str) -> bool:
    """Tell whether a name is that of a file or crystal with forces of its own."""
    path = name.endswith((".yaml", ".yml")) or kapitza.matter.is_structure_file(name)
    return path or kapitza.matter.has_phonons(name)


def junction_of_sides(left: str, right: str | None, keys: Mapping[str, Any]) -> kapitza.Junction | None:
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


def _junction_numbers(junction: kapitza.Junction) -> dict[str, Any]:
    return {
        "atoms": sum(int(slab.masses.size) for slab in junction.device),
        "area": quantity_json(junction.area, "m^2"),
        "mismatch": kapitza.lattice.lead_mismatch(junction),
    }


def _describe_junction(junction: kapitza.Junction) -> Iterator[Part]:
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


def _parse_scale(text: str) -> float:
    scale = quantity(text, "share", what="--scale")
    if not 0 <= scale < 1:
        raise InputError(f"--scale = {text!r:.60}: expected a share from 0 up to 1, as 3%")
    return scale


def _read_peaks(texts: list[str]) -> list[tuple[float, float]]:
    """Energies and uncertainties, J: peaks that are written out, or those of the modes of a fitted map."""
    peaks: list[tuple[float, float]] = []
    for text in texts:
        if not text.endswith(_MAP_SUFFIXES):
            peaks.append(parse_uncertain(text, "energy", what="--peak"))
            continue
        maps = load_maps(text)
        energy, sigma = kapitza.eels.comparison.fitted_peaks(maps.get("each") or next(iter(maps.values())))
        peaks += zip(energy.tolist(), sigma.tolist(), strict=True)
    if any(sigma <= 0 for _, sigma in peaks):
        raise InputError("--peak: a peak needs its uncertainty, as 50meV+-2meV")
    return peaks


def junction_modes(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A saved junction, or a TOML file of one.")],
    *,
    peak: Annotated[
        list[tuple[float, float]] | None,
        Option(
            "peak of a spectrum, 50meV+-2meV, or a map of `eels fit`; repeatable", _read_peaks, metavar="PEAK",
            given=list[str],
        ),
    ],
    scale: Annotated[
        float, Option("uncertainty of the computed frequencies, 3%", _parse_scale, "0", metavar="FRACTION")
    ],
    periods: Annotated[int, Option("principal layers of each crystal beside the device", low=1)] = 8,
    mesh: Annotated[int | None, Option("wave vectors along either side of the zone", low=1)],
    heat: Annotated[
        float | None,
        Option("heat through the interface's own modes at this temperature: 300", parse_temperature, metavar="KELVIN"),
    ],
    files: Results,
) -> None:  # fmt: skip
    """Vibrations extended, partially extended, isolated or localised at the interface; peaks of spectra beside them."""
    junction = kapitza.io.read_junction(path)
    k_mesh = None if mesh is None else (mesh, mesh)
    classes = kapitza.lattice.classify_modes(junction, periods=periods, k_mesh=k_mesh)
    assigned = None
    if peak:
        energies, sigmas = zip(*peak, strict=True)
        assigned = kapitza.eels.comparison.assign_peaks(energies, sigmas, classes, scale_sigma=scale)
    share = None
    if heat is not None:
        current = kapitza.lattice.local_current(junction, k_mesh=k_mesh, progress=progress_bar("current"))
        share = float(current.share(heat)[0])
    files.draw(lambda ax: kapitza.plot.eels.mode_classes(classes, peaks=peak or [], ax=ax))
    derived: dict[str, Any] = {"fractions": quantity_json(classes.fractions, "1", meaning="of all modes by class")}
    if share is not None:
        derived["heat_share"] = quantity_json(share, "1", meaning="through the interface's own")
    if assigned is not None:
        derived["peaks"] = assigned

    def printout() -> Iterator[Part]:
        rows: list[list[str]] = []
        for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
            energy = hbar * classes.omega[classes.kind == kind] / meV
            low, high = (f"{end:.4g}" for end in (energy.min(), energy.max())) if energy.size else ("–", "–")
            rows.append([name, f"{100 * classes.fractions[kind]:.3g}", low, high])
        yield Grid(classes.method, ("class", "of all modes, %", "from (meV)", "to (meV)"), rows, text=4)
        if assigned is not None:
            yield from _describe_peaks(assigned, hbar * float(classes.omega.max()), scale)
        if share is not None:
            yield (
                f"heat at {heat:g} K: {100 * share:.3g} % of the emitted conductance passes through vibrations that "
                "neither crystal has (harmonic)"
            )
            yield Note(_INELASTIC)

    files.report(classes, printout(), derived)


def _describe_peaks(found: kapitza.eels.comparison.PeakAssignment, top: float, scale_sigma: float) -> Iterator[Part]:
    import numpy as np

    columns = [Column("peak (meV)", error_cells(found.energy / meV, found.sigma / meV))]
    for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
        known = [f"{100 * one:.3g} %" if np.isfinite(one) else "–" for one in found.share[:, kind]]
        columns.append(Column(f" {name.split(' at ')[0]}", known))
    near = [f"{one / meV:.4g}" if np.isfinite(one) else "none" for one in found.localised_energy]
    columns.append(Column("localised at (meV)", near))
    columns.append(Column(" peak less these (meV)", error_cells(found.shift / meV, found.shift_sigma / meV)))
    yield Table("peaks beside the density of states on the interface, by class", columns)
    beyond = [f"{one / meV:.4g}" for one in found.energy[np.isnan(found.share).any(axis=1)]]
    if beyond:
        yield Note(f"no vibrations near {', '.join(beyond)} meV: those of this junction end at {top / meV:.4g} meV")
    if scale_sigma == 0 and np.isfinite(found.shift).any():
        yield Note("computed frequencies are taken as exact: --scale 3% allows for the force constants")
