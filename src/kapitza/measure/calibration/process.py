r"""Hierarchical Gaussian process on ln G: a trend, what classes, materials and contacts have in common, and the noise.

The covariance of two values is a sum of terms, each an amplitude squared times how much the two have in common: classes
of bonding, materials (with a slope in ln T), the contact, the preparation (also within a pair of classes, as oxygen
matters more on diamond than on silicon), the film, the method, and, as noise, the source and the sample, whose error
wanders with temperature: a series of many temperatures is worth little more than two of them.  Effects of sources and
samples have the heavy tails of Student's t, as a normal scale mixture: each has a weight, found by expectation and
maximisation (`benchmarks/calibration_training.py`).

Where the preparation or the method of a contact is unknown, the process is evaluated for each that occurs among known
contacts with as many metals.  Each has a weight by the number of sources that made a contact so, above all sources
whose nonmetal is of the same class of bonding: terminations of diamond say nothing of silicon.  Mean and spread of ln G
are those of this mixture.

References
----------
C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press, 2006), chapter 2
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from attrs import evolve, fields, frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord

Labels = NDArray[np.str_]

_WANDERING = 0.5  # in ln T: over which the error of a sample forgets itself
UNKNOWN = "unknown"  # label of what nobody says of a contact that is sought
_ELSEWHERE = 2.0  # contacts of other nonmetals count like so many of this one, in their usual shares

# Median of the prior of each amplitude, in ln G; that of "bond" is what a van der Waals bond may take off
AMPLITUDES: Mapping[str, float] = MappingProxyType({
    "mean": 0.5, "linear": 0.3, "class": 0.15, "material": 0.6, "material slope": 0.1, "contact": 0.3,
    "preparation": 0.3, "preparation of classes": 0.4, "film": 0.05, "method": 0.3, "bond": 1.0,
    "contact of nonmetals": 0.3,
    "source": 0.3, "source of nonmetals": 0.5, "sample": 0.3, "sample slope": 0.1, "sample curve": 0.2,
    "smooth": 0.2,
})  # fmt: skip


@frozen(eq=False, kw_only=True)
class Rows(BaseRecord):
    """Values of contacts as the process sees them, n of them."""

    left: Labels  # (n,) names
    right: Labels
    contact: Labels
    bonding_left: Labels  # (n,) classes
    bonding_right: Labels
    preparation: Labels
    film: Labels
    method: Labels
    source: Labels  # (n,) who measured, and on which sample; unique names where nobody did
    sample: Labels
    nonmetals: Array  # (n,) 1 where no side is a metal
    bond: Array  # (n,) 1 for van der Waals bonds, less for bonded wafers, 0 else
    linear: Array  # (n, k) features
    smooth: Array
    temperature: Array  # (n,) ln of T over 300 K
    residual: Array  # (n,) ln G above the trend; 0 where it is sought
    source_weight: Array  # (n,) of the mixture; 1 for a source or sample like most
    sample_weight: Array

    def take(self, index: NDArray[np.intp]) -> "Rows":
        """Some of the rows."""
        return Rows(**{name: getattr(self, name)[index] for name in COLUMNS})


COLUMNS = tuple(one.name for one in fields(Rows))


@frozen(eq=False, kw_only=True)
class Scales(BaseRecord):
    """Amplitudes of all terms, lengths of the smooth features, and noise of a single value, in ln G."""

    amplitudes: Mapping[str, float]
    lengths: Array
    noise: float


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows of several."""
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def _same(one: Labels, other: Labels | None = None) -> Array:
    """(n, n) 1 where two labels agree."""
    labels = np.concatenate([one, one if other is None else other])
    codes = np.unique(labels, return_inverse=True)[1]
    return np.equal.outer(codes[: one.size], codes[one.size :]).astype(float)


def _equal_labels(left: Labels, right: Labels) -> Array:
    """(n, n) how many pairs of sides agree."""
    crossed = _same(left, right)
    return _same(left) + _same(right) + crossed + crossed.T


def common_terms(rows: Rows) -> dict[str, Array]:
    """(n, n) by term, how much two values have in common; all but the smooth one."""
    kelvin = np.multiply.outer(rows.temperature, rows.temperature)
    materials, contact = _equal_labels(rows.left, rows.right), _same(rows.contact)
    nonmetals = np.multiply.outer(rows.nonmetals, rows.nonmetals)
    source = _same(rows.source) / np.sqrt(np.multiply.outer(rows.source_weight, rows.source_weight))
    sample = _same(rows.sample)
    sides = zip(rows.bonding_left.tolist(), rows.bonding_right.tolist(), strict=True)
    preparation, classes = _same(rows.preparation), _same(np.array(["/".join(sorted(pair)) for pair in sides]))
    return {
        "mean": np.ones_like(kelvin),
        "linear": rows.linear @ rows.linear.T,
        "class": _equal_labels(rows.bonding_left, rows.bonding_right),
        "material": materials,
        "material slope": materials * kelvin,
        "contact": contact,
        "contact of nonmetals": contact * nonmetals,
        "preparation": preparation,
        "preparation of classes": preparation * classes,
        "film": _same(rows.film),
        "method": _same(rows.method),
        "bond": np.multiply.outer(rows.bond, rows.bond),
        "source": source,
        "source of nonmetals": _same(rows.source) * nonmetals,
        "sample": sample / np.sqrt(np.multiply.outer(rows.sample_weight, rows.sample_weight)),
        "sample slope": sample * kelvin,
        "sample curve": sample * np.exp(-np.abs(np.subtract.outer(rows.temperature, rows.temperature)) / _WANDERING),
    }


