r"""Models held against published measurements.

A model is scored against the interval of what was published for an interface near a temperature, never against a
single number: laboratories differ by factors of 2 to 15 for interfaces of the same name.  Measurements see the drop
between profiles extrapolated to the interface.  Of a diffuse model with full bands it is known by the Boltzmann
equation of both solids, for each measurement by its method and its film, and of a simulation by itself: it is scored
where it is known, else the emitted conductance.  An estimate for gray, diffuse media is nowhere taken.
"""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, cast
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import asdict, evolve, field, frozen

from kapitza import __version__
from kapitza.core.arrays import about, one_temperature
from kapitza.core.conductance import TEMPERATURE_DROPS, Conductance, Drop, HoldsConductance, held_conductance
from kapitza.core.records import BaseRecord
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.library import materials
from kapitza.measure import apparent, catalogue
from kapitza.measure.apparent import ApparentConductance, Observation
from kapitza.measure.catalogue import TEMPERATURE_WINDOW, Measurement
from kapitza.run.store import StoreLike, UnitInputs, UnitResult
from kapitza.run.work import ExecutorLike, Progress, run_units
from kapitza.theory import models as register
from kapitza.theory.sides import SideDescription, describe_side, describe_sides, is_path, side_name

ModelResults = Mapping[str, Transmission | Conductance | HoldsConductance]
_PREDICTION_VERSION = f"predict-published-{__version__}"  # part of the address of stored results
_ELECTRON_DEPTH = 5e-8  # m: electrons hand their heat to a lattice within 5 to 17 nm, 24 nm at twice its conductivity


@frozen
class Published(BaseRecord):
    """One published value near the temperature of a comparison.

    Attributes
    ----------
    sigma : published uncertainty, W m⁻² K⁻¹; None if unknown
    measurement : the whole record, with source, preparation and state of the interface
    observation : how it sees the boundary, by its method and its film; None where models are not solved for it

    Examples
    --------
    >>> from kapitza import compare, dmm, solid
    >>> spectrum = dmm(solid("Al"), solid("Al2O3"))
    >>> one = compare("Al", "Al2O3", 300.0, {"dmm": spectrum}, observation=None).published[0]
    >>> print(one.temperature, one.measurement.method)
    285.0 TDTR
    """

    temperature: float = field(metadata=about("K", "temperature"))
    value: float = field(metadata=about("W m^-2 K^-1", "published conductance"))
    sigma: float | None = field(metadata=about("W m^-2 K^-1", "uncertainty"))
    measurement: Measurement
    observation: Observation | None = field(default=None, kw_only=True)
    excess: float | None = field(
        default=None, kw_only=True, metadata=about("m^2 K W^-1", "what both solids add to the emitted resistance")
    )

    @property
    def low(self) -> float:
        """Lower end, by the published uncertainty where there is one, W m⁻² K⁻¹."""
        return max(self.value - (self.sigma or 0.0), 0.0)

    @property
    def high(self) -> float:
        """Upper end, by the published uncertainty where there is one, W m⁻² K⁻¹."""
        return self.value + (self.sigma or 0.0)


