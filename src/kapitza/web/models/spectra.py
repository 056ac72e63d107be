"""The view Spectra: a scan, the modes that are fitted to it, its maps, and the jump at an interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza import KapitzaError, Occupation, Profile, eels, load, save
from kapitza.core import BaseRecord
from kapitza.core.arrays import Array
from kapitza.core.parameter_units import with_error
from kapitza.eels.diagnosis import SummedResiduals, fit_verdict, summed_residuals
from kapitza.errors import DataError, InputError
from kapitza.io.eels import read_modes
from kapitza.io.quantities import quantity
from kapitza.run import Progress
from kapitza.units import meV, nm
from kapitza.web.models.toml_text import format_toml

MODE_COLUMNS = ("name", "energy", "width")
MAP_FILE = "map.h5"
ELECTRONS, MISFIT = "electrons of the pixel", "chi-squared over its expected value"
_FLAG_WORDS: Mapping[eels.PixelFlag, str] = {
    eels.PixelFlag.UNCONVERGED: "did not converge", eels.PixelFlag.DEAD: "too few electrons",
    eels.PixelFlag.SINGULAR: "no temperature", eels.PixelFlag.MISFIT: "misfit",
    eels.PixelFlag.SATURATED: "detector full", eels.PixelFlag.MISSING: "channels missing",
    eels.PixelFlag.NEGATIVE: "counts below zero", eels.PixelFlag.AT_BOUND: "a number at its limit",
}  # fmt: skip


@frozen(eq=False)
class Scan(BaseRecord):
    """Spectra of a file, before anything is fitted."""

    path: Path
    image: eels.SpectrumImage
    quality: eels.SpectrumQuality


@frozen(eq=False)
class MapChoice(BaseRecord):
    """What a map can show: a name, the unit, and (...) the values."""

    name: str
    unit: str
    values: NDArray[Any]

    @property
    def label(self) -> str:
        """Name and unit, for an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@frozen(eq=False)
class JumpSettings(BaseRecord):
    """Where an interface lies and how it is seen, m."""

    at: float
    skip: float = 0.0
    width: float = 0.0
    share: float = 0.0
    length: float = 50 * nm
    across: str = "x"


@frozen(eq=False)
class SeenJump(BaseRecord):
    """Profile across an interface, and its jump; `fault` says why there is none."""

    profile: Profile
    found: eels.InterfaceJump | None
    fault: str = ""


def open_scan(path: Path) -> Scan:
    """Read spectra and look at their quality; the errors are those of `kapitza.eels.read_eels`."""
    image = eels.read_eels(path)
    return Scan(path, image, eels.assess_spectra(image))


def open_maps(path: Path) -> dict[str, eels.TemperatureMap]:
    """Maps of a file that `kapitza eels fit --save` wrote, by how temperatures are tied.  DataError: without any."""
    held = load(path)
    if isinstance(held, eels.TemperatureMap):
        return {"common" if "temperature" in held.names else "each": held}
    entries = held.items() if isinstance(held, dict) else ()
    found = {str(key): one for key, one in entries if isinstance(one, eels.TemperatureMap)}
    if not found:
        raise DataError("holds neither spectra nor temperature maps", file=path)
    return found


def is_map_file(path: Path) -> bool:
    """Whether a file is a result of this package rather than spectra of a microscope."""
    if path.suffix.lower() in (".json", ".npz"):
        return True
    if path.suffix.lower() not in (".h5", ".hdf5"):
        return False
    try:
        load(path)
    except (KapitzaError, OSError):
        return False
    return True


