"""Predict, measure and design with thermal boundary (Kapitza) resistance.

All public names are here and are loaded when they are first used, so that the import itself costs next to nothing.
Their types stand in `__init__.pyi`.
"""

from importlib import import_module
from types import MappingProxyType
from typing import Any

__version__ = "0.1.0"

_ROOMS = ("core", "device", "errors", "io", "matter", "measure", "plot", "run", "simulate", "theory", "units")

_NAMES = MappingProxyType(
    {
        "core.average": ("mean_transmission",),
        "core.conductance": ("DROPS", "Conductance", "in_series"),
        "core.flow": ("finite_conductance", "flux", "noise", "onsager", "power"),
        "core.modal": ("ModalTransmission",),
        "core.phonons": ("Phonons",),
        "core.populations": ("Occupation",),
        "core.profile": ("Jump", "Profile"),
        "core.stack": ("Boundary", "Layer", "Stack"),
        "core.transmission": ("Transmission",),
        "device.admittance": ("admittance", "impedance"),
        "device.beams": ("Beams",),
        "device.setup": ("Plane", "Setup"),
        "errors": ("ConvergenceError", "DataError", "InputError", "KapitzaError", "MissingEngine", "ValidityWarning"),
        "io.curves": ("read_table",),
        "io.films": ("read_films",),
        "io.lifetimes": ("read_lifetimes",),
        "io.junction": ("junction_from_options", "read_junction"),
        "io.eels.hyperspy": ("from_hyperspy", "map_to_hyperspy", "to_hyperspy"),
        "io.eels.read": ("read_eels",),
        "io.eels_files": ("read_experiment", "read_modes"),
        "io.eels_write": ("write_eels",),
        "io.results": ("load", "save"),
        "io.samples": ("read_sample",),
        "matter.bands": ("Bands",),
        "matter.build": ("build_junction", "configurations", "lead_mismatch"),
        "matter.contact_springs": ("Springs", "spring_junction"),
        "matter.crystal": ("Crystal",),
        "matter.disorder": ("Disorder",),
        "matter.engine": ("Engine", "from_calculator"),
        "matter.harmonic": ("crystal_from_ase", "crystal_from_potential"),
        "matter.junction": ("Junction", "Lead"),
        "matter.matching": ("match_surfaces",),
        "matter.mixing": ("junction_from_crystals",),
        "matter.potentials": ("potential", "potentials"),
        "matter.structure": ("Structure", "structure"),
        "matter.extension": ("extended",),
        "matter.layers": ("joined", "mass_junction"),
        "matter.loader": ("load_crystal",),
        "matter.truncation": ("truncated",),
        "matter.dispersion": ("Dispersion", "born_von_karman"),
        "matter.elastic": ("Elastic",),
        "matter.electrons": ("Electrons", "SpinChannels", "metal"),
        "matter.fluid": ("Fluid",),
        "matter.lammps": ("crystal_from_lammps",),
        "matter.library": ("elastic", "fluid", "load_materials", "material", "materials", "solid", "source"),
        "matter.material": ("Material",),
        "matter.sheet": ("Sheet", "sheet"),
        "matter.solid": ("Solid",),
        "measure.catalogue": ("Measurement", "interfaces", "measured"),
        "measure.compare": ("Comparison", "compare", "compare_all"),
        "measure.design": ("Design", "design"),
        "measure.experiment": ("Curve", "Experiment"),
        "measure.eels.contrast": ("SideContrast", "side_contrast"),
        "measure.eels.dark": ("with_dark", "with_dark_count"),
        "measure.eels.design": ("EelsDesign", "design_eels"),
        "measure.eels.fit": ("fit_spectra",),
        "measure.eels.gradients": ("gradients", "isotherm", "line_profile"),
        "measure.eels.interface": ("InterfaceMode", "asymmetry", "interface_components", "summed"),
        "measure.eels.jump": ("InterfaceJump", "fit_jump"),
        "measure.eels.layout": ("best_dwell",),
        "measure.eels.map": ("Flag", "TemperatureMap"),
        "measure.eels.mixture": ("mixed_temperatures", "mixture_test"),
        "measure.eels.model": ("Mode", "SpectrumModel"),
        "measure.eels.plan": ("EelsExperiment", "cramer_rao", "planned_spectra"),
        "measure.eels.populations": ("counted_occupation", "departure_power", "departure_test", "occupations"),
        "measure.eels.resistance": ("AbsoluteResistance", "Known", "absolute_resistance"),
        "measure.eels.shortcuts": (
            "area_temperature",
            "channel_temperature",
            "log_ratio_temperature",
            "window_temperature",
        ),
        "measure.eels.simulate": ("simulate_spectra",),
        "measure.eels.spread": ("PointSpread", "delocalisation"),
        "measure.eels.spectrum": ("SpectrumImage",),
        "measure.eels.survey": ("SpectrumSurvey", "survey_spectra"),
        "measure.eels.vacuum": ("zero_loss",),
        "measure.fit": ("Fit", "Free", "Prior", "Tie", "fit", "told"),
        "measure.phase": ("Lockin", "auto_phase", "find_echo"),
        "measure.profiles": ("check_flux", "correlated", "scan_exclusion"),
        "measure.report": ("report",),
        "measure.sampling": ("sample",),
        "measure.sensitivity": ("Sensitivity", "sensitivity"),
        "measure.series": ("ThicknessSeries", "shared"),
        "measure.simulate": ("simulate_curve", "varied"),
        "measure.thermoreflectance.cooling": ("FilmCooling", "LaserFlash", "ParticleCooling"),
        "measure.thermoreflectance.fdtr": ("Fdtr",),
        "measure.thermoreflectance.steady": ("Raman", "SteadyState"),
        "measure.thermoreflectance.tdtr": ("Tdtr",),
        "measure.thermoreflectance.three_omega": ("ThreeOmega",),
        "run.store": ("Store",),
        "run.work": ("run_units",),
        "simulate.boltzmann.carriers": ("Carriers", "band_carriers", "gray_carriers"),
        "simulate.boltzmann.contacts": ("Crossing", "Wall"),
        "simulate.boltzmann.result": ("Transport",),
        "simulate.boltzmann.transport": ("Film", "transport"),
        "simulate.boltzmann.rates": ("Rates",),
        "simulate.boltzmann.spectra": ("carriers", "group_edges", "group_frequencies"),
        "simulate.boltzmann.resistances": (
            "film_conductivities",
            "fourier_error",
            "interface_conductances",
            "superlattice_conductivities",
            "wall_slip",
        ),
        "theory.agf.conductance": ("agf",),
        "theory.agf.interface_modes": ("InterfaceModes", "interface_modes"),
        "theory.agf.local": ("LocalDensity", "local_density"),
        "theory.agf.local_current": ("LocalCurrent", "local_current"),
        "theory.agf.modes": ("Conversion", "accumulation", "agf_modes", "mode_conversion"),
        "theory.agf.scattering": ("eigenchannels", "scattering", "specularity"),
        "theory.agf.wave_packet": ("wave_packet",),
        "theory.amm": ("amm",),
        "theory.bodies": ("is_path",),
        "theory.angles": ("amm_modes", "angle_map", "critical_angles"),
        "theory.chain": ("Chain", "chain_transmission"),
        "theory.acoustics": ("Interlayer",),
        "theory.contact": ("RoughContact", "pressed_contact", "spot_resistance"),
        "theory.dmm": ("dmm",),
        "theory.electrons": ("electron_phonon",),
        "theory.grain": ("boundary_specularity", "effective_conductivity", "grain_boundary", "twist_boundary"),
        "theory.inelastic": ("capped", "capped_conductance", "capped_power"),
        "theory.khalatnikov": ("Khalatnikov", "khalatnikov", "rayleigh_speed"),
        "theory.knudsen": ("Gas", "gas", "gas_gap", "phonon_slip", "temperature_jump"),
        "theory.layers": ("ballistic_layers", "thermalised_layers"),
        "theory.limits": ("elastic_limit", "inelastic_radiation_limit", "radiation_limit", "specular_limit"),
        "theory.models": ("Estimate", "Model", "applicable", "model", "predict"),
        "theory.references": ("citations", "cite"),
        "theory.sheets": ("sheet_on_solid",),
        "theory.specular": ("mixed", "rough"),
        "theory.spin": ("spin_kapitza",),
        "theory.three_phonon": ("three_phonon", "three_phonon_conductance"),
    }
)

_HOMES = MappingProxyType({name: f"kapitza.{module}" for module, names in _NAMES.items() for name in names})

__all__ = ["__version__", *_ROOMS, *_HOMES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"kapitza.{name}")
    raise AttributeError(f"module 'kapitza' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
