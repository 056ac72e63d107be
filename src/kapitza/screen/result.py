"""What a screening finds: the best pairs of materials at each temperature, with what the list claims."""

from types import ModuleType
from typing import Any, Literal

import numpy as np
from attrs import field, frozen

from kapitza.core.arrays import Array, IndexArray, about, check_count, integer_array, labels, one_of, real_array
from kapitza.core.conductance import TEMPERATURE_DROPS, Drop
from kapitza.core.occupation import STATISTICS_NAMES, Statistics
from kapitza.errors import require

Order = Literal["high", "low"]
ORDERS: tuple[Order, ...] = ("high", "low")
_EXTRA = "screen"
_QUANTILE = 1.959963984540054  # of 95 %


def _check_top(instance: Any, attribute: Any, value: object) -> None:
    check_count(f"{type(instance).__name__}: {attribute.name}", value)


@frozen(kw_only=True)
class Ranking:
    """What is looked for among the pairs.

    Attributes
    ----------
    order : "high" or "low" conductances first
    best : among how many a pair is to be with the probability of the list
    calibrated : whether pairs that the calibration knows take their error from it, which needs a third of a second each
    each : whether each material has a list of its own
    drop : the temperature drop that defines the conductance
    statistics : "quantum" or "classical"

    Raises
    ------
    InputError
        for a number of pairs below 1, or an unknown word
    """

    top: int = field(default=100, validator=_check_top, metadata=about("1", "pairs in a list"))
    best: int = field(default=10, validator=_check_top, metadata=about("1", "for the probability of a rank"))
    calibrated: bool = False
    order: Order = field(default="high", validator=one_of(*ORDERS))
    each: bool = False
    drop: Drop = field(default="emitted", validator=one_of(*TEMPERATURE_DROPS))
    statistics: Statistics = field(default="quantum", validator=one_of(*STATISTICS_NAMES))


@frozen(eq=False, kw_only=True)
class Screening:
    """The best pairs of materials, a row for each: by temperature, then by rank.

    Attributes
    ----------
    names, formulas : of the materials that appear
    full_bands : (n,) whether a material was taken with full bands, or as a Debye solid
    left, right : (N,) number of either side among the names
    owner : (N,) number of the material whose list a row is in; -1 in a list of all pairs
    expected, spread : (N,) what a measurement would find, and the standard deviation of its logarithm: by the ratios of
        the catalogue, or calibrated
    probability : (N,) to be among the best, if all pairs were measured; NaN in lists of each material
    error : how measurements scatter around the model, in words
    ranking : what was looked for
    source : of the numbers of the materials
    """

    names: tuple[str, ...] = field(converter=tuple)
    formulas: tuple[str, ...] = field(converter=tuple)
    full_bands: IndexArray = field(converter=labels, metadata=about("1", "1 with full bands, 0 as a Debye solid"))
    temperature: Array = field(converter=real_array, metadata=about("K", "temperature"))
    rank: IndexArray = field(converter=integer_array, metadata=about("1", "rank in its list, from 1"))
    left: IndexArray = field(converter=labels, metadata=about("1", "material on the left"))
    right: IndexArray = field(converter=labels, metadata=about("1", "material on the right"))
    owner: IndexArray = field(converter=labels, metadata=about("1", "material whose list it is"))
    conductance: Array = field(converter=real_array, metadata=about("W m^-2 K^-1", "conductance of the model"))
    expected: Array = field(converter=real_array, metadata=about("W m^-2 K^-1", "median of measurements"))
    spread: Array = field(converter=real_array, metadata=about("1", "standard deviation of ln G of measurements"))
    probability: Array = field(converter=real_array, metadata=about("1", "probability to be among the best"))
    ranking: Ranking
    pairs: int = field(metadata=about("1", "pairs that were compared"))
    materials: int = field(metadata=about("1", "materials in the table"))
    error: str = ""
    source: str = ""

    def __len__(self) -> int:
        return self.rank.size

    @property
    def method(self) -> str:
        """Label for legends and tables."""
        return f"DMM, {self.ranking.drop} drop"

    @property
    def resistance(self) -> Array:
        """(N,) Kapitza resistance, m² K W⁻¹; infinite where nothing crosses."""
        with np.errstate(divide="ignore"):
            return 1 / self.conductance

    def spectra(self, row: int) -> str:
        """What was taken for the phonons of both sides of a row: "Debye", "bands", or "Debye|bands"."""
        kinds = ["bands" if self.full_bands[side[row]] else "Debye" for side in (self.left, self.right)]
        return kinds[0] if kinds[0] == kinds[1] else "|".join(kinds)

    def columns(self) -> dict[str, list[Any]]:
        """The rows as columns by name, in SI; low and high are the ends of a 95 % interval."""
        left, right = self.left.tolist(), self.right.tolist()
        found: dict[str, list[Any]] = {
            "temperature": self.temperature.tolist(),
            "rank": self.rank.tolist(),
            "left": [self.names[i] for i in left],
            "right": [self.names[i] for i in right],
            "left_formula": [self.formulas[i] for i in left],
            "right_formula": [self.formulas[i] for i in right],
            "conductance": self.conductance.tolist(),
            "expected": self.expected.tolist(),
            "low": (self.expected * np.exp(-_QUANTILE * self.spread)).tolist(),
            "high": (self.expected * np.exp(_QUANTILE * self.spread)).tolist(),
            "probability": self.probability.tolist(),
            "spectra": [self.spectra(row) for row in range(len(self))],
        }
        if self.ranking.each:
            found["of"] = [self.names[i] for i in self.owner.tolist()]
        return found

    def to_pandas(self) -> Any:
        """The rows as a pandas.DataFrame, in SI; MissingEngine without pandas."""
        return self._frames("pandas").DataFrame(self.columns())

    def to_polars(self) -> Any:
        """The rows as a polars.DataFrame, in SI; MissingEngine without polars."""
        return self._frames("polars").DataFrame(self.columns())

    def _frames(self, package: str) -> ModuleType:
        return require(package, extra=_EXTRA, why=f"a table of {package}")
