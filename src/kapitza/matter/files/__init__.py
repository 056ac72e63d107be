"""Readers of force constants and of materials."""
