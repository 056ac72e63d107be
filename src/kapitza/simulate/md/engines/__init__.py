"""Engines that move atoms: built in, LAMMPS, calculators of ASE, a fake one for tests; decks for LAMMPS and GPUMD."""
