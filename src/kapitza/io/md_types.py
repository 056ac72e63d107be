"""Records of molecular dynamics that files hold, with the units of their fields."""

from kapitza.simulate.md.closed_runs import ApproachRun, EquilibriumRun
from kapitza.simulate.md.heat_run import HeatRun
from kapitza.simulate.md.interface_analysis import ModeConductance
from kapitza.simulate.md.layer_spectra import Spectra
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.sizes import SizeSeries
from kapitza.simulate.md.spectral_flux import SpectralFlux

MD_TYPES: tuple[type, ...] = (
    ApproachRun,
    EquilibriumRun,
    HeatRun,
    ModeConductance,
    Record,
    SizeSeries,
    Spectra,
    SpectralFlux,
)

MD_UNITS: dict[str, dict[str, str]] = {
    "ApproachRun": {"length": "m", "density": "m^-3", "highest": "rad s^-1"},
    "EquilibriumRun": {"power": "W", "step": "s", "length": "m", "density": "m^-3", "highest": "rad s^-1"},
    "HeatRun": {"equilibrated": "s", "highest": "rad s^-1"},
    "ModeConductance": {
        "omega": "rad s^-1",
        "near": "1",
        "heat": "W m^-2",
        "heat_sigma": "W m^-2",
        "fluctuation": "W^2 s",
        "fluctuation_sigma": "W^2 s",
        "memory": "W^2",
        "interval": "s",
        "area": "m^2",
        "total": "W m^-2",
        "total_sigma": "W m^-2",
    },
    "Record": {
        "area": "m^2",
        "plane": "m",
        "heights": "m",
        "counts": "1",
        "roles": "0 free, 1 hot, 2 cold, 3 held",
        "block": "s",
        "temperature": "K",
        "heat": "J",
        "energy": "J",
        "power": "W",
        "timestep": "s",
        "ways": "1",
        "seed": "1",
    },
    "SizeSeries": {
        "length": "m",
        "bath": "m",
        "resistance": "m^2 K W^-1",
        "sigma": "m^2 K W^-1",
        "fitted": "m^2 K W^-1 and m^3 K W^-1",
        "mean": "m^2 K W^-1",
        "mean_sigma": "m^2 K W^-1",
        "covariance": "of fitted",
        "chi2": "1",
        "freedom": "1",
        "mean_chi2": "1",
    },
    "Spectra": {"omega": "rad s^-1", "place": "m or rad m^-1", "parts": "J s rad^-1", "counts": "1"},
    "SpectralFlux": {
        "omega": "rad s^-1",
        "parts": "W s rad^-1 m^-2",
        "direct": "W m^-2",
        "counts": "1",
        "motion": "J s rad^-1",
    },
}
