"""Conductances of closed cells: fluctuations in equilibrium, and relaxation of two sides, each by two ways."""

from collections.abc import Sequence

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, positive
from kapitza.core.conductance import Conductance
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.simulate.md.analysis import equilibrium
from kapitza.simulate.md.analysis.equilibrium import FluctuationFit, PowerFluctuations
from kapitza.simulate.md.analysis.nemd import NemdResult
from kapitza.simulate.md.analysis.relaxation import MAX_LUMPED_BIOT, RelaxationData, RelaxationFit, fit_relaxation
from kapitza.simulate.md.analysis.sizes import SizeSeries
from kapitza.simulate.md.runs.run import HalfCells, Run
from kapitza.units import nm

_READING_PERIODS = 2.0  # of the lower highest frequency, after which the Green-Kubo integral is read
_GIVEN_UNCERTAINTY = 0.1  # relative uncertainty of conductivities that are given
_ESTIMATED_UNCERTAINTY = 0.5  # of those that are estimated
_SKIPPED_PERIODS = 1.0  # periods of the lower highest frequency that are left out at the start
_FITTED_DECAYS = 2.5  # times that the difference takes to fall to 1/e, up to which it stands out of its noise
_MIN_FIT_TIMES = 20  # times of a fit
_MIN_FREE_PATHS = 2.0  # free paths that a side needs, or phonons cross it as if it were empty


def half_cells(run: Run) -> HalfCells:
    """The two sides of a closed cell."""
    if not run.length.size:
        raise InputError(f"{run.title}: a run between thermostats: wanted one of a closed cell")
    return HalfCells(run.length, run.density)


def power_fluctuations(run: Run, conductivity: ArrayLike | None = None) -> PowerFluctuations:
    """Power of a closed cell in equilibrium, with its two sides of `conductivity` (2,) W m⁻¹ K⁻¹; None: an estimate."""
    if not len(run.power):
        raise InputError(f"{run.title}: no power through boundaries was sampled: wanted a run in equilibrium")
    sides = half_cells(run)
    known = sides.conductivity(run.highest_frequency) if conductivity is None else positive(conductivity)
    slabs = sides.slabs(known, sides.ballistic(run.highest_frequency))
    return PowerFluctuations(run.power, run.step, run.records[0].area, run.temperature, *slabs, name=run.title)


def relaxation_data(run: Run, conductivity: ArrayLike | None = None) -> RelaxationData:
    """Temperature differences of two relaxing sides of `conductivity` (2,) W m⁻¹ K⁻¹; None: an estimate."""
    sides = half_cells(run)
    known = sides.conductivity(run.highest_frequency) if conductivity is None else positive(conductivity)
    left, right = sides.slabs(known, np.full(2, np.inf))
    last = [np.average(record.temperature[-1], weights=record.counts) for record in run.records]
    return RelaxationData(run.time, run.difference, left, right, float(np.mean(last)), name=run.title)


@frozen(eq=False)
class EquilibriumResult(BaseRecord):
    """Conductances from fluctuations.

    Attributes
    ----------
    run : in equilibrium
    data : its power, with the two sides
    fit : of the spectrum of the power, extrapolated drop
    green_kubo : integral of its autocorrelation up to two periods of the highest frequency, emitted drop
    extrapolated : the same as extrapolated drop, with estimated ballistic conductances; None where they allow none

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import closed_argon_run
    >>> run = closed_argon_run("uniform", steps=500)
    >>> found = md.equilibrium_conductances(run, [0.4, 0.3])
    >>> print(found.fit.conductance.drop, "and", found.green_kubo.drop)
    extrapolated and emitted
    """

    run: Run
    data: PowerFluctuations
    fit: FluctuationFit
    green_kubo: Conductance
    extrapolated: Conductance | None