def mode_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a file of modes, for a table."""
    return mode_table(read_modes(path).model.modes)


def mode_table(modes: Sequence[eels.VibrationalMode]) -> list[dict[str, str]]:
    """Rows of modes, energies in meV."""
    return [{"name": one.name, "energy": f"{one.energy / meV:g}", "width": f"{one.width / meV:g}"} for one in modes]


def modes_of_rows(rows: Sequence[Mapping[str, str]]) -> tuple[eels.VibrationalMode, ...]:
    """Modes of a table: energies and widths in meV, or with a unit of their own.  InputError: for none."""
    if not rows:
        raise InputError("no modes: give the energy and the width of one or more, or drop a file of modes (.toml)")
    found: list[eels.VibrationalMode] = []
    for i, row in enumerate(rows):
        name = row["name"].strip()
        energy, width = (_energy(row[key], f"{key} of mode {name or i + 1}") for key in ("energy", "width"))
        found.append(eels.VibrationalMode(name, energy, width))
    return tuple(eels.SpectrumModel(found).modes)


def _energy(text: str, what: str) -> float:
    """An energy in meV, or with its unit, J."""
    try:
        return float(text) * meV
    except ValueError:
        return quantity(text.strip(), "energy", what=what)


def fit_scan(path: Path, modes: tuple[eels.VibrationalMode, ...], target: Path, *, progress: Progress) -> Path:
    """Fit a scan with one temperature, and with one for each of several modes; the maps go to a file, as of `eels fit`.

    `progress` counts the blocks of pixels of all fits together.
    """
    image = eels.read_eels(path)
    ties: tuple[eels.TieChoice, ...] = ("common", "each") if len(modes) > 1 else ("common",)
    maps: dict[str, eels.TemperatureMap] = {}
    for i, tie in enumerate(ties):

        def report(done: int, total: int, before: int = i) -> None:
            progress(before * total + done, len(ties) * total)

        maps[tie] = eels.fit_spectra(image, eels.SpectrumModel(modes, tie=tie), progress=report)
    return save(maps, target)


def map_choices(scan: Scan | None, maps: Mapping[str, eels.TemperatureMap]) -> list[MapChoice]:
    """What can be drawn: temperatures and their uncertainties, the misfit, the electrons of each pixel."""
    found: list[MapChoice] = []
    for one in maps.values():
        usable = (one.flag & eels.UNUSABLE_OR_MISFIT) == 0
        for name in filter(_is_temperature, one.names):
            shown, words = usable & one.is_determined(name), name.replace(".", ", ")
            found.append(MapChoice(words, "K", np.where(shown, one.parameter(name), np.nan)))
            sigma = np.where(shown, one.parameter_sigma(name), np.nan)
            found.append(MapChoice(f"uncertainty of {words}", "K", sigma))
    if "common" in maps:
        found.append(MapChoice(MISFIT, "", maps["common"].dispersion))
    if scan is not None:
        found.append(MapChoice(ELECTRONS, "", scan.quality.electrons))
    return found


def _is_temperature(name: str) -> bool:
    return name.endswith("temperature")


def map_axes(scan: Scan | None, maps: Mapping[str, eels.TemperatureMap]) -> tuple[Array, ...]:
    """Axes of position, m: none for a single spectrum, x of a line, (y, x) of a map."""
    return next(iter(maps.values())).position if maps else () if scan is None else scan.image.position


def nearest_pixel(axes: tuple[Array, ...], place: Sequence[float]) -> tuple[int, ...]:
    """Pixel nearest to a place, m, (y, x) of a map and (x,) of a line."""
    return tuple(int(np.argmin(np.abs(axis - at))) for axis, at in zip(axes, place, strict=True))


def pixel_spectrum(
    scan: Scan, maps: Mapping[str, eels.TemperatureMap], modes: tuple[eels.VibrationalMode, ...], pixel: tuple[int, ...]
) -> SummedResiduals | None:
    """Counts of one pixel beside what was fitted to it; None where no fit is or none can be used."""
    if "common" not in maps or maps["common"].shape != scan.image.shape or len(maps["common"].modes) != len(modes):
        return None
    where = np.zeros(scan.image.shape, dtype=bool)
    where[pixel] = True
    try:
        return summed_residuals(scan.image, maps["common"], eels.SpectrumModel(modes), where=where)
    except InputError:
        return None


def pixel_counts(scan: Scan, pixel: tuple[int, ...]) -> tuple[Array, Array]:
    """(n,) energies, J, and (n,) electrons of one pixel as recorded."""
    flat = int(np.ravel_multi_index(pixel, scan.image.shape)) if pixel else 0
    return scan.image.energy, scan.image.block(flat, flat + 1)[0]


def pixel_text(maps: Mapping[str, eels.TemperatureMap], axes: tuple[Array, ...], pixel: tuple[int, ...]) -> str:
    """Place, temperatures and flags of a pixel in one line."""
    letters = ("y", "x")[2 - len(axes) :]
    places = zip(letters, axes, pixel, strict=True)
    where = ", ".join(f"{letter} = {axis[i] / nm:.4g} nm" for letter, axis, i in places) or "single spectrum"
    parts = [where]
    for one in maps.values():
        for name in filter(_is_temperature, one.names):
            known = bool(one.is_determined(name)[pixel])
            value, sigma = one.parameter(name)[pixel], one.parameter_sigma(name)[pixel]
            words = name.removesuffix(".temperature") if "." in name else "T"
            parts.append(f"{words} {value:.1f} ± {sigma:.1f} K" if known else f"{words} not determined")
    if "common" in maps:
        flag = int(maps["common"].flag[pixel])
        parts += [words for bit, words in _FLAG_WORDS.items() if flag & int(bit)]
    return "; ".join(parts)


def across(maps: Mapping[str, eels.TemperatureMap], letter: str) -> dict[str, eels.TemperatureMap]:
    """Maps whose x crosses the interface."""
    return {name: eels.swap_axes(one) for name, one in maps.items()} if letter == "y" else dict(maps)


def see_jump(maps: Mapping[str, eels.TemperatureMap], settings: JumpSettings) -> SeenJump:
    """Profile across the interface, rows averaged, and the jump at a place.

    InputError: without a fit with one temperature for all modes, or without positions.
    """
    if "common" not in maps:
        raise InputError("the file has no fit with one temperature for all modes: fit with --tie both or common")
    if not maps["common"].position:
        raise InputError("a single spectrum has no profile")
    seen_maps = across(maps, settings.across)
    profile = eels.line_profile(seen_maps["common"])
    spread = eels.PointSpread(settings.width, settings.share, settings.length)
    try:
        seen = (settings.width > 0 or settings.share > 0) and "each" in seen_maps
        contrast = eels.side_contrast(seen_maps["each"], settings.at, spread) if seen else None
        found = eels.fit_jump(profile, settings.at, spread, contrast=contrast, skip=settings.skip)
    except KapitzaError as err:
        return SeenJump(profile, None, str(err))
    return SeenJump(profile, found)


def jump_rows(found: eels.InterfaceJump) -> list[dict[str, str]]:
    """What a jump says, a row each."""
    jump = found.jump
    (low, high), (ratio, *ends) = found.interval(), found.conductivity_ratio()
    rows = [("jump", f"{with_error(jump.jump, jump.sigma)} K", f"{low:.3g} to {high:.3g} K")]
    gradients = jump.gradient_left, jump.gradient_right
    for side, length, gradient in zip(("left", "right"), jump.kapitza_lengths, gradients, strict=True):
        low, high = (end / nm for end in found.kapitza_interval(side))
        rows.append((f"gradient {side}", f"{gradient * nm:.3g} K/nm", ""))
        rows.append((f"Kapitza length {side}", f"{length / nm:.3g} nm", f"{low:.3g} to {high:.3g} nm"))
    rows.append(("k left / k right of a continuous flux", f"{ratio:.3g}", f"{ends[0]:.3g} to {ends[1]:.3g}"))
    return [dict(zip(("what", "value", "interval"), row, strict=True)) for row in rows]


def occupations(maps: Mapping[str, eels.TemperatureMap], letter: str = "x") -> Occupation | None:
    """Occupation of each mode against position; None without a fit with a temperature for each."""
    found = next((maps[name] for name in ("occupation", "each") if name in maps), None)
    if found is None or not found.position:
        return None
    return eels.mode_occupations(across({"each": found}, letter)["each"])


def verdict_lines(maps: Mapping[str, eels.TemperatureMap]) -> list[str]:
    """What is to be said of a map: good pixels, misfits, equilibrium of the modes."""
    lines: list[str] = []
    for name, one in maps.items():
        verdict = fit_verdict(one)
        what = {"common": "one temperature", "each": "a temperature for each mode"}.get(name, name)
        lines.append(
            f"{what}: {verdict.pixels} of {one.good.size} pixels, {verdict.text or 'nothing speaks against it'}"
        )
    if "common" in maps and "each" in maps:
        test = eels.departure_test(maps["common"], maps["each"])
        if np.isfinite(test.statistic).any():
            number, tested = int(test.significant.sum()), int(np.isfinite(test.pvalue).sum())
            lines.append(
                f"modes out of equilibrium in {number} of {tested} pixels; all together: probability "
                f"{test.combined_pvalue():.2g}"
            )
    return lines


def scan_lines(scan: Scan) -> list[str]:
    """What is in a scan, and what stands against a temperature from it."""
    dose = np.sort(scan.quality.electrons.ravel())
    facts = (
        f"{dose[dose.size // 2]:.3g} electrons per pixel, zero-loss peak {scan.quality.resolution / meV:.3g} meV wide, "
        f"gain side to {scan.quality.gain / meV:.3g} meV"
    )
    return [scan.image.title, facts, *scan.quality.warnings]


def spectra_texts(name: str, rows: Sequence[Mapping[str, str]], settings: JumpSettings | None) -> dict[str, str]:
    """What is on the screen as Python, TOML (the modes) and command line."""
    modes = modes_of_rows(rows) if rows else ()
    energies = [(one.name, f"{one.energy / meV:g}", f"{one.width / meV:g}") for one in modes]
    table = {"mode": [{"name": one, "energy": f"{at} meV", "width": f"{wide} meV"} for one, at, wide in energies]}
    python = [
        "import kapitza",
        "from kapitza.units import meV, nm",
        "",
        f'scan = kapitza.eels.read_eels("{name}")',
        "modes = [",
        *(f'    kapitza.eels.VibrationalMode("{one}", {at} * meV, {wide} * meV),' for one, at, wide in energies),
        "]",
        'maps = {tie: kapitza.eels.fit_spectra(scan, modes, tie=tie) for tie in ("common", "each")}',
    ]
    command = [f"kapitza eels fit {name} --modes modes.toml --save {MAP_FILE}"]
    if settings is not None:
        python += _jump_python(settings)
        command.append(_jump_command(settings))
    command.append(f"kapitza eels modes {MAP_FILE}")
    return {"Python": "\n".join(python) + "\n", "TOML": format_toml(table), "Command line": "\n".join(command) + "\n"}


def _jump_python(settings: JumpSettings) -> list[str]:
    sizes = (settings.at, settings.width, settings.length, settings.skip)
    at, width, length, skip = (f"{size / nm:g} * nm" for size in sizes)
    lines: list[str] = []
    if settings.across == "y":
        lines.append("maps = {tie: kapitza.eels.swap_axes(one) for tie, one in maps.items()}")
    lines.append('profile = kapitza.eels.line_profile(maps["common"])')
    lines.append(f"spread = kapitza.eels.PointSpread({width}, {settings.share:g}, {length})")
    contrast = ""
    if settings.width > 0 or settings.share > 0:
        lines.append(f'contrast = kapitza.eels.side_contrast(maps["each"], {at}, spread)')
        contrast = ", contrast=contrast"
    lines.append(f"found = kapitza.eels.fit_jump(profile, {at}, spread{contrast}, skip={skip})")
    lines.append("print(found.jump.jump, found.jump.sigma, found.jump.kapitza_lengths)  # K, K, m")
    return lines


def _jump_command(settings: JumpSettings) -> str:
    parts = [f"kapitza eels jump {MAP_FILE} --at={settings.at / nm:g}nm"]
    if settings.skip:
        parts.append(f"--skip {settings.skip / nm:g}nm")
    if settings.width or settings.share:
        parts.append(
            f"--width {settings.width / nm:g}nm --share {settings.share:g} --length {settings.length / nm:g}nm"
        )
    if settings.across == "y":
        parts.append("--across y")
    return " ".join(parts)


def profile_table(seen: SeenJump) -> str:
    """Profile as CSV, SI."""
    sigma = seen.profile.sigma
    if sigma is None and seen.profile.covariance is not None:
        sigma = np.sqrt(np.diag(seen.profile.covariance))
    errors = np.full(seen.profile.position.size, np.nan) if sigma is None else sigma
    rows = zip(seen.profile.position, seen.profile.temperature, errors, strict=True)
    lines = [f"{x:.8g},{t:.8g},{s:.4g}" for x, t, s in rows]
    return "\n".join(["position (m),temperature (K),sigma (K)", *lines]) + "\n"
