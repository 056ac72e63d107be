"""Student's t: how much wider the interval of a mean is whose error is itself estimated from few values."""

import math

from kapitza.errors import InputError


def student_quantile(level: float, freedom: float) -> float:
    """Half width of an interval of this probability (0 to 1) in standard uncertainties, Student's t."""
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise InputError(f"level = {level:g}, wanted between 0 and 1")
    return float(stdtrit(freedom, 0.5 + level / 2)) if math.isfinite(freedom) else student_quantile(level, 1e9)


def student_widening(freedom: float) -> float:
    """Factor on a standard uncertainty of so many degrees of freedom, with which 1.96 of it are its 95 % interval."""
    return student_quantile(0.95, freedom) / student_quantile(0.95, math.inf)
