"""The commands `device` and `export`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli import output
from kapitza.cli.device.inverse import report_inverse
from kapitza.cli.device.report import DeviceFiles, reason, report_device
from kapitza.cli.device.sweeps import report_sweep
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Work, parse_names
from kapitza.cli.output import note, print_json, quantity_json
from kapitza.errors import InputError
from kapitza.io.quantities import quantity

_DeviceFile = Annotated[str, typer.Argument(metavar="FILE", help="Device file (.toml): layers, boundaries, sources.")]
_FIT = "Fit to measured temperatures"


def _parse_tolerance(text: str) -> float:
    return kapitza.device.check_tolerance(quantity(text, "temperature", what="tolerance"))


def device(
    file: _DeviceFile,
    *,
    sweep: Annotated[
        str | None,
        Option("one parameter over a range: 'GaN|SiC.conductance=50:500:10MW/m2K'", metavar="NAME=RANGE"),
    ],
    samples: Annotated[int, Option("devices drawn from the uncertainties, beside the linear error", low=0)] = 0,
    tier: Annotated[
        Literal["auto", "layers", "volumes", "elements"], Option("method of solution; by the geometry if auto")
    ] = "auto",
    cells: Annotated[int, Option("approximate number of cells of a box grid", low=512)] = 60_000,
    tolerance: Annotated[
        float | None,
        Option("largest numerical error (estimated), '0.1 K': cells shrink", _parse_tolerance, metavar="K"),
    ],
    fit: Annotated[str | None, Option("table of x, y, depth, T, sigma, or a saved map", metavar="FILE", panel=_FIT)],
    free: Annotated[
        list[str] | None,
        Option(
            "parameters to find, 'GaN|SiC.conductance,...'; if omitted, all uncertain ones are updated", parse_names,
            metavar="NAMES", panel=_FIT,
        ),
    ],
    across: Annotated[
        str | None,
        Option(
            "boundary that a saved map or profile crosses, and where: 'GaN|SiC=12nm+-2nm'", metavar="NAME=POSITION",
            panel=_FIT,
        ),
    ],
    work: Work,
    files: DeviceFiles,
) -> None:  # fmt: skip
    """Temperature of a device, the share of each layer and boundary in it, and how uncertain it is."""
    clash = {
        "--plot": files.plot, "--step": files.step, "--samples": samples, "--sweep": sweep, "--tolerance": tolerance,
    }  # fmt: skip
    given = [name for name, value in clash.items() if value]
    if fit is not None and given:
        raise InputError(f"{' and '.join(given)} with --fit: a fit takes --free, --save and --json only")
    if sweep is None and not samples and work:
        raise InputError(
            "--workers, --store and --dask without --sweep or --samples: only their devices are shared and kept"
        )
    if sweep is not None and tolerance is not None:
        raise InputError("--tolerance with --sweep: the devices of a sweep share one number of cells, --cells")
    if free is not None and fit is None:
        raise InputError(f"--free {','.join(free)} without --fit: give the table of measured temperatures")
    if across is not None and fit is None:
        raise InputError(f"--across {across} without --fit: give the saved map or profile")
    choice = _choose_method(file, tier)
    if choice.tier != "layers":
        on_mesh = choice.tier == "elements"
        unknown = {"--fit": fit, "--samples": samples, "--sweep": on_mesh and sweep, "--step": on_mesh and files.step}
        unknown["--vtk FILE.vtr"] = on_mesh and Path(files.vtk or "").suffix.lower() == ".vtr"
        unknown |= {} if sweep is None else {"--vtk": files.vtk, "--step": files.step}
        if wrong := [name for name, value in unknown.items() if value]:
            raise InputError(f"{' and '.join(wrong)}: not for a device {reason(choice)}")
    elif files.vtk is not None:
        raise InputError(f"--vtk {files.vtk}: layers are solved without a grid; --tier volumes makes one")
    if fit is not None:
        report_inverse(file, fit, free or [], across, files)
        return
    with work.run("devices") as shared:
        if sweep is not None:
            report_sweep(file, sweep, files, shared, cells=None if choice.tier == "layers" else cells)
        else:
            report_device(file, choice, files, shared, cells=cells, tolerance=tolerance, samples=samples)


def _choose_method(path: str, tier: str) -> kapitza.io.device.DeviceMethod:
    needed = kapitza.io.device.device_method(path)
    if tier in ("auto", needed.tier):
        return needed
    if needed.tier == "layers" and tier == "volumes":
        return needed._replace(tier=tier, why="--tier volumes asks for it; layers alone would not need a grid")
    if tier == "elements":
        raise InputError(f"--tier elements takes a file with mesh = 'device.msh'; {path} has none")
    raise InputError(f"--tier {tier} cannot describe {path}: {needed.why}")


def _parse_time_span(text: str) -> tuple[float, float]:
    parts = text.split(":")
    if len(parts) != 2:
        raise InputError(f"{text!r:.40}: expected two times such as 10ns:10ms")
    first, last = (quantity(part, "time", what="time") for part in parts)
    return first, last


def export(
    file: _DeviceFile,
    *,
    spice: Annotated[str | None, Option("thermal network as a SPICE netlist", metavar="FILE")],
    comsol: Annotated[str | None, Option("table (.csv) of boundary resistances", metavar="FILE")],
    moose: Annotated[
        str | None, Option("mesh and input file for MOOSE, which runs on many machines", metavar="FOLDER")
    ],
    cells: Annotated[int, Option("with --moose: approximate number of bricks of the mesh")] = 150_000,
    order: Annotated[int, Option("with --spice: largest number of cells of the network")] = 12,
    ladder: Annotated[bool, Option("with --spice: a Cauer ladder instead of a Foster chain")],
    of: Annotated[str, Option("with --spice: what the network follows, peak or the name of a patch")] = "peak",
    times: Annotated[
        tuple[float, float] | None,
        Option("with --spice: range of times to follow, 10ns:10ms", _parse_time_span, metavar="FIRST:LAST"),
    ],
    files: Annotated[output.Results, Panel(names="as_json")],
) -> None:
    """Write a device for other programs: a thermal network, its boundary resistances, or a problem for MOOSE."""
    if spice is None and comsol is None and moose is None:
        raise InputError("nothing to write: expected --spice FILE, --comsol FILE or --moose FOLDER")
    for path in (spice, comsol, None if moose is None or Path(moose).is_dir() else moose):
        if path is not None:
            output.check_folder(path)
    written: dict[str, Any] = {}
    if moose is not None:
        layout = kapitza.io.read_layout(file)
        places = kapitza.io.write_moose(layout, moose, cells)
        if any(not isinstance(one.waveform, kapitza.device.SteadyPower) for one in layout.device.sources):
            note("the problem for MOOSE is steady: sources that change with time are written as if always on")
        written["moose"] = {"files": [str(Path(moose) / one.name) for one in places]}
        note(f"wrote {', '.join(written['moose']['files'])}")
    device = None if spice is None and comsol is None else kapitza.io.read_device(file)
    if spice is not None and device is not None:
        span = times or kapitza.device.grid.grid_time_span(device)
        network = kapitza.device.layered.foster_network(device, order, first=span[0], last=span[1], of=of)
        kapitza.io.write_spice(network, spice, title=device.title, ladder=ladder)
        power = device.power
        # a bound of one digit: the second one is rounding's
        digit = 10.0 ** math.floor(math.log10(max(network.error * power, 1e-9)))
        note(
            f"wrote {spice}: {network.resistance.size} cells, within "
            f"{math.ceil(network.error * power / digit) * digit:.1g} K of "
            f"{network.resistance.sum() * power:.5g} K from {span[0]:.3g} to {span[1]:.3g} s at {power:.4g} W"
        )
        numbers = {
            "cells": (int(network.resistance.size), "1", "cells of the network"),
            "error": (float(network.error * power), "K", "largest deviation of the network"),
            "rise": (float(network.resistance.sum() * power), "K", "temperature rise at last"),
            "first": (span[0], "s", "first time that it follows"),
            "last": (span[1], "s", "last time that it follows"),
            "power": (float(power), "W", "power"),
        }
        described = {
            name: quantity_json(value, unit, meaning=meaning) for name, (value, unit, meaning) in numbers.items()
        }
        written["spice"] = {"files": [spice], "network": described}
    if comsol is not None and device is not None:
        kapitza.io.write_boundaries(device, comsol)
        count = sum(isinstance(one.conductance, kapitza.Conductance) for one in device.stack.boundaries)
        note(f"wrote {comsol}: {len(device.stack.boundaries)} boundaries" + (f", {count} of T" if count else ""))
        written["comsol"] = {"files": [comsol], "boundaries": len(device.stack.boundaries), "of_temperature": count}
    if files.as_json:
        print_json(written)
