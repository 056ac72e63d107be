"""Routes to the conductance of an interface: what each says, on what it rests, and how far they lie apart."""

from itertools import combinations
from typing import Literal, get_args

import numpy as np
from attrs import converters, field, frozen

from kapitza import Conductance, Transmission
from kapitza.core import BaseRecord
from kapitza.core.arrays import Array, about, number, numbers, one_of, one_temperature
from kapitza.errors import InputError

RouteKind = Literal["estimate", "model", "limit", "simulation", "experiment"]
ROUTE_KINDS: tuple[RouteKind, ...] = get_args(RouteKind)
INTERVAL = "95 %"  # what the ends of a route are where they are a confidence interval
_QUANTILE = 1.959963984540054  # of 95 %
MEDIAN_DEVIATION = 0.6744897501960817  # median of |x|, x normal with a standard deviation of 1
_WINDOW = 0.05  # relative distance from a temperature within which a value counts as there
_ENDS_OR_NONE = converters.optional(numbers)


@frozen(eq=False, kw_only=True)
class Route(BaseRecord):
    """One route to the conductance of an interface.

    Attributes
    ----------
    name : by which it is asked for, unique among the routes of an interface
    title : for tables and legends
    kind : "estimate" (learnt from experiment), "model", "limit" (an upper one), "simulation" or "experiment"
    conductance : with its drop and statistics, and its uncertainty where it is known
    ends : what `low` and `high` are: "95 %", or bounds over what, in words; empty without them
    assumes : what it takes for granted, in words
    transmission : the spectrum behind it, where there is one

    Examples
    --------
    >>> from kapitza import dmm, solid
    >>> from kapitza.routes import Route
    >>> one = Route(
    ...     name="dmm", title="DMM", kind="model", conductance=dmm(solid("Al"), solid("Si")).conductance([100.0, 300.0])
    ... )
    >>> print(one.definition, one.index(300.0), one.spread(1))
    emitted, quantum 1 None
    """

    name: str
    title: str
    kind: RouteKind = field(validator=one_of(*ROUTE_KINDS))
    conductance: Conductance
    low: Array | None = field(
        default=None, converter=_ENDS_OR_NONE, metadata=about("W m^-2 K^-1", "lower ends at the temperatures")
    )
    high: Array | None = field(
        default=None, converter=_ENDS_OR_NONE, metadata=about("W m^-2 K^-1", "upper ends at the temperatures")
    )
    ends: str = ""
    assumes: str = ""
    misses: float | None = field(
        default=None, metadata=about("1", "median factor by which such routes miss published values at 300 K")
    )
    seconds: float = field(default=0.0, converter=number, metadata=about("s", "time it took"))
    transmission: Transmission | None = None

    @property
    def definition(self) -> str:
        """Drop and statistics; only routes of one definition can be compared."""
        return f"{self.conductance.drop}, {self.conductance.statistics}"

    def index(self, temperature: float) -> int | None:
        """Number of the temperature of this route that is nearest to another (K); None where all are 5 % off."""
        kelvin = one_temperature(temperature)
        nearest = int(np.argmin(np.abs(self.conductance.temperature - kelvin)))
        return nearest if abs(self.conductance.temperature[nearest] / kelvin - 1) <= _WINDOW else None

    def stated_spread(self, index: int) -> float | None:
        """Standard deviation of ln G at one of its temperatures by its own interval or error; None without either."""
        value, sigma = self.conductance.value[index], self.conductance.sigma
        if self.low is not None and self.high is not None and self.ends == INTERVAL:
            return float(np.log(self.high[index] / self.low[index]) / (2 * _QUANTILE))
        return None if sigma is None or not value > 0 else float(sigma[index] / value)

    def spread(self, index: int) -> float | None:
        """Standard deviation of ln G at one of its temperatures: the stated one, else that of normal errors by whose
        median `misses` says such routes are off; None where nobody knows it.
        """
        stated = self.stated_spread(index)
        return stated if stated is not None or self.misses is None else float(np.log(self.misses) / MEDIAN_DEVIATION)


