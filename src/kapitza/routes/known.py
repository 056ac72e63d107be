"""Routes that take seconds: what was measured and learnt from it, models of physics, and what an experiment sees."""

import re
from collections.abc import Iterator, Sequence
from time import perf_counter
from types import MappingProxyType
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import evolve

from kapitza import Conductance, Measurement, measure
from kapitza.core.arrays import Array
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter import Material
from kapitza.routes.computed import computed_interface
from kapitza.routes.result import INTERVAL, MEDIAN_DEVIATION, Route, RouteKind
from kapitza.theory import MODEL_REGISTER, InterfaceSide, Model, apply_models

# median factor by which models miss the median of published values: 72 interfaces at 300 K, docs/theory/experiment.md,
# and 11 of those that were computed beforehand, docs/theory/measured-pairs.md
_MEDIAN_FACTORS = MappingProxyType(
    {"dmm": 2.30, "dmm-anharmonic": 2.31, "dmm-metal": 2.15, "dmm-debye": 5.42, "apparent": 1.73, "agf-computed": 1.67}
)
# median factor between a measurement that states no error and what others find on such a contact
_BETWEEN_LABORATORIES = float(np.exp(MEDIAN_DEVIATION * measure.LABORATORY_NOISE))
_ASSUMPTIONS = MappingProxyType(
    {
        "amm": "a perfect plane, specular, no dispersion",
        "amm-crystal": "a perfect plane, specular, no dispersion, anisotropic",
        "dmm": "complete loss of memory at the plane, elastic",
        "dmm-debye": "complete loss of memory at the plane, elastic, no dispersion",
        "dmm-crystal": "complete loss of memory at the plane, elastic, no dispersion, anisotropic",
        "dmm-anharmonic": "complete loss of memory; three phonons by the bonds of the softer side",
        "dmm-metal": "complete loss of memory; three phonons; electrons of the metal in series",
        "khalatnikov": "a liquid on a perfect plane, bulk and Rayleigh waves",
        "elastic-limit": "no elastic process carries more",
        "inelastic-limit": "no process carries more than the softer side emits",
    }
)
_SPECTRUM_TEMPERATURE = 300.0  # K, at which spectra of models that depend on it are shown


def source_routes(measurements: Sequence[Measurement]) -> Iterator[Route]:
    """Routes of measurements of one interface, one a source."""
    sources: dict[str, list[Measurement]] = {}
    for one in measurements:
        sources.setdefault(one.citation, []).append(one)
    for citation, found in sources.items():
        methods = ", ".join(dict.fromkeys(one.method for one in found))
        title = f"{_author_and_year(citation)}, measured"
        conditions = ", ".join(dict.fromkeys(one.condition or "contact not described" for one in found))
        count = f"{len(found)} samples, " if len(found) > 1 else ""
        shared = _mean_over_samples(found, methods)
        lowest, highest = shared[1:] if len(found) > 1 else (None, None)
        yield Route(
            name=_author_and_year(citation), title=title, kind="experiment",
            conductance=shared[0], low=lowest, high=highest,
            ends="samples" if len(found) > 1 else "", assumes=f"{methods}; {count}{conditions}",
            misses=_BETWEEN_LABORATORIES if shared[0].sigma is None else None,
        )  # fmt: skip


def _mean_over_samples(found: Sequence[Measurement], method: str) -> tuple[Conductance, Array, Array]:
    """Geometric mean of the samples of a source at each of its temperatures, lowest and highest of them.

    Where there are several, their scatter is the uncertainty, else what the source states; none is left where one
    temperature has neither.
    """
    known: dict[float, list[tuple[float, float | None]]] = {}
    for one in (entry.conductance for entry in found):
        errors = [None] * one.value.size if one.sigma is None else one.sigma.tolist()
        for t, value, error in zip(one.temperature.tolist(), one.value.tolist(), errors, strict=True):
            known.setdefault(t, []).append((value, error))
    rows = sorted(known.items())
    logs = [np.log([value for value, _ in values]) for _, values in rows]
    mean = np.exp([one.mean() for one in logs])
    errors = [
        values[0][1] if len(values) == 1 else float(g * each.std(ddof=1))
        for (_, values), g, each in zip(rows, mean.tolist(), logs, strict=True)
    ]
    sigma = None if None in errors else np.array(errors, dtype=float)
    kelvin = [t for t, _ in rows]
    shared = Conductance(kelvin, mean, sigma, method=method, source=found[0].doi)
    return shared, np.exp([one.min() for one in logs]), np.exp([one.max() for one in logs])


