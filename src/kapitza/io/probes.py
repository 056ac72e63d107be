"""TOML files of a temperature profile by a scanning probe: the table of the scan, and the tip."""

from os import PathLike
from typing import Any

from attrs import NOTHING, frozen

from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.io import toml
from kapitza.io.text_tables import TextTable, read_table
from kapitza.io.toml import Table, TomlTable
from kapitza.measure.probes import RamanProbe, ThermalProbe

_KIND = toml.text(
    "kind", "tip of a scanning thermal microscope, or one that enhances Raman scattering", choices=("thermal", "raman")
)
THERMAL_TIP = Table(
    [
        _KIND,
        toml.uncertain("radius", "length", "radius of the tip", NOTHING),
        toml.number("ambient", "temperature", "temperature of the cantilever", None),
        toml.uncertain("response", "share", "response of the tip to the temperature of the surface"),
        toml.uncertain("response_left", "share", "response on the left side"),
        toml.uncertain("response_right", "share", "response on the right side"),
    ],
    "Tip of a scanning thermal microscope.",
    checks=(
        toml.refuse_if(
            lambda tip: "response" in tip and ("response_left" in tip or "response_right" in tip),
            "one response, or one for each side: got both",
            "response",
        ),
    ),
)
RAMAN_TIP = Table(
    [
        _KIND,
        toml.uncertain("near_field", "length", "width of the enhanced spot", NOTHING),
        toml.number("spot", "length", "width of the far field", None),
        toml.uncertain("far_share", "share", "fraction of the far field in the signal"),
    ],
    "Tip that enhances Raman scattering.",
)
PROBE = Table(
    [
        toml.table(
            "profile", Table([toml.file("file", "table of positions, temperatures and uncertainties")], "Scan."),
            NOTHING,
        ),
        toml.table(
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
    top = toml.read_toml(path)
    PROBE.check(top)
    scan, probe = top.section("profile"), top.section("probe")
    read = _read_thermal if probe.text("kind") == "thermal" else _read_raman
    return ProbeFile(profile_from_table(read_table(scan.beside("file"))), read(probe))


def profile_from_table(columns: TextTable) -> Profile:
    """Profile of a table with positions, temperatures and, where it has them, their uncertainties."""
    names = ("temperature_sigma", "sigma_temperature", "sigma")
    sigma = columns.values("temperature", *names) if any(name in columns for name in names) else None
    position = columns.increasing("length", "position", "x", "z")
    return Profile(position, columns.values("temperature", "temperature", "T"), sigma)


def _read_thermal(section: TomlTable) -> ThermalProbe:
    values = THERMAL_TIP.read(section)
    given: dict[str, Any] = {}
    given["radius"], given["radius_sigma"] = values["radius"]
    if values["ambient"] is not None:
        given["ambient"] = values["ambient"]
    sides = {side: values["response"] or values[f"response_{side}"] for side in ("left", "right")}
    if any(sides.values()):
        for side, stated in sides.items():
            response = stated or toml.read_uncertain(section, f"response_{side}", "share")
            given[f"response_{side}"], given[f"{side}_sigma"] = response
    if values["response"]:
        given["common"] = True
    return _make_probe(section, ThermalProbe, given)


def _read_raman(section: TomlTable) -> RamanProbe:
    values = RAMAN_TIP.read(section)
    given: dict[str, Any] = {}
    given["near_field"], given["near_field_sigma"] = values["near_field"]
    if values["spot"] is not None:
        given["spot"] = values["spot"]
    if values["far_share"] is not None:
        given["far_share"], given["far_share_sigma"] = values["far_share"]
    return _make_probe(section, RamanProbe, given)


def _make_probe(section: TomlTable, kind: Any, numbers: dict[str, Any]) -> Any:
    probe = section.locate("", lambda: kind(**numbers))
    section.locate("", getattr, probe, "spread")  # its widths are checked where they are used
    return probe
