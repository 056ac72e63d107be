"""Thermal boundary conductance, with the labels without which two of them cannot be compared."""

from inspect import Parameter, signature
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from attrs import converters, evolve, field, frozen, validators
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, increasing, numbers, one_of, same_length, temperatures
from kapitza.core.occupation import STATISTICS_NAMES, Statistics
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError

Drop = Literal["emitted", "local", "extrapolated"]

TEMPERATURE_DROPS: tuple[Drop, ...] = ("emitted", "local", "extrapolated")


def _conductances(value: ArrayLike) -> Array:
    array = numbers(value)
    if (array < 0).any():
        raise InputError(f"expected conductances of at least 0 W/m²K, got {array.min():g}")
    return array


def increasing_temperatures(value: ArrayLike) -> Array:
    """Return `value` as temperatures that increase, K."""
    return increasing(temperatures(value))


@frozen(eq=False)
class Conductance(BaseRecord):
    """Thermal boundary (Kapitza) conductance, 0 to infinity, against temperature, (nT,) each.

    Attributes
    ----------
    drop : which temperature drop defines it.  "emitted": between the reservoirs that emit the phonons.
        "local": between the lattices right at the plane.  "extrapolated": between bulk profiles extrapolated to it,
        as a simulation or an experiment does.
    statistics : "quantum", or "classical" as in molecular dynamics
    source : where it was published, DOI or citation
    gray : True for an extrapolated drop that was estimated for gray, diffuse media, neither solved nor measured: its
        `sigma` is the error of that estimate, and stacks, layouts and bodies take it after `accept_gray` only

    Raises
    ------
    InputError
        for NaN, unequal lengths, temperatures that do not increase, negative conductance or an unknown label
    """

    temperature: Array = field(converter=increasing_temperatures, metadata=about("K", "temperature"))
    value: Array = field(
        converter=_conductances, validator=same_length("temperature"), metadata=about("W m^-2 K^-1", "conductance")
    )
    sigma: Array | None = field(
        default=None,
        converter=converters.optional(_conductances),
        validator=validators.optional(same_length("temperature")),
        metadata=about("W m^-2 K^-1", "uncertainty of the conductance"),
    )
    drop: Drop = field(default="extrapolated", validator=one_of(*TEMPERATURE_DROPS))
    statistics: Statistics = field(default="quantum", kw_only=True, validator=one_of(*STATISTICS_NAMES))
    method: str = field(default="", kw_only=True)
    source: str = field(default="", kw_only=True)
    gray: bool = field(default=False, kw_only=True)

    def accept_gray(self) -> "Conductance":
        """The same, for a solver of Fourier's law, by whoever vouches for the gray estimate; its error stays."""
        return evolve(self, gray=False)

    @property
    def resistance(self) -> Array:
        """(nT,) Kapitza resistance, m² K W⁻¹."""
        with np.errstate(divide="ignore"):
            return 1 / self.value

    def kapitza_length(self, conductivity: float) -> Array:
        """(nT,) thickness of a solid of this conductivity (W m⁻¹ K⁻¹) with the same resistance, m."""
        return conductivity * self.resistance

    def at(self, temperature: ArrayLike) -> Array:
        """(n,) conductance at other temperatures (K) inside the range, by a power law between neighbours, W m⁻² K⁻¹.

        Raises
        ------
        InputError
            outside of the range of temperatures: nothing is extrapolated
        """
        wanted = temperatures(temperature)
        low, high = self.temperature[0], self.temperature[-1]
        outside = (wanted < low * (1 - 1e-12)) | (wanted > high * (1 + 1e-12))
        if outside.any():
            raise InputError(
                f"{self.method or 'conductance'} is known from {low:g} to {high:g} K, not at {wanted[outside][0]:g} K"
            )
        if np.isfinite(self.value).all() and (self.value > 0).all():
            return np.exp(np.interp(np.log(wanted), np.log(self.temperature), np.log(self.value)))
        exact = np.searchsorted(self.temperature, wanted * (1 - 1e-12))
        if np.abs(self.temperature[exact] / wanted - 1).max(initial=0) > 1e-9:
            raise InputError(
                f"{self.method or 'conductance'} is 0 or infinite at some temperatures: ask for tabulated ones"
            )
        return self.value[exact]

    def deviation(self, other: "Conductance") -> Array:
        """(nT,) difference from another conductance at the temperatures of this one, in joint standard uncertainties.

        Raises
        ------
        InputError
            if they refer to different drops or statistics, or if neither has an uncertainty
        """
        check_comparable(self, other)
        if self.sigma is None and other.sigma is None:
            raise InputError(
                f"neither {self.method!r} nor {other.method!r} has an uncertainty: the deviation has no scale"
            )
        theirs = 0.0 if other.sigma is None else np.interp(self.temperature, other.temperature, other.sigma)
        ours = 0.0 if self.sigma is None else self.sigma
        return (self.value - other.at(self.temperature)) / np.hypot(ours, theirs)


