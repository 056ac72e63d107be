"""Spectra as a microscope would record them, from a temperature profile or from the occupation of every mode."""

from typing import Any

import numpy as np
from attrs import evolve
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, positive
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.eels.experiment import EelsExperiment
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import k_B, meV

# relative difference of energies up to which a mode of a simulation is the mode of a spectrum
_SAME_ENERGY_TOLERANCE = 0.02


def simulate_spectra(
    experiment: EelsExperiment,
    source: Profile | Occupation | None = None,
    *,
    intensity: ArrayLike | None = None,
    background: float = 0.0,
    recorded: slice | None = None,
    seed: int | None = 0,
) -> SpectrumImage:
    r"""Spectra that a scan would record, with counting noise, drift, dark count, resolution and point spread.

    Loss $S_j(n_j + 1)$ and gain $S_j n_j$ of each mode at each place, spread over the neighbours, behind a pseudo-Voigt
    resolution; near the interface a pixel shows both materials.  Occupations of a classical simulation become quantum
    ones once, at the temperature of each mode (`Occupation.quantum`); quantum ones are taken as they are.

    Parameters
    ----------
    experiment : the scan, its detector and both materials
    source : temperature, or occupation of each of the modes, against position with the interface at 0, as a simulation
        gives it; its positions are then the columns of the scan.  The branches of the experiment if None, which go on
        beyond the scan as far as the spread reaches
    intensity : (nx, nm) intensities of the modes where they change in another way than from `left` to `right` at 0
    background : electrons in each channel beside the peaks
    recorded : which positions of the source are recorded, all if None; the others matter through the point spread alone
    seed : of the noise; None for the expected counts without any

    Returns
    -------
    SpectrumImage along (x,) for one row, (y, x) for more; its metadata hold the zero-loss centres

    Raises
    ------
    InputError
        for shapes that do not fit, or an Occupation of other energies
    """
    if source is None:
        source, recorded = _planned_profile(experiment)
    recorded = recorded or slice(None)
    sides = np.array([[mode.intensity or 0.0 for mode in side] for side in (experiment.left, experiment.right)])
    strengths = np.where((source.position < 0)[:, None], *sides) if intensity is None else intensity
    where, loss, gain = _line_areas(source, experiment.left, strengths)
    spread = spread_matrix(where, experiment.spread)
    where, loss, gain = where[recorded], (spread @ loss)[recorded], (spread @ gain)[recorded]
    rng = np.random.default_rng(seed)
    rows, axis, per_count = experiment.rows, experiment.energy, experiment.electrons_per_count
    shift = np.zeros((rows, where.size))
    if seed is not None and experiment.drift > 0:
        shift = experiment.drift * rng.standard_normal(shift.shape)
    model = SpectrumModel(experiment.left, tie="occupation", background=1)
    grid, x = channel_grid(model, axis), _channel_parameters(experiment, model, loss, gain, background)
    step = float(axis[-1] - axis[0]) / (axis.size - 1)
    counts = np.empty((rows, where.size, axis.size))
    for row in range(rows):
        x[:, 1] = shift[row] / step
        electrons = np.concatenate([expected_spectrum(model, grid, one[None])[0] for one in x]) * experiment.response
        if seed is not None:
            electrons = rng.poisson(electrons).astype(float)
        counts[row] = electrons / per_count + experiment.dark
    dark_variance = experiment.dark_variance / per_count**2
    if seed is not None and np.any(dark_variance > 0):
        counts += np.sqrt(dark_variance) * rng.standard_normal(counts.shape)
    line = rows == 1
    return SpectrumImage(
        counts[0] if line else counts,
        axis,
        (where,) if line else (np.arange(rows) * experiment.pitch, where),
        electrons_per_count=per_count,
        dark=experiment.dark,
        dark_variance=dark_variance,
        response=experiment.response,
        metadata={
            "zero_loss_centre": shift[0] if line else shift,
            "dose": experiment.dose,
            "seed": -1 if seed is None else seed,
        },
        source=f"simulated, {getattr(source, 'method', '') or 'profile'}",
    )


