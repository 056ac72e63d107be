"""Atomistic Green's functions: from force constants to the transmission of a junction, mode by mode."""
