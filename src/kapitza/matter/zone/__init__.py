"""The Brillouin zone: points of high symmetry, paths between them, and phonon dispersion along a path."""
