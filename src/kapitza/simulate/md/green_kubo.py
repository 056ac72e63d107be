"""The integral of the autocorrelation of the power, for comparison, and the two drops that define a conductance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, finite, number, positive
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.simulate.md.fluctuations import Fluctuations
from kapitza.units import k_B


@frozen(eq=False)
class GreenKubo:
    r"""Running integral of the autocorrelation, $\int_0^t \langle q(t') q(0) \rangle dt' / (A k_B T^2)$.

    It rises within the periods of the phonons to the conductance of the emitted drop and falls again as the sides
    charge: in a closed system it ends at exactly zero, so that what is read from it depends on where it is read.

    Attributes
    ----------
    time : (n,) upper ends, s
    value, sigma : (n,) integral and standard uncertainty from segments, W m⁻² K⁻¹
    temperature : K
    """

    time: Array = field(converter=positive)
    value: Array = field(converter=finite)
    sigma: Array = field(converter=finite)
    temperature: float

    def at(self, time: float) -> Conductance:
        """Conductance of the emitted drop, read at a time (s) inside the range.

        Raises
        ------
        InputError
            outside of the range
        """
        when = number(time)
        if not self.time[0] <= when <= self.time[-1]:
            raise InputError(f"time {when:.3g} s, the integral runs from {self.time[0]:.3g} to {self.time[-1]:.3g} s")
        value, sigma = (np.interp(when, self.time, array) for array in (self.value, self.sigma))
        method = f"EMD, Green-Kubo integral to {when / 1e-12:.3g} ps (a plateau that has to be picked)"
        return Conductance(
            [self.temperature], [value], [sigma], "emitted", statistics="classical", method=method
        )  # fmt: skip


def green_kubo(data: Fluctuations, longest: float, *, segments: int = 20) -> GreenKubo:
    """Running Green-Kubo integral of the power, averaged over the boundaries, for comparison.

    Parameters
    ----------
    data : powers in equilibrium
    longest : last upper end, s
    segments : pieces of the run, whose scatter gives the error

    Raises
    ------
    InputError
        if a segment is not at least twice as long as `longest`
    """
    from scipy.fft import irfft, rfft

    positive([longest])
    size, lags = len(data.power) // max(segments, 1), int(longest / data.step)
    if segments < 3 or lags < 2 or size < 2 * lags:
        raise InputError(
            f"{segments} segments of {size} samples for {lags} lags: 3 or more segments of twice the lags are needed"
        )
    rest = data.power - data.power.mean(axis=0)
    pieces = rest[: size * segments].reshape(segments, size, -1)
    transform: Any = rfft(pieces, 2 * size, axis=1)
    spectrum = np.abs(transform) ** 2
    back: Any = irfft(spectrum, axis=1)
    correlation = back[:, : lags + 1] / (size - np.arange(lags + 1))[None, :, None]
    mean = correlation.mean(axis=2)
    steps = (mean[:, 1:] + mean[:, :-1]) / 2
    running = np.cumsum(steps, axis=1) * data.step / (data.area * k_B * data.temperature**2)
    sigma = running.std(axis=0, ddof=1) / np.sqrt(segments)
    return GreenKubo(data.step * np.arange(1, lags + 1), running.mean(axis=0), sigma, data.temperature)


def converted(conductance: Conductance, ballistic: Sequence[float], *, share: float = 0.5) -> Conductance:
    r"""The same boundary with the other drop: "emitted" to "extrapolated" or back, classical.

    $1/G_\mathrm{extrapolated} = 1/G_\mathrm{emitted} - s\,(1/G_{b,A} + 1/G_{b,B})$

    Parameters
    ----------
    conductance : classical, with the drop "emitted" or "extrapolated"
    ballistic : (2,) classical ballistic (Sharvin) conductances of the two solids, W m⁻² K⁻¹
    share : of the one-sided resistances that the extrapolated drop leaves out: 1/2 for phonons of two streams, which
        reach the bulk distribution right away; 0.467 for gray media with diffuse scattering (Milne's problem)

    Raises
    ------
    InputError
        for quantum statistics, another drop, or a conductance above what the emitted drop allows
    """
    solids = positive(ballistic)
    if conductance.statistics != "classical" or conductance.drop == "local" or solids.size != 2:
        raise InputError(
            f"cannot convert a conductance with {conductance.statistics} statistics and {conductance.drop} drop and "
            f"{solids.size} ballistic conductances: wanted a classical one, emitted or extrapolated, and two"
        )
    sign, other = (-1, "extrapolated") if conductance.drop == "emitted" else (1, "emitted")
    resistance = conductance.resistance + sign * share * float(np.sum(1 / solids))
    if not (resistance > 0).all():
        raise InputError(f"1/G = {conductance.resistance.min():.3g} m2K/W is less than the solids alone leave out")
    value = 1 / resistance
    sigma = None if conductance.sigma is None else conductance.sigma * (value / conductance.value) ** 2
    return evolve(
        conductance, value=value, sigma=sigma, drop=other, method=f"{conductance.method}, as the {other} drop"
    )
