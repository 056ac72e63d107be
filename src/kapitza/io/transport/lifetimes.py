r"""Lifetimes and scattering rates of phonons from the files of others (phono3py, ShengBTE, almaBTE) and simulations.

Files of others list modes of an irreducible mesh of wave vectors with frequency, velocity and lifetime.  Velocities of
symmetric copies are not listed, so that the modes are taken as isotropic bands: right for cubic crystals, and a mean
for others.
"""

from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array
from kapitza.core.occupation import mode_heat_capacity
from kapitza.errors import DataError
from kapitza.io.formats.foreign_hdf5 import local_dataset, member_names, open_hdf5
from kapitza.io.results import load
from kapitza.io.text_tables import number_rows
from kapitza.simulate.boltzmann.carriers import Carriers
from kapitza.simulate.boltzmann.spectral_carriers import ModeTable, collect_modes, group_edges
from kapitza.simulate.md.runs.lifetimes import ThermalModes
from kapitza.theory.agf.relaxation import BranchRates, RelaxationRate
from kapitza.units import THz, angstrom, e, nm, ps

_MAX_LIFETIME_BYTES = 2**30  # bytes of a table
_TEMPERATURE_TOLERANCE = 0.5  # K, within which a temperature of a file is the one that is asked for
_MODE_DENSITY_SPREAD = 0.02  # relative spread of the modes per volume of a table
_ACOUSTIC_CUTOFF = 1e-3  # of the top frequency: acoustic modes at Γ, which carry nothing
_FLAT_CELL = 1e-6  # of the product of the lengths of its vectors: a cell of less volume is none
_PHONO3PY_DATASETS = ("gamma", "frequency", "group_velocity", "weight", "temperature", "kappa_unit_conversion")
_SIMULATED_TEMPERATURE = 0.05  # relative, within which a run that was left alone keeps its temperature
_ALMABTE_COLUMNS = 11  # of almaBTE's table: q point, branch, three coordinates, ω, C, τ, velocity


def read_lifetimes(
    path: str | PathLike[str], *, temperature: float = 300.0, edges: ArrayLike | None = None, name: str = ""
) -> Carriers:
    """Bands of transport from a file of lifetimes.

    Parameters
    ----------
    path : ``kappa-*.hdf5`` of phono3py, the folder of a run of ShengBTE, or a ``.phononinfo`` table of almaBTE
    temperature : K; the file has to hold it
    edges : (G + 1,) bounds of frequency groups, rad s⁻¹, the same for all layers of a stack; chosen if None
    name : of the material; that of the file if empty

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
    >>> from kapitza.io import read_lifetimes
    >>> columns = "nq,nbranch,qa[-],qb[-],qc[-],omega[rad/s],C[J/m^3-K],tau[s],vx[m/s],vy[m/s],vz[m/s]"
    >>> omega, lifetime, velocity = np.array([[1e13, 4e13], [1e-10, 1e-11], [6000.0, 3000.0]])
    >>> heat = mode_heat_capacity(omega, 300.0)[0] / 1.6e-29  # J m⁻³ K⁻¹, two modes in a cell of 16 Å³
    >>> rows = np.column_stack([np.zeros((2, 5)), omega, heat, lifetime, velocity, np.zeros((2, 2))])
    >>> np.savetxt("Si_300K.phononinfo", rows, "%.6g", ",", header=columns, comments="")
    >>> carriers = read_lifetimes("Si_300K.phononinfo")
    >>> print(f"{carriers.conductivity:.1f} W/mK, by hand {heat @ (velocity**2 * lifetime) / 3:.1f}")
    1053.7 W/mK, by hand 1053.7
    """
    modes, lifetime = read_transport_modes(path, temperature)
    bounds = group_edges(float(modes.omega.max()) * (1 + 1e-9)) if edges is None else np.asarray(edges, dtype=float)
    label = name or Path(path).stem
    return collect_modes(label, modes, lifetime, bounds, isotropic=True, temperature=temperature)


def read_transport_modes(path: str | PathLike[str], temperature: float) -> tuple[ModeTable, Array]:
    """Modes and their lifetimes (s) of a file or folder of others."""
    place = Path(path)
    try:
        if place.is_dir():
            return _read_shengbte(place, temperature)
        if place.suffix.lower() in (".hdf5", ".h5"):
            return _read_phono3py(place, temperature)
        return _read_almabte(place, temperature)
    except DataError as err:
        if err.file is not None:
            raise
        raise DataError(str(err), file=path) from err


