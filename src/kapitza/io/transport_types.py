"""Units of the fields of Monte Carlo results in files."""

TRANSPORT_UNITS: dict[str, dict[str, str]] = {
    "TransportMap": {
        "edges": "m",
        "region": "1",
        "base": "K",
        **dict.fromkeys(("temperature", "temperature_sigma", "lattice", "lattice_sigma"), "K"),
        **dict.fromkeys(("flux", "flux_sigma"), "W m^-2"),
        **dict.fromkeys(("power", "power_sigma", "spectrum", "spectrum_sigma"), "W, W m^-1 or W m^-2, by dimension"),
        **dict.fromkeys(("omega", "bounds"), "rad s^-1"),
        **dict.fromkeys(("modes", "modes_sigma"), "K"),
        **dict.fromkeys(("particles", "events", "seed"), "1"),
    },
    "SpectralEstimate": {
        "omega": "rad s^-1",
        **dict.fromkeys(("share", "covariance", "samples", "kernel", "residual", "slope", "whitening"), "1"),
        **dict.fromkeys(("limit", "left"), "W m^-2 K^-1"),
    },
}
