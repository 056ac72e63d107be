"""Conductances of runs without baths, each by two ways beside each other."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.simulate.md.approach import ApproachFit, approach_conductance
from kapitza.simulate.md.closed_runs import ApproachRun, EquilibriumRun
from kapitza.simulate.md.fluctuations import FluctuationFit, fluctuation_conductance
from kapitza.simulate.md.green_kubo import converted, green_kubo
from kapitza.simulate.md.heat_run import HeatRun
from kapitza.simulate.md.jump import Nemd
from kapitza.simulate.md.sizes import SizeSeries

PERIODS = 2.0  # of the lower highest frequency, after which the Green-Kubo integral is read
KNOWN = 0.1  # relative uncertainty of conductivities that are given
LATER = 5.0  # periods of the lower highest frequency until a heated lattice is a thermal one


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
    conductivity : (2,) of the solids, known to a tenth, W m⁻¹ K⁻¹; None: fitted, too

    Raises
    ------
    InputError
        for a run too short
    """
    data = run.fluctuations(conductivity)
    free = conductivity is None
    fit = fluctuation_conductance(data, high=run.high, free=free, known=0.0 if free else KNOWN)
    reading = PERIODS * 2 * np.pi / float(run.highest.min())
    integral = green_kubo(data, 10 * reading).at(reading)
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
    """

    run: ApproachRun
    lumped: ApproachFit
    slabs: ApproachFit
    chosen: ApproachFit


def relaxation_conductances(run: ApproachRun, conductivity: Sequence[float] | None = None) -> Relaxation:
    """Fit the approach of two temperatures by bodies of one temperature and by two slabs.

    Parameters
    ----------
    run : of the approach
    conductivity : (2,) of the solids, W m⁻¹ K⁻¹; None: fitted, too

    Raises
    ------
    InputError
        for a run too short, or differences that do not decay
    """
    data = run.approach(conductivity)
    after = LATER * 2 * np.pi / float(run.highest.min())
    lumped = approach_conductance(data, after=after, model="lumped")
    slabs = approach_conductance(data, after=after, model="slabs", free=conductivity is None)
    return Relaxation(run, lumped, slabs, lumped if slabs.biot < 0.1 else slabs)


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