def _author_and_year(citation: str) -> str:
    author = re.split(r",| et al| and ", citation, maxsplit=1)[0].rpartition(" ")[2]
    year = re.search(r"\((\d{4})\)", citation)
    return f"{author} {year[1]}" if year else author


def calibrated_route(left: str | Material, right: str | Material, temperature: Array) -> Route:
    """What has learnt from experiment; an InputError says why there is none."""
    low, high = measure.TEMPERATURE_RANGE
    inside = temperature[(temperature >= low) & (temperature <= high)]
    started = perf_counter()
    with catch_warnings():  # of the state of the sides, of which the caller warns
        simplefilter("ignore", ValidityWarning)
        found = measure.calibrated_conductance(left, right, inside if inside.size else temperature)
    ends = found.interval
    here = len(found.measured_by)
    near = ", ".join(one.contact for one in found.support[:3])
    basis = f"measured here by {here} source{'s' * (here > 1)}" if here else f"nearest: {near}"
    return Route(
        name="calibrated", title="calibrated estimate", kind="estimate", conductance=found.conductance,
        low=ends[:, 0], high=ends[:, 1], ends=INTERVAL,
        assumes="; ".join((f"a contact as {found.contacts} measured ones; {basis}", *found.cautions)),
        seconds=perf_counter() - started,
    )  # fmt: skip


def model_routes(left: InterfaceSide, right: InterfaceSide, temperature: Array) -> Iterator[Route]:
    """What models say by the emitted drop, the quick ones first."""
    full = left.spectrum is not None and right.spectrum is not None
    chosen: list[Model] = []
    for one in MODEL_REGISTER:  # with full bands the poorer spectra of the same theory are no routes
        poorer = full and not one.sides.fullest and (one.limit or one.name.startswith("dmm"))
        crystal_limit = one.limit and not one.sides.fullest and "crystal" in one.name
        if not (one.asked or poorer or crystal_limit) and one.sides.fits(left, right):
            chosen.append(one)
    for model in sorted(chosen, key=lambda one: (one.limit, one.thermal)):
        started = perf_counter()
        try:
            (found,) = apply_models(left, right, temperature, [model.name])
            spectrum = None
            if not (model.limit or model.thermal):  # for the figure: one temperature has no spectrum of its own
                at = min(temperature.tolist(), key=lambda t: abs(t - _SPECTRUM_TEMPERATURE))
                spectrum = model.apply(left, right, at)
        except InputError:  # a theory that cannot serve these sides says so when it is called by its name
            continue
        kind: RouteKind = "limit" if model.limit else "model"
        yield Route(
            name=model.name, title=found.title, kind=kind, conductance=evolve(found.emitted, method=found.title),
            assumes=_ASSUMPTIONS.get(model.name, model.sides.text), misses=_MEDIAN_FACTORS.get(model.name),
            seconds=perf_counter() - started, transmission=spectrum,
        )  # fmt: skip


def apparent_route(
    left: InterfaceSide,
    right: InterfaceSide,
    temperature: Array,
    observation: measure.Observation | None = None,
    name: str = "apparent",
) -> Route:
    """What thermoreflectance, or layers between which heat flows, or `observation` would see; an InputError where it is
    not known.
    """
    if left.spectrum is None or right.spectrum is None:
        missing = left if left.spectrum is None else right
        raise InputError(f"the bands of {missing.name} are not known")
    started = perf_counter()
    found = measure.solve_apparent(left, right, temperature, observation)
    return Route(
        name=name, title=f"apparent, {found.observation.title}", kind="model", conductance=found.conductance,
        low=found.low, high=found.high, ends="unknown mean free paths",
        assumes=f"the Boltzmann equation of both solids; at the plane as {found.model}",
        misses=_MEDIAN_FACTORS["apparent"] if observation is None else None, seconds=perf_counter() - started,
    )  # fmt: skip


def computed_route(left: str, right: str, temperature: Array) -> Iterator[Route]:
    """Green's functions that come with the package, where it has them at these temperatures."""
    found = computed_interface(left, right)
    if found is not None and found.covers(temperature):
        yield Route(
            name="agf-computed", title="AGF, computed beforehand", kind="simulation",
            conductance=evolve(found.conductance(temperature), sigma=None, method="AGF"), assumes=found.assumes,
            misses=_MEDIAN_FACTORS["agf-computed"], transmission=found.transmission,
        )  # fmt: skip
