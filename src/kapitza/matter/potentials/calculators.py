"""ASE calculators by name or import path, with what identifies their forces: package, version and arguments."""

import hashlib
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from difflib import get_close_matches
from importlib import import_module, metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from kapitza.core.arrays import read_only_mapping
from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, MissingEngine, require
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS, published_potential

MLIP_EXTRA = "mlip"
DEFAULT_CALCULATOR = "sevenn"
_SEVENNET_CAUTION = "soft: its top frequencies of Si, Ge and Al lie 16 to 21 % below the measured ones"


@frozen(kw_only=True)
class NamedCalculator(BaseRecord):
    """A calculator that a name stands for."""

    path: str  # module:Class
    distribution: str  # package that has it
    install: str  # what installs that
    title: str  # of the potential
    doi: str
    arguments: Mapping[str, object] = field(default=MappingProxyType({}), converter=read_only_mapping)
    model_file: str = ""  # argument that names the file of the model, where there has to be one
    caution: str = ""  # how far off its phonons are, as far as known


NAMED_CALCULATORS: Mapping[str, NamedCalculator] = MappingProxyType(
    {
        "sevenn": NamedCalculator(
            path="sevenn.calculator:SevenNetCalculator",
            distribution="sevenn",
            install="'kapitza[mlip]'",
            title="SevenNet 7net-l3i5",
            doi="10.1021/acs.jctc.4c00190",
            arguments={"model": "7net-l3i5"},
            caution=_SEVENNET_CAUTION,
        ),
        "nequix": NamedCalculator(
            path="nequix.calculator:NequixCalculator",
            distribution="nequix",
            install="nequix",
            title="Nequix",
            doi="10.48550/arXiv.2601.07742",
            arguments={"backend": "jax", "use_kernel": False},  # its kernels are for graphics processors
            model_file="model_path",
        ),
        "unep": NamedCalculator(
            path="calorine.calculators:CPUNEP",
            distribution="calorine",
            install="calorine",
            title="neuroevolution potential",
            doi="10.1038/s41467-024-54554-x",
            model_file="model_filename",
        ),
        "mace": NamedCalculator(
            path="mace.calculators:mace_mp",
            distribution="mace-torch",
            install="mace-torch",
            title="MACE",
            doi="10.48550/arXiv.2401.00096",
            arguments={"device": "cpu", "default_dtype": "float64"},
            model_file="model",
        ),
    }
)
_ALIASES: Mapping[str, str] = MappingProxyType({"sevennet": "sevenn", "7net": "sevenn", "calorine": "unep"})
_PUBLISHED_ALIASES = ("lj", "sw")


@frozen(eq=False, kw_only=True)
class CalculatorChoice(BaseRecord):
    """A calculator that is made when it is asked for, and what its forces depend on.

    Attributes
    ----------
    identity : plain values that change with the forces; None where nobody knows them, so that nothing can be kept
    source : what to cite; empty where nobody knows it
    """

    title: str
    make: Callable[[], Any]
    identity: Mapping[str, object] | None
    caution: str = ""
    source: str = ""


def is_calculator_name(name: str) -> bool:
    """Tell whether a name is that of a universal potential, or an import path."""
    return name.lower() in NAMED_CALCULATORS or name.lower() in _ALIASES or ":" in name


def choose_calculator(calculator: object, arguments: Mapping[str, object], symbols: Sequence[str]) -> CalculatorChoice:
    """Return the calculator of a name ("sevenn", "nequix", "unep", "mace", or a published potential such as "tersoff"),
    of an import path ("module:Class"), or an ASE calculator as it is.

    Raises
    ------
    InputError
        for an unknown name or module, arguments that the calculator does not take, elements that a published potential
        does not know
    MissingEngine
        where its package is not installed
    """
    if not isinstance(calculator, str):
        if not callable(getattr(calculator, "get_forces", None)):
            raise InputError(f"calculator = {calculator!r:.60}: expected a name, 'module:Class' or a calculator of ASE")
        return CalculatorChoice(title=type(calculator).__name__, make=lambda: calculator, identity=None)
    name = _ALIASES.get(calculator.lower(), calculator)
    if name.lower() in (*PUBLISHED_POTENTIALS, *_PUBLISHED_ALIASES):
        return _published_choice(name.lower(), arguments, symbols)
    if name.lower() in NAMED_CALCULATORS:
        return _named_choice(NAMED_CALCULATORS[name.lower()], arguments)
    if ":" not in name:
        known = [*NAMED_CALCULATORS, *PUBLISHED_POTENTIALS]
        close = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"no calculator {calculator!r:.40}: wanted {', '.join(known)}, or a path module:Class{meant}")
    return _imported_choice(name, arguments)


