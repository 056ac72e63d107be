"""Options with which the verbs of electron spectra open a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

import kapitza
from kapitza.cli.eels_numbers import uncertain
from kapitza.errors import InputError
from kapitza.io.quantities import quantity

if TYPE_CHECKING:
    from kapitza.measure.eels.spectrum import SpectrumImage

Scan = Annotated[str, typer.Argument(help="Spectra: .ndata, .h5, .hspy, .msa, .dm3, .dm4, .nxs, .emd, ...")]
Title = Annotated[str | None, typer.Option("--title", help="Which signal of a file with several.")]
EnergyUnit = Annotated[str | None, typer.Option("--energy-unit", help="eV or meV, in place of what the file says.")]
Energy = Annotated[
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


@dataclass(frozen=True)
class Reading:
    """What the options say of a file of spectra, in place of what it says itself."""

    title: str | None = None
    energy_unit: str | None = None
    energy: str | None = None
    position_unit: str | None = None
    pitch: str | None = None
    electrons_per_count: float | None = None

    def image(self, path: str) -> SpectrumImage:
        """Return the spectra of a file."""
        return kapitza.read_eels(
            path,
            title=self.title,
            energy_unit=self.energy_unit,
            position_unit=self.position_unit,
            electrons_per_count=self.electrons_per_count,
            energy_scale=None if self.energy is None else energy_scale(self.energy),
            pitch=None if self.pitch is None else quantity(self.pitch, "length", what="--pitch"),
        )


def energy_scale(text: str) -> tuple[float, float]:
    """First channel and step of ``-256meV,0.5meV``, J."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"--energy = {text!r:.60}: expected the first channel and the step, as -256meV,0.5meV")
    first, step = (quantity(part, "energy", what="--energy") for part in parts)
    return first, step


def darkened(image: SpectrumImage, dark: str | None, reading: Reading) -> SpectrumImage:
    """Return spectra with what is known of the dark count: dark spectra of a file, or mean and noise of a channel."""
    if dark is None:
        return image
    try:
        mean, noise = uncertain(dark, "share", what="--dark")
    except InputError:
        return kapitza.with_dark(image, reading.image(dark))
    return kapitza.with_dark_count(image, mean, noise)
