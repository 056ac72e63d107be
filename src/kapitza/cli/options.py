"""Options that commands share, and parsers of their texts."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, cast

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.cli.output import note
from kapitza.errors import InputError
from kapitza.io.quantities import quantity, stepped_range
from kapitza.run import progress_bar

_MAX_TEMPERATURES = 10_000  # temperatures
_CELSIUS_PATTERN = re.compile(r"(?P<value>[-+]?[0-9.]+)\s*(°\s*C|degC|C|℃)", re.IGNORECASE)
_MILLER_PATTERN = re.compile(r"(-?\d)(-?\d)(-?\d)")


def parse_temperatures(text: str) -> list[float]:
    """Temperatures in K, increasing, from a number, a list ``77,300`` or a range ``start:stop:step``."""
    if ":" in text:
        parts = text.split(":")
        if len(parts) not in (2, 3):
            raise InputError(f"temperature range {text!r:.60}: expected start:stop:step in K, such as 50:600:10")
        start, stop = _parse_kelvin(parts[0], text), _parse_kelvin(parts[1], text)
        step = _parse_number(parts[2], text) if len(parts) == 3 else (stop - start) / 50
        return stepped_range(start, stop, step, what=f"temperature range {text!r:.60} in K", most=_MAX_TEMPERATURES)
    return sorted({_parse_kelvin(part, text) for part in text.split(",")})


def parse_temperature(text: str) -> float:
    """Return one temperature in K; errors as for many, and for more than one."""
    kelvin = parse_temperatures(text)
    if len(kelvin) != 1:
        raise InputError(f"temperature {text!r:.60}: expected one in K, got {len(kelvin)}")
    return kelvin[0]


def _parse_kelvin(text: str, option: str) -> float:
    bare = text.strip()
    celsius = _CELSIUS_PATTERN.fullmatch(bare)
    if celsius:
        value = _parse_number(celsius["value"], option) + 273.15
        raise InputError(f"temperature {option!r:.60}: expected K, not °C; {bare} is {value:g} K")
    value = _parse_number(bare.removesuffix("K"), option)
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"temperature {option!r:.60}: expected K, above 0 and finite (°C? add 273.15)")
    return value


def _parse_number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError as err:
        raise InputError(
            f"temperature {option!r:.60}: {text.strip()!r:.40} is not a number; expected 300, 77,300 or 50:600:10 in K"
        ) from err


def parse_normals(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Normals of both sides from ``001`` (both) or ``111,001`` (left, right): digits are Cartesian directions in the
    axes of the crystal, which for cubic crystals are Miller indices.
    """
    matches = [_MILLER_PATTERN.fullmatch(part.strip()) for part in text.split(",")]
    normals = [tuple(map(int, match.groups())) for match in matches if match]
    if not 0 < len(normals) == len(matches) <= 2 or not all(map(any, normals)):
        raise InputError(f"normal {text!r:.40}: expected three digits, such as 001, -110 or 111,001 (left, right)")
    return normals[0], normals[-1]


def parse_names(text: str) -> list[str]:
    """Return names separated by commas."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(f"expected names separated by commas, got {text!r:.40}")
    return names


def share_last_unit(text: str) -> list[str]:
    """Parts of a list whose last unit counts for all that have none: 10,20,40nm."""
    parts = [part.strip() for part in text.split(",")]
    unit = parts[-1].lstrip("+-0123456789.eE")
    return [part if part.lstrip("+-0123456789.eE") else part + unit for part in parts]


def parse_calculator_arguments(texts: Sequence[str] | None) -> dict[str, object]:
    """Arguments of a calculator from ``key=value`` words, several in one text or in many."""
    return kapitza.lattice.parse_arguments([word for text in texts or () for word in shlex.split(text)])


def parse_whole_numbers(text: str, separator: str, what: str) -> list[int]:
    """Whole numbers from ``1,2,3`` or ``2x2``."""
    parts = [part.strip() for part in text.lower().split(separator)]
    if wrong := next((part for part in parts if not part.isdecimal() or len(part) > 9), None):
        raise InputError(f"{what} {wrong!r:.40}: expected a whole number")
    return list(map(int, parts))


@contextmanager
def long_work(
    units: str, workers: int, store: str | Path | None, dask: str | None
) -> Generator[dict[str, Any], None, None]:
    """Arguments of a function that does long work, by what was asked for; the progress counts `units`."""
    shared = {"store": store, "progress": progress_bar(units)}
    if dask is None:
        yield {"executor": workers, **shared}
        return
    with kapitza.run.dask_executor(dask, announce=note) as executor:
        yield {"executor": executor, **shared}


_OBSERVATION_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"tdtr": ("thickness", "frequency"), "sstr": ("thickness", "spot"), "film": ("thickness",), "md": ("thickness",)}
)
_OBSERVATION_EXAMPLES = "tdtr, tdtr:80nm,10MHz, sstr:80nm,10um, film:1um or md:20nm"


def parse_observation(text: str) -> kapitza.measure.Observation:
    """How a boundary is seen, from ``tdtr``, ``tdtr:80nm,10MHz``, ``sstr:80nm,10um``, ``film:1um`` or ``md:20nm``."""
    name, _, rest = text.partition(":")
    method = name.strip().lower()
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    wanted = _OBSERVATION_PARTS.get(method)
    if wanted is None or len(parts) not in (0, len(wanted)):
        raise InputError(f"--seen {text!r:.40}: expected {_OBSERVATION_EXAMPLES}")
    if method == "tdtr":
        parts.sort(key=lambda part: part.lower().endswith("hz"))
    bare = next((part for part in parts if not part[-1].isalpha()), None)
    if bare is not None:
        raise InputError(f"--seen {text!r:.40}: {bare!r:.20} has no unit; expected {_OBSERVATION_EXAMPLES}")
    given = {
        key: quantity(part, "frequency" if key == "frequency" else "length", what=f"--seen: {key}")
        for key, part in zip(wanted, parts, strict=False)
    }
    return kapitza.measure.Observation(method=cast("kapitza.measure.ObservationMethod", method), **given)


def parse_conductivities(text: str) -> tuple[float | None, float | None]:
    """Conductivities of both lattices, W m⁻¹ K⁻¹, from ``10,148``; ``-`` for one of the library."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise InputError(
            f"--conductivities {text!r:.40}: expected two in W/mK, left and right, such as 10,148 or -,148"
        )
    left, right = (None if part == "-" else quantity(part, "conductivity", what="--conductivities") for part in parts)
    return left, right


