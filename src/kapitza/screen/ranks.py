r"""How far a list of the best pairs can be trusted: errors of the model turned into probabilities of ranks.

A measured conductance lies around the model's as $\ln G = \ln G_\mathrm{model} + b + \sigma z$.  The bias b and the
scatter σ are those of the contacts in the catalogue, $e^b$ the usual ratio and $e^\sigma$ the factor.  Errors of
different pairs are taken as independent, which claims least: what pairs have in common shifts them together and leaves
their order.  All pairs that were compared compete, not only those in the list: where millions lie close below it, the
best ones are rather among them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import field, frozen
from scipy.special import ndtr

from kapitza.core.arrays import Array, IntArray, about
from kapitza.core.conductance import Drop
from kapitza.core.occupation import Statistics
from kapitza.core.phonons import Phonons
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.library import material, materials
from kapitza.matter.phonons import phonon_spectrum
from kapitza.measure.calibration.estimate import calibrated_conductance
from kapitza.measure.catalogue import measured
from kapitza.screen.conductances import table_conductances
from kapitza.screen.table import MaterialTable, has_usable_phonons, is_debye_solid, material_table

_ROOM_TEMPERATURE = 300.0  # K
_FEWEST_CONTACTS = 25  # from which the catalogue tells a factor
_DRAWS = 4000  # of all errors: a probability is uncertain by 0.8 % at most
_MAX_DRAWN = 4 * 10**7  # numbers
_THRESHOLDS = 400


@frozen(kw_only=True)
class ModelError(BaseRecord):
    """How measured conductances scatter around a model."""

    temperature: float = field(metadata=about("K", "temperature of the measurements"))
    ratio: float = field(metadata=about("1", "median of measured over computed conductance"))
    spread: float = field(metadata=about("1", "standard deviation of its logarithm"))
    contacts: int = field(metadata=about("1", "measured contacts"))

    @property
    def text(self) -> str:
        """One line for a table."""
        return (
            f"measured {self.ratio:.2g} times the model, within a factor of {np.exp(self.spread):.2g} (1σ), "
            f"{self.contacts} contacts at {self.temperature:g} K"
        )


@lru_cache(maxsize=64)
def catalogue_error(temperature: float, drop: Drop, statistics: Statistics, *, bands: bool = False) -> ModelError:
    """Scatter of the published conductances around the diffuse mismatch model, near a temperature or near 300 K.

    Parameters
    ----------
    temperature : K
    drop, statistics : of the model
    bands : whether the model takes full bands, for contacts where both sides have them
    """
    sources: dict[tuple[str, str], dict[str, list[float]]] = {}
    for one in measured():
        if not one.exclusion and (rows := list(one.near(temperature))):
            pair = (min(one.left, one.right), max(one.left, one.right))
            sources.setdefault(pair, {}).setdefault(one.doi, []).extend(np.log(one.conductance.value[rows]).tolist())
    contacts = {
        pair: float(np.mean([np.mean(values) for values in by_doi.values()]))
        for pair, by_doi in sources.items()
        if pair[0] != pair[1]
    }
    found = _log_ratios(contacts, temperature, drop, statistics, bands)
    if found.size < _FEWEST_CONTACTS and temperature != _ROOM_TEMPERATURE:
        return catalogue_error(_ROOM_TEMPERATURE, drop, statistics, bands=bands)
    middle = float(np.median(found))
    return ModelError(
        temperature=temperature, ratio=float(np.exp(middle)), spread=float(found.std(ddof=1)), contacts=found.size
    )


def _log_ratios(
    contacts: Mapping[tuple[str, str], float], temperature: float, drop: Drop, statistics: Statistics, bands: bool
) -> Array:
    """Logarithm of measured over computed conductance of each contact whose sides the model takes."""
    names = sorted(filter(has_usable_phonons if bands else is_debye_solid, set(chain(*contacts))))
    pairs = [pair for pair in contacts if set(pair) <= set(names)]
    with catch_warnings():
        simplefilter("ignore", ValidityWarning)
        sides: list[str | Phonons] = [phonon_spectrum(name) if bands else name for name in names]
    if not pairs:
        return np.zeros(0)
    first, second = (np.array([names.index(pair[side]) for pair in pairs]) for side in (0, 1))
    found = table_conductances(material_table(sides), np.array([temperature]), (first, second), drop, statistics)[0]
    measured_values = np.array([contacts[pair] for pair in pairs])
    good = np.isfinite(found) & (found > 0)
    return measured_values[good] - np.log(found[good])


def calibrated_errors(
    table: MaterialTable, pairs: Sequence[tuple[int, int]], temperature: Array
) -> Mapping[tuple[int, int], tuple[Array, Array]]:
    """Median (W m⁻² K⁻¹) and spread of ln G, (nT,) each, of the pairs that the calibration knows.

    These are pairs of which both sides are of the library, with its own numbers.
    """
    library = set(materials())
    own = [
        name in library and abs(material(name).density.value / density - 1) < 1e-9
        for name, density in zip(table.names, table.density.tolist(), strict=True)
    ]
    found: dict[tuple[int, int], tuple[Array, Array]] = {}
    for i, j in pairs:
        if own[i] and own[j]:
            try:
                with catch_warnings():
                    simplefilter("ignore", ValidityWarning)
                    one = calibrated_conductance(table.names[i], table.names[j], temperature)
            except InputError:
                continue
            found[i, j] = (one.value, one.spread)
    return found


def rank_probabilities(
    median: Array, spread: Array, population: tuple[Array, Array, float], best: int, *, sign: int, seed: int = 0
) -> Array:
    """(k,) probability of each pair of a list to be among the best, by draws of all errors, 0 to 1.

    `median` and `spread` (k,) are ln G of the list and its standard deviation, `population` (m,) ln G, (m,) numbers of
    all other pairs there and the standard deviation of their errors; `sign` is 1 where the largest are the best, -1
    for the smallest.
    """
    draws = min(_DRAWS, _MAX_DRAWN // max(median.size + best, 1))
    if draws < _THRESHOLDS:
        return np.full(median.size, np.nan)
    rng = np.random.default_rng(seed)
    values = sign * median + spread * rng.standard_normal((draws, median.size))
    rest = _best_of_others(rng, population, best, draws, sign)
    together = np.concatenate([values, rest], axis=1)
    if together.shape[1] <= best:
        return np.ones(median.size)
    limit = np.partition(together, together.shape[1] - best, axis=1)[:, together.shape[1] - best]
    return np.mean(values >= limit[:, None], axis=0)


def _best_of_others(
    rng: np.random.Generator, population: tuple[Array, Array, float], best: int, draws: int, sign: int
) -> Array:
    """(draws, best) largest values of many pairs with errors: events of a Poisson process, from above."""
    place, count, spread = population
    if count.sum() <= 0:
        return np.zeros((draws, 0))
    place = sign * place[count > 0]
    count = count[count > 0]
    level = np.linspace(place.min() - 5 * spread, place.max() + 8 * spread, _THRESHOLDS)
    above = ndtr((place - level[:, None]) / spread) @ count
    events = np.cumsum(rng.exponential(size=(draws, best)), axis=1)
    found = np.interp(-np.log(events), -np.log(np.maximum(above, 1e-300)), level)
    return np.where(events > count.sum(), -np.inf, found)


def bin_logarithms(lowest_octave: int, per_octave: int, bins: int) -> Array:
    """(bins,) ln of the middle of each bin of the leading bits of a float."""
    number: IntArray = np.arange(bins)
    return np.log(2.0) * (lowest_octave + number // per_octave) + np.log1p((number % per_octave + 0.5) / per_octave)
