"""TOML files of a temperature profile by a scanning probe: the table of the scan, and the tip."""

from os import PathLike
from typing import Any

from attrs import frozen

from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.io.quantities import parse_uncertain
from kapitza.io.text_tables import TextTable, read_table
from kapitza.io.toml import TomlTable, read_toml
from kapitza.measure.probes import RamanProbe, ThermalProbe

_THERMAL_KEYS = ("kind", "radius", "ambient", "response", "response_left", "response_right")
_RAMAN_KEYS = ("kind", "near_field", "spot", "far_share")


@frozen(eq=False)
class ProbeFile(BaseRecord):
    """What a file of a scanned profile says."""

    profile: Profile  # as the tip reads it
    probe: ThermalProbe | RamanProbe


def read_probe_profile(path: str | PathLike[str]) -> ProbeFile:
    """Read a profile, `[profile] file = "scan.csv"`, and the `[probe]` that recorded it.

    Raises
    ------
    DataError
        for unknown keys, a table without positions or temperatures, numbers of another unit
    """
    top = read_toml(path)
    top.check_keys(("profile", "probe"))
    scan, probe = top.section("profile"), top.section("probe")
    scan.check_keys(("file",))
    kind = probe.text("kind", choices=("thermal", "raman"))
    return ProbeFile(
        profile_from_table(read_table(scan.beside("file"))),
        _read_thermal(probe) if kind == "thermal" else _read_raman(probe),
    )


def profile_from_table(columns: TextTable) -> Profile:
    """Profile of a table with positions, temperatures and, where it has them, their uncertainties."""
    names = ("temperature_sigma", "sigma_temperature", "sigma")
    sigma = columns.values("temperature", *names) if any(name in columns for name in names) else None
    position = columns.increasing("length", "position", "x", "z")
    return Profile(position, columns.values("temperature", "temperature", "T"), sigma)


def _read_thermal(section: TomlTable) -> ThermalProbe:
    """Tip of a scanning thermal microscope."""
    section.check_keys(_THERMAL_KEYS)
    numbers: dict[str, Any] = {}
    numbers["radius"], numbers["radius_sigma"] = _uncertain_value(section, "radius", "length")
    if "ambient" in section:
        numbers["ambient"] = section.number("ambient", "temperature")
    if "response" in section:
        if "response_left" in section or "response_right" in section:
            raise section.fault("one response, or one for each side: got both", "response")
        both = _uncertain_value(section, "response", "share")
        numbers |= {"response_left": both[0], "response_right": both[0], "left_sigma": both[1], "right_sigma": both[1]}
        numbers["common"] = True
    elif "response_left" in section or "response_right" in section:
        for side in ("left", "right"):
            value, sigma = _uncertain_value(section, f"response_{side}", "share")
            numbers |= {f"response_{side}": value, f"{side}_sigma": sigma}
    return _make_probe(section, ThermalProbe, numbers)


def _read_raman(section: TomlTable) -> RamanProbe:
    """Tip that enhances Raman scattering."""
    section.check_keys(_RAMAN_KEYS)
    numbers: dict[str, Any] = {}
    numbers["near_field"], numbers["near_field_sigma"] = _uncertain_value(section, "near_field", "length")
    if "spot" in section:
        numbers["spot"] = section.number("spot", "length")
    if "far_share" in section:
        numbers["far_share"], numbers["far_share_sigma"] = _uncertain_value(section, "far_share", "share")
    return _make_probe(section, RamanProbe, numbers)


def _make_probe(section: TomlTable, kind: Any, numbers: dict[str, Any]) -> Any:
    """Tip of these numbers; a fault is that of its table."""
    try:
        probe = kind(**numbers)
        probe.spread  # noqa: B018  its widths are checked where they are used
    except InputError as err:
        raise section.fault(str(err)) from err
    return probe


def _uncertain_value(section: TomlTable, key: str, kind: str) -> tuple[float, float]:
    """Number of a key and its uncertainty, as in "12 nm +- 2 nm", SI."""
    given = section.table.get(key)
    if not isinstance(given, str):
        return section.number(key, kind), 0.0
    try:
        return parse_uncertain(given, kind, what="value")
    except InputError as err:
        raise section.fault(str(err), key) from err
