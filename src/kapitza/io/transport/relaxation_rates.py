"""Scattering rates of each frequency from files of lifetimes, of others and of simulated crystals."""

from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import DataError
from kapitza.io.formats.foreign_hdf5 import local_dataset, member_names, open_hdf5
from kapitza.io.results import load
from kapitza.io.transport.lifetimes import propagating, read_transport_modes
from kapitza.simulate.boltzmann.spectral_carriers import ModeTable, group_edges
from kapitza.simulate.md.runs.lifetimes import ThermalModes
from kapitza.theory.agf.relaxation import BranchRates, RelaxationRate
from kapitza.units import THz

_SIMULATED_TEMPERATURE = 0.05  # relative, within which a run that was left alone keeps its temperature


def read_relaxation_rate(
    path: str | PathLike[str], *, temperature: float = 300.0, side: Literal["left", "right"] = "left"
) -> RelaxationRate:
    r"""Scattering rate of each frequency from a file of lifetimes, as `read_lifetimes` takes them.

    All modes of a group of frequencies have the lifetime that keeps their conductivity,
    $\tau = \sum Cv^2\tau_i/\sum Cv^2$.  A file of molecular dynamics (``kapitza md lifetimes --save``, or saved
    `ThermalModes`) has those of the energy of its modes; `side` says which of its two crystals.

    Raises
    ------
    DataError
        for a file that is none of these, damaged, of another temperature, or without lifetimes
    OSError
        if it is missing or may not be read

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.core import mode_heat_capacity
    >>> from kapitza.io import read_relaxation_rate
    >>> columns = "nq,nbranch,qa[-],qb[-],qc[-],omega[rad/s],C[J/m^3-K],tau[s],vx[m/s],vy[m/s],vz[m/s]"
    >>> omega, lifetime, velocity = np.array([[1e13, 4e13], [1e-10, 1e-11], [6000.0, 3000.0]])
    >>> heat = mode_heat_capacity(omega, 300.0)[0] / 1.6e-29  # J m⁻³ K⁻¹, two modes in a cell of 16 Å³
    >>> rows = np.column_stack([np.zeros((2, 5)), omega, heat, lifetime, velocity, np.zeros((2, 2))])
    >>> np.savetxt("Si_300K.phononinfo", rows, "%.6g", ",", header=columns, comments="")
    >>> print(read_relaxation_rate("Si_300K.phononinfo").rate / 1e9, "per ns")
    [ 10. 100.] per ns
    """
    if _is_saved(path):
        return _simulated_rate(path, temperature, side)
    modes, lifetime = read_transport_modes(path, temperature)
    return _rate_of_modes(modes, lifetime, path)


def _is_saved(path: str | PathLike[str]) -> bool:
    """Whether a file is one of ours, and not of phono3py."""
    suffix = Path(path).suffix.lower()
    if suffix != ".h5":
        return suffix in (".json", ".npz")
    with open_hdf5(path) as file:
        return "gamma" not in member_names(file)


def _simulated_rate(path: str | PathLike[str], temperature: float, side: str) -> RelaxationRate:
    """Rates of a file of molecular dynamics."""
    found: Any = load(path)
    found = found.get(side) if isinstance(found, dict) else found
    if not isinstance(found, ThermalModes):
        raise DataError("holds no lifetimes: expected what `kapitza md lifetimes --save` wrote", file=path)
    if abs(found.temperature / temperature - 1) > _SIMULATED_TEMPERATURE:
        raise DataError(f"holds lifetimes at {found.temperature:.4g} K, wanted {temperature:g} K", file=path)
    return RelaxationRate(*found.rates())


def read_branch_rates(path: str | PathLike[str], *, temperature: float = 300.0) -> BranchRates:
    r"""Scattering rates by branch from ``kappa-*.hdf5`` of phono3py.

    Branches are counted from the lowest frequency at each wave vector; the modes of one and of a group of
    frequencies have the lifetime that keeps their conductivity, $\tau = \sum Cv^2\tau_i/\sum Cv^2$.

    Raises
    ------
    DataError
        for another kind of file, and for one that is damaged, of another temperature, or without lifetimes
    OSError
        if it is missing or may not be read
    """
    if Path(path).suffix.lower() not in (".hdf5", ".h5"):
        raise DataError("rates by branch are read from kappa-*.hdf5 of phono3py alone", file=path)
    modes, lifetime = read_transport_modes(path, temperature)
    with open_hdf5(path) as file:
        frequency = np.sort(np.asarray(local_dataset(file, "frequency")[()], dtype=float), axis=1)
        unsorted = np.asarray(local_dataset(file, "frequency")[()], dtype=float)
    if (frequency != unsorted).any():
        raise DataError("its frequencies do not increase from branch to branch", file=path)
    count = frequency.shape[1]
    branch = np.tile(np.arange(count), len(frequency))[propagating(frequency.ravel() * THz)]
    found: list[RelaxationRate] = []
    for number in range(count):
        here = branch == number
        columns = (modes.omega, modes.capacity, modes.speed, modes.along, modes.branch)
        found.append(_rate_of_modes(ModeTable(*(one[here] for one in columns)), lifetime[here], path))
    return BranchRates(found)


def _rate_of_modes(modes: ModeTable, lifetime: Array, path: str | PathLike[str]) -> RelaxationRate:
    """Rate of each group of frequencies that keeps the conductivity of some modes."""
    if not (np.isfinite(lifetime) & (lifetime > 0)).all():
        raise DataError(f"{np.count_nonzero(~(lifetime > 0))} of {lifetime.size} modes have no lifetime", file=path)
    edges = group_edges(float(modes.omega.max(initial=0.0)) * (1 + 1e-9)) if modes.omega.size else np.zeros(1)
    group, heat = np.digitize(modes.omega, edges) - 1, modes.capacity * modes.along**2
    total, frequency, carried = (
        np.bincount(group, heat * one, minlength=edges.size) for one in (np.ones_like(heat), modes.omega, lifetime)
    )
    kept = total > 0
    if np.count_nonzero(kept) < 2:
        raise DataError("holds fewer than two groups of frequencies that carry heat", file=path)
    return RelaxationRate(frequency[kept] / total[kept], total[kept] / carried[kept])
