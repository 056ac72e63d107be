"""What the verbs of applications do: read, call, save, draw, print."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import kapitza
from kapitza.cli import figures
from kapitza.cli.output import note, print_json, print_table
from kapitza.errors import InputError
from kapitza.io.quantities import NUMBER, quantity

if TYPE_CHECKING:
    from kapitza.core.transmission import Transmission
    from kapitza.device.cryogenic import SteadyState
    from kapitza.device.thermoelectric import LegState
    from kapitza.io.applications import CryoFile, LegFile
    from kapitza.matter.material import Material

Files = tuple[str | None, str | None]  # of the figure, and of the results
POINTS, MOST = 10, 1000  # of a range without a step; of any range
SHORTEST, LONGEST = 1e-11, 1.0  # m
LAYERS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)  # of a material, among which the minimum of waves is sought


def parse_lengths(text: str, what: str) -> list[float]:
    """Return increasing lengths in m from ``5:50nm``, ``5:50:5nm`` or ``8,16,32nm``; the last unit holds for all.

    Raises
    ------
    InputError
        for what is no length, lengths that only another unit explains, ranges that run down, and more than 1,000 points
    """
    parts = text.replace(",", ":").split(":")
    match = NUMBER.fullmatch(parts[-1])
    unit = match[2] if match else ""
    values = [
        quantity(part if (held := NUMBER.fullmatch(part)) is None or held[2] else part + unit, "length", what=what)
        for part in parts
    ]
    if not SHORTEST <= min(values) <= max(values) <= LONGEST:
        raise InputError(
            f"{what} {text!r:.60}: expected lengths from {SHORTEST:g} to {LONGEST:g} m: is it in another unit?"
        )
    if ":" not in text:
        return sorted(set(values))
    start, stop = values[0], values[1] if len(values) > 1 else 0.0
    if "," in text or len(values) > 3 or not start < stop:
        raise InputError(
            f"{what} {text!r:.60}: expected start:stop or start:stop:step, such as 5:50nm, start below stop"
        )
    if len(values) == 2:
        return [start * (stop / start) ** (i / (POINTS - 1)) for i in range(POINTS)]
    count = (stop - start) / values[2]
    if count >= MOST:
        raise InputError(f"{what} {text!r:.60} has {count:.3g} points: expected at most {MOST:,}")
    return [start + i * values[2] for i in range(int(count + 1e-9) + 1)]


def finish(result: Any, files: Files, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
    """Save a result and draw it, where a file is named."""
    plot, save = files
    if save is not None:
        kapitza.save(result, save)
    if plot is not None:
        figures.write(plot, draw, height=height)


def told(files: Files) -> None:
    """Say what was written."""
    for path in reversed(files):
        if path is not None:
            note(f"wrote {path}")


def measured(value: float, unit: str) -> dict[str, Any]:
    """Return a number with its unit."""
    return {"unit": unit, "value": value}


def solid_of(name: str) -> Material:
    """Return a solid of the library."""
    found = kapitza.material(name)
    found.solid()
    return found


def boundary_of(one: Material, other: Material, theory: str) -> Transmission:
    """Return the transmission between two solids by a model."""
    model = kapitza.dmm if theory == "dmm" else kapitza.amm
    return model(one.solid(), other.solid())


def superlattice_report(
    names: tuple[str, str],
    period: str,
    *,
    share: float,
    theory: str,
    conductance: str | None,
    free_path: str | None,
    kelvin: float,
    files: Files,
    as_json: bool,
) -> None:
    """Conductivity across a superlattice against its period."""
    periods = parse_lengths(period, "period")
    first, second = (solid_of(name) for name in names)
    bulk = [float(one.conductivity(kelvin)[0]) for one in (first, second)]
    boundary = boundary_of(first, second, theory)
    found = kapitza.superlattice(
        boundary, (first.solid(), bulk[0]), (second.solid(), bulk[1]), period=periods, share=share, temperature=kelvin
    )
    value = float(boundary.conductance(kelvin, "extrapolated").value[0])
    if conductance is not None:
        value = quantity(conductance, "conductance", what="conductance")
        found = kapitza.with_conductance(found, bulk[0], bulk[1], value)
    waves = None if free_path is None else wave_minimum(first, second, quantity(free_path, "length", what="free path"))
    finish(found, files, lambda ax: kapitza.plot.superlattice(found, ax))
    if as_json:
        columns = {"period": "m", "series": "W m^-1 K^-1", "spectral": "W m^-1 K^-1", "ballistic": "W m^-1 K^-1"}
        content: dict[str, Any] = {
            name: {"unit": unit, "value": getattr(found, name).tolist()} for name, unit in columns.items()
        }
        content |= {"conductance": measured(value, "W m^-2 K^-1"), "temperature": measured(kelvin, "K")}
        content |= {} if waves is None else {"wave_minimum": measured(waves, "m")}
        print_json(content)
        return
    rows = [
        [f"{d * 1e9:.4g}", f"{a:.4g}", f"{b:.4g}", f"{c:.4g}"]
        for d, a, b, c in zip(found.period, found.series, found.spectral, found.ballistic, strict=True)
    ]
    title = (
        f"{first.name}/{second.name} at {kelvin:g} K: {bulk[0]:.4g} and {bulk[1]:.4g} W/mK, {value / 1e6:.4g} MW/m²K"
    )
    print_table(title, ["period (nm)", "in series", "by frequency", "ballistic (W m⁻¹ K⁻¹)"], rows, text=0)
    if waves is not None:
        note(f"waves of this free path conduct least at a period of about {waves * 1e9:.3g} nm (lattice of one spring)")
    told(files)


def wave_minimum(first: Material, second: Material, free_path: float) -> float:
    """Period at which waves of a free path conduct least, by the mean masses and spacing of both materials, m."""
    masses = [one.density.value / one.atoms.value for one in (first, second)]
    spacing = (0.5 / first.atoms.value + 0.5 / second.atoms.value) ** (1 / 3)
    found = kapitza.miniband(masses[1] / masses[0], free_path / spacing, LAYERS)
    return 2 * found.minimum * spacing


def composite_report(
    names: tuple[str, str],
    given: tuple[str | None, str | None],
    radius: str,
    *,
    fraction: float,
    conductance: str | None,
    theory: str,
    rule: Literal["dilute", "differential"] | None,
    kelvin: float,
    files: Files,
    as_json: bool,
) -> None:
    """Conductivity of particles in a matrix against their radius."""
    radii = parse_lengths(radius, "radius")
    particle, matrix = (solid_of(name) for name in names)
    inside, outside = (
        float(one.conductivity(kelvin)[0]) if text is None else quantity(text, "conductivity", what="conductivity")
        for one, text in zip((particle, matrix), given, strict=True)
    )
    value: Any = (
        boundary_of(particle, matrix, theory).conductance(kelvin, "extrapolated")
        if conductance is None
        else quantity(conductance, "conductance", what="conductance")
    )
    found = kapitza.sized_composite(
        outside, inside, value, radius=radii, fraction=fraction, rule=rule, temperature=kelvin
    )
    finish(found, files, lambda ax: kapitza.plot.composite(found, ax))
    if as_json:
        print_json(
            {
                "method": found.method,
                "radius": {"unit": "m", "value": found.radius.tolist()},
                "conductivity": {"unit": "W m^-1 K^-1", "value": found.value.tolist()},
                "matrix": measured(outside, "W m^-1 K^-1"),
                "particle": measured(inside, "W m^-1 K^-1"),
                "conductance": measured(found.conductance, "W m^-2 K^-1"),
                "critical_radius": measured(found.critical_radius, "m"),
                "fraction": fraction,
            }
        )
        return
    rows = [[f"{a * 1e6:.4g}", f"{k:.4g}"] for a, k in zip(found.radius, found.value, strict=True)]
    title = (
        f"{100 * fraction:g} % {particle.name} ({inside:.4g} W/mK) in {matrix.name} ({outside:.4g} W/mK) "
        f"at {kelvin:g} K, {found.conductance / 1e6:.4g} MW/m²K, {found.method}"
    )
    print_table(title, ["radius (µm)", "conductivity (W m⁻¹ K⁻¹)"], rows, text=0)
    if math.isfinite(found.critical_radius):
        note(f"particles below a radius of {found.critical_radius * 1e6:.3g} µm make the matrix worse")
    else:
        note("particles of any size make the matrix worse: they conduct no better than it")
    told(files)


def leg_report(path: str, files: Files, *, as_json: bool) -> None:
    """A thermoelectric leg with its contacts."""
    held = kapitza.read_leg(path)
    merit, effective = kapitza.figure_of_merit(held.leg, held.hot, held.cold)
    cooling = held.mode == "cooler"
    goals: tuple[Literal["power", "efficiency", "cooling", "cop"], ...]
    goals = ("cooling", "cop") if cooling else ("power", "efficiency")
    best = kapitza.best_state if held.leg.constant else kapitza.best_solved
    states = {goal: best(held.leg, held.hot, held.cold, goal) for goal in goals}
    if held.current is not None:
        at = kapitza.leg_state if held.leg.constant else kapitza.solved_leg
        states["as given"] = at(held.leg, held.hot, held.cold, held.current)
    length = shortest_length(held)
    finish(states, files, lambda ax: kapitza.plot.leg(held.leg, list(states.values()), cooling=cooling, ax=ax))
    if as_json:
        content: dict[str, Any] = {
            "ZT": merit,
            "ZT_with_contacts": effective,
            "best_length": {"unit": "m", "value": length},
        }
        print_json(content | {name.replace(" ", "_"): leg_json(state) for name, state in states.items()})
        return
    heads = ["largest", "current (A)", "voltage (mV)", "power (mW)", "heat in (mW)", "efficiency", "COP"]
    rows = [leg_row(name, state) for name, state in states.items()]
    print_table(f"{held.title}: {held.hot:g} K to {held.cold:g} K", heads, rows)
    lost = 1 - effective / merit if merit else 0.0
    note(f"ZT {merit:.3g} of the material, {effective:.3g} with its contacts ({100 * lost:.3g} % lost)")
    if length is not None:
        what = "uptake" if cooling else "power"
        note(
            f"largest {what} per area at a length of {length * 1e3:.3g} mm; this leg has {held.leg.length * 1e3:.3g} mm"
        )
    told(files)


def shortest_length(held: LegFile) -> float | None:
    """Length of the largest power or uptake per area, m; None where contacts set none."""
    try:
        return kapitza.best_length(held.leg, held.hot, held.cold, "cooling" if held.mode == "cooler" else "power")
    except InputError:
        return None


def leg_row(name: str, state: LegState) -> list[str]:
    """Return a state of a leg as a row."""
    cools = state.cooling > 0 and state.power < 0
    return [
        name,
        f"{state.current:.4g}",
        f"{state.voltage * 1e3:.4g}",
        f"{state.power * 1e3:.4g}",
        f"{state.heat_in * 1e3:.4g}",
        "–" if cools or state.power <= 0 else f"{100 * state.efficiency:.3f} %",
        f"{state.cop:.4g}" if cools else "–",
    ]


def leg_json(state: LegState) -> dict[str, Any]:
    """Return a state of a leg with its units."""
    units = {
        "current": "A", "voltage": "V", "power": "W", "heat_in": "W", "heat_out": "W", "hot_junction": "K",
        "cold_junction": "K",
    }  # fmt: skip
    content: dict[str, Any] = {name: measured(getattr(state, name), unit) for name, unit in units.items()}
    return content | {"efficiency": state.efficiency}


def memory_report(path: str, files: Files, *, as_json: bool) -> None:
    """Reset of a phase-change memory cell."""
    held = kapitza.read_cell(path)
    found = kapitza.reset(held.cell, held.pulse)
    finish(found, files, lambda ax: kapitza.plot.memory(held.cell, found.power, ax))
    if as_json:
        units = {
            "thermal_resistance": "K W^-1", "power": "W", "current": "A", "current_without": "A", "energy": "J",
            "mean_rise": "K", "boundary_share": "1", "saved": "1",
        }  # fmt: skip
        print_json({name: measured(getattr(found, name), unit) for name, unit in units.items()})
        return
    rows = [
        ["reset current", f"{found.current * 1e6:.4g}", "µA"],
        ["without boundary resistance", f"{found.current_without * 1e6:.4g}", "µA"],
        ["saved by boundaries", f"{100 * found.saved:.3g}", "%"],
        ["power", f"{found.power * 1e6:.4g}", "µW"],
        ["energy of a pulse", f"{found.energy * 1e12:.4g}", "pJ"],
        ["thermal resistance", f"{found.thermal_resistance / 1e6:.4g}", "K µW⁻¹"],
        ["of it boundaries", f"{100 * found.boundary_share:.3g}", "%"],
        ["mean rise when the middle melts", f"{found.mean_rise:.4g}", "K"],
    ]
    print_table(f"{held.title}: a pulse of {held.pulse * 1e9:.4g} ns", ["", "value", " unit"], rows)
    told(files)


def exchanger_report(path: str, files: Files, *, as_json: bool) -> None:
    """Heat between two streams."""
    held = kapitza.read_exchanger(path)
    found = kapitza.exchange(held.exchanger)
    parts = held.exchanger.resistances()
    finish(found, files, lambda ax: kapitza.plot.exchanger(held.exchanger, ax), height=3.0)
    if as_json:
        units = {
            "coefficient": "W m^-2 K^-1", "transfer_units": "1", "effectiveness": "1", "heat": "W", "hot_out": "K",
            "cold_out": "K", "boundary_share": "1",
        }  # fmt: skip
        content: dict[str, Any] = {name: measured(getattr(found, name), unit) for name, unit in units.items()}
        print_json(content | {"resistance": {"unit": "m^2 K W^-1", "value": parts}})
        return
    rows = [[name, f"{value * 1e9:.4g}", f"{100 * value * found.coefficient:.3g}"] for name, value in parts.items()]
    print_table(f"{held.title}: {found.coefficient / 1e6:.4g} MW/m²K", ["", "m² K GW⁻¹", "share (%)"], rows)
    note(f"heat {found.heat * 1e3:.4g} mW, {100 * found.effectiveness:.3g} % of the most that could pass")
    note(f"outlets: hot {found.hot_out:.5g} K, cold {found.cold_out:.5g} K")
    told(files)


def cryo_report(path: str, current: str | None, files: Files, *, as_json: bool) -> None:
    """Steady temperatures of a chip in helium, and its runaway."""
    held = kapitza.read_cryo(path)
    ampere = held.current if current is None else quantity(current, "current", what="current")
    if current is not None and held.device is None:
        raise InputError(f"{path} has no [device] through which a current of {current} could flow")
    states = kapitza.steady_states(held.bath, held.device, ampere, load=held.load)
    limits = None if held.device is None else kapitza.runaway(held.bath, held.device, load=held.load)
    finish(
        {"states": states} if limits is None else {"states": states, "runaway": limits},
        files,
        lambda ax: kapitza.plot.cryo(held.bath, states, held.device, ampere, load=held.load, ax=ax),
    )
    currents = {} if limits is None else {
        "holding": limits.holding, "propagating": limits.propagating, "critical": limits.critical,
        "quench": limits.quench,
    }  # fmt: skip
    if as_json:
        print_json(cryo_json(held, ampere, states, currents))
        return
    rows = [
        [f"{one.temperature:.5g}", f"{one.flux / 1e4:.4g}", " stable" if one.stable else " unstable", f" {one.regime}"]
        for one in states
    ]
    title = f"{held.title}: bath of {held.bath.temperature:g} K" + (f", {ampere:g} A" if held.device else "")
    print_table(title, ["temperature (K)", "flux (W cm⁻²)", " state", " cooled by"], rows, text=0)
    if not states:
        note("no steady state below 10,000 K: the helium cannot take up this heat")
    if currents:
        said = {
            "holding": "no normal zone lives below", "propagating": "normal zones shrink below",
            "critical": "free of resistance up to", "quench": "no cold state from",
        }  # fmt: skip
        print_table("currents", ["", "A"], [[said[name], f"{value:.4g}"] for name, value in currents.items()])
    told(files)


def cryo_json(
    held: CryoFile, current: float, states: Sequence[SteadyState], currents: Mapping[str, float]
) -> dict[str, Any]:
    """Return steady states with their units."""
    content: dict[str, Any] = {
        "bath": measured(held.bath.temperature, "K"),
        "current": measured(current, "A"),
        "states": [
            {
                "temperature": measured(one.temperature, "K"),
                "flux": measured(one.flux, "W m^-2"),
                "stable": one.stable,
                "regime": one.regime,
            }
            for one in states
        ],
    }
    return content | {name: measured(value, "A") for name, value in currents.items()}
