r"""Full phonon bands of a crystal as the two sides of an interface see them.

The number of modes that reach a plane follows from all branches and wave vectors (P. Reddy, K. Castelino and A.
Majumdar, Appl. Phys. Lett. 87, 211908 (2005), doi:10.1063/1.2133890): $M(\omega) = \frac{\pi}{V} \langle \sum_j
|v_n|\,\delta(\omega - \omega_j(q)) \rangle_q$. Velocities are derivatives of the dynamical matrix, so that no branch
has to be followed from one wave vector to the next.
"""

from collections.abc import Callable
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from attrs.validators import optional
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, without_unit
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal, unit_vector, z_axis
from kapitza.matter.files.crystals import load_crystal, miller_normal
from kapitza.matter.files.objects import phonopy_path
from kapitza.matter.longwave import LongWave, long_wave
from kapitza.matter.spectrum import (
    MAX_MESH_POINTS,
    MeshShape,
    MeshSpectra,
    SampledSpectrum,
    converged_spectra,
    warn_of_imaginary,
)
from kapitza.run.store import UnitInputs, UnitResult, compute_once

SPECTRUM_VERSION = "spectra-1"  # changes when the same crystal would give other spectra
_FREQUENCY_PANELS = 48  # of the frequency grid of a theory
_CURVE = ("step", "value", "low", "join")
_SCALARS = ("top", "lowest", "imaginary", "change")


@frozen(eq=False, kw_only=True)
class BandSpectrum(BaseRecord):
    r"""Modes and states of a crystal by frequency, with its normal; a `Phonons`.

    Attributes
    ----------
    table : the sampled spectra

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.phonons import phonons
    >>> from kapitza.units import THz
    >>> silicon = phonons("Si")
    >>> print(silicon.modes(np.array([2 * THz, 20 * THz])).round(-16))
    [1.11e+18 0.00e+00]
    """

    name: str
    density: float = field(metadata=about("kg m^-3", "mass density"))
    atoms: float = field(metadata=about("m^-3", "atoms per volume"))
    table: MeshSpectra = field(repr=False)

    @property
    def edges(self) -> Array:
        """(k,) angular frequencies between which theories put their panels, up to the top of the spectrum, rad s⁻¹."""
        start = self.table.modes.join / 2 or self.table.top / _FREQUENCY_PANELS
        even = np.linspace(0, self.table.top, _FREQUENCY_PANELS + 1)
        return np.append(start, even[even > 1.01 * start])

    def modes(self, omega: ArrayLike) -> Array:
        r"""(nω,) $M(\omega) = 2\pi\sum_j\int_{v_n>0}\frac{d^3q}{(2\pi)^3}\,v_n\,\delta(\omega-\omega_j)$, m⁻²; towards
        ω = 0 exactly the elastic ω² law of the crystal.
        """
        return np.maximum(self.table.modes(np.asarray(without_unit(omega), dtype=float)), 0)

    def density_of_states(self, omega: ArrayLike) -> Array:
        r"""(nω,) $g(\omega) = \sum_j\int\frac{d^3q}{(2\pi)^3}\,\delta(\omega-\omega_j)$, m⁻³ (rad s⁻¹)⁻¹."""
        return np.maximum(self.table.states(np.asarray(without_unit(omega), dtype=float)), 0)

    def heat_capacity(self, temperature: ArrayLike) -> Array:
        """(nT,) harmonic heat capacity at constant volume, J m⁻³ K⁻¹; 3 k_B per atom when hot."""
        grid = frequency_grid(self.edges)
        weight = self.density_of_states(grid.omega) * grid.weight
        return mode_heat_capacity(grid.omega, temperature) @ (weight * (3 * self.atoms / weight.sum()))


def cached_spectrum(name: str, inputs: UnitInputs, spectrum: Callable[[], BandSpectrum]) -> BandSpectrum:
    """Spectra from the cache of this user, where those of the same `inputs` (crystal, normal, mesh) were computed
    before, or as `spectrum` computes them.
    """
    computed: list[BandSpectrum] = []

    def kernel() -> UnitResult:
        computed.append(spectrum())
        table, sizes = computed[0].table, {"density": computed[0].density, "atoms": computed[0].atoms}
        parts = {"modes": table.modes, "states": table.states}
        curves = {f"{part}.{key}": getattr(curve, key) for part, curve in parts.items() for key in _CURVE}
        scalars = {key: float(getattr(table, key)) for key in _SCALARS}
        return {key: np.asarray(value) for key, value in (curves | scalars | sizes | {"shape": table.shape}).items()}

    kept = compute_once(kernel, inputs, version=SPECTRUM_VERSION)
    if computed:
        return computed[0]
    numbers = {key: float(value) if value.ndim == 0 else value for key, value in kept.items()}
    curves: dict[str, Any] = {part: {key: numbers[f"{part}.{key}"] for key in _CURVE} for part in ("modes", "states")}
    scalars: dict[str, Any] = {key: numbers[key] for key in _SCALARS}
    one, two, three = (int(size) for size in kept["shape"])
    modes, states = SampledSpectrum(**curves["modes"]), SampledSpectrum(**curves["states"])
    table = MeshSpectra(modes=modes, states=states, shape=(one, two, three), **scalars)
    warn_of_imaginary(name, table)
    return BandSpectrum(name=name, density=float(kept["density"]), atoms=float(kept["atoms"]), table=table)