def _read_phono3py(path: str | PathLike[str], temperature: float) -> tuple[ModeTable, Array]:
    """Modes of ``kappa-*.hdf5``; lifetimes 1/2(2π·gamma), with isotope scattering where it is there."""
    with open_hdf5(path) as file:
        names = member_names(file)
        for one in _PHONO3PY_DATASETS:
            if one not in names:
                raise DataError(f"has no {one!r}: expected kappa-*.hdf5 as phono3py --br writes it")
        known = [one for one in (*_PHONO3PY_DATASETS, "gamma_isotope") if one in names]
        held = {one: np.asarray(local_dataset(file, one)[()], dtype=float) for one in known}
    stored = held["temperature"]
    if stored.ndim != 1 or not stored.size:
        raise DataError(f"has temperatures of shape {stored.shape}")
    at = int(np.abs(stored - temperature).argmin())
    if abs(stored[at] - temperature) > _TEMPERATURE_TOLERANCE:
        range_ = f"{stored.size} temperatures from {stored.min():g} to {stored.max():g} K"
        raise DataError(f"holds {range_}, not {temperature:g} K")
    frequency, gamma = held["frequency"], held["gamma"]
    if gamma.ndim != 3 or frequency.ndim != 2 or gamma.shape[1:] != frequency.shape:
        raise DataError(f"gamma has shape {gamma.shape} for frequencies {frequency.shape}")
    if held["group_velocity"].shape != (*frequency.shape, 3) or held["weight"].shape != frequency.shape[:1]:
        raise DataError(
            f"velocities {held['group_velocity'].shape} and weights do not fit frequencies {frequency.shape}"
        )
    width = gamma[at] + held.get("gamma_isotope", np.zeros_like(frequency))
    # κ of a mode in W/mK is this factor times heat capacity (eV/K), velocity² (THz² Å²) over 2·gamma (THz): V follows
    conversion = held["kappa_unit_conversion"]
    if conversion.size != 1 or not (np.isfinite(conversion).all() and conversion.item() > 0):
        raise DataError(f"kappa_unit_conversion = {conversion.tolist()!s:.60}: expected one number above 0")
    volume = 1e22 * e / (2 * np.pi) / conversion.item() * angstrom**3
    share = np.repeat(_mesh_shares(held["weight"]) / volume, frequency.shape[1])
    # ∇ω over wave vectors is ∇ν over wave vectors without 2π, as phono3py has them: 1 THz Å is 100 m/s
    speed = np.linalg.norm(held["group_velocity"], axis=2).ravel() * 1e12 * angstrom
    with np.errstate(divide="ignore"):
        lifetime = np.where(width > 0, 1e-12 / (4 * np.pi * np.where(width > 0, width, 1.0)), np.nan).ravel()
    return _propagating_modes(frequency.ravel() * THz, share, speed, lifetime, temperature)


def _read_shengbte(folder: Path, temperature: float) -> tuple[ModeTable, Array]:
    """Modes of a folder with BTE.omega, BTE.v, BTE.qpoints, BTE.ReciprocalLatticeVectors and T300K/BTE.w (_final)."""
    omega = number_rows(folder / "BTE.omega", _MAX_LIFETIME_BYTES)
    count, branches = omega.shape
    points = number_rows(folder / "BTE.qpoints", _MAX_LIFETIME_BYTES)
    velocity = number_rows(folder / "BTE.v", _MAX_LIFETIME_BYTES)
    reciprocal = number_rows(folder / "BTE.ReciprocalLatticeVectors", _MAX_LIFETIME_BYTES)[:, :3]
    if velocity.shape != (count * branches, 3) or len(points) != count or reciprocal.shape != (3, 3):
        raise DataError(
            f"{velocity.shape[0]} velocities and {len(points)} wave vectors for {count} x {branches} frequencies",
            file=folder / "BTE.v",
        )
    run = folder / f"T{temperature:.0f}K"  # the folder is named by whole kelvins
    chosen = next((run / one for one in ("BTE.w_final", "BTE.w") if (run / one).is_file()), run / "BTE.w_final")
    rate = number_rows(chosen, _MAX_LIFETIME_BYTES)
    if rate.shape[0] != count * branches or rate.shape[1] < 2:
        raise DataError(f"{rate.shape[0]} rates for {count * branches} modes", file=chosen)
    if np.abs(rate[:, 0].reshape(branches, count).T - omega).max() > _ACOUSTIC_CUTOFF * omega.max():
        raise DataError("has other frequencies than BTE.omega: is it of the same run?", file=chosen)
    cell = abs(float(np.linalg.det(reciprocal))) if np.isfinite(reciprocal).all() else 0.0
    if not cell > _FLAT_CELL * float(np.prod(np.linalg.norm(reciprocal, axis=1))):
        raise DataError(
            f"the vectors {reciprocal.tolist()!s:.120} span no volume", file=folder / "BTE.ReciprocalLatticeVectors"
        )
    if points.shape[1] < 3:
        raise DataError(f"{points.shape[1]} columns, wanted the weight in the third", file=folder / "BTE.qpoints")
    share = np.tile(_mesh_shares(points[:, 2]) / ((2 * np.pi) ** 3 / cell * nm**3), branches)
    speed = np.linalg.norm(velocity, axis=1) * 1e3
    with np.errstate(divide="ignore"):
        lifetime = np.where(rate[:, 1] > 0, ps / np.where(rate[:, 1] > 0, rate[:, 1], 1.0), np.nan)
    return _propagating_modes(rate[:, 0] / ps, share, speed, lifetime, temperature)


