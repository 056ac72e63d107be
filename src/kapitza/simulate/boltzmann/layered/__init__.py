"""The Boltzmann equation in layers, solved deterministically."""
