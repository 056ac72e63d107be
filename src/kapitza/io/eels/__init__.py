"""Files of electron spectra; readers are loaded when a file of their format is read."""
