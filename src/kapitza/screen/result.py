"""What a screening finds: the best pairs of materials at each temperature, with what the list claims."""

from types import ModuleType
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, IndexArray, about, check_count, labels, one_of, real_array
from kapitza.core.conductance import TEMPERATURE_DROPS, Drop
from kapitza.core.occupation import STATISTICS_NAMES, Statistics
from kapitza.core.records import BaseRecord
from kapitza.errors import require

Order = Literal["high", "low"]
ORDERS: tuple[Order, ...] = ("high", "low")
Precision = Literal["double", "single"]
PRECISIONS: tuple[Precision, ...] = ("double", "single")
_EXTRA = "screen"
_SPECTRA = {(0, 0): "Debye", (0, 1): "Debye|bands", (1, 0): "bands|Debye", (1, 1): "bands"}
_QUANTILE = 1.959963984540054  # of 95 %


def _numbers(value: ArrayLike) -> NDArray[np.int32]:
    """(N,) read-only whole numbers of four bytes, since lists of each material are long."""
    found = np.asarray(value)
    if found.dtype != np.int32 or not _is_frozen(found):
        found = np.array(value, dtype=np.int32, ndmin=1)
        found.flags.writeable = False
    return found


def _floats(value: ArrayLike) -> Array:
    found = np.asarray(value)
    return found if found.dtype == np.float64 and _is_frozen(found) else real_array(value)


def _is_frozen(array: NDArray[Any]) -> bool:
    """Whether nobody can write to an array any more, so that it needs no copy."""
    owner: Any = array if array.base is None else array.base
    return isinstance(owner, np.ndarray) and owner.base is None and not owner.flags.writeable


def _check_top(instance: Any, attribute: Any, value: object) -> None:
    check_count(f"{type(instance).__name__}: {attribute.name}", value)


@frozen(kw_only=True)
class Ranking(BaseRecord):
    """What is looked for among the pairs.

    Raises
    ------
    InputError
        for a number of pairs below 1, or an unknown word
    """

    top: int = field(default=100, validator=_check_top, metadata=about("1", "pairs in each list"))
    best: int = field(
        default=10, validator=_check_top, metadata=about("1", "number of pairs for the probability of being among them")
    )
    calibrated: bool = field(
        default=False, metadata=about("", "calibrated errors for pairs of the library, which take 0.3 s each")
    )
    order: Order = field(
        default="high", validator=one_of(*ORDERS), metadata=about("", "high or low conductances first")
    )
    each: bool = field(default=False, metadata=about("", "a list for each material"))
    drop: Drop = field(
        default="emitted",
        validator=one_of(*TEMPERATURE_DROPS),
        metadata=about("", "temperature drop that defines the conductance"),
    )
    statistics: Statistics = field(
        default="quantum", validator=one_of(*STATISTICS_NAMES), metadata=about("", "statistics of the phonons")
    )
    precision: Precision = field(
        default="double",
        validator=one_of(*PRECISIONS),
        metadata=about("", "precision of the conductances; single is right to 1e-4"),
    )


@frozen(eq=False, kw_only=True)
class Screening(BaseRecord):
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

    Examples
    --------
    >>> from kapitza.screen import library_table, screen
    >>> found = screen(library_table(), 300.0, partners=["diamond"])
    >>> print(type(found).__name__, len(found) > 10)
    Screening True
    """

    names: tuple[str, ...] = field(converter=tuple)
    formulas: tuple[str, ...] = field(converter=tuple)
    full_bands: IndexArray = field(converter=labels, metadata=about("1", "1 with full bands, 0 as a Debye solid"))
    temperature: Array = field(converter=_floats, metadata=about("K", "temperature"))
    rank: NDArray[np.int32] = field(converter=_numbers, metadata=about("1", "rank in its list, from 1"))
    left: NDArray[np.int32] = field(converter=_numbers, metadata=about("1", "material on the left"))
    right: NDArray[np.int32] = field(converter=_numbers, metadata=about("1", "material on the right"))
    owner: NDArray[np.int32] = field(converter=_numbers, metadata=about("1", "material whose list it is"))
    conductance: Array = field(converter=_floats, metadata=about("W m^-2 K^-1", "conductance of the model"))
    expected: Array = field(converter=_floats, metadata=about("W m^-2 K^-1", "median of measurements"))
    spread: Array = field(converter=_floats, metadata=about("1", "standard deviation of ln G of measurements"))
    probability: Array = field(converter=_floats, metadata=about("1", "probability to be among the best"))
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
        return _SPECTRA[int(self.full_bands[self.left[row]]), int(self.full_bands[self.right[row]])]

    def columns(self, rows: slice | IndexArray = slice(None)) -> dict[str, list[Any]]:
        """The rows, or some of them, as columns by name, in SI; low and high are the ends of a 95 % interval."""
        left, right = self.left[rows].tolist(), self.right[rows].tolist()
        expected, ends = self.expected[rows], np.exp(_QUANTILE * self.spread[rows])
        kinds = self.full_bands.tolist()
        found: dict[str, list[Any]] = {
            "temperature": self.temperature[rows].tolist(),
            "rank": self.rank[rows].tolist(),
            "left": [self.names[i] for i in left],
            "right": [self.names[i] for i in right],
            "left_formula": [self.formulas[i] for i in left],
            "right_formula": [self.formulas[i] for i in right],
            "conductance": self.conductance[rows].tolist(),
            "expected": expected.tolist(),
            "low": (expected / ends).tolist(),
            "high": (expected * ends).tolist(),
            "probability": self.probability[rows].tolist(),
            "spectra": [_SPECTRA[kinds[i], kinds[j]] for i, j in zip(left, right, strict=True)],
        }
        if self.ranking.each:
            found["of"] = [self.names[i] for i in self.owner[rows].tolist()]
        return found

    def to_pandas(self) -> Any:
        """The rows as a pandas.DataFrame, in SI; MissingEngine without pandas."""
        return self._frames("pandas").DataFrame(self.columns())

    def to_polars(self) -> Any:
        """The rows as a polars.DataFrame, in SI; MissingEngine without polars."""
        return self._frames("polars").DataFrame(self.columns())

    def _frames(self, package: str) -> ModuleType:
        return require(package, extra=_EXTRA, why=f"a table of {package}")