@frozen(kw_only=True)
class Prediction(BaseRecord):
    """What one model says, by each of the drops; None where the model does not know that one.

    Attributes
    ----------
    model : name of the model
    title : for legends and tables
    limit : True for an upper limit, which is not a prediction and not scored
    emitted, local : W m⁻² K⁻¹, by drop; infinite where no resistance is left
    extrapolated : as an experiment sees it: solved for a model, or of a simulation, W m⁻² K⁻¹
    sigma : standard uncertainty of a conductance that is known by one drop, W m⁻² K⁻¹; None without one

    Examples
    --------
    >>> from kapitza import compare, dmm, solid
    >>> spectrum = dmm(solid("Al"), solid("Al2O3"))
    >>> one = compare("Al", "Al2O3", 300.0, {"dmm": spectrum}, observation=None).predictions[0]
    >>> print(one.model, round(one.emitted / 1e6), "MW m⁻² K⁻¹")
    dmm 859 MW m⁻² K⁻¹
    """

    model: str
    title: str = ""
    limit: bool = False
    emitted: float | None = field(default=None, metadata=about("W m^-2 K^-1", "conductance, emitted drop"))
    local: float | None = field(default=None, metadata=about("W m^-2 K^-1", "conductance, local drop"))
    extrapolated: float | None = field(default=None, metadata=about("W m^-2 K^-1", "conductance, extrapolated drop"))
    sigma: float | None = field(default=None, metadata=about("W m^-2 K^-1", "uncertainty"))

    @property
    def scored(self) -> float | None:
        """The conductance that is held against experiment, W m⁻² K⁻¹: the extrapolated one where it is known, else the
        emitted one.
        """
        return self.emitted if self.extrapolated is None else self.extrapolated

    @property
    def scored_drop(self) -> Drop | None:
        """Which of the drops that is; None where it knows the local one alone."""
        if self.extrapolated is not None:
            return "extrapolated"
        return None if self.emitted is None else "emitted"


