"""TOML files of the verbs for electron spectra: which modes a spectrum has, and what scan is planned."""

from os import PathLike
from typing import Any

import numpy as np
from attrs import frozen

from kapitza.core.populations import Occupation
from kapitza.core.profile import Profile
from kapitza.errors import DataError, InputError
from kapitza.io.results import load
from kapitza.io.sections import Section, read_sections
from kapitza.measure.eels.interface import InterfaceMode
from kapitza.measure.eels.layout import TARGETS
from kapitza.measure.eels.model import TIES, Mode, SpectrumModel, Tie
from kapitza.measure.eels.plan import EelsExperiment
from kapitza.measure.eels.spread import PointSpread
from kapitza.measure.eels.zero_loss import SHAPES
from kapitza.units import e, meV, nm

MOST_CHANNELS = 2**20


@frozen(eq=False)
class ModesFile:
    """What a file of modes says.

    Attributes
    ----------
    model : for the fit
    interface : modes that only the interface has, for its components
    """

    model: SpectrumModel
    interface: tuple[InterfaceMode, ...]


@frozen(eq=False)
class ExperimentFile:
    """What a file of a planned scan says.

    Attributes
    ----------
    experiment : the plan
    drift : standard deviation of the centre of the zero-loss peak from pixel to pixel, J
    dark : mean dark count of a channel, counts
    electrons_per_count : of the detector
    wanted : standard uncertainty that is asked for, by target
    source : profile or occupations in place of the branches of the plan; None for these
    """

    experiment: EelsExperiment
    drift: float
    dark: float
    electrons_per_count: float
    wanted: dict[str, float]
    source: Profile | Occupation | None = None


