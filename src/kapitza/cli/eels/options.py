"""Options of the verbs of electron spectra: how a file is read, and numbers with an uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import kapitza
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain, quantity

if TYPE_CHECKING:
    from kapitza.measure.eels.diagnosis.dispersion import EnergyScale
    from kapitza.measure.eels.map import TemperatureMap
    from kapitza.measure.eels.spectrum import SpectrumImage

Scan = Annotated[str, typer.Argument(help="Spectra: .ndata, .h5, .hspy, .msa, .dm3, .dm4, .nxs, .emd, ...")]
Title = Annotated[str | None, typer.Option("--title", help="Which signal of a file with several.")]
EnergyUnit = Annotated[str | None, typer.Option("--energy-unit", help="eV or meV, in place of what the file says.")]
EnergyOption = Annotated[
    str | None, typer.Option("--energy", metavar="FIRST,STEP", help="First channel and step: -256meV,0.5meV.")
]
PositionUnit = Annotated[
    str | None, typer.Option("--position-unit", help="nm, um, ... in place of what the file says.")
]
Pitch = Annotated[str | None, typer.Option("--pitch", help="From pixel to pixel, in place of what the file says: 1nm.")]
Dose = Annotated[float | None, typer.Option("--electrons-per-count", help="In place of what the file says.")]
Dark = Annotated[
    str | None, typer.Option("--dark", metavar="FILE", help="Dark spectra; or mean and noise of a channel, 100+-6.")
]
MapFile = Annotated[str, typer.Argument(metavar="MAP", help="Map that `kapitza eels fit --save` wrote.")]
PlanFile = Annotated[str, typer.Argument(metavar="FILE", help="Planned scan (.toml).")]
Across = Annotated[Literal["x", "y"], typer.Option("--across", help="Position that crosses the interface.")]
ModesOption = Annotated[str, typer.Option("--modes", metavar="FILE", help="Modes of the spectra (.toml).")]


def check_distinct(first: str, second: str, words: str) -> None:
    """Refuse one file for two; `words` say what each of both was to be."""
    if Path(first).exists() and Path(second).exists() and Path(first).samefile(second):
        raise InputError(f"{first} and {second} are one file: expected {words}")


def map_energy_scale(found: TemperatureMap) -> EnergyScale | None:
    """Energy scale that the modes of a map show; None where no pixel shows the energy of any."""
    try:
        return kapitza.eels.diagnosis.energy_scale(found)
    except InputError:
        return None


def verdict_text(text: str, scale: EnergyScale | None) -> str:
    """Verdict on a map, with that on its energy scale; empty where nothing speaks against it."""
    off = f"energies off by {100 * (scale.value - 1):+.2g} %" if scale is not None and scale.wrong else ""
    return "; ".join(part for part in (text, off) if part)


def format_probability(value: float) -> str:
    """A probability; what is smaller than anybody believes is called that."""
    return f"{value:.2g}" if value >= 1e-9 else "below 1e-9"


def format_short(value: float) -> str:
    """A number to three digits, without an exponent where people read none: ``1090``."""
    return f"{float(f'{value:.3g}'):g}"


@dataclass(frozen=True)
class ReadingOptions:
    """What the options say of a file of spectra, in place of what it says itself."""

    title: str | None = None
    energy_unit: str | None = None
    energy: str | None = None
    position_unit: str | None = None
    pitch: str | None = None
    electrons_per_count: float | None = None

    def image(self, path: str) -> SpectrumImage:
        """Return the spectra of a file."""
        return kapitza.eels.read_eels(
            path,
            title=self.title,
            energy_unit=self.energy_unit,
            position_unit=self.position_unit,
            electrons_per_count=self.electrons_per_count,
            energy_scale=None if self.energy is None else _parse_energy_scale(self.energy),
            position=None if self.pitch is None else quantity(self.pitch, "length", what="--pitch"),
        )


def _parse_energy_scale(text: str) -> tuple[float, float]:
    """First channel and step of ``-256meV,0.5meV``, J."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"--energy = {text!r:.60}: expected the first channel and the step, as -256meV,0.5meV")
    first, step = (quantity(part, "energy", what="--energy") for part in parts)
    return first, step


def apply_dark_count(image: SpectrumImage, dark: str | None, reading: ReadingOptions) -> SpectrumImage:
    """Return spectra with what is known of the dark count: dark spectra of a file, or mean and noise of a channel."""
    if dark is None:
        return image
    try:
        mean, noise = parse_uncertain(dark, "share", what="--dark")
    except InputError:
        return kapitza.eels.with_dark(image, reading.image(dark))
    return kapitza.eels.with_dark_count(image, mean, noise)
