"""TOML files of the verbs for electron spectra: which modes a spectrum has, and what scan is planned."""

from os import PathLike
from typing import Any

import numpy as np
from attrs import NOTHING, field, frozen

from kapitza.core.arrays import about
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.io.results import load
from kapitza.io.toml import (
    Key,
    Table,
    TomlTable,
    count,
    file,
    filling,
    locate_faults,
    number,
    read_toml,
    table,
    tables,
    text,
)
from kapitza.measure.eels.design import DESIGN_TARGETS
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.interface_modes import InterfaceMode
from kapitza.measure.eels.model import TIE_CHOICES, ZERO_LOSS_SHAPES, SpectrumModel, TieChoice, VibrationalMode
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import e, meV, nm

_MAX_CHANNELS = 2**20


def _mode(meaning: str, *intensities: Key) -> Table:
    """Declare a table of a mode with keys of its intensity."""
    return Table(
        [
            text("name", "name of the mode"),
            number("energy", "energy", "energy of the mode"),
            number("width", "energy", "full width at half maximum"),
            number("intensity", "share", "probability of a loss at the boundary, relative to the zero-loss peak", None),
            *intensities,
        ],
        meaning,
    )


_SIDES = tuple(
    number(side, "share", f"intensity on the {side} side; `intensity` if omitted", None) for side in ("left", "right")
)
MODE = _mode("Vibrational mode.", *_SIDES)
INTERFACE_MODE = Table(
    [
        text("name", "name of the mode"),
        number("energy", "energy", "energy of the mode"),
        number("fwhm", "energy", "full width at half maximum"),
    ],
    "Mode of the interface alone.",
)
_SHAPES = [shape for shape in ZERO_LOSS_SHAPES if shape != "reference"]
MODES = Table(
    [
        text("shape", "shape of the zero-loss peak", "pseudo-voigt", choices=_SHAPES),
        count("background", "channels of the background", 0, high=_MAX_CHANNELS),
        text("tie", "how the temperatures of the modes are tied", None, choices=TIE_CHOICES),
        tables("mode", MODE),
        tables("interface", INTERFACE_MODE),
    ]
)  # fmt: skip
_BEAM = Table(
    [
        filling(number("current", "current", "current of the beam", 10e-12)),
        filling(number("dwell", "time", "time on a pixel", 1.0)),
    ]
)
_SPECTROMETER = Table(
    [
        number("resolution", "energy", "full width at half maximum of the zero-loss peak", 8 * meV),
        number("tail", "share", "Lorentzian fraction of the zero-loss peak", 0.02),
        count("channels", "number of channels, 8 or more", 1024, high=_MAX_CHANNELS),
        number("start", "energy", "energy of the first channel; half of the range below 0 if omitted", None),
        number("step", "energy", "width of a channel", 0.5 * meV),
        number("dark", "share", "dark counts of a channel, in electrons", 0.0),
        number("dark_sigma", "share", "standard deviation of the dark counts, in electrons", 0.0),
        number("drift", "energy", "drift of the zero-loss peak between pixels", 0.0),
        number("electrons_per_count", "share", "electrons per count", 1.0),
    ]
)
_SCAN = Table(
    [
        count("columns", "number of columns", 32, high=_MAX_CHANNELS),
        count("rows", "number of rows", 32, high=_MAX_CHANNELS),
        number("pitch", "length", "distance of two pixels", 1 * nm),
        number("skip", "length", "half width around the interface that is left out", 0.0),
    ]
)
_SPREAD = Table(
    [
        filling(number(name, kind, meaning, None))
        for name, kind, meaning in (
            ("width", "length", "width of the core"),
            ("share", "share", "fraction of the tails"),
            ("length", "length", "length of the tails"),
            ("width_sigma", "length", "standard uncertainty of `width`"),
            ("share_sigma", "share", "standard uncertainty of `share`"),
            ("length_sigma", "length", "standard uncertainty of `length`"),
        )
    ],
    "Point spread of the beam.",
)
_PLANNED_SAMPLE = Table(
    [
        number("temperature", "temperature", "temperature at the interface", 300.0),
        number("jump", "temperature", "temperature jump", 0.0),
        number("gradient_left", "gradient", "temperature gradient on the left", 0.0),
        number("gradient_right", "gradient", "temperature gradient on the right", 0.0),
        file("source", "saved profile or occupations, instead of the gradients", None),
    ]
)
_WANTED = Table(
    [
        number(target, "temperature" if target == "jump" else "length", "uncertainty to be reached", None)
        for target in DESIGN_TARGETS
    ]
)
EELS_EXPERIMENT = Table(
    [
        table("beam", _BEAM, NOTHING),
        table("spectrometer", _SPECTROMETER, NOTHING),
        table("scan", _SCAN, NOTHING),
        table("spread", _SPREAD),
        table("sample", _PLANNED_SAMPLE, NOTHING),
        tables("mode", MODE),
        table("wanted", _WANTED),
    ]
)


