"""Interatomic potentials and the force constants that follow from them."""
