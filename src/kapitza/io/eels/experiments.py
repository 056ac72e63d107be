"""TOML files of the verbs for electron spectra: which modes a spectrum has, and what scan is planned."""

from os import PathLike
from typing import Any

import numpy as np
from attrs import NOTHING, field, frozen

from kapitza.core.arrays import about
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.core.records import BaseRecord
from kapitza.io import toml
from kapitza.io.results import load
from kapitza.io.toml import Table, TomlTable
from kapitza.measure.eels.design import DESIGN_TARGETS
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.interface_modes import InterfaceMode
from kapitza.measure.eels.model import TIE_CHOICES, ZERO_LOSS_SHAPES, SpectrumModel, TieChoice, VibrationalMode
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.units import e, meV, nm

_MAX_CHANNELS = 2**20


MODE = Table(
    [
        toml.text("name", "name of the mode"),
        toml.number("energy", "energy", "energy of the mode"),
        toml.number("width", "energy", "full width at half maximum"),
        toml.number(
            "intensity", "share", "probability of a loss at the boundary, relative to the zero-loss peak", None
        ),
        *(
            toml.number(side, "share", f"intensity on the {side} side; `intensity` if omitted", None)
            for side in ("left", "right")
        ),
    ],
    "Vibrational mode.",
)
INTERFACE_MODE = Table(
    [
        toml.text("name", "name of the mode"),
        toml.number("energy", "energy", "energy of the mode"),
        toml.number("fwhm", "energy", "full width at half maximum"),
    ],
    "Mode of the interface alone.",
)
_SHAPES = [shape for shape in ZERO_LOSS_SHAPES if shape != "reference"]
MODES = Table(
    [
        toml.text("shape", "shape of the zero-loss peak", "pseudo-voigt", choices=_SHAPES),
        toml.count("background", "channels of the background", 0, high=_MAX_CHANNELS),
        toml.text("tie", "how the temperatures of the modes are tied", None, choices=TIE_CHOICES),
        toml.tables("mode", MODE),
        toml.tables("interface", INTERFACE_MODE),
    ]
)  # fmt: skip
_BEAM = Table(
    [
        toml.filling(toml.number("current", "current", "current of the beam", 10e-12)),
        toml.filling(toml.number("dwell", "time", "time on a pixel", 1.0)),
    ]
)
_SPECTROMETER = Table(
    [
        toml.number("resolution", "energy", "full width at half maximum of the zero-loss peak", 8 * meV),
        toml.number("tail", "share", "Lorentzian fraction of the zero-loss peak", 0.02),
        toml.count("channels", "number of channels, 8 or more", 1024, high=_MAX_CHANNELS),
        toml.number("start", "energy", "energy of the first channel; half of the range below 0 if omitted", None),
        toml.number("step", "energy", "width of a channel", 0.5 * meV),
        toml.number("dark", "share", "dark counts of a channel, in electrons", 0.0),
        toml.number("dark_sigma", "share", "standard deviation of the dark counts, in electrons", 0.0),
        toml.number("drift", "energy", "drift of the zero-loss peak between pixels", 0.0),
        toml.number("electrons_per_count", "share", "electrons per count", 1.0),
    ]
)
_SCAN = Table(
    [
        toml.count("columns", "number of columns", 32, high=_MAX_CHANNELS),
        toml.count("rows", "number of rows", 32, high=_MAX_CHANNELS),
        toml.number("pitch", "length", "distance of two pixels", 1 * nm),
        toml.number("skip", "length", "half width around the interface that is left out", 0.0),
    ]
)
_SPREAD = Table(
    [
        toml.filling(toml.number(name, kind, meaning, None))
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
        toml.number("temperature", "temperature", "temperature at the interface", 300.0),
        toml.number("jump", "temperature", "temperature jump", 0.0),
        toml.number("gradient_left", "gradient", "temperature gradient on the left", 0.0),
        toml.number("gradient_right", "gradient", "temperature gradient on the right", 0.0),
        toml.file("source", "saved profile or occupations, instead of the gradients", None),
    ]
)
_WANTED = Table(
    [
        toml.number(target, "temperature" if target == "jump" else "length", "uncertainty to be reached", None)
        for target in DESIGN_TARGETS
    ]
)
EELS_EXPERIMENT = Table(
    [
        toml.table("beam", _BEAM, NOTHING),
        toml.table("spectrometer", _SPECTROMETER, NOTHING),
        toml.table("scan", _SCAN, NOTHING),
        toml.table("spread", _SPREAD),
        toml.table("sample", _PLANNED_SAMPLE, NOTHING),
        toml.tables("mode", MODE),
        toml.table("wanted", _WANTED),
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
    top = toml.read_toml(path)
    values = MODES.read(top)
    chosen: Any = (values["tie"] or tie) if tie == "common" else tie
    modes = [_read_mode(section, ("intensity",)) for section in top.sections("mode")]
    model = top.locate("", lambda: SpectrumModel(modes, values["shape"], tie=chosen, background=values["background"]))
    tables = top.sections("interface")
    return ModesFile(
        model, tuple(each.locate("", InterfaceMode, *INTERFACE_MODE.read(each).values()) for each in tables)
    )


def _read_mode(section: TomlTable, intensities: tuple[str, ...]) -> VibrationalMode:
    values = MODE.read(section)
    intensity = next((values[key] for key in intensities if key in section), None)
    return section.locate("", VibrationalMode, values["name"], values["energy"], values["width"], intensity)


def read_eels_experiment(path: str | PathLike[str]) -> EelsExperimentFile:
    """Read the plan of a scan: beam, spectrometer, scan, point spread, sample, modes, and wanted uncertainties."""
    top = toml.read_toml(path)
    EELS_EXPERIMENT.check(top)
    tables = (_BEAM, _SPECTROMETER, _SCAN, _PLANNED_SAMPLE, _WANTED)
    names = ("beam", "spectrometer", "scan", "sample", "wanted")
    beam, spectrometer, scan, sample, wanted = (
        table.read(top.section(name)) for table, name in zip(tables, names, strict=True)
    )
    channels, step = spectrometer["channels"], spectrometer["step"]
    start = -channels // 2 * step if spectrometer["start"] is None else spectrometer["start"]
    if channels < 8 or step <= 0:
        message = f"{channels} channels of {step / meV:g} meV: expected 8 or more above 0"
        raise top.section("spectrometer").fault(message, "channels")
    saved = sample.pop("source")
    experiment = top.locate("", lambda: EelsExperiment(
        left=[_read_mode(mode, ("left", "intensity")) for mode in top.sections("mode")],
        right=[_read_mode(mode, ("right", "intensity")) for mode in top.sections("mode")],
        **sample, **scan, **{key: spectrometer[key] for key in ("drift", "electrons_per_count", "dark")},
        electrons=beam["current"] / e, dwell=beam["dwell"], fwhm=spectrometer["resolution"],
        lorentzian=spectrometer["tail"], energy=start + step * np.arange(channels),
        spread=_SPREAD.make(top.section("spread"), PointSpread), dark_variance=spectrometer["dark_sigma"] ** 2,
    ))  # fmt: skip
    targets = {key: value for key, value in wanted.items() if value is not None}
    if saved is None:
        return EelsExperimentFile(experiment, targets)
    source = load(saved)
    if not isinstance(source, (Profile, Occupation)):
        holds = f"{saved.name} holds {type(source).__name__}"
        raise top.section("sample").fault(f"{holds}, expected a Profile or an Occupation", "source")
    return EelsExperimentFile(experiment, targets, source)
