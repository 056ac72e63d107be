"""TOML files of a temperature profile by a scanning probe: the table of the scan, and the tip."""

from os import PathLike
from typing import Any

from attrs import NOTHING, frozen

from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.io.text_tables import TextTable, read_table
from kapitza.io.toml import Table, TomlTable, file, number, read_toml, table, text, uncertain, uncertain_value
from kapitza.measure.probes import RamanProbe, ThermalProbe


def _check_response(section: TomlTable) -> None:
    """Refuse one response of both sides beside those of each."""
    if "response" in section and ("response_left" in section or "response_right" in section):
        raise section.fault("one response, or one for each side: got both", "response")


_KIND = text(
    "kind", "tip of a scanning thermal microscope, or one that enhances Raman scattering", choices=("thermal", "raman")
)
THERMAL_TIP = Table(
    [
        _KIND,
        uncertain("radius", "length", "radius of the tip", NOTHING),
        number("ambient", "temperature", "temperature of the cantilever", None),
        uncertain("response", "share", "response of the tip to the temperature of the surface"),
        uncertain("response_left", "share", "response on the left side"),
        uncertain("response_right", "share", "response on the right side"),
    ],
    "Tip of a scanning thermal microscope.",
    checks=(_check_response,),
)
RAMAN_TIP = Table(
    [
        _KIND,
        uncertain("near_field", "length", "width of the enhanced spot", NOTHING),
        number("spot", "length", "width of the far field", None),
        uncertain("far_share", "share", "fraction of the far field in the signal"),
    ],
    "Tip that enhances Raman scattering.",
)
PROBE = Table(
    [
        table("profile", Table([file("file", "table of positions, temperatures and uncertainties")], "Scan."), NOTHING),
        table(
            "probe", {"thermal": THERMAL_TIP, "raman": RAMAN_TIP}, NOTHING,
            choose=lambda tip: tip.text("kind", choices=("thermal", "raman")),
        ),
    ]
)  # fmt: skip


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
    PROBE.check(top)
    scan, probe = top.section("profile"), top.section("probe")
    thermal = probe.text("kind") == "thermal"
    return ProbeFile(
        profile_from_table(read_table(scan.beside("file"))), _read_thermal(probe) if thermal else _read_raman(probe)
    )


def profile_from_table(columns: TextTable) -> Profile:
    """Profile of a table with positions, temperatures and, where it has them, their uncertainties."""
    names = ("temperature_sigma", "sigma_temperature", "sigma")
    sigma = columns.values("temperature", *names) if any(name in columns for name in names) else None
    position = columns.increasing("length", "position", "x", "z")
    return Profile(position, columns.values("temperature", "temperature", "T"), sigma)


def _read_thermal(section: TomlTable) -> ThermalProbe:
    """Tip of a scanning thermal microscope."""
    values = THERMAL_TIP.read(section)
    given: dict[str, Any] = {}
    given["radius"], given["radius_sigma"] = values["radius"]
    if values["ambient"] is not None:
        given["ambient"] = values["ambient"]
    common = values["response"]
    both = {side: common or values[f"response_{side}"] for side in ("left", "right")}
    if any(both.values()):
        for side, stated in both.items():
            response = stated or uncertain_value("share", section, f"response_{side}")
            given[f"response_{side}"], given[f"{side}_sigma"] = response
    if common:
        given["common"] = True
    return _make_probe(section, ThermalProbe, given)


def _read_raman(section: TomlTable) -> RamanProbe:
    """Tip that enhances Raman scattering."""
    values = RAMAN_TIP.read(section)
    given: dict[str, Any] = {}
    given["near_field"], given["near_field_sigma"] = values["near_field"]
    if values["spot"] is not None:
        given["spot"] = values["spot"]
    if values["far_share"] is not None:
        given["far_share"], given["far_share_sigma"] = values["far_share"]
    return _make_probe(section, RamanProbe, given)


def _make_probe(section: TomlTable, kind: Any, numbers: dict[str, Any]) -> Any:
    """Tip of these numbers; a fault is that of its table."""
    try:
        probe = kind(**numbers)
        probe.spread  # noqa: B018  its widths are checked where they are used
    except InputError as err:
        raise section.fault(str(err)) from err
    return probe
