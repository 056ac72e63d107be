"""Options of the commands of electron spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity


def scan_argument() -> Any:
    """The argument of a file of spectra, whose endings are those of the table of kinds of files."""
    endings = ", ".join(kapitza.io.suffixes_of("spectra"))
    return typer.Argument(help=f"Spectra: {endings}, and others that RosettaSciIO reads.")


Dark = Annotated[str | None, Option("dark spectra; or mean and noise of a channel, 100+-6", metavar="FILE")]
MapFile = Annotated[str, typer.Argument(metavar="MAP", help="Map that `kapitza eels fit --save` wrote.")]
PlanFile = Annotated[str, typer.Argument(metavar="FILE", help="Planned scan (.toml).")]
Across = Annotated[Literal["x", "y"], Option("position that crosses the interface", default="x")]
ModesFile = Annotated[str, Option("modes of the spectra (.toml)", metavar="FILE")]
KeepMisfits = Annotated[
    Literal["misfit"] | None, Option("use pixels that fit badly too, with wider errors", names="--keep")
]


def point_spread(texts: Mapping[str, str]) -> kapitza.eels.PointSpread:
    """Return the point spread of options with uncertainties, such as ``1nm+-0.2nm``."""
    numbers: dict[str, Any] = {}
    for name, text in texts.items():
        kind = "share" if name == "share" else "length"
        numbers[name], numbers[f"{name}_sigma"] = parse_uncertain(text, kind, what=f"--{name}")
    return kapitza.eels.PointSpread(**numbers)


def check_distinct(first: str, second: str, words: str) -> None:
    """Refuse one file for two; `words` say what each of both was to be."""
    if Path(first).exists() and Path(second).exists() and Path(first).samefile(second):
        raise InputError(f"{first} and {second} are one file: expected {words}")


def map_energy_scale(found: kapitza.eels.TemperatureMap) -> kapitza.eels.diagnosis.EnergyScale | None:
    """Energy scale that the modes of a map show; None where no pixel shows the energy of any."""
    try:
        return kapitza.eels.diagnosis.energy_scale(found)
    except InputError:
        return None


def verdict_text(text: str, scale: kapitza.eels.diagnosis.EnergyScale | None) -> str:
    """Verdict on a map, with that on its energy scale; empty where nothing speaks against it."""
    off = f"energies off by {100 * (scale.value - 1):+.2g} %" if scale is not None and scale.wrong else ""
    return "; ".join(part for part in (text, off) if part)


def format_probability(value: float) -> str:
    """A probability; what is smaller than anybody believes is called that."""
    return f"{value:.2g}" if value >= 1e-9 else "below 1e-9"


def format_short(value: float) -> str:
    """A number to three digits, without an exponent where people read none: ``1090``."""
    return f"{float(f'{value:.3g}'):g}"


def _parse_energy_scale(text: str) -> tuple[float, float]:
    """First channel and step of ``-256meV,0.5meV``, J."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"--energy = {text!r:.60}: expected the first channel and the step, as -256meV,0.5meV")
    first, step = (quantity(part, "energy", what="--energy") for part in parts)
    return first, step


@dataclass(frozen=True)
class ReadingOptions:
    """What overrides the metadata of a file of spectra."""

    panel: ClassVar[str] = "Reading the file"

    title: Annotated[str | None, Option("signal to read from a file with several")] = None
    energy_unit: Annotated[str | None, Option("unit of energy, eV or meV, overrides the file")] = None
    energy_scale: Annotated[
        tuple[float, float] | None,
        Option("first channel and step: -256meV,0.5meV", _parse_energy_scale, names="--energy", metavar="FIRST,STEP"),
    ] = None
    position_unit: Annotated[str | None, Option("unit of position, nm, um, ..., overrides the file")] = None
    position: Annotated[
        float | None, Option("distance between pixels, 1nm, overrides the file", "length", names="--pitch")
    ] = None
    electrons_per_count: Annotated[float | None, Option("electrons per count, overrides the file")] = None

    def image(self, path: str) -> kapitza.eels.SpectrumImage:
        """Return the spectra of a file."""
        return kapitza.eels.read_eels(path, **{one.name: getattr(self, one.name) for one in fields(self)})


def apply_dark_count(
    image: kapitza.eels.SpectrumImage, dark: str | None, reading: ReadingOptions
) -> kapitza.eels.SpectrumImage:
    """Return spectra with what is known of the dark count: dark spectra of a file, or mean and noise of a channel."""
    if dark is None:
        return image
    try:
        mean, noise = parse_uncertain(dark, "share", what="--dark")
    except InputError:
        return kapitza.eels.with_dark(image, reading.image(dark))
    return kapitza.eels.with_dark_count(image, mean, noise)