def _check_mesh(_: object, __: object, mesh: MeshShape) -> None:
    good = len(mesh) == 3 and all(int(m) == m and m >= 2 for m in mesh)
    if not good or np.prod(mesh, dtype=float) > MAX_MESH_POINTS:
        raise InputError(f"mesh = {mesh}, wanted three integers from 2, at most {MAX_MESH_POINTS} points")


def _check_tolerance(_: object, __: object, tolerance: float) -> None:
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance:g}, wanted a relative change above 0 such as 0.01")


@frozen(eq=False)
class Bands(BaseRecord):
    r"""A crystal with a surface: all phonon branches, any orientation.

    Attributes
    ----------
    mesh : None: refined until M(ω) keeps still
    tolerance : where `mesh` is None: mean relative change of M(ω), in groups of 1/40 of the spectrum, at which a mesh
        is fine enough

    Raises
    ------
    InputError
        for a direction of length zero, a mesh below 2 or above 400,000 points, a tolerance that is not above zero

    Notes
    -----
    Imaginary frequencies (an unstable crystal) are left out with a `ValidityWarning` that names their size.  The
    harmonic bands do not depend on temperature.
    """

    crystal: Crystal
    normal: Array = field(
        factory=z_axis, converter=unit_vector, metadata=about("1", "(3,) Cartesian normal of the surface")
    )
    mesh: MeshShape | None = field(
        default=None, validator=optional(_check_mesh), metadata=about("1", "mesh along each reciprocal lattice vector")
    )
    tolerance: float = field(default=0.01, validator=_check_tolerance, metadata=about("1", "of the spectrum of modes"))

    @classmethod
    def from_phonopy(
        cls,
        path: str | PathLike[str] | Any,
        normal: ArrayLike = (0, 0, 1),
        *,
        miller: tuple[int, int, int] | None = None,
        nac: bool = True,
        sum_rule: bool = True,
        force_constants: str | PathLike[str] | None = None,
        mesh: MeshShape | None = None,
        tolerance: float = 0.01,
    ) -> "Bands":
        """Read a `phonopy.yaml` or `phonopy_params.yaml` with force constants.

        Parameters
        ----------
        path : the file, after which the crystal is named, or a Phonopy object with force constants
        normal : Cartesian normal of the surface in the frame of the file
        miller : instead of `normal`: indices (h k l) of the surface, in the lattice of the file's unit cell
        nac : whether to add the non-analytic term of a polar crystal, where the file has Born charges
        sum_rule : whether to enforce the acoustic sum rule; `crystal.residual` keeps what it was off by
        force_constants : a FORCE_CONSTANTS or force_constants.hdf5 file, where they are not in `path`
        mesh, tolerance : see the class

        Raises
        ------
        DataError
            with file and line, if the file is not what it should be
        InputError
            for a normal, Miller indices or a mesh that make no sense
        """
        with phonopy_path(path) as file:
            crystal = load_crystal(file, nac=nac, sum_rule=sum_rule, force_constants=force_constants)
            if miller is not None:
                normal = miller_normal(Path(file), miller)
        return cls(crystal, normal, mesh, tolerance)

    @property
    def name(self) -> str:
        """Name of the crystal."""
        return self.crystal.name

    @property
    def density(self) -> float:
        """Mass density, kg m⁻³."""
        return self.crystal.density

    @property
    def atoms(self) -> float:
        """Atoms per volume, m⁻³."""
        return self.crystal.atoms

    @cached_property
    def long_wave(self) -> LongWave:
        """The elastic limit."""
        return long_wave(self.crystal)

    @cached_property
    def table(self) -> MeshSpectra:
        """The converged spectra."""
        return converged_spectra(self.crystal, self.normal, self.long_wave, self.mesh, self.tolerance)

    @cached_property
    def spectrum(self) -> BandSpectrum:
        """The spectra without the crystal."""
        return BandSpectrum(name=self.name, density=self.density, atoms=self.atoms, table=self.table)

    @property
    def edges(self) -> Array:
        """(k,) angular frequencies between which theories put their panels, up to the top of the spectrum, rad s⁻¹."""
        return self.spectrum.edges

    def modes(self, omega: ArrayLike) -> Array:
        r"""(nω,) $M(\omega) = 2\pi\sum_j\int_{v_n>0}\frac{d^3q}{(2\pi)^3}\,v_n\,\delta(\omega-\omega_j)$, m⁻²; towards
        ω = 0 exactly the elastic ω² law of the crystal.
        """
        return self.spectrum.modes(omega)

    def density_of_states(self, omega: ArrayLike) -> Array:
        r"""(nω,) $g(\omega) = \sum_j\int\frac{d^3q}{(2\pi)^3}\,\delta(\omega-\omega_j)$, m⁻³ (rad s⁻¹)⁻¹."""
        return self.spectrum.density_of_states(omega)

    def heat_capacity(self, temperature: ArrayLike) -> Array:
        """(nT,) harmonic heat capacity at constant volume, J m⁻³ K⁻¹; 3 k_B per atom when hot."""
        return self.spectrum.heat_capacity(temperature)

    def speeds(self, direction: ArrayLike | None = None) -> Array:
        """(3,) phase velocities of sound along a Cartesian direction (None: the normal), increasing, m s⁻¹."""
        along = self.normal if direction is None else unit_vector(direction)
        return self.long_wave.speeds(along[None], self.normal)[0][0]