def _planned_profile(experiment: EelsExperiment) -> tuple[Profile, slice]:
    """Branches of a plan, as far beyond the scan as the spread reaches, and which of their positions are scanned."""
    spread = experiment.spread
    reach = 8 * spread.width + (8 * spread.length if spread.share > 0 else 0.0)
    beyond = int(np.ceil(reach / experiment.pitch))
    wider = evolve(experiment, columns=experiment.columns + beyond)
    kelvin = PointSpread().branches(wider.position) @ wider.branches
    source = Profile(wider.position, np.maximum(kelvin, 1.0), method="plan")
    return source, slice(beyond, source.position.size - beyond)


def _channel_parameters(
    experiment: EelsExperiment, model: SpectrumModel, loss: NDArray[Any], gain: NDArray[Any], background: float
) -> NDArray[Any]:
    """(nx, p) parameters of the spectra, energies in channels; the centre is left at 0."""
    x = np.zeros((len(loss), len(model.names)))
    strength = np.maximum(loss - gain, 1e-300)
    x[:, model.first_mode + 2 : model.first_tie : 3] = experiment.dose * strength
    x[:, model.first_tie : model.first_tie + len(model.modes)] = gain / strength
    for j, mode in enumerate(model.modes):
        x[:, model.first_mode + 3 * j : model.first_mode + 3 * j + 2] = mode.energy, mode.width
    x[:, [0, 2, 3, -1]] = experiment.dose, experiment.fwhm, experiment.lorentzian, background
    units = model.units(float(experiment.energy[-1] - experiment.energy[0]) / (experiment.energy.size - 1))
    lengths = [i for i, name in enumerate(model.names) if name.rsplit(".", 1)[-1] in ("fwhm", "energy", "width")]
    x[:, lengths] /= units[lengths]
    return x


def _line_areas(
    source: Profile | Occupation, modes: tuple[VibrationalMode, ...], intensity: ArrayLike
) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """Positions, and (nx, nm) loss and gain of each mode at each of them, as shares of the zero-loss peak."""
    n = _quantum_occupations(source, modes)
    strength = np.asarray(intensity, dtype=float)
    if strength.ndim != 2 or strength.shape[1] != len(modes) or strength.shape[0] not in (1, n.shape[0]):
        raise InputError(f"intensity has shape {strength.shape} for {n.shape[0]} positions and {len(modes)} modes")
    if (strength < 0).any():
        raise InputError(f"expected intensities from 0 upwards, got {strength.min():g}")
    return source.position, strength * (n + 1), strength * n


def _quantum_occupations(source: Profile | Occupation, modes: tuple[VibrationalMode, ...]) -> NDArray[Any]:
    """(nx, nm) quantum occupation of the modes."""
    energy = np.array([mode.energy for mode in modes])
    if isinstance(source, Profile):
        kelvin = positive(source.temperature)
        return 1 / np.expm1(np.minimum(energy / (k_B * kelvin[:, None]), 700.0))
    if source.energy.size != len(modes) or (np.abs(source.energy / energy - 1) > _SAME_ENERGY_TOLERANCE).any():
        held, wanted = (", ".join(f"{value / meV:.4g}" for value in some) for some in (source.energy, energy))
        raise InputError(
            f"the occupation is of modes at {held} meV, the spectrum of {wanted} meV: give the same modes, "
            "in the same order"
        )
    value = source.quantum().value
    if np.isnan(value).any() or (value < 0).any():
        raise InputError(f"expected occupations from 0 upwards everywhere, got {np.nanmin(value):g} or none in places")
    return value


def spread_matrix(position: Array, spread: PointSpread) -> NDArray[Any]:
    """(nx, nx) share that each place has in what is recorded at another; the outermost reach on without end."""
    edges = 0.5 * (position[1:] + position[:-1])
    passed = np.array([spread.step(x - edges) for x in position]).reshape(position.size, edges.size)
    ends = np.ones((position.size, 1))
    return -np.diff(np.hstack([ends, passed, 0 * ends]), axis=1)
