"""The command `eels jump`: from a map to the jump, the Kapitza lengths and the resistance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import kapitza
from kapitza.cli.eels import options
from kapitza.cli.layer import Keys, Option
from kapitza.cli.output import Column, Note, Part, Results, Values, note, quantity_json
from kapitza.core.parameter_units import with_error
from kapitza.errors import DataError, InputError, MissingFile
from kapitza.io.quantities import parse_uncertain
from kapitza.units import MW, nm

if TYPE_CHECKING:
    from kapitza import Profile
    from kapitza.eels import AbsoluteResistance, InterfaceJump, KnownQuantity, PointSpread, TemperatureMap
    from kapitza.eels.geometry import ObliquePlane

_SIDE_NAMES = ("left", "right")
_RESISTANCE = "Absolute resistance"
_FAR_PIXELS = 2.0  # left out on both sides, from where on no probe of a pixel's width is seen
_SIGMAS_OF_EDGE = 3.0  # by which the width of the edge contradicts that of the point spread


def _parse_position(text: str) -> tuple[float, float | None]:
    at, sigma = parse_uncertain(text, "length", what="--at")
    return at, sigma if re.search(r"\+-|±", text) else None


def jump_map(
    path: options.MapFile,
    *,
    at: Annotated[
        tuple[float, float | None],
        Option(
            "position of the interface, fitted within ± a pixel: 12.4nm; or 12.4nm+-0.3nm", _parse_position,
            metavar="LENGTH",
        ),
    ],
    skip: Annotated[float, Option("excluded on both sides, 2nm", "length", "0nm")],
    reach: Annotated[float | None, Option("largest distance used on both sides, 40nm", "length")],
    across: options.Across,
    plane: Annotated[
        Literal["auto", "straight", "tilted", "curved"],
        Option("plane normal to the rows, at a fitted angle, or bent; auto: at an angle if it shows"),
    ] = "auto",
    keep: options.KeepMisfits,
    scale: Annotated[float, Option("uncertainty of the temperature scale, 0.5%", "share", "0")],
    layer: Annotated[
        float | None, Option("compare the interface with a layer of either side, 2nm", "length", above=0, high=1e-5)
    ],
    flux: Annotated[
        str | None, Option("heat flux, 3.1e9 (W/m²) or 3.1GW/m2+-0.1GW/m2", metavar="FLUX", panel=_RESISTANCE)
    ],
    conductivity_left: Annotated[
        str | None,
        Option(
            "conductivity of the lamella on the left, 60+-15 (W/mK); or a material", metavar="CONDUCTIVITY",
            panel=_RESISTANCE,
        ),
    ],
    conductivity_right: Annotated[
        str | None, Option("conductivity of the lamella on the right", metavar="CONDUCTIVITY", panel=_RESISTANCE)
    ],
    width: Annotated[
        str | None,
        Option(
            "standard deviation of the local part, 1nm+-0.2nm; as the modes show it if omitted", metavar="LENGTH",
            panel="Point spread",
        ),
    ],
    spread: Annotated[dict[str, str], Keys(kapitza.eels.PointSpread, "Point spread", "share length")],
    files: Results,
) -> None:  # fmt: skip
    """Jump at an interface, Kapitza lengths, and the resistance where a flux or a conductivity is known."""
    maps = load_maps(path, across, say_doubts=False)
    if "common" not in maps:
        raise DataError(f"holds maps by {', '.join(maps)}, none with one temperature for all modes", file=path)
    maps = _without_misfits(maps, keep)
    position, at_sigma = at
    seen: dict[str, Any] = {
        "spread": options.point_spread(spread if width is None else {"width": width, **spread}),
        "at_sigma": _pixel_pitch(maps["common"]) if at_sigma is None else at_sigma,
        "skip": skip,
        "reach": math.inf if reach is None else reach,
    }
    profile, jump, oblique = _fit_plane(maps, plane, position, seen, scale, measured=width is None)
    known = {"flux": flux, "left": conductivity_left, "right": conductivity_right}
    given = {side: _known_quantity(side, text, jump.jump.temperature) for side, text in known.items() if text}
    absolute = None
    if given:
        flow, left, right = map(given.get, known)
        absolute = kapitza.eels.absolute_resistance(jump, flux=flow, left=left, right=right)
    records = {"plane": oblique, "profile": profile, "jump": jump, "resistance": absolute}
    records = {name: record for name, record in records.items() if record is not None}

    def draw(ax: Any) -> None:
        kapitza.plot.eels.interface_jump(profile, jump, ax=ax)
        if oblique is not None:
            ax.set_xlabel("along the normal, from the plane's x (nm)")

    files.draw(draw)
    printed = _describe_jump(jump, absolute, Path(path).name, oblique, layer)
    files.report(records, printed, _derived_numbers(jump, absolute, layer))


def _fit_plane(
    maps: dict[str, TemperatureMap],
    plane: str,
    place: float,
    seen: dict[str, Any],
    scale_sigma: float,
    *,
    measured: bool,
) -> tuple[Profile, InterfaceJump, ObliquePlane | None]:
    """Profile and jump along the rows' normal, or along that of an oblique plane, which is there then."""
    seen = dict(seen)
    if plane in ("auto", "straight"):
        profile = kapitza.eels.line_profile(maps["common"])
        tilt = kapitza.eels.geometry.find_oblique_plane(maps["common"], place, **seen)
        if tilt is None or plane == "straight":
            if tilt is not None:
                _note_tilt(tilt, "--plane tilted fits the angle and takes the jump along its normal")
            else:
                seen["spread"] = _spread_of_edge(maps, place, seen, None, measured=measured)
            return profile, _fit_straight(maps, profile, place, seen, scale_sigma), None
        _note_tilt(tilt, "the jump is taken along its normal; --plane straight averages the rows")
    curved = plane == "curved"
    if seen["spread"].share > 0:
        note("both materials get the same weight where a pixel shows both, which shifts the jump: --plane straight not")
    along = {"curved": curved, "scale_sigma": scale_sigma}
    found = kapitza.eels.geometry.fit_oblique_jump(maps["common"], place, **along, **seen)
    edge = _spread_of_edge(maps, place, seen, found.plane, measured=measured)
    if edge is not seen["spread"]:
        seen["spread"] = edge
        found = kapitza.eels.geometry.fit_oblique_jump(maps["common"], place, **along, **seen)
    return found.profile, found.fit, found.plane


