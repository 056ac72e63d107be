"""Interatomic potentials as plain numbers, which our own kernels and other engines read alike."""

from typing import Literal

from attrs import field, frozen

from kapitza.core.arrays import Array, quantity

Form = Literal["lennard-jones", "stillinger-weber", "tersoff", "harmonic", "other"]


@frozen(eq=False)
class Field:
    """One interatomic potential for some kinds of atoms.

    Attributes
    ----------
    form : which formula; "other" where an engine brings its own and this is but a name
    kinds : names of the kinds of atoms, in the order of the tables
    cutoff : largest distance of two atoms that stand in one term, m
    parameters : arrays of the formula in SI, in the order that its kernels take them
    source : what to cite
    """

    form: Form
    kinds: tuple[str, ...] = field(converter=tuple)
    cutoff: float = field(validator=quantity(high=1e-7))
    parameters: tuple[Array, ...] = field(converter=tuple)
    source: str = field(default="", kw_only=True)

    @property
    def half(self) -> bool:
        """Whether its kernels want each pair of neighbours once; otherwise each atom has all of its own."""
        return self.form == "lennard-jones"
