"""How much a spectrum can tell: the information of its parameters, whose inverse bounds every estimator."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.measure.eels.model import SpectrumModel, expected, grid_of
from kapitza.measure.eels.task import known_names


def information(
    model: SpectrumModel,
    energy: Array,
    values: Mapping[str, float],
    *,
    fixed: Sequence[str] = (),
    dark_variance: float = 0.0,
    response: float = 1.0,
) -> NDArray[np.float64]:
    r"""Fisher information of the parameters of one spectrum, $\sum_i \partial_a\mu_i \partial_b\mu_i/(\mu_i + v_i)$.

    Its inverse is the bound of Cramér and Rao: no unbiased estimator has a smaller covariance.

    Parameters
    ----------
    model : which peaks there are
    energy : (n,) channels, J
    values : every parameter by name, SI
    fixed : parameters that are taken as known; their rows are zero
    dark_variance : of one channel, electrons²
    response : efficiency of the detector

    Returns
    -------
    (p, p) in the order of `model.names`, inverse products of their SI units

    Raises
    ------
    InputError
        for a parameter without a value, or of an unknown name
    """
    known_names(model, values, dict.fromkeys(fixed, 0.0))
    missing = [name for name in model.names if name not in values]
    if missing:
        raise InputError(f"no value for {missing[0]!r}: the information depends on all of {', '.join(model.names)}")
    units = model.units(float(energy[-1] - energy[0]) / (energy.size - 1))
    x = np.array([values[name] for name in model.names]) / units
    mu, jacobian = expected(model, grid_of(model, energy), x[None])
    rows = response * jacobian[0] / units[:, None]
    rows[[model.names.index(name) for name in fixed]] = 0.0
    return (rows / np.maximum(response * mu[0] + dark_variance, 1e-12)) @ rows.T
