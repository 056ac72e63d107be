"""What the verbs of molecular dynamics share: options, folders of runs in progress, progress, interrupts."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.options import long_work
from kapitza.cli.output import note
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.io.md.runs import RunFile

EXIT_REJECTED = 3  # exit status of a run that is rejected

RunFileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="File of a run (.toml): atoms, potential, thermostats, duration.")
]
SavedRunArgument = Annotated[str, typer.Argument(metavar="RUN", help="What `md nemd` or `md read` saved.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="FOLDER", help="Where runs are kept and resumed; the name of --save with .parts."),
]
ReplicasOption = Annotated[
    int | None, typer.Option("--replicas", help="Runs that differ in their seed; as the file says.", min=1)
]


def run_store(store: str | None, save: str | None) -> Path | None:
    """Folder of a run in progress: as given, or named after the result; None where there is no name for it."""
    if store is not None:
        if Path(store).is_file():
            raise InputError(f"--store {store} is a file: give the name of a folder")
        return Path(store)
    return None if save is None else Path(f"{save}.parts")


@contextmanager
def explain_resume(folder: Path | None) -> Generator[None, None, None]:
    """Say how to go on where the work is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            typer.echo("", err=True)
        where = f"the state is in {folder}: the same command goes on from there"
        note("nothing is kept: --save FILE or --store FOLDER keeps the state" if folder is None else where)
        raise


def announce_compilation(run_file: "RunFile") -> None:
    """Say that the steps of the built-in engine are compiled first, where their machine code is not kept yet."""
    if not kapitza.md.has_compiled_steps(run_file.engine, run_file.potential):
        note("the steps of the built-in engine are compiled before their first use, some 5 s once; the code is kept")


def run_and_keep(
    run_file: "RunFile", files: figures.Results, store: str | None, *, periodic: bool = False, dask: str | None = None,
    workers: int = 1,
) -> "kapitza.md.Run":  # fmt: skip
    """Run the atoms of a file, with what is kept and how far it is shown to the user."""
    where = run_store(store, files.save)
    units = "blocks" if run_file.protocol.replicas == 1 else "runs"
    announce_compilation(run_file)
    with explain_resume(where), long_work(units, workers, where, dask) as work:
        run = kapitza.md.run(
            run_file.system(periodic=periodic), run_file.potential, run_file.engine, run_file.protocol,
            run_file.sampling, **work,
        )  # fmt: skip
    files.keep(run)
    return run


def conclude(files: figures.Results, *, accepted: bool) -> None:
    """Say which files were written; stop with a status of its own where a result is rejected."""
    files.announce()
    if not accepted:
        raise typer.Exit(EXIT_REJECTED)


def load_run(path: str) -> "kapitza.md.Run":
    """Saved run between two thermostats; a file of something else is refused."""
    found = kapitza.load(path)
    if not isinstance(found, kapitza.md.Run):
        raise InputError(f"{path} holds a {type(found).__name__}: expected what `kapitza md nemd` or `md read` saved")
    return found
