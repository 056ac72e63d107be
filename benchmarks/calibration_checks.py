"""Two checks of the calibrated estimate: another regression, and values drawn from the process itself.

Usage: python benchmarks/calibration_checks.py [--draws 20]

Second road: a ridge regression on two dozen columns, its one penalty chosen inside each fold by leaving out sources,
tested on the same rows with the same contacts and sources left out.  It should come near the factor of the process.
Simulation: values drawn from the process itself, on the contacts, sources and samples of the catalogue; scales are
fitted to a random half of the contacts and the others predicted.  Of them 93 to 97 % should lie in the 95 % interval.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from attrs import evolve
from calibration import QUANTILE, folds
from calibration_training import fit_scales

from kapitza.measure.calibration.estimate import load_state
from kapitza.measure.calibration.process import Rows, Scales, covariance, predict_rows

PENALTIES = np.geomspace(0.3, 300, 13)


def columns(rows: Rows) -> np.ndarray:
    """Features, a column for each class of bonding and preparation, and for bonds without metals."""
    classes = sorted({*rows.bonding_left, *rows.bonding_right})
    bonding = [(rows.bonding_left == one).astype(float) + (rows.bonding_right == one) for one in classes]
    made = [(rows.preparation == one).astype(float) for one in sorted({*rows.preparation})]
    return np.column_stack([rows.linear, rows.linear[:, 0] ** 2, *bonding, *made, rows.nonmetals, rows.bond])


def ridge(known: np.ndarray, value: np.ndarray, weight: np.ndarray, wanted: np.ndarray, penalty: float) -> np.ndarray:
    """Weighted ridge regression with a free mean."""
    middle, mean = np.average(known, 0, weight), np.average(value, weights=weight)
    apart = (known - middle) * weight[:, None]
    slopes = np.linalg.solve(apart.T @ (known - middle) + penalty * np.eye(known.shape[1]), apart.T @ (value - mean))
    return mean + (wanted - middle) @ slopes


def second_road(rows: Rows) -> Iterator[float]:
    """Errors of ln G with contact and sources left out; each contact of a source counts like one value."""
    table, value = columns(rows), rows.residual
    made = np.unique([f"{one} {other}" for one, other in zip(rows.source, rows.contact, strict=True)], False, True)[1]
    weight = 1 / np.bincount(made)[made]
    for tested, learnt in folds(rows, "pair+sources"):
        sources = rows.source[learnt]
        loss = np.zeros(PENALTIES.size)
        for part in np.array_split(np.random.default_rng(0).permutation(np.unique(sources)), 8):
            inner, outer = learnt[~np.isin(sources, part)], learnt[np.isin(sources, part)]
            for k, penalty in enumerate(PENALTIES):
                miss = value[outer] - ridge(table[inner], value[inner], weight[inner], table[outer], penalty)
                loss[k] += weight[outer] @ np.abs(miss)
        best = PENALTIES[loss.argmin()]
        yield from value[tested] - ridge(table[learnt], value[learnt], weight[learnt], table[tested], best)


def simulate(scales: Scales, rows: Rows, generator: np.random.Generator, share: float = 0.5) -> np.ndarray:
    """Errors over their standard deviations where values are drawn from the process and a part is predicted."""
    plain = evolve(rows, source_weight=np.ones_like(rows.residual), sample_weight=np.ones_like(rows.residual))
    total = covariance(scales, plain)
    total[np.diag_indices_from(total)] += scales.noise**2
    drawn = evolve(plain, residual=np.linalg.cholesky(total) @ generator.standard_normal(rows.residual.size))
    names = np.unique(rows.contact)
    of = np.isin(rows.contact, generator.choice(names, int(share * names.size), replace=False))
    found, known = fit_scales(drawn.take(np.flatnonzero(of)))
    mean, spread, _ = predict_rows(found, known, held := drawn.take(np.flatnonzero(~of)))
    return (held.residual - mean) / spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20, help="of the simulation")
    options = parser.parse_args()
    state = load_state()
    size = np.abs(list(second_road(state.rows)))
    print(f"ridge regression: median factor {np.exp(np.median(size)):.2f}, within x2 {np.mean(size < np.log(2)):.0%}")
    generator = np.random.default_rng(0)
    away = np.concatenate([simulate(state.scales, state.rows, generator) for _ in range(options.draws)])
    print(f"simulation: {np.mean(np.abs(away) < QUANTILE):.1%} of {away.size} values in the 95 % interval")


if __name__ == "__main__":
    main()
