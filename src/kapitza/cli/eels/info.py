"""The verb `eels info`: what is in a file of spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli.eels.options import Dose, EnergyOption, EnergyUnit, Pitch, PositionUnit, ReadingOptions, Scan, Title
from kapitza.cli.options import Json
from kapitza.cli.output import note, print_record, print_table, quantity_json
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.measure.eels.quality import SpectrumQuality
    from kapitza.measure.eels.spectrum import SpectrumImage


def info(
    scan: Scan,
    title: Title = None,
    energy_unit: EnergyUnit = None,
    energy: EnergyOption = None,
    position_unit: PositionUnit = None,
    pitch: Pitch = None,
    electrons_per_count: Dose = None,
    as_json: Json = False,
) -> None:
    """What is in a file: axes, dose, zero-loss peak, gain side, and what stands against a temperature from it."""
    image = ReadingOptions(title, energy_unit, energy, position_unit, pitch, electrons_per_count).image(scan)
    found = kapitza.eels.assess_spectra(image)
    numbers = {
        "electrons_per_pixel": quantity_json(_dose_range(found), "1", meaning="lowest, median and highest dose"),
        "zero_loss_fwhm": quantity_json(found.resolution, "J", meaning="zero-loss peak, full width at half maximum"),
        "zero_loss_centre": quantity_json(found.offset, "J", meaning="zero-loss peak, at"),
        "gain": quantity_json(found.gain, "J", meaning="gain side from the zero-loss peak"),
        "step": quantity_json(image.step, "J", meaning="width of a channel"),
    }
    if as_json:
        print_record({"image": image, "quality": found}, numbers)
        return
    _print_info(image, found, numbers)


def _dose_range(found: SpectrumQuality) -> list[float]:
    """Return the lowest, median and highest number of electrons of a pixel, empty ones left out if there are others."""
    dose = sorted(found.electrons.ravel().tolist())
    dose = [one for one in dose if one > 0] or dose
    return [dose[0], dose[len(dose) // 2], dose[-1]]


def _print_info(image: SpectrumImage, found: SpectrumQuality, numbers: dict[str, Any]) -> None:
    """Print what is in a file."""
    on_disk = not hasattr(image.counts, "nbytes") or type(image.counts).__name__ == "memmap"
    rows = [["counts", str(image.counts.dtype), "on the disk" if on_disk else "in memory"]]
    for name, axis in zip(("y", "x")[2 - len(image.position) :], image.position, strict=True):
        rows.append([name, f"{axis.size} points", f"{axis[0] / nm:.4g} to {axis[-1] / nm:.4g} nm"])
    span = f"{image.energy[0] / meV:.5g} to {image.energy[-1] / meV:.5g} meV, {image.step / meV:.4g} meV each"
    lowest, median, highest = numbers["electrons_per_pixel"]["value"]
    width = f"full width at half maximum, at {found.offset / meV:.3g} meV"
    rows += [
        ["energy", f"{image.energy.size} channels", span],
        ["electrons per pixel", f"{median:.4g}", f"{lowest:.4g} to {highest:.4g}"],
        ["zero-loss peak", f"{found.resolution / meV:.4g} meV", width],
        ["gain side", f"{found.gain / meV:.4g} meV", "from the zero-loss peak"],
    ]
    if image.electrons_per_count != 1:
        rows.append(["electrons per count", f"{image.electrons_per_count:.4g}", ""])
    if image.exposure is not None:
        rows.append(["exposure", f"{image.exposure:.4g} s", "a pixel"])
    title = str(image.metadata.get("title", ""))
    print_table(f"{image.source}: {title}" if title else image.source, ["", "value", " remark"], rows)
    for warning in found.warnings:
        note(warning)
