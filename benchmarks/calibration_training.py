"""Training of the calibration: amplitudes by marginal likelihood under log-normal priors, and the state of the package.

References
----------
C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press, 2006), chapter 5
K. L. Lange, R. J. A. Little and J. M. G. Taylor, J. Am. Stat. Assoc. 84, 881 (1989), doi:10.1080/01621459.1989.10478852
(Student's t by weights)
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from attrs import evolve, frozen
from scipy.linalg import cho_factor, cho_solve, get_lapack_funcs
from scipy.optimize import minimize

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.calibration.estimate import LINEAR, SMOOTH, State, is_learnt, rows_of
from kapitza.measure.calibration.process import (
    AMPLITUDES,
    COLUMNS,
    Labels,
    Rows,
    Scales,
    common_terms,
    covariance,
    join_rows,
)
from kapitza.measure.catalogue import Measurement

_LENGTH = 2.0  # median length of smooth features
_NOISE, _NOISE_SPREAD = 0.05, 0.5  # of single values within a sample
_TAIL = 4.0  # degrees of freedom of the effects of sources and samples
_MIXTURE_STEPS = 4


@frozen
class Prior(BaseRecord):
    """Log-normal priors of all amplitudes.

    Attributes
    ----------
    amplitudes : medians by name, in ln G
    spread : standard deviation of the ln of each amplitude, and of each length
    """

    amplitudes: Mapping[str, float]
    spread: float

    def medians_and_spreads(self) -> tuple[Array, Array]:
        """Medians (their ln) and spreads of amplitudes, lengths and noise."""
        medians = [*self.amplitudes.values(), *[_LENGTH] * len(SMOOTH), _NOISE]
        return np.log(medians), np.array([self.spread] * (len(medians) - 1) + [_NOISE_SPREAD])


PACKAGE_PRIOR = Prior(AMPLITUDES, 0.2)  # narrow, as some amplitudes rest on a handful of contacts
SAME_PRIOR = Prior(dict.fromkeys(AMPLITUDES, 0.3), 1.0)  # knows nothing of one amplitude that it does not of another


def refit(entries: Iterable[Measurement]) -> State:
    """The state learnt from records of the catalogue."""
    scales, rows = fit_scales(training_rows(entries))
    return State(scales, rows, catalogue_digest())


def fit_scales(rows: Rows, prior: Prior = PACKAGE_PRIOR) -> tuple[Scales, Rows]:
    """Amplitudes by marginal likelihood, and the rows with the weights of their sources and samples."""
    logs = prior.medians_and_spreads()[0]
    for step in range(_MIXTURE_STEPS):
        limit = {"maxiter": 15 if step == 0 else 5}
        logs = minimize(_Likelihood(rows, prior), logs, jac=True, method="L-BFGS-B", options=limit).x
        if step < _MIXTURE_STEPS - 1:
            rows = _weigh_again(_scales(logs), rows)
    return _scales(logs), rows


def _scales(logs: Array) -> Scales:
    amplitudes = dict(zip(AMPLITUDES, np.exp(logs).tolist(), strict=False))
    lengths = np.exp(logs[len(AMPLITUDES) : -1])
    return Scales(amplitudes=amplitudes, lengths=lengths, noise=float(np.exp(logs[-1])))


class _Likelihood:
    """Negative log posterior of the ln of all scales, and its gradient; matrices are held by their lower triangles."""

    def __init__(self, rows: Rows, prior: Prior) -> None:
        self._start, self._spread = prior.medians_and_spreads()
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
        away = (logs - self._start) / self._spread
        value = 0.5 * self._residual @ solved + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
        return float(value), gradient + away / self._spread


def _weigh_again(scales: Scales, rows: Rows) -> Rows:
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


def training_rows(entries: Iterable[Measurement]) -> Rows:
    """Rows of all records that the calibration leans on."""
    return join_rows([rows_of(one, f"s{number}") for number, one in enumerate(entries) if is_learnt(one)])


def catalogue_digest() -> str:
    """Sum over the files of the catalogue, by which a state says what it was learnt from."""
    folder = files("kapitza.measure").joinpath("data")
    parts = [folder.joinpath(name).read_bytes() for name in ("measured.toml", "compilation.csv", "sources.toml")]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def write_state(state: State) -> str:
    """JSON of a state: labels as numbers into a list, features once each, with five digits."""
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        values = getattr(state.rows, name)
        if values.dtype.kind == "U":
            names, codes = np.unique(values, return_inverse=True)
            columns[name] = {"names": names.tolist(), "codes": codes.tolist()}
        elif values.ndim == 1:
            columns[name] = _round_digits(values)
    features = {name: state.rows.linear[:, k] + centre for k, (name, centre) in enumerate(LINEAR.items())}
    features |= {name: state.rows.smooth[:, k] for k, name in enumerate(SMOOTH)}
    found = {
        "catalogue": state.digest,
        "scales": {
            "amplitudes": {name: round(one, 5) for name, one in state.scales.amplitudes.items()},
            "lengths": _round_digits(state.scales.lengths),
            "noise": round(state.scales.noise, 5),
        },
        "rows": columns,
        "features": {name: _round_digits(values) for name, values in features.items()},
    }
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n"


def _round_digits(values: Array) -> list[float]:
    """Values with five digits, whole numbers without a point."""
    rounded = [float(f"{one:.5g}") for one in values.tolist()]
    return [int(one) if one == int(one) else one for one in rounded]
