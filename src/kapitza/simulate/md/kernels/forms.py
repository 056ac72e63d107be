"""Compiled functions of each form of potential.  Importing this module needs numba."""

from kapitza.simulate.md.kernels import embedded_atom, harmonic, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.kernels.state import KernelFunctions

KERNELS = {
    "lennard-jones": KernelFunctions(
        lennard_jones.lennard_jones_forces, lennard_jones.lennard_jones_sites, lennard_jones.lennard_jones_partial
    ),
    "stillinger-weber": KernelFunctions(
        stillinger_weber.stillinger_weber_forces,
        stillinger_weber.stillinger_weber_sites,
        stillinger_weber.stillinger_weber_partial,
    ),
    "tersoff": KernelFunctions(tersoff.tersoff_forces, tersoff.tersoff_sites, tersoff.tersoff_partial),
    "embedded-atom": KernelFunctions(
        embedded_atom.embedded_atom_forces, embedded_atom.embedded_atom_sites, embedded_atom.embedded_atom_partial
    ),
    "harmonic": KernelFunctions(harmonic.harmonic_forces, harmonic.harmonic_sites, harmonic.harmonic_partial),
}
