"""Everything that is wrong with the file of a run of molecular dynamics, at once and before anything is computed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from attrs import evolve

from kapitza.io.toml import TomlTable, raise_all
from kapitza.simulate.md.engine import THERMOSTAT_KINDS
from kapitza.simulate.md.observers.sampling import SEGMENT_LENGTH
from kapitza.units import fs, ps

Check = Callable[[], object]

SAMPLING_STEPS = 10  # steps between two samples of the temperatures and of the plane
MIN_BLOCKS = 5
_MAX_TIMESTEP = 100 * fs


def check_run_file(
    top: TomlTable,
    known: Mapping[str, Iterable[str]],
    renamed: Mapping[str, str],
    more: Iterable[Check] = (),
    *,
    gradient: bool,
) -> None:
    """Refuse in one error all keys that mean nothing, and all numbers and names out of their bounds.

    Parameters
    ----------
    top : the file
    known : keys of its tables, by the name of the table; those of the file by ""
    renamed : new names of keys that have changed theirs
    more : checks of names that are looked up elsewhere
    gradient : whether heat is to flow
    """
    tables = {name: top.section(name) if name else top for name in known}
    checks: list[Check] = []
    for name, keys in known.items():
        checks += [partial(one.check_keys, tuple(keys), renamed) for one in _single_keys(tables[name])]
    raise_all([*checks, *more, *_thermostat_checks(top), *_time_checks(top, gradient=gradient), *_system_checks(top)])


def _single_keys(table: TomlTable) -> Iterator[TomlTable]:
    """The table with one key at a time, so that each is judged by itself."""
    for key, value in table.table.items():
        yield evolve(table, table={key: value})


def _number_above(
    section: TomlTable, key: str, kind: str, default: float | None = None, *, zero: bool = False
) -> float:
    """A number above 0, or also 0."""
    value = section.number(key, kind, default)
    if not (value > 0 or (zero and value == 0)):
        raise section.fault(f"{section.table[key]!r:.60}, wanted {'0 or more' if zero else 'above 0'}", key)
    return value


def _thermostat_checks(top: TomlTable) -> list[Check]:
    """Temperatures and thermostats."""
    section = top.section("thermostats")

    def check_temperatures() -> None:
        mean = top.number("temperature", "temperature")
        if not mean > 0:
            raise top.fault(f"{mean:g} K, wanted above 0 K", "temperature")
        difference = top.number("difference", "temperature", 0.0)
        if not abs(difference) < 2 * mean:
            raise top.fault(f"{difference:g} K around {mean:g} K leaves a thermostat at 0 K or below", "difference")

    def check_needs() -> None:
        kind = section.text("kind", "langevin", choices=THERMOSTAT_KINDS)
        if kind == "exchange" and not section.number("power", "power", 0.0):
            raise section.fault("is missing or 0; thermostats of kind 'exchange' give and take it", "power")
        if kind == "swap":
            section.count("period", 0, low=1)

    return [
        check_temperatures, check_needs,
        lambda: _check_damping(top),
        lambda: section.number("power", "power", 0.0),
        lambda: section.count("period", 0),
    ]  # fmt: skip


def _check_damping(top: TomlTable) -> None:
    """Refuse a damping that steps do not resolve, where thermostats have one."""
    section = top.section("thermostats")
    damping = _number_above(section, "damping", "time", ps)
    if "damping" not in section or section.text("kind", "langevin", choices=THERMOSTAT_KINDS) != "langevin":
        return
    least = 2 * _timestep(top.section("run"))
    if damping < least:
        raise section.fault(
            f"{damping / fs:.3g} fs, wanted at least twice the timestep, {least / fs:.3g} fs", "damping"
        )


def _time_checks(top: TomlTable, *, gradient: bool) -> list[Check]:
    """Timestep, times, blocks and samples, each by itself and, where these make sense, together."""
    run, spectrum, modes = (top.section(name) for name in ("run", "spectrum", "modes"))
    return [
        lambda: _timestep(run),
        lambda: _number_above(run, "time", "time"),
        lambda: _number_above(run, "equilibration", "time", 0.0, zero=True),
        lambda: run.count("blocks", 40, low=MIN_BLOCKS),
        lambda: run.count("replicas", 1, low=1),
        lambda: run.count("seed", 1),
        lambda: spectrum.count("segment", 512),
        lambda: _number_above(spectrum, "interval", "time", ps),
        lambda: modes.count("planes", 6),
        lambda: _number_above(modes, "reference", "time", 0.0, zero=True),
        lambda: modes.flag("interface"),
        lambda: _check_blocks(run),
        *([lambda: _check_difference(top)] if gradient else []),
        *([lambda: _check_segment(top, run, "time"), lambda: _check_segment(top, modes, "reference")] * gradient),
    ]


def _timestep(run: TomlTable) -> float:
    """Timestep, s."""
    value = run.number("timestep", "time", 1 * fs)
    if not 0 < value < _MAX_TIMESTEP:
        raise run.fault(f"{value / fs:.3g} fs, wanted above 0 and below 100 fs", "timestep")
    return value


def _check_blocks(run: TomlTable) -> None:
    """Refuse a time that is too short for its blocks."""
    timestep, total = _timestep(run), _number_above(run, "time", "time")
    blocks = run.count("blocks", 40, low=MIN_BLOCKS)
    least = blocks * SAMPLING_STEPS * timestep
    if not total > 0.5 * least:
        short = (
            f"{total / ps:.4g} ps in {blocks} blocks leave less than {SAMPLING_STEPS} steps of {timestep / fs:.3g} fs"
        )
        raise run.fault(f"{short} to each: take longer, {least / ps:.4g} ps, or fewer blocks", "time")


def _check_difference(top: TomlTable) -> None:
    """Refuse thermostats between which no heat flows."""
    difference = top.number("difference", "temperature", 0.0)
    if not (difference > 0 or top.section("thermostats").number("power", "power", 0.0) > 0):
        raise top.fault(f"{difference:g} K, wanted above 0 K: the hot thermostat is on the left", "difference")


def _check_segment(top: TomlTable, section: TomlTable, key: str) -> None:
    """Refuse a time that is shorter than a segment of the spectra that it is to have."""
    spectrum, run = top.section("spectrum"), top.section("run")
    segment, interval = (
        spectrum.count("segment", 512),
        _number_above(spectrum, "interval", "time", SAMPLING_STEPS * _timestep(run)),
    )
    if not segment and not top.section("modes").count("planes", 6):
        return
    samples, time = segment or SEGMENT_LENGTH, section.number(key, "time", 0.0)
    if 0 < time < (samples - 0.5) * interval:
        raise section.fault(
            f"{time / ps:.4g} ps ends after {round(time / interval)} samples, a segment of its spectra takes "
            f"{samples}: take longer, {samples * interval / ps:.4g} ps, or a smaller [spectrum] segment",
            key,
        )


def _system_checks(top: TomlTable) -> list[Check]:
    """Sizes of the atoms' system."""
    table = top.section("system")
    if "crystal" in table:
        return [
            lambda: _number_above(table, "ratio", "share"),
            *(partial(_check_counts, table, key) for key in ("cells", "length")),
            lambda: table.count("thermostat", 4, low=1),
            lambda: table.count("wall", 1),
            lambda: (
                table.table.get("lattice_constant") in (None, "expanded")
                or _number_above(table, "lattice_constant", "length")
            ),
        ]
    return [
        lambda: _number_above(table, "width", "length", 1e-9),
        lambda: _number_above(table, "thermostat", "length", 1e-9),
        lambda: _number_above(table, "wall", "length", 0.0, zero=True),
        lambda: table.text("strain", "right", choices=("right", "left", "both")),
    ]


def _check_counts(table: TomlTable, key: str) -> None:
    """Refuse what is not a whole number above 0, or two of them."""
    value = table.table.get(key, 1)
    for one in value if isinstance(value, list) else [value]:
        if type(one) is not int or one < 1:
            raise table.fault(f"expected whole numbers above 0, got {one!r:.60}", key)
