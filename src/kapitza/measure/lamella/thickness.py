r"""Noise of the map of t/λ: what it does to the temperatures of a lamella, and how a fit takes it into account.

An error of the thickness shifts many pixels at once.  The temperatures follow small errors linearly, so that a fit with
the covariance $\Sigma + JCJ^T$, noise Σ of the pixels, covariance C of the map of t/λ and derivatives J, is the fit in
which every pixel of that map is a number with a prior, without a number for any of them.
"""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.core.records import BaseRecord
from kapitza.measure.lamella.description import RelativeThickness
from kapitza.measure.lamella.scan import LamellaScan, split_parts
from kapitza.measure.lamella.sheet import Drive, SheetMesh, SheetSolution, pad_power, thickness_outflow

_LEAST_MODE = 1e-2  # standard uncertainties of the data, below which a mode of the noise does nothing
_POWER_SIGMA = 0.01  # share to which powers count when modes are chosen
_LEAST_VARIANCE = 1e-8  # of the largest of the modes of the map


def noise_places(mesh: SheetMesh) -> tuple[Array, Array]:
    """Places (s,) along x and y where a sheet takes its thickness: quadrangles, then sides of pads and planes, m."""
    columns = [0, *mesh.first[1:], mesh.x.shape[0] - 1]
    y = (mesh.y[1:] + mesh.y[:-1]) / 2
    sides = np.concatenate([(mesh.x[column, 1:] + mesh.x[column, :-1]) / 2 for column in columns])
    return np.concatenate([mesh.centre[0], sides]), np.concatenate([mesh.centre[1], np.tile(y, len(columns))])


def noise_factor(thickness: RelativeThickness, x: Array, y: Array) -> NDArray[np.float64]:
    """(s, r) factor of the covariance of t/λ at places (s,), m: independent standard numbers times it are the noise."""
    from scipy.sparse import csr_array

    index, weight = thickness.neighbours(x, y)
    used, inverse = np.unique(index.ravel(), return_inverse=True)
    rows = np.repeat(np.arange(x.size), index.shape[1])
    sampled: Any = csr_array((weight.ravel(), (rows, inverse)), shape=(x.size, used.size))
    sigma = np.zeros(used.size) if thickness.sigma is None else thickness.sigma.ravel()[used]
    held: Any = sampled @ csr_array((sigma, (range(used.size),) * 2))
    factor: Any = held @ _correlation_factor(thickness, used) if thickness.correlation > 0 else held
    if factor.shape[1] <= x.size:
        return factor if thickness.correlation > 0 else factor.toarray()
    # fewer numbers than there are modes of the map do the same
    covariance = factor @ factor.T
    value, vector = np.linalg.eigh(covariance if thickness.correlation > 0 else covariance.toarray())
    kept = value > _LEAST_VARIANCE * value[-1]
    return vector[:, kept] * np.sqrt(value[kept])


def _correlation_factor(thickness: RelativeThickness, used: NDArray[np.intp]) -> NDArray[np.float64]:
    """(u, r) factor of the correlation of some pixels (u,): products of the modes along x and along y."""
    j, i = np.divmod(used, thickness.x.size)
    (columns, i), (rows, j) = (np.unique(one, return_inverse=True) for one in (i, j))
    along, across = thickness.correlations()
    (value_x, mode_x), (value_y, mode_y) = (
        np.linalg.eigh(one[np.ix_(places, places)]) for one, places in ((along, columns), (across, rows))
    )
    strength = np.outer(value_y, value_x)
    b, a = np.nonzero(strength > _LEAST_VARIANCE * strength.max())
    return mode_y[j][:, b] * mode_x[i][:, a] * np.sqrt(strength[b, a])


@frozen(eq=False)
class ThicknessNoise(BaseRecord):
    """What the noise of a map of t/λ does to data: `shift` (n + m, r) of pixels, K, and of ln P of all m maps."""

    shift: NDArray[np.float64]

    def modes(self, rows: NDArray[np.intp], sigma: Array) -> tuple[NDArray[np.float64], Array]:
        """(n, q) orthonormal patterns in data of these rows and uncertainties, and the (q,) variance of each."""
        return _orthonormal(self.shift[rows] / sigma[:, None])


def _orthonormal(shift: NDArray[np.float64]) -> tuple[NDArray[np.float64], Array]:
    """Patterns (n, q) of what is shifted by (n, r), and the variance of each."""
    value, vector = np.linalg.eigh(shift.T @ shift)
    kept = value > _LEAST_MODE**2
    return shift @ (vector[:, kept] / np.sqrt(value[kept])), value[kept]


def thickness_noise(scan: LamellaScan) -> ThicknessNoise:
    """What the noise of the map of t/λ of a scan does to its pixels and powers, by derivatives."""
    mesh = scan.make_sheet().mesh
    lamella = scan.lamella
    factor = lamella.inelastic_mean_free_path * noise_factor(lamella.thickness, *noise_places(mesh))
    rows: list[NDArray[Any]] = []
    powers: list[NDArray[Any]] = []
    sizes: list[Array] = []
    for one, eye, used, held in zip(scan.solutions(), scan.weights(), scan.measured_pixels, scan.maps, strict=True):
        change, given = thickness_outflow(one.sheet, one.drive, one.temperature)
        moved = one.response(change @ factor)
        rows.append(split_parts(scan.temperature_scale * eye.apply(moved, mesh)[used]))
        powers.append(_power_shift(one, moved, given @ factor))
        sizes.append(np.tile(held.sigma[used], 2 if held.frequency else 1))
    shift = np.vstack([*rows, *powers])
    # modes that the data do not feel are left out
    size = np.concatenate([*sizes, np.full(len(powers), _POWER_SIGMA)])
    pattern, variance = _orthonormal(shift / size[:, None])
    return ThicknessNoise(size[:, None] * pattern * np.sqrt(variance))


def _power_shift(one: SheetSolution, moved: NDArray[Any], direct: NDArray[Any]) -> NDArray[Any]:
    """(r,) shift of ln P where temperatures of the nodes move by (nodes, r), and what pads conduct by `direct`, W."""
    undriven = Drive(0.0, 0.0, one.drive.omega, one.drive.mean)
    through = [pad_power(one.sheet, undriven, moved[:, j]).real for j in range(moved.shape[1])]
    return (np.array(through) + np.real(direct)) / one.power.real
