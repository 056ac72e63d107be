"""Spectra as a microscope would record them, from a temperature profile or from the occupation of every mode."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, positive
from kapitza.core.occupation import Occupation
from kapitza.core.profile import Profile
from kapitza.errors import InputError
from kapitza.measure.eels.model import SpectrumModel, VibrationalMode, channel_grid, expected_spectrum
from kapitza.measure.eels.point_spread import PointSpread
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import k_B, meV, nm

_SAME_ENERGY_TOLERANCE = (
    0.02  # relative difference of energies up to which a mode of a simulation is the mode of a spectrum
)
_ALL_PLACES = slice(None)
_DEFAULT_AXIS = np.arange(-512, 512) * 0.5 * meV  # 1024 channels of 0.5 meV


def simulate_spectra(
    source: Profile | Occupation,
    modes: Sequence[VibrationalMode],
    *,
    dose: float,
    fwhm: float,
    lorentzian: float = 0.02,
    energy: ArrayLike = _DEFAULT_AXIS,
    intensity: ArrayLike | None = None,
    rows: int = 1,
    pitch: float = 1 * nm,
    drift: float = 0.0,
    spread: PointSpread | None = None,
    seen: slice = _ALL_PLACES,
    background: float = 0.0,
    electrons_per_count: float = 1.0,
    dark: ArrayLike = 0.0,
    dark_variance: ArrayLike = 0.0,
    response: ArrayLike = 1.0,
    seed: int | None = 0,
) -> SpectrumImage:
    r"""Spectra with counting noise, drift, dark count, resolution and point spread.

    Loss $S_j(n_j + 1)$ and gain $S_j n_j$ of each mode at each place, spread over the neighbours, behind a pseudo-Voigt
    resolution.  Occupations of a classical simulation become quantum ones once, at the temperature of each mode
    (`Occupation.quantum`); quantum ones are taken as they are.

    Parameters
    ----------
    source : temperature against position, or the occupation of each of the modes
    modes : with their intensities, as shares of the electrons of the zero-loss peak
    dose : electrons of the zero-loss peak in one pixel
    fwhm : resolution, J
    lorentzian : share of the Lorentzian in the zero-loss peak
    energy : (channels,) J
    intensity : (nx, nm) intensities where they change with position; those of the modes if None
    rows : lines of the scan, all of the same truth
    pitch : between lines, m
    drift : standard deviation of the zero-loss centre from pixel to pixel, J
    spread : point spread along the position; None for a sharp one
    seen : which positions of the source are recorded; the others matter through the point spread alone
    background : electrons in each channel beside the peaks
    electrons_per_count : electrons that one count of the image stands for
    dark, dark_variance : mean and variance of the dark count, counts and counts², one or (channels,); normal
    response : efficiency of the channels, one or (channels,)
    seed : of the noise; None for the expected counts without any

    Returns
    -------
    SpectrumImage along (x,) for one row, (y, x) for more; its metadata hold the zero-loss centres

    Raises
    ------
    InputError
        for modes without intensity, shapes that do not fit, or an Occupation of other energies
    """
    where, loss, gain = _line_areas(source, tuple(modes), intensity)
    if spread is not None:
        loss, gain = (_spread_matrix(where, spread) @ area for area in (loss, gain))
    where, loss, gain = where[seen], loss[seen], gain[seen]
    axis = np.asarray(energy, dtype=float)
    rng = np.random.default_rng(seed)
    shift = np.zeros((rows, where.size))
    if seed is not None and drift > 0:
        shift = drift * rng.standard_normal(shift.shape)
    model = SpectrumModel(tuple(modes), tie="occupation", background=1)
    grid = channel_grid(model, axis)
    x = np.zeros((where.size, len(model.names)))
    strength = np.maximum(loss - gain, 1e-300)
    x[:, model.first_mode + 2 : model.first_tie : 3] = dose * strength
    x[:, model.first_tie : model.first_tie + len(modes)] = gain / strength
    for j, mode in enumerate(modes):
        x[:, model.first_mode + 3 * j : model.first_mode + 3 * j + 2] = mode.energy, mode.width
    x[:, [0, 2, 3, -1]] = dose, fwhm, lorentzian, background
    units = model.units(float(axis[-1] - axis[0]) / (axis.size - 1))
    counts = np.empty((rows, where.size, axis.size))
    lengths = [i for i, name in enumerate(model.names) if name.rsplit(".", 1)[-1] in ("fwhm", "energy", "width")]
    x[:, lengths] /= units[lengths]
    for row in range(rows):
        x[:, 1] = shift[row] / units[1]
        electrons = np.concatenate([expected_spectrum(model, grid, one[None])[0] for one in x])
        electrons = electrons * np.asarray(response, dtype=float)
        if seed is not None:
            electrons = rng.poisson(np.asarray(electrons, dtype=float)).astype(float)
        counts[row] = electrons / electrons_per_count + np.asarray(dark)
    if seed is not None and np.any(np.asarray(dark_variance) > 0):
        counts += np.sqrt(dark_variance) * rng.standard_normal(counts.shape)
    lines = np.arange(rows) * pitch
    return SpectrumImage(
        counts[0] if rows == 1 else counts,
        axis,
        (where,) if rows == 1 else (lines, where),
        electrons_per_count=electrons_per_count,
        dark=dark,
        dark_variance=dark_variance,
        response=response,
        metadata={
            "zero_loss_centre": shift[0] if rows == 1 else shift,
            "dose": dose,
            "seed": -1 if seed is None else seed,
        },
        source=f"simulated, {getattr(source, 'method', '') or 'profile'}",
    )


def _line_areas(
    source: Profile | Occupation, modes: tuple[VibrationalMode, ...], intensity: ArrayLike | None
) -> tuple[Array, NDArray[Any], NDArray[Any]]:
    """Positions, and (nx, nm) loss and gain of each mode at each of them, as shares of the zero-loss peak."""
    n = _quantum_occupations(source, modes)
    if intensity is None:
        missing = [mode.name for mode in modes if mode.intensity is None]
        if missing:
            raise InputError(f"mode {missing[0]!r} has no intensity: give it as a share of the zero-loss peak")
        intensity = [[mode.intensity or 0.0 for mode in modes]]
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


def _spread_matrix(position: Array, spread: PointSpread) -> NDArray[Any]:
    """(nx, nx) share that each place has in what is recorded at another; the outermost reach on without end."""
    edges = 0.5 * (position[1:] + position[:-1])
    passed = np.array([spread.step(x - edges) for x in position]).reshape(position.size, edges.size)
    ends = np.ones((position.size, 1))
    return -np.diff(np.hstack([ends, passed, 0 * ends]), axis=1)
