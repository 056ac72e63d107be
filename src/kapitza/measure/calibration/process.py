r"""Hierarchical Gaussian process on ln G: a trend, what classes, materials and contacts have in common, and the noise.

The covariance of two values is a sum of terms, each an amplitude squared times how much the two have in common: classes
of bonding, materials (with a slope in ln T), the contact, the preparation, the film, the method, and, as noise, the
source and the sample.  Effects of sources and samples have the heavy tails of Student's t, as a normal scale mixture:
each has a weight, found by expectation and maximisation.  Amplitudes maximise the marginal likelihood under log-normal
priors.

References
----------
C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press, 2006), chapters 2 and 5
K. L. Lange, R. J. A. Little and J. M. G. Taylor, J. Am. Stat. Assoc. 84, 881 (1989), doi:10.1080/01621459.1989.10478852
(Student's t by weights)
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from attrs import evolve, fields, frozen
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, get_lapack_funcs
from scipy.optimize import minimize

from kapitza.core.arrays import Array
from kapitza.measure.calibration.contacts import SMOOTH

Labels = NDArray[np.str_]

# Median of the prior of each amplitude, in ln G; that of "bond" is what a van der Waals bond may take off
AMPLITUDES: Mapping[str, float] = MappingProxyType({
    "mean": 0.5, "linear": 0.3, "class": 0.15, "material": 0.6, "material slope": 0.1, "contact": 0.3,
    "preparation": 0.3, "film": 0.05, "method": 0.3, "bond": 1.0, "contact of nonmetals": 0.3,
    "source": 0.3, "source of nonmetals": 0.5, "sample": 0.3, "sample slope": 0.1,
    "smooth": 0.2,
})  # fmt: skip
_LENGTH = 2.0  # median length of smooth features
_SPREAD = 0.2  # of the priors in ln: narrow, as the likelihood takes the values of a series for more than they are
_NOISE, _NOISE_SPREAD = 0.08, 0.5  # of single values within a sample
_TAIL = 4.0  # degrees of freedom of the effects of sources and samples
_MIXTURE_STEPS = 4


@frozen(eq=False, kw_only=True)
class Rows:
    """Values of contacts as the process sees them, n of them.

    Attributes
    ----------
    left, right, contact : (n,) names
    bonding_left, bonding_right, preparation, film, method : (n,) classes
    source, sample : (n,) who measured, and on which sample; unique names where nobody did
    nonmetals : (n,) 1 where no side is a metal
    bond : (n,) 1 for van der Waals bonds, less for bonded wafers, 0 else
    linear, smooth : (n, k) features
    temperature : (n,) ln of T over 300 K
    residual : (n,) ln G above the trend; 0 where it is to be found
    source_weight, sample_weight : (n,) of the mixture; 1 for a source or sample like most
    """

    left: Labels
    right: Labels
    contact: Labels
    bonding_left: Labels
    bonding_right: Labels
    preparation: Labels
    film: Labels
    method: Labels
    source: Labels
    sample: Labels
    nonmetals: Array
    bond: Array
    linear: Array
    smooth: Array
    temperature: Array
    residual: Array
    source_weight: Array
    sample_weight: Array

    def take(self, index: NDArray[np.intp]) -> "Rows":
        """Some of the rows."""
        return Rows(**{name: getattr(self, name)[index] for name in COLUMNS})

    def join(self, other: "Rows") -> "Rows":
        """These rows and others."""
        return Rows(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in COLUMNS})


COLUMNS = tuple(one.name for one in fields(Rows))


@frozen(eq=False, kw_only=True)
class Scales:
    """Amplitudes of all terms, lengths of the smooth features, and noise of a single value, in ln G."""

    amplitudes: Mapping[str, float]
    lengths: Array
    noise: float

    @property
    def between_laboratories(self) -> float:
        """Standard deviation of what source, sample and value add, in ln G."""
        found = [self.amplitudes[name] for name in ("source", "sample")]
        return float(np.sqrt(np.square([*found, self.noise]).sum()))


def _same(one: Labels, other: Labels | None = None) -> Array:
    """(n, n) 1 where two labels agree."""
    labels = np.concatenate([one, one if other is None else other])
    codes = np.unique(labels, return_inverse=True)[1]
    return np.equal.outer(codes[: one.size], codes[one.size :]).astype(float)


def _shared(left: Labels, right: Labels) -> Array:
    """(n, n) how many pairs of sides agree."""
    crossed = _same(left, right)
    return _same(left) + _same(right) + crossed + crossed.T


def common_terms(rows: Rows) -> dict[str, Array]:
    """(n, n) by term, how much two values have in common; all but the smooth one."""
    kelvin = np.multiply.outer(rows.temperature, rows.temperature)
    materials, contact = _shared(rows.left, rows.right), _same(rows.contact)
    nonmetals = np.multiply.outer(rows.nonmetals, rows.nonmetals)
    source = _same(rows.source) / np.sqrt(np.multiply.outer(rows.source_weight, rows.source_weight))
    sample = _same(rows.sample)
    return {
        "mean": np.ones_like(kelvin),
        "linear": rows.linear @ rows.linear.T,
        "class": _shared(rows.bonding_left, rows.bonding_right),
        "material": materials,
        "material slope": materials * kelvin,
        "contact": contact,
        "contact of nonmetals": contact * nonmetals,
        "preparation": _same(rows.preparation),
        "film": _same(rows.film),
        "method": _same(rows.method),
        "bond": np.multiply.outer(rows.bond, rows.bond),
        "source": source,
        "source of nonmetals": _same(rows.source) * nonmetals,
        "sample": sample / np.sqrt(np.multiply.outer(rows.sample_weight, rows.sample_weight)),
        "sample slope": sample * kelvin,
    }


def covariance(scales: Scales, rows: Rows) -> Array:
    """(n, n) of ln G at the rows, without the noise of single values."""
    apart = (rows.smooth[:, None] - rows.smooth[None]) / scales.lengths
    total = scales.amplitudes["smooth"] ** 2 * np.exp(-0.5 * np.square(apart).sum(axis=2))
    for name, term in common_terms(rows).items():
        total += scales.amplitudes[name] ** 2 * term
    return total


def fit_scales(rows: Rows) -> tuple[Scales, Rows]:
    """Amplitudes by marginal likelihood, and the rows with the weights of their sources and samples."""
    logs = _prior()[0]
    for step in range(_MIXTURE_STEPS):
        limit = {"maxiter": 15 if step == 0 else 5}
        logs = minimize(_Likelihood(rows), logs, jac=True, method="L-BFGS-B", options=limit).x
        if step < _MIXTURE_STEPS - 1:
            rows = _reweighted(_scales(logs), rows)
    return _scales(logs), rows


def _prior() -> tuple[Array, Array]:
    """Medians (their ln) and spreads of the priors: amplitudes, lengths, noise."""
    medians = [*AMPLITUDES.values(), *[_LENGTH] * len(SMOOTH), _NOISE]
    return np.log(medians), np.array([_SPREAD] * (len(medians) - 1) + [_NOISE_SPREAD])


def _scales(logs: Array) -> Scales:
    amplitudes = dict(zip(AMPLITUDES, np.exp(logs).tolist(), strict=False))
    lengths = np.exp(logs[len(AMPLITUDES) : -1])
    return Scales(amplitudes=amplitudes, lengths=lengths, noise=float(np.exp(logs[-1])))


class _Likelihood:
    """Negative log posterior of the ln of all scales, and its gradient; matrices are held by their lower triangles."""

    def __init__(self, rows: Rows) -> None:
        self._residual, self._size = rows.residual, rows.residual.size
        self._lower = np.tril_indices(self._size)
        self._twice = np.where(self._lower[0] == self._lower[1], 1.0, 2.0)  # each off-diagonal stands for two
        terms = common_terms(rows)
        self._terms = np.stack([terms[name][self._lower] for name in AMPLITUDES if name != "smooth"])
        apart = rows.smooth[self._lower[0]] - rows.smooth[self._lower[1]]
        self._squares = np.square(apart).T.copy()
        (self._invert,) = get_lapack_funcs(("potri",), (self._squares,))

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Value and gradient."""
        scales = _scales(logs)
        amplitudes = np.array([scales.amplitudes[name] for name in AMPLITUDES]) ** 2
        smooth = amplitudes[-1] * np.exp(-0.5 * (scales.lengths**-2 @ self._squares))  # the last amplitude
        total = np.zeros((self._size, self._size))
        total[self._lower] = amplitudes[:-1] @ self._terms + smooth
        total[np.diag_indices_from(total)] += scales.noise**2
        factor = cho_factor(total, lower=True)
        solved = cho_solve(factor, self._residual)
        inverse = self._invert(factor[0], lower=1)[0]
        weight = (inverse[self._lower] - solved[self._lower[0]] * solved[self._lower[1]]) * self._twice
        of_smooth = weight * smooth
        gradient = np.concatenate([
            (self._terms @ weight) * amplitudes[:-1],
            [of_smooth.sum()],
            0.5 * (self._squares @ of_smooth) / scales.lengths**2,
            [weight[self._lower[0] == self._lower[1]].sum() * scales.noise**2],
        ])  # fmt: skip
        start, spread = _prior()
        away = (logs - start) / spread
        value = 0.5 * self._residual @ solved + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
        return float(value), gradient + away / spread


