"""The command `eels info`: what is in a file of spectra."""

from __future__ import annotations

from typing import Annotated

import kapitza
from kapitza.cli.eels.options import ReadingOptions, scan_argument
from kapitza.cli.layer import Panel
from kapitza.cli.output import Column, Note, Results, Table, Values, columns_of, quantity_json
from kapitza.units import meV, nm


def info(
    scan: Annotated[str, scan_argument()], *, reading: ReadingOptions, files: Annotated[Results, Panel(names="as_json")]
) -> None:
    """Axes, dose, zero-loss peak and gain side of a file, and objections to a temperature from it."""
    image = reading.image(scan)
    quality = kapitza.eels.assess_spectra(image)
    electrons = sorted(quality.electrons.ravel().tolist())
    electrons = [one for one in electrons if one > 0] or electrons  # empty pixels are left out if there are others
    lowest, median, highest = electrons[0], electrons[len(electrons) // 2], electrons[-1]
    dose = quantity_json(median, "1", meaning="electrons per pixel") | {"lowest": lowest, "highest": highest}
    numbers = {
        "electrons_per_pixel": dose,
        "zero_loss_fwhm": quantity_json(quality.resolution, "J", meaning="zero-loss peak, full width at half maximum"),
        "zero_loss_centre": quantity_json(quality.offset, "J", meaning="zero-loss peak, at"),
        "gain": quantity_json(quality.gain, "J", meaning="gain side from the zero-loss peak"),
    }
    shown = columns_of(numbers, {"electrons_per_pixel": "", **dict.fromkeys(list(numbers)[1:], "meV")})
    if image.electrons_per_count != 1:
        shown.append(Column("electrons per count", [image.electrons_per_count]))
    if image.exposure is not None:
        shown.append(Column("exposure of a pixel", [image.exposure], "s"))
    title = str(image.metadata.get("title", ""))
    on_disk = not hasattr(image.counts, "nbytes") or type(image.counts).__name__ == "memmap"
    counts = f"counts {image.counts.dtype}, {'on the disk' if on_disk else 'in memory'}"
    printed = [
        Table(f"{image.source}: {title}" if title else image.source, _axis_columns(image)),
        Values(f"{counts}; electrons per pixel from {lowest:.4g} to {highest:.4g}", shown),
        *map(Note, quality.warnings),
    ]
    files.show({"image": image, "quality": quality}, printed, numbers, plain=True)


def _axis_columns(image: kapitza.eels.SpectrumImage) -> list[Column]:
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
