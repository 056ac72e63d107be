"""The command `kapitza`."""

import os
import sys
import warnings
from collections.abc import Sequence

import typer

from kapitza.cli import agf, applications, fit, transport
from kapitza.cli.device import solve
from kapitza.cli.eels import verbs
from kapitza.cli.eels.info import eels_app
from kapitza.cli.junction import junction_app
from kapitza.cli.md import deck, equilibrium
from kapitza.cli.md.nemd import md_app
from kapitza.cli.predict import app
from kapitza.errors import KapitzaError

app.add_typer(applications.applications_app)
app.add_typer(fit.measurements_app)
app.add_typer(solve.device_app)
app.add_typer(agf.agf_app)
app.add_typer(transport.transport_app)

# of linear algebra: the matrices of one wave vector are small, and more threads cost several times the work
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_EXIT_FAULT, _EXIT_INTERRUPTED, _EXIT_CLOSED_PIPE = 2, 130, 141
app.add_typer(junction_app, name="junction")
eels_app.add_typer(verbs.eels_verbs_app)
app.add_typer(eels_app, name="eels")
md_app.add_typer(equilibrium.closed_app)
md_app.add_typer(deck.decks_app)
app.add_typer(md_app, name="md")
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of click, or of the copy of it in newer typer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; every fault of the input is one line on the error stream, never a traceback.

    Parameters
    ----------
    arguments : what follows the name of the command; those of the process if None

    Returns
    -------
    0, or 2 for a fault, 130 for an interrupt, 141 where nobody reads the output any more
    """
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = _show_warning
            return _run_command(list(sys.argv[1:] if arguments is None else arguments) or ["--help"])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's last flush is quiet too
        return _EXIT_CLOSED_PIPE


def _run_command(arguments: list[str]) -> int:
    """Run the command and turn what it raises into an exit status."""
    try:
        status = app(arguments, prog_name="kapitza", standalone_mode=False)
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
        return _print_fault(str(err))
    except OSError as err:
        return _print_fault(f"{err.filename}: {err.strerror}" if err.filename and err.strerror else str(err))
    except _UsageError as err:
        return _print_fault(f"{_usage_message(err)}; `kapitza --help` shows how it is used")
    except MemoryError:
        return _print_fault("not enough memory for this")
    if status == _EXIT_INTERRUPTED:
        return _print_fault("interrupted", _EXIT_INTERRUPTED)
    return status if isinstance(status, int) else 0


def _usage_message(err: Exception) -> str:
    """Return what is wrong with the options, without its full stop."""
    message = getattr(err, "format_message", lambda: str(err))()
    return message.strip().rstrip(".")


def _print_fault(message: str, status: int = _EXIT_FAULT) -> int:
    """Print one line on the error stream."""
    typer.echo(f"kapitza: {' '.join(message.split())}", err=True)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Print a warning as a note of one line."""
    typer.echo(f"note: {' '.join(str(message).split())}", err=True)
