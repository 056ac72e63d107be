"""ASE calculators by name or import path, with what identifies their forces: package, version and arguments."""

import hashlib
import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from difflib import get_close_matches
from importlib import import_module, metadata
from inspect import Parameter, getsource, signature
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from kapitza.core.arrays import read_only_mapping
from kapitza.core.files import read_limited
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError, MissingEngine, require
from kapitza.matter.potentials.published import PUBLISHED_POTENTIALS, published_potential

MLIP_EXTRA = "mlip"
DEFAULT_CALCULATOR = "sevenn"


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
            path="sevenn.calculator:SevenNetCalculator", distribution="sevenn", install="'kapitza[mlip]'",
            title="SevenNet 7net-l3i5", doi="10.1021/acs.jctc.4c00190", arguments={"model": "7net-l3i5"},
            caution="soft: its top frequencies of Si, Ge and Al lie 16 to 21 % below the measured ones",
        ),
        "nequix": NamedCalculator(
            path="nequix.calculator:NequixCalculator", distribution="nequix", install="nequix",
            title="Nequix", doi="10.48550/arXiv.2601.07742", model_file="model_path",
            arguments={"backend": "jax", "use_kernel": False},  # its kernels are for graphics processors
        ),
        "unep": NamedCalculator(
            path="calorine.calculators:CPUNEP", distribution="calorine", install="calorine",
            title="neuroevolution potential", model_file="model_filename",
            doi="10.1063/5.0106617",  # of the method: models have their own
        ),
        "mace": NamedCalculator(
            path="mace.calculators:mace_mp", distribution="mace-torch", install="mace-torch",
            title="MACE", doi="10.48550/arXiv.2401.00096", model_file="model",
            arguments={"device": "cpu", "default_dtype": "float64"},
        ),
    }
)  # fmt: skip
_ALIASES: Mapping[str, str] = MappingProxyType({"sevennet": "sevenn", "7net": "sevenn", "calorine": "unep"})
_PUBLISHED_ALIASES = ("lj", "sw")
_ASE_BASE = "ase.calculators.calculator"  # module whose class takes any keyword and leaves it unused


@frozen(eq=False, kw_only=True)
class CalculatorChoice(BaseRecord):
    """A calculator that is made when it is asked for, and what its forces depend on."""

    title: str
    make: Callable[[], Any]
    identity: Mapping[str, object] | None  # plain values that change with the forces; None: nothing can be kept
    caution: str = ""
    source: str = ""  # what to cite; empty where nobody knows it


def is_calculator_name(name: str) -> bool:
    """Tell whether a name is that of a universal potential, or an import path."""
    return name.lower() in NAMED_CALCULATORS or name.lower() in _ALIASES or ":" in name


