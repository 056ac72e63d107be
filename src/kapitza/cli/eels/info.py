"""The verb `eels info`: what is in a file of spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kapitza
from kapitza.cli.eels.options import Dose, EnergyOption, EnergyUnit, Pitch, PositionUnit, ReadingOptions, Scan, Title
from kapitza.cli.options import Json
from kapitza.cli.output import note, print_json, print_table
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
    content = _info_json(image, kapitza.eels.assess_spectra(image))
    if as_json:
        print_json(content)
        return
    _print_info(content)


def _info_json(image: SpectrumImage, found: SpectrumQuality) -> dict[str, Any]:
    """Return what is in a file, with units."""
    dose = found.electrons.ravel()
    dose = dose[dose > 0] if (dose > 0).any() else dose
    return {
        "source": image.source,
        "title": str(image.metadata.get("title", "")),
        "type": str(image.counts.dtype),
        "on disk": not hasattr(image.counts, "nbytes") or type(image.counts).__name__ == "memmap",
        "positions": [
            {"unit": "m", "points": axis.size, "first": float(axis[0]), "last": float(axis[-1])}
            for axis in image.position
        ],
        "energy": {
            "unit": "J",
            "channels": image.energy.size,
            "first": float(image.energy[0]),
            "last": float(image.energy[-1]),
            "step": image.step,
        },
        "electrons per count": image.electrons_per_count,
        "electrons per pixel": {
            "unit": "1",
            "lowest": float(dose.min()),
            "median": float(sorted(dose.tolist())[dose.size // 2]),
            "highest": float(dose.max()),
        },
        "zero loss": {"unit": "J", "centre": found.offset, "fwhm": found.resolution},
        "gain side": {"unit": "J", "value": found.gain},
        "loss side": {"unit": "J", "value": found.loss},
        "exposure": {"unit": "s", "value": image.exposure},
        "metadata": dict(image.metadata),
        "warnings": list(found.warnings),
    }


def _print_info(content: dict[str, Any]) -> None:
    """Print what is in a file."""
    energy, dose, peak = content["energy"], content["electrons per pixel"], content["zero loss"]
    rows = [["counts", content["type"], "on the disk" if content["on disk"] else "in memory"]]
    for name, axis in zip(("y", "x")[2 - len(content["positions"]) :], content["positions"], strict=True):
        rows.append([name, f"{axis['points']} points", f"{axis['first'] / nm:.4g} to {axis['last'] / nm:.4g} nm"])
    span = f"{energy['first'] / meV:.5g} to {energy['last'] / meV:.5g} meV, {energy['step'] / meV:.4g} meV each"
    rows += [
        ["energy", f"{energy['channels']} channels", span],
        ["electrons per pixel", f"{dose['median']:.4g}", f"{dose['lowest']:.4g} to {dose['highest']:.4g}"],
        [
            "zero-loss peak",
            f"{peak['fwhm'] / meV:.4g} meV",
            f"full width at half maximum, at {peak['centre'] / meV:.3g} meV",
        ],
        ["gain side", f"{content['gain side']['value'] / meV:.4g} meV", "from the zero-loss peak"],
    ]
    if content["electrons per count"] != 1:
        rows.append(["electrons per count", f"{content['electrons per count']:.4g}", ""])
    if content["exposure"]["value"] is not None:
        rows.append(["exposure", f"{content['exposure']['value']:.4g} s", "a pixel"])
    name = f"{content['source']}: {content['title']}" if content["title"] else content["source"]
    print_table(name, ["", "value", " remark"], rows)
    for warning in content["warnings"]:
        note(warning)