def _spread_of_edge(
    maps: dict[str, TemperatureMap], place: float, seen: dict[str, Any], plane: ObliquePlane | None, *, measured: bool
) -> PointSpread:
    """Point spread with the width that the modes show at the interface, where none was given; else what was given."""
    from attrs import evolve

    spread: PointSpread = seen["spread"]
    edge = kapitza.eels.geometry.edge_width(maps["common"], place, spread, plane=plane)
    if edge is None and measured and seen["skip"] < _FAR_PIXELS * _pixel_pitch(maps["common"]):
        note(
            "the modes of both sides do not show how wide the probe is (alike, or too few pixels): it is taken as a "
            "point, and a wider one makes the jump too small: --width 0.8nm+-0.1nm states it, --skip leaves the pixels "
            "next to the interface out"
        )
    if edge is None or not edge.sure:
        return spread
    change = f"the modes change over {with_error(edge.width / nm, edge.sigma / nm)} nm (standard deviation)"
    option = f"--width {edge.width / nm:.2g}nm+-{max(edge.sigma / nm, 0.01):.1g}nm"
    if measured:
        note(f"{change} at the interface, which is taken as the point spread; --width 0nm takes a point")
        return evolve(spread, width=edge.width, width_sigma=edge.sigma)
    if abs(edge.width - spread.width) > _SIGMAS_OF_EDGE * math.hypot(edge.sigma, spread.width_sigma):
        note(f"{change} at the interface, not over {spread.width / nm:.3g} nm, which shifts the jump: {option}")
    return spread


def _fit_straight(
    maps: dict[str, TemperatureMap], profile: Profile, place: float, seen: dict[str, Any], scale_sigma: float
) -> InterfaceJump:
    """Jump at a plane along the rows' normal, with a note where it fits far better at another place."""
    contrast, spread = None, seen["spread"]
    if (spread.width or spread.share) and "each" in maps:  # a pixel shows both materials at once
        contrast = kapitza.eels.side_contrast(maps["each"], place, spread)
    elif spread.width or spread.share:
        note("both materials get the same weight where a pixel shows both, which shifts the jump: fit with --tie both")
    found = kapitza.eels.fit_jump(profile, place, contrast=contrast, scale_sigma=scale_sigma, **seen)
    near = {name: seen[name] for name in ("spread", "skip", "reach")}
    if profile.sigma is not None:
        # a prior of a pixel reaches no farther than the next few: from there on the search goes on
        better = kapitza.eels.better_plane(profile, found.jump.at, contrast=contrast, **near)
        if better is not None:
            off, best = options.format_short(abs(better[0] - place) / nm), round(better[0] / nm, 3) + 0.0
            note(
                f"the interface fits far better at {best:g} nm (chi-squared lower by {better[1]:.3g}) than at "
                f"{place / nm:.4g} nm: --at {place / nm:.4g}nm+-{off}nm fits its position, too"
            )
    return found


def _pixel_pitch(found: TemperatureMap) -> float:
    import numpy as np

    return float(np.median(np.diff(found.position[-1]))) if found.position[-1].size > 1 else 0.0


