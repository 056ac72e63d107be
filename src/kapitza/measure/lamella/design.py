"""Which experiment on a lamella would give the absolute resistance best, before any of them is done."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, numbers
from kapitza.core.records import BaseRecord
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import Lamella, LamellaMap, LamellaMaterial, LamellaPlane
from kapitza.measure.lamella.fit import resistance_sigma
from kapitza.measure.lamella.problem import lamella_problem, with_thickness_noise
from kapitza.measure.lamella.scan import lamella_scan
from kapitza.measure.lamella.simulate import driven_scan, simulate_lamella
from kapitza.measure.problem import Prior

_STRIP_PLACE = 0.75  # of the way from the last plane to the right pad
_LOCKIN_LENGTH = 2.0  # times that of the plan
_LOCKIN_AMPLITUDE = 0.1  # of the difference of the pads
_LOCKIN_NOISE = 2**0.5  # of real and of imaginary part, times that of the mean of the same electrons over all phases
_COLUMNS, _ROWS = 24, 6  # of the mesh: an error needs no more

_Plan = tuple[Lamella, tuple[LamellaMap, ...], dict[str, Prior]]


@frozen(eq=False)
class LamellaDesign(BaseRecord):
    """Experiments on a lamella, the best first.

    Attributes
    ----------
    plane : whose resistance is sought
    names : (n,) experiments
    relative_sigma : (n,) uncertainty of the resistance that each would leave

    Examples
    --------
    >>> from kapitza import Prior
    >>> from kapitza.examples import lamella_map, nitride_lamella
    >>> from kapitza.measure.lamella import design_lamella
    >>> known = {"AlN.conductivity": Prior.relative(0.1), "SiC.conductivity": Prior.relative(0.1)}
    >>> found = design_lamella(nitride_lamella(), lamella_map(), known)
    >>> for name, sigma in zip(found.names[:4], found.relative_sigma):
    ...     print(f"{name}: {sigma:.0%}")
    power known to 1 %: 2%
    power known to 5 %: 5%
    strip known to 5 % in series: 6%
    twice the bias: 7%
    """

    plane: str
    names: tuple[str, ...] = field(converter=tuple)
    relative_sigma: Array = field(converter=numbers, metadata=about("1", "relative uncertainty of the resistance"))


def design_lamella(
    lamella: Lamella,
    maps: LamellaMap | Sequence[LamellaMap],
    priors: Mapping[str, Prior],
    *,
    plane: str | None = None,
    spread: PointSpread | None = None,
) -> LamellaDesign:
    r"""Rank experiments by the uncertainty $\sigma(\ln R)$ that they would leave.

    Each is linearised at the best estimates: $\sigma^2$ is an element of $(J^TJ + \mathrm{diag}(s^{-2}))^{-1}$ with the
    derivatives J of all data in standard uncertainties and the widths s of the priors.  Compared with the plan are
    powers known to 30, 5 and 1 %, twice the bias, twice and half the length, a strip of known conductivity in series,
    and lock-in maps of twice the length with as many electrons, without a power, where heat capacities are given.

    Parameters
    ----------
    lamella, maps, priors, plane, spread : as `fit_lamella` takes them; maps need their pixels, uncertainties, and the
        temperatures of both pads or a power

    Raises
    ------
    InputError
        for maps that cannot be simulated, as `simulate_lamella`

    Examples
    --------
    >>> from kapitza import Prior
    >>> from kapitza.examples import lamella_map, nitride_lamella
    >>> from kapitza.measure.lamella import design_lamella
    >>> known = {"AlN.conductivity": Prior.relative(0.1), "SiC.conductivity": Prior.relative(0.1)}
    >>> found = design_lamella(nitride_lamella(), lamella_map(), known)
    >>> print(f"best: {found.names[0]}, which leaves {found.relative_sigma[0]:.0%}")
    best: power known to 1 %, which leaves 2%
    """
    held = (maps,) if isinstance(maps, LamellaMap) else tuple(maps)
    sought = plane or lamella.plane_names[0]
    seen_by = spread or PointSpread()
    plan: _Plan = (lamella, tuple(_with_pads(lamella, one, seen_by) for one in held), dict(priors))
    tried: dict[str, Callable[[], _Plan]] = {"as planned": lambda: plan}
    for share in (0.3, 0.05, 0.01):
        tried[f"power known to {100 * share:.0f} %"] = lambda share=share: _with_power(plan, share, seen_by)
    tried["twice the bias"] = lambda: _with_bias(plan, 2.0)
    tried["twice as long"] = lambda: _with_length(plan, 2.0)
    tried["half as long"] = lambda: _with_length(plan, 0.5)
    tried["strip known to 5 % in series"] = lambda: _with_strip(plan)
    if not any(one.frequency for one in held) and all(one.heat_capacity for one in lamella.materials):
        for depth in (1.0, 2.0):
            tried[_lockin_name(lamella, depth)] = lambda depth=depth: _with_modulation(plan, depth)
    found = {name: _forecast(make(), sought, seen_by) for name, make in tried.items()}
    order = sorted(found, key=lambda name: found[name])
    return LamellaDesign(sought, tuple(order), np.array([found[name] for name in order]))


def _with_pads(lamella: Lamella, one: LamellaMap, spread: PointSpread) -> LamellaMap:
    """A map with the temperature of the left pad that its power drives, where none is given."""
    if one.power is None or one.frequency or one.pad_temperatures[0] or not one.pad_temperatures[1]:
        return one
    scan = driven_scan(lamella_scan(lamella, (one,), spread, _COLUMNS, _ROWS), one.power)
    return evolve(one, pad_temperatures=scan.maps[0].pad_temperatures)


def _forecast(plan: _Plan, plane: str, spread: PointSpread) -> float:
    """Relative uncertainty of a resistance that a plan would leave."""
    lamella, maps, priors = plan
    filled = simulate_lamella(lamella, maps, spread=spread, seed=None, columns=_COLUMNS, rows=_ROWS)
    problem = lamella_problem(lamella_scan(lamella, filled, spread, _COLUMNS, _ROWS), priors, plane)
    start = np.zeros(len(problem.parameters))
    return resistance_sigma(with_thickness_noise(problem, start), start, plane)


def _with_power(plan: _Plan, share: float, spread: PointSpread) -> _Plan:
    """The plan with the power of its pads in each map, known to a share."""
    lamella, maps, priors = plan
    powers = [one.power or lamella_scan(lamella, (one,), spread, _COLUMNS, _ROWS).powers()[0] for one in maps]
    pairs = zip(maps, powers, strict=True)
    return (
        lamella,
        tuple(evolve(one, power=None if one.frequency else p, power_sigma=share) for one, p in pairs),
        priors,
    )


def _with_bias(plan: _Plan, factor: float) -> _Plan:
    """The plan with the left pad further from the right one."""
    lamella, maps, priors = plan
    made: list[LamellaMap] = []
    for one in maps:
        left, right = one.pad_temperatures
        pads = (factor * left, factor * right) if one.frequency else (right + factor * (left - right), right)
        made.append(evolve(one, pad_temperatures=pads, power=None if one.power is None else factor * one.power))
    return lamella, tuple(made), priors


def _with_length(plan: _Plan, factor: float) -> _Plan:
    """The plan with all places along x times a factor; a power that is given falls with the length."""
    lamella, maps, priors = plan
    planes = [evolve(one, position=factor * one.position) for one in lamella.planes]
    held = lamella.thickness
    thickness = evolve(held, x=factor * held.x)
    ends = {"left": factor * lamella.left, "right": factor * lamella.right}
    longer = evolve(lamella, planes=planes, thickness=thickness, **ends)
    known = dict(priors)
    for name in known.keys() & {f"{plane}.position" for plane in lamella.plane_names}:
        best = lamella.parameters[name]
        known[name] = Prior(factor * known[name].center(best), known[name].width(best))
    changed = [evolve(one, x=factor * one.x, power=None if one.power is None else one.power / factor) for one in maps]
    return longer, tuple(changed), known


def _with_strip(plan: _Plan) -> _Plan:
    """The plan with a strip of known conductivity between the last plane and the right pad."""
    lamella, maps, priors = plan
    last = lamella.planes[-1]
    place = last.position + _STRIP_PLACE * (lamella.right - last.position)
    like = lamella.materials[-1]
    strip = LamellaMaterial(name="strip", conductivity=like.conductivity, heat_capacity=like.heat_capacity)
    weld = LamellaPlane(position=place, resistance=last.resistance / 2)
    longer = evolve(lamella, materials=(*lamella.materials, strip), planes=(*lamella.planes, weld))
    known = {"strip.conductivity": Prior.relative(0.05)}
    if any(one.frequency for one in maps):
        known["strip.heat_capacity"] = Prior.relative(0.05)
    return longer, maps, {**priors, **known}


def _lockin_frequency(lamella: Lamella, depth: float) -> float:
    """Frequency at which heat diffuses over the distance to the first plane at the length for lock-in, Hz."""
    one = lamella.materials[0]
    distance = _LOCKIN_LENGTH * (lamella.planes[0].position - lamella.left) * depth
    return one.conductivity / (one.heat_capacity or 1.0) / (np.pi * distance**2)


def _lockin_name(lamella: Lamella, depth: float) -> str:
    return f"lock-in at {_lockin_frequency(lamella, depth) / 1e6:.2g} MHz, {_LOCKIN_LENGTH:g} times as long, no power"


def _with_modulation(plan: _Plan, depth: float) -> _Plan:
    """The plan with a modulated left pad, a greater length, heat capacities to 5 %, and no power."""
    lamella, maps, priors = _with_length(plan, _LOCKIN_LENGTH)
    made: list[Any] = []
    for one in maps:
        swing = _LOCKIN_AMPLITUDE * abs(complex(one.pad_temperatures[0] - one.pad_temperatures[1]))
        pads = np.array([swing, 0.01 * swing], dtype=complex)
        changes = {"power": None, "frequency": _lockin_frequency(plan[0], depth), "pad_temperatures": pads}
        made.append(
            evolve(one, temperature=one.temperature.astype(complex), sigma=_LOCKIN_NOISE * one.sigma, **changes)
        )
    known = {f"{one.name}.heat_capacity": Prior.relative(0.05) for one in lamella.materials}
    return lamella, tuple(made), {**known, **priors}
