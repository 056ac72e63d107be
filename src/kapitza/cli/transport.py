"""The verb `transport`: heat through layers and domains by the Boltzmann equation, and its inverse problem."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.figures import Results
from kapitza.cli.options import DaskAddress, Figure, Json, Save, StoreFolder, dask_executor
from kapitza.cli.output import note, print_record, print_table, progress_line, quantity_json
from kapitza.errors import ConvergenceError, InputError
from kapitza.units import MW, THz

if TYPE_CHECKING:
    from kapitza.measure.spectral_inversion import SpectralEstimate
    from kapitza.simulate.boltzmann.layered.transport import Transport
    from kapitza.simulate.boltzmann.monte_carlo.result import TransportMap

_TWO_PANELS_HEIGHT = 7.6  # inches
_HEAT_ROUNDING = 1e-12  # of a sum over particles that is the same in all batches, as all heat ends in the only sink
_POWER_UNITS = ("W m⁻²", "W m⁻¹", "W")  # of power, by dimension
_CONFIDENCE_LEVEL = 0.95
_POSTERIOR_SAMPLES = 1000
_MAX_SPECTRUM_ROWS = 12  # of the printed spectrum


def transport(
    stack: Annotated[str, typer.Argument(metavar="FILE", help="Stack (.toml): layers, boundaries, walls.")],
    definitions: Annotated[
        bool, typer.Option("--definitions", help="Resistance of each boundary by all three temperature drops.")
    ] = False,
    monte_carlo: Annotated[
        bool, typer.Option("--monte-carlo", help="FILE holds boxes in one to three dimensions: follow phonons.")
    ] = False,
    invert: Annotated[
        str | None,
        typer.Option(metavar="DATA", help='Table of measurements: find the boundary that FILE calls "unknown".'),
    ] = None,
    lifetimes: Annotated[
        float, typer.Option("--lifetimes", help="With --invert: relative uncertainty of the lifetimes of both sides.")
    ] = 0.0,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", help="With --monte-carlo: threads that share the work; all cores if not given.", min=1
        ),
    ] = None,
    store: StoreFolder = None,
    dask: DaskAddress = None,
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Heat through films, superlattices and stacks between 1 nm and 1 mm, by the Boltzmann equation."""
    if monte_carlo and definitions:
        raise InputError(
            "--definitions with --monte-carlo: resistances by definition are those of layers; give one of the two"
        )
    if not monte_carlo and (workers, store, dask) != (None, None, None):
        raise InputError("--workers, --store and --dask without --monte-carlo: only its batches are shared and kept")
    if invert is None and lifetimes:
        raise InputError("--lifetimes without --invert: their uncertainty matters to what is found from data alone")
    if invert is not None:
        if monte_carlo or definitions:
            raise InputError("--invert with --monte-carlo or --definitions: give one of them")
        _report_inverse_problem(stack, invert, lifetimes=lifetimes, files=Results(save, plot), as_json=as_json)
        return
    files = Results(save, plot)
    if monte_carlo:
        _report_domain(stack, files, workers=workers, store=store, dask=dask, as_json=as_json)
        return
    held = kapitza.io.read_films(stack)
    if None in held.crossings:
        name = "|".join(film.name for film in held.films[held.crossings.index(None) :][:2])
        raise InputError(f'the boundary {name} is "unknown": give it a transmission, or data with --invert DATA')
    found = kapitza.transport(held.films, held.crossings, left=held.left, right=held.right, period=held.period)
    thick = _thick_resistances(held) if definitions else {}
    files.keep(found)
    height = _TWO_PANELS_HEIGHT if found.bounds.size else 4.4
    files.draw_figure(lambda figure: deferred.transport_figure(found, figure), height=height)
    if as_json:
        derived = {
            "flux": quantity_json(found.flux, "W m^-2"),
            "effective_conductivity": quantity_json(found.effective_conductivity, "W m^-1 K^-1"),
            "resistance": quantity_json(found.resistances(), "m^2 K W^-1"),
            "thick_resistance": quantity_json(thick, "m^2 K W^-1"),
        }
        print_record(found, derived)
        return
    _print_transport(held.title, found)
    if found.boundary_names:
        _print_definitions(found, thick)
    if definitions and held.period is None and held.left is None and held.right is None:
        off = kapitza.boltzmann.fourier_error(held.films, held.crossings)
        note(f"Fourier's law with the resistances in thick layers, and slips at the walls, is off by {off:+.2%}")
    files.announce()