def choose_calculator(calculator: object, arguments: Mapping[str, object], symbols: Sequence[str]) -> CalculatorChoice:
    """Return the calculator of a name ("sevenn", "nequix", "unep", "mace", or a published potential such as "tersoff"),
    of an import path ("module:Class"), or an ASE calculator as it is.
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
    if arguments:
        raise InputError(f"the potential {name!r} takes no arguments, got {', '.join(arguments)}")
    found = published_potential(name, symbols)
    return CalculatorChoice(
        title=f"potential {found.name}",
        make=lambda: found.calculator,
        identity={"potential": found.name, "matscipy": _version("matscipy"), "ase": _version("ase")},
        source=found.source,
    )


def _named_choice(entry: NamedCalculator, arguments: Mapping[str, object]) -> CalculatorChoice:
    given = {**entry.arguments, **arguments}
    if entry.model_file and entry.model_file not in given:
        raise InputError(
            f"{entry.title} needs the file of its model:",
            hint=Hint(
                python=f"arguments={{{entry.model_file!r}: FILE}}", command=f"--calculator-args {entry.model_file}=FILE"
            ),
        )
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
    made, module = _imported_class(path)
    check_argument_names(made, path, arguments)
    package, origin = module.__name__.partition(".")[0], getattr(module, "__file__", None) or ""
    version = _version(package)
    text = hashlib.sha256(read_limited(origin)).hexdigest() if Path(origin).is_file() else ""
    return CalculatorChoice(
        title=f"{path.partition(':')[2]}{f' ({package} {version})' if version else ''}",
        make=lambda: _construct(path, arguments),
        identity={**_identity(path, version, arguments), "module": text},
    )


def _identity(path: str, version: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """What forces depend on, as plain values; of an argument that names a file, a checksum of its content."""
    plain: dict[str, object] = {}
    for key, value in arguments.items():
        plain[key] = value if isinstance(value, str | int | float | bool) or value is None else repr(value)
        if isinstance(value, str):
            with suppress(OSError, ValueError):
                if Path(value).is_file():
                    plain[key] = hashlib.sha256(read_limited(value)).hexdigest()
    return {"calculator": path, "version": version, "arguments": plain}


def check_argument_names(made: Any, path: str, arguments: Mapping[str, object]) -> None:
    """Refuse arguments that a calculator does not know, as far as that can be told: many calculators of ASE accept any
    name and leave it unused.  Known are the names in the signatures of the constructors, in `default_parameters`, and
    any other word that the modules of the class mention.
    """
    known = _argument_names(made)
    unknown = [] if known is None else [name for name in arguments if name not in known]
    if known is None or not unknown or (all(map(_is_open, _constructors(made))) and _mentions(made, unknown[0])):
        return
    close = get_close_matches(unknown[0], known, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"calculator {path!r:.80} knows no argument {unknown[0]!r:.40}: it has {', '.join(known)}{meant}")


def _constructors(made: Any) -> list[list[Parameter]]:
    """Arguments of the constructor of a class and, where it takes any keyword, of those of its bases up to ASE's."""
    found: list[list[Parameter]] = []
    for one in made.__mro__[:-1] if isinstance(made, type) else ():
        if "__init__" in vars(one):
            found.append(list(signature(vars(one)["__init__"]).parameters.values())[1:])
            if one.__module__ == _ASE_BASE or not _is_open(found[-1]):
                break
    return found


def _is_open(arguments: Sequence[Parameter]) -> bool:
    return any(one.kind == Parameter.VAR_KEYWORD for one in arguments)


def _argument_names(made: Any) -> list[str] | None:
    try:
        constructors = _constructors(made)
    except (TypeError, ValueError):  # compiled code does not say what it takes
        return None
    defaults = getattr(made, "default_parameters", None)
    own = list(defaults) if isinstance(defaults, Mapping) else []
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    found = [one.name for arguments in constructors for one in arguments if one.kind in named]
    if len(constructors) == 1 and not _is_open(constructors[0]):
        return found
    # keywords go on to ASE's base class, which takes any
    swallows = constructors and all(map(_is_open, constructors)) and own and not hasattr(made, "write_input")
    return list(dict.fromkeys([*own, *found])) if swallows else None


def _mentions(made: type, word: str) -> bool:
    """Tell whether the modules of a class have a word anywhere, or do not show their text."""
    for module in {one.__module__ for one in made.__mro__[:-1]} - {_ASE_BASE}:
        try:
            if re.search(rf"\b{re.escape(word)}\b", getsource(sys.modules[module])):
                return True
        except (OSError, TypeError, KeyError):
            return True
    return False


def _construct(path: str, arguments: Mapping[str, object]) -> Any:
    """Make a calculator; what it prints on the way goes to the error stream."""
    made, _ = _imported_class(path)
    check_argument_names(made, path, arguments)
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made(**arguments)
    except Exception as err:
        words = " ".join(f"{type(err).__name__} {err}".split())
        raise InputError(f"the calculator {path} cannot be made with {dict(arguments)!s:.120}: {words:.200}") from err


def _imported_class(path: str) -> tuple[Any, Any]:
    where, _, name = path.partition(":")
    require("ase", extra=MLIP_EXTRA, why="forces by a calculator of ASE")
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = import_module(where)
    except ModuleNotFoundError as err:
        raise InputError(
            f"calculator {path!r:.80}: no module {err.name!r}; is its package installed, or its folder in PYTHONPATH?"
        ) from err
    except Exception as err:
        words = " ".join(f"{type(err).__name__} {err}".split())
        raise InputError(f"calculator {path!r:.80}: its module cannot be imported: {words:.200}") from err
    if not hasattr(module, name):
        raise InputError(f"no {name!r:.40} in the module {where!r:.40} of the calculator {path!r:.80}")
    return getattr(module, name), module


def _version(distribution: str) -> str:
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
