"""Molecular dynamics of interfaces: what heat does to atoms, and what atoms do to heat."""