def _report_domain(
    path: str, files: Results, *, workers: int | None, store: str | None, dask: str | None, as_json: bool
) -> None:
    """Run the domain of a file and report the temperatures."""
    from attrs import evolve

    held = kapitza.io.read_domain(path)
    spacing = held.spacing[0] if len(held.spacing) == 1 else held.spacing
    # the digits are the same with any number of threads
    settings = evolve(held.settings, workers=workers or os.cpu_count() or 1)
    with dask_executor(dask) as executor:
        found = kapitza.boltzmann.monte_carlo(
            held.domain,
            spacing=spacing,
            settings=settings,
            store=None if store is None else kapitza.run.Store(store),
            executor=executor,
            progress=progress_line("batches"),
        )
    try:
        fourier = deferred.fourier_temperature(held.domain, spacing)
    except InputError as err:  # too many cells: Monte Carlo stands alone
        fourier = None
        note(f"without Fourier's law: {err}")
    files.keep(found)
    if fourier is None:
        files.draw(lambda ax: kapitza.plot.transport_map(found, ax))
    else:
        law = fourier
        files.draw_figure(lambda figure: deferred.transport_map_figure(found, law, figure), height=_TWO_PANELS_HEIGHT)
    if as_json:
        beside = None if fourier is None else quantity_json(_mask_walls(fourier, found.region >= 0), "K")
        print_record(found, {"fourier": beside})
        return
    _print_map(held.title, found, fourier)
    files.announce()


def _report_inverse_problem(path: str, data: str, *, lifetimes: float, files: Results, as_json: bool) -> None:
    """Find the transmission of the unknown boundary of a stack and report how well the data determine it."""
    held = kapitza.io.read_films(path)
    measured = deferred.read_spectral_measurements(data, held)
    unknown = held.crossings.index(None)
    left, right = (held.films[k].carriers for k in (unknown, unknown + 1))
    found = kapitza.thermoreflectance.spectral_transmission(
        [measured], left, right, lifetimes=lifetimes, samples=_POSTERIOR_SAMPLES
    )
    try:
        spectra = kapitza.thermoreflectance.exact_extreme_spectra(found, [measured], found.limit)
        attained = tuple(float(one @ found.limit) for one in spectra)
    except ConvergenceError as err:
        attained = found.sum_range(found.limit)
        note(f"range of the conductance on the linearised model: {err}")
    files.keep(found)
    files.draw_figure(lambda figure: deferred.estimate_figure(found, figure), height=4.4)
    if as_json:
        value, sigma = found.conductance
        conductance = quantity_json(value, "W m^-2 K^-1") | {"sigma": sigma, "any_spectrum": list(attained)}
        print_record(found, {"conductance": conductance, "numbers_from_data": found.freedom})
        return
    _print_estimate(f"{left.name}|{right.name} from {found.count} data", found, attained)
    files.announce()


def _mask_walls(value: Any, held: Any) -> Any:
    """Temperatures of the cells, None in walls and voids."""
    masked = value.astype(object)
    masked[~held] = None
    return masked


def _print_map(title: str, found: TransportMap, fourier: Any) -> None:
    """Print the temperatures of the regions and the heat through walls and boundaries."""
    rows: list[list[str]] = []
    for k, name in enumerate(found.names):
        inside = found.region == k
        if not inside.any():
            continue
        warm = found.temperature[inside]
        sigma = found.temperature_sigma[inside][warm.argmax()]
        law = "" if fourier is None else f"{fourier[inside].max():.4f}"
        rows.append([name, f"{warm.min():.4f}", f"{warm.max():.4f}", f"{sigma:.4f}", law])
    heads = ["region", "coldest cell (K)", "hottest cell (K)", "± (K)", "hottest by Fourier (K)"]
    print_table(f"{title}: {found.particles} particles, {found.events} events, seed {found.seed}", heads, rows)
    unit = _POWER_UNITS[len(found.edges) - 1]
    passed = [
        [name, f"{power:.5g}", f"{sigma:.2g}" if sigma > _HEAT_ROUNDING * abs(power) else "exact"]
        for name, power, sigma in zip(found.surfaces, found.power, found.power_sigma, strict=True)
        if power or sigma
    ]
    print_table(
        "heat that walls take, and that crosses boundaries from left to right", ["at", f"heat ({unit})", "±"], passed
    )