@runtime_checkable
class HoldsConductance(Protocol):
    """A result that holds a conductance: an estimate, a solution, a measurement, a route."""

    @property
    def conductance(self) -> Conductance:
        """The conductance of an interface."""
        ...


def held_conductance(value: object) -> Conductance | None:
    """The conductance that a result is, holds or gives without being asked for anything more; None without one.

    Of several routes to one interface it is the best.
    """
    if isinstance(value, Conductance):
        return value
    for name in ("best", "conductance"):
        held = getattr(value, name, None)
        if callable(held) and not any(one.default is Parameter.empty for one in signature(held).parameters.values()):
            held = held()
        if isinstance(held, Conductance):
            return held
    return None


_EXTRAPOLATED = Hint(
    python="apparent_conductance(left, right, T).conductance is solved, calibrated_conductance learnt from experiment",
    command="`kapitza predict A B --seen tdtr` solves for it, { interface = 'A|B' } in a file is learnt from "
    "experiment",
)


def check_fourier_drop(value: Conductance, solver: str) -> None:
    """Refuse a conductance that is not the extrapolated drop, or was estimated for gray media and not accepted.

    `solver` says what takes which profiles, as "a stack is solved with bulk profiles".
    """
    name = value.method or "this conductance"
    if value.drop != "extrapolated":
        raise InputError(
            f"{name} refers to the {value.drop} drop; {solver} and takes the extrapolated one:", hint=_EXTRAPOLATED
        )
    if value.gray:
        raise InputError(
            f"{name} is the extrapolated drop of gray, diffuse media, which is off by factors:",
            hint=Hint(
                python=f"{_EXTRAPOLATED.python}; .accept_gray() takes the estimate all the same",
                command=f"{_EXTRAPOLATED.command}; {{ file = ..., drop = 'gray' }} in a file takes it all the same",
            ),
        )


def check_comparable(a: Conductance, b: Conductance) -> None:
    """Refuse to compare what refers to different temperatures or statistics."""
    for name, means, example in (
        ("drop", ": they refer to different temperatures. Take both with the same drop,", "extrapolated"),
        ("statistics", ". Take both with the same,", "classical"),
    ):
        one, other = getattr(a, name), getattr(b, name)
        if one != other:
            raise InputError(
                f"cannot compare {a.method!r} ({one} {name}) with {b.method!r} ({other} {name}){means}",
                hint=Hint(python=f"e.g. conductance(T, {name}='{example}').", command=f"e.g. by --{name} {example}."),
            )


def series_conductance(*parts: Conductance, method: str = "") -> Conductance:
    """Conductance of boundaries one behind the other, each with its own equilibrium between them (resistances add).

    Parameters
    ----------
    parts : conductances at the same temperatures, of the same drop and statistics
    method : label of the result; "A + B" of the parts if empty

    Raises
    ------
    InputError
        if there is no part, or the parts cannot be added
    """
    if not parts:
        raise InputError(f"expected conductances to put in series, got {len(parts)}")
    first = parts[0]
    for part in parts[1:]:
        check_comparable(first, part)
        kelvin, other = first.temperature, part.temperature
        if kelvin.size != other.size or np.any(np.abs(kelvin / other - 1) > 1e-12):
            raise InputError(
                f"{first.method!r} has {kelvin.size} temperatures from {kelvin[0]:g} K, {part.method!r} has "
                f"{other.size} from {other[0]:g} K: take both at the same ones"
            )
    resistance = np.sum([part.resistance for part in parts], axis=0)
    with np.errstate(divide="ignore"):
        value = 1 / resistance
    sigma = None
    if any(part.sigma is not None for part in parts):
        shares = [(value / part.value) ** 2 * part.sigma for part in parts if part.sigma is not None]
        sigma = np.sqrt(np.sum(np.square(shares), axis=0))
    label = method or " + ".join(part.method for part in parts)
    return evolve(first, value=value, sigma=sigma, method=label, source="", gray=any(part.gray for part in parts))


def merge_conductances(parts: "list[Conductance]", method: str = "") -> Conductance:
    """One conductance of T from several at different temperatures, as inelastic models give them one by one."""
    if not parts:
        raise InputError(f"expected conductances to join, got {len(parts)}")
    for part in parts[1:]:
        check_comparable(parts[0], part)
    temperature = np.concatenate([part.temperature for part in parts])
    order = np.argsort(temperature)
    value = np.concatenate([part.value for part in parts])[order]
    known = [part.sigma for part in parts if part.sigma is not None]
    sigma = np.concatenate(known)[order] if len(known) == len(parts) else None
    gray = any(part.gray for part in parts)
    columns = {"temperature": temperature[order], "value": value, "sigma": sigma}
    return evolve(parts[0], **columns, method=method or parts[0].method, source="", gray=gray)


def constant_conductance(value: float, sigma: float, method: str) -> Conductance:
    """A number (W m⁻² K⁻¹) for all temperatures (1 K to 10⁴ K), with its standard uncertainty, extrapolated drop."""
    return Conductance([1.0, 1e4], np.full(2, value), np.full(2, sigma), method=method)
