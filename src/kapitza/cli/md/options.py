"""What the verbs of molecular dynamics share: options, folders of runs in progress, progress, interrupts."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import kapitza
from kapitza.cli import figures
from kapitza.cli.output import note
from kapitza.errors import InputError

EXIT_REJECTED = 3  # exit status of a run that is not to be believed

RunFileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="File of a run (.toml): atoms, potential, baths, duration.")
]
SavedRunArgument = Annotated[str, typer.Argument(metavar="RUN", help="What `md nemd` or `md read` saved.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", "--folder", metavar="FOLDER", help="Where runs are kept and resumed; the name of --save with .parts."
    ),
]
WorkersOption = Annotated[int, typer.Option("--workers", help="Processes over which several runs are spread.", min=1)]


def check_outputs(save: str | None, plot: str | None) -> None:
    """Refuse, before anything is computed, paths that cannot become a result or a figure."""
    figures.Results(save, plot)


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


def print_saved(*paths: str | None) -> None:
    """Say which files were written."""
    for path in paths:
        if path is not None:
            note(f"wrote {path}")


def load_run(path: str) -> "kapitza.md.Run":
    """Saved run between two thermostats; a file of something else is refused."""
    found = kapitza.load(path)
    if not isinstance(found, kapitza.md.Run):
        raise InputError(f"{path} holds a {type(found).__name__}: expected what `kapitza md nemd` or `md read` saved")
    return found
