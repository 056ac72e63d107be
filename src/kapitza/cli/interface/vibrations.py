"""The verb `junction modes`: vibrations of a junction by class, peaks of a spectrum beside them, and their heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.figures import Results
from kapitza.cli.options import Figure, Json, Save, parse_temperature
from kapitza.cli.output import note, print_record, print_text, quantity_json
from kapitza.cli.tables import Column, print_columns
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity
from kapitza.run.progress import progress_bar
from kapitza.units import hbar, meV

if TYPE_CHECKING:
    from kapitza.measure.eels.comparison.peaks import PeakAssignment
    from kapitza.theory.agf.mode_classes import ModeClasses

_MAP_SUFFIXES = (".h5", ".hdf5", ".npz", ".json")
_INELASTIC = (
    "the 'more than 50 %' that is quoted for Si/Ge is the part of inelastic transport in classical molecular dynamics, "
    "which interface modes help (doi:10.1103/PhysRevB.99.045301); it is no part that interface modes carry"
)


def junction_modes(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A saved junction, or a TOML file of one.")],
    peak: Annotated[
        list[str] | None, typer.Option(help="Peak of a spectrum, 50meV+-2meV, or a map of `eels fit`; may be repeated.")
    ] = None,
    scale: Annotated[str, typer.Option(help="Uncertainty of the computed frequencies, e.g. 3%.")] = "0",
    periods: Annotated[int, typer.Option(help="Principal layers of each crystal beside the device.", min=1)] = 8,
    mesh: Annotated[int | None, typer.Option(help="Wave vectors along either side of the zone.", min=1)] = None,
    heat: Annotated[
        str | None, typer.Option(metavar="KELVIN", help="Part of the interface in the heat that crosses: at 300.")
    ] = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Vibrations extended, partially extended, isolated or localised at the interface; peaks of spectra beside them."""
    files = Results(save, plot)
    peaks = [one for text in peak or () for one in _read_peaks(text)]
    if any(sigma <= 0 for _, sigma in peaks):
        raise InputError("--peak: a peak needs its uncertainty, as 50meV+-2meV")
    scale_sigma = quantity(scale, "share", what="--scale")
    if not 0 <= scale_sigma < 1:
        raise InputError(f"--scale = {scale!r:.60}: expected a share from 0 up to 1, as 3%")
    kelvin = None if heat is None else parse_temperature(heat)
    junction = kapitza.io.read_junction(path)
    k_mesh = None if mesh is None else (mesh, mesh)
    found = kapitza.lattice.classify_modes(junction, periods=periods, k_mesh=k_mesh)
    assigned = None
    if peaks:
        energies, sigmas = zip(*peaks, strict=True)
        assigned = kapitza.eels.comparison.assign_peaks(energies, sigmas, found, scale_sigma=scale_sigma)
    share = None
    if kelvin is not None:
        current = kapitza.lattice.local_current(junction, k_mesh=k_mesh, progress=progress_bar("current"))
        share = float(current.share(kelvin)[0])
    files.keep(found)
    files.draw(lambda ax: kapitza.plot.eels.mode_classes(found, peaks=peaks, ax=ax))
    if as_json:
        numbers: dict[str, Any] = {"fractions": quantity_json(found.fractions, "1", meaning="of all modes by class")}
        numbers |= (
            {} if share is None else {"heat_share": quantity_json(share, "1", meaning="through the interface's own")}
        )
        print_record(found, numbers | ({} if assigned is None else {"peaks": assigned}))
        return
    _print_classes(found)
    if assigned is not None:
        _print_peaks(assigned)
        _note_limits(assigned, hbar * float(found.omega.max()), scale_sigma)
    if share is not None:
        print_text(
            f"heat at {kelvin:g} K: {100 * share:.3g} % of the emitted conductance passes through vibrations that "
            "neither crystal has (harmonic)"
        )
        note(_INELASTIC)
    files.announce()


def _read_peaks(text: str) -> list[tuple[float, float]]:
    """Energies and uncertainties, J: one that is written out, or those of the modes of a fitted map."""
    if not text.endswith(_MAP_SUFFIXES):
        return [parse_uncertain(text, "energy", what="--peak")]
    maps = load_maps(text)
    energy, sigma = kapitza.eels.comparison.fitted_peaks(maps.get("each") or next(iter(maps.values())))
    return list(zip(energy.tolist(), sigma.tolist(), strict=True))


def _print_classes(found: ModeClasses) -> None:
    """Print how many vibrations each class has, and where they are."""
    rows: list[tuple[str, str, str, str]] = []
    for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
        use = found.kind == kind
        low, high = (f"{hbar * edge(found.omega[use]) / meV:.4g}" for edge in (min, max)) if use.any() else ("–", "–")
        rows.append((name, f"{100 * found.fractions[kind]:.3g}", low, high))
    heads = ("class", "of all modes, %", "from (meV)", "to (meV)")
    columns = [Column(head, [row[i] for row in rows]) for i, head in enumerate(heads)]
    print_columns(found.method, columns)


def _note_limits(found: PeakAssignment, top: float, scale_sigma: float) -> None:
    """Say which peaks the vibrations of a junction do not reach, and what their energies leave out."""
    import numpy as np

    beyond = [f"{one / meV:.4g}" for one in found.energy[np.isnan(found.share).any(axis=1)]]
    if beyond:
        note(f"no vibrations near {', '.join(beyond)} meV: those of this junction end at {top / meV:.4g} meV")
    if scale_sigma == 0 and np.isfinite(found.shift).any():
        note("computed frequencies are taken as exact: --scale 3% allows for the force constants")


def _print_peaks(found: PeakAssignment) -> None:
    """Print which vibrations of the interface each peak is near."""
    import numpy as np

    columns = [
        Column("peak (meV)", [with_error(e / meV, s / meV) for e, s in zip(found.energy, found.sigma, strict=True)])
    ]
    for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
        known = [f"{100 * one:.3g} %" if np.isfinite(one) else "–" for one in found.share[:, kind]]
        columns.append(Column(f" {name.split(' at ')[0]}", known))
    near = [f"{one / meV:.4g}" if np.isfinite(one) else "none" for one in found.localised_energy]
    columns.append(Column("localised at (meV)", near))
    shifts = [
        with_error(d / meV, s / meV) if np.isfinite(d) else "–"
        for d, s in zip(found.shift, found.shift_sigma, strict=True)
    ]
    columns.append(Column(" peak less these (meV)", shifts))
    print_columns("peaks beside the density of states on the interface, by class", columns)
