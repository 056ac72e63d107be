"""Compiled kernels: neighbour lists, forces, thermostats and time steps."""