def _note_tilt(plane: ObliquePlane, consequence: str) -> None:
    tilt, error = (f"{value * 180 / math.pi:.2g}" for value in (plane.tilt, plane.covariance[1, 1] ** 0.5))
    note(
        f"the interface fits {'far ' if plane.sure else ''}better at {tilt} ± {error} degrees to the rows' normal "
        f"(chi-squared lower by {plane.gain:.3g}): {consequence}"
    )


def load_maps(path: str, across: str = "x", *, say_doubts: bool = True) -> dict[str, TemperatureMap]:
    """Return the maps of a file that `eels fit` wrote, by how temperatures were tied; x is across the interface.

    A note says where the fit is in doubt, unless `say_doubts` is False.
    """
    try:
        held = kapitza.load(path)
    except MissingFile:
        raise
    except (DataError, InputError) as error:
        raise DataError(f"{error}; a map is what `kapitza eels fit SCAN --save MAP` writes") from error
    if isinstance(held, kapitza.eels.TemperatureMap):
        held = {"common" if "temperature" in held.names else "each": held}
    entries = held.items() if isinstance(held, dict) else ()
    found = {str(key): one for key, one in entries if isinstance(one, kapitza.eels.TemperatureMap)}
    if not found:
        raise DataError("holds no temperature map: write one with `kapitza eels fit SCAN --save MAP`", file=path)
    first = next(iter(found.values()))
    if say_doubts:
        verdict = kapitza.eels.diagnosis.fit_verdict(first).text
        if doubts := options.verdict_text(verdict, options.map_energy_scale(first)):
            note(f"{Path(path).name}: {doubts} (`kapitza eels fit` says why)")
    return {key: kapitza.eels.swap_axes(one) for key, one in found.items()} if across == "y" else found


def _without_misfits(maps: dict[str, TemperatureMap], keep: str | None) -> dict[str, TemperatureMap]:
    """Maps as they are, with a note where many pixels are left out as misfits; or with these, at wider errors."""
    if keep is not None:
        return {name: kapitza.eels.diagnosis.widen_misfits(one) for name, one in maps.items()}
    verdict = kapitza.eels.diagnosis.fit_verdict(maps["common"])
    if verdict.doubtful and verdict.misfits < verdict.pixels:  # without a pixel left the refusal says the same
        flagged, hint = kapitza.eels.flag_remark(maps["common"])
        note(f"left out: {flagged}" + ("" if hint is None else f"; {hint.command}"))
    elif verdict.text and not verdict.doubtful:
        note(f"the fit of the map: {verdict.text}; errors of the jump follow from those of its pixels")
    off = options.verdict_text("", options.map_energy_scale(maps["common"]))
    if off:
        note(f"the fit of the map: {off}, and temperatures with them: fit it with --calibrate modes")
    return maps


def load_mode_map(path: str, across: str = "x", expected: str = "both, each or occupation") -> TemperatureMap:
    """Return the map of a file with an occupation or a temperature for each mode."""
    maps = load_maps(path, across)
    by_mode = next((maps[key] for key in ("occupation", "each") if key in maps), None)
    if by_mode is None:
        raise DataError(f"has one temperature for all modes only: fit with --tie {expected}", file=path)
    return by_mode


def load_jump(path: str) -> InterfaceJump:
    """Return the jump of a file that `eels jump` wrote."""
    held = kapitza.load(path)
    jump = held.get("jump") if isinstance(held, dict) else held
    if not isinstance(jump, kapitza.eels.InterfaceJump):
        raise DataError("holds no jump: write one with `kapitza eels jump MAP --save FILE`", file=path)
    return jump


def _known_quantity(side: str, text: str, temperature: float) -> KnownQuantity:
    """What an option says of the flux, or of the conductivity of a side: a number, or a material for its bulk value."""
    option = "--flux" if side == "flux" else f"--conductivity-{side}"
    if side != "flux" and not re.match(r"\s*[-+.\d]", text):
        bulk = kapitza.material(text)
        return kapitza.eels.KnownQuantity(float(bulk.conductivity(temperature)[0]), bulk=True, name=bulk.name)
    value, sigma = parse_uncertain(text, "flux" if side == "flux" else "conductivity", what=option)
    if side != "flux" and value <= 0:
        raise InputError(f"{option} = {text!r:.60}: expected a conductivity above 0")
    return kapitza.eels.KnownQuantity(value, sigma, name=option)