def _mesh_shares(weight: Array) -> Array:
    if not (np.isfinite(weight).all() and weight.min() > 0 and np.isfinite(weight.sum())):
        raise DataError(f"has weights of wave vectors from {weight.min():g} to {weight.max():g}: expected some above 0")
    return weight / weight.sum()


def _read_almabte(path: Path, temperature: float) -> tuple[ModeTable, Array]:
    """Modes of a ``.phononinfo`` table, whose heat capacities are per volume at the temperature it was made for."""
    table = number_rows(path, _MAX_LIFETIME_BYTES, skip=1)
    if table.shape[1] < _ALMABTE_COLUMNS:
        raise DataError(f"has {table.shape[1]} columns, expected {_ALMABTE_COLUMNS} of almaBTE's phononinfo")
    omega, capacity, lifetime = table[:, 5], table[:, 6], table[:, 7]
    speed = np.linalg.norm(table[:, 8:11], axis=1)
    modes, lived = _propagating_modes(omega, np.ones(omega.size), speed, lifetime, temperature)
    held = capacity[_propagating(omega)]
    if not (np.isfinite(held).all() and held.min() > 0 and modes.capacity.min() > 0):
        raise DataError(f"has heat capacities from {held.min():g} J m⁻³ K⁻¹: expected all above 0")
    density = held / modes.capacity  # modes per volume: the same for all rows at the right temperature
    if not np.ptp(density) <= _MODE_DENSITY_SPREAD * float(np.median(density)):
        raise DataError(f"has heat capacities that are not those at {temperature:g} K")
    return evolve(modes, capacity=held), lived


def _propagating(omega: Array) -> Any:
    """Modes that move: all but sound at Γ."""
    return omega > _ACOUSTIC_CUTOFF * omega.max()


def _propagating_modes(
    omega: Array, share: Array, speed: Array, lifetime: Array, temperature: float
) -> tuple[ModeTable, Array]:
    """Modes with their heat capacity, sound at Γ left out; `share` is modes per volume, m⁻³."""
    if not (np.isfinite(omega).all() and np.isfinite(speed).all() and omega.max(initial=0) > 0):
        raise DataError(f"has frequencies or velocities that are not numbers, or none above 0 ({omega.size} modes)")
    use = _propagating(omega)
    missing = np.count_nonzero(~(np.isfinite(lifetime[use]) & (lifetime[use] > 0)))
    if missing:
        raise DataError(f"{missing} of {np.count_nonzero(use)} modes have no lifetime at {temperature:g} K")
    capacity = share[use] * mode_heat_capacity(omega[use], temperature)[0]
    return ModeTable(omega[use], capacity, speed[use], speed[use], np.zeros(capacity.size)), lifetime[use]


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
    suffix = Path(path).suffix.lower()
    ours = suffix in (".json", ".npz")
    if suffix == ".h5":
        with open_hdf5(path) as file:
            ours = "gamma" not in member_names(file)
    if not ours:
        return _rate_of_modes(*read_transport_modes(path, temperature), path)
    saved: Any = load(path)
    modes = saved.get(side) if isinstance(saved, dict) else saved
    if not isinstance(modes, ThermalModes):
        raise DataError("holds no lifetimes: expected what `kapitza md lifetimes --save` wrote", file=path)
    if abs(modes.temperature / temperature - 1) > _SIMULATED_TEMPERATURE:
        raise DataError(f"holds lifetimes at {modes.temperature:.4g} K, wanted {temperature:g} K", file=path)
    return RelaxationRate(*modes.rates())


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
        frequency = np.asarray(local_dataset(file, "frequency")[()], dtype=float)
    if (frequency != np.sort(frequency, axis=1)).any():
        raise DataError("its frequencies do not increase from branch to branch", file=path)
    count = frequency.shape[1]
    branch = np.tile(np.arange(count), len(frequency))[_propagating(frequency.ravel() * THz)]
    columns = (modes.omega, modes.capacity, modes.speed, modes.along, modes.branch)
    here = [branch == number for number in range(count)]
    return BranchRates(
        [_rate_of_modes(ModeTable(*(values[of] for values in columns)), lifetime[of], path) for of in here]
    )


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
