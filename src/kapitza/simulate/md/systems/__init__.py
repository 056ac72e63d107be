"""Systems of atoms: one crystal of two masses, junctions, liquids and tubes, harmonic junctions, wave packets."""