def covariance(scales: Scales, rows: Rows) -> Array:
    """(n, n) of ln G at the rows, without the noise of single values."""
    apart = (rows.smooth[:, None] - rows.smooth[None]) / scales.lengths
    total = scales.amplitudes["smooth"] ** 2 * np.exp(-0.5 * np.square(apart).sum(axis=2))
    for name, term in common_terms(rows).items():
        total += scales.amplitudes[name] ** 2 * term
    return total


def predict_rows(scales: Scales, known: Rows, wanted: Rows) -> tuple[Array, Array, Array]:
    """(m,) mean and standard deviation of ln G above the trend where it is sought, (m, n) weights of the known rows."""
    count = known.residual.size
    total = covariance(scales, join_rows([known, wanted]))
    total[np.diag_indices_from(total)] += scales.noise**2
    leaning: Array = np.asarray(np.linalg.solve(total[:count, :count], total[:count, count:]).T, dtype=float)
    variance = np.diag(total)[count:] - np.einsum("ij,ij->i", leaning, total[count:, :count])
    return leaning @ known.residual, np.sqrt(variance), leaning


class Making(NamedTuple):
    """How a contact was prepared and measured."""

    preparation: str
    bond: float
    method: str


def predict_open_rows(scales: Scales, known: Rows, wanted: Rows) -> tuple[Array, Array, Array]:
    """As `predict_rows`, by the mixture where preparation or method is unknown."""
    size = wanted.residual.size
    mean, spread, leaning = np.empty(size), np.empty(size), np.zeros((size, known.residual.size))
    labels = (wanted.nonmetals.tolist(), wanted.preparation.tolist(), wanted.bond.tolist(), wanted.method.tolist())
    kinds = list(zip(*labels, nonmetal_classes(wanted), strict=True))
    for kind in dict.fromkeys(kinds):
        index = np.flatnonzero([one == kind for one in kinds])
        part = wanted.take(index)
        shares = makings(known, part)
        count = part.residual.size
        copies = [
            evolve(part, **{name: np.full(count, label) for name, label in making._asdict().items()})
            for making in shares
        ]
        means, spreads, weights = predict_rows(scales, known, join_rows(copies))
        share = np.array(list(shares.values()))[:, None]
        means, spreads = means.reshape(len(copies), -1), spreads.reshape(len(copies), -1)
        mean[index], spread[index] = mixture_moments(share, means, spreads)
        leaning[index] = (share[:, :, None] * weights.reshape(*means.shape, -1)).sum(axis=0)
    return mean, spread, leaning


def mixture_moments(share: Array, means: Array, spreads: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (n,) of a mixture of parts with shares (k, 1), means and spreads (k, n).

    By the laws of total expectation and variance.
    """
    mean = (share * means).sum(axis=0)
    return mean, np.sqrt((share * (spreads**2 + (means - mean) ** 2)).sum(axis=0))


def makings(known: Rows, wanted: Rows) -> Mapping[Making, float]:
    """Ways in which contacts with as many metals were made, by their share; one where nothing is unknown.

    Of `known` each source counts once for each contact and way; `wanted` are rows of one kind: alike in preparation,
    bond, method, number of metals, and classes of the nonmetals.
    """
    asked = Making(str(wanted.preparation[0]), float(wanted.bond[0]), str(wanted.method[0]))
    alike = known.take(np.flatnonzero(known.nonmetals == wanted.nonmetals[0]))
    wanted_classes = nonmetal_classes(wanted)[0]
    near = [bool(one & wanted_classes) for one in nonmetal_classes(alike)]
    columns = (alike.source, alike.contact, alike.preparation, alike.bond, alike.method)
    votes = set(zip(*(one.tolist() for one in columns), near, strict=True))
    everywhere, nearby = Counter[Making](), Counter[Making]()
    for _, _, preparation, bond, method, same in votes:
        made = Making(preparation, bond, method)
        if asked.preparation != UNKNOWN:
            made = made._replace(preparation=asked.preparation, bond=asked.bond)
        made = made if asked.method == UNKNOWN else made._replace(method=asked.method)
        everywhere[made] += 1
        nearby[made] += int(same)
    everywhere = everywhere or Counter({asked: 1})
    total = nearby.total() + _ELSEWHERE
    return {
        one: (nearby[one] + _ELSEWHERE * count / everywhere.total()) / total
        for one, count in sorted(everywhere.items())
    }


def nonmetal_classes(rows: Rows) -> list[frozenset[str]]:
    """Classes of bonding of the sides that are no metals, of each row."""
    pairs = zip(rows.bonding_left.tolist(), rows.bonding_right.tolist(), strict=True)
    return [frozenset(one for one in pair if "metal" not in one) for pair in pairs]
