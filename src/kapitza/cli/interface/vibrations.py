"""The command `junction modes`: vibrations of a junction by class, peaks of a spectrum beside them, and their heat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.eels.jump import load_maps
from kapitza.cli.figures import Results
from kapitza.cli.layer import Option
from kapitza.cli.options import parse_temperature
from kapitza.cli.output import quantity_json
from kapitza.cli.tables import Column, Note, Part, Table, error_cells
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity
from kapitza.run import progress_bar
from kapitza.units import hbar, meV

if TYPE_CHECKING:
    from kapitza.eels.comparison import PeakAssignment
    from kapitza.lattice import ModeClasses

_MAP_SUFFIXES = (".h5", ".hdf5", ".npz", ".json")
_INELASTIC = (
    "the 'more than 50 %' that is quoted for Si/Ge is the part of inelastic transport in classical molecular dynamics, "
    "which interface modes help (doi:10.1103/PhysRevB.99.045301); it is no part that interface modes carry"
)


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
        yield from _describe_classes(classes)
        if assigned is not None:
            yield from _describe_peaks(assigned)
            yield from _describe_limits(assigned, hbar * float(classes.omega.max()), scale)
        if share is not None:
            yield (
                f"heat at {heat:g} K: {100 * share:.3g} % of the emitted conductance passes through vibrations that "
                "neither crystal has (harmonic)"
            )
            yield Note(_INELASTIC)

    files.report(classes, printout(), derived)


def _describe_classes(found: ModeClasses) -> Iterator[Part]:
    rows: list[tuple[str, str, str, str]] = []
    for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
        use = found.kind == kind
        low, high = (f"{hbar * edge(found.omega[use]) / meV:.4g}" for edge in (min, max)) if use.any() else ("–", "–")
        rows.append((name, f"{100 * found.fractions[kind]:.3g}", low, high))
    heads = ("class", "of all modes, %", "from (meV)", "to (meV)")
    columns = [Column(head, [row[i] for row in rows]) for i, head in enumerate(heads)]
    yield Table(found.method, columns)


def _describe_limits(found: PeakAssignment, top: float, scale_sigma: float) -> Iterator[Part]:
    import numpy as np

    beyond = [f"{one / meV:.4g}" for one in found.energy[np.isnan(found.share).any(axis=1)]]
    if beyond:
        yield Note(f"no vibrations near {', '.join(beyond)} meV: those of this junction end at {top / meV:.4g} meV")
    if scale_sigma == 0 and np.isfinite(found.shift).any():
        yield Note("computed frequencies are taken as exact: --scale 3% allows for the force constants")


def _describe_peaks(found: PeakAssignment) -> Iterator[Part]:
    import numpy as np

    columns = [Column("peak (meV)", error_cells(found.energy / meV, found.sigma / meV))]
    for kind, name in enumerate(kapitza.lattice.MODE_CLASSES):
        known = [f"{100 * one:.3g} %" if np.isfinite(one) else "–" for one in found.share[:, kind]]
        columns.append(Column(f" {name.split(' at ')[0]}", known))
    near = [f"{one / meV:.4g}" if np.isfinite(one) else "none" for one in found.localised_energy]
    columns.append(Column("localised at (meV)", near))
    columns.append(Column(" peak less these (meV)", error_cells(found.shift / meV, found.shift_sigma / meV)))
    yield Table("peaks beside the density of states on the interface, by class", columns)
