"""Heat flow from spectra: apertures, reversal of the flow, sides of modes and maps of the local resistance."""
