"""The largest value of a function of one number that has one hill."""

from collections.abc import Callable

RATIO = (5**0.5 - 1) / 2


def highest(value: Callable[[float], float], low: float, high: float, *, tolerance: float) -> float:
    """Place of the maximum between two numbers by golden section, to a tolerance."""
    left, right = high - RATIO * (high - low), low + RATIO * (high - low)
    at_left, at_right = value(left), value(right)
    while high - low > tolerance:
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - RATIO * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + RATIO * (high - low)
            at_right = value(right)
    return (low + high) / 2
