"""Bounds of numbers, for what reads them without loading numpy."""

LARGEST = 1e100  # no quantity in SI units lies anywhere near, nor do squares of uncertainties in a search
