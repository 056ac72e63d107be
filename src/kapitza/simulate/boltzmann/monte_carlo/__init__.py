"""The Boltzmann equation by Monte Carlo in three dimensions."""
