"""Conductances of runs without baths, each by two ways beside each other."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.simulate.md.approach import Approach, ApproachFit, approach_conductance
from kapitza.simulate.md.closed_runs import ApproachRun, EquilibriumRun
from kapitza.simulate.md.fluctuations import LUMPED_BELOW, FluctuationFit, fluctuation_conductance
from kapitza.simulate.md.green_kubo import converted, green_kubo
from kapitza.simulate.md.heat_run import HeatRun
from kapitza.simulate.md.jump import Nemd
from kapitza.simulate.md.sizes import SizeSeries
from kapitza.units import nm

PERIODS = 2.0  # of the lower highest frequency, after which the Green-Kubo integral is read
KNOWN = 0.1  # relative uncertainty of conductivities that are given
GUESSED = 0.5  # of those that are estimated
LATER = 1.0  # periods of the lower highest frequency that are left out at the start
DECAYS = 2.5  # times that the difference takes to fall to 1/e, up to which it stands out of its noise
FEWEST = 20  # times of a fit
THICK = 2.0  # free paths that a side wants, or phonons cross it as if it were empty


@frozen(eq=False)
class Equilibrium:
    """Conductances from fluctuations.

    Attributes
    ----------
    run : in equilibrium
    fit : of the spectrum of the power, extrapolated drop
    green_kubo : integral of its autocorrelation up to two periods of the highest frequency, emitted drop
    converted : the same as extrapolated drop, with estimated ballistic conductances; None where they allow none
    """

    run: EquilibriumRun
    fit: FluctuationFit
    green_kubo: Conductance
    converted: Conductance | None


def equilibrium_conductances(run: EquilibriumRun, conductivity: Sequence[float] | None = None) -> Equilibrium:
    """Fit the spectrum of the power of a run in equilibrium, with Green's and Kubo's integral beside it.

    Parameters
    ----------
    run : in equilibrium
    conductivity : (2,) of the solids, known to a tenth, W m⁻¹ K⁻¹; None: an estimate, known to a half

    Raises
    ------
    InputError
        for a run too short
    """
    data = run.fluctuations(conductivity)
    fit = fluctuation_conductance(data, high=run.high, known=GUESSED if conductivity is None else KNOWN)
    reading = PERIODS * 2 * np.pi / float(run.highest.min())
    integral = green_kubo(data, 1.5 * reading).at(reading)
    try:
        other = converted(integral, run.ballistic.tolist())
    except InputError:  # the estimate of the solids leaves nothing to the boundary
        other = None
    return Equilibrium(run, fit, integral, other)


@frozen(eq=False)
class Relaxation:
    """Conductances from the approach of two temperatures.

    Attributes
    ----------
    run : of the approach
    lumped, slabs : fits of bodies of one temperature and of two slabs
    chosen : the one that the Biot number asks for
    paths : (2,) mean free paths of the sides, from their conductivities and estimated ballistic conductances, m
    """

    run: ApproachRun
    lumped: ApproachFit
    slabs: ApproachFit
    chosen: ApproachFit
    paths: Array

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the result is not to be believed; empty where nothing speaks against it."""
        thin = self.run.length < THICK * self.paths
        if not thin.any():
            return self.chosen.reasons
        thinness = (
            f"sides reach {self.run.length.min() / nm:.3g} nm from the boundary, {THICK:g} free paths are "
            f"{THICK * self.paths.max() / nm:.3g} nm: what is found lies between the emitted and the extrapolated drop"
        )
        return (*self.chosen.reasons, thinness)


def relaxation_conductances(run: ApproachRun, conductivity: Sequence[float] | None = None) -> Relaxation:
    """Fit the approach of two temperatures by bodies of one temperature and by two slabs.

    Parameters
    ----------
    run : of the approach
    conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: an estimate, which only the model of two slabs needs

    Raises
    ------
    InputError
        for a run too short, or differences that do not decay
    """
    data = run.approach(conductivity)
    after = LATER * 2 * np.pi / float(run.highest.min())
    data = standing_out(data, after)
    lumped = approach_conductance(data, after=after, model="lumped")
    slabs = approach_conductance(data, after=after, model="slabs")
    paths = 3 / 4 * np.array([data.left.conductivity, data.right.conductivity]) / run.ballistic
    return Relaxation(run, lumped, slabs, lumped if slabs.biot < LUMPED_BELOW else slabs, paths)


def standing_out(data: Approach, after: float) -> Approach:
    """Differences up to some times of their decay; what follows is noise, and the tail of few slow vibrations."""
    mean = data.difference.mean(axis=0)
    start = int(np.searchsorted(data.time, after))
    first = mean[start : start + 3].mean()
    fallen = np.flatnonzero(np.convolve(mean[start:], np.ones(3) / 3, "valid") < first / np.e)
    if not fallen.size:
        return data
    count = start + max(FEWEST, int(DECAYS * (fallen[0] + 1)))
    return evolve(data, time=data.time[:count], difference=data.difference[:, :count])


@frozen(eq=False)
class Sizes:
    """One interface between sides of several lengths.

    Attributes
    ----------
    runs, results : of each length
    series : extrapolation to infinite length
    """

    runs: tuple[HeatRun, ...]
    results: tuple[Nemd, ...]
    series: SizeSeries