@dataclass(frozen=True)
class Work:
    """How long work is shared and kept."""

    panel: ClassVar[str] = "Computation"

    workers: Annotated[int, Option("processes that share the work", low=1)] = 1
    store: Annotated[
        str | None, Option("folder of finished units, from which the same command resumes", metavar="FOLDER")
    ] = None
    dask: Annotated[
        str | None, Option("scheduler of a Dask cluster: tcp://host:8786, or its file (.json)", metavar="ADDRESS")
    ] = None

    def __bool__(self) -> bool:
        """True if any option was given."""
        return self != Work()

    @contextmanager
    def run(self, units: str) -> Generator[dict[str, Any], None, None]:
        """Yield the arguments of a function that does long work; the progress counts `units`."""
        with long_work(units, self.workers, self.store, self.dask) as arguments:
            yield arguments


@dataclass(frozen=True)
class Calculation:
    """Forces of structure files by a calculator."""

    panel: ClassVar[str] = "Structure files"

    calculator: Annotated[
        str | None, Option("calculator of the forces: sevenn [default], nequix, module:Class", metavar="NAME")
    ] = None
    calculator_args: Annotated[
        dict[str, object] | None,
        Option(
            "arguments of the calculator; repeatable", parse_calculator_arguments, metavar="KEY=VALUE ...",
            given=list[str],
        ),
    ] = None  # fmt: skip
    relax: Annotated[
        Literal["atoms", "cell", "none"] | None,
        Option("relaxation: of the atoms [default], also of the lattice vectors, or none"),
    ] = None

    def forces(self, sides: Sequence[str]) -> kapitza.phonons.FiniteDisplacements | None:
        """Return what gives the forces of structure files; None where no side is one, and nothing was asked for."""
        if not any(map(kapitza.matter.is_structure_file, sides)):
            if self != Calculation():
                option = "--calculator" if self.calculator or self.calculator_args else "--relax"
                raise InputError(f"{option} is for structure files such as Si.cif: none of {', '.join(sides)} is one")
            return None
        choice: Any = {"calculator": self.calculator} if self.calculator else {}
        choice |= {"relax": self.relax} if self.relax else {}
        return kapitza.phonons.FiniteDisplacements(
            arguments=self.calculator_args or {}, progress=progress_bar("forces"), announce=note, **choice
        )


Temperature = Annotated[
    float, Option("temperature in K", parse_temperature, "300", names="--temperature -T", metavar="KELVIN")
]
Temperatures = Annotated[
    list[float],
    Option("temperatures in K: 300, 77,300 or 50:600:10", parse_temperatures, "300", "--temperature -T", "KELVIN"),
]
SampleArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Sample file (.toml): stack, data, and experiments of any kind: tdtr, fdtr, steady, three-omega, raman, "
        "cooling, particle, flash, grating, beam-offset.",
    ),
]
ABSCISSA_UNITS = {  # of what experiments vary
    "delay": "s", "frequency": "Hz", "time": "s", "thickness": "m", "radius": "m", "power": "W", "offset": "m",
}  # fmt: skip
