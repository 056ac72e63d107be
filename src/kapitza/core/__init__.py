"""The quantities that every method shares: transmission, conductance, profile, stack."""
