"""Measured temperatures of devices and what follows from them."""
