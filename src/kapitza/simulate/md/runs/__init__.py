"""Runs from start to end: between two thermostats, closed, of soft matter, replicas and lengths."""
