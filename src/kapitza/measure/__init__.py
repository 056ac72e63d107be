"""From data to numbers: the catalogue of measurements, and models held against it."""
