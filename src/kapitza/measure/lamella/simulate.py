"""Virtual experiments on a lamella: numbers drawn from their priors, and maps with noise."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.lamella.description import Lamella, LamellaMap, RelativeThickness
from kapitza.measure.lamella.scan import LamellaScan, lamella_scan, may_be_negative
from kapitza.measure.problem import Prior

_MAX_SECANT_STEPS = 30
_POWER_TOLERANCE = 1e-9  # of the wanted power


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
    factors = [
        vector * np.sqrt(np.maximum(value, 0)) for value, vector in map(np.linalg.eigh, thickness.correlations())
    ]
    along, across = factors
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
            raise InputError(
                f"map {one.name!r} of a simulation needs the temperatures of both pads, or one and a power"
            )
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
