"""The command `eels fit`: the temperature of every pixel of a scan."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import kapitza
from kapitza.cli.eels import options
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Work, long_work
from kapitza.cli.output import Column, Note, Part, Results, Table, note, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError
from kapitza.run import elapsed_time
from kapitza.units import nm

if TYPE_CHECKING:
    from kapitza.eels import SpectrumImage, SpectrumModel, TemperatureMap
    from kapitza.eels.diagnosis import EnergyScale, MisfitCause

_FLAG_REMARKS = {
    "DEAD": "hold too few electrons for a fit",
    "UNCONVERGED": "did not converge",
    "SINGULAR": "do not determine a temperature",
    "MISFIT": "fit worse than one in 10,000 would (MISFIT)",
    "MISSING": "have channels without a finite count, which were left out",
    "NEGATIVE": "have channels below zero, which were used as they are",
    "SATURATED": "have a zero-loss peak that is cut flat: channels in which the detector was full were left out",
}
_NO_DOUBT = "nothing speaks against it"
_PARAMETER_UNITS = {"amplitude": "electrons", "intensity": "electrons", "temperature": "K", "occupation": "1"}  # else J


def fit_scan(
    scan: Annotated[str, options.scan_argument()],
    *,
    modes: options.ModesFile,
    tie: Annotated[
        Literal["both", "common", "each", "occupation"],
        Option("one temperature, one for each mode, an occupation for each, or the first two"),
    ] = "both",
    calibrate: Annotated[
        Literal["modes"] | None, Option("scale the energy axis so that the modes lie where their file states")
    ],
    gain: Annotated[
        str | None, Option("spectra of even light for the gain of channels; scan: from itself", metavar="FILE|scan")
    ],
    vacuum: Annotated[
        str | None, Option("spectra without a specimen: the shape of the zero-loss peak", metavar="FILE")
    ],
    dark: options.Dark,
    reading: options.ReadingOptions,
    radius: Annotated[float, Option("radius of the planes whose gradients are drawn", "length", "4nm", panel="Figure")],
    interface: Annotated[float | None, Option("position that no plane may cross, 12.4nm", "length", panel="Figure")],
    workers: Annotated[int, Option("processor cores; 0 for all", low=0, panel="Computation")] = 1,
    work: Annotated[Work, Panel(names="store dask")],
    files: Results,
) -> None:
    """Temperature of every pixel of a scan, with its uncertainty."""
    from attrs import evolve

    model = kapitza.io.eels.read_modes(modes).model
    image = options.apply_dark_count(reading.image(scan), dark, reading)
    if files.plot is not None and not image.shape:
        raise InputError(f"{scan} holds a single spectrum, of which --plot has no figure: a map or a line has one")
    if vacuum is not None:  # the zero-loss peak of spectra without a specimen
        shape = kapitza.eels.zero_loss_from_vacuum(options.apply_dark_count(reading.image(vacuum), dark, reading))
        model = evolve(model, shape="reference", reference=shape)
    ties = ("common", "each") if tie == "both" else (tie,)
    if tie == "both" and len(model.modes) == 1:
        ties = ("common",)
    cores = workers or os.cpu_count() or 1
    with long_work("blocks of pixels", cores, work.store, work.dask) as shared, _compilation_notes() as compiled:
        running = {**shared, "compiled": compiled}
        if gain is not None:
            image = _correct_gain(image, model, gain, reading, running)
        if calibrate is not None:  # the energy axis is scaled so that the modes lie where they are expected
            scale = kapitza.eels.diagnosis.energy_scale(
                kapitza.eels.fit_spectra(kapitza.eels.diagnosis.sample_pixels(image), model)
            )
            note(
                f"energies divided by {with_error(scale.value, scale.sigma)}, so that the modes lie where their file "
                "says: temperatures are as certain as these energies"
            )
            image = kapitza.eels.diagnosis.with_energy_scale(image, scale.value)
        maps = _fit_maps(image, model, ties, running)
    files.keep(maps)
    main, scale = maps[ties[0]], options.map_energy_scale(maps[ties[0]])
    if files.plot is not None:
        _draw_map(main, radius, interface, files)
    summary = {name: _map_summary(fitted, scale) for name, fitted in maps.items()}
    cause = _misfit_cause(main, image, evolve(model, tie=ties[0]))
    numbers = {} if scale is None else {"energy_scale": quantity_json(scale.value, "1", sigma=scale.sigma)}
    derived = {"source": image.source, "summary": summary, "misfit_cause": cause, **numbers}
    files.show(maps, _describe_maps(image, main, summary, cause, scale, Path(scan).name), derived)


def _describe_maps(
    image: SpectrumImage,
    main: TemperatureMap,
    summary: Mapping[str, Any],
    cause: MisfitCause | None,
    scale: EnergyScale | None,
    name: str,
) -> Iterator[Part]:
    for flag, number in _flag_counts(main).items():
        yield Note(f"{number} of {main.good.size} pixels {_FLAG_REMARKS[flag]}")
    if not any(one["good"] for one in summary.values()):
        raise InputError(f"none of the {image.pixels} pixels could be fitted: look at them with `kapitza eels info`")
    yield from _doubts(main, image, cause, scale)
    parameters = {
        key: (numbers, one["verdict"])
        for one in summary.values()
        for key, numbers in one["parameters"].items()
        if key.endswith(("temperature", "occupation"))
    }
    columns = _summary_columns({key: numbers for key, (numbers, _) in parameters.items()})
    verdicts = [verdict for _, verdict in parameters.values()]
    if any(one["verdict"] != _NO_DOUBT for one in summary.values()):
        columns.append(Column(" verdict", verdicts))
    yield Table(f"{name}: {image.title}", columns, digits=5)


def _fit_maps(
    image: SpectrumImage, model: SpectrumModel, ties: tuple[str, ...], running: dict[str, Any]
) -> dict[str, TemperatureMap]:
    """Maps by how temperatures are tied, with the work done as `running` says; an interrupt says what is kept."""
    from attrs import evolve

    maps: dict[str, TemperatureMap] = {}

    def tell(done: int, total: int) -> None:
        running["compiled"].set()
        running["progress"](done, total)

    work: dict[str, Any] = {"executor": running["executor"], "store": running["store"], "progress": tell}
    try:
        for one in ties:
            maps[one] = kapitza.eels.fit_spectra(image, evolve(model, tie=one), **work)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            typer.echo("", err=True)
        stored = running["store"] is not None
        note("the same command goes on where it was" if stored else "nothing is kept: --store FOLDER keeps it")
        raise
    return maps


@contextmanager
def _compilation_notes() -> Generator[threading.Event, None, None]:
    """Say that the fit is compiled, and count the seconds on a terminal until the event that is given is set."""
    if kapitza.eels.is_compiled():
        yield threading.Event()
        return
    note("the fit is compiled before its first use, which takes about ten seconds once; the machine code is kept")
    with elapsed_time("compiling") as compiled:
        yield compiled


def _correct_gain(
    image: SpectrumImage, model: SpectrumModel, gain: str, reading: options.ReadingOptions, running: dict[str, Any]
) -> SpectrumImage:
    """Spectra with the gain of each channel, of a file or from what a first fit leaves in all pixels alike."""
    from attrs import evolve

    if gain != "scan":
        return kapitza.eels.diagnosis.with_gain_reference(image, reading.image(gain))
    first = _fit_maps(image, model, ("common",), running)["common"]
    response = kapitza.eels.diagnosis.scan_response(
        kapitza.eels.diagnosis.summed_residuals(image, first, evolve(model, tie="common"))
    )
    note(f"gain of the channels from the scan itself: {100 * response.std():.2g} % (standard deviation)")
    return evolve(image, response=response * image.response)


def _misfit_cause(found: TemperatureMap, image: SpectrumImage, model: SpectrumModel) -> MisfitCause | None:
    diagnosis = kapitza.eels.diagnosis
    verdict = diagnosis.fit_verdict(found)
    if not (verdict.doubtful or verdict.too_bad):
        return None
    cause = diagnosis.misfit_cause(diagnosis.summed_residuals(image, found, model), found, model)
    bad = found.good & ((found.flag & int(kapitza.eels.PixelFlag.MISFIT)) != 0)
    if cause == "noise" and bad.any() and not bad.all():
        # a few misfits, as where a mode is that only an interface has, are lost among the others
        cause = diagnosis.misfit_cause(diagnosis.summed_residuals(image, found, model, where=bad), found, model)
    return cause


def _doubts(
    fitted: TemperatureMap, image: SpectrumImage, cause: MisfitCause | None, scale: EnergyScale | None
) -> Iterator[Note]:
    verdict = kapitza.eels.diagnosis.fit_verdict(fitted)
    per_count = image.electrons_per_count / verdict.dispersion
    if cause is not None:
        remedies: dict[MisfitCause, str] = {
            "pattern": "--gain scan, or --gain FILE with a gain reference",
            "noise": f"--electrons-per-count {per_count:.3g} would explain it",
            "tail": '--vacuum FILE with spectra without a specimen, or shape = "tail" or "split" in the file of '
            "--modes",
            "mode": "add a mode to the file of --modes",
            "background": "--dark, or another mode in the file of --modes",
        }
        yield Note(f"the misfit is {kapitza.eels.diagnosis.CAUSES[cause]}: {remedies[cause]}")
    if verdict.too_good:
        yield Note(
            f"fits too well: the spectra scatter {verdict.dispersion:.2g} times as much as electrons do, and "
            f"the errors are too large: electrons per count? --electrons-per-count {per_count:.3g} would explain it, "
            "unless the spectra were smoothed or resampled"
        )
    if scale is not None and scale.wrong:
        shift = 100 * (scale.value - 1)
        modes = "all modes lie" if len(scale.modes) > 1 else "the mode lies"
        yield Note(
            f"{modes} {with_error(abs(shift), 100 * scale.sigma)} % {'above' if shift > 0 else 'below'} the "
            "energies of their file: a wrong dispersion of the spectrometer? Temperatures change by the same factor; "
            "--calibrate modes corrects it"
        )


def _draw_map(found: TemperatureMap, radius: float, interface: float | None, files: Results) -> None:
    if "temperature" not in found.names:
        held = kapitza.eels.mode_occupations(found)
        files.draw(lambda ax: kapitza.plot.eels.mode_temperatures(held, ax=ax))
        return
    if len(found.position) < 2:
        profile = kapitza.eels.line_profile(found)

        def line(ax: Any) -> None:
            ax.errorbar(profile.position / nm, profile.temperature, profile.sigma, fmt="o", color="0.25", ms=4, lw=0.8)
            ax.set(xlabel="x (nm)", ylabel="temperature (K)")

        files.draw(line)
        return
    planes = kapitza.eels.temperature_gradients(found, radius, interface=interface)
    y, x = (axis[-1] - axis[0] + (axis[1] - axis[0]) for axis in found.position)
    height = min(6.5, max(1.9, 1.2 + 6.3 * float(y / x)))
    files.draw(lambda ax: kapitza.plot.eels.temperature_map(found, planes, interface=interface, ax=ax), height=height)


def _flag_counts(found: TemperatureMap) -> dict[str, int]:
    numbers = {name: int(((found.flag & int(kapitza.eels.PixelFlag[name])) != 0).sum()) for name in _FLAG_REMARKS}
    return {name: number for name, number in numbers.items() if number}


def _map_summary(found: TemperatureMap, scale: EnergyScale | None) -> dict[str, Any]:
    """Return counts of pixels and, of those that determine it, mean and range of each parameter; and the verdict."""
    import numpy as np

    parameters: dict[str, Any] = {}
    for name in found.names:
        shown = found.is_determined(name)
        value, sigma = found.parameter(name)[shown], found.parameter_sigma(name)[shown]
        beside: dict[str, Any] = {"pixels": int(shown.sum())}
        mean, error = math.nan, math.nan
        if shown.any():
            mean, error = float(value.mean()), float(np.sqrt(np.sum(sigma**2))) / value.size
            beside |= {"lowest": value.min(), "highest": value.max(), "sigma_of_one_pixel": float(np.median(sigma))}
        unit = _PARAMETER_UNITS.get(name.rpartition(".")[2], "J")
        parameters[name] = quantity_json(mean, unit, sigma=error, meaning="mean of the pixels that show it") | beside
    verdict = kapitza.eels.diagnosis.fit_verdict(found)
    return {
        "good": verdict.pixels,
        "flags": _flag_counts(found),
        "dispersion": quantity_json(verdict.dispersion, "1", meaning="chi-squared over its expected value"),
        "verdict": options.verdict_text(verdict.text, scale) or _NO_DOUBT,
        "parameters": parameters,
    }


def _summary_columns(parameters: Mapping[str, Mapping[str, Any]]) -> list[Column]:
    held = list(parameters.values())
    units = {"K": " (K)", "1": ""}
    return [
        Column("", [name.replace(".", ", ") + units[one["unit"]] for name, one in parameters.items()]),
        Column("pixels", [one["pixels"] for one in held]),
        Column("lowest", [one.get("lowest") for one in held]),
        Column("highest", [one.get("highest") for one in held]),
        Column("mean", [one["value"] for one in held], sigmas=[one["sigma"] for one in held]),
        Column("± of one pixel", [float(f"{one.get('sigma_of_one_pixel', math.nan):.3g}") for one in held]),
    ]
