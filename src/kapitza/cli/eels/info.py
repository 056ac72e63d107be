"""The command `eels info`: what is in a file of spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import kapitza
from kapitza.cli.eels.options import ReadingOptions, Scan
from kapitza.cli.figures import Results
from kapitza.cli.layer import Panel
from kapitza.cli.output import print_json, quantity_json
from kapitza.cli.tables import Column, Note, Table, Values, columns_of, print_parts
from kapitza.units import meV, nm

if TYPE_CHECKING:
    from kapitza.eels import SpectrumImage, SpectrumQuality


def info(scan: Scan, *, reading: ReadingOptions, files: Annotated[Results, Panel(names="as_json")]) -> None:
    """Axes, dose, zero-loss peak and gain side of a file, and objections to a temperature from it."""
    image = reading.image(scan)
    quality = kapitza.eels.assess_spectra(image)
    lowest, median, highest = _dose_range(quality)
    dose = quantity_json(median, "1", meaning="electrons per pixel") | {"lowest": lowest, "highest": highest}
    numbers = {
        "electrons_per_pixel": dose,
        "zero_loss_fwhm": quantity_json(quality.resolution, "J", meaning="zero-loss peak, full width at half maximum"),
        "zero_loss_centre": quantity_json(quality.offset, "J", meaning="zero-loss peak, at"),
        "gain": quantity_json(quality.gain, "J", meaning="gain side from the zero-loss peak"),
    }
    if files.as_json:
        print_json({"image": image, "quality": quality}, numbers)
        return
    shown = columns_of(numbers, {"electrons_per_pixel": "", **dict.fromkeys(list(numbers)[1:], "meV")})
    if image.electrons_per_count != 1:
        shown.append(Column("electrons per count", [image.electrons_per_count]))
    if image.exposure is not None:
        shown.append(Column("exposure of a pixel", [image.exposure], "s"))
    title = str(image.metadata.get("title", ""))
    on_disk = not hasattr(image.counts, "nbytes") or type(image.counts).__name__ == "memmap"
    counts = f"counts {image.counts.dtype}, {'on the disk' if on_disk else 'in memory'}"
    print_parts(
        [
            Table(f"{image.source}: {title}" if title else image.source, _axis_columns(image)),
            Values(f"{counts}; electrons per pixel from {lowest:.4g} to {highest:.4g}", shown),
            *map(Note, quality.warnings),
        ]
    )


def _axis_columns(image: SpectrumImage) -> list[Column]:
    axes = [(name, axis / nm, "nm") for name, axis in zip("yx"[2 - len(image.position) :], image.position, strict=True)]
    axes.append(("energy", image.energy / meV, "meV"))
    return [
        Column("axis", [name for name, _, _ in axes]),
        Column("points", [values.size for _, values, _ in axes]),
        Column("from", [values[0] for _, values, _ in axes]),
        Column("to", [values[-1] for _, values, _ in axes]),
        Column("step", [(values[-1] - values[0]) / max(values.size - 1, 1) for _, values, _ in axes]),
        Column("unit", [unit for _, _, unit in axes]),
    ]


def _dose_range(found: SpectrumQuality) -> tuple[float, float, float]:
    """Return the lowest, median and highest number of electrons of a pixel, empty ones left out if there are others."""
    dose = sorted(found.electrons.ravel().tolist())
    dose = [one for one in dose if one > 0] or dose
    return dose[0], dose[len(dose) // 2], dose[-1]