def _reweighted(scales: Scales, rows: Rows) -> Rows:
    """Rows with new weights: an effect far out in the tail of its kind gets a wide one of its own."""
    total = covariance(scales, rows)
    total[np.diag_indices_from(total)] += scales.noise**2
    inverse = cho_solve(cho_factor(total, lower=True), np.eye(rows.residual.size))
    solved = inverse @ rows.residual
    return evolve(
        rows,
        source_weight=_weights(rows.source, rows.source_weight, scales.amplitudes["source"] ** 2, inverse, solved),
        sample_weight=_weights(rows.sample, rows.sample_weight, scales.amplitudes["sample"] ** 2, inverse, solved),
    )


def _weights(labels: Labels, old: Array, variance: float, inverse: Array, solved: Array) -> Array:
    """(n,) weights (ν + 1)/(ν + E u²/s²) of Student's t, from the posterior of each effect u of prior s²/w."""
    names, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    member = np.equal.outer(codes, np.arange(names.size)).astype(float)
    prior = variance / old[first]
    mean = prior * (member.T @ solved)
    spread = prior - prior**2 * np.einsum("ij,ik,kj->j", member, inverse, member, optimize=True)
    return ((_TAIL + 1) / (_TAIL + (mean**2 + spread) / variance))[codes]


def predict_rows(scales: Scales, known: Rows, wanted: Rows) -> tuple[Array, Array, Array]:
    """(m,) mean and standard deviation of ln G above the trend where it is sought, (m, n) weights of the known rows."""
    count = known.residual.size
    total = covariance(scales, known.join(wanted))
    total[np.diag_indices_from(total)] += scales.noise**2
    factor = cho_factor(total[:count, :count], lower=True)
    leaning = cho_solve(factor, total[:count, count:]).T
    variance = np.diag(total)[count:] - np.einsum("ij,ij->i", leaning, total[count:, :count])
    return leaning @ known.residual, np.sqrt(variance), leaning
