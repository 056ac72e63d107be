"""What the commands of molecular dynamics share: options, folders of runs in progress, progress, interrupts."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import kapitza
from kapitza.cli import output
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Work, long_work
from kapitza.cli.output import Column, columns_of, note
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.io import RunFile

EXIT_REJECTED = 3  # exit status of a run that is rejected

RunFileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="File of a run (.toml): atoms, potential, thermostats, duration.")
]
SavedRunArgument = Annotated[str, typer.Argument(metavar="RUN", help="What `md nemd` or `md read` saved.")]
ReplicasOption = Annotated[int | None, Option("runs that differ in their seed, overrides the file", low=1)]


@dataclass(frozen=True)
class RunWork(Work):
    """How a run is shared and kept."""

    store: Annotated[
        str | None, Option("folder of the resumable state; the name of --save with .parts if omitted", metavar="FOLDER")
    ] = None

    def folder(self, files: output.Results) -> Path | None:
        """Return the folder of a run in progress: as given, or named after the result; None without a name for it."""
        if self.store is not None and Path(self.store).is_file():
            raise InputError(f"--store {self.store} is a file: give the name of a folder")
        if self.store is not None:
            return Path(self.store)
        return None if files.save is None else Path(f"{files.save}.parts")


OneRunWork = Annotated[RunWork, Panel(names="store")]


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


def announce_compilation(run_file: RunFile) -> None:
    """Say that the steps of the built-in engine are compiled first, where their machine code is not kept yet."""
    if not kapitza.md.has_compiled_steps(run_file.engine, run_file.potential):
        note("the steps of the built-in engine are compiled before their first use, some 5 s once; the code is kept")


def run_and_keep(run_file: RunFile, files: output.Results, work: RunWork, *, periodic: bool = False) -> kapitza.md.Run:
    """Run the atoms of a file; progress is shown to the user, and the result is kept."""
    folder = work.folder(files)
    units = "blocks" if run_file.protocol.replicas == 1 else "runs"
    announce_compilation(run_file)
    with explain_resume(folder), long_work(units, work.workers, folder, work.dask) as shared:
        run = kapitza.md.run(
            run_file.system(periodic=periodic), run_file.potential, run_file.engine, run_file.protocol,
            run_file.sampling, **shared,
        )  # fmt: skip
    files.keep(run)
    return run


def conclude(*, accepted: bool) -> None:
    """Stop with a status of its own where a result is rejected."""
    if not accepted:
        raise typer.Exit(EXIT_REJECTED)


def load_run(path: str) -> kapitza.md.Run:
    """Saved run between two thermostats; a file of something else is refused."""
    found = kapitza.load(path)
    if not isinstance(found, kapitza.md.Run):
        raise InputError(f"{path} holds a {type(found).__name__}: expected what `kapitza md nemd` or `md read` saved")
    return found


def conductance_row(meaning: str, one: kapitza.Conductance | None) -> Column:
    """Conductance as a row of a table; a dash where there is none."""
    return columns_of({} if one is None else one, {"value": ""})[0]._replace(meaning=meaning)


def verdict_lines(reasons: Sequence[str], accepted: str = "accepted") -> str:
    """Why a result is rejected, or that it is accepted."""
    return "\n".join(f"rejected: {reason}" for reason in reasons) or accepted
