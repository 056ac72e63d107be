"""TOML files of the verbs for electron spectra: which modes a spectrum has, and what scan is planned."""

from os import PathLike
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, InputError
from kapitza.io.results import load
from kapitza.io.toml import TomlTable, read_toml
from kapitza.measure.eels.design import DESIGN_TARGETS
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.interface_modes import InterfaceMode
from kapitza.measure.eels.model import TIE_CHOICES, ZERO_LOSS_SHAPES, SpectrumModel, TieChoice, VibrationalMode
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import e, meV, nm

_MAX_CHANNELS = 2**20


@frozen(eq=False)
class ModesFile(BaseRecord):
    """What a file of modes says."""

    model: SpectrumModel  # for the fit
    interface: tuple[InterfaceMode, ...]  # modes that only the interface has


@frozen(eq=False)
class EelsExperimentFile(BaseRecord):
    """What a file of a planned scan says."""

    experiment: EelsExperiment
    targets: dict[str, float]
    source: Profile | Occupation | None = None


def read_modes(path: str | PathLike[str], *, tie: TieChoice = "common") -> ModesFile:
    """Read which modes a spectrum has; a file may say how their temperatures are tied where `tie` is "common"."""
    top = read_toml(path)
    top.check_keys(("shape", "background", "tie", "mode", "interface"))
    shape: Any = top.text("shape", "pseudo-voigt", choices=[one for one in ZERO_LOSS_SHAPES if one != "reference"])
    chosen: Any = top.text("tie", tie, choices=TIE_CHOICES) if tie == "common" else tie
    modes = [_read_mode(section, ("intensity",)) for section in top.sections("mode")]
    interface = [_read_interface_mode(section) for section in top.sections("interface")]
    try:
        model = SpectrumModel(modes, shape, tie=chosen, background=top.count("background", 0, high=_MAX_CHANNELS))
    except InputError as err:
        raise top.fault(str(err)) from err
    return ModesFile(model, tuple(interface))


def _read_mode(section: TomlTable, intensities: tuple[str, ...]) -> VibrationalMode:
    """Mode of a table [[mode]]; the first of the keys for its intensity that is there counts."""
    section.check_keys(("name", "energy", "width", "intensity", "left", "right"))
    found = next((key for key in intensities if key in section), None)
    try:
        return VibrationalMode(
            section.text("name"),
            section.number("energy", "energy"),
            section.number("width", "energy"),
            None if found is None else section.number(found, "share"),
        )
    except InputError as err:
        raise section.fault(str(err)) from err


def _read_interface_mode(section: TomlTable) -> InterfaceMode:
    """Mode of a table [[interface]]."""
    section.check_keys(("name", "energy", "fwhm"))
    try:
        return InterfaceMode(section.text("name"), section.number("energy", "energy"), section.number("fwhm", "energy"))
    except InputError as err:
        raise section.fault(str(err)) from err


def read_eels_experiment(path: str | PathLike[str]) -> EelsExperimentFile:
    """Read the plan of a scan: beam, spectrometer, scan, point spread, sample, modes, and wanted uncertainties."""
    top = read_toml(path)
    top.check_keys(("beam", "spectrometer", "scan", "spread", "sample", "mode", "wanted"))
    spectrometer = top.section("spectrometer")
    spectrometer.check_keys(
        ("resolution", "tail", "channels", "start", "step", "dark", "dark_sigma", "drift", "electrons_per_count")
    )
    wanted = top.section("wanted")
    wanted.check_keys(DESIGN_TARGETS)
    return EelsExperimentFile(
        _experiment_from_tables(top, spectrometer),
        {key: wanted.number(key, "temperature" if key == "jump" else "length") for key in wanted.table},
        _read_saved_source(top.section("sample")),
    )


def _read_saved_source(sample: TomlTable) -> Profile | Occupation | None:
    """Saved profile or occupations that a plan names in place of branches."""
    if "source" not in sample:
        return None
    path = sample.beside("source")
    found = load(path)
    if not isinstance(found, (Profile, Occupation)):
        raise sample.fault(f"{path.name} holds {type(found).__name__}, expected a Profile or an Occupation", "source")
    return found


def _experiment_from_tables(top: TomlTable, spectrometer: TomlTable) -> EelsExperiment:
    """Plan of a file."""
    beam, scan, sample = top.section("beam"), top.section("scan"), top.section("sample")
    beam.check_keys(("current", "dwell"))
    scan.check_keys(("columns", "rows", "pitch", "skip"))
    sample.check_keys(("temperature", "jump", "gradient_left", "gradient_right", "source"))
    sections = top.sections("mode")
    channels = spectrometer.count("channels", 1024, high=_MAX_CHANNELS)
    step = spectrometer.number("step", "energy", 0.5 * meV)
    start = spectrometer.number("start", "energy", -channels // 2 * step)
    if channels < 8 or step <= 0:
        raise spectrometer.fault(f"{channels} channels of {step / meV:g} meV: expected 8 or more above 0", "channels")
    try:
        return EelsExperiment(
            left=[_read_mode(one, ("left", "intensity")) for one in sections],
            right=[_read_mode(one, ("right", "intensity")) for one in sections],
            temperature=sample.number("temperature", "temperature", 300.0),
            jump=sample.number("jump", "temperature", 0.0),
            gradient_left=sample.number("gradient_left", "gradient", 0.0),
            gradient_right=sample.number("gradient_right", "gradient", 0.0),
            columns=scan.count("columns", 32, high=_MAX_CHANNELS),
            rows=scan.count("rows", 32, high=_MAX_CHANNELS),
            pitch=scan.number("pitch", "length", 1 * nm),
            skip=scan.number("skip", "length", 0.0),
            electrons=beam.number("current", "current", 10e-12) / e,
            dwell=beam.number("dwell", "time", 1.0),
            fwhm=spectrometer.number("resolution", "energy", 8 * meV),
            lorentzian=spectrometer.number("tail", "share", 0.02),
            energy=start + step * np.arange(channels),
            spread=_read_point_spread(top.section("spread")),
            drift=spectrometer.number("drift", "energy", 0.0),
            electrons_per_count=spectrometer.number("electrons_per_count", "share", 1.0),
            dark=spectrometer.number("dark", "share", 0.0),
            dark_variance=spectrometer.number("dark_sigma", "share", 0.0) ** 2,
        )
    except DataError:
        raise
    except InputError as err:
        raise top.fault(str(err)) from err


def _read_point_spread(section: TomlTable) -> PointSpread:
    """Point spread of a table."""
    names = ("width", "share", "length", "width_sigma", "share_sigma", "length_sigma")
    section.check_keys(names)
    kinds = {name: "share" if name.startswith("share") else "length" for name in names}
    given: dict[str, Any] = {name: section.number(name, kinds[name]) for name in section.table}
    try:
        return PointSpread(**given)
    except InputError as err:
        raise section.fault(str(err)) from err
