"""Commands of applications: superlattice, composite, leg, memory, exchanger, cryo."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.cli.options import Temperature, Work
from kapitza.cli.output import Column, Grid, Note, Part, Results, Table, Values, columns_of, quantity_json
from kapitza.errors import InputError
from kapitza.io.quantities import NUMBER_AND_UNIT, quantity, stepped_range

if TYPE_CHECKING:
    from kapitza import Conductance, Transmission
    from kapitza.applications import BoundaryBudget
    from kapitza.io import CryogenicFile
    from kapitza.matter import Material

_Record = TypeVar("_Record")
_DEFAULT_POINTS, _MAX_POINTS = 10, 1000  # of a range without a step; of any range
_MIN_LENGTH, _MAX_LENGTH = 1e-11, 1.0  # m
_LAYERS_TRIED = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)  # of a material, among which the minimum of waves is sought

ConductanceOption = Annotated[
    str | None,
    Option(
        "conductance of the boundary: 120MW/m2K, '120MW/m2K +- 20%', 'calibrated', two materials 'Si|Ge', or a "
        "saved result (routes.json)"
    ),
]


def parse_lengths(text: str, what: str) -> list[float]:
    """Increasing lengths in m from ``5:50nm``, ``5:50:5nm`` or ``8,16,32nm``; the last unit holds for all."""
    parts = text.replace(",", ":").split(":")
    match = NUMBER_AND_UNIT.fullmatch(parts[-1])
    unit = match[2] if match else ""
    values = list[float]()
    for part in parts:
        held = NUMBER_AND_UNIT.fullmatch(part)
        values.append(quantity(part if held is None or held[2] else part + unit, "length", what=what))
    if not _MIN_LENGTH <= min(values) <= max(values) <= _MAX_LENGTH:
        raise InputError(
            f"{what} {text!r:.60}: expected lengths from {_MIN_LENGTH:g} to {_MAX_LENGTH:g} m: is it in another unit?"
        )
    if ":" not in text:
        return sorted(set(values))
    start, stop = values[0], values[1] if len(values) > 1 else 0.0
    if "," in text or len(values) > 3 or not start < stop:
        raise InputError(
            f"{what} {text!r:.60}: expected start:stop or start:stop:step, such as 5:50nm, start below stop"
        )
    if len(values) == 2:
        return [start * (stop / start) ** (i / (_DEFAULT_POINTS - 1)) for i in range(_DEFAULT_POINTS)]
    return stepped_range(start, stop, values[2], what=f"{what} {text!r:.60}", most=_MAX_POINTS)


def superlattice(
    first: Annotated[str, typer.Argument(help="Name of the library.")],
    second: Annotated[str, typer.Argument(help="The other material.")],
    *,
    period: Annotated[
        list[float],
        Option(
            "periods: 5:50nm, 5:50:5nm or 8,16,32nm", partial(parse_lengths, what="period"), "2:200nm",
            metavar="LENGTHS",
        ),
    ],
    share: Annotated[float, Option("fraction of the period that is the first material", "share", "0.5")],
    theory: Annotated[Literal["dmm", "amm"], Option("model of the boundary")] = "dmm",
    conductance: ConductanceOption,
    free_path: Annotated[
        float | None, Option("mean free path of waves, 4nm: adds the period of least conductivity", "length")
    ],
    temperature: Temperature,
    work: Work,
    files: Results,
) -> None:  # fmt: skip
    """Conductivity across a superlattice against its period: series, by frequency, ballistic."""
    one, other = _library_solid(first, temperature), _library_solid(second, temperature)
    bulk = [float(side.conductivity(temperature)[0]) for side in (one, other)]
    boundary = _boundary_transmission(one, other, theory)
    modelled = kapitza.applications.superlattice_conductivity(
        boundary, (one.solid(), bulk[0]), (other.solid(), bulk[1]), period=period, share=share, temperature=temperature
    )
    value = float(boundary.conductance(temperature, "extrapolated").value[0])
    result, error, budget = modelled, f" ± {kapitza.core.GRAY_ERROR:.0%} (gray)", None
    if conductance is not None:
        held = _parse_conductance(conductance, one, other, temperature)
        replace_boundary = partial(kapitza.applications.with_measured_boundary, modelled, bulk[0], bulk[1])
        value, error, result = _value_at(held, temperature), "", replace_boundary(held)
        budget = kapitza.applications.boundary_budget(
            lambda given: float(replace_boundary(given["boundary"]).series[0]), {"boundary": held}, temperature
        )
    waves = None
    if free_path is not None:
        with work.run("superlattices") as shared:
            waves = _coherent_minimum(one, other, free_path, shared)
    files.draw(lambda ax: kapitza.plot.applications.superlattice(result, ax))
    sigma = kapitza.core.GRAY_ERROR * value if error else None
    derived = {"conductance": quantity_json(value, "W m^-2 K^-1", sigma=sigma)}
    derived |= _budget_numbers(budget, "W m^-1 K^-1", "series at the shortest period")
    derived |= {} if waves is None else {"wave_minimum": quantity_json(waves, "m")}

    def printout() -> Iterator[Part]:
        layers = f"{bulk[0]:.4g} and {bulk[1]:.4g} W/mK"
        title = f"{one.name}/{other.name} at {temperature:g} K: {layers}, {value / 1e6:.4g} MW/m²K{error}"
        yield Table(title, columns_of(result, {"period": "nm", "series": "", "spectral": "", "ballistic": ""}))
        yield from _describe_budget(budget, f"series at a period of {result.period[0] * 1e9:.4g} nm", "W/mK")
        if waves is not None:
            at = f"{waves * 1e9:.3g} nm"
            yield Note(f"waves of this free path conduct least at a period of about {at} (lattice of one spring)")

    files.report(result, printout(), derived)


def _coherent_minimum(first: Material, second: Material, free_path: float, work: dict[str, Any]) -> float:
    """Period at which waves of a free path conduct least, by the mean masses and spacing of both materials, m."""
    masses = [one.density.value / one.atoms.value for one in (first, second)]
    spacing = (0.5 / first.atoms.value + 0.5 / second.atoms.value) ** (1 / 3)
    found = kapitza.applications.miniband_conductivity(
        masses[1] / masses[0], free_path / spacing, _LAYERS_TRIED, **work
    )
    return 2 * found.minimum * spacing


def composite(
    particle: Annotated[str, typer.Argument(help="Material of the particles, a name of the library.")],
    matrix: Annotated[str, typer.Argument(help="Material around them.")],
    *,
    radius: Annotated[
        list[float],
        Option(
            "radii of the particles: 1:200um, 1:9:2um or 5,50um", partial(parse_lengths, what="radius"),
            "1:200um", metavar="LENGTHS",
        ),
    ],
    fraction: Annotated[float, Option("volume fraction of the particles", "share", "0.4")],
    conductance: ConductanceOption,
    theory: Annotated[
        Literal["dmm", "amm"] | None,
        Option("model of the boundary, by its gray estimate, instead of the calibrated one"),
    ],
    rule: Annotated[Literal["dilute", "differential"] | None, Option("rule of mixing; by the fraction if omitted")],
    particle_conductivity: Annotated[
        float | None, Option("conductivity of the particles, 1500W/mK, overrides the library", "conductivity")
    ],
    matrix_conductivity: Annotated[
        float | None, Option("conductivity of the matrix, overrides the library", "conductivity")
    ],
    temperature: Temperature,
    files: Results,
) -> None:  # fmt: skip
    """Conductivity of particles in a matrix against their radius, and the radius below which they do harm."""
    filler, host = _library_solid(particle, temperature), _library_solid(matrix, temperature)
    given = particle_conductivity, matrix_conductivity
    inside, outside = (
        float(side.conductivity(temperature)[0]) if value is None else value
        for side, value in zip((filler, host), given, strict=True)
    )
    if conductance is not None:
        boundary, error = _parse_conductance(conductance, filler, host, temperature), ""
    elif theory is not None:
        transmission = _boundary_transmission(filler, host, theory)
        boundary = transmission.conductance(temperature, "extrapolated").accept_gray()
        error = f" ± {kapitza.core.GRAY_ERROR:.0%} (gray)"
    else:
        try:  # the calibrated estimate, and its 95 % interval in words
            known = kapitza.measure.calibrated_conductance(filler.name, host.name, temperature)
        except InputError as err:
            raise InputError(f"{err}; give --conductance, or --theory dmm") from err
        low, high = known.interval[0] / 1e6
        boundary, error = known.conductance, f" ({low:.3g} to {high:.3g}, 95 %)"
    conductivity = kapitza.applications.composite_conductivity
    mixed = partial(conductivity, outside, inside, fraction=fraction, rule=rule, temperature=temperature)
    result = mixed(boundary, radius=radius)
    budget = kapitza.applications.boundary_budget(
        lambda given: float(mixed(given["boundary"], radius=radius[:1]).value[0]), {"boundary": boundary}, temperature
    )
    files.draw(lambda ax: kapitza.plot.applications.composite(result, ax))

    def printout() -> Iterator[Part]:
        radii, value = columns_of(result, {"radius": "µm", "value": ""})
        yield Table(
            f"{100 * fraction:g} % {filler.name} ({inside:.4g} W/mK) in {host.name} ({outside:.4g} W/mK) "
            f"at {temperature:g} K, {result.conductance / 1e6:.4g} MW/m²K{error}, {result.method}",
            [radii, value._replace(name="conductivity")],
        )
        if math.isfinite(result.critical_radius):
            critical = f"{result.critical_radius * 1e6:.3g} µm"
            yield Note(f"particles below a radius of {critical} make the matrix worse")
        else:
            yield Note("particles of any size make the matrix worse: they conduct no better than it")
        yield from _describe_budget(budget, f"conductivity at a radius of {radius[0] * 1e6:.4g} µm", "W/mK")

    files.report(result, printout(), _budget_numbers(budget, "W m^-1 K^-1", "at the smallest radius"))


def leg(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Leg (.toml): material, size, contacts, reservoirs.")],
    *,
    files: Results,
) -> None:
    """A thermoelectric leg with its contacts: figure of merit, power, efficiency or COP, best length."""
    held = kapitza.io.read_leg(path)
    merit, effective = kapitza.applications.figure_of_merit(held.leg, held.hot, held.cold)
    cooling = held.mode == "cooler"
    goals: tuple[Literal["power", "efficiency", "cooling", "cop"], ...]
    goals = ("cooling", "cop") if cooling else ("power", "efficiency")
    model = "averaged" if held.leg.constant else "local"
    given = held.leg, held.hot, held.cold
    states = {goal: kapitza.applications.best_leg_state(*given, goal, properties=model) for goal in goals}
    if held.current is not None:
        states["as given"] = kapitza.applications.leg_state(*given, held.current, properties=model)
    try:  # of the largest power or uptake per area, m; contacts may set none
        length = kapitza.applications.best_leg_length(*given, "cooling" if cooling else "power")
    except InputError:
        length = None
    first = goals[0]

    def largest(ends: Mapping[str, Any]) -> float:
        leg = _replace_attributes(held.leg, ends)
        state = kapitza.applications.best_leg_state(leg, *given[1:], first, properties=model)
        return state.cooling if first == "cooling" else state.power

    budget = kapitza.applications.boundary_budget(
        largest,
        {name: getattr(held.leg, name) for name in ("hot_conductance", "cold_conductance")},
        {"hot_conductance": held.hot, "cold_conductance": held.cold},
    )
    files.draw(
        lambda ax: kapitza.plot.applications.thermoelectric_leg(held.leg, list(states.values()), cooling=cooling, ax=ax)
    )
    derived = {"ZT": merit, "ZT_with_contacts": effective, "best_length": quantity_json(length, "m")}
    for name, unit in (("power", "W"), ("efficiency", "1")):
        derived[name] = quantity_json({goal: getattr(state, name) for goal, state in states.items()}, unit)

    def printout() -> Iterator[Part]:
        rows = list(states.values())
        yield Table(
            f"{held.title}: {held.hot:g} K to {held.cold:g} K",
            [
                Column("largest", list(states)),
                *columns_of(rows, {"current": "A", "voltage": "mV"}),
                Column("power", [one.power * 1e3 for one in rows], "mW"),
                *columns_of(rows, {"heat_in": "mW"}),
                Column("efficiency", [100 * one.efficiency if one.power > 0 else None for one in rows], "%"),
                Column("COP", [one.cop if one.cooling > 0 and one.power < 0 else None for one in rows]),
            ],
        )
        lost = 1 - effective / merit if merit else 0.0
        yield Note(f"ZT {merit:.3g} of the material, {effective:.3g} with its contacts ({100 * lost:.3g} % lost)")
        if length is not None:
            what, own = "uptake" if cooling else "power", f"{held.leg.length * 1e3:.3g} mm"
            yield Note(f"largest {what} per area at a length of {length * 1e3:.3g} mm; this leg has {own}")
        yield from _describe_budget(budget, f"largest {first}", "mW", 1e3)

    files.report(states, printout(), derived | _budget_numbers(budget, "W", f"largest {first}"))


def memory(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Cell (.toml): pillar, dielectric, boundaries.")],
    *,
    files: Results,
) -> None:
    """Reset current and energy of a phase-change memory cell, and what its boundaries save."""
    held = kapitza.io.read_memory_cell(path)
    pulse = kapitza.applications.reset_pulse(held.cell, held.pulse)
    files.draw(lambda ax: kapitza.plot.applications.memory_cell(held.cell, pulse.power, ax))
    derived = {"saved": quantity_json(pulse.saved, "1", meaning="saved by boundaries")}
    budget = kapitza.applications.boundary_budget(
        lambda given: kapitza.applications.reset_pulse(_replace_attributes(held.cell, given), held.pulse).current,
        {"side": held.cell.side, "contact": held.cell.contact},
        held.cell.warm,
    )
    units = {"power": "µW", "energy": "pJ", "thermal_resistance": "K µW⁻¹", "boundary_share": "%", "mean_rise": "K"}
    columns = [
        *columns_of(pulse, {"current": "µA", "current_without": "µA"}),
        *columns_of(derived, {"saved": "%"}),
        *columns_of(pulse, units),
    ]
    title = f"{held.title}: a pulse of {held.pulse * 1e9:.4g} ns"
    printed = [Values(title, columns), *_describe_budget(budget, "reset current", "µA", 1e6)]
    files.report(pulse, printed, derived | _budget_numbers(budget, "A", "reset current"))


def exchanger(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Exchanger (.toml): two streams and a wall.")],
    *,
    files: Results,
) -> None:
    """Heat between two liquids in small channels: convection, wall and both boundaries."""
    held = kapitza.io.read_exchanger(path)
    result = kapitza.applications.heat_exchange(held.exchanger)
    parts = held.exchanger.resistances()
    budget = kapitza.applications.boundary_budget(
        lambda given: kapitza.applications.heat_exchange(_replace_attributes(held.exchanger, given)).heat,
        {name: getattr(held.exchanger, name) for name in ("hot_boundary", "cold_boundary")},
        {"hot_boundary": held.exchanger.hot.inlet, "cold_boundary": held.exchanger.cold.inlet},
    )
    files.draw(lambda ax: kapitza.plot.applications.heat_exchanger(held.exchanger, ax), height=3.0)
    rows = [[name, f"{value * 1e9:.4g}", f"{100 * value * result.coefficient:.3g}"] for name, value in parts.items()]
    printed = [
        Grid(f"{held.title}: {result.coefficient / 1e6:.4g} MW/m²K", ["", "m² K GW⁻¹", "share (%)"], rows),
        Note(f"heat {result.heat * 1e3:.4g} mW, {100 * result.effectiveness:.3g} % of the most that could pass"),
        Note(f"outlets: hot {result.hot_out:.5g} K, cold {result.cold_out:.5g} K"),
        *_describe_budget(budget, "heat", "mW", 1e3),
    ]
    derived = {"resistance": quantity_json(parts, "m^2 K W^-1")} | _budget_numbers(budget, "W", "heat exchanged")
    files.report(result, printed, derived)


def cryo(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Chip (.toml): bath, load, superconductor.")],
    *,
    current: Annotated[float | None, Option("current through the superconductor, overrides the file", "current")],
    files: Results,
) -> None:
    """All temperatures at which a chip in liquid helium is steady, and the currents of its thermal runaway."""
    held = kapitza.io.read_cryogenic(path)
    ampere = held.current if current is None else current
    if current is not None and held.device is None:
        raise InputError(f"{path} has no [device] through which a current of {current:g} A could flow")
    states = kapitza.applications.operating_points(held.bath, held.device, ampere, load=held.load)
    limits = None
    if held.device is not None:
        limits = kapitza.applications.runaway_currents(held.bath, held.device, load=held.load)
    budget = None if held.boundary is None else _cold_budget(held, held.boundary, ampere)
    files.draw(
        lambda ax: kapitza.plot.applications.cryogenic_chip(
            held.bath, states, held.device, ampere, load=held.load, ax=ax
        )
    )
    derived = {"bath": quantity_json(held.bath.temperature, "K"), "current": quantity_json(ampere, "A")}

    def printout() -> Iterator[Part]:
        title = f"{held.title}: bath of {held.bath.temperature:g} K" + (f", {ampere:g} A" if held.device else "")
        if states:
            stability = ["stable" if one.stable else "unstable" for one in states]
            known = columns_of(states, {"temperature": "K", "flux": "W cm⁻²"})
            regimes = [one.regime for one in states]
            yield Table(title, [*known, Column("state", stability), Column("cooled by", regimes)])
        else:
            yield title
            yield Note("no steady state below 10,000 K: the helium cannot take up this heat")
        if limits is not None:
            yield Values(
                "currents", columns_of(limits, dict.fromkeys(("holding", "propagating", "critical", "quench"), "A"))
            )
        yield from _describe_budget(budget, "coldest steady temperature", "K")

    records = {"states": states} if limits is None else {"states": states, "runaway": limits}
    files.report(records, printout(), derived | _budget_numbers(budget, "K", "coldest steady temperature"))


def _cold_budget(held: CryogenicFile, boundary: Conductance, current: float) -> BoundaryBudget | None:
    """What is not known of the boundary to helium, and what that does to the coldest steady temperature."""
    bare = held.bath.coefficient / _value_at(boundary, held.bath.temperature)

    def coldest(given: Mapping[str, float | Conductance]) -> float:
        bath = _replace_attributes(
            held.bath, {"coefficient": bare * _value_at(given["boundary"], held.bath.temperature)}
        )
        states = kapitza.applications.operating_points(bath, held.device, current, load=held.load)
        return states[0].temperature if states else math.inf

    return kapitza.applications.boundary_budget(coldest, {"boundary": boundary}, held.bath.temperature)


def _replace_attributes(record: _Record, changes: Mapping[str, Any]) -> _Record:
    from attrs import evolve

    return evolve(record, **changes)  # pyright: ignore[reportArgumentType]


def _parse_conductance(text: str, one: Material, other: Material, kelvin: float) -> float | Conductance:
    sides = kapitza.io.BoundarySides(one.name, other.name, one.name, other.name)
    return kapitza.io.held_with_sigma(kapitza.io.parse_conductance(text, sides, kelvin))


def _value_at(held: float | Conductance, kelvin: float) -> float:
    """Value of a conductance at a temperature (K), W m⁻² K⁻¹."""
    return float(held.at(kelvin)[0]) if isinstance(held, kapitza.Conductance) else held


def _describe_budget(budget: BoundaryBudget | None, what: str, unit: str, factor: float = 1.0) -> Iterator[Part]:
    if budget is None:
        return
    yield Note(
        f"{what}: 95 % from {factor * budget.low:.4g} to {factor * budget.high:.4g} {unit}, as the boundaries are known"
    )
    for name, (low, high) in list(budget.measured.items())[:1]:
        yield Note(f"measuring {name} to 20 % would leave {factor * low:.4g} to {factor * high:.4g} {unit}")


def _budget_numbers(budget: BoundaryBudget | None, unit: str, what: str) -> dict[str, Any]:
    if budget is None:
        return {}
    numbers: dict[str, Any] = {"of": what, "unit": unit, "value": budget.value, "interval": [budget.low, budget.high]}
    for name, held in (("ends", budget.ends), ("measured", budget.measured)):
        numbers[name] = {one: list(pair) for one, pair in held.items()}
    return {"boundary_budget": numbers}


def _library_solid(name: str, temperature: float) -> Material:
    """Return a solid of the library; notes where it is not solid at a temperature (K)."""
    found = kapitza.material(name)
    found.solid()
    kapitza.matter.warn_of_state(found, temperature)
    return found


def _boundary_transmission(one: Material, other: Material, theory: str) -> Transmission:
    model = kapitza.dmm if theory == "dmm" else kapitza.amm
    return model(one.solid(), other.solid())
