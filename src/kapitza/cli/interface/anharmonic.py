"""What `agf --anharmonic` reports: a junction whose phonons are scattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import kapitza
from kapitza.cli.tables import Column
from kapitza.errors import InputError
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza import Junction
    from kapitza.lattice import Lead
    from kapitza.theory.agf import AnyRate, ProbedJunction, ProbeSettings

_EXPECTED = "library, two conductivities in W/mK such as 148,60, files of lifetimes left,right, or one of md lifetimes"


def probed_junctions(
    junction: Junction,
    kelvin: Sequence[float],
    source: tuple[str, bool],
    settings: ProbeSettings,
    work: Mapping[str, Any],
) -> list[ProbedJunction]:
    """Return a junction with probes at each temperature; `source` says how phonons are scattered, and if by branch."""
    text, by_branch = source
    parts = [part.strip() for part in text.split(",")]
    if parts == ["library"] or (len(parts) == 1 and Path(text).exists()):
        parts *= 2
    if len(parts) != 2 or not all(parts):
        raise InputError(f"--anharmonic {text!r:.60}: expected {_EXPECTED}")
    pairs: list[tuple[Literal["left", "right"], Lead, str]] = [
        ("left", junction.left, parts[0]),
        ("right", junction.right, parts[1]),
    ]
    if by_branch and not all(Path(part).exists() for part in parts):
        raise InputError(f"--branches with --anharmonic {text!r:.60}: expected two files of phono3py, left,right")
    # all rates before the first long run, so that a missing number is said at once
    rates = [tuple(_rate(*one, at, settings, by_branch=by_branch) for one in pairs) for at in kelvin]
    return [
        kapitza.theory.agf.anharmonic_conductance(junction, (pair[0], pair[1]), at, settings=settings, **work)
        for at, pair in zip(kelvin, rates, strict=True)
    ]


def _rate(
    side: Literal["left", "right"], lead: Lead, text: str, kelvin: float, settings: ProbeSettings, *, by_branch: bool
) -> AnyRate:
    """Return the scattering rate of one side from a file, a conductivity or the library."""
    if by_branch:
        return kapitza.io.read_branch_rates(text, temperature=kelvin)
    if Path(text).exists():
        return kapitza.io.read_relaxation_rate(text, temperature=kelvin, side=side)
    if text == "library":
        known = kapitza.phonons.lattice_conductivity(lead.name, kelvin) if lead.name in kapitza.materials() else None
        if known is None:
            raise InputError(
                f"--anharmonic library: no conductivity of {lead.name!r:.40} at {kelvin:g} K is in the library; "
                "give two in W/mK, such as 148,60, or files of lifetimes"
            )
        conductivity = known.value
    else:
        try:
            conductivity = float(text.removesuffix("W/mK").strip())
        except ValueError:
            raise InputError(f"--anharmonic: {text!r:.60} is no file and no number; expected {_EXPECTED}") from None
    return kapitza.theory.agf.rate_for_conductivity(lead, conductivity, kelvin, statistics=settings.statistics)


def probe_columns(found: Sequence[ProbedJunction]) -> list[Column]:
    """Return the table of junctions with probes, a row for each temperature."""
    return [
        Column("at", [f"{one.temperature:g} K" for one in found]),
        Column("harmonic", [float(one.harmonic.value[0]) / MW for one in found]),
        Column("four-probe", [float(one.four_probe.value[0]) / MW for one in found]),
        Column("with scattering", [float(one.conductance.value[0]) / MW for one in found]),
        Column("κ left", [float(one.conductivity[0]) for one in found], "W m⁻¹ K⁻¹"),
        Column("κ right", [float(one.conductivity[1]) for one in found]),
    ]


def probe_remark(found: Sequence[ProbedJunction]) -> str:
    """Return what the numbers stand for."""
    return (
        f"sides of {found[0].side / nm:.3g} nm, between which phonons may not equilibrate: more --layers show it; κ is "
        "that of the slopes within them; no error is known of what is left out"
    )


def draw_probes(found: Sequence[ProbedJunction]) -> Any:
    """Return the function that draws them."""
    return partial(kapitza.plot.probes_figure, list(found))