def _published_choice(name: str, arguments: Mapping[str, object], symbols: Sequence[str]) -> CalculatorChoice:
    """A published potential of the package."""
    if arguments:
        raise InputError(f"the potential {name!r} takes no arguments, got {', '.join(arguments)}")
    found = published_potential(name, symbols)
    identity = {"potential": found.name, "matscipy": _version("matscipy"), "ase": _version("ase")}
    return CalculatorChoice(
        title=f"potential {found.name}", make=lambda: found.calculator, identity=identity, source=found.source
    )


def _named_choice(entry: NamedCalculator, arguments: Mapping[str, object]) -> CalculatorChoice:
    """A calculator of the table."""
    given = {**entry.arguments, **arguments}
    if entry.model_file and entry.model_file not in given:
        raise InputError(f"{entry.title} needs the file of its model: arguments={{{entry.model_file!r}: FILE}}")
    version = _version(entry.distribution)
    if not version:
        raise MissingEngine(f"forces by {entry.title} need {entry.distribution}: pip install {entry.install}")
    model = f", {Path(str(given[entry.model_file])).name}" if entry.model_file else ""
    title = entry.title
    if "model" in entry.arguments:
        title = title.replace(str(entry.arguments["model"]), str(given["model"]))
    changed = any(given[key] != value for key, value in entry.arguments.items())
    return CalculatorChoice(
        title=f"{title}{model} ({entry.distribution} {version})",
        make=lambda: _construct(entry.path, given),
        identity=_identity(entry.path, version, given),
        source=f"doi:{entry.doi}",
        caution="" if changed else entry.caution,
    )


def _imported_choice(path: str, arguments: Mapping[str, object]) -> CalculatorChoice:
    """A calculator by its import path, identified by version and by the text of its module."""
    module = _imported_class(path)[1]
    package = module.__name__.partition(".")[0]
    origin = getattr(module, "__file__", None) or ""
    version = _version(package)
    text = hashlib.sha256(read_limited(origin)).hexdigest() if Path(origin).is_file() else ""
    return CalculatorChoice(
        title=f"{path.partition(':')[2]}{f' ({package} {version})' if version else ''}",
        make=lambda: _construct(path, arguments),
        identity={**_identity(path, version, arguments), "module": text},
    )


def _identity(path: str, version: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """What forces depend on; of an argument that names a file, its content."""
    return {
        "calculator": path, "version": version, "arguments": {key: _plain(value) for key, value in arguments.items()}
    }  # fmt: skip


def _plain(value: object) -> object:
    """An argument as a plain value; of one that names a file, a checksum of its content."""
    if isinstance(value, str):
        with suppress(OSError, ValueError):
            if Path(value).is_file():
                return hashlib.sha256(read_limited(value)).hexdigest()
    return value if isinstance(value, str | int | float | bool) or value is None else repr(value)


def _construct(path: str, arguments: Mapping[str, object]) -> Any:
    """Make a calculator; what it prints on the way goes to the error stream."""
    made, _ = _imported_class(path)
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made(**arguments)
    except Exception as err:
        words = " ".join(f"{type(err).__name__} {err}".split())
        raise InputError(f"the calculator {path} cannot be made with {dict(arguments)!s:.120}: {words:.200}") from err


def _imported_class(path: str) -> tuple[Any, Any]:
    """Class of an import path, and its module."""
    where, _, name = path.partition(":")
    module = _import_module(where, path)
    if not hasattr(module, name):
        raise InputError(f"no {name!r:.40} in the module {where!r:.40} of the calculator {path!r:.80}")
    return getattr(module, name), module


def _import_module(module: str, path: str) -> Any:
    """Import the module of a calculator."""
    require("ase", extra=MLIP_EXTRA, why="forces by a calculator of ASE")
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except ModuleNotFoundError as err:
        raise InputError(
            f"calculator {path!r:.80}: no module {err.name!r}; is its package installed, or its folder in PYTHONPATH?"
        ) from err
    except Exception as err:
        words = " ".join(f"{type(err).__name__} {err}".split())
        raise InputError(f"calculator {path!r:.80}: its module cannot be imported: {words:.200}") from err


def _version(distribution: str) -> str:
    """Version of an installed package; empty where there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def parse_arguments(texts: Sequence[str]) -> dict[str, object]:
    """Arguments from words such as ``model=7net-0`` and ``cutoff=5.0``: numbers, true, false, null, else text."""
    found: dict[str, object] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.isidentifier():
            raise InputError(f"calculator argument {text!r:.60}: expected name=value, such as model=7net-l3i5")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found
