r"""Interfaces that are not sharp: rough, intermixed, with vacancies and foreign atoms, the same for the same seed.

A site at height z above the mean interface, at the place (x, y), belongs to the right crystal with the probability
$\tfrac12\,\mathrm{erfc}\left(-(z - h(x, y))/\sqrt2 w\right)$, w the width of the intermixing and h a Gaussian random
height of the given rms value and correlation length, periodic as the cell is.  A graded interface goes over linearly
instead, from $-\sqrt3w$ to $\sqrt3w$, with the same standard width.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from attrs import field, frozen, validators

from kapitza.core.arrays import Array, BoolArray, about, quantity
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.units import angstrom, nm

CompositionProfile = Literal["erf", "linear"]

_ZERO_ALLOWED = -1e-30
COMPOSITION_PROFILES = ("erf", "linear")


def _substitution_shares(value: Mapping[str, float]) -> Mapping[str, float]:
    found = {str(symbol): float(share) for symbol, share in value.items()}
    if not all(0 <= share <= 1 for share in found.values()) or sum(found.values()) > 1:
        raise InputError(f"substitutions {found}: wanted shares from 0 to 1, together at most 1")
    return MappingProxyType(found)


@frozen(kw_only=True)
class Disorder(BaseRecord):
    """What is random about an interface."""

    seed: int = field(default=0, metadata=about("1", "of the random numbers"))
    intermixing: float = field(
        default=0.0,
        validator=quantity(low=_ZERO_ALLOWED, high=1e-7),
        metadata=about("m", "standard width over which the elements of both sides mix, 0.3 nm"),
    )
    roughness: float = field(
        default=0.0,
        validator=quantity(low=_ZERO_ALLOWED, high=1e-7),
        metadata=about("m", "rms height of the interface, 0.3 nm"),
    )
    correlation: float = field(
        default=1 * nm, validator=quantity(high=1e-5), metadata=about("m", "correlation length of the roughness")
    )
    vacancies: float = field(
        default=0.0,
        validator=quantity(low=_ZERO_ALLOWED, high=0.5),
        metadata=about("1", "fraction of empty sites near the interface, 2 %"),
    )
    substitutions: Mapping[str, float] = field(
        factory=dict,
        converter=_substitution_shares,
        metadata=about("1", "share of the sites within `depth` that another element takes, by its symbol"),
    )
    depth: float = field(
        default=0.5 * nm,
        validator=quantity(high=1e-6),
        metadata=about("m", "distance from the interface within which sites are empty or substituted"),
    )
    profile: CompositionProfile = field(
        default="erf",
        validator=validators.in_(COMPOSITION_PROFILES),
        metadata=about("", "composition profile: diffused (erf) or graded (linear)"),
    )

    @property
    def mixes(self) -> bool:
        """Whether atoms of one side come to lie on the other."""
        return self.intermixing > 0 or self.roughness > 0


def right_sites(disorder: Disorder, positions: Array, height: float, periods: Array) -> BoolArray:
    """(n,) whether each site at `positions` (n, 3) m is of the right crystal; `height` of the mean interface, m."""
    rng = np.random.default_rng([disorder.seed, 1])  # a stream for each kind of disorder: none moves another
    above = positions[:, 2] - height
    if disorder.roughness > 0:
        above = above - rough_height(disorder, positions, periods, np.random.default_rng([disorder.seed, 2]))
    if disorder.intermixing == 0:
        return above > 0
    if disorder.profile == "linear":
        chance = 0.5 + above / (2 * np.sqrt(3) * disorder.intermixing)  # width 2√3 σ: rms σ
    else:
        from scipy.special import erfc

        chance = erfc(-above / (np.sqrt(2) * disorder.intermixing)) / 2
    return np.asarray(rng.random(len(positions)) < chance)


def rough_height(disorder: Disorder, positions: Array, periods: Array, rng: np.random.Generator) -> Array:
    """(n,) height of the interface above its mean at each site, m: waves that fit into the cell, scaled to the rms
    value. Their amplitudes have the Gaussian spectrum exp(-(q ξ)²/4) of a correlation exp(-(r/ξ)²).
    """
    reciprocal = 2 * np.pi * np.linalg.inv(periods[:, :2]).T
    most = np.ceil(6 / disorder.correlation / np.linalg.norm(reciprocal, axis=1)).astype(int)
    most = np.clip(most, 1, 24)
    axes = [np.arange(-m, m + 1) for m in most]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    steps = mesh[len(mesh) // 2 + 1 :]  # one of each pair of opposite waves, and no constant
    q = steps @ reciprocal
    spectrum = np.exp(-((np.linalg.norm(q, axis=1) * disorder.correlation) ** 2) / 8)  # root of the spectrum
    amplitude = spectrum * np.sqrt(rng.exponential(size=len(q)))  # complex Gaussian: |a|² is exponential
    phase = rng.uniform(0, 2 * np.pi, len(q))
    rms = np.sqrt((amplitude**2).sum() / 2)
    wave = np.cos(positions[:, :2] @ q.T + phase) @ amplitude
    return np.asarray(disorder.roughness * wave / rms, dtype=float)


def choose_sites(
    disorder: Disorder, positions: Array, height: float, allowed: BoolArray
) -> tuple[BoolArray, dict[str, BoolArray]]:
    """Sites (n,) that are empty, and those that each foreign element takes, among the `allowed` within the depth. Their
    number is the share of the sites within the depth, rounded.
    """
    near = np.flatnonzero(np.abs(positions[:, 2] - height) <= disorder.depth + 1e-3 * angstrom)
    if not allowed[near].all():
        raise InputError(
            f"disorder to a depth of {disorder.depth / nm:g} nm reaches the outermost layers, which must be those of "
            "the crystals: take more layers or a smaller depth"
        )
    order = np.random.default_rng([disorder.seed, 3]).permutation(near)
    empty = np.zeros(len(positions), dtype=bool)
    count = round(disorder.vacancies * len(near))
    empty[order[:count]] = True
    taken: dict[str, BoolArray] = {}
    for symbol, share in disorder.substitutions.items():
        more = round(share * len(near))
        taken[symbol] = np.zeros(len(positions), dtype=bool)
        taken[symbol][order[count : count + more]] = True
        count += more
    return empty, taken