def _derived_numbers(
    found: InterfaceJump, absolute: AbsoluteResistance | None, thickness: float | None
) -> dict[str, Any]:
    lengths = [found.kapitza_interval(side) for side in _SIDE_NAMES]
    ratio, *ends = found.conductivity_ratio()
    derived: dict[str, Any] = {
        "jump_sigma": quantity_json(found.jump.sigma, "K"),
        "jump_interval": quantity_json(found.interval(), "K", meaning="of 95 %"),
        "kapitza_lengths": quantity_json(found.jump.kapitza_lengths, "m"),
        "kapitza_intervals": quantity_json(lengths, "m", meaning="of 95 %"),
        "conductivity_ratio": quantity_json(ratio, "1", meaning="k_left/k_right of a continuous flux"),
        "conductivity_ratio_interval": quantity_json(ends, "1", meaning="of 95 %"),
        "probability": quantity_json(found.pvalue, "1", meaning="of a worse fit"),
    }
    if absolute is not None:
        derived["kapitza_resistance"] = quantity_json(absolute.resistance, "m^2 K W^-1")
    if thickness is not None:
        meaning = f"of the interface over that of {thickness / nm:g} nm of the left and of the right side"
        ratios = [found.relative_resistance_interval(side, thickness) for side in _SIDE_NAMES]
        derived["relative_resistance"] = quantity_json(found.relative_resistance(thickness), "1", meaning=meaning)
        derived["relative_resistance_interval"] = quantity_json(ratios, "1", meaning="of 95 %")
    return derived


def _describe_jump(
    found: InterfaceJump,
    absolute: AbsoluteResistance | None,
    name: str,
    plane: ObliquePlane | None,
    thickness: float | None,
) -> Iterator[Part]:
    title = f"{name}, interface at {round(found.jump.at / nm, 3) + 0.0:.4g} nm, {found.jump.temperature:.4g} K"
    if plane is not None:
        at, tilt, bend = (float(one) ** 0.5 for one in plane.covariance.diagonal())
        degree = math.pi / 180
        bent = f", curvature {with_error(plane.curvature * nm * 1e3, bend * nm * 1e3)} per µm" if bend else ""
        place = with_error(plane.at / nm, at / nm) if at else f"{plane.at / nm:.4g}"
        angle = with_error(plane.tilt / degree, tilt / degree)
        title += f"\nplane at {place} nm in the middle row, {angle} degrees to the rows' normal{bent}"
    yield Values(title, _jump_rows(found, absolute, thickness), digits=3)
    if math.isfinite(found.pvalue) and found.pvalue < 0.01:
        yield Note(
            f"the branches fit badly (probability {options.format_probability(found.pvalue)}): curved, or more "
            "structure at the interface"
        )
    if absolute is None:
        yield Note(
            "a map gives lengths and ratios; --flux or --conductivity-left/-right of the lamella gives the resistance"
        )
    elif math.isfinite(absolute.pvalue):
        word = "agree" if absolute.pvalue > 0.01 else "do not agree"
        yield f"fluxes {word} (probability {options.format_probability(absolute.pvalue)})"


def _jump_rows(found: InterfaceJump, absolute: AbsoluteResistance | None, thickness: float | None) -> Iterator[Column]:
    jump = found.jump
    yield Column("jump", [jump.jump], "K", [jump.sigma], interval=found.interval())
    gradients = (jump.gradient_left, jump.gradient_right), jump.covariance.diagonal()[1:].tolist()
    for side, length, gradient, variance in zip(_SIDE_NAMES, jump.kapitza_lengths, *gradients, strict=True):
        low, high = found.kapitza_interval(side)
        yield Column(f"gradient, {side}", [gradient * nm], "K/nm", [variance**0.5 * nm])
        yield Column(f"Kapitza length, {side}", [length / nm], "nm", interval=(low / nm, high / nm))
    ratio, low, high = found.conductivity_ratio()
    yield Column("k_left/k_right, by a continuous flux", [ratio], interval=(low, high))
    if thickness is not None:
        for side, ratio in zip(_SIDE_NAMES, found.relative_resistance(thickness), strict=True):
            ends = found.relative_resistance_interval(side, thickness)
            yield Column(f"resistance over that of {thickness / nm:g} nm, {side}", [ratio], interval=ends)
    if absolute is not None:
        value, sigma = absolute.conductance.value[0] / MW, absolute.conductance.sigma
        low, high = (end / MW for end in absolute.interval)
        errors = () if sigma is None else [float(sigma[0]) / MW]
        yield Column("conductance, extrapolated drop", [float(value)], "MW m⁻² K⁻¹", errors, interval=(low, high))
        yield Column("resistance", [absolute.resistance * 1e9], "m² K GW⁻¹")
        if math.isfinite(absolute.pvalue):
            for name, flux, error in zip(absolute.sources, absolute.fluxes, absolute.flux_sigmas, strict=True):
                yield Column(f"heat flux, {name}", [flux / 1e9], "GW m⁻²", [error / 1e9])
