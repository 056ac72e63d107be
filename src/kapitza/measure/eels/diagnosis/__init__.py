"""What is wrong with a scan, told from its fit: counting statistics, dispersion, detector."""
