"""The command `kapitza`: its verbs, and what becomes of errors."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from errno import EFBIG, EIO, ENOSPC
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any

import typer
import typer.core

import kapitza
from kapitza import KapitzaError
from kapitza.cli import (
    agf,
    applications,
    compare,
    experiments,
    fit,
    interface,
    junction,
    library,
    phonons,
    predict,
    screen,
    series,
    transport,
)
from kapitza.cli.device import solve
from kapitza.cli.eels import apertures, flow, info, jump, lamella, modes, resistance
from kapitza.cli.eels import compare as eels_compare
from kapitza.cli.eels import design as eels_design
from kapitza.cli.eels import fit as eels_fit
from kapitza.cli.layer import add_command
from kapitza.cli.md import deck, equilibrium, nemd
from kapitza.cli.output import note
from kapitza.errors import ValidityWarning

# of linear algebra: the matrices of one wave vector are small, and more threads cost several times the work
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_EXIT_FAULT, _EXIT_INTERRUPTED, _EXIT_CLOSED_PIPE = 2, 130, 141
_ANY_LENGTH = 500  # characters of a help text, which wraps
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of click, or of the copy of it in newer typer

_Verb = Callable[..., None]
_JUNCTION: tuple[str, Mapping[str, _Verb]] = (
    "Junctions of two crystals for atomistic Green's functions: build, look at.",
    {"build": junction.build, "show": junction.show, "modes": junction.junction_modes},
)
_EELS: tuple[str, Mapping[str, _Verb]] = (
    "Vibrational electron energy-loss spectra: from counts to temperature and the jump at an interface.",
    {
        "info": info.info, "fit": eels_fit.fit_scan, "jump": jump.jump_map, "modes": modes.modes_map,
        "flow": flow.flow_maps, "apertures": apertures.aperture_pair, "compare": eels_compare.compare_modes,
        "resistance": resistance.resistance_map, "lamella": lamella.lamella_file,
        "simulate": eels_design.simulate_plan, "design": eels_design.design_plan,
    },
)  # fmt: skip
_MD: tuple[str, Mapping[str, _Verb]] = (
    "Molecular dynamics of interfaces: temperature jump, fluctuations, spectra, modes, decks for a cluster.",
    {
        "nemd": nemd.nemd, "spectrum": nemd.spectrum, "modes": nemd.modes, "equilibrium": equilibrium.equilibrium,
        "lifetimes": equilibrium.lifetimes, "relax": equilibrium.relax, "sizes": equilibrium.sizes, "deck": deck.deck,
        "read": deck.read,
    },
)  # fmt: skip
# sections of the list of commands, each in the order of use; a group has a text and commands of its own
_SECTIONS: Mapping[str, Mapping[str, _Verb | tuple[str, Mapping[str, _Verb]]]] = MappingProxyType({
    "Predict": {
        "predict": predict.predict, "interface": interface.interface, "compare": compare.compare,
        "screen": screen.screen,
    },
    "Look": {
        "explore": library.explore, "materials": library.materials, "phonons": phonons.phonons,
        "measured": library.measured, "cite": library.cite,
    },
    "Measure": {
        "fit": fit.fit_sample, "sensitivity": experiments.sensitivity_sample, "design": experiments.design_sample,
        "simulate": experiments.simulate_sample, "series": series.thickness_series, "jump": series.profile_jump,
        "eels": _EELS,
    },
    "Simulate": {"junction": _JUNCTION, "agf": agf.agf, "md": _MD, "transport": transport.transport},
    "Devices": {
        "device": solve.device, "export": solve.export, "superlattice": applications.superlattice,
        "composite": applications.composite, "leg": applications.leg, "memory": applications.memory,
        "exchanger": applications.exchanger, "cryo": applications.cryo,
    },
})  # fmt: skip


class _SectionedGroup(typer.core.TyperGroup):
    """The commands by what they are for; the help of a group of few lists them as they are."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one list for each section, and one for the commands that are in none."""
        width = max(map(len, self.commands))
        for title, names in _SECTIONS.items():
            rows = [(name.ljust(width), self.commands[name].get_short_help_str(_ANY_LENGTH)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=_SectionedGroup, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None, name="kapitza",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kapitza {kapitza.__version__}")
        raise typer.Exit


@app.callback()
def kapitza_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Predict thermal boundary (Kapitza) conductance, and compare it with experiment."""


for _name, _verb in [pair for _commands in _SECTIONS.values() for pair in _commands.items()]:
    if isinstance(_verb, tuple):
        _group = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True,
            help=_verb[0],
        )  # fmt: skip
        for _inner, _function in _verb[1].items():
            add_command(_group, _inner, _function)
        app.add_typer(_group, name=_name)
    else:
        add_command(app, _name, _verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; every fault of the input is one line on the error stream, never a traceback.

    Returns 0, or 2 for a fault, 130 for an interrupt or SIGTERM, 141 where nobody reads the output any more.
    """
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        with _termination_as_interrupt(), warnings.catch_warnings():
            warnings.simplefilter("default")
            words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
            warnings.showwarning = _warning_printer()
            return _run_command(words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's last flush is quiet too
        return _EXIT_CLOSED_PIPE


@contextmanager
def _termination_as_interrupt() -> Generator[None, None, None]:
    """Let a request to end, as of `kill` or a batch system, do what an interrupt from the keyboard does."""
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run_command(arguments: list[str]) -> int:
    try:
        status = _all_commands()(arguments, prog_name="kapitza", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as stop:
        status = stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        status = _EXIT_INTERRUPTED
    except SystemExit:  # typer found that nobody reads the output any more
        return _EXIT_CLOSED_PIPE
    except BrokenPipeError:
        raise
    except KapitzaError as err:
        return _print_fault(err.command_message)
    except OSError as err:
        # where no file is named, it is the output that was to be written
        place = err.filename or ("the output cannot be written" if err.errno in (ENOSPC, EFBIG, EIO) else "")
        return _print_fault(f"{place}: {err.strerror}" if place and err.strerror else str(err))
    except _UsageError as err:
        message = err.format_message() if hasattr(err, "format_message") else str(err)  # pyright: ignore[reportAttributeAccessIssue]
        message = message.replace(" Value error, ", " ").strip().rstrip(".")  # what pydantic puts before its own words
        return _print_fault(f"{message}; `kapitza --help` shows how it is used")
    except MemoryError:
        return _print_fault("not enough memory for this")
    if status == _EXIT_INTERRUPTED:
        return _print_fault("interrupted", _EXIT_INTERRUPTED)
    return status if isinstance(status, int) else 0


@lru_cache(maxsize=1)
def _all_commands() -> Callable[..., object]:
    """Return the tree of commands, which takes as long to build as a small command to run."""
    return typer.main.get_command(app)


def _print_fault(message: str, status: int = _EXIT_FAULT) -> int:
    typer.echo(f"kapitza: {' '.join(message.split())}", err=True)
    return status


def _warning_printer() -> Callable[..., None]:
    """Return what prints a warning of a command as a note of one line, once for each text."""
    printed: set[str] = set()

    def show(message: Warning | str, *_place: object) -> None:
        text = " ".join((message.command_message if isinstance(message, ValidityWarning) else str(message)).split())
        if text not in printed:
            printed.add(text)
            note(text)

    return show