def _print_estimate(title: str, found: SpectralEstimate, attained: tuple[float, ...]) -> None:
    """Print the spectrum, what it rests on, and the sum that the data determine."""
    low, high = found.band(_CONFIDENCE_LEVEL)
    least, most = found.extremes(_CONFIDENCE_LEVEL)
    used = [g for g in range(found.omega.size) if found.limit[g] > 0]
    if not used:
        raise InputError(f"{title}: the sides share no group of frequency, so that nothing can cross")
    shown = used[:: max(1, -(-len(used) // _MAX_SPECTRUM_ROWS))]
    rows = [
        [f"{found.omega[g] / THz:.2f}", f"{found.share[g]:.2f}", f"{low[g]:.2f} to {high[g]:.2f}",
         f"{least[g]:.2f} to {most[g]:.2f}", f"{found.coefficient[g]:.3f}"]
        for g in shown
    ]  # fmt: skip
    heads = ["frequency (THz)", "share of what could cross", "95 %, if smooth", "any spectrum", "from the left"]
    print_table(title, heads, rows)
    value, sigma = found.conductance
    print_table(
        "what the data determine",
        ["", "value", "unit"],
        [
            ["emitted conductance", f"{value / MW:.4g} ± {sigma / MW:.2g}", "MW m⁻² K⁻¹"],
            ["with any spectrum", f"{attained[0] / MW:.4g} to {attained[1] / MW:.4g}", "MW m⁻² K⁻¹"],
            ["chi² of the data", f"{found.chi2:.1f} of {found.count}", ""],
            ["numbers that come from the data", f"{found.freedom:.1f} of {len(used)}", ""],
        ],
    )
    note("the narrow band is the assumption of a smooth spectrum; any spectrum: what the data alone leave open")


def _thick_resistances(held: Any) -> dict[str, float]:
    """Extrapolated resistance of each boundary between thick layers, m² K W⁻¹."""
    found: dict[str, float] = {}
    films = [*held.films, *held.films[:1]]
    for one, other, crossing in zip(films, films[1:], held.crossings, strict=False):
        parts = kapitza.boltzmann.interface_conductances(one.carriers, other.carriers, crossing)
        found[f"{one.name}|{other.name}"] = float(parts["extrapolated"].resistance[0])
    return found


def _print_transport(title: str, found: Transport) -> None:
    """Print what the whole stack does, and its layers."""
    rows = [
        ["heat flux per kelvin", f"{1e-6 / found.resistance:.5g}", "MW m⁻² K⁻¹"],
        ["resistance", f"{found.resistance * 1e9:.5g}", "m² K GW⁻¹"],
        ["effective conductivity", f"{found.effective_conductivity:.5g}", "W m⁻¹ K⁻¹"],
    ]
    bulk = [
        [name, _thickness_text(float(b - a)), f"{k:.4g}"]
        for name, a, b, k in zip(found.names, found.edges, found.edges[1:], found.conductivity, strict=False)
    ]
    print_table(f"{title} at {found.base:g} K", ["layer", "thickness", "bulk (W m⁻¹ K⁻¹)"], bulk)
    print_table("as a whole", ["", "value", " unit"], rows)


def _print_definitions(found: Transport, thick: dict[str, float]) -> None:
    """Print the resistances of all boundaries."""
    rows = [
        [
            name,
            *(f"{held[drop] * 1e9:.4g}" for drop in deferred.TEMPERATURE_DROPS),
            *([f"{thick[name] * 1e9:.4g}"] if thick else []),
        ]
        for name, held in found.resistances().items()
    ]
    heads = ["boundary", *deferred.TEMPERATURE_DROPS, *(["in thick layers"] if thick else [])]
    print_table("resistance in m² K GW⁻¹ by temperature drop", heads, rows)
    if thick:
        note("extrapolated: with the bulk gradient of these layers; in thick layers: of 10 µm or more on both sides")


def _thickness_text(thickness: float) -> str:
    """Return a thickness in the unit in which it is read most easily."""
    for size, unit in ((1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm")):
        if thickness >= size:
            return f"{thickness / size:.4g} {unit}"
    return f"{thickness / 1e-9:.4g} nm"
