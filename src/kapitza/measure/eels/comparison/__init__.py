"""Measured modes beside computed ones: temperatures, and peaks with their vibrations."""