@frozen(eq=False)
class ModesFile(BaseRecord):
    r"""Content of a file of modes.

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.io.eels import read_modes
    >>> lines = ["[[mode]]", 'name = "TO"', 'energy = "82 meV"', 'width = "5 meV"']
    >>> _ = Path("modes.toml").write_text("\n".join(lines))
    >>> print([mode.name for mode in read_modes("modes.toml").model.modes])
    ['TO']
    """

    model: SpectrumModel  # for the fit
    interface: tuple[InterfaceMode, ...]  # modes that only the interface has


@frozen(eq=False)
class EelsExperimentFile(BaseRecord):
    """What a file of a planned scan says."""

    experiment: EelsExperiment
    targets: dict[str, float] = field(metadata=about("SI", "wanted uncertainties by name"))
    source: Profile | Occupation | None = None


def read_modes(path: str | PathLike[str], *, tie: TieChoice = "common") -> ModesFile:
    """Read which modes a spectrum has; a file may say how their temperatures are tied where `tie` is "common"."""
    top = read_toml(path)
    values = MODES.read(top)
    chosen: Any = (values["tie"] or tie) if tie == "common" else tie
    modes = [_read_mode(section, ("intensity",)) for section in top.sections("mode")]
    interface = [
        locate_faults(section, "", lambda s=section: InterfaceMode(*INTERFACE_MODE.read(s).values()))
        for section in top.sections("interface")
    ]
    model = locate_faults(
        top, "", lambda: SpectrumModel(modes, values["shape"], tie=chosen, background=values["background"])
    )
    return ModesFile(model, tuple(interface))


def _read_mode(section: TomlTable, intensities: tuple[str, ...]) -> VibrationalMode:
    """Mode of a table [[mode]]; the first of the keys for its intensity that is there counts."""
    values = MODE.read(section)
    intensity = next((values[key] for key in intensities if key in section), None)
    return locate_faults(
        section, "", lambda: VibrationalMode(values["name"], values["energy"], values["width"], intensity)
    )


def read_eels_experiment(path: str | PathLike[str]) -> EelsExperimentFile:
    """Read the plan of a scan: beam, spectrometer, scan, point spread, sample, modes, and wanted uncertainties."""
    top = read_toml(path)
    EELS_EXPERIMENT.check(top)
    targets = {key: value for key, value in _WANTED.read(top.section("wanted")).items() if value is not None}
    return EelsExperimentFile(_experiment_from_tables(top), targets, _read_saved_source(top.section("sample")))


def _read_saved_source(sample: TomlTable) -> Profile | Occupation | None:
    """Saved profile or occupations that a plan names in place of branches."""
    if "source" not in sample:
        return None
    path = sample.beside("source")
    found = load(path)
    if not isinstance(found, (Profile, Occupation)):
        raise sample.fault(f"{path.name} holds {type(found).__name__}, expected a Profile or an Occupation", "source")
    return found


def _experiment_from_tables(top: TomlTable) -> EelsExperiment:
    """Plan of a file."""
    spectrometer, sections = _SPECTROMETER.read(top.section("spectrometer")), top.sections("mode")
    beam, sample = _BEAM.read(top.section("beam")), _PLANNED_SAMPLE.read(top.section("sample"))
    channels, step = spectrometer["channels"], spectrometer["step"]
    start = -channels // 2 * step if spectrometer["start"] is None else spectrometer["start"]
    if channels < 8 or step <= 0:
        raise top.section("spectrometer").fault(
            f"{channels} channels of {step / meV:g} meV: expected 8 or more above 0", "channels"
        )
    sample.pop("source")
    return locate_faults(
        top,
        "",
        lambda: EelsExperiment(
            left=[_read_mode(one, ("left", "intensity")) for one in sections],
            right=[_read_mode(one, ("right", "intensity")) for one in sections],
            **sample,
            **_SCAN.read(top.section("scan")),
            electrons=beam["current"] / e,
            dwell=beam["dwell"],
            fwhm=spectrometer["resolution"],
            lorentzian=spectrometer["tail"],
            energy=start + step * np.arange(channels),
            spread=_SPREAD.make(top.section("spread"), PointSpread),
            drift=spectrometer["drift"],
            electrons_per_count=spectrometer["electrons_per_count"],
            dark=spectrometer["dark"],
            dark_variance=spectrometer["dark_sigma"] ** 2,
        ),
    )
