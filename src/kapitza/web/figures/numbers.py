"""Numbers as figures send them to the browser: few digits, plain lists, maps no finer than a screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from kapitza.core.arrays import Array

_MANY_DECADES = 5e3  # span of an axis from which on ticks stand at decades only
_DIGITS = 5  # of numbers that are sent to the browser
HEAT_SCALE = tuple(
    (i / 9, shade)
    for i, shade in enumerate(
        ("#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4")
    )
)  # of temperatures, even in lightness
MAX_MAP_PIXELS = 65_536  # of a map that is drawn: 256 x 256


def round_numbers(values: Any) -> list[Any]:
    """Numbers with the digits that a figure shows, None for what is not finite, in lists of the same shape."""
    array = np.asarray(values, dtype=float)
    finite = np.isfinite(array)
    safe = np.where(finite & (array != 0), np.abs(array), 1.0)
    size = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(safe)))
    found = (np.round(np.where(finite, array, 0.0) * size) / size).astype(object)
    found[~finite] = None
    return found.tolist()


def coarse_map(axes: tuple[Array, Array], values: Array, most: int = MAX_MAP_PIXELS) -> tuple[Array, Array, Array]:
    """Axes (y, x) and means of a map over blocks of pixels, so many blocks at most; NaN counts in no mean."""
    y, x = axes
    step = int(np.ceil(np.sqrt(values.size / most))) if values.size > most else 1
    if step == 1:
        return y, x, values
    return _block_means(y, step), _block_means(x, step), _block_map(values, step)


def _block_means(axis: Array, step: int) -> Array:
    return np.array([axis[i : i + step].mean() for i in range(0, axis.size, step)])


def _block_map(values: Array, step: int) -> Array:
    """Means over blocks of step x step pixels; those at the far edges may be smaller."""
    finite = np.isfinite(values)
    rows, columns = np.arange(0, values.shape[0], step), np.arange(0, values.shape[1], step)

    def block_sums(array: Any) -> Array:
        return np.add.reduceat(np.add.reduceat(array, rows, axis=0), columns, axis=1).astype(float)

    count = block_sums(finite.astype(float))
    total = block_sums(np.where(finite, values, 0.0))
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def decade_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks of a logarithmic axis, written out: at 1, 2 and 5 of each decade, of many decades at 1."""
    steps = (1, 2, 5) if high < _MANY_DECADES * low else (1,)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found = [one * 10.0**power for power in powers for one in steps if low <= one * 10.0**power <= high]
    return {"type": "log", "tickvals": found, "ticktext": [f"{one:g}" for one in found]}
