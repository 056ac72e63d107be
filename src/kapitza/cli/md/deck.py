"""The commands of molecular dynamics on a cluster: deck, read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import typer

import kapitza
from kapitza.cli import output
from kapitza.cli.layer import Option, Panel
from kapitza.cli.md.nemd import report_run
from kapitza.cli.md.options import RunFileArgument
from kapitza.cli.output import note, print_json
from kapitza.core.files import is_temporary, write_atomically
from kapitza.errors import InputError
from kapitza.run import progress_bar

_Engine = Annotated[Literal["lammps", "gpumd"], Option("program that runs it", default="lammps")]


def deck(
    file: RunFileArgument,
    *,
    engine: _Engine,
    out: Annotated[str, Option("folder to write", metavar="DIR")] = "deck",
    potential: Annotated[str | None, Option("with --engine gpumd: potential as GPUMD opens it", metavar="FILE")],
    spectrum: Annotated[
        float | None, Option("time over which to write the atoms near the plane, for spectra: 1ns", "time", above=0)
    ],
    files: Annotated[output.Results, Panel(names="as_json")],
) -> None:
    """Write the run as an input deck for a cluster."""
    folder = Path(out)
    if potential is None and engine == "gpumd":
        raise InputError("--engine gpumd has a potential of its own: expected --potential, its file as GPUMD opens it")
    if potential is not None and engine != "gpumd":
        raise InputError(f"--potential {potential:.60} is for --engine gpumd: LAMMPS takes that of the run's file")
    run_file = kapitza.io.read_run(file)
    texts = kapitza.io.md.run_deck(run_file, engine, potential=potential, spectrum=spectrum or 0.0)
    if folder.is_file() or (folder.is_dir() and not _is_unfinished_deck(folder, texts)):
        raise InputError(f"--out {out} is a file, or a folder with files in it: give the name of a new one")
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(texts, key=lambda name: name == kapitza.md.HEADER_FILE):  # the last one makes a deck complete
        write_atomically(folder / name, texts[name].encode())
    note(f"wrote {', '.join(sorted(texts))} into {out}")
    if spectrum is not None:
        note(kapitza.io.md.trajectory_size(run_file, spectrum, engine))
    start = "mpiexec -n 64 lmp -in in.nemd" if engine == "lammps" else "gpumd"
    of_run = "" if spectrum is None else f" --run {file}"
    commands = [f"cd {out} && {start}", f"kapitza md read {out} --engine {engine}{of_run} --save run.h5"]
    if files.as_json:
        print_json({"folder": out, "files": sorted(texts), "commands": commands})
    else:
        typer.echo("\n".join(commands))  # to be copied: they are not wrapped


def _is_unfinished_deck(folder: Path, files: Collection[str]) -> bool:
    """Whether a folder holds at most the beginning of a deck, as an interrupt or a full disk leaves it."""
    names = {path.name for path in folder.iterdir() if not is_temporary(path.name)}
    return kapitza.md.HEADER_FILE not in names and names <= set(files)


def read(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a deck with what the program wrote.")],
    *,
    engine: _Engine,
    equilibrated: Annotated[
        float, Option("time under the same thermostats before the blocks, 400ps", "time", "0ps", low=0)
    ],
    run: Annotated[
        str | None, Option("file of the run, of a deck with --spectrum: spectra are computed", metavar="FILE")
    ],
    source: Annotated[
        Literal["virials", "kernels", "shc"] | None,
        Option("spectra of GPUMD: atomic virials [default], forces by kernels of the file's potential, shc.out"),
    ],
    files: output.Results,
) -> None:
    """Analyse what a cluster produced, as `md nemd` does.  Exit code 3: the run is rejected."""
    if source is not None and (run is None or engine != "gpumd"):
        raise InputError(f"--source {source} with --engine {engine}, --run {run}: it is for --engine gpumd with --run")
    if run is not None and engine == "lammps":
        result = kapitza.io.md.read_lammps_run(
            folder, kapitza.io.read_run(run), waited=equilibrated, progress=progress_bar("samples")
        )
    elif run is not None:
        result = kapitza.io.md.read_gpumd_run(
            folder, kapitza.io.read_run(run), source=source or "virials", waited=equilibrated,
            progress=progress_bar("samples"),
        )  # fmt: skip
    else:
        record = kapitza.io.read_lammps(folder) if engine == "lammps" else kapitza.io.read_gpumd(folder)
        result = kapitza.md.Run(title=record.name, records=(record,), equilibration_time=equilibrated)
    files.keep(result)
    report_run(result, files)