@frozen(eq=False)
class Comparison(BaseRecord):
    """Models beside the published measurements of one interface at one temperature.

    Attributes
    ----------
    left, right : names of the sides
    published : all values in that range, those excluded (interlayers, electrons, pressure, bounds) among them
    predictions : one for each model
    observation : the experiment for which extrapolated drops of models are shown; None where none is

    Examples
    --------
    >>> from kapitza import compare, dmm, solid
    >>> spectrum = dmm(solid("Al"), solid("Al2O3"))
    >>> found = compare("Al", "Al2O3", 300.0, {"dmm": spectrum}, observation=None)
    >>> print(found.left, found.right, found.temperature, len(found.published) > 3)
    Al Al2O3 300.0 True
    """

    left: str
    right: str
    temperature: float = field(metadata=about("K", "temperature"))
    window: float = field(metadata=about("1", "relative half width of the window of temperatures"))
    published: tuple[Published, ...] = field(default=())
    predictions: tuple[Prediction, ...] = field(default=())
    observation: Observation | None = field(default=None, kw_only=True)

    @property
    def direct(self) -> tuple[Published, ...]:
        """Published values of the two materials in contact at ambient pressure, against which models are scored."""
        return tuple(one for one in self.published if not one.measurement.exclusion)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lowest and highest published value, W m⁻² K⁻¹, widened by published uncertainties.

        None where nothing was published, and where all there is is one number without uncertainty: that is no interval.
        Two that agree are one, of no width.
        """
        ends = [(one.low, one.high) for one in self.direct]
        low, high = min((e[0] for e in ends), default=0.0), max((e[1] for e in ends), default=0.0)
        return (low, high) if high > low or len(ends) > 1 else None

    @property
    def median(self) -> float | None:
        """Median of the published values, W m⁻² K⁻¹; None where there is none."""
        values = [one.value for one in self.direct]
        return float(np.median(values)) if values else None

    @property
    def spread(self) -> float | None:
        """Highest over lowest published value; None without an interval."""
        ends = self.interval
        if ends is None:
            return None
        return ends[1] / ends[0] if ends[0] > 0 else float("inf")

    @property
    def sources(self) -> tuple[str, ...]:
        """Citations of all that is shown, each once, in the order of the values."""
        return tuple(dict.fromkeys(one.measurement.citation for one in self.published))

    def factor(self, model: str) -> float | None:
        """How far the scored conductance of a model lies outside of the interval of published values.

        1 inside; below 1 the share of the lowest published value, above 1 the multiple of the highest one, each value
        against what its own experiment would see of the model.  None without an interval, for a model that knows the
        local drop alone, and for upper limits.
        """
        one = self.prediction(model)
        if one.limit or one.scored is None or self.interval is None:
            return None
        seen = [(value, each) for each in self.direct if (value := self.observed_conductance(model, each)) is not None]
        low, high = min(each.low / value for value, each in seen), max(each.high / value for value, each in seen)
        return interval_factor(1.0, low, high)

    def observed_conductance(self, model: str, one: Published) -> float | None:
        """Conductance of a model as one of the measurements would see it, W m⁻² K⁻¹: solved for a diffuse model with
        full bands, else the scored one; None for a model that knows the local drop alone.
        """
        known = self.prediction(model)
        if one.excess is None or known.extrapolated is None or not known.emitted:
            return known.scored
        return _seen_conductance(known.emitted, one.excess)

    def prediction(self, model: str) -> Prediction:
        """What a model says; an InputError names the models that were compared."""
        for one in self.predictions:
            if one.model == model:
                return one
        names = ", ".join(one.model for one in self.predictions)
        raise InputError(f"{model!r} was not compared for {self.left}/{self.right}; there are: {names or 'no models'}")


def interval_factor(value: float, low: float, high: float) -> float:
    """Ratio of a value to the nearest end of an interval (all W m⁻² K⁻¹), 1 inside."""
    if low > high:
        raise InputError(f"expected an interval with its lower end first, got {low:g} to {high:g}")
    if value < low:
        return value / low
    return value / high if value > high else 1.0


def compare(
    left: SideDescription,
    right: SideDescription,
    temperature: float = 300.0,
    models: ModelResults | None = None,
    *,
    window: float = TEMPERATURE_WINDOW,
    observation: Observation | Literal["published"] | None = "published",
) -> Comparison:
    """Hold models against the published measurements of an interface.

    Parameters
    ----------
    left, right : names of the library, records, or paths of phonopy files; their names choose the measurements
    temperature : K
    models : transmissions, conductances or results that hold one, by the name of their model; None for all that the two
        sides allow.
        Conductances have to be known within `window` of the temperature.
        A transmission is shown by the emitted and the local drop and scored by the emitted one; a conductance by its
        own.
    window : measurements count within this relative distance from the temperature; 0.05 is 285 to 315 K at 300 K
    observation : the experiment for which the diffuse models with full bands are solved; "published": for each
        measurement that of its own method and film (`usual_observation`), and TDTR where models stand by themselves;
        None: all models are scored by the emitted drop

    Returns
    -------
    Comparison, without published values where the catalogue has none near this temperature

    Raises
    ------
    InputError
        for an unknown material, a temperature not above 0 K, or a conductance that is not known near that temperature
    """
    kelvin = one_temperature(temperature)
    one, other = _catalogue_name(left), _catalogue_name(right)
    found = catalogue.measured(one, other, kelvin, window=window)
    published = tuple(_nearest_value(entry, kelvin, window) for entry in found)
    if models is not None:
        predictions = tuple(predict_drops(name, model, kelvin, window) for name, model in models.items())
        return Comparison(one, other, kelvin, window, published, predictions)
    if observation == "published":
        shown, experiments = (
            apparent.USUAL_EXPERIMENT,
            [apparent.usual_observation(entry.method, entry.thickness) for entry in found],
        )
    else:
        shown, experiments = observation, []
    solved = _model_predictions(left, right, kelvin, shown, experiments)
    return Comparison(
        one, other, kelvin, window, _with_excess(published, solved), solved.predictions, observation=solved.observation
    )


@frozen
class _Solved(BaseRecord):
    """What models say, for which experiment the diffuse ones are solved, and what each of other experiments adds."""

    predictions: tuple[Prediction, ...]
    observation: Observation | None = None
    experiments: tuple[Observation, ...] = ()
    excess: tuple[float, ...] = ()  # m² K W⁻¹, of each of them


def _with_excess(published: Sequence[Published], solved: _Solved) -> tuple[Published, ...]:
    if not solved.experiments:
        return tuple(published)
    parts = zip(published, solved.experiments, solved.excess, strict=True)
    return tuple(evolve(one, observation=seen, excess=excess) for one, seen, excess in parts)


def _model_predictions(
    left: SideDescription,
    right: SideDescription,
    temperature: float,
    observation: Observation | None,
    experiments: Sequence[Observation] = (),
) -> _Solved:
    """What all models say of an interface, the diffuse ones solved for an experiment and for each of others."""
    bare = tuple(
        _prediction(estimate.model, estimate.title, estimate.emitted, estimate.local, limit=estimate.limit)
        for estimate in register.model_estimates(left, right, temperature, "all")
    )
    if observation is None:
        return _Solved(bare)
    try:
        with catch_warnings():  # of the state of the sides, of which the models have warned
            simplefilter("ignore", ValidityWarning)
            sides = describe_sides(left, right)
            shown = apparent.solve_apparent(*sides, temperature, observation, bounds=False)
            # a metal is heated by its electrons within less than _ELECTRON_DEPTH, however thick it is
            deepest = _ELECTRON_DEPTH if any(side.is_metal for side in sides) else np.inf
            alike = {one: evolve(one, thickness=min(one.thickness, deepest)) for one in experiments}
            distinct = set(alike.values())
            solved = {one: apparent.solve_apparent(*sides, temperature, one, bounds=False) for one in distinct}
    except InputError:  # a liquid, two metals, or a lattice of unknown conductivity: nothing to solve
        return _Solved(bare)

    def excess(of: ApparentConductance) -> float:
        """What both solids add to the emitted resistance, m² K W⁻¹, whichever diffuse model stands between them."""
        return float(of.conductance.resistance[0] - of.emitted.resistance[0])

    predictions = tuple(
        evolve(one, extrapolated=_seen_conductance(one.emitted, excess(shown)))
        if one.model in apparent.DIFFUSE_MODELS and one.emitted
        else one
        for one in bare
    )
    each = [solved[alike[one]] for one in experiments]
    seen = [evolve(one.observation, thickness=given.thickness) for given, one in zip(experiments, each, strict=True)]
    return _Solved(predictions, shown.observation, tuple(seen), tuple(map(excess, each)))


def _seen_conductance(emitted: float, excess: float) -> float:
    """Conductance that an experiment sees of an emitted one, both W m⁻² K⁻¹, from what the bulks add, m² K W⁻¹."""
    resistance = 1 / emitted + excess
    return 1 / resistance if resistance > 0 else float("inf")


def compare_all(
    temperature: float = 300.0,
    *,
    window: float = TEMPERATURE_WINDOW,
    observation: Observation | Literal["published"] | None = "published",
    executor: ExecutorLike | None = None,
    store: StoreLike | None = None,
    progress: Progress | None = None,
) -> tuple[Comparison, ...]:
    """Compare all interfaces of which the catalogue has a value near a temperature, in its order.

    Interfaces of materials that the library does not know (sheets, alloys, molecules), for which there is no model, and
    bonded wafers of one material are left out.

    Parameters
    ----------
    temperature : K
    window : measurements count within this relative distance from the temperature
    observation : as for `compare`
    executor : any `concurrent.futures.Executor`, or a number of processes, over which the interfaces are spread
    store : where finished predictions are kept and looked for
    progress : called with the number of finished and of all interfaces
    """
    known = set(materials())
    solids = [pair for pair in catalogue.measured_interfaces() if set(pair) <= known and pair[0] != pair[1]]
    pairs = [pair for pair in solids if catalogue.measured(*pair, temperature, window=window)]
    seen = {"method": "published"} if observation == "published" else {}
    seen = asdict(observation) if isinstance(observation, Observation) else seen
    units = [
        {"left": left, "right": right, "temperature": temperature, "window": window, **seen} for left, right in pairs
    ]
    found = run_units(
        _predict_unit, units, version=_PREDICTION_VERSION, store=store, executor=executor, progress=progress
    )
    bare = [compare(*pair, temperature, {}, window=window) for pair in pairs]
    solved: list[_Solved] = []
    for part in found:
        text = json.loads(str(part["predictions"]))
        seen_by = None if text["observation"] is None else Observation(**text["observation"])
        predictions = tuple(Prediction(**row) for row in text["predictions"])
        experiments = tuple(Observation(**settings) for settings in text["experiments"])
        solved.append(_Solved(predictions, seen_by, experiments, tuple(text["excess"])))
    return tuple(
        evolve(
            one, predictions=each.predictions, observation=each.observation,
            published=_with_excess(one.published, each),
        )
        for one, each in zip(bare, solved, strict=True)
    )  # fmt: skip


def _predict_unit(unit: UnitInputs) -> UnitResult:
    left, right = str(unit["left"]), str(unit["right"])
    temperature, window = (float(np.asarray(unit[name])) for name in ("temperature", "window"))
    experiments: list[Observation] = []
    observation = None
    if str(unit.get("method")) == "published":
        observation = apparent.USUAL_EXPERIMENT
        known = catalogue.measured(left, right, temperature, window=window)
        experiments = [apparent.usual_observation(entry.method, entry.thickness) for entry in known]
    elif "method" in unit:
        lengths = {name: float(np.asarray(unit[name])) for name in ("thickness", "frequency", "spot")}
        observation = Observation(method=cast("apparent.ObservationMethod", str(unit["method"])), **lengths)
    found = _model_predictions(left, right, temperature, observation, experiments)
    return {"predictions": np.array(json.dumps(asdict(found)))}


def _catalogue_name(side: SideDescription) -> str:
    """Name under which the catalogue knows a side; a crystal named without its polytype keeps that name."""
    if isinstance(side, (str, PathLike)) and is_path(side):
        known = describe_side(side)
        if not known.library_name:
            raise InputError(
                f"{known.name}: the file holds no crystal of the library, so nobody knows what was measured"
            )
        return catalogue.catalogue_side(known.library_name)
    if not isinstance(side, str):
        return catalogue.catalogue_side(side_name(side))
    return side if side in catalogue.POLYTYPE_NAMES else catalogue.catalogue_side(side)


def predict_drops(
    name: str,
    model: Transmission | Conductance | HoldsConductance,
    temperature: float,
    window: float = TEMPERATURE_WINDOW,
) -> Prediction:
    """What a model says at a temperature (K), by each drop that it knows.

    A conductance whose range ends within the window, as that of a simulation with a temperature of its own, counts with
    its last value.
    """
    held = held_conductance(model)
    if held is not None:
        end = float(np.clip(temperature, held.temperature[0], held.temperature[-1]))
        known = end if abs(end - temperature) <= window * temperature else temperature
        value = float(held.at(known)[0])
        sigma = None if held.sigma is None else float(np.interp(known, held.temperature, held.sigma))
        title = f"{name}, classical" if held.statistics == "classical" else name
        drops = {drop: value if drop == held.drop else None for drop in TEMPERATURE_DROPS}
        return Prediction(model=name, title=title, limit=False, sigma=sigma, **drops)
    if not isinstance(model, Transmission):
        raise InputError(
            f"{name}: expected a transmission, a conductance or a result that holds one, got {type(model).__name__}"
        )
    local = register.conductance_or_none([model], temperature, "local", "quantum")
    return _prediction(name, name, model.conductance(temperature), local)


def _prediction(
    model: str, title: str, emitted: Conductance, local: Conductance | None, *, limit: bool = False
) -> Prediction:
    values = {"emitted": float(emitted.value[0]), "local": None if local is None else float(local.value[0])}
    return Prediction(model=model, title=title, limit=limit, **values)


def _nearest_value(entry: Measurement, temperature: float, window: float) -> Published:
    known = entry.conductance
    nearest = min(entry.near(temperature, window), key=lambda i: abs(known.temperature[i] - temperature))
    sigma = None if known.sigma is None else float(known.sigma[nearest])
    return Published(float(known.temperature[nearest]), float(known.value[nearest]), sigma, entry)