@frozen
class Deviation(BaseRecord):
    """How far two routes of one definition lie apart at a temperature.

    Attributes
    ----------
    first, second : names of the routes
    sigmas : ln(ratio) in joint standard uncertainties of ln G; None where neither route has one, not even by its kind

    Examples
    --------
    >>> from kapitza import amm, dmm, solid
    >>> from kapitza.routes import Route, Routes
    >>> models = {"amm": amm, "dmm": dmm}
    >>> found = {name: model(solid("Al"), solid("Si")).conductance(300.0) for name, model in models.items()}
    >>> rows = [Route(name=name, title=name.upper(), kind="model", conductance=one) for name, one in found.items()]
    >>> apart = Routes(left="Al", right="Si", rows=rows).deviations(300.0)[0]
    >>> print(f"{apart.first} and {apart.second} differ by a factor of {apart.ratio:.2f}")
    amm and dmm differ by a factor of 1.08
    """

    first: str
    second: str
    ratio: float = field(metadata=about("1", "of the first conductance to the second"))
    sigmas: float | None = field(metadata=about("1", "ln(ratio) in joint standard uncertainties"))


@frozen(eq=False, kw_only=True)
class Routes(BaseRecord):
    """All routes to the conductance of one interface.

    Attributes
    ----------
    left, right : names of the sides
    rows : the routes: the estimate that has learnt from experiment first, then models, limits, simulations, experiments
    skipped : what was not computed, and why, one line each
    remarks : what a reader has to know of the sides, such as what gave the forces of a structure file, one line each

    Examples
    --------
    >>> from kapitza import amm, dmm, solid
    >>> from kapitza.routes import Route, Routes
    >>> models = {"amm": amm, "dmm": dmm}
    >>> found = {name: model(solid("Al"), solid("Si")).conductance(300.0) for name, model in models.items()}
    >>> rows = [Route(name=name, title=name.upper(), kind="model", conductance=one) for name, one in found.items()]
    >>> both = Routes(left="Al", right="Si", rows=rows)
    >>> print(both.names, [f"{one.ratio:.2f}" for one in both.deviations(300.0)])
    ('amm', 'dmm') ['1.08']
    """

    left: str
    right: str
    rows: tuple[Route, ...] = field(converter=tuple)
    skipped: tuple[str, ...] = field(default=(), converter=tuple)
    remarks: tuple[str, ...] = field(default=(), converter=tuple)

    def __getitem__(self, name: str) -> Route:
        """Return a route by its name; an InputError names those that there are."""
        for one in self.rows:
            if one.name == name:
                return one
        raise InputError(f"no route {name!r:.60} for {self.left}|{self.right}; there are: {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Of all routes."""
        return tuple(one.name for one in self.rows)

    @property
    def best(self) -> Conductance:
        """What a stack or a device takes: the estimate that has learnt from experiment, else the solved one.

        Raises
        ------
        InputError
            where there is neither
        """
        for name in ("calibrated", "apparent"):
            if name in self.names:
                return self[name].conductance
        raise InputError(
            f"{self.left}|{self.right}: no calibrated and no solved conductance among {', '.join(self.names)}: choose "
            "the conductance of one of them"
        )

    def deviations(self, temperature: float = 300.0) -> tuple[Deviation, ...]:
        """How far routes of one definition (drop and statistics) lie apart near a temperature (K), each pair once.

        Limits are no predictions and are left out.  A route without an error of its own has that of its kind
        (`spread`); against the estimate, whose interval is that of a further measurement, stated errors alone count.
        """
        known = [(one, i) for one in self.rows if one.kind != "limit" and (i := one.index(temperature)) is not None]
        found: list[Deviation] = []
        for pair in combinations(known, 2):
            (first, i), (second, j) = pair
            if first.definition == second.definition:
                values = first.conductance.value[i], second.conductance.value[j]
                ratio = float(values[0] / values[1]) if values[1] > 0 else float("inf")
                learnt = "estimate" in (first.kind, second.kind)
                each = [route.stated_spread(k) if learnt else route.spread(k) for route, k in pair]
                spreads = [spread for spread in each if spread is not None]
                joint = float(np.hypot.reduce(spreads)) if spreads else 0.0
                usable = joint > 0 and 0 < ratio < np.inf
                sigmas = float(np.log(ratio)) / joint if usable else None
                found.append(Deviation(first.name, second.name, ratio, sigmas))
        return tuple(found)
