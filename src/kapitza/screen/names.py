"""Materials of a table by name or formula."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from kapitza.core.arrays import IntArray, name_tuple
from kapitza.errors import InputError
from kapitza.screen.table import MaterialTable

_SHOWN_NAMES = 5


def find_rows(materials: MaterialTable, names: Sequence[str]) -> IntArray:
    """(k,) rows of materials, each by its name or by a formula that stands once in the table.

    Raises
    ------
    InputError
        for what is not there, with the nearest ones, and for a formula of several materials, with their names
    """
    rows = {name: i for i, name in enumerate(materials.names)}
    found: list[int] = []
    for name in name_tuple(names):
        if name in rows:
            found.append(rows[name])
            continue
        same = [i for i, formula in enumerate(materials.formulas) if formula == name]
        if len(same) > 1:
            listed = ", ".join(materials.names[i] for i in same[:_SHOWN_NAMES]) + ", ..." * (len(same) > _SHOWN_NAMES)
            raise InputError(f"{len(same)} materials have the formula {name!r:.40}: choose one by its name: {listed}")
        if not same:
            close = get_close_matches(name, [*materials.names, *dict.fromkeys(materials.formulas)], n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has {len(materials)} materials"
            raise InputError(f"no material {name!r:.60} in the table; {hint}")
        found.append(same[0])
    if len(set(found)) < len(found):
        raise InputError(f"a partner stands twice in {', '.join(names)!r:.80}")
    return np.array(found, dtype=np.int64)