def read_modes(path: str | PathLike[str], *, tie: Tie = "common") -> ModesFile:
    """Read which modes a spectrum has.

    ::

        shape = "pseudo-voigt"   # split, pearson
        background = 0           # terms of a smooth background

        [[mode]]
        name = "TO"
        energy = "82 meV"
        width = "4.5 meV"        # standard deviation before the resolution

        [[interface]]            # only for components of the interface
        name = "alpha"
        energy = "70 meV"
        fwhm = "10 meV"          # as it is seen

    Parameters
    ----------
    path : of the file
    tie : one temperature for all modes, one for each, or an occupation for each

    Raises
    ------
    DataError
        for what is missing, unknown or impossible, with line
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("shape", "background", "tie", "mode", "interface"))
    shape: Any = top.text("shape", "pseudo-voigt", choices=[one for one in SHAPES if one != "reference"])
    chosen: Any = top.text("tie", tie, choices=TIES) if tie == "common" else tie
    modes = [mode_of(section, ("intensity",)) for section in top.sections("mode")]
    interface = [interface_mode(section) for section in top.sections("interface")]
    try:
        model = SpectrumModel(modes, shape, tie=chosen, background=whole(top, "background", 0))
    except InputError as err:
        raise top.fault(str(err)) from err
    return ModesFile(model, tuple(interface))


def mode_of(section: Section, intensities: tuple[str, ...]) -> Mode:
    """Mode of a table [[mode]]; the first of the keys for its intensity that is there counts."""
    section.known(("name", "energy", "width", "intensity", "left", "right"))
    found = next((key for key in intensities if key in section), None)
    try:
        return Mode(
            section.text("name"),
            section.number("energy", "energy"),
            section.number("width", "energy"),
            None if found is None else section.number(found, "share"),
        )
    except InputError as err:
        raise section.fault(str(err)) from err


def interface_mode(section: Section) -> InterfaceMode:
    """Mode of a table [[interface]]."""
    section.known(("name", "energy", "fwhm"))
    try:
        return InterfaceMode(section.text("name"), section.number("energy", "energy"), section.number("fwhm", "energy"))
    except InputError as err:
        raise section.fault(str(err)) from err


def whole(section: Section, key: str, default: int, most: int = MOST_CHANNELS) -> int:
    """Return a whole number of a table."""
    value = section.table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise section.fault(f"expected a whole number from 0 to {most}, got {value!r:.40}", key)
    return value


def read_experiment(path: str | PathLike[str]) -> ExperimentFile:
    """Read the plan of a scan.

    ::

        [beam]
        current = "10 pA"
        dwell = "1 s"

        [spectrometer]
        resolution = "8 meV"
        tail = 0.02              # Lorentzian share of the zero-loss peak
        channels = 1024
        start = "-256 meV"
        step = "0.5 meV"
        dark = 0.0               # counts
        dark_sigma = 0.0         # electrons
        drift = "0.3 meV"

        [scan]
        columns = 32             # on each side
        rows = 64
        pitch = "1 nm"
        skip = "2 nm"            # next to the interface, not used for the branches

        [spread]
        width = "0.5 nm"
        share = 0.2
        length = "10 nm"

        [sample]
        temperature = "425 K"    # mean of both sides at the interface
        jump = "15 K"
        gradient_left = "-0.18 K/nm"
        gradient_right = "-0.15 K/nm"
        # source = "occupation.json"  # a saved Profile or Occupation of a simulation, the plane at 0, in place of these

        [[mode]]
        name = "TO"
        energy = "82 meV"
        width = "4.5 meV"
        left = 6e-4              # spontaneous scattering per electron of the zero-loss peak
        right = 1.2e-4

        [wanted]
        jump = "0.2 K"
        kapitza_left = "3 nm"

    Raises
    ------
    DataError
        for what is missing, unknown or impossible, with line
    OSError
        if the file is missing or may not be read
    """
    top = read_sections(path)
    top.known(("beam", "spectrometer", "scan", "spread", "sample", "mode", "wanted"))
    spectrometer = top.section("spectrometer")
    spectrometer.known(
        ("resolution", "tail", "channels", "start", "step", "dark", "dark_sigma", "drift", "electrons_per_count")
    )
    wanted = top.section("wanted")
    wanted.known(TARGETS)
    return ExperimentFile(
        experiment_of(top, spectrometer),
        spectrometer.number("drift", "energy", 0.0),
        spectrometer.number("dark", "share", 0.0),
        spectrometer.number("electrons_per_count", "share", 1.0),
        {key: wanted.number(key, "temperature" if key == "jump" else "length") for key in wanted.table},
        source_of(top.section("sample")),
    )


def source_of(sample: Section) -> Profile | Occupation | None:
    """Saved profile or occupations that a plan names in place of branches."""
    if "source" not in sample:
        return None
    path = sample.beside("source")
    found = load(path)
    if not isinstance(found, (Profile, Occupation)):
        raise sample.fault(f"{path.name} holds {type(found).__name__}, expected a Profile or an Occupation", "source")
    return found


def experiment_of(top: Section, spectrometer: Section) -> EelsExperiment:
    """Plan of a file."""
    beam, scan, sample = top.section("beam"), top.section("scan"), top.section("sample")
    beam.known(("current", "dwell"))
    scan.known(("columns", "rows", "pitch", "skip"))
    sample.known(("temperature", "jump", "gradient_left", "gradient_right", "source"))
    sections = top.sections("mode")
    channels = whole(spectrometer, "channels", 1024)
    step = spectrometer.number("step", "energy", 0.5 * meV)
    start = spectrometer.number("start", "energy", -channels // 2 * step)
    if channels < 8 or step <= 0:
        raise spectrometer.fault(f"{channels} channels of {step / meV:g} meV: expected 8 or more above 0", "channels")
    try:
        return EelsExperiment(
            [mode_of(one, ("left", "intensity")) for one in sections],
            [mode_of(one, ("right", "intensity")) for one in sections],
            sample.number("temperature", "temperature", 300.0),
            sample.number("jump", "temperature", 0.0),
            sample.number("gradient_left", "gradient", 0.0),
            sample.number("gradient_right", "gradient", 0.0),
            columns=whole(scan, "columns", 32),
            rows=whole(scan, "rows", 32),
            pitch=scan.number("pitch", "length", 1 * nm),
            skip=scan.number("skip", "length", 0.0),
            electrons=beam.number("current", "current", 10e-12) / e,
            dwell=beam.number("dwell", "time", 1.0),
            fwhm=spectrometer.number("resolution", "energy", 8 * meV),
            lorentzian=spectrometer.number("tail", "share", 0.02),
            energy=start + step * np.arange(channels),
            spread=spread_of(top.section("spread")),
            dark_variance=spectrometer.number("dark_sigma", "share", 0.0) ** 2,
        )
    except DataError:
        raise
    except InputError as err:
        raise top.fault(str(err)) from err


def spread_of(section: Section) -> PointSpread:
    """Point spread of a table."""
    names = ("width", "share", "length", "width_sigma", "share_sigma", "length_sigma")
    section.known(names)
    kinds = {name: "share" if name.startswith("share") else "length" for name in names}
    try:
        return PointSpread(**{name: section.number(name, kinds[name]) for name in section.table})
    except InputError as err:
        raise section.fault(str(err)) from err
