"""Files of Boltzmann transport."""
