"""What a theory of an interface asks of either side."""

from typing import Protocol, runtime_checkable

from kapitza.core.arrays import Array


@runtime_checkable
class Phonons(Protocol):
    """Vibrations of a half space, as its surface sees them.

    Attributes
    ----------
    name : for legends and tables
    edges : (k,) increasing angular frequencies that bound the smooth pieces of `modes`, rad s⁻¹; the last one
        is the top of the spectrum

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza import solid
    >>> from kapitza.core import Phonons
    >>> from kapitza.units import THz
    >>> silicon = solid("Si")
    >>> print(
    ...     isinstance(silicon, Phonons), silicon.modes(np.array([1 * THz])) / silicon.modes(np.array([0.5 * THz]))
    ... )
    True [4.]
    """

    @property
    def name(self) -> str:
        """Name of the material, for legends and tables."""
        ...

    @property
    def edges(self) -> Array:
        """(k,) increasing bounds of the smooth pieces of `modes`, rad s⁻¹."""
        ...

    def modes(self, omega: Array) -> Array:
        r"""(nω,) modes of each frequency that reach the surface, per area, m⁻².

        $M(\omega) = 2\pi \sum \int_{v_z>0} \frac{d^3q}{(2\pi)^3}\, v_z\, \delta(\omega - \omega_q)$
        """
        ...
