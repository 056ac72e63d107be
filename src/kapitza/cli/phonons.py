"""The command `phonons`: crystals with full bands and how good these are; phonons of any crystal by any potential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import typer

import kapitza
from kapitza.cli import output
from kapitza.cli.layer import Keys, Option, Panel
from kapitza.cli.options import Calculation, parse_temperatures
from kapitza.cli.output import Results, check_output, note, print_record
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES
from kapitza.io.quantities import quantity
from kapitza.run import progress_bar
from kapitza.units import THz, angstrom, k_B, nm, ps

_NUMBERS = {
    "top": "THz", "lowest": "THz", "debye": "K", "library_debye": "K", "longitudinal": "", "transverse": "",
    "worst_speed": "", "change": "%",
}  # fmt: skip

_MEGAJOULE = 1e6  # J
_BY_POTENTIAL = "Phonons by a potential"
_PHONOPY_SUFFIXES = (".yaml", ".yml")
_ROUNDING = 1e-5  # of the top frequency: imaginary frequencies that are rounding
_MAX_TABLE_TEMPERATURES = 12  # temperatures in the printed table


@dataclass(frozen=True)
class CrystalResults(Results):
    """Files of phonons: also a crystal for other commands."""

    suffixes: ClassVar[Collection[str]] = (*RESULT_SUFFIXES, *_PHONOPY_SUFFIXES)

    save: Annotated[
        str | None, Option("save everything: .json, .npz or .h5; a crystal for any command: .yaml", metavar="FILE")
    ] = None

    @property
    def exports(self) -> bool:
        """True if a crystal is saved."""
        return self.save is not None and self.save.lower().endswith(_PHONOPY_SUFFIXES)


def phonons(
    name: Annotated[
        str | None, typer.Argument(help="A crystal, or a structure file (.cif, POSCAR); the list of all if omitted.")
    ] = None,
    *,
    potential: Annotated[
        str | None,
        Option(
            "compute them: tersoff, sw, lj, emt, nequix, sevenn, a file (CuNi.eam.alloy) or module:Class",
            panel=_BY_POTENTIAL,
        ),
    ],
    calculation: Annotated[Calculation, Panel(_BY_POTENTIAL, "calculator calculator_args")],
    choice: Annotated[dict[str, Any], Keys(kapitza.phonons.PotentialChoice, _BY_POTENTIAL, "reach relax")],
    temperature: Annotated[
        list[float] | None,
        Option(
            "temperatures of the heat capacity in K", parse_temperatures, names="--temperature -T",
            metavar="KELVIN", panel=_BY_POTENTIAL, shown="300",
        ),
    ],
    files: CrystalResults,
) -> None:  # fmt: skip
    """Crystals with full phonon bands and how good these are; dispersion of one of them, or of any by a potential."""
    chosen = potential or calculation.calculator
    if chosen or (name is not None and kapitza.matter.is_structure_file(name)):
        if potential and calculation.calculator:
            raise InputError(f"--potential {potential} and --calculator {calculation.calculator}: expected one of them")
        if name is None:
            raise InputError(f"{chosen:.60} of which crystal? Name it: kapitza phonons Si --potential sw")
        if "reach" in choice:
            choice["reach"] = quantity(choice["reach"], "length", what="--reach")
        chosen_potential = kapitza.phonons.PotentialChoice(
            arguments=calculation.calculator_args or {}, progress=progress_bar("forces"), announce=note, **choice
        )
        found = kapitza.phonons.crystal_by_potential(
            name, chosen or kapitza.lattice.DEFAULT_CALCULATOR, chosen_potential, stable=False
        )
        _report_computed(found, temperature or [300.0], files)
        return
    own = {"calculator-args": calculation.calculator_args, **choice, "temperature": temperature}
    given = [option for option, value in own.items() if value is not None]
    if given:
        raise InputError(f"--{given[0]} is for phonons by a potential: add --potential, such as --potential sw")
    if name is not None and name.lower().endswith(_PHONOPY_SUFFIXES):
        raise InputError(
            f"{name:.60} has force constants already, and this verb computes them: expected a structure file or a "
            "name; as a side of any other command the file is taken, such as kapitza agf Si.yaml Ge"
        )
    check_output(files.save, RESULT_SUFFIXES)
    if name is not None:
        _report_crystal(name, files)
        return
    if files.plot is not None:
        raise InputError("--plot draws the dispersion of one crystal: name it, as in kapitza phonons Si --plot si.png")
    cards = tuple(kapitza.phonons.phonon_card(one) for one in kapitza.phonons.phonon_names())
    files.report({"cards": cards}, _describe_cards(cards))


def _report_computed(computed: kapitza.phonons.StructureCrystal, kelvin: list[float], files: CrystalResults) -> None:
    result = kapitza.phonons.crystal_phonons(computed, kelvin)
    files.draw_figure(lambda figure: kapitza.plot.computed_phonon_figure(result, figure), height=4.6)
    printed = [*_describe_computed(result)]
    if files.exports and files.save is not None:
        kapitza.phonons.write_phonopy(result.crystal, files.save, result.axes)
    kept = replace(files, save=None) if files.exports else files
    kept.keep(result)
    if not files.as_json:
        output.print_parts(printed)
    else:
        print_record(result)
    if result.instability:
        note(f"{result.crystal.name} is unstable: {result.instability}; bands leave these modes out")
    if files.exports:
        note(f"wrote {files.save}, a side of any command and a file of phonopy")
    kept.announce()


def _describe_computed(result: kapitza.phonons.CrystalPhonons) -> Iterator[output.Part]:
    crystal = result.crystal
    lengths = ", ".join(f"{length:.5g}" for length in ((result.axes**2).sum(axis=1) ** 0.5 / angstrom).tolist())
    lowest, remark = min(result.lowest, float(result.dispersion.omega.min())), ""  # on the mesh or along the path
    if lowest < -_ROUNDING * result.top and not result.instability:
        remark = ", no more than errors of interpolation and of force constants cut off"
    imaginary = f"imaginary ones to {-lowest / THz:.3g}i THz{remark}"
    imaginary = imaginary if lowest < -_ROUNDING * result.top else "none is imaginary"
    yield f"{crystal.name}: {crystal.masses.size} atoms in the primitive cell; axes of {lengths} Å"
    yield f"forces: {result.source}"
    yield f"frequencies up to {result.top / THz:.4g} THz, {imaginary}"
    yield f"sum rule off by {crystal.residual:.1e} of the largest force constant before it was enforced\n"
    columns = [output.Column("along", ["[" + " ".join(map(str, one)) + "]" for one in result.directions.tolist()])]
    names = ("slowest", "middle", "fastest")
    columns += [
        output.Column(name, (speed / (nm / ps)).round(4).tolist())
        for name, speed in zip(names, result.speeds.T, strict=True)
    ]
    yield output.Table("speeds of sound in km/s (nm/ps)", columns)
    if result.heat_capacity is None:
        return
    shown = output.even_subset(result.temperature.size, _MAX_TABLE_TEMPERATURES)
    yield output.Table(
        "heat capacity at constant volume",
        [
            output.Column("at", [f"{result.temperature[j]:g} K" for j in shown]),
            output.Column("MJ m⁻³ K⁻¹", (result.heat_capacity[shown] / _MEGAJOULE).tolist()),
            output.Column("k_B per atom", (result.heat_capacity[shown] / (crystal.atoms * k_B)).tolist()),
        ],
    )


def _describe_cards(cards: tuple[kapitza.phonons.PhononCard, ...]) -> Iterator[output.Part]:
    heads = ["name", "bands", "potential", "THz", "Debye (K)", "library", "c_L", "c_T", " remark"]
    rows: list[list[str]] = []
    for card in cards:
        potential = "measured" if card.potential.startswith("Born-von K") else card.potential.split("-")[0]
        numbers = zip(
            (card.top, card.debye, card.library_debye, card.longitudinal, card.transverse), (2, 0, 0, 2, 2), strict=True
        )
        cells = ["–" if value is None else f"{value:.{decimals}f}" for value, decimals in numbers]
        wrong = [part.split(":")[0] for part in card.reason.split("; ")]  # without its reasons
        hidden = ("", "elastic constants", "no elastic constants to compare with")
        rows.append([card.name, card.status, potential, *cells, "; ".join(one for one in wrong if one not in hidden)])
    count = Counter(card.status for card in cards)
    statuses = ", ".join(f"{count[status]} {status}" for status in ("accepted", "fitted", "unstable", "refused"))
    yield output.Grid(f"{len(cards)} crystals: {statuses}", heads, rows, text=3)
    yield (
        "THz: top frequency.  c_L, c_T: mean speeds of sound as computed over those of the elastic constants;\n"
        "fitted bands have these constants.  `kapitza phonons Si` shows one card, --plot si.png its dispersion."
    )


def _report_crystal(name: str, files: Results) -> None:
    room = kapitza.phonons
    card = room.phonon_card(name)
    measured, polar = room.measured_phonons(card.name), room.polar_constants(card.name)
    records: dict[str, object] = {"card": card, "measured": measured, "polar": polar}
    if card.status == "refused" and files.plot is not None:
        room.phonon_crystal(card.name)  # which says why it is refused
    if card.status != "refused":
        dispersion = records["dispersion"] = room.phonon_dispersion(card.name)
        if files.plot is not None:
            spectrum = room.phonon_spectrum(card.name)
            files.draw_figure(
                lambda figure: kapitza.plot.phonon_figure(dispersion, spectrum, measured, figure), height=4.6
            )

    def printout() -> Iterator[output.Part]:
        yield from _describe_card(card)
        if card.status != "refused":
            yield from _describe_measured(measured)
            yield from _describe_charges(card.name, polar)

    files.report(records, printout())


def _describe_card(card: kapitza.phonons.PhononCard) -> Iterator[output.Part]:
    lattice = ", ".join(f"{key} = {value:g}{'°' if key == 'beta' else ' Å'}" for key, value in card.lattice.items())
    try:
        source = str(kapitza.matter.source(card.lattice_source))
    except InputError:
        source = card.lattice_source
    yield f"{card.name}: {card.structure}; {lattice} ({source})"
    yield f"forces: {card.potential}, doi:{card.doi}; supercell of {card.supercell} atoms"
    yield f"bands: {card.status}{'; ' if card.reason else ''}{card.reason}\n"
    yield output.Values("quality of the bands", output.columns_of(card, _NUMBERS))
    if card.worst_direction:
        yield f"worst speed: along {card.worst_direction} wave"
    if card.unverified:
        yield f"not verified: {', '.join(card.unverified)} (nobody has read the source)"
    if card.measured_top is not None:
        yield f"measured: {card.measured_top[0]:g} THz, {card.measured_top[1]}"


def _describe_measured(measured: tuple[kapitza.phonons.MeasuredPhonons, ...]) -> Iterator[output.Part]:
    for one in measured:
        bands = kapitza.phonons.computed_frequencies(one)
        kelvin = "" if one.temperature is None else f", {one.temperature:g} K"
        columns = [
            output.Column("point", one.points),
            output.Column("measured (THz)", (one.omega / THz).tolist()),
            output.Column("bands (THz)", (bands / THz).tolist()),
            output.Column(
                "bands / measured", [output.format_number(ratio, 3) for ratio in (bands / one.omega).tolist()]
            ),
        ]
        yield ""
        yield output.Table(f"{one.technique}{kelvin}{'' if one.verified else ', not verified'}", columns)
        yield f"{one.citation}{f', doi:{one.doi}' if one.doi else ''}{f'; {one.via}' if one.via else ''}"


def _describe_charges(name: str, constants: kapitza.phonons.PolarConstants | None) -> Iterator[output.Part]:
    if constants is None:
        return
    crystal = kapitza.phonons.phonon_crystal(name)
    charges = kapitza.phonons.effective_charges(crystal, constants)
    uniaxial = len(set(constants.dielectric.tolist())) > 1
    shown = slice(0, 3, 2 if uniaxial else 3)
    columns = [
        output.Column("polarised", ["across c", "along c"] if uniaxial else ["any way"]),
        output.Column("TO (THz)", (constants.transverse / THz).tolist()[shown]),
        output.Column("LO (THz)", (constants.longitudinal / THz).tolist()[shown]),
        output.Column("ε∞", constants.dielectric.tolist()[shown]),
        output.Column(f"charge of {crystal.symbols[0]} (e)", charges[0].tolist()[shown]),
    ]
    yield ""
    yield output.Table(f"published polar modes at Γ{'' if constants.verified else ', not verified'}", columns)
    doi = f", doi:{constants.doi}" if constants.doi else ""
    yield f"{constants.citation}{doi}; ε∞: {constants.dielectric_source}"
    if crystal.polar is None:
        yield output.Note(
            "the field of these charges is in the dashed lines of the figure, not in the bands that models take"
        )
