r"""Spectra of full bands along one normal, computed once and kept: all that a theory of mismatch asks of a crystal."""

from collections.abc import Callable

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, about, without_unit
from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid
from kapitza.core.records import BaseRecord
from kapitza.matter.spectrum import MeshSpectra, SampledSpectrum, warn_of_imaginary
from kapitza.run.cache import compute_once
from kapitza.run.store import UnitInputs, UnitResult

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
    """Spectra from the cache of this user, where those of the same inputs were computed before.

    Parameters
    ----------
    name : of the crystal
    inputs : all that the spectra depend on: crystal, normal, mesh
    spectrum : what computes them
    """
    computed: list[BandSpectrum] = []

    def kernel() -> UnitResult:
        computed.append(spectrum())
        return _spectrum_arrays(computed[0])

    kept = compute_once(kernel, inputs, version=SPECTRUM_VERSION)
    if computed:
        return computed[0]
    table = _table_of_arrays(kept)
    warn_of_imaginary(name, table)
    return BandSpectrum(name=name, density=float(kept["density"]), atoms=float(kept["atoms"]), table=table)


def _spectrum_arrays(spectrum: BandSpectrum) -> UnitResult:
    """Spectra as arrays by name."""
    table = spectrum.table
    parts = {"modes": table.modes, "states": table.states}
    curves = {f"{name}.{key}": np.asarray(getattr(one, key)) for name, one in parts.items() for key in _CURVE}
    scalars = {name: np.asarray(getattr(table, name), dtype=float) for name in _SCALARS}
    sizes = {"density": np.asarray(spectrum.density), "atoms": np.asarray(spectrum.atoms)}
    return {**curves, **scalars, **sizes, "shape": np.asarray(table.shape)}


def _table_of_arrays(kept: UnitResult) -> MeshSpectra:
    """A table from its arrays."""
    modes, states = (
        SampledSpectrum(
            float(kept[f"{name}.step"]),
            np.asarray(kept[f"{name}.value"], dtype=float),
            np.asarray(kept[f"{name}.low"], dtype=float),
            float(kept[f"{name}.join"]),
        )
        for name in ("modes", "states")
    )
    one, two, three = (int(size) for size in kept["shape"])
    scalars = {name: float(kept[name]) for name in _SCALARS}
    return MeshSpectra(modes=modes, states=states, shape=(one, two, three), **scalars)
