"""The command `transport`: heat through layers and domains by the Boltzmann equation, and its inverse problem."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any

import typer

import kapitza
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Work, long_work
from kapitza.cli.output import Column, Note, Part, Results, Table, Values, columns_of, note, quantity_json
from kapitza.errors import ConvergenceError, InputError
from kapitza.units import THz

_TWO_PANELS_HEIGHT = 7.6  # inches
_HEAT_ROUNDING = 1e-12  # of a sum over particles that is the same in all batches, as all heat ends in the only sink
_POWER_UNITS = ("W m⁻²", "W m⁻¹", "W")  # of power, by dimension
_CONFIDENCE_LEVEL = 0.95
_LAW = "Fourier's law with the resistances in thick layers, and slips at the walls,"
_FOURIER_FAILS = 0.5  # of the resistance: an error of Fourier's law above it is no correction
_POSTERIOR_SAMPLES = 1000
_MAX_SPECTRUM_ROWS = 12  # of the printed spectrum
_LENGTHS = ((1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm"))


def transport(
    stack: Annotated[str, typer.Argument(metavar="FILE", help="Stack (.toml): layers, boundaries, walls.")],
    *,
    definitions: Annotated[bool, Option("resistance of each boundary by all three temperature drops")],
    monte_carlo: Annotated[bool, Option("FILE contains boxes in one to three dimensions: follow phonons")],
    invert: Annotated[
        str | None, Option('table of measurements: find the boundary that FILE calls "unknown"', metavar="DATA")
    ],
    lifetimes: Annotated[
        float, Option("with --invert: relative uncertainty of the lifetimes of both sides", "share", "0")
    ],
    workers: Annotated[
        int | None, Option("with --monte-carlo: threads; all cores if omitted", low=1, panel="Computation")
    ],
    work: Annotated[Work, Panel(names="store dask")],
    files: Results,
) -> None:
    """Heat through films, superlattices and stacks between 1 nm and 1 mm, by the Boltzmann equation."""
    if monte_carlo and definitions:
        raise InputError(
            "--definitions with --monte-carlo: resistances by definition are those of layers; give one of the two"
        )
    if not monte_carlo and (work or workers):
        raise InputError("--workers, --store and --dask without --monte-carlo: only its batches are shared and kept")
    if invert is None and lifetimes:
        raise InputError("--lifetimes without --invert: their uncertainty matters to what is found from data alone")
    if invert is not None:
        if monte_carlo or definitions:
            raise InputError("--invert with --monte-carlo or --definitions: give one of them")
        _report_inverse_problem(stack, invert, lifetimes, files)
        return
    if monte_carlo:
        _report_domain(stack, files, workers, work)
        return
    held = kapitza.io.read_films(stack)
    if None in held.crossings:
        name = "|".join(film.name for film in held.films[held.crossings.index(None) :][:2])
        raise InputError(f'the boundary {name} is "unknown": give it a transmission, or data with --invert DATA')
    solved = kapitza.transport(held.films, held.crossings, left=held.left, right=held.right, period=held.period)
    thick = _thick_resistances(held) if definitions else {}
    height = _TWO_PANELS_HEIGHT if solved.bounds.size else 4.4
    files.draw_figure(lambda figure: kapitza.plot.transport_figure(solved, figure), height=height)
    resistances = solved.resistances()
    derived = {
        "conductance": quantity_json(1 / solved.resistance, "W m^-2 K^-1", meaning="heat flux per kelvin"),
        "total_resistance": quantity_json(solved.resistance, "m^2 K W^-1", meaning="resistance"),
        "effective_conductivity": quantity_json(solved.effective_conductivity, "W m^-1 K^-1"),
    }
    by_name = {"resistance": resistances, "thick_resistance": thick}

    def printout() -> Iterator[Part]:
        thickness = list[str]()
        for length in (float(b - a) for a, b in pairwise(solved.edges)):  # in the unit in which it is read most easily
            size, unit = next((pair for pair in _LENGTHS if length >= pair[0]), _LENGTHS[-1])
            thickness.append(f"{length / size:.4g} {unit}")
        (bulk,) = columns_of(solved, {"conductivity": ""})
        yield Table(
            f"{held.title} at {solved.base:g} K",
            [Column("layer", solved.names), Column("thickness", thickness), bulk._replace(name="bulk")],
        )
        yield Values("as a whole", columns_of(derived), digits=5)
        if resistances:
            drops = kapitza.core.TEMPERATURE_DROPS
            by_drop = {drop: [one[drop] * 1e9 for one in resistances.values()] for drop in drops}
            by_drop |= {"in thick layers": [thick[name] * 1e9 for name in resistances]} if thick else {}
            columns = [Column("boundary", list(resistances)), *(Column(name, by_drop[name]) for name in by_drop)]
            yield Table("resistance in m² K GW⁻¹ by temperature drop", columns)
        if thick:
            yield Note(
                "extrapolated: with the bulk gradient of these layers; in thick layers: of 10 µm or more on both sides"
            )
        if definitions and held.period is None and held.left is None and held.right is None:
            off = kapitza.boltzmann.fourier_error(held.films, held.crossings)
            yield Note(
                f"{_LAW} has {1 + off:.2g} times this resistance: layers are too thin beside mean free paths"
                if off > _FOURIER_FAILS
                else f"{_LAW} is off by {off:+.2%}"
            )

    in_json = derived | {name: quantity_json(values, "m^2 K W^-1") for name, values in by_name.items()}
    files.report(solved, printout(), in_json)


def _report_domain(path: str, files: Results, workers: int | None, work: Work) -> None:
    held = kapitza.io.read_domain(path)
    spacing = held.spacing[0] if len(held.spacing) == 1 else held.spacing
    cores = workers or os.cpu_count() or 1  # the digits are the same with any number of threads
    with long_work("batches", cores, work.store, work.dask) as shared:
        carlo = kapitza.boltzmann.monte_carlo(held.domain, spacing=spacing, settings=held.settings, **shared)
    try:
        fourier = kapitza.boltzmann.fourier_temperature(held.domain, spacing)
    except InputError as err:  # too many cells: Monte Carlo stands alone
        fourier = None
        note(f"without Fourier's law: {err}")
    if fourier is None:
        files.draw(lambda ax: kapitza.plot.transport_map(carlo, ax))
    else:
        law = fourier
        files.draw_figure(
            lambda figure: kapitza.plot.transport_map_figure(carlo, law, figure), height=_TWO_PANELS_HEIGHT
        )
    beside = None
    if fourier is not None:
        masked = fourier.astype(object)
        masked[carlo.region < 0] = None  # walls
        beside = quantity_json(masked, "K")
    title = f"{held.title}: {carlo.particles} particles, {carlo.events} events, seed {carlo.seed}"
    passed = [
        (name, power, sigma if sigma > _HEAT_ROUNDING * abs(power) else None)
        for name, power, sigma in zip(carlo.surfaces, carlo.power.tolist(), carlo.power_sigma.tolist(), strict=True)
        if power or sigma
    ]
    names, powers, sigmas = zip(*passed, strict=True) if passed else ((), (), ())
    printed = [
        Table(title, _region_columns(carlo, fourier)),
        Table(
            "heat that walls take, and that crosses boundaries from left to right",
            [Column("at", names), Column("heat", powers, _POWER_UNITS[len(carlo.edges) - 1], sigmas)],
            digits=5,
        ),
    ]
    files.report(carlo, printed, {"fourier": beside})


def _report_inverse_problem(path: str, data: str, lifetimes: float, files: Results) -> None:
    """Find the transmission of the unknown boundary of a stack and report how well the data determine it."""
    held = kapitza.io.read_films(path)
    measured = kapitza.io.read_spectral_measurements(data, held)
    unknown = held.crossings.index(None)
    left, right = (held.films[k].carriers for k in (unknown, unknown + 1))
    estimate = kapitza.thermoreflectance.spectral_transmission(
        [measured], left, right, lifetimes=lifetimes, samples=_POSTERIOR_SAMPLES
    )
    try:
        spectra = kapitza.thermoreflectance.exact_extreme_spectra(estimate, [measured], estimate.limit)
        attained = tuple(float(spectrum @ estimate.limit) for spectrum in spectra)
    except ConvergenceError as err:
        attained = estimate.sum_range(estimate.limit)
        note(f"range of the conductance on the linearised model: {err}")
    files.draw_figure(lambda figure: kapitza.plot.estimate_figure(estimate, figure), height=4.4)
    value, sigma = estimate.conductance
    derived = {
        "conductance": quantity_json(value, "W m^-2 K^-1", sigma=sigma, meaning="emitted conductance"),
        "lowest_conductance": quantity_json(attained[0], "W m^-2 K^-1", meaning="lowest with any spectrum"),
        "highest_conductance": quantity_json(attained[1], "W m^-2 K^-1", meaning="highest with any spectrum"),
        "chi2": quantity_json(estimate.chi2, "1", meaning=f"chi² of the {estimate.count} data"),
        "numbers_from_data": quantity_json(estimate.freedom, "1", meaning="numbers that come from the data"),
    }
    title = f"{left.name}|{right.name} from {estimate.count} data"

    def printout() -> Iterator[Part]:
        yield Table(title, _estimate_columns(title, estimate))
        yield Values("what the data determine", columns_of(derived))
        yield Note(
            "95 %: spectra from smooth to rough, as likely as the data make them; any: what the data alone leave open"
        )

    files.report(estimate, printout(), derived)


def _region_columns(found: kapitza.boltzmann.TransportMap, fourier: Any) -> list[Column]:
    held = {name: found.region == k for k, name in enumerate(found.names) if (found.region == k).any()}
    warm = [found.temperature[inside] for inside in held.values()]
    errors = [found.temperature_sigma[inside][one.argmax()] for inside, one in zip(held.values(), warm, strict=True)]
    law = [] if fourier is None else [Column("hottest by Fourier", [fourier[one].max() for one in held.values()], "K")]
    return [
        Column("region", list(held)),
        Column("coldest cell", [one.min() for one in warm], "K"),
        Column("hottest cell", [one.max() for one in warm], "K", errors),
        *law,
    ]


def _estimate_columns(title: str, found: kapitza.thermoreflectance.SpectralEstimate) -> list[Column]:
    used = found.limit.nonzero()[0]
    if not used.size:
        raise InputError(f"{title}: the sides share no group of frequency, so that nothing can cross")
    shown = used[:: max(1, -(-used.size // _MAX_SPECTRUM_ROWS))]
    smooth, free = (
        [f"{low[g]:.2f} to {high[g]:.2f}" for g in shown]
        for low, high in (found.band(_CONFIDENCE_LEVEL), found.extremes(_CONFIDENCE_LEVEL))
    )
    return [
        Column("frequency (THz)", [f"{omega / THz:.2f}" for omega in found.omega[shown]]),
        Column("share of what could cross", found.share[shown].round(2).tolist()),
        Column("95 %, smooth or not", smooth),
        Column("any spectrum", free),
        Column("from the left", found.coefficient[shown].round(3).tolist()),
    ]


def _thick_resistances(held: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    films = [*held.films, *held.films[:1]]
    for one, other, crossing in zip(films, films[1:], held.crossings, strict=False):
        parts = kapitza.boltzmann.interface_conductances(one.carriers, other.carriers, crossing)
        found[f"{one.name}|{other.name}"] = float(parts["extrapolated"].resistance[0])
    return found