def equilibrium_conductances(run: Run, conductivity: Sequence[float] | None = None) -> EquilibriumResult:
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
    data = power_fluctuations(run, conductivity)
    # Up to a fifteenth of the lower highest frequency, far below the phonons themselves.
    lowest = float(run.highest_frequency.min())
    known = _ESTIMATED_UNCERTAINTY if conductivity is None else _GIVEN_UNCERTAINTY
    fit = equilibrium.fit_fluctuations(data, high=lowest / 15, known=known)
    reading = _READING_PERIODS * 2 * np.pi / lowest
    integral = equilibrium.green_kubo(data, 1.5 * reading).at(reading)
    try:
        other = equilibrium.convert_drop(integral, half_cells(run).ballistic(run.highest_frequency).tolist())
    except InputError:  # the estimate of the solids leaves nothing to the boundary
        other = None
    return EquilibriumResult(run, data, fit, integral, other)


@frozen(eq=False)
class RelaxationResult(BaseRecord):
    """Conductances from the approach of two temperatures.

    Attributes
    ----------
    run : of the approach
    lumped, slabs : fits of bodies of one temperature and of two slabs
    chosen : the one that the Biot number asks for
    mean_free_paths : from conductivities and estimated ballistic conductances

    Examples
    --------
    >>> from kapitza import md
    >>> from kapitza.examples import closed_argon_run
    >>> run = closed_argon_run("sides", steps=50)
    >>> found = md.relaxation_conductances(run, [0.4, 0.3])
    >>> print(found.chosen.conductance.drop, "at", found.run.time.size, "times")
    extrapolated at 40 times
    """

    run: Run
    lumped: RelaxationFit
    slabs: RelaxationFit
    chosen: RelaxationFit
    mean_free_paths: Array = field(metadata=about("m", "(2,) mean free paths of the sides"))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the result is not reliable; empty where nothing speaks against it."""
        thin = self.run.length < _MIN_FREE_PATHS * self.mean_free_paths
        if not thin.any():
            return self.chosen.reasons
        thinness = (
            f"sides reach {self.run.length.min() / nm:.3g} nm from the boundary, {_MIN_FREE_PATHS:g} free paths are "
            f"{_MIN_FREE_PATHS * self.mean_free_paths.max() / nm:.3g} nm: what is found holds the time in which "
            "phonons that do not cross scatter into others, and may be several times the resistance of a jump"
        )
        return (*self.chosen.reasons, thinness)


def relaxation_conductances(run: Run, conductivity: Sequence[float] | None = None) -> RelaxationResult:
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
    after = _SKIPPED_PERIODS * 2 * np.pi / float(run.highest_frequency.min())
    data = _trim_noise(relaxation_data(run, conductivity), after)
    lumped = fit_relaxation(data, after=after, model="lumped")
    slabs = fit_relaxation(data, after=after, model="slabs")
    # Kinetic theory: κ = c v ℓ/3 and G_b = c v/4, thus ℓ = 3κ/4G_b.
    ballistic = half_cells(run).ballistic(run.highest_frequency)
    paths = 3 / 4 * np.array([data.left.conductivity, data.right.conductivity]) / ballistic
    return RelaxationResult(run, lumped, slabs, lumped if slabs.biot < MAX_LUMPED_BIOT else slabs, paths)


def _trim_noise(data: RelaxationData, after: float) -> RelaxationData:
    """Differences up to some times of their decay; what follows is noise, and the tail of few slow vibrations."""
    mean = data.difference.mean(axis=0)
    start = int(np.searchsorted(data.time, after))
    first = mean[start : start + 3].mean()
    fallen = np.flatnonzero(np.convolve(mean[start:], np.ones(3) / 3, "valid") < first / np.e)
    if not fallen.size:
        return data
    count = start + max(_MIN_FIT_TIMES, int(_FITTED_DECAYS * (fallen[0] + 1)))
    return evolve(data, time=data.time[:count], difference=data.difference[:, :count])


@frozen(eq=False)
class SizeStudy(BaseRecord):
    """One interface between sides of several lengths."""

    runs: tuple[Run, ...]  # runs, results: of each length
    results: tuple[NemdResult, ...]
    series: SizeSeries  # extrapolation to infinite length
