"""Gray and banded media, given by the heat that they carry one way."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from kapitza.simulate.boltzmann.carriers import Carriers, band_carriers

SPEED = 5000.0  # m/s; steady transport depends on C v and Λ only


@pytest.fixture(scope="session")
def bands() -> Callable[..., Carriers]:
    """Bands with E = C v/4 in MW m⁻² K⁻¹ and mean free paths in nm."""

    def make(flow: Sequence[float], path: Sequence[float], name: str = "a") -> Carriers:
        flow = 1e6 * np.asarray(flow, dtype=float)
        return band_carriers(name, 4 * flow / SPEED, np.full(flow.size, SPEED), 1e-9 * np.asarray(path, dtype=float))

    return make
