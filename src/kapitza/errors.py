"""Errors, told apart by what the caller can do about them.

KapitzaError
├── InputError         (ValueError)    change the call
├── DataError          (ValueError)    change the file
│   └── MissingFile    (FileNotFoundError)    check its name
├── ConvergenceError   (RuntimeError)  change the settings; `last` holds the final iterate
└── MissingEngine      (ImportError)   install an optional package
"""

from errno import ENOENT
from importlib import import_module
from os import PathLike, fspath
from types import ModuleType
from typing import NamedTuple

__all__ = [
    "ConvergenceError", "DataError", "Hint", "InputError", "MissingEngine", "MissingFile", "ValidityWarning",
    "require",
]  # fmt: skip


class Hint(NamedTuple):
    """What to do about an error or a warning, for readers who write Python and for readers at the command line.

    Attributes
    ----------
    python : in terms of functions and their arguments; empty if nothing applies
    command : in terms of options and of keys of files; empty if nothing applies

    Examples
    --------
    >>> from kapitza.errors import Hint, InputError
    >>> fault = InputError("the cell changes", hint=Hint(python="use relax='atoms'", command="use --relax atoms"))
    >>> print(fault)
    the cell changes; use relax='atoms'
    >>> print(fault.command_message)
    the cell changes; use --relax atoms
    """

    python: str = ""
    command: str = ""


class _Hinted(Exception):
    """Base of errors and warnings: a message and what to do about it.

    `str` gives the message with the hint for Python.  A message that ends with a punctuation mark introduces the hint
    by itself; otherwise a semicolon does.
    """

    def __init__(self, message: str = "", *, hint: Hint | None = None) -> None:
        super().__init__(message if hint is None else _with_hint(message, hint.python))
        self._command_message = "" if hint is None else _with_hint(message, hint.command)

    def __reduce__(self) -> tuple[object, ...]:
        # the message that is quoted is known here; another process does not get the cause
        return type(self), self.args, {**vars(self), "_command_message": self.command_message}

    @property
    def command_message(self) -> str:
        """Message with the hint for the command line; the message of its cause, if it is quoted, is changed as well."""
        text, cause = self._command_message or str(self), self.__cause__
        return text.replace(str(cause), cause.command_message) if isinstance(cause, _Hinted) else text


def _with_hint(message: str, hint: str) -> str:
    """Return a message followed by a hint, or without the colon or comma that introduces it if there is none."""
    message = message.rstrip()
    if not (message and hint):
        return message.rstrip(":;,") or hint
    return f"{message} {hint}" if message.endswith((".", ":", ";", ",", "?")) else f"{message}; {hint}"


class KapitzaError(_Hinted):
    """Base of all errors that the package raises on purpose."""


class InputError(KapitzaError, ValueError):
    """An argument has the wrong shape, sign or range: change the call."""


class DataError(KapitzaError, ValueError):
    """A file does not hold what it should: change the file.

    Attributes
    ----------
    file : path of the file, or None
    line : line of the first fault, counted from 1, or None
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | PathLike[str] | None = None,
        line: int | None = None,
        hint: Hint | None = None,
    ) -> None:
        self.file = None if file is None else fspath(file)
        self.line = line
        place = "" if self.file is None else self.file + (f", line {line}" if line else "") + ": "
        super().__init__(place + message, hint=hint)


class MissingFile(DataError, FileNotFoundError):
    """There is no file of this name: check the name, and the folder in which it is looked for."""

    def __init__(self, file: str | PathLike[str]) -> None:
        super().__init__("there is no such file; check its name and its folder", file=file)
        self.errno, self.filename = ENOENT, self.file

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.file,)  # `args` is the message

    def __str__(self) -> str:
        return str(self.args[0])  # that of OSError would name the number of the error


class ConvergenceError(KapitzaError, RuntimeError):
    """An iteration stopped early: change its settings.  `last` holds the final iterate."""

    def __init__(self, message: str, last: object = None, *, hint: Hint | None = None) -> None:
        super().__init__(message, hint=hint)
        self.last = last


class MissingEngine(KapitzaError, ImportError):
    """An optional package is not installed: install it."""


class ValidityWarning(_Hinted, UserWarning):
    """A model is used outside of the range in which it is meant to hold."""


def require(package: str, *, extra: str, why: str) -> ModuleType:
    """Import an optional package, or say what it is for and how to get it.

    Raises
    ------
    MissingEngine
        if the package is not installed; the message holds the line that installs it
    """
    try:
        return import_module(package)
    except ImportError as err:
        missing = err.name if package.startswith("kapitza.") and err.name else package  # what a module of ours needs
        raise MissingEngine(f"{why} needs {missing}: pip install 'kapitza[{extra}]'") from err
