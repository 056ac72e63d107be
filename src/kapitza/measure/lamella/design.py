"""Virtual experiments on a lamella, and which one would give the absolute resistance best, before any is done."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, numbers
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import Lamella, LamellaMap, LamellaMaterial, LamellaPlane, RelativeThickness
from kapitza.measure.lamella.fit import resistance_sigma
from kapitza.measure.lamella.scan import (
    LamellaScan,
    lamella_problem,
    lamella_scan,
    may_be_negative,
    with_thickness_noise,
)
from kapitza.measure.problem import Prior

_STRIP_PLACE = 0.75  # of the way from the last plane to the right pad
_LOCKIN_LENGTH = 2.0  # times that of the plan
_LOCKIN_AMPLITUDE = 0.1  # of the difference of the pads
_LOCKIN_NOISE = 2**0.5  # of real and of imaginary part, times that of the mean of the same electrons over all phases
_COLUMNS, _ROWS = 24, 6  # of the mesh: an error needs no more

_Plan = tuple[Lamella, tuple[LamellaMap, ...], dict[str, Prior]]
_MAX_SECANT_STEPS = 30
_POWER_TOLERANCE = 1e-9  # of the wanted power


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
    plans = {"as planned": plan}
    for share in (0.3, 0.05, 0.01):
        plans[f"power known to {100 * share:.0f} %"] = _with_power(plan, share, seen_by)
    plans["twice the bias"] = _with_bias(plan)
    plans["twice as long"], plans["half as long"] = _with_length(plan, 2.0), _with_length(plan, 0.5)
    plans["strip known to 5 % in series"] = _with_strip(plan)
    if not any(one.frequency for one in held) and all(one.heat_capacity for one in lamella.materials):
        for depth in (1.0, 2.0):
            frequency = f"{_lockin_frequency(lamella, depth) / 1e6:.2g} MHz"
            name = f"lock-in at {frequency}, {_LOCKIN_LENGTH:g} times as long, no power"
            plans[name] = _with_modulation(plan, depth)
    sigmas = {name: _forecast(changed, sought, seen_by) for name, changed in plans.items()}
    order = sorted(sigmas, key=lambda name: sigmas[name])
    return LamellaDesign(sought, tuple(order), np.array([sigmas[name] for name in order]))


def _with_pads(lamella: Lamella, one: LamellaMap, spread: PointSpread) -> LamellaMap:
    """A map with the temperature of the left pad that its power drives, where none is given."""
    if one.power is None or one.frequency or one.pad_temperatures[0] or not one.pad_temperatures[1]:
        return one
    scan = driven_scan(lamella_scan(lamella, (one,), spread, _COLUMNS, _ROWS), one.power)
    return evolve(one, pad_temperatures=scan.maps[0].pad_temperatures)


def _forecast(plan: _Plan, plane: str, spread: PointSpread) -> float:
    lamella, maps, priors = plan
    filled = simulate_lamella(lamella, maps, spread=spread, seed=None, columns=_COLUMNS, rows=_ROWS)
    problem = lamella_problem(lamella_scan(lamella, filled, spread, _COLUMNS, _ROWS), priors, plane)
    start = np.zeros(len(problem.parameters))
    sought = [one.name for one in problem.parameters].index(f"{plane}.resistance")
    return resistance_sigma(with_thickness_noise(problem, start).jacobian(start), problem.width, sought)


def _with_power(plan: _Plan, share: float, spread: PointSpread) -> _Plan:
    lamella, maps, priors = plan
    made: list[LamellaMap] = []
    for one in maps:
        power = one.power or lamella_scan(lamella, (one,), spread, _COLUMNS, _ROWS).powers()[0]
        made.append(evolve(one, power=None if one.frequency else power, power_sigma=share))
    return lamella, tuple(made), priors


def _with_bias(plan: _Plan) -> _Plan:
    lamella, maps, priors = plan
    made: list[LamellaMap] = []
    for one in maps:
        left, right = one.pad_temperatures
        pads = (2 * left, 2 * right) if one.frequency else (2 * left - right, right)
        made.append(evolve(one, pad_temperatures=pads, power=None if one.power is None else 2 * one.power))
    return lamella, tuple(made), priors


def _with_length(plan: _Plan, factor: float) -> _Plan:
    """The plan with all places along x times a factor; a power that is given falls with the length."""
    lamella, maps, priors = plan
    planes = [evolve(one, position=factor * one.position) for one in lamella.planes]
    thickness = evolve(lamella.thickness, x=factor * lamella.thickness.x)
    left, right = factor * lamella.left, factor * lamella.right
    longer = evolve(lamella, planes=planes, thickness=thickness, left=left, right=right)
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


def _with_modulation(plan: _Plan, depth: float) -> _Plan:
    """The plan with a modulated left pad, a greater length, heat capacities to 5 %, and no power."""
    lamella, maps, priors = _with_length(plan, _LOCKIN_LENGTH)
    frequency = _lockin_frequency(plan[0], depth)
    made: list[LamellaMap] = []
    for one in maps:
        swing = _LOCKIN_AMPLITUDE * abs(complex(one.pad_temperatures[0] - one.pad_temperatures[1]))
        pads = np.array([swing, 0.01 * swing], dtype=complex)
        seen, sigma = one.temperature.astype(complex), _LOCKIN_NOISE * one.sigma
        made.append(evolve(one, temperature=seen, sigma=sigma, power=None, frequency=frequency, pad_temperatures=pads))
    known = {f"{one.name}.heat_capacity": Prior.relative(0.05) for one in lamella.materials}
    return lamella, tuple(made), {**known, **priors}


def draw_numbers(
    lamella: Lamella, priors: Mapping[str, Prior], *, spread: PointSpread | None = None, seed: int = 0
) -> dict[str, float]:
    """Numbers of a virtual lamella drawn from their priors as `fit_lamella` takes them, by name, SI.

    Parameters
    ----------
    lamella : with the best estimates
    priors : by name; what has none stays as it is
    spread : point spread, a point if None
    seed : of the draw

    Raises
    ------
    InputError
        for names that the lamella does not have

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import Prior
    >>> from kapitza.examples import nitride_lamella
    >>> from kapitza.measure.lamella import draw_numbers
    >>> lamella = nitride_lamella()
    >>> drawn = [draw_numbers(lamella, {"AlN.conductivity": Prior.relative(0.1)}, seed=seed) for seed in range(200)]
    >>> values = np.array([one["AlN.conductivity"] for one in drawn])
    >>> print(f"{np.log(values).std():.2f}")  # as stated
    0.10
    """
    present = lamella_scan(lamella, (), spread or PointSpread()).parameters
    rng = np.random.default_rng(seed)
    found: dict[str, float] = {}
    for name, prior in priors.items():
        if name not in present:
            raise InputError(f"the lamella has no {name!r}: there are {', '.join(present)}")
        best, width = prior.center(present[name]), prior.width(present[name])
        shift = float(rng.standard_normal())
        found[name] = best + width * shift if may_be_negative(name) else best * float(np.exp(width / best * shift))
    return found


def draw_thickness(thickness: RelativeThickness, *, seed: int = 0) -> RelativeThickness:
    """True t/λ of a virtual lamella whose map, with its noise, is `thickness`; the same map where it has none.

    The noise is drawn as normal in the logarithm of each pixel, with the correlation of the map.

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.measure.lamella import RelativeThickness, draw_thickness
    >>> x, y = np.linspace(0, 1e-6, 40), np.linspace(0, 1e-6, 40)
    >>> mapped = RelativeThickness(x, y, np.full((40, 40), 0.8), sigma=np.full((40, 40), 0.08))
    >>> true = draw_thickness(mapped, seed=1)
    >>> print(f"{np.log(true.value).std():.2f}")  # as the map says: 0.08 of 0.8
    0.10
    """
    if thickness.sigma is None:
        return thickness
    rng = np.random.default_rng((seed, 2))
    modes = map(np.linalg.eigh, thickness.correlations())
    along, across = (vector * np.sqrt(np.maximum(value, 0)) for value, vector in modes)
    noise = across @ rng.standard_normal(thickness.value.shape) @ along.T
    return evolve(thickness, value=thickness.value * np.exp(thickness.sigma / thickness.value * noise), sigma=None)


def simulate_lamella(
    lamella: Lamella,
    maps: LamellaMap | Sequence[LamellaMap],
    *,
    changes: Mapping[str, float] | None = None,
    spread: PointSpread | None = None,
    seed: int | None = 0,
    columns: int = 48,
    rows: int = 16,
) -> tuple[LamellaMap, ...]:
    """Maps that a lamella would show, with the noise that their uncertainties say.

    Where a map has a power, that is what was read, and the left pad gets the temperature that drives the true power,
    which scatters about the reading by its uncertainty; else the pads have the temperatures of the map.

    Parameters
    ----------
    lamella : with the true numbers, but for `changes`, and the true thickness, as of `draw_thickness`
    maps : pixels, uncertainties (NaN temperatures where a pixel is to have none), powers, temperatures of the pads
    changes : true numbers by name, as of `draw_numbers`
    spread : point spread, a point if None
    seed : of the noise; None for none
    columns, rows : of the mesh

    Raises
    ------
    InputError
        for a map with neither a power nor temperatures of both pads
    ConvergenceError
        if no temperature of the pad drives a power
    """
    held = (maps,) if isinstance(maps, LamellaMap) else tuple(maps)
    spread = spread or PointSpread()
    # a stream of its own: one that `draw_numbers` shares would make the noise follow the numbers drawn
    rng = None if seed is None else np.random.default_rng((seed, 1))
    found: list[LamellaMap] = []
    for one in held:
        if not (one.pad_temperatures[1] and (one.pad_temperatures[0] or one.power)):
            wanted = "the temperatures of both pads, or one and a power"
            raise InputError(f"map {one.name!r} of a simulation needs {wanted}")
        scan = lamella_scan(lamella, (one,), spread, columns, rows).replace(changes or {})
        if one.power is not None:
            error = 0.0 if rng is None else one.power_sigma * float(rng.standard_normal())
            scan = driven_scan(scan, one.power * float(np.exp(error)))
        seen = scan.images()[0]
        if rng is not None:
            noise = rng.standard_normal((2, *seen.shape)) * one.sigma
            seen = seen + (noise[0] + 1j * noise[1] if one.frequency else noise[0])
        found.append(evolve(one, temperature=np.where(scan.measured_pixels[0], seen, np.nan)))
    return tuple(found)


def driven_scan(scan: LamellaScan, power: float) -> LamellaScan:
    """A scan of one map whose left pad is as hot as its power wants, by secants from the temperature it has."""
    name, right = f"{scan.maps[0].name}.left_temperature", float(np.real(scan.maps[0].pad_temperatures[1]))
    guess = float(np.real(scan.maps[0].pad_temperatures[0])) or right
    first = guess if abs(guess - right) > 1e-6 * right else right * 1.01
    ends = [(right, 0.0), (first, scan.replace({name: first}).powers()[0])]
    for _ in range(_MAX_SECANT_STEPS):
        (a, low), (b, high) = ends[-2:]
        if abs(high - power) <= _POWER_TOLERANCE * abs(power):
            return scan.replace({name: b})
        if high == low:
            break
        wanted = b + (power - high) * (b - a) / (high - low)
        if not 0 < wanted < 20 * right:
            break
        ends.append((wanted, scan.replace({name: wanted}).powers()[0]))
    raise ConvergenceError(
        f"no temperature of the left pad drives {power:g} W through this lamella: expected a power of which the left "
        "pad stays above 0 K and below 20 times the right one"
    )
