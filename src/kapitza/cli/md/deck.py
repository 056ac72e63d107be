"""The verbs of molecular dynamics on a cluster: deck, read."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.md.nemd import report_run
from kapitza.cli.md.options import RunFileArgument
from kapitza.cli.options import Figure, Json, Save
from kapitza.cli.output import note, print_json
from kapitza.core.files import is_temporary, write_atomically
from kapitza.errors import InputError
from kapitza.io.quantities import quantity
from kapitza.run.progress import progress_bar

decks_app = typer.Typer()
_EngineName = Annotated[Literal["lammps", "gpumd"], typer.Option("--engine", help="Program that runs it.")]


@decks_app.command()
def deck(
    file: RunFileArgument,
    engine: _EngineName = "lammps",
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder that is written.")] = "deck",
    potential: Annotated[
        str | None, typer.Option(metavar="FILE", help="Potential as GPUMD shall open it, with --engine gpumd.")
    ] = None,
    spectrum: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Write the atoms near the plane over this time, for spectra: 1ns."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the run as an input deck for a cluster."""
    folder = Path(out)
    if potential is None and engine == "gpumd":
        raise InputError("--engine gpumd has a potential of its own: expected --potential, its file as GPUMD opens it")
    if potential is not None and engine != "gpumd":
        raise InputError(f"--potential {potential:.60} is for --engine gpumd: LAMMPS takes that of the run's file")
    run_file = kapitza.io.read_run(file)
    time = 0.0 if spectrum is None else quantity(spectrum, "time", what="--spectrum")
    if spectrum is not None and not time > 0:
        raise InputError(f"--spectrum {spectrum}: expected a time above 0")
    files = kapitza.io.md.run_deck(run_file, engine, potential=potential, spectrum=time)
    if folder.is_file() or (folder.is_dir() and not _is_unfinished_deck(folder, files)):
        raise InputError(f"--out {out} is a file, or a folder with files in it: give the name of a new one")
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == kapitza.md.HEADER_FILE):  # the last one makes a deck complete
        write_atomically(folder / name, files[name].encode())
    note(f"wrote {', '.join(sorted(files))} into {out}")
    if spectrum is not None:
        note(kapitza.io.md.trajectory_size(run_file, time, engine))
    start = "mpiexec -n 64 lmp -in in.nemd" if engine == "lammps" else "gpumd"
    of_run = "" if spectrum is None else f" --run {file}"
    commands = [f"cd {out} && {start}", f"kapitza md read {out} --engine {engine}{of_run} --save run.h5"]
    if as_json:
        print_json({"folder": out, "files": sorted(files), "commands": commands})
    else:
        typer.echo("\n".join(commands))  # to be copied: they are not wrapped


def _is_unfinished_deck(folder: Path, files: Collection[str]) -> bool:
    """Whether a folder holds at most the beginning of a deck, as an interrupt or a full disk leaves it."""
    names = {path.name for path in folder.iterdir() if not is_temporary(path.name)}
    return kapitza.md.HEADER_FILE not in names and names <= set(files)


@decks_app.command()
def read(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a deck with what the program wrote.")],
    engine: _EngineName = "lammps",
    equilibrated: Annotated[
        str, typer.Option("--equilibrated", help="Time under the same thermostats before the blocks: 400ps.")
    ] = "0ps",
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="FILE", help="File of the run, of a deck with --spectrum: spectra are computed."),
    ] = None,
    source: Annotated[
        Literal["virials", "kernels", "shc"] | None,
        typer.Option(
            "--source",
            help="Of GPUMD's spectra: virials of the atoms near the plane [default], forces by "
            "kernels of the file's potential, shc.out.",
        ),
    ] = None,
    save: Save = None,
    plot: Figure = None,
    as_json: Json = False,
) -> None:
    """Analyse what a cluster produced, as `md nemd` does.  Exit code 3: the run is rejected."""
    files = figures.Results(save, plot)
    waited = quantity(equilibrated, "time", what="--equilibrated")
    if waited < 0:
        raise InputError(f"--equilibrated {equilibrated}: expected a time of 0 or more")
    if source is not None and (run is None or engine != "gpumd"):
        raise InputError(f"--source {source} with --engine {engine}, --run {run}: it is for --engine gpumd with --run")
    if run is not None and engine == "lammps":
        found = kapitza.io.md.read_lammps_run(
            folder, kapitza.io.read_run(run), waited=waited, progress=progress_bar("samples")
        )
    elif run is not None:
        found = kapitza.io.md.read_gpumd_run(
            folder, kapitza.io.read_run(run), source=source or "virials", waited=waited,
            progress=progress_bar("samples"),
        )  # fmt: skip
    else:
        record = kapitza.io.read_lammps(folder) if engine == "lammps" else kapitza.io.read_gpumd(folder)
        found = kapitza.md.Run(title=record.name, records=(record,), equilibration_time=waited)
    files.keep(found)
    report_run(found, files, as_json=as_json)
