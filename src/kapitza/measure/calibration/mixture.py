r"""What nobody says of a contact: a mixture over how contacts of its kind were prepared and measured.

Where the preparation or the method is unknown, the process is asked for each that occurs among known contacts with as
many metals.  Each counts by how many sources made a contact so, those above all whose nonmetal is of the same class of
bonding: terminations of diamond say nothing of silicon.  Mean and spread of ln G are those of the mixture: the
spread is what each way leaves open, and how far they lie from one another.
"""

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.measure.calibration.process import Rows, Scales, predict_rows

UNKNOWN = "unknown"  # label of what nobody says of a contact that is sought
_ELSEWHERE = 2.0  # contacts of other nonmetals count like so many of this one, in their usual shares


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
        copies = [_prepare(part, one) for one in shares]
        means, spreads, weights = predict_rows(scales, known, reduce(Rows.join, copies))
        share = np.array(list(shares.values()))[:, None]
        means, spreads = means.reshape(len(copies), -1), spreads.reshape(len(copies), -1)
        mean[index], spread[index] = mixture_moments(share, means, spreads)
        leaning[index] = (share[:, :, None] * weights.reshape(*means.shape, -1)).sum(axis=0)
    return mean, spread, leaning


def mixture_moments(share: Array, means: Array, spreads: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of a mixture, by the laws of total expectation and variance.

    Parameters
    ----------
    share : (k, 1) of each part, 1 in sum
    means, spreads : (k, n) of the parts

    Returns
    -------
    (n,) each
    """
    mean = (share * means).sum(axis=0)
    return mean, np.sqrt((share * (spreads**2 + (means - mean) ** 2)).sum(axis=0))


def makings(known: Rows, wanted: Rows) -> Mapping[Making, float]:
    """Ways in which contacts with as many metals were made, by their share; one where nothing is unknown.

    Parameters
    ----------
    known : rows of which each source counts once for each contact and way
    wanted : rows of one kind: alike in preparation, bond, method, number of metals, and classes of the nonmetals
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


def _prepare(rows: Rows, how: Making) -> Rows:
    """The same contacts, prepared and measured in one way."""
    size = rows.residual.size
    return evolve(
        rows, preparation=np.full(size, how.preparation), bond=np.full(size, how.bond), method=np.full(size, how.method)
    )
